"""Rules of Contact Lens: what each part of the grammar becomes, what is refused, and public rules there and back."""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from rtig.core import engine
from rtig.core.conditions import Means, PartyWanted, parts
from rtig.core.events import AnyEvent, CallEnded, CallStarted, Party, SegmentHeard
from rtig.core.phrases import parse
from rtig.core.playbook import Playbook
from rtig.core.text import words
from rtig.core.triggers import Rule
from rtig.errors import PlaybookError, WorldError
from rtig.knowledge import KnowledgeBase, compiled, read
from rtig.knowledge.export_contact_lens import Kind
from rtig.knowledge.import_contact_lens import exported, imported
from rtig.knowledge.imported import Imported, NotImported

SAMPLES = Path(__file__).parents[2] / "../shared/samples/rules/contact_lens"
RULES = sorted(SAMPLES.glob("*.json"))
MOST_WAYS = 300
"""Ways to say the patterns of one rule that are spoken, of all there are."""
WORD_MS = 300


# --- small rules of our own


def leaf(figure: str, operands: list[Any], *filters: tuple[str, Any], negate: bool = False, **more: Any) -> Any:
    return {
        "Operator": "CONTAINS_ANY",
        "Operands": operands,
        "ComparisonValue": f"$.ContactLens.RealTimeCall.{figure}",
        "FilterClause": {"LogicOperator": "AND", "Filters": [{"Type": kind, "Data": data} for kind, data in filters]},
        "Negate": negate,
        **more,
    }


CUSTOMER = ("ParticipantRole", "CUSTOMER")
AGENT = ("ParticipantRole", "AGENT")
FIRST = ("PostCallContactPeriodSeconds", {"First": 30})


def exact(*literals: str, by: Any = CUSTOMER, at: Any = None, negate: bool = False) -> Any:
    return leaf("ExactMatch.Transcript", list(literals), by, *([at] if at else []), negate=negate)


def pattern(*rows: Any, by: Any = CUSTOMER, negate: bool = False) -> Any:
    return leaf("PatternMatch.Transcript", list(rows), by, ("PatternMatchLanguageFilter", "EN"), negate=negate)


def plain(text: str) -> Any:
    return {"Type": "PLAIN", "Value": text}


def either(*texts: str) -> Any:
    return {"Type": "LIST", "Value": [plain(text) for text in texts]}


def near(distance: int, within: bool = True) -> Any:
    return {"Type": "PROXIMITY", "Value": {"Distance": distance, "IsWithin": within}}


def number(figure: str, value: Any, operator: str = "NumberGreaterOrEqualTo", **more: Any) -> Any:
    return leaf(figure, [value], Operator=operator, **more)


def both(*operands: Any, negate: bool = False) -> Any:
    return {"Operator": "AND", "Operands": list(operands), **({"Negate": True} if negate else {})}


def one_of(*operands: Any) -> Any:
    return {"Operator": "OR", "Operands": list(operands)}


def rule(function: Any, **more: Any) -> dict[str, Any]:
    return {
        "Name": "Some-Rule",
        "TriggerEventSource": {"EventSourceName": "OnRealTimeCallAnalysisAvailable"},
        "Function": json.dumps({"Version": "2022-11-25", "RuleFunction": function}),
        "Actions": [{"ActionType": "ASSIGN_CONTACT_CATEGORY", "AssignContactCategoryAction": {}}],
        "PublishStatus": "PUBLISHED",
        **more,
    }


class Made:
    def __init__(self, folder: Path, written: Any, **options: Any) -> None:
        source = folder / "rule.json"
        source.write_text(json.dumps(written), "utf-8")
        making = imported([source], **options)
        self.out = folder / "kb"
        self.base = making.write(self.out)
        self.report = making.report
        self.refused = [(line.part, line.reason) for line in self.report if isinstance(line, NotImported)]
        self.notes = [note for line in self.report if isinstance(line, Imported) for note in line.notes]

    @property
    def written(self) -> str:
        """The triggers without what all of them have."""
        texts = [path.read_text("utf-8") for path in sorted(self.out.glob("triggers/*.yaml"))]
        return "".join(texts).replace("    channels: [voice]\n", "").replace("    title: Some-Rule\n", "")

    def exported(self) -> Any:
        return exported(self.base.source.rules, {m.id: m for m in self.base.source.meanings})["RuleFunction"]


@pytest.fixture
def make(tmp_path: Path) -> Any:
    numbers = count()

    def made(function: Any, **options: Any) -> Made:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return Made(folder, rule(function), **options)

    return made


