"""The brief of a call, as people get it: asked for, told at the end, and over HTTP; with who was given it on record."""

import asyncio
from typing import Any

import msgspec
import pytest
from desks import ENDED, STARTED, joined, segment, serving
from structlog.testing import capture_logs
from test_pages import ask

from rtig.app import Server
from rtig.core.guidance import Brief, CallInfo
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import CallKey
from rtig.gateway.doors import Doors, Token, digest_of
from rtig.gateway.metrics import Metrics
from rtig.gateway.pages import TICKETS_IN_A_BURST, pages
from rtig.wire.messages import Briefed, Guided, History, StartOver

C1 = CallKey("default", "c1")
ASK: dict[str, Any] = {"type": "ask_brief", "call_id": "c1"}
TRANSFERRED: dict[str, Any] = ENDED | {"reason": "transferred"}
ASKED = segment(1, "i would like to cancel my contract please")
PROMISED = segment(5, "i will send you a letter by friday", party="agent")


def asked(briefed: Briefed) -> list[str]:
    return [line.text for line in briefed.brief.asked]


@pytest.mark.parametrize("role", ["agent", "supervisor"])
async def test_a_brief_can_be_asked_for_at_any_time(role: str) -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, role) as reader:
        await source.acked(STARTED, ASKED)
        await reader.say(ASK)
        first = await reader.until(Briefed)
        assert asked(first) == ["i would like to cancel my contract please"]
        assert (first.brief.state, first.brief.agent, first.brief.queue) == ("live", "ann", "billing")
        assert first.brief.promised == ()
        await source.acked(PROMISED)
        with capture_logs() as logs:
            await reader.say(ASK)
            second = await reader.until(Briefed)
        assert [line.when for line in second.brief.promised] == ["by friday"]
        [entry] = [entry for entry in logs if entry["event"] == "brief read"]
        assert (entry["tenant"], entry["call_id"], entry["role"]) == ("default", "c1", role)
        assert "letter" not in str(logs)


async def test_who_may_not_have_a_brief_and_of_what_there_is_none() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        assert (await source.refused(ASK)).code is Code.NOT_ALLOWED
        refused = await agent.refused(ASK)
        assert (refused.code, refused.call_id, refused.key, refused.retry) == (Code.UNKNOWN_CALL, "c1", "", True)
        while server.live.has(C1):
            await asyncio.sleep(0)
        refused = await agent.refused({"type": "ask_brief", "call_id": "a b"})
        assert refused.code is Code.BAD_MESSAGE


async def test_those_who_watch_a_call_are_told_its_brief_when_it_ends_and_nobody_else() -> None:
    async with (
        serving() as server,
        joined(server, "source") as source,
        joined(server, "agent") as agent,
        joined(server, "supervisor") as supervisor,
        joined(server, "agent", agent="somebody-else") as other,
    ):
        await source.acked(STARTED, ASKED, PROMISED)
        await agent.watch()
        await supervisor.watch()
        await source.acked(TRANSFERRED)
        for reader in (agent, supervisor):
            told = await reader.until(Briefed)
            assert (told.brief.state, told.brief.reason, told.brief.at_ms) == ("ended", "transferred", 60_000)
            assert len(told.brief.promised) == 1
            over = [message for message in reader.heard if isinstance(message, Guided)][-1]
            assert any(isinstance(item, CallInfo) and item.state == "ended" for item in over.items)
        await other.say({"type": "find", "find_id": "f", "query": ""})
        while not any(getattr(message, "find_id", "") == "f" for message in other.heard):
            assert not isinstance(await other.hear(), Briefed)


async def test_the_brief_of_a_call_that_has_left_memory_comes_from_the_log() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        server.desk._release_seconds = 0.02
        await source.acked(STARTED, ASKED, ENDED)
        while server.live.has(C1):
            await asyncio.sleep(0)
        await agent.say(ASK)
        assert asked(await agent.until(Briefed)) == ["i would like to cancel my contract please"]
        while server.live.has(C1):
            await asyncio.sleep(0)


LEFT: dict[str, Any] = {"type": "send_handover", "call_id": "c1", "handover_id": "o1", "text": "ring a@b.example back"}


async def test_what_the_agent_leaves_is_part_of_the_call_and_the_next_one_has_it_first() -> None:
    async with (
        serving() as server,
        joined(server, "source") as source,
        joined(server, "agent", agent="ann") as ann,
        joined(server, "agent", agent="bob") as bob,
    ):
        server.desk._release_seconds = 0.02
        await source.acked(STARTED | {"customer": "account 7"}, ASKED, ENDED)
        while server.live.has(C1):
            await asyncio.sleep(0)
        # The call is over and out of memory.
        first, again = await ann.acked(LEFT, LEFT)
        assert first == again
        assert first.key == "handover:o1"
        while server.live.has(C1):
            await asyncio.sleep(0)
        await source.acked(STARTED | {"call_id": "c2", "customer": "account 7"})
        await bob.say({"type": "ask_history", "call_id": "c2"})
        told = await bob.until(History)
        assert told.brief is not None
        handover = told.brief.handover
        assert handover is not None
        assert (handover.text, handover.by) == ("ring [e-mail] back", "ann")
        assert handover.sent_at > 1_700_000_000_000
        assert (await ann.refused(LEFT | {"call_id": "c9"})).code is Code.UNKNOWN_CALL
        assert (await ann.refused(LEFT | {"text": ""})).code is Code.BAD_MESSAGE
        assert (await ann.refused(LEFT | {"text": "x" * 4001})).code is Code.BAD_MESSAGE
        assert (await source.refused(LEFT)).code is Code.NOT_ALLOWED
        await server.desk.erase(C1)
        await bob.say({"type": "ask_history", "call_id": "c2"})
        assert (await bob.until(History)).contacts == ()


