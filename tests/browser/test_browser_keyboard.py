"""The tab key alone reaches all that can be done on a page, and what it has reached is seen to have the focus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from stage import OPERATORS_KEY, House, Screens, key, playbook
from test_browser_alerts import ALERTS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

STOPS = """() => {
  window.stops = [];
  const can = "button, a[href], input, select, textarea, summary, [tabindex], audio, video, iframe";
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      const seen = element.checkVisibility({ visibilityProperty: true });
      // Of a group of radio buttons one is a stop, and the arrow keys go on from there.
      const other = element.type === "radio" && !element.checked;
      if (element.matches(can) && element.tabIndex >= 0 && !element.disabled && seen && !other) stops.push(element);
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  walk(document);
  return stops.length;
}"""
REACHED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const drawn = at.querySelector(".reach");
  const ringed = drawn ? getComputedStyle(drawn).stroke !== "none" : outlineStyle !== "none" && outlineWidth !== "0px";
  return [stops.indexOf(at), ringed || at === document.body];
}"""
NAMES = """(places) => places.map((place) => {
  const { localName, dataset, ariaLabel, textContent } = stops[place];
  return [localName, dataset.testid, ariaLabel, textContent.trim().slice(0, 40)].filter(Boolean).join(" ");
})"""


async def reaches_everything(page: Page) -> None:
    """From the top of the page as it is: what may have the focus has it in turn, with a ring around it."""
    await page.evaluate("document.activeElement?.blur()")
    count = await page.evaluate(STOPS)
    assert count
    missed = set(range(count))
    ringless = set()
    for _ in range(count + 4):
        await page.keyboard.press("Tab")
        place, ringed = await page.evaluate(REACHED)
        missed.discard(place)
        if not ringed:
            ringless.add(place)
    assert not await page.evaluate(NAMES, sorted(missed))
    assert not await page.evaluate(NAMES, sorted(ringless))


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(playbook(tmp_path / "knowledge", ALERTS), tmp_path)
    await house.open()
    yield house
    await house.leave()


async def busy(house: House) -> None:
    """Two calls, and one of them with everything."""
    earlier = await house.phone("c-0", agent="desk-9", customer="account 7")
    await earlier.says("customer", "the third time I call")
    await earlier.ends()
    await house.phone("c-1")
    phone = await house.phone("c-2", customer="account 7")
    await phone.says("agent", "thanks for calling and I promise you a refund")
    await phone.says("customer", "this is the third time I call and you will hear from my lawyer", later=4)
    await phone.says("customer", "so my bill has doubled")
    await phone.says("customer", "and the lights are red", later=4)


async def test_the_sidebar(house: House, screens: Screens) -> None:
    await busy(house)
    page = await screens.agent()
    await page.locator('[data-call-id="c-2"]').click()
    await expect(page.get_by_test_id("card")).to_have_count(3)
    await page.get_by_test_id("help-ask").click()
    await page.get_by_test_id("mood-toggle").click()
    await page.get_by_test_id("card-open").first.click()
    await page.get_by_test_id("card-dismiss").first.click()
    await page.get_by_test_id("brief-toggle").click()
    await page.get_by_test_id("brief-edit").click()
    await expect(page.get_by_test_id("handover-draft")).to_be_visible()
    await reaches_everything(page)


async def test_the_board(house: House, screens: Screens) -> None:
    await busy(house)
    page = await screens.board(width=1440)
    await expect(page.get_by_test_id("alert")).to_be_visible()
    await page.get_by_role("button", name="Open the call of desk-1").first.click()
    await expect(page.get_by_test_id("panel").get_by_test_id("line").first).to_be_visible()
    await page.get_by_test_id("whisper-text").fill("well done")
    await reaches_everything(page)


@pytest.mark.parametrize("view", ["state", "try", "outcomes", "backtest", "gaps"])
async def test_the_authors_page(house: House, screens: Screens, view: str) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "where can i park my caravan while i am away")
    await phone.ends()
    page = await screens.author(view)
    if view == "try":
        await page.get_by_test_id("sentence").fill("my bill has doubled")
        await expect(page.get_by_test_id("answer")).to_be_visible()
    if view in ("outcomes", "backtest", "gaps"):
        await page.get_by_test_id("begin").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("job")).to_have_attribute("data-state", "done")
    await reaches_everything(page)


async def test_the_operators_page(house: House, screens: Screens) -> None:
    page = await screens.blank(width=1440)
    await page.goto(f"{house.url}/latency#key={OPERATORS_KEY}")
    await expect(page.get_by_test_id("verdict")).to_be_visible()
    await reaches_everything(page)
    await page.get_by_role("button", name="Since the start").focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Since the start")).to_have_attribute("aria-pressed", "true")


async def test_the_door(house: House, screens: Screens) -> None:
    page = await screens.blank()
    await page.goto(f"{house.url}/board")
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await reaches_everything(page)
    await page.get_by_label("Access key").focus()
    await page.keyboard.type(key("acme", "supervisor"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("empty")).to_be_visible()
    await reaches_everything(page)


async def test_the_list_of_keys_keeps_the_focus_and_gives_it_back(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.agent()
    opener = page.get_by_test_id("keys-open")
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("keys")).to_be_visible()
    inside = page.get_by_test_id("keys").locator(":focus")
    for _ in range(2):
        await expect(inside).to_have_count(1)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await expect(opener).to_be_focused()
