"""The socket with a real client on loopback: framing, fragments, limits, pings, closes, slowness, and conformance."""

import asyncio
import itertools
import socket as stdlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
import uvicorn
import websockets.asyncio.server
from kosoku import FailureError, run_fuzzingclient
from sockets import Echo, anyone, client, hear, sockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from rtig.errors import Code
from rtig.gateway import socket
from rtig.gateway.socket import Socket, SocketLimits, Turned, Visitor, framed, uvicorn_ws
from rtig.wire.messages import SUBPROTOCOL, Bye, Refused

SMALL = SocketLimits(message_bytes=1000, outbox_bytes=50_000, outbox_seconds=0.2, close_seconds=0.3)
SECONDS = 15.0
"""How long anything may take on a machine that is busy with other things; a ping comes later."""


async def closed_with(connection: ClientConnection) -> int:
    async with asyncio.timeout(SECONDS):
        await connection.wait_closed()
    assert connection.close_code is not None
    return connection.close_code


def masked(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    return Frame(Opcode(opcode), payload, fin).serialize(mask=True)


def raw(connection: ClientConnection, data: bytes) -> None:
    connection.transport.write(data)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
async def test_text_of_every_length_is_heard_and_sent(size: int) -> None:
    async with sockets(limits=SocketLimits(message_bytes=70_000)) as address, client(address) as connection:
        await connection.send("x" * size)
        assert await connection.recv() == "x" * size


def test_framed_is_what_the_library_would_send() -> None:
    for size in (0, 125, 126, 65_535, 65_536):
        assert framed(b"x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


async def test_fragments_are_put_together_also_within_a_character_and_around_a_ping() -> None:
    euro = "€".encode()
    async with sockets() as address, client(address) as connection:
        raw(connection, masked(1, b"a" + euro[:1], fin=False))
        raw(connection, masked(9, b"ping"))
        raw(connection, masked(0, euro[1:2], fin=False))
        raw(connection, masked(0, euro[2:] + b"b"))
        raw(connection, masked(1, "ü".encode()))
        assert await connection.recv() == "a€b"
        assert await connection.recv() == "ü"


async def test_frames_cut_at_every_byte() -> None:
    stream = masked(1, b"first") + masked(1, b"x" * 200) + masked(9, b"") + masked(1, "zwölf".encode())
    async with sockets() as address:
        for cut in range(1, len(stream)):
            async with client(address) as connection:
                raw(connection, stream[:cut])
                await asyncio.sleep(0)
                raw(connection, stream[cut:])
                assert [await connection.recv() for _ in range(3)] == ["first", "x" * 200, "zwölf"]


async def test_every_byte_alone() -> None:
    stream = masked(1, b"first") + masked(10, b"pong") + masked(1, b"second")
    received: list[int] = []

    class Counting(Echo):
        def text(self, frame: bytes, received_ns: int) -> None:
            received.append(received_ns)
            super().text(frame, received_ns)

    async with sockets(Counting) as address, client(address) as connection:
        connection.transport.get_extra_info("socket").setsockopt(stdlib.IPPROTO_TCP, stdlib.TCP_NODELAY, 1)
        for byte in stream:
            raw(connection, bytes((byte,)))
            await asyncio.sleep(0.0005)
        assert [await connection.recv(), await connection.recv()] == ["first", "second"]
    assert received == sorted(received)


async def test_much_that_came_at_once_leaves_turns_to_others_and_keeps_its_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "TURN_NS", -(10**9))  # every turn has lasted too long
    heard: list[str] = []
    times: set[int] = set()
    done = asyncio.Event()

    class Slow(Echo):
        def text(self, frame: bytes, received_ns: int) -> None:
            heard.append(frame.decode())
            times.add(received_ns)
            asyncio.get_running_loop().call_soon(heard.append, "another")
            if frame == b"3":
                self.socket.pause_reading()  # what has been read is heard all the same
                asyncio.get_running_loop().call_later(0.001, self.socket.resume_reading)

        def binary(self, frame: bytes) -> None:
            done.set()

    async with sockets(Slow) as address, client(address) as connection:
        stream = b"".join(masked(1, str(number).encode()) for number in range(6))
        raw(connection, stream + masked(1, b"in pie", fin=False) + masked(0, b"ces") + masked(2, b""))
        await done.wait()
        said = [name for name in heard if name != "another"]
        assert said == ["0", "1", "2", "3", "4", "5", "in pieces"]
        assert heard[:11] == ["0", "another", "1", "another", "2", "another", "3", "another", "4", "another", "5"]
        assert len(times) == 1
        # And it goes on reading.
        done.clear()
        raw(connection, masked(1, b"6") + masked(2, b""))
        await done.wait()
        assert heard[-1] == "another"
        assert "6" in heard


async def test_what_waits_for_a_turn_is_let_go_of_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "TURN_NS", -(10**9))
    heard: list[bytes] = []
    gone = asyncio.Event()

    class Rude(Echo):
        def text(self, frame: bytes, received_ns: int) -> None:
            heard.append(frame)
            self.socket._transport.abort()

        def closed(self) -> None:
            gone.set()

    async with sockets(Rude) as address, client(address) as connection:
        raw(connection, b"".join(masked(1, b"more") for _ in range(5)))
        await gone.wait()
        await connection.wait_closed()
        assert heard == [b"more"]


