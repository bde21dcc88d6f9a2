"""Does the supervisors' board keep up with a thousand live calls, for hours?

The real page in a real Chromium gets rows of so many calls, each so many times a second, while a hand scrolls through
them. Asked is: how long does a frame take, does any come late, does memory grow? Frames are timed from their own
timestamps and from the task behind their painting; memory and nodes are what is left after a forced collection, during
which no frame counts.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple

from playwright.async_api import CDPSession, Page, async_playwright

from benchmarks.servers import ROOT, cpu_seconds

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
MEDIAN_MS, P99_MS = 16.0, 50.0
"""What a frame may take."""
GROWTH_MB = 2.0
"""By how much the heap may have grown from the first third of the run to the last."""
WARM_UP_SECONDS = 5.0
SCROLL_SECONDS = 0.5

# `came`: from one frame's timestamp to the next one's, at 60 a second 16.7 at best. `took`: from a frame's timestamp to
# the first task behind it, so with all that scripts, style, layout and painting did on the page's thread.
RECORD = """() => {
  const frames = (window.frames_ = { came: [], took: [], on: true });
  const behind = new MessageChannel();
  let began = 0, before = 0;
  behind.port1.onmessage = () => { if (frames.on && before) frames.took.push(performance.now() - began); };
  const next = (at) => {
    if (frames.on && before) frames.came.push(at - before);
    before = frames.on ? at : 0;
    began = at;
    behind.port2.postMessage(0);
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""
# How many rows came, without reading them a second time.
COUNT = """window.rows_ = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => { window.rows_ += data.split('{"call_id":').length - 1; });
  }
};"""
ROWS = "() => window.rows_"
TAKE = """() => { const { came, took } = window.frames_; window.frames_.came = []; window.frames_.took = [];
  return { came, took }; }"""
PAUSE = "(on) => { window.frames_.on = on; }"
DRAWN = """() => document.querySelector("rtig-board").shadowRoot.querySelector("rtig-rows")
  .shadowRoot.querySelectorAll("tr[data-place]").length"""


class Sample(NamedTuple):
    """What is left after a collection, so many seconds after the first."""

    at: float
    heap_mb: float
    nodes: int
    listeners: int
    busy: float
    """Seconds of CPU that the page's thread has had."""
    parts: dict[str, float]
    """Of these: scripts, style, layout."""


class Seen:
    def __init__(self) -> None:
        self.came: list[float] = []
        self.took: list[float] = []
        self.samples: list[Sample] = []
        self.rows = 0
        self.drawn = 0
        self.seconds = 0.0
        self.server_cpu = 0.0


def run(arguments: list[str]) -> int:
    """The suite's command line; 1 where frames were late or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks board", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000, help="live calls (%(default)s)")
    parser.add_argument("--rate", type=float, default=5.0, help="updates of each call a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30.0, help="measured time (%(default)s; 600 for memory)")
    parser.add_argument("--page", default="", help="what follows /board, e.g. ?wall or ?band=critical")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="ten seconds")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args(arguments)
    seconds = 10.0 if asked.quick else asked.seconds
    with _floor(asked.calls, asked.rate, asked.seed) as (url, process):
        seen = asyncio.run(_watched(f"{url}/board{asked.page}", asked.calls, seconds, process.pid))
    report = reported(asked.calls, asked.rate, seen)
    for name, value in report.items():
        print(f"  {name:18} {value}", file=sys.stderr)
    if asked.json:
        print(json.dumps(report))
    return 0 if report["passed"] else 1


@contextlib.contextmanager
def _floor(calls: int, rate: float, seed: int) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "benchmarks.board_floor", str(calls), str(rate), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()


async def _watched(address: str, calls: int, seconds: float, pid: int) -> Seen:
    seen = Seen()
    async with _opened(address) as (page, devtools):
        if "wall" not in address:
            await page.get_by_test_id("board-row").first.wait_for()
        await page.wait_for_function(
            f"() => document.querySelector('rtig-board').size >= {calls}"  # all calls have come
        )
        await asyncio.sleep(WARM_UP_SECONDS)
        await page.evaluate(RECORD)
        every = max(5.0, seconds / 30)
        begun, cpu = time.perf_counter(), cpu_seconds(pid)
        rows = await page.evaluate(ROWS)
        await _sample(page, devtools, seen, begun)
        while (since := time.perf_counter() - begun) < seconds:
            await _scroll(page, min(every, seconds - since))
            frames = await page.evaluate(TAKE)
            seen.came += frames["came"]
            seen.took += frames["took"]
            await _sample(page, devtools, seen, begun)
        seen.seconds = time.perf_counter() - begun
        seen.rows = await page.evaluate(ROWS) - rows
        seen.server_cpu = cpu_seconds(pid) - cpu
        seen.drawn = await page.evaluate(DRAWN) if "wall" not in address else 0
    return seen


@contextlib.asynccontextmanager
async def _opened(address: str) -> AsyncIterator[tuple[Page, CDPSession]]:
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.add_init_script(COUNT)
        await page.goto(f"{address}#key=benchmark")
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        yield page, devtools
        await browser.close()


async def _scroll(page: Page, seconds: float) -> None:
    """A hand that looks through the list, down and up again."""
    ends = time.perf_counter() + seconds
    await page.mouse.move(700, 600)
    turns = 0
    while (left := ends - time.perf_counter()) > 0:
        await page.mouse.wheel(0, 300 if turns % 20 < 10 else -300)
        turns += 1
        await asyncio.sleep(min(SCROLL_SECONDS, left))


async def _sample(page: Page, devtools: CDPSession, seen: Seen, begun: float) -> None:
    await page.evaluate(PAUSE, False)
    for _ in range(2):
        await devtools.send("HeapProfiler.collectGarbage")
    told = await devtools.send("Performance.getMetrics")
    metrics = {metric["name"]: metric["value"] for metric in told["metrics"]}
    seen.samples.append(
        Sample(
            round(time.perf_counter() - begun, 1),
            round(metrics["JSHeapUsedSize"] / 1e6, 2),
            int(metrics["Nodes"]),
            int(metrics["JSEventListeners"]),
            metrics["TaskDuration"],
            {name: metrics[f"{name}Duration"] for name in ("Script", "RecalcStyle", "Layout")},
        )
    )
    await page.evaluate(TAKE)
    await page.evaluate(PAUSE, True)


def reported(calls: int, rate: float, seen: Seen) -> dict[str, Any]:
    """All of it as one object; `passed` says whether frames were in time and memory was flat."""
    third = max(1, len(seen.samples) // 3)
    first, last = seen.samples[:third], seen.samples[-third:]
    heap = [statistics.median(sample.heap_mb for sample in part) for part in (first, last)]
    nodes = [statistics.median(sample.nodes for sample in part) for part in (first, last)]
    took, came = _percentiles(seen.took), _percentiles(seen.came)
    return {
        "calls": calls,
        "updates_per_s": calls * rate,
        "rows_came_per_s": round(seen.rows / max(seen.seconds, 1e-9)),
        "seconds": round(seen.seconds, 1),
        "frames": len(seen.came),
        "frame_took_ms": took,
        "frame_came_ms": came,
        "late_share": round(sum(ms > 1.5 * 1000 / 60 for ms in seen.came) / max(1, len(seen.came)), 4),
        "cpu_share": round((last[-1].busy - first[0].busy) / max(seen.seconds, 1e-9), 3),
        "cpu_parts": {
            name.lower(): round((spent - first[0].parts[name]) / max(seen.seconds, 1e-9), 3)
            for name, spent in last[-1].parts.items()
        },
        "rows_drawn": seen.drawn,
        "heap_mb": heap,
        "nodes": nodes,
        "samples": [sample.heap_mb for sample in seen.samples],
        "server_cpu": round(seen.server_cpu / max(seen.seconds, 1e-9), 3),
        "passed": took["p50"] < MEDIAN_MS and came["p99"] < P99_MS and heap[1] - heap[0] < GROWTH_MB,
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    return {
        f"p{share:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))], 2)
        for share in (50, 95, 99, 100)
    }
