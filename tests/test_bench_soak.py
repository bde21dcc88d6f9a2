"""The soak's verdict: each thing that must not be is enough to fail it."""

from typing import Any

import pytest
from msgspec.structs import replace

from benchmarks import soak
from benchmarks.load import Outcome, Plan, Slice, histogram
from benchmarks.traffic import Shape

SHAPE = Shape(lines=10, seconds=1810.0, ramp=10.0, seed=1, prefix="test")
PLAN = Plan(url="", shape=SHAPE, slice_seconds=60.0, storms_at=(100.0, 280.0))


def encoded(us: int) -> str:
    made = histogram()
    made.record_value(us, 1000)
    return str(made.encode(), "ascii")


def minute(p99_us: int = 5000, rss_mb: float = 100.0) -> Slice:
    return Slice(seconds=60.0, sent=600, took=encoded(p99_us), late=encoded(100), server_rss_kib=int(rss_mb * 1024))


def outcome(minutes: list[Slice] | None = None, **more: Any) -> Outcome:
    return Outcome(slices=minutes or [minute()] * 30, card="", stages={}, sent=18_000, **more)


def failed(report: dict[str, Any]) -> list[str]:
    assert report["passed"] == all(report["verdict"].values())
    return [name for name, held in report["verdict"].items() if not held]


def test_a_run_that_stays_as_it_is_passes() -> None:
    report = soak.reported(7, 10, PLAN, outcome(refused={"too_slow": 5}))
    assert failed(report) == []
    assert [one["storms"] for one in report["minutes"]][:6] == [0, 1, 0, 0, 1, 0]
    assert report["rate"] == 10.0
    assert report["rss_mb_per_min"] == (0.0, 0.0)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"lost": 1}, "nothing_lost"),
        ({"acknowledged_twice": 1}, "nothing_twice"),
        ({"told_twice": 1}, "nothing_twice"),
        ({"started_over": 1}, "nothing_twice"),
        ({"refused": {"unknown_call": 1}}, "nothing_refused"),
    ],
)
def test_what_is_lost_or_doubled_or_refused_fails_it(more: dict[str, Any], why: str) -> None:
    assert failed(soak.reported(7, 10, PLAN, outcome(**more))) == [why]


def test_guidance_that_becomes_later_fails_it() -> None:
    assert failed(soak.reported(7, 10, PLAN, outcome([minute(p99_us=5000 + n * 300) for n in range(30)]))) == [
        "p99_flat"
    ]
    assert failed(soak.reported(7, 10, PLAN, outcome([minute(p99_us=60_000)] * 30))) == ["p99_flat"]


def test_memory_that_grows_fails_a_run_long_enough_to_say() -> None:
    growing = outcome([minute(rss_mb=100 + n) for n in range(30)])
    assert failed(soak.reported(7, 10, PLAN, growing)) == ["memory_flat"]
    short = replace(PLAN, shape=replace(SHAPE, seconds=500.0))
    assert failed(soak.reported(7, 10, short, growing)) == []
