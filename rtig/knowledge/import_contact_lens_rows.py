"""A row of a Contact Lens PatternMatch as a phrase, and a phrase as a row.

PLAIN, LIST   words, a list of words in brackets; `*` leaves the end of a word open in both languages
NUMERICAL     `{number}`
PROXIMITY     `~N~`. A gap takes the one item that stands beside it, so what is more than one item stands in brackets;
              words that are not within a distance are a phrase under `unless`
"""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from rtig.core.phrases import LONGEST_GAP, Choice, EitherWay, Item, Row, Slot, parse
from rtig.core.text import words
from rtig.errors import PhraseError
from rtig.knowledge.imported import Refused, spoken

Node = dict[str, Any]
"""A part of a rule function, as JSON."""
MARKS = "(*~{"
"""A phrase of a row holds one of these, so that it can be told from the words of an ExactMatch."""

_WORDS = re.compile(r"[^\s*]+\*|\*|[^\s*]+")


# --- a row as a phrase


class Pattern(NamedTuple):
    """What a row says: some phrases, and those that take them back."""

    phrases: Sequence[str]
    unless: Sequence[str] = ()
    notes: Sequence[str] = ()
    """What is otherwise than in the row."""


_Alternatives = tuple[str, ...]
"""One place of a row, and what may stand in it."""
_Side = list[_Alternatives]
"""The places between two distances."""


class _Gap(NamedTuple):
    distance: int
    within: bool


def pattern(row: Any, *, clamp: bool) -> Pattern:
    """A row as phrases. `clamp`: words that may be further apart than a phrase has them are taken as near as it has."""
    sides, gaps = _parts(row if isinstance(row, list) else [row])
    notes = []
    for distance, within in gaps:
        if distance < 1 or (distance > LONGEST_GAP and not (clamp and within)):
            raise Refused(f"there are from 1 to {LONGEST_GAP} words between two others", f"PROXIMITY {distance}")
        if distance > LONGEST_GAP:
            most = "the most words that a phrase leaves between two"
            notes.append(f"PROXIMITY {distance}: taken as {LONGEST_GAP}, {most}")
    near = [min(gap.distance, LONGEST_GAP) for gap in gaps]
    if all(gap.within for gap in gaps):
        return Pattern(_phrases(sides, near), notes=notes)
    if len(gaps) > 1:
        raise Refused("one that is not within stands by itself", f"{len(gaps)} PROXIMITY in one pattern")
    return Pattern(_phrases(sides[:1], []), _phrases(sides, near), notes)


def _parts(row: Sequence[Any]) -> tuple[list[_Side], list[_Gap]]:
    """What stands between the distances of a row, and the distances."""
    sides: list[_Side] = [[]]
    gaps: list[_Gap] = []
    for item in row:
        kind, value = (item.get("Type"), item.get("Value")) if isinstance(item, dict) else (None, None)
        if kind == "PROXIMITY" and isinstance(value, dict) and isinstance(value.get("Distance"), int):
            if not sides[-1]:
                raise Refused("it stands between two words", f"PROXIMITY {value['Distance']}")
            gaps.append(_Gap(value["Distance"], value.get("IsWithin") is not False))
            sides.append([])
        elif kind == "LIST" and isinstance(value, list) and value:
            sides[-1].append(tuple(dict.fromkeys(chain.from_iterable(map(_place, value)))))
        else:
            sides[-1] += [(place,) for place in _place(item)]
    sides = [[place for place in side if place] for side in sides]
    if not all(sides):
        shown = json.dumps(row)[:60]
        raise Refused("a distance stands between two words" if gaps else "there are no words in it", shown)
    return sides, gaps


