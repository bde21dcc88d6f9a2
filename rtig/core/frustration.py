"""Patience running out: the customer's frustration, 0 to 1. It rises fast, falls slowly and keeps its evidence.

The score is a fold over influences in the order of the call's clock. An influence above 0 takes its share of the
patience that is left, one below 0 gives its share of the frustration back, and in between frustration halves every
`half_life`. What an influence is made of, `rtig.core.evidence` says; the customer's mood alone is ever weighed.

Beside the score, which forgets, stands the risk, which does not: the probability that the call ends badly, from
everything that has been weighed so far.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from math import ceil, fsum, log1p, log2, tanh
from typing import Literal, NamedTuple

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from rtig.core.guidance import Band, Mood, Quote, Reason
from rtig.core.ledger import Ledger
from rtig.core.shape import FOR_EVER, Span

BANDS: tuple[Band, ...] = ("calm", "tense", "frustrated", "critical")
SAME_SIGNAL_MS = 10_000
"""A signal said again within this time is the same remark."""
REASONS_KEPT = 12
REASONS_SHOWN = 4
CURVE_POINTS = 30
MOSTLY = 0.5
"""The model's readings count where it has read this share of what the customer said."""

Kind = Literal[
    "said", "words", "read", "upset", "pleased", "strain", "heat", "relief", "refused", "again", "talked_over",
    "waited", "score",
]  # fmt: skip
"""What the risk is made of. `said` and `read` count the customer's utterances and those that a model has read, `score`
is the frustration when it was last weighed."""
MEANS: dict[Kind, Kind] = {"words": "said", "upset": "read", "pleased": "read", "strain": "read"}
"""Readings count in the mean over those utterances; of the others it is the number that counts, each for less."""


class Odds(Struct, frozen=True):
    """Log odds that a call ends badly: fitted on labelled calls, see `models/README.md`."""

    base: float = -3.0
    weights: dict[Kind, float] = {}


class Risk(Struct, frozen=True):
    """The odds when a model reads along, and those from the words alone."""

    read: Odds = Odds()
    unread: Odds = Odds()


class Temper(Struct, frozen=True):
    """How mood behaves; see the knowledge base's `mood`."""

    half_life_ms: int = 90_000
    tense: float = 0.25
    frustrated: float = 0.5
    critical: float = 0.75
    hysteresis: float = 0.08
    risk: Risk = Risk()

    @property
    def thresholds(self) -> tuple[float, float, float]:
        return (self.tense, self.frustrated, self.critical)


class Signal(Struct, frozen=True):
    """Phrases that say more than their words."""

    id: str
    reason: str
    weight: float
    party: Literal["customer", "agent"] = "customer"
    """Who says them. An agent's leave the customer without help, whatever they feel."""


class Influence(Struct, frozen=True, gc=False):
    """Something that moves frustration. `weight` is -1 to 1."""

    at_ms: int
    key: str
    what: str
    weight: float
    quotes: tuple[Quote, ...] = ()
    signal: str = ""
    since_ms: int | None = None
    """Of a reading, when its words began: words that are read twice, as windows overlap, count once."""
    amounts: tuple[tuple[Kind, float], ...] = ()
    """What it adds to the risk."""

    @property
    def order(self) -> tuple[int, str]:
        return (self.at_ms, self.key)


class Rise(NamedTuple):
    """The moment at which the mood entered a higher band."""

    at_ms: int
    before: Band
    band: Band
    quotes: tuple[Quote, ...]
    what: str = ""


class Patience(Struct, frozen=True, gc=False):
    score: float = 0.0
    at_ms: int = 0
    band: Band = "calm"
    reasons: tuple[Reason, ...] = ()
    rises: tuple[Rise, ...] = ()
    heard: Map[str, int] = Map()
    """When each signal was last heard."""
    read: tuple[int, float, float] = (-1, 0.0, 0.0)
    """When the words of the last reading ended, and what share it took and gave back."""
    tally: Map[Kind, float] = Map()
    """What the risk is made of, so far."""
    red_ms: int = 0
    """For how long the mood had been frustrated or critical by then."""


Weighing = Ledger[Influence, Patience]


def begin() -> Weighing:
    return Ledger(states=(Patience(),))


