"""Two playbooks over recorded calls: which cards differ, what the labels say of them, and which limits that breaks."""

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import msgspec
import pytest
from calls import CALL, call, playbook, rule, say, segment

from rtig.backtest import (
    Backtest,
    Given,
    Label,
    Place,
    Report,
    RuleDifference,
    broken_limits,
    check_limits,
    compared,
    folds,
    outcome,
    read_labels,
    remembering,
)
from rtig.core.conditions import Means, NotSaid, Said, Silence
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    CardMissed,
    ClockTicked,
    PlaybookChanged,
    UtteranceRead,
)
from rtig.core.playbook import MeaningSource, Playbook, Source
from rtig.core.policy import Attention
from rtig.core.triggers import Rule
from rtig.core.utterances import Reading, Utterance
from rtig.errors import WorldError

BILL = rule("bill", Said(("bill has doubled",)))
ROUTER = rule("router", Said(("router",)))
HUSH = rule("hush", Silence(10_000))


def book(*rules: Rule) -> Playbook:
    return playbook(Source(name="t", rules=rules, attention=Attention(gap_ms=3_000, patience_ms=1_000)))


OLD = book(BILL, ROUTER)


def named(call_id: str, events: Sequence[AnyEvent]) -> list[AnyEvent]:
    return [msgspec.structs.replace(event, call_id=call_id) for event in events]


CALLS = [
    named("c1", call([say("customer", 1_000, "my bill has doubled")], 20_000)),
    named("c2", call([say("customer", 1_000, "the bill is higher"), say("agent", 9_000, "one moment")], 40_000)),
    named("c3", call([say("agent", 0, "hello"), say("customer", 6_000, "my router is slow")], 30_000)),
]


def reported(old: Playbook, new: Playbook, labels: Sequence[Label] = (), examples: int = 3) -> Report:
    test = Backtest(old, new, labels, examples)
    for events in CALLS:
        test.add(events, outcome(old, events), outcome(new, events))
    return test.report()


def given(at_ms: int, words: str = "w", rule_id: str = "bill") -> Given:
    return Given(CALL, rule_id, at_ms, words)


# --- one call


def test_the_cards_that_a_call_is_left_with() -> None:
    """With where the words stood, turns counted in the order in which they began; of a silence, what was waited for."""
    events = call([say("agent", 2_000, "right"), say("customer", 500, "oh my bill has doubled again")], 40_000)
    bill, hush = outcome(book(BILL, HUSH), events).cards
    assert bill == Given(
        CALL, "bill", bill.at_ms, "bill has doubled", '“bill has doubled” said by the customer', None,
        Place(1, "customer", "oh my bill has doubled again", 6, 22),
    )  # fmt: skip
    assert (hush.rule, hush.words, hush.condition) == ("hush", "", "nobody spoke for 10 s")
    assert hush.place == Place(2, "agent", "right", 0, 0)


def test_a_card_before_anybody_spoke() -> None:
    (card,) = outcome(book(rule("recorded", NotSaid(("is recorded",), within_ms=5_000))), call([], 40_000)).cards
    assert (card.words, card.place) == ("", None)


def test_words_over_several_turns_are_placed_in_the_last() -> None:
    events = call([say("customer", 0, "my bill"), say("customer", 700, "has doubled now")], 5_000)
    (card,) = outcome(OLD, events).cards
    assert card.words == "bill … has doubled"
    assert card.place == Place(2, "customer", "has doubled now", 0, 11)


def test_what_was_withheld_is_known() -> None:
    events = call([say("customer", 0, "bill has doubled router")], 5_000)
    found = outcome(book(msgspec.structs.replace(BILL, priority=90), ROUTER), events)
    assert [card.rule for card in found.cards] == ["bill"]
    assert [(held.rule, held.reason) for held in found.withheld] == [("router", "budget")]


def test_a_call_without_events() -> None:
    assert outcome(OLD, []).cards == ()


def test_cards_that_were_taken_back_do_not_count() -> None:
    heard = say("customer", 0, "bill has doubled")
    events: list[AnyEvent] = [
        CallStarted(call_id=CALL),
        segment("s", heard, 1, final=False, stable=16),
        segment("s", heard, 2, text="pill had troubled"),
        CallEnded(call_id=CALL, at_ms=9_000),
    ]
    assert outcome(OLD, events).cards == ()


def test_personal_data_are_masked() -> None:
    events = call([say("customer", 0, "bill has doubled call me at 020 7946 0018 please")], 9_000)
    (card,) = outcome(OLD, events).cards
    assert card.place is not None
    assert "7946" not in card.place.text
    assert "[phone number]" in card.place.text


