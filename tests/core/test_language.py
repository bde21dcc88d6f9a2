"""A language: how rare its words are, which pairs are usual, and what is left of a word without its ending."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtig.core.language import RAREST, Language, Pairs

WORD = st.text("abcdefgh", min_size=1, max_size=6)
PAIRS = st.lists(st.tuples(WORD, WORD), max_size=40)


def test_a_word_that_stands_in_no_table_is_the_rarest() -> None:
    english = Language("en", {"the": 3.5})
    assert (english.rarity("the"), english.rarity("thee")) == (3.5, RAREST)
    assert (english.knows("the"), english.knows("thee")) == (True, False)
    assert Language().rarity("the") == RAREST


@pytest.mark.parametrize(("tag", "code"), [("en", "en"), ("EN-gb", "en"), ("de-AT", "de"), ("", "")])
def test_only_the_first_part_of_a_tag_names_the_language(tag: str, code: str) -> None:
    assert Language(tag).code == code


# --- pairs


@given(PAIRS)
def test_a_pair_that_was_put_in_is_always_found(pairs: list[tuple[str, str]]) -> None:
    made = Pairs.of(pairs)
    assert all(made.has(first, second) for first, second in pairs)
    again = Pairs(bytes(made.bits))
    assert all(again.has(first, second) for first, second in pairs)


def test_pairs_that_were_not_put_in_are_hardly_ever_found() -> None:
    made = Pairs.of((f"first{n}", f"second{n}") for n in range(2_000))
    assert len(made.bits) == 2_000 * Pairs.BITS_A_PAIR // 8
    strangers = sum(made.has(f"first{n}", f"second{n + 1}") for n in range(2_000))
    assert strangers < 60


def test_no_pair_is_usual_where_none_is_known() -> None:
    assert not Pairs().has("of", "the")
    assert not Pairs.of([]).has("of", "the")
    assert not Language().usual("of", "the")


def test_a_pair_is_usual_in_its_order_only() -> None:
    english = Language("en", pairs=Pairs.of([("of", "the")]))
    assert english.usual("of", "the")
    assert not english.usual("the", "of")
    assert not english.usual("oft", "he")


# --- sounds and endings


def test_only_english_words_have_sounds() -> None:
    assert Language("en-US").sound("refund") == "refund"
    assert Language("de").sound("vertrag") == ""


@pytest.mark.parametrize(
    ("stem", "words"),
    [
        ("cancel", "cancel cancels canceled canceling cancelled cancelling"),
        ("charg", "charge charges charged charging charger"),
        ("refund", "refund refunds refunded refunding"),
        ("pay", "pay pays paying payment payments payer"),
        ("stop", "stop stops stopped stopping stopper"),
        ("quick", "quick quickly"),
        ("bil", "bill"),
        ("build", "build buildings builder"),
        ("bus", "bus"),
        ("red", "red"),
    ],
)
def test_a_stem_is_what_is_left_without_the_ending(stem: str, words: str) -> None:
    assert {Language().stem(word) for word in words.split()} == {stem}


def test_little_words_that_point_at_something_are_one() -> None:
    pointing = ("a", "an", "the", "this", "that", "these", "those")
    assert {Language().stem(word) for word in pointing} == {"the"}
    assert Language().stem("them") == "them"
    assert Language("de").stem("this") == "this"


def test_in_other_languages_a_word_has_no_ending() -> None:
    assert Language("de").stem("kündigungen") == "kündigungen"
    assert Language("fr").stem("cancelled") == "cancelled"


@given(st.text("abcdeghinosty", max_size=8))
def test_a_stem_is_the_front_of_its_word_and_never_nothing(word: str) -> None:
    stem = Language().stem(word)
    assert word.startswith(stem) or stem == "the"
    assert bool(stem) == bool(word)


def test_little_words_that_point_share_a_stem() -> None:
    english = Language("en")
    assert {english.stem(word) for word in ("a", "an", "this", "those")} == {"the"}
    assert (english.points("this"), english.points("my"), Language("de").points("the")) == (True, False, False)
