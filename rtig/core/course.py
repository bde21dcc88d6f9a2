"""How a call has gone so far, for a supervisor who has just opened it."""

from itertools import pairwise

from rtig.core import frustration, lookup
from rtig.core.call import Call
from rtig.core.events import CardAnswered
from rtig.core.guidance import CardDeeds, Course, CourseStep, Stretch
from rtig.core.playbook import Playbook

MOST_STEPS = 400
WORDS_A_STEP = 3
_DEEDS = ("opened", "copied", "pinned", "useful", "dismissed")


def course(playbook: Playbook, call: Call, clock_ms: int) -> Course:
    """The course by a time on the call's clock, which may be later than its last event."""
    temper, states = playbook.temper, call.weighing.states
    steps = [
        CourseStep(
            at_ms=after.at_ms,
            score=round(after.score, 3),
            band=after.band,
            weight=after.reasons[-1].weight,
            what=after.reasons[-1].what,
            words=after.reasons[-1].words[:WORDS_A_STEP],
        )
        for before, after in pairwise(states)
        if frustration.moved(before, after)
    ]
    return Course(
        call_id=call.call_id,
        at_ms=clock_ms,
        half_life_ms=temper.half_life_ms,
        tense=temper.tense,
        frustrated=temper.frustrated,
        critical=temper.critical,
        steps=tuple(steps[-MOST_STEPS:]),
        holds=tuple(
            Stretch(start_ms=span.start_ms, end_ms=min(span.end_ms, clock_ms)) for span in lookup.holds(call.held)
        ),
        talk_over=call.shape.talk_over if call.channel == "voice" else (),
        deeds=_deeds(call),
    )


def _deeds(call: Call) -> tuple[CardDeeds, ...]:
    done: dict[str, list[CardAnswered]] = {}
    # The order of a `Map` is not the same in every process.
    for answer in sorted(call.answers.values(), key=lambda answer: (answer.card_id, answer.at_ms, answer.answer_id)):
        done.setdefault(answer.card_id, []).append(answer)
    return tuple(
        CardDeeds(
            card_id=card_id,
            did=tuple(action for action in _DEEDS if any(answer.action == action for answer in answers)),
            reason=next((answer.reason for answer in reversed(answers) if answer.reason), ""),
        )
        for card_id, answers in done.items()
    )
