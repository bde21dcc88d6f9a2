"""Phrases: what every sign matches, what is refused and where, and a plain regular expression as the oracle."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rtig.core import phrases
from rtig.core.phrases import Automaton, State
from rtig.core.text import words
from rtig.errors import PhraseError


def heard(automaton: Automaton, text: str) -> list[list[tuple[int, int, int]]]:
    """After each word the phrases that end with it, as (phrase, first word, last word)."""
    state = automaton.start
    found = []
    spoken = words(text).norms
    for index, word in enumerate(spoken):
        state = automaton.step(state, word)
        found.append([(p, index - automaton.begin_of(p, spoken[index::-1]), index) for p in state.heard])
    return found


def matches(phrase: str, text: str) -> list[str]:
    """The stretches of words that a phrase is heard in."""
    spoken = words(text).norms
    return [" ".join(spoken[a : b + 1]) for step in heard(Automaton([phrase]), text) for _, a, b in step]


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
    ],
)
def test_what_an_author_writes_matches_what_the_page_says(phrase: str, text: str, found: list[str]) -> None:
    assert matches(phrase, text) == found


@pytest.mark.parametrize(
    ("phrase", "column", "problem"),
    [
        ("", 1, "at least one word"),
        ("   ", 1, "at least one word"),
        ("(my)?", 1, "at least one word"),
        ("(my)? (bill)?", 1, "at least one word"),
        ("my |", 1, "at least one word"),
        ("cancel)", 7, "closes nothing"),
        ("cancel (my|the", 8, "not closed"),
        ("a (b (c d) e", 3, "not closed"),
        ("my? bill", 3, "goes after a list"),
        ("? bill", 1, "goes after a list"),
        ("my um bill", 4, "never heard"),
        ("my ... bill", 4, "never heard"),
        ("my [laughter] bill", 4, "never heard"),
        ("my * bill", 4, "never heard"),
        ("(my|the)* bill", 9, "never heard"),
        ("my bi* now", 4, "three letters"),
        ("my don't* now", 4, "three letters"),
        ("discon*nect", 8, "end of a word"),
        ("~3 bill", 1, "between two words"),
        ("bill ~3", 6, "between two words"),
        ("bill ~3 ~2 higher", 9, "between two words"),
        ("bill (~3 higher)", 7, "between two words"),
        ("bill ~ higher", 6, "from 1 to 12"),
        ("bill ~0 higher", 6, "from 1 to 12"),
        ("bill ~13 higher", 6, "from 1 to 12"),
        ("bill ~² higher", 6, "from 1 to 12"),
        ("bill ~" + "9" * 5_000 + " higher", 6, "from 1 to 12"),
        ("bill ~three higher", 6, "from 1 to 12"),
    ],
)
def test_a_phrase_that_cannot_be_read_is_refused_with_its_place(phrase: str, column: int, problem: str) -> None:
    with pytest.raises(PhraseError, match=problem) as refused:
        Automaton(["good phrase", phrase])
    assert refused.value.column == column


def test_nothing_is_heard_inside_a_word() -> None:
    automaton = Automaton(["bill", "can", "art", "plan*"])
    for text in ("billing", "cancel", "start", "airplane", "o'bill", "एबिल", "bill\u0301"):
        assert not any(heard(automaton, text)), text


def test_phrases_that_overlap_are_all_heard() -> None:
    automaton = Automaton(["cancel my", "cancel my contract", "my contract", "contract", "cancel ~2 contract"])
    assert heard(automaton, "cancel my contract") == [
        [],
        [(0, 0, 1)],
        [(1, 0, 2), (2, 1, 2), (3, 2, 2), (4, 0, 2)],
    ]


def test_the_latest_begin_is_the_one_that_counts() -> None:
    assert matches("bill ~3 higher", "bill bill bill higher") == ["bill higher"]
    assert matches("(my)? bill", "my bill") == ["bill"]
    assert matches("no no", "no no no") == ["no no", "no no"]


def test_a_set_of_no_phrases_hears_nothing() -> None:
    automaton = Automaton([])
    assert automaton.step(automaton.start, "word") is automaton.start


def test_one_phrase_twice_is_heard_twice() -> None:
    assert heard(Automaton(["my bill", "my bill"]), "my bill") == [[], [(0, 0, 1), (1, 0, 1)]]


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


def _sequence(parts: tuple[list[Pattern], list[int]]) -> Pattern:
    items, gaps = parts
    phrase, regex = items[0]
    for item, gap in zip(items[1:], gaps, strict=False):
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


def compare(patterns: list[Pattern], spoken: list[str]) -> None:
    automaton = Automaton([p.phrase for p in patterns])
    found = heard(automaton, " ".join(spoken))
    for number, pattern in enumerate(patterns):
        got = {last: first for step in found for p, first, last in step if p == number}
        assert got == expected(pattern, spoken), pattern.phrase


@settings(max_examples=400, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), SPOKEN)
def test_phrases_hear_exactly_what_a_regular_expression_finds(patterns: list[Pattern], spoken: list[str]) -> None:
    assume(not any(re.fullmatch(p.regex, "") for p in patterns))
    compare(patterns, spoken)


@settings(max_examples=100, deadline=None)
@given(PATTERNS)
def test_a_phrase_is_refused_exactly_where_it_would_match_nothing_at_all(pattern: Pattern) -> None:
    if re.fullmatch(pattern.regex, ""):
        with pytest.raises(PhraseError):
            Automaton([pattern.phrase])
    else:
        Automaton([pattern.phrase])


@settings(max_examples=100, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), st.lists(SPOKEN, min_size=1, max_size=4))
def test_forgetting_states_does_not_change_what_is_heard(patterns: list[Pattern], texts: list[list[str]]) -> None:
    assume(not any(re.fullmatch(p.regex, "") for p in patterns))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phrases, "_STATES_KEPT", 2)
        for spoken in texts:
            compare(patterns, spoken)
        automaton = Automaton([p.phrase for p in patterns])
        for spoken in texts:
            heard(automaton, " ".join(spoken))
        assert len(automaton._states) <= 2
        unbounded = Automaton([p.phrase for p in patterns])
    for spoken in texts:
        assert heard(automaton, " ".join(spoken)) == heard(unbounded, " ".join(spoken))


@settings(max_examples=100, deadline=None)
@given(st.lists(PATTERNS, min_size=1, max_size=3), SPOKEN, st.integers(0, 12))
def test_a_state_is_all_that_is_carried_over_a_cut(patterns: list[Pattern], spoken: list[str], cut: int) -> None:
    assume(not any(re.fullmatch(p.regex, "") for p in patterns))
    automaton = Automaton([p.phrase for p in patterns])

    def walk(state: State, text: list[str]) -> State:
        for word in text:
            state = automaton.step(state, word)
        return state

    assert walk(walk(automaton.start, spoken[:cut]), spoken[cut:]) is walk(automaton.start, spoken)


def test_words_without_number_do_not_fill_the_memory() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phrases, "_STATES_KEPT", 10)
        automaton = Automaton(["disconnect* now"])
        for number in range(100):
            automaton.step(automaton.start, f"word{number}")
            automaton.step(automaton.start, f"disconnect{number}")
        assert len(automaton._classes) <= 12
        assert heard(automaton, "disconnect77 now")[1] == [(0, 0, 1)]
