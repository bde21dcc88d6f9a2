"""Cues, held against what people say: the words that count, and their near misses that do not."""

import re

import pytest

from rtig.core.cues import BY_LANGUAGE, ENGLISH, NONE, Cue, cues_of
from rtig.core.text import words


def norms(text: str) -> str:
    """The text as cues see it."""
    return " ".join(words(text).norms)


def weight(cues: tuple[Cue, ...], text: str) -> float:
    return sum(cue.weight for cue in cues if cue.pattern.search(norms(text)))


def test_a_language_has_its_cues_or_none() -> None:
    assert cues_of("en") is ENGLISH
    assert cues_of("nl") is NONE
    assert not NONE.question.search("is it")
    assert weight(NONE.asks, "I want a refund") == 0


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("when", "I'll call you by Friday at the latest", "by friday at the latest"),
        ("when", "it takes three to five business days", "three to five business days"),
        ("when", "on the 28th", "on the 28th"),
        ("when", "and what was the second thing", None),
        ("lead_in", "Okay, so, um, good morning, I have lost my card", "okay so good morning "),
        ("lead_in", "no card was left", None),
        ("lead_in", "thanks for calling", None),
        ("lead_out", "it is sent is there anything else I can do", " is there anything else i can do"),
        ("lead_out", "is there anything else on the bill you need", None),
        ("aside", "can you hear me now", "can you hear me now"),
        ("aside", "can you help me with my router", None),
        ("question", "how long does it take", "how long"),
        ("question", "however long it takes", None),
        ("reference", "it's two oh five eight three", "two oh five eight three"),
        ("reference", "QPDRTK8Q1R", "qpdrtk8q1r"),
        ("reference", "two of them", None),
        ("gives_name", "my name is Linda Brown and I have lost it", "my name is linda brown"),
        ("gives_name", "this is ridiculous", None),
        ("outcome", "still not working", "still not working"),
        ("outcome", "I said it works on the cable", "it works"),
        ("undertakes", "let me just check that for you", "let me just check"),
        ("undertakes", "I can see two payments", None),
    ],
)
def test_what_a_cue_finds(name: str, text: str, found: str | None) -> None:
    pattern: re.Pattern[str] = getattr(ENGLISH, name)
    match = pattern.match(norms(text)) if name in ("lead_in", "question") else pattern.search(norms(text))
    assert (match.group() if match else None) == found


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("asks", "I'd like to cancel my contract", "I like your adverts"),
        ("asks", "my parcel never arrived", "my parcel has arrived"),
        ("did", "I've sent you the form", "have you sent us the form"),
        ("did", "your viewing has been booked", "your viewing is at noon"),
        ("customer_did", "I have already restarted it twice", "I will restart it"),
        ("promises", "someone will call you", "someone called you"),
        ("promises", "I'll post it", "I'll be able to help you"),
    ],
)
def test_what_a_cue_weighs(name: str, more: str, less: str) -> None:
    cues: tuple[Cue, ...] = getattr(ENGLISH, name)
    assert weight(cues, more) > weight(cues, less) == 0


@pytest.mark.parametrize("text", ["No, that's all, thank you very much!", "ok great, bye now", "Thanks for your help"])
def test_a_courtesy_holds_nothing_else(text: str) -> None:
    assert ENGLISH.courtesy.fullmatch(norms(text))
    assert not ENGLISH.courtesy.fullmatch(norms(f"{text} The router is broken"))


@pytest.mark.parametrize("language", sorted(BY_LANGUAGE))
def test_cues_take_no_time_on_a_speech(language: str) -> None:
    """No pattern goes back over the same words again and again."""
    speech = "i will the the and i have just just been now one two to three anything else thanks so much " * 200
    for field in cues_of(language):
        for cue in field if isinstance(field, tuple) else (field,):
            pattern = cue.pattern if isinstance(cue, Cue) else cue
            if isinstance(pattern, re.Pattern):
                assert sum(1 for _ in pattern.finditer(speech)) >= 0
