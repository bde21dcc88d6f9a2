"""How long from a fragment to its card?

Open loop: frames are sent when a recogniser would send them, whatever the server does, and timed from the moment at
which the sender had them due. Calls follow the sample scripts at a real recogniser's rhythm; one sidebar watches each.
In turns with it, in the same run, the floor: the same bytes at the same moments to an echo through the same server
stack. What the sender and two shared cores add is in both; the ratio is what rtig adds.

`fragment` is from sending to the guidance frame's arrival, `card` the same for frames that hold a card. The stages are
the server's own clock, from the first byte of the fragment to the finished frame that holds its card.
"""

import argparse
import asyncio
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import msgspec
import uvloop
from hdrh.histogram import HdrHistogram
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.servers import ROOT, TOKEN, Running, started
from benchmarks.traffic import Traffic, voice_calls
from rtig.core.guidance import Card, Line
from rtig.wire.messages import (
    SUBPROTOCOL,
    Ack,
    Calls,
    Guided,
    Hello,
    ServerMessage,
    Watch,
    Welcome,
    encode,
)

CALLS_A_SOURCE = 25
STAGES = ("decode_us", "append_us", "fold_us", "encode_us", "total_us")
SETTLE_SECONDS = 1.0
"""How long answers may take after the last frame before they count as lost."""

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


class Figures:
    """What one side has shown over all rounds; histograms in µs."""

    def __init__(self) -> None:
        self.fragment = _histogram()
        self.card = _histogram()
        self.stages = {stage: _histogram() for stage in STAGES}
        self.sent = 0
        self.lost = 0
        self.cpu_seconds = 0.0
        self.seconds = 0.0

    def took(self, histogram: Any, since: float, now: float) -> None:
        histogram.record_value(max(1, int((now - since) * 1e6)))


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks latency", description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100, help="simultaneous calls (100)")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured time of each round (20)")
    parser.add_argument("--rounds", type=int, default=2, help="floor and rtig in turns, so often (2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", choices=("sqlite", "memory"), default="sqlite", help="where rtig keeps the calls")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    seconds, rounds = (5.0, 1) if asked.quick else (asked.seconds, asked.rounds)

    rtig, floor = Figures(), Figures()
    for number in range(rounds):
        ramp = min(10.0, seconds / 2)
        traffic = voice_calls(
            ROOT / "knowledge_base", asked.calls, ramp + seconds, ramp, asked.seed + number, f"r{number}"
        )
        _say(f"round {number + 1} of {rounds}: {traffic.fragments} fragments of {asked.calls} calls; the floor")
        with started("echo") as server:
            uvloop.run(_echoed(server, traffic, floor))
        _say(f"round {number + 1} of {rounds}: rtig")
        with tempfile.TemporaryDirectory() as folder:
            log = "memory" if asked.log == "memory" else f"{folder}/calls.db"
            with started("rtig", log) as server:
                uvloop.run(guided(server, traffic, rtig))
    report = _report(asked.calls, asked.log, rtig, floor)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 1 if report["lost"] else 0


async def _echoed(server: Running, traffic: Traffic, floor: Figures) -> None:
    sources = [await connect(server.url, compression=None, max_queue=None) for _ in _sources(traffic)]
    due: list[list[float]] = [[] for _ in sources]
    answers = 0

    async def listen(number: int) -> None:
        nonlocal answers
        count = 0
        async for _ in sources[number]:
            floor.took(floor.fragment, due[number][count], time.perf_counter())
            count += 1
            answers += 1

    listening = [asyncio.create_task(listen(number)) for number in range(len(sources))]
    sent = await _send(server, sources, traffic, floor, lambda source, _, at: due[source].append(at))
    floor.lost += sent - answers
    await _closed(sources, listening)


async def guided(server: Running, traffic: Traffic, rtig: Figures) -> None:
    """Play the traffic into a server, with a sidebar for each line, and time what comes back."""
    sources = [
        await greeted(server.url, Hello(role="source", token=TOKEN, source=f"source-{number}"))
        for number in _sources(traffic)
    ]
    sidebars = [
        await greeted(server.url, Hello(role="agent", token=TOKEN, agent=f"desk-{line}"))
        for line in range(traffic.lines)
    ]
    due: dict[tuple[str, str, int], float] = {}
    unseen = {(traffic.call_ids[s.call], s.segment_id) for s in traffic.sent if s.final}
    acknowledged = 0

    async def acknowledge(source: ClientConnection) -> None:
        nonlocal acknowledged
        async for frame in source:
            acknowledged += isinstance(_decoder.decode(frame), Ack)

    async def watch(sidebar: ClientConnection) -> None:
        watching = ""
        async for frame in sidebar:
            now = time.perf_counter()
            message = _decoder.decode(frame)
            if isinstance(message, Calls) and message.calls and message.calls[0].call_id != watching:
                watching = message.calls[0].call_id
                await sidebar.send(encode(Watch(call_id=watching)).decode())
            if isinstance(message, Guided):
                see(message, now)

    def see(message: Guided, now: float) -> None:
        for item in message.items:
            if isinstance(item, Line):
                unseen.discard((item.call_id, item.segment_id))
                since = due.pop((item.call_id, item.segment_id, item.rev), None)
                if since is None or message.timing is None:
                    continue  # told as the past of a call, when the sidebar had just come
                rtig.took(rtig.fragment, since, now)
                if any(isinstance(other, Card) for other in message.items):
                    rtig.took(rtig.card, since, now)
                    for stage in STAGES:
                        rtig.stages[stage].record_value(max(1, getattr(message.timing, stage)))

    listening = [asyncio.create_task(acknowledge(source)) for source in sources]
    listening += [asyncio.create_task(watch(sidebar)) for sidebar in sidebars]

    def note(_: int, index: int, at: float) -> None:
        one = traffic.sent[index]
        if one.segment_id:
            due[traffic.call_ids[one.call], one.segment_id, one.rev] = at

    sent = await _send(server, sources, traffic, rtig, note)
    rtig.lost += (sent - acknowledged) + len(unseen)
    await _closed([*sources, *sidebars], listening)


