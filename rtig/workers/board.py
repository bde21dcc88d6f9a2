"""Another worker's board of one tenant, as it is told to this one like to a supervisor."""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec.structs import replace

from rtig.gateway.others import Far
from rtig.gateway.outbox import Key
from rtig.wire.messages import Board, Bye, WatchBoard, decode_told, encode

_WATCH = encode(WatchBoard())


class Reach(Protocol):
    def __call__(self, client: "FarBoard") -> Far: ...


class FarBoard:
    """`tell` is told what changes, and of a board that is told anew also which calls are gone since."""

    def __init__(self, reach: Reach, tell: Callable[[Board], None]) -> None:
        self.whole = False
        """Everything was told at least once."""
        self._reach = reach
        self._tell = tell
        self._names: set[str] = set()
        self._anew: set[str] | None = None
        self._far = reach(self)
        self._far.forward(_WATCH, 0)

    def close(self) -> None:
        self._far.close()

    def told(self, frame: bytes, key: Key | None, supersedes: Iterable[Key]) -> None:  # noqa: ARG002
        board = decode_told(memoryview(frame)[_head(frame) :].tobytes())
        if isinstance(board, Board):
            self._take(board)
        self._far.drained()

    def leave(self, bye: Bye) -> None:  # noqa: ARG002
        """Watch again, as soon as the worker is there."""
        self._far.close()
        self._anew = None
        self._far = self._reach(self)
        self._far.forward(_WATCH, 0)

    def hold(self, far: Far, on: bool) -> None:
        pass

    def unanswered(self, frames: Iterable[bytes]) -> None:  # noqa: ARG002
        self._far.forward(_WATCH, 0)

    def _take(self, board: Board) -> None:
        told = {row.call_id for row in board.rows} | {alert.call_id for alert in board.alerts}
        if board.whole:
            self._anew = set()
        gone = set(board.gone)
        if self._anew is None:
            self._names = (self._names | told) - gone
        else:
            self._anew |= told
            if not board.more:
                gone |= self._names - self._anew
                self._names, self._anew = self._anew, None
                self.whole = True
            else:
                self._names |= told
        self._tell(replace(board, gone=tuple(sorted(gone))))


def _head(frame: bytes) -> int:
    """How many bytes stand before the payload of a frame as it goes over the wire."""
    return {126: 4, 127: 10}.get(frame[1], 2)
