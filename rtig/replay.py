"""Recorded calls played again: through the fold, with what came of them in numbers, or into a server.

A recording was never live: the ticks that a clock would have given are put between its events. Personal data are masked
before the fold sees them, as a server does it. Times are milliseconds on the call's clock unless the recording knows
when its events arrived.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from msgspec import Struct

from rtig.client import LostCallback, Source
from rtig.core import brief, engine
from rtig.core.call import Call
from rtig.core.events import AnyEvent, SegmentHeard, SourceEvent, key
from rtig.core.guidance import Brief, Card, Guidance
from rtig.core.playbook import Playbook
from rtig.core.redaction import redacted


class Summary(Struct, frozen=True, kw_only=True, tag="summary", tag_field="type"):
    """What a replay came to."""

    calls: int
    fragments: int
    """Segment events, interim and final."""
    finals: int
    """Final ones that have text."""
    words: int
    """In the text that the calls ended with."""
    cards: int
    confirmed: int
    retracted: int
    head_start_ms: float | None
    """By how much provisional cards came before they were confirmed, in the median; None where there were none."""
    retraction_rate: float | None
    """Share of the provisional cards that were taken back; None where there were none."""


class Tally:
    """Counts calls as they are replayed, any number of them."""

    def __init__(self) -> None:
        self._calls = 0
        self._fragments = 0
        self._finals = 0
        self._words = 0
        self._states: dict[tuple[str, str], str] = {}
        self._provisional: dict[tuple[str, str], int] = {}
        self._head_starts: list[int] = []

    def replay(
        self, playbook: Playbook, events: Sequence[AnyEvent], arrived: Mapping[str, int] | None = None
    ) -> Iterator[Guidance]:
        """The guidance of one call's events, as it comes. `arrived` says, by `events.key`, when an event was there."""
        if not events:
            return
        self._calls += 1
        call: Call | None = None
        now = 0
        for folded in engine.rehearse(playbook, events[0].call_id, (redacted(event)[0] for event in events)):
            call = folded.call
            now = max(now, (arrived or {}).get(key(folded.event), call.now))
            if isinstance(folded.event, SegmentHeard):
                self._fragments += 1
                self._finals += bool(folded.event.final and folded.event.text.strip())
            for item in folded.guidance:
                if isinstance(item, Card):
                    self._count(item, now)
                yield item
        if call is not None:
            streams = call.transcript.streams.values()
            self._words += sum(len(segment.text.split()) for stream in streams for segment in stream)

    def _count(self, card: Card, now: int) -> None:
        name = (card.call_id, card.id)
        self._states[name] = card.state
        if card.state == "provisional":
            self._provisional[name] = now
        elif card.state == "confirmed" and name in self._provisional:
            self._head_starts.append(now - self._provisional[name])

    def summary(self) -> Summary:
        states = list(self._states.values())
        early = [self._states[name] for name in self._provisional]
        return Summary(
            calls=self._calls,
            fragments=self._fragments,
            finals=self._finals,
            words=self._words,
            cards=len(states),
            confirmed=states.count("confirmed"),
            retracted=states.count("retracted"),
            head_start_ms=median(self._head_starts) if self._head_starts else None,
            retraction_rate=round(early.count("retracted") / len(early), 4) if early else None,
        )


def brief_of(playbook: Playbook, events: Sequence[AnyEvent]) -> Brief:
    """The brief of a recorded call as it stands at its end. Raises `ValueError` where there are no events."""
    if not events:
        raise ValueError("A call has events.")
    call = engine.begin(events[0].call_id)
    for folded in engine.rehearse(playbook, call.call_id, (redacted(event)[0] for event in events)):
        call = folded.call
    return brief.brief(playbook, call)


def by_call(events: Iterable[AnyEvent]) -> dict[str, list[AnyEvent]]:
    """A recording of several calls, which may be mixed, as one list a call, in the order in which they began."""
    calls: dict[str, list[AnyEvent]] = {}
    for event in events:
        calls.setdefault(event.call_id, []).append(event)
    return calls


class Sent(Struct, frozen=True, kw_only=True, tag="sent", tag_field="type"):
    """What playing into a server came to. `refused` counts events that the server will never take."""

    calls: int
    events: int
    refused: int


async def play(
    recordings: Sequence[tuple[Sequence[AnyEvent], Mapping[str, int]]],
    url: str,
    token: str,
    speed: float = 1.0,
    on_lost: LostCallback | None = None,
) -> Sent:
    """Send calls, all at the same time, at `speed` times the rhythm in which they were recorded.

    Returns when the server has everything for good. Raises `WorldError` and `MessageRefused` as `client.Source` does,
    which also says what `on_lost` is told.
    """
    refused = 0

    def note(*_: object) -> None:
        nonlocal refused
        refused += 1

    async with Source(url, token, f"replay-{os.getpid()}", on_refused=note, on_lost=on_lost) as source:
        sent = await asyncio.gather(*(_send_in_time(source, *recording, speed) for recording in recordings))
        await source.drained()
    return Sent(calls=len(recordings), events=sum(sent), refused=refused)


async def _send_in_time(source: Source, events: Sequence[AnyEvent], arrived: Mapping[str, int], speed: float) -> int:
    """How many were sent; what only a server writes (ticks, scores) is left out."""
    clock = asyncio.get_running_loop().time
    began = clock()
    sources = [event for event in events if isinstance(event, SourceEvent)]
    for event in sources:
        at_ms = arrived.get(key(event), _when(event))
        await asyncio.sleep(max(0.0, began + at_ms / 1000 / speed - clock()))
        await source.send(event)
    return len(sources)


def _when(event: SourceEvent) -> int:
    """The latest time that an event names, 0 for one that names none."""
    return int(getattr(event, "end_ms", getattr(event, "at_ms", 0)))
