"""`python -m benchmarks SUITE …`: run one of the suites below, and with `--out DIR` write a report of it."""

import argparse
import contextlib
import io
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    board,
    capacity,
    chaos,
    check,
    fanout,
    first_paint,
    glass,
    growth,
    lane,
    latency,
    matcher,
    memory,
    reload,
    report,
    search,
    slow_reader,
    soak,
    stall,
    step,
    wire,
    workers,
)

SUITES = {
    "step": step.run,
    "wire": wire.run,
    "fanout": fanout.run,
    "latency": latency.run,
    "capacity": capacity.run,
    "soak": soak.run,
    "slow_reader": slow_reader.run,
    "matcher": matcher.run,
    "reload": reload.run,
    "search": search.run,
    "stall": stall.run,
    "lane": lane.run,
    "chaos": chaos.run,
    "board": board.run,
    "glass": glass.run,
    "first_paint": first_paint.run,
    "workers": workers.run,
    "growth": growth.run,
    "memory": memory.run,
    "check": check.run,
}


WITHOUT_QUICK = {
    "reload": ("--triggers", "1000", "--calls", "20"),
    "search": ("--articles", "1000", "--queries", "100"),
    "slow_reader": ("--rounds", "1", "--sidebars", "20", "--seconds", "8"),
    "chaos": ("--calls", "50", "--seconds", "25"),
    "first_paint": (),
    "check": (),
}
"""What makes a short run of the suites that take no `--quick`."""


def main() -> int:
    arguments, folder = _without_out(sys.argv[1:])
    if not arguments or arguments[0] not in (*SUITES, "all"):
        print("usage: python -m benchmarks SUITE [--help] [--json] [--out DIR]\n", file=sys.stderr)
        for name in SUITES:
            print(f"  {name:12} {report.question(name)}", file=sys.stderr)
        print(f"  {'all':12} Every suite, one after another; --quick: a short run of each.", file=sys.stderr)
        print("\n--out DIR writes an HTML report there, and what it was made from.", file=sys.stderr)
        return 2
    name, *rest = arguments
    if name == "all":
        return _all(rest, folder)
    return SUITES[name](rest) if folder is None else _reported(name, rest, folder)


def _all(arguments: Sequence[str], folder: Path | None) -> int:
    """Each suite in a process of its own; 1 where one of them did not pass."""
    if set(arguments) - {"--quick"}:
        print("usage: python -m benchmarks all [--quick] [--out DIR]", file=sys.stderr)
        return 2
    codes = {}
    for name in SUITES:
        print(f"=== {name}", file=sys.stderr, flush=True)
        short = WITHOUT_QUICK.get(name, ("--quick",)) if arguments else ()
        out = ("--out", str(folder)) if folder is not None else ()
        codes[name] = subprocess.run([sys.executable, "-m", "benchmarks", name, *short, *out], check=False).returncode
    for name, code in codes.items():
        print(f"{name:12} {'passed' if code == 0 else f'failed, exit code {code}'}", file=sys.stderr)
    return 1 if any(codes.values()) else 0


def _reported(name: str, arguments: Sequence[str], folder: Path) -> int:
    """Run a suite with `--json`, and make its report of what it prints: every line that is a JSON object."""
    machine, begun, printed, code = report.machine(), datetime.now(UTC), io.StringIO(), 2
    asked = [*arguments, *(() if "--json" in arguments else ("--json",))]
    try:
        with contextlib.redirect_stdout(printed):
            code = SUITES[name](asked)
    finally:  # a run that broke off has its place among the others
        if "--json" in arguments:
            print(printed.getvalue(), end="")
        run = report.Run(
            suite=name,
            command=shlex.join(["python", "-m", "benchmarks", name, *asked]),
            began=f"{begun:%Y-%m-%d %H:%M}",
            seconds=(datetime.now(UTC) - begun).total_seconds(),
            exit_code=code,
            machine=machine,
            results=report.objects(printed.getvalue()),
        )
        print(f"wrote {report.write(folder, run)}", file=sys.stderr)
    return code


def _without_out(arguments: Sequence[str]) -> tuple[list[str], Path | None]:
    """The arguments without `--out DIR`, and the folder."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--out", type=Path)
    found, rest = parser.parse_known_args(arguments)
    return rest, found.out


if __name__ == "__main__":
    sys.exit(main())
