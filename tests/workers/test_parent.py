"""The parent and its workers, as processes: they begin together, end together, and one that cannot begin ends all."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from desks import Client, welcomed
from plays import KNOWLEDGE, PATIENCE_SECONDS, Server, calls_of, check_log, read
from sockets import client

from rtig.client import Source
from rtig.core.guidance import Line
from rtig.errors import Code
from rtig.eventlog import split
from rtig.eventlog.port import Position
from rtig.wire.messages import Bye, CaughtUp, Guided

pytestmark = pytest.mark.process


def is_gone(pid: int) -> bool:
    """A process is no more, or is only still to be reaped by a parent that is not ours."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not done():
            await asyncio.sleep(0.01)


async def seen(watcher: Client, call_id: str, **more: Any) -> tuple[list[Guided], Position]:
    await watcher.say({"type": "watch", "call_id": call_id} | more)
    before = len(watcher.heard)
    caught_up = await watcher.until(CaughtUp)
    return [one for one in watcher.heard[before:] if isinstance(one, Guided)], Position(caught_up.epoch, caught_up.seq)


async def test_the_number_of_workers_may_change_between_starts(tmp_path: Path) -> None:
    calls = calls_of(400)
    ids = sorted({scheduled.event.call_id for scheduled in calls})
    parts = [calls[: len(calls) // 3], calls[len(calls) // 3 : 2 * len(calls) // 3], calls[2 * len(calls) // 3 :]]
    server = Server(tmp_path)
    positions: dict[str, Position] = {}
    told: dict[str, int] = dict.fromkeys(ids, 0)
    try:
        for workers, part in zip((2, 3, 1), parts, strict=True):
            server.workers = workers
            await server.start()
            await server.serving()
            async with Source(server.url, "", "one", window=64) as source:
                for scheduled in part:
                    await source.send(scheduled.event)
                await source.drained()
            async with client(server.url) as connection:
                agent = await welcomed(connection, "agent")
                for call_id in ids:
                    after = positions.get(call_id)
                    more = {"after": {"epoch": after.epoch, "seq": after.seq}} if after else {}
                    past, positions[call_id] = await seen(agent, call_id, **more)
                    assert all(after is None or one.seq > after.seq for one in past)
                    told[call_id] += sum(isinstance(i, Line) and i.final for one in past for i in one.items)
                assert await server.end(signal.SIGTERM) == 0
                assert (await agent.until(Bye)).code is Code.DRAINING
            assert len(split.files(server.log)) == workers
    finally:
        await server.aclose()
    assert {line["level"] for line in server.lines} == {"info"}
    log = await read(server.log, ids)
    check_log(calls, log)
    spoken = {call_id: set() for call_id in ids}  # type: ignore[var-annotated]
    for scheduled in calls:
        if getattr(scheduled.event, "final", False):
            spoken[scheduled.event.call_id].add(scheduled.event.segment_id)  # type: ignore[union-attr]
    assert all(told[call_id] >= len(segments) for call_id, segments in spoken.items())


async def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2)
    try:
        await server.start()
        await server.serving()
        pids = [server.worker(number) for number in (1, 2)]
        assert await server.end(signal.SIGKILL) == -signal.SIGKILL
        await until(lambda: all(map(is_gone, pids)))
    finally:
        await server.aclose()


async def run(program: str, folder: Path) -> tuple[int | None, list[dict[str, Any]], bytes]:
    """The exit code, what was logged, and what was printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", program),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"PYTHONPATH": str(KNOWLEDGE.parent)},
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        printed, told = await process.communicate()
    return process.returncode, [msgspec.json.decode(line) for line in told.splitlines()], printed


async def test_a_worker_that_cannot_begin_ends_all(tmp_path: Path) -> None:
    code, lines, printed = await run(
        """
import signal
from rtig.app import log_to_stderr
from rtig.errors import WorldError
from rtig.workers.parent import Workers

def work(work):
    if work.number:
        raise WorldError("There is no disk.")
    work.up()
    signal.sigwait([signal.SIGTERM])

log_to_stderr("info")
try:
    Workers(2, work, lambda: print("serving")).run()
except WorldError as error:
    print(error)
""",
        tmp_path,
    )
    assert (code, printed) == (0, b"A worker could not be started; the lines before this say why.\n")
    assert [(line["event"], line["worker"], line["problem"]) for line in lines] == [
        ("worker cannot serve", 2, "There is no disk.")
    ]


async def test_a_worker_that_ends_again_and_again_is_started_later_each_time(tmp_path: Path) -> None:
    code, lines, printed = await run(
        """
import os, signal
from rtig.app import log_to_stderr
from rtig.workers import parent

parent.FIRST_WAIT_SECONDS, parent.LONGEST_WAIT_SECONDS = 0.01, 0.03

def work(work):
    work.up()
    with open("lives", "a") as lives:
        lives.write("x")
    if os.path.getsize("lives") == 6:
        os.kill(os.getppid(), signal.SIGTERM)
        signal.sigwait([signal.SIGTERM])
    os._exit(3)

log_to_stderr("info")
parent.Workers(1, work, lambda: print("serving")).run()
""",
        tmp_path,
    )
    assert (code, printed) == (0, b"serving\n")
    assert [line["status"] for line in lines] == [3] * 5
    assert [line["again_after"] for line in lines] == [0.0, 0.01, 0.02, 0.03, 0.03]


async def test_a_port_that_is_taken_is_named_also_where_it_is_shared(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2)
    try:
        await server.start()
        await server.serving()
        code, _, printed = await run(
            f"""
from rtig.app import serve_workers
from rtig.config import Settings
from rtig.errors import WorldError
try:
    serve_workers(Settings(workers=2, port={server.port}, log="memory", knowledge_base="{KNOWLEDGE}"))
except WorldError as error:
    print(error)
""",
            tmp_path,
        )
        assert (code, printed.startswith(b"Cannot listen on 127.0.0.1 port")) == (0, True)
    finally:
        await server.aclose()
