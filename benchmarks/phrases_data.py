"""Phrases and 15-word fragments for the matcher's suite, from a seed.

Phrases are cut from one part of a text and fragments from another, so no fragment is where a phrase comes from. The
text is real dialogue where there is some, made up where not; `Dialogues.source` says which.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from rtig import knowledge
from rtig.core.text import words
from rtig.script import Line
from rtig.training.garbling import KINDS, Garbler

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"

FRAGMENT_WORDS = 15
SHORTEST, LONGEST = 2, 5
"""Words of a phrase."""
FEWEST_LETTERS = 7
"""Of a phrase. Shorter ones must be said as written, so nothing could be learnt from garbling them."""
EXACT, GARBLED = 0.5, 0.2
"""Shares of the fragments that hold a phrase as it is written, and one that a recogniser got wrong."""
_TRIES = 400
_INVENTED_DIALOGUES, _INVENTED_TURNS = 900, 12

Phrase = tuple[str, ...]


class Dialogues(NamedTuple):
    """Turns to cut phrases from, and whole dialogues, held out, to cut fragments from."""

    source: str
    turns: list[Phrase]
    """As the product compares words."""
    held_out: list[list[str]]
    """The words of each dialogue between their spaces, as they were typed."""
    counts: Counter[str]
    """How often each word is said in all of it."""
    pairs: Counter[tuple[str, str]]
    """And each word right after each other."""


class Fragment(NamedTuple):
    """What is heard, and what may be made of it."""

    text: str
    heard: Phrase
    """The words of `text`, as the product compares them."""
    kind: str
    """`exact`, `plain`, or how the planted phrase was garbled."""
    planted: int | None
    garbled: Phrase
    """How the planted phrase was heard, if it was garbled."""
    exact: frozenset[int]
    """Phrases that stand in `heard`."""
    true: frozenset[int]
    """Those, and the phrases that stood in it before it was garbled: to hear any of them is no mistake."""


class Phrases:
    """Distinct phrases by number, and where they stand in a row of words."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self.all = phrases
        self._numbers = {phrase: number for number, phrase in enumerate(phrases)}

    def within(self, said: Phrase) -> frozenset[int]:
        """The phrases that stand in some words, as they are written."""
        return frozenset(
            self._numbers[said[at : at + size]]
            for at in range(len(said))
            for size in range(SHORTEST, LONGEST + 1)
            if said[at : at + size] in self._numbers
        )


def dialogues(folder: Path | None, seed: int) -> Dialogues:
    """Real dialogue of a folder; made up where there is none, `folder` is None."""
    return _invented(seed) if folder is None else _real(folder)


def phrases(texts: Dialogues, count: int, seed: int) -> list[Phrase]:
    """Distinct phrases; a smaller number of the same seed gives the first of the same ones."""
    rng = random.Random(f"phrases {seed}")
    turns = [turn for turn in texts.turns if len(turn) >= SHORTEST]
    found: dict[Phrase, None] = {}
    misses = 0
    while len(found) < count:
        turn, size = rng.choice(turns), rng.randint(SHORTEST, LONGEST)
        at = rng.randrange(max(1, len(turn) - size + 1))
        phrase = turn[at : at + size]
        if len(phrase) == size and phrase not in found and _is_usable(phrase):
            found[phrase] = None
            misses = 0
        else:
            misses += 1
            if misses > 100_000:
                raise ValueError(f"there are only about {len(found)} phrases in the text, not {count}")
    return list(found)


def fragments(texts: Dialogues, known: Phrases, garbler: Garbler, count: int, seed: str) -> list[Fragment]:
    """Half with a phrase as it is written, a fifth with a garbled one, the rest as they came."""
    rng = random.Random(f"fragments {seed}")
    long_enough = [said for said in texts.held_out if len(said) >= FRAGMENT_WORDS]
    until = list(accumulate(len(said) - FRAGMENT_WORDS + 1 for said in long_enough))
    made: list[Fragment] = []
    for said in rng.choices(long_enough, cum_weights=until, k=count):
        at = rng.randrange(len(said) - FRAGMENT_WORDS + 1)
        made.append(_fragment(said[at : at + FRAGMENT_WORDS], known, garbler, rng))
    return made


