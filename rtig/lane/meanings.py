"""What utterances mean: two simple judges over the encoder's vectors, learned from an author's sentences in seconds.

Every meaning is a class; what means none of them, the kinds of negatives, are more classes. A logistic regression draws
straight lines between the classes. A ridge regression on how near an utterance is to some thousand of the sentences
(landmarks after Nyström; Williams and Seeger 2001) sees what is close by. Their shares of likelihood are averaged. Each
is learned five times, without a fifth of the sentences: together the five are the judge (bagging, Breiman 1996), and
what each of them says of the sentences that it has never seen sets the thresholds.

Meanings that compete, those of articles, share the likelihood of an utterance among them. The others, of triggers that
fire beside an article, are each held against the articles and the negatives, and not against one another.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from rtig.core.conditions import PartyWanted
from rtig.core.playbook import MeaningSource
from rtig.core.text import normal

Floats: TypeAlias = NDArray[np.float32]
Exact: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.intp]
Encode: TypeAlias = Callable[[Sequence[str]], Floats]
_Float = TypeVar("_Float", np.float32, np.float64)

FOLDS = 5
LANDMARKS, LANDMARKS_IN_SILENCE = 1_000, 500
"""At most so many are sentences with a meaning, and so many are negatives."""
NEAR = 1.0
"""Of the landmarks' kernel, exp(-NEAR · squared distance)."""
LOOSE, STIFF = 950.0, 7e-5
"""The logistic regression's inverse penalty, over the root of the number of sentences, and the ridge regression's
penalty for each sentence: what is learned from little may be followed more closely than what holds much noise."""
STIFF_BY_ITSELF = 1e-6
"""Landmarks that are the same sentence would leave the equations without an answer."""
CONTRAST = 8.0
"""What the ridge regression says of a class, about 0 or 1, times this is its log likelihood."""
NEGATIVES_FOR_ONE = 2.0
"""All negatives together count at most so many times as much as all sentences with a meaning: there are always plenty
of them, and in calls about so many utterances mean nothing of interest for one that does."""
LEAST_MORE = 0.48
"""A meaning is meant where it has at least this share of what it and the negatives have together: where it is about as
likely as that nothing is meant. More where the false alarms that were allowed ask for it."""
LEAST_SURE = 0.2
"""And at least this share of all: what is split among many meanings is none of them."""


class Learned(NamedTuple):
    """How well a meaning is told from the negatives: of its own sentences, unseen, how many are understood."""

    understood: int
    sentences: int


class Matrix(Struct, frozen=True):
    """Values in single precision, as bytes."""

    shape: tuple[int, ...]
    values: bytes

    @classmethod
    def of(cls, values: Floats) -> "Matrix":
        return cls(values.shape, values.astype(np.float32).tobytes())

    def array(self) -> Floats:
        """Not to be written to. Raises `ValueError` where shape and values differ."""
        return np.frombuffer(self.values, np.float32).reshape(self.shape)


class FieldNotes(Struct, frozen=True):
    competing: tuple[int, ...]
    beside: tuple[int, ...]
    least: Matrix


class Notes(Struct, frozen=True):
    """All that is learned of some meanings, so that it need not be learned again."""

    judges: tuple[Matrix, ...]
    """None where there is nothing to tell."""
    fields: dict[str, FieldNotes]
    learned: dict[str, Learned]


class _Field(NamedTuple):
    """What counts in one queue: the meanings that compete there, those beside them, and how sure each must be."""

    competing: Numbers
    beside: tuple[int, ...]
    least: Floats


class _Judged(NamedTuple):
    """Shape (utterances, meanings): each meaning's share of all likelihood, and of its own and the negatives' alone."""

    of_all: Floats
    of_two: Floats


