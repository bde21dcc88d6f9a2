"""A change of the folder gives a playbook, a mistake gives its errors, and mending gives a playbook again."""

import shutil
from pathlib import Path

from rtig.core.playbook import Playbook
from rtig.errors import PlaybookErrors
from rtig.knowledge.base import compile_folder
from rtig.knowledge.watch import changes, signature

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


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    folder = tmp_path / "kb"
    folder.mkdir()
    (folder / "kb.yaml").write_text("name: Test\n")
    assert len(signature(folder)) == 1
    shutil.rmtree(folder)
    assert signature(folder) == ()
