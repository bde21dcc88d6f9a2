"""The event log in one SQLite file: the embedded default.

The loop never waits for the disk: an append is put into its place here, and `sqlite_file` makes it durable. What is
appended while the disk is busy, and for a few milliseconds after a commit, is gathered and goes to it as one batch
under one promise: a thread that is woken for each event would cost more than all else that is done with it.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

import msgspec

from rtig.core import events
from rtig.core.events import AnyEvent, CallEnded, CallStarted
from rtig.errors import LogUnavailable
from rtig.eventlog.order import Followers, unix_ms
from rtig.eventlog.port import Appended, CallKey, Deliver, Position, Recorded, Unfollow
from rtig.eventlog.sqlite_file import (
    DAY_MS,
    Answers,
    Asked,
    Batch,
    Checkpoint,
    Erase,
    File,
    OpenRows,
    Reader,
    Row,
    Sweep,
    Writer,
    Written,
    name_of,
)

_BETWEEN_COMMITS_S = 0.02
"""At the least. A commit costs 0.2 ms of CPU and a fight for the interpreter's lock, whatever its size; guidance does
not wait for it, and no person notices when an acknowledgement comes."""
_BATCH = 4096
"""Most pieces of work in one transaction, so that none takes much longer than the others."""

_CALLS_AT_A_TIME = 32
"""Calls that expire in one transaction."""
_ATTEMPTS_TO_EMPTY, _BETWEEN_ATTEMPTS_S = 100, 0.05

_T = TypeVar("_T")
_P = ParamSpec("_P")
_encoder = msgspec.json.Encoder()


class _Promise(asyncio.Future[_T]):
    """Made for many, so that none may cancel it: a task that is cancelled while it waits goes on until it is kept."""

    def cancel(self, msg: Any | None = None) -> bool:  # noqa: ARG002 (the signature is asyncio's)
        return False


class SqliteLog:
    """Made by `open_file`. At most one process writes a file; any number may read it, with `read_only`."""

    def __init__(
        self, file: File, loop: asyncio.AbstractEventLoop, max_behind: int, now: Callable[[], int], read_only: bool
    ) -> None:
        self._file = file
        self._loop = loop
        self._max_behind = max_behind
        self._now = now
        self._opened: dict[CallKey, OpenRows] = {}
        # Opening, closing and erasing one call take turns; a lock lives as long as someone holds or awaits it.
        self._turns: WeakValueDictionary[CallKey, asyncio.Lock] = WeakValueDictionary()
        self._followers = Followers()
        self._behind = 0
        # Batches that the writer has not been given, the last of them still open; and the one that it has.
        self._gathered: deque[Batch] = deque()
        self._writing: Batch | None = None
        self._handing: asyncio.Handle | None = None
        self._awaited = False  # somebody waits for what is gathered
        self._next_commit = 0.0
        self._begun = 0
        self._shelf = file.newest_shelf
        self._failure = ""
        self._closed = False
        self._closing: asyncio.Future[None] | None = None
        self._reads = ThreadPoolExecutor(1, "rtig-log-read")
        self._reader = Reader(file)
        self._writer = None if read_only else Writer(file, loop, self._settle, self._fail)

    @classmethod
    async def open_file(
        cls,
        path: Path | str,
        *,
        read_only: bool = False,
        max_behind: int = 20_000,
        now: Callable[[], int] = unix_ms,
    ) -> "SqliteLog":
        """Open or make the file, in a new epoch.

        `max_behind` is the most records that may wait for the disk. With `read_only` the file may be one that a server
        is writing; calls are read and listed, and everything else is refused with `LogUnavailable`.

        Raises `LogUnavailable` where the file cannot be opened, is no log of rtig, is a newer one than this version
        knows, or is being written by another process.
        """
        loop = asyncio.get_running_loop()
        file = await asyncio.to_thread(File, path, read_only)
        return cls(file, loop, max_behind, now, read_only)

    @property
    def epoch(self) -> int:
        return self._file.epoch

    @property
    def commits(self) -> int:
        """Transactions committed since the log was opened."""
        return self._writer.commits if self._writer else 0

    @property
    def behind(self) -> int:
        """Records that wait for the disk."""
        return self._behind

    async def open(self, call: CallKey) -> int:
        async with self._turn(call):
            self._check_writing()
            opened = self._opened.get(call)
            if opened is None:
                # Nothing of it waits for the disk: to close and to erase it end when that is done, and take their turn.
                opened = await self._read(self._reader.load, call)
                self._check_writing()
                self._opened[call] = opened
            return opened.seq

    def append(self, call: CallKey, event: AnyEvent) -> Appended:
        self._check_writing()
        opened = self._opened[call]
        if self._behind >= self._max_behind:
            raise LogUnavailable(f"The event log is {self._behind} records behind its disk. Try again later.")
        key = events.key(event)
        known = opened.position(key)
        if known is not None:
            return Appended(known, False, self._last_promise())
        at = self._now()
        epoch = self._file.epoch
        record = _encoder.encode(Written(epoch, at, key, event))
        first = not opened.number
        if first:
            self._begun += 1
            # Never an earlier shelf than before, even if the clock is put back: an old shelf may be on its way out.
            self._shelf = max(self._shelf, at // DAY_MS)
            opened.number, opened.shelf = (epoch << 32) + self._begun, self._shelf
        recorded = opened.place(key, epoch, at, event)
        begins, ends = call if first else None, isinstance(event, CallEnded)
        customer = event.customer if isinstance(event, CallStarted) else ""
        batch = self._open_batch()
        batch.work.append(Row(opened.shelf, opened.number, recorded.seq, record, begins, ends, customer))
        self._followers.tell(call, recorded)
        assert batch.durable is not None
        return Appended(Position(epoch, recorded.seq), True, batch.durable)

    def find(self, call: CallKey, event: AnyEvent) -> Position | None:
        self._check_writing()
        return self._opened[call].position(events.key(event))

    async def read(self, call: CallKey, after: int = 0) -> AsyncIterator[Recorded]:
        self._check()
        opened = self._opened.get(call)
        if opened is not None and not opened.seq:  # a new call: nothing of it is anywhere
            return
        last = opened.seq if opened else None
        await self._written()
        place, last_written = await self._read(self._reader.find, call)
        last = last_written if last is None else last
        while place and after < last:
            page = await self._read(self._reader.page, place, after, last)
            for recorded in page:
                yield recorded
            if not page:  # erased since
                return
            after = page[-1].seq

    def follow(self, call: CallKey | None, deliver: Deliver) -> Unfollow:
        return self._followers.follow(call, deliver)

    async def close_call(self, call: CallKey) -> None:
        """Forgets at once, and ends when all that was appended to the call is durable."""
        async with self._turn(call):
            self._check_writing()
            self._opened.pop(call, None)
            await self._written()

    async def live_calls(self) -> list[CallKey]:
        self._check()
        await self._written()
        return await self._read(self._reader.live_calls)

    async def calls(self, tenant: str) -> list[str]:
        self._check()
        await self._written()
        return await self._read(self._reader.calls, tenant)

    async def begun(self, tenant: str, most: int) -> list[tuple[int, str]]:
        self._check()
        await self._written()
        return await self._read(self._reader.begun, tenant, most)

    async def calls_of(self, tenant: str, customer: str, most: int) -> list[str]:
        self._check()
        await self._written()
        return await self._read(self._reader.calls_of, tenant, customer, most) if customer else []

    async def erase(self, call: CallKey) -> int:
        """The room is used again once the calls that began on the same day have all gone.

        Raises `LogUnavailable` where a reader in another process kept old pages in use for ten seconds. The call is
        gone from every reading then, and to erase it again tries again to empty the files of it.
        """
        async with self._turn(call):
            removed = await self._erase_rows(call, None)
        await self._sweep()
        await self._empty()
        return removed

    async def expire(self, before: int) -> int:
        self._check_writing()
        await self._written()
        old = await self._read(self._reader.calls_older, before)
        expired = 0
        for start in range(0, len(old), _CALLS_AT_A_TIME):
            chunk = old[start : start + _CALLS_AT_A_TIME]
            expired += sum(await asyncio.gather(*(self._expire_call(call, before) for call in chunk)))
        if expired:
            await self._sweep()
            await self._empty()
        return expired

    async def close(self) -> None:
        if self._closing is None:
            self._closed = True
            self._opened.clear()
            self._closing = asyncio.ensure_future(self._let_go())
        await asyncio.shield(self._closing)

    # --- writing

    def _ask(self, work: Erase | Sweep | Checkpoint) -> asyncio.Future[int]:
        """Have something done that has an answer, behind all that was appended before."""
        self._check_writing()
        answer = _Promise[int](loop=self._loop)
        self._open_batch().work.append(Asked(work, answer))
        self._hurry()
        return answer

    def _written(self) -> asyncio.Future[None]:
        """Ends when all that was appended so far is durable, which is to be soon."""
        self._hurry()
        return self._last_promise()

    def _last_promise(self) -> asyncio.Future[None]:
        """Ends when all that was appended so far is durable."""
        last = self._gathered[-1] if self._gathered else self._writing
        if last is not None and last.durable is not None:
            return last.durable
        done = self._loop.create_future()
        done.set_result(None)
        return done

    def _open_batch(self) -> Batch:
        """Where the next piece of work goes."""
        self._behind += 1
        if self._gathered and len(self._gathered[-1].work) < _BATCH:
            return self._gathered[-1]
        batch = Batch(_Promise(loop=self._loop), [])
        self._gathered.append(batch)
        self._hand_over_soon()
        return batch

    def _hurry(self) -> None:
        """Somebody waits for what was gathered."""
        if self._gathered and not self._awaited:
            self._awaited = True
            self._hand_over_soon()

    def _hand_over_soon(self) -> None:
        """Give the writer the next batch when it has done the one before, and its time has come."""
        if self._writing is not None or not self._gathered:
            return
        if self._handing is not None:
            self._handing.cancel()
        wait = 0.0 if self._awaited or len(self._gathered) > 1 else self._next_commit - self._loop.time()
        hand_over = self._hand_over
        self._handing = self._loop.call_later(wait, hand_over) if wait > 0 else self._loop.call_soon(hand_over)

    def _hand_over(self) -> None:
        assert self._writer is not None
        self._handing = None
        self._next_commit = self._loop.time() + _BETWEEN_COMMITS_S
        self._writing = self._gathered.popleft()
        self._awaited &= bool(self._gathered)
        self._writer.put(self._writing)

    def _hand_over_all(self) -> None:
        assert self._writer is not None
        if self._handing is not None:
            self._handing.cancel()
        while self._gathered:
            self._writer.put(self._gathered.popleft())

    def _settle(self, batch: Batch, answers: Answers) -> None:
        if batch.durable is not None:
            batch.durable.set_result(None)
        for answer, result in answers:
            answer.set_result(result)
        self._done_with(batch)

    def _fail(self, batch: Batch, failure: str) -> None:
        self._failure = failure
        promises = [batch.durable, *(work.answer for work in batch.work if isinstance(work, Asked))]
        for promise in promises:
            if promise is not None:
                promise.set_exception(LogUnavailable(failure))
                promise.exception()  # an append that nobody waits for is no "exception never retrieved"
        self._done_with(batch)

    def _done_with(self, batch: Batch) -> None:
        if batch is self._writing:
            self._writing = None
            self._hand_over_soon()
        if batch.durable is not None:
            self._behind -= len(batch.work)

    async def _expire_call(self, call: CallKey, before: int) -> bool:
        async with self._turn(call):
            opened = self._opened.get(call)
            if opened and opened.last_at >= before:
                return False
            return await self._erase_rows(call, before) > 0

    async def _erase_rows(self, call: CallKey, before: int | None) -> int:
        self._check_writing()
        self._opened.pop(call, None)
        return await self._ask(Erase(call, before))

    async def _sweep(self) -> None:
        """Let go of the older shelves on which no call is left, little by little."""
        while await self._ask(Sweep(self._shelf)):
            pass

    async def _empty(self) -> None:
        """Carry every page into the file and cut the write-ahead log, with its older pages, to nothing."""
        assert self._writer is not None
        for _ in range(_ATTEMPTS_TO_EMPTY):
            await self._writer.checkpoint_beside()
            if await self._ask(Checkpoint("TRUNCATE")):
                return
            await asyncio.sleep(_BETWEEN_ATTEMPTS_S)
        raise LogUnavailable("Erased, but another process keeps reading the old pages. Erase again to be rid of them.")

    # --- reading

    async def _read(self, ask: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        self._check()
        try:
            return await self._loop.run_in_executor(self._reads, lambda: ask(*args, **kwargs))
        except sqlite3.Error as error:
            raise LogUnavailable(f"The event log cannot be read ({name_of(error)}).") from error

    # --- the log as a whole

    def _turn(self, call: CallKey) -> asyncio.Lock:
        return self._turns.setdefault(call, asyncio.Lock())

    def _check(self) -> None:
        if self._closed:
            raise LogUnavailable("The event log is closed.")
        if self._failure:
            raise LogUnavailable(self._failure)

    def _check_writing(self) -> None:
        if self._closed or self._failure:
            self._check()
        if self._writer is None:
            raise LogUnavailable("The event log is open for reading only.")

    async def _let_go(self) -> None:
        if self._writer is not None:
            self._hand_over_all()
            await self._writer.stop()
        await asyncio.to_thread(self._reads.shutdown)
        await asyncio.to_thread(self._file.close)
