"""What follows from what was heard: where phrases were said, the mood, the shape, the moments, the choice.

Everything here is a function of the words, their times and the clock. It is kept up step by step, and `rebuild` finds
the same from all the words at once.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable

from immutables import Map
from msgspec.structs import replace

from rtig.core import frustration, policy, shape, transcript, triggers
from rtig.core.call import Call
from rtig.core.events import CardAnswered, ToneScored
from rtig.core.frustration import Influence, Weighing
from rtig.core.playbook import ClauseRef, Playbook
from rtig.core.policy import Choice, Choosing, Mute, Shown
from rtig.core.shape import Span
from rtig.core.transcript import Change, Heard, Segment
from rtig.core.triggers import Heardings, Moment, Said

MODEL_FROM = 0.5
MODEL_WEIGHS = 0.4
"""Share of patience that a model's surest negative reading takes."""


def advance(call: Call, at_ms: int) -> Call:
    """The call at a later time. A call that is over stays at its end."""
    return replace(call, now=at_ms) if at_ms > call.now and not call.ended else call


def absorb(playbook: Playbook, call: Call, change: Change) -> Call:
    """Let a change of the transcript reach everything that is derived from it."""
    before = call
    call = replace(call, transcript=change.transcript)
    if not change.settled and not change.unsettled:
        return call
    touched = sorted({h.phrase for segment in (*change.settled, *change.unsettled) for h in segment.heard})
    changed = (*change.unsettled, *change.settled)
    call = _index(call, change.settled, change.unsettled)
    call = _weigh_words(playbook, call, before, changed)
    call = _weigh_tones(playbook, call, before, changed)
    call = _reshape(call, before, changed)
    signals = dict.fromkeys(name for phrase in touched for name in playbook.signals_of_phrase.get(phrase, ()))
    call = _weigh_signals(playbook, call, signals)
    clauses = dict.fromkeys(ref for phrase in touched for ref in playbook.clauses_of_phrase.get(phrase, ()))
    if call.weighing.state.rises != before.weighing.state.rises:
        clauses.update(dict.fromkeys(playbook.mood_clauses))
    if call.shape != before.shape:
        clauses.update(dict.fromkeys(playbook.shape_clauses))
    return look_again(playbook, call, clauses)


def _index(call: Call, settled: tuple[Segment, ...], unsettled: tuple[Segment, ...]) -> Call:
    """Keep `heard` in step with the final segments."""
    if not any(s.heard for s in settled) and not any(s.heard for s in unsettled):
        return call
    places: dict[int, list[Heard]] = {}

    def of(phrase: int) -> list[Heard]:
        return places.setdefault(phrase, list(call.heard.get(phrase, ())))

    for segment in settled:
        for heard in segment.heard:
            insort(of(heard.phrase), heard, key=when_heard)
    for segment in unsettled:
        for heard in segment.heard:
            of(heard.phrase).remove(heard)
    index = call.heard
    for phrase, found in places.items():
        index = index.set(phrase, tuple(found)) if found else index.delete(phrase) if phrase in index else index
    return replace(call, heard=index)


def when_heard(heard: Heard) -> tuple[int, int, str, str]:
    return (heard.end_ms, heard.start_ms, heard.party, heard.quotes[-1].segment_id if heard.quotes else "")


