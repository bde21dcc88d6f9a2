"""A scripted call, spoken as a recogniser would hear it: pure, and the same every time for the same seed.

`perform` makes the events of a script, each with the time at which it would arrive: interim words a third of a second
behind the voice, now and then wrong and put right later, and the settled text when the words are over. Whoever reads
scripts sees to it that they are shorter than a day.
"""

import random
from typing import Literal, NamedTuple

from msgspec import Struct

from rtig.core.events import CallEnded, CallStarted, Channel, Party, SegmentHeard, SourceEvent

# Rhythm of real recognisers and calls: medians over live Speechmatics transcriptions and recorded service calls.
WORD_MS = 286
"""3.5 words a second."""
INTERIM_MS = 360
"""From one interim text to the next."""
INTERIM_LAG_MS = 350
"""From the end of a word to the interim text that has it."""
FINAL_LAG_MS = 700
"""From the end of a segment to its final text."""
MISHEARD = 0.065
"""Share of words that an interim text has wrong."""
SHORTEST_CUT, LONGEST_CUT = 10, 14
"""A long line is cut into segments of this many words."""
BREATH_MS = 180
"""Between two segments of one line."""
VOICE_PAUSE = 0.5
"""Seconds before a spoken line that says nothing of its pause."""
CHAT_PAUSE = 5.0
"""Seconds before a chat message that says nothing of its pause."""
HANG_UP_MS = 500

_MISHEARD_SHORT = ("the", "a", "and", "in", "to", "it", "that", "of")


class Line(Struct, frozen=True):
    """What a party says. `pause` is the silence before it in seconds, below 0 talks over what was said before."""

    party: Party
    text: str
    pause: float | None = None
    final: bool = True
    """False: the recogniser never settles this line."""


class Silence(Struct, frozen=True):
    """Nobody speaks for some seconds."""

    seconds: float


class Script(Struct, frozen=True, kw_only=True):
    id: str
    title: str = ""
    channel: Channel = "voice"
    queue: str = ""
    agent: str = ""
    customer: str = ""
    seed: int = 1
    lines: tuple[Line | Silence, ...]


class Scheduled(NamedTuple):
    """An event, and when it arrives, in milliseconds from the start of the call."""

    at_ms: int
    event: SourceEvent


class _Part(NamedTuple):
    """One segment: its words, when each begins, and when the last one ends."""

    id: str
    line: Line
    words: tuple[str, ...]
    start_ms: int
    last: bool

    @property
    def end_ms(self) -> int:
        return self.start_ms + len(self.words) * WORD_MS


def perform(script: Script, call_id: str = "", *, agent: str | None = None, started_at: int = 0) -> list[Scheduled]:
    """The whole call in the order of arrival, from `CallStarted` to `CallEnded`.

    Segments are named after their line, counted from 1, and their part: `3.1`. `call_id` and `agent` take the place of
    the script's own. Revisions of a segment rise from 1; a line's final texts, joined, are its words.
    """
    call_id = call_id or script.id
    rng = random.Random(script.seed)  # noqa: S311 (a rhythm, not a secret)
    heard: list[Scheduled] = []
    clock = 0
    parties: dict[Party, int] = {}
    silent = False
    for number, line in enumerate(script.lines, 1):
        if isinstance(line, Silence):
            clock += round(line.seconds * 1000)
            silent = True
            continue
        usual = 0.0 if silent else CHAT_PAUSE if script.channel == "chat" else VOICE_PAUSE
        pause = usual if line.pause is None else line.pause
        silent = False
        # Nobody talks over themselves.
        start = max(0, clock + round(pause * 1000), parties.get(line.party, 0))
        if script.channel == "chat":
            end = start
            heard.append(Scheduled(start, _typed(call_id, number, line, start)))
        else:
            parts = _parts(number, line, start, rng)
            end = parts[-1].end_ms if parts else start
            for part in parts:
                heard.extend(_recognised(call_id, part, rng))
        parties[line.party] = end
        clock = max(clock, end)
    heard.sort(key=lambda scheduled: scheduled.at_ms)
    over = max(clock, heard[-1].at_ms if heard else 0) + HANG_UP_MS
    started = CallStarted(
        call_id=call_id,
        channel=script.channel,
        agent=script.agent if agent is None else agent,
        queue=script.queue,
        customer=script.customer,
        started_at=started_at,
    )
    return [Scheduled(0, started), *heard, Scheduled(over, CallEnded(call_id=call_id, at_ms=over))]


