"""rtig in a page of another origin: as an element that the page's own server has tickets for, and in a frame."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from stage import REPOSITORY, House, Screens, key
from test_browser_accessibility import audit

from rtig.core.playbook import Playbook

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

EXAMPLE = (REPOSITORY / "docs" / "embedding.html").read_text("utf-8")
AS_IN_THE_EXAMPLE = "http://127.0.0.1:8765"
FRAME = """<!doctype html><html lang="en"><title>Frame</title><ul id="notes"></ul>
<iframe title="Guidance" src="{rtig}/agent#agent=desk-1" style="width:400px;height:800px"></iframe><script>
addEventListener("message", ({ origin, data }) => {
  if (origin !== "{rtig}") return;
  notes.append(Object.assign(document.createElement("li"), { textContent: JSON.stringify(data) }));
});
</script></html>"""
BOTH = """<!doctype html><html lang="en"><title>Both</title>
<script type="module" src="{rtig}/embed/rtig-sidebar.js"></script>
<script type="module" src="{rtig}/embed/rtig-board.js"></script>
<rtig-sidebar agent="desk-1" style="height:400px"></rtig-sidebar>
<rtig-board agent="Eve" style="height:400px"></rtig-board><script type="module">
const ticket = (role) => async () => (await (await fetch("/rtig-ticket?" + role, { method: "POST" })).json()).ticket;
document.querySelector("rtig-sidebar").ticket = ticket("agent");
document.querySelector("rtig-board").ticket = ticket("supervisor");
window.alerts = [];
document.querySelector("rtig-board").addEventListener("rtig-alert", ({ detail }) => alerts.push(detail.alert.title));
</script></html>"""


class Crm:
    """Another server: some pages, and tickets for whoever asks. `rtig` is where ours is."""

    def __init__(self) -> None:
        self.rtig = ""
        self.tickets = 0
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages = {
                    "/record": EXAMPLE.replace(AS_IN_THE_EXAMPLE, crm.rtig),
                    "/frame": FRAME.replace("{rtig}", crm.rtig),
                    "/both": BOTH.replace("{rtig}", crm.rtig),
                }
                self._answer("text/html; charset=utf-8", pages.get(self.path, "").encode())

            def do_POST(self) -> None:
                role = self.path.partition("?")[2] or "agent"
                wanted = Request(
                    f"{crm.rtig}/api/ticket",
                    json.dumps({"role": role}).encode(),
                    {"Authorization": f"Bearer {key('acme', role)}"},
                )
                crm.tickets += 1
                try:
                    with urlopen(wanted) as answer:
                        self._answer("application/json", answer.read())
                except OSError:
                    self.send_error(502)

            def _answer(self, kind: str, body: bytes) -> None:
                self.send_response(200 if body else 204)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def serving(self) -> Iterator["Crm"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        yield self
        self._server.shutdown()
        thread.join()
        self._server.server_close()


@pytest.fixture
def crm() -> Iterator[Crm]:
    with Crm().serving() as crm:
        yield crm


@pytest.fixture
def stranger() -> Iterator[Crm]:
    """A server whose origin is not allowed."""
    with Crm().serving() as stranger:
        yield stranger


@pytest_asyncio.fixture(loop_scope="session")
async def house(book: Playbook, tmp_path: Path, crm: Crm) -> AsyncIterator[House]:
    house = House(book, tmp_path, allowed_origins=(crm.url,))
    await house.open()
    crm.rtig = house.url
    yield house
    await house.leave()


@pytest_asyncio.fixture(loop_scope="session")
async def screens(browser: Browser, house: House, crm: Crm, stranger: Crm) -> AsyncIterator[Screens]:
    stranger.rtig = house.url
    screens = Screens(browser, house, also=(crm.url, stranger.url))
    yield screens
    await screens.leave()


async def record(screens: Screens, crm: Crm) -> Page:
    page = await screens.blank(width=1440, permissions=["clipboard-read", "clipboard-write"])
    await page.goto(f"{crm.url}/record#key=of-the-crm")
    await expect(page.get_by_test_id("connected")).to_have_text("Connected · desk-1")
    return page


async def test_a_record_shows_a_live_card_and_is_told_what_became_of_it(
    house: House, screens: Screens, crm: Crm
) -> None:
    page = await record(screens, crm)
    notes = page.locator("#notes li")
    await expect(notes).to_have_text(["Guidance: connecting", "Guidance: live"])
    phone = await house.phone("c-1")
    await phone.says("customer", "my bill has doubled")
    card = page.get_by_test_id("card")
    await expect(card).to_contain_text("Let me look at what changed since your last bill")
    await expect(notes.last).to_have_text("Shown: Why a bill is higher than expected")
    await page.get_by_test_id("card-copy").click()
    await expect(page.locator("#notes li", has_text="Copied: Let me look at what changed")).to_be_visible()
    await page.get_by_test_id("card-pin").click()
    await expect(notes.last).to_contain_text("pinned: doubled-bill")
    await page.get_by_test_id("card-pin").click()
    await page.get_by_test_id("card-dismiss").click()
    await page.get_by_test_id("dismiss-known").click()
    await expect(notes.last).to_contain_text("dismissed: doubled-bill")
    await expect(page.locator("#notes li", has_text="pinned")).to_have_count(1)
    await phone.ends()
    await expect(page.locator("#notes li", has_text="Call c-1 is over")).to_be_visible()


async def test_the_element_keeps_to_its_own_place(house: House, screens: Screens, crm: Crm) -> None:
    """It reads no key from the page's address, changes neither address nor title, and is as wide as it is let."""
    await (await house.phone("c-1")).says("customer", "my bill has doubled")
    page = await record(screens, crm)
    await expect(page.get_by_test_id("card")).to_be_visible()
    assert page.url.endswith("#key=of-the-crm")
    await expect(page).to_have_title("Customer record")
    assert await page.evaluate("Object.keys(sessionStorage).filter((name) => name.includes('key'))") == []
    await expect(page.get_by_test_id("sign-out")).to_have_count(0)
    transcript = page.get_by_role("region", name="Transcript")
    side, below = await page.locator("rtig-sidebar").bounding_box(), await transcript.bounding_box()
    assert side is not None
    assert below is not None
    assert (side["width"], below["x"]) == (399, side["x"]), "one column in a wide window"
    await audit(page, "card", [(1440, 800, "light"), (1440, 800, "dark")])


