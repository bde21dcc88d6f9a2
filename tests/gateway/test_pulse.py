"""The heartbeat of a loop that is idle, at work, and held up."""

import asyncio
import time
from collections.abc import Callable

from rtig.gateway.admission import Admission
from rtig.gateway.metrics import LAG, Metrics
from rtig.gateway.pulse import BEATS, Pulse


class Noted(Admission):
    """What is measured, as it comes."""

    def __init__(self) -> None:
        super().__init__(50)
        self.measured: asyncio.Queue[tuple[float, float, int]] = asyncio.Queue()

    def measure(self, now: float, busy: float, late_ms: float, calls: int) -> None:
        self.measured.put_nowait((busy, late_ms, calls))


async def shown(held: Callable[[], None] = lambda: None) -> tuple[float, float, int]:
    """The first measurement of a loop that is held up once."""
    noted = Noted()
    pulse = Pulse(noted, Metrics(), lambda: 7)
    asyncio.get_running_loop().call_soon(held)
    first = await noted.measured.get()
    pulse.close()
    return first


def work(seconds: float) -> None:
    """CPU time of this thread, whatever else the machine does."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_an_idle_loop_is_hardly_busy() -> None:
    busy, _, calls = await shown()
    assert busy < 0.5
    assert calls == 7


async def test_a_loop_that_is_held_up_is_busy_and_late() -> None:
    busy, late_ms, _ = await shown(lambda: work(0.3))
    assert busy > 0.05
    assert late_ms * BEATS > 250


async def test_the_longest_stall_is_among_the_figures() -> None:
    noted, metrics = Noted(), Metrics()
    pulse = Pulse(noted, metrics, lambda: 0)
    asyncio.get_running_loop().call_soon(work, 0.2)
    await noted.measured.get()
    pulse.close()
    assert metrics.percentile(LAG, 100) > 0.17
    (lag,) = (stage for stage in metrics.latencies.stages() if stage.stage == LAG)
    assert lag.start.count == BEATS


async def test_it_beats_until_it_is_closed() -> None:
    noted = Noted()
    pulse = Pulse(noted, Metrics(), lambda: 0)
    for _ in range(2):
        await noted.measured.get()
    pulse.close()
    assert pulse._timer.cancelled()
