"""A QnABot export as articles, triggers and slots: questions, answers, and the values that a caller is asked for.

A bot asks for one value after the other and then answers. Here an agent does the asking, and rtig says what is asked
next: for each required slot that is still empty a card with its prompt, one at a time and in order, and the answer when
all are filled. What stands for "the caller wants this" is that one of the entry's questions was said, or meant.

How a slot is filled:

    by a question that holds it         at any time: that is what the question says
    by its sample utterances            at any time where a question holds it too, else while it is being asked for
    by its bare value, `{nights}`       only while it is being asked for: the entry was called for and what is asked
                                        before it is known. A slot has one `when` for all its phrases, so one that a
                                        question holds has no bare value; a list is then heard with a word beside it
    a name                              as people introduce themselves: a bare name is like any other word

Answers are Handlebars templates. `{{#ifCond}}` makes two cards, each with its condition.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, product, zip_longest
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct

from rtig.core.text import words
from rtig.knowledge.import_qnabot_answers import Card, cards, sentence, slot_id
from rtig.knowledge.imported import (
    Making,
    Record,
    Refused,
    Written,
    beyond,
    files,
    holds,
    records,
    shaped,
    slug,
    spoken,
    unbraced,
)

FEWEST_WORDS = 3
"""A question of fewer words is heard in every other call, and stands for its meaning alone."""
STILL_WANTED = "5m"
"""How long after its question an entry's values are asked for."""
_PROMPT_PRIORITY = 60
"""What has to be asked next goes before what may be worth reading."""

_KINDS = {
    "AMAZON.Number": "number",
    "AMAZON.NUMBER": "number",
    "AMAZON.FOUR_DIGIT_NUMBER": "number",
    "AMAZON.Date": "date",
    "AMAZON.DATE": "date",
    "AMAZON.FirstName": "name",
    "AMAZON.LastName": "name",
    "AMAZON.Person": "name",
    "AMAZON.US_FIRST_NAME": "name",
    "AMAZON.US_LAST_NAME": "name",
}
_NO_KIND = {
    "AMAZON.EmailAddress": "e-mail addresses are masked before anything is matched",
    "AMAZON.PhoneNumber": "telephone numbers are masked before anything is matched",
    "AMAZON.AlphaNumeric": "letters and digits need a `pattern` of their own",
}
_NUMERIC = ("number", "amount")
_SAMPLES = {"number": "1234", "amount": "50 dollars", "date": "tomorrow", "name": "Alex"}
"""What stands for a value in a sentence that a model reads."""
_INTRODUCED = (
    "(my|the) (first|last|full)? name is {}",
    "this is {} (speaking|here|calling)",
    "call me {}",
    "I am called {}",
)
_REFUSED_PARTS = {
    "r": "a card has no buttons and no picture",
    "sa": "a card sets nothing",
    "rp": "nothing is spoken by rtig",
    "t": "topics are not kept",
    "conditionalChaining": "a card calls for no other one; give that one a trigger",
    "elicitResponse": "a card waits for no answer; a slot takes one",
    "clientFilterValues": "cards are kept to queues, teams and channels",
    "language": "a knowledge base has one language",
}
_WHOLE = {
    "l": "Lambda hook {}: rtig calls no functions",
    "args": "arguments for a Lambda hook: {}",
    "botRouting": "another bot answers",
    "kendraRedirectQueryText": "Kendra answers",
}
"""Keys of entries that somebody else answers."""
_PLACE = re.compile(r"\{\s*([A-Za-z0-9_.-]+)\s*\}")


_SLOT_KEYS = {
    "name": "slotName",
    "type": "slotType",
    "prompt": "slotPrompt",
    "required": "slotRequired",
    "cached": "slotValueCached",
    "utterances": "slotSampleUtterances",
}


