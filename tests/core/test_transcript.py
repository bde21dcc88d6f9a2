"""The transcript: what was heard depends on the words and their times, not on how they were cut, revised or sent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from calls import CALL, matcher
from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.core import transcript
from rtig.core.events import Party, SegmentHeard
from rtig.core.guidance import Quote
from rtig.core.text import words
from rtig.core.transcript import OPEN_AT_MOST, PAUSE_MS, UNFINISHED_MS, Change, Heard, Segment, Transcript

PHRASES = ("cancel ~2 contract", "my bill", "no no", "do not", "restart*")
MATCHER = matcher(*PHRASES)
CANCEL, BILL, NO, DO_NOT, RESTART = range(5)


def fragment(
    segment_id: str,
    text: str,
    start_ms: int = 0,
    *,
    rev: int = 1,
    party: Party = "customer",
    final: bool = True,
    stable: int = 0,
    end_ms: int | None = None,
) -> SegmentHeard:
    """A revision that speaks its words at one every 100 ms."""
    return SegmentHeard(
        call_id=CALL, segment_id=segment_id, rev=rev, party=party, text=text, final=final, stable=stable,
        start_ms=start_ms, end_ms=start_ms + 100 * len(text.split()) if end_ms is None else end_ms,
    )  # fmt: skip


def hear(known: Transcript, *fragments: SegmentHeard) -> Transcript:
    for one in fragments:
        known = transcript.hear(known, one, MATCHER).transcript
    return known


def texts(known: Transcript, party: str = "customer") -> list[str]:
    return [segment.text for segment in known.stream(party)]


def phrases(known: Transcript, party: str = "customer") -> list[tuple[int, list[str]]]:
    """What was heard in the finals of a party, with the words that prove it."""
    return [(h.phrase, [q.text for q in h.quotes]) for s in known.stream(party) for h in s.heard]


def early(known: Transcript, segment_id: str) -> list[int]:
    """What was heard in the words of an open segment that are likely to stay."""
    return [h.phrase for h in known.open[segment_id].heard]


# --- how recognisers revise


def test_a_higher_revision_replaces_the_text_and_an_equal_or_lower_one_does_not() -> None:
    known = hear(
        Transcript(), fragment("a", "my bull", rev=3, final=False), fragment("a", "my bill", rev=4, final=False)
    )
    assert known.open["a"].text == "my bill"
    for rev in (4, 3, 0):
        again = transcript.hear(known, fragment("a", "my ball", rev=rev, final=rev == 0), MATCHER)
        assert again == Change(known)
        assert again.transcript is known


def test_a_hypothesis_grows_until_it_is_final() -> None:
    known = Transcript()
    for rev, text in enumerate(("my", "my bill", "my bill is")):
        known = hear(known, fragment("a", text, rev=rev, final=False))
        assert (texts(known), known.open["a"].text) == ([], text)
    known = hear(known, fragment("a", "my bill is high", rev=9))
    assert (texts(known), list(known.open)) == (["my bill is high"], [])
    assert known.size == 1


def test_a_hypothesis_may_shrink_and_change_its_mind() -> None:
    known = hear(
        Transcript(),
        fragment("a", "my bill is", rev=1, final=False),
        fragment("a", "my", rev=2, final=False),
        fragment("a", "why bill", rev=3, final=False),
    )
    assert known.open["a"].text == "why bill"
    assert phrases(hear(known, fragment("a", "my bill", rev=4))) == [(BILL, ["my bill"])]


def test_a_tail_that_moves_to_the_next_segment_is_heard_once() -> None:
    known = hear(
        Transcript(),
        fragment("a", "about my bill", rev=1, final=False, stable=13),
        fragment("a", "about my", rev=2),
        fragment("b", "bill please", 200, rev=1),
    )
    assert phrases(known) == [(BILL, ["my", "bill"])]


def test_an_interim_after_the_final_is_ignored_whatever_its_number() -> None:
    known = hear(Transcript(), fragment("a", "my bill", rev=2))
    assert hear(known, fragment("a", "my ball", rev=7, final=False)) is known


def test_a_later_final_corrects_the_first_and_an_earlier_one_does_not() -> None:
    known = hear(Transcript(), fragment("a", "my bull", rev=2), fragment("a", "my bill", rev=5))
    assert phrases(known) == [(BILL, ["my bill"])]
    assert hear(known, fragment("a", "my ball", rev=5)) is known
    assert known.final["a"][0] == 5


def test_an_empty_final_takes_the_words_away_and_leaves_the_segment() -> None:
    change = transcript.hear(hear(Transcript(), fragment("a", "my bill", rev=1)), fragment("a", "", rev=2), MATCHER)
    assert (texts(change.transcript), phrases(change.transcript)) == ([""], [])
    assert hear(Transcript(), fragment("a", "my"), fragment("e", "", 150), fragment("b", "bill", 200)).streams[
        "customer"
    ][2].heard[0].quotes == (Quote("a", "customer", 0, 2, "my"), Quote("b", "customer", 0, 4, "bill"))


def test_a_segment_without_words_reaches_nowhere() -> None:
    known = hear(Transcript(), fragment("a", "my bill"), fragment("e", "", 200, end_ms=9_000))
    assert [segment.reach for segment in known.stream("customer")] == [200, 200]


def test_an_end_before_the_beginning_is_taken_as_the_beginning() -> None:
    known = hear(Transcript(), fragment("a", "my bill", 500, end_ms=0), fragment("b", "x", 900, end_ms=1, final=False))
    assert known.stream("customer")[0].end_ms == 500
    assert known.open["b"].end_ms == 900


# --- segments that go or change hands


def test_a_voided_segment_is_gone_and_stays_gone() -> None:
    for before in (fragment("a", "my bill"), fragment("a", "my bill", final=False)):
        known = transcript.void(hear(Transcript(), before), "a", MATCHER).transcript
        assert (texts(known), list(known.open), known.size) == ([], [], 0)
        assert hear(known, fragment("a", "my bill", rev=9)) is known
    ahead = transcript.void(Transcript(), "a", MATCHER).transcript
    assert hear(ahead, fragment("a", "my bill")) is ahead


def test_a_correction_moves_a_segment_to_the_party_that_spoke() -> None:
    known = hear(Transcript(), fragment("a", "my"), fragment("b", "bill", 100, party="agent"))
    assert (phrases(known), phrases(known, "agent")) == ([], [])
    known = transcript.correct(known, "b", 1, "customer", MATCHER).transcript
    assert phrases(known) == [(BILL, ["my", "bill"])]
    known = transcript.correct(known, "b", 2, "agent", MATCHER).transcript
    assert (phrases(known), texts(known, "agent")) == ([], ["bill"])
    known = transcript.correct(known, "b", 3, "customer", MATCHER).transcript
    assert phrases(known) == [(BILL, ["my", "bill"])]
    stale = transcript.correct(known, "b", 3, "agent", MATCHER)
    assert stale.transcript is known


def test_a_correction_holds_for_revisions_still_to_come() -> None:
    known = transcript.correct(Transcript(), "a", 1, "agent", MATCHER).transcript
    known = hear(known, fragment("a", "my", rev=1, final=False))
    assert known.open["a"].party == "agent"
    assert texts(hear(known, fragment("a", "my bill", rev=2)), "agent") == ["my bill"]


def test_a_correction_of_an_open_segment_is_heard_after_the_right_words() -> None:
    known = hear(
        Transcript(),
        fragment("x", "cancel my", party="agent"),
        fragment("a", "contract", 300, final=False, stable=8),
    )
    assert early(known, "a") == []
    change = transcript.correct(known, "a", 1, "agent", MATCHER)
    assert early(change.transcript, "a") == [CANCEL]
    assert change.segment is not None
    assert change.segment.party == "agent"


def test_a_correction_of_an_open_segment_does_not_hear_on_from_words_after_it() -> None:
    known = hear(Transcript(), fragment("b", "my", 5_000, party="agent"))
    known = hear(known, fragment("a", "bill", 1_000, final=False, stable=4))
    assert early(transcript.correct(known, "a", 1, "agent", MATCHER).transcript, "a") == []


def test_a_correction_to_the_party_known_already_changes_no_words() -> None:
    known = hear(Transcript(), fragment("a", "my bill"))
    change = transcript.correct(known, "a", 1, "customer", MATCHER)
    assert (change.segment, change.settled, change.unsettled) == (None, (), ())
    assert change.transcript.streams is known.streams


# --- open segments


def test_too_many_open_segments_cost_the_stalest() -> None:
    known = hear(Transcript(), *(fragment(f"s{n}", "my", n * 1_000, final=False) for n in range(OPEN_AT_MOST + 1)))
    assert len(known.open) == OPEN_AT_MOST
    assert "s0" not in known.open
    assert texts(hear(known, fragment("s0", "my bill", 0, rev=2))) == ["my bill"]


def test_the_stalest_open_segment_is_the_one_that_ends_first_whatever_it_is_called() -> None:
    times = ((n + OPEN_AT_MOST // 2) % (OPEN_AT_MOST + 1) for n in range(OPEN_AT_MOST + 1))
    sent = [fragment(f"s{n:02}", "my", time * 1_000, final=False) for n, time in enumerate(times)]
    stalest = min(sent, key=lambda one: one.end_ms)
    assert {*hear(Transcript(), *sent).open} == {one.segment_id for one in sent} - {stalest.segment_id}


def test_what_is_never_settled_is_let_go_of_after_its_time() -> None:
    known = hear(Transcript(), fragment("a", "my bill", final=False), fragment("b", "my bill", 5_000, final=False))
    end_ms = known.open["a"].end_ms
    assert transcript.forget_unfinished(known, end_ms + UNFINISHED_MS - 1).transcript is known
    assert list(transcript.forget_unfinished(known, end_ms + UNFINISHED_MS).transcript.open) == ["b"]
    assert list(transcript.forget_unfinished(known, None).transcript.open) == []


@pytest.mark.parametrize(
    ("before", "text", "stable", "steady"),
    [
        ("", "cancel my contract", 0, 0),
        ("", "cancel my contract", 9, 2),
        ("", "cancel my contract", 8, 1),
        ("", "cancel my contract", 18, 3),
        ("", "cancel my contract", 99, 3),
        ("cancel my", "cancel my contract", 0, 2),
        ("cancel me", "cancel my contract", 0, 1),
        ("please cancel my", "cancel my contract", 0, 0),
        ("cancel the contract", "cancel my contract", 9, 3),
        ("um cancel my", "cancel um my contract", 0, 2),
        ("in 20 days", "in 20 days", 0, 1),
        ("in 20 days", "in 20 days", 5, 3),
        ("in 4g days", "in 4g days", 0, 1),
        ("i'm so", "I am so sorry", 0, 3),
        ("don't", "don't", 4, 2),
    ],
)
def test_words_that_are_likely_to_stay(before: str, text: str, stable: int, steady: int) -> None:
    known = Transcript()
    if before:
        known = hear(known, fragment("a", before, rev=1, final=False))
    assert hear(known, fragment("a", text, rev=2, final=False, stable=stable)).open["a"].steady == steady


def test_an_interim_is_heard_early_only_in_words_that_are_likely_to_stay() -> None:
    known = hear(Transcript(), fragment("a", "about my bill", rev=1, final=False))
    assert early(known, "a") == []
    known = hear(known, fragment("a", "about my bill is", rev=2, final=False))
    assert early(known, "a") == [BILL]
    known = hear(known, fragment("a", "about my pill is", rev=3, final=False))
    assert early(known, "a") == []
    assert phrases(known) == []


def test_an_interim_goes_on_from_the_final_words_before_it() -> None:
    known = hear(
        Transcript(),
        fragment("a", "please cancel my"),
        fragment("b", "contract", 300, final=False, stable=8),
        fragment("c", "contract", 0, final=False, stable=8),
    )
    assert early(known, "b") == [CANCEL]
    assert early(known, "c") == []


# --- where things stand


def test_evidence_is_marked_in_the_text_as_it_was_heard() -> None:
    known = hear(Transcript(), fragment("a", "So, please CANCEL — um — my Contract!"))
    quote = known.stream("customer")[0].heard[0].quotes[0]
    assert quote == Quote("a", "customer", 11, 36, "CANCEL — um — my Contract")


def test_a_contraction_is_marked_whole() -> None:
    known = hear(Transcript(), fragment("a", "we don't"))
    assert phrases(known) == [(DO_NOT, ["don't"])]


def captured(*fragments: SegmentHeard) -> list[str]:
    """What the values of a name, a day and a sum are, each as often as more of it is said."""
    known, made = Transcript(), matcher("my name is {name}", "on {date}", "pay {amount}")
    for one in fragments:
        known = transcript.hear(known, one, made).transcript
    return [capture.value for part in known.stream("customer") for heard in part.heard for capture in heard.captures]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my name is anna um maria", "Anna Maria"),
        ("my name is Anna, Maria", "Anna Maria"),
        ("my name is Anne-Marie", "Anne-Marie"),
        ("my name is Ruairí ... O'Brien!", "Ruairí O'Brien"),
        ("come on next um tuesday", "next tuesday"),
        ("come on 4/july/2024.", "4/july/2024"),
        ("come on the fourth, of July", "the fourth of July"),
        ("pay (£63.40)", "£63.40"),
        ("pay 5 pounds, and 20 pence", "5.20"),
    ],
)
def test_a_value_is_what_was_said_without_fillers_and_marks_wherever_it_was_cut(text: str, value: str) -> None:
    whole = text.split()
    for cut in range(1, len(whole)):
        first, second = " ".join(whole[:cut]), " ".join(whole[cut:])
        assert captured(fragment("a", first), fragment("b", second, 100 * cut))[-1] == value
    assert captured(fragment("a", text))[-1] == value


def test_a_value_ends_at_a_pause_and_a_filler_is_none() -> None:
    one, two = fragment("a", "pay one two", 0), fragment("b", "five oh", 300 + PAUSE_MS)
    assert captured(one, two) == ["1", "12"]
    assert captured(one, fragment("b", "five oh", 299 + PAUSE_MS)) == ["1", "12", "125", "1250"]
    assert captured(one, two, fragment("f", "um", 300 + PAUSE_MS // 2)) == ["1", "12", "125", "1250"]


def test_a_value_may_begin_after_a_pause() -> None:
    assert captured(fragment("a", "my name is"), fragment("b", "anna", 60_000)) == ["Anna"]


def test_an_interim_hears_a_value_end_at_a_pause_too() -> None:
    made = matcher("pay {amount}")
    known = transcript.hear(Transcript(), fragment("a", "pay one two"), made).transcript
    for rev in range(3):
        known = transcript.hear(known, fragment("b", "five oh", 60_000, rev=rev, final=False), made).transcript
        assert known.open["b"].heard == ()


def test_a_phrase_over_several_segments_is_marked_in_each() -> None:
    known = hear(
        Transcript(),
        fragment("a", "I will cancel", 0),
        fragment("f", "um", 350, end_ms=400),
        fragment("b", "my old", 500),
        fragment("c", "contract then", 800),
    )
    heard = known.stream("customer")[3].heard
    assert [h.quotes for h in heard] == [
        (
            Quote("a", "customer", 7, 13, "cancel"),
            Quote("b", "customer", 0, 6, "my old"),
            Quote("c", "customer", 0, 8, "contract"),
        )
    ]
    assert (heard[0].start_ms, heard[0].end_ms) == (200, 900)


def test_a_phrase_over_segments_that_overlap_does_not_end_before_it_begins() -> None:
    known = hear(Transcript(), fragment("a", "please call about my", 0), fragment("b", "bill today", 0, end_ms=500))
    (found,) = (heard for segment in known.stream("customer") for heard in segment.heard)
    assert (found.start_ms, found.end_ms) == (250, 250)
    assert [quote.text for quote in found.quotes] == ["my", "bill"]


def test_parties_are_heard_apart() -> None:
    known = hear(
        Transcript(),
        fragment("a", "cancel my", 0),
        fragment("b", "cancel my", 50, party="agent"),
        fragment("c", "contract", 300, party="unknown"),
        fragment("d", "contract", 400),
    )
    assert (phrases(known), phrases(known, "agent"), phrases(known, "unknown")) == (
        [(CANCEL, ["cancel my", "contract"])],
        [],
        [],
    )


def test_words_are_spread_evenly_over_their_segment() -> None:
    segment = hear(Transcript(), fragment("a", "my bill um again", 1_000, end_ms=2_000)).stream("customer")[0]
    assert [segment.time_of(token) for token in range(5)] == [1_000, 1_250, 1_500, 1_750, 2_000]
    assert segment.heard[0].end_ms == 1_500
    assert hear(Transcript(), fragment("e", "", 500, end_ms=900)).stream("customer")[0].time_of(0) == 500


def test_a_segment_that_arrives_late_changes_what_is_heard_after_it() -> None:
    known = hear(Transcript(), fragment("a", "cancel my", 0), fragment("c", "contract", 900))
    assert phrases(known) == [(CANCEL, ["cancel my", "contract"])]
    change = transcript.hear(known, fragment("b", "mind about the", 300), MATCHER)
    assert phrases(change.transcript) == []
    assert [s.id for s in change.settled] == ["b", "c"]
    assert [s.id for s in change.unsettled] == ["c"]
    back = transcript.void(change.transcript, "b", MATCHER)
    assert phrases(back.transcript) == [(CANCEL, ["cancel my", "contract"])]


def test_a_change_far_back_stops_where_it_makes_no_difference_any_more() -> None:
    known = hear(Transcript(), *(fragment(f"s{n}", "well then", n * 1_000) for n in range(50)))
    change = transcript.hear(known, fragment("late", "cancel my", 10_500), MATCHER)
    assert [s.id for s in change.settled] == ["late", "s11"]


def test_words_said_twice_are_quoted_from_where_they_stand_now() -> None:
    """The state is the same with either of the two, the evidence is not."""
    known = hear(
        Transcript(), fragment("a", "cancel my", 0), fragment("b", "cancel my", 500), fragment("c", "contract", 900)
    )
    assert [q.segment_id for q in known.stream("customer")[2].heard[0].quotes] == ["b", "c"]
    known = transcript.void(known, "b", MATCHER).transcript
    assert [q.segment_id for q in known.stream("customer")[1].heard[0].quotes] == ["a", "c"]
    known = hear(known, fragment("a", "Cancel um my", 0, rev=2))
    assert known.stream("customer")[1].heard[0].quotes[0].text == "Cancel um my"


def test_another_matcher_hears_the_same_words_anew() -> None:
    known = hear(
        Transcript(),
        fragment("a", "please cancel my"),
        fragment("b", "contract and", 400),
        fragment("c", "do not wait", 700, final=False, stable=99),
    )
    other = matcher("contract and do")
    again = transcript.relisten(known, other)
    assert [[h.phrase for h in s.heard] for s in again.stream("customer")] == [[], []]
    assert early(again, "c") == [0]
    back = transcript.relisten(again, MATCHER)
    assert (back.streams, back.open) == (known.streams, known.open)


def test_a_whole_segment_can_be_evidence() -> None:
    segment = hear(Transcript(), fragment("a", " So it goes. ")).stream("customer")[0]
    assert transcript.quote_all(segment) == Quote("a", "customer", 0, 13, " So it goes. ")


# --- whatever happens, in whatever order

VOCABULARY = ("cancel", "my", "contract", "bill", "no", "don't", "restarting", "um", "well,", "Cancel")
TEXTS = st.lists(st.sampled_from(VOCABULARY), max_size=4).map(" ".join)
PARTIES: tuple[Party, ...] = ("customer", "agent")
HAPPENINGS = st.one_of(
    st.builds(
        fragment,
        st.sampled_from("abcde"),
        TEXTS,
        st.integers(0, 8).map(lambda n: n * 100),
        rev=st.integers(0, 4),
        party=st.sampled_from(PARTIES),
        final=st.booleans(),
        stable=st.integers(0, 30),
    ),
    st.tuples(st.just("void"), st.sampled_from("abcde")),
    st.tuples(st.just("party"), st.sampled_from("abcde"), st.integers(0, 3), st.sampled_from(PARTIES)),
)


def after(known: Transcript, happening: object) -> Change:
    match happening:
        case SegmentHeard():
            return transcript.hear(known, happening, MATCHER)
        case ("void", str(segment_id)):
            return transcript.void(known, segment_id, MATCHER)
        case ("party", str(segment_id), int(rev), ("customer" | "agent") as party):
            return transcript.correct(known, segment_id, rev, party, MATCHER)
    raise AssertionError


def from_nothing(segments: Iterable[Segment]) -> Transcript:
    """The segments heard once, in the order in which they were said."""
    known = Transcript()
    for s in sorted(segments, key=lambda s: s.place):
        known = hear(known, fragment(s.id, s.text, s.start_ms, rev=s.rev, party=s.party, end_ms=s.end_ms))
    return known


def plainly(stream: Sequence[Segment]) -> list[tuple[int, str]]:
    """Every phrase in a stream and the words it ends with, by walking all its words in one piece."""
    said = [(s.id, norm) for s in stream for norm in s.words.norms]
    _, found = MATCHER.walk(MATCHER.start, [norm for _, norm in said])
    return [(phrase, said[index][0]) for index, phrase, *_ in found]


@settings(max_examples=300)
@given(st.lists(HAPPENINGS, max_size=14))
def test_whatever_happened_the_streams_are_those_of_the_segments_that_are_left(happenings: list[object]) -> None:
    known = Transcript()
    heard: Counter[Heard] = Counter()
    for happening in happenings:
        change = after(known, happening)
        known = change.transcript
        heard.update(h for s in change.settled for h in s.heard)
        heard.subtract(h for s in change.unsettled for h in s.heard)
    finals = [s for stream in known.streams.values() for s in stream]
    assert {p: s for p, s in known.streams.items() if s} == dict(from_nothing(finals).streams)
    assert {s.id: (s.rev, s.party, s.place) for s in finals} == dict(known.final)
    assert all(known.find(s.id) is s for s in finals)
    assert +heard == Counter(h for s in finals for h in s.heard)
    assert min(heard.values(), default=0) >= 0
    for stream in known.streams.values():
        assert all(one.place < other.place for one, other in pairwise(stream))
        assert [(h.phrase, h.quotes[-1].segment_id) for s in stream for h in s.heard] == plainly(stream)
    assert not set(known.open) & set(known.final)
    assert not (set(known.open) | set(known.final)) & set(known.voided)
    now = {s.id: s for s in (*finals, *known.open.values())}
    for s in finals:
        for h in s.heard:
            assert h.start_ms <= h.end_ms
            for quote in h.quotes:
                whole = now[quote.segment_id]
                assert (quote.party, whole.text[quote.start : quote.end]) == (whole.party, quote.text)


@settings(max_examples=150)
@given(st.data(), st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=10))
def test_where_a_text_is_cut_does_not_change_what_is_heard(data: st.DataObject, spoken: list[str]) -> None:
    cuts = sorted({0, len(spoken), *data.draw(st.lists(st.integers(0, len(spoken)), max_size=4))})
    pieces = [fragment(f"s{a}", " ".join(spoken[a:b]), a * 100) for a, b in pairwise(cuts)]
    whole = hear(Transcript(), fragment("whole", " ".join(spoken)))
    cut = hear(Transcript(), *data.draw(st.permutations(pieces)))

    def places(known: Transcript) -> list[tuple[int, int, int, tuple[str, ...]]]:
        return [
            (h.phrase, h.start_ms, h.end_ms, words(" ".join(q.text for q in h.quotes)).norms)
            for s in known.stream("customer")
            for h in s.heard
        ]

    assert places(cut) == places(whole)
    assert [n for s in cut.stream("customer") for n in s.words.norms] == list(words(" ".join(spoken)).norms)
