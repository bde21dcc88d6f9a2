"""What does it cost to have calls read by a model, and what happens when there are more than it can read?

Customers' utterances at a recogniser's rhythm go through the model lane as it is served: its process, pipe, batches,
memory, meanings and moods. Beside it, in the same run, the same texts through plain `transformers` and `torch` in
float32, one at a time, as most would write it: the encoder and the same heads, without a process and without meanings.
Both in CPU time. Then open loop, whatever the lane does: 70 % of its capacity, and 300 %.

At 300 % it must shed what is too old, and calls must not notice: beside it calls are folded by `LiveCalls` in the same
event loop, as in a server, and timed from when each event was due, with the lane at rest and with it swamped.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import uvloop
from hdrh.histogram import HdrHistogram
from msgspec.structs import replace

from benchmarks.call_stream import Said, Stream, at_rate, call_stream, data_folder
from benchmarks.latency import percentiles
from benchmarks.servers import ROOT, cpu_seconds
from benchmarks.traffic import voice_calls
from rtig import knowledge, shipped
from rtig.app import tune_process
from rtig.core.events import UtteranceRead, decode
from rtig.core.playbook import Playbook
from rtig.core.text import normal
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey
from rtig.lane.talk import BATCH, Learn
from rtig.lane.worker import Lane
from rtig.learning import lesson
from rtig.live import LiveCalls
from rtig.wire.messages import LaneState

SHARE, FLOOD = 0.7, 3.0
UNDER_WAY = 4 * BATCH
"""Utterances that wait while the capacity is measured."""
LOST_SECONDS = 5.0
"""How long after the last utterance an answer may take."""
QUICK_SENTENCES = 4


def run(arguments: list[str]) -> int:
    """The suite's command line; 1 where an utterance was neither read nor shed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks lane", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="each with a process of its own (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load (%(default)s)")
    parser.add_argument("--capacity", type=int, default=3000, help="utterances to measure capacity by (%(default)s)")
    parser.add_argument("--peer", type=int, default=300, help="of these for the peer, which takes long (%(default)s)")
    parser.add_argument("--calls", type=int, default=50, help="folded beside the lane (%(default)s)")
    parser.add_argument("--data", default="", help="folder of data sets, or `none`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one short round, little learned; figures mean less")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    if asked.quick:
        asked.rounds, asked.capacity, asked.calls = 1, 200, 5
        asked.seconds, asked.peer = min(2.0, asked.seconds), min(30, asked.peer)
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        asked.peer = 0
        _say(f"without the peer: {', '.join(missing)} is not installed; it comes with rtig's `train` extra")
    playbook = knowledge.compile_folder(ROOT / "knowledge_base")
    tune_process()
    rounds = []
    for number in range(asked.rounds):
        _say(f"round {number + 1} of {asked.rounds}")
        rounds.append(uvloop.run(_round(playbook, asked, asked.seed + number)))
    report = _report(rounds)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 1 if report["lost"] else 0


class Round:
    """What one round has shown; histograms in µs."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.capacity = 0.0
        """Utterances a second of wall time, with enough of them waiting."""
        self.per_cpu_second: dict[str, float] = {}
        """At capacity, at `SHARE` of it, and the peer's."""
        self.remembered = 0.0
        """Share of the utterances at capacity whose words had been read before."""
        self.words = 0.0
        self.to_score = HdrHistogram(1, 60_000_000, 3)
        self.lost = 0
        self.shed = 0.0
        self.most_waiting = 0
        self.to_score_flooded = HdrHistogram(1, 60_000_000, 3)
        self.fast = {state: HdrHistogram(1, 60_000_000, 3) for state in ("at rest", "at 70 %", "at 300 %")}


