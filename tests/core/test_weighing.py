"""What weighs on patience, kept in step: each piece of evidence comes and goes with its words."""

from collections.abc import Iterator
from random import Random

import pytest
from calls import (
    CALL,
    FEW,
    OF_WORDS,
    PLAYBOOK,
    SOURCE,
    Watcher,
    felt_in,
    happenings,
    lives,
    playbook,
    rule,
    say,
    segment,
    tone,
    watching,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import derive, engine, evidence, frustration, lookup, weighing
from rtig.core.call import Call
from rtig.core.conditions import MoodAt, ScoreAt
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    Channel,
    ClockTicked,
    HoldChanged,
    Party,
    PartyCorrected,
    SegmentHeard,
    SegmentVoided,
)
from rtig.core.evidence import AGAIN_AMONG, Read
from rtig.core.frustration import Influence, Signal
from rtig.core.playbook import Playbook, SignalSource
from rtig.core.shape import outside


def kinds(watcher: Watcher) -> list[str]:
    """What is weighed, in order of time: utterances only where they weigh something."""
    facts = watcher.call.weighing.facts
    return [fact.what for fact in facts if fact.weight or not fact.key.startswith("said:")]


def reasons(watcher: Watcher) -> list[tuple[str, list[str]]]:
    return [(reason.what, [q.text for q in reason.words]) for reason in watcher.call.weighing.state.reasons]


def voided(segment_id: str) -> SegmentVoided:
    return SegmentVoided(call_id=CALL, segment_id=segment_id)


def hold(at_ms: int, *, on: bool) -> HoldChanged:
    return HoldChanged(call_id=CALL, on=on, at_ms=at_ms)


# --- what was said


TERRIBLE = say("customer", 1_000, "this is a terrible awful service")


def test_words_weigh_from_their_final_on_and_go_with_them() -> None:
    watcher = watching(segment("a", TERRIBLE, 1, final=False))
    assert watcher.call.weighing.facts == ()
    watcher.hear(segment("a", TERRIBLE, 2))
    assert reasons(watcher) == [("strong words", ["terrible", "awful"])]
    watcher.hear(segment("a", TERRIBLE, 3, text="this is a reasonable service"))
    assert kinds(watcher) == []
    assert dict(watcher.call.weighing.state.tally)["said"] == 1.0
    watcher.hear(segment("a", TERRIBLE, 4), voided("a"))
    assert watcher.call.weighing.facts == ()
    assert watcher.call.weighing.state == frustration.Patience()


def test_words_weigh_with_those_that_they_belong_to() -> None:
    watcher = watching(segment("a", say("customer", 1_000, "this is not")))
    assert kinds(watcher) == []
    watcher.hear(segment("b", say("customer", 1_900, "good at all")))
    assert reasons(watcher) == [("strong words", ["this is not", "good at all"])]
    watcher.hear(voided("a"))
    assert kinds(watcher) == []


def test_only_the_customers_words_are_read() -> None:
    watcher = watching(segment("a", TERRIBLE._replace(party="agent")), segment("b", TERRIBLE._replace(party="unknown")))
    assert watcher.call.weighing.facts == ()
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="b", rev=1, party="customer"))
    assert kinds(watcher) == ["strong words"]
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="b", rev=2, party="agent"))
    assert watcher.call.weighing.facts == ()


def test_a_models_reading_takes_the_lexicons_place() -> None:
    watcher = watching(segment("a", TERRIBLE))
    lexicon = watcher.call.weighing.state.score
    watcher.hear(tone(TERRIBLE, 1.0, emotion="anger"))
    assert reasons(watcher) == [("sounds angry", ["terrible", "awful"])]
    assert watcher.call.weighing.state.score != lexicon
    (fact,) = watcher.call.weighing.facts
    assert dict(fact.amounts)["words"] == PLAYBOOK.sentiment.read("this is a terrible awful service")
    ahead = watching(tone(TERRIBLE, 1.0, emotion="anger"), segment("a", TERRIBLE))
    assert ahead.call.weighing.facts == (fact,)


def test_a_models_reading_counts_wherever_the_same_words_are_said() -> None:
    later = say("customer", 60_000, "this is a terrible awful service")
    watcher = watching(segment("a", TERRIBLE), segment("b", later), tone(TERRIBLE, 0.1))
    assert kinds(watcher) == ["waited 57 s in silence", "had to say it again"]
    watcher.hear(segment("c", say("customer", 65_000, "This is, um, a terrible awful service!")))
    assert kinds(watcher) == ["waited 57 s in silence", "had to say it again", "had to say it again"]
    assert dict(watcher.call.weighing.state.tally)["read"] == 3.0


