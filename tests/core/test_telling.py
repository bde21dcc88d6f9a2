"""What watchers are told: a card's life and why it ends, and the mood when it moves."""

from calls import (
    CALL,
    CALL_BACK,
    CONTRACT,
    DOUBLED,
    FEW,
    PLAYBOOK,
    SOURCE,
    Watcher,
    cards,
    fold,
    happenings,
    interims,
    lives,
    moods,
    playbook,
    rule,
    say,
    segment,
    tone,
    watching,
    withheld,
)
from hypothesis import given, settings
from msgspec.structs import replace

from rtig.core import checklists, derive, engine, frustration, telling, weighing
from rtig.core.conditions import Means, Not, OnHold, Said, SlotIs
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    CardMissed,
    HoldChanged,
    PartyCorrected,
    SegmentVoided,
    UtteranceRead,
    key,
)
from rtig.core.frustration import BANDS, Odds, Risk, Signal
from rtig.core.guidance import Band, Card, Guidance, Line
from rtig.core.playbook import MeaningSource, SignalSource, SlotSource, Source
from rtig.core.transcript import UNFINISHED_MS
from rtig.core.triggers import StepSource

# --- a card's life


def test_a_card_comes_early_and_is_confirmed_when_the_words_settle() -> None:
    watcher = watching(*interims("a", DOUBLED), segment("a", DOUBLED, 5))
    early, sure = (item for item in watcher.items if isinstance(item, Card))
    assert (early.id, early.state, sure.id, sure.state) == ("bill.1", "provisional", "bill.1", "confirmed")
    assert (early.cause, sure.cause) == (3, 4)
    assert (early.at_ms, early.shown_ms) == (sure.at_ms, sure.shown_ms) == (2_200, 2_200)
    assert sure.expires_ms == 2_200 + PLAYBOOK.attention.ttl_ms
    assert [q.text for q in sure.why.words] == ["bill has doubled"]
    assert sure.why.condition == "“bill ~3 (doubled|higher)” said by the customer"


def test_a_card_that_came_early_is_taken_back_when_the_words_become_others() -> None:
    watcher = watching(*interims("a", DOUBLED))
    assert lives(watcher.hear(segment("a", DOUBLED, 5, text="my bill has tumbled"))) == [
        ("bill.1", "retracted", "revised")
    ]
    assert not watcher.call.choosing.state.shown


def test_a_card_that_came_early_is_taken_back_by_what_is_said_next() -> None:
    spoken = say("customer", 1_000, "cancel my contract um cancel the appointment")
    watcher = watching(*interims("a", spoken.piece(0, 3)))
    assert lives(watcher.items)[0] == ("cancel.1", "provisional", "")
    assert ("cancel.1", "retracted", "excluded") in lives(
        watcher.hear(segment("a", spoken, 3, final=False), segment("a", spoken, 4, final=False))
    )


def test_a_confirmed_card_is_taken_back_by_what_is_said_next() -> None:
    watcher = watching(segment("a", CONTRACT))
    items = watcher.hear(segment("b", say("customer", 2_200, "no cancel the appointment")))
    assert ("cancel.1", "retracted", "excluded") in lives(items)
    assert ("cancel", "excluded") in withheld(items)


def test_a_card_is_taken_back_when_the_agent_has_done_it() -> None:
    manager = say("customer", 1_000, "let me speak to a manager")
    watcher = watching(*interims("a", manager))
    assert lives(watcher.items) == [("manager.1", "provisional", "")]
    help_out = segment("b", say("agent", 3_000, "I will put you through"))
    assert lives(watcher.hear(help_out)) == [("manager.1", "retracted", "done")]
    sure = watching(segment("a", manager))
    assert lives(sure.hear(help_out)) == [("manager.1", "retracted", "done")]


