"""A load that costs little itself: frames that were made before, and answers that are counted, not read."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from msgspec.structs import replace
from websockets.frames import Frame, Opcode

from benchmarks.servers import TOKEN
from rtig import knowledge
from rtig.core.events import CallStarted, SegmentHeard
from rtig.script import Script, perform
from rtig.wire.messages import SUBPROTOCOL, ClientMessage, Hello, Watch, encode

TEXT, PING = 0x81, 0x89
PONG = bytes((0x8A, 0x80, 0, 0, 0, 0))


def masked(message: ClientMessage) -> bytes:
    """A message's frame as clients send it."""
    return Frame(Opcode.TEXT, encode(message)).serialize(mask=True)


def spoken(folder: Path, count: int, seed: int) -> list[SegmentHeard]:
    """So many fragments of one long voice call, at a real recogniser's cut: interims that grow, and finals."""
    scripts = [script for script in knowledge.read(folder).calls.values() if script.channel == "voice"]
    lines = [line for script in scripts for line in script.lines]
    heard: list[SegmentHeard] = []
    rng = random.Random(seed)
    part = 0
    while len(heard) < count:
        rng.shuffle(lines)
        script = Script(id=f"wire-{part}", seed=seed + part, lines=tuple(lines))
        begins = heard[-1].end_ms if heard else 0
        for _, event in perform(script, "wire"):
            if isinstance(event, SegmentHeard):
                moved = replace(event, segment_id=f"{part}.{event.segment_id}", start_ms=begins + event.start_ms)
                heard.append(replace(moved, end_ms=begins + event.end_ms))
        part += 1
    return heard[:count]


class Connection(asyncio.Protocol):
    """One client's. `heard` is called with the number of messages that came at once."""

    def __init__(self) -> None:
        self.heard: Callable[[int], None] = lambda _: None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.count = 0
        """Messages heard so far."""
        self._rest = b""

    @classmethod
    async def to(cls, url: str) -> "Connection":
        address = urlsplit(url)
        _, connection = await asyncio.get_running_loop().create_connection(
            cls, str(address.hostname), address.port or 80
        )
        request = (
            f"GET {address.path} HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}", "", "",
        )  # fmt: skip
        connection.send("\r\n".join(request).encode())
        await connection.opened
        return connection

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.abort()

    async def heard_so_many(self, count: int) -> None:
        """Wait until so many messages were heard in all."""
        enough = asyncio.get_running_loop().create_future()

        def look(_: int) -> None:
            if self.count >= count and not enough.done():
                enough.set_result(None)

        before, self.heard = self.heard, look
        look(0)
        await enough
        self.heard = before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("turned away"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        if not self.opened.done():
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._rest = data
                return
            self.opened.set_result(None)
        texts, pings, at = frames_in(data, at)
        self._rest = data[at:]
        for _ in range(pings):
            self.send(PONG)
        if texts:
            self.count += texts
            self.heard(texts)


def frames_in(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """How many whole frames of a server's text and pings stand in the data, and where they end."""
    texts = pings = 0
    end = len(data)
    while end - at >= 2:
        size, body = data[at + 1], at + 2
        if size == 126:
            size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if body + size > end:
            break
        texts += data[at] == TEXT
        pings += data[at] == PING
        at = body + size
    return texts, pings, at


async def sources(url: str, calls: Sequence[str]) -> list[Connection]:
    """A source for each call, which has begun."""
    connections = [await Connection.to(url) for _ in calls]
    for call, connection in zip(calls, connections, strict=True):
        connection.send(masked(Hello(role="source", token=TOKEN, source=call)))
        connection.send(masked(CallStarted(call_id=call, agent=call)))
    for connection in connections:
        await connection.heard_so_many(2)  # welcome, ack
    return connections


async def watchers(url: str, calls: Sequence[str]) -> list[Connection]:
    """A sidebar for each call, which has been told what there was."""
    connections = [await Connection.to(url) for _ in calls]
    for call, connection in zip(calls, connections, strict=True):
        connection.send(masked(Hello(role="agent", token=TOKEN, agent="nobody")))
        connection.send(masked(Watch(call_id=call)))
    for connection in connections:
        await connection.heard_so_many(3)  # welcome, calls, caught_up
    return connections


async def at_rate(connections: Sequence[Connection], frames: Sequence[Sequence[bytes]], rate: float) -> None:
    """Send the first frame of each connection, then the second of each and so on: so many in all a second."""
    due = [pair for row in zip(*frames, strict=True) for pair in zip(connections, row, strict=True)]
    begun, sent = time.perf_counter(), 0
    while sent < len(due):
        now = min(len(due), int((time.perf_counter() - begun) * rate) + 1)
        for connection, frame in due[sent:now]:
            connection.send(frame)
        sent = now
        await asyncio.sleep(max(0.0, begun + sent / rate - time.perf_counter()))
