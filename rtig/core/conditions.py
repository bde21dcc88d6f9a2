"""What calls for a card, and when it is so: what was said or meant, the state of the call, and combinations of them.

Over the whole call a condition *holds* in some stretches of time and is *met* at some moments: where it begins to hold,
and again where what it waits for is said again. Both follow from the words and their times; what lies after now is what
will be if nothing more is heard, which is how the clock knows when to look again. Nothing that is heard changes what
was before it, so a call that is long already is looked at from where it has changed.

    all   holds where all its parts hold; it is met where the last of them begins to, or one is met again
    any   holds where one of its parts holds; it is met where any is
    not   holds where its part does not, as far as is known at the time; it is never met by itself
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeVar, assert_never

from msgspec import Struct

from rtig.core.events import Channel, Party
from rtig.core.frustration import Temper, Weighing, in_band, lasting, mover, stayed
from rtig.core.guidance import Band, Bend, Quote
from rtig.core.shape import FOR_EVER, Shape, Span, outside, talk_shares
from rtig.core.slots import bare
from rtig.core.transcript import Capture, Heard
from rtig.core.utterances import Meant

GRACE_MS = 2_000
"""What was said in time is recognised a little later: final text lags speech by 0.7 s and more."""

PartyWanted = Literal["customer", "agent", "any"]
E = TypeVar("E", Heard, Meant)
Tolerance = Literal["asr", "none"]


class Said(Struct, frozen=True, tag="said"):
    """Any of some phrases is said. It holds from then on, or for `lasting_ms`."""

    phrases: tuple[str, ...]
    party: PartyWanted = "customer"
    first_ms: int | None = None
    past_ms: int | None = None
    lasting_ms: int | None = None
    tolerance: Tolerance = "asr"


class NotSaid(Struct, frozen=True, tag="not_said"):
    """None of some phrases has been said when the time is up."""

    phrases: tuple[str, ...]
    within_ms: int
    party: PartyWanted = "agent"
    tolerance: Tolerance = "asr"


class SaidAgain(Struct, frozen=True, tag="said_again"):
    """The same one of some phrases is said again within a time, and the other party was heard in between.

    It holds from then on, or for `lasting_ms`.
    """

    phrases: tuple[str, ...]
    within_ms: int
    party: PartyWanted = "agent"
    lasting_ms: int | None = None
    tolerance: Tolerance = "asr"


class Means(Struct, frozen=True, tag="means"):
    """An utterance means what one of some sentences, or a description, says. See `rtig.core.utterances`."""

    meaning: str
    """Its id: the rule's, and a number where the rule has several."""
    party: PartyWanted = "customer"
    lasting_ms: int | None = None


class MoodAt(Struct, frozen=True, tag="mood"):
    """The customer's mood is in a band or a higher one, and has been for `for_ms`."""

    band: Band
    for_ms: int = 0


class ScoreAt(Struct, frozen=True, tag="score"):
    """The customer's frustration is at a level or above it, and has been for `for_ms`."""

    level: float
    for_ms: int = 0


class Silence(Struct, frozen=True, tag="silence"):
    ms: int


class TalkOver(Struct, frozen=True, tag="talk_over"):
    times: int
    within_ms: int


class Monologue(Struct, frozen=True, tag="monologue"):
    ms: int
    party: Literal["customer", "agent"] = "agent"


class OnHold(Struct, frozen=True, tag="hold"):
    """The customer has been on hold for so long."""

    ms: int


class TalkShare(Struct, frozen=True, tag="talk_share"):
    """The agent's share of what was spoken in the last `over_ms` is this or more."""

    share: float
    over_ms: int


class SlotIs(Struct, frozen=True, tag="slot"):
    """What a slot holds. With nothing else said: it holds something."""

    slot: str
    one_of: tuple[str, ...] = ()
    empty: bool = False
    above: float | None = None
    below: float | None = None


class AllOf(Struct, frozen=True, tag="all"):
    parts: tuple["Condition", ...]


