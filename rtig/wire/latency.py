"""What an operator is told of a server at `/api/latency`: how long each stage takes, what is lost, and who is there.

Figures are of the whole server, all its tenants together, and never name a call.
"""

from typing import Annotated

from msgspec import Meta, Struct

from rtig.wire.messages import LaneState

BARS_PER_DECADE = 8
FIRST_BAR_US = 10
BARS = 48
"""Bar 0 holds everything up to 10 µs; bar n what lies between 10 µs * 10^((n-1)/8) and 10 µs * 10^(n/8), the last one
all that is more."""


class Spread(Struct, frozen=True, kw_only=True):
    """Times in microseconds, each percentile at most 3 % too high; all 0 where nothing was timed."""

    count: int
    p50_us: int
    p95_us: int
    p99_us: int
    p999_us: int
    max_us: int
    bars: Annotated[tuple[int, ...], Meta(min_length=BARS, max_length=BARS)]
    """How many were as long as each bar of a logarithmic axis says."""


class StageTimes(Struct, frozen=True, kw_only=True):
    """One stage. All but `reading` and `lag` are of the events that brought somebody a card."""

    stage: str
    """`decode`, `append`, `fold`, `encode`, `write`, `total`; `reading`, a model's, from being asked to its answer;
    `lag`, by how much the server came late to what was due, fifty times a second."""
    minute: Spread
    """Of the last minute."""
    start: Spread
    """Since the server started."""


class Latency(Struct, frozen=True, kw_only=True):
    """The figures of one server now. What is counted is counted since the server started."""

    server: str
    """Version of rtig."""
    up_seconds: float
    problems: tuple[str, ...]
    """Why no client should be sent here now; see `/readyz`."""
    stages: tuple[StageTimes, ...]
    live_calls: int
    busy: float
    """Share of the last second or so that the server was at work; beyond 0.85 it refuses new calls."""
    admitted: int
    """Calls that were taken."""
    connections: dict[str, int]
    """By role."""
    late: int
    """Cards that were not shown because they came too late."""
    shed: int
    """Utterances that waited too long for the model and were not read."""
    too_slow: int
    """Connections closed because the client did not keep up."""
    refused: dict[str, int]
    """Messages not taken, by code."""
    lane: LaneState
    lane_restarts: int
