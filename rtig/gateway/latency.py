"""How long things took, over the last minute and since the start, and what an operator is told of it.

The histograms are those of HDR (a bucket for each 1/32 of an octave) but sparse: times lie close together, so a few
hundred buckets hold them. To record one costs half a microsecond, to read all stages out less than a millisecond, in
the loop that serves; dense histograms took seven times as long.
"""

import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

from rtig.wire.latency import BARS, BARS_PER_DECADE, FIRST_BAR_US, Spread, StageTimes

SLICE_SECONDS = 5
SLICES = 12
"""Of the last minute: the slice that is being filled and eleven before it."""
_SUB_BITS = 5
Buckets = dict[int, int]


class Latencies:
    """The times of some stages. `clock` is in seconds and never goes back."""

    def __init__(self, stages: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages = {stage: _Stage() for stage in stages}

    def record(self, stage: str, us: int) -> None:
        """Record whole microseconds, at least 1."""
        shift = us.bit_length() - _SUB_BITS - 1  # as `_bucket`, without a call
        bucket = (shift << _SUB_BITS) + (us >> shift) if shift > 0 else us
        kept = self._stages[stage]
        slot = int(self._clock() / SLICE_SECONDS)
        if slot != kept.slot:
            kept.begin(slot)
        recent, start = kept.recent, kept.start
        recent[bucket] = recent.get(bucket, 0) + 1
        start[bucket] = start.get(bucket, 0) + 1

    def stages(self) -> tuple[StageTimes, ...]:
        return tuple(
            StageTimes(stage=name, minute=_spread(minute), start=_spread(start))
            for name, (minute, start) in self.buckets().items()
        )

    def buckets(self) -> dict[str, tuple[Buckets, Buckets]]:
        """Of each stage what was recorded in the last minute and since the start; for `merged`."""
        oldest = int(self._clock() / SLICE_SECONDS) - SLICES + 1
        return {name: (kept.since(oldest), kept.start) for name, kept in self._stages.items()}

    @classmethod
    def merged(cls, all_of_them: Iterable[Mapping[str, tuple[Buckets, Buckets]]]) -> "Latencies":
        """What several have recorded, as it is now."""
        it = cls(())
        slot = int(it._clock() / SLICE_SECONDS)
        for stages in all_of_them:
            for name, (minute, start) in stages.items():
                kept = it._stages.setdefault(name, _Stage())
                if kept.slot != slot:
                    kept.begin(slot)
                _add(kept.recent, minute)
                _add(kept.start, start)
        return it


class _Stage:
    def __init__(self) -> None:
        self.start: Buckets = {}
        self.slot = -1
        self.recent: Buckets = {}
        """Of `slot`; the last one of `_slices`."""
        self._slices: deque[tuple[int, Buckets]] = deque(maxlen=SLICES)

    def begin(self, slot: int) -> None:
        self.slot, self.recent = slot, {}
        self._slices.append((slot, self.recent))

    def since(self, oldest: int) -> Buckets:
        merged: Buckets = {}
        for slot, buckets in self._slices:
            if slot >= oldest:
                _add(merged, buckets)
        return merged


def _add(buckets: Buckets, more: Mapping[int, int]) -> None:
    for bucket, count in more.items():
        buckets[bucket] = buckets.get(bucket, 0) + count


def _bucket(us: int) -> int:
    shift = us.bit_length() - _SUB_BITS - 1
    return (shift << _SUB_BITS) + (us >> shift) if shift > 0 else us


def _longest(bucket: int) -> int:
    """The longest time that a bucket holds."""
    shift = max(0, (bucket >> _SUB_BITS) - 1)
    return ((bucket - (shift << _SUB_BITS) + 1) << shift) - 1


_LAST_OF_BARS = [_bucket(int(FIRST_BAR_US * 10 ** (bar / BARS_PER_DECADE))) for bar in range(BARS - 1)]
"""The last bucket of each bar but the last."""


def _spread(buckets: Mapping[int, int]) -> Spread:
    bars = [0] * BARS
    order = sorted(buckets)
    ends = list(accumulate(buckets[bucket] for bucket in order))
    count = ends[-1] if ends else 0
    before = at = 0
    for bar, last in enumerate(_LAST_OF_BARS):
        at = bisect_right(order, last, at)
        upto = ends[at - 1] if at else 0
        bars[bar], before = upto - before, upto
    bars[-1] = count - before

    def percentile(share: float) -> int:
        return _longest(order[bisect_left(ends, share * count)]) if order else 0

    return Spread(
        count=count,
        p50_us=percentile(0.5),
        p95_us=percentile(0.95),
        p99_us=percentile(0.99),
        p999_us=percentile(0.999),
        max_us=percentile(1),
        bars=tuple(bars),
    )
