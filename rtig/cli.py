"""The command line. Each command prints its result on stdout and nothing else; progress and complaints go to stderr.

0 says that it went well, 1 that something failed or is wrong in what was looked at, 2 that the command was misused.
"""

import asyncio
import os
import sys
import tomllib
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import typer
import uvloop
from pydantic import ValidationError
from rapidfuzz import fuzz, process
from rich.console import Console
from rich.progress import Progress
from typer.core import TyperGroup

import rtig
from rtig import app as server
from rtig import demo, knowledge
from rtig.config import FILE, Settings, strangers
from rtig.core.events import AnyEvent, Party, SourceEvent, key
from rtig.core.guidance import Card, Guidance, Line
from rtig.core.redaction import redacted
from rtig.errors import RtigError, WorldError
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.ingest.feed import read_file
from rtig.knowledge import KnowledgeBase, authoring
from rtig.knowledge.explain import Explanation, clock, explain, quoted
from rtig.replay import Summary, Tally, by_call, play
from rtig.script import perform
from rtig.wire import asyncapi

_T = TypeVar("_T")


class Format(StrEnum):
    RTIG = "rtig"
    SPEECHMATICS = "speechmatics"
    DEEPGRAM = "deepgram"
    LCA = "lca"
    SCRIPT = "script"