class AnyOf(Struct, frozen=True, tag="any"):
    parts: tuple["Condition", ...]


class Not(Struct, frozen=True, tag="not"):
    part: "Condition"


Leaf = (
    Said | NotSaid | SaidAgain | Means | MoodAt | ScoreAt | Silence | TalkOver | Monologue | OnHold | TalkShare | SlotIs
)
Condition = Leaf | AllOf | AnyOf | Not


class Heardings(Struct, frozen=True):
    """What conditions look at."""

    said: Callable[[tuple[str, ...], Tolerance], list[tuple[str, Sequence[Heard]]]]
    """Of some phrases those that were said, and where, in order of time."""
    meant: Callable[[str], Sequence[Meant]]
    """All utterances that were found to mean something, in order of time."""
    captured: Callable[[str], Sequence[tuple[int, Capture]]]
    """What a slot took, and when, in order of time."""
    shape: Shape
    temper: Temper
    weighing: Weighing
    channel: Channel
    started: bool
    now: int
    quiet: tuple[Span, ...]
    """Times without speech since the last final words; the last one is still going on."""
    holds: tuple[Span, ...]
    """Times on hold; one that is still going on ends at `FOR_EVER`."""


class Met(NamedTuple):
    """A condition is met at a time, by what began at `since_ms`."""

    at_ms: int
    since_ms: int
    quotes: tuple[Quote, ...] = ()
    phrase: str = ""
    """The phrase that was heard, as its author wrote it."""
    bends: tuple[Bend, ...] = ()
    """Words of it that were heard otherwise."""
    meant: Meant | None = None
    way: "Condition | None" = None
    """Of a condition that can be met in several ways: the one in which it was."""


class Course(NamedTuple):
    """A condition over the time of a call: where it holds, from and to, and where it is met; both in order."""

    holds: tuple[Span, ...] = ()
    met: tuple[Met, ...] = ()

    def at(self, at_ms: int) -> bool:
        """Whether it holds at a time."""
        index = bisect_right(self.holds, at_ms, key=lambda span: span.start_ms)
        return index > 0 and at_ms < self.holds[index - 1].end_ms


NEVER = Course()


def course(condition: Condition, heard: Heardings, since: int = 0) -> Course:
    """When a condition holds and is met, as far as is known now.

    From `since` on, in ms on the call's clock, it is the course of the whole call; of the time before there is as much
    as that takes.
    """
    match condition:
        case AllOf():
            return _all(condition.parts, heard, since)
        case AnyOf():
            return _any(condition.parts, [_part(part, heard, since) for part in condition.parts])
        case Not():
            return Course(_but(course(condition.part, heard, since).holds))
        case Said():
            return _said(condition, heard, since)
        case NotSaid():
            return _not_said(condition, heard)
        case SaidAgain():
            return _said_again(condition, heard, since)
        case Means():
            return _means(condition, heard, since)
        case MoodAt():
            for_ms = condition.for_ms
            return _frustrated(in_band(heard.temper, heard.weighing, condition.band, since - for_ms), for_ms, heard)
        case ScoreAt():
            for_ms, level = condition.for_ms, condition.level
            return _frustrated(lasting(heard.temper, heard.weighing, level, level, since - for_ms), for_ms, heard)
        case Silence():
            return _after(condition.ms, _silences(heard, since)) if heard.channel == "voice" else NEVER
        case TalkOver():
            return _talk_over(condition, heard, since)
        case Monologue():
            return _after(condition.ms, _floors(condition, heard, since)) if heard.channel == "voice" else NEVER
        case OnHold():
            return _after(condition.ms, heard.holds)
        case TalkShare():
            return _talk_share(condition, heard, since) if heard.channel == "voice" else NEVER
        case SlotIs():
            return _slot(condition, heard, since)
        case _:
            assert_never(condition)


def _part(condition: Condition, heard: Heardings, since: int) -> Course:
    """A part of a combination, also when it was met last before, if it still holds."""
    if since > 0 and isinstance(condition, AllOf | AnyOf):
        return course(condition, heard, _last_met_from(condition, heard, since))
    if isinstance(condition, TalkShare) and heard.channel == "voice":
        return _talk_share(condition, heard, since, began=True)
    return course(condition, heard, since)


