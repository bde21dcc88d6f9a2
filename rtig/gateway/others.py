"""What a worker asks of the others, where a server has several: each call belongs to one of them, clients to any.

A client's connection stays with the worker that accepted it. What concerns a call of another worker is carried there
and back, over a `Far`; the other worker sees a connection like its own. `Alone` is a server of one worker.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from rtig.core.guidance import Brief, Contact
from rtig.errors import Code, MessageRefused
from rtig.eventlog.port import CallKey
from rtig.gateway.outbox import Key
from rtig.wire.messages import Bye, CallSummary
from rtig.wire.session import Credential, Greet


class Going(NamedTuple):
    """A call that is going on at another worker. `began_at` is Unix time in milliseconds."""

    began_at: int
    summary: CallSummary


class Client(Protocol):
    """A connection of this worker, as those see it who carry its messages."""

    def told(self, frame: bytes, key: Key | None, supersedes: Iterable[Key]) -> None:
        """A frame from the other worker, ready for the wire."""

    def leave(self, bye: Bye) -> None: ...

    def hold(self, far: "Far", on: bool) -> None:
        """Take nothing more from the client, or go on."""

    def unanswered(self, frames: Iterable[bytes]) -> None:
        """The other worker has been away for too long for these."""


class Far(Protocol):
    """A client's connection as it goes on at another worker."""

    def forward(self, frame: bytes, received_ns: int) -> None: ...

    def drained(self) -> None:
        """All that was told has left for the client's machine."""

    def close(self) -> None: ...


class Others(Protocol):
    def owner(self, tenant: str, call_id: str) -> int | None:
        """Which worker has a call; None where it is this one."""

    @property
    def workshop(self) -> int | None:
        """The worker at which authors work; None where it is this one."""

    def reach(self, worker: int, client: Client, greeted: Greet) -> Far:
        """Let a greeted client go on at another worker; what is forwarded waits while that is away."""

    def going(self, tenant: str, agent: str) -> Iterable[Going]:
        """The calls of an agent (of all, where it is empty) that go on at other workers, newest first."""

    def show_board(self, tenant: str, on: bool) -> bool:
        """Hear of the other workers' boards, or no more; whether all of it is there already."""

    def issuer(self, ticket: str) -> int | None:
        """The worker at which a ticket may be spent; None where it is this one, or nobody's."""

    async def spend(self, worker: int, ticket: str) -> Credential | None:
        """Spend a ticket there. Raises `LogUnavailable` where that worker is away."""

    async def contacts(self, call: CallKey, customer: str, most: int) -> list[Contact]:
        """The customer's other calls at other workers, in no order."""

    async def brief(self, call: CallKey) -> Brief:
        """The brief of another worker's call. Raises `MessageRefused` and `LogUnavailable`."""


class Alone:
    """There are no others."""

    workshop: int | None = None

    def owner(self, tenant: str, call_id: str) -> int | None:  # noqa: ARG002
        return None

    def reach(self, worker: int, client: Client, greeted: Greet) -> Far:  # noqa: ARG002
        raise LookupError(f"there is no worker {worker}")

    def going(self, tenant: str, agent: str) -> Iterable[Going]:  # noqa: ARG002
        return ()

    def show_board(self, tenant: str, on: bool) -> bool:  # noqa: ARG002
        return True

    def issuer(self, ticket: str) -> int | None:  # noqa: ARG002
        return None

    async def spend(self, worker: int, ticket: str) -> Credential | None:  # noqa: ARG002
        return None

    async def contacts(self, call: CallKey, customer: str, most: int) -> list[Contact]:  # noqa: ARG002
        return []

    async def brief(self, call: CallKey) -> Brief:  # noqa: ARG002
        raise MessageRefused(Code.UNKNOWN_CALL, "There is no call of this id here.", retry=True)
