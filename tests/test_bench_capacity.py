"""The search for a capacity finds it from either side, to the factor asked for, and stops."""

import pytest

from benchmarks.capacity import LEAST, MOST, row, search
from benchmarks.latency import Figures


@pytest.mark.parametrize("carried", [57, 200, 333, 1600, 5000])
@pytest.mark.parametrize("start", [50, 200, 3000])
def test_the_most_that_holds_is_found(carried: int, start: int) -> None:
    tried: list[int] = []

    def holds(calls: int) -> bool:
        tried.append(calls)
        return calls <= carried

    found = search(holds, start, finer=1.1, steps=20)
    assert carried / 1.1 <= found <= carried
    assert len(tried) == len(set(tried)) <= 12


def test_it_ends_where_nothing_holds_or_everything_does_or_the_steps_are_over() -> None:
    assert search(lambda calls: False, 200, finer=1.1, steps=20) == 0
    assert search(lambda calls: True, 200, finer=1.1, steps=20) == MOST
    assert search(lambda calls: True, 200, finer=1.1, steps=3) == 800
    tried: list[int] = []

    def never(calls: int) -> bool:
        tried.append(calls)
        return False

    search(never, 200, finer=1.1, steps=20)
    assert min(tried) >= LEAST


def figures(took_us: int) -> Figures:
    made = Figures()
    made.fragment.record_value(took_us, 100)
    made.sent, made.seconds, made.server_cpu = 1000, 10.0, 0.5
    return made


def test_a_load_holds_within_50_ms_with_nothing_lost_or_refused() -> None:
    assert row(10, figures(49_000))["holds"]
    assert row(10, figures(49_000))["cpu_us_per_message"] == 500
    assert not row(10, figures(51_000))["holds"]
    assert not Figures().holds
    for name in ("lost", "refused_calls", "gave_up"):
        failed = figures(1000)
        setattr(failed, name, 1)
        assert not failed.holds
