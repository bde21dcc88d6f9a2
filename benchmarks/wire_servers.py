"""The servers that `wire` and `fanout` compare, each in its own process.

`rtig` is the server as it is, with one thing put in place of the fold: a segment is told back as its line, and
nothing else is made of it. What is left is what this project adds to a socket. `echo` is an echo through the same
socket; `websockets` one through that package's own server, which is what most would take, and `broadcast` tells
everyone else what one connection says, with that package's own function for it.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

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
What = Literal["rtig", "echo", "websockets", "broadcast"]


class Served(NamedTuple):
    url: str
    pid: int

    def cpu_us(self) -> float:
        """CPU time of the process so far, all threads, to the nanosecond."""
        took = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it has just ended
                took += int((task / "schedstat").read_text().split()[0])
        return took / 1000


@contextlib.contextmanager
def served(what: What, log: str = "memory") -> Iterator[Served]:
    """A server process that ends with the block."""
    run_it = [sys.executable, "-m", "benchmarks.wire_servers", what, log]
    with subprocess.Popen(run_it, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Served(process.stdout.readline().strip(), process.pid)
        finally:
            process.terminate()


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


async def _serve_unfolded(log: str) -> None:
    engine.step = unfolded  # type: ignore[assignment]  # its parameters have no names
    await serve_rtig(log, KNOWLEDGE, "off")


async def _serve_websockets() -> None:
    async def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    await _serve(echo)


async def _serve_broadcast() -> None:
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


async def _serve(handler: Callable[[ServerConnection], Awaitable[None]]) -> None:
    subprotocols = [Subprotocol(SUBPROTOCOL)]
    async with serve(
        handler, "127.0.0.1", 0, compression=None, subprotocols=subprotocols, ping_interval=None, backlog=2048
    ) as server:
        (listener,) = server.sockets
        print(f"ws://127.0.0.1:{listener.getsockname()[1]}/ws", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    log_to_stderr("warning")
    what, home = sys.argv[1:]
    others = {"echo": serve_echo, "websockets": _serve_websockets, "broadcast": _serve_broadcast}
    uvloop.run(others[what]() if what in others else _serve_unfolded(home))
