import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.core.language import Language
from rtig.core.matcher import Matcher, Spoken
from rtig.core.text import words
from rtig.knowledge.nearness import near, wordings

LEAVES = st.sampled_from(["bill", "doubled", "don't", "disconnect*", "too"])
PHRASES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" ".join),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]}|{parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]})? {parts[1]}"),
        st.tuples(inner, inner).map(lambda parts: f"{parts[0]} ~2 {parts[1]}"),
    ),
    max_leaves=5,
)


@settings(derandomize=True, max_examples=200)
@given(PHRASES)
def test_each_wording_is_heard_by_the_matcher(phrase: str) -> None:
    """What an author is told that one could say is what is heard."""
    made = Matcher([Spoken(phrase)], Language())
    for wording in wordings(phrase):
        said = [word.rstrip("*") for word in wording]
        _, found = made.walk(made.start, said)
        assert [(index, bent) for index, _, _, bent, *_ in found][-1:] == [(len(said) - 1, 0)]


@settings(derandomize=True, max_examples=100)
@given(PHRASES)
def test_what_is_said_is_as_near_as_can_be(phrase: str) -> None:
    for wording in wordings(phrase):
        found = near(phrase, [word.rstrip("*") for word in wording])
        assert found is not None
        assert (found.share, found.missing) == (1.0, ())


def test_wordings() -> None:
    assert list(wordings("cancel (my|the)? (plan|old contract)")) == [
        ("cancel", "plan"),
        ("cancel", "old", "contract"),
        ("cancel", "my", "plan"),
        ("cancel", "my", "old", "contract"),
        ("cancel", "the", "plan"),
        ("cancel", "the", "old", "contract"),
    ]
    assert list(wordings("don't ~3 disconnect*|stop it")) == [("do", "not", "disconnect*"), ("stop", "it")]


def test_what_is_missing_is_named_as_it_is_written() -> None:
    found = near(
        "cancel (my|the)? ~2 (big (red|blue) plan|deal) disconnect* close+ {amount}", words("cancel now").norms
    )
    assert found is not None
    assert found.missing == ("(big (red|blue) plan|deal)", "disconnect*", "close+")


@pytest.mark.parametrize(
    ("phrase", "said", "share", "missing", "span"),
    [
        ("cancel my contract", "I want to cancel the contract", 0.89, ("my",), ("cancel", "contract")),
        ("bill ~2 (doubled|too high)", "the bill is a good deal too high", 1.0, (), ("bill", "high")),
        ("speak to a manager", "a manager will speak", 0.9, ("to",), ("a", "speak")),
        ("speak to (the|a) manager", "to a", 0.2, ("speak", "manager"), ("to", "a")),
        ("bill ~3~ doubled", "doubled today", 0.5, ("bill",), ("doubled", "doubled")),
        ("disconnect+ (me|us)", "you disconnected", 0.8, ("(me|us)",), ("disconnected", "disconnected")),
    ],
)
def test_how_near(phrase: str, said: str, share: float, missing: tuple[str, ...], span: tuple[str, str]) -> None:
    heard = words(said).norms
    found = near(phrase, heard)
    assert found is not None
    assert (round(found.share, 2), found.missing) == (share, missing)
    assert (heard[found.first], heard[found.last]) == span


def test_nothing_of_it() -> None:
    assert near("speak to a manager", words("hello there").norms) is None
    assert near("speak to a manager", ()) is None


def test_words_far_apart_are_not_taken_together() -> None:
    found = near("cancel contract", ("cancel", *["word"] * 20, "contract"))
    assert found is not None
    assert found.missing == ("contract",)
