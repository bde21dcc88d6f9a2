"""Plays a load into a server from a process of its own, and says what came of it.

Open loop: every frame is sent when it is due, whatever the server does. `benchmarks.load_worker` is that process.
"""

import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from hdrh.histogram import HdrHistogram
from msgspec import Struct

from benchmarks.servers import ROOT, TOKEN, Running
from benchmarks.traffic import Shape

Answers = Literal["guidance", "echo"]
"""From rtig, to sidebars and a board; or each frame back to its source."""
LONGEST_US = 600_000_000
LATE_MS = 5.0
"""A generator that is later than this in one send of a hundred has measured itself."""
STAGES = ("decode_us", "append_us", "fold_us", "encode_us", "total_us")
PERCENTILES = (("p50_us", 50.0), ("p95_us", 95.0), ("p99_us", 99.0), ("p999_us", 99.9))


class Plan(Struct, frozen=True, kw_only=True):
    """What to play. Times are seconds from its begin."""

    url: str
    shape: Shape
    answers: Answers = "guidance"
    knowledge_base: str = str(ROOT / "knowledge_base")
    token: str = TOKEN
    pids: tuple[int, ...] = ()
    """The server's processes, whose CPU time and memory are read."""
    slice_seconds: float = 0.0
    """Figures are kept apart for each of these after the ramp; 0: all in one."""
    slow: int = 0
    """Clients that watch calls and do not read what they are told."""
    storms_at: tuple[float, ...] = ()
    storm_share: float = 0.3
    """Of the calls whose sidebar and source drop at once, and come back within a second."""
    give_up_seconds: float = 0.0
    """Stop where guidance is later than this: the server is beyond its capacity. 0 plays to the end."""


class Slice(Struct, kw_only=True):
    """A part of the measured time. Histograms are encoded, in µs."""

    seconds: float
    sent: int = 0
    finals: int = 0
    took: str = ""
    """From when a fragment was due to its guidance, or of the echo."""
    made: str = ""
    """Of the same, from its first byte at the server to the finished frame, by the server's clock."""
    late: str = ""
    """Of every frame, by how much it was sent too late."""
    server_cpu: float = 0.0
    own_cpu: float = 0.0
    machine_cpu: float = 0.0
    """Of everything that ran on the machine."""
    server_rss_kib: int = 0
    """At its end."""


class Outcome(Struct, kw_only=True):
    """What a play has shown; counts are of all of it, the ramp too."""

    slices: list[Slice]
    """Fewer than planned where it gave up."""
    gave_up: bool = False
    card: str
    stages: dict[str, str]
    sent: int = 0
    fragments: int = 0
    finals: int = 0
    calls: int = 0
    connections: int = 0
    cards: int = 0
    lost: int = 0
    """Events never acknowledged, and final fragments never told to their sidebar; of the echo, frames."""
    unacknowledged: int = 0
    untold: int = 0
    acknowledged_twice: int = 0
    told_twice: int = 0
    superseded: int = 0
    """Interim texts that were never told, for a newer one took their place. Their times count until that one's."""
    dropped: int = 0
    """Connections that the server closed."""
    stormed: int = 0
    """Connections that a storm has cut."""
    sent_again: int = 0
    started_over: int = 0
    slowed: int = 0
    """Times that a client which does not read was cut off."""
    refused: dict[str, int] = {}
    refused_calls: int = 0
    """Calls that the server did not take; what was said in them was not sent."""
    board_bytes: int = 0

    @property
    def twice(self) -> int:
        return self.acknowledged_twice + self.told_twice


def play(server: Running, plan: Plan) -> Outcome:
    """Play it, from begin to end. Raises `RuntimeError` where the generator has failed."""
    command = [sys.executable, "-m", "benchmarks.load_worker"]
    work = msgspec.structs.replace(plan, url=server.url, pids=tuple(server.pids()))
    done = subprocess.run(command, input=msgspec.json.encode(work), stdout=subprocess.PIPE, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError("the load generator has failed; the lines before this say why")
    return msgspec.json.decode(done.stdout, type=Outcome)


def histogram() -> Any:
    return HdrHistogram(1, LONGEST_US, 3)


def merged(encoded: Iterable[str]) -> Any:
    """One histogram of many encoded ones."""
    whole = histogram()
    for one in encoded:
        whole.decode_and_add(one)
    return whole


def percentiles(of: Any) -> dict[str, int]:
    return {name: of.get_value_at_percentile(share) for name, share in PERCENTILES}
