"""The outbox, with values: what is put, superseded, taken, and when a client is too slow."""

from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.gateway.outbox import Key, Outbox

A: Key = ("line", "c1", "a")
B: Key = ("line", "c1", "b")


def everything(outbox: Outbox) -> list[bytes]:
    return outbox.take(10**9)


def test_frames_leave_in_order() -> None:
    outbox = Outbox(100, 5)
    for frame in (b"1", b"2", b"3"):
        outbox.put(frame, 0)
    assert everything(outbox) == [b"1", b"2", b"3"]
    assert not outbox
    assert outbox.oldest() is None


def test_a_newer_frame_supersedes_the_unsent_one_of_its_key() -> None:
    outbox = Outbox(100, 5)
    outbox.put(b"interim 1", 0, key=A)
    outbox.put(b"card", 1)
    outbox.put(b"interim 2", 2, key=A)
    assert outbox.size == len(b"card") + len(b"interim 2")
    assert outbox.largest == len(b"interim 1") + len(b"card")
    assert everything(outbox) == [b"card", b"interim 2"]


def test_a_frame_without_a_key_may_supersede_and_is_never_superseded() -> None:
    outbox = Outbox(100, 5)
    outbox.put(b"interim", 0, key=A)
    outbox.put(b"other", 0, key=B)
    outbox.put(b"final and card", 1, supersedes=(A,))
    outbox.put(b"final and card, corrected", 2, supersedes=(A,))
    assert everything(outbox) == [b"other", b"final and card", b"final and card, corrected"]


def test_what_was_sent_cannot_be_superseded() -> None:
    outbox = Outbox(100, 5)
    outbox.put(b"interim 1", 0, key=A)
    assert everything(outbox) == [b"interim 1"]
    outbox.put(b"interim 2", 1, key=A)
    assert everything(outbox) == [b"interim 2"]


def test_take_stops_before_the_frame_that_is_too_much_but_takes_one() -> None:
    outbox = Outbox(100, 5)
    for frame in (b"12345", b"67", b"89"):
        outbox.put(frame, 0)
    assert outbox.take(3) == [b"12345"]
    assert outbox.take(3) == [b"67"]
    assert outbox.take(3) == [b"89"]
    assert outbox.take(3) == []


def test_too_slow_in_bytes() -> None:
    outbox = Outbox(10, 5)
    outbox.put(b"x" * 10, 0)
    assert not outbox.too_slow(0)
    outbox.put(b"y", 0)
    assert outbox.too_slow(0)
    outbox.take(10)
    assert not outbox.too_slow(0)


def test_too_slow_in_seconds_counts_from_the_oldest_unsent_frame() -> None:
    outbox = Outbox(100, 5)
    assert not outbox.too_slow(99)
    outbox.put(b"interim", 0, key=A)
    outbox.put(b"card", 3)
    assert not outbox.too_slow(5)
    assert outbox.too_slow(5.1)
    outbox.put(b"interim", 6, key=A)  # the old one is gone, the card is the oldest now
    assert not outbox.too_slow(8)
    assert outbox.too_slow(8.1)


def test_clear() -> None:
    outbox = Outbox(100, 5)
    outbox.put(b"interim", 0, key=A)
    outbox.clear()
    assert (outbox.size, everything(outbox), outbox.too_slow(99)) == (0, [], False)
    outbox.put(b"interim", 0, key=A)
    assert everything(outbox) == [b"interim"]


keys = st.sampled_from([None, A, B])
puts = st.tuples(keys, st.sets(st.sampled_from([A, B])))
steps = st.lists(st.one_of(puts, st.integers(0, 40)), max_size=60)


@settings(derandomize=True)
@given(steps)
def test_nothing_without_a_key_is_lost_and_order_is_kept(story: list[tuple[Key | None, set[Key]] | int]) -> None:
    outbox = Outbox(10**6, 5)
    sent: list[int] = []
    must: list[int] = []
    last: dict[Key, int] = {}
    for number, step in enumerate(story):
        if isinstance(step, int):
            sent += [int(frame) for frame in outbox.take(step)]
            continue
        key, supersedes = step
        for name in supersedes:
            last.pop(name, None)
        if key is None:
            must.append(number)
        else:
            last[key] = number
        outbox.put(b"%04d" % number, number, key, supersedes)
        assert outbox.size % 4 == 0
    sent += [int(frame) for frame in outbox.take(10**9)]
    assert outbox.size == 0
    assert sent == sorted(sent)
    assert set(must) <= set(sent)
    assert set(last.values()) <= set(sent)
    assert len(set(sent)) == len(sent)
