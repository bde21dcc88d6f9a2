"""Writes `src/protocol.ts`: the protocol's structs as TypeScript, for the pages.

`python protocol_types.py` writes the file; with `--check` it only says (exit status 1) whether the file is out of date.
Run it where `rtig` is installed. What a client sends leaves defaults out, so those fields are optional; what the server
sends is always whole, so there they are not.
"""

import ast
import inspect
import sys
import textwrap
from pathlib import Path
from typing import get_args

import msgspec
from msgspec import inspect as shape

from rtig.backtest import Report
from rtig.core.events import Event
from rtig.core.guidance import Watched
from rtig.errors import Code
from rtig.knowledge import authoring
from rtig.knowledge.gaps import Gaps
from rtig.knowledge.outcomes import Outcomes
from rtig.wire import authors, latency, messages
from rtig.workshop.bench import Tried

OVER_HTTP = (authors.Try, authors.JobWanted, authors.RuleLine, Tried, Outcomes, Gaps, Report, latency.Latency)
"""What authors ask and are answered, and what operators are told."""
RENAMED = {messages.Whisper: "SayToAgent", authoring.Found: "NearArticle", Tried: "TriedSentence"}
"""Names that two structs have; of those of the protocol, what is said keeps the name of its verb."""
_under_way: set[type] = set()
"""Structs whose interface is being written: one may hold another of its kind."""
TARGET = Path(__file__).parent / "src" / "protocol.ts"
HEAD = f"""\
// The protocol's messages, written by protocol_types.py from rtig/wire and rtig/core/guidance.py. Do not edit.

export const PROTOCOL = {messages.PROTOCOL};
export const SUBPROTOCOL = "{messages.SUBPROTOCOL}";
export const TICKET_PREFIX = "{messages.TICKET_PREFIX}";
"""


def main() -> int:
    text = module()
    if "--check" in sys.argv[1:]:
        current = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        if not current:
            sys.stderr.write(f"{TARGET.name} is out of date: npm run types\n")
        return 0 if current else 1
    TARGET.write_text(text, encoding="utf-8")
    return 0


def module() -> str:
    """The whole TypeScript module."""
    told = get_args(messages.ServerMessage)
    guidance = get_args(Watched)
    said = [kind for kind in get_args(messages.ClientMessage) if issubclass(kind, messages.Said)]
    blocks: dict[type, str] = {}
    for kind in (*said, *told, *guidance, *OVER_HTTP):
        _declare(kind, blocks)
    codes = "\n".join(f'  | "{code}"' for code in Code)
    unions = [
        f"export type Code =\n{codes};",
        _union("ClientMessage", said),
        _union("ServerMessage", told),
        _union("Guidance", guidance),
    ]
    return "\n".join([HEAD, *(f"{block}\n" for block in [*blocks.values(), *unions])]).rstrip("\n") + "\n"


def _union(name: str, kinds: tuple[type, ...] | list[type]) -> str:
    return f"export type {name} =\n" + "\n".join(f"  | {_name(kind)}" for kind in kinds) + ";"


def _declare(kind: type, blocks: dict[type, str]) -> None:
    """Adds the interface of a struct to `blocks`, after those that it mentions."""
    if kind in blocks or kind in _under_way:
        return
    _under_way.add(kind)
    told = shape.type_info(kind)
    assert isinstance(told, shape.StructType)
    may_be_left_out = issubclass(kind, messages.Said | Event) or kind.__struct_config__.omit_defaults
    may_be_left_out |= kind in (authors.Try, authors.JobWanted)
    docs = _field_docs(kind)
    lines = []
    if told.tag_field:
        lines.append(f'  {told.tag_field}: "{told.tag}";')
    for field in told.fields:
        if docs.get(field.name):
            lines.append(_comment(docs[field.name], "  "))
        left_out = may_be_left_out and not field.required
        lines.append(f"  {field.encode_name}{'?' if left_out else ''}: {_type(field.type, blocks)};")
    head = f"{_comment(kind.__doc__, '')}\n" if kind.__doc__ else ""
    blocks[kind] = f"{head}export interface {_name(kind)} {{\n" + "\n".join(lines) + "\n}"


def _type(told: shape.Type, blocks: dict[type, str]) -> str:
    match told:
        case shape.StrType():
            return "string"
        case shape.IntType() | shape.FloatType():
            return "number"
        case shape.BoolType():
            return "boolean"
        case shape.NoneType():
            return "null"
        case shape.EnumType():
            return told.cls.__name__
        case shape.LiteralType(values=values):
            return " | ".join(msgspec.json.encode(value).decode() for value in values)
        case shape.TupleType(item_types=items):
            return "[" + ", ".join(_type(item, blocks) for item in items) + "]"
        case shape.VarTupleType(item_type=item):
            inner = _type(item, blocks)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case shape.DictType(key_type=key, value_type=value):
            return f"Record<{_type(key, blocks)}, {_type(value, blocks)}>"
        case shape.UnionType(types=types):
            if {getattr(one, "cls", None) for one in types} == set(get_args(Watched)):
                return "Guidance"
            return " | ".join(_type(one, blocks) for one in types)
        case shape.NamedTupleType(fields=fields):
            return "[" + ", ".join(f"{field.name}: {_type(field.type, blocks)}" for field in fields) + "]"
        case shape.StructType():
            _declare(told.cls, blocks)
            return _name(told.cls)
        case _:
            raise TypeError(f"{told!r} has no TypeScript here yet")


def _name(kind: type) -> str:
    return RENAMED.get(kind, kind.__name__)


def _field_docs(kind: type) -> dict[str, str]:
    """The strings that follow a struct's fields, by field."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[name] = text
    return docs


def _comment(text: str, indent: str) -> str:
    lines = [line.rstrip() for line in inspect.cleandoc(text).splitlines()]
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */"
    return "\n".join([f"{indent}/**", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"])


if __name__ == "__main__":
    sys.exit(main())
