"""Quiet mode: all cards, alerts only, or none. What is held back is not lost, and a supervisor's word always comes."""

import pytest
from playwright.async_api import Locator, Page, expect
from stage import House, Phone, Screens, key
from test_browser_accessibility import LOOKS, audit
from test_browser_connection import NETWORK
from test_browser_sidebar import SAYS, card, ids, place

from rtig.core.events import CardAnswered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PROMISE = "I promise you a refund"


def quiet(page: Page) -> Locator:
    return page.get_by_test_id("quiet")


def held_back(page: Page) -> Locator:
    return page.get_by_test_id("held-back")


async def in_mode(page: Page, mode: str) -> None:
    await expect(quiet(page)).to_have_attribute("data-mode", mode)


async def three_cards(phone: Phone) -> None:
    await phone.says("customer", SAYS["doubled-bill"])
    await phone.says("agent", PROMISE, later=4)
    await phone.says("customer", SAYS["router-lights"], later=4)


async def test_alerts_come_through_and_the_rest_stands_under_earlier(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await in_mode(page, "all")
    await quiet(page).click()
    await in_mode(page, "critical")
    await expect(quiet(page)).to_contain_text("Alerts only")
    await expect(page.get_by_test_id("cards")).to_contain_text("Only alerts appear here.")
    await page.mouse.move(0, 0)
    await three_cards(phone)
    await expect(card(page, "no-promises")).to_be_visible()
    await expect(held_back(page)).to_have_text("2 held back")
    assert await ids(page, "card") == ["no-promises.1"]
    summary = page.get_by_test_id("earlier").locator("summary")
    await expect(summary).to_contain_text("Earlier (2, 2 held back)")
    await summary.click()
    assert await ids(page, "earlier-card") == ["router-lights.1", "doubled-bill.1"]
    # It can be read and used from there; pinned, it comes up.
    early = page.get_by_test_id("earlier-card").first
    await early.get_by_test_id("card-title").click()
    await expect(early.get_by_test_id("card-say")).to_have_text("Which of the lights on your router are on?")
    await early.get_by_test_id("card-pin").click()
    await expect(card(page, "router-lights")).to_be_visible()
    await expect(held_back(page)).to_have_text("1 held back")
    assert (await house.logbook.first(CardAnswered)).card_id == "router-lights.1"


async def test_off_shows_none_and_with_all_what_still_stands_comes_back(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await phone.says("customer", SAYS["moving-home"])
    await expect(card(page, "moving-home")).to_be_visible()
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))
    await page.keyboard.press("m")
    await page.keyboard.press("m")
    await in_mode(page, "off")
    await expect(page.get_by_test_id("done")).to_have_text("No cards")
    await page.clock.resume()
    await expect(page.get_by_test_id("card")).to_have_count(0)
    phone.now_ms += 40_000
    await three_cards(phone)
    await expect(held_back(page)).to_have_text("4 held back")
    await expect(page.get_by_test_id("card")).to_have_count(0)
    await expect(page.get_by_test_id("cards")).to_contain_text("No cards appear here.")
    # One of them has had its time.
    await phone.says("agent", "bear with me", later=45)
    await page.keyboard.press("m")
    await in_mode(page, "all")
    await expect(page.get_by_test_id("card")).to_have_count(3)
    assert await ids(page, "card") == ["router-lights.1", "no-promises.1", "doubled-bill.1"]
    await expect(held_back(page)).to_have_count(0)
    await expect(page.get_by_test_id("earlier")).to_contain_text("Earlier (1)")


