"""What is done with one connection's messages, once the session has allowed them.

Everything is done at once and in order, except where a call has to be brought into memory first: what is meant for it
then waits for it, in order, while everything else goes on.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar, assert_never, get_args

import structlog
from msgspec.structs import replace

from rtig import __version__
from rtig.core.events import (
    AlertAnswered,
    AnyEvent,
    CallStarted,
    CardAnswered,
    HandoverSent,
    HelpAsked,
    HelpTakenBack,
    SegmentHeard,
    SourceEvent,
    Whispered,
    key,
)
from rtig.core.redaction import redacted
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import CallKey, Position
from rtig.gateway.acks import log_unavailable
from rtig.gateway.desk import Desk, Owner, Translator, no_room
from rtig.gateway.socket import Socket, Visitor
from rtig.gateway.watching import ROOM, Watch
from rtig.live import SEGMENTS_PER_CALL
from rtig.wire import messages
from rtig.wire.messages import (
    PROTOCOL,
    Ack,
    Answer,
    AnswerAlert,
    AskBrief,
    AskCourse,
    AskHelp,
    AskHistory,
    Briefed,
    Bye,
    ClientMessage,
    CourseIs,
    Find,
    Found,
    Hello,
    History,
    Limits,
    Role,
    SendHandover,
    ServerMessage,
    TakeBackHelp,
    Unwatch,
    WatchBoard,
    Welcome,
    Whisper,
    encode,
)
from rtig.wire.session import (
    OWN_FORMAT,
    Action,
    Append,
    Carry,
    Close,
    Credential,
    Greet,
    Reply,
    Session,
    refusal_of,
)

WAITING_AT_MOST = 500
"""Messages that wait for calls to be brought into memory; at so many nothing more is read from the client."""
_audit = structlog.get_logger("rtig.audit")
_log = structlog.get_logger(__name__)

Message = ClientMessage | SourceEvent
_TAGS = {message: str(message.__struct_config__.tag) for message in get_args(ClientMessage)}
_T = TypeVar("_T")


class _Work(NamedTuple):
    do: Callable[[], None]
    message: Message | None
    """What is to be named if it cannot be done."""


class Visit:
    """The handler of one connection."""

    def __init__(self, desk: Desk) -> None:
        self.role: Role | None = None
        self._desk = desk
        self._live = desk.live
        self._loop = asyncio.get_running_loop()
        formats = [name for name in desk.formats if name != OWN_FORMAT]
        self._session = Session(self._authenticate, desk.terms.rates, formats)
        self._ticket: Credential | None = None
        self._came_with_ticket = False
        self._hello = Hello(role="")
        self._owner: Owner = object()
        self._translator: Translator | None = None
        self._turned_away = False  # the call of a vendor's stream was not taken
        self._last_promise: asyncio.Future[None] | None = None
        self._watches: dict[CallKey, Watch] = {}
        self._board = False
        self._going_on = False
        self._waiting: dict[CallKey, deque[_Work]] = {}
        self._waiting_count = 0
        self._full = False  # acknowledgements wait for the client to read them
        self._gone = False

    # What the socket tells.

    def opened(self, socket: Socket, visitor: Visitor) -> None:
        self._socket = socket
        self._desk.guests.add(self)
        if visitor.ticket:
            self._came_with_ticket = True
            self._ticket = self._desk.doors.spend(visitor.ticket, self._loop.time())
        self._impatience = self._loop.call_later(self._desk.terms.hello_seconds, self._no_hello)

    def text(self, frame: bytes, received_ns: int) -> None:
        for action in self._session.hear(frame, self._loop.time()):
            self._do(action, received_ns)

    def binary(self, frame: bytes) -> None:  # noqa: ARG002 (left aside)
        sentence = "Only text frames are heard here; this one was left aside."
        self._refuse(MessageRefused(Code.BINARY, sentence), None)

    def drained(self) -> None:
        """Go on with what waits for room: the past of watched calls, rows of the board."""
        if self._full:
            self._full = False
            self._pace_reading()
        if self._going_on:
            return
        self._going_on = True
        for watch in [watch for watch in self._watches.values() if not watch.caught_up]:
            if self._socket.unsent >= ROOM:
                break
            self._go_on(watch)
        if self._board:
            self._desk.floor(self._session.tenant).go_on(self._socket)
        self._going_on = False

    def closed(self) -> None:
        self._gone = True
        self._impatience.cancel()
        desk = self._desk
        desk.guests.discard(self)
        desk.metrics.largest_outbox = max(desk.metrics.largest_outbox, self._socket.outbox.largest)
        if self._socket.bye is not None:
            desk.metrics.closed[self._socket.bye.code] += 1
        if self.role is None:
            return
        desk.metrics.connections[self.role] -= 1
        desk.floor(self._session.tenant).leave(self._socket)
        for watched in tuple(self._watches):
            self._unwatch(watched)
        call = self._call(self._hello.call_id)
        if self._translator is not None or call in self._waiting:
            self._when_open(call, self._finish)
        self._disown()

    # What the desk asks.

    @property
    def tenant(self) -> str:
        return self._session.tenant

    def tell(self, message: ServerMessage) -> None:
        self._send(message)

    def leave(self, bye: Bye) -> None:
        self._session.closing = True
        self._socket.close(bye)

    def last_promise(self) -> asyncio.Future[None] | None:
        return self._last_promise

    # What the session allows.

    def _do(self, action: Action, received_ns: int) -> None:
        match action:
            case Append(event):
                decoded_ns = time.perf_counter_ns()
                call = self._call(event.call_id)
                if isinstance(event, CallStarted) and self._has_no_room(call):
                    self._refuse(no_room(call), event)
                elif call in self._waiting or not self._live.has(call):
                    self._when_open(call, lambda: self._take(call, event, received_ns, decoded_ns), event)
                else:
                    self._take(call, event, received_ns, decoded_ns)
            case Carry(frame):
                self._desk.metrics.messages["vendor"] += 1
                call = self._call(self._hello.call_id)
                if self._has_no_room(call):
                    self._turn_away(no_room(call))
                else:
                    self._when_open(call, lambda: self._translate(frame, received_ns))
            case Reply(message):
                self._desk.metrics.refused[message.code] += 1
                self._send(message)
            case Close(bye):
                self._socket.close(bye)
            case Greet():
                self._greet(action)
            case messages.Watch():
                self._when_open(self._call(action.call_id), lambda: self._watch(action), action)
            case Unwatch():
                self._stop_watching(action)
            case Answer():
                self._when_open(self._call(action.call_id), lambda: self._answer(action), action)
            case AskHelp():
                self._when_open(self._call(action.call_id), lambda: self._ask_help(action), action)
            case TakeBackHelp():
                self._when_open(self._call(action.call_id), lambda: self._take_back_help(action), action)
            case SendHandover():
                self._when_open(self._call(action.call_id), lambda: self._send_handover(action), action)
            case Whisper():
                self._when_open(self._call(action.call_id), lambda: self._whisper(action), action)
            case AnswerAlert():
                self._when_open(self._call(action.call_id), lambda: self._answer_alert(action), action)
            case AskBrief():
                self._desk.spawn(self._brief(action))
            case AskHistory():
                self._desk.spawn(self._history(action))
            case AskCourse():
                self._when_open(self._call(action.call_id), lambda: self._course(action), action)
            case WatchBoard():
                self._watch_board(action)
            case Find():
                self._desk.spawn(self._find(action))
            case _:
                assert_never(action)

    def _call(self, call_id: str) -> CallKey:
        return CallKey(self._session.tenant, call_id)

    def _authenticate(self, hello: Hello) -> Credential | None:
        return self._ticket if self._came_with_ticket else self._desk.doors.by_token(hello.token)

    def _no_hello(self) -> None:
        close = self._session.close(Code.HELLO_FIRST, "No `hello` came in time.", retry=True)
        self._socket.close(close.bye)

    def _greet(self, greet: Greet) -> None:
        desk, terms = self._desk, self._desk.terms
        self._impatience.cancel()
        self._hello, self.role = greet.hello, greet.role
        if greet.hello.source:
            self._owner = greet.hello.source
        self._count(greet.hello)
        self._session.accepted()
        desk.metrics.connections[greet.role] += 1
        limits = Limits(
            message_bytes=terms.message_bytes,
            messages_per_second=int(terms.rates[greet.role]),
            segments_per_call=SEGMENTS_PER_CALL,
        )
        welcome = Welcome(
            protocol=PROTOCOL,
            role=greet.role,
            tenant=greet.tenant,
            epoch=self._live.epoch,
            server=__version__,
            playbook=self._live.playbook.version,
            ping_interval=terms.ping_seconds,
            limits=limits,
            formats=tuple(sorted({OWN_FORMAT, *desk.formats})),
            lane=desk.lane,
        )
        self._send(welcome)
        floor = desk.floor(greet.tenant)
        if greet.role == "agent":
            floor.enter_agent(self._socket, greet.hello.agent)
        elif greet.role == "author":
            for message in desk.greeting(greet.tenant):
                self._send(message)

    # Sources.

    def _take(self, call: CallKey, event: SourceEvent, received_ns: int, decoded_ns: int) -> None:
        """One event of a source."""
        try:
            self._desk.own(call, self._owner)
            if isinstance(event, CallStarted) and not self._live.call(call).started:
                self._desk.take_in(call)
            if isinstance(event, SegmentHeard):
                since_us = (time.perf_counter_ns() - received_ns) // 1000
                event = replace(event, received=time.time_ns() // 1000 - since_us)
            self._append(call, event, received_ns, decoded_ns)
        except MessageRefused as refusal:
            if refusal.code is Code.AT_CAPACITY and self._translator is not None:
                self._turn_away(refusal)
            else:
                self._refuse(refusal, event)
            self._desk.let_go(call)
        else:
            self._count(event)
            self._session.accepted()

    def _has_no_room(self, call: CallKey) -> bool:
        """Whether a call is refused at once. Bringing it into memory first would cost more than it does to guide it."""
        return self._desk.full and not self._live.has(call) and call not in self._waiting

    def _turn_away(self, refusal: MessageRefused) -> None:
        """A vendor's stream carries one call; where that is not taken, nothing else is to be heard."""
        self._translator = None
        self._turned_away = True
        self._desk.metrics.refused[refusal.code] += 1
        close = self._session.close(refusal.code, refusal.sentence, refusal.retry, refusal.retry_after)
        self._socket.close(close.bye)

    def _translate(self, frame: bytes, received_ns: int) -> None:
        """One message of a vendor."""
        hello, call = self._hello, self._call(self._hello.call_id)
        if self._turned_away:
            return
        try:
            if self._translator is None:
                started = self._live.call(call).started
                begins_ms = self._live.clock(call) if started else 0
                self._translator = self._desk.formats[hello.format](call.call_id, hello.parties, begins_ms)
            translated = self._translator.translate(frame)
        except MessageRefused as refusal:
            self._refuse(refusal, None)
            return
        decoded_ns = time.perf_counter_ns()
        self._session.accepted()
        self._take_translated(translated, received_ns, decoded_ns)

    def _take_translated(self, translated: tuple[SourceEvent, ...], received_ns: int, decoded_ns: int) -> None:
        """A vendor's messages seldom say whose call it is: the hello may, in `agent`."""
        agent = self._hello.agent
        for event in translated:
            call = self._call(event.call_id)
            if isinstance(event, CallStarted):
                self._take(call, event if event.agent else replace(event, agent=agent), received_ns, decoded_ns)
            else:
                if not self._live.call(call).started:
                    self._take(call, CallStarted(call_id=event.call_id, agent=agent), received_ns, decoded_ns)
                if not self._turned_away:
                    self._take(call, event, received_ns, decoded_ns)
            if self._turned_away:
                return

    def _finish(self) -> None:
        """The vendor's stream is over: what it had promised is final now."""
        if self._translator is not None:
            now = time.perf_counter_ns()
            self._take_translated(self._translator.finish(), now, now)

    def _disown(self) -> None:
        if not isinstance(self._owner, str) and not self._waiting:
            self._desk.disown(self._owner)

    # Everyone.

    def _append(self, call: CallKey, event: AnyEvent, received_ns: int = 0, decoded_ns: int = 0) -> None:
        """Raises `MessageRefused`."""
        desk = self._desk
        event, kinds = redacted(event, desk.terms.phone_regions)
        for kind in kinds:
            desk.metrics.redactions[kind] += 1
        try:
            appended = self._live.accept(call, event, received_ns, decoded_ns)
        except LogUnavailable as error:
            raise log_unavailable(error) from error
        self._last_promise = appended.durable
        desk.acks.owe(appended.durable, self, call.call_id, key(event), appended.position)

    def acknowledge(self, call_id: str, key: str, position: Position) -> None:
        epoch, seq = position
        self._send(Ack(call_id=call_id, key=key, epoch=epoch, seq=seq))
        if not self._full and self._socket.outbox.size >= ROOM:
            self._full = True
            self._pace_reading()

    def not_durable(self, call_id: str, key: str, refusal: MessageRefused) -> None:
        self._desk.metrics.refused[refusal.code] += 1
        self._send(replace(refusal_of(refusal), call_id=call_id, key=key))

    def _refuse(self, refusal: MessageRefused, message: Message | None) -> None:
        if refusal.code is Code.LOG_UNAVAILABLE:
            self._desk.log_trouble = refusal.sentence
        for action in self._session.refused(refusal, message):
            self._do(action, 0)

    # Agents and supervisors.

    def _watch(self, said: messages.Watch) -> None:
        call = self._call(said.call_id)
        if self._gone:
            return
        if not self._live.call(call).started:
            self._refuse(_unknown_call(), said)
            self._desk.let_go(call)
            return
        self._count(said)
        self._session.accepted()
        self._note("transcript watched", call.call_id, resumed=said.after is not None)
        self._unwatch(call)
        after = Position(said.after.epoch, said.after.seq) if said.after is not None else None
        watch = self._watches[call] = Watch(self._live, call, self._socket, after)
        self._desk.watches(call)
        self._go_on(watch)

    def _go_on(self, watch: Watch) -> None:
        if not self._live.has(watch.key):  # erased meanwhile
            self._unwatch(watch.key)
        elif watch.go_on() is not None:
            self._desk.join(watch.key, self._socket)

    def _stop_watching(self, said: Unwatch) -> None:
        call = self._call(said.call_id)
        if call in self._waiting:
            self._when_open(call, lambda: self._unwatch(call))
        else:
            self._unwatch(call)
        self._count(said)
        self._session.accepted()

    def _unwatch(self, call: CallKey) -> None:
        if self._watches.pop(call, None) is not None:
            self._desk.unwatches(call, self._socket)

    def _answer(self, said: Answer) -> None:
        def answered(call: CallKey) -> CardAnswered:
            state = self._live.call(call)
            if not state.started:
                raise _unknown_call()
            if said.card_id not in state.told.cards:
                raise MessageRefused(Code.UNKNOWN_CARD, "This call has no card of this id.")
            return CardAnswered(
                call_id=call.call_id,
                card_id=said.card_id,
                action=said.action,
                reason=said.reason,
                by=self._hello.agent,
                at_ms=self._live.clock(call),
                answer_id=said.answer_id,
            )

        self._append_said(said, answered)

    def _answer_alert(self, said: AnswerAlert) -> None:
        def answered(call: CallKey) -> AlertAnswered:
            state = self._live.call(call)
            if not state.started:
                raise _unknown_call()
            if said.alert_id not in state.told.alerts:
                raise MessageRefused(Code.UNKNOWN_ALERT, "This call has no alert of this id.")
            return AlertAnswered(
                call_id=call.call_id,
                alert_id=said.alert_id,
                action=said.action,
                by=self._hello.agent,
                at_ms=self._live.clock(call),
                answer_id=said.answer_id,
            )

        self._append_said(said, answered)

    def _ask_help(self, said: AskHelp) -> None:
        def asked(call: CallKey) -> HelpAsked:
            return HelpAsked(
                call_id=call.call_id,
                help_id=said.help_id,
                text=said.text,
                by=self._hello.agent,
                at_ms=self._live.clock(call),
            )

        self._append_said(said, asked)

    def _take_back_help(self, said: TakeBackHelp) -> None:
        def taken_back(call: CallKey) -> HelpTakenBack:
            state = self._live.call(call)
            if not state.started:
                raise _unknown_call()
            if said.help_id not in state.help_ids:
                raise MessageRefused(Code.UNKNOWN_HELP, "This call has no request for help of this id.")
            return HelpTakenBack(
                call_id=call.call_id, help_id=said.help_id, by=self._hello.agent, at_ms=self._live.clock(call)
            )

        self._append_said(said, taken_back)

    def _send_handover(self, said: SendHandover) -> None:
        def sent(call: CallKey) -> HandoverSent:
            return HandoverSent(
                call_id=call.call_id,
                handover_id=said.handover_id,
                text=said.text,
                by=self._hello.agent,
                sent_at=time.time_ns() // 1_000_000,
            )

        self._append_said(said, sent)

    def _whisper(self, said: Whisper) -> None:
        def whispered(call: CallKey) -> Whispered:
            return Whispered(
                call_id=call.call_id,
                whisper_id=said.whisper_id,
                text=said.text,
                by=self._hello.agent,
                at_ms=self._live.clock(call),
            )

        self._append_said(said, whispered)

    def _append_said(
        self,
        said: Answer | AskHelp | TakeBackHelp | SendHandover | AnswerAlert | Whisper,
        event: Callable[[CallKey], AnyEvent],
    ) -> None:
        """Append what a person did. `event` may raise `MessageRefused`."""
        call = self._call(said.call_id)
        try:
            self._append(call, event(call))
        except MessageRefused as refusal:
            self._refuse(refusal, said)
        else:
            self._count(said)
            self._session.accepted()
        self._desk.let_go(call)

    def _watch_board(self, said: WatchBoard) -> None:
        self._count(said)
        self._session.accepted()
        self._board = True
        floor = self._desk.floor(self._session.tenant)
        floor.enter_supervisor(self._socket)
        floor.go_on(self._socket)

    async def _brief(self, said: AskBrief) -> None:
        brief = await self._made(said, self._desk.brief(self._call(said.call_id)))
        if brief is not None:
            self._note("brief read", said.call_id)
            self._send(Briefed(brief=brief))

    async def _history(self, said: AskHistory) -> None:
        made = await self._made(said, self._desk.history(self._call(said.call_id)))
        if made is not None:
            contacts, brief = made
            if contacts:
                self._note("history read", said.call_id, contacts=[contact.call_id for contact in contacts])
            if brief is not None:
                self._note("brief read", brief.call_id)
            self._send(History(call_id=said.call_id, contacts=contacts, brief=brief))

    async def _made(self, said: AskBrief | AskHistory, answer: Awaitable[_T]) -> _T | None:
        """What was asked for, None where it was refused or nobody waits for it any more."""
        try:
            made = await answer
        except MessageRefused as refusal:
            self._refuse(refusal, said)
        except LogUnavailable as error:
            self._refuse(log_unavailable(error), said)
        else:
            self._count(said)
            self._session.accepted()
            return None if self._gone else made
        return None

    def _note(self, what: str, call_id: str, **more: object) -> None:
        tenant = self._session.tenant
        _audit.info(what, tenant=tenant, call_id=call_id, role=self.role, agent=self._hello.agent, **more)

    def _course(self, said: AskCourse) -> None:
        call = self._call(said.call_id)
        if not self._live.call(call).started:
            self._refuse(_unknown_call(), said)
        elif not self._gone:
            self._count(said)
            self._session.accepted()
            # Whoever watches the call is on record as reading it.
            if call not in self._watches:
                audited = {"tenant": call.tenant, "call_id": call.call_id, "role": self.role}
                _audit.info("course read", agent=self._hello.agent, **audited)
            self._send(CourseIs(course=self._live.course(call)))
        self._desk.let_go(call)

    async def _find(self, said: Find) -> None:
        self._count(said)
        self._session.accepted()
        articles, meaning = await self._desk.librarian.find(said.query, said.most)
        if not self._gone:
            self._send(Found(find_id=said.find_id, articles=articles, meaning=meaning))

    # Bringing calls into memory.

    def _when_open(self, call: CallKey, do: Callable[[], None], message: Message | None = None) -> None:
        """Do it now, or when the call is in memory, behind whatever waits for the same call."""
        waiting = self._waiting.get(call)
        if waiting is None:
            if self._live.has(call):
                do()
                return
            waiting = self._waiting[call] = deque()
            self._desk.spawn(self._open(call, waiting))
        waiting.append(_Work(do, message))
        self._waiting_count += 1
        self._pace_reading()

    async def _open(self, call: CallKey, waiting: deque[_Work]) -> None:
        while waiting:
            try:
                await self._live.open(call)
            except LogUnavailable as error:
                while waiting:
                    self._waiting_count -= 1
                    self._refuse(log_unavailable(error), waiting.popleft().message)
                break
            # A call that never began is let go at once; what still waits for it then opens it again.
            while waiting and self._live.has(call):
                self._waiting_count -= 1
                waiting.popleft().do()
        del self._waiting[call]
        self._pace_reading()
        if self._gone:
            self._disown()

    def _pace_reading(self) -> None:
        """Take more from the client only while what it has sent can be worked off, and answered."""
        if self._gone:
            return
        if self._full or self._waiting_count >= WAITING_AT_MOST:
            self._socket.pause_reading()
        else:
            self._socket.resume_reading()

    def _send(self, message: ServerMessage) -> None:
        self._socket.send(encode(message))

    def _count(self, message: Message) -> None:
        self._desk.metrics.messages[_TAGS[type(message)]] += 1


def _unknown_call() -> MessageRefused:
    return MessageRefused(Code.UNKNOWN_CALL, "There is no call of this id here.", retry=True)
