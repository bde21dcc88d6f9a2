"""A run of a suite as a page that a stranger can read: what was asked, of what, how, and what came of it.

A page is made of a suite's JSON alone, so a suite need not know of it. What has percentiles is drawn as curves, what
says where time or memory goes as bars, what was done at several points as lines over them; all figures follow in
tables. A page holds its own style and its raw figures, and fetches nothing.
"""

import ast
import contextlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from markdown_it import MarkdownIt
from msgspec import Struct

from benchmarks import plots
from benchmarks.plots import Cell, Series

HERE = Path(__file__).parent
PACKAGES = ("rtig", "msgspec", "immutables", "orjson", "uvloop", "uvicorn", "websockets", "rapidfuzz", "vaderSentiment")
SHARES = {"p50": 2.0, "p90": 10.0, "p95": 20.0, "p99": 100.0, "p999": 1000.0, "p9999": 10_000.0}
"""Percentiles by their names in a report, and where an HDR plot has them."""
FIRST = ("calls", "p50_us", "p99_us", "ratio_p99", "us_final", "us_interim", "ratio_obvious", "lost")
"""Of these the ones that a report has are its headline."""
PLACES = ("calls", "minute", "second", "at_s", "rate", "triggers", "watchers", "subscribers", "workers", "sidebars")
"""What a row may have been measured at, the first that it has."""
STAGES = ("stages", "parts")
SIDES = {"whole": "rtig", "floor": "the floor", "plain": "plain websockets"}
"""Whose percentiles they are, by what their names begin with."""

CONNECTIONS = {
    "rtig": "rtig, an agent's sidebar",
    "echo": "rtig's socket alone",
    "websockets-deflate": "websockets with compression",
}


class Run(Struct, frozen=True):
    suite: str
    command: str
    began: str
    """In UTC."""
    seconds: float
    exit_code: int
    machine: dict[str, str]
    results: list[dict[str, Any]]
    """Every JSON object that the suite has printed; the last one is its report."""

    @property
    def report(self) -> dict[str, Any]:
        return self.results[-1] if self.results else {}

    @property
    def verdict(self) -> tuple[str, str]:
        """A word, and what it is to look like."""
        if not self.results:
            return ("skipped", "good") if self.exit_code == 0 else (f"did not run (exit code {self.exit_code})", "bad")
        if self.exit_code or self.report.get("passed") is False:
            return "failed", "bad"
        return ("passed", "good") if "passed" in self.report else ("measured", "good")


def objects(printed: str) -> list[dict[str, Any]]:
    """The JSON objects among the lines that a suite has printed, or the one that all of them make."""
    with contextlib.suppress(ValueError):
        whole = json.loads(printed)
        return [whole] if isinstance(whole, dict) else []
    found = []
    for line in printed.splitlines():
        with contextlib.suppress(ValueError):
            one = json.loads(line)
            if isinstance(one, dict):
                found.append(one)
    return found


