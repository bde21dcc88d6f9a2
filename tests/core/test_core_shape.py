"""The shape of the conversation: what is kept step by step is what a slow look at the whole call gives."""

from collections.abc import Iterable
from typing import NamedTuple

import pytest
from calls import CALL, matcher
from hypothesis import example, given, settings
from hypothesis import strategies as st
from immutables import Map

from rtig.core import shape, transcript
from rtig.core.events import Party, SegmentHeard
from rtig.core.shape import (
    FLOOR_MS,
    FOR_EVER,
    GAP_MS,
    TALK_OVER_MS,
    Floor,
    Shape,
    Span,
    talk_shares,
)
from rtig.core.transcript import PAUSE_MS, Change, Transcript

# Nearly every segment begins a phrase, so a change makes those after it heard again as well.
MATCHER = matcher("cancel my contract", "word ~3 never", "two ~3 never")


class Spoke(NamedTuple):
    party: Party
    start_ms: int
    end_ms: int
    text: str = "word"


def heard(segment_id: str, spoke: Spoke, rev: int = 0, *, final: bool = True) -> SegmentHeard:
    return SegmentHeard(
        call_id=CALL, segment_id=segment_id, rev=rev, party=spoke.party, text=spoke.text, final=final,
        start_ms=spoke.start_ms, end_ms=spoke.end_ms,
    )  # fmt: skip


class Conversation:
    """A transcript with its shape, kept in step."""

    def __init__(self, *spoken: Spoke) -> None:
        self.transcript = Transcript()
        self.shape = Shape()
        for number, spoke in enumerate(spoken):
            self.hear(f"s{number}", spoke)

    def hear(self, segment_id: str, spoke: Spoke, rev: int = 0, *, final: bool = True) -> None:
        self._take(transcript.hear(self.transcript, heard(segment_id, spoke, rev, final=final), MATCHER))

    def void(self, segment_id: str) -> None:
        self._take(transcript.void(self.transcript, segment_id, MATCHER))

    def correct(self, segment_id: str, rev: int, party: Party) -> None:
        self._take(transcript.correct(self.transcript, segment_id, rev, party, MATCHER))

    def _take(self, change: Change) -> None:
        before, self.transcript = self.transcript, change.transcript
        self.shape = shape.reshape(self.shape, before, self.transcript, (*change.unsettled, *change.settled))


def slowly(known: Transcript) -> Shape:
    """The shape by looking at the whole call at once, the plain way."""
    turns: dict[str, tuple[Span, ...]] = {}
    for party, stream in known.streams.items():
        spans: list[Span] = []
        for s in sorted(stream, key=lambda s: s.start_ms):
            if not s.words.spans:
                continue
            if spans and s.start_ms < spans[-1].end_ms + PAUSE_MS:
                spans[-1] = Span(spans[-1].start_ms, max(spans[-1].end_ms, s.end_ms))
            else:
                spans.append(Span(s.start_ms, s.end_ms))
        if spans:
            turns[party] = tuple(spans)
    over = [
        agent.start_ms
        for agent in turns.get("agent", ())
        if any(
            c.start_ms < agent.start_ms and c.end_ms >= agent.start_ms + TALK_OVER_MS for c in turns.get("customer", ())
        )
    ]
    spoken = sorted(s for spans in turns.values() for s in spans)
    gaps, since = [], spoken[0].start_ms if spoken else 0
    for span in spoken:
        if span.start_ms - since >= GAP_MS:
            gaps.append(Span(since, span.start_ms))
        since = max(since, span.end_ms)
    floors = []
    for party, other in (("customer", "agent"), ("agent", "customer")):
        floor: Floor | None = None
        for span in turns.get(party, ()):
            taken = floor is not None and any(
                floor.start_ms <= o.start_ms < span.start_ms for o in turns.get(other, ())
            )
            if floor is None or taken or span.start_ms - floor.end_ms >= GAP_MS:
                floor = Floor(span.start_ms, span.end_ms, party)  # type: ignore[arg-type]
                floors.append(floor)
            else:
                floors[-1] = floor = Floor(floor.start_ms, max(floor.end_ms, span.end_ms), floor.party)
    return Shape(
        Map(turns),
        tuple(over),
        tuple(gaps),
        tuple(sorted(f for f in floors if f.end_ms - f.start_ms >= FLOOR_MS)),
    )


# --- values


def test_segments_without_a_pause_are_one_turn() -> None:
    spoken = (Spoke("customer", 0, 1_000), Spoke("customer", 1_999, 3_000), Spoke("customer", 4_000, 5_000))
    assert Conversation(*spoken).shape.turns["customer"] == (Span(0, 3_000), Span(4_000, 5_000))


