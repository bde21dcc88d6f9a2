"""One WebSocket: frames in, frames out, and nothing about what they mean.

A thin `asyncio.Protocol` around the sans-I/O core of `websockets`, which does the handshake and the framing. uvicorn
serves the pages of the same port and hands over a connection that asks for an upgrade (`uvicorn_ws`). What is done
with messages is a `Handler`; who may come in at all is for `admit` to say, before the upgrade is accepted.

Sending is through the connection's outbox: `send` never waits and never raises, all that was sent in one turn of the
loop leaves in one write, and a client that does not keep up is closed. Only what a person waits for passes by an outbox
that is empty.
"""

import asyncio
import codecs
import contextlib
import http
import logging
import socket as sockets
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

from rtig.errors import Code
from rtig.gateway.outbox import Key, Outbox
from rtig.wire import messages
from rtig.wire.messages import SUBPROTOCOL, TICKET_PREFIX, Bye
from rtig.wire.session import close_code

PATH = "/ws"
WRITE_AT_ONCE = 64 * 1024
"""What one write takes from the outbox; the rest stays where newer frames may still supersede it."""
UNSENT_IN_KERNEL = 64 * 1024
"""Beyond this the kernel takes no more, so a slow client shows in our outbox and not in megabytes of socket buffer."""
TURN_NS = 5_000_000
"""When a turn of the loop has lasted so long, what a socket has still to hear waits for the next: what is to be sent to
others, and timers, come between."""
UNANSWERED_PINGS = 2
CLOSE_FRAME = 0x88
A_MOMENT = 0.001
"""Timers of the loop may be early by less than this."""

# Never at debug level: `websockets` would write the text of frames into the log.
_frames_log = logging.getLogger("rtig.websockets")
_frames_log.setLevel(logging.WARNING)


class Visitor(NamedTuple):
    """What a request for an upgrade says about who is asking."""

    path: str
    origin: str | None
    host: str
    ticket: str
    """From the offered sub-protocols; empty without one. It is never echoed."""


class Turned(NamedTuple):
    """A request for an upgrade that is turned away, as an HTTP answer."""

    status: int
    code: Code | None
    sentence: str
    retry_after: int | None = None


class Handler(Protocol):
    """What is done with one connection's messages. It must not raise and must not block."""

    def opened(self, socket: "Socket", visitor: Visitor) -> None:
        """The upgrade was accepted; from here on the handler may send."""

    def text(self, frame: bytes, received_ns: int) -> None:
        """A whole text message, valid UTF-8. `received_ns` is `time.perf_counter_ns` at its last byte."""

    def binary(self, frame: bytes) -> None:
        """A whole binary message."""

    def drained(self) -> None:
        """All that was sent has left for the client's machine: there is room for more of what can wait."""

    def closed(self) -> None:
        """The connection is gone; nothing that is sent now arrives."""


class SocketLimits(NamedTuple):
    message_bytes: int = 65_536
    outbox_bytes: int = 262_144
    outbox_seconds: float = 5.0
    ping_seconds: float = 20.0
    close_seconds: float = 2.0
    """How long a client may take to answer a close before the connection is cut."""


DEFAULT_LIMITS = SocketLimits()
Admit = Callable[[Visitor], Turned | None]
"""Whether a visitor may come in; the reason why not, or None."""


