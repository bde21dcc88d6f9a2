"""Frames come out of a link as they went in, however the bytes were cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtig.errors import Code
from rtig.wire.messages import Bye, CallSummary, Hello
from rtig.workers import frames
from rtig.workers.frames import HEAD_BYTES, LONGEST_BYTES, Frame, Incoming, framed

NUMBERS = st.integers(0, 2**62)
KEYS = st.lists(st.text(max_size=5), min_size=1, max_size=3).map(tuple)
SUMMARIES = st.builds(
    CallSummary, call_id=st.text(max_size=9), agent=st.text(max_size=9), queue=st.just("billing"),
    customer=st.text(max_size=5), channel=st.just("voice"), started_at=NUMBERS,
)  # fmt: skip
GOING = st.builds(frames.Going, st.text(max_size=5), NUMBERS, SUMMARIES)
FRAMES = st.one_of(
    st.builds(frames.Hail, NUMBERS, NUMBERS),
    st.builds(frames.Open, NUMBERS, st.text(max_size=5), st.just("source"), st.builds(Hello, role=st.text(max_size=9))),
    st.builds(frames.Say, NUMBERS, st.binary(max_size=300), NUMBERS),
    st.builds(frames.Took, NUMBERS, NUMBERS),
    st.builds(frames.Leave, NUMBERS),
    st.builds(frames.Tell, NUMBERS, st.binary(max_size=300), st.none() | KEYS, st.lists(KEYS, max_size=3).map(tuple)),
    st.builds(frames.Dismiss, NUMBERS, st.just(Bye(code=Code.DRAINING, message="", retry=True, retry_after=0.5))),
    st.builds(frames.Hold, NUMBERS, st.booleans()),
    GOING,
    st.builds(frames.AllGoing, st.lists(GOING, max_size=4).map(tuple)),
    st.builds(frames.Gone, st.text(max_size=5), st.text(max_size=9)),
    st.builds(frames.Ask, NUMBERS, st.builds(frames.Spend, st.text(max_size=9))),
    st.builds(frames.Answer, NUMBERS, st.just(frames.Spent(("default", ("agent",)))) | st.just(frames.Spent(None))),
)


@given(said=st.lists(FRAMES, max_size=12), cuts=st.lists(st.integers(0, 4000), max_size=12))
def test_frames_survive_any_cut(said: list[Frame], cuts: list[int]) -> None:
    whole = b"".join(map(framed, said))
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    incoming = Incoming()
    heard: list[Frame] = []
    for begin, end in pairwise(places):
        heard += incoming.feed(whole[begin:end])
    assert heard == said


@pytest.mark.parametrize("bad", [(LONGEST_BYTES + 1).to_bytes(HEAD_BYTES, "big"), b"\0\0\0\2\x91\x63", b"\0\0\0\1\xc1"])
def test_what_is_no_frame_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="a frame"):
        list(Incoming().feed(framed(frames.Leave(1)) + bad))
