"""What makes a fragment dearer: more calls, more triggers, more watchers, a longer call?

One process and its own thread's CPU time, from a decoded fragment to its guidance, with no network in it. Each axis has
points from least to most. At each the same talk is folded, point after point in turns, and each turn in another order,
so that what else the machine does falls on all of them; the first turn is not counted. `growth` is the most over the
least point of one turn, and its median over the turns is held against the target.

    calls      `LiveCalls` over a log in memory, 1,000 plain triggers, each fragment of another call. What the collector
               takes is added: it is measured while the calls are made, for what it walks grows with them
    triggers   the fold of short calls with playbooks of plain triggers, shipped lexicons and checklists
    watchers   `LiveCalls`, and the gateway's `Channel` and `Socket`s, each on a pair of connected sockets, with the
               turns of the loop that it takes to write. `growth` is of what one more watcher costs: among many, over
               among few
    minutes    the fold of one call that goes on and on, with the shipped knowledge base: the same minute of talk comes
               after so many others

The collector is off while anything is timed, as its share belongs to the load and not to the fragment.
"""

import argparse
import asyncio
import gc
import json
import platform
import random
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from msgspec.structs import replace

from benchmarks.call_stream import TENANT, data_folder, real_scripts
from benchmarks.phrases_data import ROOT, dialogues, phrases
from benchmarks.step import plain_playbook
from rtig import knowledge
from rtig.core import engine
from rtig.core.call import Call
from rtig.core.events import CallStarted, Party, SegmentHeard
from rtig.core.guidance import Card
from rtig.core.playbook import Playbook, Source
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey
from rtig.gateway.metrics import Metrics
from rtig.gateway.socket import PATH, Socket, Visitor
from rtig.gateway.watching import Channel
from rtig.live import LiveCalls
from rtig.script import Line, Script, perform
from rtig.wire.messages import SUBPROTOCOL

POINTS = {
    "calls": (10, 100, 1000, 5000),
    "triggers": (100, 1000, 10_000, 100_000),
    "watchers": (0, 1, 25, 50),
    "minutes": (1, 10, 60, 180),
}
QUICK_POINTS = {"calls": (10, 1000), "triggers": (100, 10_000), "watchers": (0, 1, 25, 50), "minutes": (1, 10)}
TARGETS = {"calls": 1.3, "triggers": 6.0, "watchers": 1.3, "minutes": 1.3}
"""At most so many times; of watchers, what one more of them costs."""
TRIGGERS = 1000
STREAMS, WINDOW, LEAST = 10, 100, 20
"""Calls follow so many dialogues. In a turn each dialogue's fragments from one of the first on are heard, so many of
them in a row; a call that does not hear one has heard `LEAST`."""
FRAGMENTS = 200
"""Of a turn, of the call that is watched."""
MINUTE_MS = 60_000


class Took(NamedTuple):
    """Nanoseconds, one a fragment."""

    finals: list[int]
    interims: list[int]
    more_us: float = 0.0
    """What comes on top of each."""
    cards: int = 0
    each: Sequence[int] = ()
    """Where points are compared fragment by fragment: both kinds, as they came."""

    @property
    def us(self) -> float:
        return statistics.fmean([*self.finals, *self.interims]) / 1000 + self.more_us


Probe = Callable[[int], Awaitable[Took]]
"""One turn at one point, by its number."""


