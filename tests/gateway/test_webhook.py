"""The webhook: signed CloudEvents over real HTTP, whatever the receiver does, and no call that waits for it."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import uvicorn
from calls import CALL, playbook, rule, say, segment
from desks import STARTED, joined, serving
from desks import segment as said
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from rtig.core.conditions import Said
from rtig.core.events import AlertAnswered, AnyEvent, CallEnded, CallStarted, SegmentVoided
from rtig.core.frustration import Signal
from rtig.core.playbook import SignalSource, Source
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey
from rtig.gateway import webhook
from rtig.gateway.metrics import Metrics
from rtig.gateway.webhook import Patience, Webhook, signature
from rtig.live import LiveCalls
from rtig.wire.messages import Board

BOOK = playbook(
    Source(
        name="alerts",
        rules=(replace(rule("legal", Said(("my lawyer",))), to="supervisors", kind="alert", title="Legal"),),
        signals=(SignalSource(Signal("hot", "is hot", 0.6), ("point two",)),),
    )
)
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY = bytes(range(32))
SOON = Patience(answer=5.0, first_wait=0.001, longest_wait=0.004, give_up=20.0)
C1 = CallKey("default", CALL)

Behave = Callable[[Request], Awaitable[Response]]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Receiver:
    """Another system's webhook, on a real server. `behave` answers; all that came is kept."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.behave: Behave = self._takes
        self._came = asyncio.Condition()

    async def hear(self, request: Request) -> Response:
        body = await request.body()
        async with self._came:
            self.requests.append((dict(request.headers), body))
            self._came.notify_all()
        return await self.behave(request)

    async def came(self, count: int) -> list[dict[str, Any]]:
        """The events, once there were so many requests."""
        async with self._came, asyncio.timeout(20):
            await self._came.wait_for(lambda: len(self.requests) >= count)
        return [json.loads(body) for _, body in self.requests]

    @staticmethod
    async def _takes(_: Request) -> Response:
        return Response(status_code=204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/hook", receiver.hear, methods=["GET", "POST"])])
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    receiver.url = f"http://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        server.should_exit = True
        await task


class House:
    """Live calls with a webhook."""

    def __init__(self, url: str, words: bool = False, patience: Patience = SOON) -> None:
        self.log = MemoryLog()
        self.metrics = Metrics()
        self.live = LiveCalls(self.log, BOOK)
        self.webhook = Webhook(self.live, self.metrics, url, KEY, words, patience)
        self.number = 0

    async def takes(self, *events: AnyEvent, key: CallKey = C1) -> None:
        await self.live.open(key)
        for event in events:
            self.live.accept(key, replace(event, call_id=key.call_id))

    async def alerts(self, *calls: str) -> None:
        """An alert opens in each of some calls."""
        for name in calls:
            key = CallKey("default", name)
            await self.takes(CallStarted(call_id=name, agent="desk-1", queue="billing"), LAWYER, key=key)

    async def counted(self, **counts: int) -> None:
        """Wait until so many events have come to their end."""
        async with asyncio.timeout(20):
            while not counts.items() <= self.metrics.webhook.items():
                await asyncio.sleep(0.001)


LAWYER = segment("s1", say("customer", 1_000, "the street is elm and you will hear from my lawyer"))


@asynccontextmanager
async def house(url: str, **more: Any) -> AsyncIterator[House]:
    opened = House(url, **more)
    try:
        yield opened
    finally:
        await opened.webhook.close()
        opened.live.close()
        await opened.log.close()


def answer(action: Any, answer_id: str, at_ms: int) -> AlertAnswered:
    return AlertAnswered(call_id=CALL, alert_id="legal", action=action, by="eve", at_ms=at_ms, answer_id=answer_id)


def verified(headers: dict[str, str], body: bytes, key: bytes = KEY) -> bool:
    """As any receiver checks it that has read the standard and not this code."""
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [part.split(",", 1) for part in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(expected, value) for version, value in given)


# --- what is sent


async def test_each_change_of_state_is_one_signed_event() -> None:
    async with receiving() as receiver, house(receiver.url) as it:
        await it.takes(CallStarted(call_id=CALL, agent="desk-1", queue="billing", customer="account-7"), LAWYER)
        await it.takes(answer("acknowledge", "a1", 6_000))
        await it.takes(segment("s2", say("customer", 8_000, "point two")))
        await it.takes(answer("resolve", "a2", 10_000), CallEnded(call_id=CALL, at_ms=20_000))
        told = await receiver.came(4)
        await it.counted(sent=4)
    types = ["rtig.alert.opened", "rtig.alert.acknowledged", "rtig.alert.reopened", "rtig.alert.resolved"]
    assert [event["type"] for event in told] == types
    assert all(verified(headers, body) for headers, body in receiver.requests)
    assert {headers["content-type"] for headers, _ in receiver.requests} == {"application/cloudevents+json"}
    opened, acknowledged, reopened, resolved = told
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", opened.pop("time"))
    assert receiver.requests[0][0]["webhook-id"] == opened.pop("id")
    assert opened == {
        "specversion": "1.0",
        "source": "/rtig/default",
        "type": "rtig.alert.opened",
        "subject": CALL,
        "datacontenttype": "application/json",
        "data": {
            "alert": "legal",
            "title": "Legal",
            "state": "open",
            "level": "calm",
            "raised": 1,
            "raised_ms": 4_300,
            "at_ms": 4_300,
            "condition": "“my lawyer” said by the customer",
            "by": "",
            "reason": "",
            "agent": "desk-1",
            "queue": "billing",
            "epoch": it.live.epoch,
            "seq": 2,
        },
    }
    assert (acknowledged["data"]["by"], acknowledged["data"]["seq"]) == ("eve", 3)
    assert (reopened["data"]["raised"], reopened["data"]["level"]) == (2, "frustrated")
    assert (resolved["data"]["reason"], resolved["data"]["by"]) == ("handled", "eve")


async def test_customers_words_leave_only_where_that_is_set() -> None:
    async with receiving() as receiver:
        for words in (False, True):
            async with house(receiver.url, words=words) as it:
                await it.alerts(CALL)
                await it.counted(sent=1)
    (_, without), (_, with_words) = receiver.requests
    assert b"words" not in without
    assert json.loads(with_words)["data"]["words"] == [{"party": "customer", "text": "my lawyer"}]
    assert b"elm" not in without + with_words


async def test_ids_are_derived_and_belong_to_one_change() -> None:
    async with receiving() as receiver:
        for _ in range(2):
            async with house(receiver.url) as it:
                await it.alerts("c-1", "c-2")
                await it.takes(answer("acknowledge", "a1", 6_000), key=CallKey("default", "c-1"))
                await it.counted(sent=3)
        events = await receiver.came(6)
    assert {event["id"] for event in events[:3]} == {event["id"] for event in events[3:]}
    assert len({event["id"] for event in events}) == 3


async def test_a_tenant_with_any_name_has_an_address_and_a_call_with_any_id_a_header() -> None:
    async with receiving() as receiver, house(receiver.url) as it:
        await it.takes(CallStarted(call_id="ü"), LAWYER, key=CallKey("a tenant/of ours", "ü"))
        (event,) = await receiver.came(1)
        await it.counted(sent=1)
    assert (event["source"], event["subject"]) == ("/rtig/a%20tenant%2Fof%20ours", "ü")
    assert event["id"].isascii()


async def test_an_alert_that_is_only_heard_better_is_no_news() -> None:
    async with receiving() as receiver, house(receiver.url) as it:
        await it.takes(CallStarted(call_id=CALL), LAWYER)
        await it.takes(segment("s0", say("customer", 0, "my lawyer")))
        await it.takes(SegmentVoided(call_id=CALL, segment_id="s1"), SegmentVoided(call_id=CALL, segment_id="s0"))
        events = await receiver.came(2)
        await it.counted(sent=2)
    assert [(e["data"]["state"], e["data"]["reason"]) for e in events] == [("open", ""), ("resolved", "revised")]


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_receiver_that_checks_turns_wrong_signatures_away() -> None:
    async with receiving() as receiver:
        others = b"another secret of thirty-two byte"

        async def checks(request: Request) -> Response:
            headers, body = receiver.requests[-1]
            return Response(status_code=204 if verified(headers, body, others) else 401)

        receiver.behave = checks
        async with house(receiver.url, patience=SOON._replace(give_up=0.0)) as it:
            await it.alerts(CALL)
            await it.counted(failed=1)
        headers, body = receiver.requests[-1]
    assert verified(headers, body)
    assert not verified(headers, body + b" ")
    assert not verified({**headers, "webhook-timestamp": "1"}, body)
    assert not verified({**headers, "webhook-id": "other"}, body)


# --- receivers that fail


async def test_a_receiver_that_fails_and_recovers_has_every_event_once_and_in_its_calls_order() -> None:
    async with receiving() as receiver, house(receiver.url) as it:

        async def fails_at_first(request: Request) -> Response:
            return Response(status_code=503 if len(receiver.requests) < 4 else 200)

        receiver.behave = fails_at_first
        with capture_logs() as logs:
            await it.takes(CallStarted(call_id=CALL), LAWYER, answer("acknowledge", "a1", 6_000))
            await it.counted(sent=2)
        assert it.metrics.webhook["retried"] == 3
        events = [json.loads(body) for _, body in receiver.requests]
    assert [event["type"].rpartition(".")[2] for event in events] == [*["opened"] * 4, "acknowledged"]
    assert len({event["id"] for event in events[:4]}) == 1
    assert [(log["event"], log.get("kind")) for log in logs] == [
        ("webhook fails", "status 503"),
        ("webhook works again", None),
    ]
    assert all(verified(headers, body) for headers, body in receiver.requests)


async def test_a_receiver_that_is_not_there_is_given_up_and_counted() -> None:
    async with house("http://127.0.0.1:9/hook", patience=SOON._replace(give_up=0.05)) as it:
        with capture_logs() as logs:
            await it.alerts("c-1", "c-2")
            await it.counted(failed=2)
    assert it.metrics.webhook["retried"] > 0
    assert [(log["event"], log["kind"]) for log in logs] == [("webhook fails", "ConnectError")]
    assert "c-1" not in str(logs)


async def test_a_redirect_is_not_followed() -> None:
    async with receiving() as receiver, house(receiver.url, patience=SOON._replace(give_up=0.0)) as it:

        async def elsewhere(_: Request) -> Response:
            return RedirectResponse(receiver.url)

        receiver.behave = elsewhere
        await it.alerts(CALL)
        await it.counted(failed=1)
        assert len(receiver.requests) == 1


async def test_a_hung_receiver_disturbs_no_call_and_what_waits_is_bounded() -> None:
    released = asyncio.Event()
    async with receiving() as receiver:

        async def hangs(_: Request) -> Response:
            await released.wait()
            return PlainTextResponse("at last")

        receiver.behave = hangs
        names = [f"c-{number}" for number in range(30)]
        async with house(receiver.url, patience=SOON._replace(most=20)) as it:
            await it.alerts(*names)
            for name in names:  # every call goes on, and has its alert
                assert it.live.call(CallKey("default", name)).told.alerts["legal"].state == "open"
            assert it.metrics.webhook["dropped"] == 10
            await receiver.came(webhook.AT_ONCE)
            await it.takes(answer("resolve", "a1", 6_000), key=CallKey("default", "c-0"))
            assert it.live.call(CallKey("default", "c-0")).told.alerts["legal"].state == "resolved"
            assert len(receiver.requests) == webhook.AT_ONCE
            released.set()
            await it.counted(sent=20, dropped=11)


async def test_an_answer_that_never_comes_is_not_waited_for_for_ever() -> None:
    async with receiving() as receiver:
        released = asyncio.Event()

        async def hangs(_: Request) -> Response:
            await released.wait()
            return Response()

        receiver.behave = hangs
        async with house(receiver.url, patience=SOON._replace(answer=0.05, give_up=0.0)) as it:
            await it.alerts(CALL)
            await it.counted(failed=1)
        released.set()


async def test_one_call_that_waits_for_its_next_try_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "CLOSE_SECONDS", 0.05)
    async with receiving() as receiver:

        async def dislikes_one(_: Request) -> Response:
            return Response(status_code=500 if b"c-bad" in receiver.requests[-1][1] else 204)

        receiver.behave = dislikes_one
        patience = SOON._replace(first_wait=30.0, longest_wait=30.0, give_up=60.0)
        async with house(receiver.url, patience=patience) as it:
            await it.alerts("c-bad", "c-1", "c-2")
            await it.counted(sent=2)
        assert it.metrics.webhook["dropped"] == 1


