"""The shipped coaching: what is prompted on the sample calls, and that nothing comes once the agent has done it.

`rtig explain --all-calls --kind coach` prints the same prompts with their reasons.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import samples

from rtig.core.events import AnyEvent, CallEnded, CallStarted, HoldChanged, SegmentHeard
from rtig.evaluation.dialogues import events, read_dialogues
from rtig.knowledge import authoring
from rtig.knowledge.explain import CardStory, explain
from rtig.script import Line, Script, Silence

STAR = Path(__file__).parents[2] / "../shared/data/star/dev.jsonl"
CALM = ("calm", "tense")
OPENING = Line("agent", "thanks for calling larkfield this call is recorded how can I help")


class Told(NamedTuple):
    """The prompts of a call that an agent saw, and the band that the mood rose to."""

    cards: tuple[CardStory, ...]
    mood: str

    @property
    def standing(self) -> list[str]:
        """Those that did not go away again because the agent did what they ask for."""
        return [card.rule for card in self.cards if card.state == "confirmed"]


def told(heard: Sequence[AnyEvent]) -> Told:
    story = explain(samples.playbook(), heard)
    seen = (card for card in story.cards if any(turn.state == "confirmed" for turn in card.turns))
    return Told(tuple(card for card in seen if card.kind == "coach"), story.mood)


def spoken(*lines: Line | Silence, queue: str = "") -> Told:
    return told(list(authoring.performed(Script(id="spoken", queue=queue, lines=(OPENING, *lines)))))


@cache
def sample(call: str) -> Told:
    return told(list(authoring.performed(samples.base().calls[call])))


# --- the sample calls


@pytest.mark.parametrize("call", samples.base().calls)
def test_a_calm_call_has_fewer_than_three_prompts(call: str) -> None:
    assert len(sample(call).cards) < 3 or sample(call).mood not in CALM


def test_most_calm_calls_have_none() -> None:
    calm = [call for call in samples.base().calls if sample(call).mood in CALM]
    assert len(calm) >= 10
    assert sum(len(sample(call).cards) for call in calm) <= len(calm) // 2


DONE_IN_CALLS = [
    ("bill-doubled", "identity-check", "first line of your address"),
    ("bill-doubled", "break-the-silence", "just bear with me"),
    ("bill-doubled", "confirm-next-step", "i'll post it today"),
    ("card-number-read-aloud", "identity-check", "first line of the address"),
    ("chat-cannot-pay-this-month", "acknowledge-first", "that must be a hard time"),
    ("chat-parcel-never-came", "confirm-next-step", "You'll get a text"),
    ("hard-of-hearing-text-relay", "slow-down", "of course is this better"),
    ("leaving-for-a-cheaper-offer", "ask-before-offering", "what's made you want to leave"),
    ("missed-engineer-made-good", "acknowledge-first", "i'm so sorry"),
    ("missed-engineer-made-good", "one-company", "that's our mistake"),
    ("moving-next-month", "break-the-silence", "just bear with me"),
    ("outage-on-a-noisy-line", "promise-without-a-when", "before four today"),
    ("refund-promised-wants-manager", "offer-manager", "let me see who's free"),
    ("refund-promised-wants-manager", "acknowledge-first", "i'm sorry all i can do"),
    ("refund-promised-wants-manager", "hold-without-a-word", "going to put you on hold"),
    ("router-drops-third-call", "spare-the-repetition", "read what's been done so far"),
    ("router-drops-third-call", "own-the-callback", "i'll ring you myself"),
    ("slow-evenings-silent-hold", "break-the-silence", "looking at something"),
    ("upgrade-talked-over", "let-them-finish", "sorry go ahead"),
    ("wrong-number-boiler", "identity-check", "won't need any details"),
]
"""What an agent does in a sample call, judged by hand: the call, the rule that asks for it, and the agent's words."""


@pytest.mark.parametrize(("call", "rule", "words"), DONE_IN_CALLS)
def test_no_prompt_comes_after_the_agent_did_it(call: str, rule: str, words: str) -> None:
    """Of a prompt that had come before, nothing is left."""
    said = [
        event
        for event in authoring.performed(samples.base().calls[call])
        if isinstance(event, SegmentHeard) and event.party == "agent" and event.final
    ]
    joined = ""
    for event in said:
        joined += f" {event.text}"
        if words in joined:
            break
    else:
        raise AssertionError(f"nobody says so in {call}")
    after = [card for card in sample(call).cards if card.rule == rule and card.turns[-1].at_ms >= event.start_ms]
    assert all(card.state == "retracted" and card.turns[-1].reason == "done" for card in after)
    assert all(card.at_ms < event.end_ms for card in after)


def test_the_calls_that_go_wrong_are_coached() -> None:
    def rules(call: str) -> list[str]:
        return [card.rule for card in sample(call).cards]

    assert rules("slow-evenings-silent-hold") == ["break-the-silence"]
    assert {"let-them-finish", "check-understanding"} <= set(rules("upgrade-talked-over"))
    assert "offer-manager" in rules("refund-promised-wants-manager")
    assert "own-the-repeat" in rules("router-drops-third-call")


