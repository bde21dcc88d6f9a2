"""The composition root: opens the log and the port that the settings name, and puts one server together."""

import asyncio
import contextlib
import gc
import logging
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import structlog
import uvicorn
import uvloop
from pydantic import SecretStr
from starlette.applications import Starlette

from rtig import knowledge
from rtig.collecting import Broom
from rtig.config import Settings
from rtig.core.playbook import Playbook
from rtig.core.slots import filled
from rtig.errors import LogUnavailable, MessageRefused, PlaybookErrors, WorldError
from rtig.eventlog import split
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import EventLog
from rtig.eventlog.sqlite import SqliteLog
from rtig.gateway.admission import Admission
from rtig.gateway.author import author_routes
from rtig.gateway.desk import Desk, Terms
from rtig.gateway.doors import DEFAULT_TENANT, Doors, Token, digest_of, read_tokens
from rtig.gateway.metrics import READING, Metrics
from rtig.gateway.pages import WEB, pages
from rtig.gateway.pulse import Pulse
from rtig.gateway.socket import SocketLimits, uvicorn_ws
from rtig.gateway.visit import Visit
from rtig.gateway.webhook import Webhook
from rtig.ingest.formats import FORMATS
from rtig.knowledge.library import Hit, Library, merged
from rtig.knowledge.watch import Signature, changes, let_go_slowly, signature
from rtig.lane.worker import Lane
from rtig.learning import lesson
from rtig.live import LiveCalls
from rtig.wire.messages import FoundArticle, LaneState, Role
from rtig.workers.colleagues import Colleagues, Place
from rtig.workers.http import carried_routes
from rtig.workers.lane import LaneThere
from rtig.workers.parent import Work, Workers
from rtig.workers.recordings import Recordings
from rtig.workers.routing import owner_of
from rtig.workshop.bench import Bench

TIDY_EVERY_SECONDS = 600.0
SWITCH_SECONDS = 0.0005
BACKLOG = 2048
NEAR_ENOUGH = 0.25
"""An article that is less near in meaning than this (cosine) is about something else."""
REST = 1.0
"""How much a thread that indexes articles rests beside the loop."""
LAST_REQUESTS_SECONDS = 3
"""How long answers under way may take when the server ends."""
_log = structlog.get_logger(__name__)


