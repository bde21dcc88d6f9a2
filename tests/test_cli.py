"""The command line: what it prints for people and for programs, what it refuses, and with which exit code."""

import asyncio
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from folders import GOOD, TEST, TRIGGERS, write
from typer.testing import CliRunner, Result

import rtig
from rtig import app as server
from rtig import cli, knowledge, lane
from rtig.cli import authors, calls
from rtig.config import Settings
from rtig.core import events
from rtig.core.events import CallStarted, ClockTicked
from rtig.core.guidance import Quote
from rtig.errors import EncoderUnavailable
from rtig.eventlog import split
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.knowledge import authoring
from rtig.script import perform

RECORDED = Path(__file__).parents[1] / "../shared/samples/ingest/speechmatics"


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert result.exit_code == code, result.output + result.stderr
    return result


def parsed(*words: object, code: int = 0) -> Any:
    return json.loads(run(*words, "--json", code=code).stdout)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """`serve` and `demo` log to stderr, which is the runner's only while a command runs."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    return write(tmp_path / "kb", GOOD)


@pytest.fixture
def recorded(kb: Path, tmp_path: Path) -> Path:
    """The sample call as a file of events."""
    path = tmp_path / "doubled.jsonl"
    scheduled = perform(knowledge.read(kb).calls["doubled"])
    path.write_bytes(b"\n".join(events.encode(s.event) for s in scheduled))
    return path


@pytest.fixture
def log(kb: Path, tmp_path: Path) -> Path:
    """The sample call in a server's log, with a tick of its clock."""
    path = tmp_path / "calls.db"

    async def fill() -> None:
        opened = await SqliteLog.open_file(path)
        call = CallKey("default", "doubled")
        await opened.open(call)
        for scheduled in perform(knowledge.read(kb).calls["doubled"]):
            await opened.append(call, scheduled.event).durable
            if isinstance(scheduled.event, CallStarted):
                await opened.append(call, ClockTicked(call_id="doubled", at_ms=400)).durable
        await opened.close()

    asyncio.run(fill())
    return path


def test_version() -> None:
    assert run("version").stdout == f"{rtig.__version__}\n"


def test_help_names_every_command() -> None:
    text = run("--help").stdout
    for command in ("demo", "serve", "replay", "explain", "kb", "erase", "schema", "version"):
        assert command in text


def test_serve_lists_every_setting() -> None:
    text = run("serve", "--help").stdout
    for name in Settings.model_fields:
        assert f"RTIG_{name.upper()}" in text


# --- authors


def test_lint(kb: Path) -> None:
    result = run("kb", "lint", kb)
    assert (result.stdout, result.stderr) == ("", f"0 errors, 0 warnings in {kb}\n")
    assert parsed("kb", "lint", kb) == []


