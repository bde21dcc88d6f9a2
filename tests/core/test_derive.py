"""What follows from what was heard, step by step as at once; the clock, models, answers, a new playbook."""

import msgspec
import pytest
from calls import (
    CALL,
    CALL_BACK,
    CONTRACT,
    DOUBLED,
    FEW,
    NUMBER,
    PLAYBOOK,
    SOURCE,
    Spoken,
    Watcher,
    answer,
    call,
    fold,
    following,
    happenings,
    held,
    interims,
    kept,
    last_four,
    lives,
    outcome,
    playbook,
    rule,
    say,
    segment,
    talks,
    tone,
    tone_of,
    travels,
    watching,
    withheld,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import conditions, derive, lookup
from rtig.core.call import Call
from rtig.core.conditions import AllOf, AnyOf, Means, MoodAt, Not, NotSaid, OnHold, Said, Silence
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    ClockTicked,
    PartyCorrected,
    PlaybookChanged,
    SegmentHeard,
    SegmentVoided,
    Tone,
    UtteranceRead,
)
from rtig.core.guidance import CallInfo, Quote
from rtig.core.playbook import MeaningSource, Playbook, Source
from rtig.core.policy import Attention
from rtig.core.transcript import PAUSE_MS
from rtig.core.utterances import Utterance


@settings(max_examples=200)
@given(st.data())
def test_what_was_derived_step_by_step_equals_what_is_derived_at_once(data: st.DataObject) -> None:
    talk = data.draw(talks())
    events: list[AnyEvent] = [call([])[0], *data.draw(travels(talk)), *(tone_of(" ".join(s.words)) for s in talk)]
    ids = [e.segment_id for e in events if isinstance(e, SegmentHeard)]
    if data.draw(st.booleans()):
        events.append(SegmentVoided(call_id=CALL, segment_id=data.draw(st.sampled_from(ids))))
    if data.draw(st.booleans()):
        segment_id = data.draw(st.sampled_from(ids))
        events.append(PartyCorrected(call_id=CALL, segment_id=segment_id, rev=1, party="customer"))
    state, _ = fold(events)
    at_once = derive.rebuild(PLAYBOOK, state)
    for field in ("transcript", "shape", "heard", "influences", "weighing", "choosing"):
        derived, rebuilt = getattr(state, field), getattr(at_once, field)
        if field == "transcript":
            derived, rebuilt = derived.streams, rebuilt.streams
        if field in ("weighing", "choosing"):
            derived, rebuilt = (derived.facts, derived.state), (rebuilt.facts, rebuilt.state)
        assert derived == rebuilt, field
    assert uttered(state) == uttered(at_once)


def uttered(state: Call) -> dict[str, tuple[Utterance, ...]]:
    return {party: said for party, said in state.utterances.items() if said}


@settings(max_examples=300)
@given(happenings())
def test_whatever_happened_what_is_known_is_what_a_new_look_finds(events: list[AnyEvent]) -> None:
    state, _ = fold(events)
    at_once = derive.rebuild(PLAYBOOK, state)
    for field in ("shape", "heard", "influences", "moments", "unsaid"):
        assert getattr(state, field) == getattr(at_once, field), field
    assert uttered(state) == uttered(at_once)
    assert state.transcript.streams == at_once.transcript.streams
    assert (state.weighing.facts, state.weighing.state) == (at_once.weighing.facts, at_once.weighing.state)
    assert (state.choosing.facts, state.choosing.state) == (at_once.choosing.facts, at_once.choosing.state)


WAITING = playbook(
    msgspec.structs.replace(
        SOURCE,
        rules=(
            *(one for one in SOURCE.rules if one.id in ("recorded", "hush", "upset")),
            rule("hush-or-help", AnyOf((Silence(5_000), Said(("help",))))),
            rule("hush-or-hold", AnyOf((OnHold(3_000), Silence(7_000)))),
            rule("hush-upset", AllOf((Silence(4_000), MoodAt("tense")))),
            rule("no-hold", AllOf((Silence(6_000), Not(OnHold(1_000))))),
            rule("long-upset", MoodAt("tense", for_ms=2_500)),
            rule("no-answer", AllOf((Said(("router",)), Not(Said(("router",), lasting_ms=5_000))))),
        ),
    )
)


@settings(max_examples=300)
@given(happenings(), st.sampled_from((PLAYBOOK, WAITING)))
def test_whatever_happened_the_clock_is_asked_for_what_a_new_look_waits_for(
    events: list[AnyEvent], followed: Playbook
) -> None:
    watcher = Watcher(followed)
    for event in events:
        watcher.hear(event)
        if not watcher.call.ended:
            state, heard = watcher.call, lookup.heardings(watcher.playbook, watcher.call)
            clauses = (watcher.playbook.clause(ref) for ref in watcher.playbook.timed_clauses)
            times = [conditions.deadline(clause.condition, heard) for clause in clauses] if state.started else []
            assert state.due == min((at_ms for at_ms in times if at_ms is not None), default=None)


def said(watcher: Watcher) -> list[tuple[int | None, int]]:
    """From when to when the utterances reach that were weighed."""
    return [(fact.since_ms, fact.at_ms) for fact in watcher.call.weighing.facts if fact.key.startswith("said:")]


