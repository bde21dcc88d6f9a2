"""What the tests of translators share: the samples, and what a reader of the events is left with."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from rtig.core import events
from rtig.core.events import SegmentHeard, SegmentVoided, SourceEvent
from rtig.ingest.translator import Translator

SAMPLES = Path(__file__).parents[2] / "../shared/samples/ingest"


def sample(name: str) -> Path:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the captured sample {name} is not here")
    return path


def lines(name: str) -> list[str]:
    return sample(name).read_text("utf-8").splitlines()


def tell(translator: Translator, *messages: Any) -> list[SourceEvent]:
    """Feed messages (objects, or frames as they are); the events, each of them checked to be one the log takes."""
    told: list[SourceEvent] = []
    for message in messages:
        frame = message if isinstance(message, (str, bytes)) else json.dumps(message)
        told += translator.translate(frame)
    return well_formed(told)


def finish(translator: Translator) -> list[SourceEvent]:
    return well_formed(translator.finish())


def well_formed(told: Iterable[SourceEvent]) -> list[SourceEvent]:
    told = list(told)
    for event in told:
        assert events.decode(events.encode(event)) == event
        if isinstance(event, SegmentHeard):
            assert event.stable <= len(event.text)
            assert event.start_ms <= event.end_ms
    return told


def finals(told: Iterable[SourceEvent]) -> list[SegmentHeard]:
    """The final segments that stand at the end, in the order of the call's clock."""
    kept: dict[str, SegmentHeard] = {}
    for event in told:
        if isinstance(event, SegmentHeard) and event.final:
            assert event.segment_id not in kept or event.rev > kept[event.segment_id].rev
            kept[event.segment_id] = event
        elif isinstance(event, SegmentVoided):
            kept.pop(event.segment_id, None)
    return sorted(kept.values(), key=lambda event: (event.start_ms, event.end_ms))


def final_text(told: Iterable[SourceEvent]) -> str:
    return " ".join(event.text for event in finals(told))


def left_open(told: Iterable[SourceEvent]) -> set[str]:
    """Segments that were neither settled nor voided."""
    ids: set[str] = set()
    for event in told:
        if isinstance(event, SegmentHeard):
            (ids.discard if event.final else ids.add)(event.segment_id)
        elif isinstance(event, SegmentVoided):
            ids.discard(event.segment_id)
    return ids


def revisions(told: Iterable[SourceEvent]) -> list[tuple[str, int, bool]]:
    """Text, stable prefix and finality of each revision, in order."""
    return [(event.text, event.stable, event.final) for event in told if isinstance(event, SegmentHeard)]


def check_promises(told: Iterable[SourceEvent]) -> None:
    """Revisions grow, a stable prefix is kept, and nothing is heard of a segment once it is voided."""
    last: dict[str, SegmentHeard] = {}
    voided: set[str] = set()
    for event in told:
        if isinstance(event, SegmentVoided):
            assert not last[event.segment_id].stable
            voided.add(event.segment_id)
        elif isinstance(event, SegmentHeard):
            assert event.segment_id not in voided
            before = last.get(event.segment_id)
            if before is not None:
                assert event.rev > before.rev
                assert event.text.startswith(before.text[: before.stable])
                assert event.party == before.party
            last[event.segment_id] = event
