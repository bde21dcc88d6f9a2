"""Triggers as a rule function of Contact Lens: what `import_contact_lens` makes of one, the other way round."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rtig.core.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Means,
    MoodAt,
    Not,
    NotSaid,
    OnHold,
    PartyWanted,
    Said,
    Silence,
    TalkOver,
)
from rtig.core.phrases import parse
from rtig.core.playbook import MeaningSource
from rtig.core.triggers import Rule
from rtig.knowledge.import_contact_lens_rows import MARKS, Node, row_of

Kind = Literal["PostCall", "RealTimeCall", "PostChat", "RealTimeChat"]
"""When a rule is held against a contact, and of which kind."""


def exported(
    rules: Sequence[Rule],
    meanings: Mapping[str, MeaningSource],
    kind: Kind = "RealTimeCall",
    language: str = "EN",
) -> Node:
    """The function of the rule that some triggers say together. Raises `ValueError` where no rule says such a thing.

    `tolerance` has no equal in Contact Lens and is left out.
    """
    exporting = _Exporting(meanings, kind, language)
    parts = [exporting.rule(rule) for rule in rules]
    whole = parts[0] if len(parts) == 1 else {"Operator": "OR", "Operands": parts}
    top = whole if whole["Operator"] in ("AND", "OR") else {"Operator": "AND", "Operands": [whole]}
    return {"Version": "2022-11-25", "RuleFunction": top}


class _Exporting:
    def __init__(self, meanings: Mapping[str, MeaningSource], kind: Kind, language: str) -> None:
        self._meanings = meanings
        self._kind = kind
        self._language = language

    def rule(self, rule: Rule) -> Node:
        parts = [self._condition(clause.condition, clause.unless) for clause in rule.clauses]
        condition = parts[0] if len(parts) == 1 else {"Operator": "OR", "Operands": parts}
        scope = [
            self._leaf(figure, "CONTAINS_ANY", list(names), filters=None)
            for figure, names in (("Queue.QueueId", rule.queues), ("Agent.HierarchyGroup.ARN", rule.teams))
            if names
        ]
        return {"Operator": "AND", "Operands": [*scope, condition]} if scope else condition

    def _condition(self, condition: Condition, unless: Sequence[str] = ()) -> Node:
        match condition:
            case AllOf() | AnyOf():
                operator = "AND" if isinstance(condition, AllOf) else "OR"
                return {"Operator": operator, "Operands": [self._condition(part) for part in condition.parts]}
            case Not():
                return {**self._condition(condition.part), "Negate": True}
            case Said(past_ms=None):
                return self._said(condition.phrases, condition.party, condition.first_ms, condition.lasting_ms, unless)
            case NotSaid():
                said = self._said(condition.phrases, condition.party, condition.within_ms, None)
                return {**said, "Negate": True}
            case Means():
                examples = list(self._meanings[condition.meaning].examples)
                filters = self._filters(condition.party, None, condition.lasting_ms)
                return self._leaf("SemanticMatch.Transcript", "CONTAINS_ANY", examples, filters)
            case MoodAt(band="tense"):
                filters = self._filters("customer", None, condition.for_ms)
                return self._leaf("Sentiment.State", "EQUALS", ["NEGATIVE"], filters)
            case TalkOver():
                return self._at_least("Interruptions.Instances", condition.times)
            case Silence():
                return self._at_least("NonTalkTime.LongestTimeSecs", condition.ms // 1000)
            case OnHold():
                return self._at_least("Agent.LongestHoldDurationSecs", condition.ms // 1000)
            case _:
                raise ValueError(f"no rule of Contact Lens says {type(condition).__name__}")

    def _said(
        self,
        phrases: Sequence[str],
        party: PartyWanted,
        first_ms: int | None,
        past_ms: int | None,
        unless: Sequence[str] = (),
    ) -> Node:
        filters = self._filters(party, first_ms, past_ms)
        if not unless and not any(mark in phrase for phrase in phrases for mark in MARKS):
            return self._leaf("ExactMatch.Transcript", "CONTAINS_ANY", list(phrases), filters)
        rows = [row_of(row, within=not unless) for phrase in unless or phrases for row in parse(phrase).rows]
        filters.append({"Type": "PatternMatchLanguageFilter", "Data": self._language})
        return self._leaf("PatternMatch.Transcript", "CONTAINS_ANY", rows, filters)

    def _at_least(self, figure: str, number: int) -> Node:
        return self._leaf(figure, "NumberGreaterOrEqualTo", [number], filters=None)

    def _leaf(self, figure: str, operator: str, operands: list[Any], filters: list[Node] | None) -> Node:
        return {
            "Operator": operator,
            "Operands": operands,
            "ComparisonValue": f"$.ContactLens.{self._kind}.{figure}",
            **({"FilterClause": {"LogicOperator": "AND", "Filters": filters}} if filters is not None else {}),
            "Negate": False,
        }

    def _filters(self, party: PartyWanted, first_ms: int | None, past_ms: int | None) -> list[Node]:
        periods = {"First": first_ms, "Past": past_ms}
        return [
            *(
                {"Type": f"{self._kind}ContactPeriodSeconds", "Data": {which: ms // 1000}}
                for which, ms in periods.items()
                if ms is not None
            ),
            {"Type": "ParticipantRole", "Data": party.upper()},
        ]