class Who(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"


_PARTIES: dict[str, Party] = {
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


class _Commands(TyperGroup):
    """Turns what rtig raises on purpose into a sentence on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except RtigError as error:
            typer.echo(f"rtig: {error}", err=True)
        except ValidationError as errors:
            for wrong in errors.errors():
                typer.echo(f"rtig: {_setting_wrong(wrong)}", err=True)
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
kb = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="For the authors of a knowledge base.")
schema = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="For programs that talk to a server.")
app.add_typer(kb, name="kb")
app.add_typer(schema, name="schema")


def main() -> None:
    app(prog_name="rtig")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(rtig.__version__)


# --- servers


def _settings_listed() -> str:
    """Every setting by its name in the environment, with its default, for the help of `serve`."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = f" [{_default(field.default)}]" if field.default not in (None, ()) else ""
        lines.append(f"  RTIG_{name.upper()}{default}\n      {field.description}")
    return "\n".join(lines)


def _default(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


@app.command(
    help="Serve sources, agents and supervisors until SIGINT or SIGTERM.\n\n"
    "The pages are at /agent and /board of the address that the first line on stderr names.\n\n\b\n"
    "Settings, from the environment or, in lower case without RTIG_, from rtig.toml:\n" + _settings_listed()
)
def serve(
    host: Annotated[str | None, typer.Option(help="Instead of RTIG_HOST.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Instead of RTIG_PORT.")] = None,
    folder: Annotated[Path | None, typer.Option("--kb", help="Instead of RTIG_KNOWLEDGE_BASE.")] = None,
    log: Annotated[str | None, typer.Option("--log", help="Instead of RTIG_LOG.")] = None,
) -> None:
    for name in strangers(os.environ):
        typer.echo(f"rtig: {_no_setting(name, [f'RTIG_{known.upper()}' for known in Settings.model_fields])}", err=True)
    given: dict[str, Any] = {"host": host, "port": port, "knowledge_base": folder, "log": log}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    if "knowledge_base" not in settings.model_fields_set:
        settings = settings.model_copy(update={"knowledge_base": _folder(None)})
    try:
        uvloop.run(server.serve(settings))
    except ValueError as error:
        raise WorldError(str(error)) from None


def _setting_wrong(wrong: Any) -> str:
    where = ".".join(str(part) for part in wrong["loc"])
    if wrong["type"] == "extra_forbidden":  # only the file can have it: in the environment it is no setting of ours
        return f"{FILE}: {_no_setting(where, Settings.model_fields)}"
    name = f"RTIG_{where.upper()}: " if where else ""
    return name + str(wrong["msg"]).removeprefix("Value error, ")


def _no_setting(name: str, known: Iterable[str]) -> str:
    """The file's tables are no settings either: `[serve]` is as unknown as a misspelt name."""
    return f"`{name}` is no setting{_meant(name, known) or '; `rtig serve --help` lists them'}"


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
        typer.echo(f"ready\n  agent  {ready.agent}\n  board  {ready.board}\nCtrl-C ends it.")
        if open_pages and _has_a_screen():
            for address in (ready.board, ready.agent):
                webbrowser.open(address)

    server.log_to_stderr("warning")
    uvloop.run(demo.run(_folder(folder), announce, host=host, port=port, desks=desks, speed=speed, log=log))


def _has_a_screen() -> bool:
    if not sys.stdout.isatty():
        return False
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


# --- recorded calls


class _Recording(NamedTuple):
    """The events of a call, and when they arrived where that is known. `live`: from a log, with its ticks."""

    events: list[AnyEvent]
    arrived: dict[str, int]
    live: bool = False


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Recordings; of a vendor's, one call each.")],
    format_name: Annotated[Format, typer.Option("--format", help="Whose messages they are.")] = Format.RTIG,
    parties: Parties = None,
    call_id: Annotated[str, typer.Option(help="Name of the call, where the recording does not say.")] = "",
    folder: Folder = None,
    everything: Annotated[bool, typer.Option("--all", help="With --json: every kind of guidance.")] = False,
    to: Annotated[str, typer.Option(metavar="URL", help="Send into a server, as ws://host:port/ws.")] = "",
    token: Annotated[str, typer.Option(envvar="RTIG_TOKEN", help="With --to: a source's token.")] = "",
    speed: Annotated[float, typer.Option(min=0.01, help="With --to: times real speed.")] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Fold recorded calls, print what comes of them, and count it."""
    if call_id and len(files) > 1:
        raise typer.BadParameter("one name cannot stand for several files", param_hint="--call-id")
    named = _parties(parties)
    if to:
        recordings = [r for file in files for r in _recordings(file, format_name, named, call_id).values()]
        sent = asyncio.run(play([(r.events, r.arrived) for r in recordings], to, token, speed, on_lost=_lost(to)))
        _print(msgspec.to_builtins(sent), as_json, f"{sent.calls} calls, {sent.events} events, {sent.refused} refused")
        raise typer.Exit(1 if sent.refused else 0)
    playbook = knowledge.compile_folder(_folder(folder))
    tally = Tally()
    for file in _progress(files, "replaying"):
        for recording in _recordings(file, format_name, named, call_id).values():
            for item in tally.replay(playbook, recording.events, recording.arrived):
                if as_json:
                    if everything or isinstance(item, Line | Card):
                        typer.echo(msgspec.json.encode(item).decode())
                else:
                    _print_guidance(item)
    summary = tally.summary()
    typer.echo(msgspec.json.encode(summary).decode() if as_json else "\n" + _summed_up(summary))


@app.command("explain")
def explain_call(
    call: Annotated[
        str, typer.Argument(help="A sample call's id, a script or recording, or, with --log, a call's id.")
    ],
    rule: Annotated[str, typer.Option(help="An article or trigger: did it come, and why not?")] = "",
    folder: Folder = None,
    log: Annotated[Path | None, typer.Option("--log", help="A server's event log, a SQLite file.")] = None,
    tenant: Tenant = "default",
    format_name: Annotated[Format, typer.Option("--format", help="Of a recording.")] = Format.RTIG,
    parties: Parties = None,
    as_json: AsJson = False,
) -> None:
    """Say why each card of a call came, and why others did not."""
    base = knowledge.read(_folder(folder))
    playbook = knowledge.compiled(base.source)
    if rule and rule not in playbook.rules:
        raise typer.BadParameter(_unknown("article or trigger", rule, playbook.rules), param_hint="--rule")
    recording = _recording(base, call, log, tenant, format_name, _parties(parties))
    story = explain(playbook, recording.events, rule or None, recorded=recording.live)
    if as_json:
        typer.echo(msgspec.json.encode(story).decode())
    else:
        _print_story(story)


@app.command()
def erase(
    call: Annotated[str, typer.Argument(help="The call's id.")],
    log: Annotated[Path, typer.Option("--log", help="A server's event log, a SQLite file. No server may be using it.")],
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Remove a call from an event log; afterwards no byte of it is left there."""

    async def run() -> int:
        opened = await SqliteLog.open_file(_existing(log))
        try:
            return await opened.erase(CallKey(tenant, call))
        finally:
            await opened.close()

    count = asyncio.run(run())
    if not count:
        raise WorldError(f"{log} has no call `{call}` of tenant `{tenant}`.")
    _print({"call_id": call, "events": count}, as_json, f"{count} events of {call} erased")


def _lost(url: str) -> Callable[[str], None]:
    """Says why a server cannot be had: once for each reason, or a wrong address would wait in silence."""
    told: set[str] = set()

    def tell(why: str) -> None:
        if why not in told:
            told.add(why)
            typer.echo(f"rtig: {url}: {why}; trying again, Ctrl-C gives up", err=True)

    return tell


def _recordings(path: Path, format_name: Format, parties: dict[str, Party], call_id: str) -> dict[str, _Recording]:
    """The calls in a file, by their ids."""
    if format_name is Format.SCRIPT or (format_name is Format.RTIG and path.suffix in (".yaml", ".yml")):
        scheduled = perform(knowledge.read_script(_existing(path)), call_id)
        events: list[AnyEvent] = [s.event for s in scheduled]
        return {events[0].call_id: _Recording(events, {key(s.event): s.at_ms for s in scheduled})}
    calls = by_call(read_file(_existing(path), format_name.value, call_id, parties))
    return {name: _Recording(events, {}) for name, events in calls.items()}


def _recording(
    base: KnowledgeBase, call: str, log: Path | None, tenant: str, format_name: Format, parties: dict[str, Party]
) -> _Recording:
    """One call, wherever it is kept, with personal data masked."""
    if log is not None:
        events = asyncio.run(_logged(_existing(log), CallKey(tenant, call)))
        if not events:
            raise WorldError(f"{log} has no call `{call}` of tenant `{tenant}`.")
        return _Recording(events, {}, live=True)
    scripts = base.calls | {trial.id: trial.script for trial in base.trials}
    if call in scripts:
        return _Recording(list(authoring.performed(scripts[call])), {})
    path = Path(call)
    if not path.is_file():
        raise typer.BadParameter(_unknown("sample call or file", call, base.calls), param_hint="CALL")
    found = _recordings(path, format_name, parties, "")
    if len(found) != 1:
        raise WorldError(f"{path} holds {len(found)} calls; explain takes a file of one.")
    [recording] = found.values()
    return _Recording([redacted(event)[0] for event in recording.events], {})


async def _logged(path: Path, call: CallKey) -> list[AnyEvent]:
    log = await SqliteLog.open_file(path, read_only=True)
    try:
        return [record.event async for record in log.read(call)]
    finally:
        await log.close()


# --- authors


@kb.command()
def lint(
    folder: FolderArgument = None,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day to hold review dates against.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong or odd in a knowledge base, with file, line and column."""
    day = today.date() if today is not None else datetime.now(UTC).astimezone().date()
    chosen = _folder(folder)
    found = authoring.lint(chosen, day)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        for finding in found:
            typer.echo(str(finding))
        errors = sum(finding.severity == "error" for finding in found)
        typer.echo(f"{_count(errors, 'error')}, {_count(len(found) - errors, 'warning')} in {chosen}", err=True)
    raise typer.Exit(1 if any(finding.severity == "error" for finding in found) else 0)


@kb.command("test")
def run_tests(
    folder: FolderArgument = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="ID", help="Play these tests alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play the scripted calls of a knowledge base and compare their cards with those expected."""
    base = knowledge.read(_folder(folder))
    trials = base.trials
    if only:
        known = {trial.id: trial for trial in trials}
        for name in only:
            if name not in known:
                raise typer.BadParameter(_unknown("test", name, known), param_hint="--only")
        trials = tuple(known[name] for name in dict.fromkeys(only))
    playbook = knowledge.compiled(base.source)
    verdicts = [authoring.run_test(playbook, trial) for trial in _progress(trials, "playing")]
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
    as_json: AsJson = False,
) -> None:
    """Say what one sentence would bring up, and why."""
    playbook = knowledge.compile_folder(_folder(folder))
    tried = authoring.try_sentence(playbook, sentence, _PARTIES[party.value], queue=queue, at_ms=round(at * 1000))
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
        raise typer.BadParameter(_unknown("kind of file", name, schemas), param_hint="NAME")
    chosen = schemas if name is None else {name: schemas[name]}
    if out is None:
        typer.echo(_pretty(chosen if name is None else schemas[name]))
        return
    out.mkdir(parents=True, exist_ok=True)
    for kind, made in chosen.items():
        path = out / f"{kind}.schema.json"
        path.write_text(_pretty(made) + "\n", encoding="utf-8")
        typer.echo(str(path))


# --- programs


@schema.command("asyncapi")
def asyncapi_schema() -> None:
    """Print the protocol of the WebSocket as AsyncAPI."""
    typer.echo(msgspec.json.format(asyncapi.document()).decode())


@schema.command("events")
def events_schema() -> None:
    """Print the JSON Schema of the events that a source sends."""
    typer.echo(_pretty(msgspec.json.schema(SourceEvent)))


# --- what people read


def _print(value: Any, as_json: bool, sentence: str) -> None:
    typer.echo(msgspec.json.encode(value).decode() if as_json else sentence)


def _print_guidance(item: Guidance) -> None:
    match item:
        case Line(final=True, voided=False) if item.text:
            typer.echo(f"{clock(item.start_ms):>8}  {item.party}: {item.text}")
        case Card():
            why = f": {quoted(item.why.words)}" if item.why.words else f": {item.why.condition}"
            reason = f" ({item.reason})" if item.reason else ""
            typer.echo(f"{'':8}  -> {item.state} {item.id}{reason}{why}")
        case _:
            pass


def _summed_up(summary: Summary) -> str:
    parts = [
        f"{_count(summary.calls, 'call')}, {_count(summary.fragments, 'fragment')} ({summary.finals} final), "
        f"{_count(summary.words, 'word')}",
        f"{_count(summary.cards, 'card')}: {summary.confirmed} confirmed, {summary.retracted} retracted",
    ]
    if summary.head_start_ms is not None:
        parts.append(f"early cards came {summary.head_start_ms / 1000:g} s before they were confirmed (median)")
    if summary.retraction_rate is not None:
        parts.append(f"{summary.retraction_rate:.1%} of the early cards were taken back")
    return "\n".join(parts)


def _print_story(story: Explanation) -> None:
    out = Console(soft_wrap=True, highlight=False, markup=False)
    out.print(f"{story.call_id}, playbook {story.playbook}")
    if story.rule is not None:
        out.print(f"\n{story.rule.rule}: {story.rule.title}", style="bold")
        out.print(story.rule.verdict)
        for point in story.rule.points:
            if point.sentence != story.rule.verdict:
                out.print(f"  - {point.sentence}")
        return
    out.print("\nCards", style="bold")
    for card in story.cards:
        out.print(f"\n  {clock(card.at_ms)}  {card.title}  [{card.kind}, {card.rule}]")
        out.print(f"           because {card.condition}" + (f": {quoted(card.words)}" if card.words else ""))
        if card.beat:
            out.print(f"           before {', '.join(card.beat)}")
        turns = (f"{t.state} at {clock(t.at_ms)}" + (f" ({t.reason})" if t.reason else "") for t in card.turns)
        out.print(f"           {', '.join(turns)}")
    if not story.cards:
        out.print("  none")
    out.print("\nCalled for and not shown", style="bold")
    for held in story.withheld:
        words = f" by {quoted(held.words)}" if held.words else ""
        out.print(f"  {clock(held.at_ms)}  {held.rule}{words}: {held.sentence}")
    if not story.withheld:
        out.print("  none")


def _print_tried(tried: authoring.Tried) -> None:
    out = Console(soft_wrap=True, highlight=False, markup=False)
    for fired in tried.fired:
        held_back = f"  (not shown: {fired.held_back})" if fired.held_back else ""
        out.print(f"{fired.title}  [{fired.kind}, {fired.rule}]{held_back}", style="bold")
        if fired.say:
            out.print(f"    say: {fired.say}")
        out.print(f"    because {fired.condition}: {quoted(fired.words)}")
    if not tried.fired:
        out.print("Nothing fires.", style="bold")
    for step in tried.ticked:
        out.print(f"ticks {step}")
    if tried.reasons:
        out.print(f"mood {tried.band} ({tried.score:.2f})")
        for reason in tried.reasons:
            out.print(f"    {reason.weight:+.2f} {reason.what}: {quoted(reason.words)}")
    if tried.near:
        out.print("\nNearest that did not fire", style="bold")
        for miss in tried.near:
            out.print(f"    {miss.rule}: {miss.phrase}\n        {miss.because}")


# --- arguments


def _folder(given: Path | None) -> Path:
    """The knowledge base to use: the one named, the one here, else the one that comes with rtig; as `serve` does it."""
    if given is not None:
        return given
    here: Path = Settings.model_fields["knowledge_base"].default
    return here if here.is_dir() else knowledge.shipped()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise WorldError(f"{path}: there is no such file.")
    return path


def _parties(given: list[str] | None) -> dict[str, Party]:
    parties: dict[str, Party] = {}
    for entry in given or ():
        label, sign, party = entry.rpartition("=")
        if not sign or party not in _PARTIES:
            raise typer.BadParameter(
                f"`{entry}` is not LABEL=PARTY with a party of {', '.join(_PARTIES)}", param_hint="--party"
            )
        parties[label] = _PARTIES[party]
    return parties


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    return f"there is no {what} `{name}`{_meant(name, known)}"


def _meant(name: str, known: Iterable[str]) -> str:
    best = process.extractOne(name, list(known), scorer=fuzz.ratio, score_cutoff=60)
    return f"; did you mean `{best[0]}`?" if best else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def _progress(items: Iterable[_T], doing: str) -> Iterator[_T]:
    """The items, with a bar on stderr for whoever sits before it."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(list(items), description=doing)
