"""What follows from what was heard: where phrases were said, the mood, the shape, the moments, the choice.

Everything here is a function of the words, their times and the clock. It is kept up step by step, and `rebuild` finds
the same from all the words at once.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Mapping

from immutables import Map
from msgspec.structs import replace

from rtig.core import conditions, evidence, lookup, policy, shape, transcript, triggers, utterances, weighing
from rtig.core.call import Call
from rtig.core.conditions import Heardings, Monologue, Silence, TalkOver
from rtig.core.events import CardAnswered, CardMissed, HoldChanged, Party, UtteranceRead
from rtig.core.playbook import ClauseRef, Playbook
from rtig.core.policy import Choice, Choosing, Mute, Shown, Unseen
from rtig.core.shape import FOR_EVER, Span
from rtig.core.transcript import Change, Heard, Segment
from rtig.core.triggers import Moment
from rtig.core.utterances import Meant, Utterance

MEANT_FROM = 0.5
"""Models' thresholds are set here: see `UtteranceRead`."""
REACH_MS = triggers.DONE_REACH_MS
"""What is said bears on moments this long before, and on none earlier: it may have done what they call for."""
NEAR_TIE = 0.1
"""Another article this near to the likeliest one is about as likely."""


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
    call = _index(playbook, call, change.settled, change.unsettled)
    if touched:
        call = replace(call, phrases=tuple(touched))
    call = _reshape(call, before, changed)
    if call.shape is not before.shape:
        on_hold = lookup.holds(call.held)
        call = weighing.shaped(playbook, before, call, on_hold, on_hold)
    call = _reutter(playbook, call, before, changed)
    signals = dict.fromkeys(name for phrase in touched for name in playbook.signals_of_phrase.get(phrase, ()))
    call = _weigh_signals(playbook, call, signals)
    clauses = dict.fromkeys(ref for phrase in touched for ref in playbook.clauses_of_phrase.get(phrase, ()))
    if weighing.moved(before, call):
        clauses.update(dict.fromkeys(playbook.mood_clauses))
    hushed = bool(playbook.silences) and _silences(playbook, before) != _silences(playbook, call)
    if hushed:
        call = _hushed(before, call)
    clauses.update(dict.fromkeys(_of_shape(playbook, before, call, hushed)))
    clauses.update(_of_meanings(playbook, before, call))
    return look_again(playbook, _turns_over(before, call), clauses)


def _touched(call: Call, at_ms: int) -> Call:
    """The call, of which something has changed from a time on."""
    return replace(call, touched=at_ms) if at_ms < call.touched else call


def _hushed(before: Call, call: Call) -> Call:
    """The call, in which nobody has spoken at other times since the last words that are final."""
    return _touched(call, min(shape.last_words(one.shape) or 0 for one in (before, call)))


def _turns_over(before: Call, call: Call) -> Call:
    """The call, in which what was meant in turns counts that were still going on before."""
    began = (start_ms for _, start_ms in lookup.growing(before)) if before.readings else ()
    return _touched(call, min(began, default=FOR_EVER))


def _index(playbook: Playbook, call: Call, settled: tuple[Segment, ...], unsettled: tuple[Segment, ...]) -> Call:
    """Keep `heard` in step with the final segments."""
    if not any(s.heard for s in settled) and not any(s.heard for s in unsettled):
        return call
    places: dict[int, list[Heard]] = {}

    def of(phrase: int) -> list[Heard]:
        if phrase not in places:
            places[phrase] = list(call.heard.get(phrase, ()))
        return places[phrase]

    for segment in settled:
        for heard in segment.heard:
            known = of(heard.phrase)
            if not known or lookup.when_heard(known[-1]) <= lookup.when_heard(heard):
                known.append(heard)
            else:
                insort(known, heard, key=lookup.when_heard)
    for segment in unsettled:
        for heard in segment.heard:
            known = of(heard.phrase)
            del known[known.index(heard, bisect_left(known, lookup.when_heard(heard), key=lookup.when_heard))]
    changed = [h for segment in (*settled, *unsettled) for h in segment.heard]
    call = replace(call, heard=lookup.indexed(call.heard, places))
    since = min(h.start_ms for h in (*changed, *lookup.followed(playbook, call.heard, changed)))
    return _touched(replace(call, standing=lookup.standing_since(playbook, call, call.heard, places, since)), since)