def _place(item: Any) -> Iterator[str]:
    """What one PLAIN or NUMERICAL adds to a row; nothing where it is only a space."""
    kind, value = (item.get("Type"), item.get("Value")) if isinstance(item, dict) else (None, None)
    if kind == "NUMERICAL":
        yield "{number}"
    elif kind == "PLAIN" and isinstance(value, str):
        phrase = " ".join(filter(None, map(_word, _WORDS.findall(value))))
        if phrase:
            yield phrase
    else:
        raise Refused("this is not known to the importer", f"a pattern of {json.dumps(item)[:60]}")


def _word(written: str) -> str:
    """A word as a phrase has it, its ending open where it was. Empty for punctuation."""
    if written == "*":
        raise Refused("only the end of a word may be left open", '"*"')
    if not written.endswith("*"):
        return spoken(written)
    *before, last = spoken(written[:-1]).split() or [""]
    norms = words(last).norms
    if len(norms) != 1 or len(norms[0]) < 3:
        raise Refused("an open ending needs at least three letters of one word before it", json.dumps(written))
    return " ".join((*before, f"{last}*"))


def _phrases(sides: list[_Side], gaps: Sequence[int]) -> list[str]:
    """A row as one phrase, or as several where it has too many ways to be said for one."""
    phrase = _phrase(sides, gaps)
    try:
        parse(phrase)
    except PhraseError as error:
        side, at = max(
            ((s, p) for s, side in enumerate(sides) for p in range(len(side))), key=lambda e: len(sides[e[0]][e[1]])
        )
        longest = sides[side][at]
        if len(longest) == 1:
            raise Refused(error.problem, phrase[:60]) from None
        halves = longest[: len(longest) // 2], longest[len(longest) // 2 :]
        return [made for half in halves for made in _phrases(_replaced(sides, side, at, half), gaps)]
    return [phrase]


def _phrase(sides: list[_Side], gaps: Sequence[int]) -> str:
    texts = [" ".join(place[0] if len(place) == 1 else f"({'|'.join(place)})" for place in side) for side in sides]
    if not gaps:
        return texts[0] if any(mark in texts[0] for mark in MARKS) else f"({texts[0]})"
    texts = [text if _is_one(side) else f"({text})" for text, side in zip(texts, sides, strict=True)]
    return texts[0] + "".join(f" ~{gap}~ {text}" for gap, text in zip(gaps, texts[1:], strict=True))


def _is_one(side: _Side) -> bool:
    """Whether a gap beside it reaches all of it: a gap takes the one item that stands next to it."""
    return len(side) == 1 and (len(side[0]) > 1 or " " not in side[0][0])


def _replaced(sides: list[_Side], side: int, at: int, place: _Alternatives) -> list[_Side]:
    whole = [*sides[side][:at], place, *sides[side][at + 1 :]]
    return [*sides[:side], whole, *sides[side + 1 :]]


# --- a phrase as a row


def row_of(row: Row, *, within: bool) -> list[Node]:
    """A row of a phrase as one of a PatternMatch; the words of it that follow each other as one text."""
    made: list[Node] = []
    for item in row:
        for node in _nodes_of(item, within):
            if made and node["Type"] == made[-1]["Type"] == "PLAIN":
                made[-1] = {"Type": "PLAIN", "Value": f"{made[-1]['Value']} {node['Value']}"}
            else:
                made.append(node)
    return made


def _nodes_of(item: Item, within: bool) -> Iterator[Node]:
    match item:
        case EitherWay():
            yield from _nodes_of(item.one, within)
            yield {"Type": "PROXIMITY", "Value": {"Distance": item.gap.most, "IsWithin": within}}
            yield from _nodes_of(item.other, within)
        case Choice(rows=(row,)):
            for inner in row:
                yield from _nodes_of(inner, within)
        case Choice():
            texts = (" ".join(part.written for part in row) for row in item.rows)
            yield {"Type": "LIST", "Value": [{"Type": "PLAIN", "Value": text} for text in texts]}
        case Slot():
            yield {"Type": "NUMERICAL", "Value": {"Decimal": False}}
        case _:
            yield {"Type": "PLAIN", "Value": item.written}
