"""What a vendor's translator promises, and what each of them needs: typed decoding, the call's clock, ids, parties.

A translator is a state machine: one decoded message in, the events it makes certain out. It does no I/O, reads no clock
and draws no random number, so the same messages give the same events, ids and revisions included. Customers' words
never enter its errors: a refusal names the field and what was expected of it.
"""

import math
import re
from collections.abc import Mapping
from hashlib import blake2s
from typing import Protocol, TypeVar

import msgspec

from rtig.core.events import MAX_CALL_MS, CallEnded, CallStarted, Party, SegmentHeard, SourceEvent
from rtig.errors import Code, MessageRefused

LONGEST_TEXT = 16_384
LONGEST_WORD = 1_024
"""Characters that a recogniser may give as one word or entity; more is not speech."""

_NAME = re.compile(r"[\w.:@+-]{1,128}\Z")
_T = TypeVar("_T")


class Translator(Protocol):
    """Carries one source's stream. Events leave in the order in which they are to enter the log."""

    def translate(self, frame: bytes | str) -> tuple[SourceEvent, ...]:
        """The events that one JSON message makes certain; none for a message of a kind that does not matter.

        Raises `MessageRefused`, and is then as if the message had never come.
        """

    def finish(self) -> tuple[SourceEvent, ...]:
        """The stream is over: what was promised final becomes final, what was a mere guess is voided.

        A `CallEnded` is among the events only where the vendor said that nothing follows; a stream that broke may come
        back. Safe to call twice.
        """


class Factory(Protocol):
    def __call__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int = 0) -> Translator:
        """A translator for one stream of one call.

        `parties` says which channel or speaker label is which party; `"1:S2"` names speaker S2 on channel 1, `""`
        speech that carries no label. A label that it does not have is `unknown`. `begins_ms` is the call's clock at
        the stream's 0, for a stream that begins after the call. Raises `MessageRefused` for a `call_id` that is not a
        `Name`.
        """


class CallStream:
    """One call as a translator tells it: started once, on a clock that never runs back, with ids used once."""

    def __init__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int) -> None:
        if not _NAME.match(call_id):
            raise MessageRefused(Code.BAD_MESSAGE, "call_id must be 1 to 128 letters, digits or any of _ . : @ + -")
        self.call_id = call_id
        self._parties = dict(parties)
        self._session = ""
        """The vendor's id of the recognition in progress; a source that reconnects gets a new one."""
        self._begins_ms = begins_ms
        self._last_ms = begins_ms
        self._ids: set[str] = set()
        self._started = False

    def party(self, *labels: str) -> Party:
        """The party of the first of the labels that the map has."""
        for label in labels:
            if label in self._parties:
                return self._parties[label]
        return "unknown"

    def continues(self, session: str) -> bool:
        return not session or not self._session or session == self._session

    def begins(self, session: str = "") -> int:
        """The call's clock at a session's 0: recognisers count from 0 again in each."""
        return self._begins_ms if self.continues(session) else self._last_ms

    def restart(self) -> None:
        """The session is over; what the next one counts from 0 begins where this one was last heard."""
        self._session = ""
        self._begins_ms = self._last_ms

    def enter(self, session: str) -> None:
        self._session = session or self._session

    def segment_id(self, label: str, start_ms: int) -> str:
        """An id that says who and when, so a translator that joins a stream in the middle reuses none."""
        where = ".".join(part for part in (self._session[:8], label, str(start_ms)) if part)
        wanted, again = named(where), 0
        while wanted in self._ids:
            again += 1
            wanted = named(f"{where}+{again}")
        self._ids.add(wanted)
        return wanted

    def started(self, lang: str = "", agent: str = "", started_at: int = 0) -> list[SourceEvent]:
        if self._started:
            return []
        self._started = True
        return [CallStarted(call_id=self.call_id, lang=lang[:128] or "en", agent=agent[:128], started_at=started_at)]

    def told(self, events: list[SourceEvent]) -> tuple[SourceEvent, ...]:
        """The events of one message, after a `CallStarted` where they are the call's first.

        Of the revisions that one message gives a segment, only the last is told.
        """
        if not events:
            return ()
        last = {event.segment_id: event for event in events if isinstance(event, SegmentHeard)}
        events = [e for e in events if not isinstance(e, SegmentHeard) or e is last[e.segment_id]]
        heard = [event for event in events if isinstance(event, SegmentHeard)]
        self._last_ms = max([self._last_ms, *(event.end_ms for event in heard)])
        return (*self.started(heard[0].lang if heard else ""), *events)

    def ended(self) -> CallEnded:
        return CallEnded(call_id=self.call_id, at_ms=self._last_ms)


def named(text: str) -> str:
    """The text as a `Name`. Texts that differ stay apart: what had to be changed ends in a digest of the whole."""
    if _NAME.match(text):
        return text
    digest = blake2s(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return re.sub(r"[^\w.:@+-]+", "-", text)[:100] + "." + digest


def millis(seconds: float | str, field: str, begins_ms: int = 0) -> int:
    """A vendor's seconds, numbers or text, as milliseconds on the call's clock. Raises `MessageRefused` (BAD_TIME)."""
    try:
        value = float(seconds) * 1000
    except (ValueError, OverflowError):
        value = math.nan
    return _on_the_clock(value, field, begins_ms)


def whole_millis(milliseconds: float, field: str, begins_ms: int = 0) -> int:
    """As `millis`, from a vendor that counts milliseconds."""
    return _on_the_clock(milliseconds, field, begins_ms)


def _on_the_clock(value: float, field: str, begins_ms: int) -> int:
    if not 0 <= value <= MAX_CALL_MS - begins_ms:
        raise MessageRefused(Code.BAD_TIME, f"{field} must be a time from 0 to one day into the call.")
    return begins_ms + round(value)


def decoded(decoder: msgspec.json.Decoder[_T], frame: bytes | str | msgspec.Raw) -> _T:
    """A vendor's message as its struct. Raises `MessageRefused` that names the field, never its value."""
    try:
        return decoder.decode(frame)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise MessageRefused(Code.BAD_JSON, "The message is not one JSON value in UTF-8.") from None


def _refusal(problem: str) -> MessageRefused:
    """Only for tags, enumerations and unknown fields does msgspec quote what was sent."""
    where = problem.rsplit(" - at `", 1)[1].rstrip("`") if " - at `" in problem else "$"
    if problem.startswith("Object contains unknown field"):
        return MessageRefused(Code.UNKNOWN_FIELD, f"A field is not part of this event, in {where}.")
    if problem.startswith("Invalid value") and where == "$.type":
        return MessageRefused(Code.UNKNOWN_TYPE, "`type` names no event that a source may send.")
    if problem.startswith("Invalid"):
        return MessageRefused(Code.BAD_MESSAGE, f"The value is none of those allowed, at {where}.")
    if where in ("$.start_ms", "$.end_ms", "$.at_ms"):
        return MessageRefused(Code.BAD_TIME, f"{where} must be whole milliseconds from 0 to one day.")
    return MessageRefused(Code.BAD_MESSAGE, problem)
