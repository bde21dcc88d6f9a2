"""A timer of an event loop that is exact to some microseconds; the loop's own are whole milliseconds."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC


class _Spec(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("every_s", ctypes.c_long),
        ("every_ns", ctypes.c_long),
        ("after_s", ctypes.c_long),
        ("after_ns", ctypes.c_long),
    )


class Alarm:
    """Calls `ring` in the running loop when the time that was last asked for has passed.

    Elsewhere than on Linux it is one of the loop's own.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._rung)

    def set(self, seconds: float) -> None:
        """Ring once, so many seconds from now."""
        if self._fd < 0:
            self.cancel()
            self._handle = self._loop.call_later(max(0.0, seconds), self._ring)
            return
        whole = max(1, int(seconds * 1e9))  # 0 would be never
        spec = _Spec(0, 0, *divmod(whole, 1_000_000_000))
        self._libc.timerfd_settime(self._fd, 0, ctypes.byref(spec), None)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._fd >= 0:
            self._libc.timerfd_settime(self._fd, 0, ctypes.byref(_Spec()), None)

    def close(self) -> None:
        self.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _rung(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # set anew since it was due
        self._ring()