class Desk:
    """A lane that runs, and what it is asked for: as in a server, but for the calls themselves."""

    def __init__(self) -> None:
        self.lane = Lane(self._answer, self._became)
        self.due: dict[tuple[CallKey, str], float] = {}
        self.histogram = HdrHistogram(1, 60_000_000, 3)
        self.answered = 0
        self.closing = False
        self._changed = asyncio.Event()
        self._on = asyncio.Event()

    def ask(self, said: Said, due: float) -> None:
        self.due[said.call, said.utterance.key] = due
        self.lane.ask(said.call, "", [said.utterance])

    async def on(self) -> None:
        await self._on.wait()

    async def answers(self) -> None:
        """Until something has been read."""
        self._changed.clear()
        await self._changed.wait()

    def _answer(self, call: CallKey, reading: UtteranceRead) -> None:
        due = self.due.pop((call, reading.utterance), None)
        if due is not None:
            self.histogram.record_value(max(1, int((time.perf_counter() - due) * 1e6)))
        self.answered += 1
        self._changed.set()

    def _became(self, state: LaneState) -> None:
        if state == "on":
            self._on.set()
        elif self._on.is_set() and not self.closing:
            raise RuntimeError(f"the lane is {state}: {self.lane.problem}")


@contextlib.asynccontextmanager
async def _learned(task: Learn) -> AsyncIterator[Desk]:
    desk = Desk()
    running = asyncio.create_task(desk.lane.run())
    desk.lane.learn(task)
    waiting = asyncio.create_task(desk.on())
    try:
        await asyncio.wait((waiting, running), return_when=asyncio.FIRST_COMPLETED)
        if desk.lane.state != "on":
            raise SystemExit(f"The lane is {desk.lane.state}. {desk.lane.problem}")
        yield desk
    finally:
        desk.closing = True
        for each in (waiting, running):
            each.cancel()
        await asyncio.wait((waiting, running))


async def _round(playbook: Playbook, asked: argparse.Namespace, seed: int) -> Round:
    stream = call_stream(playbook, data_folder(asked.data), 60 if asked.quick else 10_000, seed)
    made = Round(stream.source)
    task = lesson(playbook)
    if asked.quick:
        task = replace(
            task, meanings=task.meanings[:5], negatives=tuple(kind[:QUICK_SENTENCES] for kind in task.negatives)
        )
    first = list(itertools.islice(_endless(stream), asked.capacity))
    async with _learned(task) as desk:
        await _at_capacity(desk, first, made)
        live = await _Live.of(playbook, asked.calls, asked.seconds, seed)
        play = await live.prepared("rest")
        tune_process()
        made.fast["at rest"] = await play()
        rest = itertools.islice(_endless(stream), asked.capacity, None)
        load = list(itertools.islice(rest, int(asked.seconds * made.capacity * SHARE)))
        await _at_share(desk, load, made, live)
        flood = list(itertools.islice(rest, int(asked.seconds * made.capacity * FLOOD)))
        await _flooded(desk, flood, made, live)
    if asked.peer:
        made.per_cpu_second["peer"] = _peer([normal(said.utterance.text) for said in first[: asked.peer]])
    return made


def _endless(stream: Stream) -> Iterable[Said]:
    """All of a stream, and again with a word more: nothing is read twice because the data was too little."""
    for turn in itertools.count():
        for said in stream.said:
            one = said.utterance
            more = one._replace(key=f"{one.key}{turn}", text=f"{one.text} {turn}" if turn else one.text)
            yield said._replace(utterance=more, at=said.at + turn * (stream.said[-1].at + 1))


async def _at_capacity(desk: Desk, said: Sequence[Said], made: Round) -> None:
    """As fast as it can, with so many waiting."""
    assert desk.lane.pid is not None
    texts = [normal(one.utterance.text) for one in said]
    made.remembered = 1 - len(set(texts)) / len(texts)
    made.words = statistics.mean(len(text.split()) for text in texts)
    cpu, begun, done = cpu_seconds(desk.lane.pid), time.perf_counter(), desk.answered
    for number, one in enumerate(said):
        while number - (desk.answered - done) >= UNDER_WAY:
            await desk.answers()
        desk.ask(one, time.perf_counter())
    while desk.answered - done < len(said):
        await desk.answers()
    made.capacity = len(said) / (time.perf_counter() - begun)
    made.per_cpu_second["capacity"] = len(said) / max(1e-9, cpu_seconds(desk.lane.pid) - cpu)


