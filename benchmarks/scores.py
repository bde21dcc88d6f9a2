"""How well an engine found the phrases of some fragments: counts that add up over rounds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.phrases_data import Fragment, Phrase


class Score:
    """A fire is false only if its phrase stands neither in what was heard nor in what was said before the garbling."""

    def __init__(self) -> None:
        self.fragments: Counter[str] = Counter()
        """By kind, as all that follows."""
        self.garbled: Counter[str] = Counter()
        """Fragments whose garbled phrase does not also stand there as it is written."""
        self.garbled_found: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.exact = self.exact_found = 0
        """Phrases that stand in a fragment as they are written; one may stand in another."""
        self.misses: dict[str, Counter[str]] = defaultdict(Counter)
        """What was said and how it was heard, with the phrases that were missed for it."""
        self.false_fires: dict[str, Counter[str]] = defaultdict(Counter)
        """What was heard and what it was taken for, with the phrases that fired for it."""

    @classmethod
    def of(cls, scores: Iterable["Score"]) -> "Score":
        """Several in one."""
        whole = cls()
        for score in scores:
            whole.fragments.update(score.fragments)
            whole.garbled.update(score.garbled)
            whole.garbled_found.update(score.garbled_found)
            whole.false.update(score.false)
            whole.exact += score.exact
            whole.exact_found += score.exact_found
            for what, where in score.misses.items():
                whole.misses[what].update(where)
            for what, where in score.false_fires.items():
                whole.false_fires[what].update(where)
        return whole

    def add(self, fragment: Fragment, found: Mapping[int, str], phrases: Sequence[Phrase]) -> None:
        """Count what an engine found in a fragment."""
        self.fragments[fragment.kind] += 1
        self.exact += len(fragment.exact)
        self.exact_found += len(fragment.exact & found.keys())
        for number in found.keys() - fragment.true:
            self.false[fragment.kind] += 1
            said, heard = _differing(phrases[number], tuple(found[number].split()))
            self.false_fires[f"{heard} → {said}"][" ".join(phrases[number])] += 1
        if fragment.garbled and fragment.planted is not None and fragment.planted not in fragment.exact:
            self.garbled[fragment.kind] += 1
            if fragment.planted in found:
                self.garbled_found[fragment.kind] += 1
            else:
                said, heard = _differing(phrases[fragment.planted], fragment.garbled)
                self.misses[f"{said} → {heard}"][" ".join(phrases[fragment.planted])] += 1

    @property
    def recall_exact(self) -> float:
        return self.exact_found / self.exact if self.exact else 1.0

    @property
    def recall_garbled(self) -> float:
        return self.garbled_found.total() / max(1, self.garbled.total())

    @property
    def false_per_100(self) -> float:
        return 100 * self.false.total() / max(1, self.fragments.total())


def _differing(one: Phrase, other: Phrase) -> tuple[str, str]:
    """Two rows of words without what they begin and end with alike."""
    front = 0
    while front < min(len(one), len(other)) and one[front] == other[front]:
        front += 1
    back = 0
    while back < min(len(one), len(other)) - front and one[-1 - back] == other[-1 - back]:
        back += 1
    return " ".join(one[front : len(one) - back]), " ".join(other[front : len(other) - back])
