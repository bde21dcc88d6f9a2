"""The server put together: it starts, says where it is, ends cleanly, and keeps customers' words out of its lines."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from calls import playbook
from websockets.asyncio.client import ClientConnection, connect

from rtig import knowledge
from rtig.app import Server, running
from rtig.config import Settings
from rtig.core.events import CallStarted
from rtig.core.guidance import Card
from rtig.core.playbook import Playbook
from rtig.errors import WorldError
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey
from rtig.wire.messages import Ack, Bye, CaughtUp, Found, Guided, LaneIs, ServerMessage, Welcome, decode_told

PLAYBOOK = playbook()
SECONDS = 40.0
"""How long anything may take on a machine that is busy with other things."""


def settings(**more: Any) -> Settings:
    chosen: dict[str, Any] = {"port": 0, "log": "memory", "meaning": "off"} | more
    return Settings(**chosen)


async def test_a_server_knows_where_it_listens_and_frees_the_port() -> None:
    async with running(settings(), PLAYBOOK) as server:
        host, port = server.address
        assert (host, server.url) == ("127.0.0.1", f"http://127.0.0.1:{port}")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"uvicorn" not in answer
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, port)


async def test_many_servers_live_in_one_process() -> None:
    async with running(settings(), PLAYBOOK) as one, running(settings(), PLAYBOOK) as two:
        assert one.address != two.address


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WorldError, match=f"Cannot listen on 127.0.0.1 port {port}: .*in use"):
            async with running(settings(port=port), PLAYBOOK):
                pass


async def test_a_tokens_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text("[acme]\nking = 1\n")
    with pytest.raises(ValueError, match="king"):
        async with running(settings(tokens_file=path), PLAYBOOK):
            pass


async def test_calls_past_their_retention_are_erased() -> None:
    month_ms, now_ms = 31 * 86_400_000, int(time.time() * 1000)
    at = now_ms - month_ms
    log = MemoryLog(lambda: at)
    for name in ("old", "new"):
        call = CallKey("default", name)
        await log.open(call)
        log.append(call, CallStarted(call_id=name))
        at = now_ms
    async with running(settings(), PLAYBOOK, log=log):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert await log.calls("default") == ["new"]
    await log.close()


async def test_a_changed_knowledge_base_is_picked_up_and_a_mistake_never_replaces_it(tmp_path: Path) -> None:
    trigger = "triggers:\n  - {id: bill, title: Bill, say: Let me look., said: [%s]}\n"
    (tmp_path / "triggers").mkdir()
    (tmp_path / "kb.yaml").write_text("name: Test\nlanguage: en\n")
    file = tmp_path / "triggers" / "t.yaml"
    file.write_text(trigger % "bill has doubled")
    first = knowledge.compile_folder(tmp_path)
    async with running(settings(knowledge_base=tmp_path, reload_seconds=0.001), first) as server:
        file.write_text(trigger % "bill (has doubled")
        while not server.desk.metrics.playbook_errors:
            await asyncio.sleep(0)
        assert server.live.playbook is first
        file.write_text(trigger % "bill has tripled")
        while server.live.playbook is first:
            await asyncio.sleep(0)
        assert [spoken.phrase for spoken in server.live.playbook.phrases] == ["bill has tripled"]
        assert server.desk.metrics.playbook_errors == 0


# --- with a model

# What is shipped to be told apart from is in English; in another language a lesson is learned in no time.
UNDERSTOOD = {
    "kb.yaml": "name: Meaning\nlanguage: nl\n",
    "articles/bill.md": """---
id: high-bill
title: Why a bill is higher than expected
say: Let me look at what changed since your last bill.
triggers:
  - said: [bill has doubled]
  - means:
      - why do i have to pay so much this month
      - you have charged me far too much money
      - this invoice is a lot more than it was
      - i do not understand why it costs so much
      - the amount that you took is too high
---
An ended discount is the usual cause.
""",
    "articles/moving.md": """---
id: moving-home
title: Moving home
say: When is the big day?
triggers:
  - means:
      - we are going to live somewhere else
      - i have bought a new house
      - can i take the line with me to another flat
      - my address is going to change soon
      - next month we leave this place
