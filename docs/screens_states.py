"""Pictures of each page in each of its states, narrow and wide, light and dark: one sheet a state.

The server and the browser are real; the calls are those of `screens_calls`, and the clocks stand still, so that a
picture changes where the page did. The figures of the operator's page alone are measured.
"""

import argparse
import asyncio
import base64
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal
from unittest import mock

from playwright.async_api import Browser, Locator, Page, async_playwright, expect

sys.path += (str(Path(__file__).parents[1] / "tests" / part) for part in ("browser", "gateway"))
import screens_calls as calls
from screens_packing import packed
from stage import ARGUMENTS, OPERATORS_KEY, House, Phone, chromium, key

from rtig import knowledge
from rtig.live import LiveCalls

SHEETS = Path(__file__).parent / "screens"
NOW = 1_790_000_000
"""When the pictures are taken, in Unix seconds: a Monday afternoon."""
DAY = 24 * 60 * 60
SIZES = ((1440, 900), (400, 860), (320, 700))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LARGEST_BYTES = 400_000
PATIENCE_MS = 20_000
STILL = f"""
  window.now = {NOW * 1000};
  window.Date = class extends Date {{
    constructor(...given) {{ super(...(given.length ? given : [now])); }}
    static now() {{ return (now += 0.001); }}
  }};
  performance.now = () => 60_000;
  const soon = setTimeout;
  window.setTimeout = (what, ms, ...more) => (ms > 4_000 ? 0 : soon(what, ms, ...more));
"""
FLOOR = 40
"""Calls on the board, besides those with a story of their own."""

SHEET = """<!doctype html><style>
  body { margin: 0; padding: 20px; width: max-content; background: #c9d0d8; color: #1a232d;
    font: 600 15px system-ui, sans-serif; }
  main { display: grid; grid-template-columns: repeat(3, max-content); gap: 8px 20px; align-items: start; }
  img { display: block; }
</style>"""


class Clock:
    """The server's time; it stands where it was set, so that no call goes on while its picture is taken."""

    def __init__(self) -> None:
        self.seconds = NOW

    def time(self) -> float:
        return float(self.seconds)

    def time_ns(self) -> int:
        return self.seconds * 1_000_000_000

    def monotonic_ns(self) -> int:
        return 0


class Studio:
    """A house with the calls of the pictures, and a browser in front of it."""

    def __init__(
        self, browser: Browser, house: House, clock: Clock, folder: Path, composing: asyncio.TaskGroup,
        wanted: str, singles: Path | None,
    ) -> None:  # fmt: skip
        self.house = house
        self.clock = clock
        self.folder = folder
        self._browser = browser
        self._composing = composing
        self._wanted = wanted
        self._singles = singles

    def wants(self, name: str) -> bool:
        return self._wanted in name

    async def page(self, address: str) -> Page:
        """A page at its largest, whose clock stands still."""
        width, height = SIZES[0]
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", timezone_id="UTC", locale="en-GB"
        )
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(STILL)
        page = await context.new_page()
        await page.goto(self.house.url + address)
        return page

    async def agent(self, desk: str) -> Page:
        page = await self.page(f"/agent#key={key('acme', 'agent')}&agent={desk}")
        await expect(page.get_by_test_id("connected")).to_be_visible()
        return page

    async def board(self, more: str = "", search: str = "") -> Page:
        page = await self.page(f"/board{search}#key={key('acme', 'supervisor')}&agent=shift-lead{more}")
        await expect(page.get_by_test_id("connected").or_(page.get_by_test_id("wall"))).to_be_visible()
        return page

    async def author(self, view: str) -> Page:
        page = await self.page(f"/author#key={key('acme', 'author')}&view={view}")
        await expect(page.get_by_test_id("connected")).to_be_visible()
        return page

    async def sheet(self, name: str, page: Page, ready: Locator, *, later: float = 0) -> None:
        """All sizes and both schemes of what a page shows now, or some seconds later."""
        if not self.wants(name):
            return
        shots: list[tuple[str, bytes]] = []
        await page.evaluate("(later) => { now += later * 1000; }", later)
        for scheme in SCHEMES:
            for width, height in SIZES:
                await page.set_viewport_size({"width": width, "height": height})
                await page.emulate_media(color_scheme=scheme)
                await page.mouse.move(0, 0)
                await expect(ready.first).to_be_visible()
                await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
                shot = await page.screenshot(animations="disabled")
                shots.append((f"{width} × {height}, {scheme}", shot))
                if self._singles is not None:
                    (self._singles / f"{name}-{width}-{scheme}.png").write_bytes(shot)
        self._composing.create_task(self._compose(name, shots))

    async def _compose(self, name: str, shots: list[tuple[str, bytes]]) -> None:
        context = await self._browser.new_context(viewport={"width": 100, "height": 100}, device_scale_factor=1)
        page = await context.new_page()
        images = ((label, base64.b64encode(shot).decode()) for label, shot in shots)
        figures = "".join(f'<div>{label}<img src="data:image/png;base64,{image}"></div>' for label, image in images)
        await page.set_content(f"{SHEET}<main>{figures}</main>")
        whole = await packed(page, await page.screenshot(full_page=True))
        await context.close()
        path = SHEETS / f"{name}.png"
        path.write_bytes(whole)
        say(f"  {path.name}  {len(whole) / 1000:.0f} kB")
        if len(whole) > LARGEST_BYTES:
            raise SystemExit(f"{path.name} has {len(whole)} bytes, more than {LARGEST_BYTES}.")


async def tell(house: House, call_id: str, story: calls.Story, **who: str) -> Phone:
    phone = await house.phone(call_id, **who)
    for said in story:
        await phone.says(said.party, said.text, later=said.later)
    return phone


# --- before the first call


async def nobody(studio: Studio) -> None:
    for role, address in (("agent", "/agent"), ("board", "/board")):
        page = await studio.page(address)
        await studio.sheet(f"sign-in-{role}", page, page.get_by_test_id("sign-in"))
        await page.context.close()
    page = await studio.page("/agent#key=not-the-key")
    await studio.sheet("sign-in-wrong-key", page, page.get_by_role("alert"))
    page = await studio.page(f"/agent#key={key('acme', 'source')}&agent=desk-1")
    await studio.sheet("agent-refused", page, page.get_by_test_id("banner"))
    page = await studio.agent("desk-1")
    await studio.sheet("agent-empty", page, page.get_by_test_id("empty"))
    page = await studio.board()
    await studio.sheet("board-empty", page, page.get_by_test_id("empty"))
    page = await studio.board(search="?wall")
    await studio.sheet("wall-empty", page, page.get_by_test_id("wall-quiet"))
    page = await studio.page(f"/latency#key={OPERATORS_KEY}")
    await studio.sheet("latency-empty", page, page.get_by_test_id("verdict"))
    page = await studio.author("outcomes")
    await studio.sheet("author-outcomes-empty", page, page.get_by_test_id("no-outcomes"))


# --- the sidebar


async def sidebar(studio: Studio) -> None:
    house = studio.house
    for number, story in enumerate(calls.EARLIER):
        studio.clock.seconds = NOW - (5 - 4 * number) * DAY
        who = {"agent": f"desk-{20 + number}", "queue": "faults", "customer": "account-31746"}
        phone = await tell(house, f"earlier-{number}", story, **who)
        await phone.ends()
    studio.clock.seconds = NOW
    await house.phone("before", agent="desk-1", queue="faults", customer="account-31746")
    page = await studio.agent("desk-1")
    await studio.sheet("agent-history", page, page.get_by_test_id("contact"))

    await tell(house, "calm", calls.CALM, agent="desk-2", customer="account-50172")
    page = await studio.agent("desk-2")
    await studio.sheet("agent-calm", page, page.get_by_test_id("card"))
    await page.keyboard.press("?")
    await studio.sheet("agent-keys", page, page.get_by_role("dialog"))
    await page.keyboard.press("Escape")
    await page.get_by_test_id("card-dismiss").click()
    await studio.sheet("agent-dismissing", page, page.get_by_test_id("dismiss-wrong"))

    await tell(house, "angry", calls.ANGRY, agent="desk-3", customer="account-73420")
    page = await studio.agent("desk-3")
    await page.get_by_test_id("help-ask").click()
    await page.get_by_test_id("help-words").fill("wants a manager and the ombudsman")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("help-text")).to_be_visible()
    await studio.sheet("agent-angry", page, page.get_by_test_id("card"))
    await page.get_by_test_id("mood-toggle").click()
    await studio.sheet("agent-mood", page, page.get_by_test_id("mood-reasons"))

    await tell(house, "refund", calls.REFUND, agent="desk-4", customer="account-61095")
    page = await studio.agent("desk-4")
    await page.get_by_test_id("card-open").first.click()
    await studio.sheet("agent-article", page, page.get_by_test_id("card"))

    phone = await tell(house, "words", calls.CALM, agent="desk-5", customer="account-20884")
    page = await studio.agent("desk-5")
    await expect(page.get_by_test_id("card").first).to_be_visible()
    phone.now_ms += 12_000
    name = await phone.is_saying("customer", "and my internet keeps dropping out")
    await phone.is_saying("customer", "and my internet keeps dropping out every", name)
    await expect(page.locator('[data-testid="card"][data-state="provisional"]')).to_be_visible()
    await studio.sheet("agent-provisional", page, page.get_by_test_id("card"))
    await phone.said(name, "customer", "and my internet is fine by the way")
    await expect(page.locator('[data-gone="retracted"]')).to_be_visible()
    await studio.sheet("agent-retracted", page, page.get_by_test_id("card"))

    phone = await tell(house, "over", calls.LONG, agent="desk-6", customer="account-44310")
    page = await studio.agent("desk-6")
    await expect(page.get_by_test_id("line").first).to_be_visible()
    await phone.ends()
    await expect(page.get_by_test_id("brief")).to_be_visible()
    await studio.sheet("agent-ended", page, page.get_by_test_id("brief"))
    await page.get_by_test_id("brief-edit").click()
    await studio.sheet("agent-handover", page, page.get_by_test_id("handover-draft"))


# --- the board, and on the wall


async def board(studio: Studio) -> None:
    house = studio.house
    queues = ("billing", "faults", "moves")
    for number in range(8):
        await tell(
            house, f"calm-{number}", calls.SNIPPETS[number % 5], agent=f"desk-{31 + number}",
            queue=queues[number % 3], customer=f"account-{40000 + 137 * number}",
        )  # fmt: skip
    page = await studio.board()
    await studio.sheet("board-calm", page, page.get_by_test_id("board-row"))
    page = await studio.board(search="?wall")
    await studio.sheet("wall-calm", page, page.get_by_test_id("wall-count"))


async def busy_board(studio: Studio) -> None:
    house = studio.house
    queues = ("billing", "faults", "moves")
    for number in range(FLOOR):
        story = calls.FRUSTRATED if number % 11 == 3 else calls.TENSE if number % 5 == 1 else calls.SNIPPETS[number % 5]
        await tell(
            house, f"call-{number}", story, agent=f"desk-{41 + number}",
            queue=queues[number % 3], customer=f"account-{60000 + 211 * number}",
        )  # fmt: skip
    await tell(house, "worse", calls.ANGRY, agent="desk-12", queue="faults", customer="account-18233")
    page = await studio.board()
    await studio.sheet("board-angry", page, page.get_by_test_id("alert"))
    await page.get_by_role("button", name="Open the call of desk-3").first.click()
    panel = page.get_by_test_id("panel")
    await expect(panel.get_by_test_id("line").nth(5)).to_be_visible()
    await expect(panel.get_by_test_id("curve-rise").first).to_be_visible()
    await studio.sheet("board-open", page, panel)
    page = await studio.board(search="?queue=nobody")
    await studio.sheet("board-filtered", page, page.get_by_test_id("empty"))
    page = await studio.page(f"/board#key={key('acme', 'supervisor')}&call=unknown")
    await studio.sheet("board-error", page, page.get_by_test_id("banner"))
    page = await studio.board(search="?wall")
    await studio.sheet("wall-angry", page, page.get_by_test_id("wall-row"))


# --- the authors' page


async def author(studio: Studio) -> None:
    house, folder = studio.house, studio.folder
    for number, text in enumerate(calls.UNANSWERED):
        phone = await tell(house, f"gap-{number}", (calls.GREETING, calls.Said("customer", text)), agent="desk-90")
        await phone.ends()
    page = await studio.author("state")
    await expect(page.get_by_test_id("lint")).to_have_attribute("data-linting", "false")
    await studio.sheet("author-state", page, page.get_by_test_id("lint"))
    await page.get_by_test_id("nav-try").click()
    await studio.sheet("author-try-empty", page, page.get_by_test_id("nothing-tried"))
    await page.get_by_test_id("sentence").fill("my bill has doubled and nobody told me")
    await page.get_by_test_id("why-rule").select_option("paid-twice")
    await expect(page.get_by_test_id("story")).to_be_visible()
    await studio.sheet("author-try", page, page.get_by_test_id("answer"))
    for view, told in (("outcomes", "outcome"), ("gaps", "gap")):
        await page.get_by_test_id(f"nav-{view}").click()
        await page.get_by_test_id("begin").click()
        await expect(page.get_by_test_id("job")).to_have_attribute("data-state", "done")
        await studio.sheet(f"author-{view}", page, page.get_by_test_id(told))
    await page.get_by_test_id("nav-backtest").click()
    version = await page.get_by_test_id("summary").inner_text()
    calls.rewrite(folder, calls.LATELY)
    await expect(page.get_by_test_id("summary")).not_to_have_text(version)
    await page.get_by_test_id("begin").click()
    await expect(page.get_by_test_id("job")).to_have_attribute("data-state", "done")
    await studio.sheet("author-backtest", page, page.get_by_test_id("headline"))
    calls.rewrite(folder, calls.BROKEN)
    await page.get_by_test_id("nav-state").click()
    await studio.sheet("author-errors", page, page.get_by_test_id("errors"))
    other = await studio.page(f"/author#key={key('acme', 'supervisor')}")
    await studio.sheet("author-refused", other, other.get_by_test_id("banner"))


