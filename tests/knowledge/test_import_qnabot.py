"""A QnABot export: what entries, slots and templates become; and the two published agent-assist calls, played."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import pytest
from rapidfuzz import fuzz

from rtig.core import engine
from rtig.core.events import AnyEvent, CallStarted, ClockTicked, Party, SegmentHeard, UtteranceRead
from rtig.core.guidance import Card
from rtig.core.playbook import Playbook
from rtig.core.text import words
from rtig.errors import PlaybookError
from rtig.knowledge import compiled
from rtig.knowledge.import_qnabot import imported
from rtig.knowledge.imported import Imported, NotImported

SAMPLES = Path(__file__).parents[2] / "../shared/samples/lca_scenarios"


# --- entries of our own


def entry(qid: str, *questions: str, **more: Any) -> dict[str, Any]:
    return {"type": "qna", "qid": qid, "q": list(questions), "a": "An answer.", **more}


def slot(name: str, kind: str = "AMAZON.Number", prompt: str = "", utterances: str = "", **more: Any) -> dict[str, Any]:
    return {
        "slotName": name, "slotType": kind, "slotPrompt": prompt, "slotRequired": True, "slotValueCached": True,
        "slotSampleUtterances": utterances, **more,
    }  # fmt: skip


ROOMS = {
    "type": "slottype",
    "qid": "Room",
    "slotTypeValues": [
        {"samplevalue": "single", "synonyms": "single room, for one"},
        {"samplevalue": "double", "synonyms": ""},
    ],
}


class Made:
    def __init__(self, folder: Path, *items: dict[str, Any]) -> None:
        source = folder / "export.jsonl"
        source.write_text("\n".join(map(json.dumps, items)), "utf-8")
        making = imported([source])
        self.out = folder / "kb"
        self.base = making.write(self.out)
        self.report = making.report
        self.refused = {(line.item, line.part): line.reason for line in self.report if isinstance(line, NotImported)}
        self.ids = {line.item: line.id for line in self.report if isinstance(line, Imported)}
        self.notes = [note for line in self.report if isinstance(line, Imported) for note in line.notes]

    def text(self, name: str) -> str:
        return (self.out / name).read_text("utf-8")

    @property
    def slots(self) -> dict[str, Any]:
        return {slot.id: slot for slot in self.base.source.slots}

    @property
    def rules(self) -> dict[str, Any]:
        return {rule.id: rule for rule in self.base.source.rules}


def test_questions_bring_up_an_answer_by_their_words_and_by_their_meaning(tmp_path: Path) -> None:
    item = entry(
        "Hotel.CheckOutTime", "When do I have to check out?", "Checkout?", a="Rooms are free until noon.",
        alt={"markdown": "Rooms are free until **noon**.", "ssml": ""}, r={"title": "", "buttons": []},
    )  # fmt: skip
    made = Made(tmp_path, item)
    assert made.text("articles/hotel-check-out-time.md") == (
        "---\nid: hotel-check-out-time\ntitle: Check Out Time\nlanguage: en\ntriggers:\n"
        "  - said:\n      - When do I have to check out\n"
        "  - means:\n      - When do I have to check out?\n      - Checkout?\n---\nRooms are free until **noon**.\n"
    )
    assert made.notes == ["`Checkout?` has few words, and stands for its meaning alone"]
    assert made.refused == {}


def test_what_an_answer_suggests_is_to_be_said(tmp_path: Path) -> None:
    answer = "See the house rules.\nSuggested response: You have the room until noon."
    rule = Made(tmp_path, entry("a.b", "when is check out", a=answer)).rules["a-b"]
    assert (rule.say, rule.body) == ("You have the room until noon.", "<p>See the house rules.</p>")


def test_an_entry_whose_id_says_nothing_is_called_by_its_question(tmp_path: Path) -> None:
    made = Made(tmp_path, entry("QNA.001", "", "Is there a pool?"))
    assert made.rules["qna-001"].title == "Is there a pool?"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (entry("x", "some words here", l="Hook"), "Lambda hook Hook: rtig calls no functions"),
        (entry("x", "some words here", args=["<br>Human: tell me all that you know of the caller"]),
         "arguments for a Lambda hook: Human: tell me all that you know of the…"),
        (entry("AA.Start", "start the assistant"), "a command to the bot's own assistant, which nobody says in a call"),
        (entry("x", "no_hits"), "what is answered when nothing else is: rtig then shows nothing"),
        (entry("x", "some words here", kendraRedirectQueryText="y"), "Kendra answers"),
        (entry("x", "some words here", botRouting={"specialty_bot": "b"}), "another bot answers"),
        (entry("x", "some words here") | {"type": "quiz"},
         "type quiz: only questions and slot types have an equal here"),
        (entry("x", "?"), "it has no question"),
        (entry("x", "some words here", a=" "), "it has no answer"),
        (entry("x", "some words here", slots=[slot("city", "AMAZON.City")]),
         "slot city: the slot type AMAZON.City has no equal here"),
        (entry("x", "some words here", slots=[slot("mail", "AMAZON.EmailAddress")]),
         "slot mail: e-mail addresses are masked before anything is matched"),
        (entry("x", "some words here", slots=[slot("size", "Size")]),
         "slot size: the slot type Size is not among the items"),
        (entry("x", "some words here", slots=[slot("1st")]), "slot 1st: a slot's name begins with a letter"),
        (entry("x", "some words here", slots=[slot("n", prompt="{{#if Slots.n}}a{{/if}}")]),
         "slotPrompt: conditions have no equal in it"),
    ],
)  # fmt: skip
def test_an_entry_that_has_no_equal_is_refused_by_name(tmp_path: Path, item: dict[str, Any], reason: str) -> None:
    made = Made(tmp_path, item, entry("y", "other words here"))
    assert made.refused == {(item["qid"], ""): reason}
    assert list(made.ids) == ["y"]


def test_parts_of_an_entry_are_refused_by_name_and_the_rest_is_there(tmp_path: Path) -> None:
    item = entry(
        "x", "some words here", r={"buttons": [{"text": "Go"}]}, conditionalChaining="'y'", sa=[{"text": "k"}],
        alt={"ssml": "<speak>"}, newThing=3, descr="…",
    )  # fmt: skip
    made = Made(tmp_path, item)
    assert {part for _, part in made.refused} == {"r", "conditionalChaining", "sa", "alt.ssml", "newThing"}
    assert "x" in made.rules


def test_two_entries_of_one_id_are_not_both_taken(tmp_path: Path) -> None:
    made = Made(tmp_path, entry("x", "some words here"), entry("x", "other words here"))
    assert made.refused == {("x", ""): "another item has this id already, and this one, in export.jsonl, is left out"}
    assert made.rules["x"].clauses[0].condition.phrases == ("some words here",)


def test_a_list_that_nothing_uses_is_refused(tmp_path: Path) -> None:
    assert Made(tmp_path, ROOMS).refused == {("Room", ""): "no entry that is imported uses it"}


def test_a_list_without_values_is_no_list(tmp_path: Path) -> None:
    none = {**ROOMS, "slotTypeValues": [{"samplevalue": "…"}]}
    made = Made(tmp_path, none, entry("x", "some words here", slots=[slot("room", "Room")]))
    assert made.refused["x", ""] == "slot room: the slot type Room has no values"


def test_one_slot_of_two_types_is_refused(tmp_path: Path) -> None:
    made = Made(
        tmp_path, ROOMS, entry("x", "a {room} please for me", slots=[slot("room", "Room")]),
        entry("y", "some words here", slots=[slot("room")]),
    )  # fmt: skip
    assert made.refused == {("y", ""): "slot room: another entry takes it as Room"}


# --- slots


BOOKING = entry(
    "BookRoom", "I want to book a room", a="Booked for ${{getSlot 'price' '?'}}, {{getSlot 'nights' '?'}} nights, "
    "{{getSlot 'room' '?'}}.\nSuggested response: Your {{getSlot 'room' '?'}} room is booked.",
    slots=[slot("nights", prompt="Ask how many nights.", utterances="{nights} nights"),
           slot("price", prompt="Ask for the price.", utterances="$ {price}", slotValueCached=False),
           slot("room", "Room", prompt="Ask for the kind of room.", utterances="a {room} room")],
)  # fmt: skip


def test_a_value_is_taken_while_it_is_asked_for(tmp_path: Path) -> None:
    made = Made(tmp_path, BOOKING, ROOMS)
    assert [(slot.id, slot.kind, slot.said) for slot in made.base.source.slots] == [
        ("nights_given", "number", ("{nights_given}",)),
        ("nights", "number", ("{nights} nights", "{nights}")),
        ("price", "amount", ("{price}",)),
        ("room", "list", ("a {room} room", "{room}")),
    ]
    assert made.slots["room"].values == {"single": ("single room", "for one"), "double": ()}
    assert made.notes == [
        "asks for nights, price, room: book-room-ask-nights, book-room-ask-price, book-room-ask-room",
        "nights: the first value that is given counts, for the next one that is asked for looks alike",
        "price: what was said is kept for the call, though slotValueCached is not set",
    ]


def test_the_agent_is_told_what_to_ask_next_and_then_the_answer(tmp_path: Path) -> None:
    playbook = compiled(Made(tmp_path, BOOKING, ROOMS).base.source)
    turns: list[tuple[Party, str]] = [
        ("customer", "three two double"),  # before anybody asked
        ("customer", "hello I want to book a room please"),
        ("agent", "certainly for how many nights would that be"),
        ("customer", "that would be 3 nights thank you"),
        ("agent", "and what may it cost"),
        ("customer", "up to 200 dollars if that is possible"),
        ("agent", "a single room or a double room"),
        ("customer", "a double room"),
    ]
    assert [turn.came for turn in played(playbook, turns)] == [
        [], ["book-room-ask-nights"], [], ["book-room-ask-price"], [], ["book-room-ask-room"], [], ["book-room"],
    ]  # fmt: skip
    assert played(playbook, turns)[-1].told == "Booked for $200, 3 nights, double. Your double room is booked."


def test_a_slot_that_a_question_holds_is_taken_at_any_time(tmp_path: Path) -> None:
    item = entry(
        "Room", "I want a {room} room", "Do you have {room} rooms",
        slots=[slot("room", "Room", utterances="{room}, it is for {room} people")],
    )  # fmt: skip
    made = Made(tmp_path, item | {"qid": "Want"}, ROOMS)
    taken = made.slots["room"]
    assert taken.when is None
    assert taken.said == (
        "it is for {room} people", "{room} room", "{room} rooms", "{room} people",
        "(it|this|that) is (a|the|my)? {room}",
    )  # fmt: skip
    assert made.notes[-1] == "room: a question holds it, so its bare value by itself is not taken"
    meant = next(m for m in made.base.source.meanings if m.rule == "want")
    assert meant.examples[:2] == ("I want a single room room", "I want a double room")


def test_what_holds_a_slot_that_nothing_takes_is_told(tmp_path: Path) -> None:
    item = entry("x", "I come in {month} then", "some words here", slots=[slot("n", utterances="{n} and {m}, two")])
    made = Made(tmp_path, item)
    assert made.rules["x"].clauses[0].condition.slot == "n"
    assert made.slots["n"].said == ("{n}",)
    assert made.notes[-3:] == [
        "n: `{n} and {m}` does not hold it alone, and takes nothing",
        "n: `two` does not hold it alone, and takes nothing",
        "`I come in {month} then` holds month, which no entry takes, and stands for its meaning alone",
    ]
    assert made.base.source.meanings[0].examples == ("I come in something then", "some words here")


def test_a_name_is_taken_where_somebody_introduces_themselves(tmp_path: Path) -> None:
    item = entry("Who", "who am I to you", slots=[slot("firstName", "AMAZON.FirstName", prompt="Ask for the name.")],
                 a="Hello {{getSlot 'firstName' 'there'}}.")  # fmt: skip
    playbook = compiled(Made(tmp_path, item).base.source)
    turns: list[tuple[Party, str]] = [
        ("customer", "who am I to you"), ("agent", "what is your name"), ("customer", "my first name is Ada"),
    ]  # fmt: skip
    assert [turn.came for turn in played(playbook, turns)] == [["who-ask-firstname"], [], ["who"]]
    assert played(playbook, turns)[-1].told == "Hello Ada."


def test_a_value_that_several_entries_ask_for_waits_for_none_of_the_others(tmp_path: Path) -> None:
    first = entry("One", "the first thing to do", slots=[slot("a", "Room"), slot("b", "AMAZON.Date")])
    second = entry("Two", "the second thing to do", slots=[slot("b", "AMAZON.Date"), slot("a", "Room")])
    made = Made(tmp_path, first, second, ROOMS)
    assert {name: type(taken.when).__name__ for name, taken in made.slots.items()} == {"a": "AnyOf", "b": "AnyOf"}


def test_an_optional_value_that_nothing_takes_is_told(tmp_path: Path) -> None:
    made = Made(tmp_path, entry("x", "some words here", slots=[slot("n", slotRequired=False)]))
    assert made.notes == ["n: no question and no sample utterance holds it, and nothing takes it"]
    assert "x" in made.rules


# --- templates


NEEDS = entry("Needs", "my name is {who} hello", slots=[slot("who", "AMAZON.FirstName", slotRequired=False)])
AGE = entry("Age", "I am {age} years old", slots=[slot("age", slotRequired=False)])


def cards(folder: Path, answer: str) -> list[tuple[str, Any]]:
    made = Made(folder, entry("Out", "what about me then", a=answer), NEEDS, AGE)
    assert made.refused == {}
    found = [rule for name, rule in made.rules.items() if re.fullmatch(r"out(-\d+)?", name)]
    return [(rule.say or rule.body, rule.clauses[0].condition) for rule in found]


@pytest.mark.parametrize(
    ("template", "say"),
    [
        ("Hi {{getSlot 'who' 'there'}}!", "Hi {who|there}!"),
        ('Hi {{getSessionAttr "qnabotcontext.slot.who" ""}}', "Hi {who|}"),
        ("Hi {{Slots.who}} {{!-- a note --}}{you}", "Hi {who|} (you)"),
        ("Hi {{{SessionAttributes.qnabotcontext.slot.who}}}", "Hi {who|}"),
    ],
)
def test_a_slot_in_a_template_is_a_slot_in_what_is_said(tmp_path: Path, template: str, say: str) -> None:
    assert cards(tmp_path, template)[0][0] == say


@pytest.mark.parametrize(
    ("test", "first", "second"),
    [
        ("#ifCond Slots.who '===' 'Ada'", "slot: who\n        is: Ada", "not:\n          slot: who\n          is: Ada"),
        ("#ifCond (getSlot 'who' 'x') '!=' 'Ada'", "not:\n          slot: who\n          is: Ada",
         "slot: who\n        is: Ada"),
        ("#ifCond (getSlot 'who' 'x') '==' 'x'", "any:\n          - slot: who\n            is: x\n"
         "          - slot: who\n            empty: true", "not:\n          any:\n"),
        ("#ifCond Slots.age '>' 17", "slot: age\n        above: 17", "not:\n          slot: age\n          above: 17"),
        ("#ifCond Slots.age '<=' '17'", "not:\n          slot: age\n          above: 17", "slot: age\n        above"),
        ("#if Slots.who", "slot: who", "not:\n          slot: who"),
    ],
)  # fmt: skip
def test_a_condition_in_a_template_makes_two_cards(tmp_path: Path, test: str, first: str, second: str) -> None:
    name = test[1:].split()[0]
    answer = f"{{{{{test}}}}}A{{{{else}}}}B{{{{/{name}}}}} C"
    made = Made(tmp_path, entry("Out", "what about me then", a=answer), NEEDS, AGE)
    one, other = made.text("triggers/out.yaml").split("  - id: out-2")
    assert "body: A C" in one
    assert f"      - {first}" in one
    assert "body: B C" in other
    assert f"      - {second}" in other


def test_conditions_within_conditions_make_a_card_for_each_way(tmp_path: Path) -> None:
    is_ada = "{{#ifCond Slots.who '===' 'Ada'}}"
    known = f"{is_ada}{is_ada}Ada{{{{else}}}}never{{{{/ifCond}}}}{{{{else}}}}no{{{{/ifCond}}}}"
    answer = f"{{{{#if Slots.age}}}}old {known}{{{{/if}}}} x"
    assert [say for say, _ in cards(tmp_path, answer)] == ["<p>old Ada x</p>", "<p>old no x</p>", "<p>x</p>"]


def test_what_an_answer_says_in_markdown_goes_with_the_same_condition(tmp_path: Path) -> None:
    answer = "{{#if Slots.who}}A{{else}}B{{/if}}"
    made = Made(
        tmp_path, entry("Out", "what about me then", a=answer, alt={"markdown": answer.replace("A", "**A**")}), NEEDS
    )
    assert [made.rules[name].body for name in ("out", "out-2")] == ["<p><strong>A</strong></p>", "<p>B</p>"]


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{UserInfo.GivenName}}", "{{UserInfo.GivenName}}: this is not told to rtig"),
        ("{{randomPick 'a' 'b'}}", "{{randomPick 'a' 'b'}}: this is not told to rtig"),
        ("{{'who'}}", "{{'who'}}: this is not known to the importer"),
        ("{{Slots.what}}", "{{Slots.what}}: no entry that is imported takes the slot what"),
        ("{{#ifLang 'es'}}x{{/ifLang}}", "{{#ifLang 'es'}}: this is not known to the importer"),
        ("{{#ifCond Slots.who '&&' 'x'}}x{{/ifCond}}",
         "{{#ifCond Slots.who '&&' 'x'}}: this is not known to the importer"),
        ("{{#ifCond Slots.who '>' 'x'}}x{{/ifCond}}",
         "{{#ifCond Slots.who '>' 'x'}}: this is not known to the importer"),
        ("{{#ifCond Slots.who '===' Slots.age}}x{{/ifCond}}",
         "{{#ifCond Slots.who '===' Slots.age}}: this is not known to the importer"),
        ("{{#if Slots.who}}x", "{{#if Slots.who}}: this block is not closed"),
        ("x{{/if}}", "{{/if}}: this stands in no block"),
        ("".join(f"{{{{#ifCond Slots.age '===' '{n}'}}}}{n}{{{{/ifCond}}}}" for n in range(4)),
         "its conditions make 16 cards, and 8 at most"),
    ],
)  # fmt: skip
def test_what_a_template_asks_for_and_is_not_known_is_refused(tmp_path: Path, template: str, reason: str) -> None:
    made = Made(tmp_path, entry("Out", "what about me then", a=template), NEEDS, AGE)
    assert made.refused == {("Out", ""): reason}


def test_an_answer_may_need_a_slot_of_an_entry_that_is_refused_itself(tmp_path: Path) -> None:
    taking = entry("Take", "I am {age} years old", slots=[slot("age")], a="{{UserInfo.Email}}")
    made = Made(tmp_path, taking, entry("Out", "what about me then", a="{{Slots.age}}"))
    assert [reason for (item, _), reason in made.refused.items() if item == "Out"] == [
        "{{Slots.age}}: no entry that is imported takes the slot age"
    ]


# --- reading


def test_the_content_designers_own_format_is_read_too(tmp_path: Path) -> None:
    for number, text in enumerate([json.dumps({"qna": [entry("x", "some words here")]}, indent=1),
                                   json.dumps([entry("x", "some words here")])]):  # fmt: skip
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        assert [line.item for line in imported([path]).report] == ["x"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"qid": "a", "q": ["b c d"]}\n{"qid": }', "export.jsonl:2:9: this line is not JSON: Expecting value"),
        ('{"qid": "a"}\n\n{"q": []}', "export.jsonl:3:1: Object missing required field `qid`"),
        ('{"qna": [{"qid": "a", "q": [1]}]}', "export.jsonl:1:1: `qna[0].q[0]`: Expected `str`, got `int`"),
        ("3", "export.jsonl:1:1: Expected `object`, got `int`"),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text(text)
    with pytest.raises(PlaybookError) as raised:
        imported([path])
    assert str(raised.value).endswith(said)


# --- calls, played


class Turn(NamedTuple):
    """What came up after somebody's words and before the next ones."""

    came: list[str]
    told: str = ""
    """What the last card says and shows."""