def test_an_exact_match_is_said_without_its_punctuation(make: Any) -> None:
    made = make(both(exact(" Where's my (red) lamp?? ", "50% off!", "Um, hello")))
    assert made.written == (
        "triggers:\n  - id: some-rule\n    said:\n      - Where's my red lamp\n      - 50 off\n      - hello\n"
        "    party: customer\n"
    )
    assert made.refused == []


def test_words_are_heard_as_they_are_where_that_is_wanted(make: Any) -> None:
    said = make(both(exact("some words")), tolerance="none").base.source.rules[0].clauses[0].condition
    assert said.tolerance == "none"


@pytest.mark.parametrize(
    ("row", "phrase"),
    [
        ([either("a lamp", "shade*")], "(a lamp|shade*)"),
        ([plain("red lamp")], "(red lamp)"),
        ([plain("flicker* now")], "flicker* now"),
        ([plain("paint "), either("it", "them")], "paint (it|them)"),
        ([plain("want "), near(5), plain(" lamp")], "want ~5~ lamp"),
        ([plain("on and off "), near(3), either("switch")], "(on and off) ~3~ switch"),
        ([either("a", "b"), near(1), plain("to "), either("c d", "e")], "(a|b) ~1~ (to (c d|e))"),
        ([plain("a "), near(2), plain("b"), near(3), plain("c")], "a ~2~ b ~3~ c"),
        ([plain("waited for "), {"Type": "NUMERICAL", "Value": {"Decimal": False}}, plain("hours")],
         "waited for {number} hours"),
        ([either("can't | stop!", "sit-down")], "(can't stop|sit down)"),
    ],
)  # fmt: skip
def test_a_row_of_a_pattern_is_a_phrase(make: Any, row: list[Any], phrase: str) -> None:
    made = make(both(pattern(row)))
    assert made.base.source.rules[0].clauses[0].condition.phrases == (phrase,)
    assert made.refused == []


def test_a_row_that_can_be_said_in_too_many_ways_is_several(make: Any) -> None:
    many = [f"word{number}" for number in range(100)]
    made = make(both(pattern([either(*many), near(5), either(*many)])))
    phrases = made.base.source.rules[0].clauses[0].condition.phrases
    assert len(phrases) == 8
    assert all(parse(phrase) for phrase in phrases)
    assert {word for phrase in phrases for word in re.findall(r"\w+", phrase)} == {*many, "5"}


def test_a_number_comes_back_as_one(make: Any) -> None:
    function = both(pattern([plain("waited for "), {"Type": "NUMERICAL", "Value": {"Decimal": False}}, plain("hours")]))
    assert normal(make(function).exported()) == normal(function)


def test_words_that_may_be_far_apart_are_taken_as_near_as_a_phrase_has_them(make: Any) -> None:
    made = make(both(pattern([plain("lamp "), near(20), plain("dark")])))
    assert made.base.source.rules[0].clauses[0].condition.phrases == ("lamp ~12~ dark",)
    assert made.notes == ["PROXIMITY 20: taken as 12, the most words that a phrase leaves between two"]


def test_where_that_would_fire_too_often_it_is_refused(make: Any) -> None:
    made = make(both(exact("some words"), pattern([plain("lamp "), near(20), plain("dark")], negate=True)))
    assert made.base.source.rules == ()
    assert made.refused == [
        ("not PatternMatch.Transcript, PROXIMITY 20", "there are from 1 to 12 words between two others"),
        ("AND of 2 conditions", "the others hold only together with what was refused"),
    ]


def test_words_that_are_not_near_others_take_the_phrase_back(make: Any) -> None:
    function = one_of(exact("my desk"), pattern([plain("table "), near(1, within=False), plain("lamp")]))
    made = make(function)
    first, second = made.base.source.rules
    assert (first.id, first.clauses[0].condition.phrases) == ("some-rule", ("my desk",))
    assert (second.id, second.clauses[0].condition.phrases) == ("some-rule-2", ("(table)",))
    assert second.clauses[0].unless == ("table ~1~ lamp",)
    assert normal(made.exported()) == normal(function)
    playbook = compiled(made.base.source)
    assert fired(playbook, "customer", "I want a table for that") == {"some-rule-2"}
    assert fired(playbook, "customer", "my table lamp is lost") == set()


def test_words_that_may_be_near_are_not_taken_as_further_off(make: Any) -> None:
    made = make(both(pattern([plain("table "), near(20, within=False), plain("lamp")])))
    assert made.refused[0] == (
        "PatternMatch.Transcript, PROXIMITY 20", "there are from 1 to 12 words between two others",
    )  # fmt: skip


