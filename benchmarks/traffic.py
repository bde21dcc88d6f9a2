"""Load that looks like calls: the sample scripts, spoken at a real recogniser's rhythm, many at once, from a seed."""

import random
from pathlib import Path
from typing import NamedTuple

from rtig import knowledge, script
from rtig.core.events import CallEnded, CallStarted, SegmentHeard, encode


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
