"""Frustration: it rises fast, falls slowly and keeps its evidence; the risk beside it forgets nothing."""

import math
from collections.abc import Sequence
from random import Random

import pytest
from calls import CALL
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import frustration
from rtig.core.frustration import (
    BANDS,
    CURVE_POINTS,
    REASONS_KEPT,
    REASONS_SHOWN,
    SAME_SIGNAL_MS,
    Influence,
    Odds,
    Patience,
    Rise,
    Risk,
    Temper,
    Weighing,
)
from rtig.core.guidance import Band, Quote
from rtig.core.shape import FOR_EVER, Span

TEMPER = Temper()
QUOTE = Quote("s1", "customer", 0, 4, "word")


def influence(
    at_ms: int, weight: float, *, key: str = "", signal: str = "", since: int | None = None, **amounts: float
) -> Influence:
    counted = tuple(amounts.items())
    return Influence(at_ms, key or f"k{at_ms}", f"at {at_ms}", weight, (QUOTE,), signal, since, counted)  # type: ignore[arg-type]


def weighed(*influences: Influence, temper: Temper = TEMPER) -> Patience:
    return weighing(*influences, temper=temper).state


def weighing(*influences: Influence, temper: Temper = TEMPER) -> Weighing:
    return frustration.begin().revised((), influences, lambda p, i: frustration.weigh(temper, p, i))


def band(patience: Patience, now: int, temper: Temper = TEMPER) -> str:
    return frustration.settled_band(temper, patience.band, frustration.faded(temper, patience, now))


# --- the score


def test_an_influence_takes_its_share_of_the_patience_that_is_left() -> None:
    assert weighed(influence(0, 0.4)).score == pytest.approx(0.4)
    assert weighed(influence(0, 0.4, key="a"), influence(0, 0.5, key="b")).score == pytest.approx(0.7)
    assert weighed(influence(0, 1.0)).score == 1.0


def test_relief_gives_its_share_of_the_frustration_back() -> None:
    assert weighed(influence(0, 0.8, key="a"), influence(0, -0.5, key="b")).score == pytest.approx(0.4)
    assert weighed(influence(0, -0.5)).score == 0.0
    assert weighed(influence(0, 0.8, key="a"), influence(0, -1.0, key="b")).score == 0.0


def test_frustration_fades_by_half_in_the_half_life() -> None:
    patience = weighed(influence(10_000, 0.8))
    assert frustration.faded(TEMPER, patience, 10_000) == pytest.approx(0.8)
    assert frustration.faded(TEMPER, patience, 100_000) == pytest.approx(0.4)
    assert frustration.faded(TEMPER, patience, 190_000) == pytest.approx(0.2)
    assert frustration.faded(TEMPER, patience, 0) == pytest.approx(0.8)
    later = weighed(influence(10_000, 0.8), influence(100_000, 0.5))
    assert later.score == pytest.approx(0.7)


def test_the_same_signal_within_ten_seconds_is_the_same_remark() -> None:
    def said(*times: int) -> Patience:
        return weighed(*(influence(at_ms, 0.4, signal="again") for at_ms in times))

    assert said(0, SAME_SIGNAL_MS - 1).score == said(0).score
    assert said(0, SAME_SIGNAL_MS).score > said(0).score
    assert said(0, 9_000, 18_000, 27_000).score == said(0).score
    assert len(said(0, 9_000).reasons) == 1
    both = weighed(influence(0, 0.4, signal="again"), influence(1_000, 0.4, signal="manager"))
    assert both.score > 0.6


