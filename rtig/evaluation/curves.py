"""Figures and curves of a score that should be high where something is true: labels 0 or 1, one score each."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct


class Interval(Struct, frozen=True):
    low: float
    high: float


class Reliability(NamedTuple):
    """Of some that were given about the same probability: its mean, the share of those that are true, and how many."""

    said: float
    true: float
    size: int


def auc(truth: Sequence[bool], scores: Sequence[float]) -> float:
    """How often a true one is above one that is not; a tie is half. NaN where all are the same."""
    high = sum(truth)
    low = len(truth) - high
    if not high or not low:
        return float("nan")
    ranked = sorted(zip(scores, truth, strict=True))
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += sum(is_true for _, is_true in ranked[at:end]) * (at + end + 1) / 2
        at = end
    return (total - high * (high + 1) / 2) / (high * low)


def average_precision(truth: Sequence[bool], scores: Sequence[float]) -> float:
    """The mean of the precision at each true one, from the highest score down; ties go against us."""
    found, total = 0, 0.0
    ranked = sorted(zip(scores, truth, strict=True), key=lambda one: (-one[0], one[1]))
    for place, (_, is_true) in enumerate(ranked, 1):
        if is_true:
            found += 1
            total += found / place
    return total / found if found else float("nan")


def receiver(truth: Sequence[bool], scores: Sequence[float]) -> list[tuple[float, float]]:
    """Share of false alarms and of true ones found, at each score from the highest down."""
    high, low = sum(truth), len(truth) - sum(truth)
    points, found, false = [(0.0, 0.0)], 0, 0
    for _, is_true in sorted(zip(scores, truth, strict=True), key=lambda one: -one[0]):
        found, false = found + is_true, false + (not is_true)
        points.append((false / max(low, 1), found / max(high, 1)))
    return points


def recall_at(truth: Sequence[bool], scores: Sequence[float], false_alarms: float) -> float:
    """Share of the true ones found where at most so large a share of the others is. NaN without true ones."""
    calm = sorted((score for score, is_true in zip(scores, truth, strict=True) if not is_true), reverse=True)
    least = calm[int(false_alarms * len(calm))] if calm else float("-inf")
    upset = [score for score, is_true in zip(scores, truth, strict=True) if is_true]
    return sum(score > least for score in upset) / len(upset) if upset else float("nan")


def bootstrap(count: int, figure: Callable[[Sequence[int]], float], *, times: int = 1_000, seed: int = 0) -> Interval:
    """The middle 95 % of a figure over samples of `count` things with replacement (percentiles; Efron 1979)."""
    rng = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    found = sorted(
        value
        for _ in range(times)
        if (value := figure(rng.choices(range(count), k=count))) == value  # not NaN
    )
    return Interval(low=found[int(0.025 * len(found))], high=found[int(0.975 * len(found))])


def reliability(truth: Sequence[bool], said: Sequence[float], groups: int) -> list[Reliability]:
    """Groups of equal size, from the lowest probability to the highest."""
    ranked = sorted(zip(said, truth, strict=True))
    cuts = [round(place * len(ranked) / groups) for place in range(groups + 1)]
    return [
        Reliability(sum(one for one, _ in part) / len(part), sum(is_true for _, is_true in part) / len(part), len(part))
        for part in (ranked[begin:end] for begin, end in pairwise(cuts))
        if part
    ]