# --- with a whole server


async def test_only_what_is_heard_live_is_told_not_what_is_folded_again_after_a_restart() -> None:
    log = MemoryLog()
    async with receiving() as receiver:
        settings = {"webhook_url": receiver.url, "webhook_secret": SECRET}
        async with serving(log, BOOK, **settings) as server, joined(server, "source", source="s") as source:
            await source.acked(STARTED, said(1, "you will hear from my lawyer"))
            await receiver.came(1)
        await log.close()
        log = log.reopen()
        async with serving(log, BOOK, **settings) as server, joined(server, "supervisor", agent="eve") as chief:
            await chief.say({"type": "watch_board"})
            assert [alert.id for alert in (await chief.until(Board)).alerts] == ["legal"]
            message = {"type": "answer_alert", "call_id": "c1", "alert_id": "legal", "answer_id": "a1"}
            await chief.acked(message | {"action": "acknowledge"})
            first, second = await receiver.came(2)
            assert server.desk.metrics.alerts == {"acknowledged": 1}
    await log.close()
    assert (first["type"], second["type"]) == ("rtig.alert.opened", "rtig.alert.acknowledged")
    assert all(verified(headers, body) for headers, body in receiver.requests)
    assert msgspec.json.decode(receiver.requests[1][1])["data"]["by"] == "eve"
