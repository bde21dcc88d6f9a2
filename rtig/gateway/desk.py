"""What all connections of a server share: the live calls, who owns them, who watches them, and the way out.

A call belongs to the source that started it, by the name that the source gives itself; the same name has its calls
back when it reconnects. A call that is over leaves memory when nobody has watched it for a minute.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import structlog

from rtig.core.events import Party, SourceEvent
from rtig.core.guidance import Brief, Contact
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import CallKey
from rtig.gateway.acks import Acks
from rtig.gateway.admission import Admission, retry_after
from rtig.gateway.doors import Doors
from rtig.gateway.floor import Floor
from rtig.gateway.metrics import Metrics
from rtig.gateway.others import Alone, Others
from rtig.gateway.socket import PATH, Outlet, Turned, Visitor
from rtig.gateway.watching import Channel
from rtig.live import LiveCalls
from rtig.wire.messages import Briefed, Bye, FoundArticle, LaneIs, LaneState, Role, ServerMessage

RELEASE_SECONDS = 60.0
DRAIN_SECONDS = 2.0
"""How long sources may wait for their last acknowledgements when the server ends."""
COME_BACK_SECONDS = 1.0
CONTACTS = 5
"""Other calls of a customer that are shown: each has to be folded again."""
_log = structlog.get_logger(__name__)

Owner = str | object
"""The name of a source; a source without one is its connection."""


class Translator(Protocol):
    """A vendor's messages in, our events out."""

    def translate(self, frame: bytes | str) -> tuple[SourceEvent, ...]:
        """Raises `MessageRefused`."""

    def finish(self) -> tuple[SourceEvent, ...]: ...


class TranslatorFactory(Protocol):
    def __call__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int = 0) -> Translator:
        """`begins_ms` is the call's clock at the stream's 0. Raises `MessageRefused`."""


class Librarian(Protocol):
    """Finds articles, by words and, while a model is there, by meaning."""

    async def find(self, query: str, most: int) -> tuple[tuple[FoundArticle, ...], bool]:
        """The articles, best first, and whether a model took part."""


class Nobody:
    """Finds nothing: a server without articles."""

    async def find(self, query: str, most: int) -> tuple[tuple[FoundArticle, ...], bool]:  # noqa: ARG002
        return (), False


class Terms(NamedTuple):
    """What the server grants to clients, and tells them in its welcome."""

    message_bytes: int = 65_536
    source_rate: float = 2000.0
    other_rate: float = 20.0
    ping_seconds: float = 20.0
    hello_seconds: float = 10.0
    phone_regions: tuple[str, ...] = ("US", "GB")

    @property
    def rates(self) -> dict[Role, float]:
        other: dict[Role, float] = dict.fromkeys(("agent", "supervisor", "author"), self.other_rate)
        return {"source": self.source_rate, **other}


class Guest(Protocol):
    """A connection, as the desk knows it."""

    role: Role | None
    relayed: bool
    """Another worker has the client's connection, and tells it what all are told."""

    @property
    def tenant(self) -> str: ...

    def leave(self, bye: Bye) -> None: ...

    def tell(self, message: ServerMessage) -> None: ...

    def last_promise(self) -> asyncio.Future[None] | None:
        """Ends when everything that the connection appended is durable."""


def no_room(key: CallKey) -> MessageRefused:
    """Why a call is not taken in."""
    sentence = "This server has as many calls as it can guide in time; this one was not taken."
    return MessageRefused(Code.AT_CAPACITY, sentence, retry=True, retry_after=retry_after(key.call_id))


