"""Steps that tick themselves: those of a conversation, and those of an article from about when its card came."""

from calls import CALL, CONTRACT, DOUBLED, FEW, checklists, interims, playbook, say, segment, watching
from msgspec.structs import replace

from rtig.core.checklists import BEFORE_CARD_MS
from rtig.core.events import CardMissed, SegmentVoided
from rtig.core.guidance import Card, Checklist
from rtig.core.triggers import StepSource

STEPS = (
    StepSource("1", "Open both bills."),
    StepSource("2", "Say what changed.", ("your discount ended", "discount has ended")),
    StepSource("3", "Offer a plan.", ("move you to",)),
)
STEPPED = playbook(
    replace(FEW, rules=tuple(replace(one, steps=STEPS) if one.id == "bill" else one for one in FEW.rules))
)
ENDED = say("agent", 5_000, "I see your discount ended in May")


def test_a_checklist_ticks_itself_and_shows_the_words() -> None:
    watcher = watching()
    assert checklists(watcher.items) == [("opening", [False, False])]
    items = watcher.hear(segment("a", say("agent", 0, "Thanks for calling Larkfield")))
    assert checklists(items) == [("opening", [True, False])]
    assert [q.text for i in items if isinstance(i, Checklist) for q in i.steps[0].words] == ["Thanks for calling"]
    assert checklists(watcher.hear(segment("b", say("customer", 3_000, "how can I help")))) == []
    assert checklists(watcher.hear(segment("c", say("agent", 6_000, "how can I help")))) == [("opening", [True, True])]
    assert checklists(watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))) == [("opening", [False, True])]


def test_a_checklist_opens_when_its_words_are_said_and_is_withdrawn_when_they_were_not() -> None:
    watcher = watching()
    watcher.hear(segment("z", say("agent", 0, "may I ask why")))
    assert checklists(watcher.hear(segment("a", say("agent", 3_000, "cancel my contract")))) == []
    assert checklists(watcher.hear(segment("b", say("customer", 6_000, "cancel my contract")))) == [("leaving", [True])]
    items = watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))
    assert [(item.id, item.withdrawn) for item in items if isinstance(item, Checklist)] == [("leaving", True)]
    assert "leaving" not in watcher.call.told.checklists


def test_a_checklist_waits_for_final_words() -> None:
    greeting = say("agent", 0, "thanks for calling")
    watcher = watching(*interims("a", greeting))
    assert checklists(watcher.items) == [("opening", [False, False])]


def test_checklists_follow_the_playbook_before_anybody_has_spoken_too() -> None:
    watcher = watching()
    items = watcher.change(replace(FEW, checklists=()), at_ms=500)
    assert [(i.id, i.withdrawn) for i in items if isinstance(i, Checklist)] == [("opening", True)]
    assert checklists(watcher.change(FEW, at_ms=600)) == [("opening", [False, False])]


def test_a_checklist_that_is_not_in_the_playbook_any_more_is_withdrawn() -> None:
    watcher = watching(segment("a", CONTRACT))
    items = watcher.change(replace(FEW, checklists=FEW.checklists[:1]), at_ms=5_000)
    assert [(i.id, i.withdrawn) for i in items if isinstance(i, Checklist)] == [("leaving", True)]
    items = watcher.change(FEW, at_ms=6_000)
    assert [(i.id, i.withdrawn) for i in items if isinstance(i, Checklist)] == [("leaving", False)]


# --- an article's steps


def test_the_steps_of_an_article_tick_while_its_card_stands() -> None:
    watcher = watching(followed=STEPPED)
    told = watcher.hear(segment("a", DOUBLED))
    assert checklists(told) == [("bill.1", [False, False, False])]
    assert [item.card for item in told if isinstance(item, Checklist)] == [True]
    [card] = (item for item in told if isinstance(item, Card))
    assert card.steps == ("Open both bills.", "Say what changed.", "Offer a plan.")
    told = watcher.hear(segment("b", ENDED))
    assert checklists(told) == [("bill.1", [False, True, False])]
    assert [q.text for i in told if isinstance(i, Checklist) for q in i.steps[1].words] == ["your discount ended"]
    assert not [item for item in told if isinstance(item, Card)]
    assert checklists(watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))) == [("bill.1", [False, False, False])]


def test_what_the_customer_says_ticks_no_step_of_the_agents() -> None:
    watcher = watching(segment("a", DOUBLED), followed=STEPPED)
    assert checklists(watcher.hear(segment("b", say("customer", 5_000, "you say my discount has ended")))) == []


def test_what_the_agent_did_just_before_is_done_and_what_was_long_before_is_not() -> None:
    doubled_at = 3_000 + BEFORE_CARD_MS
    for said_ms, done in ((4_000, True), (0, False)):
        watcher = watching(segment("a", say("agent", said_ms, "I can move you to another plan")), followed=STEPPED)
        told = watcher.hear(segment("b", say("customer", doubled_at, "my bill has doubled")))
        assert checklists(told) == [("bill.1", [False, False, done])]


def test_steps_go_with_their_card() -> None:
    watcher = watching(segment("a", DOUBLED), segment("b", ENDED), followed=STEPPED)
    gone = [i for i in watcher.hear(CardMissed(call_id=CALL, card_id="bill.1")) if isinstance(i, Checklist)]
    assert [(item.id, item.withdrawn, item.steps) for item in gone] == [("bill.1", True, ())]
    assert "bill.1" not in watcher.call.told.checklists


def test_a_card_whose_steps_no_words_tick_has_no_list() -> None:
    plain = playbook(
        replace(FEW, rules=tuple(replace(one, steps=STEPS[:1]) if one.id == "bill" else one for one in FEW.rules))
    )
    assert checklists(watching(segment("a", DOUBLED), followed=plain).items) == [("opening", [False, False])]
