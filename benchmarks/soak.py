"""Does it stay as it is for half an hour, at 70 % of what it carries, with reconnect storms, and is nothing lost?

A steady load at a share of the capacity that is given, or is searched for first. Every few minutes the sidebars and the
sources of a third of the calls are cut at once and come back within a second: sources send again what was not
acknowledged, sidebars ask from the position that they saw last. Two more watchers do not read. By the minute: how late
guidance is, and how much memory the server holds. Over all: every event acknowledged once, every final fragment told to
its sidebar once.
"""

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from benchmarks.board import slope
from benchmarks.capacity import Steps, search
from benchmarks.latency import HOLDS_MS, serving, shaped
from benchmarks.load import LATE_MS, Outcome, Plan, histogram, merged, percentiles, play
from rtig.errors import Code

SHARE = 0.7
STORM_EVERY = 180.0
STORM_SHARE = 0.33
SLOW = 2
GROWTH = 1.05
"""By which memory may have grown from the middle third to the last."""
FLAT_SECONDS = 600.0
"""A shorter run says nothing of memory: what is remembered of words and calls still fills."""
LATER = 1.5
"""By how much p99 may be greater in the last third than in the first."""
EXPECTED = (Code.TOO_SLOW,)
"""Of the watchers that do not read."""


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where something was lost or doubled, or it did not stay as it was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="(%(default)s)")
    parser.add_argument("--capacity", type=int, default=0, help="calls that the server carries; 0 searches for it")
    parser.add_argument("--share", type=float, default=SHARE, help="of the capacity that is played (%(default)s)")
    parser.add_argument("--storm-every", type=float, default=STORM_EVERY, help="seconds (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes of the server (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", choices=("sqlite", "memory"), default="sqlite", help="where rtig keeps the calls")
    parser.add_argument("--quick", action="store_true", help="70 calls for half a minute, in slices of five seconds")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    seconds, slice_seconds, storm_every = asked.minutes * 60, 60.0, asked.storm_every
    capacity = asked.capacity
    if asked.quick:
        seconds, slice_seconds, storm_every = 30.0, 5.0, 11.0
        capacity = capacity or 100
    if not capacity:
        capacity = search(Steps(10.0, asked.seed, asked.log, asked.workers).holds, 200, 1.2, 12)
    calls = max(1, round(capacity * asked.share))
    shape = shaped(calls, seconds, asked.seed)
    storms = tuple(takewhile(lambda at: at < shape.seconds - 5, _every(storm_every, shape.ramp + storm_every / 2)))
    print(f"== {calls} calls for {seconds / 60:g} minutes, {len(storms)} storms", file=sys.stderr, flush=True)
    with serving("rtig", asked.log, asked.workers) as server:
        plan = Plan(
            url=server.url,
            shape=shape,
            slice_seconds=slice_seconds,
            slow=SLOW,
            storms_at=storms,
            storm_share=STORM_SHARE,
        )
        outcome = play(server, plan)
    report = reported(calls, capacity, plan, outcome) | {"log": asked.log, "workers": asked.workers}
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 0 if report["passed"] else 1


def _every(seconds: float, begin: float) -> Any:
    at = begin
    while True:
        yield at
        at += seconds


