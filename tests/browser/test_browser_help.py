"""Asking for help: one click or key in the sidebar, an alert on the board, and back to the agent who comes."""

import pytest
from playwright.async_api import Locator, Page, expect
from stage import House, Screens, key
from test_browser_accessibility import audit

from rtig.core.events import HelpAsked, HelpTakenBack

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def board_of(screens: Screens, house: House, name: str) -> Page:
    page = await screens.blank(width=1440)
    await page.goto(f"{house.url}/board#key={key('acme', 'supervisor')}&agent={name}")
    await expect(page.get_by_test_id("connected")).to_have_text(f"Connected · {name}")
    return page


def alert(page: Page, call_id: str) -> Locator:
    return page.locator(f'[data-testid="alert"][data-call-id="{call_id}"]')


async def test_one_click_asks_and_the_agent_sees_who_is_on_it(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page, board = await screens.agent(), await board_of(screens, house, "Eve")
    await page.get_by_test_id("help-ask").click()
    await expect(page.get_by_test_id("help")).to_contain_text("Asked for help 0:0")
    await expect(page.get_by_test_id("help-news")).to_have_text("Asked for help")
    await expect(alert(board, "c-1")).to_contain_text("The agent asks for help")
    await expect(board.get_by_test_id("alert-news")).to_have_text("New alert: The agent asks for help, desk-1")
    await expect(page.get_by_test_id("help-words")).to_be_focused()
    await page.get_by_test_id("help-words").fill("may I <b>refund</b> it all?")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("help-text")).to_have_text("“may I <b>refund</b> it all?”")
    await expect(alert(board, "c-1")).to_contain_text("“may I <b>refund</b> it all?”")
    await page.keyboard.press("Enter")  # once more, by a nervous hand: nothing is taken back
    await expect(page.get_by_test_id("help")).to_be_focused()
    await alert(board, "c-1").get_by_test_id("alert-take").click()
    await expect(page.get_by_test_id("help")).to_contain_text("Eve is on it")
    await expect(page.get_by_test_id("help-news")).to_have_text("Eve is on it")
    await alert(board, "c-1").get_by_test_id("alert-resolve").click()
    await expect(page.get_by_test_id("help")).to_have_text("Eve has dealt with it")
    await expect(page.get_by_test_id("help-ask")).to_be_visible()
    await expect(alert(board, "c-1")).to_contain_text("Resolved by you")


async def test_the_key_asks_once_and_it_is_taken_back_and_asked_for_again(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page, board = await screens.agent(), await board_of(screens, house, "Eve")
    await expect(page.get_by_test_id("help-ask")).to_be_visible()
    await page.keyboard.press("Alt+h")
    await expect(page.get_by_test_id("help")).to_contain_text("Asked for help")
    await expect(alert(board, "c-1")).to_have_attribute("data-state", "open")
    await page.keyboard.press("Alt+h")
    await expect(page.get_by_test_id("help-words")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_test_id("help-back")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("help-ask")).to_be_focused()
    await expect(alert(board, "c-1")).to_contain_text("Resolved: the agent took it back")
    await page.keyboard.press("Enter")
    await expect(alert(board, "c-1")).to_have_attribute("data-state", "open")
    await expect(alert(board, "c-1")).to_contain_text("when raised the 2nd time")
    assert [type(event) for event in house.logbook.events if isinstance(event, HelpAsked | HelpTakenBack)] == [
        HelpAsked,
        HelpTakenBack,
        HelpAsked,
    ]


async def test_who_asks_without_a_connection_is_heard_when_it_is_back_and_once(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.agent()
    await expect(page.get_by_test_id("help-ask")).to_be_visible()
    with screens.forgive("WebSocket", "ERR_CONNECTION_REFUSED"):
        await house.close()
        await expect(page.get_by_test_id("connected")).to_have_count(0)
        await page.get_by_test_id("help-ask").click()
        await expect(page.get_by_test_id("help")).to_contain_text("Asking for help …")
        await page.get_by_test_id("help-words").fill("they want a lawyer")
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("help-text")).to_have_text("“they want a lawyer”")
        await house.open()
        await expect(page.get_by_test_id("help")).to_contain_text("Asked for help")
    board = await board_of(screens, house, "Eve")
    await expect(alert(board, "c-1")).to_contain_text("“they want a lawyer”")
    # A restart of the server and of the page: it still stands.
    with screens.forgive("WebSocket", "ERR_CONNECTION_REFUSED"):
        await house.close()
        await house.open()
        await page.reload()
        await expect(page.get_by_test_id("help-text")).to_have_text("“they want a lawyer”")
        await expect(alert(board, "c-1")).to_have_attribute("data-state", "open")
    assert sum(isinstance(event, HelpAsked) for event in house.logbook.events) == 2


async def test_it_leads_the_list_of_alerts_and_ends_with_the_call(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await house.phone("c-2", agent="desk-2")
    page, board = await screens.agent(), await board_of(screens, house, "Eve")
    await page.get_by_test_id("help-ask").click()
    await expect(alert(board, "c-1")).to_have_attribute("data-alert-id", "agent:help")
    await phone.ends()
    await expect(page.get_by_test_id("call-ended")).to_be_visible()
    await expect(page.get_by_test_id("help-ask")).to_have_count(0)
    await expect(alert(board, "c-1")).to_contain_text("Resolved: the call has ended")


async def test_axe_finds_nothing_in_any_state(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page, board = await screens.agent(), await board_of(screens, house, "Eve")
    await page.get_by_test_id("help-ask").click()
    await expect(page.get_by_test_id("help")).to_contain_text("Asked for help")
    await audit(page, "help-words")
    await page.get_by_test_id("help-words").fill("a refund")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("help-text")).to_be_visible()
    await audit(page, "help-text")
    await audit(board, "alert")
    await alert(board, "c-1").get_by_test_id("alert-take").click()
    await expect(page.get_by_test_id("help")).to_contain_text("Eve is on it")
    await audit(page, "help")
