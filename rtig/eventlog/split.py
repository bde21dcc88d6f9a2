"""One log in several files: `calls.db`, `calls.db.2`, …, one for each worker of a server, each call in its owner's.

`settle` brings every call to where it belongs when the number of files changes, before anybody writes. A call is
copied, whole and durable, before it is erased where it was, and a call that is found in two files was copied by a run
that did not come to its end: so a crash loses nothing and doubles nothing.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from rtig.errors import LogUnavailable
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite_file import (
    SHELF,
    File,
    Place,
    customer_of,
    erase_rows,
    find,
    hash_of,
    id_of,
    last_seq,
    name_of,
    places,
)

CALLS_AT_A_TIME = 100
"""Calls that are copied in one transaction."""
_SETTLED = "CREATE TABLE IF NOT EXISTS settled (files INTEGER NOT NULL)"
Owner = Callable[[CallKey], int]
Progress = Callable[[int, int], None]


def file_of(path: Path, number: int) -> Path:
    """The file of a worker, counted from 0."""
    return path if not number else path.with_name(f"{path.name}.{number + 1}")


def files(path: Path) -> list[Path]:
    """Those that are there, in order."""
    return [file_of(path, number) for number in _numbers(path)]


def settle(path: Path, count: int, owner: Owner, progress: Progress = lambda _, __: None) -> int:
    """Have every call in the file of its `owner`, of `count` files, and no other file there; how many were moved.

    `progress` is told how many calls of how many are where they belong. A single file that is alone is left as it is.
    Raises `LogUnavailable` where a file cannot be opened, or is being written by another process.
    """
    numbers = _numbers(path)
    if count == 1 and numbers in ([], [0]):
        return 0
    moved = 0
    try:
        with contextlib.ExitStack() as stack:
            opened: dict[int, File] = {}
            for number in sorted({*numbers, *range(count)}):
                opened[number] = stack.enter_context(contextlib.closing(File(file_of(path, number), read_only=False)))
            if numbers == [*range(count)] and all(_settled(file) == count for file in opened.values()):
                return 0
            # An event that comes after the move must have a later epoch than all before it, wherever those were.
            epoch = max(file.epoch for file in opened.values())
            for file in opened.values():
                file.writing.execute("BEGIN IMMEDIATE")
                file.writing.execute("UPDATE log SET epoch = ?", (epoch,))
                file.writing.execute(_SETTLED)
                file.writing.execute("DELETE FROM settled")
                file.writing.execute("COMMIT")
            moved = _move(opened, owner, progress)
            for file in opened.values():
                file.writing.execute("INSERT INTO settled VALUES (?)", (count,))
                file.writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise LogUnavailable(f"The calls of {path} could not be moved ({name_of(error)}).") from error
    for number in opened:
        if number >= count:
            _remove(file_of(path, number))
    return moved


def _numbers(path: Path) -> list[int]:
    beside = [file.name.removeprefix(f"{path.name}.") for file in path.parent.glob(f"{path.name}.*")]
    others = sorted(int(end) - 1 for end in beside if end.isascii() and end.isdigit() and int(end) > 1)
    return [0, *others] if path.exists() else others


def _settled(file: File) -> int:
    """The number of files when every call was last where it belongs; 0 while that is not known."""
    if not file.writing.execute("SELECT 1 FROM sqlite_schema WHERE name = 'settled'").fetchone():
        return 0
    row = file.writing.execute("SELECT files FROM settled").fetchone()
    return int(row[0]) if row else 0


def _move(opened: dict[int, File], owner: Owner, progress: Progress) -> int:
    misplaced: list[tuple[int, int, CallKey, Place]] = []
    known = 0
    for number, file in opened.items():
        for tenant, place in places(file.writing, "1"):
            call = id_of(file.writing, tenant, place)
            known += 1
            if owner(call) != number:
                misplaced.append((number, owner(call), call, place))
    # From one file to another at a time, oldest calls first.
    misplaced.sort(key=lambda one: (one[0], one[1], one[3].number))
    done = 0
    for (old, new), group in itertools.groupby(misplaced, lambda one: one[:2]):
        calls = list(group)
        for start in range(0, len(calls), CALLS_AT_A_TIME):
            chunk = calls[start : start + CALLS_AT_A_TIME]
            source, target = opened[old], opened[new]
            with _transaction(target.writing):
                for _, _, call, place in chunk:
                    _copy(source, target, call, place)
            with _transaction(source.writing):
                for _, _, _, place in chunk:
                    erase_rows(source.writing, place)
            done += len(chunk)
            progress(known - len(misplaced) + done, known)
    return done


def _copy(source: File, target: File, call: CallKey, place: Place) -> None:
    there = find(target.writing, target.salt, call)
    if there is not None:
        if last_seq(target.writing, there) >= last_seq(source.writing, place):
            return
        erase_rows(target.writing, there)
    for statement in SHELF:
        target.writing.execute(statement.format(place.shelf))
    number = _free(target.writing, place)
    (ended,) = source.writing.execute("SELECT ended FROM calls WHERE id = ?", (place.number,)).fetchone()
    customer = customer_of(source.writing, place)
    target.writing.execute("INSERT OR IGNORE INTO tenants (name) VALUES (?)", (call.tenant,))
    target.writing.execute(
        "INSERT INTO calls (id, tenant, name, shelf, ended, customer) "
        "SELECT ?, id, ?, ?, ?, ? FROM tenants WHERE name = ?",
        (
            number,
            hash_of(target.salt, call.call_id),
            place.shelf,
            ended,
            hash_of(target.salt, customer) if customer else None,
            call.tenant,
        ),
    )
    rows = source.writing.execute(
        f"SELECT ?, seq, record FROM shelf_{place.shelf} WHERE call = ? ORDER BY seq",  # noqa: S608
        (number, place.number),
    )
    target.writing.executemany(f"INSERT INTO shelf_{place.shelf} VALUES (?, ?, ?)", rows)  # noqa: S608


def _free(connection: sqlite3.Connection, place: Place) -> int:
    """The next number from the call's own that no call has, nor rows of one that was erased: calls stay in order."""
    number = place.number
    taken = f"SELECT 1 FROM shelf_{place.shelf} WHERE call = ? UNION SELECT 1 FROM calls WHERE id = ?"  # noqa: S608
    while connection.execute(taken, (number, number)).fetchone():
        number += 1
    return number


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm", "-lock"):
        path.with_name(path.name + end).unlink(missing_ok=True)
