"""`rtig brief`: what whoever takes a call over has to know of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from rtig import knowledge
from rtig.cli.arguments import AsJson, Folder, Format, Parties, folder_of, parties_of, progress_of
from rtig.cli.calls import recordings
from rtig.core.guidance import Brief, BriefArticle, BriefLine
from rtig.knowledge.explain import clock
from rtig.replay import brief_of

app = typer.Typer()

_DIFFERS = ("tried", "open")
"""Parts in which either party may have said a line."""


@app.command("brief")
def brief_calls(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings; of a vendor's, one call each.")],
    format_name: Annotated[Format, typer.Option("--format", help="Whose messages they are.")] = Format.RTIG,
    parties: Parties = None,
    call_id: Annotated[str, typer.Option(help="Name of the call, where the recording does not say.")] = "",
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Sum up recorded calls for the next person: what was asked, tried and promised, and where it was said."""
    if call_id and len(files) > 1:
        raise typer.BadParameter("one name cannot stand for several files", param_hint="--call-id")
    playbook = knowledge.compile_folder(folder_of(folder))
    out = Console(soft_wrap=True, highlight=False, markup=False)
    for file in progress_of(files, "reading"):
        for recording in recordings(file, format_name, parties_of(parties), call_id).values():
            brief = brief_of(playbook, recording.events)
            if as_json:
                typer.echo(msgspec.json.encode(brief).decode())
            else:
                _print(out, brief)


def _print(out: Console, brief: Brief) -> None:
    ended = f"{brief.reason} after" if brief.reason else "live at"
    whose = (brief.agent, brief.queue, brief.customer, brief.channel)
    mood = brief.mood
    peak = f", {mood.highest} at {clock(mood.highest_ms)}" if mood.highest != mood.band else ""
    out.print(f"{brief.call_id}: {', '.join(filter(None, whose))}, {ended} {clock(brief.at_ms)}", style="bold")
    out.print(f"the customer is {mood.band}{peak}")
    if brief.handover is not None:
        out.print(f"handed over{' by ' if brief.handover.by else ''}{brief.handover.by}")
        out.print(brief.handover.text)
    for title, lines in _parts(brief):
        if lines:
            out.print(title)
            for line in lines:
                out.print(f"{clock(line.at_ms):>8}  {_told(title, line)}")
    out.print()


def _parts(brief: Brief) -> Iterator[tuple[str, tuple[BriefLine, ...] | tuple[BriefArticle, ...]]]:
    yield "who", brief.who
    yield "asked", brief.asked
    yield "tried", brief.tried
    yield "promised", brief.promised
    yield "open", brief.open
    yield "mood", brief.mood.turns
    yield "articles", brief.articles


def _told(part: str, line: BriefLine | BriefArticle) -> str:
    if isinstance(line, BriefArticle):
        return f"{line.title} [{line.id}, version {line.version}]: {', '.join(line.did) or 'shown'}"
    party = f"{line.words[0].party}: " if part in _DIFFERS and line.text and line.words else ""
    what = f"{line.what}{': ' if line.text else ''}" if line.what else ""
    when = f" ({line.when})" if line.when else ""
    return f"{what}{party}{line.text}{when}"