def test_a_long_segment_that_reaches_over_others_joins_what_follows_to_their_turn() -> None:
    terrible = Spoken("customer", 0, ("terrible", "awful", "bad"))
    watcher = watching(msgspec.structs.replace(segment("a", terrible), end_ms=10_000))
    watcher.hear(
        segment("b", say("customer", 1_000, "hate it")), segment("c", say("customer", 10_500, "terrible awful"))
    )
    assert said(watcher) == [(0, 11_100)]


def test_words_that_go_on_leave_a_signal_before_them_as_it_was() -> None:
    watcher = watching(segment("a", say("customer", 1_000, "this is the third time calling")))
    _, signal = watcher.call.weighing.facts
    watcher.hear(segment("b", say("customer", 2_800, "and it is terrible awful")))
    assert watcher.call.weighing.facts[0] == signal
    assert said(watcher) == [(1_000, 4_300)]


def test_signals_are_of_those_who_give_them() -> None:
    watcher = watching(segment("a", say("agent", 1_000, "this is the third time calling")))
    assert (watcher.call.weighing.facts, len(watcher.call.influences)) == ((), 0)
    watcher.hear(segment("b", say("agent", 9_000, "that is not possible")))
    assert [fact.key for fact in watcher.call.weighing.facts] == ["signal:refused"]
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="b", rev=1, party="customer"))
    assert "refused" not in watcher.call.influences


def test_a_segment_without_words_does_not_part_what_is_said_before_and_after_it() -> None:
    nothing = segment("b", Spoken("customer", 1_600, ("",)))
    watcher = watching(segment("a", say("customer", 1_000, "terrible awful")), nothing)
    watcher.hear(segment("c", say("customer", 1_900, "terrible awful")))
    assert said(watcher) == [(1_000, 2_500)]


def test_words_alone_may_bring_a_card_for_the_mood() -> None:
    angry = "this is the third time calling and it is a terrible awful horrible disgrace I hate this"
    watcher = watching(segment("a", say("customer", 1_000, angry)))
    assert lives(watcher.items) == [("upset.1", "confirmed", "")]


# --- words that are not final yet


def test_words_that_are_heard_once_bring_nothing_early() -> None:
    assert lives(watching(segment("a", DOUBLED, 0, final=False)).items) == []


def test_a_card_that_came_early_holds_no_cooldown_and_spends_no_budget() -> None:
    watcher = watching(*interims("a", DOUBLED))
    other = segment("b", say("customer", 2_300, "cancel my contract"))
    assert ("cancel.1", "confirmed", "") in lives(watcher.hear(other))
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))
    assert lives(watcher.hear(segment("c", say("customer", 7_000, "my bill has doubled")))) == [
        ("bill.1", "confirmed", "")
    ]


def test_a_card_that_came_early_waits_for_its_turn_as_any_other() -> None:
    watcher = watching(segment("a", CONTRACT), *interims("b", say("customer", 2_200, "my bill has doubled")))
    assert lives(watcher.items) == [("cancel.1", "confirmed", "")]
    assert lives(watcher.tick(4_899)) == []
    assert lives(watcher.tick(4_900)) == [("bill.1", "provisional", "")]


def test_words_before_a_card_that_is_there_bring_no_second_one_while_they_are_not_final() -> None:
    watcher = watching(segment("b", say("customer", 30_000, "my bill has doubled")), *interims("a", DOUBLED))
    assert lives(watcher.items) == [("bill.1", "confirmed", "")]
    assert lives(watcher.hear(segment("a", DOUBLED, 5))) == [("bill.1", "confirmed", ""), ("bill.2", "confirmed", "")]


# --- silences and the clock

RECORDED = segment("a", say("agent", 0, "this call is recorded"))


def test_silence_is_told_at_the_time_that_was_asked_for() -> None:
    watcher = watching(segment("a", say("agent", 0, "this call is recorded")), followed=PLAYBOOK)
    assert watcher.wake == 1_200 + 8_000
    assert watcher.tick(9_199) == []
    assert lives(watcher.tick(9_200)) == [("hush.1", "confirmed", "")]
    assert watcher.wake is None


def test_a_disclosure_that_was_not_made_is_told_when_its_time_is_up() -> None:
    watcher = watching(segment("a", say("agent", 0, "good morning")), followed=PLAYBOOK)
    items = watcher.tick(20_000)
    assert lives(items) == [("hush.1", "confirmed", ""), ("recorded.1", "confirmed", "")]
    late = segment("b", say("agent", 8_000, "this call is recorded"))
    assert ("recorded.1", "retracted", "revised") in lives(watcher.hear(late))


def test_words_that_are_never_settled_do_not_hide_a_silence_for_good() -> None:
    noise = segment("n", say("unknown", 5_000, "hm"), final=False)
    watcher, quiet = watching(RECORDED, noise, followed=PLAYBOOK), watching(RECORDED, followed=PLAYBOOK)
    watcher.tick(12_000)
    assert watcher.wake == 5_300 + 8_000
    assert lives(watcher.tick(13_300)) == [("hush.1", "confirmed", "")]
    quiet.tick(60_000)
    watcher.tick(60_000)
    assert outcome(watcher.call, watcher.items) == outcome(quiet.call, quiet.items)


