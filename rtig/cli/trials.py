"""Commands that try rules on what was recorded: `rtig backtest`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from rtig import backtest as trying
from rtig import knowledge, lane
from rtig.cli.arguments import AsJson, Format, Parties, count, existing, parties_of, progress_of
from rtig.cli.calls import recordings
from rtig.core.playbook import Playbook
from rtig.errors import EncoderUnavailable
from rtig.knowledge.explain import clock
from rtig.learning import lesson

if TYPE_CHECKING:
    from rtig.lane.reader import Reader

app = typer.Typer()

_Shares = tuple[float | None, float | None]


@app.command()
def backtest(
    old: Annotated[Path, typer.Argument(help="The knowledge base as it is.")],
    new: Annotated[Path, typer.Argument(help="The knowledge base as it would be.")],
    files: Annotated[list[Path], typer.Argument(metavar="CALLS", help="Recorded calls.")],
    format_name: Annotated[Format, typer.Option("--format", help="Whose messages they are.")] = Format.RTIG,
    parties: Parties = None,
    labels: Annotated[
        Path | None, typer.Option(help="JSON Lines with call_id, rule and perhaps at_ms: where a rule was right.")
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="LIMIT", help="Exit with 1 on, for example, lost>0, changed>5%, bill-doubled:moved>2."),
    ] = None,
    most: Annotated[int, typer.Option("--calls", min=1, help="Stop after so many calls.")] = 10**9,
    as_json: AsJson = False,
) -> None:
    """Say which cards a change of the rules would have gained, lost and moved in recorded calls."""
    playbooks = knowledge.compile_folder(old), knowledge.compile_folder(new)
    trying.check_limits(fail_if or ())
    named = parties_of(parties)
    readers = _readers(playbooks)
    test = trying.Backtest(*playbooks, trying.read_labels(existing(labels)) if labels is not None else ())
    began = time.process_time()
    calls = [call for file in files for call in recordings(file, format_name, named, "").values()][:most]
    for call in progress_of(calls, "folding"):
        first, second = (
            trying.cards(playbook, call.events, reader.understand if reader is not None else None)
            for playbook, reader in zip(playbooks, readers, strict=True)
        )
        test.add(call.events, first, second)
    report = test.report()
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _print_report(report)
    spent = time.process_time() - began
    typer.echo(
        f"{count(report.calls, 'call')} of {report.seconds:,.0f} s folded twice in {spent:,.1f} s of one core, "
        f"{report.seconds / max(spent, 1e-9):,.0f} times faster than they lasted",
        err=True,
    )
    broken = trying.broken_limits(report, fail_if or ())
    for limit in broken:
        typer.echo(f"rtig: {limit}", err=True)
    raise typer.Exit(1 if broken else 0)


def _readers(playbooks: tuple[Playbook, Playbook]) -> list["Reader | None"]:
    """A model for each playbook that asks for one; a word on stderr where there is none."""
    if not any(playbook.meanings for playbook in playbooks):
        return [None, None]
    try:
        first = lane.reader()
    except EncoderUnavailable as error:
        typer.echo(f"rtig: meanings are left out. {error}", err=True)
        return [None, None]
    readers = [first, first.another()]
    for playbook, reader in zip(playbooks, readers, strict=True):
        reader.learn(lesson(playbook))
    return readers


def _print_report(report: trying.Report) -> None:
    typer.echo(f"{report.old} -> {report.new}, {count(report.calls, 'call')}, {clock(int(report.seconds * 1000))} long")
    typer.echo(
        f"{report.cards_old} -> {count(report.cards_new, 'card')}: {report.gained} gained, {report.lost} lost, "
        f"{report.moved} moved, in {count(report.calls_changed, 'call')}"
    )
    if report.precision is not None and report.recall is not None:
        typer.echo(f"precision {_both(report.precision)}, recall {_both(report.recall)}")
    for rule in report.rules:
        typer.echo(
            f"\n{rule.rule}: {rule.old} -> {rule.new}, {rule.gained} gained, {rule.lost} lost, {rule.moved} moved"
        )
        if rule.precision is not None and rule.recall is not None:
            typer.echo(f"  precision {_both(rule.precision)}, recall {_both(rule.recall)}")
        for sign, examples in (("+", rule.examples_gained), ("-", rule.examples_lost), ("~", rule.examples_moved)):
            for one in examples:
                before = f" (was: {one.before or 'no words'})" if sign == "~" else ""
                typer.echo(f"  {sign} {one.call_id} {clock(one.at_ms)}  {one.words or 'no words'}{before}")


def _both(shares: _Shares) -> str:
    return " -> ".join("unknown" if share is None else f"{share:.3f}" for share in shares)