def test_words_that_are_not_near_others_cannot_be_one_condition_of_several(make: Any) -> None:
    apart = pattern([plain("table "), near(1, within=False), plain("lamp")])
    made = make(both(exact("my desk"), apart))
    assert made.refused[0] == (
        "PatternMatch.Transcript, PROXIMITY that is not within",
        "what takes a phrase back goes with a whole trigger, not with one of its conditions",
    )


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ([plain("*lamp")], 'PatternMatch.Transcript, "*"'),
        ([plain("we* go")], 'PatternMatch.Transcript, "we*"'),
        ([plain("can't*")], 'PatternMatch.Transcript, "can\'t*"'),
        ([plain(" "), near(3), plain("on")], "PatternMatch.Transcript, PROXIMITY 3"),
        ([near(3), plain("on")], "PatternMatch.Transcript, PROXIMITY 3"),
        ([plain("?!")], 'PatternMatch.Transcript, [{"Type": "PLAIN", "Value": "?!"}]'),
        ([plain("a"), near(0), plain("b")], "PatternMatch.Transcript, PROXIMITY 0"),
        ([plain("a"), near(1), plain("b"), near(1, False), plain("c")],
         "PatternMatch.Transcript, 2 PROXIMITY in one pattern"),
        ([{"Type": "LIST", "Value": [{"Type": "REGEX", "Value": "x"}]}],
         'PatternMatch.Transcript, a pattern of {"Type": "REGEX", "Value": "x"}'),
        ([{"Type": "REGEX", "Value": "x"}], 'PatternMatch.Transcript, a pattern of {"Type": "REGEX", "Value": "x"}'),
    ],
)  # fmt: skip
def test_a_row_that_has_no_equal_is_refused_by_name_and_the_others_stay(make: Any, row: list[Any], part: str) -> None:
    made = make(both(pattern([plain("red lamp")], row)))
    assert [refused for refused, _ in made.refused] == [part]
    assert made.base.source.rules[0].clauses[0].condition.phrases == ("(red lamp)",)


def test_a_pattern_of_which_nothing_is_left_is_refused(make: Any) -> None:
    made = make(both(pattern([plain("*")])))
    assert made.refused[-1] == ("PatternMatch.Transcript", "there is nothing left in it to be said")
    assert made.base.source.rules == ()


def test_a_literal_without_words_is_refused_by_name(make: Any) -> None:
    made = make(both(exact("red lamp", "?!")))
    assert made.refused == [('ExactMatch.Transcript, "?!"', "there are no words in it")]
    assert make(both(exact("hm"))).refused[-1] == ("ExactMatch.Transcript", "there is nothing in it to be said")


@pytest.mark.parametrize(
    ("roles", "party"), [(("AGENT",), "agent"), (("ANY",), "any"), (("CUSTOMER", "AGENT"), "any"), ((), "any")]
)
def test_roles_are_parties(make: Any, roles: tuple[str, ...], party: PartyWanted) -> None:
    filters = [("ParticipantRole", role) for role in roles]
    made = make(both(leaf("ExactMatch.Transcript", ["some words"], *filters)))
    assert made.base.source.rules[0].clauses[0].condition.party == party


def test_the_first_seconds_are_first_and_the_past_ones_last(make: Any) -> None:
    early = make(both(exact("some words", at=FIRST))).base.source.rules[0].clauses[0].condition
    assert (early.first_ms, early.lasting_ms, early.past_ms) == (30_000, None, None)
    late = make(both(exact("some words", at=("RealTimeCallContactPeriodSeconds", {"Past": 20}))))
    condition = late.base.source.rules[0].clauses[0].condition
    assert (condition.first_ms, condition.lasting_ms, condition.past_ms) == (None, 20_000, None)


def test_and_or_and_negate_are_all_any_and_not(make: Any) -> None:
    function = both(one_of(exact("a b"), exact("c d")), exact("e f", by=AGENT, negate=True))
    made = make(function)
    assert made.refused == []
    assert "    all:\n      - any:\n          - said:" in made.written
    assert "      - not:\n          said:" in made.written
    assert normal(made.exported()) == normal(function)


def test_what_was_not_said_in_the_first_seconds_is_known_in_time(make: Any) -> None:
    function = both(exact("this call is recorded", by=AGENT, at=FIRST, negate=True))
    made = make(function)
    rest = "    not_said:\n      - this call is recorded\n    within: 30s\n    party: agent\n"
    assert made.written == f"triggers:\n  - id: some-rule\n{rest}"
    assert normal(made.exported()) == normal(function)


