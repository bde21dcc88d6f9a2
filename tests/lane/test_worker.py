"""The server's side of the lane with a real process: it answers, sheds, and comes back when it is killed or hangs."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from rtig.core.events import UtteranceRead
from rtig.core.playbook import MeaningSource
from rtig.core.utterances import Utterance, key_of
from rtig.eventlog.port import CallKey
from rtig.lane import worker
from rtig.lane.talk import BATCH, Article, Learn, Read, Task
from rtig.lane.worker import Lane
from rtig.wire.messages import LaneState

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.process]

SECONDS = 30.0
CALL = CallKey("default", "c1")
OTHER = CallKey("default", "c2")
MEANINGS = tuple(
    MeaningSource(id=name, rule=name, examples=examples, competes=True)
    for name, examples in (
        ("bill", ("my bill is too high", "why is my bill so much", "i pay too much")),
        ("moving", ("we are moving house", "i have a new address", "we move soon")),
    )
)
NOTHING = (("good morning to you", "thanks for your help", "it is rather cold today"),)
ARTICLES = (
    Article("bill", "Why a bill is higher than expected. An ended discount is the usual cause."),
    Article("moving", "Moving home. The line moves with you within ten working days."),
)
LESSON = Learn(version="v1", meanings=MEANINGS, negatives=NOTHING, false_alarms=1.0, articles=ARTICLES)
NO_MEANINGS = replace(LESSON, version="v0", meanings=(), negatives=())
"""Learned at once: for all that is not about what is understood."""


def said(text: str) -> Utterance:
    return Utterance(key_of("customer", text), "customer", text, 0, 1_000, (), full=False)


class Office:
    """A lane that is kept running, what it answers and which states it was in."""

    def __init__(self, **options: Any) -> None:
        self.readings: list[UtteranceRead] = []
        self.states: list[LaneState] = []
        self.took: list[int] = []
        self.lane = Lane(self._answer, self._became, self.took.append, **options)
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self.running = asyncio.create_task(self.lane.run())

    async def until(self, state: LaneState) -> None:
        async with self._changed, asyncio.timeout(SECONDS):
            await self._changed.wait_for(lambda: self.lane.state == state)

    async def reading(self, one: Utterance) -> UtteranceRead:
        """The reading of an utterance, as soon as it is there."""

        def found() -> UtteranceRead | None:
            return next((reading for reading in self.readings if reading.utterance == one.key), None)

        async with self._changed, asyncio.timeout(SECONDS):
            await self._changed.wait_for(lambda: found() is not None)
        reading = found()
        assert reading is not None
        return reading

    async def read(self, text: str) -> UtteranceRead:
        self.readings.clear()
        self.lane.ask(CALL, "", [said(text)])
        return await self.reading(said(text))

    async def close(self) -> None:
        self.running.cancel()
        await asyncio.wait([self.running])

    def _answer(self, call: CallKey, reading: UtteranceRead) -> None:
        assert reading.call_id == call.call_id
        self.readings.append(reading)
        self._tell()

    def _became(self, state: LaneState) -> None:
        self.states.append(state)
        self._tell()

    def _tell(self) -> None:
        async def tell() -> None:
            async with self._changed:
                self._changed.notify_all()

        task = asyncio.ensure_future(tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Office]:
    with pytest.MonkeyPatch.context() as patch:
        # Many a process is ended here, and the wait for the next one would double each time.
        patch.setattr(worker, "FIRST_WAIT_SECONDS", 0.01)
        patch.setattr(worker, "LONGEST_WAIT_SECONDS", 0.1)
        office = Office()
        office.lane.learn(NO_MEANINGS)
        yield office
        await office.close()
    assert office.lane.state == "off"


@pytest_asyncio.fixture(loop_scope="module")
async def office(shared: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The one of all tests, on, without meanings and with nothing noted yet."""
    monkeypatch.setattr(worker, "FIND_SECONDS", SECONDS)
    shared.lane.learn(NO_MEANINGS)
    await shared.until("on")
    shared.readings.clear()
    shared.states.clear()
    return shared


