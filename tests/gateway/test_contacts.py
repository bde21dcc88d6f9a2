"""The other calls of a customer, as the agent of a call gets them; with who was given what on record."""

from pathlib import Path
from typing import Any

from desks import ENDED, STARTED, Client, joined, segment, serving
from structlog.testing import capture_logs

from rtig.errors import Code
from rtig.eventlog.port import CallKey
from rtig.gateway import desk
from rtig.gateway.doors import digest_of
from rtig.wire.messages import History, Refused

ASK: dict[str, Any] = {"type": "ask_history", "call_id": "now"}
PROMISED = "i will send you a letter by friday"


def of(call_id: str, customer: str = "account 7", **more: Any) -> dict[str, Any]:
    return STARTED | {"call_id": call_id, "customer": customer} | more


async def earlier(source: Client, call_id: str, **more: Any) -> None:
    """A call that is over."""
    said = segment(1, PROMISED, call_id, party="agent")
    await source.acked(of(call_id, **more), said, ENDED | {"call_id": call_id})


async def history(reader: Client) -> History:
    await reader.say(ASK)
    return await reader.until(History)


def listed(told: History) -> list[str]:
    return [contact.call_id for contact in told.contacts]


async def test_the_other_calls_of_a_customer_newest_first_with_the_brief_of_the_newest() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent", agent="ann") as agent:
        await earlier(source, "first", queue="faults", channel="chat", started_at=1_700_000_000_000)
        await earlier(source, "strangers", customer="account 77")
        await earlier(source, "second")
        await source.acked(of("now"))
        with capture_logs() as logs:
            told = await history(agent)
        assert listed(told) == ["second", "first"]
        first = told.contacts[1]
        assert (first.channel, first.queue, first.started_at) == ("chat", "faults", 1_700_000_000_000)
        assert (first.state, first.reason, first.band, first.lasted_ms) == ("ended", "completed", "calm", 60_000)
        assert told.contacts[0].started_at > 1_700_000_000_000
        assert told.brief is not None
        assert (told.brief.call_id, [line.when for line in told.brief.promised]) == ("second", ["by friday"])
        by = {"tenant": "default", "role": "agent", "agent": "ann", "log_level": "info"}
        assert [entry for entry in logs if entry["event"] in ("history read", "brief read")] == [
            by | {"event": "history read", "call_id": "now", "contacts": ["second", "first"]},
            by | {"event": "brief read", "call_id": "second"},
        ]
        assert "letter" not in str(logs)


async def test_there_are_none_without_a_reference_and_only_so_many_with_one() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "supervisor") as chief:
        await earlier(source, "nobody", customer="")
        await source.acked(of("now", customer=""))
        told = await history(chief)
        assert (told.contacts, told.brief) == ((), None)
        await source.acked(ENDED | {"call_id": "now"})
        await server.desk.erase(CallKey("default", "now"))
        await source.acked(of("now"))
        for number in range(desk.CONTACTS + 2):
            await earlier(source, f"c{number}")
        told = await history(chief)
        assert listed(told) == [f"c{number}" for number in range(desk.CONTACTS + 1, 1, -1)]


async def test_who_may_not_have_it_and_of_what_there_is_none(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.toml"
    lines = [
        f"[{tenant}]\n" + "\n".join(f'{role} = "{digest_of(f"{tenant}-{role}").hex()}"' for role in ("source", "agent"))
        for tenant in ("acme", "umbra")
    ]
    tokens.write_text("\n".join(lines))
    async with (
        serving(tokens_file=tokens) as server,
        joined(server, "source", token="acme-source") as source,
        joined(server, "source", token="umbra-source") as stranger,
        joined(server, "agent", token="umbra-agent") as spy,
    ):
        await earlier(source, "secret")
        await source.acked(of("now"))
        refused = await spy.refused(ASK)
        assert (refused.code, refused.call_id, refused.retry) == (Code.UNKNOWN_CALL, "now", True)
        await stranger.acked(of("now"))
        told = await history(spy)
        assert (told.contacts, told.brief) == ((), None)
        assert (await source.refused(ASK)).code is Code.NOT_ALLOWED


async def test_erased_calls_are_gone_and_a_restart_changes_nothing(tmp_path: Path) -> None:
    log = str(tmp_path / "calls.db")
    async with serving(log=log) as server, joined(server, "source") as source:
        for name in ("first", "second", "third"):
            await earlier(source, name)
        await source.acked(of("now"))
    async with serving(log=log) as server, joined(server, "agent") as agent:
        assert listed(await history(agent)) == ["third", "second", "first"]
        await server.desk.erase(CallKey("default", "third"))
        told = await history(agent)
        assert listed(told) == ["second", "first"]
        assert told.brief is not None
        assert told.brief.call_id == "second"
        await server.log.close()
        await agent.say(ASK)
        refused = await agent.until(Refused)
        assert (refused.code, refused.retry) == (Code.LOG_UNAVAILABLE, True)
