"""The fold: the same words give the same cards, however they were cut, sent again, reordered and revised."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from calls import CALL, SOURCE, WORD_MS, Spoken, call, cards, confirmed, playbook, rule, say, screen, segment
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import derive, engine
from rtig.core.call import Call
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    CardAnswered,
    CardMissed,
    ClockTicked,
    HintGiven,
    PartyCorrected,
    PlaybookChanged,
    SegmentHeard,
    SegmentVoided,
    ToneScored,
    Unrecognised,
    Whispered,
)
from rtig.core.frustration import BANDS
from rtig.core.guidance import Band, CallInfo, Card, Checklist, Guidance, Hint, Line, Mood, Whisper, Withheld
from rtig.core.playbook import Playbook, Source
from rtig.core.transcript import UNFINISHED_MS
from rtig.core.triggers import Said

PLAYBOOK = playbook()

VOCABULARY = [
    "bill",
    "has",
    "doubled",
    "higher",
    "why",
    "am",
    "i",
    "paying",
    "cancel",
    "my",
    "the",
    "contract",
    "plan",
    "appointment",
    "router",
    "restarting",
    "help",
    "speak",
    "to",
    "a",
    "manager",
    "put",
    "you",
    "through",
    "call",
    "is",
    "recorded",
    "third",
    "time",
    "calling",
    "that",
    "great",
    "terrible",
    "awful",
    "not",
    "good",
    "um",
    "uh",
    "I'm",
    "don't",
]


def fold(events: Sequence[AnyEvent], ticks: bool = False) -> tuple[Call, list[Guidance]]:
    folded = list((engine.rehearse if ticks else engine.replay)(PLAYBOOK, CALL, events))
    return folded[-1].call, [item for step in folded for item in step.guidance]


def outcome(state: Call, guidance: Sequence[Guidance]) -> dict[str, Any]:
    """All that must not depend on how the words travelled."""
    return {
        "cards": [(c.id, c.at_ms, [q.text for q in c.why.words] and c.why.condition) for c in ordered(guidance)],
        "mood": state.weighing.state.score,
        "checklists": {i: [s.done for s in c.steps] for i, c in state.told.checklists.items()},
        "shape": state.shape,
        "withheld": sorted((w.moment.rule.id, w.reason, w.moment.at_ms) for w in state.told.choice.withheld.values()),
    }


def ordered(guidance: Sequence[Guidance]) -> list[Card]:
    last = cards(guidance)
    return [last[card_id] for card_id in confirmed(guidance)]


@st.composite
def talks(draw: st.DrawFn) -> list[Spoken]:
    """Stretches of speech; the parties may overlap, one party never speaks twice at a time."""
    free = {"customer": 0, "agent": 0}
    talk = []
    for _ in range(draw(st.integers(1, 6))):
        party = draw(st.sampled_from(("customer", "agent")))
        start = free[party] + WORD_MS * draw(st.integers(0, 40))
        words = tuple(draw(st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=9)))
        talk.append(Spoken(party, start, words))  # type: ignore[arg-type]
        free[party] = talk[-1].end_ms
    return talk


@st.composite
def travels(draw: st.DrawFn, talk: Sequence[Spoken]) -> list[SegmentHeard]:
    """The talk cut into other segments, with interims that may be wrong, sent again and reordered."""
    sent: list[SegmentHeard] = []
    for number, spoken in enumerate(talk):
        cuts = draw(st.lists(st.integers(1, len(spoken.words)), max_size=3))
        edges = sorted({0, len(spoken.words), *cuts})
        for first, last in pairwise(edges):
            piece = spoken.piece(first, last)
            revisions = draw(st.integers(0, 3))
            for rev in range(revisions):
                heard = piece.piece(0, draw(st.integers(1, len(piece.words))))
                wrong = draw(st.booleans())
                text = " ".join(draw(st.permutations(heard.words))) if wrong else None
                sent.append(segment(f"{number}-{first}", heard, rev, final=False, text=text))
            sent.append(segment(f"{number}-{first}", piece, revisions))
    again = draw(st.lists(st.sampled_from(sent), max_size=4))
    return draw(st.permutations(sent + again))


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_the_same_words_however_they_travel_end_in_the_same_guidance(data: st.DataObject) -> None:
    talk = data.draw(talks())
    end = CallEnded(call_id=CALL, at_ms=max(s.end_ms for s in talk) + data.draw(st.sampled_from((0, 3_000, 20_000))))
    straight = [*call(talk), end]
    travelled: list[AnyEvent] = [straight[0], *data.draw(travels(talk)), end]
    expected = outcome(*fold(straight))
    assert outcome(*fold(travelled)) == expected
    assert outcome(*fold(straight, ticks=True)) == expected


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


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_folding_twice_gives_the_same_bytes(data: st.DataObject) -> None:
    events: list[AnyEvent] = [call([])[0], *data.draw(travels(data.draw(talks())))]
    assert msgspec.json.encode(fold(events)[1]) == msgspec.json.encode(fold(events)[1])


_TIME = st.sampled_from((0, 1, 500, 5_000, 86_400_000))
_ID = st.sampled_from(("a", "b"))
_PARTY = st.sampled_from(("customer", "agent", "system", "unknown"))
_TEXT = st.one_of(st.text(max_size=20), st.sampled_from(("cancel my contract", "bill has doubled", "", "router")))
ANY_EVENT: st.SearchStrategy[AnyEvent] = st.one_of(
    st.just(CallStarted(call_id=CALL)),
    st.builds(
        SegmentHeard, call_id=st.just(CALL), segment_id=_ID, rev=st.integers(0, 3), party=_PARTY, text=_TEXT,
        stable=st.integers(0, 30), final=st.booleans(), start_ms=_TIME, end_ms=_TIME,
    ),
    st.builds(SegmentVoided, call_id=st.just(CALL), segment_id=_ID),
    st.builds(PartyCorrected, call_id=st.just(CALL), segment_id=_ID, rev=st.integers(0, 2), party=_PARTY),
    st.builds(CallEnded, call_id=st.just(CALL), at_ms=_TIME),
    st.builds(HintGiven, call_id=st.just(CALL), hint_id=_ID, name=st.just("x"), at_ms=_TIME),
    st.builds(
        ToneScored, call_id=st.just(CALL), segment_id=_ID, rev=st.integers(0, 3), model=st.just("m"),
        negative=st.floats(0, 1),
    ),
    st.builds(ClockTicked, call_id=st.just(CALL), at_ms=_TIME),
    st.builds(
        CardAnswered, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "cancel.1", "x")),
        action=st.just("dismissed"), reason=st.sampled_from(("", "wrong")), at_ms=_TIME, answer_id=_ID,
    ),
    st.builds(CardMissed, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "router.1"))),
    st.builds(Whispered, call_id=st.just(CALL), whisper_id=_ID, text=st.just("well done"), at_ms=_TIME),
    st.builds(PlaybookChanged, call_id=st.just(CALL), version=st.just("v"), at_ms=_TIME),
    st.just(Unrecognised(call_id=CALL)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(ANY_EVENT, max_size=12))
def test_any_events_in_any_order_are_folded_without_raising(events: list[AnyEvent]) -> None:
    state = engine.begin(CALL)
    for seq, event in enumerate(events, 1):
        state, _ = engine.step(PLAYBOOK, state, seq, event)
        wake = engine.wake_at(PLAYBOOK, state)
        assert wake is None or wake > state.now


# --- stories: one call, event by event


class Watcher:
    """Somebody who follows a call and keeps what it was told."""

    def __init__(self, followed: Playbook = PLAYBOOK) -> None:
        self.playbook = followed
        self.call = engine.begin(CALL)
        self.log: list[AnyEvent] = []
        self.items: list[Guidance] = []

    def hear(self, *events: AnyEvent) -> list[Guidance]:
        told: list[Guidance] = []
        for event in events:
            self.log.append(event)
            self.call, items = engine.step(self.playbook, self.call, len(self.log), event)
            told += items
        self.items += told
        return told

    def change(self, source: Source, at_ms: int = 0) -> list[Guidance]:
        self.playbook = playbook(source)
        return self.hear(PlaybookChanged(call_id=CALL, version=self.playbook.version, at_ms=at_ms))

    def tick(self, at_ms: int) -> list[Guidance]:
        return self.hear(ClockTicked(call_id=CALL, at_ms=at_ms))

    @property
    def wake(self) -> int | None:
        return engine.wake_at(self.playbook, self.call)


FEW = replace(SOURCE, rules=tuple(r for r in SOURCE.rules if r.id in ("bill", "cancel", "manager", "upset")))
"""For stories about words, in which nobody minds a silence."""
OF_WORDS = playbook(FEW)


def watching(*events: AnyEvent, followed: Playbook = OF_WORDS) -> Watcher:
    watcher = Watcher(followed)
    watcher.hear(CallStarted(call_id=CALL, queue="billing"), *events)
    return watcher


def interims(segment_id: str, spoken: Spoken) -> list[SegmentHeard]:
    """The same words twice, not final: after that they are likely to stay."""
    return [segment(segment_id, spoken, rev, final=False) for rev in (0, 1)]


def lives(items: Sequence[Guidance]) -> list[tuple[str, str, str]]:
    return [(c.id, c.state, c.reason) for c in items if isinstance(c, Card)]


def withheld(items: Sequence[Guidance]) -> list[tuple[str, str]]:
    return [(w.rule, w.reason) for w in items if isinstance(w, Withheld)]


def moods(items: Sequence[Guidance]) -> list[Mood]:
    return [m for m in items if isinstance(m, Mood)]


DOUBLED = say("customer", 1_000, "my bill has doubled")
CONTRACT = say("customer", 1_000, "cancel my contract")


def test_a_card_comes_early_and_is_confirmed_when_the_words_settle() -> None:
    watcher = watching(*interims("a", DOUBLED), segment("a", DOUBLED, 5))
    early, sure = (item for item in watcher.items if isinstance(item, Card))
    assert (early.id, early.state, sure.id, sure.state) == ("bill.1", "provisional", "bill.1", "confirmed")
    assert (early.cause, sure.cause) == (3, 4)
    assert (early.at_ms, early.shown_ms) == (sure.at_ms, sure.shown_ms) == (2_200, 2_200)
    assert sure.expires_ms == 2_200 + PLAYBOOK.attention.ttl_ms
    assert [q.text for q in sure.why.words] == ["bill has doubled"]
    assert sure.why.condition == "“bill ~3 (doubled|higher)” said by the customer"


def test_words_that_are_heard_once_bring_nothing_early() -> None:
    assert lives(watching(segment("a", DOUBLED, 0, final=False)).items) == []


def test_a_card_that_came_early_is_taken_back_when_the_words_become_others() -> None:
    watcher = watching(*interims("a", DOUBLED))
    assert lives(watcher.hear(segment("a", DOUBLED, 5, text="my bill has tumbled"))) == [
        ("bill.1", "retracted", "revised")
    ]
    assert not watcher.call.choosing.state.shown


def test_a_card_that_came_early_is_taken_back_by_what_is_said_next() -> None:
    spoken = say("customer", 1_000, "cancel my contract um cancel the appointment")
    watcher = watching(*interims("a", spoken.piece(0, 3)))
    assert lives(watcher.items)[0] == ("cancel.1", "provisional", "")
    assert ("cancel.1", "retracted", "excluded") in lives(
        watcher.hear(segment("a", spoken, 3, final=False), segment("a", spoken, 4, final=False))
    )


def test_a_confirmed_card_is_taken_back_by_what_is_said_next() -> None:
    watcher = watching(segment("a", CONTRACT))
    items = watcher.hear(segment("b", say("customer", 2_200, "no cancel the appointment")))
    assert ("cancel.1", "retracted", "excluded") in lives(items)
    assert ("cancel", "excluded") in withheld(items)


def test_a_card_is_taken_back_when_the_agent_has_done_it() -> None:
    manager = say("customer", 1_000, "let me speak to a manager")
    watcher = watching(*interims("a", manager))
    assert lives(watcher.items) == [("manager.1", "provisional", "")]
    help_out = segment("b", say("agent", 3_000, "I will put you through"))
    assert lives(watcher.hear(help_out)) == [("manager.1", "retracted", "done")]
    sure = watching(segment("a", manager))
    assert lives(sure.hear(help_out)) == [("manager.1", "retracted", "done")]


def test_a_card_is_taken_back_when_its_words_are() -> None:
    voided = SegmentVoided(call_id=CALL, segment_id="a")
    for said in (interims("a", DOUBLED), [segment("a", DOUBLED)]):
        watcher = watching(*said)
        items = watcher.hear(voided)
        assert lives(items) == [("bill.1", "retracted", "voided")]
        assert [line.voided for line in items if isinstance(line, Line)] == [True]


def test_a_card_is_taken_back_when_somebody_else_spoke() -> None:
    watcher = watching(segment("a", DOUBLED))
    moved = PartyCorrected(call_id=CALL, segment_id="a", rev=1, party="agent")
    assert lives(watcher.hear(moved)) == [("bill.1", "retracted", "revised")]
    back = PartyCorrected(call_id=CALL, segment_id="a", rev=2, party="customer")
    assert lives(watcher.hear(back)) == [("bill.1", "confirmed", "")]


def test_a_card_whose_words_are_never_settled_is_taken_back() -> None:
    watcher = watching(*interims("a", DOUBLED))
    for _ in range(10):
        assert watcher.wake is not None
        items = watcher.tick(watcher.wake)
        if lives(items):
            break
    assert lives(items) == [("bill.1", "retracted", "unfinished")]
    assert watcher.call.now == DOUBLED.end_ms + UNFINISHED_MS
    ended = watching(*interims("a", DOUBLED))
    assert lives(ended.hear(CallEnded(call_id=CALL, at_ms=4_000))) == [("bill.1", "retracted", "unfinished")]


def test_a_card_that_nobody_could_see_is_taken_back_as_late_and_stays_so() -> None:
    watcher = watching(segment("a", DOUBLED))
    missed = CardMissed(call_id=CALL, card_id="bill.1")
    assert lives(watcher.hear(missed)) == [("bill.1", "retracted", "late")]
    assert lives(watcher.hear(missed, segment("a", DOUBLED, 2))) == []
    again = segment("b", say("customer", 30_000, "my bill has doubled"))
    assert lives(watcher.hear(again)) == [("bill.2", "confirmed", "")]


def test_a_card_that_came_early_holds_no_cooldown_and_spends_no_budget() -> None:
    watcher = watching(*interims("a", DOUBLED))
    other = segment("b", say("customer", 2_300, "cancel my contract"))
    assert ("cancel.1", "confirmed", "") in lives(watcher.hear(other))
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))
    assert lives(watcher.hear(segment("c", say("customer", 7_000, "my bill has doubled")))) == [
        ("bill.1", "confirmed", "")
    ]


def test_a_card_that_comes_again_after_it_was_taken_back_is_fresh() -> None:
    watcher = watching(*interims("a", DOUBLED), SegmentVoided(call_id=CALL, segment_id="a"))
    watcher.hear(segment("b", say("customer", 300_000, "my bill has doubled")))
    card = watcher.call.told.cards["bill.1"]
    assert (card.shown_ms, card.expires_ms) == (301_200, 301_200 + PLAYBOOK.attention.ttl_ms)


def test_an_earlier_remark_that_arrives_late_is_what_the_card_answers() -> None:
    watcher = watching(segment("b", say("customer", 9_000, "my bill has doubled")))
    (card,) = (c for c in watcher.hear(segment("a", DOUBLED)) if isinstance(c, Card))
    assert (card.id, card.state, card.at_ms, card.cause) == ("bill.1", "confirmed", 2_200, 3)
    assert withheld(watcher.items) == [("bill", "cooldown")]


def answer(reason: Any, *, card_id: str = "bill.1", at_ms: int = 3_000, answer_id: str = "a1") -> CardAnswered:
    return CardAnswered(
        call_id=CALL, card_id=card_id, action="dismissed", reason=reason, at_ms=at_ms, answer_id=answer_id
    )


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


def test_a_card_waits_for_its_turn_and_the_clock_is_told_when() -> None:
    watcher = watching(segment("a", CONTRACT), segment("b", say("customer", 2_200, "my bill has doubled")))
    assert lives(watcher.items) == [("cancel.1", "confirmed", "")]
    assert watcher.wake == 4_900
    (card,) = (c for c in watcher.tick(4_900) if isinstance(c, Card))
    assert (card.id, card.at_ms, card.shown_ms) == ("bill.1", 3_400, 4_900)


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


def test_a_checklist_that_is_not_in_the_playbook_any_more_is_withdrawn() -> None:
    watcher = watching(segment("a", CONTRACT))
    items = watcher.change(replace(FEW, checklists=FEW.checklists[:1]), at_ms=5_000)
    assert [(i.id, i.withdrawn) for i in items if isinstance(i, Checklist)] == [("leaving", True)]
    items = watcher.change(FEW, at_ms=6_000)
    assert [(i.id, i.withdrawn) for i in items if isinstance(i, Checklist)] == [("leaving", False)]


def test_a_mute_outlives_the_playbook() -> None:
    watcher = watching(segment("a", DOUBLED), answer("wrong"))
    watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)
    assert lives(watcher.hear(segment("b", say("customer", 60_000, "my bill has doubled")))) == []


# --- what else is told


def test_hints_and_whispers_are_handed_on_and_change_nothing_else() -> None:
    watcher = watching()
    before = outcome(watcher.call, watcher.items)
    hint = HintGiven(call_id=CALL, hint_id="h1", name="category: billing", value=0.8, at_ms=500)
    whisper = Whispered(call_id=CALL, whisper_id="w1", text="offer a call back", by="lead", at_ms=700)
    assert watcher.hear(hint, whisper) == [
        Hint(call_id=CALL, id="h1", name="category: billing", value=0.8, at_ms=500),
        Whisper(call_id=CALL, id="w1", text="offer a call back", by="lead", at_ms=700),
    ]
    assert outcome(watcher.call, watcher.items) == before


def checklists(items: Sequence[Guidance]) -> list[tuple[str, list[bool]]]:
    return [(c.id, [s.done for s in c.steps]) for c in items if isinstance(c, Checklist)]


def test_a_checklist_ticks_itself_and_shows_the_words() -> None:
    watcher = watching()
    assert checklists(watcher.items) == [("opening", [False, False])]
    items = watcher.hear(segment("a", say("agent", 0, "Thanks for calling Larkfield")))
    assert checklists(items) == [("opening", [True, False])]
    assert [q.text for i in items if isinstance(i, Checklist) for q in i.steps[0].words] == ["Thanks for calling"]
    assert checklists(watcher.hear(segment("b", say("customer", 3_000, "how can I help")))) == []
    assert checklists(watcher.hear(segment("c", say("agent", 6_000, "how can I help")))) == [("opening", [True, True])]
    assert checklists(watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))) == [("opening", [False, True])]


def test_a_checklist_opens_when_its_words_are_said_and_is_withdrawn_when_they_were_not() -> None:
    watcher = watching()
    watcher.hear(segment("z", say("agent", 0, "may I ask why")))
    assert checklists(watcher.hear(segment("a", say("agent", 3_000, "cancel my contract")))) == []
    assert checklists(watcher.hear(segment("b", say("customer", 6_000, "cancel my contract")))) == [("leaving", [True])]
    items = watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))
    assert [(item.id, item.withdrawn) for item in items if isinstance(item, Checklist)] == [("leaving", True)]
    assert "leaving" not in watcher.call.told.checklists


def test_a_checklist_waits_for_final_words() -> None:
    greeting = say("agent", 0, "thanks for calling")
    watcher = watching(*interims("a", greeting))
    assert checklists(watcher.items) == [("opening", [False, False])]


def test_silence_is_told_at_the_time_that_was_asked_for() -> None:
    watcher = watching(segment("a", say("agent", 0, "this call is recorded")), followed=PLAYBOOK)
    assert watcher.wake == 1_200 + 8_000
    assert watcher.tick(9_199) == []
    assert lives(watcher.tick(9_200)) == [("hush.1", "confirmed", "")]
    assert watcher.wake == 12_000
    watcher.tick(12_000)
    assert watcher.wake is None


def test_a_disclosure_that_was_not_made_is_told_when_its_time_is_up() -> None:
    watcher = watching(segment("a", say("agent", 0, "good morning")), followed=PLAYBOOK)
    items = watcher.tick(20_000)
    assert lives(items) == [("hush.1", "confirmed", ""), ("recorded.1", "confirmed", "")]
    late = segment("b", say("agent", 8_000, "this call is recorded"))
    assert ("recorded.1", "retracted", "revised") in lives(watcher.hear(late))


RECORDED = segment("a", say("agent", 0, "this call is recorded"))


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


def test_the_mood_is_told_when_it_has_fallen_to_another_band() -> None:
    angry = segment("a", say("customer", 1_000, "this is the third time I call it is a terrible awful disgrace"))
    watcher = watching(angry)
    band = moods(watcher.items)[-1].band
    assert band in ("tense", "frustrated", "critical")
    bands: list[Band] = [band]
    while bands[-1] != "calm":
        assert watcher.wake is not None
        bands += [mood.band for mood in moods(watcher.tick(watcher.wake))]
    assert bands == list(reversed(BANDS[: BANDS.index(band) + 1]))


def test_the_mood_is_not_told_for_every_little_move() -> None:
    watcher = watching(segment("a", say("customer", 1_000, "this is the third time I call")))
    score = moods(watcher.items)[-1].score
    quiet = segment("b", say("agent", 4_000, "one moment please"))
    assert moods(watcher.hear(quiet)) == []
    later = moods(watcher.tick(60_000))
    assert later[0].score < score


def tone(segment_id: str, negative: float, rev: int = 1, model: str = "m1") -> ToneScored:
    return ToneScored(call_id=CALL, segment_id=segment_id, rev=rev, model=model, negative=negative)


SAID = say("customer", 1_000, "nobody ever calls me back")


def test_a_models_score_refines_the_mood_and_says_so() -> None:
    watcher = watching(segment("a", SAID))
    assert moods(watcher.items)[-1].reading == "words"
    (mood,) = moods(watcher.hear(tone("a", 0.95)))
    assert (mood.reading, mood.reasons[0].what) == ("words and model", "tone of voice in words")
    assert mood.score > 0.3


def test_a_model_that_finds_nothing_has_read_all_the_same() -> None:
    watcher = watching(segment("a", SAID))
    (mood,) = moods(watcher.hear(tone("a", 0.1)))
    assert (mood.reading, mood.score, mood.reasons) == ("words and model", 0.0, ())


def test_a_models_score_may_bring_a_card() -> None:
    watcher = watching(segment("a", say("customer", 1_000, "this is the third time I call")))
    assert lives(watcher.items) == []
    assert lives(watcher.hear(tone("a", 1.0))) == [("upset.1", "confirmed", "")]


def test_a_score_counts_for_the_words_it_was_made_from() -> None:
    def score(*events: AnyEvent) -> float:
        return watching(*events).call.weighing.state.score

    scored = score(segment("a", SAID), tone("a", 0.95))
    assert scored > 0.3
    assert score(segment("a", SAID), tone("a", 0.95, rev=0)) == 0.0
    assert score(segment("a", SAID), tone("a", 0.95, rev=9)) == 0.0
    assert score(segment("a", SAID, 1), tone("a", 0.95, rev=1), segment("a", SAID, 2)) == 0.0
    assert score(segment("a", SAID, 1), tone("a", 0.95), segment("a", SAID, 2), tone("a", 0.95, rev=2)) == scored
    assert score(segment("a", SAID, 2), tone("a", 0.95, rev=2), tone("a", 0.6, rev=1)) == scored
    assert score(segment("a", SAID, final=False), tone("a", 0.95)) == 0.0
    assert score(tone("a", 0.95), segment("a", SAID)) == scored
    assert score(tone("nobody", 0.95)) == 0.0


def test_a_score_of_words_that_are_gone_or_the_agents_weighs_nothing() -> None:
    watcher = watching(segment("a", SAID), tone("a", 0.95))
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
    watcher = watching(segment("a", SAID), tone("a", 0.95))
    scored = watcher.call.weighing.state.score
    watcher.change(replace(FEW, rules=(*FEW.rules, NEW_RULE)), at_ms=5_000)
    assert watcher.call.weighing.state.score == scored


def test_a_long_segment_that_reaches_over_others_joins_what_follows_to_their_turn() -> None:
    terrible = Spoken("customer", 0, ("terrible", "awful", "bad"))
    watcher = watching(msgspec.structs.replace(segment("a", terrible), end_ms=10_000))
    watcher.hear(
        segment("b", say("customer", 1_000, "hate it")), segment("c", say("customer", 10_500, "terrible awful"))
    )
    assert [(fact.at_ms, fact.key) for fact in watcher.call.weighing.facts] == [(11_100, "words:0")]


# --- the end


def test_a_call_that_is_over_hears_nothing_more() -> None:
    watcher = watching(segment("a", DOUBLED), CallEnded(call_id=CALL, at_ms=5_000, reason="completed"))
    (ended,) = (i for i in watcher.items if isinstance(i, CallInfo) and i.state == "ended")
    assert ended.ended_ms == 5_000
    over = watcher.call
    late: list[AnyEvent] = [
        segment("b", say("customer", 6_000, "cancel my contract")),
        segment("a", DOUBLED, 9),
        SegmentVoided(call_id=CALL, segment_id="a"),
        PartyCorrected(call_id=CALL, segment_id="a", rev=1, party="agent"),
        ClockTicked(call_id=CALL, at_ms=60_000),
        tone("a", 1.0),
        HintGiven(call_id=CALL, hint_id="h", name="x", at_ms=7_000),
        CardMissed(call_id=CALL, card_id="bill.1"),
        CallStarted(call_id=CALL),
        CallEnded(call_id=CALL, at_ms=9_000),
    ]
    assert watcher.hear(*late) == []
    assert watcher.call == over
    assert watcher.wake is None


def test_after_the_end_answers_and_whispers_are_taken_and_nothing_new_comes_of_them() -> None:
    waiting = [segment("a", CONTRACT), segment("b", say("customer", 2_200, "my bill has doubled"))]
    watcher = watching(*waiting, CallEnded(call_id=CALL, at_ms=4_000))
    assert withheld(watcher.items) == [("bill", "budget")]
    items = watcher.hear(
        answer("wrong", card_id="cancel.1", at_ms=60_000),
        Whispered(call_id=CALL, whisper_id="w", text="well done", at_ms=61_000),
        PlaybookChanged(call_id=CALL, version="v", at_ms=62_000),
    )
    assert [type(item) for item in items] == [Whisper, CallInfo]
    assert isinstance(items[1], CallInfo)
    assert items[1].ended_ms == 4_000


def test_a_call_may_end_before_it_has_begun() -> None:
    watcher = Watcher()
    items = watcher.hear(CallEnded(call_id=CALL, at_ms=0), CallStarted(call_id=CALL))
    assert [item.state for item in items if isinstance(item, CallInfo)] == ["ended"]


def test_words_that_came_before_the_start_count_from_the_start_on() -> None:
    watcher = Watcher()
    watcher.hear(segment("a", say("agent", 0, "thanks for calling")))
    assert checklists(watcher.hear(CallStarted(call_id=CALL, queue="billing"))) == [("opening", [True, False])]
    assert watcher.hear(CallStarted(call_id=CALL, queue="faults")) == []
    assert watcher.call.queue == "billing"


# --- whatever happens


@st.composite
def happenings(draw: st.DrawFn) -> list[AnyEvent]:
    """A call with everything in it; segments of one party may overlap, and some are never settled."""
    heard: list[AnyEvent] = []
    for _ in range(draw(st.integers(1, 8))):
        party = draw(st.sampled_from(("customer", "customer", "agent", "unknown")))
        words = tuple(draw(st.lists(st.sampled_from(VOCABULARY), max_size=7)))
        spoken = Spoken(party, WORD_MS * draw(st.integers(0, 60)), words)  # type: ignore[arg-type]
        segment_id, rev = draw(st.sampled_from("abcdef")), draw(st.integers(0, 4))
        heard.append(segment(segment_id, spoken, rev, final=draw(st.booleans()), stable=draw(st.integers(0, 60))))
    ids = st.sampled_from("abcdef")
    others: list[AnyEvent] = draw(
        st.lists(
            st.one_of(
                st.builds(SegmentVoided, call_id=st.just(CALL), segment_id=ids),
                st.builds(
                    PartyCorrected, call_id=st.just(CALL), segment_id=ids, rev=st.integers(0, 3),
                    party=st.sampled_from(("customer", "agent")),
                ),
                st.builds(
                    ToneScored, call_id=st.just(CALL), segment_id=ids, rev=st.integers(0, 4),
                    model=st.sampled_from(("m1", "m2")), negative=st.sampled_from((0.1, 0.8, 1.0)),
                ),
                st.builds(ClockTicked, call_id=st.just(CALL), at_ms=st.sampled_from((5_000, 15_000, 50_000))),
                st.builds(
                    CardAnswered, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "cancel.1", "router.1")),
                    action=st.just("dismissed"), reason=st.sampled_from(("wrong", "late")), at_ms=st.just(9_000),
                    answer_id=st.just("x"),
                ),
                st.builds(CardMissed, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "cancel.1"))),
            ),
            max_size=5,
        )
    )  # fmt: skip
    return [CallStarted(call_id=CALL, queue="billing"), *draw(st.permutations(heard + others))]


@settings(max_examples=300, deadline=None)
@given(happenings())
def test_whatever_happened_what_is_known_is_what_a_new_look_finds(events: list[AnyEvent]) -> None:
    state, _ = fold(events)
    at_once = derive.rebuild(PLAYBOOK, state)
    for field in ("shape", "heard", "influences", "unsaid"):
        assert getattr(state, field) == getattr(at_once, field), field
    assert state.transcript.streams == at_once.transcript.streams
    assert (state.weighing.facts, state.weighing.state) == (at_once.weighing.facts, at_once.weighing.state)
    assert (state.choosing.facts, state.choosing.state) == (at_once.choosing.facts, at_once.choosing.state)
    assert {r: m for r, m in state.moments.items() if m} == {r: m for r, m in at_once.moments.items() if m}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_words_that_are_never_settled_change_nothing_in_the_end(data: st.DataObject) -> None:
    talk = data.draw(talks())
    noise = [
        segment(f"noise-{n}", say("unknown", WORD_MS * data.draw(st.integers(0, 90)), "hm yes"), final=False)
        for n in range(data.draw(st.integers(1, 3)))
    ]
    over = max(e.end_ms for e in noise) if data.draw(st.booleans()) else 70_000
    end = CallEnded(call_id=CALL, at_ms=max(over, *(s.end_ms for s in talk)))
    start, *spoken = call(talk)
    noisy = [start, *data.draw(st.permutations(noise + spoken)), end]
    ticking = data.draw(st.booleans())
    expected = outcome(*fold([start, *spoken, end], ticks=ticking))
    assert outcome(*fold(noisy, ticks=ticking)) == expected


@settings(max_examples=150, deadline=None)
@given(happenings(), st.integers(0, 20))
def test_who_joins_late_sees_what_the_others_see(events: list[AnyEvent], joined: int) -> None:
    first = Watcher()
    first.hear(*events[:joined])
    kept = first.call
    first.hear(*events[joined:])
    late = Watcher()
    late.hear(*events)
    assert msgspec.json.encode(late.items) == msgspec.json.encode(first.items)
    resumed, position = kept, min(joined, len(events))
    rest: list[Guidance] = []
    for event in events[joined:]:
        position += 1
        resumed, items = engine.step(PLAYBOOK, resumed, position, event)
        rest += items
    assert screen([*first.items[: len(first.items) - len(rest)], *rest]) == screen(late.items)
    shown = {c.id: c for c in screen(late.items).values() if isinstance(c, Card)}
    assert shown == dict(late.call.told.cards)


@settings(max_examples=150, deadline=None)
@given(happenings(), st.sampled_from((0, 20_000, 90_000)))
def test_a_recorded_log_with_its_ticks_gives_the_same_bytes_again(events: list[AnyEvent], more_ms: int) -> None:
    end = CallEnded(call_id=CALL, at_ms=25_000 + more_ms)
    live = list(engine.rehearse(PLAYBOOK, CALL, [*events, end]))
    again = list(engine.replay(PLAYBOOK, CALL, [step.event for step in live]))
    assert [step.seq for step in again] == [step.seq for step in live]
    assert msgspec.json.encode([s.guidance for s in again]) == msgspec.json.encode([s.guidance for s in live])
    ticks = [step.event.at_ms for step in live if isinstance(step.event, ClockTicked)]
    assert len(ticks) <= len(events) * 20


@settings(max_examples=150, deadline=None)
@given(happenings())
def test_every_card_that_is_shown_can_be_explained_from_the_words(events: list[AnyEvent]) -> None:
    state, items = fold(events)
    now = {s.id: s for stream in state.transcript.streams.values() for s in stream}
    now.update(state.transcript.open)
    for card in cards(items).values():
        if card.state == "confirmed" and card.id in state.told.choice.shown:
            for quote in card.why.words:
                whole = now[quote.segment_id]
                assert (quote.party, quote.text) == (whole.party, whole.text[quote.start : quote.end])
    for reason in (r for mood in moods(items) for r in mood.reasons):
        assert {quote.party for quote in reason.words} <= {"customer"}
