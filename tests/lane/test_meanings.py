"""Meanings learned from a few sentences with the weights that are installed: told from one another and from nothing."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from rtig.core.playbook import MeaningSource
from rtig.core.text import normal
from rtig.lane.encoder import Encoder
from rtig.lane.meanings import FOLDS, Meanings, Notes, _folds
from rtig.learning import kinds_of_negatives

BILL = (
    "my bill is too high", "why is my bill so much this month", "you charged me more than last month",
    "the amount on my bill is wrong", "i pay far too much", "why did my bill go up",
)  # fmt: skip
MOVING = (
    "we are moving house", "i have a new address", "can i take my line to the new flat", "we move next month",
    "i am moving to another town", "please move my contract to my new place",
)  # fmt: skip
REFUSAL = (
    "i cannot do that for you", "that is not possible", "we do not offer that", "that is against our policy",
    "there is nothing i can do", "we are not able to do this",
)  # fmt: skip
NEGATIVES = (
    ("hello there", "good morning", "hi how are you", "good afternoon", "hello can you hear me", "good evening to you"),
    ("thank you very much", "thanks a lot", "that is kind of you", "many thanks for that", "thank you bye", "cheers"),
    (
        "one two three four",
        "my name is anna",
        "it is spelt with two ls",
        "double seven five",
        "yes that is me",
        "s w one",
    ),
)


def article(name: str, *examples: str, queues: Sequence[str] = ()) -> MeaningSource:
    return MeaningSource(id=name, rule=name, examples=examples, competes=True, queues=tuple(queues))


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def meanings(encoder: Encoder) -> Meanings:
    beside = MeaningSource(id="refusal", rule="refusal", examples=REFUSAL, party="agent", competes=False)
    return Meanings.learn(
        encoder.encode, [article("bill", *BILL), article("moving", *MOVING), beside], NEGATIVES, false_alarms=5.0
    )


def score(meanings: Meanings, text: str, queue: str = "") -> dict[str, float]:
    return meanings.scores([(text, queue)])[0]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("this month's bill was much higher than usual", "bill"),
        ("We're moving to a different house in June.", "moving"),
        ("sorry, we are not allowed to do that", "refusal"),
        ("good morning, nice to talk to you", None),
        ("thanks so much for everything", None),
        ("four five double six", None),
    ],
)
def test_what_was_never_said_before_is_understood(meanings: Meanings, text: str, meant: str | None) -> None:
    found = score(meanings, text)
    assert [name for name, sure in found.items() if sure >= 0.5] == ([meant] if meant else [])


def test_utterances_do_not_depend_on_those_beside_them(meanings: Meanings) -> None:
    texts = [*BILL, *MOVING, *NEGATIVES[0]]
    together = meanings.scores([(text, "") for text in texts])
    for text, scores in zip(texts, together, strict=True):
        assert score(meanings, text) == pytest.approx(scores, abs=1e-3)
    assert meanings.scores([]) == []


def test_writing_does_not_matter(meanings: Meanings) -> None:
    assert normal("My Bill, is TOO high!") == normal("my bill is too high")
    assert score(meanings, "My bill, is TOO high!") == score(meanings, "my bill is too high")


def test_learning_twice_is_the_same(encoder: Encoder) -> None:
    twice = [
        Meanings.learn(encoder.encode, [article("bill", *BILL), article("moving", *MOVING)], NEGATIVES, 1.0)
        for _ in range(2)
    ]
    assert score(twice[0], "why do i pay more now") == score(twice[1], "why do i pay more now")
    assert twice[0].learned == twice[1].learned


def test_what_is_noted_need_not_be_learned(meanings: Meanings) -> None:
    notes = msgspec.msgpack.decode(msgspec.msgpack.encode(meanings.notes()), type=Notes)
    again = Meanings.from_notes(meanings._encode, meanings._meanings, notes)
    texts = [(text, "") for text in (*BILL, *MOVING, *NEGATIVES[0])]
    assert again.scores(texts) == meanings.scores(texts)
    assert again.learned == meanings.learned


def test_nothing_to_tell_is_noted_too(encoder: Encoder) -> None:
    nothing = Meanings.learn(encoder.encode, [article("bill", *BILL)], [], 1.0)
    again = Meanings.from_notes(encoder.encode, nothing._meanings, nothing.notes())
    assert again.scores([(BILL[0], "")]) == [{}]


def test_a_meaning_of_another_queue_does_not_compete(encoder: Encoder) -> None:
    made = Meanings.learn(
        encoder.encode,
        [article("bill", *BILL), article("sales", *BILL[::-1], queues=["sales"]), article("moving", *MOVING)],
        NEGATIVES,
        5.0,
    )
    anywhere, in_sales = score(made, "why is my bill so high"), score(made, "why is my bill so high", "sales")
    assert "sales" not in anywhere
    assert anywhere["bill"] >= 0.5
    assert in_sales["bill"] == pytest.approx(in_sales["sales"], abs=0.25)
    assert in_sales["bill"] < anywhere["bill"]
    assert score(made, "why is my bill so high", "a queue that no rule names") == anywhere


def test_fewer_false_alarms_ask_for_more(encoder: Encoder) -> None:
    """The negatives hold sentences that mean just what the article does; none of them may call for it."""
    alike = (
        *NEGATIVES,
        ("my bill is too high again", "why is the bill so much", "my bill has gone up", "i pay too much"),
    )
    lessons = [article("bill", *BILL), article("moving", *MOVING)]
    strict = Meanings.learn(encoder.encode, lessons, alike, false_alarms=0.0)
    loose = Meanings.learn(encoder.encode, lessons, alike, false_alarms=20.0)
    said = "my bill is too high"
    assert score(strict, said)["bill"] < score(loose, said)["bill"]
    assert strict.learned["bill"].understood < loose.learned["bill"].understood
    assert strict.learned["bill"].sentences == len(BILL)


def test_with_nothing_to_tell_it_from_nothing_is_meant(encoder: Encoder) -> None:
    assert score(Meanings.learn(encoder.encode, [], NEGATIVES, 1.0), "hello") == {}
    assert score(Meanings.learn(encoder.encode, [article("bill", *BILL)], (), 1.0), "my bill") == {}
    beside = [MeaningSource(id=name, rule=name, examples=BILL, competes=False) for name in ("one", "two")]
    of_neither = score(Meanings.learn(encoder.encode, beside, (), 1.0), "my bill is too high")
    assert of_neither == pytest.approx({"one": 0.0, "two": 0.0}, abs=0.001)


def test_one_article_and_one_kind_of_negatives(encoder: Encoder) -> None:
    """Two classes have one line between them."""
    made = Meanings.learn(encoder.encode, [article("bill", *BILL)], NEGATIVES[:1], 10.0)
    assert score(made, "my bill is far too high")["bill"] >= 0.5 > score(made, "hello good morning")["bill"]


def test_a_single_sentence_is_learned_but_not_judged(encoder: Encoder) -> None:
    made = Meanings.learn(encoder.encode, [article("bill", *BILL), article("moving", MOVING[0])], NEGATIVES, 10.0)
    assert made.learned["moving"].sentences == 0
    assert score(made, MOVING[0])["moving"] > score(made, BILL[0])["moving"]


def test_who_may_mean_it(meanings: Meanings) -> None:
    assert meanings.party("refusal") == "agent"
    assert meanings.party("bill") == "customer"


def test_each_sentence_is_unseen_by_one_judge() -> None:
    labels = np.repeat(np.arange(4), [1, 2, 5, 12])
    folds = _folds(labels)
    assert folds[0] == -1
    for label in (1, 2, 3):
        of_each = np.bincount(folds[labels == label], minlength=FOLDS)
        assert of_each.max() - of_each.min() <= 1


def test_the_shipped_negatives_come_in_kinds() -> None:
    kinds = kinds_of_negatives("en")
    assert len(kinds) > 10
    assert all(len(kind) >= FOLDS for kind in kinds)
