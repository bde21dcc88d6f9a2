"""What authors write for "this is said", and one automaton that hears all of it at once.

A phrase is a small regular expression over words: words in order, `(a|b c)` one of several, `?` after a list for "or
nothing", `disconnect*` for endings, `~3` for up to three other words in between. All phrases of a playbook become the
positions of one automaton (Glushkov 1961: one position a word, no empty moves). It is walked as a deterministic
automaton whose states are made when first reached (Thompson's lazy construction, as in grep), so a word costs one
look-up whatever the number of phrases.

A state is all there is to carry from one segment to the next: hearing "cancel my" and then "contract" ends in the same
state as hearing the three words at once. States are compared by identity and belong to their automaton.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rtig.core.text import words
from rtig.errors import PhraseError

_ANY = 0
"""The symbol that stands for every word."""
_STATES_KEPT = 50_000
"""Past this many the look-up tables start again from nothing: a bound on memory, not on what is heard."""


class _Leaf(NamedTuple):
    symbol: str | None  # None: any word
    stem: bool = False


class _Part(NamedTuple):
    """A part of a phrase over positions: where it may begin and end, and whether it may be empty."""

    first: frozenset[int]
    last: frozenset[int]
    empty: bool


class State:
    """Where the automaton is after some words. `heard` are the phrases that end with the last of them."""

    __slots__ = ("_next", "heard", "positions")

    def __init__(self, positions: frozenset[int], heard: tuple[int, ...]) -> None:
        self.positions = positions
        self.heard = heard
        self._next: dict[int, State] = {}


class Automaton:
    """Hears every phrase that it was made of. Phrases are numbered in the order given."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._leaf_symbols: list[int] = []
        self._follow: list[set[int]] = []
        self._phrase_of: list[int] = []
        self._symbols: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        self._stem_lengths: set[int] = set()
        self._first: list[frozenset[int]] = []
        self._last: list[frozenset[int]] = []
        for number, phrase in enumerate(phrases):
            whole = _Reader(phrase, number, self).read()
            self._first.append(whole.first)
            self._last.append(whole.last)
        self._ends = frozenset().union(*self._last)
        self._begins = frozenset().union(*self._first)
        self._precede: list[set[int]] = [set() for _ in self._follow]
        for position, following in enumerate(self._follow):
            for later in following:
                self._precede[later].add(position)
        self._classes: dict[str, int] = {}
        self._class_numbers: dict[tuple[int, ...], int] = {}
        self._class_symbols: list[frozenset[int]] = []
        self._begins_by_symbol = self._by_symbol(self._begins)
        self._states: dict[frozenset[int], State] = {}
        self.start = self._state(frozenset())

    def step(self, state: State, word: str) -> State:
        """The state after one more word."""
        number = self._classes.get(word)
        if number is None:
            number = self._class(word)
        after = state._next.get(number)
        if after is None:
            after = state._next[number] = self._move(state, self._class_symbols[number])
        return after

    def begin_of(self, phrase: int, heard: Iterable[str]) -> int:
        """How many words back the phrase began that has just ended; `heard` are the words, last one first."""
        wanted = set(self._last[phrase])
        for back, word in enumerate(heard):
            number = self._classes.get(word)
            symbols = self._class_symbols[self._class(word) if number is None else number]
            met = {p for p in wanted if self._leaf_symbols[p] in symbols}
            if met & self._first[phrase]:
                return back
            wanted = {q for p in met for q in self._precede[p]}
            if not wanted:
                break
        return 0

    def _move(self, state: State, symbols: frozenset[int]) -> State:
        positions: set[int] = set()
        for position in state.positions:
            for later in self._follow[position]:
                if self._leaf_symbols[later] in symbols:
                    positions.add(later)
        for symbol in symbols:
            positions.update(self._begins_by_symbol.get(symbol, ()))
        return self._state(frozenset(positions))

    def _state(self, positions: frozenset[int]) -> State:
        state = self._states.get(positions)
        if state is None:
            if len(self._states) >= _STATES_KEPT:
                for old in self._states.values():
                    old._next.clear()
                self._states.clear()
            heard = tuple(sorted({self._phrase_of[p] for p in positions & self._ends}))
            state = self._states[positions] = State(positions, heard)
        return state

    def _class(self, word: str) -> int:
        """Words that meet the same symbols are one class; most words of a language are the class that meets none."""
        met = {_ANY}
        if word in self._symbols:
            met.add(self._symbols[word])
        for length in self._stem_lengths:
            stem = self._stems.get(word[:length]) if length <= len(word) else None
            if stem is not None:
                met.add(stem)
        symbols = tuple(sorted(met))
        number = self._class_numbers.get(symbols)
        if number is None:
            number = self._class_numbers[symbols] = len(self._class_symbols)
            self._class_symbols.append(frozenset(symbols))
        if word in self._symbols or len(self._classes) < _STATES_KEPT:
            self._classes[word] = number
        return number

    def _by_symbol(self, positions: Iterable[int]) -> dict[int, tuple[int, ...]]:
        table: dict[int, list[int]] = {}
        for position in positions:
            table.setdefault(self._leaf_symbols[position], []).append(position)
        return {symbol: tuple(found) for symbol, found in table.items()}

    def _leaf(self, leaf: _Leaf, phrase: int) -> _Part:
        if leaf.symbol is None:
            symbol = _ANY
        elif leaf.stem:
            symbol = self._stems.setdefault(leaf.symbol, self._new_symbol())
            self._stem_lengths.add(len(leaf.symbol))
        else:
            symbol = self._symbols.setdefault(leaf.symbol, self._new_symbol())
        position = len(self._leaf_symbols)
        self._leaf_symbols.append(symbol)
        self._follow.append(set())
        self._phrase_of.append(phrase)
        return _Part(frozenset((position,)), frozenset((position,)), empty=False)

    def _new_symbol(self) -> int:
        return len(self._symbols) + len(self._stems) + 1

    def _joined(self, one: _Part, other: _Part) -> _Part:
        for position in one.last:
            self._follow[position] |= other.first
        return _Part(
            one.first | other.first if one.empty else one.first,
            one.last | other.last if other.empty else other.last,
            one.empty and other.empty,
        )


