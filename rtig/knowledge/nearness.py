"""How near some words came to a phrase: what an author wants to know of a trigger that did not fire.

A phrase is read here as the things one could say for it: a row of slots, each with its alternatives. How many of the
slots some words fill is a measure that an author can follow, and the slots left empty are the answer.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

from rtig.core.text import words

_WORDINGS = 400
"""Wordings of a phrase that are looked at; lists multiply."""
_SLACK = 3
"""Words more than the phrase has, among which its words are looked for."""
_SMALL_WEIGHS = 0.25

_SMALL_WORDS = (
    "a about am an and any are as at be been but by can could did do does done for from get go had has have he her him "
    "his how i if in is it its just know let like make may me more my no not now of off on one or our out say see she "
    "so some still take tell that the their them then there they thing this to up us was we were what when where "
    "which who why will with would you your"
)
_SERVICE_WORDS = (
    "account again bill call cancel day good hello help hi line minute money month need new number ok okay order pay "
    "payment phone please price problem question right service sorry thank thanks time today want well work yeah yes"
)
SMALL = frozenset(_SMALL_WORDS.split())
"""Words that say nothing by themselves."""
COMMON = SMALL | frozenset(_SERVICE_WORDS.split())
"""Words that any service call is full of."""


class Slot(NamedTuple):
    """One place in a phrase. `options` are words in order, a `*` after a word for its endings; none for a gap."""

    written: str
    options: tuple[tuple[str, ...], ...]
    optional: bool
    width: int
    """Words that it takes at most."""


Row = tuple[Slot, ...]


class Near(NamedTuple):
    """How near some words came. `first` and `last` are the words (from 0) that fill slots of the phrase."""

    share: float
    """Of the phrase's words, 0 to 1; small words count less."""
    missing: tuple[str, ...]
    """The slots that stayed empty, as written. None: the words were there, in another order or too far apart."""
    first: int
    last: int


def rows(phrase: str) -> tuple[Row, ...]:
    """A phrase that can be read, as the rows of slots that it stands for (several only for `a|b` outside a list)."""
    return tuple(_Reader(phrase).choice())


def wordings(phrase: str) -> Iterator[tuple[str, ...]]:
    """What one could say for a phrase, word by word; gaps are left out, endings stay as `*`."""
    for row in rows(phrase):
        options = [((), *slot.options) if slot.optional else slot.options for slot in row if slot.options]
        for choice in islice(product(*options), _WORDINGS):
            yield tuple(word for option in choice for word in option)


def near(phrase: str, heard: Sequence[str]) -> Near | None:
    """How near a row of words (`text.words(...).norms`) came to a phrase; None where nothing of it was there."""
    found = [best for row in rows(phrase) if (best := _nearest(row, heard)) is not None]
    return max(found, key=lambda n: (n.share, -len(n.missing)), default=None)


def _nearest(row: Row, heard: Sequence[str]) -> Near | None:
    needed = [slot for slot in row if slot.options and not slot.optional]
    whole = sum(_weight(slot) for slot in needed)
    reach = sum(slot.width for slot in row) + _SLACK
    places = [_places(slot, heard) for slot in needed]
    best: Near | None = None
    for begin in sorted({start for found in places for start, _ in found}):
        met = [next((p for p in found if begin <= p[0] and p[1] < begin + reach), None) for found in places]
        share = sum(_weight(slot) for slot, place in zip(needed, met, strict=True) if place) / whole
        if best is None or share > best.share:
            spans = [place for place in met if place]
            missing = tuple(slot.written for slot, place in zip(needed, met, strict=True) if not place)
            best = Near(share, missing, min(s for s, _ in spans), max(e for _, e in spans))
    return best


def _places(slot: Slot, heard: Sequence[str]) -> list[tuple[int, int]]:
    """Where a slot is filled: first and last word."""
    return [
        (start, start + len(option) - 1)
        for start in range(len(heard))
        for option in slot.options
        if len(option) <= len(heard) - start
        and all(_same(word, heard[start + offset]) for offset, word in enumerate(option))
    ]


def _same(written: str, heard: str) -> bool:
    return heard.startswith(written[:-1]) if written.endswith("*") else heard == written


def _weight(slot: Slot) -> float:
    small = all(word in SMALL for option in slot.options for word in option)
    return _SMALL_WEIGHS if small else 1.0


class _Reader:
    """Reads a phrase whose grammar `phrases.Automaton` has accepted."""

    def __init__(self, phrase: str) -> None:
        self._text = phrase
        self._at = 0

    def choice(self) -> list[Row]:
        found = [self._row()]
        while self._peek() == "|":
            self._at += 1
            found.append(self._row())
        return found

    def _row(self) -> Row:
        row: list[Slot] = []
        while (sign := self._peek()) not in ("", "|", ")"):
            start = self._at
            if sign in " \t":
                self._at += 1
            elif sign == "(":
                row.append(self._list(start))
            elif sign == "~":
                self._at += 1
                width = int(self._while("0123456789"))
                row.append(Slot(self._text[start : self._at], (), True, width))
            else:
                while self._peek() and self._peek() not in " ()|?~*\t":
                    self._at += 1
                norms = words(self._text[start : self._at]).norms
                if self._peek() == "*":
                    self._at += 1
                    norms = (*norms[:-1], norms[-1] + "*")
                row.append(Slot(self._text[start : self._at], (norms,), False, len(norms)))
        return tuple(row)

    def _list(self, start: int) -> Slot:
        self._at += 1
        inner = self.choice()
        self._at += 1
        optional = self._peek() == "?"
        if optional:
            self._at += 1
        options: list[tuple[str, ...]] = []
        for row in inner:
            parts = [((), *slot.options) if slot.optional else slot.options for slot in row if slot.options]
            options.extend(tuple(w for part in chosen for w in part) for chosen in islice(product(*parts), _WORDINGS))
        optional = optional or () in options
        options = [option for option in options if option]
        width = max((sum(slot.width for slot in row) for row in inner), default=0)
        return Slot(self._text[start : self._at], tuple(options), optional, width)

    def _while(self, signs: str) -> str:
        start = self._at
        while self._peek() and self._peek() in signs:
            self._at += 1
        return self._text[start : self._at]

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]
