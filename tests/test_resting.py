"""A thread rests for as long as it is told, and not before it has done a piece of work."""

import time

from rtig.resting import PIECE_SECONDS, Rests


def work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_rests_grow_with_the_work_before_them() -> None:
    rest = Rests(4.0)
    work(2 * PIECE_SECONDS)
    begun, used = time.perf_counter(), time.thread_time()
    rest()
    assert time.perf_counter() - begun >= 8 * PIECE_SECONDS
    assert time.thread_time() - used < 4 * PIECE_SECONDS  # asleep, not at work


def test_a_piece_may_be_made_of_smaller_ones() -> None:
    rest = Rests(1_000_000.0)
    for _ in range(3):
        rest()  # after next to nothing: else this would last for ever


def test_what_was_rested_for_is_not_rested_for_again() -> None:
    rest = Rests(1_000.0)
    work(2 * PIECE_SECONDS)
    rest()
    begun = time.perf_counter()
    rest()
    assert time.perf_counter() - begun < 1_000 * PIECE_SECONDS
