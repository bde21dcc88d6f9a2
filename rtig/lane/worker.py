"""The server's side of the model lane: keeps the process with the models, gives it what is to be read, hands on answers.

The fold says what a model has still to read; nothing of the server waits for it. What has waited longer than
`deadline_seconds` is shed: a card that late would be no help. The process may be killed, hang or be missing; it is
started again, and the lane says what state it is in.
"""

import asyncio
import contextlib
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import count
from typing import NamedTuple

import structlog

from rtig.core.events import UtteranceRead
from rtig.core.utterances import Utterance
from rtig.eventlog.port import CallKey
from rtig.lane.talk import (
    BATCH,
    HEAD_BYTES,
    Asked,
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
from rtig.wire.messages import LaneState

_log = structlog.get_logger(__name__)

HUNG_SECONDS = 20.0
"""A batch takes a tenth of a second; a process that has not answered for so long is ended."""
LEARNING_SECONDS = 900.0
FIND_SECONDS = 2.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 30.0
MOST_WAITING = 10_000
_GOODBYE_SECONDS = 2.0


class Waiting(NamedTuple):
    call: CallKey
    asked: Asked
    since_ns: int


class Counts:
    """What the lane has done so far; `ms` are the times from asking to answering since they were last taken."""

    def __init__(self) -> None:
        self.read = 0
        self.shed = 0
        self.restarts = 0
        self.ms: list[float] = []


Answer = Callable[[CallKey, UtteranceRead], None]


class Lane:
    """One process with the models. Belongs to one event loop; `run` keeps it until it is cancelled."""

    def __init__(
        self,
        answer: Answer,
        on_state: Callable[[LaneState], None] = lambda _: None,
        *,
        weights: str = "",
        sha256: str = "",
        deadline_seconds: float = 5.0,
    ) -> None:
        """`answer` takes each reading; `on_state` is told when the lane has another state."""
        self.state: LaneState = "off"
        self.problem = ""
        """Why it is down."""
        self.counts = Counts()
        self._answer = answer
        self._on_state = on_state
        self._command = (sys.executable, "-m", "rtig.lane", weights, sha256)
        self._deadline_ns = int(deadline_seconds * 1e9)
        self._learn: Learn | None = None
        self._waiting: OrderedDict[tuple[CallKey, str], Waiting] = OrderedDict()
        self._flight: list[Waiting] = []
        self._finding: dict[int, asyncio.Future[tuple[tuple[str, float], ...]]] = {}
        self._numbers = count()
        self._process: asyncio.subprocess.Process | None = None
        self._replies: asyncio.Queue[Reply | None] = asyncio.Queue()
        self._work = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def learn(self, task: Learn) -> None:
        """Understand other meanings; what waits to be read is read with them."""
        if task != self._learn:
            self._learn = task
            if self._process is not None:
                self._become("starting")
            self._work.set()

    def ask(self, call: CallKey, queue: str, utterances: Iterable[Utterance]) -> None:
        """Have some utterances of a call in a queue read. One that waits already is not asked twice."""
        if self.state == "off":
            return
        now = time.monotonic_ns()
        for one in utterances:
            key = (call, one.key)
            if key not in self._waiting and not any(w.call == call and w.asked.key == one.key for w in self._flight):
                self._waiting[key] = Waiting(call, Asked(one.key, one.party, one.text, queue), now)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)
            self.counts.shed += 1
        self._work.set()

    async def find(self, query: str, most: int) -> tuple[tuple[str, float], ...]:
        """The articles nearest in meaning to a query; none where the lane is not on or does not answer in time."""
        if self.state != "on":
            return ()
        number = next(self._numbers)
        future = self._finding[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send(Find(number, query, most))
            async with asyncio.timeout(FIND_SECONDS):
                return await future
        except (TimeoutError, ConnectionError):
            return ()
        finally:
            del self._finding[number]

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
                except (ConnectionError, TimeoutError) as error:
                    self.problem = f"the process ended ({error})" if str(error) else "the process did not answer"
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
        """From the start of a process to its end; returns where it cannot have its models."""
        process = self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        self._replies = asyncio.Queue()
        hearing = asyncio.create_task(self._hear(process.stdout))
        learned: Learn | None = None
        try:
            while True:
                self._work.clear()
                if learned is not self._learn and self._learn is not None:
                    learned = self._learn
                    reply = await self._exchange(learned, LEARNING_SECONDS)
                    if isinstance(reply, Unable):
                        self.problem = reply.problem
                        _log.warning("meaning is off", problem=reply.problem)
                        return
                    if isinstance(reply, Learned) and learned is self._learn:
                        _log.info("meanings learned", version=reply.version, seconds=round(reply.seconds, 2))
                        self._become("on")
                elif self.state == "on" and (batch := self._batch()):
                    self._flight = batch
                    reply = await self._exchange(Read(tuple(one.asked for one in batch)), HUNG_SECONDS)
                    if isinstance(reply, Understood):
                        self._hand_on(batch, reply)
                    self._flight = []
                else:
                    working = asyncio.create_task(self._work.wait())
                    await asyncio.wait((working, hearing), return_when=asyncio.FIRST_COMPLETED)
                    working.cancel()
                    if hearing.done():
                        raise ConnectionError(f"exit code {await process.wait()}")
        finally:
            self._flight = []
            hearing.cancel()
            await _ended(process)

    async def _hear(self, pipe: asyncio.StreamReader) -> None:
        """Sort what the process says: findings to who asked, the rest to the exchange that waits for it."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                reply = reply_in(await pipe.readexactly(length_of(await pipe.readexactly(HEAD_BYTES))))
                if isinstance(reply, Found):
                    asking = self._finding.get(reply.number)
                    if asking is not None and not asking.done():
                        asking.set_result(reply.articles)
                else:
                    self._replies.put_nowait(reply)
        self._replies.put_nowait(None)

    async def _exchange(self, task: Task, seconds: float) -> Reply:
        """Send a task and wait for its answer. Raises `ConnectionError` and `TimeoutError`."""
        async with asyncio.timeout(seconds):
            await self._send(task)
            reply = await self._replies.get()
        if reply is None:
            raise ConnectionError("it closed its pipe")
        if isinstance(reply, Unable) and reply.again:
            raise ConnectionError(reply.problem)
        return reply

    async def _send(self, task: Task) -> None:
        if self._process is None or self._process.stdin is None:
            raise ConnectionError("it is not running")
        self._process.stdin.write(framed(task))
        await self._process.stdin.drain()

    def _batch(self) -> list[Waiting]:
        """The next utterances to be read, the oldest first; what is too old is shed."""
        batch: list[Waiting] = []
        oldest = time.monotonic_ns() - self._deadline_ns
        while self._waiting and len(batch) < BATCH:
            _, waiting = self._waiting.popitem(last=False)
            if waiting.since_ns < oldest:
                self.counts.shed += 1
            else:
                batch.append(waiting)
        return batch

    def _hand_on(self, batch: list[Waiting], reply: Understood) -> None:
        now = time.monotonic_ns()
        for waiting, scores in zip(batch, reply.scores, strict=True):
            self.counts.read += 1
            self.counts.ms.append((now - waiting.since_ns) / 1e6)
            self._answer(
                waiting.call,
                UtteranceRead(
                    call_id=waiting.call.call_id, utterance=waiting.asked.key, meanings=reply.version, scores=scores
                ),
            )

    def _become(self, state: LaneState) -> None:
        if state != self.state:
            self.state = state
            if state != "on":
                self._waiting.clear()
            self._on_state(state)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """The process ends when its stdin does; one that hangs is killed."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
