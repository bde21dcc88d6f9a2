"""What is measured: rtig as it is served, and an echo through the same server stack. Each in its own process."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import uvicorn
import uvloop
from pydantic import SecretStr

from rtig import knowledge
from rtig.app import log_to_stderr, running, tune_process
from rtig.config import Settings
from rtig.gateway.socket import Socket, Visitor, uvicorn_ws

ROOT = Path(__file__).parents[1]
TOKEN = "benchmark"  # noqa: S105 (of a server on loopback that lives for a minute)


class Running(NamedTuple):
    url: str
    process: "subprocess.Popen[str]"

    def cpu_seconds(self) -> float:
        """CPU time that the process has used so far; 0 where the system does not say."""
        return cpu_seconds(self.process.pid)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used so far; 0 where the system does not say."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def started(what: str, log: str = "memory", knowledge_base: Path = ROOT / "knowledge_base") -> Iterator[Running]:
    """A server process, `rtig`, `rtig-with-lane` or `echo`, that ends with the block."""
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


async def serve_rtig(log: str, knowledge_base: Path, meaning: Literal["auto", "off"]) -> None:
    settings = Settings(
        port=0,
        log=log,
        source_token=SecretStr(TOKEN),
        agent_token=SecretStr(TOKEN),
        supervisor_token=SecretStr(TOKEN),
        log_level="warning",
        other_messages_per_second=1000,
        knowledge_base=knowledge_base,
        reload_seconds=0,
        meaning=meaning,  # where the model has no part in what is measured, learning would take the first seconds
    )
    playbook = knowledge.compile_folder(settings.knowledge_base)
    tune_process()
    async with running(settings, playbook) as server:
        print(server.socket_url, flush=True)
        await server.ended.wait()


if __name__ == "__main__":
    log_to_stderr("warning")
    what, home, folder = sys.argv[1:]
    meaning: Literal["auto", "off"] = "auto" if what == "rtig-with-lane" else "off"
    uvloop.run(serve_echo() if what == "echo" else serve_rtig(home, Path(folder), meaning))
