"""What a heard word could be: the words of the phrases that a recogniser may have taken for it.

Each heard word is looked up once and remembered. It may be a word of a phrase; another word within a letter or two of
it, with the same or nearly the same sounds, or with another ending; two such words run together; and two heard words
may be one of a phrase, torn apart. How much a confusion proves is weighed in nats, after Bayes: the chance to hear this
when that was said, against the chance to hear it anyway. "Refnd" is hardly ever said, so it must be "refund"; "for" is
said all the time, so it is no sign of "four" unless the words around it are.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from rtig.core.language import Language
from rtig.core.sounds import outline, outlines_near, steps, worn

# ln of the chance that a recogniser gives a word this way. One word in fifteen is wrong (word error rate of service
# calls 6.6 %), and what is wrong is mostly a word of the same or nearly the same sound; the split among the ways is
# judgement, checked by the matcher's benchmark.
SAME_SOUND = -2.0
OTHER_SOUND = -1.5
"""For each step by which the sounds differ."""
OTHER_ENDING = 0.0
OTHER_POINTER = -1.5
""""This" for "the": heard and said for each other, but too common for one to prove the other."""
APART = -3.0
"""One word heard as two."""
RUN_TOGETHER = 10.0
"""Two heard as one that is in no table. It is more than 0 because nobody says just these letters by chance."""
MISSPELT = -3.5
"""And 1 less for each letter that differs. What is a word by itself was not misspelt."""

_SHORTEST_EDITED = 4
_SHORTEST_TWICE_EDITED = 8
_SHORTEST_STEM_EDITED = 6
_STEPS = ((3, 0.5), (5, 1.0), (8, 2.0), (inf, 2.5))
"""How far the sounds of a word may be off: of one of fewer sounds than this, by so many steps."""
_SHORTEST_STEM = 3
_SHORTEST_TORN, _SHORTEST_TORN_SHAPE = 5, 2
_MOST_TORN_STEPS = 2.0
_ONE_LETTER_WORDS = "ai"
_KEPT = 50_000
"""Heard words remembered; beyond, remembering starts again."""


class Reading(NamedTuple):
    """What one heard word could be, as symbols of the lattice."""

    exact: tuple[int, ...]
    fuzzy: dict[int, float]
    """Other symbols, with the evidence in nats that they were meant."""
    pairs: tuple[tuple[int, int, float], ...]
    """Two symbols run together."""
    rarity: float


class Pair(NamedTuple):
    """Two words that were heard one after the other."""

    joined: tuple[tuple[int, float], ...]
    """What they could be if they are one torn apart, with ln of the chance that it was heard like that."""
    usual: bool
    """They often are, so there is little reason to take one of them for another word."""


class Lattice:
    """Of a vocabulary: words, and stems that any ending may follow.

    Symbols are 0, 1, … for words and -1, -2, … for stems.
    """

    def __init__(self, words: Sequence[str], stems: Sequence[str], language: Language) -> None:
        self._language = language
        self._words = words
        self._symbols = {word: symbol for symbol, word in enumerate(words)}
        self._stems = {stem: -1 - number for number, stem in enumerate(stems)}
        self._stem_lengths = sorted({len(stem) for stem in stems})
        self._stems_by_letters: dict[str, list[str]] = {}
        for stem in stems:
            if len(stem) >= _SHORTEST_STEM_EDITED:
                for part in _shortened(stem, 1):
                    self._stems_by_letters.setdefault(part, []).append(stem)
        self._sounds = [language.sound(word) for word in words]
        by_letters: dict[str, list[int]] = {}
        by_outline: dict[str, list[int]] = {}
        by_stem: dict[str, list[int]] = {}
        for symbol, word in enumerate(words):
            if word.isalpha():
                if len(word) >= _SHORTEST_EDITED:
                    for part in _shortened(word, _edits(word)):
                        by_letters.setdefault(part, []).append(symbol)
                if self._sounds[symbol]:
                    by_outline.setdefault(worn(outline(self._sounds[symbol])), []).append(symbol)
                stem = language.stem(word)
                if len(stem) >= _SHORTEST_STEM:
                    by_stem.setdefault(stem, []).append(symbol)
        self._by_letters, self._by_outline, self._by_stem = map(_in_tuples, (by_letters, by_outline, by_stem))
        self._readings: dict[str, Reading] = {}

    def read(self, word: str) -> Reading:
        """What a heard word could be."""
        reading = self._readings.get(word)
        if reading is None:
            if len(self._readings) >= _KEPT:
                self._readings.clear()
            reading = self._readings[word] = self._read(word)
        return reading

    def pair(self, first: str, second: str) -> Pair:
        """What is to be said of two words that were heard one after the other. Not remembered."""
        return Pair(self._join(first, second), self._language.usual(first, second))

    def tables(self) -> list[dict[Any, Any] | list[Any]]:
        """What is big in it."""
        return [
            self._symbols, self._stems_by_letters, self._sounds, self._by_letters, self._by_outline, self._by_stem,
            self._readings,
        ]  # fmt: skip

    def _read(self, word: str) -> Reading:
        rarity = self._language.rarity(word)
        own = self._symbols.get(word)
        exact = [] if own is None else [own]
        for length in self._stem_lengths:
            stem = self._stems.get(word[:length]) if length <= len(word) else None
            if stem is not None:
                exact.append(stem)
        fuzzy = {stem: MISSPELT - 1 + rarity for stem in self._near_stems(word) if stem not in exact}
        pairs: tuple[tuple[int, int, float], ...] = ()
        if word.isalpha():
            sound = self._language.sound(word)
            for symbol in self._candidates(word, sound):
                if symbol != own:
                    chance = self._chance(word, sound, symbol)
                    if chance is not None:
                        fuzzy[symbol] = chance + rarity
            pairs = tuple(self._torn(word, rarity))
        return Reading(tuple(exact), fuzzy, pairs, rarity)

    def _near_stems(self, word: str) -> set[int]:
        """Stems that the word begins with but for one letter."""
        found: set[int] = set()
        for length in self._stem_lengths if self._stems_by_letters else ():
            for beginning in {word[: length - 1], word[:length], word[: length + 1]}:
                if len(beginning) >= _SHORTEST_STEM_EDITED - 1:
                    for part in _shortened(beginning, 1):
                        for stem in self._stems_by_letters.get(part, ()):
                            if OSA.distance(beginning, stem, score_cutoff=1) <= 1:
                                found.add(self._stems[stem])
        return found

    def _candidates(self, word: str, sound: str) -> set[int]:
        found: set[int] = set()
        if len(word) >= _SHORTEST_EDITED - 1:
            for part in _shortened(word, 2 if len(word) >= _SHORTEST_TWICE_EDITED - 2 else 1):
                found.update(self._by_letters.get(part, ()))
        if sound:
            for shape in outlines_near(outline(sound)):
                found.update(self._by_outline.get(shape, ()))
        stem = self._language.stem(word)
        if len(stem) >= _SHORTEST_STEM:
            found.update(self._by_stem.get(stem, ()))
        return found

    def _chance(self, word: str, sound: str, symbol: int) -> float | None:
        """Ln of the chance that the symbol's word is heard as this one; None for next to none."""
        meant, meant_sound = self._words[symbol], self._sounds[symbol]
        ways: list[float] = []
        if not self._language.knows(word):
            letters = OSA.distance(word, meant, score_cutoff=2)
            if letters <= _edits(meant):
                ways.append(MISSPELT - letters)
        if self._language.stem(meant) == self._language.stem(word):
            ways.append(OTHER_POINTER if self._language.points(word) else OTHER_ENDING)
        if sound and meant_sound:
            apart = steps(sound, meant_sound)
            size = max(len(sound), len(meant_sound))
            if apart <= next(most for fewer, most in _STEPS if size < fewer):
                ways.append(SAME_SOUND + OTHER_SOUND * apart)
        return max(ways, default=None)

    def _torn(self, word: str, rarity: float) -> Iterable[tuple[int, int, float]]:
        """The ways in which one heard word is two words of the vocabulary."""
        chance = RUN_TOGETHER if not self._language.knows(word) else APART
        for at in range(1, len(word)) if len(word) >= _SHORTEST_TORN else ():
            first, second = word[:at], word[at:]
            if (at == 1 and first not in _ONE_LETTER_WORDS) or (
                at == len(word) - 1 and second not in _ONE_LETTER_WORDS
            ):
                continue
            if first in self._symbols and second in self._symbols:
                yield self._symbols[first], self._symbols[second], chance + rarity

    def _join(self, first: str, second: str) -> tuple[tuple[int, float], ...]:
        whole = first + second
        if not whole.isalpha():
            return ()
        own = self._symbols.get(whole) if len(whole) >= _SHORTEST_TORN else None
        if own is not None:
            return ((own, APART),)
        sound = self._language.sound(first) + self._language.sound(second)
        shape = outline(sound)
        if len(shape) < _SHORTEST_TORN_SHAPE:
            return ()
        found = []
        for symbol in self._by_outline.get(worn(shape), ()):
            apart = steps(sound, self._sounds[symbol])
            if outline(self._sounds[symbol]) == shape and apart <= _MOST_TORN_STEPS:
                found.append((symbol, APART + OTHER_SOUND * apart))
        return tuple(found)


def _in_tuples(table: dict[str, list[int]]) -> dict[str, tuple[int, ...]]:
    """Smaller than lists, and nothing for the garbage collector to walk."""
    return {key: tuple(found) for key, found in table.items()}


def _edits(word: str) -> int:
    """Letters that may differ in a word of this length."""
    return 0 if len(word) < _SHORTEST_EDITED else 1 if len(word) < _SHORTEST_TWICE_EDITED else 2


def _shortened(word: str, most: int) -> set[str]:
    """The word, and what is left of it when up to so many letters are taken out: words that share one are near."""
    found = {word}
    last = found
    for _ in range(most):
        last = {part[:at] + part[at + 1 :] for part in last for at in range(len(part))}
        found |= last
    return found