def machine() -> dict[str, str]:
    """What a figure belongs to."""
    found = {"system": platform.platform(), "cores": str(os.cpu_count())}
    for name, file, pattern in (
        ("processor", "/proc/cpuinfo", r"^model name\s*:\s*(.+)$"),
        ("memory", "/proc/meminfo", r"^MemTotal:\s*(.+)$"),
    ):
        path = Path(file)
        match = re.search(pattern, path.read_text(), re.MULTILINE) if path.exists() else None
        found[name] = match[1] if match is not None else "not known"
    found["load before, of 1, 5 and 15 minutes"] = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    found["Python"] = f"{platform.python_implementation()} {platform.python_version()}, {platform.python_compiler()}"
    found["packages"] = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    found["commit"] = "not known"
    with contextlib.suppress(OSError):  # no git
        asked = ["git", "describe", "--always", "--dirty"]
        git = subprocess.run(asked, cwd=HERE, capture_output=True, text=True, check=False)
        found["commit"] = git.stdout.strip() or "not known"
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def write(folder: Path, run: Run) -> Path:
    """Put a run's page and its figures into a folder, and the folder's index; where the page is."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{run.suite}.json").write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1))
    where = folder / f"{run.suite}.html"
    where.write_text(page(run), "utf-8")
    runs = [
        msgspec.json.decode(file.read_bytes(), type=Run)
        for file in sorted(folder.glob("*.json"))
        if (folder / f"{file.stem}.html").exists()
    ]
    (folder / "index.html").write_text(index(runs), "utf-8")
    return where


def index(runs: Sequence[Run]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="{escape(run.suite)}.html">{escape(run.suite)}</a></th>'
        f"<td>{_badge(run)}</td><td>{escape(question(run.suite))}<br><small>{escape(_headline(run))}</small></td></tr>"
        for run in runs
    )
    last = runs[-1] if runs else None
    about = _machine(last.machine) if last is not None else ""
    body = (
        "<h1>rtig, measured</h1>"
        f'<table class="index"><thead><tr><th scope="col">suite</th><th scope="col">verdict</th>'
        f'<th scope="col">question</th></tr></thead><tbody>{rows}</tbody></table>'
        "<p>Absolute times belong to one machine; what is measured side by side in one run, and so the ratios, says "
        f"more.</p>{about}"
    )
    return _html("rtig, measured", body)


def page(run: Run) -> str:
    asked, method = question(run.suite), "\n\n".join((_docstring(run.suite)).split("\n\n")[1:])
    drawn = list(drawings(run))
    body = (
        f'<p><a href="index.html">all suites</a></p><h1>{escape(asked)}</h1>'
        f"<p>{_badge(run)} {escape(_headline(run))}</p>"
        + ("<p>A short run, to see that it works: its figures are not to be quoted.</p>" if _is_short(run) else "")
        + (f"<h2>Plots</h2>{''.join(drawn)}" if drawn else "")
        + f"<h2>All figures</h2>{''.join(tables(run.report))}"
        + _rows(run.results[:-1])
        + f"<h2>How it was measured</h2>{_prose(method)}<p><code>{escape(run.command)}</code></p>"
        f"<p>Begun at {escape(run.began)}, took {run.seconds:.0f} s.</p>"
        f"<h2>What the figures mean</h2>{_explained(run.suite)}"
        + _machine(run.machine)
        + f'<h2>Raw figures</h2><p>Also in <a href="{escape(run.suite)}.json">{escape(run.suite)}.json</a>.</p>'
        f"<details><summary>JSON</summary><pre>{escape(json.dumps(run.results, indent=1))}</pre></details>"
    )
    return _html(f"{run.suite}: {asked}", body)


def question(suite: str) -> str:
    return " ".join(_docstring(suite).split("\n\n")[0].split()) or suite


def _docstring(suite: str) -> str:
    file = HERE / f"{suite}.py"
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "") if file.exists() else ""


# --- what is drawn


def drawings(run: Run) -> Iterator[str]:
    """The plots that a suite's figures allow."""
    report = run.report
    groups = {name: found for name, found in percentile_groups(report).items() if len(found.points) > 1}
    for unit in ("µs", "ms"):
        whole = {
            name: found.points
            for name, found in groups.items()
            if found.unit == unit and name.split(": ")[0] not in STAGES and not name.startswith("ratio")
        }
        if whole:
            yield _percentiles(whole, unit)
    for name in STAGES:
        of = report.get(name)
        if isinstance(of, dict) and all(isinstance(one, dict) for one in of.values()):
            for share, said in (("p50", "the median"), ("p99", "the 99th percentile")):
                rows = [(stage, _share(figures, share)) for stage, figures in of.items()]
                known = [(stage, value) for stage, value in rows if value is not None]
                if known:
                    unit = "ms" if any(key.endswith("_ms") for one in of.values() for key in one) else "µs"
                    note = "Of each stage by itself; the stages' percentiles do not add up to the whole's."
                    yield plots.bars(f"Where the time goes: {said}", note, known, unit)
    draw = {
        "step": _step,
        "growth": _growth,
        "memory": _memory,
        "matcher": _matcher,
        "check": _check,
        "wire": _wire,
        "fanout": _fanout,
    }.get(run.suite)
    if draw is not None:
        yield from draw(run)
    for name, measured in _row_lists(report):
        yield from _over(name, measured)


class Group(NamedTuple):
    unit: str
    points: dict[float, float]
    """From where an HDR plot has a percentile to its value."""


