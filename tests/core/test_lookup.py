"""What conditions look at in a call: places that something must not follow, slots, holds."""

from calls import (
    CALL,
    NUMBER,
    following,
    held,
    interims,
    kept,
    last_four,
    lives,
    rule,
    say,
    segment,
    watching,
)
from msgspec.structs import replace

from rtig.core import lookup
from rtig.core.conditions import AllOf, MoodAt, OnHold, Said, SlotIs
from rtig.core.events import (
    HoldChanged,
    Party,
    SegmentVoided,
)
from rtig.core.guidance import Bend
from rtig.core.playbook import SlotSource
from rtig.core.shape import FOR_EVER, Span


def holds(*events: HoldChanged) -> tuple[Span, ...]:
    watcher = watching(*events)
    return lookup.heardings(watcher.playbook, watcher.call).holds


def test_holds_are_in_order_of_their_times_however_they_become_known() -> None:
    four = [held(True, 1_000), held(False, 2_000), held(True, 3_000), held(False, 4_000)]
    assert holds(*four) == holds(*reversed(four)) == (Span(1_000, 2_000), Span(3_000, 4_000))
    assert holds(*four[:3], four[2]) == (Span(1_000, 2_000), Span(3_000, FOR_EVER))


def test_what_is_told_twice_or_never_begun_changes_no_hold() -> None:
    assert holds(held(True, 1_000), held(True, 1_500), held(False, 2_000), held(False, 9_000)) == (Span(1_000, 2_000),)
    assert holds(held(False, 1_000)) == ()
    assert holds(held(True, 1_000), held(False, 1_000)) == (Span(1_000, FOR_EVER),)


# --- what must not follow

CYCLE = rule("bill", Said(("my bill !(cycle|due date)",)))


def test_a_card_is_taken_back_when_what_must_not_follow_comes_in_the_next_segment() -> None:
    watcher = following(CYCLE)
    assert lives(watcher.hear(segment("a", say("customer", 1_000, "about my bill")))) == [("bill.1", "confirmed", "")]
    assert lives(watcher.hear(segment("b", say("customer", 1_900, "due")))) == []
    assert lives(watcher.hear(segment("c", say("customer", 2_200, "date please")))) == [
        ("bill.1", "retracted", "revised")
    ]
    assert lives(watcher.hear(SegmentVoided(call_id=CALL, segment_id="c"))) == [("bill.1", "confirmed", "")]


def test_what_must_not_follow_takes_back_only_the_place_that_it_follows() -> None:
    watcher = following(CYCLE)
    watcher.hear(segment("a", say("customer", 1_000, "my bill cycle and my bill")))
    (card,) = watcher.call.told.cards.values()
    assert (card.state, card.at_ms) == ("confirmed", 2_800)


def test_what_must_not_follow_may_be_said_by_somebody_else() -> None:
    watcher = following(CYCLE)
    watcher.hear(segment("a", say("customer", 1_000, "my bill")))
    assert lives(watcher.hear(segment("b", say("agent", 1_600, "cycle")))) == []


def test_a_word_that_is_not_final_yet_does_not_take_back_a_card_that_is() -> None:
    watcher = following(CYCLE)
    watcher.hear(segment("a", say("customer", 1_000, "my bill")))
    assert lives(watcher.hear(*interims("b", say("customer", 1_600, "cycle")))) == []
    assert lives(watcher.hear(segment("b", say("customer", 1_600, "cycle"), 5))) == [("bill.1", "retracted", "revised")]


def test_what_must_not_follow_may_follow_what_was_heard_otherwise() -> None:
    watcher = following(rule("cancel", Said(("cancel my contract !(phone)",))))
    watcher.hear(segment("a", say("customer", 0, "cancle my contract phone")))
    assert lives(watcher.items) == []


# --- what slots keep

DIGITS = segment("d", say("customer", 6_000, "four five one two"))
ASKED = Said(("last four digits",), "agent", lasting_ms=10_000)


def test_a_value_is_captured_where_its_slot_listens() -> None:
    watcher = following(NUMBER, slots=(last_four(ASKED),))
    assert lives(watcher.hear(DIGITS)) == []
    assert kept(watcher) == {}
    items = watcher.hear(segment("a", say("agent", 3_000, "the last four digits please")))
    assert lives(items) == [("number.1", "confirmed", "")]
    assert kept(watcher) == {"last_four": "4512"}
    assert lives(watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))) == [("number.1", "retracted", "revised")]


def test_a_slot_listens_no_longer_than_was_asked_for() -> None:
    watcher = following(NUMBER, slots=(last_four(ASKED),))
    watcher.hear(segment("a", say("agent", 3_000, "last four digits")))
    watcher.hear(segment("b", say("customer", 13_899, "seven yes")), segment("c", say("customer", 16_000, "eight")))
    assert kept(watcher) == {"last_four": "7"}


def test_a_slot_listens_to_its_own_party() -> None:
    def found(party: Party) -> dict[str, str]:
        watcher = following(slots=(last_four(None, party),))
        watcher.hear(segment("a", say("agent", 0, "nine")), segment("b", say("customer", 6_000, "seven")))
        return kept(watcher)

    assert (found("customer"), found("agent")) == ({"last_four": "7"}, {"last_four": "9"})
    assert kept(following(slots=(last_four(None, "any"),))) == {}  # type: ignore[arg-type]


def test_a_slot_may_listen_while_on_hold_or_upset_or_after_what_was_meant() -> None:
    angry = segment("z", say("customer", 0, "this is a terrible awful horrible disgrace I hate it"))
    watcher = following(NUMBER, slots=(last_four(AllOf((OnHold(1_000), MoodAt("tense")))),))
    watcher.hear(angry, DIGITS)
    assert kept(watcher) == {}
    assert lives(watcher.hear(held(True, 4_000))) == [("number.1", "confirmed", "")]
    assert lives(watcher.hear(held(False, 4_500))) == [("number.1", "retracted", "revised")]


