"""Watching one call: the past as fast as it is taken, then live, without a gap and without a double."""

import asyncio
from collections.abc import Iterable

import msgspec
import pytest
from calls import CALL, call, say, segment
from desks import STARTED, joined, serving, small_playbook
from desks import segment as heard
from websockets.frames import Frame, Opcode

from rtig.core.events import SegmentHeard
from rtig.core.guidance import CallInfo, Line
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey, Position
from rtig.gateway.metrics import Metrics
from rtig.gateway.outbox import Key
from rtig.gateway.socket import Socket
from rtig.gateway.watching import ROOM, Channel, Watch
from rtig.live import LiveCalls
from rtig.wire.messages import CaughtUp, Guided, ServerMessage, StartOver, decode_told

KEY = CallKey("default", CALL)


class Screen(Socket):
    """Keeps what it is sent, as a client would that takes nothing until `drain`."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.places: list[tuple[Key | None, tuple[Key, ...]]] = []
        self._unsent = 0

    @property
    def unsent(self) -> int:
        return self._unsent

    def send(self, payload: bytes) -> None:
        self._unsent += len(payload)
        self.frames.append(payload)

    def send_framed(self, frame: bytes, key: Key | None = None, supersedes: Iterable[Key] = ()) -> None:
        self.places.append((key, tuple(supersedes)))
        self.send(frame[2:] if frame[1] < 126 else frame[4:] if frame[1] == 126 else frame[10:])

    def send_at_once(self, frame: bytes, key: Key | None = None, supersedes: Iterable[Key] = ()) -> bool:
        self.send_framed(frame, key, supersedes)
        return True

    def drain(self) -> None:
        self._unsent = 0

    @property
    def told(self) -> list[ServerMessage]:
        return [decode_told(frame) for frame in self.frames]


@pytest.fixture
async def live() -> LiveCalls:
    calls = LiveCalls(MemoryLog(), small_playbook())
    await calls.open(KEY)
    return calls


def events(count: int, words: int = 3) -> list[SegmentHeard]:
    text = " ".join(["then"] * words)
    return [segment(f"s{n}", say("agent", n * 1000, text)) for n in range(count)]


async def test_the_past_then_the_position_to_join_at(live: LiveCalls) -> None:
    for event in call([say("customer", 0, "hello my bill has doubled"), say("agent", 4000, "i see")]):
        live.accept(KEY, event)
    screen = Screen()
    watch = Watch(live, KEY, screen, None)
    position = watch.go_on()
    assert watch.caught_up
    *guided, last = screen.told
    assert isinstance(last, CaughtUp)
    assert position == Position(last.epoch, last.seq) == live.past(KEY, None).position
    seqs = [message.seq for message in guided if isinstance(message, Guided)]
    assert seqs == sorted(seqs)
    assert [item for m in guided if isinstance(m, Guided) for item in m.items if isinstance(item, CallInfo)]
    live.close()


async def test_a_long_past_is_told_as_fast_as_it_is_taken_and_what_happens_meanwhile_follows(live: LiveCalls) -> None:
    live.accept(KEY, call([])[0])
    story = events(400, words=150)
    for event in story[:300]:
        live.accept(KEY, event)
    screen = Screen()
    watch = Watch(live, KEY, screen, None)
    rounds = 0
    while watch.go_on() is None:
        assert screen.unsent < ROOM + 4000
        live.accept(KEY, story[300 + rounds])
        rounds += 1
        screen.drain()
    assert rounds > 2
    seqs = [message.seq for message in screen.told if isinstance(message, Guided)]
    assert seqs == list(range(1, 302 + rounds))
    live.close()


async def test_who_comes_back_gets_the_rest_and_who_holds_another_log_starts_over(live: LiveCalls) -> None:
    live.accept(KEY, call([])[0])
    for event in events(5):
        live.accept(KEY, event)
    screen = Screen()
    assert Watch(live, KEY, screen, Position(1, 4)).go_on() is not None
    assert [m.seq for m in screen.told if isinstance(m, Guided)] == [5, 6]
    assert not any(isinstance(message, StartOver) for message in screen.told)
    screen = Screen()
    assert Watch(live, KEY, screen, Position(1, 99)).go_on() is not None
    assert isinstance(screen.told[0], StartOver)
    assert [m.seq for m in screen.told if isinstance(m, Guided)] == [1, 2, 3, 4, 5, 6]
    live.close()


async def test_a_live_frame_is_encoded_once_and_says_where_the_time_went(live: LiveCalls) -> None:
    metrics = Metrics()
    channel = Channel(live, KEY, metrics)
    one, two = Screen(), Screen()
    channel.join(one)
    channel.join(two)
    live.accept(KEY, call([])[0])
    live.accept(KEY, segment("s1", say("customer", 0, "hello my bill has doubled")), 1000, 3000)
    assert one.frames == two.frames
    assert one.frames[-1] is not None
    quiet, timed = (message for message in one.told if isinstance(message, Guided))
    assert quiet.timing is None
    assert timed.timing is not None
    assert timed.timing.decode_us == 2
    assert timed == msgspec.json.decode(msgspec.json.encode(timed), type=Guided)
    await asyncio.sleep(0)
    assert metrics.percentile("total", 50) > 0
    for screen, empty in ((one, False), (two, True)):
        channel.leave(screen)
        assert channel.empty is empty
    channel.close()
    before = len(one.frames)
    live.accept(KEY, segment("s2", say("customer", 9000, "well")))
    assert len(one.frames) == before
    live.close()


async def test_only_a_lone_interim_or_mood_may_be_left_out(live: LiveCalls) -> None:
    channel = Channel(live, KEY, Metrics())
    screen = Screen()
    channel.join(screen)
    live.accept(KEY, call([])[0])
    live.accept(KEY, segment("s1", say("agent", 0, "well"), rev=1, final=False))
    live.accept(KEY, segment("s1", say("agent", 0, "well then"), rev=2, final=False))
    live.accept(KEY, segment("s1", say("agent", 0, "well then my friend"), rev=3))
    line: Key = ("line", CALL, "s1")
    assert [key for key, _ in screen.places] == [None, line, line, None]
    assert [line in supersedes for _, supersedes in screen.places] == [False, True, True, True]
    channel.close()
    live.close()


async def test_frames_are_as_the_library_frames_them(live: LiveCalls) -> None:
    channel = Channel(live, KEY, Metrics())
    sent: list[bytes] = []

    class Wire(Screen):
        def send_framed(self, frame: bytes, key: Key | None = None, supersedes: Iterable[Key] = ()) -> None:
            sent.append(frame)
            super().send_framed(frame, key, supersedes)

    screen = Wire()
    channel.join(screen)
    live.accept(KEY, call([])[0])
    assert sent == [Frame(Opcode.TEXT, screen.frames[0]).serialize(mask=False)]
    channel.close()
    live.close()


async def test_a_late_watcher_and_an_early_one_hold_the_same() -> None:
    """Joining in the midst of a busy call: every number once, in order, whoever joins when."""
    async with serving() as server, joined(server, "source") as source:
        await source.acked(STARTED)

        async def watch() -> list[int]:
            async with joined(server, "agent") as agent:
                past = await agent.watch()
                seqs = [message.seq for message in past]
                while seqs[-1] < 301:
                    seqs.append((await agent.until(Guided)).seq)
                return seqs

        watchers = []
        for number in range(1, 301, 5):
            await source.acked(*(heard(n, "well", party="agent") for n in range(number, number + 5)))
            if number % 50 == 1:
                watchers.append(asyncio.create_task(watch()))
        for seqs in await asyncio.gather(*watchers):
            assert seqs == list(range(1, 302))


async def test_an_erased_call_is_forgotten_by_its_watchers() -> None:
    async with serving() as server, joined(server, "source", source="one") as source, joined(server, "agent") as agent:
        await source.acked(STARTED, heard(1))
        await agent.watch()
        assert await server.desk.erase(CallKey("default", "c1")) == 2
        await agent.until(StartOver)
        await source.acked(STARTED)
        assert len(await agent.watch()) == 1
        await source.acked(heard(2))
        told = await agent.until(Guided)
        assert [item.segment_id for item in told.items if isinstance(item, Line)] == ["s2"]
