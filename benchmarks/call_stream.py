"""What a model lane is asked for while calls go on: real dialogues at a real recogniser's rhythm, from a seed."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.phrases_data import DATA, ROOT
from rtig import knowledge
from rtig.core import engine
from rtig.core.events import Party, SegmentHeard
from rtig.core.playbook import Playbook
from rtig.core.utterances import Utterance
from rtig.eventlog.port import CallKey
from rtig.script import Line, Script, perform

SPOKEN = ("star/dev.jsonl", "harper_valley/calls.jsonl")
"""Of the data folder: STAR (Mosig, Mehri, Kober 2020) and the Harper Valley Bank corpus (Wu et al. 2020)."""
TENANT = "benchmark"


class Said(NamedTuple):
    """An utterance of a customer that has just become final, `at` seconds after the stream's begin."""

    at: float
    call: CallKey
    utterance: Utterance


class Stream(NamedTuple):
    source: str
    said: list[Said]


def call_stream(playbook: Playbook, data: Path | None, calls: int, seed: int) -> Stream:
    """Every customer's utterance of so many calls, each call once, as they come while calls begin and end all the time.

    The sample calls of the knowledge base where there is no data.
    """
    rng = random.Random(seed)
    scripts = real_scripts(data)
    source = "STAR, Harper Valley" if scripts else "the sample calls"
    scripts = scripts or [s for s in knowledge.read(ROOT / "knowledge_base").calls.values() if s.channel == "voice"]
    rng.shuffle(scripts)
    heard = [list(_utterances(playbook, script, number)) for number, script in enumerate(scripts[:calls])]
    longest = max((said[-1].at for said in heard if said), default=0.0)
    found: list[Said] = []
    for said in heard:
        begins = rng.uniform(0.0, longest)
        # At any time as many calls are near their end as have just begun.
        found += [one._replace(at=(begins + one.at) % longest) for one in said]
    return Stream(source, sorted(found, key=lambda one: one.at))


def at_rate(said: Sequence[Said], rate: float) -> list[Said]:
    """The same in the time that gives so many utterances a second, as with more or fewer calls at once."""
    if not said:
        return []
    begun = said[0].at
    scale = len(said) / rate / max(1e-9, said[-1].at - begun)
    return [one._replace(at=(one.at - begun) * scale) for one in said]


def data_folder(asked: str) -> Path | None:
    """The folder that was asked for; the one beside the checkout where there is one; None for `none`."""
    folder = Path(asked) if asked else DATA
    return None if asked == "none" or not folder.is_dir() else folder


def _utterances(playbook: Playbook, script: Script, number: int) -> Iterator[Said]:
    """As `LiveCalls` asks for them: what the fold has unread after each final segment."""
    key = CallKey(TENANT, f"{script.id}-{number}")
    call = engine.begin(key.call_id)
    asked: set[str] = set()
    for seq, (at_ms, event) in enumerate(perform(script, key.call_id), 1):
        if isinstance(event, SegmentHeard) and not event.final:
            continue  # nothing is asked for before its words are final
        call, _ = engine.step(playbook, call, seq, event)
        for one in call.utterances.get("customer", ()):
            if one.key not in asked:
                asked.add(one.key)
                yield Said(at_ms / 1000, key, one)


def real_scripts(folder: Path | None) -> list[Script]:
    """The dialogues of the data folder; none without one."""
    return [] if folder is None else list(_real(folder))


def _real(folder: Path) -> Iterator[Script]:
    for name in SPOKEN:
        file = folder / name
        if file.is_file():
            for number, row in enumerate(file.read_text("utf-8").splitlines()):
                lines = tuple(_lines(json.loads(row)["turns"]))
                if lines:
                    yield Script(id=f"{file.parent.name}-{number}", seed=number, lines=lines)


def _lines(turns: list[dict[str, str]]) -> Iterator[Line]:
    for turn in turns:
        text = " ".join(word for word in (turn.get("text") or "").split() if not word.startswith("["))
        if turn["speaker"] in ("customer", "agent") and text:
            party: Party = "customer" if turn["speaker"] == "customer" else "agent"
            yield Line(party, text)
