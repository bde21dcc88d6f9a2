"""Calls on their way through servers that do not last: what the tests of crashes share.

Real processes, a real log, `rtig.client.Source` on one side and a sidebar that resumes where it was on the other.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import msgspec
import samples
from msgspec.structs import replace
from ports import free_port
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from rtig.client import Source
from rtig.core import engine
from rtig.core.events import SegmentHeard, SourceEvent, key
from rtig.core.guidance import CallInfo, Card, Checklist, Guidance, Hint, Line, Mood, Whisper, Withheld
from rtig.core.playbook import Playbook
from rtig.core.redaction import redacted
from rtig.errors import Code
from rtig.eventlog import split
from rtig.eventlog.port import CallKey, Position, Recorded
from rtig.eventlog.sqlite import SqliteLog
from rtig.gateway.doors import DEFAULT_TENANT
from rtig.script import Scheduled, perform
from rtig.wire.messages import (
    SUBPROTOCOL,
    Briefed,
    Bye,
    Calls,
    CaughtUp,
    CourseIs,
    Guided,
    Hello,
    Place,
    Refused,
    StartOver,
    Watch,
    Welcome,
    decode_told,
    encode,
)

KNOWLEDGE = Path(__file__).parents[2] / "knowledge_base"
WINDOW = 64
SPEED = 40.0
STAYS_SECONDS, AWAY_SECONDS = 0.2, 0.15
"""A restless sidebar is connected, and gone, for so long at most."""
PATIENCE_SECONDS = 20.0


class Screen:
    """What a sidebar shows of one call, and the position up to which it has been told."""

    def __init__(self) -> None:
        self.position: Position | None = None
        self.shown: dict[tuple[str, ...], Guidance] = {}
        """Only the newest of each thing."""
        self.story: list[Guidance] = []
        """Everything that is never left out, as it came: all but lines and moods."""

    def put(self, position: Position, items: Iterable[Guidance]) -> None:
        """Raises `AssertionError` where the position goes back, or comes twice."""
        if self.position is not None:
            assert position.seq > self.position.seq
            assert position.epoch >= self.position.epoch
        self.position = position
        for item in items:
            match item:
                case Line(voided=True):
                    self.shown.pop(("line", item.segment_id), None)
                case Line():
                    self.shown["line", item.segment_id] = item
                case Mood():
                    self.shown[("mood",)] = item
                case CallInfo():
                    self.shown[("call",)] = item
                case Card() | Checklist() | Whisper() | Hint():
                    self.shown[type(item).__name__, item.id] = item
                case Withheld():
                    pass
            if not isinstance(item, Line | Mood):
                self.story.append(item)

    @property
    def ended(self) -> bool:
        info = self.shown.get(("call",))
        return isinstance(info, CallInfo) and info.state == "ended"


class Sidebar:
    """Watches every call that is announced, comes back when the connection is lost, and resumes each where it was.

    With `moods` it hangs up by itself now and then, and takes its time to come back.
    """

    def __init__(self, url: str, moods: random.Random | None, owed_is_known: bool = True) -> None:
        self.screens: dict[str, Screen] = {}
        self.offline = asyncio.Event()
        self.offline.set()
        self.owed: set[str] = set()
        """Calls of which this sidebar has seen what the log has lost: it must be told to start over, and only then."""
        self._owed_is_known = owed_is_known
        self.started_over = 0
        self.resumed = 0
        self.byes: list[Bye] = []
        self._url = url
        self._moods = moods
        self._asked: dict[str, bool] = {}
        """Calls that this connection asked for, and whether with a position that is still to be answered."""
        self._heard = asyncio.Condition()

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(
                    self._url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, max_queue=None
                ) as connection:
                    self.offline.clear()
                    try:
                        async with asyncio.timeout(self._moods.uniform(0.0, STAYS_SECONDS) if self._moods else None):
                            await self._sit(connection)
                    finally:
                        connection.transport.abort()
            self.offline.set()
            await asyncio.sleep(self._moods.uniform(0.0, AWAY_SECONDS) if self._moods else 0.02)

    async def until_all_ended(self, calls: int) -> None:
        async with self._heard:
            await self._heard.wait_for(
                lambda: len(self.screens) == calls and all(screen.ended for screen in self.screens.values())
            )

    async def _sit(self, connection: ClientConnection) -> None:
        self._asked.clear()
        await connection.send(encode(Hello(role="agent")).decode())
        async for frame in connection:
            await self._hear(connection, frame)
            async with self._heard:
                self._heard.notify_all()

    async def _hear(self, connection: ClientConnection, frame: str | bytes) -> None:
        match decode_told(frame):
            case Welcome():
                for call_id in self.screens:
                    await self._watch(connection, call_id)
            case Calls(calls=calls):
                for call in calls:
                    await self._watch(connection, call.call_id)
            case Refused(code=Code.UNKNOWN_CALL, call_id=call_id):
                # Not even its beginning had reached the disk; it is announced when it comes again.
                del self._asked[call_id]
            case StartOver(call_id=call_id):
                assert call_id in self.owed or not self._owed_is_known
                self.owed.discard(call_id)
                self.started_over += 1
                self._asked[call_id] = False
                self.screens[call_id] = Screen()
            case Guided(call_id=call_id) as told:
                self._resumes(call_id)
                self.screens[call_id].put(Position(told.epoch, told.seq), told.items)
            case CaughtUp(call_id=call_id):
                self._resumes(call_id)
            case Bye() as bye:
                self.byes.append(bye)
            case Briefed() | CourseIs():
                pass
            case other:
                raise AssertionError(other)

    async def _watch(self, connection: ClientConnection, call_id: str) -> None:
        if call_id not in self._asked:
            position = self.screens.setdefault(call_id, Screen()).position
            self._asked[call_id] = position is not None
            after = Place(*position) if position is not None else None
            await connection.send(encode(Watch(call_id=call_id, after=after)).decode())

    def _resumes(self, call_id: str) -> None:
        assert call_id not in self.owed
        self.resumed += self._asked[call_id]
        self._asked[call_id] = False


class Server:
    """`rtig serve` on one port and one log, started and ended any number of times."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.workers = workers
        self.log = folder / "calls.db"
        self.port = free_port()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._serving = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self.lines: list[dict[str, object]] = []
        self._heard = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def start(self) -> None:
        self._serving.clear()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RTIG_")}
        environment |= {"RTIG_PORT": str(self.port), "RTIG_LOG": str(self.log), "RTIG_KNOWLEDGE_BASE": str(KNOWLEDGE)}
        environment |= {"RTIG_OTHER_MESSAGES_PER_SECOND": "1000", "RTIG_MEANING": "off", "RTIG_BUDGET_MS": "0"}
        environment |= {"RTIG_WORKERS": str(self.workers)}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "rtig", "serve"),
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=environment,
        )
        self._reading = asyncio.create_task(self._read(self._process))

    async def serving(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._serving.wait()

    def worker(self, number: int) -> int:
        """The process id of a worker, counted from 1, that was the last to begin."""
        pids = [line["pid"] for line in self.lines if line["event"] == "worker serving" and line["worker"] == number]
        assert isinstance(pids[-1], int)
        return pids[-1]

    async def kill_worker(self, number: int) -> None:
        """Kill a worker, and wait until another serves in its place."""
        before = self.worker(number)
        os.kill(before, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_SECONDS), self._heard:
            await self._heard.wait_for(lambda: self.worker(number) != before)

    async def end(self, how: signal.Signals) -> int:
        """Send the signal and wait; the exit code."""
        assert self._process is not None
        assert self._reading is not None
        self._process.send_signal(how)
        code = await self._process.wait()
        await self._reading
        self._process = None
        return code

    async def aclose(self) -> None:
        if self._process is not None:
            await self.end(signal.SIGKILL)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.lines.append(msgspec.json.decode(line))
            if self.lines[-1]["event"] == "serving":
                self._serving.set()
            async with self._heard:
                self._heard.notify_all()


def calls_of(at_least: int) -> list[Scheduled]:
    """Sample calls, as many as make so many events, all going on at the same time, in the order of arrival."""
    calls: list[Scheduled] = []
    for script in samples.base().calls.values():
        if len(calls) < at_least and script.channel == "voice":
            calls += perform(script)
    return sorted(calls, key=lambda scheduled: scheduled.at_ms)


class Play:
    """Calls on their way through a server that does not last."""

    def __init__(self, folder: Path, calls: list[Scheduled], moods: random.Random | None) -> None:
        self.calls = calls
        self.ids = {scheduled.event.call_id for scheduled in calls}
        self.server = Server(folder)
        self.sidebar = Sidebar(self.server.url, moods)
        self.refused: list[str] = []
        self.source = Source(
            self.server.url, "", "one", window=WINDOW, first_delay=0.02, longest_delay=0.1,
            on_refused=lambda call_id, name, reason: self.refused.append(str(reason)),
        )  # fmt: skip
        self.sent = 0
        self.unacknowledged: list[int] = []
        """How many events were under way at each end of a server."""
        self._marks: dict[int, asyncio.Event] = {}

    async def until_sent(self, count: int) -> None:
        mark = self._marks.setdefault(count, asyncio.Event())
        if self.sent < count:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await mark.wait()

    async def end_server(self, how: signal.Signals) -> int:
        """The server's exit code, once what it left behind has been looked at."""
        acknowledged = self.sent - self.source.unacknowledged
        self.unacknowledged.append(self.source.unacknowledged)
        code = await self.server.end(how)
        await self.sidebar.offline.wait()
        log = await read(self.server.log, self.ids)
        assert sum(isinstance(one.event, SourceEvent) for call in log.values() for one in call) >= acknowledged
        self.sidebar.owed = {
            call_id
            for call_id, screen in self.sidebar.screens.items()
            if screen.position is not None and screen.position not in {(one.epoch, one.seq) for one in log[call_id]}
        }
        return code

    async def finish(self) -> None:
        """Let all calls end, and everyone know."""
        async with asyncio.timeout(PATIENCE_SECONDS + len(self.calls) / 200):
            await self.until_sent(len(self.calls))
            await self.source.drained()
            await self.sidebar.until_all_ended(len(self.ids))

    async def send_all(self) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        for scheduled in self.calls:
            await asyncio.sleep(max(0.0, began + scheduled.at_ms / 1000 / SPEED - clock()))
            await self.source.send(scheduled.event)
            self.sent += 1
            if mark := self._marks.get(self.sent):
                mark.set()


@contextlib.asynccontextmanager
async def playing(folder: Path, calls: list[Scheduled], moods: random.Random | None = None) -> AsyncIterator[Play]:
    """A server that serves, a sidebar that watches, and a source that has begun to send."""
    play = Play(folder, calls, moods)
    async with contextlib.aclosing(play.server), play.source, asyncio.TaskGroup() as tasks:
        await play.server.start()
        await play.server.serving()
        watching = tasks.create_task(play.sidebar.run())
        tasks.create_task(play.send_all())
        yield play
        watching.cancel()


async def read(path: Path, call_ids: Iterable[str]) -> dict[str, list[Recorded]]:
    """What the files of a log have of each call, all of them together."""
    found: dict[str, list[Recorded]] = {call_id: [] for call_id in call_ids}
    for file in split.files(path):
        log = await SqliteLog.open_file(file, read_only=True)
        try:
            for call_id, records in found.items():
                records += [one async for one in log.read(CallKey(DEFAULT_TENANT, call_id))]
        finally:
            await log.close()
    return found


def check_log(calls: list[Scheduled], log: dict[str, list[Recorded]]) -> None:
    """Everything that was sent is there once, as it was sent, and nothing else is there twice."""
    for call_id, records in log.items():
        assert [one.seq for one in records] == list(range(1, len(records) + 1))
        assert max(Counter(key(one.event) for one in records).values()) == 1
        sent = [redacted(scheduled.event)[0] for scheduled in calls if scheduled.event.call_id == call_id]
        kept = [one.event for one in records if isinstance(one.event, SourceEvent)]
        assert [replace(event, received=0) if isinstance(event, SegmentHeard) else event for event in kept] == sent


def check_screens(playbook: Playbook, screens: dict[str, Screen], log: dict[str, list[Recorded]]) -> None:
    """A sidebar that was there throughout shows what a replay of the log shows, and was told it in the same order."""
    for call_id, records in log.items():
        replayed = Screen()
        for folded in engine.replay(playbook, call_id, (one.event for one in records)):
            replayed.put(Position(0, folded.seq), folded.guidance)
        screen = screens[call_id]
        assert screen.shown == replayed.shown
        assert screen.story == replayed.story
        assert any(isinstance(item, Card) and item.state == "confirmed" for item in screen.shown.values())
