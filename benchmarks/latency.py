"""How long from a fragment to its guidance, at a given load?

Open loop: frames are sent when a recogniser would send them, whatever the server does, and timed from the moment at
which they were due. Calls have a real recogniser's rhythm; one sidebar watches each, and a board all of them. In turns
with rtig, in the same run, two floors: the same bytes at the same moments to an echo through the same server stack, and
to an echo of the plain asyncio API of `websockets`. What the sender and two shared cores add is in all three; the ratio
is what rtig adds.

`fragment` is from when it was due to the arrival of the guidance frame that has it, `card` the same for frames that
hold a card. The stages are the server's own clock.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.load import LATE_MS, STAGES, Answers, Outcome, Plan, merged, percentiles, play
from benchmarks.servers import Running, What, counted, started
from benchmarks.traffic import FINALS_A_MINUTE, Shape
from rtig.wire.messages import SUBPROTOCOL, Hello, ServerMessage, Welcome, encode

__all__ = ["CALLS_A_SOURCE", "SETTLE_SECONDS", "Figures", "greeted", "measured", "percentiles", "run"]

CALLS_A_SOURCE = 25
SETTLE_SECONDS = 1.0
"""How long answers may take after the last frame before they count as lost, in suites with few calls."""
HOLDS_MS = 50.0
"""A load that the server carries has its p99 below this."""
GIVE_UP_SECONDS = 3.0
STARTS_OF_RAMP = 60.0
"""Calls that begin each second until all are there."""
WRITTEN = {"p50_us": "50", "p99_us": "99", "p999_us": "99.9"}

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


class Figures:
    """What one side has shown over all rounds; histograms in µs, of the measured time alone."""

    def __init__(self) -> None:
        self.fragment = merged(())
        self.made = merged(())
        self.late = merged(())
        self.card = merged(())
        self.stages = {stage: merged(()) for stage in STAGES}
        self.p50s: list[int] = []
        self.p99s: list[int] = []
        self.sent = self.finals = self.lost = self.twice = self.superseded = self.cards = self.refused_calls = 0
        self.gave_up = False
        self.seconds = self.server_cpu = self.own_cpu = self.machine_cpu = 0.0
        self.written: list[dict[str, int]] = []
        """From received to written, of the cards of each round, by the server's own count."""

    def add(self, round_: Outcome) -> None:
        fragment = merged(one.took for one in round_.slices)
        self.p50s.append(fragment.get_value_at_percentile(50))
        self.p99s.append(fragment.get_value_at_percentile(99))
        self.fragment.add(fragment)
        for one in round_.slices:
            self.made.decode_and_add(one.made)
            self.late.decode_and_add(one.late)
            self.sent += one.sent
            self.finals += one.finals
            self.seconds += one.seconds
            self.server_cpu += one.server_cpu
            self.own_cpu += one.own_cpu
            self.machine_cpu += one.machine_cpu
        self.card.decode_and_add(round_.card)
        for stage, encoded in round_.stages.items():
            self.stages[stage].decode_and_add(encoded)
        self.lost += round_.lost
        self.twice += round_.twice
        self.superseded += round_.superseded
        self.cards += round_.cards
        self.refused_calls += round_.refused_calls
        self.gave_up |= round_.gave_up

    @property
    def p99_ms(self) -> float:
        return float(self.fragment.get_value_at_percentile(99)) / 1000

    @property
    def holds(self) -> bool:
        """Whether the server carries this load."""
        return not (self.gave_up or self.lost or self.refused_calls) and 0 < self.p99_ms < HOLDS_MS

    @property
    def cpu_us(self) -> float:
        """Of the server, for each message that came to it."""
        return round(self.server_cpu / max(1, self.sent) * 1e6, 1)

    def shares(self) -> dict[str, float]:
        """Of the machine's cores: the server's, the generator's, and what everything else took meanwhile."""
        whole = max(1e-9, self.seconds * (os.cpu_count() or 1))
        others = max(0.0, self.machine_cpu - self.server_cpu - self.own_cpu)
        return {
            "server_share": round(self.server_cpu / whole, 3),
            "generator_share": round(self.own_cpu / whole, 3),
            "others_share": round(others / whole, 3),
        }


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks latency", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=300, help="simultaneous calls (%(default)s)")
    parser.add_argument("--rate-finals", type=float, default=0, help="as many calls as speak so many finals a second")
    parser.add_argument("--starts", type=float, default=0, help="calls that begin each second (as the scripts last)")
    parser.add_argument("--burst", type=int, default=0, help="calls more that begin within one second, in the middle")
    parser.add_argument("--slow", type=int, default=0, help="watchers that do not read (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured time of each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="the floors and rtig in turns, so often (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", choices=("sqlite", "memory"), default="sqlite", help="where rtig keeps the calls")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    calls = round(asked.rate_finals * 60 / FINALS_A_MINUTE) if asked.rate_finals else asked.calls
    seconds, rounds = (6.0, 1) if asked.quick else (asked.seconds, asked.rounds)

    sides: dict[What, Figures] = {"echo": Figures(), "plain": Figures(), "rtig": Figures()}
    for number in range(rounds):
        shape = shaped(calls, seconds, asked.seed + number, starts=asked.starts, burst=asked.burst)
        for what, figures in sides.items():
            _say(f"round {number + 1} of {rounds}: {calls} calls, {what}")
            measured(what, shape, figures, log=asked.log, slow=asked.slow)
    report = reported(calls, asked.log, **sides)
    if not report["holds"]:
        report["most_calls_that_hold"] = _most(calls, asked)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 1 if report["lost"] else 0


def shaped(calls: int, seconds: float, seed: int, *, starts: float = 0.0, burst: int = 0) -> Shape:
    """A steady load of so many calls, measured for so long once all are there."""
    ramp = max(4.0, calls / STARTS_OF_RAMP)
    bursts_at = (ramp + seconds / 2,) if burst else ()
    return Shape(
        lines=calls,
        seconds=ramp + seconds,
        ramp=ramp,
        seed=seed,
        prefix=f"r{seed % 1000:03d}",
        starts=starts,
        burst=burst,
        bursts_at=bursts_at,
    )


def measured(
    what: What, shape: Shape, figures: Figures, *, log: str = "sqlite", slow: int = 0, workers: int = 1
) -> Outcome:
    """Play a load into a fresh server."""
    answers: Answers = "guidance" if what == "rtig" else "echo"
    with serving(what, log, workers) as server:
        plan = Plan(url=server.url, shape=shape, answers=answers, slow=slow, give_up_seconds=GIVE_UP_SECONDS)
        outcome = play(server, plan)
        if what == "rtig":
            figures.written.append(_written(server))
    figures.add(outcome)
    return outcome


@contextlib.contextmanager
def serving(what: What, log: str = "sqlite", workers: int = 1) -> Iterator[Running]:
    """A server with a log of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        started(what, "memory" if log == "memory" else f"{folder}/calls.db", workers=workers) as server,
    ):
        yield server


def _written(server: Running) -> dict[str, int]:
    page = server.metrics()
    name = 'rtig_card_latency_seconds{{percentile="{}",stage="total"}}'
    return {ours: round(counted(page, name.format(theirs)) * 1e6) for ours, theirs in WRITTEN.items()}


def _most(calls: int, asked: argparse.Namespace) -> int:
    """The most calls of halves of this load that hold, with their share of its starts; 0 where ten of them do not."""
    least, whole = 10, calls
    while calls > least:
        calls //= 2
        _say(f"that is over capacity; {calls} calls")
        starts = asked.starts * calls / whole
        tried = Figures()
        measured("rtig", shaped(calls, min(10.0, asked.seconds), asked.seed, starts=starts), tried, log=asked.log)
        if tried.holds:
            return calls
    return 0


async def greeted(url: str, hello: Hello, **more: Any) -> ClientConnection:
    """A connection that the server has welcomed; `more` is for `connect`."""
    connection = await connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, max_queue=None, **more)
    await connection.send(encode(hello).decode())
    assert isinstance(_decoder.decode(await connection.recv()), Welcome)
    return connection


def reported(calls: int, log: str, *, rtig: Figures, echo: Figures, plain: Figures) -> dict[str, Any]:
    """The figures, by their names in the output."""
    answered, echoed = percentiles(rtig.fragment), percentiles(echo.fragment)
    ratios = [round(ours / max(1, floor), 2) for ours, floor in zip(rtig.p99s, echo.p99s, strict=True)]
    late = percentiles(rtig.late)
    return {
        "calls": calls,
        "rate": round(rtig.sent / max(1e-9, rtig.seconds), 1),
        "finals_per_s": round(rtig.finals / max(1e-9, rtig.seconds), 1),
        **answered,
        **{f"floor_{name}": value for name, value in echoed.items()},
        **{f"plain_{name}": value for name, value in percentiles(plain.fragment).items()},
        "ratio_p50": round(answered["p50_us"] / max(1, echoed["p50_us"]), 2),
        "ratio_p99": statistics.median(ratios),
        "ratio_p99_spread": [min(ratios), max(ratios)],
        "holds": rtig.holds,
        "lost": rtig.lost + echo.lost + plain.lost,
        "twice": rtig.twice,
        "superseded": rtig.superseded,
        "refused_calls": rtig.refused_calls,
        "cards": rtig.cards,
        "card": percentiles(rtig.card),
        "received_to_made": percentiles(rtig.made),
        "received_to_written": {name: max((one[name] for one in rtig.written), default=0) for name in WRITTEN},
        "stages": {stage.removesuffix("_us"): percentiles(h) for stage, h in rtig.stages.items()},
        "cpu_us_per_message": rtig.cpu_us,
        "floor_cpu_us_per_message": echo.cpu_us,
        "plain_cpu_us_per_message": plain.cpu_us,
        **rtig.shares(),
        "generator_late": late,
        "generator_in_time": late["p99_us"] < LATE_MS * 1000,
        "log": log,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _print(report: dict[str, Any]) -> None:
    say = sys.stderr
    print(
        f"{report['calls']} calls, {report['rate']} messages/s of which {report['finals_per_s']} finals, "
        f"log: {report['log']}; all in µs",
        file=say,
    )
    rows = [
        (name, {key.removeprefix(prefix): value for key, value in report.items() if key.startswith(f"{prefix}p")})
        for name, prefix in (("echo floor", "floor_"), ("plain websockets", "plain_"))
    ]
    rows += [("fragment to guidance", report), ("fragment to card", report["card"])]
    rows += [("  server: received to made", report["received_to_made"])]
    rows += [("  card: received to written", report["received_to_written"])]
    rows += [(f"  card: {stage}", figures) for stage, figures in report["stages"].items()]
    rows += [("generator's own lateness", report["generator_late"])]
    print(f"{'':28}{'p50':>10}{'p95':>10}{'p99':>10}{'p99.9':>10}", file=say)
    for name, figures in rows:
        cells = (figures.get(p, "") for p in ("p50_us", "p95_us", "p99_us", "p999_us"))
        print(f"{name:28}" + "".join(f"{cell:>10}" for cell in cells), file=say)
    low, high = report["ratio_p99_spread"]
    print(
        f"p99 is {report['ratio_p99']} times the floor's (rounds: {low} to {high}); CPU a message "
        f"{report['cpu_us_per_message']} µs, the floor's {report['floor_cpu_us_per_message']}, plain "
        f"{report['plain_cpu_us_per_message']}; {report['cards']} cards; lost: {report['lost']}\n"
        f"Of the machine the server had {report['server_share']:.0%}, the generator {report['generator_share']:.0%}, "
        f"everything else {report['others_share']:.0%}.",
        file=say,
    )
    if not report["generator_in_time"]:
        print("The generator was late itself: these figures are of a machine without room for it.", file=say)
    if not report["holds"]:
        print(f"That load is over the capacity of this machine; {report['most_calls_that_hold']} calls hold.", file=say)


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