async def _send(
    server: Running,
    sources: list[ClientConnection],
    traffic: Traffic,
    figures: Figures,
    note: Callable[[int, int, float], None],
) -> int:
    """Send every frame when it is due; the number of frames. `note` gets source, index and time before each."""
    cpu, begun = server.cpu_seconds(), time.perf_counter()
    for index, one in enumerate(traffic.sent):
        wait = begun + one.at - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
            at = time.perf_counter()  # the timer's own lateness is not the server's
        else:
            at = begun + one.at  # late because of what came before: that counts
        source = traffic.line_of[one.call] // CALLS_A_SOURCE
        note(source, index, at)
        await sources[source].send(one.frame)
    figures.sent += len(traffic.sent)
    figures.seconds += time.perf_counter() - begun
    figures.cpu_seconds += server.cpu_seconds() - cpu
    await asyncio.sleep(SETTLE_SECONDS)
    return len(traffic.sent)


async def greeted(url: str, hello: Hello, **more: Any) -> ClientConnection:
    """A connection that the server has welcomed; `more` is for `connect`."""
    connection = await connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, max_queue=None, **more)
    await connection.send(encode(hello).decode())
    assert isinstance(_decoder.decode(await connection.recv()), Welcome)
    return connection


async def _closed(connections: list[ClientConnection], listening: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*(connection.close() for connection in connections))
    await asyncio.gather(*listening)


def _sources(traffic: Traffic) -> range:
    return range((traffic.lines + CALLS_A_SOURCE - 1) // CALLS_A_SOURCE)


def _histogram() -> Any:
    return HdrHistogram(1, 60_000_000, 3)


def percentiles(histogram: Any) -> dict[str, int]:
    return {
        name: histogram.get_value_at_percentile(share)
        for name, share in (("p50_us", 50), ("p95_us", 95), ("p99_us", 99), ("p999_us", 99.9))
    }


def _report(calls: int, log: str, rtig: Figures, floor: Figures) -> dict[str, Any]:
    answered, echoed = percentiles(rtig.fragment), percentiles(floor.fragment)
    return {
        "calls": calls,
        "rate": round(rtig.sent / rtig.seconds, 1),
        **answered,
        **{f"floor_{name}": value for name, value in echoed.items()},
        "ratio_p50": round(answered["p50_us"] / echoed["p50_us"], 2),
        "ratio_p99": round(answered["p99_us"] / echoed["p99_us"], 2),
        "lost": rtig.lost + floor.lost,
        "cards": rtig.card.get_total_count(),
        "card": percentiles(rtig.card),
        "stages": {stage.removesuffix("_us"): percentiles(h) for stage, h in rtig.stages.items()},
        "cpu_us_per_message": round(rtig.cpu_seconds / rtig.sent * 1e6, 1),
        "floor_cpu_us_per_message": round(floor.cpu_seconds / floor.sent * 1e6, 1),
        "log": log,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _print(report: dict[str, Any]) -> None:
    print(f"{report['calls']} calls, {report['rate']} messages/s, log: {report['log']}; all in µs", file=sys.stderr)
    rows = [("echo floor", {k.removeprefix("floor_"): v for k, v in report.items() if k.startswith("floor_p")})]
    rows += [("fragment to guidance", report), ("fragment to card", report["card"])]
    rows += [(f"  card: {stage}", figures) for stage, figures in report["stages"].items()]
    print(f"{'':24}{'p50':>10}{'p95':>10}{'p99':>10}{'p99.9':>10}", file=sys.stderr)
    for name, figures in rows:
        print(
            f"{name:24}" + "".join(f"{figures[p]:>10}" for p in ("p50_us", "p95_us", "p99_us", "p999_us")),
            file=sys.stderr,
        )
    print(
        f"p99 is {report['ratio_p99']} times the floor's; CPU a message {report['cpu_us_per_message']} µs, "
        f"the floor's {report['floor_cpu_us_per_message']}; {report['cards']} cards; lost: {report['lost']}",
        file=sys.stderr,
    )


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
