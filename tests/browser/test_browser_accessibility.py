"""axe-core finds nothing on either page, narrow and wide, light and dark; and nothing has to be scrolled sideways."""

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect
from stage import AXE, House, Screens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AUDIT = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map(
  (found) => [found.id, found.help, ...found.nodes.slice(0, 3).map((node) => node.target.flat().join(" "))])"""
Look = tuple[int, int, Literal["light", "dark"]]
NARROW: list[Look] = [(320, 700, "light"), (320, 700, "dark")]
LOOKS: list[Look] = [*NARROW, (1440, 800, "light"), (1440, 800, "dark")]


async def audit(page: Page, ready: str, looks: Sequence[Look] = LOOKS) -> None:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8") + "; undefined")
    found: dict[str, Any] = {}
    for width, height, scheme in looks:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme)
        await expect(page.get_by_test_id(ready).first).to_be_visible()
        if violations := await page.evaluate(AUDIT):
            found[f"{width} {scheme}"] = violations
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} pixels too wide at {width}"
    assert not found


async def test_the_sidebar(house: House, screens: Screens) -> None:
    """With everything on it that it can show at once."""
    await house.phone("c-0")
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await page.locator('[data-call-id="c-1"]').click()
    await phone.says("agent", "thanks for calling and I promise you a refund")
    await phone.says("customer", "this is the third time I call and I took a day off", later=4)
    await phone.says("customer", "so my bill has doubled")
    await phone.says("customer", "and the lights are red", later=4)
    phone.now_ms += 4_000
    name = await phone.is_saying("customer", "we are moving house")
    await phone.is_saying("customer", "we are moving house next", name)
    await expect(page.get_by_test_id("card")).to_have_count(3)
    await page.get_by_test_id("card-pin").first.click()
    await page.get_by_test_id("card-open").first.click()
    await page.get_by_test_id("mood-toggle").click()
    await audit(page, "card")
    await page.get_by_test_id("search").fill("bill contract")
    await page.get_by_test_id("found-article").first.locator("summary").click()
    await audit(page, "found-article")
    await page.get_by_test_id("search").fill("")
    await phone.said(name, "customer", "we are not moving")
    await expect(page.get_by_test_id("card").first).to_have_attribute("data-gone", "retracted")
    await page.get_by_test_id("card-dismiss").first.click()
    await page.get_by_test_id("dismiss-busy").click()
    await audit(page, "card", NARROW)
    await page.mouse.move(0, 0)
    await page.clock.fast_forward(6_000)
    await page.get_by_test_id("earlier").locator("summary").click()
    await audit(page, "line", NARROW)


async def test_the_board(house: House, screens: Screens) -> None:
    moods = ["good morning", "the third time I call", "took a day off the third time I call", "had enough of this"]
    for number, said in enumerate(moods):
        phone = await house.phone(f"c-{number}", agent=f"desk-{number}")
        await phone.says("customer", said)
    await phone.says("customer", "my bill has doubled")
    page = await screens.board(width=1440)
    await expect(page.get_by_test_id("board-row")).to_have_count(4)
    await audit(page, "board-row")
    await page.locator('[data-testid="board-row"][data-call-id="c-3"]').click()
    await expect(page.get_by_test_id("card")).to_be_visible()
    await audit(page, "panel")


async def test_the_sign_in_form_and_an_empty_page(house: House, screens: Screens) -> None:
    page = await screens.blank()
    await page.goto(f"{house.url}/agent")
    await audit(page, "sign-in", NARROW)
    await audit(await screens.agent(), "empty", NARROW)
    await audit(await screens.board(), "empty", NARROW)
