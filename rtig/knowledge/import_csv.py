"""Articles from a table: one a row, its columns named in the first row.

    title     what the card is called; the only one that must be there
    body      Markdown
    say       one sentence to read aloud
    said      phrases, separated by `;`, as docs/knowledge-base.md has them
    means     sentences that mean it, separated by `;`; the title where `said` is empty too
    tags      separated by `;`
    priority  0 to 100
    party     who says it: customer, agent or any

Columns are separated by commas, semicolons or tabs: what the first row has most of.
"""

import csv
from collections.abc import Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from rtig.core.phrases import parse, slots_of
from rtig.core.slots import BUILT_IN, slots_in
from rtig.errors import PhraseError, PlaybookError
from rtig.knowledge.imported import Making, Written, files, slug, text_of

COLUMNS = ("title", "body", "say", "said", "means", "tags", "priority", "party")
PARTIES = ("customer", "agent", "any")


class _Row(NamedTuple):
    """A row of a table. Lines and columns count from 1; a row may be several lines."""

    path: Path
    number: int
    line: int
    columns: tuple[str, ...]
    cells: dict[str, str]

    def wrong(self, column: str, problem: str, mend: str = "") -> PlaybookError:
        at = self.columns.index(column) + 1 if column in self.columns else 1
        return PlaybookError(str(self.path), self.line, at, f"`{column}` in row {self.number} {problem}", mend)

    def several(self, column: str) -> list[str]:
        return [part.strip() for part in self.cells.get(column, "").split(";") if part.strip()]


def imported(paths: Sequence[Path], *, language: str = "en") -> Making:
    """Raises `PlaybookError` that names row and column where a cell cannot be used, or `WorldError`."""
    making = Making("Articles", language)
    for path in files(paths, ".csv", ".tsv"):
        for row in _rows(path):
            _article(making, row)
    return making


def _rows(path: Path) -> list[_Row]:
    text = text_of(path)
    first = text.partition("\n")[0]
    reader = csv.reader(StringIO(text), delimiter=max(",;\t", key=first.count), strict=True)
    found: list[_Row] = []
    columns: tuple[str, ...] = ()
    number, line = 0, 1
    try:
        for cells in reader:
            number += 1
            if number == 1:
                columns = _header(path, cells)
            elif any(cell.strip() for cell in cells):
                if len(cells) > len(columns):
                    problem = f"row {number} has {len(cells)} cells, and there are {len(columns)} columns"
                    mend = "Put quotes around a text that holds the separator"
                    raise PlaybookError(str(path), line, len(columns) + 1, problem, mend)
                named = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
                found.append(_Row(path, number, line, columns, named))
            line = reader.line_num + 1
    except csv.Error as error:
        raise PlaybookError(str(path), reader.line_num, 1, f"row {number + 1} is not CSV: {error}") from None
    if not columns:
        raise PlaybookError(str(path), 1, 1, "there is no header", f"The first row names the columns: {_named()}")
    return found


def _header(path: Path, cells: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(cell.strip().lower() for cell in cells)
    if "title" not in columns:
        raise PlaybookError(
            str(path), 1, 1, "there is no column `title`", f"The first row names the columns: {_named()}"
        )
    for at, column in enumerate(columns, 1):
        if column not in COLUMNS:
            close = get_close_matches(column, COLUMNS, n=1)
            mend = f"Did you mean `{close[0]}`?" if close else f"There are {_named()}"
            raise PlaybookError(str(path), 1, at, f"`{column}` is not a column here", mend)
        if column in columns[: at - 1]:
            raise PlaybookError(str(path), 1, at, f"`{column}` is given twice")
    return columns


def _named() -> str:
    return ", ".join(f"`{column}`" for column in COLUMNS)


def _article(making: Making, row: _Row) -> None:
    title, body, say = (row.cells.get(column, "") for column in ("title", "body", "say"))
    if not title:
        raise row.wrong("title", "is empty", "An article needs a title")
    item = f"{row.path.name} row {row.number}, {title}"
    if not body and not say:
        making.refuse(item, "there is nothing to show: `body` and `say` are empty")
        return
    for name in slots_in(say):
        raise row.wrong("say", f"holds the slot `{{{name}}}`, and a table declares none")
    said, means = _phrases(row), row.several("means")
    notes = []
    if not said and not means:
        means = [title]
        notes.append("`said` and `means` are empty, and the title stands for what is meant")
    party = _party(row)
    priority = _priority(row)
    made = making.claim(slug(title) or f"article-{row.number}")
    front: Written = {
        "id": made,
        "title": title,
        **({"tags": row.several("tags")} if row.several("tags") else {}),
        "language": making.language,
        **({"say": say} if say else {}),
        **({"priority": priority} if priority is not None else {}),
        "triggers": [
            {key: value, **({"party": party} if party else {})}
            for key, value in (("said", said), ("means", means))
            if value
        ],
    }
    notes += making.article(front, body)
    making.imported(item, made, notes)


def _phrases(row: _Row) -> list[str]:
    phrases = row.several("said")
    for phrase in phrases:
        try:
            unknown = sorted(slots_of(parse(phrase)) - BUILT_IN.keys())
        except PhraseError as error:
            raise row.wrong("said", f"holds `{phrase}`: {error}") from None
        if unknown:
            raise row.wrong("said", f"holds the slot `{{{unknown[0]}}}`, and a table declares none")
    return phrases


def _party(row: _Row) -> str:
    party = row.cells.get("party", "").lower()
    if party and party not in PARTIES:
        raise row.wrong("party", f"is `{party}`", "It is one of " + ", ".join(f"`{known}`" for known in PARTIES))
    return party


def _priority(row: _Row) -> int | None:
    written = row.cells.get("priority", "")
    if not written:
        return None
    if not written.isdecimal() or int(written) > 100:
        raise row.wrong("priority", f"is `{written}`", "Priority is a whole number from 0 to 100")
    return int(written)