async def test_a_length_that_is_not_written_in_the_shortest_way_is_understood() -> None:
    async with sockets() as address, client(address) as connection:
        for _ in range(2):
            raw(connection, b"\x81\xfe\x00\x02\0\0\0\0hi")
            raw(connection, b"\x81\xff\0\0\0\0\0\0\x00\x02\0\0\0\0ho")
            assert [await connection.recv(), await connection.recv()] == ["hi", "ho"]


@pytest.mark.parametrize(
    "frames",
    [
        masked(1, b"\xff"),
        masked(1, b"\xed\xa0\x80"),
        masked(1, b"a", fin=False) + masked(0, b"\xff"),
        masked(1, b"a\xe2", fin=False) + masked(0, b"b"),
        masked(1, b"a\xe2", fin=False) + masked(0, b""),
        masked(9, b"") + masked(1, b"\xc0"),
    ],
    ids=itertools.count(),  # the mask is random
)
async def test_invalid_utf8_closes_1007(frames: bytes) -> None:
    async with sockets() as address, client(address) as connection, client(address) as other:
        raw(connection, frames)
        assert await closed_with(connection) == 1007
        await other.send("still here")
        assert await other.recv() == "still here"


@pytest.mark.parametrize(
    "frames",
    [
        masked(1, b"x" * 1001),
        masked(1, b"x" * 70_000),
        masked(1, b"x" * 600, fin=False) + masked(0, b"x" * 600),
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
    ],
)
async def test_oversized_closes_1009(frames: bytes) -> None:
    async with sockets(limits=SMALL) as address, client(address) as connection, client(address) as other:
        raw(connection, frames)
        assert await closed_with(connection) == 1009
        await other.send("still here")
        assert await other.recv() == "still here"


async def test_unmasked_or_reserved_frames_close_1002() -> None:
    async with sockets() as address:
        for frames in (b"\x81\x02hi", b"\xf1\x82\0\0\0\0hi", b"\x83\x80\0\0\0\0", masked(0, b"loose")):
            async with client(address) as connection:
                raw(connection, frames)
                assert await closed_with(connection) == 1002


async def test_binary_is_for_the_handler_and_the_connection_goes_on() -> None:
    async with sockets() as address, client(address) as connection:
        await connection.send(b"\x00\xff")
        refused = await hear(connection)
        assert isinstance(refused, Refused)
        assert refused.code is Code.BINARY
        await connection.send("text")
        assert await connection.recv() == "text"


