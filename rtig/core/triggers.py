"""Conditions that call for a card, and the moments at which they are met.

A moment is a function of what was heard: it is found again, the same, however the words arrived. Phrases come from the
automaton; here they are held against the party, the time in the call and the words that make them mean something else.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from rtig.core.events import Channel, Party
from rtig.core.frustration import BANDS, Rise
from rtig.core.guidance import ArticleRef, Band, CardKind, Quote
from rtig.core.shape import Shape, Span
from rtig.core.transcript import Heard

UNLESS_REACH_MS = 2_000
"""An excluded phrase counts this near to the match, before or after it."""
DONE_REACH_MS = 30_000
"""What the agent has done this long before, or after, needs no prompt."""
GRACE_MS = 2_000
"""What was said in time is recognised a little later: final text lags speech by 0.7 s and more."""

Block = Literal["", "excluded", "done", "draft", "queue", "channel", "late"]
PartyWanted = Literal["customer", "agent", "any"]


class Said(Struct, frozen=True, tag="said"):
    phrases: tuple[str, ...]
    party: PartyWanted = "customer"
    first_ms: int | None = None
    past_ms: int | None = None


class NotSaid(Struct, frozen=True, tag="not_said"):
    phrases: tuple[str, ...]
    within_ms: int
    party: PartyWanted = "agent"


class MoodAt(Struct, frozen=True, tag="mood"):
    band: Band


class Silence(Struct, frozen=True, tag="silence"):
    ms: int


class TalkOver(Struct, frozen=True, tag="talk_over"):
    times: int
    within_ms: int


class Monologue(Struct, frozen=True, tag="monologue"):
    ms: int
    party: Literal["customer", "agent"] = "agent"


Condition = Said | NotSaid | MoodAt | Silence | TalkOver | Monologue


class Clause(Struct, frozen=True):
    """One condition with what takes it back."""

    condition: Condition
    unless: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


class Rule(Struct, frozen=True, kw_only=True):
    """What calls for one card. Any of its clauses is enough."""

    id: str
    kind: CardKind
    title: str
    say: str = ""
    body: str = ""
    """Safe HTML."""
    steps: tuple[str, ...] = ()
    article: ArticleRef | None = None
    clauses: tuple[Clause, ...]
    priority: int = 50
    cooldown_ms: int = 120_000
    once: bool = False
    exempt: bool = False
    queues: tuple[str, ...] = ()
    """Empty: in all queues; so with `channels`."""
    channels: tuple[Channel, ...] = ()
    draft: bool = False


class Moment(Struct, frozen=True):
    """A rule's condition was met. `blocked` says why no card may come of it."""

    at_ms: int
    rule: Rule
    clause: int
    quotes: tuple[Quote, ...] = ()
    phrase: str = ""
    """The phrase that was heard, as its author wrote it."""
    blocked: Block = ""
    by: str = ""

    @property
    def order(self) -> tuple[int, int, str, int]:
        return (self.at_ms, -self.rule.priority, self.rule.id, self.clause)


class Heardings(Struct, frozen=True):
    """What the conditions look at."""

    said: Callable[[str], Sequence[Heard]]
    """All places where a phrase was said, in order of time."""
    shape: Shape
    rises: tuple[Rise, ...]
    channel: Channel
    queue: str
    started: bool
    now: int
    quiet: tuple[Span, ...]
    """Times without speech since the last final words; the last one is still going on."""


def moments(rule: Rule, index: int, heard: Heardings) -> list[Moment]:
    """Every moment at which one clause of a rule was met, once per point in time."""
    clause = rule.clauses[index]
    found: dict[int, Moment] = {}
    for met in _met(clause.condition, heard):
        if met.at_ms not in found:
            blocked, by = _blocked(rule, clause, met, heard)
            found[met.at_ms] = Moment(met.at_ms, rule, index, met.quotes, met.phrase, blocked, by)
    return list(found.values())


def deadline(condition: Condition, heard: Heardings) -> int | None:
    """When a condition that waits for the clock may next be met, if nothing more is said."""
    match condition:
        case NotSaid():
            due = condition.within_ms + GRACE_MS
            return due if heard.started and due > heard.now else None
        case Silence():
            due = heard.quiet[-1].start_ms + condition.ms if heard.quiet else heard.now
            return due if heard.channel == "voice" and due > heard.now else None
        case _:
            return None


