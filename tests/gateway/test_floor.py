"""A tenant's floor: the board whole and then in changes, shared, never stale, also for those who lag."""

import asyncio

from desks import ENDED, STARTED, Client, joined, segment, serving

from rtig.core.guidance import BoardRow
from rtig.gateway import floor
from rtig.wire.messages import Board, Calls


def applied(messages: list[object]) -> dict[str, BoardRow]:
    """What a screen shows after these."""
    shown: dict[str, BoardRow] = {}
    for message in messages:
        if isinstance(message, Board):
            if message.whole:
                shown.clear()
            shown.update({row.call_id: row for row in message.rows})
            for name in message.gone:
                shown.pop(name, None)
    return shown


async def settled(client: Client, calls: set[str]) -> dict[str, BoardRow]:
    while set(applied(list(client.heard))) != calls:
        await client.until(Board)
    return applied(list(client.heard))


async def test_the_board_comes_whole_first_and_then_in_changes() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "supervisor") as chief:
        await source.acked(STARTED)
        await chief.say({"type": "watch_board"})
        whole = await chief.until(Board)
        assert (whole.whole, [row.call_id for row in whole.rows], whole.rows[0].agent) == (True, ["c1"], "ann")
        await source.acked(STARTED | {"call_id": "c2"})
        change = await chief.until(Board)
        assert (change.whole, [row.call_id for row in change.rows]) == (False, ["c2"])
        await source.acked(ENDED)
        gone = await chief.until(Board)
        assert (gone.rows, gone.gone) == ((), ("c1",))


async def test_an_empty_board_is_told_too() -> None:
    async with serving() as server, joined(server, "supervisor") as chief:
        await chief.say({"type": "watch_board"})
        board = await chief.until(Board)
        assert (board.whole, board.rows) == (True, ())


async def test_changes_are_gathered_and_words_alone_are_none() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "supervisor") as chief:
        await chief.say({"type": "watch_board"})
        await chief.until(Board)
        await source.acked(STARTED, *(segment(n, "well", party="agent") for n in range(1, 30)))
        await chief.until(Board)
        await source.acked(*(segment(n, "well", party="agent") for n in range(30, 60)))
        await source.acked(STARTED | {"call_id": "c2"})
        board = await chief.until(Board)
        assert [row.call_id for row in board.rows] == ["c2"]
        assert len([message for message in chief.heard if isinstance(message, Board)]) == 3


async def test_a_rise_in_frustration_shows_its_reason() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "supervisor") as chief:
        await chief.say({"type": "watch_board"})
        await source.acked(STARTED)
        await source.acked(segment(5, "this is the third time i call this is terrible i am furious and angry"))
        row = (await settled(chief, {"c1"}))["c1"]
        while row.score == 0:
            await chief.until(Board)
            row = applied(list(chief.heard))["c1"]
        assert row.band != "calm"
        assert row.reason


async def test_a_whole_board_larger_than_a_frame_is_told_in_several_with_live_changes_between() -> None:
    count = 3 * floor.ROWS_A_FRAME + 7
    async with serving() as server, joined(server, "source") as source, joined(server, "supervisor") as chief:
        names = [f"c{number}" for number in range(count)]
        await source.acked(*(STARTED | {"call_id": name} for name in names))
        await chief.say({"type": "watch_board"})
        await source.acked(ENDED | {"call_id": "c3"})
        await settled(chief, set(names) - {"c3"})
        frames = [message for message in chief.heard if isinstance(message, Board)]
        assert [frame.whole for frame in frames].count(True) == 1
        assert frames[0].whole
        assert max(len(frame.rows) for frame in frames) <= floor.ROWS_A_FRAME


async def test_many_changes_at_once_reach_everyone() -> None:
    async with (
        serving() as server,
        joined(server, "source") as source,
        joined(server, "supervisor") as one,
        joined(server, "supervisor") as two,
    ):
        for chief in (one, two):
            await chief.say({"type": "watch_board"})
            await chief.until(Board)
        names = {f"c{number}" for number in range(floor.ROWS_SHARED + 50)}
        await source.acked(*(STARTED | {"call_id": name} for name in sorted(names)))
        first, second = await asyncio.gather(settled(one, names), settled(two, names))
        assert set(first) == set(second) == names


async def test_rows_are_made_once_for_all_who_keep_up() -> None:
    async with (
        serving() as server,
        joined(server, "source") as source,
        joined(server, "supervisor") as one,
        joined(server, "supervisor") as two,
    ):
        for chief in (one, two):
            await chief.say({"type": "watch_board"})
            await chief.until(Board)
        made = 0
        row = server.live.row

        def counted(key: object) -> BoardRow:
            nonlocal made
            made += 1
            return row(key)  # type: ignore[arg-type]

        server.live.row = counted  # type: ignore[method-assign]
        await source.acked(STARTED, STARTED | {"call_id": "c2"})
        assert (await one.until(Board)).rows == (await two.until(Board)).rows
        assert made == 2


async def test_an_agent_is_told_of_the_newest_calls_only() -> None:
    async with serving() as server, joined(server, "source") as source:
        count = floor.CALLS_TOLD + 5
        await source.acked(*(STARTED | {"call_id": f"c{number}"} for number in range(count)))
        async with joined(server, "agent") as agent:
            calls = (await agent.until(Calls)).calls
            assert len(calls) == floor.CALLS_TOLD
            assert calls[0].call_id == f"c{count - 1}"
