"""Articles from a table: its columns, its separators, and mistakes with their row and column."""

from pathlib import Path
from typing import Any

import pytest

from rtig.errors import PlaybookError
from rtig.knowledge import KnowledgeBase
from rtig.knowledge.import_csv import imported
from rtig.knowledge.imported import Imported, NotImported


class Made:
    def __init__(self, folder: Path, text: str | bytes, name: str = "guide.csv") -> None:
        source = folder / name
        source.write_bytes(text if isinstance(text, bytes) else text.encode())
        making = imported([source])
        self.out = folder / "kb"
        self.base: KnowledgeBase = making.write(self.out)
        self.lines = making.report


def test_a_row_is_an_article(tmp_path: Path) -> None:
    made = Made(
        tmp_path,
        "title,body,say,said,means,tags,priority,party\n"
        'Opening hours,"We are open\n\n## Steps\n\n1. Look\n2. Tell",We are open until six.,'
        "when (do you|are you) open; opening hours,how late can I come; are you there on Sunday,hours;shop,70,any\n",
    )
    assert (made.out / "articles/opening-hours.md").read_text("utf-8") == (
        "---\nid: opening-hours\ntitle: Opening hours\ntags: [hours, shop]\nlanguage: en\n"
        "say: We are open until six.\npriority: 70\n"
        "triggers:\n  - said:\n      - when (do you|are you) open\n      - opening hours\n    party: any\n"
        "  - means:\n      - how late can I come\n      - are you there on Sunday\n    party: any\n---\n"
        "We are open\n\n## Steps\n\n1. Look\n2. Tell\n"
    )
    rule = made.base.source.rules[0]
    assert ([step.text for step in rule.steps], rule.priority) == (["Look", "Tell"], 70)
    assert made.lines == [Imported("guide.csv row 2, Opening hours", "opening-hours")]


def test_the_title_stands_for_what_is_meant_where_nothing_else_does(tmp_path: Path) -> None:
    made = Made(tmp_path, "say,title\nWe are open until six.,Opening hours\n")
    assert set(made.base.source.meanings[0].examples) == {"Opening hours"}
    note = "`said` and `means` are empty, and the title stands for what is meant"
    assert made.lines == [Imported("guide.csv row 2, Opening hours", "opening-hours", (note,))]


@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_separators_are_seen_in_the_first_row(tmp_path: Path, mark: str) -> None:
    made = Made(tmp_path, 'title,said,body\nA b,"one two;three four",x\n'.replace(",", mark), "guide.tsv")
    condition: Any = made.base.source.rules[0].clauses[0].condition
    assert condition.phrases == ("one two", "three four")


def test_empty_rows_and_a_byte_order_mark_are_no_mistakes(tmp_path: Path) -> None:
    made = Made(tmp_path, b"\xef\xbb\xbfTitle,Body\r\n\r\nA b,x\r\n,\r\nC d,y\r\n")
    assert [rule.id for rule in made.base.source.rules] == ["a-b", "c-d"]


def test_two_rows_of_one_title_have_two_ids(tmp_path: Path) -> None:
    made = Made(tmp_path, "title,body\nA b,x\nA b,y\n価格,z\n")
    assert [line.id for line in made.lines if isinstance(line, Imported)] == ["a-b", "a-b-2", "article-4"]


def test_a_row_that_shows_nothing_is_refused(tmp_path: Path) -> None:
    made = Made(tmp_path, "title,body,said\nA b,,one two\n")
    assert made.lines == [NotImported("guide.csv row 2, A b", "there is nothing to show: `body` and `say` are empty")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: there is no header. The first row names the columns: `title`, `body`, "),
        ("a b,c\n1,2\n", "1:1: there is no column `title`. The first row names the columns: `title`, `body`, "),
        ("title,boddy\na,b\n", "1:2: `boddy` is not a column here. Did you mean `body`?"),
        ("title,xyz\na,b\n", "1:2: `xyz` is not a column here. There are `title`, `body`, "),
        ("title,body,title\na,b,c\n", "1:3: `title` is given twice"),
        ("title,body\nA,b,c\n", "2:3: row 2 has 3 cells, and there are 2 columns. Put quotes around a text"),
        ("title,body\n,b\n", "2:1: `title` in row 2 is empty. An article needs a title"),
        ('title,body\n"A\nb",x\n,b\n', "4:1: `title` in row 3 is empty. An article needs a title"),
        ("title,body,priority\nA,b,high\n", "2:3: `priority` in row 2 is `high`. Priority is a whole number"),
        ("title,body,priority\nA,b,101\n", "2:3: `priority` in row 2 is `101`"),
        ("title,party,body\nA,boss,b\n", "2:2: `party` in row 2 is `boss`. It is one of `customer`, `agent`, `any`"),
        ("title,body,said\nA,b,one (two\n", "2:3: `said` in row 2 holds `one (two`: this `(` is not closed"),
        ("title,body,said\nA,b,pay {sum}\n", "2:3: `said` in row 2 holds the slot `{sum}`, and a table declares none"),
        ("title,say\nA,Hello {name|you}\n", "2:2: `say` in row 2 holds the slot `{name}`, and a table declares none"),
        ('title,body\nA,"b\n', "2:1: row 2 is not CSV: unexpected end of data"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_row_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PlaybookError) as raised:
        Made(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'guide.csv'}:{said}")


def test_what_is_not_utf_8_says_where(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError) as raised:
        Made(tmp_path, b"title,body\nA,caf\xe9\n")
    assert (raised.value.line, raised.value.column) == (2, 6)


def test_amounts_and_numbers_are_slots_that_everybody_has(tmp_path: Path) -> None:
    made = Made(tmp_path, "title,body,said\nA,b,pay {amount}\n")
    condition: Any = made.base.source.rules[0].clauses[0].condition
    assert condition.phrases == ("pay {amount}",)