def reported(calls: int, capacity: int, plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """The figures, by their names in the output, and the verdict."""
    minutes = [
        {
            "minute": number * plan.slice_seconds / 60,
            **percentiles(merged([one.took])),
            "rss_mb": round(one.server_rss_kib / 1024, 1),
            "rate": round(one.sent / one.seconds, 1),
            "server_cores": round(one.server_cpu / one.seconds, 3),
            "generator_cores": round(one.own_cpu / one.seconds, 3),
            "others_cores": round(max(0.0, one.machine_cpu - one.server_cpu - one.own_cpu) / one.seconds, 3),
            "storms": sum(
                plan.shape.ramp + (number - 1) * plan.slice_seconds
                <= at
                < plan.shape.ramp + number * plan.slice_seconds
                for at in plan.storms_at
            ),
        }
        for number, one in enumerate(outcome.slices, 1)
    ]
    whole, late = histogram(), histogram()
    for one in outcome.slices:
        whole.decode_and_add(one.took)
        late.decode_and_add(one.late)
    p99s, rss = [one["p99_us"] for one in minutes], [one["rss_mb"] for one in minutes]
    later, growth = ratio_of_thirds(p99s, 0, 2), ratio_of_thirds(rss, 1, 2)
    unexpected = {code: count for code, count in outcome.refused.items() if code not in EXPECTED}
    verdict = {
        "nothing_lost": outcome.lost == 0,
        "nothing_twice": outcome.twice == 0 and outcome.started_over == 0,
        "nothing_refused": not unexpected,
        "p99_flat": later <= LATER and statistics.median(p99s) < HOLDS_MS * 1000,
        "memory_flat": growth <= GROWTH or plan.shape.seconds < FLAT_SECONDS,
    }
    settled = minutes[len(minutes) // 3 :]
    return {
        "calls": calls,
        "capacity": capacity,
        "rate": round(sum(one.sent for one in outcome.slices) / sum(one.seconds for one in outcome.slices), 1),
        **percentiles(whole),
        "lost": outcome.lost,
        "twice": outcome.twice,
        "started_over": outcome.started_over,
        "refused": outcome.refused,
        "sent": outcome.sent,
        "finals": outcome.finals,
        "calls_played": outcome.calls,
        "cards": outcome.cards,
        "superseded": outcome.superseded,
        "storms": len(plan.storms_at),
        "cut": outcome.stormed,
        "sent_again": outcome.sent_again,
        "dropped": outcome.dropped,
        "slow_cut_off": outcome.slowed,
        "p99_last_over_first": later,
        "rss_last_over_middle": growth,
        "rss_mb_per_min": slope([one["minute"] for one in settled], [one["rss_mb"] for one in settled]),
        "generator_late_p99_us": late.get_value_at_percentile(99),
        "generator_in_time": late.get_value_at_percentile(99) < LATE_MS * 1000,
        "minutes": minutes,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "verdict": verdict,
        "passed": all(verdict.values()),
    }


def ratio_of_thirds(values: Sequence[float], first: int, second: int) -> float:
    """The median of one third over that of another; 1 where there are too few to say."""
    size = len(values) // 3
    if not size:
        return 1.0
    thirds = [values[:size], values[size:-size], values[-size:]]
    return round(statistics.median(thirds[second]) / max(1e-9, statistics.median(thirds[first])), 3)


def _print(report: dict[str, Any]) -> None:
    say = sys.stderr
    print(
        f"{'minute':>8}{'p50 ms':>9}{'p99 ms':>9}{'p99.9':>9}{'RSS MB':>9}{'cores':>7}{'others':>8}  storms", file=say
    )
    for one in report["minutes"]:
        times = "".join(f"{one[name] / 1000:>9.1f}" for name in ("p50_us", "p99_us", "p999_us"))
        print(
            f"{one['minute']:>8.2f}{times}{one['rss_mb']:>9}{one['server_cores']:>7.2f}{one['others_cores']:>8.2f}  "
            f"{'*' * one['storms']}",
            file=say,
        )
    failed = [name for name, held in report["verdict"].items() if not held]
    print(
        f"{report['calls']} calls at a time, {report['calls_played']} in all, {report['sent']} messages, "
        f"{report['finals']} finals; {report['cut']} connections cut in {report['storms']} storms, "
        f"{report['sent_again']} messages sent again; lost {report['lost']}, twice {report['twice']}\n"
        f"p99 of the last third over the first's: {report['p99_last_over_first']}; memory of the last third over the "
        f"middle's: {report['rss_last_over_middle']}; refused or closed: {report['refused']}\n"
        + ("passed" if report["passed"] else f"failed: {', '.join(failed)}"),
        file=say,
    )
