"""Alerts for supervisors: one a call and rule, open, acknowledged, resolved, and raised again only on worsening.

An alert is a fold over a few facts in the order of the call's clock: its rule was met, the customer's mood entered a
higher band, what raised it no longer holds, somebody answered. They are few and no alert depends on another, so one
that something may have changed is folded afresh, and the same facts give the same alert however they became known.

    fact            open                  acknowledged or handled          calmed, and nobody had answered
    met             stays                 open, if in a higher band        open
    higher band     stays                 open, if the condition holds     stays
    holds no more   resolved (calmed)     resolved (calmed)                stays
    acknowledged    acknowledged          stays: the first one has it      stays
    resolved        resolved (handled)    resolved (handled)               stays

A band is higher than the one in which the alert was raised and, once somebody has answered, than the one they saw.
Agents' attention has no part in it: no cooldown, no budget, no priority. The agent's own request for help is one more
alert, without a rule; see `help_requests`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from immutables import Map
from msgspec.structs import replace

from rtig.core import conditions, derive, frustration, help_requests, lookup
from rtig.core.call import Alerted, Call, Standing
from rtig.core.conditions import AllOf, AnyOf, Condition, Heardings, Means, Not, Said, SaidAgain
from rtig.core.events import AlertAnswered
from rtig.core.frustration import BANDS, Rise, Temper, Weighing
from rtig.core.guidance import Alert, Band, Guidance, Help, Quote, Why
from rtig.core.playbook import ClauseRef, Playbook
from rtig.core.shape import FOR_EVER, Span
from rtig.core.triggers import Moment, in_words


def answer(call: Call, event: AlertAnswered) -> Call:
    """A supervisor's answer to an alert that the call has; any other changes nothing."""
    if event.alert_id == help_requests.ALERT:
        return help_requests.answer(call, event)
    alert = call.told.alerts.get(event.alert_id)
    if alert is None:
        return call
    # Not before the alert came, which would answer nothing.
    event = replace(event, at_ms=max(event.at_ms, alert.raised_ms))
    alerted = call.alerted if event.at_ms >= call.alerted.at_ms else Alerted()
    return replace(call, answered=(*call.answered, event), alerted=alerted)


def tell(playbook: Playbook, before: Call, call: Call, seq: int, items: list[Guidance]) -> Call:
    """Add to `items` the alerts that event `seq` changed between two states of a call."""
    if call.touched - derive.REACH_MS < call.alerted.at_ms:
        call = replace(call, alerted=Alerted())
    if not call.started or not _may_differ(playbook, before, call):
        return call
    refs = [ref for ref in call.moments if playbook.rules[ref.rule_id].to == "supervisors"]
    if not refs and not call.told.alerts and call.help is None:
        return call
    until = min(call.now, call.touched) - MAY_CHANGE_MS
    until = until if until >= call.alerted.at_ms + MAY_CHANGE_MS else call.alerted.at_ms
    heard = lookup.heardings(playbook, call, call.alerted.at_ms)
    known = call.told.alerts
    told = known
    calms: list[int] = []
    now: dict[str, Alert | None] = {}
    stood: dict[ClauseRef, Standing] = {}
    for ref in sorted(refs):
        now[ref.rule_id], early = _folded(playbook, call, ref, heard, until, calms)
        if early is not None:
            stood[ref] = early
    if until > call.alerted.at_ms:
        call = replace(call, alerted=Alerted(until, Map(stood)))
    if call.help is not None:
        now[help_requests.ALERT] = _of_help(playbook, call, call.help)
    for name in sorted({*now, *known}):
        alert, last = now.get(name), known.get(name)
        if alert is None and last is not None:
            at_ms = last.at_ms if last.state == "resolved" else call.now
            alert = replace(last, state="resolved", at_ms=at_ms, reason="revised")
        if alert is not None and (last is None or _as_told(alert, last) != last):
            same = last is not None and (alert.state, alert.raised) == (last.state, last.raised)
            alert = replace(alert, cause=last.cause if same and last is not None else seq)
            told = told.set(name, alert)
            items.append(alert)
    due = min(calms, default=None)
    if told is known:
        return call if due == call.calms else replace(call, calms=due)
    return replace(call, calms=due, told=replace(call.told, alerts=told))


