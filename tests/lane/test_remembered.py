"""The vectors that come with rtig: near to those of the encoder, complete, and harmless where they do not fit."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="rtig's `models` extra is not installed")

from rtig import shipped
from rtig.core.text import normal
from rtig.lane.encoder import Encoder, shipped_sha256
from rtig.lane.remembered import Vectors, remember, remembered

NEGATIVES = [
    normal(line)
    for line in shipped.model("negatives.en.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("# ")
]
TEXTS = ["hello", "the line is bad", "naïve café"]


@pytest.fixture
def vectors() -> Vectors:
    drawn = np.random.default_rng(1).normal(size=(len(TEXTS), 384)).astype(np.float32)
    units: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return units


@pytest.fixture
def file(tmp_path: Path, vectors: Vectors) -> Path:
    path = tmp_path / "negatives.xx.npz"
    remember(path, "v1", TEXTS, vectors)
    return path


def test_a_round_trip_loses_next_to_nothing(file: Path, vectors: Vectors) -> None:
    held = remembered("v1", [file])
    assert len(held) == len(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert text in held
        assert held[text].dtype == np.float32
        assert np.linalg.norm(held[text]) == pytest.approx(1)
        assert held[text] @ vector >= 0.9999


def test_what_is_not_there_is_not_remembered(file: Path) -> None:
    held = remembered("v1", [file])
    assert "goodbye" not in held
    with pytest.raises(KeyError):
        held["goodbye"]


def test_another_encoders_vectors_are_not_used(file: Path) -> None:
    assert len(remembered("v2", [file])) == 0


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, file: Path, content: bytes) -> None:
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(content)
    np.savez(tmp_path / "other.npz", something=np.zeros(1))
    assert len(remembered("v1", [damaged, tmp_path / "missing.npz", tmp_path / "other.npz", file])) == len(TEXTS)


def test_the_same_vectors_give_the_same_bytes(tmp_path: Path, file: Path, vectors: Vectors) -> None:
    again = tmp_path / "again.npz"
    remember(again, "v1", TEXTS[::-1], vectors[::-1])
    assert again.read_bytes() == file.read_bytes()


def test_every_shipped_negative_has_its_vector() -> None:
    """Where one has not, the negatives were changed: run `make vectors`."""
    held = remembered(shipped_sha256()[:12])
    assert [text for text in NEGATIVES if text not in held] == []
    assert len(held) == len(set(NEGATIVES))


def test_shipped_vectors_are_those_of_the_encoder() -> None:
    encoder, anew = Encoder(), Encoder(known=remembered("", ()))
    some = NEGATIVES[::200]
    assert (np.sum(encoder.encode(some) * anew.encode(some), axis=1) >= 0.9999).all()


def test_known_and_new_texts_are_encoded_side_by_side() -> None:
    encoder = Encoder()
    texts = [NEGATIVES[0], "a sentence that nobody has shipped", NEGATIVES[1], NEGATIVES[0]]
    assert all(text in remembered(encoder.version) for text in texts[::2])
    vectors = encoder.encode(texts)
    assert vectors.shape == (4, encoder.width)
    assert np.array_equal(vectors[0], vectors[3])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
