"""What is known of a language: how rare its words are, which pairs of them are usual, how they sound and how they end.

Only English has sounds and endings here. In any other language words are compared by their letters alone, and each is
taken for a rare one.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping

from rtig.core import sounds

RAREST = 15.0
"""Nats: a word that stands in no table, one in three million."""
_INFLECTION = re.compile(r"(?<=...)(?:ings?|ed|es|s|ly)$")
_DERIVATION = re.compile(r"(?<=...)(?:er|ment)$")
_SHORTEST_STEM = 3
_POINTING = frozenset(("a", "an", "the", "this", "that", "these", "those"))
"""Little words that point at something. They are mixed up in hearing and in speaking, and the meaning stays."""


class Pairs:
    """Pairs of words that are often said one after the other, in a filter after Bloom (1970).

    Ten bits and seven probes for a pair: one in a hundred that is not in it is taken for one that is.
    """

    BITS_A_PAIR = 10
    PROBES = 7

    def __init__(self, bits: bytes | bytearray = b"") -> None:
        self.bits = bits

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Pairs":
        known = list(pairs)
        made = cls(bytearray(max(1, len(known) * cls.BITS_A_PAIR // 8)))
        assert isinstance(made.bits, bytearray)
        for first, second in known:
            for probe in made._probes(first, second):
                made.bits[probe >> 3] |= 1 << (probe & 7)
        return made

    def has(self, first: str, second: str) -> bool:
        return bool(self.bits) and all(
            self.bits[probe >> 3] & 1 << (probe & 7) for probe in self._probes(first, second)
        )

    def _probes(self, first: str, second: str) -> Iterable[int]:
        digest = hashlib.blake2b(f"{first} {second}".encode(), digest_size=8 * self.PROBES).digest()
        size = 8 * len(self.bits)
        for at in range(0, len(digest), 8):
            yield int.from_bytes(digest[at : at + 8], "little") % size


class Language:
    """`code` is the first part of a language tag. `rarity` is -ln of a word's share of all words that are said."""

    def __init__(self, code: str = "en", rarity: Mapping[str, float] | None = None, pairs: Pairs | None = None) -> None:
        self.code = code.partition("-")[0].lower()
        self._rarity = rarity if rarity is not None else {}
        self._pairs = pairs if pairs is not None else Pairs()
        self._english = self.code == "en"

    def rarity(self, word: str) -> float:
        """In nats: how much it says that just this word was heard."""
        return self._rarity.get(word, RAREST)

    def knows(self, word: str) -> bool:
        """Whether it is in the table, and so a word by itself."""
        return word in self._rarity

    def usual(self, first: str, second: str) -> bool:
        """Whether the second word often follows the first."""
        return self._pairs.has(first, second)

    def sound(self, word: str) -> str:
        """The word's phonemes; empty where they are not known."""
        return sounds.phonemes(word) if self._english else ""

    def points(self, word: str) -> bool:
        """Whether it is one of the little words that point at something, which share a stem."""
        return self._english and word in _POINTING

    def stem(self, word: str) -> str:
        """What is left of a word without its ending; the word itself where it has none that is known."""
        if self.points(word):
            return "the"
        if not self._english or len(word) <= _SHORTEST_STEM:
            return word
        left = _DERIVATION.sub("", _INFLECTION.sub("", word))
        if len(left) > _SHORTEST_STEM and left[-1] == left[-2]:
            left = left[:-1]
        return left[:-1] if left[-1] == "e" and len(left) > _SHORTEST_STEM else left
