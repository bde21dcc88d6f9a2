"""The risk, fitted: it ranks as it should, and the fold says the same as the fit."""

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from rtig import knowledge
from rtig.core import frustration
from rtig.core.events import Tone
from rtig.core.playbook import Playbook, Source
from rtig.evaluation.dialogues import Dialogue, Turn
from rtig.evaluation.frustration import played
from rtig.training import risk

WORDS = ("hello", "awful", "thanks", "why", "bye")


def encode(texts: Sequence[str]) -> np.ndarray:
    """A vector that says which of some words a text holds."""
    return np.array([[word in text.split() for word in WORDS] for text in texts], np.float32).reshape(len(texts), 5)


def tones(texts: Sequence[str]) -> list[Tone]:
    return [Tone(upset=0.8 if "awful" in text else 0.1, pleased=0.7 if "thanks" in text else 0.1) for text in texts]


def dialogues() -> list[Dialogue]:
    made = []
    for number in range(80):
        annoyed = number % 4 == 0
        said = ["hello", "why is it so", f"awful {number}" if annoyed else f"thanks {number}", "bye"]
        if number % 8 == 1:
            said[1] = f"awful {number}"
        turns = tuple(Turn("customer", 10_000 * at, text) for at, text in enumerate(said))
        made.append(Dialogue(str(number), turns, annoyed, told=False))
    return made


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return knowledge.compiled(Source(name="moods"))


@pytest.fixture(scope="module")
def looked(playbook: Playbook) -> list[risk.Looked]:
    return list(risk.look(playbook, dialogues(), tones, encode))


def test_a_dialogue_is_looked_at_four_times(looked: list[risk.Looked]) -> None:
    first = looked[0].looks
    assert [look.patience.tally.get("said", 0.0) for look in first] == [1.0, 2.0, 3.0, 4.0]
    assert first[0].meaning.tolist() == [1, 0, 0, 0, 0]
    assert first[3].meaning == pytest.approx([0.25, 0.25, 0, 0.25, 0.25])


def test_what_is_fitted_tells_the_calls_apart(looked: list[risk.Looked]) -> None:
    odds, strain = risk.fit(looked)
    ends = [risk.risk_of(odds, strain, one.looks[-1]) for one in looked]
    assert min(end for end, one in zip(ends, looked, strict=True) if one.annoyed) > max(
        end for end, one in zip(ends, looked, strict=True) if not one.annoyed
    )
    assert odds.read.weights["strain"] == 1.0
    assert {*odds.read.weights} > {*risk.READ} > {*odds.unread.weights} - {*risk.BY_HAND}


def test_the_fold_says_the_same(playbook: Playbook, looked: list[risk.Looked]) -> None:
    """The mean of a linear reading of each utterance is the reading of their mean."""
    odds, strain = risk.fit(looked)

    def strained(texts: Sequence[str]) -> list[Tone]:
        values = encode(texts) @ strain.weights + strain.bias
        return [replace(tone, strain=float(value)) for tone, value in zip(tones(texts), values, strict=True)]

    temper = replace(playbook.temper, risk=odds)
    for one, dialogue in zip(looked[:10], dialogues(), strict=False):
        *_, call = played(playbook, dialogue, lambda said: strained([utterance.text for utterance in said]))
        assert frustration.risk(temper, call.weighing.state) == pytest.approx(
            risk.risk_of(odds, strain, one.looks[-1]), abs=1e-4
        )


def test_each_call_is_judged_by_the_others(looked: list[risk.Looked]) -> None:
    found = dict(risk.cross_validated(looked, 4))
    assert sorted(found) == list(range(len(looked)))
    assert all(len(judged.risks) == len(risk.LOOKED_AT) for judged in found.values())
    annoyed = {at for at, one in enumerate(looked) if one.annoyed}
    assert min(found[at].by_meaning for at in annoyed) > max(
        judged.by_meaning for at, judged in found.items() if at not in annoyed
    )
    assert dict(risk.cross_validated(looked, 4)) == found


def test_what_says_nothing_says_little(looked: list[risk.Looked]) -> None:
    """Where labels follow nothing, weights that fit them all the same must not be believed."""
    rng = np.random.default_rng(0)
    guesses = [
        one._replace(
            annoyed=bool(rng.random() < 0.3),
            looks=tuple(each._replace(meaning=rng.normal(size=300).astype(np.float32)) for each in one.looks),
        )
        for one in looked
    ]
    odds, strain = risk.fit(guesses)
    said = [risk.risk_of(odds, strain, one.looks[-1]) for one in guesses]
    assert max(said) - min(said) < 0.3
