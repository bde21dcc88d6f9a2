"""A client of one worker at another one: both ends of what a link carries for it.

What is told leaves the owner only as far as the client takes it: `WINDOW` bytes may be on their way, the rest waits in
the owner's outbox, where newer frames still replace older ones and from which a client that lags is closed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from rtig.errors import Code
from rtig.gateway.others import Client
from rtig.gateway.outbox import Key, Outbox
from rtig.gateway.socket import SocketLimits, Visitor, framed
from rtig.wire.messages import Bye, Hello, Role
from rtig.wire.session import Greet
from rtig.workers.frames import Dismiss, Hold, Leave, Open, Say, Tell, Took
from rtig.workers.link import Link

WINDOW = 64 * 1024
CONFIRM_BYTES = 16 * 1024
AWAY_SECONDS = 5.0
"""How long what is said to a worker that is away may wait."""
WAITING_AT_MOST = 500
"""Messages of one client; at so many nothing more is read from it."""
NOBODY = Visitor(path="", origin=None, host="", ticket="")


class Handler(Protocol):
    """What is done, at the owner, with what a client says: a `Visit`."""

    def opened(self, socket: "RelayedSocket", visitor: Visitor) -> None: ...

    def text(self, frame: bytes, received_ns: int) -> None: ...

    def drained(self) -> None: ...

    def closed(self) -> None: ...


class RelayedSocket:
    """At the owner: a connection that another worker has."""

    def __init__(self, link: Link, number: int, limits: SocketLimits, gone: Callable[[int], None]) -> None:
        """`gone` is told the number when the connection has ended."""
        self.outbox = Outbox(limits.outbox_bytes, limits.outbox_seconds)
        self.bye: Bye | None = None
        self._link = link
        self._number = number
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._flight = 0  # bytes told that the client has not taken yet
        self._open = True
        self._reading = True
        self._unheard: deque[tuple[bytes, int]] = deque()  # was on its way here when nothing more was to be taken
        self._hearing: asyncio.Handle | None = None
        self._closing: asyncio.Handle | None = None

    def begin(self, handler: Handler) -> None:
        self._handler = handler
        handler.opened(self, NOBODY)

    # What a handler may do.

    @property
    def unsent(self) -> int:
        return self.outbox.size + self._flight

    def send(self, payload: bytes) -> None:
        self.send_framed(framed(payload))

    def send_framed(self, frame: bytes, key: Key | None = None, supersedes: Iterable[Key] = ()) -> None:
        if not self._open:
            return
        if not self.outbox and self._flight < WINDOW and not self._link.congested:
            self._flight += len(frame)
            self._link.put(Tell(self._number, frame, key, tuple(supersedes)))
            return
        self.outbox.put(frame, self._loop.time(), key, supersedes)
        if self.outbox.size > self.outbox.max_bytes and self._closing is None:
            # Never at once: whoever is sending may be in the midst of telling all watchers of a call.
            self._closing = self._loop.call_soon(self._too_slow)

    def send_at_once(self, frame: bytes, key: Key | None = None, supersedes: Iterable[Key] = ()) -> bool:
        self.send_framed(frame, key, supersedes)
        return False  # all that is told in one turn goes over the link together

    def close(self, bye: Bye) -> None:
        if not self._open:
            return
        self.bye = bye
        for frame in self.outbox.take(self.outbox.size):
            self._link.put(Tell(self._number, frame))
        self._link.put(Dismiss(self._number, bye))
        self.end()

    def pause_reading(self) -> None:
        self._read(False)

    def resume_reading(self) -> None:
        self._read(True)

    # What the client's worker says.

    def say(self, frame: bytes, received_ns: int) -> None:
        if not self._open:
            return
        if self._reading and not self._unheard:
            self._handler.text(frame, received_ns)
        else:
            self._unheard.append((frame, received_ns))

    def took(self, size: int) -> None:
        self._flight -= size
        self.go_on()

    def go_on(self) -> None:
        """Tell what there is room for now."""
        while self.outbox and self._flight < WINDOW and not self._link.congested:
            for frame in self.outbox.take(WINDOW - self._flight):
                self._flight += len(frame)
                self._link.put(Tell(self._number, frame))
        if self._open and not self.outbox:
            self._handler.drained()

    def end(self) -> None:
        """The client has gone, or its worker has."""
        if not self._open:
            return
        self._open = False
        for handle in (self._closing, self._hearing):
            if handle is not None:
                handle.cancel()
        self._unheard.clear()
        self._gone(self._number)
        self._handler.closed()
        self.outbox.clear()

    def _read(self, on: bool) -> None:
        if self._open and on != self._reading:
            self._reading = on
            self._link.put(Hold(self._number, not on))
            if on and self._unheard and self._hearing is None:
                self._hearing = self._loop.call_soon(self._hear)

    def _hear(self) -> None:
        self._hearing = None
        while self._unheard and self._reading and self._open:
            self._handler.text(*self._unheard.popleft())

    def _too_slow(self) -> None:
        self._closing = None
        if self.outbox.size > self.outbox.max_bytes:
            self.outbox.clear()
            sentence = "This connection did not read what it was sent; reconnect from the last position that you saw."
            self.close(Bye(code=Code.TOO_SLOW, message=sentence, retry=True))


class Reached:
    """At the front: a client that goes on at another worker. What it says waits while that is away."""

    def __init__(self, client: Client, number: int, greeted: Greet, gone: Callable[[int], None]) -> None:
        """`gone` is told the number when the client has left."""
        self.client = client
        self._number = number
        self._open = Open(number, greeted.tenant, greeted.role, greeted.hello)
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._link: Link | None = None
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._patience: asyncio.TimerHandle | None = None
        self._untold = 0  # bytes the client has been told of which the owner does not know whether it has taken them
        self._held = False  # by this end: too much waits
        self._held_there = False

    # What the client's connection asks for.

    def forward(self, frame: bytes, received_ns: int) -> None:
        link = self._link
        if link is not None:
            link.put(Say(self._number, frame, received_ns))
            if link.congested:
                self._hold(True)
            return
        self._waiting.append((frame, received_ns))
        if self._patience is None:
            self._patience = self._loop.call_later(AWAY_SECONDS, self._give_up)
        if len(self._waiting) >= WAITING_AT_MOST:
            self._hold(True)

    def drained(self) -> None:
        if self._untold >= CONFIRM_BYTES and self._link is not None:
            self._link.put(Took(self._number, self._untold))
            self._untold = 0

    def close(self) -> None:
        self._stop_waiting()
        self._gone(self._number)
        if self._link is not None:
            self._link.put(Leave(self._number))

    # What the link tells.

    def up(self, link: Link) -> None:
        self._link = link
        self._untold = 0
        link.put(self._open)
        waiting = self._stop_waiting()
        for frame, received_ns in waiting:
            link.put(Say(self._number, frame, received_ns))
        self._hold(False)

    def lost(self, bye: Bye) -> None:
        """Whatever the client had there is lost to it; who only waits goes on waiting."""
        if self._link is not None:
            self._link = None
            self.client.leave(bye)

    def told(self, said: Tell) -> None:
        self._untold += len(said.frame)
        self.client.told(said.frame, said.key, said.supersedes)

    def held(self, on: bool) -> None:
        self._held_there = on
        self.client.hold(self, self._held or self._held_there)

    def writable(self) -> None:
        self._hold(False)

    def _hold(self, on: bool) -> None:
        if on != self._held:
            self._held = on
            self.client.hold(self, self._held or self._held_there)

    def _stop_waiting(self) -> list[tuple[bytes, int]]:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        waiting = [*self._waiting]
        self._waiting.clear()
        return waiting

    def _give_up(self) -> None:
        self._patience = None
        waiting = self._stop_waiting()
        self._hold(False)
        self.client.unanswered(frame for frame, _ in waiting)


def greeted_by(opening: Open) -> Greet:
    return Greet(opening.hello, opening.role, opening.tenant)


def as_supervisor(tenant: str) -> Greet:
    """A worker that shows another one's board is like a supervisor there."""
    role: Role = "supervisor"
    return Greet(Hello(role=role), role, tenant)
