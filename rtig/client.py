"""A source in Python: sends the events of calls to a server, and keeps each until the server has it for good.

    async with Source("ws://localhost:8600/ws", token, "recogniser-7") as source:
        await source.send(event)
        await source.drained()

A connection that breaks is opened again, later after each failure, and what was not acknowledged is sent again in its
order; the log keeps one event a key, so nothing is there twice.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
from websockets.typing import Subprotocol

from rtig.core.events import SourceEvent, key
from rtig.errors import Code, MessageRefused, WorldError
from rtig.wire.messages import SUBPROTOCOL, Ack, Bye, Hello, Refused, Welcome, decode, decode_told, encode

_ANSWER_SECONDS = 10.0
"""How long a server may take to welcome, before it counts as lost."""
_DONE_FOR = (401, 403)
"""HTTP answers to the handshake that trying again does not change. 404 may be a server that is being replaced."""

_Name = tuple[str, str]
"""A call's id and an event's key: what an acknowledgement names."""
RefusedCallback = Callable[[str, str, MessageRefused], None]
LostCallback = Callable[[str], None]


class Source:
    """One connection's worth of calls, and what of them is not durable yet.

    At most `window` events are unacknowledged; `send` waits beyond that. `on_refused` is told the call, the key and the
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
        self._unsent: list[_Name] = []
        """Those of them that this connection has not carried, oldest first."""
        self._pause = 0.0
        """Seconds to wait before more is sent, as the server asked."""
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
            await self._changed.wait_for(lambda: len(self._kept) < self._window or self._failure is not None)
            self._check()
            if name not in self._kept:
                self._kept[name] = frame.decode()
                self._unsent.append(name)
                self._changed.notify_all()

    async def drained(self) -> None:
        """Wait until the server has every event for good, or has refused it. Raises as `send` does."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._kept or self._failure is not None)
            self._check()

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
        clock = asyncio.get_running_loop().time
        delay = self._first_delay
        while True:
            began = clock()
            why = "the connection was closed"
            try:
                async with connect(self._url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None) as socket:
                    await self._greet(socket)
                    await self._converse(socket)
            except InvalidURI:
                raise WorldError("The server's address is not a WebSocket URL.") from None
            except InvalidStatus as error:
                if error.response.status_code in _DONE_FOR:
                    raise MessageRefused(Code.UNAUTHENTICATED, "The server did not accept this source.") from None
                why = f"the server answered {error.response.status_code} instead of opening a WebSocket"
            except MessageRefused as refused:
                if not refused.retry:
                    raise
                delay = max(delay, refused.retry_after or 0.0)
                why = str(refused)
            except TimeoutError:
                why = "no answer came in time"
            except OSError as error:
                why = f"it cannot be reached ({error.strerror or type(error).__name__})"
            except WebSocketException:
                why = "the connection broke"
            if self._on_lost is not None:
                self._on_lost(why)
            if clock() - began > self._longest_delay:
                delay = self._first_delay
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 (spreads load, guards nothing)
            delay = min(2 * delay, self._longest_delay)

    async def _greet(self, socket: ClientConnection) -> None:
        await socket.send(self._hello)
        async with asyncio.timeout(_ANSWER_SECONDS):
            while True:
                match _told(await socket.recv()):
                    case Welcome():
                        break
                    case Refused() | Bye() as no:
                        raise MessageRefused(no.code, no.message, no.retry, no.retry_after)
                    case _:
                        pass
        async with self._changed:
            self._pause = 0.0
            self._unsent = list(self._kept)

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
                names, self._unsent = ([], self._unsent) if pause else (self._unsent, [])
                frames = [self._kept[name] for name in names if name in self._kept]
            if pause:
                await asyncio.sleep(pause)
            for frame in frames:
                await socket.send(frame)

    async def _take(self, message: object) -> None:
        match message:
            case Ack():
                await self._settle((message.call_id, message.key))
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
            self._kept.pop(name, None)
            self._changed.notify_all()

    async def _again(self, name: _Name, pause: float) -> None:
        """Send again from the refused event on, so that the order of a call holds; what arrived twice is kept once."""
        async with self._changed:
            names = list(self._kept)
            first = min((names.index(other) for other in (name, *self._unsent) if other in self._kept), default=0)
            self._unsent = names[first:]
            self._pause = max(self._pause, pause)
            self._changed.notify_all()


def _told(frame: str | bytes) -> object:
    """The server's message; one that this version does not know is left aside, as it may come from a newer server."""
    try:
        return decode_told(frame)
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError:
        raise WorldError("The server does not speak this protocol.") from None
