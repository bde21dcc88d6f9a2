"""A tenant's floor: the board whole and then in changes, shared, never stale, also for those who lag."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from calls import SOURCE, playbook, rule
from desks import ENDED, STARTED, Client, joined, segment, serving
from msgspec.structs import replace

from rtig.core.call import Call
from rtig.core.conditions import Said
from rtig.core.guidance import Alert, BoardRow
from rtig.errors import Code
from rtig.eventlog.port import CallKey
from rtig.gateway import floor
from rtig.gateway.doors import digest_of
from rtig.gateway.socket import Socket
from rtig.wire.messages import Board, Calls, Guided

ALERTING = playbook(
    replace(SOURCE, rules=(replace(rule("legal", Said(("my lawyer",))), to="supervisors", kind="alert"),))
)
ANSWER = {"type": "answer_alert", "call_id": "c1", "alert_id": "legal", "action": "acknowledge", "answer_id": "a1"}


async def alert(client: Client, state: str) -> Board:
    """The next board with an alert in a state."""
    return await client.until(Board, lambda board: any(one.state == state for one in board.alerts))


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
        assert [frame.more for frame in frames[:4]] == [True, True, True, False]
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
        names = {f"c{number}" for number in range(5 * floor.ROWS_AT_ONCE + 7)}
        await source.acked(*(STARTED | {"call_id": name} for name in sorted(names)))
        first, second = await asyncio.gather(settled(one, names), settled(two, names))
        assert set(first) == set(second) == names


async def test_guidance_does_not_wait_for_the_rows_of_many_calls() -> None:
    """They are made a few at a time, with a turn for others in between."""
    async with serving() as server, joined(server, "source") as source, joined(server, "supervisor") as chief:
        await chief.say({"type": "watch_board"})
        await chief.until(Board)
        made = most = 0
        row = server.live.row

        def counted(key: object) -> BoardRow:
            nonlocal made
            made += 1
            return row(key)  # type: ignore[arg-type]

        async def turns() -> None:
            nonlocal most
            while True:
                before = made
                await asyncio.sleep(0)
                most = max(most, made - before)

        server.live.row = counted  # type: ignore[method-assign]
        other = asyncio.ensure_future(turns())
        names = {f"c{number}" for number in range(4 * floor.ROWS_AT_ONCE)}
        await source.acked(*(STARTED | {"call_id": name} for name in sorted(names)))
        await settled(chief, names)
        other.cancel()
        assert 1 < most <= floor.ROWS_AT_ONCE


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


async def test_alerts_come_with_the_board_whole_and_in_changes_each_state_once() -> None:
    async with (
        serving(followed=ALERTING) as server,
        joined(server, "source") as source,
        joined(server, "supervisor", agent="eve") as chief,
        joined(server, "supervisor", agent="bob") as other,
    ):
        await chief.say({"type": "watch_board"})
        await source.acked(STARTED, segment(1, "you will hear from my lawyer"))
        (opened,) = (await alert(chief, "open")).alerts
        assert (opened.call_id, opened.id, opened.state) == ("c1", "legal", "open")
        await other.say({"type": "watch_board"})
        whole = await other.until(Board)
        assert (whole.whole, whole.alerts) == (True, (opened,))
        (ack,) = await chief.acked(ANSWER)
        assert ack.key == "alert:a1"
        for one in (chief, other):
            (taken,) = (await alert(one, "acknowledged")).alerts
            assert (taken.by, taken.raised_ms) == ("eve", opened.raised_ms)
        await source.acked(segment(2, "this is terrible"), ENDED)
        over = await alert(other, "resolved")
        assert (over.gone, over.alerts[0].reason) == (("c1",), "ended")
        told = [one.state for message in other.heard if isinstance(message, Board) for one in message.alerts]
        assert told == ["open", "acknowledged", "resolved"]


async def test_neither_agents_nor_who_watches_the_call_are_told_alerts_and_positions_go_on() -> None:
    async with (
        serving(followed=ALERTING) as server,
        joined(server, "source") as source,
        joined(server, "supervisor") as chief,
        joined(server, "agent", agent="ann") as agent,
    ):
        await chief.say({"type": "watch_board"})
        await source.acked(STARTED)
        await agent.watch()
        await source.acked(segment(1, "you will hear from my lawyer"))
        await alert(chief, "open")
        (ack,) = await chief.acked(ANSWER)
        await source.acked(segment(2, "well"))
        last = await agent.until(Guided, lambda frame: frame.seq > ack.seq)
        frames = [message for message in agent.heard if isinstance(message, Guided)]
        assert ack.seq not in [frame.seq for frame in frames]  # nothing in it is for who watches
        assert {type(item).__name__ for frame in frames for item in frame.items} <= {
            "CallInfo",
            "Line",
            "Mood",
            "Checklist",
        }
        again = await agent.watch(after={"epoch": ack.epoch, "seq": ack.seq - 1})
        assert [frame.seq for frame in again] == [last.seq]
        past = await chief.watch()
        assert not any(isinstance(item, Alert) for frame in past for item in frame.items)


async def test_an_answer_to_no_alert_or_no_call_or_after_the_end_is_refused() -> None:
    async with (
        serving(followed=ALERTING) as server,
        joined(server, "source") as source,
        joined(server, "supervisor") as chief,
        joined(server, "agent") as agent,
    ):
        unknown = await chief.refused(ANSWER)
        assert (unknown.code, unknown.key, unknown.retry) == (Code.UNKNOWN_CALL, "alert:a1", True)
        await source.acked(STARTED)
        assert (await chief.refused(ANSWER)).code is Code.UNKNOWN_ALERT
        await source.acked(segment(1, "you will hear from my lawyer"))
        assert (await agent.refused(ANSWER)).code is Code.NOT_ALLOWED
        assert (await source.refused(ANSWER)).code is Code.NOT_ALLOWED
        first = await chief.acked(ANSWER)
        assert await chief.acked(ANSWER) == first
        await source.acked(ENDED)
        assert (await chief.refused(ANSWER | {"answer_id": "a2"})).code is Code.CALL_ENDED


async def test_no_tenant_sees_the_alerts_of_another(tmp_path: Path) -> None:
    lines = [
        line
        for tenant in ("acme", "zenith")
        for line in (
            f"[{tenant}]",
            *(f'{role} = "{digest_of(f"{tenant}-{role}").hex()}"' for role in ("source", "supervisor")),
        )
    ]
    (tmp_path / "tokens.toml").write_text("\n".join(lines), "utf-8")
    async with (
        serving(followed=ALERTING, tokens_file=tmp_path / "tokens.toml") as server,
        joined(server, "source", token="acme-source") as source,
        joined(server, "supervisor", token="acme-supervisor") as ours,
        joined(server, "supervisor", token="zenith-supervisor") as theirs,
    ):
        for chief in (ours, theirs):
            await chief.say({"type": "watch_board"})
            await chief.until(Board)
        await source.acked(STARTED, segment(1, "you will hear from my lawyer"))
        await alert(ours, "open")
        assert (await theirs.refused(ANSWER)).code is Code.UNKNOWN_CALL
        await theirs.say({"type": "watch_board"})
        assert (await theirs.until(Board)).alerts == ()


async def test_a_call_costs_the_same_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: whose state is looked at, and how many sidebars are told, when a call starts and ends."""
    async with serving() as server, joined(server, "source") as source:
        looked: Counter[str] = Counter()
        look, send = server.live.call, Socket.send_framed

        def noted(key: CallKey) -> Call:
            looked[key.call_id] += 1
            return look(key)

        def counted(socket: Socket, *frame: Any, **more: Any) -> None:
            looked["sent"] += 1
            send(socket, *frame, **more)

        async def one(number: int) -> Counter[str]:
            looked.clear()
            name = {"call_id": f"c{number}", "agent": f"a{number}"}
            await source.acked(STARTED | name, ENDED | {"call_id": f"c{number}"})
            return Counter(looked)

        monkeypatch.setattr(server.live, "call", noted)
        monkeypatch.setattr(Socket, "send_framed", counted)
        async with AsyncExitStack() as sidebars:
            await sidebars.enter_async_context(joined(server, "agent", agent="a0"))
            alone = await one(0)
            for number in range(1, 60):
                await sidebars.enter_async_context(joined(server, "agent", agent=f"a{number}"))
                await source.acked(STARTED | {"call_id": f"c{number}", "agent": f"a{number}"})
            await sidebars.enter_async_context(joined(server, "agent", agent="a60"))
            among_many = await one(60)
        assert alone["c0"] == among_many["c60"]
        assert alone["sent"] == among_many["sent"]
        assert sum(among_many.values()) == sum(alone.values())