@pytest.mark.parametrize(
    "function",
    [
        both(exact("a b", negate=True)),
        one_of(both(exact("a b", negate=True), exact("c d", negate=True))),
        both(both(exact("a b"), exact("c d"), negate=True)),
    ],
)
def test_what_was_never_said_is_known_at_the_end_only(make: Any, function: Any) -> None:
    made = make(function)
    assert made.base.source.rules == ()
    assert all(reason.startswith("that something was never said") for _, reason in made.refused)


def test_an_or_loses_what_is_refused_and_an_and_does_not(make: Any) -> None:
    refused = leaf("Agent.AgentId", ["someone"])
    made = make(one_of(exact("a b"), both(exact("c d"), refused), refused))
    assert "said:\n      - a b\n" in made.written
    assert [part for part, _ in made.refused] == ["Agent.AgentId", "AND of 2 conditions", "Agent.AgentId"]


def test_under_a_negation_it_is_the_other_way_round(make: Any) -> None:
    refused = leaf("Agent.AgentId", ["someone"])
    not_both = both(exact("a b"), both(exact("c d"), refused, negate=True))
    assert "      - not:\n          said:\n            - c d\n" in make(not_both).written
    neither = both(exact("a b"), {**one_of(exact("c d"), refused), "Negate": True})
    assert make(neither).base.source.rules == ()


def test_queues_and_the_hierarchy_keep_the_whole_trigger(make: Any) -> None:
    queue = leaf("Queue.QueueId", ["11111111-1234"])
    team = leaf("Agent.HierarchyGroup.ARN", ["arn:aws:group/1"])
    function = both(queue, team, one_of(exact("a b"), exact("c d")))
    made = make(function)
    assert (made.base.source.rules[0].queues, made.base.source.rules[0].teams) == (
        ("11111111-1234",),
        ("arn:aws:group/1",),
    )
    assert made.notes == [
        f"its {key} are called by their ids in Connect, as the source must call them then"
        for key in ("queues", "teams")
    ]
    assert normal(made.exported()) == normal(function)


@pytest.mark.parametrize(
    ("function", "part", "reason"),
    [
        (both(exact("a b"), leaf("Queue.QueueId", ["q"], negate=True)), "not Queue.QueueId",
         "`queues` names where a trigger holds, not where it does not"),
        (one_of(exact("a b"), leaf("Queue.QueueId", ["q"])), "Queue.QueueId",
         "`queues` goes with a whole trigger, not with one of its conditions"),
        (both(exact("a b"), leaf("Queue.QueueId", [], Operator="EQUALS")), "Queue.QueueId", "`queues` needs a name"),
        (both(leaf("Queue.QueueId", ["q"]), leaf("Queue.QueueId", ["r"]), exact("a b")), "Queue.QueueId",
         "a trigger has one list of `queues`"),
        (both(leaf("Queue.QueueId", ["q"])), "queues", "there is nothing else that the rule waits for"),
    ],
)  # fmt: skip
def test_other_filters_of_queues_are_refused(make: Any, function: Any, part: str, reason: str) -> None:
    assert make(function).refused[0] == (part, reason)


def test_a_bad_mood_that_lasts_is_tense_for_so_long(make: Any) -> None:
    past = ("RealTimeCallContactPeriodSeconds", {"Past": 30})
    function = both(leaf("Sentiment.State", ["NEGATIVE"], CUSTOMER, past, Operator="EQUALS"))
    made = make(function)
    assert made.written == "triggers:\n  - id: some-rule\n    mood: tense\n    for: 30s\n"
    assert normal(made.exported()) == normal(function)


@pytest.mark.parametrize(
    ("state", "filters", "part", "reason"),
    [
        ("POSITIVE", [CUSTOMER, ("RealTimeCallContactPeriodSeconds", {"Past": 9})], "Sentiment.State POSITIVE",
         "there is no band of the mood for it"),
        ("NEGATIVE", [AGENT], "Sentiment.State NEGATIVE", "the customer's mood is followed"),
        ("NEGATIVE", [CUSTOMER], "Sentiment.State NEGATIVE", "the sentiment of the whole contact"),
        ("NEGATIVE", [CUSTOMER, FIRST], "Sentiment.State NEGATIVE, PostCallContactPeriodSeconds First 30",
         "a mood is what it is now"),
        ("NEGATIVE", [CUSTOMER, ("PostCallContactPeriodSeconds", {"Last": 45})],
         "Sentiment.State NEGATIVE, PostCallContactPeriodSeconds Last 45",
         "the end of a call is not known while it goes on"),
    ],
)  # fmt: skip
def test_other_sentiment_is_refused(make: Any, state: str, filters: list[Any], part: str, reason: str) -> None:
    made = make(both(leaf("Sentiment.State", [state], *filters, Operator="EQUALS")))
    assert [(refused, why[: len(reason)]) for refused, why in made.refused] == [(part, reason)]


