"""The calls in the logs of all workers, to be read as if they were in one."""

import heapq
from collections.abc import AsyncIterator
from typing import Protocol

from rtig.core import events
from rtig.eventlog.port import CallKey, EventLog, Recorded
from rtig.workers import frames
from rtig.workers.frames import Question, Reply

AT_A_TIME = 256
"""Events that are carried in one frame."""


class Colleagues(Protocol):
    def owner(self, tenant: str, call_id: str) -> int | None: ...

    async def ask(self, worker: int, question: Question) -> Reply: ...

    async def ask_all(self, question: Question) -> list[Reply]: ...


class Recordings:
    def __init__(self, log: EventLog, colleagues: Colleagues) -> None:
        self._log = log
        self._colleagues = colleagues

    async def begun(self, tenant: str, most: int) -> list[tuple[int, str]]:
        replies = await self._colleagues.ask_all(frames.AskCalls(tenant, most))
        theirs = [list(reply.calls) for reply in replies if isinstance(reply, frames.CallsAre)]
        return [*heapq.merge(await self._log.begun(tenant, most), *theirs)][-most:]

    async def read(self, call: CallKey, after: int = 0) -> AsyncIterator[Recorded]:
        """Raises `LogUnavailable`, also where the worker that has the call is away."""
        owner = self._colleagues.owner(call.tenant, call.call_id)
        if owner is None:
            async for recorded in self._log.read(call, after):
                yield recorded
            return
        while True:
            reply = await self._colleagues.ask(owner, frames.AskRecords(call.tenant, call.call_id, after))
            if not isinstance(reply, frames.RecordsAre) or not reply.records:
                return
            for epoch, seq, at, event in reply.records:
                yield Recorded(epoch, seq, at, events.decode(event))
                after = seq


async def records(log: EventLog, asked: frames.AskRecords) -> frames.RecordsAre:
    """The answer of the worker that has the call."""
    found: list[tuple[int, int, int, bytes]] = []
    async for epoch, seq, at, event in log.read(CallKey(asked.tenant, asked.call_id), asked.after):
        found.append((epoch, seq, at, events.encode(event)))
        if len(found) == AT_A_TIME:
            break
    return frames.RecordsAre(tuple(found))
