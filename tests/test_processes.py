"""Processes are begun beside the loop, run this rtig, and are not left behind."""

import asyncio
import subprocess
from pathlib import Path

import pytest

import rtig
from rtig import processes


async def test_what_is_run_is_this_rtig_wherever_the_server_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "rtig"
    other.mkdir()
    (other / "__init__.py").write_text("__version__ = 'another'")
    (other / "__main__.py").write_text("print('another')")
    monkeypatch.chdir(tmp_path)
    process = await processes.begun("rtig", "version")
    assert process.stdout is not None
    with process.stdout as said:
        told = await asyncio.to_thread(said.read)
    processes.end(process)
    assert told.decode().strip() == rtig.__version__


async def test_one_that_nobody_waits_for_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    begin = processes._begin

    def noted(module: str, arguments: tuple[str, ...], stdin: int) -> "subprocess.Popen[bytes]":
        begun.append(begin(module, arguments, stdin))
        return begun[0]

    monkeypatch.setattr(processes, "_begin", noted)
    waiting = asyncio.create_task(processes.begun("rtig.lane", stdin=subprocess.PIPE))
    await asyncio.sleep(0)  # it is being begun
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert [process.returncode for process in begun] == [-9]
    assert all(pipe is None or pipe.closed for process in begun for pipe in (process.stdin, process.stdout))
