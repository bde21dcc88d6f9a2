"""The server put together: it starts, says where it is, ends cleanly, and keeps customers' words out of its lines."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from calls import playbook
from websockets.asyncio.client import ClientConnection, connect

from rtig import knowledge
from rtig.app import running
from rtig.config import Settings
from rtig.core.events import CallStarted
from rtig.errors import WorldError
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey
from rtig.wire.messages import Bye, ServerMessage, Welcome, decode_told

PLAYBOOK = playbook()


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


# --- as a process of its own

PROGRAM = """
import sys, uvloop
from pathlib import Path
from rtig.app import serve
from rtig.config import Settings
uvloop.run(serve(Settings(port=0, log=sys.argv[1], knowledge_base=Path(sys.argv[2]), log_level="info")))
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
async def process(log: Path) -> AsyncIterator[Process]:
    # pytest's own warnings filter does not reach another process.
    run = [sys.executable, "-W", "error", "-c", PROGRAM, str(log), str(KNOWLEDGE)]
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
        assert (serving["recovered"], serving["epoch"]) == (1, 2)
        server.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await server.process.wait() == 0


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
