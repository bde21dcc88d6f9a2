"""The gate fails on a tenth more instructions, and names what grew; what it counts is what the baseline was made of."""

import platform

import msgspec
import pytest

from benchmarks import check, counted
from benchmarks.check import Baseline, Build, compared
from benchmarks.phrases_data import ROOT
from rtig import knowledge

HERE = Build("CPython 3.11", "glibc 2.36", "x86_64", "valgrind-3.19.0", {"msgspec": "0.19"})
COUNTS = {"reference": 1000, "fold": 50_000, "wire": 300}


def found(more: dict[str, int] | None = None, build: Build = HERE, load: str = "a") -> Baseline:
    return Baseline(load, build, COUNTS | (more or {}))


def test_the_same_passes() -> None:
    problems, rows = compared(found(), found())
    assert problems == []
    assert {row.name: row.more for row in rows} == {"fold": 0, "wire": 0}


def test_a_tenth_more_passes_and_anything_on_top_fails_by_name() -> None:
    assert compared(found(), found({"fold": 55_000}))[0] == []
    (problem,), _ = compared(found(), found({"fold": 55_001}))
    assert problem == "fold: +10.00%, and 10% is allowed."


def test_less_passes() -> None:
    assert compared(found(), found({"fold": 5}))[0] == []


def test_another_build_is_held_against_the_reference() -> None:
    other = msgspec.structs.replace(HERE, python="CPython 3.13")
    slower = {"reference": 2000, "fold": 100_000, "wire": 600}
    assert compared(found(), found(slower, other))[0] == []
    (problem,), _ = compared(found(), found(slower | {"wire": 751}, other))
    assert problem == "wire: +25.17%, and 25% is allowed."


@pytest.mark.parametrize("changed", [found(load="b"), found({"walk": 1})])
def test_another_work_is_not_compared(changed: Baseline) -> None:
    (problem,), rows = compared(found(), changed)
    assert "UPDATE=1" in problem
    assert rows == []


def test_a_dump_is_read() -> None:
    dump = "version: 1\ndesc: Trigger: Client Request: fold of finals\nevents: Ir\nsummary: 2952454334\ntotals: 29\n"
    assert check.total(dump) == ("fold of finals", 2_952_454_334)


def test_where_nothing_can_be_counted_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert check.run([]) == 0
    assert "bench-check is skipped: " in capsys.readouterr().err


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the request is written for x86-64")
def test_asking_without_valgrind_does_nothing() -> None:
    ask = counted.asking()
    ask(counted.ZERO)
    ask(counted.DUMP, b"nothing")


def test_what_is_counted_is_what_the_baseline_was_made_of() -> None:
    baseline = msgspec.json.decode(check.BASELINE.read_bytes(), type=Baseline)
    shipped = knowledge.read(ROOT / "knowledge_base")
    given = counted.load(shipped)
    assert given.digest == baseline.load, "make bench-check UPDATE=1"
    works = counted.works(shipped, given)
    assert works.keys() == baseline.counts.keys()
    assert all(work() >= 200 for work in works.values())
