"""The agent's sidebar: what is heard, the cards and what can be done with them, the mood, several calls, whispers."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from stage import House, Screens, playbook

from rtig.core.events import CardAnswered, Whispered

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SAYS = {
    "doubled-bill": "so my bill has doubled",
    "router-lights": "and the lights are red",
    "moving-home": "we are moving house soon",
    "paid-twice": "and I paid it twice",
    "cancel-contract": "then cancel my contract please",
}


def card(page: Page, rule: str) -> Locator:
    return page.locator(f'[data-testid="card"][data-card-id="{rule}.1"]')


async def look(element: Locator, *properties: str) -> list[str]:
    style: list[str] = await element.evaluate("(e, names) => names.map((n) => getComputedStyle(e)[n])", [*properties])
    return style


async def ids(page: Page, testid: str) -> list[str]:
    return [str(await e.get_attribute("data-card-id")) for e in await page.get_by_test_id(testid).all()]


async def mark(element: Locator) -> None:
    """Have the element be known again: a redrawn one would not carry the mark."""
    await element.evaluate("(e) => { e.known = true; }")


async def is_marked(element: Locator) -> bool:
    return bool(await element.evaluate("(e) => e.known === true"))


async def place(element: Locator) -> tuple[float, float]:
    box = await element.bounding_box()
    assert box is not None
    return (box["x"], box["y"])


async def test_an_idle_sidebar_says_so_and_a_call_appears_by_itself(house: House, screens: Screens) -> None:
    page = await screens.agent()
    await expect(page.get_by_test_id("empty")).to_contain_text("No call right now")
    await house.phone("c-9", agent="desk-2")
    await house.phone("c-1", queue="faults", customer="account-7")
    await expect(page.get_by_test_id("call-title")).to_have_text("account-7")
    await expect(page.locator("header")).to_contain_text("faults · Voice · desk-1")


async def test_words_are_shown_as_they_are_heard_and_settle_in_place(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    line = page.get_by_test_id("line")
    name = await phone.is_saying("customer", "my bell")
    await expect(line).to_have_attribute("data-final", "false")
    await expect(line.locator(".line")).to_have_text("my bell …")
    await mark(line)
    await phone.is_saying("customer", "my bill was", name)
    await expect(line.locator(".line")).to_have_text("my bill was …")
    await phone.said(name, "customer", "My bill was wrong.")
    await expect(line).to_have_attribute("data-final", "true")
    await expect(line.locator(".line")).to_have_text("My bill was wrong.")
    assert await is_marked(line)
    await phone.says("agent", "let me see")
    await expect(line).to_have_count(2)
    await expect(line.nth(1)).to_contain_text("Agent")


async def test_a_provisional_card_looks_so_and_is_confirmed_where_it_stands(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    name = await phone.is_saying("customer", "so my bill has doubled")
    await phone.is_saying("customer", "so my bill has doubled this", name)
    bill = card(page, "doubled-bill")
    await expect(bill).to_have_attribute("data-state", "provisional")
    await expect(bill.get_by_test_id("card-state")).to_have_text("Listening…")
    assert await look(bill, "borderTopStyle", "boxShadow") == ["dashed", "none"]
    await mark(bill)
    before = await place(bill)
    await phone.said(name, "customer", "so my bill has doubled this month")
    await expect(bill).to_have_attribute("data-state", "confirmed")
    await expect(bill.get_by_test_id("card-state")).to_have_text("")
    style, shadow = await look(bill, "borderTopStyle", "boxShadow")
    assert style == "solid"
    assert shadow != "none"
    assert await is_marked(bill)
    assert await place(bill) == before


async def test_a_card_that_is_taken_back_fades_where_it_stood(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await phone.says("customer", SAYS["router-lights"])
    await expect(card(page, "router-lights")).to_have_attribute("data-state", "confirmed")
    phone.now_ms += 4_000
    name = await phone.is_saying("customer", "so my bill has doubled")
    await phone.is_saying("customer", "so my bill has doubled this", name)
    bill = card(page, "doubled-bill")
    await expect(bill).to_have_attribute("data-state", "provisional")
    await mark(bill)
    before = [await place(bill), await place(card(page, "router-lights"))]
    await phone.said(name, "customer", "so my bill has doubled no I was joking about it")
    await expect(bill).to_have_attribute("data-gone", "retracted")
    await expect(bill).to_contain_text("Taken back")
    await expect(bill).to_contain_text("Something said rules it out.")
    assert await is_marked(bill)
    assert [await place(bill), await place(card(page, "router-lights"))] == before
    await page.clock.fast_forward(5_500)
    await expect(bill).to_have_count(0)
    await expect(card(page, "router-lights")).to_be_visible()
    # Whoever wonders where it went finds it.
    await page.get_by_test_id("earlier").locator("summary").click()
    await expect(page.get_by_test_id("earlier-card")).to_contain_text("Taken back")


async def test_the_words_that_brought_a_card_are_marked_and_can_be_looked_up(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    for _ in range(12):
        await phone.says("agent", "a long line of small talk that fills the transcript")
    await phone.says("customer", "well so my bill has doubled and nobody said a word")
    words = page.get_by_test_id("line").locator("mark")
    await expect(words).to_have_text("bill has doubled")
    for _ in range(12):
        await phone.says("agent", "a long line of small talk that fills the transcript")
    await expect(words).not_to_be_in_viewport()
    await expect(page.get_by_test_id("card-why")).to_contain_text("Because the customer said")
    await page.get_by_test_id("card-why").get_by_role("button", name="bill has doubled").click()
    await expect(words).to_be_in_viewport()
    await expect(words).to_have_class("sought")
    await page.get_by_test_id("latest").click()
    await expect(page.get_by_test_id("line").last).to_be_in_viewport()


MEANT = {
    "articles/refund.md": "---\nid: late-refund\ntitle: When a refund comes\nsay: I can see it.\ntriggers:\n"
    "  - means: [where does my money remain, i still wait for you to pay me]\n---\nFive working days.\n",
    "articles/credit.md": "---\nid: credit-note\ntitle: A credit\nsay: It is on the next bill.\ntriggers:\n"
    "  - means: [you owe me some money, i should have some money back]\n---\nOn the next bill.\n",
}


async def test_a_card_that_came_by_meaning_says_so_and_what_else_may_be_meant(browser: Browser, tmp_path: Path) -> None:
    house = House(playbook(tmp_path / "kb", MEANT), tmp_path)
    await house.open()
    screens = Screens(browser, house)
    phone, page = await house.phone("c-1"), await screens.agent()
    words = "so what about the money then"
    await phone.says("customer", words)
    house.reads("c-1", words, {"late-refund": 0.82, "credit-note": 0.8})
    refund = card(page, "late-refund")
    await expect(refund.get_by_test_id("card-why")).to_contain_text("By meaning, because the customer said")
    await expect(refund.get_by_test_id("card-why").get_by_role("button")).to_contain_text(words)
    await expect(refund.get_by_test_id("card-near")).to_contain_text("It may also be about: credit note")
    await refund.get_by_test_id("card-open").click()
    await expect(refund.locator(".source")).to_contain_text("The model is 82 % sure.")
    await expect(refund.locator(".source")).to_contain_text("About as likely: credit-note.")
    await screens.leave()
    await house.leave()


async def test_the_sentence_to_say_is_copied(house: House, screens: Screens) -> None:
    phone = await house.phone("c-1")
    await phone.says("customer", SAYS["doubled-bill"])
    page = await screens.agent(permissions=("clipboard-read", "clipboard-write"))
    await page.get_by_test_id("card-copy").click()
    await expect(page.get_by_test_id("card-copy")).to_contain_text("Copied")
    said = "Let me look at what changed since your last bill, line by line."
    assert await page.evaluate("navigator.clipboard.readText()") == said
    assert (await house.logbook.first(CardAnswered)).action == "copied"


async def test_a_dismissed_card_goes_for_good_and_the_log_has_the_reason(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await phone.says("customer", SAYS["doubled-bill"])
    bill = card(page, "doubled-bill")
    await bill.get_by_test_id("card-dismiss").click()
    await expect(bill.get_by_test_id("dismiss-wrong")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(bill.get_by_test_id("card-dismiss")).to_be_focused()
    await page.keyboard.press("Enter")
    await bill.get_by_test_id("dismiss-known").click()
    answered = await house.logbook.first(CardAnswered)
    assert (answered.card_id, answered.action, answered.reason) == ("doubled-bill.1", "dismissed", "known")
    assert (answered.call_id, answered.by) == ("c-1", "desk-1")
    await expect(bill).to_have_attribute("data-gone", "dismissed")
    await page.mouse.move(0, 0)
    await page.clock.fast_forward(2_000)
    await expect(bill).to_have_count(0)
    await page.reload()
    await expect(page.get_by_test_id("line")).to_have_count(1)
    await expect(page.get_by_test_id("cards")).to_contain_text("A card appears when it can help.")
    await expect(page.get_by_test_id("earlier")).to_contain_text("Earlier (1)")


async def test_what_the_agent_thinks_of_a_card_reaches_the_log(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    bill = card(page, "doubled-bill")
    await bill.get_by_test_id("card-useful").click()
    await expect(bill.get_by_test_id("card-useful")).to_have_attribute("aria-pressed", "true")
    await house.logbook.first(CardAnswered, lambda said: said.action == "useful")
    await bill.get_by_test_id("card-open").click()
    await expect(bill.locator(".steps .text")).to_have_text(
        ["Open the last two bills side by side.", "Look for an ended discount."]
    )
    await expect(bill.locator(".body em")).to_have_text("usual")
    await house.logbook.first(CardAnswered, lambda said: said.action == "opened")
    await bill.get_by_test_id("card-pin").click()
    await house.logbook.first(CardAnswered, lambda said: said.action == "pinned")
    await expect(bill.get_by_test_id("card-pin")).to_have_text("Pinned")


async def test_three_cards_are_on_the_deck_and_a_pinned_one_stays_beside_them(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    order = list(SAYS)
    for number, rule in enumerate(order[:4], 1):
        await phone.says("customer", SAYS[rule], later=4)
        await expect(card(page, rule)).to_be_visible()
        if number == 1:
            await card(page, rule).get_by_test_id("card-pin").click()
            await page.mouse.move(0, 0)
    assert await ids(page, "card") == [f"{rule}.1" for rule in reversed(order[:4])]
    await phone.says("customer", SAYS[order[4]], later=4)
    await expect(card(page, order[4])).to_be_visible()
    assert await ids(page, "card") == [f"{order[n]}.1" for n in (4, 3, 2, 0)]
    # What has had its time is not lost; what is pinned does not leave.
    await phone.says("agent", "bear with me", later=100)
    await expect(page.get_by_test_id("card")).to_have_count(1)
    assert await ids(page, "card") == [f"{order[0]}.1"]
    await page.get_by_test_id("earlier").locator("summary").click()
    await expect(page.get_by_test_id("earlier-card")).to_have_count(4)


async def test_no_card_moves_what_is_under_the_hand(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    await phone.says("customer", SAYS["doubled-bill"])
    bill = card(page, "doubled-bill")
    await expect(bill).to_be_visible()
    # With the page's time standing still, the hand stays where it is for as long as the test takes.
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))
    before = await place(bill)
    await page.mouse.move(before[0] + 30, before[1] + 30)
    await phone.says("customer", SAYS["router-lights"], later=4)
    waiting = page.get_by_test_id("waiting")
    await expect(waiting).to_contain_text("What the lights of the router mean")
    await expect(card(page, "router-lights")).to_have_count(0)
    assert await place(bill) == before
    await page.mouse.move(0, 0)
    await expect(card(page, "router-lights")).to_be_visible()
    assert await ids(page, "card") == ["router-lights.1", "doubled-bill.1"]


async def test_a_new_card_is_read_out_once(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent(clock=True)
    # What was there before the call had come on screen is not read out.
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-1")
    await phone.says("customer", SAYS["doubled-bill"])
    await expect(page.get_by_test_id("announcer")).to_have_text("Why a bill is higher than expected")


async def test_checklists_tick_themselves_the_opening_first(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    lists = page.get_by_test_id("checklist")
    await expect(lists.locator("h3")).to_have_text(["Opening", "Closing"])
    opening = lists.first
    steps = opening.get_by_test_id("step")
    await expect(opening.locator("summary")).to_contain_text("0 of 2")
    await phone.says("agent", "thanks for calling larkfield")
    await expect(opening.locator("summary")).to_contain_text("1 of 2")
    assert [await step.get_attribute("data-done") for step in await steps.all()] == ["true", "false"]
    await steps.first.get_by_role("button").click()
    await expect(page.get_by_test_id("line").locator("mark.sought")).to_have_text("thanks for calling")
    # A list that is done makes room.
    await expect(opening).to_have_attribute("open", "")
    await phone.says("agent", "how can I help")
    await expect(opening.locator("summary")).to_contain_text("2 of 2")
    await expect(opening).not_to_have_attribute("open", "")


async def test_the_steps_of_an_article_tick_themselves_inside_its_card(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    bill = card(page, "doubled-bill")
    await expect(bill.get_by_test_id("card-open")).to_have_text("2 steps and article")
    await bill.get_by_test_id("card-open").click()
    steps = bill.get_by_test_id("step")
    await expect(steps.locator(".sign")).to_have_text(["1.", "2."])
    # A step is ticked while the article is being read, and nothing moves.
    before = await bill.bounding_box()
    name = await phone.is_saying("agent", "so your discount has ended")
    await expect(steps.last).to_have_attribute("data-done", "false")
    await phone.said(name, "agent", "so your discount has ended")
    await expect(steps.last).to_have_attribute("data-done", "true")
    await expect(bill.get_by_test_id("card-open")).to_have_text("1 of 2 steps done and article")
    assert await bill.bounding_box() == before
    await steps.last.get_by_role("button").click()
    await expect(page.get_by_test_id("line").locator("mark.sought")).to_have_text("discount has ended")
    await expect(page.get_by_test_id("checklist").locator("h3")).to_have_text(["Opening", "Closing"])


async def test_the_mood_is_told_by_shape_and_word(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    band = page.get_by_test_id("mood-band")
    shapes, colours = [], []
    for word, said in [
        ("Calm", ""),
        ("Tense", "this is the third time I call"),
        ("Frustrated", "and I took a day off"),
        ("Critical", "I have had enough of this"),
    ]:
        if said:
            await phone.says("customer", said)
        await expect(band).to_have_attribute("data-band", word.lower())
        await expect(band).to_contain_text(word)
        shapes.append(await band.locator("svg").inner_html())
        colours.append(await band.evaluate("(e) => getComputedStyle(e).color"))
    assert len(set(shapes)) == len(set(colours)) == 4
    await expect(page.get_by_test_id("mood-reason")).to_have_text("has had enough")
    await page.get_by_test_id("mood-toggle").click()
    reasons = page.get_by_test_id("mood-reasons")
    await expect(reasons).to_contain_text("Has been in touch before")
    await reasons.get_by_role("button", name="took a day off").click()
    await expect(page.get_by_test_id("line").locator("mark.sought")).to_have_text("took a day off")


async def test_an_ended_call_stays_until_the_next_one_begins(house: House, screens: Screens) -> None:
    phone, page = await house.phone("c-1"), await screens.agent()
    await phone.says("customer", SAYS["doubled-bill"])
    await phone.ends()
    await expect(page.get_by_test_id("call-ended")).to_have_text("Ended")
    await expect(card(page, "doubled-bill")).to_be_visible()
    following = await house.phone("c-2")
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-2")
    await expect(page.get_by_test_id("line")).to_have_count(0)
    await expect(page.get_by_test_id("card")).to_have_count(0)
    await following.says("customer", SAYS["router-lights"])
    await expect(card(page, "router-lights")).to_be_visible()


async def test_of_several_calls_the_agent_chooses_which_to_see(house: House, screens: Screens) -> None:
    first, page = await house.phone("c-1"), await screens.agent()
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-1")
    await expect(page.get_by_test_id("switcher")).to_have_count(0)
    second = await house.phone("c-2")
    tabs = page.get_by_test_id("switcher").get_by_role("button")
    await expect(tabs).to_have_count(2)
    # A second call does not push itself in front of the first.
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-1")
    await second.says("customer", SAYS["router-lights"])
    await second.says("customer", "I have had enough of this")
    other = page.locator('[data-testid="switcher"] [data-call-id="c-2"]')
    await expect(other).to_contain_text("1 new card")
    await expect(other).to_contain_text("Frustrated:")
    await expect(page.get_by_test_id("card")).to_have_count(0)
    await other.click()
    await expect(page.get_by_test_id("call-title")).to_have_text("account-of-c-2")
    await expect(card(page, "router-lights")).to_be_visible()
    await expect(other).not_to_contain_text("new card")
    await second.ends()
    await expect(page.get_by_test_id("call-ended")).to_be_visible()
    await first.says("customer", SAYS["doubled-bill"])
    await page.locator('[data-testid="switcher"] [data-call-id="c-1"]').click()
    await expect(card(page, "doubled-bill")).to_be_visible()
    await expect(page.get_by_test_id("switcher")).to_have_count(0)


async def test_a_supervisors_word_arrives_and_stays_until_it_is_read(house: House, screens: Screens) -> None:
    await house.phone("c-1")
    agent, board = await screens.agent(clock=True), await screens.board(width=1440)
    await board.get_by_test_id("board-row").click()
    text = board.get_by_test_id("whisper-text")
    await expect(board.get_by_test_id("whisper-send")).to_be_disabled()
    await text.fill("Offer the engineer <b>today</b>.")
    await text.press("Enter")
    await expect(board.get_by_test_id("whisper-state")).to_have_text("Sent.")
    await expect(text).to_have_value("")
    whisper = agent.get_by_test_id("whisper")
    await expect(whisper).to_contain_text("From your supervisor")
    await expect(whisper).to_contain_text("Offer the engineer <b>today</b>.")
    assert (await house.logbook.first(Whispered)).text == "Offer the engineer <b>today</b>."
    # At once, although the hand is still there, as it is while the page's time stands still.
    await agent.clock.pause_at(await agent.evaluate("Date.now() / 1000 + 5"))
    await whisper.get_by_role("button", name="Got it").click()
    await expect(whisper).to_have_count(0)
    await agent.clock.resume()
    await agent.reload()
    await expect(agent.get_by_test_id("call-title")).to_be_visible()
    await expect(whisper).to_have_count(0)
