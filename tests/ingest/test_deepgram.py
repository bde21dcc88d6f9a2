import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telling import check_promises, final_text, finals, finish, left_open, lines, revisions, sample, tell

from rtig.core.events import CallEnded, CallStarted, SegmentHeard, SegmentVoided
from rtig.errors import Code, MessageRefused
from rtig.ingest.deepgram import Deepgram

CAPTURED = [
    "captured_results_01_nova-3.json",
    "captured_results_02_nova-3.json",
    "captured_results_03_base.json",
    "captured_results_04_base.json",
    "captured_results_05_base.json",
    "captured_results_06_nova-2.json",
    "captured_results_07_nova-2.json",
]


def one(**parties: Any) -> Deepgram:
    return Deepgram("c", parties or {"0": "customer", "1": "agent"})


def results(text: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    """A Results message whose words fill its stretch of audio evenly; a word `A/1` is said by speaker 1."""
    parts = [part.partition("/") for part in text.split()]
    step = (end - start) / max(1, len(parts))
    words = [
        {
            "word": word.lower().strip(".,?"),
            "punctuated_word": word,
            "start": start + step * n,
            "end": start + step * (n + 1),
            "confidence": 0.9,
        }
        | ({"speaker": int(speaker)} if speaker else {})
        for n, (word, _, speaker) in enumerate(parts)
    ]
    alternative = {"transcript": " ".join(word for word, _, _ in parts), "confidence": 0.9, "words": words}
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": start,
        "duration": end - start,
        "channel": {"alternatives": [alternative]},
        **more,
    }


