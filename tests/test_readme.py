"""Every command of the README works as it stands there."""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import samples
from typer.testing import CliRunner

from rtig import cli, lane, script
from rtig.core import events
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.partition(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
LEFT_TO_CI = {"make demo", "make test"}
"""CI runs the second; the first is the demo, which tests/test_demo.py and the browser tests run."""
ALL = sorted(set(COMMANDS) - LEFT_TO_CI)
WANT_MEANING = ("rtig explain", "rtig kb lint", "rtig kb try")
"""Those that begin like this learn the sample meanings, each for as long as all others take together."""
BACKTEST = "rtig backtest knowledge_base changed knowledge_base/calls --no-meaning"

SECONDS = 100.0
"""How long a command may take on a machine that is busy with other things."""

new_reader = cache(lane.new_reader)


def run(command: str, folder: Path, *, serve: bool = False) -> "subprocess.CompletedProcess[str]":
    program, *arguments = shlex.split(command)
    assert program == "rtig", f"no test runs `{command}`"
    environment = {
        **os.environ,
        "RTIG_PORT": "0",
        "RTIG_LOG": "memory",
        "RTIG_KNOWLEDGE_BASE": str(ROOT / "knowledge_base"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "rtig", *arguments],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        if serve:
            assert process.stderr is not None
            first = process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            out, rest = process.communicate(timeout=SECONDS)
            return subprocess.CompletedProcess(command, process.returncode, out, first + rest)
        out, errors = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(command, process.returncode, out, errors)


async def log_a_call(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    call = CallKey("default", "c-80")
    await log.open(call)
    for event in (
        events.CallStarted(call_id="c-80"),
        events.SegmentHeard(call_id="c-80", segment_id="s", rev=1, party="customer", text="hello", final=True,
                            start_ms=900, end_ms=1_500),
        events.CallEnded(call_id="c-80", at_ms=4_000),
    ):  # fmt: skip
        await log.append(call, event).durable
    await log.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader may stand: the knowledge base and a changed one, recordings, a log, a table, labelled turns."""
    (tmp_path / "knowledge_base").symlink_to(ROOT / "knowledge_base")
    shutil.copytree(ROOT / "knowledge_base", tmp_path / "changed")
    coaching = tmp_path / "changed" / "triggers" / "coaching.yaml"
    coaching.write_text(coaching.read_text("utf-8").replace("mood: frustrated", "mood: tense", 1), "utf-8")
    (tmp_path / "articles.csv").write_text("title,body\nPaying by card,Take the *last four* digits.\n")
    asyncio.run(log_a_call(tmp_path / "rtig.db"))
    for name in ("train", "test"):
        turns = [("where is my parcel", "parcel"), ("my order has not come", "parcel"), ("pay my bill", "bill"),
                 ("how much do I owe", "bill"), ("thanks a lot", "thanks"), ("thank you", "thanks")]  # fmt: skip
        rows = (json.dumps({"text": text, "intent": intent}) for text, intent in turns)
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    call = samples.base().calls["bill-doubled"]
    words = [
        (e.event.start_ms / 1000, e.event.end_ms / 1000, e.event.text)
        for e in script.perform(call)
        if isinstance(e.event, events.SegmentHeard) and e.event.final
    ]
    lines = [
        f'{{"message":"AddTranscript","results":[],"metadata":{{"start_time":{a},"end_time":{b},"transcript":"{text}"}}}}'
        for a, b, text in words
    ]
    (tmp_path / "session.jsonl").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.process
@pytest.mark.parametrize("command", [one for one in ALL if not one.startswith(WANT_MEANING)])
def test_a_command_of_the_readme(command: str, folder: Path) -> None:
    done = run(command, folder, serve=command == "rtig serve")
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr
    if command == BACKTEST:
        [shown] = re.findall(r"^```\n(knowledge_base \(.*?)^    …$", README, re.DOTALL | re.MULTILINE)
        assert without_versions(done.stdout).startswith(without_versions(shown))


@pytest.mark.parametrize("command", [one for one in ALL if one.startswith(WANT_MEANING)])
def test_a_command_of_the_readme_that_wants_meaning(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, with one model for all: what it has learned it does not learn again."""
    monkeypatch.setattr(lane, "new_reader", new_reader)
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(cli.app, shlex.split(command)[1:])
    assert done.exit_code == 0, done.output
    assert done.output


def without_versions(text: str) -> str:
    """Each change of an article gives another."""
    return re.sub(r"\([0-9a-f]{12}\)", "", text)


def test_the_readme_names_the_two_commands_first() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]


def test_everything_that_the_readme_points_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []
