"""The authors' page: the state of the folder as it changes, a sentence, and what recorded calls say of the rules."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from stage import KNOWLEDGE, House, Screens, key, playbook
from test_browser_accessibility import Look, audit

from rtig import demo, knowledge
from rtig.client import Source
from rtig.core.events import CallStarted, SegmentHeard
from rtig.demo import Ready
from rtig.workshop import bench

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NARROW_TOO: list[Look] = [(320, 700, "light"), (400, 860, "dark"), (1440, 800, "light"), (1440, 800, "dark")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kb"


@pytest_asyncio.fixture(loop_scope="session")
async def house(folder: Path, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose knowledge base is in a folder of its own, which it follows closely."""
    house = House(playbook(folder), tmp_path, knowledge_base=folder, reload_seconds=0.05)
    await house.open()
    yield house
    await house.leave()


async def test_a_bad_file_keeps_the_last_good_playbook_and_the_page_says_so_at_once(
    screens: Screens, folder: Path
) -> None:
    page = await screens.author()
    version = await page.get_by_test_id("version").inner_text()
    await expect(page.get_by_test_id("summary")).to_contain_text(f"{version} in use")
    bill = folder / "articles/bill.md"
    bill.write_text(KNOWLEDGE["articles/bill.md"].replace("bill has doubled", "bill (has doubled"), "utf-8")
    errors = page.get_by_test_id("errors")
    await expect(errors).to_contain_text("1 mistake in the folder")
    await expect(errors.get_by_test_id("finding")).to_contain_text("articles/bill.md:7:")
    await expect(page.get_by_test_id("summary")).to_contain_text("stays in use")
    await expect(page.get_by_test_id("version")).to_have_text(version)
    await expect(page).to_have_title("(1) State · Knowledge base · rtig")
    await audit(page, "errors", NARROW_TOO)
    # Wherever the author is, the page says it, and leads there.
    await page.get_by_test_id("nav-try").click()
    await page.get_by_test_id("summary").get_by_role("link").click()
    await expect(errors).to_be_visible()
    bill.write_text(KNOWLEDGE["articles/bill.md"].replace("bill has doubled", "bill has tripled"), "utf-8")
    await expect(errors).to_have_count(0)
    await expect(page.get_by_test_id("version")).not_to_have_text(version)


async def test_lint_is_told_with_its_place_and_how_to_mend_it(screens: Screens, folder: Path) -> None:
    page = await screens.author()
    lint = page.get_by_test_id("lint")
    await expect(lint).to_have_attribute("data-linting", "false")
    moving = folder / "articles/moving.md"
    moving.write_text(
        KNOWLEDGE["articles/moving.md"].replace("id: moving-home", "id: moving-home\nreview_by: 2020-01-31")
    )
    found = lint.get_by_test_id("finding").filter(has_text="articles/moving.md:3:12")
    await expect(found).to_contain_text("was to be reviewed by 2020-01-31")
    await expect(found).to_contain_text("Read it, then set the next date.")
    await audit(page, "finding", NARROW_TOO)


async def test_a_sentence_fires_or_says_why_not(screens: Screens) -> None:
    page = await screens.author("try")
    await expect(page.get_by_test_id("nothing-tried")).to_be_visible()
    await audit(page, "nothing-tried", NARROW_TOO)
    sentence = page.get_by_test_id("sentence")
    await sentence.fill("hello my bill has doubled since march")
    fired = page.get_by_test_id("fired")
    await expect(fired).to_have_attribute("data-rule", "doubled-bill")
    await expect(fired.locator("mark")).to_have_text("bill has doubled")
    await expect(page.get_by_test_id("no-meaning")).to_be_visible()
    await expect(page.get_by_test_id("meaning")).to_contain_text("Meaning is off on this server")
    await page.get_by_test_id("why-rule").select_option("no-promises")
    await expect(page.get_by_test_id("verdict")).to_contain_text("None of its phrases was heard")
    await audit(page, "answer", NARROW_TOO)
    # What the agent says calls for other things, and near misses say what was lacking.
    await page.get_by_test_id("party-agent").check()
    await expect(page.get_by_test_id("nothing-fires")).to_be_visible()
    await sentence.fill("I promise you a nice refund")
    await expect(page.get_by_test_id("missed").or_(fired).first).to_have_attribute("data-rule", "no-promises")
    await sentence.fill("")
    await expect(page.get_by_test_id("nothing-tried")).to_be_visible()


