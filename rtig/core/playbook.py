"""Articles, triggers, checklists, weights and thresholds, compiled once, immutable, named by their content.

`Source` is a playbook as its authors mean it, plain data that any loader can build. `Playbook` is what the fold works
with: every phrase in one matcher, and for every phrase the conditions that wait for it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from rtig.core.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Leaf,
    Means,
    Monologue,
    MoodAt,
    NotSaid,
    OnHold,
    PartyWanted,
    Said,
    SaidAgain,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
    Tolerance,
    parts,
    waits,
)
from rtig.core.events import Party
from rtig.core.frustration import Signal, Temper
from rtig.core.language import Language
from rtig.core.matcher import Matcher, Spoken
from rtig.core.phrases import parse, slots_of
from rtig.core.policy import Attention
from rtig.core.sentiment import Analyzer, Sentiment
from rtig.core.slots import BUILT_IN, Kind, OneOf, Pattern
from rtig.core.triggers import Clause, Rule, StepSource


class SignalSource(Struct, frozen=True):
    signal: Signal
    said: tuple[str, ...]


class ChecklistSource(Struct, frozen=True):
    """`opened_by` empty: there from the start of the call."""

    id: str
    title: str
    steps: tuple[StepSource, ...]
    opened_by: tuple[str, ...] = ()
    party: PartyWanted = "customer"


class SlotSource(Struct, frozen=True, kw_only=True):
    """A value that the call keeps once it was said. It is captured by any phrase that holds it in braces."""

    id: str
    kind: str
    """`list`, `pattern`, or a kind of `rtig.core.slots.BUILT_IN`."""
    values: dict[str, tuple[str, ...]] = {}
    """Of a list: each value, and the ways to say it."""
    pattern: str = ""
    said: tuple[str, ...] = ()
    """Phrases that capture it and call for nothing else."""
    party: PartyWanted = "customer"
    when: Condition | None = None
    """Captured only where this holds."""


class MeaningSource(Struct, frozen=True, kw_only=True):
    """What a model is to understand: sentences that mean it, or a description."""

    id: str
    rule: str
    """The rule that waits for it, or the slot."""
    examples: tuple[str, ...] = ()
    party: PartyWanted = "customer"
    competes: bool = False
    """One of several articles: of one utterance the likeliest of these is meant, and no other."""
    queues: tuple[str, ...] = ()
    """Those of its rule; empty: every queue."""


class Source(Struct, frozen=True, kw_only=True):
    """A playbook as its authors mean it."""

    name: str
    language: str = "en"
    attention: Attention = Attention()
    temper: Temper = Temper()
    rules: tuple[Rule, ...] = ()
    checklists: tuple[ChecklistSource, ...] = ()
    signals: tuple[SignalSource, ...] = ()
    slots: tuple[SlotSource, ...] = ()
    meanings: tuple[MeaningSource, ...] = ()
    negatives: tuple[str, ...] = ()
    """What means none of the meanings, beside what is shipped."""
    false_alarms: float = 1.0
    """Of 100 utterances that mean nothing of interest, how many may call for a card."""
    valence: dict[str, float] = {}


class ClauseRef(NamedTuple):
    """One clause of one rule."""

    rule_id: str
    clause: int


class Playbook:
    """A compiled playbook. Never changes; shared by all calls."""

    def __init__(self, source: Source, analyzer: Analyzer, language: Language | None = None) -> None:
        """Raises `PhraseError` for a phrase that cannot be read."""
        self.source = source
        self.name = source.name
        self.attention = source.attention
        self.temper = source.temper
        self.version = _hash(source)
        self.sentiment = Sentiment(analyzer, source.valence)
        self.lexicon = _hash((source.language, source.valence))
        """Names what words are read by."""
        self.rules = {rule.id: rule for rule in source.rules}
        self.checklists = {checklist.id: checklist for checklist in source.checklists}
        self.signals = {part.signal.id: part for part in source.signals}
        self.slots = {slot.id: slot for slot in source.slots}
        self.meanings = {meaning.id: meaning for meaning in source.meanings}
        self.meanings_version = _hash((source.meanings, source.negatives, source.false_alarms))
        """Names what a model must have been told for its readings of meaning to count."""

        self.phrases = tuple(sorted(set(_phrases(source))))
        self._numbers = {spoken: number for number, spoken in enumerate(self.phrases)}
        self._numbered: dict[tuple[tuple[str, ...], Tolerance], tuple[tuple[int, str], ...]] = {}
        self.language = language or Language(source.language)
        self.matcher = Matcher(self.phrases, self.language, _kinds(source.slots))
        self.phrases_of_slot = self._phrases_of_slots()
        self.phrases_with_slots = frozenset(number for numbers in self.phrases_of_slot.values() for number in numbers)
        self.picky = self.phrases_with_slots | self.matcher.bans.keys()
        """Phrases of which some places may not count; see `Call.standing`."""
        self.banned = {ban: number for number, ban in self.matcher.bans.items()}
        """Of what must not follow a phrase: that phrase."""
        self.slots_of_clause: dict[ClauseRef, tuple[str, ...]] = {}
        """The slots that a clause asks for, those of its slots included."""

        clauses: dict[int, dict[ClauseRef, None]] = {}
        meant: dict[str, dict[ClauseRef, None]] = {}
        self.mood_clauses: list[ClauseRef] = []
        self.shape_clauses: dict[type[Leaf], list[ClauseRef]] = {}
        """By the condition for which they look at the shape."""
        self.hold_clauses: list[ClauseRef] = []
        self.timed_clauses: list[ClauseRef] = []
        self.silence_clauses: list[ClauseRef] = []
        """Those of the timed ones that wait for a silence and for something else at once."""
        patient: set[ClauseRef] = set()
        calling: dict[int, dict[ClauseRef, None]] = {}
        silences: set[int] = set()
        plain_silences: set[int] = set()
        for rule in source.rules:
            for index, clause in enumerate(rule.clauses):
                ref = ClauseRef(rule.id, index)
                for number in self._phrases_of(clause):
                    clauses.setdefault(number, {})[ref] = None
                leaves = list(self._leaves(clause.condition))
                asked = dict.fromkeys(
                    leaf.slot for leaf in leaves if isinstance(leaf, SlotIs) and leaf.slot in self.slots
                )
                if asked:
                    self.slots_of_clause[ref] = tuple(asked)
                for leaf in leaves:
                    if isinstance(leaf, Means):
                        meant.setdefault(leaf.meaning, {})[ref] = None
                    elif isinstance(leaf, Silence):
                        silences.add(leaf.ms)
                for kind in (SaidAgain, Silence, TalkOver, Monologue, TalkShare):
                    if any(isinstance(leaf, kind) for leaf in leaves):
                        self.shape_clauses.setdefault(kind, []).append(ref)
                for kinds, into in (((MoodAt, ScoreAt), self.mood_clauses), ((OnHold, Silence), self.hold_clauses)):
                    if any(isinstance(leaf, kinds) for leaf in leaves):
                        into.append(ref)
                if waits(clause.condition):
                    self.timed_clauses.append(ref)
                    if not any(isinstance(leaf, Silence) for leaf in leaves):
                        patient.add(ref)
                    elif (plain := _plain_silences(clause.condition)) is not None:
                        plain_silences.update(plain)
                    else:
                        self.silence_clauses.append(ref)
                if any(isinstance(part, Said | SaidAgain | Means) for part in parts(clause.condition)):
                    for number in self._calling_phrases(clause.condition):
                        calling.setdefault(number, {})[ref] = None
        silent = self.shape_clauses.get(Silence, ())
        self.silent_alerts = any(self.rules[ref.rule_id].to == "supervisors" for ref in silent)
        """Whether some alert waits for a silence, which words may end that are not final."""
        self.deadline_clauses = frozenset(patient)
        """Those that wait for the clock, and for no silence."""
        self.plain_silences = tuple(sorted(plain_silences))
        """How long nobody must have spoken, in ms, for the timed clauses for which that is enough."""
        self.silences = tuple(sorted(silences))
        """How long nobody must have spoken, in ms, for any clause."""
        self.clauses_of_phrase = {number: tuple(refs) for number, refs in clauses.items()}
        self.clauses_called = {number: tuple(refs) for number, refs in calling.items()}
        """The clauses of words that a phrase can make true, not only untrue."""
        self.clauses_of_meaning = {meaning: tuple(refs) for meaning, refs in meant.items()}
        self.signals_of_phrase = self._owners((part.signal.id, part.said) for part in source.signals)
        self.steps_of_phrase = self._owners((rule.id, step.said) for rule in source.rules for step in rule.steps)
        """The rules of which some step a phrase ticks."""
        self.checklists_of_phrase = self._owners(
            (one.id, said) for one in source.checklists for said in (one.opened_by, *(step.said for step in one.steps))
        )
        self.rules_with_steps = frozenset(rule.id for rule in source.rules if any(step.said for step in rule.steps))
        """Those whose cards have steps that tick themselves."""

    @cached_property
    def parties_read(self) -> tuple[Party, ...]:
        """Whose utterances a model is asked about for what they mean."""
        wanted = {meaning.party for meaning in self.meanings.values()}
        return tuple(party for party in ("customer", "agent") if party in wanted or "any" in wanted)

    def clause(self, ref: ClauseRef) -> Clause:
        return self.rules[ref.rule_id].clauses[ref.clause]

    def number(self, phrase: str, tolerance: Tolerance = "asr") -> int:
        """The number under which a phrase is matched."""
        return self._numbers[Spoken(phrase, tolerance == "asr")]

    def numbers(self, phrases: tuple[str, ...], tolerance: Tolerance = "asr") -> tuple[tuple[int, str], ...]:
        """Phrases with the numbers under which they are matched; looked up once."""
        known = self._numbered.get((phrases, tolerance))
        if known is None:
            known = tuple((self.number(phrase, tolerance), phrase) for phrase in phrases)
            self._numbered[phrases, tolerance] = known
        return known

    def tables(self) -> list[dict[Any, Any] | list[Any]]:
        """What is big in it, for whoever lets go of it bit by bit."""
        return [
            list(self.source.rules), self.rules, self._numbers, self.clauses_of_phrase, *self.matcher.tables(),
        ]  # fmt: skip

    def _phrases_of(self, clause: Clause) -> Iterator[int]:
        """Numbers of all phrases that a clause may depend on, those of its slots and what bans them included."""
        for spoken in _clause_phrases(clause):
            yield from self._with_ban(self._numbers[spoken])
        for leaf in self._leaves(clause.condition):
            if isinstance(leaf, SlotIs):
                for number in self.phrases_of_slot.get(leaf.slot, ()):
                    yield from self._with_ban(number)
            for spoken in _condition_phrases(leaf):
                yield from self._with_ban(self._numbers[spoken])

    def _calling_phrases(self, condition: Condition) -> Iterator[int]:
        """Numbers of the phrases that a condition waits for, those of its slots included, and not for their absence."""
        match condition:
            case AllOf() | AnyOf():
                for part in condition.parts:
                    yield from self._calling_phrases(part)
            case Said() | SaidAgain():
                yield from (self.number(phrase, condition.tolerance) for phrase in condition.phrases)
            case SlotIs():
                yield from self.phrases_of_slot.get(condition.slot, ())
            case _:
                pass

    def _leaves(self, condition: Condition, passed: frozenset[str] = frozenset()) -> Iterator[Leaf]:
        """The simple conditions that a condition depends on, those of its slots included."""
        for leaf in parts(condition):
            yield leaf
            if isinstance(leaf, SlotIs) and leaf.slot in self.slots and leaf.slot not in passed:
                when = self.slots[leaf.slot].when
                if when is not None:
                    yield from self._leaves(when, passed | {leaf.slot})

    def _with_ban(self, number: int) -> Iterator[int]:
        yield number
        if number in self.matcher.bans:
            yield self.matcher.bans[number]

    def _phrases_of_slots(self) -> dict[str, tuple[int, ...]]:
        table: dict[str, list[int]] = {}
        for number, spoken in enumerate(self.phrases):
            for slot in slots_of(parse(spoken.phrase)) if "{" in spoken.phrase else ():
                table.setdefault(slot, []).append(number)
        return {slot: tuple(numbers) for slot, numbers in table.items()}

    def _owners(self, owned: Iterable[tuple[str, Iterable[str]]]) -> dict[int, tuple[str, ...]]:
        table: dict[int, dict[str, None]] = {}
        for owner, phrases in owned:
            for phrase in phrases:
                for number in self._with_ban(self.number(phrase)):
                    table.setdefault(number, {})[owner] = None
        return {number: tuple(owners) for number, owners in table.items()}


def _hash(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:12]


def _kinds(slots: Iterable[SlotSource]) -> dict[str, Kind]:
    made: dict[str, Kind] = {}
    for slot in slots:
        if slot.kind == "list":
            made[slot.id] = OneOf(slot.values)
        elif slot.kind == "pattern":
            made[slot.id] = Pattern(slot.pattern)
        else:
            made[slot.id] = BUILT_IN[slot.kind]
    return made


def _condition_phrases(condition: Condition) -> Iterator[Spoken]:
    for part in parts(condition):
        if isinstance(part, Said | NotSaid | SaidAgain):
            for phrase in part.phrases:
                yield Spoken(phrase, part.tolerance == "asr")


def _plain_silences(condition: Condition) -> list[int] | None:
    """How long the silences are that alone are enough for a condition; None where the clock can meet it otherwise."""
    match condition:
        case Silence():
            return [condition.ms]
        case AnyOf():
            waiting = [_plain_silences(part) for part in condition.parts if waits(part)]
            return [ms for plain in waiting if plain for ms in plain] if None not in waiting else None
        case _:
            return None


def _clause_phrases(clause: Clause) -> Iterator[Spoken]:
    yield from _condition_phrases(clause.condition)
    for phrase in (*clause.unless, *clause.done):
        yield Spoken(phrase)


def _phrases(source: Source) -> Iterator[Spoken]:
    for rule in source.rules:
        for clause in rule.clauses:
            yield from _clause_phrases(clause)
        for step in rule.steps:
            yield from map(Spoken, step.said)
    for checklist in source.checklists:
        yield from map(Spoken, checklist.opened_by)
        for step in checklist.steps:
            yield from map(Spoken, step.said)
    for part in source.signals:
        yield from map(Spoken, part.said)
    for slot in source.slots:
        yield from map(Spoken, slot.said)
        if slot.when is not None:
            yield from _condition_phrases(slot.when)
