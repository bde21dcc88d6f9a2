"""The suite about stalls: what is said of them is what went on, and a small run loses nothing."""

import asyncio
import json
import time

import pytest
import uvloop

from benchmarks import stall
from benchmarks.stall_server import MACHINE, THREADS, Notes


def work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_a_stall_is_noted_with_what_went_on() -> None:
    class Floor:
        def round(self) -> None:
            work(0.05)

    notes = Notes()
    notes.watch(Floor, "round", lambda *_: "the floor's round")

    async def held_up() -> None:
        beating = asyncio.create_task(notes.beat())
        await asyncio.sleep(0.02)
        Floor().round()
        await asyncio.sleep(0.02)
        beating.cancel()

    uvloop.run(held_up())
    report = notes.report()
    stalls = [one for one in report["stalls"] if "the floor's round" in one["causes"]]
    assert stalls
    assert max(one["causes"]["the floor's round"] for one in stalls) >= 50
    assert report["longest_cpu_ms"]["the floor's round"] >= 50
    assert report["turn_cpu_us"]["max"] >= 50_000
    assert report["lag_us"]["max"] >= 45_000


def test_a_wait_that_is_not_the_loops_is_said_to_be_another_ones() -> None:
    notes = Notes()
    now = time.perf_counter()
    notes._stalled(now - 0.1, now, 99.0, cpu=0.01, of_all=0.03)
    (one,) = notes.stalls
    assert one["causes"] == {MACHINE: pytest.approx(70, abs=1), THREADS: pytest.approx(20, abs=1)}


@pytest.mark.process
def test_a_small_run_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert stall.run(["--calls", "3", "--seconds", "10", "--triggers", "100", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["calls"], report["lost"]) == (3, 0)
    assert report["counted"]["fold of SegmentHeard"] > 0
    assert report["counted"]["all that follows from PlaybookChanged"] > 0
    assert report["longest_stall_ms"] > 0
