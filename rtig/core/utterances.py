"""What a party said in one go, as it is given to a model to be understood, and what the model made of it.

A turn is one utterance; a long one is several windows that overlap, each of them small enough to mean one thing. What
an utterance is depends on the words and their times alone. A model's reading of it is named by the words it has read,
so it holds for these words however they were cut, and the same words need no second reading in a call.

A reading comes some milliseconds after its words, as an event. Until a turn is over its last window may still grow;
what it means so far is good for a provisional card.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from msgspec import Struct

from rtig.core.events import Party, Tone
from rtig.core.guidance import Quote
from rtig.core.shape import turns
from rtig.core.transcript import PAUSE_MS, Segment, Stream, quote

WINDOW_WORDS = 24
STEP_WORDS = 12
"""A long turn is read in windows of so many words, one every so many."""


class Utterance(NamedTuple):
    key: str
    """Names the party and its words."""
    party: Party
    text: str
    start_ms: int
    end_ms: int
    quotes: tuple[Quote, ...]
    full: bool
    """A window that cannot grow."""


class Reading(NamedTuple):
    """What a model makes of an utterance: how likely it has each meaning, and of a customer's, its tone."""

    scores: dict[str, float]
    tone: Tone | None = None


class Meant(Struct, frozen=True, gc=False):
    """An utterance was found to mean something."""

    utterance: str
    """Its key."""
    score: float
    party: Party
    start_ms: int
    end_ms: int
    quotes: tuple[Quote, ...]
    near: tuple[tuple[str, float], ...] = ()
    """Other meanings that are about as likely, the likeliest first."""


class Revised(NamedTuple):
    """A party's utterances after a change, and which of them are new or gone."""

    utterances: tuple[Utterance, ...]
    gone: tuple[Utterance, ...]
    new: tuple[Utterance, ...]
    first: int
    last: int
    """Between these places among the utterances the change lies."""


def revised(known: tuple[Utterance, ...], turn: Stream, low: int, high: int) -> Revised:
    """A party's utterances after a change.

    `turn` is all of its segments that reach into the time from `low` to `high`, with the turns that they belong to.
    """
    if turn:  # a turn that only touches this time from outside is looked at whole
        low, high = min(low, turn[0].start_ms), max(high, *(segment.end_ms for segment in turn))
    first = bisect_left(known, low, key=_start)
    last = bisect_right(known, high, key=_start)
    now = [window for part in turns(turn) for window in _windows(part)]
    same = 0
    while first < last and same < len(now) and known[first] == now[same]:
        first, same = first + 1, same + 1
    then, now = known[first:last], now[same:]
    kept = set(then) & set(now)
    return Revised(
        known[:first] + tuple(now) + known[last:],
        tuple(one for one in then if one not in kept),
        tuple(one for one in now if one not in kept),
        first,
        first + len(now),
    )


def growing(utterances: tuple[Utterance, ...], now: int) -> Utterance | None:
    """The last utterance if it may still grow: no pause has followed it up to `now`."""
    if not utterances or utterances[-1].full or now >= utterances[-1].end_ms + PAUSE_MS:
        return None
    return utterances[-1]


def _start(utterance: Utterance) -> int:
    return utterance.start_ms


def key_of(party: Party, text: str) -> str:
    return hashlib.blake2b(f"{party}\n{text}".encode(), digest_size=12).hexdigest()


def _windows(turn: Stream) -> Iterator[Utterance]:
    """The windows of a turn. Words as they are compared: punctuation depends on the cut."""
    words = [(segment, index) for segment in turn for index in range(len(segment.words.norms))]
    if not words:
        return
    found: set[tuple[str, int, int]] = set()
    for begin in range(0, max(1, len(words) - WINDOW_WORDS + STEP_WORDS), STEP_WORDS):
        window = words[begin : begin + WINDOW_WORDS]
        (opening, first), (closing, last) = window[0], window[-1]
        text = " ".join(segment.words.norms[index] for segment, index in window)
        key = key_of(opening.party, text)
        start_ms, end_ms = opening.time_of(opening.words.at[first]), closing.time_of(closing.words.at[last] + 1)
        if (key, start_ms, end_ms) in found:
            continue  # a message that takes no time, of the same few words over and over
        found.add((key, start_ms, end_ms))
        yield Utterance(
            key=key,
            party=opening.party,
            text=text,
            start_ms=start_ms,
            end_ms=end_ms,
            quotes=tuple(_quotes(window)),
            full=len(window) == WINDOW_WORDS,
        )


def _quotes(window: list[tuple[Segment, int]]) -> Iterator[Quote]:
    for _, part in groupby(window, key=lambda word: word[0].id):
        words = list(part)
        segment, first = words[0]
        yield quote(segment, segment.words.at[first], segment.words.at[words[-1][1]])
