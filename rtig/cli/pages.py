"""`rtig pages`: the built pages, and what they weigh."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from rtig.cli.arguments import AsJson
from rtig.errors import WorldError
from rtig.gateway import page_weights

app = typer.Typer()


@app.command("pages")
def list_pages(
    with_weights: Annotated[
        bool, typer.Option("--weights", help="Say how many bytes each needs for its first paint, packed by gzip.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the pages that a server shows, with what their browsers fetch."""
    try:
        found = page_weights.weights()
    except FileNotFoundError:
        raise WorldError("The pages have not been built: run `make pages`.") from None
    if as_json:
        told = {f"{name}_gzip_bytes": sum(files.values()) for name, files in found.items()}
        typer.echo(msgspec.json.encode(told if with_weights else {n: list(f) for n, f in found.items()}).decode())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("page")
    table.add_column("files")
    if with_weights:
        table.add_column("gzip bytes", justify="right")
    for name, files in found.items():
        total = [f"{sum(files.values()):,}"] if with_weights else []
        table.add_row(name, ", ".join(files), *total)
    Console(soft_wrap=True, highlight=False, markup=False).print(table)
