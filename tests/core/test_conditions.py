"""Conditions: where each holds and is met, how they combine, and what the clock alone will bring."""

from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from immutables import Map

from rtig.core import frustration
from rtig.core.conditions import (
    GRACE_MS,
    AllOf,
    AnyOf,
    Condition,
    Course,
    Heardings,
    Leaf,
    Means,
    Met,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    OnHold,
    Said,
    SaidAgain,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
    Tolerance,
    course,
    parts,
    places,
    waits,
)
from rtig.core.events import Channel, Party
from rtig.core.frustration import BANDS, Influence, Temper, lasting
from rtig.core.guidance import Bend, Quote
from rtig.core.shape import FOR_EVER, Floor, Shape, Span, talk_shares
from rtig.core.transcript import Capture, Heard, Spot
from rtig.core.utterances import Meant

NO_SHAPE = Shape()
TEMPER = Temper()


def quote(text: str, party: Party = "customer") -> Quote:
    return Quote("s1", party, 0, len(text), text)


def place(
    end_ms: int, party: Party = "customer", *, start_ms: int | None = None, text: str = "", bent: int = 0
) -> Heard:
    """Where a phrase ends; the words are named by the time."""
    start = max(0, end_ms - 500) if start_ms is None else start_ms
    bends = tuple(Bend(heard=f"h{n}", meant=f"m{n}") for n in range(bent))
    return Heard(0, party, start, end_ms, (quote(text or f"at {end_ms}", party),), Spot("s1", 0), bends)


def meant(end_ms: int, party: Party = "customer", score: float = 0.9) -> Meant:
    return Meant(f"u{end_ms}", score, party, max(0, end_ms - 500), end_ms, (quote(f"at {end_ms}", party),))


def capture(at_ms: int, value: str) -> tuple[int, Capture]:
    return at_ms, Capture("slot", value, (quote(value),))


def influence(at_ms: int, weight: float) -> Influence:
    return Influence(at_ms, f"k{at_ms}", "words", weight, (quote(f"at {at_ms}"),))


def heardings(
    said: Mapping[str, Sequence[Heard]] | None = None,
    *,
    meanings: Mapping[str, Sequence[Meant]] | None = None,
    captured: Mapping[str, Sequence[tuple[int, Capture]]] | None = None,
    shape: Shape = NO_SHAPE,
    temper: Temper = TEMPER,
    influences: Sequence[Influence] = (),
    channel: Channel = "voice",
    started: bool = True,
    now: int = 500_000,
    quiet: tuple[Span, ...] = (),
    holds: tuple[Span, ...] = (),
) -> Heardings:
    def places_of(phrase: str, tolerance: Tolerance) -> Sequence[Heard]:
        return (said or {}).get(phrase if tolerance == "asr" else f"{phrase} as written", ())

    return Heardings(
        said=lambda phrases, tolerance: [(one, found) for one in phrases if (found := places_of(one, tolerance))],
        meant=lambda meaning: (meanings or {}).get(meaning, ()),
        captured=lambda slot: (captured or {}).get(slot, ()),
        shape=shape,
        temper=temper,
        weighing=frustration.begin().revised(
            (), influences, lambda patience, fact: frustration.weigh(temper, patience, fact)
        ),
        channel=channel,
        started=started,
        now=now,
        quiet=quiet,
        holds=holds,
    )


def holds(condition: Condition, heard: Heardings) -> list[tuple[int, int]]:
    """From when to when a condition holds."""
    return [(span.start_ms, span.end_ms) for span in course(condition, heard).holds]


def met(condition: Condition, heard: Heardings) -> list[int]:
    return [one.at_ms for one in course(condition, heard).met]


BILL = {"bill": [place(1_000), place(4_000), place(9_000, "agent")]}


# --- what was said


def test_what_was_said_holds_from_then_on_and_is_met_each_time() -> None:
    found = course(Said(("bill",)), heardings(BILL))
    assert found.holds == (Span(1_000, FOR_EVER),)
    assert [(one.at_ms, one.since_ms, one.phrase) for one in found.met] == [
        (1_000, 500, "bill"),
        (4_000, 3_500, "bill"),
    ]
    assert found.met[0].quotes == (quote("at 1000"),)


def test_what_was_said_holds_for_a_while_where_that_is_asked_for() -> None:
    assert holds(Said(("bill",), lasting_ms=2_000), heardings(BILL)) == [(1_000, 3_000), (4_000, 6_000)]
    assert holds(Said(("bill",), lasting_ms=3_000), heardings(BILL)) == [(1_000, 7_000)]
    assert met(Said(("bill",), lasting_ms=3_000), heardings(BILL)) == [1_000, 4_000]


def test_who_said_it_and_when_matters() -> None:
    assert met(Said(("bill",), "agent"), heardings(BILL)) == [9_000]
    assert met(Said(("bill",), "any"), heardings(BILL)) == [1_000, 4_000, 9_000]
    assert met(Said(("bill",), first_ms=1_000), heardings(BILL)) == [1_000]
    assert met(Said(("bill",), past_ms=1_000), heardings(BILL)) == [4_000]
    assert course(Said(("invoice",)), heardings(BILL)) == Course()