# --- what agents say who have done it

REFUSED = Line("customer", "I want to speak to a manager please")
SICK = Line("customer", "I am so angry I am sick of this it is ridiculous and nobody cares")
SLOW = Line("customer", "could you slow down please I am writing it down")
OPEN = Line("customer", "you have not answered my question")
NEVER_RANG = Line("customer", "nobody ever rings me when you say so")
TOLD = Line("customer", "I have already told you all this last week")
INTERRUPTED = Line("customer", "let me finish please")
PROMISED = Line("agent", "someone will call you back about that")
CANNOT = Line("agent", "I am afraid there is nothing we can do about that")
BLAMED = Line("agent", "they should have told you that")
LATER = Line("customer", "yes all right then", pause=0.8)

WORDINGS: dict[str, tuple[Line, list[str]]] = {
    "acknowledge-first": (
        SICK,
        [
            "I am really sorry about all of this",
            "I do understand and I would be annoyed too",
            "that must have been so frustrating for you",
            "I can hear how upsetting that is",
            "I completely understand",
            "I don't blame you at all",
            "we have let you down there",
            "my apologies for all the trouble",
            "you are absolutely right",
            "that is really not good enough",
            "I can imagine how you feel",
            "sorry to hear that",
            "thanks for telling me that",
            "i'm ever so sorry",
            "i am so sorry about that we'll get it sorted",
            "that sounds really stressful",
        ],
    ),
    "offer-manager": (
        REFUSED,
        [
            "of course let me get you a manager",
            "I will put you straight through to my supervisor",
            "let me see if somebody is free",
            "I can have a team leader call you within two hours",
            "let me find a manager for you",
            "bear with me while I ask my manager",
            "I will transfer you to the team leader now",
            "let me check who is available",
            "my manager is next to me I will pass you over",
            "I will escalate this to a manager right away",
        ],
    ),
    "slow-down": (
        SLOW,
        [
            "of course is that better",
            "sorry I will slow down",
            "yes take your time",
            "let me say that again slowly",
            "sure one thing at a time",
            "can you hear me better now",
            "we will go through it step by step",
        ],
    ),
    "answer-the-question": (
        OPEN,
        [
            "to answer your question it is the blue one",
            "the short answer is yes",
            "I do not know yet but I will find out",
            "it will take about ten minutes",
            "you asked how long and it is an hour",
            "the engineer will come tomorrow",
        ],
    ),
    "own-the-callback": (
        NEVER_RANG,
        [
            "I am so sorry that nobody called you back",
            "you should have been called",
            "we should have rung you",
            "I will ring you back myself",
            "I will make sure that they call you",
            "we have let you down",
        ],
    ),
    "spare-the-repetition": (
        TOLD,
        [
            "let me read the notes first",
            "I can see it in your notes",
            "I am just looking at the notes from last week",
            "you should not have to explain it again",
            "let me see what has been done so far",
            "I have got your notes here",
        ],
    ),
    "let-them-finish": (
        INTERRUPTED,
        [
            "sorry go ahead",
            "please carry on",
            "sorry I interrupted you",
            "you were saying",
            "I am sorry for cutting you off",
            "sorry I am listening",
            "do go on",
        ],
    ),
    "promise-without-a-when": (
        PROMISED,
        [
            "that will be tomorrow morning",
            "within two working days",
            "by the end of the week",
            "it will be on friday",
            "that is before noon",
            "in about half an hour",
        ],
    ),
    "say-what-you-can-do": (
        CANNOT,
        [
            "but what I can do is write to them",
            "let me see what else there is",
            "I can send you a form instead",
            "another way would be the shop",
            "would you like me to ask for you",
        ],
    ),
    "one-company": (
        BLAMED,
        ["we should have told you", "that is our mistake", "let me put it right", "sorry about that"],
    ),
}
"""By rule: what brings its prompt, and what agents say in all sorts of words who do it just before or after."""
CASES = [(rule, before, words) for rule, (before, said) in WORDINGS.items() for words in said]


@pytest.mark.parametrize("rule", WORDINGS)
def test_a_prompt_comes_where_nobody_does_it(rule: str) -> None:
    brought, _ = WORDINGS[rule]
    assert rule in spoken(brought, Line("agent", "right"), LATER, Line("agent", "okay"), Silence(12)).standing


@pytest.mark.parametrize(("rule", "brought", "words"), CASES)
def test_done_right_after_it_goes_away_or_never_comes(rule: str, brought: Line, words: str) -> None:
    assert rule not in spoken(brought, Line("agent", words), LATER, Silence(12)).standing


@pytest.mark.parametrize(("rule", "brought", "words"), CASES)
def test_done_a_little_later_it_goes_away(rule: str, brought: Line, words: str) -> None:
    found = spoken(brought, Line("agent", "right"), LATER, Silence(8), Line("agent", words), Silence(12))
    assert rule not in found.standing
    assert all(card.turns[-1].reason == "done" for card in found.cards if card.rule == rule)


BEFORE = [case for case in CASES if case[0] not in ("answer-the-question", "let-them-finish", "promise-without-a-when")]


