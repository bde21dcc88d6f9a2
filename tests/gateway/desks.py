"""Whole servers for the tests of the gateway, on a free port, and clients that speak the protocol."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from calls import playbook
from sockets import client, hear
from websockets.asyncio.client import ClientConnection

from rtig.app import Server, running
from rtig.config import Settings
from rtig.core.playbook import Playbook
from rtig.eventlog.port import EventLog
from rtig.wire.messages import Ack, Bye, CaughtUp, Guided, Refused, ServerMessage, Welcome

T = TypeVar("T", bound=ServerMessage)

STARTED: dict[str, Any] = {"type": "call_started", "call_id": "c1", "agent": "ann", "queue": "billing"}
ENDED: dict[str, Any] = {"type": "call_ended", "call_id": "c1", "at_ms": 60_000}


@functools.cache
def small_playbook() -> Playbook:
    return playbook()


def segment(number: int, text: Any = "hello there", call_id: str = "c1", **more: Any) -> dict[str, Any]:
    """Final words of the customer, one segment after another."""
    return {
        "type": "segment",
        "call_id": call_id,
        "segment_id": f"s{number}",
        "rev": 1,
        "party": "customer",
        "text": text,
        "final": True,
        "start_ms": number * 1000,
        "end_ms": number * 1000 + 900,
    } | more


@asynccontextmanager
async def serving(
    kept: EventLog | None = None, followed: Playbook | None = None, **settings: Any
) -> AsyncIterator[Server]:
    chosen: dict[str, Any] = {
        "port": 0,
        "log": "memory",
        "meaning": "off",
        "other_messages_per_second": 1000,
    } | settings
    async with running(Settings(**chosen), followed or small_playbook(), log=kept) as server:
        yield server


class Client:
    """One connection that has been welcomed."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[ServerMessage] = []

    async def say(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            await self.connection.send(msgspec.json.encode(message).decode())

    async def hear(self) -> ServerMessage:
        message = await hear(self.connection)
        self.heard.append(message)
        return message

    async def until(self, kind: type[T], which: Callable[[T], bool] = lambda _: True) -> T:
        """The next message of a kind; those before it are in `heard`."""
        while True:
            message = await self.hear()
            if isinstance(message, kind) and which(message):
                return message

    async def acked(self, *messages: dict[str, Any]) -> list[Ack]:
        await self.say(*messages)
        return [await self.until(Ack) for _ in messages]

    async def refused(self, message: dict[str, Any]) -> Refused:
        await self.say(message)
        return await self.until(Refused)

    async def watch(self, call_id: str = "c1", **more: Any) -> list[Guided]:
        """The past of a call."""
        await self.say({"type": "watch", "call_id": call_id} | more)
        before = len(self.heard)
        await self.until(CaughtUp)
        return [message for message in self.heard[before:] if isinstance(message, Guided)]


async def soon(done: Callable[[], bool]) -> None:
    """Wait for what nobody is told of."""
    async with asyncio.timeout(20):
        while not done():
            await asyncio.sleep(0.01)


async def welcomed(connection: ClientConnection, role: str, **hello: Any) -> Client:
    it = Client(connection)
    await it.say({"type": "hello", "role": role} | hello)
    await it.until(Welcome)
    return it


@asynccontextmanager
async def joined(server: Server, role: str, **hello: Any) -> AsyncIterator[Client]:
    async with client(server.socket_url) as connection:
        yield await welcomed(connection, role, **hello)


async def turned_off(connection: ClientConnection, hello: dict[str, Any]) -> Bye:
    """What the server says to a hello that fails."""
    await connection.send(msgspec.json.encode(hello).decode())
    bye = await hear(connection)
    assert isinstance(bye, Bye)
    return bye
