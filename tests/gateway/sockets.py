"""What the tests of the gateway share: a server of bare sockets, and handlers that need no call."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from rtig.errors import Code
from rtig.gateway.socket import DEFAULT_LIMITS, Admit, Handler, Socket, SocketLimits, Visitor
from rtig.wire import messages
from rtig.wire.messages import Refused, ServerMessage


class Echo:
    """Sends back what it gets."""

    def opened(self, socket: Socket, visitor: Visitor) -> None:
        self.socket = socket
        self.visitor = visitor

    def text(self, frame: bytes, received_ns: int) -> None:
        self.socket.send(frame)

    def binary(self, frame: bytes) -> None:
        self.socket.send(messages.encode(Refused(code=Code.BINARY, message="text only", retry=False)))

    def drained(self) -> None: ...

    def closed(self) -> None: ...


def anyone(_: Visitor) -> None:
    return None


@asynccontextmanager
async def sockets(
    handler: Callable[[], Handler] = Echo, admit: Admit = anyone, limits: SocketLimits = DEFAULT_LIMITS
) -> AsyncIterator[str]:
    """Bare sockets on a free port, without the pages; the address to connect to."""
    connections: set[Socket] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: Socket(handler(), admit, limits, connections), "127.0.0.1", 0
    )
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
    finally:
        server.close()
        for socket in list(connections):
            socket._transport.abort()


def client(address: str, **more: Any) -> connect:
    return connect(address, compression=None, ping_interval=None, proxy=None, **more)


async def hear(connection: ClientConnection) -> ServerMessage:
    async with asyncio.timeout(20):
        return messages.decode_told(await connection.recv())
