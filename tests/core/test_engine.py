"""The fold: the same words give the same cards, however they were cut, sent again, reordered and revised."""

import msgspec
import pytest
from calls import (
    CALL,
    CONTRACT,
    DOUBLED,
    PLAYBOOK,
    WORD_MS,
    Watcher,
    answer,
    call,
    checklists,
    confirmed,
    fold,
    happenings,
    lives,
    outcome,
    playbook,
    rule,
    say,
    screen,
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

from rtig.core import engine
from rtig.core.brief import brief
from rtig.core.conditions import Means, OnHold
from rtig.core.events import (
    AlertAnswered,
    AnyEvent,
    CallEnded,
    CallStarted,
    CardAnswered,
    CardMissed,
    ClockTicked,
    HandoverSent,
    HelpAsked,
    HelpTakenBack,
    HintGiven,
    HoldChanged,
    PartyCorrected,
    PlaybookChanged,
    SegmentHeard,
    SegmentVoided,
    Tone,
    Unrecognised,
    UtteranceRead,
    Whispered,
)
from rtig.core.guidance import CallInfo, Card, Guidance, Handover, Hint, Whisper
from rtig.core.playbook import MeaningSource, Source
from rtig.core.utterances import key_of


@settings(max_examples=500)
@given(st.data())
def test_the_same_words_however_they_travel_end_in_the_same_guidance(data: st.DataObject) -> None:
    talk = data.draw(talks())
    end = CallEnded(call_id=CALL, at_ms=max(s.end_ms for s in talk) + data.draw(st.sampled_from((0, 3_000, 20_000))))
    start, *said = call(talk)
    holds: list[AnyEvent] = [
        HoldChanged(call_id=CALL, on=data.draw(st.booleans()), at_ms=data.draw(st.integers(0, end.at_ms)))
        for _ in range(data.draw(st.sampled_from((0, 0, 2, 3))))
    ]
    also = [*holds, *(tone_of(" ".join(s.words)) for s in talk)]
    straight = [start, *also, *said, end]
    travelled: list[AnyEvent] = [start, *data.draw(st.permutations([*data.draw(travels(talk)), *also])), end]
    expected = outcome(*fold(straight))
    assert outcome(*fold(travelled)) == expected
    assert outcome(*fold(straight, ticks=True)) == expected


@settings(max_examples=150)
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


@settings(max_examples=100)
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
    st.builds(HoldChanged, call_id=st.just(CALL), on=st.booleans(), at_ms=_TIME),
    st.builds(
        UtteranceRead, call_id=st.just(CALL), meanings=st.just("m"),
        utterance=st.one_of(_ID, _TEXT.map(lambda text: key_of("customer", text))),
        scores=st.dictionaries(st.just("bill"), st.floats(0, 1)),
        tone=st.one_of(
            st.none(),
            st.builds(Tone, upset=st.floats(0, 1), pleased=st.floats(0, 1), strain=st.floats(-100, 100)),
        ),
    ),
    st.builds(ClockTicked, call_id=st.just(CALL), at_ms=_TIME),
    st.builds(
        CardAnswered, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "cancel.1", "x")),
        action=st.just("dismissed"), reason=st.sampled_from(("", "wrong")), at_ms=_TIME, answer_id=_ID,
    ),
    st.builds(CardMissed, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "router.1"))),
    st.builds(Whispered, call_id=st.just(CALL), whisper_id=_ID, text=st.just("well done"), at_ms=_TIME),
    st.builds(
        AlertAnswered, call_id=st.just(CALL), alert_id=st.sampled_from(("bill", "x", "agent:help")),
        action=st.sampled_from(("acknowledge", "resolve")), at_ms=_TIME, answer_id=_ID,
    ),
    st.builds(HelpAsked, call_id=st.just(CALL), help_id=_ID, text=st.sampled_from(("", "a refund?")), at_ms=_TIME),
    st.builds(HandoverSent, call_id=st.just(CALL), handover_id=_ID, text=st.just("ring back")),
    st.builds(HelpTakenBack, call_id=st.just(CALL), help_id=_ID, at_ms=_TIME),
    st.builds(PlaybookChanged, call_id=st.just(CALL), version=st.just("v"), at_ms=_TIME),
    st.just(Unrecognised(call_id=CALL)),
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(ANY_EVENT, max_size=12))
def test_any_events_in_any_order_are_folded_without_raising(events: list[AnyEvent]) -> None:
    state = engine.begin(CALL)
    for seq, event in enumerate(events, 1):
        state, _ = engine.step(PLAYBOOK, state, seq, event)
        wake = engine.wake_at(PLAYBOOK, state)
        assert wake is None or wake > state.now


