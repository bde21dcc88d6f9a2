"""Commands for recorded calls: `rtig replay`, `rtig explain`, `rtig erase`."""

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from rtig import knowledge
from rtig.cli.arguments import (
    AsJson,
    Folder,
    Format,
    Kind,
    Parties,
    Tenant,
    count,
    existing,
    folder_of,
    parties_of,
    print_result,
    progress_of,
    unknown,
)
from rtig.cli.meaning import Meaning, reader_of
from rtig.cli.mood_story import print_mood
from rtig.core.events import AnyEvent, Party, key
from rtig.core.guidance import Card, Guidance, Line, Quote
from rtig.core.playbook import Playbook
from rtig.core.redaction import redacted
from rtig.errors import MessageRefused, WorldError
from rtig.eventlog import split
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.ingest.feed import read_file
from rtig.knowledge import KnowledgeBase, authoring
from rtig.knowledge.explain import CardStory, Explanation, bent, clock, explain, quoted
from rtig.knowledge.explain_mood import explain_mood
from rtig.replay import Summary, Tally, by_call, play
from rtig.script import perform

app = typer.Typer()

_GONE = {
    "revised": "other words were heard in the end",
    "unfinished": "its words were never settled",
    "voided": "the recogniser took its words back",
    "excluded": "words under `unless` were said too",
    "done": "the agent did it",
    "late": "too late",
    "superseded": "the knowledge base changed",
}
"""Why a card was taken back, in an author's words."""


class Recording(NamedTuple):
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
    named = parties_of(parties)
    if to:
        whole = [r for file in files for r in recordings(file, format_name, named, call_id).values()]
        sent = asyncio.run(play([(r.events, r.arrived) for r in whole], to, token, speed, on_lost=_lost(to)))
        print_result(
            msgspec.to_builtins(sent), as_json, f"{sent.calls} calls, {sent.events} events, {sent.refused} refused"
        )
        raise typer.Exit(1 if sent.refused else 0)
    playbook = knowledge.compile_folder(folder_of(folder))
    tally = Tally()
    for file in progress_of(files, "replaying"):
        for recording in recordings(file, format_name, named, call_id).values():
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
    ] = "",
    all_calls: Annotated[bool, typer.Option("--all-calls", help="Every sample call, and a count for each.")] = False,
    kind: Annotated[Kind | None, typer.Option(help="Cards of one kind alone.")] = None,
    rule: Annotated[str, typer.Option(help="An article or trigger: did it come, and why not?")] = "",
    folder: Folder = None,
    log: Annotated[Path | None, typer.Option("--log", help="A server's event log, a SQLite file.")] = None,
    tenant: Tenant = "default",
    format_name: Annotated[Format, typer.Option("--format", help="Of a recording.")] = Format.RTIG,
    parties: Parties = None,
    mood: Annotated[bool, typer.Option("--mood", help="Say why the customer's mood was what it was instead.")] = False,
    drawn: Annotated[
        int | None, typer.Option("--calls", min=1, help="With --mood: so many calls of a recording, by --seed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which calls --calls draws.")] = 0,
    meaning: Meaning = True,
    as_json: AsJson = False,
) -> None:
    """Say why each card of a call came, and why others did not."""
    base = knowledge.read(folder_of(folder))
    playbook = knowledge.compiled(base.source)
    if mood:
        if drawn is not None:
            named = recordings(Path(call), format_name, parties_of(parties), "")
            names = random.Random(seed).sample(sorted(named), min(drawn, len(named)))  # noqa: S311 (a sample)
            taken = [named[name] for name in names]
        else:
            taken = [_recording(base, call, log, tenant, format_name, parties_of(parties))]
        model = reader_of(playbook, meaning and not taken[0].live)
        for one in taken:
            read_by = model.understand if model is not None else None
            told = explain_mood(playbook, (redacted(event)[0] for event in one.events), recorded=one.live, read=read_by)
            if as_json:
                typer.echo(msgspec.json.encode(told).decode())
            else:
                print_mood(told)
        return
    if rule and rule not in playbook.rules:
        raise typer.BadParameter(unknown("article or trigger", rule, playbook.rules), param_hint="--rule")
    if all_calls == bool(call):
        raise typer.BadParameter("give a call, or --all-calls", param_hint="CALL")
    reader = reader_of(playbook, meaning and log is None)  # a log holds what a model has read
    read = reader.understand if reader is not None else None
    stories = []
    for name in progress_of(base.calls if all_calls else [call], "explaining"):
        recording = _recording(base, name, log, tenant, format_name, parties_of(parties))
        story = explain(playbook, recording.events, rule or None, recorded=recording.live, read=read)
        stories.append(_of_kind(playbook, story, kind) if kind is not None else story)
    if as_json:
        typer.echo(msgspec.json.encode(stories if all_calls else stories[0]).decode())
        return
    for story in stories:
        _print_story(story)
    if all_calls:
        _print_counts(stories)


@app.command()
def erase(
    call: Annotated[str, typer.Argument(help="The call's id.")],
    log: Annotated[Path, typer.Option("--log", help="A server's event log, a SQLite file. No server may be using it.")],
    tenant: Tenant = "default",
    as_json: AsJson = False,
) -> None:
    """Remove a call from an event log; afterwards no byte of it is left there."""

    async def run() -> int:
        erased = 0
        for file in split.files(existing(log)):
            opened = await SqliteLog.open_file(file)
            try:
                erased += await opened.erase(CallKey(tenant, call))
            finally:
                await opened.close()
        return erased

    count = asyncio.run(run())
    if not count:
        raise WorldError(f"{log} has no call `{call}` of tenant `{tenant}`.")
    print_result({"call_id": call, "events": count}, as_json, f"{count} events of {call} erased")


