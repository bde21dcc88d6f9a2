"""One call while it happens: append, fold, tell whoever listens, wake when silence will matter.

`LiveCalls` holds the calls of this process. It belongs to one event loop. An event is appended to the log (which
decides its number), folded at once, and the guidance handed to the listeners before the disk has it; only the
acknowledgement waits for the disk. After a restart the live calls are folded again from the log and come out the same,
those that somebody asks for first.

A card that is ready later than the budget allows is not told: its `CardMissed` goes into the log, and the fold goes on
from there as for a card that nobody saw.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, takewhile
from typing import NamedTuple

import structlog

from rtig.core import board, brief, course, engine, history, telling
from rtig.core.call import Call
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    CardMissed,
    ClockTicked,
    HandoverSent,
    PlaybookChanged,
    SegmentHeard,
    UtteranceRead,
)
from rtig.core.guidance import BoardRow, Brief, Card, Checklist, Contact, Course, Guidance, Line
from rtig.core.playbook import Playbook
from rtig.core.utterances import Utterance
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import Appended, CallKey, EventLog, Position, Recorded
from rtig.rehearing import Rehearing

_log = structlog.get_logger(__name__)

SEGMENTS_PER_CALL = 20_000
"""Half a day of talk without a pause; a source that sends more has lost count of its segments."""
TURN_SECONDS = 0.005
"""Folding a call again gives way to the loop after so long."""
PATIENCE = 3
"""After each turn of folding again what nobody waits for, the rest has so many times as long."""
CALLS_AT_ONCE = 20
"""What is done to all calls gives way to the loop after so many (a millisecond or two of work)."""
TRIES_BESIDE = 10
"""A call that goes on each time meanwhile is heard again in the loop. All tries but the first take little."""
LONGEST_TURN_NS = 10_000_000_000
"""A loop whose turn seems to last longer has a clock of its own."""
STILL_MATTERS_MS = 30_000
"""What was said longer ago is not given to a model any more: a card for it would come too late."""


class Update(NamedTuple):
    """What one event of a call brought. Times are `time.perf_counter_ns`; 0 where no message of a client caused it."""

    key: CallKey
    position: Position
    items: tuple[Guidance, ...]
    received_ns: int = 0
    decoded_ns: int = 0
    appended_ns: int = 0
    folded_ns: int = 0


Listener = Callable[[Update], None]
Ask = Callable[[CallKey, str, Sequence[Utterance]], None]
"""Has utterances of a call in a queue read by a model; the readings come back through `LiveCalls.accept`."""
Unlisten = Callable[[], None]


class Past(NamedTuple):
    """What a watcher has missed. `start_over` says that what it holds is not of this log and must be forgotten."""

    start_over: bool
    updates: tuple[Update, ...]
    position: Position


class LiveCalls:
    """The calls of this process, and those who listen to them."""

    def __init__(self, log: EventLog, playbook: Playbook, budget_ms: float = 0) -> None:
        self.playbook = playbook
        self.budget_ns = int(budget_ms * 1_000_000)
        """How long a card may take from what called for it to being ready; 0: as long as it likes."""
        self._log = log
        self._calls: dict[CallKey, _LiveCall] = {}
        # Those going on, by tenant, and by tenant and agent, oldest first.
        self._going_on: dict[str, dict[CallKey, None]] = {}
        self._of_agent: dict[tuple[str, str], dict[CallKey, None]] = {}
        self._count = 0
        # Briefs take turns: several threads at work at once would each keep the loop waiting for the interpreter.
        self._scribe = ThreadPoolExecutor(1, "rtig-brief")
        self._opening: dict[CallKey, asyncio.Lock] = {}
        self._unasked: set[CallKey] = set()  # being opened, and nobody waits for them
        self._turn = asyncio.Lock()  # many that are folded again side by side would all be done last
        self._tenants: dict[str, _Listeners] = {}
        self._everywhere = _Listeners()
        self.ask: Ask | None = None

    @property
    def epoch(self) -> int:
        return self._log.epoch

    async def recover(self) -> int:
        """Fold every call again that was live when the log was last closed; how many.

        Calls can be opened meanwhile and are folded at once; this leaves most of the time to them.
        """
        keys = await self._log.live_calls()
        for key in keys:
            await self.open(key, patient=True)
            await self.release(key)  # where it was ended or erased before its turn came
        return len(keys)

    async def open(self, key: CallKey, *, patient: bool = False) -> None:
        """Have a call in memory, folded from the log as far as it goes. A call that nobody knows opens empty.

        One that goes on is told of to those who listen to its tenant or to all calls: it may be new to them. `patient`:
        nobody waits for it.
        """
        if key in self._calls:
            return
        if not patient:
            self._unasked.discard(key)
        elif key not in self._opening:
            self._unasked.add(key)
        async with self._opening.setdefault(key, asyncio.Lock()):
            if key not in self._calls:
                await self._log.open(key)
                live = _LiveCall(key, self.playbook)
                if key in self._unasked:
                    await live.fold_again(self._log, lambda: PATIENCE if key in self._unasked else 0.0)
                else:
                    async with self._turn:
                        await live.fold_again(self._log, lambda: 0.0)
                self._unasked.discard(key)
                self._calls[key] = live
                self._sort(live)
                self._arm(live)
                if live.going_on:
                    self._ask(live)
                    found = Update(key, live.position, (telling.info(live.playbook, live.call),))
                    self._tell_all(found)
                    await self._change_playbook(live)
        self._opening.pop(key, None)

    def has(self, key: CallKey) -> bool:
        return key in self._calls

    def accept(
        self, key: CallKey, event: AnyEvent, received_ns: int = 0, decoded_ns: int = 0, due_ns: int = 0
    ) -> Appended:
        """Append an event to an opened call, fold it, tell the listeners.

        An event that the log has already is acknowledged with its old position and changes nothing. `due_ns` is when
        an event was due that no client sent (`time.perf_counter_ns`). Raises `MessageRefused` (`unknown_call`,
        `call_ended`, `call_full`, `log_unavailable`).
        """
        live = self._calls[key]
        refusal = live.refusal(event)
        if refusal is not None and self._log.find(key, event) is None:
            raise refusal
        try:
            appended = self._log.append(key, event)
        except LogUnavailable as error:
            raise MessageRefused(Code.LOG_UNAVAILABLE, str(error), retry=True, retry_after=1.0) from error
        if appended.fresh:
            appended_ns = time.perf_counter_ns()
            before = live.call
            items = live.fold(appended.position, event)
            if isinstance(event, SegmentHeard):
                live.see_clock(event.end_ms)
            elif isinstance(event, CallEnded):
                live.see_clock(event.at_ms)
            folded_ns = time.perf_counter_ns()
            late = self._late(before, live.call, items, due_ns or received_ns or appended_ns, folded_ns)
            if late:
                items = _without_cards(items, [miss.card_id for miss in late])
            update = Update(key, appended.position, items, received_ns, decoded_ns, appended_ns, folded_ns)
            live.remember(appended.position, items)
            live.last_at = int(time.time() * 1000)
            live.first_at = live.first_at or live.last_at
            if (live.call.started, live.call.ended) != (before.started, before.ended):
                self._sort(live)
            live.listeners.tell(update)
            self._tell_all(update)
            self._arm(live)
            if live.call.utterances is not before.utterances:
                self._ask(live)
            for miss in late:
                self._miss(key, miss)
        return appended

    def take_reading(self, key: CallKey, reading: UtteranceRead) -> None:
        """Append what a model has read, if the call is still open for it."""
        if key in self._calls:
            try:
                self.accept(key, reading)
            except MessageRefused as refused:  # the call is over, or its log does not take events now
                _log.debug("reading not taken", code=refused.code)

    def ask_again(self) -> None:
        """Have read what has not been read of all calls that are going on: a model has come, or learned anew."""
        self._ask_some(iter(list(self._calls)))

    def call(self, key: CallKey) -> Call:
        """The state of an opened call. Raises `KeyError`."""
        return self._calls[key].call

    def clock(self, key: CallKey) -> int:
        """Milliseconds on the clock of an opened call, now."""
        return self._calls[key].clock()

    def row(self, key: CallKey) -> BoardRow:
        """An opened call as a row of the board."""
        live = self._calls[key]
        return board.row(live.playbook, live.call, live.clock())

    def course(self, key: CallKey) -> Course:
        """How an opened call has gone so far."""
        live = self._calls[key]
        return course.course(live.playbook, live.call, live.call.now if live.call.ended else live.clock())

    def brief(self, key: CallKey) -> Awaitable[Brief]:
        """What whoever takes an opened call over has to know of it as it is now.

        Made beside the loop: of a long call it takes as long as many events.
        """
        live = self._calls[key]
        return asyncio.get_running_loop().run_in_executor(self._scribe, brief.brief, live.playbook, live.call)

    def contact(self, key: CallKey) -> Contact:
        """An opened call as the agent of another call of the customer sees it."""
        live = self._calls[key]
        return history.contact(live.playbook, live.call, live.first_at)

    async def calls_of(self, key: CallKey, customer: str, most: int) -> list[CallKey]:
        """The calls of a customer but this one, newest first, at most so many."""
        names = await self._log.calls_of(key.tenant, customer, most + 1)
        return [CallKey(key.tenant, name) for name in names if name != key.call_id][:most]

    def began_at(self, key: CallKey) -> int:
        """Unix time in milliseconds of an opened call's first event."""
        return self._calls[key].first_at

    def going_on(self) -> list[CallKey]:
        """The calls of all tenants that are going on, of each tenant oldest first."""
        return [key for keys in self._going_on.values() for key in keys]

    def live(self, tenant: str, agent: str = "") -> Iterator[CallKey]:
        """The tenant's calls that are going on, or those of one agent, newest first."""
        return reversed(self._of_agent.get((tenant, agent), {}) if agent else self._going_on.get(tenant, {}))

    def count(self, tenant: str | None = None) -> int:
        """How many calls are going on, of a tenant or in all."""
        if tenant is None:
            return self._count
        return len(self._going_on.get(tenant, ()))

    def past(self, key: CallKey, after: Position | None) -> Past:
        """What a watcher of an opened call needs to be where it is now, without interim text that was replaced."""
        live = self._calls[key]
        if after is None:
            return Past(False, tuple(live.history()), live.position)
        if live.holds(after):
            return Past(False, tuple(u for u in live.history() if u.position.seq > after.seq), live.position)
        return Past(True, tuple(live.history()), live.position)

    def listen(self, key: CallKey, listener: Listener) -> Unlisten:
        """Every later update of an opened call, in order, before `accept` returns."""
        return self._calls[key].listeners.add(listener)

    def listen_tenant(self, tenant: str, listener: Listener) -> Unlisten:
        """Every later update of every call of a tenant."""
        return self._tenants.setdefault(tenant, _Listeners()).add(listener)

    def listen_everywhere(self, listener: Listener) -> Unlisten:
        """Every later update of every call, which this process heard live.

        Of what is folded again nothing is told again but that the call goes on.
        """
        return self._everywhere.add(listener)

    async def change_playbook(self, playbook: Playbook) -> None:
        """Fold all live calls with another playbook from here on; each call's log says so.

        Hearing a long call again takes tens of milliseconds. It is done beside the loop, by a thread that rests as much
        as it works, and again where the call has gone on meanwhile.
        """
        self.playbook = playbook
        for live in list(self._calls.values()):
            await self._change_playbook(live)

    async def _change_playbook(self, live: "_LiveCall") -> None:
        """Fold a call with the playbook in use, if it is not yet."""
        # The call may have been let go, and another playbook may have come, while others had their turn.
        while self._calls.get(live.key) is live and live.going_on and live.playbook.version != self.playbook.version:
            playbook = self.playbook
            changed = await self._tried(live, playbook)
            if self._calls.get(live.key) is live and live.going_on and playbook is self.playbook:
                before, live.playbook = live.playbook, playbook
                try:
                    self.accept(live.key, changed)
                except MessageRefused as refused:
                    # What the call holds belongs to the playbook before; it goes on with that one.
                    live.playbook = before
                    _log.warning("playbook kept in a call", code=refused.code)
                    return

    async def _tried(self, live: "_LiveCall", playbook: Playbook) -> PlaybookChanged:
        """The change of a call's playbook, with what it comes to known already; not where the call never waits."""
        again = Rehearing(playbook)
        for _ in range(TRIES_BESIDE):
            call, seq = live.call, live.position.seq + 1
            changed = PlaybookChanged(call_id=call.call_id, version=playbook.version, at_ms=live.clock())
            step = asyncio.get_running_loop().run_in_executor(self._scribe, again.step, call, seq, changed)
            live.ahead = _Ahead(call, seq, changed, await step)
            if live.call is call:
                break
        return changed

    async def release(self, key: CallKey) -> None:
        """Let go of a call that is not going on and that nobody listens to; `open` brings it back from the log."""
        live = self._calls.get(key)
        if live is not None and not live.going_on and not live.listeners:
            del self._calls[key]
            self._forget(live)
            await self._log.close_call(key)

    async def erase(self, key: CallKey) -> int:
        """Remove a call from memory and from the log; how many events there were."""
        live = self._calls.pop(key, None)
        if live is not None:
            live.disarm()
            self._forget(live)
        return await self._log.erase(key)

    async def abandon(self, before: int) -> int:
        """End the calls that nothing has been heard of since `before` (Unix time in milliseconds); how many calls.

        A source that dies for good never says that its calls are over.
        """
        stale = [key for key, live in self._calls.items() if live.going_on and 0 < live.last_at < before]
        ended = 0
        for key in stale:
            live = self._calls.get(key)
            if live is not None and live.going_on and live.last_at < before:
                self.accept(key, CallEnded(call_id=key.call_id, at_ms=live.call.now, reason="abandoned"))
                ended += 1
                await asyncio.sleep(0)
        return ended

    async def expire(self, before: int) -> int:
        """Erase the calls whose last event is older than `before` (Unix time in milliseconds); how many calls."""
        stale = [key for key, live in self._calls.items() if 0 < live.last_at < before]
        for key in stale:
            await self.erase(key)
        return len(stale) + await self._log.expire(before)

    def close(self) -> None:
        """Stop all timers. The log is the caller's to close."""
        for live in self._calls.values():
            live.disarm()
        self._scribe.shutdown(wait=False, cancel_futures=True)

    def _tell_all(self, update: Update) -> None:
        if update.key.tenant in self._tenants:
            self._tenants[update.key.tenant].tell(update)
        self._everywhere.tell(update)

    def _sort(self, live: "_LiveCall") -> None:
        """Put a call among those going on once it has started; take it out once it is over."""
        if live.going_on:
            going_on = self._going_on.setdefault(live.key.tenant, {})
            self._count += live.key not in going_on
            for calls in (going_on, self._of_agent.setdefault((live.key.tenant, live.call.agent), {})):
                later = [key for key in self._later(calls, live) if key != live.key]
                calls[live.key] = None
                for key in later:
                    calls[key] = calls.pop(key)
        else:
            self._forget(live)

    def _later(self, calls: dict[CallKey, None], live: "_LiveCall") -> list[CallKey]:
        """Those that began after a call, which is so only where it was folded again: oldest first."""
        later = takewhile(lambda key: self._calls[key].first_at > live.first_at, reversed(calls))
        return [*later][::-1]

    def _forget(self, live: "_LiveCall") -> None:
        going_on = self._going_on.get(live.key.tenant, {})
        if live.key in going_on:
            del going_on[live.key]
            self._count -= 1
        agent = (live.key.tenant, live.call.agent)
        of_agent = self._of_agent.get(agent, {})
        of_agent.pop(live.key, None)
        if not of_agent:
            self._of_agent.pop(agent, None)

    def _late(
        self, before: Call, call: Call, items: tuple[Guidance, ...], since_ns: int, now_ns: int
    ) -> list[CardMissed]:
        """The cards that are new and ready too late.

        One that is on the screen already is only told better. One that compliance asks for is told however late: it
        has to be said all the same. When a call is over nobody looks any more.
        """
        if not self.budget_ns or call.ended:
            return []
        new = [
            item
            for item in items
            if isinstance(item, Card) and item.state != "retracted" and not item.exempt and _is_new(before, item)
        ]
        if not new or now_ns - _reached(since_ns) <= self.budget_ns:
            return []
        return [CardMissed(call_id=card.call_id, card_id=card.id, early=card.state == "provisional") for card in new]

    def _miss(self, key: CallKey, miss: CardMissed) -> None:
        try:
            self.accept(key, miss)
        except MessageRefused as refused:
            _log.warning("late card not recorded", code=refused.code)

    def _ask_some(self, keys: Iterator[CallKey]) -> None:
        key = None
        for key in islice(keys, CALLS_AT_ONCE):
            live = self._calls.get(key)
            if live is not None and live.going_on:
                self._ask(live)
        if key is not None:
            asyncio.get_running_loop().call_soon(self._ask_some, keys)

    def _ask(self, live: "_LiveCall") -> None:
        if self.ask is None:
            return
        oldest = live.clock() - STILL_MATTERS_MS
        waiting = [one for one in engine.unread(live.playbook, live.call) if one.end_ms >= oldest]
        if waiting:
            self.ask(live.key, live.call.queue, waiting)

    def _arm(self, live: "_LiveCall") -> None:
        """One timer a call, set to the moment that `wake_at` names and left alone while that moment stays."""
        wake = engine.wake_at(live.playbook, live.call) if live.going_on else None
        if wake == live.wake:
            return
        live.disarm()
        if wake is not None:
            live.wake = wake
            delay = max(0.0, (wake - live.clock()) / 1000)
            live.due_ns = time.perf_counter_ns() + int(delay * 1e9)
            live.timer = asyncio.get_running_loop().call_later(delay, self._tick, live, wake)

    def _tick(self, live: "_LiveCall", wake: int) -> None:
        live.timer = None
        live.wake = None
        try:
            self.accept(live.key, ClockTicked(call_id=live.key.call_id, at_ms=wake), due_ns=live.due_ns)
        except MessageRefused as refused:
            _log.warning("tick refused", code=refused.code)


