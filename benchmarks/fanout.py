"""What does it cost to tell one call to many who watch it, and how late is the last of them?

One source, and 1 to 1,000 sidebars on its call. Each fragment is sent when everyone has heard the one before. In turns
with it, in the same run, the same fragments to as many connections through `websockets.broadcast`, the quickest way
that package has. Both servers run on uvloop; rtig's is the whole server without its fold, so its acknowledgement and
its log in memory are in the figure.
"""

import argparse
import asyncio
import json
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import uvloop
from msgspec.structs import replace

from benchmarks.wire import spread
from benchmarks.wire_load import Connection, masked, sources, spoken, watchers
from benchmarks.wire_servers import KNOWLEDGE, Served, served
from rtig.core.events import SegmentHeard

WATCHERS = (1, 10, 100, 1000)
DELIVERIES = 20_000
"""Of each measurement: with few watchers there are more fragments, up to `FRAGMENTS`."""
FRAGMENTS = 1000
WARM_UP = 20


class Told(NamedTuple):
    us: float
    """Server's CPU for each fragment and watcher."""
    ms_to_last: float
    """From sending a fragment until the last of them had it, median; half of that is their own process."""


def run(arguments: list[str]) -> int:
    """The sub-suite's command line. A fragment that does not reach everyone ends it with an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fanout", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--watchers", default=",".join(map(str, WATCHERS)), help="(1,10,100,1000)")
    parser.add_argument("--rounds", type=int, help="(5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="two rounds with a quarter of the fragments")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    rounds = asked.rounds or (2 if asked.quick else 5)
    counts = sorted(int(count) for count in asked.watchers.split(","))

    heard = spoken(KNOWLEDGE, FRAGMENTS + WARM_UP, asked.seed)
    done: dict[int, dict[str, list[Told]]] = {count: {"rtig": [], "broadcast": []} for count in counts}
    with served("rtig") as rtig, served("broadcast") as broadcast:
        sides = [("rtig", rtig), ("broadcast", broadcast)]
        for number in range(rounds):
            for count in counts:
                fragments = fragments_for(count) // (4 if asked.quick else 1)
                for name, server in sides if number % 2 == 0 else sides[::-1]:
                    print(f"== round {number + 1} of {rounds}: {name}, {count} watchers", file=sys.stderr, flush=True)
                    call = f"{name}-{number}-{count}"
                    told = uvloop.run(_told(name, server, call, heard[: max(5, fragments) + WARM_UP], count))
                    done[count][name].append(told)
    report = _report(rounds, done)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 0


def fragments_for(watchers: int) -> int:
    return min(FRAGMENTS, DELIVERIES // watchers)


async def _told(name: str, server: Served, call: str, heard: Sequence[SegmentHeard], count: int) -> Told:
    if name == "rtig":
        [source] = await sources(server.url, [call])
        screens = await watchers(server.url, [call] * count)
    else:
        source = await Connection.to(server.url)
        screens = [await Connection.to(server.url) for _ in range(count)]
    everyone = Everyone([source, *screens])
    frames = [masked(replace(event, call_id=call)) for event in heard]
    for frame in frames[:WARM_UP]:
        await everyone.hear(source, frame)
    before = server.cpu_us()
    late = [await everyone.hear(source, frame) for frame in frames[WARM_UP:]]
    took = server.cpu_us() - before
    for connection in (source, *screens):
        connection.close()
    return Told(took / len(late) / count, statistics.median(late) * 1000)


class Everyone:
    """Connections that all get one message for each that is sent."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections
        self._missing = 0
        self._all: asyncio.Future[None] | None = None
        for connection in connections:
            connection.heard = self._heard

    async def hear(self, source: Connection, frame: bytes) -> float:
        """Seconds until the last had it."""
        self._missing = len(self._connections)
        self._all = asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        source.send(frame)
        await asyncio.wait_for(self._all, timeout=30)
        return time.perf_counter() - begun

    def _heard(self, count: int) -> None:
        self._missing -= count
        if not self._missing and self._all is not None:
            self._all.set_result(None)


def _report(rounds: int, done: dict[int, dict[str, list[Told]]]) -> dict[str, Any]:
    report: dict[str, Any] = {"rounds": rounds}
    for count, sides in done.items():
        rtig, broadcast = sides["rtig"], sides["broadcast"]
        report[str(count)] = {
            "us": spread([one.us for one in rtig]),
            "broadcast_us": spread([one.us for one in broadcast]),
            "ratio": spread([one.us / other.us for one, other in zip(rtig, broadcast, strict=True)], 2),
            "ms_to_last": spread([one.ms_to_last for one in rtig], 2),
            "broadcast_ms_to_last": spread([one.ms_to_last for one in broadcast], 2),
        }
    counts = sorted(done)
    most, fewer = counts[-1], next((count for count in counts if count >= 100), counts[0])
    pairs = zip(done[most]["rtig"], done[fewer]["rtig"], strict=True)
    # 1: each watcher costs the same, however many there are.
    report["growth"] = spread([one.us / other.us for one, other in pairs], 2)
    return report | {"python": platform.python_version(), "machine": platform.machine()}


def _print(report: dict[str, Any]) -> None:
    print(
        f"{'watchers':>9}{'µs each':>10}{'broadcast':>11}{'ratio':>8}{'ms to last':>12}{'broadcast':>11}",
        file=sys.stderr,
    )
    for count, row in report.items():
        if isinstance(row, dict):
            print(
                f"{count:>9}{row['us'][1]:>10}{row['broadcast_us'][1]:>11}{row['ratio'][1]:>8}"
                f"{row['ms_to_last'][1]:>12}{row['broadcast_ms_to_last'][1]:>11}",
                file=sys.stderr,
            )
    print(f"a watcher among the most costs {report['growth']} times one among a hundred", file=sys.stderr)