def _last_met_from(condition: AllOf | AnyOf, heard: Heardings, since: int) -> int:
    """From when on a combination tells when it was met last before `since`, if it still holds then."""
    reach = _reach(condition)
    if reach is not None:
        return since - reach
    if isinstance(condition, AllOf):
        return 0
    latest: list[int] = []
    longest = 0
    for part in condition.parts:
        reach = _reach(part)
        if reach is not None:
            longest = max(longest, reach)
        elif isinstance(part, MoodAt):
            met_ms = stayed(heard.temper, heard.weighing, part.band, part.for_ms, since)
            latest += () if met_ms is None else (met_ms,)
        elif isinstance(part, Said | SaidAgain | Means):
            latest += [met.at_ms for met in course(part, heard, since).met if met.at_ms < since]
        else:
            return 0
    return min(since - longest, max(latest, default=since))


def _reach(condition: Condition) -> int | None:
    """How long ago, in ms, what holds now was met last at most; None where no time is too long."""
    match condition:
        case Said() | SaidAgain() | Means():
            return condition.lasting_ms
        case TalkOver():
            return condition.within_ms
        case AllOf():
            return min((reach for part in condition.parts if (reach := _reach(part)) is not None), default=None)
        case AnyOf():
            longest = 0
            for part in condition.parts:
                reach = _reach(part)
                if reach is None:
                    return None
                longest = max(longest, reach)
            return longest
        case _:
            return None


def deadline(condition: Condition, heard: Heardings) -> int | None:
    """When a condition may next be met, if nothing more is said."""
    return next_met(course(condition, heard, heard.now), heard.now)


def next_met(found: Course, now: int) -> int | None:
    """When it is next met."""
    return next((one.at_ms for one in found.met if one.at_ms > now), None)


def parts(condition: Condition) -> Iterator[Leaf]:
    """The simple conditions in a combined one."""
    match condition:
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from parts(part)
        case Not():
            yield from parts(condition.part)
        case _:
            yield condition


def waits(condition: Condition) -> bool:
    """Whether the clock alone may make it hold, or no longer hold."""
    match condition:
        case AllOf() | AnyOf():
            return any(waits(part) for part in condition.parts)
        case Not():
            return True
        case NotSaid() | Silence() | OnHold():
            return True
        case MoodAt() | ScoreAt():
            return condition.for_ms > 0
        case _:
            return False


def by(party: Party, wanted: PartyWanted) -> bool:
    return wanted in ("any", party)


# --- what was said


def places(phrases: tuple[str, ...], tolerance: Tolerance, heard: Heardings, since: int = 0) -> list[tuple[str, Heard]]:
    """Where any of some phrases was said that ended from `since` on, in order of time.

    Of two that end together the less bent, then the longer one comes first.
    """
    found = [
        (phrase, place) for phrase, said in heard.said(phrases, tolerance) for place in said[_first(said, since) :]
    ]
    if len(found) > 1:
        found.sort(key=lambda p: (p[1].end_ms, len(p[1].bends), p[1].start_ms, p[0]))
    return found


def _said(condition: Said, heard: Heardings, since: int) -> Course:
    wanted, first, past = condition.party, condition.first_ms, condition.past_ms

    def fits(said: Sequence[Heard], at: int, phrase: str) -> Met | None:
        place = said[at]
        end_ms = place.end_ms
        if by(place.party, wanted) and (first is None or end_ms <= first) and (past is None or end_ms > past):
            return Met(end_ms, place.start_ms, place.quotes, phrase, place.bends)
        return None

    said = heard.said(condition.phrases, condition.tolerance)
    if first is not None:
        said = [(phrase, places[: _first(places, first + 1)]) for phrase, places in said]
    return _from(_in_order(_lately(said, since, condition.lasting_ms, fits)), condition.lasting_ms)