def played(playbook: Playbook, turns: Sequence[tuple[Party, str]], *, meaning: bool = False) -> list[Turn]:
    call = engine.begin("c")
    seq = 0

    def hear(event: AnyEvent) -> list[Card]:
        nonlocal call, seq
        seq += 1
        call, items = engine.step(playbook, call, seq, event)
        return [item for item in items if isinstance(item, Card) and item.state == "confirmed"]

    hear(CallStarted(call_id="c"))
    found = []
    at = 1_000
    for number, (party, text) in enumerate(turns):
        end = at + 350 * len(text.split())
        cards = hear(
            SegmentHeard(call_id="c", segment_id=f"s{number}", rev=1, party=party, text=text, final=True,
                         start_ms=at, end_ms=end)
        )  # fmt: skip
        for read in list(readings(playbook, call)) if meaning else ():
            cards += hear(read)
        cards += hear(ClockTicked(call_id="c", at_ms=end + 1_400))
        told = " ".join(filter(None, (cards[-1].say, re.sub(r"<[^>]+>", "", cards[-1].body)))) if cards else ""
        found.append(Turn(list(dict.fromkeys(card.why.rule for card in cards)), told))
        at = end + 1_500
    return found


def readings(playbook: Playbook, call: Any) -> Iterator[UtteranceRead]:
    """What stands in for a model: an utterance means what it says nearly word for word."""
    for one in (one for said in call.utterances.values() for one in said if one.key not in call.readings):
        scores = {
            meaning.id: 1.0
            for meaning in playbook.meanings.values()
            for example in meaning.examples
            if len(words(example).norms) > 2 and fuzz.partial_ratio(" ".join(words(example).norms), one.text) >= 92
        }
        yield UtteranceRead(call_id="c", utterance=one.key, meanings=playbook.meanings_version, scores=scores)


