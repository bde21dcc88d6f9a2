"""What the importers share: words as phrases, ids, the folder that is written, and the report."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtig.core.phrases import parse, wordings
from rtig.core.text import words
from rtig.errors import PlaybookErrors, WorldError
from rtig.knowledge import read
from rtig.knowledge.imported import Imported, Making, NotImported, as_yaml, holds, slug, spoken
from rtig.knowledge.yamlfile import File


@given(st.text(alphabet=st.sampled_from("ab cÜ1’'\"(|)?~*+{}![]-.,$%\n"), max_size=30))
def test_a_text_as_a_phrase_is_heard_as_the_same_words(text: str) -> None:
    phrase = spoken(text)
    bare = text.replace("[", " ").replace("]", " ")
    if words(bare).norms:
        assert list(wordings(parse(phrase).rows)) == [words(bare).norms]
    else:
        assert phrase == ""


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Um, where's my (red) lamp?!", "where's my red lamp"),
        ("I’ve paid $50.00 + 10%", "I've paid 50.00 10"),
        ("sit-down [lamp]", "sit down lamp"),
        ("hm…", ""),
    ],
)
def test_only_words_are_left_of_a_text(text: str, phrase: str) -> None:
    assert spoken(text) == phrase


@pytest.mark.parametrize(
    ("text", "made"), [("Café — très bon!", "cafe-tres-bon"), ("価格", ""), ("x" * 200, "x" * 90), ("A_b", "a-b")]
)
def test_an_id_is_lower_case_words(text: str, made: str) -> None:
    assert slug(text) == made


@pytest.mark.parametrize(
    ("value", "something"),
    [({"a": "", "b": [None, {"c": ""}]}, False), ({"a": [0]}, True), ("x", True), (False, False), (True, True)],
)
def test_empty_texts_in_empty_lists_are_nothing(value: object, something: bool) -> None:
    assert holds(value) is something


@given(st.recursive(
    st.text(min_size=1, max_size=60).filter(lambda text: text.strip() == text and text.isprintable()),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1),
    max_leaves=6,
))  # fmt: skip
def test_what_is_written_is_read_as_it_was(value: object) -> None:
    wrong: list[object] = []
    node = File("x.yaml", wrong.append).read(as_yaml({"top": value}))
    assert wrong == []
    assert node is not None
    assert node.plain() == {"top": value}


def making(name: str = "a-b") -> Making:
    made = Making("Test", "en")
    made.article({"id": made.claim(name), "title": "A", "triggers": [{"said": ["some words"]}]}, "Text.")
    made.imported("A", name, ["as it is"])
    made.refuse("B", "it has no title", "title")
    return made


def test_the_folder_is_a_knowledge_base(tmp_path: Path) -> None:
    base = making().write(tmp_path / "new/kb")
    assert base.source.name == "Test"
    assert read(tmp_path / "new/kb").source.rules[0].id == "a-b"


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(WorldError, match="is not empty; name a new folder, or write into this one with --force"):
        making().write(tmp_path)
    with pytest.raises(WorldError, match="is a file"):
        making().write(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_with_force_it_is_written_into_and_its_own_settings_stay(tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text("name: Ours\n")
    making("c-d").write(tmp_path, force=True)
    base = making().write(tmp_path, force=True)
    assert base.source.name == "Ours"
    assert {rule.id for rule in base.source.rules} == {"a-b", "c-d"}


def test_what_was_there_and_does_not_go_with_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "triggers").mkdir()
    (tmp_path / "triggers/mine.yaml").write_text("triggers:\n  - id: a-b\n    title: A\n    said: [c d]\n")
    with pytest.raises(PlaybookErrors, match="the id `a-b` is taken"):
        making().write(tmp_path, force=True)


def test_an_id_is_given_once() -> None:
    made = Making("Test", "en")
    assert [made.claim("a"), made.claim("a"), made.claim("a")] == ["a", "a-2", "a-3"]


def test_the_report_reads_as_sentences() -> None:
    assert [str(line) for line in making().report] == [
        "A: imported as a-b\n    as it is", "not imported: B: title: it has no title",
    ]  # fmt: skip
    assert str(Imported("A", "b")) == "A: imported as b"
    assert str(NotImported("A", "why")) == "not imported: A: why"


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ("Steps\n-----\nno list", "### Steps\n\nno list"),
        ("## Steps\n\n1. one", "## Steps\n\n1. one"),
        ("## Steps", "### Steps"),
    ],
)
def test_a_heading_that_would_be_a_mistake_is_an_ordinary_one(tmp_path: Path, body: str, now: str) -> None:
    made = Making("Test", "en")
    made.article({"id": "a", "title": "A"}, body)
    made.write(tmp_path / "kb")
    assert (tmp_path / "kb/articles/a.md").read_text().endswith(f"---\n{now}\n")