async def test_a_new_ticket_is_asked_for_after_a_loss(house: House, screens: Screens, crm: Crm) -> None:
    page = await record(screens, crm)
    assert crm.tickets == 1
    with screens.forgive("ERR_CONNECTION_REFUSED", "502", "WebSocket"):
        await house.close()
        await expect(page.get_by_test_id("banner")).to_be_visible()
        await house.open()
        await expect(page.get_by_test_id("connected")).to_be_visible()
    assert crm.tickets >= 2
    await (await house.phone("c-1")).says("customer", "my bill has doubled")
    await expect(page.get_by_test_id("card")).to_be_visible()


async def test_the_page_says_which_call_and_whose(house: House, screens: Screens, crm: Crm) -> None:
    await (await house.phone("c-1", agent="desk-1", customer="Smith")).says("customer", "hello there")
    await (await house.phone("c-2", agent="desk-2", customer="Jones")).says("customer", "good morning")
    page = await record(screens, crm)
    title, sidebar = page.get_by_test_id("call-title"), page.locator("rtig-sidebar")
    await expect(title).to_have_text("Smith")
    await sidebar.evaluate("(element) => element.setAttribute('call', 'c-2')")
    await expect(title).to_have_text("Jones")
    await sidebar.evaluate("(element) => element.open('c-1')")
    await expect(title).to_have_text("Smith")
    await sidebar.evaluate("(element) => { element.removeAttribute('call'); element.agent = 'desk-2'; }")
    await expect(title).to_have_text("Jones")
    await expect(page.get_by_test_id("switcher")).to_have_count(0)


async def test_both_modules_live_in_one_page(house: House, screens: Screens, crm: Crm) -> None:
    phone = await house.phone("c-1")
    page = await screens.blank(width=1440)
    await page.goto(f"{crm.url}/both")
    sidebar, board = page.locator("rtig-sidebar"), page.locator("rtig-board")
    await expect(board.get_by_test_id("board-row")).to_have_count(1)
    await phone.says("customer", "my bill has doubled")
    await expect(sidebar.get_by_test_id("card")).to_be_visible()
    await board.get_by_test_id("board-row").click()
    await expect(board.get_by_test_id("card")).to_be_visible()
    assert page.url == f"{crm.url}/both"
    await expect(page).to_have_title("Both")


async def test_a_page_of_another_origin_gets_no_module(house: House, screens: Screens, stranger: Crm) -> None:
    page = await screens.blank()
    with screens.forgive("CORS", "ERR_FAILED"):
        await page.goto(f"{stranger.url}/record")
        await expect(page.get_by_role("heading")).to_have_text("Customer record")
        assert not await page.evaluate("Boolean(customElements.get('rtig-sidebar'))")


async def test_a_frame_tells_its_parent_and_is_told_which_call(house: House, screens: Screens, crm: Crm) -> None:
    await (await house.phone("c-0", agent="desk-2", customer="Jones")).says("customer", "good morning")
    page = await screens.blank(width=1000)
    await page.goto(f"{crm.url}/frame")
    frame, notes = page.frame_locator("iframe"), page.locator("#notes")
    await frame.get_by_label("Access key").fill(key("acme", "agent"))
    await frame.get_by_role("button", name="Sign in").click()
    await expect(notes).to_contain_text('{"rtig":"connection","phase":"live","code":""}')
    await (await house.phone("c-1")).says("customer", "my bill has doubled")
    await expect(notes).to_contain_text('"rtig":"card-shown","call_id":"c-1"')
    await page.evaluate("frames[0].postMessage({ rtig: 'open', call_id: 'c-0' }, '*')")
    await expect(frame.get_by_test_id("call-title")).to_have_text("Jones")
    await page.evaluate("frames[0].postMessage({ rtig: 'open', call_id: 'no call' }, '*')")
    await page.evaluate("frames[0].postMessage('open', '*')")
    # Whoever is not the parent is not heard: this is the frame speaking to itself.
    await page.frames[1].evaluate("postMessage({ rtig: 'open', call_id: 'c-1' }, '*')")
    await page.frames[1].evaluate("new Promise((done) => setTimeout(done))")
    await expect(frame.get_by_test_id("call-title")).to_have_text("Jones")


async def test_a_frame_stays_empty_in_a_page_of_another_origin(house: House, screens: Screens, stranger: Crm) -> None:
    page = await screens.blank()
    with screens.forgive("frame", "content policy"):
        await page.goto(f"{stranger.url}/frame")
        await expect(page.locator("iframe")).to_be_visible()
    assert page.frames[1].url.startswith("chrome-error:")
