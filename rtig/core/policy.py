"""Which moments deserve the agent's attention, and when.

Attention is the budget that matters. One new card at a time, a gap between two, more important ones first and those
that wait growing in weight, each rule within its cooldown; compliance is exempt. The outcome is a fold over the
moments in the order of the call's clock: the same moments give the same cards, in whatever order they became known.
Whatever is not shown is kept with its reason.
"""

from bisect import bisect_left
from typing import Literal, NamedTuple

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from rtig.core.ledger import Ledger
from rtig.core.triggers import EXACT, Moment

SAME_REMARK_MS = 1_500
"""Phrases of one rule this near to each other are one remark, not a card that was called for twice."""

Refusal = Literal[
    "cooldown", "once", "budget", "excluded", "done", "muted", "draft", "queue", "team", "channel", "late", "beaten"
]


Order = tuple[int, int, int, str, int]
_LAST = 9
"""After all moments of its time."""


class Attention(Struct, frozen=True):
    """How much may be asked of an agent; see the knowledge base's `attention`."""

    gap_ms: int = 6_000
    patience_ms: int = 20_000
    ttl_ms: int = 90_000
    preempt: int = 30
    ageing: float = 1.0
    """Priority that a waiting card gains each second."""


class Mute(Struct, frozen=True):
    """The agent said that a rule's card is wrong or known: no more of it in this call."""

    at_ms: int
    rule_id: str

    @property
    def order(self) -> Order:
        return (self.at_ms, _LAST, 0, self.rule_id, -1)


class Unseen(Struct, frozen=True):
    """A card that nobody saw, because the server was late: it has used up no attention, and its rule may come again."""

    at_ms: int
    """When it was to be shown."""
    rule_id: str
    number: int

    @property
    def order(self) -> Order:
        return (self.at_ms, _LAST, 1, self.rule_id, self.number)


class Shown(NamedTuple):
    """A card that the agent is to see: the how-manieth of its rule, since when, and whom it was preferred to."""

    moment: Moment
    number: int
    shown_ms: int
    beat: tuple[str, ...] = ()
    seen: bool = True


class NotShown(NamedTuple):
    moment: Moment
    reason: Refusal
    by: str = ""


class Choice(Struct, frozen=True):
    """What has been chosen so far."""

    shown: Map[str, Shown] = Map()
    """By card id."""
    withheld: Map[Order, NotShown] = Map()
    beaten: Map[str, tuple[Moment, ...]] = Map()
    """Of those withheld, by rule, what it was preferred to: the words called for it more surely."""
    waiting: tuple[Moment, ...] = ()
    """At most one of a rule, those that have waited longest first."""
    last: Map[str, Shown] = Map()
    """By rule id."""
    muted: Map[str, int] = Map()
    free_ms: int = 0
    """From when the next card may come."""
    newest: Shown | None = None


Choosing = Ledger[Moment | Mute | Unseen, Choice]


def begin() -> Choosing:
    return Ledger(states=(Choice(),))


def card_id(rule_id: str, number: int) -> str:
    return f"{rule_id}.{number}"


def choose(attention: Attention, choice: Choice, fact: Moment | Mute | Unseen) -> Choice:
    """The choice after one more fact, which is not earlier than those before it."""
    if isinstance(fact, Moment) and fact.rule.to == "supervisors":
        return choice
    choice = serve(attention, choice, fact.at_ms)
    if isinstance(fact, Unseen):
        return _give_back(attention, choice, fact)
    if isinstance(fact, Mute):
        return replace(choice, muted=choice.muted.set(fact.rule_id, fact.at_ms))
    rule_id = fact.rule.id
    last = choice.last.get(rule_id)
    queued = [m for m in choice.waiting if m.rule.id == rule_id]
    if not fact.blocked:
        called = queued if last is None else [*queued, last.moment]
        if called and fact.at_ms - max(m.at_ms for m in called) < SAME_REMARK_MS:
            return choice
    refusal = _refusal(choice, fact)
    if refusal is not None:
        return _withhold(choice, refusal)
    if fact.rule.exempt:
        return _show(attention, choice, fact, fact.at_ms)
    better = _better(choice, fact)
    if better:
        return _withhold(choice, NotShown(fact, "beaten", better))
    newest = choice.newest
    preempts = newest is not None and fact.rule.priority >= newest.moment.rule.priority + attention.preempt
    if fact.at_ms >= choice.free_ms or preempts:
        return _show(attention, choice, fact, fact.at_ms)
    if queued:
        return _withhold(choice, NotShown(fact, "cooldown", card_id(rule_id, _count(choice, fact) + 1)))
    return replace(choice, waiting=(*choice.waiting, fact))


