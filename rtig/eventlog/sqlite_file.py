"""The file of the SQLite log, and the threads that share it.

There are three: a writer that commits whatever has gathered in one transaction, a checkpointer that
carries committed pages from the write-ahead log into the file, and a reader.

What was said is kept so that it can be taken away. SQLite copies rows to other pages as it balances its trees and
leaves the old bytes behind, even with `secure_delete` (deleting 150 of 300 calls left traces of 4). So rows that hold a
customer's words are only ever put at the end of a table, which moves none, and are erased by overwriting them where
they stand. Room is given back by the shelf: calls that began on the same UTC day share a table, and once all of them
are erased it holds nothing but zeros, and goes. Everything else in the file is numbers and the names of the tenants; a
call is found by a keyed hash of its id, or of its customer's reference.
"""

import asyncio
import contextlib
import fcntl
import itertools
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, ParamSpec

import msgspec
import structlog

from rtig.core import events
from rtig.core.events import AnyEvent, CallStarted
from rtig.errors import LogUnavailable
from rtig.eventlog.order import OpenCall
from rtig.eventlog.port import CallKey, Recorded

SCHEMA_VERSION = 2
_APPLICATION_ID = int.from_bytes(b"rtig")
_SCHEMA = """
    BEGIN;
    CREATE TABLE log (epoch INTEGER NOT NULL, salt BLOB NOT NULL);
    INSERT INTO log VALUES (0, randomblob(16));
    CREATE TABLE tenants (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE calls (
        id INTEGER PRIMARY KEY,  -- (epoch << 32) + the how-manieth of that epoch: oldest first, never used again
        tenant INTEGER NOT NULL,
        name INTEGER NOT NULL,   -- keyed hash of the call's id
        shelf INTEGER NOT NULL,  -- UTC day on which the call began
        ended INTEGER NOT NULL,
        customer INTEGER         -- keyed hash of the customer's reference, where there is one
    );
    CREATE INDEX calls_by_name ON calls (tenant, name);
    CREATE INDEX calls_by_shelf ON calls (shelf);
    CREATE INDEX calls_live ON calls (id) WHERE ended = 0;
    CREATE INDEX calls_by_customer ON calls (tenant, customer, id) WHERE customer IS NOT NULL;
    PRAGMA application_id = {application};
    PRAGMA user_version = {version};
    COMMIT;
"""
_FROM_1_TO_2 = (
    "ALTER TABLE calls ADD COLUMN customer INTEGER",
    "CREATE INDEX calls_by_customer ON calls (tenant, customer, id) WHERE customer IS NOT NULL",
)
# Of each call, record 0 is its id, the others are `Record`s.
SHELF = (
    "CREATE TABLE IF NOT EXISTS shelf_{0} (call INTEGER NOT NULL, seq INTEGER NOT NULL, record BLOB NOT NULL)",
    "CREATE UNIQUE INDEX IF NOT EXISTS shelf_{0}_by_call ON shelf_{0} (call, seq)",
)
DAY_MS = 24 * 60 * 60 * 1000
_ROWS_PER_STATEMENT = (128, 16, 1)
"""sqlite3 gives the interpreter lock away at each statement and waits to have it back; so many rows share one."""
_PAGE = 256
"""Events read at a time."""
_ROWS_BETWEEN_CHECKPOINTS = 2000
_FRAMES_BEFORE_RESTART = 8192
"""A write-ahead log of this many pages (32 MiB) is started again from its beginning, else it would grow for ever."""
_ROWS_SWEPT_AT_A_TIME = 5000
_CHECKPOINT_WAITS_MS = 50
"""How long a checkpoint, and with it the writer, waits for those who read the write-ahead log."""

_log = structlog.get_logger(__name__)
_P = ParamSpec("_P")


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One event as a row holds it. JSON, so that it can be read without rtig."""

    epoch: int
    at: int
    key: str
    event: msgspec.Raw


class Written(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A `Record` on its way in."""

    epoch: int
    at: int
    key: str
    event: AnyEvent


class Row(NamedTuple):
    shelf: int
    number: int
    seq: int
    record: bytes
    begins: CallKey | None
    """The call, where this is its first event."""
    ends: bool
    customer: str = ""
    """The customer's reference, where the event tells it."""


class Erase(NamedTuple):
    call: CallKey
    before: int | None
    """Only if the call's last event is older than this."""


class Sweep(NamedTuple):
    before_shelf: int


class Checkpoint(NamedTuple):
    how: str