_NOTHING = _Part(frozenset(), frozenset(), empty=True)
_LONGEST_GAP = 12
_ITEM_END = " ()|?~*\t"


class _Reader:
    """Reads one phrase into positions of an automaton."""

    def __init__(self, phrase: str, number: int, automaton: Automaton) -> None:
        self._text = phrase
        self._at = 0
        self._number = number
        self._automaton = automaton

    def read(self) -> _Part:
        whole = self._choice()
        if self._at < len(self._text):
            raise PhraseError(self._at + 1, "this `)` closes nothing")
        if whole.empty:
            raise PhraseError(1, "a phrase must have at least one word that cannot be left out")
        return whole

    def _choice(self) -> _Part:
        parts = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            parts.append(self._sequence())
        return _Part(
            frozenset().union(*(part.first for part in parts)),
            frozenset().union(*(part.last for part in parts)),
            any(part.empty for part in parts),
        )

    def _sequence(self) -> _Part:
        whole = _NOTHING
        gap_at = 0
        while True:
            while self._peek() in (" ", "\t"):
                self._at += 1
            sign = self._peek()
            if sign in ("", "|", ")"):
                break
            at = self._at
            if sign == "~":
                if whole is _NOTHING or gap_at:
                    raise PhraseError(at + 1, "`~` stands between two words")
                gap_at = at + 1
                part = self._gap()
            else:
                gap_at = 0
                part = self._list() if sign == "(" else self._word()
            whole = part if whole is _NOTHING else self._automaton._joined(whole, part)
        if gap_at:
            raise PhraseError(gap_at, "`~` stands between two words")
        return whole

    def _list(self) -> _Part:
        opened = self._at
        self._at += 1
        part = self._choice()
        if self._peek() != ")":
            raise PhraseError(opened + 1, "this `(` is not closed")
        self._at += 1
        if self._peek() == "?":
            self._at += 1
            part = part._replace(empty=True)
        return part

    def _gap(self) -> _Part:
        at = self._at
        self._at += 1
        digits = ""
        while self._peek().isdecimal():
            digits += self._peek()
            self._at += 1
        if not 1 <= len(digits) <= 2 or not 1 <= int(digits) <= _LONGEST_GAP:
            raise PhraseError(at + 1, f"`~` needs a number of words from 1 to {_LONGEST_GAP}, as in `bill ~3 higher`")
        whole = _NOTHING
        for _ in range(int(digits)):
            part = self._automaton._leaf(_Leaf(None), self._number)._replace(empty=True)
            whole = part if whole is _NOTHING else self._automaton._joined(whole, part)
        return whole

    def _word(self) -> _Part:
        start = self._at
        while self._peek() and self._peek() not in _ITEM_END:
            self._at += 1
        heard = self._text[start : self._at]
        norms = words(heard).norms
        if self._peek() == "?":
            raise PhraseError(self._at + 1, "`?` goes after a list, as in `(my)?`")
        if not norms:
            raise PhraseError(start + 1, "a filler or a punctuation mark is never heard as a word")
        stem = self._peek() == "*"
        if stem:
            self._at += 1
            if len(norms) > 1 or len(norms[0]) < 3:
                raise PhraseError(start + 1, "`*` needs at least three letters of one word before it")
            if self._peek() not in _ITEM_END:
                raise PhraseError(self._at + 1, "`*` stands at the end of a word")
        whole = _NOTHING
        for norm in norms:
            part = self._automaton._leaf(_Leaf(norm, stem), self._number)
            whole = part if whole is _NOTHING else self._automaton._joined(whole, part)
        return whole

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]
