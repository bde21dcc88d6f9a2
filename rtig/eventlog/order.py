"""What every home of the log holds in memory: the order of an open call, and who follows.

Nothing here touches a disk, so the order of events is decided, and told, without waiting for one.
"""

import time
from collections import deque
from dataclasses import dataclass, field

import structlog

from rtig.core.events import AnyEvent
from rtig.eventlog.port import CallKey, Deliver, Position, Recorded, Unfollow

_log = structlog.get_logger(__name__)


def unix_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class OpenCall:
    """An open call: how far it is, and where the event of each key stands."""

    seq: int = 0
    last_at: int = 0
    """Unix time in milliseconds of the last event."""
    seqs: dict[str, int] = field(default_factory=dict)
    epochs: list[Position] = field(default_factory=list)
    """The first position of each epoch in which events were appended."""

    def place(self, key: str, epoch: int, at: int, event: AnyEvent) -> Recorded:
        self.stands(key, epoch, self.seq + 1, at)
        return Recorded(epoch, self.seq, at, event)

    def stands(self, key: str, epoch: int, seq: int, at: int) -> None:
        """The event of a key, which is the last one so far, stands there."""
        self.seq, self.last_at = seq, at
        self.seqs[key] = seq
        if not self.epochs or self.epochs[-1].epoch != epoch:
            self.epochs.append(Position(epoch, seq))

    def position(self, key: str) -> Position | None:
        """Where the event of a key stands, if there is one."""
        seq = self.seqs.get(key)
        if seq is None:
            return None
        return Position(next(first.epoch for first in reversed(self.epochs) if first.seq <= seq), seq)


@dataclass(slots=True, eq=False)
class _Follower:
    call: CallKey | None
    deliver: Deliver
    active: bool = True


class Followers:
    """Who hears of each event. Every follower hears each event once and in order, whatever followers do meanwhile."""

    def __init__(self) -> None:
        self._of: dict[CallKey | None, tuple[_Follower, ...]] = {}
        # Events with those who followed when they were appended. It outlasts one event only where a follower appends.
        self._untold: deque[tuple[CallKey, Recorded, tuple[_Follower, ...]]] = deque()
        self._telling = False

    def follow(self, call: CallKey | None, deliver: Deliver) -> Unfollow:
        follower = _Follower(call, deliver)
        self._of[call] = (*self._of.get(call, ()), follower)
        return lambda: self._leave(follower)

    def tell(self, call: CallKey, recorded: Recorded) -> None:
        """Tell the call's followers, then those of all calls.

        An event that a follower appends while it is being told is told after its cause, so nobody hears it before.
        """
        audience = self._of.get(call, ()) + self._of.get(None, ())
        if not audience:
            return
        self._untold.append((call, recorded, audience))
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                call, recorded, audience = self._untold.popleft()
                for follower in audience:
                    if follower.active:
                        self._deliver(follower, call, recorded)
        finally:
            self._telling = False

    def _deliver(self, follower: _Follower, call: CallKey, recorded: Recorded) -> None:
        try:
            follower.deliver(call, recorded)
        except Exception as error:
            self._leave(follower)
            # Only the kind of the error and its place: its message might quote what was said.
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            where = "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
            _log.error(
                "follower_dropped",
                tenant=call.tenant,
                call_id=call.call_id,
                seq=recorded.seq,
                error=type(error).__name__,
                where=where,
            )

    def _leave(self, follower: _Follower) -> None:
        follower.active = False
        remaining = tuple(other for other in self._of.get(follower.call, ()) if other is not follower)
        if remaining:
            self._of[follower.call] = remaining
        else:
            self._of.pop(follower.call, None)