def test_only_what_was_said_as_written_counts_where_that_is_asked_for() -> None:
    said = {"bill": [place(1_000)], "bill as written": [place(4_000)]}
    assert met(Said(("bill",), tolerance="none"), heardings(said)) == [4_000]
    assert met(NotSaid(("bill",), 2_000, "customer", "none"), heardings(said)) == [4_000]


def test_of_two_phrases_that_end_together_the_less_bent_and_then_the_longer_counts() -> None:
    said = {
        "long": [place(1_000, start_ms=100)],
        "short": [place(1_000, start_ms=600)],
        "bent": [place(1_000, start_ms=0, bent=1)],
    }
    assert [phrase for phrase, _ in places(("bent", "short", "long"), "asr", heardings(said))] == [
        "long", "short", "bent",
    ]  # fmt: skip
    (one,) = course(Said(("bent", "short")), heardings(said)).met
    assert (one.phrase, one.bends) == ("short", ())
    (one,) = course(Said(("bent",)), heardings(said)).met
    assert (one.phrase, one.bends) == ("bent", (Bend(heard="h0", meant="m0"),))


@pytest.mark.parametrize(
    ("end_ms", "party", "times"),
    [(10_000, "agent", []), (10_001, "agent", [12_000]), (3_000, "customer", [12_000])],
)
def test_what_was_not_said_is_met_when_its_time_and_the_grace_are_over(
    end_ms: int, party: Party, times: list[int]
) -> None:
    heard = heardings({"recorded": [place(end_ms, party)]}, now=0)
    assert met(NotSaid(("recorded",), 10_000), heard) == times
    assert holds(NotSaid(("recorded",), 10_000), heard) == [(at_ms, FOR_EVER) for at_ms in times]
    assert GRACE_MS == 2_000


def test_what_was_not_said_began_when_its_time_was_up() -> None:
    assert course(NotSaid(("recorded",), 10_000), heardings()).met == (Met(12_000, 10_000),)


def test_nothing_is_missing_before_the_call_has_started() -> None:
    assert course(NotSaid(("recorded",), 10_000), heardings(started=False)) == Course()
    assert holds(Not(NotSaid(("recorded",), 10_000)), heardings(started=False)) == [(0, FOR_EVER)]


def test_what_was_meant_holds_as_what_was_said() -> None:
    heard = heardings(meanings={"leave.1": [meant(1_000), meant(5_000, "agent"), meant(8_000)]})
    found = course(Means("leave.1"), heard)
    assert found.holds == (Span(1_000, FOR_EVER),)
    assert [(one.at_ms, one.since_ms, one.meant) for one in found.met] == [
        (1_000, 500, meant(1_000)),
        (8_000, 7_500, meant(8_000)),
    ]
    assert holds(Means("leave.1", "any", lasting_ms=4_000), heard) == [(1_000, 12_000)]
    assert met(Means("leave.1", "agent"), heard) == [5_000]
    assert course(Means("other.1"), heard) == Course()


# --- what was said again

ASKED = {"bill": [place(1_000, "agent"), place(9_000, "agent"), place(20_000, "agent")]}


def answered(*turns: tuple[int, int]) -> Shape:
    return Shape(turns=Map({"customer": tuple(Span(*turn) for turn in turns)}))


@pytest.mark.parametrize(
    ("shape", "times"),
    [
        (NO_SHAPE, []),
        (answered((2_000, 3_000)), [9_000]),
        (answered((500, 1_200)), [9_000]),  # the answer began before the question was over
        (answered((500, 900)), []),
        (answered((8_600, 9_500)), [20_000]),  # and one that began with it answers that
        (answered((2_000, 3_000), (10_000, 12_000)), [9_000, 20_000]),
    ],
)
def test_what_is_said_again_was_answered_in_between(shape: Shape, times: list[int]) -> None:
    condition = SaidAgain(("bill",), 15_000)
    assert met(condition, heardings(ASKED, shape=shape)) == times
    assert holds(condition, heardings(ASKED, shape=shape)) == [(at_ms, FOR_EVER) for at_ms in times[:1]]


def test_of_two_places_that_differ_in_nothing_that_counts_the_first_is_shown_from_any_time_on() -> None:
    said = heardings({"bill": [place(1_000, text="my bill"), place(1_000, text="my bills"), place(9_000)]})
    for since in (0, 1_000, 2_000):
        assert course(Said(("bill",)), said, since).met[0].quotes == (quote("my bill"),)


def test_what_is_said_again_shows_both_times_and_is_forgotten_after_a_while() -> None:
    heard = heardings(ASKED, shape=answered((2_000, 3_000), (10_000, 12_000)))
    first, second = course(SaidAgain(("bill",), 15_000, lasting_ms=2_000), heard).met
    assert (first.phrase, first.since_ms, [q.text for q in first.quotes]) == ("bill", 8_500, ["at 1000", "at 9000"])
    assert [q.text for q in second.quotes] == ["at 9000", "at 20000"]
    assert holds(SaidAgain(("bill",), 15_000, lasting_ms=2_000), heard) == [(9_000, 11_000), (20_000, 22_000)]
    assert met(SaidAgain(("bill",), 9_000), heard) == [9_000]


