"""Load that looks like calls: the sample scripts, spoken at a real recogniser's rhythm, many at once, from a seed.

`voice_calls` makes every frame of some hundred calls, as `rtig.script` performs them. `spoken_calls` and `turn` are for
thousands: a few dozen calls are spoken and masked once, and each call that is played is one of them with its own id.
"""

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from benchmarks.frames import around
from rtig import knowledge, script
from rtig.core.events import CallEnded, CallStarted, Party, SegmentHeard, encode


class Sent(NamedTuple):
    """One frame to send: when (seconds from the start of the run), for which call, and what identifies its answer."""

    at: float
    call: int
    frame: str
    segment_id: str
    """Empty for what is no fragment."""
    rev: int
    final: bool


class Traffic(NamedTuple):
    """`line_of` says on which of `lines` lines each call is; one line carries one call at a time."""

    lines: int
    call_ids: list[str]
    line_of: list[int]
    sent: list[Sent]

    @property
    def fragments(self) -> int:
        return sum(1 for sent in self.sent if sent.segment_id)


def voice_calls(folder: Path, calls: int, seconds: float, ramp: float, seed: int, prefix: str) -> Traffic:
    """`calls` voice calls that begin at random within the first `ramp` seconds and go on until `seconds`.

    A call that ends before the run does is followed by another on the same line.
    """
    rng = random.Random(seed)
    scripts = [s for s in knowledge.read(folder).calls.values() if s.channel == "voice"]
    ids: list[str] = []
    lines: list[int] = []
    sent: list[Sent] = []
    for line in range(calls):
        begins = rng.uniform(0.0, ramp)
        part = 0
        while begins < seconds:
            call_id = f"{prefix}-{line}-{part}"
            number = len(ids)
            ids.append(call_id)
            lines.append(line)
            ends = begins
            for at_ms, event in script.perform(rng.choice(scripts), call_id, agent=f"desk-{line}"):
                ends = begins + at_ms / 1000
                if ends > seconds:
                    break
                heard = event if isinstance(event, SegmentHeard) else None
                if heard is None and not isinstance(event, CallStarted | CallEnded):
                    continue
                sent.append(
                    Sent(
                        ends,
                        number,
                        encode(event).decode(),
                        heard.segment_id if heard else "",
                        heard.rev if heard else 0,
                        heard.final if heard else False,
                    )
                )
            begins = ends + rng.uniform(1.0, 3.0)
            part += 1
    # Events of one call that arrive at the same time keep their order.
    sent.sort(key=lambda one: one.at)
    return Traffic(calls, ids, lines, sent)


# Calls by the thousand.

FINALS_A_MINUTE = 21.0
"""Of a call, over both parties. This and what follows are medians over recorded service calls."""
OVERLAPPING = 0.19
"""Share of segments that begin before the one before has ended: here the other party says a word between."""
INTERIM_MS = 333
SEGMENT_MS, SEGMENT_P90_MS = 2600, 9200
"""What a recogniser would cut from endless talk, median and ninth decile. Cut from the lines of the scripts, which end,
and with the words between, it is 1.1 s and 3.4 s (recorded: 1.1 s and 3.9 s)."""
LONGEST_WORDS = 25
PAUSE_SPREAD = 1.3
"""Of the logarithms: most pauses are short. From one segment's start to the next it is 2.2 s in the median."""
BETWEEN = ("okay", "yes", "right", "mhm", "I see", "sure", "yeah")
GAP_SECONDS = (1.0, 3.0)
"""From one call of a line to the next."""
SHORTEST_SECONDS = 3.0
ID_BYTES = 16


class Step(NamedTuple):
    """One fragment of a spoken call: when, its frame around the call's id, and what identifies its answer."""

    at: float
    before: bytes
    after: bytes
    segment: bytes
    rev: int
    final: bool


class Spoken(NamedTuple):
    """One call as it is played many times."""

    queue: str
    seconds: float
    steps: tuple[Step, ...]


class Shape(Struct, frozen=True, kw_only=True):
    """A load. Times are seconds from its begin; the first `ramp` of them are not measured."""

    lines: int
    """Agents, each with one call after the other and a sidebar."""
    seconds: float
    ramp: float
    seed: int
    prefix: str
    """Four letters or digits that set the ids of this run's calls apart."""
    starts: float = 0.0
    """Calls that begin each second, in the mean; 0 lets every call last as long as its script."""
    burst: int = 0
    """So many more agents, who get a call at the same second."""
    bursts_at: tuple[float, ...] = ()

    @property
    def all_lines(self) -> int:
        return self.lines + self.burst


class Turn(NamedTuple):
    """One call of a line."""

    call_id: bytes
    begins: float
    ends: float
    spoken: Spoken


def spoken_calls(folder: Path, seed: int, variants: int = 4) -> list[Spoken]:
    """The voice scripts of a knowledge base, each spoken so many times."""
    scripts = [s for s in knowledge.read(folder).calls.values() if s.channel == "voice"]
    rng = random.Random(seed)
    return [_prepared(one, spoken(one, rng)) for one in scripts for _ in range(variants)]


