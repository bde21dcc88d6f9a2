"""How near some words came to a phrase: what an author wants to know of a trigger that did not fire.

A phrase is read here as the things one could say for it: a row of slots, each with its alternatives. How many of the
slots some words fill is a measure that an author can follow, and the slots left empty are the answer.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from rtig.core import phrases
from rtig.core.phrases import Choice, EitherWay, Gap, Item, Row, Stem, Unit

_WORDINGS = 400
"""Wordings of a phrase that are looked at; lists multiply."""
_SLACK = 3
"""Words more than the phrase has, among which its words are looked for."""
_SMALL_WEIGHS = 0.25

_SMALL_WORDS = (
    "a about am an and any are as at be been but by can could did do does done for from get go had has have he her him "
    "his how i if in is it its just know let like make may me more my no not now of off on one or our out say see she "
    "so some still take tell that the their them then there they thing this to up us was we what when where "
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


class Place(NamedTuple):
    """One place in a phrase.

    `options` are words in order, a `*` after a word for its endings; none for a gap or a slot.
    """

    written: str
    options: tuple[tuple[str, ...], ...]
    optional: bool
    width: int
    """Words that it takes at most."""


class Near(NamedTuple):
    """How near some words came. `first` and `last` are the words (from 0) that fill places of the phrase."""

    share: float
    """Of the phrase's words, 0 to 1; small words count less."""
    missing: tuple[str, ...]
    """The places that stayed empty, as written. None: the words were there, in another order or too far apart."""
    first: int
    last: int


def wordings(phrase: str) -> Iterator[tuple[str, ...]]:
    """What one could say for a phrase that can be read; gaps and slots are left out, endings stay as `*`."""
    for wording in islice(phrases.wordings(phrases.parse(phrase).rows), _WORDINGS):
        yield _words(wording)


def near(phrase: str, heard: Sequence[str]) -> Near | None:
    """How near a row of words (`text.words(...).norms`) came to a phrase; None where nothing of it was there."""
    rows = (_places_of(row) for row in phrases.parse(phrase).rows)
    found = [best for row in rows if (best := _nearest(row, heard)) is not None]
    return max(found, key=lambda n: (n.share, -len(n.missing)), default=None)


def _places_of(row: Row) -> tuple[Place, ...]:
    return tuple(place for item in row for place in _place(item))


def _place(item: Item) -> Iterator[Place]:
    match item:
        case Gap():
            yield Place(item.written, (), True, item.most)
        case EitherWay():
            yield from _places_of(item.rows[0])
        case Choice():
            ways = list(islice(phrases.wordings(item.rows), _WORDINGS))
            width = max(sum(_width(unit) for unit in way) for way in ways)
            options = tuple(option for way in ways if (option := _words(way)))
            yield Place(item.written, options, item.optional or not all(ways), width)
        case _:
            ways = list(phrases.wordings(((item,),)))
            yield Place(item.written, tuple(option for way in ways if (option := _words(way))), False, 1)


def _words(wording: Sequence[Unit]) -> tuple[str, ...]:
    return tuple(unit if isinstance(unit, str) else f"{unit.stem}*" for unit in wording if isinstance(unit, str | Stem))


def _width(unit: Unit) -> int:
    return unit.most if isinstance(unit, Gap) else 1


def _nearest(row: Sequence[Place], heard: Sequence[str]) -> Near | None:
    needed = [place for place in row if place.options and not place.optional]
    whole = sum(_weight(place) for place in needed)
    reach = sum(place.width for place in row) + _SLACK
    filled = [_filled(place, heard) for place in needed]
    best: Near | None = None
    for begin in sorted({start for found in filled for start, _ in found}):
        met = [next((p for p in found if begin <= p[0] and p[1] < begin + reach), None) for found in filled]
        share = sum(_weight(place) for place, there in zip(needed, met, strict=True) if there) / whole
        if best is None or share > best.share:
            spans = [there for there in met if there]
            missing = tuple(place.written for place, there in zip(needed, met, strict=True) if not there)
            best = Near(share, missing, min(s for s, _ in spans), max(e for _, e in spans))
    return best


def _filled(place: Place, heard: Sequence[str]) -> list[tuple[int, int]]:
    """Where a place is filled: first and last word."""
    return [
        (start, start + len(option) - 1)
        for start in range(len(heard))
        for option in place.options
        if len(option) <= len(heard) - start
        and all(_same(word, heard[start + offset]) for offset, word in enumerate(option))
    ]


def _same(written: str, heard: str) -> bool:
    return heard.startswith(written[:-1]) if written.endswith("*") else heard == written


def _weight(place: Place) -> float:
    small = all(word in SMALL for option in place.options for word in option)
    return _SMALL_WEIGHS if small else 1.0
