"""What utterances mean: a small network over the encoder's vectors, learned from an author's sentences in seconds.

Every meaning is a class; what means none of them, the negatives, is one more. Five networks are learned, each without a
fifth of the sentences. Together they are the judge (bagging, Breiman 1996), and what each of them says of the sentences
that it has never seen sets the thresholds: how sure one must be for false alarms to stay as rare as was asked for.

Meanings that compete, those of articles, share the likelihood of an utterance among them. The others, of triggers that
fire beside an article, are each held against the articles and the negatives, and not against one another.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtig.core.conditions import PartyWanted
from rtig.core.playbook import MeaningSource
from rtig.core.text import words

Floats: TypeAlias = NDArray[np.float32]
Numbers: TypeAlias = NDArray[np.intp]
Encode: TypeAlias = Callable[[Sequence[str]], Floats]

FOLDS = 5
HIDDEN = 256
BATCH = 128
DROPOUT = 0.5
RATE, WARM_STEPS, DECAY = 2e-3, 50, 0.01
"""AdamW (Loshchilov and Hutter 2019), warmed up, then cooled to nothing."""
SCALE = 384**0.5
"""Brings the values of a vector of length 1 to about 1."""
NEGATIVES_FOR_ONE = 3.0
"""Negatives weigh at most so many times as much as all sentences with a meaning: there are always plenty of them."""
OWN_SHARE = 1 / 3
"""Of the false alarms that articles may give together, how many one of them may; and one trigger beside them."""
LEAST_SURE = 0.4
"""What is less likely than this is never meant: negatives cannot stand for all that people may ever say."""


class Learned(NamedTuple):
    """How well a meaning is told from the negatives: of its own sentences, unseen, how many are understood."""

    understood: int
    sentences: int


class _Field(NamedTuple):
    """What counts in one queue: the meanings that compete there, those beside them, and how sure each must be."""

    competing: Numbers
    beside: tuple[int, ...]
    least: Floats


class Meanings:
    """Never changes once learned."""

    def __init__(self, encode: Encode, meanings: Sequence[MeaningSource], nets: Sequence["_Net"]) -> None:
        self._encode = encode
        self._meanings = tuple(meanings)
        self._nets = tuple(nets)
        self._fields: dict[str, _Field] = {}
        self.learned: dict[str, Learned] = {}
        """How well each meaning was learned."""

    @classmethod
    def learn(
        cls, encode: Encode, meanings: Sequence[MeaningSource], negatives: Iterable[str], false_alarms: float
    ) -> "Meanings":
        """`false_alarms`: of 100 utterances that mean nothing of interest, how many may call for an article."""
        texts = [normal(text) for meaning in meanings for text in meaning.examples]
        classes = [number for number, meaning in enumerate(meanings) for _ in meaning.examples]
        silent = [normal(text) for text in negatives]
        vectors = encode([*texts, *silent]) * np.float32(SCALE)
        labels = np.array([*classes, *[len(meanings)] * len(silent)], np.intp)
        folds = _folds(labels)
        weights = np.ones(len(labels), np.float32)
        if silent:
            weights[len(texts) :] = min(1.0, NEGATIVES_FOR_ONE * max(len(texts), 1) / len(silent))
        nets = [
            _Net.trained(vectors[folds != fold], labels[folds != fold], weights[folds != fold], len(meanings) + 1, fold)
            for fold in range(FOLDS)
        ]
        made = cls(encode, meanings, nets)
        unseen = np.zeros((len(labels), len(meanings) + 1), np.float32)
        for fold, net in enumerate(nets):
            unseen[folds == fold] = net.logits(vectors[folds == fold])
        held = folds >= 0
        made._set_thresholds(unseen[held], labels[held], false_alarms)
        return made

    def party(self, name: str) -> PartyWanted:
        """Whose utterances may have a meaning."""
        return next(meaning.party for meaning in self._meanings if meaning.id == name)

    def scores(self, utterances: Sequence[tuple[str, str]]) -> list[dict[str, float]]:
        """Of each utterance, text and queue: how likely it has each meaning. From 0.5 on it counts as meant."""
        vectors = self._encode([normal(text) for text, _ in utterances]) * np.float32(SCALE)
        logits = [net.logits(vectors) for net in self._nets]
        found: list[dict[str, float]] = []
        for at, (_, queue) in enumerate(utterances):
            field = self._fields.get(queue, self._fields[""])
            likely = np.mean([self._likely(field, each[at : at + 1])[0] for each in logits], axis=0)
            sure = _against(likely, field.least)
            found.append({self._meanings[n].id: float(sure[n]) for n in (*field.competing, *field.beside)})
        return found

    def _set_thresholds(self, unseen: Floats, labels: Numbers, false_alarms: float) -> None:
        """From what networks say of sentences that they have not seen."""
        queues = {queue for meaning in self._meanings for queue in meaning.queues}
        silent = labels == len(self._meanings)
        allowed = int(false_alarms / 100 * silent.sum())
        for queue in sorted({"", *queues}):
            here = [n for n, m in enumerate(self._meanings) if not m.queues or queue in m.queues]
            competing = np.array([n for n in here if self._meanings[n].competes], np.intp)
            beside = tuple(n for n in here if not self._meanings[n].competes)
            least = np.full(len(self._meanings) + 1, LEAST_SURE, np.float32)
            field = _Field(competing, beside, least)
            likely = self._likely(field, unseen)
            alarms = likely[silent]
            if len(competing) and len(alarms):
                best = competing[alarms[:, competing].argmax(axis=1)]
                surest = alarms[np.arange(len(alarms)), best]
                together = _over(surest, allowed)
                for n in competing:
                    least[n] = max(LEAST_SURE, together, _over(surest[best == n], int(allowed * OWN_SHARE)))
            for n in beside:
                least[n] = max(LEAST_SURE, _over(alarms[:, n], int(allowed * OWN_SHARE)))
            self._fields[queue] = field
            first = likely.copy()
            rivals = likely[:, competing]
            first[:, competing] = np.where(rivals >= rivals.max(axis=1, keepdims=True, initial=0), rivals, 0)
            for n in here:
                own = labels == n
                self.learned.setdefault(
                    self._meanings[n].id, Learned(int((first[own, n] >= least[n]).sum()), int(own.sum()))
                )

    def _likely(self, field: _Field, logits: Floats) -> Floats:
        """How likely each meaning is in a queue, 0 to 1; shape (utterances, meanings and none of them)."""
        likely = np.zeros_like(logits)
        rivals = np.append(field.competing, logits.shape[1] - 1)
        likely[:, rivals] = _softmax(logits[:, rivals])
        for n in field.beside:
            against = np.append(n, rivals)
            likely[:, n] = _softmax(logits[:, against])[:, 0]
        return likely


def normal(text: str) -> str:
    """A sentence as utterances are: words as they are compared."""
    return " ".join(words(text).norms)


class _Net(NamedTuple):
    """One hidden layer."""

    inner: Floats
    inner_bias: Floats
    outer: Floats
    outer_bias: Floats

    def logits(self, vectors: Floats) -> Floats:
        logits: Floats = np.maximum(vectors @ self.inner + self.inner_bias, 0) @ self.outer + self.outer_bias
        return logits

    @classmethod
    def trained(cls, vectors: Floats, labels: Numbers, weights: Floats, classes: int, seed: int) -> "_Net":
        """`weights` say how often each vector is drawn, so that few sentences are not lost among many negatives."""
        rng = np.random.default_rng(seed)

        def start(rows: int, columns: int) -> Floats:
            return (rng.uniform(-1, 1, (rows, columns)) / np.sqrt(rows)).astype(np.float32)

        layers = (start(vectors.shape[1], HIDDEN), np.zeros(HIDDEN, np.float32),
                  start(HIDDEN, classes), np.zeros(classes, np.float32))  # fmt: skip
        net = cls(*layers)
        if not len(labels):
            return net
        first, second = [np.zeros_like(layer) for layer in layers], [np.zeros_like(layer) for layer in layers]
        steps = _steps(float(weights.sum()))
        drawn = rng.choice(len(labels), (steps, BATCH), p=weights / weights.sum())
        targets = np.eye(classes, dtype=np.float32)
        for step in range(1, steps + 1):
            rows = drawn[step - 1]
            given = vectors[rows]
            hidden = given @ net.inner + net.inner_bias
            kept = (rng.random(hidden.shape, np.float32) > DROPOUT) * (hidden > 0) / np.float32(1 - DROPOUT)
            hidden *= kept
            wrong = (_softmax(hidden @ net.outer + net.outer_bias) - targets[labels[rows]]) / BATCH
            back = (wrong @ net.outer.T) * kept
            slopes = (given.T @ back, back.sum(axis=0), hidden.T @ wrong, wrong.sum(axis=0))
            rate = RATE * min(1.0, step / WARM_STEPS) * (1 - step / steps)
            for layer, slope, mean, square in zip(layers, slopes, first, second, strict=True):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope * slope - square)
                layer -= rate * (
                    (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8) + DECAY * layer
                )
        return net


def _steps(size: float) -> int:
    """How many batches to learn from: more for more, but each sentence less often."""
    return int(300 + size / 25)


def _folds(labels: Numbers) -> Numbers:
    """Which network does not see each sentence: the sentences of each class in turn; -1 for the only one of a class."""
    folds = np.empty(len(labels), np.intp)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        folds[rows] = (np.arange(len(rows)) + label) % FOLDS if len(rows) > 1 else -1
    return folds


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _over(sure: Floats, allowed: int) -> float:
    """How sure one must be for only so many of these to be taken for something."""
    if len(sure) <= allowed:
        return 0.0
    return float(np.nextafter(np.sort(sure)[-1 - allowed], np.float32(1)))


def _against(likely: Floats, least: Floats) -> Floats:
    """Likelihoods as scores whose 0.5 is how sure one must be: their log odds, moved by those of that."""
    small = np.float32(1e-6)
    likely, least = np.clip(likely, small, 1 - small), np.clip(least, small, 1 - small)
    odds = likely / (1 - likely) * (1 - least) / least
    scores: Floats = odds / (1 + odds)
    return scores