def test_what_weighs_nothing_moves_nothing() -> None:
    patience = weighed(influence(0, 0.6))
    later = weighed(influence(0, 0.6), influence(30_000, 0.0, said=1.0), influence(60_000, -0.0, since=50_000))
    assert (later.score, later.at_ms, later.band) == (patience.score, patience.at_ms, patience.band)
    assert (later.reasons, later.rises) == (patience.reasons, patience.rises)
    assert dict(later.tally) == {"said": 1.0}
    for now in (60_000, 90_000, 400_000):
        assert band(later, now) == band(patience, now)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 300_000), st.sampled_from((0.5, 0.3, 0.04, -0.4))), max_size=6),
    st.lists(st.integers(0, 300_000), max_size=6),
)
def test_what_weighs_nothing_moves_nothing_wherever_it_comes(
    facts: list[tuple[int, float]], nothing: list[int]
) -> None:
    known = [influence(at_ms, weight, key=f"k{number}") for number, (at_ms, weight) in enumerate(facts)]
    alone = weighing(*known)
    between = weighing(*known, *(influence(at_ms, 0.0, key=f"n{number}") for number, at_ms in enumerate(nothing)))
    assert (between.state.score, between.state.at_ms, between.state.reasons, between.state.rises) == (
        alone.state.score, alone.state.at_ms, alone.state.reasons, alone.state.rises
    )  # fmt: skip
    for enter, leave in ((0.25, 0.17), (0.5, 0.42), (0.3, 0.3), (0.0, 0.0)):
        assert list(frustration.lasting(TEMPER, between, enter, leave)) == list(
            frustration.lasting(TEMPER, alone, enter, leave)
        )
    for now in range(0, 600_000, 45_000):
        assert band(between.state, max(now, 300_000)) == band(alone.state, max(now, 300_000))
        assert frustration.curve(TEMPER, between, now, 300_000) == frustration.curve(TEMPER, alone, now, 300_000)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 300_000), st.floats(-1, 1)), max_size=12))
def test_a_score_never_leaves_its_range_and_rises_are_climbs_of_bands(facts: list[tuple[int, float]]) -> None:
    state = weighing(*(influence(at_ms, weight) for at_ms, weight in facts))
    assert all(0.0 <= s.score <= 1.0 for s in state.states)
    for rise in state.state.rises:
        assert BANDS.index(rise.before) < BANDS.index(rise.band)
    assert [r.at_ms for r in state.state.rises] == sorted(r.at_ms for r in state.state.rises)


# --- words that are read twice


def reading(since_ms: int, at_ms: int, weight: float) -> Influence:
    return influence(at_ms, weight, key=f"r{since_ms}-{weight}", since=since_ms)


def at_once(*readings: Influence) -> float:
    """The score of readings without any time to forget."""
    return weighed(*readings, temper=Temper(half_life_ms=10**12)).score


def test_words_that_two_windows_share_count_once() -> None:
    first = reading(0, 7_200, 0.3)
    assert at_once(first, reading(3_600, 10_800, 0.3)) == pytest.approx(0.3)
    assert at_once(first, reading(3_600, 10_800, 0.2)) == pytest.approx(0.3)
    assert at_once(first, reading(3_600, 10_800, 0.35)) == pytest.approx(0.35)
    assert at_once(first, reading(3_600, 10_800, 0.0)) == pytest.approx(0.3)


def test_words_that_only_one_window_has_count_beside_the_others() -> None:
    first = reading(0, 7_200, 0.3)
    assert at_once(first, reading(7_200, 14_400, 0.3)) == pytest.approx(0.51)
    assert at_once(first, reading(3_600, 10_800, 0.0), reading(7_200, 14_400, 0.3)) == pytest.approx(0.51)
    assert at_once(first, reading(3_600, 10_800, 0.3), reading(7_200, 14_400, 0.3)) == pytest.approx(0.3)


def test_friendly_words_that_two_windows_share_count_once_too() -> None:
    angry = influence(0, 0.8)
    thanks = reading(1_000, 8_200, -0.2)
    assert at_once(angry, thanks) == pytest.approx(0.64)
    assert at_once(angry, thanks, reading(4_600, 11_800, -0.2)) == pytest.approx(0.64)
    assert at_once(angry, thanks, reading(4_600, 11_800, -0.25)) == pytest.approx(0.6)
    assert at_once(angry, thanks, reading(8_200, 15_400, -0.2)) == pytest.approx(0.512)


