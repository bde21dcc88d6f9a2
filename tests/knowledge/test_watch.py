"""A change of the folder gives a playbook, a mistake gives its errors, and mending gives a playbook again."""

import asyncio
import gc
import shutil
import threading
import weakref
from pathlib import Path

import pytest
from folders import GOOD, write

from rtig.core.playbook import Playbook
from rtig.errors import PlaybookErrors
from rtig.knowledge import watch
from rtig.knowledge.base import compile_folder
from rtig.knowledge.watch import changes, let_go_slowly, signature

TRIGGER = """
triggers:
  - id: bill
    title: Bill
    say: Let me look.
    said: [{phrase}]
"""


def written(folder: Path, phrase: str) -> None:
    (folder / "triggers" / "t.yaml").write_text(TRIGGER.format(phrase=phrase))


async def test_changes_mistakes_and_mending(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    (folder / "triggers").mkdir(parents=True)
    (folder / "kb.yaml").write_text("name: Test\nlanguage: en\n")
    written(folder, "bill has doubled")
    first = compile_folder(folder)
    following = changes(folder, 0.0, signature(folder))

    written(folder, "bill has nearly doubled")
    changed = await anext(following)
    assert isinstance(changed, Playbook)
    assert changed.version != first.version

    written(folder, "bill (has doubled")
    wrong = await anext(following)
    assert isinstance(wrong, PlaybookErrors)
    assert "triggers/t.yaml:6:" in str(wrong)

    written(folder, "bill has doubled")
    mended = await anext(following)
    assert isinstance(mended, Playbook)
    assert mended.version == first.version
    await following.aclose()  # type: ignore[attr-defined]


async def test_of_several_edits_the_last_one_stays(tmp_path: Path) -> None:
    (tmp_path / "triggers").mkdir()
    (tmp_path / "kb.yaml").write_text("name: Test\nlanguage: en\n")
    written(tmp_path, "bill has doubled")
    following = changes(tmp_path, 0.0, signature(tmp_path))
    written(tmp_path, "bill has grown")
    waiting = asyncio.ensure_future(anext(following))
    seen: list[str] = []
    for phrase in ("bill (has", "bill has tripled", "bill has nearly tripled"):
        written(tmp_path, phrase)  # while what was written before is being read, or not yet
        await asyncio.sleep(0)
    while seen[-1:] != ["bill has nearly tripled"]:
        found = await waiting
        seen += [spoken.phrase for spoken in found.phrases] if isinstance(found, Playbook) else ["a mistake"]
        waiting = asyncio.ensure_future(anext(following))
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_what_the_process_failed_to_make_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "AGAIN_SECONDS", 0.0)
    (tmp_path / "triggers").mkdir()
    (tmp_path / "kb.yaml").write_text("name: Test\nlanguage: en\n")
    written(tmp_path, "bill has doubled")
    following = changes(tmp_path, 0.0, ())
    with monkeypatch.context() as broken:
        broken.setattr("sys.executable", str(tmp_path / "no-python"))
        failed = await anext(following)
    assert isinstance(failed, PlaybookErrors)
    assert "could not be begun" in str(failed)
    assert isinstance(await anext(following), Playbook)
    await following.aclose()  # type: ignore[attr-defined]


async def test_a_playbook_that_nobody_holds_is_let_go_of_bit_by_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    (tmp_path / "triggers").mkdir()
    (tmp_path / "kb.yaml").write_text("name: Test\nlanguage: en\n")
    written(tmp_path, "bill has doubled")
    playbook = compile_folder(tmp_path)
    let_go_slowly(playbook)
    tables, held = playbook.tables(), weakref.ref(playbook)
    assert any(len(table) > 2 for table in tables)
    gc.disable()  # it must go without a collection: what is frozen is never collected
    try:
        del playbook
        assert held() is None
    finally:
        gc.enable()
    for thread in threading.enumerate():
        if thread.name == "playbook let go":
            thread.join()
    assert not any(tables[1:])  # the first is a list of the rules that is made for each who asks


async def test_the_collector_rests_only_while_a_playbook_is_made(tmp_path: Path) -> None:
    (tmp_path / "triggers").mkdir()
    (tmp_path / "kb.yaml").write_text("name: Test\nlanguage: en\n")
    written(tmp_path, "bill (has doubled")
    following = changes(tmp_path, 0.0, ())
    assert isinstance(await anext(following), PlaybookErrors)
    assert gc.isenabled()
    written(tmp_path, "bill has doubled")
    assert isinstance(await anext(following), Playbook)
    assert gc.isenabled()
    await following.aclose()  # type: ignore[attr-defined]


def test_making_a_playbook_leaves_nothing_to_collect(tmp_path: Path) -> None:
    """It would be frozen with the playbook, at every change more of it."""
    folder = write(tmp_path / "kb", GOOD)
    compile_folder(folder)  # what is made once for all stays
    gc.collect()
    gc.disable()
    try:
        playbook = compile_folder(folder)
        assert gc.collect() == 0
        del playbook
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    folder.mkdir()
    (folder / "kb.yaml").write_text("name: Test\n")
    assert len(signature(folder)) == 1
    shutil.rmtree(folder)
    assert signature(folder) == ()
