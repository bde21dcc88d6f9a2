"""A QnABot answer as the cards that it comes to: a Handlebars template whose conditions each make two.

What a template may name here are the slots of the call. Whatever else it asks for (who the user is, the time, a random
choice) is refused by name: a sentence with a hole in it is no sentence.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from rtig.knowledge.imported import Refused, Written, unbraced

MOST_CARDS = 8
"""Cards that the conditions of one answer may make."""

_TAG = re.compile(r"\{\{\{?(.*?)\}?\}\}", re.DOTALL)
_ATOM = re.compile(r"'([^']*)'|\"([^\"]*)\"|([()])|([^\s()'\"]+)")
_PATH = re.compile(r"(?:SessionAttributes\.)?(?:qnabotcontext\.)?[sS]lots?\.(\w+)")
_OPPOSITE = {"!=": "==", "!==": "===", "<=": ">", ">=": "<"}
"""Comparisons that hold where another does not."""
_SUGGESTED = re.compile(r"suggested response:\s*", re.IGNORECASE)
_SLOT = re.compile(r"\{[a-z0-9_]+\|")
_BREAK = re.compile(r"\s*<br\s*/?>\s*")


class Card(NamedTuple):
    """What an answer comes to under some conditions."""

    conditions: tuple[Written, ...]
    say: str
    body: str


def slot_id(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:32]


def cards(answer: str, markdown: str, slots: Collection[str]) -> list[Card]:
    """The cards of an answer and of the same in Markdown. Raises `Refused` for what cannot be said here.

    What the answer suggests to say stands in `say`, the rest in the body. Slots are filled in `say` alone, so an answer
    that holds some is said as a whole.
    """
    bodies = [(variant.conditions, variant.text) for variant in _variants(markdown, slots)] if markdown else []
    return [
        _card(variant, next((text for conditions, text in bodies if conditions == variant.conditions), variant.text))
        for variant in _variants(answer or markdown, slots)
    ]


def sentence(template: str, slots: Collection[str]) -> str:
    """A template without conditions as one line. Raises `Refused`."""
    variants = _variants(template, slots)
    if len(variants) > 1:
        raise Refused("conditions have no equal in it", "slotPrompt")
    return _in_one_line(variants[0].text)


class _Variant(NamedTuple):
    conditions: tuple[Written, ...]
    text: str


def _card(variant: _Variant, markdown: str) -> Card:
    told, suggested = _halves(variant.text)
    if _SLOT.search(told):
        return Card(variant.conditions, _in_one_line(f"{told} {suggested}"), "")
    return Card(variant.conditions, _in_one_line(suggested), _without_indents(_halves(markdown)[0]))


def _halves(text: str) -> tuple[str, str]:
    found = _SUGGESTED.search(text)
    return (text, "") if found is None else (text[: found.start()], text[found.end() :])


def _in_one_line(text: str) -> str:
    return " ".join(_BREAK.sub(" ", text).split())


def _without_indents(text: str) -> str:
    """Markdown takes an indented line for code, and blocks of a template are indented."""
    return "\n".join(line.strip() for line in _BREAK.sub("\n\n", text).split("\n")).strip()


# --- the template, read


class _Block(NamedTuple):
    condition: Written
    then: "list[str | _Block]"
    otherwise: "list[str | _Block]"


def _variants(template: str, slots: Collection[str]) -> list[_Variant]:
    """A template as texts with slots, and under which conditions it is which."""
    made = _expanded(_Reader(template, slots).read())
    if len(made) > MOST_CARDS:
        raise Refused(f"its conditions make {len(made)} cards, and {MOST_CARDS} at most")
    return made


class _Reader:
    """Reads one template from left to right."""

    def __init__(self, template: str, slots: Collection[str]) -> None:
        self._pieces = _TAG.split(template)
        """Texts and tags by turns."""
        self._at = 0
        self._slots = slots

    def read(self) -> list[str | _Block]:
        pieces, ended = self._until_the_end()
        if ended:
            raise Refused("this stands in no block", f"{{{{{ended}}}}}")
        return pieces

    def _until_the_end(self) -> tuple[list[str | _Block], str]:
        """The pieces up to the end of a block or of the template, and the tag that ended it."""
        found: list[str | _Block] = []
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            is_tag = self._at % 2 == 1
            self._at += 1
            if not is_tag:
                found.append(unbraced(piece))
                continue
            tag = piece.strip()
            if tag.startswith("#"):
                found.append(self._block(tag))
            elif tag == "else" or tag.startswith("/"):
                return found, tag
            elif not tag.startswith("!"):
                found.append(self._value(tag))
        return found, ""

    def _block(self, tag: str) -> _Block:
        name = tag[1:].split()[0]
        condition = _condition(tag, self._slots)
        then, ended = self._until_the_end()
        otherwise: list[str | _Block] = []
        if ended == "else":
            otherwise, ended = self._until_the_end()
        if ended != f"/{name}":
            raise Refused("this block is not closed", f"{{{{{tag}}}}}")
        return _Block(condition, then, otherwise)

    def _value(self, tag: str) -> str:
        """`{{Slots.x}}`, `{{getSlot 'x' '?'}}`, `{{getSessionAttr 'qnabotcontext.slot.x' '?'}}`."""
        shown = f"{{{{{tag}}}}}"
        name, *arguments = _atoms(tag)
        if not isinstance(name, _Call):
            raise Refused("this is not known to the importer", shown)
        slot = _reference(_Call(name.name, arguments), self._slots, shown)
        return f"{{{slot.id}|{unbraced(slot.default).replace('|', '/')}}}"


def _expanded(pieces: Sequence[str | _Block]) -> list[_Variant]:
    made = [_Variant((), "")]
    for piece in pieces:
        if isinstance(piece, str):
            made = [variant._replace(text=variant.text + piece) for variant in made]
            continue
        branches = [
            inner._replace(conditions=_both((condition,), inner.conditions))
            for condition, inside in ((piece.condition, piece.then), (_denied(piece.condition), piece.otherwise))
            for inner in _expanded(inside)
        ]
        joined = [
            _Variant(_both(variant.conditions, branch.conditions), variant.text + branch.text)
            for variant in made
            for branch in branches
        ]
        made = [one for one in joined if not any(_denied(each) in one.conditions for each in one.conditions)]
    return made


def _both(one: tuple[Written, ...], other: tuple[Written, ...]) -> tuple[Written, ...]:
    return (*one, *(condition for condition in other if condition not in one))


# --- what stands between the braces


class _Call(NamedTuple):
    """A name by itself, as in `Slots.x`, or a helper with what it is given."""

    name: str
    arguments: Sequence[Any] = ()


class _Slot(NamedTuple):
    id: str
    default: str = ""
    """What stands there while it is empty."""


def _atoms(text: str) -> list[str | _Call]:
    """Texts in quotes and numbers as texts; names, and what stands in brackets, as calls."""
    return list(_inside(_ATOM.finditer(text)))


def _inside(atoms: Iterator[re.Match[str]]) -> Iterator[str | _Call]:
    for single, double, bracket, bare in (found.groups() for found in atoms):
        if bracket == ")":
            return
        if bracket == "(":
            name, *arguments = [*_inside(atoms), ""]
            yield _Call(name.name if isinstance(name, _Call) else "", arguments[:-1])
        elif bare is None:
            yield single if single is not None else double
        elif re.fullmatch(r"-?\d+(\.\d+)?", bare):
            yield bare
        else:
            yield _Call(bare)


def _reference(operand: str | _Call, slots: Collection[str], shown: str) -> _Slot:
    """The slot that an operand names."""
    arguments = operand.arguments if isinstance(operand, _Call) else ()
    named, default = (*(one if isinstance(one, str) else "" for one in arguments), "", "")[:2]
    match operand:
        case _Call("getSlot"):
            slot = slot_id(named)
        case _Call("getSessionAttr") if found := _PATH.fullmatch(named):
            slot = slot_id(found[1])
        case _Call(name) if not arguments and (found := _PATH.fullmatch(name)):
            slot = slot_id(found[1])
        case _:
            raise Refused("this is not told to rtig", shown)
    if slot not in slots:
        raise Refused(f"no entry that is imported takes the slot {slot}", shown)
    return _Slot(slot, default)


def _condition(tag: str, slots: Collection[str]) -> Written:
    """`#if x` and `#ifCond x '===' 'y'` as conditions on a slot."""
    shown = f"{{{{{tag}}}}}"
    match [tag[1:].split()[0], *_atoms(tag.partition(" ")[2])]:
        case ["if", operand]:
            return {"slot": _reference(operand, slots, shown).id}
        case ["ifCond", operand, str(sign), str(value)]:
            return _compared(_reference(operand, slots, shown), sign, value, shown)
        case _:
            raise Refused("this is not known to the importer", shown)


def _compared(slot: _Slot, sign: str, value: str, shown: str) -> Written:
    if sign in _OPPOSITE:
        return _denied(_compared(slot, _OPPOSITE[sign], value, shown))
    if sign in ("<", ">") and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return {"slot": slot.id, "above" if sign == ">" else "below": float(value) if "." in value else int(value)}
    if sign not in ("==", "===") or not value:
        raise Refused("this is not known to the importer", shown)
    holds = {"slot": slot.id, "is": value}
    return {"any": [holds, {"slot": slot.id, "empty": True}]} if slot.default == value else holds


def _denied(condition: Written) -> Written:
    inner: Written = condition.get("not", {"not": condition})
    return inner