def test_what_a_server_added_is_left_out() -> None:
    """Its ticks, its readings, its missed cards and its changes of playbook followed from the rules of that day."""
    said = call([say("customer", 1_000, "my bill has doubled")], 20_000)
    added: list[AnyEvent] = [
        ClockTicked(call_id=CALL, at_ms=19_000),
        CardMissed(call_id=CALL, card_id="bill.1"),
        PlaybookChanged(call_id=CALL, version="x", at_ms=19_500),
        UtteranceRead(call_id=CALL, utterance="u", meanings="m", scores={"m": 0.9}),
    ]
    live = [*said[:-1], *added, said[-1]]
    assert outcome(book(BILL, HUSH), live) == outcome(book(BILL, HUSH), said)


# --- meanings

MEANT = Source(
    name="t",
    rules=(rule("bill", Means("bill.0", "any")),),
    meanings=(MeaningSource(id="bill.0", rule="bill", examples=("my bill has doubled",)),),
)


def read(queue: str, utterances: Sequence[Utterance]) -> list[Reading]:
    return [Reading({"bill.0": 0.8 if "twice" in one.text and queue == "billing" else 0.1}) for one in utterances]


def test_a_model_reads_what_was_said() -> None:
    events = call([say("customer", 0, "i pay twice as much"), say("agent", 4_000, "i see")], 20_000)
    meant = playbook(MEANT)
    (card,) = outcome(meant, events, read).cards
    assert (card.rule, card.score, card.words) == ("bill", 0.8, "i pay twice as much")
    assert outcome(meant, events).cards == ()
    assert outcome(OLD, events, read).cards == ()


def test_no_utterance_is_read_twice() -> None:
    asked: list[tuple[str, str]] = []

    def noting(queue: str, utterances: Sequence[Utterance]) -> list[Reading]:
        asked.extend((queue, one.text) for one in utterances)
        return read(queue, utterances)

    remembered = remembering(noting)
    meant = playbook(MEANT)
    spoken = [say("customer", 0, "i pay twice as much"), say("agent", 4_000, "i see")]
    for queue in ("billing", "billing", "faults"):
        events = [msgspec.structs.replace(e, queue=queue) if isinstance(e, CallStarted) else e for e in call(spoken)]
        assert outcome(meant, events, remembered) == outcome(meant, events, read)
    assert asked == [("billing", "i pay twice as much"), ("faults", "i pay twice as much")]


def test_readings_follow_the_words_at_once() -> None:
    events = call([say("customer", 0, "hello"), say("customer", 9_000, "twice as much")], 20_000)
    kinds = [type(folded.event).__name__ for folded in folds(playbook(MEANT), CALL, events, read)]
    kinds = [kind for kind in kinds if kind != "ClockTicked"]
    assert kinds == ["CallStarted", "SegmentHeard", "UtteranceRead", "SegmentHeard", "UtteranceRead", "CallEnded"]


# --- the difference


def test_the_same_cards_are_no_difference() -> None:
    assert compared([given(1), given(9)], [given(9), given(1)]) == ([], [], [])


def test_gained_lost_and_moved() -> None:
    old = [given(0, "a"), given(20_000, "b"), given(40_000, "c"), given(60_000, "d", "other")]
    new = [given(4_000, "a"), given(20_000, "B"), given(50_000, "c"), given(60_000, "d")]
    gained, lost, moved = compared(old, new)
    assert gained == [new[2], new[3]]
    assert lost == [old[2], old[3]]
    assert moved == [(old[0], new[0]), (old[1], new[1])]


def test_the_nearest_is_the_one_that_moved() -> None:
    gained, lost, moved = compared([given(10_000)], [given(6_000), given(12_000), given(14_999)])
    assert (gained, lost, moved) == ([given(6_000), given(14_999)], [], [(given(10_000), given(12_000))])


def test_where_and_how_are_no_difference() -> None:
    """The same words at the same time, by another phrase."""
    other = given(1)._replace(condition="said otherwise", score=0.7, place=Place(1, "customer", "w", 0, 1))
    assert compared([given(1)], [other]) == ([], [], [])


# --- the report


def test_a_report() -> None:
    wider = rule("bill", Said(("bill has doubled", "bill is higher")))
    report = reported(OLD, book(wider, ROUTER))
    assert (report.old, report.new) == (OLD.version, book(wider, ROUTER).version)
    assert (report.calls, report.seconds, report.calls_changed) == (3, 90.0, 1)
    assert (report.cards_old, report.cards_new, report.gained, report.lost, report.moved) == (2, 3, 1, 0, 0)
    assert (report.precision, report.recall, report.labels_without_call) == (None, None, 0)
    (bill,) = report.rules
    assert (bill.rule, bill.change, bill.old, bill.new, bill.gained, bill.lost, bill.moved) == (
        "bill", "edited", 1, 2, 1, 0, 0,
    )  # fmt: skip
    (example,) = bill.examples_gained
    assert (example.call_id, example.words, example.withheld, example.right) == ("c2", "bill is higher", "", None)
    assert example.place == Place(1, "customer", "the bill is higher", 4, 18)


