"""The extension in a real Chromium: set up once, then a live card in its panel beside another page."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, async_playwright, expect
from stage import ARGUMENTS, PATIENCE_SECONDS, REPOSITORY, House, chromium, key, missing_matters
from test_browser_accessibility import audit

from rtig.core.playbook import Playbook

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

BUILT = REPOSITORY / "extension" / "dist"
MANIFEST = json.loads((REPOSITORY / "extension" / "public" / "manifest.json").read_text("utf-8"))
IDENTITY = "".join(chr(ord("a") + int(digit, 16)) for digit in sha256(b64decode(MANIFEST["key"])).hexdigest()[:32])
"""As Chromium makes it from the key."""
ORIGIN = f"chrome-extension://{IDENTITY}"


@pytest_asyncio.fixture(loop_scope="session")
async def house(book: Playbook, tmp_path: Path) -> AsyncIterator[House]:
    house = House(book, tmp_path, allowed_origins=(ORIGIN,))
    await house.open()
    yield house
    await house.leave()


@pytest_asyncio.fixture(loop_scope="session")
async def profile(tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """A browser with the extension and nothing else."""
    assert (BUILT / "manifest.json").is_file(), "The extension has not been built: run `make pages`."
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    async with async_playwright() as playwright:
        path = chromium(playwright)
        if path is None and not missing_matters():
            pytest.skip("There is no Chromium; install Debian's `chromium`, or run `playwright install chromium`.")
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=path,
            headless=False,  # Playwright's own flag would switch extensions off; ours keeps them
            args=[*ARGUMENTS, f"--disable-extensions-except={BUILT}", f"--load-extension={BUILT}"],
            viewport={"width": 400, "height": 860},
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        yield context
        await context.close()


async def set_up(profile: BrowserContext, house: House, agents_key: str = key("acme", "agent")) -> Page:
    """The options, saved."""
    options = await profile.new_page()
    await options.goto(f"{ORIGIN}/options.html")
    await options.get_by_label("Address of the server").fill(f"{house.url}/agent")
    await options.get_by_label("Your desk").fill("desk-1")
    await options.get_by_label("Access key").fill(agents_key)
    await options.get_by_role("button", name="Save").click()
    return options


async def test_a_live_card_is_in_the_panel_beside_another_page(house: House, profile: BrowserContext) -> None:
    crm = profile.pages[0]
    await crm.goto(f"{house.url}/healthz")
    panel = await profile.new_page()
    await panel.goto(f"{ORIGIN}/panel.html")
    await expect(panel.get_by_test_id("setup")).to_be_visible()
    await audit(panel, "setup", [(400, 860, "light"), (400, 860, "dark")])
    options = await set_up(profile, house)
    await expect(options.get_by_role("status")).to_contain_text("Saved.")
    await audit(options, "origin")
    await expect(panel.get_by_test_id("connected")).to_have_text("Connected · desk-1")
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled")
    card = panel.get_by_test_id("card")
    await expect(card).to_contain_text("Let me look at what changed since your last bill")
    await card.get_by_test_id("card-useful").click()
    await expect(card.get_by_test_id("card-useful")).to_have_attribute("aria-pressed", "true")
    await audit(panel, "card", [(320, 860, "light"), (400, 860, "dark")])
    assert (await crm.inner_text("body")).strip() == "ok", "the other page is as it was"


OPENED_BY_A_CLICK = """async () => {
  const { id } = await chrome.windows.getCurrent();
  addEventListener("click", () => chrome.sidePanel.open({ windowId: id }), { once: true });
}"""
IN_THE_SIDE_PANEL = """async () => {
  for (;;) {
    const [shown] = await chrome.runtime.getContexts({ contextTypes: ["SIDE_PANEL"] });
    const panel = chrome.extension.getViews().find((view) => view.location.href === shown?.documentUrl);
    const card = panel?.document.querySelector("rtig-sidebar")?.shadowRoot?.querySelector("rtig-card");
    const title = card?.shadowRoot?.querySelector("[data-testid=card-title]");
    if (title) return title.textContent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}"""
"""Waits by itself: Playwright's own waiting takes the promise of a yes for a yes."""


async def test_the_browsers_own_side_panel_shows_it_beside_the_page_in_front(
    house: House, profile: BrowserContext
) -> None:
    """Only a click may open it, and no test can drive what is in it; another page of the extension can look into it."""
    crm, options = profile.pages[0], await set_up(profile, house)
    await expect(options.get_by_role("status")).to_contain_text("Saved.")
    await options.evaluate(OPENED_BY_A_CLICK)
    await options.get_by_role("status").click()
    await crm.goto(f"{house.url}/healthz")
    await crm.bring_to_front()
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled")
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await options.evaluate(IN_THE_SIDE_PANEL) == "Why a bill is higher than expected"


async def test_a_wrong_key_is_not_kept_and_why_is_said(house: House, profile: BrowserContext) -> None:
    options = await set_up(profile, house, "wrong")
    await expect(options.get_by_role("status")).to_have_text("Not saved. The server does not accept this access key.")
    await options.get_by_label("Address of the server").fill("http://rtig.example")
    await options.get_by_role("button", name="Save").click()
    await expect(options.get_by_role("status")).to_contain_text("must begin with https://")
    assert await options.evaluate("chrome.storage.local.get()") == {}


async def test_the_key_is_kept_only_if_so_wished(house: House, profile: BrowserContext) -> None:
    options = await set_up(profile, house)
    await expect(options.get_by_role("status")).to_contain_text("Saved.")
    assert sorted(await options.evaluate("chrome.storage.local.get()")) == ["agent", "server"]
    assert await options.evaluate("chrome.storage.session.get()") == {"key": key("acme", "agent")}
    await options.get_by_label("Keep the key").check()
    await options.get_by_role("button", name="Save").click()
    await expect(options.get_by_role("status")).to_contain_text("Saved.")
    await options.reload()
    await expect(options.get_by_label("Keep the key")).to_be_checked()
    assert await options.evaluate("chrome.storage.session.get()") == {}


async def test_the_server_must_allow_the_extension(book: Playbook, tmp_path: Path, profile: BrowserContext) -> None:
    house = House(book, tmp_path)
    await house.open()
    options = await set_up(profile, house)
    await expect(options.get_by_role("status")).to_contain_text(f"allowed_origins does not name {ORIGIN}")
    await house.leave()


async def test_it_asks_for_as_little_as_it_can() -> None:
    assert MANIFEST["permissions"] == ["sidePanel", "storage"]
    assert not {"host_permissions", "optional_host_permissions", "content_scripts"} & set(MANIFEST)
    assert "unsafe" not in MANIFEST["content_security_policy"]["extension_pages"]
    assert ORIGIN in (REPOSITORY / "extension" / "README.md").read_text("utf-8")


async def test_no_code_in_it_is_from_elsewhere() -> None:
    for page in ("panel.html", "options.html"):
        text = (BUILT / page).read_text("utf-8")
        assert 'src="./' in text
        assert "http" not in text.replace("https://rtig.example", "")
