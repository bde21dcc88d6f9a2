"""Patience running out: the customer's frustration, 0 to 1. It rises fast, falls slowly and keeps its evidence.

The score is a fold over influences in the order of the call's clock. An influence above 0 takes its share of the
patience that is left, one below 0 gives its share of the frustration back, and in between frustration halves every
`half_life`. Only the customer's words are ever weighed.
"""

from bisect import bisect_right
from collections.abc import Iterator
from math import ceil, log2
from typing import NamedTuple

from immutables import Map
from msgspec import Struct

from rtig.core.guidance import Band, Mood, Quote, Reason
from rtig.core.ledger import Ledger
from rtig.core.sentiment import Sentiment
from rtig.core.shape import FOR_EVER, Span
from rtig.core.transcript import Segment, Stream

BANDS: tuple[Band, ...] = ("calm", "tense", "frustrated", "critical")
UTTERANCE_WORDS = 24
"""A longer turn is read in parts of this many words: VADER's compound saturates on long texts."""
READ_FROM = -0.25
"""Weaker negative readings are noise on service talk: VADER calls a neutral "no" or "error" -0.3 to -0.4."""
WORDS_WEIGH = 0.35
"""Share of patience that a reading of -1 takes. A signal, which knows what it means, may weigh more."""
RELIEF_FROM = 0.5
RELIEF_WEIGHS = 0.2
"""A reading of 1 gives back this share: polite words are common in angry calls and prove little."""
SAME_SIGNAL_MS = 10_000
"""A signal said again within this time is the same remark."""
REASONS_KEPT = 12
REASONS_SHOWN = 4
CURVE_POINTS = 30


class Temper(Struct, frozen=True):
    """How mood behaves; see the knowledge base's `mood`."""

    half_life_ms: int = 90_000
    tense: float = 0.25
    frustrated: float = 0.5
    critical: float = 0.75
    hysteresis: float = 0.08

    @property
    def thresholds(self) -> tuple[float, float, float]:
        return (self.tense, self.frustrated, self.critical)


class Signal(Struct, frozen=True):
    """Phrases that say more than their words."""

    id: str
    reason: str
    weight: float


class Influence(Struct, frozen=True):
    """Something the customer said that moves frustration. `weight` is -1 to 1."""

    at_ms: int
    key: str
    what: str
    weight: float
    quotes: tuple[Quote, ...]
    signal: str = ""
    scored: bool = False
    """A model read it, not the lexicon alone."""

    @property
    def order(self) -> tuple[int, str]:
        return (self.at_ms, self.key)


class Rise(NamedTuple):
    """The moment at which the mood entered a higher band."""

    at_ms: int
    before: Band
    band: Band
    quotes: tuple[Quote, ...]


class Patience(Struct, frozen=True):
    score: float = 0.0
    at_ms: int = 0
    band: Band = "calm"
    reasons: tuple[Reason, ...] = ()
    rises: tuple[Rise, ...] = ()
    heard: Map[str, int] = Map()
    """When each signal was last heard."""
    scored: bool = False


Weighing = Ledger[Influence, Patience]


def begin() -> Weighing:
    return Ledger(states=(Patience(),))


def weigh(temper: Temper, patience: Patience, influence: Influence) -> Patience:
    """Patience after one more influence."""
    heard = patience.heard
    if influence.signal:
        last = heard.get(influence.signal)
        heard = heard.set(influence.signal, influence.at_ms)
        if last is not None and influence.at_ms - last < SAME_SIGNAL_MS:
            return Patience(
                patience.score, patience.at_ms, patience.band, patience.reasons, patience.rises, heard, patience.scored
            )
    score = faded(temper, patience, influence.at_ms)
    before = settled_band(temper, patience.band, score)
    if influence.weight > 0:
        score += (1.0 - score) * influence.weight
    else:
        score *= 1.0 + influence.weight
    score = round(min(1.0, max(0.0, score)), 6)
    band = settled_band(temper, before, score)
    reason = Reason(what=influence.what, weight=influence.weight, at_ms=influence.at_ms, words=influence.quotes)
    rises = patience.rises
    if BANDS.index(band) > BANDS.index(before):
        rises = (*rises, Rise(influence.at_ms, before, band, influence.quotes))
    return Patience(
        score,
        influence.at_ms,
        band,
        (*patience.reasons, reason)[-REASONS_KEPT:] if influence.weight else patience.reasons,
        rises,
        heard,
        patience.scored or influence.scored,
    )


def faded(temper: Temper, patience: Patience, now: int) -> float:
    """The score at a later time when nothing more is said."""
    return float(patience.score * 0.5 ** (max(0, now - patience.at_ms) / temper.half_life_ms))


def settled_band(temper: Temper, band: Band, score: float) -> Band:
    """The band of a score, coming from another band: it is left only a little below the threshold it was entered at."""
    level = BANDS.index(band)
    thresholds = temper.thresholds
    while level < 3 and score >= thresholds[level]:
        level += 1
    while level > 0 and score < thresholds[level - 1] - temper.hysteresis:
        level -= 1
    return BANDS[level]


def cools_at(temper: Temper, patience: Patience, now: int) -> int | None:
    """When the mood will next fall to a lower band if nothing more is said, in ms on the call's clock."""
    level = BANDS.index(settled_band(temper, patience.band, faded(temper, patience, now)))
    if level == 0:
        return None
    falls = _falls_at(temper, patience, temper.thresholds[level - 1] - temper.hysteresis)
    return max(now + 1, falls) if falls < FOR_EVER else None


