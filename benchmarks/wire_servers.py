"""The servers that `wire` and `fanout` compare, each in its own process.

`rtig` is the server as it is, with one thing put in place of the fold: a segment is told back as its line, and
nothing else is made of it. What is left is what this project adds to a socket. `echo` is an echo through the same
socket, `websockets` one through that package's own server, which is what most would take.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import uvloop
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.servers import ROOT, serve_echo, serve_rtig
from rtig.app import log_to_stderr
from rtig.core import engine
from rtig.core.call import Call
from rtig.core.events import AnyEvent, CallEnded, CallStarted, SegmentHeard
from rtig.core.guidance import Guidance, Line
from rtig.core.playbook import Playbook
from rtig.wire.messages import SUBPROTOCOL

KNOWLEDGE = ROOT / "knowledge_base"


def unfolded(_: Playbook, call: Call, __: int, event: AnyEvent) -> tuple[Call, tuple[Guidance, ...]]:
    """In place of the fold: a segment's line."""
    match event:
        case SegmentHeard():
            line = Line(
                call_id=event.call_id,
                segment_id=event.segment_id,
                rev=event.rev,
                party=event.party,
                text=event.text,
                final=event.final,
                start_ms=event.start_ms,
                end_ms=event.end_ms,
            )
            return call, (line,)
        case CallStarted():
            return replace(call, started=True, agent=event.agent), ()
        case CallEnded():
            return replace(call, ended=True), ()
        case _:
            return call, ()


@contextlib.contextmanager
def started(what: str, log: str = "memory") -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server's address and process, which ends with the block: `rtig`, `echo`, `websockets`, `broadcast`."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.wire_servers", what, log], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()


def cpu_ns(pid: int) -> Counter[str]:
    """CPU time of a process so far, in ns, by the names of its threads."""
    took: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            took[task.name] += int((task / "schedstat").read_text().split()[0])
    return took


async def _serve_websockets() -> None:
    async def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    await _serve(echo)


async def _serve_broadcast() -> None:
    """What one source says is told to everyone else, by `websockets.broadcast`."""
    everyone: set[ServerConnection] = set()

    async def hear(connection: ServerConnection) -> None:
        everyone.add(connection)
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                everyone.discard(connection)
                broadcast(everyone, message)
                await connection.send("{}")
        everyone.discard(connection)

    await _serve(hear)


async def _serve(handler: object) -> None:
    async with serve(
        handler,  # type: ignore[arg-type]
        "127.0.0.1",
        0,
        compression=None,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        max_queue=None,
        ping_interval=None,
        backlog=2048,
    ) as server:
        (listener,) = server.sockets
        print(f"ws://127.0.0.1:{listener.getsockname()[1]}/ws", flush=True)
        await asyncio.get_running_loop().create_future()


async def _serve_unfolded(log: str) -> None:
    engine.step = unfolded
    await serve_rtig(log, KNOWLEDGE, "off")


if __name__ == "__main__":
    log_to_stderr("warning")
    what, home = sys.argv[1:]
    if os.environ.get("PROFILE"):
        import cProfile
        import signal

        profile = cProfile.Profile()

        def toggle(*_):
            profile.disable()
            profile.dump_stats(os.environ["PROFILE"])

        signal.signal(signal.SIGUSR1, lambda *_: profile.enable())
        signal.signal(signal.SIGUSR2, toggle)
    serving = {"echo": serve_echo, "websockets": _serve_websockets, "broadcast": _serve_broadcast}
    uvloop.run(serving[what]() if what in serving else _serve_unfolded(home))
