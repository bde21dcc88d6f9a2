"""The board's suite judges what it has seen, and shows a floor whose mix of moods stays as it is."""

import random
from collections import Counter

from benchmarks import board
from benchmarks.board_floor import Caller


def seen(*, drew: float = 5.0, came: float = 17.0, growing_mb: float = 0.0, seconds: float = 600.0) -> board.Seen:
    seen = board.Seen()
    seen.seconds = seconds
    seen.floor = {"came": [16.7], "took": [1.0]}
    seen.frames = {"came": [came] * 10, "took": [1.0] * 90 + [drew] * 10, "drew": [drew] * 10, "long": []}
    parts = {"Script": 0.0, "RecalcStyle": 0.0, "Layout": 0.0}
    seen.samples = [board.Sample(at, 5.0 + growing_mb * at / 60, 2600, 180, at / 4, parts) for at in range(0, 601, 30)]
    return seen


def test_a_run_passes_where_frames_are_in_time_and_memory_is_flat() -> None:
    report = board.reported(1000, 5.0, seen())
    assert report["passed"]
    assert report["heap_kb_per_min"] == [0.0, 0.0]
    assert (report["frame_took_ms"]["p50"], report["frame_drew_ms"]["p50"]) == (1.0, 5.0)


def test_frames_that_drew_are_judged_alone_and_so_is_what_came_late() -> None:
    assert not board.reported(1000, 5.0, seen(drew=20.0))["passed"]
    assert not board.reported(1000, 5.0, seen(came=51.0))["passed"]


def test_memory_is_judged_in_a_run_that_is_long_enough() -> None:
    assert not board.reported(1000, 5.0, seen(growing_mb=0.5))["passed"]
    assert board.reported(1000, 5.0, seen(growing_mb=0.5, seconds=60.0))["passed"]


def test_a_slope_comes_with_its_error() -> None:
    assert board.slope([0.0, 1.0, 2.0], [1.0, 3.0, 5.0]) == (2.0, 0.0)
    assert board.slope([0.0, 1.0], [1.0, 3.0]) == (0.0, None)
    growth, error = board.slope([0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 0.0, 2.0])
    assert error is not None
    assert 0 < growth < error


def test_the_floor_begins_as_it_goes_on() -> None:
    rng = random.Random(3)
    callers = [Caller(number, rng, going_on=True) for number in range(400)]

    def red() -> int:
        return Counter(caller.row().band in ("frustrated", "critical") for caller in callers)[True]

    before = red()
    for _ in range(120):
        for place, caller in enumerate(callers):
            caller.goes_on(1.0)
            if caller.over:
                callers[place] = Caller(place, rng, going_on=False)
    assert 0.75 < red() / before < 1.33
