"""The call as heard: interim text replaced, final text kept, in the order in which it was said.

Each party's final segments form a stream ordered by the call's clock, not by arrival. The matcher of all phrases walks
along each stream, and every segment keeps the state that it ends in. A segment that arrives late, is voided or is found
to be somebody else's changes the stream in the middle: hearing resumes from the state before it and goes on until the
states agree again. So what has been heard depends on the words and their times alone, never on how they were cut, sent
again or reordered.
"""

from bisect import bisect_left
from typing import NamedTuple

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from rtig.core.bends import bends
from rtig.core.events import Party, SegmentHeard
from rtig.core.guidance import Bend, Quote
from rtig.core.matcher import BAN, Mark, Match, Matcher, State
from rtig.core.slots import CURRENCIES
from rtig.core.text import Words, revised, words

PAUSE_MS = 1_000
"""A party's turn goes on over pauses shorter than this (start to start is 2.2 s in the median of real calls)."""
OPEN_AT_MOST = 64
"""Segments that may be open at once; a recogniser has one or two a channel. The stalest gives way."""
UNFINISHED_MS = 30_000
"""An interim text that has not changed for this long is not going to be settled."""

PLACES_KEPT = 24
"""Of a party's last segments, the places of the words are kept: those of a turn are asked for again and again. They
would be a third of what a long call holds."""


class Spot(Struct, frozen=True, gc=False):
    """A word of a segment, as it is compared."""

    segment_id: str
    word: int


class Capture(Struct, frozen=True, gc=False):
    """What a slot in a phrase took."""

    slot: str
    value: str
    quotes: tuple[Quote, ...]
    bends: tuple[Bend, ...] = ()
    """Words of the phrase that were heard otherwise."""


class Heard(Struct, frozen=True, gc=False):
    """A phrase that was said, and where."""

    phrase: int
    party: Party
    start_ms: int
    end_ms: int
    quotes: tuple[Quote, ...]
    ends: Spot
    bends: tuple[Bend, ...] = ()
    """Words of it that were heard otherwise."""
    captures: tuple[Capture, ...] = ()
    after: Spot | None = None
    """Of what must not follow a phrase: where the phrase ends that it follows."""


class Segment(Struct, frozen=True, gc=False):
    id: str
    rev: int
    party: Party
    text: str
    words: Words
    start_ms: int
    end_ms: int
    steady: int
    """How many of the words are likely to stay: all of a final, the unchanging front of an interim."""
    begins: State
    ends: State
    """The matcher before and after the (steady) words."""
    states: tuple[State, ...] = ()
    """Of an open segment: the matcher after each steady word, from where the next revision goes on."""
    matches: tuple[Match, ...] = ()
    heard: tuple[Heard, ...] = ()
    reach: int = 0
    """The latest end of this segment and of those before it in its stream, as far as they have words."""

    @property
    def place(self) -> tuple[int, int, str]:
        return (self.start_ms, self.end_ms, self.id)

    def time_of(self, token: int) -> int:
        """When the token begins: words are spread evenly over the segment. `len(spans)` gives its end."""
        return self.start_ms + (self.end_ms - self.start_ms) * token // max(1, self.words.size)


class Change(NamedTuple):
    """What hearing something changed."""

    transcript: "Transcript"
    segment: Segment | None = None
    """The segment as it is now; None where nothing changed or it was taken away."""
    settled: tuple[Segment, ...] = ()
    """Final segments that are new or heard otherwise than before. One that is also in `unsettled` was only passing."""
    unsettled: tuple[Segment, ...] = ()
    """Final segments as they were, where this change took them away or changed how they are heard."""


Stream = tuple[Segment, ...]


class Transcript(Struct, frozen=True):
    streams: Map[str, Stream] = Map()
    open: Map[str, Segment] = Map()
    final: Map[str, tuple[int, str, tuple[int, int, str]]] = Map()
    """Of each final segment its revision, its party and its place in that party's stream."""
    voided: Map[str, bool] = Map()
    corrected: Map[str, tuple[int, Party]] = Map()

    @property
    def size(self) -> int:
        return len(self.final) + len(self.open)

    def stream(self, party: str) -> Stream:
        return self.streams.get(party, ())

    def find(self, segment_id: str) -> Segment | None:
        """A final segment by its id."""
        known = self.final.get(segment_id)
        if known is None:
            return None
        stream = self.stream(known[1])
        return stream[bisect_left(stream, known[2], key=_place)]


