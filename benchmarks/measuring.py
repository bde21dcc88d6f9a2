"""What one engine takes over some fragments, in thread CPU time, and what it finds in them."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from benchmarks.engines import ENGINES, RapidFuzz, Rtig
from benchmarks.phrases_data import Fragment, Phrase
from benchmarks.scores import Score
from rtig.core import sounds, text
from rtig.core.events import SegmentHeard
from rtig.core.matcher import Matcher
from rtig.core.transcript import Transcript, hear
from rtig.script import WORD_MS

_T = TypeVar("_T")
PLAIN_SHARE = 10
"""The plain scan hears one fragment in so many, and ten at least: its times hardly differ."""
PASSES = 3
"""Each fragment counts with the fastest of so many, after a first pass that fills what an engine remembers."""
SLOW_SECONDS = 3.0
"""An engine whose first pass takes longer remembers nothing that would show: that pass counts."""


class Round(NamedTuple):
    fragments: int
    score: Score
    figures: dict[str, float]
    """By their names in the output."""


def measured(name: str, phrases: Sequence[Phrase], fragments: Sequence[Fragment], options: dict[str, Any]) -> Round:
    """Make an engine and let it hear every fragment, first cold, then warm."""
    ENGINES[name](phrases[:1], **options)  # its packages are loaded
    for module in (text, sounds):  # what was remembered for the engine before
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()
    gc.collect()
    begun = time.perf_counter()
    engine = ENGINES[name](phrases, **options)
    figures = {"build_s": time.perf_counter() - begun}
    gc.collect()
    gc.freeze()  # as the server does
    try:
        cold, answers = timed(engine.hear, fragments)
        warm = cold if sum(cold) > SLOW_SECONDS * 1e9 else _fastest(engine.hear, fragments)
        figures |= {"us_p50": percentile(warm, 50), "us_p99": percentile(warm, 99)}
        if isinstance(engine, RapidFuzz):
            few = fragments[: max(10, len(fragments) // PLAIN_SHARE)]
            figures["us_p50_plain"] = percentile(timed(engine.hear_plainly, few)[0], 50)
        if isinstance(engine, Rtig):
            figures |= {"us_cold_p50": percentile(cold, 50), **_heard(engine.matcher, fragments)}
    finally:
        gc.unfreeze()
    score = Score()
    for fragment, answer in zip(fragments, answers, strict=True):
        score.add(fragment, engine.found(answer, fragment), phrases)
    return Round(len(fragments), score, figures)


def timed(function: Callable[[_T], Any], over: Sequence[_T]) -> tuple[list[int], list[Any]]:
    """Nanoseconds of the thread's CPU for each call, without the clock's own, and what each returned."""
    clock = time.thread_time_ns
    own = statistics.median_low([-(clock() - clock()) for _ in range(1001)])
    took: list[int] = []
    answers: list[Any] = []
    for one in over:
        begun = clock()
        answer = function(one)
        took.append(clock() - begun - own)
        answers.append(answer)
    return took, answers


def _fastest(function: Callable[[_T], Any], over: Sequence[_T]) -> list[int]:
    return [min(each) for each in zip(*(timed(function, over)[0] for _ in range(PASSES)), strict=True)]


def percentile(nanoseconds: Sequence[int], share: float) -> float:
    """In µs."""
    return sorted(nanoseconds)[min(len(nanoseconds) - 1, int(len(nanoseconds) * share / 100))] / 1000


def _heard(matcher: Matcher, fragments: Sequence[Fragment]) -> dict[str, float]:
    """What it costs a transcript to hear a fragment: settled at once, open for the first time, and revised.

    The recogniser promises all words of an open one, so that every word is walked at once. The revision has another
    last word.
    """
    nothing = Transcript()
    settled = [_segment(one.text, 1, final=True) for one in fragments]
    fresh = [_segment(one.text, 1) for one in fragments]
    revised = []
    for one, other in zip(fragments, [*fragments[1:], fragments[0]], strict=True):
        before = hear(nothing, _segment(one.text, 1), matcher).transcript
        front, last = one.text.rpartition(" ")[0], other.text.rpartition(" ")[2]
        revised.append((before, _segment(f"{front} {last}", 2)))
    figures = {
        "us_hear_p50": _fastest(lambda event: hear(nothing, event, matcher), settled),
        "us_fresh_p50": _fastest(lambda event: hear(nothing, event, matcher), fresh),
        "us_revision_p50": _fastest(lambda pair: hear(*pair, matcher), revised),
    }
    return {name: percentile(took, 50) for name, took in figures.items()}


def _segment(said: str, rev: int, *, final: bool = False) -> SegmentHeard:
    return SegmentHeard(
        call_id="c",
        segment_id="s",
        rev=rev,
        party="customer",
        text=said,
        stable=0 if final else len(said),
        final=final,
        start_ms=0,
        end_ms=WORD_MS * len(said.split()),
    )
