"""Words, as the engine compares them.

Comparing ignores case, punctuation, fillers, contractions and marks like "[laughter]" or "[card number]": "Don't, um,
cancel" and "do not cancel" are the same three words, and so are "2 lines" and "two lines". What is compared always
knows its place in the text as it was heard, so that evidence can be marked there.

Japanese is written without spaces. Its words are taken to begin and end where the script changes (Han, Hiragana,
Katakana), which never tears a word of one script apart; Chinese and Thai are not divided at all.
"""

from contextlib import suppress
from functools import lru_cache
from itertools import chain
from typing import Any, Final
from unicodedata import normalize

import regex

# A mark in brackets; a number with its separators; a run of one Japanese script; a word of any other. A soft hyphen and
# the joiners of Hindi and Persian stand inside words.
_TOKEN = regex.compile(
    r"\[[^\[\]]{1,24}\]|\d+(?:[.,]\d+)+(?![\p{L}\p{M}\p{N}])"
    r"|[\p{Han}々〆ヶ]+|[\p{Hiragana}ー]+|[\p{Katakana}ー]+"
    r"|[[\p{L}\p{M}\p{N}]--[\p{Han}\p{Hiragana}\p{Katakana}]]+"
    r"(?:['’\u00AD\u200C\u200D][[\p{L}\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}]]+)*",
    regex.VERSION1,
)
_ASCII_TOKEN = regex.compile(r"\[[^\[\]]{1,24}\]|\d+(?:[.,]\d+)+(?![A-Za-z0-9])|[A-Za-z0-9]+(?:'[A-Za-z]+)*")
Spans = tuple[tuple[int, int], ...]
_Places = tuple[tuple[int, ...], Spans]

FILLERS = frozenset(
    ["um", "umm", "uh", "uhh", "uhm", "er", "erm", "ehm", "ah", "eh", "hm", "hmm", "mm", "mmm", "mhm", "huh"]
)