def _fragment(said: list[str], known: Phrases, garbler: Garbler, rng: random.Random) -> Fragment:
    draw = rng.random()
    if draw < EXACT:
        number = rng.randrange(len(known.all))
        text, _ = _planted(said, known.all[number], known.all[number], rng.random())
        return _heard(known, text, text, "exact", number)
    if draw < EXACT + GARBLED:
        kind = rng.choice(KINDS)
        for _ in range(_TRIES):
            number = rng.randrange(len(known.all))
            garbled = garbler.garble(known.all[number], kind, rng)
            if garbled is not None:
                text, clean = _planted(said, garbled, known.all[number], rng.random())
                return _heard(known, text, clean, kind, number, garbled)
    text = " ".join(said)
    return _heard(known, text, text, "plain", None)


def _planted(said: list[str], heard: Phrase, meant: Phrase, place: float) -> tuple[str, str]:
    """A fragment with a phrase in the place of as many of its words: as heard, and as meant."""
    at = int(place * (len(said) - len(meant) + 1))
    before, after = said[:at], said[at + len(meant) :]
    return " ".join([*before, *heard, *after]), " ".join([*before, *meant, *after])


def _heard(known: Phrases, text: str, clean: str, kind: str, planted: int | None, garbled: Phrase = ()) -> Fragment:
    heard = words(text).norms
    exact = known.within(heard)
    true = exact | known.within(words(clean).norms)
    return Fragment(text, heard, kind, planted, garbled, exact, true if planted is None else true | {planted})


def _is_usable(phrase: Phrase) -> bool:
    return sum(map(len, phrase)) >= FEWEST_LETTERS and all(word.isascii() and word.isalpha() for word in phrase)


def _real(folder: Path) -> Dialogues:
    train, held_out = ([*_star(folder, part), *_multidogo(folder, part)] for part in ("train", "dev"))
    return _told("real dialogue: STAR and MultiDoGO, phrases from train, fragments from dev", train, held_out)


def _star(folder: Path, part: str) -> Iterator[list[str]]:
    for line in (folder / "star" / f"{part}.jsonl").open(encoding="utf-8"):
        yield [turn["text"] for turn in json.loads(line)["turns"] if turn["speaker"] in ("customer", "agent")]


def _multidogo(folder: Path, part: str) -> Iterable[list[str]]:
    turns: dict[str, list[str]] = {}
    for line in (folder / "multidogo" / f"{part}.jsonl").open(encoding="utf-8"):
        turn = json.loads(line)
        turns.setdefault(turn["conv"], []).append(turn["text"])
    return turns.values()


def _invented(seed: int) -> Dialogues:
    """The lines of the sample calls, and rows of words as often as the table of rarities says they are said."""
    rng = random.Random(f"dialogues {seed}")
    calls = [knowledge.read_script(path) for path in sorted((ROOT / "knowledge_base" / "calls").glob("*.yaml"))]
    scripted = [[line.text for line in call.lines if isinstance(line, Line)] for call in calls]
    said, weights = _rarities()
    until = list(accumulate(weights))
    made = [
        [" ".join(rng.choices(said, cum_weights=until, k=rng.randint(4, 24))) for _ in range(_INVENTED_TURNS)]
        for _ in range(_INVENTED_DIALOGUES)
    ]
    return _told(
        "made up: rows of words from models/words.en.txt and the sample calls; recall and false fires mean little",
        scripted[0::2] + made[0::2],
        scripted[1::2] + made[1::2],
    )


def _rarities() -> tuple[list[str], list[float]]:
    said: list[str] = []
    weights: list[float] = []
    for line in (ROOT / "models" / "words.en.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            nats, *alike = line.split()
            said += alike
            weights += [math.exp(-float(nats))] * len(alike)
    return said, weights


def _told(source: str, train: list[list[str]], held_out: list[list[str]]) -> Dialogues:
    turns = [words(text).norms for dialogue in train for text in dialogue]
    held = [" ".join(dialogue).split() for dialogue in held_out]
    said = [*turns, *(words(" ".join(dialogue)).norms for dialogue in held)]
    counts = Counter(word for part in said for word in part)
    return Dialogues(source, turns, held, counts, Counter(pair for part in said for pair in pairwise(part)))
