"""What follows from what was heard, step by step as at once; the clock, models, answers, a new playbook."""

import msgspec
import pytest
from calls import (
    CALL,
    CALL_BACK,
    CONTRACT,
    DOUBLED,
    FEW,
    PLAYBOOK,
    Spoken,
    answer,
    call,
    fold,
    happenings,
    interims,
    lives,
    outcome,
    playbook,
    rule,
    say,
    segment,
    talks,
    tone,
    travels,
    watching,
    withheld,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import derive
from rtig.core.conditions import Said
from rtig.core.events import AnyEvent, PartyCorrected, PlaybookChanged, SegmentHeard, SegmentVoided
from rtig.core.guidance import CallInfo


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_was_derived_step_by_step_equals_what_is_derived_at_once(data: st.DataObject) -> None:
    talk = data.draw(talks())
    events: list[AnyEvent] = [call([])[0], *data.draw(travels(talk))]
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


@settings(max_examples=300, deadline=None)
@given(happenings())
def test_whatever_happened_what_is_known_is_what_a_new_look_finds(events: list[AnyEvent]) -> None:
    state, _ = fold(events)
    at_once = derive.rebuild(PLAYBOOK, state)
    for field in ("shape", "heard", "influences", "moments", "unsaid"):
        assert getattr(state, field) == getattr(at_once, field), field
    assert state.transcript.streams == at_once.transcript.streams
    assert (state.weighing.facts, state.weighing.state) == (at_once.weighing.facts, at_once.weighing.state)
    assert (state.choosing.facts, state.choosing.state) == (at_once.choosing.facts, at_once.choosing.state)


def test_a_long_segment_that_reaches_over_others_joins_what_follows_to_their_turn() -> None:
    terrible = Spoken("customer", 0, ("terrible", "awful", "bad"))
    watcher = watching(msgspec.structs.replace(segment("a", terrible), end_ms=10_000))
    watcher.hear(
        segment("b", say("customer", 1_000, "hate it")), segment("c", say("customer", 10_500, "terrible awful"))
    )
    assert [(fact.at_ms, fact.key) for fact in watcher.call.weighing.facts] == [(11_100, "words:0")]


def test_words_that_go_on_leave_a_signal_before_them_as_it_was() -> None:
    watcher = watching(segment("a", say("customer", 1_000, "this is the third time calling")))
    (signal,) = watcher.call.weighing.facts
    watcher.hear(segment("b", say("customer", 2_800, "and it is terrible awful")))
    assert [fact.key for fact in watcher.call.weighing.facts] == ["signal:again", "words:1000"]
    assert watcher.call.weighing.facts[0] == signal


def test_signals_are_the_customers_own() -> None:
    watcher = watching(segment("a", say("agent", 1_000, "this is the third time calling")))
    assert (watcher.call.weighing.facts, len(watcher.call.influences)) == ((), 0)


def test_a_segment_without_words_does_not_part_what_is_said_before_and_after_it() -> None:
    nothing = segment("b", Spoken("customer", 1_600, ("",)))
    watcher = watching(segment("a", say("customer", 1_000, "terrible awful")), nothing)
    watcher.hear(segment("c", say("customer", 1_900, "terrible awful")))
    assert [(fact.at_ms, fact.key) for fact in watcher.call.weighing.facts] == [(2_500, "words:1000")]


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


# --- what models read


def test_a_models_score_may_bring_a_card() -> None:
    watcher = watching(segment("a", say("customer", 1_000, "this is the third time I call")))
    assert lives(watcher.items) == []
    assert lives(watcher.hear(tone("a", 1.0))) == [("upset.1", "confirmed", "")]


def test_a_score_counts_for_the_words_it_was_made_from() -> None:
    def score(*events: AnyEvent) -> float:
        return watching(*events).call.weighing.state.score

    scored = score(segment("a", CALL_BACK), tone("a", 0.95))
    assert scored > 0.3
    assert score(segment("a", CALL_BACK), tone("a", 0.95, rev=0)) == 0.0
    assert score(segment("a", CALL_BACK), tone("a", 0.95, rev=9)) == 0.0
    assert score(segment("a", CALL_BACK, 1), tone("a", 0.95, rev=1), segment("a", CALL_BACK, 2)) == 0.0
    assert (
        score(segment("a", CALL_BACK, 1), tone("a", 0.95), segment("a", CALL_BACK, 2), tone("a", 0.95, rev=2)) == scored
    )
    assert score(segment("a", CALL_BACK, 2), tone("a", 0.95, rev=2), tone("a", 0.6, rev=1)) == scored
    assert score(segment("a", CALL_BACK), tone("a", 0.6), tone("a", 0.95)) == scored
    assert score(segment("a", CALL_BACK, final=False), tone("a", 0.95)) == 0.0
    assert score(tone("a", 0.95), segment("a", CALL_BACK)) == scored
    assert score(tone("nobody", 0.95)) == 0.0
    assert score(segment("a", CALL_BACK, text="um"), tone("a", 0.95)) == 0.0


def test_a_score_of_words_that_are_gone_or_the_agents_weighs_nothing() -> None:
    watcher = watching(segment("a", CALL_BACK), tone("a", 0.95))
    scored = watcher.call.weighing.state.score
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="a", rev=1, party="agent"))
    assert watcher.call.weighing.state.score == 0.0
    watcher.hear(PartyCorrected(call_id=CALL, segment_id="a", rev=2, party="customer"))
    assert watcher.call.weighing.state.score == scored
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))
    assert watcher.call.weighing.facts == ()
    ours = watching(segment("a", say("agent", 0, "this is a terrible awful disgrace")), tone("a", 1.0))
    assert ours.call.weighing.facts == ()


def test_a_score_outlives_the_playbook() -> None:
    watcher = watching(segment("a", CALL_BACK), tone("a", 0.95))
    scored = watcher.call.weighing.state.score
    watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)
    assert watcher.call.weighing.state.score == scored


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
