"""How well meanings surface the right article: labelled turns streamed through a playbook made of labelled examples.

A turn with a label that is not silent needs that label's article; a turn with silent labels alone must bring none. The
turns go through the fold and the model as a call's would, with nothing held back to spare an agent's attention.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from rtig.core.conditions import Means
from rtig.core.engine import Rehearsal, unread
from rtig.core.events import CallStarted, SegmentHeard, UtteranceRead
from rtig.core.guidance import Card
from rtig.core.playbook import MeaningSource, Playbook, Source
from rtig.core.policy import Attention
from rtig.core.triggers import Clause, Rule
from rtig.core.utterances import Utterance
from rtig.errors import WorldError
from rtig.evaluation import curves
from rtig.lane.talk import Learn

SILENT_FOR_ONE = 6
"""With few examples a label, so many silent ones for each of them: those are what any call has plenty of."""
FALSE_ALARMS = 1.75
"""Of 100 silent training turns, unseen, how many may bring an article. Where labels are clear it is far less."""
TURN_MS = 60_000

Read = Callable[[Sequence[Utterance]], Sequence[dict[str, float]]]
"""A model that has learned: of each utterance, how surely it has each meaning."""


class Turn(NamedTuple):
    """A labelled turn. `seen`: the very same text is among the training turns; None where nobody says."""

    text: str
    labels: frozenset[str]
    group: str
    call: str
    seen: bool | None


class Outcome(NamedTuple):
    """What came of a turn: the article that it needs, if any, the one it got, and the likeliest, with its score."""

    needs: frozenset[str]
    shown: str
    best: str
    score: float
    seen: bool | None


class Figures(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Precision: of the turns that got an article, how many got the right one. Recall: of those that needed one."""

    n: int
    precision: float | None
    recall: float | None
    f1: float | None
    false_per_100_silent: float | None
    """Articles on 100 turns that needed none."""
    auc_silent: float | None
    """How well the best score alone tells turns that need an article from those that do not."""
    accuracy: float | None
    """Of the turns that need an article: how often the likeliest is right, whatever its score."""


class Report(Figures, frozen=True, kw_only=True, omit_defaults=True):
    us_per_turn: float
    """Processor time, the model's included."""
    unseen: Figures | None = None
    groups: dict[str, Figures] = {}


def read_turns(path: Path, group: str = "") -> list[Turn]:
    """JSON Lines with `text`, `intent` or `intents`, and perhaps `conv`, `seen_in_train` and whatever `group` names.

    Turns with the same `conv` are one call, in the order in which they come. Raises `WorldError` that names the line.
    """
    turns = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=dict[str, Any])
            labels = row["intents"] if "intents" in row else [row["intent"]]
            turns.append(
                Turn(
                    msgspec.convert(row["text"], str),
                    frozenset(msgspec.convert(labels, list[str])),
                    str(row[group]) if group else "",
                    str(row.get("conv", number)),
                    row.get("seen_in_train"),
                )
            )
        except KeyError as missing:
            raise WorldError(f"{path}:{number}: {missing} is missing; a turn has `text` and `intent`.") from None
        except msgspec.MsgspecError as error:
            raise WorldError(f"{path}:{number}: {error}.") from None
    if not turns:
        raise WorldError(f"{path} has no turns.")
    return turns


def sentences(
    turns: Iterable[Turn], silent: frozenset[str], examples: int | None = None, seed: int = 0
) -> dict[str, list[str]]:
    """What was said of each label: all, or `examples` turns drawn by `seed`.

    Of a silent label they are `SILENT_FOR_ONE` times as many. Turns are drawn, not different sentences: what is said
    often counts for more, as it does in calls.
    """
    said: dict[str, list[str]] = {}
    for turn in turns:
        for label in sorted(turn.labels):
            said.setdefault(label, []).append(turn.text)
    if examples is not None:
        drawing = random.Random(seed)  # noqa: S311 (a sample, not a secret)
        for label, texts in sorted(said.items()):
            most = examples * SILENT_FOR_ONE if label in silent else examples
            said[label] = drawing.sample(texts, min(most, len(texts)))
    return said


def source_of(said: dict[str, list[str]], silent: frozenset[str]) -> Source:
    """A playbook with an article for each label that is not silent. Its title, the label's name, is learned too."""
    articles = sorted(said.keys() - silent)
    return Source(
        name="evaluation",
        attention=Attention(gap_ms=0),
        rules=tuple(
            Rule(
                id=label,
                kind="article",
                title=label,
                clauses=(Clause(Means(label, "any")),),
                cooldown_ms=0,
                exempt=True,
            )
            for label in articles
        ),
        meanings=tuple(
            MeaningSource(id=label, rule=label, examples=(*said[label], title(label)), party="any", competes=True)
            for label in articles
        ),
    )


def check_labels(turns: Iterable[Turn], silent: frozenset[str]) -> None:
    """Raises `WorldError` for a silent label that no turn has: it would be misspelt."""
    known = {label for turn in turns for label in turn.labels}
    for label in sorted(silent - known):
        raise WorldError(f"No training turn has the silent label `{label}`; there are {', '.join(sorted(known))}.")


def title(label: str) -> str:
    """A label as a person would write it: `card_arrival` and `cardArrival` are "card arrival"."""
    apart = "".join(
        f" {sign.lower()}" if sign.isupper() else sign for sign in label.replace("_", " ").replace("-", " ")
    )
    return " ".join(apart.split())