# --- the published calls


class Line(NamedTuple):
    part: int
    who: Party | None
    """None: what the agent's assistant is to show."""
    text: str


class Row(NamedTuple):
    """A line that the assistant is to show, and the card of it."""

    part: int
    card: str
    why: str = ""
    """Why no card comes."""


DOCUMENTS = "an answer from documents that are no entries of the export (Kendra, Bedrock)"
CALLS = {
    "agent-assist-demo-script.md": ("qna-aa-demo.jsonl", [
        Row(2, "aademo-cash-back-enquiry"),
        Row(3, "aademo-life-insurance-policy-enquiry"),
        Row(4, "", DOCUMENTS),
        Row(4, "", DOCUMENTS),
        Row(4, "", DOCUMENTS),
        Row(5, "aademo-wrapup"),
    ]),
    "agent-assist-demo-script1.md": ("qna-aa-demo1.jsonl", [
        Row(1, "aademo-card-type-and-name-ask-firstname"),
        Row(1, "aademo-card-type-and-name"),
        Row(2, "aademo-cash-back-enquiry"),
        Row(3, "aademo-transaction-make-payment-ask-accountno"),
        Row(3, "aademo-transaction-make-payment-ask-amount"),
        Row(3, "aademo-transaction-make-payment-ask-accounttype"),
        Row(3, "aademo-transaction-make-payment"),
        Row(4, "aademo-life-insurance-policy-enquiry"),
        Row(5, "", DOCUMENTS),
        Row(6, "aademo-wrapup"),
    ]),
}  # fmt: skip
UNASKED = {("agent-assist-demo-script.md", "aademo-card-type")}
"""What comes although the script shows nothing there: the caller asks the entry's question word for word."""