@pytest.mark.parametrize(
    ("figure", "written"),
    [
        ("Interruptions.Instances", "talk_over: 5\n    within: 240m"),
        ("NonTalkTime.LongestTimeSecs", "silence: 5s"),
        ("Agent.LongestHoldDurationSecs", "hold: 5s"),
    ],
)
def test_figures_that_grow_are_waited_for(make: Any, figure: str, written: str) -> None:
    function = both(number(figure, 5))
    made = make(function)
    assert made.written == f"triggers:\n  - id: some-rule\n    {written}\n"
    assert normal(made.exported()) == normal(function)


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        (number("Interruptions.Instances", 5, "NumberLessOrEqualTo"), "Interruptions.Instances 5, NumberLessOrEqualTo"),
        (number("Interruptions.Instances", 500), "Interruptions.Instances 500"),
        (number("NonTalkTime.TotalTimeSecs", 60), "NonTalkTime.TotalTimeSecs 60"),
        (number("TalkTime.TotalTimeSecs", 60), "TalkTime.TotalTimeSecs 60"),
        (number("Sentiment.OverallScore", -2), "Sentiment.OverallScore -2"),
        (number("Loudness.HighestLoudnessScore", 80), "Loudness.HighestLoudnessScore 80"),
        (leaf("ContactAttribute.tier", ["gold"], Operator="EQUALS"), "ContactAttribute.tier"),
        (leaf("DisconnectReason", ["CUSTOMER_DISCONNECT"]), "DisconnectReason"),
        (leaf("SemanticMatch.Phrase", ["The customer painted a fence."], Operator="EQUALS"), "SemanticMatch.Phrase"),
        (leaf("Something.New", ["x"]), "Something.New"),
        (leaf("ExactMatch.Transcript", ["x"], Operator="EQUALS"), "ExactMatch.Transcript"),
        (exact("x", at=("AiAgentUseCase", {"Value": "SelfService"})),
         'ExactMatch.Transcript, AiAgentUseCase {"Value": "SelfService"}'),
        (exact("x", at=("PostCallContactPeriodSeconds", {"Last": 9})),
         "ExactMatch.Transcript, PostCallContactPeriodSeconds Last 9"),
        (exact("x", at=("PostCallContactPeriodSeconds", {"First": 0})),
         "ExactMatch.Transcript, PostCallContactPeriodSeconds First 0"),
        (leaf("PatternMatch.Transcript", [[plain("x")]], ("PatternMatchLanguageFilter", "DE")),
         "PatternMatch.Transcript, PatternMatchLanguageFilter DE"),
        (leaf("SemanticMatch.Transcript", ["I paint my fence"], FIRST),
         "SemanticMatch.Transcript, PostCallContactPeriodSeconds First 30"),
        (leaf("SemanticMatch.Transcript", [" "]), "SemanticMatch.Transcript"),
    ],
)  # fmt: skip
def test_what_has_no_equal_is_refused_by_its_name(make: Any, condition: Any, part: str) -> None:
    made = make(one_of(exact("a b"), condition))
    assert [refused for refused, _ in made.refused] == [part]
    assert len(made.base.source.rules) == 1


def test_a_rule_of_another_language_is_imported_with_that_language(make: Any) -> None:
    german = leaf("PatternMatch.Transcript", [[plain("Vertrag kündigen")]], ("PatternMatchLanguageFilter", "DE"))
    made = make(both(german), language="de")
    assert made.refused == []
    assert made.base.source.language == "de"


def test_a_semantic_match_is_what_is_meant(make: Any) -> None:
    function = both(leaf("SemanticMatch.Transcript", ["I am painting my fence", "my fence has faded"], CUSTOMER))
    made = make(function)
    (meaning,) = made.base.source.meanings
    assert (meaning.examples, meaning.party) == (("I am painting my fence", "my fence has faded"), "customer")
    assert normal(made.exported()) == normal(function)


def test_a_chat_rule_holds_in_chats_and_a_draft_is_a_draft(tmp_path: Path) -> None:
    source = {"EventSourceName": "OnPostChatAnalysisAvailable"}
    made = Made(tmp_path, rule(both(exact("a b")), TriggerEventSource=source, PublishStatus="DRAFT"))
    assert made.base.source.rules[0].channels == ("chat",)
    assert made.base.source.rules[0].draft
    assert made.notes == ["a rule for when the contact is over; here it fires while it goes on"]


