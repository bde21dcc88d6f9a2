"""`rtig pages`: what the pages weigh, for people and for programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rtig import cli
from rtig.gateway import page_weights

FOUND = {"sidebar": {"agent.html": 400, "assets/agent-1.js": 27_000}, "board": {"board.html": 500}}


@pytest.fixture(autouse=True)
def _weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_weights, "weights", lambda: FOUND)


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, ["pages", *words])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_weights_for_programs() -> None:
    assert json.loads(run("--weights", "--json")) == {"sidebar_gzip_bytes": 27_400, "board_gzip_bytes": 500}


def test_weights_for_people() -> None:
    head, sidebar, board = run("--weights").splitlines()
    assert head.split() == ["page", "files", "gzip", "bytes"]
    assert sidebar.split() == ["sidebar", "agent.html,", "assets/agent-1.js", "27,400"]
    assert board.split() == ["board", "board.html", "500"]


def test_without_weights_the_files_alone() -> None:
    assert json.loads(run("--json")) == {name: list(files) for name, files in FOUND.items()}
    assert "bytes" not in run()


def test_pages_that_are_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> dict[str, dict[str, int]]:
        raise FileNotFoundError(Path("agent.html"))

    monkeypatch.setattr(page_weights, "weights", missing)
    assert "make pages" in run("--weights", code=1)