async def test_the_keyboard_reaches_everything(screens: Screens) -> None:
    page = await screens.author(width=400)
    await page.get_by_test_id("nav-state").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page).to_have_title("Try a sentence · Knowledge base · rtig")
    await expect(page.get_by_test_id("nav-try")).to_be_focused()
    for _ in range(5):
        await page.keyboard.press("Tab")
        if await page.get_by_test_id("sentence").evaluate("(it) => it.matches(':focus')"):
            break
    await page.keyboard.type("the lights are red")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("fired")).to_have_attribute("data-rule", "router-lights")


async def test_only_an_author_comes_in(house: House, screens: Screens) -> None:
    page = await screens.blank()
    await page.goto(f"{house.url}/author")
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await audit(page, "sign-in", NARROW_TOO[:1])
    with screens.forgive("403"):
        await page.get_by_label("Access key").fill(key("acme", "supervisor"))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_test_id("banner")).to_contain_text("does not allow that")
    await expect(page.get_by_test_id("version")).to_have_count(0)


# --- recorded calls

CARAVAN = "where can i park my caravan while i am away"


async def begin(page: Page) -> None:
    await page.get_by_test_id("begin").click()
    await expect(page.get_by_test_id("job")).to_have_attribute("data-state", "done")


async def test_how_articles_did_is_counted_sorted_and_filtered_in_the_address(house: House, screens: Screens) -> None:
    agent = await screens.agent()
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled")
    await agent.get_by_test_id("card-dismiss").click()
    await agent.get_by_test_id("dismiss-known").click()
    await phone.says("customer", "and the lights are red", later=10)
    await phone.says("customer", "the lights are red I said", later=10)
    await phone.ends()
    page = await screens.author("outcomes")
    await expect(page.get_by_test_id("no-outcomes")).to_be_visible()
    await audit(page, "no-outcomes", NARROW_TOO)
    await begin(page)
    bill = page.locator('[data-testid="outcome"][data-rule="doubled-bill"]')
    await expect(bill).to_contain_text("1 known already")
    await expect(bill).to_contain_text("articles/bill.md:2")
    lights = page.locator('[data-testid="outcome"][data-rule="router-lights"]')
    await expect(lights).to_contain_text("1 shown recently")
    await audit(page, "outcome", NARROW_TOO)
    await page.set_viewport_size({"width": 1440, "height": 860})
    await page.get_by_test_id("sort-title").click()
    await expect(page.get_by_role("columnheader", name="Article or trigger")).to_have_attribute(
        "aria-sort", "ascending"
    )
    await page.get_by_test_id("kind").select_option("article")
    await page.get_by_test_id("never").check()
    await page.get_by_test_id("find").fill("contract")
    only = page.get_by_test_id("outcome")
    await expect(only).to_have_attribute("data-rule", "cancel-contract")
    # A reload has the same table: the place is in the address, the result with the server.
    await page.reload()
    await expect(only).to_have_attribute("data-rule", "cancel-contract")
    await expect(page.get_by_test_id("never")).to_be_checked()
    await page.get_by_test_id("find").fill("nothing of that kind")
    await expect(page.get_by_test_id("no-rows")).to_be_visible()


async def test_without_calls_there_is_nothing_to_count(screens: Screens) -> None:
    page = await screens.author("outcomes")
    await begin(page)
    await expect(page.get_by_test_id("no-calls")).to_be_visible()
    await page.get_by_test_id("nav-gaps").click()
    await expect(page.get_by_test_id("no-gaps")).to_be_visible()
    await begin(page)
    await expect(page.get_by_test_id("no-calls")).to_be_visible()


async def test_a_backtest_says_what_the_change_would_have_done(house: House, screens: Screens, folder: Path) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", CARAVAN)
    await phone.ends()
    page = await screens.author("backtest")
    await begin(page)
    await expect(page.get_by_test_id("headline")).to_contain_text("Nothing to compare")
    version = page.get_by_test_id("summary")
    before = await version.inner_text()
    moving = KNOWLEDGE["articles/moving.md"].replace("[moving house]", "[moving house, park my caravan]")
    (folder / "articles/moving.md").write_text(moving, "utf-8")
    await expect(version).not_to_have_text(before)
    await page.get_by_test_id("begin").click()
    await expect(page.get_by_test_id("headline")).to_have_text("1 more card in 1 call")
    difference = page.get_by_test_id("difference")
    await expect(difference).to_have_attribute("data-rule", "moving-home")
    await expect(difference.locator("mark")).to_have_text("park my caravan")
    await audit(page, "difference", NARROW_TOO)