def test_other_actions_events_and_keys_are_refused_by_name(tmp_path: Path) -> None:
    first = rule(both(exact("a b")), Actions=[{"ActionType": "SEND_NOTIFICATION"}], Weight=3)
    second = rule(both(exact("a b")), TriggerEventSource={"EventSourceName": "OnCaseCreate"})
    made = Made(tmp_path, [first, second])
    assert made.refused == [
        ("action SEND_NOTIFICATION", "a trigger shows a card and does nothing else"),
        ("Weight", "this is not known to the importer"),
        ("OnCaseCreate", "rtig follows calls and chats and nothing else"),
    ]


def test_two_rules_of_one_name_have_two_ids(tmp_path: Path) -> None:
    wrapped = {"Rule": {**rule(both(exact("c d"))), "RuleId": "1", "Tags": {}}}
    made = Made(tmp_path, [rule(both(exact("a b"))), wrapped])
    assert {r.id for r in made.base.source.rules} == {"some-rule", "some-rule-2"}
    assert made.refused == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"Name": "x",\n "Function": }', "rule.json:2:14: this is not JSON: Expecting value"),
        ('{"Name": "x"}', "rule.json:1:1: Object missing required field `Function`"),
        ('[{"Name": 3, "Function": ""}]', "rule.json:1:1: `[0].Name`: Expected `str`, got `int`"),
        (json.dumps(rule(None) | {"Function": "{"}), "`Function` of Some-Rule is not JSON: Expecting property name"),
        (json.dumps(rule([])), "`Function` of Some-Rule has no `RuleFunction`"),
        (json.dumps(rule(both(exact("a"), []))), "`RuleFunction.Operands[1]` of Some-Rule is not an object"),
        (json.dumps(rule({"Operands": []})), "`RuleFunction.Operator` of Some-Rule is not a text"),
        (json.dumps(rule(both())), "`RuleFunction.Operands` of Some-Rule is empty"),
        (json.dumps(rule({"Operator": "OR", "Operands": 3})), "`RuleFunction.Operands` of Some-Rule is not a list"),
        (json.dumps(rule({"Operator": "EQUALS"})), "`RuleFunction.ComparisonValue` of Some-Rule is not a text"),
        (json.dumps(rule(both({**exact("a"), "FilterClause": {"Filters": 1}}))), "is not a list of filters"),
        (json.dumps(rule(both({**exact("a"), "FilterClause": [1]}))), "Filters[0]` of Some-Rule has no `Type`"),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rule.json"
    path.write_text(text, "utf-8")
    with pytest.raises(PlaybookError) as raised:
        imported([path])
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_a_folder_without_rules_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"there is no file that ends in \.json"):
        imported([tmp_path])
    with pytest.raises(WorldError, match="there is no such file"):
        imported([tmp_path / "missing.json"])


def test_what_no_rule_of_contact_lens_says_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "triggers").mkdir()
    (tmp_path / "kb.yaml").write_text("name: Test\n")
    (tmp_path / "triggers/a.yaml").write_text("triggers:\n  - id: a\n    title: A\n    said: [b c]\n    past: 60s\n")
    with pytest.raises(ValueError, match="no rule of Contact Lens says Said"):
        exported(read(tmp_path).source.rules, {})


# --- the public rules


REFUSED = {
    "General_Voice_Post-Call_Sentiment_Sentiment-Neg-Last-45s_create-sentiment-voice-postcall.json": [
        "Sentiment.State NEGATIVE, PostCallContactPeriodSeconds Last 45"
    ],
    "General_Voice_Post-Call_Sentiment_Sentiment-Negative-Positive_create-sentiment-negative-positive-postcall.json": [
        "Sentiment.State NEGATIVE, PostCallContactPeriodSeconds First 45",
        "Sentiment.State POSITIVE, PostCallContactPeriodSeconds Last 45",
    ],
}
"""Of the public rules those of which nothing can be said in real time, and what is refused of them."""


@cache
def sample_base() -> tuple[KnowledgeBase, dict[str, str]]:
    """The public rules imported: the knowledge base, and the trigger of each file."""
    making = imported([SAMPLES])
    made = iter([line.id for line in making.report if isinstance(line, Imported)])
    triggers = {path.name: next(made) for path in RULES if path.name not in REFUSED}
    assert next(made, None) is None
    return making.write(Path(mkdtemp()) / "kb"), triggers


@cache
def sample_playbook() -> Playbook:
    return compiled(sample_base()[0].source)


def sample(path: Path) -> Any:
    return json.loads(json.loads(path.read_text("utf-8"))["Function"])["RuleFunction"]


def trigger_of(path: Path) -> Rule:
    base, triggers = sample_base()
    return next(r for r in base.source.rules if r.id == triggers[path.name])


here = pytest.mark.skipif(not RULES, reason=f"the public Contact Lens rules are not here: {SAMPLES.name}/ is empty")


