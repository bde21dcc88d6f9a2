"""One tenant's floor: the calls going on, as its agents are told of them and its supervisors see them.

Supervisors see rows, and the alerts of all calls, which nobody else is told. Rows are computed and encoded once for all
of them, four times a second at most, and a few at a time: guidance that comes meanwhile does not wait for a thousand
rows. A supervisor whose connection lags, or who has just come, is owed rows instead: they are made when there is room,
so they are never stale when they leave.
"""

import asyncio
from collections.abc import Callable, Collection
from itertools import islice

from msgspec.structs import replace

from rtig.core.guidance import Alert, BoardRow, CallInfo
from rtig.eventlog.port import CallKey
from rtig.gateway.metrics import Metrics
from rtig.gateway.socket import Socket, framed
from rtig.gateway.watching import ROOM
from rtig.live import LiveCalls, Update
from rtig.wire.messages import Board, Calls, CallSummary, encode

BOARD_SECONDS = 0.25
ROWS_A_FRAME = 100
ROWS_AT_ONCE = 50
"""After so many the loop has its turn: two milliseconds."""
CALLS_TOLD = 100
"""An agent is told of at most so many calls, the newest."""


class _Screen:
    """One supervisor's board, as far as it has been told."""

    def __init__(self, owed: dict[str, None]) -> None:
        self.owed = owed
        self.whole = True  # the next frame replaces everything before


class Floor:
    """`ended` is called with each call that ends."""

    def __init__(self, live: LiveCalls, tenant: str, metrics: Metrics, ended: Callable[[CallKey], None]) -> None:
        self.tenant = tenant
        self._live = live
        self._metrics = metrics
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._agents: dict[Socket, str] = {}
        self._sidebars: dict[str, dict[Socket, None]] = {}
        """The same by name."""
        self._screens: dict[Socket, _Screen] = {}
        self._changed: dict[str, None] = {}
        self._round: dict[str, None] = {}  # of those that had changed when it began, what is still to be told
        self._shown: dict[str, BoardRow] = {}
        self._alerted: dict[str, tuple[Alert, ...]] = {}
        self._timer: asyncio.Handle | None = None
        self._unlisten = live.listen_tenant(tenant, self._hear)

    def live_calls(self) -> int:
        return self._live.count(self.tenant)

    def close(self) -> None:
        self._unlisten()
        if self._timer is not None:
            self._timer.cancel()

    def enter_agent(self, socket: Socket, agent: str) -> None:
        """Announce the live calls of an agent from now on; with no name, those of everyone."""
        self._agents[socket] = agent
        self._sidebars.setdefault(agent, {})[socket] = None
        self._announce(agent, (socket,))

    def enter_supervisor(self, socket: Socket) -> None:
        """Show the board from now on, whole first; the first of it when `go_on` is next called."""
        self._screens[socket] = _Screen({key.call_id: None for key in self._live.live(self.tenant)})

    def leave(self, socket: Socket) -> None:
        agent = self._agents.pop(socket, None)
        if agent is not None:
            del self._sidebars[agent][socket]
            if not self._sidebars[agent]:
                del self._sidebars[agent]
        self._screens.pop(socket, None)
        if not self._screens:
            self._changed.clear()
            self._round.clear()
            self._shown.clear()
            self._alerted.clear()

    def go_on(self, socket: Socket) -> None:
        """Send a supervisor the rows that it is owed, as far as there is room."""
        screen = self._screens.get(socket)
        while screen is not None and (screen.owed or screen.whole) and socket.unsent < ROOM:
            names = _taken(screen.owed, ROWS_A_FRAME)
            rows = {name: row for name in names if (row := self._row(name)) is not None}
            gone = tuple(name for name in names if name not in rows)
            alerts = tuple(alert for name in names for alert in self._alerts(name))
            more = bool(screen.owed)
            frame = Board(rows=tuple(rows.values()), gone=gone, alerts=alerts, whole=screen.whole, more=more)
            socket.send(encode(frame))
            screen.whole = False

    def _hear(self, update: Update) -> None:
        self._metrics.told(update.items)
        for item in update.items:
            if isinstance(item, CallInfo):
                for agent in {"", item.agent}:
                    self._announce(agent, self._sidebars.get(agent, ()))
                if item.state == "ended":
                    self._ended(update.key)
        if self._screens:
            self._changed[update.key.call_id] = None
            if self._timer is None:
                self._timer = self._loop.call_later(BOARD_SECONDS, self._begin_round)

    def _announce(self, agent: str, sockets: Collection[Socket]) -> None:
        """Tell the live calls of an agent; with no name, those of everyone."""
        if not sockets:
            return
        calls = tuple(
            CallSummary(
                call_id=key.call_id,
                agent=call.agent,
                queue=call.queue,
                customer=call.customer,
                channel=call.channel,
                started_at=call.started_at,
            )
            for key in islice(self._live.live(self.tenant, agent), CALLS_TOLD)
            for call in (self._live.call(key),)
        )
        frame = framed(encode(Calls(calls=calls)))
        for socket in tuple(sockets):
            socket.send_framed(frame, key=("calls",))

    def _begin_round(self) -> None:
        self._round, self._changed = self._changed, {}
        self._go_round()

    def _go_round(self) -> None:
        self._refresh(_taken(self._round, ROWS_AT_ONCE))
        if self._round:
            self._timer = self._loop.call_soon(self._go_round)
        elif self._changed:
            self._timer = self._loop.call_later(BOARD_SECONDS, self._begin_round)
        else:
            self._timer = None

    def _refresh(self, names: list[str]) -> None:
        rows: dict[str, BoardRow] = {}
        gone: list[str] = []
        alerts: list[Alert] = []
        for name in names:
            now, before = self._alerts(name), self._alerted.pop(name, ())
            if now:
                self._alerted[name] = now
            alerts.extend(alert for alert in now if alert not in before)
            row = self._row(name)
            if row is None:
                self._shown.pop(name, None)
                gone.append(name)
            elif name not in self._shown or _timeless(row) != _timeless(self._shown[name]):
                self._shown[name] = rows[name] = row
        if not rows and not gone and not alerts:
            return
        shared: bytes | None = None
        for socket, screen in tuple(self._screens.items()):
            if screen.owed or screen.whole or socket.unsent >= ROOM:
                screen.owed.update(dict.fromkeys((*rows, *gone, *(alert.call_id for alert in alerts))))
                self.go_on(socket)
            else:
                if shared is None:
                    shared = framed(encode(Board(rows=tuple(rows.values()), gone=tuple(gone), alerts=tuple(alerts))))
                socket.send_framed(shared)

    def _alerts(self, name: str) -> tuple[Alert, ...]:
        key = CallKey(self.tenant, name)
        return tuple(self._live.call(key).told.alerts.values()) if self._live.has(key) else ()

    def _row(self, name: str) -> BoardRow | None:
        key = CallKey(self.tenant, name)
        if not self._live.has(key):
            return None
        call = self._live.call(key)
        return self._live.row(key) if call.started and not call.ended else None


def _taken(names: dict[str, None], most: int) -> list[str]:
    """The first names, taken out."""
    taken = list(islice(names, most))
    for name in taken:
        del names[name]
    return taken


def _timeless(row: BoardRow) -> BoardRow:
    """The row without what changes just because time passes, which a screen can tell by itself."""
    return replace(row, clock_ms=0, spark=(), red_ms=0)
