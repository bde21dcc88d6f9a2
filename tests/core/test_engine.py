"""The fold: the same words give the same cards, however they were cut, sent again, reordered and revised."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from calls import CALL, WORD_MS, Spoken, call, cards, confirmed, playbook, rule, say, segment
from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.core import engine
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
from rtig.core.guidance import Card, Checklist, Guidance, Line, Mood, Withheld
from rtig.core.playbook import Source
from rtig.core.triggers import Said

PLAYBOOK = playbook()

VOCABULARY = (
    "bill has doubled higher why am i paying cancel my the contract plan appointment router restarting help speak to a "
    "manager put you through call is recorded third time calling that great terrible awful not good um uh I'm don't"
).split()


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
        for first, last in zip(edges, edges[1:], strict=False):
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
    at_once = engine.rebuild(PLAYBOOK, state)
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