def in_words(moment: Moment) -> str:
    """The condition that was met as a person would read it."""
    condition = moment.rule.clauses[moment.clause].condition
    match condition:
        case Said():
            window = ""
            if condition.first_ms is not None:
                window = f" in the first {_seconds(condition.first_ms)}"
            if condition.past_ms is not None:
                window += f" after {_seconds(condition.past_ms)}"
            return f"“{moment.phrase}” said by {_who(condition.party)}{window}"
        case NotSaid():
            return f"not said by {_who(condition.party)} within {_seconds(condition.within_ms)}"
        case MoodAt():
            return f"the customer became {condition.band}"
        case Silence():
            return f"nobody spoke for {_seconds(condition.ms)}"
        case TalkOver():
            return f"the agent spoke over the customer {condition.times} times within {_seconds(condition.within_ms)}"
        case Monologue():
            return f"the {condition.party} spoke for {_seconds(condition.ms)} without a break"


class _Met(NamedTuple):
    """A condition was met at a time, by what began at `since_ms`."""

    at_ms: int
    since_ms: int
    quotes: tuple[Quote, ...] = ()
    phrase: str = ""


def _met(condition: Condition, heard: Heardings) -> Iterable[_Met]:
    match condition:
        case Said():
            for phrase, place in _places(condition.phrases, heard):
                if (
                    _by(place.party, condition.party)
                    and (condition.first_ms is None or place.end_ms <= condition.first_ms)
                    and (condition.past_ms is None or place.end_ms > condition.past_ms)
                ):
                    yield _Met(place.end_ms, place.start_ms, place.quotes, phrase)
        case NotSaid():
            due = condition.within_ms + GRACE_MS
            if heard.started and heard.now >= due:
                in_time = any(
                    _by(place.party, condition.party) and place.end_ms <= condition.within_ms
                    for _, place in _places(condition.phrases, heard)
                )
                if not in_time:
                    yield _Met(due, condition.within_ms)
        case MoodAt():
            for rise in heard.rises:
                if BANDS.index(rise.before) < BANDS.index(condition.band) <= BANDS.index(rise.band):
                    yield _Met(rise.at_ms, rise.at_ms, rise.quotes)
        case Silence():
            if heard.channel == "voice":
                for gap in (*heard.shape.gaps, *heard.quiet):
                    if gap.end_ms - gap.start_ms >= condition.ms:
                        yield _Met(gap.start_ms + condition.ms, gap.start_ms)
        case TalkOver():
            times = heard.shape.talk_over if heard.channel == "voice" else ()
            for last in range(condition.times - 1, len(times)):
                if times[last] - times[last - condition.times + 1] <= condition.within_ms:
                    yield _Met(times[last], times[last])
        case Monologue():
            if heard.channel == "voice":
                for floor in heard.shape.floors:
                    if floor.party == condition.party and floor.end_ms - floor.start_ms >= condition.ms:
                        yield _Met(floor.start_ms + condition.ms, floor.start_ms)


def _blocked(rule: Rule, clause: Clause, met: _Met, heard: Heardings) -> tuple[Block, str]:
    if rule.draft:
        return "draft", ""
    if rule.queues and heard.queue not in rule.queues:
        return "queue", ""
    if rule.channels and heard.channel not in rule.channels:
        return "channel", ""
    wanted = clause.condition.party if isinstance(clause.condition, Said) else "any"
    for phrase, place in _places(clause.unless, heard):
        if (
            _by(place.party, wanted)
            and place.start_ms <= met.at_ms + UNLESS_REACH_MS
            and place.end_ms >= met.since_ms - UNLESS_REACH_MS
        ):
            return "excluded", phrase
    for phrase, place in _places(clause.done, heard):
        if place.party == "agent" and met.since_ms - DONE_REACH_MS <= place.end_ms <= met.at_ms + DONE_REACH_MS:
            return "done", phrase
    return "", ""


def _places(phrases: tuple[str, ...], heard: Heardings) -> list[tuple[str, Heard]]:
    """Where any of the phrases was said, in order of time; of two that end together the longer one first."""
    places = [(phrase, place) for phrase in phrases for place in heard.said(phrase)]
    places.sort(key=lambda p: (p[1].end_ms, p[1].start_ms, p[0]))
    return places


def _by(party: Party, wanted: PartyWanted) -> bool:
    return wanted == "any" or party == wanted


def _who(wanted: PartyWanted) -> str:
    return "anyone" if wanted == "any" else f"the {wanted}"


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s"
