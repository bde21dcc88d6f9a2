"""The product in one function: `step(playbook, call, seq, event) -> (call, guidance)`.

Live serving, replay, tests and benchmarks all fold a call's log with it. It is total: any event in any order is folded
without raising. What it derives (what was heard, the mood, the cards) depends on the words and their times alone, so a
call that is cut, sent again or reordered on its way ends with the same confirmed cards.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, assert_never

from msgspec.structs import replace

from rtig.core import alerts, derive, evidence, frustration, help_requests, lookup, telling, transcript
from rtig.core.call import Call
from rtig.core.events import (
    AlertAnswered,
    AnyEvent,
    CallEnded,
    CallStarted,
    CardAnswered,
    CardMissed,
    ClockTicked,
    HandoverSent,
    HelpAsked,
    HelpTakenBack,
    HintGiven,
    HoldChanged,
    PartyCorrected,
    PlaybookChanged,
    SegmentHeard,
    SegmentVoided,
    Unrecognised,
    UtteranceRead,
    Whispered,
)
from rtig.core.guidance import Guidance, Handover, Hint, Whisper
from rtig.core.playbook import Playbook
from rtig.core.shape import FOR_EVER
from rtig.core.transcript import UNFINISHED_MS, Change
from rtig.core.utterances import Utterance


def begin(call_id: str) -> Call:
    """A call of which nothing is known yet."""
    return Call(call_id=call_id)


def step(playbook: Playbook, call: Call, seq: int, event: AnyEvent) -> tuple[Call, tuple[Guidance, ...]]:
    """Fold event number `seq` of a call's log. Never raises; what it cannot use changes nothing."""
    items: list[Guidance] = []
    if call.ended and not isinstance(event, CardAnswered | PlaybookChanged | Whispered | HandoverSent):
        return call, ()
    before = call = replace(call, touched=FOR_EVER, phrases=()) if call.touched < FOR_EVER else call
    match event:
        case SegmentHeard():
            call = derive.advance(call, event.end_ms)
            change = transcript.hear(call.transcript, event, playbook.matcher)
            call = _take(playbook, call, change, event.segment_id, items)
        case ClockTicked():
            call = derive.advance(call, event.at_ms)
        case SegmentVoided():
            change = transcript.void(call.transcript, event.segment_id, playbook.matcher)
            call = _take(playbook, call, change, event.segment_id, items)
        case PartyCorrected():
            change = transcript.correct(call.transcript, event.segment_id, event.rev, event.party, playbook.matcher)
            call = _take(playbook, call, change, event.segment_id, items)
        case CallStarted():
            if call.started:
                return call, ()
            call = replace(
                call, started=True, channel=event.channel, agent=event.agent, queue=event.queue,
                team=event.team, customer=event.customer, started_at=event.started_at,
            )  # fmt: skip
            items.append(telling.info(playbook, call))
            call = derive.rescoped(playbook, before, call)
        case CallEnded():
            change = transcript.forget_unfinished(call.transcript, None)
            call = derive.advance(call, event.at_ms)
            call = replace(call, transcript=change.transcript, ended=True, ending=event.reason)
            call = help_requests.end(call)
            call = derive.end(playbook, before, call)
            items.append(telling.info(playbook, call))
        case HoldChanged():
            call = derive.hold(playbook, derive.advance(call, event.at_ms), event)
        case UtteranceRead():
            call = derive.read(playbook, call, event)
        case HintGiven():
            call = derive.advance(call, event.at_ms)
            items.append(
                Hint(call_id=call.call_id, id=event.hint_id, name=event.name, value=event.value, at_ms=event.at_ms)
            )
        case CardAnswered():
            call = derive.advance(call, event.at_ms)
            call = derive.answer(playbook, call, event)
            if event.answer_id not in call.answers:
                call = replace(call, answers=call.answers.set(event.answer_id, event))
        case CardMissed():
            call = derive.miss(playbook, call, event)
        case Whispered():
            call = derive.advance(call, event.at_ms)
            items.append(
                Whisper(call_id=call.call_id, id=event.whisper_id, text=event.text, by=event.by, at_ms=event.at_ms)
            )
        case AlertAnswered():
            call = alerts.answer(derive.advance(call, event.at_ms), event)
        case HelpAsked():
            call = help_requests.ask(derive.advance(call, event.at_ms), event)
        case HelpTakenBack():
            call = help_requests.take_back(derive.advance(call, event.at_ms), event)
        case HandoverSent():
            handover = Handover(
                call_id=call.call_id, id=event.handover_id, text=event.text, by=event.by, sent_at=event.sent_at
            )
            if all(known.id != handover.id for known in call.handovers):
                call = replace(call, handovers=(*call.handovers, handover))
                items.append(handover)
        case PlaybookChanged():
            # What the time since the last event has brought is due, and nothing that was there already.
            call = derive.advance(derive.rebuild(playbook, call), event.at_ms)
            call = derive.look_again(playbook, call, derive.in_play(playbook, call), 0)
            items.append(telling.info(playbook, call))
        case Unrecognised():
            return call, ()
        case _:
            assert_never(event)
    call = derive.pass_time(playbook, before, call)
    call = telling.tell(playbook, before, call, seq, items)
    help_requests.tell(before, call, items)
    call = alerts.tell(playbook, before, call, seq, items)
    return derive.foresee(playbook, before, call), tuple(items)


