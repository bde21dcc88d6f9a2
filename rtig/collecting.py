"""The garbage collector of a server, kept short.

A full collection walks all that is alive: of some hundred calls, and of a playbook, for tens of milliseconds in which
nobody is served. Nearly all of that is trees without cycles, which go when they are let go of. So what has lived
through one of the quicker collections is frozen, which costs nothing, and never walked again. A cycle that forms later
is found when no call is going on.
"""

import gc
from collections.abc import Callable

QUIET_BEATS = 3_000
"""No call has been going on for so many beats (a minute) when everything is looked at."""


class Broom:
    """At work until `close`. `calls` says how many calls are going on; `beat` belongs on a beat of the loop."""

    def __init__(self, calls: Callable[[], int]) -> None:
        self._calls = calls
        self._quiet = 0
        gc.callbacks.append(self._collected)

    def close(self) -> None:
        gc.callbacks.remove(self._collected)

    def beat(self) -> None:
        if self._calls():
            self._quiet = 0
            return
        self._quiet += 1
        if self._quiet == QUIET_BEATS:
            gc.unfreeze()
            gc.collect()

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] > 0:
            gc.freeze()
