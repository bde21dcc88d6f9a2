"""What is different now for those who watch: cards, the mood, checklists.

A watcher is told only what changed since it was told last, which `Call.told` keeps.
"""

from immutables import Map
from msgspec.structs import replace

from rtig.core import checklists, derive, frustration, lookup, triggers, weighing
from rtig.core.call import Call, Told
from rtig.core.guidance import (
    CallInfo,
    Card,
    CardState,
    Guidance,
    Line,
    Why,
    Withheld,
)
from rtig.core.playbook import Playbook
from rtig.core.policy import Choice, Shown
from rtig.core.slots import filled, slots_in
from rtig.core.transcript import Change, Segment
from rtig.core.triggers import Moment

MOOD_STEP = RISK_STEP = 0.04
"""The mood is told again when it or the risk has moved this much, or it has entered another band or rests on another
reading."""


def tell(playbook: Playbook, before: Call, call: Call, seq: int, items: list[Guidance]) -> Call:
    """Add to `items` what event `seq` changed between two states of a call."""
    told = _tell_cards(playbook, before, call, call.told, seq, items)
    if call.started:
        told = checklists.tell(playbook, before, call, told, items)
        told = _tell_mood(playbook, before, call, told, items)
    return replace(call, told=told) if told is not call.told else call


def line(before: Call, call: Call, change: Change, segment_id: str) -> Line | None:
    """The line of a segment that a change revised or took away; None where it did neither."""
    if change.segment is not None:
        return _line(call, change.segment)
    gone = change.unsettled[0] if change.unsettled else before.transcript.open.get(segment_id)
    return None if gone is None else _line(call, replace(gone, text=""), voided=True)


def info(playbook: Playbook, call: Call) -> CallInfo:
    return CallInfo(
        call_id=call.call_id,
        state="ended" if call.ended else "live",
        channel=call.channel,
        agent=call.agent,
        queue=call.queue,
        customer=call.customer,
        started_at=call.started_at,
        playbook=playbook.version,
        ended_ms=call.now if call.ended else None,
    )


def _tell_cards(playbook: Playbook, before: Call, call: Call, told: Told, seq: int, items: list[Guidance]) -> Told:
    choice = derive.chosen(playbook, call)
    guessed, doubts = derive.provisional(playbook, call, choice)
    chosen = choice is not told.choice
    moved = chosen or (bool(told.with_values) and derive.differs(before, call))
    held_back = _being_done(playbook, call, told, choice)
    may_go = told.wavering or call.missed is not before.missed
    if not moved and not guessed and not held_back and not told.held_back and not may_go:
        return told
    cards = told.cards
    due = [
        (card_id, choice.shown[card_id])
        for card_id in (choice.shown if chosen else dict.fromkeys((*told.untold, *told.with_values)))
        if card_id not in held_back and _is_due(playbook, call, told, choice, card_id, moved=moved)
    ]
    early = [
        (card_id, shown)
        for card_id, shown in guessed.items()
        if card_id not in call.missed_early
        and card_id not in call.missed
        and card_id not in held_back
        and not _is_told(cards, card_id)
    ]
    for card_id, shown in [*sorted(due, key=_shown_order), *sorted(early)]:
        state: CardState = "confirmed" if card_id in choice.shown else "provisional"
        card = _card(playbook, call, seq, choice, card_id, shown, state, cards.get(card_id))
        cards = cards.set(card_id, card)
        items.append(card)
    wavering = False
    going: list[str] = []
    for card_id, card in cards.items() if chosen or may_go or early else ():
        if card.state != "retracted" and (card_id in call.missed or card_id not in choice.shown):
            stands = card_id not in call.missed and card_id in guessed and card_id not in call.missed_early
            wavering |= stands
            going += () if stands else (card_id,)
    for card_id in sorted(going):
        card = cards[card_id]
        reason = _why_gone(playbook, call, choice, card, doubts.get(card.why.rule, ""))
        gone = replace(card, state="retracted", cause=seq, reason=reason)
        cards = cards.set(card_id, gone)
        items.append(gone)
        if reason == "late" and (card_id in call.missed or _missed_early(call, card)):
            items.append(_late(card))
    _tell_withheld(call, told.choice, choice, items)
    if cards is told.cards and choice is told.choice and held_back == told.held_back:
        return told
    return replace(
        told,
        cards=cards,
        choice=choice,
        held_back=held_back,
        untold=tuple(card_id for card_id in choice.shown if not _is_told(cards, card_id)),
        wavering=wavering,
        with_values=tuple(card_id for card_id, shown in choice.shown.items() if "{" in shown.moment.rule.say),
    )


