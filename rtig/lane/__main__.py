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
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rtig import lane
from rtig.errors import EncoderUnavailable
from rtig.lane.talk import Find, Found, Learn, Learned, Read, Reply, Unable, Understood, framed, read_body, task_in

if TYPE_CHECKING:
    from rtig.lane.encoder import Device
    from rtig.lane.reader import Reader

BELOW_THE_SERVER = 5
"""How much this process gives way (`nice`): a machine that is busy serves calls first."""


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's; this process ends with its stdin
    os.nice(BELOW_THE_SERVER)
    # Nothing but answers may reach the server: a library that prints would break the frames.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def tell(reply: Reply) -> None:
        out.write(framed(reply))
        out.flush()

    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    weights, sha256, device = (*sys.argv[1:4], *("", "", "auto")[len(sys.argv) - 1 :])
    try:
        _serve(lane.new_reader(Path(weights) if weights else None, sha256 or None, cast("Device", device)), tasks, tell)
    except EncoderUnavailable as error:
        tell(Unable(str(error), again=False))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        tell(Unable(f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}", again=True))
    return 1


def _listen(tasks: "queue.SimpleQueue[bytes]") -> None:
    """Hand on tasks. A server that is gone needs no answer, whatever is under way."""
    while (task := read_body(sys.stdin.buffer)) is not None:
        tasks.put(task)
    os._exit(0)


def _serve(reader: "Reader", tasks: "queue.SimpleQueue[bytes]", tell: Callable[[Reply], None]) -> None:
    while True:
        match task := task_in(tasks.get()):
            case Learn():
                began = time.perf_counter()
                reader.learn(task)
                tell(Learned(version=task.version, seconds=time.perf_counter() - began))
            case Read():
                tell(Understood(reader.version, reader.read(task.utterances)))
            case Find():
                tell(Found(task.number, reader.find(task.query, task.most)))


if __name__ == "__main__":
    os._exit(main())  # an interpreter that is left while a thread of it reads stdin aborts
