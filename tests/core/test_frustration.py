"""Frustration: it rises fast, falls slowly, keeps its evidence, and only the customer's words are weighed."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from calls import CALL, matcher
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig.core import frustration, shape, transcript
from rtig.core.events import SegmentHeard
from rtig.core.frustration import (
    BANDS,
    CURVE_POINTS,
    REASONS_KEPT,
    REASONS_SHOWN,
    SAME_SIGNAL_MS,
    UTTERANCE_WORDS,
    WORDS_WEIGH,
    Influence,
    Patience,
    Rise,
    Temper,
    Weighing,
)
from rtig.core.guidance import Quote
from rtig.core.sentiment import Sentiment
from rtig.core.shape import FOR_EVER, Span
from rtig.core.transcript import Stream, Transcript

TEMPER = Temper()
SENTIMENT = Sentiment(SentimentIntensityAnalyzer(), {})
QUOTE = Quote("s1", "customer", 0, 4, "word")


def influence(at_ms: int, weight: float, *, key: str = "", signal: str = "", scored: bool = False) -> Influence:
    return Influence(at_ms, key or f"k{at_ms}", f"at {at_ms}", weight, (QUOTE,), signal, scored)


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


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300_000), st.floats(-1, 1)), max_size=12))
def test_a_score_never_leaves_its_range_and_rises_are_climbs_of_bands(facts: list[tuple[int, float]]) -> None:
    state = weighing(*(influence(at_ms, weight) for at_ms, weight in facts))
    assert all(0.0 <= s.score <= 1.0 for s in state.states)
    for rise in state.state.rises:
        assert BANDS.index(rise.before) < BANDS.index(rise.band)
    assert [r.at_ms for r in state.state.rises] == sorted(r.at_ms for r in state.state.rises)


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
    assert patience.rises == (Rise(0, "calm", "frustrated", (QUOTE,)),)
    again = weighed(influence(0, 0.6), influence(1_000, 0.1), influence(400_000, 0.6))
    assert [(r.at_ms, r.before, r.band) for r in again.rises] == [
        (0, "calm", "frustrated"),
        (400_000, "calm", "frustrated"),
    ]


def test_a_mood_that_hovers_at_a_threshold_does_not_flicker() -> None:
    patience = weighed(influence(0, 0.5), influence(5_000, 0.03), influence(10_000, 0.03), influence(15_000, 0.03))
    assert len(patience.rises) == 1


@settings(max_examples=300, deadline=None)
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


@settings(max_examples=300, deadline=None)
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


@settings(max_examples=300, deadline=None)
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


def test_a_mood_says_whether_a_model_had_a_part_in_it() -> None:
    patience = weighed(influence(0, 0.3), influence(1, 0.0, scored=True), influence(2, 0.1))
    assert frustration.mood(CALL, TEMPER, patience, 2).reading == "words and model"


def test_what_weighs_nothing_is_no_evidence_and_displaces_none() -> None:
    calm_readings = [influence(1_000 + n, 0.0, scored=True) for n in range(REASONS_KEPT + 3)]
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


# --- what the lexicon reads


def heard(*pieces: str, word_ms: int = 100) -> Stream:
    """Pieces of one turn of the customer, one word each `word_ms`."""
    known, at_ms = Transcript(), 0
    nothing = matcher()
    for number, text in enumerate(pieces):
        end_ms = at_ms + word_ms * len(text.split())
        event = SegmentHeard(
            call_id=CALL, segment_id=f"s{number}", rev=1, party="customer", text=text, final=True,
            start_ms=at_ms, end_ms=end_ms,
        )  # fmt: skip
        known = transcript.hear(known, event, nothing).transcript
        at_ms = end_ms
    return known.stream("customer")


def test_strong_words_weigh_and_are_quoted() -> None:
    (read,) = frustration.readings(SENTIMENT, heard("this is a terrible awful service"))
    assert (read.what, read.at_ms, read.key) == ("strong words", 600, "words:0")
    assert 0.1 < read.weight <= WORDS_WEIGH
    assert [q.text for q in read.quotes] == ["terrible", "awful"]


def test_friendly_words_relieve_a_little() -> None:
    (read,) = frustration.readings(SENTIMENT, heard("that is wonderful thank you so much"))
    assert (read.what, [q.text for q in read.quotes]) == ("friendly words", ["wonderful", "thank"])
    assert -0.2 <= read.weight < -0.1


@pytest.mark.parametrize("text", ["the router is on the shelf", "well it is a bit unclear", "it stopped again"])
def test_weak_readings_are_noise(text: str) -> None:
    assert frustration.READ_FROM < SENTIMENT.read(text) < frustration.RELIEF_FROM
    assert frustration.readings(SENTIMENT, heard(text)) == []


def test_where_no_single_word_tells_the_whole_part_is_the_evidence() -> None:
    (read,) = frustration.readings(SENTIMENT, heard("that is", "not good at all"))
    assert [q.text for q in read.quotes] == ["that is", "not good at all"]


def test_a_long_turn_is_read_in_parts_of_24_words() -> None:
    words = ["word"] * 60
    words[3] = words[30] = "terrible"
    found = frustration.readings(SENTIMENT, heard(" ".join(words)))
    assert [(i.key, i.at_ms) for i in found] == [("words:0", 2_400), ("words:2400", 4_800)]
    assert UTTERANCE_WORDS == 24


def test_emphasis_is_read_with_its_punctuation() -> None:
    (plain,) = frustration.readings(SENTIMENT, heard("this is terrible"))
    (loud,) = frustration.readings(SENTIMENT, heard("this is terrible!!!"))
    assert loud.weight > plain.weight


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(("terrible", "great", "not", "um", "the", "very", "love", "hate")), min_size=1, max_size=60
    ),
    st.lists(st.integers(1, 59), max_size=5),
)
def test_readings_do_not_depend_on_the_cut(words: list[str], cuts: Sequence[int]) -> None:
    edges = sorted({0, len(words), *(c for c in cuts if c < len(words))})
    cut = frustration.readings(SENTIMENT, heard(*(" ".join(words[a:b]) for a, b in pairwise(edges))))
    whole = frustration.readings(SENTIMENT, heard(" ".join(words)))
    assert [(i.order, i.weight, i.what) for i in cut] == [(i.order, i.weight, i.what) for i in whole]


def test_a_turn_is_what_is_read_as_one() -> None:
    stream = heard("this is not", "good at all")
    assert shape.turns(stream) == [stream]
    assert len(frustration.readings(SENTIMENT, stream)) == 1


def test_a_turn_can_be_read_from_a_time_on() -> None:
    words = ["terrible"] * 60
    turn = heard(" ".join(words))
    whole = frustration.readings(SENTIMENT, turn)
    assert [i.at_ms for i in whole] == [2_400, 4_800, 6_000]
    assert frustration.readings(SENTIMENT, turn, 2_401) == whole[1:]
    assert frustration.readings(SENTIMENT, turn, 2_400) == whole