def test_a_card_waits_while_the_agent_is_just_doing_it() -> None:
    def waiting() -> Watcher:
        watcher = watching(segment("a", CONTRACT), segment("b", say("customer", 3_000, "let me speak to a manager")))
        assert lives(watcher.hear(*interims("c", help_out))) == []
        assert lives(watcher.tick(9_000)) == []
        assert watcher.call.told.held_back == {"manager.1"}
        return watcher

    help_out = say("agent", 3_100, "I will put you through")
    done = waiting()
    assert lives(done.hear(segment("c", help_out, 9))) == []
    assert withheld(done.items) == [("manager", "done")]
    assert lives(waiting().hear(segment("c", help_out, 9, text="I will put new shoes"))) == [
        ("manager.1", "confirmed", "")
    ]
    assert lives(waiting().hear(SegmentVoided(call_id=CALL, segment_id="c"))) == [("manager.1", "confirmed", "")]
    assert lives(waiting().tick(9_000 + 2 * UNFINISHED_MS)) == [("manager.1", "confirmed", "")]


def test_a_card_is_taken_back_when_its_words_are() -> None:
    voided = SegmentVoided(call_id=CALL, segment_id="a")
    for said in (interims("a", DOUBLED), [segment("a", DOUBLED)]):
        watcher = watching(*said)
        items = watcher.hear(voided)
        assert lives(items) == [("bill.1", "retracted", "voided")]
        assert [line.voided for line in items if isinstance(line, Line)] == [True]


def test_a_card_is_taken_back_when_somebody_else_spoke() -> None:
    watcher = watching(segment("a", DOUBLED))
    moved = PartyCorrected(call_id=CALL, segment_id="a", rev=1, party="agent")
    assert lives(watcher.hear(moved)) == [("bill.1", "retracted", "revised")]
    back = PartyCorrected(call_id=CALL, segment_id="a", rev=2, party="customer")
    assert lives(watcher.hear(back)) == [("bill.1", "confirmed", "")]


def test_a_card_whose_words_are_never_settled_is_taken_back() -> None:
    watcher = watching(*interims("a", DOUBLED))
    for _ in range(10):
        assert watcher.wake is not None
        items = watcher.tick(watcher.wake)
        if lives(items):
            break
    assert lives(items) == [("bill.1", "retracted", "unfinished")]
    assert watcher.call.now == DOUBLED.end_ms + UNFINISHED_MS
    ended = watching(*interims("a", DOUBLED))
    assert lives(ended.hear(CallEnded(call_id=CALL, at_ms=4_000))) == [("bill.1", "retracted", "unfinished")]


def test_a_card_that_nobody_could_see_is_taken_back_as_late_and_stays_so() -> None:
    watcher = watching(segment("a", DOUBLED))
    missed = CardMissed(call_id=CALL, card_id="bill.1")
    assert lives(watcher.hear(missed)) == [("bill.1", "retracted", "late")]
    assert lives(watcher.hear(missed, segment("a", DOUBLED, 2))) == []
    assert withheld(watcher.items) == [("bill", "late")]
    again = segment("b", say("customer", 30_000, "my bill has doubled"))
    assert lives(watcher.hear(again)) == [("bill.2", "confirmed", "")]


def test_a_card_that_nobody_saw_holds_no_cooldown_and_keeps_nobody_waiting() -> None:
    both = say("customer", 1_000, "cancel my contract my bill has doubled")
    watcher = watching(segment("a", both))
    assert lives(watcher.items) == [("cancel.1", "confirmed", "")]
    items = watcher.hear(CardMissed(call_id=CALL, card_id="cancel.1"))
    assert lives(items) == [("bill.1", "confirmed", ""), ("cancel.1", "retracted", "late")]
    assert withheld(items) == [("cancel", "late")]
    again = segment("b", say("customer", 8_000, "cancel the contract"))
    assert lives(watcher.hear(again)) == [("cancel.2", "confirmed", "")]


def test_a_card_whose_provisional_one_nobody_saw_comes_when_its_words_are_final() -> None:
    watcher = watching(*interims("a", DOUBLED))
    early = CardMissed(call_id=CALL, card_id="bill.1", early=True)
    items = watcher.hear(early)
    assert (lives(items), withheld(items)) == ([("bill.1", "retracted", "late")], [("bill", "late")])
    assert lives(watcher.hear(segment("a", DOUBLED, 2, final=False))) == []
    assert lives(watcher.hear(segment("a", DOUBLED, 3))) == [("bill.1", "confirmed", "")]
    assert lives(watcher.hear(early)) == []
    sure = CardMissed(call_id=CALL, card_id="bill.1")
    assert key(sure) != key(early)
    assert lives(watcher.hear(sure)) == [("bill.1", "retracted", "late")]


