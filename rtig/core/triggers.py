"""Rules, and the moments at which their conditions are met.

A moment is a function of what was heard: it is found again, the same, however the words arrived. `conditions` says when
a condition is met; here that is held against the rule's scope and the words that make it mean something else.
"""

from typing import Literal, assert_never

from msgspec import Struct

from rtig.core.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Heardings,
    Means,
    Met,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    OnHold,
    PartyWanted,
    Said,
    SaidAgain,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
    by,
    course,
    next_met,
    parts,
    places,
)
from rtig.core.events import Channel
from rtig.core.guidance import ArticleRef, Bend, CardKind, Quote
from rtig.core.transcript import Heard
from rtig.core.utterances import Meant

UNLESS_REACH_MS = 2_000
"""An excluded phrase counts this near to the match, before or after it."""
SHORTEST_WHILE_MS = 1_000
"""What was said for a shorter while than this is looked at when it is said, and at no other time."""
DONE_REACH_MS = 30_000
"""What the agent has done this long before, or after, needs no prompt."""

Audience = Literal["agent", "supervisors"]
Block = Literal["", "excluded", "done", "draft", "queue", "team", "channel", "late"]
EXACT, BENT, MEANT = 0, 1, 2
"""How sure a moment is: its words were said, were heard otherwise, or a model found the meaning."""


class Clause(Struct, frozen=True):
    """One condition with what takes it back."""

    condition: Condition
    unless: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


class StepSource(Struct, frozen=True):
    """One step of an article or a checklist, ticked by any of some phrases; by none where there are none."""

    id: str
    text: str
    said: tuple[str, ...] = ()
    party: PartyWanted = "agent"


class Rule(Struct, frozen=True, kw_only=True):
    """What calls for one card, or for an alert. Any of its clauses is enough."""

    id: str
    to: Audience = "agent"
    """Of a rule to the supervisors come alerts and no cards: `id`, `title`, clauses and scope count, nothing else."""
    kind: CardKind
    title: str
    say: str = ""
    """May hold slots, as in `{first_name|there}`; see `rtig.core.slots.filled`."""
    say_without: str = ""
    """Instead of `say` where one of its slots is empty."""
    body: str = ""
    """Safe HTML."""
    steps: tuple[StepSource, ...] = ()
    article: ArticleRef | None = None
    clauses: tuple[Clause, ...]
    priority: int = 50
    cooldown_ms: int = 120_000
    once: bool = False
    exempt: bool = False
    queues: tuple[str, ...] = ()
    """Empty: in all queues; so with `teams` and `channels`."""
    teams: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    draft: bool = False


class Moment(Struct, frozen=True, gc=False):
    """A rule's condition was met. `blocked` says why no card may come of it."""

    at_ms: int
    rule: Rule
    clause: int
    since_ms: int = 0
    """When began what met it."""
    quotes: tuple[Quote, ...] = ()
    phrase: str = ""
    """The phrase that was heard, as its author wrote it."""
    bends: tuple[Bend, ...] = ()
    """Words of it that were heard otherwise."""
    meant: Meant | None = None
    way: Condition | None = None
    """Of a condition that can be met in several ways: the one in which it was."""
    blocked: Block = ""
    by: str = ""

    @property
    def doubt(self) -> int:
        return MEANT if self.meant is not None else BENT if self.bends else EXACT

    @property
    def order(self) -> tuple[int, int, int, str, int]:
        return (self.at_ms, self.doubt, -self.rule.priority, self.rule.id, self.clause)


class Scope(Struct, frozen=True):
    """Where a call takes place, as rules ask for it."""

    queue: str
    team: str
    channel: Channel

    def bars(self, rule: Rule) -> Block:
        """Why a rule is not for a call here; empty where it is."""
        if rule.draft:
            return "draft"
        if rule.queues and self.queue not in rule.queues:
            return "queue"
        if rule.teams and self.team not in rule.teams:
            return "team"
        if rule.channels and self.channel not in rule.channels:
            return "channel"
        return ""


def moments(rule: Rule, index: int, heard: Heardings, scope: Scope, since: int = 0) -> tuple[list[Moment], int | None]:
    """Every moment from `since` on at which one clause of a rule was met, once per point in time; and its deadline."""
    clause = rule.clauses[index]
    found = []
    known = course(clause.condition, heard, since)
    for met in known.met:
        if since <= met.at_ms <= heard.now:
            blocked, because = _blocked(rule, clause, met, heard, scope)
            found.append(
                Moment(
                    met.at_ms,
                    rule,
                    index,
                    since_ms=met.since_ms,
                    quotes=met.quotes,
                    phrase=met.phrase,
                    bends=met.bends,
                    meant=met.meant,
                    way=met.way,
                    blocked=blocked,
                    by=because,
                )
            )
    return found, next_met(known, heard.now)


def in_words(moment: Moment) -> str:
    """The condition that was met as a person would read it."""
    return condition_in_words(moment.way or moment.rule.clauses[moment.clause].condition, moment)


