"""What does a live call hold, and what an idle connection?

A call: so many calls of ten minutes, of different dialogues, are folded by `LiveCalls` with the shipped knowledge base
and a log on disk. What the process has grown by is shared among them, and all that can be reached from a call and is
not the playbook's is added up by part, each object where it is met first.

A connection: 10,000 of them to a server in a process of its own, over loopback. Each has said one thing and heard one,
and is idle. In turns: rtig as it is served, to which each is an agent's sidebar; its socket alone, with an echo behind
it; and an echo through `websockets` with its own settings, once with compression and once without. rtig's socket never
compresses.
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any
from urllib.parse import urlsplit

import msgspec
import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from benchmarks.call_stream import TENANT, data_folder
from benchmarks.growth import Talk, talk_of
from benchmarks.phrases_data import ROOT
from benchmarks.servers import TOKEN, Running, started
from rtig import knowledge
from rtig.core.playbook import Playbook
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.live import LiveCalls
from rtig.wire.messages import SUBPROTOCOL, Hello, encode

MINUTES = 10
WARM_UP = 500
"""Connections before those that count: what a server makes once is made for them."""
AT_ONCE = 100
SERVERS = ("rtig", "echo", "websockets", "websockets-deflate")
SAYS = {
    "rtig": "rtig, an agent's sidebar",
    "echo": "its socket alone",
    "websockets": "websockets",
    "websockets-deflate": "websockets with compression",
}


def run(arguments: list[str]) -> int:
    """The sub-suite's command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, help="(50)")
    parser.add_argument("--connections", type=int, help="(10,000, or as many files as a process may have open)")
    parser.add_argument("--rounds", type=int, help="of connections (3)")
    parser.add_argument("--data", default="", help="folder with `star`, `harper_valley`, or `none`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="8 calls; one round of 2,000 connections")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    rounds = asked.rounds or (1 if asked.quick else 3)
    talk = talk_of(data_folder(asked.data), asked.seed)
    _say("calls")
    report: dict[str, Any] = {
        "call": uvloop.run(_calls(talk, asked.calls or (8 if asked.quick else 50))),
        "source": talk.source,
    }
    many = min(asked.connections or (2000 if asked.quick else 10_000), _files_at_most() - WARM_UP - 100)
    kib: dict[str, list[float]] = {name: [] for name in SERVERS}
    for number in range(rounds):
        for name in SERVERS if number % 2 == 0 else reversed(SERVERS):
            _say(f"round {number + 1} of {rounds}: {many} connections, {SAYS[name]}")
            kib[name].append(_idle(name, many))
    report |= {
        "connections": many,
        "kib_a_connection": {name: _spread(each) for name, each in kib.items()},
        "ratio_websockets": _spread([one / other for one, other in zip(kib["websockets"], kib["rtig"], strict=True)]),
        "ratio_websockets_deflate": _spread(
            [one / other for one, other in zip(kib["websockets-deflate"], kib["rtig"], strict=True)]
        ),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 0


# --- calls


async def _calls(talk: Talk, calls: int) -> dict[str, Any]:
    playbook = knowledge.compiled(knowledge.load(ROOT / "knowledge_base"))
    with tempfile.TemporaryDirectory() as folder:
        log = await SqliteLog.open_file(f"{folder}/calls.db")
        live = LiveCalls(log, playbook)
        for number in (-2, -1):  # the words that are met for the first time are met
            await _talked(live, talk, number)
        gc.collect()
        before = _resident_kib(os.getpid())
        events = [await _talked(live, talk, number) for number in range(calls)]
        gc.collect()
        grown = _resident_kib(os.getpid()) - before
        shared = _Walk()
        shared.size([playbook, *(live._calls[_key(number)] for number in (-2, -1))])
        shared.bytes_of.clear()
        parts: dict[str, int] = {}
        for number in range(calls):
            for part, size in _parts(live, log, _key(number), shared):
                parts[part] = parts.get(part, 0) + size
        live.close()
        await log.close()
    return {
        "calls": calls,
        "minutes": MINUTES,
        "events_a_call": round(statistics.fmean(events)),
        "kib_resident": round(grown / calls, 1),
        "kib_reached": round(sum(parts.values()) / calls / 1024, 1),
        "kib_by_part": _largest(parts, calls),
        "kib_by_type": _largest(shared.bytes_of, calls),
    }


def _largest(sizes: Mapping[str, int], calls: int) -> dict[str, float]:
    each = {name: round(size / calls / 1024, 1) for name, size in sizes.items()}
    return {name: each[name] for name in sorted(each, key=lambda name: -each[name])[:12] if each[name]}


async def _talked(live: LiveCalls, talk: Talk, number: int) -> int:
    key = _key(number)
    await live.open(key)
    heard = talk.long(key.call_id, MINUTES, 40 * (number + 2))
    for event in heard:
        appended = live.accept(key, event)
    await appended.durable
    return len(heard)


def _parts(live: LiveCalls, log: SqliteLog, key: CallKey, walk: "_Walk") -> Iterator[tuple[str, int]]:
    """What is reached from a call, by where it is reached first."""
    held = live._calls[key]
    yield "log: where each event stands", walk.size(log._opened[key])
    yield "what watchers were told", walk.size([held._told, held._interim])
    for field in held.call.__struct_fields__:
        yield f"state: {field}", walk.size(getattr(held.call, field))
    yield "the rest", walk.size([value for value in vars(held).values() if value is not live])


class _Walk:
    """Adds up the objects that can be reached, each once."""

    _FOREIGN = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, asyncio.AbstractEventLoop, Playbook)

    def __init__(self) -> None:
        self.bytes_of: dict[str, int] = {}
        """By the name of their type."""
        self._seen: set[int] = set()
        self._kept: list[object] = []

    def size(self, root: object) -> int:
        total = 0
        waiting: list[object] = [root]
        while waiting:
            one = waiting.pop()
            if id(one) in self._seen or isinstance(one, self._FOREIGN):
                continue
            self._seen.add(id(one))
            self._kept.append(one)  # an id that is seen must not be given again
            size = sys.getsizeof(one)
            total += size
            name = type(one).__name__
            self.bytes_of[name] = self.bytes_of.get(name, 0) + size
            if isinstance(one, msgspec.Struct):  # `gc.get_referents` says nothing of one that the collector leaves out
                waiting.extend(getattr(one, field) for field in one.__struct_fields__)
            else:
                waiting.extend(gc.get_referents(one))
        return total


def _key(number: int) -> CallKey:
    return CallKey(TENANT, f"call{number}")


# --- connections


def _idle(name: str, many: int) -> float:
    """KiB that each of so many connections costs a server."""
    with _served(name) as server:
        first = _opened(server, name, WARM_UP)
        time.sleep(0.5)
        before = _resident_kib(server.process.pid)
        rest = _opened(server, name, many)
        time.sleep(0.5)
        after = _resident_kib(server.process.pid)
        for one in (*first, *rest):
            one.close()
    return (after - before) / many


@contextmanager
def _served(name: Any) -> Iterator[Running]:
    if not name.startswith("websockets"):
        with started(name) as server:
            yield server
        return
    run_it = [sys.executable, "-m", "benchmarks.memory", name]
    with subprocess.Popen(run_it, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Running(process.stdout.readline().strip(), process)
        finally:
            process.terminate()


def _opened(server: Running, name: str, many: int) -> list[socket.socket]:
    """Connections that have been answered once."""
    address = urlsplit(server.url)
    assert address.hostname is not None
    assert address.port is not None
    extension = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    upgrade = (
        f"GET {address.path or '/'} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n{extension if name.endswith('deflate') else ''}\r\n"
    ).encode()
    opened: list[socket.socket] = []
    for at in range(0, many, AT_ONCE):
        some = [
            socket.create_connection((address.hostname, address.port), timeout=30)
            for _ in range(at, min(many, at + AT_ONCE))
        ]
        _said(some, upgrade)
        hellos = [_hello(at + number) for number in range(len(some))]
        for one, hello in zip(some, hellos, strict=True):
            one.sendall(hello)
        for one in some:
            one.recv(65536)
        opened += some
    return opened


def _said(some: Sequence[socket.socket], upgrade: bytes) -> None:
    for one in some:
        one.sendall(upgrade)
    for one in some:
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = one.recv(65536)
            assert more, answer
            answer += more


def _hello(number: int) -> bytes:
    hello = encode(Hello(role="agent", token=TOKEN, agent=f"desk-{number}"))
    return Frame(Opcode.TEXT, hello).serialize(mask=True)


async def _echo(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def _serve_websockets(compression: str | None) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=AT_ONCE)
    async with serve(_echo, sock=listener, compression=compression, subprotocols=[Subprotocol(SUBPROTOCOL)]):
        print(f"ws://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
        await asyncio.Event().wait()


def _files_at_most() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # which servers inherit
    return hard


def _resident_kib(pid: int) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


# --- the report


def _spread(each: Iterable[float]) -> list[float]:
    ordered = sorted(each)
    return [round(one, 1) for one in (ordered[0], statistics.median(ordered), ordered[-1])]


def _print(report: Mapping[str, Any]) -> None:
    call = report["call"]
    say = sys.stderr
    print(f"a call after {call['minutes']} minutes, {call['events_a_call']} events, KiB:", file=say)
    print(f"  {'the process has grown by':36}{call['kib_resident']:>10}", file=say)
    print(f"  {'can be reached':36}{call['kib_reached']:>10}", file=say)
    for part, kib in call["kib_by_part"].items():
        print(f"    {part:34}{kib:>10}", file=say)
    print("  by type: " + ", ".join(f"{name} {kib}" for name, kib in call["kib_by_type"].items()), file=say)
    print(f"an idle connection of {report['connections']}, KiB (least, median, most):", file=say)
    for name, spread in report["kib_a_connection"].items():
        print(f"  {SAYS[name]:36}" + "".join(f"{one:>10}" for one in spread), file=say)


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    uvloop.run(_serve_websockets("deflate" if sys.argv[1].endswith("deflate") else None))