class Server:
    """A server that runs. `address` is where it listens, also where a free port was asked for."""

    def __init__(
        self, address: tuple[str, int], log: EventLog, live: LiveCalls, desk: Desk, lane: Lane | None = None
    ) -> None:
        self.address = address
        self.log = log
        self.live = live
        self.desk = desk
        self.lane = lane
        self.ended = asyncio.Event()
        """Set when the server has stopped by itself, which it does only on an error."""

    @property
    def url(self) -> str:
        """Of the pages; sources and screens connect to the same with `ws` for `http` and the path `/ws`."""
        return url_of(self.address)

    @property
    def socket_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}/ws"


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    playbook: Playbook,
    *,
    log: EventLog | None = None,
    web: Path = WEB,
    seen: Signature | None = None,
    place: Place | None = None,
) -> AsyncIterator[Server]:
    """Serve until the block ends; then drain: nobody new, everything durable, everyone sent elsewhere.

    A `log` that is given is used instead of the one that the settings name, and is left open. Calls that were live when
    the log was last closed go on; they are folded again while others are served already. `seen` is the knowledge base's
    signature from before the playbook was read, by default as it is now. With a `place` this is one of several workers.
    Raises `WorldError` where the port or the log cannot be had, and `ValueError` for a tokens file that is wrong.
    """
    seen = signature(settings.knowledge_base) if seen is None else seen
    doors = _doors(settings, mark=f"{place.worker}." if place is not None else "")
    metrics = Metrics()
    async with contextlib.AsyncExitStack() as stack:
        port = place.port if place is not None else None
        listener = stack.enter_context(contextlib.closing(port or _listen(settings.host, settings.port)))
        if log is None:
            log = await open_log(settings)
            stack.push_async_callback(log.close)
        if isinstance(log, SqliteLog):
            sqlite = log
            metrics.log_commits = lambda: sqlite.commits
        live = LiveCalls(log, playbook, settings.budget_ms)
        stack.callback(live.close)
        librarian = _Librarian(Library(playbook))
        if settings.webhook_url is not None:
            webhook = Webhook(live, metrics, settings.webhook_url, settings.webhook_key, settings.webhook_words)
            stack.push_async_callback(webhook.close)
        most = settings.most_calls
        if most is not None and place is not None:
            most = -(-most // place.workers)
        admission = Admission(settings.budget_ms, most)
        desk = Desk(live, doors, metrics, FORMATS, _terms(settings), librarian=librarian, admission=admission)
        desk.recovering = True
        stack.push_async_callback(desk.close)
        aside: Callable[[], None] = _nothing
        if gc.get_freeze_count():  # the process is the server's own: see `tune_process`
            broom = Broom(live.count)
            stack.callback(broom.close)
            aside = broom.beat
        stack.callback(Pulse(admission, metrics, live.count, aside).close)
        colleagues: Colleagues | None = None
        if place is not None:
            colleagues = Colleagues(place, desk, log, _limits(settings))
            desk.others, desk.shares, desk.erased = colleagues, True, colleagues.erased
            stack.push_async_callback(colleagues.close)
        bench: Bench | None = None
        lane: Lane | None = None
        if desk.others.workshop is None:
            bench = _bench(settings, log if colleagues is None else Recordings(log, colleagues), playbook, desk)
            stack.push_async_callback(bench.close)
            if settings.meaning == "auto":
                bench.lane = librarian.lane = lane = _lane(settings, live, desk, metrics, colleagues)
                lane.learn(lesson(playbook))
                stack.push_async_callback(_cancelled, asyncio.create_task(lane.run()))
        elif colleagues is not None and settings.meaning == "auto":
            librarian.lane = _lane_there(live, desk, metrics, colleagues)
        server = Server(listener.getsockname()[:2], log, live, desk, lane)
        if settings.reload_seconds:
            following = asyncio.create_task(_follow_changes(settings, seen, live, metrics, librarian, bench, lane))
            stack.push_async_callback(_cancelled, following)
        tidying = asyncio.create_task(_tidy_now_and_then(live, settings))
        stack.push_async_callback(_cancelled, tidying)
        http = _Http(_http_config(settings, desk, bench, web, colleagues))
        serving = asyncio.create_task(http.serve([listener]))
        serving.add_done_callback(lambda _: server.ended.set())
        stack.push_async_callback(_stopped, http, serving)
        if colleagues is not None:
            await colleagues.start()
        stack.push_async_callback(_cancelled, asyncio.create_task(_recover(desk, colleagues)))
        await _either(http.up, server.ended)
        if server.ended.is_set():
            raise WorldError("The server could not be started; the lines before this say why.")
        stack.push_async_callback(desk.drain)
        told = {"url": server.url, "playbook": live.playbook.version, "epoch": live.epoch}
        if place is None:
            _log.info("serving", **told)
        else:
            _log.info("worker serving", **told, pid=os.getpid())
        del playbook  # another may come, and this one must not stay for the server's sake
        yield server


async def serve(settings: Settings) -> None:
    """Serve the knowledge base that the settings name until SIGTERM or SIGINT, then drain and return.

    Raises `PlaybookErrors`, and what `running` raises.
    """
    log_to_stderr(settings.log_level)
    seen = signature(settings.knowledge_base)
    playbook = await asyncio.to_thread(knowledge.compile_folder, settings.knowledge_base)
    let_go_slowly(playbook)
    tune_process()
    if settings.log != "memory":
        await asyncio.to_thread(_settle, settings)
    stop = asyncio.Event()
    with _told_to_end(stop.set):
        served = running(settings, playbook, seen=seen)
        del playbook
        async with served as server:
            await _until(stop, server)
    _log.info("stopped")


def serve_workers(settings: Settings) -> None:
    """The same with several processes, `settings.workers` of them; no event loop may run here."""
    log_to_stderr(settings.log_level)
    seen = signature(settings.knowledge_base)
    playbook = knowledge.compile_folder(settings.knowledge_base)
    let_go_slowly(playbook)
    _doors(settings)  # what is wrong with the tokens is known before anything is begun
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(contextlib.closing(port)) for port in _listen_shared(settings)]
        if settings.log != "memory":
            _settle(settings)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rtig-")))
        places = []
        for number, port in enumerate(ports):
            place = Place(number, settings.workers, folder, port=port)
            links = stack.enter_context(contextlib.closing(_listen_for_workers(place.address(number))))
            places.append(place._replace(links=links))
        tune_process()

        def work(work: Work) -> None:
            for place in places:
                if place.worker != work.number:
                    place.close()
            random.seed()
            structlog.contextvars.bind_contextvars(worker=work.number + 1)
            uvloop.run(_serve_worker(settings, playbook, seen, places[work.number], work))

        def serving() -> None:
            url = url_of(ports[0].getsockname()[:2])
            _log.info("serving", url=url, playbook=playbook.version, workers=settings.workers)

        Workers(settings.workers, work, serving).run()
    _log.info("stopped")


