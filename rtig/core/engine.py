"""The product in one function: `step(playbook, call, seq, event) -> (call, guidance)`.

Live serving, replay, tests and benchmarks all fold a call's log with it. It is total: any event in any order is folded
without raising. What it derives (what was heard, the mood, the cards) depends on the words and their times alone, so a
call that is cut, sent again or reordered on its way ends with the same confirmed cards.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, assert_never

from immutables import Map
from msgspec.structs import replace

from rtig.core import frustration, policy, shape, transcript, triggers
from rtig.core.call import Call, Told
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    CardAnswered,
    CardMissed,
    ClockTicked,
    HintGiven,
    PartyCorrected,
    PlaybookChanged,
    SegmentHeard,
    SegmentVoided,
    ToneScored,
    Unrecognised,
    Whispered,
)
from rtig.core.frustration import Influence, Patience, Weighing
from rtig.core.guidance import (
    CallInfo,
    Card,
    CardState,
    Checklist,
    Guidance,
    Hint,
    Line,
    Step,
    Whisper,
    Why,
    Withheld,
)
from rtig.core.playbook import ChecklistSource, ClauseRef, Playbook
from rtig.core.policy import Choice, Choosing, Mute, Shown
from rtig.core.shape import Span
from rtig.core.transcript import UNFINISHED_MS, Change, Heard, Segment
from rtig.core.triggers import Heardings, Moment, Said

MOOD_STEP = 0.04
"""The mood is told again when it has moved this much, entered another band or rests on another reading."""
MODEL_FROM = 0.5
MODEL_WEIGHS = 0.4
"""Share of patience that a model's surest negative reading takes."""


def begin(call_id: str) -> Call:
    """A call of which nothing is known yet."""
    return Call(call_id=call_id)


def step(playbook: Playbook, call: Call, seq: int, event: AnyEvent) -> tuple[Call, tuple[Guidance, ...]]:
    """Fold event number `seq` of a call's log. Never raises; what it cannot use changes nothing."""
    before = call
    items: list[Guidance] = []
    if call.ended and not isinstance(event, CardAnswered | PlaybookChanged | Whispered):
        return call, ()
    match event:
        case SegmentHeard():
            call = _advance(call, event.end_ms)
            change = transcript.hear(call.transcript, event, playbook.automaton)
            call = _take(playbook, call, change, items, event.segment_id)
        case ClockTicked():
            call = _advance(call, event.at_ms)
        case SegmentVoided():
            change = transcript.void(call.transcript, event.segment_id, playbook.automaton)
            call = _take(playbook, call, change, items, event.segment_id)
        case PartyCorrected():
            change = transcript.correct(call.transcript, event.segment_id, event.rev, event.party, playbook.automaton)
            call = _take(playbook, call, change, items, event.segment_id)
        case CallStarted():
            if call.started:
                return call, ()
            call = replace(
                call, started=True, channel=event.channel, agent=event.agent, queue=event.queue,
                customer=event.customer, started_at=event.started_at,
            )  # fmt: skip
            items.append(_info(playbook, call))
            call = _again(playbook, call, _every_clause(playbook))
            call = _tick_checklists(call, playbook.checklists.values(), playbook, items)
        case CallEnded():
            change = transcript.forget_unfinished(call.transcript, None)
            call = replace(_advance(call, event.at_ms), transcript=change.transcript)
            call = replace(_again(playbook, call, playbook.timed_clauses), ended=True)
            items.append(_info(playbook, call))
        case ToneScored():
            call = _score(playbook, call, event)
        case HintGiven():
            call = _advance(call, event.at_ms)
            items.append(
                Hint(call_id=call.call_id, id=event.hint_id, name=event.name, value=event.value, at_ms=event.at_ms)
            )
        case CardAnswered():
            call = _advance(call, event.at_ms)
            call = _answered(playbook, call, event)
        case CardMissed():
            call = replace(call, missed=call.missed.set(event.card_id, "late"))
        case Whispered():
            call = _advance(call, event.at_ms)
            items.append(
                Whisper(call_id=call.call_id, id=event.whisper_id, text=event.text, by=event.by, at_ms=event.at_ms)
            )
        case PlaybookChanged():
            call = rebuild(playbook, _advance(call, event.at_ms))
            items.append(_info(playbook, call))
            call = _withdraw_checklists(call, playbook, items)
            call = _tick_checklists(call, playbook.checklists.values(), playbook, items)
        case Unrecognised():
            return call, ()
        case _:
            assert_never(event)
    call = _pass_time(playbook, before, call)
    call = _tell(playbook, call, seq, items)
    return call, tuple(items)


