"""A playbook made in a process of its own while calls go on here.

In a thread it would want the interpreter for seconds, and the loop would wait for it all the time. What is made comes
through a pipe as a pickle. Read in one go that would hold the interpreter for 40 ms where there are two thousand
triggers; so it is read piece by piece, and others have their turn in between.
"""

import asyncio
import gc
import io
import pickle
import pickletools
import subprocess
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import rtig
from rtig import processes
from rtig.core.playbook import Playbook
from rtig.errors import PlaybookError, PlaybookErrors, WorldError
from rtig.resting import Rests

REST = 3.0
"""After a piece of the pickle, of which each has 64 KiB, others have so many times as long for themselves."""


class Unable(NamedTuple):
    """What kept the process from making anything, and is no mistake of an author."""

    problem: str


Made = Playbook | tuple[PlaybookError, ...] | Unable


def _code() -> tuple[tuple[str, int, int], ...]:
    core = Path(rtig.__file__).parent / "core"
    found = ((path.name, path.stat()) for path in sorted(core.glob("*.py")))
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in found)


CODE = _code()
"""By what code a playbook is made: that of another one would not fold with ours."""


async def made_apart(folder: Path) -> Playbook:
    """The playbook of a folder, out of the garbage collector's sight.

    Raises `PlaybookErrors`, and `WorldError` where the process has failed.
    """
    try:
        process = await processes.begun(processes.command("rtig.knowledge", str(folder)))
    except OSError as error:
        raise WorldError(f"The process that reads it could not be begun: {error.strerror or error}.") from error
    reading = asyncio.ensure_future(asyncio.to_thread(take, cast(io.BufferedReader, process.stdout)))
    try:
        made = await asyncio.shield(reading)
    finally:
        await processes.to_its_end(_ended(process, reading))
    if isinstance(made, Unable):
        raise WorldError(made.problem)
    if isinstance(made, Playbook):
        return made
    raise PlaybookErrors(made)


async def _ended(process: "subprocess.Popen[bytes]", reading: "asyncio.Future[Made]") -> None:
    await asyncio.to_thread(processes.end, process)  # its pipe ends with it, and so does the reading
    await asyncio.wait([reading])


def tell(out: BinaryIO, made: Made) -> None:
    """Write what was made as `take` reads it."""
    pickle.dump(CODE, out)
    # Whoever reads a pickle keeps all that may be referred to again, and lets go of it in one go: 7 ms for ten thousand
    # triggers. Of what is left here, which is what is referred to again, it is less than one.
    out.write(pickletools.optimize(pickle.dumps(made, protocol=5)))
    out.flush()


def take(pipe: io.BufferedReader) -> Made:
    """Read what `tell` has written, piece by piece; in a thread that may rest."""
    with pipe:
        try:
            if pickle.load(pipe) != CODE:  # noqa: S301 the process is ours, and nobody else has its pipe
                return Unable("rtig itself has changed since the server was started; start it again.")
            pipe.peek(1)
            return _unpickled(pipe)
        except (EOFError, pickle.UnpicklingError):
            return Unable("The process that reads it ended before it was done.")


def _unpickled(pipe: BinaryIO) -> Made:
    collects = gc.isenabled()
    gc.disable()  # it would walk what grows again and again
    try:
        made: Made = pickle.Unpickler(_Paced(pipe)).load()  # noqa: S301
        gc.freeze()  # never walked by a collection; what it is made of holds no cycles, so it is let go of all the same
        return made
    finally:
        if collects:
            gc.enable()


class _Paced:
    """A pipe as `pickle` reads it, with a rest after each piece."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._rest = Rests(REST)

    def read(self, size: int) -> bytes:
        self._rest()
        return self._pipe.read(size)

    def readline(self) -> bytes:
        return self._pipe.readline()
