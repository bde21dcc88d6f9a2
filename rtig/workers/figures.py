"""The figures of several workers as those of one server.

Whatever `Metrics` holds is taken by what it is: what is counted is added up, distributions are merged, and of what says
how things are (`WORST`) the worst counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from rtig.gateway.latency import Latencies
from rtig.gateway.metrics import Metrics
from rtig.wire.messages import LaneState

WORST = frozenset({"largest_outbox", "playbook_errors", "busy", "full"})
_LANES: tuple[LaneState, ...] = ("on", "off", "starting", "down")
"""From the best to the worst."""
_Counts = tuple[tuple[tuple[str, ...] | str, int], ...]
_Buckets = dict[int, int]


class Figures(Struct, frozen=True, array_like=True):
    """Of one worker; values by their names in `Metrics`."""

    numbers: dict[str, float | int]
    """Also those that are asked for."""
    counts: dict[str, _Counts]
    tables: dict[str, dict[str, int]]
    """Counts that are asked for."""
    lane: LaneState
    histograms: dict[str, bytes]
    times: dict[str, tuple[_Buckets, _Buckets]]
    """Of each stage those of the last minute, and those since the start."""
    problems: tuple[str, ...]


def figures(metrics: Metrics, problems: Iterable[str]) -> Figures:
    numbers: dict[str, float | int] = {}
    counts: dict[str, _Counts] = {}
    tables: dict[str, dict[str, int]] = {}
    for name, kept in vars(metrics).items():
        value: Any = kept() if callable(kept) else kept
        if isinstance(value, Counter):
            counts[name] = tuple(value.items())
        elif isinstance(value, int | float):
            numbers[name] = int(value) if isinstance(value, bool) else value
        elif isinstance(value, Mapping) and callable(kept):
            tables[name] = dict(value)
    return Figures(
        numbers=numbers,
        counts=counts,
        tables=tables,
        lane=metrics.lane_state(),
        histograms=metrics.histograms(),
        times=metrics.latencies.buckets(),
        problems=tuple(problems),
    )


def merged(all_of_them: Iterable[Figures]) -> tuple[Metrics, list[str]]:
    """The figures of the whole server, and each problem once."""
    them = list(all_of_them)
    whole = Metrics()
    numbers: dict[str, float | int] = {}
    tables: dict[str, Counter[str]] = {}
    for one in them:
        for name, value in one.numbers.items():
            before = numbers.get(name, 0)
            numbers[name] = max(before, value) if name in WORST else before + value
        for name, counted in one.counts.items():
            getattr(whole, name).update(dict(counted))
        for name, table in one.tables.items():
            tables.setdefault(name, Counter()).update(table)
        whole.add_histograms(one.histograms)
    whole.latencies = Latencies.merged(one.times for one in them)
    numbers["since"] = min((one.numbers["since"] for one in them), default=whole.since)
    everything: dict[str, Any] = numbers | tables
    for name, value in everything.items():
        setattr(whole, name, _always(value) if callable(getattr(whole, name)) else value)
    lane = max((one.lane for one in them), key=_LANES.index, default="off")
    whole.lane_state = _always(lane)
    return whole, list(dict.fromkeys(problem for one in them for problem in one.problems))


def _always(value: Any) -> Any:
    return lambda: value
