"""Processes beside the server, begun without holding up its loop.

uvloop begins one in the loop and by a `fork` that copies the tables of all memory that the server has: for 400 MB the
loop stood still for 60 ms and more. What `subprocess` does (`vfork`) copies nothing, and it is done in a thread.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import rtig

_ROOT = str(Path(rtig.__file__).parent.parent)


async def begun(module: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """A module of this rtig in a process of its own. What it says comes from `stdout`; what it prints goes nowhere.

    Raises `OSError`.
    """
    beginning = asyncio.ensure_future(asyncio.to_thread(_begin, module, arguments, stdin))
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        with await beginning as process:  # which closes its pipes
            process.kill()
        raise


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process, if it is still there; it is gone within a moment."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()


def _begin(module: str, arguments: tuple[str, ...], stdin: int) -> "subprocess.Popen[bytes]":
    paths = os.pathsep.join(path for path in (_ROOT, os.environ.get("PYTHONPATH", "")) if path)
    return subprocess.Popen(  # noqa: S603 a module of ours, and nothing that anybody else has written
        # Of this rtig and not of one that lies in the folder from which the server was started.
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": paths},
    )
