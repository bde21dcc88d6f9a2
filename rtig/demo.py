"""The demo: a server of its own on which the sample calls are played for ever, several at once, each at its own desk.

The calls come in over the same WebSocket as anybody's. Tokens are made up at each start and live as long as it does.
"""

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import Callable, Collection, Iterator
from itertools import cycle
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from rtig import app, knowledge
from rtig.client import Source
from rtig.config import Settings
from rtig.core import engine
from rtig.core.events import CallEnded, key
from rtig.core.guidance import Card, Mood
from rtig.core.playbook import Playbook
from rtig.errors import MessageRefused, WorldError
from rtig.eventlog.memory import MemoryLog
from rtig.script import Script, perform
from rtig.wire.messages import Role
from rtig.wire.session import ROLES

STAGGER_SECONDS = 1.0
BETWEEN_CALLS_SECONDS = 4.0
GOODBYE_SECONDS = 2.0
KEPT_SECONDS = 1800
"""How long a call of a demo that keeps nothing on disk stays to be looked at."""


class Ready(Struct, frozen=True, kw_only=True, tag="ready", tag_field="type"):
    """Where to look. Each address carries the token that opens it, behind `#`, which browsers do not send."""

    agent: str
    board: str
    author: str
    source: str
    """The server's WebSocket, for sources of one's own."""
    source_token: str


async def run(
    folder: Path,
    announce: Callable[[Ready], None],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    desks: int = 5,
    speed: float = 1.0,
    log: Path | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Play until SIGINT or SIGTERM comes, or `stop` is set. `port` None takes the usual one, or any that is free.

    Raises `PlaybookErrors`, and `WorldError` where the port or the log cannot be had or the server fails.
    """
    base = knowledge.read(folder)
    if not base.calls:
        raise WorldError(f"{folder} has no sample calls to play.")
    playbook = knowledge.compiled(base.source)
    calls = soonest_first(playbook, base.calls.values())
    stop = stop or asyncio.Event()
    with _stopped_by_signals(stop):
        async with contextlib.AsyncExitStack() as stack:
            keys: dict[Role, str] = {role: secrets.token_urlsafe(18) for role in ROLES}
            server = await _served(stack, folder, playbook, host, port, log, keys)
            announce(_ready(server, keys))
            source = await stack.enter_async_context(Source(server.socket_url, keys["source"], "demo"))
            on_line: dict[str, float] = {}
            waiting = cycle(calls)
            players = [
                asyncio.create_task(
                    _play_for_ever(source, f"desk-{desk + 1}", desk * STAGGER_SECONDS, waiting, speed, on_line)
                )
                for desk in range(desks)
            ]
            sweeping = asyncio.create_task(_forget_old_calls(server.log if log is None else None))
            ends = [asyncio.create_task(event.wait()) for event in (stop, server.ended)]
            try:
                done, _ = await asyncio.wait([*ends, *players, sweeping], return_when=asyncio.FIRST_COMPLETED)
                for task in done.difference(ends):
                    await task
                if server.ended.is_set():
                    raise WorldError("The server stopped by itself; the lines before this say why.")
            finally:
                await _ended(*players, sweeping, *ends)
                await _hang_up(source, on_line)


def soonest_first(playbook: Playbook, calls: Collection[Script]) -> list[Script]:
    """The calls in the order in which they bring their first card, so that a fresh screen soon has something on it.

    Second comes the call that heats up soonest, so that the board soon has something to sort.
    """
    seen = {script.id: _first_seen(playbook, script) for script in calls}
    order = sorted(calls, key=lambda script: seen[script.id].card_ms)
    if len(order) > 1:
        hottest = min(order[1:], key=lambda script: seen[script.id].rise_ms)
        order.remove(hottest)
        order.insert(1, hottest)
    return order


class _FirstSeen(NamedTuple):
    """When a call brings its first card, and when the customer first is more than calm; in ms of its playing."""

    card_ms: float
    rise_ms: float


def _first_seen(playbook: Playbook, script: Script) -> _FirstSeen:
    scheduled = perform(script)
    arrived = {key(s.event): s.at_ms for s in scheduled}
    now, card_ms, rise_ms = 0, inf, inf
    for folded in engine.rehearse(playbook, script.id, [s.event for s in scheduled]):
        now = max(now, arrived.get(key(folded.event), 0))
        for item in folded.guidance:
            if isinstance(item, Card):
                card_ms = min(card_ms, now)
            elif isinstance(item, Mood) and item.band != "calm":
                rise_ms = min(rise_ms, now)
    return _FirstSeen(card_ms, rise_ms)


async def _served(
    stack: contextlib.AsyncExitStack,
    folder: Path,
    playbook: Playbook,
    host: str,
    port: int | None,
    log: Path | None,
    keys: dict[Role, str],
) -> app.Server:
    """A server on the port asked for; where none was asked for, on another one if the usual one is taken."""
    given: dict[str, Any] = {
        "host": host,
        "port": Settings.model_fields["port"].default if port is None else port,
        "knowledge_base": folder,
        "log": "memory" if log is None else str(log),
        "tokens_file": None,
        **{f"{role}_token": key for role, key in keys.items()},
    }
    try:
        return await stack.enter_async_context(app.running(Settings(**given), playbook))
    except WorldError:
        if port is not None:
            raise
    return await stack.enter_async_context(app.running(Settings(**{**given, "port": 0}), playbook))


def _ready(server: app.Server, keys: dict[Role, str]) -> Ready:
    return Ready(
        agent=f"{server.url}/agent#key={keys['agent']}&agent=desk-1",
        board=f"{server.url}/board#key={keys['supervisor']}",
        author=f"{server.url}/author#key={keys['author']}",
        source=server.socket_url,
        source_token=keys["source"],
    )


async def _play_for_ever(
    source: Source, desk: str, delay: float, waiting: Iterator[Script], speed: float, on_line: dict[str, float]
) -> None:
    """One desk, which takes the next call that waits. `on_line` holds when a call began, while it is going on."""
    await asyncio.sleep(delay / speed)
    for script in waiting:
        call_id = f"{script.id}.{secrets.token_hex(3)}"
        on_line[call_id] = time.monotonic()
        began = on_line[call_id]
        for at_ms, event in perform(script, call_id, agent=desk, started_at=int(time.time() * 1000)):
            await asyncio.sleep(max(0.0, began + at_ms / 1000 / speed - time.monotonic()))
            await source.send(event)
        del on_line[call_id]
        await asyncio.sleep(BETWEEN_CALLS_SECONDS / speed)


async def _hang_up(source: Source, on_line: dict[str, float]) -> None:
    """End the calls that are going on: a log on disk would take them for live at the next start."""
    with contextlib.suppress(WorldError, MessageRefused, TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            for call_id, began in on_line.items():
                at_ms = int((time.monotonic() - began) * 1000)
                await source.send(CallEnded(call_id=call_id, at_ms=at_ms, reason="abandoned"))
            await source.drained()


async def _forget_old_calls(log: object) -> None:
    while True:
        await asyncio.sleep(KEPT_SECONDS / 2)
        if isinstance(log, MemoryLog):
            await log.expire(int((time.time() - KEPT_SECONDS) * 1000))


async def _ended(*tasks: asyncio.Task[None] | asyncio.Task[bool]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for signum in signals:
        loop.add_signal_handler(signum, stop.set)
    try:
        yield
    finally:
        for signum in signals:
            loop.remove_signal_handler(signum)
