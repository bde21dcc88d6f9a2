"""`rtig eval`: how well rtig does on labelled data, in figures that can be compared with those of others."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from rtig import knowledge, lane
from rtig.cli import evaluating_moods
from rtig.cli.arguments import AsJson, count, existing
from rtig.cli.drawing import Curve, svg
from rtig.evaluation import surfacing as evaluation
from rtig.evaluation.surfacing import FALSE_ALARMS, Figures, Outcome, Read
from rtig.lane.talk import Learn
from rtig.learning import kinds_of_negatives

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure rtig on labelled data.")


@app.command()
def surfacing(
    train: Annotated[Path, typer.Option(help="JSON Lines with `text` and `intent` or `intents`, to learn from.")],
    test: Annotated[Path, typer.Option(help="JSON Lines of the same kind, to be tried on.")],
    examples: Annotated[
        int | None, typer.Option(min=1, help="Sentences of each label to learn from, all when left out.")
    ] = None,
    silent: Annotated[str, typer.Option(metavar="LABEL,…", help="Labels that need no article.")] = "",
    group: Annotated[str, typer.Option(metavar="KEY", help="Keep labels of different groups apart.")] = "",
    seed: Annotated[int, typer.Option(help="Which sentences are drawn.")] = 0,
    false_alarms: Annotated[
        float, typer.Option(min=0, max=100, help="Articles that 100 silent turns may bring at most.")
    ] = FALSE_ALARMS,
    out: Annotated[Path | None, typer.Option(help="Draw precision over recall as SVG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how well the right article comes up: one article for each label, learned from its sentences."""
    quiet = frozenset(label.strip() for label in silent.split(",") if label.strip())
    taught = evaluation.read_turns(existing(train), group)
    tried = evaluation.read_turns(existing(test), group)
    evaluation.check_labels(taught, quiet)
    found: dict[str, list[Outcome]] = {}
    seconds = 0.0
    groups = evaluation.surfacing(
        taught, tried, quiet,
        compiled=knowledge.compiled, learned=_learned(), negatives=kinds_of_negatives("en"),
        false_alarms=false_alarms, examples=examples, seed=seed,
    )  # fmt: skip
    began = time.monotonic()
    for number, (name, outcomes, spent) in enumerate(groups, 1):
        found[name] = outcomes
        seconds += spent
        typer.echo(
            f"{name or 'all turns'}: {count(len(outcomes), 'turn')}, {time.monotonic() - began:.0f} s so far"
            f" ({number} of {len({turn.group for turn in tried})})",
            err=True,
        )
    report = evaluation.report(found, seconds)
    if out is not None:
        out.write_text(_drawn(found), "utf-8")
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        _print(report)


app.command()(evaluating_moods.frustration)
app.command()(evaluating_moods.emotion)


def _learned() -> Callable[[Learn], Read]:
    """Raises `EncoderUnavailable` where rtig is installed without its models."""
    first = lane.new_reader()

    def learn(lesson: Learn) -> Read:
        reader = first.another()
        reader.learn(lesson)
        return lambda utterances: [one.scores for one in reader.understand("", utterances, least=0.0)]

    return learn


def _drawn(found: dict[str, list[Outcome]]) -> str:
    everything = [one for outcomes in found.values() for one in outcomes]
    new = [one for one in everything if one.seen is False]
    curves = [
        Curve(name, evaluation.curve(outcomes), evaluation.in_use(outcomes))
        for name, outcomes in (("all turns", everything), ("turns whose text is new", new))
        if outcomes
    ]
    return svg("The right article: precision over recall", "recall", "precision", curves)


def _print(report: evaluation.Report) -> None:
    table = Table("", "turns", "precision", "recall", "f1", "false per 100 silent", "auc silent", "accuracy", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    rows: list[tuple[str, Figures | None]] = [("all", report), ("new texts", report.unseen), *report.groups.items()]
    for name, figures in rows:
        if figures is not None:
            shares = (figures.precision, figures.recall, figures.f1, figures.false_per_100_silent, figures.auc_silent,
                      figures.accuracy)  # fmt: skip
            cells = ("-" if share is None else f"{share:.4g}" for share in shares)
            table.add_row(name, str(figures.n), *cells)
    Console().print(table)
    typer.echo(f"{report.us_per_turn:,.0f} µs of one core a turn, the model included")
