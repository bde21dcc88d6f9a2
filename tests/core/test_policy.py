"""The policy: attention is a budget, and whatever is not shown says why."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from calls import rule
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import policy
from rtig.core.conditions import Said
from rtig.core.guidance import Bend
from rtig.core.policy import SAME_REMARK_MS, Attention, Choice, Mute, Unseen
from rtig.core.triggers import Moment, Rule
from rtig.core.utterances import Meant

ATTENTION = Attention(gap_ms=6_000, patience_ms=20_000, preempt=30, ageing=1.0)
SAID = Said(("x",))


def named(
    rule_id: str, priority: int = 50, *, cooldown_ms: int = 60_000, once: bool = False, exempt: bool = False
) -> Rule:
    return rule(rule_id, SAID, priority=priority, cooldown_ms=cooldown_ms, once=once, exempt=exempt)


A, B, C = named("a"), named("b"), named("c")


def at(at_ms: int, wanted: Rule, **changed: object) -> Moment:
    return replace(Moment(at_ms, wanted, 0), **changed)


def chosen(*facts: Moment | Mute | Unseen, attention: Attention = ATTENTION) -> Choice:
    return ledger(facts, attention).state


def ledger(facts: Iterable[Moment | Mute | Unseen], attention: Attention = ATTENTION) -> policy.Choosing:
    return policy.begin().revised((), list(facts), lambda choice, fact: policy.choose(attention, choice, fact))


def shown(choice: Choice) -> list[tuple[str, int]]:
    """Cards and since when, in the order in which the agent sees them."""
    return sorted(((card_id, s.shown_ms) for card_id, s in choice.shown.items()), key=lambda c: (c[1], c[0]))


def withheld(choice: Choice) -> list[tuple[str, int, str, str]]:
    return [(w.moment.rule.id, w.moment.at_ms, w.reason, w.by) for _, w in sorted(choice.withheld.items())]


def later(choice: Choice, now: int, attention: Attention = ATTENTION) -> Choice:
    return policy.serve(attention, choice, now)


# --- one new card at a time


def test_the_first_card_comes_at_once() -> None:
    assert shown(chosen(at(1_000, A))) == [("a.1", 1_000)]


def test_the_next_card_waits_for_the_gap() -> None:
    choice = chosen(at(1_000, A), at(2_000, B))
    assert shown(choice) == [("a.1", 1_000)]
    assert [m.rule.id for m in choice.waiting] == ["b"]
    assert shown(later(choice, 6_999)) == [("a.1", 1_000)]
    assert shown(later(choice, 7_000)) == [("a.1", 1_000), ("b.1", 7_000)]
    assert shown(chosen(at(1_000, A), at(7_000, B))) == [("a.1", 1_000), ("b.1", 7_000)]


def test_a_card_that_matters_much_more_does_not_wait() -> None:
    assert shown(chosen(at(1_000, A), at(2_000, named("b", 80)))) == [("a.1", 1_000), ("b.1", 2_000)]
    assert shown(chosen(at(1_000, A), at(2_000, named("b", 79)))) == [("a.1", 1_000)]
    both = chosen(at(1_000, A), at(2_000, named("b", 80)), at(3_000, C))
    assert shown(later(both, 8_000)) == [("a.1", 1_000), ("b.1", 2_000), ("c.1", 8_000)]


def test_of_those_that_wait_the_more_important_comes_first() -> None:
    choice = later(chosen(at(0, A), at(1_000, B), at(1_500, named("c", 60))), 30_000)
    assert shown(choice) == [("a.1", 0), ("c.1", 6_000), ("b.1", 12_000)]
    assert choice.shown["c.1"].beat == ("b",)
    assert choice.shown["b.1"].beat == ()


def test_waiting_makes_a_card_weigh_more() -> None:
    facts = (at(0, A), at(1_000, named("old", 50)), at(5_000, named("new", 53)))
    assert [card for card, _ in shown(later(chosen(*facts), 6_000))] == ["a.1", "old.1"]
    still = replace(ATTENTION, ageing=0.0)
    assert [card for card, _ in shown(later(chosen(*facts, attention=still), 6_000, still))] == ["a.1", "new.1"]


def test_of_those_that_weigh_the_same_the_one_that_waits_longer_comes_first() -> None:
    still = replace(ATTENTION, ageing=0.0)
    choice = later(chosen(at(0, A), at(1_000, B), at(1_500, C), attention=still), 12_000, still)
    assert shown(choice) == [("a.1", 0), ("b.1", 6_000), ("c.1", 12_000)]


def test_of_those_that_are_alike_the_name_decides() -> None:
    assert shown(later(chosen(at(0, A), at(1_000, B), at(1_000, C)), 6_000)) == [("a.1", 0), ("c.1", 6_000)]


def test_a_card_that_waits_too_long_is_dropped_and_says_for_whom() -> None:
    hasty = replace(ATTENTION, patience_ms=4_000)
    choice = later(chosen(at(0, A), at(1_999, B), at(2_000, C), attention=hasty), 6_000, hasty)
    assert shown(choice) == [("a.1", 0), ("c.1", 6_000)]
    assert withheld(choice) == [("b", 1_999, "budget", "a.1")]
    assert choice.waiting == ()


def test_when_all_have_waited_too_long_nobody_is_served() -> None:
    hasty = replace(ATTENTION, patience_ms=3_000)
    choice = later(chosen(at(0, A), at(1_000, B), at(2_000, C), attention=hasty), 9_000, hasty)
    assert shown(choice) == [("a.1", 0)]
    assert [w[2] for w in withheld(choice)] == ["budget", "budget"]


def test_at_the_end_of_the_call_nobody_waits_any_more() -> None:
    choice = policy.close(chosen(at(0, A), at(1_000, B), at(1_500, C)))
    assert withheld(choice) == [("b", 1_000, "budget", "a.1"), ("c", 1_500, "budget", "a.1")]
    assert choice.waiting == ()


# --- each rule within its bounds


def test_a_rule_stays_silent_within_its_cooldown() -> None:
    choice = chosen(at(0, A), at(59_999, A), at(60_000, A), at(119_999, A))
    assert shown(choice) == [("a.1", 0), ("a.2", 60_000)]
    assert withheld(choice) == [("a", 59_999, "cooldown", "a.1"), ("a", 119_999, "cooldown", "a.2")]


def test_a_cooldown_counts_from_the_words_not_from_the_card() -> None:
    waited = chosen(at(0, B), at(1_000, A), at(61_000, A))
    assert shown(waited) == [("b.1", 0), ("a.1", 6_000), ("a.2", 61_000)]


def test_a_rule_that_comes_once_a_call_comes_once() -> None:
    choice = chosen(at(0, named("a", once=True)), at(500_000, named("a", once=True)))
    assert shown(choice) == [("a.1", 0)]
    assert withheld(choice) == [("a", 500_000, "once", "a.1")]


def test_the_same_remark_is_no_second_call_for_the_card() -> None:
    choice = chosen(at(0, A), at(SAME_REMARK_MS - 1, A))
    assert (shown(choice), withheld(choice)) == ([("a.1", 0)], [])
    choice = chosen(at(0, A), at(SAME_REMARK_MS, A))
    assert withheld(choice) == [("a", SAME_REMARK_MS, "cooldown", "a.1")]


def test_the_same_remark_is_none_while_its_card_waits_either() -> None:
    choice = chosen(at(0, B), at(1_000, A), at(1_000 + SAME_REMARK_MS - 1, A), at(1_000 + SAME_REMARK_MS, A))
    assert [m.at_ms for m in choice.waiting] == [1_000]
    assert withheld(choice) == [("a", 1_000 + SAME_REMARK_MS, "cooldown", "a.1")]


def test_compliance_is_exempt_from_the_budget_and_spends_none() -> None:
    duty = named("duty", 10, exempt=True)
    choice = chosen(at(0, A), at(1_000, duty), at(1_001, B))
    assert shown(choice) == [("a.1", 0), ("duty.1", 1_000)]
    assert shown(later(choice, 6_000)) == [("a.1", 0), ("duty.1", 1_000), ("b.1", 6_000)]
    assert shown(chosen(at(0, duty), at(1, A))) == [("duty.1", 0), ("a.1", 1)]


def test_compliance_makes_nobody_wait_and_says_so() -> None:
    choice = chosen(at(0, A), at(1_000, B), at(2_000, named("duty", exempt=True)))
    assert [m.rule.id for m in choice.waiting] == ["b"]
    assert choice.shown["duty.1"].beat == ()


def test_compliance_too_is_held_to_its_cooldown_and_to_once() -> None:
    choice = chosen(*(at(ms, named("duty", exempt=True)) for ms in (0, 5_000, 60_000)))
    assert shown(choice) == [("duty.1", 0), ("duty.2", 60_000)]


@pytest.mark.parametrize("blocked", ["excluded", "done", "draft", "queue", "channel", "late"])
def test_a_blocked_moment_is_withheld_for_its_reason_and_costs_nothing(blocked: str) -> None:
    choice = chosen(at(0, A, blocked=blocked, by="phrase"), at(1_000, A), at(1_500, A, blocked=blocked))
    assert shown(choice) == [("a.1", 1_000)]
    assert withheld(choice) == [("a", 0, blocked, "phrase"), ("a", 1_500, blocked, "")]


# --- the same words for several articles

BENT = (Bend(heard="bil", meant="bill"),)
MEANT = Meant("u", 0.9, "customer", 0, 1_000, ())


def article(rule_id: str, priority: int = 50) -> Rule:
    return replace(named(rule_id, priority), kind="article")


SURE, FAINT = article("sure"), article("faint")


@pytest.mark.parametrize(
    ("sure", "faint", "beaten"),
    [
        ({}, {"bends": BENT}, True),
        ({}, {"meant": MEANT}, True),
        ({"bends": BENT}, {"meant": MEANT}, True),
        ({}, {}, False),
        ({"bends": BENT}, {"bends": BENT}, False),
        ({"meant": MEANT}, {"meant": MEANT}, False),
        ({"bends": BENT}, {}, False),
        ({"meant": MEANT}, {"bends": BENT}, False),
    ],
)
def test_what_was_said_beats_what_may_have_been_meant(
    sure: dict[str, object], faint: dict[str, object], beaten: bool
) -> None:
    choice = chosen(at(1_000, SURE, since_ms=0, **sure), at(1_500, FAINT, since_ms=500, **faint))
    assert withheld(choice) == ([("faint", 1_500, "beaten", "sure")] if beaten else [])
    assert [m.rule.id for m in choice.waiting] == ([] if beaten else ["faint"])


def test_only_articles_beat_and_are_beaten() -> None:
    coach, faint = named("coach"), named("faint")
    assert withheld(chosen(at(1_000, coach), at(1_500, FAINT, since_ms=500, meant=MEANT))) == []
    assert withheld(chosen(at(1_000, SURE), at(1_500, faint, since_ms=500, meant=MEANT))) == []


def test_an_article_is_beaten_by_words_within_its_own_only() -> None:
    late = at(7_500, FAINT, since_ms=1_001, meant=MEANT)
    assert shown(chosen(at(1_000, SURE), late)) == [("sure.1", 1_000), ("faint.1", 7_500)]
    assert withheld(chosen(at(1_001, SURE), late)) == [("faint", 7_500, "beaten", "sure")]


def test_an_article_is_not_beaten_by_itself() -> None:
    again = replace(FAINT, cooldown_ms=0)
    choice = chosen(at(1_000, again), at(7_500, again, since_ms=500, meant=MEANT))
    assert shown(choice) == [("faint.1", 1_000), ("faint.2", 7_500)]


def test_an_article_that_waits_beats_too_and_the_first_by_name_is_told() -> None:
    facts = (at(0, B), at(1_000, article("one")), at(1_000, article("all")), at(1_500, FAINT, meant=MEANT))
    choice = chosen(*facts)
    assert [m.rule.id for m in choice.waiting] == ["all", "one"]
    assert withheld(choice) == [("faint", 1_500, "beaten", "all")]


def test_an_article_that_was_itself_refused_beats_nobody() -> None:
    choice = chosen(at(1_000, SURE, blocked="done"), at(1_500, FAINT, since_ms=500, meant=MEANT))
    assert shown(choice) == [("faint.1", 1_500)]


def test_compliance_is_never_beaten() -> None:
    duty = replace(FAINT, exempt=True)
    choice = chosen(at(1_000, SURE), at(1_500, duty, since_ms=500, meant=MEANT))
    assert shown(choice) == [("sure.1", 1_000), ("faint.1", 1_500)]


def test_a_beaten_card_costs_nothing() -> None:
    choice = chosen(at(1_000, SURE), at(1_500, FAINT, since_ms=500, meant=MEANT), at(8_000, FAINT))
    assert shown(choice) == [("sure.1", 1_000), ("faint.1", 8_000)]


# --- the agent's word


def test_a_rule_that_the_agent_calls_wrong_is_muted_for_the_rest_of_the_call() -> None:
    choice = chosen(at(0, A), Mute(5_000, "a"), at(400_000, A), at(400_001, B))
    assert shown(choice) == [("a.1", 0), ("b.1", 400_001)]
    assert withheld(choice) == [("a", 400_000, "muted", "")]


def test_a_mute_reaches_a_card_that_still_waits_but_none_that_was_there_before() -> None:
    choice = later(chosen(at(0, B), at(1_000, A), Mute(2_000, "a")), 6_000)
    assert (shown(choice), withheld(choice)) == ([("b.1", 0)], [("a", 1_000, "muted", "")])
    served_first = chosen(at(0, B), at(1_000, A), Mute(6_000, "a"))
    assert shown(served_first) == [("b.1", 0), ("a.1", 6_000)]


# --- whatever happens

RULES = (
    named("a"),
    named("b", 60, cooldown_ms=5_000),
    named("c", 90, once=True),
    named("d", 20, exempt=True, cooldown_ms=3_000),
    named("e", 95, cooldown_ms=0),
    replace(named("f", 40, cooldown_ms=2_000), kind="article"),
    replace(named("g", 55, cooldown_ms=0), kind="article"),
)


def test_a_card_that_nobody_saw_uses_up_nothing() -> None:
    gap = ATTENTION.gap_ms
    unseen = chosen(at(0, A), at(1_000, B), Unseen(0, "a", 1), at(2_000, C))
    assert shown(unseen) == [("a.1", 0), ("b.1", 1_000)]
    assert [m.rule.id for m in unseen.waiting] == ["c"]
    # The gap to the card before it stands, and one that waited is unseen at the time at which it was shown.
    served = chosen(at(0, A), at(1_000, B), at(gap + 500, C), Unseen(gap, "b", 1))
    assert shown(served) == [("a.1", 0), ("b.1", gap), ("c.1", gap + 500)]
    once = named("once", once=True)
    assert [card for card, _ in shown(chosen(at(0, once), Unseen(0, "once", 1), at(9_000, once)))] == [
        "once.1",
        "once.2",
    ]


FACTS = st.one_of(
    st.builds(
        Moment,
        st.integers(0, 60).map(lambda n: n * 500),
        st.sampled_from(RULES),
        st.integers(0, 1),
        since_ms=st.just(0),
        bends=st.sampled_from(((), (), BENT)),
        meant=st.sampled_from((None, None, MEANT)),
        blocked=st.sampled_from(("", "", "", "", "done")),
    ),
    st.builds(Mute, st.integers(0, 60).map(lambda n: n * 500), st.sampled_from(("a", "b", "e"))),
    st.builds(Unseen, st.integers(0, 60).map(lambda n: n * 500), st.sampled_from(("a", "b", "e")), st.integers(1, 2)),
)
TALKS = st.lists(FACTS, max_size=14, unique_by=lambda fact: fact.order)


@settings(max_examples=200)
@given(TALKS, st.data())
def test_the_order_in_which_moments_become_known_does_not_matter(
    facts: list[Moment | Mute | Unseen], data: st.DataObject
) -> None:
    one = policy.begin()
    for fact in data.draw(st.permutations(facts)):
        one = one.revised((), (fact,), lambda choice, fact: policy.choose(ATTENTION, choice, fact))
    assert one.state == ledger(facts).state
    gone = data.draw(st.lists(st.sampled_from(facts), max_size=3)) if facts else []
    left = [fact for fact in facts if fact not in gone]
    fewer = one.revised(gone, (), lambda choice, fact: policy.choose(ATTENTION, choice, fact))
    assert fewer.state == ledger(left).state


@settings(max_examples=300)
@given(TALKS, st.integers(0, 60_000))
def test_two_new_cards_never_come_within_the_gap_unless_one_matters_much_more(
    facts: list[Moment | Mute | Unseen], wait: int
) -> None:
    choice = later(chosen(*facts), wait)
    budgeted = sorted(
        (s for s in choice.shown.values() if s.seen and not s.moment.rule.exempt),
        key=lambda s: (s.shown_ms, s.moment.order),
    )
    for one, other in pairwise(budgeted):
        if other.shown_ms - one.shown_ms < ATTENTION.gap_ms:
            assert other.moment.rule.priority >= one.moment.rule.priority + ATTENTION.preempt


@settings(max_examples=300)
@given(TALKS, st.integers(0, 60_000))
def test_every_moment_is_shown_waits_is_a_repetition_or_has_its_reason(
    facts: list[Moment | Mute | Unseen], wait: int
) -> None:
    choice = later(chosen(*facts), wait)
    orders = [
        *(s.moment.order for s in choice.shown.values()),
        *choice.withheld,
        *(m.order for m in choice.waiting),
    ]
    assert len(orders) == len(set(orders))
    moments = [fact for fact in facts if isinstance(fact, Moment)]
    for moment in moments:
        if moment.order not in orders:
            assert any(
                other.rule.id == moment.rule.id
                and other is not moment
                and 0 <= moment.at_ms - other.at_ms < SAME_REMARK_MS
                for other in moments
            )
    assert all(w.reason for w in choice.withheld.values())
    closed = policy.close(choice)
    assert set(closed.withheld) == set(choice.withheld) | {m.order for m in choice.waiting}


@settings(max_examples=200)
@given(TALKS)
def test_cards_of_a_rule_are_numbered_without_a_gap_and_keep_their_bounds(facts: list[Moment | Mute | Unseen]) -> None:
    choice = later(chosen(*facts), 200_000)
    for wanted in RULES:
        mine = sorted((s for s in choice.shown.values() if s.moment.rule.id == wanted.id), key=lambda s: s.number)
        assert [s.number for s in mine] == list(range(1, len(mine) + 1))
        assert all(f"{wanted.id}.{s.number}" in choice.shown for s in mine)
        assert not wanted.once or len([s for s in mine if s.seen]) <= 1
        for one, other in pairwise(s for s in mine if s.seen):
            assert other.moment.at_ms >= one.moment.at_ms + wanted.cooldown_ms or wanted.cooldown_ms == 0
        for s in mine:
            assert s.shown_ms >= s.moment.at_ms
            assert s.shown_ms - s.moment.at_ms <= ATTENTION.patience_ms