def test_a_window_of_another_mood_counts_in_full() -> None:
    upset, thanks = reading(0, 7_200, 0.3), reading(3_600, 10_800, -0.2)
    assert at_once(upset, thanks) == pytest.approx(0.24)


def test_what_is_between_two_windows_does_not_part_them() -> None:
    first, second, other = reading(0, 7_200, 0.3), reading(3_600, 10_800, 0.3), influence(9_000, 0.1)
    assert at_once(first, other, second) == pytest.approx(at_once(first, other))


@settings(max_examples=100)
@given(st.permutations([0.1, 0.3, 0.25, 0.0]))
def test_a_message_that_takes_no_time_weighs_what_its_heaviest_window_does(weights: list[float]) -> None:
    message = [influence(5_000, weight, key=f"{place}-{weight}", since=5_000) for place, weight in enumerate(weights)]
    assert at_once(*message) == pytest.approx(0.3)
    assert at_once(influence(4_000, 0.8), *(msg for msg in message if msg.weight != 0.3)) == pytest.approx(0.85)


def test_patience_may_be_gone_all_at_once() -> None:
    assert at_once(reading(0, 7_200, 1.0), reading(3_600, 10_800, 1.0)) == 1.0
    assert at_once(influence(0, 0.8), reading(1, 7_200, -1.0), reading(3_600, 10_800, -1.0)) == 0.0


# --- the risk

RISK = Temper(
    risk=Risk(read=Odds(-1.0, {"upset": 2.0, "refused": 1.0}), unread=Odds(-2.0, {"words": -3.0, "heat": 0.5}))
)


