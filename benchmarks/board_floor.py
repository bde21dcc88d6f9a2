"""A floor that the board is shown: rows, alerts, calls that end and others that begin, at a set rate and from a seed.

Served as the gateway serves them: its pages, its sockets, its messages, as many rows a frame. Only the calls are made
up, so that the board gets what is asked for however busy the machine is with folding. `python -m benchmarks.board_floor
CALLS RATE SEED` prints its address and goes on until it is ended.
"""

import asyncio
import random
import socket
import sys
from collections import deque
from typing import Any

import uvicorn
import uvloop

from rtig.core import frustration
from rtig.core.frustration import BANDS, CURVE_POINTS, Temper
from rtig.core.guidance import Alert, Band, BoardRow, Why
from rtig.gateway.doors import Doors
from rtig.gateway.floor import ROWS_A_FRAME
from rtig.gateway.metrics import Metrics
from rtig.gateway.pages import pages
from rtig.gateway.socket import Socket, Visitor, uvicorn_ws
from rtig.gateway.watching import ROOM
from rtig.wire.messages import PROTOCOL, Board, Hello, Limits, WatchBoard, Welcome, decode, encode

TEMPER = Temper()
SHORTEST_CALL, LONGEST_CALL = 60.0, 600.0
REMARKS_A_SECOND = 0.03
"""Things said that wear patience: of a thousand calls some ninety are critical then, and 240 alerts open."""
WAVER = 0.01
"""By how much at most an update moves a score up or down besides, so that each of them changes its row."""
SPARK_SECONDS = 10.0
REASONS = (
    "has been in touch before",
    "wants to speak to a manager",
    "had to say it again",
    "waited 41 s in silence",
    "feels their time is wasted",
    "threatens to leave",
)


class Caller:
    """One call: its patience wears and comes back as the fold has it."""

    def __init__(self, number: int, rng: random.Random, *, going_on: bool) -> None:
        self.call_id = f"call-{number}"
        self._rng = rng
        self._desk = f"desk-{number % 1200}"
        self._queue = rng.choice(("billing", "faults", "moving home", "sales", "deliveries", "contracts"))
        self._clock = self._score = self._red = 0.0
        self._ends = rng.uniform(SHORTEST_CALL, LONGEST_CALL)
        if going_on:  # of the calls that go on at a moment, more are long ones
            self._ends = rng.uniform(SHORTEST_CALL**2, LONGEST_CALL**2) ** 0.5
        self._band: Band = "calm"
        self._reason = rng.choice(REASONS)
        self._spark = deque([0.0], maxlen=CURVE_POINTS)
        self.alert: Alert | None = None
        # What was before the board came is lived through, so that the mix of moods is the same from first to last.
        before = rng.uniform(0.0, self._ends) if going_on else 0.0
        while self._clock < before:
            self.goes_on(1.0)

    @property
    def over(self) -> bool:
        return self._clock >= self._ends

    def goes_on(self, seconds: float) -> Alert | None:
        """Let time pass; the alert where it has another state."""
        rng = self._rng
        before, self._clock = self._clock, self._clock + seconds
        self._score *= 0.5 ** (seconds * 1000 / TEMPER.half_life_ms)
        self._score = max(0.0, self._score + rng.uniform(-WAVER, WAVER))
        if rng.random() < REMARKS_A_SECOND * seconds:
            self._score += (1 - self._score) * rng.uniform(0.05, 0.5)
            self._reason = rng.choice(REASONS)
        self._band = frustration.settled_band(TEMPER, self._band, self._score)
        if self._band in BANDS[2:]:
            self._red += seconds
        if before // SPARK_SECONDS != self._clock // SPARK_SECONDS:
            self._spark.append(round(self._score, 3))
        return self._alerted()

    def row(self) -> BoardRow:
        return BoardRow(
            call_id=self.call_id,
            agent=self._desk,
            queue=self._queue,
            customer=f"account-{self.call_id}",
            channel="voice",
            started_at=0,
            clock_ms=round(self._clock * 1000),
            score=round(self._score, 3),
            band=self._band,
            risk=round(self._score / 2, 3),
            reading="words and model",
            reason=self._reason if self._band != "calm" else "",
            spark=tuple(self._spark),
            red_ms=round(self._red * 1000),
            cards=2,
        )

    def _alerted(self) -> Alert | None:
        known = self.alert
        now_ms = round(self._clock * 1000)
        if self._band == "critical" and (known is None or known.state == "resolved"):
            self.alert = self._told("open", now_ms, 1 if known is None else known.raised + 1)
        elif self._band in BANDS[:2] and known is not None and known.state == "open":
            self.alert = self._told("resolved", now_ms, known.raised)
        return self.alert if self.alert is not known else None

    def _told(self, state: Any, now_ms: int, raised: int) -> Alert:
        return Alert(
            call_id=self.call_id,
            id="breaking",
            state=state,
            title="The customer is at breaking point",
            level="critical",
            raised=raised,
            raised_ms=now_ms,
            at_ms=now_ms,
            why=Why(rule="breaking", playbook="benchmark", condition="the customer became critical"),
            reason="calmed" if state == "resolved" else "",
            cause=1,
        )


