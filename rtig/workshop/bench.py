"""The server's side of what authors do: the state of the knowledge base, a sentence, and jobs on recorded calls.

A sentence is tried in a thread, and what it means is asked of the model lane. Everything longer has a process; see
`rtig.workshop`. Results hold words of calls, so they are kept for a while only, and not beyond the erasure of a call.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from rtig import processes
from rtig.core import events
from rtig.core.playbook import Playbook, Source
from rtig.core.utterances import Reading, Utterance
from rtig.errors import Code, LogUnavailable, MessageRefused, PlaybookErrors
from rtig.eventlog.port import CallKey, Recorded
from rtig.gateway.author import Result
from rtig.knowledge import authoring
from rtig.knowledge.explain import RuleStory, explain
from rtig.lane.talk import HEAD_BYTES, length_of
from rtig.lane.worker import Lane
from rtig.processes import Companion
from rtig.wire.authors import Finding, Job, JobKind, JobWanted, Knowledge, RuleLine, Try
from rtig.wire.messages import JobIs, KnowledgeIs, LaneState, ServerMessage
from rtig.workshop.talk import (
    LONGEST_REPLY_BYTES,
    CallLog,
    End,
    Lint,
    Linted,
    Look,
    Looked,
    Model,
    Progress,
    Ready,
    Reply,
    Unable,
    framed,
    reply_in,
)

KEPT_SECONDS = 1800.0
"""So long a result stays to be looked at."""
READ_SECONDS = 5.0
"""So long a sentence that is tried waits for what the model makes of it."""
MOST_TRYING = 8
"""Sentences that may wait to be tried: one is at a time, for a thread takes time from the loop."""
_log = structlog.get_logger(__name__)


class Tried(Struct, frozen=True, kw_only=True):
    """What a sentence would bring up, and where a rule was named, why this one came or did not.

    `lane`: where it is not `on`, words alone were looked at.
    """

    playbook: str
    lane: LaneState
    tried: authoring.Tried
    story: RuleStory | None = None


class _Work:
    """One job: its state, and its result while that is kept."""

    def __init__(self, tenant: str, job: Job) -> None:
        self.tenant = tenant
        self.job = job
        self.task: asyncio.Task[None] | None = None
        self.result: Result | None = None


class Recordings(Protocol):
    """What is asked of an event log, or of all those of a server."""

    async def begun(self, tenant: str, most: int) -> list[tuple[int, str]]: ...

    def read(self, call: CallKey, after: int = 0) -> AsyncIterator[Recorded]: ...


class Bench:
    """One server's. Belongs to one event loop."""

    def __init__(
        self,
        log: Recordings,
        playbook: Playbook,
        folder: Path,
        tell: Callable[[ServerMessage, str | None], None],
        *,
        draft: Path | None = None,
        follows: bool = True,
        weights: str = "",
        sha256: str = "",
        device: str = "auto",
    ) -> None:
        """`tell` tells the authors of a tenant, or all; `weights` and so on are those of the lane's encoder."""
        self.lane: Lane | None = None
        self._log = log
        self._folder = folder
        self._tell = tell
        self._draft = draft
        self._encoder = (weights, sha256, device)
        self._playbook = playbook
        self._start: Source = playbook.source
        self._places: dict[str, tuple[str, int]] = {}
        self._works: dict[tuple[str, JobKind], _Work] = {}
        self._linting: asyncio.Task[None] | None = None
        self._linted = False
        """The folder has not changed since it was linted, or is being."""
        self._looked_at = False
        self._loop = asyncio.get_running_loop()
        self._trying = asyncio.Lock()
        self._to_try = 0
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._knowledge = self._loaded(playbook, follows)

    # The state of the knowledge base.

    @property
    def knowledge(self) -> Knowledge:
        self._looked_at = True
        self._see_to_lint()
        return self._knowledge

    def greeting(self, tenant: str) -> Iterator[ServerMessage]:
        """What an author is told on coming in."""
        yield KnowledgeIs(knowledge=self.knowledge)
        for job in self.jobs(tenant):
            yield JobIs(job=job)

    def changed(self, found: Playbook | PlaybookErrors) -> None:
        """The folder has changed: it is another playbook, which is in use now, or it cannot be one."""
        self._linted = False
        if self._linting is not None:
            self._linting.cancel()
        before = self._knowledge
        if isinstance(found, PlaybookErrors):
            errors = tuple(
                Finding(severity="error", path=e.path, line=e.line, column=e.column, problem=e.problem, mend=e.mend)
                for e in found.errors
            )
            self._become(replace(before, errors=errors, checked_at=_now(), linting=False))
            return
        self._playbook = found
        self._become(replace(self._loaded(found, before.follows), findings=before.findings))
        if self._looked_at:
            self._see_to_lint()

    def rules(self) -> tuple[RuleLine, ...]:
        none = ("", 0)
        return tuple(
            RuleLine(
                id=rule.id,
                title=rule.title,
                kind="supervisors" if rule.to == "supervisors" else rule.kind,
                draft=rule.draft,
                path=self._places.get(rule.id, none)[0],
                line=self._places.get(rule.id, none)[1],
            )
            for rule in self._playbook.rules.values()
        )

    def _loaded(self, playbook: Playbook, follows: bool) -> Knowledge:
        rules = playbook.rules.values()
        now = _now()
        return Knowledge(
            name=playbook.name,
            version=playbook.version,
            loaded_at=now,
            checked_at=now,
            articles=sum(rule.kind == "article" for rule in rules),
            triggers=sum(rule.kind != "article" for rule in rules),
            drafts=sum(rule.draft for rule in rules),
            follows=follows,
            compares="draft" if self._draft is not None else "start",
        )

    def _become(self, knowledge: Knowledge) -> None:
        if knowledge != self._knowledge:
            self._knowledge = knowledge
            self._tell(KnowledgeIs(knowledge=knowledge), None)

    def _see_to_lint(self) -> None:
        """Lint takes seconds of a core, so it is done when somebody looks."""
        if self._linted or self._knowledge.errors:
            return
        self._linted = True
        self._linting = self._spawn(self._lint())
        self._become(replace(self._knowledge, linting=True))

    async def _lint(self) -> None:
        task = Lint(
            folder=str(self._folder.resolve()),
            today=datetime.now(UTC).astimezone().date().isoformat(),
            model=self._model(self._playbook),
        )
        reply: Reply = Unable("The process ended before it was done.")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, msgspec.DecodeError):
            async with _Process() as process:
                await process.send(task)
                while isinstance(reply := await process.hear(), Linted) and not reply.whole:
                    self._found(reply)
        if isinstance(reply, Linted):
            self._found(reply)
        elif isinstance(reply, Unable):
            _log.warning("lint failed", problem=reply.problem)
        self._become(replace(self._knowledge, linting=False))

    def _found(self, linted: Linted) -> None:
        if not any(finding.severity == "error" for finding in linted.findings):  # else a change will be told at once
            self._places = linted.places
            self._become(replace(self._knowledge, findings=linted.findings, checked_at=_now()))

    # One sentence.

    async def try_sentence(self, wanted: Try) -> Tried:
        """Raises `MessageRefused` (`unknown_rule`, `bad_message`, `rate_limited`)."""
        playbook = self._playbook
        if wanted.rule and wanted.rule not in playbook.rules:
            raise MessageRefused(Code.UNKNOWN_RULE, "The playbook has no article or trigger of this id.")
        if not wanted.sentence.strip():
            raise MessageRefused(Code.BAD_MESSAGE, "Nothing is said.")
        if self._to_try >= MOST_TRYING:
            sentence = "Too many sentences are being tried."
            raise MessageRefused(Code.RATE_LIMITED, sentence, retry=True, retry_after=1.0)
        lane = self.lane
        near: tuple[tuple[str, float], ...] = ()
        understands = lane is not None and lane.meanings == playbook.meanings_version
        self._to_try += 1
        try:
            async with self._trying:
                if lane is not None and understands:
                    near = await lane.find(wanted.sentence, authoring.NEAREST)
                return await asyncio.to_thread(self._tried, playbook, wanted, near, lane if understands else None)
        finally:
            self._to_try -= 1

    def _tried(self, playbook: Playbook, wanted: Try, near: tuple[tuple[str, float], ...], lane: Lane | None) -> Tried:
        """In a thread. Where the lane goes meanwhile, again without it."""
        loop = self._loop
        at_ms = round(wanted.at_seconds * 1000)
        words = " ".join(wanted.sentence.split())

        def read(queue: str, utterances: Sequence[Utterance]) -> Sequence[Reading]:
            assert lane is not None
            reading = asyncio.run_coroutine_threadsafe(lane.read(queue, utterances), loop).result(READ_SECONDS)
            if reading is None:
                raise _LaneGone
            return reading

        def find(_: str, most: int) -> Iterable[tuple[str, float]]:
            return near[:most]

        try:
            model = read if lane is not None else None
            tried = authoring.try_sentence(
                playbook, words, wanted.party, queue=wanted.queue, at_ms=at_ms, read=model, find=find if lane else None
            )
            story = None
            if wanted.rule:
                said = authoring.sentence_said(words, wanted.party, wanted.queue, at_ms)
                story = explain(playbook, said, wanted.rule, read=model).rule
        except (_LaneGone, TimeoutError):
            return self._tried(playbook, wanted, (), None)
        state: LaneState = "on" if lane is not None else "off"
        if lane is None and self.lane is not None:
            state = self.lane.state if self.lane.state != "on" else "starting"
        return Tried(playbook=playbook.version, lane=state, tried=tried, story=story)

    # Jobs on recorded calls.

    async def begin(self, tenant: str, wanted: JobWanted) -> Job:
        """Begin a job; one of its kind that is there already gives way to it."""
        calls = [call_id for _, call_id in await self._log.begun(tenant, wanted.calls)]
        before = self._works.get((tenant, wanted.kind))
        if before is not None and before.task is not None:
            before.task.cancel()
        model = self._model(self._playbook) if wanted.meaning and wanted.kind != "outcomes" else None
        job = Job(
            kind=wanted.kind,
            id=secrets.token_hex(8),
            state="running",
            done=0,
            total=len(calls),
            meaning=model is not None,
            began_at=_now(),
        )
        work = self._works[tenant, wanted.kind] = _Work(tenant, job)
        look = Look(
            kind=wanted.kind,
            playbook=self._playbook.source,
            start=self._start,
            draft=str(self._draft.resolve()) if self._draft is not None else "",
            model=model,
        )
        work.task = self._spawn(self._carry_out(work, look, calls))
        self._tell(JobIs(job=job), tenant)
        return job

    def jobs(self, tenant: str) -> tuple[Job, ...]:
        return tuple(work.job for (of, _), work in self._works.items() if of == tenant)

    def cancel(self, tenant: str, job_id: str) -> Job:
        work = self._work(tenant, job_id)
        if work.task is not None and work.job.state == "running":
            work.task.cancel()
            self._is(work, state="cancelled")
        return work.job

    def result(self, tenant: str, job_id: str) -> Result:
        work = self._work(tenant, job_id)
        if work.result is None:
            raise MessageRefused(Code.UNKNOWN_JOB, "This job has no result, or not any more.")
        return work.result

    def erased(self, tenant: str) -> None:
        """A call of a tenant is erased: no result that may hold words of it stays."""
        for key, work in tuple(self._works.items()):
            if work.tenant == tenant:
                self._forget(key, work)

    def _work(self, tenant: str, job_id: str) -> _Work:
        for work in self._works.values():
            if work.tenant == tenant and work.job.id == job_id:
                return work
        raise MessageRefused(Code.UNKNOWN_JOB, "There is no job of this id, or not any more.")

    async def _carry_out(self, work: _Work, look: Look, calls: Sequence[str]) -> None:
        try:
            async with self._turn, _Process() as process:  # one at a time: each has a core to itself
                reply = await self._looked(work, process, look, calls)
        except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError):
            reply = Unable("The process ended before it was done.")
        if isinstance(reply, Looked):
            work.result = Result(reply.body, reply.calls)
            self._is(work, state="done", done=work.job.total)
            key = (work.tenant, work.job.kind)
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, key, work)
        elif isinstance(reply, Unable):
            _log.warning("job failed", kind=work.job.kind, problem=reply.problem)
            self._is(work, state="failed", problem=reply.problem, errors=reply.errors)

    async def _looked(self, work: _Work, process: "_Process", look: Look, calls: Sequence[str]) -> Reply:
        await process.send(look)
        reply = await process.hear()
        if not isinstance(reply, Ready):
            return reply
        feeding = self._spawn(self._feed(process, work.tenant, calls))
        try:
            while isinstance(reply := await process.hear(), Progress):
                self._is(work, done=min(reply.done, work.job.total))
            return reply
        finally:
            feeding.cancel()

    async def _feed(self, process: "_Process", tenant: str, calls: Sequence[str]) -> None:
        """Give the calls, each as it is now; the pipe says how fast. A log that gives none ends the process."""
        try:
            for call_id in calls:
                records = [record async for record in self._log.read(CallKey(tenant, call_id))]
                encoded = tuple(events.encode(record.event) for record in records)
                await process.send(CallLog(records[0].at if records else 0, encoded))
            await process.send(End())
        except LogUnavailable as error:
            _log.warning("calls not given", problem=str(error))
            process.hang_up()
        except ConnectionError:
            pass  # the process has ended, and whoever hears it knows

    def _is(self, work: _Work, **changes: Any) -> None:
        work.job = replace(work.job, **changes)
        if self._works.get((work.tenant, work.job.kind)) is work:
            self._tell(JobIs(job=work.job), work.tenant)

    def _forget(self, key: tuple[str, JobKind], work: _Work) -> None:
        if work.task is not None:
            work.task.cancel()
        work.result = None
        if self._works.get(key) is work:
            del self._works[key]
            self._tell(JobIs(job=replace(work.job, state="cancelled")), work.tenant)

    # What both need.

    def _model(self, playbook: Playbook) -> Model | None:
        """The lane's model, once that has learned this playbook: another process then need not."""
        if self.lane is None or self.lane.meanings != playbook.meanings_version:
            return None
        weights, sha256, device = self._encoder
        return Model(weights=weights, sha256=sha256, device=device, notes=self.lane.notes)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class _LaneGone(Exception):
    pass


class _Process:
    """A process that works for authors, ended with the block."""

    async def __aenter__(self) -> "_Process":
        self._process = await Companion.begun(processes.command("rtig.workshop"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._process.ended()

    async def send(self, task: Lint | Look | CallLog | End) -> None:
        self._process.stdin.write(framed(task))
        await self._process.stdin.drain()

    def hang_up(self) -> None:
        """Nothing more comes: the process ends."""
        self._process.stdin.close()

    async def hear(self) -> Reply:
        """Raises `asyncio.IncompleteReadError` where the process has ended."""
        length = length_of(await self._process.stdout.readexactly(HEAD_BYTES))
        if length > LONGEST_REPLY_BYTES:
            raise ConnectionError("its answer is too long")
        return reply_in(await self._process.stdout.readexactly(length))


def _now() -> int:
    return int(time.time() * 1000)