class Meanings:
    """Never changes once learned."""

    def __init__(self, encode: Encode, meanings: Sequence[MeaningSource], judges: "_Judges | None") -> None:
        self._encode = encode
        self._meanings = tuple(meanings)
        self._judges = judges
        self._fields: dict[str, _Field] = {}
        self.learned: dict[str, Learned] = {}
        """How well each meaning was learned."""

    @classmethod
    def learn(
        cls, encode: Encode, meanings: Sequence[MeaningSource], negatives: Sequence[Sequence[str]], false_alarms: float
    ) -> "Meanings":
        """`negatives` are kinds of what means nothing of interest.

        Of 100 such utterances, at most `false_alarms` may call for an article, and as many for a trigger beside them.
        Of meanings that are to be told from nothing, neither from one another nor from negatives, none is ever meant.
        """
        kinds = [meaning.examples for meaning in meanings] + [tuple(kind) for kind in negatives if kind]
        if not meanings or len(kinds) < 2:
            return cls(encode, meanings, None)
        labels = np.repeat(np.arange(len(kinds)), [len(kind) for kind in kinds])
        vectors = encode([normal(text) for kind in kinds for text in kind])
        folds = _folds(labels)
        with threadpool_limits(1):
            judges, unseen = _Judges.learned(vectors, labels, folds, labels < len(meanings))
        made = cls(encode, meanings, judges)
        held = folds >= 0
        made._set_thresholds([judge[held] for judge in unseen], labels[held], false_alarms)
        return made

    @classmethod
    def from_notes(cls, encode: Encode, meanings: Sequence[MeaningSource], notes: Notes) -> "Meanings":
        """The same as were learned when these notes of the same meanings were made."""
        made = cls(encode, meanings, _Judges(*(one.array() for one in notes.judges)) if notes.judges else None)
        made.learned = dict(notes.learned)
        for queue, field in notes.fields.items():
            made._fields[queue] = _Field(np.array(field.competing, np.intp), field.beside, field.least.array())
        return made

    def notes(self) -> Notes:
        return Notes(
            tuple(Matrix.of(one) for one in self._judges) if self._judges is not None else (),
            {
                queue: FieldNotes(tuple(field.competing.tolist()), field.beside, Matrix.of(field.least))
                for queue, field in self._fields.items()
            },
            self.learned,
        )

    def party(self, name: str) -> PartyWanted:
        """Whose utterances may have a meaning."""
        return next(meaning.party for meaning in self._meanings if meaning.id == name)

    def scores(self, utterances: Sequence[tuple[str, str]]) -> list[dict[str, float]]:
        """Of each utterance, text and queue: how surely it has each meaning, 0 to 1. From 0.5 on it counts as meant."""
        if self._judges is None or not utterances:
            return [{} for _ in utterances]
        logits = self._judges.logits(self._encode([normal(text) for text, _ in utterances]))
        found: list[dict[str, float]] = [{}] * len(utterances)
        queues = [queue if queue in self._fields else "" for _, queue in utterances]
        for queue in {*queues}:
            field = self._fields[queue]
            rows = [at for at, other in enumerate(queues) if other == queue]
            here = (*field.competing, *field.beside)
            names = [self._meanings[n].id for n in here]
            sure = _sure(self._judged(field, [judge[rows] for judge in logits]), field.least)[:, here]
            for at, scores in zip(rows, sure.tolist(), strict=True):
                found[at] = dict(zip(names, scores, strict=True))
        return found

    def _set_thresholds(self, unseen: Sequence[Floats], labels: Numbers, false_alarms: float) -> None:
        """From what judges say of sentences that they have not seen."""
        silent = labels >= len(self._meanings)
        allowed = int(false_alarms / 100 * silent.sum())
        for queue in sorted({"", *(queue for meaning in self._meanings for queue in meaning.queues)}):
            here = [n for n, m in enumerate(self._meanings) if not m.queues or queue in m.queues]
            competing = np.array([n for n in here if self._meanings[n].competes], np.intp)
            beside = tuple(n for n in here if not self._meanings[n].competes)
            field = _Field(competing, beside, np.full(len(self._meanings), LEAST_MORE, np.float32))
            judged = self._judged(field, unseen)
            alarms = judged.of_two[silent]
            if len(competing):
                field.least[competing] = max(LEAST_MORE, _over(alarms[:, competing].max(axis=1), allowed))
            for n in beside:
                field.least[n] = max(LEAST_MORE, _over(alarms[:, n], allowed))
            self._fields[queue] = field
            meant = _sure(judged, field.least) >= 0.5
            rivals = judged.of_all[:, competing]
            meant[:, competing] &= rivals >= rivals.max(axis=1, keepdims=True, initial=0)
            for n in here:
                own = labels == n
                self.learned.setdefault(self._meanings[n].id, Learned(int(meant[own, n].sum()), int(own.sum())))

    def _judged(self, field: _Field, logits: Sequence[Floats]) -> _Judged:
        """What all judges together say of utterances in a queue."""
        many = len(self._meanings)
        of_all, of_none = np.zeros((len(logits[0]), many), np.float32), np.zeros((len(logits[0]), many), np.float32)
        negatives = np.arange(many, logits[0].shape[1])
        rivals = np.append(field.competing, negatives)
        for judge in logits if len(rivals) else ():
            shares = _shares(judge[:, rivals])
            of_all[:, field.competing] += shares[:, : len(field.competing)]
            of_none[:, field.competing] += shares[:, len(field.competing) :].sum(axis=1, keepdims=True)
            for n in field.beside:
                against = _shares(judge[:, np.append(n, rivals)])
                of_all[:, n] += against[:, 0]
                of_none[:, n] += against[:, 1 + len(field.competing) :].sum(axis=1)
        return _Judged(of_all / np.float32(len(logits)), of_all / np.maximum(of_all + of_none, np.float32(1e-9)))