def test_another_phrase_or_another_party_is_not_the_same_again() -> None:
    said = {
        "bill": [place(1_000, "agent")],
        "plan": [place(9_000, "agent")],
        "line": [place(1_000), place(9_000, "agent")],
    }
    assert course(SaidAgain(("bill", "plan"), 15_000), heardings(said, shape=answered((2_000, 3_000)))) == Course()
    assert course(SaidAgain(("line",), 15_000, "any"), heardings(said, shape=answered((2_000, 3_000)))) == Course()


# --- slots


@pytest.mark.parametrize(
    ("condition", "spans"),
    [
        (SlotIs("sum"), [(1_000, FOR_EVER)]),
        (SlotIs("sum", above=50), [(3_000, 5_000)]),
        (SlotIs("sum", above=75), []),
        (SlotIs("sum", below=50), [(1_000, 3_000), (5_000, 7_000)]),
        (SlotIs("sum", below=20), []),
        (SlotIs("sum", above=20, below=75), [(5_000, 7_000)]),
        (SlotIs("sum", one_of=("75", "NONE")), [(3_000, 5_000), (7_000, FOR_EVER)]),
        (SlotIs("sum", one_of=("20", "75")), [(1_000, 5_000)]),
        (SlotIs("sum", one_of=("20", "30"), above=25), [(5_000, 7_000)]),
        (SlotIs("sum", empty=True), [(0, 1_000)]),
        (SlotIs("other"), []),
        (SlotIs("other", empty=True), [(0, FOR_EVER)]),
    ],
)
def test_a_slot_holds_what_was_said_last(condition: SlotIs, spans: list[tuple[int, int]]) -> None:
    taken = [capture(1_000, "20"), capture(3_000, "75"), capture(5_000, "30"), capture(7_000, "none")]
    heard = heardings(captured={"sum": taken})
    assert holds(condition, heard) == spans
    assert met(condition, heard) == ([] if condition.empty else [start for start, _ in spans])


def test_a_slot_that_is_filled_again_alike_is_not_met_again() -> None:
    heard = heardings(captured={"sum": [capture(1_000, "20"), capture(3_000, "21")]})
    (one,) = course(SlotIs("sum", below=50), heard).met
    assert (one.at_ms, one.since_ms, one.quotes) == (1_000, 1_000, (quote("20"),))


# --- the mood


def test_a_mood_is_met_when_it_is_entered_and_holds_until_it_is_left() -> None:
    heard = heardings(influences=[influence(1_000, 0.6)])
    ((start, end),) = holds(MoodAt("tense"), heard)
    assert start == 1_000
    fades = frustration.faded(TEMPER, heard.weighing.state, end)
    assert fades < 0.25 - 0.08 <= frustration.faded(TEMPER, heard.weighing.state, end - 1)
    assert course(MoodAt("tense"), heard).met == (Met(1_000, 1_000, (quote("at 1000"),)),)


def test_a_score_has_no_hysteresis() -> None:
    heard = heardings(influences=[influence(1_000, 0.5)])
    assert holds(ScoreAt(0.25), heard) == [(1_000, 1_000 + TEMPER.half_life_ms + 1)]


def test_a_mood_for_a_while_is_met_when_it_has_stayed_so_long() -> None:
    heard = heardings(influences=[influence(1_000, 0.6)], now=1_000)
    ((_, end),) = holds(MoodAt("frustrated"), heard)
    (one,) = course(MoodAt("frustrated", for_ms=5_000), heard).met
    assert (one.at_ms, one.since_ms, one.quotes) == (6_000, 6_000, (quote("at 1000"),))
    assert holds(MoodAt("frustrated", for_ms=5_000), heard) == [(6_000, end)]
    assert met(MoodAt("frustrated", for_ms=end - 1_000), heard) == []
    assert met(MoodAt("frustrated", for_ms=end - 1_001), heard) == [end - 1]
    assert met(ScoreAt(0.55, for_ms=3_000), heard) == [4_000]


def test_a_mood_that_was_there_from_the_start_shows_no_words() -> None:
    assert course(ScoreAt(0.0, for_ms=1_000), heardings()).met == (Met(1_000, 1_000),)


# --- the shape of the conversation


def test_silence_holds_once_it_has_lasted_and_the_last_one_goes_on() -> None:
    heard = heardings(
        shape=Shape(gaps=(Span(0, 9_999), Span(20_000, 30_000))), quiet=(Span(40_000, 41_000),), now=41_000
    )
    assert holds(Silence(8_000), heard) == [(8_000, 9_999), (28_000, 30_000), (48_000, FOR_EVER)]
    assert course(Silence(8_000), heard).met == (
        Met(8_000, 0),
        Met(28_000, 20_000),
        Met(48_000, 40_000),
    )
    assert met(Silence(9_999), heard) == [9_999, 29_999, 49_999]
    assert course(Silence(1_000), heardings(quiet=(Span(0, 60_000),), channel="chat")) == Course()


