"""The shape of the conversation: who spoke when, and where nobody did.

Final segments make turns, and turns make talk-over, long monologues and silences. A change of one segment is looked at
in its neighbourhood only; the result is the same as looking at the whole call again. Any sound that was recognised as a
word counts as speech here, fillers too.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from operator import sub
from typing import NamedTuple

from immutables import Map
from msgspec import Struct

from rtig.core.events import Party
from rtig.core.transcript import PAUSE_MS, Segment, Stream, Transcript

TALK_OVER_MS = 500
"""The agent talks over the customer who still speaks this long after the agent began: a backchannel is shorter."""
GAP_MS = 5_000
"""Shorter silences are not kept."""
FLOOR_MS = 10_000
"""Shorter monologues are not kept."""
FOR_EVER = 2**53
"""The end of what has none, in ms."""


class Span(NamedTuple):
    start_ms: int
    end_ms: int


class Floor(NamedTuple):
    start_ms: int
    end_ms: int
    party: Party


Turns = tuple[Span, ...]
_NO_TURN = Span(FOR_EVER, FOR_EVER + 1)


class Shape(Struct, frozen=True):
    turns: Map[str, Turns] = Map()
    """Each party's turns, in order."""
    talk_over: tuple[int, ...] = ()
    """When the agent began to speak over the customer."""
    gaps: tuple[Span, ...] = ()
    """Silences between final segments, from `GAP_MS` up."""
    floors: tuple[Floor, ...] = ()
    """Where one party kept the floor, without a silence and without a turn of the other, from `FLOOR_MS` up."""


def reshape(shape: Shape, before: Transcript, after: Transcript, changed: Iterable[Segment]) -> Shape:
    """The shape after some final segments came or went; `changed` are these, as they are or were."""
    for segment in changed:
        if segment.words.size:
            low, high = neighbourhood(before, after, segment)
            now = _spans(turn(after.stream(segment.party), low, high))
            if now:  # a turn that only touches this time from outside is looked at whole
                low, high = min(low, now[0].start_ms), max(high, now[-1].end_ms)
            then = shape.turns.get(segment.party, ())
            spans = then[: bisect_left(then, (low,))] + now + then[bisect_left(then, (high + 1,)) :]
            turns = shape.turns.set(segment.party, spans)
            if not spans:
                turns = turns.delete(segment.party)
            shape = Shape(
                turns,
                _talk_over(shape.talk_over, turns, segment.party, low, high),
                _gaps(shape.gaps, turns, low, high),
                _floors(shape.floors, turns, segment.party, low, high),
            )
    return shape


def neighbourhood(before: Transcript, after: Transcript, segment: Segment) -> tuple[int, int]:
    """From when to when the turns reach that a changed segment belonged to or belongs to."""
    low, high = segment.start_ms, segment.end_ms
    for transcript in (before, after):
        for part in turn(transcript.stream(segment.party), segment.start_ms, segment.end_ms):
            low, high = min(low, part.start_ms), max(high, part.end_ms)
    return low, high


def turns_differ_from(then: Shape, now: Shape, segment: Segment) -> int:
    """From when on a party's turns are others, where a segment of it came or went."""
    before, after = then.turns.get(segment.party, ()), now.turns.get(segment.party, ())
    at = min(len(before), len(after), bisect_left(after, (segment.start_ms,)))
    while at and after[at - 1] is not before[at - 1]:
        at -= 1
    return min((segment.start_ms, *(turn.start_ms for turns in (before, after) for turn in turns[at : at + 1])))


def turn(stream: Stream, start_ms: int, end_ms: int) -> Stream:
    """The segments with words that reach into a time, and those that join them without a pause: a turn, or several."""
    first = last = bisect_left(stream, (start_ms,), key=_start)
    since, reach = start_ms, end_ms
    index = first - 1
    while index >= 0 and stream[index].reach + PAUSE_MS > since:
        segment = stream[index]
        if segment.words.size and segment.end_ms + PAUSE_MS > since:
            since, reach = segment.start_ms, max(reach, segment.end_ms)
            first = index
        index -= 1
    while last < len(stream):
        segment = stream[last]
        if segment.words.size:
            if segment.start_ms >= reach + PAUSE_MS:
                break
            reach = max(reach, segment.end_ms)
        last += 1
    return tuple(s for s in stream[first:last] if s.words.size)