def turn(shape: Shape, calls: list[Spoken], line: int, part: int, after: float) -> Turn | None:
    """The call number `part` of a line, whose one before ended at `after`; None where there is no more.

    Calls that are there from the start are already some way to their end, so that they do not all end together.
    """
    rng = random.Random(f"{shape.seed} {line} {part}")
    chosen = rng.choice(calls)
    lasts = chosen.seconds
    if shape.starts:
        mean = shape.lines / shape.starts - sum(GAP_SECONDS) / 2
        lasts = min(lasts, mean * rng.uniform(0.5, 1.5))
    if line >= shape.lines:
        if part >= len(shape.bursts_at):
            return None
        begins = shape.bursts_at[part] + rng.random()
        if part + 1 < len(shape.bursts_at):
            lasts = min(lasts, shape.bursts_at[part + 1] - begins - 1)
    elif part == 0:
        begins = rng.uniform(0.0, shape.ramp)
        lasts *= rng.random()
    else:
        begins = after + rng.uniform(*GAP_SECONDS)
    call_id = f"{shape.prefix}-{line:05d}-{part:05d}".encode()
    return Turn(call_id, begins, begins + max(SHORTEST_SECONDS, lasts), chosen)


def spoken(said: script.Script, rng: random.Random) -> list[tuple[int, SegmentHeard]]:
    """The fragments of a script, in the order of arrival, each with its milliseconds from the call's start.

    The words are the script's, its pauses are not: they are drawn so that there are `FINALS_A_MINUTE`.
    """
    cuts = [(line.party, cut) for line in said.lines if isinstance(line, script.Line) for cut in _cut(line.text, rng)]
    between = [rng.random() < OVERLAPPING / (1 - OVERLAPPING) and len(words) > 1 for _, words in cuts]
    lasts = 60_000 * (len(cuts) + sum(between)) / FINALS_A_MINUTE
    pauses = [rng.lognormvariate(0.0, PAUSE_SPREAD) for _ in cuts]
    scale = max(0.0, lasts - sum(len(words) for _, words in cuts) * script.WORD_MS) / sum(pauses)
    heard: list[tuple[int, SegmentHeard]] = []
    clock = 0.0
    for number, ((party, words), pause, interrupted) in enumerate(zip(cuts, pauses, between, strict=True), 1):
        clock += pause * scale
        heard += _recognised(f"{number}.1", party, words, round(clock), rng)
        if interrupted:
            other: Party = "agent" if party == "customer" else "customer"
            at = clock + rng.uniform(0.1, 0.9) * len(words) * script.WORD_MS
            heard += _recognised(f"{number}.2", other, rng.choice(BETWEEN).split(), round(at), rng)
        clock += len(words) * script.WORD_MS
    return sorted(heard, key=lambda one: one[0])


def _cut(text: str, rng: random.Random) -> Iterator[list[str]]:
    words = text.split()
    spread = math.log(SEGMENT_P90_MS / SEGMENT_MS) / 1.2816  # standard deviations to the ninth decile
    while words:
        lasts = rng.lognormvariate(math.log(SEGMENT_MS), spread)
        count = min(LONGEST_WORDS, max(1, round(lasts / script.WORD_MS)))
        yield words[:count]
        words = words[count:]


def _recognised(
    segment_id: str, party: Party, words: list[str], start_ms: int, rng: random.Random
) -> Iterator[tuple[int, SegmentHeard]]:
    """Interim texts that grow, the newest word now and then wrong until the next, and the final one."""
    final_at = start_ms + len(words) * script.WORD_MS + script.FINAL_LAG_MS
    at = start_ms + script.INTERIM_LAG_MS + rng.randrange(INTERIM_MS)
    rev, told = 0, ""
    while at < final_at:
        heard = words[: (at - script.INTERIM_LAG_MS - start_ms) // script.WORD_MS]
        if heard and rng.random() < script.MISHEARD:
            heard = [*heard[:-1], heard[-1][: max(1, len(heard[-1]) // 2)]]
        text = " ".join(heard)
        if text not in ("", told):
            told, rev = text, rev + 1
            yield at, _segment(segment_id, rev, party, text, start_ms, len(heard), final=False)
        at += INTERIM_MS
    yield final_at, _segment(segment_id, rev + 1, party, " ".join(words), start_ms, len(words), final=True)


def _segment(
    segment_id: str, rev: int, party: Party, text: str, start_ms: int, words: int, *, final: bool
) -> SegmentHeard:
    return SegmentHeard(
        call_id="x" * ID_BYTES,
        segment_id=segment_id,
        rev=rev,
        party=party,
        text=text,
        final=final,
        turn_end=final,
        start_ms=start_ms,
        end_ms=start_ms + words * script.WORD_MS,
    )


def _prepared(said: script.Script, heard: list[tuple[int, SegmentHeard]]) -> Spoken:
    steps = []
    for at_ms, event in heard:
        frame = around(encode(event), event.call_id.encode())
        steps.append(Step(at_ms / 1000, frame.before, frame.after, event.segment_id.encode(), event.rev, event.final))
    return Spoken(said.queue, heard[-1][0] / 1000 + script.HANG_UP_MS / 1000, tuple(steps))
