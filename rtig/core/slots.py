"""Values that are captured from what was said: one of a list, a number, an amount, a date, a name, a pattern.

A kind says which words may begin a value and how it may go on, and what a run of words is worth. The matcher
tries every run; a run that is worth nothing was no value, and of those that begin at one word the longest counts.
Number words are English; digits are read in any language.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import regex

from rtig.core.text import SMALL_NUMBERS, words


class Kind(Protocol):
    """What values of one kind look like, as words that are compared."""

    @property
    def most(self) -> int:
        """Words that a value has at most."""

    def begins(self, word: str) -> bool: ...

    def goes_on(self, said: Sequence[str]) -> bool:
        """Whether a run that could be a value, or become one, still can with the last word."""

    def value(self, said: Sequence[str], heard: str) -> str | None:
        """The value of a run of words, None where they are none; `heard` is the run as it stands in the text.

        Whether they are one depends on the words alone.
        """


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_UNITS = {word: number for number, word in enumerate(SMALL_NUMBERS)} | _TENS
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_REPEATS = {"double": 2, "triple": 3}
CURRENCIES = frozenset("$£€¥₹")
_DIGITS = re.compile(r"\d+(?:\.\d+)?\Z", re.ASCII)
_CURRENCY = _words("pound pounds dollar dollars euro euros quid buck bucks")
_HUNDREDTHS = _words("penny pence p cent cents")
_WEEKDAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
_MONTHS = _words("january february march april may june july august september october november december")
_RELATIVE = _words("today tomorrow yesterday tonight")
_ORDINALS = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)
_ORDINAL = re.compile(r"\d{1,2}(?:st|nd|rd|th)\Z", re.ASCII)
_DAY_OR_YEAR = re.compile(r"\d{1,2}\Z|(?:19|20)\d\d\Z", re.ASCII)
_NO_NAMES = _words(
    "a about an and are at because but calling can do for from have hello hi how i in is it my no not of okay on "
    "or please so speaking thank thanks that the this to was what with would yes you your"
)


class Number:
    """Digits, or number words: "twenty five", "one two double three", "one hundred and six"."""

    most = 16

    def begins(self, word: str) -> bool:
        return word in _UNITS or word in _REPEATS or word == "oh" or _DIGITS.match(word) is not None

    def goes_on(self, said: Sequence[str]) -> bool:
        word = said[-1]
        return self.begins(word) or word in _SCALES or word in ("and", "point")

    def value(self, said: Sequence[str], heard: str) -> str | None:
        return number_of(said)


class Amount:
    """A number, with or without its currency: "seventy five dollars and ten cents", "sixty three forty", "£75.10".

    A currency that is heard as a sign stays before the number.
    """

    most = 14

    def begins(self, word: str) -> bool:
        return Number().begins(word)

    def goes_on(self, said: Sequence[str]) -> bool:
        return said[-1] in _CURRENCY or said[-1] in _HUNDREDTHS or Number().goes_on(said)

    def value(self, said: Sequence[str], heard: str) -> str | None:
        number = self._number(said)
        return heard[0] + number if number is not None and heard[:1] in CURRENCIES else number

    def _number(self, said: Sequence[str]) -> str | None:
        whole: str | None = None
        run: list[str] = []
        for at, word in enumerate(said):
            if word in _CURRENCY:
                if whole is not None or (whole := number_of(run)) is None:
                    return None
                run = []
            elif word in _HUNDREDTHS:
                cents = number_of(_without_and(run))
                if at != len(said) - 1 or cents is None or not cents.isdecimal() or int(cents) > 99:
                    return None
                return _with_hundredths(whole or "0", f"{int(cents):02}")
            else:
                run.append(word)
        if whole is None:
            return _price(run) or number_of(run)
        return _with_hundredths(whole, number_of(_without_and(run)) or "") if run else whole


class Date:
    """A day as it was said: "next tuesday", "the fourth of july", "tomorrow". It is not turned into a calendar date."""

    most = 6

    def begins(self, word: str) -> bool:
        return (
            self._names_a_day(word)
            or word in _UNITS  # "4 July" is heard as "four july"
            or word in ("next", "last", "this", "the")
            or _DAY_OR_YEAR.match(word) is not None
        )

    def goes_on(self, said: Sequence[str]) -> bool:
        return self.begins(said[-1]) or said[-1] in ("of", "week", "month")

    def value(self, said: Sequence[str], heard: str) -> str | None:
        names = any(word in _WEEKDAYS or word in _MONTHS or word in _RELATIVE for word in said)
        relative = len(said) == 2 and said[0] in ("next", "last", "this") and said[1] in ("week", "month")
        if not (names or relative) or said[-1] in ("of", "the", "next", "last", "this"):
            return None
        return heard

    def _names_a_day(self, word: str) -> bool:
        return (
            word in _WEEKDAYS
            or word in _MONTHS
            or word in _RELATIVE
            or word in _ORDINALS
            or _ORDINAL.match(word) is not None
        )


class Name:
    """One to three words of letters, none of which is a word that goes before or after names."""

    most = 3

    def begins(self, word: str) -> bool:
        return word.isalpha() and word not in _NO_NAMES and word not in _UNITS

    def goes_on(self, said: Sequence[str]) -> bool:
        return self.begins(said[-1])

    def value(self, said: Sequence[str], heard: str) -> str | None:
        return heard if heard != heard.lower() else " ".join(word[:1].upper() + word[1:] for word in heard.split())


class Pattern:
    """What a regular expression finds in the letters and digits that were said, run together: `[a-z]{3}[0-9]{3}`."""

    most = 12

    def __init__(self, expression: str) -> None:
        """Raises `regex.error`."""
        self._expression = regex.compile(expression, regex.IGNORECASE)

    def begins(self, word: str) -> bool:
        return self.goes_on((word,))

    def goes_on(self, said: Sequence[str]) -> bool:
        # Nearly every run of words is no beginning of it, and need not be followed to its end.
        return self._expression.fullmatch(_spelled(said), partial=True) is not None

    def value(self, said: Sequence[str], heard: str) -> str | None:
        spelled = _spelled(said)
        return spelled if self._expression.fullmatch(spelled) else None


def _spelled(said: Sequence[str]) -> str:
    return "".join(str(_UNITS[word]) if word in _UNITS else word for word in said)


class OneOf:
    """One of a list; each value has the ways to say it."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = {words(way).norms: value for value, ways in values.items() for way in (value, *ways)}
        self._values.pop((), None)
        self._first = frozenset(way[0] for way in self._values)
        self._later = frozenset(word for way in self._values for word in way[1:])
        self.most = max((len(way) for way in self._values), default=1)

    def begins(self, word: str) -> bool:
        return word in self._first

    def goes_on(self, said: Sequence[str]) -> bool:
        return said[-1] in self._later

    def value(self, said: Sequence[str], heard: str) -> str | None:
        return self._values.get(tuple(said))


