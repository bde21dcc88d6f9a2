import base64
import json
from typing import Any

import pytest
from telling import check_promises, finals, finish, left_open, revisions, sample, tell

from rtig.core.events import CallEnded, CallStarted, HintGiven, SegmentVoided, SourceEvent
from rtig.errors import Code, MessageRefused
from rtig.ingest.lca import LiveCallAnalytics


def one(**parties: Any) -> LiveCallAnalytics:
    return LiveCallAnalytics("", parties)


def segment(text: str, end: Any = 2.0, partial: bool = True, **more: Any) -> dict[str, Any]:
    return {
        "EventType": "ADD_TRANSCRIPT_SEGMENT",
        "CallId": "call-1",
        "Channel": "CALLER",
        "SegmentId": "s1",
        "StartTime": 1.0,
        "EndTime": end,
        "Transcript": text,
        "IsPartial": partial,
        **more,
    }


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"EventType": kind, "CallId": "call-1", **more}


def records(*messages: Any) -> dict[str, Any]:
    data = [base64.b64encode(m if isinstance(m, bytes) else json.dumps(m).encode()).decode() for m in messages]
    return {"Records": [{"eventID": "shard:1", "kinesis": {"partitionKey": "p", "data": d}} for d in data]}


def test_the_documented_segment() -> None:
    (told,) = finals(tell(one(), sample("aws_lca/docs_add_transcript_segment.json").read_text()))
    assert (told.call_id, told.segment_id) == (
        "888660e1-70a6-410e-a765-1d20517db270",
        "a71ca594-0a75-4506-9713-7dafaf3f9326",
    )
    assert (told.party, told.start_ms, told.end_ms) == ("customer", 27_420, 30_955)


def test_a_call_from_start_to_end() -> None:
    translator = one()
    told = tell(
        translator,
        event("START", CreatedAt="2022-10-18T21:51:23.172Z", AgentId="ann", CustomerPhoneNumber="+15555550100"),
        segment("I want"),
        segment("I want to cancel.", "3.5", partial=False),
        segment("Of course.", 5, partial=False, SegmentId="s2", Channel="AGENT"),
        event("ADD_CHANNEL_S3_RECORDING_URL", RecordingUrl="x"),
        event("END", UpdatedAt="2022-10-18T21:55:00Z"),
        event("END"),
    )
    assert told[0] == CallStarted(call_id="call-1", agent="ann", started_at=1_666_129_883_172)
    assert revisions(told) == [("I want", 0, False), ("I want to cancel.", 17, True), ("Of course.", 10, True)]
    assert [(e.party, e.rev) for e in finals(told)] == [("customer", 1), ("agent", 0)]
    assert told[-1] == CallEnded(call_id="call-1", at_ms=5000)
    assert "5550100" not in str(told)
    assert finish(translator) == []


def test_the_sources_map_goes_before_the_formats_own_roles() -> None:
    ivr = segment("b", partial=False, Channel="IVR", SegmentId="s2")
    mapped = tell(one(CALLER="agent", IVR="system"), segment("a", partial=False), ivr)
    assert [e.party for e in finals(mapped)] == ["agent", "system"]
    assert [e.party for e in finals(tell(one(), ivr))] == ["unknown"]


def test_segments_that_come_late_or_again_change_nothing() -> None:
    translator = one()
    told = tell(translator, segment("I", 1.2), segment("I want", 1.8), segment("I", 1.2), segment("I want", 1.8))
    assert [text for text, _, _ in revisions(told)] == ["I", "I want"]
    last = segment("I want it", 2.0, partial=False)
    told = tell(translator, last, last, segment("I want", 2.4))
    assert revisions(told) == [("I want it", 9, True)]
    mended = tell(translator, segment("I want that", 2.0, partial=False))
    assert revisions(mended) == [("I want that", 11, True)]
    assert not left_open(told)


def test_a_segment_that_comes_to_nothing_is_voided() -> None:
    translator = one()
    told = tell(translator, segment("", 1.1), segment("um", 1.4), segment("", 1.5), segment(" ", 2.0, partial=False))
    assert [type(e) for e in told[-1:]] == [SegmentVoided]
    assert tell(translator, segment("", 2.0, partial=False)) == []
    check_promises(told)


def test_a_final_that_never_comes_is_voided() -> None:
    translator = one()
    tell(translator, segment("so", 1.4), segment("then", 1.4, CallId="call-2"))
    assert finish(translator) == [
        SegmentVoided(call_id="call-1", segment_id="s1"),
        SegmentVoided(call_id="call-2", segment_id="s1"),
    ]
    assert finish(translator) == []


def test_what_the_assistant_showed_was_not_said() -> None:
    assert tell(one(), segment("Offer a refund", partial=False, Channel="AGENT_ASSISTANT")) == []


def test_utterances_of_call_analytics() -> None:
    utterance = {
        "UtteranceId": "u1",
        "ParticipantRole": "CUSTOMER",
        "BeginOffsetMillis": 19_010,
        "EndOffsetMillis": 22_690,
        "Transcript": "I am tired of this.",
        "IsPartial": False,
        "Sentiment": "NEGATIVE",
    }
    told = tell(one(), event("ADD_TRANSCRIPT_SEGMENT", UtteranceEvent=utterance))
    assert [(e.text, e.party, e.start_ms) for e in finals(told)] == [("I am tired of this.", "customer", 19_010)]
    assert told[-1] == HintGiven(call_id="call-1", hint_id="sentiment.u1", name="sentiment", value=-1.0, at_ms=22_690)