def hear(transcript: Transcript, event: SegmentHeard, matcher: Matcher) -> Change:
    """Take a revision. An old one, or one of a voided segment, changes nothing; a final stays until a later final."""
    known = transcript.final.get(event.segment_id)
    held = transcript.open.get(event.segment_id)
    if (
        event.segment_id in transcript.voided
        or (known is not None and (event.rev <= known[0] or not event.final))
        or (held is not None and event.rev <= held.rev)
    ):
        return Change(transcript)
    correction = transcript.corrected.get(event.segment_id)
    party = correction[1] if correction is not None else event.party
    end_ms = max(event.start_ms, event.end_ms)
    found = words(event.text) if held is None else revised(event.text, held.text, held.words)
    if not event.final:
        segment = _interim(transcript, event, party, found, held, matcher)
        segment_open = transcript.open.set(event.segment_id, segment)
        if len(segment_open) > OPEN_AT_MOST:
            segment_open = segment_open.delete(min(segment_open.values(), key=lambda s: (s.end_ms, s.id)).id)
        return Change(replace(transcript, open=segment_open), segment)
    segment = Segment(
        event.segment_id, event.rev, party, event.text, found, event.start_ms, end_ms, len(found.norms),
        matcher.start, matcher.start,
    )  # fmt: skip
    removed = _remove(transcript, event.segment_id, matcher)
    added = _insert(removed.transcript, segment, matcher, held)
    whole = added.transcript
    if held is not None:
        whole = replace(whole, open=whole.open.delete(event.segment_id))
    return _both(removed, added._replace(transcript=whole))


def void(transcript: Transcript, segment_id: str, matcher: Matcher) -> Change:
    """Take a segment away for good, whatever is still sent of it."""
    removed = _remove(transcript, segment_id, matcher)
    whole = removed.transcript
    return removed._replace(
        transcript=replace(
            whole,
            open=whole.open.delete(segment_id) if segment_id in whole.open else whole.open,
            voided=whole.voided.set(segment_id, True),
        )
    )


def correct(transcript: Transcript, segment_id: str, rev: int, party: Party, matcher: Matcher) -> Change:
    """Give a segment, heard already or still to come, to another party."""
    before = transcript.corrected.get(segment_id)
    if before is not None and rev <= before[0]:
        return Change(transcript)
    transcript = replace(transcript, corrected=transcript.corrected.set(segment_id, (rev, party)))
    held = transcript.open.get(segment_id)
    if held is not None:
        moved = _listen(replace(held, party=party), _before(transcript.stream(party), held.place), matcher, keep=True)
        return Change(replace(transcript, open=transcript.open.set(segment_id, moved)), moved)
    segment = transcript.find(segment_id)
    if segment is None or segment.party == party:
        return Change(transcript)
    removed = _remove(transcript, segment_id, matcher)
    added = _insert(removed.transcript, replace(segment, party=party), matcher)
    return _both(removed, added)


def relisten(transcript: Transcript, matcher: Matcher) -> Transcript:
    """The same words, heard by another matcher."""
    streams = transcript.streams
    for party, stream in streams.items():
        again: Stream = ()
        for segment in stream:
            again = (*again, _listen(segment, again, matcher))
        streams = streams.set(party, again)
    transcript = replace(transcript, streams=streams)
    for segment in transcript.open.values():
        moved = _listen(segment, _before(transcript.stream(segment.party), segment.place), matcher, keep=True)
        transcript = replace(transcript, open=transcript.open.set(segment.id, moved))
    return transcript


def forget_unfinished(transcript: Transcript, now: int | None) -> Change:
    """Let go of interim texts that nothing has changed for `UNFINISHED_MS`; of all of them where `now` is None."""
    stale = [s.id for s in transcript.open.values() if now is None or s.end_ms + UNFINISHED_MS <= now]
    if not stale:
        return Change(transcript)
    left = transcript.open
    for segment_id in stale:
        left = left.delete(segment_id)
    return Change(replace(transcript, open=left))


def _both(removed: Change, added: Change) -> Change:
    return Change(added.transcript, added.segment, removed.settled + added.settled, removed.unsettled + added.unsettled)


def _interim(
    transcript: Transcript,
    event: SegmentHeard,
    party: Party,
    found: Words,
    held: Segment | None,
    matcher: Matcher,
) -> Segment:
    segment = Segment(
        event.segment_id, event.rev, party, event.text, found, event.start_ms, max(event.start_ms, event.end_ms),
        _steady(event, found, held), matcher.start, matcher.start,
    )  # fmt: skip
    return _listen(segment, _before(transcript.stream(party), segment.place), matcher, held, keep=True)


def _steady(event: SegmentHeard, found: Words, held: Segment | None) -> int:
    """How many words of an interim are likely to stay.

    Those in the promised prefix, and those that stood in the revision before. A number in the rest ends it: digits
    change until the last.
    """
    promised = len(found.norms) if event.stable >= len(event.text) else 0
    while event.stable and promised < len(found.norms) and found.spans[found.at[promised]][1] <= event.stable:
        promised += 1
    before = held.words.norms if held is not None else ()
    unchanged = promised + _in_common(found.norms[promised:], before[promised:])
    if unchanged > promised and any(map(str.isdigit, event.text)):
        for index in range(promised, unchanged):
            start, end = found.spans[found.at[index]]
            if any(map(str.isdigit, event.text[start:end])):
                return index
    return unchanged