def percentile_groups(report: Mapping[str, Any], unit: str = "µs") -> dict[str, Group]:
    """What has percentiles in a report, by name. `unit` is theirs where their own names have none."""
    found: dict[str, Group] = {}
    for key, value in report.items():
        if isinstance(value, dict):
            for name, group in percentile_groups(value, "ms" if key.endswith("_ms") else unit).items():
                found[f"{key}: {name}" if name != "whole" else key] = group
        match = re.fullmatch(r"(?:(.+)_)?(p50|p90|p95|p99|p999|p9999)(?:_(us|ms))?", key)
        if match is not None and isinstance(value, int | float):
            own = {"us": "µs", "ms": "ms"}.get(match[3] or "", unit)
            found.setdefault(match[1] or "whole", Group(own, {})).points[SHARES[match[2]]] = value
    return found


def _percentiles(groups: Mapping[str, Mapping[float, float]], unit: str) -> str:
    each = [Series(_side(name), [at for at in sorted(group.items()) if at[1] > 0]) for name, group in groups.items()]
    series = [one for one in each if one.points]
    if not series:
        return ""
    values = [value for one in series for _, value in one.points]
    highest = max(share for one in series for share, _ in one.points)
    note = "Each further nine is as far again, so that the rare and slow ones show."
    return plots.curves(
        "Latency by percentile", note, series, plots.percentiles(highest), plots.logarithmic(unit, values)
    )


def _side(name: str) -> str:
    return SIDES.get(name, re.sub(r"_(ms|us)$", "", name).replace("_", " "))


def _share(figures: Mapping[str, Any], share: str) -> float | None:
    value = next((figures[key] for key in (f"{share}_us", f"{share}_ms", share) if key in figures), None)
    return value if isinstance(value, int | float) else None


def _step(run: Run) -> Iterator[str]:
    names = {"us_mean": "rtig", "us_obvious": "the obvious engine", "us_obvious_model": "with its model"}
    rows = [(said, run.report[name]) for name, said in names.items() if name in run.report]
    yield plots.bars("A fragment, in the mean", "Thread CPU time, interims and finals.", rows, "µs")


def _growth(run: Run) -> Iterator[str]:
    for name, axis in run.report.get("axes", {}).items():
        points = [float(point) for point in axis["points"]]
        series = [
            Series(said, [(at, us) for at, us in zip(points, axis[key], strict=True) if us is not None and at > 0])
            for key, said in (("us", "a fragment"), ("us_final", "a final"), ("us_interim", "an interim"))
        ]
        series = [one for one in series if one.points]
        values = [us for one in series for _, us in one.points]
        verdict = "passed" if axis["passed"] else "failed"
        note = f"{axis['growth'][1]} times over the range; {axis['target']} are allowed: {verdict}."
        places = [point for point in points if point > 0]
        yield plots.curves(f"By {name}", note, series, plots.at(name, places), plots.logarithmic("CPU µs", values))


def _memory(run: Run) -> Iterator[str]:
    call = run.report.get("call", {})
    for key, title in (("kib_by_part", "A live call, by part"), ("kib_by_type", "A live call, by type of object")):
        if key in call:
            yield plots.bars(title, f"After {call['minutes']} minutes of talk.", list(call[key].items()), "KiB")
    each = run.report.get("kib_a_connection", {})
    if each:
        rows = [(CONNECTIONS.get(name, name), spread[1]) for name, spread in each.items()]
        yield plots.bars("An idle connection", f"Of {run.report['connections']:,} to one server.", rows, "KiB")


def _matcher(run: Run) -> Iterator[str]:
    rows = [row for row in run.results if "engine" in row and "us_p50" in row]
    engines = dict.fromkeys(row["engine"] for row in rows)
    series = [
        Series(engine, [(float(row["triggers"]), _middle(row["us_p50"])) for row in rows if row["engine"] == engine])
        for engine in engines
    ]
    if series:
        points = [at for one in series for at, _ in one.points]
        values = [us for one in series for _, us in one.points]
        x, y = plots.at("phrases", points), plots.logarithmic("CPU µs a fragment", values)
        yield plots.curves("A fragment, by the number of phrases", "The median fragment.", series, x, y)


def _check(run: Run) -> Iterator[str]:
    rows = [(name, round(100 * more, 2)) for name, more in run.report.get("more", {}).items()]
    if rows:
        yield plots.table(["work", "more than the baseline, %"], rows, "more than the baseline")