def test_sentiment_may_come_with_a_final_that_is_known_and_never_of_the_agent() -> None:
    translator = one()
    told: list[SourceEvent] = tell(translator, segment("great", partial=False))
    told = tell(translator, segment("great", partial=False, Sentiment="POSITIVE", SentimentWeighted=5))
    assert [e.value for e in told if isinstance(e, HintGiven)] == [1.0]
    angry = segment("great", partial=False, SegmentId="s2", Channel="AGENT", Sentiment="NEGATIVE")
    assert not any(isinstance(e, HintGiven) for e in tell(translator, angry))


def test_categories_are_hints() -> None:
    category = {
        "MatchedCategories": ["network complaint", "escalation"],
        "MatchedDetails": {"network issues": {"TimestampRanges": [{"BeginOffsetMillis": 500, "EndOffsetMillis": 90}]}},
    }
    translator = one()
    told = tell(translator, segment("x", partial=False), event("ADD_CALL_CATEGORY", CategoryEvent=category))
    assert [(e.name, e.at_ms) for e in told if isinstance(e, HintGiven)] == [
        ("network complaint", 500),
        ("escalation", 2000),
    ]


def test_a_kinesis_delivery_is_taken_whole_or_not_at_all() -> None:
    translator = one()
    with pytest.raises(MessageRefused):
        tell(translator, records(event("START"), segment("secret", -1)))
    told = tell(translator, records(event("START"), segment("yes", partial=False)))
    assert [type(e) for e in told] == [CallStarted, type(finals(told)[0])]
    single = records(event("END"))["Records"][0]
    assert tell(translator, single) == [CallEnded(call_id="call-1", at_ms=2000)]


def test_a_call_id_that_is_no_name_is_made_one() -> None:
    told = tell(one(), segment("x", CallId="Daily call - 2025-01-22 09:00"))
    other = tell(one(), segment("x", CallId="Daily call / 2025-01-22 09:00"))
    assert told[0].call_id.startswith("Daily-call-")
    assert told[0].call_id != other[0].call_id


def test_an_older_envelope_says_who_calls() -> None:
    old = segment("x", partial=False, IsCaller=False)
    del old["Channel"]
    assert finals(tell(one(), old))[0].party == "agent"


def test_calls_that_are_over_are_forgotten_after_a_while() -> None:
    translator = one()
    for number in range(70):
        tell(translator, segment("bye", partial=False, CallId=f"n{number}"), event("END", CallId=f"n{number}"))
    assert revisions(tell(translator, segment("bye", partial=False, CallId="n69"))) == []
    assert revisions(tell(translator, segment("bye", partial=False, CallId="n0"))) == [("bye", 3, True)]


@pytest.mark.parametrize("kind", ["UPDATE_AGENT", "ADD_AGENT_ASSIST", "ADD_S3_RECORDING_URL", "ERROR", "CONTINUE"])
def test_other_messages_say_nothing(kind: str) -> None:
    assert tell(one(), event(kind, Transcript=3, IsPartial="x")) == []


BAD_MESSAGES: list[tuple[Any, Code]] = [
    ("{", Code.BAD_JSON),
    ("7", Code.BAD_MESSAGE),
    ("{}", Code.BAD_MESSAGE),
    ({"EventType": "END"}, Code.BAD_MESSAGE),
    ({"EventType": "END", "CallId": ""}, Code.BAD_MESSAGE),
    (segment("secret", IsPartial="secret"), Code.BAD_MESSAGE),
    (segment("secret", SegmentId=""), Code.BAD_MESSAGE),
    (segment("secret", EndTime=None), Code.BAD_MESSAGE),
    (segment("secret", EndTime="secret"), Code.BAD_TIME),
    (segment("secret", EndTime="nan"), Code.BAD_TIME),
    (segment("secret", StartTime=-0.1), Code.BAD_TIME),
    (segment("secret", EndTime="1e9"), Code.BAD_TIME),
    (segment("secret" * 4000), Code.BAD_MESSAGE),
    (event("ADD_TRANSCRIPT_SEGMENT", UtteranceEvent={"UtteranceId": "secret"}), Code.BAD_MESSAGE),
    (event("ADD_CALL_CATEGORY"), Code.BAD_MESSAGE),
    ({"Records": [{"kinesis": {"data": "secret!"}}]}, Code.BAD_MESSAGE),
    ({"Records": [{"kinesis": {}}]}, Code.BAD_MESSAGE),
    ({"Records": "secret"}, Code.BAD_MESSAGE),
    (records(b"secret"), Code.BAD_JSON),
    ({"kinesis": {"data": 3}}, Code.BAD_MESSAGE),
]


@pytest.mark.parametrize(("message", "code"), BAD_MESSAGES)
def test_a_bad_message_is_refused_and_forgotten(message: Any, code: Code) -> None:
    plain, disturbed = one(), one()
    expected = tell(plain, segment("I"), segment("I see", partial=False)) + finish(plain)
    told = tell(disturbed, segment("I"))
    with pytest.raises(MessageRefused) as refused:
        tell(disturbed, message)
    assert refused.value.code is code
    assert "secret" not in str(refused.value)
    assert told + tell(disturbed, segment("I see", partial=False)) + finish(disturbed) == expected
