"""Sentiment: the lexicon's reading, corrected by what words mean in service talk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig.core.sentiment import Sentiment

PLAIN = Sentiment(SentimentIntensityAnalyzer(), {})


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("this is terrible and I am furious", -1.0, -0.5),
        ("thank you so much that is wonderful", 0.5, 1.0),
        ("the router is on the shelf", 0.0, 0.0),
        ("not good at all", -0.6, -0.1),
        ("", 0.0, 0.0),
        ("!!!", 0.0, 0.0),
    ],
)
def test_a_reading_lies_between_minus_one_and_one(text: str, low: float, high: float) -> None:
    assert low <= PLAIN.read(text) <= high


def test_a_weight_of_nothing_takes_a_word_out() -> None:
    assert PLAIN.read("I want to cancel") < 0
    calm = Sentiment(SentimentIntensityAnalyzer(), {"Cancel": 0, "want": 0})
    assert calm.read("I want to cancel") == 0.0
    assert calm.weight("cancel") == 0.0


def test_a_weight_of_its_own_changes_a_word_whatever_its_case() -> None:
    ours = Sentiment(SentimentIntensityAnalyzer(), {"Unbearable": -3.5, "outage": -1.5})
    assert PLAIN.read("the outage is unbearable") == 0.0
    assert ours.read("the outage is UNBEARABLE") < -0.5
    assert (ours.weight("Unbearable"), ours.weight("OUTAGE"), ours.weight("table")) == (-3.5, -1.5, 0.0)


def test_corrections_of_one_playbook_do_not_reach_another() -> None:
    Sentiment(SentimentIntensityAnalyzer(), {"terrible": 0})
    assert PLAIN.weight("terrible") < 0


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    assert -1.0 <= PLAIN.read(text) <= 1.0
