import json
from pathlib import Path

import pytest
from telling import check_promises, final_text, finals, sample, well_formed

from rtig.core import events
from rtig.core.events import CallEnded, CallStarted, SegmentHeard, SourceEvent
from rtig.errors import Code, MessageRefused, WorldError
from rtig.ingest.feed import read_file

CALL: list[SourceEvent] = [
    CallStarted(call_id="c"),
    SegmentHeard(call_id="c", segment_id="s", rev=0, text="hello", final=True, start_ms=10, end_ms=900),
]
FRAMES = [events.encode(event).decode() for event in CALL]


def written(tmp_path: Path, text: str | bytes, name: str = "call.json") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(FRAMES),
        "\r\n".join(FRAMES) + "\r\n\r\n",
        "".join(FRAMES),
        "\ufeff" + "\n".join(FRAMES),
        "\n".join(json.dumps(json.loads(frame), indent=2) for frame in FRAMES),
        f"[{','.join(FRAMES)}]",
    ],
    ids=["lines", "dos", "concatenated", "marked", "pretty", "array"],
)
def test_any_way_to_put_messages_into_a_file(tmp_path: Path, text: str) -> None:
    assert list(read_file(written(tmp_path, text), "rtig")) == CALL


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    assert list(read_file(written(tmp_path, " \n"), "speechmatics")) == []


def test_a_vendors_recording_is_a_whole_call() -> None:
    path = sample("speechmatics/captured_chat1.jsonl")
    told = well_formed(read_file(path, "speechmatics", parties={"S1": "agent"}))
    assert told[0] == CallStarted(call_id="captured_chat1")
    assert told[-1] == CallEnded(call_id="captured_chat1", at_ms=23_440)
    assert len(finals(told)) == 9
    check_promises(told)


def test_a_pretty_printed_message_is_one_message() -> None:
    path = sample("deepgram/captured_results_01_nova-3.json")
    told = list(read_file(path, "deepgram", "call-7", {"0": "agent"}))
    assert [type(event) for event in told] == [CallStarted, SegmentHeard, CallEnded]
    assert final_text(told)
    assert {event.call_id for event in told} == {"call-7"}


def test_a_call_that_the_messages_end_is_not_ended_again(tmp_path: Path) -> None:
    lines = [
        {"EventType": "START", "CallId": "a"},
        {"EventType": "START", "CallId": "b"},
        {"EventType": "END", "CallId": "a"},
    ]
    told = list(read_file(written(tmp_path, "\n".join(map(json.dumps, lines))), "lca"))
    assert [event.call_id for event in told if isinstance(event, CallEnded)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        (FRAMES[0] + "\n\n" + FRAMES[1][:-3], 3, Code.BAD_JSON),
        (FRAMES[0] + '\n{"type":\n 3}', 2, Code.BAD_MESSAGE),
        (f"[\n{FRAMES[0]},\n 7]", 1, Code.BAD_MESSAGE),
        ('\n{"type": "call_ended", "call_id": "c", "at_ms": NaN}', 2, Code.BAD_JSON),
        ("\n\n" + "[" * 100_000, 3, Code.BAD_JSON),
    ],
)
def test_an_error_names_its_line(tmp_path: Path, text: str, line: int, code: Code) -> None:
    with pytest.raises(MessageRefused) as refused:
        list(read_file(written(tmp_path, text), "rtig"))
    assert refused.value.code is code
    assert refused.value.sentence.startswith(f"line {line}: ")


def test_what_came_before_an_error_is_given(tmp_path: Path) -> None:
    told = read_file(written(tmp_path, FRAMES[0] + "\nrubbish"), "rtig")
    assert next(told) == CALL[0]
    with pytest.raises(MessageRefused):
        next(told)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"absent\.json"):
        list(read_file(tmp_path / "absent.json", "rtig"))
    with pytest.raises(MessageRefused, match="UTF-8"):
        list(read_file(written(tmp_path, b"\xff\xfe{}"), "rtig"))


def test_the_call_is_named_after_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '{"message": "RecognitionStarted", "id": "x"}', "my call (2).jsonl")
    assert [event.call_id for event in read_file(path, "speechmatics")] == ["my-call--2-"] * 2
