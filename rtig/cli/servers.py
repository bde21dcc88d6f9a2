"""Commands that serve: `rtig serve`, `rtig demo`."""

import os
import sys
import webbrowser
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import uvloop

from rtig import app as server
from rtig import demo
from rtig.cli.arguments import Folder, folder_of, meant
from rtig.config import FILE, Settings, strangers
from rtig.errors import WorldError

app = typer.Typer()


def _settings_listed() -> str:
    """Every setting by its name in the environment, with its default, for the help of `serve`."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = f" [{_default(field.default)}]" if field.default not in (None, ()) else ""
        lines.append(f"  RTIG_{name.upper()}{default}\n      {field.description}")
    return "\n".join(lines)


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


@app.command(
    help="Serve sources, agents and supervisors until SIGINT or SIGTERM.\n\n"
    "The pages are at /agent, /board and /author of the address that the first line on stderr names.\n\n\b\n"
    "Settings, from the environment or, in lower case without RTIG_, from rtig.toml:\n" + _settings_listed()
)
def serve(
    host: Annotated[str | None, typer.Option(help="Instead of RTIG_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Instead of RTIG_PORT.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Instead of RTIG_WORKERS.")] = None,
    folder: Annotated[Path | None, typer.Option("--kb", help="Instead of RTIG_KNOWLEDGE_BASE.")] = None,
    log: Annotated[str | None, typer.Option("--log", help="Instead of RTIG_LOG.")] = None,
) -> None:
    for name in strangers(os.environ):
        typer.echo(f"rtig: {_no_setting(name, [f'RTIG_{known.upper()}' for known in Settings.model_fields])}", err=True)
    given: dict[str, Any] = {"host": host, "port": port, "workers": workers, "knowledge_base": folder, "log": log}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    if "knowledge_base" not in settings.model_fields_set:
        settings = settings.model_copy(update={"knowledge_base": folder_of(None)})
    try:
        if settings.workers > 1:
            server.serve_workers(settings)
        else:
            uvloop.run(server.serve(settings))
    except ValueError as error:
        raise WorldError(str(error)) from None


def setting_wrong(wrong: Any) -> str:
    where = ".".join(str(part) for part in wrong["loc"])
    if wrong["type"] == "extra_forbidden":  # only the file can have it: in the environment it is no setting of ours
        return f"{FILE}: {_no_setting(where, Settings.model_fields)}"
    name = f"RTIG_{where.upper()}: " if where else ""
    return name + str(wrong["msg"]).removeprefix("Value error, ")


def _no_setting(name: str, known: Iterable[str]) -> str:
    """The file's tables are no settings either: `[serve]` is as unknown as a misspelt name."""
    return f"`{name}` is no setting{meant(name, known) or '; `rtig serve --help` lists them'}"


@app.command("demo")
def play_demo(
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="8765 when left out, or any if that is taken; 0 takes any.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="Times real speed.")] = 1.0,
    desks: Annotated[int, typer.Option(min=1, max=100, help="Calls at the same time.")] = 5,
    folder: Folder = None,
    log: Annotated[Path | None, typer.Option("--log", help="Keep the calls in this SQLite file.")] = None,
    open_pages: Annotated[bool, typer.Option("--open/--no-open", help="Open both pages in a browser.")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for programs, with an address and a token for sources too.")
    ] = False,
) -> None:
    """Play the sample calls for ever on a server of its own, and say where to watch."""

    def announce(ready: demo.Ready) -> None:
        if as_json:
            typer.echo(msgspec.json.encode(ready).decode())
            return
        typer.echo(
            f"ready\n  agent   {ready.agent}\n  board   {ready.board}\n  author  {ready.author}\nCtrl-C ends it."
        )
        if open_pages and _has_a_screen():
            for address in (ready.board, ready.agent):
                webbrowser.open(address)

    server.log_to_stderr("warning")
    uvloop.run(demo.run(folder_of(folder), announce, host=host, port=port, desks=desks, speed=speed, log=log))


def _has_a_screen() -> bool:
    if not sys.stdout.isatty():
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
