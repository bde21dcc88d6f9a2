"""The event log in one SQLite file: the embedded default.

The loop never waits for the disk: an append is put into its place here, and `sqlite_file` makes it durable.
"""

import asyncio
import sqlite3
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
    Checkpoint,
    Done,
    Erase,
    File,
    Item,
    OpenRows,
    Reader,
    Record,
    Row,
    Sweep,
    Work,
    Writer,
    name_of,
)

_CALLS_AT_A_TIME = 32
"""Calls that expire in one transaction."""
_ATTEMPTS_TO_EMPTY, _BETWEEN_ATTEMPTS_S = 100, 0.05

_T = TypeVar("_T")
_P = ParamSpec("_P")
_encoder = msgspec.json.Encoder()


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
                await self._written()
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
        known = opened.positions.get(key)
        if known is not None:
            return Appended(known, False, self._written())
        at = self._now()
        epoch = self._file.epoch
        record = _encoder.encode(Record(epoch, at, key, msgspec.Raw(events.encode(event))))
        first = not opened.number
        if first:
            self._begun += 1
            # Never an earlier shelf than before, even if the clock is put back: an old shelf may be on its way out.
            self._shelf = max(self._shelf, at // DAY_MS)
            opened.number, opened.shelf = (epoch << 32) + self._begun, self._shelf
        recorded = opened.place(key, epoch, at, event)
        begins, ends = call if first else None, isinstance(event, CallEnded)
        customer = event.customer if isinstance(event, CallStarted) else ""
        durable = self._write(Row(opened.shelf, opened.number, recorded.seq, record, begins, ends, customer))
        self._followers.tell(call, recorded)
        return Appended(Position(epoch, recorded.seq), True, durable)

    def find(self, call: CallKey, event: AnyEvent) -> Position | None:
        self._check_writing()
        return self._opened[call].positions.get(events.key(event))

    async def read(self, call: CallKey, after: int = 0) -> AsyncIterator[Recorded]:
        self._check()
        opened = self._opened.get(call)
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

    def _write(self, work: Work) -> asyncio.Future[Any]:
        self._check_writing()
        assert self._writer is not None
        done = self._loop.create_future()
        self._behind += 1
        self._writer.put((done, work))
        return done

    def _written(self) -> asyncio.Future[None]:
        """Ends when all that was appended so far is durable."""
        if self._behind:
            return self._write(None)
        done = self._loop.create_future()
        done.set_result(None)
        return done

    def _settle(self, batch: list[Done]) -> None:
        for done, result in batch:
            if done is not None:
                self._behind -= 1
                if not done.done():
                    done.set_result(result)

    def _fail(self, batch: list[Item], failure: str) -> None:
        self._failure = failure
        for done, _ in batch:
            if done is not None:
                self._behind -= 1
                if not done.done():
                    done.set_exception(LogUnavailable(failure))
                    done.exception()  # an append that nobody waits for is no "exception never retrieved"

    async def _expire_call(self, call: CallKey, before: int) -> bool:
        async with self._turn(call):
            opened = self._opened.get(call)
            if opened and opened.last_at >= before:
                return False
            return await self._erase_rows(call, before) > 0

    async def _erase_rows(self, call: CallKey, before: int | None) -> int:
        self._check_writing()
        self._opened.pop(call, None)
        removed: int = await self._write(Erase(call, before))
        return removed

    async def _sweep(self) -> None:
        """Let go of the older shelves on which no call is left, little by little."""
        while await self._write(Sweep(self._shelf)):
            pass

    async def _empty(self) -> None:
        """Carry every page into the file and cut the write-ahead log, with its older pages, to nothing."""
        assert self._writer is not None
        for _ in range(_ATTEMPTS_TO_EMPTY):
            await self._writer.checkpoint_beside()
            if await self._write(Checkpoint("TRUNCATE")):
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
            await self._writer.stop()
        await asyncio.to_thread(self._reads.shutdown)
        await asyncio.to_thread(self._file.close)
