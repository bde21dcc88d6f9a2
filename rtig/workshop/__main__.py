"""The process that works for authors: one task from stdin, its answer on stdout, and the end.

It writes no word of a call anywhere: what goes wrong is told by its kind and place alone.
"""

import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import BinaryIO

from rtig.core import events
from rtig.errors import PlaybookErrors
from rtig.lane.talk import read_body
from rtig.wire.authors import Finding
from rtig.workshop import work
from rtig.workshop.talk import CallLog, Lint, Look, Progress, Ready, Reply, Unable, framed, task_in

BELOW_EVERYTHING = 10
"""How much this process gives way (`nice`): calls come first, then the model that reads them."""
TELL_SECONDS = 0.1


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which ends this process
    os.nice(BELOW_EVERYTHING)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints would break the frames
    try:
        answer = _done(sys.stdin.buffer, out)
    except PlaybookErrors as wrong:
        found = (
            Finding(severity="error", path=e.path, line=e.line, column=e.column, problem=e.problem, mend=e.mend)
            for e in wrong.errors
        )
        answer = Unable("The draft has mistakes.", tuple(found))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        answer = Unable(f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}")
    if answer is not None:
        _tell(out, answer)
    return 0


def _done(tasks: BinaryIO, out: BinaryIO) -> Reply | None:
    """The last answer to the one task; None where all is told, or the server has gone."""
    body = read_body(tasks)
    task = task_in(body) if body is not None else None
    if isinstance(task, Lint):
        for linted in work.lint(task):
            _tell(out, linted)
        return None
    if not isinstance(task, Look):
        return None
    looking = work.looking(task)
    _tell(out, Ready())
    done, told = 0, 0.0
    while (body := read_body(tasks)) is not None:
        call = task_in(body)
        if not isinstance(call, CallLog):
            return looking.found()
        looking.add([events.decode(event) for event in call.events], call.began_at)
        done += 1
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            _tell(out, Progress(done))
    return None


def _tell(out: BinaryIO, reply: Reply) -> None:
    out.write(framed(reply))
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
