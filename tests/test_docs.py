"""The pages under docs/ say what the code says: every message, item, code, close code and setting is on them."""

import ast
import re
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

import rtig
from rtig.cli.servers import _default
from rtig.config import Settings
from rtig.core import events, guidance
from rtig.errors import Code
from rtig.knowledge.linting import lint
from rtig.learning import shipped_negatives
from rtig.wire import asyncapi, messages, session

DOCS = Path(__file__).parents[1] / "docs"
PROTOCOL = (DOCS / "protocol.md").read_text("utf-8")
SETTINGS = (DOCS / "settings.md").read_text("utf-8")


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the table with this first column, without the marks around names."""
    begun = page.partition(f"| {heading} |")[2]
    assert begun, f"there is no table of {heading}"
    lines = begun.split("\n\n")[0].splitlines()[2:]
    return [[re.sub(r"^`([^`]*)`$", r"\1", cell.strip()) for cell in line[1:-1].split(" | ")] for line in lines]


def tag(kind: type) -> str:
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]


def test_every_message_of_a_client_is_there_with_its_roles() -> None:
    kinds = get_args(messages.ClientMessage)
    expected = {tag(kind): ", ".join(sorted(session.ALLOWED.get(kind, session.ROLES))) for kind in kinds}
    assert {row[0]: row[1] for row in table(PROTOCOL, "message | roles")} == expected


def test_every_message_of_the_server_is_there() -> None:
    assert [row[0] for row in table(PROTOCOL, "message | what it is")] == [
        tag(kind) for kind in get_args(messages.ServerMessage)
    ]


def test_every_item_of_guidance_is_there() -> None:
    assert {row[0] for row in table(PROTOCOL, "item")} == {tag(kind) for kind in get_args(guidance.Watched)}


def test_every_event_of_a_source_is_there_with_its_key() -> None:
    given: dict[str, Any] = {
        "call_id": "c", "segment_id": "<segment_id>", "hint_id": "<hint_id>", "name": "n", "party": "agent", "text": "",
        "rev": 0, "start_ms": 0, "end_ms": 0, "at_ms": 0, "on": True,
    }  # fmt: skip
    expected = {}
    for kind in get_args(events.SourceEvent):
        event = kind(**{name: value for name, value in given.items() if name in kind.__struct_fields__})
        expected[tag(kind)] = events.key(event).replace("@0", "@<rev>").replace(":0:", ":<at_ms>:")
    assert {row[0]: row[1] for row in table(PROTOCOL, "event")} == expected


def retries() -> dict[str, set[str]]:
    """What is said about trying again wherever the package refuses with a code."""
    said: dict[str, set[str]] = defaultdict(set)
    for path in Path(rtig.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            retry = named.get("retry")
            again = "retry_after" in named or (isinstance(retry, ast.Constant) and retry.value is True)
            for given in (*node.args, *named.values()):
                if isinstance(given, ast.Attribute) and isinstance(given.value, ast.Name) and given.value.id == "Code":
                    said[Code[given.attr]].add("yes" if again else "no")
    return said


def test_every_code_is_there_with_its_meaning_and_whether_to_try_again() -> None:
    rows = table(PROTOCOL, "code")
    meanings = asyncapi.described()["components"]["schemas"]["Code"]["description"]
    assert [row[0] for row in rows] == [code.value for code in Code]
    assert [
        f"`{code}`: {meaning}" for code, _, meaning in rows if f"`{code}`: {meaning}\n" not in f"{meanings}\n"
    ] == []
    assert {code: {retry} for code, retry, _ in rows} == retries()


def test_every_close_code_is_there() -> None:
    described = asyncapi.described()["info"]["description"]
    closes = described.partition("**Closes.**")[2]
    assert [row[0] for row in table(PROTOCOL, "close code")] == re.findall(r"\b1\d{3}\b", closes)


def test_the_numbers_in_words_are_those_of_the_code() -> None:
    assert session.MISTAKES_IN_A_ROW == 20
    assert "Twenty errors in a row" in PROTOCOL
    assert f"`{messages.SUBPROTOCOL}`" in PROTOCOL
    assert f"`{messages.TICKET_PREFIX}<ticket>`" in PROTOCOL


def test_every_setting_is_there_with_its_default() -> None:
    expected = [
        [f"RTIG_{name.upper()}", "" if field.default in (None, ()) else _default(field.default), field.description]
        for name, field in Settings.model_fields.items()
    ]
    assert table(SETTINGS, "variable") == expected


def test_the_example_settings_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = SETTINGS.partition("```toml\n")[2].partition("```")[0]
    Path("rtig.toml").write_text(example, "utf-8")
    assert Settings().allowed_origins == ("https://desk.example",)


WRITTEN_AS = {
    "name": "kb.yaml", "triggers": "triggers/{}.yaml", "slots": "slots/{}.yaml", "steps": "playbooks/{}.yaml",
    "valence": "lexicons/{}.yaml", "expect": "tests/{}.yaml", "lines": "calls/{}.yaml",
}  # fmt: skip
"""By a key that only this kind of file has, the first that fits."""


def test_the_examples_of_a_knowledge_base_are_one(tmp_path: Path) -> None:
    """Every example of the page in one folder can be read, and lint has nothing to say about any."""
    page = (DOCS / "knowledge-base.md").read_text("utf-8")
    examples = re.findall(r"```(yaml|markdown)\n(.*?)```", page, re.DOTALL)
    assert len(examples) >= 10
    for number, (kind, text) in enumerate(examples):
        if kind == "markdown":
            path = f"articles/{number}.md"
        else:
            text = f"triggers:\n{text}" if text.startswith("  - id:") else text
            path = next(path for key, path in WRITTEN_AS.items() if re.search(f"^{key}:", text, re.MULTILINE))
        file = tmp_path / path.format(number)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert [str(found) for found in lint(tmp_path, date(2026, 11, 1), talk=shipped_negatives)] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.name)
def test_everything_that_a_page_points_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8"))
    assert [link for link in links if not link.startswith("http") and not (page.parent / link).exists()] == []
