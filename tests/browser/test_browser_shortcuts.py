"""The keys of the sidebar: each does what the list says, none where somebody types, and all can be switched off."""

import pytest
from playwright.async_api import Locator, Page, expect
from stage import House, Screens, key
from test_browser_accessibility import LOOKS, Look, audit
from test_browser_connection import NETWORK
from test_browser_sidebar import SAYS, card, place

from rtig.core.events import CardAnswered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LETTERS = "cudpobtm"
THEIRS = """() => {
  document.title = "Theirs";
  document.body.innerHTML = `<main><h1>Theirs</h1><label>Notes <input id="notes"></label>
    <button id="save">Save</button><div id="aside"><rtig-sidebar></rtig-sidebar></div></main>`;
  Object.assign(document.querySelector("#aside").style, { inlineSize: "380px", blockSize: "700px" });
}"""
"""The sidebar as a part of somebody else's page."""


async def settled(page: Page, rule: str) -> Locator:
    """The card, as soon as it has lain on top for so long that a stroke can be meant for it."""
    shown = card(page, rule)
    await expect(shown.get_by_test_id("card-copy")).to_have_attribute("aria-keyshortcuts", "c")
    return shown


def done(page: Page) -> Locator:
    return page.get_by_test_id("done")


async def stand_still(page: Page) -> None:
    """Stop the page's time, a while from now: what it shows for a moment only is then there for as long as need be."""
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))


async def focused(page: Page) -> str:
    """The test id of what has the focus, inside whatever shadows."""
    found: str = await page.evaluate(
        """() => { let at = document.activeElement;
          while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
          return at?.dataset?.testid ?? at?.localName ?? ""; }"""
    )
    return found


