"""The lattice: which words of phrases a heard word may have been, how sure that is, and what it can never be."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from rtig.core import lattice
from rtig.core.language import RAREST, Language, Pairs
from rtig.core.lattice import (
    APART,
    MISSPELT,
    OTHER_ENDING,
    OTHER_SOUND,
    RUN_TOGETHER,
    SAME_SOUND,
    Lattice,
)

RARITY = {"the": 3.5, "for": 4.0, "build": 10.0, "wall": 9.0}
ENGLISH = Language("en", RARITY, Pairs.of([("of", "the"), ("now", "here")]))
GERMAN = Language("de")


def made(*words: str, stems: tuple[str, ...] = (), known: Language = ENGLISH) -> Lattice:
    return Lattice(words, stems, known)


def may_be(word: str, heard_as: str, known: Language = ENGLISH) -> float | None:
    """The evidence, in nats, that the one was meant where the other was heard."""
    return made(word, known=known).read(heard_as).fuzzy.get(0)


def test_a_word_may_be_of_any_length() -> None:
    assert made("aaah").read("a" * 400).exact == ()


# --- as it was written


def test_a_word_of_a_phrase_is_that_word() -> None:
    found = made("refund", "money").read("money")
    assert (found.exact, found.pairs, found.rarity) == ((1,), (), RAREST)
    assert 1 not in found.fuzzy


def test_a_word_is_all_stems_that_it_begins_with_too() -> None:
    found = made("disconnected", stems=("disc", "disconnect", "re"))
    assert found.read("disconnected").exact == (0, -1, -2)
    assert found.read("disconnect").exact == (-1, -2)
    assert found.read("dis").exact == ()
    assert found.read("re").exact == (-3,)


def test_a_word_of_no_phrase_is_read_as_nothing() -> None:
    found = made("refund", "money", stems=("disconnect",)).read("banana")
    assert found == lattice.Reading((), {}, (), RAREST)


def test_how_rare_a_word_is_comes_with_its_reading() -> None:
    assert made("refund").read("the").rarity == 3.5


# --- through errors


@pytest.mark.parametrize(
    ("word", "heard_as", "chance"),
    [
        ("refund", "refnd", MISSPELT - 1),
        ("refund", "rfeund", MISSPELT - 1),  # two letters that changed places
        ("contracts", "cntracs", MISSPELT - 2),
        ("refund", "refunds", OTHER_ENDING),
        ("cancel", "cancelled", OTHER_ENDING),
        ("wear", "where", SAME_SOUND),
        ("fund", "found", SAME_SOUND + OTHER_SOUND),
    ],
)
def test_each_way_to_hear_a_word_has_its_chance(word: str, heard_as: str, chance: float) -> None:
    assert may_be(word, heard_as) == chance + RAREST


@pytest.mark.parametrize(
    ("word", "heard_as"),
    [
        ("bill", "bxxl"),  # two letters of four
        ("pay", "pxy"),  # three letters are too few for an error
        ("contract", "xxxtract"),  # three letters
        ("card", "code42"),
        ("call", "wall"),  # another kind of consonant
        ("4512", "4513"),  # digits are never misheard
        ("one's", "ones"),
    ],
)
def test_what_is_too_far_off_is_never_meant(word: str, heard_as: str) -> None:
    assert may_be(word, heard_as) is None


def test_a_common_word_is_little_sign_of_another() -> None:
    assert may_be("four", "for") == SAME_SOUND + 4.0
    assert may_be("four", "fore") == SAME_SOUND + RAREST


def test_a_word_by_itself_was_not_misspelt() -> None:
    assert may_be("billed", "build") == 10.0 + SAME_SOUND  # it sounds the same; its letters count for nothing
    assert may_be("guild", "build") is None
    assert may_be("build", "guild") == MISSPELT - 1 + RAREST


def test_the_likeliest_of_several_ways_counts() -> None:
    assert may_be("refunds", "refund") == OTHER_ENDING + RAREST
    assert may_be("wear", "whear") == SAME_SOUND + OTHER_SOUND / 2 + RAREST > MISSPELT - 1 + RAREST


@pytest.mark.parametrize(
    ("word", "heard_as", "found"),
    [
        ("gift", "gxft", True),  # by its letters
        ("vertrag", "fertrag", True),
        ("kündigung", "kundigung", True),
        ("kündigen", "kündigens", True),
        ("wear", "where", False),  # by its sound
        ("buch", "bucher", False),
    ],
)
def test_words_of_another_language_are_compared_by_their_letters_alone(word: str, heard_as: str, found: bool) -> None:
    assert (may_be(word, heard_as, GERMAN) is not None) is found


def test_longer_words_may_sound_further_off() -> None:
    assert may_be("bit", "bet") is not None
    assert may_be("bit", "boats") is None
    assert may_be("manager", "managed") is not None


# --- stems


def test_a_stem_is_heard_where_one_letter_of_it_differs() -> None:
    found = made(stems=("disconnect",))
    for heard_as in ("disconected", "disconnnected", "disconmect", "dsiconnecting", "isconnected"):
        assert found.read(heard_as).fuzzy == {-1: MISSPELT - 1 + RAREST}, heard_as
    for heard_as in ("disconected", "connected", "isconected", "xxconnected"):
        assert (found.read(heard_as).fuzzy != {}) is (heard_as == "disconected"), heard_as


def test_a_stem_that_is_written_so_is_no_error() -> None:
    assert made(stems=("disconnect",)).read("disconnected").fuzzy == {}


def test_a_short_stem_is_heard_as_written_only() -> None:
    assert made(stems=("disco",)).read("disko").fuzzy == {}


# --- torn apart and run together


def test_one_heard_word_may_be_two() -> None:
    found = made("my", "money", "a", "i", "is", "it", "no")
    assert found.read("mymoney").pairs == ((0, 1, RUN_TOGETHER + RAREST),)
    assert found.read("amoney").pairs == ((2, 1, RUN_TOGETHER + RAREST),)
    assert found.read("moneyi").pairs == ((1, 3, RUN_TOGETHER + RAREST),)
    assert found.read("isit").pairs == ()  # too short


def test_no_single_letter_but_a_and_i_is_a_word_by_itself() -> None:
    found = made("m", "money", "y")
    assert found.read("mmoney").pairs == found.read("moneyy").pairs == ()


def test_a_word_by_itself_was_hardly_run_together() -> None:
    assert made("wal", "l", "wa", "ll", "fo", "r").read("wall").pairs == ()  # too short
    assert made("bu", "ild", "build").read("build").pairs == ((0, 1, APART + 10.0),)
    assert made("over", "charged").read("over7charged").pairs == ()


def test_two_heard_words_may_be_one() -> None:
    found = made("refund", "broadband", "overcharged", "4512")
    assert found.pair("re", "fund").joined == ((0, APART),)
    assert found.pair("broad", "banned").joined == ((1, APART),)  # by its sound
    assert found.pair("re", "found").joined == ((0, APART + 1.5 * OTHER_SOUND),)
    assert found.pair("over", "judged").joined == ()
    assert found.pair("re", "bound").joined == ()
    assert found.pair("45", "12").joined == ()


def test_two_words_with_little_sound_are_not_one() -> None:
    assert made("today").pair("to", "day").joined == ((0, APART),)
    assert made("am").pair("a", "em").joined == ((0, APART + 1.5 * OTHER_SOUND),)
    assert made("eye").pair("a", "e").joined == ()
    assert made("vertrag", known=GERMAN).pair("ver", "trag").joined == ((0, APART),)
    assert made("vertrag", known=GERMAN).pair("fer", "trag").joined == ()


def test_words_that_often_stand_side_by_side_are_usual() -> None:
    found = made("refund")
    assert (found.pair("of", "the").usual, found.pair("re", "fund").usual) == (True, False)


def test_two_pairs_that_run_together_alike_are_told_apart() -> None:
    for pairs in ((("no", "where"), ("now", "here")), (("now", "here"), ("no", "where"))):
        found = made("refund")
        assert {pair: found.pair(*pair).usual for pair in pairs} == {("now", "here"): True, ("no", "where"): False}


# --- remembering


def test_what_was_looked_up_is_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lattice, "_KEPT", 3)
    found = made("refund")
    first = found.read("refnd")
    assert found.read("refnd") is first
    for number in range(7):
        found.read(f"word{number}")
    assert len(found._readings) <= 3
    assert found.read("refnd") == first


# --- whatever is heard

VOCABULARY = ("refund", "refunds", "money", "my", "contract", "bill", "build", "pay", "a", "i", "over", "charged")
_LETTERS = "acdefghinortuxy"


@st.composite
def heard(draw: st.DrawFn) -> str:
    """A word of the vocabulary, or two, with a few letters that changed."""
    word = "".join(draw(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(word)))
        word = word[:at] + draw(st.sampled_from((*_LETTERS, ""))) + word[at + draw(st.integers(0, 1)) :]
    return word


@settings(max_examples=500)
@given(heard())
def test_every_word_within_its_letters_is_found(word: str) -> None:
    reading = made(*VOCABULARY).read(word)
    for symbol, known in enumerate(VOCABULARY):
        allowed = 0 if len(known) < 4 else 1 if len(known) < 8 else 2
        if known == word:
            assert symbol in reading.exact
        elif OSA.distance(word, known) <= allowed and word.isalpha() and not ENGLISH.knows(word):
            assert symbol in reading.fuzzy, known
    assert all(math.isfinite(evidence) for evidence in reading.fuzzy.values())
    assert not set(reading.exact) & set(reading.fuzzy)
    for first, second, _ in reading.pairs:
        assert VOCABULARY[first] + VOCABULARY[second] == word
