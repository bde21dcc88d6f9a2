"""Does the fold, the matcher or the wire take more work than it did?

Counts instructions under `valgrind`, which a busy machine does not change, and holds them against those in
`baseline.json`; more than a tenth on top fails. Counts belong to one build of Python and its packages. On another
build each is held against a piece of work that never changes, counted in the same run: another interpreter is slower or
quicker for both, though not by quite as much (two builds of 3.11: up to 15 % apart), so a quarter on top fails there.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from benchmarks.phrases_data import ROOT

BASELINE = Path(__file__).with_name("baseline.json")
ALLOWED = 0.10
ALLOWED_ELSEWHERE = 0.25
REFERENCE = "reference"
LIBRARIES = ("immutables", "msgspec", "orjson", "phonenumberslite", "rapidfuzz", "regex", "vaderSentiment")
"""Those whose code is counted."""
NO_VALGRIND = "bench-check is skipped: {}. Nothing was counted and nothing is known."


class Build(Struct, frozen=True):
    """What decides how many instructions the same work takes."""

    python: str
    """Version, compiler and date of the interpreter."""
    libc: str
    machine: str
    valgrind: str
    libraries: dict[str, str]


class Baseline(Struct, frozen=True):
    load: str
    """A digest of what was folded, walked and sent."""
    build: Build
    counts: dict[str, int]
    """Instructions for each piece of work."""


class Row(NamedTuple):
    name: str
    before: float
    now: float
    allowed: float
    """How much more may be, as a share."""

    @property
    def more(self) -> float:
        return self.now / self.before - 1

    @property
    def fails(self) -> bool:
        return self.now > self.before * (1 + self.allowed)


def run(arguments: list[str]) -> int:
    """The command line; 1 where something takes more work, or the baseline does not fit what is counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks check", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write a new baseline")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    why_not = _why_not()
    if why_not:
        print(NO_VALGRIND.format(why_not), file=sys.stderr)
        return 0
    found = counted()
    if asked.update:
        BASELINE.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
        print(f"wrote {BASELINE.name}")
        return 0
    baseline = msgspec.json.decode(BASELINE.read_bytes(), type=Baseline)
    problems, rows = compared(baseline, found)
    _print(rows, problems, baseline.build == found.build)
    if asked.json:
        print(json.dumps(_report(baseline, found, rows, problems)))
    return 1 if problems else 0


def compared(baseline: Baseline, found: Baseline) -> tuple[list[str], list[Row]]:
    """What is wrong, in sentences, and every figure beside the one before."""
    if baseline.load != found.load or baseline.counts.keys() != found.counts.keys():
        return ["What is counted is not what the baseline was counted of: make bench-check UPDATE=1."], []
    same = baseline.build == found.build
    before, now = (one.counts if same else _relative(one.counts) for one in (baseline, found))
    allowed = ALLOWED if same else ALLOWED_ELSEWHERE
    rows = [Row(name, before[name], now[name], allowed) for name in before if name != REFERENCE]
    return [f"{row.name}: {row.more:+.2%}, and {allowed:.0%} is allowed." for row in rows if row.fails], rows


def _relative(counts: Mapping[str, int]) -> dict[str, float]:
    return {name: count / counts[REFERENCE] for name, count in counts.items()}


def counted() -> Baseline:
    """Count everything in a process of its own, under valgrind."""
    with tempfile.TemporaryDirectory() as folder:
        run_it = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/counts"]
        done = subprocess.run(
            [*run_it, sys.executable, "-m", "benchmarks.counted"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdout=subprocess.PIPE,
            check=True,
        )
        told = json.loads(done.stdout)
        totals = dict(total(file.read_text("utf-8")) for file in Path(folder).iterdir())
    return Baseline(told["load"], _build(), {name: totals[name] // pieces for name, pieces in told["pieces"].items()})


def total(dump: str) -> tuple[str, int]:
    """What a dump of callgrind's was asked for, by name, and its instructions."""
    trigger = re.search(r"^desc: Trigger: (?:Client Request: )?(.*)$", dump, re.MULTILINE)
    instructions = re.search(r"^summary: (\d+)$", dump, re.MULTILINE)
    assert trigger is not None
    assert instructions is not None
    return trigger[1], int(instructions[1])


def _why_not() -> str:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"it counts on Linux on x86_64, and this is {platform.system()} on {platform.machine()}"
    if shutil.which("valgrind") is None:
        return "valgrind is not installed (on Debian: apt-get install valgrind)"
    return ""


def _build() -> Build:
    told = subprocess.run(["valgrind", "--version"], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S607
    return Build(
        python=f"{platform.python_implementation()} {sys.version}",
        libc=" ".join(platform.libc_ver()),
        machine=platform.machine(),
        valgrind=told.stdout.strip(),
        libraries={name: version(name) for name in LIBRARIES},
    )


def _report(baseline: Baseline, found: Baseline, rows: list[Row], problems: list[str]) -> dict[str, Any]:
    return {
        "passed": not problems,
        "same_build": baseline.build == found.build,
        "instructions": found.counts,
        "more": {row.name: round(row.more, 4) for row in rows},
        "problems": problems,
        "build": msgspec.to_builtins(found.build),
    }


def _print(rows: list[Row], problems: list[str], same: bool) -> None:
    what = "instructions a piece" if same else "times the reference, for this is another build than the baseline's"
    print(f"{what:44}{'before':>14}{'now':>14}{'more':>9}")
    for row in rows:
        before, now = (f"{one:,.0f}" if same else f"{one:,.3f}" for one in (row.before, row.now))
        print(f"{row.name:44}{before:>14}{now:>14}{row.more:>9.1%}{'  FAILS' if row.fails else ''}")
    for problem in problems:
        print(problem, file=sys.stderr)
