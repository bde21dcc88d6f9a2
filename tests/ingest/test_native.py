import json

import pytest
from telling import finish, tell

from rtig.core import events
from rtig.core.events import CallStarted, SegmentHeard, SourceEvent
from rtig.errors import Code, MessageRefused
from rtig.ingest.native import Native


def test_events_come_as_they_are() -> None:
    sent: list[SourceEvent] = [
        CallStarted(call_id="c", agent="ann"),
        SegmentHeard(call_id="c", segment_id="s", rev=3, text="hello", start_ms=1, end_ms=2),
    ]
    translator = Native()
    assert tell(translator, *[events.encode(event) for event in sent]) == sent
    assert finish(translator) == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", Code.BAD_JSON),
        ({"type": "secret"}, Code.UNKNOWN_TYPE),
        ({"type": "tick", "call_id": "c", "at_ms": 1}, Code.UNKNOWN_TYPE),
        ({"call_id": "c"}, Code.BAD_MESSAGE),
        ({"type": "call_ended", "call_id": "c", "at_ms": 1, "secret": 1}, Code.UNKNOWN_FIELD),
        ({"type": "call_ended", "call_id": "c", "at_ms": -1}, Code.BAD_TIME),
        ({"type": "call_ended", "call_id": "c", "at_ms": 1, "reason": "secret"}, Code.BAD_MESSAGE),
        ({"type": "call_ended", "call_id": "two words", "at_ms": 1}, Code.BAD_MESSAGE),
    ],
)
def test_a_bad_event_is_refused_without_being_quoted(message: object, code: Code) -> None:
    with pytest.raises(MessageRefused) as refused:
        Native().translate(message if isinstance(message, str) else json.dumps(message))
    assert refused.value.code is code
    assert "secret" not in str(refused.value)
