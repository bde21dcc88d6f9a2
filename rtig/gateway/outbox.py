"""What one connection has still to be sent, bounded in bytes and in age.

Pure: frames are bytes that are ready for the wire, time is an argument, in seconds of any monotonic clock. The socket
puts, takes and asks whether the client is too slow; this file never writes.

A frame may carry a key, and a later frame may supersede keys: what is still unsent under them is left out, because the
later frame says all of it and more (a newer text of the same segment, a newer mood, a newer list of calls). The later
frame goes to the end, not into the older one's place, so positions on the wire only ever grow and a client may resume
after the last one it saw. A frame without a key is never left out.
"""

from collections import deque
from collections.abc import Iterable
from typing import cast

Key = tuple[str, ...]


class _Entry:
    __slots__ = ("at", "frame", "key")

    def __init__(self, frame: bytes, at: float, key: Key | None) -> None:
        self.frame: bytes | None = frame  # None: superseded, waiting to be skipped
        self.at = at
        self.key = key


class Outbox:
    """Frames in order. `size` is the bytes of those unsent, `largest` the most that it has been."""

    def __init__(self, max_bytes: int, max_seconds: float) -> None:
        self.max_bytes = max_bytes
        self.max_seconds = max_seconds
        self.size = 0
        self.largest = 0
        self._entries: deque[_Entry] = deque()
        self._named: dict[Key, _Entry] = {}

    def __bool__(self) -> bool:
        return self.size > 0

    def put(self, frame: bytes, now: float, key: Key | None = None, supersedes: Iterable[Key] = ()) -> None:
        """Add a frame at the end. A key supersedes itself."""
        for name in supersedes:
            self._leave_out(name)
        entry = _Entry(frame, now, key)
        if key is not None:
            self._leave_out(key)
            self._named[key] = entry
        self._entries.append(entry)
        self.size += len(frame)
        if self.size > self.largest:
            self.largest = self.size

    def take(self, at_most: int) -> list[bytes]:
        """Remove frames from the front: up to `at_most` bytes of them, and at least one if there is one."""
        entries = self._entries
        if len(entries) == 1 and entries[0].frame is not None:  # nearly always
            entry = entries.popleft()
            self._named.clear()
            self.size = 0
            return [cast(bytes, entry.frame)]
        taken: list[bytes] = []
        total = 0
        while entries:
            entry = entries[0]
            if entry.frame is not None:
                if taken and total + len(entry.frame) > at_most:
                    break
                taken.append(entry.frame)
                total += len(entry.frame)
                if entry.key is not None:
                    del self._named[entry.key]
            entries.popleft()
        self.size -= total
        return taken

    def clear(self) -> None:
        self._entries.clear()
        self._named.clear()
        self.size = 0

    def oldest(self) -> float | None:
        """When the frame at the front was put; None when nothing is unsent."""
        return self._entries[0].at if self._entries else None

    def too_slow(self, now: float) -> bool:
        """Whether the client lags by more than it may, in bytes or in seconds."""
        oldest = self.oldest()
        return self.size > self.max_bytes or (oldest is not None and now - oldest > self.max_seconds)

    def _leave_out(self, key: Key) -> None:
        entry = self._named.pop(key, None)
        if entry is None or entry.frame is None:
            return
        self.size -= len(entry.frame)
        entry.frame = None
        while self._entries and self._entries[0].frame is None:
            self._entries.popleft()
