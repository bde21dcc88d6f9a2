"""What the commands' arguments mean, and the small things that all commands print."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rapidfuzz import fuzz, process
from rich.console import Console
from rich.progress import Progress

from rtig import knowledge
from rtig.config import Settings
from rtig.core.events import Party
from rtig.errors import WorldError

_T = TypeVar("_T")


class Format(StrEnum):
    RTIG = "rtig"
    SPEECHMATICS = "speechmatics"
    DEEPGRAM = "deepgram"
    LCA = "lca"
    DIALOGUE = "dialogue"
    SCRIPT = "script"


class Kind(StrEnum):
    ARTICLE = "article"
    COACH = "coach"
    CHECKLIST = "checklist"
    ALERT = "alert"


class Who(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"


PARTIES: dict[str, Party] = {
    "customer": "customer", "agent": "agent", "system": "system", "unknown": "unknown",
}  # fmt: skip

_WHICH = "./knowledge_base when left out, or rtig's own where there is none."
Folder = Annotated[Path | None, typer.Option("--kb", help=f"A knowledge base; {_WHICH}")]
FolderArgument = Annotated[Path | None, typer.Argument(metavar="FOLDER", help=_WHICH)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Tenant = Annotated[str, typer.Option(help="Whose calls in the log.")]
Parties = Annotated[
    list[str] | None,
    typer.Option("--party", metavar="LABEL=PARTY", help="Which channel or speaker of the recording is which party."),
]


def print_result(value: Any, as_json: bool, sentence: str) -> None:
    typer.echo(msgspec.json.encode(value).decode() if as_json else sentence)


def folder_of(given: Path | None) -> Path:
    """The knowledge base to use: the one named, the one here, else the one that comes with rtig; as `serve` does it."""
    if given is not None:
        return given
    here: Path = Settings.model_fields["knowledge_base"].default
    return here if here.is_dir() else knowledge.shipped()


def existing(path: Path) -> Path:
    if not path.is_file():
        raise WorldError(f"{path}: there is no such file.")
    return path


def parties_of(given: list[str] | None) -> dict[str, Party]:
    parties: dict[str, Party] = {}
    for entry in given or ():
        label, sign, party = entry.rpartition("=")
        if not sign or party not in PARTIES:
            raise typer.BadParameter(
                f"`{entry}` is not LABEL=PARTY with a party of {', '.join(PARTIES)}", param_hint="--party"
            )
        parties[label] = PARTIES[party]
    return parties


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    return f"there is no {what} `{name}`{meant(name, known)}"


def meant(name: str, known: Iterable[str]) -> str:
    best = process.extractOne(name, list(known), scorer=fuzz.ratio, score_cutoff=60)
    return f"; did you mean `{best[0]}`?" if best else ""


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def progress_of(items: Iterable[_T], doing: str) -> Iterator[_T]:
    """The items, with a bar on stderr for whoever sits before it."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(list(items), description=doing)
