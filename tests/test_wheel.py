"""The wheel carries the built pages, the sample knowledge base and the models, and needs no Node and no checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], cwd=ROOT, check=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.wheel
def test_the_wheel_holds_pages_and_knowledge_base(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "rtig/gateway/web/agent.html" in names
    assert {"rtig/gateway/web/board.html", "rtig/gateway/web/author.html"} <= set(names)
    assert [n for n in names if n.startswith("rtig/gateway/web/assets/agent-") and n.endswith(".js.br")]
    assert "rtig/knowledge_base/kb.yaml" in names
    assert len([n for n in names if n.startswith("rtig/knowledge_base/calls/") and n.endswith(".yaml")]) >= 12
    assert not [n for n in names if n.startswith(("tests/", "web/", "benchmarks/")) or "node_modules" in n]


@pytest.mark.wheel
def test_the_wheel_holds_the_models_and_no_script(wheel: Path) -> None:
    names = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("rtig/models/")}
    there = {file.name for file in (ROOT / "models").iterdir() if file.is_file() and file.suffix != ".py"}
    assert names == there - {"service_talk.en.tsv"}  # what training alone needs
    assert {"encoder.en.safetensors", "encoder.onnx", "negatives.en.npz"} <= names


@pytest.mark.wheel
def test_an_installed_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Its dependencies come from this environment; the package itself only from the wheel."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, 'site'); import rtig; assert 'site' in rtig.__file__, rtig.__file__\n"
        "from rtig import shipped; assert 'site' in str(shipped.model('negatives.en.npz').resolve(strict=True))\n"
        "from rtig.cli import main; sys.argv = ['rtig', 'kb', 'test']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
