"""Sounds: how a word is spoken, what two that are taken for each other share, and how far apart they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtig.core.sounds import outline, outlines_near, phonemes, steps, worn

LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", max_size=14)


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("refund", "refund"),
        ("contract", "kontrakt"),
        ("phone", "fOn"),
        ("knife", "nIf"),
        ("wrap", "rap"),
        ("which", "wiC"),
        ("bridge", "briJ"),
        ("catch", "kaC"),
        ("school", "skUl"),
        ("queen", "kwEn"),
        ("black", "blak"),
        ("ship", "Sip"),
        ("chip", "Cip"),
        ("thing", "TiN"),
        ("thank", "TaNk"),
        ("finger", "fiNg@"),
        ("climb", "klim"),
        ("autumn", "otum"),
        ("accept", "aksept"),
        ("cent", "sent"),
        ("gentle", "Jentl"),
        ("caught", "kot"),
        ("slight", "slIt"),
        ("weigh", "wA"),
    ],
)
def test_letters_that_are_spoken_together_are_one_sound(word: str, sounds: str) -> None:
    assert phonemes(word) == sounds


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("nation", "naS@n"),
        ("musician", "musiS@n"),
        ("special", "speS@l"),
        ("famous", "fam@s"),
        ("picture", "pikC@"),
        ("measure", "mEZ@"),
        ("table", "tabl"),
        ("apples", "aplz"),
        ("handled", "handld"),
        ("waited", "wAtid"),
        ("asked", "askt"),
        ("played", "plAd"),
        ("boxes", "boksiz"),
        ("wishes", "wiSiz"),
        ("cats", "kats"),
        ("cars", "korz"),
        ("happy", "hapE"),
        ("pizza", "piz@"),
        ("late", "lAt"),
        ("like", "lIk"),
        ("home", "hOm"),
        ("most", "mOst"),
        ("kind", "kInd"),
        ("walk", "wok"),
        ("slow", "slO"),
        ("window", "windO"),
        ("loud", "lWd"),
        ("boil", "bYl"),
        ("bird", "b@d"),
        ("store", "stor"),
        ("care", "ker"),
        ("fire", "fIr"),
        ("beer", "bEr"),
        ("doctor", "dokt@"),
        ("exit", "iksit"),
        ("my", "mI"),
        ("house", "hWs"),
        ("verify", "verifI"),
        ("verified", "verifId"),
        ("studies", "studEz"),
        ("package", "pakiJ"),
        ("prices", "prIsiz"),
        ("strange", "strAnJ"),
        ("dollar", "dol@"),
        ("work", "w@k"),
        ("unit", "yUnit"),
    ],
)
def test_endings_and_vowels_are_spoken_as_their_neighbours_ask_for(word: str, sounds: str) -> None:
    assert phonemes(word) == sounds


@pytest.mark.parametrize(
    ("word", "sounds"), [("enough", "inuf"), ("receipt", "risEt"), ("one", "wun"), ("b", "bE"), ("w", "dublyU")]
)
def test_words_that_follow_no_rule_are_known_by_heart(word: str, sounds: str) -> None:
    assert phonemes(word) == sounds


@pytest.mark.parametrize(("word", "sounds"), [("pm", "pEem"), ("tv", "tEvE"), ("by", "bI")])
def test_letters_without_a_vowel_are_spelled_out(word: str, sounds: str) -> None:
    assert phonemes(word) == sounds


@pytest.mark.parametrize(
    ("one", "other"),
    [("four", "for"), ("wear", "where"), ("two", "to"), ("knot", "not"), ("sale", "sail"), ("plain", "plane")],
)
def test_words_that_sound_the_same_are_spoken_the_same(one: str, other: str) -> None:
    assert phonemes(one) == phonemes(other)
    assert steps(phonemes(one), phonemes(other)) == 0


@pytest.mark.parametrize("text", ["", "4512", "b4", "don't", "café", "счет", "解約", "two words"])
def test_what_is_no_word_of_english_letters_has_no_sound(text: str) -> None:
    assert phonemes(text) == ""


def test_a_sound_is_spoken_once_where_two_letters_give_it() -> None:
    assert (phonemes("letter"), phonemes("rabbit"), phonemes("account")) == ("let@", "rabit", "akWnt")


# --- what words have in common


def test_an_outline_keeps_kinds_of_consonants_and_where_vowels_are() -> None:
    assert outline(phonemes("bit")) == outline(phonemes("bad")) == outline(phonemes("boat")) == "p1t"
    assert outline(phonemes("ship")) != outline(phonemes("chip"))
    assert outline("kAOk") == "k1k"


def test_an_r_that_is_hardly_heard_is_left_out() -> None:
    assert outline("kord") == outline("kod") == "k1t"
    assert outline("hEr") == "h1"
    assert outline("radE@") == "r1t1"
    assert outline("her@") == "h1r1"


def test_a_weak_consonant_at_the_end_wears_off_a_shape_that_is_long_enough() -> None:
    assert [worn(shape) for shape in ("p1t", "k1ns", "k1p", "1t", "t", "")] == ["p1", "k1n", "k1p", "1t", "t", ""]


def test_an_n_or_l_at_the_end_is_lost_but_not_taken_for_the_other() -> None:
    assert outlines_near("n1") == ("n1", "n1n", "n1l")
    assert outlines_near("n1n") == ("n1n", "n1")
    assert outlines_near("p1t") == ("p1",)
    assert outlines_near("1n") == ("1n",)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("bat", "bad", 0.5),  # another sound of the same kind
        ("bit", "bet", 0.5),  # a vowel of the same colour
        ("bit", "boat", 1.0),  # a vowel of another colour
        ("ship", "chip", 2.0),  # a consonant of another kind
        ("refund", "refunds", 2.0),
        ("contract", "contrac", 1.0),  # a weak one at the end
        ("my", "mine", 1.0),
        ("ten", "tell", 2.0),
    ],
)
def test_words_are_so_many_steps_apart(one: str, other: str, apart: float) -> None:
    assert steps(phonemes(one), phonemes(other)) == apart


@given(LETTERS)
def test_any_letters_can_be_spoken(word: str) -> None:
    sounds = phonemes(word)
    assert set(sounds) <= set("pbtdkgfvszmnlrwyhNSZCJTDaeiouAEIOUWY@")
    assert set(outline(sounds)) <= set("ptkfsSCnlrwyh1")
    assert steps(sounds, sounds) == 0


@given(LETTERS, LETTERS)
def test_steps_are_the_same_both_ways(one: str, other: str) -> None:
    there, back = steps(phonemes(one), phonemes(other)), steps(phonemes(other), phonemes(one))
    assert there == back >= 0
