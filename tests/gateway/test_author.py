"""What authors ask over HTTP, of a whole server: who may, what is refused and how, and what is noted."""

import asyncio
from typing import Any

import pytest
from asking import ask
from desks import ENDED, STARTED, joined, segment, serving
from structlog.testing import capture_logs

from rtig.app import Server
from rtig.errors import Code
from rtig.gateway.author import ASKED_IN_A_BURST
from rtig.wire.authors import Job
from rtig.wire.messages import JobIs, KnowledgeIs, LaneIs

KEYS: dict[str, Any] = {"source_token": "one", "agent_token": "two", "author_token": "three"}
SENTENCE = {"sentence": "my bill has doubled"}


@pytest.mark.parametrize("path", ["state", "rules", "jobs", "jobs/x/result"])
async def test_authors_alone_are_answered(path: str) -> None:
    async with serving(**KEYS) as server:
        address = f"/api/author/{path}"
        for key, status, code in (("", 401, Code.UNAUTHENTICATED), ("two", 403, Code.NOT_ALLOWED)):
            answer = await ask(server, address, key=key)
            assert (answer.status, answer.json["code"]) == (status, code)
            assert server.desk.metrics.refused[code] == 1
        answer = await ask(server, address, key="three", origin="https://evil.example")
        assert (answer.status, answer.json["code"]) == (403, Code.BAD_ORIGIN)
        assert (await ask(server, address, key="three")).headers["cache-control"] == "no-store"


async def test_the_state_is_told_on_coming_in_and_over_http() -> None:
    async with serving(**KEYS, reload_seconds=0) as server, joined(server, "author", token="three") as author:
        told = (await author.until(KnowledgeIs)).knowledge
        assert (told.name, told.version) == (server.live.playbook.name, server.live.playbook.version)
        assert (told.errors, told.follows, told.compares) == ((), False, "start")
        answer = await ask(server, "/api/author/state", key="three")
        assert answer.json["version"] == told.version


async def test_an_author_is_told_when_the_lane_changes_and_may_say_nothing() -> None:
    async with serving(**KEYS) as server, joined(server, "author", token="three") as author:
        server.desk.tell_lane("down")
        assert (await author.until(LaneIs)).state == "down"
        refused = await author.refused({"type": "watch", "call_id": "c1"})
        assert refused.code is Code.NOT_ALLOWED


async def test_a_sentence_is_tried_and_kept_nowhere() -> None:
    async with serving(**KEYS) as server:
        with capture_logs() as logs:
            answer = await ask(server, "/api/author/try", SENTENCE | {"rule": "router"}, key="three")
        assert answer.status == 200
        assert [one["rule"] for one in answer.json["tried"]["fired"]] == ["bill"]
        assert (answer.json["lane"], answer.json["tried"]["likely"]) == ("off", None)
        assert answer.json["story"]["rule"] == "router"
        assert "doubled" not in str(logs)
        assert await server.log.calls("default") == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("try", {"sentence": ""}, 400, Code.BAD_MESSAGE),
        ("try", {"sentence": "   "}, 400, Code.BAD_MESSAGE),
        ("try", {"sentence": "canary" * 200}, 400, Code.BAD_MESSAGE),
        ("try", {"sentence": "canary", "canary": 1}, 400, Code.BAD_MESSAGE),
        ("try", {"sentence": "canary", "party": "canary"}, 400, Code.BAD_MESSAGE),
        ("try", {"sentence": "canary", "rule": "canary"}, 404, Code.UNKNOWN_RULE),
        ("try", b'{"sentence": "canary', 400, Code.BAD_JSON),
        ("try", b" " * 5000, 400, Code.BAD_JSON),
        ("jobs", {"kind": "canary"}, 400, Code.BAD_MESSAGE),
        ("jobs", {"kind": "outcomes", "calls": 10**6}, 400, Code.BAD_MESSAGE),
    ],
)
async def test_what_is_wrong_is_refused_with_a_code_and_never_quoted(
    path: str, body: Any, status: int, code: Code
) -> None:
    async with serving(**KEYS) as server:
        answer = await ask(server, f"/api/author/{path}", body, key="three")
        assert (answer.status, answer.json["code"]) == (status, code)
        assert b"canary" not in answer.body
        assert server.desk.metrics.refused[code] == 1


async def test_too_much_at_once_is_asked_to_wait() -> None:
    async with serving(**KEYS) as server:
        answers = [await ask(server, "/api/author/jobs", key="three") for _ in range(int(ASKED_IN_A_BURST) + 20)]
        over = [answer for answer in answers if answer.status == 429]
        assert over
        assert int(over[0].headers["retry-after"]) >= 1


# --- jobs


