import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import check_promises, final_text, finals, finish, left_open, lines, revisions, sample, tell

from rtig.core.events import CallEnded, CallStarted, SegmentHeard, SegmentVoided, SourceEvent
from rtig.errors import Code, MessageRefused
from rtig.ingest.speechmatics import Speechmatics

CAPTURED = ["speechmatics/captured_chat1.jsonl", "speechmatics/captured_chat2.jsonl"]
PARTIES = {"S1": "agent", "S2": "customer"}


def one(**more: Any) -> Speechmatics:
    return Speechmatics("c", {"S1": "agent", "S2": "customer"}, **more)


def word(content: str, start: float, end: float, speaker: str | None = "S1", **more: Any) -> dict[str, Any]:
    best = {"content": content, "confidence": 0.9, "language": "en", "speaker": speaker}
    return {"type": "word", "start_time": start, "end_time": end, "alternatives": [best], **more}


def mark(content: str, at: float, speaker: str = "S1", **more: Any) -> dict[str, Any]:
    return word(content, at, at, speaker, **{"type": "punctuation", "attaches_to": "previous", **more})


def transcript(results: list[dict[str, Any]], end: float, final: bool = True, **more: Any) -> dict[str, Any]:
    metadata = {"start_time": results[0]["start_time"] if results else end, "end_time": end, "transcript": ""}
    kind = "AddTranscript" if final else "AddPartialTranscript"
    return {"message": kind, "metadata": metadata, "results": results, **more}


def utterance_end(at: float, **more: Any) -> dict[str, Any]:
    return {"message": "EndOfUtterance", "metadata": {"start_time": at, "end_time": at}, **more}


def segment(text: str, start: float, end: float, final: bool, speaker: str = "S1") -> dict[str, Any]:
    return {
        "message": "AddSegment" if final else "AddPartialSegment",
        "segments": [{"speaker_id": speaker, "language": "en", "text": text}],
        "metadata": {"start_time": start, "end_time": end},
    }


def expected_text(name: str) -> str:
    """The recogniser's own finals joined: its words with a space between, and its marks stuck to what they follow."""
    text = ""
    for line in lines(name):
        payload = json.loads(line)["payload"]
        if payload["message"] == "AddTranscript":
            for result in payload["results"]:
                glue = "" if result.get("attaches_to") == "previous" or not text else " "
                text += glue + result["alternatives"][0]["content"]
    return text


@pytest.mark.parametrize("name", CAPTURED)
def test_the_finals_are_the_recognisers_own(name: str) -> None:
    translator = one()
    told = tell(translator, *lines(name)) + finish(translator)
    assert final_text(told) == expected_text(name)
    assert not left_open(told)
    check_promises(told)
    assert told[0] == CallStarted(call_id="c")


def test_the_finals_are_what_the_captured_transcripts_say() -> None:
    """The same from the other text that the recogniser gives, which has a space before a mark that came late."""
    translator = one()
    told = tell(translator, *lines(CAPTURED[0])) + finish(translator)
    payloads = [json.loads(line)["payload"] for line in lines(CAPTURED[0])]
    whole = "".join(p["metadata"]["transcript"] for p in payloads if p["message"] == "AddTranscript")
    assert final_text(told) == " ".join(whole.replace(" .", ".").split())


def test_the_segments_are_those_of_the_vendors_own_kit() -> None:
    translator = one()
    told = finals(tell(translator, *lines(CAPTURED[0])))
    payloads = [json.loads(line)["payload"] for line in lines(CAPTURED[0])]
    theirs = [p["segments"] for p in payloads if p["message"] == "AddSegment"]
    assert [(e.text, e.party) for e in told] == [
        (s["text"], PARTIES[s["speaker_id"]]) for segments in theirs for s in segments
    ]
    turns = [p for p in payloads if p["message"] == "EndOfTurn"]
    assert sum(e.turn_end for e in told) == len(turns)