def framed(payload: bytes) -> bytes:
    """A text frame as it goes over the wire: made once, written to every client that is to have it."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Socket(asyncio.Protocol):
    """One connection. `connections` is a set that it is in for as long as it lives."""

    def __init__(
        self,
        handler: Handler,
        admit: Admit,
        limits: SocketLimits = DEFAULT_LIMITS,
        connections: set[Any] | None = None,
    ) -> None:
        self.outbox = Outbox(limits.outbox_bytes, limits.outbox_seconds)
        self.bye: Bye | None = None
        """Why the server closed this connection, if it was the server."""
        self._handler = handler
        self._admit = admit
        self._limits = limits
        self._connections = connections if connections is not None else set()
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(max_size=limits.message_bytes, select_subprotocol=_choose, logger=_frames_log)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # until connection_made
        self._open = False  # between the accepted upgrade and the first sign of an end
        self._told = False  # the handler was told `opened` and is still to be told `closed`
        self._paused_at: float | None = None  # the transport takes no more since then
        self._flushing: asyncio.Handle | None = None
        self._receiving = False  # inside data_received, which flushes at its end
        self._later = False  # some of what has been read waits for the next turn, and nothing more is read
        self._paused = False  # the handler wants nothing more to be read
        self._text = codecs.getincrementaldecoder("utf-8")()  # checks a fragmented text message
        self._fragments: list[bytes] = []  # of the message that is being received
        self._opcode = Opcode.TEXT  # of that message
        # Bytes given to `ServerProtocol` that no frame has come out of yet; at 0 the next byte begins a frame. A frame
        # whose length is not written in the shortest way leaves a rest for ever, and only costs the fast path.
        self._inside = 0
        self._unanswered = 0
        self._keepalive: asyncio.TimerHandle | None = None
        self._slow_check: asyncio.Handle | None = None
        self._cut: asyncio.TimerHandle | None = None

    # What a handler may do.

    @property
    def unsent(self) -> int:
        """Bytes that have not left the process."""
        return self.outbox.size + (self._transport.get_write_buffer_size() if self._open else 0)

    def send(self, payload: bytes) -> None:
        """Send one text message."""
        self.send_framed(framed(payload))

    def send_framed(self, frame: bytes, key: Key | None = None, supersedes: Iterable[Key] = ()) -> None:
        """Send a frame made by `framed`. For `key` and `supersedes` see `Outbox`."""
        if not self._open:
            return
        self.outbox.put(frame, self._loop.time(), key, supersedes)
        if self._paused_at is not None:
            if self.outbox.size > self.outbox.max_bytes:
                self._check_slowness_soon()
        elif self._flushing is None and not self._receiving:
            self._flushing = self._loop.call_soon(self._flush)

    def send_at_once(self, frame: bytes, key: Key | None = None, supersedes: Iterable[Key] = ()) -> bool:
        """Like `send_framed`, but written now where nothing waits before it. Whether it was.

        For what somebody waits for: at the end of the turn it would wait for all else that came in the same turn.
        """
        if self._open and self._paused_at is None and not self.outbox.size:
            self._transport.write(frame)
            return True
        self.send_framed(frame, key, supersedes)
        return False

    def close(self, bye: Bye) -> None:
        """Say the bye, after all that was sent before it, and close."""
        if not self._open:
            return
        self.bye = bye
        unsent = self.outbox.take(self.outbox.size)
        self._transport.write(b"".join((*unsent, framed(messages.encode(bye)))))
        self._start_closing(close_code(bye), bye.code)

    def pause_reading(self) -> None:
        """Take no more from the client for now; what it sends waits in its own machine."""
        self._paused = True
        self._read_or_not()

    def resume_reading(self) -> None:
        self._paused = False
        self._read_or_not()

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        # The transport holds what the kernel has not taken yet and nothing more, and says so at once: whatever can
        # still be superseded or grow too old is in the outbox.
        self._transport.set_write_buffer_limits(high=0)
        raw = transport.get_extra_info("socket")
        option = getattr(sockets, "TCP_NOTSENT_LOWAT", None)
        if raw is not None and option is not None and raw.family in (sockets.AF_INET, sockets.AF_INET6):
            with contextlib.suppress(OSError):
                raw.setsockopt(sockets.IPPROTO_TCP, option, UNSENT_IN_KERNEL)

    def connection_lost(self, _: Exception | None) -> None:
        self._connections.discard(self)
        self._end()
        for timer in (self._keepalive, self._cut):
            if timer is not None:
                timer.cancel()
        # The handler holds this socket, and the protocol holds itself, twice. So they go now, and not when the garbage
        # collector walks all that lives.
        self._handler = _GONE
        vars(self._protocol).pop("select_subprotocol", None)
        self._protocol.parser.close()

    def data_received(self, data: bytes) -> None:
        self._receive(data, 0, time.perf_counter_ns())

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._end()

    def pause_writing(self) -> None:
        self._paused_at = self._loop.time()
        if self._slow_check is None:
            # Left running when the transport takes more again, so a busy connection makes one timer in five seconds.
            self._slow_check = self._loop.call_later(self._limits.outbox_seconds + A_MOMENT, self._check_slowness)

    def resume_writing(self) -> None:
        self._paused_at = None
        self._flush()

    def shutdown(self) -> None:
        """The server ends (uvicorn calls this on whatever is still connected)."""
        if self._open:
            self.close(Bye(code=Code.DRAINING, message="The server is being stopped.", retry=True))
        elif self._cut is None:
            self._transport.close()

    # Receiving.

    def _read_or_not(self) -> None:
        if not self._transport.is_closing():
            if self._paused or self._later:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _receive(self, data: bytes, at: int, received_ns: int) -> None:
        """Hear what was read, from `at` on."""
        self._receiving = True
        if self._open and not self._inside:
            at = self._whole_texts(data, at, received_ns)
        if at < len(data) and not self._later:
            self._rest(data[at:] if at else data, received_ns)
        self._receiving = False
        if self.outbox.size:
            self._flush()

    def _go_on(self, data: bytes, at: int, received_ns: int) -> None:
        self._later = False
        if self._open:
            self._receive(data, at, received_ns)
            if not self._later:
                self._read_or_not()

    def _whole_texts(self, data: bytes, at: int, received_ns: int) -> int:
        """Take whole, unfragmented text frames; what begins at the place that is returned is for `ServerProtocol`.

        Nearly all traffic is such frames, and taking them here costs half of what the general parser costs.
        """
        # uvloop's time is when the turn began; on a loop whose time goes on it is now.
        turn_ends_ns = int(self._loop.time() * 1e9) + TURN_NS
        end = len(data)
        while end - at > 6 and data[at] == 0x81 and self._open and self._protocol.current_size is None:
            size = data[at + 1] - 0x80
            body = at + 6
            if size == 126:
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 8
            if not 0 <= size <= self._limits.message_bytes or size == 127 or body + size > end:
                break
            frame = apply_mask(data[body : body + size], data[body - 4 : body])
            if not (frame.isascii() or _is_utf8(frame)):
                self._fail(1007, "invalid UTF-8")
                return end
            self._handler.text(frame, received_ns)
            at = body + size
            if at < end and time.perf_counter_ns() > turn_ends_ns and self._open:
                self._later = True
                self._read_or_not()
                self._loop.call_soon(self._go_on, data, at, received_ns)
                break
        return at

    def _rest(self, data: bytes, received_ns: int) -> None:
        protocol = self._protocol
        if protocol.reader.eof:
            return
        connecting = protocol.state is State.CONNECTING
        protocol.receive_data(data)
        if not connecting:
            self._inside += len(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                self._answer(event)
            elif isinstance(event, Frame):
                size = len(event.data)
                self._inside -= 6 + size + (0 if size < 126 else 2 if size < 65536 else 8)
                self._hear(event, received_ns)
        self._write_control()
        if protocol.state is not State.OPEN:
            self._end()

    def _hear(self, frame: Frame, received_ns: int) -> None:
        if frame.opcode is Opcode.PONG:
            self._unanswered = 0
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) and self._told:
            if frame.opcode is not Opcode.CONT:
                self._opcode = frame.opcode
            data = bytes(frame.data)
            if self._opcode is Opcode.TEXT and not self._goes_on_as_text(data, frame.fin):
                self._fail(1007, "invalid UTF-8")
                return
            self._fragments.append(data)
            if frame.fin:
                message = b"".join(self._fragments)
                self._fragments.clear()
                if self._opcode is Opcode.TEXT:
                    self._handler.text(message, received_ns)
                else:
                    self._handler.binary(message)

    def _goes_on_as_text(self, data: bytes, final: bool) -> bool:
        try:
            self._text.decode(data, final)
        except UnicodeDecodeError:
            return False
        return True

    # The upgrade.

    def _answer(self, request: Request) -> None:
        protocol = self._protocol
        visitor = _visitor(request)
        turned = self._admit(visitor)
        response = _accepted(protocol, request) if turned is None else _turned_away(protocol, turned)
        protocol.send_response(response)
        if protocol.state is not State.OPEN:
            return
        self._write_control()
        self._open = self._told = True
        self._keepalive = self._loop.call_later(self._limits.ping_seconds, self._ping)
        self._handler.opened(self, visitor)

    # Sending.

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        outbox = self.outbox
        while outbox.size and self._paused_at is None:
            self._transport.write(b"".join(outbox.take(WRITE_AT_ONCE)))
        if self._open and self._paused_at is None:
            self._handler.drained()

    def _write_control(self) -> None:
        """Write what `ServerProtocol` answers by itself: the handshake, pongs, and a close behind all that was sent."""
        for data in self._protocol.data_to_send():
            if data:
                if data[0] == CLOSE_FRAME and self.outbox and self._paused_at is None:
                    self._transport.write(b"".join(self.outbox.take(self.outbox.size)))
                self._transport.write(data)
            elif self._transport.can_write_eof():
                # Not `close`: what the client has under way would be answered with a reset, which can overtake the
                # close frame. The client ends the connection, or `_cut` does.
                try:
                    self._transport.write_eof()
                except OSError:  # the client has reset the connection in the meantime
                    self._transport.abort()
                else:
                    self._cut_later()
            else:
                self._transport.close()

    # Ending.

    def _start_closing(self, code: int, reason: str) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
        self._write_control()
        self._cut_later()
        self._end()

    def _fail(self, code: int, reason: str) -> None:
        self._protocol.fail(code, reason)
        self._write_control()
        self._end()

    def _end(self) -> None:
        """No more messages either way. The transport may live on for the closing handshake."""
        self._open = False
        self.outbox.clear()
        if self._slow_check is not None:
            self._slow_check.cancel()
        if self._told:
            self._told = False
            self._handler.closed()

    def _cut_later(self) -> None:
        if self._cut is None:
            self._cut = self._loop.call_later(self._limits.close_seconds, self._transport.abort)

    def _ping(self) -> None:
        if not self._open:
            return
        if self._unanswered >= UNANSWERED_PINGS:
            self._start_closing(1011, "no answer to pings")
            return
        self._unanswered += 1
        self._protocol.send_ping(b"rtig")
        self._write_control()
        self._keepalive = self._loop.call_later(self._limits.ping_seconds, self._ping)

    def _check_slowness_soon(self) -> None:
        # Never at once: whoever is sending may be in the midst of telling all watchers of a call.
        if self._slow_check is not None:
            self._slow_check.cancel()
        self._slow_check = self._loop.call_soon(self._check_slowness)

    def _check_slowness(self) -> None:
        """Look again when the oldest unsent byte will be too old, for as long as the transport takes no more."""
        self._slow_check = None
        if not self._open or self._paused_at is None:
            return
        now = self._loop.time()
        if self.outbox.too_slow(now) or now - self._paused_at > self._limits.outbox_seconds:
            self.outbox.clear()
            sentence = "This connection did not read what it was sent; reconnect from the last position that you saw."
            self.close(Bye(code=Code.TOO_SLOW, message=sentence, retry=True))
            return
        oldest = self.outbox.oldest()
        since = self._paused_at if oldest is None else min(oldest, self._paused_at)
        self._slow_check = self._loop.call_at(since + self._limits.outbox_seconds + A_MOMENT, self._check_slowness)


class _Gone:
    """The handler of a connection that is gone."""

    def opened(self, socket: Socket, visitor: Visitor) -> None: ...

    def text(self, frame: bytes, received_ns: int) -> None: ...

    def binary(self, frame: bytes) -> None: ...

    def drained(self) -> None: ...

    def closed(self) -> None: ...


_GONE = _Gone()


def uvicorn_ws(
    handler: Callable[[], Handler], admit: Admit, limits: SocketLimits = DEFAULT_LIMITS
) -> type[asyncio.Protocol]:
    """What uvicorn takes for its `ws` setting. `handler` makes one handler a connection."""

    def build(*, server_state: Any, **_: object) -> Socket:
        return Socket(handler(), admit, limits, server_state.connections)

    # uvicorn never asks whether it is a class; it only calls it, once a connection.
    return cast(type[asyncio.Protocol], build)


def _choose(_: ServerProtocol, offered: Iterable[str]) -> Any:
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _visitor(request: Request) -> Visitor:
    offered = ",".join(request.headers.get_all("Sec-WebSocket-Protocol")).split(",")
    tickets = [name.strip() for name in offered if name.strip().startswith(TICKET_PREFIX)]
    origins = request.headers.get_all("Origin")
    return Visitor(
        path=request.path.partition("?")[0],
        # Two origins are none that anybody allowed.
        origin=", ".join(origins) if origins else None,
        host=", ".join(request.headers.get_all("Host")),
        ticket=tickets[0].removeprefix(TICKET_PREFIX) if tickets else "",
    )


def _accepted(protocol: ServerProtocol, request: Request) -> Response:
    response = protocol.accept(request)
    if response.status_code != http.HTTPStatus.SWITCHING_PROTOCOLS:
        # What `websockets` says quotes the headers.
        response.body = b"This is no proper request for a WebSocket.\n"
        del response.headers["Content-Length"]
        response.headers["Content-Length"] = str(len(response.body))
    return response


def _turned_away(protocol: ServerProtocol, turned: Turned) -> Response:
    code = f"{turned.code}: " if turned.code is not None else ""
    response = protocol.reject(http.HTTPStatus(turned.status), f"{code}{turned.sentence}\n")
    if turned.retry_after is not None:
        response.headers["Retry-After"] = str(turned.retry_after)
    return response


def _is_utf8(frame: bytes) -> bool:
    try:
        frame.decode()
    except UnicodeDecodeError:
        return False
    return True