async def operator(studio: Studio) -> None:
    page = await studio.page(f"/latency#key={OPERATORS_KEY}")
    await page.get_by_role("button", name="Since the start").click()
    await expect(page.locator('[data-stage="total"] svg rect').first).to_be_visible()
    await studio.sheet("latency-well", page, page.get_by_test_id("verdict"))


async def lost(studio: Studio) -> None:
    """The last of all: the server goes."""
    agent, listed = await studio.agent("desk-3"), await studio.board()
    wall, operators = await studio.board(search="?wall"), await studio.page(f"/latency#key={OPERATORS_KEY}")
    authors = await studio.author("state")
    await expect(agent.get_by_test_id("card").first).to_be_visible()
    await expect(listed.get_by_test_id("board-row").first).to_be_visible()
    await expect(wall.get_by_test_id("wall-row").first).to_be_visible()
    await expect(operators.get_by_test_id("live-calls")).to_be_visible()
    await studio.house.close()
    for name, page, ready in (
        ("agent-lost", agent, "banner"),
        ("board-lost", listed, "banner"),
        ("wall-lost", wall, "wall-lost"),
        ("author-lost", authors, "banner"),
    ):
        # Its last words were that it is being stopped; that it is gone shows when it is sought again.
        await studio.sheet(name, page, page.get_by_test_id(ready).filter(has_text="Connection lost"))
    gone = operators.get_by_test_id("verdict").filter(has_text="cannot be reached")
    await expect(gone).to_be_visible()
    await studio.sheet("latency-lost", operators, gone, later=40)


SCENES = (nobody, board, sidebar, busy_board, author, operator, lost)


@asynccontextmanager
async def studio(browser: Browser, wanted: str, singles: Path | None) -> AsyncIterator[Studio]:
    clock = Clock()
    with (
        tempfile.TemporaryDirectory() as temporary,
        # What silence and cooling tempers would bring in time.
        mock.patch.object(LiveCalls, "_arm"),
        mock.patch.multiple(time, time=clock.time, time_ns=clock.time_ns, monotonic_ns=clock.monotonic_ns),
    ):
        folder = calls.folder(Path(temporary) / "larkfield")
        house = House(knowledge.compile_folder(folder), Path(temporary), knowledge_base=folder, reload_seconds=0.1)
        await house.open()
        try:
            async with asyncio.TaskGroup() as composing:
                yield Studio(browser, house, clock, folder, composing, wanted, singles)
        finally:
            await house.leave()


async def take(browser: Browser, wanted: str = "", singles: Path | None = None) -> None:
    """All sheets, or those with `wanted` in their name. `singles` is a folder for their single pictures."""
    expect.set_options(timeout=PATIENCE_MS)
    async with studio(browser, wanted, singles) as there:
        for scene in SCENES:
            began = time.monotonic()
            await scene(there)
            say(f"{scene.__name__}: {time.monotonic() - began:.1f} s")


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 (what the program is run for)


async def main(wanted: str = "", singles: Path | None = None) -> None:
    SHEETS.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(playwright), args=[*ARGUMENTS])
        await take(browser, wanted, singles)
        await browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wanted", nargs="?", default="", help="only sheets with this in their name")
    parser.add_argument("--singles", type=Path, help="a folder for the single pictures, to look at closely")
    given = parser.parse_args()
    if given.singles is not None:
        given.singles.mkdir(exist_ok=True)
    asyncio.run(main(given.wanted, given.singles))
