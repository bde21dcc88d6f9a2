"""The protocol's description: complete, resolvable, the same each time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from rtig.errors import Code
from rtig.wire import asyncapi
from rtig.wire.messages import ClientMessage, ServerMessage


def refs(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from refs(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from refs(part)


def resolve(document: dict[str, Any], ref: str) -> object:
    found: Any = document
    for step in ref.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_every_reference_leads_somewhere() -> None:
    document = msgspec.json.decode(asyncapi.document())
    found = set(refs(document))
    assert len(found) > 40
    for ref in found:
        assert resolve(document, ref)


def test_every_message_of_both_directions_is_there_with_its_type() -> None:
    document = msgspec.json.decode(asyncapi.document())
    for operation, kinds in (("hear", ClientMessage), ("tell", ServerMessage)):
        tags = {str(kind.__struct_config__.tag) for kind in get_args(kinds)}
        listed = document["operations"][operation]["messages"]
        assert {ref["$ref"].rsplit("/", 1)[1] for ref in listed} == tags
        for tag in tags:
            payload = resolve(document, document["components"]["messages"][tag]["payload"]["$ref"])
            assert isinstance(payload, dict)
            assert payload["properties"]["type"]["enum"] == [tag]


def test_every_code_is_explained() -> None:
    schema = asyncapi.described()["components"]["schemas"]["Code"]
    assert set(schema["enum"]) == {code.value for code in Code}
    for code in Code:
        assert f"`{code}`: " in schema["description"]


def test_the_same_bytes_in_another_process() -> None:
    program = "from rtig.wire import asyncapi; import sys; sys.stdout.buffer.write(asyncapi.document())"
    run = [sys.executable, "-c", program]
    again = subprocess.run(run, capture_output=True, check=True, env=os.environ | {"PYTHONHASHSEED": "7"}).stdout
    assert again == asyncapi.document()