async def test_the_handler_is_told_once_that_it_is_over() -> None:
    ends: list[str] = []

    class Ending(Echo):
        def text(self, frame: bytes, received_ns: int) -> None:
            if frame == b"close":
                self.socket.close(Bye(code=Code.UNAUTHENTICATED, message="go", retry=False))
                self.socket.send(b"never arrives")

        def closed(self) -> None:
            ends.append("closed")

    async with sockets(Ending) as address:
        async with client(address):
            pass
        async with client(address) as connection:
            await connection.send("close")
            bye = await hear(connection)
            assert isinstance(bye, Bye)
            assert await closed_with(connection) == 1008
        async with client(address) as connection:
            connection.transport.abort()
        async with client(address) as connection:
            raw(connection, masked(1, b"\xff"))
            await closed_with(connection)
        for _ in range(100):
            if len(ends) == 4:
                break
            await asyncio.sleep(0.01)
    assert ends == ["closed"] * 4


async def test_what_was_sent_before_a_close_arrives_before_it() -> None:
    class Farewell(Echo):
        def text(self, frame: bytes, received_ns: int) -> None:
            for number in range(3):
                self.socket.send(b"%d" % number)
            self.socket.close(Bye(code=Code.DRAINING, message="", retry=True))

    async with sockets(Farewell) as address, client(address) as connection:
        await connection.send("?")
        assert [await connection.recv() for _ in range(3)] == ["0", "1", "2"]
        assert isinstance(await hear(connection), Bye)
        assert await closed_with(connection) == 1012


async def test_an_answer_to_a_text_with_a_close_behind_it_still_arrives() -> None:
    async with sockets() as address, client(address) as connection:
        raw(connection, masked(1, b"last words") + masked(8, b"\x03\xe8"))
        assert await connection.recv() == "last words"
        assert await closed_with(connection) == 1000


class Resets:
    """A transport whose client resets the connection between two calls of the kernel, which no client can time."""

    def __init__(self, transport: asyncio.Transport, then: Callable[[], None]) -> None:
        self._transport, self._then = transport, then

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def write_eof(self) -> None:
        asyncio.get_running_loop().call_soon(self._then)
        self._transport.write_eof()
        raise OSError("Transport endpoint is not connected")


async def test_a_client_that_is_gone_before_its_close_is_answered_is_over() -> None:
    over = asyncio.Event()

    class Late(Echo):
        def opened(self, socket: Socket, visitor: Visitor) -> None:
            super().opened(socket, visitor)
            socket._transport = cast(asyncio.Transport, Resets(socket._transport, self.says_good_bye))

        def says_good_bye(self) -> None:
            self.socket.close(Bye(code=Code.DRAINING, message="Nobody hears this.", retry=True))
            over.set()

    async with sockets(Late) as address, client(address) as connection:
        raw(connection, masked(8, b"\x03\xe8"))
        async with asyncio.timeout(SECONDS):
            await over.wait()


async def test_a_client_that_does_not_answer_a_close_is_cut() -> None:
    class Closing(Echo):
        def opened(self, socket: Socket, visitor: Visitor) -> None:
            super().opened(socket, visitor)
            socket.close(Bye(code=Code.DRAINING, message="", retry=True))

    async with sockets(Closing, limits=SMALL) as address, upgraded(address) as (reader, _):
        async with asyncio.timeout(SECONDS):
            await reader.read()


def port_of(address: str) -> int:
    return int(address.rsplit(":", 1)[1].split("/")[0])


def stop_reading(writer: asyncio.StreamWriter) -> None:
    cast(asyncio.Transport, writer.transport).pause_reading()


def read_on(writer: asyncio.StreamWriter) -> None:
    cast(asyncio.Transport, writer.transport).resume_reading()