def test_a_silence_that_was_none_is_taken_back_as_soon_as_somebody_is_heard() -> None:
    watcher = watching(RECORDED, followed=PLAYBOOK)
    watcher.tick(9_200)
    speaking = segment("b", say("customer", 9_000, "yes it is about"), 0, final=False)
    assert lives(watcher.hear(speaking)) == [("hush.1", "retracted", "revised")]
    assert lives(watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))) == [("hush.1", "confirmed", "")]


def test_a_silence_that_goes_on_after_all_is_looked_at_again() -> None:
    watcher = following(rule("r", AllOf((Silence(8_000), NotSaid(("recorded",), 20_000)))))
    watcher.hear(segment("a", say("agent", 0, "good morning")))
    watcher.hear(segment("b", say("customer", 20_000, "yes"), final=False), ClockTicked(call_id=CALL, at_ms=22_000))
    assert lives(watcher.items) == []
    assert lives(watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))) == [("r.1", "confirmed", "")]


# --- on hold


def test_nobody_is_silent_while_on_hold() -> None:
    watcher = following(rule("hush", Silence(8_000), cooldown_ms=0))
    watcher.hear(RECORDED, held(True, 4_000))
    assert watcher.tick(60_000) == []
    watcher.hear(held(False, 61_000))
    assert watcher.wake == 69_000
    assert lives(watcher.tick(69_000)) == [("hush.1", "confirmed", "")]


def test_a_silence_before_a_hold_and_one_after_it_are_two() -> None:
    watcher = following(rule("hush", Silence(8_000), cooldown_ms=0))
    watcher.hear(RECORDED)
    assert lives(watcher.tick(9_200)) == [("hush.1", "confirmed", "")]
    watcher.hear(held(True, 20_000), held(False, 30_000))
    assert lives(watcher.tick(38_000)) == [("hush.2", "confirmed", "")]


def test_a_hold_that_becomes_known_late_takes_back_the_silence_it_explains() -> None:
    watcher = following(rule("hush", Silence(8_000)))
    watcher.hear(RECORDED)
    watcher.tick(9_200)
    assert lives(watcher.hear(held(True, 3_000))) == [("hush.1", "retracted", "revised")]


def test_a_long_hold_is_told_when_its_time_has_come() -> None:
    watcher = following(rule("waiting", OnHold(60_000)))
    watcher.hear(RECORDED, held(True, 5_000))
    assert watcher.wake == 65_000
    assert watcher.tick(64_999) == []
    assert lives(watcher.tick(65_000)) == [("waiting.1", "confirmed", "")]
    assert watcher.wake == 125_000  # another minute weighs more


def test_a_hold_that_was_over_in_time_is_not_told() -> None:
    watcher = following(rule("waiting", OnHold(60_000)))
    watcher.hear(held(True, 5_000), held(False, 64_999))
    assert watcher.wake is None
    assert lives(watcher.tick(100_000)) == []


def test_a_hold_that_was_over_before_it_is_known_takes_its_card_back() -> None:
    watcher = following(rule("waiting", OnHold(60_000)))
    watcher.hear(held(True, 5_000))
    assert lives(watcher.tick(65_000)) == [("waiting.1", "confirmed", "")]
    assert lives(watcher.hear(held(False, 30_000))) == [("waiting.1", "retracted", "revised")]


def test_a_hold_that_nothing_has_ended_is_met_up_to_the_end_of_the_call() -> None:
    for end_ms, ids in ((64_999, []), (65_000, ["waiting.1"])):
        watcher = following(rule("waiting", OnHold(60_000)))
        items = watcher.hear(held(True, 5_000), CallEnded(call_id=CALL, at_ms=end_ms))
        assert [card_id for card_id, _, _ in lives(items)] == ids


# --- what was meant

LEAVE = segment("a", say("customer", 1_000, "nobody helps me here"))


def meaning(name: str, party: str = "customer", *, competes: bool = False) -> MeaningSource:
    rule_id, _, _ = name.partition(".")
    return MeaningSource(id=name, rule=rule_id, party=party, competes=competes)  # type: ignore[arg-type]


def asked(*names: str, competes: bool = False) -> Watcher:
    """A call with a card for each meaning."""
    return following(
        *(rule(name.partition(".")[0], Means(name), exempt=True, cooldown_ms=0) for name in names),
        meanings=tuple(meaning(name, competes=competes) for name in names),
    )


def read(watcher: Watcher, version: str | None = None, **scores: float) -> UtteranceRead:
    """A reading of what is to be read first; `leave=0.9` is the score of `leave.1`."""
    first = derive.unread(watcher.playbook, watcher.call)[0]
    return UtteranceRead(
        call_id=CALL,
        utterance=first.key,
        meanings=watcher.playbook.meanings_version if version is None else version,
        scores={f"{name}.1": score for name, score in scores.items()},
        tone=Tone(upset=0.0, pleased=0.0) if first.party == "customer" else None,
    )


