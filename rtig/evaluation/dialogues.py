"""Labelled dialogues, as data: who said what, when, and whether the customer ended annoyed.

JSON Lines as in STAR (Mosig, Mehri, Kober 2020): `turns` of `speaker`, `t_s` and `text`, and
`agent_report.user_annoyed`. What other speakers say (a script's instructions, the agent's clicks) is not part of the
call.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from rtig.core.events import CallStarted, Party, SegmentHeard, SourceEvent
from rtig.errors import WorldError

_TOLD = re.compile(r"complain|annoy|grumpy|angry|rude|impatient|frustrat", re.IGNORECASE)


class _Turn(Struct):
    speaker: str
    t_s: float = 0
    text: str | None = None


class _Report(Struct):
    user_annoyed: bool | None = None


class _Row(Struct):
    turns: list[_Turn]
    id: int | str = ""
    agent_report: _Report | None = None


class Turn(NamedTuple):
    party: Party
    at_ms: int
    text: str


class Dialogue(NamedTuple):
    name: str
    turns: tuple[Turn, ...]
    annoyed: bool
    told: bool
    """The customer's script told them to complain: not everyone who complains is annoyed."""


def read_dialogues(paths: Sequence[Path]) -> list[Dialogue]:
    """Those that say whether the customer was annoyed. Raises `WorldError` that names the line."""
    found: list[Dialogue] = []
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                row = msgspec.json.decode(line, type=_Row)
            except msgspec.MsgspecError as error:
                raise WorldError(f"{path}:{number}: {error}; a dialogue has `turns` and `agent_report`.") from None
            if row.agent_report is not None and row.agent_report.user_annoyed is not None:
                found.append(_dialogue(row, f"{path.stem}-{row.id or number}", row.agent_report.user_annoyed))
    if len({one.annoyed for one in found}) < 2:
        raise WorldError(f"{', '.join(map(str, paths))}: there must be dialogues with and without an annoyed customer.")
    return found


def _dialogue(row: _Row, name: str, annoyed: bool) -> Dialogue:
    turns = tuple(
        Turn("customer" if turn.speaker == "customer" else "agent", round(turn.t_s * 1000), turn.text)
        for turn in row.turns
        if turn.speaker in ("customer", "agent") and turn.text
    )
    told = any(turn.speaker == "instruction_to_customer" and _TOLD.search(turn.text or "") for turn in row.turns)
    return Dialogue(name, turns, annoyed, told)


def events(dialogue: Dialogue) -> Iterator[SourceEvent]:
    """The dialogue as a chat: each turn is final when it comes."""
    yield CallStarted(call_id=dialogue.name, channel="chat")
    for number, turn in enumerate(dialogue.turns):
        yield SegmentHeard(
            call_id=dialogue.name, segment_id=str(number), rev=1, party=turn.party, text=turn.text,
            final=True, turn_end=True, start_ms=turn.at_ms, end_ms=turn.at_ms,
        )  # fmt: skip
