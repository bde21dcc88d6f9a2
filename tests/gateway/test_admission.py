"""When new calls are refused: by what was measured alone, within a second of an overload, and never in a flutter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtig.gateway.admission import BACK_AT, HOLD_SECONDS, MOST_BUSY, Admission, retry_after

STEP = 0.1
BUDGET_MS = 50.0
SHARES = st.floats(0, 1)
LATENESS = st.floats(0, 500)
MEASURED = st.lists(st.tuples(SHARES, LATENESS), min_size=1, max_size=120)


def after(*measured: tuple[float, float], calls: int = 1_000, budget_ms: float = BUDGET_MS) -> Admission:
    it = Admission(budget_ms)
    for number, (busy, late_ms) in enumerate(measured):
        it.measure(number * STEP, busy, late_ms, calls)
    return it


def seconds_until_full(busy: float, late_ms: float = 0.0, before: float = 0.3) -> float:
    it = after(*[(before, 0.2)] * 50)
    for step in range(1, 100):
        it.measure(5 + step * STEP, busy, late_ms, 1_000)
        if it.overloaded:
            return step * STEP
    return float("inf")


def test_an_overload_is_answered_within_a_second() -> None:
    assert seconds_until_full(1.0) <= 1.0
    assert seconds_until_full(0.5, late_ms=100) <= 0.6
    assert seconds_until_full(MOST_BUSY - 0.02) == float("inf")


def test_a_burst_of_calls_is_taken_while_there_is_room() -> None:
    it = after(*[(0.3, 0.2)] * 50, calls=500)
    for number in range(200):
        if number % 20 == 0:
            it.measure(5 + number / 200, 0.8, 3.0, 500 + number)
        assert it.take(5 + number / 200, 500 + number)


def test_one_stall_however_long_is_no_overload() -> None:
    it = after(*[(0.3, 0.2)] * 50)
    it.measure(8.0, 1.0, 1_000.0, 1_000)
    assert not it.full(1_000)


def test_calls_that_come_at_once_are_not_all_taken_for_want_of_a_sign() -> None:
    it = after(*[(0.5, 0.2)] * 50, calls=2_000)
    taken = sum(it.take(5.0, 2_000 + number) for number in range(5_000))
    assert 1_000 < taken < 2_000
    assert not it.full(2_000 + taken)
    # What they bring has shown in what was measured since.
    for step in range(100):
        it.measure(5 + step * STEP, 0.5, 0.2, 2_000 + taken)
    assert it.take(16.0, 2_000 + taken)


def test_a_fixed_most_is_kept_also_without_a_budget() -> None:
    it = Admission(0, most=2)
    for step in range(100):
        it.measure(step * STEP, 1.0, 1_000.0, 2)
    assert it.take(10.0, 0)
    assert it.take(10.0, 1)
    assert not it.take(10.0, 2)
    assert it.full(2)
    assert it.busy == pytest.approx(1.0)
    assert after(*[(1.0, 1_000.0)] * 100, budget_ms=0).take(10.0, 10**6)


@given(MEASURED, st.data())
def test_more_load_never_makes_it_take_more(measured: list[tuple[float, float]], data: st.DataObject) -> None:
    more = [(data.draw(st.floats(busy, 1)), data.draw(st.floats(late_ms, 500))) for busy, late_ms in measured]
    few, many = Admission(BUDGET_MS), Admission(BUDGET_MS)
    for number, (less, greater) in enumerate(zip(measured, more, strict=True)):
        few.measure(number * STEP, *less, 1_000)
        many.measure(number * STEP, *greater, 1_000)
        assert many.pressure >= few.pressure
        assert many.overloaded or not few.overloaded


@given(MEASURED)
def test_it_does_not_flutter(measured: list[tuple[float, float]]) -> None:
    it = Admission(BUDGET_MS)
    turned: list[float] = []
    for number, (busy, late_ms) in enumerate(measured):
        before = it.overloaded
        it.measure(number * STEP, busy, late_ms, 1_000)
        if it.overloaded != before:
            turned.append(number * STEP)
            assert it.pressure >= 1 if it.overloaded else it.pressure <= BACK_AT
    # Between being full and the next time that it is: the time that it holds.
    for full, full_again in zip(turned[::2], turned[2::2], strict=False):
        assert full_again - full >= HOLD_SECONDS - 1e-9


@given(MEASURED)
def test_it_comes_back_once_the_load_is_gone(measured: list[tuple[float, float]]) -> None:
    it = after(*measured)
    for step in range(60):
        it.measure((len(measured) + step) * STEP, 0.2, 0.1, 1_000)
    assert it.take((len(measured) + 60) * STEP, 1_000)


def test_refused_calls_come_back_each_in_its_own_time() -> None:
    waits = [retry_after(f"call-{number}") for number in range(1_000)]
    assert min(waits) >= 1.0
    assert max(waits) <= 3.0
    assert len(set(waits)) > 150
    assert waits == [retry_after(f"call-{number}") for number in range(1_000)]
