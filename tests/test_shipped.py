"""The files that come with rtig are found beside the package and inside it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rtig import shipped

ROOT = Path(__file__).parents[1]


def test_in_a_checkout_they_are_beside_the_package() -> None:
    assert shipped.knowledge_base() == ROOT / "knowledge_base"
    assert shipped.model("words.en.txt") == ROOT / "models" / "words.en.txt"


def test_a_model_need_not_be_there() -> None:
    assert not shipped.model("no-such-file").exists()


@pytest.mark.process
def test_installed_they_are_inside_the_package(tmp_path: Path) -> None:
    """Another folder beside the package that has the same name is not taken for them."""
    package = tmp_path / "rtig"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(ROOT / "rtig" / "shipped.py", package)
    (tmp_path / "knowledge_base").mkdir()
    (tmp_path / "models").mkdir()
    code = "from rtig import shipped; print(shipped.knowledge_base()); print(shipped.model('words.en.txt'))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(package / "knowledge_base"), str(package / "models" / "words.en.txt")]
