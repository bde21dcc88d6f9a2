"""Ways to find phrases in what was heard: the product's, and what else a team could build from packages.

rtig gets the text as it came. The others get its words made ready by rtig beforehand (lower case, no punctuation, "do
not" for "don't"), and the time for that is not counted against them.

`python -m benchmarks.engines NAME` says on its last line what one engine needs of memory; see `memory_mb`.
"""

import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from rapidfuzz import fuzz, process

from benchmarks.phrases_data import ROOT, Fragment, Phrase
from rtig.core.matcher import Matcher, Spoken
from rtig.core.text import words
from rtig.knowledge.base import language

CUTOFFS = (82, 84, 86, 88, 90, 92, 94)
"""Likeness, of 100, from which the scan takes a phrase for said."""
LOWEST_TIMED = 86
"""The scan is timed at this one or a higher one: below, it takes longer still, and fires falsely all the time."""


class Engine(Protocol):
    def hear(self, fragment: Fragment) -> Any:
        """What is timed."""

    def found(self, answer: Any, fragment: Fragment) -> dict[int, str]:
        """The phrases of an answer, and the words that each was made out from where the engine says so."""


class Rtig:
    """Words made ready and walked, from the state in which a call begins."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self.matcher = Matcher([Spoken(" ".join(phrase)) for phrase in phrases], language("en"))

    def hear(self, fragment: Fragment) -> Any:
        return self.matcher.walk(Matcher.start, words(fragment.text).norms)[1]

    def found(self, answer: Any, fragment: Fragment) -> dict[int, str]:
        return {
            phrase: " ".join(fragment.heard[index - length + 1 : index + 1]) for index, phrase, length, *_ in answer
        }


class RapidFuzz:
    """Every phrase held against the fragment: how like it is the most alike part?"""

    def __init__(self, phrases: Sequence[Phrase], cutoff: float = LOWEST_TIMED) -> None:
        self._phrases = [" ".join(phrase) for phrase in phrases]
        self.cutoff = cutoff

    def hear(self, fragment: Fragment) -> Any:
        return process.extract(
            " ".join(fragment.heard),
            self._phrases,
            scorer=fuzz.partial_ratio,
            processor=None,
            score_cutoff=self.cutoff,
            limit=None,
        )

    def hear_plainly(self, fragment: Fragment) -> list[int]:
        """The same as most would write it: every likeness worked out, then held against the cutoff."""
        said = " ".join(fragment.heard)
        return [
            number for number, phrase in enumerate(self._phrases) if fuzz.partial_ratio(phrase, said) >= self.cutoff
        ]

    def found(self, answer: Any, fragment: Fragment) -> dict[int, str]:
        return {phrase: "" for _, _, phrase in answer}


class AhoCorasick:
    """An automaton over letters; a space before and after each phrase keeps it to whole words."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._automaton = importlib.import_module("ahocorasick").Automaton()
        for number, phrase in enumerate(phrases):
            self._automaton.add_word(f" {' '.join(phrase)} ", number)
        self._automaton.make_automaton()

    def hear(self, fragment: Fragment) -> Any:
        return self.within(fragment.heard)

    def within(self, said: Sequence[str]) -> list[tuple[int, int]]:
        return list(self._automaton.iter(f" {' '.join(said)} "))

    def found(self, answer: Any, fragment: Fragment) -> dict[int, str]:
        return {phrase: "" for _, phrase in answer}


class SpaCy:
    """A blank English tokenizer and the PhraseMatcher."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._nlp = importlib.import_module("spacy").blank("en")
        self._matcher = importlib.import_module("spacy.matcher").PhraseMatcher(self._nlp.vocab)
        make_doc = self._nlp.make_doc
        for number, phrase in enumerate(phrases):
            self._matcher.add(str(number), [make_doc(" ".join(phrase))])

    def hear(self, fragment: Fragment) -> Any:
        return self._matcher(self._nlp.make_doc(" ".join(fragment.heard)))

    def found(self, answer: Any, fragment: Fragment) -> dict[int, str]:
        return {int(self._nlp.vocab.strings[key]): "" for key, _, _ in answer}


class SymSpell:
    """Words that stand in no phrase are put right to the nearest that does, then the automaton looks.

    Up to two letters may differ, in words of seven letters or less one, and in words of three none. What a word was
    put right to is remembered.
    """

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        package = importlib.import_module("symspellpy")
        self._closest = package.Verbosity.CLOSEST
        self._known = package.SymSpell(max_dictionary_edit_distance=2)
        for phrase in phrases:
            for word in phrase:
                self._known.create_dictionary_entry(word, 1)
        self._right: dict[str, str] = {word: word for phrase in phrases for word in phrase}
        self._automaton = AhoCorasick(phrases)

    def hear(self, fragment: Fragment) -> Any:
        right = self._right
        return self._automaton.within([right[word] if word in right else self._put(word) for word in fragment.heard])

    def found(self, answer: Any, fragment: Fragment) -> dict[int, str]:
        return self._automaton.found(answer, fragment)

    def _put(self, word: str) -> str:
        most = 0 if len(word) <= 3 else 1 if len(word) <= 7 else 2
        near = self._known.lookup(word, self._closest, max_edit_distance=most) if most else []
        self._right[word] = near[0].term if near else word
        return self._right[word]


ENGINES: dict[str, Callable[..., Engine]] = {
    "rtig": Rtig,
    "rapidfuzz": RapidFuzz,
    "pyahocorasick": AhoCorasick,
    "spacy": SpaCy,
    "symspell": SymSpell,
}
PACKAGES = {"pyahocorasick": "ahocorasick", "spacy": "spacy", "symspell": "symspellpy"}
"""What an engine imports that rtig itself does not need."""


def memory_mb(name: str, phrases: Sequence[Phrase]) -> float:
    """By how much the resident memory of a process of its own grows while an engine is made, its packages aside."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.engines", name],
        input=json.dumps(phrases),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return float(ran.stdout.split()[-1])


def _resident_mb() -> float:
    """0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if statm.exists() else 0.0


def _grown_mb(name: str, phrases: Sequence[Phrase]) -> float:
    ENGINES[name](phrases[:1])  # packages and tables that come whatever the phrases
    gc.collect()
    before = _resident_mb()
    engine = ENGINES[name](phrases)
    gc.collect()
    after = _resident_mb()
    del engine
    return after - before


if __name__ == "__main__":
    print(round(_grown_mb(sys.argv[1], [tuple(phrase) for phrase in json.load(sys.stdin)]), 1))
