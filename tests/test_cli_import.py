"""`rtig kb import …`: what it prints for people and for programs, what it refuses, and with which exit code."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from rtig import cli, knowledge

RULE = {
    "Name": "Red-Lamp",
    "Function": json.dumps({"Version": "2022-11-25", "RuleFunction": {"Operator": "OR", "Operands": [
        {"Operator": "CONTAINS_ANY", "Operands": ["my lamp is red"], "Negate": False,
         "ComparisonValue": "$.ContactLens.RealTimeCall.ExactMatch.Transcript"},
        {"Operator": "CONTAINS_ANY", "Operands": ["someone"], "Negate": False,
         "ComparisonValue": "$.ContactLens.RealTimeCall.Agent.AgentId"},
    ]}}),
}  # fmt: skip
ENTRY = {"type": "qna", "qid": "Pool", "q": ["Is there a pool here?"], "a": "Yes, on the roof."}
ARTICLE = {"id": 1, "title": "Opening hours", "body": "<p>Until six.</p>"}


def run(*given: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, ["kb", "import", *map(str, given)])
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "made"


def source(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        ("qnabot", "export.jsonl", ENTRY, "Pool: imported as pool\n"),
        ("csv", "guide.csv", "title,body\nOpening hours,Until six.\n",
         "guide.csv row 2, Opening hours: imported as opening-hours\n"
         "    `said` and `means` are empty, and the title stands for what is meant\n"),
        ("contact-lens", "rule.json", RULE,
         "not imported: Red-Lamp: Agent.AgentId: triggers can be kept to queues, teams and channels, not to one agent\n"
         "Red-Lamp: imported as red-lamp\n"),
    ],
)  # fmt: skip
def test_each_item_is_told_on_stdout_and_the_count_on_stderr(
    tmp_path: Path, out: Path, kind: str, name: str, value: Any, said: str
) -> None:
    result = run(kind, source(tmp_path, name, value), "--out", out)
    assert result.stdout == said
    refusals = said.count("not imported")
    assert result.stderr == f"1 item imported, {refusals} refusal{'' if refusals == 1 else 's'}, in {out}\n"
    assert len(knowledge.read(out).source.rules) == 1


def test_a_help_center_is_imported(tmp_path: Path, out: Path) -> None:
    pytest.importorskip("markdownify", reason="rtig's `import` extra is not installed")
    result = run("zendesk", source(tmp_path, "articles.json", {"articles": [ARTICLE]}), "--out", out)
    assert result.stdout == "Opening hours: imported as opening-hours\n"


def test_programs_get_json(tmp_path: Path, out: Path) -> None:
    result = run("contact-lens", source(tmp_path, "rule.json", RULE), "--out", out, "--json")
    assert json.loads(result.stdout) == {
        "out": str(out),
        "imported": [{"item": "Red-Lamp", "id": "red-lamp", "notes": []}],
        "not_imported": [
            {"item": "Red-Lamp", "part": "Agent.AgentId",
             "reason": "triggers can be kept to queues, teams and channels, not to one agent"}
        ],
    }  # fmt: skip
    assert result.stderr == ""


def test_a_folder_of_files_is_one_import(tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    source(folder, "a.json", RULE)
    source(folder, "b.json", RULE)
    source(folder, "LICENSE", "text")
    run("contact-lens", folder, "--out", out, "--tolerance", "none", "--language", "en-GB")
    base = knowledge.read(out)
    assert {rule.id for rule in base.source.rules} == {"red-lamp", "red-lamp-2"}
    assert base.source.language == "en-GB"
    condition: Any = base.source.rules[0].clauses[0].condition
    assert condition.tolerance == "none"


def test_input_that_cannot_be_read_names_file_and_place_and_nothing_is_written(tmp_path: Path, out: Path) -> None:
    path = source(tmp_path, "export.jsonl", json.dumps(ENTRY) + '\n{"qid": ')
    result = run("qnabot", path, "--out", out, code=1)
    assert result.stderr == f"rtig: {path}:2:9: this line is not JSON: Expecting value\n"
    assert result.stdout == ""
    assert not out.exists()


def test_a_folder_that_holds_something_needs_force(tmp_path: Path, out: Path) -> None:
    path = source(tmp_path, "export.json", ENTRY)
    run("qnabot", path, "--out", out)
    again = run("qnabot", path, "--out", out, code=1)
    assert "is not empty" in again.stderr
    run("qnabot", path, "--out", out, "--force")


def test_a_misused_command_says_how(tmp_path: Path, out: Path) -> None:
    path = source(tmp_path, "rule.json", RULE)
    assert (
        "`some` is not `asr` or `none`" in run("contact-lens", path, "--out", out, "--tolerance", "some", code=2).stderr
    )
    run("contact-lens", path, code=2)
    assert "there is no such file" in run("csv", tmp_path / "x.csv", "--out", out, code=1).stderr


def test_what_an_import_makes_has_no_mistakes_for_the_linter(tmp_path: Path, out: Path) -> None:
    run("qnabot", source(tmp_path, "export.json", ENTRY), "--out", out)
    result = CliRunner().invoke(cli.app, ["kb", "lint", str(out)])
    assert result.exit_code == 0, result.output
