"""Triggers: when each condition is met, what takes it back, and how it reads."""

from collections.abc import Mapping, Sequence

import pytest
from calls import rule

from rtig.core import conditions, frustration, triggers
from rtig.core.conditions import (
    GRACE_MS,
    AllOf,
    Condition,
    Heardings,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    PartyWanted,
    Said,
    SaidAgain,
    Silence,
    TalkOver,
)
from rtig.core.events import Channel, Party
from rtig.core.frustration import Influence, Temper
from rtig.core.guidance import Band, Quote
from rtig.core.shape import Floor, Shape, Span
from rtig.core.transcript import Heard, Spot
from rtig.core.triggers import DONE_REACH_MS, UNLESS_REACH_MS, Clause, Moment, Rule, Scope

NOTHING_SAID: Mapping[str, Sequence[Heard]] = {}
NO_SHAPE = Shape()


def place(party: Party, start_ms: int, end_ms: int) -> Heard:
    return Heard(0, party, start_ms, end_ms, (Quote("s1", party, 0, 4, "word"),), Spot("s1", 0))


def heardings(
    said: Mapping[str, Sequence[Heard]] = NOTHING_SAID,
    *,
    shape: Shape = NO_SHAPE,
    influences: Sequence[Influence] = (),
    channel: Channel = "voice",
    started: bool = True,
    now: int = 500_000,
    quiet: tuple[Span, ...] = (),
) -> Heardings:
    temper = Temper()
    weighing = frustration.begin().revised(
        (), influences, lambda patience, fact: frustration.weigh(temper, patience, fact)
    )
    return Heardings(
        said=lambda phrases, _: [(phrase, said[phrase]) for phrase in phrases if phrase in said],
        meant=lambda _: (),
        captured=lambda _: (),
        shape=shape,
        temper=temper,
        weighing=weighing,
        channel=channel,
        started=started,
        now=now,
        quiet=quiet,
        holds=(),
    )


def found(wanted: Rule, heard: Heardings, queue: str = "", team: str = "") -> list[tuple[int, str]]:
    """When the first clause of a rule was met, and what blocks it."""
    return [(m.at_ms, m.blocked) for m in moments(wanted, 0, heard, queue, team)]


def moments(wanted: Rule, clause: int, heard: Heardings, queue: str = "", team: str = "") -> list[Moment]:
    return triggers.moments(wanted, clause, heard, Scope(queue, team, heard.channel))[0]


# --- said


@pytest.mark.parametrize(
    ("wanted", "times"), [("customer", [1_000, 4_000]), ("agent", [2_000]), ("any", [1_000, 2_000, 3_000, 4_000])]
)
def test_said_is_met_where_the_wanted_party_ends_the_phrase(wanted: PartyWanted, times: list[int]) -> None:
    said = {
        "bill": [place("customer", 500, 1_000), place("agent", 1_500, 2_000), place("unknown", 2_500, 3_000)],
        "invoice": [place("customer", 3_500, 4_000)],
    }
    assert found(rule("r", Said(("bill", "invoice"), wanted)), heardings(said)) == [(at, "") for at in times]


def test_said_tells_the_phrase_and_the_words_of_the_longer_of_two_matches() -> None:
    said = {"bill": [place("customer", 800, 1_000)], "my bill": [place("customer", 500, 1_000)]}
    (moment,) = moments(rule("r", Said(("bill", "my bill"))), 0, heardings(said))
    assert (moment.phrase, moment.quotes, moment.clause) == ("my bill", (Quote("s1", "customer", 0, 4, "word"),), 0)


def test_the_first_seconds_and_the_time_past_them_share_no_moment() -> None:
    said = {"help": [place("customer", 5_000, 6_000), place("customer", 5_500, 6_001)]}
    assert found(rule("r", Said(("help",), first_ms=6_000)), heardings(said)) == [(6_000, "")]
    assert found(rule("r", Said(("help",), past_ms=6_000)), heardings(said)) == [(6_001, "")]
    assert found(rule("r", Said(("help",), first_ms=6_000, past_ms=6_000)), heardings(said)) == []


# --- not said


def test_not_said_is_met_when_the_time_and_the_grace_are_over() -> None:
    wanted = rule("r", NotSaid(("recorded",), 10_000))
    assert found(wanted, heardings(now=10_000 + GRACE_MS - 1)) == []
    assert found(wanted, heardings(now=10_000 + GRACE_MS)) == [(10_000 + GRACE_MS, "")]
    assert found(wanted, heardings(now=500_000)) == [(10_000 + GRACE_MS, "")]
    assert found(wanted, heardings(now=500_000, started=False)) == []


@pytest.mark.parametrize(
    ("party", "end_ms", "met"),
    [("agent", 10_000, False), ("agent", 10_001, True), ("customer", 5_000, True), ("agent", 0, False)],
)
def test_not_said_is_answered_by_the_right_party_in_time(party: Party, end_ms: int, met: bool) -> None:
    said = {"recorded": [place(party, max(0, end_ms - 500), end_ms)]}
    assert bool(found(rule("r", NotSaid(("recorded",), 10_000)), heardings(said, now=60_000))) is met