async def begun(server: Server, kind: str, key: str = "three", **more: Any) -> Job:
    answer = await ask(server, "/api/author/jobs", {"kind": kind} | more, key=key)
    assert answer.status == 202
    return Job(**answer.json)


async def a_call(server: Server, call_id: str = "c1", text: str = "my bill has doubled") -> None:
    async with joined(server, "source", token="one") as source:
        await source.acked(STARTED | {"call_id": call_id}, segment(1, text, call_id), ENDED | {"call_id": call_id})


async def test_a_job_is_told_as_it_goes_and_its_result_says_what_there_is() -> None:
    async with serving(**KEYS) as server:
        await a_call(server)
        async with joined(server, "author", token="three") as author:
            job = await begun(server, "outcomes")
            done = await author.until(JobIs, lambda told: told.job.state != "running")
            assert (done.job.id, done.job.state, done.job.done, done.job.total) == (job.id, "done", 1, 1)
            answer = await ask(server, f"/api/author/jobs/{job.id}/result", key="three")
            (bill,) = [rule for rule in answer.json["rules"] if rule["rule"] == "bill"]
            assert (answer.json["calls"], bill["shown"], bill["calls"]) == (1, 1, 1)
            assert [one["id"] for one in (await ask(server, "/api/author/jobs", key="three")).json] == [job.id]
        # Who comes later is told of what there is.
        async with joined(server, "author", token="three") as late:
            assert (await late.until(JobIs)).job == done.job


async def test_each_call_whose_words_are_read_is_noted() -> None:
    async with serving(**KEYS) as server:
        for call_id in ("c1", "c2"):
            await a_call(server, call_id, "where can I park my caravan while I am away")
        async with joined(server, "author", token="three") as author:
            job = await begun(server, "gaps")
            await author.until(JobIs, lambda told: told.job.state == "done")
        with capture_logs() as logs:
            answer = await ask(server, f"/api/author/jobs/{job.id}/result", key="three")
        assert answer.json["groups"][0]["count"] == 2
        noted = [entry for entry in logs if entry["event"] == "words of a call read"]
        assert [(entry["tenant"], entry["call_id"], entry["role"]) for entry in noted] == [
            ("default", "c1", "author"), ("default", "c2", "author"),
        ]  # fmt: skip
        assert "caravan" not in str(logs)


async def test_an_erased_call_takes_the_results_with_it() -> None:
    async with serving(**KEYS) as server:
        await a_call(server, text="where can I park my caravan while I am away")
        async with joined(server, "author", token="three") as author:
            job = await begun(server, "gaps")
            await author.until(JobIs, lambda told: told.job.state == "done")
            await server.desk.erase(next(iter(server.live._calls)))
            assert (await author.until(JobIs)).job.state == "cancelled"
        answer = await ask(server, f"/api/author/jobs/{job.id}/result", key="three")
        assert (answer.status, answer.json["code"]) == (404, Code.UNKNOWN_JOB)


async def test_a_job_is_cancelled_and_has_no_result() -> None:
    async with serving(**KEYS) as server, joined(server, "author", token="three") as author:
        job = await begun(server, "backtest")
        answer = await ask(server, f"/api/author/jobs/{job.id}", key="three", method="DELETE")
        assert answer.json["state"] == "cancelled"
        assert (await author.until(JobIs, lambda told: told.job.state != "running")).job.state == "cancelled"
        assert (await ask(server, f"/api/author/jobs/{job.id}/result", key="three")).status == 404
        assert (await ask(server, "/api/author/jobs/nobody", key="three", method="DELETE")).status == 404
        # The next one has the turn.
        again = await begun(server, "backtest")
        async with asyncio.timeout(30):
            done = await author.until(JobIs, lambda told: told.job.id == again.id and told.job.state != "running")
        assert done.job.state == "done"


async def test_another_tenants_calls_and_jobs_are_never_seen(tmp_path: Any) -> None:
    import hashlib

    digests = {role: hashlib.sha256(f"acme-{role}".encode()).hexdigest() for role in ("author", "source")}
    tokens = tmp_path / "tokens.toml"
    tokens.write_text("[acme]\n" + "".join(f'{role} = "{digest}"\n' for role, digest in digests.items()))
    async with serving(**KEYS, tokens_file=tokens) as server:
        await a_call(server)
        async with joined(server, "author", token="acme-author") as theirs:
            ours = await begun(server, "outcomes")
            their = await begun(server, "outcomes", key="acme-author")
            done = await theirs.until(JobIs, lambda told: told.job.state == "done")
            assert (done.job.id, done.job.total) == (their.id, 0)
            assert not [told for told in theirs.heard if isinstance(told, JobIs) and told.job.id == ours.id]
        assert (await ask(server, f"/api/author/jobs/{ours.id}", key="acme-author", method="DELETE")).status == 404