def test_words_that_are_not_final_part_the_silence_since_the_last_ones() -> None:
    heard = heardings(quiet=(Span(0, 9_000), Span(10_000, 12_000)))
    assert holds(Silence(8_000), heard) == [(8_000, 9_000), (18_000, FOR_EVER)]


@pytest.mark.parametrize(
    ("held", "spans"),
    [
        ([(5_000, 15_000)], [(0, 5_000), (15_000, 30_000)]),
        ([(0, 15_000)], [(15_000, 30_000)]),
        ([(5_000, 30_000)], [(0, 5_000)]),
        ([(5_000, FOR_EVER)], [(0, 5_000)]),
        ([(0, 40_000)], []),
        ([(2_000, 4_000), (6_000, 8_000)], [(0, 2_000), (4_000, 6_000), (8_000, 30_000)]),
        ([(30_000, 31_000)], [(0, 30_000)]),
    ],
)
def test_nobody_is_silent_on_hold(held: list[tuple[int, int]], spans: list[tuple[int, int]]) -> None:
    heard = heardings(shape=Shape(gaps=(Span(0, 30_000),)), holds=tuple(Span(*span) for span in held))
    assert met(Silence(2_000), heard) == [start + 2_000 for start, end in spans]


def test_a_hold_is_met_when_it_has_lasted_and_holds_to_its_end() -> None:
    heard = heardings(holds=(Span(1_000, 8_000), Span(10_000, 14_999), Span(20_000, FOR_EVER)), now=21_000)
    assert holds(OnHold(5_000), heard) == [(6_000, 8_000), (25_000, FOR_EVER)]
    assert course(OnHold(5_000), heard).met == (Met(6_000, 1_000), Met(25_000, 20_000))


def test_a_monologue_holds_while_the_floor_is_kept_on() -> None:
    shape = Shape(floors=(Floor(1_000, 21_000, "agent"), Floor(5_000, 90_000, "customer")))
    assert holds(Monologue(15_000), heardings(shape=shape)) == [(16_000, 21_000)]
    assert met(Monologue(20_000), heardings(shape=shape)) == [21_000]
    assert course(Monologue(15_000), heardings(shape=shape, channel="chat")) == Course()


def test_talking_over_holds_for_as_long_as_it_is_counted() -> None:
    shape = Shape(talk_over=(1_000, 4_000, 9_000))
    assert holds(TalkOver(2, 5_000), heardings(shape=shape)) == [(4_000, 14_000)]
    assert met(TalkOver(2, 5_000), heardings(shape=shape)) == [4_000, 9_000]
    assert met(TalkOver(2, 4_999), heardings(shape=shape)) == [4_000]
    assert met(TalkOver(3, 7_999), heardings(shape=shape)) == []
    assert course(TalkOver(1, 5_000), heardings(shape=shape, channel="chat")) == Course()


def turns(**spans: Sequence[tuple[int, int]]) -> Shape:
    shape = Shape()
    return Shape(turns=shape.turns.update({party: tuple(Span(*s) for s in found) for party, found in spans.items()}))


def test_a_talk_share_holds_from_one_turns_end_to_the_next() -> None:
    shape = turns(agent=[(0, 8_000), (12_000, 20_000), (90_000, 91_000)], customer=[(8_000, 11_000), (20_000, 30_000)])
    heard = heardings(shape=shape)
    shares = [(span, round(share, 2)) for span, share in talk_shares(shape, 10_000)]
    assert shares == [
        (Span(11_000, 20_000), 0.7),
        (Span(20_000, 30_000), 0.89),
        (Span(30_000, 91_000), 0.0),
        (Span(91_000, FOR_EVER), 1.0),
    ]
    assert holds(TalkShare(0.7, 10_000), heard) == [(11_000, 30_000), (91_000, FOR_EVER)]
    assert course(TalkShare(0.8, 10_000), heard).met == (Met(20_000, 20_000), Met(91_000, 91_000))
    typed = heardings(shape=heard.shape, channel="chat")
    assert course(TalkShare(0.8, 10_000), typed) == Course()


# --- what the clock will bring


def test_deadlines_are_what_will_be_met_if_nothing_more_is_heard() -> None:
    heard = heardings(quiet=(Span(5_000, 6_000),), holds=(Span(5_500, FOR_EVER),), now=6_000)
    assert met(OnHold(3_000), heard) == [8_500]
    assert met(NotSaid(("recorded",), 9_000), heard) == [11_000]
    assert met(Silence(3_000), heard) == []
    assert met(AllOf((OnHold(3_000), NotSaid(("recorded",), 9_000))), heard) == [11_000]


def test_what_lasts_for_a_while_will_be_over() -> None:
    heard = heardings(BILL, now=4_000)
    condition = AllOf((Said(("bill",)), Not(Said(("bill",), lasting_ms=60_000))))
    assert met(condition, heard) == [64_000]


