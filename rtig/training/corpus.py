"""What the encoder is trained on: sentences with what is known of each, from data whose licences allow to ship weights.

| data | what for | licence |
| --- | --- | --- |
| GoEmotions (Demszky et al. 2020), train | emotions, and the mood that follows from them | Apache-2.0 |
| `models/service_talk.en.tsv` | the mood of service talk | Apache-2.0, written for rtig |
| CLINC150 (Larson et al. 2019), train | intents | CC BY 3.0 |
| HWU64 (Liu et al. 2019), train | intents | CC BY 4.0 |
| STAR (Mosig et al. 2020), train | how people talk to agents, without labels | MIT |
| MultiDoGO (Peskov et al. 2019), train | the same | CDLA-Permissive-1.0 |
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from rtig import shipped
from rtig.errors import WorldError
from rtig.evaluation.emotion import Labelled, read_labelled
from rtig.lane.encoder import EMOTIONS, MOODS, PLEASED, UPSET

Mood = Literal["upset", "fine", "pleased"]
NEITHER = frozenset(("approval", "confusion", "curiosity", "neutral", "realization"))
"""Of the other emotions none says whether an agent should do something about the mood."""


PLAIN_EVERY = 10
"""Of the sentences without labels every tenth is enough to hold meanings where they are."""
HELD_OUT_EVERY = 12
"""Of the sentences with emotions so many are kept from training: from them thresholds are found."""


class Sentence(NamedTuple):
    """`emotions` and `intent` are places in their tables; None where nobody has said."""

    text: str
    emotions: tuple[int, ...] | None = None
    mood: int | None = None
    intent: int | None = None


class Corpus(NamedTuple):
    """Each part is drawn from by itself: there is a share of each in an epoch."""

    emotions: tuple[Sentence, ...]
    held_out: tuple[Sentence, ...]
    """Of the emotions; never trained on."""
    service: tuple[Sentence, ...]
    intents: tuple[Sentence, ...]
    plain: tuple[Sentence, ...]
    intent_names: tuple[str, ...]


def read_corpus(data: Path) -> Corpus:
    """Everything in a folder of data sets. Raises `WorldError` where one is missing."""
    intents = [
        *((f"clinc150/{row['intent']}", row["text"]) for row in _rows(data / "clinc150" / "train.jsonl")),
        *((f"hwu64/{row['intent']}", row["text"]) for row in _rows(data / "hwu64" / "train.jsonl")),
    ]
    intents = [(name, text) for name, text in intents if not name.endswith("/oos")]
    names = sorted({name for name, _ in intents})
    places = {name: place for place, name in enumerate(names)}
    star = (
        turn["text"]
        for row in _rows(data / "star" / "train.jsonl")
        for turn in row["turns"]
        if turn["speaker"] == "customer" and turn["text"]
    )
    multidogo = (row["text"] for row in _rows(data / "multidogo" / "train.jsonl"))
    emotional = [_emotional(one) for one in read_labelled(_there(data / "goemotions" / "train.jsonl"))]
    held_out = emotional[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    del emotional[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    return Corpus(
        emotions=tuple(emotional),
        held_out=tuple(held_out),
        service=tuple(read_service_talk()),
        intents=tuple(Sentence(text, intent=places[name]) for name, text in intents),
        plain=tuple(Sentence(text) for text in sorted({*star, *multidogo})[::PLAIN_EVERY]),
        intent_names=tuple(names),
    )


def read_service_talk() -> Iterator[Sentence]:
    with shipped.model("service_talk.en.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield Sentence(row["text"], mood=MOODS.index(row["mood"]))


def mood_of(labels: Iterable[str]) -> Mood | None:
    """What emotions say of a mood; None where they say several things, or nothing of it."""
    found = set(labels)
    for mood, group in (("upset", frozenset(UPSET)), ("pleased", frozenset(PLEASED)), ("fine", NEITHER)):
        if found & group and found <= group | NEITHER:
            return mood  # type: ignore[return-value]
    return None


def _emotional(one: Labelled) -> Sentence:
    mood = mood_of(one.labels)
    return Sentence(
        one.text,
        emotions=tuple(sorted(EMOTIONS.index(label) for label in one.labels)),
        mood=None if mood is None else MOODS.index(mood),
    )


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with _there(file).open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.MsgspecError as error:
                raise WorldError(f"{file}:{number}: {error}.") from None


def _there(file: Path) -> Path:
    if not file.is_file():
        raise WorldError(f"{file} is not there: `--data` names a folder with the data sets of `rtig.training.corpus`.")
    return file