def serve(attention: Attention, choice: Choice, until_ms: int) -> Choice:
    """Show what has waited for its turn, up to a time, and drop what has waited too long."""
    while choice.waiting and choice.free_ms <= until_ms:
        at_ms = choice.free_ms
        choice = _give_up(choice, bisect_left(choice.waiting, at_ms - attention.patience_ms, key=lambda m: m.at_ms))
        if not choice.waiting:
            break
        best = max(
            choice.waiting,
            key=lambda m: (m.rule.priority + attention.ageing * (at_ms - m.at_ms) / 1000, -m.at_ms, m.rule.id),
        )
        choice = replace(choice, waiting=tuple(m for m in choice.waiting if m is not best))
        refusal = _refusal(choice, best)
        choice = _withhold(choice, refusal) if refusal else _show(attention, choice, best, at_ms)
    return choice


def close(choice: Choice) -> Choice:
    """The call is over: what still waits is not shown any more."""
    return _give_up(choice, len(choice.waiting))


def _refusal(choice: Choice, moment: Moment) -> NotShown | None:
    rule = moment.rule
    if moment.blocked:
        return NotShown(moment, moment.blocked, moment.by)
    if rule.id in choice.muted:
        return NotShown(moment, "muted")
    last = choice.last.get(rule.id)
    if last is not None and last.seen:
        earlier = card_id(rule.id, last.number)
        if rule.once:
            return NotShown(moment, "once", earlier)
        if moment.at_ms < last.moment.at_ms + rule.cooldown_ms:
            return NotShown(moment, "cooldown", earlier)
    return None


def _better(choice: Choice, moment: Moment) -> str:
    """The rule of another article that the same words call for more surely; empty where there is none.

    Words that were said beat words that were heard otherwise, and both beat what a model understood.
    """
    if moment.rule.kind != "article" or moment.doubt == EXACT:
        return ""
    others = (*choice.waiting, *(shown.moment for shown in choice.last.values()))
    return min(
        (
            other.rule.id
            for other in others
            # The time first: hundreds may wait or have been shown, and nearly all of them are older.
            if other.at_ms >= moment.since_ms
            and other.rule.kind == "article"
            and other.rule.id != moment.rule.id
            and other.doubt < moment.doubt
        ),
        default="",
    )


def _show(attention: Attention, choice: Choice, moment: Moment, at_ms: int) -> Choice:
    """`beat` names those that still have to wait because of this one."""
    beat = () if moment.rule.exempt else tuple(m.rule.id for m in choice.waiting)
    shown = Shown(moment, _count(choice, moment) + 1, at_ms, beat)
    shown_map = choice.shown.set(card_id(moment.rule.id, shown.number), shown)
    last = choice.last.set(moment.rule.id, shown)
    if moment.rule.exempt:
        return replace(choice, shown=shown_map, last=last)
    return replace(choice, shown=shown_map, last=last, free_ms=at_ms + attention.gap_ms, newest=shown)


def _give_back(attention: Attention, choice: Choice, unseen: Unseen) -> Choice:
    """Have a card take up neither its rule's cooldown nor the gap to the next one."""
    card = choice.last.get(unseen.rule_id)
    if card is None or (card.number, card.shown_ms) != (unseen.number, unseen.at_ms):
        return choice
    missed = card._replace(seen=False)
    last = choice.last.set(unseen.rule_id, missed)
    choice = replace(choice, last=last, shown=choice.shown.set(card_id(unseen.rule_id, card.number), missed))
    if choice.newest is None or choice.newest.moment is not card.moment:
        return choice
    seen = (shown for shown in last.values() if shown.seen and not shown.moment.rule.exempt)
    newest = max(seen, key=lambda shown: (shown.shown_ms, shown.moment.order), default=None)
    free_ms = unseen.at_ms if newest is None else max(unseen.at_ms, newest.shown_ms + attention.gap_ms)
    return replace(choice, newest=newest, free_ms=free_ms)


def _count(choice: Choice, moment: Moment) -> int:
    last = choice.last.get(moment.rule.id)
    return 0 if last is None else last.number


def _give_up(choice: Choice, count: int) -> Choice:
    """Drop as many of those that wait, from the one that has waited longest."""
    if not count:
        return choice
    newest = choice.newest
    by = card_id(newest.moment.rule.id, newest.number) if newest is not None else ""
    dropped = {moment.order: NotShown(moment, "budget", by) for moment in choice.waiting[:count]}
    return replace(choice, waiting=choice.waiting[count:], withheld=choice.withheld.update(dropped))


def _withhold(choice: Choice, not_shown: NotShown) -> Choice:
    withheld = choice.withheld.set(not_shown.moment.order, not_shown)
    if not_shown.reason != "beaten":
        return replace(choice, withheld=withheld)
    beaten = (*choice.beaten.get(not_shown.by, ()), not_shown.moment)
    return replace(choice, withheld=withheld, beaten=choice.beaten.set(not_shown.by, beaten))