@pytest.mark.parametrize(
    ("condition", "waiting"),
    [
        (Said(("x",)), False),
        (Said(("x",), lasting_ms=1), False),
        (SaidAgain(("x",), 1), False),
        (Means("x"), False),
        (SlotIs("x"), False),
        (SlotIs("x", empty=True), False),
        (TalkOver(1, 1), False),
        (Monologue(1), False),
        (TalkShare(0.5, 1), False),
        (MoodAt("tense"), False),
        (ScoreAt(0.5), False),
        (MoodAt("tense", for_ms=1), True),
        (ScoreAt(0.5, for_ms=1), True),
        (NotSaid(("x",), 1), True),
        (Silence(1), True),
        (OnHold(1), True),
        (Not(Said(("x",))), True),
        (AllOf((Said(("x",)), SlotIs("y"))), False),
        (AllOf((Said(("x",)), AnyOf((SlotIs("y"), OnHold(1))))), True),
        (AnyOf((Said(("x",)), Means("y"))), False),
        (AnyOf((Said(("x",)), Not(Means("y")))), True),
    ],
)
def test_what_the_clock_alone_may_bring_waits_for_it(condition: Condition, waiting: bool) -> None:
    assert waits(condition) is waiting


def test_the_parts_of_a_condition_are_its_leaves_in_order() -> None:
    bill, plan, hold = Said(("bill",)), Means("plan.1"), OnHold(1)
    assert list(parts(AllOf((bill, AnyOf((plan, Not(hold))), bill)))) == [bill, plan, hold, bill]
    assert list(parts(Not(Not(bill)))) == [bill]


# --- combinations

SAID = {
    "a": [place(2_000, text="a one"), place(6_000, text="a two")],
    "b": [place(3_000, "agent", text="b one"), place(6_000, "agent", text="b two", bent=1)],
    "c": [place(9_000, text="c one")],
}
A, B, C = Said(("a",)), Said(("b",), "agent"), Said(("c",))


def test_all_is_met_where_the_last_part_begins_to_hold_and_where_one_is_met_again() -> None:
    assert holds(AllOf((A, B)), heardings(SAID)) == [(3_000, FOR_EVER)]
    assert met(AllOf((A, B)), heardings(SAID)) == [3_000, 6_000]
    assert met(AllOf((A, C)), heardings(SAID)) == [9_000]
    assert course(AllOf((A, Said(("d",)))), heardings(SAID)) == Course()


def test_any_is_met_where_any_part_is() -> None:
    assert holds(AnyOf((C, A)), heardings(SAID)) == [(2_000, FOR_EVER)]
    assert met(AnyOf((C, A, B)), heardings(SAID)) == [2_000, 3_000, 6_000, 9_000]


def test_not_holds_where_its_part_does_not_and_is_never_met() -> None:
    assert course(Not(A), heardings(SAID)) == Course((Span(0, 2_000),))
    assert holds(Not(Said(("a",), lasting_ms=1_000)), heardings(SAID)) == [
        (0, 2_000), (3_000, 6_000), (7_000, FOR_EVER),
    ]  # fmt: skip
    assert holds(Not(Not(A)), heardings(SAID)) == [(2_000, FOR_EVER)]
    assert holds(Not(SlotIs("x", empty=True)), heardings()) == []


def test_all_with_not_is_met_again_when_what_it_forbids_is_over() -> None:
    condition = AllOf((A, Not(Said(("b",), "agent", lasting_ms=2_000))))
    assert holds(condition, heardings(SAID)) == [(2_000, 3_000), (5_000, 6_000), (8_000, FOR_EVER)]
    assert met(condition, heardings(SAID)) == [2_000, 5_000, 8_000]


def test_the_evidence_of_all_is_that_of_its_parts_each_ones_latest() -> None:
    first, second = course(AllOf((B, A)), heardings(SAID)).met
    assert [q.text for q in first.quotes] == ["a one", "b one"]
    assert (first.phrase, first.since_ms, first.bends) == ("b", 2_500, ())
    assert [q.text for q in second.quotes] == ["b two", "a two"]
    assert (second.phrase, second.bends) == ("a", (Bend(heard="h0", meant="m0"),))


def test_the_evidence_of_any_is_of_those_that_hold_and_told_once() -> None:
    fading = Said(("a",), lasting_ms=500)
    *_, last = course(AnyOf((fading, B, C, C)), heardings(SAID)).met
    assert [q.text for q in last.quotes] == ["b two", "c one"]
    assert (last.at_ms, last.phrase, last.bends) == (9_000, "c", (Bend(heard="h0", meant="m0"),))


def test_what_is_met_by_the_end_of_something_began_there_and_shows_what_still_holds() -> None:
    (*_, last) = course(AllOf((A, Not(Said(("b",), "agent", lasting_ms=2_000)))), heardings(SAID)).met
    assert (last.at_ms, last.since_ms, [q.text for q in last.quotes]) == (8_000, 8_000, ["a two"])