def test_the_knowledge_base_here_is_meant_where_none_is_named(
    kb: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert f"in {knowledge.shipped()}" in run("kb", "lint", "--no-meaning").stderr
    (elsewhere / "knowledge_base").symlink_to(kb)
    assert run("kb", "lint").stderr == "0 errors, 0 warnings in knowledge_base\n"


def test_lint_of_a_broken_folder(kb: Path) -> None:
    (kb / "triggers/coaching.yaml").write_text(TRIGGERS.replace("say: Let", "sey: Let"))
    result = run("kb", "lint", kb, code=1)
    assert result.stdout == "triggers/coaching.yaml:4:5: error: `sey` is not a key here. Did you mean `say`?\n"
    assert result.stderr == f"1 error, 0 warnings in {kb}\n"
    [found] = parsed("kb", "lint", kb, code=1)
    assert (found["severity"], found["line"], found["column"]) == ("error", 4, 5)


def test_lint_warns_of_review_dates(kb: Path) -> None:
    result = run("kb", "lint", kb, "--today", "2028-01-01")
    assert "was to be reviewed by 2027-01-31" in result.stdout
    assert "1 warning" in result.stderr
    assert run("kb", "lint", kb, "--today", "2026-01-01").stdout == ""


MEANT = """  - id: price
    title: The price
    say: Let me see.
    means: [why is my bill so high, my bill has doubled, this bill is far too much for me]
"""


def test_what_is_meant_is_left_out_without_the_models(kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reader() -> None:
        raise EncoderUnavailable("Meaning needs `onnxruntime`.")

    monkeypatch.setattr(lane, "new_reader", reader)
    (kb / "triggers/coaching.yaml").write_text(TRIGGERS + MEANT)
    said = "rtig: what a model would read is left out. Meaning needs `onnxruntime`.\n"
    assert run("kb", "lint", kb).stderr == f"{said}0 errors, 0 warnings in {kb}\n"
    assert run("kb", "lint", kb, "--no-meaning").stderr == f"0 errors, 0 warnings in {kb}\n"
    assert run("kb", "try", "my bill", "--kb", kb).stderr == said
    assert run("explain", "doubled", "--kb", kb).stderr == said
    assert run("kb", "test", kb).stderr == ""
    assert run("kb", "test", kb, "--meaning").stderr == said
    assert parsed("kb", "try", "my bill", "--kb", kb)["likely"] is None


def test_scripted_tests(kb: Path) -> None:
    assert run("kb", "test", kb).stdout == "1 passed, 0 failed\n"
    (kb / "tests/doubled.yaml").write_text(TEST.replace("line: 2", "line: 1"))
    result = run("kb", "test", kb, code=1)
    assert "FAILED test-doubled: A doubled bill" in result.stdout
    assert "- doubled-bill, brought by line 1" in result.stdout
    [verdict] = parsed("kb", "test", kb, code=1)
    assert (verdict["id"], verdict["passed"]) == ("test-doubled", False)
    assert "did you mean `test-doubled`" in run("kb", "test", kb, "--only", "test-double", code=2).stderr
    assert "0 passed, 1 failed" in run("kb", "test", kb, "--only", "test-doubled", code=1).stdout


def test_try(kb: Path) -> None:
    text = run("kb", "try", "my bill has doubled, third time I call", "--kb", kb).stdout
    assert "A bill that doubled  [article, doubled-bill]" in text
    assert 'because “bill has doubled” said by the customer: "bill has doubled"' in text
    assert "+0.40 has called before" in text
    assert "ticks opening/greet" in run("kb", "try", "good morning", "--party", "agent", "--kb", kb).stdout
    near = run("kb", "try", "speak to the manager", "--kb", kb).stdout
    assert "Nothing fires." in near
    assert "not said: `(a|your)`" in near
    assert "A search by words" in near
    tried = parsed("kb", "try", "my bill has doubled", "--kb", kb)
    assert tried["fired"][0]["words"][0]["text"] == "bill has doubled"
    assert tried["articles"][0]["article"] == "doubled-bill"
    assert "nothing is said" in run("kb", "try", "  ", "--kb", kb, code=2).stderr
    misheard = run("kb", "try", "I want to speak to your manger", "--kb", kb).stdout
    assert 'heard "manger" for "manager"' in misheard


def test_try_says_what_a_model_made_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Told from values: that a model makes them is the lane's to test."""
    authors._print_tried(
        authoring.Tried(
            fired=(
                authoring.Fired(
                    rule="apple", kind="article", title="Apples", say="An apple, Anna.", priority=50,
                    condition="what the customer meant", phrase="", words=(Quote("1.1", "customer", 0, 3, "red"),),
                    score=0.8, near=("pear",),
                ),
            ),
            slots={"first_name": "Anna"},
            ticked=(), score=0.0, band="calm", reasons=(), near=(),
            likely=(
                authoring.Likely(rule="apple", score=0.8, meant=True),
                authoring.Likely(rule="pear", score=0.75, meant=False, lost_to="apple"),
            ),
            articles=(authoring.Found(article="apple", title="Apples", score=1.5),),
        )
    )  # fmt: skip
    text = capsys.readouterr().out
    for line in (
        "    say: An apple, Anna.",
        '    because what the customer meant, 0.80 of the 0.50 it takes: "red"',
        "    about as likely: pear",
        "keeps first_name: Anna",
        "    0.80 apple: meant",
        "    0.75 pear, less likely than apple",
        "A search by words and meaning finds (the higher, the nearer)",
        "    1.50 apple: Apples",
    ):
        assert f"{line}\n" in text


def test_schemas_of_the_knowledge_base(tmp_path: Path) -> None:
    assert set(json.loads(run("kb", "schema").stdout)) == set(knowledge.schemas())
    assert json.loads(run("kb", "schema", "article").stdout)["title"] == "The front matter of articles/**/*.md."
    assert "did you mean `article`" in run("kb", "schema", "articel", code=2).stderr
    run("kb", "schema", "--out", tmp_path / "schemas")
    assert len(list((tmp_path / "schemas").iterdir())) == len(knowledge.schemas())


# --- recorded calls


def test_replay_for_programs(kb: Path, recorded: Path) -> None:
    lines = [json.loads(line) for line in run("replay", recorded, "--kb", kb, "--json").stdout.splitlines()]
    assert {line["type"] for line in lines[:-1]} == {"transcript", "card"}
    summary = lines[-1]
    assert (summary["type"], summary["calls"], summary["finals"], summary["words"]) == ("summary", 1, 2, 10)
    assert (summary["cards"], summary["confirmed"], summary["retracted"]) == (1, 1, 0)
    cards = [line for line in lines if line["type"] == "card"]
    assert {card["id"] for card in cards} == {"doubled-bill.1"}
    transcripts = [line for line in lines if line["type"] == "transcript"]
    assert {"call_id", "segment_id", "rev", "party", "text", "final"} <= set(transcripts[0])
    assert len(transcripts) == summary["fragments"]
    finals = " ".join(line["text"] for line in transcripts if line["final"])
    assert finals == "good morning this call is recorded my bill has doubled"
    everything = [
        json.loads(line) for line in run("replay", recorded, "--kb", kb, "--json", "--all").stdout.splitlines()
    ]
    assert {"call", "checklist", "mood"} <= {line["type"] for line in everything}


def test_replay_for_people(kb: Path) -> None:
    text = run("replay", kb / "calls/doubled.yaml", "--kb", kb).stdout
    assert "customer: my bill has doubled" in text
    assert '-> confirmed doubled-bill.1: "bill has doubled"' in text
    assert "1 card: 1 confirmed, 0 retracted" in text


def test_replay_of_several_files_and_names(kb: Path, recorded: Path) -> None:
    script = kb / "calls/doubled.yaml"
    lines = run("replay", script, script, "--format", "script", "--kb", kb, "--json").stdout.splitlines()
    assert json.loads(lines[-1])["calls"] == 2
    assert "one name cannot stand for several files" in run("replay", script, script, "--call-id", "x", code=2).stderr
    named = run("replay", script, "--call-id", "x", "--kb", kb, "--json").stdout.splitlines()
    assert json.loads(named[0])["call_id"] == "x"


def test_replay_that_cannot_be(kb: Path, tmp_path: Path) -> None:
    result = run("replay", tmp_path / "none.jsonl", "--kb", kb, code=1)
    assert result.stdout == ""
    assert "none.jsonl: there is no such file." in result.stderr
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"type":"call_started","call_id":"a"}\n{"type":"segment","call_id":"a","text":"secret words"}\n')
    result = run("replay", bad, "--kb", kb, code=1)
    assert f"{bad}: line 2" in result.stderr
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr
    run("replay", bad, "--format", "nobodys", code=2)
    assert "LABEL=PARTY" in run("replay", bad, "--party", "0=robot", code=2).stderr
    assert "no such folder" in run("replay", bad, "--kb", tmp_path / "nowhere", code=1).stderr


def test_a_vendors_recording_is_replayed() -> None:
    found = sorted(RECORDED.glob("*.jsonl")) if RECORDED.is_dir() else []
    if not found:
        pytest.skip("the recordings of vendors are not beside this repository")
    result = run("replay", *found, "--format", "speechmatics", "--party", "=customer", "--json")
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["calls"] == len(found)
    assert summary["words"] > 0


async def test_replay_into_a_server(kb: Path, recorded: Path) -> None:
    given: dict[str, Any] = {"port": 0, "log": "memory", "source_token": "let-me-in", "meaning": "off"}
    settings = Settings(**given)
    async with server.running(settings, knowledge.compile_folder(kb)) as running:
        words = ("replay", recorded, "--to", running.socket_url, "--token", "let-me-in", "--speed", 100)
        sent = await asyncio.to_thread(parsed, *words)
        assert (sent["type"], sent["calls"], sent["refused"]) == ("sent", 1, 0)
        assert await running.log.calls("default") == ["doubled"]
        refused = await asyncio.to_thread(run, *words[:4], "--token", "wrong", code=1)
        assert refused.stderr.startswith("rtig: unauthenticated")


def test_replay_says_that_a_server_cannot_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    tell = calls._lost("ws://127.0.0.1:1/ws")
    tell("the server answered 404 instead of opening a WebSocket")
    tell("the server answered 404 instead of opening a WebSocket")
    said = "the server answered 404 instead of opening a WebSocket; trying again, Ctrl-C gives up"
    assert capsys.readouterr().err == f"rtig: ws://127.0.0.1:1/ws: {said}\n"


@pytest.mark.parametrize("where", ["id", "trial", "script", "recording", "log"])
def test_explain_wherever_the_call_is(where: str, kb: Path, recorded: Path, log: Path) -> None:
    words: dict[str, tuple[object, ...]] = {
        "id": ("doubled",),
        "trial": ("test-doubled",),
        "script": (kb / "calls/doubled.yaml",),
        "recording": (recorded,),
        "log": ("doubled", "--log", log),
    }
    story = parsed("explain", *words[where], "--kb", kb)
    assert [(card["id"], card["state"]) for card in story["cards"]] == [("doubled-bill.1", "confirmed")]


def test_explain_for_people(kb: Path) -> None:
    text = run("explain", "doubled", "--kb", kb).stdout
    assert "A bill that doubled  [article, doubled-bill, version " in text
    assert '"bill has doubled" by the customer, segment 2.1, characters 3 to 19' in text
    assert "Called for and not shown\n  none" in text
    why_not = run("explain", "doubled", "--rule", "ask-manager", "--kb", kb).stdout
    assert "ask-manager: Wants a manager" in why_not
    assert "None of its phrases was heard" in why_not
    recorded = run("explain", "doubled", "--rule", "record", "--kb", kb).stdout
    assert "in time, so nothing was called for" in recorded


TAKEN_BACK = """id: again
title: Twice a manager
lines:
  - customer: I want to speak to your manager
  - agent: let me put you through to her
  - customer: my bill has doubled
  - silence: 40
  - customer: I said I would speak to a manager
"""


def test_explain_tells_when_a_card_came_and_why_it_went(kb: Path, tmp_path: Path) -> None:
    """One that was taken back and came again stands where it came for good."""
    call = tmp_path / "again.yaml"
    call.write_text(TAKEN_BACK)
    text = run("explain", call, "--kb", kb).stdout
    assert text.index("A bill that doubled  [") < text.index("Wants a manager  [")
    assert re.search(r"retracted at 0:0\S+ \(the agent did it\), .*confirmed at 0:", text)


def test_explain_all_calls(kb: Path) -> None:
    (kb / "calls/twice.yaml").write_text(TAKEN_BACK.replace("id: again", "id: twice"))
    text = run("explain", "--all-calls", "--kind", "coach", "--kb", kb).stdout
    assert "A bill that doubled" not in text
    assert "Wants a manager  [coach, ask-manager]" in text
    doubled, twice = text.splitlines()[-2:]
    assert (doubled.split()[0], doubled.split()[2:]) == ("doubled", ["0", "0", "0"])
    assert twice.split()[0::2] == ["twice", "1", "1"]
    stories = parsed("explain", "--all-calls", "--kb", kb)
    assert [(story["call_id"], len(story["cards"])) for story in stories] == [("doubled", 1), ("twice", 3)]
    assert "give a call, or --all-calls" in run("explain", "--kb", kb, code=2).stderr
    assert "give a call, or --all-calls" in run("explain", "doubled", "--all-calls", "--kb", kb, code=2).stderr


def test_explain_what_is_not_there(kb: Path, log: Path) -> None:
    assert "did you mean `doubled`" in run("explain", "doubeld", "--kb", kb, code=2).stderr
    assert "did you mean `record`" in run("explain", "doubled", "--rule", "recrod", "--kb", kb, code=2).stderr
    assert "has no call `other`" in run("explain", "other", "--log", log, "--kb", kb, code=1).stderr
    assert "no such file" in run("explain", "doubled", "--log", log.parent / "x.db", "--kb", kb, code=1).stderr
    page = kb / "articles/billing/doubled-bill.md"
    assert run("explain", page, "--kb", kb, code=1).stderr.startswith(f"rtig: {page}: line 1: ")
    assert f"{kb}/kb.yaml:1:1: `name` is not a key" in run("explain", kb / "kb.yaml", "--kb", kb, code=1).stderr


def test_erase(log: Path, kb: Path) -> None:
    erased = parsed("erase", "doubled", "--log", log)
    assert erased["call_id"] == "doubled"
    assert erased["events"] > 5
    assert b"my bill has doubled" not in log.read_bytes()
    assert "has no call `doubled`" in run("erase", "doubled", "--log", log, code=1).stderr
    run("erase", "doubled", code=2)


def test_a_log_in_several_files_is_read_and_erased_as_one(log: Path, kb: Path) -> None:
    before = run("explain", "doubled", "--log", log, "--kb", kb).stdout
    split.settle(log, 2, lambda _: 1)
    assert run("explain", "doubled", "--log", log, "--kb", kb).stdout == before
    assert parsed("erase", "doubled", "--log", log)["events"] > 5
    assert b"my bill has doubled" not in split.file_of(log, 1).read_bytes()


# --- programs


def test_schemas_of_the_wire() -> None:
    assert json.loads(run("schema", "asyncapi").stdout)["asyncapi"].startswith("3.")
    assert "call_started" in run("schema", "events").stdout


def test_serve_says_which_setting_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RTIG_PING_INTERVAL", "-1")
    result = run("serve", code=1)
    assert "RTIG_PING_INTERVAL" in result.stderr
    assert "Traceback" not in result.stderr
    monkeypatch.delenv("RTIG_PING_INTERVAL")
    assert "no token is set" in run("serve", "--host", "0.0.0.0", code=1).stderr


def test_serve_says_what_is_wrong_in_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "rtig.toml"
    file.write_text('prot = 8601\n[serve]\nport = "x"\n')
    result = run("serve", code=1)
    assert "rtig.toml: `prot` is no setting; did you mean `port`?" in result.stderr
    assert "rtig.toml: `serve` is no setting" in result.stderr
    file.write_text("port = \n")
    result = run("serve", code=1)
    assert "rtig: rtig.toml is not TOML: Invalid value (at line 1, column 8)" in result.stderr
    assert "Traceback" not in result.stderr


def test_serve_names_variables_that_are_no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RTIG_SUPERVISER_TOKEN", "s3cret")
    result = run("serve", "--host", "0.0.0.0", code=1)
    assert "`RTIG_SUPERVISER_TOKEN` is no setting; did you mean `RTIG_SUPERVISOR_TOKEN`?" in result.stderr
    assert "s3cret" not in result.stderr


def test_serve_of_a_broken_knowledge_base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write(tmp_path / "kb", {"kb.yaml": "nam: x\n"})
    result = run("serve", "--kb", folder, "--log", "memory", "--port", 0, code=1)
    assert "kb.yaml:1:1: `nam` is not a key here" in result.stderr


@pytest.mark.process
def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "rtig", "version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{rtig.__version__}\n"