class _Judges(NamedTuple):
    """All folds' judges as matrices, so that an utterance costs two products.

    `lines` and `near` have the shape (values of a vector, or landmarks; folds and classes).
    """

    lines: Floats
    lines_bias: Floats
    landmarks: Floats
    near: Floats
    near_bias: Floats

    @classmethod
    def learned(
        cls, vectors: Floats, labels: Numbers, folds: Numbers, meant: NDArray[np.bool_]
    ) -> tuple["_Judges", list[Floats]]:
        """And what they say of the sentences that they have not seen. `meant`: which are no negatives."""
        most = min(1.0, NEGATIVES_FOR_ONE * meant.sum() / max(1, (~meant).sum()))
        weights = np.where(meant, 1.0, most)
        drawing = np.random.default_rng(0)
        landmarks = vectors[
            np.concatenate(
                [
                    drawing.permutation(np.flatnonzero(meant))[:LANDMARKS],
                    drawing.permutation(np.flatnonzero(~meant))[:LANDMARKS_IN_SILENCE],
                ]
            )
        ]
        exact = vectors.astype(np.float64)  # in single precision what is learned would depend on noise
        judges = cls(
            *_learned_lines(exact, labels, weights, folds),
            landmarks,
            *_learned_near(exact, landmarks.astype(np.float64), labels, weights, folds),
        )
        said = judges.logits(vectors)
        unseen = [np.zeros_like(said[0]), np.zeros_like(said[FOLDS])]
        for fold in range(FOLDS):
            rows = folds == fold
            unseen[0][rows] = said[fold][rows]
            unseen[1][rows] = said[FOLDS + fold][rows]
        return judges, unseen

    def logits(self, vectors: Floats) -> list[Floats]:
        """Of each judge: of each utterance, a log likelihood of each class, up to a constant."""
        return [
            *np.split(vectors @ self.lines + self.lines_bias, FOLDS, axis=1),
            *np.split(_nearness(vectors, self.landmarks) @ self.near + self.near_bias, FOLDS, axis=1),
        ]


def _learned_lines(vectors: Exact, labels: Numbers, weights: Exact, folds: Numbers) -> tuple[Floats, Floats]:
    lines, bias = [], []
    for fold in range(FOLDS):
        seen = folds != fold
        judge = LogisticRegression(C=LOOSE / len(labels) ** 0.5, max_iter=1_000)
        judge.fit(vectors[seen], labels[seen], weights[seen])
        # Two classes have one line between them.
        lines.append(judge.coef_ if len(judge.coef_) > 1 else np.vstack([0 * judge.coef_, judge.coef_]))
        bias.append(judge.intercept_ if len(judge.coef_) > 1 else np.append(0, judge.intercept_))
    return np.vstack(lines).T.astype(np.float32), np.hstack(bias).astype(np.float32)


def _learned_near(
    vectors: Exact, landmarks: Exact, labels: Numbers, weights: Exact, folds: Numbers
) -> tuple[Floats, Floats]:
    """The normal equations of all sentences, less those of one fold after another."""
    nearness = _nearness(vectors, landmarks)
    weighted = nearness * weights[:, None]
    classes = np.eye(labels.max() + 1)[labels]
    usual = weights @ classes / weights.sum()
    classes -= usual
    squares, sought = weighted.T @ nearness, weighted.T @ classes
    stiff = STIFF * len(labels) * _nearness(landmarks, landmarks) + STIFF_BY_ITSELF * np.eye(len(landmarks))
    near = []
    for fold in range(FOLDS):
        rows = folds == fold
        left = squares - weighted[rows].T @ nearness[rows] + stiff
        near.append(np.linalg.solve(left, sought - weighted[rows].T @ classes[rows]))
    return CONTRAST * np.hstack(near).astype(np.float32), CONTRAST * np.tile(usual, FOLDS).astype(np.float32)


def _nearness(vectors: NDArray[_Float], landmarks: NDArray[_Float]) -> NDArray[_Float]:
    """Of vectors of length 1 the squared distance is 2 - 2 x y."""
    near: NDArray[_Float] = np.exp(2 * NEAR * (vectors @ landmarks.T - 1))
    return near


def _folds(labels: Numbers) -> Numbers:
    """Which judge does not see each sentence: the sentences of each class in turn; -1 for the only one of a class."""
    folds = np.empty(len(labels), np.intp)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        folds[rows] = (np.arange(len(rows)) + label) % FOLDS if len(rows) > 1 else -1
    return folds


def _shares(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _over(alarms: Floats, allowed: int) -> float:
    """The share that only so many of these are above."""
    if len(alarms) <= allowed:
        return 0.0
    return float(np.nextafter(np.sort(alarms)[-1 - allowed], np.float32(1)))


def _sure(judged: _Judged, least: Floats) -> Floats:
    """Shares as scores whose 0.5 is what is asked for: their log odds, moved by those of that; the less sure of two."""
    small = np.float32(1e-6)

    def against(shares: Floats, wanted: Floats) -> Floats:
        odds = np.clip(shares, small, 1 - small) / (1 - np.clip(shares, small, 1 - small)) * (1 - wanted) / wanted
        scores: Floats = odds / (1 + odds)
        return scores

    return np.minimum(against(judged.of_two, least), against(judged.of_all, np.full_like(least, LEAST_SURE)))
