"""How a thread works beside an event loop without holding it up.

A thread that always has something to do has the interpreter for every other half millisecond, and the loop waits for it
each time that it has let go of it: at every socket that it turns to. Of a thread that rests the loop waits once.
"""

import time

PIECE_SECONDS = 0.0005
"""So long a thread works between two rests, or a little longer."""


class Rests:
    """To be called by one thread between small pieces of its work: after each it rests `share` times as long.

    Where `share` is 0 it lets others have a turn, and goes on.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._begun = time.thread_time()

    def __call__(self) -> None:
        took = time.thread_time() - self._begun
        if took >= PIECE_SECONDS:
            time.sleep(self._share * took)
            self._begun = time.thread_time()
