"""The strip of alerts above the board: raised, taken, resolved; by hand, by keyboard and without seeing the screen."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect
from stage import House, Screens, key, playbook
from test_browser_accessibility import audit

from rtig.core.events import AlertAnswered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ALERTS = MappingProxyType(
    {
        "triggers/supervisors.yaml": """triggers:
  - id: legal
    to: supervisors
    title: The customer threatens with a lawyer
    said: [my lawyer]
  - id: breaking
    to: supervisors
    title: The customer is at breaking point
    mood: critical
"""
    }
)
CRITICAL = ("this is the third time I call", "and I took a day off", "I have had enough of this")


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(playbook(tmp_path / "knowledge", ALERTS), tmp_path)
    await house.open()
    yield house
    await house.leave()


def alert(page: Page, call_id: str, alert_id: str = "legal") -> Locator:
    return page.locator(f'[data-testid="alert"][data-call-id="{call_id}"][data-alert-id="{alert_id}"]')


async def order(page: Page) -> list[str]:
    """The calls of the alerts as they are listed."""
    return [await item.get_attribute("data-call-id") or "" for item in await page.get_by_test_id("alert").all()]


async def named(screens: Screens, house: House, name: str, **options: object) -> Page:
    """The board of a supervisor who has said who they are."""
    page = await screens.blank(**{"width": 1440, **options})  # type: ignore[arg-type]
    await page.goto(f"{house.url}/board#key={key('acme', 'supervisor')}&agent={name}")
    await expect(page.get_by_test_id("connected")).to_have_text(f"Connected · {name}")
    return page


async def test_an_alert_is_raised_taken_and_resolved_and_everybody_sees_by_whom(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1", agent="desk-1", queue="faults")
    eve = await named(screens, house, "Eve", clock=True)
    bob = await named(screens, house, "Bob", clock=True)
    await expect(eve.get_by_test_id("alerts")).to_have_count(0)
    await phone.says("customer", "you will hear from my lawyer")
    for page in (eve, bob):
        await expect(alert(page, "c-1")).to_contain_text("The customer threatens with a lawyer")
        for words in ("Open for 0:0", "desk-1", "faults", "Calm", "“my lawyer”"):
            await expect(alert(page, "c-1")).to_contain_text(words)
        await expect(page.get_by_test_id("alert-news")).to_have_text(
            "New alert: The customer threatens with a lawyer, desk-1"
        )
    await alert(eve, "c-1").get_by_test_id("alert-take").click()
    await expect(alert(eve, "c-1")).to_contain_text("Taken by you for 0:0")
    await expect(alert(bob, "c-1")).to_contain_text("Taken by Eve for 0:0")
    await expect(bob.get_by_test_id("alert-count")).to_have_text("1 taken")
    await expect(alert(bob, "c-1").get_by_test_id("alert-take")).to_have_count(0)
    answered = await house.logbook.first(AlertAnswered)
    assert (answered.alert_id, answered.action, answered.by) == ("legal", "acknowledge", "Eve")
    await alert(bob, "c-1").get_by_test_id("alert-resolve").click()
    await expect(alert(eve, "c-1")).to_contain_text("Resolved by Bob")
    await expect(alert(bob, "c-1")).to_contain_text("Resolved by you")
    await eve.mouse.move(700, 800)
    await eve.clock.fast_forward(9_000)
    await expect(eve.get_by_test_id("alerts")).to_have_count(0)


async def test_one_that_worsens_comes_back_and_the_end_of_a_call_takes_its_alerts_away(
    house: House, screens: Screens
) -> None:
    phone = await house.phone("c-1")
    page = await screens.board(width=1440, clock=True)
    await phone.says("customer", "you will hear from my lawyer")
    await alert(page, "c-1").get_by_test_id("alert-take").click()
    await expect(alert(page, "c-1")).to_have_attribute("data-state", "acknowledged")
    for sentence in CRITICAL:
        await phone.says("customer", sentence)
    await expect(alert(page, "c-1")).to_have_attribute("data-state", "open")
    await expect(alert(page, "c-1")).to_contain_text("when raised the")
    await expect(alert(page, "c-1", "breaking")).to_contain_text("Critical")
    await expect(page.get_by_test_id("alert-count")).to_have_text("2 open")
    await phone.ends()
    await expect(alert(page, "c-1")).to_contain_text("Resolved: the call has ended")
    await page.mouse.move(700, 800)
    await page.clock.fast_forward(9_000)
    await expect(page.get_by_test_id("alerts")).to_have_count(0)


async def test_open_ones_come_first_and_who_joins_late_sees_them(house: House, screens: Screens) -> None:
    for number in (1, 2, 3):
        phone = await house.phone(f"c-{number}", agent=f"desk-{number}")
        await phone.says("customer", "you will hear from my lawyer", later=10 - number)
    first = await screens.board(width=1440)
    await expect(first.get_by_test_id("alert")).to_have_count(3)
    before = await order(first)
    await alert(first, before[0]).get_by_test_id("alert-take").click()
    await expect(alert(first, before[0])).to_have_attribute("data-state", "acknowledged")
    # Under the pointer nothing moves.
    assert await order(first) == before
    page = await screens.board(width=1440)
    await expect(page.get_by_test_id("alert")).to_have_count(3)
    assert (await order(page))[-1] == before[0]
    await expect(alert(page, before[0])).to_contain_text("Taken by a supervisor")
    await expect(page.get_by_test_id("alert-count")).to_have_text("2 open, 1 taken")
    await first.mouse.move(700, 800)
    await expect(first.get_by_test_id("alert").last).to_have_attribute("data-call-id", before[0])


async def test_everything_can_be_done_with_the_keyboard(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "you will hear from my lawyer")
    page = await screens.board(width=1440)
    await expect(alert(page, "c-1")).to_be_visible()
    take = page.get_by_role("button", name="I’ll take it: The customer threatens with a lawyer, desk-1")
    await take.focus()
    await page.keyboard.press("Enter")
    await expect(alert(page, "c-1")).to_have_attribute("data-state", "acknowledged")
    # The button has gone; the focus stays with the alert.
    opens = page.get_by_role("button", name="The customer threatens with a lawyer: open the call of desk-1")
    await expect(opens).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(alert(page, "c-1").get_by_test_id("alert-resolve")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("panel").get_by_role("heading", name="desk-1")).to_be_focused()
    await expect(page.get_by_test_id("panel")).to_contain_text("my lawyer")


async def test_the_focus_stays_with_an_alert_that_somebody_else_resolves(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "you will hear from my lawyer")
    eve, bob = await named(screens, house, "Eve"), await named(screens, house, "Bob")
    await alert(eve, "c-1").get_by_test_id("alert-take").focus()
    await alert(bob, "c-1").get_by_test_id("alert-resolve").click()
    await expect(alert(eve, "c-1")).to_contain_text("Resolved by Bob")
    await expect(alert(eve, "c-1").get_by_test_id("alert-call")).to_be_focused()


async def test_an_answer_given_without_a_connection_goes_out_when_it_is_back(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", "you will hear from my lawyer")
    page = await screens.board(width=1440)
    await expect(alert(page, "c-1")).to_be_visible()
    with screens.forgive("WebSocket", "ERR_CONNECTION_REFUSED"):
        await house.close()
        await expect(page.get_by_test_id("connected")).to_have_count(0)
        await alert(page, "c-1").get_by_test_id("alert-take").click()
        await house.open()
        await expect(alert(page, "c-1")).to_have_attribute("data-state", "acknowledged")


async def test_agents_see_no_alerts(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    frames: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    await page.reload()
    await expect(page.get_by_test_id("checklist").first).to_be_visible()
    await phone.says("customer", "you will hear from my lawyer")
    await expect(page.get_by_test_id("line")).to_contain_text("my lawyer")
    assert any("lawyer" in frame for frame in frames)
    assert not any("threatens" in frame for frame in frames)


# What stands at a point of the screen in each frame, once that is painted.
SEEN = """([x, y]) => {
  window.seen_ = [];
  const painted = new MessageChannel();
  painted.port1.onmessage = () => {
    const rows = document.querySelector("rtig-board").shadowRoot.querySelector("rtig-rows")?.shadowRoot;
    const row = rows?.elementFromPoint(x, y)?.closest("tr");
    const seen = row ? `${row.dataset.callId} at ${Math.round(row.getBoundingClientRect().top)}` : "nothing";
    if (window.seen_.at(-1) !== seen) window.seen_.push(seen);
  };
  const next = () => {
    painted.port2.postMessage(0);
    requestAnimationFrame(next);
  };
  next();
}"""


async def test_a_row_under_the_pointer_stays_in_every_frame_whatever_happens_around_it(
    house: House, screens: Screens
) -> None:
    """Alerts come above the list and go, hotter calls pass, others end until there are fewer rows than its place."""
    phones = {f"c-{n}": await house.phone(f"c-{n}", agent=f"desk-{n}") for n in range(1, 15)}
    page = await screens.board(width=1440, height=700)
    await expect(page.get_by_test_id("call-count")).to_have_text("14")
    # Low enough that the strip of alerts, once it is there, does not reach it.
    row = page.get_by_test_id("board-row").nth(8)
    pointed = await row.get_attribute("data-call-id") or ""
    box = await row.bounding_box()
    assert box is not None
    x, y = 700, box["y"] + 30
    await page.mouse.move(x, y)
    await page.evaluate(SEEN, [x, y])
    others = [call for call in phones if call != pointed]
    for call in others[:3]:
        await phones[call].says("customer", "you will hear from my lawyer")
    await expect(page.get_by_test_id("alert")).to_have_count(3)
    for call in others[-2:]:
        for sentence in CRITICAL:
            await phones[call].says("customer", sentence)
    await expect(page.get_by_test_id("alert")).to_have_count(5)
    await expect(page.get_by_test_id("board-row").first).to_have_attribute("data-band", "critical")
    for call in others[2:]:
        await phones[call].ends()
    await expect(page.get_by_test_id("call-count")).to_have_text("3")
    await expect(page.get_by_test_id("alert-count")).to_have_text("2 open")
    for call in others[:2]:
        await phones[call].ends()
    await expect(page.get_by_test_id("alerts")).to_have_count(0)
    assert await page.evaluate("window.seen_") == [f"{pointed} at {round(box['y'])}"]
    # And what sees that nothing moves would see it.
    await page.mouse.move(700, 5)
    await expect(page.get_by_test_id("board-row")).to_have_count(1)
    assert len(await page.evaluate("window.seen_")) > 1


async def test_of_many_alerts_the_most_pressing_are_shown_and_all_when_asked(house: House, screens: Screens) -> None:
    for number in range(1, 31):
        phone = await house.phone(f"c-{number}", agent=f"desk-{number}")
        await phone.says("customer", "you will hear from my lawyer")
    page = await screens.board(width=1440, height=800)
    await expect(page.get_by_test_id("alert-count")).to_have_text("30 open")
    await expect(page.get_by_test_id("alert")).to_have_count(5)
    every = page.get_by_test_id("alerts-all")
    await expect(every).to_have_text("25 more")
    await expect(page.get_by_test_id("alert-news")).to_contain_text("; 27 more")
    await every.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("alert")).to_have_count(30)
    await expect(every).to_have_attribute("aria-expanded", "true")
    await expect(every).to_be_focused()
    await audit(page, "alert")
    await page.set_viewport_size({"width": 1440, "height": 800})
    await page.get_by_test_id("alert-take").last.focus()
    await expect(page.get_by_test_id("alert").last).to_be_in_viewport()
    assert await page.get_by_test_id("board-row").count() > 0
    await every.click()
    await expect(page.get_by_test_id("alert")).to_have_count(5)
    await page.get_by_test_id("alert-resolve").first.click()
    await page.mouse.move(700, 790)
    await expect(every).to_have_text("25 more")
    await expect(page.get_by_test_id("alert-count")).to_have_text("29 open")
    await audit(page, "alert")


async def test_a_name_is_asked_for_at_the_door_of_the_board(house: House, screens: Screens) -> None:
    page = await screens.blank(width=1440)
    await page.goto(f"{house.url}/board")
    await page.get_by_label("Access key").fill(key("acme", "supervisor"))
    await page.get_by_test_id("person").fill("Eve")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_test_id("connected")).to_have_text("Connected · Eve")
    await page.reload()
    await expect(page.get_by_test_id("connected")).to_have_text("Connected · Eve")


async def test_axe_finds_nothing_and_nothing_is_too_wide(house: House, screens: Screens) -> None:
    for number in (1, 2, 3):
        phone = await house.phone(f"c-{number}", agent=f"desk-{number}")
        await phone.says("customer", "you will hear from my lawyer")
    for sentence in CRITICAL:
        await phone.says("customer", sentence)
    page = await named(screens, house, "Eve")
    await expect(page.get_by_test_id("alert")).to_have_count(4)
    await alert(page, "c-2").get_by_test_id("alert-take").click()
    await expect(alert(page, "c-2")).to_have_attribute("data-state", "acknowledged")
    await alert(page, "c-1").get_by_test_id("alert-resolve").click()
    await expect(alert(page, "c-1")).to_have_attribute("data-state", "resolved")
    await audit(page, "alert")
    await page.get_by_test_id("alert-call").last.click()
    await audit(page, "panel")
