"""Plots as text: HTML with a little SVG in it, which needs nothing from elsewhere and fits any width.

Pure. Lines are drawn in an SVG that is stretched to its place; what is read stands beside it as HTML, so that letters
stay as big as they are on a narrow screen. Each plot has its figures in a table.
"""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

Number = int | float
Cell = Number | str | None


def short(value: float) -> str:
    """Three digits at most are told apart: 12000 is 12k, 0.25 stays."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.4g}{unit}"
    return f"{value:.4g}"


class Series(NamedTuple):
    name: str
    points: Sequence[tuple[float, float]]


class Axis(NamedTuple):
    """`ticks` are values with what is written at them; `log`: equal distances are equal ratios."""

    label: str
    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...]
    written: Callable[[float], str] = short
    """How a value of it is written."""

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        low, high, at = (math.log10(one) if self.log else one for one in (self.low, self.high, value))
        return (at - low) / (high - low) if high > low else 0.5


def linear(label: str, values: Sequence[float]) -> Axis:
    """From 0 to what is a round number, in four to six steps."""
    most = max((*values, 0.0)) or 1.0
    step = 10.0 ** math.floor(math.log10(most))
    step = next(step * part for part in (0.2, 0.5, 1.0, 2.0) if most / (step * part) <= 6)
    steps = math.ceil(most / step - 1e-9)
    return Axis(label, 0.0, steps * step, False, tuple((at * step, short(at * step)) for at in range(steps + 1)))


def logarithmic(label: str, values: Sequence[float]) -> Axis:
    """Powers of ten around the values; within one or two of them 2 and 5 as well."""
    some = [value for value in values if value > 0] or [1.0]
    first, last = math.floor(math.log10(min(some)) + 1e-9), math.ceil(math.log10(max(some)) - 1e-9)
    last = max(last, first + 1)
    parts = (1, 2, 5) if last - first <= 2 else (1,)
    ticks = [part * 10.0**power for power in range(first, last) for part in parts] + [10.0**last]
    return Axis(label, 10.0**first, 10.0**last, True, tuple((tick, short(tick)) for tick in ticks))


def at(label: str, values: Sequence[float]) -> Axis:
    """Ticks at the values themselves, on a logarithmic scale where they span more than one power of ten."""
    some = sorted(set(values))
    log = some[0] > 0 and some[-1] / some[0] > 10
    return Axis(label, some[0], some[-1], log, tuple((value, short(value)) for value in some))


def percentiles(highest: float) -> Axis:
    """As HDR plots have it: each further nine is as far again. Values are 1 / (1 - share)."""
    nines = (2.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0)
    ticks = tuple((value, percent(value)) for value in nines if value <= highest * 1.001)
    return Axis("percentile", nines[0], max(highest, nines[1]), True, ticks, percent)


def percent(value: float) -> str:
    """Of 1 / (1 - share)."""
    return f"{100 - 100 / value:.6g} %"


def shown(value: Cell) -> str:
    """A figure as it stands in a table."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return value


def curves(title: str, note: str, series: Sequence[Series], x: Axis, y: Axis) -> str:
    """Lines with a dot at each point, a legend, and the table."""
    drawn = "".join(_line(number, one, x, y) for number, one in enumerate(series))
    grid = "".join(
        f'<path class="grid" d="M0 {100 - 100 * y.place(value):.2f}H100"/>' for value, _ in y.ticks if _inside(y, value)
    )
    ys = "".join(
        f'<span style="bottom:{100 * y.place(value):.2f}%">{escape(text)}</span>' for value, text in _apart(y, 12)
    )
    xs = "".join(
        f'<span style="left:{100 * x.place(value):.2f}%">{escape(text)}</span>' for value, text in _apart(x, 5)
    )
    legend = "".join(
        f'<li><svg viewBox="0 0 28 8" aria-hidden="true"><path class="s{number % 6}" d="M1 4H27"/></svg>'
        f"{escape(one.name)}</li>"
        for number, one in enumerate(series)
    )
    places = sorted({point[0] for one in series for point in one.points})
    rows: list[list[Cell]] = [[x.written(place), *(dict(one.points).get(place) for one in series)] for place in places]
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        + (f"<p>{escape(note)}</p>" if note else "")
        + f'<div class="plot" role="img" aria-label="{escape(title)}; the figures are in the table below">'
        f'<p class="y">{escape(y.label)}</p><div class="ys">{ys}</div>'
        f'<svg class="lines" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{grid}{drawn}</svg>'
        f'<div class="xs">{xs}</div><p class="x">{escape(x.label)}</p></div>'
        f'<ul class="legend">{legend}</ul>'
        + table([x.label, *(one.name for one in series)], rows, f"{title}: figures, {y.label}")
        + "</figure>"
    )


def bars(title: str, note: str, rows: Sequence[tuple[str, Number]], unit: str) -> str:
    """A table whose last column is drawn."""
    most = max((value for _, value in rows), default=0) or 1
    drawn = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{shown(value)}</td>'
        f'<td class="bar" aria-hidden="true"><i style="width:{max(0.0, 100 * value / most):.2f}%"></i></td></tr>'
        for name, value in rows
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        + (f"<p>{escape(note)}</p>" if note else "")
        + f'<table class="bars"><thead><tr><td></td><th scope="col">{escape(unit)}</th><td></td></tr></thead>'
        f"<tbody>{drawn}</tbody></table></figure>"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], name: str) -> str:
    """The first column names the row. Where it is too wide it scrolls by itself."""
    numbers = [all(isinstance(row[at], int | float | None) for row in rows) for at in range(len(head))]
    top = "".join(
        f'<th scope="col"{" class=n" if number else ""}>{escape(one)}</th>' if one else "<td></td>"
        for one, number in zip(head, numbers, strict=True)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(shown(first))}</th>'
        + "".join(_cell(cell, number) for cell, number in zip(rest, numbers[1:], strict=True))
        + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="wide" role="group" tabindex="0" aria-label="{escape(name)}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: Cell, number: bool) -> str:
    return f"<td{' class=n' if number else ''}>{escape(shown(value))}</td>"


def _line(number: int, series: Series, x: Axis, y: Axis) -> str:
    points = [(100 * x.place(a), 100 - 100 * y.place(b)) for a, b in series.points]
    path = "L".join(f"{a:.2f} {b:.2f}" for a, b in points)
    # A line without length has round ends: a dot, which stays round however the plot is stretched.
    dots = "".join(f"M{a:.2f} {b:.2f}h0" for a, b in points)
    return f'<path class="s{number % 6}" d="M{path}"/><path class="dot s{number % 6}" d="{dots}"/>' if points else ""


def _apart(axis: Axis, most: int) -> list[tuple[float, str]]:
    """So many ticks at most, both ends among them."""
    ticks = [tick for tick in axis.ticks if _inside(axis, tick[0])]
    step = math.ceil(len(ticks) / most)
    return [tick for place, tick in enumerate(reversed(ticks)) if place % step == 0]


def _inside(axis: Axis, value: float) -> bool:
    return -1e-6 <= axis.place(value) <= 1 + 1e-6
