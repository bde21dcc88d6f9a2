"""Reads utterances for what they mean, and articles for what they are about; one pass of the encoder serves both."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from rtig.core import conditions
from rtig.core.text import normal
from rtig.core.utterances import Reading, Utterance
from rtig.lane.encoder import Encoder, Vectors
from rtig.lane.meanings import Learned, Matrix, Meanings, Notes
from rtig.lane.talk import Article, Asked, Learn

TOLD_FROM = 0.05
"""Less likely meanings are not worth an event's bytes."""


class _Notes(Struct, frozen=True):
    """What a reader has learned, and with which encoder."""

    encoder: str
    version: str
    meanings: Notes
    articles: tuple[Article, ...]
    about: Matrix | None


class Reader:
    """`version` names the meanings that it has learned; empty before the first."""

    def __init__(self, encoder: Encoder) -> None:
        self.version = ""
        self._encoder = encoder
        self._meanings: Meanings | None = None
        self._articles: tuple[Article, ...] = ()
        self._about: Vectors | None = None

    def another(self) -> "Reader":
        """One that may learn something else, and shares what takes long: the encoder and what it has read."""
        return Reader(self._encoder)

    def learn(self, task: Learn) -> bytes:
        """Learn what differs from what is known, or said by the task's notes; new notes where that was something."""
        known = self._known(task.notes)
        learned = False
        if self._meanings is None or task.version != self.version:
            if known is not None and known.version == task.version:
                self._meanings = Meanings.from_notes(self._encoder.encode, task.meanings, known.meanings)
            else:
                self._meanings = Meanings.learn(self._encoder.encode, task.meanings, task.negatives, task.false_alarms)
                learned = True
            self.version = task.version
        if task.articles != self._articles:
            self._articles = task.articles
            if known is not None and known.articles == task.articles:
                self._about = known.about.array() if known.about is not None else None
            else:
                texts = [article.text for article in task.articles]
                self._about = self._encoder.encode(texts) if texts else None
                learned = True
        return self._notes() if learned else b""

    def _known(self, notes: bytes) -> _Notes | None:
        """Those of another encoder, or of another release, say nothing to this one."""
        try:
            known = msgspec.msgpack.decode(notes, type=_Notes)
        except msgspec.DecodeError:
            return None
        return known if known.encoder == self._encoder.version else None

    def _notes(self) -> bytes:
        assert self._meanings is not None
        about = Matrix.of(self._about) if self._about is not None else None
        kept = _Notes(self._encoder.version, self.version, self._meanings.notes(), self._articles, about)
        return msgspec.msgpack.encode(kept)

    @property
    def learned(self) -> Mapping[str, Learned]:
        """How well each meaning was learned, for its author."""
        return self._meanings.learned if self._meanings is not None else {}

    def read(self, utterances: Sequence[Asked], least: float = TOLD_FROM) -> tuple[Reading, ...]:
        """How likely each utterance has each meaning, from `least` on, and the tone of the customer's.

        At 0.5 a meaning counts as meant.
        """
        customers = [normal(one.text) for one in utterances if one.party == "customer"]
        tones = iter(self._encoder.tones(customers))  # these passes are remembered, and serve the meanings too
        return tuple(
            Reading(scores, next(tones) if one.party == "customer" else None)
            for one, scores in zip(utterances, self._scores(utterances, least), strict=True)
        )

    def _scores(self, utterances: Sequence[Asked], least: float) -> list[dict[str, float]]:
        if self._meanings is None:
            return [{} for _ in utterances]
        found = self._meanings.scores([(one.text, one.queue) for one in utterances])
        return [
            {
                name: round(score, 4)
                for name, score in scores.items()
                if score >= least and conditions.by(one.party, self._meanings.party(name))
            }
            for one, scores in zip(utterances, found, strict=True)
        ]

    def understand(self, queue: str, utterances: Sequence[Utterance], least: float = TOLD_FROM) -> tuple[Reading, ...]:
        """What `read` says of the utterances of one call."""
        return self.read([Asked(one.key, one.party, one.text, queue) for one in utterances], least)

    def find(self, query: str, most: int) -> tuple[tuple[str, float], ...]:
        """The articles nearest to a query, and how near, -1 to 1."""
        if self._about is None:
            return ()
        near = self._about @ self._encoder.encode([query])[0]
        best = np.argsort(-near, kind="stable")[:most]
        return tuple((self._articles[at].id, round(float(near[at]), 4)) for at in best)