def test_a_card_that_came_early_is_not_told_again_while_its_words_only_move() -> None:
    watcher = watching(*interims("a", DOUBLED))
    moved = say("customer", 1_100, "my bill has doubled")
    assert lives(watcher.hear(segment("a", moved, 2, final=False))) == []
    (card,) = (c for c in watcher.hear(segment("a", moved, 3)) if isinstance(c, Card))
    assert (card.state, card.at_ms, card.shown_ms) == ("confirmed", 2_300, 2_200)


def test_a_confirmed_card_whose_words_are_said_again_stays_until_those_are_gone_too() -> None:
    watcher = watching(segment("a", DOUBLED), *interims("b", say("customer", 3_000, "my bill has doubled")))
    assert lives(watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))) == []
    assert lives(watcher.hear(SegmentVoided(call_id=CALL, segment_id="b"))) == [("bill.1", "retracted", "voided")]


def test_a_card_that_comes_again_after_it_was_taken_back_is_fresh() -> None:
    watcher = watching(*interims("a", DOUBLED), SegmentVoided(call_id=CALL, segment_id="a"))
    watcher.hear(segment("b", say("customer", 300_000, "my bill has doubled")))
    card = watcher.call.told.cards["bill.1"]
    assert (card.shown_ms, card.expires_ms) == (301_200, 301_200 + PLAYBOOK.attention.ttl_ms)


def test_cards_that_one_tick_brings_are_told_in_the_order_in_which_they_come() -> None:
    manager, doubled = say("customer", 2_000, "speak to a manager"), say("customer", 3_200, "bill has doubled")
    watcher = watching(segment("a", CONTRACT), segment("b", manager), segment("c", doubled))
    told = [(c.id, c.state) for c in watcher.tick(60_000) if isinstance(c, Card)]
    assert told == [("manager.1", "confirmed"), ("bill.1", "confirmed")]


def test_an_earlier_remark_that_arrives_late_is_what_the_card_answers() -> None:
    watcher = watching(segment("b", say("customer", 9_000, "my bill has doubled")))
    (card,) = (c for c in watcher.hear(segment("a", DOUBLED)) if isinstance(c, Card))
    assert (card.id, card.state, card.at_ms, card.cause) == ("bill.1", "confirmed", 2_200, 3)
    assert withheld(watcher.items) == [("bill", "cooldown")]


def test_a_confirmed_card_says_by_which_phrase_its_words_are_heard_now() -> None:
    bill = rule("bill", Said(("(my|the) bill !(cycle)", "my bill")))
    watcher = watching(followed=playbook(replace(FEW, rules=(bill,))))
    watcher.hear(segment("a", say("customer", 0, "my bill")))
    assert watcher.call.told.cards["bill.1"].why.condition == "“(my|the) bill !(cycle)” said by the customer"
    watcher.hear(segment("b", say("customer", 600, "cycle")))
    assert watcher.call.told.cards["bill.1"].why.condition == "“my bill” said by the customer"


def test_a_confirmed_card_learns_late_what_it_was_preferred_to() -> None:
    said = replace(rule("said", Said(("helps me",))), kind="article")
    meant = replace(rule("leave", Means("leave.1")), kind="article")
    source = Source(name="x", rules=(said, meant), meanings=(MeaningSource(id="leave.1", rule="leave", competes=True),))
    watcher = watching(segment("a", CALL_BACK, text="nobody ever helps me"), followed=playbook(source))
    (unread,) = derive.unread(watcher.playbook, watcher.call)
    watcher.tick(9_000)
    version = watcher.playbook.meanings_version
    watcher.hear(UtteranceRead(call_id=CALL, utterance=unread.key, meanings=version, scores={"leave.1": 0.9}))
    assert [card.why.beat for card in watcher.items if isinstance(card, Card)] == [(), ("leave",)]


