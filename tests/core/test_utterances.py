"""Utterances: a turn as a model is given it, named by its words, kept in step with what is heard."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from calls import WORD_MS, Spoken, matcher, say, segment
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtig.core import shape, transcript, utterances
from rtig.core.events import Party, SegmentHeard
from rtig.core.guidance import Quote
from rtig.core.transcript import PAUSE_MS, Change, Stream, Transcript
from rtig.core.utterances import STEP_WORDS, WINDOW_WORDS, Utterance, growing, key_of

NOTHING = matcher("cancel my contract")


class Listener:
    """The customer's utterances, kept in step with the transcript."""

    def __init__(self, *spoken: Spoken) -> None:
        self.transcript = Transcript()
        self.known: tuple[Utterance, ...] = ()
        self.gone: list[Utterance] = []
        self.new: list[Utterance] = []
        for number, part in enumerate(spoken):
            self.hear(f"s{number}", part)

    def hear(self, segment_id: str, spoken: Spoken, rev: int = 1, text: str | None = None) -> None:
        self.take(transcript.hear(self.transcript, segment(segment_id, spoken, rev, text=text), NOTHING))

    def void(self, segment_id: str) -> None:
        self.take(transcript.void(self.transcript, segment_id, NOTHING))

    def correct(self, segment_id: str, rev: int, party: Party) -> None:
        self.take(transcript.correct(self.transcript, segment_id, rev, party, NOTHING))

    def take(self, change: Change) -> None:
        before, self.transcript = self.transcript, change.transcript
        self.gone, self.new = [], []
        for changed in (*change.unsettled, *change.settled):
            if changed.party == "customer":
                low, high = shape.neighbourhood(before, self.transcript, changed)
                turn = shape.turn(self.transcript.stream("customer"), low, high)
                found = utterances.revised(self.known, turn, low, high)
                self.known = found.utterances
                self.gone += found.gone
                self.new += found.new


def at_once(stream: Stream) -> tuple[Utterance, ...]:
    """All utterances of a party, from all that it said."""
    return utterances.revised((), stream, 0, 10**9).utterances


def heard(*spoken: Spoken) -> tuple[Utterance, ...]:
    return Listener(*spoken).known


def of(party: Party, spoken: Spoken) -> Stream:
    """All that a party has said: one stretch of speech."""
    return transcript.hear(Transcript(), segment("a", spoken), NOTHING).transcript.stream(party)


def words(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"word{number}" for number in range(first, last))


def counted(number: int) -> Spoken:
    return Spoken("customer", 0, words(0, number))


# --- what is an utterance


def test_a_turn_is_one_utterance_with_its_time_and_its_words() -> None:
    (one,) = heard(say("customer", 1_000, "My bill has, um,"), say("customer", 2_200, "doubled!"))
    assert (one.text, one.party, one.start_ms, one.end_ms) == ("my bill has doubled", "customer", 1_000, 2_500)
    assert one.quotes == (
        Quote("s0", "customer", 0, 11, "My bill has"),
        Quote("s1", "customer", 0, 7, "doubled"),
    )
    assert not one.full


def test_fillers_at_its_edges_are_no_part_of_an_utterance() -> None:
    (one,) = heard(say("customer", 1_000, "um my bill uh"))
    assert (one.text, one.start_ms, one.end_ms) == ("my bill", 1_300, 1_900)


def test_a_contraction_is_quoted_whole() -> None:
    (one,) = heard(say("customer", 1_000, "I don't know"))
    assert (one.text, [quote.text for quote in one.quotes]) == ("i do not know", ["I don't know"])


def test_a_pause_parts_two_utterances() -> None:
    one = say("customer", 0, "my bill")
    joined = say("customer", one.end_ms + PAUSE_MS - 1, "has doubled")
    apart = say("customer", one.end_ms + PAUSE_MS, "has doubled")
    assert [u.text for u in heard(one, joined)] == ["my bill has doubled"]
    assert [u.text for u in heard(one, apart)] == ["my bill", "has doubled"]


@pytest.mark.parametrize(("text", "number"), [("", 0), ("um uh", 0), ("yes", 1), ("um yes", 1), ("I'm", 1)])
def test_one_word_is_an_utterance_and_a_filler_is_none(text: str, number: int) -> None:
    assert len(heard(Spoken("customer", 0, tuple(text.split())))) == number


