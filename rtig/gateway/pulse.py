"""The loop's heartbeat: how late it comes to what is due, and how busy it is.

One timer for the whole server, fifty times a second. A stall that lies between two beats shows shorter than it was, by
20 ms at most.
"""

import asyncio
import time
from collections.abc import Callable

from rtig.gateway.admission import Admission
from rtig.gateway.metrics import LAG, Metrics

BEAT_SECONDS = 0.02
BEATS = 5
"""After so many what they showed is weighed."""


class Pulse:
    """Beats until `close`. It is started in the thread of the loop, whose CPU time it reads."""

    def __init__(
        self, admission: Admission, metrics: Metrics, calls: Callable[[], int], aside: Callable[[], None] = lambda: None
    ) -> None:
        """`aside` is done at each beat."""
        self._admission = admission
        self._metrics = metrics
        self._calls = calls
        self._aside = aside
        self._loop = asyncio.get_running_loop()
        self._begin(time.perf_counter())
        self._wait(time.perf_counter())

    def close(self) -> None:
        self._timer.cancel()

    def _begin(self, now: float) -> None:
        self._since, self._cpu = now, time.thread_time()
        self._late = 0.0
        self._beats = 0

    def _wait(self, now: float) -> None:
        self._due = now + BEAT_SECONDS
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        now = time.perf_counter()
        late = max(0.0, now - self._due)
        self._metrics.took(LAG, int(late * 1e9))
        self._late += late
        self._beats += 1
        if self._beats >= BEATS:
            busy = (time.thread_time() - self._cpu) / (now - self._since)
            self._admission.measure(now, min(1.0, busy), self._late / self._beats * 1000, self._calls())
            self._begin(now)
        self._aside()
        self._wait(time.perf_counter())
