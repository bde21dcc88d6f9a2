"""What the importers share: reading what other systems export, naming what it becomes, writing it, and the report.

An import reads everything before it writes anything. What cannot be read stops it, with the file and the place. What
can be read and cannot be said here is refused by name, and the rest goes on: nothing is left out in silence.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from unicodedata import normalize

import msgspec
from markdown_it import MarkdownIt
from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import LiteralScalarString

from rtig.core.slots import BUILT_IN
from rtig.core.text import words
from rtig.errors import PlaybookError, WorldError
from rtig.knowledge.base import KnowledgeBase, read

_T = TypeVar("_T")
Written = dict[str, Any]
"""A part of a file as its author would have written it."""

_WIDTH = 110
_LONGEST_ID = 90
"""Of the 100 characters that an id may have; the rest is for what tells two of one name apart."""
_IN_ONE_LINE = frozenset(["channels", "queues", "teams", "tags"])
"""Lists of a few short names."""
_BRACKETS = re.compile(r"\[|\]")
_BRACES = str.maketrans("{}", "()")


# --- the report


class Imported(Struct, frozen=True):
    """An item of the source, and the id of the article, trigger or slot that it became."""

    item: str
    id: str
    notes: tuple[str, ...] = ()
    """What is otherwise here than it was there."""

    def __str__(self) -> str:
        return "\n    ".join((f"{self.item}: imported as {self.id}", *self.notes))


class NotImported(Struct, frozen=True):
    """An item, or a part of one, that has no equal here."""

    item: str
    reason: str
    part: str = ""
    """Empty: the whole item."""

    def __str__(self) -> str:
        return f"not imported: {self.item}: {f'{self.part}: ' if self.part else ''}{self.reason}"


class Refused(Exception):
    """A part of the source cannot be said here. Caught where the part is known; never leaves an importer."""

    def __init__(self, reason: str, part: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.part = part


# --- what is read


def files(paths: Iterable[Path], *suffixes: str) -> list[Path]:
    """The files named, and of a folder those that end so, in the order of their names. Raises `WorldError`."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in suffixes)
            if not inside:
                raise WorldError(f"{path}: there is no file that ends in {' or '.join(suffixes)}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise WorldError(f"{path}: there is no such file")
    return found


def text_of(path: Path) -> str:
    """Raises `PlaybookError` where a file is not UTF-8."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise PlaybookError(str(path), line, column, "this is not UTF-8", "Save the file as UTF-8") from None


class Record(NamedTuple):
    """One JSON value of a file, and the line on which it begins."""

    line: int
    value: Any


def records(path: Path) -> list[Record]:
    """The JSON values of a file: one, or one a line. Raises `PlaybookError`."""
    text = text_of(path)
    try:
        return [Record(1, json.loads(text))]
    except json.JSONDecodeError as error:
        # A second value after the first one is what makes JSON Lines; anything else is a mistake in either format.
        if error.msg != "Extra data":
            raise PlaybookError(str(path), error.lineno, error.colno, f"this is not JSON: {error.msg}") from None
    found: list[Record] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append(Record(number, json.loads(line)))
            except json.JSONDecodeError as error:
                raise PlaybookError(str(path), number, error.colno, f"this line is not JSON: {error.msg}") from None
    return found


def shaped(path: Path, record: Record, shape: type[_T], where: str = "$") -> _T:
    """A value as a struct. Raises `PlaybookError` that names the key at fault, as in `articles[2].title`."""
    try:
        return msgspec.convert(record.value, shape)
    except msgspec.ValidationError as error:
        problem, _, inside = str(error).partition(" - at `$")
        place = f"{where}{inside.rstrip('`')}".removeprefix("$").removeprefix(".")
        raise PlaybookError(str(path), record.line, 1, f"{f'`{place}`: ' if place else ''}{problem}") from None


def beyond(value: Mapping[str, Any], shape: type[Struct], *known: str) -> Iterator[str]:
    """The keys of a value that hold something and that neither its struct nor its importer knows."""
    fields = {*shape.__struct_encode_fields__, *known}
    yield from (key for key, held in value.items() if key not in fields and holds(held))


def holds(value: Any) -> bool:
    """Whether there is something in a JSON value: exports are full of empty texts in empty lists."""
    if isinstance(value, dict | list):
        return any(map(holds, value.values() if isinstance(value, dict) else value))
    return value is not None and value is not False and value != ""


# --- what is written


def spoken(text: str) -> str:
    """The words of a text as a phrase: what means something in a phrase, and was only punctuation, is left out.

    Empty where nothing in it is ever heard as a word.
    """
    text = _BRACKETS.sub(" ", text).replace("’", "'")
    found = words(text)
    heard = set(found.at)
    return " ".join(text[start:end] for token, (start, end) in enumerate(found.spans) if token in heard)


def unbraced(text: str) -> str:
    """A text that holds no slots."""
    return text.translate(_BRACES)


def slug(text: str) -> str:
    """A text as an id; empty where it has no Latin letters or digits."""
    plain = normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_ID].strip("-")


def same_language(tag: str, wanted: str) -> bool:
    return tag.partition("-")[0].casefold() == wanted.partition("-")[0].casefold()


class Making:
    """A knowledge base that is being made, and the report of what became of each item."""

    def __init__(self, name: str, language: str) -> None:
        self.language = language
        self.report: list[Imported | NotImported] = []
        self._files: dict[str, str] = {"kb.yaml": as_yaml({"name": name, "language": language})}
        self._ids: set[str] = set(BUILT_IN)

    def imported(self, item: str, made: str, notes: Sequence[str] = ()) -> None:
        self.report.append(Imported(item, made, tuple(notes)))

    def refuse(self, item: str, reason: str, part: str = "") -> None:
        self.report.append(NotImported(item, reason, part))

    def claim(self, wanted: str) -> str:
        """An id that nothing has yet: the one that is wanted, or it and a number."""
        made, number = wanted, 1
        while made in self._ids:
            number += 1
            made = f"{wanted}-{number}"
        self._ids.add(made)
        return made

    def article(self, front: Written, body: str, folder: str = "") -> list[str]:
        """Add an article under its id. What had to be changed in its body is told in words."""
        notes, body = _steps_as_read(body)
        inside = f"{folder}/" if folder else ""
        self._files[f"articles/{inside}{front['id']}.md"] = f"---\n{as_yaml(front)}---\n{body.strip()}\n"
        return notes

    def triggers(self, name: str, triggers: Sequence[Written]) -> None:
        """Add a file of triggers."""
        self._files[f"triggers/{name}.yaml"] = as_yaml({"triggers": list(triggers)})

    def slots(self, name: str, slots: Sequence[Written]) -> None:
        if slots:
            self._files[f"slots/{name}.yaml"] = as_yaml({"slots": list(slots)})

    def write(self, folder: Path, *, force: bool = False) -> KnowledgeBase:
        """Write the folder and read it back.

        With `force` the folder may hold something: files of the same names are replaced, but kb.yaml, which is its
        team's by now, and all others stay. Raises `WorldError` where it may not, `PlaybookErrors` where what was there
        does not go with what is new.
        """
        if folder.exists() and not folder.is_dir():
            raise WorldError(f"{folder} is a file")
        if folder.is_dir() and any(folder.iterdir()) and not force:
            raise WorldError(f"{folder} is not empty; name a new folder, or write into this one with --force")
        for name, text in self._files.items():
            path = folder / name
            if name == "kb.yaml" and path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return read(folder)


def as_yaml(value: Written) -> str:
    """YAML as a person would go on writing it."""
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(_laid_out(value), out)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())  # it folds after a space


def _laid_out(value: Any, key: str = "") -> Any:
    """Texts of several lines as blocks, lists of names in one line, and no list that stands for another."""
    if isinstance(value, dict):
        return {name: _laid_out(inner, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        listed = CommentedSeq([_laid_out(inner) for inner in value])
        if key in _IN_ONE_LINE:
            listed.fa.set_flow_style()
        return listed
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value


def _steps_as_read(body: str) -> tuple[list[str], str]:
    """A `## Steps` that no numbered list follows would be a mistake here, and is made a heading like any other."""
    tokens = MarkdownIt("commonmark").parse(body)
    lines = body.split("\n")
    notes = []
    for index, token in enumerate(tokens):
        opens = token.type == "heading_open" and token.tag == "h2"
        if opens and tokens[index + 1].content.strip().lower() == "steps" and token.map is not None:
            after = tokens[index + 3].type if index + 3 < len(tokens) else ""
            if after != "ordered_list_open":
                first, last = token.map
                lines[first:last] = ["### Steps", *[""] * (last - first - 1)]
                notes.append("its heading `Steps` stands before no numbered list, and is an ordinary heading here")
    return notes, "\n".join(lines)
