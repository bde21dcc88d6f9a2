"""Which event loop a test runs on: the gateway's on uvloop, on which it is served, all others on asyncio's own."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

GATEWAY = Path(__file__).parent / "gateway"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if GATEWAY in item.path.parents:
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
