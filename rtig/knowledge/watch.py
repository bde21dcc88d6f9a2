"""A knowledge base while people write it: a change of any file gives a new playbook, or what is wrong with it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from rtig.core.playbook import Playbook
from rtig.errors import PlaybookErrors
from rtig.knowledge.base import compile_folder

Signature = tuple[tuple[str, int, int], ...]
Found = Playbook | PlaybookErrors


async def changes(folder: Path, every: float, seen: Signature) -> AsyncIterator[Found]:
    """A playbook each time that the folder has changed, or the errors that keep it from being one.

    The folder is looked at every `every` seconds, which costs a `stat` for each file; reading and compiling happen
    outside the event loop. `seen` is the folder's signature from before the playbook in use was read. Never ends by
    itself.
    """
    while True:
        await asyncio.sleep(every)
        now = await asyncio.to_thread(signature, folder)
        if now == seen:
            continue
        seen = now
        try:
            playbook = await asyncio.to_thread(compile_folder, folder)
        except PlaybookErrors as errors:
            yield errors
        else:
            yield playbook


def signature(folder: Path) -> Signature:
    """Name, time and size of every file; a file that vanishes meanwhile counts as gone."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            found.append((str(path.relative_to(folder)), status.st_mtime_ns, status.st_size))
    return tuple(found)
