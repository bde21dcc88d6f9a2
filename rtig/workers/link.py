"""One connection between two workers: frames in, frames out, all that is said in one turn of the loop in one write."""

import asyncio
from typing import Protocol, cast

import structlog

from rtig.workers.frames import Frame, Incoming, framed

UNSENT_BYTES = 256 * 1024
"""What may wait for a worker that does not read before nothing more is taken from clients for it."""
_log = structlog.get_logger(__name__)


class Listener(Protocol):
    """What is done with a link's frames. It must not raise."""

    def up(self, link: "Link") -> None: ...

    def hear(self, link: "Link", frame: Frame) -> None: ...

    def writable(self, link: "Link") -> None:
        """The other worker reads again."""

    def lost(self, link: "Link") -> None: ...


class Link(asyncio.Protocol):
    def __init__(self, listener: Listener) -> None:
        self.congested = False
        """The other worker does not read as fast as it is told."""
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._incoming = Incoming()
        self._out: list[bytes] = []
        self._flushing: asyncio.Handle | None = None
        self._receiving = False  # inside data_received, which flushes at its end
        self.gone = self._loop.create_future()
        """Ends with the link."""
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # until connection_made

    def put(self, frame: Frame) -> None:
        self._out.append(framed(frame))
        if self._flushing is None and not self._receiving:
            self._flushing = self._loop.call_soon(self._flush)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNSENT_BYTES)
        self._listener.up(self)

    def data_received(self, data: bytes) -> None:
        self._receiving = True
        try:
            for frame in self._incoming.feed(data):
                self._listener.hear(self, frame)
        except ValueError as error:
            _log.error("link broken", problem=str(error))
            self._transport.abort()
        finally:
            self._receiving = False
        if self._out:
            self._flush()

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        self._listener.writable(self)

    def connection_lost(self, _: Exception | None) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        if not self.gone.done():
            self.gone.set_result(None)
        self._listener.lost(self)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._out and not self._transport.is_closing():
            data, self._out = b"".join(self._out), []
            self._transport.write(data)
