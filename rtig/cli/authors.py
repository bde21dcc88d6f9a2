"""Commands for the authors of a knowledge base: `rtig kb …`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from rtig import knowledge
from rtig.cli import importing
from rtig.cli.arguments import (
    PARTIES,
    AsJson,
    Folder,
    FolderArgument,
    Who,
    count,
    folder_of,
    pretty,
    progress_of,
    unknown,
)
from rtig.cli.meaning import Meaning, reader_of
from rtig.core.playbook import Playbook
from rtig.knowledge import authoring, linting
from rtig.knowledge.explain import bent, quoted
from rtig.learning import shipped_negatives

kb = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="For the authors of a knowledge base.")
kb.add_typer(importing.app, name="import")


@kb.command()
def lint(
    folder: FolderArgument = None,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day to hold review dates against.")
    ] = None,
    meaning: Meaning = True,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong or odd in a knowledge base, with file, line and column."""
    day = today.date() if today is not None else datetime.now(UTC).astimezone().date()
    chosen = folder_of(folder)

    def learn(playbook: Playbook) -> Mapping[str, tuple[int, int]]:
        reader = reader_of(playbook, meaning)
        return reader.learned if reader is not None else {}

    found = linting.lint(chosen, day, learn=learn, talk=shipped_negatives)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        for finding in found:
            typer.echo(str(finding))
        errors = sum(finding.severity == "error" for finding in found)
        typer.echo(f"{count(errors, 'error')}, {count(len(found) - errors, 'warning')} in {chosen}", err=True)
    raise typer.Exit(1 if any(finding.severity == "error" for finding in found) else 0)


@kb.command("test")
def run_tests(
    folder: FolderArgument = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="ID", help="Play these tests alone.")] = None,
    meaning: Meaning = False,
    as_json: AsJson = False,
) -> None:
    """Play the scripted calls of a knowledge base and compare their cards with those expected."""
    base = knowledge.read(folder_of(folder))
    trials = base.trials
    if only:
        known = {trial.id: trial for trial in trials}
        for name in only:
            if name not in known:
                raise typer.BadParameter(unknown("test", name, known), param_hint="--only")
        trials = tuple(known[name] for name in dict.fromkeys(only))
    playbook = knowledge.compiled(base.source)
    reader = reader_of(playbook, meaning)
    read = reader.understand if reader is not None else None
    verdicts = [authoring.run_test(playbook, trial, read) for trial in progress_of(trials, "playing")]
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if as_json:
        typer.echo(msgspec.json.encode(verdicts).decode())
    else:
        for verdict in failed:
            typer.echo(f"FAILED {verdict.id}: {verdict.title}")
            for line in verdict.diff:
                typer.echo(f"    {line}")
        typer.echo(f"{len(verdicts) - len(failed)} passed, {len(failed)} failed")
    raise typer.Exit(1 if failed else 0)


@kb.command("try")
def try_sentence(
    sentence: Annotated[str, typer.Argument(help="What somebody says.")],
    party: Annotated[Who, typer.Option(help="Who says it.")] = Who.CUSTOMER,
    queue: Annotated[str, typer.Option(help="In which queue.")] = "",
    at: Annotated[float, typer.Option(min=0, help="How many seconds after the call's start.")] = 0.0,
    folder: Folder = None,
    meaning: Meaning = True,
    as_json: AsJson = False,
) -> None:
    """Say what one sentence would bring up, and why."""
    if not sentence.strip():
        raise typer.BadParameter("nothing is said", param_hint="SENTENCE")
    playbook = knowledge.compile_folder(folder_of(folder))
    reader = reader_of(playbook, meaning)
    tried = authoring.try_sentence(
        playbook,
        sentence,
        PARTIES[party.value],
        queue=queue,
        at_ms=round(at * 1000),
        read=reader.understand if reader is not None else None,
        find=reader.find if reader is not None else None,
    )
    if as_json:
        typer.echo(msgspec.json.encode(tried).decode())
    else:
        _print_tried(tried)


@kb.command("schema")
def knowledge_schema(
    name: Annotated[str | None, typer.Argument(help="One kind of file; all of them when left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for one file each, instead of stdout.")] = None,
) -> None:
    """Print the JSON Schemas of a knowledge base's files, for editors."""
    schemas = knowledge.schemas()
    if name is not None and name not in schemas:
        raise typer.BadParameter(unknown("kind of file", name, schemas), param_hint="NAME")
    chosen = schemas if name is None else {name: schemas[name]}
    if out is None:
        typer.echo(pretty(chosen if name is None else schemas[name]))
        return
    out.mkdir(parents=True, exist_ok=True)
    for kind, made in chosen.items():
        path = out / f"{kind}.schema.json"
        path.write_text(pretty(made) + "\n", encoding="utf-8")
        typer.echo(str(path))


def _print_tried(tried: authoring.Tried) -> None:
    out = Console(soft_wrap=True, highlight=False, markup=False)
    for fired in tried.fired:
        held_back = f"  (not shown: {fired.held_back})" if fired.held_back else ""
        to = " for supervisors" if fired.to == "supervisors" else ""
        out.print(f"{fired.title}  [{fired.kind}{to}, {fired.rule}]{held_back}", style="bold")
        if fired.say:
            out.print(f"    say: {fired.say}")
        sure = f", {fired.score:.2f} of the 0.50 it takes" if fired.score is not None else ""
        out.print(f"    because {fired.condition}{sure}: {quoted(fired.words)}")
        if fired.bends:
            out.print(f"    heard {bent(fired.bends)}")
        if fired.near:
            out.print(f"    about as likely: {', '.join(fired.near)}")
    if not tried.fired:
        out.print("Nothing fires.", style="bold")
    for slot, value in tried.slots.items():
        out.print(f"keeps {slot}: {value}")
    for step in tried.ticked:
        out.print(f"ticks {step}")
    if tried.reasons:
        out.print(f"mood {tried.band} ({tried.score:.2f})")
        for reason in tried.reasons:
            out.print(f"    {reason.weight:+.2f} {reason.what}: {quoted(reason.words)}")
    if tried.likely is not None:
        out.print("\nWhat it may mean (from 0.50 on it is meant; of articles, the likeliest)", style="bold")
        for one in tried.likely:
            lost = f", less likely than {one.lost_to}" if one.lost_to else ""
            out.print(f"    {one.score:.2f} {one.rule}{': meant' if one.meant else lost}")
        if not tried.likely:
            out.print("    nothing of it")
    if tried.articles:
        by = "words and meaning" if tried.likely is not None else "words"
        out.print(f"\nA search by {by} finds (the higher, the nearer)", style="bold")
        for found in tried.articles:
            out.print(f"    {found.score:.2f} {found.article}: {found.title}")
    if tried.near:
        out.print("\nNearest words that did not fire", style="bold")
        for miss in tried.near:
            out.print(f"    {miss.rule}: {miss.phrase}\n        {miss.because}")
