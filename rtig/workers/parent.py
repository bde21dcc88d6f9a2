"""The parent of the workers: forks them, forks another in the place of each that ends, and ends with them.

It has no event loop and no threads, so a fork of it is whole at any time. What it opened before the first fork (what
listens for clients and for other workers) stays open in it: whoever connects while a worker is away waits in its queue.
"""

import contextlib
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator

import structlog

from rtig.errors import RtigError, WorldError

SETTLED_SECONDS = 10.0
"""A worker that ends sooner after its begin is started again later each time."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 5.0
ENDING = (signal.SIGTERM, signal.SIGINT)
_log = structlog.get_logger(__name__)


class Work:
    """What a worker is given: its number, counted from 0, and a file descriptor that ends with the parent."""

    def __init__(self, number: int, parent: int, up: int) -> None:
        self.number = number
        self.parent = parent
        self._up = up

    def up(self) -> None:
        """Say that the worker serves."""
        os.write(self._up, bytes((self.number,)))


class _Child:
    def __init__(self) -> None:
        self.pid = 0
        self.began = 0.0
        self.deaths = 0
        """Shortly after a begin, in a row."""
        self.due: float | None = 0.0
        """When it is to be started; None while it runs."""


class Workers:
    """`work` is called in each worker, and what it raises is told; `serving` in the parent, once all are up."""

    def __init__(self, count: int, work: Callable[[Work], None], serving: Callable[[], None]) -> None:
        self._work = work
        self._serving = serving
        self._children = [_Child() for _ in range(count)]
        self._not_up = set(range(count))
        self._ending = False
        self._failed = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT, and until all workers have ended. Raises `WorldError` if one cannot start."""
        with (
            _woken(self._end) as wakes,
            _pipe() as (self._up_read, self._up),
            _pipe() as (self._alive, self._alive_own),
        ):
            while not self._ending or any(child.pid for child in self._children):
                if not self._ending:
                    self._start_those_due()
                readable, _, _ = select.select([wakes, self._up_read], [], [], self._until_next())
                if wakes in readable:
                    os.read(wakes, 4096)
                if self._up_read in readable:
                    self._are_up(os.read(self._up_read, 4096))
                self._bury()
        if self._failed:
            raise WorldError("A worker could not be started; the lines before this say why.")

    def _end(self) -> None:
        """Also in a signal handler."""
        self._ending = True
        for child in self._children:
            if child.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)

    def _until_next(self) -> float | None:
        due = [child.due for child in self._children if child.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due and not self._ending else None

    def _start_those_due(self) -> None:
        for number, child in enumerate(self._children):
            if child.due is not None and child.due <= time.monotonic():
                # Not before the child has handlers of its own, or none: it would take a signal for the parent's.
                signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
                pid = os.fork()
                if not pid:
                    self._be(number)
                child.pid, child.began, child.due = pid, time.monotonic(), None
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def _be(self, number: int) -> None:
        """In the child; it never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for signum in (*ENDING, signal.SIGCHLD):
                signal.signal(signum, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            os.close(self._alive_own)
            self._work(Work(number, self._alive, self._up))
            code = 0
        except RtigError as error:
            _log.error("worker cannot serve", worker=number + 1, problem=str(error))
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _are_up(self, numbers: bytes) -> None:
        before = bool(self._not_up)
        self._not_up.difference_update(numbers)
        if before and not self._not_up:
            self._serving()

    def _bury(self) -> None:
        for number, child in enumerate(self._children):
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid:
                continue
            child.pid = 0
            if self._ending:
                continue
            how = os.waitstatus_to_exitcode(status)
            if number in self._not_up:
                self._failed = True
                self._end()
                continue
            now = time.monotonic()
            child.deaths = child.deaths + 1 if now - child.began < SETTLED_SECONDS else 0
            wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (child.deaths - 2)) if child.deaths > 1 else 0.0
            child.due = now + wait
            _log.error("worker ended", worker=number + 1, status=how, again_after=wait)


@contextlib.contextmanager
def _woken(end: Callable[[], None]) -> Iterator[int]:
    """A file descriptor that can be read when a child has ended, or after `end` was called because of a signal."""
    with _pipe() as (read, write):
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        handlers = {signum: signal.signal(signum, lambda *_: end()) for signum in ENDING}
        handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        try:
            yield read
        finally:
            signal.set_wakeup_fd(before)
            for signum, handler in handlers.items():
                signal.signal(signum, handler)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    try:
        yield read, write
    finally:
        os.close(read)
        os.close(write)
