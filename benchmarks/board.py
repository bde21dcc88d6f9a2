"""Does the supervisors' board keep up with a thousand live calls, for hours?

The real page in a real Chromium gets rows of so many calls, each so many times a second, while a hand scrolls through
them. Asked is: how long does a frame take, does any come late, does memory grow? Frames are timed from their own
timestamps and from the task behind their painting; memory and nodes are what is left after a forced collection, during
which no frame counts. The floor, in the same browser just before: a page on which one box moves.
"""

import argparse
import asyncio
import contextlib
import json
import math
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
GROWTH_KB_A_MINUTE = 20.0
"""The heap must not surely grow by more, where the run is long enough to tell: ten megabytes in a working day."""
LONG_SECONDS = 300.0
SETTLED_SECONDS = 60.0
"""Of a long run the first minute is left out of the lines: code is compiled, the list scrolled for the first time."""
WARM_UP_SECONDS = 10.0
SCROLL_SECONDS = 0.5
LATE_MS = 1.5 * 1000 / 60

FLOOR = """<div style="width:100px;height:100px;background:#888"></div><script>
  const box = document.querySelector("div");
  const next = (at) => { box.style.transform = `translateX(${(at / 10) % 600}px)`; requestAnimationFrame(next); };
  requestAnimationFrame(next);
</script>"""
# `came`: from one frame's timestamp to the next one's, which the display's clock makes 16.7 ms at 60 a second however
# little there is to do. `took`: from a frame's timestamp to the first task behind it, so what the page's thread needed
# for scripts, style, layout and painting, and what kept it from beginning. `drew`: of these, the frames in which the
# board was drawn anew. `long`: what the browser itself calls a long animation frame, 50 ms or more.
RECORD = """() => {
  const frames = (window.frames_ = { came: [], took: [], drew: [], long: [], on: true, since: 0 });
  let drawn = false;
  const board = customElements.get("rtig-board")?.prototype;
  if (board) {
    const { updated } = board;
    board.updated = function (changed) { drawn = true; return updated.call(this, changed); };
  }
  const behind = new MessageChannel();
  let began = 0, before = 0;
  behind.port1.onmessage = () => {
    const took = performance.now() - began;
    if (frames.on && before) {
      frames.took.push(took);
      if (drawn) frames.drew.push(took);
    }
    drawn = false;
  };
  const next = (at) => {
    if (frames.on && before) frames.came.push(at - before);
    before = frames.on ? at : 0;
    began = at;
    behind.port2.postMessage(0);
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      if (frames.on && startTime > frames.since) frames.long.push(duration);
    }
  }).observe({ type: "long-animation-frame" });
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
TAKE = """() => {
  const { came, took, drew, long } = window.frames_;
  Object.assign(window.frames_, { came: [], took: [], drew: [], long: [] });
  return { came, took, drew, long };
}"""
PAUSE = "(on) => { window.frames_.on = on; window.frames_.since = performance.now(); }"
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
        self.floor: dict[str, list[float]] = {}
        self.frames: dict[str, list[float]] = {"came": [], "took": [], "drew": [], "long": []}
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
    async with _opened() as (page, devtools):
        seen.floor = await _animated(page, min(15.0, seconds / 3))
        await page.goto(f"{address}#key=benchmark")
        if "wall" not in address:
            await page.get_by_test_id("board-row").first.wait_for()
        await page.wait_for_function(
            f"() => document.querySelector('rtig-board').size >= {calls}"  # all calls have come
        )
        await asyncio.sleep(WARM_UP_SECONDS)
        await page.evaluate(RECORD)
        every = min(30.0, max(5.0, seconds / 12))
        begun, cpu = time.perf_counter(), cpu_seconds(pid)
        rows = await page.evaluate(ROWS)
        await _sample(page, devtools, seen, begun)
        while (since := time.perf_counter() - begun) < seconds:
            await _scroll(page, min(every, seconds - since))
            for name, times in (await page.evaluate(TAKE)).items():
                seen.frames[name] += times
            await _sample(page, devtools, seen, begun)
        seen.seconds = time.perf_counter() - begun
        seen.rows = await page.evaluate(ROWS) - rows
        seen.server_cpu = cpu_seconds(pid) - cpu
        seen.drawn = await page.evaluate(DRAWN) if "wall" not in address else 0
    return seen


@contextlib.asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Page, CDPSession]]:
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        await page.add_init_script(COUNT)
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        yield page, devtools
        await browser.close()


async def _animated(page: Page, seconds: float) -> dict[str, list[float]]:
    await page.set_content(FLOOR)
    await page.evaluate(RECORD)
    await asyncio.sleep(1.0)
    await page.evaluate(TAKE)
    await asyncio.sleep(seconds)
    frames: dict[str, list[float]] = await page.evaluate(TAKE)
    return frames


async def _scroll(page: Page, seconds: float) -> None:
    """A hand that looks through the list, down and up again."""
    ends = time.perf_counter() + seconds
    await page.mouse.move(700, 600)
    while (left := ends - time.perf_counter()) > 0:
        await page.mouse.wheel(0, 300 if time.perf_counter() % 20 < 10 else -300)
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
    first, last = seen.samples[0], seen.samples[-1]
    drew, came = _percentiles(seen.frames["drew"]), _percentiles(seen.frames["came"])
    long = seen.seconds >= LONG_SECONDS
    settled = [sample for sample in seen.samples if sample.at >= SETTLED_SECONDS or not long]
    at = [sample.at / 60 for sample in settled]
    heap, heap_error = slope(at, [sample.heap_mb * 1000 for sample in settled])
    flat = not long or heap - 2 * (heap_error or 0.0) < GROWTH_KB_A_MINUTE
    return {
        "calls": calls,
        "updates_per_s": calls * rate,
        "rows_came_per_s": round(seen.rows / max(seen.seconds, 1e-9)),
        "seconds": round(seen.seconds, 1),
        "frames": len(seen.frames["came"]),
        "frames_drawn": len(seen.frames["drew"]),
        "frame_drew_ms": drew,
        "frame_took_ms": _percentiles(seen.frames["took"]),
        "frame_came_ms": came,
        "floor_took_ms": _percentiles(seen.floor["took"]),
        "floor_came_ms": _percentiles(seen.floor["came"]),
        "late_share": round(sum(ms > LATE_MS for ms in seen.frames["came"]) / max(1, len(seen.frames["came"])), 4),
        "long_frames": len(seen.frames["long"]),
        "longest_ms": round(max(seen.frames["long"], default=0.0)),
        "cpu_share": round((last.busy - first.busy) / max(seen.seconds, 1e-9), 3),
        "cpu_parts": {
            name.lower(): round((spent - first.parts[name]) / max(seen.seconds, 1e-9), 3)
            for name, spent in last.parts.items()
        },
        "rows_drawn": seen.drawn,
        "heap_mb": [sample.heap_mb for sample in seen.samples],
        "heap_kb_per_min": [heap, heap_error],
        "nodes": [sample.nodes for sample in seen.samples],
        "nodes_per_min": slope(at, [sample.nodes for sample in settled])[0],
        "listeners": [sample.listeners for sample in seen.samples],
        "listeners_per_min": slope(at, [sample.listeners for sample in settled])[0],
        "server_cpu": round(seen.server_cpu / max(seen.seconds, 1e-9), 3),
        "passed": drew["p50"] < MEDIAN_MS and max(drew["p99"], came["p99"]) < P99_MS and flat,
    }


def slope(at: Sequence[float], values: Sequence[float]) -> tuple[float, float | None]:
    """The straight line's growth by least squares, and its standard error; none where there are too few to tell."""
    if len(at) < 3:
        return 0.0, None
    line = statistics.linear_regression(at, values)
    rest = sum((value - line.intercept - line.slope * x) ** 2 for x, value in zip(at, values, strict=True))
    spread = sum((x - statistics.fmean(at)) ** 2 for x in at)
    return round(line.slope, 2), round(math.sqrt(rest / (len(at) - 2) / spread), 2)


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    return {
        f"p{share:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))], 2)
        for share in (50, 95, 99, 100)
    }
