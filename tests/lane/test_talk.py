"""What goes over the pipe comes out as it went in, and a frame that was cut off is an end."""

import io
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtig.core.events import Tone
from rtig.core.playbook import MeaningSource
from rtig.core.utterances import Reading
from rtig.lane.talk import (
    HEAD_BYTES,
    Article,
    Asked,
    Busy,
    Find,
    Found,
    Learn,
    Learned,
    Read,
    Reply,
    Task,
    Unable,
    Understood,
    framed,
    length_of,
    read_body,
    reply_in,
    task_in,
)

words = st.text(max_size=30)
scores = st.dictionaries(words, st.floats(0, 1), max_size=3)
tones = st.builds(Tone, upset=st.floats(0, 1), pleased=st.floats(0, 1), strain=st.floats(-9, 9), emotion=words)
readings = st.builds(Reading, scores, st.none() | tones)
near = st.lists(st.tuples(words, st.floats(-1, 1)), max_size=3).map(tuple)
asked = st.builds(Asked, words, st.sampled_from(("customer", "agent", "system", "unknown")), words, words)
meaning = st.builds(
    MeaningSource, id=words, rule=words, examples=st.lists(words, max_size=3).map(tuple), competes=st.booleans()
)
tasks = st.one_of(
    st.builds(
        Learn,
        version=words,
        meanings=st.lists(meaning, max_size=2).map(tuple),
        negatives=st.lists(st.lists(words, max_size=2).map(tuple), max_size=2).map(tuple),
        false_alarms=st.floats(0, 100),
        articles=st.lists(st.builds(Article, words, words), max_size=2).map(tuple),
        notes=st.binary(max_size=9),
    ),
    st.builds(Read, st.lists(asked, max_size=3).map(tuple)),
    st.builds(Find, st.integers(0, 2**40), words, st.integers(0, 100)),
)
replies = st.one_of(
    st.builds(Learned, version=words, seconds=st.floats(0, 1e6), notes=st.binary(max_size=9)),
    st.just(Busy()),
    st.builds(Understood, words, st.lists(readings, max_size=3).map(tuple)),
    st.builds(Found, st.integers(0, 2**40), near),
    st.builds(Unable, words, st.booleans()),
)


@given(st.lists(tasks, max_size=4))
def test_tasks_come_out_as_they_went_in(sent: list[Task]) -> None:
    pipe = io.BytesIO(b"".join(map(framed, sent)))
    heard = []
    while (body := read_body(pipe)) is not None:
        heard.append(task_in(body))
    assert heard == sent


@given(replies)
def test_replies_come_out_as_they_went_in(sent: Reply) -> None:
    frame = framed(sent)
    head, body = frame[:HEAD_BYTES], frame[HEAD_BYTES:]
    assert length_of(head) == len(body)
    assert reply_in(body) == sent


@given(tasks, st.data())
def test_a_frame_that_is_cut_off_is_an_end(sent: Task, data: st.DataObject) -> None:
    frame = framed(sent)
    cut = data.draw(st.integers(0, len(frame) - 1))
    assert read_body(io.BytesIO(frame[:cut])) is None


@pytest.mark.parametrize("read", [task_in, reply_in])
def test_what_is_none_of_the_messages_is_refused(read: Callable[[bytes], Task | Reply]) -> None:
    for body in (b"", b"\xc1", msgspec.msgpack.encode({"type": "sing"}), msgspec.msgpack.encode([])):
        with pytest.raises(msgspec.DecodeError):
            read(body)
