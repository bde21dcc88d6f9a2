"""The memory suite adds up what a call holds, and measures a server with connections and without."""

import json
import sys

import pytest
from msgspec import Struct

from benchmarks import memory


class Held(Struct, gc=False):
    names: tuple[str, ...]


def test_each_object_is_added_up_once_and_where_it_is_met_first() -> None:
    name = "a name " * 10
    held = Held((name, name))
    expected = sys.getsizeof(held) + sys.getsizeof(held.names) + sys.getsizeof(name)
    walk = memory._Walk()
    assert walk.size(held) == expected
    assert walk.bytes_of == {
        "Held": sys.getsizeof(held), "tuple": sys.getsizeof(held.names), "str": sys.getsizeof(name)
    }  # fmt: skip
    assert walk.size([held.names]) == sys.getsizeof([0])


@pytest.mark.process
def test_calls_and_connections_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(memory, "MINUTES", 1)
    monkeypatch.setattr(memory, "WARM_UP", 5)
    assert memory.run(["--calls", "1", "--connections", "300", "--rounds", "1", "--data", "none", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["call"]["kib_by_part"]["state: transcript"] > 0
    assert report["connections"] == 300
    assert report["kib_a_connection"]["websockets-deflate"][1] > report["kib_a_connection"]["echo"][1]