def sigmoid(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def risk(*influences: Influence) -> float:
    return frustration.risk(RISK, weighed(*influences, temper=RISK))


def test_without_evidence_the_risk_is_that_of_any_call() -> None:
    assert risk() == pytest.approx(sigmoid(-2.0))
    assert frustration.features(Patience()) == {}


def test_readings_count_in_the_mean_and_the_others_in_their_number_each_for_less() -> None:
    patience = weighed(
        influence(1, 0.0, said=1.0, words=-0.5),
        influence(2, 0.0, said=1.0, words=0.1, read=1.0, upset=0.9, pleased=0.2, strain=1.5),
        influence(3, 0.1, heat=0.4),
        influence(4, 0.1, heat=0.4),
        influence(5, 0.1, waited=1.0),
    )
    assert frustration.features(patience) == pytest.approx(
        {"words": -0.2, "upset": 0.9, "pleased": 0.2, "strain": 1.5, "heat": math.log(1.8), "waited": math.log(2)}
        | {"score": patience.score}
    )
    assert 0 < patience.score < 0.3


def test_the_risk_adds_the_log_odds_up() -> None:
    facts = [influence(1, 0.1, said=1.0, words=-0.5), influence(2, 0.1, heat=0.4)]
    assert risk(*facts) == pytest.approx(sigmoid(-2.0 + 1.5 + 0.5 * math.log(1.4)))


def test_the_risk_forgets_nothing_and_does_not_fade() -> None:
    patience = weighed(influence(1, 0.3, heat=0.4), influence(80_000_000, 0.0, said=1.0, words=0.0), temper=RISK)
    assert frustration.faded(RISK, patience, 80_000_000) < 1e-6
    assert frustration.risk(RISK, patience) == pytest.approx(sigmoid(-2.0 + 0.5 * math.log(1.4)))


def test_the_models_odds_count_once_it_has_read_half_of_what_was_said() -> None:
    said = [influence(at_ms, 0.0, said=1.0, words=0.0) for at_ms in (1, 2, 3)]
    read = [influence(at_ms, 0.0, said=1.0, words=0.0, read=1.0, upset=0.5) for at_ms in (4, 5, 6)]
    for facts, counts in ((said, False), ([*said, *read[:2]], False), ([*said, *read], True), (read[:1], True)):
        patience = weighed(*facts, temper=RISK)
        assert frustration.is_read(patience) is counts
        assert frustration.risk(RISK, patience) == pytest.approx(sigmoid(-1.0 + 1.0 if counts else -2.0))
    assert not frustration.is_read(weighed(influence(1, 0.1, heat=0.4)))


def test_a_signal_that_is_given_again_at_once_is_no_more_risk() -> None:
    def given_at(*times: int) -> float:
        return risk(*(influence(at_ms, 0.4, signal="again", heat=0.4) for at_ms in times))

    assert given_at(0, 5_000) == given_at(0)
    assert given_at(0, 20_000) > given_at(0)


def test_the_risk_is_a_probability_whatever_the_odds_are() -> None:
    for base, expected in ((-1e6, 0.0), (1e6, 1.0), (0.0, 0.5)):
        temper = Temper(risk=Risk(unread=Odds(base)))
        assert frustration.risk(temper, Patience()) == expected


_AMOUNTS = st.dictionaries(
    st.sampled_from(("heat", "relief", "refused", "again", "talked_over", "waited")), st.floats(0, 50), max_size=6
)


@settings(max_examples=200)
@given(st.lists(_AMOUNTS, max_size=5), st.randoms(use_true_random=False))
def test_the_risk_does_not_depend_on_the_order_in_which_it_is_added_up(
    amounts: list[dict[str, float]], random: Random
) -> None:
    temper = Temper(risk=Risk(unread=Odds(0.1, dict.fromkeys(("heat", "relief", "again", "waited"), 0.3))))
    shuffled = [dict(random.sample(sorted(one.items()), len(one))) for one in amounts]
    facts, others = (
        [replace(influence(n, 0.0), amounts=tuple(one.items())) for n, one in enumerate(given)]
        for given in (amounts, shuffled)
    )
    assert frustration.risk(temper, weighed(*facts)) == frustration.risk(temper, weighed(*others))


# --- bands


def test_a_band_is_entered_at_its_threshold() -> None:
    assert [frustration.settled_band(TEMPER, "calm", s) for s in (0.0, 0.2499, 0.25, 0.5, 0.75, 1.0)] == [
        "calm", "calm", "tense", "frustrated", "critical", "critical",
    ]  # fmt: skip


def test_a_band_is_left_only_well_below_its_threshold() -> None:
    assert [frustration.settled_band(TEMPER, "critical", s) for s in (0.75, 0.67, 0.6699, 0.42, 0.4199, 0.1699)] == [
        "critical", "critical", "frustrated", "frustrated", "tense", "calm",
    ]  # fmt: skip
    assert frustration.settled_band(TEMPER, "tense", 0.17) == "tense"


def test_a_rise_is_recorded_once_until_the_mood_has_fallen_again() -> None:
    patience = weighed(influence(0, 0.6), influence(1_000, 0.1))
    assert patience.rises == (Rise(0, "calm", "frustrated", (QUOTE,), "at 0"),)
    again = weighed(influence(0, 0.6), influence(1_000, 0.1), influence(400_000, 0.6))
    assert [(r.at_ms, r.before, r.band) for r in again.rises] == [
        (0, "calm", "frustrated"),
        (400_000, "calm", "frustrated"),
    ]


def test_a_mood_that_hovers_at_a_threshold_does_not_flicker() -> None:
    patience = weighed(influence(0, 0.5), influence(5_000, 0.03), influence(10_000, 0.03), influence(15_000, 0.03))
    assert len(patience.rises) == 1


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.floats(-0.5, 0.9)), min_size=1, max_size=6), st.integers(0, 400_000)
)
def test_the_mood_falls_exactly_when_it_was_said_to(facts: list[tuple[int, float]], wait: int) -> None:
    patience = weighed(*(influence(at_ms, weight) for at_ms, weight in facts))
    now = patience.at_ms + wait
    cools = frustration.cools_at(TEMPER, patience, now)
    if cools is None:
        assert band(patience, now) == "calm"
    else:
        assert cools > now
        assert BANDS.index(band(patience, cools)) < BANDS.index(band(patience, now))
        if cools - 2 > now:
            assert band(patience, cools - 2) == band(patience, now)