class Asked(NamedTuple):
    """Work with an answer of its own: how many events, rows or files it dealt with. None: nobody waits for it."""

    work: Erase | Sweep | Checkpoint
    answer: asyncio.Future[int] | None


@dataclass(slots=True, eq=False)
class Batch:
    """What one transaction makes durable. All its rows share one promise; None: nobody waits for it."""

    durable: asyncio.Future[None] | None
    work: list[Row | Asked]


Answers = list[tuple[asyncio.Future[int], int]]


@dataclass(slots=True)
class OpenRows(OpenCall):
    number: int = 0
    """0 until the first event."""
    shelf: int = 0


class Place(NamedTuple):
    """Where a call's rows are."""

    number: int
    shelf: int


_decoder = msgspec.json.Decoder(Record)


class File:
    """The file and its connections; the lock that keeps other writers away."""

    def __init__(self, path: Path | str, read_only: bool) -> None:
        """Raises `LogUnavailable`."""
        self.path = path = Path(path).absolute()
        self.epoch = 0
        self.salt = b""
        self.newest_shelf = 0
        self._closing = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            try:
                if not read_only:
                    stack.callback(os.close, self._lock())
                    self.writing = stack.enter_context(contextlib.closing(self._connect("rw")))
                    self._prepare(self.writing)
                    self.checkpointing = stack.enter_context(contextlib.closing(self._connect("rw")))
                self.reading = stack.enter_context(contextlib.closing(self._connect("ro")))
                self._examine(self.reading)
                shelves = _shelves(self.reading)
                self.epoch, self.salt = self.reading.execute("SELECT epoch, salt FROM log").fetchone()
            except sqlite3.Error as error:
                raise LogUnavailable(f"{path} cannot be opened as an event log ({name_of(error)}).") from error
            except OSError as error:
                raise LogUnavailable(f"{path} cannot be opened as an event log ({error.strerror}).") from error
            self.newest_shelf = max(shelves, default=0)
            self._closing = stack.pop_all()

    def close(self) -> None:
        """The last connection to close carries the write-ahead log into the file and removes it."""
        with contextlib.suppress(sqlite3.Error):
            self._closing.close()

    def _lock(self) -> int:
        """A lock of its own file: SQLite's exclusive mode would shut out the checkpointer and the reader too."""
        lock = os.open(f"{self.path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise LogUnavailable(f"{self.path} is being written by another process.") from None
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return lock

    def _connect(self, mode: str) -> sqlite3.Connection:
        # The timeout is for people who look into the file with other tools, and hold its lock for a moment.
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}", uri=True, timeout=5, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA temp_store = MEMORY")
        if mode == "rw":
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            # When the first page of a shelf becomes the root of its tree, this clears what it held.
            connection.execute("PRAGMA secure_delete = FAST")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() != (0,):
            self._examine(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        if connection.execute("PRAGMA application_id").fetchone() == (0,):
            connection.executescript(_SCHEMA.format(application=_APPLICATION_ID, version=SCHEMA_VERSION))
        if connection.execute("PRAGMA user_version").fetchone() == (1,):
            _index_customers(connection)
        connection.execute("UPDATE log SET epoch = epoch + 1")

    def _examine(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA application_id").fetchone() != (_APPLICATION_ID,):
            raise LogUnavailable(f"{self.path} is a database, but not an event log of rtig.")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise LogUnavailable(
                f"{self.path} has schema {version}, and this version of rtig knows {SCHEMA_VERSION}. Use a newer rtig."
            )


class Writer:
    """The only connection that writes, and the threads for it and for its checkpoints.

    Once a transaction has failed, everything after it fails too: there are no gaps in what is acknowledged.
    """

    def __init__(
        self,
        file: File,
        loop: asyncio.AbstractEventLoop,
        settle: Callable[[Batch, Answers], None],
        fail: Callable[[Batch, str], None],
    ) -> None:
        self.commits = 0
        self._file = file
        self._loop = loop
        self._settle = settle
        self._fail = fail
        self._failure = ""
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._stopped = loop.create_future()
        self._checkpoints = ThreadPoolExecutor(1, "rtig-log-checkpoint")
        self._rows_at_checkpoint = 0
        # Set by the writer as it asks for a checkpoint, cleared by whoever does the last part of it.
        self._checkpoint_asked = False
        # A daemon, so that a program that forgot to close its log can still end; what is acknowledged is on disk.
        self._thread = threading.Thread(target=self._run, name="rtig-log-write", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        self._queue.put(batch)

    async def stop(self) -> None:
        """Write what is queued, then end the threads. Nothing may be put afterwards."""
        self._queue.put(None)
        await self._stopped
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._checkpoints.shutdown)

    async def checkpoint_beside(self) -> None:
        """Carry pages into the file while the writer goes on."""
        await self._loop.run_in_executor(self._checkpoints, self._checkpoint, self._file.checkpointing, "PASSIVE")

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                if self._failure:
                    self._tell(self._fail, batch, self._failure)
                else:
                    self._tell(self._settle, batch, self._commit(batch.work))
            except Exception as error:
                self._failure = f"The event log could not be written ({name_of(error)}). It has to be opened again."
                _log.error("log_broken", error=name_of(error))
                with contextlib.suppress(sqlite3.Error):
                    self._file.writing.rollback()
                self._tell(self._fail, batch, self._failure)
        self._tell(self._stopped.set_result, None)

    def _tell(self, callback: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(lambda: callback(*args, **kwargs))

    def _commit(self, batch: list[Row | Asked]) -> Answers:
        """One transaction for the whole batch, then the checkpoints it asks for."""
        connection = self._file.writing
        answers: Answers = []
        checkpoints = [work for work in batch if isinstance(work, Asked) and isinstance(work.work, Checkpoint)]
        if len(checkpoints) < len(batch):
            connection.execute("BEGIN IMMEDIATE")
            self._write(batch, answers)
            connection.execute("COMMIT")
            self.commits += 1
        for checkpoint, answer in checkpoints:
            assert isinstance(checkpoint, Checkpoint)
            emptied = self._checkpoint(connection, checkpoint.how) == 0
            if answer is None:
                self._checkpoint_asked = False
            else:
                answers.append((answer, emptied))
        if (
            not self._checkpoint_asked
            and connection.total_changes - self._rows_at_checkpoint > _ROWS_BETWEEN_CHECKPOINTS
        ):
            self._rows_at_checkpoint = connection.total_changes
            self._checkpoint_asked = True
            self._checkpoints.submit(self._checkpoint_now_and_then)
        return answers

    def _write(self, batch: list[Row | Asked], answers: Answers) -> None:
        connection = self._file.writing
        rows: list[Row] = []
        for work in batch:
            if isinstance(work, Row):
                if work.begins:
                    rows.append(self._begin(work.begins, work))
                if work.customer:
                    _name_customer(connection, self._file.salt, work.number, work.customer)
                if work.ends:
                    connection.execute("UPDATE calls SET ended = 1 WHERE id = ?", (work.number,))
                rows.append(work)
            elif not isinstance(work.work, Checkpoint):
                self._insert(rows)
                rows = []
                done = self._erase(work.work) if isinstance(work.work, Erase) else self._sweep(work.work)
                if work.answer is not None:
                    answers.append((work.answer, done))
        self._insert(rows)

    def _begin(self, call: CallKey, row: Row) -> Row:
        connection = self._file.writing
        connection.execute("INSERT OR IGNORE INTO tenants (name) VALUES (?)", (call.tenant,))
        connection.execute(
            "INSERT INTO calls (id, tenant, name, shelf, ended) SELECT ?, id, ?, ?, 0 FROM tenants WHERE name = ?",
            (row.number, hash_of(self._file.salt, call.call_id), row.shelf, call.tenant),
        )
        for statement in SHELF:
            connection.execute(statement.format(row.shelf))
        return Row(row.shelf, row.number, 0, call.call_id.encode(), None, False)

    def _insert(self, rows: list[Row]) -> None:
        for shelf, on_shelf in itertools.groupby(rows, lambda row: row.shelf):
            values = [value for row in on_shelf for value in (row.number, row.seq, row.record)]
            for size in _ROWS_PER_STATEMENT:
                width = 3 * size
                statement = f"INSERT INTO shelf_{shelf} VALUES " + ",".join(["(?,?,?)"] * size)  # noqa: S608
                while len(values) >= width:
                    self._file.writing.execute(statement, values[:width])
                    del values[:width]

    def _erase(self, work: Erase) -> int:
        """The number of events removed; 0 too where the call is not there or not old enough."""
        connection = self._file.writing
        place = find(connection, self._file.salt, work.call)
        if place is None or (work.before is not None and last_record(connection, place).at >= work.before):
            return 0
        return erase_rows(connection, place) - 1

    def _sweep(self, work: Sweep) -> int:
        """Remove one portion of what is on empty shelves; 0 when nothing is left of them."""
        connection = self._file.writing
        for shelf in _shelves(connection):
            in_use = connection.execute("SELECT 1 FROM calls WHERE shelf = ?", (shelf,)).fetchone()
            if shelf >= work.before_shelf or in_use:
                continue
            swept = connection.execute(
                f"DELETE FROM shelf_{shelf} WHERE rowid IN (SELECT rowid FROM shelf_{shelf} ORDER BY rowid LIMIT ?)",  # noqa: S608
                (_ROWS_SWEPT_AT_A_TIME,),
            ).rowcount
            if not swept:
                connection.execute(f"DROP TABLE shelf_{shelf}")
            return 1
        return 0

    def _checkpoint_now_and_then(self) -> None:
        """In the checkpointer's thread: the bulk beside the writer, the rest by the writer if it must start again.

        The log can start again from its beginning only when all of it is in the file, which needs a writer at rest.
        """
        frames = self._checkpoint(self._file.checkpointing, "PASSIVE")
        if frames > _FRAMES_BEFORE_RESTART:
            self._queue.put(Batch(None, [Asked(Checkpoint("RESTART"), None)]))
        else:
            self._checkpoint_asked = False

    def _checkpoint(self, connection: sqlite3.Connection, how: str) -> int:
        """The pages that are in the write-ahead log after it; -1 where it could not be done or not wholly."""
        try:
            (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
            connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_WAITS_MS}")
            busy, frames, _ = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
            connection.execute(f"PRAGMA busy_timeout = {patience}")
        except sqlite3.Error as error:
            # Nothing is lost: the pages stay in the write-ahead log. If that cannot grow, the next commit says so.
            _log.warning("checkpoint_failed", error=name_of(error))
            return -1
        return -1 if busy else int(frames)


class Reader:
    """Questions to the file. Each is answered from one state of it."""

    def __init__(self, file: File) -> None:
        self._connection = file.reading
        self._salt = file.salt

    def find(self, call: CallKey) -> tuple[Place | None, int]:
        """Where a call is, and its last seq."""
        with self._snapshot() as connection:
            place = find(connection, self._salt, call)
            return place, 0 if place is None else last_seq(connection, place)

    def load(self, call: CallKey) -> OpenRows:
        opened = OpenRows()
        with self._snapshot() as connection:
            place = find(connection, self._salt, call)
            if place is not None:
                opened.number, opened.shelf = place
                for seq, record in _records(connection, place, 0):
                    opened.stands(record.key, record.epoch, seq, record.at)
        return opened

    def page(self, place: Place, after: int, last: int) -> list[Recorded]:
        """Empty once the call has been erased."""
        with self._snapshot() as connection:
            if not connection.execute("SELECT 1 FROM calls WHERE id = ?", (place.number,)).fetchone():
                return []
            return [
                Recorded(record.epoch, seq, record.at, events.decode(bytes(record.event)))
                for seq, record in _records(connection, place, after, last, _PAGE)
            ]

    def live_calls(self) -> list[CallKey]:
        return list(self._named("calls.ended = 0"))

    def calls(self, tenant: str) -> list[str]:
        return [call.call_id for call in self._named("tenants.name = ?", tenant)]

    def begun(self, tenant: str, most: int) -> list[tuple[int, str]]:
        with self._snapshot() as connection:
            return [
                (next(_records(connection, place, 0, 1))[1].at, id_of(connection, tenant, place).call_id)
                for _, place in places(connection, "tenants.name = ?", tenant)[-most:]
            ]

    def calls_of(self, tenant: str, customer: str, most: int) -> list[str]:
        found: list[str] = []
        with self._snapshot() as connection:
            rows = connection.execute(OF_CUSTOMER, (tenant, hash_of(self._salt, customer)))
            for number, shelf in rows:
                if len(found) == most:
                    break
                place = Place(number, shelf)
                if customer_of(connection, place) == customer:
                    found.append(id_of(connection, tenant, place).call_id)
        return found

    def calls_older(self, before: int) -> list[CallKey]:
        """Calls whose last event is older than `before`; they can only be on shelves up to that day."""
        with self._snapshot() as connection:
            return [
                id_of(connection, tenant, place)
                for tenant, place in places(connection, "calls.shelf <= ?", before // DAY_MS)
                if last_record(connection, place).at < before
            ]

    def _named(self, where: str, *values: str) -> Iterator[CallKey]:
        with self._snapshot() as connection:
            for tenant, place in places(connection, where, *values):
                yield id_of(connection, tenant, place)

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN")
        try:
            yield self._connection
        finally:
            self._connection.rollback()


def erase_rows(connection: sqlite3.Connection, place: Place) -> int:
    """Forget a call; the number of its rows."""
    rows = connection.execute(
        # The same number of bytes in the same place: SQLite then writes over the old ones and moves nothing.
        f"UPDATE shelf_{place.shelf} SET record = zeroblob(length(record)) WHERE call = ?",  # noqa: S608
        (place.number,),
    ).rowcount
    connection.execute("DELETE FROM calls WHERE id = ?", (place.number,))
    return rows


def hash_of(salt: bytes, call_id: str) -> int:
    return int.from_bytes(blake2b(call_id.encode(), digest_size=8, key=salt).digest(), signed=True)


OF_CUSTOMER = """
    SELECT calls.id, calls.shelf FROM calls JOIN tenants ON tenants.id = calls.tenant
    WHERE tenants.name = ? AND calls.customer = ? ORDER BY calls.id DESC
"""


def _name_customer(connection: sqlite3.Connection, salt: bytes, number: int, customer: str) -> None:
    connection.execute("UPDATE calls SET customer = ? WHERE id = ?", (hash_of(salt, customer), number))


def customer_of(connection: sqlite3.Connection, place: Place) -> str:
    for _, record in _records(connection, place, 0):
        if record.key == "call_started":
            event = events.decode(bytes(record.event))
            return event.customer if isinstance(event, CallStarted) else ""
    return ""


def _index_customers(connection: sqlite3.Connection) -> None:
    """Bring a file of schema 1 to schema 2."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _FROM_1_TO_2:
        connection.execute(statement)
    (salt,) = connection.execute("SELECT salt FROM log").fetchone()
    for _, place in places(connection, "1"):
        customer = customer_of(connection, place)
        if customer:
            _name_customer(connection, salt, place.number, customer)
    connection.execute("PRAGMA user_version = 2")
    connection.execute("COMMIT")


def find(connection: sqlite3.Connection, salt: bytes, call: CallKey) -> Place | None:
    where = "tenants.name = ? AND calls.name = ?"
    for tenant, place in places(connection, where, call.tenant, hash_of(salt, call.call_id)):
        if id_of(connection, tenant, place) == call:
            return place
    return None


def places(connection: sqlite3.Connection, where: str, *values: str | int) -> list[tuple[str, Place]]:
    """Tenants and places of calls, oldest first."""
    sql = "SELECT tenants.name, calls.id, calls.shelf FROM calls JOIN tenants ON tenants.id = calls.tenant"
    rows = connection.execute(f"{sql} WHERE {where} ORDER BY calls.id", values)
    return [(tenant, Place(number, shelf)) for tenant, number, shelf in rows]


def id_of(connection: sqlite3.Connection, tenant: str, place: Place) -> CallKey:
    sql = f"SELECT record FROM shelf_{place.shelf} WHERE call = ? AND seq = 0"  # noqa: S608
    (call_id,) = connection.execute(sql, (place.number,)).fetchone()
    return CallKey(tenant, call_id.decode())


def _records(
    connection: sqlite3.Connection, place: Place, after: int, last: int = 2**62, limit: int = -1
) -> Iterator[tuple[int, Record]]:
    rows: Iterable[tuple[int, bytes]] = connection.execute(
        f"SELECT seq, record FROM shelf_{place.shelf} WHERE call = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",  # noqa: S608
        (place.number, max(after, 0), last, limit),
    )
    for seq, record in rows:
        yield seq, _decoder.decode(record)


def last_seq(connection: sqlite3.Connection, place: Place) -> int:
    sql = f"SELECT max(seq) FROM shelf_{place.shelf} WHERE call = ?"  # noqa: S608
    (last,) = connection.execute(sql, (place.number,)).fetchone()
    return int(last)


def last_record(connection: sqlite3.Connection, place: Place) -> Record:
    sql = f"SELECT record FROM shelf_{place.shelf} WHERE call = ? ORDER BY seq DESC LIMIT 1"  # noqa: S608
    (record,) = connection.execute(sql, (place.number,)).fetchone()
    return _decoder.decode(record)


def _shelves(connection: sqlite3.Connection) -> list[int]:
    rows: Iterable[tuple[str]] = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'shelf_*'"
    )
    return sorted(int(name.removeprefix("shelf_")) for (name,) in rows)


def name_of(error: BaseException) -> str:
    """SQLite's name of the error where it has one; never its message."""
    return getattr(error, "sqlite_errorname", None) or type(error).__name__