def every_rule(test: Any) -> Any:
    paths = [path for path in RULES if path.name not in REFUSED] or [Path("none")]
    return here(pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)(test))


@here
def test_of_forty_public_rules_two_are_refused_and_nothing_else_of_any() -> None:
    assert len(RULES) == 40
    names = {json.loads((SAMPLES / name).read_text("utf-8"))["Name"]: parts for name, parts in REFUSED.items()}
    found: dict[str, list[str]] = {}
    for line in imported([SAMPLES]).report:
        if isinstance(line, NotImported):
            found.setdefault(line.item, []).append(line.part)
    assert found == names


@every_rule
def test_a_public_rule_comes_back_as_it_was(path: Path) -> None:
    meanings = {meaning.id: meaning for meaning in sample_base()[0].source.meanings}
    kind: Kind = "RealTimeCall" if "Real-Time" in path.name else "PostCall"
    function = exported([trigger_of(path)], meanings, kind)["RuleFunction"]
    assert function["Operator"] in ("AND", "OR")
    assert normal(function) == normal(sample(path))
    assert figures(function) == figures(sample(path))


def normal(node: Any) -> Any:
    """A function without what makes no difference.

    Words are compared as they are heard, without case, spaces and punctuation; one that is given twice counts once. A
    list of one is that one. AND and OR of one condition are that condition. A clause without a role, or with both, is
    of any. What kind of contact it is is left out here, and compared by `figures`.
    """
    if "ComparisonValue" not in node:
        operands = [normal(operand) for operand in node["Operands"]]
        if len(operands) == 1 and not node.get("Negate"):
            return operands[0]
        return (node["Operator"], bool(node.get("Negate")), operands)
    figure = node["ComparisonValue"].split(".", 3)[3]
    exactly = figure.startswith(("ExactMatch", "SemanticMatch"))
    operands = [
        normal_row(operand) if isinstance(operand, list) else heard(operand) if exactly else operand
        for operand in node["Operands"]
    ]
    kept = [operand for at, operand in enumerate(operands) if operand not in operands[:at]]
    return (figure, node["Operator"], bool(node["Negate"]), normal_filters(node), kept)


def normal_filters(node: Mapping[str, Any]) -> Any:
    filters = node.get("FilterClause", {}).get("Filters", [])
    roles = {one["Data"] for one in filters if one["Type"] == "ParticipantRole"}
    others = [(one["Type"].replace("RealTimeCall", "PostCall"), str(one["Data"])) for one in filters]
    role = roles.pop() if len(roles) == 1 else "ANY"
    return role, sorted(one for one in others if one[0] != "ParticipantRole")


def normal_row(row: Sequence[Any]) -> list[Any]:
    made: list[Any] = []
    for item in row:
        value = item["Value"]
        if item["Type"] == "LIST":
            texts = tuple(dict.fromkeys(heard(one["Value"]) for one in value))
            made.append(texts if len(texts) > 1 else texts[0])
        elif item["Type"] == "PLAIN":
            made.append(heard(value))
        else:
            made.append((item["Type"], tuple(sorted(value.items()))))
    return [item for item in made if item]


def heard(text: str) -> str:
    marks = ("*" if word.endswith("*") else "" for word in text.split())
    norms = (" ".join(words(word).norms) for word in text.split())
    return " ".join(f"{norm}{mark}" for norm, mark in zip(norms, marks, strict=True) if norm)


def figures(node: Any) -> list[str]:
    if "ComparisonValue" in node:
        return [node["ComparisonValue"]]
    return [figure for operand in node["Operands"] for figure in figures(operand)]


# --- the public rules, spoken


@every_rule
def test_every_phrase_of_a_public_rule_fires_its_trigger(path: Path) -> None:
    trigger = trigger_of(path)
    playbook = sample_playbook()
    said = list(spoken_ways(sample(path), random.Random(path.name)))
    silent = [what for what in said if trigger.id not in fired_by(playbook, what)]
    assert silent == []


Said = tuple[Party, str]