async def _serve_worker(settings: Settings, playbook: Playbook, seen: Signature, place: Place, work: Work) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def orphaned() -> None:
        loop.remove_reader(work.parent)
        stop.set()

    loop.add_reader(work.parent, orphaned)
    log = await open_log(settings, place.worker)
    try:
        with _told_to_end(stop.set):
            served = running(settings, playbook, log=log, seen=seen, place=place)
            del playbook
            async with served as server:
                work.up()
                await _until(stop, server)
    finally:
        loop.remove_reader(work.parent)
        await log.close()


async def _until(stop: asyncio.Event, server: Server) -> None:
    await _either(stop, server.ended)
    if server.ended.is_set():
        raise WorldError("The server stopped by itself; the lines before this say why.")
    _log.info("draining")


@contextlib.contextmanager
def _told_to_end(end: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, end)
    try:
        yield
    finally:
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(signum)


def tune_process() -> None:
    """Set the interpreter up for short pauses; call it once a playbook is compiled, and before `running`."""
    # A full collection that walks a compiled playbook stops the loop for 50 ms and more; what is frozen is not walked.
    gc.collect()
    gc.freeze()
    # Twice as often as Python does, and frozen (`collecting`) after the third time: the same work, in pieces of at most
    # 3 ms. With 700 and 5, pieces of 7 ms were the longest turns of a server with 300 calls.
    gc.set_threshold(350, 1, 60)
    # The log's threads hold the interpreter for as long as this; with Python's 5 ms they are the tail of every figure.
    sys.setswitchinterval(SWITCH_SECONDS)


async def open_log(settings: Settings, worker: int = 0) -> EventLog:
    """The log that the settings name, of one worker. Raises `LogUnavailable`."""
    if settings.log == "memory":
        return MemoryLog()
    return await SqliteLog.open_file(split.file_of(Path(settings.log), worker))


def _settle(settings: Settings) -> None:
    """Have every call in the log of the worker that it belongs to now."""

    def progress(done: int, of: int) -> None:
        _log.info("calls find their workers", done=done, of=of)

    workers = settings.workers
    split.settle(Path(settings.log), workers, lambda call: owner_of(*call, workers), progress)


def log_to_stderr(level: str) -> None:
    """One line an event: coloured on a terminal, JSON elsewhere. Never a word of a customer."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks without the values of variables, among which there may be what a customer said.
    if sys.stderr.isatty():
        plain = structlog.dev.plain_traceback
        render: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    else:
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        render = [structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()]
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # A line in one write: workers share what they write to.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    # Of other people's libraries, warnings only: at debug level some write what they carry.
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[handler], force=True)


def url_of(address: tuple[str, int]) -> str:
    host, port = address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Http(uvicorn.Server):
    """uvicorn, without its signal handlers, and told to stop by an event and not by being asked ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self.stop = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter) and not self.stop.is_set():
            counter += 10  # uvicorn's ticks are tenths of a second; it keeps its Date header in them
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.stop.wait()


