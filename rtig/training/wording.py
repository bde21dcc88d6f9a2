"""The same sentence as it is typed, as a recogniser writes it, and as a recogniser mishears it."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rtig.core.text import normal
from rtig.training.garbling import KINDS, Garbler

GARBLED = 0.1
"""Share of the words that a recogniser gets wrong in what it mishears."""


def garbler_of(texts: Iterable[str]) -> Garbler:
    """One that mishears what is likely in such texts."""
    counts: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for text in texts:
        said = normal(text).split()
        counts.update(said)
        pairs.update(pairwise(said))
    return Garbler(counts, pairs)


def misheard(text: str, garbler: Garbler, rng: random.Random, share: float = GARBLED) -> str:
    """A text, already `normal`, with a share of its words garbled, each by itself."""
    heard: list[str] = []
    for word in text.split():
        if rng.random() < share:
            kinds = [kind for kind in KINDS if kind != "letters"]
            rng.shuffle(kinds)
            made = next((way for kind in kinds if (way := garbler.garble((word,), kind, rng)) is not None), (word,))
            heard.extend(made)
        else:
            heard.append(word)
    return " ".join(heard)


def as_recognised(said: Sequence[Sequence[str]], *, garbled: bool, seed: int = 0) -> list[list[str]]:
    """Texts as a recogniser writes them; `garbled`: with its errors, likely ones by the words that these texts hold."""
    spoken = [[normal(text) for text in texts] for texts in said]
    if not garbled:
        return spoken
    garbler = garbler_of(text for texts in spoken for text in texts)
    rng = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    return [[misheard(text, garbler, rng) for text in texts] for texts in spoken]