def _middle(figure: Any) -> float:
    return float(figure[1] if isinstance(figure, list) else figure)


def _wire(run: Run) -> Iterator[str]:
    rows = [
        (key.removeprefix("us_").replace("_", " "), _middle(run.report[key])) for key in run.report if key[:3] == "us_"
    ]
    if rows:
        yield plots.bars("What a message costs the server", "The median of the rounds.", rows, "CPU µs")


def _fanout(run: Run) -> Iterator[str]:
    found = {int(count): one for count, one in run.report.items() if count.isdigit()}
    sides = {"us": "rtig", "broadcast_us": "websockets.broadcast"}
    series = [
        Series(said, [(float(count), _middle(one[key])) for count, one in sorted(found.items()) if key in one])
        for key, said in sides.items()
    ]
    series = [one for one in series if one.points]
    if series and len(found) > 1:
        values = [us for one in series for _, us in one.points]
        x, y = plots.at("watchers", [float(count) for count in found]), plots.linear("CPU µs a watcher", values)
        yield plots.curves("A watcher, by their number", "The median of the rounds.", series, x, y)


def _row_lists(report: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Lists of rows wherever they stand, with what they are called; those in a row after it."""
    for key, value in report.items():
        name = f"{within}{key.replace('_', ' ')}"
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            if len(value) > 1:
                yield name, value
            for number, row in enumerate(value, 1):
                yield from _row_lists(row, f"{name} {row.get(key, number)}, ")
        elif isinstance(value, dict):
            yield from _row_lists(value, f"{name}, ")


def _over(name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Percentiles, and then memory, over what the rows were measured at."""
    own = name.rpartition(", ")[2]
    places = (own, own.removesuffix("s"), *PLACES)
    place = next((one for one in places if all(_is_number(row.get(one)) for row in rows)), None)
    if place is None or len({row[place] for row in rows}) < 2:
        return
    numbers = [key for key in rows[0] if key != place and all(_is_number(row.get(key)) for row in rows)]
    at = [float(row[place]) for row in rows]
    for pattern, unit in ((r"(.*_)?p\d+_us", "µs"), (r"(.*_)?p\d+_ms", "ms"), (r".*_mb", "MB"), (r".*_kib", "KiB")):
        keys = [key for key in numbers if re.fullmatch(pattern, key)]
        series = [
            Series(key.replace("_", " "), [(x, float(row[key])) for x, row in zip(at, rows, strict=True)])
            for key in keys
        ]
        # What took no time has no place on a logarithmic scale.
        series = (
            [Series(one.name, [(x, max(y, 1.0)) for x, y in one.points]) for one in series] if unit == "µs" else series
        )
        values = [value for one in series for _, value in one.points]
        if series:
            y = (plots.logarithmic if unit == "µs" else plots.linear)(unit, values)
            yield plots.curves(f"{name[:1].upper()}{name[1:]}, {unit}", "", series, plots.at(place, at), y)


# --- all figures


def tables(report: Mapping[str, Any]) -> Iterator[str]:
    """Single figures first, then what has parts, each in a table of its own."""
    plain: list[list[Cell]] = [[name, _cell(value)] for name, value in report.items() if not _has_parts(value)]
    if plain:
        yield plots.table(["figure", "value"], plain, "figures")
    numbered = {name: value for name, value in report.items() if name.isdigit() and _has_parts(value)}
    if numbered:
        yield _parts("by number", numbered)
    for name, value in report.items():
        if _has_parts(value) and name not in numbered:
            yield f"<h3>{escape(name.replace('_', ' '))}</h3>{_parts(name, value)}"


def _parts(name: str, value: Any) -> str:
    rows = list(value.items()) if isinstance(value, dict) else list(enumerate(value, 1))
    if rows and all(isinstance(row, dict) and not any(map(_has_parts, row.values())) for _, row in rows):
        keys = list(dict.fromkeys(key for _, row in rows for key in row))
        cells: list[list[Cell]] = [[str(label), *(_cell(row.get(key)) for key in keys)] for label, row in rows]
        return plots.table(["", *keys], cells, name)
    if isinstance(value, dict):
        return "".join(tables(value))
    return "".join("".join(tables(row)) for row in value)


def _rows(results: Sequence[Mapping[str, Any]]) -> str:
    """What a suite has said before its report."""
    plain = [{key: value for key, value in row.items() if not _has_parts(value)} for row in results]
    return f"<h3>before that, row by row</h3>{_parts('rows', plain)}" if plain else ""


def _has_parts(value: Any) -> bool:
    return (isinstance(value, dict) and bool(value)) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
    )


