"""The live-call-analytics envelope (AWS): whole segments replaced by id, from a stream that carries many calls.

The envelope names its call and has no revision numbers, so revisions are counted here and an older partial is told by
its end time. Messages may come singly or as the records of a Kinesis delivery, base64 in `data`; a delivery is taken
whole or not at all. What the assistant showed to the agent (`AGENT_ASSISTANT`) was said by nobody and is left out.
"""

import base64
import binascii
from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

from rtig.core.events import HintGiven, Party, SegmentHeard, SegmentVoided, SourceEvent
from rtig.errors import Code, MessageRefused
from rtig.ingest.translator import LONGEST_TEXT, CallStream, decoded, millis, named, whole_millis

_ROLES: dict[str, Party] = {"CALLER": "customer", "CUSTOMER": "customer", "AGENT": "agent"}
"""The format's own words for the two parties. A map from the source goes first."""
_UNSAID = ("AGENT_ASSISTANT", "MEETING_ASSISTANT", "CATEGORY_MATCH")
_MOODS = {"POSITIVE": 1.0, "NEGATIVE": -1.0, "NEUTRAL": 0.0, "MIXED": 0.0}
_ENDED_KEPT = 64
"""Ended calls whose revisions are remembered, for what is still under way when a call ends."""
_CALLS_KEPT = 10_000
"""Calls in all: an END may never come. The one heard of least recently is forgotten."""

_Id = Annotated[str, Meta(min_length=1, max_length=512)]
_TEXT = Annotated[str, Meta(max_length=LONGEST_TEXT)]


class _KinesisData(Struct):
    data: str


class _Record(Struct):
    kinesis: _KinesisData


class _Envelope(Struct, rename="pascal"):
    event_type: str | None = None
    records: list[_Record] | None = None
    kinesis: Raw = msgspec.field(name="kinesis", default=Raw())


class _Kind(Struct, rename="pascal"):
    event_type: str
    call_id: _Id


class _Start(Struct, rename="pascal"):
    agent_id: str | None = None
    created_at: str | None = None


class _Utterance(Struct, rename="pascal"):
    """A segment as Transcribe's call analytics has it."""

    utterance_id: _Id
    participant_role: str
    begin_offset_millis: float
    end_offset_millis: float
    transcript: _TEXT
    is_partial: bool = False
    sentiment: str | None = None


class _Segment(Struct, rename="pascal"):
    segment_id: _Id
    transcript: _TEXT
    start_time: float | str
    end_time: float | str
    is_partial: bool
    channel: Annotated[str, Meta(max_length=128)] | None = None
    is_caller: bool | None = None
    sentiment: str | None = None


class _Uttered(Struct, rename="pascal"):
    utterance_event: _Utterance | None = None


class _Range(Struct, rename="pascal"):
    begin_offset_millis: float


class _Details(Struct, rename="pascal"):
    timestamp_ranges: list[_Range] = []


class _Category(Struct, rename="pascal"):
    matched_categories: list[_Id]
    matched_details: dict[str, _Details] = {}


class _Categorised(Struct, rename="pascal"):
    category_event: _Category


_envelope = msgspec.json.Decoder(_Envelope)
_record = msgspec.json.Decoder(_KinesisData)
_kind = msgspec.json.Decoder(_Kind)
_start = msgspec.json.Decoder(_Start)
_segment = msgspec.json.Decoder(_Segment)
_uttered = msgspec.json.Decoder(_Uttered)
_categorised = msgspec.json.Decoder(_Categorised)


class _Told(Struct, frozen=True):
    """One of the envelope's messages, checked, with its times on the call's clock."""

    call_id: str
    kind: Literal["start", "segment", "category", "end"]
    segment_id: str = ""
    channel: str = ""
    text: str = ""
    partial: bool = False
    start_ms: int = 0
    end_ms: int = 0
    sentiment: str = ""
    agent: str = ""
    at: int = 0
    categories: tuple[tuple[str, int | None], ...] = ()


class _Call:
    def __init__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int) -> None:
        self.stream = CallStream(call_id, parties, begins_ms)
        self.segments: dict[str, SegmentHeard] = {}
        """Each segment as told last: what a partial that comes late is compared with."""
        self.over = False


