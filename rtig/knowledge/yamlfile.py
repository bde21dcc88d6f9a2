"""YAML as authors write it: every value knows its line and column, so that a mistake can be pointed at.

A file becomes a tree of `Node`s; `shaped` turns a tree into the struct that describes its file and reports everything
that does not fit, not only the first thing. Dates stay the text that was written; a key given twice is a mistake.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect
from rapidfuzz import fuzz, process
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from rtig.errors import PlaybookError

Report = Callable[[PlaybookError], None]
_T = TypeVar("_T")

_DEEPEST = 16
"""Lists in lists in lists: more than this is an alias that holds itself, not an author's wish."""
_REPAIRS = 200
_CLOSE = 60
"""From this likeness on (0 to 100) an unknown key is taken for a slip of the keys."""
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "keys with values",
    "null": "nothing",
}


class Node:
    """A value, a scalar or a list or dict of nodes, with its place; `line` and `column` count from 1."""

    __slots__ = ("column", "key", "line", "lost", "offset", "value")

    def __init__(self, line: int, column: int, value: Any) -> None:
        self.line = line
        self.column = column
        self.value = value
        self.offset: int | None = None
        """Column of the text's first character where it stands in one piece on one line, quotes left aside."""
        self.key: Node | None = None
        """Where the key stands that this is the value of."""
        self.lost: set[str | int] = set()
        """Children that were reported and taken out."""

    def at(self, *path: str | int) -> "Node":
        """The node at a path, or the nearest one above it."""
        node = self
        for part in path:
            known = range(len(node.value)) if isinstance(node.value, list) else node.value
            if not isinstance(known, dict | range) or part not in known:
                break
            node = node.value[part]
        return node

    def let_go(self) -> None:
        """Empty the tree, one node after the other; it is of no use any more.

        A big one that goes by itself goes at once, and every other thread waits for it.
        """
        _let_go(self)

    def plain(self) -> Any:
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class File:
    """One file under one path, and a way to say what is wrong in it."""

    def __init__(self, path: str, report: Report) -> None:
        self.path = path
        self._report = report

    def wrong(self, where: Node | tuple[int, int], problem: str, mend: str = "") -> None:
        line, column = (where.line, where.column) if isinstance(where, Node) else where
        self._report(PlaybookError(self.path, line, column, problem, mend))

    def read(self, text: str, first_line: int = 1) -> Node | None:
        """The tree of a YAML text that begins on a line of the file; None, reported, where it is no YAML."""
        yaml = YAML(typ="safe", pure=True)
        try:
            # The composer alone: it keeps the marks, and what a scalar means is decided below.
            root = yaml.compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = (mark.line + first_line, mark.column + 1) if mark is not None else (first_line, 1)
            self.wrong(where, f"this is not YAML: {error.problem or error.context}", _yaml_mend(str(error.problem)))
            return None
        except YAMLError as error:
            found = re.search(r"(#x[0-9a-f]+)", str(error))
            what = f"the character {found.group(1)}" if found else "this"
            self.wrong((first_line, 1), f"{what} may not stand in YAML", "Remove control characters")
            return None
        finally:
            # They hold one another, and while a playbook is made nothing collects such cycles.
            vars(yaml.parser).clear()
            vars(yaml).clear()
        node = self._node(root, first_line, 0) if root is not None else None
        if root is not None:
            _let_go(root)
        if node is None or node.value is None:
            self.wrong((first_line, 1), "there is nothing in here")
            return None
        return node

    def _node(self, yaml: YamlNode, first_line: int, depth: int) -> Node:
        node = Node(yaml.start_mark.line + first_line, yaml.start_mark.column + 1, None)
        if depth > _DEEPEST:
            self.wrong(node, "this is nested too deeply")
        elif isinstance(yaml, ScalarNode):
            node.value = _scalar(yaml)
            if yaml.style in (None, "'", '"') and yaml.start_mark.line == yaml.end_mark.line:
                node.offset = node.column + (1 if yaml.style else 0)
        elif isinstance(yaml, SequenceNode):
            items = [self._node(item, first_line, depth + 1) for item in yaml.value]
            node.value = [item for item in items if item.value is not None]
            for number, item in enumerate(items):
                if item.value is None:
                    self.wrong(item, "this item of the list is empty")
                    node.lost.add(number)
        elif isinstance(yaml, MappingNode):
            node.value = {}
            for key_yaml, value_yaml in yaml.value:
                key = self._node(key_yaml, first_line, depth + 1)
                name = key_yaml.value
                if not isinstance(name, str):
                    self.wrong(key, "a key must be a text")
                    continue
                if name in node.value:
                    self.wrong(key, f"`{name}` is given twice", f"The first one is in line {node.value[name].line}")
                    continue
                value = self._node(value_yaml, first_line, depth + 1)
                value.key = key
                if value.value is None:
                    self.wrong(key, f"`{name}` has no value", "Give it one or leave it out")
                    node.lost.add(name)
                else:
                    node.value[name] = value
        return node

    def shaped(self, root: Node, shape: type[_T]) -> _T | None:
        """The tree as a struct. What does not fit is reported and left out; None where nothing useful is left."""
        info = _type_info(shape)  # type: ignore[arg-type]  # a class is hashable
        for _ in range(_REPAIRS):
            try:
                return msgspec.convert(root.plain(), shape)
            except msgspec.ValidationError as error:
                problem, path = _taken_apart(str(error))
            if "..." in path:
                path = _entry_at_fault(root, shape, path)
            if not self._repair(root, info, problem, path):
                break
        return None

    def _repair(self, root: Node, info: inspect.Type, problem: str, path: list[str | int]) -> bool:
        """Report one misfit and take it out of the tree. False where nothing is left to take it out of."""
        node = root.at(*path)
        kind, description = _type_at(info, path)
        name = _named(path)
        if found := re.match(r"Object contains unknown field `(.*)`", problem):
            key = found.group(1)
            self.wrong(node.value[key].key or node, f"`{key}` is not a key here", _did_you_mean(key, _keys(kind)))
            del node.value[key]
            return True
        if found := re.match(r"Object missing required field `(.*)`", problem):
            key = found.group(1)
            if key not in node.lost:
                self.wrong(node, f"`{key}` is missing", _type_at(info, [*path, key])[1])
            return _take_out(root, path)
        if problem.startswith("Expected `array` of length") and node.lost:
            return _take_out(root, path)
        self.wrong(node, *_put(problem, name, kind, description, node.value))
        return _take_out(root, path)