def wake_at(playbook: Playbook, call: Call) -> int | None:
    """When the fold wants a tick if nothing else happens before, in ms on the call's clock; None: not at all."""
    if not call.started or call.ended:
        return None
    due = _due(playbook, _heardings(playbook, call)) if playbook.timed_clauses else None
    times = [] if due is None else [due]
    if call.told.choice.waiting:
        times.append(max(call.now + 1, call.told.choice.free_ms))
    cools = frustration.cools_at(playbook.temper, call.weighing.state, call.now)
    if cools is not None:
        times.append(cools)
    times.extend(max(call.now + 1, s.end_ms + UNFINISHED_MS) for s in call.transcript.open.values())
    return min(times, default=None)


class Folded(NamedTuple):
    seq: int
    event: AnyEvent
    guidance: tuple[Guidance, ...]
    call: Call


def replay(playbook: Playbook, call_id: str, events: Iterable[AnyEvent]) -> Iterator[Folded]:
    """Fold a recorded log as it stands, event by event, numbered from 1."""
    call = begin(call_id)
    for seq, event in enumerate(events, 1):
        call, guidance = step(playbook, call, seq, event)
        yield Folded(seq, event, guidance, call)


def rehearse(playbook: Playbook, call_id: str, events: Iterable[AnyEvent]) -> Iterator[Folded]:
    """Fold events that were never live: the ticks that a clock would have given are put between them."""
    call = begin(call_id)
    seq = 0
    for event in events:
        until = _time_of(event)
        while until is not None and (wake := wake_at(playbook, call)) is not None and wake < until:
            seq += 1
            tick = ClockTicked(call_id=call_id, at_ms=wake)
            call, guidance = step(playbook, call, seq, tick)
            yield Folded(seq, tick, guidance, call)
        seq += 1
        call, guidance = step(playbook, call, seq, event)
        yield Folded(seq, event, guidance, call)


def rebuild(playbook: Playbook, call: Call) -> Call:
    """The call as if all its words had been heard with this playbook.

    Cards that would be new now are left unsaid, and a rule that is new works from the next words on.
    """
    whole = transcript.relisten(call.transcript, playbook.automaton)
    segments = tuple(segment for stream in whole.streams.values() for segment in stream)
    empty = Call(call_id=call.call_id)
    fresh = replace(
        call, transcript=whole, shape=empty.shape, heard=empty.heard, influences=empty.influences,
        weighing=empty.weighing, moments=empty.moments,
        choosing=_rechosen(playbook, policy.begin(), (), [f for f in call.choosing.facts if isinstance(f, Mute)]),
    )  # fmt: skip
    fresh = _weigh_words(playbook, _index(fresh, segments, ()), call, segments)
    fresh = _weigh_tones(playbook, fresh, call, segments)
    fresh = _reshape(fresh, call, segments)
    fresh = _weigh_signals(playbook, fresh, playbook.signals)
    fresh = _again(playbook, fresh, _every_clause(playbook))
    known = _met(call)
    unsaid = fresh.unsaid.update({met: True for met in _met(fresh) if met not in known})
    if len(unsaid) > len(fresh.unsaid):
        fresh = _again(playbook, replace(fresh, unsaid=unsaid), _every_clause(playbook))
    missed = fresh.missed
    for card_id in _chosen(playbook, fresh).shown:
        if card_id not in call.told.cards or call.told.cards[card_id].state == "retracted":
            missed = missed.set(card_id, "superseded")
    return replace(fresh, missed=missed)