async def test_it_learns_and_answers(office: Office) -> None:
    office.lane.learn(LESSON)
    await office.until("on")
    moved = await office.read("we have just moved to another house")
    assert (moved.call_id, moved.meanings) == ("c1", "v1")
    assert moved.scores["moving"] > 0.5
    assert (await office.read("the bill was very high again")).scores["bill"] > 0.5
    assert office.lane.counts.read == len(office.took)
    assert min(office.took) > 0


async def test_what_belongs_to_no_call_is_read_and_told_to_whoever_asked(office: Office) -> None:
    office.lane.learn(LESSON)
    assert await office.lane.read("", [said("we have just moved")]) is None  # it learns
    await office.until("on")
    assert office.lane.meanings == "v1"
    reading = await office.lane.read("", [said("we have just moved to another house")])
    assert reading is not None
    assert reading[0].scores["moving"] > 0.5
    assert office.readings == []
    assert office.lane.notes


async def test_what_belongs_to_no_call_is_given_up_with_the_process(office: Office) -> None:
    assert office.lane.pid is not None
    os.kill(office.lane.pid, signal.SIGSTOP)  # so that the question is still open
    asking = asyncio.create_task(office.lane.read("", [said("anything")]))
    await asyncio.sleep(0)
    os.kill(office.lane.pid, signal.SIGKILL)
    assert await asking is None
    await office.until("on")


async def test_what_waits_is_not_asked_for_twice(office: Office) -> None:
    texts = ("the first thing", "the second thing")
    for _ in range(3):
        office.lane.ask(CALL, "", map(said, texts))
    # In another call the same words are another matter: its queue may be another.
    office.lane.ask(OTHER, "", [said(texts[0])])
    office.lane.ask(CALL, "", [said("the last thing")])
    await office.reading(said("the last thing"))
    keys = [(reading.call_id, reading.utterance) for reading in office.readings]
    first, second, last = (said(text).key for text in (*texts, "the last thing"))
    assert keys == [("c1", first), ("c1", second), ("c2", first), ("c1", last)]


async def test_what_comes_at_about_the_same_time_is_read_together(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Task] = []
    send = office.lane._send

    async def seen(task: Task) -> None:
        sent.append(task)
        await send(task)

    monkeypatch.setattr(office.lane, "_send", seen)
    monkeypatch.setattr(worker, "GATHER_SECONDS", 0.2)
    office.lane.ask(CALL, "", [said("one")])
    await asyncio.sleep(0.01)
    office.lane.ask(OTHER, "", [said("two")])
    await office.reading(said("one"))
    await office.reading(said("two"))
    assert [len(task.utterances) for task in sent if isinstance(task, Read)] == [2]
    monkeypatch.setattr(worker, "GATHER_SECONDS", 2 * SECONDS)
    many = [said(f"number {number}") for number in range(BATCH)]
    office.lane.ask(CALL, "", many)  # that is enough
    await office.reading(many[-1])


async def test_what_has_waited_too_long_is_shed_and_not_asked_for_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office.lane.counts.shed
    late = said("said too long ago")
    with monkeypatch.context() as patch:
        patch.setattr(office.lane, "_deadline_ns", -1)
        office.lane.ask(CALL, "", [late])
        while office.lane.counts.shed == before:
            await asyncio.sleep(0)
    office.lane.ask(CALL, "", [late])
    await office.read("said just now")
    assert [reading.utterance for reading in office.readings] == [said("said just now").key]
    assert office.lane.counts.shed == before + 1


