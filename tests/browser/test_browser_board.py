"""The supervisors' board: rows by heat that hold still under the pointer, and one call opened beside them."""

import pytest
from playwright.async_api import Page, expect
from stage import House, Phone, Screens

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TENSE = "this is the third time I call"
FRUSTRATED = (TENSE, "and I took a day off")
CRITICAL = (*FRUSTRATED, "I have had enough of this")


async def order(page: Page, *calls: str) -> None:
    """Wait until the rows are these, from the top."""
    await expect(page.get_by_test_id("board-row")).to_have_count(len(calls))
    for number, call in enumerate(calls):
        await expect(page.get_by_test_id("board-row").nth(number)).to_have_attribute("data-call-id", call)


async def say(phone: Phone, *sentences: str) -> None:
    for sentence in sentences:
        await phone.says("customer", sentence)


async def test_rows_come_and_go_with_the_calls(house: House, screens: Screens) -> None:
    page = await screens.board(width=1440)
    await expect(page.get_by_test_id("empty")).to_contain_text("No live calls")
    first = await house.phone("c-1", agent="desk-1", queue="faults", customer="account-7")
    await house.phone("c-2", agent="desk-2")
    await expect(page.get_by_test_id("call-count")).to_have_text("2")
    row = page.locator('[data-testid="board-row"][data-call-id="c-1"]')
    for words in ("Calm", "desk-1", "faults", "account-7"):
        await expect(row).to_contain_text(words)
    await say(first, *FRUSTRATED)
    await expect(row.get_by_test_id("mood-band")).to_have_attribute("data-band", "frustrated")
    await expect(row).to_contain_text("feels their time is wasted")
    await expect(page.locator('[data-testid="band-count"][data-band="frustrated"]')).to_contain_text("1")
    await expect(page).to_have_title("(1) Board · rtig")
    await first.ends()
    await order(page, "c-2")
    await expect(page).to_have_title("Board · rtig")


async def test_the_hottest_call_is_on_top(house: House, screens: Screens) -> None:
    calm, tense, hot = [await house.phone(f"c-{n}") for n in (1, 2, 3)]
    await say(tense, TENSE)
    await say(hot, *CRITICAL)
    page = await screens.board(width=1440, clock=True)
    await order(page, "c-3", "c-2", "c-1")
    await say(calm, *FRUSTRATED)
    await expect(page.locator('[data-call-id="c-1"]')).to_have_attribute("data-band", "frustrated")
    # A row passes another when it has been clearly hotter for a while, not at once.
    await page.clock.fast_forward(3_500)
    await order(page, "c-3", "c-1", "c-2")


async def test_the_row_under_the_pointer_keeps_its_place(house: House, screens: Screens) -> None:
    upper, lower = await house.phone("c-1"), await house.phone("c-2")
    await say(upper, *FRUSTRATED)
    page = await screens.board(width=1440, clock=True)
    await order(page, "c-1", "c-2")
    row = page.locator('[data-testid="board-row"][data-call-id="c-2"]')
    await row.hover()
    before = await row.bounding_box()
    await say(lower, *CRITICAL)
    await expect(row).to_have_attribute("data-band", "critical")
    await page.clock.fast_forward(3_500)
    await house.phone("c-3")
    await order(page, "c-1", "c-2", "c-3")
    assert await row.bounding_box() == before
    await page.mouse.move(700, 5)
    await order(page, "c-2", "c-1", "c-3")


async def test_an_opened_call_is_followed_live_and_says_why(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1", customer="account-7")
    await phone.says("agent", "thanks for calling")
    await say(phone, *FRUSTRATED, "so my bill has doubled", "I said my bill has doubled")
    page = await screens.board(width=1440)
    await page.get_by_test_id("board-row").click()
    panel = page.get_by_test_id("panel")
    await expect(panel.get_by_role("heading", name="desk-1")).to_be_focused()
    await expect(panel.get_by_test_id("line")).to_have_count(5)
    await expect(panel.get_by_test_id("mood-band")).to_have_attribute("data-band", "frustrated")
    await expect(panel.get_by_test_id("mood-reasons")).to_contain_text("Feels their time is wasted")
    await expect(panel.get_by_test_id("card-title")).to_have_text("Why a bill is higher than expected")
    await expect(panel.get_by_test_id("checklist").first).to_contain_text("1 of 2")
    name = await phone.is_saying("customer", "and now")
    last = panel.get_by_test_id("line").last
    await expect(last.locator(".line")).to_have_text("and now …")
    await phone.said(name, "customer", "and now my bill has doubled once more")
    await expect(last).to_have_attribute("data-final", "true")
    await panel.get_by_test_id("withheld").locator("summary").click()
    await expect(panel.get_by_test_id("withheld")).to_contain_text("doubled-bill: shown recently (doubled-bill.1)")
    # The agent's controls are the agent's.
    await expect(panel.get_by_test_id("card-dismiss")).to_have_count(0)
    await phone.ends()
    await expect(panel.get_by_test_id("call-ended")).to_be_visible()
    await expect(panel.get_by_test_id("whisper-text")).to_have_count(0)
    await expect(panel.get_by_test_id("line")).to_have_count(6)


async def test_the_keyboard_opens_and_closes_a_call(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.board(width=1440)
    button = page.get_by_role("button", name="Open the call of desk-1")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("panel")).to_be_visible()
    assert page.url == f"{house.url}/board#call=c-1"
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("panel")).to_have_count(0)
    await expect(button).to_be_focused()
    assert page.url == f"{house.url}/board"


async def test_the_filter_looks_at_queue_and_agent(house: House, screens: Screens) -> None:
    await house.phone("c-1", agent="desk-1", queue="billing")
    await house.phone("c-2", agent="desk-2", queue="faults")
    page = await screens.board(width=1440)
    await expect(page.get_by_test_id("board-row")).to_have_count(2)
    for words, calls in [("FAULT", ["c-2"]), ("desk-1", ["c-1"]), ("", ["c-1", "c-2"])]:
        await page.get_by_test_id("filter").fill(words)
        await expect(page.get_by_test_id("board-row")).to_have_count(len(calls))
    await page.get_by_test_id("filter").fill("nothing like it")
    await expect(page.get_by_test_id("empty")).to_contain_text("No call matches")
