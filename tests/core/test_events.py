"""Events: what the log keeps is what was put into it, under a name that is its own."""

import msgspec
import pytest

from rtig.core import events
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
    Tone,
    Unrecognised,
    UtteranceRead,
    Whispered,
)

CALL = "call-1"
ONE_OF_EACH: tuple[tuple[AnyEvent, str], ...] = (
    (CallStarted(call_id=CALL, agent="desk-1", queue="billing", started_at=1_700_000_000_000), "call_started"),
    (SegmentHeard(call_id=CALL, segment_id="s1", rev=2, text="hello", start_ms=0, end_ms=400, confidence=0.5), "s1@2"),
    (SegmentVoided(call_id=CALL, segment_id="s1"), "void:s1"),
    (PartyCorrected(call_id=CALL, segment_id="s1", rev=3, party="agent"), "party:s1@3"),
    (CallEnded(call_id=CALL, at_ms=9, reason="transferred"), "call_ended"),
    (HintGiven(call_id=CALL, hint_id="h", name="category", value=0.5, at_ms=1), "hint:h"),
    (HoldChanged(call_id=CALL, on=True, at_ms=5), "hold:5:on"),
    (
        UtteranceRead(
            call_id=CALL, utterance="0a1b", meanings="m1", scores={"bill": 0.75},
            tone=Tone(upset=0.9, pleased=0.0, strain=-1.5, emotion="anger"),
        ),
        "read:0a1b:m1",
    ),
    (ClockTicked(call_id=CALL, at_ms=5), "tick:5"),
    (CardAnswered(call_id=CALL, card_id="c.1", action="dismissed", reason="wrong", answer_id="a"), "answer:a"),
    (CardMissed(call_id=CALL, card_id="c.1"), "missed:c.1"),
    (Whispered(call_id=CALL, whisper_id="w", text="well done"), "whisper:w"),
    (AlertAnswered(call_id=CALL, alert_id="hot", action="resolve", by="eve", at_ms=7, answer_id="a"), "alert:a"),
    (HelpAsked(call_id=CALL, help_id="h", text="a refund?", by="ann", at_ms=7), "help:h"),
    (HelpTakenBack(call_id=CALL, help_id="h", by="ann", at_ms=7), "help_back:h"),
    (HandoverSent(call_id=CALL, handover_id="o", text="ring back", by="ann", sent_at=1_700), "handover:o"),
    (PlaybookChanged(call_id=CALL, version="v1", at_ms=7), "playbook:v1@7"),
    (Unrecognised(call_id=CALL), "unrecognised"),
)  # fmt: skip


def test_each_kind_of_event_is_tried_here() -> None:
    assert {type(event) for event, _ in ONE_OF_EACH} == set(AnyEvent.__args__)


@pytest.mark.parametrize(("event", "key"), ONE_OF_EACH, ids=lambda value: type(value).__name__)
def test_an_event_comes_back_from_the_log_as_it_went_in_and_has_its_own_key(event: AnyEvent, key: str) -> None:
    assert events.decode(events.encode(event)) == event
    assert events.key(event) == key


def test_keys_name_the_revision_so_that_one_sent_again_is_known_and_a_newer_one_is_not() -> None:
    first = SegmentHeard(call_id=CALL, segment_id="s1", rev=1, text="hello", start_ms=0, end_ms=400)
    assert events.key(first) == events.key(msgspec.structs.replace(first, text="hello again"))
    assert events.key(first) != events.key(msgspec.structs.replace(first, rev=2))


def test_what_stands_at_its_default_is_not_written() -> None:
    assert events.encode(CallStarted(call_id=CALL)) == b'{"type":"call_started","call_id":"call-1"}'


@pytest.mark.parametrize(
    "record",
    [
        b'{"type":"of_tomorrow","call_id":"call-1"}',
        b'{"type":"tick","call_id":"call-1","at_ms":1,"field_of_tomorrow":1}',
        b'{"type":"tick","call_id":"call-1"}',
        b'{"type":"tick","call_id":"call-1","at_ms":-1}',
        b'{"type":"tick","call_id":"call-1","at_ms":86400001}',
        b'{"type":"tick","call_id":"","at_ms":1}',
        b'{"type":"tick","call_id":"two words","at_ms":1}',
        b'{"type":"tick","call_id":"line\\n","at_ms":1}',
        b'{"type":"utterance_read","call_id":"c","utterance":"u","meanings":"m","tone":{"upset":1.5,"pleased":0}}',
        b'{"type":"utterance_read","call_id":"c","utterance":"u","meanings":"m","tone":{"upset":1,"pleased":0,"strain":101}}',
        b'{"type":"utterance_read","call_id":"c","utterance":"u","meanings":"m","tone":{"upset":1}}',
        b'{"type":"tone_scored","call_id":"c","segment_id":"s","rev":1,"model":"m","negative":0.5}',
        b'{"type":"whisper","call_id":"c","whisper_id":"w","text":""}',
        b'{"type":"help_asked","call_id":"c","help_id":"h","text":"' + b"x" * 201 + b'"}',
        b'{"type":"segment","call_id":"c"',
        b"\xff\xfe",
        b"",
        b"[]",
    ],
)
def test_a_record_that_cannot_be_read_keeps_its_place_and_means_nothing(record: bytes) -> None:
    assert isinstance(events.decode(record), Unrecognised)


def test_events_and_what_they_say_cannot_be_changed() -> None:
    event = ClockTicked(call_id=CALL, at_ms=1)
    with pytest.raises(AttributeError):
        event.at_ms = 2  # type: ignore[misc]
