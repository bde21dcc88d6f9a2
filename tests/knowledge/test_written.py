"""The shapes of the files and the page that documents them say the same."""

import re
from pathlib import Path

import msgspec
import pytest

from rtig.knowledge import written

PAGE = (Path(__file__).parents[2] / "docs" / "knowledge-base.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", written.FILES)
def test_every_key_is_documented(name: str) -> None:
    shapes = [written.FILES[name]]
    schema = msgspec.json.schema(shapes[0])
    keys = {key for part in schema["$defs"].values() for key in part.get("properties", {})}
    assert keys
    missing = {key for key in keys if not re.search(rf"(^|[\s`{{-]){key}(:|`)", PAGE, re.MULTILINE)}
    assert not missing


def test_patterns_are_ones_that_editors_read() -> None:
    for shape in written.FILES.values():
        text = msgspec.json.encode(msgspec.json.schema(shape)).decode()
        assert "\\\\Z" not in text
        assert "(?P" not in text
