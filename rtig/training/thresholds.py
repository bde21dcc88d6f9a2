"""How likely an emotion must be to be called so: where its F1 is best on texts with labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TRIED = np.linspace(0.05, 0.7, 66)
FEW = 100.0
"""A label with so many texts has its own threshold for one half, and for the rest the one that is best for all."""


def least_of(likely: NDArray[np.float32], labels: Sequence[frozenset[int]]) -> NDArray[np.float32]:
    """One threshold a label. `likely`: shape (texts, labels)."""
    truth = np.zeros(likely.shape, bool)
    for row, places in enumerate(labels):
        truth[row, list(places)] = True
    f1 = np.array([_f1(likely >= least, truth) for least in TRIED])
    common = float(TRIED[f1.mean(axis=1).argmax()])
    own = TRIED[f1.argmax(axis=0)]
    weight = truth.sum(axis=0) / (truth.sum(axis=0) + FEW)
    least: NDArray[np.float32] = (weight * own + (1 - weight) * common).astype(np.float32)
    return least


def _f1(called: NDArray[np.bool_], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    right = (called & truth).sum(axis=0)
    found: NDArray[np.float64] = 2 * right / np.maximum(called.sum(axis=0) + truth.sum(axis=0), 1)
    return found
