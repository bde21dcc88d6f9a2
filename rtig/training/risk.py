"""Fits how evidence adds up to the risk that a call ends badly, on labelled dialogues.

One logistic regression over two things: what the fold has tallied (`frustration.features`), and the mean of the
customer's utterances as the encoder sees them. The second part is linear, so it is the mean of a reading of each
utterance, its `strain`; the first is a table of a dozen numbers that anyone can read. Each dialogue is looked at four
times, for the risk must be right in the middle of a call too.

What is fitted so is too sure of itself on calls that it has not seen. How much, a part of the dialogues says that is
judged by the others: all log odds are then stretched and moved by what made those right (Platt 1999).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from rtig.core import frustration
from rtig.core.events import Tone
from rtig.core.frustration import Kind, Odds, Patience, Risk
from rtig.core.playbook import Playbook
from rtig.core.utterances import Utterance
from rtig.evaluation.dialogues import Dialogue
from rtig.evaluation.frustration import played

Floats: TypeAlias = NDArray[np.float64]
Encode: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]

LOOKED_AT = (0.25, 0.5, 0.75, 1.0)
MIDDLE = LOOKED_AT.index(0.5)
"""Shares of a dialogue's turns after which it is looked at."""
UNREAD: tuple[Kind, ...] = ("score", "words", "heat", "relief", "refused", "again")
READ: tuple[Kind, ...] = (*UNREAD, "upset", "pleased")
BY_HAND: dict[Kind, float] = {"talked_over": 0.15, "waited": 0.15}
"""Of what the dialogues hold none: they are chats. Log odds for each logarithm of one more, about those of `again`."""
TABLE_SCALE, MEANING_SCALE = 1.0, 0.08
"""How freely either part may be fitted: the scales of their standardised values under one penalty."""
CALIBRATION_FOLDS = 5
_FREE = 1e6
"""As good as no penalty."""


class Look(NamedTuple):
    """A dialogue at some time: what was tallied, and the mean of what was said, as a vector."""

    patience: Patience
    meaning: NDArray[np.float32]


class Looked(NamedTuple):
    looks: tuple[Look, ...]
    """At `LOOKED_AT`."""
    annoyed: bool
    told: bool


class Judged(NamedTuple):
    """A dialogue by weights that were fitted on others."""

    risks: tuple[float, ...]
    """At `LOOKED_AT`."""
    by_meaning: float
    """At its end by a logistic regression on the mean of the customer's utterances alone, as is often done."""


class Strain(NamedTuple):
    """What an utterance's meaning adds to the log odds: the product with `weights`, and `bias`."""

    weights: NDArray[np.float32]
    bias: float


def look(
    playbook: Playbook, dialogues: Iterable[Dialogue], tones: Callable[[Sequence[str]], Sequence[Tone]], encode: Encode
) -> Iterator[Looked]:
    """Play dialogues and look at each. What the model reads of strain is left out: that is to be fitted."""

    def read(utterances: Sequence[Utterance]) -> Sequence[Tone]:
        return tones([one.text for one in utterances])

    for dialogue in dialogues:
        states = list(played(playbook, dialogue, read))
        looks = []
        for share in LOOKED_AT:
            call = states[round(share * len(dialogue.turns))]
            said = [one.text for one in call.utterances.get("customer", ())]
            vectors = encode(said)
            meaning = vectors.mean(axis=0) if said else np.zeros(vectors.shape[1], np.float32)
            looks.append(Look(call.weighing.state, meaning))
        yield Looked(tuple(looks), dialogue.annoyed, dialogue.told)


def fit(looked: Sequence[Looked]) -> tuple[Risk, Strain]:
    """The odds, with a model's readings and without, and the strain of an utterance."""
    truth = np.array([one.annoyed for one in looked for _ in LOOKED_AT])
    looks = [each for one in looked for each in one.looks]
    meanings = np.array([each.meaning for each in looks], np.float64)
    weights, base = _calibrated(truth, [(_table(looks, READ), TABLE_SCALE), (meanings, MEANING_SCALE)])
    strain = weights[len(READ) :]
    middle = float(meanings.mean(axis=0) @ strain)
    read = _odds(base + middle, READ, weights, {"strain": 1.0})
    unread_weights, unread_base = _calibrated(truth, [(_table(looks, UNREAD), TABLE_SCALE)])
    unread = _odds(unread_base, UNREAD, unread_weights, {})
    return Risk(read, unread), Strain(strain.astype(np.float32), round(-middle, 6))