_type_info = cache(inspect.type_info)


def _let_go(tree: Node | YamlNode) -> None:
    left: list[Any] = [tree]
    while left:
        one = left.pop()
        if isinstance(one, tuple):  # a key and its value
            left += one
        elif isinstance(one.value, dict | list):
            left += one.value.values() if isinstance(one.value, dict) else one.value
            one.value = None


def _scalar(yaml: ScalarNode) -> Any:
    text: str = yaml.value
    match str(yaml.tag).rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            try:
                return int(text.replace("_", ""), 0)
            except ValueError:
                return text
        case "float":
            try:
                return float(text.replace("_", ""))
            except ValueError:
                return text
        case _:
            return text


def _take_out(root: Node, path: list[str | int]) -> bool:
    if not path:
        return False
    parent = root.at(*path[:-1])
    parent.lost.add(path[-1])
    del parent.value[path[-1]]
    return True


def _taken_apart(complaint: str) -> tuple[str, list[str | int]]:
    """What msgspec says without its path, and the path."""
    problem, _, where = complaint.partition(" - at `")
    path: list[str | int] = []
    for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]", where):
        path.append(name or ("..." if index == "..." else int(index)))
    return problem, path


def _entry_at_fault(root: Node, shape: Any, path: list[str | int]) -> list[str | int]:
    """The path with the key in place of `...`, which msgspec does not name: found by trying one entry at a time."""
    where = path.index("...")
    table = root.at(*path[:where]).value
    entries = dict(table)
    for key, node in entries.items():
        table.clear()
        table[key] = node
        try:
            msgspec.convert(root.plain(), shape)
        except msgspec.ValidationError as error:
            if _taken_apart(str(error))[1][: where + 1] == path[: where + 1]:
                path = [*path[:where], key, *path[where + 1 :]]
                break
    table.clear()
    table.update(entries)
    return path


