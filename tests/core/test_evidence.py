"""Evidence: what each thing that is said, understood or done does to patience, and where it was said."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from calls import WORD_MS, Spoken, matcher, say, segment
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig.core import evidence, frustration, transcript, utterances
from rtig.core.events import Tone
from rtig.core.evidence import (
    AGAIN_AMONG,
    AGAIN_WEIGHS,
    HOLD_EVERY_MS,
    HOLD_WEIGHS,
    LONG_WAIT_MS,
    PLEASED_WEIGHS,
    READ_FROM,
    RELIEF_FROM,
    RELIEF_WEIGHS,
    STRAIN_MOST,
    TALKED_OVER_WEIGHS,
    UPSET_WEIGHS,
    WAIT_WEIGHS_MOST,
    WORDS_WEIGH,
    Read,
)
from rtig.core.frustration import Influence, Signal, Temper
from rtig.core.guidance import Quote
from rtig.core.language import Language
from rtig.core.sentiment import Sentiment
from rtig.core.shape import FOR_EVER, Span
from rtig.core.transcript import PAUSE_MS, Heard, Spot, Transcript
from rtig.core.utterances import Utterance
from rtig.knowledge.base import language

SENTIMENT = Sentiment(SentimentIntensityAnalyzer(), {})
RARE = Language()
"""Every word says 15 nats: two that are shared are enough."""
ENGLISH = language("en")


def uttered(*spoken: Spoken, texts: Sequence[str] = ()) -> tuple[Utterance, ...]:
    """The customer's utterances; `texts` is how the words were written."""
    known, nothing = Transcript(), matcher()
    for number, part in enumerate(spoken):
        written = texts[number] if texts else None
        known = transcript.hear(known, segment(f"s{number}", part, text=written), nothing).transcript
    return utterances.revised((), known.stream("customer"), 0, 10**9).utterances


def one(text: str) -> Utterance:
    (found,) = uttered(say("customer", 1_000, text))
    return found


def read(text: str) -> Influence:
    """What the lexicon makes of some words."""
    said = one(text)
    return evidence.said(said, Read(SENTIMENT.read(said.text), None), SENTIMENT)


def felt(text: str, upset: float, pleased: float = 0.0, words: float = 0.0, **more: float | str) -> Influence:
    """What a model's reading of some words makes of them."""
    tone = Tone(upset=upset, pleased=pleased, **more)  # type: ignore[arg-type]
    return evidence.said(one(text), Read(words, tone), SENTIMENT)


def told(influence: Influence) -> list[str]:
    return [quote.text for quote in influence.quotes]


# --- what the lexicon reads


def test_strong_words_weigh_and_are_quoted() -> None:
    found = read("this is a terrible awful service")
    assert (found.what, found.since_ms, found.at_ms) == ("strong words", 1_000, 1_000 + 6 * WORD_MS)
    assert 0.1 < found.weight <= WORDS_WEIGH
    assert told(found) == ["terrible", "awful"]
    assert found.signal == ""


def test_friendly_words_relieve_a_little() -> None:
    found = read("that is wonderful thank you so much")
    assert (found.what, told(found)) == ("friendly words", ["wonderful", "thank"])
    assert -RELIEF_WEIGHS <= found.weight < -0.1


@pytest.mark.parametrize("text", ["the router is on the shelf", "well it is a bit unclear", "it stopped again"])
def test_weak_readings_are_noise_and_count_in_the_risk_all_the_same(text: str) -> None:
    compound = SENTIMENT.read(text)
    assert READ_FROM < compound < RELIEF_FROM
    found = read(text)
    assert (found.weight, found.quotes) == (0.0, ())
    assert found.amounts == (("said", 1.0), ("words", compound))


def test_where_no_single_word_tells_the_whole_utterance_is_the_evidence() -> None:
    (said,) = uttered(say("customer", 0, "that is"), say("customer", 600, "not good at all"))
    found = evidence.said(said, Read(SENTIMENT.read(said.text), None), SENTIMENT)
    assert told(found) == ["that is", "not good at all"]


def test_how_much_words_weigh_grows_with_what_the_lexicon_makes_of_them() -> None:
    weights = [
        evidence.said(one("some words"), Read(words, None), SENTIMENT).weight for words in (-1, -0.5, -0.25, -0.24)
    ]
    assert weights == [0.35, 0.175, 0.0875, 0.0]
    weights = [evidence.said(one("some words"), Read(words, None), SENTIMENT).weight for words in (0.49, 0.5, 1)]
    assert weights == [0.0, -0.1, -0.2]


