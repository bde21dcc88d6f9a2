"""What happened: the only input of the fold.

Events are past-tense facts, written to the log in the order in which they became known. They are for ever: a field is
added with a default and never changes its meaning. Times are whole milliseconds on the call's own clock, which starts
at 0 and never depends on the machine's. A translator, the wire and the log all speak exactly these structs.

Each event has a key: its name within its call. The log keeps one event a key, so a source may send again whatever was
not acknowledged, and two servers that write the same tick or score leave one.
"""

from typing import Annotated, Literal, assert_never

import msgspec
from msgspec import Meta, Struct

MAX_CALL_MS = 24 * 60 * 60 * 1000
"""No call lasts longer than a day; a time beyond it is a wrong unit, not a long call."""

Party = Literal["customer", "agent", "system", "unknown"]
Channel = Literal["voice", "chat"]
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[\w.:@+-]+\Z")]
"""An id from outside: letters, digits and `_ . : @ + -`."""
Label = Annotated[str, Meta(max_length=128)]
Millis = Annotated[int, Meta(ge=0, le=MAX_CALL_MS)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]


class Event(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, forbid_unknown_fields=True):
    call_id: Name


class CallStarted(Event, frozen=True, kw_only=True, tag="call_started"):
    channel: Channel = "voice"
    agent: Label = ""
    queue: Label = ""
    team: Label = ""
    customer: Label = ""
    lang: Label = "en"
    started_at: int = 0
    """Unix time in milliseconds at the call's 0; 0 when the source does not know."""


class SegmentHeard(Event, frozen=True, kw_only=True, tag="segment"):
    """One revision of one segment: always the segment's full text, never a delta."""

    segment_id: Name
    rev: Annotated[int, Meta(ge=0, le=2**53)]
    """Strictly increasing within a segment; an equal or lower one is ignored."""
    party: Party = "unknown"
    text: Annotated[str, Meta(max_length=16_384)]
    stable: Annotated[int, Meta(ge=0)] = 0
    """The first characters of `text` that the recogniser promises not to change."""
    final: bool = False
    turn_end: bool = False
    start_ms: Millis
    end_ms: Millis
    confidence: Fraction | None = None
    lang: Label = ""
    received: int = 0
    """Unix time in microseconds at which the first byte reached this server; set by the server."""


class SegmentVoided(Event, frozen=True, kw_only=True, tag="segment_voided"):
    """The source takes a segment back, whole."""

    segment_id: Name


class PartyCorrected(Event, frozen=True, kw_only=True, tag="party_corrected"):
    """The source learned late who spoke."""

    segment_id: Name
    rev: Annotated[int, Meta(ge=0, le=2**53)] = 0
    """Counts the corrections of this segment."""
    party: Party


class CallEnded(Event, frozen=True, kw_only=True, tag="call_ended"):
    at_ms: Millis
    reason: Literal["completed", "transferred", "abandoned"] = "completed"


class HintGiven(Event, frozen=True, kw_only=True, tag="hint"):
    """A category or sentiment that the source itself computed; shown beside ours, never mixed into it."""

    hint_id: Name
    name: Label
    value: float = 1.0
    at_ms: Millis


class HoldChanged(Event, frozen=True, kw_only=True, tag="hold"):
    """The customer was put on hold, or taken off it."""

    on: bool
    at_ms: Millis