class SlotUse(Struct, rename=_SLOT_KEYS):
    """A value that an entry wants."""

    name: str
    type: str
    prompt: str = ""
    required: bool = False
    cached: bool = False
    utterances: str = ""

    @property
    def id(self) -> str:
        return slot_id(self.name)


class SlotValue(Struct):
    samplevalue: str
    synonyms: str = ""


class Entry(Struct):
    """One item of an export."""

    qid: Annotated[str, Meta(min_length=1)]
    type: str = "qna"
    q: list[str] = []
    a: str = ""
    alt: dict[str, Any] = {}
    l: str = ""  # noqa: E741
    args: list[str] = []
    slots: list[SlotUse] = []
    slotTypeValues: list[SlotValue] = []  # noqa: N815

    @property
    def required(self) -> list[SlotUse]:
        return [slot for slot in self.slots if slot.required]


_BOOKKEEPING = ("descr", "resolutionStrategyRestrict", "enableQidIntent", "_id", "selected", "select", "quniqueterms")


def imported(paths: Sequence[Path], *, language: str = "en") -> Making:
    """Exports as JSON or JSON Lines. Raises `PlaybookError` or `WorldError` where one cannot be read."""
    making = Making("QnABot", language)
    given: dict[str, tuple[Entry, dict[str, Any]]] = {}
    for path in files(paths, ".json", ".jsonl"):
        for place, record in _items(path):
            entry = shaped(path, record, Entry, place)
            if given.setdefault(entry.qid, (entry, record.value))[0] is not entry:
                making.refuse(entry.qid, f"another item has this id already, and this one, in {path.name}, is left out")
    _Importing(making, list(given.values())).run()
    return making


def _items(path: Path) -> Iterator[tuple[str, Record]]:
    """One item a line, a list of them, or `{"qna": […]}` as the content designer exports it."""
    for line, value in records(path):
        listed = value.get("qna") if isinstance(value, dict) and "qid" not in value else value
        if not isinstance(listed, list):
            yield "$", Record(line, value)
            continue
        prefix = "$.qna" if isinstance(value, dict) else "$"
        yield from ((f"{prefix}[{index}]", Record(line, item)) for index, item in enumerate(listed))


# --- entries


