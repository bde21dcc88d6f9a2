import asyncio
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import structlog
from contract import (
    CALL,
    DAY_MS,
    NAMESAKE,
    OTHER,
    STEPS,
    Clock,
    Contract,
    Home,
    append,
    check_against_a_dictionary,
    events_of,
    said,
    told,
)
from hypothesis import given, settings

from rtig.core.events import CallStarted, SegmentHeard, Unrecognised
from rtig.errors import LogUnavailable
from rtig.eventlog.port import CallKey, EventLog
from rtig.eventlog.sqlite import SqliteLog
from rtig.eventlog.sqlite_file import OF_CUSTOMER, SCHEMA_VERSION


class SqliteHome(Home):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / "calls.db"

    async def open(self) -> EventLog:
        return await SqliteLog.open_file(self.path, now=self.clock)


class TestSqliteLog(Contract):
    @staticmethod
    def home_in(folder: Path) -> Home:
        return SqliteHome(folder)


@settings(max_examples=30, derandomize=True)
@given(steps=STEPS)
async def test_any_interleaving_gives_what_a_dictionary_gives(steps: list[tuple[str, int, int]]) -> None:
    await check_against_a_dictionary(TestSqliteLog.home_in, steps)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


def bytes_in(folder: Path) -> bytes:
    """All that the log keeps: the file, its write-ahead log, and whatever else lies beside it."""
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def traces(folder: Path, *words: str) -> list[str]:
    kept = bytes_in(folder)
    return [word for word in words if word.encode() in kept]


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond this many bytes: the next write of this process fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- durability

APPENDER = """
import asyncio, sys
from rtig.core.events import SegmentHeard
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog

async def main():
    log = await SqliteLog.open_file(sys.argv[1])
    calls = [CallKey("acme", f"call-{number}") for number in range(5)]
    for call in calls:
        await log.open(call)
    number = 0
    while True:
        number += 1
        event = dict(segment_id=f"s{number}", rev=0, text=f"text {number}", start_ms=0, end_ms=1)
        appended = [(call, log.append(call, SegmentHeard(call_id=call.call_id, **event))) for call in calls]
        for call, each in appended:
            await each.durable
            sys.stdout.write(f"{call.call_id} {each.position.epoch} {each.position.seq} text {number}\\n")
        sys.stdout.flush()

asyncio.run(main())
"""