class Desk:
    """One server's. It belongs to one event loop."""

    def __init__(
        self,
        live: LiveCalls,
        doors: Doors,
        metrics: Metrics,
        formats: Mapping[str, TranslatorFactory] | None = None,
        terms: Terms = Terms(),  # noqa: B008 (immutable)
        release_seconds: float = RELEASE_SECONDS,
        librarian: Librarian | None = None,
        admission: Admission | None = None,
    ) -> None:
        self.admission = admission if admission is not None else Admission()
        self.librarian = librarian if librarian is not None else Nobody()
        self.lane: LaneState = "off"
        self.others: Others = Alone()
        self.shares = False
        """Calls are shared with `others`."""
        self.greeting: Callable[[str], Iterable[ServerMessage]] = lambda _: ()
        """What an author of a tenant is told on coming in."""
        self.erased: Callable[[str], None] = lambda _: None
        """Is told of each tenant of whom a call is erased."""
        self.live = live
        self.doors = doors
        self.metrics = metrics
        self.formats = formats or {}
        self.terms = terms
        self.guests: set[Guest] = set()
        self.draining = False
        self.recovering = False
        """Calls of before a restart are still being folded again: not all that go on are known."""
        self.log_trouble = ""
        """Why the log did not take the last event; empty when it did."""
        self.acks = Acks(self._settled)
        self._release_seconds = release_seconds
        self._loop = asyncio.get_running_loop()
        self._owners: dict[CallKey, Owner] = {}
        self._owned: dict[Owner, dict[CallKey, None]] = {}
        self._channels: dict[CallKey, Channel] = {}
        self._watches: dict[CallKey, int] = {}
        self._floors: dict[str, Floor] = {}
        self._releases: dict[CallKey, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        metrics.live_calls = live.count
        metrics.busy = lambda: self.admission.busy
        metrics.full = lambda: self.full

    def admit(self, visitor: Visitor) -> Turned | None:
        """Whether a request for an upgrade is accepted; nothing is known yet of who is asking."""
        if visitor.path != PATH:
            return Turned(404, None, f"The WebSocket is at {PATH}.")
        if not self.doors.origin_allowed(visitor.origin, visitor.host):
            return Turned(403, Code.BAD_ORIGIN, "Pages of this origin may not connect; see `allowed_origins`.")
        if self.draining:
            return Turned(503, Code.DRAINING, "This server is being stopped.", retry_after=1)
        return None

    def _settled(self, trouble: str, events: int) -> None:
        self.log_trouble = trouble
        if not trouble:
            self.metrics.durable += events

    def ready(self) -> list[str]:
        """Why no client should be sent here; empty when all is well."""
        reasons = ["draining"] if self.draining else []
        if self.full:
            reasons.append("at capacity")
        return [*reasons, f"log: {self.log_trouble}"] if self.log_trouble else reasons

    def tell_lane(self, state: LaneState) -> None:
        """The model lane has another state: whoever watches calls is told."""
        self.lane = state
        for guest in tuple(self.guests):
            if guest.role in ("agent", "supervisor", "author") and not guest.relayed:
                guest.tell(LaneIs(state=state))

    def tell_authors(self, message: ServerMessage, tenant: str | None = None) -> None:
        """Tell those of one tenant, or all."""
        for guest in tuple(self.guests):
            if guest.role == "author" and tenant in (None, guest.tenant):
                guest.tell(message)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background for as long as it takes; `close` ends it."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def floor(self, tenant: str) -> Floor:
        floor = self._floors.get(tenant)
        if floor is None:
            floor = self._floors[tenant] = Floor(self.live, tenant, self.metrics, self._release_later, self.others)
            floor.whole = not self.recovering
        return floor

    def recovered(self) -> None:
        """All calls that go on are known."""
        self.recovering = False
        for floor in self._floors.values():
            floor.become_whole()

    # Who sends a call.

    @property
    def full(self) -> bool:
        """Whether no new calls are taken for want of room."""
        return self.admission.full(self.live.count())

    def take_in(self, key: CallKey) -> None:
        """Have room for a call that begins. Raises `MessageRefused` (`at_capacity`, `draining`)."""
        if self.draining:
            raise MessageRefused(Code.DRAINING, "This server takes no new calls.", retry=True, retry_after=1.0)
        if not self.admission.take(self._loop.time(), self.live.count()):
            raise no_room(key)
        self.metrics.admitted += 1

    def own(self, key: CallKey, owner: Owner) -> None:
        """Take a call, or have it already. Raises `MessageRefused` (`call_taken`)."""
        known = self._owners.get(key)
        if known is None:
            self._owners[key] = owner
            self._owned.setdefault(owner, {})[key] = None
        elif known != owner:
            raise MessageRefused(Code.CALL_TAKEN, "Another source sends this call.")

    def disown(self, owner: Owner) -> None:
        """The owner is gone and cannot come back; its calls are anybody's."""
        for key in self._owned.pop(owner, ()):
            del self._owners[key]

    def _unown(self, key: CallKey) -> None:
        owner = self._owners.pop(key, None)
        if owner is not None:
            owned = self._owned[owner]
            del owned[key]
            if not owned:
                del self._owned[owner]

    # Who watches a call.

    def watches(self, key: CallKey) -> None:
        """Somebody has begun to watch an opened call, so it stays in memory."""
        self._watches[key] = self._watches.get(key, 0) + 1

    def join(self, key: CallKey, socket: Outlet) -> None:
        """Follow an opened call live."""
        if key not in self._channels:
            self._channels[key] = Channel(self.live, key, self.metrics, lambda: self._call_over(key))
        self._channels[key].join(socket)

    def unwatches(self, key: CallKey, socket: Outlet) -> None:
        """The end of what `watches` began."""
        channel = self._channels.get(key)
        if channel is not None:
            channel.leave(socket)
            if channel.empty:
                channel.close()
                del self._channels[key]
        left = self._watches.get(key, 0) - 1
        if left > 0:
            self._watches[key] = left
            return
        self._watches.pop(key, None)
        self.let_go(key)

    def _call_over(self, key: CallKey) -> None:
        self.spawn(self._tell_brief(key, self.live.brief(key)))

    async def _tell_brief(self, key: CallKey, made: Awaitable[Brief]) -> None:
        """Tell whoever watches a call its brief."""
        told = Briefed(brief=await made)
        if key in self._channels:
            self._channels[key].tell(told)

    async def brief(self, key: CallKey) -> Brief:
        """The brief of a call, wherever it is. Raises `MessageRefused` (`unknown_call`) and `LogUnavailable`."""
        await self._open_started(key)
        made = self.live.brief(key)
        self.let_go(key)
        return await made

    async def history(self, key: CallKey) -> tuple[tuple[Contact, ...], Brief | None]:
        """The other calls of a call's customer, newest first, and the brief of the newest. Raises like `brief`."""
        await self._open_started(key)
        customer = self.live.call(key).customer
        self.let_go(key)
        contacts, newest = await self._contacts(key, customer, CONTACTS, brief=True)
        if not self.shares or not customer:
            return tuple(contacts), newest
        contacts += await self.others.contacts(key, customer, CONTACTS)
        contacts.sort(key=lambda contact: contact.started_at, reverse=True)
        del contacts[CONTACTS:]
        if contacts and (newest is None or newest.call_id != contacts[0].call_id):
            newest = await self.others.brief(CallKey(key.tenant, contacts[0].call_id))
        return tuple(contacts), newest

    async def contacts(self, key: CallKey, customer: str, most: int) -> list[Contact]:
        """The calls of a customer here but this one, newest first."""
        return (await self._contacts(key, customer, most, brief=False))[0]

    async def _contacts(
        self, key: CallKey, customer: str, most: int, brief: bool
    ) -> tuple[list[Contact], Brief | None]:
        """The same, with the brief of the newest where it is wanted."""
        contacts: list[Contact] = []
        newest: Brief | None = None
        for other in await self.live.calls_of(key, customer, most):
            await self.live.open(other)
            if self.live.call(other).started:
                contacts.append(self.live.contact(other))
                if newest is None and brief:
                    newest = await self.live.brief(other)
            self.let_go(other)
        # One may have been erased while others were being folded.
        told = [contact for contact in contacts if self.live.has(CallKey(key.tenant, contact.call_id))]
        return told, newest if told and newest is not None and told[0].call_id == newest.call_id else None

    async def _open_started(self, key: CallKey) -> None:
        """Raises `MessageRefused` (`unknown_call`)."""
        await self.live.open(key)
        if not self.live.call(key).started:
            self.let_go(key)
            raise MessageRefused(Code.UNKNOWN_CALL, "There is no call of this id here.", retry=True)

    # How a call leaves.

    def let_go(self, key: CallKey) -> None:
        """Release a call in a while if it is over, at once if it never began."""
        if self.live.has(key):
            call = self.live.call(key)
            if call.ended:
                self._release_later(key)
            elif not call.started:
                self._unown(key)
                self.spawn(self._release(key))

    async def erase(self, key: CallKey) -> int:
        """Remove a call everywhere; whoever watches it is told to forget it. How many events there were."""
        channel = self._channels.pop(key, None)
        if channel is not None:
            channel.start_over(self.live.epoch)
            channel.close()
        self._unown(key)
        self.erased(key.tenant)
        return await self.live.erase(key)

    def _release_later(self, key: CallKey) -> None:
        timer = self._releases.pop(key, None)
        if timer is not None:
            timer.cancel()
        self._releases[key] = self._loop.call_later(self._release_seconds, self._release_now, key)

    def _release_now(self, key: CallKey) -> None:
        del self._releases[key]
        if key not in self._watches:
            self._unown(key)
            self.spawn(self._release(key))

    async def _release(self, key: CallKey) -> None:
        try:
            await self.live.release(key)
        except LogUnavailable as error:
            _log.warning("call not released", problem=str(error))

    # The end.

    async def drain(self) -> None:
        """Take no new connections and calls, see that what was taken is durable, and send everyone elsewhere."""
        self.draining = True
        bye = Bye(
            code=Code.DRAINING,
            message="This server is being stopped; reconnect from the last position that you saw.",
            retry=True,
            retry_after=COME_BACK_SECONDS,
        )
        for guest in tuple(self.guests):
            if guest.role != "source":
                guest.leave(bye)
        promises = [promise for guest in self.guests if (promise := guest.last_promise()) is not None]
        if promises:
            await asyncio.wait(promises, timeout=DRAIN_SECONDS)
            await asyncio.sleep(0)  # the acknowledgements are callbacks of these, and leave first
        for guest in tuple(self.guests):
            guest.leave(bye)

    async def close(self) -> None:
        """End what runs in the background. The live calls and the log are the caller's."""
        for timer in self._releases.values():
            timer.cancel()
        for floor in self._floors.values():
            floor.close()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