class _Importing:
    def __init__(self, making: Making, entries: Sequence[tuple[Entry, dict[str, Any]]]) -> None:
        self._making = making
        self._given = entries
        self._lists: dict[str, dict[str, list[str]]] = {}
        self._entries: dict[str, Entry] = {}
        self._cards: dict[str, list[Card]] = {}
        self._prompts: dict[str, list[str]] = {}
        self._ids: dict[str, str] = {}
        self._slots: dict[str, _Slot] = {}

    def run(self) -> None:
        for entry, _ in self._given:
            if entry.type == "slottype":
                self._lists[entry.qid] = _values(entry)
        reasons = {entry.qid: reason for entry, raw in self._given if (reason := _not_ours(entry, raw))}
        # An answer may need a slot that only an entry takes that is refused itself.
        while more := self._refused_now(reasons):
            reasons |= more
        self._slots = _taken(self._entries.values(), self._lists)
        for slot in self._slots.values():
            self._making.claim(slot.id)
        for entry in self._entries.values():
            self._ids[entry.qid] = self._making.claim(slug(_apart(entry.qid)) or "entry")
        for entry, raw in self._given:
            if entry.type == "slottype":
                self._report_list(entry)
            elif entry.qid in reasons:
                self._making.refuse(entry.qid, reasons[entry.qid])
            else:
                self._entry(entry, raw)
        self._making.slots("qnabot", [written for slot in self._slots.values() for written in self._written(slot)])

    def _refused_now(self, reasons: dict[str, str]) -> dict[str, str]:
        """The entries that are refused, beside those that are already; the others, and what their answers come to."""
        self._entries = {
            entry.qid: entry for entry, _ in self._given if entry.type != "slottype" and entry.qid not in reasons
        }
        known: dict[str, str] = {}
        for entry in self._entries.values():
            for slot in entry.slots:
                known.setdefault(slot.id, slot.type)
        found: dict[str, str] = {}
        for entry in self._entries.values():
            try:
                for slot in entry.slots:
                    _kind(slot, entry, self._lists)
                    if known[slot.id] != slot.type:
                        raise Refused(f"another entry takes it as {known[slot.id]}", f"slot {slot.name}")
                self._cards[entry.qid] = cards(entry.a, str(entry.alt.get("markdown") or ""), known)
                self._prompts[entry.qid] = [sentence(slot.prompt, known) for slot in entry.required]
            except Refused as refused:
                found[entry.qid] = f"{refused.part}: {refused.reason}" if refused.part else refused.reason
        return found

    def _report_list(self, entry: Entry) -> None:
        using = sorted(slot.id for slot in self._slots.values() if slot.type == entry.qid)
        if using:
            self._making.imported(entry.qid, ", ".join(using))
        else:
            self._making.refuse(entry.qid, "no entry that is imported uses it")

    def _entry(self, entry: Entry, raw: dict[str, Any]) -> None:
        made = self._ids[entry.qid]
        answers = self._cards[entry.qid]
        title = _title(entry)
        prompts = [self._prompt(entry, index) for index in range(len(entry.required))]
        notes: list[str] = []
        variants: list[Written] = []
        if len(answers) == 1 and not answers[0].conditions:
            notes += self._article(entry, title, answers[0])
        else:
            variants = [self._variant(entry, title, number, card) for number, card in enumerate(answers)]
            notes.append(f"its conditions make {len(answers)} cards: {', '.join(one['id'] for one in variants)}")
        if prompts:
            asked = ", ".join(slot.id for slot in entry.required)
            notes.append(f"asks for {asked}: {', '.join(prompt['id'] for prompt in prompts)}")
        if prompts or variants:
            self._making.triggers(made, [*prompts, *variants])
        notes += self._slot_notes(entry)
        notes += self._question_notes(entry)
        self._making.imported(entry.qid, made, notes)
        for key, reason in _REFUSED_PARTS.items():
            if holds(raw.get(key)):
                self._making.refuse(entry.qid, reason, key)
        if holds(entry.alt.get("ssml")):
            self._making.refuse(entry.qid, _REFUSED_PARTS["rp"], "alt.ssml")
        for key in beyond(raw, Entry, *_BOOKKEEPING, *_REFUSED_PARTS):
            self._making.refuse(entry.qid, "this is not known to the importer", key)

    # --- cards

    def _article(self, entry: Entry, title: str, card: Card) -> list[str]:
        if entry.required:
            triggers = [_joined("all", self._when_all_known(entry))]
        else:
            ways = {"said": _said(entry, self._slots), "means": _meant(entry, self._slots)}
            triggers = [{key: value} for key, value in ways.items() if value]
        front = {
            "id": self._ids[entry.qid],
            "title": title,
            "language": self._making.language,
            **({"say": card.say} if card.say else {}),
            "triggers": triggers,
        }
        return self._making.article(front, card.body)

    def _variant(self, entry: Entry, title: str, number: int, card: Card) -> Written:
        """One of several cards of one answer: triggers, because of articles that mean the same only one is chosen."""
        made = self._ids[entry.qid]
        told = {one["slot"] for one in card.conditions if "slot" in one}  # that it has a value goes without saying
        return {
            "id": made if number == 0 else self._making.claim(f"{made}-{number + 1}"),
            "title": title,
            **({"say": card.say} if card.say else {}),
            **({"body": card.body} if card.body else {}),
            "all": [*(one for one in self._when_all_known(entry) if one.get("slot", "") not in told), *card.conditions],
        }

    def _prompt(self, entry: Entry, index: int) -> Written:
        """What the agent asks next, while this is the first of the required slots that is empty."""
        slot = entry.required[index]
        say = self._prompts[entry.qid][index]
        return {
            "id": self._making.claim(f"{self._ids[entry.qid]}-ask-{slug(slot.name)}"),
            "title": f"Ask: {slot.name}",
            **({"say": say} if say else {}),
            "all": [*self._asked(entry, index), {"slot": slot.id, "empty": True}],
            "priority": _PROMPT_PRIORITY,
        }

    def _called(self, entry: Entry) -> Written:
        """The caller wants this: it was said or meant a while ago at most."""
        ways: list[Written] = []
        if said := _said(entry, self._slots):
            ways.append({"said": said, "lasting": STILL_WANTED})
        if means := _meant(entry, self._slots):
            ways.append({"means": means, "lasting": STILL_WANTED})
        return ways[0] if len(ways) == 1 else {"any": ways}

    def _asked(self, entry: Entry, index: int) -> list[Written]:
        """The entry was called for, and what is asked before this slot is known.

        A slot that is only taken while this entry asks for it says by itself that the entry was called for.
        """
        before = entry.required[:index]
        own = any(self._slots[slot.id].only_asked_by(entry.qid) for slot in before)
        return [*([] if own else [self._called(entry)]), *({"slot": slot.id} for slot in before)]

    def _when_all_known(self, entry: Entry) -> list[Written]:
        return self._asked(entry, len(entry.required))

    # --- slots

    def _written(self, slot: "_Slot") -> list[Written]:
        """A slot; and, where a later one is filled by the like, another that remembers that this one has its own."""
        base: Written = {"id": slot.id, "kind": slot.kind, **({"values": slot.values} if slot.values else {})}
        phrases = list(dict.fromkeys(slot.phrases()))
        if not slot.gated:
            return [{**base, **({"said": phrases} if phrases else {})}]
        when = self._when_asked(slot)
        if not slot.followed_by_its_like:
            return [{**base, "said": phrases, "when": when}]
        given = f"{slot.id}_given"
        return [
            {"id": given, "kind": slot.kind, "said": [f"{{{given}}}"], "when": when},
            {**base, "said": phrases, "when": _joined("all", [when, {"slot": given, "empty": True}])},
        ]

    def _when_asked(self, slot: "_Slot") -> Written:
        """While the slot is asked for. One that several entries ask for waits for no other: that might be a circle."""
        if len(slot.asked_by) == 1:
            ((qid, index),) = slot.asked_by
            return _joined("all", self._asked(self._entries[qid], index))
        return _joined("any", [self._called(self._entries[qid]) for qid, _ in slot.asked_by])

    def _question_notes(self, entry: Entry) -> Iterator[str]:
        for question in entry.q:
            if unknown := [name for name in _places(question) if name not in self._slots]:
                yield f"`{question}` holds {unknown[0]}, which no entry takes, and stands for its meaning alone"
            elif _too_short(question):
                yield f"`{question}` has few words, and stands for its meaning alone"

    def _slot_notes(self, entry: Entry) -> Iterator[str]:
        for use in entry.slots:
            for text in use.utterances.split(","):
                if text.strip() and _places(text) != [use.id]:
                    yield f"{use.id}: `{text.strip()}` does not hold it alone, and takes nothing"
            if not self._slots[use.id].gated and not [*self._slots[use.id].questions, *self._slots[use.id].phrases()]:
                yield f"{use.id}: no question and no sample utterance holds it, and nothing takes it"
        for use in entry.required:
            slot = self._slots[use.id]
            if slot.kind == "name":
                yield f"{use.id}: a name is taken where somebody introduces themselves, not by itself"
            elif not slot.gated:
                yield f"{use.id}: a question holds it, so its bare value by itself is not taken"
            elif slot.followed_by_its_like:
                yield f"{use.id}: the first value that is given counts, for the next one that is asked for looks alike"
            if not use.cached and slot.gated:
                yield f"{use.id}: what was said is kept for the call, though slotValueCached is not set"