def test_every_window_of_a_message_that_takes_no_time_is_weighed() -> None:
    def typed(text: str, rev: int) -> SegmentHeard:
        return replace(segment("a", say("customer", 1_000, text), rev), end_ms=1_000)

    words = [f"word{number}" for number in range(40)]
    watcher = Watcher(OF_WORDS)
    watcher.hear(CallStarted(call_id=CALL, channel="chat"), typed(" ".join(words), 1))
    windows = watcher.call.utterances["customer"]
    assert len(windows) == 3
    assert dict(watcher.call.weighing.state.tally)["said"] == 3.0
    watcher.hear(*(tone(window.text, 0.9) for window in windows))
    assert dict(watcher.call.weighing.state.tally) == pytest.approx(
        {"said": 3.0, "words": 0.0, "read": 3.0, "upset": 2.7, "pleased": 0.0, "strain": 0.0}
    )
    assert watcher.call.weighing.state.score == pytest.approx(0.32)
    watcher.hear(typed(" ".join(words[:24]), 2))
    assert dict(watcher.call.weighing.state.tally)["read"] == 1.0
    watcher.hear(typed("no " * 60, 3), typed("no " * 30, 4))
    assert [fact.since_ms for fact in watcher.call.weighing.facts] == [1_000, 1_000]
    assert slowly(watcher.playbook, watcher.call) == watcher.call.weighing.facts


# --- what was said again


ASKS = "my router restarts"


def test_a_request_made_again_weighs_and_goes_with_either() -> None:
    first, second = segment("a", say("customer", 1_000, ASKS)), segment("b", say("customer", 20_000, ASKS))
    watcher = watching(first, second)
    assert reasons(watcher) == [("had to say it again", [ASKS, ASKS])]
    watcher.hear(voided("a"))
    assert kinds(watcher) == []
    late = watching(second, first)
    assert reasons(late) == [("had to say it again", [ASKS, ASKS])]
    late.hear(voided("b"))
    assert kinds(late) == []


def test_what_comes_between_two_requests_may_make_them_two_matters() -> None:
    lines = [say("customer", 5_000 * number, f"line{number}") for number in range(1, AGAIN_AMONG)]
    watcher = watching(segment("a", say("customer", 0, ASKS)), segment("z", say("customer", 65_000, ASKS)))
    watcher.hear(*(segment(f"l{number}", line) for number, line in enumerate(lines)))
    assert kinds(watcher) == ["had to say it again"]
    watcher.hear(segment("more", say("customer", 60_000, "oneline")))
    assert kinds(watcher) == []
    watcher.hear(voided("more"))
    assert kinds(watcher) == ["had to say it again"]
    watcher.hear(segment("early", say("customer", 2_500, "oneline")))
    assert kinds(watcher) == []
    watcher.hear(voided("l3"))
    assert kinds(watcher) == ["had to say it again"]


def test_the_agent_may_say_it_again() -> None:
    watcher = watching(segment("a", say("customer", 1_000, ASKS)), segment("b", say("agent", 20_000, ASKS)))
    assert kinds(watcher) == []


# --- what happened


def test_being_talked_over_weighs_and_goes_with_either() -> None:
    long, over = say("customer", 0, "word " * 20), say("agent", 4_000, "one moment")
    for gone in ("a", "b"):
        watcher = watching(segment("a", long), segment("b", over))
        assert kinds(watcher) == ["was talked over"]
        watcher.hear(voided(gone))
        assert kinds(watcher) == []


def test_a_wait_weighs_once_it_is_over_and_goes_with_what_ended_it() -> None:
    watcher = watching(segment("a", say("agent", 0, "one moment")), ClockTicked(call_id=CALL, at_ms=60_000))
    assert kinds(watcher) == []
    watcher.hear(segment("b", say("agent", 60_600, "here I am")))
    assert kinds(watcher) == ["waited 60 s in silence"]
    watcher.hear(segment("c", say("customer", 30_600, "hello")))
    assert kinds(watcher) == ["waited 30 s in silence", "waited 29 s in silence"]
    watcher.hear(voided("b"))
    assert kinds(watcher) == ["waited 30 s in silence"]


