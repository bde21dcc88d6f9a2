"""What authors write for "this is said": a small regular expression over words, read into the ways to say it.

    cancel my contract            words in this order
    (cancel|end) (my|the)? plan   one of each list; the second may be missing
    disconnect*   cancel+         any ending; the inflections of an English word
    bill ~3 doubled               up to three other words in between, in this order
    bill ~3~ doubled              the same in either order
    pay {amount}                  a value: a slot of the playbook, or a number, amount, date or name
    bill !(cycle|date)            not followed by these

`parse` reads a phrase; `wordings` lists every way to say it as a plain row of words, stems, gaps and slots, which is
what the matcher is made of.
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import NamedTuple

from rtig.core.text import words
from rtig.errors import PhraseError

LONGEST_GAP = 12
MOST_WORDINGS = 4096
"""Ways to say one phrase: lists multiply."""
_ITEM_END = " ()|?~*+{}\t"
_SLOT_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


class Word(NamedTuple):
    """One word as the author wrote it; a contraction is several norms."""

    written: str
    norms: tuple[str, ...]


class Stem(NamedTuple):
    """`disconnect*`."""

    written: str
    stem: str


class Inflected(NamedTuple):
    """`cancel+`: the forms of one English word."""

    written: str
    forms: tuple[str, ...]


class Gap(NamedTuple):
    """`~3`."""

    written: str
    most: int


class Slot(NamedTuple):
    """`{amount}`."""

    written: str
    name: str


class Choice(NamedTuple):
    """`(a|b c)`, with `?` after it `optional`."""

    written: str
    rows: "tuple[Row, ...]"
    optional: bool


class EitherWay(NamedTuple):
    """`bill ~3~ doubled`: two items in either order."""

    written: str
    one: "Item"
    gap: Gap
    other: "Item"

    @property
    def rows(self) -> "tuple[Row, Row]":
        return (self.one, self.gap, self.other), (self.other, self.gap, self.one)


Item = Word | Stem | Inflected | Gap | Slot | Choice | EitherWay
Row = tuple[Item, ...]


class Phrase(NamedTuple):
    """A phrase as read: any of the rows, and none of `then_not` right after it."""

    rows: tuple[Row, ...]
    then_not: tuple[Row, ...] = ()


Unit = str | Stem | Gap | Slot
"""One thing of a wording: a word as it is compared, or what stands for one or more."""
Wording = tuple[Unit, ...]


def parse(phrase: str) -> Phrase:
    """Raises `PhraseError` where the phrase cannot be read, has no word of its own or too many ways to say it."""
    return _Reader(phrase).read()


def wordings(rows: tuple[Row, ...]) -> Iterator[Wording]:
    """Every way to say one of some rows, each once."""
    seen: set[Wording] = set()
    for row in rows:
        for parts in product(*(_ways(item) for item in row)):
            wording = _tidy(tuple(unit for part in parts for unit in part))
            if wording not in seen:
                seen.add(wording)
                yield wording


def slots_of(phrase: Phrase) -> frozenset[str]:
    """Names of the slots in a phrase."""
    return frozenset(_slots(phrase.rows))


def inflections(word: str) -> tuple[str, ...]:
    """The forms of a regular English verb or noun, itself first; of the commonest irregular ones too."""
    if word in _IRREGULAR:
        return (word, *_IRREGULAR[word].split())
    if word.endswith("e"):
        return (word, word + "s", word + "d", word[:-1] + "ing")
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return (word, word[:-1] + "ies", word[:-1] + "ied", word + "ing")
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return (word, word + "es", word + "ed", word + "ing")
    plain = (word, word + "s", word + "ed", word + "ing")
    if len(word) > 2 and word[-1] not in "aeiouwxy" and word[-2] in "aeiou" and word[-3] not in "aeiou":
        return (*plain, word + word[-1] + "ed", word + word[-1] + "ing")
    return plain


# What service calls are full of. American and British forms of the others come with the doubling rule.
_IRREGULAR = {
    "be": "am is are was were been being",
    "bring": "brings brought bringing",
    "buy": "buys bought buying",
    "cancel": "cancels canceled canceling cancelled cancelling",
    "choose": "chooses chose chosen choosing",
    "come": "comes came coming",
    "cost": "costs costing",
    "do": "does did done doing",
    "find": "finds found finding",
    "forget": "forgets forgot forgotten forgetting",
    "get": "gets got gotten getting",
    "give": "gives gave given giving",
    "go": "goes went gone going",
    "have": "has had having",
    "hear": "hears heard hearing",
    "keep": "keeps kept keeping",
    "know": "knows knew known knowing",
    "leave": "leaves left leaving",
    "lose": "loses lost losing",
    "make": "makes made making",
    "pay": "pays paid paying",
    "put": "puts putting",
    "ring": "rings rang rung ringing",
    "say": "says said saying",
    "see": "sees saw seen seeing",
    "send": "sends sent sending",
    "set": "sets setting",
    "speak": "speaks spoke spoken speaking",
    "spend": "spends spent spending",
    "take": "takes took taken taking",
    "tell": "tells told telling",
    "think": "thinks thought thinking",
    "travel": "travels traveled traveling travelled travelling",
    "write": "writes wrote written writing",
}


def _ways(item: Item) -> tuple[Wording, ...]:
    match item:
        case Word():
            return (item.norms,)
        case Inflected():
            return tuple((form,) for form in item.forms)
        case Choice():
            inside = tuple(wordings(item.rows))
            return ((), *inside) if item.optional else inside
        case EitherWay():
            return tuple(wordings(item.rows))
        case _:
            return ((item,),)


def _tidy(wording: Wording) -> Wording:
    """Gaps that an empty list has left at an edge go; two that meet become one."""
    kept: list[Unit] = []
    for unit in wording:
        if isinstance(unit, Gap):
            if not kept:
                continue
            if isinstance(kept[-1], Gap):
                most = kept[-1].most + unit.most
                kept[-1] = Gap(f"~{most}", most)
                continue
        kept.append(unit)
    while kept and isinstance(kept[-1], Gap):
        kept.pop()
    return tuple(kept)


def _count(rows: tuple[Row, ...]) -> int:
    return sum(prod(_count_item(item) for item in row) for row in rows)


def _count_item(item: Item) -> int:
    match item:
        case Choice():
            return _count(item.rows) + item.optional
        case EitherWay():
            return _count(item.rows)
        case Inflected():
            return len(item.forms)
        case _:
            return 1


def _may_be_empty(row: Row) -> bool:
    return all(
        isinstance(item, Gap)
        or (isinstance(item, Choice) and (item.optional or any(map(_may_be_empty, item.rows))))
        or (isinstance(item, EitherWay) and _may_be_empty(item.rows[0]))
        for item in row
    )


def _slots(rows: tuple[Row, ...]) -> Iterator[str]:
    for row in rows:
        for item in row:
            if isinstance(item, Slot):
                yield item.name
            elif isinstance(item, Choice | EitherWay):
                yield from _slots(item.rows)


class _Reader:
    """Reads one phrase from left to right."""

    def __init__(self, phrase: str) -> None:
        self._text = phrase
        self._at = 0

    def read(self) -> Phrase:
        rows = self._choice()
        then_not: tuple[Row, ...] = ()
        if self._then_not_begins():
            then_not = self._then_not()
        if self._at < len(self._text):
            raise PhraseError(self._at + 1, "this `)` closes nothing")
        if any(map(_may_be_empty, rows)):
            raise PhraseError(1, "a phrase must have at least one word that cannot be left out")
        if _count(rows) > MOST_WORDINGS:
            raise PhraseError(
                1, f"there are {_count(rows)} ways to say this, and {MOST_WORDINGS} at most: make two phrases of it"
            )
        return Phrase(rows, then_not)

    def _choice(self) -> tuple[Row, ...]:
        rows = [self._row()]
        while self._peek() == "|":
            self._at += 1
            rows.append(self._row())
        return tuple(rows)

    def _row(self) -> Row:
        row: list[Item] = []
        either_way = False
        while True:
            while self._peek() in (" ", "\t"):
                self._at += 1
            sign = self._peek()
            if sign in ("", "|", ")") or self._then_not_begins():
                break
            at = self._at
            if sign == "~":
                if not row or isinstance(row[-1], Gap):
                    raise PhraseError(at + 1, "`~` stands between two words")
                space, either_way = self._gap()
                row.append(space)
                continue
            item = self._list() if sign == "(" else self._slot() if sign == "{" else self._word()
            row.append(item)
            if either_way:
                one, gap, other = row[-3:]
                assert isinstance(gap, Gap)
                row[-3:] = [EitherWay(f"{one.written} {gap.written} {other.written}", one, gap, other)]
                either_way = False
        if row and isinstance(row[-1], Gap):
            raise PhraseError(self._text.rindex(row[-1].written, 0, self._at) + 1, "`~` stands between two words")
        return tuple(row)

    def _list(self) -> Choice:
        opened = self._at
        self._at += 1
        rows = self._choice()
        if self._peek() != ")":
            if self._then_not_begins():
                raise PhraseError(self._at + 1, "`!(…)` stands at the end of a phrase")
            raise PhraseError(opened + 1, "this `(` is not closed")
        self._at += 1
        optional = self._peek() == "?"
        if optional:
            self._at += 1
        return Choice(self._text[opened : self._at], rows, optional)

    def _then_not(self) -> tuple[Row, ...]:
        at = self._at
        self._at += 1
        rows = self._list().rows
        while self._peek() in (" ", "\t"):
            self._at += 1
        if self._at < len(self._text) and self._peek() != ")":
            raise PhraseError(at + 1, "`!(…)` stands at the end of a phrase")
        if any(map(_may_be_empty, rows)):
            raise PhraseError(at + 1, "what must not follow must have at least one word")
        return rows

    def _then_not_begins(self) -> bool:
        return self._text.startswith("!(", self._at)

    def _gap(self) -> tuple[Gap, bool]:
        at = self._at
        self._at += 1
        digits = ""
        while self._peek().isdecimal():
            digits += self._peek()
            self._at += 1
        if not 1 <= len(digits) <= 2 or not 1 <= int(digits) <= LONGEST_GAP:
            raise PhraseError(at + 1, f"`~` needs a number of words from 1 to {LONGEST_GAP}, as in `bill ~3 higher`")
        either_way = self._peek() == "~"
        if either_way:
            self._at += 1
        return Gap(self._text[at : self._at], int(digits)), either_way

    def _slot(self) -> Slot:
        start = self._at
        self._at += 1
        while self._peek() in _SLOT_NAME and self._peek():
            self._at += 1
        name = self._text[start + 1 : self._at]
        if self._peek() != "}" or not name:
            raise PhraseError(start + 1, "a slot is a name in braces, as in `{amount}`")
        self._at += 1
        return Slot(self._text[start : self._at], name)

    def _word(self) -> Item:
        start = self._at
        while self._peek() and self._peek() not in _ITEM_END and not self._then_not_begins():
            self._at += 1
        norms = words(self._text[start : self._at]).norms
        sign = self._peek()
        if sign == "?":
            raise PhraseError(self._at + 1, "`?` goes after a list, as in `(my)?`")
        if sign == "}":
            raise PhraseError(self._at + 1, "this `}` closes nothing")
        if not norms:
            raise PhraseError(start + 1, "a filler or a punctuation mark is never heard as a word")
        if sign not in ("*", "+"):
            return Word(self._text[start : self._at], norms)
        self._at += 1
        if self._peek() not in _ITEM_END:
            raise PhraseError(self._at + 1, f"`{sign}` stands at the end of a word")
        written = self._text[start : self._at]
        if sign == "*":
            if len(norms) > 1 or len(norms[0]) < 3:
                raise PhraseError(start + 1, "`*` needs at least three letters of one word before it")
            return Stem(written, norms[0])
        if len(norms) > 1 or not (norms[0].isascii() and norms[0].isalpha()) or len(norms[0]) < 2:
            raise PhraseError(start + 1, "`+` needs one English word before it")
        return Inflected(written, inflections(norms[0]))

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]