def test_one_slot_may_wait_for_another() -> None:
    code = SlotSource(id="code", kind="number", said=("code {code}",), when=SlotIs("name", one_of=("Anna",)))
    watcher = following(
        rule("coded", SlotIs("code", above=3)),
        slots=(code, SlotSource(id="name", kind="name", said=("i am {name}",))),
    )
    watcher.hear(segment("b", say("customer", 6_000, "code five")))
    assert lives(watcher.items) == []
    assert lives(watcher.hear(segment("a", say("customer", 0, "i am anna hello")))) == [("coded.1", "confirmed", "")]
    assert kept(watcher) == {"code": "5", "name": "Anna"}
    watcher.hear(segment("c", say("customer", 3_000, "i am bob hello")))
    assert lives(watcher.items)[-1] == ("coded.1", "retracted", "revised")


def test_the_last_value_counts_and_each_is_known_from_its_time_on() -> None:
    watcher = following(slots=(last_four(None),))
    watcher.hear(segment("b", say("customer", 6_000, "seven")), segment("a", say("customer", 0, "nine yes")))
    assert [kept(watcher, at_ms) for at_ms in (299, 300, 6_299, 6_300)] == [
        {}, {"last_four": "9"}, {"last_four": "9"}, {"last_four": "7"},
    ]  # fmt: skip


def test_of_two_phrases_that_end_together_the_longer_one_knows_best() -> None:
    slot = SlotSource(id="sum", kind="number", said=("{sum}", "five {sum}", "only five {sum}"))
    watcher = following(slots=(slot,))
    watcher.hear(segment("a", say("customer", 0, "only five six")))
    assert kept(watcher) == {"sum": "6"}


def test_words_that_are_no_value_after_all_capture_nothing() -> None:
    watcher = following(rule("paid", Said(("pay {sum} now",))), slots=(SlotSource(id="sum", kind="amount"),))
    watcher.hear(segment("a", say("customer", 0, "pay five and now")))
    assert (kept(watcher), lives(watcher.items)) == ({}, [])
    watcher.hear(segment("b", say("customer", 9_000, "pay five now")))
    assert (kept(watcher), lives(watcher.items)) == ({"sum": "5"}, [("paid.1", "confirmed", "")])


def test_a_value_is_not_captured_where_its_phrase_is_followed_by_what_must_not() -> None:
    watcher = following(NUMBER, slots=(replace(last_four(None), said=("it is {last_four} !(pounds)",)),))
    watcher.hear(segment("a", say("customer", 0, "it is five")))
    assert kept(watcher) == {"last_four": "5"}
    items = watcher.hear(segment("b", say("customer", 900, "pounds")))
    assert (kept(watcher), lives(items)) == ({}, [("number.1", "retracted", "revised")])


def test_only_the_whole_of_a_value_counts() -> None:
    sum_slot = SlotSource(id="sum", kind="amount", said=("pay {sum}", "{sum} pounds"))
    watcher = following(rule("cheap", SlotIs("sum", below=50)), rule("pays", Said(("pay {sum}",))), slots=(sum_slot,))
    watcher.hear(segment("a", say("customer", 0, "pay one hundred and fifty pounds and ten pence now")))
    assert kept(watcher, 2_699) == {}
    assert kept(watcher, 2_700) == {"sum": "150.10"}
    (card,) = watcher.call.told.cards.values()
    assert (card.id, card.at_ms) == ("pays.1", 2_700)


def test_a_value_goes_on_in_the_next_segment_and_ends_where_that_is_taken_back() -> None:
    watcher = following(NUMBER, slots=(last_four(None),))
    watcher.hear(segment("a", say("customer", 0, "four five")), segment("b", say("customer", 600, "one two")))
    assert (kept(watcher, 600), kept(watcher, 1_200)) == ({}, {"last_four": "4512"})
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))
    assert kept(watcher, 600) == {"last_four": "45"}


def test_a_value_ends_at_a_pause() -> None:
    watcher = following(slots=(last_four(None),))
    watcher.hear(segment("a", say("customer", 0, "one two three four")), segment("b", say("customer", 9_000, "fifty")))
    assert [kept(watcher, at_ms) for at_ms in (1_200, 9_300)] == [{"last_four": "1234"}, {"last_four": "50"}]


def test_the_beginning_of_a_value_is_none_where_the_whole_is_followed_by_what_must_not() -> None:
    watcher = following(slots=(SlotSource(id="sum", kind="amount", said=("it was {sum} !(in total)",)),))
    watcher.hear(segment("a", say("customer", 0, "it was sixty dollars in total")))
    assert kept(watcher) == {}


def test_what_a_slot_took_of_words_that_were_heard_otherwise_says_so() -> None:
    watcher = following(
        rule("named", SlotIs("name")), slots=(SlotSource(id="name", kind="name", said=("my name is {name}",)),)
    )
    watcher.hear(segment("a", say("customer", 0, "my nane is anna")))
    (card,) = watcher.call.told.cards.values()
    assert card.why.bends == (Bend(heard="nane", meant="name"),)


def test_a_slot_that_waits_for_itself_waits_for_ever() -> None:
    slot = SlotSource(id="x", kind="name", said=("my name is {x}",), when=SlotIs("x"))
    watcher = following(rule("named", SlotIs("x")), slots=(slot,))
    watcher.hear(segment("a", say("customer", 0, "my name is anna")))
    assert (kept(watcher), lives(watcher.items)) == ({}, [])
