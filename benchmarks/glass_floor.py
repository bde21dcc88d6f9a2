"""The floor of `benchmarks/glass.py`: a bare `websockets` server that hands each message on to who follows its line."""

import asyncio
import socket
from contextlib import suppress

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


class Lines:
    """`/7` follows line 7. On any other path, `7 text` sends the text to whoever follows line 7."""

    def __init__(self) -> None:
        self._followers: dict[str, ServerConnection] = {}

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path[1:]
        if path.isdecimal():
            self._followers[path] = connection
        async for message in connection:
            assert isinstance(message, str)
            line, _, text = message.partition(" ")
            if line in self._followers:
                with suppress(ConnectionClosed):
                    await self._followers[line].send(text)


async def _serve() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    async with serve(Lines(), sock=listener, compression=None):
        print(f"ws://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve())