def _reshape(call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    after = shape.reshape(call.shape, before.transcript, call.transcript, changed)
    if after is call.shape:
        return call
    began = (shape.turns_differ_from(before.shape, after, segment) for segment in changed if segment.words.size)
    return _touched(replace(call, shape=after), min(began))


def _weigh_signals(playbook: Playbook, call: Call, names: Iterable[str]) -> Call:
    for name in names:
        said = lookup.said_places(playbook, call, playbook.signals[name].said)
        call = weighing.signalled(playbook, call, name, (place for _, places in said for place in places))
    return call


def hold(playbook: Playbook, call: Call, event: HoldChanged) -> Call:
    """The customer was put on hold or taken off it."""
    before, held = call, tuple(sorted({*call.held, (event.at_ms, event.on)}))
    call = _touched(call, event.at_ms)
    call = weighing.shaped(playbook, call, replace(call, held=held), lookup.holds(call.held), lookup.holds(held))
    clauses = dict.fromkeys(playbook.hold_clauses)
    if weighing.moved(before, call):
        clauses |= dict.fromkeys(playbook.mood_clauses)
    return look_again(playbook, call, clauses)


# --- what was meant


def read(playbook: Playbook, call: Call, event: UtteranceRead) -> Call:
    """A model has read an utterance: its mood, and its meaning, where that was asked for by this playbook."""
    before = call
    if event.tone is not None and event.utterance not in call.tones:
        call = weighing.understood(
            playbook, replace(call, tones=call.tones.set(event.utterance, event.tone)), event.utterance
        )
    clauses = dict.fromkeys(playbook.mood_clauses if weighing.moved(before, call) else ())
    if event.meanings == playbook.meanings_version and event.utterance not in call.readings:
        readings = call.readings.set(event.utterance, event.scores)
        call = replace(call, readings=readings, meanings=event.meanings)
        found = [one for one in _all_utterances(call) if one.key == event.utterance]
        call = _remean(playbook, call, (), found)
        clauses |= _of_meanings(playbook, before, call)
    return look_again(playbook, call, clauses)


def unread(playbook: Playbook, call: Call) -> list[Utterance]:
    """What a model has still to read, the latest first."""
    waiting = [
        one
        for party in _kept(playbook)
        for one in call.utterances.get(party, ())
        if one.key not in call.readings and (party in playbook.parties_read or one.key not in call.tones)
    ]
    return sorted(waiting, key=lambda one: -one.end_ms)


def _reutter(playbook: Playbook, call: Call, before: Call, changed: tuple[Segment, ...]) -> Call:
    """Keep the utterances in step with the final segments."""
    for segment in changed:
        if segment.party in _kept(playbook) and segment.words.size:
            low, high = shape.neighbourhood(before.transcript, call.transcript, segment)
            turn = shape.turn(call.transcript.stream(segment.party), low, high)
            found = utterances.revised(call.utterances.get(segment.party, ()), turn, low, high)
            call = replace(call, utterances=call.utterances.set(segment.party, found.utterances))
            if segment.party == "customer":
                call = weighing.spoken(playbook, call, found)
            if call.readings:
                call = _remean(playbook, call, found.gone, found.new)
    return call


def _kept(playbook: Playbook) -> tuple[Party, ...]:
    """Whose utterances are kept: the customer's for their mood, and the others' where a meaning is waited for."""
    return ("customer", "agent") if "agent" in playbook.parties_read else ("customer",)


def _remean(playbook: Playbook, call: Call, gone: Collection[Utterance], new: Collection[Utterance]) -> Call:
    """Keep `meant` in step with the utterances and their readings."""
    index: dict[str, list[Meant]] = {}

    def of(meaning: str) -> list[Meant]:
        return index.setdefault(meaning, list(call.meant.get(meaning, ())))

    for one in gone:
        for meaning, meant in _meant(playbook, call, one):
            of(meaning).remove(meant)
    for one in new:
        for meaning, meant in _meant(playbook, call, one):
            insort(of(meaning), meant, key=_when_meant)
    call = _touched(call, min((one.start_ms for one in (*gone, *new)), default=FOR_EVER))
    kept = call.meant
    for meaning, found in index.items():
        kept = kept.set(meaning, tuple(found)) if found else kept.delete(meaning) if meaning in kept else kept
    return replace(call, meant=kept) if index else call


def _when_meant(meant: Meant) -> tuple[int, int, str, float, str]:
    return (meant.end_ms, meant.start_ms, meant.party, -meant.score, meant.utterance)


def rescoped(playbook: Playbook, before: Call, call: Call) -> Call:
    """The call when it is known where it takes place: every utterance is looked at again for what it means here."""
    call = _remean(playbook, replace(call, meant=Map()), (), _all_utterances(call))
    on_hold = lookup.holds(call.held)
    call = weighing.shaped(playbook, before, call, on_hold, on_hold)
    return look_again(playbook, call, in_play(playbook, call), 0)


def end(playbook: Playbook, before: Call, call: Call) -> Call:
    """The last word on everything: no time passes for a call that is over, and no turn goes on."""
    call = _touched(_hushed(before, _turns_over(before, call)), before.now)
    return look_again(playbook, call, in_play(playbook, call))


def _all_utterances(call: Call) -> list[Utterance]:
    return [one for said in call.utterances.values() for one in said]


def _meant(playbook: Playbook, call: Call, one: Utterance) -> Iterable[tuple[str, Meant]]:
    """What an utterance means: of the meanings that compete the likeliest, and each of the others.

    A meaning whose rule is not for this call takes nothing from one whose rule is.
    """
    competing: list[tuple[str, float]] = []
    for name, score in sorted(call.readings.get(one.key, {}).items(), key=lambda item: (-item[1], item[0])):
        meaning = playbook.meanings.get(name)
        if meaning is None or score < MEANT_FROM - NEAR_TIE or not conditions.by(one.party, meaning.party):
            continue
        rule = playbook.rules.get(meaning.rule)  # none: a slot waits for it
        barred = rule is not None and bool(call.scope.bars(rule))
        if not meaning.competes:
            if score >= MEANT_FROM:
                yield name, _meant_by(one, score)
        elif barred:
            if not competing and score >= MEANT_FROM:
                yield name, _meant_by(one, score)
        else:
            competing.append((name, score))
    if competing and competing[0][1] >= MEANT_FROM:
        (name, score), *others = competing
        yield name, _meant_by(one, score, tuple(other for other in others if other[1] >= score - NEAR_TIE))


def _meant_by(one: Utterance, score: float, near: tuple[tuple[str, float], ...] = ()) -> Meant:
    return Meant(one.key, score, one.party, one.start_ms, one.end_ms, one.quotes, near)


def _of_shape(playbook: Playbook, before: Call, call: Call, hushed: bool) -> Iterator[ClauseRef]:
    """The clauses that wait for a part of the shape that is another now. `hushed`: the latest silences are others."""
    then, now = before.shape, call.shape
    if now is not then:
        for kind, refs in playbook.shape_clauses.items():
            if kind is Silence:
                changed = hushed or now.gaps != then.gaps
            elif kind is TalkOver:
                changed = now.talk_over != then.talk_over
            elif kind is Monologue:
                changed = now.floors != then.floors
            else:
                changed = now.turns is not then.turns
            if changed:
                yield from refs


def _of_meanings(playbook: Playbook, before: Call, call: Call) -> dict[ClauseRef, None]:
    """The clauses that wait for meanings that may be found elsewhere now."""
    if call.meant is before.meant and call.utterances is before.utterances:
        return {}
    return dict.fromkeys(
        ref
        for meaning, refs in playbook.clauses_of_meaning.items()
        if call.meant.get(meaning) or before.meant.get(meaning)
        for ref in refs
    )


def answer(playbook: Playbook, call: Call, event: CardAnswered) -> Call:
    card = call.told.cards.get(event.card_id)
    if card is None or event.action != "dismissed" or event.reason not in ("wrong", "known"):
        return call
    # Not before the card came, which would take it back, nor after the call's end, which would serve what still waits.
    shown = call.told.choice.shown.get(event.card_id)
    at_ms = max(event.at_ms, card.at_ms if shown is None else shown.shown_ms)
    mute = Mute(min(at_ms, max(call.now, card.at_ms)), card.why.rule)
    return replace(call, choosing=_rechosen(playbook, call.choosing, (), (mute,)))


def miss(playbook: Playbook, call: Call, event: CardMissed) -> Call:
    """Nobody saw a card."""
    if event.early:
        return replace(call, missed_early=call.missed_early.set(event.card_id, None))
    call = replace(call, missed=call.missed.set(event.card_id, "late"))
    shown = call.told.choice.shown.get(event.card_id)
    if shown is None:
        return call
    unseen = Unseen(shown.shown_ms, shown.moment.rule.id, shown.number)
    return replace(call, choosing=_rechosen(playbook, call.choosing, (), (unseen,)))


def _rechosen(
    playbook: Playbook, choosing: Choosing, gone: Collection[Moment], new: Collection[Moment | Mute | Unseen]
) -> Choosing:
    return choosing.revised(gone, new, lambda choice, fact: policy.choose(playbook.attention, choice, fact))


# --- finding the moments that call for a card


def in_play(playbook: Playbook, call: Call) -> dict[ClauseRef, None]:
    """The clauses that something in a call can have met: what was heard or meant, the mood, the shape, the clock.

    Of a big playbook that is next to nothing, and to look at the rest would hold up the other calls.
    """
    found = dict.fromkeys(ref for phrase in call.heard for ref in playbook.clauses_of_phrase.get(phrase, ()))
    found |= dict.fromkeys(ref for meaning in call.meant for ref in playbook.clauses_of_meaning.get(meaning, ()))
    shaped = playbook.shape_clauses.values()
    for refs in (playbook.mood_clauses, *shaped, playbook.hold_clauses, playbook.timed_clauses):
        found |= dict.fromkeys(refs)
    return found | dict.fromkeys(call.moments)


def look_again(playbook: Playbook, call: Call, clauses: Iterable[ClauseRef], since: int | None = None) -> Call:
    """Look again for the moments of some clauses, and choose again where they differ.

    From a time on, by default from where this event has changed something.
    """
    refs = list(clauses)
    if not refs:
        return call
    since = max(0, call.touched - REACH_MS if since is None else since)
    slots: dict[str, lookup.Captured] = {}
    heard = lookup.heardings(playbook, call, since, slots=slots)
    gone: list[Moment] = []
    new: list[Moment] = []
    moments, deadlines = call.moments, call.deadlines
    for ref in refs:
        known = moments.get(ref, ())
        first = bisect_left(known, since, key=_met_at)
        found, deadline = _moments(playbook, call, ref, heard, since)
        if found != known[first:]:
            gone.extend(known[first:])
            new.extend(found)
            whole = known[:first] + found
            moments = moments.set(ref, whole) if whole else moments.delete(ref)
        for slot in playbook.slots_of_clause.get(ref, ()):
            heard.captured(slot)  # some conditions are not looked at to their end
        if ref in playbook.deadline_clauses and deadline != deadlines.get(ref):
            deadlines = deadlines.delete(ref) if deadline is None else deadlines.set(ref, deadline)
    captures = call.captures
    for slot, taken in slots.items():
        if captures.get(slot) != taken:
            captures = captures.set(slot, taken)
    if captures is not call.captures:
        call = replace(call, captures=captures)
    if moments is not call.moments:
        choosing = _rechosen(playbook, call.choosing, gone, new)
        return replace(call, moments=moments, deadlines=deadlines, choosing=choosing)
    return call if deadlines is call.deadlines else replace(call, deadlines=deadlines)


def _met_at(moment: Moment) -> int:
    return moment.at_ms


def _moments(
    playbook: Playbook, call: Call, ref: ClauseRef, heard: Heardings, since: int
) -> tuple[tuple[Moment, ...], int | None]:
    """A clause's moments from a time on, and when the clock alone may bring the next one."""
    found, deadline = triggers.moments(playbook.rules[ref.rule_id], ref.clause, heard, call.scope, since)
    if call.unsaid:
        found = [
            replace(m, blocked="late") if not m.blocked and (m.rule.id, m.at_ms) in call.unsaid else m for m in found
        ]
    return tuple(found), deadline


def foresee(playbook: Playbook, before: Call, call: Call) -> Call:
    """Find when a condition that waits for the clock may next be met, or a turn that means something will be over."""
    if not call.started or call.ended:
        return call if call.due is None else replace(call, due=None)
    silent = call.transcript.open is before.transcript.open and not differs(before, call)
    if silent and call.deadlines is before.deadlines and call.readings is before.readings:
        return call
    times = [*call.deadlines.values()]
    times += (one.end_ms + transcript.PAUSE_MS for one in lookup.growing(call).values() if one.key in call.readings)
    times += _next_silences(playbook, call)
    if playbook.silence_clauses:
        heard = lookup.heardings(playbook, call)
        silences = (conditions.deadline(playbook.clause(ref).condition, heard) for ref in playbook.silence_clauses)
        times += (at_ms for at_ms in silences if at_ms is not None)
    due = min(times, default=None)
    return call if due == call.due else replace(call, due=due)


def _next_silences(playbook: Playbook, call: Call) -> Iterator[int]:
    """When the silence that goes on now will be long enough for something; this is asked at every word."""
    if playbook.plain_silences and call.channel == "voice":
        quiet = shape.quiet(call.shape, call.transcript, call.now)
        if quiet:
            since = Span(quiet[-1].start_ms, FOR_EVER)
            for span in shape.outside(since, lookup.holds(call.held)) if call.held else (since,):
                times = (span.start_ms + ms for ms in playbook.plain_silences)
                yield from (at_ms for at_ms in times if call.now < at_ms <= span.end_ms)


def differs(before: Call, call: Call) -> bool:
    """Whether conditions may look at anything else than before, but for words that are not final and end a silence."""
    return (
        call.heard is not before.heard
        or call.meant is not before.meant
        or weighing.moved(before, call)
        or call.shape is not before.shape
        or call.held is not before.held
        or (call.started, call.ended) != (before.started, before.ended)
        or call.told.playbook != before.told.playbook
        or (before.due is not None and call.now >= before.due)
    )


def pass_time(playbook: Playbook, before: Call, call: Call) -> Call:
    """What follows from the clock, and from words that are not final yet and may end a silence, or no longer do."""
    if call.held and (call.now > before.now or call.held is not before.held):
        then, now = lookup.holds(before.held), lookup.holds(call.held)
        minute = evidence.next_minute(then, before.now)
        if then != now or (minute is not None and minute <= call.now):
            weighed = weighing.held(playbook, call, then, before.now, now)
            call = look_again(playbook, weighed, playbook.mood_clauses) if weighing.moved(call, weighed) else weighed
    if call.ended:
        return call
    if call.now > before.now:
        change = transcript.forget_unfinished(call.transcript, call.now)
        if change.transcript is not call.transcript:
            call = replace(call, transcript=change.transcript)
    spoken = call.transcript.open is not before.transcript.open
    hushed = spoken and bool(playbook.silences) and _silences(playbook, before) != _silences(playbook, call)
    if hushed:
        call = _hushed(before, call)
    if before.due is not None and call.now >= before.due:
        over = lookup.growing(before).keys() - lookup.growing(call).keys()
        grown = (
            dict.fromkeys(ref for meaning in playbook.meanings for ref in playbook.clauses_of_meaning.get(meaning, ()))
            if over
            else {}
        )
        call = _touched(_turns_over(before, call), before.now)
        return look_again(playbook, call, {**dict.fromkeys(playbook.timed_clauses), **grown})
    return look_again(playbook, call, playbook.timed_clauses) if hushed else call


def _silences(playbook: Playbook, call: Call) -> list[tuple[int, int, int]]:
    """The silences that are long enough for some clause: from when, until when, and for which."""
    since = shape.last_words(call.shape)
    if since is not None and call.now - since < playbook.silences[0]:
        return []
    spans = shape.quiet(call.shape, call.transcript, call.now)
    return [
        (span.start_ms, FOR_EVER if span is spans[-1] else span.end_ms, ms)
        for span in spans
        for ms in playbook.silences
        if span.end_ms - span.start_ms >= ms
    ]


def chosen(playbook: Playbook, call: Call) -> Choice:
    choice = policy.serve(playbook.attention, call.choosing.state, call.now)
    return policy.close(choice) if call.ended else choice


def provisional(playbook: Playbook, call: Call, choice: Choice) -> tuple[dict[str, Shown], dict[str, str]]:
    """Cards that would be shown if the steady interim words were final; and, of rules that would not, why not.

    Nothing of this is kept: provisional cards hold no cooldown and spend no budget.
    """
    also = _open_places(call)
    growing = {which for which, one in lookup.growing(call).items() if one.key in call.readings}
    meanings = (
        [name for name, found in call.meant.items() if any((one.utterance, one.start_ms) in growing for one in found)]
        if growing
        else []
    )
    refs = dict.fromkeys(ref for phrase in sorted(also) for ref in playbook.clauses_called.get(phrase, ()))
    refs |= dict.fromkeys(ref for meaning in sorted(meanings) for ref in playbook.clauses_of_meaning.get(meaning, ()))
    if not refs:
        return {}, {}
    began = [place.start_ms for places in also.values() for place in places]
    since = max(0, min((*began, *(start_ms for _, start_ms in growing))) - REACH_MS)
    heard = lookup.heardings(playbook, _with_open(playbook, call, also), since, early=True)
    new: list[Moment] = []
    doubts: dict[str, str] = {}
    for ref in refs:
        known = {m.order for m in call.moments.get(ref, ())}
        for moment in _moments(playbook, call, ref, heard, since)[0]:
            if moment.blocked:
                doubts[ref.rule_id] = moment.blocked
            elif moment.order not in known:
                new.append(moment)
    if not new:
        return {}, doubts
    choosing = _rechosen(playbook, call.choosing, (), new)
    guess = policy.serve(playbook.attention, choosing.state, call.now)
    wanted = {m.order for m in new}
    likely = {
        card_id: shown
        for card_id, shown in guess.shown.items()
        if shown.moment.order in wanted and card_id not in choice.shown
    }
    return likely, doubts


def _with_open(playbook: Playbook, call: Call, also: Mapping[int, list[Heard]]) -> Call:
    """The call as if the steady words of open segments were final."""
    heard = lookup.indexed(
        call.heard, {phrase: (*call.heard.get(phrase, ()), *places) for phrase, places in also.items()}
    )
    changed = [place for places in also.values() for place in places]
    since = min((h.start_ms for h in (*changed, *lookup.followed(playbook, heard, changed))), default=0)
    return replace(call, heard=heard, standing=lookup.standing_since(playbook, call, heard, also, since))


def being_done(playbook: Playbook, call: Call, moment: Moment) -> bool:
    """Whether the agent is just saying, in words that are not final yet, what makes a moment's card needless."""
    done = moment.rule.clauses[moment.clause].done
    if not done or not call.transcript.open or moment.rule.exempt:
        return False
    heard = {phrase: tuple(places) for phrase, places in _open_places(call).items()}
    return any(
        triggers.does(place, moment.since_ms, moment.at_ms)
        for phrase in done
        for place in lookup.heard_places(playbook, heard, phrase)
    )


def _open_places(call: Call) -> dict[int, list[Heard]]:
    """Where phrases were heard in the steady words of open segments."""
    found: dict[int, list[Heard]] = {}
    for segment in call.transcript.open.values():
        for place in segment.heard:
            found.setdefault(place.phrase, []).append(place)
    return found


# --- with another playbook


def rebuild(playbook: Playbook, call: Call) -> Call:
    """The call as if all its words so far had been heard with this playbook.

    Cards that would be new now are left unsaid, and a rule that is new works from the next words on.
    """
    whole = transcript.relisten(call.transcript, playbook.matcher)
    segments = tuple(segment for stream in whole.streams.values() for segment in stream)
    empty = Call(call_id=call.call_id)
    fresh = replace(
        call, transcript=whole, heard=empty.heard, standing=empty.standing, captures=empty.captures,
        influences=empty.influences, moments=empty.moments, deadlines=empty.deadlines, alerted=empty.alerted,
        utterances=_uttered(playbook, call), meant=empty.meant,
        readings=call.readings if call.meanings == playbook.meanings_version else empty.readings,
        choosing=_rechosen(
            playbook, policy.begin(), (), [f for f in call.choosing.facts if isinstance(f, Mute | Unseen)]
        ),
    )  # fmt: skip
    fresh = _index(playbook, fresh, segments, ())
    fresh = weighing.again(playbook, fresh)
    fresh = _remean(playbook, fresh, (), _all_utterances(fresh))
    fresh = _weigh_signals(playbook, fresh, playbook.signals)
    clauses = in_play(playbook, fresh)
    fresh = look_again(playbook, fresh, clauses, 0)
    known = _met(call)
    unsaid = fresh.unsaid.update({met: True for met in _met(fresh) if met not in known})
    if len(unsaid) > len(fresh.unsaid):
        fresh = look_again(playbook, replace(fresh, unsaid=unsaid), clauses, 0)
    missed = fresh.missed
    for card_id in chosen(playbook, fresh).shown:
        if card_id not in call.told.cards or call.told.cards[card_id].state == "retracted":
            missed = missed.set(card_id, "superseded")
    return replace(fresh, missed=missed)


def _uttered(playbook: Playbook, call: Call) -> Map[str, tuple[Utterance, ...]]:
    """What a playbook is given of what was said; another one may have been given less."""
    found = {}
    for party in _kept(playbook):
        known = call.utterances.get(party)
        if known is None:
            known = utterances.revised((), call.transcript.stream(party), 0, FOR_EVER).utterances
        if known:
            found[party] = known
    return Map(found)


def _met(call: Call) -> dict[tuple[str, int], None]:
    """The rules that were met, and when."""
    return dict.fromkeys((m.rule.id, m.at_ms) for found in call.moments.values() for m in found if not m.blocked)