@pytest.mark.parametrize(("channel", "weighed"), [("voice", 2), ("chat", 0)])
def test_waits_and_talking_over_are_of_the_phone(channel: Channel, weighed: int) -> None:
    talk: list[AnyEvent] = [
        segment("a", say("customer", 0, "word " * 20)),
        segment("b", say("agent", 4_000, "one moment")),
        segment("c", say("agent", 60_000, "here I am")),
    ]
    started: AnyEvent = CallStarted(call_id=CALL, channel=channel)
    for events in ([started, *talk], [*talk, started]):
        watcher = Watcher(OF_WORDS)
        watcher.hear(*events)
        assert len(kinds(watcher)) == weighed


def test_a_wait_on_hold_is_weighed_as_a_hold_alone() -> None:
    talk: list[AnyEvent] = [segment(f"a{at_ms}", say("agent", at_ms, "one moment")) for at_ms in (0, 100_600)]
    assert kinds(watching(*talk)) == ["waited 100 s in silence"]
    holds: list[AnyEvent] = [hold(2_000, on=True), hold(75_000, on=False)]
    for events in ([*talk, *holds], [*holds, *talk], [holds[1], talk[1], holds[0], talk[0]]):
        assert kinds(watching(*events)) == ["has been on hold for 1 min", "waited 25 s in silence"]
    watcher = watching(*talk, hold(2_000, on=True))
    assert kinds(watcher) == ["has been on hold for 1 min"]


def test_each_minute_on_hold_weighs_as_it_passes_and_may_be_taken_back() -> None:
    watcher = watching(hold(5_000, on=True))
    for minute in (1, 2):
        assert watcher.wake == 5_000 + 60_000 * minute
        assert kinds(watcher) == ["has been on hold for 1 min"][: minute - 1]
        watcher.tick(5_000 + 60_000 * minute)
    watcher.tick(190_000)
    assert kinds(watcher) == [f"has been on hold for {minute} min" for minute in (1, 2, 3)]
    watcher.hear(hold(70_000, on=False))
    assert kinds(watcher) == ["has been on hold for 1 min"]
    watcher.hear(CallEnded(call_id=CALL, at_ms=600_000))
    assert kinds(watcher) == ["has been on hold for 1 min"]


def test_a_hold_counts_up_to_the_end_of_the_call_and_no_further() -> None:
    watcher = watching(hold(5_000, on=True), CallEnded(call_id=CALL, at_ms=130_000))
    assert kinds(watcher) == [f"has been on hold for {minute} min" for minute in (1, 2)]
    watcher.change(FEW, at_ms=900_000)
    assert len(kinds(watcher)) == 2


def test_a_long_hold_may_bring_a_card() -> None:
    impatient = playbook(replace(FEW, rules=(rule("impatient", ScoreAt(0.1)),)))
    watcher = watching(hold(0, on=True), followed=impatient)
    watcher.tick(60_000)
    assert lives(watcher.items) == []
    assert lives(watcher.tick(120_000)) == [("impatient.1", "confirmed", "")]
    assert lives(watcher.hear(hold(61_000, on=False))) == [("impatient.1", "retracted", "revised")]


def test_a_wait_that_a_hold_explains_takes_its_card_back() -> None:
    impatient = playbook(replace(FEW, rules=(rule("impatient", ScoreAt(0.15)),)))
    talk = [segment("a", say("agent", 0, "one moment")), segment("b", say("agent", 110_600, "here I am"))]
    watcher = watching(*talk, followed=impatient)
    assert lives(watcher.items) == [("impatient.1", "confirmed", "")]
    assert lives(watcher.hear(hold(2_000, on=True), hold(110_000, on=False))) == [
        ("impatient.1", "retracted", "revised")
    ]


# --- signals


def test_a_signal_weighs_and_goes_with_its_words() -> None:
    watcher = watching(segment("a", say("customer", 0, "this is the third time I am calling")))
    assert reasons(watcher) == [("has been in touch before", ["third time I am calling"])]
    watcher.hear(voided("a"))
    assert watcher.call.weighing.facts == ()
    assert len(watcher.call.influences) == 0


def test_an_agents_refusal_weighs_on_the_customer() -> None:
    watcher = watching(segment("a", say("agent", 0, "that is not possible")))
    assert reasons(watcher) == [("was told no", ["that is not possible"])]
    assert dict(watcher.call.weighing.state.tally) == {"refused": 1.0}
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="a", rev=1, party="customer"))
    assert kinds(watcher) == []