---
Ten working days.
""",
}
MEANT: dict[str, Any] = {
    "type": "segment", "call_id": "c1", "segment_id": "s1", "rev": 1, "party": "customer", "final": True,
    "text": "why on earth did you take so much money from me", "start_ms": 1_000, "end_ms": 4_000,
}  # fmt: skip
AND_THEN: dict[str, Any] = MEANT | {
    "segment_id": "s2",
    "party": "agent",
    "text": "ah",
    "start_ms": 9_000,
    "end_ms": 9_300,
}


@pytest.fixture
def understood(tmp_path: Path) -> Playbook:
    for name, text in UNDERSTOOD.items():
        path = tmp_path / "kb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return knowledge.compile_folder(tmp_path / "kb")


@contextlib.asynccontextmanager
async def greeted(server: Server, role: str) -> AsyncIterator[tuple[ClientConnection, Welcome]]:
    async with connect(server.socket_url) as connection:
        (welcome,) = await say(connection, {"type": "hello", "role": role, "agent": "ann"})
        assert isinstance(welcome, Welcome)
        yield connection, welcome


async def until_on(connection: ClientConnection, welcome: Welcome) -> None:
    """As every page knows it: from its welcome, and from what it is told after."""
    state = welcome.lane
    while state != "on":
        message = decode_told(await connection.recv())
        state = message.state if isinstance(message, LaneIs) else state


async def cards_of(connection: ClientConnection, until: Callable[[Card], bool] | None = None) -> list[Card]:
    """The cards that a watcher of the call is told of: those of the past, or until one comes that is waited for."""
    cards: list[Card] = []
    await connection.send('{"type":"watch","call_id":"c1"}')
    while True:
        message = decode_told(await connection.recv())
        if isinstance(message, Guided):
            cards += [item for item in message.items if isinstance(item, Card)]
        if (isinstance(message, CaughtUp) and until is None) or (until is not None and any(map(until, cards))):
            return cards


async def acked(connection: ClientConnection, *frames: dict[str, Any]) -> None:
    assert all(isinstance(answer, Ack) for answer in await say(connection, *frames))


async def test_what_a_customer_means_brings_an_article_and_a_restart_needs_no_model_for_it(
    understood: Playbook, tmp_path: Path
) -> None:
    kept = tmp_path / "rtig.db"
    async with (
        running(settings(meaning="auto", log=str(kept)), understood) as server,
        greeted(server, "source") as (source, _),
        greeted(server, "agent") as (agent, welcome),
        asyncio.timeout(SECONDS),
    ):
        await until_on(agent, welcome)
        await acked(source, {"type": "call_started", "call_id": "c1"}, MEANT)
        # Until the turn is over, more may be said.
        (early,) = await cards_of(agent, lambda card: True)
        assert (early.id, early.state) == ("high-bill.1", "provisional")
        await acked(source, AND_THEN)
        *_, card = await cards_of(agent, lambda card: card.state == "confirmed")
        assert card.why.score is not None
        assert card.why.score >= 0.5
        assert [quote.text for quote in card.why.words] == [MEANT["text"]]
        await agent.send('{"type":"find","find_id":"f","query":"relocating to a different apartment"}')
        while not isinstance(found := decode_told(await agent.recv()), Found):
            pass
        assert (found.meaning, found.articles[0].id) == (True, "moving-home")
        told = server.desk.metrics.page().decode()
        assert 'rtig_lane{state="on"} 1.0' in told
        assert 'rtig_lane_utterances_total{outcome="read"} 1.0' in told
    async with running(settings(log=str(kept)), understood) as server, greeted(server, "agent") as (agent, welcome):
        assert welcome.lane == "off"
        *_, again = await cards_of(agent)
        assert again == card


async def test_calls_that_are_going_on_when_the_model_comes_are_read_then(understood: Playbook) -> None:
    async with (
        running(settings(meaning="auto"), understood) as server,
        greeted(server, "source") as (source, _),
        greeted(server, "agent") as (agent, welcome),
        asyncio.timeout(SECONDS),
    ):
        assert welcome.lane != "on"
        await acked(source, {"type": "call_started", "call_id": "c1"}, MEANT, AND_THEN)
        assert (await cards_of(agent, lambda card: card.state == "confirmed"))[-1].id == "high-bill.1"


async def test_without_a_model_words_do_what_they_can(understood: Playbook, tmp_path: Path) -> None:
    weights = tmp_path / "no.safetensors"
    async with (
        running(settings(meaning="auto", encoder=weights), understood) as server,
        greeted(server, "source") as (source, _),
        greeted(server, "agent") as (agent, welcome),
        asyncio.timeout(SECONDS),
    ):
        state = welcome.lane
        while state != "off":
            message = decode_told(await agent.recv())
            state = message.state if isinstance(message, LaneIs) else state
        assert server.lane is not None
        assert server.lane.problem == f"{weights} is not there."
        words = MEANT | {"segment_id": "s0", "text": "my bill has doubled"}
        await acked(source, {"type": "call_started", "call_id": "c1"}, MEANT, words, AND_THEN)
        assert [card.why.score for card in await cards_of(agent)] == [None]
        await agent.send('{"type":"find","find_id":"f","query":"moving"}')
        while not isinstance(found := decode_told(await agent.recv()), Found):
            pass
        assert (found.meaning, [article.id for article in found.articles]) == (False, ["moving-home"])


# --- as a process of its own

PROGRAM = """
import sys, uvloop
from pathlib import Path
from rtig.app import serve
from rtig.config import Settings
log, folder, meaning = sys.argv[1:]
uvloop.run(serve(Settings(port=0, log=log, knowledge_base=Path(folder), meaning=meaning, log_level="info")))
"""
KNOWLEDGE = Path(__file__).parents[1] / "knowledge_base"


class Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def line(self, event: str) -> dict[str, Any]:
        """The next line of the log that says `event`; every line must be JSON."""
        assert self.process.stderr is not None
        while text := await self.process.stderr.readline():
            self.lines.append(msgspec.json.decode(text))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"no line says {event}: {self.lines}")


@contextlib.asynccontextmanager
async def process(log: Path, meaning: str = "off") -> AsyncIterator[Process]:
    # pytest's own warnings filter does not reach another process.
    run = [sys.executable, "-W", "error", "-c", PROGRAM, str(log), str(KNOWLEDGE), meaning]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RTIG_")}
    started = await asyncio.create_subprocess_exec(
        *run, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=log.parent, env=environment
    )
    try:
        yield Process(started)
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()


async def say(connection: ClientConnection, *frames: dict[str, Any]) -> list[ServerMessage]:
    """Send, and take one answer for each."""
    answers = []
    for frame in frames:
        await connection.send(msgspec.json.encode(frame).decode())
        answers.append(decode_told(await connection.recv()))
    return answers


@pytest.mark.process
async def test_a_server_that_is_told_to_end_sends_everyone_elsewhere_and_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "rtig.db"
    words = "my mother was called gwendolyn"
    segment = {"type": "segment", "call_id": "c1", "segment_id": "s1", "rev": 1, "party": "customer", "text": words}
    segment |= {"start_ms": 0, "end_ms": 900, "final": True}
    async with process(log) as server:
        serving = await server.line("serving")
        address = f"ws{serving['url'].removeprefix('http')}/ws"
        async with connect(address) as source, connect(address) as agent:
            welcome, *_ = await say(source, {"type": "hello", "role": "source", "source": "one"})
            assert isinstance(welcome, Welcome)
            await say(source, {"type": "call_started", "call_id": "c1"}, segment)
            await say(source, segment | {"text": words, "rev": "x"})
            await say(agent, {"type": "hello", "role": "agent"}, {"type": "watch", "call_id": "c1"})
            server.process.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            for connection in (source, agent):
                async with asyncio.timeout(5):
                    while not isinstance(last := decode_told(await connection.recv()), Bye):
                        pass
                assert (last.code, last.retry) == ("draining", True)
        async with asyncio.timeout(5):
            assert await server.process.wait() == 0
        assert time.monotonic() - asked < 4
        await server.line("stopped")
        assert "gwendolyn" not in repr(server.lines)
        assert {line["level"] for line in server.lines} == {"info"}
    async with process(log) as server:
        serving = await server.line("serving")
        assert serving["epoch"] == 2
        assert (await server.line("calls recovered"))["calls"] == 1
        server.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await server.process.wait() == 0


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_gone(pid: int) -> bool:
    """A process is no more, or is only still to be reaped by a parent that is not ours."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="There is no /proc here to see processes in.")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
