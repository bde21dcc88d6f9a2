"""A worker that is killed while calls go on, again and again: nothing acknowledged is lost, nothing is there twice.

`RTIG_CRASH_ROUNDS` says how often one is killed.
"""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
import samples
from plays import PATIENCE_SECONDS, SPEED, WINDOW, Server, Sidebar, calls_of, check_log, check_screens, read

from rtig.client import Source
from rtig.eventlog import split
from rtig.script import Scheduled

ROUNDS = int(os.environ.get("RTIG_CRASH_ROUNDS", "4"))
EVENTS_A_ROUND = 250
SOURCES = 3
SIDEBARS = 4


class Feed:
    """A source with some of the calls."""

    def __init__(self, url: str, name: str, calls: list[Scheduled]) -> None:
        self.refused: list[str] = []
        self.sent = asyncio.Event()
        self._calls = calls
        self._source = Source(
            url, "", name, window=WINDOW, first_delay=0.02, longest_delay=0.1,
            on_refused=lambda call_id, name, reason: self.refused.append(str(reason)),
        )  # fmt: skip

    async def run(self, marks: dict[int, asyncio.Event]) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        async with self._source:
            for number, scheduled in enumerate(self._calls):
                await asyncio.sleep(max(0.0, began + scheduled.at_ms / 1000 / SPEED - clock()))
                await self._source.send(scheduled.event)
                if number in marks:
                    marks[number].set()
            await self._source.drained()


@pytest.mark.process
@pytest.mark.timeout(60 + 15 * ROUNDS)
async def test_a_worker_that_is_killed_again_and_again_loses_and_repeats_nothing(tmp_path: Path) -> None:
    rng = random.Random(ROUNDS)
    calls = calls_of(EVENTS_A_ROUND * (ROUNDS + 1))
    ids = sorted({scheduled.event.call_id for scheduled in calls})
    server = Server(tmp_path, workers=2)
    feeds = [
        Feed(server.url, f"source-{n}", [one for one in calls if ids.index(one.event.call_id) % SOURCES == n])
        for n in range(SOURCES)
    ]
    sidebars = [Sidebar(server.url, None, owed_is_known=False) for _ in range(SIDEBARS)]
    stretch = len(calls) // SOURCES // (ROUNDS + 1)
    marks = {number * stretch + rng.randint(0, stretch // 2): asyncio.Event() for number in range(ROUNDS)}
    try:
        await server.start()
        await server.serving()
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(sidebar.run()) for sidebar in sidebars]
            feeding = [tasks.create_task(feed.run(marks if feed is feeds[0] else {})) for feed in feeds]
            for round_number, mark in enumerate(marks.values()):
                await mark.wait()
                await server.kill_worker(1 + round_number % 2)
            async with asyncio.timeout(PATIENCE_SECONDS + len(calls) / 100):
                await asyncio.gather(*feeding, *(sidebar.until_all_ended(len(ids)) for sidebar in sidebars))
            for task in watching:
                task.cancel()
        assert await server.end(signal.SIGTERM) == 0
    finally:
        await server.aclose()
    assert [feed.refused for feed in feeds] == [[]] * SOURCES
    assert any(sidebar.resumed for sidebar in sidebars)
    assert [file.name for file in split.files(server.log)] == ["calls.db", "calls.db.2"]
    log = await read(server.log, ids)
    check_log(calls, log)
    for sidebar in sidebars:
        check_screens(samples.playbook(), sidebar.screens, log)
