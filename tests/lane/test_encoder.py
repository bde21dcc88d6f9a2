"""The encoder with the weights that are installed: they are those that are meant, and texts become what they mean."""

from pathlib import Path

import numpy as np
import pytest

from rtig.errors import EncoderUnavailable
from rtig.lane.encoder import MOODS, MOST_TOGETHER, Encoder, _groups, shipped_sha256

TEXTS = ("my bill is far too high", "the router keeps losing its connection", "what does my plan cost me", "good bye")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_vectors_have_length_one_and_sentences_that_mean_the_same_are_near(encoder: Encoder) -> None:
    vectors = encoder.encode([*TEXTS, "why do i pay so much this month"])
    assert vectors.shape == (5, Encoder.width)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    near = vectors[:4] @ vectors[4]
    assert near.argmax() == 0
    assert near[0] > near[1] + 0.2


def test_each_text_has_its_vector_whatever_it_is_read_beside(encoder: Encoder) -> None:
    """Longer ones beside it are a matter of padding, and of the order in which batches are read."""
    texts = [f"{'it is about the bill and ' * (n % 7)}number {n}" for n in range(2 * MOST_TOGETHER)]
    together = encoder.encode(texts)
    alone = Encoder().encode(texts[::-1])[::-1]
    assert np.allclose(together, alone, atol=1e-4)
    assert np.allclose(together[5], Encoder().encode([texts[5]])[0], atol=1e-4)


@pytest.mark.parametrize(
    ("lengths", "groups"),
    [
        ([], []),
        ([9], [(0, 1)]),
        ([3, 3, 4], [(0, 3)]),
        ([3, 4, 40, 41], [(0, 2), (2, 4)]),
        ([3, 40], [(0, 1), (1, 2)]),
        ([7] * (MOST_TOGETHER + 1), [(0, 1), (1, MOST_TOGETHER + 1)]),
    ],
)
def test_texts_go_together_where_that_costs_less_than_what_is_padded(
    lengths: list[int], groups: list[tuple[int, int]]
) -> None:
    assert _groups(lengths) == groups


def test_a_mood_is_read_beside_the_meaning(encoder: Encoder) -> None:
    texts = ["this is the third time i call and nobody helps me", "thank you so much that is wonderful"]
    moods, emotions = encoder.scores(texts)
    assert moods.shape == (2, len(MOODS))
    assert np.allclose(moods.sum(axis=1), 1, atol=1e-5)
    assert ((emotions > 0) & (emotions < 1)).all()
    upset, pleased = encoder.tones(texts)
    assert upset.upset > 0.5 > upset.pleased
    assert pleased.pleased > 0.5 > pleased.upset
    assert encoder.tones([]) == []
    assert encoder.scores([])[0].shape == (0, len(MOODS))


def test_nothing_and_the_same_twice(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, Encoder.width)
    once, other, again = encoder.encode([TEXTS[0], TEXTS[1], TEXTS[0]])
    assert (once == again).all()
    assert (once != other).any()
    assert np.isfinite(encoder.encode([""])).all()


def test_what_was_read_lately_is_not_read_again(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = encoder.encode(TEXTS)

    monkeypatch.delattr(encoder, "_pass")
    encoder.tones(TEXTS)
    assert (encoder.encode(TEXTS[::-1]) == before[::-1]).all()


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtig.lane.encoder.REMEMBERED", 2)
    encoder = Encoder()
    vectors = encoder.encode(TEXTS)
    assert list(encoder._remembered) == list(TEXTS[2:])
    assert np.allclose(encoder.encode(TEXTS[:1])[0], vectors[0], atol=1e-4)


def test_a_text_that_is_too_long_is_cut(encoder: Encoder) -> None:
    long = "the bill " * 100
    assert np.allclose(encoder.encode([long])[0], encoder.encode([long + "and a word more"])[0])


def test_the_weights_are_named_by_what_they_are(encoder: Encoder) -> None:
    assert shipped_sha256().startswith(encoder.version)


def test_other_weights_must_be_there_and_be_the_ones_that_are_meant(tmp_path: Path) -> None:
    weights = tmp_path / "other.safetensors"
    with pytest.raises(EncoderUnavailable, match=r"other\.safetensors is not there"):
        Encoder(weights)
    weights.write_bytes(b"not a network")
    with pytest.raises(EncoderUnavailable) as damaged:
        Encoder(weights, shipped_sha256())
    for words in (str(weights), shipped_sha256(), "damaged"):
        assert words in str(damaged.value)


def test_a_vocabulary_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match=r"pieces\.txt is not there"):
        Encoder(pieces=tmp_path / "pieces.txt")
