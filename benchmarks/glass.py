"""How long from a fragment leaving its source to its card being on the agent's glass?

The built sidebar in a real Chromium watches one line out of many. On the others, calls follow the sample scripts at a
real recogniser's rhythm, each watched by a sidebar without a screen. On the watched line one short call follows the
other, of a customer whose every sentence ends with the words that a card of its own waits for; these cards are exempt
from the attention budget, or a few hundred would take hours. Only the final text of a sentence has the words, so a
card's fragment is known. Open loop: frames are sent when they are due, whatever the server and the page do.

In turns with it, the floor: the same bytes at the same moments, over as many sockets, through a bare `websockets`
server to a page that puts each message of its line into a plain div. What the sender, the browser's frames and two
shared cores add is in both; the ratio is what rtig adds.

A card counts as painted in the first task behind the frame that shows it: scripts, style, layout and paint are done
then, and the compositor has the picture. What compositor and screen take comes on top, in both.

Clocks. A fragment is sent, and received by the server, in Unix time of the one system clock. The page's clock is
`performance.timeOrigin + performance.now()`; before and after each round it is asked many times between two readings
of ours. A reading of the page cannot be older than the question nor newer than the answer: the quickest way there and
the quickest way back bound the offset, whose middle is taken off the page's times. The server's own steps come with
the card (`timing`), the time of the first byte from the event in its log.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import uvloop
from hdrh.histogram import HdrHistogram
from playwright.async_api import Page, async_playwright
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.board import ARGUMENTS
from benchmarks.latency import CALLS_A_SOURCE, SETTLE_SECONDS, greeted
from benchmarks.servers import ROOT, TOKEN, started
from benchmarks.traffic import Sent, Traffic, voice_calls
from rtig.core.events import CallEnded, CallStarted, SegmentHeard, SourceEvent, encode
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.gateway.doors import DEFAULT_TENANT
from rtig.wire.messages import Calls, Hello, Watch, decode_told
from rtig.wire.messages import encode as encode_message

AGENT = "glass"
KINDS = ("copper", "velvet", "marble", "crimson", "wooden")
THINGS = ("kettle", "ladder", "compass", "lantern", "trumpet")
PHRASES = tuple(f"{kind} {thing}" for thing in THINGS for kind in KINDS)
"""Of one watched call. No other rule waits for them, and no two are alike."""
OPENING = "well I was wondering about the"
SENTENCE_SECONDS = 0.2
"""From a final text of the watched call to the next words, give or take half: its card has long been on the glass."""
INTERIM_SECONDS = 0.2
BEFORE_SECONDS, AFTER_SECONDS = 1.2, 0.3
"""From a watched call's begin to its first sentence, until when the page has it, and from its last to its end."""
RAMP_SECONDS = 5.0
OFFSETS = 100
"""How often the page's clock is asked at a time."""
PARTS = ("sent_to_received", "received_to_made", "made_to_page", "page_to_painted")
FLOOR_PARTS = ("sent_to_page", "page_to_painted")

NOTE = """() => { window.painted_ = []; addEventListener("rtig-painted", ({ detail }) => painted_.push(detail)); }"""
PLAIN = """(url) => new Promise((ready) => {
  const div = document.querySelector("div");
  window.painted_ = [];
  const socket = new WebSocket(url);
  socket.onopen = ready;
  socket.onmessage = ({ data }) => {
    const received = performance.now();
    div.textContent = data;
    requestAnimationFrame(() => setTimeout(() => painted_.push({ data, received, painted: performance.now() })));
  };
})"""
PAINTED = "() => [performance.timeOrigin, window.painted_]"
CLOCK = "performance.timeOrigin + performance.now()"
CONNECTED = """() => document.querySelector("rtig-sidebar").shadowRoot.querySelector("rtig-status")
  ?.status?.phase === "live" """

Fragment = tuple[str, str, int]
"""Its call, its segment and its revision."""