async def _at_share(desk: Desk, said: Sequence[Said], made: Round, live: "_Live") -> None:
    assert desk.lane.pid is not None
    desk.histogram = made.to_score
    cpu, shed = cpu_seconds(desk.lane.pid), desk.lane.counts.shed
    load, play = at_rate(said, made.capacity * SHARE), await live.prepared("share")
    tune_process()  # what was prepared must not be walked while it is measured
    playing = asyncio.create_task(play())
    await _asked(desk, load)
    made.fast["at 70 %"] = await playing
    await _settled(desk)
    made.per_cpu_second["share"] = len(said) / max(1e-9, cpu_seconds(desk.lane.pid) - cpu)
    made.lost += len(desk.due) - (desk.lane.counts.shed - shed)
    desk.due.clear()


async def _flooded(desk: Desk, said: Sequence[Said], made: Round, live: "_Live") -> None:
    desk.histogram = made.to_score_flooded
    answered, shed = desk.answered, desk.lane.counts.shed
    load, play = at_rate(said, made.capacity * FLOOD), await live.prepared("flood")
    tune_process()  # what was prepared must not be walked while it is measured
    playing = asyncio.create_task(play())
    watching = asyncio.create_task(_watched(desk, made))
    await _asked(desk, load)
    made.fast["at 300 %"] = await playing
    await _settled(desk)
    watching.cancel()
    read, gone = desk.answered - answered, desk.lane.counts.shed - shed
    made.shed = gone / len(said)
    made.lost += len(said) - read - gone


async def _watched(desk: Desk, made: Round) -> None:
    while True:
        made.most_waiting = max(made.most_waiting, desk.lane.waiting)
        await asyncio.sleep(0.05)


async def _asked(desk: Desk, said: Sequence[Said]) -> None:
    """Each when it is due, whatever the lane does."""
    begun = time.perf_counter()
    for one in said:
        # Also what is late lets the others have their turn, as a server's sockets do.
        await asyncio.sleep(max(0.0, begun + one.at - time.perf_counter()))
        desk.ask(one, begun + one.at)


async def _settled(desk: Desk) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOST_SECONDS + 1):
            while desk.lane.waiting:  # noqa: ASYNC110 (what is shed is not told)
                await asyncio.sleep(0.01)


class _Live(NamedTuple):
    """Calls that are folded in this process, and the traffic that they are made of."""

    live: LiveCalls
    calls: int
    seconds: float
    seed: int

    @classmethod
    async def of(cls, playbook: Playbook, calls: int, seconds: float, seed: int) -> "_Live":
        return cls(LiveCalls(MemoryLog(), playbook), calls, seconds, seed)

    async def prepared(self, name: str) -> Callable[[], Coroutine[Any, Any, Any]]:
        """What plays the calls of this name; it returns how long each event took from when it was due, in µs."""
        traffic = voice_calls(ROOT / "knowledge_base", self.calls, self.seconds, self.seconds / 4, self.seed, name)
        events = [decode(one.frame.encode()) for one in traffic.sent]
        keys = [CallKey("fast", call_id) for call_id in traffic.call_ids]
        for key in keys:
            await self.live.open(key)

        async def play() -> Any:
            histogram = HdrHistogram(1, 60_000_000, 3)
            begun = time.perf_counter()
            for one, event in zip(traffic.sent, events, strict=True):
                await asyncio.sleep(max(0.0, begun + one.at - time.perf_counter()))
                self.live.accept(keys[one.call], event)
                histogram.record_value(max(1, int((time.perf_counter() - begun - one.at) * 1e6)))
            return histogram

        return play