class Stream:
    """All calls to one board, each `rate` times a second, in frames like those of the gateway's floor."""

    def __init__(self, calls: int, rate: float, seed: int) -> None:
        self._rng = random.Random(seed)
        self._period = 1 / rate
        self._number = calls
        self._callers = [Caller(number, self._rng, going_on=True) for number in range(calls)]
        self._task: asyncio.Task[None] | None = None
        self._owed = {caller.call_id: caller for caller in self._callers}
        self._gone: list[str] = []
        self._alerts = {caller.call_id: caller.alert for caller in self._callers if caller.alert is not None}
        self._whole = True

    def opened(self, socket: Socket, visitor: Visitor) -> None:
        self._socket = socket

    def text(self, frame: bytes, received_ns: int) -> None:
        match decode(frame):
            case Hello():
                limits = Limits(message_bytes=65536, messages_per_second=100, segments_per_call=1000)
                welcome = Welcome(
                    protocol=PROTOCOL, role="supervisor", tenant="default", epoch=1, server="benchmark",
                    playbook="benchmark", ping_interval=30, limits=limits, formats=("rtig",), lane="on",
                )  # fmt: skip
                self._socket.send(encode(welcome))
            case WatchBoard():
                self._task = asyncio.ensure_future(self._pass())

    async def _pass(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._go_on()
            due += self._period
            await asyncio.sleep(due - loop.time())
            for place, caller in enumerate(self._callers):
                if caller.over:
                    self._gone.append(caller.call_id)
                    self._owed.pop(caller.call_id, None)
                    caller = self._callers[place] = Caller(self._number, self._rng, going_on=False)
                    self._number += 1
                self._owed[caller.call_id] = caller
                alert = caller.goes_on(self._period)
                if alert is not None:
                    self._alerts[caller.call_id] = alert

    def _go_on(self) -> None:
        """Tell what is owed, as far as there is room: a page that lags gets fewer updates and never a stale one."""
        while self._owed and self._socket.unsent < ROOM:
            names = list(self._owed)[:ROWS_A_FRAME]
            rows = tuple(self._owed.pop(name).row() for name in names)
            alerts = tuple(self._alerts.pop(name) for name in names if name in self._alerts)
            gone, self._gone = tuple(self._gone), []
            more = bool(self._owed)
            self._socket.send(encode(Board(rows=rows, gone=gone, alerts=alerts, whole=self._whole, more=more)))
            self._whole = False

    def binary(self, frame: bytes) -> None:
        pass

    def drained(self) -> None:
        if self._task is not None:
            self._go_on()

    def closed(self) -> None:
        if self._task is not None:
            self._task.cancel()


async def _serve(calls: int, rate: float, seed: int) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        pages(Doors(), Metrics(), list),
        ws=uvicorn_ws(lambda: Stream(calls, rate, seed), lambda visitor: None),
        http="h11",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
