"""How a phrase was made out through recognition errors, for whoever asks why its card came."""

from collections.abc import Sequence
from functools import cache

from rapidfuzz.distance import OSA

from rtig.core.guidance import Bend


def bends(meant: Sequence[str], heard: Sequence[str]) -> tuple[Bend, ...]:
    """Where some heard words differ from a way of saying a phrase that they were taken for.

    `meant` is as `Matcher.meant` gives it. Of several ways to lay the two side by side, the one with the fewest and
    smallest differences.
    """

    @cache
    def best(at: int, now: int) -> tuple[float, tuple[Bend, ...]]:
        """The cost of what is left of both, and its bends."""
        if at == len(meant):
            return (0.0, ()) if now == len(heard) else _NEVER
        unit = meant[at]
        if unit.startswith(("~", "{")):
            least = 0 if unit.startswith("~") else 1
            later = range(now + least, len(heard) + 1)
            return min((best(at + 1, one) for one in later), key=_cost, default=_NEVER)
        ways = []
        for words, units in ((1, 1), (2, 1), (1, 2)):
            taken = meant[at : at + units]
            if now + words <= len(heard) and len(taken) == units and not taken[-1].startswith(("~", "{")):
                said, written = " ".join(heard[now : now + words]), " ".join(taken)
                cost, rest = best(at + units, now + words)
                differs = _differ(said, written)
                ways.append((cost + differs, (Bend(said, written), *rest) if differs else rest))
        return min(ways, key=_cost, default=_NEVER)

    return best(0, 0)[1]


_NEVER: tuple[float, tuple[Bend, ...]] = (1e9, ())


def _cost(way: tuple[float, tuple[Bend, ...]]) -> float:
    return way[0]


def _differ(said: str, written: str) -> float:
    if said == written or (written.endswith("*") and " " not in said and said.startswith(written[:-1])):
        return 0.0
    said, letters = said.replace(" ", ""), written.replace(" ", "")
    if letters.endswith("*"):
        letters = letters[:-1]
        said = said[: len(letters)]
    return 1 + OSA.normalized_distance(said, letters)