def test_marks_and_capitals_which_depend_on_the_recogniser_make_no_difference() -> None:
    plain = one("this is terrible")
    (loud,) = uttered(say("customer", 1_000, "this is terrible"), texts=["This is TERRIBLE!!!"])
    assert plain.text == loud.text
    found = evidence.said(loud, Read(SENTIMENT.read(loud.text), None), SENTIMENT)
    assert (found.weight, told(found)) == (read("this is terrible").weight, ["TERRIBLE"])


# --- what a model reads


def test_a_model_that_is_surer_than_not_takes_a_share_of_patience() -> None:
    assert [felt("nobody calls", upset).weight for upset in (0.0, 0.5, 0.75, 1.0)] == [0.0, 0.0, 0.2, UPSET_WEIGHS]
    assert [felt("nobody calls", 0.2, pleased).weight for pleased in (0.59, 0.6, 1.0)] == [0.0, -0.15, -PLEASED_WEIGHS]
    assert felt("nobody calls", 0.9, 0.9).weight > 0


def test_a_models_reading_counts_instead_of_the_lexicons() -> None:
    calm = felt("this is a terrible awful service", 0.1, words=-0.8)
    assert (calm.weight, calm.quotes) == (0.0, ())
    upset = felt("that is wonderful thank you so much", 1.0, words=0.8)
    assert upset.weight == UPSET_WEIGHS
    assert calm.key == read("this is a terrible awful service").key


def test_a_tone_is_told_in_words_of_every_day() -> None:
    whats = [felt("nobody calls", 0.9, emotion=emotion).what for emotion in ("anger", "disapproval", "grief", "")]
    assert whats == ["sounds angry", "is not content with this", "sounds upset", "sounds upset"]
    assert felt("nobody calls", 0.1, 0.9).what == "sounds pleased"


def test_thanks_give_less_back_than_joy() -> None:
    thanks, joy = (felt("thank you i still need a room", 0.1, 1.0, emotion=one) for one in ("gratitude", "joy"))
    assert (thanks.what, thanks.weight) == ("says thank you", -evidence.POLITE_WEIGHS)
    assert joy.weight == -PLEASED_WEIGHS


def test_words_that_tell_are_quoted_for_a_model_too() -> None:
    assert told(felt("this is a terrible awful service", 0.9)) == ["terrible", "awful"]
    assert told(felt("nobody calls me back", 0.9)) == ["nobody calls me back"]
    assert told(felt("that is wonderful", 0.0, 0.9)) == ["wonderful"]


def test_both_readings_count_in_the_risk() -> None:
    found = felt("nobody calls", 0.7, 0.1, words=-0.4, strain=2.5)
    assert dict(found.amounts) == {
        "said": 1.0, "words": -0.4, "read": 1.0, "upset": 0.7, "pleased": 0.1, "strain": 2.5
    }  # fmt: skip


def test_one_utterance_decides_no_call() -> None:
    assert dict(felt("nobody calls", 0.7, strain=100.0).amounts)["strain"] == STRAIN_MOST
    assert dict(felt("nobody calls", 0.7, strain=-100.0).amounts)["strain"] == -STRAIN_MOST


def test_windows_of_a_message_that_takes_no_time_are_told_apart() -> None:
    words = " ".join(f"word{number}" for number in range(40))
    message = replace(segment("a", say("customer", 1_000, words)), end_ms=1_000)
    stream = transcript.hear(Transcript(), message, matcher()).transcript.stream("customer")
    windows = utterances.revised((), stream, 0, 10**9).utterances
    assert {(window.start_ms, window.end_ms) for window in windows} == {(1_000, 1_000)}
    assert len({evidence.said(window, Read(0.0, None), SENTIMENT).order for window in windows}) == len(windows) == 3


# --- telling words are really at their quoted place

_TOKENS = ("terrible", "awful", "great", "not", "um", "don't", "the", "hate", "hated", "ate", "love", "the the")
_MARKS = ("{}", "{},", "“{}”", "({})", "{}...", "'{}'", "{}-{}", "{}/", "!{}", "*{}*")


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from(_TOKENS), st.sampled_from(_MARKS)), min_size=1, max_size=40),
    st.lists(st.integers(1, 39), max_size=4),
    st.sampled_from((0.0, 0.9)),
)
def test_telling_words_are_at_their_quoted_place(
    written: list[tuple[str, str]], cuts: list[int], pleased: float
) -> None:
    words = tuple(mark.format(*[word] * mark.count("{}")) for word, mark in written)
    spoken = Spoken("customer", 0, words)
    edges = sorted({0, len(words), *(cut for cut in cuts if cut < len(words))})
    pieces = [spoken.piece(first, last) for first, last in pairwise(edges)]
    texts = {f"s{number}": " ".join(piece.words) for number, piece in enumerate(pieces)}
    for said in uttered(*pieces):
        found = evidence.said(said, Read(0.0, Tone(upset=0.9 - pleased, pleased=pleased)), SENTIMENT)
        assert found.quotes
        for quote in found.quotes:
            assert texts[quote.segment_id][quote.start : quote.end] == quote.text
            assert any(
                whole.segment_id == quote.segment_id and whole.start <= quote.start and quote.end <= whole.end
                for whole in said.quotes
            )
        if found.quotes != said.quotes:
            weights = [SENTIMENT.weight(quote.text) for quote in found.quotes]
            assert all(weight > 0.5 if pleased else weight < -0.5 for weight in weights)
            assert len(set(found.quotes)) == len(found.quotes)