class _Ahead(NamedTuple):
    """What an event will come to if nothing else happens before it."""

    call: Call
    seq: int
    event: AnyEvent
    step: tuple[Call, tuple[Guidance, ...]]


class _Listeners:
    """Those who hear of something, in the order in which they came."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: tuple[Listener, ...] = ()  # never changed but replaced: whoever is being told may leave

    def __bool__(self) -> bool:
        return bool(self._all)

    def tell(self, update: Update) -> None:
        for listener in self._all:
            listener(update)

    def add(self, listener: Listener) -> Unlisten:
        self._all = (*self._all, listener)

        def unlisten() -> None:
            self._all = tuple(other for other in self._all if other is not listener)

        return unlisten


class _LiveCall:
    def __init__(self, key: CallKey, playbook: Playbook) -> None:
        self.key = key
        self.playbook = playbook
        self.call = engine.begin(key.call_id)
        self.position = Position(0, 0)
        self.listeners = _Listeners()
        self.timer: asyncio.TimerHandle | None = None
        self.wake: int | None = None
        self.ahead: _Ahead | None = None
        self.due_ns = 0
        """When the timer is to end (`time.perf_counter_ns`)."""
        self.first_at = self.last_at = 0
        """Unix time in milliseconds of the first and the last event; 0 before the first."""
        # Monotonic time at the call's 0. Every event bounds it from above (it cannot have been heard before it was
        # said), and the smallest bound is the one with the least delay.
        self._origin_ns = time.monotonic_ns()
        self._told: dict[int, tuple[Position, tuple[Guidance, ...]]] = {}  # by seq, what watchers were told
        self._interim: dict[str, int] = {}  # segment -> seq of the update that holds nothing but its interim text
        self._epochs: list[Position] = []  # the first position of each epoch that wrote to this call

    @property
    def going_on(self) -> bool:
        return self.call.started and not self.call.ended

    def refusal(self, event: AnyEvent) -> MessageRefused | None:
        """Why a new event cannot be taken; one that the log has already is never asked about."""
        if not self.call.started and not isinstance(event, CallStarted):
            return MessageRefused(Code.UNKNOWN_CALL, "This call has not begun: send `call_started` first.", retry=True)
        if self.call.ended and not isinstance(event, HandoverSent):
            return MessageRefused(Code.CALL_ENDED, "This call is over; what comes after its end is not taken.")
        if isinstance(event, SegmentHeard):
            if event.end_ms < event.start_ms:
                return MessageRefused(Code.BAD_TIME, "`end_ms` lies before `start_ms`.")
            heard = self.call.transcript
            if (
                heard.size >= SEGMENTS_PER_CALL
                and event.segment_id not in heard.open
                and not heard.find(event.segment_id)
            ):
                return MessageRefused(Code.CALL_FULL, f"A call holds at most {SEGMENTS_PER_CALL} segments.")
        return None

    def clock(self) -> int:
        return max(self.call.now, (time.monotonic_ns() - self._origin_ns) // 1_000_000)

    def see_clock(self, at_ms: int) -> None:
        origin_ns = time.monotonic_ns() - at_ms * 1_000_000
        if origin_ns < self._origin_ns:
            self._origin_ns = origin_ns

    def fold(self, position: Position, event: AnyEvent) -> tuple[Guidance, ...]:
        ahead, self.ahead = self.ahead, None
        if ahead is not None and ahead.event is event and ahead.call is self.call and ahead.seq == position.seq:
            self.call, items = ahead.step
        else:
            self.call, items = engine.step(self.playbook, self.call, position.seq, event)
        if not self._epochs or self._epochs[-1].epoch != position.epoch:
            self._epochs.append(position)
        self.position = position
        return _without_cards(items, (event.card_id,)) if isinstance(event, CardMissed) else items

    async def fold_again(self, log: EventLog, patience: Callable[[], float]) -> None:
        """Fold what the log has; after each turn the loop has the time for itself, `patience` times as long or more."""
        last: Recorded | None = None
        began = time.perf_counter()
        async for record in log.read(self.key):
            self.first_at = self.first_at or record.at
            position = Position(record.epoch, record.seq)
            items = self.fold(position, record.event)
            if isinstance(record.event, CardMissed):
                self._unsee(record.event.card_id)
            self.remember(position, items)
            last = record
            took = time.perf_counter() - began
            if took > TURN_SECONDS:
                await asyncio.sleep(took * patience())
                began = time.perf_counter()
        if last is not None:
            self.last_at = last.at
            since_ms = max(0, int(time.time() * 1000) - last.at)
            self._origin_ns = time.monotonic_ns() - (self.call.now + since_ms) * 1_000_000

    def holds(self, position: Position) -> bool:
        """Whether a watcher that saw `position` saw the event that this log has there.

        A seq that was lost in a crash and given again belongs to a later epoch than the watcher's.
        """
        if position.seq > self.position.seq:
            return False
        written_in = 0
        for first in self._epochs:
            if first.seq <= position.seq:
                written_in = first.epoch
        return written_in <= position.epoch

    def remember(self, position: Position, items: tuple[Guidance, ...]) -> None:
        if not items:
            return
        interim: str | None = None
        for item in items:
            if isinstance(item, Line):
                replaced = self._interim.pop(item.segment_id, None)
                if replaced is not None:
                    del self._told[replaced]
                if not item.final and not item.voided and len(items) == 1:
                    interim = item.segment_id
        if interim is not None:
            self._interim[interim] = position.seq
        self._told[position.seq] = position, items

    def _unsee(self, card_id: str) -> None:
        """Take back from what is remembered a card that the log says nobody saw."""
        for seq, (position, told) in reversed(self._told.items()):
            if any(isinstance(item, Card) and item.id == card_id for item in told):
                items = _without_cards(told, (card_id,))
                if items:
                    self._told[seq] = position, items
                    line = items[0]
                    if len(items) == 1 and isinstance(line, Line) and not line.final and not line.voided:
                        self._interim[line.segment_id] = seq
                else:
                    del self._told[seq]
                return

    def history(self) -> Iterator[Update]:
        for position, items in self._told.values():
            yield Update(self.key, position, items)

    def disarm(self) -> None:
        self.wake = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def _is_new(before: Call, card: Card) -> bool:
    known = before.told.cards.get(card.id)
    return known is None or known.state == "retracted"


def _without_cards(items: tuple[Guidance, ...], card_ids: Collection[str]) -> tuple[Guidance, ...]:
    """What is left without some cards and their steps."""
    return tuple(
        item
        for item in items
        if not (isinstance(item, Card) or (isinstance(item, Checklist) and item.card)) or item.id not in card_ids
    )


def _reached(since_ns: int) -> int:
    """When what the loop read at a time had reached this machine, at the latest.

    Many sockets may be ready at once; those read last have waited for the others. uvloop's time stands still from when
    it asked which are ready.
    """
    turn_ns = int(asyncio.get_running_loop().time() * 1e9)
    return turn_ns if 0 < since_ns - turn_ns < LONGEST_TURN_NS else since_ns
