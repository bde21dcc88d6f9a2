"""What is served over HTTP, asked of the application itself and, where the socket matters, of a whole server."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from desks import joined, serving, turned_off, welcomed
from sockets import client
from starlette.types import ASGIApp, Message
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from rtig.app import Server
from rtig.errors import Code
from rtig.gateway.doors import TICKETS_AT_ONCE, Doors, Token, digest_of
from rtig.gateway.metrics import LAG, READING, STAGES, Metrics
from rtig.gateway.pages import TICKETS_IN_A_BURST, pages
from rtig.wire.latency import Latency
from rtig.wire.messages import SUBPROTOCOL, TICKET_PREFIX, Welcome

TOKENS = [Token("acme", "agent", digest_of("two")), Token("acme", "supervisor", digest_of("two"))]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


async def ask(
    app: ASGIApp, path: str, method: str = "GET", body: bytes = b"", client: str = "10.0.0.1", **headers: str
) -> Answer:
    """One request, as a server would hand it over."""
    sent: list[Message] = []
    parts = [body[at : at + 1000] for at in range(0, len(body), 1000)] or [b""]

    async def receive() -> Message:
        if not parts:
            await asyncio.Event().wait()  # nothing more comes, and nobody hangs up
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        sent.append(message)

    named = {"host": "desk.example"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "client": (client, 50_000),
        "server": ("desk.example", 80),
    }
    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(start["status"], {k.decode().lower(): v.decode() for k, v in start["headers"]}, content)


async def ask_ticket(app: ASGIApp, body: bytes = b'{"role":"agent"}', key: str = "two", **more: str) -> Answer:
    return await ask(app, "/api/ticket", "POST", body, authorization=f"Bearer {key}", **more)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "agent.html").write_text("<!doctype html>agent")
    (tmp_path / "board.html").write_text("<!doctype html>board")
    (tmp_path / "assets" / "agent-4f2a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("no")
    return tmp_path


def app(web: Path, reasons: list[str] | None = None, doors: Doors | None = None) -> ASGIApp:
    return pages(doors or Doors(TOKENS), Metrics(), lambda: reasons or [], web)


async def test_pages_are_asked_for_each_time_and_assets_never_again(web: Path) -> None:
    it = app(web)
    agent = await ask(it, "/agent")
    assert (agent.status, agent.body, agent.headers["cache-control"]) == (200, b"<!doctype html>agent", "no-cache")
    known = await ask(it, "/agent", if_none_match=agent.headers["etag"])
    assert (known.status, known.body, known.headers["cache-control"]) == (304, b"", "no-cache")
    assert known.headers["content-security-policy"] == agent.headers["content-security-policy"]
    assert (await ask(it, "/board")).body == b"<!doctype html>board"
    asset = await ask(it, "/assets/agent-4f2a.js")
    assert asset.status == 200
    assert asset.headers["content-type"].startswith("text/javascript")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_the_root_leads_to_the_agents_page(web: Path) -> None:
    root = await ask(app(web), "/")
    assert (root.status, root.headers["location"]) == (307, "agent")


@pytest.mark.parametrize(
    "path", ["/assets/nothing.js", "/assets/../secret.txt", "/assets/..", "/assets/%2e%2e", "/assets/.hidden", "/etc"]
)
async def test_nothing_else_is_served(web: Path, path: str) -> None:
    assert (await ask(app(web), path)).status == 404


async def test_pages_that_are_not_built_say_how_to_build_them(tmp_path: Path) -> None:
    for path in ("/agent", "/board", "/author"):
        answer = await ask(app(tmp_path), path)
        assert answer.status == 503
        assert b"make pages" in answer.body


@pytest.mark.parametrize("path", ["/agent", "/assets/agent-4f2a.js", "/healthz", "/metrics", "/nothing", "/api/ticket"])
async def test_every_answer_carries_the_security_headers(web: Path, path: str) -> None:
    headers = (await ask(app(web), path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


async def test_health_and_readiness(web: Path) -> None:
    assert (await ask(app(web, ["draining"]), "/healthz")).status == 200
    assert (await ask(app(web), "/readyz")).json == {"ready": True, "reasons": []}
    answer = await ask(app(web, ["draining"]), "/readyz")
    assert (answer.status, answer.json["reasons"]) == (503, ["draining"])


async def test_the_protocol_and_the_figures_are_described(web: Path) -> None:
    assert (await ask(app(web), "/asyncapi.json")).json["asyncapi"] == "3.0.0"
    figures = await ask(app(web), "/metrics")
    assert figures.headers["content-type"].startswith("text/plain")
    assert b"rtig_live_calls 0.0" in figures.body


async def test_a_plain_request_to_the_socket_is_told_what_it_is(web: Path) -> None:
    answer = await ask(app(web), "/ws")
    assert (answer.status, answer.headers["upgrade"]) == (426, "websocket")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"key": ""}, 401, Code.UNAUTHENTICATED),
        ({"key": "wrong"}, 401, Code.UNAUTHENTICATED),
        ({"body": b'{"role":"source"}'}, 403, Code.NOT_ALLOWED),
        ({"body": b'{"role":"queen"}'}, 400, Code.UNKNOWN_ROLE),
        ({"body": b""}, 400, Code.BAD_MESSAGE),
        ({"body": b"{"}, 400, Code.BAD_MESSAGE),
        ({"body": b'{"role":7}'}, 400, Code.BAD_MESSAGE),
        ({"body": b'{"role":"agent","more":1}'}, 400, Code.BAD_MESSAGE),
        ({"body": b'{"role":"agent"' + b" " * 5000 + b"}"}, 400, Code.BAD_MESSAGE),
        ({"origin": "https://evil.example"}, 403, Code.BAD_ORIGIN),
    ],
)
async def test_a_ticket_is_refused_with_a_code_and_counted(
    web: Path, more: dict[str, Any], status: int, code: Code
) -> None:
    metrics = Metrics()
    answer = await ask_ticket(pages(Doors(TOKENS), metrics, list, web), **more)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"
    assert metrics.refused == {code: 1}


async def test_what_is_given_or_refused_elsewhere_is_counted_as_it_is(web: Path) -> None:
    metrics = Metrics()
    it = pages(Doors(TOKENS), metrics, list, web)
    assert (await ask_ticket(it)).status == 200
    assert not metrics.refused
    assert (await ask(it, "/api/ticket", "OPTIONS", origin="https://evil.example")).status == 403
    assert (await ask(it, "/api/calls/c-1/brief")).status == 401
    assert (await ask(it, "/api/calls/c-1/brief", authorization="Bearer two")).status == 404
    assert metrics.refused == {Code.BAD_ORIGIN: 1, Code.UNAUTHENTICATED: 1, Code.UNKNOWN_CALL: 1}


async def test_no_tickets_while_draining(web: Path) -> None:
    answer = await ask_ticket(app(web, ["draining"]))
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, Code.DRAINING, "1")


async def test_tickets_are_limited_per_address(web: Path) -> None:
    it = app(web)
    answers = [await ask_ticket(it) for _ in range(int(TICKETS_IN_A_BURST) + 1)]
    assert [answer.status for answer in answers[:-1]] == [200] * int(TICKETS_IN_A_BURST)
    assert (answers[-1].status, answers[-1].json["code"]) == (429, Code.RATE_LIMITED)
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await ask_ticket(it, client="10.0.0.2")).status == 200


async def test_no_more_tickets_than_the_doors_hold(web: Path) -> None:
    doors = Doors(TOKENS)
    for _ in range(TICKETS_AT_ONCE):
        doors.issue("acme", "agent", 10**9)
    answer = await ask_ticket(app(web, doors=doors))
    assert (answer.status, answer.json["code"]) == (503, Code.RATE_LIMITED)


# --- other people's pages

CRM = "https://crm.example"


def embedding(web: Path) -> ASGIApp:
    (web / "embed").mkdir()
    (web / "embed" / "rtig-sidebar.js").write_text("export {};")
    (web / "embed" / "other.js").write_text("no")
    return app(web, doors=Doors(TOKENS, [CRM]))


async def test_a_module_is_shared_with_the_allowed_origins(web: Path) -> None:
    it = embedding(web)
    module = await ask(it, "/embed/rtig-sidebar.js", origin=CRM)
    assert (module.status, module.body) == (200, b"export {};")
    assert module.headers["content-type"].startswith("text/javascript")
    assert (module.headers["access-control-allow-origin"], module.headers["vary"]) == (
        CRM,
        "Accept-Encoding, Origin",
    )
    assert module.headers["cache-control"] == "public, max-age=300"
    foreign = await ask(it, "/embed/rtig-sidebar.js", origin="https://evil.example")
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize("name", ["other.js", "rtig-board.js", "..", "../secret.txt"])
async def test_only_the_modules_are_there(web: Path, name: str) -> None:
    assert (await ask(embedding(web), f"/embed/{name}")).status == 404


async def test_only_the_allowed_origins_may_frame_a_page(web: Path) -> None:
    async def ancestors(it: ASGIApp) -> str:
        return (await ask(it, "/agent")).headers["content-security-policy"].rpartition("frame-ancestors ")[2]

    assert await ancestors(app(web)) == "'none'"
    assert await ancestors(app(web, doors=Doors(TOKENS, [CRM, "https://A.example/"]))) == f"https://a.example {CRM}"


async def test_a_page_of_an_allowed_origin_may_ask_for_a_ticket(web: Path) -> None:
    it = embedding(web)
    preflight = await ask(it, "/api/ticket", "OPTIONS", origin=CRM)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, CRM)
    assert preflight.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert "access-control-allow-credentials" not in preflight.headers
    given = await ask_ticket(it, origin=CRM)
    assert (given.status, given.headers["access-control-allow-origin"]) == (200, CRM)
    refused = await ask_ticket(it, key="wrong", origin=CRM)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, CRM)
    foreign = await ask(it, "/api/ticket", "OPTIONS", origin="https://evil.example")
    assert (foreign.status, foreign.json["code"]) == (403, Code.BAD_ORIGIN)
    assert "access-control-allow-origin" not in foreign.headers


# --- the operator's figures


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({}, 401, Code.UNAUTHENTICATED),
        ({"authorization": "Bearer wrong"}, 401, Code.UNAUTHENTICATED),
        ({"authorization": "Bearer two"}, 403, Code.NOT_ALLOWED),
        ({"authorization": "Bearer ops", "origin": "https://evil.example"}, 403, Code.BAD_ORIGIN),
    ],
)
async def test_figures_are_refused_with_a_code_and_counted(
    web: Path, more: dict[str, Any], status: int, code: Code
) -> None:
    metrics = Metrics()
    it = pages(Doors(TOKENS, operator=digest_of("ops")), metrics, list, web)
    answer = await ask(it, "/api/latency", **more)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert metrics.refused == {code: 1}


async def test_an_operator_is_told_the_figures(web: Path) -> None:
    it = pages(Doors(TOKENS, operator=digest_of("ops")), Metrics(), lambda: ["draining"], web)
    answer = await ask(it, "/api/latency", authorization="Bearer ops")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    told = msgspec.json.decode(answer.body, type=Latency)
    assert told.problems == ("draining",)
    assert [stage.stage for stage in told.stages] == [*STAGES, READING, LAG]


async def test_the_figures_are_limited_per_address(web: Path) -> None:
    it = pages(Doors(TOKENS, operator=digest_of("ops")), Metrics(), list, web)
    answers = [await ask(it, "/api/latency", authorization="Bearer ops") for _ in range(int(TICKETS_IN_A_BURST) + 1)]
    assert [answer.status for answer in answers[:-1]] == [200] * int(TICKETS_IN_A_BURST)
    assert (answers[-1].status, answers[-1].json["code"]) == (429, Code.RATE_LIMITED)


# --- tickets at the socket


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(agent_token="two", supervisor_token="three", allowed_origins=("https://crm.example",)) as it:
        yield it


def offered(ticket: str) -> list[Subprotocol]:
    return [Subprotocol(SUBPROTOCOL), Subprotocol(TICKET_PREFIX + ticket)]


async def test_a_browser_comes_in_with_a_ticket_once(server: Server) -> None:
    ticket = server.desk.doors.issue("default", "agent", time.monotonic()) or ""
    async with client(server.socket_url, subprotocols=offered(ticket)) as connection:
        assert connection.subprotocol == SUBPROTOCOL
        it = await welcomed(connection, "agent")
        assert any(isinstance(message, Welcome) for message in it.heard)
    async with client(server.socket_url, subprotocols=offered(ticket)) as connection:
        bye = await turned_off(connection, {"type": "hello", "role": "agent"})
        assert (bye.code, bye.retry) == (Code.UNAUTHENTICATED, False)


@pytest.mark.parametrize(
    ("ticket_role", "role", "code"),
    [("", "agent", Code.UNAUTHENTICATED), ("agent", "supervisor", Code.NOT_ALLOWED)],
)
async def test_a_ticket_is_for_its_role_only(server: Server, ticket_role: Any, role: str, code: Code) -> None:
    now = time.monotonic()
    ticket = server.desk.doors.issue("default", ticket_role, now) if ticket_role else "made-up"
    async with client(server.socket_url, subprotocols=offered(ticket or "")) as connection:
        # A token does not mend a bad ticket.
        bye = await turned_off(connection, {"type": "hello", "role": role, "token": "two"})
        assert bye.code is code


async def test_a_foreign_origin_is_turned_away_before_the_upgrade(server: Server) -> None:
    async with joined(server, "agent", token="two") as other:
        with pytest.raises(InvalidStatus) as error:
            await client(server.socket_url, origin=Origin("https://evil.example"))
        response = error.value.response
        assert response.status_code == 403
        assert response.body is not None
        assert response.body.startswith(b"bad_origin: ")
        async with client(server.socket_url, origin=Origin("https://crm.example")) as connection:
            await welcomed(connection, "agent", token="two")
        async with client(server.socket_url, origin=Origin(server.url)) as connection:
            await welcomed(connection, "agent", token="two")
        await other.connection.ping()


async def test_the_socket_has_one_path(server: Server) -> None:
    with pytest.raises(InvalidStatus) as error:
        await client(server.socket_url + "/elsewhere")
    assert error.value.response.status_code == 404
