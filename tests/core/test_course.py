"""The course of a call: its score from the start, what moved it, holds and talk-over, and what the agent did."""

import pytest
from calls import CALL, call, playbook, say
from msgspec.structs import replace

from rtig.core import course, engine, frustration
from rtig.core.call import Call
from rtig.core.course import MOST_STEPS, WORDS_A_STEP
from rtig.core.events import AnyEvent, CallStarted, CardAnswered, HoldChanged
from rtig.core.guidance import CardDeeds, CourseStep, Stretch

PLAYBOOK = playbook()
ANGRY = [
    say("customer", 0, "this is the third time i am calling"),
    say("customer", 6_000, "it is a terrible awful service i hate it"),
    say("customer", 12_000, "that is great"),
]


def state_after(events: list[AnyEvent]) -> Call:
    return list(engine.replay(PLAYBOOK, CALL, events))[-1].call


def test_a_call_that_begins_has_no_course_yet() -> None:
    told = course.course(PLAYBOOK, state_after([CallStarted(call_id=CALL)]), 5_000)
    temper = PLAYBOOK.temper
    assert (told.call_id, told.at_ms, told.steps, told.holds, told.talk_over, told.deeds) == (
        CALL,
        5_000,
        (),
        (),
        (),
        (),
    )
    assert (told.half_life_ms, told.tense, told.frustrated, told.critical) == (temper.half_life_ms, *temper.thresholds)


def test_each_step_says_what_moved_the_score_and_the_curve_between_follows_from_them() -> None:
    state = state_after(call(ANGRY))
    told = course.course(PLAYBOOK, state, state.now)
    assert [step.what for step in told.steps] == [reason.what for reason in state.weighing.state.reasons]
    assert {step.weight > 0 for step in told.steps} == {True, False}
    assert "third time" in told.steps[0].words[0].text
    before = (0.0, 0)
    for step in told.steps:
        score, at_ms = before
        faded = score * 0.5 ** ((step.at_ms - at_ms) / told.half_life_ms)
        moved = faded + (1 - faded) * step.weight if step.weight > 0 else faded * (1 + step.weight)
        assert step.score == pytest.approx(moved, abs=0.002)
        before = (step.score, step.at_ms)
    assert told.steps[-1].band == state.weighing.state.band


def test_what_weighs_nothing_is_no_step_and_a_long_call_has_its_last_ones() -> None:
    def weighed(count: int, weight: float) -> Call:
        facts = [
            frustration.Influence(n * 1_000, f"k{n:05}", f"at {n}", weight if n % 2 else 0.0) for n in range(count)
        ]
        temper = PLAYBOOK.temper
        return replace(
            state_after([CallStarted(call_id=CALL)]),
            weighing=frustration.begin().revised((), facts, lambda p, i: frustration.weigh(temper, p, i)),
        )

    assert [step.what for step in course.course(PLAYBOOK, weighed(5, 0.1), 5_000).steps] == ["at 1", "at 3"]
    many = course.course(PLAYBOOK, weighed(2 * MOST_STEPS + 10, 0.1), 0).steps
    assert (len(many), many[-1].what) == (MOST_STEPS, f"at {2 * MOST_STEPS + 9}")


def test_a_step_quotes_a_few_words() -> None:
    for step in course.course(PLAYBOOK, state_after(call(ANGRY)), 0).steps:
        assert isinstance(step, CourseStep)
        assert len(step.words) <= WORDS_A_STEP


def test_holds_end_with_the_clock_at_the_latest() -> None:
    holds = [
        HoldChanged(call_id=CALL, on=on, at_ms=at_ms) for on, at_ms in ((True, 1_000), (False, 4_000), (True, 9_000))
    ]
    state = state_after([CallStarted(call_id=CALL), *holds])
    assert course.course(PLAYBOOK, state, 12_000).holds == (
        Stretch(start_ms=1_000, end_ms=4_000),
        Stretch(start_ms=9_000, end_ms=12_000),
    )


def test_the_agent_talks_over_the_customer_on_the_phone_only() -> None:
    said = call([say("customer", 0, "so what i wanted to say is that my bill is wrong"), say("agent", 1_000, "wait")])
    phone = state_after(said)
    chat = state_after([CallStarted(call_id=CALL, channel="chat"), *said[1:]])
    assert course.course(PLAYBOOK, phone, 9_000).talk_over == (1_000,)
    assert course.course(PLAYBOOK, chat, 9_000).talk_over == ()


def test_what_the_agent_did_with_each_card_is_told_once() -> None:
    def did(number: int, card_id: str, action: str, reason: str = "") -> CardAnswered:
        return CardAnswered(
            call_id=CALL,
            card_id=card_id,
            action=action,  # type: ignore[arg-type]
            reason=reason,  # type: ignore[arg-type]
            at_ms=number,
            answer_id=f"a{number}",
        )

    answers = [
        did(1, "b.1", "useful"),
        did(2, "b.1", "opened"),
        did(3, "a.1", "dismissed"),
        did(4, "a.1", "dismissed", "late"),
        did(5, "b.1", "opened"),
    ]
    state = state_after([CallStarted(call_id=CALL)])
    for one in answers:
        state = replace(state, answers=state.answers.set(one.answer_id, one))
    assert course.course(PLAYBOOK, state, 0).deeds == (
        CardDeeds(card_id="a.1", did=("dismissed",), reason="late"),
        CardDeeds(card_id="b.1", did=("opened", "useful")),
    )
