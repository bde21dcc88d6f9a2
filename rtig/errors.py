"""The tree of errors. Whose mistake was it?

    RtigError
    ├── PlaybookError      the author's: a file of the knowledge base is wrong
    ├── PlaybookErrors     the author's: everything that is wrong in a knowledge base
    ├── PhraseError        the author's: a phrase cannot be read; the loader adds the file
    ├── MessageRefused     the client's: a message is wrong or not allowed
    └── WorldError         nobody's here: the log, a file or a peer failed
        ├── LogUnavailable
        └── EncoderUnavailable

No text of a customer ever enters an error: errors name fields, sizes and codes, never what was said.
This file imports nothing of ours.
"""

from dataclasses import dataclass
from enum import StrEnum


class RtigError(Exception):
    """Every error that rtig raises on purpose."""


@dataclass
class PlaybookError(RtigError):
    """A file of the knowledge base is wrong. `line` and `column` count from 1; 0 means the whole file."""

    path: str
    line: int
    column: int
    problem: str
    mend: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{where}: {self.problem}" + (f". {self.mend}" if self.mend else "")


@dataclass
class PlaybookErrors(RtigError):
    """Everything that is wrong in a knowledge base, in the order of its files and lines."""

    errors: tuple[PlaybookError, ...]

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


@dataclass
class PhraseError(RtigError):
    """A phrase cannot be read. `column` counts its characters from 1."""

    column: int
    problem: str

    def __str__(self) -> str:
        return f"{self.problem} (character {self.column} of the phrase)"


class Code(StrEnum):
    """What may go wrong on the wire. Codes are for ever; the sentence beside them may improve."""

    BAD_JSON = "bad_json"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_FIELD = "unknown_field"
    BINARY = "binary_not_supported"
    HELLO_FIRST = "hello_first"
    HELLO_TWICE = "hello_twice"
    UNKNOWN_ROLE = "unknown_role"
    NOT_ALLOWED = "not_allowed"
    UNAUTHENTICATED = "unauthenticated"
    BAD_ORIGIN = "bad_origin"
    BAD_PROTOCOL = "bad_protocol"
    BAD_TIME = "bad_time"
    UNKNOWN_CALL = "unknown_call"
    UNKNOWN_CARD = "unknown_card"
    UNKNOWN_ALERT = "unknown_alert"
    UNKNOWN_HELP = "unknown_help"
    UNKNOWN_RULE = "unknown_rule"
    UNKNOWN_JOB = "unknown_job"
    UNKNOWN_FORMAT = "unknown_format"
    CALL_ENDED = "call_ended"
    CALL_TAKEN = "call_taken"
    CALL_FULL = "call_full"
    RATE_LIMITED = "rate_limited"
    TOO_MANY_ERRORS = "too_many_errors"
    TOO_SLOW = "too_slow"
    DRAINING = "draining"
    AT_CAPACITY = "at_capacity"
    LOG_UNAVAILABLE = "log_unavailable"


@dataclass
class MessageRefused(RtigError):
    """A client's message is not taken; the connection and every other call go on.

    `retry` says whether the same message may succeed later, `retry_after` (seconds) when.
    """

    code: Code
    sentence: str
    retry: bool = False
    retry_after: float | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


class WorldError(RtigError):
    """The log, a file or a peer failed."""


class EncoderUnavailable(WorldError):
    """The model that understands sentences cannot be loaded: not installed, missing, or not the one that was meant."""


class LogUnavailable(WorldError):
    """The event log cannot take or give events now; what it acknowledged before is safe."""
