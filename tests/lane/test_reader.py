"""The reader: what it learns again and what not, and what it tells of what it has understood."""

import pytest
from msgspec.structs import replace

from rtig.core.playbook import MeaningSource
from rtig.core.utterances import Utterance, key_of
from rtig.lane.encoder import Encoder
from rtig.lane.meanings import Meanings
from rtig.lane.reader import TOLD_FROM, Reader
from rtig.lane.talk import Article, Asked, Learn

LESSON = Learn(
    version="v1",
    meanings=(
        MeaningSource(
            id="bill", rule="bill", competes=True, party="customer",
            examples=("my bill is too high", "why is my bill so much", "i was charged twice", "i pay too much"),
        ),
        MeaningSource(
            id="refusal", rule="refusal", competes=False, party="agent",
            examples=("i cannot do that", "that is not possible", "we do not offer that", "there is nothing i can do"),
        ),
    ),
    negatives=(("hello there", "good morning", "thanks a lot", "good bye", "hi how are you", "one moment please"),),
    false_alarms=10.0,
    articles=(
        Article("bill", "Why a bill is higher than expected. An ended discount is the usual cause."),
        Article("moving", "Moving home. The line moves with you within ten working days."),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def reader() -> Reader:
    made = Reader(Encoder())
    made.learn(LESSON)
    return made


def asked(text: str, party: str = "customer") -> Asked:
    return Asked(key_of("customer", text), party, text, "")  # type: ignore[arg-type]


def test_only_those_whose_words_count_may_mean_it(reader: Reader) -> None:
    customer, agent = reader.read([asked("sorry that is not possible"), asked("sorry that is not possible", "agent")])
    assert "refusal" not in customer.scores
    assert agent.scores["refusal"] >= 0.5


def test_the_customers_tone_is_read_and_never_the_agents(reader: Reader) -> None:
    customer, agent = reader.read([asked("this is a disgrace"), asked("this is a disgrace", "agent")])
    assert customer.tone is not None
    assert customer.tone.upset > customer.tone.pleased
    assert agent.tone is None


def test_what_is_unlikely_is_not_told(reader: Reader) -> None:
    (found,) = reader.read([asked("good morning")])
    assert all(score >= TOLD_FROM for score in found.scores.values())
    (everything,) = reader.read([asked("good morning")], least=0.0)
    assert everything.scores.keys() == {"bill"}


def test_understand_is_read_for_utterances(reader: Reader) -> None:
    text = "my bill is far too high"
    utterance = Utterance(key_of("customer", text), "customer", text, 0, 1_000, (), full=False)
    assert reader.understand("", [utterance]) == reader.read([asked(text)])


def test_articles_are_found_by_what_they_are_about(reader: Reader) -> None:
    found = reader.find("we are going to live in another town", most=2)
    assert [name for name, _ in found] == ["moving", "bill"]
    assert found[0][1] > found[1][1]
    assert len(reader.find("bill", most=1)) == 1


def test_before_it_has_learned_it_understands_nothing() -> None:
    fresh = Reader(Encoder())
    (found,) = fresh.read([asked("my bill is too high")])
    assert found.scores == {}
    assert found.tone is not None
    assert fresh.find("bill", 3) == ()
    assert fresh.version == ""
    assert fresh.learned == {}


def test_changed_articles_alone_are_no_new_meanings(reader: Reader) -> None:
    mine = reader.another()
    mine.learn(LESSON)
    before = mine._meanings
    mine.learn(replace(LESSON, articles=LESSON.articles[1:]))
    assert mine._meanings is before
    assert [name for name, _ in mine.find("my bill", 5)] == ["moving"]
    mine.learn(replace(LESSON, version="v2", articles=()))
    assert mine._meanings is not before
    assert mine.version == "v2"
    assert mine.find("my bill", 5) == ()


def test_how_well_a_meaning_was_learned_is_said(reader: Reader) -> None:
    assert {name: learned.sentences for name, learned in reader.learned.items()} == {"bill": 4, "refusal": 4}


def test_notes_save_learning_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Encoder()
    first = Reader(encoder)
    notes = first.learn(LESSON)
    assert first.learn(LESSON) == b""
    with monkeypatch.context() as patch:
        patch.setattr(Meanings, "learn", None)
        second = Reader(encoder)
        assert second.learn(replace(LESSON, notes=notes)) == b""
    said = [asked("my bill has gone up a lot"), asked("sorry that cannot be done", "agent")]
    assert second.read(said) == first.read(said)
    assert second.learned == first.learned
    assert second.find("the line moves with me", 2) == first.find("the line moves with me", 2)


@pytest.mark.parametrize("change", ["another encoder", "another version", "no notes of ours"])
def test_notes_of_something_else_are_not_believed(reader: Reader, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = reader.another().learn(LESSON)
    mine = reader.another()
    task = replace(LESSON, notes=notes)
    if change == "another encoder":
        monkeypatch.setattr(mine._encoder, "version", "other")
    elif change == "another version":
        task = replace(task, version="v2", meanings=LESSON.meanings[:1])
    else:
        task = replace(task, notes=notes[:-1])
    assert mine.learn(task) != b""
    assert mine.learned.keys() == {one.id for one in task.meanings}
