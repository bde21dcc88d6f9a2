"""Clients and calls meet, whichever worker each has reached."""

from pathlib import Path

from desks import ENDED, STARTED, segment
from houses import calls_of, house

from rtig.core.guidance import Line
from rtig.wire.messages import Board, Calls, Guided

HERE, THERE = calls_of(0), calls_of(1)


async def test_a_call_meets_its_watchers_wherever_they_are(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source", source="one") as source:
        for call in (HERE[0], THERE[0]):
            await source.acked(STARTED | {"call_id": call}, segment(1, "the bill has doubled", call))
        for worker in (0, 1):
            async with workers.at(worker, "agent", agent="ann") as agent:
                for call in (HERE[0], THERE[0]):
                    past = await agent.watch(call)
                    lines = [item.text for told in past for item in told.items if isinstance(item, Line)]
                    assert lines[0] == "the bill has doubled"
                    await source.acked(segment(worker + 2, f"live {worker}", call))
                    live = await agent.until(Guided)
                    assert (live.call_id, live.timing is not None) == (call, True)
        assert {worker: len(server.live.live("default")) for worker, server in workers.servers.items()} == {0: 1, 1: 1}


async def test_an_agent_is_told_of_its_calls_at_every_worker_newest_first(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source", source="one") as source:
        await source.acked(STARTED | {"call_id": THERE[0]})
        async with workers.at(0, "agent", agent="ann") as agent, workers.at(0, "agent", agent="bob") as bob:
            told = await agent.until(Calls, lambda told: len(told.calls) == 1)
            assert [call.call_id for call in told.calls] == [THERE[0]]
            await source.acked(STARTED | {"call_id": HERE[0]}, STARTED | {"call_id": THERE[1], "agent": "bob"})
            told = await agent.until(Calls, lambda told: len(told.calls) == 2)
            assert [call.call_id for call in told.calls] == [HERE[0], THERE[0]]
            told = await bob.until(Calls, lambda told: len(told.calls) == 1)
            assert [call.call_id for call in told.calls] == [THERE[1]]
            await source.acked(ENDED | {"call_id": THERE[0]})
            told = await agent.until(Calls, lambda told: len(told.calls) == 1)
            assert [call.call_id for call in told.calls] == [HERE[0]]


async def test_a_board_shows_the_calls_of_all_workers(tmp_path: Path) -> None:
    async with house(tmp_path, 3) as workers, workers.at(0, "source", source="one") as source:
        calls = [call for worker in range(3) for call in calls_of(worker, 3)]
        for call in calls:
            await source.acked(STARTED | {"call_id": call}, segment(1, "hello", call))
        for worker in range(3):
            async with workers.at(worker, "supervisor") as supervisor:
                await supervisor.say({"type": "watch_board"})
                rows: set[str] = set()
                first = await supervisor.until(Board)
                assert first.whole
                rows |= {row.call_id for row in first.rows}
                more = first.more
                while more:
                    frame = await supervisor.until(Board)
                    assert not frame.whole
                    rows |= {row.call_id for row in frame.rows}
                    more = frame.more
                assert rows == set(calls)
                await source.acked(ENDED | {"call_id": calls.pop()})
                await supervisor.until(Board, lambda told: len(told.gone) == 1)
