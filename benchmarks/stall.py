"""For how long is the loop held up while calls go on, and by what?

A server with hundreds of calls, a sidebar for each and a board; in the midst of it a file of its knowledge base is
changed. A beat each millisecond in the server's loop says how late it was, and what was going on then is named.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.latency import Figures, percentiles, shaped
from benchmarks.load import Plan, play
from benchmarks.phrases_data import dialogues, phrases
from benchmarks.reload import write_triggers
from benchmarks.servers import ROOT, Running

SHOWN = 12


def run(arguments: list[str]) -> int:
    """The sub-suite's command line; 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks stall", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=300, help="simultaneous calls (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="under load (%(default)s)")
    parser.add_argument("--triggers", type=int, default=2_000, help="beside those that come with rtig (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = _measured(Path(folder), asked)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 1 if report["lost"] else 0


def _measured(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    base = folder / "knowledge_base"
    shutil.copytree(ROOT / "knowledge_base", base)
    spoken = [" ".join(phrase) for phrase in phrases(dialogues(None, asked.seed), asked.triggers, asked.seed)]
    for at in range(0, len(spoken), 100):
        write_triggers(base, at, spoken[at : at + 100])
    shape = shaped(asked.calls, asked.seconds, asked.seed)
    figures = Figures()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.stall_server", str(folder / "calls.db"), str(base)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        changing = threading.Timer(
            shape.ramp + asked.seconds / 2,
            lambda: write_triggers(base, 0, [f"{spoken[0]} again {time.time_ns()}", *spoken[1:100]]),
        )
        try:
            server = Running(process.stdout.readline().strip(), process)
            changing.start()
            figures.add(play(server, Plan(url=server.url, shape=shape)))
        finally:
            changing.cancel()
            process.terminate()
        noted = json.loads(process.stdout.read().strip().splitlines()[-1])
    return {
        "calls": asked.calls,
        "seconds": asked.seconds,
        "rate": round(figures.sent / figures.seconds, 1),
        "cpu_share": round(figures.server_cpu / figures.seconds, 3),
        "lost": figures.lost,
        "longest_stall_ms": round(noted["lag_us"]["max"] / 1000, 1),
        "longest_turn_cpu_ms": round(noted["turn_cpu_us"]["max"] / 1000, 1),
        "p999_ms": round(noted["lag_us"]["p999"] / 1000, 2),
        "p99_ms": round(noted["lag_us"]["p99"] / 1000, 2),
        "fragment": percentiles(figures.fragment),
        **noted,
    }


def _print(report: dict[str, Any]) -> None:
    load = f"{report['calls']} calls for {report['seconds']:.0f} s, {report['rate']} messages/s"
    print(f"{load}, {report['cpu_share']} of a core; lost: {report['lost']}", file=sys.stderr)
    longest, cpu = report["longest_stall_ms"], report["longest_turn_cpu_ms"]
    print(f"longest stall {longest} ms, p99.9 {report['p999_ms']} ms; longest turn {cpu} ms of CPU", file=sys.stderr)
    for stall in report["stalls"][:SHOWN]:
        causes = ", ".join(f"{what} {ms} ms" for what, ms in stall["causes"].items())
        print(f"  {stall['ms']:7.1f} ms ({stall['cpu_ms']} of CPU): {causes or 'not known'}", file=sys.stderr)
    print("longest of each, ms of CPU:", file=sys.stderr)
    for what, ms in list(report["longest_cpu_ms"].items())[:SHOWN]:
        print(f"  {ms:7.1f} {what} ({report['counted'][what]} times)", file=sys.stderr)