def _not_ours(entry: Entry, raw: dict[str, Any]) -> str:
    """Why an entry as a whole has no equal here; empty where it has one."""
    if entry.type == "slottype":
        return ""
    if entry.type != "qna":
        return f"type {entry.type}: only questions and slot types have an equal here"
    reasons = [text.format(_short(raw[key])) for key, text in _WHOLE.items() if holds(raw.get(key))]
    if entry.qid.startswith("AA."):
        reasons.insert(0, "a command to the bot's own assistant, which nobody says in a call")
    if "no_hits" in entry.q:
        reasons.insert(0, "what is answered when nothing else is: rtig then shows nothing")
    if not reasons and not [q for q in entry.q if spoken(q)]:
        reasons.append("it has no question")
    if not reasons and not entry.a.strip() and not str(entry.alt.get("markdown", "")).strip():
        reasons.append("it has no answer")
    return "; ".join(reasons)


def _short(value: Any) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = " ".join(re.sub(r"<[^<>]{0,8}>", " ", text).split())
    return f"{plain[:40].strip()}…" if len(plain) > 40 else plain


def _title(entry: Entry) -> str:
    """The last part of the id in words; the first question where the id says nothing."""
    named = " ".join(_apart(entry.qid.rpartition(".")[2]).split("-"))
    return named if re.search(r"[A-Za-z]{2}", named) else unbraced(next(q for q in entry.q if spoken(q)).strip())


