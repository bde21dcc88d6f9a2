"""What the server and the process with the models say to each other, and how it is framed on a pipe.

One MessagePack struct a frame, after its length in four bytes.
"""

from typing import BinaryIO

import msgspec
from msgspec import Struct

from rtig.core.events import Party
from rtig.core.playbook import MeaningSource
from rtig.core.utterances import Reading

HEAD_BYTES = 4
BATCH = 32
"""Utterances that are read at once where so many wait: some 50 ms on a CPU. More gain little."""
LONGEST_REPLY_BYTES = 128 * 2**20
"""Far more than the notes of a thousand meanings. What claims to be longer is none of the process's frames."""


class Article(Struct, frozen=True):
    """What is searched of an article."""

    id: str
    text: str


class Learn(Struct, frozen=True, kw_only=True, tag="learn"):
    """Understand these meanings from now on, and search these articles."""

    version: str
    meanings: tuple[MeaningSource, ...]
    negatives: tuple[tuple[str, ...], ...]
    """By kind."""
    false_alarms: float
    articles: tuple[Article, ...] = ()
    notes: bytes = b""
    """What an earlier process has noted when it learned, perhaps something else; only a reader can read them."""


class Asked(Struct, frozen=True):
    """An utterance to be read. See `core.utterances.Utterance`. In another queue other meanings count."""

    key: str
    party: Party
    text: str
    queue: str


class Read(Struct, frozen=True, tag="read"):
    utterances: tuple[Asked, ...]


class Find(Struct, frozen=True, tag="find"):
    """Which articles are about this?"""

    number: int
    query: str
    most: int


Task = Learn | Read | Find


class Learned(Struct, frozen=True, kw_only=True, tag="learned"):
    version: str
    seconds: float
    notes: bytes = b""
    """What a later process need not learn again; empty where this one had it from notes itself."""


class Busy(Struct, frozen=True, tag="busy"):
    """The process still loads or learns: sent now and then, so that one that hangs is told from one that works."""


class Understood(Struct, frozen=True, tag="understood"):
    """Of each utterance that was asked for, in that order, what the model makes of it; unlikely meanings left out."""

    version: str
    readings: tuple[Reading, ...]


class Found(Struct, frozen=True, tag="found"):
    """Articles and how near they are, -1 to 1, the nearest first."""

    number: int
    articles: tuple[tuple[str, float], ...]


class Unable(Struct, frozen=True, tag="unable"):
    """The process ends after this. `again`: another one may do better."""

    problem: str
    again: bool


Reply = Learned | Busy | Understood | Found | Unable

_encoder = msgspec.msgpack.Encoder()
_tasks: msgspec.msgpack.Decoder[Task] = msgspec.msgpack.Decoder(Task)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def framed(message: Task | Reply) -> bytes:
    body = _encoder.encode(message)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


def length_of(head: bytes) -> int:
    return int.from_bytes(head, "big")


def read_body(pipe: BinaryIO) -> bytes | None:
    """What the next frame holds; None where the other side has gone, be it within a frame."""
    head = pipe.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return None
    body = pipe.read(length_of(head))
    return body if len(body) == length_of(head) else None


def task_in(body: bytes) -> Task:
    """Raises `msgspec.DecodeError`."""
    return _tasks.decode(body)


def reply_in(body: bytes) -> Reply:
    """Raises `msgspec.DecodeError`."""
    return _replies.decode(body)
