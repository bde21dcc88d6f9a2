"""Rules of Amazon Connect's Contact Lens as triggers; `exported` makes rule functions of triggers again.

Contact Lens looks at a contact as a whole, mostly when it is over; a trigger looks at a call while it goes on. What is
known at the end only (its last seconds, a total, that something was never said) is refused by name. A rule of which a
part was refused fires at most where the whole one would: an OR may lose an alternative, an AND none of its conditions.

The grammar is that of the Rules Function language, version 2022-11-25, as Connect's API reference has it; what words
and phrases match is in its administrator guide, under "Use a Word or phrase condition".

    ExactMatch   `said`, its words as they are. The guide has them match "in singular or plural"; rtig takes another
                 ending for the same word only where the rest of the phrase speaks for it (`tolerance: asr`)
    PatternMatch `said` with lists, stems and gaps. A row is always written with a mark of the phrase language, in
                 brackets where it needs none, so that it can be told from an ExactMatch
    PROXIMITY    `~N~`. The guide speaks of words within a distance "from" each other and of no order, and its N is
                 taken as the words in between, which is the wider reading
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from rtig.core.conditions import PartyWanted, Tolerance
from rtig.errors import PlaybookError
from rtig.knowledge.export_contact_lens import exported
from rtig.knowledge.import_contact_lens_rows import pattern
from rtig.knowledge.imported import (
    Making,
    Record,
    Refused,
    Written,
    beyond,
    files,
    records,
    same_language,
    shaped,
    slug,
    spoken,
)

__all__ = ["exported", "imported"]

_SOURCES = {
    "OnPostCallAnalysisAvailable": "voice",
    "OnRealTimeCallAnalysisAvailable": "voice",
    "OnPostChatAnalysisAvailable": "chat",
    "OnRealTimeChatAnalysisAvailable": "chat",
}
_FIGURE = re.compile(r"\$\.ContactLens\.(PostCall|RealTimeCall|PostChat|RealTimeChat)\.(.+)")
_ENDS = "the end of a call is not known while it goes on"
_NEVER = "that something was never said is known at the end of a call only; with `First` it is known in time"
_WHOLE_CALL = "240m"
"""Contact Lens counts over the whole contact: longer than any call."""
_MOST_TALK_OVER = 100
_REFUSED = {
    "Sentiment.OverallScore": "a score of the whole contact is known when it is over",
    "Sentiment.Score.Beginning": "a quarter of a contact is known when it is over",
    "Sentiment.Score.End": "a quarter of a contact is known when it is over",
    "SemanticMatch.Phrase": "a statement about the whole contact is judged when it is over",
    "NonTalkTime.TotalTimeSecs": "silences are not added up; `silence` waits for one long one",
    "Agent.NonTalkTimePct": "a share of the whole contact is known when it is over",
    "Agent.CustomerHoldDurationPct": "a share of the whole contact is known when it is over",
    "Agent.CustomerHoldDurationSecs": "times on hold are not added up; `hold` waits for one long one",
    "Agent.NumberOfHolds": "times on hold are not counted",
    "Agent.AgentInteractionDurationSecs": "how long a call takes is known when it is over",
    "Agent.AfterContactWorkDurationSecs": "what comes after a call is not followed",
    "Agent.AgentId": "triggers can be kept to queues, teams and channels, not to one agent",
    "Agent.RoutingProfile": "a routing profile is not told to rtig",
    "Agent.RoutingProfile.ARN": "a routing profile is not told to rtig",
    "TalkTime.TotalTimeSecs": "talk is not added up; `talk_share` and `monologue` look at it as it goes on",
    "Loudness.HighestLoudnessScore": "only the words of a call are heard, not its sound",
    "InitiationMethod": "how a contact began is not told to rtig",
    "DisconnectReason": _ENDS,
    "PotentialDisconnectIssue": _ENDS,
    "AiAgent.IdWithVersion": "other assistants are not told to rtig",
    "ResponseTime.Agent.FirstResponseTimeSecs": "how fast an agent answers in a chat is not followed",
    "ResponseTime.Agent.AverageTimeSecs": "how fast an agent answers in a chat is not followed",
    "ResponseTime.Agent.LongestTimeSecs": "how fast an agent answers in a chat is not followed",
}
_REFUSED_FAMILIES = {
    "ContactAttribute": "a contact's attributes are not told to rtig",
    "SegmentAttributes": "a contact's attributes are not told to rtig",
}
_ROLES: dict[str, PartyWanted] = {"CUSTOMER": "customer", "AGENT": "agent", "ANY": "any"}


class RuleFile(Struct, rename="pascal"):
    """What `CreateRule` takes and `DescribeRule` gives, as far as it says something about a call."""

    name: Annotated[str, Meta(min_length=1)]
    function: str | dict[str, Any]
    trigger_event_source: dict[str, Any] = {}
    actions: list[dict[str, Any]] = []
    publish_status: str = "PUBLISHED"


_BOOKKEEPING = (
    "RuleId", "RuleArn", "CreatedTime", "LastUpdatedTime", "LastUpdatedBy", "InstanceId", "ClientToken", "Tags",
)  # fmt: skip


def imported(paths: Sequence[Path], *, language: str = "en", tolerance: Tolerance = "asr") -> Making:
    """Files of one rule each, or folders of them. Raises `PlaybookError` or `WorldError` where one cannot be read."""
    making = Making("Contact Lens rules", language)
    for path in files(paths, ".json", ".jsonl"):
        for record in records(path):
            for place, value in _rules_in(record):
                _one(making, path, place, value, tolerance)
    return making


def _rules_in(record: Record) -> Iterator[tuple[str, Record]]:
    """A rule by itself, in a list, or as `DescribeRule` wraps it."""
    listed = record.value if isinstance(record.value, list) else [record.value]
    for index, value in enumerate(listed):
        inner = value["Rule"] if isinstance(value, dict) and isinstance(value.get("Rule"), dict) else value
        yield (f"$[{index}]" if isinstance(record.value, list) else "$"), Record(record.line, inner)


def _one(making: Making, path: Path, place: str, record: Record, tolerance: Tolerance) -> None:
    rule = shaped(path, record, RuleFile, place)
    event = str(rule.trigger_event_source.get("EventSourceName", "OnRealTimeCallAnalysisAvailable"))
    if event not in _SOURCES:
        making.refuse(rule.name, "rtig follows calls and chats and nothing else", event)
        return
    function = _read(path, record.line, rule)
    translating = _Translating(making.language, tolerance)
    triggers = translating.triggers(function)
    for part, reason in translating.refused:
        making.refuse(rule.name, reason, part)
    if triggers:
        made = [
            {
                "id": making.claim(slug(rule.name) or "rule"),
                "title": rule.name,
                **trigger,
                **translating.scope,
                "channels": [_SOURCES[event]],
                **({"status": "draft"} if rule.publish_status == "DRAFT" else {}),
            }
            for trigger in triggers
        ]
        making.triggers(made[0]["id"], made)
        making.imported(rule.name, ", ".join(trigger["id"] for trigger in made), _notes(event, translating.notes))
    for action in rule.actions:
        kind = str(action.get("ActionType", ""))
        if kind != "ASSIGN_CONTACT_CATEGORY":  # which is what the card itself is
            making.refuse(rule.name, "a trigger shows a card and does nothing else", f"action {kind}")
    for key in beyond(record.value, RuleFile, *_BOOKKEEPING):
        making.refuse(rule.name, "this is not known to the importer", key)


def _notes(event: str, notes: Sequence[str]) -> list[str]:
    late = ["a rule for when the contact is over; here it fires while it goes on"] if "Post" in event else []
    return [*late, *dict.fromkeys(notes)]


# --- the function, read


class _Group(NamedTuple):
    """AND or OR of several conditions."""

    operator: Literal["AND", "OR"]
    parts: "tuple[_Group | _Leaf, ...]"
    negated: bool


class _Leaf(NamedTuple):
    """One condition: a figure of the contact, as in `ExactMatch.Transcript`, and what it is compared with."""

    figure: str
    operator: str
    operands: tuple[Any, ...]
    filters: tuple[tuple[str, Any], ...]
    negated: bool

    @property
    def name(self) -> str:
        """As the report names it; without the operands where they are phrases."""
        simple = [str(value) for value in self.operands if isinstance(value, int | float)]
        if self.figure == "Sentiment.State":
            simple = [str(value) for value in self.operands]
        return " ".join([*(["not"] if self.negated else []), self.figure, *simple])


def _read(path: Path, line: int, rule: RuleFile) -> _Group | _Leaf:
    """The function of a rule, checked for its shape. Raises `PlaybookError`."""
    function: Any = rule.function
    if isinstance(function, str):
        try:
            function = json.loads(function)
        except json.JSONDecodeError as error:
            raise PlaybookError(
                str(path), line, 1, f"`Function` of {rule.name} is not JSON: {error.msg} (character {error.pos + 1})"
            ) from None

    def wrong(place: str, problem: str) -> PlaybookError:
        return PlaybookError(str(path), line, 1, f"`{place}` of {rule.name} {problem}")

    if not isinstance(function, dict) or not isinstance(function.get("RuleFunction"), dict):
        raise wrong("Function", "has no `RuleFunction`")
    return _node(function["RuleFunction"], "RuleFunction", wrong)


def _node(value: Any, place: str, wrong: Callable[[str, str], PlaybookError]) -> _Group | _Leaf:
    if not isinstance(value, dict):
        raise wrong(place, "is not an object")
    operator, operands = value.get("Operator"), value.get("Operands", [])
    if not isinstance(operator, str):
        raise wrong(f"{place}.Operator", "is not a text")
    if not isinstance(operands, list):
        raise wrong(f"{place}.Operands", "is not a list")
    negated = value.get("Negate", False) is True
    compared = value.get("ComparisonValue")
    if operator in ("AND", "OR") and compared is None:
        if not operands:
            raise wrong(f"{place}.Operands", "is empty")
        parts = tuple(_node(part, f"{place}.Operands[{index}]", wrong) for index, part in enumerate(operands))
        return _Group("AND" if operator == "AND" else "OR", parts, negated)
    if not isinstance(compared, str):
        raise wrong(f"{place}.ComparisonValue", "is not a text")
    found = _FIGURE.fullmatch(compared)
    filters = tuple(_filters(value.get("FilterClause"), f"{place}.FilterClause", wrong))
    return _Leaf(found[2] if found else compared, operator, tuple(operands), filters, negated)


def _filters(clause: Any, place: str, wrong: Callable[[str, str], PlaybookError]) -> Iterator[tuple[str, Any]]:
    if clause is None:
        return
    filters = clause.get("Filters", []) if isinstance(clause, dict) else clause
    if not isinstance(filters, list):
        raise wrong(place, "is not a list of filters")
    for index, one in enumerate(filters):
        if not isinstance(one, dict) or not isinstance(one.get("Type"), str):
            raise wrong(f"{place}.Filters[{index}]", "has no `Type`")
        yield one["Type"], one.get("Data")


# --- the function, translated


class _Hearing(NamedTuple):
    """Who must have said it, and when, as the filters of a condition have it."""

    party: PartyWanted = "any"
    first: int | None = None
    past: int | None = None
    period: str = ""
    """The filter that says when, as the report names it."""


class _Translating:
    """One rule on its way to being a trigger."""

    def __init__(self, language: str, tolerance: Tolerance) -> None:
        self.refused: list[tuple[str, str]] = []
        self.notes: list[str] = []
        self.scope: Written = {}
        """Queues and teams, which belong to the trigger and not to its condition."""
        self._language = language
        self._tolerance = tolerance
        self._apart: list[Written] = []
        """Triggers of their own: what `unless` takes back would take back the whole rule otherwise."""

    def triggers(self, function: _Group | _Leaf) -> list[Written]:
        condition = self._condition(function, positive=True, alone=True, top=True)
        found = [condition] if condition else []
        if condition == {} and not self._apart:
            self.refused.append((" and ".join(self.scope), "there is nothing else that the rule waits for"))
        return [*found, *self._apart]

    def _condition(self, node: _Group | _Leaf, *, positive: bool, alone: bool, top: bool) -> Written | None:
        """A condition as it is written; empty where it went into the scope, None where it was refused.

        `positive`: not under a negation. `alone`: nothing beside it must hold too. `top`: it holds for the whole rule.
        """
        if isinstance(node, _Leaf):
            return self._leaf(node, positive=positive, alone=alone, top=top)
        inside = positive != node.negated
        every = (node.operator == "AND") == inside or len(node.parts) == 1
        parts = [
            self._condition(
                part,
                positive=inside,
                alone=alone and inside and (not every or len(node.parts) == 1),
                top=top and inside and every,
            )
            for part in node.parts
        ]
        kept = [part for part in parts if part]
        name = f"{node.operator} of {len(node.parts)} conditions"
        if every and None in parts:
            if kept:
                self.refused.append((name, "the others hold only together with what was refused"))
            return None
        if not kept:
            return {} if {} in parts else None
        joined = kept[0] if len(kept) == 1 else {"all" if node.operator == "AND" else "any": kept}
        whole = _negated(joined) if node.negated else joined
        if alone and not _begins(whole):
            self.refused.append((name, _NEVER))
            return None
        return whole

    def _leaf(self, leaf: _Leaf, *, positive: bool, alone: bool, top: bool) -> Written | None:
        inside = positive != leaf.negated
        try:
            if leaf.figure in _SCOPES:
                self._narrow(leaf, top=top)
                return {}
            condition = self._translated(leaf, inside, alone)
            if not condition or not leaf.negated:
                return condition
            condition = _negated(condition)
            if alone and not _begins(condition):
                raise Refused(_NEVER)
            return condition
        except Refused as refused:
            self.refused.append((", ".join(filter(None, (leaf.name, refused.part))), refused.reason))
            return None

    def _translated(self, leaf: _Leaf, inside: bool, alone: bool) -> Written:
        match leaf.figure, leaf.operator:
            case "ExactMatch.Transcript", "CONTAINS_ANY":
                hearing = self._hearing(leaf)
                return self._said(self._literals(leaf, inside), hearing)
            case "PatternMatch.Transcript", "CONTAINS_ANY":
                hearing = self._hearing(leaf)
                rows = self._rows(leaf, inside, alone and not leaf.negated, hearing)
                return self._said(rows, hearing) if rows else {}
            case "SemanticMatch.Transcript", "CONTAINS_ANY":
                return self._means(leaf)
            case "Sentiment.State", "EQUALS":
                return self._mood(leaf)
            case "Interruptions.Instances", "NumberGreaterOrEqualTo":
                times = _number(leaf, _MOST_TALK_OVER)
                self.notes.append("counted are the agent's interruptions alone")
                return {"talk_over": times, "within": _WHOLE_CALL}
            case "NonTalkTime.LongestTimeSecs", "NumberGreaterOrEqualTo":
                return {"silence": f"{_number(leaf)}s"}
            case "Agent.LongestHoldDurationSecs", "NumberGreaterOrEqualTo":
                return {"hold": f"{_number(leaf)}s"}
            case figure, "NumberLessOrEqualTo" if figure in _GROWING:
                raise Refused("that there were not more of it is known at the end of a call only", leaf.operator)
            case figure, operator:
                family = _REFUSED_FAMILIES.get(figure.partition(".")[0])
                reason = _REFUSED.get(figure, family)
                raise Refused(reason or f"this is not known to the importer, with {operator}")

    # --- where

    def _narrow(self, leaf: _Leaf, *, top: bool) -> None:
        """Keep the trigger to some queues or teams, by the ids that they have in Connect."""
        key = _SCOPES[leaf.figure]
        values = [value for value in leaf.operands if isinstance(value, str) and value]
        if leaf.negated:
            raise Refused(f"`{key}` names where a trigger holds, not where it does not")
        if not values or leaf.operator != "CONTAINS_ANY":
            raise Refused(f"`{key}` needs a name")
        if not top:
            raise Refused(f"`{key}` goes with a whole trigger, not with one of its conditions")
        if key in self.scope:
            raise Refused(f"a trigger has one list of `{key}`")
        self.scope[key] = values
        self.notes.append(f"its {key} are called by their ids in Connect, as the source must call them then")

    # --- who and when

    def _hearing(self, leaf: _Leaf) -> _Hearing:
        roles: set[PartyWanted] = set()
        hearing = _Hearing()
        for kind, data in leaf.filters:
            if kind == "ParticipantRole" and isinstance(data, str) and data in _ROLES:
                roles.add(_ROLES[data])
            elif kind == "PatternMatchLanguageFilter":
                tags = data if isinstance(data, list) else [data]
                if not any(same_language(str(tag), self._language) for tag in tags):
                    raise Refused(
                        f"a knowledge base has one language, and this one's is `{self._language}`",
                        f"{kind} {' '.join(map(str, tags))}",
                    )
            elif kind.endswith("ContactPeriodSeconds") and isinstance(data, dict) and len(data) == 1:
                hearing = _period(hearing, kind, data)
            else:
                raise Refused("this is not known to the importer", f"{kind} {json.dumps(data)}")
        # Of both together, although the clause says AND: nobody is both.
        party: PartyWanted = next(iter(roles)) if len(roles) == 1 else "any"
        return hearing._replace(party=party)

    # --- what is said

    def _said(self, phrases: Sequence[str], hearing: _Hearing) -> Written:
        # Of the last seconds up to now, not from then on as `past` would have it.
        lasting = {"lasting": f"{hearing.past}s"} if hearing.past is not None else {}
        return {
            "said": list(dict.fromkeys(phrases)),
            "party": hearing.party,
            **({"first": f"{hearing.first}s"} if hearing.first is not None else {}),
            **lasting,
            **({"tolerance": "none"} if self._tolerance == "none" else {}),
        }

    def _literals(self, leaf: _Leaf, inside: bool) -> list[str]:
        phrases = []
        for literal in leaf.operands:
            phrase = spoken(literal) if isinstance(literal, str) else ""
            if phrase:
                phrases.append(phrase)
            else:
                self._without(leaf, inside, json.dumps(literal), "there are no words in it")
        if not phrases:
            raise Refused("there is nothing in it to be said")
        return phrases

    def _rows(self, leaf: _Leaf, inside: bool, alone: bool, hearing: _Hearing) -> list[str]:
        """The phrases of a PatternMatch. A row of words that are not near others makes a trigger of its own."""
        phrases: list[str] = []
        apart = False
        for row in leaf.operands:
            try:
                made = pattern(row, clamp=inside)
                if made.unless and not alone:
                    raise Refused(
                        "what takes a phrase back goes with a whole trigger, not with one of its conditions",
                        "PROXIMITY that is not within",
                    )
            except Refused as refused:
                self._without(leaf, inside, refused.part, refused.reason)
                continue
            self.notes += made.notes
            if made.unless:
                apart = True
                self._apart.append({**self._said(made.phrases, hearing), "unless": made.unless})
            else:
                phrases += made.phrases
        if not phrases and not apart:
            raise Refused("there is nothing left in it to be said")
        return phrases

    def _without(self, leaf: _Leaf, inside: bool, part: str, reason: str) -> None:
        """Leave a phrase out of a list; not out of one of which none may be said, for then it would fire too often."""
        if not inside:
            raise Refused(reason, part)
        self.refused.append((f"{leaf.name}, {part}", reason))

    def _means(self, leaf: _Leaf) -> Written:
        hearing = self._hearing(leaf)
        if hearing.first is not None:
            raise Refused("`first` goes with words that are said, not with what is meant", hearing.period)
        sentences = [value.strip() for value in leaf.operands if isinstance(value, str) and value.strip()]
        if not sentences:
            raise Refused("there is nothing in it to be meant")
        lasting = {"lasting": f"{hearing.past}s"} if hearing.past is not None else {}
        return {"means": list(dict.fromkeys(sentences)), "party": hearing.party, **lasting}

    def _mood(self, leaf: _Leaf) -> Written:
        hearing = self._hearing(leaf)
        if hearing.party != "customer":
            raise Refused("the customer's mood is followed, nobody else's")
        if list(leaf.operands) != ["NEGATIVE"]:
            raise Refused("there is no band of the mood for it; there are `tense`, `frustrated` and `critical`")
        if hearing.first is not None:
            raise Refused("a mood is what it is now: it has no `first`", hearing.period)
        if hearing.past is None:
            raise Refused("the sentiment of the whole contact is known when it is over; `mood: tense` would be near it")
        return {"mood": "tense", "for": f"{hearing.past}s"}


_GROWING = ("Interruptions.Instances", "NonTalkTime.LongestTimeSecs", "Agent.LongestHoldDurationSecs")
_SCOPES = {"Queue.QueueId": "queues", "Agent.HierarchyGroup.ARN": "teams"}


def _negated(condition: Written) -> Written:
    """What is not said in the first seconds is known in time; what is not said at all, as far as is known by then."""
    if "said" in condition and "first" in condition:
        return {
            "not_said": condition["said"],
            "within": condition["first"],
            **{key: value for key, value in condition.items() if key in ("party", "tolerance")},
        }
    inner: Written = condition.get("not", {"not": condition})
    return inner


def _begins(condition: Written) -> bool:
    """Whether it begins to hold at some time, and not with the call."""
    if "all" in condition:
        return any(map(_begins, condition["all"]))
    if "any" in condition:
        return all(map(_begins, condition["any"]))
    return "not" not in condition


def _period(hearing: _Hearing, kind: str, data: Mapping[str, Any]) -> _Hearing:
    ((which, seconds),) = data.items()
    part = f"{kind} {which} {seconds}"
    if which == "Last":
        raise Refused(_ENDS, part)
    if which not in ("First", "Past") or not isinstance(seconds, int) or seconds < 1:
        raise Refused("this is not known to the importer", part)
    if which == "First":
        return hearing._replace(first=seconds, period=part)
    return hearing._replace(past=seconds, period=part)


def _number(leaf: _Leaf, most: int = 99_999_999) -> int:
    value = leaf.operands[0] if len(leaf.operands) == 1 else None
    if not isinstance(value, int) or not 1 <= value <= most:
        raise Refused(f"this must be one whole number from 1 to {most}")
    return value
