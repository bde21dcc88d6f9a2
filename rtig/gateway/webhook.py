"""Tells a webhook of another system about alerts: signed CloudEvents, in the background, for as long as is useful.

Each change of an alert's state is one CloudEvents 1.0 event in JSON, signed as in Standard Webhooks. What happens live
is told, never what is folded again after a restart. The events of one call leave in their order, those of others beside
them; whatever is not taken is tried again, later after each failure, and given up in the end. What must wait is
bounded, and no call ever waits for anything here. An event that was taken may come again: its id is derived, so that a
receiver can drop repeats.
"""

import asyncio
import base64
import hashlib
import hmac
import random
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2
import msgspec
import structlog

from rtig import __version__
from rtig.core.call import Call
from rtig.core.guidance import Alert
from rtig.eventlog.port import CallKey, Position
from rtig.gateway.metrics import Metrics
from rtig.live import LiveCalls, Update

MEDIA_TYPE = "application/cloudevents+json"
AT_ONCE = 8
"""Requests under way at one time."""
CLOSE_SECONDS = 2.0
"""How long what still waits may take when the server ends."""
_log = structlog.get_logger(__name__)


class Patience(NamedTuple):
    """How a receiver is waited for, in seconds. Waits double from the first to the longest, shortened by up to half."""

    answer: float = 10.0
    first_wait: float = 1.0
    longest_wait: float = 60.0
    give_up: float = 15 * 60.0
    most: int = 1000
    """Events that may wait; those beyond are dropped."""


class _Event(NamedTuple):
    id: str
    body: bytes
    until: float
    """Time of the loop after which it is not tried again."""


class Webhook:
    """One server's. `key` signs; with `words` the customers' words that raised an alert are told too."""

    def __init__(
        self,
        live: LiveCalls,
        metrics: Metrics,
        url: str,
        key: bytes,
        words: bool = False,
        patience: Patience = Patience(),  # noqa: B008 (immutable)
    ) -> None:
        self._live = live
        self._metrics = metrics
        self._url = url
        self._key = key
        self._words = words
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        # A redirect would carry a signed body to where nobody has sent it.
        self._client = httpx2.AsyncClient(follow_redirects=False, timeout=patience.answer)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting: dict[CallKey, deque[_Event]] = {}
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing = False
        self._unlisten = live.listen_everywhere(self._hear)

    async def close(self) -> None:
        """Give what waits a last moment, then let go of it."""
        self._unlisten()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._metrics.webhook["dropped"] += self._count
        await self._client.aclose()

    def _hear(self, update: Update) -> None:
        for item in update.items:
            # One that is told again in the same state (its words were heard better) is no news to anybody else.
            if isinstance(item, Alert) and item.cause == update.position.seq:
                self._put(update.key, update.position, item)

    def _put(self, key: CallKey, position: Position, alert: Alert) -> None:
        if self._count >= self._patience.most:
            self._metrics.webhook["dropped"] += 1
            return
        told = described(key, position, alert, self._live.call(key), self._words)
        self._count += 1
        event = _Event(told["id"], msgspec.json.encode(told), self._loop.time() + self._patience.give_up)
        if key in self._waiting:
            self._waiting[key].append(event)
            return
        self._waiting[key] = deque([event])
        task = self._loop.create_task(self._deliver(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, key: CallKey) -> None:
        """Tell the events of a call, one after the other."""
        waiting = self._waiting[key]
        while waiting:
            outcome = await self._tell(waiting[0])
            waiting.popleft()
            self._count -= 1
            self._metrics.webhook[outcome] += 1
        del self._waiting[key]

    async def _tell(self, event: _Event) -> str:
        wait = self._patience.first_wait
        while True:
            async with self._room:
                taken = await self._post(event)
            if taken:
                return "sent"
            pause = wait * random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, guards nothing)
            if self._loop.time() + pause > event.until:
                return "failed"
            self._metrics.webhook["retried"] += 1
            await asyncio.sleep(pause)
            wait = min(wait * 2, self._patience.longest_wait)

    async def _post(self, event: _Event) -> bool:
        """Whether the receiver has taken the event."""
        now = int(time.time())
        headers = {
            "content-type": MEDIA_TYPE,
            "user-agent": f"rtig/{__version__}",
            "webhook-id": event.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._key, event.id, now, event.body),
        }
        try:
            async with (
                asyncio.timeout(self._patience.answer),
                # As a stream: what a receiver says beside its status is never read, however long it is.
                self._client.stream("POST", self._url, content=event.body, headers=headers) as response,
            ):
                problem = "" if response.is_success else f"status {response.status_code}"
        except (httpx2.HTTPError, TimeoutError) as error:
            problem = type(error).__name__
        if bool(problem) != self._failing:
            self._failing = bool(problem)
            if problem:
                _log.warning("webhook fails", kind=problem)
            else:
                _log.info("webhook works again")
        return not problem


def described(key: CallKey, position: Position, alert: Alert, call: Call, words: bool) -> dict[str, Any]:
    """A change of an alert's state as a CloudEvents event. What the customer said is in it only with `words`."""
    name = f"{key.tenant}\n{key.call_id}\n{alert.id}\n{position.epoch}.{position.seq}"
    kind = ("opened" if alert.raised == 1 else "reopened") if alert.state == "open" else alert.state
    data: dict[str, Any] = {
        "alert": alert.id,
        "title": alert.title,
        "state": alert.state,
        "level": alert.level,
        "raised": alert.raised,
        "raised_ms": alert.raised_ms,
        "at_ms": alert.at_ms,
        "condition": alert.why.condition,
        "by": alert.by,
        "reason": alert.reason,
        "agent": call.agent,
        "queue": call.queue,
        "epoch": position.epoch,
        "seq": position.seq,
    }
    if words:
        data["words"] = [{"party": quote.party, "text": quote.text} for quote in alert.why.words]
        data["text"] = alert.text
    return {
        "specversion": "1.0",
        # A digest: an id may hold any letter, and this one is a header too.
        "id": hashlib.sha256(name.encode()).hexdigest()[:32],
        "source": f"/rtig/{quote(key.tenant, safe='')}",
        "type": f"rtig.alert.{kind}",
        "subject": key.call_id,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": data,
    }


def signature(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """The signature of Standard Webhooks, version 1: over the id, the time (Unix seconds) and the body."""
    digest = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
