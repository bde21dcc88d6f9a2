"""What the server and the process that works for authors say to each other, framed as the model lane does it.

One task; for a task on calls the calls follow, then `End`. The process answers with how far it has come, and at last
with what it found.
"""

import msgspec
from msgspec import Struct

from rtig.core.playbook import Source
from rtig.lane.talk import HEAD_BYTES
from rtig.wire.authors import Finding, JobKind

LONGEST_REPLY_BYTES = 64 * 2**20


class Model(Struct, frozen=True, kw_only=True):
    """A model as the lane has it, and what that has learned."""

    weights: str
    sha256: str
    device: str
    notes: bytes


class Lint(Struct, frozen=True, kw_only=True, tag="lint"):
    folder: str
    today: str
    """An ISO day, to hold review dates against."""
    model: Model | None


class Look(Struct, frozen=True, kw_only=True, tag="look"):
    """Look through the calls that follow with the playbook in use."""

    kind: JobKind
    playbook: Source
    start: Source
    """What a backtest holds the playbook against where there is no `draft`."""
    draft: str = ""
    """A folder that a backtest holds against the playbook."""
    model: Model | None = None


class CallLog(Struct, frozen=True, tag="call"):
    """A call's events, as they are in the log."""

    began_at: int
    events: tuple[bytes, ...]


class End(Struct, frozen=True, tag="end"):
    """No more calls."""


Task = Lint | Look | CallLog | End


class Linted(Struct, frozen=True, tag="linted"):
    """What lint found, and where each rule is written: path and line."""

    findings: tuple[Finding, ...]
    places: dict[str, tuple[str, int]]
    whole: bool = True
    """Otherwise more is being looked for, which takes longer."""


class Ready(Struct, frozen=True, tag="ready"):
    """Everything is compiled and learned: calls may come."""


class Progress(Struct, frozen=True, tag="progress"):
    done: int


class Looked(Struct, frozen=True, tag="looked"):
    """What was found, as JSON, and the calls whose words are in it."""

    body: bytes
    calls: tuple[str, ...]


class Unable(Struct, frozen=True, tag="unable"):
    """The process ends after this. `errors`: a folder cannot be read."""

    problem: str
    errors: tuple[Finding, ...] = ()


Reply = Linted | Ready | Progress | Looked | Unable

_encoder = msgspec.msgpack.Encoder()
_tasks: msgspec.msgpack.Decoder[Task] = msgspec.msgpack.Decoder(Task)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def framed(message: Task | Reply) -> bytes:
    body = _encoder.encode(message)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def task_in(body: bytes) -> Task:
    """Raises `msgspec.DecodeError`."""
    return _tasks.decode(body)


def reply_in(body: bytes) -> Reply:
    """Raises `msgspec.DecodeError`."""
    return _replies.decode(body)
