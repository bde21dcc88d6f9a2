"""rtig as it is served, in a process of its own that notes what holds its loop up.

A beat each millisecond says when the loop was late. What goes on meanwhile is noted where it may take long:
collections, folds, rounds of the floor, reads of a socket, frames for a board, figures. Nothing of that is in the
product. Both are told in CPU time of the loop's thread too, in which neither the machine's other work nor other threads
show.
"""

import asyncio
import gc
import json
import signal
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import uvloop
from hdrh.histogram import HdrHistogram

from benchmarks.servers import measured_settings
from rtig import knowledge
from rtig.app import log_to_stderr, running, tune_process
from rtig.core import engine
from rtig.gateway.floor import Floor
from rtig.gateway.metrics import Metrics
from rtig.gateway.socket import Socket
from rtig.knowledge import making
from rtig.knowledge import watch as watching
from rtig.knowledge.library import Library
from rtig.knowledge.watch import let_go_slowly, signature
from rtig.live import LiveCalls

BEAT_SECONDS = 0.001
STALL_MS = 5.0
WORTH_NOTING_MS = 1.0
AT_WORK = 0.7
"""A stall in which the loop's thread had less CPU than this share of it is the machine's, or another thread's."""
MACHINE, THREADS = "the machine", "another thread of rtig"
KEPT = 40
"""Of the stalls, the longest."""


class Span(NamedTuple):
    begun: float
    ended: float
    cpu_ms: float
    what: str


class Notes:
    """What went on, and when the loop was late."""

    def __init__(self) -> None:
        self.spans: deque[Span] = deque(maxlen=2_000)
        self.stalls: list[dict[str, Any]] = []
        self.lag = HdrHistogram(1, 60_000_000, 3)
        self.turn = HdrHistogram(1, 60_000_000, 3)
        """CPU between two beats: what the loop did in one go."""
        self.longest: dict[str, float] = {}
        """Of each thing that was noted, in ms of CPU."""
        self.counted: Counter[str] = Counter()
        self._collecting = (0.0, 0.0)

    def note(self, begun: float, cpu: float, what: str) -> None:
        took = (time.thread_time() - cpu) * 1000
        self.counted[what] += 1
        if took > self.longest.get(what, 0.0):
            self.longest[what] = took
        if took >= WORTH_NOTING_MS:
            self.spans.append(Span(begun, time.perf_counter(), took, what))

    def watch(self, owner: Any, name: str, what: Callable[..., str]) -> None:
        """Note how long a function takes each time."""
        inner = getattr(owner, name)

        def noted(*args: Any, **more: Any) -> Any:
            begun, cpu = time.perf_counter(), time.thread_time()
            try:
                return inner(*args, **more)
            finally:
                self.note(begun, cpu, what(*args))

        setattr(owner, name, noted)

    def collection(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._collecting = (time.perf_counter(), time.thread_time())
        else:
            self.note(*self._collecting, f"collection of generation {info['generation']}")

    async def beat(self) -> None:
        due, cpu, process = time.perf_counter(), time.thread_time(), time.process_time()
        while True:
            begun, due = time.perf_counter(), time.perf_counter() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            now, used, used_in_all = time.perf_counter(), time.thread_time(), time.process_time()
            late = (now - due) * 1000
            self.lag.record_value(max(1, int(late * 1000)))
            self.turn.record_value(max(1, int((used - cpu) * 1e6)))
            if late >= STALL_MS:
                self._stalled(begun, now, late, used - cpu, used_in_all - process)
            cpu, process = used, used_in_all

    def _stalled(self, begun: float, ended: float, late: float, cpu: float, of_all: float) -> None:
        """`cpu` is what the loop's thread had, `of_all` what all threads of the process had."""
        shares: dict[str, float] = {}
        for span in self.spans:
            if span.begun < ended and span.ended > begun:
                shares[span.what] = round(shares.get(span.what, 0.0) + span.cpu_ms, 1)
        causes = dict(sorted(shares.items(), key=lambda share: -share[1])[:4])
        if cpu < AT_WORK * (ended - begun):
            threads = min(of_all - cpu, ended - begun - cpu)
            causes = {
                MACHINE: round((ended - begun - cpu - threads) * 1000, 1),
                THREADS: round(threads * 1000, 1),
                **causes,
            }
        self.stalls.append({"ms": round(late, 1), "cpu_ms": round(cpu * 1000, 1), "causes": causes})
        self.stalls.sort(key=lambda stall: -stall["ms"])
        del self.stalls[KEPT:]

    def report(self) -> dict[str, Any]:
        return {
            "lag_us": _percentiles(self.lag),
            "turn_cpu_us": _percentiles(self.turn),
            "stalls": self.stalls,
            "longest_cpu_ms": {
                what: round(ms, 1) for what, ms in sorted(self.longest.items(), key=lambda item: -item[1])
            },
            "counted": dict(self.counted),
        }


def _percentiles(histogram: HdrHistogram) -> dict[str, int]:
    shares = (("p50", 50), ("p99", 99), ("p999", 99.9), ("max", 100))
    return {name: histogram.get_value_at_percentile(share) for name, share in shares}


async def _serve(log: str, folder: Path) -> None:
    notes = Notes()
    settings = measured_settings(log, folder, reload_seconds=0.5, meaning="off", budget_ms=0)
    seen = signature(folder)
    playbook = knowledge.compile_folder(folder)
    let_go_slowly(playbook)
    tune_process()
    notes.watch(engine, "step", lambda playbook, call, seq, event: f"fold of {type(event).__name__}")
    notes.watch(Floor, "_go_round", lambda *_: "the floor's round")
    notes.watch(Floor, "go_on", lambda *_: "a board that is owed rows")
    notes.watch(Metrics, "page", lambda *_: "figures")
    notes.watch(Socket, "data_received", lambda *_: "what one socket had sent")
    notes.watch(LiveCalls, "accept", lambda live, key, event, *_: f"all that follows from {type(event).__name__}")
    notes.watch(making, "_unpickled", lambda *_: "taking a playbook over, beside the loop")
    notes.watch(watching, "_empty", lambda *_: "letting go of a playbook, beside the loop")
    notes.watch(watching, "signature", lambda *_: "looking at the files, beside the loop")
    notes.watch(Library, "__init__", lambda *_: "making the index of articles, beside the loop")
    gc.callbacks.append(notes.collection)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    served = running(settings, playbook, seen=seen)
    del playbook
    async with served as server:
        print(server.socket_url, flush=True)
        beating = asyncio.create_task(notes.beat())
        await ended.wait()
        beating.cancel()
        print(json.dumps(notes.report()), flush=True)


if __name__ == "__main__":
    log_to_stderr("warning")
    uvloop.run(_serve(sys.argv[1], Path(sys.argv[2])))
