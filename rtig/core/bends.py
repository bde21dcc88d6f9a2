"""How a phrase was made out through recognition errors, for whoever asks why its card came."""

from collections.abc import Iterator, Sequence

from rapidfuzz.distance import OSA

from rtig.core.guidance import Bend


def bends(meant: Sequence[str], heard: Sequence[str]) -> tuple[Bend, ...]:
    """Where some heard words differ from a way of saying a phrase that they were taken for.

    `meant` is as `Matcher.meant` gives it. Of several ways to lay the two side by side, the one with the fewest and
    smallest differences.
    """
    return _best(meant, heard, 0, 0, {})[1]


_Way = tuple[float, tuple[Bend, ...]]


def _best(meant: Sequence[str], heard: Sequence[str], at: int, now: int, known: dict[tuple[int, int], _Way]) -> _Way:
    """The cost of what is left of both, and its bends; `known` are those found before."""
    found = known.get((at, now))
    if found is None:
        found = known[at, now] = min(_ways(meant, heard, at, now, known), key=_cost, default=_NEVER)
    return found


def _ways(
    meant: Sequence[str], heard: Sequence[str], at: int, now: int, known: dict[tuple[int, int], _Way]
) -> Iterator[_Way]:
    if at == len(meant):
        if now == len(heard):
            yield (0.0, ())
        return
    unit = meant[at]
    if unit.startswith(("~", "{")):
        least = 0 if unit.startswith("~") else 1
        for later in range(now + least, len(heard) + 1):
            yield _best(meant, heard, at + 1, later, known)
        return
    for words, units in ((1, 1), (2, 1), (1, 2)):
        taken = meant[at : at + units]
        if now + words <= len(heard) and len(taken) == units and not taken[-1].startswith(("~", "{")):
            said, written = " ".join(heard[now : now + words]), " ".join(taken)
            cost, rest = _best(meant, heard, at + units, now + words, known)
            differs = _differ(said, written)
            yield (cost + differs, (Bend(said, written), *rest) if differs else rest)


_NEVER: _Way = (1e9, ())


def _cost(way: _Way) -> float:
    return way[0]


def _differ(said: str, written: str) -> float:
    if said == written or (written.endswith("*") and " " not in said and said.startswith(written[:-1])):
        return 0.0
    said, letters = said.replace(" ", ""), written.replace(" ", "")
    if letters.endswith("*"):
        letters = letters[:-1]
        said = said[: len(letters)]
    return 1 + OSA.normalized_distance(said, letters)
