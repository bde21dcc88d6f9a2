"""The board on a wall: read from afar, nothing to click, no customer's words, and a loud word when it stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from stage import House, Screens, key, playbook
from test_browser_accessibility import NARROW, audit
from test_browser_alerts import ALERTS, CRITICAL

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(playbook(tmp_path / "knowledge", ALERTS), tmp_path)
    await house.open()
    yield house
    await house.leave()


async def wall(house: House, screens: Screens, search: str = "?wall", width: int = 1440, height: int = 810) -> Page:
    page = await screens.blank(width=width, height=height)
    await page.goto(f"{house.url}/board{search}#key={key('acme', 'supervisor')}")
    await expect(page.get_by_test_id("wall")).to_be_visible()
    return page


async def test_it_shows_how_many_are_upset_who_and_why_in_large_letters_and_without_the_customers_words(
    house: House, screens: Screens
) -> None:
    page = await wall(house, screens)
    await expect(page.get_by_test_id("wall-quiet")).to_have_text("No live calls.")
    calm = await house.phone("c-1", agent="desk-1", queue="faults", customer="account-7")
    await calm.says("customer", "you will hear from my lawyer")
    hot = await house.phone("c-2", agent="desk-2", queue="billing", customer="account-8")
    for sentence in CRITICAL:
        await hot.says("customer", sentence)
    row = page.get_by_test_id("wall-row")
    await expect(row).to_have_count(1)
    for words in ("desk-2", "billing", "has had enough"):
        await expect(row).to_contain_text(words)
    await expect(page.locator('[data-testid="wall-band"][data-band="critical"]')).to_contain_text("1")
    await expect(page.get_by_test_id("wall-count")).to_have_text("2")
    await expect(page.get_by_test_id("wall-alert")).to_have_count(2)
    await expect(page.get_by_test_id("wall-alert").first).to_contain_text("The customer threatens with a lawyer")
    body = page.locator("body")
    for words in ("my lawyer", "enough of this", "day off", "account-"):
        await expect(body).not_to_contain_text(words)
    assert await page.locator("button, input, select, a, [tabindex]").count() == 0
    size = await row.evaluate("(row) => parseFloat(getComputedStyle(row).fontSize)")
    assert size >= 810 / 40
    await audit(page, "wall-row")
    await page.emulate_media(forced_colors="active")
    await audit(page, "wall-row", NARROW)


async def test_it_says_so_when_what_it_shows_is_no_longer_true(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await wall(house, screens)
    await expect(page.get_by_test_id("wall-count")).to_have_text("1")
    await expect(page.get_by_test_id("wall-lost")).to_have_count(0)
    with screens.forgive("WebSocket", "ERR_CONNECTION_REFUSED"):
        await house.close()
        await expect(page.get_by_test_id("wall-lost")).to_contain_text("no longer true")
        await house.open()
        await expect(page.get_by_test_id("wall-lost")).to_have_count(0)


async def test_a_wall_may_be_for_one_queue(house: House, screens: Screens) -> None:
    for number, queue in ((1, "billing"), (2, "faults")):
        phone = await house.phone(f"c-{number}", agent=f"desk-{number}", queue=queue)
        for sentence in CRITICAL:
            await phone.says("customer", sentence)
    page = await wall(house, screens, "?wall&queue=faults", width=400)
    await expect(page.get_by_test_id("wall-row")).to_have_count(1)
    await expect(page.get_by_test_id("wall-row")).to_have_attribute("data-call-id", "c-2")
    await expect(page.get_by_test_id("wall-alert")).to_have_count(1)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("faults 1")