@pytest.mark.parametrize(
    ("number", "windows"),
    [
        (1, [(0, 1)]),
        (24, [(0, 24)]),
        (25, [(0, 24), (12, 25)]),
        (36, [(0, 24), (12, 36)]),
        (37, [(0, 24), (12, 36), (24, 37)]),
        (61, [(0, 24), (12, 36), (24, 48), (36, 60), (48, 61)]),
    ],
)
def test_a_long_turn_is_read_in_windows_that_overlap(number: int, windows: list[tuple[int, int]]) -> None:
    found = heard(counted(number))
    assert [u.text for u in found] == [" ".join(words(first, last)) for first, last in windows]
    assert [(u.start_ms, u.end_ms) for u in found] == [(WORD_MS * first, WORD_MS * last) for first, last in windows]
    assert [u.full for u in found] == [last - first == WINDOW_WORDS for first, last in windows]
    assert (WINDOW_WORDS, STEP_WORDS) == (24, 12)


def test_every_word_of_a_turn_is_in_some_window() -> None:
    for number in range(1, 80):
        seen = {word for u in heard(counted(number)) for word in u.text.split()}
        assert len(seen) == number


# --- its name


def test_an_utterance_is_named_by_its_words_and_by_who_said_them() -> None:
    one, other = say("customer", 0, "my bill"), say("customer", 9_000, "has doubled")
    first, second = heard(one, other)
    (again,) = heard(say("customer", 70_000, "My, um, BILL!"))
    (agents,) = at_once(of("agent", one._replace(party="agent")))
    assert first.key == again.key == key_of("customer", "my bill")
    assert agents.key == key_of("agent", "my bill")
    assert len({first.key, second.key, agents.key}) == 3


def test_the_same_words_said_twice_have_one_name() -> None:
    one, other = heard(say("customer", 0, "my bill"), say("customer", 9_000, "my bill"))
    assert one.key == other.key
    assert one != other


# --- kept in step


def test_words_that_go_on_replace_the_utterance_that_they_belong_to() -> None:
    listener = Listener(say("customer", 0, "my bill"), say("customer", 9_000, "it is late"))
    first, second = listener.known
    listener.hear("more", say("customer", 600, "has doubled"))
    grown, later = listener.known
    assert (grown.text, later) == ("my bill has doubled", second)
    assert (listener.gone, listener.new) == ([first], [grown])


def test_words_that_arrive_late_are_put_in_their_place() -> None:
    listener = Listener(say("customer", 0, "my bill"), say("customer", 30_000, "it is late"))
    first, last = listener.known
    listener.hear("between", say("customer", 9_000, "and again"))
    assert [u.text for u in listener.known] == ["my bill", "and again", "it is late"]
    assert (listener.known[0], listener.known[2]) == (first, last)
    assert (listener.gone, listener.new) == ([], [listener.known[1]])


def test_words_that_fill_a_pause_join_two_utterances() -> None:
    listener = Listener(say("customer", 0, "my bill"), say("customer", 3_000, "has doubled"))
    parted = list(listener.known)
    listener.hear("between", say("customer", 600, "um uh er hm um"))
    assert [u.text for u in listener.known] == ["my bill has doubled"]
    assert (listener.gone, listener.new) == (parted, list(listener.known))


def test_a_change_that_changes_no_utterance_replaces_none() -> None:
    listener = Listener(say("customer", 0, "my bill"))
    known = listener.known
    listener.hear("more", say("customer", 700, "um"))
    assert (listener.known, listener.gone, listener.new) == (known, [], [])


def test_words_that_are_taken_back_leave_what_is_left() -> None:
    listener = Listener(say("customer", 0, "my bill"), say("customer", 600, "has"), say("customer", 900, "doubled now"))
    listener.void("s1")
    assert [u.text for u in listener.known] == ["my bill doubled now"]
    listener.correct("s2", 1, "agent")
    assert [u.text for u in listener.known] == ["my bill"]
    listener.void("s0")
    assert listener.known == ()


def test_a_message_that_takes_no_time_is_replaced_by_its_next_revision() -> None:
    def typed(rev: int, text: str) -> SegmentHeard:
        return msgspec.structs.replace(segment("a", say("customer", 1_000, text), rev), end_ms=1_000)

    listener = Listener()
    listener.take(transcript.hear(listener.transcript, typed(1, "my bill"), NOTHING))
    listener.take(transcript.hear(listener.transcript, typed(2, "my bill has doubled"), NOTHING))
    (one,) = listener.known
    assert (one.text, one.start_ms, one.end_ms) == ("my bill has doubled", 1_000, 1_000)


def test_words_that_move_away_from_others_are_one_utterance_still() -> None:
    listener = Listener(say("customer", 600, "cancel my"), say("customer", 1_800, "contract"))
    listener.hear("s0", say("customer", 0, "cancel my"), 2)
    assert [(u.text, u.start_ms) for u in listener.known] == [("cancel my", 0), ("contract", 1_800)]
    assert listener.known == at_once(listener.transcript.stream("customer"))


