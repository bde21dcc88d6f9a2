"""How well emotions are told in single texts: labelled texts as in GoEmotions (Demszky et al. 2020).

`auc` is that of the negative group, {anger, annoyance, disappointment, disapproval, disgust}, against everything else;
`macro_f1` is the mean over the labels of F1, each with the threshold that came with the weights.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from rtig.errors import WorldError
from rtig.evaluation import curves

NEGATIVE = frozenset(("anger", "annoyance", "disappointment", "disapproval", "disgust"))


class Labelled(NamedTuple):
    text: str
    labels: frozenset[str]


class Scored(NamedTuple):
    """How likely each emotion is, and whether that is likely enough to call it so."""

    likely: dict[str, float]
    called: frozenset[str]


class Report(Struct, frozen=True, kw_only=True):
    n: int
    negative: int
    auc: float
    ap: float
    vader_auc: float
    macro_f1: float
    """Over all labels of the model."""
    f1: dict[str, float]


Score = Callable[[Sequence[str]], Sequence[Scored]]


def read_labelled(path: Path) -> list[Labelled]:
    """JSON Lines with `text` and `labels`. Raises `WorldError` that names the line."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                row = msgspec.json.decode(line, type=dict[str, Any])
                found.append(Labelled(row["text"], frozenset(msgspec.convert(row["labels"], list[str]))))
            except KeyError as missing:
                raise WorldError(f"{path}:{number}: {missing} is missing; a text has `text` and `labels`.") from None
            except msgspec.MsgspecError as error:
                raise WorldError(f"{path}:{number}: {error}.") from None
    if not any(one.labels & NEGATIVE for one in found) or all(one.labels & NEGATIVE for one in found):
        raise WorldError(f"{path} must have texts with and without a label of {', '.join(sorted(NEGATIVE))}.")
    return found


def negative(scored: Scored) -> float:
    """How likely it is that at least one of the negative emotions is there."""
    none = 1.0
    for name in NEGATIVE:
        none *= 1.0 - scored.likely.get(name, 0.0)
    return 1.0 - none


def report(texts: Sequence[Labelled], scored: Sequence[Scored], compound: Callable[[str], float]) -> Report:
    truth = [bool(one.labels & NEGATIVE) for one in texts]
    likely = [negative(one) for one in scored]
    f1 = {name: _f1(name, texts, scored) for name in sorted(scored[0].likely)}
    return Report(
        n=len(texts),
        negative=sum(truth),
        auc=round(curves.auc(truth, likely), 4),
        ap=round(curves.average_precision(truth, likely), 4),
        vader_auc=round(curves.auc(truth, [-compound(one.text) for one in texts]), 4),
        macro_f1=round(sum(f1.values()) / len(f1), 4),
        f1={name: round(value, 4) for name, value in f1.items()},
    )


def _f1(name: str, texts: Sequence[Labelled], scored: Sequence[Scored]) -> float:
    right = sum(name in one.labels and name in found.called for one, found in zip(texts, scored, strict=True))
    wanted = sum(name in one.labels for one in texts)
    called = sum(name in found.called for found in scored)
    return 2 * right / (wanted + called) if wanted + called else 0.0
