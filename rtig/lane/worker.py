"""The server's side of the model lane: keeps the process with the models, gives it work and hands on its answers.

The fold says what a model has still to read; nothing of the server waits for it. What has waited longer than
`deadline_seconds` is shed and not asked for again: a card that late would be no help. The process may be killed, hang
or be missing; it is started again, and the lane says what state it is in. Only while that is `on` does anything wait:
whoever is told so asks for what is unread then.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import NamedTuple

import msgspec
import structlog
from msgspec.structs import replace

from rtig import processes
from rtig.core.events import UtteranceRead
from rtig.core.utterances import Reading, Utterance
from rtig.eventlog.port import CallKey
from rtig.lane.talk import (
    BATCH,
    HEAD_BYTES,
    LONGEST_REPLY_BYTES,
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
    reply_in,
)
from rtig.processes import Companion
from rtig.wire.messages import LaneState

_log = structlog.get_logger(__name__)

HUNG_SECONDS = 10.0
"""A batch takes 50 ms, 0.2 s with the longest utterances; a process that has not answered for so long is ended. Twice
the time that an utterance may wait: on a machine so busy that a batch takes seconds, a new process would need longer
still, and what mood and cards rest on is told from the words of each utterance after three seconds anyway."""
LEARNING_SECONDS = 900.0
"""While it learns it says that it does; for longer than this nobody waits all the same."""
GATHER_SECONDS = 0.012
"""So long an utterance may wait for others to be read with: of a batch of several each costs half of what one alone
does."""
FIND_SECONDS = 2.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
MOST_WAITING = 10_000
MOST_UNSENT_BYTES = 65_536
"""More than this in front of a query means that the process does not read."""
_GOODBYE_SECONDS = 2.0


class Waiting(NamedTuple):
    call: CallKey
    asked: Asked
    since_ns: int


class Counts:
    """What the lane has done so far."""

    def __init__(self) -> None:
        self.read = 0
        self.shed = 0
        self.restarts = 0


Answer = Callable[[CallKey, UtteranceRead], None]


class Lane:
    """One process with the models. Belongs to one event loop; `run` keeps it until it is cancelled."""

    def __init__(
        self,
        answer: Answer,
        on_state: Callable[[LaneState], None] = lambda _: None,
        took: Callable[[int], None] = lambda _: None,
        *,
        weights: str = "",
        sha256: str = "",
        device: str = "auto",
        deadline_seconds: float = 5.0,
    ) -> None:
        """`answer` takes each reading, `took` the nanoseconds since it was asked for, `on_state` each new state."""
        self.state: LaneState = "off"
        self.problem = ""
        """Why it is down."""
        self.counts = Counts()
        self._answer = answer
        self._on_state = on_state
        self._took = took
        self._command = processes.command("rtig.lane", weights, sha256, device)
        self._deadline_ns = int(deadline_seconds * 1e9)
        self._learn: Learn | None = None
        self._notes = b""
        """What the last process has learned: after a restart another need not learn it again."""
        self._waiting: OrderedDict[tuple[CallKey, str], Waiting] = OrderedDict()
        # Asked for again at every word of its call, what was shed would keep a lane behind for ever.
        self._shed: OrderedDict[tuple[CallKey, str], None] = OrderedDict()
        self._flight: list[Waiting] = []
        self._asides: deque[tuple[tuple[Asked, ...], asyncio.Future[tuple[Reading, ...] | None]]] = deque()
        """What is to be read for no call."""
        self._finding: dict[int, asyncio.Future[tuple[tuple[str, float], ...]]] = {}
        self._numbers = count()
        self._doubted = False
        """A query was not answered in time: the process may hang."""
        self._process: Companion | None = None
        self._replies: asyncio.Queue[Reply | None] = asyncio.Queue()
        """What the process says, `Found` left out; None at its end."""
        self._work = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def notes(self) -> bytes:
        """What another process can take over instead of learning it again; empty before the first lesson."""
        return self._notes

    @property
    def meanings(self) -> str:
        """Version of the meanings that are understood now; empty while none are."""
        return self._learn.version if self._learn is not None and self.state == "on" else ""

    @property
    def waiting(self) -> int:
        """Utterances that are still to be read, those included that are being read."""
        return len(self._waiting) + len(self._flight)

    def learn(self, task: Learn) -> None:
        """Understand these meanings from now on; until they are learned nothing is read."""
        if task != self._learn:
            before, self._learn = self._learn, task
            if self.state == "on" and (before is None or before.version != task.version):
                self._become("starting")
            self._work.set()

    def ask(self, call: CallKey, queue: str, utterances: Iterable[Utterance]) -> None:
        """Have some utterances of a call in a queue read. One that waits already is not asked twice."""
        if self.state != "on":
            return
        now = time.monotonic_ns()
        under_way = {(waiting.call, waiting.asked.key) for waiting in self._flight}
        for one in utterances:
            key = (call, one.key)
            if key not in self._waiting and key not in self._shed and key not in under_way:
                self._waiting[key] = Waiting(call, Asked(one.key, one.party, one.text, queue), now)
        while len(self._waiting) > MOST_WAITING:
            self._give_up(self._waiting.popitem(last=False)[0])
        self._work.set()

    async def find(self, query: str, most: int) -> tuple[tuple[str, float], ...]:
        """The articles nearest in meaning to a query; none where the lane is not on or does not answer in time."""
        if self.state != "on":
            return ()
        number = next(self._numbers)
        asking: asyncio.Future[tuple[tuple[str, float], ...]] = asyncio.get_running_loop().create_future()
        self._finding[number] = asking
        try:
            async with asyncio.timeout(FIND_SECONDS):
                if self._unsent() <= MOST_UNSENT_BYTES:
                    await self._send(Find(number, query, most))
                return await asking
        except TimeoutError:
            self._doubted = True
            self._work.set()
            return ()
        except ConnectionError:
            return ()
        finally:
            del self._finding[number]

    async def read(self, queue: str, utterances: Sequence[Utterance]) -> tuple[Reading, ...] | None:
        """What is meant by utterances of no call, as one of that queue; None where the lane is not on, or goes."""
        if self.state != "on":
            return None
        asked = tuple(Asked(one.key, one.party, one.text, queue) for one in utterances)
        reading: asyncio.Future[tuple[Reading, ...] | None] = asyncio.get_running_loop().create_future()
        self._asides.append((asked, reading))
        self._work.set()
        return await reading

    async def run(self) -> None:
        """Keep the process until this is cancelled, or until it says that it has no models."""
        wait = FIRST_WAIT_SECONDS
        self._become("starting")
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._one_life()
                    return
                except TimeoutError:
                    self.problem = "the process did not answer"
                except OSError as error:
                    self.problem = f"the process ended ({error})"
                self.counts.restarts += 1
                self._become("down")
                _log.warning("model lane down", problem=self.problem)
                if time.monotonic() - began > LONGEST_WAIT_SECONDS:
                    wait = FIRST_WAIT_SECONDS
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
        finally:
            self._become("off")

    async def _one_life(self) -> None:
        """From the start of a process to its end; returns where it cannot have its models.

        Raises `OSError`, of which `TimeoutError` is one, where another process may do better.
        """
        process = self._process = await Companion.begun(self._command)
        self._replies = asyncio.Queue()
        hearing = asyncio.create_task(self._hear(process.stdout, self._replies))
        learned: Learn | None = None
        try:
            while True:
                self._work.clear()
                if learned is not self._learn and self._learn is not None:
                    learned = self._learn
                    async with asyncio.timeout(LEARNING_SECONDS):
                        reply = await self._exchange(replace(learned, notes=self._notes))
                    if isinstance(reply, Unable):
                        self.problem = reply.problem
                        _log.warning("meaning is off", problem=reply.problem)
                        return
                    if isinstance(reply, Learned) and reply.notes:
                        self._notes = reply.notes
                    if isinstance(reply, Learned) and learned is self._learn:
                        _log.info("meanings learned", version=reply.version, seconds=round(reply.seconds, 2))
                        self.problem = ""
                        self._become("on")
                elif self.state == "on" and self._waiting:
                    await asyncio.sleep(max(0.0, self._gathering()))
                    await self._read()
                elif self.state == "on" and self._asides:
                    await self._read_aside()
                elif self._doubted:
                    self._doubted = False
                    await self._exchange(Read(()))
                else:
                    working = asyncio.create_task(self._work.wait())
                    await asyncio.wait((working, hearing), return_when=asyncio.FIRST_COMPLETED)
                    working.cancel()
                    if hearing.done():
                        await _ended(process)
                        raise ConnectionError(f"exit code {process.returncode}")
        except TimeoutError:
            process.kill()  # it would not notice that its stdin ends
            raise
        finally:
            self._flight = []
            self._doubted = False
            hearing.cancel()
            for number in tuple(self._finding):
                self._found(Found(number, ()))
            await _ended(process)

    async def _hear(self, pipe: asyncio.StreamReader, replies: asyncio.Queue[Reply | None]) -> None:
        """Sort what the process says: findings to who asked, the rest to the exchange that waits for it."""
        try:
            while True:
                length = length_of(await pipe.readexactly(HEAD_BYTES))
                if length > LONGEST_REPLY_BYTES:
                    break
                reply = reply_in(await pipe.readexactly(length))
                if isinstance(reply, Found):
                    self._found(reply)
                else:
                    replies.put_nowait(reply)
        except (asyncio.IncompleteReadError, msgspec.DecodeError):
            pass
        replies.put_nowait(None)

    def _found(self, found: Found) -> None:
        asking = self._finding.get(found.number)
        if asking is not None and not asking.done():
            asking.set_result(found.articles)

    async def _exchange(self, task: Task) -> Reply:
        """Send a task and wait for its answer. Raises `ConnectionError`, and `TimeoutError` after a long silence."""
        async with asyncio.timeout(HUNG_SECONDS) as silence:
            await self._send(task)
            while isinstance(reply := await self._replies.get(), Busy):
                silence.reschedule(asyncio.get_running_loop().time() + HUNG_SECONDS)
        if reply is None:
            raise ConnectionError("it closed its pipe")
        if isinstance(reply, Unable) and reply.again:
            raise ConnectionError(reply.problem)
        return reply

    def _unsent(self) -> int:
        """Bytes that the process has not taken yet."""
        return self._process.stdin.transport.get_write_buffer_size() if self._process is not None else 0

    async def _send(self, task: Task) -> None:
        if self._process is None:
            raise ConnectionError("it is not running")
        self._process.stdin.write(framed(task))
        await self._process.stdin.drain()

    async def _read(self) -> None:
        self._flight = batch = self._batch()
        if batch:
            reply = await self._exchange(Read(tuple(one.asked for one in batch)))
            if isinstance(reply, Understood):
                await self._hand_on(batch, reply)
            self._flight = []

    async def _read_aside(self) -> None:
        asked, reading = self._asides[0]
        reply = await self._exchange(Read(asked))
        if self._asides and self._asides[0][1] is reading:
            self._asides.popleft()
        if not reading.done():
            reading.set_result(reply.readings if isinstance(reply, Understood) else None)

    def _gathering(self) -> float:
        """Seconds until the next batch is to go."""
        if len(self._waiting) >= BATCH:
            return 0.0
        first = next(iter(self._waiting.values()))
        return GATHER_SECONDS - (time.monotonic_ns() - first.since_ns) / 1e9

    def _batch(self) -> list[Waiting]:
        """The next utterances to be read, the oldest first; what is too old is shed."""
        batch: list[Waiting] = []
        oldest = time.monotonic_ns() - self._deadline_ns
        while self._waiting and len(batch) < BATCH:
            key, waiting = self._waiting.popitem(last=False)
            if waiting.since_ns < oldest:
                self._give_up(key)
            else:
                batch.append(waiting)
        return batch

    def _give_up(self, key: tuple[CallKey, str]) -> None:
        self.counts.shed += 1
        self._shed[key] = None
        while len(self._shed) > MOST_WAITING:
            self._shed.popitem(last=False)

    async def _hand_on(self, batch: list[Waiting], reply: Understood) -> None:
        now = time.monotonic_ns()
        for waiting, reading in zip(batch, reply.readings, strict=True):
            self.counts.read += 1
            self._took(now - waiting.since_ns)
            self._answer(
                waiting.call,
                UtteranceRead(
                    call_id=waiting.call.call_id,
                    utterance=waiting.asked.key,
                    meanings=reply.version,
                    scores=reading.scores,
                    tone=reading.tone,
                ),
            )
            await asyncio.sleep(0)  # each is an event of a call; a whole batch would hold up what is said meanwhile

    def _become(self, state: LaneState) -> None:
        if state != self.state:
            self.state = state
            self._waiting.clear()
            self._shed.clear()
            while self._asides:
                _, reading = self._asides.popleft()
                if not reading.done():
                    reading.set_result(None)
            self._on_state(state)


async def _ended(process: Companion) -> None:
    """The process ends when its stdin does; one that hangs is killed."""
    process.stdin.close()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await process.wait()
    finally:
        await process.ended()
