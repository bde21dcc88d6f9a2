"""The event log in memory, for tests and throw-away demos: the whole contract, but nothing outlives the process."""

import asyncio
from collections.abc import AsyncIterator, Callable

from rtig.core import events
from rtig.core.events import AnyEvent, CallEnded, CallStarted
from rtig.errors import LogUnavailable
from rtig.eventlog.order import Followers, OpenCall, unix_ms
from rtig.eventlog.port import Appended, CallKey, Deliver, Position, Recorded, Unfollow


class MemoryLog:
    """An event is called durable as soon as it is appended: memory has nothing safer to offer."""

    def __init__(self, now: Callable[[], int] = unix_ms) -> None:
        self._now = now
        self._epoch = 1
        self._kept: dict[CallKey, list[Recorded]] = {}
        self._by_customer: dict[tuple[str, str], dict[str, None]] = {}
        self._opened: dict[CallKey, OpenCall] = {}
        self._followers = Followers()
        self._closed = False
        self._ended: asyncio.Future[None] | None = None

    def reopen(self) -> "MemoryLog":
        """A log with the calls of this one, in the next epoch: what a restart leaves. This one must be closed."""
        if not self._closed:
            raise ValueError("Close a log before it is opened again.")
        again = MemoryLog(self._now)
        again._epoch = self._epoch + 1
        again._kept = self._kept
        again._by_customer = self._by_customer
        return again

    @property
    def epoch(self) -> int:
        return self._epoch

    async def open(self, call: CallKey) -> int:
        self._check()
        opened = self._opened.get(call)
        if opened is None:
            opened = self._opened[call] = OpenCall()
            for epoch, seq, at, event in self._kept.get(call, ()):
                opened.stands(events.key(event), epoch, seq, at)
        return opened.seq

    def append(self, call: CallKey, event: AnyEvent) -> Appended:
        self._check()
        opened = self._opened[call]
        durable = self._durable()
        key = events.key(event)
        known = opened.position(key)
        if known is not None:
            return Appended(known, False, durable)
        recorded = opened.place(key, self._epoch, self._now(), event)
        self._kept.setdefault(call, []).append(recorded)
        if isinstance(event, CallStarted) and event.customer:
            self._by_customer.setdefault((call.tenant, event.customer), {})[call.call_id] = None
        self._followers.tell(call, recorded)
        return Appended(Position(self._epoch, recorded.seq), True, durable)

    def _durable(self) -> asyncio.Future[None]:
        """The same one for all: it has ended."""
        loop = asyncio.get_running_loop()
        if self._ended is None or self._ended.get_loop() is not loop:
            self._ended = loop.create_future()
            self._ended.set_result(None)
        return self._ended

    def find(self, call: CallKey, event: AnyEvent) -> Position | None:
        self._check()
        return self._opened[call].position(events.key(event))

    async def read(self, call: CallKey, after: int = 0) -> AsyncIterator[Recorded]:
        self._check()
        kept = self._kept.get(call, [])
        for recorded in kept[after:]:
            if self._kept.get(call) is not kept:  # erased since
                return
            yield recorded

    def follow(self, call: CallKey | None, deliver: Deliver) -> Unfollow:
        return self._followers.follow(call, deliver)

    async def close_call(self, call: CallKey) -> None:
        self._check()
        self._opened.pop(call, None)

    async def live_calls(self) -> list[CallKey]:
        self._check()
        return [
            call for call, kept in self._kept.items() if not any(isinstance(each.event, CallEnded) for each in kept)
        ]

    async def calls(self, tenant: str) -> list[str]:
        self._check()
        return [call.call_id for call in self._kept if call.tenant == tenant]

    async def begun(self, tenant: str, most: int) -> list[tuple[int, str]]:
        self._check()
        kept = [(kept[0].at, call.call_id) for call, kept in self._kept.items() if call.tenant == tenant]
        return kept[-most:]

    async def calls_of(self, tenant: str, customer: str, most: int) -> list[str]:
        self._check()
        return [*reversed(self._by_customer.get((tenant, customer), {}))][:most]

    async def erase(self, call: CallKey) -> int:
        self._check()
        self._opened.pop(call, None)
        removed = self._kept.pop(call, [])
        for recorded in removed:
            if isinstance(recorded.event, CallStarted):
                whose = (call.tenant, recorded.event.customer)
                self._by_customer.get(whose, {}).pop(call.call_id, None)
                if not self._by_customer.get(whose, True):
                    del self._by_customer[whose]
        return len(removed)

    async def expire(self, before: int) -> int:
        self._check()
        old = [call for call, kept in self._kept.items() if kept[-1].at < before]
        for call in old:
            await self.erase(call)
        return len(old)

    async def close(self) -> None:
        self._closed = True
        self._opened.clear()

    def _check(self) -> None:
        if self._closed:
            raise LogUnavailable("The event log is closed.")
