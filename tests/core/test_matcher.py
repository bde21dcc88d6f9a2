"""The matcher: what is heard as it was written, what through a recogniser's errors, and what is not."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from calls import matcher
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rtig.core import matcher as matching
from rtig.core.language import Language
from rtig.core.matcher import BAN, Mark, Matcher, Spoken
from rtig.core.phrases import parse
from rtig.core.slots import OneOf
from rtig.core.slots import Pattern as Spelled
from rtig.core.text import words
from rtig.errors import PhraseError
from rtig.knowledge.base import language

ENGLISH = language("en")


def heard(made: Matcher, text: str) -> list[tuple[int, int, int]]:
    """The phrases in a text, as (phrase, first word, last word)."""
    _, found = made.walk(made.start, words(text).norms)
    return [(phrase, index - length + 1, index) for index, phrase, length, *_ in found]


def matches(phrase: str, text: str, *, tolerant: bool = False) -> list[str]:
    """The stretches of words that a phrase is heard in."""
    spoken = words(text).norms
    made = Matcher([Spoken(phrase, tolerant)], ENGLISH)
    return [" ".join(spoken[first : last + 1]) for number, first, last in heard(made, text) if number == 0]


def through_errors(phrase: str, text: str) -> bool:
    return bool(matches(phrase, text, tolerant=True))


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("cancel my contract", "please cancel my contract now", ["cancel my contract"]),
        ("cancel my contract", "cancel the contract", []),
        ("Cancel MY Contract!", "CANCEL, my: contract", ["cancel my contract"]),
        ("cancel my contract", "cancel um my uh contract", ["cancel my contract"]),
        ("do not want", "I don't want it", ["do not want"]),
        ("I don't want", "I do not want it", ["i do not want"]),
        ("(cancel|end|stop) (my|the) (contract|plan)", "end the plan", ["end the plan"]),
        ("(cancel|end|stop) (my|the) (contract|plan)", "end a plan", []),
        ("cancel (my|the)? contract", "cancel contract", ["cancel contract"]),
        ("cancel (my|the)? contract", "cancel the contract", ["cancel the contract"]),
        ("cancel (my|the)? contract", "cancel my the contract", []),
        ("(speak to|call) (a (good|real)? manager|supervisor)", "call a real manager", ["call a real manager"]),
        ("disconnect*", "disconnect disconnected reconnect", ["disconnect", "disconnected"]),
        ("(dis|re)connect", "dis connect", ["dis connect"]),
        ("gone up (twice)?", "gone up twice", ["gone up", "gone up twice"]),
        ("too high | gone up", "it has gone up and is too high", ["gone up", "too high"]),
        ("pre-paid", "a pre paid card", ["pre paid"]),
        ("bill ~2 higher", "bill higher", ["bill higher"]),
        ("bill ~2 higher", "bill is much higher", ["bill is much higher"]),
        ("bill ~2 higher", "bill is so much higher", []),
        ("bill ~12 higher", "bill " + "so " * 12 + "higher", ["bill " + "so " * 12 + "higher"]),
        ("bill ~12 higher", "bill " + "so " * 13 + "higher", []),
        ("bill ~1 (so)? higher", "bill is so higher", ["bill is so higher"]),
        ("bill~2higher", "bill is higher", ["bill is higher"]),
        ("bill\t~2\thigher", "bill is higher", ["bill is higher"]),
        ("kündig*", "ich möchte KÜNDIGEN", ["kündigen"]),
        ("iptal etm*", "İptal etmek", ["iptal etmek"]),
        ("bill ~3~ doubled", "bill has now doubled", ["bill has now doubled"]),
        ("bill ~3~ doubled", "doubled my bill", ["doubled my bill"]),
        ("bill ~1~ doubled", "doubled on my bill", []),
        ("close+ account", "closing account", ["closing account"]),
        ("close+ account", "enclose account", []),
        ("two lines", "I have 2 lines", ["two lines"]),
        ("解約", "解約したいです", ["解約"]),
        ("京都", "東京都に住んでいます", []),
    ],
)
def test_what_an_author_writes_matches_what_the_page_says(phrase: str, text: str, found: list[str]) -> None:
    assert matches(phrase, text) == found


@pytest.mark.parametrize(
    ("phrase", "inside"),
    [
        ("bill", "billing o'bill bill\u0301 handbill"),
        ("plan*", "airplane explanation"),
        ("art", "start artful"),
        ("vertrag", "mietvertrag vertragspartner mietvertragsende"),
        ("konto", "kontonummer girokonto"),
        ("iptal", "iptalini iptaller"),
        ("fatura", "faturam faturalar efatura"),
        ("счет", "счетчик расчет счета"),
        ("банк", "банкомат сбербанк"),
        ("बिल", "एबिल बिलकुल"),
        ("कर", "करना शक्कर"),
        ("京都", "東京都 京都府"),
        ("カード", "クレジットカード カードローン"),
    ],
)
def test_nothing_is_heard_inside_a_word_in_any_language(phrase: str, inside: str) -> None:
    for code in ("en", "de", "tr", "ru", "hi", "ja"):
        for tolerant in (True, False):
            made = Matcher([Spoken(phrase, tolerant)], Language(code))
            for word in inside.split():
                assert heard(made, word) == [], (code, word)
            assert heard(made, f"x {phrase.rstrip('*')} x")


def test_phrases_that_overlap_are_all_heard() -> None:
    made = matcher("cancel my", "cancel my contract", "my contract", "contract", "cancel ~2 contract", tolerant=False)
    assert heard(made, "cancel my contract") == [(0, 0, 1), (1, 0, 2), (2, 1, 2), (3, 2, 2), (4, 0, 2)]


def test_the_latest_begin_is_the_one_that_counts() -> None:
    assert matches("bill ~3 higher", "bill bill bill higher") == ["bill higher"]
    assert matches("(my)? bill", "my bill") == ["bill"]
    assert matches("no no", "no no no") == ["no no", "no no"]


def test_a_matcher_of_no_phrases_hears_nothing() -> None:
    made = matcher()
    state, found = made.walk(made.start, ("word", "other"))
    assert (found, state.idle) == ([], True)


def test_one_phrase_twice_is_heard_twice() -> None:
    assert heard(matcher("my bill", "my bill"), "my bill") == [(0, 0, 1), (1, 0, 1)]


def test_a_slot_that_nobody_declared_is_refused() -> None:
    with pytest.raises(PhraseError, match="no slot `colour`"):
        matcher("a {colour} router")


# --- slots and what must not follow


def marks(phrase: str, text: str) -> list[tuple[Mark, ...]]:
    made = Matcher([Spoken(phrase)], ENGLISH, {"card_type": OneOf({"rewards": ("reward", "air miles")})})
    return [found for *_, found, _ in made.walk(made.start, words(text).norms)[1]]


def test_a_slot_marks_the_words_that_it_takes() -> None:
    assert marks("my {card_type} card", "about my air miles card") == [(Mark("card_type", 1, 2),)]
    assert marks("pay {amount}", "pay twenty five") == [(Mark("amount", 1, 1),), (Mark("amount", 1, 2),)]
    assert marks("{number} to {number}", "from 5 to ten")[-1] == (Mark("number", 0, 0), Mark("number", 2, 2))
    assert marks("my {card_type} card", "about my credit card") == []


def test_the_whole_of_a_value_is_taken_and_not_its_end() -> None:
    assert marks("{amount} please", "twenty five pounds please") == [(Mark("amount", 0, 2),)]


def test_a_run_that_is_no_value_does_not_hide_one_that_is() -> None:
    assert marks("{number} lines", "press one and two lines") == [(Mark("number", 0, 0),)]
    assert marks("reference (is)? {number}", "reference is 5") == [(Mark("number", 2, 2),)]
    assert marks("card (number)? {card_type}", "card number rewards") == [(Mark("card_type", 2, 2),)]
    assert marks("pay {amount} ~1 now", "pay five and now") == [(Mark("amount", 1, 1),)]


def test_a_value_that_begins_with_a_word_that_may_be_left_out_is_taken_without_it() -> None:
    made = Matcher([Spoken("reference (is)? {code}")], ENGLISH, {"code": Spelled("[a-z]{2}[0-9]{2}")})
    _, found = made.walk(made.start, ["reference", "is", "ab12"])
    assert [match[4] for match in found] == [(Mark("code", 2, 2),)]


def test_of_two_ways_that_are_as_long_the_one_with_the_whole_value_counts() -> None:
    assert marks("pay (double)? {number}", "pay double five") == [(Mark("number", 1, 2),)]


def test_a_value_ends_at_a_pause_and_the_phrase_goes_on() -> None:
    made = Matcher([Spoken("pay {amount} (today)?")], ENGLISH)
    state, _ = made.walk(made.start, ("pay", "twenty"))
    paused = made.paused(state)
    assert [match[4] for match in made.walk(state, ("five", "today"))[1]] == [(Mark("amount", 1, 2),)] * 2
    assert made.walk(paused, ("five", "today"))[1] == []
    assert [match[4] for match in made.walk(paused, ("today",))[1]] == [(Mark("amount", 1, 1),)]
    assert made.paused(paused) is paused
    before_it, _ = made.walk(made.start, ("pay",))
    assert made.paused(before_it) is before_it


def test_what_must_not_follow_may_follow_words_that_were_heard_otherwise() -> None:
    made = Matcher([Spoken("cancel my contract !(phone)")], ENGLISH)
    _, found = made.walk(made.start, ["cancle", "my", "contract", "phone"])
    assert [match[1] for match in found] == [0, made.bans[0]]


def test_what_must_not_follow_takes_back_each_place_that_it_follows() -> None:
    made = Matcher([Spoken("pay {amount} !(pounds later|later)")], ENGLISH)
    _, found = made.walk(made.start, ["pay", "twenty", "pounds", "later"])
    assert [match[4] for match in found if match[1] == made.bans[0]] == [(Mark(BAN, 0, 2),), (Mark(BAN, 0, 1),)]


def test_what_must_not_follow_is_marked_with_where_the_phrase_ended() -> None:
    made = matcher("my bill !(cycle|due date)", tolerant=False)
    ban = made.bans[0]
    assert [match[:5] for match in made.walk(made.start, ("my", "bill", "is"))[1]] == [(1, 0, 2, 0, ())]
    found = [match[:5] for match in made.walk(made.start, ("my", "bill", "due", "date"))[1]]
    assert found == [(1, 0, 2, 0, ()), (3, ban, 4, 0, (Mark(BAN, 0, 1),))]


# --- through a recogniser's errors


@pytest.mark.parametrize(
    ("phrase", "heard_as"),
    [
        ("cancel my contract", "cancle my contract"),
        ("cancel my contract", "cancelled my contract"),
        ("cancel my contract", "cancel mycontract"),
        ("cancel my contract", "can cel my contract"),
        ("refund my money", "re fund my money"),
        ("refund my money", "refnd my money"),
        ("refund my money", "refundmy money"),
        ("been overcharged", "been over charged"),
        ("speak to the manager", "speak to the manger"),
        ("the weather for today", "the weather four today"),
        ("where are you", "wear are you"),
        ("disconnect* my line", "disconected my line"),
        ("account number", "account numbers"),
        ("two lines", "to lines"),
    ],
)
def test_a_phrase_is_heard_through_errors(phrase: str, heard_as: str) -> None:
    assert through_errors(phrase, heard_as)
    assert not matches(phrase, heard_as, tolerant=False)


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("read me the code", "read me the card"),
        ("sorry about", "worry about"),
        ("this call", "this wall"),
        ("four", "for"),
        ("pay", "bay"),
        ("my carer", "my card number"),
        ("change my name", "change the game"),
        ("on tuesday", "on thursday"),
        ("fifty pounds", "fifteen pounds"),
        ("account 4512", "account 4513"),
    ],
)
def test_real_words_are_not_taken_for_others_without_good_reason(phrase: str, said: str) -> None:
    assert not through_errors(phrase, said)


def test_a_confusion_that_is_a_common_word_needs_the_words_around_it() -> None:
    assert not through_errors("four", "for")
    assert not through_errors("is four", "is for")
    assert not through_errors("need four routers", "need for routers")
    assert through_errors("weather for birmingham", "weather four birmingham")
    assert through_errors("pay for the broken phone", "pay four the broken phone")


def test_what_was_said_is_never_lost_to_what_may_have_been_meant() -> None:
    made = Matcher([Spoken("to lines"), Spoken("two lines"), Spoken("too many lines")], ENGLISH)
    _, found = made.walk(made.start, words("two lines to lines too many lines").norms)
    assert [(index, phrase) for index, phrase, _, bent, *_ in found if not bent] == [(1, 1), (3, 0), (6, 2)]


def test_an_exact_match_is_preferred_to_a_bent_one_of_the_same_phrase() -> None:
    made = Matcher([Spoken("(refund|refunds|refunded) my money")], ENGLISH)
    _, found = made.walk(made.start, ("refunds", "my", "money"))
    assert [(bent, length) for _, _, length, bent, *_ in found] == [(0, 3)]


def test_two_bent_words_in_a_row_are_too_many() -> None:
    assert through_errors("cancel my broadband contract today", "cancel my brodband contract tody")
    assert not through_errors("cancel my broadband contract today", "cancel my brodband contrct today")


# --- the oracle: the same phrase as a regular expression over words with a space after each


class Pattern(NamedTuple):
    phrase: str
    regex: str


VOCABULARY = ("aa", "bb", "cc", "abcd", "abce", "abc")
_WORD = st.sampled_from(VOCABULARY).map(lambda w: Pattern(w, f"{w} "))
_STEM = st.sampled_from(("abc", "abcd", "aab")).map(lambda w: Pattern(f"{w}*", rf"{w}\w* "))


def _listed(parts: tuple[list[Pattern], bool]) -> Pattern:
    alternatives, optional = parts
    sign = "?" if optional else ""
    return Pattern(
        f"({'|'.join(p.phrase for p in alternatives)}){sign}", f"(?:{'|'.join(p.regex for p in alternatives)}){sign}"
    )


def _must_be(item: Pattern) -> bool:
    return not re.fullmatch(item.regex, "")


def _sequence(parts: tuple[list[Pattern], list[int]]) -> Pattern:
    items, gaps = parts
    phrase, regex = items[0]
    for at, (item, gap) in enumerate(zip(items[1:], gaps, strict=False), 1):
        # A gap is between two words: none is left where nothing on its one side must be said.
        if not (any(_must_be(i) for i in items[:at]) and any(_must_be(i) for i in items[at:])):
            gap = 0
        phrase += f" ~{gap} {item.phrase}" if gap else f" {item.phrase}"
        regex += (rf"(?:\w+ ){{0,{gap}}}" if gap else "") + item.regex
    return Pattern(phrase, regex)


def _sequences(items: st.SearchStrategy[Pattern], longest: int) -> st.SearchStrategy[Pattern]:
    gaps = st.lists(st.sampled_from((0, 0, 0, 1, 2, 3)), min_size=longest, max_size=longest)
    return st.tuples(st.lists(items, min_size=1, max_size=longest), gaps).map(_sequence)


def _lists(items: st.SearchStrategy[Pattern]) -> st.SearchStrategy[Pattern]:
    alternatives = st.lists(_sequences(items, 2), min_size=1, max_size=3)
    return st.tuples(alternatives, st.booleans()).map(_listed)


_PLAIN = st.one_of(_WORD, _WORD, _STEM)
PATTERNS = _sequences(st.one_of(_PLAIN, _PLAIN, _lists(st.one_of(_PLAIN, _lists(_PLAIN)))), 4)
SPOKEN = st.lists(st.sampled_from((*VOCABULARY, "abcdef", "xx")), max_size=12)


def expected(pattern: Pattern, spoken: Sequence[str]) -> dict[int, int]:
    """For each word that ends a match, the latest word that a match ending there begins with."""
    whole = re.compile(pattern.regex)
    return {
        last: first
        for last in range(len(spoken))
        for first in range(last + 1)
        if whole.fullmatch("".join(f"{w} " for w in spoken[first : last + 1]))
    }


def of(patterns: list[Pattern], *, tolerant: bool = False) -> Matcher:
    try:
        return matcher(*(p.phrase for p in patterns), tolerant=tolerant)
    except PhraseError as error:
        assume("ways to say this" not in str(error))  # a few patterns have more than a phrase may have
        raise


def compare(patterns: list[Pattern], spoken: list[str]) -> None:
    found = heard(of(patterns), " ".join(spoken))
    for number, pattern in enumerate(patterns):
        got = {last: first for p, first, last in found if p == number}
        assert got == expected(pattern, spoken), pattern.phrase


@settings(max_examples=400)
@given(st.lists(PATTERNS, min_size=1, max_size=3), SPOKEN)
def test_phrases_hear_exactly_what_a_regular_expression_finds(patterns: list[Pattern], spoken: list[str]) -> None:
    assume(not any(re.fullmatch(p.regex, "") for p in patterns))
    compare(patterns, spoken)


@settings(max_examples=100)
@given(PATTERNS)
def test_a_phrase_is_refused_exactly_where_it_would_match_nothing_at_all(pattern: Pattern) -> None:
    if re.fullmatch(pattern.regex, ""):
        with pytest.raises(PhraseError):
            parse(pattern.phrase)
    else:
        parse(pattern.phrase)


@settings(max_examples=300)
@given(st.lists(PATTERNS, min_size=1, max_size=3), SPOKEN, st.integers(0, 12), st.booleans())
def test_a_state_is_all_that_is_carried_over_a_cut(
    patterns: list[Pattern], spoken: list[str], cut: int, tolerant: bool
) -> None:
    assume(not any(re.fullmatch(p.regex, "") for p in patterns))
    made = of(patterns, tolerant=tolerant)
    whole, found = made.walk(made.start, spoken)
    between, first = made.walk(made.start, spoken[:cut])
    after, second = made.walk(between, spoken[cut:])
    assert after == whole
    assert [*first, *((match[0] + len(spoken[:cut]), *match[1:]) for match in second)] == found
    kept: list[matching.State] = []
    made.walk(made.start, spoken, kept)
    assert len(kept) == len(spoken)
    assert all(state == made.walk(made.start, spoken[: n + 1])[0] for n, state in enumerate(kept))


GARBLED = st.lists(
    st.sampled_from(
        [
            "cancel",
            "cancle",
            "my",
            "contract",
            "contracts",
            "con",
            "tract",
            "bill",
            "bil",
            "build",
            "doubled",
            "double",
            "the",
            "re",
            "fund",
            "refund",
            "refunded",
            "money",
            "mony",
            "youwant",
            "you",
            "want",
            "to",
            "two",
            "too",
            "for",
            "four",
            "lines",
            "line",
        ]
    ),
    max_size=14,
)
TOLERANT = Matcher(
    [
        Spoken(phrase)
        for phrase in (
            "cancel my contract",
            "bill ~2 doubled",
            "refund my money",
            "you want two lines",
            "for my contract",
        )
    ],
    ENGLISH,
)


@settings(max_examples=300)
@given(GARBLED, st.integers(0, 14))
def test_errors_are_heard_through_a_cut_too(spoken: list[str], cut: int) -> None:
    whole, found = TOLERANT.walk(TOLERANT.start, spoken)
    between, first = TOLERANT.walk(TOLERANT.start, spoken[:cut])
    after, second = TOLERANT.walk(between, spoken[cut:])
    assert after == whole
    assert [*first, *((match[0] + len(spoken[:cut]), *match[1:]) for match in second)] == found


def test_words_without_number_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_KEPT", 10)
    monkeypatch.setattr("rtig.core.lattice._KEPT", 10)
    made = matcher("disconnect* now")
    for number in range(100):
        made.walk(made.start, (f"word{number}", f"disconnect{number}"))
    assert len(made._begins) <= 10
    assert len(made._lattice._readings) <= 10
    assert all(len(steps) <= 10 for steps in made._steps)
    assert heard(made, "disconnect77 now") == [(0, 0, 1)]
