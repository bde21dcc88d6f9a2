"""Takes the pictures of the pages: those of the README, from the demo as it runs, and then the states: `make screens`.

The demo plays at real speed with more desks than usual, until some call has run out of patience; the sidebar is that of
its agent. Prints how many seconds after its start the demo had its first card on the glass, and the first row moved.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import screens_states
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import TimeoutError as NotInTime

SCREENS = Path(__file__).parent / "screens"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKS = 12
LONGEST_SECONDS = 84.0
"""How long anything is waited for, from the start; the sample calls are in trouble after 80."""
PICTURES_SECONDS = 25.0
LARGEST_BYTES = 250_000
Scheme = Literal["light", "dark"]

SIDEBAR = (400, 860)
BOARD = (1440, 800)
NARROW = (320, 700)
BESIDE = (1000, 860)
"""The board beside the sidebar, in the README's picture."""

FIRST_CARD = """() => new Promise((done) => addEventListener("rtig-painted", () => done(true), { once: true }))"""
ROWS = """() => document.querySelector("rtig-board").shadowRoot.querySelector("rtig-rows")?.rows ?? []"""
MOVED = f"() => ({ROWS})().some((row) => row.score >= 0.005)"
# A call that is lost and another that is going, and cards on the way to both.
TROUBLE = f"""() => {{
  const hot = ({ROWS})().filter((row) => row.cards > 1);
  return hot.some((row) => row.band === "critical") && hot.some((row) => row.band === "frustrated");
}}"""
SETTLED = """() => {
  const cards = [...document.querySelector("rtig-sidebar").shadowRoot.querySelectorAll("rtig-card")];
  return cards.length > 0 && !cards[0].gone && cards[0].card.state === "confirmed";
}"""
COMPOSED = """<!doctype html><style>
  body { margin: 0; padding: 24px; display: flex; gap: 24px; width: max-content; background: #dfe4ea; }
  img { display: block; border-radius: 10px; box-shadow: 0 2px 12px rgb(20 30 45 / 18%); }
</style>"""


@contextlib.asynccontextmanager
async def playing() -> AsyncIterator[dict[str, str]]:
    """`rtig demo` as a process of its own; the addresses that it prints."""
    command = [sys.executable, "-m", "rtig", "demo", "--port", "0", "--desks", str(DESKS), "--no-open", "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        if not line:
            raise SystemExit("The demo did not start; the lines before this say why.")
        yield json.loads(line)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def opened(browser: Browser, address: str, size: tuple[int, int], scheme: Scheme = "light") -> Page:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, device_scale_factor=1
    )
    page = await context.new_page()
    await page.goto(address)
    return page


async def picture(page: Page, name: str, **options: Any) -> None:
    path = SCREENS / name
    await page.screenshot(path=path, animations="disabled", **options)
    size = path.stat().st_size
    say(f"  {name}  {size / 1000:.0f} kB")
    if size > LARGEST_BYTES:
        raise SystemExit(f"{name} has {size} bytes, more than the {LARGEST_BYTES} that a README should carry.")


async def watched(browser: Browser, ready: dict[str, str], began: float) -> None:
    """Tell when there was something to be seen, then take the pictures."""

    def left() -> float:
        return max(PICTURES_SECONDS / 2, LONGEST_SECONDS - (time.monotonic() - began)) * 1000

    async def told(what: str, page: Page, script: str) -> None:
        await page.wait_for_function(script, timeout=left())
        say(f"{what}: {time.monotonic() - began:.1f} s after the start")

    first, board = await asyncio.gather(
        opened(browser, ready["agent"], SIDEBAR), opened(browser, ready["board"], BOARD)
    )
    await asyncio.gather(
        told("first card painted", first, FIRST_CARD),
        told("first row moved", board, MOVED),
    )
    try:
        await board.get_by_test_id("lane").wait_for(state="detached", timeout=left())
        say(f"meaning on: {time.monotonic() - began:.1f} s after the start")
        await board.wait_for_function(TROUBLE, timeout=left())
    except NotInTime:
        say(f"no meaning or no call in trouble within {LONGEST_SECONDS:.0f} s; the pictures show what there is")
    rows: list[dict[str, Any]] = await board.evaluate(ROWS)
    hottest = next((row["agent"] for row in rows if row["cards"]), "desk-1")
    desk = ready["agent"].rpartition("&agent=")[0] + f"&agent={hottest}"
    agents = [
        await opened(browser, desk, SIDEBAR),
        await opened(browser, desk, SIDEBAR, "dark"),
        await opened(browser, desk, NARROW),
    ]
    boards = [
        board,
        await opened(browser, ready["board"], BOARD, "dark"),
        await opened(browser, ready["board"], NARROW),
        await opened(browser, ready["board"], BESIDE),
    ]
    for page in agents:
        await page.wait_for_function(SETTLED, timeout=left())
    for page in boards:
        await page.get_by_test_id("board-row").nth(DESKS // 2).wait_for(timeout=left())
    beside = [await agents[0].screenshot(animations="disabled"), await boards[3].screenshot(animations="disabled")]
    for page, name in zip(agents, ("agent-light", "agent-dark", "agent-320"), strict=True):
        await picture(page, f"{name}.png")
    for page in boards[:2]:
        await page.get_by_role("button", name=f"Open the call of {hottest}").first.click()
        await page.get_by_test_id("panel").get_by_test_id("card").first.wait_for(timeout=left())
        await page.get_by_test_id("panel").get_by_test_id("line").nth(3).wait_for(timeout=left())
        await page.mouse.move(0, 0)
    for page, name in zip(boards[:3], ("board-light", "board-dark", "board-320"), strict=True):
        await picture(page, f"{name}.png")
    await composed(browser, beside)


async def composed(browser: Browser, pictures: list[bytes]) -> None:
    page = await opened(browser, "about:blank", (100, 100))
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(each).decode()}">' for each in pictures)
    await page.set_content(COMPOSED + images)
    await picture(page, "readme.png", full_page=True)


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 (what the program is run for)


async def main() -> None:
    SCREENS.mkdir(exist_ok=True)
    async with asyncio.timeout(LONGEST_SECONDS + PICTURES_SECONDS), async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        began = time.monotonic()
        async with playing() as ready:
            await watched(browser, ready, began)
        await browser.close()


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    asyncio.run(main())
    asyncio.run(screens_states.main())