def spoken_ways(function: Any, rng: random.Random) -> Iterator[list[Said]]:
    """All that may be said so that a rule holds; of the ways to say its patterns, some."""
    leaves = [node for node in leaves_of(function) if "Match.Transcript" in node["ComparisonValue"]]
    ways = [list(ways_of(node, rng)) for node in leaves if "Semantic" not in node["ComparisonValue"]]
    patterns = sum(len(found) for found in ways)
    every = function["Operator"] == "AND"
    for index, found in enumerate(ways):
        room = max(1, MOST_WAYS * len(found) // patterns)
        literal = "ExactMatch" in leaves[index]["ComparisonValue"]
        for way in found if literal or len(found) <= room else rng.sample(found, room):
            others = [rng.choice(other) for at, other in enumerate(ways) if every and at != index]
            yield [*others, way]


def leaves_of(node: Any) -> Iterator[Any]:
    if "ComparisonValue" in node:
        yield node
    else:
        for operand in node["Operands"]:
            yield from leaves_of(operand)


def ways_of(node: Any, rng: random.Random) -> Iterator[Said]:
    role, _ = normal_filters(node)
    parties: list[Party] = (
        ["agent"] if role == "AGENT" else ["customer"] if role == "CUSTOMER" else ["customer", "agent"]
    )
    for operand in node["Operands"]:
        for text in [operand] if isinstance(operand, str) else list(ways_of_row(operand, rng)):
            yield rng.choice(parties), text


def ways_of_row(row: Sequence[Any], rng: random.Random) -> Iterator[str]:
    """Each choice of each list; where words may be between, none, some and as many as may be, and in either order."""
    ways: list[str] = [""]
    distance = 0
    for item in row:
        if item["Type"] == "PROXIMITY":
            distance = item["Value"]["Distance"]
            continue
        listed = [one["Value"] for one in item["Value"]] if item["Type"] == "LIST" else [item["Value"]]
        if not "".join(listed).strip():
            continue
        texts = [text.replace("*", rng.choice(["", "ing", "ed"])) for text in listed]
        between = [" please" * words for words in sorted({0, rng.randint(0, distance), distance})]
        pairs = [(one, text) for one in ways for text in texts]
        pairs += [(text, one) for one, text in pairs] if distance else []
        ways = [f"{first}{gap} {then}" for first, then in pairs for gap in between]
        distance = 0
    yield from ways


def fired_by(playbook: Playbook, said: Sequence[Said]) -> set[str]:
    """The triggers with a moment that nothing blocks, after a call in which just this is said."""
    events: list[AnyEvent] = [CallStarted(call_id="c")]
    at = 1_000
    for number, (party, text) in enumerate(said):
        end = at + WORD_MS * len(text.split())
        events.append(
            SegmentHeard(call_id="c", segment_id=f"s{number}", rev=1, party=party, text=text, final=True,
                         start_ms=at, end_ms=end)
        )  # fmt: skip
        at = end + 1_000
    return moments(playbook, events)


def fired(playbook: Playbook, party: Party, text: str) -> set[str]:
    return fired_by(playbook, [(party, text)])


def moments(playbook: Playbook, events: Sequence[AnyEvent]) -> set[str]:
    call = engine.begin("c")
    for folded in engine.rehearse(playbook, "c", events):
        call = folded.call
    return {ref.rule_id for ref, found in call.moments.items() if any(not moment.blocked for moment in found)}


@here
def test_what_the_public_rules_mean_is_asked_of_the_model() -> None:
    source = sample_base()[0].source
    found = 0
    for path in RULES:
        leaves = [node for node in leaves_of(sample(path)) if "SemanticMatch" in node["ComparisonValue"]]
        conditions = [part for clause in trigger_of(path).clauses for part in parts(clause.condition)] if leaves else []
        wanted = [part.meaning for part in conditions if isinstance(part, Means)]
        examples = {meaning.id: list(meaning.examples) for meaning in source.meanings}
        assert [examples[name] for name in wanted] == [node["Operands"] for node in leaves]
        found += len(wanted)
    assert found == len(source.meanings) == 2


@here
def test_five_interruptions_and_half_a_minute_of_anger_fire_theirs() -> None:
    playbook = sample_playbook()
    talking: list[AnyEvent] = [CallStarted(call_id="c")]
    for number in range(5):
        for party, start in (("customer", 0), ("agent", 2_000)):
            at = number * 10_000 + start
            talking.append(
                SegmentHeard(call_id="c", segment_id=f"{party}{number}", rev=1, party=party,  # type: ignore[arg-type]
                             text="one two three four five six", final=True, start_ms=at, end_ms=at + 4_000)
            )  # fmt: skip
    assert "agent-interuption-more-than-5-times" in moments(playbook, talking)
    angry: list[AnyEvent] = [
        SegmentHeard(call_id="c", segment_id=f"s{number}", rev=1, party="customer", final=True,
                     text="this is terrible I hate this awful disgusting horrible service",
                     start_ms=number * 10_000, end_ms=number * 10_000 + 4_000)
        for number in range(4)
    ]  # fmt: skip
    whole = [CallStarted(call_id="c"), *angry, CallEnded(call_id="c", at_ms=60_000)]
    assert "customer-upset-for-30-seconds" in moments(playbook, whole)
