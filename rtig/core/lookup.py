"""What conditions look at in a call: where phrases count, what slots took, what was meant and is over, the holds.

Everything here is looked up in what `derive` keeps of the call, and nothing is kept.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from immutables import Map

from rtig.core import conditions, shape, utterances
from rtig.core.call import Call
from rtig.core.conditions import Heardings, Tolerance
from rtig.core.playbook import Playbook
from rtig.core.shape import FOR_EVER, Span
from rtig.core.transcript import Capture, Heard
from rtig.core.utterances import Meant, Utterance

Captured = tuple[tuple[int, Capture], ...]


def heardings(
    playbook: Playbook,
    call: Call,
    since: int = 0,
    *,
    early: bool = False,
    slots: dict[str, Captured] | None = None,
) -> Heardings:
    """What conditions look at, from a time on.

    `early`: `call` holds words too that are not final yet, and turns count as over. `slots` receives what each slot
    took that was asked for.
    """
    look = _Look(playbook, call, since, {} if early else growing(call), {} if slots is None else slots)
    return look.heardings()


class _Look:
    """Looks up what conditions ask for.

    It holds nothing that holds it. One is made for nearly every word, and cycles of them, each with a whole call, would
    be most of what the garbage collector finds.
    """

    __slots__ = ("_call", "_growing", "_playbook", "_since", "_slots")

    def __init__(
        self,
        playbook: Playbook,
        call: Call,
        since: int,
        growing: Mapping[tuple[str, int], Utterance],
        slots: dict[str, Captured],
    ) -> None:
        self._playbook = playbook
        self._call = call
        self._since = since
        self._growing = growing
        self._slots = slots

    def heardings(self) -> Heardings:
        call = self._call
        return Heardings(
            said=partial(said_places, self._playbook, call),
            meant=self._meant,
            captured=self._taken,
            shape=call.shape,
            temper=self._playbook.temper,
            weighing=call.weighing,
            channel=call.channel,
            started=call.started,
            now=call.now,
            quiet=shape.quiet(call.shape, call.transcript, call.now),
            holds=holds(call.held),
        )

    def _meant(self, meaning: str) -> tuple[Meant, ...]:
        found, growing = self._call.meant.get(meaning, ()), self._growing
        return tuple(one for one in found if (one.utterance, one.start_ms) not in growing) if growing else found

    def _taken(self, slot: str) -> Captured:
        if slot not in self._slots:
            self._slots[slot] = ()  # a slot that waits for itself waits for ever
            known = self._call.captures.get(slot)
            since = self._since if known is not None else 0
            self._slots[slot] = captured(self._playbook, self._call, slot, self.heardings(), since, known or ())
        return self._slots[slot]


def heard_places(
    playbook: Playbook, heard: Mapping[int, tuple[Heard, ...]], phrase: str, tolerance: Tolerance = "asr"
) -> tuple[Heard, ...]:
    """Where a phrase was said, in order of time.

    Without the places where a slot took only the beginning of a value, and those followed by what must not follow.
    """
    number = playbook.number(phrase, tolerance)
    return _counting(playbook, heard, number, heard.get(number, ()))


def said_places(
    playbook: Playbook, call: Call, phrases: tuple[str, ...], tolerance: Tolerance = "asr"
) -> list[tuple[str, Sequence[Heard]]]:
    """Of some phrases those that were said, and where, in order of time."""
    heard, standing, picky = call.heard, call.standing, playbook.picky
    return [
        (phrase, places)
        for number, phrase in playbook.numbers(phrases, tolerance)
        if (places := (standing if number in picky else heard).get(number))
    ]


def _standing(playbook: Playbook, call: Call, number: int) -> tuple[Heard, ...]:
    """The places of a phrase that count."""
    return (call.standing if number in playbook.picky else call.heard).get(number, ())


def _counting(
    playbook: Playbook, heard: Mapping[int, tuple[Heard, ...]], number: int, found: tuple[Heard, ...]
) -> tuple[Heard, ...]:
    if len(found) > 1 and number in playbook.phrases_with_slots:
        longest = dict(sorted(_run(capture) for place in found for capture in place.captures))
        found = tuple(place for place in found if all(_goes_no_further(capture, longest) for capture in place.captures))
    ban = playbook.matcher.bans.get(number)
    if ban is None or not found:
        return found
    banned = {place.after for place in heard.get(ban, ())}
    return tuple(place for place in found if place.ends not in banned)


_Start = tuple[str, str, int]
_Reach = tuple[int, int]


def _run(capture: Capture) -> tuple[_Start, _Reach]:
    """Where the words begin that a slot took, and how far they go: over so many segments, in the last one so far."""
    first, last = capture.quotes[0], capture.quotes[-1]
    return (capture.slot, first.segment_id, first.start), (len(capture.quotes), last.end)


def _goes_no_further(capture: Capture, longest: Mapping[_Start, _Reach]) -> bool:
    start, reach = _run(capture)
    return longest[start] == reach


# --- slots


def captured(
    playbook: Playbook, call: Call, slot: str, also: Heardings, since: int = 0, before: Captured = ()
) -> Captured:
    """What a slot took, and when, in order of time. `before`: what is known of it, which stands as far as `since`.

    Of two phrases that end together the longer one knows best, and of two that take words from one place on the one
    that takes the more.
    """
    source = playbook.slots[slot]
    places: list[Heard] = []
    for number in playbook.phrases_of_slot.get(slot, ()):
        said = _standing(playbook, call, number)
        places += said[bisect_left(said, since, key=_ended) :] if said else said
    kept = before[: bisect_left(before, since, key=lambda one: one[0])] if before else before
    if not places:
        return kept
    if source.when is not None:
        course = conditions.course(source.when, also, min(place.start_ms for place in places))
        places = [place for place in places if course.at(place.start_ms)]
    taken = [
        (place, capture)
        for place in places
        if conditions.by(place.party, source.party)
        for capture in place.captures
        if capture.slot == slot
    ]
    longest = dict(sorted(_run(capture) for _, capture in taken))
    found: dict[int, tuple[int, Capture]] = {}
    for place, capture in taken:
        length = place.end_ms - place.start_ms
        known = found.get(place.end_ms)
        if _goes_no_further(capture, longest) and (
            known is None or (length, capture.value) > (known[0], known[1].value)
        ):
            found[place.end_ms] = (length, capture)
    return (*kept, *((at_ms, found[at_ms][1]) for at_ms in sorted(found)))


def _ended(place: Heard) -> int:
    return place.end_ms


def values(playbook: Playbook, call: Call, at_ms: int, slots: Collection[str] | None = None) -> dict[str, str]:
    """What all slots hold at a time, or some."""
    heard = heardings(playbook, call)
    known = {}
    for slot in playbook.slots if slots is None else playbook.slots.keys() & slots:
        taken = [capture.value for when, capture in heard.captured(slot) if when <= at_ms]
        if taken:
            known[slot] = taken[-1]
    return known


# --- where phrases were said, when that changes


def when_heard(heard: Heard) -> tuple[int, int, str, str]:
    return (heard.end_ms, heard.start_ms, heard.party, heard.quotes[-1].segment_id if heard.quotes else "")


def indexed(index: Map[int, tuple[Heard, ...]], places: Mapping[int, Sequence[Heard]]) -> Map[int, tuple[Heard, ...]]:
    """An index with other places of some phrases."""
    for phrase, found in places.items():
        index = index.set(phrase, tuple(found)) if found else index.delete(phrase) if phrase in index else index
    return index


def followed(playbook: Playbook, heard: Mapping[int, tuple[Heard, ...]], changed: Iterable[Heard]) -> Iterator[Heard]:
    """The places behind which something stands, among what has changed, that must not follow there."""
    for one in changed:
        if one.after is not None:
            yield from (h for h in heard.get(playbook.banned[one.phrase], ()) if h.ends == one.after)


def standing_since(
    playbook: Playbook, call: Call, heard: Mapping[int, tuple[Heard, ...]], phrases: Iterable[int], since: int
) -> Map[int, tuple[Heard, ...]]:
    """The places that count, where only what was said of some phrases, from a time on, is other than in the call."""
    standing = call.standing
    for number in sorted({playbook.banned.get(phrase, phrase) for phrase in phrases}):
        if number in playbook.picky:
            before, now = standing.get(number, ()), heard.get(number, ())
            kept = before[: bisect_left(before, since, key=_ended)]
            again = _counting(playbook, heard, number, now[bisect_left(now, since, key=_ended) :])
            standing = indexed(standing, {number: kept + again})
    return standing


# --- times


def holds(held: tuple[tuple[int, bool], ...]) -> tuple[Span, ...]:
    """Times on hold; one that nothing has ended goes on."""
    spans: list[Span] = []
    since: int | None = None
    for at_ms, on in held:
        if on and since is None:
            since = at_ms
        elif not on and since is not None:
            spans.append(Span(since, at_ms))
            since = None
    if since is not None:
        spans.append(Span(since, FOR_EVER))
    return tuple(spans)


def growing(call: Call) -> dict[tuple[str, int], Utterance]:
    """The utterances that may still grow, by what they say and since when."""
    if call.channel == "chat" or call.ended:
        return {}
    found = (utterances.growing(said, call.now) for said in call.utterances.values())
    return {(one.key, one.start_ms): one for one in found if one is not None}
