"""Clients in Python: a source, which sends the events of calls, and a watcher, who follows a call.

A source keeps each event until the server has it for good.

    async with Source("ws://localhost:8600/ws", token, "recogniser-7") as source:
        await source.send(event)
        await source.drained()

A connection that breaks is opened again, later after each failure, and what was not acknowledged is sent again in its
order; the log keeps one event a key, so nothing is there twice. A call that a server at its capacity does not take
waits for as long as the server says, and the other calls go on.

A watcher says after each loss how far it had come, and gets the rest.

    async for told in watch("ws://localhost:8600/ws", token, "c-81"):
        ...
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from itertools import dropwhile
from types import TracebackType
from typing import Literal, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
from websockets.typing import Subprotocol

from rtig.core.events import SourceEvent, key
from rtig.errors import Code, MessageRefused, WorldError
from rtig.wire.messages import (
    SUBPROTOCOL,
    Ack,
    Briefed,
    Bye,
    CaughtUp,
    Guided,
    Hello,
    Place,
    Refused,
    StartOver,
    Watch,
    Welcome,
    decode,
    decode_told,
    encode,
)

_ANSWER_SECONDS = 10.0
"""How long a server may take to welcome, before it counts as lost."""
_DONE_FOR = (401, 403)
"""HTTP answers to the handshake that trying again does not change. 404 may be a server that is being replaced."""

_Name = tuple[str, str]
"""A call's id and an event's key: what an acknowledgement names."""
RefusedCallback = Callable[[str, str, MessageRefused], None]
LostCallback = Callable[[str], None]
OfCall = Guided | StartOver | CaughtUp | Briefed
"""What a watcher is told of its call."""


class Source:
    """One connection's worth of calls, and what of them is not durable yet.

    At most `window` events are unacknowledged, and as many of each call that waits for a server at its capacity; `send`
    waits beyond that. `on_refused` is told the call, the key and the
    reason of an event that the server will never take; the event is dropped, the others go on. Delays are in seconds
    and double from `first_delay` to `longest_delay`, each shortened at random by up to half so that sources do not come
    back in step. `on_lost` is told in a sentence why a connection could not be had or kept, each time before the next
    try; the tries never end by themselves.
    """

    def __init__(
        self,
        url: str,
        token: str,
        name: str,
        *,
        window: int = 256,
        first_delay: float = 0.2,
        longest_delay: float = 15.0,
        on_refused: RefusedCallback | None = None,
        on_lost: LostCallback | None = None,
    ) -> None:
        self._url = url
        self._hello = encode(Hello(role="source", token=token, source=name)).decode()
        self._window = window
        self._first_delay = first_delay
        self._longest_delay = longest_delay
        self._on_refused = on_refused
        self._on_lost = on_lost
        self._kept: dict[_Name, str] = {}
        """Frames not yet acknowledged, oldest first."""
        self._unsent: dict[_Name, None] = {}
        """Those of them that this connection has not carried, oldest first."""
        self._pause = 0.0
        """Seconds to wait before more is sent, as the server asked."""
        self._kept_of: Counter[str] = Counter()
        """How many frames of each call are kept."""
        self._held: dict[str, asyncio.Task[None]] = {}
        """Calls of which nothing is sent for now, by id: the server has no room for them."""
        self._changed = asyncio.Condition()
        self._failure: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close at once. What is not acknowledged is lost to this process: wait for `drained` before."""
        self._hold_no_more()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def unacknowledged(self) -> int:
        return len(self._kept)

    async def send(self, event: SourceEvent) -> None:
        """Take an event for sending; waits while the window is full.

        Raises `MessageRefused` for an event that no server would take, or where the server turned this source away for
        good; `WorldError` where the source is not open.
        """
        frame = encode(event)
        decode(frame)
        name = (event.call_id, key(event))
        async with self._changed:
            self._check()
            await self._changed.wait_for(lambda: self._has_room(event.call_id) or self._failure is not None)
            self._check()
            if name not in self._kept:
                self._kept[name] = frame.decode()
                self._kept_of[event.call_id] += 1
                if event.call_id not in self._held:
                    self._unsent[name] = None
                    self._changed.notify_all()

    async def drained(self) -> None:
        """Wait until the server has every event for good, or has refused it. Raises as `send` does."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._kept or self._failure is not None)
            self._check()

    def _has_room(self, call_id: str) -> bool:
        if call_id in self._held:
            return self._kept_of[call_id] < self._window
        return len(self._kept) - sum(self._kept_of[held] for held in self._held) < self._window

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._task is None or self._task.done():
            raise WorldError("The source is not open.")

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except (MessageRefused, WorldError) as error:
            self._failure = error
        except Exception:
            self._failure = WorldError("The source broke; its cause is above.")
            raise
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _stay_connected(self) -> None:
        tries = _Tries(self._first_delay, self._longest_delay, self._on_lost)
        while True:
            tries.begin()
            lost: Exception | None = None
            try:
                async with _connected(self._url) as socket:
                    await _greet(socket, self._hello)
                    async with self._changed:
                        self._pause = 0.0
                        self._hold_no_more()
                        self._unsent = dict.fromkeys(self._kept)
                    await self._converse(socket)
            except _LOSSES as error:
                lost = error
            await tries.wait(lost)

    async def _converse(self, socket: ClientConnection) -> None:
        """Send and listen until the connection ends. Raises what ended it."""
        sender = asyncio.create_task(self._send_all(socket))
        try:
            async for frame in socket:
                await self._take(_told(frame))
                if sender.done():
                    break
        finally:
            sender.cancel()
            with suppress(asyncio.CancelledError, OSError, WebSocketException):
                await sender

    async def _send_all(self, socket: ClientConnection) -> None:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._unsent or self._pause)
                pause, self._pause = self._pause, 0.0
                names, self._unsent = ({}, self._unsent) if pause else (self._unsent, {})
                frames = [self._kept[name] for name in names if name in self._kept]
            if pause:
                await asyncio.sleep(pause)
            for frame in frames:
                await socket.send(frame)

    async def _take(self, message: object) -> None:
        match message:
            case Ack():
                await self._settle((message.call_id, message.key))
            case Refused(code=Code.AT_CAPACITY) if message.call_id:
                await self._hold(message.call_id, message.retry_after or self._first_delay)
            case Refused(retry=True) if message.call_id in self._held:
                pass  # sent behind the start of the call, before that was refused
            case Refused(retry=True):
                await self._again((message.call_id, message.key), message.retry_after or self._first_delay)
            case Refused() if (message.call_id, message.key) in self._kept:
                await self._settle((message.call_id, message.key))
                if self._on_refused is not None:
                    reason = MessageRefused(message.code, message.message)
                    self._on_refused(message.call_id, message.key, reason)
            case Refused(key="") | Bye(retry=False):
                raise MessageRefused(message.code, message.message)
            case Bye():
                raise MessageRefused(message.code, message.message, message.retry, message.retry_after)
            case _:
                pass

    async def _settle(self, name: _Name) -> None:
        async with self._changed:
            if self._kept.pop(name, None) is not None:
                call_id, _ = name
                self._kept_of[call_id] -= 1
                if not self._kept_of[call_id]:
                    del self._kept_of[call_id]
            self._changed.notify_all()

    async def _hold(self, call_id: str, seconds: float) -> None:
        """Send nothing of a call for a while, then all that is kept of it."""
        async with self._changed:
            if call_id not in self._held:
                self._held[call_id] = asyncio.create_task(self._release_later(call_id, seconds))
            self._unsent = {name: None for name in self._unsent if name[0] != call_id}
            self._changed.notify_all()

    async def _release_later(self, call_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        async with self._changed:
            del self._held[call_id]
            self._unsent |= {name: None for name in self._kept if name[0] == call_id}
            self._changed.notify_all()

    def _hold_no_more(self) -> None:
        for waiting in self._held.values():
            waiting.cancel()
        self._held.clear()

    async def _again(self, name: _Name, pause: float) -> None:
        """Send again from the refused event on, so that the order of a call holds; what arrived twice is kept once."""
        async with self._changed:
            if name not in self._unsent:  # else it was behind one that was refused before, as thousands may be
                due = self._unsent | {name: None}
                behind = dropwhile(lambda other: other not in due, self._kept)
                self._unsent = {other: None for other in behind if other[0] not in self._held}
            self._pause = max(self._pause, pause)
            self._changed.notify_all()


async def watch(
    url: str,
    token: str,
    call_id: str,
    *,
    role: Literal["agent", "supervisor"] = "supervisor",
    name: str = "",
    after: Place | None = None,
    first_delay: float = 0.2,
    longest_delay: float = 15.0,
    on_lost: LostCallback | None = None,
) -> AsyncGenerator[OfCall, None]:
    """What is told of a call, from its start or from behind `after`, for ever: also over losses of the connection.

    Each `Guided` comes once, in order; behind a `StartOver` all of the call comes again, and what was told before it is
    to be forgotten. `CaughtUp` comes after each connecting. A call that the server does not know yet is asked for
    again. For another process to go on, keep `Place(told.epoch, told.seq)` of the last `Guided` that was dealt with.
    Delays and `on_lost` are as for a `Source`. Raises `MessageRefused` where the server turns this watcher away for
    good, and `WorldError` for an address that is none.
    """
    hello = encode(Hello(role=role, token=token, agent=name)).decode()
    tries = _Tries(first_delay, longest_delay, on_lost)
    while True:
        tries.begin()
        lost: Exception | None = None
        try:
            async with _connected(url) as socket:
                await _greet(socket, hello)
                await socket.send(encode(Watch(call_id=call_id, after=after)).decode())
                async for frame in socket:
                    match _told(frame):
                        case Guided() | CaughtUp() as told if told.call_id == call_id:
                            after = Place(told.epoch, told.seq)
                            yield told
                        case StartOver() as told if told.call_id == call_id:
                            after = None
                            yield told
                        case Briefed() as told if told.brief.call_id == call_id:
                            yield told
                        case Refused() | Bye() as no:
                            raise MessageRefused(no.code, no.message, no.retry, no.retry_after)
                        case _:
                            pass
        except _LOSSES as error:
            lost = error
        await tries.wait(lost)


_LOSSES = (InvalidURI, InvalidStatus, MessageRefused, OSError, WebSocketException)


class _Tries:
    """When to connect again: later after each failure, and at random, so that clients do not come back in step."""

    def __init__(self, first_delay: float, longest_delay: float, on_lost: LostCallback | None) -> None:
        self._first = self._delay = first_delay
        self._longest = longest_delay
        self._on_lost = on_lost
        self._clock = asyncio.get_running_loop().time
        self._began = 0.0

    def begin(self) -> None:
        self._began = self._clock()

    async def wait(self, lost: Exception | None) -> None:
        """Wait until the next try. Raises what ended the last one, where another would end alike."""
        why, least = _loss(lost)
        if self._on_lost is not None:
            self._on_lost(why)
        self._delay = max(self._delay, least)
        if self._clock() - self._began > self._longest:
            self._delay = self._first
        await asyncio.sleep(self._delay * random.uniform(0.5, 1.0))  # noqa: S311 (spreads load, guards nothing)
        self._delay = min(2 * self._delay, self._longest)


def _loss(lost: Exception | None) -> tuple[str, float]:
    """Why a connection could not be had or kept, and the least seconds to wait. Raises where it never will be."""
    match lost:
        case None:
            return "the connection was closed", 0.0
        case InvalidURI():
            raise WorldError("The server's address is not a WebSocket URL.") from None
        case InvalidStatus():
            if lost.response.status_code in _DONE_FOR:
                raise MessageRefused(Code.UNAUTHENTICATED, "The server did not accept this client.") from None
            return f"the server answered {lost.response.status_code} instead of opening a WebSocket", 0.0
        case MessageRefused():
            if not lost.retry:
                raise lost
            return str(lost), lost.retry_after or 0.0
        case TimeoutError():
            return "no answer came in time", 0.0
        case OSError():
            return f"it cannot be reached ({lost.strerror or type(lost).__name__})", 0.0
        case _:
            return "the connection broke", 0.0


def _connected(url: str) -> connect:
    return connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None)


async def _greet(socket: ClientConnection, hello: str) -> None:
    """Say hello and wait for the welcome. Raises `MessageRefused` and `TimeoutError`."""
    await socket.send(hello)
    async with asyncio.timeout(_ANSWER_SECONDS):
        while True:
            match _told(await socket.recv()):
                case Welcome():
                    return
                case Refused() | Bye() as no:
                    raise MessageRefused(no.code, no.message, no.retry, no.retry_after)
                case _:
                    pass


def _told(frame: str | bytes) -> object:
    """The server's message; one that this version does not know is left aside, as it may come from a newer server."""
    try:
        return decode_told(frame)
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError:
        raise WorldError("The server does not speak this protocol.") from None
