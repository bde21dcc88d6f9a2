"""A knowledge base while people write it: a change of any file gives a new playbook, or what is wrong with it.

The calls that go on meanwhile must not notice. A playbook is made in a process of its own; see `making`. And a big one
that nobody uses any more is not let go of all at once, which holds up the thread that happens to do it, but bit by bit
in a thread of its own.
"""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rtig.core.playbook import Playbook
from rtig.errors import PlaybookError, PlaybookErrors, WorldError
from rtig.knowledge.making import made_apart
from rtig.resting import Rests

AT_ONCE = 1_000
"""Entries of a table that are let go of in one turn: a tenth of a millisecond."""
REST = 3.0
"""How long threads that look at files, or let go of a playbook, rest between pieces of their work."""
AGAIN_SECONDS = 10.0
"""So long after a process that failed to make a playbook another one is to try."""
Signature = tuple[tuple[str, int, int], ...]
Found = Playbook | PlaybookErrors


async def changes(folder: Path, every: float, seen: Signature) -> AsyncIterator[Found]:
    """A playbook each time that the folder has changed, or the errors that keep it from being one.

    The folder is looked at every `every` seconds, which costs a `stat` for each file; reading and compiling happen
    outside this process. `seen` is the folder's signature from before the playbook in use was read. Never ends by
    itself. A playbook is let go of slowly; see `let_go_slowly`.
    """
    while True:
        await asyncio.sleep(every)
        now = await asyncio.to_thread(signature, folder)
        if now == seen:
            continue
        seen = now
        try:
            playbook = await made_apart(folder)
        except PlaybookErrors as errors:
            yield errors
        except WorldError as error:
            yield PlaybookErrors((PlaybookError(str(folder), 0, 0, str(error)),))
            seen = ()
            await asyncio.sleep(AGAIN_SECONDS)
        else:
            let_go_slowly(playbook)
            yield playbook
            del playbook  # the next is made while this one may have ended


def let_go_slowly(playbook: Playbook) -> None:
    """Have what is big in a playbook let go of bit by bit, once nobody holds the playbook itself any more."""
    weakref.finalize(playbook, _let_go, playbook.tables()).atexit = False


def _let_go(tables: list[dict[Any, Any] | list[Any]]) -> None:
    threading.Thread(target=_empty, args=(tables,), name="playbook let go").start()


def _empty(tables: list[dict[Any, Any] | list[Any]]) -> None:
    rest = Rests(REST)
    while tables:
        table = tables.pop()
        while table:
            if isinstance(table, list):
                del table[-AT_ONCE:]
            else:
                for _ in range(min(AT_ONCE, len(table))):
                    table.popitem()
            rest()


def signature(folder: Path) -> Signature:
    """Name, time and size of every file; a file that vanishes meanwhile counts as gone."""
    found, rest = [], Rests(REST)
    for path in folder.rglob("*"):
        rest()
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            found.append((str(path.relative_to(folder)), status.st_mtime_ns, status.st_size))
    return tuple(sorted(found))