def _http_config(
    settings: Settings, desk: Desk, bench: Bench | None, web: Path, colleagues: Colleagues | None
) -> uvicorn.Config:
    brief = desk.brief if colleagues is None else colleagues.brief
    whole = None if colleagues is None else colleagues.whole
    authors = []
    if bench is not None:
        authors = author_routes(desk.doors, desk.metrics, bench)
        if colleagues is not None:
            colleagues.app = Starlette(routes=authors)
    elif colleagues is not None:
        authors = carried_routes("/api/author", desk.metrics, colleagues.carry)
    return uvicorn.Config(
        pages(desk.doors, desk.metrics, desk.ready, web, brief, authors, whole),
        http="h11",
        ws=uvicorn_ws(lambda: Visit(desk), desk.admit, _limits(settings)),
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
    )


def _limits(settings: Settings) -> SocketLimits:
    return SocketLimits(
        message_bytes=settings.message_bytes,
        outbox_bytes=settings.outbox_bytes,
        outbox_seconds=settings.outbox_seconds,
        ping_seconds=settings.ping_interval,
    )


def _terms(settings: Settings) -> Terms:
    return Terms(
        message_bytes=settings.message_bytes,
        source_rate=settings.source_messages_per_second,
        other_rate=settings.other_messages_per_second,
        ping_seconds=settings.ping_interval,
        phone_regions=settings.phone_regions,
    )


def _doors(settings: Settings, mark: str = "") -> Doors:
    """Raises `ValueError` for a tokens file that is wrong."""
    operator = settings.operator_token
    return Doors(
        _tokens(settings),
        settings.allowed_origins,
        digest_of(operator.get_secret_value()) if operator is not None else None,
        mark,
    )


def _tokens(settings: Settings) -> list[Token]:
    tokens = read_tokens(settings.tokens_file) if settings.tokens_file is not None else []
    secrets: dict[Role, SecretStr | None] = {
        "source": settings.source_token,
        "agent": settings.agent_token,
        "supervisor": settings.supervisor_token,
        "author": settings.author_token,
    }
    for role, secret in secrets.items():
        if secret is not None:
            tokens.append(Token(DEFAULT_TENANT, role, digest_of(secret.get_secret_value())))
    return tokens


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> WorldError:
    return WorldError(f"Cannot listen on {host} port {port}: {error.strerror or error}.")


def _listen_shared(settings: Settings) -> list[socket.socket]:
    """What each worker listens on: sockets of one port, among which the system shares out those who connect."""
    first = _listen(settings.host, settings.port)  # fails where anybody listens there already, also one of us
    if sys.platform != "linux":
        # Elsewhere the system does not share them out: all workers take from one queue.
        return [first, *(first.dup() for _ in range(settings.workers - 1))]
    address = first.getsockname()
    first.close()
    try:
        return [
            socket.create_server(address[:2], family=first.family, backlog=BACKLOG, reuse_port=True)
            for _ in range(settings.workers)
        ]
    except OSError as error:
        raise _cannot_listen(address[0], address[1], error) from error


