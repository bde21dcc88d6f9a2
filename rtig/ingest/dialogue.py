"""Whole calls on record, one JSON object each, as data sets and archives have them: who said what, and when.

    {"call_id": "c1", "turns": [{"speaker": "customer", "t_s": 12, "text": "…"}, …]}

A turn's time is `t_s` in seconds, when it was sent, or `start_ms` with `duration_ms`, when it was spoken. `asr` is what
a recogniser made of it, and goes before `text`. Turns of speakers that are no party (instructions, actions) are left
out. A call whose turns have no duration is a chat. For files only: over a socket, a source carries one call.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from rtig.core.events import CallEnded, CallStarted, Party, SegmentHeard, SourceEvent
from rtig.errors import Code, MessageRefused
from rtig.ingest.translator import LONGEST_TEXT, decoded, millis, named, whole_millis

_SPEAKERS: dict[str, Party] = {
    "customer": "customer", "caller": "customer", "user": "customer", "client": "customer",
    "agent": "agent", "assistant": "agent", "wizard": "agent", "system": "system",
}  # fmt: skip
_Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]


class _Turn(Struct):
    speaker: str
    text: _Text = ""
    asr: _Text | None = None
    t_s: float | None = None
    start_ms: float | None = None
    duration_ms: float | None = None


class _Dialogue(Struct):
    turns: list[_Turn]
    call_id: str | int | None = None
    id: str | int | None = None
    queue: str = ""
    agent: str = ""
    customer: str = ""
    end_ms: float | None = None


_dialogue = msgspec.json.Decoder(_Dialogue)


class Dialogue:
    """Each message is a call of its own; `parties` names speakers beyond the usual ones."""

    def __init__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int = 0) -> None:  # noqa: ARG002
        self._call_id = call_id
        self._parties = _SPEAKERS | dict(parties)
        self._count = 0

    def translate(self, frame: bytes | str) -> tuple[SourceEvent, ...]:
        """Raises `MessageRefused`."""
        dialogue = decoded(_dialogue, frame)
        name = dialogue.call_id if dialogue.call_id is not None else dialogue.id
        call_id = named(str(name) if name is not None else f"{self._call_id}-{self._count + 1}")
        heard = [
            _heard(call_id, party, number, turn)
            for number, turn in enumerate(dialogue.turns)
            if (party := self._parties.get(turn.speaker)) is not None
        ]
        heard.sort(key=lambda segment: segment.start_ms)
        over = max((segment.end_ms for segment in heard), default=0)
        if dialogue.end_ms is not None:
            over = max(over, whole_millis(dialogue.end_ms, "$.end_ms"))
        spoken = any(turn.duration_ms is not None for turn in dialogue.turns)
        started = CallStarted(
            call_id=call_id,
            channel="voice" if spoken else "chat",
            queue=dialogue.queue[:128],
            agent=dialogue.agent[:128],
            customer=dialogue.customer[:128],
        )
        self._count += 1
        return (started, *heard, CallEnded(call_id=call_id, at_ms=over))

    def finish(self) -> tuple[SourceEvent, ...]:
        return ()


def _heard(call_id: str, party: Party, number: int, turn: _Turn) -> SegmentHeard:
    """`number` is the turn's place in the message, from 0; its id counts from 1, as people do."""
    where = f"$.turns[{number}]"
    if turn.start_ms is not None:
        start_ms = whole_millis(turn.start_ms, f"{where}.start_ms")
    elif turn.t_s is not None:
        start_ms = millis(turn.t_s, f"{where}.t_s")
    else:
        raise MessageRefused(Code.BAD_TIME, f"{where} has neither `t_s` nor `start_ms`.")
    return SegmentHeard(
        call_id=call_id,
        segment_id=f"{number + 1}",
        rev=1,
        party=party,
        text=turn.asr if turn.asr is not None else turn.text,
        final=True,
        turn_end=True,
        start_ms=start_ms,
        end_ms=whole_millis(turn.duration_ms or 0, f"{where}.duration_ms", start_ms),
    )