# What is left of a contraction when recognisers drop the apostrophe, where that is no other word ("well", "were" and
# "ill" are words).
_IRREGULAR = {
    "won't": ("will", "not"),
    "wont": ("will", "not"),
    "can't": ("can", "not"),
    "cant": ("can", "not"),
    "cannot": ("can", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "let's": ("let", "us"),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "gotta": ("got", "to"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "youre": ("you", "are"),
    "youve": ("you", "have"),
    "theyre": ("they", "are"),
    "thats": ("that", "is"),
    "whats": ("what", "is"),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "didnt": ("did", "not"),
    "isnt": ("is", "not"),
    "wasnt": ("was", "not"),
    "havent": ("have", "not"),
    "hasnt": ("has", "not"),
    "wouldnt": ("would", "not"),
    "couldnt": ("could", "not"),
    "shouldnt": ("should", "not"),
}
_SMALL_NUMBERS_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
SMALL_NUMBERS: Final = tuple(_SMALL_NUMBERS_WORDS.split())
_SPELLED = {str(number): word for number, word in enumerate(SMALL_NUMBERS)}
_MARKS = {ord("’"): "'", 0xAD: None, 0x200C: None, 0x200D: None}
_ENDINGS = {"re": "are", "ve": "have", "ll": "will", "m": "am", "d": "would"}
_NESTED = 3
"""Endings that are taken off one word: nobody contracts more than "y'all'd've"."""
_IS = frozenset(
    [
        "it",
        "that",
        "this",
        "what",
        "who",
        "where",
        "there",
        "here",
        "how",
        "when",
        "he",
        "she",
        "everything",
        "nothing",
        "something",
    ]
)


class Words:
    """The words of a text. `norms` are what is compared.

    `at[i]` is the token that `norms[i]` came from; `size` counts the tokens, fillers included; `spans` are their
    places: characters from and to in the text. These are found when first asked for: matching needs the words alone.
    """

    __slots__ = ("_located", "_text", "at", "norms", "size", "spans")
    at: tuple[int, ...]
    spans: Spans
    size: int

    def __init__(self, text: str, norms: tuple[str, ...], places: _Places | None = None) -> None:
        self._text = text
        self.norms = norms
        self._located = places is not None
        if places is not None:
            self.at, self.spans = places

    def __getattr__(self, name: str) -> Any:
        """Fill what is empty as yet; from then on it is read like any attribute."""
        if name == "size":
            counted = not self._located and _is_plain(self._text)
            self.size = sum(map(_tokens_in, self._text.split())) if counted else len(self.spans)
        elif name in ("at", "spans"):
            self.at, self.spans = _places(self._text, 0, 0)
            self._located = True
        else:
            raise AttributeError(name)
        return getattr(self, name)

    def forget_places(self) -> None:
        """Let go of what is found again when it is asked for."""
        if self._located:
            self._located = False
            for name in ("at", "spans"):
                with suppress(AttributeError):
                    delattr(self, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and self._text == other._text

    __hash__ = None  # type: ignore[assignment]


def normal(text: str) -> str:
    """A sentence as utterances are: words as they are compared."""
    return " ".join(words(text).norms)


def words(text: str) -> Words:
    """The words of a text, in order. Never raises."""
    if _is_plain(text):
        return Words(text, _between_spaces(text))
    return Words(text, tuple(norm for token in _pattern(text).finditer(text) for norm in _norms(token.group())))


def revised(text: str, before: str, known: Words) -> Words:
    """The words of a text that revises another, whose words are known.

    What stands before its last space is not read again where it has stayed.
    """
    cut = before.rfind(" ") + 1
    last = before[cut:]
    if not cut or not text.startswith(before[:cut]) or not _is_plain(text) or not _is_plain(last):
        return words(text)
    kept = len(known.norms) - len(_chunk(last))
    norms = known.norms[:kept] + _between_spaces(text[cut:])
    if not known._located:
        return Words(text, norms)
    size = len(known.spans)
    while size and known.spans[size - 1][0] >= cut:
        size -= 1
    at, spans = _places(text, cut, size)
    return Words(text, norms, (known.at[:kept] + at, known.spans[:size] + spans))


def _between_spaces(text: str) -> tuple[str, ...]:
    """A plain text has the words of what stands between its spaces, and few of those are new."""
    return tuple(chain.from_iterable(map(_chunk, text.split())))


@lru_cache(maxsize=16_384)
def _chunk(chunk: str) -> tuple[str, ...]:
    """What stands between two spaces."""
    return tuple(norm for token in _ASCII_TOKEN.finditer(chunk) for norm in _norms(token.group()))


@lru_cache(maxsize=16_384)
def _tokens_in(chunk: str) -> int:
    return len(_ASCII_TOKEN.findall(chunk))


def _places(text: str, start: int, before: int) -> _Places:
    """Where the words come from that stand at `start`, between two tokens, or after; so many tokens stand before."""
    at: list[int] = []
    spans: list[tuple[int, int]] = []
    for number, token in enumerate(_pattern(text).finditer(text, start), before):
        at += [number] * len(_norms(token.group()))
        spans.append(token.span())
    return tuple(at), tuple(spans)


def _is_plain(text: str) -> bool:
    """No token of the text holds a space."""
    return text.isascii() and "[" not in text


def _pattern(text: str) -> regex.Pattern[str]:
    return _ASCII_TOKEN if text.isascii() else _TOKEN


@lru_cache(maxsize=16_384)
def _norms(token: str) -> tuple[str, ...]:
    """A token as it is compared: one word mostly, none for a filler, two or more for a contraction."""
    word = normalize("NFKC", token).casefold().translate(_MARKS)
    word = word.replace("i\u0307", "i")  # what casefold makes of a Turkish capital İ
    if word in FILLERS or word.startswith("["):
        return ()
    if word in _SPELLED:
        return (_SPELLED[word],)
    if "," in word and word[0].isdecimal():
        return (word.replace(",", ""),)
    irregular = _IRREGULAR.get(word)
    if irregular is not None:
        return irregular
    if "'" not in word:
        return (word,)
    if word.endswith("n't") and len(word) > 3:
        return (word[:-3].replace("'", ""), "not")
    stem, _, ending = word.rpartition("'")
    if ending == "s":
        return (stem, "is") if stem in _IS else (stem.replace("'", ""),)
    if ending in _ENDINGS and word.count("'") <= _NESTED:
        return (*_norms(stem), _ENDINGS[ending])
    return (word.replace("'", ""),)
