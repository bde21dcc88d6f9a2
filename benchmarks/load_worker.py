"""The load generator's process: a plan on standard input, its outcome on standard output.

Bare `asyncio.Protocol` sockets on uvloop, frames that were masked before the clock started, answers known by a few of
their bytes: its share of the machine is what the server does not have.

A frame that was due while the generator was busy counts from when it was due. One that was due while it slept counts
from its waking: that lateness is the timer's, in every server's figures alike, and no server's doing.
"""

import asyncio
import contextlib
import gc
import math
import os
import random
import socket as sockets
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Coroutine, Iterable
from heapq import heappop, heappush, heapreplace
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from benchmarks import frames
from benchmarks.alarm import Alarm
from benchmarks.ledger import UNTIMED, Ledger
from benchmarks.load import LONGEST_US, STAGES, Outcome, Plan, Slice, histogram
from benchmarks.servers import allow_many_sockets, cpu_seconds, machine_cpu_seconds, rss_kib
from benchmarks.traffic import ID_BYTES, Spoken, Step, Turn, spoken_calls, turn
from rtig.core.events import CallEnded, CallStarted, encode
from rtig.wire.messages import (
    Bye,
    Calls,
    CallSummary,
    ClientMessage,
    Hello,
    Place,
    Refused,
    Unwatch,
    Watch,
    WatchBoard,
    decode_told,
)
from rtig.wire.messages import encode as say

CALLS_A_SOURCE = 25
ONE_CALL_EVERY = 5
"""Every so manieth line has a source that carries one call only and comes and goes with it."""
CONNECTING_AT_ONCE = 50
SENDS_AT_ONCE = 100
"""After so many in a row, answers that have come get their turn."""
SETTLE_SECONDS = 5.0
"""Without any answer for so long after the last frame, what is missing is lost."""
SETTLE_AT_MOST = 60.0
SLOW_CALLS = 25
SLOW_BUFFER = 4096
SLOW_SECONDS = 12.0
"""A server has closed a client that does not read by then; it comes back and does the same again."""
AFTER_TYPE = len(b'{"type":"guidance","call_id":"')
ACK_AFTER_TYPE = len(b'{"type":"ack","call_id":"')
SEGMENT_AFTER_TYPE = len(b'{"type":"segment","call_id":"')

_stages = msgspec.json.Decoder(dict[str, int])


class Call:
    """One call that is played."""

    __slots__ = ("begins", "ended", "ends", "id", "ledger", "masked", "refused", "source", "steps")

    def __init__(self, made: Turn) -> None:
        self.id = made.call_id
        self.begins, self.ends = made.begins, made.ends
        self.steps = made.spoken.steps
        self.masked = frames.masked_id(made.call_id, SEGMENT_AFTER_TYPE)
        self.ledger = Ledger()
        self.source: Source
        self.ended = False
        self.refused = False


class Line:
    """One agent's: the call that is going on, and the one after it."""

    __slots__ = ("call", "cursor", "next", "number", "part")

    def __init__(self, number: int, first: Turn) -> None:
        self.number = number
        self.part = 0
        self.next: Turn | None = first
        self.call: Call | None = None
        self.cursor = 0


