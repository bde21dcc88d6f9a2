"""Why a card came, and why one did not, on calls whose every word is known."""

import pytest
from calls import CALL, call, playbook, rule, say, segment
from msgspec.structs import replace

from rtig.core.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Means,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    OnHold,
    Said,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
)
from rtig.core.events import AnyEvent, CardAnswered, ClockTicked, HoldChanged, SegmentHeard
from rtig.core.playbook import MeaningSource, SlotSource, Source
from rtig.core.policy import Attention
from rtig.core.triggers import Rule
from rtig.core.utterances import Reading
from rtig.knowledge.explain import RuleStory, bent, clock, explain

AT_EASE = Attention()
HEARD = say("customer", 1_000, "my bill has doubled")


def told(subject: Rule, events: list[AnyEvent], *others: Rule, attention: Attention = AT_EASE) -> RuleStory:
    story = explain(playbook(Source(name="t", attention=attention, rules=(subject, *others))), events, subject.id).rule
    assert story is not None
    return story


def verdict(condition: Condition, events: list[AnyEvent]) -> str:
    return told(rule("r", condition), events).verdict


def test_a_card_that_came() -> None:
    subject = rule("bill", Said(("bill has doubled",)))
    events = call([HEARD], 9_000)
    story = explain(playbook(Source(name="t", rules=(subject,))), events)
    [card] = story.cards
    assert (card.id, card.state, card.at_ms) == ("bill.1", "confirmed", HEARD.end_ms)
    assert card.condition == "“bill has doubled” said by the customer"
    assert [quote.text for quote in card.words] == ["bill has doubled"]
    assert [(turn.state, turn.at_ms) for turn in card.turns] == [("confirmed", HEARD.end_ms)]
    assert not story.withheld
    assert told(subject, events).verdict == "It came at 0:02.2."


def test_a_card_that_was_taken_back() -> None:
    events = call([], None)
    events += [
        segment("s1", HEARD, 1, final=False),
        segment("s1", HEARD, 2, final=False),
        segment("s1", HEARD, 3, text="my bill has boulders"),
    ]
    story = told(rule("bill", Said(("bill has doubled",))), events)
    assert story.verdict == "It was shown at 0:02.2 and taken back: revised."
    assert "in interim words that did not stay" in story.points[0].sentence
    assert "The closest the call came" in story.points[-1].sentence


def test_cooldown_says_until_when() -> None:
    events = call([HEARD, say("customer", 30_000, "my bill has doubled")], 60_000)
    subject = rule("bill", Said(("bill has doubled",)), cooldown_ms=60_000)
    story = explain(playbook(Source(name="t", rules=(subject,))), events)
    [held] = story.withheld
    assert (held.reason, held.by, held.until_ms) == ("cooldown", "bill.1", HEARD.end_ms + 60_000)
    assert held.sentence == "in its cooldown until 1:02.2, since card bill.1"
    assert (
        told(subject, events).points[-1].sentence.endswith("withheld: in its cooldown until 1:02.2, since card bill.1.")
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"draft": True}, "it is a draft, and drafts are never shown"),
        ({"queues": ("faults",)}, "it is for other queues only (faults)"),
        ({"once": True, "cooldown_ms": 1}, "it comes once per call, and bill.1 had come"),
    ],
)
def test_a_rule_that_may_not(changes: dict[str, object], sentence: str) -> None:
    subject = replace(rule("bill", Said(("bill has doubled",))), **changes)
    events = call([HEARD, say("customer", 30_000, "my bill has doubled")], 60_000)
    assert told(subject, events).points[-1].sentence.endswith(f"withheld: {sentence}.")


def test_excluded_and_done() -> None:
    subject = rule("bill", Said(("bill has doubled",)), unless=("for fun",), done=("look at it",))
    excluded = told(subject, call([say("customer", 0, "my bill has doubled for fun")], 9_000))
    assert excluded.verdict.endswith("withheld: the words `for fun` were near, which exclude it.")
    done = told(subject, call([HEARD, say("agent", 4_000, "I will look at it")], 9_000))
    assert "the agent did it unprompted" in done.points[0].sentence


def test_beaten_for_too_long() -> None:
    subject = rule("bill", Said(("bill has doubled",)), priority=10)
    other = rule("other", Said(("my",)), priority=30)
    attention = Attention(gap_ms=30_000, patience_ms=5_000)
    story = told(subject, call([HEARD], 60_000), other, attention=attention)
    assert story.verdict == (
        "It was called for at 0:02.2 and withheld: other cards had the agent's attention for too long, last other.1."
    )