def test_what_was_meant_comes_early_while_the_turn_may_go_on_and_is_confirmed_when_it_is_over() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE)
    assert lives(watcher.hear(read(watcher, leave=0.9))) == [("leave.1", "provisional", "")]
    assert watcher.wake == 2_200 + PAUSE_MS
    assert lives(watcher.tick(3_199)) == []
    assert lives(watcher.tick(3_200)) == [("leave.1", "confirmed", "")]
    (card,) = watcher.call.told.cards.values()
    assert (card.at_ms, [quote.text for quote in card.why.words]) == (2_200, ["nobody helps me here"])
    assert watcher.wake is None


def test_what_is_read_after_the_turn_is_confirmed_at_once() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=3_200))
    assert lives(watcher.hear(read(watcher, leave=0.5))) == [("leave.1", "confirmed", "")]


def test_what_somebody_says_next_is_time_too() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE)
    watcher.hear(read(watcher, leave=0.9))
    assert lives(watcher.hear(segment("b", say("agent", 2_600, "one moment")))) == [("leave.1", "confirmed", "")]


def test_a_turn_that_grows_into_another_meaning_takes_its_card_back() -> None:
    watcher = asked("leave.1", "joke.1")
    watcher.hear(LEAVE)
    watcher.hear(read(watcher, leave=0.9))
    items = watcher.hear(segment("b", say("customer", 2_500, "but i was joking")))
    assert lives(items) == [("leave.1", "retracted", "revised")]
    items = watcher.hear(read(watcher, leave=0.2, joke=0.8), ClockTicked(call_id=CALL, at_ms=9_000))
    assert lives(items) == [("joke.1", "provisional", ""), ("joke.1", "confirmed", "")]


def test_a_turn_that_grows_late_takes_a_confirmed_card_back() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, segment("z", say("agent", 9_000, "one moment")))
    watcher.hear(read(watcher, leave=0.9))
    items = watcher.hear(segment("b", say("customer", 2_500, "i was joking")))
    assert lives(items) == [("leave.1", "retracted", "revised")]
    assert lives(watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))) == [("leave.1", "confirmed", "")]


def test_in_a_chat_every_message_is_whole() -> None:
    followed = asked("leave.1").playbook
    watcher = Watcher(followed)
    watcher.hear(CallStarted(call_id=CALL, channel="chat"), LEAVE)
    assert lives(watcher.hear(read(watcher, leave=0.9))) == [("leave.1", "confirmed", "")]


def test_a_reading_for_other_meanings_is_no_use() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    assert lives(watcher.hear(read(watcher, version="other", leave=0.9))) == []
    assert len(derive.unread(watcher.playbook, watcher.call)) == 1
    assert lives(watcher.hear(read(watcher, leave=0.9))) == [("leave.1", "confirmed", "")]


def test_the_first_reading_of_some_words_counts() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    first, second = read(watcher, leave=0.1), read(watcher, leave=0.9)
    assert lives(watcher.hear(first, second)) == []
    assert derive.unread(watcher.playbook, watcher.call) == []


def test_a_reading_of_words_that_nobody_has_said_yet_counts_when_they_are() -> None:
    ahead = asked("leave.1")
    ahead.hear(LEAVE)
    watcher = asked("leave.1")
    assert watcher.hear(read(ahead, leave=0.9)) == []
    assert lives(watcher.hear(LEAVE)) == [("leave.1", "provisional", "")]
    assert derive.unread(watcher.playbook, watcher.call) == []


def test_what_is_below_the_threshold_is_not_meant() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    assert lives(watcher.hear(read(watcher, leave=0.499, unheard_of=0.9))) == []


def test_the_latest_words_are_read_first_and_only_of_those_whose_meaning_matters() -> None:
    watcher = asked("leave.1")
    watcher.hear(
        LEAVE, segment("b", say("customer", 9_000, "and again")), segment("c", say("agent", 5_000, "one moment"))
    )
    assert [one.text for one in derive.unread(watcher.playbook, watcher.call)] == ["and again", "nobody helps me here"]
    both = following(rule("m", Means("m.1", "any")), meanings=(meaning("m.1", "any"),))
    both.hear(LEAVE, segment("c", say("agent", 5_000, "one moment")))
    assert [one.party for one in derive.unread(both.playbook, both.call)] == ["agent", "customer"]


def test_of_several_articles_the_likeliest_is_meant_and_knows_those_that_were_near() -> None:
    names = ("leave.1", "price.1", "fault.1", "move.1")
    watcher = asked(*names, competes=True)
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    items = watcher.hear(read(watcher, leave=0.75, price=0.8, fault=0.71, move=0.69))
    assert lives(items) == [("price.1", "confirmed", "")]
    ((meant,),) = watcher.call.meant.values()
    assert meant.near == (("leave.1", 0.75), ("fault.1", 0.71))


def test_of_two_that_are_as_likely_the_name_decides() -> None:
    watcher = asked("b.1", "a.1", competes=True)
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    assert lives(watcher.hear(read(watcher, a=0.8, b=0.8))) == [("a.1", "confirmed", "")]