async def test_what_nobody_answered_comes_in_groups(house: House, screens: Screens) -> None:
    for number, text in enumerate((CARAVAN, "can I park a caravan somewhere", "my bill has doubled"), 1):
        phone = await house.phone(f"c-{number}")
        await phone.says("customer", text)
        await phone.ends()
    page = await screens.author("gaps")
    await audit(page, "no-gaps", NARROW_TOO)
    await begin(page)
    gap = page.get_by_test_id("gap")
    await expect(gap).to_have_count(1)
    await expect(gap).to_contain_text("asked 2 times in 2 calls")
    await expect(page.get_by_test_id("gaps-told")).to_contain_text("2 questions of")
    await audit(page, "gap", NARROW_TOO)


async def test_work_can_be_ended(house: House, screens: Screens, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held before its process begins, so that it cannot be done sooner than it is ended."""
    may_begin = asyncio.Event()
    start = bench._Process.__aenter__

    async def held(process: bench._Process) -> bench._Process:
        await may_begin.wait()
        return await start(process)

    monkeypatch.setattr(bench._Process, "__aenter__", held)
    phone = await house.phone("c-1")
    await phone.ends()
    page = await screens.author("backtest")
    await page.get_by_test_id("begin").click()
    await expect(page.get_by_test_id("job")).to_have_attribute("data-state", "running")
    await audit(page, "cancel", NARROW_TOO[:1])
    await page.get_by_test_id("cancel").click()
    await expect(page.get_by_test_id("job")).to_have_attribute("data-state", "cancelled")
    may_begin.set()
    await begin(page)


# --- a stranger


LONG_MS = 60_000
"""A whole knowledge base is compiled and linted, perhaps on a machine that is busy with other things."""


@pytest.mark.timeout(180)
async def test_a_stranger_changes_a_trigger_and_has_it_live_within_two_minutes(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a running demo: the file, lint, a sentence to try, and the card on an agent's screen, without a restart."""
    monkeypatch.setenv("RTIG_MEANING", "off")
    folder = tmp_path / "kb"
    shutil.copytree(knowledge.shipped(), folder)
    file = folder / "articles/faults/router-lights.md"
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    demonstrating = asyncio.create_task(demo.run(folder, ready.set_result, port=0, desks=1, stop=stop))
    context = await browser.new_context(viewport={"width": 1440, "height": 860})
    began = time.monotonic()
    try:
        at = await ready
        page = await context.new_page()
        await page.goto(f"{at.author}&view=try")
        await page.get_by_test_id("sentence").fill("my magic lamp is lit")
        await expect(page.get_by_test_id("nothing-fires")).to_be_visible()
        # A first attempt is not quite right, and lint says so where it stands.
        text = file.read_text("utf-8")
        file.write_text(text.replace("\ntriggers:\n", "\ntriggers:\n  - said: [lit]\n", 1), "utf-8")
        await expect(page.get_by_test_id("fired")).to_have_attribute("data-rule", "router-lights", timeout=LONG_MS)
        await page.get_by_test_id("nav-state").click()
        finding = page.get_by_test_id("finding").filter(has_text="articles/faults/router-lights.md")
        await expect(finding).to_contain_text("is heard where nobody said it", timeout=LONG_MS)
        # The second is, and the next sentence of a call has it.
        file.write_text(text.replace("\ntriggers:\n", "\ntriggers:\n  - said: [magic lamp is lit]\n", 1), "utf-8")
        await expect(finding).to_have_count(0, timeout=LONG_MS)
        sidebar = await context.new_page()
        await sidebar.goto(at.agent.replace("agent=desk-1", "agent=stranger"))
        async with Source(at.source, at.source_token, "stranger") as source:
            await source.send(CallStarted(call_id="new", agent="stranger"))
            await source.send(
                SegmentHeard(
                    call_id="new", segment_id="s", rev=1, party="customer", text="my magic lamp is lit", final=True,
                    start_ms=900, end_ms=1_500,
                )
            )  # fmt: skip
            await source.drained()
        await expect(sidebar.get_by_test_id("card").first).to_contain_text("lights")
        assert time.monotonic() - began < 120
    finally:
        await context.close()
        stop.set()
        await demonstrating
