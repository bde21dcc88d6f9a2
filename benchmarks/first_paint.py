"""How long does the agent's page take to show the card that is there already?

The sidebar is opened in the middle of a call, with nothing in the browser's cache, on a CPU that is slowed down as an
old desk computer would be. Counted is from the begin of the navigation to the first task behind the frame that shows
the card. The document is asked at each frame, for `rtig-painted` does not wait for a call's past to have been told.
Server and browser are on one machine; a network adds six round trips: page, script, ticket, socket, hello, watch.
"""

import argparse
import asyncio
import json
import math
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from playwright.async_api import Browser, async_playwright

from benchmarks.board import ARGUMENTS
from benchmarks.latency import greeted
from benchmarks.servers import TOKEN, started
from rtig.core.events import CallStarted, SegmentHeard, SourceEvent, encode
from rtig.core.guidance import Card
from rtig.wire.messages import Calls, Guided, Hello, Watch, decode_told
from rtig.wire.messages import encode as encode_message

AGENT = "desk-1"
WORDS = (
    ("agent", "thanks for calling Larkfield, how can I help"),
    ("customer", "hello, I have got my new bill here and I do not understand it at all"),
    ("agent", "let me have a look at that for you"),
    ("customer", "my bill has doubled since last month"),
)
BUDGET_MS = 1000.0

# Notes when each of what comes before the card was there, and when the card was on the glass.
NOTE = """(() => {
  const at = (window.first_ = {});
  const now = (name) => { at[name] ??= performance.now(); };
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      now("ticket");
      super(...given);
      this.addEventListener("open", () => now("socket"));
      this.addEventListener("message", ({ data }) => { if (data.includes('"type":"card"')) now("told"); });
    }
  };
  const fetched = window.fetch;
  window.fetch = (...given) => { now("script"); return fetched(...given); };
  const behind = new MessageChannel();
  behind.port1.onmessage = () => now("painted");
  const look = () => {
    const card = document.querySelector("rtig-sidebar")?.shadowRoot?.querySelector("rtig-card");
    if (card?.checkVisibility()) behind.port2.postMessage(0);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();"""
PAINTED = "() => window.first_.painted && { ...window.first_ }"
STEPS = ("script", "ticket", "socket", "told", "painted")
"""The script asks for a ticket, has it, has a socket, is told of the card, has it painted."""


def run(arguments: list[str]) -> int:
    """The suite's command line; 1 where the latest twentieth of the loads took a second or more."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks first_paint", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--loads", type=int, default=20, help="how often the page is opened (%(default)s)")
    parser.add_argument("--slower", type=float, default=4.0, help="by how much the CPU is slowed down (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="five loads")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    with started("rtig") as server:
        seen = asyncio.run(_loaded(server.url, 5 if asked.quick else asked.loads, asked.slower))
    report = reported(seen, asked.slower)
    for name, value in report.items():
        print(f"  {name:12} {value}", file=sys.stderr)
    if asked.json:
        print(json.dumps(report))
    return 0 if report["passed"] else 1


async def _loaded(url: str, loads: int, slower: float) -> list[dict[str, float]]:
    source = await greeted(url, Hello(role="source", token=TOKEN, source="source"))
    said: list[SourceEvent] = [CallStarted(call_id="c-1", agent=AGENT, queue="billing", customer="account-1")]
    for number, (party, text) in enumerate(WORDS):
        at = number * 4000
        said.append(
            SegmentHeard(
                call_id="c-1", segment_id=f"s{number}", rev=1, party="agent" if party == "agent" else "customer",
                text=text, final=True, turn_end=True, start_ms=at, end_ms=at + 3500,
            )
        )  # fmt: skip
    for event in said:
        await source.send(encode(event).decode())
    await _card_came(url)
    page = f"{url.replace('ws', 'http', 1).removesuffix('/ws')}/agent#key={TOKEN}&agent={AGENT}"
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        seen = [await _load(browser, page, slower) for _ in range(loads)]
        await browser.close()
    await source.close()
    return seen


async def _card_came(url: str) -> None:
    sidebar = await greeted(url, Hello(role="agent", token=TOKEN, agent=AGENT))
    async for frame in sidebar:
        match decode_told(frame):
            case Calls(calls=(call, *_)):
                await sidebar.send(encode_message(Watch(call_id=call.call_id)).decode())
            case Guided(items=items) if any(isinstance(item, Card) for item in items):
                break
    await sidebar.close()


async def _load(browser: Browser, address: str, slower: float) -> dict[str, float]:
    """Open the page in a profile of its own, so nothing of it is in a cache."""
    context = await browser.new_context(viewport={"width": 400, "height": 860})
    page = await context.new_page()
    await page.add_init_script(NOTE)
    devtools = await context.new_cdp_session(page)
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await page.goto(address, wait_until="commit")
    found = await page.wait_for_function(PAINTED)
    seen: dict[str, float] = await found.json_value()
    await context.close()
    return seen


def reported(seen: Sequence[dict[str, float]], slower: float) -> dict[str, Any]:
    """All of it as one object; `passed` says whether 95 of 100 loads stayed under the budget. Times in ms."""
    painted = sorted(one["painted"] for one in seen)
    return {
        "loads": len(painted),
        "slower": slower,
        "p50_ms": _at(painted, 50),
        "p95_ms": _at(painted, 95),
        "max_ms": _at(painted, 100),
        "steps_p50_ms": {step: _at(sorted(one[step] for one in seen), 50) for step in STEPS},
        "passed": _at(painted, 95) < BUDGET_MS,
    }


def _at(ordered: Sequence[float], share: float) -> float:
    """By nearest rank: of twenty the 95th hundredth is the nineteenth."""
    return round(ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)], 1)