class Client(asyncio.Protocol):
    """A connection that is greeted, and comes back where it is cut."""

    def __init__(self, load: "Load", hello: Hello | None) -> None:
        self.load = load
        self.ready = False
        self.away = False
        """It was us who cut it, or who will not have it any more."""
        self.hello = hello
        self.times = 0
        """That it was ready."""
        self._rest = b""
        self._upgraded = False
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)  # until connection_made
        self._greeted: asyncio.Future[None] | None = None

    async def connect(self) -> None:
        """Return once the server has welcomed it. Raises `ConnectionError`."""
        self._greeted = self.load.loop.create_future()
        host, port = self.load.address
        await self.load.loop.create_connection(lambda: self, host, port)
        await self._greeted

    def say(self, message: ClientMessage) -> None:
        self._transport.write(frames.masked(say(message)))

    def leave(self) -> None:
        """For good."""
        self.away = True
        if self._transport is not None:
            self._transport.abort()

    def cut(self) -> None:
        """As a network does; it comes back."""
        if self.ready:
            self.load.outcome.stormed += 1
            self._transport.abort()

    # What each kind does.

    def begin(self) -> None:
        """The server has welcomed it."""

    def text(self, frame: bytes, now: float) -> None:
        """A message of the server that is no welcome."""

    def gone(self) -> None:
        """The connection is lost."""

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._rest, self._upgraded = b"", False
        host, port = self.load.address
        self._transport.write(frames.UPGRADE.format(host=f"{host}:{port}").encode())

    def data_received(self, data: bytes) -> None:
        load = self.load
        now = load.now()
        if self._rest:
            data = self._rest + data
        if not self._upgraded:
            data = self._upgrade(data)
        found: list[tuple[int, bytes]] = []
        self._rest = frames.split(data, found) if self._upgraded else data
        for first, payload in found:
            if first == frames.TEXT:
                if self.ready:
                    self.text(payload, now)
                elif payload.startswith(b'{"type":"welcome"'):
                    self._welcomed()
                else:
                    load.odd(payload)
            elif first == frames.PING:
                self._transport.write(frames.masked(payload, frames.PONG))
            elif first == frames.CLOSE:
                self._transport.close()
        load.busy_until = load.now()

    def connection_lost(self, _: Exception | None) -> None:
        greeted, was_ready = self._greeted, self.ready
        self.ready, self._greeted = False, None
        if greeted is not None and not greeted.done():
            greeted.set_exception(ConnectionError("a connection was turned away"))
        if was_ready:
            self.gone()
            if not self.away and not self.load.over:
                self.load.spawn(self._come_back())

    def _upgrade(self, data: bytes) -> bytes:
        head, ends, rest = data.partition(b"\r\n\r\n")
        if not ends:
            return data
        if frames.UPGRADED not in head.lower():
            self._transport.abort()
            return b""
        self._upgraded = True
        if self.hello is None:
            self._welcomed()
        else:
            self.say(self.hello)
        return rest

    def _welcomed(self) -> None:
        self.ready = True
        self.times += 1
        self.load.outcome.connections += 1
        if self._greeted is not None and not self._greeted.done():
            self._greeted.set_result(None)
        self.begin()

    async def _come_back(self) -> None:
        while not self.away and not self.load.over:
            await asyncio.sleep(self.load.rng.uniform(0.05, 1.0))
            try:
                await self.connect()
            except OSError:
                continue
            return


class Source(Client):
    """Sends calls, and each frame again that was not acknowledged before its connection was cut."""

    def __init__(self, load: "Load", name: str, one_call: bool) -> None:
        super().__init__(load, Hello(role="source", token=load.plan.token, source=name))
        self.one_call = one_call
        self.calls: dict[bytes, Call] = {}

    def event(self, call: Call, key: bytes, frame: bytes) -> None:
        call.ledger.sent(key, frame)
        if self.ready:
            self._transport.write(frame)

    def fragment(self, call: Call, step: Step, frame: bytes, since: float) -> None:
        if self.ready:
            self._transport.write(frame)
        else:
            since = UNTIMED
        call.ledger.fragment(step.segment, step.rev, frame, since, step.final)

    def begin(self) -> None:
        for call in self.calls.values():
            again = call.ledger.again()
            if self.times > 1:
                self.load.outcome.sent_again += len(again)
            for frame in again:
                self._transport.write(frame)

    def gone(self) -> None:
        for call in self.calls.values():
            call.ledger.dropped()

    def text(self, frame: bytes, now: float) -> None:
        if frame[9:12] != b"ack":
            self.load.odd(frame, self)
            return
        ends = ACK_AFTER_TYPE + ID_BYTES
        call = self.calls.get(frame[ACK_AFTER_TYPE:ends])
        if call is None:
            self.load.outcome.acknowledged_twice += 1
            return
        call.ledger.acknowledge(*frames.acknowledged(frame, ends))
        self.load.answered = now
        if call.ended and not call.ledger.unacknowledged:
            self.done(call)

    def done(self, call: Call) -> None:
        del self.calls[call.id]
        if self.one_call:
            self.leave()


