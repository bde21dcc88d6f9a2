"""What is served over plain HTTP: the pages, tickets for them, health, figures and the protocol's description."""

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rtig.core.guidance import Brief
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import CallKey
from rtig.gateway.built import Built
from rtig.gateway.doors import TICKET_SECONDS, Doors
from rtig.gateway.metrics import Metrics
from rtig.gateway.rest import NO_STORE, Callers, bearer, body_of, refusal
from rtig.gateway.socket import PATH
from rtig.wire import asyncapi
from rtig.wire.session import ROLES

WEB = Path(__file__).parent / "web"
TICKETS_PER_SECOND = 2.0
TICKETS_IN_A_BURST = 20.0

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors "
)
"""The origins that may show a page in a frame belong behind it."""
SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
# Whether a page has changed is asked each time, and answered in a few bytes where it has not.
ASK_AGAIN = "no-cache"
# Vite puts a hash of the content into the names of assets, so a name never changes its content.
FOR_EVER = "public, max-age=31536000, immutable"
# A module for other pages has one address for ever, and new content with each version.
FIVE_MINUTES = "public, max-age=300"
MODULES = ("rtig-sidebar.js", "rtig-board.js")
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>rtig: pages are missing</title>
<h1>The pages have not been built</h1>
<p>Run <code>make pages</code> in the repository, then load this again. The server itself is running.</p></html>
"""
_audit = structlog.get_logger("rtig.audit")
_a_call = re.compile(r"[\w.:@+-]{1,128}").fullmatch
_an_asset = re.compile(r"[\w-][\w.-]*").fullmatch


Whole = Callable[[], Awaitable[tuple[Metrics, list[str]]]]


class TicketWanted(msgspec.Struct, forbid_unknown_fields=True):
    role: str


_wanted = msgspec.json.Decoder(TicketWanted)


async def _no_brief(_: CallKey) -> Brief:
    raise MessageRefused(Code.UNKNOWN_CALL, "There are no calls here.", retry=True)


def pages(
    doors: Doors,
    metrics: Metrics,
    ready: Callable[[], list[str]],
    web: Path = WEB,
    brief: Callable[[CallKey], Awaitable[Brief]] = _no_brief,
    more: Iterable[BaseRoute] = (),
    whole: Whole | None = None,
) -> ASGIApp:
    """The application. `ready` says why no client should be sent here; an empty list means that all is well.

    `brief` makes the brief of a call; it may raise `MessageRefused` (`unknown_call`) and `LogUnavailable`.
    `more`: what else is served. `whole` gives the figures of the whole server and why no client should be sent here,
    where `metrics` and `ready` are those of a part of it.
    """
    origins = sorted(doors.origins)
    callers, readers, operators = (Callers(TICKETS_PER_SECOND, TICKETS_IN_A_BURST) for _ in range(3))
    refused = partial(refusal, metrics.refused)
    built = Built(web)

    async def here() -> tuple[Metrics, list[str]]:
        return metrics, ready()

    gathered = whole or here

    def page(name: str) -> Callable[[Request], Response]:
        def show(request: Request) -> Response:
            missing = HTMLResponse(_NOT_BUILT, HTTPStatus.SERVICE_UNAVAILABLE, {"Cache-Control": NO_STORE})
            return built.answer(request, name, ASK_AGAIN) or missing

        return show

    def asset(request: Request) -> Response:
        name = request.path_params["name"]
        answer = built.answer(request, f"assets/{name}", FOR_EVER) if _an_asset(name) else None
        return answer or PlainTextResponse("There is no such file.\n", HTTPStatus.NOT_FOUND)

    async def module(request: Request) -> Response:
        name = request.path_params["name"]
        answer = built.answer(request, f"embed/{name}", FIVE_MINUTES) if name in MODULES else None
        return answer or PlainTextResponse("There is no such module.\n", HTTPStatus.NOT_FOUND)

    async def ticket(request: Request) -> Response:
        host = request.headers.get("host", "")
        if not doors.origin_allowed(request.headers.get("origin"), host):
            return refused(403, Code.BAD_ORIGIN, "Pages of this origin get no tickets; see `allowed_origins`.")
        wait = callers.take(request)
        if wait:
            return refused(429, Code.RATE_LIMITED, "Too many tickets were asked for.", retry_after=wait)
        if "draining" in ready():
            return refused(503, Code.DRAINING, "This server is being stopped.", retry_after=1)
        credential = doors.by_token(bearer(request))
        if credential is None:
            return refused(401, Code.UNAUTHENTICATED, "The key is missing or wrong.")
        try:
            role_wanted = _wanted.decode(await body_of(request)).role
        except msgspec.DecodeError:
            return refused(400, Code.BAD_MESSAGE, 'The body must be {"role": "agent"} or {"role": "supervisor"}.')
        role = next((role for role in ROLES if role == role_wanted), None)
        if role is None:
            return refused(400, Code.UNKNOWN_ROLE, f"`role` must be one of {', '.join(ROLES)}.")
        if role not in credential.roles:
            return refused(403, Code.NOT_ALLOWED, f"This key is not for the role {role}.")
        issued = doors.issue(credential.tenant, role, time.monotonic())
        if issued is None:
            return refused(503, Code.RATE_LIMITED, "Too many tickets are out.", retry_after=TICKET_SECONDS)
        return JSONResponse({"ticket": issued, "expires_in": TICKET_SECONDS}, headers={"Cache-Control": NO_STORE})

    async def call_brief(request: Request) -> Response:
        host = request.headers.get("host", "")
        # Where no key is asked for, only what this machine calls itself may be the host: a page has no origin here.
        if not doors.origin_allowed(request.headers.get("origin", f"http://{host}"), host):
            return refused(403, Code.BAD_ORIGIN, "Pages of this origin get no briefs; see `allowed_origins`.")
        wait = readers.take(request)
        if wait:
            return refused(429, Code.RATE_LIMITED, "Too many briefs were asked for.", retry_after=wait)
        credential = doors.by_token(bearer(request))
        if credential is None:
            return refused(401, Code.UNAUTHENTICATED, "The key is missing or wrong.")
        role = next((role for role in ROLES if role in ("agent", "supervisor") and role in credential.roles), None)
        if role is None:
            return refused(403, Code.NOT_ALLOWED, "Briefs are for agents and supervisors.")
        call = CallKey(credential.tenant, request.path_params["call_id"])
        try:
            if not _a_call(call.call_id):
                raise MessageRefused(Code.UNKNOWN_CALL, "There is no call of this id here.", retry=True)
            made = await brief(call)
        except MessageRefused as no:
            return refused(404, no.code, no.sentence, retry_after=1 if no.retry else None)
        except LogUnavailable:
            return refused(503, Code.LOG_UNAVAILABLE, "The event log does not give events now.", retry_after=1)
        _audit.info("brief read", tenant=call.tenant, call_id=call.call_id, role=role, agent="")
        return Response(msgspec.json.encode(made), media_type="application/json", headers={"Cache-Control": NO_STORE})

    async def latency(request: Request) -> Response:
        host = request.headers.get("host", "")
        if not doors.origin_allowed(request.headers.get("origin", f"http://{host}"), host):
            return refused(403, Code.BAD_ORIGIN, "Pages of this origin get no figures; see `allowed_origins`.")
        if wait := operators.take(request):
            return refused(429, Code.RATE_LIMITED, "The figures were asked for too often.", retry_after=wait)
        if not doors.operates(bearer(request)):
            if doors.by_token(bearer(request)) is None:
                return refused(401, Code.UNAUTHENTICATED, "The key is missing or wrong.")
            return refused(403, Code.NOT_ALLOWED, "The figures are for operators; see `operator_token`.")
        figures, problems = await gathered()
        return Response(
            msgspec.json.encode(figures.latency(problems)),
            media_type="application/json",
            headers={"Cache-Control": NO_STORE},
        )

    async def readyz(_: Request) -> Response:
        reasons = (await gathered())[1]
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status, {"Cache-Control": NO_STORE})

    async def figures(_: Request) -> Response:
        whole_of_it = (await gathered())[0]
        return Response(whole_of_it.page(), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": NO_STORE})

    def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"Cache-Control": NO_STORE})

    def description(_: Request) -> Response:
        return Response(asyncapi.document(), media_type="application/json")

    def only_sockets(_: Request) -> Response:
        return PlainTextResponse(
            "This is a WebSocket; see /asyncapi.json.\n", HTTPStatus.UPGRADE_REQUIRED, {"Upgrade": "websocket"}
        )

    # Endpoints that wait for nothing are made coroutines, or each would take a thread.
    app = Starlette(
        routes=[
            # Relative, so that it also holds behind a prefix.
            Route("/", _at_once(lambda _: RedirectResponse("agent"))),
            Route("/agent", _at_once(page("agent.html"))),
            Route("/board", _at_once(page("board.html"))),
            Route("/author", _at_once(page("author.html"))),
            Route("/latency", _at_once(page("latency.html"))),
            Route("/api/latency", latency),
            Route("/assets/{name}", _at_once(asset)),
            Route("/healthz", _at_once(healthz)),
            Route("/readyz", readyz),
            Route("/metrics", figures),
            Route("/embed/{name}", _shared(doors, refused, module), methods=["GET"]),
            Route("/api/ticket", _shared(doors, refused, ticket), methods=["POST", "OPTIONS"]),
            Route("/api/calls/{call_id}/brief", call_brief),
            Route("/asyncapi.json", _at_once(description)),
            Route(PATH, _at_once(only_sockets)),
            *more,
        ]
    )
    return _guarded(app, {**SECURITY_HEADERS, "Content-Security-Policy": POLICY + (" ".join(origins) or "'none'")})


def _at_once(endpoint: Callable[[Request], Response]) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        return endpoint(request)

    return answer


def _shared(
    doors: Doors, refused: Callable[[int, Code, str], Response], endpoint: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], object]:
    """For pages of the allowed origins too: CORS, without cookies, which this server does not know."""

    async def answer(request: Request) -> Response:
        origin = request.headers.get("origin", "")
        allowed = origin.lower() in doors.origins
        if request.method != "OPTIONS":
            response = await endpoint(request)
        elif allowed:
            response = Response(status_code=HTTPStatus.NO_CONTENT, headers=PREFLIGHT)
        else:
            response = refused(403, Code.BAD_ORIGIN, "Pages of this origin may not ask; see `allowed_origins`.")
        response.headers.add_vary_header("Origin")
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
        return response

    return answer


def _guarded(app: ASGIApp, given: Mapping[str, str]) -> ASGIApp:
    """Put the security headers on every answer."""
    headers = [(name.lower().encode(), value.encode()) for name, value in given.items()]

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await app(scope, receive, send_guarded)

    return guarded
