"""What the authors of the knowledge base are told, over the socket and over HTTP, and what they may ask.

Their page never writes: the knowledge base is a folder that they keep in git, and the server follows it.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from rtig.core.events import Label

JobKind = Literal["outcomes", "gaps", "backtest"]
JobState = Literal["running", "done", "failed", "cancelled"]
MOST_CALLS = 5_000


class Finding(Struct, frozen=True, kw_only=True):
    """Something in a knowledge base that is wrong or odd. `line` and `column` count from 1; 0 means the whole file."""

    severity: Literal["error", "warning"]
    path: str
    line: int
    column: int
    problem: str
    mend: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{where}: {self.severity}: {self.problem}" + (f". {self.mend}" if self.mend else "")


class Knowledge(Struct, frozen=True, kw_only=True):
    """The playbook in use, and what is wrong or odd in the folder as it is now."""

    name: str
    version: str
    loaded_at: int
    """Unix milliseconds."""
    articles: int
    triggers: int
    drafts: int
    """Of both, those that are never shown."""
    checked_at: int
    """When the folder was last read, in Unix milliseconds."""
    errors: tuple[Finding, ...] = ()
    """Why the folder as it is now is not in use; the playbook before it is."""
    findings: tuple[Finding, ...] = ()
    """What lint says of the playbook in use."""
    linting: bool = False
    """Lint is under way; `findings` are older."""
    follows: bool = True
    """Whether changes of the folder are taken up."""
    compares: Literal["draft", "start"] = "start"
    """What a backtest tries: the draft folder against what is in use, or that against what the server started with."""


class Try(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What would this sentence bring up? With a `rule`: and why does this one come, or not?"""

    sentence: Annotated[str, Meta(min_length=1, max_length=1_000)]
    party: Literal["customer", "agent"] = "customer"
    queue: Label = ""
    at_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """After the call's start."""
    rule: Label = ""


class JobWanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Look through the last calls of the log."""

    kind: JobKind
    calls: Annotated[int, Meta(ge=1, le=MOST_CALLS)] = 200
    meaning: bool = True
    """Have what was meant read by a model too, where there is one: it takes longer."""


class Job(Struct, frozen=True, kw_only=True):
    """Work on recorded calls, as far as it has come. Of each kind there is one at a time."""

    kind: JobKind
    id: str
    state: JobState
    done: int
    total: int
    """Calls."""
    meaning: bool
    began_at: int
    """Unix milliseconds."""
    problem: str = ""
    errors: tuple[Finding, ...] = ()
    """Where the draft folder cannot be read."""


class RuleLine(Struct, frozen=True, kw_only=True):
    """A rule of the playbook in use, and where it is written; `path` is empty until lint has read the folder."""

    id: str
    title: str
    kind: Literal["article", "coach", "checklist", "alert", "supervisors"]
    draft: bool
    path: str = ""
    line: int = 0
