"""One tenant's floor: the calls going on, as its agents are told of them and its supervisors see them.

Supervisors see rows, and the alerts of all calls, which nobody else is told. Rows are computed and encoded once for all
of them, four times a second at most, and a few at a time: guidance that comes meanwhile does not wait for a thousand
rows. A supervisor whose connection lags, or who has just come, is owed rows instead: they are made when there is room,
so they are never stale when they leave.

Where the server has several workers, each tells the others its own rows as if they were supervisors, and shows theirs
beside them.
"""

import asyncio
import heapq
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from msgspec.structs import replace

from rtig.core.guidance import Alert, BoardRow, CallInfo
from rtig.eventlog.port import CallKey
from rtig.gateway.metrics import Metrics
from rtig.gateway.others import Alone, Going, Others
from rtig.gateway.socket import Outlet, framed
from rtig.gateway.watching import ROOM
from rtig.live import LiveCalls, Update
from rtig.wire.messages import Board, Calls, CallSummary, encode

BOARD_SECONDS = 0.25
ROWS_A_FRAME = 100
ROWS_AT_ONCE = 8
"""After so many the loop has its turn, half a millisecond: a fragment that comes meanwhile waits for it."""
CALLS_TOLD = 100
"""An agent is told of at most so many calls, the newest."""


class _Screen:
    """One supervisor's board, as far as it has been told."""

    def __init__(self, owed: dict[str, None], own: bool) -> None:
        self.owed = owed
        self.own = own  # another worker's: it is told the calls of this one only
        self.whole = True  # the next frame replaces everything before


class _News:
    """What is to be told to all screens."""

    def __init__(self) -> None:
        self.rows: dict[str, BoardRow] = {}
        self.gone: list[str] = []
        self.alerts: list[Alert] = []


