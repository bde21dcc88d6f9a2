"""The brief in the sidebar: asked for during a call, there by itself at its end, each line a way to the words."""

import pytest
from playwright.async_api import Locator, Page, expect
from stage import House, Phone, Screens, key
from test_browser_accessibility import LOOKS, audit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def brief(page: Page) -> Locator:
    return page.get_by_test_id("brief")


def lines(page: Page) -> Locator:
    return page.get_by_test_id("brief-line")


def line(page: Page, words: str) -> Locator:
    return lines(page).filter(has_text=words)


async def conversation(phone: Phone) -> None:
    """A call with something for every part of the brief."""
    await phone.says("agent", "thanks for calling how can I help")
    await phone.says("customer", "um so my bill has doubled and it is the third time I call about it", later=2)
    await phone.says("agent", "could I take your account number", later=2)
    await phone.says("customer", "it is two oh five eight three", later=2)
    for number in range(12):
        await phone.says("agent", f"then the weather in valley {number} was lovely", later=2)
        await phone.says("customer", "oh really", later=2)
    await phone.says("agent", "I have taken the second charge off", later=2)
    await phone.says("agent", "and I will send you a letter by friday", later=2)


async def test_a_brief_is_asked_for_and_leads_to_the_words(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await conversation(phone)
    await expect(page.get_by_test_id("line").last).to_contain_text("by friday")
    toggle = page.get_by_test_id("brief-toggle")
    await expect(brief(page)).to_have_count(0)
    await expect(toggle).to_have_attribute("aria-expanded", "false")
    await toggle.focus()
    await page.keyboard.press("Enter")
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    await expect(toggle).to_be_focused()
    await expect(brief(page).get_by_test_id("brief-as-of")).to_contain_text("As of")
    for words in ("account number: two oh five eight three", "my bill has doubled", "taken the second charge off",
                  "send you a letter by friday", "Why a bill is higher than expected"):  # fmt: skip
        await expect(line(page, words).first).to_be_visible()
    await expect(line(page, "letter by friday").locator("strong")).to_have_text("by friday")
    await expect(page.get_by_test_id("brief-mood")).to_contain_text("tense at")
    asked = line(page, "my bill has doubled and it is")
    await asked.focus()
    await page.keyboard.press("Enter")
    sought = page.locator("mark.sought")
    await expect(sought.first).to_be_in_viewport()
    assert "".join(await sought.all_text_contents()).startswith("my bill has doubled and it is the third time")
    await toggle.click()
    await expect(brief(page)).to_have_count(0)


async def test_a_brief_that_is_open_can_be_brought_up_to_date(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", "my router flashes green and purple")
    await page.get_by_test_id("brief-toggle").click()
    await expect(line(page, "router flashes")).to_be_visible()
    await phone.says("agent", "somebody will call you tomorrow", later=5)
    await expect(page.get_by_test_id("line").last).to_contain_text("tomorrow")
    await expect(line(page, "call you tomorrow")).to_have_count(0)
    await page.get_by_test_id("brief-update").click()
    await expect(line(page, "call you tomorrow")).to_be_visible()


async def test_at_the_end_of_a_call_its_brief_is_there_by_itself(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await conversation(phone)
    await expect(page.get_by_test_id("line").last).to_contain_text("by friday")
    await phone.ends()
    await expect(brief(page).get_by_test_id("brief-as-of")).to_contain_text("Call ended after")
    await expect(line(page, "letter by friday")).to_be_visible()
    await expect(page.get_by_test_id("brief-update")).to_have_count(0)
    await expect(page.get_by_test_id("announcer")).to_have_text("The brief of the call")
    await page.get_by_test_id("brief-toggle").click()
    await expect(brief(page)).to_have_count(0)


async def test_who_comes_after_the_end_gets_the_brief_too(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await conversation(phone)
    await phone.ends()
    page = await screens.blank()
    await page.goto(f"{house.url}/agent#key={key('acme', 'agent')}&agent=desk-1&call=c-1")
    await expect(line(page, "letter by friday")).to_be_visible()


async def test_the_brief_is_copied_as_text(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(permissions=("clipboard-read", "clipboard-write"))
    await conversation(phone)
    await page.get_by_test_id("brief-toggle").click()
    await expect(line(page, "letter by friday")).to_be_visible()
    await page.get_by_test_id("brief-copy").click()
    await expect(page.get_by_test_id("brief-copy")).to_contain_text("Copied")
    text = str(await page.evaluate("navigator.clipboard.readText()"))
    assert text.startswith("c-1: account-of-c-1, desk-1, billing, voice\nAs of ")
    assert "\nPromised\n" in text
    assert "I will send you a letter by friday\n" in text


async def test_the_brief_is_for_everybody(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await conversation(phone)
    await phone.says("customer", "when will the engineer come to my house", later=3)
    await phone.ends()
    await expect(line(page, "when will the engineer come")).to_be_visible()
    await audit(page, "brief", LOOKS)
