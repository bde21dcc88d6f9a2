"""Thresholds: an emotion is called as often as it is there."""

import numpy as np
import pytest

from rtig.training import thresholds


def test_each_label_is_called_as_often_as_texts_have_it() -> None:
    likely = np.random.default_rng(0).random((50, 3), np.float32)
    labels = [frozenset({0} if row % 5 == 0 else {0, 1} if row % 7 == 0 else {2}) for row in range(50)]
    called = likely >= thresholds.least_of(likely, labels)
    assert called.sum(axis=0).tolist() == [sum(place in one for one in labels) for place in range(3)]


@pytest.mark.parametrize(("labels", "called"), [(frozenset[int](), 1), (frozenset({0}), 3)])
def test_what_none_or_all_have_still_has_one(labels: frozenset[int], called: int) -> None:
    likely = np.array([[0.1], [0.2], [0.3], [0.4]], np.float32)
    assert (likely >= thresholds.least_of(likely, [labels] * 4)).sum() == called