def _listen_for_workers(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


class _Librarian:
    """Finds articles for the people at their desks: by words, and by meaning while the lane is on."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.lane: Lane | LaneThere | None = None

    async def find(self, query: str, most: int) -> tuple[tuple[FoundArticle, ...], bool]:
        library = self.library
        by_words = library.find(query, most * 2)
        by_meaning = await self.lane.find(query, most * 2) if self.lane is not None and query.strip() else ()
        known = [(name, near) for name, near in by_meaning if name in library.articles and near >= NEAR_ENOUGH]
        return tuple(_found(library, hit) for hit in merged(by_words, known, most)), bool(by_meaning)


def _found(library: Library, hit: Hit) -> FoundArticle:
    rule = library.articles[hit.id]
    say = filled(rule.say, {})  # what a call has in its slots is not for a search, which is of no call
    return FoundArticle(
        id=rule.id,
        title=rule.title,
        say=rule.say_without if say is None else say,
        body=rule.body,
        steps=tuple(step.text for step in rule.steps),
        score=hit.score,
    )


def _bench(settings: Settings, log: EventLog | Recordings, playbook: Playbook, desk: Desk) -> Bench:
    """What authors work at."""
    bench = Bench(
        log,
        playbook,
        settings.knowledge_base,
        desk.tell_authors,
        draft=settings.draft,
        follows=settings.reload_seconds > 0,
        weights=str(settings.encoder or ""),
        sha256=settings.encoder_sha256 or "",
        device=settings.encoder_device,
    )
    desk.greeting, desk.erased = bench.greeting, bench.erased
    return bench


def _lane(settings: Settings, live: LiveCalls, desk: Desk, metrics: Metrics, colleagues: Colleagues | None) -> Lane:
    """The model lane: what the calls have unread goes in, readings come back as events of the calls."""

    def became(state: LaneState) -> None:
        desk.tell_lane(state)
        if colleagues is not None:
            colleagues.lane_became(state)
        if state == "on":
            live.ask_again()

    lane = Lane(
        live.take_reading if colleagues is None else colleagues.read,
        became,
        lambda ns: metrics.took(READING, ns),
        weights=str(settings.encoder or ""),
        sha256=settings.encoder_sha256 or "",
        device=settings.encoder_device,
        deadline_seconds=settings.reading_seconds,
    )
    live.ask = lane.ask
    metrics.lane_state = lambda: lane.state
    metrics.lane_counts = lambda: {"read": lane.counts.read, "shed": lane.counts.shed}
    metrics.lane_restarts = lambda: lane.counts.restarts
    if colleagues is not None:
        colleagues.lane = lane
    return lane


def _lane_there(live: LiveCalls, desk: Desk, metrics: Metrics, colleagues: Colleagues) -> LaneThere:
    def became(state: LaneState) -> None:
        desk.tell_lane(state)
        if state == "on":
            live.ask_again()

    lane = colleagues.share_lane(became)
    live.ask = lane.ask
    metrics.lane_state = lambda: lane.state
    return lane


async def _follow_changes(
    settings: Settings,
    seen: Signature,
    live: LiveCalls,
    metrics: Metrics,
    librarian: _Librarian,
    bench: Bench | None,
    lane: Lane | None,
) -> None:
    """Fold with the knowledge base as it is written; one with a mistake never replaces a good one."""
    async for found in changes(settings.knowledge_base, settings.reload_seconds, seen):
        if isinstance(found, PlaybookErrors):
            metrics.playbook_errors = len(found.errors)
            for error in found.errors:
                _log.warning("playbook kept", problem=str(error))
        else:
            metrics.playbook_errors = 0
            librarian.library = await asyncio.to_thread(Library, found, REST)
            await live.change_playbook(found)
            if lane is not None:
                lane.learn(lesson(found))
            _log.info("playbook changed", playbook=found.version)
        if bench is not None:
            bench.changed(found)


async def _recover(desk: Desk, colleagues: Colleagues | None) -> None:
    began = time.monotonic()
    try:
        recovered = await desk.live.recover()
    except LogUnavailable as error:
        _log.error("calls not recovered", problem=str(error))
    else:
        if recovered:
            _log.info("calls recovered", calls=recovered, seconds=round(time.monotonic() - began, 3))
    desk.recovered()
    if colleagues is not None:
        colleagues.recovered()


async def _tidy_now_and_then(live: LiveCalls, settings: Settings) -> None:
    """Erase the calls that are old, end those that were given up."""
    while True:
        now = time.time()
        try:
            # In this order: to be ended is an event too, and would make an old call a young one.
            expired = await live.expire(int((now - settings.retention_days * 86_400) * 1000))
            abandoned = await live.abandon(int((now - settings.abandon_hours * 3600) * 1000))
        except (LogUnavailable, MessageRefused) as error:
            _log.warning("calls not tidied", problem=str(error))
        else:
            if abandoned or expired:
                _log.info("calls tidied", abandoned=abandoned, expired=expired)
        await asyncio.sleep(TIDY_EVERY_SECONDS)


def _nothing() -> None:
    pass


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _stopped(http: _Http, serving: asyncio.Task[None]) -> None:
    http.stop.set()
    await asyncio.wait([serving])
