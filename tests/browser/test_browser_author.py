"""The authors' page: the state of the folder as it changes, a sentence, and what recorded calls say of the rules."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from stage import KNOWLEDGE, House, Screens, key, playbook
from test_browser_accessibility import Look, audit

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


@pytest_asyncio.fixture(loop_scope="session")
async def screens(browser: Browser, house: House) -> AsyncIterator[Screens]:
    screens = Screens(browser, house)
    yield screens
    await screens.leave()


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
