"""Weights as they are packed: unpacked as they are asked for, and refused where they are not what was meant."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="rtig's `models` extra is not installed")

from safetensors.numpy import save

from rtig.errors import EncoderUnavailable
from rtig.lane.weights import SCALE, read_weights

MATRIX = np.array([[1, -2], [127, 0], [3, 4]], np.int8)
SCALES = np.array([0.5, 0.25, 2], np.float16)
BIAS = np.array([0.5, -1], np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(save({"a": MATRIX, "a" + SCALE: SCALES, "b": BIAS}))
    return path


def test_they_are_unpacked_by_their_names(file: Path) -> None:
    weights = read_weights(file)
    assert {*weights} == {"a", "b"}
    assert len(weights) == 2
    assert weights["a"].dtype == np.float32
    assert weights["a"].tolist() == [[0.5, -1], [31.75, 0], [6, 8]]
    assert weights["b"].tolist() == BIAS.tolist()
    assert weights.scale("a").tolist() == SCALES.tolist()
    assert weights.packed["a"].dtype == np.int8
    assert weights.get("c") is None
    with pytest.raises(KeyError):
        weights.scale("b")


def test_they_are_named_by_their_hash(file: Path) -> None:
    meant = hashlib.sha256(file.read_bytes()).hexdigest()
    assert read_weights(file, meant.upper()).sha256 == meant
    with pytest.raises(EncoderUnavailable) as other:
        read_weights(file, "0" * 64)
    for words in (str(file), meant, "0" * 64, "damaged"):
        assert words in str(other.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match=r"none\.safetensors is not there"):
        read_weights(tmp_path / "none.safetensors")


@pytest.mark.parametrize("cut", [0, 7, 60, -1])
def test_a_file_that_is_cut_off_holds_no_weights(file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(EncoderUnavailable, match="does not hold weights"):
        read_weights(file)
