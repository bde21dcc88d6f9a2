"""The work itself: lint, and what is to be found in recorded calls. Runs in a process of its own; see `__main__`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from rtig import backtest as trying
from rtig import knowledge, lane
from rtig.core.call import Call
from rtig.core.events import AnyEvent
from rtig.core.playbook import Playbook, Source
from rtig.errors import EncoderUnavailable
from rtig.knowledge import gaps, linting, outcomes
from rtig.knowledge.hearing import Read
from rtig.knowledge.library import Library, merged
from rtig.learning import lesson, shipped_negatives
from rtig.workshop.talk import Lint, Linted, Look, Looked, Model

if TYPE_CHECKING:
    from rtig.lane.encoder import Device, Encoder
    from rtig.lane.reader import Reader

NEAREST = 5
EXAMPLES = 5
MOST_QUESTIONS = 4_000
"""So many are put into groups, the latest; each is held against each."""


class Looking(Protocol):
    """Looks at one call after the other, then tells what it found."""

    def add(self, events: Sequence[AnyEvent], began_at: int) -> None: ...

    def found(self) -> Looked: ...


def lint(task: Lint) -> Iterator[Linted]:
    """What is found at once, then all of it: what people say in any call takes seconds to be held against the rules."""

    def learn(playbook: Playbook) -> Mapping[str, tuple[int, int]]:
        known = _Mind.of(task.model)
        return known.reader(playbook).learned if known is not None else {}

    folder, today = Path(task.folder), date.fromisoformat(task.today)
    found = linting.lint(folder, today)
    if any(finding.severity == "error" for finding in found):
        yield Linted(tuple(found), {})
        return
    base = knowledge.read(folder)
    spots = {rule.id: base.spots[rule.id] for rule in base.source.rules if rule.id in base.spots}
    places = {rule: (spot.path, spot.line) for rule, spot in spots.items()}
    yield Linted(tuple(found), places, whole=False)
    yield Linted(tuple(linting.lint(folder, today, learn=learn, talk=shipped_negatives)), places)


def looking(task: Look) -> Looking:
    """Raises `PlaybookErrors` for a draft that cannot be read."""
    match task.kind:
        case "outcomes":
            return _Outcomes(knowledge.compiled(task.playbook))
        case "gaps":
            return _Gaps(knowledge.compiled(task.playbook), _Mind.of(task.model))
        case "backtest":
            return _Backtest(task, _Mind.of(task.model))


class _Mind:
    """A model, and what it has learned."""

    def __init__(self, encoder: "Encoder", notes: bytes) -> None:
        self.encoder = encoder
        self._notes = notes

    @classmethod
    def of(cls, model: Model | None) -> "_Mind | None":
        if model is None:
            return None
        try:
            weights = Path(model.weights) if model.weights else None
            return cls(lane.new_encoder(weights, model.sha256 or None, cast("Device", model.device)), model.notes)
        except EncoderUnavailable:
            return None

    def reader(self, playbook: Playbook) -> "Reader":
        from rtig.lane.reader import Reader  # needs an extra that is there where a mind is

        reader = Reader(self.encoder)
        reader.learn(msgspec.structs.replace(lesson(playbook), notes=self._notes))
        return reader


class _Outcomes:
    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._tally = outcomes.Tally(playbook)

    def add(self, events: Sequence[AnyEvent], began_at: int) -> None:
        self._tally.add(outcomes.as_recorded(self._playbook, events), began_at)

    def found(self) -> Looked:
        return Looked(msgspec.json.encode(self._tally.report()), ())


class _Gaps:
    def __init__(self, playbook: Playbook, mind: _Mind | None) -> None:
        self._playbook = playbook
        self._mind = mind
        self._reader = mind.reader(playbook) if mind is not None else None
        self._read = trying.remembering(self._reader.understand) if self._reader is not None else None
        self._library = Library(playbook)
        self._calls = 0
        self._asked = 0
        self._unanswered: list[gaps.Question] = []

    def add(self, events: Sequence[AnyEvent], began_at: int) -> None:  # noqa: ARG002 (when says nothing here)
        open_questions, asked = gaps.questions(self._playbook, self._folded(events))
        self._calls += 1
        self._asked += asked
        self._unanswered.extend(open_questions)

    def _folded(self, events: Sequence[AnyEvent]) -> Call:
        """With a model everything that it would understand today counts, also where the call had none."""
        call = outcomes.as_recorded(self._playbook, events)
        if self._read is not None and events:
            for folded in trying.folds(self._playbook, call.call_id, events, self._read):
                call = folded.call
        return call

    def found(self) -> Looked:
        asked = self._unanswered[-MOST_QUESTIONS:]
        texts = [question.text for question in asked]
        groups = gaps.grouped(self._near(texts))
        made = tuple(gaps.gap_of([asked[at] for at in group], self._nearest(texts[group[0]])) for group in groups)
        found = gaps.Gaps(
            playbook=self._playbook.version,
            calls=self._calls,
            asked=self._asked,
            unanswered=len(self._unanswered),
            meaning=self._mind is not None,
            groups=made,
        )
        calls = dict.fromkeys(example.call_id for gap in made for example in gap.examples)
        return Looked(msgspec.json.encode(found), tuple(calls))

    def _near(self, texts: Sequence[str]) -> gaps.Near:
        if self._mind is None or not texts:
            return gaps.near_in_words(texts, self._playbook.language)
        vectors = self._mind.encoder.encode(texts)
        near: list[dict[int, float]] = []
        for place, row in enumerate(vectors @ vectors.T):
            others = (row >= gaps.NEAR_IN_MEANING).nonzero()[0]
            near.append({int(other): round(float(row[other]), 4) for other in others if other != place})
        return near

    def _nearest(self, text: str) -> gaps.NearestArticle | None:
        hits = self._library.find(text, NEAREST)
        if self._reader is not None:
            known = [(name, near) for name, near in self._reader.find(text, NEAREST) if name in self._library.articles]
            hits = merged(hits, known, NEAREST)
        return gaps.NearestArticle(id=hits[0].id, title=self._library.articles[hits[0].id].title) if hits else None


class _Backtest:
    def __init__(self, task: Look, mind: _Mind | None) -> None:
        before: Source = task.playbook if task.draft else task.start
        after = knowledge.load(Path(task.draft)) if task.draft else task.playbook
        self._playbooks = knowledge.compiled(before), knowledge.compiled(after)
        old, new = self._playbooks
        self._same = old.version == new.version
        self._models: list[Read | None] = [None, None]
        if mind is not None and not self._same:
            first = trying.remembering(mind.reader(old).understand)
            same = old.meanings_version == new.meanings_version
            self._models = [first, first if same else trying.remembering(mind.reader(new).understand)]
        self._test = trying.Backtest(old, new, examples=EXAMPLES)

    def add(self, events: Sequence[AnyEvent], began_at: int) -> None:  # noqa: ARG002
        if not self._same:
            both = zip(self._playbooks, (events, events), self._models, strict=True)
            before, after = (trying.outcome(*each) for each in both)
            self._test.add(events, before, after)

    def found(self) -> Looked:
        report = self._test.report()
        examples = (
            example
            for rule in report.rules
            for example in (*rule.examples_gained, *rule.examples_lost, *rule.examples_moved)
        )
        return Looked(msgspec.json.encode(report), tuple(dict.fromkeys(example.call_id for example in examples)))
