"""Several workers in one process, each with a port of its own, so that a test says which one a client reaches."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from desks import Client, joined, small_playbook

from rtig.app import Server, running
from rtig.config import Settings
from rtig.core.playbook import Playbook
from rtig.workers.colleagues import Colleagues, Place
from rtig.workers.routing import owner_of


@functools.cache
def calls_of(worker: int, workers: int = 2, count: int = 3, tenant: str = "default") -> list[str]:
    """Ids of calls that belong to a worker."""
    ids: list[str] = []
    number = 0
    while len(ids) < count:
        number += 1
        if owner_of(tenant, f"c{number}", workers) == worker:
            ids.append(f"c{number}")
    return ids


class House:
    """`servers` are the workers, by their numbers."""

    def __init__(self, folder: Path, workers: int, settings: dict[str, Any], playbook: Playbook | None) -> None:
        self.workers = workers
        self.servers: dict[int, Server] = {}
        self._folder = folder
        chosen = {"port": 0, "log": "memory", "meaning": "off", "reload_seconds": 0, "budget_ms": 0}
        self._settings: dict[str, Any] = chosen | settings
        self._settings.setdefault("other_messages_per_second", 1000)
        self._playbook = playbook or small_playbook()
        self._stacks: dict[int, contextlib.AsyncExitStack] = {}

    async def start(self, worker: int, **more: Any) -> None:
        stack = self._stacks[worker] = contextlib.AsyncExitStack()
        settings = Settings(**self._settings | more)
        if settings.log != "memory" and worker:
            settings = settings.model_copy(update={"log": f"{settings.log}.{worker + 1}"})
        place = Place(worker, self.workers, self._folder)
        self.servers[worker] = await stack.enter_async_context(running(settings, self._playbook, place=place))

    async def end(self, worker: int) -> None:
        await self._stacks.pop(worker).aclose()
        del self.servers[worker]

    def others(self, worker: int) -> Colleagues:
        others = self.servers[worker].desk.others
        assert isinstance(others, Colleagues)
        return others

    async def linked(self) -> None:
        """Wait until all that are there know one another."""
        async with asyncio.timeout(20):
            for worker in self.servers:
                while set(self.others(worker).away) & set(self.servers):
                    await asyncio.sleep(0)

    def at(self, worker: int, role: str, **hello: Any) -> contextlib.AbstractAsyncContextManager[Client]:
        return joined(self.servers[worker], role, **hello)


@contextlib.asynccontextmanager
async def house(
    folder: Path, workers: int = 2, playbook: Playbook | None = None, **settings: Any
) -> AsyncIterator[House]:
    it = House(folder, workers, settings, playbook)
    try:
        for worker in range(workers):
            await it.start(worker)
        await it.linked()
        yield it
    finally:
        for worker in tuple(it.servers):
            await it.end(worker)