def unread(playbook: Playbook, call: Call) -> list[Utterance]:
    """What a model has still to read of a call, the latest first; its readings come back as `UtteranceRead`."""
    return derive.unread(playbook, call)


def wake_at(playbook: Playbook, call: Call) -> int | None:
    """When the fold wants a tick if nothing else happens before, in ms on the call's clock; None: not at all."""
    if not call.started or call.ended:
        return None
    times = [at_ms for at_ms in (call.due, call.calms) if at_ms is not None]
    if call.told.choice.waiting:
        times.append(call.told.choice.free_ms)
    minute = evidence.next_minute(lookup.holds(call.held), call.now) if call.held else None
    if minute is not None:
        times.append(minute)
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
    rehearsal = Rehearsal(playbook, call_id)
    for event in events:
        yield from rehearsal.hear(event)


class Rehearsal:
    """A call that was never live, folded event by event, with the ticks that a clock would have given."""

    def __init__(self, playbook: Playbook, call_id: str) -> None:
        self.call = begin(call_id)
        self._playbook = playbook
        self._seq = 0

    def hear(self, event: AnyEvent) -> Iterator[Folded]:
        """The ticks that are due before an event, and the event."""
        until = _time_of(event)
        while until is not None and (wake := wake_at(self._playbook, self.call)) is not None and wake < until:
            yield self._fold(ClockTicked(call_id=self.call.call_id, at_ms=wake))
        yield self._fold(event)

    def _fold(self, event: AnyEvent) -> Folded:
        self._seq += 1
        self.call, guidance = step(self._playbook, self.call, self._seq, event)
        return Folded(self._seq, event, guidance, self.call)


def _take(playbook: Playbook, call: Call, change: Change, segment_id: str, items: list[Guidance]) -> Call:
    if change.transcript is call.transcript:
        return call
    before, call = call, derive.absorb(playbook, call, change)
    line = telling.line(before, call, change, segment_id)
    if line is not None:
        items.append(line)
    return call


def _time_of(event: AnyEvent) -> int | None:
    match event:
        case SegmentHeard():
            return event.start_ms
        case (
            CallEnded()
            | ClockTicked()
            | HoldChanged()
            | HintGiven()
            | CardAnswered()
            | Whispered()
            | AlertAnswered()
            | HelpAsked()
            | HelpTakenBack()
            | PlaybookChanged()
        ):
            return event.at_ms
        case _:
            return None
