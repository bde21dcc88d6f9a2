"""The other workers, as one of them knows them: links, clients that go on there, clients of theirs that go on here.

Of each two workers the one with the higher number connects to the other, and again whenever that has been started
anew. Sockets of workers are in a folder that only their own user can enter.
"""

import asyncio
import contextlib
import socket as sockets
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from starlette.types import ASGIApp

from rtig.core.events import UtteranceRead
from rtig.core.guidance import Brief, CallInfo, Contact
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import CallKey, EventLog
from rtig.gateway.desk import Desk
from rtig.gateway.floor import summary
from rtig.gateway.metrics import Metrics
from rtig.gateway.others import Client, Far, Going
from rtig.gateway.socket import SocketLimits
from rtig.gateway.visit import AWAY, Visit
from rtig.lane.worker import Lane
from rtig.live import Update
from rtig.wire.messages import Board, Bye, LaneState
from rtig.wire.session import Credential, Greet
from rtig.workers import frames
from rtig.workers.board import FarBoard
from rtig.workers.elsewhere import CallsElsewhere, Whose
from rtig.workers.figures import figures, merged
from rtig.workers.frames import Frame, Question, Reply
from rtig.workers.http import Answered, Carried, answered, no_pages
from rtig.workers.lane import LaneThere, utterances
from rtig.workers.link import Link
from rtig.workers.recordings import records
from rtig.workers.relay import Reached, RelayedSocket, as_supervisor, greeted_by
from rtig.workers.routing import owner_of

HOST = 0
"""The worker that has what there is one of: the model lane, and what authors work at."""
ANSWER_SECONDS = 5.0
CLOSE_SECONDS = 1.0
DIAL_AGAIN_SECONDS = 0.05
COME_BACK_SECONDS = 0.2
_log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """Of one worker among `workers`. They count from 0."""

    worker: int
    workers: int
    folder: Path
    """Where the sockets of the workers are."""
    links: sockets.socket | None = None
    """What listens for other workers, where the parent has it; it is then there also while the worker is not."""
    port: sockets.socket | None = None
    """What listens for clients, where the parent has it."""

    def address(self, worker: int) -> Path:
        return self.folder / f"{worker}.sock"

    def close(self) -> None:
        """In another worker, which has no business there."""
        for listener in (self.links, self.port):
            if listener is not None:
                listener.close()