def weigh(temper: Temper, patience: Patience, influence: Influence) -> Patience:
    """Patience after one more influence."""
    heard, read, weight = patience.heard, patience.read, influence.weight
    if influence.signal:
        last = heard.get(influence.signal)
        heard = heard.set(influence.signal, influence.at_ms)
        if last is not None and influence.at_ms - last < SAME_SIGNAL_MS:
            return replace(patience, heard=heard)
    if influence.since_ms is not None:
        weight, read = _read_once(patience.read, influence, influence.since_ms)
    tally = patience.tally
    for kind, amount in influence.amounts:
        tally = tally.set(kind, tally.get(kind, 0.0) + amount)
    if not weight:
        return replace(patience, heard=heard, read=read, tally=tally)
    score = faded(temper, patience, influence.at_ms)
    before = settled_band(temper, patience.band, score)
    if weight > 0:
        score += (1.0 - score) * weight
    else:
        score *= 1.0 + weight
    score = round(min(1.0, max(0.0, score)), 6)
    band = settled_band(temper, before, score)
    reason = Reason(what=influence.what, weight=round(weight, 4), at_ms=influence.at_ms, words=influence.quotes)
    reasons, rises = (*patience.reasons, reason)[-REASONS_KEPT:], patience.rises
    if BANDS.index(band) > BANDS.index(before):
        rises = (*rises, Rise(influence.at_ms, before, band, influence.quotes, influence.what))
    red_ms = in_the_red(temper, patience, influence.at_ms)
    return Patience(score, influence.at_ms, band, reasons, rises, heard, read, tally, red_ms)


def _read_once(
    before: tuple[int, float, float], influence: Influence, since_ms: int
) -> tuple[float, tuple[int, float, float]]:
    """What a reading weighs more than the one before it, as far as both read the same words; and what to keep of it.

    The windows of a message that takes no time all end together.
    """
    ended, took, gave = before
    weight, at_ms = influence.weight, influence.at_ms
    if since_ms < ended or at_ms == ended:
        if weight > 0:
            weight = max(0.0, weight - took) / (1.0 - took) if took < 1 else 0.0
        elif weight < 0:
            weight = min(0.0, weight + gave) / (1.0 - gave) if gave < 1 else 0.0
    if at_ms != ended:
        took = gave = 0.0
    return weight, (at_ms, max(took, influence.weight), max(gave, -influence.weight))


def moved(before: Patience, after: Patience) -> bool:
    """Whether the score has another history than before: each influence that moves it leaves its reason.

    Of two states of one call; one that was folded anew counts as another.
    """
    return after.reasons is not before.reasons


def mover(weighing: Weighing, at_ms: int) -> Influence | None:
    """What moved the score last, up to a time."""
    index = bisect_right(weighing.facts, at_ms, key=_when)
    while index and not moved(weighing.states[index - 1], weighing.states[index]):
        index -= 1
    return weighing.facts[index - 1] if index else None


def _when(influence: Influence) -> int:
    return influence.at_ms


def _reached(patience: Patience) -> int:
    return patience.at_ms


def risk(temper: Temper, patience: Patience) -> float:
    """The probability that the call ends badly, from all that has been weighed so far."""
    odds = temper.risk.read if is_read(patience) else temper.risk.unread
    # The order of a `Map` is not the same in every process, and a sum of rounded parts would differ by it.
    log_odds = fsum((odds.base, *(odds.weights.get(kind, 0.0) * value for kind, value in features(patience).items())))
    return 0.5 + 0.5 * tanh(0.5 * log_odds)


def features(patience: Patience) -> dict[Kind, float]:
    """What the risk rests on: score, readings in the mean, of the others the logarithm of one more than how often."""
    found: dict[Kind, float] = {}
    for kind, amount in patience.tally.items():
        if kind in MEANS:
            found[kind] = amount / patience.tally[MEANS[kind]]
        elif kind not in ("said", "read"):
            found[kind] = log1p(amount)
    if patience.score:
        found["score"] = patience.score
    return found


def is_read(patience: Patience) -> bool:
    """Whether a model has read most of what the customer said."""
    return patience.tally.get("read", 0.0) >= MOSTLY * max(1.0, patience.tally.get("said", 0.0))


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


