"""Acknowledgements that are owed until the log has made something durable.

All events of one commit share one promise of the log's, so they are settled together: one callback a commit, and for
each connection one write, however many events there were.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import Position


class Sender(Protocol):
    """A connection that sends events."""

    def acknowledge(self, call_id: str, key: str, position: Position) -> None:
        """The event is durable."""

    def not_durable(self, call_id: str, key: str, refusal: MessageRefused) -> None: ...


class _Owed(NamedTuple):
    sender: Sender
    call_id: str
    key: str
    position: Position


class Acks:
    """`settled` is told of so many events that they are durable, or what the log's trouble is."""

    def __init__(self, settled: Callable[[str, int], None]) -> None:
        self._settled = settled
        self._owed: dict[asyncio.Future[None], list[_Owed]] = {}

    def owe(self, durable: asyncio.Future[None], sender: Sender, call_id: str, key: str, position: Position) -> None:
        """Acknowledge an event when it is durable, which may be now."""
        owed = _Owed(sender, call_id, key, position)
        known = self._owed.get(durable)
        if known is not None:
            known.append(owed)
        elif durable.done():
            self._settle(durable, [owed])
        else:
            self._owed[durable] = [owed]
            durable.add_done_callback(self._done)

    def _done(self, durable: asyncio.Future[None]) -> None:
        self._settle(durable, self._owed.pop(durable))

    def _settle(self, durable: asyncio.Future[None], owed: list[_Owed]) -> None:
        error = None if durable.cancelled() else durable.exception()
        if error is None and not durable.cancelled():
            self._settled("", len(owed))
            for sender, call_id, key, position in owed:
                sender.acknowledge(call_id, key, position)
            return
        refusal = log_unavailable(error)
        self._settled(refusal.sentence, len(owed))
        for sender, call_id, key, _ in owed:
            sender.not_durable(call_id, key, refusal)


def log_unavailable(error: BaseException | None) -> MessageRefused:
    sentence = str(error) if isinstance(error, LogUnavailable) else "The event log does not take events now."
    return MessageRefused(Code.LOG_UNAVAILABLE, sentence, retry=True, retry_after=1.0)