def _peer(texts: Sequence[str]) -> float:
    """Utterances per CPU-second of plain `transformers` and `torch`, one at a time; the first pass is not counted."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from tokenizers import BertWordPieceTokenizer

    from rtig.lane.encoder import LONGEST_PIECES
    from rtig.lane.on_torch import bert
    from rtig.lane.weights import read_weights

    torch.set_num_threads(1)
    weights = read_weights(shipped.model("encoder.en.safetensors"))
    model = bert(weights)
    names = ("mood", "emotions")
    heads = torch.from_numpy(np.vstack([weights[f"{name}.weight"] for name in names]).T)
    bias = torch.from_numpy(np.concatenate([weights[f"{name}.bias"] for name in names]))
    tokenizer = BertWordPieceTokenizer(str(shipped.model("wordpieces.en.txt")), lowercase=True)
    tokenizer.enable_truncation(LONGEST_PIECES)

    def read(text: str) -> None:
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.inference_mode():
            hidden = model(input_ids=ids).last_hidden_state
            mean = hidden.mean(1)
            torch.nn.functional.normalize(mean, dim=1).numpy()
            (torch.cat([hidden[:, 0], mean], 1) @ heads + bias).numpy()

    read(texts[0])
    begun = time.process_time()
    for text in texts:
        read(text)
    return len(texts) / (time.process_time() - begun)


def _report(rounds: Sequence[Round]) -> dict[str, Any]:
    def merged(histograms: Iterable[Any]) -> Any:
        whole = HdrHistogram(1, 60_000_000, 3)
        for one in histograms:
            whole.add(one)
        return whole

    report: dict[str, Any] = {
        "source": rounds[0].source,
        "rounds": len(rounds),
        "words_an_utterance": round(statistics.mean(one.words for one in rounds), 1),
        "capacity_per_s": _spread([one.capacity for one in rounds], 0),
        "remembered_share": _spread([one.remembered for one in rounds], 3),
        "per_cpu_s": _spread([one.per_cpu_second["capacity"] for one in rounds], 1),
        "per_cpu_s_at_70": _spread([one.per_cpu_second["share"] for one in rounds], 1),
        "to_score_at_70": percentiles(merged(one.to_score for one in rounds)),
        "shed_at_300": _spread([one.shed for one in rounds], 3),
        "to_score_at_300": percentiles(merged(one.to_score_flooded for one in rounds)),
        "most_waiting": max(one.most_waiting for one in rounds),
        "fast_lane": {state: percentiles(merged(one.fast[state] for one in rounds)) for state in rounds[0].fast},
        "fast_lane_p99_ratio": _spread(
            [_p99(one.fast["at 300 %"]) / max(1, _p99(one.fast["at rest"])) for one in rounds], 2
        ),
        "lost": sum(one.lost for one in rounds),
    }
    if all("peer" in one.per_cpu_second for one in rounds):
        report["peer_per_cpu_s"] = _spread([one.per_cpu_second["peer"] for one in rounds], 1)
        for name, of in (("ratio", "capacity"), ("ratio_at_70", "share")):
            report[name] = _spread([one.per_cpu_second[of] / one.per_cpu_second["peer"] for one in rounds], 2)
    return report


def _p99(histogram: Any) -> int:
    value: int = histogram.get_value_at_percentile(99)
    return value


def _spread(figures: Sequence[float], digits: int) -> list[float]:
    """Least, median and greatest."""
    return [round(one, digits) for one in (min(figures), statistics.median(figures), max(figures))]


def _print(report: dict[str, Any]) -> None:
    _say(f"{report['source']}; {report['words_an_utterance']} words an utterance; [least, median, greatest] of rounds")
    for name, what in (
        ("capacity_per_s", "utterances a second that the lane can read"),
        ("remembered_share", "share of them that it had read before"),
        ("per_cpu_s", "utterances a CPU-second, at capacity"),
        ("per_cpu_s_at_70", "the same at 70 %"),
        ("peer_per_cpu_s", "plain transformers and torch"),
        ("ratio", "the lane is so many times the peer, at capacity"),
        ("ratio_at_70", "at 70 %"),
        ("shed_at_300", "share that is shed at 300 %"),
        ("fast_lane_p99_ratio", "fast lane's p99 at 300 %, over that with the lane at rest"),
    ):
        if name in report:
            print(f"{what:60} {report[name]}", file=sys.stderr)
    print(f"\n{'all in µs':36}{'p50':>10}{'p95':>10}{'p99':>10}{'p99.9':>10}", file=sys.stderr)
    rows = [
        ("final to score, at 70 %", report["to_score_at_70"]),
        ("final to score, at 300 %", report["to_score_at_300"]),
    ]
    rows += [(f"fast lane, the model lane {state}", row) for state, row in report["fast_lane"].items()]
    for name, row in rows:
        print(
            f"{name:36}" + "".join(f"{row[p]:>10}" for p in ("p50_us", "p95_us", "p99_us", "p999_us")), file=sys.stderr
        )
    print(f"waiting at most: {report['most_waiting']}; lost: {report['lost']}", file=sys.stderr)


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
