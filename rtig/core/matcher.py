"""Hears every phrase of a playbook at once, as it was said or as a recogniser may have garbled it.

All ways to say all phrases are one trie over words. What was heard is walked along it from every word on, by the
readings that the lattice gives each word, so a word costs what it is near to and not what the playbook holds.

A way that bends a word, takes one that was heard for another that was meant, is weighed against the words as they were
heard, after Bayes. For it speak how rarely the heard word is said, and how well the words around it foretell the one
that was meant; against it, how seldom a recogniser confuses the two, and whether the heard words often stand beside one
another. So "refnd my money" is a refund, "read me the card" is not "read me the code", and "for" is "four" only where
the words around it say so. The odds must reach `PROOF`.

A state is all there is to carry from one word to the next, and from one segment to the next: hearing "cancel my" and
then "contract" ends in the same state as hearing the three words at once. States are values and are never changed. What
a state is made of holds no cycles (`gc=False`): the garbage collector would walk some hundred parts of each call.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from rtig.core.language import Language
from rtig.core.lattice import Lattice, Pair, Reading
from rtig.core.phrases import Gap, Slot, Stem, Unit, Wording, parse, wordings
from rtig.core.slots import BUILT_IN, Kind
from rtig.errors import PhraseError

PROOF = -2.5
"""Odds, in nats, at which a bent wording counts as said."""
FORETOLD = 0.7
"""How much of the rarity of the other words of a wording goes into foretelling the one that was bent."""
AT_BEST = -2.0
"""Ln of how well a word can be foretold: at best one time in seven."""
USUAL = 3.0
"""Nats by which a heard word is more to be expected beside another that it often stands beside."""
BEYOND_A_GAP = 9.0
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


class Mark(Struct, frozen=True, gc=False):
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
_Plains: TypeAlias = tuple[_Plain, ...]
_Found: TypeAlias = tuple[int, int, int, int]
"""Of a match that has no marks: phrase, bent, length, way; of the same phrase the least is the best."""
_NOTHING: _Plain = (0, 0, 0, 0.0, 0.0)
"""Nothing heard yet: the root."""
_NOTHING_BELOW: dict[int, int] = {}
_NOTHING_JOINED: dict[int, float] = {}
_NO_PAIR = Pair((), False)
_END, _BRANCH, _LEAF = 1, 2, 4
"""What a node is: something ends here, a gap or slot follows, no word follows."""


class _Rich(Struct, frozen=True, gc=False):
    """One that is in a gap or a slot, where it may stay for `room` more words, or carries marks."""

    node: int
    room: int
    bent: int
    length: int
    mistaken: float
    meant: float
    marks: tuple[Mark, ...]
    taken: tuple[str, ...] = ()
    """Words that the slot has taken in which it is."""
    whole: bool = True
    """Those are a value, so that it may go on from there."""


_Riches: TypeAlias = tuple[_Rich, ...]


class State(Struct, frozen=True, eq=False, gc=False):
    """Where the matcher is after some words.

    Wordings that the last word begins are not listed: they follow from `last` and `usual`.
    """

    loose: _Plains
    """Wordings under way whose last word was heard as it is written."""
    fresh: _Plains
    """Those whose last word was bent, so that the next one may not be."""
    rich: _Riches
    last: str
    """The last word, which may be half of a torn one; whether it is `usual` after the one before it, and whether
    it has `begun` a wording."""
    usual: bool
    begun: bool
    before: _Plains
    """The loose wordings before the last word, all of them."""

    @property
    def idle(self) -> bool:
        """No phrase is under way."""
        return not (self.begun or self.loose or self.fresh or self.rich)

    def __eq__(self, other: object) -> bool:
        """Whether the same words lead on to the same matches."""
        return self is other or (
            isinstance(other, State)
            and self.last == other.last
            and self.usual == other.usual
            and self.loose == other.loose
            and self.fresh == other.fresh
            and self.rich == other.rich
            and self.before == other.before
        )

    __hash__ = None  # type: ignore[assignment]


class _Bent(NamedTuple):
    """A word taken for others: those that may be proven, and the wordings that begin with one of them."""

    fuzzy: dict[int, float]
    pairs: tuple[tuple[int, int, float], ...]
    fresh: _Plains
    ends: _Plains


class _Begin(NamedTuple):
    """A word as it was heard, the wordings that it may begin, and what else it may be.

    `alone` and `usual`: by itself, and where it often follows the word before it. `ends` are the wordings at whose
    nodes something ends or branches.
    """

    reading: Reading
    loose: _Plains
    rich: _Riches
    ends: _Plains
    alone: _Bent
    usual: _Bent


class _Step(NamedTuple):
    """A word after another: what it may be, and where it leads the wordings that the one before it begins.

    `ends` are also those that the word begins and ends by itself; the others that it begins are left to the next step.
    """

    exact: tuple[int, ...]
    fuzzy: dict[int, float]
    pairs: tuple[tuple[int, int, float], ...]
    joined: dict[int, float]
    """What the two words may be if they are one torn apart, with what speaks for it."""
    usual: bool
    begun: bool
    loose: _Plains
    fresh: _Plains
    rich: _Riches
    ends: _Plains
    found: Sequence[_Found] | None
    """What ends there; None where something branches."""


class Matcher:
    """Phrases are numbered in the order given; `bans` adds numbers of its own."""

    start = State((), (), (), "", False, False, ())

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
        self._may_bend = bytearray()  # words that may be bent on the way to some end below a node
        self._weight: list[float] = []  # rarity of the words on the way to a node
        self._heaviest: list[float] = []  # the most of that at an end below, on whose way words may be bent
        self._ends: dict[int, tuple[int, ...]] = {}  # phrases that end at a node
        self._may_be_bent = bytearray()  # words, in a tolerant phrase that ends at a node
        self._tolerant = [tolerant for _, tolerant in phrases]
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
                self._tolerant.append(False)
                node = self._node(0, "", 0.0)
                for wording in wordings(parsed.then_not):
                    self._add(node, ban, wording, False)
                for end in dict.fromkeys(ends):
                    self._flags[end] |= _BRANCH
                    self._banned.setdefault(end, []).append(node)
        for node, below in enumerate(self._children):
            if not below:
                self._children[node] = _NOTHING_BELOW
                if self._flags[node]:
                    self._flags[node] |= _LEAF
        self._lattice = Lattice(list(self._words), list(self._stems), language)
        self._begins: dict[str, _Begin] = {}
        self._steps: tuple[dict[tuple[str, str], _Step], ...] = ({}, {})  # after a word by itself, after a usual one

    def walk(self, state: State, said: Sequence[str], kept: list[State] | None = None) -> tuple[State, list[Match]]:
        """The state after some words, and the matches on the way, in order.

        `kept` receives the state after each word.
        """
        children, flags, steps = self._children, self._flags, self._steps
        loose, fresh, rich = state.loose, state.fresh, state.rich
        last, usual, begun, before = state.last, state.usual, state.begun, state.before
        earlier = ""
        matches: list[Match] = []
        for index, word in enumerate(said):
            step = steps[usual].get((last, word))
            if step is None:
                step = self._step(last, usual, word)
            (
                exact, fuzzy, pairs, joined, usual, begun,
                now_loose, now_fresh, now_rich, ends, found,
            ) = step  # fmt: skip
            more_ends: list[_Plain] = []
            if loose or fresh or joined:
                more_loose: list[_Plain] = []
                more_fresh: list[_Plain] = []
                if joined:
                    self._on_bent(self._all_loose(before, earlier), joined, 2, more_fresh, more_ends)
                others = fuzzy.keys()
                for plain in loose:
                    node, bent, length, mistaken, meant = plain
                    below = children[node]
                    for symbol in exact:
                        if symbol in below:
                            child = below[symbol]
                            longer = (child, bent, length + 1, mistaken, meant)
                            flag = flags[child]
                            if flag:
                                more_ends.append(longer)
                            if flag < _LEAF:
                                more_loose.append(longer)
                    if fuzzy and not others.isdisjoint(below.keys()):
                        self._on_bent((plain,), fuzzy, 1, more_fresh, more_ends)
                if loose and pairs:
                    self._two_on(loose, pairs, more_fresh, more_ends)
                if fresh:
                    self._on_exactly(fresh, exact, USUAL if usual else 0.0, more_loose, more_ends)
                if more_loose:
                    now_loose = (*now_loose, *more_loose)
                if more_fresh:
                    now_fresh = (*now_fresh, *more_fresh)
                if more_ends:
                    found = self._found(found, more_ends)
            if rich or now_rich or found is None:
                more_rich = [*now_rich]
                for partial in rich:
                    self._on(partial, word, exact, fuzzy, more_rich)
                flagged = [partial for partial in more_rich if flags[partial.node]]
                if flagged or found is None:
                    self._arrive(index, (*ends, *more_ends), more_rich, flagged, matches)
                    found = ()
                now_rich = tuple(more_rich)
            for phrase, bent, length, way in found:
                matches.append((index, phrase, length, bent, (), way))
            before, loose, fresh, rich = loose, now_loose, now_fresh, now_rich
            earlier, last = last, word
            if kept is not None:
                full = self._all_loose(before, earlier)
                kept.append(State(loose, fresh, rich, last, usual, begun, full))
        return State(loose, fresh, rich, last, usual, begun, self._all_loose(before, earlier)), matches

    def _all_loose(self, loose: _Plains, last: str) -> _Plains:
        """Those too that the last word begins."""
        begun = self._begin(last).loose if last else loose
        return loose + begun if loose and last else begun

    def _on_exactly(
        self, plains: _Plains, exact: tuple[int, ...], less: float, loose: list[_Plain], ends: list[_Plain]
    ) -> None:
        """Go one word on with what was heard as it is written."""
        children = self._children
        for symbol in exact:
            for node, bent, length, mistaken, meant in plains:
                if symbol in children[node]:
                    child = children[node][symbol]
                    # A number that stays is not made anew: what is remembered should be small, and read fast.
                    self._put((child, bent, length + 1, mistaken - less if less else mistaken, meant), loose, ends)

    def _on_bent(
        self, plains: _Plains, heard: dict[int, float], words: int, fresh: list[_Plain], ends: list[_Plain]
    ) -> None:
        """Go one word on with what so many words were heard for; few ways do."""
        children, symbols = self._children, heard.keys()
        for plain in plains:
            below = children[plain[0]].keys()
            if not symbols.isdisjoint(below):
                for symbol in symbols & below:
                    self._bend(plain, symbol, words, heard[symbol], fresh, ends)

    def joins(self, state: State, word: str) -> bool:
        """Whether a word may be the second half of one whose first half was the last word."""
        return bool(state.last) and bool(self._lattice.pair(state.last, word).joined)

    def paused(self, state: State) -> State:
        """The state after a pause: a value that was being said has come to its end."""
        if not any(partial.taken and partial.room for partial in state.rich):
            return state
        rich = [replace(partial, room=0) if partial.taken else partial for partial in state.rich]
        return State(
            state.loose, state.fresh, tuple(rich), state.last, state.usual, state.begun, state.before
        )  # fmt: skip

    def value(self, slot: str, said: Sequence[str], heard: str) -> str:
        """What a slot makes of the words that it took in a match; `heard` is their text."""
        found = self._kinds[slot].value(said, heard)
        assert found is not None
        return found

    def meant(self, way: int) -> tuple[str, ...]:
        """The way of saying a phrase that a match took: its words, `stem*`, `~3` and `{slot}`."""
        units: list[str] = []
        while way:
            if self._written[way]:
                units.append(self._written[way])
            way = self._parents[way]
        return tuple(reversed(units))

    def tables(self) -> list[dict[Any, Any] | list[Any]]:
        """What is big in it, for whoever lets go of it bit by bit."""
        return [
            self._children, self._parents, self._written, self._weight, self._heaviest, self._words,
            self._ends, self._branches, self._begins, *self._steps, *self._lattice.tables(),
        ]  # fmt: skip

    def _begin(self, word: str) -> _Begin:
        begin = self._begins.get(word)
        if begin is not None:
            return begin
        reading = self._lattice.read(word)
        loose: list[_Plain] = []
        rich: list[_Rich] = []
        ends: list[_Plain] = []
        self._on_exactly((_NOTHING,), reading.exact, 0.0, loose, ends)
        for _, node in self._branches.get(0, ()):
            self._into_slots(_Rich(node, 0, 0, 0, 0.0, 0.0, ()), word, rich)
        begin = _Begin(
            reading, tuple(loose), tuple(rich), tuple(ends),
            self._bent(reading, 0.0), self._bent(reading, USUAL),
        )  # fmt: skip
        if len(self._begins) >= _KEPT:
            self._begins.clear()
        self._begins[word] = begin
        return begin

    def _step(self, last: str, after_usual: bool, word: str) -> _Step:
        reading, begins_loose, rich, first_ends, *either = self._begin(word)
        pair = self._lattice.pair(last, word) if last else _NO_PAIR
        bent = either[pair.usual]
        less = USUAL if pair.usual else 0.0
        loose: list[_Plain] = []
        fresh: list[_Plain] = []
        ends: list[_Plain] = []
        joined = _NOTHING_JOINED
        if last:
            before = self._begin(last)
            before_bent = before.usual if after_usual else before.alone
            self._on_exactly(before.loose, reading.exact, 0.0, loose, ends)
            self._on_exactly(before_bent.fresh, reading.exact, less, loose, ends)
            self._on_bent(before.loose, bent.fuzzy, 1, fresh, ends)
            self._two_on(before.loose, bent.pairs, fresh, ends)
            if pair.joined:
                speaks = reading.rarity + before.reading.rarity - less
                joined = {symbol: speaks + chance for symbol, chance in pair.joined}
                self._on_bent((_NOTHING,), joined, 2, fresh, ends)
        begun = bool(begins_loose or bent.fresh)
        ends += (*bent.ends, *first_ends)
        step = _Step(
            reading.exact, bent.fuzzy, bent.pairs, joined, pair.usual, begun, tuple(loose), tuple(fresh),
            rich, tuple(ends), self._found((), ends) if ends else (),
        )  # fmt: skip
        steps = self._steps[after_usual]
        if len(steps) >= _KEPT:
            steps.clear()
        steps[last, word] = step
        return step

    def _bent(self, reading: Reading, less: float) -> _Bent:
        """What a word may be taken for when so much speaks against it; what can never be proven is left out."""
        fuzzy = {s: speaks - less for s, speaks in reading.fuzzy.items() if speaks - less + AT_BEST >= PROOF}
        fresh: list[_Plain] = []
        ends: list[_Plain] = []
        self._on_bent((_NOTHING,), fuzzy, 1, fresh, ends)
        self._two_on((_NOTHING,), reading.pairs, fresh, ends)
        return _Bent(fuzzy, reading.pairs, tuple(fresh), tuple(ends))

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

    def _two_on(
        self, plains: _Plains, pairs: Iterable[tuple[int, int, float]], into: list[_Plain], ends: list[_Plain]
    ) -> None:
        """Go two words on with one that was heard: they were run together."""
        for first, second, speaks in pairs:
            for node, bent, length, mistaken, meant in plains:
                between = self._children[node].get(first)
                child = None if between is None else self._children[between].get(second)
                if child is not None and bent < self._may_bend[child]:
                    against = meant + self._weight[child] - self._weight[node]
                    self._put((child, bent + 1, length + 1, mistaken + speaks, against), into, ends)

    def _is_proven(self, node: int, bent: int, mistaken: float, meant: float) -> bool:
        """Whether the words of a wording that ends at a node were meant rather than said as heard."""
        if bent > self._may_be_bent[node]:
            return False
        around = self._weight[node] - meant
        return min(AT_BEST * bent, FORETOLD * around - meant) + mistaken >= PROOF

    def _on(
        self, partial: _Rich, word: str, exact: tuple[int, ...], fuzzy: dict[int, float], rich: list[_Rich]
    ) -> None:
        """Add where a rich partial may be after one more word."""
        node, room, bent, length = partial.node, partial.room, partial.bent, partial.length
        mistaken, meant, marks = partial.mistaken, partial.meant, partial.marks
        if partial.whole:
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
                rich.append(replace(partial, room=room - 1, length=length + 1))
            elif kind.goes_on(taken := (*partial.taken, word)):
                longer = (*marks[:-1], replace(marks[-1], last=length))
                self._take(kind, taken, replace(partial, room=room - 1, marks=longer), rich)

    def _into_slots(self, partial: _Rich, word: str, rich: list[_Rich]) -> None:
        length = partial.length
        for name, child in self._slots[partial.node].items():
            kind = self._kind_at[child]
            if kind.begins(word):
                marks = (*partial.marks, Mark(name, length, length))
                self._take(kind, (word,), replace(partial, node=child, room=kind.most - 1, marks=marks), rich)

    def _take(self, kind: Kind, taken: tuple[str, ...], partial: _Rich, rich: list[_Rich]) -> None:
        """Add where a partial is when the slot that it is in has taken one more word."""
        whole = kind.value(taken, "") is not None
        rich.append(replace(partial, length=partial.length + 1, taken=taken, whole=whole))

    def _arrive(self, index: int, ends: _Plains, rich: list[_Rich], flagged: list[_Rich], matches: list[Match]) -> None:
        """What ends and what branches at the nodes that word `index` led to, where it is more than one plain end."""
        best: dict[tuple[int, int], Match] = {}
        plain = (_Rich(node, 0, bent, length, mistaken, meant, ()) for node, bent, length, mistaken, meant in ends)
        for partial in (*plain, *flagged):
            if not partial.whole:
                continue
            node, bent, length = partial.node, partial.bent, partial.length
            mistaken, meant, marks = partial.mistaken, partial.meant, partial.marks
            for phrase in self._ends.get(node, ()):
                if bent == 0 or (self._tolerant[phrase] and self._is_proven(node, bent, mistaken, meant)):
                    match = (index, phrase, length, bent, marks, node)
                    # What must not follow may follow several places at once, and takes back each of them.
                    place = (phrase, length - marks[0].last if marks and marks[0].slot == BAN else 0)
                    known = best.get(place)
                    if known is None or _rank(match) < _rank(known):
                        best[place] = match
            for room, child in self._branches.get(node, ()):
                rich.append(_Rich(child, room, bent, length, mistaken, meant, marks))
            banned = self._banned.get(node, ())
            rich.extend(_Rich(child, 0, 0, length, 0.0, 0.0, (Mark(BAN, 0, length - 1),)) for child in banned)
        matches.extend(best[place] for place in sorted(best))

    def _found(self, known: Iterable[_Found] | None, ends: list[_Plain]) -> list[_Found] | None:
        """What ends where plain wordings have led to, beside what is known to; None where something branches there."""
        if known is None:
            return None
        found = [*known]
        for node, bent, length, mistaken, meant in ends:
            if self._flags[node] & _BRANCH:
                return None
            found += [
                (phrase, bent, length, node)
                for phrase in self._ends[node]
                if bent == 0 or (self._tolerant[phrase] and self._is_proven(node, bent, mistaken, meant))
            ]
        if len(found) > 1:
            found.sort(reverse=True)
            best = {one[0]: one for one in found}
            found = [*best.values()][::-1]
        return found

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
        self._may_be_bent[node] = max(self._may_be_bent[node], may_bend)
        ends = self._ends.get(node, ())
        if number not in ends:
            self._ends[node] = (*ends, number)
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
        self._may_be_bent.append(0)
        self._weight.append(weight)
        self._heaviest.append(0.0)
        return len(self._children) - 1


def _letters(unit: Unit) -> int:
    return len(unit) if isinstance(unit, str) else len(unit.stem) if isinstance(unit, Stem) else 0


def _rank(match: Match) -> tuple[int, int, int]:
    """Of two ways to hear a phrase that ends here: the less bent one, then the nearer one, but the whole of a slot."""
    _, _, length, bent, marks, _ = match
    return (bent, -length if marks else length, -sum(mark.last - mark.first for mark in marks))
