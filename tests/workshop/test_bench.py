"""The server's side of what authors do: what is told and when, what fails and how, and how long a result stays."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio
from folders import ARTICLE, GOOD, write

from rtig import knowledge
from rtig.core.events import CallEnded, CallStarted, SegmentHeard
from rtig.errors import Code, LogUnavailable, MessageRefused, PlaybookErrors
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey
from rtig.wire.authors import Job, JobWanted, Knowledge, Try
from rtig.wire.messages import JobIs, KnowledgeIs, ServerMessage
from rtig.workshop import bench
from rtig.workshop.bench import Bench

pytestmark = [pytest.mark.process]
T = TypeVar("T")
SECONDS = 50.0
COUNT = JobWanted(kind="outcomes")


class Shop:
    """A bench with a folder and a log, and what it tells."""

    def __init__(self, folder: Path, draft: Path | None = None) -> None:
        self.folder = folder
        self.log = MemoryLog()
        self.told: list[tuple[ServerMessage, str | None]] = []
        self._came = asyncio.Event()
        self.bench = Bench(self.log, knowledge.compile_folder(folder), folder, self._tell, draft=draft)

    def _tell(self, message: ServerMessage, tenant: str | None) -> None:
        self.told.append((message, tenant))
        self._came.set()

    def edited(self, name: str, text: str) -> None:
        """A file is written, and the server has followed."""
        write(self.folder, {name: text})
        try:
            self.bench.changed(knowledge.compile_folder(self.folder))
        except PlaybookErrors as errors:
            self.bench.changed(errors)

    async def knows(self, such: Callable[[Knowledge], bool]) -> Knowledge:
        return await self._until(
            lambda: next((m.knowledge for m, _ in self.told if isinstance(m, KnowledgeIs) and such(m.knowledge)), None)
        )

    async def ended(self, job: Job) -> Job:
        return await self._until(
            lambda: next(
                (
                    m.job
                    for m, _ in self.told
                    if isinstance(m, JobIs) and m.job.id == job.id and m.job.state != "running"
                ),
                None,
            )
        )

    async def _until(self, found: Callable[[], T | None]) -> T:
        async with asyncio.timeout(SECONDS):
            while (it := found()) is None:
                self._came.clear()
                await self._came.wait()
        return it

    async def a_call(self, text: str = "my bill has doubled", tenant: str = "default") -> None:
        key = CallKey(tenant, "c1")
        await self.log.open(key)
        for event in (
            CallStarted(call_id="c1"),
            SegmentHeard(call_id="c1", segment_id="s", rev=1, party="customer", text=text, final=True,
                         start_ms=900, end_ms=1_500),
            CallEnded(call_id="c1", at_ms=4_000),
        ):  # fmt: skip
            self.log.append(key, event)


@pytest_asyncio.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(write(tmp_path / "kb", GOOD))
    yield shop
    await shop.bench.close()


async def test_lint_waits_until_somebody_looks_and_comes_again_after_a_change(shop: Shop) -> None:
    shop.edited("kb.yaml", "name: Nobody looks\n")
    assert [message for message, _ in shop.told if isinstance(message, KnowledgeIs) and message.knowledge.linting] == []
    assert shop.bench.knowledge.linting
    first = await shop.knows(
        lambda known: not known.linting and known.name == "Nobody looks" and bool(known.findings or shop.bench._places)
    )
    assert all(finding.severity == "warning" for finding in first.findings)
    assert {line.id: line.path for line in shop.bench.rules()}["ask-manager"] == "triggers/coaching.yaml"
    shop.edited("articles/billing/doubled-bill.md", ARTICLE.replace("2027-01-31", "2020-01-31"))
    later = await shop.knows(lambda known: any("to be reviewed" in found.problem for found in known.findings))
    assert later.version == shop.bench.knowledge.version
    await shop.knows(lambda known: known.findings == later.findings and not known.linting)


async def test_a_mistake_is_told_at_once_and_the_playbook_before_it_stays(shop: Shop) -> None:
    before = shop.bench._knowledge
    shop.edited("kb.yaml", "nonsense: 1\n")
    message, tenant = shop.told[-1]
    assert isinstance(message, KnowledgeIs)
    assert (message.knowledge.version, message.knowledge.loaded_at, tenant) == (before.version, before.loaded_at, None)
    assert [found.path for found in message.knowledge.errors] == ["kb.yaml", "kb.yaml"]
    assert not shop.bench.knowledge.linting
    shop.edited("kb.yaml", "name: Mended\n")
    assert (shop.bench.knowledge.errors, shop.bench.knowledge.name) == ((), "Mended")


async def test_a_sentence_is_tried_on_the_playbook_in_use(shop: Shop) -> None:
    said = Try(sentence="  my bill   has trebled ", rule="ask-manager")
    before = await shop.bench.try_sentence(said)
    assert (before.tried.fired, before.lane, before.story is not None) == ((), "off", True)
    shop.edited("articles/billing/doubled-bill.md", ARTICLE.replace("bill has doubled", "bill has trebled"))
    after = await shop.bench.try_sentence(said)
    assert [fired.rule for fired in after.tried.fired] == ["doubled-bill"]
    assert after.playbook != before.playbook
    with pytest.raises(MessageRefused) as refused:
        await shop.bench.try_sentence(Try(sentence="hello", rule="nobody"))
    assert refused.value.code is Code.UNKNOWN_RULE


async def test_one_sentence_is_tried_at_a_time_and_too_many_are_refused(shop: Shop) -> None:
    said = Try(sentence="my bill has doubled")
    answers = await asyncio.gather(
        *(shop.bench.try_sentence(said) for _ in range(bench.MOST_TRYING + 2)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, MessageRefused)]
    assert [one.code for one in refused] == [Code.RATE_LIMITED] * 2
    assert (await shop.bench.try_sentence(said)).tried.fired[0].rule == "doubled-bill"


async def test_a_job_says_how_far_it_is_and_its_result_stays_for_a_while(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.a_call()
    monkeypatch.setattr(bench, "KEPT_SECONDS", 0.2)
    job = await shop.bench.begin("default", COUNT)
    assert (job.state, job.done, job.total) == ("running", 0, 1)
    with pytest.raises(MessageRefused) as early:
        shop.bench.result("default", job.id)
    assert early.value.code is Code.UNKNOWN_JOB
    done = await shop.ended(job)
    assert (done.state, done.done) == ("done", 1)
    assert b'"doubled-bill"' in shop.bench.result("default", job.id).body
    assert {tenant for message, tenant in shop.told if isinstance(message, JobIs)} == {"default"}
    while shop.bench.jobs("default"):
        await asyncio.sleep(0.01)
    with pytest.raises(MessageRefused):
        shop.bench.result("default", job.id)


async def test_a_job_gives_way_to_the_next_of_its_kind(shop: Shop) -> None:
    first = await shop.bench.begin("default", COUNT)
    second = await shop.bench.begin("default", COUNT)
    assert (await shop.ended(second)).state == "done"
    assert [job.id for job in shop.bench.jobs("default")] == [second.id]
    with pytest.raises(MessageRefused):
        shop.bench.cancel("default", first.id)
    assert shop.bench.cancel("default", second.id).state == "done"  # what is done stays done


async def test_a_process_that_ends_fails_its_job_and_nothing_else(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        failed = await shop.ended(await shop.bench.begin("default", COUNT))
        assert (failed.state, failed.problem != "") == ("failed", True)
        assert shop.bench.knowledge.linting
        assert not (await shop.knows(lambda known: not known.linting)).linting
    assert (await shop.ended(await shop.bench.begin("default", COUNT))).state == "done"


async def test_a_log_that_gives_no_calls_fails_the_job(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.a_call()

    def unavailable(*_: object) -> None:
        raise LogUnavailable("not now")

    monkeypatch.setattr(shop.log, "read", unavailable)
    failed = await shop.ended(await shop.bench.begin("default", COUNT))
    assert (failed.state, failed.problem) == ("failed", "The process ended before it was done.")


async def test_a_lint_that_a_mistake_overtakes_tells_nothing(shop: Shop) -> None:
    assert shop.bench.knowledge.linting
    shop.edited("kb.yaml", "nonsense: 1\n")
    shop.edited("kb.yaml", "name: Mended\n")
    known = await shop.knows(lambda known: known.name == "Mended" and not known.linting)
    assert all(finding.severity == "warning" for finding in known.findings)
    assert not [m for m, _ in shop.told if isinstance(m, KnowledgeIs) and m.knowledge.errors and m.knowledge.findings]


async def test_the_mistakes_of_a_draft_are_told(tmp_path: Path) -> None:
    shop = Shop(write(tmp_path / "kb", GOOD), draft=write(tmp_path / "draft", {"kb.yaml": "nonsense: 1\n"}))
    assert shop.bench._knowledge.compares == "draft"
    failed = await shop.ended(await shop.bench.begin("default", JobWanted(kind="backtest")))
    assert (failed.state, {found.path for found in failed.errors}) == ("failed", {"kb.yaml"})
    await shop.bench.close()