def script(name: str) -> list[Line]:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the published call {name} is not here")
    lines = []
    part = 0
    for text in path.read_text("utf-8").splitlines():
        if found := re.match(r"### Part (\d+)", text):
            part = int(found[1])
        elif found := re.match(r"\*\*(Agent|Caller)\*\*:\s*(.*)", text):
            lines.append(Line(part, "agent" if found[1] == "Agent" else "customer", found[2].strip()))
        elif found := re.match(r"<span[^>]*>\*\*AGENTASSIST\*\*:\s*(.*)", text):
            lines.append(Line(part, None, found[1].replace("</span>", "").strip()))
    return lines


@cache
def playbook_of(export: str) -> Playbook:
    return compiled(imported([SAMPLES / export]).write(Path(mkdtemp()) / "kb").source)


@pytest.mark.parametrize("meaning", [False, True], ids=["by words", "by words and meaning"])
@pytest.mark.parametrize("name", CALLS)
def test_a_published_call_brings_up_what_its_script_shows(name: str, meaning: bool) -> None:
    """Each line that the entries can answer comes up at the caller's words before it, and nothing at all others."""
    lines = script(name)
    export, rows = CALLS[name]
    turns = played(playbook_of(export), [(line.who, line.text) for line in lines if line.who], meaning=meaning)
    shown = iter(rows)
    expected: list[list[Row]] = [[] for _ in turns]
    wanted: list[str] = []
    spoken = asked = -1
    for line in lines:
        if line.who is None:
            expected[asked].append(next(shown))
            wanted.append(line.text)
        else:
            spoken += 1
            asked = spoken if line.who == "customer" else asked
    assert next(shown, None) is None
    assert [row.part for row in rows] == [line.part for line in lines if line.who is None]
    for turn, due in zip(turns, expected, strict=True):
        came = [card for card in turn.came if (name, card) not in UNASKED]
        assert came == [row.card for row in due if row.card], (turn, due)
    told = {card: turn.told for turn in turns for card in turn.came}
    for row, text in zip(rows, wanted, strict=True):
        if not row.why:
            nearest = max(told, key=lambda card: fuzz.token_set_ratio(text, told[card]))
            assert nearest == row.card
            assert fuzz.token_set_ratio(text, told[row.card]) >= 70


