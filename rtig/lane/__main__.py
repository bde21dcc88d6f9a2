"""The process with the models: takes tasks on stdin, one after another, and answers on stdout, until stdin ends.

A server starts it (`rtig.lane.worker`). It keeps nothing of what it reads beyond a bounded memory of vectors, and
writes no word of it anywhere: what goes wrong is told by its kind and place alone.
"""

import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rtig import lane
from rtig.errors import EncoderUnavailable
from rtig.lane.talk import (
    Busy,
    Find,
    Found,
    Learn,
    Learned,
    Read,
    Reply,
    Unable,
    Understood,
    framed,
    read_body,
    task_in,
)

if TYPE_CHECKING:
    from rtig.lane.encoder import Device
    from rtig.lane.reader import Reader

BELOW_THE_SERVER = 5
"""How much this process gives way (`nice`): a machine that is busy serves calls first."""
BEAT_SECONDS = 1.0
"""So often it says that it is busy while it loads and learns."""


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's; this process ends with its stdin
    os.nice(BELOW_THE_SERVER)
    # Nothing but answers may reach the server: a library that prints would break the frames.
    server = _Server(os.dup(1))
    os.dup2(2, 1)
    threading.Thread(target=server.beat, daemon=True).start()
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    weights, sha256, device = (*sys.argv[1:4], *("", "", "auto")[len(sys.argv) - 1 :])
    try:
        reader = lane.new_reader(Path(weights) if weights else None, sha256 or None, cast("Device", device))
        _serve(reader, tasks, server)
    except EncoderUnavailable as error:
        server.tell(Unable(str(error), again=False))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        server.tell(Unable(f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}", again=True))
    return 1


class _Server:
    """Whom answers are for. Until the first one it counts as busy: the models are loaded."""

    def __init__(self, out: int) -> None:
        self._out = os.fdopen(out, "wb")
        self._lock = threading.Lock()
        self._busy = True

    def tell(self, reply: Reply) -> None:
        with self._lock:
            self._busy = False
            self._write(reply)

    def busy(self) -> None:
        """From now on until the next answer."""
        with self._lock:
            self._busy = True

    def beat(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            with self._lock:
                if self._busy:
                    self._write(Busy())

    def _write(self, reply: Reply) -> None:
        self._out.write(framed(reply))
        self._out.flush()


def _listen(tasks: "queue.SimpleQueue[bytes]") -> None:
    """Hand on tasks. A server that is gone needs no answer, whatever is under way."""
    while (task := read_body(sys.stdin.buffer)) is not None:
        tasks.put(task)
    os._exit(0)


def _serve(reader: "Reader", tasks: "queue.SimpleQueue[bytes]", server: _Server) -> None:
    while True:
        match task := task_in(tasks.get()):
            case Learn():
                server.busy()
                began = time.perf_counter()
                notes = reader.learn(task)
                server.tell(Learned(version=task.version, seconds=time.perf_counter() - began, notes=notes))
            case Read():
                server.tell(Understood(reader.version, reader.read(task.utterances)))
            case Find():
                server.tell(Found(task.number, reader.find(task.query, task.most)))


if __name__ == "__main__":
    os._exit(main())  # an interpreter that is left while a thread of it reads stdin aborts