def test_a_card_for_the_mood_quotes_what_moved_it_though_other_words_end_with_it() -> None:
    upset = playbook(replace(FEW, rules=(rule("tense", MoodAt("tense")),)))
    asks, again = say("customer", 0, ASKS), say("customer", 9_000, ASKS)
    watcher = watching(segment("a", asks), tone(ASKS, 0.4), segment("b", say("agent", 3_000, "that is not possible")))
    watcher = watching(*watcher.log[1:], segment("c", again), followed=upset)
    (card,) = watcher.call.told.cards.values()
    assert watcher.call.weighing.state.rises[-1].at_ms == card.at_ms == again.end_ms
    assert [quote.text for quote in card.why.words] == [ASKS, ASKS]


# --- another playbook


TALK: list[AnyEvent] = [
    segment("a", say("customer", 0, "this is the third time I am calling it is terrible")),
    segment("b", say("agent", 6_000, "that is not possible")),
    segment("c", say("customer", 40_000, "this is the third time I am calling it is terrible")),
    tone("nothing of the kind", 0.9),
    segment("d", say("customer", 50_000, "nothing of the kind")),
    hold(60_000, on=True),
    ClockTicked(call_id=CALL, at_ms=130_000),
]


@pytest.mark.parametrize(
    "changed",
    [
        replace(FEW, valence={"terrible": 0.0, "kind": -3.0}),
        replace(FEW, signals=(SignalSource(Signal("kind", "is unkind", 0.3), ("of the kind",)),)),
        replace(FEW, signals=()),
        replace(FEW, temper=replace(FEW.temper, half_life_ms=10_000, tense=0.1, hysteresis=0.02)),
        replace(FEW, language="de"),
        FEW,
    ],
    ids=("lexicon", "other signals", "no signals", "temper", "language", "the same"),
)
def test_another_playbook_weighs_as_if_it_had_been_there_from_the_beginning(changed: object) -> None:
    watcher = watching(*TALK)
    before = kinds(watcher)
    watcher.change(changed, at_ms=130_000)  # type: ignore[arg-type]
    anew = watching(*TALK, followed=watcher.playbook)
    assert watcher.call.weighing.facts == anew.call.weighing.facts
    assert watcher.call.weighing.state == anew.call.weighing.state
    watcher.change(FEW, at_ms=131_000)
    assert kinds(watcher) == before


class Counting:
    """A reader of words that keeps which it was given."""

    def __init__(self, followed: Playbook) -> None:
        self.given: list[str] = []
        self._read = followed.sentiment.read
        followed.sentiment.read = self.read  # type: ignore[method-assign]

    def read(self, text: str) -> float:
        self.given.append(text)
        return self._read(text)


def test_words_are_read_again_for_another_lexicon_only() -> None:
    call = watching(*TALK).call
    same, other = playbook(replace(FEW, name="other", signals=())), playbook(replace(FEW, valence={"kind": -3.0}))
    counted = Counting(same), Counting(other)
    derive.rebuild(same, call)
    derive.rebuild(other, derive.rebuild(other, call))
    assert [len(count.given) for count in counted] == [0, 3]


def test_words_that_did_not_change_are_not_read_again() -> None:
    followed = playbook(FEW)
    watcher = watching(*TALK, followed=followed)
    count = Counting(followed)
    watcher.hear(segment("e", say("customer", 140_000, "well then")), segment("f", say("agent", 142_000, "yes")))
    assert count.given == ["well then"]
    watcher.hear(segment("e", say("customer", 140_000, "well then"), 2), voided("f"), tone("well then", 0.9))
    assert count.given == ["well then"]


# --- whether a model reads along


def test_a_model_reads_along_while_it_has_read_what_was_said_but_for_the_last_moments() -> None:
    first, second = say("customer", 0, ASKS), say("customer", 10_000, "nobody helps")
    watcher = watching(segment("a", first))
    assert not weighing.is_read(watcher.call, 0)
    assert not weighing.is_read(watcher.call, 60_000)
    watcher.hear(tone(first, 0.1))
    assert weighing.is_read(watcher.call, 60_000)
    watcher.hear(segment("b", second))
    last_moment = second.end_ms + weighing.STILL_READING_MS
    assert weighing.is_read(watcher.call, last_moment - 1)
    assert not weighing.is_read(watcher.call, last_moment)
    watcher.hear(tone(second, 0.1))
    assert weighing.is_read(watcher.call, last_moment)