async def test_a_supervisors_word_comes_whatever_the_mode(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    agent, board = await screens.agent(), await screens.board(width=1440)
    await expect(quiet(agent)).to_be_visible()
    for _ in "mm":
        await agent.keyboard.press("m")
    await in_mode(agent, "off")
    await board.get_by_test_id("board-row").click()
    await board.get_by_test_id("whisper-text").fill("Offer the engineer today.")
    await board.get_by_test_id("whisper-text").press("Enter")
    await expect(agent.get_by_test_id("whisper")).to_contain_text("Offer the engineer today.")
    await expect(agent.get_by_test_id("announcer")).to_have_text("Message from your supervisor")


async def test_the_mode_is_remembered_for_the_session_and_not_for_the_next_person(
    house: House, screens: Screens
) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await quiet(page).click()
    await in_mode(page, "critical")
    await page.reload()
    await in_mode(page, "critical")
    await phone.ends()
    await house.phone("c-2")
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-2")
    await in_mode(page, "critical")
    await page.get_by_test_id("sign-out").click()
    await page.get_by_label("Access key").fill(key("acme", "agent"))
    await page.get_by_role("button", name="Sign in").click()
    await in_mode(page, "all")


async def test_the_mode_is_to_be_seen_between_calls_too(house: House, screens: Screens) -> None:
    page = await screens.agent()
    await expect(page.get_by_test_id("empty")).to_be_visible()
    await in_mode(page, "all")
    await page.keyboard.press("m")
    await in_mode(page, "critical")
    await audit(page, "quiet", LOOKS)


async def test_what_is_read_out_follows_the_mode(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await expect(page.get_by_test_id("call-title")).to_be_visible()
    await page.evaluate(HEARD)
    await quiet(page).click()
    await three_cards(phone)
    await expect(held_back(page)).to_have_text("2 held back")
    await page.clock.fast_forward(6_000)
    await page.clock.fast_forward(6_000)
    await phone.ends()
    await expect(page.get_by_test_id("brief")).to_be_visible()
    await page.clock.fast_forward(6_000)
    heard = await page.evaluate("heard.filter(([, text]) => text)")
    assert [text for _, text in heard] == ["Promise nothing that others must keep"]


async def test_at_most_one_title_is_read_out_in_five_seconds(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await expect(page.get_by_test_id("call-title")).to_be_visible()
    await page.evaluate(HEARD)
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))
    for number, rule in enumerate(["doubled-bill", "router-lights", "moving-home", "paid-twice"]):
        await phone.says("customer", SAYS[rule], later=4)
        await expect(card(page, rule)).to_be_visible()
        if number == 1:
            await phone.says("agent", PROMISE)
            await expect(card(page, "no-promises")).to_be_visible()
        await page.clock.run_for(1_000)
    await page.clock.run_for(20_000)
    heard = await page.evaluate("heard.filter(([, text]) => text)")
    # The alert is not displaced by the two that came after it; and nothing but titles is read out.
    titles = [text for _, text in heard]
    assert titles == ["Why a bill is higher than expected", "Promise nothing that others must keep"]
    assert heard[1][0] - heard[0][0] >= 5_000
    await expect(page.get_by_test_id("announcer")).to_have_text("")


async def test_a_card_that_is_held_back_moves_nothing(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("agent", PROMISE)
    alert = card(page, "no-promises")
    await expect(alert).to_be_visible()
    await quiet(page).click()
    await alert.get_by_test_id("card-useful").focus()
    before = await place(alert)
    await phone.says("customer", SAYS["doubled-bill"], later=4)
    await phone.says("customer", SAYS["router-lights"], later=4)
    await expect(held_back(page)).to_have_text("2 held back")
    assert await place(alert) == before
    await expect(alert.get_by_test_id("card-useful")).to_be_focused()


async def test_nothing_moves_under_earlier_while_the_hand_is_there(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await quiet(page).click()
    await phone.says("customer", SAYS["doubled-bill"])
    await page.get_by_test_id("earlier").locator("summary").click()
    row = page.get_by_test_id("earlier-card")
    await expect(row).to_be_visible()
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))
    before = await place(row)
    await page.mouse.move(before[0] + 30, before[1] + 10)
    await phone.says("customer", SAYS["router-lights"], later=4)
    await phone.says("customer", "hello")
    await expect(page.get_by_test_id("line")).to_have_count(3)
    assert await place(row) == before
    await page.mouse.move(0, 0)
    await expect(held_back(page)).to_have_text("2 held back")
    assert await ids(page, "earlier-card") == ["router-lights.1", "doubled-bill.1"]


async def test_what_came_while_the_connection_was_lost_is_held_back_too(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await quiet(page).click()
    with screens.forgive(*NETWORK):
        await page.context.set_offline(True)
        await expect(page.get_by_test_id("banner")).to_have_text("Connection lost, retrying")
        await three_cards(phone)
        await page.context.set_offline(False)
        await expect(page.get_by_test_id("banner")).to_have_count(0)
    await expect(held_back(page)).to_have_text("2 held back")
    assert await ids(page, "card") == ["no-promises.1"]


async def test_a_second_calls_cards_are_counted_as_the_mode_has_it(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.agent()
    await quiet(page).click()
    second = await house.phone("c-2")
    await three_cards(second)
    await expect(page.locator('[data-testid="switcher"] [data-call-id="c-2"]')).to_contain_text("1 new card")


async def test_quiet_is_for_everybody(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await quiet(page).click()
    await page.mouse.move(0, 0)
    await three_cards(phone)
    await expect(held_back(page)).to_have_text("2 held back")
    await audit(page, "card", LOOKS)
    await quiet(page).click()
    await expect(held_back(page)).to_have_text("3 held back")
    await audit(page, "quiet", LOOKS)
    await page.emulate_media(forced_colors="active")
    await audit(page, "quiet", LOOKS[:1])


HEARD = """() => { window.heard = [];
  const region = document.querySelector("rtig-sidebar").shadowRoot.querySelector('[data-testid="announcer"]');
  new MutationObserver(() => heard.push([performance.now(), region.textContent.trim()]))
    .observe(region, { childList: true, characterData: true, subtree: true }); }"""
"""Notes what a screen reader is given to read out, and when by the page's clock."""
