"""The growth suite folds the same at each point, and says by how much a fragment becomes dearer."""

import json

import pytest

from benchmarks import growth
from benchmarks.growth import Talk, Took, _axis, more_of_each
from rtig.core.events import SegmentHeard
from rtig.script import Line, Script


def test_what_one_more_costs_among_many_over_among_few() -> None:
    points = (0, 1, 11, 20, 40)

    def took(last: int) -> list[list[int]]:
        """Of three fragments, of which the last is disturbed."""
        return [[base + us for base in (0, 5000, 90 * us)] for us in (50, 60, 160, 250, last)]

    assert more_of_each(points, took(450)) == 1.0
    assert more_of_each(points, took(650)) == 2.0


def test_growth_is_of_each_turn_and_its_median_is_held_against_the_target() -> None:
    took = {1: [Took([1000], [1000])] * 3, 10: [Took([nanos], []) for nanos in (1000, 1200, 9000)]}
    axis = _axis("minutes", took)
    assert axis["growth"] == [1.0, 1.2, 9.0]
    assert axis["passed"]
    assert not _axis("minutes", took | {10: [Took([1400], [])] * 3})["passed"]


def test_a_long_call_is_dialogues_in_a_row() -> None:
    short = Script(id="s", lines=(Line("customer", "one two three four"), Line("agent", "five six seven")))
    heard = Talk("", [short]).long("c", 2)
    ends = [event.end_ms for event in heard if isinstance(event, SegmentHeard)]
    assert 110_000 < max(ends) < 120_000


def test_every_axis_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"calls": (10, 20), "triggers": (10, 20), "watchers": (0, 1, 2, 3), "minutes": (1, 2)}
    monkeypatch.setattr(growth, "POINTS", small)
    for name, value in (("TRIGGERS", 20), ("WINDOW", 4), ("LEAST", 4), ("FRAGMENTS", 3)):
        monkeypatch.setattr(growth, name, value)
    growth.run(["--turns", "1", "--data", "none", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert {name: tuple(axis["points"]) for name, axis in report["axes"].items()} == small
    assert all(us > 0 for axis in report["axes"].values() for us in axis["us"])