def test_a_loss_says_what_stood_in_its_way() -> None:
    """One rule is edited; another's card is lost because of it."""
    events = call([say("customer", 0, "bill is higher router")], 5_000)
    new = book(msgspec.structs.replace(rule("bill", Said(("bill is higher",))), priority=90), ROUTER)
    test = Backtest(OLD, new)
    test.add(events, outcome(OLD, events), outcome(new, events))
    differences = {difference.rule: difference for difference in test.report().rules}
    assert {name: (d.change, d.gained, d.lost) for name, d in differences.items()} == {
        "bill": ("edited", 1, 0),
        "router": ("same", 0, 1),
    }
    (lost,) = differences["router"].examples_lost
    assert (lost.withheld, lost.by) == ("budget", "bill.1")


def test_a_gain_says_what_had_stood_in_its_way() -> None:
    draft = msgspec.structs.replace(BILL, draft=True)
    (example,) = reported(book(draft), book(BILL)).rules[0].examples_gained
    assert example.withheld == "draft"


def test_a_move_says_how_it_was() -> None:
    later = rule("router", Said(("slow",)))
    (router,) = reported(OLD, book(BILL, later)).rules
    (example,) = router.examples_moved
    assert example.before is not None
    assert (example.before.words, example.words) == ("router", "slow")
    assert example.before.at_ms < example.at_ms


def test_rules_that_come_and_go_are_told_even_where_no_card_differs() -> None:
    changes = {d.rule: (d.change, d.old, d.new) for d in reported(book(BILL, HUSH), book(BILL, ROUTER)).rules}
    assert changes["router"] == ("added", 0, 1)
    assert changes["hush"][0] == "removed"
    silent = rule("silent", Said(("nobody says this",)))
    assert [(d.rule, d.change, d.gained) for d in reported(book(BILL), book(BILL, silent)).rules] == [
        ("silent", "added", 0)
    ]


def test_other_sentences_of_a_meaning_are_an_edit() -> None:
    (meaning,) = MEANT.meanings
    other = msgspec.structs.replace(MEANT, meanings=(msgspec.structs.replace(meaning, examples=("other",)),))
    assert [(d.rule, d.change) for d in reported(playbook(MEANT), playbook(other)).rules] == [("bill", "edited")]
    assert reported(playbook(MEANT), playbook(MEANT)).rules == ()


def test_the_largest_difference_comes_first() -> None:
    heard = [rule(name, Said((phrase,), party="any")) for name, phrase in (("z", "my"), ("a", "moment"), ("b", "slow"))]
    assert [d.rule for d in reported(book(), book(*heard)).rules] == ["z", "a", "b"]


def test_as_many_examples_as_are_asked_for() -> None:
    def examples(number: int) -> int:
        (difference,) = reported(book(), book(rule("my", Said(("my",)))), examples=number).rules
        assert difference.gained == 2
        return len(difference.examples_gained)

    assert [examples(number) for number in (0, 1, 5)] == [0, 1, 2]


def test_a_report_is_the_same_each_time() -> None:
    new = book(rule("bill", Said(("bill",))), HUSH)
    assert msgspec.json.encode(reported(OLD, new)) == msgspec.json.encode(reported(OLD, new))


# --- labels


def test_labels_tell_precision_and_recall() -> None:
    """A rule that no label names takes no part: nobody has said when it was right."""
    labels = [Label("c1", "bill"), Label("c2", "bill", 1_000), Label("elsewhere", "bill")]
    wider = rule("bill", Said(("bill",)))
    report = reported(book(BILL, ROUTER), book(wider, HUSH), labels)
    assert (report.precision, report.recall) == ((1.0, 1.0), (0.5, 1.0))
    differences = {d.rule: d for d in report.rules}
    assert (differences["bill"].precision, differences["bill"].recall) == ((1.0, 1.0), (0.5, 1.0))
    assert differences["router"].precision == differences["router"].recall == (None, None)
    assert report.labels_without_call == 1
    assert [example.right for example in differences["bill"].examples_gained] == [True]
    assert [example.right for example in differences["router"].examples_lost] == [False]


def test_a_card_at_another_time_is_no_answer() -> None:
    report = reported(OLD, OLD, [Label("c1", "bill", 15_000)])
    assert (report.precision, report.recall) == ((0.0, 0.0), (0.0, 0.0))
    assert [d.rule for d in report.rules] == ["bill"]


