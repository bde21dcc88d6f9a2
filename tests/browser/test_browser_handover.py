"""The hand-over: the brief written over and sent, during a call or after it, and read first by the next agent."""

import pytest
from playwright.async_api import Page, expect
from stage import House, Phone, Screens, key
from test_browser_accessibility import audit

from rtig.core.events import HandoverSent

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def talk(phone: Phone) -> None:
    await phone.says("customer", "so my bill has doubled")
    await phone.says("agent", "I will send you a letter by Friday", later=2)


async def write(page: Page, text: str) -> None:
    """Replace the brief by a text, and send it."""
    draft = page.get_by_test_id("handover-draft")
    await expect(draft).to_be_focused()
    await draft.fill(text)
    await page.get_by_test_id("handover-send").click()


async def test_the_brief_is_written_over_and_the_next_contact_begins_with_it(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1", customer="account 7"), await screens.agent()
    await talk(phone)
    await page.get_by_test_id("brief-toggle").click()
    await page.get_by_test_id("brief-edit").click()
    draft = page.get_by_test_id("handover-draft")
    await expect(draft).to_be_focused()
    assert "I will send you a letter by Friday" in await draft.input_value()
    await write(page, "Promised a letter by Friday.\nCheck <b>the discount</b>.")
    await expect(page.get_by_test_id("handover")).to_contain_text("Handed over by desk-1 · Today")
    await expect(page.get_by_test_id("handover")).to_contain_text("Check <b>the discount</b>.")
    await expect(page.get_by_test_id("brief-edit")).to_be_focused()
    event = await house.logbook.first(HandoverSent)
    assert (event.text, event.by) == ("Promised a letter by Friday.\nCheck <b>the discount</b>.", "desk-1")
    await phone.ends()
    await house.phone("c-2", agent="desk-2", customer="account 7")
    other = await screens.agent("desk-2")
    contact = other.get_by_test_id("contact").first
    await expect(contact.get_by_test_id("handover")).to_contain_text("Handed over by desk-1 · Today")
    await expect(contact.get_by_test_id("handover")).to_contain_text("Check <b>the discount</b>.")
    await audit(other, "contact")


async def test_it_can_be_sent_after_the_call_and_without_a_connection(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await talk(phone)
    await phone.ends()
    await page.get_by_test_id("brief-edit").click()
    with screens.forgive("WebSocket", "ERR_CONNECTION_REFUSED"):
        await house.close()
        await expect(page.get_by_test_id("connected")).to_have_count(0)
        await write(page, "Ring back.")
        await expect(page.get_by_test_id("handover-sending")).to_be_visible()
        await house.open()
        await expect(page.get_by_test_id("handover")).to_contain_text("Ring back.")
    await expect(page.get_by_test_id("handover-sending")).to_have_count(0)
    assert sum(isinstance(event, HandoverSent) for event in house.logbook.events) == 1


async def test_who_takes_over_the_same_call_has_it_at_once(house: House, screens: Screens) -> None:
    phone, page, other = await house.phone("c-1"), await screens.agent(), await screens.blank()
    await other.goto(f"{house.url}/agent#key={key('acme', 'agent')}&agent=desk-2&call=c-1")
    await talk(phone)
    await expect(other.get_by_test_id("card")).to_be_visible()
    await page.get_by_test_id("brief-toggle").click()
    await page.get_by_test_id("brief-edit").click()
    await write(page, "A refund was promised.")
    await expect(other.get_by_test_id("handover")).to_contain_text("A refund was promised.")
    await expect(other.get_by_test_id("brief")).to_contain_text("I will send you a letter")


async def test_a_draft_stays_until_it_is_sent_or_given_up(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    page = await screens.agent(permissions=["clipboard-read", "clipboard-write"])
    await talk(phone)
    await page.get_by_test_id("brief-toggle").click()
    await page.get_by_test_id("brief-edit").click()
    draft = page.get_by_test_id("handover-draft")
    await draft.fill("half a sen")
    await phone.says("customer", "the lights are red", later=4)
    await expect(page.get_by_test_id("card")).to_have_count(2)
    await page.get_by_test_id("brief-update").click()
    await page.get_by_test_id("brief-toggle").click()
    await page.get_by_test_id("brief-toggle").click()
    await expect(draft).to_have_value("half a sen")
    await audit(page, "handover-draft")
    await page.get_by_test_id("handover-copy").click()
    await expect(page.get_by_test_id("handover-copy")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == "half a sen"
    await draft.fill("  ")
    await expect(page.get_by_test_id("handover-send")).to_be_disabled()
    await page.get_by_test_id("handover-cancel").click()
    await expect(draft).to_have_count(0)
    await expect(page.get_by_test_id("brief-edit")).to_be_focused()
    await page.keyboard.press("Enter")
    await draft.fill("Sent by the keyboard.")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_test_id("handover")).to_contain_text("Sent by the keyboard.")
    await audit(page, "handover")
