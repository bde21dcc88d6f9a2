"""A load that costs little itself: frames that were made before, and answers that are counted, not read.

Each connection has one frame under way and sends the next when the last one was answered, so the server is always busy
and never behind. CPU time a message is what is measured with it, and no latency: that wants frames at their own time.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode

from rtig.wire.messages import SUBPROTOCOL


def masked(payload: bytes) -> bytes:
    """A text frame as clients send it."""
    return Frame(Opcode.TEXT, payload).serialize(mask=True)


class Connection(asyncio.Protocol):
    """One client's. `heard` is called with the number of messages that came at once."""

    def __init__(self) -> None:
        self.heard: Callable[[int], None] = lambda _: None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.count = 0
        """Messages heard so far."""
        self.first = b""
        """The beginning of the first of them."""
        self._rest = b""

    @classmethod
    async def to(cls, url: str) -> "Connection":
        address = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, address.hostname, address.port)
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
        if self.count >= count:
            return
        enough = asyncio.get_running_loop().create_future()

        def look(_: int) -> None:
            if self.count >= count and not enough.done():
                enough.set_result(None)

        before, self.heard = self.heard, look
        await enough
        self.heard = before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(error or ConnectionError("refused"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, end, count = 0, len(data), 0
        if not self.opened.done():
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._rest = data
                return
            self.opened.set_result(None)
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                if end - at < 4:
                    break
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                if end - at < 10:
                    break
                size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if body + size > end:
                break
            if data[at] == 0x81:
                count += 1
                self.first = self.first or data[body : body + 32]
            elif data[at] == 0x89:
                self.send(b"\x8a\x80\0\0\0\0" if not size else b"\x8a" + bytes((0x80 | size,)) + b"\0\0\0\0" + data[body : body + size])
            at = body + size
        self._rest = data[at:]
        if count:
            self.count += count
            self.heard(count)


async def in_turns(connections: Sequence[Connection], frames: Sequence[Sequence[bytes]]) -> int:
    """Send each connection's frames, one at a time; how many were answered. An answer is one message."""
    left = len(connections)
    done = asyncio.get_running_loop().create_future()
    answered = 0

    def play(connection: Connection, own: Sequence[bytes]) -> None:
        waiting = iter(own)

        def go_on(count: int) -> None:
            nonlocal left, answered
            answered += count
            frame = next(waiting, None)
            if frame is not None:
                connection.send(frame)
                return
            connection.heard = lambda _: None
            left -= 1
            if not left:
                done.set_result(None)

        connection.heard = go_on
        go_on(0)

    for connection, own in zip(connections, frames, strict=True):
        play(connection, own)
    await done
    return answered


async def at_rate(connections: Sequence[Connection], frames: Sequence[Sequence[bytes]], rate: float) -> None:
    """Send the first frame of each connection, then the second of each and so on, so many in all a second."""
    loop = asyncio.get_running_loop()
    waiting = [(connection, frame) for row in zip(*frames, strict=True) for connection, frame in zip(connections, row, strict=True)]
    begun, sent = time.perf_counter(), 0
    while sent < len(waiting):
        due = min(len(waiting), int((time.perf_counter() - begun) * rate) + 1)
        for connection, frame in waiting[sent:due]:
            connection.send(frame)
        sent = due
        await asyncio.sleep(max(0.0, begun + sent / rate - time.perf_counter()))