def condition_in_words(condition: Condition, moment: Moment | None = None) -> str:
    """A condition as a person would read it; with the phrase that was heard where a moment knows it."""
    match condition:
        case Said():
            phrase = (
                moment.phrase if moment is not None and moment.phrase in condition.phrases else condition.phrases[0]
            )
            window = ""
            if condition.first_ms is not None:
                window = f" in the first {_seconds(condition.first_ms)}"
            if condition.past_ms is not None:
                window += f" after {_seconds(condition.past_ms)}"
            if condition.lasting_ms is not None and condition.lasting_ms >= SHORTEST_WHILE_MS:
                window += f" in the last {_seconds(condition.lasting_ms)}"
            return f"“{phrase}” said by {_who(condition.party)}{window}"
        case NotSaid():
            return f"not said by {_who(condition.party)} within {_seconds(condition.within_ms)}"
        case SaidAgain():
            again = moment.phrase if moment is not None and moment.phrase in condition.phrases else condition.phrases[0]
            return f"“{again}” said again by {_who(condition.party)} within {_seconds(condition.within_ms)}"
        case Means():
            return f"what {_who(condition.party)} meant"
        case MoodAt():
            lasted = f" and stayed so for {_seconds(condition.for_ms)}" if condition.for_ms else ""
            return f"the customer became {condition.band}{lasted}"
        case ScoreAt():
            lasted = f" for {_seconds(condition.for_ms)}" if condition.for_ms else ""
            return f"the customer's frustration was at {condition.level:g} or above{lasted}"
        case Silence():
            return f"nobody spoke for {_seconds(condition.ms)}"
        case TalkOver():
            return f"the agent spoke over the customer {condition.times} times within {_seconds(condition.within_ms)}"
        case Monologue():
            return f"the {condition.party} spoke for {_seconds(condition.ms)} without a break"
        case OnHold():
            return f"the customer was on hold for {_seconds(condition.ms)}"
        case TalkShare():
            return f"the agent spoke {condition.share:.0%} or more of the last {_seconds(condition.over_ms)}"
        case SlotIs():
            return _slot_in_words(condition)
        case AllOf():
            said = {(part.phrases, part.party) for part in condition.parts if isinstance(part, Said)}
            return " and ".join(
                f"{_seconds(lasting_ms)} have passed since"
                if (lasting_ms := _delay(part, said)) is not None
                else _inner(part, moment)
                for part in condition.parts
            )
        case AnyOf():
            return " or ".join(_inner(part, moment) for part in condition.parts)
        case Not():
            return f"not ({condition_in_words(condition.part, moment)})"
        case _:
            assert_never(condition)


def _inner(condition: Condition, moment: Moment | None) -> str:
    told = condition_in_words(condition, moment)
    return f"({told})" if isinstance(condition, AllOf | AnyOf) else told


def _delay(part: Condition, said: set[tuple[tuple[str, ...], PartyWanted]]) -> int | None:
    """Of words that are waited for and must not have been said for a while: how long ago they must be."""
    match part:
        case Not(Said(phrases=phrases, party=party, lasting_ms=lasting_ms)) if (phrases, party) in said:
            return lasting_ms
        case _:
            return None


def _slot_in_words(condition: SlotIs) -> str:
    if condition.empty:
        return f"{{{condition.slot}}} is not known"
    limits = [f"is {' or '.join(condition.one_of)}"] if condition.one_of else []
    if condition.above is not None:
        limits.append(f"is above {condition.above:g}")
    if condition.below is not None:
        limits.append(f"is below {condition.below:g}")
    return f"{{{condition.slot}}} {' and '.join(limits) or 'is known'}"


def _blocked(rule: Rule, clause: Clause, met: Met, heard: Heardings, scope: Scope) -> tuple[Block, str]:
    barred = scope.bars(rule)
    if barred:
        return barred, ""
    listening = (part for part in parts(clause.condition) if isinstance(part, Said | SaidAgain | Means))
    wanted: PartyWanted = next((part.party for part in listening), "any")
    for phrase, place in places(clause.unless, "asr", heard, met.since_ms - UNLESS_REACH_MS):
        if (
            len(place.bends) <= len(met.bends)  # what was said never loses to what may have been meant
            and by(place.party, wanted)
            and place.start_ms <= met.at_ms + UNLESS_REACH_MS
            and place.end_ms >= met.since_ms - UNLESS_REACH_MS
        ):
            return "excluded", phrase
    for phrase, place in places(clause.done, "asr", heard, met.since_ms - DONE_REACH_MS):
        if does(place, met.since_ms, met.at_ms):
            return "done", phrase
    return "", ""


def does(place: Heard, since_ms: int, at_ms: int) -> bool:
    """Whether words under `done` count for what was met at a time."""
    return place.party == "agent" and since_ms - DONE_REACH_MS <= place.end_ms <= at_ms + DONE_REACH_MS


def _who(wanted: PartyWanted) -> str:
    return "anyone" if wanted == "any" else f"the {wanted}"


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s"
