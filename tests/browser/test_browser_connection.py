"""A connection that is lost and comes back: a quiet banner, the last state stays, then nothing is missing or twice."""

import pytest
from playwright.async_api import Page, expect
from stage import House, Screens

from rtig.core.events import CardAnswered, Whispered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NETWORK = ("ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "WebSocket connection", "503")


async def lines(page: Page, *texts: str) -> None:
    """Wait until the transcript is exactly this."""
    await expect(page.get_by_test_id("line").locator(".line")).to_have_text(list(texts))


async def test_a_lost_network_leaves_everything_in_place_and_nothing_is_missing_after(
    house: House, screens: Screens
) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", "so my bill has doubled")
    name = await phone.is_saying("customer", "and the")
    await lines(page, "so my bill has doubled", "and the …")
    await expect(page.get_by_test_id("card")).to_be_visible()
    before = await page.get_by_test_id("cards").bounding_box()
    with screens.forgive(*NETWORK):
        await page.context.set_offline(True)
        banner = page.get_by_test_id("banner")
        await expect(banner).to_have_text("Connection lost, retrying")
        await lines(page, "so my bill has doubled", "and the …")
        assert await page.get_by_test_id("cards").bounding_box() == before
        await phone.said(name, "customer", "and the lights are red")
        await phone.says("customer", "hello", later=4)
        await page.context.set_offline(False)
        await expect(banner).to_have_count(0)
    await lines(page, "so my bill has doubled", "and the lights are red", "hello")
    await expect(page.get_by_test_id("card-title")).to_have_text(
        ["What the lights of the router mean", "Why a bill is higher than expected"]
    )
    await phone.says("customer", "are you there")
    await lines(page, "so my bill has doubled", "and the lights are red", "hello", "are you there")


async def test_a_server_that_was_away_for_a_while(house: House, screens: Screens) -> None:
    """The same log on the same port: the pages come back by themselves, and bring what was done meanwhile."""
    phone = await house.phone("c-1")
    await house.phone("c-2", agent="desk-2")
    agent, board = await screens.agent(clock=True), await screens.board(width=1440)
    await phone.says("agent", "thanks for calling")
    await phone.says("customer", "so my bill has doubled this is the third time I call")
    await board.locator('[data-call-id="c-1"]').click()
    said = ["thanks for calling", "so my bill has doubled this is the third time I call"]
    for page in (agent, board):
        await lines(page, *said)
    with screens.forgive(*NETWORK):
        await house.close()
        for page in (agent, board):
            await expect(page.get_by_test_id("banner")).to_contain_text("retrying")
            await lines(page, *said)
            await expect(page.get_by_test_id("card")).to_have_count(1)
        # One comes back by itself, the other, whose time stands still, when it is told to.
        await agent.clock.pause_at(await agent.evaluate("Date.now() / 1000 + 1"))
        await expect(board.get_by_test_id("board-row")).to_have_count(2)
        await agent.get_by_test_id("card-useful").click()
        await board.get_by_test_id("whisper-text").fill("Well done.")
        await board.get_by_test_id("whisper-send").click()
        await expect(board.get_by_test_id("whisper-state")).to_have_text("Goes out when the connection is back.")
        await house.open()
        await agent.get_by_role("button", name="Try now").click()
        await expect(agent.get_by_test_id("connected")).to_be_visible()
        await agent.clock.resume()
        await expect(board.get_by_test_id("connected")).to_be_visible()
    await phone.says("customer", "the lights are red", later=4)
    for page in (agent, board):
        await lines(page, *said, "the lights are red")
        await expect(page.get_by_test_id("card")).to_have_count(2)
    await expect(agent.get_by_test_id("whisper")).to_have_count(1)
    await expect(agent.get_by_test_id("checklist").first).to_contain_text("1 of 2")
    await expect(board.get_by_test_id("board-row")).to_have_count(2)
    await expect(board.get_by_test_id("whisper-state")).to_have_text("Sent.")
    await house.logbook.first(CardAnswered, lambda answer: answer.action == "useful")
    kinds = [type(event) for event in house.logbook.events]
    assert (kinds.count(CardAnswered), kinds.count(Whispered)) == (1, 1)
