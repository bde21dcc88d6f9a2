"""What workers say to each other, and how it is framed on a link. Pure.

One MessagePack struct a frame, after its length in four bytes. Connections of clients share a link: each has a number,
given by the worker that accepted the client (its *front*), under which the other worker (the *owner* of the calls that
it is about) sees a connection like its own. Frames for clients are carried as they go over the wire.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from rtig.core.events import Party, UtteranceRead
from rtig.core.guidance import Brief, Contact
from rtig.gateway.outbox import Key
from rtig.wire.messages import Bye, CallSummary, Hello, LaneState, Role
from rtig.workers.figures import Figures
from rtig.workers.http import Answered, Carried

HEAD_BYTES = 4
LONGEST_BYTES = 64 * 2**20
"""Far more than anything that is said; what claims to be longer is none of our frames."""


class _Frame(Struct, frozen=True, array_like=True, gc=False):
    pass


class Hail(_Frame, frozen=True, tag=0):
    """First, both ways."""

    worker: int
    workers: int


# Of a client, from its front to the owner.


class Open(_Frame, frozen=True, tag=1):
    """A client that the front has greeted."""

    id: int
    tenant: str
    role: Role
    hello: Hello


class Say(_Frame, frozen=True, tag=2):
    id: int
    frame: bytes
    received_ns: int
    """`time.perf_counter_ns`, which is one clock for all processes of a machine."""


class Took(_Frame, frozen=True, tag=3):
    """So many bytes of what was told have left for the client's machine."""

    id: int
    size: int


class Leave(_Frame, frozen=True, tag=4):
    """The client is gone."""

    id: int


# Of a client, from the owner to its front.


class Tell(_Frame, frozen=True, tag=5):
    id: int
    frame: bytes
    key: Key | None = None
    supersedes: tuple[Key, ...] = ()


class Dismiss(_Frame, frozen=True, tag=6):
    """Close the client's connection."""

    id: int
    bye: Bye


class Hold(_Frame, frozen=True, tag=7):
    """Take nothing more from the client for now, or go on."""

    id: int
    on: bool


# News, for whoever they concern.


class Going(_Frame, frozen=True, tag=8):
    tenant: str
    began_at: int
    summary: CallSummary


class AllGoing(_Frame, frozen=True, tag=9):
    """All calls that go on at the worker, oldest first; sent once, when the link is there."""

    calls: tuple[Going, ...]


class Gone(_Frame, frozen=True, tag=10):
    tenant: str
    call_id: str


# Questions and their answers.


class Spend(_Frame, frozen=True, tag=20):
    ticket: str


class Spent(_Frame, frozen=True, tag=21):
    credential: tuple[str, tuple[Role, ...]] | None


class AskContacts(_Frame, frozen=True, tag=22):
    tenant: str
    call_id: str
    customer: str
    most: int


class Contacts(_Frame, frozen=True, tag=23):
    contacts: tuple[Contact, ...]


class AskBrief(_Frame, frozen=True, tag=24):
    tenant: str
    call_id: str


class BriefIs(_Frame, frozen=True, tag=25):
    brief: Brief


class AskFigures(_Frame, frozen=True, tag=27):
    pass


class FiguresAre(_Frame, frozen=True, tag=28):
    figures: Figures


class AskHttp(_Frame, frozen=True, tag=29):
    request: Carried


class HttpIs(_Frame, frozen=True, tag=32):
    answer: Answered


class AskCalls(_Frame, frozen=True, tag=33):
    """The last calls of a tenant."""

    tenant: str
    most: int


class CallsAre(_Frame, frozen=True, tag=34):
    """Oldest first, and when each began, in Unix milliseconds."""

    calls: tuple[tuple[int, str], ...]


class AskRecords(_Frame, frozen=True, tag=35):
    """Some events of a call, behind a seq."""

    tenant: str
    call_id: str
    after: int


class RecordsAre(_Frame, frozen=True, tag=36):
    """Epoch, seq, time and event of each; none where there are no more."""

    records: tuple[tuple[int, int, int, bytes], ...]


class AskFind(_Frame, frozen=True, tag=38):
    """Articles by meaning."""

    query: str
    most: int


class Found(_Frame, frozen=True, tag=39):
    articles: tuple[tuple[str, float], ...]


class Read(_Frame, frozen=True, tag=40):
    """Have utterances (key, party, words) of a call in a queue read by the model."""

    tenant: str
    call_id: str
    queue: str
    utterances: tuple[tuple[str, Party, str], ...]


class ReadingIs(_Frame, frozen=True, tag=41):
    tenant: str
    call_id: str
    reading: UtteranceRead


class LaneIs(_Frame, frozen=True, tag=42):
    state: LaneState


class Erased(_Frame, frozen=True, tag=37):
    """A call of a tenant is erased."""

    tenant: str


class Failed(_Frame, frozen=True, tag=26):
    """What was asked could not be answered. With `code` empty it is the log that fails."""

    code: str
    sentence: str
    retry: bool


Question = Spend | AskContacts | AskBrief | AskFigures | AskHttp | AskCalls | AskRecords | AskFind
Reply = Spent | Contacts | BriefIs | FiguresAre | HttpIs | CallsAre | RecordsAre | Found | Failed


class Ask(_Frame, frozen=True, tag=30):
    number: int
    question: Question


class Answer(_Frame, frozen=True, tag=31):
    number: int
    reply: Reply


Frame = (
    Hail
    | Open
    | Say
    | Took
    | Leave
    | Tell
    | Dismiss
    | Hold
    | Going
    | AllGoing
    | Gone
    | Erased
    | Read
    | ReadingIs
    | LaneIs
    | Ask
    | Answer
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


def framed(frame: Frame) -> bytes:
    body = _encoder.encode(frame)
    return len(body).to_bytes(HEAD_BYTES, "big") + body


class Incoming:
    """Takes bytes as they come and gives frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now; all of them must be taken. Raises `ValueError` for what is none of ours."""
        data = self._rest + data if self._rest else data
        view = memoryview(data)
        at, end = 0, len(data)
        while end - at >= HEAD_BYTES:
            begins = at + HEAD_BYTES
            ends = begins + int.from_bytes(view[at:begins], "big")
            if ends - begins > LONGEST_BYTES:
                raise ValueError("a frame is too long")
            if ends > end:
                break
            at = ends
            try:
                yield _decoder.decode(view[begins:ends])
            except msgspec.DecodeError:
                raise ValueError("a frame cannot be read") from None
        self._rest = data[at:]
