"""A call's worker is the same for ever: the files of logs follow from it."""

from rtig.workers.routing import owner_of


def test_what_was_decided_once_stays() -> None:
    assert [owner_of("default", f"call-{number}", 4) for number in range(8)] == [3, 1, 3, 1, 2, 0, 2, 0]
    assert owner_of("acme", "call-0", 4) != owner_of("default", "call-0", 4)
    assert owner_of("default", "\ud800", 1) == 0


def test_calls_are_shared_out_evenly() -> None:
    share = [sum(owner_of("default", f"{number:x}", 3) == worker for number in range(3000)) for worker in range(3)]
    assert all(900 < calls < 1100 for calls in share)
