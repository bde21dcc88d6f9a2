"""What is measured: rtig as it is served, and what it is held against. Each in its own process."""

import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import uvicorn
import uvloop
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from rtig import knowledge
from rtig.app import log_to_stderr, running, tune_process
from rtig.config import Settings
from rtig.gateway.socket import Socket, Visitor, uvicorn_ws

ROOT = Path(__file__).parents[1]
TOKEN = "benchmark"  # noqa: S105 (of a server on loopback that lives for a minute)
What = Literal["rtig", "rtig-with-lane", "echo", "plain"]
"""`echo`: every message back to its sender through rtig's own server stack; `plain`: the same through the asyncio API
of `websockets`, on uvloop as well."""


START_SECONDS = 60.0


class Running(NamedTuple):
    url: str
    process: "subprocess.Popen[str]"

    def cpu_seconds(self) -> float:
        """CPU time that the process has used so far; 0 where the system does not say."""
        return cpu_seconds(self.process.pid)

    def pids(self) -> list[int]:
        """The process and all that it has started; itself alone where the system does not say."""
        found = [self.process.pid]
        for pid in found:
            for file in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in file.read_text().split()]
        return found

    def ready(self) -> bool:
        """Whether the server takes clients."""
        with contextlib.suppress(OSError):
            address = f"http://{urlsplit(self.url).netloc}/readyz"
            return bool(urllib.request.urlopen(address, timeout=10).status == 200)
        return False

    def metrics(self) -> str:
        """What the server has counted, as Prometheus would read it."""
        with urllib.request.urlopen(f"http://{urlsplit(self.url).netloc}/metrics", timeout=10) as answer:
            return str(answer.read(), "utf-8")


def counted(page: str, name: str) -> float:
    """One figure of such a page; 0 where it is not there."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found is not None else 0.0


def rss_kib(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not say."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status.read_text(), re.MULTILINE) if status.exists() else None
    return int(found[1]) if found is not None else 0


def machine_cpu_seconds() -> float:
    """CPU time that the whole machine has used so far; 0 where the system does not say."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0
    user, nice, system, _, _, *rest = map(int, stat.read_text().split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def allow_many_sockets() -> None:
    """As many open files as the system lets this process have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far; 0 where the system does not say."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def started(
    what: What, log: str = "memory", knowledge_base: Path = ROOT / "knowledge_base", *, workers: int = 1
) -> Iterator[Running]:
    """A server process, as `What` says, that ends with the block; rtig may have several `workers`."""
    if workers > 1:
        with _started_workers(log, knowledge_base, workers) as server:
            yield server
        return
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", what, log, str(knowledge_base)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        try:
            yield Running(process.stdout.readline().strip(), process)
        finally:
            process.terminate()


@contextlib.contextmanager
def _started_workers(log: str, knowledge_base: Path, workers: int) -> Iterator[Running]:
    """`rtig serve` as an operator starts it. Raises `RuntimeError` where it does not come up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "PORT": port,
        "LOG": log,
        "WORKERS": workers,
        "KNOWLEDGE_BASE": knowledge_base,
        "SOURCE_TOKEN": TOKEN,
        "AGENT_TOKEN": TOKEN,
        "SUPERVISOR_TOKEN": TOKEN,
        "LOG_LEVEL": "warning",
        "OTHER_MESSAGES_PER_SECOND": 1000,
        "RELOAD_SECONDS": 0,
        "MEANING": "off",
    }
    environment = os.environ | {f"RTIG_{name}": str(value) for name, value in settings.items()}
    with subprocess.Popen([sys.executable, "-m", "rtig", "serve"], text=True, cwd=ROOT, env=environment) as process:
        server = Running(f"ws://127.0.0.1:{port}/ws", process)
        try:
            until = time.monotonic() + START_SECONDS
            while not server.ready():
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("the server has not come up; the lines before this say why")
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()


class _Echo:
    """Every message back to its sender: receive and send through the gateway's own socket, and nothing between."""

    def opened(self, socket: Socket, visitor: Visitor) -> None:
        self._socket = socket

    def text(self, frame: bytes, received_ns: int) -> None:
        self._socket.send(frame)

    def binary(self, frame: bytes) -> None:
        pass

    def drained(self) -> None:
        pass

    def closed(self) -> None:
        pass


async def _serve_plain() -> None:
    """An echo as most would write it: the asyncio API of `websockets`."""

    async def echo(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"ws://127.0.0.1:{port}/ws", flush=True)
        await server.serve_forever()


async def serve_echo() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        _no_pages,
        ws=uvicorn_ws(_Echo, lambda visitor: None),
        http="h11",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    print(f"ws://127.0.0.1:{listener.getsockname()[1]}/ws", flush=True)
    await uvicorn.Server(config).serve([listener])


async def _no_pages(scope: object, receive: object, send: object) -> None:
    raise RuntimeError("the echo has no pages")


def measured_settings(log: str, knowledge_base: Path, **more: Any) -> Settings:
    """Those of a server that is measured, on a free port."""
    return Settings(
        port=0,
        log=log,
        source_token=SecretStr(TOKEN),
        agent_token=SecretStr(TOKEN),
        supervisor_token=SecretStr(TOKEN),
        log_level="warning",
        other_messages_per_second=1000,
        knowledge_base=knowledge_base,
        **more,
    )


async def serve_rtig(log: str, knowledge_base: Path, meaning: Literal["auto", "off"]) -> None:
    # Where the model has no part in what is measured, learning would take the first seconds.
    settings = measured_settings(log, knowledge_base, reload_seconds=0, meaning=meaning)
    playbook = knowledge.compile_folder(settings.knowledge_base)
    tune_process()
    async with running(settings, playbook) as server:
        print(server.socket_url, flush=True)
        await server.ended.wait()


def _main(what: str, log: str, knowledge_base: str) -> None:
    log_to_stderr("warning")
    allow_many_sockets()
    match what:
        case "echo":
            uvloop.run(serve_echo())
        case "plain":
            uvloop.run(_serve_plain())
        case _:
            uvloop.run(serve_rtig(log, Path(knowledge_base), "auto" if what == "rtig-with-lane" else "off"))


if __name__ == "__main__":
    _main(*sys.argv[1:])