class Tone(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a model reads of a customer's mood in one utterance."""

    upset: Fraction
    pleased: Fraction
    strain: Annotated[float, Meta(ge=-100, le=100)] = 0.0
    """Log odds that an utterance of a call that ends badly is like this."""
    emotion: Label = ""
    """The likeliest emotion of that mood, where one is likely, as GoEmotions names them."""


class UtteranceRead(Event, frozen=True, kw_only=True, tag="utterance_read"):
    """What a model understood of one utterance: of each meaning that it may have, how likely that is.

    A score of 0.5 is where a meaning counts as meant: the model's side has set its thresholds there.
    """

    utterance: Name
    """Key of the words that were read; see `rtig.core.utterances`."""
    meanings: Name
    """Version of the meanings that the model was told."""
    scores: dict[str, Fraction] = {}
    tone: Tone | None = None
    """Of a customer's utterance only."""


class ClockTicked(Event, frozen=True, kw_only=True, tag="tick"):
    """The call's clock has reached `at_ms`, which `wake_at` asked for."""

    at_ms: Millis


class CardAnswered(Event, frozen=True, kw_only=True, tag="card_answered"):
    """What the agent did with a card."""

    card_id: Name
    action: Literal["opened", "copied", "pinned", "dismissed", "useful"]
    reason: Literal["", "wrong", "late", "known", "busy"] = ""
    by: Label = ""
    at_ms: Millis = 0
    answer_id: Name


class CardMissed(Event, frozen=True, kw_only=True, tag="card_missed"):
    """The server could not deliver a card within its budget: nobody saw it."""

    card_id: Name
    early: bool = False
    """It was provisional: once its words are final it may still come in time."""


class Whispered(Event, frozen=True, kw_only=True, tag="whisper"):
    """A supervisor's word to the agent."""

    whisper_id: Name
    text: Annotated[str, Meta(min_length=1, max_length=500)]
    by: Label = ""
    at_ms: Millis = 0


class AlertAnswered(Event, frozen=True, kw_only=True, tag="alert_answered"):
    """A supervisor took an alert on, or has dealt with it."""

    alert_id: Name
    action: Literal["acknowledge", "resolve"]
    by: Label = ""
    at_ms: Millis = 0
    answer_id: Name


class HelpAsked(Event, frozen=True, kw_only=True, tag="help_asked"):
    """The agent asks for help, or says more about what for."""

    help_id: Name
    text: Annotated[str, Meta(max_length=200)] = ""
    by: Label = ""
    at_ms: Millis = 0


class HelpTakenBack(Event, frozen=True, kw_only=True, tag="help_taken_back"):
    """The agent needs no help any more."""

    help_id: Name
    """Of the request, or of one that said more about it."""
    by: Label = ""
    at_ms: Millis = 0


class HandoverSent(Event, frozen=True, kw_only=True, tag="handover_sent"):
    """What the agent leaves for whoever has the customer next. It may come after the end of the call."""

    handover_id: Name
    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    by: Label = ""
    sent_at: int = 0
    """Unix time in milliseconds; set by the server."""


class PlaybookChanged(Event, frozen=True, kw_only=True, tag="playbook_changed"):
    """From here on the call is folded with the playbook of this version."""

    version: Name
    at_ms: Millis = 0


class Unrecognised(Event, frozen=True, kw_only=True, tag="unrecognised"):
    """A record that this version cannot read (a newer one wrote it). It keeps its place and changes nothing."""


SourceEvent = CallStarted | SegmentHeard | SegmentVoided | PartyCorrected | HoldChanged | CallEnded | HintGiven
AnyEvent = (
    SourceEvent
    | UtteranceRead
    | ClockTicked
    | CardAnswered
    | CardMissed
    | Whispered
    | AlertAnswered
    | HelpAsked
    | HelpTakenBack
    | HandoverSent
    | PlaybookChanged
    | Unrecognised
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def key(event: AnyEvent) -> str:
    """The event's name within its call; the log keeps one event a key."""
    match event:
        case SegmentHeard():
            return f"{event.segment_id}@{event.rev}"
        case CallStarted():
            return "call_started"
        case CallEnded():
            return "call_ended"
        case SegmentVoided():
            return f"void:{event.segment_id}"
        case PartyCorrected():
            return f"party:{event.segment_id}@{event.rev}"
        case HintGiven():
            return f"hint:{event.hint_id}"
        case HoldChanged():
            return f"hold:{event.at_ms}:{'on' if event.on else 'off'}"
        case UtteranceRead():
            return f"read:{event.utterance}:{event.meanings}"
        case ClockTicked():
            return f"tick:{event.at_ms}"
        case CardAnswered():
            return f"answer:{event.answer_id}"
        case CardMissed():
            return f"missed:{event.card_id}:early" if event.early else f"missed:{event.card_id}"
        case Whispered():
            return f"whisper:{event.whisper_id}"
        case AlertAnswered():
            return f"alert:{event.answer_id}"
        case HelpAsked():
            return f"help:{event.help_id}"
        case HelpTakenBack():
            return f"help_back:{event.help_id}"
        case HandoverSent():
            return f"handover:{event.handover_id}"
        case PlaybookChanged():
            return f"playbook:{event.version}@{event.at_ms}"
        case Unrecognised():
            return "unrecognised"
        case _:
            assert_never(event)


def encode(event: AnyEvent) -> bytes:
    return _encoder.encode(event)


def decode(body: bytes) -> AnyEvent:
    """The event in a log record; one that this version cannot read comes back as `Unrecognised`, never as an error."""
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError:
        return Unrecognised(call_id="unrecognised")