def _apart(qid: str) -> str:
    """`MakePayment` as `Make-Payment`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\s._-]+", "-", qid).strip("-")


# --- questions


def _phrase(text: str) -> str:
    """A question or a sample utterance as a phrase, its slots in their places."""
    pieces = _PLACE.split(text)
    made = (spoken(piece) if index % 2 == 0 else f"{{{slot_id(piece)}}}" for index, piece in enumerate(pieces))
    return " ".join(filter(None, made))


def _places(text: str) -> list[str]:
    """The slots that a text holds."""
    return [slot_id(name) for name in _PLACE.findall(text)]


def _too_short(question: str) -> bool:
    """Whether a question has too few words of its own to stand for what it says."""
    own = sum(len(words(piece).norms) for piece in _PLACE.split(question)[::2])
    return not own or own + len(_places(question)) < FEWEST_WORDS


def _said(entry: Entry, slots: Collection[str]) -> list[str]:
    sayable = (q for q in entry.q if not _too_short(q) and all(name in slots for name in _places(q)))
    return list(dict.fromkeys(map(_phrase, sayable)))


def _meant(entry: Entry, slots: "Mapping[str, _Slot]") -> list[str]:
    """The questions for a model, which knows nothing of slots: with values in their places."""
    filled = (text for question in entry.q if spoken(question) for text in _filled(question, slots))
    return list(dict.fromkeys(filled))


def _filled(question: str, slots: "Mapping[str, _Slot]") -> Iterator[str]:
    pieces = _PLACE.split(question)
    taken = [slots.get(slot_id(name)) for name in pieces[1::2]]
    for values in product(*(slot.samples if slot is not None else ["something"] for slot in taken)):
        yield "".join(chain.from_iterable(zip_longest(pieces[::2], values, fillvalue=""))).strip()


# --- slots


class _Slot:
    """A value of the call, and all that takes it, over all entries."""

    def __init__(self, use: SlotUse, kind: str, values: dict[str, list[str]]) -> None:
        self.id = use.id
        self.type = use.type
        self.kind = kind
        self.values = values
        self.utterances: list[str] = []
        self.questions: list[str] = []
        """Phrases of questions that hold it."""
        self.asked_by: list[tuple[str, int]] = []
        """Entries that require it, and the how-manieth they ask for."""
        self.followed_by_its_like = False

    @property
    def gated(self) -> bool:
        """Taken only while it is being asked for."""
        return bool(self.asked_by) and not self.questions and self.kind != "name"

    @property
    def samples(self) -> list[str]:
        if self.kind != "list":
            return [_SAMPLES[self.kind]]
        return [(ways or [value])[0] for value, ways in list(self.values.items())[:3]]

    def only_asked_by(self, qid: str) -> bool:
        return self.gated and {entry for entry, _ in self.asked_by} == {qid}

    def phrases(self) -> Iterator[str]:
        """The phrases that take it and call for nothing else."""
        place = f"{{{self.id}}}"
        if self.gated:
            yield from self.utterances
            yield place
            return
        yield from (phrase for phrase in self.utterances if phrase != place)
        if self.kind == "name":
            yield from (introduced.format(place) for introduced in _INTRODUCED)
        if self.kind == "list":
            for phrase in (*self.questions, *self.utterances):
                if found := re.search(rf"\{{{self.id}\}} ([^{{}}\s]+)", phrase):
                    yield f"{place} {found[1]}"
            yield f"(it|this|that) is (a|the|my)? {place}"


def _taken(entries: Iterable[Entry], lists: dict[str, dict[str, list[str]]]) -> "dict[str, _Slot]":
    """Every slot of some entries, with all that takes it."""
    listed = list(entries)
    slots: dict[str, _Slot] = {}
    for entry in listed:
        for use in entry.slots:
            kind = _kind(use, entry, lists)
            slot = slots.setdefault(use.id, _Slot(use, kind, lists.get(use.type, {})))
            slot.kind = "amount" if kind == "amount" else slot.kind
            slot.utterances += map(_phrase, (text for text in use.utterances.split(",") if _places(text) == [use.id]))
            if use.required:
                slot.asked_by.append((entry.qid, entry.required.index(use)))
    for phrase in (phrase for entry in listed for phrase in _said(entry, slots)):
        for name in dict.fromkeys(_places(phrase)):
            slots[name].questions.append(phrase)
    for entry in listed:
        for index, use in enumerate(entry.required):
            later = [slots[other.id] for other in entry.required[index + 1 :]]
            if slots[use.id].kind in _NUMERIC and any(o.gated and o.kind in _NUMERIC for o in later):
                slots[use.id].followed_by_its_like = True
    return slots


def _kind(slot: SlotUse, entry: Entry, lists: dict[str, dict[str, list[str]]]) -> str:
    part = f"slot {slot.name}"
    if not slot.id or not slot.id[0].isalpha():
        raise Refused("a slot's name begins with a letter", part)
    if slot.type in lists:
        if not lists[slot.type]:
            raise Refused(f"the slot type {slot.type} has no values", part)
        return "list"
    if slot.type not in _KINDS:
        reason = _NO_KIND.get(slot.type)
        if reason is None:
            known = "has no equal here" if slot.type.startswith("AMAZON.") else "is not among the items"
            reason = f"the slot type {slot.type} {known}"
        raise Refused(reason, part)
    kind = _KINDS[slot.type]
    return "amount" if kind == "number" and _is_money(slot, entry) else kind


def _is_money(slot: SlotUse, entry: Entry) -> bool:
    """Whether the answer or a sample utterance has a currency beside the value."""
    signed = rf"[$£€]\s*\{{+[^{{}}]*\b{re.escape(slot.name)}\b"
    named = rf"\{{{re.escape(slot.name)}\}} (dollar|pound|euro)"
    return re.search(f"{signed}|{named}", f"{entry.a} {slot.utterances}") is not None


def _values(entry: Entry) -> dict[str, list[str]]:
    """The values of a list and other ways to say them."""
    values: dict[str, list[str]] = {}
    for value in entry.slotTypeValues:
        ways = [way.strip() for way in value.synonyms.split(",")]
        if spoken(value.samplevalue):
            values[value.samplevalue.strip()] = [way for way in ways if spoken(way)]
    return values


def _joined(key: str, conditions: Sequence[Written]) -> Written:
    return conditions[0] if len(conditions) == 1 else {key: list(conditions)}
