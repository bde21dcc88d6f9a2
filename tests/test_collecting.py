"""The garbage collector: it looks at little at a time, and at everything only while no call goes on."""

import gc
from collections.abc import Iterator

import pytest

from rtig import collecting
from rtig.collecting import QUIET_BEATS, YOUNG_COLLECTIONS, Broom


@pytest.fixture
def by_hand() -> Iterator[None]:
    """No collection but those that the test asks for."""
    gc.collect()
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


class Counted:
    def __init__(self) -> None:
        self.calls = 1

    def __call__(self) -> int:
        return self.calls


def test_what_lives_on_is_looked_at_once_and_frozen(by_hand: None, monkeypatch: pytest.MonkeyPatch) -> None:
    young = 0
    monkeypatch.setattr(collecting, "_young", lambda: young)
    broom = Broom(Counted())
    gc.unfreeze()
    broom.sweep()
    young = YOUNG_COLLECTIONS - 1
    broom.sweep()
    assert gc.get_freeze_count() == 0
    young = YOUNG_COLLECTIONS
    broom.sweep()
    assert gc.get_freeze_count() > 0
    assert len(gc.get_objects()) < gc.get_freeze_count()


def test_everything_is_looked_at_once_when_no_call_has_been_going_on_for_a_while(
    by_hand: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "_young", lambda: 0)
    calls = Counted()
    broom = Broom(calls)
    before = gc.get_stats()[2]["collections"]

    def after(beats: int) -> int:
        for _ in range(beats):
            broom.sweep()
        return int(gc.get_stats()[2]["collections"] - before)

    assert after(2 * QUIET_BEATS) == 0
    calls.calls = 0
    assert after(QUIET_BEATS - 1) == 0
    assert after(1) == 1
    assert after(2 * QUIET_BEATS) == 1
    calls.calls = 1
    assert after(1) == 1
    calls.calls = 0
    assert after(QUIET_BEATS) == 2
