"""What does this project add to a socket: CPU time for a message, without the fold?

The same fragments of calls, as many a second over as many connections, to five servers in turns: an echo through
`websockets`' own server on uvloop (what most would take), an echo through rtig's socket, and rtig without its fold: the
message decoded, permitted, masked, put into the log, told to whoever listens, acknowledged. Once with nobody watching,
once with a sidebar for each call, once with the log on disk as well. The load is open loop and far from what a server
can take, for a server that is never idle does many messages at a time and costs half as much for each.

`parts` are the same steps alone, in this process and with warm caches: what they cost beside one another, not in a
server, where each takes two or three times as long.
"""

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import uvloop
from msgspec.structs import replace
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.measuring import timed
from benchmarks.wire_load import Connection, at_rate, masked, sources, spoken, watchers
from benchmarks.wire_servers import KNOWLEDGE, Served, served, unfolded
from rtig.core import engine
from rtig.core.events import SegmentHeard, encode, key
from rtig.core.playbook import Playbook, Source
from rtig.core.redaction import redacted
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey, Position
from rtig.gateway import watching
from rtig.gateway.outbox import Outbox
from rtig.gateway.socket import framed
from rtig.live import Update
from rtig.wire import messages
from rtig.wire.messages import Ack, Hello
from rtig.wire.session import Credential, Session

SETTLE_SECONDS = 0.5
"""How long answers may take after the last message before they count as lost."""
WARM_UP = 0.2
"""Share of the messages that is sent before the measured ones."""
PASSES = 5


class Side(NamedTuple):
    name: str
    what: str
    server: Served
    watched: bool


class Played(NamedTuple):
    us: float
    lost: int
    superseded: int
    """Lines that a newer text of the same segment overtook in the server: it had two messages of a call at once."""


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where a message was not answered."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks wire", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=200, help="and as many connections (200)")
    parser.add_argument("--rate", type=float, default=2000, help="messages a second in all (2000)")
    parser.add_argument("--messages", type=int, help="of each call in each round (50)")
    parser.add_argument("--rounds", type=int, help="(5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    count, rounds = asked.messages or (10 if asked.quick else 50), asked.rounds or (2 if asked.quick else 5)

    heard = spoken(KNOWLEDGE, count + int(count * WARM_UP), asked.seed)
    done: dict[str, list[Played]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        in_memory = stack.enter_context(served("rtig"))
        on_disk = stack.enter_context(served("rtig", f"{folder}/calls.db"))
        sides = [
            Side("websockets", "echo", stack.enter_context(served("websockets")), False),
            Side("echo", "echo", stack.enter_context(served("echo")), False),
            Side("acknowledged", "rtig", in_memory, False),
            Side("watched", "rtig", in_memory, True),
            Side("logged", "rtig", on_disk, True),
        ]
        for number in range(rounds):
            for side in sides if number % 2 == 0 else sides[::-1]:
                print(f"== round {number + 1} of {rounds}: {side.name}", file=sys.stderr, flush=True)
                calls = [f"{side.name}-{number}-{call}" for call in range(asked.calls)]
                played = uvloop.run(_played(side, calls, heard, count, asked.rate))
                done.setdefault(side.name, []).append(played)
    report = _report(asked, rounds, done)
    report["parts"] = uvloop.run(_parts(heard))
    for name, value in report.items():
        print(f"{name:28} {value}", file=sys.stderr)
    if asked.json:
        print(json.dumps(report))
    return 1 if report["lost"] else 0


async def _played(side: Side, calls: Sequence[str], heard: Sequence[SegmentHeard], count: int, rate: float) -> Played:
    frames = [[masked(replace(event, call_id=call)) for event in heard] for call in calls]
    if side.what == "echo":
        connections = [await Connection.to(side.server.url) for _ in calls]
        screens = []
    else:
        connections = await sources(side.server.url, calls)
        screens = await watchers(side.server.url, calls) if side.watched else []
    warm_up = len(heard) - count
    await at_rate(connections, [own[:warm_up] for own in frames], rate)
    await asyncio.sleep(SETTLE_SECONDS)
    told, seen = (sum(one.count for one in each) for each in (connections, screens))
    before = side.server.cpu_us()
    await at_rate(connections, [own[warm_up:] for own in frames], rate)
    await asyncio.sleep(SETTLE_SECONDS)
    took = side.server.cpu_us() - before
    sent = count * len(calls)
    lost = sent - sum(one.count for one in connections) + told
    superseded = sent - sum(one.count for one in screens) + seen if screens else 0
    for connection in (*connections, *screens):
        connection.close()
    return Played(took / sent, lost, superseded)


def _report(asked: argparse.Namespace, rounds: int, done: dict[str, list[Played]]) -> dict[str, Any]:
    report: dict[str, Any] = {"calls": asked.calls, "rate": asked.rate, "rounds": rounds}
    for name, played in done.items():
        report[f"us_{name}"] = spread([one.us for one in played])
    for peer in ("echo", "websockets"):
        for name in ("acknowledged", "watched", "logged"):
            pairs = zip(done[name], done[peer], strict=True)
            report[f"{name}_over_{peer}"] = spread([one.us / other.us for one, other in pairs], 2)
    report["superseded"] = {name: sum(one.superseded for one in played) for name, played in done.items()}
    report["lost"] = sum(one.lost for played in done.values() for one in played)
    return report | {"python": platform.python_version(), "machine": platform.machine()}


def spread(figures: Sequence[float], digits: int = 1) -> list[float]:
    """Least, median, greatest."""
    each = sorted(figures)
    return [round(one, digits) for one in (each[0], statistics.median(each), each[-1])]


async def _parts(heard: Sequence[SegmentHeard]) -> dict[str, float]:
    """µs of each step, mean over the messages, the fastest of some passes."""
    call = CallKey("benchmark", heard[0].call_id)
    frames = [encode(event) for event in heard]
    playbook, begun = Playbook(Source(name="benchmark"), SentimentIntensityAnalyzer()), engine.begin(call.call_id)
    lines = [unfolded(playbook, begun, 1, event)[1] for event in heard]
    updates = [Update(call, Position(1, 1), items, 1, 2, 3, 4) for items in lines]
    told = [watching.live_frame(update, watching.watched(update)) for update in updates]
    session = Session(lambda _: Credential("benchmark", frozenset({"source"})), {"source": 1e9})
    session.hear(messages.encode(Hello(role="source")), 0.0)
    log, outbox, number = MemoryLog(), Outbox(1 << 20, 5.0), 0
    await log.open(call)

    def append(event: SegmentHeard) -> None:
        nonlocal number
        number += 1
        log.append(call, replace(event, rev=number))

    def acknowledge(event: SegmentHeard) -> bytes:
        return framed(messages.encode(Ack(call_id=call.call_id, key=key(event), epoch=1, seq=1)))

    def write(frame: bytes) -> None:
        outbox.put(frame, 0.0, ("line",), (("line",),))
        b"".join(outbox.take(65_536))

    def mean(step: Callable[[Any], Any], over: Sequence[Any]) -> float:
        return round(min(statistics.fmean(timed(step, over)[0]) for _ in range(PASSES)) / 1000, 2)

    return {
        "decode": mean(messages.decode, frames),
        "decode and session": mean(lambda frame: session.hear(frame, 0.0), frames),
        "redaction": mean(redacted, heard),
        "append": mean(append, heard),
        "acknowledgement": mean(acknowledge, heard),
        "guidance frame": mean(lambda update: watching.live_frame(update, watching.watched(update)), updates),
        "outbox": mean(write, told),
    }
