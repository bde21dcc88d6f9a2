"""What the encoder is trained on: read from data sets, with what is known of each sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from rtig.errors import WorldError
from rtig.lane.encoder import EMOTIONS, MOODS, PLEASED, UPSET
from rtig.training import corpus
from rtig.training.corpus import NEITHER, Sentence

FILES: dict[str, list[dict[str, Any]]] = {
    "goemotions/train.jsonl": [
        {"text": "I hate this", "labels": ["anger"]},
        {"text": "Thanks, but no", "labels": ["gratitude", "disapproval"]},
        {"text": "So sad", "labels": ["sadness"]},
    ],
    "clinc150/train.jsonl": [{"text": "call a cab", "intent": "taxi"}, {"text": "blue cheese", "intent": "oos"}],
    "hwu64/train.jsonl": [{"text": "wake me at six", "intent": "alarm"}],
    "star/train.jsonl": [
        {"turns": [{"speaker": "customer", "text": "hi"}, {"speaker": "agent", "text": "hello"}]},
    ],
    "multidogo/train.jsonl": [{"text": "hi"}, {"text": "my bill please"}],
}


def data(folder: Path) -> Path:
    for name, rows in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def test_each_sentence_has_what_is_known_of_it(tmp_path: Path) -> None:
    made = corpus.read_corpus(data(tmp_path))
    assert made.emotions == (
        Sentence("I hate this", (EMOTIONS.index("anger"),), MOODS.index("upset")),
        Sentence("Thanks, but no", (EMOTIONS.index("disapproval"), EMOTIONS.index("gratitude")), None),
        Sentence("So sad", (EMOTIONS.index("sadness"),), None),
    )
    assert made.intent_names == ("clinc150/taxi", "hwu64/alarm")
    assert made.intents == (Sentence("call a cab", intent=0), Sentence("wake me at six", intent=1))
    assert made.plain == (Sentence("hi"),)  # what an agent says is not what customers say; every tenth is enough


def test_some_sentences_are_kept_from_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "HELD_OUT_EVERY", 2)
    made = corpus.read_corpus(data(tmp_path))
    assert [one.text for one in made.emotions] == ["I hate this", "So sad"]
    assert [one.text for one in made.held_out] == ["Thanks, but no"]


def test_moods_follow_from_emotions_that_agree() -> None:
    assert corpus.mood_of(["annoyance", "neutral"]) == "upset"
    assert corpus.mood_of(["gratitude", "joy"]) == "pleased"
    assert corpus.mood_of(["curiosity"]) == "fine"
    assert corpus.mood_of(["gratitude", "annoyance"]) is None
    assert corpus.mood_of(["grief"]) is None
    assert {*UPSET, *PLEASED, *NEITHER} < {*EMOTIONS}


def test_service_talk_is_in_every_mood_and_no_sentence_twice() -> None:
    talk = list(corpus.read_service_talk())
    assert len(talk) > 6_000
    assert {one.mood for one in talk} == {0, 1, 2}
    assert len({one.text.lower() for one in talk}) == len(talk)


def test_what_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    folder = data(tmp_path)
    (folder / "hwu64" / "train.jsonl").write_text("nothing\n", "utf-8")
    with pytest.raises(WorldError, match=r"hwu64/train\.jsonl:1"):
        corpus.read_corpus(folder)
    (folder / "hwu64" / "train.jsonl").unlink()
    with pytest.raises(WorldError, match=r"hwu64/train\.jsonl is not there"):
        corpus.read_corpus(folder)
