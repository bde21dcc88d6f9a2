from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from telling import check_promises, final_text, finals, left_open, revisions, well_formed

from rtig.core.events import SegmentHeard, SegmentVoided, SourceEvent
from rtig.ingest.hypothesis import LONGEST_CHARACTERS, LONGEST_WORDS, Hypothesis, Word, joined, spread
from rtig.ingest.translator import CallStream


def one(delimiter: str = " ") -> Hypothesis:
    return Hypothesis(CallStream("c", {"A": "agent", "B": "customer"}, 0), delimiter=delimiter)


def said(text: str, start_ms: int = 0, speaker: str = "A", **more: Any) -> list[Word]:
    """Words of 100 ms each, one after another."""
    return [
        Word(word, start_ms + 100 * index, start_ms + 100 * index + 100, speaker, **more)
        for index, word in enumerate(text.split())
    ]


def stop(at_ms: int, mark: str = ".", **more: Any) -> Word:
    return Word(mark, at_ms, at_ms, "A", glued=True, spoken=False, **more)


def test_finals_and_guess_make_one_growing_segment() -> None:
    heard = one()
    told = heard.revise(said("I want"), 200)
    told += heard.settle(said("I wanted"), 200)
    told += heard.revise(said("to cancel", 200), 400)
    assert revisions(told) == [("I want", 0, False), ("I wanted", 8, False), ("I wanted to cancel", 8, False)]
    assert len({event.segment_id for event in told if isinstance(event, SegmentHeard)}) == 1
    assert [event.rev for event in told if isinstance(event, SegmentHeard)] == [0, 1, 2]


def test_the_end_of_the_utterance_closes_and_ends_the_turn() -> None:
    heard = one()
    heard.settle(said("all done"), 200)
    (closed,) = heard.end_turn(300)
    assert isinstance(closed, SegmentHeard)
    assert (closed.text, closed.final, closed.turn_end) == ("all done", True, True)
    assert heard.end_turn(300) == []


def test_an_end_that_comes_late_or_twice_does_not_cut_what_is_said_now() -> None:
    heard = one()
    heard.settle(said("first"), 100)
    heard.end_turn(150)
    heard.settle(said("second", 5000), 5100)
    assert heard.end_turn(150) == []
    assert finals(heard.end_turn(5200))[0].text == "second"


def test_an_end_after_the_segment_was_closed_still_tells_that_the_turn_is_over() -> None:
    heard = one()
    heard.settle(said("fine"), 100)
    closed = finals(heard.close())[0]
    assert not closed.turn_end
    (again,) = heard.end_turn(900)
    assert isinstance(again, SegmentHeard)
    assert (again.segment_id, again.rev, again.text, again.turn_end) == (
        closed.segment_id,
        closed.rev + 1,
        "fine",
        True,
    )


def test_an_end_that_is_not_sure_leaves_a_channel_its_turn() -> None:
    heard = one()
    heard.settle(said("so I"), 200)
    heard.revise(said("went", 200), 300)
    told = heard.end_turn(300, sure=False)
    assert [event.turn_end for event in finals(told)] == [False]
    assert revisions(told)[-1] == ("went", 0, False)


def test_a_sentence_is_closed_by_what_follows_it_not_by_its_full_stop() -> None:
    heard = one()
    assert finals(heard.settle([*said("that is it"), stop(300, closes=True)], 300)) == []
    told = heard.revise(said("and", 300), 400)
    assert [(event.text, event.turn_end) for event in finals(told)] == [("that is it.", False)]
    assert revisions(told)[-1] == ("and", 0, False)


def test_another_speaker_closes_only_once_the_words_are_settled() -> None:
    heard = one()
    heard.settle(said("hello there"), 200)
    assert finals(heard.revise(said("hi", 200, "B"), 300)) == []
    told = heard.settle(said("hi", 200, "B"), 300)
    assert [(event.text, event.party) for event in finals(told)] == [("hello there", "agent")]
    assert {event.party for event in told if isinstance(event, SegmentHeard)} == {"agent", "customer"}


def test_a_guess_that_changes_its_speaker_is_voided_and_told_anew() -> None:
    heard = one()
    (first,) = heard.revise(said("to"), 100)
    told = heard.revise(said("to get", speaker="B"), 200)
    assert isinstance(first, SegmentHeard)
    assert told[0] == SegmentVoided(call_id="c", segment_id=first.segment_id)
    assert isinstance(told[1], SegmentHeard)
    assert (told[1].party, told[1].segment_id != first.segment_id) == ("customer", True)


def test_a_guess_that_goes_away_takes_its_segment_with_it_and_its_id_is_not_used_again() -> None:
    heard = one()
    told = heard.revise(said("um"), 100) + heard.revise([], 150) + heard.revise(said("um yes"), 200)
    assert [type(event) for event in told] == [SegmentHeard, SegmentVoided, SegmentHeard]
    check_promises(told)


def test_a_final_shorter_than_the_guess_leaves_the_rest_in_sight() -> None:
    heard = one()
    told = heard.revise(said("one two three four"), 400)
    told += heard.settle(said("one two"), 200)
    assert revisions(told)[-1] == ("one two three four", 7, False)
    assert revisions(heard.revise(said("free for", 200), 400))[-1] == ("one two free for", 7, False)