class Floor:
    """`ended` is called with each call that ends."""

    def __init__(
        self,
        live: LiveCalls,
        tenant: str,
        metrics: Metrics,
        ended: Callable[[CallKey], None],
        others: Others | None = None,
    ) -> None:
        self.tenant = tenant
        self.whole = True
        """All calls of this process are known; until then other workers are told none of them."""
        self._live = live
        self._metrics = metrics
        self._ended = ended
        self._others = others if others is not None else Alone()
        self._loop = asyncio.get_running_loop()
        self._agents: dict[Outlet, str] = {}
        self._sidebars: dict[str, dict[Outlet, None]] = {}
        """The same by name."""
        self._screens: dict[Outlet, _Screen] = {}
        self._changed: dict[str, None] = {}
        self._round: dict[str, None] = {}  # of those that had changed when it began, what is still to be looked at
        self._news = _News()
        self._shown: dict[str, BoardRow] = {}
        self._alerted: dict[str, tuple[Alert, ...]] = {}
        self._far_rows: dict[str, BoardRow] = {}
        self._far_alerts: dict[str, dict[str, Alert]] = {}
        self._far_whole = True  # nothing of the other workers is missing that a screen should begin with
        self._timer: asyncio.Handle | None = None
        self._unlisten = live.listen_tenant(tenant, self._hear)

    def live_calls(self) -> int:
        return self._live.count(self.tenant)

    def close(self) -> None:
        self._unlisten()
        if self._timer is not None:
            self._timer.cancel()

    def enter_agent(self, socket: Outlet, agent: str) -> None:
        """Announce the live calls of an agent from now on; with no name, those of everyone."""
        self._agents[socket] = agent
        self._sidebars.setdefault(agent, {})[socket] = None
        self._announce(agent, (socket,))

    def enter_supervisor(self, socket: Outlet, own: bool = False) -> None:
        """Show the board from now on, whole first; the first of it when `go_on` is next called.

        `own`: without the calls of other workers.
        """
        if not own:
            self._far_whole = self._others.show_board(self.tenant, True)
        owed = dict.fromkeys(key.call_id for key in self._live.live(self.tenant))
        self._screens[socket] = _Screen(owed if own else owed | dict.fromkeys(self._far_rows), own)

    def far_board(self, board: Board, whole: bool) -> None:
        """What another worker tells of its calls; `whole`: nothing is missing of any any more."""
        names = dict.fromkeys(board.gone)
        for name in board.gone:
            self._far_rows.pop(name, None)
            self._far_alerts.pop(name, None)
        for row in board.rows:
            self._far_rows[row.call_id] = row
            names[row.call_id] = None
        for alert in board.alerts:
            self._far_alerts.setdefault(alert.call_id, {})[alert.id] = alert
            names[alert.call_id] = None
        self._tell(self._look([*names], _News()), own=False)
        if whole and not self._far_whole:
            self._far_whole = True
            for socket in tuple(self._screens):
                self.go_on(socket)

    def become_whole(self) -> None:
        self.whole = True
        calls = dict.fromkeys(key.call_id for key in self._live.live(self.tenant))
        for socket, screen in tuple(self._screens.items()):
            if screen.own:
                screen.owed.update(calls)
                self.go_on(socket)

    def announce_again(self, agent: str) -> None:
        """The calls of an agent at other workers have changed."""
        for name in {agent, ""}:
            self._announce(name, self._sidebars.get(name, ()))

    def leave(self, socket: Outlet) -> None:
        agent = self._agents.pop(socket, None)
        if agent is not None:
            del self._sidebars[agent][socket]
            if not self._sidebars[agent]:
                del self._sidebars[agent]
        screen = self._screens.pop(socket, None)
        if screen is not None and not screen.own and all(other.own for other in self._screens.values()):
            self._others.show_board(self.tenant, False)
            self._far_rows.clear()
            self._far_alerts.clear()
        if not self._screens:
            self._changed.clear()
            self._round.clear()
            self._news = _News()
            self._shown.clear()
            self._alerted.clear()

    def go_on(self, socket: Outlet) -> None:
        """Send a supervisor the rows that it is owed, as far as there is room."""
        screen = self._screens.get(socket)
        while (
            screen is not None
            and (screen.owed or screen.whole)
            and (self.whole if screen.own else self._far_whole)
            and socket.unsent < ROOM
        ):
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

    def _announce(self, agent: str, sockets: Collection[Outlet]) -> None:
        """Tell the live calls of an agent; with no name, those of everyone."""
        if not sockets:
            return
        here, there = self._going(agent), self._others.going(self.tenant, agent)
        newest = heapq.merge(here, there, key=lambda going: -going.began_at)
        calls = tuple(going.summary for going in islice(newest, CALLS_TOLD))
        frame = framed(encode(Calls(calls=calls)))
        for socket in tuple(sockets):
            socket.send_framed(frame, key=("calls",))

    def _going(self, agent: str) -> Iterator[Going]:
        for key in self._live.live(self.tenant, agent):
            yield Going(self._live.began_at(key), summary(self._live, key))

    def _begin_round(self) -> None:
        self._round, self._changed = self._changed, {}
        self._go_round()

    def _go_round(self) -> None:
        self._look(_taken(self._round, ROWS_AT_ONCE), self._news)
        if not self._round or len(self._news.rows) >= ROWS_A_FRAME:
            news, self._news = self._news, _News()
            self._tell(news)
        if self._round:
            self._timer = self._loop.call_soon(self._go_round)
        elif self._changed:
            self._timer = self._loop.call_later(BOARD_SECONDS, self._begin_round)
        else:
            self._timer = None

    def _look(self, names: list[str], news: _News) -> _News:
        """Add what is other in these calls than it was told."""
        for name in names:
            now, before = self._alerts(name), self._alerted.pop(name, ())
            if now:
                self._alerted[name] = now
            news.alerts.extend(alert for alert in now if alert not in before)
            row = self._row(name)
            if row is None:
                self._shown.pop(name, None)
                news.gone.append(name)
            elif name not in self._shown or _timeless(row) != _timeless(self._shown[name]):
                self._shown[name] = news.rows[name] = row
        return news

    def _tell(self, news: _News, own: bool = True) -> None:
        rows, gone, alerts = news.rows, news.gone, news.alerts
        if not rows and not gone and not alerts:
            return
        shared: bytes | None = None
        for socket, screen in tuple(self._screens.items()):
            if screen.own and not own:
                continue
            if screen.owed or screen.whole or socket.unsent >= ROOM:
                screen.owed.update(dict.fromkeys((*rows, *gone, *(alert.call_id for alert in alerts))))
                self.go_on(socket)
            else:
                if shared is None:
                    shared = framed(encode(Board(rows=tuple(rows.values()), gone=tuple(gone), alerts=tuple(alerts))))
                socket.send_framed(shared)

    def _alerts(self, name: str) -> tuple[Alert, ...]:
        key = CallKey(self.tenant, name)
        if self._live.has(key):
            return tuple(self._live.call(key).told.alerts.values())
        return tuple(self._far_alerts.get(name, {}).values())

    def _row(self, name: str) -> BoardRow | None:
        key = CallKey(self.tenant, name)
        if not self._live.has(key):
            return self._far_rows.get(name)
        call = self._live.call(key)
        return self._live.row(key) if call.started and not call.ended else None


def summary(live: LiveCalls, key: CallKey) -> CallSummary:
    """An opened call as agents are told of it."""
    call = live.call(key)
    return CallSummary(
        call_id=key.call_id,
        agent=call.agent,
        queue=call.queue,
        customer=call.customer,
        channel=call.channel,
        started_at=call.started_at,
    )


def _taken(names: dict[str, None], most: int) -> list[str]:
    """The first names, taken out."""
    taken = list(islice(names, most))
    for name in taken:
        del names[name]
    return taken


def _timeless(row: BoardRow) -> BoardRow:
    """The row without what changes just because time passes, which a screen can tell by itself."""
    return replace(row, clock_ms=0, spark=(), red_ms=0)
