"""The operator's figures, with a clock of the test's own: percentiles, bars, and what is of the last minute."""

import random

import pytest
from hdrh.histogram import HdrHistogram

from rtig.gateway.latency import SLICE_SECONDS, SLICES, Latencies
from rtig.gateway.metrics import LONGEST_US, Metrics
from rtig.wire.latency import BARS, BARS_PER_DECADE, FIRST_BAR_US, Spread


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def spread_of(*times: int) -> Spread:
    latencies = Latencies(("total",))
    for us in times:
        latencies.record("total", us)
    (stage,) = latencies.stages()
    assert stage.minute == stage.start
    return stage.minute


def test_percentiles_are_those_of_a_dense_histogram() -> None:
    draw = random.Random(7)
    times = [max(1, int(draw.lognormvariate(7, 1.2))) for _ in range(20_000)]
    dense = HdrHistogram(1, LONGEST_US, 3)
    for us in times:
        dense.record_value(us)
    spread = spread_of(*times)
    assert spread.count == 20_000
    for found, percentile in ((spread.p50_us, 50), (spread.p95_us, 95), (spread.p99_us, 99), (spread.p999_us, 99.9)):
        assert found == pytest.approx(dense.get_value_at_percentile(percentile), rel=0.033)
    assert max(times) <= spread.max_us <= max(times) * 1.032


@pytest.mark.parametrize("us", [1, 31, 32, 63, 64, 65, 128, 129, 255, 256, 4096, 1_000_003, LONGEST_US])
def test_a_single_time_is_every_percentile_and_hardly_too_high(us: int) -> None:
    spread = spread_of(us)
    assert us <= spread.p50_us <= us * 1.032
    assert spread.p50_us == spread.p95_us == spread.p99_us == spread.p999_us == spread.max_us


def test_nothing_recorded_is_all_zero() -> None:
    spread = spread_of()
    assert (spread.count, spread.p50_us, spread.p999_us, spread.max_us) == (0, 0, 0, 0)
    assert spread.bars == (0,) * BARS


@pytest.mark.parametrize(("us", "bar"), [(1, 0), (10, 0), (11, 1), (100, BARS_PER_DECADE), (LONGEST_US, BARS - 1)])
def test_each_time_has_its_bar(us: int, bar: int) -> None:
    bars = spread_of(us).bars
    assert [number for number, count in enumerate(bars) if count] == [bar]
    assert us <= FIRST_BAR_US * 10 ** (bar / BARS_PER_DECADE) or bar == BARS - 1


def test_what_is_older_than_a_minute_counts_only_since_the_start() -> None:
    clock = Clock()
    latencies = Latencies(("fold", "total"), clock)
    latencies.record("total", 100)
    clock.now = (SLICES - 1) * SLICE_SECONDS
    latencies.record("total", 9000)
    fold, total = latencies.stages()
    assert (fold.stage, fold.start.count) == ("fold", 0)
    assert (total.minute.count, total.start.count) == (2, 2)
    clock.now += SLICE_SECONDS
    (_, total) = latencies.stages()
    assert (total.minute.count, total.start.count) == (1, 2)
    assert total.minute.p50_us >= 9000
    clock.now += 3600
    (_, total) = latencies.stages()
    assert (total.minute.count, total.start.count) == (0, 2)
    latencies.record("total", 50)
    (_, total) = latencies.stages()
    assert (total.minute.count, total.minute.max_us, total.start.count) == (1, 50, 3)


def test_what_an_operator_is_told() -> None:
    metrics = Metrics()
    metrics.took("total", 2_000_000)
    metrics.refused["bad_json"] += 2
    metrics.closed["too_slow"] += 1
    metrics.withheld["late"] += 3
    metrics.connections["agent"] += 1
    metrics.connections["source"] += 0
    metrics.live_calls = lambda: 4
    metrics.lane_state = lambda: "down"
    metrics.lane_counts = lambda: {"read": 9, "shed": 5}
    metrics.lane_restarts = lambda: 6
    told = metrics.latency(["draining"])
    assert (told.live_calls, told.connections, told.refused) == (4, {"agent": 1}, {"bad_json": 2})
    assert (told.late, told.shed, told.too_slow) == (3, 5, 1)
    assert (told.lane, told.lane_restarts, told.problems) == ("down", 6, ("draining",))
    total = next(stage for stage in told.stages if stage.stage == "total")
    assert 2000 <= total.minute.p50_us <= 2064
