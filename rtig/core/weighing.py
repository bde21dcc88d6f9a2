"""Keeps what weighs on a customer's patience in step with what was said, understood and done in the call.

A piece of evidence has its place in time and its name, so one that has changed takes the place of what it was.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from rtig.core import evidence, frustration
from rtig.core.call import Call
from rtig.core.evidence import AGAIN_AMONG, Read
from rtig.core.frustration import Influence, Weighing
from rtig.core.playbook import Playbook
from rtig.core.shape import Span, outside
from rtig.core.transcript import Heard
from rtig.core.utterances import Revised, Utterance

STILL_READING_MS = 3_000
"""A model that reads along has read what was said this long ago."""

T = TypeVar("T")


def spoken(playbook: Playbook, call: Call, revised: Revised) -> Call:
    """Weigh the customer's utterances after a change of them."""
    if not revised.gone and not revised.new:
        return call
    gone = [fact for one in revised.gone for fact in _facts_of(call.weighing, one)]
    new = [
        evidence.said(one, Read(playbook.sentiment.read(one.text), call.tones.get(one.key)), playbook.sentiment)
        for one in revised.new
    ]
    # What follows may be said again of what has changed.
    nearby = revised.utterances[revised.first : revised.last + AGAIN_AMONG]
    gone += [fact for one in nearby for fact in _found(call.weighing, one.end_ms, evidence.name("again", one))]
    for index in range(revised.first, revised.first + len(nearby)):
        again = evidence.said_again(revised.utterances, index, playbook.language)
        if again is not None:
            new.append(again)
    if call.lexicon != playbook.lexicon:
        call = replace(call, lexicon=playbook.lexicon)
    return _weighed(playbook, call, gone, new)


def understood(playbook: Playbook, call: Call, key: str) -> Call:
    """Weigh the utterances again that a model has just read."""
    new = []
    for one in call.utterances.get("customer", ()):
        if one.key == key:
            for fact in _found(call.weighing, one.end_ms, evidence.name("said", one)):
                words = dict(fact.amounts)["words"]
                new.append(evidence.said(one, Read(words, call.tones.get(key)), playbook.sentiment))
    return _weighed(playbook, call, (), new)


def shaped(playbook: Playbook, before: Call, call: Call, held: Sequence[Span], holds: Sequence[Span]) -> Call:
    """Weigh the customer being talked over and waiting, after a change of the shape, the channel or the holds.

    `held` and `holds`: the times on hold before and now.
    """
    over, over_now = _talk_over(before), _talk_over(call)
    gone = [evidence.talked_over(at_ms) for at_ms in _less(over, over_now)]
    new = [evidence.talked_over(at_ms) for at_ms in _less(over_now, over)]
    waits, waits_now = _waits(before, held), _waits(call, holds)
    gone += [wait for gap in _less(waits, waits_now) if (wait := evidence.waited(gap)) is not None]
    new += [wait for gap in _less(waits_now, waits) if (wait := evidence.waited(gap)) is not None]
    return _weighed(playbook, call, gone, new)


def held(playbook: Playbook, call: Call, before: Sequence[Span], until: int, holds: Sequence[Span]) -> Call:
    """Weigh the time on hold. `before` and `until`: the holds as they were weighed last, and the time of that."""
    gone, new = set(evidence.held(before, until)), set(evidence.held(holds, call.now))
    return _weighed(playbook, call, gone - new, new - gone)


def signalled(playbook: Playbook, call: Call, name: str, places: Iterable[Heard]) -> Call:
    """Weigh a signal by all places where its phrases were said."""
    known = call.influences.get(name, ())
    kept = evidence.signalled(playbook.signals[name].signal, list(places))
    if kept == known:
        return call
    influences = call.influences.set(name, kept) if kept else call.influences.delete(name)
    same = next((at for at, (one, other) in enumerate(zip(known, kept, strict=False)) if one != other), None)
    same = min(len(known), len(kept)) if same is None else same
    return replace(_weighed(playbook, call, known[same:], kept[same:]), influences=influences)


def again(playbook: Playbook, call: Call) -> Call:
    """Weigh with another playbook all that does not come of its phrases."""
    known = [fact for fact in call.weighing.facts if not fact.signal]
    call = _weighed(playbook, replace(call, weighing=frustration.begin()), (), known)
    if call.lexicon != playbook.lexicon:
        said = call.utterances.get("customer", ())
        everything = Revised(said, said, said, 0, len(said))
        call = spoken(playbook, replace(call, lexicon=playbook.lexicon), everything)
    return call


def is_read(call: Call, now: int) -> bool:
    """Whether a model reads along: what the customer said lately, but for the last moments, is read."""
    for one in reversed(call.utterances.get("customer", ())):
        if one.key in call.tones:
            return True
        if one.end_ms + STILL_READING_MS <= now:
            return False
    return False


def moved(before: Call, call: Call) -> bool:
    """Whether the score has another history than before. What weighs nothing changes the risk alone."""
    return frustration.moved(before.weighing.state, call.weighing.state)


def _less(some: tuple[T, ...], others: tuple[T, ...]) -> Collection[T]:
    return set(some).difference(others) if some != others else ()


def _talk_over(call: Call) -> tuple[int, ...]:
    return call.shape.talk_over if call.channel == "voice" else ()


def _waits(call: Call, holds: Sequence[Span]) -> tuple[Span, ...]:
    """Where nobody spoke and nobody was on hold, which is weighed by itself."""
    if call.channel != "voice":
        return ()
    return tuple(wait for gap in call.shape.gaps for wait in outside(gap, holds)) if holds else call.shape.gaps


def _facts_of(weighing: Weighing, one: Utterance) -> list[Influence]:
    return [
        *_found(weighing, one.end_ms, evidence.name("said", one)),
        *_found(weighing, one.end_ms, evidence.name("again", one)),
    ]


def _found(weighing: Weighing, at_ms: int, key: str) -> list[Influence]:
    """What was weighed under a name at a time: one influence, or none."""
    index = bisect_left(weighing.facts, (at_ms, key), key=_order)
    known = weighing.facts[index : index + 1]
    return [fact for fact in known if fact.order == (at_ms, key)]


def _order(fact: Influence) -> tuple[int, str]:
    return fact.order


def _weighed(playbook: Playbook, call: Call, gone: Collection[Influence], new: Collection[Influence]) -> Call:
    weighing = call.weighing.revised(
        gone, new, lambda patience, fact: frustration.weigh(playbook.temper, patience, fact)
    )
    if weighing is call.weighing:
        return call
    touched = min(fact.at_ms for fact in (*gone, *new))
    return replace(call, weighing=weighing, touched=min(call.touched, touched))
