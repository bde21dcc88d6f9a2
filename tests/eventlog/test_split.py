"""A log in several files: every call is where it belongs, once, whatever happened on the way."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract import append, events_of, said, told
from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.core.events import CallEnded, CallStarted
from rtig.errors import LogUnavailable
from rtig.eventlog import split
from rtig.eventlog.port import CallKey, Recorded
from rtig.eventlog.sqlite import SqliteLog
from rtig.eventlog.sqlite_file import DAY_MS, erase_rows

NAMES = [f"call-{number}" for number in range(24)]


def among(count: int) -> split.Owner:
    return lambda call: sum((call.tenant + call.call_id).encode()) % count


def key(name: str) -> CallKey:
    return CallKey("acme" if NAMES.index(name) % 3 else "globex", name)


async def fill(path: Path, count: int, names: list[str] = NAMES) -> dict[CallKey, list[Recorded]]:
    """Calls of several days, some over, some of one customer, in the files of their owners; what was kept of each."""
    kept: dict[CallKey, list[Recorded]] = {}
    for number in range(count):
        now = [20_000 * DAY_MS]
        log = await SqliteLog.open_file(split.file_of(path, number), now=lambda now=now: now[0])  # type: ignore[misc]
        for index, name in enumerate(names):
            call = key(name)
            if among(count)(call) == number:
                now[0] = 20_000 * DAY_MS + index * DAY_MS // 4
                started = CallStarted(call_id=name, customer="account 7" if index % 4 == 0 else "")
                await append(log, call, started, *(said(n, f"{name} {n}", call) for n in range(index % 5)))
                if index % 2:
                    await append(log, call, CallEnded(call_id=name, at_ms=9000))
                kept[call] = await told(log, call)
        await log.close()
    return kept


async def found(path: Path, count: int) -> dict[CallKey, list[Recorded]]:
    """What the files have, each call from its owner's; and no other has anything of it."""
    assert split.files(path) == [split.file_of(path, number) for number in range(count)]
    all_of_it: dict[CallKey, list[Recorded]] = {}
    for number in range(count):
        log = await SqliteLog.open_file(split.file_of(path, number), read_only=True)
        for tenant in ("acme", "globex"):
            for name in await log.calls(tenant):
                call = CallKey(tenant, name)
                assert among(count)(call) == number
                assert call not in all_of_it
                all_of_it[call] = await told(log, call)
        await log.close()
    return all_of_it


@settings(max_examples=12, derandomize=True)
@given(counts=st.lists(st.integers(1, 4), min_size=2, max_size=4))
async def test_calls_go_to_their_owners_whenever_the_number_of_files_changes(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("split") / "calls.db"
    split.settle(path, counts[0], among(counts[0]))
    kept = await fill(path, counts[0])
    for count in counts[1:]:
        split.settle(path, count, among(count))
        assert await found(path, count) == kept


async def test_what_a_file_says_of_a_call_is_the_same_after_the_move(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    await fill(path, 1)
    log = await SqliteLog.open_file(path)
    live, of = await log.live_calls(), await log.calls_of("acme", "account 7", 9)
    begun = await log.begun("acme", 100)
    epoch = log.epoch
    await log.close()
    told: list[tuple[int, int]] = []
    moved = split.settle(path, 3, among(3), lambda done, of: told.append((done, of)))
    assert told[-1] == (len(NAMES), len(NAMES))
    assert moved == sum(among(3)(key(name)) != 0 for name in NAMES)
    logs = [await SqliteLog.open_file(split.file_of(path, number)) for number in range(3)]
    assert all(log.epoch > epoch for log in logs)
    assert sorted([call for log in logs for call in await log.live_calls()]) == sorted(live)
    assert sorted([name for log in logs for name in await log.calls_of("acme", "account 7", 9)]) == sorted(of)
    assert sorted([one for log in logs for one in await log.begun("acme", 100)]) == begun
    for each in logs:
        names = [name for _, name in await each.begun("acme", 100)]
        assert names == [name for _, name in begun if name in names]
        await each.close()


async def test_a_call_goes_on_in_its_new_file_in_a_later_epoch_than_any_before(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    await fill(path, 2)
    for _ in range(5):  # one file is opened more often than the other
        await (await SqliteLog.open_file(split.file_of(path, 1))).close()
    split.settle(path, 1, among(1))
    log = await SqliteLog.open_file(path)
    for name in NAMES:
        call = key(name)
        before = await told(log, call)
        (appended,) = await append(log, call, said(99, "later", call))
        assert appended.position.seq == len(before) + 1
        assert all(appended.position.epoch > one.epoch for one in before)
    # New calls get numbers that no moved call has.
    await append(log, CallKey("acme", "new"), CallStarted(call_id="new"))
    assert (await log.calls("acme"))[-1] == "new"
    await log.close()


async def test_not_a_byte_of_a_call_stays_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    await fill(path, 1)
    split.settle(path, 2, among(2))
    first = b"".join(file.read_bytes() for file in (path, Path(f"{path}-wal")) if file.exists())
    for name in NAMES:
        assert (f"{name} 0".encode() in first) <= (among(2)(key(name)) == 0)


class _Crash(Exception):
    pass


@pytest.mark.parametrize(("old", "new", "then"), [(1, 2, 2), (1, 2, 1), (3, 2, 3), (3, 2, 2), (2, 3, 2), (2, 1, 2)])
@pytest.mark.parametrize("at", range(0, 9, 2))
async def test_a_crash_on_the_way_loses_nothing_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: int, new: int, then: int, at: int
) -> None:
    path = tmp_path / "calls.db"
    split.settle(path, old, among(old))
    kept = await fill(path, old)
    monkeypatch.setattr(split, "CALLS_AT_A_TIME", 3)
    count = 0

    def crashing(do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*args: Any) -> Any:
            nonlocal count
            count += 1
            if count > at:
                raise _Crash
            return do(*args)

        return done

    with monkeypatch.context() as patch:
        patch.setattr(split, "_copy", crashing(split._copy))
        patch.setattr(split, "erase_rows", crashing(erase_rows))
        with pytest.raises(_Crash):
            split.settle(path, new, among(new))
    split.settle(path, then, among(then))
    assert await found(path, then) == kept


async def test_nothing_is_looked_at_again_once_all_is_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "calls.db"
    await fill(path, 1)
    assert split.settle(path, 1, among(1)) == 0
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT epoch FROM log").fetchone() == (1,)
    file.close()
    split.settle(path, 2, among(2))
    monkeypatch.setattr(split, "_move", None)
    assert split.settle(path, 2, among(2)) == 0


async def test_a_longer_copy_wins(tmp_path: Path) -> None:
    """Somebody has written to one file alone, with a version that knows of no others."""
    path = tmp_path / "calls.db"
    await fill(path, 2)
    name = next(name for name in NAMES if among(2)(key(name)) == 1)
    log = await SqliteLog.open_file(path)
    await append(log, key(name), CallStarted(call_id=name), *(said(n, call=key(name)) for n in range(50)))
    longer = await events_of(log, key(name))
    await log.close()
    split.settle(path, 2, among(2))
    log = await SqliteLog.open_file(split.file_of(path, 1), read_only=True)
    assert await events_of(log, key(name)) == longer
    await log.close()


async def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    log = await SqliteLog.open_file(path)
    with pytest.raises(LogUnavailable, match="being written"):
        await asyncio.to_thread(split.settle, path, 2, among(2))
    await log.close()