# --- replay, rehearse, joining late


@settings(max_examples=150)
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


@settings(max_examples=150)
@given(happenings(), st.sampled_from((0, 20_000, 90_000)))
def test_a_recorded_log_with_its_ticks_gives_the_same_bytes_again(events: list[AnyEvent], more_ms: int) -> None:
    end = CallEnded(call_id=CALL, at_ms=25_000 + more_ms)
    live = list(engine.rehearse(PLAYBOOK, CALL, [*events, end]))
    again = list(engine.replay(PLAYBOOK, CALL, [step.event for step in live]))
    assert [step.seq for step in again] == [step.seq for step in live]
    assert msgspec.json.encode([s.guidance for s in again]) == msgspec.json.encode([s.guidance for s in live])
    ticks = [step.event.at_ms for step in live if isinstance(step.event, ClockTicked)]
    assert len(ticks) <= len(events) * 20


def test_a_rehearsed_clock_does_not_tick_while_somebody_already_speaks() -> None:
    recorded = say("agent", 0, "this call is recorded")
    talk = [recorded, say("customer", recorded.end_ms + 7_999, "hello I am calling about my bill")]
    assert not any(isinstance(step.event, ClockTicked) for step in engine.rehearse(PLAYBOOK, CALL, call(talk)))
    talk = [recorded, say("customer", recorded.end_ms + 8_001, "hello I am calling about my bill")]
    (tick,) = (step for step in engine.rehearse(PLAYBOOK, CALL, call(talk)) if isinstance(step.event, ClockTicked))
    assert (tick.call.now, tick.seq, lives(tick.guidance)) == (9_200, 3, [("hush.1", "confirmed", "")])


def test_an_event_at_the_time_of_a_wake_serves_for_its_tick() -> None:
    recorded = say("agent", 0, "this call is recorded")
    talk = [recorded, say("customer", recorded.end_ms + 8_000, "hello")]
    *_, last = engine.rehearse(PLAYBOOK, CALL, call(talk))
    assert (last.seq, lives(last.guidance)) == (3, [("hush.1", "confirmed", "")])


def test_a_rehearsed_log_that_ticks_itself_is_given_the_ticks_that_it_lacks() -> None:
    events = [*call([say("agent", 0, "this call is recorded")]), ClockTicked(call_id=CALL, at_ms=60_000)]
    ticks = [step.call.now for step in engine.rehearse(PLAYBOOK, CALL, events) if isinstance(step.event, ClockTicked)]
    assert ticks == [9_200, 60_000]


# --- when the fold wants waking


def test_a_card_waits_for_its_turn_and_the_clock_is_told_when() -> None:
    watcher = watching(segment("a", CONTRACT), segment("b", say("customer", 2_200, "my bill has doubled")))
    assert lives(watcher.items) == [("cancel.1", "confirmed", "")]
    assert watcher.wake == 4_900
    (card,) = (c for c in watcher.tick(4_900) if isinstance(c, Card))
    assert (card.id, card.at_ms, card.shown_ms) == ("bill.1", 3_400, 4_900)


def test_a_call_that_has_not_started_wants_no_waking() -> None:
    watcher = Watcher()
    watcher.hear(segment("a", DOUBLED, final=False))
    assert watcher.wake is None
    watcher.hear(CallStarted(call_id=CALL))
    assert watcher.wake is not None