class Echoed(Source):
    """Sends the same to an echo, which answers in order."""

    def __init__(self, load: "Load", name: str, one_call: bool) -> None:
        super().__init__(load, name, one_call)
        self.hello = None
        self._since: deque[float] = deque()
        self._held: list[bytes] = []

    def event(self, call: Call, key: bytes, frame: bytes) -> None:
        self._send(frame, UNTIMED)

    def fragment(self, call: Call, step: Step, frame: bytes, since: float) -> None:
        self._send(frame, since)

    def _send(self, frame: bytes, since: float) -> None:
        if self.ready:
            self._since.append(since)
            self._transport.write(frame)
        else:
            self._held.append(frame)

    def begin(self) -> None:
        held, self._held = self._held, []
        for frame in held:
            self._send(frame, UNTIMED)

    def gone(self) -> None:
        self.load.outcome.lost += len(self._since)

    def text(self, frame: bytes, now: float) -> None:
        since = self._since.popleft()
        self.load.answered = now
        self.load.echoed += 1
        if since:
            self.load.behind = now - since
            self.load.slice_of(since).took.append(now - since)
        if self.one_call and not self._since and all(call.ended for call in self.calls.values()):
            self.leave()

    def done(self, call: Call) -> None:
        pass


class Sidebar(Client):
    """Watches the newest call of its agent, and the one before it, whose last words may still be on their way."""

    def __init__(self, load: "Load", agent: str) -> None:
        super().__init__(load, Hello(role="agent", token=load.plan.token, agent=agent))
        self._watched: dict[bytes, bytes] = {}  # the last guidance of each call

    def begin(self) -> None:
        for call_id, last in self._watched.items():
            after = Place(*frames.position(last)) if last else None
            self.say(Watch(call_id=call_id.decode(), after=after))

    def text(self, frame: bytes, now: float) -> None:
        if frame[9:10] == b"g":
            self._guided(frame, now)
        elif frame[9:14] == b"calls":
            self._told_calls(cast(Calls, decode_told(frame)).calls)
        elif frame[9:19] == b"start_over":
            self.load.outcome.started_over += 1
        else:
            self.load.odd(frame)

    def _guided(self, frame: bytes, now: float) -> None:
        load, call_id = self.load, frame[AFTER_TYPE : AFTER_TYPE + ID_BYTES]
        call = load.calls.get(call_id)
        if call is None or call_id not in self._watched:
            return
        self._watched[call_id] = frame
        made = frames.made_us(frame)
        for segment, rev in frames.lines(frame):
            load.answered = now
            told = call.ledger.tell(segment, rev)
            if not told or not made:
                continue  # the client was away, or it is told as the past of a call
            for since in told:
                load.slice_of(since).took.append(now - since)
            since = told[-1]
            load.slice_of(since).made.append(made / 1e6)
            load.behind = now - since
            if frames.holds_card(frame):
                load.card(now - since, frame)

    def _told_calls(self, calls: tuple[CallSummary, ...]) -> None:
        for call in reversed(calls):
            call_id = call.call_id.encode()
            if call_id not in self._watched:
                self._watched[call_id] = b""
                self.say(Watch(call_id=call.call_id))
        while len(self._watched) > 2:
            oldest = next(iter(self._watched))
            del self._watched[oldest]
            self.say(Unwatch(call_id=oldest.decode()))


class Board(Client):
    """A supervisor's. What it is told is counted and not looked at."""

    def __init__(self, load: "Load") -> None:
        super().__init__(load, Hello(role="supervisor", token=load.plan.token, agent="floor"))

    def begin(self) -> None:
        self.say(WatchBoard())

    def text(self, frame: bytes, now: float) -> None:
        self.load.outcome.board_bytes += len(frame)