def in_the_red(temper: Temper, patience: Patience, now: int) -> int:
    """For how many milliseconds the mood has been frustrated or critical by a time, if nothing more is said."""
    if BANDS.index(patience.band) < BANDS.index("frustrated"):
        return patience.red_ms
    leave = temper.frustrated - temper.hysteresis
    until = now if faded(temper, patience, now) >= leave else _falls_at(temper, patience, leave)
    return patience.red_ms + max(0, until - patience.at_ms)


def lasting(temper: Temper, weighing: Weighing, enter: float, leave: float, since: int = 0) -> Iterator[Span]:
    """Where the score, once it has reached `enter`, is not below `leave`, in the time from `since` on.

    The last span ends where the score will fall below if nothing more is said, at `FOR_EVER` where it never does.
    """
    states = weighing.states
    first = _last_before(weighing, since)
    while first and states[first].score >= leave:
        first -= 1  # to where it began
    return _lasting(temper, states, first, None, enter, leave)


def in_band(temper: Temper, weighing: Weighing, band: Band, since: int = 0) -> Iterator[Span]:
    """Where the mood is in a band or a higher one, in the time from `since` on; the last span ends as in `lasting`."""
    enter = temper.thresholds[BANDS.index(band) - 1]
    first = _last_before(weighing, since)
    began = _entered(weighing.states[first], band)
    return _lasting(temper, weighing.states, first, began, enter, enter - temper.hysteresis)


def stayed(temper: Temper, weighing: Weighing, band: Band, for_ms: int, before: int) -> int | None:
    """Before a time, when the mood had last been in a band or a higher one for so long."""
    leave = temper.thresholds[BANDS.index(band) - 1] - temper.hysteresis
    for began in _entries(weighing.state, band):
        at_ms = began + for_ms
        if at_ms < before:
            state = weighing.states[bisect_right(weighing.states, at_ms, key=_reached) - 1]
            if _entered(state, band) == began and faded(temper, state, at_ms) >= leave:
                return at_ms
    return None


def _last_before(weighing: Weighing, since: int) -> int:
    return max(0, bisect_left(weighing.states, since, key=_reached) - 1)


def _entered(patience: Patience, band: Band) -> int | None:
    """When the mood entered a band or a higher one that it was still in when it was weighed last."""
    return next(_entries(patience, band), None) if BANDS.index(patience.band) >= BANDS.index(band) else None


def _entries(patience: Patience, band: Band) -> Iterator[int]:
    """When the mood entered a band or a higher one, the latest first."""
    level = BANDS.index(band)
    for rise in reversed(patience.rises):
        if BANDS.index(rise.before) < level <= BANDS.index(rise.band):
            yield rise.at_ms


def _lasting(
    temper: Temper, states: tuple[Patience, ...], first: int, began: int | None, enter: float, leave: float
) -> Iterator[Span]:
    """From a state on. `began`: since when it has lasted by then."""
    state, last = states[first], len(states) - 1
    while True:
        after = first + 1
        while after <= last and not moved(states[after - 1], states[after]):
            after += 1
        if began is not None and state.score < leave:
            yield Span(began, state.at_ms)
            began = None
        if began is None and state.score >= enter:
            began = state.at_ms
        if began is not None and (after > last or faded(temper, state, states[after].at_ms) < leave):
            yield Span(began, _falls_at(temper, state, leave))
            began = None
        if after > last:
            return
        first, state = after, states[after]


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


def mood(call_id: str, temper: Temper, patience: Patience, now: int, *, read: bool = False) -> Mood:
    """The mood as it is shown: the reasons that weigh most now come first. `read`: a model reads along."""
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
        reading="words and model" if read else "words",
        risk=round(risk(temper, patience), 3),
    )


def curve(temper: Temper, weighing: Weighing, now: int, span_ms: int) -> tuple[float, ...]:
    """The score at equal steps over the last `span_ms`, oldest first."""
    states = weighing.states
    points: list[float] = []
    for step in range(CURVE_POINTS):
        at_ms = now - span_ms * (CURVE_POINTS - 1 - step) // (CURVE_POINTS - 1)
        if at_ms < 0:
            continue
        state = states[bisect_right(states, at_ms, lo=1, key=_reached) - 1]
        points.append(round(faded(temper, state, at_ms), 3))
    return tuple(points)
