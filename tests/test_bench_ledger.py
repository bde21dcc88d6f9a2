"""What a played call is owed: nothing is forgotten, nothing counts twice, and what was not answered is sent again."""

from benchmarks.ledger import UNTIMED, Ledger


def spoken() -> Ledger:
    """A call with two interim texts and a final one, none of them answered."""
    ledger = Ledger()
    ledger.sent(b"call_started", b"F0")
    ledger.fragment(b"1.1", 1, b"F1", 1.0, final=False)
    ledger.fragment(b"1.1", 2, b"F2", 2.0, final=False)
    ledger.fragment(b"1.1", 3, b"F3", 3.0, final=True)
    return ledger


def test_all_that_is_owed_is_settled_by_its_answers() -> None:
    ledger = spoken()
    assert (ledger.unacknowledged, ledger.finals_untold) == (4, 1)
    for seq, key in enumerate((b"call_started", b"1.1@1", b"1.1@2", b"1.1@3"), 1):
        ledger.acknowledge(key, seq)
    assert (ledger.unacknowledged, ledger.finals_untold) == (0, 1)
    assert [ledger.tell(b"1.1", rev) for rev in (1, 2, 3)] == [[1.0], [2.0], [3.0]]
    assert ledger.settled
    assert (ledger.acknowledged_twice, ledger.told_twice, ledger.superseded) == (0, 0, 0)


def test_an_interim_text_counts_until_the_one_that_took_its_place() -> None:
    ledger = spoken()
    assert ledger.tell(b"1.1", 3) == [1.0, 2.0, 3.0]
    assert ledger.superseded == 2
    assert ledger.told_twice == 0


def test_what_is_told_twice_is_counted() -> None:
    ledger = spoken()
    ledger.tell(b"1.1", 2)
    assert ledger.tell(b"1.1", 1) == []
    assert ledger.tell(b"1.1", 2) == []
    assert ledger.told_twice == 2
    ledger.tell(b"1.1", 3)
    assert ledger.tell(b"1.1", 3) == []
    assert ledger.told_twice == 3


def test_what_is_acknowledged_twice_or_out_of_order_is_counted() -> None:
    ledger = spoken()
    ledger.acknowledge(b"call_started", 1)
    ledger.acknowledge(b"call_started", 1)
    assert ledger.acknowledged_twice == 1
    ledger.acknowledge(b"1.1@2", 3)
    ledger.acknowledge(b"1.1@1", 3)
    assert ledger.acknowledged_twice == 2


def test_what_was_not_acknowledged_is_sent_again_in_order_and_not_timed() -> None:
    ledger = spoken()
    ledger.acknowledge(b"call_started", 1)
    ledger.acknowledge(b"1.1@1", 2)
    ledger.dropped()
    assert ledger.again() == [b"F2", b"F3"]
    ledger.fragment(b"2.1", 1, b"F4", UNTIMED, final=True)
    assert ledger.again() == [b"F2", b"F3", b"F4"]
    assert ledger.tell(b"1.1", 1) == [1.0]  # it had arrived: what is late now is the server
    assert ledger.tell(b"1.1", 3) == []
    assert ledger.tell(b"2.1", 1) == []
    assert (ledger.told_twice, ledger.finals_untold) == (0, 0)
    for seq, key in enumerate((b"1.1@2", b"1.1@3", b"2.1@1"), 3):
        ledger.acknowledge(key, seq)
    assert ledger.settled
    assert ledger.acknowledged_twice == 0