def test_a_word_that_is_said_twice_is_quoted_twice() -> None:
    found = read("terrible really terrible")
    assert [(quote.start, quote.end) for quote in found.quotes] == [(0, 8), (16, 24)]


def test_a_word_inside_another_is_not_quoted() -> None:
    found = read("I whatever hate this")
    assert [(quote.text, quote.start) for quote in found.quotes] == [("hate", 11)]


# --- said again


def again(*lines: str, known: Language = RARE, gap_ms: int = 9_000) -> list[Influence | None]:
    """Of each line of the customer, one every `gap_ms`, what it says again."""
    said = uttered(*(say("customer", number * gap_ms, line) for number, line in enumerate(lines)))
    return [evidence.said_again(said, index, known) for index in range(len(said))]


def test_the_same_request_again_weighs_and_quotes_both() -> None:
    _, _, found = again("my router restarts", "yes", "My router, um, restarts!")
    assert found is not None
    assert (found.what, found.weight, found.amounts) == ("had to say it again", AGAIN_WEIGHS, (("again", 1.0),))
    assert [(quote.segment_id, quote.text) for quote in found.quotes] == [
        ("s0", "my router restarts"),
        ("s2", "My router, um, restarts"),
    ]
    assert found.at_ms == 18_000 + 4 * WORD_MS


def test_in_other_words_it_is_another_request() -> None:
    assert again("my router restarts", "where is the invoice")[1] is None
    assert again("my router restarts always", "my invoice restarts often")[1] is None
    assert again("my router restarts", "restarts my router always")[1] is not None


def test_common_words_ask_for_nothing() -> None:
    assert again("yes that is it", "yes that is it", known=ENGLISH)[1] is None
    assert again("the broadband router disconnects", "broadband router disconnects", known=ENGLISH)[1] is not None
    assert again("router", "router")[1] is None


def test_what_is_said_again_in_one_go_is_no_second_request() -> None:
    words = "the router restarts " * 20
    assert len(uttered(say("customer", 0, words))) > 3
    assert set(again(words)) == {None}
    same = [say("customer", 0, "my router restarts"), say("customer", 900 + PAUSE_MS - 1, "my router restarts")]
    assert len(uttered(*same)) == 1
    apart = uttered(same[0], say("customer", 900 + PAUSE_MS, "my router restarts"))
    assert evidence.said_again(apart, 1, RARE) is not None


def test_a_long_turn_is_compared_with_what_was_said_before_it() -> None:
    words = " ".join(f"word{number}" for number in range(24))
    said = uttered(say("customer", 0, words), say("customer", 20_000, f"{'so ' * 36}{words} {words}"))
    found = {index: evidence.said_again(said, index, RARE) for index in range(len(said))}
    quoted = {index: one.quotes[0].segment_id for index, one in found.items() if one is not None}
    assert set(quoted.values()) == {"s0"}
    assert 4 in quoted


def test_a_request_that_lies_far_back_is_a_new_matter() -> None:
    def lines(between: int) -> list[str]:
        return ["my router restarts", *(f"line{number}" for number in range(between)), "my router restarts"]

    assert again(*lines(AGAIN_AMONG - 1))[-1] is not None
    assert again(*lines(AGAIN_AMONG))[-1] is None


def test_the_latest_time_that_it_was_said_is_quoted() -> None:
    *_, found = again("my router restarts", "my router restarts", "my router restarts")
    assert found is not None
    assert [quote.segment_id for quote in found.quotes] == ["s1", "s2"]


# --- signals


def place(end_ms: int, party: str = "customer", text: str = "third time") -> Heard:
    quote = Quote(f"s{end_ms}", party, 0, len(text), text)  # type: ignore[arg-type]
    return Heard(0, party, end_ms - 600, end_ms, (quote,), Spot(f"s{end_ms}", 1))  # type: ignore[arg-type]