def test_the_table_of_the_published_calls_is_whole() -> None:
    """Of sixteen lines that the scripts show, the twelve that entries can answer come; four are documents'."""
    rows = [row for _, found in CALLS.values() for row in found]
    assert (len(rows), sum(not row.why for row in rows), sum(row.why == DOCUMENTS for row in rows)) == (16, 12, 4)


@pytest.mark.parametrize("export", sorted({export for export, _ in CALLS.values()}))
def test_of_a_published_export_only_commands_and_hooks_are_refused(export: str) -> None:
    if not (SAMPLES / export).exists():
        pytest.skip(f"the published export {export} is not here")
    refused = [line.item for line in imported([SAMPLES / export]).report if isinstance(line, NotImported)]
    assert all(item.startswith("AA.") or item == "CustomNoMatches" for item in refused)
    assert len(refused) == len(set(refused))


# --- the same as a table: python tests/knowledge/test_import_qnabot.py


def table(name: str) -> Iterator[str]:
    """Each turn of a published call: who, what, the line that the script shows after it, what came, and why not."""
    export, rows = CALLS[name]
    lines = script(name)
    turns = iter(played(playbook_of(export), [(line.who, line.text) for line in lines if line.who]))
    shown = iter(rows)
    yield f"{name} with {export}"
    for line in lines:
        if line.who is not None:
            turn = next(turns)
            yield f"{line.part}  {line.who:<8}  {line.text}"
            for card in turn.came:
                yield f"     came    {card}" + ("" if card != turn.came[-1] else f": {turn.told}")
        else:
            row = next(shown)
            yield f"   expects   {row.card or '-'}: {line.text}" + (f"  [does not come: {row.why}]" if row.why else "")


if __name__ == "__main__":
    for published in CALLS:
        sys.stdout.writelines(f"{told[:150]}\n" for told in table(published))