def test_dismissed_as_wrong() -> None:
    subject = rule("bill", Said(("bill has doubled",)), cooldown_ms=1)
    events = call([HEARD])
    events.append(CardAnswered(call_id=CALL, card_id="bill.1", action="dismissed", reason="wrong", answer_id="a"))
    events.append(segment("s9", say("customer", 30_000, "my bill has doubled")))
    assert told(subject, events).points[-1].sentence.endswith("the agent had dismissed it as wrong or known.")


def test_heard_from_the_other_party() -> None:
    events = call([say("agent", 0, "your bill has doubled")], 9_000)
    assert verdict(Said(("bill has doubled",)), events) == (
        '`bill has doubled` was heard at 0:01.2: "bill has doubled", by the agent; the rule listens to the customer.'
    )


@pytest.mark.parametrize(
    ("first_ms", "past_ms", "when"),
    [
        (1_000, None, "in the first 1 s"),
        (None, 60_000, "after the first 60 s"),
        (90_000, 60_000, "from 60 s to 90 s after the start"),
    ],
)
def test_heard_outside_its_window(first_ms: int | None, past_ms: int | None, when: str) -> None:
    assert verdict(Said(("bill has doubled",), "any", first_ms, past_ms), call([HEARD], 9_000)).endswith(
        f"the rule listens only {when}."
    )


def test_the_closest_the_call_came_over_two_segments() -> None:
    events = call([say("customer", 0, "could I speak with"), say("customer", 1_400, "a manager please")], 9_000)
    assert verdict(Said(("speak to a manager",)), events) == (
        'The closest the call came: `speak to a manager` at 0:02.0, "speak with … a manager" by the customer; '
        "it lacked `to`."
    )


def test_words_in_another_order() -> None:
    assert "in another order or too far apart" in verdict(Said(("doubled bill",)), call([HEARD], 9_000))


def test_nothing_near() -> None:
    sentence = "None of its phrases was heard, and nothing in the call came near to one."
    assert verdict(Said(("speak to a manager",)), call([HEARD], 9_000)) == sentence


def test_not_said() -> None:
    condition = NotSaid(("call is recorded",), 10_000)
    in_time = say("agent", 2_000, "this call is recorded")
    assert "in time, so nothing was called for" in verdict(condition, call([in_time], 30_000))
    assert "before the 10 s were over" in told(rule("r", condition), call([HEARD], 5_000)).points[0].sentence
    late = told(rule("r", condition), call([HEARD, say("agent", 20_000, "this call is recorded")], 30_000))
    assert late.verdict == "It came at 0:12.0."
    assert late.points[-1].sentence.endswith("after the 10 s were over.")
    other = told(rule("r", condition), call([say("customer", 0, "this call is recorded")], 30_000))
    assert other.points[-1].sentence.endswith("but by the customer.")


def test_the_mood() -> None:
    assert verdict(MoodAt("frustrated"), call([HEARD], 9_000)).startswith("The mood went no higher than calm (0.00)")


def test_the_shape_of_the_call() -> None:
    talk = [HEARD, say("agent", 15_000, "hello there"), say("customer", 17_000, "yes")]
    events = call(talk, 20_000)
    assert verdict(Silence(20_000), events) == "The rule waits for a silence of 20 s; the longest lasted 12.8 s."
    assert verdict(TalkOver(2, 30_000), events).startswith("The agent spoke over the customer 0 times in the call")
    assert verdict(Monologue(15_000), events) == (
        "The agent never spoke for 10 s without a break; the rule waits for 15 s."
    )
    assert verdict(Silence(10_000), events).startswith("It came at")
    assert verdict(Silence(20_000), call([HEARD], 3_000)).endswith("there was none of 5 s.")


# --- combined conditions

DOUBLED = Said(("bill has doubled",))
CREDIT = Said(("credit on your account",), "agent")


def test_what_did_not_hold_when_a_part_was_met() -> None:
    story = told(rule("r", AllOf((DOUBLED, MoodAt("frustrated")))), call([HEARD], 9_000))
    assert story.points[0].sentence == (
        '`bill has doubled` was heard at 0:02.2: "bill has doubled"; what did not hold then: '
        "the customer became frustrated."
    )
    assert story.points[1].sentence.startswith("The mood went no higher than calm")
    assert "listens only" not in " ".join(point.sentence for point in story.points)


