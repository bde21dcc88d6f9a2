"""The command line. Each command prints its result on stdout and nothing else; progress and complaints go to stderr.

0 says that it went well, 1 that something failed or is wrong in what was looked at, 2 that the command was misused.
"""

import tomllib
from typing import Any

import msgspec
import typer
from pydantic import ValidationError
from typer.core import TyperGroup

import rtig
from rtig.cli import authors, briefing, calls, evaluating, pages, servers, training, trials
from rtig.cli.arguments import pretty
from rtig.config import FILE
from rtig.core.events import SourceEvent
from rtig.errors import RtigError
from rtig.wire import asyncapi


class _Commands(TyperGroup):
    """Turns what rtig raises on purpose into a sentence on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except RtigError as error:
            typer.echo(f"rtig: {error}", err=True)
        except ValidationError as errors:
            for wrong in errors.errors():
                typer.echo(f"rtig: {servers.setting_wrong(wrong)}", err=True)
        except tomllib.TOMLDecodeError as error:  # a tokens file's has been told as a `ValueError`
            typer.echo(f"rtig: {FILE} is not TOML: {error}", err=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            typer.echo(f"rtig: {error.filename or 'the machine'}: {error.strerror}", err=True)
        raise typer.Exit(1)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Real-time interaction guidance for contact centres.",
)
schema = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="For programs that talk to a server.")
app.add_typer(servers.app)
app.add_typer(calls.app)
app.add_typer(briefing.app)
app.add_typer(trials.app)
app.add_typer(authors.kb, name="kb")
app.add_typer(evaluating.app, name="eval")
app.add_typer(training.app)
app.add_typer(pages.app)
app.add_typer(schema, name="schema")


def main() -> None:
    app(prog_name="rtig")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(rtig.__version__)


@schema.command("asyncapi")
def asyncapi_schema() -> None:
    """Print the protocol of the WebSocket as AsyncAPI."""
    typer.echo(msgspec.json.format(asyncapi.document()).decode())


@schema.command("events")
def events_schema() -> None:
    """Print the JSON Schema of the events that a source sends."""
    typer.echo(pretty(msgspec.json.schema(SourceEvent)))
