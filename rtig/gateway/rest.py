"""What the endpoints over plain HTTP share: the key of a request, its body, its limits, and a refusal."""

import time
from collections import Counter, OrderedDict
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rtig.errors import Code
from rtig.wire.session import TokenBucket

NO_STORE = "no-store"
BODY_BYTES = 4096
ADDRESSES_REMEMBERED = 10_000


class Callers:
    """How often each address asks for something; the addresses that asked longest ago are forgotten."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, request: Request) -> float:
        """Seconds that whoever asks has to wait; 0 where the request may go on."""
        address = request.client.host if request.client else ""
        now = time.monotonic()
        bucket = self._buckets.pop(address, None) or TokenBucket(self._per_second, self._burst, now)
        self._buckets[address] = bucket
        while len(self._buckets) > ADDRESSES_REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket.take(now)


def bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def body_of(request: Request) -> bytes:
    """The body, or nothing if it is longer than any that is right."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            return b""
    return body


def refusal(counts: Counter[str], status: int, code: Code, sentence: str, retry_after: float | None = None) -> Response:
    """A refusal, counted by its code."""
    counts[code] += 1
    headers = {"Cache-Control": NO_STORE}
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, round(retry_after)))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"code": code, "message": sentence, "retry": retry_after is not None}, status, headers)
