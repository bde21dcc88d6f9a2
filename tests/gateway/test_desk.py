"""What connections share: who owns a call, when a call leaves memory, and how a server ends."""

import asyncio
from typing import Any

import pytest
from desks import ENDED, STARTED, joined, segment, serving, small_playbook
from sockets import client
from websockets.exceptions import InvalidStatus

from rtig.core.events import CallStarted
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import Appended, CallKey, Position
from rtig.gateway.desk import Desk
from rtig.gateway.doors import Doors
from rtig.gateway.metrics import Metrics
from rtig.gateway.socket import Visitor
from rtig.live import LiveCalls
from rtig.wire.messages import Bye, Guided, Refused

C1 = CallKey("default", "c1")


async def desk(**more: Any) -> Desk:
    return Desk(LiveCalls(MemoryLog(), small_playbook()), Doors(), Metrics(), **more)


async def test_who_is_admitted() -> None:
    it = await desk()
    here = Visitor("/ws", None, "localhost:1", "")
    assert it.admit(here) is None
    assert it.admit(here._replace(origin="http://localhost:1")) is None
    for visitor, status in (
        (here._replace(path="/"), 404),
        (here._replace(origin="http://evil.example"), 403),
        (here._replace(origin="http://evil.example:1", host="evil.example:1"), 403),
    ):
        turned = it.admit(visitor)
        assert turned is not None
        assert turned.status == status
    it.draining = True
    turned = it.admit(here)
    assert turned is not None
    assert (turned.status, turned.code, turned.retry_after) == (503, Code.DRAINING, 1)
    await it.close()


async def test_owners() -> None:
    it = await desk()
    nobody = object()
    it.own(C1, "one")
    it.own(C1, "one")
    for other in ("two", nobody):
        with pytest.raises(MessageRefused) as error:
            it.own(C1, other)
        assert error.value.code is Code.CALL_TAKEN
    it.own(CallKey("umbra", "c1"), "two")
    it.own(CallKey("default", "c2"), nobody)
    it.disown(nobody)
    it.own(CallKey("default", "c2"), "two")
    await it.close()


async def test_readiness_says_what_is_wrong() -> None:
    it = await desk()
    assert it.ready() == []
    it.log_trouble = "The disk is full."
    it.draining = True
    assert it.ready() == ["draining", "log: The disk is full."]
    await it.close()


async def test_a_call_that_is_over_leaves_when_nobody_watches_it() -> None:
    async with serving() as server, joined(server, "source", source="one") as source, joined(server, "agent") as agent:
        server.desk._release_seconds = 0.02
        await source.acked(STARTED, STARTED | {"call_id": "c2"})
        await agent.watch()
        await source.acked(ENDED, ENDED | {"call_id": "c2"})
        while server.live.has(CallKey("default", "c2")):
            await asyncio.sleep(0)
        assert server.live.has(C1)
        await agent.until(Guided)
        await agent.say({"type": "unwatch", "call_id": "c1"})
        while server.live.has(C1):
            await asyncio.sleep(0)
        assert not server.desk._owners
        # It comes back from the log for who asks for it, and leaves again.
        assert len(await agent.watch()) == 2
        assert (await source.acked(STARTED))[0].seq == 1
        assert (await source.refused(segment(1))).code is Code.CALL_ENDED
        await agent.connection.close()
        while server.live.has(C1):
            await asyncio.sleep(0)


class Ailing(MemoryLog):
    """A disk that is slow, and then full."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[asyncio.Future[None]] = []
        self.full = False
        self._appended = asyncio.Event()

    async def has_appended(self, count: int) -> None:
        while len(self.waiting) < count:
            self._appended.clear()
            await self._appended.wait()

    def append(self, call: CallKey, event: Any) -> Appended:
        if self.full:
            raise LogUnavailable("The disk is full.")
        position, fresh, _ = super().append(call, event)
        durable = asyncio.get_running_loop().create_future()
        self.waiting.append(durable)
        self._appended.set()
        return Appended(position, fresh, durable)


async def test_guidance_does_not_wait_for_the_disk_and_acknowledgements_do() -> None:
    log = Ailing()
    async with serving(log) as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.say(STARTED)
        await log.has_appended(1)
        await agent.watch()
        await source.say(segment(1))
        await agent.until(Guided)
        for durable in log.waiting:
            durable.set_result(None)
        acks = [await source.hear(), await source.hear()]
        assert [getattr(ack, "key", "") for ack in acks] == ["call_started", "s1@1"]
        await source.say(segment(2))
        await agent.until(Guided)
        log.waiting[-1].set_exception(LogUnavailable("The disk is full."))
        refused = await source.until(Refused)
        assert (refused.code, refused.key, refused.retry) == (Code.LOG_UNAVAILABLE, "s2@1", True)
        assert server.desk.ready() == ["log: The disk is full."]
        log.full = True
        refused = await source.refused(segment(3))
        assert (refused.code, refused.key) == (Code.LOG_UNAVAILABLE, "s3@1")
        log.full = False
        await source.say(segment(3))
        await log.has_appended(4)
        log.waiting[-1].set_result(None)
        await source.hear()
        assert server.desk.ready() == []


async def test_the_end_of_a_server() -> None:
    log = Ailing()
    async with serving(log) as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.say(STARTED, segment(1))
        await log.has_appended(2)
        await agent.watch()
        draining = asyncio.create_task(server.desk.drain())
        bye = await agent.until(Bye)
        assert (bye.code, bye.retry) == (Code.DRAINING, True)
        await agent.connection.wait_closed()
        assert agent.connection.close_code == 1012
        with pytest.raises(InvalidStatus) as error:
            await client(server.socket_url)
        assert error.value.response.status_code == 503
        refused = await source.refused(STARTED | {"call_id": "c2"})
        assert (refused.code, refused.retry) == (Code.DRAINING, True)
        assert not draining.done()
        for durable in log.waiting:
            durable.set_result(None)
        bye = await source.until(Bye)
        assert bye.code is Code.DRAINING
        await draining
        assert [getattr(message, "key", "") for message in source.heard].count("s1@1") == 1


async def test_a_call_that_never_began_can_be_let_go_at_any_time() -> None:
    it = await desk()
    it.let_go(C1)
    await it.live.open(C1)
    it.own(C1, "one")
    it.let_go(C1)
    it.own(C1, "two")
    it.live.accept(C1, CallStarted(call_id="c1"))
    it.let_go(C1)
    with pytest.raises(MessageRefused):
        it.own(C1, "one")
    assert it.live.past(C1, None).position == Position(1, 1)
    it.live.close()
    await it.close()