@settings(max_examples=150)
@given(happenings())
def test_every_card_that_is_shown_can_be_explained_from_the_words(events: list[AnyEvent]) -> None:
    state, items = fold(events)
    now = {s.id: s for stream in state.transcript.streams.values() for s in stream}
    now.update(state.transcript.open)
    for card in cards(items).values():
        if card.state == "confirmed" and card.id in state.told.choice.shown:
            for quote in card.why.words:
                whole = now[quote.segment_id]
                assert (quote.party, quote.text) == (whole.party, whole.text[quote.start : quote.end])
    for reason in (r for mood in moods(items) for r in mood.reasons):
        assert {quote.party for quote in reason.words} <= ({"agent"} if reason.what == "was told no" else {"customer"})


@settings(max_examples=150)
@given(happenings())
def test_cards_that_stand_are_those_that_a_new_look_would_show_and_nothing_is_left_to_tell(
    events: list[AnyEvent],
) -> None:
    for folded in engine.replay(PLAYBOOK, CALL, events):
        state = folded.call
        choice = derive.chosen(PLAYBOOK, state)
        early, _ = derive.provisional(PLAYBOOK, state, choice)
        standing = {card_id for card_id, card in state.told.cards.items() if card.state != "retracted"}
        unseen = {*early} & {*state.missed_early}
        assert standing == {*choice.shown, *early} - {*state.missed} - unseen
    left: list[Guidance] = []
    telling.tell(PLAYBOOK, state, state, folded.seq + 1, left)
    assert left == []


# --- what the agent may say


def saying(sentence: str, without: str = "") -> Watcher:
    """A call in which a bill brings up a sentence with slots."""
    bill = rule("bill", Said(("my bill",)), cooldown_ms=0)
    source = Source(
        name="slots",
        rules=(replace(bill, say=sentence, say_without=without), rule("named", SlotIs("first_name"), exempt=True)),
        slots=(
            SlotSource(id="first_name", kind="name", said=("my name is {first_name}",)),
            SlotSource(id="sum", kind="amount", said=("it was {sum}",)),
        ),
    )
    return watching(followed=playbook(source))


def sentences(watcher: Watcher) -> list[str]:
    """All that the bill's cards said, in the order in which they were told."""
    return [card.say for card in watcher.items if isinstance(card, Card) and card.why.rule == "bill"]


MY_BILL = segment("bill", say("customer", 9_000, "my bill"))


def test_a_card_says_what_the_slots_hold() -> None:
    watcher = saying("{first_name|Right}, {sum} it is.", "Right.")
    watcher.hear(
        segment("a", say("customer", 1_000, "my name is anna")),
        segment("b", say("customer", 4_000, "it was 75.10")),
        MY_BILL,
    )
    assert sentences(watcher) == ["Anna, 75.10 it is."]


def test_an_empty_slot_is_left_to_the_words_of_its_own_or_the_whole_sentence_to_another() -> None:
    assert sentences_of(saying("{first_name|Right}, let me look.")) == ["Right, let me look."]
    assert sentences_of(saying("{first_name}, let me look.", "Let me look.")) == ["Let me look."]
    assert sentences_of(saying("{first_name}, let me look.")) == [""]
    assert sentences_of(saying("Let me look.", "Never said.")) == ["Let me look."]


def sentences_of(watcher: Watcher) -> list[str]:
    watcher.hear(MY_BILL)
    return sentences(watcher)


def test_a_card_says_what_was_known_at_its_moment() -> None:
    watcher = saying("{first_name|You}.")
    watcher.hear(
        segment("a", say("customer", 1_000, "my name is anna")),
        MY_BILL,
        segment("b", say("customer", 20_000, "my name is maria")),
        segment("c", say("customer", 40_000, "my bill")),
    )
    assert sentences(watcher) == ["Anna.", "Maria."]
    assert sentences(watcher) == [
        card.say for _, card in sorted(cards(watcher.items).items()) if card.why.rule == "bill"
    ]


