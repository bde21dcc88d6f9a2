"""Commands that try rules on what was recorded: `rtig backtest`."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rtig import backtest as trying
from rtig import knowledge
from rtig.cli.arguments import AsJson, Format, Parties, Tenant, count, existing, parties_of, progress_of
from rtig.cli.calls import recordings
from rtig.cli.meaning import Meaning, reader_of, taught
from rtig.core.events import AnyEvent, Party
from rtig.core.playbook import Playbook
from rtig.errors import PlaybookErrors, WorldError
from rtig.eventlog import split
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.knowledge.explain import clock
from rtig.knowledge.hearing import Read

app = typer.Typer()

_Shares = tuple[float | None, float | None]
_RECORDINGS = (".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".db")
_SQLITE = b"SQLite format 3\0"
_AROUND = 60
"""Characters of a turn that are shown on each side of the words that brought a card."""
_CHANGES: dict[trying.Change, str] = {"same": "", "edited": "edited", "added": "new", "removed": "removed"}
_BECAUSE = {
    "beaten": "the same words called for {by} more surely",
    "budget": "other cards had the agent's attention",
    "cooldown": "in its cooldown",
    "once": "it had come in this call",
    "excluded": "excluded by `{by}`",
    "done": "the agent did it unprompted",
    "draft": "a draft",
    "queue": "for other queues",
    "team": "for other teams",
    "channel": "not on this channel",
}


@app.command()
def backtest(
    old: Annotated[Path, typer.Argument(help="The knowledge base as it is.")],
    new: Annotated[Path, typer.Argument(help="The knowledge base as it would be.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="CALLS", help="Recorded calls, folders of them, or a server's event log.")
    ],
    format_name: Annotated[Format, typer.Option("--format", help="Whose messages they are.")] = Format.RTIG,
    parties: Parties = None,
    tenant: Tenant = "default",
    labels: Annotated[
        Path | None, typer.Option(help="JSON Lines with call_id, rule and perhaps at_ms: where a rule was right.")
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="LIMIT", help="Exit with 1 on, for example, lost>0, changed>5%, bill-doubled:moved>2."),
    ] = None,
    most: Annotated[int | None, typer.Option("--calls", min=1, help="Stop after so many calls.")] = None,
    examples: Annotated[int, typer.Option(min=0, help="So many of each kind of difference, for each rule.")] = 3,
    meaning: Meaning = True,
    as_json: AsJson = False,
) -> None:
    """Say which cards a change of the rules would have gained, lost and moved in recorded calls."""
    playbooks = _compiled(old), _compiled(new)
    rules = playbooks[0].rules.keys() | playbooks[1].rules.keys()
    trying.check_limits(fail_if or (), rules)
    marks = trying.read_labels(existing(labels), rules) if labels is not None else ()
    calls = list(islice(_calls_in(files, format_name, parties_of(parties), tenant), most))
    models = _models(playbooks, meaning)
    test = trying.Backtest(*playbooks, marks, examples)
    began = time.process_time()
    for events in progress_of(calls, "folding"):
        before, after = (trying.outcome(*each) for each in zip(playbooks, (events, events), models, strict=True))
        test.add(events, before, after)
    spent = time.process_time() - began
    report = test.report()
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _print_report(report, str(old), str(new))
    typer.echo(
        f"{count(report.calls, 'call')} of {report.seconds:,.0f} s folded twice in {spent:,.1f} s of one core, "
        f"{report.seconds / max(spent, 1e-9):,.0f} times faster than they lasted",
        err=True,
    )
    broken = trying.broken_limits(report, fail_if or ())
    for limit in broken:
        typer.echo(f"rtig: {limit}", err=True)
    raise typer.Exit(1 if broken else 0)


def _compiled(folder: Path) -> Playbook:
    """Raises `PlaybookErrors` that name the folder too, for there are two."""
    try:
        return knowledge.compile_folder(folder)
    except PlaybookErrors as wrong:
        raise PlaybookErrors(
            tuple(
                error if error.path == str(folder) else replace(error, path=str(folder / error.path))
                for error in wrong.errors
            )
        ) from None


def _calls_in(
    files: list[Path], format_name: Format, parties: dict[str, Party], tenant: str
) -> Iterator[list[AnyEvent]]:
    """The events of each call. Raises what `recordings` does."""
    for file in (inner for path in files for inner in _files_in(path)):
        with existing(file).open("rb") as opened:
            logged = opened.read(len(_SQLITE)) == _SQLITE
        if logged:
            yield from _logged_calls(file, tenant)
            continue
        yield from (recording.events for recording in recordings(file, format_name, parties, "").values())


def _files_in(path: Path) -> list[Path]:
    """A file, or the recordings in a folder. Raises `WorldError` where there are none: a gate must not pass then."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in _RECORDINGS)
    if not found:
        raise WorldError(f"{path} holds no recordings: files that end in {', '.join(_RECORDINGS)}.")
    return found


