"""The events of `core.events` as they are: JSON, one event a message."""

from collections.abc import Mapping

import msgspec

from rtig.core.events import Party, SourceEvent
from rtig.ingest.translator import decoded

_event: msgspec.json.Decoder[SourceEvent] = msgspec.json.Decoder(SourceEvent)


class Native:
    """Each event names its call and its party, so neither argument is used."""

    def __init__(self, call_id: str = "", parties: Mapping[str, Party] | None = None, begins_ms: int = 0) -> None:
        pass

    def translate(self, frame: bytes | str) -> tuple[SourceEvent, ...]:
        return (decoded(_event, frame),)

    def finish(self) -> tuple[SourceEvent, ...]:
        return ()
