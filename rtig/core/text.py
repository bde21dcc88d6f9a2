"""Words, as the engine compares them.

Comparing ignores case, punctuation, fillers, contractions and marks like "[laughter]" or "[card number]": "Don't, um,
cancel" and "do not cancel" are the same three words. What is compared always knows its place in the text as it was
heard, so that evidence can be marked there.
"""

from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

import regex

# A soft hyphen and the joiners of Hindi and Persian stand inside words.
_TOKEN = regex.compile(r"\[[^\[\]]{1,24}\]|[\p{L}\p{M}\p{N}]+(?:['’\u00AD\u200C\u200D][\p{L}\p{M}]+)*")
_ASCII_TOKEN = regex.compile(r"\[[^\[\]]{1,24}\]|[A-Za-z0-9]+(?:'[A-Za-z]+)*")

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


class Words(NamedTuple):
    """The words of a text. `norms` are what is compared; `at[i]` is the token that `norms[i]` came from.

    `spans` are the tokens as heard, fillers included: characters from and to in the text.
    """

    norms: tuple[str, ...]
    at: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


def words(text: str) -> Words:
    """The words of a text, in order. Never raises."""
    norms: list[str] = []
    at: list[int] = []
    spans: list[tuple[int, int]] = []
    for token in (_ASCII_TOKEN if text.isascii() else _TOKEN).finditer(text):
        index = len(spans)
        spans.append(token.span())
        for norm in _norms(token.group()):
            norms.append(norm)
            at.append(index)
    return Words(tuple(norms), tuple(at), tuple(spans))


@lru_cache(maxsize=16_384)
def _norms(token: str) -> tuple[str, ...]:
    """A token as it is compared: one word mostly, none for a filler, two or more for a contraction."""
    word = normalize("NFKC", token).casefold().translate(_MARKS)
    word = word.replace("i\u0307", "i")  # what casefold makes of a Turkish capital İ
    if word in FILLERS or word.startswith("["):
        return ()
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