def test_nothing_is_read_where_the_customer_said_nothing() -> None:
    watcher = watching(segment("a", say("agent", 0, ASKS)))
    assert not weighing.is_read(watcher.call, 0)


# --- the ledger holds the evidence, whatever happened on the way


def slowly(followed: Playbook, call: Call) -> tuple[Influence, ...]:
    """All evidence in a call, found at once and from what was said and done alone."""

    def found() -> Iterator[Influence]:
        said = call.utterances.get("customer", ())
        for index, one in enumerate(said):
            read = Read(followed.sentiment.read(one.text), call.tones.get(one.key))
            yield evidence.said(one, read, followed.sentiment)
            again = evidence.said_again(said, index, followed.language)
            if again is not None:
                yield again
        for name, source in followed.signals.items():
            places = [place for said in source.said for place in lookup.heard_places(followed, call.heard, said)]
            yield from evidence.signalled(followed.signals[name].signal, places)
        holds = lookup.holds(call.held)
        yield from evidence.held(holds, call.now)
        if call.channel == "voice":
            yield from map(evidence.talked_over, call.shape.talk_over)
            for gap in call.shape.gaps:
                for wait in map(evidence.waited, outside(gap, holds)):
                    if wait is not None:
                        yield wait

    facts = list(found())
    assert len({fact.order for fact in facts}) == len(facts)
    return tuple(sorted(facts, key=lambda fact: fact.order))


@settings(max_examples=300)
@given(happenings())
def test_whatever_happened_the_evidence_is_that_of_the_words(events: list[AnyEvent]) -> None:
    for folded in engine.replay(PLAYBOOK, CALL, events):
        assert folded.call.weighing.facts == slowly(PLAYBOOK, folded.call)


_LINES = [
    ASKS,
    "the invoice is wrong",
    f"{ASKS} always",
    "yes",
    "terrible awful",
    "that is not possible",
    "so " * 30 + ASKS,
]


_PARTIES: tuple[Party, ...] = ("customer", "customer", "agent")


@st.composite
def conversations(draw: st.DrawFn) -> list[AnyEvent]:
    """Lines that are said again and again, in any order, some of them taken back."""
    started = CallStarted(call_id=CALL, channel=draw(st.sampled_from(("voice", "chat"))))
    events: list[AnyEvent] = [started]
    for number in range(draw(st.integers(2, 20))):
        party: Party = draw(st.sampled_from(_PARTIES))
        line = say(party, 3_000 * draw(st.integers(0, 30)), draw(st.sampled_from(_LINES)))
        heard = segment(f"s{number}", line)
        events.append(replace(heard, end_ms=heard.start_ms) if draw(st.booleans()) else heard)
        if draw(st.integers(0, 5)) == 0:
            events.append(voided(f"s{number}"))
    events += [hold(1_000 * draw(st.integers(0, 300)), on=draw(st.booleans())) for _ in range(draw(st.integers(0, 3)))]
    for line_read in draw(st.lists(st.sampled_from(_LINES), max_size=3)):
        felt = felt_in(line_read)
        events.append(tone(line_read, felt.upset, felt.pleased, strain=felt.strain))
    return draw(st.permutations(events))


@settings(max_examples=200)
@given(conversations(), st.randoms(use_true_random=False))
def test_what_is_said_again_and_again_weighs_the_same_in_whatever_order_it_arrives(
    events: list[AnyEvent], random: Random
) -> None:
    watcher, other = Watcher(), Watcher()
    watcher.hear(*events)
    other.hear(*random.sample(events, len(events)))
    assert watcher.call.weighing.facts == slowly(PLAYBOOK, watcher.call)
    assert watcher.call.weighing.facts == other.call.weighing.facts
    assert watcher.call.weighing.state == other.call.weighing.state
    again = derive.rebuild(PLAYBOOK, watcher.call).weighing
    assert (again.facts, again.state) == (watcher.call.weighing.facts, watcher.call.weighing.state)
    anew = playbook(replace(SOURCE, valence={"invoice": -3.0}))
    changed = derive.rebuild(anew, watcher.call)
    assert changed.weighing.facts == slowly(anew, changed)