def test_meanings_that_do_not_compete_are_all_meant() -> None:
    watcher = asked("leave.1", "price.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    assert sorted(lives(watcher.hear(read(watcher, leave=0.9, price=0.6)))) == [
        ("leave.1", "confirmed", ""),
        ("price.1", "confirmed", ""),
    ]
    assert all(meant.near == () for (meant,) in watcher.call.meant.values())


def test_an_article_that_is_not_for_this_call_takes_nothing_from_one_that_is() -> None:
    watcher = following(
        rule("leave", Means("leave.1")),
        rule("draft", Means("draft.1"), draft=True),
        rule("faults", Means("faults.1"), queues=("faults",)),
        meanings=tuple(meaning(name, competes=True) for name in ("leave.1", "draft.1", "faults.1")),
    )
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    items = watcher.hear(read(watcher, leave=0.6, draft=0.9, faults=0.8))
    assert lives(items) == [("leave.1", "confirmed", "")]
    assert watcher.call.meant["leave.1"][0].near == ()


def test_an_article_that_is_not_for_this_call_is_withheld_where_no_other_is_meant() -> None:
    watcher = following(
        rule("leave", Means("leave.1")),
        rule("draft", Means("draft.1"), draft=True),
        meanings=(meaning("leave.1", competes=True), meaning("draft.1", competes=True)),
    )
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    assert withheld(watcher.hear(read(watcher, leave=0.3, draft=0.9))) == [("draft", "draft")]


def test_a_meaning_counts_for_its_own_party() -> None:
    watcher = following(
        rule("ours", Means("ours.1", "agent")),
        rule("theirs", Means("theirs.1")),
        meanings=(meaning("ours.1", "agent"), meaning("theirs.1")),
    )
    watcher.hear(segment("a", say("agent", 1_000, "sometime next week")), ClockTicked(call_id=CALL, at_ms=9_000))
    assert lives(watcher.hear(read(watcher, ours=0.9, theirs=0.9))) == [("ours.1", "confirmed", "")]


def test_an_article_for_one_party_takes_nothing_from_one_for_the_other() -> None:
    watcher = following(
        rule("ours", Means("ours.1", "agent")),
        rule("theirs", Means("theirs.1")),
        meanings=(meaning("ours.1", "agent", competes=True), meaning("theirs.1", competes=True)),
    )
    watcher.hear(segment("a", say("agent", 1_000, "sometime next week")), ClockTicked(call_id=CALL, at_ms=9_000))
    assert lives(watcher.hear(read(watcher, ours=0.8, theirs=0.9))) == [("ours.1", "confirmed", "")]


def test_an_article_for_one_queue_takes_the_meaning_when_the_queue_is_known() -> None:
    rules = (rule("move", Means("move.1"), queues=("billing",)), rule("leave", Means("leave.1")))
    meanings = (meaning("move.1", competes=True), meaning("leave.1", competes=True))
    watcher = Watcher(playbook(Source(name="of", rules=rules, meanings=meanings)))
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    assert lives(watcher.hear(read(watcher, move=0.9, leave=0.8))) == [("leave.1", "confirmed", "")]
    assert lives(watcher.hear(CallStarted(call_id=CALL, queue="billing"))) == [
        ("move.1", "confirmed", ""),
        ("leave.1", "retracted", "revised"),
    ]
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))
    assert dict(watcher.call.meant) == {}


def test_of_two_windows_of_one_message_the_likelier_is_what_was_meant_whichever_was_read_first() -> None:
    message = replace(segment("a", say("customer", 1_000, " ".join(f"word{n}" for n in range(40)))), end_ms=1_000)

    def words(order: int) -> tuple[Quote, ...]:
        watcher = Watcher(asked("leave.1").playbook)
        watcher.hear(CallStarted(call_id=CALL, channel="chat"), message)
        for one in derive.unread(watcher.playbook, watcher.call)[::order]:
            sure = 0.9 if one.text.startswith("word12") else 0.8
            watcher.hear(replace(read(watcher, leave=sure), utterance=one.key))
        (card,) = watcher.call.told.cards.values()
        return card.why.words

    assert words(1) == words(-1)
    assert words(1)[0].text.startswith("word12")


def test_fillers_that_arrive_late_join_two_utterances() -> None:
    one, two = segment("a", say("customer", 0, "nobody helps")), segment("c", say("customer", 1_800, "me here"))
    fillers = segment("b", say("customer", 600, "um uh er hm"))
    for events in ((one, two, fillers), (one, fillers, two)):
        watcher = asked("leave.1")
        watcher.hear(*events)
        assert [said.text for said in watcher.call.utterances["customer"]] == ["nobody helps me here"]


def test_what_was_said_and_over_does_not_grow_when_the_same_words_are_said_again() -> None:
    source = Source(
        name="of",
        attention=Attention(gap_ms=60_000, patience_ms=60_000),
        rules=(rule("leave", Means("leave.1"), cooldown_ms=0), rule("said", Said(("router",)))),
        meanings=(meaning("leave.1"),),
    )
    watcher = watching(LEAVE, ClockTicked(call_id=CALL, at_ms=4_000), followed=playbook(source))
    watcher.hear(read(watcher, leave=0.9), segment("b", say("customer", 5_000, "router")))
    watcher.hear(segment("c", say("customer", 9_000, "nobody helps me here")), ClockTicked(call_id=CALL, at_ms=11_200))
    assert lives(watcher.items) == [("leave.1", "confirmed", "")]