@pytest.mark.parametrize(
    "event",
    [
        segment("a", say("customer", 4_700, "hello")),
        segment("a", say("customer", 4_700, "hello"), final=False),
        ClockTicked(call_id=CALL, at_ms=5_000),
        HintGiven(call_id=CALL, hint_id="h", name="x", at_ms=5_000),
        answer("late", card_id="unheard-of.7", at_ms=5_000),
        Whispered(call_id=CALL, whisper_id="w", text="well done", at_ms=5_000),
        HelpAsked(call_id=CALL, help_id="h", at_ms=5_000),
        HelpTakenBack(call_id=CALL, help_id="h", at_ms=5_000),
        PlaybookChanged(call_id=CALL, version="v", at_ms=5_000),
        CallEnded(call_id=CALL, at_ms=5_000),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_event_that_names_a_time_moves_the_clock_and_never_back(event: AnyEvent) -> None:
    assert watching(event).call.now == 5_000
    assert watching(ClockTicked(call_id=CALL, at_ms=9_000), event).call.now == 9_000


# --- what is handed on


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


def test_what_is_left_for_the_next_agent_is_part_of_the_call_also_after_its_end() -> None:
    watcher = watching(segment("a", DOUBLED))
    before = outcome(watcher.call, watcher.items)
    first = HandoverSent(call_id=CALL, handover_id="o1", text="ring back", by="ann", sent_at=1_700)
    later = HandoverSent(call_id=CALL, handover_id="o2", text="ring back on Friday", by="ann", sent_at=1_900)
    assert watcher.hear(first, first) == [
        Handover(call_id=CALL, id="o1", text="ring back", by="ann", sent_at=1_700),
    ]
    assert outcome(watcher.call, watcher.items) == before
    watcher.hear(CallEnded(call_id=CALL, at_ms=5_000))
    assert [item.id for item in watcher.hear(later) if isinstance(item, Handover)] == ["o2"]
    assert (watcher.call.now, watcher.wake) == (5_000, None)
    told = brief(watcher.playbook, watcher.call).handover
    assert told is not None
    assert (told.text, told.by, told.sent_at) == ("ring back on Friday", "ann", 1_900)


# --- the beginning and the end


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
        tone(DOUBLED, 1.0),
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
    assert dict(watcher.call.choosing.state.muted) == {"cancel": 4_000}


def test_a_call_ends_with_the_same_cards_whether_a_clock_ticked_or_not() -> None:
    rules = (rule("leave", Means("leave.1")), rule("waiting", OnHold(5_000)))
    source = Source(name="x", rules=rules, meanings=(MeaningSource(id="leave.1", rule="leave"),))
    watcher = watching(segment("a", say("customer", 0, "nobody helps")), followed=playbook(source))
    ((key, *_),) = engine.unread(watcher.playbook, watcher.call)
    version = watcher.playbook.meanings_version
    events = [
        *watcher.log,
        UtteranceRead(call_id=CALL, utterance=key, meanings=version, scores={"leave.1": 0.9}),
        HoldChanged(call_id=CALL, on=True, at_ms=1_500),
        CallEnded(call_id=CALL, at_ms=9_000),
    ]
    ends = [
        confirmed([item for folded in run(watcher.playbook, CALL, events) for item in folded.guidance])
        for run in (engine.replay, engine.rehearse)
    ]
    assert ends == [["leave.1", "waiting.1"]] * 2


def test_a_call_may_end_before_it_has_begun() -> None:
    watcher = Watcher()
    items = watcher.hear(CallEnded(call_id=CALL, at_ms=0), CallStarted(call_id=CALL))
    assert [item.state for item in items if isinstance(item, CallInfo)] == ["ended"]


def test_a_rule_for_one_queue_counts_what_was_said_before_the_queue_was_known() -> None:
    watcher = Watcher()
    items = watcher.hear(segment("a", say("customer", 0, "my router")))
    assert ("faults-only", "queue") in withheld(items)
    items = watcher.hear(CallStarted(call_id=CALL, queue="faults"))
    assert ("faults-only.1", "confirmed", "") in lives(items)


def test_words_that_came_before_the_start_count_from_the_start_on() -> None:
    watcher = Watcher()
    watcher.hear(segment("a", say("agent", 0, "thanks for calling")))
    assert checklists(watcher.hear(CallStarted(call_id=CALL, queue="billing"))) == [("opening", [True, False])]
    assert watcher.hear(CallStarted(call_id=CALL, queue="faults")) == []
    assert watcher.call.queue == "billing"