class Deaf(Client):
    """Watches calls and does not read; comes back after a while and does the same again."""

    def __init__(self, load: "Load", number: int) -> None:
        super().__init__(load, Hello(role="supervisor", token=load.plan.token, agent=f"slow-{number}"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        raw = transport.get_extra_info("socket")
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, SLOW_BUFFER)
        super().connection_made(transport)

    def begin(self) -> None:
        going_on = [call for call in self.load.calls.values() if not call.ended]
        for call in self.load.rng.sample(going_on, min(SLOW_CALLS, len(going_on))):
            self.say(Watch(call_id=call.id.decode()))
        self._transport.pause_reading()
        self.load.loop.call_later(SLOW_SECONDS, self._transport.abort)

    def gone(self) -> None:
        self.load.outcome.slowed += 1


class Figures:
    """Of one slice; times are seconds in arrays until the end."""

    def __init__(self) -> None:
        self.took = array("d")
        self.made = array("d")
        self.late = array("d")
        self.sent = self.finals = 0


class Load:
    """One play."""

    def __init__(self, plan: Plan, spoken: list[Spoken]) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.rng = random.Random(plan.shape.seed)
        self.outcome = Outcome(slices=[], card="", stages={})
        self.calls: dict[bytes, Call] = {}
        self.over = False
        self.busy_until = 0.0
        self.answered = 0.0
        """When the last answer came."""
        self.behind = 0.0
        """How long the last one took."""
        self.echoed = 0
        address = urlsplit(plan.url)
        self.address = (address.hostname or "", address.port or 0)
        self._spoken = spoken
        self._begun = time.perf_counter()
        self._refused: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsettled: list[Call] = []
        shape = plan.shape
        self._slice_seconds = plan.slice_seconds or shape.seconds - shape.ramp
        self._slices = [Figures() for _ in range(max(1, round((shape.seconds - shape.ramp) / self._slice_seconds)))]
        self._aside = Figures()  # of the ramp
        self._cards = array("d")
        self._stages = {stage: array("d") for stage in STAGES}
        self._lines = [Line(n, first) for n in range(shape.all_lines) if (first := turn(shape, spoken, n, 0, 0.0))]
        self._heap: list[tuple[float, int]] = []
        self._sources: dict[int, Source] = {}
        self._sidebars: list[Sidebar] = []
        self._alarm: Alarm | None = None

    def now(self) -> float:
        """Seconds since the begin."""
        return time.perf_counter() - self._begun

    def slice_of(self, at: float) -> Figures:
        number = (at - self.plan.shape.ramp) / self._slice_seconds
        return self._slices[min(int(number), len(self._slices) - 1)] if number >= 0 else self._aside

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def card(self, took: float, frame: bytes) -> None:
        self._cards.append(took)
        for stage, us in _stages.decode(frames.stages(frame)).items():
            self._stages[stage].append(us / 1e6)

    def odd(self, frame: bytes, source: Source | None = None) -> None:
        """A message that is neither acknowledgement nor guidance."""
        if frame[9:14] not in (b"error", b'bye",'):
            return
        told = decode_told(frame)
        if isinstance(told, Bye):
            self.outcome.dropped += 1
        if isinstance(told, Bye | Refused):
            self._refused[told.code] += 1
        if isinstance(told, Refused) and source is not None and told.key == "call_started":
            call = source.calls.pop(told.call_id.encode(), None)
            if call is not None:
                call.refused = True
                call.ledger = Ledger()
                self.outcome.refused_calls += 1

    # A play, from begin to end.

    async def play(self) -> Outcome:
        await self._connect()
        gc.collect()
        gc.freeze()
        gc.disable()
        self._alarm = Alarm(self._pump)
        for line in self._lines:
            if line.next is not None:
                heappush(self._heap, (line.next.begins, line.number))
        self._begun = time.perf_counter()
        self.busy_until = 0.0
        for at in self.plan.storms_at:
            self.loop.call_later(at, self._storm)
        self._alarm.set(0.0)
        await self._watch_the_server()
        self._alarm.close()
        self._heap.clear()
        if not self.outcome.gave_up:
            await self._settled()
        self.over = True
        self._count()
        return self.outcome

    async def _connect(self) -> None:
        plan = self.plan
        multiplexed = {n // CALLS_A_SOURCE for n in range(plan.shape.all_lines) if n % ONE_CALL_EVERY}
        clients: list[Client] = []
        for number in sorted(multiplexed):
            self._sources[number] = self._source(f"{plan.shape.prefix}-source-{number}", one_call=False)
            clients.append(self._sources[number])
        if plan.answers == "guidance":
            self._sidebars = [Sidebar(self, f"desk-{n}") for n in range(plan.shape.all_lines)]
            clients += [*self._sidebars, Board(self)]
            for number in range(plan.slow):
                self.loop.call_later(plan.shape.ramp, self.spawn, Deaf(self, number).connect())
        waiting = iter(clients)

        async def connect() -> None:
            for client in waiting:
                await client.connect()

        await asyncio.gather(*(connect() for _ in range(CONNECTING_AT_ONCE)))

    def _source(self, name: str, *, one_call: bool) -> Source:
        return (Echoed if self.plan.answers == "echo" else Source)(self, name, one_call)

    async def _watch_the_server(self) -> None:
        """Wait until the end, and read what the processes use at the end of each slice."""
        ramp = self.plan.shape.ramp
        if not await self._goes_on_until(ramp):
            return
        before, used = self.now(), self._used()
        for number, figures in enumerate(self._slices, 1):
            if not await self._goes_on_until(ramp + number * self._slice_seconds):
                return
            now, using = self.now(), self._used()
            server, own, machine = (y - x for x, y in zip(used, using, strict=True))
            self.outcome.slices.append(
                Slice(
                    seconds=now - before,
                    sent=figures.sent,
                    finals=figures.finals,
                    server_cpu=server,
                    own_cpu=own,
                    machine_cpu=machine,
                    server_rss_kib=sum(map(rss_kib, self.plan.pids)),
                )
            )
            before, used = now, using

    async def _goes_on_until(self, at: float) -> bool:
        """Wait; False where the server is too far behind to go on."""
        late = self.plan.give_up_seconds
        while (left := at - self.now()) > 0:
            await asyncio.sleep(min(left, 1.0) if late else left)
            silent = 0.0 if self._all_answered() else self.now() - self.answered - 1.0
            if late and max(self.behind, silent) > late:
                self.outcome.gave_up = True
                return False
        return True

    def _used(self) -> tuple[float, float, float]:
        """CPU seconds of the server, of this process, of everything."""
        return sum(map(cpu_seconds, self.plan.pids)), time.process_time(), machine_cpu_seconds()

    async def _settled(self) -> None:
        """Wait until all is answered, or nothing has been for a while."""
        ended = self.answered = self.now()
        while not self._all_answered():
            now = self.now()
            if now - self.answered > SETTLE_SECONDS or now - ended > SETTLE_AT_MOST:
                return
            await asyncio.sleep(0.05)

    def _all_answered(self) -> bool:
        if self.plan.answers == "echo":
            return self.echoed >= self.outcome.sent
        return all(call.ledger.settled for call in (*self.calls.values(), *self._unsettled))

    def _count(self) -> None:
        out = self.outcome
        for call in (*self.calls.values(), *self._unsettled):
            self._count_call(call)
        out.lost = out.unacknowledged + out.untold
        if self.plan.answers == "echo":
            out.lost = out.sent - self.echoed
        out.refused = dict(self._refused)
        out.cards = len(self._cards)
        out.card = _encoded(self._cards)
        out.stages = {stage: _encoded(times) for stage, times in self._stages.items()}
        for told, figures in zip(out.slices, self._slices, strict=not out.gave_up):
            told.took, told.made, told.late = (_encoded(x) for x in (figures.took, figures.made, figures.late))

    def _count_call(self, call: Call) -> None:
        out, ledger = self.outcome, call.ledger
        out.unacknowledged += ledger.unacknowledged
        out.untold += ledger.finals_untold
        out.superseded += ledger.superseded
        out.acknowledged_twice += ledger.acknowledged_twice
        out.told_twice += ledger.told_twice

    # Sending.

    def _pump(self) -> None:
        """Send what is due."""
        heap, woken = self._heap, self.now()
        now, left = woken, SENDS_AT_ONCE
        while heap and heap[0][0] <= now and left:
            due, number = heap[0]
            if due >= self.plan.shape.seconds:
                heap.clear()
                return
            following = self._send(self._lines[number], due, due if due <= self.busy_until else woken)
            if following is None:
                heappop(heap)
            else:
                heapreplace(heap, (following, number))
            figures = self.slice_of(due)
            figures.late.append(now - due)
            now = self.now()
            left -= 1
        self.busy_until = now
        if heap and self._alarm is not None:
            self._alarm.set(heap[0][0] - now)

    def _send(self, line: Line, due: float, since: float) -> float | None:
        """Send a line's next frame, unless its call was refused; when the one after it is due."""
        call, figures = line.call, self.slice_of(due)
        sent = call is None or not call.refused
        self.outcome.sent += sent
        figures.sent += sent
        if call is None:
            call = self._begin(line)
        elif line.cursor < len(call.steps) and call.steps[line.cursor].at < call.ends - call.begins:
            step = call.steps[line.cursor]
            line.cursor += 1
            if sent:
                self.outcome.fragments += 1
                self.outcome.finals += step.final
                figures.finals += step.final
                call.source.fragment(call, step, step.before + call.masked + step.after, since)
        else:
            return self._end(line, call, due)
        if line.cursor < len(call.steps):
            return min(call.begins + call.steps[line.cursor].at, call.ends)
        return call.ends

    def _begin(self, line: Line) -> Call:
        assert line.next is not None
        made = line.next
        line.cursor, line.call = 0, Call(made)
        call = line.call
        self.calls[call.id] = call
        self.outcome.calls += 1
        if line.number % ONE_CALL_EVERY:
            call.source = self._sources[line.number // CALLS_A_SOURCE]
        else:
            call.source = self._source(call.id.decode(), one_call=True)
            self.spawn(call.source.connect())
        call.source.calls[call.id] = call
        started = CallStarted(call_id=call.id.decode(), agent=f"desk-{line.number}", queue=made.spoken.queue)
        call.source.event(call, b"call_started", frames.masked(encode(started)))
        return call

    def _end(self, line: Line, call: Call, due: float) -> float | None:
        over = CallEnded(call_id=call.id.decode(), at_ms=round((due - call.begins) * 1000))
        call.ended = True
        if not call.refused:
            call.source.event(call, b"call_ended", frames.masked(encode(over)))
        line.part += 1
        line.call = None
        line.next = turn(self.plan.shape, self._spoken, line.number, line.part, due)
        # Long enough after its end nothing more is told of a call.
        self.loop.call_later(30, self._forget, call)
        return None if line.next is None else line.next.begins

    def _forget(self, call: Call) -> None:
        if self.over:
            return
        del self.calls[call.id]
        if call.ledger.settled:
            self._count_call(call)
        else:
            self._unsettled.append(call)

    def _storm(self) -> None:
        """Cut the sidebars and the sources of a share of the calls."""
        alone = [n for n in range(len(self._lines)) if n % ONE_CALL_EVERY == 0]
        struck = {*self._share(list(self._sources)), *(-1 - n for n in self._share(alone))}
        clients: dict[Client, None] = {}  # each once, in the same order every time
        for line in self._lines:
            if (line.number // CALLS_A_SOURCE if line.number % ONE_CALL_EVERY else -1 - line.number) in struck:
                clients.update(dict.fromkeys(self._sidebars[line.number : line.number + 1]))
                if line.call is not None:
                    clients[line.call.source] = None
        for client in clients:
            client.cut()

    def _share(self, of: list[int]) -> list[int]:
        return self.rng.sample(of, math.ceil(len(of) * self.plan.storm_share))


def _encoded(seconds: Iterable[float]) -> str:
    whole = histogram()
    for us, count in Counter(min(LONGEST_US, max(1, round(one * 1e6))) for one in seconds).items():
        whole.record_value(us, count)
    return str(whole.encode(), "ascii")


async def _played(plan: Plan) -> Outcome:
    return await Load(plan, spoken_calls(Path(plan.knowledge_base), plan.shape.seed)).play()


def _go_first() -> None:
    """A generator that has to wait for the server it measures is late; where this is not allowed, it says how late."""
    with contextlib.suppress(OSError):
        os.nice(-10)


if __name__ == "__main__":
    allow_many_sockets()
    _go_first()
    read = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    print(msgspec.json.encode(uvloop.run(_played(read))).decode())