def line_of(segment_id: str) -> int:
    """The line, counted from 1, that a segment of a performed script belongs to; 0 for any other id."""
    number, dot, _ = segment_id.partition(".")
    return int(number) if dot and number.isdecimal() else 0


def _typed(call_id: str, number: int, line: Line, at_ms: int) -> SegmentHeard:
    return SegmentHeard(
        call_id=call_id,
        segment_id=f"{number}.1",
        rev=1,
        party=line.party,
        text=line.text,
        final=line.final,
        turn_end=True,
        start_ms=at_ms,
        end_ms=at_ms,
    )


def _parts(number: int, line: Line, start_ms: int, rng: random.Random) -> list[_Part]:
    """A line as segments: recognisers cut long ones where the speaker breathes."""
    words = line.text.split()
    cuts: list[tuple[str, ...]] = []
    while len(words) > LONGEST_CUT:
        cut = rng.randint(SHORTEST_CUT, LONGEST_CUT)
        cuts.append(tuple(words[:cut]))
        words = words[cut:]
    if words:
        cuts.append(tuple(words))
    parts = []
    for index, cut_words in enumerate(cuts, 1):
        part = _Part(f"{number}.{index}", line, cut_words, start_ms, index == len(cuts))
        parts.append(part)
        start_ms = part.end_ms + BREATH_MS
    return parts


def _recognised(call_id: str, part: _Part, rng: random.Random) -> list[Scheduled]:
    """A segment's interim texts and its final one."""
    wrong: dict[int, tuple[str, int]] = {}
    for index, word in enumerate(part.words):
        if rng.random() < MISHEARD:
            # Wrong from the time the word is first heard until so many interims later.
            wrong[index] = (_misheard(word, rng), rng.randint(1, 3) * INTERIM_MS)
    scheduled: list[Scheduled] = []
    rev = 0
    text = ""
    final_at = part.end_ms + FINAL_LAG_MS
    at_ms = part.start_ms + rng.randrange(INTERIM_MS) + INTERIM_LAG_MS
    while at_ms < final_at:
        count = min(len(part.words), (at_ms - INTERIM_LAG_MS - part.start_ms) // WORD_MS)
        now = " ".join(_heard_as(part, index, at_ms, wrong) for index in range(count))
        if now and now != text:
            text = now
            rev += 1
            scheduled.append(Scheduled(at_ms, _segment(call_id, part, rev, text, count, "interim")))
        at_ms += INTERIM_MS
    if part.line.final:
        text = " ".join(part.words)
        scheduled.append(Scheduled(final_at, _segment(call_id, part, rev + 1, text, len(part.words), "final")))
    return scheduled


def _heard_as(part: _Part, index: int, at_ms: int, wrong: dict[int, tuple[str, int]]) -> str:
    if index in wrong:
        instead, until = wrong[index]
        if at_ms < part.start_ms + (index + 1) * WORD_MS + INTERIM_LAG_MS + until:
            return instead
    return part.words[index]


def _misheard(word: str, rng: random.Random) -> str:
    """A word as a recogniser has it that has not heard the end of it yet, or not at all."""
    if len(word) > 4:
        return word[: rng.randint(2, len(word) - 2)]
    return rng.choice([other for other in _MISHEARD_SHORT if other != word.lower()])


def _segment(
    call_id: str, part: _Part, rev: int, text: str, count: int, kind: Literal["interim", "final"]
) -> SegmentHeard:
    return SegmentHeard(
        call_id=call_id,
        segment_id=part.id,
        rev=rev,
        party=part.line.party,
        text=text,
        final=kind == "final",
        turn_end=kind == "final" and part.last,
        start_ms=part.start_ms,
        end_ms=part.start_ms + count * WORD_MS,
    )
