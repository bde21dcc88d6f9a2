"""Emotions in single texts: what counts as negative, and how labels are counted."""

from pathlib import Path

import pytest

from rtig.errors import WorldError
from rtig.evaluation import emotion
from rtig.evaluation.emotion import Labelled, Scored

TEXTS = [
    Labelled("this is awful", frozenset({"anger"})),
    Labelled("it is a chair", frozenset({"neutral"})),
    Labelled("you are great", frozenset({"joy"})),
    Labelled("not again", frozenset({"annoyance", "anger"})),
]
SCORED = [
    Scored({"anger": 0.9, "annoyance": 0.1, "neutral": 0.1, "joy": 0.0}, frozenset({"anger"})),
    Scored({"anger": 0.1, "annoyance": 0.1, "neutral": 0.8, "joy": 0.1}, frozenset({"neutral"})),
    Scored({"anger": 0.0, "annoyance": 0.2, "neutral": 0.3, "joy": 0.9}, frozenset({"joy", "neutral"})),
    Scored({"anger": 0.3, "annoyance": 0.6, "neutral": 0.2, "joy": 0.0}, frozenset({"annoyance"})),
]


def test_one_of_the_negative_emotions_is_enough() -> None:
    assert emotion.negative(SCORED[3]) == pytest.approx(1 - 0.7 * 0.4)
    assert emotion.negative(Scored({"joy": 0.9}, frozenset())) == 0.0


def test_the_report_counts_labels_and_ranks_texts() -> None:
    report = emotion.report(TEXTS, SCORED, lambda text: -0.5 if text == "this is awful" else 0.0)
    assert (report.n, report.negative, report.auc) == (4, 2, 1.0)
    assert report.f1 == {"anger": 0.6667, "annoyance": 1.0, "joy": 1.0, "neutral": 0.6667}
    assert report.macro_f1 == 0.8333


def test_a_file_is_read_and_what_is_wrong_with_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "a", "labels": ["anger"]}\n\n{"text": "b", "labels": []}\n', "utf-8")
    assert emotion.read_labelled(file) == [Labelled("a", frozenset({"anger"})), Labelled("b", frozenset())]
    file.write_text('{"text": "a", "labels": ["anger"]}\n', "utf-8")
    with pytest.raises(WorldError, match="with and without"):
        emotion.read_labelled(file)
    unlike = (('{"text": "a"}', "'labels' is missing"), ("{", "truncated"), ('{"text": "a", "labels": 1}', "array"))
    for line, wrong in unlike:
        file.write_text(f"{line}\n", "utf-8")
        with pytest.raises(WorldError, match=rf"texts\.jsonl:1: .*{wrong}"):
            emotion.read_labelled(file)