def _met(call: Call) -> dict[tuple[str, int], None]:
    """The rules that were met, and when."""
    return dict.fromkeys((m.rule.id, m.at_ms) for found in call.moments.values() for m in found if not m.blocked)


# --- taking in what was heard


def _advance(call: Call, at_ms: int) -> Call:
    """The call at a later time. A call that is over stays at its end."""
    return replace(call, now=at_ms) if at_ms > call.now and not call.ended else call


def _take(playbook: Playbook, call: Call, change: Change, items: list[Guidance], segment_id: str) -> Call:
    """Let a change of the transcript reach everything that is derived from it."""
    if change.transcript is call.transcript:
        return call
    before = call
    call = replace(call, transcript=change.transcript)
    if change.segment is not None:
        items.append(_line(call, change.segment))
    elif change.unsettled or segment_id in before.transcript.open:
        held = before.transcript.open.get(segment_id) or change.unsettled[0]
        items.append(_line(call, replace(held, text=""), voided=True))
    if not change.settled and not change.unsettled:
        return call
    touched = {h.phrase for segment in (*change.settled, *change.unsettled) for h in segment.heard}
    changed = (*change.unsettled, *change.settled)
    call = _index(call, change.settled, change.unsettled)
    call = _weigh_words(playbook, call, before, changed)
    call = _weigh_tones(playbook, call, before, changed)
    call = _reshape(call, before, changed)
    call = _weigh_signals(playbook, call, _owners(touched, playbook.signals_of_phrase))
    clauses = dict.fromkeys(ref for phrase in sorted(touched) for ref in playbook.clauses_of_phrase.get(phrase, ()))
    if call.weighing.state.rises != before.weighing.state.rises:
        clauses.update(dict.fromkeys(playbook.mood_clauses))
    if call.shape != before.shape:
        clauses.update(dict.fromkeys(playbook.shape_clauses))
    call = _again(playbook, call, clauses)
    lists = [playbook.checklists[name] for name in _owners(touched, playbook.checklists_of_phrase)]
    return _tick_checklists(call, lists, playbook, items) if call.started else call


def _owners(touched: Iterable[int], table: dict[int, tuple[str, ...]]) -> dict[str, None]:
    return dict.fromkeys(owner for phrase in sorted(touched) for owner in table.get(phrase, ()))


def _index(call: Call, settled: tuple[Segment, ...], unsettled: tuple[Segment, ...]) -> Call:
    """Keep `heard` in step with the final segments."""
    if not any(s.heard for s in settled) and not any(s.heard for s in unsettled):
        return call
    places: dict[int, list[Heard]] = {}

    def of(phrase: int) -> list[Heard]:
        return places.setdefault(phrase, list(call.heard.get(phrase, ())))

    for segment in settled:
        for heard in segment.heard:
            insort(of(heard.phrase), heard, key=_when)
    for segment in unsettled:
        for heard in segment.heard:
            of(heard.phrase).remove(heard)
    index = call.heard
    for phrase, found in places.items():
        index = index.set(phrase, tuple(found)) if found else index.delete(phrase) if phrase in index else index
    return replace(call, heard=index)


def _when(heard: Heard) -> tuple[int, int, str, str]:
    return (heard.end_ms, heard.start_ms, heard.party, heard.quotes[-1].segment_id if heard.quotes else "")


