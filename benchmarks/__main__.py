"""`python -m benchmarks SUITE …`: run one of the suites below."""

import sys

from benchmarks import (
    board,
    capacity,
    chaos,
    first_paint,
    glass,
    lane,
    latency,
    matcher,
    reload,
    search,
    slow_reader,
    soak,
    step,
)

SUITES = {
    "step": step.run,
    "latency": latency.run,
    "capacity": capacity.run,
    "soak": soak.run,
    "slow_reader": slow_reader.run,
    "matcher": matcher.run,
    "reload": reload.run,
    "search": search.run,
    "lane": lane.run,
    "chaos": chaos.run,
    "board": board.run,
    "glass": glass.run,
    "first_paint": first_paint.run,
}


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in SUITES:
        print("usage: python -m benchmarks SUITE [--help]\n", file=sys.stderr)
        for name in SUITES:
            summary = (sys.modules[f"benchmarks.{name}"].__doc__ or "").splitlines()[0]
            print(f"  {name:12} {summary}", file=sys.stderr)
        return 2
    return SUITES[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
