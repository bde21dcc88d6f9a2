"""What the authors' page asks over HTTP, with the key of an author in `Authorization: Bearer`.

Nothing here changes the knowledge base. What holds words of calls is noted in the audit trail, call by call, as a
watch is.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.gateway.doors import Doors
from rtig.gateway.metrics import Metrics
from rtig.gateway.rest import NO_STORE, Callers, bearer, body_of, refusal
from rtig.wire.authors import Job, JobWanted, Knowledge, RuleLine, Try

ASKED_PER_SECOND = 10.0
ASKED_IN_A_BURST = 40.0
"""More than for a brief: a sentence is tried while it is typed."""
_audit = structlog.get_logger("rtig.audit")
_T = TypeVar("_T")
_try = msgspec.json.Decoder(Try)
_job = msgspec.json.Decoder(JobWanted)
_STATUS = {Code.UNKNOWN_JOB: 404, Code.UNKNOWN_RULE: 404, Code.RATE_LIMITED: 429}


class Result(NamedTuple):
    """What a job found, as JSON, and the calls whose words are in it."""

    body: bytes
    calls: tuple[str, ...] = ()


class Workshop(Protocol):
    """What does the work. All of it may raise `MessageRefused` and `LogUnavailable`."""

    @property
    def knowledge(self) -> Knowledge: ...

    def rules(self) -> tuple[RuleLine, ...]: ...

    async def try_sentence(self, wanted: Try) -> msgspec.Struct: ...

    async def begin(self, tenant: str, wanted: JobWanted) -> Job: ...

    def jobs(self, tenant: str) -> tuple[Job, ...]: ...

    def cancel(self, tenant: str, job_id: str) -> Job: ...

    def result(self, tenant: str, job_id: str) -> Result: ...


Answer = Callable[[Request, str], Awaitable[Response]]


def author_routes(doors: Doors, metrics: Metrics, workshop: Workshop) -> list[Route]:
    callers = Callers(ASKED_PER_SECOND, ASKED_IN_A_BURST)
    refused = partial(refusal, metrics.refused)

    def let_in(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """For authors, whose tenant the answer is told."""

        async def admitted(request: Request) -> Response:
            host = request.headers.get("host", "")
            if not doors.origin_allowed(request.headers.get("origin", f"http://{host}"), host):
                return refused(403, Code.BAD_ORIGIN, "Pages of this origin may not ask; see `allowed_origins`.")
            if wait := callers.take(request):
                return refused(429, Code.RATE_LIMITED, "Too much was asked at once.", retry_after=wait)
            credential = doors.by_token(bearer(request))
            if credential is None:
                return refused(401, Code.UNAUTHENTICATED, "The key is missing or wrong.")
            if "author" not in credential.roles:
                return refused(403, Code.NOT_ALLOWED, "This is for authors of the knowledge base.")
            try:
                return await answer(request, credential.tenant)
            except MessageRefused as no:
                return refused(_STATUS.get(no.code, 400), no.code, no.sentence, retry_after=1 if no.retry else None)
            except LogUnavailable:
                return refused(503, Code.LOG_UNAVAILABLE, "The event log does not give events now.", retry_after=1)

        return admitted

    async def state(_: Request, __: str) -> Response:
        return _json(workshop.knowledge)

    async def rules(_: Request, __: str) -> Response:
        return _json(workshop.rules())

    async def tried(request: Request, _: str) -> Response:
        return _json(await workshop.try_sentence(await _read(request, _try)))

    async def jobs(request: Request, tenant: str) -> Response:
        if request.method == "GET":
            return _json(workshop.jobs(tenant))
        return _json(await workshop.begin(tenant, await _read(request, _job)), HTTPStatus.ACCEPTED)

    async def cancelled(request: Request, tenant: str) -> Response:
        return _json(workshop.cancel(tenant, request.path_params["job_id"]))

    async def result(request: Request, tenant: str) -> Response:
        found = workshop.result(tenant, request.path_params["job_id"])
        for call_id in found.calls:
            _audit.info("words of a call read", tenant=tenant, call_id=call_id, role="author", agent="")
        return Response(found.body, media_type="application/json", headers={"Cache-Control": NO_STORE})

    endpoints: Iterable[tuple[str, Answer, list[str]]] = (
        ("state", state, ["GET"]),
        ("rules", rules, ["GET"]),
        ("try", tried, ["POST"]),
        ("jobs", jobs, ["GET", "POST"]),
        ("jobs/{job_id}", cancelled, ["DELETE"]),
        ("jobs/{job_id}/result", result, ["GET"]),
    )
    return [Route(f"/api/author/{path}", let_in(answer), methods=methods) for path, answer, methods in endpoints]


async def _read(request: Request, decoder: "msgspec.json.Decoder[_T]") -> _T:
    """Raises `MessageRefused`, which never quotes what was sent."""
    try:
        return decoder.decode(await body_of(request))
    except msgspec.ValidationError as error:
        where = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "the body"
        raise MessageRefused(Code.BAD_MESSAGE, f"What was asked is wrong in {where}.") from None
    except msgspec.DecodeError:
        raise MessageRefused(Code.BAD_JSON, "The body is not one JSON object in UTF-8, or too long.") from None


def _json(value: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, media_type="application/json", headers={"Cache-Control": NO_STORE}
    )