def _means(condition: Means, heard: Heardings, since: int) -> Course:
    def meant(found: Sequence[Meant], at: int, _: str) -> Met | None:
        one = found[at]
        return Met(one.end_ms, one.start_ms, one.quotes, meant=one) if by(one.party, condition.party) else None

    found = _lately((("", heard.meant(condition.meaning)),), since, condition.lasting_ms, meant)
    return _from(found, condition.lasting_ms)


def _not_said(condition: NotSaid, heard: Heardings) -> Course:
    due = condition.within_ms + GRACE_MS
    in_time = any(
        by(place.party, condition.party)
        for _, said in heard.said(condition.phrases, condition.tolerance)
        for place in said[: _first(said, condition.within_ms + 1)]
    )
    if in_time or not heard.started:
        return NEVER
    return Course((Span(due, FOR_EVER),), (Met(due, condition.within_ms),))


def _said_again(condition: SaidAgain, heard: Heardings, since: int) -> Course:
    def again(said: Sequence[Heard], at: int, phrase: str) -> Met | None:
        last = said[at]
        if by(last.party, condition.party):
            for number in range(at - 1, -1, -1):
                before = said[number]
                if last.end_ms - before.end_ms > condition.within_ms:
                    break
                if _answered(before, last, heard.shape):
                    quotes = (*before.quotes, *last.quotes)
                    return Met(last.end_ms, last.start_ms, quotes, phrase, last.bends)
        return None

    said = heard.said(condition.phrases, condition.tolerance)
    return _from(_in_order(_lately(said, since, condition.lasting_ms, again)), condition.lasting_ms)


def _in_order(met: list[Met]) -> list[Met]:
    if len(met) > 1:
        met.sort(key=lambda one: (one.at_ms, len(one.bends), one.since_ms, one.phrase))
    return met


def _first(ended: Sequence[Heard | Meant], since: int) -> int:
    """The index of the first that ended from `since` on."""
    return bisect_left(ended, since, key=lambda one: one.end_ms) if since > 0 else 0


def _lately(
    rows: Iterable[tuple[str, Sequence[E]]],
    since: int,
    lasting_ms: int | None,
    what: Callable[[Sequence[E], int, str], Met | None],
) -> list[Met]:
    """What can be made of those that ended from `since` on, and of the latest before of which anything can be.

    Of those before, only what lasts until `since` counts, and the latest is that of all rows. Each row is in order of
    time, and what is made of it too.
    """
    found: list[Met] = []
    latest: list[Met] = []
    latest_ms = -1 if lasting_ms is None else since - lasting_ms
    for phrase, ended in rows:
        for at in range(len(ended) - 1, -1, -1):
            end_ms = ended[at].end_ms
            if end_ms < latest_ms:
                break
            made = what(ended, at, phrase)
            if made is None:
                continue
            if end_ms >= since:
                found.append(made)
            elif end_ms > latest_ms:
                latest, latest_ms = [made], end_ms
            else:
                latest.append(made)
    return [*reversed(latest), *reversed(found)]


def _answered(before: Heard, again: Heard, shape: Shape) -> bool:
    """Whether one party said the same twice, and the other was heard in between."""
    if before.party != again.party or before.end_ms > again.start_ms:
        return False
    turns = shape.turns.get("customer" if again.party == "agent" else "agent", ())
    last = bisect_right(turns, again.start_ms, key=lambda turn: turn.start_ms) - 1
    return last >= 0 and turns[last].end_ms > before.end_ms


def _from(met: Sequence[Met], lasting_ms: int | None) -> Course:
    """What holds from each time that it is met: for good, or for a while. Of two at one time the first counts."""
    if not met:
        return NEVER
    once = {one.at_ms: one for one in reversed(met)}
    ordered = tuple(once[at_ms] for at_ms in sorted(once))
    spans = (Span(one.at_ms, FOR_EVER if lasting_ms is None else one.at_ms + lasting_ms) for one in ordered)
    return Course(_joined(spans), ordered)