def _being_done(playbook: Playbook, call: Call, told: Told, choice: Choice) -> frozenset[str]:
    """Cards that are due and are not shown yet: the agent is just doing what they ask for."""
    untold = told.untold
    if choice is not told.choice:
        untold = tuple(card_id for card_id in choice.shown if not _is_told(told.cards, card_id))
    return frozenset(card_id for card_id in untold if derive.being_done(playbook, call, choice.shown[card_id].moment))


def _is_told(cards: Map[str, Card], card_id: str) -> bool:
    known = cards.get(card_id)
    return known is not None and known.state != "retracted"


def _is_due(playbook: Playbook, call: Call, told: Told, choice: Choice, card_id: str, *, moved: bool) -> bool:
    """Whether a card that is shown has not been told, or not as it is now."""
    if card_id in call.missed:
        return False
    known = told.cards.get(card_id)
    if known is None or known.state != "confirmed":
        return True
    shown = choice.shown[card_id]
    if not moved or _is_as_told(playbook, call, told, choice, card_id, shown):
        return False
    return _moved(playbook, call, known, shown, choice)


def _tell_withheld(call: Call, before: Choice, choice: Choice, items: list[Guidance]) -> None:
    if choice.withheld is before.withheld:
        return
    others = [one for one in choice.withheld.items() if before.withheld.get(one[0]) is not one[1]]
    for order, refused in sorted(others):
        known = before.withheld.get(order)
        if known is None or known.reason != refused.reason:
            moment = refused.moment
            items.append(
                Withheld(
                    call_id=call.call_id,
                    rule=moment.rule.id,
                    reason=refused.reason,
                    by=refused.by,
                    at_ms=moment.at_ms,
                    words=moment.quotes,
                )
            )


def _is_as_told(playbook: Playbook, call: Call, told: Told, now: Choice, card_id: str, shown: Shown) -> bool:
    """Whether a card can say nothing else than when it was told: of all that a long call has had, nearly every one."""
    moment, then = shown.moment, told.choice
    settled = moment.at_ms < call.touched - derive.REACH_MS and told.playbook == playbook.version
    return (
        (settled or "{" not in moment.rule.say)
        and shown == then.shown.get(card_id)
        and now.beaten.get(moment.rule.id, ()) == then.beaten.get(moment.rule.id, ())
    )


def _moved(playbook: Playbook, call: Call, known: Card, shown: Shown, choice: Choice) -> bool:
    """Whether a confirmed card now answers other words than it was told with, or says others: some arrived late."""
    moment = shown.moment
    why = _why(playbook, shown, choice, told_from=known.why.playbook)
    return known.at_ms != moment.at_ms or known.why != why or known.say != _say(playbook, call, moment)


def _say(playbook: Playbook, call: Call, moment: Moment) -> str:
    """What the agent may say, with what the call's slots held at the moment."""
    rule = moment.rule
    if "{" not in rule.say:
        return rule.say
    said = filled(rule.say, lookup.values(playbook, call, moment.at_ms, slots_in(rule.say)))
    return rule.say_without if said is None else said


