"""The customer's earlier contacts on the sidebar: there before the first word, out of the way when a card comes."""

import pytest
from playwright.async_api import Locator, Page, expect
from stage import House, Screens
from test_browser_accessibility import audit

from rtig.eventlog.port import CallKey

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def earlier(house: House, call_id: str, *said: str, queue: str = "billing", customer: str = "account 7") -> None:
    phone = await house.phone(call_id, agent="desk-9", queue=queue, customer=customer)
    for sentence in said:
        await phone.says("customer", sentence)
    await phone.says("agent", "I will send you a letter by Friday")
    await phone.ends()


def contact(page: Page, call_id: str) -> Locator:
    return page.locator(f'[data-testid="contact"][data-call-id="{call_id}"]')


async def test_they_are_there_before_anybody_speaks_and_make_room_for_a_card(house: House, screens: Screens) -> None:
    await earlier(house, "old", "the router is slow in the evenings", queue="faults")
    await earlier(house, "strangers", customer="account 77")
    await earlier(house, "new", "this is the third time I call and I took a day off")
    page = await screens.agent()
    phone = await house.phone("c-1", customer="account 7")
    await expect(page.get_by_test_id("contact")).to_have_count(2)
    for words in ("Today", "Voice · billing · desk-9", "Frustrated: feels their time is wasted"):
        await expect(contact(page, "new")).to_contain_text(words)
    # The newest one is open: its brief was not asked for.
    await expect(contact(page, "new")).to_contain_text("I will send you a letter by Friday")
    await expect(contact(page, "old").get_by_test_id("brief")).to_have_count(0)
    await contact(page, "old").get_by_role("button").click()
    await expect(contact(page, "old")).to_contain_text("the router is slow in the evenings")
    await expect(contact(page, "new").get_by_test_id("brief")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_test_id("contact")).to_have_count(2)
    await phone.says("customer", "my bill has doubled")
    await expect(page.get_by_test_id("card")).to_be_visible()
    await expect(page.get_by_test_id("contact")).to_have_count(0)
    await expect(page.get_by_test_id("history")).to_contain_text("Earlier contacts 2")
    # What the reader opens stays open.
    await page.get_by_test_id("history-toggle").click()
    await phone.says("customer", "and the lights are red", later=4)
    await expect(page.get_by_test_id("card")).to_have_count(2)
    await expect(page.get_by_test_id("contact")).to_have_count(2)


async def test_nothing_folds_under_the_pointer(house: House, screens: Screens) -> None:
    await earlier(house, "old", "the router is slow in the evenings")
    phone, page = await house.phone("c-1", customer="account 7"), await screens.agent()
    await contact(page, "old").hover()
    await phone.says("customer", "my bill has doubled")
    await expect(page.get_by_test_id("card")).to_be_attached()
    await expect(contact(page, "old")).to_be_visible()
    await page.get_by_test_id("call-title").hover()
    await expect(page.get_by_test_id("contact")).to_have_count(0)


async def test_a_customer_who_is_new_or_not_known_has_none(house: House, screens: Screens) -> None:
    await earlier(house, "old", "hello", customer="account 7")
    await house.phone("c-1", customer="account 8")
    page = await screens.agent()
    await expect(page.get_by_test_id("checklist").first).to_be_visible()
    await expect(page.get_by_test_id("history")).to_have_count(0)


async def test_one_that_is_erased_is_gone_and_it_comes_back_with_the_connection(house: House, screens: Screens) -> None:
    await earlier(house, "gone", "forget me")
    await earlier(house, "kept", "hello")
    await house.erase(CallKey("acme", "gone"))
    page = await screens.agent()
    with screens.forgive("WebSocket", "ERR_CONNECTION_REFUSED"):
        await house.close()
        await expect(page.get_by_test_id("connected")).to_have_count(0)
        await house.open()
        await house.phone("c-1", customer="account 7")
        await expect(page.get_by_test_id("contact")).to_have_count(1)
    await expect(contact(page, "kept")).to_be_visible()


async def test_axe_finds_nothing_and_the_keyboard_reaches_everything(house: House, screens: Screens) -> None:
    await earlier(house, "old", "this is the third time I call and I took a day off and I have had enough of this")
    await earlier(house, "new", "hello, my bill has doubled")
    phone, page = await house.phone("c-1", customer="account 7"), await screens.agent()
    await expect(contact(page, "new").get_by_test_id("brief")).to_be_visible()
    await audit(page, "contact")
    await page.get_by_test_id("history-toggle").focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(contact(page, "old").get_by_role("button")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(contact(page, "old").get_by_test_id("brief")).to_be_visible()
    await page.get_by_test_id("history-toggle").click()
    await phone.says("customer", "my bill has doubled")
    await expect(page.get_by_test_id("card")).to_be_visible()
    await audit(page, "history")
