"""The event log: the four things that rtig asks of a home for calls.

A log belongs to one event loop. `append` decides a call's order at once and tells the followers at once; what it
returns becomes durable a moment later. So guidance never waits for the disk, and an acknowledgement always does.

A position is (epoch, seq). `seq` counts a call's events from 1 without gaps. `epoch` counts the times that the log was
opened: an event that was followed but lost in a crash had a (epoch, seq) that no later event will have.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Protocol

from rtig.core.events import AnyEvent


class CallKey(NamedTuple):
    tenant: str
    call_id: str


class Position(NamedTuple):
    epoch: int
    seq: int


class Recorded(NamedTuple):
    """One event in its place. `at` is Unix time in milliseconds when it was appended."""

    epoch: int
    seq: int
    at: int
    event: AnyEvent


class Appended(NamedTuple):
    """`fresh` is False where the log already had an event of this key: `position` is then the position of that one.

    `durable` ends when the event would survive a power cut, or with `LogUnavailable`.
    """

    position: Position
    fresh: bool
    durable: asyncio.Future[None]


Deliver = Callable[[CallKey, Recorded], None]
Unfollow = Callable[[], None]


class EventLog(Protocol):
    @property
    def epoch(self) -> int: ...

    async def open(self, call: CallKey) -> int:
        """Make a call ready for `append`; its last seq, 0 for a new call."""

    def append(self, call: CallKey, event: AnyEvent) -> Appended:
        """Put an event at the end of an opened call, once per `events.key`.

        Followers have it before this returns. Raises `LogUnavailable` when the log is closed, broken or too far behind
        its disk, `KeyError` for a call that is not open.
        """

    def find(self, call: CallKey, event: AnyEvent) -> Position | None:
        """Where an opened call has the event of this key, None where it has none. Raises `KeyError` like `append`."""

    def read(self, call: CallKey, after: int = 0) -> AsyncIterator[Recorded]:
        """A call's events with `seq > after`, in order, up to the last one appended when reading began."""

    def follow(self, call: CallKey | None, deliver: Deliver) -> Unfollow:
        """Hand every later event of one call (None: of all calls) to `deliver`, in order, in the loop's thread.

        A follower that raises is logged and dropped; it disturbs neither the append nor the other followers.
        """

    async def close_call(self, call: CallKey) -> None:
        """Forget what is held in memory for appending to a call. Its events stay; `open` brings it back."""

    async def live_calls(self) -> list[CallKey]:
        """Calls that have begun and not ended, oldest first: what a server folds again after a restart."""

    async def calls(self, tenant: str) -> list[str]:
        """Ids of a tenant's calls, oldest first."""

    async def begun(self, tenant: str, most: int) -> list[tuple[int, str]]:
        """A tenant's last calls, at most so many, oldest first: Unix time in milliseconds of the beginning, and id."""

    async def calls_of(self, tenant: str, customer: str, most: int) -> list[str]:
        """Ids of a tenant's calls that began with this customer reference, newest first, at most so many.

        It costs the same however many calls of others there are. The empty reference is nobody's.
        """

    async def erase(self, call: CallKey) -> int:
        """Remove a call from every place where this log keeps it; the number of events removed.

        When it returns, no byte of the call is left in the log's files.
        """

    async def expire(self, before: int) -> int:
        """Erase the calls whose last event is older than `before` (Unix time in milliseconds); how many calls."""

    async def close(self) -> None:
        """Write what is left, then let go of files and threads. Safe to call twice."""
