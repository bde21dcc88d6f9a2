"""What a server does leaves nothing that only the garbage collector would find: it is kept from what lives long."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from desks import ENDED, STARTED, joined, segment, serving

from rtig.wire.messages import Board


@pytest.fixture
def kept() -> Iterator[None]:
    """Keeps what a collection finds, and collects only when it is told to."""
    gc.collect()
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def found() -> set[str]:
    """The types of ours among what only the collector would find."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    ours = {type(each).__qualname__ for each in gc.garbage if type(each).__module__.startswith(("rtig", "websockets"))}
    gc.set_debug(0)
    gc.garbage.clear()
    return ours


async def test_calls_and_connections_leave_no_cycles(kept: None) -> None:
    async with serving() as server:
        server.desk._release_seconds = 0.0
        async with (
            joined(server, "source") as source,
            joined(server, "agent", agent="ann") as agent,
            joined(server, "supervisor") as chief,
        ):
            await chief.say({"type": "watch_board"})
            await chief.until(Board)
            await source.acked(STARTED)
            await agent.watch()
            said = ("my bill has doubled", "my bil has dubbled", "cancel my contract", "speak to a manager")
            for number, text in enumerate(said):
                await source.acked(segment(2 * number, text, final=False, rev=0), segment(2 * number, text))
            await source.acked(ENDED)
        while server.desk.guests or server.live._calls:
            await asyncio.sleep(0)
        # What the client's side of this test leaves is none of the server's.
        assert {name for name in found() if not name.startswith("Client")} == set()
