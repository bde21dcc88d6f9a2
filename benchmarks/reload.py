"""For how long does changing a big playbook hold up the calls that go on?

A knowledge base of many triggers is changed while calls are being fed, as the server does it: made in a process of its
own, swapped in every call, the one before let go of. A heartbeat in the loop notes how late it comes. The floor is the
same load without a change. One JSON object, or a few lines.
"""

import argparse
import asyncio
import gc
import io
import json
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.phrases_data import dialogues, phrases
from rtig.app import tune_process
from rtig.core.events import CallStarted, SegmentHeard
from rtig.core.playbook import Playbook
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey
from rtig.knowledge.base import compile_folder
from rtig.knowledge.making import take, tell
from rtig.knowledge.watch import changes, let_go_slowly, signature
from rtig.live import LiveCalls
from rtig.script import WORD_MS

BEAT_SECONDS = 0.001
FLOOR_SECONDS, AFTER_SECONDS = 3.0, 2.0
_FRAGMENT_WORDS = 12
_CHANGES = 2
_TRIGGER = "  - id: t{number}\n    title: Trigger {number}\n    say: Let me look at that.\n    said: [{phrase}]\n"


def run(arguments: list[str]) -> int:
    """The suite's command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks reload", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--triggers", type=int, default=10_000, help="(%(default)s)")
    parser.add_argument("--per-file", type=int, default=100, help="triggers in one file (%(default)s)")
    parser.add_argument("--calls", type=int, default=50, help="that go on (%(default)s)")
    parser.add_argument("--rate", type=float, default=20.0, help="fragments a second, of all calls (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(_measured(Path(folder), asked))
    if asked.json:
        print(json.dumps(result))
    else:
        for figure, value in result.items():
            print(f"{figure:28} {value}")
    return 0


class Beat:
    """How late the loop comes to what is due, in milliseconds, by what was going on."""

    def __init__(self) -> None:
        self.during = "floor"
        self.late = {what: [0.0] for what in ("floor", "compiling", "swapping", "letting go")}

    async def run(self) -> None:
        due = time.perf_counter()
        while True:
            due += BEAT_SECONDS
            await asyncio.sleep(due - time.perf_counter())
            now = time.perf_counter()
            self.late[self.during].append((now - due) * 1000)
            due = max(due, now - BEAT_SECONDS)


async def _measured(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    texts = dialogues(None, asked.seed)
    spoken = [" ".join(phrase) for phrase in phrases(texts, asked.triggers, asked.seed)]
    (folder / "kb.yaml").write_text("name: Reload\nlanguage: en\n")
    (folder / "triggers").mkdir()
    for at in range(0, len(spoken), asked.per_file):
        write_triggers(folder, at, spoken[at : at + asked.per_file])
    seen = signature(folder)
    begun = time.perf_counter()
    playbook = compile_folder(folder)
    alone = time.perf_counter() - begun
    pipe = io.BytesIO()
    tell(pipe, playbook)
    pipe.seek(0)
    with _holds() as holds:
        take(io.BufferedReader(pipe))
    result: dict[str, Any] = {
        "triggers": asked.triggers,
        "per_file": asked.per_file,
        "calls": asked.calls,
        "fragments_per_second": asked.rate,
        "alone_s": round(alone, 2),
        "longest_hold_ms": round(max(holds) * 1000, 1),
    }
    let_go_slowly(playbook)
    tune_process()
    live = LiveCalls(MemoryLog(), playbook)
    del playbook
    said = [" ".join(islice(words, _FRAGMENT_WORDS)) for words in map(cycle, texts.held_out) for _ in range(2)]
    keys = [CallKey("t", f"c{number}") for number in range(asked.calls)]
    for key in keys:
        await live.open(key)
        live.accept(key, CallStarted(call_id=key.call_id, agent="a"))
    beat = Beat()
    tasks = [asyncio.create_task(beat.run()), asyncio.create_task(_feed(live, keys, said, 1 / asked.rate))]
    await asyncio.sleep(FLOOR_SECONDS)
    took = []
    following = changes(folder, 0.01, seen)
    for number in range(_CHANGES):
        beat.during = "compiling"
        write_triggers(folder, 0, [f"{spoken[0]} {'again ' * (number + 1)}", *spoken[1 : asked.per_file]])
        begun = time.perf_counter()
        found = await anext(following)
        took.append(time.perf_counter() - begun)
        assert isinstance(found, Playbook)
        beat.during = "swapping"
        await live.change_playbook(found)
        del found
        beat.during = "letting go"
        await asyncio.sleep(AFTER_SECONDS)
    await following.aclose()  # type: ignore[attr-defined]
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    live.close()
    for what, late in beat.late.items():
        result[f"{what.replace(' ', '_')}_ms_max"] = round(max(late), 1)
        result[f"{what.replace(' ', '_')}_ms_p99"] = round(_percentile(late, 99), 1)
    changing = [ms for what, late in beat.late.items() if what != "floor" for ms in late]
    result |= {"longest_stall_ms": round(max(changing), 1), "compiled_s": round(statistics.median(took), 2)}
    result["frozen"] = gc.get_freeze_count()
    return result


@contextmanager
def _holds() -> Iterator[list[float]]:
    """For how long, in seconds of this thread's CPU, other threads could not have gone on.

    It lets them go on where it lets signals in, so one that comes each millisecond tells. Other processes do not show.
    """
    holds = [0.0]
    asked = time.thread_time()

    def let_in(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        holds.append(time.thread_time() - asked)
        asked = time.thread_time()

    before = signal.signal(signal.SIGPROF, let_in)
    gc.disable()  # as the server does it
    signal.setitimer(signal.ITIMER_PROF, BEAT_SECONDS, BEAT_SECONDS)
    try:
        yield holds
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        gc.enable()


def write_triggers(folder: Path, at: int, said: list[str]) -> None:
    triggers = (_TRIGGER.format(number=at + number, phrase=phrase) for number, phrase in enumerate(said))
    (folder / "triggers" / f"{at:06}.yaml").write_text("triggers:\n" + "".join(triggers))


async def _feed(live: LiveCalls, keys: list[CallKey], said: list[str], every: float) -> None:
    """Final fragments of all calls in turns, by the clock: what is late is made up for."""
    due = time.perf_counter()
    for number, (key, text) in enumerate(zip(cycle(keys), cycle(said), strict=False)):
        due += every
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        at_ms = number // len(keys) * 4_000
        live.accept(key, _fragment(key, number, text, at_ms))


def _fragment(key: CallKey, number: int, text: str, at_ms: int) -> SegmentHeard:
    return SegmentHeard(
        call_id=key.call_id,
        segment_id=f"s{number}",
        rev=1,
        party="customer",
        text=text,
        final=True,
        start_ms=at_ms,
        end_ms=at_ms + WORD_MS * _FRAGMENT_WORDS,
    )


def _percentile(figures: list[float], share: float) -> float:
    return sorted(figures)[min(len(figures) - 1, int(len(figures) * share / 100))]