_PLACE = re.compile(r"([$£€¥₹]?)\{([a-z0-9_-]+)(?:\|([^{}]*))?\}")


def filled(text: str, values: Mapping[str, str]) -> str | None:
    """A sentence with the values of its slots: `{name}`, or `{name|what to say without it}`.

    None where a slot without such words has no value. A currency that was said takes the place of the one that is
    written before a slot. Nothing else in a sentence means anything, so what an author writes and a customer says can
    do nothing but be read.
    """
    empty = False

    def value(found: re.Match[str]) -> str:
        nonlocal empty
        currency, slot, otherwise = found.groups()
        known: str | None = values.get(slot, otherwise)
        if known is None:
            empty = True
            return ""
        return known if known[:1] in CURRENCIES else currency + known

    said = _PLACE.sub(value, text)
    return None if empty else said


def bare(value: str) -> str:
    """A value without the currency before it, as it is compared."""
    return value[1:] if value[:1] in CURRENCIES else value


def slots_in(text: str) -> dict[str, bool]:
    """The slots in a sentence, and whether each has words for when it is empty, wherever it stands."""
    found: dict[str, bool] = {}
    for _, slot, otherwise in (place.groups() for place in _PLACE.finditer(text)):
        found[slot] = found.get(slot, True) and otherwise is not None
    return found