async def test_the_card_on_top_is_answered_by_keys(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    page = await screens.agent(permissions=("clipboard-read", "clipboard-write"), clock=True)
    await phone.says("customer", SAYS["router-lights"])
    await phone.says("customer", SAYS["doubled-bill"], later=4)
    bill = await settled(page, "doubled-bill")
    await stand_still(page)
    await page.keyboard.press("c")
    await expect(bill.get_by_test_id("card-copy")).to_contain_text("Copied")
    await expect(done(page)).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == (
        "Let me look at what changed since your last bill, line by line."
    )
    await page.keyboard.press("u")
    await expect(bill.get_by_test_id("card-useful")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("o")
    await expect(bill.locator(".steps")).to_be_visible()
    await house.logbook.first(CardAnswered, lambda answer: answer.action == "opened")
    await page.keyboard.press("o")
    await expect(bill.locator(".steps")).to_be_hidden()
    await page.keyboard.press("p")
    await expect(bill.get_by_test_id("card-pin")).to_have_text("Pinned")
    await expect(done(page)).to_have_text("Pinned")
    await page.keyboard.press("p")
    await expect(bill.get_by_test_id("card-pin")).to_have_text("Pin")
    await house.logbook.first(CardAnswered, lambda answer: answer.action == "pinned")
    answers = [event for event in house.logbook.events if isinstance(event, CardAnswered)]
    assert [answer.action for answer in answers] == ["copied", "useful", "opened", "pinned"]
    assert {answer.card_id for answer in answers} == {"doubled-bill.1"}


async def test_a_dismissal_asks_why_and_takes_a_figure(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await phone.says("customer", SAYS["doubled-bill"])
    bill = await settled(page, "doubled-bill")
    await stand_still(page)
    # A figure alone means nothing.
    await page.keyboard.press("3")
    await page.keyboard.press("d")
    assert await focused(page) == "dismiss-wrong"
    dismiss = bill.get_by_test_id("card-dismiss")
    await expect(dismiss).to_have_attribute("aria-expanded", "true")
    await page.keyboard.press("Escape")
    await expect(dismiss).to_have_attribute("aria-expanded", "false")
    assert await focused(page) == "card-dismiss"
    await page.keyboard.press("d")
    await page.keyboard.press("3")
    await expect(bill).to_have_attribute("data-gone", "dismissed")
    await expect(done(page)).to_have_text("Dismissed: Known")
    said = await house.logbook.first(CardAnswered, lambda answer: answer.action == "dismissed")
    assert (said.card_id, said.reason) == ("doubled-bill.1", "known")
    await page.keyboard.press("3")
    await page.clock.run_for(2_000)
    await expect(page.get_by_test_id("card")).to_have_count(0)
    assert sum(isinstance(event, CardAnswered) for event in house.logbook.events) == 1


async def test_a_stroke_is_not_meant_for_a_card_that_has_just_come(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await phone.says("customer", SAYS["doubled-bill"])
    await settled(page, "doubled-bill")
    # The page's time stands still: what comes now has lain there for no time at all.
    await stand_still(page)
    await phone.says("customer", SAYS["router-lights"], later=4)
    await expect(card(page, "router-lights")).to_be_visible()
    await page.keyboard.press("u")
    said = await house.logbook.first(CardAnswered)
    assert said.card_id == "doubled-bill.1"
    await page.clock.run_for(500)
    await page.keyboard.press("p")
    said = await house.logbook.first(CardAnswered, lambda answer: answer.action == "pinned")
    assert said.card_id == "router-lights.1"


async def test_a_key_is_a_hand_among_the_cards(house: House, screens: Screens) -> None:
    """Whoever has just used a key gets nothing laid over the card that it was for."""
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await phone.says("customer", SAYS["doubled-bill"])
    bill = await settled(page, "doubled-bill")
    await stand_still(page)
    await page.keyboard.press("d")
    await expect(bill.get_by_test_id("dismiss-wrong")).to_be_focused()
    before = await place(bill)
    await phone.says("customer", SAYS["router-lights"], later=4)
    await expect(page.get_by_test_id("waiting")).to_contain_text("What the lights of the router mean")
    assert await place(bill) == before
    await expect(bill.get_by_test_id("dismiss-wrong")).to_be_focused()
    await page.clock.run_for(5_000)
    await expect(card(page, "router-lights")).to_be_visible()
    # It came at last, and took neither the focus nor the question away.
    await expect(bill.get_by_test_id("dismiss-wrong")).to_be_focused()
    await page.keyboard.press("1")
    said = await house.logbook.first(CardAnswered)
    assert (said.card_id, said.reason) == ("doubled-bill.1", "wrong")


async def test_the_parts_of_the_page_have_keys_and_esc_goes_back(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    bill = await settled(page, "doubled-bill")
    await bill.get_by_test_id("card-useful").focus()
    await page.keyboard.press("/")
    box = page.get_by_test_id("search")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("")
    await page.keyboard.type("lights")
    await expect(page.get_by_test_id("found-article")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("found")).to_have_count(0)
    await expect(box).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(bill.get_by_test_id("card-useful")).to_be_focused()
    for letter, toggle in (("b", "brief-toggle"), ("t", "transcript-toggle")):
        was = await page.get_by_test_id(toggle).get_attribute("aria-expanded")
        for now in ("false" if was == "true" else "true", was):
            await page.keyboard.press(letter)
            await expect(page.get_by_test_id(toggle)).to_have_attribute("aria-expanded", str(now))
    await page.keyboard.press("b")
    await page.get_by_test_id("mood-toggle").click()
    await page.keyboard.press("o")
    for gone in ("mood-reasons", "brief"):
        await expect(page.get_by_test_id(gone)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id(gone)).to_have_count(0)
    await expect(bill.locator(".steps")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(bill.locator(".steps")).to_be_hidden()


async def test_no_key_is_heard_from_who_types_or_with_a_modifier(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    bill = await settled(page, "doubled-bill")
    box = page.get_by_test_id("search")
    await box.focus()
    await page.keyboard.type(f"{LETTERS}1?/")
    await expect(box).to_have_value(f"{LETTERS}1?/")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    for modifier in ("Control", "Alt", "Meta", "Shift"):
        for letter in "udpm":
            await page.keyboard.press(f"{modifier}+{letter}")
    # Nor while something else on the screen has the keyboard.
    await page.evaluate("document.hasFocus = () => false")
    await page.keyboard.press("m")
    await page.evaluate("delete document.hasFocus")
    # A key held down is one stroke.
    await page.keyboard.down("t")
    await page.keyboard.down("t")
    await page.keyboard.up("t")
    await expect(page.get_by_test_id("transcript-toggle")).to_have_attribute("aria-expanded", "false")
    await expect(page.get_by_test_id("quiet")).to_have_attribute("data-mode", "all")
    await expect(bill.get_by_test_id("card-dismiss")).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("p")
    await house.logbook.first(CardAnswered)
    assert [event.action for event in house.logbook.events if isinstance(event, CardAnswered)] == ["pinned"]


async def test_the_list_tells_the_keys_and_switches_them_off_for_good(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    bill = await settled(page, "doubled-bill")
    await expect(bill.get_by_test_id("card-copy")).to_have_attribute("aria-keyshortcuts", "c")
    await bill.get_by_test_id("card-pin").focus()
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_be_visible()
    told = await dialog.locator("kbd").all_inner_texts()
    assert told == [*"cudpo/btm?", "Esc", "Alt", "H"]
    # What lies below is not answered unseen.
    await page.keyboard.press("u")
    await expect(bill.get_by_test_id("card-useful")).to_have_attribute("aria-pressed", "false")
    await page.keyboard.press("?")
    await expect(dialog).to_be_hidden()
    await expect(bill.get_by_test_id("card-pin")).to_be_focused()
    await page.keyboard.press("?")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await page.get_by_test_id("keys-open").click()
    await dialog.get_by_role("checkbox", name="Use single keys").uncheck()
    await page.get_by_test_id("keys-close").click()
    for reload in (False, True):
        if reload:
            await page.reload()
            await expect(bill).to_be_visible()
        for letter in f"{LETTERS}?/":
            await page.keyboard.press(letter)
        await expect(dialog).to_be_hidden()
        await expect(page.get_by_test_id("transcript-toggle")).to_have_attribute("aria-expanded", "true")
        assert await focused(page) in ("keys-open", "body")
        await expect(page.locator("[aria-keyshortcuts]:not([aria-keyshortcuts='Alt+H'])")).to_have_count(0)
    # Esc is no character.
    await bill.get_by_test_id("card-dismiss").click()
    await expect(bill.get_by_test_id("dismiss-wrong")).to_be_focused()
    await page.keyboard.press("1")
    await page.keyboard.press("Escape")
    await expect(bill.get_by_test_id("card-dismiss")).to_be_focused()
    assert not any(isinstance(event, CardAnswered) for event in house.logbook.events)


async def test_keys_work_although_the_browser_keeps_nothing(house: House, screens: Screens) -> None:
    page = await screens.blank()
    await page.add_init_script("""for (const name of ["localStorage"])
      Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });""")
    await house.phone("c-1")
    await page.goto(f"{house.url}/agent#key={key('acme', 'agent')}&agent=desk-1")
    await expect(page.get_by_test_id("call-title")).to_be_visible()
    await page.keyboard.press("t")
    await expect(page.get_by_test_id("transcript-toggle")).to_have_attribute("aria-expanded", "false")
    await page.keyboard.press("?")
    await page.get_by_test_id("keys-on").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("t")
    await expect(page.get_by_test_id("transcript-toggle")).to_have_attribute("aria-expanded", "false")


async def test_an_answer_by_key_while_the_connection_is_lost_goes_out(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    bill = await settled(page, "doubled-bill")
    with screens.forgive(*NETWORK):
        await page.context.set_offline(True)
        await expect(page.get_by_test_id("banner")).to_have_text("Connection lost, retrying")
        await page.keyboard.press("d")
        await page.keyboard.press("2")
        await expect(bill).to_have_attribute("data-gone", "dismissed")
        await phone.says("customer", SAYS["router-lights"], later=4)
        assert not any(isinstance(event, CardAnswered) for event in house.logbook.events)
        await page.context.set_offline(False)
        await expect(page.get_by_test_id("banner")).to_have_count(0)
    said = await house.logbook.first(CardAnswered)
    assert (said.card_id, said.action, said.reason) == ("doubled-bill.1", "dismissed", "late")
    await expect(card(page, "router-lights")).to_be_visible()
    await expect(bill).to_have_count(0)


async def test_inside_another_page_only_strokes_inside_the_sidebar_count(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(width=1440)
    await page.evaluate(THEIRS)
    await phone.says("customer", SAYS["doubled-bill"])
    bill = await settled(page, "doubled-bill")
    await page.locator("#save").focus()
    await page.keyboard.press("t")
    await page.keyboard.press("u")
    await page.locator("#notes").focus()
    await page.keyboard.type("put it")
    await expect(page.locator("#notes")).to_have_value("put it")
    await expect(page.get_by_test_id("transcript-toggle")).to_have_attribute("aria-expanded", "true")
    # A card that leaves takes no focus from what is theirs.
    await bill.get_by_test_id("card-pin").focus()
    await page.locator("#notes").focus()
    await phone.says("customer", SAYS["router-lights"], later=4)
    await settled(page, "router-lights")
    await expect(page.locator("#notes")).to_be_focused()
    await bill.get_by_test_id("card-copy").focus()
    await page.keyboard.press("p")
    said = await house.logbook.first(CardAnswered)
    assert (said.card_id, said.action) == ("router-lights.1", "pinned")
    assert await page.title() == "Theirs"
    # It goes by its own room, not by the window's.
    box = await page.get_by_test_id("cards").bounding_box()
    assert box is not None
    assert 330 < box["width"] <= 380


async def test_the_list_is_for_everybody(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    page = await screens.agent()
    await page.keyboard.press("?")
    zoomed: Look = (320, 400, "light")
    await audit(page, "keys", [*LOOKS, zoomed])
    await page.emulate_media(forced_colors="active")
    await audit(page, "keys", LOOKS[:1])