def test_a_band_that_can_never_be_left_asks_for_no_tick() -> None:
    temper = Temper(tense=0.05, hysteresis=0.08)
    assert frustration.cools_at(temper, weighed(influence(0, 0.1), temper=temper), 0) is None


# --- how long it lasts


def lasting(*influences: Influence, enter: float, leave: float, temper: Temper = TEMPER) -> list[Span]:
    return list(frustration.lasting(temper, weighing(*influences, temper=temper), enter, leave))


def test_a_score_lasts_from_where_it_is_reached_to_where_it_falls_below() -> None:
    half = TEMPER.half_life_ms
    assert lasting(influence(1_000, 0.5), enter=0.5, leave=0.25) == [Span(1_000, 1_000 + half + 1)]
    assert lasting(influence(1_000, 0.5), enter=0.5, leave=0.5) == [Span(1_000, 1_001)]
    assert lasting(influence(1_000, 0.5), enter=0.51, leave=0.2) == []
    assert lasting(enter=0.1, leave=0.1) == []


def test_what_raises_it_again_keeps_it_there_and_relief_ends_it() -> None:
    once, again, relief = influence(1_000, 0.5), influence(60_000, 0.4), influence(70_000, -0.9)
    ((start, end),) = lasting(once, again, enter=0.5, leave=0.3)
    assert start == 1_000
    assert end > 60_000
    assert lasting(once, again, relief, enter=0.5, leave=0.3) == [Span(1_000, 70_000)]


def test_it_is_entered_again_only_at_its_threshold() -> None:
    first, more = influence(1_000, 0.5), influence(91_001, 0.2)
    assert lasting(first, more, enter=0.5, leave=0.25) == [Span(1_000, 91_001)]
    assert lasting(first, influence(91_001, 0.4), enter=0.5, leave=0.25)[1].start_ms == 91_001


def test_a_level_that_nothing_falls_below_lasts_for_ever() -> None:
    assert lasting(influence(1_000, 0.1), enter=0.05, leave=0.0) == [Span(1_000, FOR_EVER)]
    assert lasting(enter=0.0, leave=0.0) == [Span(0, FOR_EVER)]


def test_the_same_signal_again_ends_nothing() -> None:
    said = [influence(at_ms, 0.5, signal="again") for at_ms in (1_000, 3_000, 6_000)]
    assert lasting(*said, enter=0.5, leave=0.3) == lasting(said[0], enter=0.5, leave=0.3)


_FAST = Temper(half_life_ms=12)


