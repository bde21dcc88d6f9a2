"""The model, for commands that want meaning: where it is installed, and where there is anything to understand."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from rtig import lane
from rtig.core.playbook import Playbook
from rtig.errors import EncoderUnavailable
from rtig.learning import lesson

if TYPE_CHECKING:
    from rtig.lane.reader import Reader

Meaning = Annotated[
    bool, typer.Option("--meaning/--no-meaning", help="Read what is meant too, where rtig's models are installed.")
]


def reader_of(playbook: Playbook, wanted: bool) -> "Reader | None":
    """A model that has learned a playbook's meanings, which takes some seconds; None where none is wanted or installed.

    Where rtig is installed without its models, a word on stderr says so.
    """
    if not wanted:
        return None
    try:
        return taught(lane.new_reader(), playbook)
    except EncoderUnavailable as error:
        typer.echo(f"rtig: what a model would read is left out. {error}", err=True)
        return None


def taught(reader: "Reader", playbook: Playbook) -> "Reader":
    """The same model, once it has learned a playbook's meanings; a terminal is told what takes so long."""
    console = Console(stderr=True)
    with console.status(f"learning {len(playbook.meanings)} meanings") if console.is_terminal else nullcontext():
        reader.learn(lesson(playbook))
    return reader