@pytest.mark.parametrize(("rule", "brought", "words"), BEFORE)
def test_done_before_it_never_comes(rule: str, brought: Line, words: str) -> None:
    """Nobody answers, apologises for talking or names a time before there is a reason to."""
    found = spoken(Line("customer", "hello it is about a letter"), Line("agent", words), LATER, brought, Silence(12))
    assert rule not in [card.rule for card in found.cards]


@pytest.mark.parametrize(
    ("rule", "misheard"),
    [
        ("acknowledge-first", "I completely under stand"),
        ("acknowledge-first", "that must have been so frusterating for you"),
        ("acknowledge-first", "my apologys for all the trouble"),
        ("offer-manager", "of course let me get you a manger"),
        ("offer-manager", "I will put you straight threw to my supervisor"),
        ("offer-manager", "I can have a teem leader call you within two hours"),
        ("slow-down", "let me say that again slowley"),
        ("spare-the-repetition", "let me reed the notes first"),
        ("own-the-callback", "I am so sorry that nobody called you bach"),
        ("say-what-you-can-do", "but wot I can do is write to them"),
    ],
)
def test_what_a_recogniser_makes_of_it_counts_too(rule: str, misheard: str) -> None:
    brought, _ = WORDINGS[rule]
    assert rule not in spoken(brought, Line("agent", misheard), LATER, Silence(12)).standing


# --- what a script cannot say

RAGE = (
    "this is the third time I call about this and nobody ever calls me back",
    "I took a day off work for nothing and I am sick of this",
    "this is unacceptable it is a disgrace I am furious",
    "it is always the same it is a joke and you are wasting my time",
    "I am so angry this is ridiculous",
    "you are useless this is the worst service ever and I have had enough of this",
    "this is absolutely disgraceful and it is driving me mad",
)


def raging(answer: str) -> Told:
    lines = [line for words in RAGE for line in (Line("customer", words), Line("agent", answer))]
    return spoken(*lines, Silence(10))


def test_a_score_that_stays_critical_calls_for_a_manager_unasked() -> None:
    assert "offer-manager-unasked" in raging("I see that here and I am looking at it").standing
    assert "offer-manager-unasked" not in raging("shall I get you a team leader").standing
    assert "offer-manager-unasked" not in spoken(Line("customer", RAGE[2]), Silence(60)).standing


def held(*said: SegmentHeard, on_ms: int, off_ms: int) -> Told:
    """A call with a hold in it."""
    heard: list[tuple[int, AnyEvent]] = [(one.start_ms, one) for one in said]
    heard += [(at_ms, HoldChanged(call_id="held", at_ms=at_ms, on=at_ms == on_ms)) for at_ms in (on_ms, off_ms)]
    ordered = [event for _, event in sorted(heard, key=lambda one: one[0])]
    return told([CallStarted(call_id="held"), *ordered, CallEnded(call_id="held", at_ms=off_ms + 40_000)])


def agent(at_ms: int, text: str) -> SegmentHeard:
    return SegmentHeard(
        call_id="held", segment_id=f"s{at_ms}", rev=1, party="agent", text=text, final=True, start_ms=at_ms,
        end_ms=at_ms + 300 * len(text.split()),
    )  # fmt: skip


HELLO = agent(1_000, "thanks for calling larkfield this call is recorded how can I help")


def test_a_hold_without_a_word_is_coached_and_one_with_a_word_is_not() -> None:
    silent = held(HELLO, agent(62_000, "right"), on_ms=60_000, off_ms=70_000)
    assert "hold-without-a-word" in silent.standing
    announced = held(HELLO, agent(56_000, "I will pop you on hold for a minute"), on_ms=60_000, off_ms=140_000)
    assert "hold-without-a-word" not in [card.rule for card in announced.cards]
    owned = held(HELLO, agent(71_000, "sorry about the wait"), on_ms=60_000, off_ms=70_000)
    assert "hold-without-a-word" not in owned.standing


def test_a_long_hold_is_coached_until_the_agent_comes_back() -> None:
    asked = agent(56_000, "I will pop you on hold for a minute")
    assert "back-from-hold" in held(HELLO, asked, on_ms=60_000, off_ms=155_000).standing
    assert "back-from-hold" not in held(HELLO, asked, on_ms=60_000, off_ms=145_000).standing
    back = agent(156_000, "thank you for holding")
    assert "back-from-hold" not in held(HELLO, asked, back, on_ms=60_000, off_ms=155_000).standing


# --- calls of other people


@pytest.mark.skipif(not STAR.is_file(), reason="the dialogues are not beside this repository")
def test_strangers_calls_are_left_alone() -> None:
    """Chats of another trade, nearly all of them calm: a prompt in one of ten at most, and never three."""
    found = [
        told([*events(one), CallEnded(call_id=one.name, at_ms=one.turns[-1].at_ms)])
        for one in read_dialogues([STAR])[:60]
    ]
    assert sum(len(one.cards) for one in found) <= len(found) / 10
    assert max(len(one.cards) for one in found) < 3