def _weigh_words(playbook: Playbook, call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    """Read the customer's turns again that a change may belong to."""
    weighing = call.weighing
    for segment in changed:
        if segment.party != "customer" or not segment.words.spans:
            continue
        low, high = shape.neighbourhood(before.transcript, call.transcript, segment)
        since = max(low, _since(before, call, segment))
        gone = [
            fact
            for fact in weighing.facts[bisect_left(weighing.facts, since, key=_at) :]
            if fact.at_ms <= high and fact.key.startswith("words:")
        ]
        new = [
            influence
            for part in shape.turns(shape.turn(call.transcript.stream("customer"), low, high))
            for influence in frustration.readings(playbook.sentiment, part, since)
        ]
        weighing = _reweighed(playbook, weighing, gone, new)
    return replace(call, weighing=weighing) if weighing is not call.weighing else call


def _since(before: Call, call: Call, segment: Segment) -> int:
    """From when on a change may read otherwise: the words before it may have ended a part, and now go on into it."""
    since = segment.start_ms
    for state in (before, call):
        stream = state.transcript.stream(segment.party)
        index = bisect_left(stream, segment.place, key=_place) - 1
        while index >= 0 and not stream[index].words.spans:
            index -= 1
        if index >= 0:
            since = min(since, stream[index].end_ms)
    return since


def _at(influence: Influence) -> int:
    return influence.at_ms


def _place(segment: Segment) -> tuple[int, int, str]:
    return segment.place


def _reshape(call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    return replace(call, shape=shape.reshape(call.shape, before.transcript, call.transcript, changed))


def _weigh_signals(playbook: Playbook, call: Call, names: Iterable[str]) -> Call:
    weighing, influences = call.weighing, call.influences
    for name in names:
        source = playbook.signals[name]
        new = {
            place.end_ms: Influence(
                at_ms=place.end_ms,
                key=f"signal:{name}",
                what=source.signal.reason,
                weight=source.signal.weight,
                quotes=place.quotes,
                signal=name,
            )
            for phrase in source.said
            for place in call.heard.get(playbook.phrase_numbers[phrase], ())
            if place.party == "customer"
        }
        known = influences.get(name, ())
        kept = tuple(new[at_ms] for at_ms in sorted(new))
        if kept != known:
            weighing = _reweighed(playbook, weighing, known, kept)
            influences = influences.set(name, kept)
    if weighing is call.weighing and influences is call.influences:
        return call
    return replace(call, weighing=weighing, influences=influences)


def _score(playbook: Playbook, call: Call, event: ToneScored) -> Call:
    """A model has read a segment; its older reading of the same segment gives way."""
    readings = call.tones.get(event.segment_id, Map())
    if event.model in readings and event.rev < readings[event.model][0]:
        return call
    before = call
    readings = readings.set(event.model, (event.rev, event.negative))
    call = replace(call, tones=call.tones.set(event.segment_id, readings))
    segment = call.transcript.find(event.segment_id)
    if segment is not None:
        call = _weigh_tones(playbook, call, before, (segment,))
    if call.weighing.state.rises != before.weighing.state.rises:
        call = _again(playbook, call, playbook.mood_clauses)
    return call


def _weigh_tones(playbook: Playbook, call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    """Weigh what models read in the segments of a change as they are now, not as they were."""
    if not call.tones:
        return call
    ids = dict.fromkeys(segment.id for segment in changed)
    gone = [influence for segment_id in ids for influence in _tones(before, segment_id)]
    new = [influence for segment_id in ids for influence in _tones(call, segment_id)]
    weighing = _reweighed(playbook, call.weighing, gone, new)
    return replace(call, weighing=weighing) if weighing is not call.weighing else call


def _tones(call: Call, segment_id: str) -> list[Influence]:
    """What models read in a final segment of the customer, in the revision that it has."""
    segment = call.transcript.find(segment_id)
    if segment is None or segment.party != "customer" or not segment.words.norms:
        return []
    return [
        Influence(
            at_ms=segment.end_ms,
            key=f"model:{model}:{segment.id}",
            what="tone of voice in words",
            weight=round(max(0.0, negative - MODEL_FROM) / (1 - MODEL_FROM) * MODEL_WEIGHS, 4),
            quotes=(transcript.quote_all(segment),),
            scored=True,
        )
        for model, (rev, negative) in sorted(call.tones.get(segment_id, Map()).items())
        if rev == segment.rev
    ]


def _answered(playbook: Playbook, call: Call, event: CardAnswered) -> Call:
    card = call.told.cards.get(event.card_id)
    if card is None or event.action != "dismissed" or event.reason not in ("wrong", "known"):
        return call
    # Not before the card came, which would take it back, nor after the call's end, which would serve what still waits.
    shown = call.told.choice.shown.get(event.card_id)
    at_ms = max(event.at_ms, card.at_ms if shown is None else shown.shown_ms)
    mute = Mute(min(at_ms, max(call.now, card.at_ms)), card.why.rule)
    return replace(call, choosing=_rechosen(playbook, call.choosing, (), (mute,)))


def _reweighed(
    playbook: Playbook, weighing: Weighing, gone: Collection[Influence], new: Collection[Influence]
) -> Weighing:
    return weighing.revised(gone, new, lambda patience, fact: frustration.weigh(playbook.temper, patience, fact))


def _rechosen(
    playbook: Playbook, choosing: Choosing, gone: Collection[Moment], new: Collection[Moment | Mute]
) -> Choosing:
    return choosing.revised(gone, new, lambda choice, fact: policy.choose(playbook.attention, choice, fact))


# --- finding the moments that call for a card


def _every_clause(playbook: Playbook) -> list[ClauseRef]:
    return [ClauseRef(rule.id, index) for rule in playbook.rules.values() for index in range(len(rule.clauses))]


def _heardings(playbook: Playbook, call: Call, also: dict[int, list[Heard]] | None = None) -> Heardings:
    """`also`: what was heard in words that are not final yet."""

    def said(phrase: str) -> tuple[Heard, ...]:
        number = playbook.phrase_numbers[phrase]
        settled = call.heard.get(number, ())
        return (*settled, *also[number]) if also is not None and number in also else settled

    return Heardings(
        said=said,
        shape=call.shape,
        rises=call.weighing.state.rises,
        channel=call.channel,
        queue=call.queue,
        started=call.started,
        now=call.now,
        quiet=shape.quiet(call.shape, call.transcript, call.now),
    )


def _again(playbook: Playbook, call: Call, clauses: Iterable[ClauseRef]) -> Call:
    """Look again for the moments of some clauses, and choose again where they differ."""
    refs = list(clauses)
    if not refs:
        return call
    heard = _heardings(playbook, call)
    gone: list[Moment] = []
    new: list[Moment] = []
    moments = call.moments
    for ref in refs:
        known = moments.get(ref, ())
        found = _moments(playbook, call, ref, heard)
        if found != known:
            gone.extend(known)
            new.extend(found)
            moments = moments.set(ref, found)
    if moments is call.moments:
        return call
    choosing = _rechosen(playbook, call.choosing, gone, new)
    return replace(call, moments=moments, choosing=choosing)


def _moments(playbook: Playbook, call: Call, ref: ClauseRef, heard: Heardings) -> tuple[Moment, ...]:
    found = triggers.moments(playbook.rules[ref.rule_id], ref.clause, heard)
    if call.unsaid:
        found = [
            replace(m, blocked="late") if not m.blocked and (m.rule.id, m.at_ms) in call.unsaid else m for m in found
        ]
    return tuple(found)


def _due(playbook: Playbook, heard: Heardings) -> int | None:
    """When a condition that waits for the clock may next be met."""
    times = (triggers.deadline(playbook.clause(ref).condition, heard) for ref in playbook.timed_clauses)
    return min((due for due in times if due is not None), default=None)


def _pass_time(playbook: Playbook, before: Call, call: Call) -> Call:
    """What follows from the clock, and from words that are not final yet and may end a silence, or no longer do."""
    if call.ended:
        return call
    if call.now > before.now:
        change = transcript.forget_unfinished(call.transcript, call.now)
        if change.transcript is not call.transcript:
            call = replace(call, transcript=change.transcript)
    spoken = call.transcript.open is not before.transcript.open
    if not playbook.timed_clauses or (call.now == before.now and not spoken):
        return call
    heard = _heardings(playbook, before)
    due = _due(playbook, heard)
    if (due is not None and call.now >= due) or (
        spoken
        and _silences(playbook, heard.quiet) != _silences(playbook, shape.quiet(call.shape, call.transcript, call.now))
    ):
        call = _again(playbook, call, playbook.timed_clauses)
    return call


def _silences(playbook: Playbook, quiet: tuple[Span, ...]) -> list[tuple[int, int]]:
    """The silences that are long enough for some clause: since when, and for which."""
    return [(span.start_ms, ms) for span in quiet for ms in playbook.silences if span.end_ms - span.start_ms >= ms]


def _chosen(playbook: Playbook, call: Call) -> Choice:
    choice = policy.serve(playbook.attention, call.choosing.state, call.now)
    return policy.close(choice) if call.ended else choice


# --- telling what is different now


def _tell(playbook: Playbook, call: Call, seq: int, items: list[Guidance]) -> Call:
    told = _tell_cards(playbook, call, seq, items)
    if call.started:
        told = _tell_mood(playbook, call, told, items)
    return replace(call, told=told) if told is not call.told else call


def _tell_cards(playbook: Playbook, call: Call, seq: int, items: list[Guidance]) -> Told:
    choice = _chosen(playbook, call)
    guessed, doubts = _provisional(playbook, call, choice)
    told = call.told
    settled = choice is told.choice
    shown_now = {i for i, card in told.cards.items() if card.state == "provisional"}
    missed_now = any(i in told.cards and told.cards[i].state != "retracted" for i in call.missed)
    if settled and not guessed and not shown_now and not missed_now:
        return told
    cards = told.cards
    for card_id, shown in [*sorted(choice.shown.items(), key=_shown_order), *sorted(guessed.items())]:
        if card_id in call.missed:
            continue
        state: CardState = "confirmed" if card_id in choice.shown else "provisional"
        known = cards.get(card_id)
        if known is None or known.state not in ("confirmed", state) or _moved(known, shown, state):
            card = _card(playbook, call, seq, card_id, shown, state, known)
            cards = cards.set(card_id, card)
            items.append(card)
    for card_id, card in sorted(cards.items()):
        gone = card_id in call.missed or (card_id not in choice.shown and card_id not in guessed)
        if gone and card.state != "retracted":
            card = replace(
                card,
                state="retracted",
                cause=seq,
                reason=_why_gone(playbook, call, choice, card, doubts.get(card.why.rule, "")),
            )
            cards = cards.set(card_id, card)
            items.append(card)
    if not settled:
        for order, refused in sorted(choice.withheld.items()):
            known_refusal = told.choice.withheld.get(order)
            if known_refusal is None or known_refusal.reason != refused.reason:
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
    if cards is told.cards and settled:
        return told
    return replace(told, cards=cards, choice=choice)


def _moved(known: Card, shown: Shown, state: CardState) -> bool:
    """Whether a confirmed card now answers other words than it was told with: earlier ones that arrived late."""
    return state == "confirmed" and (known.at_ms, known.why.words) != (shown.moment.at_ms, shown.moment.quotes)


def _shown_order(entry: tuple[str, Shown]) -> tuple[int, str]:
    return (entry[1].shown_ms, entry[0])


def _provisional(playbook: Playbook, call: Call, choice: Choice) -> tuple[dict[str, Shown], dict[str, str]]:
    """Cards that would be shown if the steady interim words were final; and, of rules that would not, why not.

    Nothing of this is kept: provisional cards hold no cooldown and spend no budget.
    """
    also: dict[int, list[Heard]] = {}
    for segment in call.transcript.open.values():
        for place in segment.heard:
            also.setdefault(place.phrase, []).append(place)
    if not also or call.ended:
        return {}, {}
    heard = _heardings(playbook, call, also)
    new: list[Moment] = []
    doubts: dict[str, str] = {}
    for ref in dict.fromkeys(r for phrase in sorted(also) for r in playbook.clauses_of_phrase.get(phrase, ())):
        if isinstance(playbook.clause(ref).condition, Said):
            known = {m.order for m in call.moments.get(ref, ())}
            for moment in _moments(playbook, call, ref, heard):
                if moment.blocked:
                    doubts[ref.rule_id] = moment.blocked
                elif moment.order not in known:
                    new.append(moment)
    if not new:
        return {}, doubts
    choosing = _rechosen(playbook, call.choosing, (), new)
    guess = policy.serve(playbook.attention, choosing.state, call.now)
    wanted = {m.order for m in new}
    return (
        {
            card_id: shown
            for card_id, shown in guess.shown.items()
            if shown.moment.order in wanted and card_id not in choice.shown
        },
        doubts,
    )


def _card(
    playbook: Playbook, call: Call, seq: int, card_id: str, shown: Shown, state: CardState, known: Card | None
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
        say=rule.say,
        body=rule.body,
        steps=rule.steps,
        article=rule.article,
        why=Why(
            rule=rule.id,
            playbook=playbook.version,
            condition=triggers.in_words(moment),
            words=moment.quotes,
            beat=shown.beat,
        ),
        priority=rule.priority,
        at_ms=moment.at_ms,
        shown_ms=shown_ms,
        expires_ms=shown_ms + playbook.attention.ttl_ms,
        cause=seq,
    )


def _why_gone(playbook: Playbook, call: Call, choice: Choice, card: Card, doubt: str) -> str:
    if card.id in call.missed:
        return call.missed[card.id]
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


def _tell_mood(playbook: Playbook, call: Call, told: Told, items: list[Guidance]) -> Told:
    patience: Patience = call.weighing.state
    score = frustration.faded(playbook.temper, patience, call.now)
    known = told.mood
    if known is not None:
        band = frustration.settled_band(playbook.temper, patience.band, score)
        scored = known.reading == "words and model"
        if band == known.band and abs(score - known.score) < MOOD_STEP and scored == patience.scored:
            return told
    mood = frustration.mood(call.call_id, playbook.temper, patience, call.now)
    items.append(mood)
    return replace(told, mood=mood)


def _tick_checklists(
    call: Call, checklists: Iterable[ChecklistSource], playbook: Playbook, items: list[Guidance]
) -> Call:
    told: Map[str, Checklist] = call.told.checklists
    for source in checklists:
        opened = not source.opened_by or _first_said(call, playbook, source.opened_by, source.party) is not None
        if not opened:
            if source.id in told:
                items.append(replace(told[source.id], steps=(), withdrawn=True))
                told = told.delete(source.id)
            continue
        steps = []
        for step_source in source.steps:
            place = _first_said(call, playbook, step_source.said, step_source.party)
            steps.append(
                Step(
                    id=step_source.id,
                    text=step_source.text,
                    done=place is not None,
                    words=place.quotes if place is not None else (),
                )
            )
        checklist = Checklist(call_id=call.call_id, id=source.id, title=source.title, steps=tuple(steps))
        if told.get(source.id) != checklist:
            told = told.set(source.id, checklist)
            items.append(checklist)
    return replace(call, told=replace(call.told, checklists=told)) if told is not call.told.checklists else call


def _withdraw_checklists(call: Call, playbook: Playbook, items: list[Guidance]) -> Call:
    """Take away what is not in the playbook any more."""
    told = call.told.checklists
    for name in sorted(told):
        if name not in playbook.checklists:
            items.append(replace(told[name], steps=(), withdrawn=True))
            told = told.delete(name)
    return replace(call, told=replace(call.told, checklists=told)) if told is not call.told.checklists else call


def _first_said(call: Call, playbook: Playbook, phrases: tuple[str, ...], party: str) -> Heard | None:
    places = (
        place
        for phrase in phrases
        for place in call.heard.get(playbook.phrase_numbers[phrase], ())
        if party in ("any", place.party)
    )
    return min(places, key=_when, default=None)


def _info(playbook: Playbook, call: Call) -> CallInfo:
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


def _time_of(event: AnyEvent) -> int | None:
    match event:
        case SegmentHeard():
            return event.start_ms
        case CallEnded() | ClockTicked() | HintGiven() | CardAnswered() | Whispered() | PlaybookChanged():
            return event.at_ms
        case _:
            return None
