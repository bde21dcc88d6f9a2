"""What a client and the server may say to each other, and the codec.

One JSON object a text frame, both ways. `type` says which. A source sends the events of `core.events` as they are; the
server answers each with `ack` once it is durable, or with `error`. A watcher gets `guidance` frames: the items that one
event of the log brought, under that event's position, all or nothing.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from rtig.core.events import (
    CallEnded,
    CallStarted,
    HintGiven,
    HoldChanged,
    Label,
    Name,
    Party,
    PartyCorrected,
    SegmentHeard,
    SegmentVoided,
)
from rtig.core.guidance import Alert, BoardRow, Brief, Contact, Course, Watched
from rtig.errors import Code, MessageRefused
from rtig.wire.authors import Job, Knowledge

PROTOCOL = 1
SUBPROTOCOL = "rtig.v1"
TICKET_PREFIX = "ticket."
"""A browser offers the sub-protocols `rtig.v1` and `ticket.<ticket>`; the server accepts one and spends the other."""

Role = Literal["source", "agent", "supervisor", "author"]
LaneState = Literal["off", "starting", "on", "down"]
"""Whether a model understands utterances now. Not `on`: cards come from words and the state of the call alone."""


class Said(Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True, omit_defaults=True):
    """What a client says."""


class Told(Struct, frozen=True, kw_only=True, tag_field="type"):
    """What the server tells."""


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A position in a call's log."""

    epoch: int
    seq: Annotated[int, Meta(ge=0)]


# --- clients say


class Hello(Said, frozen=True, kw_only=True, tag="hello"):
    """First, once. Who is connecting; with a ticket in the sub-protocols, `token` stays empty."""

    role: str
    token: str = ""
    protocol: int = PROTOCOL
    source: Label = ""
    """source: a stable name of the sending process. It owns the calls it starts and has them back on reconnecting."""
    format: Label = "rtig"
    """source: whose messages follow: `rtig`, `speechmatics`, `deepgram`, `lca`."""
    call_id: Label = ""
    """source with a vendor's format: the call that this connection carries."""
    parties: dict[str, Party] = {}
    """source with a vendor's format: which channel or speaker is which party, e.g. {"0": "customer", "1": "agent"}."""
    agent: Label = ""
    """agent: whose calls to announce. supervisor: the name that others see beside what this one takes on or says."""


class Watch(Said, frozen=True, kw_only=True, tag="watch"):
    """Follow a call: everything that still matters since its start, or since `after`."""

    call_id: Name
    after: Place | None = None


class Unwatch(Said, frozen=True, kw_only=True, tag="unwatch"):
    call_id: Name


class Answer(Said, frozen=True, kw_only=True, tag="answer"):
    """agent: what was done with a card. `answer_id` makes sending it twice harmless."""

    call_id: Name
    card_id: Name
    action: Literal["opened", "copied", "pinned", "dismissed", "useful"]
    reason: Literal["", "wrong", "late", "known", "busy"] = ""
    answer_id: Name


class AskHelp(Said, frozen=True, kw_only=True, tag="ask_help"):
    """agent: have a supervisor come. While that stands, one more with a `text` says what for.

    `help_id` makes sending it twice harmless.
    """

    call_id: Name
    help_id: Name
    text: Annotated[str, Meta(max_length=200)] = ""


class TakeBackHelp(Said, frozen=True, kw_only=True, tag="take_back_help"):
    """agent: help is not needed any more. `help_id` is that of any `ask_help` about it."""

    call_id: Name
    help_id: Name


class AskBrief(Said, frozen=True, kw_only=True, tag="ask_brief"):
    """agent, supervisor: what whoever takes a call over has to know of it, as far as it has come."""

    call_id: Name


class SendHandover(Said, frozen=True, kw_only=True, tag="send_handover"):
    """agent: what whoever has the customer next should know, also after the end of the call.

    It is part of the call, and of its brief. `handover_id` makes sending it twice harmless.
    """

    call_id: Name
    handover_id: Name
    text: Annotated[str, Meta(min_length=1, max_length=4000)]


class AskHistory(Said, frozen=True, kw_only=True, tag="ask_history"):
    """agent, supervisor: the other calls of this call's customer. `ask_brief` says what was said in one of them."""

    call_id: Name


