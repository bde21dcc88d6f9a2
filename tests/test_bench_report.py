"""Any suite's figures become a page; what is odd about them breaks none."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import check, report
from benchmarks.report import Run

LATENCY = {
    "calls": 100, "p50_us": 900, "p99_us": 4000, "p999_us": 9000, "floor_p50_us": 200, "floor_p99_us": 500,
    "ratio_p50": 4.5, "ratio_p99": 8.0, "lost": 0, "card": {"p50_us": 1000, "p99_us": 5000},
    "stages": {"fold": {"p50_us": 300, "p99_us": 900}, "encode": {"p50_us": 30, "p99_us": 90}},
}  # fmt: skip


def run(suite: str, *results: dict[str, Any], exit_code: int = 0) -> Run:
    return Run(suite, f"python -m benchmarks {suite}", "2026-11-27 10:00", 12.0, exit_code, {"cores": "2"}, [*results])


class Shape(HTMLParser):
    """Whether tags are closed in order; what would be fetched."""

    VOID = frozenset({"meta", "br", "hr", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [f"{tag} {value}" for name, value in attrs if name == "src" or (name, tag) == ("href", "link")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_percentiles_are_found_wherever_they_stand() -> None:
    groups = report.percentile_groups(LATENCY)
    assert groups["whole"] == report.Group("µs", {2.0: 900, 100.0: 4000, 1000.0: 9000})
    assert groups["floor"] == report.Group("µs", {2.0: 200, 100.0: 500})
    assert groups["card"] == report.Group("µs", {2.0: 1000, 100.0: 5000})
    assert groups["stages: fold"] == report.Group("µs", {2.0: 300, 100.0: 900})


def test_what_is_in_another_unit_is_drawn_by_itself() -> None:
    both = {"budget_ms": 100, "ack": {"p50_us": 1500, "p99_us": 4000}, "frame_ms": {"p50": 16.7, "p99": 33.4}}
    page = report.page(run("chaos", both))
    assert re.findall(r'<p class="y">([^<]*)', page) == ["µs", "ms"]
    legends = re.findall(r"</svg>([^<]*)</li>", page)
    assert legends == ["ack", "frame"]


def test_latency_is_drawn_by_percentile_and_by_stage() -> None:
    page = report.page(run("latency", LATENCY))
    titles = re.findall(r"<figcaption>([^<]*)", page)
    assert titles == [
        "Latency by percentile", "Where the time goes: the median", "Where the time goes: the 99th percentile"
    ]  # fmt: skip
    legend = page.partition('<ul class="legend">')[2].partition("</ul>")[0]
    assert re.findall(r"</svg>([^<]*)", legend) == ["rtig", "the floor", "card"]


def test_what_was_measured_at_several_loads_is_drawn_over_them() -> None:
    steps = [{"calls": calls, "p50_us": calls, "p99_us": 9 * calls, "rss_mb": 80} for calls in (100, 200, 400)]
    workers = [{"workers": 1, "calls": 400, "p99_us": 9, "steps": steps}, {"workers": 2, "calls": 700, "p99_us": 12}]
    page = report.page(
        run("capacity", {"workers": workers, "minutes": [{"minute": 1, "p99_us": 0}, {"minute": 2, "p99_us": 5}]})
    )
    assert re.findall(r"<figcaption>([^<]*)", page) == [
        "Workers, µs", "Workers 1, steps, µs", "Workers 1, steps, MB", "Minutes, µs"
    ]  # fmt: skip
    assert re.findall(r'<p class="x">([^<]*)', page) == ["workers", "calls", "calls", "minute"]


def test_watchers_are_drawn_by_their_number() -> None:
    fanout = {
        "10": {"us": [9, 10, 11], "broadcast_us": [12, 13, 14]},
        "100": {"us": [8, 9, 10], "broadcast_us": [15] * 3},
    }
    assert "A watcher, by their number" in report.page(run("fanout", fanout))


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{}],
        [LATENCY],
        [{"engine": "rtig", "triggers": 100, "us_p50": 14.2}, {"source": "made up"}],
        [{"empty": [], "nothing": None, "nested": {"deep": {"deeper": {"deepest": 1}}}, "list": [1, 2, 3]}],
        [{"rows": [{"calls": 1, "p99_us": 0}, {"calls": 1, "p99_us": 0}], "markup": "<script>alert(1)</script>"}],
        [{"passed": False, "minutes": [{"minute": 0, "p99_us": 5}, {"minute": 1, "p99_us": 7}]}],
    ],
)
@pytest.mark.parametrize("suite", ["latency", "matcher", "growth", "memory", "check", "unheard_of"])
def test_a_page_is_whole_and_fetches_nothing(suite: str, results: list[dict[str, Any]]) -> None:
    for text in (report.page(run(suite, *results)), report.index([run(suite, *results)])):
        shape = Shape(text)
        assert (shape.open, shape.fetched) == ([], [])
        assert "<script" not in text


def test_verdicts() -> None:
    assert run("latency", LATENCY).verdict == ("measured", "good")
    assert run("latency", LATENCY, exit_code=1).verdict == ("failed", "bad")
    assert run("growth", {"passed": True}).verdict == ("passed", "good")
    assert run("growth", {"passed": False}).verdict == ("failed", "bad")
    assert run("check").verdict == ("skipped", "good")
    assert run("latency", exit_code=2).verdict == ("did not run (exit code 2)", "bad")


def test_a_headline_has_units() -> None:
    assert "p50 900 µs, p99 4,000 µs, ratio p99 8" in report.page(run("latency", LATENCY))
    assert "final 300 µs, interim 80.5 µs" in report.page(run("step", {"us_final": 300, "us_interim": 80.5}))


def test_a_short_run_says_that_it_is_one() -> None:
    short = "not to be quoted"
    assert short not in report.page(run("latency", LATENCY))
    assert short in report.page(run("latency --quick", LATENCY))


def test_every_suite_has_a_question_and_its_meaning_is_in_the_readme() -> None:
    assert all(report.question(suite).endswith("?") for suite in command.SUITES)


def test_objects_are_found_among_what_was_printed() -> None:
    assert report.objects('a table\n{"a": 1}\n{"b": 2}\n') == [{"a": 1}, {"b": 2}]
    assert report.objects('{\n  "a": 1\n}\n') == [{"a": 1}]
    assert report.objects("[1]\n") == []


def test_any_suite_writes_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def suite(arguments: list[str]) -> int:
        assert arguments == ["--calls", "3", "--json"]
        sys.stdout.write(json.dumps(LATENCY))
        return 1

    monkeypatch.setitem(command.SUITES, "latency", suite)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "latency", "--calls", "3", "--out", str(tmp_path / "out")])
    assert command.main() == 1
    assert capsys.readouterr().out == ""
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"latency.html", "latency.json", "index.html"}
    kept = json.loads((tmp_path / "out" / "latency.json").read_text())
    assert kept["results"] == [LATENCY]
    assert 'href="latency.html"' in (tmp_path / "out" / "index.html").read_text()


def test_a_suite_that_breaks_off_is_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def suite(arguments: list[str]) -> int:
        raise RuntimeError

    monkeypatch.setitem(command.SUITES, "latency", suite)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "latency", f"--out={tmp_path}"])
    with pytest.raises(RuntimeError):
        command.main()
    assert "did not run" in (tmp_path / "index.html").read_text()


@pytest.mark.process
def test_all_runs_every_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Here the one that does nothing where there is no valgrind, and one that no process knows."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(command, "SUITES", {"check": check.run, "unheard_of": check.run})
    monkeypatch.setattr(sys, "argv", ["benchmarks", "all", "--quick", "--out", str(tmp_path)])
    assert command.main() == 1
    assert re.findall(r"^(check|unheard_of) +(.+)$", capfd.readouterr().err, re.MULTILINE) == [
        ("check", "passed"), ("unheard_of", "failed, exit code 2")
    ]  # fmt: skip
    assert "skipped" in (tmp_path / "index.html").read_text()