def acknowledged_until_killed(path: Path) -> list[str]:
    with subprocess.Popen([sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(500)]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout
    assert child.returncode == -signal.SIGKILL
    return [line.strip() for line in lines if line.endswith("\n")]


@pytest.mark.process
async def test_what_was_acknowledged_survives_a_kill(path: Path) -> None:
    acknowledged = acknowledged_until_killed(path) + acknowledged_until_killed(path)
    log = await SqliteLog.open_file(path)
    kept = set()
    for call_id in await log.calls("acme"):
        recorded = await told(log, CallKey("acme", call_id))
        assert [each.seq for each in recorded] == list(range(1, len(recorded) + 1))
        for each in recorded:
            assert isinstance(each.event, SegmentHeard)
            kept.add(f"{call_id} {each.epoch} {each.seq} {each.event.text}")
    assert len(acknowledged) >= 1000
    assert set(acknowledged) - kept == set()
    assert log.epoch == 3
    await log.close()


async def test_every_commit_reaches_the_disk(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    assert log._file.writing.execute("PRAGMA synchronous").fetchone() == (2,)
    assert log._file.writing.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    await log.close()


async def test_a_thousand_appends_share_few_commits(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await log.open(CALL)
    before = log.commits
    appended = [log.append(CALL, said(number)) for number in range(1000)]
    assert log.behind == 1000
    await appended[-1].durable
    assert all(each.durable.done() for each in appended)
    assert 1 <= log.commits - before <= 50
    assert log.behind == 0
    await log.close()


async def test_what_comes_in_one_go_shares_a_promise_that_nobody_can_break(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await log.open(CALL)
    first, second = log.append(CALL, said(0)), log.append(CALL, said(1))
    assert first.durable is second.durable
    waiting = asyncio.create_task(_waited(first.durable))
    await asyncio.sleep(0)
    waiting.cancel()
    await second.durable
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await log.close()


async def _waited(durable: asyncio.Future[None]) -> None:
    await durable


async def test_commits_keep_their_distance_unless_somebody_waits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtig.eventlog.sqlite._BETWEEN_COMMITS_S", 3600)
    log = await SqliteLog.open_file(path)
    await log.open(CALL)
    await log.append(CALL, said(0)).durable  # nothing was committed just now, so this was at once
    lone = log.append(CALL, said(1))
    before = log.commits
    await asyncio.sleep(0.01)
    assert (log.commits, lone.durable.done(), log.behind) == (before, False, 1)
    assert len(await told(log, CALL)) == 2
    assert (log.commits, lone.durable.done(), log.behind) == (before + 1, True, 0)
    log.append(CALL, said(2))
    await log.close()
    log = await SqliteLog.open_file(path)
    assert len(await told(log, CALL)) == 3
    await log.close()


async def test_more_than_a_transaction_takes_is_written_in_several(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtig.eventlog.sqlite._BATCH", 10)
    log = await SqliteLog.open_file(path)
    await log.open(CALL)
    before = log.commits
    appended = [log.append(CALL, said(number)) for number in range(35)]
    await appended[-1].durable
    assert all(each.durable.done() for each in appended)
    assert log.commits - before == 4
    assert await events_of(log, CALL) == [said(number) for number in range(35)]
    await log.close()


async def test_each_opening_is_an_epoch_of_its_own(path: Path) -> None:
    for epoch in (1, 2, 3):
        log = await SqliteLog.open_file(path)
        assert log.epoch == epoch
        await log.close()


async def test_the_write_ahead_log_does_not_grow_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtig.eventlog.sqlite_file._ROWS_BETWEEN_CHECKPOINTS", 50)
    monkeypatch.setattr("rtig.eventlog.sqlite_file._FRAMES_BEFORE_RESTART", 100)
    log = await SqliteLog.open_file(path)
    await log.open(CALL)
    monkeypatch.setattr("rtig.eventlog.sqlite._BETWEEN_COMMITS_S", 0)
    for number in range(1000):
        await log.append(CALL, said(number, "x" * 2000)).durable
    assert path.with_name("calls.db-wal").stat().st_size < 500 * 4096
    assert len(await told(log, CALL)) == 1000
    await log.close()


# --- when the disk cannot follow


async def test_a_log_too_far_behind_its_disk_refuses_until_it_has_caught_up(path: Path) -> None:
    log = await SqliteLog.open_file(path, max_behind=100)
    await log.open(CALL)
    appended = [log.append(CALL, said(number)) for number in range(100)]
    with pytest.raises(LogUnavailable, match="behind"):
        log.append(CALL, said(100))
    await appended[-1].durable
    assert log.append(CALL, said(100)).position.seq == 101
    assert len(await told(log, CALL)) == 101
    await log.close()


async def test_a_failing_disk_loses_nothing_that_was_acknowledged(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await append(log, CALL, *(said(number) for number in range(10)))
    size = path.with_name("calls.db-wal").stat().st_size
    with disk_of(size + 10_000), structlog.testing.capture_logs() as logged:
        appended = [log.append(CALL, said(number, "x" * 10_000)) for number in range(10, 30)]
        results = await asyncio.gather(*(each.durable for each in appended), return_exceptions=True)
    assert all(isinstance(result, LogUnavailable) for result in results)
    assert [entry["event"] for entry in logged] == ["log_broken"]
    for unavailable in (log.open(CALL), log.live_calls(), told(log, CALL), log.close_call(CALL), log.erase(CALL)):
        with pytest.raises(LogUnavailable, match="opened again"):
            await unavailable
    with pytest.raises(LogUnavailable, match="opened again"):
        log.append(CALL, said(100))
    await log.close()
    log = await SqliteLog.open_file(path)
    assert await events_of(log, CALL) == [said(number) for number in range(10)]
    [again] = await append(log, CALL, said(10, "x" * 10_000))
    assert (again.position.epoch, again.position.seq, again.fresh) == (2, 11, True)
    await log.close()


async def test_what_is_appended_after_a_failure_fails_too(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await append(log, CALL, said(0))
    log._file.writing.close()
    with structlog.testing.capture_logs():
        lost = log.append(CALL, said(1))
        with pytest.raises(LogUnavailable):
            await lost.durable
        with pytest.raises(LogUnavailable):
            log.append(CALL, said(2))
    await log.close()


async def test_what_cannot_be_encoded_is_refused_before_it_has_a_place(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await append(log, CALL, said(0))
    with pytest.raises(UnicodeEncodeError):
        log.append(CALL, said(1, "half a surrogate pair \ud83d"))
    assert log.append(CALL, said(1)).position.seq == 2
    await log.close()


# --- erasing

SECRETS = ("mother-maiden-name", "4929-1234", "call-1", "segment-mark", "maya.customer")


def secret(number: int) -> SegmentHeard:
    return SegmentHeard(
        call_id="call-1",
        segment_id=f"segment-mark-{number}",
        rev=0,
        text=f"it is mother-maiden-name {number}, card 4929-1234 " + "and so on " * (number % 7 * 200),
        start_ms=0,
        end_ms=1,
    )


async def test_no_byte_of_an_erased_call_is_left_in_the_files(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await log.open(OTHER)
    await append(log, CALL, CallStarted(call_id="call-1", customer="maya.customer"))
    for number in range(400):
        log.append(OTHER, said(number, "stays " * 20, OTHER))
        log.append(CALL, secret(number))
    await log.close_call(CALL)
    assert set(traces(path.parent, *SECRETS)) == set(SECRETS), "the search would find them"
    assert await log.erase(CALL) == 401
    assert traces(path.parent, *SECRETS) == []
    assert traces(path.parent, "stays ", "call-2") == ["stays ", "call-2"]
    await log.close()
    assert traces(path.parent, *SECRETS) == []


async def test_an_erased_open_call_leaves_no_byte_either(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await log.open(CALL)
    for number in range(100):
        log.append(CALL, secret(number))
    assert await log.erase(CALL) == 100
    assert traces(path.parent, *SECRETS) == []
    await log.close()


async def test_erasing_leaves_no_trace_however_calls_lie_among_each_other(path: Path) -> None:
    """Enough calls, mixed enough, that deleting the rows instead of overwriting them leaves copies on other pages."""
    chance = random.Random(1)
    calls = [CallKey("acme", f"id-of-{number:03}-") for number in range(200)]
    log = await SqliteLog.open_file(path, max_behind=100_000)
    for call in calls:
        await log.open(call)
    for number in range(12_000):
        call = chance.choice(calls)
        words = f"words-{call.call_id} " + "and so on " * chance.choice([1, 10, 30, 30, 100 if number % 50 else 900])
        log.append(call, said(number, words, call))
    doomed = chance.sample(calls, 100)
    for call in doomed:
        assert await log.erase(call) > 0
    kept = bytes_in(path.parent)
    assert {call for call in calls if call.call_id.encode() in kept} == set(calls) - set(doomed)
    assert set(await log.live_calls()) == set(calls) - set(doomed)
    await log.close()
    assert traces(path.parent, *(call.call_id for call in doomed)) == []


async def test_the_room_of_a_day_is_used_again_once_all_its_calls_have_gone(path: Path) -> None:
    clock = Clock()
    log = await SqliteLog.open_file(path, now=clock)
    sizes = []
    for _ in range(4):
        for number in range(20):
            call = CallKey("acme", f"{clock.ms}-{number}")
            await log.open(call)
            for count in range(100):
                log.append(call, said(count, "x" * 1000))
        clock.ms += DAY_MS
        await append(log, CallKey("acme", f"next-{clock.ms}"), said(0))
        assert await log.expire(clock.ms) >= 20
        sizes.append(len(bytes_in(path.parent)))
    assert sizes[-1] < 1.5 * sizes[0]
    assert log._file.reading.execute(
        "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'shelf_*[0-9]'"
    ).fetchone() == (1,)
    await log.close()


async def test_a_clock_put_back_does_not_put_calls_on_older_shelves(path: Path) -> None:
    clock = Clock()
    log = await SqliteLog.open_file(path, now=clock)
    await append(log, OTHER, said(0))
    await log.close()
    clock.ms -= 3 * DAY_MS
    log = await SqliteLog.open_file(path, now=clock)
    await append(log, CALL, said(0))
    assert len(log._file.reading.execute("SELECT DISTINCT shelf FROM calls").fetchall()) == 1
    assert await log.erase(OTHER) == 1
    assert await events_of(log, CALL) == [said(0)]
    await log.close()


async def test_a_reader_elsewhere_that_does_not_let_go_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtig.eventlog.sqlite._ATTEMPTS_TO_EMPTY", 2)
    monkeypatch.setattr("rtig.eventlog.sqlite._BETWEEN_ATTEMPTS_S", 0)
    log = await SqliteLog.open_file(path)
    await append(log, CALL, secret(0))
    with closing(sqlite3.connect(path, isolation_level=None)) as elsewhere:
        elsewhere.execute("BEGIN")
        elsewhere.execute("SELECT count(*) FROM calls").fetchone()
        with pytest.raises(LogUnavailable, match="Erase again"):
            await log.erase(CALL)
        assert await told(log, CALL) == []
        await append(log, OTHER, said(0, call=OTHER))
    assert await log.erase(CALL) == 0
    assert traces(path.parent, *SECRETS) == []
    await log.close()


# --- the file


async def test_only_one_process_writes_a_file(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    with pytest.raises(LogUnavailable, match="being written by another process"):
        await SqliteLog.open_file(path)
    await append(log, CALL, said(0))
    await log.close()
    log = await SqliteLog.open_file(path)
    assert log.epoch == 2, "the refused opening left no epoch"
    await log.close()


async def test_a_file_being_written_can_be_read_elsewhere(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await append(log, CALL, said(0))
    reading = await SqliteLog.open_file(path, read_only=True)
    await append(log, CALL, said(1))
    assert await events_of(reading, CALL) == [said(0), said(1)]
    assert await reading.calls("acme") == ["call-1"]
    assert await reading.live_calls() == [CALL]
    assert (reading.epoch, reading.commits) == (1, 0)
    for refused in (reading.open(CALL), reading.erase(CALL), reading.expire(0), reading.close_call(CALL)):
        with pytest.raises(LogUnavailable, match="reading only"):
            await refused
    with pytest.raises(LogUnavailable, match="reading only"):
        reading.append(CALL, said(2))
    assert await log.erase(CALL) == 2
    assert await told(reading, CALL) == []
    await reading.close()
    await log.close()
    reading = await SqliteLog.open_file(path, read_only=True)
    assert await reading.calls("acme") == []
    await reading.close()


async def test_only_its_owner_may_read_the_file(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await append(log, CALL, said(0))
    assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}
    await log.close()


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    await (await SqliteLog.open_file(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for read_only in (False, True):
        with pytest.raises(LogUnavailable, match=f"schema {SCHEMA_VERSION + 1}"):
            await SqliteLog.open_file(path, read_only=read_only)


async def test_a_file_of_the_first_schema_learns_whose_its_calls_are(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    for call, customer in ((CALL, "account 7"), (OTHER, "account 7"), (NAMESAKE, "")):
        await append(log, call, CallStarted(call_id=call.call_id, customer=customer), said(0))
    await log.erase(OTHER)
    await log.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX calls_by_customer")
        connection.execute("ALTER TABLE calls DROP COLUMN customer")
        connection.execute("PRAGMA user_version = 1")
    log = await SqliteLog.open_file(path)
    assert await log.calls_of("acme", "account 7", 9) == ["call-1"]
    assert await events_of(log, CALL) == [CallStarted(call_id="call-1", customer="account 7"), said(0)]
    await log.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


async def test_the_calls_of_a_customer_are_found_by_an_index_and_the_reference_is_not_in_it(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await append(log, CALL, CallStarted(call_id="call-1", customer="account 7"))
    await log.close()
    with closing(sqlite3.connect(path)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {OF_CUSTOMER}", ("acme", 7))]
        customers = connection.execute("SELECT customer FROM calls").fetchall()
    assert any("calls_by_customer (tenant=? AND customer=?)" in step for step in plan)
    assert not any("SCAN" in step or "B-TREE" in step for step in plan)
    assert [type(customer) for (customer,) in customers] == [int]


async def test_other_databases_and_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    database, text, nowhere = tmp_path / "other.db", tmp_path / "notes.txt", tmp_path / "no" / "folder" / "calls.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE log (epoch)")
    text.write_text("These are my notes. " * 100)
    before = database.read_bytes(), text.read_bytes()
    with pytest.raises(LogUnavailable, match="not an event log"):
        await SqliteLog.open_file(database)
    with pytest.raises(LogUnavailable, match="SQLITE_NOTADB"):
        await SqliteLog.open_file(text)
    with pytest.raises(LogUnavailable, match="No such file"):
        await SqliteLog.open_file(nowhere)
    with pytest.raises(LogUnavailable, match="SQLITE_CANTOPEN"):
        await SqliteLog.open_file(nowhere, read_only=True)
    assert (database.read_bytes(), text.read_bytes()) == before


async def test_events_of_a_newer_version_keep_their_place_and_their_key(path: Path) -> None:
    log = await SqliteLog.open_file(path)
    await append(log, CALL, said(0), said(1), said(2))
    await append(log, NAMESAKE, said(0))
    await log.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        (shelf,) = connection.execute("SELECT max(shelf) FROM calls").fetchone()
        connection.execute(
            f"""
            UPDATE shelf_{shelf} SET record = CAST(replace(record, '"segment"', '"gesture"') AS BLOB)
            WHERE seq = 2 AND call = (SELECT min(id) FROM calls)
            """
        )
    log = await SqliteLog.open_file(path)
    assert await events_of(log, CALL) == [said(0), Unrecognised(call_id="unrecognised"), said(2)]
    assert await log.open(CALL) == 3
    assert not log.append(CALL, said(1)).fresh
    await log.close()