def test_of_alternatives_none_is_blamed_where_one_held() -> None:
    whole = AllOf((AnyOf((DOUBLED, Said(("router is dead",)))), CREDIT))
    story = told(rule("r", whole), call([HEARD], 9_000))
    assert story.points[0].sentence.endswith(
        "what did not hold then: “credit on your account” said by the agent."
    )  # fmt: skip


def test_what_must_not_have_been_said() -> None:
    events = call([say("agent", 0, "credit on your account"), say("customer", 5_000, "my bill has doubled")], 9_000)
    story = told(rule("r", AllOf((DOUBLED, Not(CREDIT)))), events)
    assert story.verdict == (
        '`bill has doubled` was heard at 0:06.2: "bill has doubled"; what did not hold then: not (“credit on your '
        'account” said by the agent), which was so at 0:01.2: "credit on your account".'
    )
    assert len(story.points) == 1


def test_what_must_not_be_said_is_not_the_closest() -> None:
    story = told(rule("r", AllOf((DOUBLED, Not(CREDIT)))), call([say("agent", 0, "credit on an account")], 9_000))
    assert story.verdict == "None of its phrases was heard, and nothing in the call came near to one."


def test_a_part_that_is_heard_before_the_rest_is_no_riddle() -> None:
    whole = AllOf((DOUBLED, Said(("third time",))))
    story = told(rule("r", whole), call([HEARD, say("customer", 5_000, "third time")], 9_000))
    assert story.verdict == "It came at 0:05.6."
    assert [point.sentence for point in story.points] == [
        'The condition was met at 0:05.6 by "bill has doubled … third time" and brought card r.1.',
        '`bill has doubled` was heard at 0:02.2: "bill has doubled"; what did not hold then: “third time” said by the '
        "customer.",
    ]


# --- the other states of a call


def test_a_hold_that_was_too_short() -> None:
    held: list[AnyEvent] = [
        HoldChanged(call_id=CALL, at_ms=5_000, on=True), HoldChanged(call_id=CALL, at_ms=25_000, on=False),
    ]  # fmt: skip
    events = [*call([HEARD]), *held, segment("s9", say("agent", 26_000, "hello again"))]
    assert verdict(OnHold(90_000), events) == "The rule waits for a hold of 90 s; the longest hold lasted 20 s."
    assert verdict(OnHold(10_000), events).startswith("It came at")
    assert verdict(OnHold(10_000), call([HEARD])).endswith("the customer was never on hold.")
    assert verdict(Silence(20_000), events).endswith("the longest lasted 23.8 s, with the customer on hold.")


def test_a_share_of_the_talk_that_was_not_reached() -> None:
    talk = [say("agent" if at % 2 else "customer", 6_000 * at, " ".join(["word"] * 15)) for at in range(12)]
    assert verdict(TalkShare(0.9, 30_000), call(talk)).startswith(
        "The rule waits for the agent's share of the last 30 s to be 90%; it was "
    )
    assert verdict(TalkShare(0.9, 600_000), call(talk)).endswith("no turn ended that late in the call.")


def test_a_slot_that_held_something_else() -> None:
    def story(condition: Condition, text: str) -> str:
        source = Source(
            name="t",
            rules=(rule("r", condition),),
            slots=(SlotSource(id="paid", kind="amount", said=("I paid {paid}",)),),
        )
        told = explain(playbook(source), call([say("customer", 0, text)], 9_000), "r").rule
        assert told is not None
        return told.verdict

    above = SlotIs("paid", above=50)
    assert story(above, "I paid twenty pounds").startswith("The rule waits until {paid} is above 50; it held ")
    assert story(above, "well I paid") == "The rule waits until {paid} is above 50; it was never captured."
    empty = AllOf((Said(("that is it",)), SlotIs("paid", empty=True)))
    assert story(empty, "I paid twenty pounds and that is it").endswith("what did not hold then: {paid} is not known.")


def test_a_score_that_was_not_reached() -> None:
    assert verdict(ScoreAt(0.6, 30_000), call([HEARD], 9_000)) == (
        "The mood went no higher than calm (0.00); the rule waits for 0.6 for 30 s."
    )


def meant(score: float, rival: float) -> RuleStory:
    """A rule of a meaning that an utterance came so near to, beside a rival that it came so near to."""
    source = Source(
        name="t",
        rules=(rule("r", Means("r")), rule("rival", Means("rival"))),
        meanings=(
            MeaningSource(id="r", rule="r", examples=("a",), competes=True),
            MeaningSource(id="rival", rule="rival", examples=("b",), competes=True),
        ),
    )
    scores = {"r": score, "rival": rival}
    story = explain(
        playbook(source), call([HEARD], 9_000), "r", read=lambda queue, said: [Reading(scores) for _ in said]
    ).rule
    assert story is not None
    return story