@pytest.mark.parametrize("name", CAPTURED)
@pytest.mark.parametrize("again", [1, 2, 5, 17])
def test_messages_sent_again_change_no_final(name: str, again: int) -> None:
    """Each run of `again` messages comes twice, as from a sender that resumes at its last acknowledgement."""
    translator = one()
    recorded = lines(name)
    doubled = [line for at in range(0, len(recorded), again) for _ in range(2) for line in recorded[at : at + again]]
    told = tell(translator, *doubled) + finish(translator)
    assert final_text(told) == expected_text(name)
    check_promises(told)


def test_the_kits_segments_alone_give_the_same_finals() -> None:
    only = [line for line in lines(CAPTURED[0]) if '"AddTranscript"' not in line and '"AddPartialTr' not in line]
    translator = one()
    told = tell(translator, *only) + finish(translator)
    assert final_text(told) == expected_text(CAPTURED[0])
    assert sum(event.turn_end for event in finals(told)) == 6
    assert not left_open(told)
    check_promises(told)


def test_interims_show_words_before_their_finals() -> None:
    translator = one()
    told = [e for e in tell(translator, *lines(CAPTURED[0])) if isinstance(e, SegmentHeard)]
    first = next(event for event in told if "software" in event.text)
    assert not first.final
    assert first.text[: first.stable] == "We're delighted that you've decided to try our speech to text"


def test_the_kits_mock_partial_is_read() -> None:
    told = tell(one(), sample("speechmatics/sdk_mock_partial.json").read_text())
    assert revisions(told) == [("foo", 0, False)]


@pytest.mark.parametrize("text", [True, False])
def test_bytes_text_and_the_recording_envelope_are_the_same(text: bool) -> None:
    message = json.dumps(transcript([word("yes", 0, 1)], 1.0))
    wrapped = f'{{"ts": 1.5, "audio_ts": 1.2, "payload": {message}}}'
    expected = one().translate(message)
    assert one().translate(wrapped if text else wrapped.encode()) == expected
    assert one().translate(message.encode()) == expected


def test_marks_and_entities_are_set_as_the_recogniser_says() -> None:
    results = [
        word("¿", 0, 0, type="punctuation", attaches_to="next"),
        word("Qué", 0, 0.2),
        mark("?", 0.2),
        word("12,50", 0.3, 0.9, type="entity", entity_class="money"),
        word("-", 0.9, 0.9, type="punctuation", attaches_to="both"),
        word("euro", 0.9, 1.1, attaches_to="none"),
        word("Sí", 1.1, 1.2),
    ]
    translator = one()
    tell(translator, transcript(results, 1.2))
    assert final_text(finish(translator)) == "¿Qué? 12,50-euro Sí"


def test_a_language_without_spaces_gets_none() -> None:
    started = {"message": "RecognitionStarted", "id": "x", "language_pack_info": {"word_delimiter": ""}}
    translator = one()
    tell(translator, transcript([], 0.1), started, transcript([word("再", 0, 0.2), word("见", 0.2, 0.4)], 0.4))
    assert final_text(finish(translator)) == "再见"


def test_without_results_the_transcript_is_taken() -> None:
    message = transcript([], 2.0)
    del message["results"]
    message["metadata"] = {"start_time": 1.0, "end_time": 2.0, "transcript": " That is all. "}
    translator = one()
    told = tell(translator, message, transcript([word("Bye", 2.1, 2.3)], 2.3)) + finish(translator)
    assert [event.text for event in finals(told)] == ["That is all.", "Bye"]
    assert finals(told)[0].party == "unknown"


def test_empty_finals_and_results_without_words_say_nothing() -> None:
    bare = {"type": "speaker_change", "start_time": 0.5, "end_time": 0.5}
    blank = word("  ", 0, 0.1)
    assert tell(one(), transcript([], 0.3), transcript([bare, blank], 0.6), transcript([], 0.6, final=False)) == []