class Colleague:
    """One of the other workers, whether it is there or not."""

    def __init__(
        self,
        number: int,
        desk: Desk,
        limits: SocketLimits,
        news: Callable[["Colleague", Frame], None],
        know: Callable[[Question], Awaitable[Reply]],
    ) -> None:
        """`news` is told what is about no client and answers no question, `know` what is asked."""
        self.number = number
        self.link: Link | None = None
        self.whole = False
        """It is there and has said which calls go on."""
        self._desk = desk
        self._limits = limits
        self._news = news
        self._know = know
        self._numbers = count()
        self._reached: dict[int, Reached] = {}
        self._visits: dict[int, RelayedSocket] = {}
        self._asked: dict[int, asyncio.Future[Reply]] = {}
        self._hear: dict[type[Frame], Callable[[Any], None]] = {
            frames.Say: self._say,
            frames.Tell: self._tell,
            frames.Took: self._took,
            frames.Open: self._open,
            frames.Leave: self._leave,
            frames.Hold: self._hold,
            frames.Dismiss: self._dismiss,
            frames.Ask: self._ask,
            frames.Answer: self._answer,
        }

    def reach(self, client: Client, greeted: Greet) -> Reached:
        number = next(self._numbers)
        reached = self._reached[number] = Reached(
            client, number, greeted, lambda gone: self._forget(self._reached, gone)
        )
        if self.link is not None:
            reached.up(self.link)
        return reached

    async def ask(self, question: Question) -> Reply:
        """Raises `LogUnavailable` where the worker is away or does not answer, and what it says that went wrong."""
        if self.link is None:
            raise LogUnavailable(AWAY)
        number = next(self._numbers)
        asked: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[number] = asked
        self.link.put(frames.Ask(number, question))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reply = await asked
        except TimeoutError:
            raise LogUnavailable(AWAY) from None
        finally:
            del self._asked[number]
        if isinstance(reply, frames.Failed):
            if not reply.code:
                raise LogUnavailable(reply.sentence)
            raise MessageRefused(Code(reply.code), reply.sentence, reply.retry)
        return reply

    # What its link tells.

    def up(self, link: Link) -> None:
        self.link = link
        for reached in tuple(self._reached.values()):
            reached.up(link)

    def lost(self) -> None:
        self.link = None
        self.whole = False
        for visit in tuple(self._visits.values()):
            visit.end()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(LogUnavailable(AWAY))
        bye = Bye(code=Code.DRAINING, message=AWAY, retry=True, retry_after=COME_BACK_SECONDS)
        for reached in tuple(self._reached.values()):
            reached.lost(bye)

    def writable(self) -> None:
        for visit in tuple(self._visits.values()):
            visit.go_on()
        for reached in tuple(self._reached.values()):
            reached.writable()

    def hear(self, frame: Frame) -> None:
        hear = self._hear.get(type(frame))
        if hear is not None:
            hear(frame)
        else:
            self._news(self, frame)

    def _forget(self, numbers: dict[int, Any], number: int) -> None:
        numbers.pop(number, None)

    # Clients of theirs.

    def _open(self, opening: frames.Open) -> None:
        assert self.link is not None
        number = opening.id
        visit = RelayedSocket(self.link, number, self._limits, lambda gone: self._forget(self._visits, gone))
        self._visits[number] = visit
        visit.begin(Visit(self._desk, greeted_by(opening)))

    def _say(self, said: frames.Say) -> None:
        visit = self._visits.get(said.id)
        if visit is not None:
            visit.say(said.frame, said.received_ns)

    def _took(self, took: frames.Took) -> None:
        visit = self._visits.get(took.id)
        if visit is not None:
            visit.took(took.size)

    def _leave(self, leaving: frames.Leave) -> None:
        visit = self._visits.get(leaving.id)
        if visit is not None:
            visit.end()

    # Clients of ours.

    def _tell(self, told: frames.Tell) -> None:
        reached = self._reached.get(told.id)
        if reached is not None:
            reached.told(told)

    def _hold(self, held: frames.Hold) -> None:
        reached = self._reached.get(held.id)
        if reached is not None:
            reached.held(held.on)

    def _dismiss(self, dismissed: frames.Dismiss) -> None:
        reached = self._reached.get(dismissed.id)
        if reached is not None:
            reached.client.leave(dismissed.bye)

    # Questions.

    def _ask(self, asked: frames.Ask) -> None:
        assert self.link is not None
        self._desk.spawn(self._reply(self.link, asked))

    async def _reply(self, link: Link, asked: frames.Ask) -> None:
        try:
            reply = await self._know(asked.question)
        except MessageRefused as refusal:
            reply = frames.Failed(refusal.code, refusal.sentence, refusal.retry)
        except LogUnavailable as error:
            reply = frames.Failed("", str(error), True)
        if link is self.link:
            link.put(frames.Answer(asked.number, reply))

    def _answer(self, answer: frames.Answer) -> None:
        asked = self._asked.get(answer.number)
        if asked is not None and not asked.done():
            asked.set_result(answer.reply)