def test_how_near_it_came_to_what_is_meant() -> None:
    assert meant(0.3, 0.1).verdict == (
        'The nearest that was meant: "my bill has doubled" at 0:02.2, 0.30 of the 0.50 it takes.'
    )
    assert meant(0.6, 0.8).verdict.endswith("0.60 of the 0.50 it takes; rival (0.80) was likelier.")
    assert meant(0.0, 0.8).verdict == "A model read the call, and nothing in it came near to this meaning."
    came = meant(0.8, 0.1)
    assert came.verdict.startswith("It came at")
    assert came.points[0].sentence.endswith("0.80 of the 0.50 it takes and brought card r.1.")
    assert verdict(Said(("x y",)), call([HEARD])).startswith("None of its phrases")


def test_no_model_has_read_it() -> None:
    source = Source(
        name="t", rules=(rule("r", Means("r")),), meanings=(MeaningSource(id="r", rule="r", examples=("a",)),)
    )
    story = explain(playbook(source), call([HEARD], 9_000), "r").rule
    assert story is not None
    assert story.verdict == "No model has read this call, so nothing was understood but words."


def test_who_speaks_when_is_not_looked_at_in_a_chat() -> None:
    events = call([HEARD], 9_000)
    chat = [replace(events[0], channel="chat"), *events[1:]]
    assert verdict(Silence(20_000), chat) == "Silence is not looked at in a chat."
    assert verdict(Monologue(20_000), chat).startswith("Who speaks when is not looked at in a chat")


# --- why it came


def test_a_card_says_where_its_words_are_and_how_they_were_made_out() -> None:
    subject = rule("cancel", Said(("cancel my contract",)))
    events: list[AnyEvent] = [
        *call([]),
        SegmentHeard(
            call_id=CALL, segment_id="s0", rev=1, party="customer", text="I cancel my contrct", final=True, start_ms=0,
            end_ms=2_000,
        ),
    ]  # fmt: skip
    book = playbook(Source(name="t", rules=(subject,)))
    [card] = explain(book, events).cards
    [quote] = card.words
    assert (quote.segment_id, quote.start, quote.end) == ("s0", 2, 19)
    assert [(bend.heard, bend.meant) for bend in card.bends] == [("contrct", "contract")]
    assert card.playbook == book.version
    assert bent(card.bends) == '"contrct" for "contract"'
    assert told(subject, events).points[0].sentence == (
        'The condition was met at 0:02.0 by "cancel my contrct", heard "contrct" for "contract" and brought card '
        "cancel.1."
    )


def test_a_rule_without_triggers() -> None:
    assert told(replace(rule("r", Said(("a b",))), clauses=()), call([HEARD])).verdict == (
        "The rule has no trigger, so nothing can bring it."
    )


def test_a_recorded_log_is_folded_as_it_stands() -> None:
    subject = rule("hush", Silence(5_000))
    events: list[AnyEvent] = call([HEARD])
    book = playbook(Source(name="t", rules=(subject,)))
    assert not explain(book, events, recorded=True).cards
    ticked = [*events, ClockTicked(call_id=CALL, at_ms=HEARD.end_ms + 5_000)]
    assert [card.rule for card in explain(book, ticked, recorded=True).cards] == ["hush"]


def test_a_rule_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        explain(playbook(), call([HEARD]), "nobody")


def test_no_events() -> None:
    assert explain(playbook(), []).cards == ()


@pytest.mark.parametrize(("ms", "text"), [(0, "0:00.0"), (62_449, "1:02.4"), (600_000, "10:00.0")])
def test_clock(ms: int, text: str) -> None:
    assert clock(ms) == text


def test_a_rule_to_the_supervisors_tells_of_its_alert() -> None:
    rule_to_them = replace(rule("legal", Said(("my lawyer",)), unless=("lawyer friend",)), to="supervisors")
    story = told(rule_to_them, call([say("customer", 0, "you will hear from my lawyer")], 9_000))
    assert story.verdict == "It alerted the supervisors at 0:01.8, and resolved at 0:09.0: ended."
    assert story.points[0].sentence == 'The condition was met at 0:01.8 by "my lawyer".'
    story = told(rule_to_them, call([say("customer", 0, "I saw my lawyer friend")], 9_000))
    assert "no alert came: the words `lawyer friend` were near, which exclude it" in story.points[0].sentence
