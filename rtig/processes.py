"""Processes beside the server, begun without holding up its loop.

uvloop begins one in the loop and by a `fork` that copies the tables of all memory that the server has: for 400 MB the
loop stands still for 27 ms. What `subprocess` does (`vfork`) copies nothing, and it is done in a thread: 1 ms at most.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TypeVar

import rtig

_T = TypeVar("_T")
_ROOT = str(Path(rtig.__file__).parent.parent)


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """A module of this rtig, and not of one that lies in the folder from which the server was started."""
    return (sys.executable, "-P", "-m", module, *arguments)


async def begun(command: Sequence[str], stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """A process whose `stdout` is a pipe; what it says on `stderr` goes nowhere. Raises `OSError`."""
    beginning = asyncio.ensure_future(asyncio.to_thread(_begin, command, stdin))
    try:
        return await to_its_end(beginning)
    except asyncio.CancelledError:
        with beginning.result() as process:  # which closes its pipes
            process.kill()
        raise


async def to_its_end(work: Awaitable[_T]) -> _T:
    """Wait for what must not be left half done; whoever is cancelled meanwhile, even twice, is so behind it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    result = task.result()
    if cancelled is not None:
        raise cancelled
    return result


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process, if it is still there; it is gone within a moment."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()


class Companion:
    """A process that is talked with. Whoever has begun it ends it at last, which lets go of its pipes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.pid = process.pid
        self.stdin: asyncio.StreamWriter
        self.stdout: asyncio.StreamReader
        self._process = process
        self._pipes: list[asyncio.BaseTransport] = []

    @classmethod
    async def begun(cls, command: Sequence[str]) -> "Companion":
        """Raises `OSError`."""
        made = cls(await begun(command, subprocess.PIPE))
        try:
            await to_its_end(made._connect())  # a moment; half connected it could not be let go of
        except asyncio.CancelledError:
            await made.ended()
            raise
        return made

    @property
    def returncode(self) -> int | None:
        """None while it is there."""
        return self._process.poll()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> None:
        """Until it has ended."""
        await asyncio.to_thread(self._process.wait)
        for pipe in self._pipes:
            pipe.close()

    async def ended(self) -> None:
        """Kill it, if it is still there. It is gone even if whoever waits is cancelled meanwhile."""
        self.kill()
        await to_its_end(self.wait())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self.stdout, nothing = asyncio.StreamReader(), asyncio.StreamReader()
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.stdout), self._process.stdout
        )
        self._pipes.append(reading)
        writing, protocol = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(nothing), self._process.stdin
        )
        self._pipes.append(writing)
        self.stdin = asyncio.StreamWriter(writing, protocol, None, loop)


def _begin(command: Sequence[str], stdin: int) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join(path for path in (_ROOT, os.environ.get("PYTHONPATH", "")) if path)
    return subprocess.Popen(  # noqa: S603 a module of ours, and nothing that anybody else has written
        command,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": paths},
    )