class AskCourse(Said, frozen=True, kw_only=True, tag="ask_course"):
    """supervisor: how the customer's frustration went in a call so far, and what the agent did with its cards."""

    call_id: Name


class WatchBoard(Said, frozen=True, kw_only=True, tag="watch_board"):
    """supervisor: the live calls of the tenant, as rows, and their alerts."""


class AnswerAlert(Said, frozen=True, kw_only=True, tag="answer_alert"):
    """supervisor: take an alert on, or say that it is dealt with. `answer_id` makes sending it twice harmless."""

    call_id: Name
    alert_id: Name
    action: Literal["acknowledge", "resolve"]
    answer_id: Name


class Whisper(Said, frozen=True, kw_only=True, tag="say_to_agent"):
    """supervisor: a word to the agent of a call."""

    call_id: Name
    whisper_id: Name
    text: Annotated[str, Meta(min_length=1, max_length=500)]


class Find(Said, frozen=True, kw_only=True, tag="find"):
    """agent, supervisor: which articles are about this? `find_id` names the answer."""

    find_id: Name
    query: Annotated[str, Meta(max_length=200)]
    most: Annotated[int, Meta(ge=1, le=20)] = 5


ClientMessage = (
    Hello
    | Watch
    | Unwatch
    | Answer
    | AskHelp
    | TakeBackHelp
    | AskBrief
    | SendHandover
    | AskHistory
    | AskCourse
    | WatchBoard
    | AnswerAlert
    | Whisper
    | Find
    | CallStarted
    | SegmentHeard
    | SegmentVoided
    | PartyCorrected
    | HoldChanged
    | CallEnded
    | HintGiven
)


# --- the server tells


class Limits(Struct, frozen=True, kw_only=True):
    message_bytes: int
    messages_per_second: int
    segments_per_call: int


class Welcome(Told, frozen=True, kw_only=True, tag="welcome"):
    protocol: int
    role: Role
    tenant: str
    epoch: int
    server: str
    """Version of rtig."""
    playbook: str
    """Version of the playbook that new calls are folded with."""
    ping_interval: float
    """Seconds; a peer that does not answer two pings in a row is closed."""
    limits: Limits
    formats: tuple[str, ...]
    lane: LaneState = "off"


class Ack(Told, frozen=True, kw_only=True, tag="ack"):
    """The event of this key is durable at `seq`. An event that had come before is acknowledged again, with its seq."""

    call_id: str
    key: str
    epoch: int
    seq: int


class Refused(Told, frozen=True, kw_only=True, tag="error"):
    """A message was not taken; nothing else is affected. `key` names the event where there was one."""

    code: Code
    message: str
    retry: bool
    retry_after: float | None = None
    call_id: str = ""
    key: str = ""


class CallSummary(Struct, frozen=True, kw_only=True):
    call_id: str
    agent: str
    queue: str
    customer: str
    channel: str
    started_at: int


class Calls(Told, frozen=True, kw_only=True, tag="calls"):
    """agent: the live calls of this agent, newest first; sent on hello and at each change."""

    calls: tuple[CallSummary, ...]


class Timing(Struct, frozen=True, kw_only=True):
    """Microseconds from the first byte of the message to the frame's making, and where they went."""

    decode_us: int
    append_us: int
    fold_us: int
    encode_us: int
    total_us: int


class Guided(Told, frozen=True, kw_only=True, tag="guidance"):
    """What one event of a call's log brought. `timing` is there only on live frames, not on resumed ones."""

    call_id: str
    epoch: int
    seq: int
    items: tuple[Watched, ...]
    timing: Timing | None = None


class StartOver(Told, frozen=True, kw_only=True, tag="start_over"):
    """The position asked for is not in this log any more: forget what you hold of the call; all of it follows."""

    call_id: str
    epoch: int


class CaughtUp(Told, frozen=True, kw_only=True, tag="caught_up"):
    """The past of a watched call has been told; what follows is live."""

    call_id: str
    epoch: int
    seq: int


class Briefed(Told, frozen=True, kw_only=True, tag="brief"):
    """The brief of a call: the answer to `ask_brief`, and sent unasked to who watches a call when it ends."""

    brief: Brief