BUILT_IN: dict[str, Kind] = {"number": Number(), "amount": Amount(), "date": Date(), "name": Name()}


def number_of(said: Sequence[str]) -> str | None:
    """A number as digits, with a point where it has one; None for words that are no number.

    Words that follow one another like digits are digits: "one two three four" is 1234, "twenty five" is 25.
    """
    if "point" in said:
        at = said.index("point")
        whole, rest = number_of(said[:at]), number_of(said[at + 1 :])
        return f"{whole}.{rest}" if whole and rest and whole.isdecimal() and rest.isdecimal() else None
    if not said or said[-1] in ("and", *_REPEATS) or said[0] in ("and", *_SCALES):
        return None
    if any(word in _SCALES or word == "and" for word in said):
        return _cardinal(said)
    digits = ""
    tens = False
    for at, word in enumerate(said):
        if word in _REPEATS:
            continue
        times = _REPEATS.get(said[at - 1], 1) if at else 1
        number = "0" if word == "oh" else word if _DIGITS.match(word) else str(_UNITS[word]) if word in _UNITS else None
        if number is None or ("." in number and len(said) > 1) or (times > 1 and len(number) > 1):
            return None
        if tens and len(number) == 1 and number != "0" and times == 1:
            digits = digits[:-1] + number
        else:
            digits += number * times
        tens = word in _TENS
    return digits


def _cardinal(said: Sequence[str]) -> str | None:
    """A number with its scales, as in "one thousand two hundred and six" or "12 hundred"."""
    total, group, fresh, below = 0, 0, True, math.inf
    for at, word in enumerate(said):
        if word == "and":
            if at == 0 or said[at - 1] not in _SCALES:
                return None
            continue
        if word in _SCALES:
            scale = _SCALES[word]
            if fresh or (scale == 100 and group >= 100) or scale >= below:
                return None
            if scale == 100:
                group *= 100
            else:
                total, group, below = total + group * scale, 0, scale
            fresh = scale != 100
            continue
        if word in _UNITS:
            number = _UNITS[word]
        elif word.isdecimal():
            number = int(word)
        else:
            return None
        room = 100 if group and group % 100 == 0 else 10 if group % 10 == 0 and group else 0
        if not fresh and not (0 < number < room):
            return None
        group, fresh = group + number, False
    return str(total + group) if group < below else None


def _price(said: Sequence[str]) -> str | None:
    """Two numbers of two digits, said one after the other: "sixty three forty", "nineteen oh five"."""
    numbers: list[str] = []
    before = ""
    for word in said:
        number = word if word.isdecimal() else "0" if word == "oh" else str(_UNITS.get(word, ""))
        if len(number) == 1 and number != "0" and (before in _TENS or before == "oh"):
            numbers[-1] = numbers[-1][:-1] + number if before in _TENS else "0" + number
        elif len(number) == 2 or word == "oh":
            numbers.append(number)
        else:
            return None
        before = word
    price = ".".join(numbers)
    return price if re.fullmatch(r"[1-9]\d\.\d\d", price) else None


def _with_hundredths(whole: str, cents: str) -> str | None:
    return f"{whole}.{cents}" if whole.isdecimal() and re.fullmatch(r"\d\d", cents) else None


def _without_and(run: Sequence[str]) -> Sequence[str]:
    return run[1:] if run and run[0] == "and" else run