async def test_the_process_with_the_model_ends_with_its_server(tmp_path: Path, ending: signal.Signals) -> None:
    async with process(tmp_path / "rtig.db", "auto") as server:
        await server.line("serving")
        async with asyncio.timeout(SECONDS):
            while not (started := children(server.process.pid)):
                await asyncio.sleep(0.01)
        server.process.send_signal(ending)
        await server.process.wait()
        async with asyncio.timeout(SECONDS):
            while not all(map(is_gone, started)):
                await asyncio.sleep(0.01)


@pytest.mark.process
async def test_tracebacks_show_no_values() -> None:
    program = """
import logging, structlog
from rtig.app import log_to_stderr
log_to_stderr("debug")
def broken(text):
    return {}["key"]
for log in (structlog.get_logger(), logging.getLogger("another.package")):
    try:
        broken("gwendolyn")
    except KeyError:
        log.exception("it broke")
logging.getLogger("websockets.server").debug("gwendolyn")
"""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", program, stderr=asyncio.subprocess.PIPE
    )
    _, told = await run.communicate()
    lines = [msgspec.json.decode(line) for line in told.splitlines()]
    assert [line["event"] for line in lines] == ["it broke", "it broke"]
    assert all("broken" in repr(line["exception"]) for line in lines)
    assert b"gwendolyn" not in told
