"""Thresholds: where F1 is best, and for rare labels near to what is best for all."""

import numpy as np

from rtig.training import thresholds


def test_a_frequent_label_has_the_threshold_that_tells_it_best() -> None:
    likely = np.array([[0.3, 0.6], [0.2, 0.55], [0.1, 0.1], [0.115, 0.495]] * 5_000, np.float32)
    labels = [frozenset({0, 1}), frozenset({0, 1}), frozenset[int](), frozenset[int]()] * 5_000
    least = thresholds.least_of(likely, labels)
    assert 0.11 <= least[0] <= 0.2
    assert 0.49 <= least[1] <= 0.55


def test_a_label_that_nobody_has_takes_the_common_one() -> None:
    likely = np.array([[0.3, 0.01], [0.1, 0.02]] * 5_000, np.float32)
    least = thresholds.least_of(likely, [frozenset({0}), frozenset[int]()] * 5_000)
    assert 0.1 < least[1] <= 0.3
