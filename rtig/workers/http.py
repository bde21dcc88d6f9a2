"""Plain HTTP that one worker answers for all: requests are carried to it and answered by its own routes."""

from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.gateway.metrics import Metrics
from rtig.gateway.rest import body_of, refusal

Headers = tuple[tuple[bytes, bytes], ...]


class Carried(Struct, frozen=True, array_like=True):
    """A request."""

    method: str
    path: str
    query: bytes
    headers: Headers
    client: tuple[str, int] | None
    body: bytes


class Answered(Struct, frozen=True, array_like=True):
    """Its answer."""

    status: int
    headers: Headers
    body: bytes


async def no_pages(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=404)(scope, receive, send)


async def answered(app: ASGIApp, carried: Carried) -> Answered:
    """What an application answers."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": carried.method,
        "scheme": "http",
        "path": carried.path,
        "raw_path": carried.path.encode(),
        "query_string": carried.query,
        "root_path": "",
        "headers": list(carried.headers),
        "client": carried.client,
        "server": None,
    }
    status, headers, body = 500, Headers(), b""

    async def receive() -> Message:
        return {"type": "http.request", "body": carried.body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers, body
        if message["type"] == "http.response.start":
            status, headers = message["status"], tuple((name, value) for name, value in message["headers"])
        elif message["type"] == "http.response.body":
            body += message.get("body", b"")

    await app(scope, receive, send)
    return Answered(status, headers, body)


def carried_routes(path: str, metrics: Metrics, carry: Callable[[Carried], Awaitable[Answered]]) -> list[Route]:
    """Routes below a path whose requests another worker answers; `carry` may raise as the log does."""
    refused = partial(refusal, metrics.refused)

    async def forward(request: Request) -> Response:
        carried = Carried(
            request.method,
            request.url.path,
            request.url.query.encode(),
            tuple(request.headers.raw),
            (request.client.host, request.client.port) if request.client else None,
            await body_of(request),
        )
        try:
            answer = await carry(carried)
        except (LogUnavailable, MessageRefused):
            return refused(503, Code.LOG_UNAVAILABLE, "This part of the server is being started again.", retry_after=1)
        response = Response(answer.body, answer.status)
        response.raw_headers[:] = answer.headers
        return response

    return [Route(f"{path}/{{rest:path}}", forward, methods=["GET", "POST", "DELETE"])]