def test_what_a_model_read_while_the_last_turn_was_open_counts_when_the_call_is_over() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE)
    watcher.hear(read(watcher, leave=0.9))
    assert lives(watcher.hear(CallEnded(call_id=CALL, at_ms=2_300))) == [("leave.1", "confirmed", "")]


def test_what_was_meant_combines_with_what_was_said() -> None:
    condition = AllOf((Means("leave.1", lasting_ms=20_000), Said(("my contract",)), Not(OnHold(1))))
    watcher = following(rule("leave", condition), meanings=(meaning("leave.1"),))
    watcher.hear(segment("c", say("customer", 9_000, "it is my contract")), LEAVE)
    assert lives(watcher.hear(read_of(watcher, "nobody", leave=0.9))) == [("leave.1", "confirmed", "")]


def test_a_slot_listens_after_what_was_meant() -> None:
    quiet = rule("leave", Means("leave.1"), draft=True)
    watcher = following(NUMBER, quiet, slots=(last_four(Means("leave.1")),), meanings=(meaning("leave.1"),))
    watcher.hear(LEAVE, segment("d", say("customer", 6_000, "it is four five one two")))
    assert kept(watcher) == {}
    assert lives(watcher.hear(read_of(watcher, "nobody", leave=0.9))) == [("number.1", "confirmed", "")]


def test_a_slot_listens_after_what_only_it_waits_for() -> None:
    asks = MeaningSource(id="last_four", rule="last_four")
    watcher = following(NUMBER, slots=(last_four(Means("last_four")),), meanings=(asks,))
    watcher.hear(LEAVE, segment("d", say("customer", 6_000, "it is four five one two")))
    version = watcher.playbook.meanings_version
    key = read_of(watcher, "nobody").utterance
    watcher.hear(UtteranceRead(call_id=CALL, utterance=key, meanings=version, scores={"last_four": 0.9}))
    assert kept(watcher) == {"last_four": "4512"}


def read_of(watcher: Watcher, beginning: str, **scores: float) -> UtteranceRead:
    """A reading of the utterance that begins with a word."""
    waiting = derive.unread(watcher.playbook, watcher.call)
    (key,) = (one.key for one in waiting if one.text.startswith(beginning))
    return msgspec.structs.replace(read(watcher, None, **scores), utterance=key)


def test_the_same_words_in_the_same_place_need_no_second_reading() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    watcher.hear(read(watcher, leave=0.9))
    cut = [segment("b", say("customer", 1_000, "nobody helps")), segment("c", say("customer", 1_600, "me here"))]
    items = watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"), *cut)
    assert lives(items)[-1] == ("leave.1", "confirmed", "")
    assert "nobody helps me here" not in [one.text for one in derive.unread(watcher.playbook, watcher.call)]


def test_readings_outlive_a_playbook_that_asks_for_the_same_meanings() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    watcher.hear(read(watcher, leave=0.9))
    source = replace(watcher.playbook.source, name="another")
    assert lives(watcher.change(source, at_ms=10_000)) == []
    assert derive.unread(watcher.playbook, watcher.call) == []


def test_a_playbook_that_asks_what_agents_mean_has_it_read_from_the_beginning() -> None:
    watcher = watching(LEAVE, segment("c", say("agent", 5_000, "sometime next week")))
    assert [one.party for one in derive.unread(watcher.playbook, watcher.call)] == ["customer"]
    asks = MeaningSource(id="bill.1", rule="bill", party="agent")
    watcher.change(replace(FEW, meanings=(asks,)), at_ms=9_000)
    assert [one.text for one in derive.unread(watcher.playbook, watcher.call)] == [
        "sometime next week", "nobody helps me here"
    ]  # fmt: skip
    watcher.change(FEW, at_ms=9_500)
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="c"), segment("d", say("agent", 8_000, "one moment")))
    watcher.change(replace(FEW, meanings=(asks,)), at_ms=10_000)
    assert [one.text for one in derive.unread(watcher.playbook, watcher.call)][:1] == ["one moment"]


def test_a_playbook_that_asks_for_other_meanings_wants_them_read() -> None:
    watcher = asked("leave.1")
    watcher.hear(LEAVE, ClockTicked(call_id=CALL, at_ms=9_000))
    watcher.hear(read(watcher, leave=0.9))
    source = watcher.playbook.source
    other = replace(source, meanings=(replace(source.meanings[0], examples=("quite another thing",)),))
    assert lives(watcher.change(other, at_ms=10_000)) == [("leave.1", "retracted", "revised")]
    assert [one.text for one in derive.unread(watcher.playbook, watcher.call)] == ["nobody helps me here"]
    watcher.hear(read(watcher, leave=0.9))
    assert derive.unread(watcher.playbook, watcher.call) == []


# --- the tone that a model reads