def turns(segments: Stream) -> list[Stream]:
    """Segments of one party, in order, as turns."""
    found: list[list[Segment]] = []
    end_ms = 0
    for segment in segments:
        if segment.words.size:
            if not found or segment.start_ms >= end_ms + PAUSE_MS:
                found.append([])
            found[-1].append(segment)
            end_ms = max(end_ms, segment.end_ms)
    return [tuple(part) for part in found]


def quiet(shape: Shape, transcript: Transcript, now: int) -> tuple[Span, ...]:
    """The times without speech since the last final words, the last one up to now. Open segments count as speech.

    Before anybody has spoken there is no silence: a source may have joined a call in its middle.
    """
    since = last_words(shape)
    found: list[Span] = []
    spoken = list(transcript.open.values())
    if len(spoken) > 1:
        spoken.sort(key=lambda s: s.place)
    for segment in spoken:
        if segment.words.size:
            if since is not None and segment.start_ms > since:
                found.append(Span(since, segment.start_ms))
            since = max(since or 0, segment.end_ms)
    if since is not None:
        found.append(Span(since, max(since, now)))
    return tuple(found)


def last_words(shape: Shape) -> int | None:
    """When the last final words ended; None before any."""
    return max([spans[-1].end_ms for spans in shape.turns.values()], default=None)


def outside(span: Span, others: Iterable[Span]) -> Iterator[Span]:
    """What is left of a time without some others, which are in order and do not overlap."""
    start = span.start_ms
    for other in others:
        if start < other.end_ms and other.start_ms < span.end_ms:
            if start < other.start_ms:
                yield Span(start, other.start_ms)
            start = other.end_ms
    if start < span.end_ms:
        yield Span(start, span.end_ms)


def talk_shares(shape: Shape, over_ms: int, since: int = 0) -> Iterator[tuple[Span, float]]:
    """The agent's share of what the two parties spoke in the last `over_ms`, from each turn's end to the next one's.

    Not before so much of the call has passed, and from the last turn's end before `since` on; the last span has no end.
    """
    both = (shape.turns.get("agent", ()), shape.turns.get("customer", ()))
    latest = max((turns[at - 1].end_ms for turns in both if (at := bisect_left(turns, since, key=_end))), default=0)
    agents, customers = (turns[bisect_left(turns, latest - over_ms, key=_end) :] for turns in both)
    first = max(latest, over_ms)
    times = sorted({end_ms for turns in (agents, customers) for _, end_ms in turns if end_ms >= first})
    began = [end_ms - over_ms for end_ms in times]
    spoken = zip(
        times,
        [*times[1:], FOR_EVER],
        map(sub, _spoken(agents, times), _spoken(agents, began)),
        map(sub, _spoken(customers, times), _spoken(customers, began)),
        strict=False,
    )
    for end_ms, until, agent, customer in spoken:
        if agent or customer:
            yield Span(end_ms, until), agent / (agent + customer)


def _end(span: Span) -> int:
    return span.end_ms


def _spoken(turns: Turns, times: Iterable[int]) -> list[int]:
    """How long a party had spoken by each of some times, which are in order."""
    found = []
    over = 0
    left = iter(turns)
    start_ms, end_ms = next(left, _NO_TURN)
    for time_ms in times:
        while end_ms <= time_ms:
            over += end_ms - start_ms
            start_ms, end_ms = next(left, _NO_TURN)
        found.append(over + time_ms - start_ms if time_ms > start_ms else over)
    return found


def _start(segment: Segment) -> tuple[int]:
    return (segment.start_ms,)


def _spans(segments: Stream) -> Turns:
    return tuple(Span(part[0].start_ms, max(s.end_ms for s in part)) for part in turns(segments))


def _within(spans: Turns, low: int, high: int) -> Turns:
    """The turns that begin from `low` to `high`, both included."""
    return spans[bisect_left(spans, (low,)) : bisect_left(spans, (high + 1,))]