class History(Told, frozen=True, kw_only=True, tag="history"):
    """The answer to `ask_history`: the customer's other calls on every channel, newest first, at most five."""

    call_id: str
    contacts: tuple[Contact, ...]
    brief: Brief | None
    """Of the newest of them."""


class CourseIs(Told, frozen=True, kw_only=True, tag="course"):
    """How a call has gone so far: the answer to `ask_course`."""

    course: Course


class FoundArticle(Struct, frozen=True, kw_only=True):
    """An article that was found. `score` only ranks within one answer."""

    id: str
    title: str
    say: str
    body: str
    """Safe HTML."""
    steps: tuple[str, ...]
    score: float


class Found(Told, frozen=True, kw_only=True, tag="found"):
    """The answer to `find`, best first. `meaning` says whether a model took part or the words alone."""

    find_id: str
    articles: tuple[FoundArticle, ...]
    meaning: bool


class LaneIs(Told, frozen=True, kw_only=True, tag="lane"):
    """The model lane has another state."""

    state: LaneState


class KnowledgeIs(Told, frozen=True, kw_only=True, tag="knowledge"):
    """author: the state of the knowledge base; sent on hello and at each change."""

    knowledge: Knowledge


class JobIs(Told, frozen=True, kw_only=True, tag="job"):
    """author: how far some work on recorded calls has come; on hello, all that there is."""

    job: Job


class Board(Told, frozen=True, kw_only=True, tag="board"):
    """Rows and alerts that are new or changed, and ids of calls that are over.

    `whole` replaces everything before, together with the frames behind it as long as they say that `more` follows.

    An alert replaces the one of the same call and id. A call that is gone has no alert that is not resolved.
    """

    rows: tuple[BoardRow, ...]
    gone: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()
    whole: bool = False
    more: bool = False


class Bye(Told, frozen=True, kw_only=True, tag="bye"):
    """The server closes this connection."""

    code: Code
    message: str
    retry: bool
    retry_after: float | None = None


ServerMessage = (
    Welcome
    | Ack
    | Refused
    | Calls
    | Guided
    | StartOver
    | CaughtUp
    | Briefed
    | History
    | CourseIs
    | Found
    | LaneIs
    | KnowledgeIs
    | JobIs
    | Board
    | Bye
)


class _About(Struct, gc=False):
    call_id: str = ""


_encoder = msgspec.json.Encoder()
_about = msgspec.json.Decoder(_About)
_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def encode(message: ClientMessage | ServerMessage) -> bytes:
    return _encoder.encode(message)


def decode(frame: bytes | bytearray | memoryview) -> ClientMessage:
    """A client's message. Raises `MessageRefused` that names the field, never its value."""
    try:
        return _decoder.decode(frame)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MessageRefused(Code.BAD_JSON, "The frame is not one JSON object in UTF-8.") from None


def call_of(frame: bytes) -> str:
    """The call that a client's message is about, for a third of what `decode` costs; empty where it cannot be told."""
    try:
        return _about.decode(frame).call_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def decode_told(frame: bytes | str) -> ServerMessage:
    """The server's message, for clients in Python. Raises `msgspec.ValidationError`."""
    return _server_decoder.decode(frame)


def _refusal(problem: str) -> MessageRefused:
    """The refusal for what msgspec says: it names the field, and quotes what was sent only in tags and enums."""
    where = problem.rsplit(" - at `", 1)[1].rstrip("`") if " - at `" in problem else "$"
    if problem.startswith("Object contains unknown field"):
        return MessageRefused(Code.UNKNOWN_FIELD, f"A field of {where} is no part of this message. See /asyncapi.json.")
    if problem.startswith("Invalid value") and where == "$.type":
        return MessageRefused(Code.UNKNOWN_TYPE, "`type` names no message that a client may send. See /asyncapi.json.")
    if problem.startswith("Invalid"):
        return MessageRefused(Code.BAD_MESSAGE, f"The value is none of those allowed, at {where}.")
    if where in ("$.start_ms", "$.end_ms", "$.at_ms"):
        return MessageRefused(Code.BAD_TIME, f"{where} must be whole milliseconds from 0 to one day.")
    if problem.startswith("Expected `str` matching"):
        return MessageRefused(Code.BAD_MESSAGE, f"{where} must be 1 to 128 letters, digits or any of _ . : @ + -")
    return MessageRefused(Code.BAD_MESSAGE, problem)