def _weigh_words(playbook: Playbook, call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    """Read the customer's turns again that a change may belong to."""
    weighing = call.weighing
    for segment in changed:
        if segment.party != "customer" or not segment.words.spans:
            continue
        low, high = shape.neighbourhood(before.transcript, call.transcript, segment)
        since = max(low, _since(before, call, segment))
        gone = [
            fact
            for fact in weighing.facts[bisect_left(weighing.facts, since, key=_at) :]
            if fact.at_ms <= high and fact.key.startswith("words:")
        ]
        new = [
            influence
            for part in shape.turns(shape.turn(call.transcript.stream("customer"), low, high))
            for influence in frustration.readings(playbook.sentiment, part, since)
        ]
        weighing = _reweighed(playbook, weighing, gone, new)
    return replace(call, weighing=weighing) if weighing is not call.weighing else call


def _since(before: Call, call: Call, segment: Segment) -> int:
    """From when on a change may read otherwise: the words before it may have ended a part, and now go on into it."""
    since = segment.start_ms
    for state in (before, call):
        stream = state.transcript.stream(segment.party)
        index = bisect_left(stream, segment.place, key=_place) - 1
        while index >= 0 and not stream[index].words.spans:
            index -= 1
        if index >= 0:
            since = min(since, stream[index].end_ms)
    return since


def _at(influence: Influence) -> int:
    return influence.at_ms


def _place(segment: Segment) -> tuple[int, int, str]:
    return segment.place


def _reshape(call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    return replace(call, shape=shape.reshape(call.shape, before.transcript, call.transcript, changed))


def _weigh_signals(playbook: Playbook, call: Call, names: Iterable[str]) -> Call:
    weighing, influences = call.weighing, call.influences
    for name in names:
        source = playbook.signals[name]
        new = {
            place.end_ms: Influence(
                at_ms=place.end_ms,
                key=f"signal:{name}",
                what=source.signal.reason,
                weight=source.signal.weight,
                quotes=place.quotes,
                signal=name,
            )
            for phrase in source.said
            for place in call.heard.get(playbook.phrase_numbers[phrase], ())
            if place.party == "customer"
        }
        known = influences.get(name, ())
        kept = tuple(new[at_ms] for at_ms in sorted(new))
        if kept != known:
            weighing = _reweighed(playbook, weighing, known, kept)
            influences = influences.set(name, kept) if kept else influences.delete(name)
    if weighing is call.weighing and influences is call.influences:
        return call
    return replace(call, weighing=weighing, influences=influences)


def score(playbook: Playbook, call: Call, event: ToneScored) -> Call:
    """A model has read a segment; its older reading of the same segment gives way."""
    readings = call.tones.get(event.segment_id, Map())
    if event.model in readings and event.rev < readings[event.model][0]:
        return call
    before = call
    readings = readings.set(event.model, (event.rev, event.negative))
    call = replace(call, tones=call.tones.set(event.segment_id, readings))
    segment = call.transcript.find(event.segment_id)
    if segment is not None:
        call = _weigh_tones(playbook, call, before, (segment,))
    if call.weighing.state.rises != before.weighing.state.rises:
        call = look_again(playbook, call, playbook.mood_clauses)
    return call


def _weigh_tones(playbook: Playbook, call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    """Weigh what models read in the segments of a change as they are now, not as they were."""
    if not call.tones:
        return call
    ids = dict.fromkeys(segment.id for segment in changed)
    gone = [influence for segment_id in ids for influence in _tones(before, segment_id)]
    new = [influence for segment_id in ids for influence in _tones(call, segment_id)]
    weighing = _reweighed(playbook, call.weighing, gone, new)
    return replace(call, weighing=weighing) if weighing is not call.weighing else call


def _tones(call: Call, segment_id: str) -> list[Influence]:
    """What models read in a final segment of the customer, in the revision that it has."""
    segment = call.transcript.find(segment_id)
    if segment is None or segment.party != "customer" or not segment.words.norms:
        return []
    return [
        Influence(
            at_ms=segment.end_ms,
            key=f"model:{model}:{segment.id}",
            what="tone of voice in words",
            weight=round(max(0.0, negative - MODEL_FROM) / (1 - MODEL_FROM) * MODEL_WEIGHS, 4),
            quotes=(transcript.quote_all(segment),),
            scored=True,
        )
        for model, (rev, negative) in sorted(call.tones.get(segment_id, Map()).items())
        if rev == segment.rev
    ]


def answer(playbook: Playbook, call: Call, event: CardAnswered) -> Call:
    card = call.told.cards.get(event.card_id)
    if card is None or event.action != "dismissed" or event.reason not in ("wrong", "known"):
        return call
    # Not before the card came, which would take it back, nor after the call's end, which would serve what still waits.
    shown = call.told.choice.shown.get(event.card_id)
    at_ms = max(event.at_ms, card.at_ms if shown is None else shown.shown_ms)
    mute = Mute(min(at_ms, max(call.now, card.at_ms)), card.why.rule)
    return replace(call, choosing=_rechosen(playbook, call.choosing, (), (mute,)))


def _reweighed(
    playbook: Playbook, weighing: Weighing, gone: Collection[Influence], new: Collection[Influence]
) -> Weighing:
    return weighing.revised(gone, new, lambda patience, fact: frustration.weigh(playbook.temper, patience, fact))


def _rechosen(
    playbook: Playbook, choosing: Choosing, gone: Collection[Moment], new: Collection[Moment | Mute]
) -> Choosing:
    return choosing.revised(gone, new, lambda choice, fact: policy.choose(playbook.attention, choice, fact))


# --- finding the moments that call for a card


def every_clause(playbook: Playbook) -> list[ClauseRef]:
    return [ClauseRef(rule.id, index) for rule in playbook.rules.values() for index in range(len(rule.clauses))]


def heardings(playbook: Playbook, call: Call, also: dict[int, list[Heard]] | None = None) -> Heardings:
    """`also`: what was heard in words that are not final yet."""

    def said(phrase: str) -> tuple[Heard, ...]:
        number = playbook.phrase_numbers[phrase]
        settled = call.heard.get(number, ())
        return (*settled, *also[number]) if also is not None and number in also else settled

    return Heardings(
        said=said,
        shape=call.shape,
        rises=call.weighing.state.rises,
        channel=call.channel,
        queue=call.queue,
        started=call.started,
        now=call.now,
        quiet=shape.quiet(call.shape, call.transcript, call.now),
    )


def look_again(playbook: Playbook, call: Call, clauses: Iterable[ClauseRef]) -> Call:
    """Look again for the moments of some clauses, and choose again where they differ."""
    refs = list(clauses)
    if not refs:
        return call
    heard = heardings(playbook, call)
    gone: list[Moment] = []
    new: list[Moment] = []
    moments = call.moments
    for ref in refs:
        known = moments.get(ref, ())
        found = _moments(playbook, call, ref, heard)
        if found != known:
            gone.extend(known)
            new.extend(found)
            moments = moments.set(ref, found) if found else moments.delete(ref)
    if moments is call.moments:
        return call
    choosing = _rechosen(playbook, call.choosing, gone, new)
    return replace(call, moments=moments, choosing=choosing)


def _moments(playbook: Playbook, call: Call, ref: ClauseRef, heard: Heardings) -> tuple[Moment, ...]:
    found = triggers.moments(playbook.rules[ref.rule_id], ref.clause, heard)
    if call.unsaid:
        found = [
            replace(m, blocked="late") if not m.blocked and (m.rule.id, m.at_ms) in call.unsaid else m for m in found
        ]
    return tuple(found)


def due(playbook: Playbook, heard: Heardings) -> int | None:
    """When a condition that waits for the clock may next be met."""
    deadlines = (triggers.deadline(playbook.clause(ref).condition, heard) for ref in playbook.timed_clauses)
    return min((at_ms for at_ms in deadlines if at_ms is not None), default=None)


def pass_time(playbook: Playbook, before: Call, call: Call) -> Call:
    """What follows from the clock, and from words that are not final yet and may end a silence, or no longer do."""
    if call.ended:
        return call
    if call.now > before.now:
        change = transcript.forget_unfinished(call.transcript, call.now)
        if change.transcript is not call.transcript:
            call = replace(call, transcript=change.transcript)
    spoken = call.transcript.open is not before.transcript.open
    if not playbook.timed_clauses or (call.now == before.now and not spoken):
        return call
    heard = heardings(playbook, before)
    deadline = due(playbook, heard)
    if (deadline is not None and call.now >= deadline) or (
        spoken
        and _silences(playbook, heard.quiet) != _silences(playbook, shape.quiet(call.shape, call.transcript, call.now))
    ):
        call = look_again(playbook, call, playbook.timed_clauses)
    return call


def _silences(playbook: Playbook, quiet: tuple[Span, ...]) -> list[tuple[int, int]]:
    """The silences that are long enough for some clause: since when, and for which."""
    return [(span.start_ms, ms) for span in quiet for ms in playbook.silences if span.end_ms - span.start_ms >= ms]


def chosen(playbook: Playbook, call: Call) -> Choice:
    choice = policy.serve(playbook.attention, call.choosing.state, call.now)
    return policy.close(choice) if call.ended else choice


def provisional(playbook: Playbook, call: Call, choice: Choice) -> tuple[dict[str, Shown], dict[str, str]]:
    """Cards that would be shown if the steady interim words were final; and, of rules that would not, why not.

    Nothing of this is kept: provisional cards hold no cooldown and spend no budget.
    """
    also: dict[int, list[Heard]] = {}
    for segment in call.transcript.open.values():
        for place in segment.heard:
            also.setdefault(place.phrase, []).append(place)
    if not also:
        return {}, {}
    heard = heardings(playbook, call, also)
    new: list[Moment] = []
    doubts: dict[str, str] = {}
    for ref in dict.fromkeys(r for phrase in sorted(also) for r in playbook.clauses_of_phrase.get(phrase, ())):
        if isinstance(playbook.clause(ref).condition, Said):
            known = {m.order for m in call.moments.get(ref, ())}
            for moment in _moments(playbook, call, ref, heard):
                if moment.blocked:
                    doubts[ref.rule_id] = moment.blocked
                elif moment.order not in known:
                    new.append(moment)
    if not new:
        return {}, doubts
    choosing = _rechosen(playbook, call.choosing, (), new)
    guess = policy.serve(playbook.attention, choosing.state, call.now)
    wanted = {m.order for m in new}
    early = {
        card_id: shown
        for card_id, shown in guess.shown.items()
        if shown.moment.order in wanted and card_id not in choice.shown
    }
    return early, doubts


# --- with another playbook


def rebuild(playbook: Playbook, call: Call) -> Call:
    """The call as if all its words had been heard with this playbook.

    Cards that would be new now are left unsaid, and a rule that is new works from the next words on.
    """
    whole = transcript.relisten(call.transcript, playbook.automaton)
    segments = tuple(segment for stream in whole.streams.values() for segment in stream)
    empty = Call(call_id=call.call_id)
    fresh = replace(
        call, transcript=whole, shape=empty.shape, heard=empty.heard, influences=empty.influences,
        weighing=empty.weighing, moments=empty.moments,
        choosing=_rechosen(playbook, policy.begin(), (), [f for f in call.choosing.facts if isinstance(f, Mute)]),
    )  # fmt: skip
    fresh = _weigh_words(playbook, _index(fresh, segments, ()), call, segments)
    fresh = _weigh_tones(playbook, fresh, call, segments)
    fresh = _reshape(fresh, call, segments)
    fresh = _weigh_signals(playbook, fresh, playbook.signals)
    fresh = look_again(playbook, fresh, every_clause(playbook))
    known = _met(call)
    unsaid = fresh.unsaid.update({met: True for met in _met(fresh) if met not in known})
    if len(unsaid) > len(fresh.unsaid):
        fresh = look_again(playbook, replace(fresh, unsaid=unsaid), every_clause(playbook))
    missed = fresh.missed
    for card_id in chosen(playbook, fresh).shown:
        if card_id not in call.told.cards or call.told.cards[card_id].state == "retracted":
            missed = missed.set(card_id, "superseded")
    return replace(fresh, missed=missed)


def _met(call: Call) -> dict[tuple[str, int], None]:
    """The rules that were met, and when."""
    return dict.fromkeys((m.rule.id, m.at_ms) for found in call.moments.values() for m in found if not m.blocked)