def _logged_calls(path: Path, tenant: str) -> Iterator[list[AnyEvent]]:
    """A server may be writing the log."""
    with asyncio.Runner() as runner:

        async def events_of(log: SqliteLog, call: CallKey) -> list[AnyEvent]:
            return [record.event async for record in log.read(call)]

        for file in split.files(path):
            log = runner.run(SqliteLog.open_file(file, read_only=True))
            try:
                for call_id in runner.run(log.calls(tenant)):
                    yield runner.run(events_of(log, CallKey(tenant, call_id)))
            finally:
                runner.run(log.close())


def _models(playbooks: tuple[Playbook, Playbook], wanted: bool) -> list[Read | None]:
    """A model for each playbook that asks for one; where both mean the same, the same."""
    old, new = playbooks
    first = reader_of(old, wanted)
    read = trying.remembering(first.understand) if first is not None else None
    if old.meanings_version == new.meanings_version:
        return [read, read]
    if first is None:
        second = reader_of(new, wanted and not old.meanings)
        return [None, trying.remembering(second.understand) if second is not None else None]
    return [read, trying.remembering(taught(first.another(), new).understand)]


def _print_report(report: trying.Report, old: str, new: str) -> None:
    out = Console(soft_wrap=True, highlight=False, markup=False)
    out.print(f"{old} ({report.old}) -> {new} ({report.new})")
    out.print(
        f"{count(report.calls, 'call')}, {_hours(report.seconds)}: "
        f"{report.calls_changed} would have gone differently ({_share(report.calls_changed, report.calls)})"
    )
    out.print(
        f"{report.cards_old} -> {count(report.cards_new, 'card')}: "
        f"{report.gained} gained, {report.lost} lost, {report.moved} moved"
    )
    if report.precision is not None and report.recall is not None:
        out.print(f"precision {_both(report.precision)}, recall {_both(report.recall)}")
    if report.labels_without_call:
        out.print(f"{count(report.labels_without_call, 'label')} of calls that are not here count nowhere")
    if not report.rules:
        return
    labelled = report.precision is not None
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule")
    for name in ("", "old", "new", "gained", "lost", "moved", *(("precision", "recall") if labelled else ())):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for rule in report.rules:
        figures = [str(figure) for figure in (rule.old, rule.new, rule.gained, rule.lost, rule.moved)]
        shares = [_both(shares) for shares in (rule.precision, rule.recall) if shares is not None]
        table.add_row(rule.rule, _CHANGES[rule.change], *figures, *shares)
    out.print()
    out.print(table)
    for rule in report.rules:
        _print_rule(out, rule)


def _print_rule(out: Console, rule: trying.RuleDifference) -> None:
    kinds = (
        ("gained", rule.gained, rule.examples_gained, "before: withheld, "),
        ("lost", rule.lost, rule.examples_lost, "now: withheld, "),
        ("moved", rule.moved, rule.examples_moved, ""),
    )
    if not any(examples for _, _, examples, _ in kinds):
        return
    why = "" if rule.change != "same" else "   (not edited: its cards differ because of other rules)"
    out.print(f"\n{rule.rule}", style="bold", end="")
    out.print(why)
    for kind, number, examples, held in kinds:
        if not examples:
            continue
        shown = "" if len(examples) == number else f", {len(examples)} of them"
        out.print(f"  {number} {kind}{shown}")
        for example in examples:
            _print_example(out, f"call {example.call_id}, ", example)
            if example.before is not None:
                _print_example(out, "  before: ", example.before)
            if example.withheld:
                because = _BECAUSE.get(example.withheld, example.withheld).format(by=example.by)
                out.print(f"      {held}{because}")


def _print_example(out: Console, lead: str, example: trying.Example) -> None:
    """Where it was, and the turn with its words marked; where no words brought it, what did and what was said last."""
    place = example.place
    turn = f"{'turn' if example.words else 'after turn'} {place.turn}, " if place is not None else ""
    right = "" if example.right is None else ", right" if example.right else ", no label says so"
    sure = "" if example.score is None else f", meant ({example.score:.2f})"
    out.print(f"    {lead}{turn}{clock(example.at_ms)}{sure}{right}")
    if not example.words:
        out.print(f"      {example.condition}")
    if place is not None:
        words = ("[", (place.text[place.start : place.end], "bold"), "]") if example.words else ()
        before, after = _shortened(place.text[: place.start], last=True), _shortened(place.text[place.end :])
        out.print(Text.assemble(f"      {place.party}: {before}", *words, after))


def _shortened(text: str, last: bool = False) -> str:
    if len(text) <= _AROUND:
        return text
    return "…" + text[-_AROUND:] if last else text[:_AROUND] + "…"


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _both(shares: _Shares) -> str:
    return " -> ".join("unknown" if share is None else f"{share:.3f}" for share in shares)