def test_a_models_reading_may_bring_a_card() -> None:
    spoken = say("customer", 1_000, "this is the third time I call")
    watcher = watching(segment("a", spoken))
    assert lives(watcher.items) == []
    assert lives(watcher.hear(tone(spoken, 1.0))) == [("upset.1", "confirmed", "")]


def test_a_reading_counts_for_the_words_that_were_read() -> None:
    def score(*events: AnyEvent) -> float:
        return watching(*events).call.weighing.state.score

    read = score(segment("a", CALL_BACK), tone(CALL_BACK, 0.95))
    assert read > 0.3
    assert score(tone(CALL_BACK, 0.95), segment("a", CALL_BACK)) == read
    assert score(segment("a", CALL_BACK), segment("a", CALL_BACK, 2), tone(CALL_BACK, 0.95)) == read
    assert score(segment("b", CALL_BACK, text="Nobody, um, ever calls me back!"), tone(CALL_BACK, 0.95)) == read
    assert score(segment("a", CALL_BACK), tone("nobody ever calls", 0.95)) == 0.0
    assert score(segment("a", CALL_BACK), tone(CALL_BACK, 0.95), segment("a", CALL_BACK, 2, text="thank you")) == 0.0
    assert score(segment("a", CALL_BACK, final=False), tone(CALL_BACK, 0.95)) == 0.0
    assert score(tone(CALL_BACK, 0.95)) == 0.0


def test_the_first_reading_of_a_tone_counts() -> None:
    watcher = watching(segment("a", CALL_BACK), tone(CALL_BACK, 0.95))
    read = watcher.call.weighing
    watcher.hear(tone(CALL_BACK, 0.1), replace(tone(CALL_BACK, 0.1), meanings="others"))
    assert watcher.call.weighing is read


def test_a_reading_of_words_that_are_gone_or_the_agents_weighs_nothing() -> None:
    watcher = watching(segment("a", CALL_BACK), tone(CALL_BACK, 0.95))
    read = watcher.call.weighing.state.score
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="a", rev=1, party="agent"))
    assert watcher.call.weighing.state.score == 0.0
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="a", rev=2, party="customer"))
    assert watcher.call.weighing.state.score == read
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))
    assert watcher.call.weighing.facts == ()
    ours = say("agent", 0, "this is a terrible awful disgrace")
    assert watching(segment("a", ours), tone(ours, 1.0)).call.weighing.facts == ()


def test_a_reading_outlives_the_playbook_and_what_was_asked_beside_it() -> None:
    watcher = watching(segment("a", CALL_BACK), tone(CALL_BACK, 0.95))
    read = watcher.call.weighing.state.score
    watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)
    assert watcher.call.weighing.state.score == read
    asks = MeaningSource(id="leave.1", rule="bill")
    watcher.change(replace(FEW, meanings=(asks,)), at_ms=6_000)
    assert watcher.call.weighing.state.score == read
    assert [one.text for one in derive.unread(watcher.playbook, watcher.call)] == ["nobody ever calls me back"]


def test_the_customers_tone_is_to_be_read_where_nothing_else_is() -> None:
    watcher = watching(segment("a", CALL_BACK), segment("b", say("agent", 5_000, "one moment please")))
    assert [one.party for one in derive.unread(watcher.playbook, watcher.call)] == ["customer"]
    watcher.hear(tone(CALL_BACK, 0.1))
    assert derive.unread(watcher.playbook, watcher.call) == []


def test_a_reading_that_weighs_nothing_makes_no_rule_look_again() -> None:
    watcher = watching(segment("a", CALL_BACK))
    before = watcher.call
    watcher.hear(tone(CALL_BACK, 0.2))
    assert watcher.call.weighing is not before.weighing
    assert watcher.call.moments is before.moments
    assert not derive.differs(before, watcher.call)


# --- what the agent answers


@pytest.mark.parametrize(
    ("reason", "muted"), [("wrong", True), ("known", True), ("late", False), ("busy", False), ("", False)]
)
def test_a_card_that_is_wrong_or_known_is_not_shown_again_in_this_call(reason: str, muted: bool) -> None:
    watcher = watching(segment("a", DOUBLED), answer(reason))
    items = watcher.hear(segment("b", say("customer", 60_000, "my bill has doubled")))
    assert lives(items) == ([] if muted else [("bill.2", "confirmed", "")])
    assert withheld(items) == ([("bill", "muted")] if muted else [])
    assert watcher.call.told.cards["bill.1"].state == "confirmed"


def test_an_answer_without_a_time_does_not_take_back_the_card_it_answers() -> None:
    watcher = watching(segment("a", CONTRACT), segment("b", say("customer", 2_200, "my bill has doubled")))
    assert lives(watcher.tick(6_000)) == [("bill.1", "confirmed", "")]
    assert lives(watcher.hear(answer("wrong", at_ms=0))) == []
    items = watcher.hear(segment("c", say("customer", 60_000, "my bill has doubled")))
    assert (lives(items), withheld(items)) == ([], [("bill", "muted")])


def test_an_answer_to_a_card_that_nobody_knows_changes_nothing() -> None:
    watcher = watching(segment("a", DOUBLED))
    assert watcher.hear(answer("wrong", card_id="unheard-of.7")) == []