@asynccontextmanager
async def upgraded(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection by hand, which answers no ping and no close."""
    narrow = stdlib.socket()
    narrow.setsockopt(stdlib.SOL_SOCKET, stdlib.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port_of(address)))
    reader, writer = await asyncio.open_connection(sock=narrow)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_a_client_that_answers_no_pings_is_closed_after_two() -> None:
    limits = SocketLimits(ping_seconds=0.05, close_seconds=0.1)
    async with sockets(limits=limits) as address, client(address) as lively, upgraded(address) as (reader, _):
        async with asyncio.timeout(SECONDS):
            heard = await reader.read()
        assert heard.count(b"\x89\x04rtig") == 2
        assert b"\x03\xf3no answer to pings" in heard
        await lively.send("I do")
        assert await lively.recv() == "I do"


async def test_a_client_that_does_not_read_is_closed_too_slow_by_bytes() -> None:
    closed = asyncio.Event()

    class Flood(Echo):
        """Sends more than any buffer holds."""

        def opened(self, socket: Socket, visitor: Visitor) -> None:
            super().opened(socket, visitor)
            self.task = asyncio.get_running_loop().create_task(self.pour())

        async def pour(self) -> None:
            while True:
                self.socket.send(b"x" * 10_000)
                await asyncio.sleep(0)

        def closed(self) -> None:
            self.task.cancel()
            closed.set()

    async with (
        sockets(Flood, limits=SMALL._replace(close_seconds=SECONDS)) as address,
        sockets() as elsewhere,
        client(elsewhere) as other,
        upgraded(address) as (reader, writer),
    ):
        stop_reading(writer)
        async with asyncio.timeout(SECONDS):
            await closed.wait()  # the server waits for the client to take the bye
            await other.send("undisturbed")
            assert await other.recv() == "undisturbed"
            read_on(writer)
            end = b""
            while b'"retry":true' not in end:
                end = (end + await reader.read(10_000))[-400:]
                assert not reader.at_eof()
        assert b'"code":"too_slow"' in end


async def test_a_client_that_does_not_read_is_closed_too_slow_by_time() -> None:
    ended = asyncio.Event()

    class Once(Echo):
        def opened(self, socket: Socket, visitor: Visitor) -> None:
            super().opened(socket, visitor)
            self.pour()

        def pour(self) -> None:
            # Fills the kernel's buffers, then stops well below the bound in bytes.
            while self.socket.unsent < 30_000 and not ended.is_set():
                self.socket.send(b"x" * 10_000)
            asyncio.get_running_loop().call_later(0.01, self.pour)

        def closed(self) -> None:
            ended.set()

    async with sockets(Once, limits=SMALL) as address, upgraded(address) as (_, writer):
        stop_reading(writer)
        async with asyncio.timeout(SECONDS):
            await ended.wait()


async def test_newer_frames_supersede_what_a_slow_client_has_not_got() -> None:
    done = asyncio.Event()

    class Interims(Echo):
        def text(self, frame: bytes, received_ns: int) -> None:
            while self.socket._paused_at is None:
                self.socket.send(b"x" * 30_000)
                self.socket._flush()
            for number in range(1000):
                self.socket.send_framed(framed(b"interim %d" % number), key=("line", "c", "s"))
            self.socket.send(b"card")
            done.set()

    async with sockets(Interims) as address, client(address) as connection:
        connection.transport.pause_reading()
        await connection.send("go")
        await done.wait()
        connection.transport.resume_reading()
        texts: list[str] = []
        while not texts or texts[-1] != "card":
            texts.append(str(await connection.recv()))
        assert [text for text in texts if text.startswith("interim")] == ["interim 999"]


async def test_what_is_sent_at_once_passes_nothing_and_waits_for_nothing_else() -> None:
    at_once: list[bool] = []

    class Urgent(Echo):
        def text(self, frame: bytes, received_ns: int) -> None:
            at_once.append(self.socket.send_at_once(framed(b"first")))
            self.socket.send(b"second")
            at_once.append(self.socket.send_at_once(framed(b"third")))

    async with sockets(Urgent) as address, client(address) as connection:
        await connection.send("go")
        assert [await connection.recv() for _ in range(3)] == ["first", "second", "third"]
    assert at_once == [True, False]


async def test_what_is_sent_at_once_waits_for_a_client_that_does_not_read() -> None:
    handlers: list[Echo] = []

    def handler() -> Echo:
        handlers.append(Echo())
        return handlers[-1]

    async with sockets(handler) as address, client(address) as connection:
        await connection.send("hello")
        await connection.recv()
        connection.transport.pause_reading()
        socket = handlers[0].socket
        count = 0
        while socket.send_at_once(framed(b"%06d" % count + b"x" * 10_000), ("newest",)):
            count += 1
        socket.send_at_once(framed(b"newest"), ("newest",))
        connection.transport.resume_reading()
        heard = [await connection.recv() for _ in range(count + 1)]
        assert [text[:6] for text in heard] == [*(f"{number:06}" for number in range(count)), "newest"]


async def test_the_handler_is_asked_for_more_when_there_is_room() -> None:
    class Pulled(Echo):
        left = 500

        def text(self, frame: bytes, received_ns: int) -> None:
            self.drained()

        def drained(self) -> None:
            while self.left and self.socket.unsent < 20_000:
                self.left -= 1
                self.socket.send(b"%05d" % self.left * 1000)

    async with sockets(Pulled, limits=SMALL) as address, client(address) as connection:
        await connection.send("more")
        for number in reversed(range(500)):
            assert await connection.recv() == f"{number:05}" * 1000


async def test_the_sub_protocol_is_chosen_and_the_ticket_never_echoed() -> None:
    seen: list[Visitor] = []

    class Seeing(Echo):
        def opened(self, socket: Socket, visitor: Visitor) -> None:
            seen.append(visitor)

    async with sockets(Seeing) as address:
        async with client(address, subprotocols=["ticket.abc-1", SUBPROTOCOL]) as connection:
            assert connection.subprotocol == SUBPROTOCOL
            assert connection.response is not None
            assert "abc-1" not in str(connection.response.headers)
        async with client(address, subprotocols=["ticket.abc-2"]) as connection:
            assert connection.subprotocol is None
        async with client(address, origin="https://desk.example"):
            pass
    assert [visitor.ticket for visitor in seen] == ["abc-1", "abc-2", ""]
    assert [visitor.origin for visitor in seen] == [None, None, "https://desk.example"]
    assert seen[0].path == "/ws"
    assert seen[0].host.startswith("127.0.0.1:")


async def test_who_is_turned_away_is_told_why() -> None:
    def admit(_: Visitor) -> Turned:
        return Turned(503, Code.DRAINING, "Try another server.", retry_after=2)

    async with sockets(admit=admit) as address:
        with pytest.raises(InvalidStatus) as error:
            await client(address)
    response = error.value.response
    assert (response.status_code, response.body) == (503, b"draining: Try another server.\n")
    assert response.headers["Retry-After"] == "2"


async def test_what_is_no_handshake_is_answered_as_http() -> None:
    async with sockets() as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(address))
        writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 426 ")
        writer.close()


async def plain(scope: dict[str, object], receive: object, send: object) -> None:
    raise AssertionError("uvicorn hands upgrades to the socket, not to the app")


@asynccontextmanager
async def behind_uvicorn() -> AsyncIterator[str]:
    ws = uvicorn_ws(Echo, anyone)
    config = uvicorn.Config(plain, ws=ws, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    listener = stdlib.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server._serve([listener]))
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"
    server.should_exit = True
    await task


async def test_uvicorn_hands_over_and_says_good_bye_at_its_end() -> None:
    async with behind_uvicorn() as address:
        connection = await client(address)
        await connection.send("through uvicorn")
        assert await connection.recv() == "through uvicorn"
    bye = await hear(connection)
    assert isinstance(bye, Bye)
    assert (bye.code, bye.retry) == (Code.DRAINING, True)
    assert await closed_with(connection) == 1012


class EchoAll(Echo):
    """For the conformance cases, which also send binary."""

    def binary(self, frame: bytes) -> None:
        self.socket.send_framed(Frame(Opcode.BINARY, frame).serialize(mask=False))


async def failing(address: str) -> set[str]:
    exclude = ["12.*", "13.*"]  # compression, which neither server offers
    try:
        results = await run_fuzzingclient(address, exclude_cases=exclude, concurrency=4)
    except FailureError as error:
        return {result.case_id for result in error.results}
    assert len(results) > 200
    return set()


@pytest.mark.process
async def test_conformance_is_no_worse_than_the_librarys_own_server() -> None:
    big = 64 * 1024 * 1024
    limits = SocketLimits(message_bytes=big, outbox_bytes=big, outbox_seconds=30)
    async with sockets(EchoAll, limits=limits) as address:
        ours = await failing(address)

    async def echo(connection: websockets.asyncio.server.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0, max_size=big, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        theirs = await failing(f"ws://127.0.0.1:{port}")
    assert ours <= theirs, sorted(ours - theirs)
