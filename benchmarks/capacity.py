"""How many calls at once does one machine carry, with guidance in 50 ms?

The most simultaneous calls whose latest hundredth of fragments has its guidance within 50 ms of being due, with nothing
lost and no call refused: doubled, or halved, until it changes, then searched between. The load generator is on the same
machine, and its share is stated. Then, at the capacity found, the same bytes at the same moments go through an echo of
the plain asyncio API of `websockets` on uvloop, and through one of rtig's own server stack: what a message costs there
is what it costs to be received and answered at all.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.latency import HOLDS_MS, Figures, measured, percentiles, shaped
from benchmarks.load import LATE_MS

TRIES = 2
"""What fails is tried once more: whatever else the machine does fails it too."""
MOST = 16_000
LEAST = 10


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where no load holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks capacity", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--start", type=int, default=200, help="calls to begin with (%(default)s)")
    parser.add_argument("--seconds", type=float, default=15.0, help="measured time of each step (%(default)s)")
    parser.add_argument("--finer", type=float, default=1.1, help="until that holds and this times as much does not")
    parser.add_argument("--workers", default="1", help="processes of the server, e.g. 1,2 (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", choices=("sqlite", "memory"), default="sqlite", help="where rtig keeps the calls")
    parser.add_argument("--quick", action="store_true", help="three short steps for each number of workers")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    if asked.quick:
        asked.seconds = 4.0
    found = [measure(int(workers), asked) for workers in asked.workers.split(",")]
    report = {
        "limit_ms": HOLDS_MS,
        **{key: value for key, value in found[0].items() if key != "steps"},
        "workers": found,
        "log": asked.log,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 0 if all(one["calls"] for one in found) else 1


def search(holds: Callable[[int], bool], start: int, finer: float, steps: int) -> int:
    """The most that holds, to a factor of `finer` or as far as so many steps go; 0 where nothing does."""
    low, high, at = 0, 0, start
    for _ in range(steps):
        if holds(at):
            low = at
        else:
            high = at
        if high and low and high <= low * finer:
            break
        if not high:
            at = min(MOST, low * 2)
        elif not low:
            at = high // 2
        else:
            at = round((low * high) ** 0.5)
        if at in (low, high) or at < LEAST:
            break
    return low


class Steps:
    """Loads that were tried, each with a fresh server."""

    def __init__(self, seconds: float, seed: int, log: str, workers: int = 1, tries: int = TRIES) -> None:
        self.rows: list[dict[str, Any]] = []
        self.held: dict[int, Figures] = {}
        self._seconds = seconds
        self._seed = seed
        self._log = log
        self._workers = workers
        self._tries = tries

    def holds(self, calls: int) -> bool:
        for attempt in range(self._tries):
            figures = Figures()
            shape = shaped(calls, self._seconds, self._seed + attempt)
            measured("rtig", shape, figures, log=self._log, workers=self._workers)
            self.rows.append(row(calls, figures))
            _say_row(self._workers, self.rows[-1])
            if figures.holds:
                self.held[calls] = figures
                return True
        return False


def measure(workers: int, asked: argparse.Namespace) -> dict[str, Any]:
    """The capacity of a server with so many processes, and what was seen there."""
    steps = Steps(asked.seconds, asked.seed, asked.log, workers, 1 if asked.quick else TRIES)
    calls = search(steps.holds, asked.start, asked.finer, 3 if asked.quick else 20)
    found: dict[str, Any] = {
        "workers": workers,
        "calls": calls,
        "steps": sorted(steps.rows, key=lambda one: int(one["calls"])),
    }
    if not calls:
        return found
    plain, echo = Figures(), Figures()
    shape = shaped(calls, asked.seconds, asked.seed)
    measured("plain", shape, plain)
    measured("echo", shape, echo)
    rtig = steps.held[calls]
    return found | {
        "rate": round(rtig.sent / rtig.seconds, 1),
        **percentiles(rtig.fragment),
        "cpu_us_per_message": rtig.cpu_us,
        "plain_cpu_us_per_message": plain.cpu_us,
        "floor_cpu_us_per_message": echo.cpu_us,
        "ratio_cpu": round(rtig.cpu_us / plain.cpu_us, 2) if plain.cpu_us else None,
        "plain_p99_us": percentiles(plain.fragment)["p99_us"],
        "floor_p99_us": percentiles(echo.fragment)["p99_us"],
        **rtig.shares(),
        "calls_a_core_by_cpu": round(calls * rtig.seconds / rtig.server_cpu) if rtig.server_cpu else None,
        "generator_late_p99_us": percentiles(rtig.late)["p99_us"],
    }


def row(calls: int, figures: Figures) -> dict[str, Any]:
    """One load as a row."""
    return {
        "calls": calls,
        "holds": figures.holds,
        "rate": round(figures.sent / max(1e-9, figures.seconds), 1),
        **percentiles(figures.fragment),
        "lost": figures.lost,
        "refused_calls": figures.refused_calls,
        "gave_up": figures.gave_up,
        "cpu_us_per_message": figures.cpu_us,
        **figures.shares(),
        "generator_in_time": percentiles(figures.late)["p99_us"] < LATE_MS * 1000,
    }


def _say_row(workers: int, one: dict[str, Any]) -> None:
    why = "holds" if one["holds"] else "gave up" if one["gave_up"] else "does not hold"
    print(
        f"== workers: {workers}, {one['calls']} calls: {why}; p99 {one['p99_us'] / 1000:.1f} ms, "
        f"lost {one['lost']}, refused {one['refused_calls']}, server {one['server_share']:.0%} of the machine, "
        f"generator {one['generator_share']:.0%}, everything else {one['others_share']:.0%}",
        file=sys.stderr,
        flush=True,
    )


def _print(report: dict[str, Any]) -> None:
    for one in report["workers"]:
        print(_sentences(one, report["limit_ms"]), file=sys.stderr)


def _sentences(one: dict[str, Any], limit_ms: float) -> str:
    who = f"{one['workers']} worker{'s' if one['workers'] > 1 else ''}"
    if not one["calls"]:
        return f"{who}: no load holds"
    return (
        f"{who}: {one['calls']} calls, {one['rate']} messages/s, p99 {one['p99_us'] / 1000:.1f} ms of {limit_ms:g}; "
        f"of the machine the server had {one['server_share']:.0%}, the generator {one['generator_share']:.0%}, "
        f"everything else {one['others_share']:.0%}\n  CPU a message {one['cpu_us_per_message']} µs, the plain echo's "
        f"{one['plain_cpu_us_per_message']} (ratio {one['ratio_cpu']}), our stack's echo's "
        f"{one['floor_cpu_us_per_message']}; by CPU alone a core does {one['calls_a_core_by_cpu']} calls"
    )
