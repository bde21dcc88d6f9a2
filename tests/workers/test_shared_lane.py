"""One model lane reads the calls of all workers, and finds articles for all."""

import asyncio
from pathlib import Path

from desks import Client
from houses import calls_of, house

from rtig import knowledge
from rtig.core.guidance import Card
from rtig.wire.messages import Found, Guided, LaneIs, Welcome

# What is shipped to be told apart from is in English; in another language a lesson is learned in no time.
FILES = {
    "kb.yaml": "name: Meaning\nlanguage: nl\n",
    "articles/bill.md": """---
id: high-bill
title: Why a bill is higher than expected
say: Let me look at what changed since your last bill.
triggers:
  - said: [bill has doubled]
  - means:
      - why do i have to pay so much this month
      - you have charged me far too much money
      - this invoice is a lot more than it was
      - i do not understand why it costs so much
      - the amount that you took is too high
---
An ended discount is the usual cause.
""",
    "articles/moving.md": """---
id: moving-home
title: Moving home
say: When is the big day?
triggers:
  - means:
      - we are going to live somewhere else
      - i have bought a new house
      - can i take the line with me to another flat
      - my address is going to change soon
      - next month we leave this place
---
Ten working days.
""",
}
SECONDS = 50.0


async def until_on(client: Client) -> None:
    state = next(message.lane for message in client.heard if isinstance(message, Welcome))
    while state != "on":
        state = (await client.until(LaneIs)).state


async def test_a_call_of_any_worker_is_read_and_the_lane_is_down_while_its_worker_is_away(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / "kb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    playbook = knowledge.compile_folder(tmp_path / "kb")
    call = calls_of(1)[0]
    said = {
        "type": "segment", "call_id": call, "segment_id": "s1", "rev": 1, "party": "customer", "final": True,
        "text": "why on earth did you take so much money from me", "start_ms": 1_000, "end_ms": 4_000,
    }  # fmt: skip
    then = said | {"segment_id": "s2", "party": "agent", "text": "ah", "start_ms": 9_000, "end_ms": 9_300}
    async with (
        asyncio.timeout(SECONDS),
        house(tmp_path, playbook=playbook, meaning="auto", knowledge_base=tmp_path / "kb") as workers,
        workers.at(1, "source") as source,
        workers.at(1, "agent", agent="ann") as agent,
    ):
        await until_on(agent)
        await source.acked({"type": "call_started", "call_id": call}, said, then)
        await agent.say({"type": "watch", "call_id": call})
        confirmed: list[Card] = []
        while not confirmed:
            told = await agent.until(Guided)
            confirmed = [item for item in told.items if isinstance(item, Card) and item.state == "confirmed"]
        assert confirmed[0].why.score is not None
        await agent.say({"type": "find", "find_id": "f", "query": "relocating to a different apartment"})
        found = await agent.until(Found)
        assert (found.meaning, [article.id for article in found.articles][:1]) == (True, ["moving-home"])
        assert workers.servers[1].lane is None
        await workers.end(0)
        assert (await agent.until(LaneIs)).state in ("off", "down")
