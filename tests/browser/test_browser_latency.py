"""The operator's page: whether the server is well, in words, and the figures behind it, while calls go on."""

import re

import pytest
from playwright.async_api import expect
from stage import OPERATORS_KEY, House, Screens, key
from test_browser_accessibility import audit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_an_operator_sees_how_long_cards_take_while_they_come(house: House, screens: Screens) -> None:
    agent = await screens.agent()
    phone = await house.phone("c-1")
    page = await screens.blank(width=1440)
    await page.goto(f"{house.url}/latency#key={OPERATORS_KEY}")
    verdict, total = page.get_by_test_id("verdict"), page.locator('[data-stage="total"]')
    await expect(verdict).to_have_text("No card was timed yet; the model lane is off.")
    assert OPERATORS_KEY not in page.url
    await expect(page.get_by_test_id("live-calls")).to_have_text("1")
    await expect(page.get_by_test_id("connections")).to_contain_text("1 agent, 1 source")
    await phone.says("customer", "my bill has doubled")
    await expect(agent.get_by_test_id("card")).to_be_visible()
    await expect(total.get_by_test_id("timed")).to_have_text("1")
    took = await total.get_by_test_id("p99").inner_text()
    assert re.fullmatch(r"[\d.]+ (µs|ms|s)", took)
    # How long it took is the machine's affair; that the sentence and the table say the same is ours.
    await expect(verdict).to_have_text(
        re.compile(
            rf"Cards (leave within {took} for 99 of 100 fragments; the model lane is off|are slow: .* {took} .*)\."
        )
    )
    await expect(total.locator("svg rect")).to_have_count(1)
    await page.get_by_role("button", name="Since the start").click()
    await expect(total.get_by_test_id("timed")).to_have_text("1")
    await audit(page, "verdict")


async def test_what_is_refused_is_shown_by_its_code(house: House, screens: Screens) -> None:
    page = await screens.blank(width=1440)
    await page.goto(f"{house.url}/latency#key={OPERATORS_KEY}")
    await expect(page.locator('[data-loss="refused"]')).to_contain_text("none lately")
    agent = await screens.blank()
    with screens.forgive("401"):
        await agent.goto(f"{house.url}/latency#key=wrong")
        await expect(agent.get_by_test_id("sign-in")).to_contain_text("The access key is not accepted.")
    await expect(page.get_by_test_id("codes")).to_contain_text("unauthenticated 1")
    await expect(page.locator('[data-loss="refused"]')).to_contain_text("1 in the last minute")
    await expect(page.get_by_test_id("verdict")).to_have_attribute("data-level", "calm")


async def test_a_key_of_another_role_is_asked_for_again(house: House, screens: Screens) -> None:
    page = await screens.blank()
    with screens.forgive("401", "403"):
        await page.goto(f"{house.url}/latency")
        await expect(page.get_by_test_id("sign-in")).to_be_visible()
        await page.get_by_label("Access key").fill(key("acme", "supervisor"))
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("sign-in")).to_contain_text("does not allow that")
    await audit(page, "sign-in")
    await page.get_by_label("Access key").fill(OPERATORS_KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("verdict")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("verdict")).to_be_visible()


async def test_a_server_that_is_gone_is_said_to_be(house: House, screens: Screens) -> None:
    page = await screens.blank()
    await page.goto(f"{house.url}/latency#key={OPERATORS_KEY}")
    await expect(page.get_by_test_id("verdict")).to_have_attribute("data-level", "calm")
    with screens.forgive("ERR_CONNECTION_REFUSED"):
        await house.close()
        await expect(page.get_by_test_id("verdict")).to_contain_text("it cannot be reached.")
        await expect(page).to_have_title("(!) Latency · rtig")
        await house.open()
        await expect(page.get_by_test_id("verdict")).to_have_attribute("data-level", "calm")