def test_not_said_waits_for_its_deadline() -> None:
    condition = NotSaid(("recorded",), 10_000)
    assert conditions.deadline(condition, heardings(now=0)) == 12_000
    assert conditions.deadline(condition, heardings(now=11_999)) == 12_000
    assert conditions.deadline(condition, heardings(now=12_000)) is None
    assert conditions.deadline(condition, heardings(started=False)) is None


# --- mood


def influence(at_ms: int, weight: float, *quotes: Quote) -> Influence:
    return Influence(at_ms, f"k{at_ms}", "words", weight, quotes)


@pytest.mark.parametrize(
    ("wanted", "times"), [("tense", [1_000, 400_000]), ("frustrated", [1_000]), ("critical", [5_000])]
)
def test_mood_is_met_where_it_is_entered_from_below(wanted: Band, times: list[int]) -> None:
    raised = [influence(1_000, 0.6), influence(5_000, 0.6), influence(400_000, 0.3)]
    assert found(rule("r", MoodAt(wanted)), heardings(influences=raised)) == [(at, "") for at in times]


def test_mood_shows_the_words_that_raised_it() -> None:
    quote = Quote("s1", "customer", 0, 4, "word")
    (moment,) = moments(rule("r", MoodAt("tense")), 0, heardings(influences=[influence(7, 0.3, quote)]))
    assert moment.quotes == (quote,)


# --- the shape of the conversation


def test_silence_is_met_when_it_has_lasted_long_enough() -> None:
    wanted = rule("r", Silence(8_000))
    shape = Shape(gaps=(Span(0, 7_999), Span(10_000, 18_000), Span(20_000, 60_000)))
    quiet = (Span(70_000, 79_000), Span(80_000, 87_999))
    assert found(wanted, heardings(shape=shape, quiet=quiet, now=87_999)) == [(18_000, ""), (28_000, ""), (78_000, "")]
    assert found(wanted, heardings(shape=shape, quiet=quiet, channel="chat")) == []


def test_silence_waits_for_its_deadline_on_the_phone_only() -> None:
    going_on = heardings(quiet=(Span(5_000, 6_000),), now=6_000)
    assert conditions.deadline(Silence(8_000), going_on) == 13_000
    assert conditions.deadline(Silence(1_000), going_on) is None
    assert conditions.deadline(Silence(8_000), heardings(quiet=(Span(5_000, 6_000),), channel="chat")) is None


def test_talking_over_is_met_at_the_last_of_so_many_within_the_time() -> None:
    shape = Shape(talk_over=(1_000, 20_000, 31_000, 31_500))
    assert found(rule("r", TalkOver(2, 19_000)), heardings(shape=shape)) == [(20_000, ""), (31_000, ""), (31_500, "")]
    assert found(rule("r", TalkOver(2, 18_999)), heardings(shape=shape)) == [(31_000, ""), (31_500, "")]
    assert found(rule("r", TalkOver(3, 30_000)), heardings(shape=shape)) == [(31_000, ""), (31_500, "")]
    assert found(rule("r", TalkOver(1, 1)), heardings(shape=shape)) == [(at, "") for at in shape.talk_over]
    assert found(rule("r", TalkOver(1, 1)), heardings(shape=shape, channel="chat")) == []


def test_a_monologue_is_met_while_it_is_still_going_on() -> None:
    shape = Shape(floors=(Floor(1_000, 21_000, "agent"), Floor(30_000, 49_999, "agent"), Floor(0, 90_000, "customer")))
    assert found(rule("r", Monologue(20_000)), heardings(shape=shape)) == [(21_000, "")]
    assert found(rule("r", Monologue(20_000, "customer")), heardings(shape=shape)) == [(20_000, "")]
    assert found(rule("r", Monologue(20_000)), heardings(shape=shape, channel="chat")) == []


def test_words_and_shapes_wait_for_no_clock() -> None:
    for condition in (Said(("bill",)), MoodAt("tense"), TalkOver(1, 1), Monologue(1)):
        assert conditions.deadline(condition, heardings()) is None


# --- what takes it back

MATCH = place("customer", 10_000, 11_000)


@pytest.mark.parametrize(
    ("party", "start_ms", "end_ms", "blocked"),
    [
        ("customer", 10_200, 10_800, True),
        ("customer", 11_000 + UNLESS_REACH_MS, 14_000, True),
        ("customer", 11_001 + UNLESS_REACH_MS, 14_000, False),
        ("customer", 7_000, 10_000 - UNLESS_REACH_MS, True),
        ("customer", 7_000, 9_999 - UNLESS_REACH_MS, False),
        ("agent", 10_200, 10_800, False),
    ],
)
def test_an_excluded_phrase_counts_near_the_match_and_by_the_same_party(
    party: Party, start_ms: int, end_ms: int, blocked: bool
) -> None:
    said = {"cancel": [MATCH], "cancel the appointment": [place(party, start_ms, end_ms)]}
    wanted = rule("r", Said(("cancel",)), unless=("cancel the appointment",))
    (moment,) = moments(wanted, 0, heardings(said))
    assert (moment.blocked, moment.by) == (("excluded", "cancel the appointment") if blocked else ("", ""))


