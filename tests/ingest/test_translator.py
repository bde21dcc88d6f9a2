import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtig.core.events import MAX_CALL_MS, CallEnded, CallStarted, Name, SegmentHeard
from rtig.errors import Code, MessageRefused
from rtig.ingest.translator import CallStream, decoded, millis, named, whole_millis


class Asked(msgspec.Struct):
    secret: int


_asked = msgspec.json.Decoder(Asked)


def heard(end_ms: int, lang: str = "") -> SegmentHeard:
    return SegmentHeard(call_id="c", segment_id="s", rev=0, text="yes", start_ms=0, end_ms=end_ms, lang=lang)


@given(st.text(min_size=1, max_size=300))
def test_a_name_is_made_of_anything(text: str) -> None:
    assert msgspec.convert(named(text), Name) == named(named(text))


def test_names_that_had_to_be_changed_stay_apart() -> None:
    assert named("Daily call 9:00") != named("Daily-call 9:00")
    assert named("a1b2-c3") == "a1b2-c3"


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0), (1.2345, 1234), ("27.42", 27420), (86_400, MAX_CALL_MS)])
def test_seconds_become_milliseconds(seconds: float | str, expected: int) -> None:
    assert millis(seconds, "start") == expected


@pytest.mark.parametrize("seconds", [-0.001, 86_400.01, float("nan"), float("inf"), "nan", "-inf", "soon", "", 10**400])
def test_a_time_that_is_none_is_refused_without_being_quoted(seconds: float | str) -> None:
    with pytest.raises(MessageRefused) as refused:
        millis(seconds, "results.start_time")
    assert refused.value.code is Code.BAD_TIME
    assert refused.value.sentence.startswith("results.start_time must be")
    assert "soon" not in str(refused.value)


def test_a_time_is_counted_from_where_the_stream_begins() -> None:
    assert whole_millis(250, "at", begins_ms=1000) == 1250
    with pytest.raises(MessageRefused):
        whole_millis(MAX_CALL_MS, "at", begins_ms=1)


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"\xff\xfe", "{\ud800}", '{"x": ' + "[" * 200_000, b'{"secret": 1} {"secret": 2}']
)
def test_what_is_not_json_is_refused(frame: bytes | str) -> None:
    with pytest.raises(MessageRefused) as refused:
        decoded(_asked, frame)
    assert refused.value.code is Code.BAD_JSON


def test_a_refusal_names_the_field_and_never_the_value() -> None:
    with pytest.raises(MessageRefused) as refused:
        decoded(_asked, json.dumps({"secret": "my card is 4111"}))
    assert refused.value.code is Code.BAD_MESSAGE
    assert "$.secret" in refused.value.sentence
    assert "4111" not in str(refused.value)


@pytest.mark.parametrize("call_id", ["", "two words", "x" * 129, "a/b"])
def test_a_call_id_that_is_no_name_is_refused(call_id: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        CallStream(call_id, {}, 0)
    assert refused.value.code is Code.BAD_MESSAGE


def test_a_call_starts_once_before_anything_else() -> None:
    stream = CallStream("c", {}, 0)
    assert stream.told([]) == ()
    assert stream.told([heard(500, "de")]) == (CallStarted(call_id="c", lang="de"), heard(500, "de"))
    assert stream.told([heard(900)]) == (heard(900),)
    assert stream.started() == []
    assert stream.ended() == CallEnded(call_id="c", at_ms=900)


def test_of_one_messages_revisions_only_the_last_is_told() -> None:
    stream = CallStream("c", {}, 0)
    first, second = heard(100), heard(200)
    assert stream.told([first, second])[1:] == (second,)


def test_the_clock_goes_on_where_a_session_was_lost() -> None:
    stream = CallStream("c", {}, 100)
    stream.enter("first")
    assert stream.begins("first") == stream.begins() == 100
    stream.told([heard(5000)])
    assert stream.begins("second") == 5000
    stream.restart()
    stream.enter("second")
    assert stream.begins("second") == 5000
    assert not stream.continues("first")


def test_an_id_is_used_once() -> None:
    stream = CallStream("c", {}, 0)
    stream.enter("0123456789")
    ids = [stream.segment_id("S1", 40), stream.segment_id("S1", 40), stream.segment_id("S1", 40)]
    assert ids == ["01234567.S1.40", "01234567.S1.40+1", "01234567.S1.40+2"]
    assert msgspec.convert(stream.segment_id("Ann Other", 7), Name)


def test_a_party_is_looked_up_and_never_guessed() -> None:
    stream = CallStream("c", {"1": "agent", "1:S2": "system"}, 0)
    assert stream.party("1:S2", "1") == "system"
    assert stream.party("1:S1", "1") == "agent"
    assert stream.party("2") == "unknown"


def test_a_day_is_the_longest_call() -> None:
    assert timedelta(milliseconds=MAX_CALL_MS) == timedelta(days=1)