def stepped(facts: Sequence[Influence], wanted: str, until: int) -> list[bool]:
    """Whether the mood is in a band or a higher one, at each millisecond, by what is shown of it."""
    there = []
    for now in range(until):
        patience = weighed(*(fact for fact in facts if fact.at_ms <= now), temper=_FAST)
        there.append(BANDS.index(band(patience, now, _FAST)) >= BANDS.index(wanted))
    return there


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from((0.1, 0.3, 0.6, 0.9, -0.3, -0.9))), max_size=7),
    st.sampled_from(BANDS[1:]),
)
def test_a_band_lasts_as_long_as_a_step_through_time_shows_it(facts: list[tuple[int, float]], wanted: str) -> None:
    said = [influence(at_ms, weight, key=f"k{number}") for number, (at_ms, weight) in enumerate(facts)]
    enter = _FAST.thresholds[BANDS.index(wanted) - 1]
    spans = lasting(*said, enter=enter, leave=enter - _FAST.hysteresis, temper=_FAST)
    found = [any(span.start_ms <= now < span.end_ms for span in spans) for now in range(100)]
    assert found == stepped(said, wanted, 100)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from((0.1, 0.3, 0.6, 0.9, -0.3, -0.9))), max_size=7),
    st.sampled_from((0.05, 0.2, 0.45, 0.8)),
)
def test_a_score_lasts_as_long_as_a_step_through_time_shows_it(facts: list[tuple[int, float]], level: float) -> None:
    said = [influence(at_ms, weight, key=f"k{number}") for number, (at_ms, weight) in enumerate(facts)]
    spans = lasting(*said, enter=level, leave=level, temper=_FAST)
    for now in range(100):
        patience = weighed(*(fact for fact in said if fact.at_ms <= now), temper=_FAST)
        there = frustration.faded(_FAST, patience, now) >= level
        assert any(span.start_ms <= now < span.end_ms for span in spans) == there, now


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from((0.1, 0.3, 0.6, 0.9, -0.3, -0.9, 0.0))), max_size=7),
    st.integers(60, 100),
)
def test_the_time_in_the_red_is_what_a_step_through_time_counts(facts: list[tuple[int, float]], now: int) -> None:
    said = [influence(at_ms, weight, key=f"k{number}") for number, (at_ms, weight) in enumerate(facts)]
    assert frustration.in_the_red(_FAST, weighed(*said, temper=_FAST), now) == sum(stepped(said, "frustrated", now))


def test_the_time_in_the_red_stands_still_once_the_mood_has_cooled() -> None:
    patience = weighed(influence(1_000, 0.6))
    assert [frustration.in_the_red(TEMPER, patience, now) for now in (0, 1_000, 31_000)] == [0, 0, 30_000]
    cooled = frustration.in_the_red(TEMPER, patience, 200_000)
    assert 30_000 < cooled < 90_000
    assert frustration.in_the_red(TEMPER, patience, 10**9) == cooled
    again = weighed(influence(1_000, 0.6), influence(10**9, 0.6))
    assert frustration.in_the_red(TEMPER, again, 10**9 + 5_000) == cooled + 5_000


def test_what_moved_the_score_last_is_known() -> None:
    known = weighing(
        influence(1_000, 0.3, key="a", signal="again"),
        influence(2_000, 0.3, key="b"),
        influence(2_000, 0.0, key="c"),
        influence(5_000, 0.4, key="d", signal="again"),
        influence(9_000, 0.4, key="e"),
    )
    movers = [frustration.mover(known, at_ms) for at_ms in (999, 1_000, 2_000, 5_000, 9_000)]
    assert [one.key if one is not None else "" for one in movers] == ["", "a", "b", "b", "e"]


def test_states_that_moved_can_be_told_from_those_that_did_not() -> None:
    def fold(patience: Patience, fact: Influence) -> Patience:
        return frustration.weigh(TEMPER, patience, fact)

    once = weighing(influence(1_000, 0.3))
    nothing = once.revised((), [influence(2_000, 0.0)], fold)
    assert not frustration.moved(once.state, nothing.state)
    for new in (influence(2_500, 0.1), influence(500, 0.1), influence(1_000, 0.2), influence(2_600, -0.1)):
        assert frustration.moved(nothing.state, nothing.revised((), [new], fold).state)
    assert frustration.moved(nothing.state, nothing.revised([influence(1_000, 0.3)], (), fold).state)
    assert not frustration.moved(nothing.state, nothing.revised([influence(2_000, 0.0)], (), fold).state)


# --- what is shown


def test_the_mood_shows_the_reasons_that_weigh_most_now() -> None:
    patience = weighed(
        influence(0, 0.5),
        influence(90_000, 0.3),
        influence(90_001, 0.1),
        influence(90_002, -0.2),
        influence(90_003, 0.28),
    )
    mood = frustration.mood(CALL, TEMPER, patience, 90_003)
    assert [r.at_ms for r in mood.reasons] == [90_000, 90_003, 0, 90_002]
    assert len(mood.reasons) == REASONS_SHOWN
    assert mood.reasons[0].words == (QUOTE,)
    assert (mood.call_id, mood.at_ms, mood.band, mood.reading) == (CALL, 90_003, "frustrated", "words")