def test_the_agent_talks_over_the_customer_who_is_still_speaking_half_a_second_later() -> None:
    def over(customer_end: int, agent_start: int) -> tuple[int, ...]:
        return Conversation(
            Spoke("customer", 1_000, customer_end), Spoke("agent", agent_start, agent_start + 2_000)
        ).shape.talk_over

    assert over(5_000, 4_500) == (4_500,)
    assert over(5_000, 4_501) == ()
    assert over(5_000, 1_000) == ()
    assert over(5_000, 1_001) == (1_001,)


def test_the_customer_who_interrupts_is_not_counted() -> None:
    spoken = (Spoke("agent", 0, 9_000), Spoke("customer", 3_000, 6_000), Spoke("system", 0, 9_000))
    assert Conversation(*spoken).shape.talk_over == ()


def test_silences_are_kept_from_five_seconds_up_once_somebody_has_spoken_whoever_it_is() -> None:
    known = Conversation(
        Spoke("agent", 5_000, 6_000),
        Spoke("customer", 10_999, 11_500),
        Spoke("system", 16_500, 17_000),
        Spoke("unknown", 22_000, 23_000),
    )
    assert known.shape.gaps == (Span(11_500, 16_500), Span(17_000, 22_000))


def test_a_segment_without_words_is_silence() -> None:
    known = Conversation(Spoke("agent", 0, 1_000), Spoke("customer", 3_000, 4_000, "..."), Spoke("agent", 6_000, 7_000))
    assert known.shape.gaps == (Span(1_000, 6_000),)
    filled = Conversation(Spoke("agent", 0, 1_000), Spoke("customer", 3_000, 4_000, "um"), Spoke("agent", 6_000, 7_000))
    assert filled.shape.gaps == ()


def test_the_floor_is_kept_over_pauses_until_the_other_takes_a_turn() -> None:
    known = Conversation(
        Spoke("agent", 0, 4_000),
        Spoke("agent", 6_000, 10_000),
        Spoke("customer", 10_500, 11_000),
        Spoke("agent", 11_200, 21_199),
    )
    assert known.shape.floors == (Floor(0, 10_000, "agent"),)
    known.void("s2")
    assert known.shape.floors == (Floor(0, 21_199, "agent"),)
    known.hear("s4", Spoke("customer", 5_000, 5_500))
    assert known.shape.floors == (Floor(6_000, 21_199, "agent"),)


def test_the_floor_is_not_kept_over_a_silence() -> None:
    known = Conversation(Spoke("agent", 0, 12_000), Spoke("agent", 17_000, 28_000), Spoke("agent", 32_999, 34_000))
    assert known.shape.floors == (Floor(0, 12_000, "agent"), Floor(17_000, 34_000, "agent"))


def test_others_neither_keep_nor_break_a_floor() -> None:
    known = Conversation(Spoke("system", 0, 30_000), Spoke("agent", 1_000, 12_000), Spoke("unknown", 3_000, 4_000))
    assert known.shape.floors == (Floor(1_000, 12_000, "agent"),)


def test_quiet_lasts_from_the_last_words_to_now() -> None:
    known = Conversation(Spoke("agent", 0, 2_000), Spoke("customer", 500, 1_000))
    assert shape.quiet(known.shape, known.transcript, 9_000) == (Span(2_000, 9_000),)
    assert shape.quiet(known.shape, known.transcript, 1_500) == (Span(2_000, 2_000),)


def test_before_anybody_has_spoken_there_is_no_silence() -> None:
    assert shape.quiet(Shape(), Transcript(), 30_000) == ()
    known = Conversation(Spoke("agent", 27_000, 28_000))
    assert known.shape.gaps == ()


def test_words_that_are_not_final_yet_end_the_quiet() -> None:
    known = Conversation(Spoke("agent", 0, 2_000))
    known.hear("open", Spoke("customer", 5_000, 5_500), final=False)
    known.hear("dots", Spoke("customer", 6_000, 6_500, "..."), final=False)
    assert shape.quiet(known.shape, known.transcript, 8_000) == (Span(2_000, 5_000), Span(5_500, 8_000))


def test_what_is_left_of_a_time_is_outside_the_others() -> None:
    def left(*others: tuple[int, int]) -> list[tuple[int, int]]:
        return list(shape.outside(Span(10, 20), [Span(*other) for other in others]))

    assert left() == left((0, 10), (20, 30)) == [(10, 20)]
    assert left((0, 12), (14, 15), (18, FOR_EVER)) == [(12, 14), (15, 18)]
    assert left((10, 20)) == left((0, FOR_EVER)) == left((5, 15), (15, 25)) == []


# --- the slow look as the oracle