def _place(segment: Segment) -> tuple[int, int, str]:
    return segment.place


def _before(stream: Stream, place: tuple[int, int, str]) -> Stream:
    """The part of a stream that lies before a place. The end of the stream is by far the commonest."""
    if not stream or stream[-1].place < place:
        return stream
    return stream[: bisect_left(stream, place, key=_place)]


def _insert(transcript: Transcript, segment: Segment, matcher: Matcher, held: Segment | None = None) -> Change:
    stream = transcript.stream(segment.party)
    before = _before(stream, segment.place)
    segment = _listen(segment, before, matcher, held)
    now = (*before, segment)
    if len(before) < len(stream):
        again, unsettled = _listen_on(now, stream[len(before) :], matcher)
        now += again + stream[len(before) + len(again) :]
    else:
        again = unsettled = ()
        if len(before) >= PLACES_KEPT:
            before[-PLACES_KEPT].words.forget_places()
    return Change(
        replace(
            transcript,
            streams=transcript.streams.set(segment.party, now),
            final=transcript.final.set(segment.id, (segment.rev, segment.party, segment.place)),
        ),
        segment,
        (segment, *again),
        unsettled,
    )


def _remove(transcript: Transcript, segment_id: str, matcher: Matcher) -> Change:
    segment = transcript.find(segment_id)
    if segment is None:
        return Change(transcript)
    stream = transcript.stream(segment.party)
    before = _before(stream, segment.place)
    after = stream[len(before) + 1 :]
    again, unsettled = _listen_on(before, after, matcher)
    return Change(
        replace(
            transcript,
            streams=transcript.streams.set(segment.party, (*before, *again, *after[len(again) :])),
            final=transcript.final.delete(segment_id),
        ),
        None,
        again,
        (segment, *unsettled),
    )


def _listen_on(before: Stream, after: Stream, matcher: Matcher) -> tuple[Stream, Stream]:
    """Hear the segments of `after` again, for as long as what comes before them makes a difference.

    Returns them as they are now and as they were. Where a phrase is under way the same state is not enough: the words
    that it began with may be others now, elsewhere and at another time; and so may the word that the first one is
    joined to.
    """
    again: list[Segment] = []
    state = before[-1].ends if before else matcher.start
    reach = before[-1].reach if before else 0
    for segment in after:
        if (
            segment.words.norms
            and state.idle
            and segment.begins == state
            and segment.reach == _reach(segment, reach)
            and not matcher.joins(state, segment.words.norms[0])
        ):
            break
        segment = _listen(segment, (*before, *again), matcher)
        state, reach = segment.ends, segment.reach
        again.append(segment)
    return tuple(again), after[: len(again)]


def _reach(segment: Segment, before: int) -> int:
    return max(before, segment.end_ms) if segment.words.size else before


def _listen(
    segment: Segment, before: Stream, matcher: Matcher, held: Segment | None = None, *, keep: bool = False
) -> Segment:
    """Walk the matcher over the steady words of a segment, from where the stream before it ends.

    `held` is the revision before, while the segment was open: what the two have in common is not walked again. `keep`
    the way, for the next revision.
    """
    begins = _begins(segment, before, matcher)
    said = segment.words.norms[: segment.steady]
    states: list[State] = []
    matches: list[Match] = []
    heard: list[Heard] = []
    if held is not None and held.begins == begins:
        same = _in_common(said, held.words.norms[: len(held.states)])
        states = list(held.states[:same])
        matches = [match for match in held.matches if match[0] < same]
        heard = [
            _moved(place, match, segment) if _stands(place, match, segment, held)
            else _located(match, segment, before, matcher)
            for match, place in zip(matches, held.heard, strict=False)
        ]  # fmt: skip
    at = len(states)
    ends, found = matcher.walk(states[-1] if states else begins, said[at:], states if keep else None)
    if at:
        found = [(match[0] + at, *match[1:]) for match in found]
    heard += [_located(match, segment, before, matcher) for match in found]
    return replace(
        segment,
        begins=begins,
        ends=ends,
        states=tuple(states) if keep else (),
        matches=(*matches, *found) if keep else (),
        heard=tuple(heard),
        reach=_reach(segment, before[-1].reach if before else 0),
    )


def _begins(segment: Segment, before: Stream, matcher: Matcher) -> State:
    """Where hearing goes on from. A phrase may go on after a pause, a value does not."""
    if not before:
        return matcher.start
    last = before[-1]
    return last.ends if segment.start_ms < last.reach + PAUSE_MS else matcher.paused(last.ends)


