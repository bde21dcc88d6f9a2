"""The search box of the sidebar, by words and by meaning, and what the pages say while meaning is not to be had."""

import asyncio

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from stage import House, Screens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def found(page: Page) -> Locator:
    return page.get_by_test_id("found-article")


async def test_articles_are_found_while_somebody_types(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.agent()
    box = page.get_by_role("searchbox", name="Search articles")
    await box.press_sequentially("lights rou")
    await expect(found(page)).to_have_count(1)
    await expect(found(page)).to_have_attribute("data-article-id", "router-lights")
    await expect(page.get_by_test_id("words-only")).to_have_text("Searched by words, not by meaning.")
    await found(page).locator("summary").click()
    await expect(found(page)).to_contain_text("Which of the lights on your router are on?")
    await expect(found(page)).to_contain_text("Red means no line.")
    await box.fill("zebra")
    await expect(page.get_by_test_id("found")).to_contain_text("Nothing is about that.")
    await expect(found(page)).to_have_count(0)
    await box.fill("")
    await expect(page.get_by_test_id("found")).to_have_count(0)


async def test_the_keyboard_is_enough(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.agent()
    box = page.get_by_test_id("search")
    await box.focus()
    await page.keyboard.type("bill contract")
    await page.keyboard.press("Enter")
    await expect(found(page)).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")  # there are no more
    await expect(found(page).nth(1).locator("summary")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    first = found(page).first
    await expect(first.locator("summary")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(first.locator(".body")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("found")).to_have_count(0)
    await expect(box).to_be_focused()
    await expect(box).to_have_value("")


async def test_what_was_searched_for_one_call_does_not_stay_for_the_next(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await page.get_by_test_id("search").fill("moving")
    await expect(found(page)).to_have_count(1)
    await phone.ends()
    await expect(page.get_by_test_id("call-ended")).to_be_visible()
    await expect(found(page)).to_have_count(1)
    await house.phone("c-2")
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-2")
    await expect(found(page)).to_have_count(0)
    await expect(page.get_by_test_id("search")).to_have_value("")


async def test_pages_say_that_meaning_is_off(house: House, screens: Screens) -> None:
    for page in (await screens.agent(), await screens.board()):
        await expect(page.get_by_test_id("lane")).to_contain_text("meaning is off")


async def test_articles_are_found_by_meaning_and_the_pages_say_when_they_are_not(
    understanding: House, browser: Browser
) -> None:
    screens = Screens(browser, understanding)
    await understanding.phone("c-1")
    page, board = await screens.agent(), await screens.board()
    for one in (page, board):
        await expect(one.get_by_test_id("lane")).to_have_count(0)
    await page.get_by_test_id("search").fill("relocating to another flat")
    await expect(found(page).first).to_have_attribute("data-article-id", "moving-home")
    await expect(page.get_by_test_id("words-only")).to_have_count(0)
    understanding.kill_the_model()
    notes = [one.get_by_test_id("lane") for one in (page, board)]
    await asyncio.gather(*(expect(note).to_contain_text("meaning is off for now") for note in notes))
    await asyncio.gather(*(expect(note).to_have_count(0) for note in notes))
    await screens.leave()