def test_a_piece_that_comes_again_changes_nothing() -> None:
    heard = one()
    heard.settle(said("one two"), 200)
    heard.settle(said("three", 200), 300)
    assert heard.settle(said("one two"), 200) == []
    assert heard.settle(said("three", 200), 300) == []
    assert heard.revise(said("one two"), 200) == []


def test_a_guess_that_repeats_settled_words_shows_only_what_is_new() -> None:
    heard = one()
    heard.settle(said("one two"), 200)
    assert revisions(heard.revise(said("one two three"), 300)) == [("one two three", 7, False)]


def test_a_silence_closes_what_nobody_ended() -> None:
    heard = one()
    heard.settle(said("anyone there"), 200)
    assert heard.settle([], 1900) == []
    assert [(e.text, e.turn_end) for e in finals(heard.settle([], 2300))] == [("anyone there", False)]


def test_a_gap_between_settled_words_parts_segments() -> None:
    heard = one()
    heard.settle(said("please hold"), 200)
    told = heard.settle(said("I am back", 60_000), 60_300) + heard.finish()
    assert [event.text for event in finals(told)] == ["please hold", "I am back"]


def test_a_full_stop_for_a_closed_segment_goes_to_it() -> None:
    heard = one()
    heard.settle(said("are you sure"), 300)
    closed = finals(heard.end_turn(300))[0]
    (mended,) = heard.settle([stop(300, "?")], 400)
    assert isinstance(mended, SegmentHeard)
    assert (mended.segment_id, mended.rev, mended.text) == (closed.segment_id, closed.rev + 1, "are you sure?")
    assert mended.turn_end


def test_a_full_stop_with_nothing_before_it_is_left_out() -> None:
    heard = one()
    assert heard.settle([stop(0)], 100) == []
    assert heard.revise([stop(100)], 200) == []


def test_a_monologue_is_cut() -> None:
    heard = one()
    words = said(" ".join(f"w{n}" for n in range(150)))
    told = heard.settle(words, 15_000) + heard.finish()
    assert [len(event.text.split()) for event in finals(told)] == [LONGEST_WORDS, LONGEST_WORDS, 30]
    assert final_text(told) == joined(words, " ")


def test_words_without_end_stay_within_what_an_event_may_carry() -> None:
    heard = one("")
    words = [Word("x" * 1000, 10 * n, 10 * n + 10, "A", glued=True, spoken=False) for n in range(100)]
    told = well_formed(heard.revise([Word("y", 0, 5, "A"), *words], 1000))
    assert all(len(event.text) <= LONGEST_CHARACTERS + 100 for event in told if isinstance(event, SegmentHeard))
    assert len(told) > 10


def test_finishing_settles_what_was_promised_and_voids_the_rest() -> None:
    heard = one()
    heard.settle(said("it is settled"), 300)
    heard.revise(said("may be", 300, "B"), 500)
    told = heard.finish()
    assert final_text(told) == "it is settled"
    assert [type(event) for event in told].count(SegmentVoided) == 1
    assert heard.finish() == []


def test_joining_knows_what_sticks() -> None:
    words = [Word("“", 0, 0, gluing=True), Word("No", 0, 1), Word("”", 1, 1, glued=True), Word("e", 1, 2, glued=True)]
    assert joined(words, " ") == "“No”e"
    assert joined(said("a b"), "") == "ab"


def test_words_without_times_are_spread_over_their_text() -> None:
    words = spread("one two three " + "z" * 1500, Word("", 0, 1000, "A"))
    assert [word.text[:5] for word in words] == ["one", "two", "three", "zzzzz", "zzzzz"]
    assert [word.glued for word in words] == [False, False, False, False, True]
    assert all(a.end_ms == b.start_ms for a, b in pairwise(words))


pieces = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from(["so", "yes", "3", "no"]), st.sampled_from("AB"), st.booleans()), max_size=5
        ),
        st.lists(st.tuples(st.sampled_from(["um", "yes", "312"]), st.sampled_from("AB")), max_size=4),
        st.sampled_from(["", "", "end", "close"]),
    ),
    max_size=12,
)


@given(pieces, st.booleans())
def test_whatever_is_heard_no_settled_word_is_lost_and_no_promise_broken(
    frames: list[tuple[list[tuple[str, str, bool]], list[tuple[str, str]], str]], twice: bool
) -> None:
    heard = one()
    told: list[SourceEvent] = []
    settled: list[str] = []
    at = 0
    for words, guess, ending in frames:
        piece = []
        for text, speaker, closes in words:
            piece.append(Word(text, at, at + 100, speaker, closes=closes))
            settled.append(text)
            at += 100
        tail = [Word(text, at + 100 * n, at + 100 * n + 100, who) for n, (text, who) in enumerate(guess)]
        for _ in range(1 + twice):
            told += heard.settle(piece, at)
            told += heard.revise(tail, at + 100 * len(tail))
        if ending:
            told += heard.end_turn(at) if ending == "end" else heard.close()
    told += heard.finish()
    check_promises(well_formed(told))
    assert final_text(told).split() == settled
    assert not left_open(told)
