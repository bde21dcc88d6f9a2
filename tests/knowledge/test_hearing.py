"""A call that was never live is folded with the clock's ticks and a model's answers."""

from collections.abc import Sequence

from calls import CALL, call, playbook, rule, say

from rtig.core.conditions import Means, Silence
from rtig.core.events import ClockTicked, UtteranceRead
from rtig.core.playbook import MeaningSource, Source
from rtig.core.utterances import Reading, Utterance
from rtig.knowledge.hearing import heard

BOOK = playbook(
    Source(
        name="t",
        rules=(rule("meant", Means("meant")), rule("hush", Silence(8_000))),
        meanings=(MeaningSource(id="meant", rule="meant", examples=("my bill has doubled",)),),
    )
)
EVENTS = call([say("customer", 0, "my bill has doubled"), say("agent", 20_000, "let me see")], 30_000)


def test_ticks_and_answers_are_put_in() -> None:
    folds = list(heard(BOOK, CALL, EVENTS, lambda queue, said: [Reading({"meant": 0.9}) for _ in said]))
    kinds = [type(folded.event) for folded in folds]
    assert kinds.index(UtteranceRead) == 2  # right after the words
    assert ClockTicked in kinds
    assert {card.why.rule for card in folds[-1].call.told.cards.values()} == {"meant", "hush"}


def test_the_same_words_are_read_once_and_in_the_queue_of_the_call() -> None:
    asked: list[tuple[str, str]] = []

    def read(queue: str, said: Sequence[Utterance]) -> list[Reading]:
        asked.extend((queue, one.text) for one in said)
        return [Reading({}) for _ in said]

    twice = call([say("customer", 0, "my bill has doubled"), say("customer", 9_000, "my bill has doubled")], 30_000)
    list(heard(BOOK, CALL, twice, read))
    assert asked == [("billing", "my bill has doubled")]


def test_without_a_model_nothing_is_read() -> None:
    assert not any(isinstance(folded.event, UtteranceRead) for folded in heard(BOOK, CALL, EVENTS))
