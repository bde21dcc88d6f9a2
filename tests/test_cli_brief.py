"""`rtig brief`: the briefs of recorded calls, for people and for programs."""

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from rtig import cli, knowledge
from rtig.core.guidance import Brief
from rtig.replay import brief_of

CALLS = Path(__file__).parents[1] / "knowledge_base" / "calls"
TURNS = [
    ("agent", 0, "hello how can i help"),
    ("customer", 8, "my card 4111 1111 1111 1111 was declined and i want to know why"),
    ("agent", 20, "I have sent a new one. You will get it within three working days."),
]


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, ["brief", *map(str, words)])
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture
def dialogues(tmp_path: Path) -> Path:
    """Two calls in one file."""
    turns = [{"speaker": speaker, "t_s": t_s, "text": text} for speaker, t_s, text in TURNS]
    path = tmp_path / "calls.jsonl"
    path.write_text("".join(json.dumps({"call_id": name, "turns": turns}) + "\n" for name in ("d-1", "d-2")))
    return path


def test_a_sample_call_reads_like_a_note() -> None:
    lines = run(CALLS / "router-drops-third-call.yaml").stdout.splitlines()
    assert lines[0].startswith("router-drops-third-call: desk-4, faults, account-31746, voice, completed after 3:")
    told = [line.split("  ", 1)[-1].strip().partition("  ")[2] or line for line in lines]
    for part in ("who", "asked", "tried", "promised", "mood", "articles"):
        assert part in lines
    assert "account number: three one seven four six" in told
    assert any(line.startswith("this is the third time i've called about the same fault") for line in told)
    assert "agent: the first time we reset the line and the second time we changed the wireless channel" in told
    assert any(line.endswith("ring you myself tomorrow at one (tomorrow at one)") for line in told)


def test_every_sample_call_fits_on_a_screen_and_says_what_was_asked() -> None:
    files = sorted(CALLS.glob("*.yaml"))
    briefs = [msgspec.json.decode(line, type=Brief) for line in run(*files, "--json").stdout.splitlines()]
    assert len(briefs) == len(files) == 14
    for brief in briefs:
        parts = (brief.who, brief.asked, brief.tried, brief.promised, brief.mood.turns, brief.articles, brief.open)
        assert 4 <= sum(map(len, parts)) <= 18
        assert brief.asked
        assert brief.state == "ended"


def test_recordings_of_any_format_are_read_and_personal_data_are_masked(dialogues: Path) -> None:
    out = run(dialogues, "--format", "dialogue").stdout
    assert "4111" not in out
    assert out.count("my card [card number] was declined and i want to know why") == 2
    assert out.count("You will get it within three working days. (within three working days)") == 2
    assert out.count("agent: I have sent a new one.") == 2


def test_one_name_is_for_one_file(dialogues: Path) -> None:
    assert "--call-id" in run(dialogues, dialogues, "--call-id", "x", code=2).stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nowhere.jsonl: there is no such file" in run(tmp_path / "nowhere.jsonl", code=1).stderr


def test_a_call_without_events_has_no_brief() -> None:
    with pytest.raises(ValueError, match="events"):
        brief_of(knowledge.compile_folder(CALLS.parent), [])
