"""Processes are begun beside the loop, run this rtig, and are not left behind."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import rtig
from rtig import processes
from rtig.processes import Companion

ECHO = (sys.executable, "-c", "import sys; [print(line, end='', flush=True) for line in sys.stdin]")


async def test_what_is_run_is_this_rtig_wherever_the_server_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "rtig"
    other.mkdir()
    (other / "__init__.py").write_text("__version__ = 'another'")
    (other / "__main__.py").write_text("print('another')")
    monkeypatch.chdir(tmp_path)
    process = await processes.begun(processes.command("rtig", "version"))
    assert process.stdout is not None
    with process.stdout as said:
        told = await asyncio.to_thread(said.read)
    processes.end(process)
    assert told.decode().strip() == rtig.__version__


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> "list[subprocess.Popen[bytes]]":
    """The processes that have been begun."""
    found: list[subprocess.Popen[bytes]] = []
    begin = processes._begin

    def noted(command: Sequence[str], stdin: int) -> "subprocess.Popen[bytes]":
        found.append(begin(command, stdin))
        return found[-1]

    monkeypatch.setattr(processes, "_begin", noted)
    return found


async def test_one_that_nobody_waits_for_any_more_is_ended(begun: "list[subprocess.Popen[bytes]]") -> None:
    waiting = asyncio.create_task(processes.begun(ECHO, subprocess.PIPE))
    await asyncio.sleep(0)  # it is being begun
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert [process.returncode for process in begun] == [-9]
    assert all(pipe is None or pipe.closed for process in begun for pipe in (process.stdin, process.stdout))


async def test_one_is_talked_with_until_it_is_told_no_more() -> None:
    echo = await Companion.begun(ECHO)
    for line in (b"one\n", b"two\n"):
        echo.stdin.write(line)
        await echo.stdin.drain()
        assert await echo.stdout.readline() == line
    assert [echo.returncode] == [None]
    echo.stdin.close()
    assert await echo.stdout.read() == b""
    await echo.wait()
    assert echo.returncode == 0
    echo.kill()  # it is gone, and that is all right


async def test_one_that_is_killed_takes_no_more() -> None:
    echo = await Companion.begun(ECHO)
    echo.kill()
    assert await echo.stdout.read() == b""

    async def ask() -> None:
        while True:
            echo.stdin.write(b"anybody?\n")
            await echo.stdin.drain()

    with pytest.raises(ConnectionError):
        await ask()
    await echo.wait()
    assert echo.returncode == -9


async def test_who_is_cancelled_twice_still_lets_go_of_it() -> None:
    echo = await Companion.begun(ECHO)
    waiting = asyncio.create_task(echo.ended())
    for _ in range(2):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert echo.returncode == -9
    assert all(pipe.is_closing() for pipe in echo._pipes)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_what_must_not_be_left_half_done_is_done_before_anybody_is_cancelled(times: int) -> None:
    go_on = asyncio.Event()
    waiting = asyncio.create_task(processes.to_its_end(go_on.wait()))
    for _ in range(times):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    go_on.set()
    await asyncio.wait([waiting])
    assert waiting.cancelled()


@pytest.mark.parametrize("after", range(8))
async def test_one_that_is_given_up_while_it_is_begun_is_ended(
    after: int, begun: "list[subprocess.Popen[bytes]]"
) -> None:
    waiting = asyncio.create_task(Companion.begun(ECHO))
    while not begun:
        await asyncio.sleep(0)
    for _ in range(after):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    if not waiting.cancelled():  # it was there already
        await waiting.result().ended()
    assert begun[0].returncode == -9