def test_a_mood_says_whether_a_model_reads_along_and_what_the_risk_is() -> None:
    patience = weighed(influence(0, 0.3, heat=0.4))
    assert frustration.mood(CALL, TEMPER, patience, 2, read=True).reading == "words and model"
    assert frustration.mood(CALL, TEMPER, patience, 2).reading == "words"
    assert frustration.mood(CALL, RISK, patience, 900_000).risk == round(frustration.risk(RISK, patience), 3)


def test_what_weighs_nothing_is_no_evidence_and_displaces_none() -> None:
    calm_readings = [influence(1_000 + n, 0.0, since=n) for n in range(REASONS_KEPT + 3)]
    patience = weighed(influence(0, 0.5), *calm_readings)
    assert [r.weight for r in patience.reasons] == [0.5]


def test_old_reasons_give_way() -> None:
    patience = weighed(*(influence(n, 0.1) for n in range(REASONS_KEPT + 5)))
    assert [r.at_ms for r in patience.reasons] == list(range(5, REASONS_KEPT + 5))


def test_the_curve_shows_the_last_minutes_at_equal_steps() -> None:
    known = weighing(influence(100_000, 0.8), influence(200_000, 0.5))
    points = frustration.curve(TEMPER, known, 290_000, 290_000)
    assert len(points) == CURVE_POINTS
    assert points[0] == 0.0
    assert points[10] == pytest.approx(0.8)
    assert points[19] == pytest.approx(0.8 / 2 ** (90 / 90))
    assert points[20] == round(known.state.score, 3)
    assert points[-1] == pytest.approx(known.state.score / 2, abs=0.001)


def test_the_curve_of_a_young_call_begins_with_the_call() -> None:
    points = frustration.curve(TEMPER, weighing(influence(1_000, 0.8)), 29_000, 290_000)
    assert points == tuple(round(0.8 / 2 ** (ms / 90_000), 3) for ms in (8_000, 18_000, 28_000))
    assert frustration.curve(TEMPER, frustration.begin(), 0, 290_000) == (0.0,)


_FACTS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from((0.1, 0.3, 0.6, 0.9, -0.3, -0.9, 0.0))), max_size=12
).map(lambda facts: weighing(
    *(influence(at_ms, weight, key=f"k{number}") for number, (at_ms, weight) in enumerate(facts)), temper=_FAST
))  # fmt: skip


def in_band(known: Weighing, wanted: Band, since: int) -> list[Span]:
    spans = frustration.in_band(_FAST, known, wanted, since)
    return [span for span in spans if span.end_ms > max(since, span.start_ms)]


@settings(max_examples=500)
@given(_FACTS, st.sampled_from(BANDS[1:]), st.integers(0, 80))
def test_a_band_from_a_time_on_is_that_of_the_whole_call(known: Weighing, wanted: Band, since: int) -> None:
    enter = _FAST.thresholds[BANDS.index(wanted) - 1]
    whole = frustration.lasting(_FAST, known, enter, enter - _FAST.hysteresis)
    assert in_band(known, wanted, since) == [span for span in whole if span.end_ms > max(since, span.start_ms)]


@settings(max_examples=500)
@given(_FACTS, st.sampled_from(BANDS[1:]), st.sampled_from((0, 1, 5)), st.integers(0, 80))
def test_how_long_ago_a_mood_had_stayed_for_a_while_is_what_the_whole_call_says(
    known: Weighing, wanted: Band, for_ms: int, before: int
) -> None:
    times = [
        span.start_ms + for_ms
        for span in in_band(known, wanted, 0)
        if span.end_ms - span.start_ms > for_ms and span.start_ms + for_ms < before
    ]
    assert frustration.stayed(_FAST, known, wanted, for_ms, before) == max(times, default=None)