def _cell(value: Any) -> Cell:
    if isinstance(value, list):
        return ", ".join(plots.shown(_cell(one)) for one in value) if len(value) <= 12 else f"{len(value)} values"
    return value if isinstance(value, int | float | str) or value is None else str(value)


# --- the page


def _headline(run: Run) -> str:
    """The few figures that answer the question."""
    report = run.report
    match run.suite:
        case "growth" if "axes" in report:
            return ", ".join(f"{name} {axis['growth'][1]} times" for name, axis in report["axes"].items())
        case "memory" if "call" in report:
            each = report["kib_a_connection"]["rtig"][1]
            return f"{report['call']['kib_resident']:,.0f} KiB a call, {each} KiB an idle connection"
        case "matcher" if any("engine" in row for row in run.results):
            row = [row for row in run.results if row.get("engine") == "rtig"][-1]
            return f"{_middle(row['us_p50'])} µs a fragment among {row['triggers']:,} phrases"
        case "check" if report.get("more"):
            name = max(report["more"], key=report["more"].__getitem__)
            return f"at most {100 * report['more'][name]:+.1f} % ({name})"
    names = [name for name in FIRST if name in report]
    names = names or [name for name, value in report.items() if _is_number(value) and name != "seed"][:4]
    return ", ".join(_figure(name, report[name]) for name in names[:6])


def _figure(name: str, value: Any) -> str:
    """With its unit, which a name begins or ends with."""
    for unit, written in (("us", "µs"), ("ms", "ms")):
        if re.search(rf"(^|_){unit}(_|$)", name):
            said = re.sub(rf"(^|_){unit}(_|$)", " ", name).replace("_", " ").strip()
            return f"{said} {plots.shown(_cell(value))} {written}"
    return f"{name.replace('_', ' ')} {plots.shown(_cell(value))}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_short(run: Run) -> bool:
    return "--quick" in run.command.split()


def _badge(run: Run) -> str:
    word, look = run.verdict
    return f'<span class="badge {look}">{escape(word)}</span>'


def _machine(found: Mapping[str, str]) -> str:
    rows: list[list[Cell]] = [[name, value] for name, value in found.items()]
    return "<h2>Machine and versions</h2>" + plots.table(["", ""], rows, "machine").replace("<thead>", "<thead hidden>")


def _prose(text: str) -> str:
    """Paragraphs; a list of names with what they are, where the lines are indented."""
    parts = [_list(part) if part.startswith("    ") else f"<p>{escape(part)}</p>" for part in text.split("\n\n")]
    return re.sub(r"`([^`<]+)`", r"<code>\1</code>", "".join(parts))


def _list(text: str) -> str:
    listed = ""
    for line in text.splitlines():
        name, gap, what = line.removeprefix("    ").partition("  ")
        listed += (
            f"<dt>{escape(name)}</dt><dd>{escape(what.strip())}</dd>" if name and gap else escape(f" {line.strip()}")
        )
    # A line that goes on is put into the description before it.
    return "<dl>" + re.sub(r"</dd>( [^<]+)", r"\1</dd>", listed) + "</dl>"


def _explained(suite: str) -> str:
    """The suite's section of the README."""
    readme = (HERE / "README.md").read_text("utf-8")
    match = re.search(rf"^## {re.escape(suite)}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    text = match[1] if match is not None else "The README says nothing of it yet."
    html: str = MarkdownIt("commonmark").enable("table").render(text)
    wide = '<div class="wide" role="group" tabindex="0" aria-label="from the README"><table>'
    html = html.replace("<th></th>", "<td></td>")
    return html.replace("<table>", wide).replace("</table>", "</table></div>")


def _html(title: str, body: str) -> str:
    style = (HERE / "report.css").read_text("utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><style>{style}</style></head>'
        f'<body><main data-testid="report">{body}</main></body></html>\n'
    )
