"""Watching one call: first its past, then its present, without a gap and without a double. Alerts are not told here.

The past is told as fast as the client takes it, and asked for again at its end; when nothing is missing any more, the
client joins those who follow live, in the same turn of the loop. What happens live is encoded once for all of them.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import cast

from rtig.core.guidance import Alert, CallInfo, Card, Line, Mood, Watched
from rtig.eventlog.port import CallKey, Position
from rtig.gateway.metrics import Metrics
from rtig.gateway.outbox import Key
from rtig.gateway.socket import Socket, framed
from rtig.live import LiveCalls, Update
from rtig.wire.messages import CaughtUp, Guided, ServerMessage, StartOver, Timing, encode

ROOM = 64 * 1024
"""Of what can wait, no more is sent while this many bytes are unsent."""

_TIMING = ("{" + ",".join(f'"{name}":%d' for name in Timing.__struct_fields__) + "}}").encode()
"""To put numbers into, and the end of the frame behind it."""
_NO_TIMING = b"null}"


class Channel:
    """Those who follow one call live. Opened calls only. `over` is called when they were told that it has ended."""

    def __init__(self, live: LiveCalls, key: CallKey, metrics: Metrics, over: Callable[[], None] | None = None) -> None:
        self.key = key
        self._metrics = metrics
        self._over = over
        self._sockets: dict[Socket, None] = {}
        self._unlisten = live.listen(key, self._tell)

    def join(self, socket: Socket) -> None:
        self._sockets[socket] = None

    def leave(self, socket: Socket) -> None:
        self._sockets.pop(socket, None)

    @property
    def empty(self) -> bool:
        return not self._sockets

    def close(self) -> None:
        self._unlisten()
        self._unlisten = _no_more  # it holds this channel

    def start_over(self, epoch: int) -> None:
        """Tell everyone to forget what they hold of the call."""
        self.tell(StartOver(call_id=self.key.call_id, epoch=epoch))

    def tell(self, message: ServerMessage) -> None:
        """Tell everyone something that is no guidance."""
        frame = framed(encode(message))
        for socket in tuple(self._sockets):
            socket.send_framed(frame)

    def _tell(self, update: Update) -> None:
        items = watched(update)
        if not items:
            return
        frame = live_frame(update, items)
        key, supersedes = _place(items)
        encoded_ns = time.perf_counter_ns()
        written = True
        for socket in tuple(self._sockets):
            written &= socket.send_at_once(frame, key, supersedes)
        if key is not None:  # nothing but an interim text or a mood
            return
        if update.received_ns and any(isinstance(item, Card) for item in items):
            self._time(update, encoded_ns, written)
        if self._over is not None and any(isinstance(item, CallInfo) and item.state == "ended" for item in items):
            self._over()

    def _time(self, update: Update, encoded_ns: int, at_once: bool) -> None:
        took = self._metrics.took
        took("decode", update.decoded_ns - update.received_ns)
        took("append", update.appended_ns - update.decoded_ns)
        took("fold", update.folded_ns - update.appended_ns)
        took("encode", encoded_ns - update.folded_ns)

        def written() -> None:
            now = time.perf_counter_ns()
            took("write", now - encoded_ns)
            took("total", now - update.received_ns)

        if at_once:
            written()
        else:
            # Behind the sockets' own turn to write, which `send_at_once` has just asked for.
            asyncio.get_running_loop().call_soon(written)


def _no_more() -> None:
    """Nothing is left to be ended."""


class Watch:
    """One client's watching of one call, from the position that it was at."""

    def __init__(self, live: LiveCalls, key: CallKey, socket: Socket, after: Position | None) -> None:
        self.key = key
        self.caught_up = False
        self._live = live
        self._socket = socket
        self._after = after
        self._rest: Iterator[Update] = iter(())
        self._begun = False

    def go_on(self) -> Position | None:
        """Tell what there is room for. Once nothing is missing: the position at which to join those who follow live.

        It must be joined before the loop turns.
        """
        while True:
            for update in self._rest:
                self._after = update.position
                if not (items := watched(update)):
                    continue
                self._socket.send(encode(_guided(update, items)))
                if self._socket.unsent >= ROOM:
                    return None
            past = self._live.past(self.key, self._after)
            if not self._begun and past.start_over:
                self._socket.send(encode(StartOver(call_id=self.key.call_id, epoch=self._live.epoch)))
            self._begun = True
            if not past.updates:
                self.caught_up = True
                epoch, seq = past.position
                self._socket.send(encode(CaughtUp(call_id=self.key.call_id, epoch=epoch, seq=seq)))
                return past.position
            self._rest = iter(past.updates)


def watched(update: Update) -> tuple[Watched, ...]:
    """What an event brought for those who watch the call."""
    for item in update.items:
        if isinstance(item, Alert):
            return tuple(item for item in update.items if not isinstance(item, Alert))
    return cast(tuple[Watched, ...], update.items)


def _guided(update: Update, items: tuple[Watched, ...]) -> Guided:
    epoch, seq = update.position
    return Guided(call_id=update.key.call_id, epoch=epoch, seq=seq, items=items)


def live_frame(update: Update, items: tuple[Watched, ...]) -> bytes:
    """With the time that everything took, its own encoding included."""
    body = encode(_guided(update, items))
    if not update.received_ns:
        return framed(body)
    encoded_ns = time.perf_counter_ns()
    # `timing` is the last field of `Guided`, so it can be put in after the rest has been encoded and timed.
    timing = _TIMING % (
        (update.decoded_ns - update.received_ns) // 1000,
        (update.appended_ns - update.decoded_ns) // 1000,
        (update.folded_ns - update.appended_ns) // 1000,
        (encoded_ns - update.folded_ns) // 1000,
        (encoded_ns - update.received_ns) // 1000,
    )
    return framed(body[: -len(_NO_TIMING)] + timing)


def _place(items: tuple[Watched, ...]) -> tuple[Key | None, list[Key]]:
    """The key under which a newer frame makes this one pointless, and the keys of what this one makes pointless.

    Only a lone interim text or mood is ever left out: a newer one says the same thing better.
    """
    names: list[Key] = []
    lone = len(items) == 1
    key: Key | None = None
    for item in items:
        if isinstance(item, Line):
            name: Key = ("line", item.call_id, item.segment_id)
            names.append(name)
            if lone and not item.final and not item.voided:
                key = name
        elif isinstance(item, Mood):
            name = ("mood", item.call_id)
            names.append(name)
            if lone:
                key = name
    return key, names