def _shown_order(entry: tuple[str, Shown]) -> tuple[int, str]:
    return (entry[1].shown_ms, entry[0])


def _why(playbook: Playbook, shown: Shown, choice: Choice, told_from: str) -> Why:
    moment = shown.moment
    meant = moment.meant
    less_sure = (one.rule.id for one in choice.beaten.get(moment.rule.id, ()) if one.since_ms <= moment.at_ms)
    return Why(
        rule=moment.rule.id,
        playbook=told_from,
        condition=triggers.in_words(moment),
        words=moment.quotes,
        bends=moment.bends,
        score=None if meant is None else meant.score,
        near=() if meant is None else tuple(playbook.meanings[name].rule for name, _ in meant.near),
        beat=(*shown.beat, *sorted(less_sure)),
    )


def _card(
    playbook: Playbook,
    call: Call,
    seq: int,
    choice: Choice,
    card_id: str,
    shown: Shown,
    state: CardState,
    known: Card | None,
) -> Card:
    moment = shown.moment
    rule = moment.rule
    shown_ms = known.shown_ms if known is not None and known.state != "retracted" else max(call.now, moment.at_ms)
    return Card(
        call_id=call.call_id,
        id=card_id,
        state=state,
        kind=rule.kind,
        title=rule.title,
        say=_say(playbook, call, moment),
        body=rule.body,
        steps=tuple(step.text for step in rule.steps),
        article=rule.article,
        why=_why(playbook, shown, choice, told_from=playbook.version),
        priority=rule.priority,
        exempt=rule.exempt,
        at_ms=moment.at_ms,
        shown_ms=shown_ms,
        expires_ms=shown_ms + playbook.attention.ttl_ms,
        cause=seq,
    )


def _missed_early(call: Call, card: Card) -> bool:
    return card.state == "provisional" and card.id in call.missed_early


def _late(card: Card) -> Withheld:
    why = card.why
    return Withheld(call_id=card.call_id, rule=why.rule, reason="late", at_ms=card.at_ms, words=why.words)


def _why_gone(playbook: Playbook, call: Call, choice: Choice, card: Card, doubt: str) -> str:
    if card.id in call.missed:
        return call.missed[card.id]
    if _missed_early(call, card):
        return "late"
    if card.why.rule not in playbook.rules:
        return "superseded"
    for refused in choice.withheld.values():
        if refused.moment.rule.id == card.why.rule and refused.moment.at_ms == card.at_ms:
            return refused.reason
    if doubt:
        return doubt
    segments = {quote.segment_id for quote in card.why.words}
    if any(s in call.transcript.voided for s in segments):
        return "voided"
    if any(s not in call.transcript.open and s not in call.transcript.final for s in segments):
        return "unfinished"
    return "revised"


def _tell_mood(playbook: Playbook, before: Call, call: Call, told: Told, items: list[Guidance]) -> Told:
    patience = call.weighing.state
    score = frustration.faded(playbook.temper, patience, call.now)
    known = told.mood
    read = weighing.is_read(call, call.now)
    if known is not None:
        band = frustration.settled_band(playbook.temper, patience.band, score)
        moved = abs(score - known.score) >= MOOD_STEP
        if call.weighing is not before.weighing:
            moved |= abs(frustration.risk(playbook.temper, patience) - known.risk) >= RISK_STEP
        if band == known.band and not moved and read == (known.reading == "words and model"):
            return told
    mood = frustration.mood(call.call_id, playbook.temper, patience, call.now, read=read)
    items.append(mood)
    return replace(told, mood=mood)


def _line(call: Call, segment: Segment, *, voided: bool = False) -> Line:
    return Line(
        call_id=call.call_id,
        segment_id=segment.id,
        rev=segment.rev,
        party=segment.party,
        text=segment.text,
        final=segment.id in call.transcript.final,
        start_ms=segment.start_ms,
        end_ms=segment.end_ms,
        voided=voided,
    )
