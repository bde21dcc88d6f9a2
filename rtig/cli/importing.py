"""Commands that make a knowledge base of what another system exports: `rtig kb import …`."""

from pathlib import Path
from typing import Annotated

import typer

from rtig.cli.arguments import AsJson, count, print_result
from rtig.core.conditions import Tolerance
from rtig.knowledge import import_contact_lens, import_csv, import_qnabot, import_zendesk
from rtig.knowledge.imported import Imported, Making, NotImported

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Make a knowledge base of what another system exports."
)

Sources = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files, or folders of them.")]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="The knowledge base to make: a new or empty folder.")]
Force = Annotated[
    bool,
    typer.Option(
        help="Write into a folder that holds something: files of the same names are replaced, kb.yaml and others stay."
    ),
]
Language = Annotated[str, typer.Option(metavar="TAG", help="The language of the knowledge base.")]


@app.command("contact-lens")
def contact_lens(
    sources: Sources,
    out: Out,
    language: Language = "en",
    tolerance: Annotated[
        str, typer.Option(help="`asr`: heard through recognition errors; `none`: only as written.")
    ] = "asr",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Rules of Amazon Connect's Contact Lens, as `DescribeRule` gives them, one a file."""
    chosen: dict[str, Tolerance] = {"asr": "asr", "none": "none"}
    if tolerance not in chosen:
        raise typer.BadParameter(f"`{tolerance}` is not `asr` or `none`", param_hint="--tolerance")
    made = import_contact_lens.imported(sources, language=language, tolerance=chosen[tolerance])
    _finish(made, out, force, as_json)


@app.command()
def qnabot(
    sources: Sources, out: Out, language: Language = "en", force: Force = False, as_json: AsJson = False
) -> None:
    """Questions and answers of QnABot, as its content designer exports them, JSON or JSON Lines."""
    _finish(import_qnabot.imported(sources, language=language), out, force, as_json)


@app.command()
def zendesk(
    sources: Sources, out: Out, language: Language = "en", force: Force = False, as_json: AsJson = False
) -> None:
    """Articles of a Zendesk Help Center, as the public API gives them."""
    _finish(import_zendesk.imported(sources, language=language), out, force, as_json)


@app.command("csv")
def table(sources: Sources, out: Out, language: Language = "en", force: Force = False, as_json: AsJson = False) -> None:
    """A table of articles with the columns title, body, say, said, means, tags, priority and party."""
    _finish(import_csv.imported(sources, language=language), out, force, as_json)


def _finish(making: Making, out: Path, force: bool, as_json: bool) -> None:
    """Write the knowledge base and say what became of each item. What is refused by rule is no failure."""
    imported = [line for line in making.report if isinstance(line, Imported)]
    refused = [line for line in making.report if isinstance(line, NotImported)]
    making.write(out, force=force)
    result = {"out": str(out), "imported": imported, "not_imported": refused}
    print_result(result, as_json, "\n".join(map(str, making.report)))
    if not as_json:
        typer.echo(f"{count(len(imported), 'item')} imported, {count(len(refused), 'refusal')}, in {out}", err=True)
