"""Against a small server that speaks the protocol: it welcomes, keeps one event a key, and misbehaves as told.

A watcher is tested with the real one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus

import pytest
from calls import playbook
from ports import free_port
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from rtig import app
from rtig.client import OfCall, Source, watch
from rtig.config import Settings
from rtig.core.events import CallEnded, CallStarted, SegmentHeard, SourceEvent, key
from rtig.errors import Code, MessageRefused, WorldError
from rtig.eventlog.memory import MemoryLog
from rtig.wire.messages import (
    SUBPROTOCOL,
    Ack,
    Briefed,
    Bye,
    CaughtUp,
    Guided,
    Hello,
    Limits,
    Place,
    Refused,
    ServerMessage,
    StartOver,
    Welcome,
    decode,
    encode,
)

WELCOME = Welcome(
    protocol=1,
    role="source",
    tenant="t",
    epoch=1,
    server="0",
    playbook="p",
    ping_interval=20,
    limits=Limits(message_bytes=65_536, messages_per_second=1000, segments_per_call=10_000),
    formats=("rtig",),
)
Answer = ServerMessage | None | type[ConnectionResetError]
"""What to answer an event with: nothing, or hang up."""


class Server:
    """Keeps what it acknowledged, in order and once. `behave` may answer an event otherwise: it has the event and how
    often it has come.
    """

    def __init__(self, behave: Callable[[SourceEvent, int], Answer | str] | None = None) -> None:
        self.behave = behave or (lambda event, times: "ack")
        self.greeting: list[ServerMessage] = []
        self.hellos: list[Hello] = []
        self.came: list[str] = []
        self.log: list[str] = []
        self.url = ""

    async def __call__(self, socket: ServerConnection) -> None:
        assert socket.subprotocol == SUBPROTOCOL
        hello = decode(await socket.recv(decode=False))
        assert isinstance(hello, Hello)
        self.hellos.append(hello)
        await socket.send(encode(self.greeting.pop(0) if self.greeting else WELCOME), text=True)
        async for frame in socket:
            event = decode(frame.encode() if isinstance(frame, str) else frame)
            assert isinstance(event, (CallStarted, SegmentHeard))
            self.came.append(key(event))
            answer = self.behave(event, self.came.count(key(event)))
            if answer == "ack":
                name = key(event) if event.call_id == "c" else f"{event.call_id}:{key(event)}"
                if name not in self.log:
                    self.log.append(name)
                answer = Ack(call_id=event.call_id, key=key(event), epoch=1, seq=self.log.index(name) + 1)
            if answer is ConnectionResetError:
                socket.transport.abort()
            elif answer is not None:
                assert not isinstance(answer, (str, type))
                await socket.send(encode(answer), text=True)


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    async with serve(server, "127.0.0.1", 0, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}"
        yield server


def source(server: Server, **more: object) -> Source:
    return Source(server.url, "token", "recogniser-7", first_delay=0.001, longest_delay=0.01, **more)  # type: ignore[arg-type]


def segment(rev: int) -> SegmentHeard:
    return SegmentHeard(call_id="c", segment_id="s", rev=rev, text=f"word {rev}", start_ms=0, end_ms=rev)


def of(call_id: str, rev: int) -> SegmentHeard:
    return SegmentHeard(call_id=call_id, segment_id="s", rev=rev, text=f"word {rev}", start_ms=0, end_ms=rev)


EVENTS: list[SourceEvent] = [CallStarted(call_id="c"), *(segment(rev) for rev in range(20))]
KEYS = [key(event) for event in EVENTS]


def refused(event: SourceEvent, code: Code, retry: bool, retry_after: float | None = None) -> Refused:
    return Refused(
        code=code, message="No.", retry=retry, retry_after=retry_after, call_id=event.call_id, key=key(event)
    )


async def test_events_arrive_in_order_and_are_done_when_drained() -> None:
    async with running(Server()) as server, source(server) as sending:
        for event in EVENTS:
            await sending.send(event)
        await sending.drained()
        assert sending.unacknowledged == 0
        assert server.log == server.came == KEYS
        assert [(hello.role, hello.token, hello.source) for hello in server.hellos] == [
            ("source", "token", "recogniser-7")
        ]


async def test_an_event_sent_twice_while_it_is_under_way_goes_once() -> None:
    async with running(Server()) as server, source(server) as sending:
        await sending.send(EVENTS[0])
        await sending.send(EVENTS[0])
        await sending.drained()
        assert server.came == KEYS[:1]


async def test_it_says_why_a_connection_cannot_be_had() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    def elsewhere(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus.NOT_FOUND, "Not here.\n")

    options = {"process_request": elsewhere, "compression": None}
    async with serve(Server(), "127.0.0.1", 0, **options) as listening:  # type: ignore[arg-type]
        there = Server()
        there.url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with source(there, on_lost=told.put_nowait):
            assert await told.get() == "the server answered 404 instead of opening a WebSocket"
    async with source(there, on_lost=told.put_nowait):
        while not (why := await told.get()).startswith("it cannot be reached"):
            assert "404" in why


async def test_what_was_not_acknowledged_is_sent_again_after_a_loss() -> None:
    def behave(event: SourceEvent, times: int) -> Answer | str:
        if key(event) == "s@7" and times < 3:
            return ConnectionResetError
        return None if key(event) == "s@3" and times == 1 else "ack"

    async with running(Server(behave)) as server, source(server) as sending:
        for event in EVENTS:
            await sending.send(event)
        await sending.drained()
        assert sorted(server.log, key=KEYS.index) == KEYS
        assert len(server.hellos) == 3
        assert server.came.count("s@3") == 2


async def test_a_source_may_start_before_its_server() -> None:
    async with running(Server()) as gone:
        pass
    async with source(gone) as sending:
        await sending.send(EVENTS[0])
        port = int(gone.url.rsplit(":", 1)[1])
        async with serve(gone, "127.0.0.1", port, subprotocols=[Subprotocol(SUBPROTOCOL)]):
            await sending.drained()
    assert gone.log == KEYS[:1]


async def test_an_event_that_is_refused_for_good_is_dropped_and_told() -> None:
    told: list[tuple[str, str, Code]] = []

    def behave(event: SourceEvent, times: int) -> Answer | str:
        return refused(event, Code.CALL_FULL, retry=False) if key(event) == "s@2" else "ack"

    server = Server(behave)
    async with running(server), source(server, on_refused=lambda c, k, r: told.append((c, k, r.code))) as sending:
        for event in EVENTS:
            await sending.send(event)
        await sending.drained()
    assert told == [("c", "s@2", Code.CALL_FULL)]
    assert server.log == [name for name in KEYS if name != "s@2"]


async def test_what_may_be_tried_again_is_from_there_on_in_order() -> None:
    """As when the server asks for a pause: everything in flight is refused, and must come again from the first on."""
    busy = True

    def behave(event: SourceEvent, times: int) -> Answer | str:
        nonlocal busy
        if key(event) == "s@4" and times == 2:
            busy = False
        if busy and KEYS.index(key(event)) >= KEYS.index("s@4"):
            return refused(event, Code.RATE_LIMITED, retry=True, retry_after=0.001)
        return "ack"

    async with running(Server(behave)) as server, source(server) as sending:
        for event in EVENTS:
            await sending.send(event)
        await sending.drained()
        assert server.log == KEYS
        assert len(server.hellos) == 1


async def test_a_call_that_a_full_server_does_not_take_waits_and_the_others_go_on() -> None:
    held: list[SourceEvent] = [CallStarted(call_id="late"), of("late", 1), of("late", 2)]
    full = True

    def behave(event: SourceEvent, times: int) -> Answer | str:
        if event.call_id == "late" and full:
            code = Code.AT_CAPACITY if isinstance(event, CallStarted) else Code.UNKNOWN_CALL
            return refused(event, code, retry=True, retry_after=0.01 if code is Code.AT_CAPACITY else None)
        return "ack"

    async with running(Server(behave)) as server, source(server, window=3) as sending:
        for event in held:
            await sending.send(event)
        while not sending._held:
            await asyncio.sleep(0)
        # The window of the call that waits is full, that of the others is not.
        fourth = asyncio.create_task(sending.send(of("late", 3)))
        for event in EVENTS:
            await sending.send(event)
        while sending.unacknowledged > len(held):
            await asyncio.sleep(0)
        assert not fourth.done()
        assert server.log == KEYS
        full = False
        await fourth
        await sending.drained()
        assert server.log[len(EVENTS) :] == ["late:call_started", "late:s@1", "late:s@2", "late:s@3"]
        assert len(server.hellos) == 1


async def test_a_call_that_waits_for_room_is_sent_again_over_a_new_connection() -> None:
    calm = False

    def behave(event: SourceEvent, times: int) -> Answer | str:
        if event.call_id == "late" and not calm:
            return refused(event, Code.AT_CAPACITY, retry=True, retry_after=60)
        return ConnectionResetError if event.call_id == "c" and not calm else "ack"

    async with running(Server(behave)) as server, source(server) as sending:
        await sending.send(CallStarted(call_id="late"))
        while not sending._held:
            await asyncio.sleep(0)
        await sending.send(EVENTS[0])
        while len(server.hellos) < 2:
            await asyncio.sleep(0)
        calm = True
        await sending.drained()
        assert sorted(server.log) == ["call_started", "late:call_started"]


async def test_sending_waits_while_the_window_is_full() -> None:
    held: list[SourceEvent] = []
    arrived = asyncio.Event()

    def behave(event: SourceEvent, times: int) -> Answer | str:
        held.append(event)
        if len(held) == 3:
            arrived.set()
        return None if times == 1 else "ack"

    async with running(Server(behave)) as server, source(server, window=3) as sending:
        for event in EVENTS[:3]:
            await sending.send(event)
        await arrived.wait()
        fourth = asyncio.create_task(sending.send(EVENTS[3]))
        await asyncio.sleep(0)
        assert not fourth.done()
        assert sending.unacknowledged == 3
        fourth.cancel()
    assert server.came == KEYS[:3]


@pytest.mark.parametrize("goodbye", [Refused, Bye])
async def test_a_source_that_is_turned_away_for_good_says_so(goodbye: type[Refused] | type[Bye]) -> None:
    server = Server()
    server.greeting = [goodbye(code=Code.UNAUTHENTICATED, message="Unknown token.", retry=False)]
    async with running(server), source(server) as sending:
        with pytest.raises(MessageRefused) as no:
            await send_one(sending)
        assert no.value.code is Code.UNAUTHENTICATED
        with pytest.raises(MessageRefused):
            await sending.send(EVENTS[1])
    assert len(server.hellos) == 1


async def send_one(sending: Source) -> None:
    await sending.send(EVENTS[0])
    await sending.drained()


async def test_a_server_that_drains_is_tried_again() -> None:
    server = Server()
    server.greeting = [Bye(code=Code.DRAINING, message="Soon.", retry=True, retry_after=0.001)]
    async with running(server), source(server) as sending:
        await send_one(sending)
    assert server.log == KEYS[:1]
    assert len(server.hellos) == 2


async def test_a_refusal_that_names_no_event_ends_the_source() -> None:
    def behave(event: SourceEvent, times: int) -> Answer | str:
        return Refused(code=Code.TOO_MANY_ERRORS, message="Enough.", retry=False)

    async with running(Server(behave)) as server, source(server) as sending:
        with pytest.raises(MessageRefused, match="Enough"):
            await send_one(sending)


async def test_a_handshake_that_is_not_authorised_is_not_repeated() -> None:
    asked = 0

    def refuse(socket: ServerConnection, request: Request) -> Response:
        nonlocal asked
        asked += 1
        return socket.respond(HTTPStatus.UNAUTHORIZED, "no\n")

    async def never(socket: ServerConnection) -> None:
        raise AssertionError

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with Source(f"ws://127.0.0.1:{port}", "token", "name", first_delay=0.001) as sending:
            with pytest.raises(MessageRefused) as no:
                await send_one(sending)
    assert no.value.code is Code.UNAUTHENTICATED
    assert asked == 1


async def test_an_event_that_no_server_would_take_is_refused_at_once() -> None:
    async with running(Server()) as server, source(server) as sending:
        with pytest.raises(MessageRefused):
            await sending.send(segment(-1))
        await sending.drained()
    assert server.came == []


async def test_a_source_that_is_not_open_takes_nothing() -> None:
    sending = Source("ws://127.0.0.1:1", "token", "name")
    with pytest.raises(WorldError):
        await sending.send(EVENTS[0])
    async with Source("http://not-a-socket", "token", "name") as sending:
        with pytest.raises(WorldError, match="WebSocket URL"):
            await send_one(sending)


async def test_a_server_that_speaks_something_else_is_left() -> None:
    async def other(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send("hello?")
        await socket.wait_closed()

    async with serve(other, "127.0.0.1", 0, subprotocols=[Subprotocol(SUBPROTOCOL)]) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with Source(f"ws://127.0.0.1:{port}", "token", "name", first_delay=0.001) as sending:
            with pytest.raises(WorldError, match="protocol"):
                await send_one(sending)


# --- a watcher


@asynccontextmanager
async def serving(log: MemoryLog, port: int = 0, **more: object) -> AsyncIterator[app.Server]:
    settings = Settings(port=port, log="memory", meaning="off", **more)  # type: ignore[arg-type]
    async with app.running(settings, playbook(), log=log) as server:
        yield server


def said(number: int) -> SegmentHeard:
    return SegmentHeard(
        call_id="c",
        segment_id=f"s{number}",
        rev=1,
        party="customer",
        text=f"hello for the {number}th time",
        final=True,
        start_ms=number * 1000,
        end_ms=number * 1000 + 900,
    )


async def send(server: app.Server, *events: SourceEvent) -> None:
    async with Source(server.socket_url, "token", "recogniser-7") as sending:
        for event in events:
            await sending.send(event)
        await sending.drained()


async def next_guided(told: AsyncIterator[OfCall]) -> Guided:
    return await anext(one async for one in told if isinstance(one, Guided))


async def positions(told: AsyncIterator[OfCall]) -> list[Place]:
    """Of what comes until all of the past has been told."""
    found: list[Place] = []
    async for one in told:
        if isinstance(one, CaughtUp):
            break
        assert isinstance(one, Guided)
        found.append(Place(one.epoch, one.seq))
    return found


async def test_a_watcher_goes_on_where_it_was_when_the_server_comes_back() -> None:
    log, whys, port = MemoryLog(), asyncio.Queue[str](), free_port()
    async with serving(log, port) as server:
        await send(server, CallStarted(call_id="c"), said(0))
        told = watch(server.socket_url, "token", "c", first_delay=0.001, longest_delay=0.01, on_lost=whys.put_nowait)
        before = await positions(told)
        await send(server, said(1))
        live = await next_guided(told)
        before.append(Place(live.epoch, live.seq))
    await log.close()
    async with serving(log.reopen(), port) as server:
        await send(server, said(2), said(3))
        after = await positions(told)
        await send(server, said(4), CallEnded(call_id="c", at_ms=9000))
        while not isinstance(one := await anext(told), Briefed):
            assert isinstance(one, Guided)
            after.append(Place(one.epoch, one.seq))
        async with aclosing(watch(server.socket_url, "token", "c", role="agent")) as anew:
            assert before + after == await positions(anew)
        await told.aclose()
    assert (before[0].epoch, after[-1].epoch) == (1, 2)
    assert (await whys.get()).startswith("draining: ")


async def test_another_process_goes_on_behind_the_position_that_it_is_given() -> None:
    async with serving(MemoryLog()) as server:
        await send(server, CallStarted(call_id="c"), *map(said, range(4)))
        async with aclosing(watch(server.socket_url, "token", "c")) as told:
            everything = await positions(told)
        async with aclosing(watch(server.socket_url, "token", "c", after=everything[1])) as told:
            assert await positions(told) == everything[2:]
        async with aclosing(watch(server.socket_url, "token", "c", after=Place(1, 999))) as told:
            assert isinstance(await anext(told), StartOver)
            assert await positions(told) == everything


async def test_a_call_that_has_not_begun_is_waited_for() -> None:
    whys = asyncio.Queue[str]()
    async with (
        serving(MemoryLog()) as server,
        aclosing(
            watch(server.socket_url, "token", "c", first_delay=0.001, longest_delay=0.01, on_lost=whys.put_nowait)
        ) as told,
    ):
        first = asyncio.ensure_future(anext(told))
        assert "unknown_call" in await whys.get()
        await send(server, CallStarted(call_id="c"))
        assert isinstance(await first, Guided)


async def test_a_watcher_that_is_turned_away_for_good_says_so() -> None:
    async with (
        serving(MemoryLog(), agent_token="right") as server,
        aclosing(watch(server.socket_url, "wrong", "c", role="agent")) as told,
    ):
        with pytest.raises(MessageRefused) as no:
            await anext(told)
    assert no.value.code is Code.UNAUTHENTICATED
