"""The pass that serves calls: the graph finds its weights, and what does not fit it is said."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="rtig's `models` extra is not installed")

from rtig import shipped
from rtig.errors import EncoderUnavailable
from rtig.lane.on_onnx import OnnxPass, in_graph
from rtig.lane.weights import JOINED, PARTS, SCALE, TRANSPOSED, Weights, read_weights

GRAPH = shipped.model("encoder.onnx")
LAYER = "bert.encoder.layer.0."
IDS = np.array([[101, 2026, 3021, 102, 0, 0], [101, 1996, 2799, 2003, 2091, 102]])
MASK = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])


@pytest.fixture(scope="module")
def weights() -> Weights:
    return read_weights(shipped.model("encoder.en.safetensors"))


def test_a_text_has_its_vectors_whatever_is_beside_it(weights: Weights) -> None:
    onnx = OnnxPass(GRAPH, weights)
    mean, first = onnx.run(IDS, MASK)
    assert mean.shape == first.shape == (2, 384)
    assert mean.dtype == first.dtype == np.float32
    for alone, together in zip(onnx.run(IDS[:1, :4], MASK[:1, :4]), (mean, first), strict=True):
        assert np.allclose(alone[0], together[0], atol=1e-4)
    assert not np.allclose(mean[0], mean[1], atol=0.1)


def test_matrices_are_given_as_they_are_packed(weights: Weights) -> None:
    given = in_graph(weights)
    inner = LAYER + "intermediate.dense.weight"
    assert given[inner + TRANSPOSED].dtype == np.int8
    assert (given[inner + TRANSPOSED] == weights.packed[inner].T).all()
    assert np.allclose(given[inner + TRANSPOSED].T * given[inner + SCALE][:, None], weights[inner])
    assert np.abs(given[inner + TRANSPOSED]).max() <= 63  # two products of 8 bits must fit in 16


def test_the_parts_of_an_attention_are_one_matrix(weights: Weights) -> None:
    given = in_graph(weights)
    parts = [weights[f"{LAYER}{part}.weight"] for part in PARTS]
    joined = given[f"{LAYER}{JOINED}.weight{TRANSPOSED}"].T * given[f"{LAYER}{JOINED}.weight{SCALE}"][:, None]
    assert np.allclose(joined, np.concatenate(parts))
    assert not [name for name in given if any(part in name for part in PARTS)]


def test_weights_that_are_not_all_there(weights: Weights) -> None:
    for name in ("bert.embeddings.word_embeddings.weight", f"{LAYER}{PARTS[1]}.weight"):
        some = Weights("", {key: array for key, array in weights.packed.items() if not key.startswith(name)})
        with pytest.raises(EncoderUnavailable, match="they are not those of this encoder"):
            OnnxPass(GRAPH, some)
    some = Weights("", {key: array for key, array in weights.packed.items() if "LayerNorm" not in key})
    with pytest.raises(EncoderUnavailable, match=r"encoder\.onnx cannot be run with these weights"):
        OnnxPass(GRAPH, some)


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_a_damaged_graph(tmp_path: Path, weights: Weights, content: bytes) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(content)
    with pytest.raises(EncoderUnavailable, match=r"damaged\.onnx cannot be run with these weights"):
        OnnxPass(damaged, weights)