def _lost(url: str) -> Callable[[str], None]:
    """Says why a server cannot be had: once for each reason, or a wrong address would wait in silence."""
    told: set[str] = set()

    def tell(why: str) -> None:
        if why not in told:
            told.add(why)
            typer.echo(f"rtig: {url}: {why}; trying again, Ctrl-C gives up", err=True)

    return tell


def recordings(path: Path, format_name: Format, parties: dict[str, Party], call_id: str) -> dict[str, Recording]:
    """The calls in a file, by their ids.

    Raises `WorldError` that names the file, and the line where there are lines; of a script, `PlaybookErrors`.
    """
    if format_name is Format.SCRIPT or (format_name is Format.RTIG and path.suffix in (".yaml", ".yml")):
        scheduled = perform(knowledge.read_script(existing(path)), call_id)
        events: list[AnyEvent] = [s.event for s in scheduled]
        return {events[0].call_id: Recording(events, {key(s.event): s.at_ms for s in scheduled})}
    try:
        calls = by_call(read_file(existing(path), format_name.value, call_id, parties))
    except MessageRefused as refused:
        raise WorldError(f"{path}: {refused.sentence}") from None
    return {name: Recording(events, {}) for name, events in calls.items()}


def _recording(
    base: KnowledgeBase, call: str, log: Path | None, tenant: str, format_name: Format, parties: dict[str, Party]
) -> Recording:
    """One call, wherever it is kept, with personal data masked."""
    if log is not None:
        events = asyncio.run(_logged(existing(log), CallKey(tenant, call)))
        if not events:
            raise WorldError(f"{log} has no call `{call}` of tenant `{tenant}`.")
        return Recording(events, {}, live=True)
    scripts = base.calls | {trial.id: trial.script for trial in base.trials}
    if call in scripts:
        return Recording(list(authoring.performed(scripts[call])), {})
    path = Path(call)
    if not path.is_file():
        raise typer.BadParameter(unknown("sample call or file", call, base.calls), param_hint="CALL")
    found = recordings(path, format_name, parties, "")
    if len(found) != 1:
        raise WorldError(f"{path} holds {len(found)} calls; explain takes a file of one.")
    [recording] = found.values()
    return Recording([redacted(event)[0] for event in recording.events], {})


async def _logged(path: Path, call: CallKey) -> list[AnyEvent]:
    found: list[AnyEvent] = []
    for file in split.files(path):
        log = await SqliteLog.open_file(file, read_only=True)
        try:
            found += [record.event async for record in log.read(call)]
        finally:
            await log.close()
    return found


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
        f"{count(summary.calls, 'call')}, {count(summary.fragments, 'fragment')} ({summary.finals} final), "
        f"{count(summary.words, 'word')}",
        f"{count(summary.cards, 'card')}: {summary.confirmed} confirmed, {summary.retracted} retracted",
    ]
    if summary.head_start_ms is not None:
        parts.append(f"early cards came {summary.head_start_ms / 1000:g} s before they were confirmed (median)")
    if summary.retraction_rate is not None:
        parts.append(f"{summary.retraction_rate:.1%} of the early cards were taken back")
    return "\n".join(parts)


def _of_kind(playbook: Playbook, story: Explanation, kind: Kind) -> Explanation:
    return replace(
        story,
        cards=tuple(card for card in story.cards if card.kind == kind.value),
        withheld=tuple(held for held in story.withheld if playbook.rules[held.rule].kind == kind.value),
    )


def _print_counts(stories: Sequence[Explanation]) -> None:
    """How many cards each call brought, and how many of them went again because the agent did what they ask for."""
    table = Table(box=None, pad_edge=False)
    for column in ("call", "mood rose to"):
        table.add_column(column)
    for column in ("cards", "done since", "withheld"):
        table.add_column(column, justify="right")
    for story in stories:
        shown = [card for card in story.cards if any(turn.state == "confirmed" for turn in card.turns)]
        done = sum(card.turns[-1].reason == "done" for card in shown)
        table.add_row(story.call_id, story.mood, str(len(shown)), str(done), str(len(story.withheld)))
    out = Console(soft_wrap=True, highlight=False, markup=False)
    out.print()
    out.print(table)


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
        _print_card(out, card)
    if not story.cards:
        out.print("  none")
    out.print("\nCalled for and not shown", style="bold")
    for held in story.withheld:
        words = f" by {quoted(held.words)}" if held.words else ""
        out.print(f"  {clock(held.at_ms)}  {held.rule}{words}: {held.sentence}")
    if not story.withheld:
        out.print("  none")


def _print_card(out: Console, card: CardStory) -> None:
    margin = " " * 11
    version = f", version {card.article.version}" if card.article is not None else ""
    out.print(f"\n  {clock(card.at_ms)}  {card.title}  [{card.kind}, {card.rule}{version}]")
    sure = f", {card.score:.2f} of the 0.50 it takes" if card.score is not None else ""
    out.print(f"{margin}because {card.condition}{sure}" + (f": {quoted(card.words)}" if card.words else ""))
    for quote in card.words:
        out.print(f"{margin}    {_place(quote)}")
    for what, told in (
        ("heard", bent(card.bends)),
        ("about as likely:", ", ".join(card.near)),
        ("before", ", ".join(card.beat)),
    ):
        if told:
            out.print(f"{margin}{what} {told}")
    turns = (
        f"{t.state} at {clock(t.at_ms)}" + (f" ({_GONE.get(t.reason, t.reason)})" if t.reason else "")
        for t in card.turns
    )
    out.print(f"{margin}{', '.join(turns)}")


def _place(quote: Quote) -> str:
    return (
        f"{quoted([quote])} by the {quote.party}, segment {quote.segment_id}, characters {quote.start} to {quote.end}"
    )