def final(text: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    return results(text, start, end, is_final=True, **more)


def turn(event: str, text: str, end: float, index: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": "TurnInfo",
        "event": event,
        "turn_index": index,
        "audio_window_start": 0.0,
        "audio_window_end": end,
        "transcript": text,
        "words": [],
        **more,
    }


@pytest.mark.parametrize("name", CAPTURED)
def test_the_finals_are_the_recognisers_own(name: str) -> None:
    frame = sample(f"deepgram/{name}").read_text()
    translator = one()
    told = tell(translator, frame, frame) + finish(translator)
    assert final_text(told) == json.loads(frame)["channel"]["alternatives"][0]["transcript"]
    assert all(event.turn_end and event.party == "customer" for event in finals(told))


def test_interims_of_one_start_replace_each_other_and_a_final_that_never_comes_is_voided() -> None:
    translator = one()
    told = tell(translator, *lines("deepgram/docs_interim_sequence.jsonl"))
    assert revisions(told) == [("another big", 0, False), ("another big problem", 0, False)]
    assert [type(event) for event in finish(translator)] == [SegmentVoided]


def test_a_turn_that_grows_is_one_segment() -> None:
    translator = one()
    told = tell(translator, *lines("deepgram/docs_flux_turn_sequence.jsonl"))
    assert [text for text, _, _ in revisions(told)] == [
        "Hi I",
        "Hi I need to",
        "Hi I need to cancel my subscription.",
        "Hi I need to cancel my subscription please",
        "Hi I need to cancel my subscription please.",
        "Hi I need to cancel my subscription please.",
    ]
    (settled,) = finals(told)
    assert (settled.turn_end, settled.party, settled.end_ms) == (True, "customer", 1700)
    check_promises(told)
    assert finish(translator) == []


def test_utterance_ends_as_documented() -> None:
    translator = one()
    told = tell(
        translator,
        final("That is", 2.0, 2.6, channel_index=[0, 2]),
        final("all", 2.6, 3.1, channel_index=[0, 2]),
        sample("deepgram/thirdparty_test_utterance_end_negative.json").read_text(),
        sample("deepgram/constructed_speech_started.json").read_text(),
    )
    assert finals(told) == []
    told += tell(translator, *[sample("deepgram/docs_utterance_end.json").read_text()] * 2)
    assert [(event.text, event.turn_end) for event in finals(told)] == [("That is all", True)]


def test_pieces_make_one_segment_until_speech_final() -> None:
    translator = one()
    told = tell(
        translator,
        results("I would like", 0, 1),
        final("I would like", 0, 1),
        results("to council", 1, 2),
        final("to cancel.", 1, 2, speech_final=True),
        final("", 2, 4, speech_final=True),
    )
    assert [(e.text, e.rev, e.turn_end) for e in finals(told)] == [("I would like to cancel.", 4, True)]
    assert revisions(told)[2] == ("I would like to council", 12, False)


def test_a_final_shorter_than_the_interim_moves_the_tail_to_what_is_next() -> None:
    translator = one()
    told = tell(
        translator,
        results("my number is four one", 0, 2.5),
        final("my number is", 0, 1.5, speech_final=True),
        results("four one five", 1.5, 3.0),
        final("415", 1.5, 3.0, speech_final=True),
    )
    assert [event.text for event in finals(told)] == ["my number is", "415"]
    assert revisions(told)[2] == ("four one", 0, False)
    check_promises(told)
    assert not left_open(told)


def test_empty_finals_say_nothing_and_take_a_rejected_guess_back() -> None:
    assert tell(one(), final("", 0, 1), final("", 1, 2, speech_final=True)) == []
    told = tell(one(), results("uh", 0, 0.4), final("", 0, 1))
    assert [type(event) for event in told[1:]] == [SegmentHeard, SegmentVoided]


def test_a_finalized_piece_is_settled_though_nobody_ended_the_turn() -> None:
    translator = one()
    told = tell(translator, final("hold on", 0, 1, from_finalize=True))
    assert [(event.text, event.turn_end) for event in finals(told)] == [("hold on", False)]
    told += tell(translator, final("", 1, 1.5, speech_final=True))
    assert [event.turn_end for event in finals(told)] == [True]


def test_speakers_of_one_channel_are_told_apart() -> None:
    told = tell(one(), final("Hello?/0 Yes/1 speaking./1", 0, 2, speech_final=True))
    assert [(e.text, e.party) for e in finals(told)] == [("Hello?", "customer"), ("Yes speaking.", "agent")]


def test_channels_are_apart_and_their_speakers_are_never_taken_for_channels() -> None:
    translator = one(**{"0": "customer", "1": "agent", "1:2": "system"})
    told = tell(
        translator,
        final("hello/1", 0, 1, channel_index=[0, 2], speech_final=True),
        final("press/2 one/2 hi/0", 0, 1.5, channel_index=[1, 2], speech_final=True),
        final("who", 0, 1.6, channel_index=[2, 3], speech_final=True),
    )
    assert [(e.text, e.party) for e in finals(told)] == [
        ("hello", "customer"),
        ("press one", "system"),
        ("who", "unknown"),
        ("hi", "agent"),
    ]


def test_the_transcript_is_right_about_spaces_and_about_the_text() -> None:
    message = final("再 见", 0, 1, speech_final=True)
    message["channel"]["alternatives"][0]["transcript"] = "再见"
    assert final_text(tell(one(), message)) == "再见"
    message["channel"]["alternatives"][0]["transcript"] = "$415 please"
    assert final_text(tell(one(), message)) == "$415 please"
    message["channel"]["alternatives"][0]["words"][0]["speaker"] = 1
    assert final_text(tell(one(), message)) == "再 见"


def test_words_without_times_are_taken_too() -> None:
    message = final("one two", 0, 1, speech_final=True)
    for word in message["channel"]["alternatives"][0]["words"]:
        del word["start"], word["end"], word["confidence"]
    (told,) = finals(tell(one(), message))
    assert (told.text, told.start_ms, told.end_ms, told.confidence) == ("one two", 0, 1000, None)


def test_no_alternatives_are_no_words() -> None:
    message = final("", 0, 1, channel={"alternatives": []})
    assert tell(one(), message) == []


def test_a_recogniser_that_comes_back_goes_on_with_the_calls_clock() -> None:
    translator = one()
    told = tell(
        translator,
        final("before", 8, 9, metadata={"request_id": "aaaaaaaa"}),
        results("lost", 9, 9.5, metadata={"request_id": "aaaaaaaa"}),
        final("after", 0, 1, speech_final=True, metadata={"request_id": "bbbbbbbb"}),
        turn("EndOfTurn", "and then", 0.5, request_id="cccccccc"),
    )
    assert [(e.text, e.start_ms, e.segment_id) for e in finals(told)] == [
        ("before", 8000, "aaaaaaaa.0.8000"),
        ("after", 9500, "bbbbbbbb.0.9500"),
        ("and then", 10_500, "cccccccc.turn0.10500"),
    ]
    check_promises(told)
    assert not left_open(told)


def test_only_an_end_that_the_vendor_told_ends_the_call() -> None:
    translator = one()
    told = tell(translator, final("bye", 0, 1), {"type": "Metadata", "request_id": "x"})
    assert finals(told) == []
    told += tell(translator, {"type": "Metadata", "duration": 1.2, "channels": 1})
    assert final_text(told) == "bye"
    assert finish(translator) == [CallEnded(call_id="c", at_ms=1000)]
    assert finish(translator) == []


def test_a_call_starts_in_the_language_that_was_heard() -> None:
    message = final("bonjour", 0, 1)
    message["channel"]["alternatives"][0]["languages"] = ["fr", "en"]
    assert tell(one(), message)[0] == CallStarted(call_id="c", lang="fr")


def test_turns_that_come_again_or_late_change_nothing() -> None:
    translator = one()
    told = tell(translator, turn("Update", "I", 0.2), turn("EagerEndOfTurn", "I see", 0.6), turn("Update", "I", 0.2))
    assert [text for text, _, _ in revisions(told)] == ["I", "I see"]
    told = tell(translator, turn("EndOfTurn", "I see", 0.6), turn("EndOfTurn", "I see", 0.6), turn("Update", "I", 0.9))
    assert revisions(told) == [("I see", 5, True)]


def test_a_turn_without_words_and_a_turn_that_never_ends_leave_nothing() -> None:
    translator = one()
    told = tell(translator, turn("Update", "", 0.2), turn("Update", "uh", 0.4), turn("EndOfTurn", "", 0.9))
    told += tell(translator, turn("Update", "so", 1.2, 1), turn("Update", "well", 1.9, 2))
    told += finish(translator)
    assert finals(told) == []
    assert not left_open(told)
    check_promises(told)


def test_a_turns_words_tell_when_it_began_and_how_sure_it_is() -> None:
    words = [{"word": "yes", "confidence": 0.5, "start": 0.3, "end": 0.5}, {"word": "sir", "confidence": 1.0}]
    (told,) = finals(tell(one(), turn("EndOfTurn", "yes sir", 0.9, words=words, languages=["en"])))
    assert (told.start_ms, told.confidence, told.lang) == (300, 0.75, "en")


@pytest.mark.parametrize("kind", ["SpeechStarted", "Connected", "Error", "FatalError", "Warning", "Configured"])
def test_other_messages_say_nothing(kind: str) -> None:
    assert tell(one(), {"type": kind, "channel": "x", "start": "y", "description": "z"}) == []


BAD_MESSAGES: list[tuple[Any, Code]] = [
    ("", Code.BAD_JSON),
    ("3", Code.BAD_MESSAGE),
    ({"type": None}, Code.BAD_MESSAGE),
    ({"type": "Results"}, Code.BAD_MESSAGE),
    (results("secret", 0, 1, channel="secret"), Code.BAD_MESSAGE),
    (results("secret", 0, 1, channel_index=[]), Code.BAD_MESSAGE),
    (results("secret", 0, 1, is_final="secret"), Code.BAD_MESSAGE),
    (results("secret" * 4000, 0, 1), Code.BAD_MESSAGE),
    (results("secret", -1, 1), Code.BAD_TIME),
    (results("secret", 0, 1e7), Code.BAD_TIME),
    (results("secret", 0, 1, duration=-1), Code.BAD_TIME),
    (results("secret", 0, 1) | {"start": "secret"}, Code.BAD_MESSAGE),
    (results("secret", -1, 1, metadata={"request_id": "another"}), Code.BAD_TIME),
    ({"type": "UtteranceEnd"}, Code.BAD_MESSAGE),
    ({"type": "UtteranceEnd", "last_word_end": 1e9}, Code.BAD_TIME),
    ({"type": "Metadata", "duration": "secret"}, Code.BAD_MESSAGE),
    ({"type": "TurnInfo", "event": "Update"}, Code.BAD_MESSAGE),
    (turn("Update", "secret", -1), Code.BAD_TIME),
    (turn("Update", "secret", 1, -1), Code.BAD_MESSAGE),
    (turn("Update", "secret", 1, audio_window_start=2), Code.BAD_TIME),
]


@pytest.mark.parametrize(("message", "code"), BAD_MESSAGES)
def test_a_bad_message_is_refused_and_forgotten(message: Any, code: Code) -> None:
    plain, disturbed = one(), one()
    before = final("Hello", 0, 1, metadata={"request_id": "first"})
    after = final("there", 1, 2, metadata={"request_id": "first"})
    expected = tell(plain, before, after) + finish(plain)
    told = tell(disturbed, before)
    with pytest.raises(MessageRefused) as refused:
        tell(disturbed, message)
    assert refused.value.code is code
    assert "secret" not in str(refused.value)
    assert told + tell(disturbed, after) + finish(disturbed) == expected


speech = st.builds(
    lambda text, start, length, more: results(text, start, start + length, **more),
    st.sampled_from(["", "yes", "no/1", "3 1/1 2", "well then"]),
    st.integers(0, 20),
    st.sampled_from([0.0, 0.5, 3.0]),
    st.fixed_dictionaries(
        {}, optional={"is_final": st.booleans(), "speech_final": st.booleans(), "from_finalize": st.booleans()}
    ),
)
turns = st.builds(
    turn,
    st.sampled_from(["Update", "EagerEndOfTurn", "TurnResumed", "EndOfTurn"]),
    st.sampled_from(["", "yes", "yes please"]),
    st.integers(0, 9),
    st.integers(0, 3),
)
others = st.sampled_from(
    [
        {"type": "UtteranceEnd", "last_word_end": 5.0},
        {"type": "Metadata", "duration": 3.0},
        results("back", 0, 1, metadata={"request_id": "one"}),
        results("again", 0, 1, metadata={"request_id": "two"}),
    ]
)


@given(st.lists(st.one_of(speech, turns, others), max_size=15))
def test_any_order_of_messages_gives_events_that_hold(messages: list[dict[str, Any]]) -> None:
    translator = one()
    told = tell(translator, *messages) + finish(translator)
    check_promises(told)
    assert not left_open(told)