def outcomes(playbook: Playbook, turns: Sequence[Turn], silent: frozenset[str], read: Read) -> Iterator[Outcome]:
    """Stream the turns, call by call, and say what came of each."""
    calls: dict[str, list[Turn]] = {}
    for turn in turns:
        calls.setdefault(turn.call, []).append(turn)
    for name, said in calls.items():
        rehearsal = Rehearsal(playbook, name)
        list(rehearsal.hear(CallStarted(call_id=name, channel="chat")))
        for number, turn in enumerate(said):
            heard = SegmentHeard(
                call_id=name, segment_id=str(number), rev=1, party="customer", text=turn.text,
                final=True, turn_end=True, start_ms=number * TURN_MS, end_ms=number * TURN_MS,
            )  # fmt: skip
            items = [item for folded in rehearsal.hear(heard) for item in folded.guidance]
            waiting = unread(playbook, rehearsal.call)
            sure: dict[str, float] = {}
            for one, scores in zip(waiting, read(waiting) if waiting else (), strict=True):
                reading = UtteranceRead(
                    call_id=name, utterance=one.key, meanings=playbook.meanings_version, scores=dict(scores)
                )
                items += [item for folded in rehearsal.hear(reading) for item in folded.guidance]
            for one in rehearsal.call.utterances.get("customer", ()):
                if any(quote.segment_id == str(number) for quote in one.quotes):
                    for label, score in rehearsal.call.readings.get(one.key, {}).items():
                        sure[label] = max(sure.get(label, 0.0), score)
            cards = {item.id: item for item in items if isinstance(item, Card)}
            shown = max(
                (card for card in cards.values() if card.state == "confirmed"),
                key=lambda card: (card.why.score or 0, card.why.rule),
                default=None,
            )
            best = max(sure, key=lambda label: (sure[label], label), default="")
            yield Outcome(
                needs=turn.labels - silent,
                shown=shown.why.rule if shown is not None else "",
                best=best,
                score=sure.get(best, 0.0),
                seen=turn.seen,
            )


def figures(found: Sequence[Outcome]) -> Figures:
    needing = [one for one in found if one.needs]
    silent = [one for one in found if not one.needs]
    shown = [one for one in found if one.shown]
    right = sum(one.shown in one.needs for one in shown)
    precision, recall = _share(right, len(shown)), _share(right, len(needing))
    both = (precision or 0) + (recall or 0)
    false = _share(100 * sum(bool(one.shown) for one in silent), len(silent))
    return Figures(
        n=len(found),
        precision=precision,
        recall=recall,
        f1=round(2 * (precision or 0) * (recall or 0) / both, 4) if both else None,
        false_per_100_silent=false,
        auc_silent=_told_apart(found),
        accuracy=_share(sum(one.best in one.needs for one in needing), len(needing)),
    )


def curve(found: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Recall and precision at each score from the highest down, were the likeliest article shown from there on."""
    needing = sum(bool(one.needs) for one in found)
    points: list[tuple[float, float]] = []
    right = 0
    for shown, one in enumerate(sorted(found, key=lambda one: -one.score), 1):
        right += one.best in one.needs
        points.append((right / max(needing, 1), right / shown))
    return points


def in_use(found: Sequence[Outcome]) -> tuple[float, float] | None:
    """Recall and precision as they are; None where nothing was shown, or nothing needed."""
    now = figures(found)
    return None if now.recall is None or now.precision is None else (now.recall, now.precision)


def report(found: dict[str, list[Outcome]], seconds: float) -> Report:
    """All groups together, the turns whose text is new, and each group where there are several."""
    everything = [one for outcomes in found.values() for one in outcomes]
    new = [one for one in everything if one.seen is False]
    return Report(
        **msgspec.structs.asdict(figures(everything)),
        us_per_turn=round(1e6 * seconds / len(everything), 1),
        unseen=figures(new) if new else None,
        groups={name: figures(outcomes) for name, outcomes in found.items()} if len(found) > 1 else {},
    )


def surfacing(
    train: Sequence[Turn],
    test: Sequence[Turn],
    silent: frozenset[str],
    *,
    compiled: Callable[[Source], Playbook],
    learned: Callable[[Learn], Read],
    negatives: tuple[tuple[str, ...], ...],
    false_alarms: float = FALSE_ALARMS,
    examples: int | None = None,
    seed: int = 0,
) -> Iterator[tuple[str, list[Outcome], float]]:
    """Each group, what came of its test turns, and the seconds of processor time that they took.

    `negatives`, by kind, are those of a training set without silent turns. Raises `WorldError` for a test group
    without training.
    """
    for group in dict.fromkeys(turn.group for turn in test):
        taught = [turn for turn in train if turn.group == group]
        if not taught:
            raise WorldError(f"No training turn is of group `{group}`.")
        said = sentences(taught, silent, examples, seed)
        playbook = compiled(source_of(said, silent))
        kinds = tuple(tuple(said[label]) for label in sorted(silent & said.keys()))
        read = learned(
            Learn(
                version=playbook.meanings_version,
                meanings=playbook.source.meanings,
                negatives=kinds or negatives,
                false_alarms=false_alarms,
            )
        )
        began = time.process_time()
        found = list(outcomes(playbook, [turn for turn in test if turn.group == group], silent, read))
        yield group, found, time.process_time() - began


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _told_apart(found: Sequence[Outcome]) -> float | None:
    """How often a turn that needs an article has a higher score than one that does not."""
    if len({bool(one.needs) for one in found}) < 2:
        return None
    return round(curves.auc([bool(one.needs) for one in found], [one.score for one in found]), 4)
