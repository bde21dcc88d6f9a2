"""One model lane reads the calls of all workers, and finds articles for all."""

import asyncio
from pathlib import Path

from desks import Client
from folders import write
from houses import calls_of, house
from meant import AND_THEN, MEANT, SOUGHT, UNDERSTOOD

from rtig import knowledge
from rtig.core.guidance import Card
from rtig.wire.messages import Found, Guided, LaneIs, Welcome

SECONDS = 50.0


async def until_on(client: Client) -> None:
    state = next(message.lane for message in client.heard if isinstance(message, Welcome))
    while state != "on":
        state = (await client.until(LaneIs)).state


async def test_a_call_of_any_worker_is_read_and_the_lane_is_down_while_its_worker_is_away(tmp_path: Path) -> None:
    playbook = knowledge.compile_folder(write(tmp_path / "kb", UNDERSTOOD))
    of = {"call_id": calls_of(1)[0]}
    async with (
        asyncio.timeout(SECONDS),
        house(tmp_path, playbook=playbook, meaning="auto", knowledge_base=tmp_path / "kb") as workers,
        workers.at(1, "source") as source,
        workers.at(1, "agent", agent="ann") as agent,
    ):
        await until_on(agent)
        await source.acked({"type": "call_started"} | of, MEANT | of, AND_THEN | of)
        await agent.say({"type": "watch"} | of)
        confirmed: list[Card] = []
        while not confirmed:
            told = await agent.until(Guided)
            confirmed = [item for item in told.items if isinstance(item, Card) and item.state == "confirmed"]
        assert confirmed[0].why.score is not None
        await agent.say({"type": "find", "find_id": "f", "query": SOUGHT})
        found = await agent.until(Found)
        assert (found.meaning, [article.id for article in found.articles][:1]) == (True, ["moving-home"])
        assert workers.servers[1].lane is None
        await workers.end(0)
        assert (await agent.until(LaneIs)).state in ("off", "down")