def test_a_customers_signal_weighs_what_it_says() -> None:
    (found,) = evidence.signalled(Signal("again", "has been in touch before", 0.4), [place(2_000)])
    assert (found.at_ms, found.key, found.what, found.weight) == (
        2_000, "signal:again", "has been in touch before", 0.4
    )  # fmt: skip
    assert (found.signal, told(found), found.amounts) == ("again", ["third time"], (("heat", 0.4),))


def test_relief_is_counted_by_itself() -> None:
    (found,) = evidence.signalled(Signal("relief", "is relieved", -0.5), [place(2_000)])
    assert (found.weight, found.amounts) == (-0.5, (("relief", 0.5),))


def test_an_agents_signal_says_that_the_customer_was_refused() -> None:
    refused = Signal("refused", "was told no", 0.2, "agent")
    (found,) = evidence.signalled(refused, [place(2_000, "agent"), place(4_000, "customer")])
    assert (found.at_ms, found.weight, found.amounts) == (2_000, 0.2, (("refused", 1.0),))
    assert [quote.party for quote in found.quotes] == ["agent"]


def test_an_agent_who_refuses_in_two_ways_at_once_has_refused_once() -> None:
    two = [Signal("lost", "was not understood", 0.12, "agent"), Signal("unable", "was told no", 0.1, "agent")]
    state = frustration.begin().state
    for signal, at_ms in zip(two, (2_000, 2_400), strict=True):
        (found,) = evidence.signalled(signal, [place(at_ms, "agent")])
        state = frustration.weigh(Temper(), state, found)
    assert (state.score, state.tally["refused"]) == (0.12, 1.0)


def test_what_nobody_knows_who_said_is_no_signal() -> None:
    for party in ("unknown", "system", "agent"):
        assert evidence.signalled(Signal("again", "again", 0.4), [place(2_000, party)]) == ()


def test_a_signal_is_given_once_at_a_time_and_in_order() -> None:
    found = evidence.signalled(Signal("again", "again", 0.4), [place(9_000), place(2_000), place(9_000)])
    assert [one.at_ms for one in found] == [2_000, 9_000]


# --- what happens


def test_being_talked_over_weighs_a_little() -> None:
    found = evidence.talked_over(4_500)
    assert (found.at_ms, found.what, found.weight, found.amounts) == (
        4_500, "was talked over", TALKED_OVER_WEIGHS, (("talked_over", 1.0),)
    )  # fmt: skip


def test_a_long_wait_weighs_by_the_minute() -> None:
    assert evidence.waited(Span(1_000, 1_000 + LONG_WAIT_MS - 1)) is None
    found = [evidence.waited(Span(1_000, 1_000 + ms)) for ms in (LONG_WAIT_MS, 60_000, 120_000, 600_000)]
    assert [one.weight for one in found if one is not None] == [0.0333, 0.1, 0.2, WAIT_WEIGHS_MOST]
    minute = found[1]
    assert minute is not None
    assert (minute.at_ms, minute.what, minute.amounts) == (61_000, "waited 60 s in silence", (("waited", 1.0),))
    longest = found[3]
    assert longest is not None
    assert longest.amounts == (("waited", 10.0),)


def test_each_whole_minute_on_hold_weighs_once_it_has_passed() -> None:
    def minutes(*spans: Span, now: int) -> list[tuple[int, str]]:
        return [(one.at_ms, one.what) for one in evidence.held(spans, now)]

    going_on = Span(5_000, FOR_EVER)
    assert minutes(going_on, now=64_999) == []
    assert minutes(going_on, now=65_000) == [(65_000, "has been on hold for 1 min")]
    assert minutes(going_on, now=200_000)[1:] == [
        (125_000, "has been on hold for 2 min"),
        (185_000, "has been on hold for 3 min"),
    ]
    assert minutes(Span(5_000, 64_999), now=200_000) == []
    assert minutes(Span(5_000, 65_000), Span(100_000, 170_000), now=200_000) == [
        (65_000, "has been on hold for 1 min"),
        (160_000, "has been on hold for 1 min"),
    ]
    (found,) = evidence.held([going_on], 65_000)
    assert (found.weight, found.amounts) == (HOLD_WEIGHS, (("waited", 1.0),))


def test_the_next_minute_on_hold_is_known() -> None:
    spans = [Span(5_000, 70_000), Span(100_000, FOR_EVER)]
    times = [evidence.next_minute(spans, now) for now in (0, 5_000, 64_999, 65_000, 70_000, 99_999, 100_000, 160_000)]
    assert times == [None, 65_000, 65_000, 125_000, None, None, 160_000, 220_000]
    assert evidence.next_minute([], 5_000) is None
    assert HOLD_EVERY_MS == 60_000