def lasting(temper: Temper, weighing: Weighing, enter: float, leave: float) -> Iterator[Span]:
    """Where the score, once it has reached `enter`, is not below `leave`.

    The last span ends where the score will fall below if nothing more is said, at `FOR_EVER` where it never does.
    """
    since: int | None = None
    for at, state in enumerate(weighing.states):
        if since is not None and state.score < leave:
            yield Span(since, state.at_ms)
            since = None
        if since is None and state.score >= enter:
            since = state.at_ms
        if since is not None:
            until = weighing.states[at + 1].at_ms if at + 1 < len(weighing.states) else FOR_EVER
            falls = _falls_at(temper, state, leave)
            if falls <= until:
                yield Span(since, falls)
                since = None


def _falls_at(temper: Temper, patience: Patience, leave: float) -> int:
    """The first time at which the score is below a level if nothing more is said."""
    if leave <= 0:
        return FOR_EVER
    at_ms = patience.at_ms + max(0, ceil(temper.half_life_ms * log2(patience.score / leave)))
    while faded(temper, patience, at_ms) >= leave:
        at_ms += 1
    while at_ms > patience.at_ms and faded(temper, patience, at_ms - 1) < leave:
        at_ms -= 1
    return at_ms


def mood(call_id: str, temper: Temper, patience: Patience, now: int) -> Mood:
    """The mood as it is shown: the reasons that weigh most now come first."""
    score = faded(temper, patience, now)
    band = settled_band(temper, patience.band, score)

    def left(reason: Reason) -> float:
        return abs(reason.weight) * float(0.5 ** (max(0, now - reason.at_ms) / temper.half_life_ms))

    strongest = sorted(patience.reasons, key=lambda r: (-left(r), r.at_ms, r.what))[:REASONS_SHOWN]
    return Mood(
        call_id=call_id,
        score=round(score, 3),
        band=band,
        at_ms=now,
        reasons=tuple(strongest),
        reading="words and model" if patience.scored else "words",
    )


def curve(temper: Temper, weighing: Weighing, now: int, span_ms: int) -> tuple[float, ...]:
    """The score at equal steps over the last `span_ms`, oldest first."""
    times = [state.at_ms for state in weighing.states[1:]]
    points: list[float] = []
    for step in range(CURVE_POINTS):
        at_ms = now - span_ms * (CURVE_POINTS - 1 - step) // (CURVE_POINTS - 1)
        if at_ms < 0:
            continue
        state = weighing.states[bisect_right(times, at_ms)]
        points.append(round(faded(temper, state, at_ms), 3))
    return tuple(points)


def readings(sentiment: Sentiment, turn: Stream, since_ms: int = 0) -> list[Influence]:
    """What the lexicon reads in a customer's turn, in parts of `UTTERANCE_WORDS`, each where it ends.

    Parts that end before `since_ms` are left out: they read as before when something later has changed.
    """
    found: list[Influence] = []
    for part in _utterances(turn):
        if part[-1][0].time_of(part[-1][2] + 1) < since_ms:
            continue
        text = " ".join(_heard(segment, first, last) for segment, first, last in part)
        reading = sentiment.read(text)
        if READ_FROM < reading < RELIEF_FROM:
            continue
        segment, _, last = part[-1]
        negative = reading < 0
        found.append(
            Influence(
                at_ms=segment.time_of(last + 1),
                key=f"words:{part[0][0].time_of(part[0][1])}",
                what="strong words" if negative else "friendly words",
                weight=round(-reading * WORDS_WEIGH if negative else -reading * RELIEF_WEIGHS, 4),
                quotes=_telling(sentiment, part, negative),
            )
        )
    return found


def _utterances(turn: Stream) -> list[list[tuple[Segment, int, int]]]:
    """The turn's tokens in parts, each a list of (segment, first token, last token)."""
    parts: list[list[tuple[Segment, int, int]]] = []
    room = 0
    for segment in turn:
        first, count = 0, segment.words.size
        while first < count:
            if room == 0:
                parts.append([])
                room = UTTERANCE_WORDS
            last = min(count, first + room) - 1
            parts[-1].append((segment, first, last))
            room -= last - first + 1
            first = last + 1
    return parts


def _heard(segment: Segment, first: int, last: int) -> str:
    """The text of some tokens with the punctuation that follows them, which VADER reads too."""
    spans = segment.words.spans
    end = spans[last + 1][0] if last + 1 < len(spans) else len(segment.text)
    return segment.text[spans[first][0] : end].strip()


def _telling(sentiment: Sentiment, part: list[tuple[Segment, int, int]], negative: bool) -> tuple[Quote, ...]:
    """The words that carry the reading; the whole part where no single word does."""
    quotes: list[Quote] = []
    for segment, first, last in part:
        for start, end in segment.words.spans[first : last + 1]:
            weight = sentiment.weight(segment.text[start:end])
            if weight < -0.5 if negative else weight > 0.5:
                quotes.append(Quote(segment.id, segment.party, start, end, segment.text[start:end]))
    if not quotes:
        for segment, first, last in part:
            start, end = segment.words.spans[first][0], segment.words.spans[last][1]
            quotes.append(Quote(segment.id, segment.party, start, end, segment.text[start:end]))
    return tuple(quotes)