async def test_no_more_than_so_many_wait(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    before = office.lane.counts.shed
    monkeypatch.setattr(worker, "MOST_WAITING", 3)
    many = [said(f"number {n} of many") for n in range(10)]
    office.lane.ask(CALL, "", many)
    assert office.lane.counts.shed == before + 7
    await office.reading(many[-1])
    assert [reading.utterance for reading in office.readings] == [one.key for one in many[-3:]]


async def test_articles_are_found_by_what_they_are_about(office: Office) -> None:
    (best, near), (other, less) = await office.lane.find("i got charged a lot of money", 5)
    assert (best, other) == ("bill", "moving")
    assert 1 > near > less > -1
    assert len(await office.lane.find("a new flat", 1)) == 1


async def test_other_meanings_are_learned_while_it_runs(office: Office) -> None:
    pid = office.lane.pid
    office.lane.learn(replace(NO_MEANINGS))
    assert (office.lane.state, office.states) == ("on", [])
    office.lane.learn(replace(NO_MEANINGS, version="v2"))
    # Until then there is nothing that could be asked.
    assert office.lane.state == "starting"
    office.lane.ask(CALL, "", [said("we are moving away")])
    assert await office.lane.find("a new flat", 1) == ()
    await office.until("on")
    assert office.states == ["starting", "on"]
    assert (await office.read("we are moving far away")).meanings == "v2"
    assert [reading.utterance for reading in office.readings] == [said("we are moving far away").key]
    assert office.lane.pid == pid


async def test_while_other_articles_are_learned_it_goes_on(office: Office) -> None:
    more = (*ARTICLES, Article("router", "What the lights of the router mean. Red means no line."))
    office.lane.learn(replace(NO_MEANINGS, articles=more))
    assert (await office.read("the router of ours")).meanings == "v0"
    assert (await office.lane.find("there is a red lamp on my router", 1))[0][0] == "router"
    assert office.states == []


async def test_a_process_that_is_killed_is_started_again(office: Office) -> None:
    before, restarts = office.lane.pid, office.lane.counts.restarts
    assert before is not None
    os.kill(before, signal.SIGSTOP)  # so that the question is still open
    finding = asyncio.create_task(office.lane.find("my bill", 1))
    await asyncio.sleep(0)
    os.kill(before, signal.SIGKILL)
    await office.until("down")
    assert await finding == ()
    assert office.lane.problem.startswith("the process ended (")
    await office.until("on")
    assert office.states == ["down", "on"]
    assert office.lane.pid not in (None, before)
    assert office.lane.counts.restarts == restarts + 1
    assert (await office.read("my bill has gone up")).meanings == "v0"


async def test_a_process_that_hangs_is_noticed_killed_and_started_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office.lane.pid
    assert before is not None
    monkeypatch.setattr(worker, "_GOODBYE_SECONDS", 0.01)
    os.kill(before, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "HUNG_SECONDS", 0.01)
        office.lane.ask(CALL, "", [said("nobody reads this")])
        await office.until("down")
    assert office.lane.problem == "the process did not answer"
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    await office.until("on")
    assert office.lane.problem == ""
    # Whoever is told that it is on asks again for what has not been read.
    assert (await office.read("nobody reads this")).meanings == "v0"


async def test_a_process_that_hangs_while_it_learns_is_noticed_and_the_next_one_learns(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.lane.pid is not None
    monkeypatch.setattr(worker, "_GOODBYE_SECONDS", 0.01)
    os.kill(office.lane.pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "HUNG_SECONDS", 0.01)
        office.lane.learn(LESSON)
        await office.until("down")
    await office.until("on")
    assert (await office.read("my bill is too high")).meanings == "v1"
    noted = office.lane._notes
    os.kill(office.lane.pid, signal.SIGKILL)
    await office.until("down")
    await office.until("on")
    assert office.lane._notes is noted  # the next one had them, and made none
    assert max((await office.read("my bill is too high")).scores) == "bill"


async def test_a_process_that_hangs_is_noticed_by_a_query_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.lane.pid is not None
    monkeypatch.setattr(worker, "_GOODBYE_SECONDS", 0.01)
    os.kill(office.lane.pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "HUNG_SECONDS", 0.01)
        patch.setattr(worker, "FIND_SECONDS", 0.01)
        assert await office.lane.find("my bill", 1) == ()
        await office.until("down")
    await office.until("on")
    # One that was only slow is asked, answers, and goes on.
    with monkeypatch.context() as patch:
        patch.setattr(worker, "FIND_SECONDS", 0.0)
        assert await office.lane.find("my bill", 1) == ()
    assert (await office.read("my bill is here")).meanings == "v0"
    assert office.states == ["down", "on"]


async def test_a_pipe_that_is_full_holds_nobody_up_and_takes_no_more(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.lane.pid is not None
    monkeypatch.setattr(worker, "_GOODBYE_SECONDS", 0.01)
    os.kill(office.lane.pid, signal.SIGSTOP)
    longest = 0.0
    with monkeypatch.context() as patch:
        patch.setattr(worker, "FIND_SECONDS", 0.01)
        patch.setattr(worker, "MOST_WAITING", 100)
        loop = asyncio.get_running_loop()
        for number in range(300):
            began = loop.time()
            office.lane.ask(CALL, "", [said(f"{number} is one of many")])
            finding = asyncio.create_task(office.lane.find("word " * 1_000, 1))
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - began)
            finding.cancel()
        assert longest < 0.5
        assert office.lane._unsent() < 2 * worker.MOST_UNSENT_BYTES
        assert office.lane.waiting <= 100 + BATCH
    monkeypatch.setattr(worker, "HUNG_SECONDS", 0.01)
    os.kill(office.lane.pid, signal.SIGKILL)
    await office.until("down")
    monkeypatch.undo()
    await office.until("on")


async def test_without_its_models_it_is_off_and_says_why(tmp_path: Path) -> None:
    office = Office(weights=str(tmp_path / "no.safetensors"))
    office.lane.learn(LESSON)
    async with asyncio.timeout(SECONDS):
        await office.running
    assert office.states == ["starting", "off"]
    assert office.lane.problem == f"{tmp_path / 'no.safetensors'} is not there."
    office.lane.learn(NO_MEANINGS)
    office.lane.ask(CALL, "", [said("my bill is too high")])
    assert await office.lane.find("my bill", 3) == ()
    assert (office.lane.state, office.readings, office.lane.counts.restarts) == ("off", [], 0)


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-c", "print('not a frame' * 1000)"),
        (
            sys.executable,
            "-c",
            "import sys; sys.stdout.buffer.write(b'\\xff' * 4); sys.stdout.flush(); sys.stdin.read()",
        ),
        (sys.executable, "-c", "import sys; sys.stdout.buffer.write(bytes((0, 0, 0, 1, 0xC1))); sys.stdin.read()"),
        ("/nowhere/python",),
    ],
)
async def test_a_process_that_is_no_use_is_started_again_and_again(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FIRST_WAIT_SECONDS", 0.001)
    office = Office()
    office.lane._command = command  # type: ignore[assignment]
    office.lane.learn(LESSON)
    async with asyncio.timeout(SECONDS):
        while office.lane.counts.restarts < 3:
            await asyncio.sleep(0.001)
    assert office.states == ["starting", "down"]
    assert office.lane.problem.startswith("the process ended (")
    await office.close()
    assert office.states[-1] == "off"


async def test_a_process_that_talks_nonsense_while_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_GOODBYE_SECONDS", 0.01)
    office = Office()
    program = "import sys, time; sys.stdout.buffer.write(bytes((0, 0, 0, 1, 0xC1))); sys.stdout.flush(); time.sleep(60)"
    office.lane._command = (sys.executable, "-c", program)  # type: ignore[assignment]
    await office.until("down")
    assert office.lane.problem == "the process ended (exit code -9)"
    await office.close()


async def test_it_ends_at_any_time_and_leaves_no_process() -> None:
    office = Office()
    office.lane.learn(LESSON)
    await office.until("starting")
    while office.lane.pid is None:
        await asyncio.sleep(0.001)
    pid = office.lane.pid
    await office.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert office.states == ["starting", "off"]
