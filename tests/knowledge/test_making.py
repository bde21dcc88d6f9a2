"""A playbook from another process is the same as one made here, and what goes wrong there is told."""

import asyncio
import gc
import pickle
import signal
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from folders import GOOD, write

from rtig import knowledge, processes
from rtig.core import engine
from rtig.core.guidance import Guidance
from rtig.core.playbook import Playbook
from rtig.errors import PlaybookErrors, WorldError
from rtig.knowledge import making
from rtig.knowledge.making import made_apart
from rtig.script import Script, perform


def told(playbook: Playbook, script: Script) -> list[tuple[Guidance, ...]]:
    events = [event for _, event in perform(script, script.id)]
    return [folded.guidance for folded in engine.rehearse(playbook, script.id, events)]


async def test_calls_are_guided_as_by_a_playbook_that_was_made_here() -> None:
    shipped = knowledge.read(knowledge.shipped())
    here, apart = knowledge.compiled(shipped.source), await made_apart(knowledge.shipped())
    assert apart.version == here.version
    assert len(shipped.calls) > 5
    for script in shipped.calls.values():
        assert told(apart, script) == told(here, script)


async def test_it_is_out_of_the_collectors_sight_which_goes_on(tmp_path: Path) -> None:
    folder = write(tmp_path / "kb", GOOD)
    gc.collect()
    frozen = gc.get_freeze_count()
    playbook = await made_apart(folder)
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    assert not any(playbook.rules is seen for seen in gc.get_objects())
    gc.disable()
    try:
        del playbook
        assert gc.collect() == 0  # what is frozen has to go by itself
    finally:
        gc.enable()


async def test_all_mistakes_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "kb", GOOD)
    (folder / "triggers" / "t.yaml").write_text(
        "triggers:\n  - {id: a, title: A, say: Yes., said: [bill (has]}\n  - 1\n"
    )
    with pytest.raises(PlaybookErrors) as here:
        knowledge.compile_folder(folder)
    with pytest.raises(PlaybookErrors) as apart:
        await made_apart(folder)
    assert len(here.value.errors) > 1
    assert apart.value.errors == here.value.errors


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> "asyncio.Queue[subprocess.Popen[bytes]]":
    """The processes that are begun, as they are."""
    processes_begun: asyncio.Queue[subprocess.Popen[bytes]] = asyncio.Queue()
    begin = processes.begun

    async def noted(*arguments: Any) -> "subprocess.Popen[bytes]":
        process = await begin(*arguments)
        processes_begun.put_nowait(process)
        return process

    monkeypatch.setattr(processes, "begun", noted)
    return processes_begun


async def test_who_does_not_wait_for_it_any_more_ends_it(
    tmp_path: Path, begun: "asyncio.Queue[subprocess.Popen[bytes]]"
) -> None:
    waiting = asyncio.create_task(made_apart(write(tmp_path / "kb", GOOD)))
    process = await begun.get()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert process.returncode == -signal.SIGKILL
    assert process.stdout is not None
    assert process.stdout.closed


async def test_a_process_that_dies_is_told(tmp_path: Path, begun: "asyncio.Queue[subprocess.Popen[bytes]]") -> None:
    waiting = asyncio.create_task(made_apart(write(tmp_path / "kb", GOOD)))
    (await begun.get()).kill()
    with pytest.raises(WorldError, match="ended before it was done"):
        await waiting


async def test_what_other_code_would_make_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "CODE", (("engine.py", 1, 1),))
    with pytest.raises(WorldError, match="rtig itself has changed"):
        await made_apart(write(tmp_path / "kb", GOOD))


async def test_no_process_is_no_playbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "no-python"))
    with pytest.raises(WorldError, match="could not be begun: No such file"):
        await made_apart(write(tmp_path / "kb", GOOD))


def test_a_pickle_is_read_in_small_pieces_with_rests_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    def resting(share: float) -> Callable[[], None]:
        return lambda: rests.append(share)

    monkeypatch.setattr(making, "Rests", resting)
    playbook = knowledge.compile_folder(knowledge.shipped())
    pipe = BytesIO()
    making.tell(pipe, playbook)
    size = pipe.tell()
    pipe.seek(0)
    assert pickle.load(pipe) == making.CODE
    again = making._unpickled(pipe)
    assert isinstance(again, Playbook)
    assert again.version == playbook.version
    assert len(rests) > size / 2**16