def _slot(condition: SlotIs, heard: Heardings, since: int) -> Course:
    captured = heard.captured(condition.slot)
    if condition.empty:
        return Course((Span(0, captured[0][0]) if captured else Span(0, FOR_EVER),))
    first = max(0, bisect_left(captured, since, key=lambda one: one[0]) - 1)
    while first and _fits(condition, captured[first][1].value):
        first -= 1  # to where it began to hold
    captured = captured[first:]
    spans: list[Span] = []
    taken = dict(captured)
    for number, (at_ms, capture) in enumerate(captured):
        until = captured[number + 1][0] if number + 1 < len(captured) else FOR_EVER
        if at_ms < until and _fits(condition, capture.value):
            spans.append(Span(at_ms, until))
    whole = _joined(spans)
    began = ((span.start_ms, taken[span.start_ms]) for span in whole)
    return Course(whole, tuple(Met(at_ms, at_ms, one.quotes, bends=one.bends) for at_ms, one in began))


def _fits(condition: SlotIs, value: str) -> bool:
    value = bare(value)
    if condition.one_of and value.casefold() not in {bare(wanted).casefold() for wanted in condition.one_of}:
        return False
    if condition.above is None and condition.below is None:
        return True
    try:
        number = float(value)
    except ValueError:
        return False
    return (condition.above is None or number > condition.above) and (
        condition.below is None or number < condition.below
    )


# --- the state of the call


def _frustrated(spans: Iterable[Span], for_ms: int, heard: Heardings) -> Course:
    """Where the customer's frustration has lasted for a time, of the spans in which it did."""
    found = [Span(span.start_ms + for_ms, span.end_ms) for span in spans if span.end_ms - span.start_ms > for_ms]
    met = []
    for span in found:
        began = mover(heard.weighing, span.start_ms - for_ms)
        met.append(Met(span.start_ms, span.start_ms, began.quotes if began is not None else ()))
    return Course(tuple(found), tuple(met))


def _silences(heard: Heardings, since: int) -> Iterator[Span]:
    """Where nobody spoke and nobody was on hold; the last silence goes on for as long as nothing is heard."""
    gaps = heard.shape.gaps
    gaps = gaps[bisect_left(gaps, since, key=lambda gap: gap.end_ms) :]
    spans = [*gaps, *heard.quiet[:-1], *(Span(span.start_ms, FOR_EVER) for span in heard.quiet[-1:])]
    for span in spans:
        yield from outside(span, heard.holds)


def _after(ms: int, spans: Iterable[Span]) -> Course:
    """What holds once it has lasted for a time."""
    found = tuple(Span(s.start_ms + ms, s.end_ms) for s in spans if s.end_ms - s.start_ms >= ms)
    return Course(_joined(found), tuple(Met(span.start_ms, span.start_ms - ms) for span in found))


def _floors(condition: Monologue, heard: Heardings, since: int) -> list[Span]:
    """Where a party kept the floor, in order."""
    found: list[Span] = []
    for floor in reversed(heard.shape.floors):
        if floor.party == condition.party:
            if floor.end_ms < since:
                break
            found.append(Span(floor.start_ms, floor.end_ms))
    return found[::-1]


def _talk_share(condition: TalkShare, heard: Heardings, since: int, *, began: bool = False) -> Course:
    """`began`: it is to be known too when what holds at `since` began to."""
    back = condition.over_ms
    while True:
        shares = list(talk_shares(heard.shape, condition.over_ms, since))
        spans = _joined(span for span, share in shares if share >= condition.share)
        if not began or not spans or spans[0].start_ms > shares[0][0].start_ms or shares[0][0].start_ms >= since:
            return Course(spans, tuple(Met(span.start_ms, span.start_ms) for span in spans))
        since = max(0, spans[0].start_ms - back)  # it may have begun before
        back *= 2


def _talk_over(condition: TalkOver, heard: Heardings, since: int) -> Course:
    times = heard.shape.talk_over if heard.channel == "voice" else ()
    times = times[bisect_left(times, since - 2 * condition.within_ms) :]
    met = [
        Met(times[last], times[last])
        for last in range(condition.times - 1, len(times))
        if times[last] - times[last - condition.times + 1] <= condition.within_ms
    ]
    return _from(met, condition.within_ms)