# --- the playbook changes while people talk


NEW_RULE = rule("late-fee", Said(("late fee",)), cooldown_ms=600_000, once=True)
FEE = say("customer", 1_000, "there is a late fee")


def test_a_new_trigger_works_from_the_next_sentence_and_says_nothing_of_old_ones() -> None:
    watcher = watching(segment("a", FEE))
    items = watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)
    assert lives(items) == []
    assert withheld(items) == [("late-fee", "late")]
    items = watcher.hear(segment("b", say("customer", 6_000, "the late fee")))
    assert lives(items) == [("late-fee.1", "confirmed", "")]


def test_what_was_left_unsaid_is_withheld_for_the_better_reason_that_comes_later() -> None:
    watcher = watching(segment("a", FEE))
    forgiven = replace(NEW_RULE, clauses=(replace(NEW_RULE.clauses[0], unless=("fee was waived",)),))
    assert withheld(watcher.change(replace(FEW, rules=(*FEW.rules, forgiven)), at_ms=3_000)) == [("late-fee", "late")]
    items = watcher.hear(segment("b", say("customer", 3_000, "the fee was waived")))
    assert withheld(items) == [("late-fee", "excluded")]


def test_a_trigger_that_leaves_its_draft_is_a_new_one() -> None:
    draft = replace(FEW, rules=(*FEW.rules, replace(NEW_RULE, draft=True)))
    watcher = watching(segment("a", FEE), followed=playbook(draft))
    assert withheld(watcher.items) == [("late-fee", "draft")]
    assert lives(watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)) == []
    items = watcher.hear(segment("b", say("customer", 6_000, "the late fee")))
    assert lives(items) == [("late-fee.1", "confirmed", "")]


def test_a_card_of_a_rule_that_is_gone_is_taken_back_and_does_not_come_back_by_itself() -> None:
    watcher = watching(segment("a", DOUBLED))
    without = replace(FEW, rules=tuple(r for r in FEW.rules if r.id != "bill"))
    assert lives(watcher.change(without, at_ms=5_000)) == [("bill.1", "retracted", "superseded")]
    assert lives(watcher.hear(segment("b", say("customer", 6_000, "my bill has doubled")))) == []
    assert lives(watcher.change(FEW, at_ms=9_000)) == []
    items = watcher.hear(segment("c", say("customer", 60_000, "my bill has doubled")))
    assert [(state, reason) for _, state, reason in lives(items)] == [("confirmed", "")]


def test_cards_of_rules_that_stay_stay_with_their_numbers_and_cooldowns() -> None:
    watcher = watching(segment("a", DOUBLED))
    assert lives(watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)) == []
    items = watcher.hear(segment("b", say("customer", 10_000, "my bill has doubled")))
    assert (lives(items), withheld(items)) == ([], [("bill", "cooldown")])
    items = watcher.hear(segment("c", say("customer", 30_000, "my bill has doubled")))
    assert lives(items) == [("bill.2", "confirmed", "")]


def test_a_card_that_there_was_no_room_for_does_not_come_with_a_playbook_that_has_room() -> None:
    watcher = watching(segment("a", CONTRACT), segment("b", say("customer", 2_200, "my bill has doubled")))
    roomy = replace(FEW, attention=replace(FEW.attention, gap_ms=0))
    assert lives(watcher.change(roomy, at_ms=4_000)) == []
    assert lives(watcher.tick(60_000)) == []
    items = watcher.hear(segment("c", say("customer", 61_000, "my bill has doubled")))
    assert lives(items) == [("bill.2", "confirmed", "")]


def test_what_came_due_before_the_playbook_changed_is_told() -> None:
    watcher = following(rule("recorded", NotSaid(("recorded",), 10_000)))
    watcher.hear(segment("a", say("agent", 0, "good morning")))
    items = watcher.hear(PlaybookChanged(call_id=CALL, version=watcher.playbook.version, at_ms=12_000))
    assert lives(items) == [("recorded.1", "confirmed", "")]


def test_a_card_whose_turn_has_come_when_the_playbook_changes_comes() -> None:
    watcher = watching(segment("a", CONTRACT), segment("b", say("customer", 2_200, "my bill has doubled")))
    assert watcher.wake == 4_900
    items = watcher.hear(PlaybookChanged(call_id=CALL, version=watcher.playbook.version, at_ms=4_900))
    assert lives(items) == [("bill.1", "confirmed", "")]


def test_a_playbook_that_changes_nothing_changes_nothing() -> None:
    events = [*call([DOUBLED, CONTRACT, say("agent", 30_000, "call is recorded")])]
    watcher = watching(*events[1:])
    before = watcher.call
    items = watcher.hear(PlaybookChanged(call_id=CALL, version=PLAYBOOK.version, at_ms=31_000))
    assert [type(item) for item in items] == [CallInfo]
    assert outcome(watcher.call, watcher.items) == outcome(before, watcher.items)


def test_a_mute_outlives_the_playbook() -> None:
    watcher = watching(segment("a", DOUBLED), answer("wrong"))
    watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)
    assert lives(watcher.hear(segment("b", say("customer", 60_000, "my bill has doubled")))) == []
