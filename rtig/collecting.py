"""The garbage collector of a server, kept short.

A full collection walks all that is alive: of some hundred calls, and of a playbook, for tens of milliseconds in which
nobody is served. Nearly all of that is trees without cycles, which go when they are let go of. So what has lived
through a few of the quick collections is looked at once, while it is little, and never again: it is frozen. A cycle
that forms later is found when no call is going on.
"""

import gc
from collections.abc import Callable

YOUNG_COLLECTIONS = 5
"""Of generation 1, between two freezings: what each of them leaves over is some thousand objects."""
QUIET_BEATS = 3_000
"""No call has been going on for so many beats (a minute) when everything is looked at."""


class Broom:
    """`sweep` belongs on a beat of the loop. `calls` says how many are going on."""

    def __init__(self, calls: Callable[[], int]) -> None:
        self._calls = calls
        self._seen = _young()
        self._quiet = 0
        self._swept = False  # since a call was going on last

    def sweep(self) -> None:
        if _young() - self._seen >= YOUNG_COLLECTIONS:
            gc.collect()
            gc.freeze()
            self._seen = _young()
        if self._calls():
            self._quiet, self._swept = 0, False
            return
        self._quiet += 1
        if self._quiet >= QUIET_BEATS and not self._swept:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._swept = True


def _young() -> int:
    return int(gc.get_stats()[1]["collections"])