def test_what_was_meant_is_told_by_a_combination_too() -> None:
    heard = heardings(SAID, meanings={"leave.1": [meant(7_000)]})
    assert [one.meant for one in course(AllOf((A, Means("leave.1"))), heard).met] == [meant(7_000)]
    assert [one.meant for one in course(AnyOf((A, Means("leave.1"))), heard).met] == [None, None, meant(7_000)]


def test_what_is_met_only_as_it_ends_holds_in_no_combination() -> None:
    heard = heardings(shape=Shape(gaps=(Span(0, 8_000),)))
    assert met(Silence(8_000), heard) == [8_000]
    assert met(AnyOf((Silence(8_000),)), heard) == [8_000]
    assert course(AllOf((Silence(8_000), Not(A))), heard) == Course()


def test_what_can_be_met_in_several_ways_tells_in_which_it_was() -> None:
    def ways(condition: Condition) -> list[Condition | None]:
        return [one.way for one in course(condition, heardings(SAID)).met]

    assert ways(A) == ways(AllOf((A, B))) == [None, None]
    assert ways(AnyOf((C, A))) == [A, A, C]
    assert ways(AnyOf((B, A))) == [A, B, B]  # of two at a time the first
    assert ways(AllOf((AnyOf((C, A)), B))) == [AllOf((A, B)), AllOf((A, B)), AllOf((C, B))]
    assert ways(AnyOf((AllOf((A, AnyOf((C, B)))), C))) == [AllOf((A, B)), AllOf((A, B)), AllOf((A, C))]
    assert ways(AllOf((A, Not(AnyOf((C, B)))))) == [None]


def test_a_course_knows_where_it_holds() -> None:
    found = Course((Span(2, 4), Span(6, 7)))
    assert [at_ms for at_ms in range(9) if found.at(at_ms)] == [2, 3, 6]
    assert not Course().at(0)


# --- every millisecond as the oracle

LAST = 40
"""Times are looked at one by one up to here; what is said, later."""
_TEMPER = Temper(half_life_ms=9)
_TIME = st.integers(0, LAST - 1)
_PARTY = st.sampled_from(("customer", "agent", "unknown"))


def _apart(edges: list[int]) -> tuple[Span, ...]:
    """Spans that do not touch each other."""
    return tuple(Span(edges[at], edges[at + 1]) for at in range(0, len(edges) - 1, 2))


