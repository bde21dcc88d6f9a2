"""Does one sidebar that stops reading change the others' p99?

The same load twice in turns, in a fresh server each: calls at a real recogniser's rhythm, each watched by a sidebar of
its own. The second time one more sidebar is there. It watches every call at once, reads until it has caught up, and
then reads no more; its socket takes only a few KiB. The server must hold what it does not read, and in the end close it
with `too_slow`. It comes back every few seconds and does the same again, in a process of its own, so that what it costs
the others it costs them through the server. Percentiles are medians over the rounds: what else the machine does
disturbs a single round more than one slow sidebar could.
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import uvloop
from websockets.exceptions import WebSocketException

from benchmarks.latency import Figures, greeted, percentiles
from benchmarks.load import Outcome, Plan, play
from benchmarks.servers import ROOT, TOKEN, Running, counted, started
from benchmarks.traffic import Shape
from rtig.wire.messages import Calls, CaughtUp, Hello, Watch, decode_told, encode

RAMP_SECONDS = 5.0
DEAF_SECONDS = 10.0
"""Longer than a server waits for a sidebar that does not read, and a little of peace after it."""
RECEIVE_BUFFER = 4096


class Cost:
    """What the rounds of one side have cost the server: resident memory before and after, in KiB, and more."""

    def __init__(self) -> None:
        self.before: list[int] = []
        self.after: list[int] = []
        self.outbox_bytes = 0
        self.closed = 0

    def count(self, server: Running, played: Outcome) -> None:
        """Take what the server itself has counted."""
        page = server.metrics()
        self.before.append(played.slices[0].server_rss_kib)
        self.after.append(played.slices[-1].server_rss_kib)
        self.outbox_bytes = max(self.outbox_bytes, round(counted(page, "rtig_outbox_largest_bytes")))
        self.closed += round(counted(page, 'rtig_connections_closed_total{code="too_slow"}'))


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where something was lost, or the slow sidebar was never closed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks slow_reader", description=__doc__.splitlines()[0])
    parser.add_argument("--sidebars", type=int, default=50, help="sidebars that read, and as many calls (50)")
    parser.add_argument(
        "--seconds", type=float, default=12.0, help="time of each side in each round, after a ramp (12)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="without and with it in turns, so often (5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)

    figures: dict[bool, list[Figures]] = {False: [], True: []}
    costs = {False: Cost(), True: Cost()}
    for number in range(asked.rounds):
        seconds = RAMP_SECONDS + asked.seconds
        seed = asked.seed + number
        shape = Shape(lines=asked.sidebars, seconds=seconds, ramp=RAMP_SECONDS, seed=seed, prefix=f"r{seed % 1000:03d}")
        # Each side goes first as often as the other.
        for slow in (False, True) if number % 2 == 0 else (True, False):
            what = "one does not read" if slow else "all read"
            print(f"== round {number + 1} of {asked.rounds}: {what}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder, started("rtig", f"{folder}/calls.db") as server:
                figures[slow].append(Figures())
                with _slow_sidebar(server) if slow else ExitStack():
                    played = play(server, Plan(url=server.url, shape=shape, slice_seconds=1.0))
                figures[slow][-1].add(played)
                costs[slow].count(server, played)
    report = _report(asked.sidebars, figures, costs)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 1 if report["lost"] or not report["closed"] else 0


@contextmanager
def _slow_sidebar(server: Running) -> Iterator[None]:
    """A process whose sidebar comes when the calls have begun, and again and again, until the block ends."""
    run_it = [sys.executable, "-m", "benchmarks.slow_reader", server.url]
    with subprocess.Popen(run_it, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.readline()  # its imports are no cost of the server
        try:
            yield
        finally:
            process.terminate()


async def _come_and_read_nothing(url: str) -> None:
    print("ready", flush=True)
    await asyncio.sleep(RAMP_SECONDS)
    while True:
        with suppress(OSError, WebSocketException):
            await _stop_reading(url)


async def _stop_reading(url: str) -> None:
    address = urlsplit(url)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (address.hostname, address.port))
    connection = await greeted(url, Hello(role="agent", token=TOKEN), sock=plain, ping_interval=None)
    missing: set[str] | None = None
    while missing is None or missing:
        message = decode_told(await connection.recv())
        if isinstance(message, Calls) and missing is None:
            missing = {call.call_id for call in message.calls}
            for call_id in missing:
                await connection.send(encode(Watch(call_id=call_id)).decode())
        elif isinstance(message, CaughtUp) and missing is not None:
            missing.discard(message.call_id)
    connection.transport.pause_reading()
    await asyncio.sleep(DEAF_SECONDS)
    connection.transport.abort()


def _report(sidebars: int, figures: dict[bool, list[Figures]], costs: dict[bool, Cost]) -> dict[str, Any]:
    plain, slow = (_medians(percentiles(one.fragment) for one in figures[side]) for side in (False, True))
    memory = {
        side: [round(statistics.mean(sizes)) for sizes in (cost.before, cost.after)] for side, cost in costs.items()
    }
    every = figures[False] + figures[True]
    return {
        "sidebars": sidebars,
        "rate": round(sum(one.sent for one in every) / sum(one.seconds for one in every), 1),
        **plain,
        **{f"{name.removesuffix('_us')}_with_us": value for name, value in slow.items()},
        "p99_us_of_rounds": [percentiles(one.fragment)["p99_us"] for one in figures[False]],
        "p99_with_us_of_rounds": [percentiles(one.fragment)["p99_us"] for one in figures[True]],
        "ratio_p50": round(slow["p50_us"] / plain["p50_us"], 2),
        "ratio_p99": round(slow["p99_us"] / plain["p99_us"], 2),
        "outbox_max_bytes": costs[True].outbox_bytes,
        "outbox_max_bytes_without": costs[False].outbox_bytes,
        "rss_kib_before": memory[True][0],
        "rss_kib_after": memory[True][1],
        "rss_kib_before_without": memory[False][0],
        "rss_kib_after_without": memory[False][1],
        "closed": costs[True].closed,
        "closed_without": costs[False].closed,
        "lost": sum(one.lost for one in every),
    }


def _medians(rounds: Iterable[dict[str, int]]) -> dict[str, int]:
    each = list(rounds)
    return {name: round(statistics.median(one[name] for one in each)) for name in each[0]}


def _print(report: dict[str, Any]) -> None:
    say = sys.stderr
    print(f"{report['sidebars']} sidebars that read, {report['rate']} messages/s; all in µs", file=say)
    print(f"{'':24}{'p50':>10}{'p95':>10}{'p99':>10}{'p99.9':>10}", file=say)
    for name, side in (("all read", ""), ("one does not", "_with")):
        values = "".join(f"{report[f'{p}{side}_us']:>10}" for p in ("p50", "p95", "p99", "p999"))
        print(f"{name:24}{values}", file=say)
    for name, side in (("all read", ""), ("one does not", "_with")):
        print(f"p99 of each round, {name}: {report[f'p99{side}_us_of_rounds']}", file=say)
    print(
        f"p99 is {report['ratio_p99']} times that without it. It was closed {report['closed']} times; at most "
        f"{report['outbox_max_bytes']} bytes waited for it.\nThe server's memory in KiB, from its coming to the end: "
        f"{report['rss_kib_before']} to {report['rss_kib_after']}; without it in the same time: "
        f"{report['rss_kib_before_without']} to {report['rss_kib_after_without']}. Lost: {report['lost']}",
        file=say,
    )


if __name__ == "__main__":
    uvloop.run(_come_and_read_nothing(sys.argv[1]))