def test_a_call_is_started_in_the_language_that_was_asked_for() -> None:
    ask = {"message": "StartRecognition", "transcription_config": {"language": "fr"}, "audio_format": {"type": "raw"}}
    told = tell(one(), ask, {"message": "RecognitionStarted", "id": "x", "language_pack_info": None})
    assert told == [CallStarted(call_id="c", lang="fr")]
    assert tell(one(), {"message": "RecognitionStarted"}) == [CallStarted(call_id="c", lang="en")]


def test_channels_are_apart_and_an_end_without_a_channel_is_for_all() -> None:
    translator = Speechmatics("c", {"left": "agent", "right:S2": "customer"})
    told = tell(
        translator,
        transcript([word("Hello", 0, 0.5)], 0.5, channel="left"),
        transcript([word("I", 0.1, 0.2, "S2"), word("called", 0.2, 0.6, "S2")], 0.6, channel="right"),
        transcript([word("twice", 0.6, 0.9, "S2")], 0.9, final=False, channel="right"),
        utterance_end(1.0),
        transcript([word("already", 0.6, 0.9, "S2")], 0.9, channel="right"),
        utterance_end(1.2, channel="right"),
    )
    assert [(e.text, e.party, e.turn_end) for e in finals(told)] == [
        ("Hello", "agent", True),
        ("I called", "customer", False),
        ("already", "customer", True),
    ]
    assert finals(told)[0].segment_id == "left-S1.0"


def test_an_unlabelled_stream_may_be_given_a_party() -> None:
    translator = Speechmatics("c", {"": "customer"})
    told = tell(translator, transcript([word("Hi", 0, 0.5, None)], 0.5)) + finish(translator)
    assert [e.party for e in finals(told)] == ["customer"]


def test_digits_and_speakers_that_change_their_mind() -> None:
    translator = one()
    told = tell(
        translator,
        transcript([word("three", 0, 0.4), word("one", 0.4, 0.8)], 0.8, final=False),
        transcript([word("312", 0, 1.1, "S2")], 1.1, final=False),
        transcript([word("31", 0, 0.8, "S2")], 0.8),
        transcript([word("to", 0.8, 1.1, "S2")], 1.1),
    )
    told += finish(translator)
    assert [(e.text, e.party) for e in finals(told)] == [("31 to", "customer")]
    assert [type(event) for event in told].count(SegmentVoided) == 1
    check_promises(told)


def test_a_final_that_never_comes_is_voided() -> None:
    translator = one()
    told = tell(translator, transcript([word("hel", 0, 0.3)], 0.3, final=False)) + finish(translator)
    assert isinstance(told[-1], SegmentVoided)
    assert finish(translator) == []


def test_a_recogniser_that_comes_back_goes_on_with_the_calls_clock() -> None:
    translator = one()
    told = tell(
        translator,
        {"message": "RecognitionStarted", "id": "aaaaaaaa-1"},
        transcript([word("Before", 9.0, 9.5)], 9.5),
        {"message": "RecognitionStarted", "id": "bbbbbbbb-2"},
        transcript([word("After", 0.5, 1.0)], 1.0),
        {"message": "RecognitionStarted"},
        transcript([word("Again", 0.5, 1.0)], 1.0),
    )
    told += finish(translator)
    assert [(e.text, e.start_ms, e.segment_id) for e in finals(told)] == [
        ("Before", 9000, "aaaaaaaa.S1.9000"),
        ("After", 10_000, "bbbbbbbb.S1.10000"),
        ("Again", 11_000, "S1.11000"),
    ]


def test_a_stream_may_begin_after_the_call() -> None:
    translator = one(begins_ms=60_000)
    tell(translator, transcript([word("Back", 1.0, 1.5)], 1.5))
    assert finals(finish(translator))[0].start_ms == 61_000


def test_only_an_end_that_the_vendor_told_ends_the_call() -> None:
    translator = one()
    told = tell(translator, transcript([word("Bye", 0, 0.4)], 0.4), {"message": "EndOfTranscript"})
    assert final_text(told) == "Bye"
    assert not any(isinstance(event, CallEnded) for event in told)
    assert finish(translator) == [CallEnded(call_id="c", at_ms=400)]
    assert finish(translator) == []


