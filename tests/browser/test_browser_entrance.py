"""Getting in: keys, the sign-in form, signing out, other tenants, and what a page may ask of whom."""

import pytest
from playwright.async_api import expect
from stage import House, Screens, key

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_key_in_the_fragment_signs_in_and_leaves_the_address_bar(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.agent()
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-1")
    assert page.url == f"{house.url}/agent#agent=desk-1"
    # A reload has no key in its address and still signs in.
    await page.reload()
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-1")
    assert await page.evaluate("[localStorage.length, document.cookie, history.length]") == [0, "", 2]


async def test_without_a_key_the_form_asks_for_one_and_says_when_it_is_wrong(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.blank()
    await page.goto(f"{house.url}/agent#agent=desk-1")
    field = page.get_by_label("Access key")
    sign_in = page.get_by_role("button", name="Sign in")
    await sign_in.click()
    await expect(page.get_by_role("alert")).to_have_text("Paste the key first.")
    with screens.forgive("401"):
        await field.fill("not-the-key")
        await sign_in.click()
        await expect(page.get_by_role("alert")).to_have_text("The access key is not accepted. Please sign in again.")
    await expect(field).to_have_value("")
    await field.fill(f"  {key('acme', 'agent')} ")
    await field.press("Enter")
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-1")


async def test_the_whole_printed_address_may_be_pasted_into_the_form(house: House, screens: Screens) -> None:
    page = await screens.blank()
    await page.goto(f"{house.url}/board")
    await page.get_by_label("Access key").fill(f"{house.url}/board#key={key('acme', 'supervisor')}")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_test_id("empty")).to_contain_text("No live calls")


async def test_signing_out_leaves_nothing_of_the_calls(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled")
    page = await screens.agent()
    await expect(page.get_by_test_id("card")).to_be_visible()
    await page.get_by_test_id("sign-out").click()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    await expect(page.get_by_test_id("line")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_test_id("sign-in")).to_be_visible()


async def test_the_next_person_at_the_same_page_sees_nothing_of_the_last_ones_calls(
    house: House, screens: Screens
) -> None:
    await house.phone("c-1")
    agent, board = await screens.agent(), await screens.board()
    await board.get_by_test_id("board-row").click()
    for page, role in ((agent, "agent"), (board, "supervisor")):
        await page.get_by_test_id("sign-out").click()
        await page.get_by_label("Access key").fill(key("zenith", role))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_test_id("connected")).to_be_visible()
        await expect(page.get_by_test_id("empty")).to_be_visible()
        await expect(page.locator("body")).not_to_contain_text("account-of-c-1")


async def test_an_agents_key_does_not_open_the_board(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.blank()
    with screens.forgive("403"):
        await page.goto(f"{house.url}/board#key={key('acme', 'agent')}")
        await expect(page.get_by_test_id("banner")).to_contain_text("does not allow that")
    await expect(page.get_by_test_id("board-row")).to_have_count(0)


async def test_another_tenant_sees_nothing(house: House, screens: Screens) -> None:
    ours = await house.phone("c-1")
    await ours.says("customer", "my bill has doubled")
    agent, board = await screens.agent(tenant="zenith"), await screens.board(tenant="zenith")
    theirs = await house.phone("c-2", tenant="zenith")
    await theirs.says("customer", "good morning")
    # Their own call has come, so ours would have.
    await expect(agent.get_by_test_id("call-title")).to_have_text("account-of-c-2")
    await expect(agent.get_by_test_id("switcher")).to_have_count(0)
    await expect(board.get_by_test_id("board-row")).to_have_attribute("data-call-id", "c-2")
    # Nor does asking for it by its name help.
    await agent.goto(f"{house.url}/agent#agent=desk-1&call=c-1")
    await agent.reload()
    await expect(agent.get_by_test_id("call-title")).to_have_text("account-of-c-2")
    await expect(agent.locator("body")).not_to_contain_text("doubled")


@pytest.mark.parametrize("path", ["agent", "board", "author"])
async def test_the_content_policy_stops_what_does_not_belong_to_the_page(
    house: House, screens: Screens, path: str
) -> None:
    page = await screens.blank()
    await page.goto(f"{house.url}/{path}")
    await expect(page.get_by_test_id("sign-in")).to_be_visible()
    with screens.forgive("content policy", "Content Security Policy", "Failed to load", "Refused"):
        stopped = await page.evaluate(
            """async () => {
                const stopped = [];
                addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
                const add = (name, more) => document.body.append(Object.assign(document.createElement(name), more));
                add("script", { textContent: "window.slipped = true" });
                add("style", { textContent: "body { color: red }" });
                add("img", { src: "http://elsewhere.invalid/pixel.png" });
                add("iframe", { src: "http://elsewhere.invalid/" });
                await fetch("http://elsewhere.invalid/").catch(() => {});
                try { new WebSocket("ws://elsewhere.invalid/"); } catch {}
                while (stopped.length < 6) await new Promise((next) => setTimeout(next, 10));
                return [window.slipped === undefined, ...new Set(stopped)].map(String).sort();
            }"""
        )
    assert stopped == ["connect-src", "frame-src", "img-src", "script-src-elem", "style-src-elem", "true"]
    screens.complaints[:] = [said for said in screens.complaints if "elsewhere.invalid" not in said]
