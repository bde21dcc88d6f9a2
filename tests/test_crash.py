"""A server that is killed while calls go on, again and again, loses nothing that it acknowledged and repeats nothing.

`RTIG_CRASH_ROUNDS` says how often the server is killed.
"""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest
import samples
from plays import WINDOW, calls_of, check_log, check_screens, playing, read

from rtig.errors import Code

ROUNDS = int(os.environ.get("RTIG_CRASH_ROUNDS", "4"))
EVENTS_A_ROUND = 250
"""At least; so that every round has calls to interrupt, whatever the source has had to send again."""
IN_THE_MIDST_SECONDS = 0.03
"""From the event that was drawn to the kill, at most."""
STARTS_WITHIN_SECONDS = 1.2
"""Long enough that a server killed within it has sometimes served and sometimes not."""


@pytest.mark.process
@pytest.mark.timeout(40 + 15 * ROUNDS)
async def test_a_server_that_is_killed_again_and_again_loses_and_repeats_nothing(tmp_path: Path) -> None:
    rng = random.Random(ROUNDS)
    calls = calls_of(EVENTS_A_ROUND * (ROUNDS + 1))
    stretch = len(calls) // (ROUNDS + 1)
    async with playing(tmp_path, calls, random.Random(ROUNDS)) as play:
        server = play.server
        for number in range(ROUNDS):
            await play.until_sent(number * stretch + rng.randint(WINDOW, stretch))
            await asyncio.sleep(rng.uniform(0.0, IN_THE_MIDST_SECONDS))
            assert await play.end_server(signal.SIGKILL) == -signal.SIGKILL
            await server.start()
            if number % 2:
                await asyncio.sleep(rng.uniform(0.0, STARTS_WITHIN_SECONDS))
                assert await play.end_server(signal.SIGKILL) == -signal.SIGKILL
                await server.start()
            await server.serving()
        await play.finish()
        assert await server.end(signal.SIGTERM) == 0
    assert play.refused == []
    assert any(play.unacknowledged)
    sidebar = play.sidebar
    assert sidebar.resumed
    log = await read(server.log, play.ids)
    check_log(calls, log)
    check_screens(samples.playbook(), sidebar.screens, log)


@pytest.mark.process
async def test_a_server_that_is_asked_to_end_leaves_nobody_behind(tmp_path: Path) -> None:
    calls = calls_of(EVENTS_A_ROUND)
    async with playing(tmp_path, calls) as play:
        await play.until_sent(len(calls) // 2)
        asked = time.monotonic()
        assert await play.end_server(signal.SIGTERM) == 0
        assert time.monotonic() - asked < 4
        assert [(bye.code, bye.retry) for bye in play.sidebar.byes] == [(Code.DRAINING, True)]
        # What the sidebar had been told is on the disk, though its acknowledgement may have come too late.
        assert play.sidebar.owed == set()
        await play.server.start()
        await play.finish()
        assert await play.server.end(signal.SIGTERM) == 0
    assert play.refused == []
    assert (play.sidebar.started_over, play.sidebar.resumed) == (0, len(play.ids))
    assert {line["level"] for line in play.server.lines} == {"info"}
    log = await read(play.server.log, play.ids)
    check_log(calls, log)
    check_screens(samples.playbook(), play.sidebar.screens, log)