def _may_differ(playbook: Playbook, before: Call, call: Call) -> bool:
    return (
        derive.differs(before, call)
        or call.moments is not before.moments
        or call.answered is not before.answered
        or call.help is not before.help
        or (playbook.silent_alerts and call.transcript.open is not before.transcript.open)
        or (before.calms is not None and call.now >= before.calms)
    )


def _as_told(alert: Alert, last: Alert) -> Alert:
    """The alert as it would have been told last: the version of the playbook is no news."""
    return replace(alert, cause=last.cause, why=replace(alert.why, playbook=last.why.playbook))


# --- one alert


class _Fact(NamedTuple):
    at_ms: int
    kind: int
    """Of facts at one time, what ends comes first, and answers come last."""
    moment: Moment | None = None
    band: Band = "calm"
    quotes: tuple[Quote, ...] = ()
    answer: AlertAnswered | None = None


_CALMS, _RISES, _MET, _ANSWERED = 0, 1, 2, 3
MAY_CHANGE_MS = 90_000
"""What an alert went through so long ago is rarely changed by what is heard now, and kept."""


def _folded(
    playbook: Playbook, call: Call, ref: ClauseRef, heard: Heardings, until: int, calms: list[int]
) -> tuple[Alert | None, Standing | None]:
    """The alert of a rule as it is now, None where it never came, and how it stood at a time.

    Adds to `calms` when it will resolve by itself.
    """
    since, standing = call.alerted.at_ms, call.alerted.standing.get(ref)
    holds = conditions.course(_standing(playbook.clause(ref).condition), heard, max(0, since - 1))
    early = standing
    for fact in sorted(_facts(playbook.temper, call, ref, holds.holds, since), key=_order):
        standing = _after(standing, fact, held=holds.at(fact.at_ms))
        if fact.at_ms < until:
            early = standing
    if standing is None:
        return None, early
    if standing.state != "resolved":
        if call.ended:
            return _alert(playbook, call, standing._replace(state="resolved", since_ms=call.now), ended=True), early
        calms.extend(span.end_ms for span in holds.holds if call.now < span.end_ms < FOR_EVER)
    return _alert(playbook, call, standing), early


def _standing(condition: Condition) -> Condition:
    """What must go on holding for an alert to stand: what was said stays said, and a delay that is over is over."""
    match condition:
        case AllOf(parts=parts):
            delays = [p for p in parts if isinstance(p, Not) and _lapses(p.part)]
            return AllOf(tuple(_standing(part) for part in parts if part not in delays))
        case AnyOf(parts=parts):
            return AnyOf(tuple(_standing(part) for part in parts))
        case Said() | SaidAgain() | Means() if _lapses(condition):
            return replace(condition, lasting_ms=None)
        case _:
            return condition


def _lapses(condition: Condition) -> bool:
    return isinstance(condition, Said | SaidAgain | Means) and condition.lasting_ms is not None


def _facts(temper: Temper, call: Call, ref: ClauseRef, holds: Iterable[Span], since: int) -> Iterator[_Fact]:
    """All that bears on the alert of a rule from a time on, up to now."""
    met = call.moments.get(ref, ())
    for moment in met[bisect_left(met, since, key=_when) :]:
        if not moment.blocked and moment.at_ms <= call.now:
            yield _Fact(moment.at_ms, _MET, moment, _band(temper, call.weighing, moment.at_ms))
    for span in holds:
        if since <= span.end_ms <= call.now:
            yield _Fact(span.end_ms, _CALMS)
    rises = call.weighing.state.rises
    for rise in rises[bisect_left(rises, since, key=_when) :]:
        if rise.at_ms <= call.now:
            yield _Fact(rise.at_ms, _RISES, band=rise.band, quotes=rise.quotes)
    for event in call.answered:
        if event.alert_id == ref.rule_id and since <= event.at_ms <= call.now:
            yield _Fact(event.at_ms, _ANSWERED, band=_band(temper, call.weighing, event.at_ms), answer=event)