def test_a_value_that_is_said_with_the_words_themselves_is_known_at_their_moment() -> None:
    watcher = saying("{first_name|You}.")
    watcher.hear(
        segment("a", say("customer", 1_000, "my name is anna")), segment("b", say("customer", 2_200, "my bill"))
    )
    assert sentences(watcher) == ["Anna."]


def test_a_confirmed_card_is_told_again_when_what_it_says_was_said_earlier_and_arrives_late() -> None:
    watcher = saying("{first_name|You}.")
    watcher.hear(MY_BILL, segment("a", say("customer", 1_000, "my name is anna")))
    assert sentences(watcher) == ["You.", "Anna."]
    early, late = (card for card in watcher.items if isinstance(card, Card) and card.why.rule == "bill")
    assert (late.state, late.id, late.at_ms, late.shown_ms) == ("confirmed", early.id, early.at_ms, early.shown_ms)
    watcher.hear(SegmentVoided(call_id=CALL, segment_id="a"))
    assert sentences(watcher) == ["You.", "Anna.", "You."]


def test_a_confirmed_card_is_told_again_when_a_value_arrives_late_and_calls_for_nothing_itself() -> None:
    watcher = saying("{sum|It}.")
    watcher.hear(MY_BILL, segment("a", say("customer", 1_000, "it was 75.10")))
    assert sentences(watcher) == ["It.", "75.10."]


def test_a_confirmed_card_is_told_again_when_a_value_was_not_to_be_taken() -> None:
    watcher = saying("{code|It}.")
    source = watcher.playbook.source
    slot = SlotSource(id="code", kind="number", said=("it was {code}",), when=Not(OnHold(1_000)))
    watcher = watching(followed=playbook(replace(source, slots=(*source.slots, slot))))
    watcher.hear(segment("a", say("customer", 5_000, "it was 75")), MY_BILL)
    assert sentences(watcher) == ["75."]
    watcher.hear(HoldChanged(call_id=CALL, on=True, at_ms=1_000), HoldChanged(call_id=CALL, on=False, at_ms=8_000))
    assert sentences(watcher) == ["75.", "It."]


def test_a_card_that_says_a_value_is_not_told_again_for_every_word() -> None:
    watcher = saying("{first_name|You}.")
    watcher.hear(MY_BILL, segment("a", say("customer", 12_000, "nobody helps me")), *interims("b", CONTRACT))
    assert sentences(watcher) == ["You."]


def test_a_value_that_is_taken_back_before_the_card_is_told_is_not_said() -> None:
    watcher = saying("{first_name|You}.")
    watcher.hear(
        segment("a", say("customer", 1_000, "my name is anna")), SegmentVoided(call_id=CALL, segment_id="a"), MY_BILL
    )
    assert sentences(watcher) == ["You."]


# --- the mood


def test_the_mood_is_told_when_it_has_fallen_to_another_band() -> None:
    angry = segment("a", say("customer", 1_000, "this is the third time I call it is a terrible awful disgrace"))
    watcher = watching(angry)
    band = moods(watcher.items)[-1].band
    assert band in ("tense", "frustrated", "critical")
    bands: list[Band] = [band]
    while bands[-1] != "calm":
        assert watcher.wake is not None
        bands += [mood.band for mood in moods(watcher.tick(watcher.wake))]
    assert bands == list(reversed(BANDS[: BANDS.index(band) + 1]))


def test_no_mood_is_told_before_the_call_has_started() -> None:
    watcher = Watcher()
    assert moods(watcher.hear(segment("a", say("customer", 1_000, "this is terrible awful")))) == []
    (mood,) = moods(watcher.hear(CallStarted(call_id=CALL)))
    assert mood.score > 0


def test_the_mood_is_not_told_for_every_little_move() -> None:
    watcher = watching(segment("a", say("customer", 1_000, "this is the third time I call")))
    score = moods(watcher.items)[-1].score
    quiet = segment("b", say("agent", 4_000, "one moment please"))
    assert moods(watcher.hear(quiet)) == []
    later = moods(watcher.tick(60_000))
    assert later[0].score < score


