"""The demo, at many times real speed: it says where to look, something is to be seen there, and it ends quietly."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from folders import GOOD, KB, write
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from rtig import demo, knowledge
from rtig.core.guidance import Card
from rtig.demo import Ready
from rtig.errors import WorldError
from rtig.eventlog.sqlite import SqliteLog
from rtig.wire.messages import (
    SUBPROTOCOL,
    Board,
    Calls,
    Guided,
    Hello,
    ServerMessage,
    Watch,
    WatchBoard,
    Welcome,
    decode_told,
    encode,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two calls: one brings a card, one does not."""
    quiet = "id: quiet\ntitle: Q\nlines:\n  - agent: good morning this call is recorded\n  - customer: hello\n"
    return write(tmp_path / "kb", {**GOOD, "calls/a-quiet.yaml": quiet})


@pytest.fixture(autouse=True)
def _without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTIG_MEANING", "off")


@contextlib.asynccontextmanager
async def playing(folder: Path, **options: object) -> AsyncIterator[Ready]:
    """The demo as it runs; stopped at the end as Ctrl-C stops it."""
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    given: dict[str, Any] = {"port": 0, "speed": 40.0, "desks": 2, **options}
    task = asyncio.create_task(demo.run(folder, ready.set_result, stop=stop, **given))
    task.add_done_callback(lambda _: ready.cancel())
    try:
        await asyncio.wait([ready])
        if not ready.cancelled():
            yield ready.result()
    finally:
        stop.set()
        await task


async def told(address: str, hello: Hello, *more: WatchBoard) -> AsyncIterator[ServerMessage]:
    async with connect(address, subprotocols=[Subprotocol(SUBPROTOCOL)]) as client:
        await client.send(encode(hello).decode())
        for said in more:
            await client.send(encode(said).decode())
        async for frame in client:
            message = decode_told(frame)
            if isinstance(message, Calls) and message.calls:
                await client.send(encode(Watch(call_id=message.calls[0].call_id)).decode())
            yield message


def key(address: str) -> str:
    return parse_qs(urlsplit(address).fragment)["key"][0]


async def test_the_board_fills_and_the_first_desk_gets_a_card(folder: Path) -> None:
    async with playing(folder) as ready:
        assert ready.agent.endswith("&agent=desk-1")
        assert ready.agent.startswith("http://127.0.0.1:")
        desks: set[str] = set()
        async for message in told(ready.source, Hello(role="supervisor", token=key(ready.board)), WatchBoard()):
            if isinstance(message, Board):
                desks.update(row.agent for row in message.rows)
            if desks == {"desk-1", "desk-2"}:
                break
        async for message in told(ready.source, Hello(role="agent", token=key(ready.agent), agent="desk-1")):
            if isinstance(message, Guided) and any(isinstance(item, Card) for item in message.items):
                break


async def test_a_model_is_started_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RTIG_MEANING")
    async with playing(folder) as ready:
        async for message in told(ready.source, Hello(role="agent", token=key(ready.agent), agent="desk-1")):
            assert isinstance(message, Welcome)
            assert message.lane != "off"
            break


async def test_calls_that_were_going_on_are_ended_in_a_log_on_disk(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "demo.db"
    async with playing(folder, log=path, speed=1.0, desks=1):
        await asyncio.sleep(0.1)
    log = await SqliteLog.open_file(path, read_only=True)
    assert len(await log.calls("default")) == 1
    assert await log.live_calls() == []
    await log.close()


def test_what_brings_a_card_soonest_is_played_first(folder: Path) -> None:
    base = knowledge.read(folder)
    book = knowledge.compiled(base.source)
    assert [script.id for script in demo.soonest_first(book, base.calls.values())] == ["doubled", "quiet"]


async def test_a_port_that_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(WorldError, match="Cannot listen"):
        async with playing(folder, port=taken.getsockname()[1]):
            pass


async def test_nothing_to_play(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no sample calls"):
        await demo.run(write(tmp_path, {"kb.yaml": KB}), lambda _: None)
