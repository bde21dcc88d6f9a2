"""Every command of the README works as it stands there."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rtig import knowledge, script
from rtig.core import events

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.partition(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
LEFT_TO_CI = {"make demo", "make test"}
"""CI runs the second; the first is the demo, which tests/test_demo.py and the browser tests run."""


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
            out, rest = process.communicate(timeout=20)
            return subprocess.CompletedProcess(command, process.returncode, out, first + rest)
        out, errors = process.communicate(timeout=50)
        return subprocess.CompletedProcess(command, process.returncode, out, errors)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader may stand: the knowledge base, and a recording of some session."""
    (tmp_path / "knowledge_base").symlink_to(ROOT / "knowledge_base")
    call = knowledge.read(ROOT / "knowledge_base").calls["bill-doubled"]
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
@pytest.mark.parametrize("command", sorted(set(COMMANDS) - LEFT_TO_CI))
def test_a_command_of_the_readme(command: str, folder: Path) -> None:
    done = run(command, folder, serve=command == "rtig serve")
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr


def test_the_readme_names_the_two_commands_first() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]


def test_everything_that_the_readme_points_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []
