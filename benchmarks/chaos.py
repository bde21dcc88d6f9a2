"""What does a call notice when the process with the models is killed, or hangs?

The same calls three times, each in a fresh server with a log on disk: undisturbed, with `kill -9` of the model lane in
the midst, and with SIGSTOP, which leaves it there but mute. Sources send at a recogniser's rhythm whatever the server
does; a sidebar for every few calls and a board watch. Asked is: was a fragment acknowledged late, was a card lost, did
the board say that moods come from words alone, did readings come back?

A card is lost where the log gives it and the sidebar that watched the call was never told (in any play), or where it
rests on words alone and the undisturbed play had it. Cards that rest on a reading may come late or not at all while
there is nobody to read; they are counted.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import uvloop
from hdrh.histogram import HdrHistogram
from websockets.asyncio.client import ClientConnection

from benchmarks.latency import CALLS_A_SOURCE, greeted, percentiles
from benchmarks.servers import ROOT, TOKEN, Running, started
from benchmarks.traffic import Traffic, voice_calls
from rtig import knowledge
from rtig.core import engine
from rtig.core.events import UtteranceRead
from rtig.core.guidance import Card
from rtig.core.playbook import Playbook
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.gateway.doors import DEFAULT_TENANT
from rtig.wire.messages import (
    Ack,
    Board,
    Calls,
    Guided,
    Hello,
    LaneIs,
    Watch,
    WatchBoard,
    Welcome,
    decode_told,
    encode,
)

Fault = Literal["none", "kill", "stop"]
SIGNALS: dict[Fault, signal.Signals] = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
CALLS_A_SIDEBAR = 10
LEARNS_WITHIN_SECONDS = 120.0
SETTLE_SECONDS = 2.0
BUDGET_MS = 100.0
"""By how much the latest hundredth of the acknowledgements may come later than undisturbed: two shared cores are busy
while a new process learns."""

Name = tuple[str, str]
"""Of a card: its call and its id."""


def run(arguments: list[str]) -> int:
    """The suite's command line; 1 where something was late or lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks chaos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=200, help="simultaneous calls (%(default)s)")
    parser.add_argument("--seconds", type=float, default=50.0, help="that each play takes (%(default)s)")
    parser.add_argument("--fault-at", type=float, default=12.0, help="seconds after its begin (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    folder = ROOT / "knowledge_base"
    traffic = voice_calls(folder, asked.calls, asked.seconds, min(5.0, asked.seconds / 4), asked.seed, "chaos")
    plays = {}
    for fault in ("none", *SIGNALS):
        _say(f"{traffic.fragments} fragments of {asked.calls} calls; the model lane: {fault}")
        plays[fault] = play(folder, traffic, fault, asked.fault_at)
    report = reported(asked.calls, traffic, plays)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 0 if report["passed"] else 1


class Play:
    """What one play has shown. Times are seconds after its begin; 0 where it has not been seen."""

    def __init__(self) -> None:
        self.acks = HdrHistogram(1, 60_000_000, 3)
        self.acks_after = HdrHistogram(1, 60_000_000, 3)
        """Of fragments after the fault, or after the time when the others have theirs; in µs."""
        self.unacknowledged = 0
        self.told: dict[str, dict[str, Card]] = {}
        """Cards of watched calls as their sidebars had them last."""
        self.logged: dict[Name, Card] = {}
        """Confirmed cards of all calls, as the log gives them."""
        self.untold: list[Name] = []
        self.readings = 0
        self.down_seen = 0.0
        self.on_again = 0.0
        self.readings_resumed = False
        self.words_alone: list[int] = []
        self.words_and_model: list[int] = []
        """Live rows of the board of each kind, every half second from the fault on until the lane was on again."""
        self.begun = 0.0
        self.fault = 0.0
        self.ended_ms = 0.0
        """Unix time; the sidebars have been told whatever the log has had until then."""
        self.memory_mb = 0.0
        """By which the server's resident memory had grown at the end, since the first call."""


def play(knowledge_base: Path, traffic: Traffic, fault: Fault, fault_at: float) -> Play:
    """Play the traffic into a fresh server, and do this to its model lane."""
    made = Play()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "calls.db"
        with started("rtig-with-lane", str(file), knowledge_base) as server:
            uvloop.run(_played(server, traffic, fault, fault_at, made))
        asyncio.run(_looked_at(file, knowledge.compile_folder(knowledge_base), traffic, made))
    return made


def lane_of(server: Running) -> int:
    """The process id of a server's model lane. Raises `ProcessLookupError`."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(file.read_text().rpartition(")")[2].split()[1])
            if parent == server.process.pid and b"rtig.lane" in (file.parent / "cmdline").read_bytes():
                return int(file.parent.name)
    raise ProcessLookupError("the server has no model lane")


async def _played(server: Running, traffic: Traffic, fault: Fault, fault_at: float, made: Play) -> None:
    board = await greeted(server.url, Hello(role="supervisor", token=TOKEN))
    await board.send(encode(WatchBoard()).decode())
    screen = _Board(made)
    tasks = [asyncio.create_task(screen.watch(board))]
    async with asyncio.timeout(LEARNS_WITHIN_SECONDS):
        await screen.on.wait()
    lines = range(0, traffic.lines, CALLS_A_SIDEBAR)
    sidebars = [await greeted(server.url, Hello(role="agent", token=TOKEN, agent=f"desk-{n}")) for n in lines]
    count = (traffic.lines + CALLS_A_SOURCE - 1) // CALLS_A_SOURCE
    sources = [await greeted(server.url, Hello(role="source", token=TOKEN, source=f"source-{n}")) for n in range(count)]
    due: list[list[float]] = [[] for _ in sources]
    acknowledged = [0] * count
    made.begun = time.perf_counter()

    async def acknowledge(number: int) -> None:
        async for frame in sources[number]:
            if isinstance(decode_told(frame), Ack):
                since = due[number][acknowledged[number]]
                acknowledged[number] += 1
                took = max(1, int((time.perf_counter() - since) * 1e6))
                (made.acks_after if since - made.begun >= fault_at else made.acks).record_value(took)

    tasks += [asyncio.create_task(acknowledge(number)) for number in range(count)]
    tasks += [asyncio.create_task(_watch(sidebar, made)) for sidebar in sidebars]
    tasks.append(asyncio.create_task(screen.look()))
    memory = _resident_mb(server)
    faults = asyncio.create_task(_do(server, fault, fault_at, made))
    for one in traffic.sent:
        await asyncio.sleep(max(0.0, made.begun + one.at - time.perf_counter()))
        number = traffic.line_of[one.call] // CALLS_A_SOURCE
        due[number].append(made.begun + one.at)
        await sources[number].send(one.frame)
    await faults
    await asyncio.sleep(SETTLE_SECONDS / 2)
    made.ended_ms = time.time() * 1000
    await asyncio.sleep(SETTLE_SECONDS / 2)
    made.unacknowledged = len(traffic.sent) - sum(acknowledged)
    made.memory_mb = _resident_mb(server) - memory
    await asyncio.gather(*(one.close() for one in (board, *sidebars, *sources)))
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def _do(server: Running, fault: Fault, at: float, made: Play) -> None:
    await asyncio.sleep(max(0.0, made.begun + at - time.perf_counter()))
    made.fault = time.perf_counter()
    if fault != "none":
        os.kill(lane_of(server), SIGNALS[fault])


async def _watch(sidebar: ClientConnection, made: Play) -> None:
    """Watch every call of an agent, one after another, and keep its cards."""
    async for frame in sidebar:
        match decode_told(frame):
            case Calls(calls=calls):
                for call in calls:
                    if call.call_id not in made.told:
                        made.told[call.call_id] = {}
                        await sidebar.send(encode(Watch(call_id=call.call_id)).decode())
            case Guided(call_id=call_id, items=items):
                made.told[call_id].update({item.id: item for item in items if isinstance(item, Card)})


class _Board:
    """A supervisor's screen: the lane's state, and what each row's mood rests on."""

    def __init__(self, made: Play) -> None:
        self.on = asyncio.Event()
        self._made = made
        self._rows: dict[str, str] = {}

    async def watch(self, board: ClientConnection) -> None:
        async for frame in board:
            match decode_told(frame):
                case Welcome(lane=state) | LaneIs(state=state):
                    self._became(state)
                case Board(rows=rows, gone=gone):
                    self._rows |= {row.call_id: row.reading for row in rows}
                    for call_id in gone:
                        self._rows.pop(call_id, None)

    def _became(self, state: str) -> None:
        made, now = self._made, time.perf_counter()
        if state == "on":
            self.on.set()
        if made.fault and state == "down" and not made.down_seen:
            made.down_seen = now - made.begun
        if made.down_seen and state == "on" and not made.on_again:
            made.on_again = now - made.begun

    async def look(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            made = self._made
            if made.fault and not made.on_again:
                made.words_alone.append(sum(reading == "words" for reading in self._rows.values()))
                made.words_and_model.append(sum(reading != "words" for reading in self._rows.values()))


async def _looked_at(file: Path, playbook: Playbook, traffic: Traffic, made: Play) -> None:
    """What the log says: all cards, whether each watched one was told as it is, and readings since the fault."""
    log = await SqliteLog.open_file(file, read_only=True)
    try:
        for call_id in traffic.call_ids:
            records = [one async for one in log.read(CallKey(DEFAULT_TENANT, call_id))]
            reads = [one.at for one in records if isinstance(one.event, UtteranceRead)]
            made.readings += len(reads)
            wall = time.time() - time.perf_counter()  # the log has Unix time
            made.readings_resumed |= any(
                made.on_again and at / 1000 >= wall + made.begun + made.on_again for at in reads
            )
            cards: dict[str, Card] = {}
            by_the_end: dict[str, Card] = {}
            for record, folded in zip(
                records, engine.replay(playbook, call_id, (one.event for one in records)), strict=True
            ):
                cards |= {item.id: item for item in folded.guidance if isinstance(item, Card)}
                if record.at <= made.ended_ms:
                    by_the_end = dict(cards)
            made.logged |= {(call_id, card.id): card for card in cards.values() if card.state == "confirmed"}
            if call_id in made.told:
                told = made.told[call_id]
                made.untold += [
                    (call_id, name) for name, card in by_the_end.items() if told.get(name) not in (card, cards[name])
                ]
    finally:
        await log.close()


def _rests_on_words(card: Card) -> bool:
    return card.why.score is None


def reported(calls: int, traffic: Traffic, plays: dict[Fault, Play]) -> dict[str, Any]:
    """All of it as one object; `passed` says whether nothing was late or lost, and all came back."""
    calm = plays["none"]
    words = {name for name, card in calm.logged.items() if _rests_on_words(card)}
    report: dict[str, Any] = {
        "calls": calls,
        "fragments": traffic.fragments,
        "cards": len(calm.logged),
        "cards_from_words": len(words),
        "budget_ms": BUDGET_MS,
    }
    passed = True
    for fault, made in plays.items():
        late = (_p99(made.acks_after) - _p99(calm.acks_after)) / 1000
        told: dict[str, Any] = {
            "ack_before": percentiles(made.acks),
            "ack_after": percentiles(made.acks_after),
            "later_p99_ms": round(late, 1),
            "unacknowledged": made.unacknowledged,
            "untold": len(made.untold),
            "cards_lost": len(words - made.logged.keys()),
            "cards_from_readings_missing": len(calm.logged.keys() - words - made.logged.keys()),
            "readings": made.readings,
            "memory_mb": round(made.memory_mb, 1),
        }
        passed &= not (told["unacknowledged"] or told["untold"] or told["cards_lost"]) and late <= BUDGET_MS
        if fault in SIGNALS:
            since = made.fault - made.begun
            told |= {
                "board_said_down_after_s": round(made.down_seen - since, 2) if made.down_seen else None,
                "on_again_after_s": round(made.on_again - since, 2) if made.on_again else None,
                "readings_resumed": made.readings_resumed,
                "rows_from_words_alone": max(made.words_alone, default=0),
                "rows_median": statistics.median(
                    a + b for a, b in zip(made.words_alone or [0], made.words_and_model or [0], strict=True)
                ),
            }
            passed &= bool(made.down_seen and made.on_again and made.readings_resumed)
        report[fault] = told
    report["passed"] = passed
    return report


def _p99(histogram: Any) -> int:
    value: int = histogram.get_value_at_percentile(99)
    return value


def _resident_mb(server: Running) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


def _rows(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for fault in ("none", *SIGNALS):
        yield fault, report[fault]


def _print(report: dict[str, Any]) -> None:
    _say(f"{report['calls']} calls, {report['fragments']} fragments, {report['cards']} cards undisturbed")
    for fault, told in _rows(report):
        print(f"the model lane: {fault}", file=sys.stderr)
        for name, value in told.items():
            print(f"  {name:30} {value}", file=sys.stderr)
    print("passed" if report["passed"] else "FAILED", file=sys.stderr)


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
