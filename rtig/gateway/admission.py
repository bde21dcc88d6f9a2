"""Whether another call is taken: past its capacity a server refuses new ones before those that it has become late.

Pure: what was measured goes in with its time, the verdict comes out. Times are seconds of any monotonic clock.

Two figures tell how near the end is. How busy the loop is: what waits in front of a server grows without bound as it
comes near to 1, so there is an end before it. And how late the loop comes to what is due: on a machine that others use
too a server is late long before it is busy. How long cards take is not asked: a few of them a second say nothing about
the slowest hundredth, while each late beat has waited as a message would have.

A call weighs nothing when it starts and begins to be heard a little later. So each call that is taken counts for what a
call costs here until its own work shows: a thousand that come at once, from another server that is gone, are not all
taken for want of a sign.
"""

import math
from zlib import crc32

MOST_BUSY = 0.85
LATE_SHARE = 0.25
"""The loop may be late by so much of the budget, in the mean. A message waits for the turn that goes on and then for
others in its own, so the latest ones wait four times as long as the mean beat."""
BACK_AT = 0.85
"""Once full, calls are taken again when the pressure has fallen so far below the mark."""
HOLD_SECONDS = 2.0
"""And has not been above the mark for so long."""
SMOOTH_SECONDS = 0.6
"""Half a load more than can be carried is answered within a second."""
MOST_PRESSURE, LONGEST_STEP = 1.5, 0.2
"""What one measurement may say, and for how many seconds it may count: one stall, however long, is no overload."""
SHOWS_SECONDS = 2.0
"""Until the work of a new call shows in what is measured."""
A_CALL, CALLS = 0.05, 200
"""What so many calls take up of a server of which nothing is known yet."""
FIRST_RETRY, LAST_RETRY = 1.0, 3.0


class Admission:
    """`budget_ms` 0: the load refuses nobody. `most` is the most calls that may go on, if there is a most."""

    def __init__(self, budget_ms: float = 0, most: int | None = None) -> None:
        self.most = most
        self.overloaded = False
        self.pressure = 0.0
        """1 is where calls are refused."""
        self.busy = 0.0
        """Share of the time that the loop was at work, lately."""
        self._late_ms = budget_ms * LATE_SHARE
        self._measured_at: float | None = None
        self._over_at = -math.inf
        self._unseen = 0.0  # calls taken whose work does not show yet, in what one of them adds to the pressure
        self._unseen_at = 0.0
        self._cost = A_CALL / CALLS / MOST_BUSY

    def measure(self, now: float, busy: float, late_ms: float, calls: int) -> None:
        """`busy` is the share of the time since the last measurement, `late_ms` the mean lateness of its beats."""
        since = LONGEST_STEP if self._measured_at is None else now - self._measured_at
        self._measured_at = now
        share = 1 - math.exp(-max(0.0, min(since, LONGEST_STEP)) / SMOOTH_SECONDS)
        self.busy += share * (busy - self.busy)
        if not self._late_ms:
            return
        pressure = min(MOST_PRESSURE, max(busy / MOST_BUSY, late_ms / self._late_ms))
        self.pressure += share * (pressure - self.pressure)
        self._cost = (self.busy + A_CALL) / (calls + CALLS) / MOST_BUSY
        if self.pressure >= 1:
            self._over_at = now
            self.overloaded = True
        elif self.pressure <= BACK_AT and now - self._over_at >= HOLD_SECONDS:
            self.overloaded = False

    def full(self, calls: int) -> bool:
        """Whether any call is refused now, of a server that has so many."""
        return self.overloaded or (self.most is not None and calls >= self.most)

    def take(self, now: float, calls: int) -> bool:
        """Whether one more call is taken; it is then counted."""
        if self.full(calls):
            return False
        unseen = self._unseen * math.exp(-max(0.0, now - self._unseen_at) / SHOWS_SECONDS)
        if self._late_ms and self.pressure + unseen + self._cost >= 1:
            return False
        self._unseen, self._unseen_at = unseen + self._cost, now
        return True


def retry_after(call_id: str) -> float:
    """Seconds until a refused call should try again: its own, so that not all come back in step."""
    return round(FIRST_RETRY + (LAST_RETRY - FIRST_RETRY) * crc32(call_id.encode()) / 2**32, 2)