def _before(spans: Turns, at_ms: int) -> Span | None:
    """The last turn that begins before a time."""
    index = bisect_left(spans, (at_ms,))
    return spans[index - 1] if index else None


def _after(spans: Turns, at_ms: int) -> Span | None:
    """The first turn that begins after a time."""
    index = bisect_left(spans, (at_ms + 1,))
    return spans[index] if index < len(spans) else None


def _talk_over(known: tuple[int, ...], turns: Map[str, Turns], party: Party, low: int, high: int) -> tuple[int, ...]:
    if party not in ("customer", "agent"):
        return known
    customer = turns.get("customer", ())
    first, last = bisect_left(known, low), bisect_left(known, high + 1)
    found: list[int] = []
    for agent in _within(turns.get("agent", ()), low, high):
        over = _before(customer, agent.start_ms)
        if over is not None and over.end_ms >= agent.start_ms + TALK_OVER_MS:
            found.append(agent.start_ms)
    return known[:first] + tuple(found) + known[last:] if found or first < last else known


def _gaps(known: tuple[Span, ...], turns: Map[str, Turns], low: int, high: int) -> tuple[Span, ...]:
    since: int | None = None  # no silence before the first words
    until: int | None = None
    inside: list[Span] = []
    for spans in turns.values():
        earlier, later = _before(spans, low), _after(spans, high)
        if earlier is not None:
            since = earlier.end_ms if since is None else max(since, earlier.end_ms)
        if later is not None:
            until = later.start_ms if until is None else min(until, later.start_ms)
        inside.extend(_within(spans, low, high))
    kept_until = -1 if since is None else min(low, since)
    before = known[: bisect_left(known, kept_until + 1, key=_end)]
    after = () if until is None else known[bisect_left(known, (until,)) :]
    found: list[Span] = []
    for span in (*sorted(inside), *([] if until is None else [Span(until, until)])):
        if since is not None and span.start_ms - since >= GAP_MS:
            found.append(Span(since, span.start_ms))
        since = max(since or 0, span.end_ms)
    return before + tuple(found) + after if found or len(before) + len(after) < len(known) else known


def _floors(known: tuple[Floor, ...], turns: Map[str, Turns], party: Party, low: int, high: int) -> tuple[Floor, ...]:
    if party == "customer":
        known = _floors_of("customer", "agent", known, turns, low, high)
        return _floors_of("agent", "customer", known, turns, low, high)
    if party == "agent":
        known = _floors_of("agent", "customer", known, turns, low, high)
        return _floors_of("customer", "agent", known, turns, low, high)
    return known


def _floors_of(
    party: Party, other: Party, known: tuple[Floor, ...], turns: Map[str, Turns], low: int, high: int
) -> tuple[Floor, ...]:
    """Look again at a party's floors between the other's turns that begin before and after a time."""
    breaks = turns.get(other, ())
    earlier, later = _before(breaks, low), _after(breaks, high)
    since = earlier.start_ms if earlier is not None else -1
    until = later.start_ms if later is not None else None
    first = bisect_left(known, (since + 1,))
    last = len(known) if until is None else bisect_left(known, (until + 1,))
    found = [floor for floor in known[first:last] if floor.party != party]
    own = turns.get(party, ())
    own = own[bisect_left(own, (since + 1,)) : len(own) if until is None else bisect_left(own, (until + 1,))]
    floor: Floor | None = None
    for span in own:
        silent = floor is not None and span.start_ms - floor.end_ms >= GAP_MS
        broken = floor is not None and bool(_within(breaks, floor.start_ms, span.start_ms - 1))
        if floor is not None and not silent and not broken:
            floor = Floor(floor.start_ms, max(floor.end_ms, span.end_ms), party)
        else:
            if floor is not None:
                found.append(floor)
            floor = Floor(span.start_ms, span.end_ms, party)
    if floor is not None:
        found.append(floor)
    kept = sorted(floor for floor in found if floor.end_ms - floor.start_ms >= FLOOR_MS)
    return known[:first] + tuple(kept) + known[last:] if kept or first < last else known
