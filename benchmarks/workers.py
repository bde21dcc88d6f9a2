"""What does a second worker cost, and how long is a call without guidance when its worker is killed?

Calls at a recogniser's rhythm, multiplexed sources, a sidebar for each call, and a log on disk. First the same load on
one worker and on two: what carrying messages between workers costs, in CPU time of the server for each message. Then
two workers, one of which is killed with SIGKILL in the midst of the calls, while sources and sidebars do what those of
anybody do (`rtig.client`): a call of the killed worker is without guidance from the kill until it is told of words
that were said after it.

Nothing may be lost or doubled: every event that was sent is in the logs once, no sidebar was told the same position
twice, and each shows every card as a replay of the log gives it. Late cards are shown here too (`RTIG_BUDGET_MS=0`).
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, cast

import uvloop
from msgspec.structs import replace

from benchmarks.latency import CALLS_A_SOURCE
from benchmarks.servers import ROOT, TOKEN, cpu_seconds
from benchmarks.traffic import Traffic, voice_calls
from rtig import knowledge, script
from rtig.client import Source, watch
from rtig.core import engine
from rtig.core.events import CallEnded, CallStarted, SegmentHeard, SourceEvent, decode, key
from rtig.core.guidance import Card
from rtig.core.playbook import Playbook
from rtig.eventlog import split
from rtig.eventlog.port import CallKey, Recorded
from rtig.eventlog.sqlite import SqliteLog
from rtig.gateway.doors import DEFAULT_TENANT
from rtig.wire.messages import Guided, Place, StartOver
from rtig.workers.routing import owner_of

WORKERS = 2
KILLED = 1
WINDOW = 10_000
"""Events that a source may have on their way: it goes on in its rhythm while a worker is away."""
FINISH_SECONDS = 300.0


def run(arguments: list[str]) -> int:
    """The suite's command line; 1 where something was lost or doubled, or a call was not guided again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks workers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=200, help="simultaneous calls (%(default)s)")
    parser.add_argument("--seconds", type=float, default=40.0, help="that each play takes (%(default)s)")
    parser.add_argument("--kill-at", type=float, default=20.0, help="seconds after the begin (%(default)s)")
    parser.add_argument(
        "--age", type=float, default=0.0, help="minutes that the calls have gone on before (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=2, help="of one worker and two in turns (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="fewer calls, one round")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    calls, seconds, kill_at, rounds = asked.calls, asked.seconds, asked.kill_at, asked.rounds
    if asked.quick:
        calls, seconds, kill_at, rounds = 60, 15.0, 6.0, 1
    cost = [costs(calls, seconds, asked.seed + number) for number in range(rounds)]
    _say(f"{calls} calls on {WORKERS} workers; worker {KILLED + 1} is killed after {kill_at:g} s")
    traffic = voice_calls(ROOT / "knowledge_base", calls, seconds, seconds / 8, asked.seed, "killed")
    made = killed(traffic, kill_at, asked.age, asked.seed)
    report = {"calls": calls, "seconds": seconds, "age_minutes": asked.age, "rounds": cost, **made.reported()}
    print(json.dumps(report, indent=None if asked.json else 1))
    return 0 if made.well else 1


class Fleet:
    """A server with its workers, and the lines of its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.url = ""
        """Once it serves."""
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        # All the time: a server whose lines nobody takes stands still as soon as the pipe is full.
        self._taking = Thread(target=self._take_lines, daemon=True)
        self._taking.start()

    def wait(self) -> int:
        """Wait until it has ended and its last line is taken; its exit code."""
        code = self.process.wait()
        self._taking.join()
        return code

    def _take_lines(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            self._lines.put(text)
        self._lines.put(None)

    def cpu_seconds(self) -> float:
        return sum(map(cpu_seconds, (self.process.pid, *self.workers())))

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def line(self, event: str) -> dict[str, Any]:
        """Wait for the next line of its log that says so."""
        while (text := self._lines.get()) is not None:
            line: dict[str, Any] = json.loads(text)
            if line["event"] == event:
                return line
        raise RuntimeError("the server has ended")


@contextlib.contextmanager
def serving(workers: int, log: str) -> Iterator[Fleet]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RTIG_")}
    environment |= {f"RTIG_{role}_TOKEN": TOKEN for role in ("SOURCE", "AGENT", "SUPERVISOR")}
    environment |= {
        "RTIG_MEANING": "off",
        "RTIG_BUDGET_MS": "0",
        "RTIG_RELOAD_SECONDS": "0",
        "RTIG_OTHER_MESSAGES_PER_SECOND": "1000",
        "RTIG_SOURCE_MESSAGES_PER_SECOND": "100000",  # what was said before the play is sent as fast as it is taken
    }
    command = [sys.executable, "-m", "rtig", "serve", "--port", "0", "--workers", str(workers), "--log", log]
    with subprocess.Popen(
        [*command, "--kb", str(ROOT / "knowledge_base")], stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        fleet = Fleet(process)
        try:
            fleet.url = f"ws{fleet.line('serving')['url'].removeprefix('http')}/ws"
            yield fleet
        finally:
            process.terminate()
            fleet.wait()


# What a second worker costs.


def costs(calls: int, seconds: float, seed: int) -> dict[str, Any]:
    """CPU µs of the server for each message that it takes, with one worker and with two, under the same load."""
    told: dict[str, Any] = {}
    for workers in (1, WORKERS):
        _say(f"{calls} calls on {workers} worker{'s' if workers > 1 else ''}")
        made = Made(voice_calls(ROOT / "knowledge_base", calls, seconds, seconds / 4, seed, f"w{workers}"))
        with tempfile.TemporaryDirectory() as folder, serving(workers, f"{folder}/calls.db") as server:
            uvloop.run(_played(server, made, None))
        told[f"cpu_us_{workers}"] = round(1e6 * made.cpu_seconds / len(made.traffic.sent), 1)
        told[f"lost_{workers}"] = made.unacknowledged
    told["cpu_us_more"] = round(told[f"cpu_us_{WORKERS}"] - told["cpu_us_1"], 1)
    return told


# A worker that is killed.


class Screen:
    """What a sidebar was told of a call."""

    def __init__(self) -> None:
        self.shown: dict[str, str] = {}
        """Cards by their last state."""
        self.after: Place | None = None
        self.doubled = 0
        self.told_after_kill = 0.0
        """When it was first told of words that were said after the kill; 0 before."""

    def put(self, told: Guided) -> None:
        if self.after is not None and told.seq <= self.after.seq:
            self.doubled += 1
        self.after = Place(told.epoch, told.seq)
        self.shown |= {item.id: item.state for item in told.items if isinstance(item, Card)}


class Made:
    """What the play has shown."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic
        self.screens = {call_id: Screen() for call_id in traffic.call_ids}
        self.before: dict[str, list[SourceEvent]] = {}
        """What had happened in calls before the play begins."""
        self.cpu_seconds = 0.0
        self.killed_at = 0.0
        self.serving_again = 0.0
        self.affected: set[str] = set()
        """Calls of the killed worker that were going on."""
        self.said_after: dict[str, float] = {}
        """When words of an affected call were first due after the kill."""
        self.unacknowledged = 0
        self.missing = 0
        self.twice = 0
        self.untold = 0
        self.started_over = 0

    @property
    def waits(self) -> list[float]:
        """Seconds without guidance, of the affected calls: from the first words after the kill to their guidance."""
        return sorted(
            self.screens[call].told_after_kill - at
            for call, at in self.said_after.items()
            if self.screens[call].told_after_kill
        )

    @property
    def well(self) -> bool:
        doubled = self.twice + sum(screen.doubled for screen in self.screens.values())
        return not (self.unacknowledged or self.missing or self.untold or doubled) and (
            len(self.waits) == len(self.said_after) > 0
        )

    def reported(self) -> dict[str, Any]:
        waits = self.waits
        return {
            "affected_calls": len(self.affected),
            "guided_again": len(waits),
            "of_those_that_spoke": len(self.said_after),
            "serving_again_s": round(self.serving_again - self.killed_at, 3),
            "without_guidance_s": {
                "p50": round(waits[len(waits) // 2], 3) if waits else None,
                "p90": round(waits[len(waits) * 9 // 10], 3) if waits else None,
                "max": round(waits[-1], 3) if waits else None,
            },
            "lost": self.unacknowledged + self.missing + self.untold,
            "lost_of": {"events": self.missing, "acknowledgements": self.unacknowledged, "cards": self.untold},
            "doubled": self.twice + sum(screen.doubled for screen in self.screens.values()),
            "started_over": self.started_over,
        }


def killed(traffic: Traffic, kill_at: float, age: float, seed: int) -> Made:
    made = Made(traffic)
    made.before = _before(traffic, age, seed)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls.db"
        with serving(WORKERS, str(log)) as server:
            uvloop.run(_played(server, made, kill_at))
        asyncio.run(_compared(log, knowledge.compile_folder(ROOT / "knowledge_base"), made))
    return made


async def _played(server: Fleet, made: Made, kill_at: float | None) -> None:
    """Play the traffic, and kill a worker on the way where a time is given."""
    traffic = made.traffic
    count = (traffic.lines + CALLS_A_SOURCE - 1) // CALLS_A_SOURCE
    begins = {one.call: one.at for one in reversed(traffic.sent)}
    async with contextlib.AsyncExitStack() as stack:
        sources = [
            await stack.enter_async_context(Source(server.url, TOKEN, f"source-{n}", window=WINDOW, first_delay=0.05))
            for n in range(count)
        ]
        await asyncio.gather(*(_send_before(source, made, number) for number, source in enumerate(sources)))
        watching = [
            asyncio.create_task(_watch(server.url, call_id, begins[number], made))
            for number, call_id in enumerate(traffic.call_ids)
        ]
        killing = asyncio.create_task(_kill(server, made, kill_at)) if kill_at is not None else None
        cpu = server.cpu_seconds()
        began = time.perf_counter()
        for one in traffic.sent:
            await asyncio.sleep(max(0.0, began + one.at - time.perf_counter()))
            call_id = traffic.call_ids[one.call]
            going_on = kill_at is not None and begins[one.call] < kill_at
            if made.killed_at and one.segment_id and _is_affected(call_id) and going_on:
                made.affected.add(call_id)
                made.said_after.setdefault(call_id, began + one.at)
            event = _later(cast(SourceEvent, decode(one.frame.encode())), made.before.get(call_id))
            await sources[traffic.line_of[one.call] // CALLS_A_SOURCE].send(event)
        made.cpu_seconds = server.cpu_seconds() - cpu
        if killing is not None:
            await killing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_SECONDS):
                await asyncio.gather(*(source.drained() for source in sources))
                await _all_told(made)
        made.unacknowledged = sum(source.unacknowledged for source in sources)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


def _before(traffic: Traffic, minutes: float, seed: int) -> dict[str, list[SourceEvent]]:
    """Of the first call of each line what was said before, sample calls one after the other."""
    rng = random.Random(seed)
    scripts = [one for one in knowledge.read(ROOT / "knowledge_base").calls.values() if one.channel == "voice"]
    before: dict[str, list[SourceEvent]] = {}
    for call_id, line in zip(traffic.call_ids, traffic.line_of, strict=True):
        begins = 0
        while minutes and call_id.endswith(f"-{line}-0") and begins < minutes * 60_000:
            said = before.setdefault(call_id, [CallStarted(call_id=call_id, agent=f"desk-{line}")])
            ends = begins
            for _, event in script.perform(rng.choice(scripts), call_id):
                if isinstance(event, SegmentHeard):
                    ends = max(ends, begins + event.end_ms)
                    name = f"{begins}-{event.segment_id}"
                    at = {"start_ms": begins + event.start_ms, "end_ms": begins + event.end_ms}
                    said.append(replace(event, segment_id=name, **at))
            begins = ends + 1_000
    return before


def _later(event: SourceEvent, before: list[SourceEvent] | None) -> SourceEvent:
    """An event of the play where it stands in a call in which others came before."""
    ends = before[-1] if before else None
    if not isinstance(ends, SegmentHeard):
        return event
    if isinstance(event, SegmentHeard):
        return replace(event, start_ms=ends.end_ms + event.start_ms, end_ms=ends.end_ms + event.end_ms)
    return replace(event, at_ms=ends.end_ms + event.at_ms) if isinstance(event, CallEnded) else event


async def _send_before(source: Source, made: Made, number: int) -> None:
    """What had happened in the calls of a source, as fast as the server takes it."""
    traffic = made.traffic
    for call_id, line in zip(traffic.call_ids, traffic.line_of, strict=True):
        if line // CALLS_A_SOURCE == number:
            for event in made.before.get(call_id, ()):
                await source.send(event)
    await source.drained()


def _is_affected(call_id: str) -> bool:
    return owner_of(DEFAULT_TENANT, call_id, WORKERS) == KILLED


async def _kill(server: Fleet, made: Made, at: float) -> None:
    await asyncio.sleep(at)
    (pid,) = [pid for pid in server.workers() if _number_of(pid) == KILLED]
    made.killed_at = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(server.line, "worker serving")
    made.serving_again = time.perf_counter()


def _number_of(pid: int) -> int:
    """A worker by the log that it has open."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if descriptor.readlink().name == f"calls.db.{KILLED + 1}":
                return KILLED
    return 0


async def _watch(url: str, call_id: str, at: float, made: Made) -> None:
    """A sidebar that watches a call from its begin on."""
    await asyncio.sleep(at)
    screen = made.screens[call_id]
    async for told in watch(url, TOKEN, call_id, role="agent", first_delay=0.05, longest_delay=1.0):
        if isinstance(told, StartOver):
            made.started_over += 1
            screen.shown.clear()
            screen.after = None
        elif isinstance(told, Guided):
            screen.put(told)
            if call_id in made.said_after and not screen.told_after_kill:
                screen.told_after_kill = time.perf_counter()


async def _all_told(made: Made) -> None:
    """Until nothing more comes."""
    before: list[Place | None] = []
    while before != (now := [screen.after for screen in made.screens.values()]):
        before = now
        await asyncio.sleep(1.0)


async def _compared(path: Path, playbook: Playbook, made: Made) -> None:
    """The logs with what was sent, and the sidebars with a replay of the logs."""
    kept: dict[str, list[Recorded]] = {call_id: [] for call_id in made.traffic.call_ids}
    for file in split.files(path):
        log = await SqliteLog.open_file(file, read_only=True)
        for call_id, records in kept.items():
            records += [one async for one in log.read(CallKey(DEFAULT_TENANT, call_id))]
        await log.close()
    sent: dict[str, Counter[str]] = {call_id: Counter() for call_id in kept}
    for one in made.traffic.sent:
        sent[made.traffic.call_ids[one.call]][key(decode(one.frame.encode()))] += 1
    for call_id, before in made.before.items():
        sent[call_id].update(map(key, before))
    for call_id, records in kept.items():
        there = Counter(key(one.event) for one in records)
        made.missing += len(sent[call_id].keys() - there.keys())
        made.twice += sum(number - 1 for number in there.values())
        replayed = engine.replay(playbook, call_id, (one.event for one in records))
        cards = {item.id: item.state for one in replayed for item in one.guidance if isinstance(item, Card)}
        told = made.screens[call_id].shown
        made.untold += sum(told.get(name) != state for name, state in cards.items())


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
