"""The load of the wire and fanout suites: what it sends, and how it counts what comes back."""

import asyncio
from itertools import pairwise

import pytest
from calls import CALL
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from benchmarks.fanout import Everyone, fragments_for
from benchmarks.wire import spread
from benchmarks.wire_load import Connection, frames_in, masked, spoken
from benchmarks.wire_servers import KNOWLEDGE, unfolded
from rtig.core import engine
from rtig.core.events import CallEnded, CallStarted, SegmentHeard
from rtig.core.guidance import Line
from rtig.core.playbook import Playbook, Source
from rtig.gateway.socket import framed
from rtig.wire.messages import Watch, decode


def test_a_frame_is_what_a_server_understands() -> None:
    server = ServerProtocol(state=OPEN)
    server.receive_data(masked(Watch(call_id=CALL)))
    [frame] = server.events_received()
    assert isinstance(frame, Frame)
    assert decode(bytes(frame.data)) == Watch(call_id=CALL)


def test_fragments_are_of_one_call_and_each_is_news() -> None:
    heard = spoken(KNOWLEDGE, 3000, 1)
    assert len(heard) == 3000
    assert len({(event.segment_id, event.rev) for event in heard}) == 3000
    newest: dict[str, int] = {}
    for event in heard:
        assert event.rev > newest.get(event.segment_id, 0)
        newest[event.segment_id] = event.rev
    assert sum(event.final for event in heard) < len(heard) / 2
    assert spoken(KNOWLEDGE, 10, 1) == heard[:10]
    assert spoken(KNOWLEDGE, 10, 2) != heard[:10]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_are_counted_whole(size: int) -> None:
    ping = Frame(Opcode.PING, b"rtig").serialize(mask=False)
    one = framed(b"x" * size)
    data = one + ping + one
    assert frames_in(data) == (2, 1, len(data))
    assert frames_in(data[:-1]) == (1, 1, len(one + ping))
    assert frames_in(b"HTTP" + data, 4) == (2, 1, len(data) + 4)


async def test_frames_are_counted_however_they_are_cut() -> None:
    stream = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + framed(b"x" * 200) + framed(b"") + framed(b"y" * 10)
    for cut in range(1, len(stream)):
        connection = Connection()
        for part in (stream[:cut], stream[cut:]):
            connection.data_received(part)
        assert connection.count == 3


async def test_everyone_has_heard_when_the_last_has() -> None:
    class Silent(Connection):
        def send(self, data: bytes) -> None:
            self.said = data

    connections = [Silent() for _ in range(3)]
    everyone = Everyone(connections)
    for _ in range(2):
        hearing = asyncio.create_task(everyone.hear(connections[0], b"frame"))
        await asyncio.sleep(0)
        for connection in connections:
            assert not hearing.done()
            connection.heard(1)
        assert await hearing >= 0
    assert connections[0].said == b"frame"


def test_more_watchers_are_told_fewer_fragments() -> None:
    counts = [fragments_for(watchers) for watchers in (1, 10, 100, 1000)]
    assert all(more >= fewer for more, fewer in pairwise(counts))
    assert counts[-1] * 1000 == 20_000


def test_in_place_of_the_fold_a_segment_is_told_back() -> None:
    playbook = Playbook(Source(name="none"), SentimentIntensityAnalyzer())
    call, told = unfolded(playbook, engine.begin(CALL), 1, CallStarted(call_id=CALL, agent="desk"))
    assert (call.started, call.agent, told) == (True, "desk", ())
    heard = SegmentHeard(call_id=CALL, segment_id="s1", rev=2, party="customer", text="hello", start_ms=1, end_ms=2)
    call, [line] = unfolded(playbook, call, 2, heard)
    assert isinstance(line, Line)
    assert (line.segment_id, line.rev, line.text, line.final) == ("s1", 2, "hello", False)
    assert unfolded(playbook, call, 3, CallEnded(call_id=CALL, at_ms=3))[0].ended


def test_a_spread_is_the_least_the_median_and_the_greatest() -> None:
    assert spread([3.0, 1.0, 2.04]) == [1.0, 2.0, 3.0]
