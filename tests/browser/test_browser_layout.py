"""The sidebar's room: the sentence in front, nothing pushed out of sight, whatever the words, in either direction."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from stage import House, Phone, Screens, playbook
from test_browser_accessibility import LOOKS, audit
from test_browser_sidebar import SAYS, card, look, place

from rtig.core.events import CardAnswered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
HEBREW = "החשבון שלי כפול החודש"
WORDS = MappingProxyType(
    {
        "articles/long.md": f"""---
id: long-words
title: What to do when {LONG} is written on the bill that came in the post this morning and nobody knows what it is for
say: Let me look up what {LONG} means, and whether anybody has ever asked for it to be put on your bill this month.
triggers:
  - said: [what is it for]
---
See https://example.org/{LONG}/{LONG} and `{LONG}{LONG}`.

| {LONG} | {LONG} |
|---|---|
| one | two |

## Steps

1. Ask for {LONG}.
""",
        "articles/hebrew.md": "---\nid: hebrew\ntitle: חשבון כפול\nsay: אני בודק את החשבון שלך.\n"
        "triggers:\n  - said: [in hebrew please]\n---\nלבדוק את החשבון.\n\n## Steps\n\n1. לפתוח את החשבון.\n",
        "playbooks/opening.yaml": f"id: opening\ntitle: {LONG}\nsteps:\n"
        f"  - {{id: greet, text: Say {LONG}, said: [thanks for calling]}}\n",
    }
)


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(playbook(tmp_path / "knowledge", WORDS), tmp_path)
    await house.open()
    yield house
    await house.leave()


async def angry(phone: Phone) -> None:
    """Two cards, and a mood that is not to be overlooked."""
    await phone.says("customer", "this is the third time I call and I took a day off")
    await phone.says("customer", SAYS["router-lights"])
    await phone.says("customer", SAYS["doubled-bill"], later=4)


async def in_sight(page: Page, *testids: str) -> None:
    """That the card on top has these wholly on the screen."""
    for testid in testids:
        await expect(card(page, "doubled-bill").get_by_test_id(testid)).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(("width", "height", "size"), [(400, 860, 22.0), (320, 700, 19.0)])
async def test_the_sentence_is_large_and_its_buttons_are_in_sight(
    house: House, screens: Screens, width: int, height: int, size: float
) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(width=width, height=height)
    await angry(phone)
    await expect(card(page, "doubled-bill")).to_be_visible()
    (font,) = await look(card(page, "doubled-bill").get_by_test_id("card-say"), "fontSize")
    assert float(font.removesuffix("px")) >= size
    buttons = ("card-copy", "card-useful", "card-dismiss", "card-pin")
    await in_sight(page, "card-title", "card-say", *buttons)
    assert len({(await place(card(page, "doubled-bill").get_by_test_id(button)))[1] for button in buttons}) == 1
    # Between the mood and the first card there is one row.
    assert (await place(page.get_by_test_id("cards")))[1] - (await place(page.locator("main")))[1] <= 56


@pytest.mark.parametrize(("width", "height"), [(400, 860), (320, 700)])
async def test_guidance_stays_in_sight_below_what_is_opened(
    house: House, screens: Screens, width: int, height: int
) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(width=width, height=height)
    await angry(phone)
    await page.get_by_test_id("search").fill("bill lights contract home paid")
    await expect(page.get_by_test_id("found-article").nth(3)).to_be_attached()
    await in_sight(page, "card-title")
    box, found = await page.get_by_test_id("cards").bounding_box(), await page.get_by_test_id("found").bounding_box()
    assert box is not None
    assert found is not None
    assert abs(box["width"] - found["width"]) < 1
    await page.get_by_test_id("search").fill("")
    await page.get_by_test_id("brief-toggle").click()
    await expect(page.get_by_test_id("brief-line").first).to_be_visible()
    if height > 800:
        await in_sight(page, "card-title")


async def test_a_second_click_on_dismiss_hits_no_reason_and_nothing_below_moves_up(
    house: House, screens: Screens
) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await angry(phone)
    bill, lights = card(page, "doubled-bill"), card(page, "router-lights")
    await expect(bill).to_be_visible()
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))
    await bill.get_by_test_id("card-dismiss").dblclick()
    await expect(bill.get_by_test_id("card-dismiss")).to_have_attribute("aria-expanded", "false")
    await bill.get_by_test_id("card-dismiss").click()
    before = await place(lights)
    await bill.get_by_test_id("dismiss-busy").click()
    await expect(bill).to_have_attribute("data-gone", "dismissed")
    assert await place(lights) == before
    answer = await house.logbook.first(CardAnswered)
    assert answer.reason == "busy"


async def test_no_word_is_too_long(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1", customer=f"Mr {LONG}", queue=LONG)
    page = await screens.agent(width=320, height=700)
    await phone.says("agent", "thanks for calling")
    await phone.says("customer", f"{LONG}{LONG} what is it for I took a day off")
    shown = card(page, "long-words")
    await expect(shown).to_be_visible()
    # A title that goes on and on leaves room for the sentence; all of it is there with the article.
    title = shown.get_by_test_id("card-title")
    clipped = "(e) => e.scrollHeight > e.clientHeight"
    assert await title.evaluate(clipped)
    await shown.get_by_test_id("card-open").click()
    assert not await title.evaluate(clipped)
    await page.get_by_test_id("mood-toggle").click()
    await audit(page, "card", LOOKS)
    for width in (320, 400):
        await page.set_viewport_size({"width": width, "height": 700})
        for testid in ("card", "card-say", "line", "checklist", "mood-reasons", "cards"):
            over = await page.get_by_test_id(testid).first.evaluate("(e) => e.scrollWidth - e.clientWidth")
            assert over <= 0, f"{testid} at {width}"
    await page.get_by_test_id("search").fill("bill post")
    await page.get_by_test_id("found-article").first.locator("summary").click()
    await audit(page, "found-article", LOOKS)


async def test_words_that_run_from_right_to_left_do(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1", customer=HEBREW), await screens.agent()
    await phone.says("customer", HEBREW)
    await phone.says("customer", "in hebrew please")
    shown = card(page, "hebrew")
    await expect(shown).to_be_visible()
    await shown.get_by_test_id("card-open").click()
    lines = page.get_by_test_id("line").locator(".line")
    for element in (
        page.get_by_test_id("call-title"), lines.first, shown.get_by_test_id("card-title"),
        shown.get_by_test_id("card-say"), shown.get_by_test_id("step").first, shown.locator(".body"),
    ):  # fmt: skip
        assert await look(element, "direction") == ["rtl"]
    assert await look(lines.nth(1), "direction") == ["ltr"]
    await audit(page, "card", LOOKS[:1])


async def test_an_idle_page_says_so_in_its_middle(house: House, screens: Screens) -> None:
    page = await screens.agent()
    empty = page.get_by_test_id("empty")
    heading, words = empty.get_by_role("heading"), empty.get_by_text("Your next call appears here by itself.")
    await expect(words).to_be_visible()
    above, below = (await place(heading))[1], (await place(words))[1]
    assert 300 < above < below < 500


async def test_a_card_comes_without_motion_where_none_is_wanted(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    bill = card(page, "doubled-bill")
    await expect(bill).to_be_visible()
    assert await look(bill, "animationName") == ["none"]
    await page.emulate_media(reduced_motion="no-preference")
    assert await look(bill, "animationName") == ["arrive"]