class LiveCallAnalytics:
    """`call_id` is not used: each message names its call. Labels are the envelope's channels."""

    def __init__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int = 0) -> None:
        CallStream(call_id or "lca", parties, begins_ms)
        self._parties = dict(parties)
        self._begins_ms = begins_ms
        self._calls: OrderedDict[str, _Call] = OrderedDict()
        self._ended: deque[str] = deque()

    def translate(self, frame: bytes | str) -> tuple[SourceEvent, ...]:
        messages = [told for body in _unwrapped(frame) if (told := _checked(body, self._begins_ms)) is not None]
        return tuple(event for told in messages for event in self._tell(told))

    def finish(self) -> tuple[SourceEvent, ...]:
        events: list[SourceEvent] = []
        for call in self._calls.values():
            guesses = [told for told in call.segments.values() if not told.final]
            events += [SegmentVoided(call_id=told.call_id, segment_id=told.segment_id) for told in guesses]
        self._calls.clear()
        return tuple(events)

    def _tell(self, told: _Told) -> tuple[SourceEvent, ...]:
        call = self._call(told.call_id)
        match told.kind:
            case "start":
                return tuple(call.stream.started(agent=told.agent, started_at=told.at))
            case "segment":
                return call.stream.told(self._hear(call, told))
            case "category":
                return call.stream.told([self._categorise(call, name, at) for name, at in told.categories])
            case "end":
                if call.over:
                    return ()
                self._end(call)
                return (*call.stream.started(), call.stream.ended())

    def _hear(self, call: _Call, told: _Told) -> list[SourceEvent]:
        before = call.segments.get(told.segment_id)
        if before is not None and told.partial and (before.final or told.end_ms < before.end_ms):
            return []
        event = SegmentHeard(
            call_id=call.stream.call_id,
            segment_id=told.segment_id,
            rev=before.rev + 1 if before is not None else 0,
            party=self._party(told.channel),
            text=told.text,
            stable=0 if told.partial else len(told.text),
            final=not told.partial,
            start_ms=told.start_ms,
            end_ms=told.end_ms,
        )
        if before is not None and (before.text, before.final) == (event.text, event.final):
            return self._feeling(told, event.party)
        if not event.text:
            return [] if before is None else self._take_back(call, before, event)
        call.segments[told.segment_id] = event
        return [event, *self._feeling(told, event.party)]

    def _take_back(self, call: _Call, before: SegmentHeard, event: SegmentHeard) -> list[SourceEvent]:
        """A segment that came to nothing. An interim without words may still find some."""
        if not event.final or not before.text:
            return []
        call.segments[event.segment_id] = replace(event, text="")
        return [SegmentVoided(call_id=event.call_id, segment_id=event.segment_id)]

    def _feeling(self, told: _Told, party: Party) -> list[SourceEvent]:
        """The source's reading of the customer. Its reading of the agent is not taken: agents are never scored."""
        if told.partial or party != "customer" or told.sentiment not in _MOODS:
            return []
        return [
            HintGiven(
                call_id=told.call_id,
                hint_id=named(f"sentiment.{told.segment_id}"),
                name="sentiment",
                value=_MOODS[told.sentiment],
                at_ms=told.end_ms,
            )
        ]

    def _categorise(self, call: _Call, name: str, at: int | None) -> HintGiven:
        at_ms = call.stream.ended().at_ms if at is None else at
        return HintGiven(
            call_id=call.stream.call_id, hint_id=named(f"category.{name}.{at_ms}"), name=name[:128], at_ms=at_ms
        )

    def _party(self, channel: str) -> Party:
        return self._parties.get(channel) or _ROLES.get(channel, "unknown")

    def _call(self, call_id: str) -> _Call:
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = _Call(call_id, self._parties, self._begins_ms)
            if len(self._calls) > _CALLS_KEPT:
                self._calls.popitem(last=False)
        self._calls.move_to_end(call_id)
        return call

    def _end(self, call: _Call) -> None:
        call.over = True
        self._ended.append(call.stream.call_id)
        if len(self._ended) > _ENDED_KEPT:
            self._calls.pop(self._ended.popleft(), None)


def _unwrapped(frame: bytes | str) -> list[bytes | str]:
    envelope = decoded(_envelope, frame)
    if envelope.records is not None:
        return [_opened(record.kinesis.data) for record in envelope.records]
    if bytes(envelope.kinesis):
        return [_opened(decoded(_record, envelope.kinesis).data)]
    return [frame]


def _opened(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise MessageRefused(Code.BAD_MESSAGE, "The record's data is not base64.") from None


def _checked(body: bytes | str, begins_ms: int) -> _Told | None:
    kind = decoded(_kind, body)
    call_id = named(kind.call_id)
    match kind.event_type:
        case "START":
            start = decoded(_start, body)
            return _Told(call_id, "start", agent=start.agent_id or "", at=_unix_ms(start.created_at))
        case "ADD_TRANSCRIPT_SEGMENT":
            return _said(call_id, body, begins_ms)
        case "ADD_CALL_CATEGORY":
            category = decoded(_categorised, body).category_event
            return _Told(call_id, "category", categories=tuple(_matches(category, begins_ms)))
        case "END":
            return _Told(call_id, "end")
        case _:
            return None


def _said(call_id: str, body: bytes | str, begins_ms: int) -> _Told | None:
    utterance = decoded(_uttered, body).utterance_event
    if utterance is not None:
        name, channel, text, partial = (
            utterance.utterance_id, utterance.participant_role, utterance.transcript, utterance.is_partial
        )  # fmt: skip
        start_ms = whole_millis(utterance.begin_offset_millis, "UtteranceEvent.BeginOffsetMillis", begins_ms)
        end_ms = whole_millis(utterance.end_offset_millis, "UtteranceEvent.EndOffsetMillis", begins_ms)
        sentiment = utterance.sentiment or ""
    else:
        segment = decoded(_segment, body)
        name, text, partial = segment.segment_id, segment.transcript, segment.is_partial
        channel = segment.channel or ("" if segment.is_caller is None else "CALLER" if segment.is_caller else "AGENT")
        start_ms = millis(segment.start_time, "StartTime", begins_ms)
        end_ms = millis(segment.end_time, "EndTime", begins_ms)
        sentiment = segment.sentiment or ""
    if channel in _UNSAID:
        return None
    return _Told(
        call_id, "segment", named(name), channel, text.strip(), partial, start_ms, max(start_ms, end_ms), sentiment
    )  # fmt: skip


def _matches(category: _Category, begins_ms: int) -> list[tuple[str, int | None]]:
    """Each category once, at its first range; where it has none, at what was said last."""
    first: list[tuple[str, int | None]] = []
    details = list(category.matched_details.values())
    for index, name in enumerate(category.matched_categories):
        found = category.matched_details.get(name) or (details[index] if index < len(details) else None)
        ranges = found.timestamp_ranges if found is not None else []
        field = "CategoryEvent.MatchedDetails"
        first.append((name, whole_millis(ranges[0].begin_offset_millis, field, begins_ms) if ranges else None))
    return first


def _unix_ms(moment: str | None) -> int:
    """An ISO time as Unix milliseconds; 0, which says unknown, where it is none."""
    try:
        at = datetime.fromisoformat(moment or "")
    except ValueError:
        return 0
    return max(0, round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000))
