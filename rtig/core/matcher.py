"""Hears every phrase of a playbook at once, as it was said or as a recogniser may have garbled it.

All ways to say all phrases are one trie over words. What was heard is walked along it from every word on, by the
readings that the lattice gives each word, so a word costs what it is near to and not what the playbook holds.

A way that bends a word, takes one that was heard for another that was meant, is weighed against the words as they were
heard, after Bayes. For it speak how rarely the heard word is said, and how well the words around it foretell the one
that was meant; against it, how seldom a recogniser confuses the two, and whether the heard words often stand beside one
another. So "refnd my money" is a refund, "read me the card" is not "read me the code", and "for" is "four" only where
the words around it say so. The odds must reach `PROOF`.

A state is all there is to carry from one word to the next, and from one segment to the next: hearing "cancel my" and
then "contract" ends in the same state as hearing the three words at once. States are values and are never changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from rtig.core.language import Language
from rtig.core.lattice import Lattice, Reading
from rtig.core.phrases import Gap, Slot, Stem, Unit, Wording, parse, wordings
from rtig.core.slots import BUILT_IN, Kind
from rtig.errors import PhraseError

PROOF = 0.0
"""Odds, in nats, at which a bent wording counts as said."""
FORETOLD = 0.5
"""How much of the rarity of the other words of a wording goes into foretelling the one that was bent."""
AT_BEST = -2.0
"""Ln of how well a word can be foretold: at best one time in seven."""
USUAL = 3.0
"""Nats by which a heard word is more to be expected beside another that it often stands beside."""
BEYOND_A_GAP = 6.0
"""Nats: words before a gap foretell little of what comes after it."""
STEM_RARITY = 10.0
"""A stem stands for words of all sorts."""
_LETTERS_FOR_ONE, _LETTERS_FOR_TWO = 7, 13
"""A wording of so many letters may have one word bent, or two."""
_KEPT = 50_000
"""Words whose beginnings are remembered; beyond, remembering starts again."""
BAN = "!"
"""Name of the mark on a phrase that is followed by what must not follow it."""


class Spoken(NamedTuple):
    """A phrase, and whether it is heard through recognition errors too."""

    phrase: str
    tolerant: bool = True


class Mark(NamedTuple):
    """What a slot took: words `first` to `last` of a match, counted from its first word."""

    slot: str
    first: int
    last: int


Match: TypeAlias = tuple[int, int, int, int, tuple[Mark, ...], int]
"""Word index, phrase, length, bent, marks, way: a phrase ends with the word and began `length - 1` words before; `bent`
of its words were heard otherwise than they are written. `Matcher.meant` tells which way of saying it that was."""
_Plain: TypeAlias = tuple[int, int, int, float, float]
"""A wording under way: node, bent words, length so far; and of the bent words, in nats, what speaks for their having
been heard by mistake, and the rarity of those meant. Bare tuples, because this is the hot path."""
_NOTHING: _Plain = (0, 0, 0, 0.0, 0.0)
"""Nothing heard yet: the root."""
_END, _BRANCH, _LEAF = 1, 2, 4
"""What a node is: something ends here, a gap or slot follows, no word follows."""


_NO_PAIR: tuple[tuple[tuple[int, float], ...], bool] = ((), False)


class _Rich(NamedTuple):
    """One that is in a gap or a slot, where it may stay for `room` more words, or carries marks."""

    node: int
    room: int
    bent: int
    length: int
    mistaken: float
    meant: float
    marks: tuple[Mark, ...]


class State:
    """Where the matcher is after some words."""

    __slots__ = ("before", "fresh", "last", "loose", "rich", "strict")

    def __init__(
        self,
        loose: list[_Plain],
        strict: list[_Plain],
        fresh: list[_Plain],
        rich: list[_Rich],
        last: str,
        before: list[_Plain],
    ) -> None:
        self.loose = loose
        """Wordings under way whose next word may be bent."""
        self.strict = strict
        """Those whose next word may not: too many are."""
        self.fresh = fresh
        """Those whose last word was bent, so that the next one may not be."""
        self.rich = rich
        self.last = last
        """The last word, which may be half of a torn one, and the loose wordings `before` it."""
        self.before = before

    @property
    def idle(self) -> bool:
        """No phrase is under way."""
        return not (self.loose or self.strict or self.fresh or self.rich)

    def __eq__(self, other: object) -> bool:
        """Whether the same words lead on to the same matches."""
        return self is other or (
            isinstance(other, State)
            and self.last == other.last
            and self.loose == other.loose
            and self.strict == other.strict
            and self.fresh == other.fresh
            and self.rich == other.rich
            and self.before == other.before
        )

    __hash__ = None  # type: ignore[assignment]


class _Bent(NamedTuple):
    """A word taken for others: those that may be proven, and the wordings that begin with one of them."""

    fuzzy: dict[int, float]
    pairs: tuple[tuple[int, int, float], ...]
    fresh: list[_Plain]
    ends: list[_Plain]


class _Begin(NamedTuple):
    """A word as it was heard, the wordings that it may begin, and what else it may be.

    `alone` and `usual`: by itself, and where it often follows the word before it. `ends` are the wordings at whose
    nodes something ends or branches.
    """

    exact: tuple[int, ...]
    rarity: float
    loose: list[_Plain]
    strict: list[_Plain]
    rich: list[_Rich]
    ends: list[_Plain]
    alone: _Bent
    usual: _Bent


class Matcher:
    """Phrases are numbered in the order given; `bans` adds numbers of its own."""

    start = State([], [], [], [], "", [])

    def __init__(self, phrases: Sequence[Spoken], language: Language, kinds: Mapping[str, Kind] | None = None) -> None:
        """`kinds` are the playbook's slots by name. Raises `PhraseError` for a phrase that cannot be read."""
        self._language = language
        self._kinds: dict[str, Kind] = BUILT_IN | dict(kinds or {})
        self._words: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        self._children: list[dict[int, int]] = []
        self._flags = bytearray()
        self._parents: list[int] = []
        self._written: list[str] = []  # the word, stem, gap or slot that leads to a node
        self._may_bend: list[int] = []  # words that may be bent on the way to some end below a node
        self._weight: list[float] = []  # rarity of the words on the way to a node
        self._heaviest: list[float] = []  # the most of that at an end below, on whose way words may be bent
        self._ends: dict[int, list[tuple[int, int]]] = {}  # phrases that end at a node, and how many words may be bent
        self._branches: dict[int, list[tuple[int, int]]] = {}  # gaps and slots after a node: room and node
        self._slots: dict[int, dict[str, int]] = {}  # of a node that stands before slots
        self._kind_at: dict[int, Kind] = {}  # of a node that is in a slot
        self._banned: dict[int, list[int]] = {}  # where what must not follow begins
        self.bans: dict[int, int] = {}
        """For a phrase with `!(…)`: the number of the match of what must not follow it, marked with the phrase's
        end."""
        self._node(0, "", 0.0)
        for number, (phrase, tolerant) in enumerate(phrases):
            parsed = parse(phrase)
            ends = [self._add(0, number, wording, tolerant) for wording in wordings(parsed.rows)]
            if parsed.then_not:
                ban = self.bans[number] = len(phrases) + len(self.bans)
                node = self._node(0, "", 0.0)
                for wording in wordings(parsed.then_not):
                    self._add(node, ban, wording, False)
                for end in dict.fromkeys(ends):
                    self._flags[end] |= _BRANCH
                    self._banned.setdefault(end, []).append(node)
        for node, below in enumerate(self._children):
            if not below and self._flags[node]:
                self._flags[node] |= _LEAF
        self._lattice = Lattice(list(self._words), list(self._stems), language)
        self._begins: dict[str, _Begin] = {}

    def walk(self, state: State, said: Sequence[str], kept: list[State] | None = None) -> tuple[State, list[Match]]:
        """The state after some words, and the matches on the way, in order.

        `kept` receives the state after each word.
        """
        children, flags, may_bend, weight, heaviest, ends_at = (
            self._children, self._flags, self._may_bend, self._weight, self._heaviest, self._ends
        )  # fmt: skip
        begins, pairs_heard = self._begins, self._lattice.pairs
        loose, strict, fresh, rich = state.loose, state.strict, state.fresh, state.rich
        last, before = state.last, state.before
        matches: list[Match] = []
        for index, word in enumerate(said):
            begin = begins.get(word)
            if begin is None:
                begin = self._begin(word)
            exact, rarity, first_loose, first_strict, first_rich, first_ends, alone, after_usual = begin
            joined, usual = _NO_PAIR
            if last:
                heard = pairs_heard.get((last, word))
                joined, usual = self._lattice.pair(last, word) if heard is None else heard
            fuzzy, pairs, bent_fresh, bent_ends = after_usual if usual else alone
            now_loose: list[_Plain] = []
            now_strict: list[_Plain] = []
            now_fresh: list[_Plain] = []
            now_rich: list[_Rich] = []
            ends: list[_Plain] = []
            if exact and (loose or strict or fresh):
                if usual and fresh:
                    fresh = [(n, bent, length, mistaken - USUAL, meant) for n, bent, length, mistaken, meant in fresh]
                for symbol in exact:
                    for node, bent, length, mistaken, meant in loose + strict + fresh:
                        child = children[node].get(symbol)
                        if child is not None:
                            plain = (child, bent, length + 1, mistaken, meant)
                            flag = flags[child]
                            if flag:
                                ends.append(plain)
                            if flag < _LEAF:
                                (now_loose if bent < may_bend[child] else now_strict).append(plain)
            if fuzzy:
                for node, bent, length, mistaken, meant in loose:
                    below = children[node]
                    for symbol in below if len(below) < len(fuzzy) else fuzzy:
                        if symbol in fuzzy and symbol in below:
                            child = below[symbol]
                            if bent < may_bend[child]:
                                speaks = mistaken + fuzzy[symbol]
                                against = meant + weight[child] - weight[node]
                                if speaks - (1 + FORETOLD) * against + FORETOLD * heaviest[child] >= PROOF:
                                    self._put((child, bent + 1, length + 1, speaks, against), now_fresh, ends)
            if pairs:
                for plain in loose:
                    self._two_steps(plain, pairs, now_fresh, ends)
            if joined:
                speaks = rarity + self._lattice.read(last).rarity - (USUAL if usual else 0.0)
                for plain in (*before, _NOTHING):
                    for symbol, chance in joined:
                        self._bend(plain, symbol, 2, speaks + chance, now_fresh, ends)
            for partial in rich:
                self._on(partial, word, exact, fuzzy, now_rich)
            if first_loose:
                now_loose += first_loose
            if first_strict:
                now_strict += first_strict
            if bent_fresh:
                now_fresh += bent_fresh
            if bent_ends:
                ends += bent_ends
            if first_rich:
                now_rich += first_rich
            if first_ends:
                ends += first_ends
            flagged = [partial for partial in now_rich if flags[partial.node]] if now_rich else now_rich
            if len(ends) == 1 and not flagged and not flags[ends[0][0]] & _BRANCH:
                node, bent, length, mistaken, meant = ends[0]
                for phrase, may in ends_at[node]:
                    if bent == 0 or (bent <= may and self._odds(node, bent, mistaken, meant) >= PROOF):
                        matches.append((index, phrase, length, bent, (), node))
            elif ends or flagged:
                self._arrive(index, ends, now_rich, flagged, matches)
            before = loose
            loose, strict, fresh, rich, last = now_loose, now_strict, now_fresh, now_rich, word
            if kept is not None:
                kept.append(State(loose, strict, fresh, rich, last, before))
        return State(loose, strict, fresh, rich, last, before), matches

    def joins(self, state: State, word: str) -> bool:
        """Whether a word may be the second half of one whose first half was the last word."""
        return bool(state.last) and bool(self._lattice.pair(state.last, word).joined)

    def value(self, slot: str, said: Sequence[str], heard: str) -> str | None:
        """What a slot makes of some words; `heard` is their text. None where they are no value of its kind."""
        return self._kinds[slot].value(said, heard)

    def meant(self, way: int) -> tuple[str, ...]:
        """The way of saying a phrase that a match took: its words, `stem*`, `~3` and `{slot}`."""
        units: list[str] = []
        while way:
            if self._written[way]:
                units.append(self._written[way])
            way = self._parents[way]
        return tuple(reversed(units))

    def _begin(self, word: str) -> _Begin:
        reading = self._lattice.read(word)
        begin = _Begin(
            reading.exact, reading.rarity, [], [], [], [], self._bent(reading, 0.0), self._bent(reading, USUAL)
        )
        for symbol in reading.exact:
            child = self._children[0].get(symbol)
            if child is not None:
                self._put((child, 0, 1, 0.0, 0.0), begin.loose if self._may_bend[child] else begin.strict, begin.ends)
        for _, node in self._branches.get(0, ()):
            self._into_slots(_Rich(node, 0, 0, 0, 0.0, 0.0, ()), word, begin.rich)
        if len(self._begins) >= _KEPT:
            self._begins.clear()
        self._begins[word] = begin
        return begin

    def _bent(self, reading: Reading, less: float) -> _Bent:
        """What a word may be taken for when so much speaks against it; what can never be proven is left out."""
        fuzzy = {s: speaks - less for s, speaks in reading.fuzzy.items() if speaks - less + AT_BEST >= PROOF}
        made = _Bent(fuzzy, reading.pairs, [], [])
        for symbol, speaks in fuzzy.items():
            self._bend(_NOTHING, symbol, 1, speaks, made.fresh, made.ends)
        self._two_steps(_NOTHING, reading.pairs, made.fresh, made.ends)
        return made

    def _put(self, plain: _Plain, into: list[_Plain], ends: list[_Plain]) -> None:
        flag = self._flags[plain[0]]
        if flag:
            ends.append(plain)
        if flag < _LEAF:
            into.append(plain)

    def _bend(
        self, plain: _Plain, symbol: int, words: int, speaks: float, into: list[_Plain], ends: list[_Plain]
    ) -> None:
        """Go one word on with what was heard otherwise, where the rest of some wording can still prove it."""
        node, bent, length, mistaken, meant = plain
        child = self._children[node].get(symbol)
        if child is not None and bent < self._may_bend[child]:
            speaks += mistaken
            against = meant + self._weight[child] - self._weight[node]
            if speaks - (1 + FORETOLD) * against + FORETOLD * self._heaviest[child] >= PROOF:
                self._put((child, bent + 1, length + words, speaks, against), into, ends)

    def _two_steps(
        self, plain: _Plain, pairs: Iterable[tuple[int, int, float]], into: list[_Plain], ends: list[_Plain]
    ) -> None:
        """Go two words on with one that was heard: they were run together."""
        node, bent, length, mistaken, meant = plain
        for first, second, speaks in pairs:
            between = self._children[node].get(first)
            child = None if between is None else self._children[between].get(second)
            if child is not None and bent < self._may_bend[child]:
                against = meant + self._weight[child] - self._weight[node]
                self._put((child, bent + 1, length + 1, mistaken + speaks, against), into, ends)

    def _odds(self, node: int, bent: int, mistaken: float, meant: float) -> float:
        """In nats: that the words of a wording that ends at a node were meant, against that they were said as heard."""
        around = self._weight[node] - meant
        return min(AT_BEST * bent, FORETOLD * around - meant) + mistaken

    def _on(
        self, partial: _Rich, word: str, exact: tuple[int, ...], fuzzy: dict[int, float], rich: list[_Rich]
    ) -> None:
        """Add where a rich partial may be after one more word."""
        node, room, bent, length, mistaken, meant, marks = partial
        below = self._children[node]
        for symbol in exact:
            child = below.get(symbol)
            if child is not None:
                rich.append(_Rich(child, 0, bent, length + 1, mistaken, meant, marks))
        if bent < self._may_bend[node]:
            for symbol in below.keys() & fuzzy.keys():
                child = below[symbol]
                if bent < self._may_bend[child]:
                    against = meant + self._weight[child] - self._weight[node]
                    speaks = mistaken + fuzzy[symbol]
                    rich.append(_Rich(child, 0, bent + 1, length + 1, speaks, against, marks))
        if node in self._slots:
            self._into_slots(partial, word, rich)
        if room:
            kind = self._kind_at.get(node)
            if kind is None:
                rich.append(partial._replace(room=room - 1, length=length + 1))
            elif kind.goes_on(word):
                longer = (*marks[:-1], marks[-1]._replace(last=length))
                rich.append(partial._replace(room=room - 1, length=length + 1, marks=longer))

    def _into_slots(self, partial: _Rich, word: str, rich: list[_Rich]) -> None:
        length = partial.length
        for name, child in self._slots[partial.node].items():
            kind = self._kind_at[child]
            if kind.begins(word):
                marks = (*partial.marks, Mark(name, length, length))
                rich.append(partial._replace(node=child, room=kind.most - 1, length=length + 1, marks=marks))

    def _arrive(
        self, index: int, ends: list[_Plain], rich: list[_Rich], flagged: list[_Rich], matches: list[Match]
    ) -> None:
        """What ends and what branches at the nodes that word `index` led to, where it is more than one plain end."""
        best: dict[int, Match] = {}
        plain = (_Rich(node, 0, bent, length, mistaken, meant, ()) for node, bent, length, mistaken, meant in ends)
        for node, _, bent, length, mistaken, meant, marks in (*plain, *flagged):
            for phrase, may_bend in self._ends.get(node, ()):
                if bent == 0 or (bent <= may_bend and self._odds(node, bent, mistaken, meant) >= PROOF):
                    match = (index, phrase, length, bent, marks, node)
                    known = best.get(phrase)
                    if known is None or _rank(match) < _rank(known):
                        best[phrase] = match
            for room, child in self._branches.get(node, ()):
                rich.append(_Rich(child, room, bent, length, mistaken, meant, marks))
            for child in self._banned.get(node, ()):
                ban = Mark(BAN, 0, length - 1)
                rich.append(_Rich(child, 0, bent, length, mistaken, meant, (*marks, ban)))
        matches.extend(best[phrase] for phrase in sorted(best))

    # --- making the trie

    def _add(self, node: int, number: int, wording: Wording, tolerant: bool) -> int:
        """Add one way to say a phrase below a node; the node at which it ends."""
        letters = sum(map(_letters, wording))
        may_bend = 0 if not tolerant or letters < _LETTERS_FOR_ONE else 1 if letters < _LETTERS_FOR_TWO else 2
        path = []
        for unit in wording:
            node = self._child(node, unit)
            path.append(node)
        for passed in path if may_bend else ():
            self._may_bend[passed] = max(self._may_bend[passed], may_bend)
            self._heaviest[passed] = max(self._heaviest[passed], self._weight[node])
        self._flags[node] |= _END
        ends = self._ends.setdefault(node, [])
        if (number, may_bend) not in ends:
            ends.append((number, may_bend))
        return node

    def _child(self, node: int, unit: Unit) -> int:
        if isinstance(unit, Gap):
            return self._branch(node, unit.most)
        if isinstance(unit, Slot):
            if unit.name not in self._kinds:
                raise PhraseError(1, f"there is no slot `{unit.name}`")
            before = self._branch(node, 0)
            slots = self._slots.setdefault(before, {})
            if unit.name not in slots:
                slots[unit.name] = self._node(before, unit.written, self._weight[node])
                self._kind_at[slots[unit.name]] = self._kinds[unit.name]
            return slots[unit.name]
        if isinstance(unit, Stem):
            symbol = -1 - self._stems.setdefault(unit.stem, len(self._stems))
            rarity = STEM_RARITY
        else:
            symbol = self._words.setdefault(unit, len(self._words))
            rarity = self._language.rarity(unit)
        below = self._children[node]
        if symbol not in below:
            written = unit if isinstance(unit, str) else f"{unit.stem}*"
            below[symbol] = self._node(node, written, self._weight[node] + rarity)
        return below[symbol]

    def _branch(self, node: int, room: int) -> int:
        branches = self._branches.setdefault(node, [])
        for known, child in branches:
            if known == room:
                return child
        written = f"~{room}" if room else ""
        child = self._node(node, written, self._weight[node] - (BEYOND_A_GAP if room else 0.0))
        branches.append((room, child))
        self._flags[node] |= _BRANCH
        return child

    def _node(self, parent: int, written: str, weight: float) -> int:
        self._children.append({})
        self._parents.append(parent)
        self._written.append(written)
        self._flags.append(0)
        self._may_bend.append(0)
        self._weight.append(weight)
        self._heaviest.append(0.0)
        return len(self._children) - 1


def _letters(unit: Unit) -> int:
    return len(unit) if isinstance(unit, str) else len(unit.stem) if isinstance(unit, Stem) else 0


def _rank(match: Match) -> tuple[int, int]:
    """Of two ways to hear a phrase that ends here: the less bent one, then the nearer one, but the whole of a slot."""
    _, _, length, bent, marks, _ = match
    return (bent, -length if marks else length)
