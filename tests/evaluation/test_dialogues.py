"""Labelled dialogues: what counts as said, who was told to complain, and what is wrong with a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from rtig.core.events import CallStarted, SegmentHeard
from rtig.errors import WorldError
from rtig.evaluation.dialogues import Turn, events, read_dialogues

CALM: dict[str, Any] = {
    "id": 1,
    "turns": [
        {"speaker": "instruction_to_customer", "t_s": 0, "text": "You want to know the weather."},
        {"speaker": "customer", "t_s": 3.5, "text": "Will it rain?"},
        {"speaker": "agent_action", "t_s": 5, "text": "query"},
        {"speaker": "agent", "t_s": 9, "text": "No."},
        {"speaker": "customer", "t_s": 12, "text": None},
    ],
    "agent_report": {"user_annoyed": False},
}
ANGRY: dict[str, Any] = {
    "id": 2,
    "turns": [
        {"speaker": "instruction_to_customer", "t_s": 0, "text": "Act like a grumpy person."},
        {"speaker": "customer", "t_s": 1, "text": "About time."},
    ],
    "agent_report": {"user_annoyed": True},
}
SILENT = {"id": 3, "turns": [], "agent_report": None}


def written(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    file = tmp_path / "calls.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", "utf-8")
    return file


def test_turns_are_what_the_two_said_and_labels_what_the_agent_reported(tmp_path: Path) -> None:
    calm, angry = read_dialogues([written(tmp_path, CALM, ANGRY, SILENT)])
    assert calm.turns == (Turn("customer", 3_500, "Will it rain?"), Turn("agent", 9_000, "No."))
    assert (calm.name, calm.annoyed, calm.told) == ("calls-1", False, False)
    assert (angry.annoyed, angry.told) == (True, True)


def test_a_dialogue_is_a_chat_of_final_turns(tmp_path: Path) -> None:
    calm, _ = read_dialogues([written(tmp_path, CALM, ANGRY)])
    start, first, second = events(calm)
    assert isinstance(start, CallStarted)
    assert start.channel == "chat"
    assert isinstance(first, SegmentHeard)
    assert isinstance(second, SegmentHeard)
    assert (first.party, first.final, first.end_ms, second.segment_id) == ("customer", True, 3_500, "1")


def test_a_file_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps(CALM) + '\n{"turns": 3}\n', "utf-8")
    with pytest.raises(WorldError, match=r"bad\.jsonl:2: "):
        read_dialogues([file])
    with pytest.raises(WorldError, match="with and without an annoyed customer"):
        read_dialogues([written(tmp_path, CALM)])