class Offset(NamedTuple):
    """By how many ms the page's clock is ahead of ours, at least and at most."""

    least: float
    most: float

    @property
    def middle(self) -> float:
        return (self.least + self.most) / 2


class Figures:
    """What one side has shown over all rounds; histograms in µs."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.glass = _histogram()
        self.parts = {part: _histogram() for part in parts}
        self.lost = 0
        self.offsets: list[Offset] = []

    def took(self, *ms: float) -> None:
        """One card: how long each part took."""
        self.glass.record_value(_us(sum(ms)))
        for histogram, part in zip(self.parts.values(), ms, strict=True):
            histogram.record_value(_us(part))


def run(arguments: list[str]) -> int:
    """The suite's command line; 1 where a card did not come to the glass."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks glass", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=100, help="simultaneous calls (%(default)s)")
    parser.add_argument("--cards", type=int, default=300, help="cards to time (%(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="floor and rtig in turns, so often (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one round of 50 cards")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    cards, rounds = (50, 1) if asked.quick else (asked.cards, asked.rounds)
    each = -(-cards // rounds)

    rtig, floor = Figures(PARTS), Figures(FLOOR_PARTS)
    with tempfile.TemporaryDirectory() as folder:
        knowledge_base = with_glass_cards(Path(folder) / "knowledge_base")
        for number in range(rounds):
            # The floor times every fragment of its line, so it needs half the time for as many.
            traffic = glass_traffic(asked.calls, -(-each // 2), asked.seed + number, f"f{number}")
            _say(f"round {number + 1} of {rounds}: the floor, {len(timed(traffic, every=True))} fragments")
            with _floor() as url:
                uvloop.run(_plain(url, traffic, floor))
            traffic = glass_traffic(asked.calls, each, asked.seed + number, f"r{number}")
            _say(f"round {number + 1} of {rounds}: rtig, {len(timed(traffic))} cards")
            file = Path(folder) / f"calls-{number}.db"
            with started("rtig", str(file), knowledge_base) as server:
                seen = uvloop.run(_guided(server.url, traffic, rtig))
            asyncio.run(_accounted(file, traffic, seen, rtig))
    report = reported(asked.calls, rtig, floor)
    _print(report)
    if asked.json:
        print(json.dumps(report))
    return 1 if report["lost"] else 0


# What is said.


def with_glass_cards(folder: Path) -> Path:
    """The sample knowledge base, and an article for each phrase of the watched calls."""
    shutil.copytree(ROOT / "knowledge_base", folder)
    (folder / "articles" / "glass").mkdir()
    for phrase in PHRASES:
        name = phrase.replace(" ", "-")
        (folder / "articles" / "glass" / f"{name}.md").write_text(
            f"---\nid: {name}\ntitle: What to know of the {phrase}\n"
            f"say: I can tell you all about the {phrase}, and send you the rest in writing.\n"
            f"triggers:\n  - said: [{phrase}]\n    exempt: true\n---\n"
            f"The {phrase} is kept for those who *ask* for it. Say what it is for, what it costs, how long it takes,\n"
            "and leave the rest to what they want to know.\n\n"
            f"## Steps\n\n1. Ask what the {phrase} is for.\n2. Say what it costs.\n3. Offer to send it in writing.\n",
            "utf-8",
        )
    return folder


def glass_traffic(calls: int, cards: int, seed: int, prefix: str) -> Traffic:
    """So many calls at once; on the last line short ones that follow one another, with so many cards in all."""
    rng = Random(seed)
    sent: list[Sent] = []
    ids: list[str] = []
    at = RAMP_SECONDS
    while cards > 0:
        call_id = f"{prefix}-{AGENT}-{len(ids)}"
        begun = at
        heard: list[tuple[float, SourceEvent]] = [(at, CallStarted(call_id=call_id, agent=AGENT, queue="glass"))]
        at += BEFORE_SECONDS
        for number, phrase in enumerate(PHRASES[:cards]):
            heard += _said(call_id, f"s{number}", phrase, at, begun)
            at += SENTENCE_SECONDS * rng.uniform(0.5, 1.5) + INTERIM_SECONDS
        at += AFTER_SECONDS
        heard.append((at, CallEnded(call_id=call_id, at_ms=_ms(at - begun))))
        sent += [_sent(when, len(ids), event) for when, event in heard]
        ids.append(call_id)
        cards -= len(PHRASES[:cards])
        at += AFTER_SECONDS
    others = voice_calls(ROOT / "knowledge_base", calls - 1, at, RAMP_SECONDS, seed, prefix)
    sent += [one._replace(call=one.call + len(ids)) for one in others.sent]
    # Events of one call that are due at the same time keep their order.
    sent.sort(key=lambda one: one.at)
    return Traffic(calls, ids + others.call_ids, [calls - 1] * len(ids) + others.line_of, sent)


def _said(call_id: str, segment_id: str, phrase: str, at: float, begun: float) -> Iterator[tuple[float, SourceEvent]]:
    for rev, text in enumerate((OPENING, f"{OPENING} {phrase}"), 1):
        heard = SegmentHeard(
            call_id=call_id,
            segment_id=segment_id,
            rev=rev,
            party="customer",
            text=text,
            final=rev == 2,
            turn_end=rev == 2,
            start_ms=_ms(at - begun),
            end_ms=_ms(at - begun),
        )
        yield at, heard
        at += INTERIM_SECONDS


def timed(traffic: Traffic, every: bool = False) -> set[Fragment]:
    """The fragments of the watched line that bring a card; or every one of it."""
    watched = traffic.lines - 1
    return {
        (traffic.call_ids[one.call], one.segment_id, one.rev)
        for one in traffic.sent
        if traffic.line_of[one.call] == watched and one.segment_id and (every or one.final)
    }


def _sent(at: float, call: int, event: SourceEvent) -> Sent:
    heard = event if isinstance(event, SegmentHeard) else None
    frame = encode(event).decode()
    if heard is None:
        return Sent(at, call, frame, "", 0, False)
    return Sent(at, call, frame, heard.segment_id, heard.rev, heard.final)


# The floor.


@contextlib.contextmanager
def _floor() -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.glass_floor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def _plain(url: str, traffic: Traffic, floor: Figures) -> None:
    wanted = timed(traffic, every=True)
    sources = [await connect(f"{url}/source", compression=None) for _ in _sources(traffic)]
    followers = [await connect(f"{url}/{line}", compression=None) for line in range(traffic.lines - 1)]
    reading = [asyncio.create_task(_read(one)) for one in [*sources, *followers]]
    async with opened() as page:
        await page.set_content("<!doctype html><div></div>")
        await page.evaluate(PLAIN, f"{url}/{traffic.lines - 1}")
        frames = [f"{traffic.line_of[one.call]} {one.frame}" for one in traffic.sent]
        async with _clocks(page, floor) as offset:
            due = await _send(sources, traffic, frames)
        origin, painted = await page.evaluate(PAINTED)
    for one in painted:
        told = json.loads(one["data"])
        fragment = (told["call_id"], told.get("segment_id", ""), told.get("rev", 0))
        if fragment in wanted:
            wanted.remove(fragment)
            received, on_glass = (origin + one[name] - offset() for name in ("received", "painted"))
            floor.took(received - due[fragment], on_glass - received)
    floor.lost += len(wanted)
    await _closed([*sources, *followers], reading)


async def _read(connection: ClientConnection) -> None:
    async for _ in connection:
        pass


# rtig.


async def _guided(url: str, traffic: Traffic, rtig: Figures) -> "Seen":
    sources = [
        await greeted(url, Hello(role="source", token=TOKEN, source=f"source-{number}")) for number in _sources(traffic)
    ]
    sidebars = [
        await greeted(url, Hello(role="agent", token=TOKEN, agent=f"desk-{line}")) for line in range(traffic.lines - 1)
    ]
    reading = [asyncio.create_task(_read(source)) for source in sources]
    reading += [asyncio.create_task(_watch(sidebar)) for sidebar in sidebars]
    async with opened() as page:
        await page.goto(f"{url.replace('ws', 'http', 1).removesuffix('/ws')}/agent#key={TOKEN}&agent={AGENT}")
        await page.wait_for_function(CONNECTED)
        await page.evaluate(NOTE)
        async with _clocks(page, rtig) as offset:
            due = await _send(sources, traffic, [one.frame for one in traffic.sent])
        origin, painted = await page.evaluate(PAINTED)
    await _closed([*sources, *sidebars], reading)
    for one in painted:
        for name in ("received", "painted"):
            one[name] += origin - offset()
    return Seen(due, painted)


class Seen(NamedTuple):
    due: dict[Fragment, float]
    """When each was sent, Unix time in ms."""
    painted: list[dict[str, Any]]
    """What the page told of each frame with a card, in the same time."""


async def _watch(sidebar: ClientConnection) -> None:
    """Watch the calls of a line, one after the other, as a page does."""
    watching = ""
    async for frame in sidebar:
        assert isinstance(frame, str)
        if not frame.startswith('{"type":"calls"'):
            continue
        message = decode_told(frame)
        if isinstance(message, Calls) and message.calls and message.calls[0].call_id != watching:
            watching = message.calls[0].call_id
            await sidebar.send(encode_message(Watch(call_id=watching)).decode())


async def _accounted(file: Path, traffic: Traffic, seen: Seen, rtig: Figures) -> None:
    """Put together what sender, server and page know of each card."""
    watched = {
        call_id for call_id, line in zip(traffic.call_ids, traffic.line_of, strict=True) if line == traffic.lines - 1
    }
    heard: dict[tuple[str, int], SegmentHeard] = {}
    log = await SqliteLog.open_file(file, read_only=True)
    try:
        for call_id in watched:
            async for record in log.read(CallKey(DEFAULT_TENANT, call_id)):
                if isinstance(record.event, SegmentHeard):
                    heard[call_id, record.seq] = record.event
    finally:
        await log.close()
    wanted = timed(traffic)
    for one in seen.painted:
        event = heard.get((one["call_id"], one["seq"]))
        fragment = (event.call_id, event.segment_id, event.rev) if event is not None else ("", "", 0)
        if event is not None and fragment in wanted and one["timing"] is not None:
            wanted.remove(fragment)
            rtig.took(*parts(seen.due[fragment], event.received / 1000, one))
    rtig.lost += len(wanted)


def parts(sent: float, received: float, painted: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """How long each of `PARTS` took, ms; all times in the same Unix ms, the page's as it told them."""
    made = received + painted["timing"]["total_us"] / 1000
    return received - sent, made - received, painted["received"] - made, painted["painted"] - painted["received"]


# Both.


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[Page]:
    """A page as wide as a sidebar, in a browser of its own."""
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield await browser.new_page(viewport={"width": 400, "height": 860})
        await browser.close()


async def _send(sources: Sequence[ClientConnection], traffic: Traffic, frames: Sequence[str]) -> dict[Fragment, float]:
    """Send every frame when it is due; when each fragment was sent, Unix time in ms."""
    due: dict[Fragment, float] = {}
    begun = time.time()
    for one, frame in zip(traffic.sent, frames, strict=True):
        at = begun + one.at  # late because of what came before: that counts
        wait = at - time.time()
        if wait > 0:
            await asyncio.sleep(wait)
            at = time.time()  # the timer's own lateness is nobody's
        if one.segment_id:
            due[traffic.call_ids[one.call], one.segment_id, one.rev] = at * 1000
        await sources[traffic.line_of[one.call] // CALLS_A_SOURCE].send(frame)
    await asyncio.sleep(SETTLE_SECONDS)
    return due


@contextlib.asynccontextmanager
async def _clocks(page: Page, figures: Figures) -> AsyncIterator[Callable[[], float]]:
    """Compare the page's clock with ours before and after; yields what tells the offset then, in ms."""
    found = [await _offset(page)]
    yield lambda: sum(offset.middle for offset in found) / len(found)
    found.append(await _offset(page))
    figures.offsets += found


async def _offset(page: Page) -> Offset:
    """What each of many questions allows, all together."""
    offsets = []
    for _ in range(OFFSETS):
        asked = time.time() * 1000
        there = await page.evaluate(CLOCK)
        offsets.append(Offset(there - time.time() * 1000, there - asked))
    return narrowed(offsets)


def narrowed(offsets: Sequence[Offset]) -> Offset:
    return Offset(max(one.least for one in offsets), min(one.most for one in offsets))


async def _closed(connections: Sequence[ClientConnection], reading: Sequence["asyncio.Task[None]"]) -> None:
    await asyncio.gather(*(connection.close() for connection in connections))
    await asyncio.gather(*reading)


def _sources(traffic: Traffic) -> range:
    return range((traffic.lines + CALLS_A_SOURCE - 1) // CALLS_A_SOURCE)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _us(ms: float) -> int:
    return max(1, round(ms * 1000))


def _histogram() -> Any:
    return HdrHistogram(1, 60_000_000, 3)


def reported(calls: int, rtig: Figures, floor: Figures) -> dict[str, Any]:
    glass, plain = _percentiles(rtig.glass), _percentiles(floor.glass)
    offsets = [*floor.offsets, *rtig.offsets]
    return {
        "cards": rtig.glass.get_total_count(),
        "calls": calls,
        **glass,
        **{f"floor_{name}": value for name, value in plain.items()},
        "floor_fragments": floor.glass.get_total_count(),
        "ratio_p50": _ratio(glass["p50_ms"], plain["p50_ms"]),
        "ratio_p99": _ratio(glass["p99_ms"], plain["p99_ms"]),
        "clock_offset_ms": max((round(one.middle, 3) for one in offsets), key=abs, default=0.0),
        "clock_offset_known_to_ms": round(max(((one.most - one.least) / 2 for one in offsets), default=0.0), 3),
        "parts": {part: _percentiles(histogram) for part, histogram in rtig.parts.items()},
        "floor_parts": {part: _percentiles(histogram) for part, histogram in floor.parts.items()},
        "lost": rtig.lost + floor.lost,
    }


def _ratio(one: float, other: float) -> float:
    return round(one / max(other, 1e-3), 2)


def _percentiles(histogram: Any) -> dict[str, float]:
    return {f"p{share}_ms": histogram.get_value_at_percentile(share) / 1000 for share in (50, 95, 99)}


def _print(report: dict[str, Any]) -> None:
    print(f"{report['cards']} cards, {report['calls']} calls; in ms", file=sys.stderr)
    rows = [("floor: sent to painted", {p: report[f"floor_{p}"] for p in ("p50_ms", "p95_ms", "p99_ms")})]
    rows += [(f"  {name.replace('_', ' ')}", figures) for name, figures in report["floor_parts"].items()]
    rows += [("rtig: sent to painted", report)]
    rows += [(f"  {name.replace('_', ' ')}", figures) for name, figures in report["parts"].items()]
    print(f"{'':26}{'p50':>10}{'p95':>10}{'p99':>10}", file=sys.stderr)
    for name, figures in rows:
        print(f"{name:26}" + "".join(f"{figures[p]:>10.2f}" for p in ("p50_ms", "p95_ms", "p99_ms")), file=sys.stderr)
    print(
        f"p50 is {report['ratio_p50']} times the floor's, p99 {report['ratio_p99']} times; lost: {report['lost']}. "
        f"The page's clock is {report['clock_offset_ms']} ms ahead, known to {report['clock_offset_known_to_ms']} ms.",
        file=sys.stderr,
    )


def _say(what: str) -> None:
    print(f"== {what}", file=sys.stderr, flush=True)
