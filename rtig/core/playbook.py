"""Articles, triggers, checklists, weights and thresholds, compiled once, immutable, named by their content.

`Source` is a playbook as its authors mean it, plain data that any loader can build. `Playbook` is what the fold works
with: every phrase in one automaton, and for every phrase the conditions that wait for it.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from rtig.core.frustration import Signal, Temper
from rtig.core.phrases import Automaton
from rtig.core.policy import Attention
from rtig.core.sentiment import Analyzer, Sentiment
from rtig.core.triggers import (
    Clause,
    MoodAt,
    NotSaid,
    PartyWanted,
    Rule,
    Said,
    Silence,
)


class SignalSource(Struct, frozen=True):
    signal: Signal
    said: tuple[str, ...]


class StepSource(Struct, frozen=True):
    id: str
    text: str
    said: tuple[str, ...]
    party: PartyWanted = "agent"


class ChecklistSource(Struct, frozen=True):
    """`opened_by` empty: there from the start of the call."""

    id: str
    title: str
    steps: tuple[StepSource, ...]
    opened_by: tuple[str, ...] = ()
    party: PartyWanted = "customer"


class Source(Struct, frozen=True, kw_only=True):
    """A playbook as its authors mean it."""

    name: str
    language: str = "en"
    attention: Attention = Attention()
    temper: Temper = Temper()
    rules: tuple[Rule, ...] = ()
    checklists: tuple[ChecklistSource, ...] = ()
    signals: tuple[SignalSource, ...] = ()
    valence: dict[str, float] = {}


class ClauseRef(NamedTuple):
    """One clause of one rule."""

    rule_id: str
    clause: int


class Playbook:
    """A compiled playbook. Never changes; shared by all calls."""

    def __init__(self, source: Source, analyzer: Analyzer) -> None:
        """Raises `PhraseError` for a phrase that cannot be read."""
        self.source = source
        self.name = source.name
        self.attention = source.attention
        self.temper = source.temper
        self.version = hashlib.sha256(msgspec.json.encode(source, order="deterministic")).hexdigest()[:12]
        self.sentiment = Sentiment(analyzer, source.valence)
        self.rules = {rule.id: rule for rule in source.rules}
        self.checklists = {checklist.id: checklist for checklist in source.checklists}
        self.signals = {part.signal.id: part for part in source.signals}

        self.phrases = tuple(sorted(set(_phrases(source))))
        self.phrase_numbers = {phrase: number for number, phrase in enumerate(self.phrases)}
        self.automaton = Automaton(self.phrases)

        clauses: dict[int, list[ClauseRef]] = {}
        self.mood_clauses: list[ClauseRef] = []
        self.shape_clauses: list[ClauseRef] = []
        self.timed_clauses: list[ClauseRef] = []
        silences: set[int] = set()
        for rule in source.rules:
            for index, clause in enumerate(rule.clauses):
                ref = ClauseRef(rule.id, index)
                for phrase in _clause_phrases(clause):
                    waiting = clauses.setdefault(self.phrase_numbers[phrase], [])
                    if ref not in waiting:
                        waiting.append(ref)
                match clause.condition:
                    case Said():
                        pass
                    case MoodAt():
                        self.mood_clauses.append(ref)
                    case NotSaid():
                        self.timed_clauses.append(ref)
                    case Silence():
                        self.timed_clauses.append(ref)
                        self.shape_clauses.append(ref)
                        silences.add(clause.condition.ms)
                    case _:
                        self.shape_clauses.append(ref)
        self.silences = tuple(sorted(silences))
        """How long nobody must have spoken, in ms, for any clause."""
        self.clauses_of_phrase = {number: tuple(refs) for number, refs in clauses.items()}
        self.signals_of_phrase = self._owners((part.signal.id, part.said) for part in source.signals)
        self.checklists_of_phrase = self._owners(
            (checklist.id, (*checklist.opened_by, *(p for step in checklist.steps for p in step.said)))
            for checklist in source.checklists
        )

    def clause(self, ref: ClauseRef) -> Clause:
        return self.rules[ref.rule_id].clauses[ref.clause]

    def _owners(self, owned: Iterable[tuple[str, Iterable[str]]]) -> dict[int, tuple[str, ...]]:
        table: dict[int, dict[str, None]] = {}
        for owner, phrases in owned:
            for phrase in phrases:
                table.setdefault(self.phrase_numbers[phrase], {})[owner] = None
        return {number: tuple(owners) for number, owners in table.items()}


def _clause_phrases(clause: Clause) -> Iterable[str]:
    if isinstance(clause.condition, Said | NotSaid):
        yield from clause.condition.phrases
    yield from clause.unless
    yield from clause.done


def _phrases(source: Source) -> Iterable[str]:
    for rule in source.rules:
        for clause in rule.clauses:
            yield from _clause_phrases(clause)
    for checklist in source.checklists:
        yield from checklist.opened_by
        for step in checklist.steps:
            yield from step.said
    for part in source.signals:
        yield from part.said