def test_a_card_and_a_label_count_once() -> None:
    labels = [Label("c1", "bill", 1_000), Label("c1", "bill", 2_000)]
    report = reported(OLD, OLD, labels)
    assert (report.precision, report.recall) == ((1.0, 1.0), (1.0, 1.0))


def test_nothing_given_has_no_precision() -> None:
    report = reported(OLD, book(ROUTER), [Label("c1", "bill")])
    assert (report.precision, report.recall) == ((1.0, None), (1.0, 0.0))


def test_read_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('\n{"call_id":"c1","rule":"bill"}\n{"call_id":"c2","rule":"bill","at_ms":5}\n', "utf-8-sig")
    assert read_labels(path, ["bill"]) == [Label("c1", "bill"), Label("c2", "bill", 5)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "truncated"),
        ("[]", "object"),
        ('{"call_id":"c1"}', "`rule`"),
        ('{"call_id":"c1","rule":"bill","at_ms":1.5}', "at_ms"),
        ('{"call_id":"c1","rule":"bill","at":1}', "`at`"),
        ('{"call_id":"c1","rule":"bil"}', "neither .* rule `bil`"),
    ],
)
def test_a_wrong_label_is_refused_with_file_and_line(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text('{"call_id":"c1","rule":"bill"}\n\n' + line)
    with pytest.raises(WorldError, match=rf"labels\.jsonl:3: .*({problem})"):
        read_labels(path, ["bill"])


def test_labels_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(WorldError, match="not UTF-8"):
        read_labels(path, ["bill"])


# --- limits

REPORT = Report(
    old="a", new="b", calls=50, seconds=1, calls_changed=4, cards_old=20, cards_new=22, gained=4, lost=2, moved=1,
    precision=(0.5, 0.75), recall=(None, None),
    rules=(RuleDifference(rule="bill-1", old=10, new=12, gained=3, lost=1, moved=0, precision=(1.0, 0.5)),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "broken"),
    [
        ("lost>1", "lost>1: lost is 2"),
        ("lost>2", ""),
        ("lost>=2", "lost>=2: lost is 2"),
        ("gained<4", ""),
        ("gained<=4", "gained<=4: gained is 4"),
        (" moved > 0 ", " moved > 0 : moved is 1"),
        ("changed>5%", "changed>5%: changed is 8%"),
        ("changed>8%", ""),
        ("lost>=10%", "lost>=10%: lost is 10%"),
        ("cards>21", "cards>21: cards is 22"),
        ("cards>50%", ""),
        ("precision<0.8", "precision<0.8: precision is 0.75"),
        ("precision<0.7", ""),
        ("recall<0.1", "recall<0.1: recall is not known, for want of labels"),
        ("bill-1:lost>0", "bill-1:lost>0: lost is 1"),
        ("bill-1:lost>10%", ""),
        ("bill-1:cards>11", "bill-1:cards>11: cards is 12"),
        ("bill-1:precision<0.6", "bill-1:precision<0.6: precision is 0.5"),
        ("router:lost>0", ""),
        ("router:gained>0%", ""),
        ("router:precision<1", "router:precision<1: precision is not known, for want of labels"),
    ],
)
def test_limits(limit: str, broken: str) -> None:
    assert broken_limits(REPORT, [limit]) == ([broken] if broken else [])


def test_each_broken_limit_is_told() -> None:
    assert len(broken_limits(REPORT, ["lost>0", "gained>99", "moved>0"])) == 2


@pytest.mark.parametrize("limit", ["", "lost", "lost>", "lost=2", "lots>2", "lost>-1", "lost>2 or so", "Bill:lost>1"])
def test_what_is_no_limit(limit: str) -> None:
    with pytest.raises(WorldError, match="is no limit"):
        check_limits(["lost>0", limit], ["bill"])


def test_a_limit_of_a_rule_that_nobody_has() -> None:
    check_limits(["bill:lost>0"], ["bill"])
    with pytest.raises(WorldError, match=r"neither .* rule `bil`"):
        check_limits(["bil:lost>0"], ["bill"])


def test_every_limit_can_be_read() -> None:
    for what, sign in product(("gained", "lost", "moved", "changed", "cards", "precision", "recall"), ("<", ">=")):
        check_limits([f"{what}{sign}1.5", f"bill:{what}{sign}3%"], ["bill"])


def test_the_report_is_json_for_programs() -> None:
    told = json.loads(msgspec.json.encode(reported(OLD, book(rule("bill", Said(("bill",)))))))
    assert msgspec.convert(told, Report).gained == told["gained"]
