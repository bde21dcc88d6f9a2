"""One connection as a state machine: fresh, greeted, closing. It decides what a client may say and when it must go.

Pure: frames and the time come in, what the shell must do comes out; nothing here waits, reads a clock or knows a
socket. The rules, all of them:

    fresh      only `hello` is heard. A hello that fails closes the connection with the reason as its `bye`.
    greeted    each role has its messages (`ALLOWED`); everything else is refused and the connection goes on.
               With a vendor's format every frame is that vendor's and is carried on as it is.
    closing    nothing is heard any more.

Every refusal is an answer. Only `MISTAKES_IN_A_ROW` of them without one accepted message between end the connection:
such a client does not read its answers. Being too fast is no mistake; what is over the limit is refused and may come
again.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, cast, get_args

from rtig.core.events import (
    CallEnded,
    CallStarted,
    HintGiven,
    HoldChanged,
    PartyCorrected,
    SegmentHeard,
    SegmentVoided,
    SourceEvent,
    key,
)
from rtig.errors import Code, MessageRefused
from rtig.wire.messages import (
    PROTOCOL,
    Answer,
    AnswerAlert,
    AskBrief,
    AskCourse,
    AskHelp,
    AskHistory,
    Bye,
    ClientMessage,
    Find,
    Hello,
    Refused,
    Role,
    SendHandover,
    TakeBackHelp,
    Unwatch,
    Watch,
    WatchBoard,
    Whisper,
    decode,
)

MISTAKES_IN_A_ROW = 20
OWN_FORMAT = "rtig"
ROLES: tuple[Role, ...] = get_args(Role)

ALLOWED: Mapping[type, frozenset[Role]] = {
    CallStarted: frozenset({"source"}),
    SegmentHeard: frozenset({"source"}),
    SegmentVoided: frozenset({"source"}),
    HoldChanged: frozenset({"source"}),
    PartyCorrected: frozenset({"source"}),
    CallEnded: frozenset({"source"}),
    HintGiven: frozenset({"source"}),
    Watch: frozenset({"agent", "supervisor"}),
    Unwatch: frozenset({"agent", "supervisor"}),
    Answer: frozenset({"agent"}),
    AskHelp: frozenset({"agent"}),
    TakeBackHelp: frozenset({"agent"}),
    AskBrief: frozenset({"agent", "supervisor"}),
    SendHandover: frozenset({"agent"}),
    AskHistory: frozenset({"agent", "supervisor"}),
    AskCourse: frozenset({"supervisor"}),
    WatchBoard: frozenset({"supervisor"}),
    AnswerAlert: frozenset({"supervisor"}),
    Whisper: frozenset({"supervisor"}),
    Find: frozenset({"agent", "supervisor"}),
}

_EVENTS: frozenset[type] = frozenset(get_args(SourceEvent))
_a_name = re.compile(r"[\w.:@+-]{1,128}").fullmatch


class Credential(NamedTuple):
    """Who is at the other end, as the shell has made sure of it."""

    tenant: str
    roles: frozenset[Role]


class Greet(NamedTuple):
    """Welcome the client; from here on it is `role` of `tenant`."""

    hello: Hello
    role: Role
    tenant: str


class Reply(NamedTuple):
    message: Refused


class Append(NamedTuple):
    """Put the event into the log of its call."""

    event: SourceEvent


class Carry(NamedTuple):
    """Hand a vendor's frame to the translator that the hello named."""

    frame: bytes


class Close(NamedTuple):
    """Say the bye and close; nothing of this connection is heard any more."""

    bye: Bye


Action = (
    Greet
    | Reply
    | Append
    | Carry
    | Watch
    | Unwatch
    | AskBrief
    | SendHandover
    | AskHistory
    | AskCourse
    | WatchBoard
    | Answer
    | AskHelp
    | TakeBackHelp
    | AnswerAlert
    | Whisper
    | Find
    | Close
)