async def test_an_erased_call_has_no_brief() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.acked(STARTED, ASKED)
        await agent.watch()
        await server.desk.erase(C1)
        await agent.until(StartOver)
        assert (await agent.refused(ASK)).code is Code.UNKNOWN_CALL


# --- over HTTP


async def test_a_program_gets_the_brief_over_http() -> None:
    async with serving(source_token="one", agent_token="two") as server:
        async with joined(server, "source", token="one") as source:
            await source.acked(STARTED, ASKED, PROMISED)
        with capture_logs() as logs:
            answer = await get(server, "two")
        found = msgspec.json.decode(answer.body, type=Brief)
        assert (found.call_id, [line.when for line in found.promised]) == ("c1", ["by friday"])
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
        [entry] = [entry for entry in logs if entry["event"] == "brief read"]
        assert (entry["tenant"], entry["call_id"], entry["role"]) == ("default", "c1", "agent")
        assert (await get(server, "two", "c2")).json["code"] == Code.UNKNOWN_CALL


async def get(server: Server, token: str, call_id: str = "c1") -> Any:
    app = pages(server.desk.doors, server.desk.metrics, server.desk.ready, brief=server.desk.brief)
    return await ask(app, f"/api/calls/{call_id}/brief", authorization=f"Bearer {token}")


TOKENS = [
    Token("acme", "agent", digest_of("two")),
    Token("acme", "source", digest_of("one")),
    Token("zenith", "supervisor", digest_of("three")),
]


async def only_of_acme(call: CallKey) -> Brief:
    if call.call_id == "down":
        raise LogUnavailable("The disk is full.")
    if call != CallKey("acme", "c1"):
        raise MessageRefused(Code.UNKNOWN_CALL, "There is no call of this id here.", retry=True)
    return msgspec.convert(
        {
            "call_id": "c1", "state": "live", "reason": "", "channel": "chat", "agent": "", "queue": "", "customer": "",
            "started_at": 0, "at_ms": 0, "playbook": "p",
            "mood": {"score": 0.0, "band": "calm", "highest": "calm", "highest_ms": 0},
        },
        Brief,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("token", "call_id", "more", "status", "code"),
    [
        ("two", "c1", {}, 200, None),
        ("three", "c1", {}, 404, Code.UNKNOWN_CALL),  # another tenant's
        ("two", "c9", {}, 404, Code.UNKNOWN_CALL),
        ("two", "a b", {}, 404, Code.UNKNOWN_CALL),
        ("two", "x" * 129, {}, 404, Code.UNKNOWN_CALL),
        ("one", "c1", {}, 403, Code.NOT_ALLOWED),
        ("four", "c1", {}, 401, Code.UNAUTHENTICATED),
        ("two", "c1", {"origin": "https://evil.example"}, 403, Code.BAD_ORIGIN),
        ("two", "down", {}, 503, Code.LOG_UNAVAILABLE),
    ],
)
async def test_who_gets_which_brief(
    token: str, call_id: str, more: dict[str, Any], status: int, code: Code | None
) -> None:
    app = pages(Doors(TOKENS), Metrics(), list, brief=only_of_acme)
    answer = await ask(app, f"/api/calls/{call_id}/brief", authorization=f"Bearer {token}", **more)
    assert (answer.status, answer.json.get("code")) == (status, code)
    assert answer.headers["cache-control"] == "no-store"


async def test_where_no_key_is_asked_for_the_server_must_be_asked_by_its_own_name() -> None:
    app = pages(Doors(), Metrics(), list, brief=only_of_acme)
    path = "/api/calls/c1/brief"
    assert (await ask(app, path, host="evil.example")).status == 403
    assert (await ask(app, path, host="localhost:8765")).json["code"] == Code.UNKNOWN_CALL


async def test_briefs_are_limited_per_address() -> None:
    app = pages(Doors(TOKENS), Metrics(), list, brief=only_of_acme)
    path, key = "/api/calls/c1/brief", "Bearer two"
    answers = [await ask(app, path, authorization=key) for _ in range(int(TICKETS_IN_A_BURST) + 1)]
    assert [answer.status for answer in answers] == [200] * int(TICKETS_IN_A_BURST) + [429]
    assert (await ask(app, path, client="10.0.0.2", authorization=key)).status == 200
