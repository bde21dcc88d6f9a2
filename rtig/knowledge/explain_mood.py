"""Why the customer's mood was what it was: the score over the call, each piece of evidence, and what the risk is of."""

from collections.abc import Iterable

from msgspec import Struct

from rtig.core import engine, frustration, weighing
from rtig.core.call import Call
from rtig.core.events import AnyEvent
from rtig.core.frustration import Kind
from rtig.core.guidance import Band, Quote
from rtig.core.playbook import Playbook
from rtig.knowledge.hearing import Read, folded

IN_WORDS: dict[Kind, str] = {
    "words": "words by the lexicon, mean",
    "upset": "read as upset, mean",
    "pleased": "read as pleased, mean",
    "strain": "like calls that end badly, mean",
    "score": "frustration, when last weighed",
    "heat": "remarks that wear patience",
    "relief": "remarks of relief",
    "refused": "left without help by the agent",
    "again": "had to say it again",
    "talked_over": "talked over",
    "waited": "minutes of waiting",
}


class MoodPoint(Struct, frozen=True, kw_only=True):
    at_ms: int
    score: float
    band: Band


class Evidence(Struct, frozen=True, kw_only=True):
    """What moved the score, by which share, and where it then stood."""

    at_ms: int
    what: str
    weight: float
    score: float
    band: Band
    words: tuple[Quote, ...]


class Part(Struct, frozen=True, kw_only=True):
    """What one kind of evidence adds to the log odds: its value in this call, times its weight."""

    kind: Kind
    meaning: str
    value: float
    weight: float
    adds: float


class MoodStory(Struct, frozen=True, kw_only=True):
    call_id: str
    lasted_ms: int
    reading: str
    curve: tuple[MoodPoint, ...]
    evidence: tuple[Evidence, ...]
    risk: float
    base: float
    """Log odds of a call of which nothing is known."""
    parts: tuple[Part, ...]
    """The largest first."""


def explain_mood(
    playbook: Playbook, events: Iterable[AnyEvent], *, recorded: bool = False, read: Read | None = None
) -> MoodStory:
    """The story of a call's mood; `recorded` and `read` as in `explain`."""
    call_id, folds = folded(playbook, events, recorded=recorded, read=read)
    call = engine.begin(call_id)
    for fold in folds:
        call = fold.call
    return story_of(playbook, call)


def story_of(playbook: Playbook, call: Call) -> MoodStory:
    temper, weighed = playbook.temper, call.weighing
    evidence = []
    for fact, before, after in zip(weighed.facts, weighed.states, weighed.states[1:], strict=False):
        moved = after.score - frustration.faded(temper, before, fact.at_ms)
        if fact.weight and (moved or fact.weight < 0) and after.reasons is not before.reasons:
            reason = after.reasons[-1]
            evidence.append(
                Evidence(
                    at_ms=fact.at_ms, what=fact.what, weight=reason.weight, score=round(after.score, 3),
                    band=after.band, words=fact.quotes,
                )
            )  # fmt: skip
    state = weighed.state
    odds = temper.risk.read if frustration.is_read(state) else temper.risk.unread
    parts = [
        Part(
            kind=kind, meaning=IN_WORDS[kind], value=round(value, 4), weight=odds.weights.get(kind, 0.0),
            adds=round(odds.weights.get(kind, 0.0) * value, 4),
        )
        for kind, value in frustration.features(state).items()
    ]  # fmt: skip
    curve = frustration.curve(temper, weighed, call.now, call.now)
    step = call.now / max(1, len(curve) - 1)
    return MoodStory(
        call_id=call.call_id,
        lasted_ms=call.now,
        reading="words and model" if weighing.is_read(call, call.now) else "words",
        curve=tuple(
            MoodPoint(at_ms=round(number * step), score=score, band=frustration.settled_band(temper, "calm", score))
            for number, score in enumerate(curve)
        ),
        evidence=tuple(evidence),
        risk=round(frustration.risk(temper, state), 4),
        base=odds.base,
        parts=tuple(sorted((part for part in parts if part.weight), key=lambda part: (-abs(part.adds), part.kind))),
    )