class Colleagues:
    """All the others. Belongs to one event loop; `Others` to the desk."""

    def __init__(self, place: Place, desk: Desk, log: EventLog, limits: SocketLimits) -> None:
        self.app: ASGIApp = no_pages
        """What answers requests that other workers carry here."""
        self.lane: Lane | None = None
        """The model lane of all workers, where it is here."""
        self.lane_there: LaneThere | None = None
        """The same where it is not."""
        self._place = place
        self._desk = desk
        self._log = log
        self._of = {
            number: Colleague(number, desk, limits, self._news, self._know)
            for number in range(place.workers)
            if number != place.worker
        }
        self._linked: dict[Link, Colleague] = {}
        self._links: set[Link] = set()
        self._calls = CallsElsewhere()
        self._boards: dict[str, list[FarBoard]] = {}
        self._dialling: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None
        self._unlisten = desk.live.listen_everywhere(self._hear_call)
        self._ending = False

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._place.links is not None:
            self._server = await loop.create_unix_server(lambda: Link(self), sock=self._place.links)
        else:
            self._server = await loop.create_unix_server(lambda: Link(self), self._place.address(self._place.worker))
        self._dialling = [
            asyncio.create_task(self._stay_linked(number)) for number in self._of if number < self._place.worker
        ]

    async def close(self) -> None:
        self._ending = True
        self._unlisten()
        for task in self._dialling:
            task.cancel()
        if self._dialling:
            await asyncio.wait(self._dialling)
        if self._server is not None:
            self._server.close()
        links = tuple(self._links)
        for link in links:
            link.close()
        if links:
            await asyncio.wait([link.gone for link in links], timeout=CLOSE_SECONDS)
        if self._server is not None:
            await self._server.wait_closed()

    @property
    def away(self) -> list[int]:
        return [number for number, colleague in self._of.items() if colleague.link is None]

    # What the desk asks.

    @property
    def workshop(self) -> int | None:
        return HOST if self._place.worker != HOST else None

    def owner(self, tenant: str, call_id: str) -> int | None:
        owner = owner_of(tenant, call_id, self._place.workers)
        return None if owner == self._place.worker else owner

    def reach(self, worker: int, client: Client, greeted: Greet) -> Far:
        return self._of[worker].reach(client, greeted)

    def going(self, tenant: str, agent: str) -> Iterable[Going]:
        return self._calls.of(tenant, agent)

    def show_board(self, tenant: str, on: bool) -> bool:
        if not on:
            for board in self._boards.pop(tenant, ()):
                board.close()
            return True
        if tenant not in self._boards:
            self._boards[tenant] = []
            for colleague in self._of.values():
                self._boards[tenant].append(self._far_board(colleague, tenant))
        return self._boards_whole(tenant)

    def issuer(self, ticket: str) -> int | None:
        mark, dot, _ = ticket.partition(".")
        number = int(mark) if dot and mark.isascii() and mark.isdigit() else self._place.worker
        return number if number in self._of else None

    async def spend(self, worker: int, ticket: str) -> Credential | None:
        reply = await self._of[worker].ask(frames.Spend(ticket))
        if isinstance(reply, frames.Spent) and reply.credential is not None:
            tenant, roles = reply.credential
            return Credential(tenant, frozenset(roles))
        return None

    async def contacts(self, call: CallKey, customer: str, most: int) -> list[Contact]:
        question = frames.AskContacts(call.tenant, call.call_id, customer, most)
        return [
            one
            for reply in await self.ask_all(question)
            if isinstance(reply, frames.Contacts)
            for one in reply.contacts
        ]

    async def brief(self, call: CallKey) -> Brief:
        owner = self.owner(call.tenant, call.call_id)
        if owner is None:
            return await self._desk.brief(call)
        reply = await self._of[owner].ask(frames.AskBrief(call.tenant, call.call_id))
        assert isinstance(reply, frames.BriefIs)
        return reply.brief

    async def whole(self) -> tuple[Metrics, list[str]]:
        """The figures of all workers that are there, and what is wrong with any."""
        theirs = [
            reply.figures for reply in await self.ask_all(frames.AskFigures()) if isinstance(reply, frames.FiguresAre)
        ]
        whole, problems = merged([figures(self._desk.metrics, self._desk.ready()), *theirs])
        return whole, problems + [f"worker {number + 1} is away" for number in self.away]

    async def ask_all(self, question: Question) -> list[Reply]:
        """What those say who are there and can say it."""

        async def ask(colleague: Colleague) -> list[Reply]:
            with contextlib.suppress(MessageRefused, LogUnavailable):
                return [await colleague.ask(question)]
            return []

        return [reply for replies in await asyncio.gather(*map(ask, self._of.values())) for reply in replies]

    async def ask(self, worker: int, question: Question) -> Reply:
        """Raises `LogUnavailable` where that worker is away, and what it says that went wrong."""
        return await self._of[worker].ask(question)

    async def carry(self, request: Carried) -> Answered:
        """Have a request answered by the worker that hosts what there is one of."""
        reply = await self.ask(HOST, frames.AskHttp(request))
        assert isinstance(reply, frames.HttpIs)
        return reply.answer

    def share_lane(self, became: Callable[[LaneState], None]) -> LaneThere:
        """The lane of the worker that has it."""
        self.lane_there = LaneThere(self._of[HOST], became)
        return self.lane_there

    def lane_became(self, state: LaneState) -> None:
        for link in self._linked:
            link.put(frames.LaneIs(state))

    def erased(self, tenant: str) -> None:
        """A call of a tenant is erased here: what authors hold of it, elsewhere, must go."""
        link = self._of[HOST].link
        if link is not None:
            link.put(frames.Erased(tenant))

    def read(self, call: CallKey, reading: UtteranceRead) -> None:
        """A reading goes to the call, which is here or elsewhere."""
        owner = self.owner(call.tenant, call.call_id)
        if owner is None:
            self._desk.live.take_reading(call, reading)
        elif (link := self._of[owner].link) is not None:
            link.put(frames.ReadingIs(call.tenant, call.call_id, reading))

    # What the others ask.

    async def _know(self, question: Question) -> Reply:
        desk = self._desk
        match question:
            case frames.Spend(ticket):
                credential = desk.doors.spend(ticket, asyncio.get_running_loop().time())
                return frames.Spent((credential.tenant, tuple(credential.roles)) if credential is not None else None)
            case frames.AskContacts(tenant, call_id, customer, most):
                return frames.Contacts(tuple(await desk.contacts(CallKey(tenant, call_id), customer, most)))
            case frames.AskBrief(tenant, call_id):
                return frames.BriefIs(await desk.brief(CallKey(tenant, call_id)))
            case frames.AskFigures():
                return frames.FiguresAre(figures(desk.metrics, desk.ready()))
            case frames.AskHttp(request):
                return frames.HttpIs(await answered(self.app, request))
            case frames.AskCalls(tenant, most):
                return frames.CallsAre(tuple(await self._log.begun(tenant, most)))
            case frames.AskRecords():
                return await records(self._log, question)
            case frames.AskFind(query, most):
                return frames.Found(await self.lane.find(query, most) if self.lane is not None else ())

    # What links tell.

    def up(self, link: Link) -> None:
        self._links.add(link)
        link.put(frames.Hail(self._place.worker, self._place.workers))

    def hear(self, link: Link, frame: Frame) -> None:
        colleague = self._linked.get(link)
        if colleague is not None:
            colleague.hear(frame)
        elif isinstance(frame, frames.Hail) and frame.worker in self._of and frame.workers == self._place.workers:
            self._greet(link, self._of[frame.worker])
        else:
            raise ValueError("a worker does not say which it is")

    def writable(self, link: Link) -> None:
        colleague = self._linked.get(link)
        if colleague is not None:
            colleague.writable()

    def lost(self, link: Link) -> None:
        self._links.discard(link)
        colleague = self._linked.pop(link, None)
        if colleague is not None and colleague.link is link:
            if not self._ending and not self._desk.draining:
                _log.warning("worker lost", worker=colleague.number + 1)
            colleague.lost()
            if colleague.number == HOST and self.lane_there is not None:
                self.lane_there.become("down")
            for tenant in tuple(self._boards):
                self._desk.floor(tenant).far_board(Board(rows=()), self._boards_whole(tenant))

    def _greet(self, link: Link, colleague: Colleague) -> None:
        if colleague.link is not None:
            self.lost(colleague.link)
        self._linked[link] = colleague
        if not self._desk.recovering:
            self._tell_all_going(link)
        colleague.up(link)
        if self.lane is not None:
            link.put(frames.LaneIs(self.lane.state))

    async def _stay_linked(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        path = str(self._place.address(number))
        while True:
            try:
                _, link = await loop.create_unix_connection(lambda: Link(self), path)
            except OSError:
                await asyncio.sleep(DIAL_AGAIN_SECONDS)
                continue
            await asyncio.shield(link.gone)

    # The calls that go on, everywhere.

    def recovered(self) -> None:
        """All calls that go on are known: until now the others have kept what they knew."""
        for link in tuple(self._linked):
            self._tell_all_going(link)

    def _tell_all_going(self, link: Link) -> None:
        link.put(frames.AllGoing(tuple(self._going(key) for key in self._desk.live.going_on())))

    def _going(self, key: CallKey) -> frames.Going:
        live = self._desk.live
        return frames.Going(key.tenant, live.began_at(key), summary(live, key))

    def _hear_call(self, update: Update) -> None:
        for item in update.items:
            if isinstance(item, CallInfo):
                key = update.key
                news = frames.Gone(*key) if item.state == "ended" else self._going(key)
                for colleague in self._of.values():
                    if colleague.link is not None:
                        colleague.link.put(news)

    def _news(self, colleague: Colleague, frame: Frame) -> None:
        match frame:
            case frames.AllGoing(calls):
                colleague.whole = True
                self._announce(self._calls.all_of(colleague.number, calls))
            case frames.Going():
                self._announce(self._calls.goes_on(colleague.number, frame))
            case frames.Gone(tenant, call_id):
                self._announce(self._calls.over(colleague.number, tenant, call_id))
            case frames.Read(tenant, call_id, queue) if self.lane is not None:
                self.lane.ask(CallKey(tenant, call_id), queue, utterances(frame))
            case frames.ReadingIs(tenant, call_id, reading):
                self.read(CallKey(tenant, call_id), reading)
            case frames.LaneIs(state) if self.lane_there is not None:
                self.lane_there.become(state)
            case frames.Erased(tenant):
                self._desk.erased(tenant)
            case _:
                pass

    def _announce(self, changed: set[Whose]) -> None:
        for tenant, agent in changed:
            self._desk.floor(tenant).announce_again(agent)

    # Boards.

    def _far_board(self, colleague: Colleague, tenant: str) -> FarBoard:
        def tell(board: Board) -> None:
            self._desk.floor(tenant).far_board(board, self._boards_whole(tenant))

        return FarBoard(lambda client: colleague.reach(client, as_supervisor(tenant)), tell)

    def _boards_whole(self, tenant: str) -> bool:
        # Of a worker that is away or only just back nothing is waited for: its calls come when it knows them.
        boards = zip(self._of.values(), self._boards.get(tenant, ()), strict=False)
        return all(board.whole or not colleague.whole for colleague, board in boards)
