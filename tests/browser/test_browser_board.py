"""The supervisors' board: rows by heat that hold still under the pointer, and one call opened beside them."""

import re

import pytest
from playwright.async_api import Page, expect
from stage import House, Phone, Screens

from rtig.core.events import CardAnswered

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


async def test_the_curve_says_what_drove_it_and_leads_to_the_words(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled", later=2)
    await phone.says("customer", TENSE, later=10)
    await phone.says("customer", "and I took a day off", later=10)
    page = await screens.board(width=1440, height=900)
    await page.get_by_test_id("board-row").click()
    rises = page.get_by_test_id("curve-rise")
    await expect(rises).to_have_count(2)
    await expect(page.get_by_test_id("curve")).to_contain_text("Critical")
    # One stop for the tab key, on the newest; the arrows go on from there.
    await expect(rises.last).to_have_attribute("tabindex", "0")
    await rises.last.focus()
    said = page.get_by_test_id("curve-said")
    await expect(said).to_contain_text("Feels their time is wasted")
    await page.keyboard.press("ArrowLeft")
    await expect(rises.first).to_be_focused()
    await expect(said).to_contain_text("Has been in touch before, 0 → 30")
    await expect(rises.first).to_have_attribute("aria-label", re.compile("has been in touch before, from 0 to 30"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("panel").locator("mark.sought")).to_have_text("third time I call")
    # It goes on with the call.
    await say(phone, "I have had enough of this")
    await expect(rises).to_have_count(3)
    await expect(rises.first).to_have_attribute("tabindex", "0")


async def test_the_panel_says_what_the_agent_did_with_each_card(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await say(phone, "my bill has doubled")
    agent, page = await screens.agent(), await screens.board(width=1440, height=900)
    await page.get_by_test_id("board-row").click()
    await expect(page.get_by_test_id("card-did")).to_have_text("Left alone by the agent.")
    await agent.get_by_test_id("card-open").click()
    await house.logbook.first(CardAnswered)
    await phone.says("customer", "are you there")
    await expect(page.get_by_test_id("card-did")).to_have_text("By the agent: opened.")


async def test_the_board_can_be_a_part_of_another_page(house: House, screens: Screens) -> None:
    """It fills what it is given, and leaves the address and the title to the page around it."""
    await house.phone("c-1", agent="desk-1", queue="billing")
    page = await screens.board(width=1440)
    await page.goto(f"{house.url}/board?queue=none")
    await expect(page.get_by_test_id("empty")).to_contain_text("No call matches")
    await page.evaluate(
        """() => {
          document.querySelector("rtig-board").remove();
          document.title = "Around";
          const board = document.createElement("rtig-board");
          board.style.height = "420px";
          board.style.width = "640px";
          document.body.append(board);
        }"""
    )
    await page.get_by_test_id("board-row").click()
    await expect(page.get_by_test_id("panel")).to_be_visible()
    await expect(page).to_have_title("Around")
    assert page.url == f"{house.url}/board?queue=none"
    box = await page.locator("rtig-board").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (640, 420)


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


async def test_rows_under_pointer_and_focus_stay_where_they_are(house: House, screens: Screens) -> None:
    """Also one that is over: a click that is on its way opens no other call."""
    phones = [await house.phone(f"c-{number}", agent=f"desk-{number}") for number in (1, 2, 3, 4)]
    await say(phones[0], *FRUSTRATED)
    await say(phones[1], TENSE)
    page = await screens.board(width=1440, clock=True)
    await order(page, "c-1", "c-2", "c-4", "c-3")
    pointed, focused = (page.locator(f'[data-testid="board-row"][data-call-id="c-{n}"]') for n in (4, 2))
    await focused.get_by_role("button").focus()
    await pointed.hover()
    await say(phones[2], *CRITICAL)
    await expect(page.locator('[data-call-id="c-3"]')).to_have_attribute("data-band", "critical")
    await page.clock.fast_forward(3_500)
    await order(page, "c-3", "c-2", "c-4", "c-1")
    await phones[3].ends()
    await expect(pointed).to_contain_text("Call ended")
    await order(page, "c-3", "c-2", "c-4", "c-1")
    await expect(focused.get_by_role("button")).to_be_focused()
    await page.mouse.move(700, 5)
    await order(page, "c-3", "c-2", "c-1")


async def test_a_row_says_how_long_it_has_been_in_the_red_and_what_it_was_read_from(
    house: House, screens: Screens
) -> None:
    phone, other = await house.phone("c-1"), await house.phone("c-2")
    await say(other, TENSE)
    await say(phone, *FRUSTRATED)
    await phone.says("agent", "one moment please", later=20)
    page = await screens.board(width=1440, clock=True)
    row, calmer = (page.locator(f'[data-testid="board-row"][data-call-id="{call}"]') for call in ("c-1", "c-2"))
    await expect(row.get_by_test_id("red")).to_have_text(re.compile("0:2."))
    await expect(row.get_by_test_id("words-alone")).to_have_text("from words alone")
    await page.clock.fast_forward(60_000)
    await expect(row.get_by_test_id("red")).to_have_text(re.compile("1:2."))
    await expect(calmer.get_by_test_id("red")).to_have_text("–")
    await expect(calmer.get_by_test_id("words-alone")).to_have_count(0)


async def test_a_long_list_is_drawn_where_it_is_looked_at(house: House, screens: Screens) -> None:
    for number in range(300):
        await house.phone(f"c-{number}", agent=f"desk-{number}")
    page = await screens.board(width=1440, height=800)
    rows, table = page.get_by_test_id("board-row"), page.get_by_role("table")
    await expect(table).to_have_attribute("aria-rowcount", "301")
    assert await rows.count() < 50
    await expect(rows.first).to_have_attribute("aria-rowindex", "2")
    first = rows.first.get_by_role("button")
    await first.focus()
    name = await first.text_content()
    await page.keyboard.press("End")
    last = page.locator('[data-place="299"]')
    await expect(last.get_by_role("button")).to_be_focused()
    await expect(last).to_be_in_viewport()
    await expect(last).to_have_attribute("aria-rowindex", "301")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator('[data-place="298"]').get_by_role("button")).to_be_focused()
    assert await rows.count() < 50
    await page.keyboard.press("PageUp")
    focused = page.locator("tr[data-place]:focus-within")
    await expect(focused).to_be_in_viewport()
    by_screen = 298 - int(await focused.get_attribute("data-place") or 0)
    assert 5 < by_screen < 30
    await page.keyboard.press("PageDown")
    await expect(page.locator('[data-place="298"]').get_by_role("button")).to_be_focused()
    # What has the focus stays, also out of sight, and the keyboard goes on from there.
    await page.mouse.move(700, 600)
    await page.mouse.wheel(0, -100_000)
    await expect(page.locator('[data-place="0"]')).to_be_in_viewport()
    await expect(page.locator('[data-place="150"]')).to_have_count(0)
    await expect(page.locator('[data-place="298"]').get_by_role("button")).to_be_focused()
    await page.keyboard.press("Home")
    await expect(page.locator('[data-place="0"]').get_by_role("button")).to_be_focused()
    await expect(page.locator('[data-place="0"]').get_by_role("button")).to_have_text(name or "")
    # Nothing is lost on the way: every row is found by scrolling through.
    found: set[str] = set()
    left_over = """() => document.querySelector("rtig-board").shadowRoot.querySelector("rtig-rows").shadowRoot
      .querySelector("tbody").childNodes.length"""
    nodes = await page.evaluate(left_over)
    while len(found) < 300:
        before = len(found)
        found.update([await row.get_attribute("data-call-id") or "" for row in await rows.all()])
        assert len(found) > before
        place = await rows.last.get_attribute("data-place")
        await rows.last.scroll_into_view_if_needed()
        if place != "299":
            await expect(page.locator(f'[data-place="{int(place or 0) + 1}"]')).to_be_attached()
    # And nothing is left behind.
    assert await page.evaluate(left_over) < nodes + 100


async def test_a_closed_call_leaves_the_focus_on_its_row_wherever_that_is(house: House, screens: Screens) -> None:
    for number in range(100):
        await house.phone(f"c-{number}", agent=f"desk-{number}")
    page = await screens.board(width=1440, height=800)
    await expect(page.get_by_test_id("call-count")).to_have_text("100")
    await page.goto(f"{house.url}/board#call=c-3")
    await page.reload()
    await expect(page.get_by_test_id("panel")).to_be_visible()
    await expect(page.get_by_test_id("call-count")).to_have_text("100")
    await page.keyboard.press("Tab")
    await page.get_by_test_id("panel-close").focus()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Open the call of desk-3", exact=True)).to_be_focused()
    await expect(page.locator('[data-call-id="c-3"]')).to_be_in_viewport()


async def test_the_focus_stays_on_a_row_out_of_sight_whose_call_ends(house: House, screens: Screens) -> None:
    phones = [await house.phone(f"c-{number}", agent=f"desk-{number}") for number in range(120)]
    page = await screens.board(width=1440, height=800)
    await expect(page.get_by_test_id("call-count")).to_have_text("120")
    first = page.get_by_test_id("board-row").first
    call = await first.get_attribute("data-call-id") or ""
    await first.get_by_role("button").focus()
    await page.mouse.move(700, 600)
    await page.mouse.wheel(0, 100_000)
    await expect(page.locator('[data-place="119"]')).to_be_in_viewport()
    await phones[int(call.removeprefix("c-"))].ends()
    await expect(page.get_by_test_id("call-count")).to_have_text("119")
    row = page.locator(f'[data-testid="board-row"][data-call-id="{call}"]')
    await expect(row).to_contain_text("Call ended")
    await expect(row.get_by_role("button")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.locator('[data-place="1"]').get_by_role("button")).to_be_focused()
    await expect(row).to_have_count(0)


async def test_a_board_that_is_told_anew_keeps_its_rows_meanwhile_and_nothing_is_missing_after(
    house: House, screens: Screens
) -> None:
    """With more calls than one frame holds; those that ended and began while the connection was lost, too."""
    phones = [await house.phone(f"c-{number}", agent=f"desk-{number}") for number in range(150)]
    page = await screens.board(width=1440, height=800)
    count = page.get_by_test_id("call-count")
    await expect(count).to_have_text("150")
    await page.evaluate(
        """() => {
          const count = () => document.querySelector("rtig-board").size;
          window.fewest_ = count();
          const look = () => { window.fewest_ = Math.min(window.fewest_, count()); requestAnimationFrame(look); };
          look();
        }"""
    )
    with screens.forgive("ERR_INTERNET_DISCONNECTED", "WebSocket connection"):
        await page.context.set_offline(True)
        await expect(page.get_by_test_id("banner")).to_have_text("Connection lost, retrying")
        await expect(count).to_have_text("150")
        await phones[7].ends()
        for number in (150, 151):
            await house.phone(f"c-{number}", agent=f"desk-{number}")
        await page.context.set_offline(False)
        await expect(page.get_by_test_id("banner")).to_have_count(0)
    await expect(count).to_have_text("151")
    assert await page.evaluate("window.fewest_") >= 149
    await page.get_by_test_id("filter").fill("desk-7")
    await expect(page.locator('[data-call-id="c-7"]')).to_have_count(0)
    await expect(page.locator('[data-call-id="c-70"]')).to_have_count(1)


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


async def test_the_filter_is_in_the_address_and_the_back_button_knows_it(house: House, screens: Screens) -> None:
    phones = [
        await house.phone(f"c-{number}", agent=f"desk-{number}", queue=queue)
        for number, queue in ((1, "billing"), (2, "faults"), (3, "billing"))
    ]
    await say(phones[0], *CRITICAL)
    await say(phones[1], *FRUSTRATED)
    page = await screens.board(width=1440)
    await order(page, "c-1", "c-2", "c-3")
    await page.get_by_test_id("queue").select_option("billing")
    await order(page, "c-1", "c-3")
    await expect(page).to_have_url(f"{house.url}/board?queue=billing")
    await page.locator('[data-testid="band-count"][data-band="critical"]').click()
    await order(page, "c-1")
    await expect(page).to_have_url(f"{house.url}/board?queue=billing&band=critical")
    await expect(page.get_by_test_id("call-count")).to_have_text("1 of 3")
    await page.get_by_test_id("board-row").click()
    await expect(page).to_have_url(f"{house.url}/board?queue=billing&band=critical#call=c-1")
    # A colleague with the link sees the same, and needs a key of their own.
    other = await screens.board(width=1440)
    await other.goto(page.url)
    await order(other, "c-1")
    await expect(other.get_by_test_id("panel")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_test_id("panel")).to_have_count(0)
    await page.go_back()
    await order(page, "c-1", "c-3")
    await expect(page.get_by_test_id("queue")).to_have_value("billing")
    await page.go_back()
    await order(page, "c-1", "c-2", "c-3")
    await expect(page.get_by_test_id("queue")).to_have_value("")
    await page.go_forward()
    await page.go_forward()
    await order(page, "c-1")
    await page.get_by_test_id("clear").click()
    await order(page, "c-1", "c-2", "c-3")
    await expect(page).to_have_url(f"{house.url}/board")


async def test_choices_may_be_typed(house: House, screens: Screens) -> None:
    for number, queue in ((1, "billing"), (10, "sales north")):
        await house.phone(f"c-{number}", agent=f"desk-{number}", queue=queue)
    page = await screens.board(width=1440)
    field = page.get_by_test_id("filter")
    await field.press_sequentially("agent:desk-1 ")
    await order(page, "c-1")
    await expect(field).to_have_value("")
    await expect(page.get_by_test_id("chosen-agent")).to_contain_text("desk-1")
    await expect(page).to_have_url(f"{house.url}/board?agent=desk-1")
    await page.get_by_test_id("chosen-agent").click()
    await order(page, "c-10", "c-1")
    await field.press_sequentially('queue:"sales north"')
    await order(page, "c-10")
    await expect(page.get_by_test_id("queue")).to_have_value("sales north")
    await page.go_back()
    await order(page, "c-10", "c-1")
    await field.fill("band:critical")
    await field.press("Enter")
    await expect(page.get_by_test_id("empty")).to_contain_text("No call matches")
    await expect(page.locator('[data-testid="band-count"][data-band="critical"]')).to_have_attribute(
        "aria-pressed", "true"
    )
