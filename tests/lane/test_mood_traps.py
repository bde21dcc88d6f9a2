"""The field's traps: negation, idiom, polite fury and so on. Run as a program, it prints what was read wrongly."""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rapidfuzz import fuzz, process
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig.core.text import normal
from rtig.lane.encoder import MOODS, Encoder

TRAPS = Path(__file__).parent.parent / "data" / "mood_traps.tsv"
NEAR = 80.0
"""A sentence so like another (0 to 100) is the same one with a word changed."""


class Trap(NamedTuple):
    text: str
    mood: str
    reach: str
    trap: str


@cache
def traps() -> list[Trap]:
    with TRAPS.open(encoding="utf-8", newline="") as file:
        return [Trap(**row) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


@cache
def read() -> list[str]:
    moods, _ = Encoder().scores([normal(trap.text) for trap in traps()])
    return [MOODS[row.argmax()] for row in moods]


@cache
def read_by_vader() -> list[str]:
    """With the thresholds that its authors name."""
    analyzer = SentimentIntensityAnalyzer()
    compounds = [analyzer.polarity_scores(trap.text)["compound"] for trap in traps()]
    return ["upset" if one <= -0.05 else "pleased" if one >= 0.05 else "fine" for one in compounds]


def share(moods: list[str], reach: str = "in", *, upset_alone: bool = False) -> float:
    """Of the traps in or out of reach, how many moods are right; `upset_alone`: whether upset or not."""
    pairs = [(trap.mood, mood) for trap, mood in zip(traps(), moods, strict=True) if trap.reach == reach]
    right = sum((one == "upset") == (other == "upset") if upset_alone else one == other for one, other in pairs)
    return right / len(pairs)


def test_the_list_is_as_it_says() -> None:
    assert len(traps()) == 200
    assert len({trap.text for trap in traps()}) == 200
    assert {trap.mood for trap in traps()} == {"upset", "fine", "pleased"}
    assert Counter(trap.reach for trap in traps())["out"] <= 30


def test_no_trap_was_trained_on() -> None:
    trained = (Path(__file__).parents[2] / "models" / "service_talk.en.tsv").read_text("utf-8").splitlines()
    known = [normal(line.split("\t")[0]) for line in trained]
    asked = [normal(trap.text) for trap in traps()]
    near = process.cdist(asked, known, scorer=fuzz.ratio, score_cutoff=NEAR).max(axis=1)
    assert [text for text, like in zip(asked, near, strict=True) if like >= NEAR] == []


def test_traps_in_reach_are_read_as_a_careful_listener_would() -> None:
    assert share(read(), upset_alone=True) >= 0.9
    assert share(read()) >= 0.9
    assert share(read()) > share(read_by_vader()) + 0.2


def told() -> Iterator[str]:
    for trap, mood, vader in zip(traps(), read(), read_by_vader(), strict=True):
        if mood != trap.mood:
            yield f"{trap.reach:3} {trap.trap:22} {trap.mood:>7} read as {mood:7} VADER {vader:7} {trap.text}"
    for name, moods in (("rtig", read()), ("VADER", read_by_vader())):
        yield (
            f"{name}: in reach {share(moods):.3f} of three moods, {share(moods, upset_alone=True):.3f} upset or not;"
            f" out of reach {share(moods, 'out', upset_alone=True):.3f} upset or not"
        )


if __name__ == "__main__":
    sys.stdout.write("\n".join(told()) + "\n")
