"""axe-core finds nothing on any page, narrow and wide, light, dark and in forced colours, and nothing is too wide."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import pytest
from playwright.async_api import Locator, Page, expect
from stage import AXE, OPERATORS_KEY, House, Screens, key

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

AUDIT = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations.map(
  (found) => [found.id, found.help, ...found.nodes.slice(0, 3).map((node) => node.target.flat().join(" "))])"""
Scheme = Literal["light", "dark"]
Look = tuple[int, int, Scheme]
NARROW: list[Look] = [(320, 700, "light"), (320, 700, "dark")]
LOOKS: list[Look] = [*NARROW, (1440, 800, "light"), (1440, 800, "dark")]


async def audit(page: Page, ready: str, looks: Sequence[Look] = LOOKS) -> None:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8") + "; undefined")
    found: dict[str, Any] = {}

    async def look(width: int, height: int, scheme: Scheme, forced: Literal["active", "none"]) -> None:
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme=scheme, forced_colors=forced)
        await expect(page.get_by_test_id(ready).first).to_be_visible()
        if violations := await page.evaluate(AUDIT):
            found[f"{width} {scheme} {forced}"] = violations
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} pixels too wide at {width}"

    for width, height, scheme in looks:
        await look(width, height, scheme, "none")
    await look(*looks[0], "active")
    await page.emulate_media(forced_colors="none")
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


async def test_what_a_lost_connection_leaves(house: House, screens: Screens) -> None:
    """The banner, and behind it what was last known."""
    phone, agent = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", "the third time I call and my bill has doubled")
    await expect(agent.get_by_test_id("card")).to_be_visible()
    board, wall, author = await screens.board(), await screens.blank(), await screens.author()
    await board.get_by_test_id("board-row").click()
    await expect(board.get_by_test_id("panel").get_by_test_id("card")).to_be_visible()
    await wall.goto(f"{house.url}/board?wall#key={key('acme', 'supervisor')}")
    await expect(wall.get_by_test_id("wall-count")).to_have_text("1")
    operator = await screens.blank()
    await operator.goto(f"{house.url}/latency#key={OPERATORS_KEY}")
    await expect(operator.get_by_test_id("live-calls")).to_have_text("1")
    with screens.forgive("WebSocket", "ERR_CONNECTION_REFUSED"):
        await house.close()
        await audit(agent, "banner")
        await expect(agent.get_by_test_id("card")).to_be_visible()
        await audit(board, "banner")
        await audit(wall, "wall-lost")
        await audit(author, "banner")
        await expect(operator.get_by_test_id("verdict")).to_contain_text("cannot be reached")
        await audit(operator, "verdict")
        await house.open()
        await expect(agent.get_by_test_id("banner")).to_have_count(0)


async def test_what_cannot_be_had(house: House, screens: Screens) -> None:
    """A wrong key, a key of another role, a call that nobody knows, and a filter that lets nothing through."""
    page = await screens.blank()
    with screens.forgive("401", "403"):
        await page.goto(f"{house.url}/agent#key=wrong")
        await expect(page.get_by_role("alert")).to_contain_text("not accepted")
        await audit(page, "sign-in")
        page = await screens.blank()
        await page.goto(f"{house.url}/agent#key={key('acme', 'source')}&agent=desk-1")
        await expect(page.get_by_test_id("empty")).to_contain_text("Not connected")
        await audit(page, "banner")
        page = await screens.blank()
        await page.goto(f"{house.url}/author#key={key('acme', 'agent')}")
        await audit(page, "banner")
    await house.phone("c-1")
    page = await screens.blank(width=1440)
    await page.goto(f"{house.url}/board#key={key('acme', 'supervisor')}&call=unknown")
    await expect(page.get_by_test_id("call-ended")).to_have_text("Not known")
    await audit(page, "call-unknown")
    await page.goto(f"{house.url}/board?queue=nobody#key={key('acme', 'supervisor')}")
    await expect(page.get_by_test_id("empty")).to_contain_text("No call matches")
    await audit(page, "empty")


async def test_a_word_from_a_supervisor_and_one_call_of_two(house: House, screens: Screens) -> None:
    await house.phone("c-0")
    await house.phone("c-1")
    agent, board = await screens.agent(), await screens.board(width=1440)
    await board.locator('[data-testid="board-row"][data-call-id="c-1"]').click()
    await board.get_by_test_id("whisper-text").fill("offer them the later date")
    await board.get_by_test_id("whisper-send").click()
    await audit(agent, "whisper")
    await expect(agent.get_by_test_id("switcher")).to_be_visible()
    await expect(board.get_by_test_id("whisper-state")).to_have_text("Sent.")
    await audit(board, "whisper-state")


# --- in forced colours, where no colour is ours


async def changes(page: Page, part: Locator, what: Callable[[], Awaitable[None]], but: str = "") -> None:
    """It is an error where a part of the page looks after `what` as it did before, what `but` finds in it aside."""
    aside = [part.locator(but)] if but else None
    await page.mouse.move(0, 0)
    before = await part.screenshot(mask=aside)
    await what()
    await page.mouse.move(0, 0)
    assert await part.screenshot(mask=aside) != before


async def test_what_is_chosen_and_focused_is_seen_without_our_colours(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "had enough of this the third time I call so my bill has doubled")
    page = await screens.agent()
    await page.emulate_media(forced_colors="active")
    for name in ("card-useful", "card-pin", "quiet"):
        part = page.get_by_test_id(name)
        await changes(page, part, part.click)
    await page.get_by_test_id("search").focus()
    await changes(page, page.locator("header"), lambda: page.keyboard.press("Shift+Tab"))
    board = await screens.board(width=1440)
    await board.emulate_media(forced_colors="active")
    row = board.get_by_test_id("board-row")
    await changes(board, row, row.click, but="td:not(.agent)")
    chip = board.locator('[data-testid="band-count"][data-band="critical"]')
    await changes(board, chip, chip.click)
    operator = await screens.blank()
    await operator.goto(f"{house.url}/latency#key={OPERATORS_KEY}")
    await operator.emulate_media(forced_colors="active")
    start = operator.get_by_role("button", name="Since the start")
    await changes(operator, start, start.click)
    author = await screens.author(width=400)
    await author.emulate_media(forced_colors="active")
    await changes(author, author.get_by_test_id("nav-gaps"), author.get_by_test_id("nav-gaps").click)