def test_a_message_of_the_same_words_over_and_over_is_said_once() -> None:
    def typed(rev: int, words: int) -> SegmentHeard:
        return msgspec.structs.replace(segment("a", say("customer", 1_000, "no " * words), rev), end_ms=1_000)

    listener = Listener()
    listener.take(transcript.hear(listener.transcript, typed(1, 60), NOTHING))
    assert len(listener.known) == 1
    listener.take(transcript.hear(listener.transcript, typed(2, 30), NOTHING))
    assert [len(u.text.split()) for u in listener.known] == [24, 18]


def test_a_change_lies_where_the_utterances_differ() -> None:
    def revised(known: Stream, more: Stream) -> utterances.Revised:
        return utterances.revised(at_once(known), more, 0, 10**9)

    first, longer = (of("customer", counted(number)) for number in (40, 65))
    found = revised(first, longer)
    assert [u.full for u in found.utterances] == [True] * 4 + [False]
    assert (found.first, found.last) == (2, 5)
    assert found.new == found.utterances[2:]
    assert found.gone == at_once(first)[2:]
    same = revised(first, first)
    assert (same.utterances, same.gone, same.new, same.first, same.last) == (at_once(first), (), (), 3, 3)


_START = st.integers(0, 40).map(lambda n: n * 600)
_SPOKEN = st.builds(
    lambda start, said: Spoken("customer", start, tuple(" ".join(said).split())),
    _START,
    st.lists(
        st.sampled_from(("my bill", "yes", "um", "has doubled", "I'm", "um uh er hm", " ".join(words(0, 13)))),
        max_size=4,
    ),
)
_CHANGES = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from("abcdefgh"), _SPOKEN, st.integers(0, 9)),
    st.tuples(st.just("hear"), st.sampled_from("abcdefgh"), _SPOKEN, st.integers(0, 9)),
    st.tuples(st.just("void"), st.sampled_from("abcdefgh")),
    st.tuples(st.just("party"), st.sampled_from("abcdefgh"), st.integers(0, 5), st.sampled_from(("customer", "agent"))),
)


@settings(max_examples=400)
@given(st.lists(_CHANGES, max_size=14))
@example(
    [
        ("hear", "a", Spoken("customer", 0, ("my", "bill")), 0),
        ("hear", "b", Spoken("customer", 3_000, ("has", "doubled")), 0),
        ("hear", "c", Spoken("customer", 1_200, ("um", "uh", "er", "hm")), 0),
    ]
)
def test_utterances_kept_step_by_step_are_those_of_the_whole(changes: Sequence[tuple[object, ...]]) -> None:
    listener = Listener()
    for change in changes:
        known = listener.known
        match change:
            case ("hear", str(segment_id), Spoken() as spoken, int(rev)):
                listener.hear(segment_id, spoken, rev)
            case ("void", str(segment_id)):
                listener.void(segment_id)
            case ("party", str(segment_id), int(rev), ("customer" | "agent") as party):
                listener.correct(segment_id, rev, party)
        left = [*known, *listener.new]
        for utterance in listener.gone:
            left.remove(utterance)
        assert sorted(left) == sorted(listener.known)
        assert listener.known == at_once(listener.transcript.stream("customer"))


@settings(max_examples=200)
@given(st.integers(1, 70), st.lists(st.integers(1, 69), max_size=5))
def test_a_turn_gives_the_same_utterances_however_it_is_cut(number: int, cuts: list[int]) -> None:
    whole = counted(number)
    edges = sorted({0, number, *(cut for cut in cuts if cut < number)})
    cut = heard(*(whole.piece(first, last) for first, last in pairwise(edges)))
    for one, other in zip(cut, heard(whole), strict=True):
        assert one._replace(quotes=()) == other._replace(quotes=())
        assert " ".join(quote.text for quote in one.quotes) == other.quotes[0].text


# --- what may still grow


def test_the_last_utterance_may_grow_until_a_pause_has_followed_it() -> None:
    known = heard(say("customer", 0, "my bill"), say("customer", 9_000, "has doubled"))
    last = known[-1]
    assert growing(known, 0) == growing(known, last.end_ms + PAUSE_MS - 1) == last
    assert growing(known, last.end_ms + PAUSE_MS) is None


def test_nothing_grows_where_nothing_was_said() -> None:
    assert growing((), 0) is None


def test_a_full_window_cannot_grow_but_the_one_after_it_can() -> None:
    assert growing(heard(counted(WINDOW_WORDS)), 0) is None
    longer = heard(counted(WINDOW_WORDS + 1))
    assert growing(longer, 0) == longer[-1]