@pytest.mark.parametrize(
    "kind", ["Info", "Warning", "Error", "AudioAdded", "SpeakerStarted", "AddTranslation", "EndOfTurnPrediction", "New"]
)
def test_other_messages_say_nothing(kind: str) -> None:
    assert tell(one(), {"message": kind, "metadata": "anything", "results": 7, "reason": "x"}) == []


BAD_MESSAGES: list[tuple[Any, Code]] = [
    ("not json", Code.BAD_JSON),
    ("[]", Code.BAD_MESSAGE),
    ("{}", Code.BAD_MESSAGE),
    ('{"payload": {}}', Code.BAD_MESSAGE),
    ('{"payload": 3}', Code.BAD_MESSAGE),
    ('{"message": 3}', Code.BAD_MESSAGE),
    ({"message": "AddTranscript"}, Code.BAD_MESSAGE),
    ({"message": "AddTranscript", "metadata": {"start_time": 0}}, Code.BAD_MESSAGE),
    (transcript([{"type": "word", "start_time": 0}], 1), Code.BAD_MESSAGE),
    (transcript([word("secret", 0, 1) | {"alternatives": "secret"}], 1), Code.BAD_MESSAGE),
    (transcript([word("secret" * 1000, 0, 1)], 1), Code.BAD_MESSAGE),
    (transcript([word("secret", 0, 1, "S" * 500)], 1), Code.BAD_MESSAGE),
    (transcript([word("secret", -1, 1)], 1), Code.BAD_TIME),
    (transcript([word("secret", 0, 1e9)], 1), Code.BAD_TIME),
    (transcript([word("secret", 0, 1)], 1e17), Code.BAD_TIME),
    ({"message": "AddTranscript", "metadata": {"start_time": 0, "end_time": "1"}}, Code.BAD_MESSAGE),
    (utterance_end(-5), Code.BAD_TIME),
    ({"message": "EndOfUtterance"}, Code.BAD_MESSAGE),
    (segment("secret", -3, 1, True), Code.BAD_TIME),
    ({"message": "AddSegment", "segments": [{"speaker_id": "S1"}], "metadata": {}}, Code.BAD_MESSAGE),
    ({"message": "RecognitionStarted", "language_pack_info": {"word_delimiter": "secret word"}}, Code.BAD_MESSAGE),
]


@pytest.mark.parametrize(("message", "code"), BAD_MESSAGES)
def test_a_bad_message_is_refused_and_forgotten(message: Any, code: Code) -> None:
    """What follows is told as if it had not come; its words are not in the error."""
    plain, disturbed = one(), one()
    before = transcript([word("Hello", 0, 0.5)], 0.5)
    after = transcript([word("there", 0.5, 0.9)], 0.9)
    expected = tell(plain, before, after) + finish(plain)
    told = tell(disturbed, before)
    with pytest.raises(MessageRefused) as refused:
        tell(disturbed, message)
    assert refused.value.code is code
    assert "secret" not in str(refused.value)
    assert told + tell(disturbed, after) + finish(disturbed) == expected


@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda text, at, length, who, final: transcript([word(text, at, at + length, who)], at + length, final),
                st.sampled_from(["yes", "no", "312", "."]),
                st.floats(0, 50),
                st.floats(0, 3),
                st.sampled_from(["S1", "S2", None]),
                st.booleans(),
            ),
            st.builds(utterance_end, st.floats(0, 50)),
            st.builds(segment, st.text(max_size=20), st.floats(0, 9), st.floats(9, 20), st.booleans()),
            st.just({"message": "RecognitionStarted", "id": "again"}),
            st.just({"message": "EndOfTranscript"}),
        ),
        max_size=15,
    )
)
def test_any_order_of_messages_gives_events_that_hold(messages: list[dict[str, Any]]) -> None:
    translator = one()
    told: list[SourceEvent] = tell(translator, *messages) + finish(translator)
    check_promises(told)
    assert not left_open(told)