def _when(one: Moment | Rise) -> int:
    return one.at_ms


def _order(fact: _Fact) -> tuple[int, int, str]:
    return (fact.at_ms, fact.kind, fact.answer.answer_id if fact.answer is not None else "")


def _after(standing: Standing | None, fact: _Fact, *, held: bool) -> Standing | None:
    """An alert after one more fact. `held`: the condition holds then."""
    if standing is None:
        if fact.moment is None:
            return None
        return Standing("open", fact.at_ms, fact.moment, fact.band, fact.band, 1, fact.at_ms)
    if fact.answer is not None:
        return _answered(standing, fact, fact.answer)
    if fact.kind == _CALMS:
        if standing.state == "resolved":
            return standing
        return standing._replace(state="resolved", since_ms=fact.at_ms, reason="calmed")
    if standing.state == "open":
        return standing
    worse = BANDS.index(fact.band) > BANDS.index(standing.seen)
    unanswered = not standing.answered
    again = (worse or unanswered) if fact.moment is not None else (worse and held and not unanswered)
    if not again:
        return standing
    return Standing(
        "open",
        fact.at_ms,
        fact.moment or standing.moment,
        fact.band,
        fact.band,
        standing.raised + 1,
        fact.at_ms,
        fact.quotes if fact.moment is None else None,
    )


def _answered(standing: Standing, fact: _Fact, event: AlertAnswered) -> Standing:
    if standing.state == "resolved" or (standing.state == "acknowledged" and event.action == "acknowledge"):
        return standing
    handled = event.action == "resolve"
    return standing._replace(
        state="resolved" if handled else "acknowledged",
        since_ms=fact.at_ms,
        seen=max(standing.seen, fact.band, key=BANDS.index),
        answered=True,
        by=event.by,
        reason="handled" if handled else "",
    )


def _band(temper: Temper, weighing: Weighing, at_ms: int) -> Band:
    """The customer's band at a time."""
    state = weighing.states[bisect_right(weighing.facts, at_ms, key=lambda fact: fact.at_ms)]
    return frustration.settled_band(temper, state.band, frustration.faded(temper, state, at_ms))


def _of_help(playbook: Playbook, call: Call, request: Help) -> Alert:
    return Alert(
        call_id=call.call_id,
        id=help_requests.ALERT,
        source="agent",
        text=request.text,
        state=request.state,
        title="The agent asks for help",
        level=_band(playbook.temper, call.weighing, request.asked_ms),
        raised=request.asked,
        raised_ms=request.asked_ms,
        at_ms=request.at_ms,
        why=Why(rule="", playbook=playbook.version, condition="the agent asked for help"),
        by=request.by,
        reason=request.reason,
        cause=0,
    )


def _alert(playbook: Playbook, call: Call, standing: Standing, *, ended: bool = False) -> Alert:
    moment = standing.moment
    condition, words = in_words(moment), moment.quotes
    if standing.worse is not None:
        condition += f"; then the customer became {standing.level}"
        words = tuple(dict.fromkeys((*words, *standing.worse)))
    return Alert(
        call_id=call.call_id,
        id=moment.rule.id,
        state=standing.state,
        title=moment.rule.title,
        level=standing.level,
        raised=standing.raised,
        raised_ms=standing.raised_ms,
        at_ms=standing.since_ms,
        why=Why(
            rule=moment.rule.id,
            playbook=playbook.version,
            condition=condition,
            words=words,
            bends=moment.bends,
            score=None if moment.meant is None else moment.meant.score,
        ),
        by=standing.by,
        reason="ended" if ended else standing.reason,
        cause=0,
    )
