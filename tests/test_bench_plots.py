"""Plots put figures where they belong, say them in a table, and let no name out of its place."""

import re

import pytest

from benchmarks import plots
from benchmarks.plots import Series


@pytest.mark.parametrize(
    ("values", "ticks"),
    [([7], [0, 2, 4, 6, 8]), ([0.3], [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]), ([100], [0, 20, 40, 60, 80, 100])],
)
def test_a_linear_axis_ends_at_a_round_number(values: list[float], ticks: list[float]) -> None:
    axis = plots.linear("", values)
    assert [value for value, _ in axis.ticks] == pytest.approx(ticks)
    assert axis.place(axis.ticks[-1][0]) == 1


def test_a_logarithmic_axis_has_equal_ratios_at_equal_distances() -> None:
    axis = plots.logarithmic("", [3, 40_000])
    assert [text for _, text in axis.ticks] == ["1", "10", "100", "1000", "10k", "100k"]
    assert axis.place(100) - axis.place(10) == pytest.approx(axis.place(10) - axis.place(1))
    assert [value for value, _ in plots.logarithmic("", [12, 80]).ticks] == [10, 20, 50, 100]
    assert [value for value, _ in plots.logarithmic("", [10]).ticks] == [10, 20, 50, 100]


def test_each_further_nine_is_as_far_again() -> None:
    axis = plots.percentiles(1000)
    assert [text for _, text in axis.ticks] == ["50 %", "90 %", "99 %", "99.9 %"]
    assert axis.place(1000) - axis.place(100) == pytest.approx(axis.place(100) - axis.place(10))
    assert plots.percent(20) == "95 %"


def test_points_have_ticks_of_their_own() -> None:
    axis = plots.at("calls", [10, 5000, 100])
    assert [text for _, text in axis.ticks] == ["10", "100", "5000"]
    assert axis.log
    assert not plots.at("minute", [0, 1, 2]).log


def test_curves_are_drawn_and_told() -> None:
    x, y = plots.at("calls", [1, 2, 3]), plots.linear("µs", [10])
    drawn = plots.curves("<Latency>", "", [Series("p99 & more", [(1, 0), (2, 5), (3, 10)])], x, y)
    assert 'd="M0.00 100.00L50.00 50.00L100.00 0.00"' in drawn
    assert "<Latency>" not in drawn
    assert "p99 &amp; more" in drawn
    assert re.findall(r"<td class=n>([^<]+)</td>", drawn) == ["0", "5", "10"]


def test_a_series_that_lacks_a_point_says_so() -> None:
    x, y = plots.at("calls", [1, 2]), plots.linear("µs", [10])
    drawn = plots.curves("", "", [Series("a", [(1, 1), (2, 1)]), Series("b", [(2, 1)])], x, y)
    assert re.findall(r"<td class=n>([^<]+)</td>", drawn) == ["1", "–", "1", "1"]


def test_bars_are_shares_of_the_longest() -> None:
    drawn = plots.bars("", "", [("a", 50), ("b", 200), ("none", 0)], "KiB")
    assert re.findall(r"width:([\d.]+)%", drawn) == ["25.00", "100.00", "0.00"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (12_345, "12,345"), (0.12345, "0.1235"), (12_345.6, "12,346"), ("a", "a")],
)
def test_figures_in_a_table(value: plots.Cell, text: str) -> None:
    assert plots.shown(value) == text