def _type_at(info: inspect.Type, path: list[str | int]) -> tuple[inspect.Type, str]:
    """The type that a path leads to, and its description."""
    kind, description = _bare(info)
    for part in path:
        if isinstance(kind, inspect.UnionType):
            wanted = (inspect.StructType, inspect.DictType) if isinstance(part, str) else (inspect.ListType,)
            kind = next((t for t in (_bare(t)[0] for t in kind.types) if isinstance(t, wanted)), kind)
        if isinstance(kind, inspect.StructType):
            kind, description = next(
                (_bare(field.type) for field in kind.fields if field.encode_name == part), (inspect.AnyType(), "")
            )
        elif isinstance(kind, inspect.ListType):
            kind, description = _bare(kind.item_type)
        elif isinstance(kind, inspect.DictType):
            kind, description = _bare(kind.value_type)
        else:
            return kind, ""
    return kind, description


def _keys(kind: inspect.Type) -> list[str]:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [field.encode_name for k in kinds if isinstance(k, inspect.StructType) for field in k.fields]


def _bare(info: inspect.Type) -> tuple[inspect.Type, str]:
    """A type without its wrapping, and the description in the wrapping."""
    description = ""
    while isinstance(info, inspect.Metadata):
        description = description or str((info.extra_json_schema or {}).get("description", ""))
        info = info.type
    if isinstance(info, inspect.UnionType):
        # `X | None` is an X that may be left out.
        real = [t for t in info.types if not isinstance(t, inspect.NoneType)]
        if len(real) == 1:
            kind, inner = _bare(real[0])
            return kind, description or inner
    return info, description


def _named(path: list[str | int]) -> str:
    if not path:
        return "the file"
    return f"`{path[-1]}`" if isinstance(path[-1], str) else f"an item of {_named(path[:-1])}"


def _put(problem: str, name: str, kind: inspect.Type, description: str, value: Any) -> tuple[str, str]:
    """A complaint of msgspec in an author's words, and how to mend it."""
    if isinstance(kind, inspect.LiteralType):
        return f"{name} cannot be {_shown(value)}", "It is one of " + ", ".join(f"`{v}`" for v in kind.values)
    if problem.startswith("Invalid enum value"):
        return f"{name} cannot be {_shown(value)}", description
    if found := re.match(r"Expected `([^`]*)`, got `(\w+)`", problem):
        wanted = " or ".join(_WORDS.get(part, part) for part in found.group(1).split(" | ") if part != "null")
        mend = description
        if "str" in found.group(1).split(" | ") and found.group(2) in ("int", "float", "bool") and not description:
            mend = f'Put quotes around it: "{value}"'
        elif wanted == "text" and found.group(2) == "object":
            mend = "Put quotes around a text that has `: ` in it"
        return f"{name} must be {wanted}, not {_WORDS.get(found.group(2), found.group(2))}", mend
    if problem.startswith("Expected `array` of length >= 1"):
        return f"{name} is an empty list", "Put something into it or leave it out"
    if problem.startswith("Expected `str` of length >= 1"):
        return f"{name} is empty", description
    if found := re.match(r"Expected `(?:int|float)` (<=|>=|<|>) (\S+)", problem):
        sign = {"<=": "at most", ">=": "at least", "<": "below", ">": "above"}[found.group(1)]
        return f"{name} must be {sign} {float(found.group(2)):g}", description
    if "matching regex" in problem:
        return f"{name} cannot be {_shown(value)}", description
    return f"{name}: {problem}", description


def _shown(value: Any) -> str:
    return (
        f"`{str(value)[:60]}`"
        if not isinstance(value, list | dict)
        else _WORDS["array" if isinstance(value, list) else "object"]
    )


def _did_you_mean(key: str, names: list[str]) -> str:
    best = process.extractOne(key, names, scorer=fuzz.ratio, score_cutoff=_CLOSE)
    return f"Did you mean `{best[0]}`?" if best else "Keys here: " + ", ".join(names)


def _yaml_mend(problem: str) -> str:
    if "'\\t'" in problem:
        return "Indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "Put quotes around a text that has `: ` in it"
    if "but got '{'" in problem:
        return 'Put quotes around a phrase with a slot, as in `["pay {amount}"]`'
    if "cannot start any token" in problem:
        return "Put quotes around the text"
    if "another document" in problem:
        return "One file holds one document: remove the `---`"
    return ""
