"""The shape of the house: the core is pure, every message survives a round trip, names of events are for ever."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import rtig
from rtig.core import events, guidance
from rtig.wire import messages

PACKAGE = Path(rtig.__file__).parent
PURE = sorted([*(PACKAGE / "core").glob("*.py"), *(PACKAGE / "wire").glob("*.py")])
IMPURE = {
    "asyncio", "concurrent", "contextvars", "datetime", "io", "locale", "logging", "multiprocessing", "os", "pathlib",
    "random", "secrets", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "structlog", "subprocess",
    "tempfile", "threading", "time", "uuid", "uvloop", "websockets",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "hash", "id"}


@pytest.mark.parametrize("path", PURE, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_core_and_the_wire_do_no_io_and_read_no_clock(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").split(".")[0]}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS, f"{path.name}:{node.lineno} calls {node.func.id}"
            continue
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Global):
            pytest.fail(f"{path.name}:{node.lineno} is not pure")
        else:
            continue
        assert not names & IMPURE, f"{path.name}:{node.lineno} imports {sorted(names & IMPURE)}"


FOLD_UNDER_WATCH = """
import sys
sys.path.insert(0, sys.argv[1])
from calls import CALL, call, playbook, say
from rtig.core import engine

book = playbook()
events = call([say("agent", 0, "thanks for calling"), say("customer", 2_000, "my bill has doubled terrible")], 30_000)
list(engine.rehearse(book, CALL, events))  # whatever Python itself loads late is loaded now
touched = []
sys.addaudithook(lambda name, args: touched.append(name))
guidance = list(engine.rehearse(book, CALL, events))
seen = [name for name in touched if name.split(".")[0] in ("open", "os", "socket", "subprocess", "sqlite3", "shutil")]
assert guidance and not seen, seen
"""


@pytest.mark.process
def test_a_fold_touches_no_file_and_no_socket() -> None:
    tests = Path(__file__).parent / "core"
    subprocess.run([sys.executable, "-c", FOLD_UNDER_WATCH, str(tests)], check=True)


def _structs(union: object) -> list[type[msgspec.Struct]]:
    return [kind for kind in get_args(union) if isinstance(kind, type)]


def _example(field_type: object) -> object:
    """A value of a field's type, as JSON would have it."""
    schema = msgspec.json.schema(field_type)
    return _value(schema, schema.get("$defs", {}))


def _value(schema: dict[str, object], defs: dict[str, dict[str, object]]) -> object:
    if "$ref" in schema:
        return _value(defs[str(schema["$ref"]).rsplit("/", 1)[1]], defs)
    if "enum" in schema:
        return schema["enum"][0]  # type: ignore[index]
    if "anyOf" in schema:
        return _value(schema["anyOf"][-1], defs)  # type: ignore[index]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: _value(part, defs) for name, part in properties.items()}  # type: ignore[attr-defined]
        case "array":
            parts = schema.get("prefixItems")
            return [_value(part, defs) for part in parts] if parts else [_value(schema["items"], defs)]  # type: ignore
        case "string":
            return "x-1"
        case "integer":
            return 3
        case "number":
            return 0.5
        case "boolean":
            return True
        case _:
            return None


@pytest.mark.parametrize("kind", _structs(events.AnyEvent), ids=lambda k: k.__name__)
def test_every_event_survives_the_log(kind: type[events.Event]) -> None:
    event = msgspec.convert(_example(kind), kind)
    assert events.decode(events.encode(event)) == event  # type: ignore[arg-type]
    assert events.key(event)


@pytest.mark.parametrize("kind", _structs(messages.ClientMessage), ids=lambda k: k.__name__)
def test_every_message_of_a_client_survives_the_wire(kind: type[msgspec.Struct]) -> None:
    message = msgspec.convert(_example(kind), kind)
    assert messages.decode(messages.encode(message)) == message  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", _structs(messages.ServerMessage), ids=lambda k: k.__name__)
def test_every_message_of_the_server_survives_the_wire(kind: type[msgspec.Struct]) -> None:
    message = msgspec.convert(_example(kind), kind)
    assert messages.decode_told(messages.encode(message)) == message  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", _structs(guidance.Guidance), ids=lambda k: k.__name__)
def test_every_item_of_guidance_survives_the_wire(kind: type[msgspec.Struct]) -> None:
    item = msgspec.convert(_example(kind), kind)
    assert msgspec.json.decode(msgspec.json.encode(item), type=guidance.Guidance) == item


def test_a_record_of_a_newer_version_keeps_its_place() -> None:
    assert isinstance(events.decode(b'{"type":"telepathy","call_id":"c"}'), events.Unrecognised)
    assert isinstance(events.decode(b'{"type":"tick","call_id":"c","at_ms":1,"mood":"new"}'), events.Unrecognised)


def test_the_names_of_events_are_for_ever() -> None:
    tags = sorted(str(kind.__struct_config__.tag) for kind in _structs(events.AnyEvent))
    assert tags == [
        "alert_answered",
        "call_ended", "call_started", "card_answered", "card_missed", "handover_sent", "help_asked", "help_taken_back",
        "hint", "hold", "party_corrected", "playbook_changed", "segment", "segment_voided", "tick",
        "unrecognised", "utterance_read", "whisper",
    ]  # fmt: skip