def test_a_models_score_refines_the_mood_and_says_so() -> None:
    watcher = watching(segment("a", CALL_BACK))
    assert moods(watcher.items)[-1].reading == "words"
    (mood,) = moods(watcher.hear(tone(CALL_BACK, 0.95, emotion="annoyance")))
    assert (mood.reading, mood.reasons[0].what) == ("words and model", "sounds annoyed")
    assert mood.score > 0.3


def test_a_model_that_finds_nothing_has_read_all_the_same() -> None:
    watcher = watching(segment("a", CALL_BACK))
    (mood,) = moods(watcher.hear(tone(CALL_BACK, 0.1)))
    assert (mood.reading, mood.score, mood.reasons) == ("words and model", 0.0, ())


def test_a_model_that_falls_silent_is_told() -> None:
    watcher = watching(segment("a", CALL_BACK), tone(CALL_BACK, 0.1))
    watcher.hear(segment("b", say("customer", 9_000, "nobody helps me")))
    assert moods(watcher.items)[-1].reading == "words and model"
    assert moods(watcher.tick(12_000)) == []
    (mood,) = moods(watcher.tick(9_900 + weighing.STILL_READING_MS))
    assert mood.reading == "words"
    (mood,) = moods(watcher.hear(tone("nobody helps me", 0.1)))
    assert mood.reading == "words and model"


def test_the_mood_is_told_when_the_risk_has_moved() -> None:
    odds = Odds(base=-3.0, weights={"refused": 4.0})
    risky = replace(FEW, temper=replace(FEW.temper, risk=Risk(unread=odds)))
    refused = SignalSource(Signal("refused", "was told no", 0.02, "agent"), ("that is not possible",))
    watcher = watching(followed=playbook(replace(risky, signals=(refused,))))
    (calm,) = moods(watcher.items)
    assert calm.risk == 0.047
    (mood,) = moods(watcher.hear(segment("a", say("agent", 1_000, "that is not possible"))))
    assert mood.score == 0.02
    assert mood.risk == round(frustration.risk(watcher.playbook.temper, watcher.call.weighing.state), 3) > 0.4
    assert moods(watcher.hear(segment("b", CALL_BACK))) == []


# --- what a long call has had


_STEPS = (StepSource("pay", "Pay", ("am i paying", "terrible")), StepSource("help", "Help", ("help",), "any"))
VALUED = playbook(
    replace(
        SOURCE,
        rules=tuple(
            replace(one, say="About {thing|that}.", steps=_STEPS) if one.id in ("router", "bill", "cancel") else one
            for one in SOURCE.rules
        ),
        slots=(
            SlotSource(
                id="thing", kind="list", values={"plan": ("plan", "contract"), "good": ("good", "great")}, party="any",
                said=("my {thing} (paying)?", "{thing} router", "the {thing}"), when=Not(Said(("terrible",))),
            ),
        ),
    )
)  # fmt: skip


@settings(max_examples=300)
@given(happenings())
def test_whatever_happened_cards_and_lists_are_those_of_a_look_at_everything(events: list[AnyEvent]) -> None:
    watcher = Watcher(VALUED)
    for event in events:
        watcher.hear(event)
        call, told = watcher.call, watcher.call.told
        for card_id, shown in told.choice.shown.items():
            known = told.cards.get(card_id)
            if known is not None and known.state == "confirmed":
                assert not telling._moved(VALUED, call, known, shown, told.choice)
        standing = {card_id for card_id, card in told.cards.items() if card.state != "retracted"}
        assert told.untold == tuple(card_id for card_id in told.choice.shown if card_id not in standing)
        assert told.wavering == any(card_id not in told.choice.shown for card_id in standing)
        lists = {one.id: one for one in checklists._opened(VALUED, call)}
        for card_id in standing:
            if told.cards[card_id].why.rule in VALUED.rules_with_steps:
                lists[card_id] = checklists._of_card(VALUED, call, card_id, told.cards[card_id])
        assert dict(told.checklists) == lists
