"""Figures of a score: held against scikit-learn's, and against what one can count by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from rtig.evaluation import curves
from rtig.evaluation.curves import Reliability

MIXED = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=60).filter(
    lambda rows: len({truth for truth, _ in rows}) == 2
)


@settings(max_examples=200)
@given(MIXED)
def test_the_area_is_that_of_scikit_learn_ties_included(rows: list[tuple[bool, int]]) -> None:
    truth, scores = [one for one, _ in rows], [float(score) for _, score in rows]
    assert curves.auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))


@settings(max_examples=100)
@given(st.lists(st.booleans(), min_size=2, max_size=60).filter(any))
def test_average_precision_is_that_of_scikit_learn(truth: list[bool]) -> None:
    scores = [float(7 * place % 61) for place in range(len(truth))]
    assert curves.average_precision(truth, scores) == pytest.approx(average_precision_score(truth, scores))


def test_ties_go_against_average_precision() -> None:
    assert curves.average_precision([True, False], [1.0, 1.0]) == 0.5


def test_without_two_kinds_there_is_no_area() -> None:
    assert math.isnan(curves.auc([True, True], [0.1, 0.2]))
    assert math.isnan(curves.average_precision([False], [0.1]))
    assert math.isnan(curves.recall_at([False], [0.1], 0.05))


def test_recall_counts_what_lies_above_the_false_alarms_that_are_allowed() -> None:
    truth = [False] * 20 + [True] * 4
    scores = [place / 20 for place in range(20)] + [0.99, 0.94, 0.925, 0.1]
    assert curves.recall_at(truth, scores, 0.0) == 0.25  # above 0.95, the highest of the others
    assert curves.recall_at(truth, scores, 0.05) == 0.75  # above 0.9


def test_the_receiver_ends_with_everything_found() -> None:
    assert curves.receiver([True, False, True], [0.9, 0.5, 0.1]) == [(0.0, 0.0), (0.0, 0.5), (1.0, 0.5), (1.0, 1.0)]


def test_the_interval_holds_the_middle_of_what_sampling_gives() -> None:
    numbers = list(range(101))
    interval = curves.bootstrap(101, lambda places: sum(numbers[at] for at in places) / len(places))
    assert 42 < interval.low < 47
    assert 53 < interval.high < 58
    assert curves.bootstrap(101, lambda places: float(places[0]), seed=1) == curves.bootstrap(
        101, lambda places: float(places[0]), seed=1
    )


def test_a_probability_that_is_right_lies_on_the_line() -> None:
    truth = [place % 10 < said for said in (2, 8) for place in range(50)]
    said = [0.2] * 50 + [0.8] * 50
    low, high = curves.reliability(truth, said, 2)
    assert low == Reliability(pytest.approx(0.2), 0.2, 50)  # type: ignore[arg-type]
    assert high == Reliability(pytest.approx(0.8), 0.8, 50)  # type: ignore[arg-type]
    assert sum(group.size for group in curves.reliability(truth, said, 7)) == 100
