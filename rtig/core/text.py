"""Words, as the engine compares them.

Comparing ignores case, punctuation, fillers, contractions and marks like "[laughter]" or "[card number]": "Don't, um,
cancel" and "do not cancel" are the same three words, and so are "2 lines" and "two lines". What is compared always
knows its place in the text as it was heard, so that evidence can be marked there.

Japanese is written without spaces. Its words are taken to begin and end where the script changes (Han, Hiragana,
Katakana), which never tears a word of one script apart; Chinese and Thai are not divided at all.
"""

from functools import lru_cache
from typing import Final
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
    """The words of a text. `norms` are what is compared; `at[i]` is the token that `norms[i]` came from.

    `size` counts the tokens, fillers included; `spans` are their places: characters from and to in the text.
    """

    __slots__ = ("_spans", "_text", "at", "norms", "size")

    def __init__(
        self, text: str, norms: tuple[str, ...], at: tuple[int, ...], size: int, spans: Spans | None = None
    ) -> None:
        self._text = text
        self.norms = norms
        self.at = at
        self.size = size
        self._spans = spans

    @property
    def spans(self) -> Spans:
        """Found when first asked for: matching needs the words alone, evidence their places too."""
        if self._spans is None:
            self._spans = tuple(token.span() for token in _pattern(self._text).finditer(self._text))
        return self._spans

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and self._text == other._text

    __hash__ = None  # type: ignore[assignment]


def words(text: str) -> Words:
    """The words of a text, in order. Never raises."""
    if _is_plain(text):
        return _between_spaces(text, 0, [], [], 0)
    norms: list[str] = []
    at: list[int] = []
    spans: list[tuple[int, int]] = []
    for token in _pattern(text).finditer(text):
        for norm in _norms(token.group()):
            norms.append(norm)
            at.append(len(spans))
        spans.append(token.span())
    return Words(text, tuple(norms), tuple(at), len(spans), tuple(spans))


def revised(text: str, before: str, known: Words) -> Words:
    """The words of a text that revises another, whose words are known.

    What stands before its last space is not read again where it has stayed.
    """
    cut = before.rfind(" ") + 1
    if not cut or not text.startswith(before[:cut]) or not _is_plain(text) or not _is_plain(before):
        return words(text)
    norms, size = _chunk(before[cut:])[0::2] if cut < len(before) else ((), 0)
    kept = len(known.norms) - len(norms)
    found = _between_spaces(text, cut, list(known.norms[:kept]), list(known.at[:kept]), known.size - size)
    if known._spans is not None:
        new = (token.span() for token in _ASCII_TOKEN.finditer(text, cut))
        found._spans = (*known._spans[: known.size - size], *new)
    return found


def _between_spaces(text: str, start: int, norms: list[str], at: list[int], size: int) -> Words:
    """A plain text has the tokens of what stands between its spaces, and few of those are new."""
    for chunk in (text[start:] if start else text).split():
        found, places, count = _chunk(chunk)
        norms += found
        at += [size + place for place in places]
        size += count
    return Words(text, tuple(norms), tuple(at), size)


@lru_cache(maxsize=16_384)
def _chunk(chunk: str) -> tuple[tuple[str, ...], tuple[int, ...], int]:
    """What stands between two spaces: its norms, the token of each, and how many tokens there are."""
    tokens = [_norms(token.group()) for token in _ASCII_TOKEN.finditer(chunk)]
    return (
        tuple(norm for token in tokens for norm in token),
        tuple(number for number, token in enumerate(tokens) for _ in token),
        len(tokens),
    )


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
