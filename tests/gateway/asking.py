"""Asks a whole server over plain HTTP, as a program or a page does."""

import asyncio
import urllib.error
import urllib.request
from typing import Any, NamedTuple

import msgspec

from rtig.app import Server


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def ask(
    server: Server, path: str, body: Any = None, *, key: str = "", method: str | None = None, **headers: str
) -> Answer:
    """A body makes it a POST unless another method is named; bytes are sent as they are."""
    data = None if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
    request = urllib.request.Request(server.url + path, data, headers, method=method)
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    return await asyncio.to_thread(_answer, request)


def _answer(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read())