_EDGES = st.lists(_TIME, max_size=8, unique=True).map(sorted)
_SPANS = _EDGES.map(_apart)
_HEARINGS: st.SearchStrategy[Heardings] = st.builds(
    lambda said, meanings, taken, moved, gaps, silent, held, over, floors, spoken, started, channel: heardings(
        said,
        meanings={"m": sorted(meanings, key=lambda one: one.end_ms)},
        captured={"s": [capture(at_ms, value) for at_ms, value in sorted(taken.items())]},
        temper=_TEMPER,
        influences=[influence(at_ms, weight) for at_ms, weight in moved.items()],
        shape=Shape(
            turns=turns(**spoken).turns,
            gaps=gaps,
            talk_over=tuple(sorted(over)),
            floors=tuple(Floor(span.start_ms, span.end_ms, "agent") for span in floors),
        ),
        quiet=(Span(LAST - 5, LAST - 5),) if silent else (),
        holds=held,
        channel=channel,
        started=started,
        now=LAST,
    ),
    st.dictionaries(
        st.sampled_from("abc"),
        st.lists(st.builds(place, _TIME, _PARTY), max_size=4).map(lambda s: sorted(s, key=lambda one: one.end_ms)),
    ),
    st.lists(st.builds(meant, _TIME, st.sampled_from(("customer", "agent"))), max_size=3),
    st.dictionaries(_TIME, st.sampled_from(("1", "5", "9", "x")), max_size=4),
    st.dictionaries(_TIME, st.sampled_from((0.3, 0.6, 0.9, -0.5, -1.0)), max_size=4),
    st.lists(st.integers(0, LAST - 10), max_size=6, unique=True).map(sorted).map(_apart),
    st.booleans(),
    st.one_of(_SPANS, _EDGES.map(lambda e: (*_apart(e), Span(LAST, FOR_EVER)))),
    st.lists(_TIME, max_size=5, unique=True),
    _SPANS,
    st.fixed_dictionaries({"agent": _SPANS, "customer": _SPANS}),
    st.booleans(),
    st.sampled_from(("voice", "voice", "chat")),
)
_FOR = st.sampled_from((0, 1, 4))
_LASTING = st.sampled_from((None, 1, 5, 20))
_WANTED = st.sampled_from(("customer", "agent", "any"))
_LEAVES: st.SearchStrategy[Leaf] = st.one_of(
    st.builds(
        Said,
        st.sampled_from((("a",), ("b",), ("a", "c"))),
        _WANTED,
        st.sampled_from((None, 20)),
        st.sampled_from((None, 10)),
        _LASTING,
    ),
    st.builds(NotSaid, st.sampled_from((("a",), ("b", "c"))), st.sampled_from((5, 30)), _WANTED),
    st.builds(SaidAgain, st.sampled_from((("a",), ("b", "c"))), st.sampled_from((5, 30)), _WANTED, _LASTING),
    st.builds(Means, st.just("m"), _WANTED, _LASTING),
    st.builds(MoodAt, st.sampled_from(BANDS[1:]), _FOR),
    st.builds(ScoreAt, st.sampled_from((0.2, 0.5)), _FOR),
    st.builds(Silence, st.sampled_from((1, 4, 9))),
    st.builds(OnHold, st.sampled_from((1, 4, 9))),
    st.builds(TalkOver, st.sampled_from((1, 2, 3)), st.sampled_from((3, 10))),
    st.builds(Monologue, st.sampled_from((1, 4))),
    st.builds(TalkShare, st.sampled_from((0.3, 0.7)), st.sampled_from((5, 12))),
    st.builds(
        SlotIs,
        st.just("s"),
        one_of=st.sampled_from(((), ("1", "x"))),
        above=st.sampled_from((None, 3.0)),
        below=st.sampled_from((None, 7.0)),
    ),
    st.just(SlotIs("s", empty=True)),
)
_CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    _LEAVES,
    lambda part: st.one_of(
        st.builds(AllOf, st.lists(part, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(part, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, part),
    ),
    max_leaves=6,
)

Truth = tuple[Callable[[int], bool], Callable[[int], bool]]
"""Whether a condition holds at a time, and whether it is met there."""


def _by(party: str, wanted: str) -> bool:
    return wanted in ("any", party)


def _from(times: list[int], lasting_ms: int | None) -> Truth:
    return (
        lambda t: any(at <= t and (lasting_ms is None or t < at + lasting_ms) for at in times),
        lambda t: t in times,
    )


def _lasted(spans: list[Span], ms: int) -> Truth:
    long = [span for span in spans if span.end_ms - span.start_ms >= ms]
    return (
        lambda t: any(span.start_ms + ms <= t < span.end_ms for span in long),
        lambda t: any(span.start_ms + ms == t for span in long),
    )


def truth(condition: Condition, heard: Heardings) -> Truth:
    """A condition by the plainest way to look at each millisecond."""
    match condition:
        case AllOf():
            found = [truth(part, heard) for part in condition.parts]

            def whole(t: int) -> bool:
                return all(holds_at(t) for holds_at, _ in found)

            return whole, lambda t: whole(t) and (
                t == 0 or not whole(t - 1) or any(met_at(t) for _, met_at in found)
            )  # fmt: skip
        case AnyOf():
            found = [truth(part, heard) for part in condition.parts]
            return (
                lambda t: any(holds_at(t) for holds_at, _ in found),
                lambda t: any(met_at(t) for _, met_at in found),
            )
        case Not():
            holds_at, _ = truth(condition.part, heard)
            return lambda t: not holds_at(t), lambda t: False
        case Said():
            first, past = condition.first_ms, condition.past_ms
            ends = [p.end_ms for _, p in places(condition.phrases, "asr", heard) if _by(p.party, condition.party)]
            within = [at for at in ends if (first is None or at <= first) and (past is None or at > past)]
            return _from(within, condition.lasting_ms)
        case NotSaid():
            due = condition.within_ms + GRACE_MS
            missing = heard.started and not any(
                _by(p.party, condition.party) and p.end_ms <= condition.within_ms
                for _, p in places(condition.phrases, "asr", heard)
            )
            return lambda t: missing and t >= due, lambda t: missing and t == due
        case SaidAgain():
            again = [
                p.end_ms
                for phrase in condition.phrases
                for _, p in places((phrase,), "asr", heard)
                for _, q in places((phrase,), "asr", heard)
                if _by(p.party, condition.party)
                and q is not p
                and q.party == p.party
                and q.end_ms <= p.start_ms
                and p.end_ms - q.end_ms <= condition.within_ms
                and any(
                    turn.start_ms <= p.start_ms and turn.end_ms > q.end_ms
                    for turn in heard.shape.turns.get("customer" if p.party == "agent" else "agent", ())
                )
            ]
            return _from(again, condition.lasting_ms)
        case Means():
            return _from(
                [one.end_ms for one in heard.meant("m") if _by(one.party, condition.party)], condition.lasting_ms
            )
        case MoodAt():
            enter = _TEMPER.thresholds[BANDS.index(condition.band) - 1]
            spans = lasting(_TEMPER, heard.weighing, enter, enter - _TEMPER.hysteresis)
            return _lasted([span for span in spans if span.end_ms > span.start_ms + condition.for_ms], condition.for_ms)
        case ScoreAt():
            spans = lasting(_TEMPER, heard.weighing, condition.level, condition.level)
            return _lasted([span for span in spans if span.end_ms > span.start_ms + condition.for_ms], condition.for_ms)
        case Silence():
            return _lasted(_quiet(heard) if heard.channel == "voice" else [], condition.ms)
        case OnHold():
            return _lasted(list(heard.holds), condition.ms)
        case Monologue():
            floors = [Span(f.start_ms, f.end_ms) for f in heard.shape.floors] if heard.channel == "voice" else []
            return _lasted(floors, condition.ms)
        case TalkOver():
            times = heard.shape.talk_over if heard.channel == "voice" else ()
            counted = [
                at
                for at in times
                if sum(at - condition.within_ms <= other <= at for other in times) >= condition.times
            ]  # fmt: skip
            return _from(counted, condition.within_ms)
        case TalkShare():
            high = [span for span, share in talk_shares(heard.shape, condition.over_ms) if share >= condition.share]
            return _while(lambda t: heard.channel == "voice" and any(span.start_ms <= t < span.end_ms for span in high))
        case SlotIs():
            taken = heard.captured("s")
            if condition.empty:
                return lambda t: not any(at <= t for at, _ in taken), lambda t: False

            def fits(t: int) -> bool:
                values = [one.value for at, one in taken if at <= t]
                return bool(values) and _fits(condition, values[-1])

            return _while(fits)
        case _:
            assert_never(condition)


def _while(holds_at: Callable[[int], bool]) -> Truth:
    return holds_at, lambda t: holds_at(t) and (t == 0 or not holds_at(t - 1))


def _fits(condition: SlotIs, value: str) -> bool:
    number = float(value) if value.isdecimal() else None
    if condition.one_of and value not in condition.one_of:
        return False
    if condition.above is not None and (number is None or number <= condition.above):
        return False
    return condition.below is None or (number is not None and number < condition.below)


def _quiet(heard: Heardings) -> list[Span]:
    """Silences, a millisecond at a time."""
    found: list[Span] = []
    since: int | None = None
    last = heard.quiet[-1].start_ms if heard.quiet else FOR_EVER
    for t in range(LAST + 20):
        silent = any(gap.start_ms <= t < gap.end_ms for gap in heard.shape.gaps) or t >= last
        silent = silent and not any(hold.start_ms <= t < hold.end_ms for hold in heard.holds)
        if silent and since is None:
            since = t
        if not silent and since is not None:
            found.append(Span(since, t))
            since = None
    return found if since is None else [*found, Span(since, FOR_EVER)]


def compare(condition: Condition, heard: Heardings, times: range) -> None:
    found = course(condition, heard)
    holds_at, met_at = truth(condition, heard)
    met_times = {one.at_ms for one in found.met}
    for t in times:
        assert found.at(t) == holds_at(t), t
        assert (t in met_times) == met_at(t), t


@settings(max_examples=800)
@given(_CONDITIONS, _HEARINGS)
@example(AllOf((Silence(1), Not(OnHold(1)))), heardings(shape=Shape(gaps=(Span(0, 9),)), holds=(Span(3, 5),)))
def test_a_course_is_what_each_millisecond_says(condition: Condition, heard: Heardings) -> None:
    compare(condition, heard, range(LAST))
    compare(condition, heard, range(GRACE_MS, GRACE_MS + LAST))  # where things are missing


@settings(max_examples=1500)
@given(_CONDITIONS, _HEARINGS, st.integers(0, LAST + GRACE_MS))
def test_a_course_from_a_time_on_is_that_of_the_whole_call(condition: Condition, heard: Heardings, since: int) -> None:
    same_from(condition, heard, since)


def same_from(condition: Condition, heard: Heardings, since: int) -> None:
    whole, late = course(condition, heard), course(condition, heard, since)
    assert [one for one in late.met if one.at_ms >= since] == [one for one in whole.met if one.at_ms >= since]
    for t in (*range(since, LAST + 1), *range(max(since, GRACE_MS), GRACE_MS + LAST + 1)):
        assert late.at(t) == whole.at(t), t


_MOODS = st.builds(MoodAt, st.sampled_from(BANDS[1:]), _FOR)
_WAYS = st.builds(AnyOf, st.lists(st.one_of(_MOODS, _MOODS, _LEAVES), min_size=1, max_size=3).map(tuple))


@settings(max_examples=1500)
@given(st.tuples(_WAYS, _LEAVES), _HEARINGS, st.integers(0, LAST + GRACE_MS))
def test_of_ways_within_a_combination_the_latest_counts_from_any_time_on(
    parts: tuple[Condition, ...], heard: Heardings, since: int
) -> None:
    same_from(AllOf(parts), heard, since)


@settings(max_examples=300)
@given(_CONDITIONS, _HEARINGS)
def test_courses_are_in_order_and_no_moment_is_told_twice(condition: Condition, heard: Heardings) -> None:
    found = course(condition, heard)
    assert all(span.start_ms <= span.end_ms for span in found.holds)
    assert all(one.end_ms <= other.start_ms for one, other in zip(found.holds, found.holds[1:], strict=False))
    times = [one.at_ms for one in found.met]
    assert times == sorted(set(times))
    assert all(one.since_ms <= one.at_ms for one in found.met)
    for one in found.met:
        assert len(set(one.quotes)) == len(one.quotes)
    if not waits(condition):
        assert all(one.at_ms <= heard.now for one in found.met)