PARTIES: tuple[Party, ...] = ("customer", "agent", "system")
TIMES = st.integers(0, 60).map(lambda n: n * 250)
SPOKEN = st.builds(
    lambda party, start, length, text: Spoke(party, start, start + length, text),
    st.sampled_from(PARTIES),
    TIMES,
    st.sampled_from((0, 250, 500, 1_000, 3_000, 12_000)),
    st.sampled_from(("word", "two words", "um", "", "cancel my", "contract")),
)
CHANGES = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from("abcdefgh"), SPOKEN, st.integers(0, 9)),
    st.tuples(st.just("hear"), st.sampled_from("abcdefgh"), SPOKEN, st.integers(0, 9)),
    st.tuples(st.just("void"), st.sampled_from("abcdefgh")),
    st.tuples(st.just("party"), st.sampled_from("abcdefgh"), st.integers(0, 5), st.sampled_from(PARTIES)),
)


@settings(max_examples=600)
@given(st.lists(CHANGES, max_size=16))
@example(
    [
        ("hear", "a", Spoke("customer", 0, 10_000), 0),
        ("hear", "b", Spoke("customer", 1_000, 2_000), 0),
        ("hear", "c", Spoke("customer", 9_000, 9_500), 0),
    ]
)
@example(
    [
        ("hear", "a", Spoke("customer", 250, 500), 0),
        ("hear", "b", Spoke("customer", 1_250, 1_500), 0),
        ("hear", "a", Spoke("customer", 0, 250), 1),
    ]
)
def test_the_shape_kept_step_by_step_is_the_shape_of_the_whole(changes: Iterable[tuple[object, ...]]) -> None:
    known = Conversation()
    for change in changes:
        match change:
            case ("hear", str(segment_id), Spoke() as spoke, int(rev)):
                known.hear(segment_id, spoke, rev)
            case ("void", str(segment_id)):
                known.void(segment_id)
            case ("party", str(segment_id), int(rev), ("customer" | "agent" | "system") as party):
                known.correct(segment_id, rev, party)
        assert known.shape == slowly(known.transcript)


@pytest.mark.parametrize("at_ms", [0, 1_500, 4_000, 9_000, 20_000])
def test_a_turn_is_found_whole_from_any_time_in_it(at_ms: int) -> None:
    known = Conversation(
        Spoke("customer", 0, 10_000),
        Spoke("customer", 1_000, 2_000),
        Spoke("customer", 9_000, 9_500),
        Spoke("customer", 10_900, 21_000),
        Spoke("customer", 30_000, 31_000),
    )
    stream = known.transcript.stream("customer")
    assert [s.id for s in shape.turn(stream, at_ms, at_ms)] == ["s0", "s1", "s2", "s3"]
    assert [[s.id for s in part] for part in shape.turns(stream)] == [["s0", "s1", "s2", "s3"], ["s4"]]


# --- who speaks how much


def turns(agent: Iterable[tuple[int, int]] = (), customer: Iterable[tuple[int, int]] = ()) -> Shape:
    spoken = {"agent": agent, "customer": customer}
    return Shape(turns=Map({party: tuple(Span(*turn) for turn in found) for party, found in spoken.items()}))


def test_a_share_is_told_from_each_turns_end_once_the_time_has_passed() -> None:
    known = turns(agent=[(0, 3_000), (4_000, 9_000)], customer=[(3_000, 4_000), (9_000, 14_000)])
    assert list(talk_shares(known, 4_000)) == [
        (Span(4_000, 9_000), 0.75),
        (Span(9_000, 14_000), 1.0),
        (Span(14_000, FOR_EVER), 0.0),
    ]
    assert list(talk_shares(known, 20_000)) == []
    assert list(talk_shares(Shape(), 0)) == []


def test_others_have_no_share_and_an_end_of_two_turns_is_one() -> None:
    known = Conversation(
        Spoke("agent", 0, 6_000), Spoke("customer", 4_000, 6_000), Spoke("system", 0, 9_000), Spoke("unknown", 0, 9_000)
    )
    assert list(talk_shares(known.shape, 5_000)) == [(Span(6_000, FOR_EVER), 5 / 7)]


def test_where_nobody_spoke_there_is_no_share() -> None:
    assert list(talk_shares(turns(agent=[(9_000, 9_000)]), 5_000)) == []


_EDGES = st.lists(st.integers(0, 40), max_size=8, unique=True).map(sorted)


@settings(max_examples=300)
@given(_EDGES, _EDGES, st.integers(1, 30))
def test_shares_are_what_a_count_of_every_millisecond_gives(
    agent: list[int], customer: list[int], over_ms: int
) -> None:
    spoken = [list(zip(edges[::2], edges[1::2], strict=False)) for edges in (agent, customer)]
    shares = list(talk_shares(turns(*spoken), over_ms))
    ends = sorted({end for party in spoken for _, end in party})
    for at_ms in range(50):
        last = max((end for end in ends if end <= at_ms), default=-1)
        window = range(last - over_ms, last)
        agents, customers = (sum(any(a <= t < b for a, b in party) for t in window) for party in spoken)
        expected = [agents / (agents + customers)] if last >= over_ms and agents + customers else []
        assert [share for span, share in shares if span.start_ms <= at_ms < span.end_ms] == expected
