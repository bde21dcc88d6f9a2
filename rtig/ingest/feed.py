"""Recorded streams: a file of a recogniser's messages, read to the events of its calls."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from rtig.core.events import CallEnded, CallStarted, Party, SegmentHeard, SourceEvent
from rtig.errors import Code, MessageRefused, WorldError
from rtig.ingest.formats import factory


def read_file(
    path: Path, format_name: str, call_id: str = "", parties: Mapping[str, Party] | None = None
) -> Iterator[SourceEvent]:
    """The events of a file that holds JSON Lines, one JSON message, several after one another, or an array of them.

    `call_id` names the call where the messages do not; by default it is made from the file's name. A vendor's recording
    is taken for whole calls: one that the messages do not end is ended where it was last heard. Our own events are
    given as they stand. Raises `WorldError` where the file cannot be read and `MessageRefused`, which names the line,
    at the first message that cannot be taken; the events before it have been given.
    """
    translator = factory(format_name)(call_id or _call_of(path), parties or {})
    last_ms: dict[str, int] = {}
    for line, message in _messages(_text(path)):
        try:
            events = translator.translate(message)
        except MessageRefused as refused:
            raise _at(line, refused.code, refused.sentence) from None
        yield from _noted(events, last_ms)
    yield from _noted(translator.finish(), last_ms)
    if format_name != "rtig":
        for name, at_ms in last_ms.items():
            yield CallEnded(call_id=name, at_ms=at_ms)


def _noted(events: tuple[SourceEvent, ...], last_ms: dict[str, int]) -> tuple[SourceEvent, ...]:
    """The events; on the way, the calls that have not ended and when each was last heard."""
    for event in events:
        match event:
            case CallStarted():
                last_ms.setdefault(event.call_id, 0)
            case CallEnded():
                last_ms.pop(event.call_id, None)
            case SegmentHeard() if event.call_id in last_ms:
                last_ms[event.call_id] = max(last_ms[event.call_id], event.end_ms)
            case _:
                pass
    return events


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise WorldError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError:
        raise MessageRefused(Code.BAD_JSON, f"{path.name} is not UTF-8 text.") from None


def _messages(text: str) -> Iterator[tuple[int, str]]:
    """Each JSON value with the line on which it begins, as it is written there."""
    decoder = json.JSONDecoder()
    at, line = 0, 1
    while True:
        begin = at
        while begin < len(text) and text[begin] in " \t\r\n":
            begin += 1
        line += text.count("\n", at, begin)
        if begin == len(text):
            return
        try:
            value, at = decoder.raw_decode(text, begin)
        except json.JSONDecodeError as error:
            raise _at(error.lineno, Code.BAD_JSON, "What begins here is not one JSON value.") from None
        except RecursionError:
            raise _at(line, Code.BAD_JSON, "What begins here is nested too deeply.") from None
        if isinstance(value, list):
            yield from ((line, json.dumps(item)) for item in value)
        else:
            yield line, text[begin:at]
        line += text.count("\n", begin, at)


def _at(line: int, code: Code, sentence: str) -> MessageRefused:
    return MessageRefused(code, f"line {line}: {sentence}")


def _call_of(path: Path) -> str:
    kept = "".join(c if c.isalnum() or c in "_.-" else "-" for c in path.stem)[:128]
    return kept or "call"