class Talk(NamedTuple):
    source: str
    scripts: list[Script]

    def long(self, name: str, minutes: float, begin: int = 0) -> list[CallStarted | SegmentHeard]:
        """Dialogues one after another, as one call of so many minutes."""
        lines: list[Line] = []
        at = begin
        heard: list[CallStarted | SegmentHeard] = []
        while not heard or _at(heard[-1]) < minutes * MINUTE_MS:
            for _ in range(10 + len(lines) // 40):
                lines += [one for one in self.scripts[at % len(self.scripts)].lines if isinstance(one, Line)]
                at += 1
            performed = perform(Script(id=name, lines=tuple(lines)), name, agent="desk-1")
            heard = [event for _, event in performed if isinstance(event, CallStarted | SegmentHeard)]
        return [event for event in heard if _at(event) < minutes * MINUTE_MS]


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where something grows by more than its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--axes", default=",".join(POINTS), help="(%(default)s)")
    parser.add_argument("--turns", type=int, help="over all points (5)")
    parser.add_argument("--data", default="", help="folder with `star`, `multidogo`, `harper_valley`, or `none`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="fewer points, three turns")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.axes.split(",")) - set(POINTS):
        parser.error(f"no axis is called {', '.join(sorted(unknown))}")
    turns = asked.turns or (3 if asked.quick else 5)
    points = QUICK_POINTS if asked.quick else POINTS
    shipped = knowledge.load(ROOT / "knowledge_base")
    folder = data_folder(asked.data)
    talk = talk_of(folder, asked.seed)
    axes = {}
    for name in asked.axes.split(","):
        _say(f"{name}: {', '.join(map(str, points[name]))}")
        took = uvloop.run(_measured(AXES[name](points[name], shipped, talk, folder, asked.seed), turns))
        axes[name] = _axis(name, took)
    report = {
        "passed": all(axis["passed"] for axis in axes.values()),
        "axes": axes,
        "turns": turns,
        "source": talk.source,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 0 if report["passed"] else 1


async def _measured(made: AsyncIterator[Mapping[int, Probe]], turns: int) -> dict[int, list[Took]]:
    """Every point in turns; the first turn warms up."""
    took: dict[int, list[Took]] = {}
    async for probes in made:  # one
        for turn in range(-1, turns):
            order = list(probes)
            random.Random(turn).shuffle(order)
            for point in order:
                done = await probes[point](turn + 1)
                if turn >= 0:
                    took.setdefault(point, []).append(done)
    return took


def talk_of(folder: Path | None, seed: int) -> Talk:
    """Real dialogues of a folder; where there is none, the sample calls with rows of words between them."""
    scripts = real_scripts(folder)
    source = "STAR, Harper Valley"
    if not scripts:
        source = "the sample calls, and made-up talk between them"
        samples = [one for one in knowledge.read(ROOT / "knowledge_base").calls.values() if one.channel == "voice"]
        made = dialogues(None, seed).held_out
        scripts = [*samples, *(_made_up(number, said) for number, said in enumerate(made) if len(said) > WINDOW)]
    random.Random(seed).shuffle(scripts)
    return Talk(source, scripts)


def _made_up(number: int, said: list[str]) -> Script:
    lines = [" ".join(said[at : at + 12]) for at in range(0, len(said), 12)]
    parties: tuple[Party, Party] = ("customer", "agent")
    return Script(id=f"made-{number}", lines=tuple(Line(parties[at % 2], text) for at, text in enumerate(lines)))


# --- the axes


async def _calls(
    points: Sequence[int], shipped: Source, talk: Talk, folder: Path | None, seed: int
) -> AsyncIterator[dict[int, Probe]]:
    playbook = plain_playbook(phrases(dialogues(folder, seed), TRIGGERS, seed), shipped)
    streams = [talk.long("c", 4, 7 * number) for number in range(STREAMS)]
    kept = {n: await _Crowd.made(playbook, streams, n, 0) for n in points if n // STREAMS >= WINDOW}

    def probe(n: int) -> Probe:
        async def turn(number: int) -> Took:
            crowd = kept.get(n) or await _Crowd.made(playbook, streams, n, number)
            return crowd.heard()

        return turn

    yield {n: probe(n) for n in points}


class _Crowd:
    """Calls that have come so far that, in one turn, all crowds hear the same fragments in the same states."""

    def __init__(self, live: LiveCalls, streams: Sequence[Sequence[CallStarted | SegmentHeard]], n: int) -> None:
        self._live = live
        self._streams = streams
        self._n = n
        self._at: dict[int, int] = {}
        self.collector_us = 0.0

    @classmethod
    async def made(
        cls, playbook: Playbook, streams: Sequence[Sequence[CallStarted | SegmentHeard]], n: int, turn: int
    ) -> "_Crowd":
        crowd = cls(LiveCalls(MemoryLog(), playbook), streams, n)
        copies = n // STREAMS
        gc.collect()
        gc.freeze()  # as the server does with its playbook
        with _collecting() as spent:
            events = 0
            for number in range(n):
                copy = number // STREAMS
                await crowd._live.open(_key(number))
                first = min(copy, WINDOW) if copies >= WINDOW else copy * WINDOW // copies
                crowd._at[number] = 0
                for _ in range(LEAST + turn + (first if first < WINDOW else 0)):
                    crowd._next(number)
                    events += 1
        gc.unfreeze()
        crowd.collector_us = spent[0] / events / 1000
        return crowd

    def heard(self) -> Took:
        each = max(1, WINDOW * STREAMS // self._n)
        heard = [number for _ in range(each) for number in range(min(self._n, WINDOW * STREAMS))]
        finals: list[int] = []
        interims: list[int] = []
        with _quiet():
            for number in heard:
                took, final = self._next(number)
                (finals if final else interims).append(took)
        return Took(finals, interims, self.collector_us)

    def _next(self, number: int) -> tuple[int, bool]:
        at = self._at[number]
        self._at[number] = at + 1
        event = replace(self._streams[number % STREAMS][at], call_id=f"c{number}")
        begun = time.thread_time_ns()
        self._live.accept(_key(number), event)
        return time.thread_time_ns() - begun, isinstance(event, SegmentHeard) and event.final


async def _triggers(
    points: Sequence[int], shipped: Source, talk: Talk, folder: Path | None, seed: int
) -> AsyncIterator[dict[int, Probe]]:
    said = phrases(dialogues(folder, seed), points[-1], seed)
    calls = [talk.long("c", 2, 11 * number) for number in range(4)]

    def probe(playbook: Playbook) -> Probe:
        async def turn(number: int) -> Took:
            with _quiet():
                return _folded(playbook, engine.begin("c"), 0, calls[number % len(calls)])

        return turn

    yield {n: probe(plain_playbook(said[:n], shipped)) for n in points}


async def _minutes(
    points: Sequence[int], shipped: Source, talk: Talk, folder: Path | None, seed: int
) -> AsyncIterator[dict[int, Probe]]:
    playbook = knowledge.compiled(shipped)
    minute = [event for event in talk.long("c", 1, 5) if isinstance(event, SegmentHeard)]
    call, seq = engine.begin("c"), 0
    states: dict[int, tuple[Call, int]] = {}
    waited = list(points)
    for event in talk.long("c", points[-1] + 1, 50):
        if _at(event) >= waited[0] * MINUTE_MS:
            states[waited.pop(0)] = (call, seq)
            if not waited:
                break
        if isinstance(event, CallStarted) or event.final:  # what was interim leaves nothing behind
            seq += 1
            call, _ = engine.step(playbook, call, seq, event)

    def probe(call: Call, seq: int) -> Probe:
        later = [
            replace(
                one,
                segment_id=f"later-{one.segment_id}",
                start_ms=call.now + one.start_ms,
                end_ms=call.now + one.end_ms,
            )
            for one in minute
        ]

        async def turn(number: int) -> Took:
            with _quiet():
                return _folded(playbook, call, seq, later)

        return turn

    yield {n: probe(*state) for n, state in states.items()}


def _later(event: SegmentHeard, ms: int) -> SegmentHeard:
    return replace(
        event, segment_id=f"later-{event.segment_id}", start_ms=event.start_ms + ms, end_ms=event.end_ms + ms
    )


async def _watchers(
    points: Sequence[int], shipped: Source, talk: Talk, folder: Path | None, seed: int
) -> AsyncIterator[dict[int, Probe]]:
    playbook = plain_playbook(phrases(dialogues(folder, seed), TRIGGERS, seed), shipped)
    live = LiveCalls(MemoryLog(), playbook)
    stream = talk.long("c", 15, 3)
    metrics = Metrics()
    async with _sockets(sum(points)) as watching:
        watchers = iter(watching)
        audience: dict[int, list[_Watching]] = {}
        places = dict.fromkeys(points, 0)

        def accept(n: int) -> bool:
            event = replace(stream[places[n]], call_id=f"c{n}")
            places[n] += 1
            live.accept(_key(n), event)
            return isinstance(event, SegmentHeard) and event.final

        done: dict[int, dict[int, Took]] = {}

        async def all_points(number: int) -> dict[int, Took]:
            """Fragment by fragment in turns, for what one watcher costs is little beside what a machine's mood does."""
            took: dict[int, tuple[list[int], list[int], list[int]]] = {n: ([], [], []) for n in points}
            order, rng = list(points), random.Random(number)
            with _quiet():
                for _ in range(FRAGMENTS):
                    rng.shuffle(order)
                    for n in order:
                        begun = time.thread_time_ns()
                        final = accept(n)
                        await asyncio.sleep(0)  # what was sent in this turn of the loop is written in the next
                        await asyncio.sleep(0)
                        spent = time.thread_time_ns() - begun
                        finals, interims, each = took[n]
                        (finals if final else interims).append(spent)
                        each.append(spent)
                        for one in audience[n]:
                            one.read()
            return {n: Took(finals, interims, each=each) for n, (finals, interims, each) in took.items()}

        def probe(n: int) -> Probe:
            async def turn(number: int) -> Took:
                if number not in done:
                    done[number] = await all_points(number)
                return done[number][n]

            return turn

        for n in points:
            await live.open(_key(n))
            channel = Channel(live, _key(n), metrics)
            audience[n] = [next(watchers) for _ in range(n)]
            for one in audience[n]:
                channel.join(one.socket)
            accept(n)
        yield {n: probe(n) for n in points}
        live.close()


class _Watching:
    """The handler of a socket and the other end of it."""

    def __init__(self, end: socket.socket) -> None:
        self.socket: Socket
        self.is_open = asyncio.Event()
        self._end = end

    def opened(self, socket: Socket, visitor: Visitor) -> None:
        self.socket = socket
        self.is_open.set()

    def text(self, frame: bytes, received_ns: int) -> None:
        pass

    def binary(self, frame: bytes) -> None:
        pass

    def drained(self) -> None:
        pass

    def closed(self) -> None:
        pass

    def read(self) -> None:
        try:
            while len(self._end.recv(65536)) == 65536:
                pass
        except BlockingIOError:
            pass


@asynccontextmanager
async def _sockets(count: int) -> AsyncIterator[list[_Watching]]:
    ask = (
        f"GET {PATH} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )
    made: list[_Watching] = []
    ends: list[socket.socket] = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        watching = _Watching(theirs)
        ours.setblocking(False)
        await asyncio.get_running_loop().create_connection(partial(Socket, watching, lambda visitor: None), sock=ours)
        theirs.send(ask.encode())
        await watching.is_open.wait()
        await asyncio.sleep(0)
        watching.read()
        made.append(watching)
        ends.append(theirs)
    try:
        yield made
    finally:
        for end in ends:
            end.close()
        await asyncio.sleep(0)


AXES = {"calls": _calls, "triggers": _triggers, "watchers": _watchers, "minutes": _minutes}


def _folded(playbook: Playbook, call: Call, seq: int, events: Sequence[CallStarted | SegmentHeard]) -> Took:
    finals: list[int] = []
    interims: list[int] = []
    cards = 0
    for event in events:
        seq += 1
        begun = time.thread_time_ns()
        call, items = engine.step(playbook, call, seq, event)
        took = time.thread_time_ns() - begun
        cards += sum(isinstance(item, Card) for item in items)
        if isinstance(event, SegmentHeard):
            (finals if event.final else interims).append(took)
    return Took(finals, interims, cards=cards)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the collector."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@contextmanager
def _collecting() -> Iterator[list[int]]:
    """How long the collector works meanwhile, in ns of the thread's CPU."""
    spent = [0]
    begun = 0

    def note(phase: str, _: dict[str, int]) -> None:
        nonlocal begun
        if phase == "start":
            begun = time.thread_time_ns()
        else:
            spent[0] += time.thread_time_ns() - begun

    gc.callbacks.append(note)
    try:
        yield spent
    finally:
        gc.callbacks.remove(note)


def _key(number: int) -> CallKey:
    return CallKey(TENANT, f"c{number}")


def _at(event: CallStarted | SegmentHeard) -> int:
    return event.end_ms if isinstance(event, SegmentHeard) else 0


# --- the report


def _axis(name: str, took: Mapping[int, Sequence[Took]]) -> dict[str, Any]:
    points = sorted(took)
    us = {n: [one.us for one in took[n]] for n in points}
    turns = zip(*(took[n] for n in points), strict=True)
    if name == "watchers":
        grown = sorted(more_of_each(points, [one.each for one in turn]) for turn in turns)
    else:
        grown = sorted(turn[-1].us / turn[0].us for turn in turns)
    growth = [round(one, 2) for one in (grown[0], statistics.median(grown), grown[-1])]
    return {
        "points": points,
        "us": [round(statistics.median(us[n]), 1) for n in points],
        "us_final": [_mean(one.finals for one in took[n]) for n in points],
        "us_interim": [_mean(one.interims for one in took[n]) for n in points],
        "us_collector": [round(statistics.median(one.more_us for one in took[n]), 1) for n in points],
        "cards": [round(statistics.fmean(one.cards for one in took[n]), 1) for n in points],
        "growth": growth,
        "target": TARGETS[name],
        "passed": growth[1] <= TARGETS[name],
    }


def more_of_each(points: Sequence[int], took: Sequence[Sequence[int]]) -> float:
    """What one more costs between the last two points, over what it costs between the first two that have any.

    The same fragment is compared with itself; the median of these differences counts, as fragments differ far more.
    """

    def one_more(few: int, many: int) -> float:
        pairs = zip(took[few], took[many], strict=True)
        return statistics.median(most - least for least, most in pairs) / (points[many] - points[few])

    return one_more(len(points) - 2, len(points) - 1) / one_more(1, 2)


def _mean(each: Iterator[list[int]]) -> float | None:
    means = [statistics.fmean(one) / 1000 for one in each if one]
    return round(statistics.median(means), 1) if means else None


def _print(report: dict[str, Any]) -> None:
    for name, axis in report["axes"].items():
        verdict = "passed" if axis["passed"] else "FAILED"
        least, middle, most = axis["growth"]
        print(f"{name}: {middle} times ({least} to {most}), {axis['target']} allowed: {verdict}", file=sys.stderr)
        rows = ("points", "us", "us_final", "us_interim", "us_collector", "cards")
        for row in rows:
            print(
                f"  {row:14}" + "".join(f"{value if value is not None else '-':>11}" for value in axis[row]),
                file=sys.stderr,
            )


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