# --- combinations


def _all(of: Sequence[Condition], heard: Heardings, since: int) -> Course:
    holds: tuple[Span, ...] = (Span(0, FOR_EVER),)
    courses: list[Course] = []
    for part in of:
        one = _part(part, heard, since)
        holds = _both(holds, [span for span in one.holds if span.end_ms >= since])
        if not holds:  # of the conditions of a playbook nearly all, nearly always
            return NEVER
        courses.append(one)
    times = {span.start_ms for span in holds} | {met.at_ms for one in courses for met in one.met}
    whole = Course(holds)
    met = (_merged(at_ms, courses) for at_ms in sorted(times) if whole.at(at_ms))
    return whole._replace(met=tuple(one._replace(way=_way_of_all(of, courses, one.at_ms)) for one in met))


def _any(of: Sequence[Condition], courses: Sequence[Course]) -> Course:
    holds = _joined(sorted(span for one in courses for span in one.holds))
    times = sorted({met.at_ms for one in courses for met in one.met})
    met = (_merged(at_ms, courses) for at_ms in times)
    return Course(holds, tuple(one._replace(way=_way_of_any(of, courses, one.at_ms)) for one in met))


def _way_of_all(of: Sequence[Condition], courses: Sequence[Course], at_ms: int) -> Condition | None:
    ways = [_last_way(one, at_ms) for one in courses]
    if not any(ways):
        return None
    return AllOf(tuple(part if way is None else way for part, way in zip(of, ways, strict=True)))


def _way_of_any(of: Sequence[Condition], courses: Sequence[Course], at_ms: int) -> Condition:
    """The first of its parts that is met at the time."""
    met = next(n for n, one in enumerate(courses) if any(met.at_ms == at_ms for met in one.met))
    way = _last_way(courses[met], at_ms)
    return of[met] if way is None else way


def _last_way(one: Course, at_ms: int) -> Condition | None:
    at = bisect_right(one.met, at_ms, key=lambda met: met.at_ms)
    return one.met[at - 1].way if at else None


def _merged(at_ms: int, courses: Sequence[Course]) -> Met:
    """What is met by several parts at a time: the evidence of each that holds then, its latest."""
    latest = [
        one.met[at - 1]
        for one in courses
        if (at := bisect_right(one.met, at_ms, key=lambda met: met.at_ms)) and one.at(at_ms)
    ]
    latest.sort(key=lambda met: met.at_ms)
    newest = latest[-1] if latest else Met(at_ms, at_ms)
    return newest._replace(
        at_ms=at_ms,
        since_ms=newest.since_ms if newest.at_ms == at_ms else at_ms,
        quotes=tuple(dict.fromkeys(quote for met in latest for quote in met.quotes)),
        bends=tuple(dict.fromkeys(bend for met in latest for bend in met.bends)),
    )


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order of their beginnings, those that touch as one."""
    found: list[Span] = []
    for span in spans:
        if span.end_ms <= span.start_ms:
            continue
        if found and span.start_ms <= found[-1].end_ms:
            found[-1] = Span(found[-1].start_ms, max(found[-1].end_ms, span.end_ms))
        else:
            found.append(span)
    return tuple(found)


def _both(one: Sequence[Span], other: Sequence[Span]) -> tuple[Span, ...]:
    found = []
    for a in one:
        for b in other:
            low, high = max(a.start_ms, b.start_ms), min(a.end_ms, b.end_ms)
            if low < high:
                found.append(Span(low, high))
    return tuple(sorted(found))


def _but(spans: Sequence[Span]) -> tuple[Span, ...]:
    found = []
    start = 0
    for span in spans:
        if start < span.start_ms:
            found.append(Span(start, span.start_ms))
        start = span.end_ms
    if start < FOR_EVER:
        found.append(Span(start, FOR_EVER))
    return tuple(found)