def risk_of(risk: Risk, strain: Strain, look_at: Look) -> float:
    """What the fold will say when the model reads strain too."""
    found = frustration.features(look_at.patience)
    # The strain that was read while it was looked at is that of weights fitted before, perhaps on this very dialogue.
    log_odds = risk.read.base + sum(risk.read.weights[kind] * found.get(kind, 0.0) for kind in READ)
    if look_at.patience.tally.get("read"):
        log_odds += float(look_at.meaning @ strain.weights) + strain.bias
    return _probability(log_odds)


def _probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def cross_validated(looked: Sequence[Looked], folds: int, seed: int = 0) -> Iterator[tuple[int, Judged]]:
    """Each dialogue's number and how it is judged, fitted on the other folds."""
    truth = np.array([one.annoyed for one in looked])
    ends = np.array([one.looks[-1].meaning for one in looked], np.float64)
    for seen, unseen in StratifiedKFold(folds, shuffle=True, random_state=seed).split(ends, truth):
        risk, strain = fit([looked[at] for at in seen])
        weights, base = _fitted(truth[seen], [(ends[seen], MEANING_SCALE)])
        for at in unseen:
            risks = tuple(risk_of(risk, strain, each) for each in looked[at].looks)
            yield int(at), Judged(risks, _probability(float(ends[at] @ weights) + base))


def _table(looks: Sequence[Look], kinds: Sequence[Kind]) -> Floats:
    found = [frustration.features(each.patience) for each in looks]
    return np.array([[one.get(kind, 0.0) for kind in kinds] for one in found])


def _fitted(truth: NDArray[np.bool_], parts: Sequence[tuple[Floats, float]]) -> tuple[Floats, float]:
    """Weights and base of a logistic regression; each part is standardised and scaled before the penalty counts."""
    middles = [part.mean(axis=0) for part, _ in parts]
    scales = [(part.std(axis=0) + 1e-9) / scale for part, scale in parts]
    scaled = np.hstack(
        [(part - middle) / scale for (part, _), middle, scale in zip(parts, middles, scales, strict=True)]
    )
    judge = LogisticRegression(C=1.0 / len(LOOKED_AT), max_iter=5_000).fit(scaled, truth)
    weights = judge.coef_[0] / np.concatenate(scales)
    return weights, float(judge.intercept_[0] - weights @ np.concatenate(middles))


def _calibrated(truth: NDArray[np.bool_], parts: Sequence[tuple[Floats, float]]) -> tuple[Floats, float]:
    """As `_fitted`, and right on average for dialogues that were not seen. The looks of a dialogue stay together."""
    weights, base = _fitted(truth, parts)
    unseen_odds = np.zeros(len(truth))
    dialogues = truth[:: len(LOOKED_AT)]
    split = StratifiedKFold(CALIBRATION_FOLDS, shuffle=True, random_state=0).split(dialogues, dialogues)
    for seen, unseen in split:
        seen_looks, unseen_looks = _looks_of(seen), _looks_of(unseen)
        others, other_base = _fitted(truth[seen_looks], [(part[seen_looks], scale) for part, scale in parts])
        unseen_odds[unseen_looks] = np.hstack([part[unseen_looks] for part, _ in parts]) @ others + other_base
    judge = LogisticRegression(C=_FREE, max_iter=5_000).fit(unseen_odds[:, None], truth)
    slope = float(judge.coef_[0, 0])
    return slope * weights, slope * base + float(judge.intercept_[0])


def _looks_of(dialogues: NDArray[np.intp]) -> NDArray[np.intp]:
    return (dialogues[:, None] * len(LOOKED_AT) + np.arange(len(LOOKED_AT))).ravel()


def _odds(base: float, kinds: Sequence[Kind], weights: Floats, others: dict[Kind, float]) -> Odds:
    table = {kind: round(float(weight), 4) for kind, weight in zip(kinds, weights, strict=False)}
    return Odds(round(base, 4), {**table, **others, **BY_HAND})