def _in_common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many words two rows begin with alike."""
    most = min(len(one), len(other))
    for same in (most, most - 1):  # nearly always: words were added, or the last one changed
        if same >= 0 and one[:same] == other[:same]:
            return same
    return next(same for same in range(most) if one[same] != other[same])


def _located(match: Match, segment: Segment, before: Stream, matcher: Matcher) -> Heard:
    """Where a match stands, and what its slots took."""
    index, phrase, length, bent, marks, way = match
    pieces = _pieces(segment, index, length, before)
    bent_words = bends(matcher.meant(way), _norms(pieces)) if bent else ()
    captures: list[Capture] = []
    after: Spot | None = None
    for mark in marks:
        taken = _part(pieces, mark)
        if mark.slot == BAN:
            after = Spot(taken[-1][0].id, taken[-1][2])
            continue
        value = matcher.value(mark.slot, _norms(taken), _written(taken))
        captures.append(Capture(mark.slot, value, _quotes(taken), bent_words))
    opening, first, _ = pieces[0]
    end_ms = segment.time_of(segment.words.at[index] + 1)
    return Heard(
        phrase=phrase,
        party=segment.party,
        # Where segments of a party overlap, a later one may end a phrase before the time at which an earlier one began
        # it.
        start_ms=min(opening.time_of(opening.words.at[first]), end_ms),
        end_ms=end_ms,
        quotes=_quotes(pieces),
        ends=Spot(segment.id, index),
        bends=bent_words,
        captures=tuple(captures),
        after=after,
    )


def _stands(place: Heard, match: Match, segment: Segment, held: Segment) -> bool:
    """Whether a match stands in a revision as it stood in the one before: all its words do, as they were written."""
    index, _, length, *_ = match
    return (
        length <= index + 1
        and segment.party == held.party
        and segment.text.startswith(held.text[: place.quotes[-1].end])
    )


def _moved(place: Heard, match: Match, segment: Segment) -> Heard:
    """The same words at other times: those of a segment move with its end and with how many they are."""
    index, _, length, *_ = match
    at = segment.words.at
    start_ms, end_ms = segment.time_of(at[index - length + 1]), segment.time_of(at[index] + 1)
    if start_ms == place.start_ms and end_ms == place.end_ms:
        return place
    return replace(place, start_ms=start_ms, end_ms=end_ms)


_Piece = tuple[Segment, int, int]
"""Words `first` to `last` of a segment."""


def _pieces(segment: Segment, index: int, length: int, before: Stream) -> list[_Piece]:
    """Where the `length` words stand that end with word `index` of a segment."""
    pieces: list[_Piece] = []
    parts = iter(reversed(before))
    while True:
        taken = min(length, index + 1)
        if taken:
            pieces.append((segment, index - taken + 1, index))
        length -= taken
        if not length:
            return pieces[::-1]
        segment = next(parts)
        index = len(segment.words.norms) - 1


def _part(pieces: list[_Piece], mark: Mark) -> list[_Piece]:
    """The words that a mark is on."""
    part: list[_Piece] = []
    passed = 0
    for segment, first, last in pieces:
        low, high = max(first, first + mark.first - passed), min(last, first + mark.last - passed)
        if low <= high:
            part.append((segment, low, high))
        passed += last - first + 1
    return part


def _norms(pieces: list[_Piece]) -> list[str]:
    return [norm for segment, first, last in pieces for norm in segment.words.norms[first : last + 1]]


def _written(pieces: list[_Piece]) -> str:
    """The words as they stand in the text, without fillers and without marks between words, which depend on the cut.

    What holds two of them together stays, as in "Anne-Marie" and "4/7/2024", and the currency before a number.
    """
    found: list[str] = []
    for segment, first, last in pieces:
        text, spans = segment.text, segment.words.spans
        before = -2
        for token in dict.fromkeys(segment.words.at[first : last + 1]):
            start, end = spans[token]
            between = text[spans[before][1] : start] if before == token - 1 else " "
            if not any(map(str.isspace, between)):
                found[-1] += between + text[start:end]
            elif text[start - 1 : start] in CURRENCIES and text[start].isdecimal():
                found.append(text[start - 1 : end])
            else:
                found.append(text[start:end])
            before = token
    return " ".join(found)


def _quotes(pieces: list[_Piece]) -> tuple[Quote, ...]:
    return tuple(quote(segment, segment.words.at[first], segment.words.at[last]) for segment, first, last in pieces)


def quote(segment: Segment, first: int, last: int) -> Quote:
    """Tokens `first` to `last` of a segment as evidence."""
    start, end = segment.words.spans[first][0], segment.words.spans[last][1]
    return Quote(segment.id, segment.party, start, end, segment.text[start:end])


def quote_all(segment: Segment) -> Quote:
    """The whole segment as evidence."""
    return Quote(segment.id, segment.party, 0, len(segment.text), segment.text)