@pytest.mark.parametrize(
    ("party", "end_ms", "blocked"),
    [
        ("agent", 70_000 - DONE_REACH_MS, True),
        ("agent", 69_999 - DONE_REACH_MS, False),
        ("agent", 71_000 + DONE_REACH_MS, True),
        ("agent", 71_001 + DONE_REACH_MS, False),
        ("agent", 70_500, True),
        ("customer", 70_500, False),
    ],
)
def test_what_the_agent_does_before_or_after_needs_no_prompt(party: Party, end_ms: int, blocked: bool) -> None:
    said = {"manager": [place("customer", 70_000, 71_000)], "put you through": [place(party, end_ms - 900, end_ms)]}
    wanted = rule("r", Said(("manager",)), done=("put you through",))
    (moment,) = moments(wanted, 0, heardings(said))
    assert (moment.blocked, moment.by) == (("done", "put you through") if blocked else ("", ""))


def test_a_condition_of_no_party_is_taken_back_by_anybodys_words() -> None:
    said = {"one moment": [place("agent", 19_000, 20_000)]}
    wanted = rule("r", Silence(8_000), unless=("one moment",))
    heard = heardings(said, quiet=(Span(20_000, 30_000),))
    assert found(wanted, heard) == [(28_000, "excluded")]


def test_a_draft_and_a_rule_of_another_queue_are_met_but_blocked() -> None:
    said = {"cancel": [MATCH]}
    assert found(rule("r", Said(("cancel",)), draft=True), heardings(said)) == [(11_000, "draft")]
    ours = rule("r", Said(("cancel",)), queues=("billing", "faults"))
    assert found(ours, heardings(said), queue="sales") == [(11_000, "queue")]
    assert found(ours, heardings(said), queue="faults") == [(11_000, "")]
    typed = rule("r", Said(("cancel",)), channels=("chat",))
    assert found(typed, heardings(said, channel="voice")) == [(11_000, "channel")]
    assert found(typed, heardings(said, channel="chat")) == [(11_000, "")]


def test_each_clause_of_a_rule_is_looked_at_by_itself() -> None:
    two = Rule(id="r", kind="alert", title="r", clauses=(Clause(Said(("a",))), Clause(Said(("b",)), unless=("a",))))
    said = {"a": [place("customer", 0, 500)], "b": [place("customer", 600, 1_000)]}
    assert found(two, heardings(said)) == [(500, "")]
    (second,) = moments(two, 1, heardings(said))
    assert (second.at_ms, second.blocked, second.clause) == (1_000, "excluded", 1)


def test_moments_are_ordered_by_time_and_then_by_what_matters_more() -> None:
    high, low = rule("a", Said(("x",)), priority=90), rule("b", Said(("x",)), priority=10)
    assert Moment(5, high, 0).order < Moment(5, low, 0).order < Moment(6, high, 0).order
    assert Moment(5, low, 0).order < Moment(5, low, 1).order


# --- in words


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Said(("bill ~2 high",)), "“bill ~2 high” said by the customer"),
        (Said(("bill ~2 high",), "any"), "“bill ~2 high” said by anyone"),
        (Said(("bill ~2 high",), "agent", first_ms=60_000), "“bill ~2 high” said by the agent in the first 60 s"),
        (Said(("bill ~2 high",), past_ms=1_500), "“bill ~2 high” said by the customer after 1.5 s"),
        (
            Said(("bill ~2 high",), first_ms=60_000, past_ms=30_000),
            "“bill ~2 high” said by the customer in the first 60 s after 30 s",
        ),
        (NotSaid(("bill ~2 high",), 45_000), "not said by the agent within 45 s"),
        (NotSaid(("bill ~2 high",), 45_000, "any"), "not said by anyone within 45 s"),
        (SaidAgain(("bill ~2 high",), 300_000), "“bill ~2 high” said again by the agent within 300 s"),
        (Said(("bill ~2 high",), lasting_ms=9_000), "“bill ~2 high” said by the customer in the last 9 s"),
        (Said(("bill ~2 high",), lasting_ms=100), "“bill ~2 high” said by the customer"),
        (
            AllOf((Said(("bill ~2 high",)), Not(Said(("bill ~2 high",), lasting_ms=9_000)))),
            "“bill ~2 high” said by the customer and 9 s have passed since",
        ),
        (MoodAt("frustrated"), "the customer became frustrated"),
        (Silence(20_000), "nobody spoke for 20 s"),
        (TalkOver(3, 60_000), "the agent spoke over the customer 3 times within 60 s"),
        (Monologue(45_000, "customer"), "the customer spoke for 45 s without a break"),
    ],
)
def test_a_condition_reads_as_a_person_would_say_it(condition: Condition, text: str) -> None:
    assert triggers.in_words(Moment(0, rule("r", condition), 0, phrase="bill ~2 high")) == text
