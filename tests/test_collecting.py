"""The garbage collector: what has lived a while is not walked again, but for when no call goes on."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from rtig.collecting import QUIET_BEATS, Broom


class Knot:
    """Holds itself: only the collector finds it."""

    def __init__(self) -> None:
        self.self = self


class Calls:
    def __init__(self) -> None:
        self.count = 1

    def __call__(self) -> int:
        return self.count


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def broom(calls: Calls) -> Iterator[Broom]:
    """With no collection but those that the test asks for."""
    gc.collect()
    gc.disable()
    broom = Broom(calls)
    yield broom
    broom.close()
    gc.unfreeze()
    gc.enable()


def test_what_lives_through_a_collection_is_frozen_and_goes_when_it_is_let_go_of(broom: Broom) -> None:
    lasting = Knot()
    known = weakref.ref(lasting)
    gc.collect(0)
    assert any(each is lasting for each in gc.get_objects())
    gc.collect(1)
    assert not any(each is lasting for each in gc.get_objects())
    assert gc.get_freeze_count() > 0
    lasting.self = None  # type: ignore[assignment]
    del lasting
    assert known() is None


def test_a_knot_is_found_while_it_is_young(broom: Broom) -> None:
    knot = weakref.ref(Knot())
    assert knot() is not None
    gc.collect(1)
    assert knot() is None


def test_an_old_one_is_found_once_no_call_has_been_going_on_for_a_while(broom: Broom, calls: Calls) -> None:
    knot = Knot()
    gc.collect(1)
    known = weakref.ref(knot)
    del knot
    for _ in range(2 * QUIET_BEATS):
        broom.beat()
    gc.collect()
    assert known() is not None
    calls.count = 0
    for _ in range(QUIET_BEATS - 1):
        broom.beat()
    assert known() is not None
    broom.beat()
    assert known() is None
    assert gc.get_freeze_count() > 0
    # Once is enough, until there has been a call again.
    knot = Knot()
    gc.collect(1)
    known = weakref.ref(knot)
    del knot
    for _ in range(2 * QUIET_BEATS):
        broom.beat()
    assert known() is not None
    calls.count = 1
    broom.beat()
    calls.count = 0
    for _ in range(QUIET_BEATS):
        broom.beat()
    assert known() is None


def test_it_leaves_the_collector_as_it_was(calls: Calls) -> None:
    before = list(gc.callbacks)
    Broom(calls).close()
    assert gc.callbacks == before