class TokenBucket:
    """At most `rate` a second over time, and up to `burst` at once. Times are seconds of any monotonic clock."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now

    def take(self, now: float) -> float:
        """Take one: 0 when it was there, else the seconds until there will be one."""
        level = self._level
        if now > self._at:
            level += (now - self._at) * self.rate
            if level > self.burst:
                level = self.burst
        self._at = now
        if level >= 1:
            self._level = level - 1
            return 0.0
        self._level = level
        return (1 - level) / self.rate


class Session:
    """One connection. `authenticate` answers with the client's credential, or with None for a wrong token or ticket.

    `rates` are messages a second; `formats` are the names that a hello of a source may give beside `rtig`.
    """

    def __init__(
        self,
        authenticate: Callable[[Hello], Credential | None],
        rates: Mapping[Role, float],
        formats: Collection[str] = (),
    ) -> None:
        self.role: Role | None = None
        self.tenant = ""
        self.closing = False
        self._authenticate = authenticate
        self._rates = rates
        self._formats = formats
        self._carries = False
        self._bucket: TokenBucket | None = None
        self._mistakes = 0

    def hear(self, frame: bytes, now: float) -> tuple[Action, ...]:
        """What the shell must do about one text frame. Never raises.

        The shell reports back how that went: `accepted()`, or `refused(…)`, whose actions it must do in turn.
        """
        if self.closing:
            return ()
        message: ClientMessage | None = None
        try:
            if self._carries:
                self._pace(now)
                return (Carry(frame),)
            message = decode(frame)
            self._pace(now)
            return (self._permit(message, now),)
        except MessageRefused as refusal:
            return self.refused(refusal, message)

    def accepted(self) -> None:
        """The shell has done what the last frame asked for."""
        self._mistakes = 0

    def refused(self, refusal: MessageRefused, message: ClientMessage | None = None) -> tuple[Action, ...]:
        """How to tell the client that `message` was not taken, and whether that was once too often."""
        if self.closing:
            return ()
        reply = Reply(refusal_of(refusal, message))
        if refusal.code is Code.RATE_LIMITED or refusal.retry_after is not None:
            return (reply,)
        self._mistakes += 1
        if self._mistakes < MISTAKES_IN_A_ROW:
            return (reply,)
        sentence = f"{MISTAKES_IN_A_ROW} messages in a row were refused; the errors before this say why."
        return (reply, self.close(Code.TOO_MANY_ERRORS, sentence))

    def close(self, code: Code, sentence: str, retry: bool = False, retry_after: float | None = None) -> Close:
        """End the connection for a reason of the shell's."""
        self.closing = True
        self._authenticate = _nobody
        return Close(Bye(code=code, message=sentence, retry=retry, retry_after=retry_after))

    def _pace(self, now: float) -> None:
        wait = self._bucket.take(now) if self._bucket is not None else 0.0
        if wait:
            sentence = f"More than {self._rates[self.role or 'source']:g} messages a second; this one was not taken."
            raise MessageRefused(Code.RATE_LIMITED, sentence, retry=True, retry_after=round(wait, 3))

    def _permit(self, message: ClientMessage, now: float) -> Action:
        if isinstance(message, Hello):
            return self._greet(message, now)
        if self.role is None:
            raise MessageRefused(Code.HELLO_FIRST, "Say `hello` before anything else.", retry=True)
        allowed = ALLOWED[type(message)]
        if self.role not in allowed:
            who = " or ".join(sorted(allowed))
            raise MessageRefused(Code.NOT_ALLOWED, f"This message is for a connection as {who}, not as {self.role}.")
        if type(message) in _EVENTS:
            return Append(cast(SourceEvent, message))
        return cast(Action, message)

    def _greet(self, hello: Hello, now: float) -> Greet | Close:
        if self.role is not None:
            raise MessageRefused(
                Code.HELLO_TWICE, "This connection has been greeted; open another one for another role."
            )
        if hello.protocol != PROTOCOL:
            return self.close(Code.BAD_PROTOCOL, f"This server speaks protocol {PROTOCOL}.")
        role = next((role for role in ROLES if role == hello.role), None)
        if role is None:
            return self.close(Code.UNKNOWN_ROLE, f"`role` must be one of {', '.join(ROLES)}.")
        credential = self._authenticate(hello)
        if credential is None:
            return self.close(Code.UNAUTHENTICATED, "The token or ticket is missing, wrong, spent or too old.")
        if role not in credential.roles:
            return self.close(Code.NOT_ALLOWED, f"This token or ticket is not for the role {role}.")
        if hello.format != OWN_FORMAT:
            if role != "source":
                return self.close(Code.NOT_ALLOWED, "Only a source may name a `format`.")
            if hello.format not in self._formats:
                known = ", ".join((OWN_FORMAT, *self._formats))
                return self.close(Code.UNKNOWN_FORMAT, f"`format` must be one of {known}.")
            if not _a_name(hello.call_id):
                return self.close(Code.BAD_MESSAGE, "With a vendor's `format`, `call_id` must name the call.")
        self.role, self.tenant = role, credential.tenant
        self._authenticate = _nobody  # said once; and whoever was asked holds this session
        self._carries = hello.format != OWN_FORMAT
        rate = self._rates[role]
        self._bucket = TokenBucket(rate, rate, now)
        return Greet(hello, role, credential.tenant)


def _nobody(_: Hello) -> Credential | None:
    return None


def refusal_of(refusal: MessageRefused, message: ClientMessage | SourceEvent | None = None) -> Refused:
    """A refusal as the client is told of it, with the names of the call and of the event where there are any."""
    return Refused(
        code=refusal.code,
        message=refusal.sentence,
        retry=refusal.retry,
        retry_after=refusal.retry_after,
        call_id="" if message is None or isinstance(message, Hello | WatchBoard | Find) else message.call_id,
        key=_key_of(message),
    )


def _key_of(message: ClientMessage | SourceEvent | None) -> str:
    match message:
        case None | Hello() | WatchBoard() | Watch() | Unwatch() | AskBrief() | AskHistory() | AskCourse():
            return ""
        case Answer():
            return f"answer:{message.answer_id}"
        case AskHelp():
            return f"help:{message.help_id}"
        case TakeBackHelp():
            return f"help_back:{message.help_id}"
        case SendHandover():
            return f"handover:{message.handover_id}"
        case AnswerAlert():
            return f"alert:{message.answer_id}"
        case Whisper():
            return f"whisper:{message.whisper_id}"
        case Find():
            return f"find:{message.find_id}"
        case _:
            return key(message)


def close_code(bye: Bye) -> int:
    """The WebSocket code for a bye: 1012 the server restarts, 1013 try again later, 1008 do not come back unchanged."""
    if bye.code is Code.DRAINING:
        return 1012
    return 1013 if bye.retry else 1008
