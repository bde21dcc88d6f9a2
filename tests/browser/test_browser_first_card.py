"""What stands between an agent and the first card: few requests, packed, all of the page's own server."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Request, WebSocket, expect
from stage import House, Screens, key

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NEEDED = [
    r"GET /agent",
    r"GET /assets/agent-[\w-]+\.js",
    r"GET /assets/agent-[\w-]+\.css",
    r"POST /api/ticket",
    r"SOCKET /ws",
]
"""In this order, but that script and style may change places. Another one delays every first card: is it needed?"""
OPACITY = """() => { window.opacities = []; addEventListener("rtig-painted", () => {
  const card = document.querySelector("rtig-sidebar").shadowRoot.querySelector("rtig-card");
  opacities.push(getComputedStyle(card.shadowRoot.querySelector("article")).opacity);
}); }"""


async def test_the_first_card_needs_five_requests_of_one_server(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled")
    page = await screens.blank()
    asked: list[str] = []
    servers: set[str] = set()

    def note(method: str, url: str) -> None:
        address = urlsplit(url)
        if address.scheme == "data":  # the icon
            return
        asked.append(f"{method} {address.path}")
        servers.add(address.netloc)

    def request(it: Request) -> None:
        note(it.method, it.url)

    def socket(it: WebSocket) -> None:
        note("SOCKET", it.url)

    page.on("request", request)
    page.on("websocket", socket)
    async with page.expect_response(re.compile(r"/assets/.*\.js$")) as script:
        await page.goto(f"{house.url}/agent#key={key('acme', 'agent')}&agent=desk-1")
    await expect(page.get_by_test_id("card")).to_be_visible()
    assert servers == {urlsplit(house.url).netloc}
    assert asked[0] == "GET /agent"
    assert asked[3:] == ["POST /api/ticket", "SOCKET /ws"]
    assert [sum(bool(re.fullmatch(each, one)) for one in asked) for each in NEEDED] == [1] * len(NEEDED)
    assert (await (await script.value).all_headers())["content-encoding"] in ("br", "gzip")


async def test_a_card_can_be_read_in_its_first_frame(house: House, screens: Screens) -> None:
    page = await screens.agent()
    await page.emulate_media(reduced_motion="no-preference")
    await page.evaluate(OPACITY)
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled")
    await page.wait_for_function("() => opacities.length")
    assert await page.evaluate("opacities[0]") == "1"
