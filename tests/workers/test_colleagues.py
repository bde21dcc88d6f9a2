"""Clients and calls meet, whichever worker each has reached."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from asking import ask
from desks import ENDED, STARTED, segment, turned_off, welcomed
from houses import calls_of, house
from sockets import client
from websockets.typing import Subprotocol

from rtig.core.guidance import Card, Line
from rtig.errors import Code
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.wire.messages import Ack, Board, Briefed, Bye, Calls, Guided, History, JobIs, KnowledgeIs, StartOver
from rtig.workers import relay

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
        assert {worker: server.live.count() for worker, server in workers.servers.items()} == {0: 1, 1: 1}


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


async def test_a_source_has_its_calls_back_and_others_have_not_wherever_they_connect(tmp_path: Path) -> None:
    async with house(tmp_path) as workers:
        for worker in (0, 1):
            async with workers.at(worker, "source", source="one") as source:
                for call in (HERE[0], THERE[0]):
                    (ack,) = await source.acked(STARTED | {"call_id": call})
                    assert ack.seq == 1
            async with workers.at(worker, "source", source="two") as stranger:
                for call in (HERE[0], THERE[0]):
                    refused = await stranger.refused(segment(9, call_id=call))
                    assert (refused.code, refused.call_id, refused.key) == (Code.CALL_TAKEN, call, "s9@1")


async def test_a_source_without_a_name_leaves_its_calls_to_anybody_when_it_goes(tmp_path: Path) -> None:
    async with house(tmp_path) as workers:
        async with workers.at(0, "source") as source:
            await source.acked(STARTED | {"call_id": THERE[0]})
            async with workers.at(1, "source") as other:
                assert (await other.refused(segment(1, call_id=THERE[0]))).code is Code.CALL_TAKEN
        async with workers.at(1, "source") as other, asyncio.timeout(20):
            while True:
                await other.say(segment(1, call_id=THERE[0]))
                if isinstance(await other.hear(), Ack):
                    break


async def test_what_is_refused_there_is_refused_as_it_is_here(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source") as source, workers.at(0, "agent") as agent:
        for call in (HERE[0], THERE[0]):
            unknown = await agent.refused({"type": "watch", "call_id": call})
            assert (unknown.code, unknown.retry, unknown.call_id) == (Code.UNKNOWN_CALL, True, call)
            not_allowed = await agent.refused(segment(1, call_id=call))
            assert not_allowed.code is Code.NOT_ALLOWED
            bad = await source.refused(segment(1, call_id=call) | {"rev": "x"})
            assert (bad.code, bad.message) == (Code.BAD_MESSAGE, "Expected `int`, got `str` - at `$.rev`")
            twice = await source.refused({"type": "hello", "role": "source", "call_id": call})
            assert twice.code is Code.HELLO_TWICE


async def test_a_vendors_stream_goes_to_its_call(tmp_path: Path) -> None:
    frame = {
        "type": "Results", "channel_index": [0, 1], "is_final": True, "speech_final": True, "start": 0.0,
        "duration": 1.0, "channel": {"alternatives": [{"transcript": "the bill has doubled", "confidence": 0.9}]},
    }  # fmt: skip
    async with house(tmp_path) as workers, workers.at(1, "agent", agent="ann") as agent:
        for call in (HERE[0], THERE[0]):
            parties = {"0": "customer"}
            hello = {"format": "deepgram", "call_id": call, "parties": parties, "agent": "ann"}
            async with workers.at(0, "source", **hello) as vendor:
                await vendor.say(frame)
                await vendor.until(Ack, lambda ack: "@" in ack.key)
                lines = [item.text for told in await agent.watch(call) for item in told.items if isinstance(item, Line)]
                assert lines == ["the bill has doubled"]


async def test_a_history_is_of_all_workers(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source") as source:
        for number, call in enumerate((HERE[1], THERE[1], HERE[2])):
            started = STARTED | {"call_id": call, "customer": "account 7", "started_at": 1_700_000_000_000 + number}
            await source.acked(started, ENDED | {"call_id": call})
        for call in (HERE[0], THERE[0]):
            now = STARTED | {"call_id": call, "customer": "account 7", "started_at": 1_600_000_000_000}
            await source.acked(now)
            async with workers.at(1, "agent") as agent:
                await agent.say({"type": "ask_history", "call_id": call})
                told = await agent.until(History)
                others = {HERE[0]} if call == THERE[0] else set()
                contacts = [contact.call_id for contact in told.contacts if contact.call_id not in others]
                assert contacts == [HERE[2], THERE[1], HERE[1]]
                assert told.brief is not None
                assert told.brief.call_id == HERE[2]


async def test_an_outcome_of_each_kind_is_told_across(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source") as source, workers.at(0, "agent") as agent:
        await source.acked(STARTED | {"call_id": THERE[0]}, segment(1, "my bill has doubled", THERE[0]))
        cards = [item for told in await agent.watch(THERE[0]) for item in told.items if isinstance(item, Card)]
        answer = {"type": "answer", "call_id": THERE[0], "card_id": cards[-1].id, "action": "useful", "answer_id": "a1"}
        (ack,) = await agent.acked(answer)
        assert (ack.call_id, ack.key) == (THERE[0], "answer:a1")
        await agent.say({"type": "ask_brief", "call_id": THERE[0]})
        assert (await agent.until(Briefed)).brief.call_id == THERE[0]
        brief = await ask(workers.servers[0], f"/api/calls/{THERE[0]}/brief")
        assert (brief.status, brief.json["call_id"]) == (200, THERE[0])
        assert (await ask(workers.servers[0], f"/api/calls/{THERE[1]}/brief")).status == 404


async def test_a_ticket_is_good_once_at_whichever_worker(tmp_path: Path) -> None:
    async with house(tmp_path, agent_token="two") as workers:
        for issuer in (0, 1):
            for spender in (0, 1):
                answer = await ask(workers.servers[issuer], "/api/ticket", {"role": "agent"}, key="two")
                ticket = Subprotocol(f"ticket.{answer.json['ticket']}")
                offered = [Subprotocol("rtig.v1"), ticket]
                async with client(workers.servers[spender].socket_url, subprotocols=offered) as connection:
                    await welcomed(connection, "agent")
                for again in (0, 1):
                    async with client(workers.servers[again].socket_url, subprotocols=offered) as connection:
                        bye = await turned_off(connection, {"type": "hello", "role": "agent"})
                        assert bye.code is Code.UNAUTHENTICATED


async def test_figures_are_of_all_workers(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source") as source, workers.at(1, "agent") as agent:
        for number, call in enumerate((HERE[0], THERE[0])):
            await source.acked(STARTED | {"call_id": call})
            await agent.watch(call)
            await source.acked(segment(1, "my bill has doubled", call))
            await agent.until(Guided, lambda told: any(isinstance(item, Card) for item in told.items))
            for server in workers.servers.values():
                page = (await ask(server, "/metrics")).body.decode()
                assert f'rtig_messages_total{{type="call_started"}} {number + 1}.0' in page
                assert f"rtig_live_calls {number + 1}.0" in page
                assert f"rtig_card_latency_recorded_total {number + 1}.0" in page
                assert 'rtig_connections{role="agent"} 1.0' in page
                told = (await ask(server, "/api/latency")).json
                total = next(stage for stage in told["stages"] if stage["stage"] == "total")
                assert (told["live_calls"], total["start"]["count"], total["minute"]["count"]) == (number + 1,) * 3
                assert (await ask(server, "/readyz")).json == {"ready": True, "reasons": []}
        await workers.end(1)
        ready = await ask(workers.servers[0], "/readyz")
        assert (ready.status, ready.json["reasons"]) == (503, ["worker 2 is away"])


async def test_authors_work_on_the_calls_of_all_workers_through_any(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source") as source:
        for call in (HERE[0], THERE[0], HERE[1]):
            said = segment(1, "my bill has doubled", call)
            await source.acked(STARTED | {"call_id": call}, said, ENDED | {"call_id": call})
        async with workers.at(1, "author") as author:
            assert (await author.until(KnowledgeIs)).knowledge.name == workers.servers[0].live.playbook.name
            begun = await ask(workers.servers[1], "/api/author/jobs", {"kind": "outcomes", "calls": 2})
            assert (begun.status, begun.json["total"]) == (202, 2)
            done = await author.until(JobIs, lambda told: told.job.state != "running")
            assert done.job.state == "done"
            for server in workers.servers.values():
                result = await ask(server, f"/api/author/jobs/{done.job.id}/result")
                (bill,) = [rule for rule in result.json["rules"] if rule["rule"] == "bill"]
                assert (result.json["calls"], bill["shown"]) == (2, 2)
            wrong = await ask(workers.servers[1], "/api/author/jobs", {"kind": "x"})
            assert (wrong.status, wrong.json["code"]) == (400, Code.BAD_MESSAGE)
            await workers.servers[1].desk.erase(CallKey("default", THERE[0]))
            assert (await author.until(JobIs, lambda told: told.job.state == "cancelled")).job.id == done.job.id


# --- slow and lost


async def test_a_watcher_that_does_not_read_is_closed_and_the_others_have_everything(tmp_path: Path) -> None:
    long = "<" * 14_000
    limits: dict[str, Any] = {"outbox_bytes": 65_536, "outbox_seconds": 0.3}
    async with (
        house(tmp_path, **limits) as workers,
        workers.at(1, "source") as source,
        workers.at(0, "agent") as good,
        workers.at(0, "agent") as lazy,
    ):
        await source.acked(STARTED | {"call_id": THERE[0]})
        await good.watch(THERE[0])
        await lazy.watch(THERE[0])
        lazy.connection.transport.pause_reading()

        async def read() -> list[int]:
            return [(await good.until(Guided)).seq for _ in range(600)]

        reading = asyncio.create_task(read())
        for number in range(1, 601):
            await source.acked(segment(number, long, THERE[0], party="agent"))
        assert await reading == list(range(2, 602))
        metrics = workers.servers[0].desk.metrics
        async with asyncio.timeout(20):
            while not metrics.closed[Code.TOO_SLOW]:
                await asyncio.sleep(0.01)
        lazy.connection.transport.resume_reading()
        assert (await lazy.until(Bye)).code is Code.TOO_SLOW
        last = [message for message in lazy.heard if isinstance(message, Guided)][-1]
        async with workers.at(0, "agent") as back:
            missed = await back.watch(THERE[0], after={"epoch": last.epoch, "seq": last.seq})
            assert [message.seq for message in missed] == list(range(last.seq + 1, 602))
        # What waited for it at the owner was bounded all the time.
        largest = max(server.desk.metrics.largest_outbox for server in workers.servers.values())
        assert largest <= 65_536 + 2 * len(long)


async def test_a_source_that_sends_faster_than_calls_are_folded_is_slowed_and_not_closed(tmp_path: Path) -> None:
    count = 15_000
    async with (
        house(tmp_path, source_messages_per_second=1e6) as workers,
        client(workers.servers[0].socket_url, max_queue=None) as connection,
    ):
        source = await welcomed(connection, "source")
        await source.acked(STARTED | {"call_id": THERE[0]})
        for rev in range(count):
            frame = segment(1, "<", THERE[0], rev=rev, final=False, party="agent")
            await connection.send(msgspec.json.encode(frame).decode())
        acks = [await source.until(Ack) for _ in range(count)]
        assert [ack.seq for ack in acks] == list(range(2, count + 2))


async def test_who_has_calls_at_a_worker_that_ends_is_sent_away_and_resumes_when_it_is_back(tmp_path: Path) -> None:
    async with (
        house(tmp_path, log=str(tmp_path / "calls.db")) as workers,
        workers.at(0, "source", source="one") as source,
        workers.at(0, "agent") as ours,
    ):
        await source.acked(STARTED | {"call_id": HERE[0]})
        await ours.watch(HERE[0])
        async with workers.at(0, "source", source="two") as theirs, workers.at(0, "agent") as agent:
            await theirs.acked(STARTED | {"call_id": THERE[0]}, segment(1, call_id=THERE[0]))
            seen = (await agent.watch(THERE[0]))[-1]
            await workers.end(1)
            for one in (theirs, agent):
                bye = await one.until(Bye)
                assert (bye.code, bye.retry) == (Code.DRAINING, True)
        # Others go on, and who comes back waits.
        await source.acked(segment(1, call_id=HERE[0]))
        await ours.until(Guided)
        async with workers.at(0, "source", source="two") as theirs, workers.at(0, "agent") as agent:
            await theirs.say(segment(1, call_id=THERE[0]), segment(2, call_id=THERE[0]))
            after = {"epoch": seen.epoch, "seq": seen.seq}
            await agent.say({"type": "watch", "call_id": THERE[0], "after": after})
            await workers.start(1)
            acks = [await theirs.until(Ack) for _ in range(2)]
            assert [ack.seq for ack in acks] == [2, 3]
            told = await agent.until(Guided)
            assert (told.seq, told.epoch > seen.epoch) == (3, True)
            assert not any(isinstance(message, StartOver) for message in agent.heard)


async def test_nobody_waits_for_ever_for_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "AWAY_SECONDS", 0.01)
    async with house(tmp_path) as workers:
        await workers.end(1)
        async with workers.at(0, "source", source="one") as source, workers.at(0, "agent") as agent:
            refused = await source.refused(segment(1, call_id=THERE[0]))
            assert (refused.code, refused.key, refused.retry) == (Code.LOG_UNAVAILABLE, "s1@1", True)
            assert refused.retry_after
            await source.acked(STARTED | {"call_id": HERE[0]})
            await agent.say({"type": "watch", "call_id": THERE[0]})
            bye = await agent.until(Bye)
            assert (bye.code, bye.retry) == (Code.LOG_UNAVAILABLE, True)


async def test_a_board_keeps_the_rows_of_a_worker_that_is_away_until_it_is_back(tmp_path: Path) -> None:
    async with (
        house(tmp_path, log=str(tmp_path / "calls.db")) as workers,
        workers.at(0, "source") as source,
        workers.at(1, "source", source="two") as theirs,
        workers.at(0, "supervisor") as supervisor,
    ):
        await source.acked(STARTED | {"call_id": HERE[0]})
        await theirs.acked(STARTED | {"call_id": THERE[0]}, STARTED | {"call_id": THERE[1]})
        await supervisor.say({"type": "watch_board"})
        told = await supervisor.until(Board)
        assert ({row.call_id for row in told.rows}, told.whole) == ({HERE[0], *THERE[:2]}, True)
        await workers.end(1)
        log = await SqliteLog.open_file(f"{tmp_path}/calls.db.2")
        await log.erase(CallKey("default", THERE[1]))
        await log.close()
        await workers.start(1)
        told = await supervisor.until(Board, lambda told: bool(told.gone))
        assert (told.gone, told.whole) == ((THERE[1],), False)


async def test_an_agent_keeps_the_calls_of_a_worker_that_is_only_just_back(tmp_path: Path) -> None:
    async with (
        house(tmp_path, log=str(tmp_path / "calls.db")) as workers,
        workers.at(0, "source") as source,
        workers.at(1, "source", source="two") as theirs,
        workers.at(0, "agent", agent="ann") as agent,
    ):
        await theirs.acked(STARTED | {"call_id": THERE[0], "agent": "ann"})
        await agent.until(Calls, lambda told: len(told.calls) == 1)
        await workers.end(1)
        await workers.start(1)
        await workers.linked()
        await source.acked(STARTED | {"call_id": HERE[0], "agent": "ann"})
        await agent.until(Calls, lambda told: len(told.calls) == 2)
        since = next(at for at, told in enumerate(agent.heard) if isinstance(told, Calls) and told.calls)
        told = [told for told in agent.heard[since:] if isinstance(told, Calls)]
        assert all(THERE[0] in {call.call_id for call in calls.calls} for calls in told)


async def test_who_leaves_leaves_nothing_behind(tmp_path: Path) -> None:
    async with house(tmp_path) as workers, workers.at(0, "source") as source:
        await source.acked(STARTED | {"call_id": THERE[0]})
        for role in ("agent", "supervisor"):
            async with workers.at(0, role) as watcher:
                await watcher.watch(THERE[0])
                if role == "supervisor":
                    await watcher.say({"type": "watch_board"})
                    await watcher.until(Board)
        there = workers.servers[1].desk
        async with asyncio.timeout(20):
            while len(there.guests) > 1:
                await asyncio.sleep(0)
        assert (there._channels, there._watches) == ({}, {})
        assert [colleague._reached.keys() for colleague in workers.others(0)._of.values()] == [{0}]
        assert workers.others(0)._boards == {}
