"""Had these rules been live: two playbooks over the same recorded calls, and the difference.

Both fold every call, the clock's ticks put in. What counts is the cards that an agent would have been left with, the
confirmed ones. A card that both give is `moved` where other words brought it or it came at another time. With labels,
which say at which moment a rule was right, precision and recall of both are told as well.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import ge, gt, le, lt
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from rtig.core import engine
from rtig.core.events import AnyEvent, CardMissed, ClockTicked, Party, PlaybookChanged, UtteranceRead
from rtig.core.guidance import Card, Withheld
from rtig.core.playbook import Playbook
from rtig.core.redaction import redacted
from rtig.core.transcript import Segment
from rtig.core.utterances import Reading, Utterance
from rtig.errors import WorldError
from rtig.knowledge.hearing import Read, heard

SAME_CARD_MS = 5_000
"""A card of the same rule this near in time answers the same words."""


class Place(NamedTuple):
    """What was said when a card came: the turn, counted from 1, its whole text, and where in it the words stand.

    Where no words brought the card, the last turn that had begun, and no part of it.
    """

    turn: int
    party: Party
    text: str
    start: int
    end: int


class Given(NamedTuple):
    """A card that a call was left with. `place` is None where nobody had spoken yet."""

    call_id: str
    rule: str
    at_ms: int
    words: str
    condition: str = ""
    score: float | None = None
    """How sure the model was, where a meaning brought it."""
    place: Place | None = None

    @property
    def same(self) -> tuple[str, int, str]:
        return (self.rule, self.at_ms, self.words)


class Outcome(NamedTuple):
    """What a playbook makes of a call: the cards that are left, and those that were called for and withheld."""

    cards: tuple[Given, ...]
    withheld: tuple[Withheld, ...] = ()


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule was right in a call: at a time, or anywhere where none is given."""

    call_id: str
    rule: str
    at_ms: int | None = None


class Example(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One card, and where it came. Texts are masked."""

    call_id: str
    at_ms: int
    words: str
    condition: str
    """What the rule listened for."""
    score: float | None = None
    place: Place | None = None
    right: bool | None = None
    """With labels: whether one says that the rule was right here."""
    withheld: str = ""
    """Of a card that is gained: why the old playbook did not show it, of one that is lost: the new. Empty where that
    playbook had no call for it."""
    by: str = ""
    """The rule or card that stood in its way, where one did."""
    before: "Example | None" = None
    """Of a card that moved: as it was."""


Change = Literal["same", "edited", "added", "removed"]


class RuleDifference(Struct, frozen=True, kw_only=True):
    rule: str
    change: Change = "same"
    """What was done to the rule itself. The cards of one that is the `same` differ because of others."""
    old: int
    new: int
    gained: int
    lost: int
    moved: int
    precision: tuple[float | None, float | None] | None = None
    """With labels: of the old playbook and of the new."""
    recall: tuple[float | None, float | None] | None = None
    examples_gained: tuple[Example, ...] = ()
    examples_lost: tuple[Example, ...] = ()
    examples_moved: tuple[Example, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """What the change would have done.

    `rules` are those that were edited or whose cards differ, and with labels those that a label names; the largest
    difference comes first.
    """

    old: str
    new: str
    """Versions of the two playbooks."""
    calls: int
    seconds: float
    """That the calls lasted, in all."""
    calls_changed: int
    cards_old: int
    cards_new: int
    gained: int
    lost: int
    moved: int
    precision: tuple[float | None, float | None] | None = None
    recall: tuple[float | None, float | None] | None = None
    labels_without_call: int = 0
    """Labels of calls that were not among those folded; they count nowhere."""
    rules: tuple[RuleDifference, ...] = ()


def outcome(playbook: Playbook, events: Sequence[AnyEvent], read: Read | None = None) -> Outcome:
    """What a recorded call would have been left with. `read`: a model, where the playbook has meanings."""
    shown: dict[str, Card] = {}
    withheld: dict[tuple[str, int], Withheld] = {}
    call_id = events[0].call_id if events else ""
    call = engine.begin(call_id)
    for folded in folds(playbook, call_id, events, read):
        call = folded.call
        for item in folded.guidance:
            if isinstance(item, Card):
                shown[item.id] = item
            elif isinstance(item, Withheld):
                withheld[item.rule, item.at_ms] = item
    left = [card for card in shown.values() if card.state == "confirmed"]
    said = sorted((one for stream in call.transcript.streams.values() for one in stream), key=lambda one: one.place)
    return Outcome(
        tuple(_given(card, said) for card in sorted(left, key=lambda card: (card.at_ms, card.id))),
        tuple(withheld.values()),
    )


def folds(
    playbook: Playbook, call_id: str, events: Iterable[AnyEvent], read: Read | None = None
) -> Iterator[engine.Folded]:
    """Fold a recorded call, personal data masked, with what a model would have read put in right after the words.

    What a server added of its own to a call that was live is left out: it followed from the rules of that day.
    """
    own = ClockTicked | UtteranceRead | CardMissed | PlaybookChanged
    return heard(playbook, call_id, (redacted(event)[0] for event in events if not isinstance(event, own)), read)


def remembering(read: Read) -> Read:
    """The same model, reading no utterance twice: what it says of one depends on its words and the queue alone."""
    known: dict[tuple[str, str], Reading] = {}

    def reading(queue: str, utterances: Sequence[Utterance]) -> Sequence[Reading]:
        new = [one for one in utterances if (queue, one.key) not in known]
        if new:
            known.update(zip(((queue, one.key) for one in new), read(queue, new), strict=True))
        return [known[queue, one.key] for one in utterances]

    return reading


def _given(card: Card, said: Sequence[Segment]) -> Given:
    quotes = card.why.words
    place = None
    if quotes:
        # The last of its words brought a card; of those in the same turn, all are marked.
        turn, segment = next((n, one) for n, one in enumerate(said, 1) if one.id == quotes[-1].segment_id)
        start = min(quote.start for quote in quotes if quote.segment_id == segment.id)
        place = Place(turn, segment.party, segment.text, start, quotes[-1].end)
    elif begun := [one for one in said if one.start_ms <= card.at_ms]:
        place = Place(len(begun), begun[-1].party, begun[-1].text, 0, 0)
    return Given(
        card.call_id, card.why.rule, card.at_ms, " … ".join(quote.text for quote in quotes),
        card.why.condition, card.why.score, place,
    )  # fmt: skip


class _Differences:
    """Of one rule, as they are found."""

    def __init__(self) -> None:
        self.gained: list[Example] = []
        self.lost: list[Example] = []
        self.moved: list[Example] = []

    def __len__(self) -> int:
        return len(self.gained) + len(self.lost) + len(self.moved)


class Backtest:
    """Counts two playbooks' cards over any number of calls."""

    def __init__(self, old: Playbook, new: Playbook, labels: Iterable[Label] = (), examples: int = 3) -> None:
        """`examples`: so many are told of each kind of difference, for each rule."""
        self._old, self._new = old, new
        self._examples = examples
        self._labels: dict[str, list[Label]] = {}
        for label in labels:
            self._labels.setdefault(label.call_id, []).append(label)
        self._labelled = bool(self._labels)
        self._seen: set[str] = set()
        self._calls = 0
        self._changed = 0
        self._ms = 0
        self._differences: dict[str, _Differences] = {}
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._right: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._wanted: Counter[str] = Counter()

    def add(self, events: Sequence[AnyEvent], old: Outcome, new: Outcome) -> None:
        """A call, and what each playbook makes of it."""
        self._calls += 1
        self._ms += max((getattr(event, "end_ms", getattr(event, "at_ms", 0)) for event in events), default=0)
        call_id = events[0].call_id if events else ""
        self._seen.add(call_id)
        labels = self._labels.get(call_id, [])
        gained, lost, moved = compared(old.cards, new.cards)
        for card in gained:
            self._of(card).gained.append(self._example(card, labels, old))
        for card in lost:
            self._of(card).lost.append(self._example(card, labels, new))
        for before, card in moved:
            example = self._example(card, labels)
            self._of(card).moved.append(msgspec.structs.replace(example, before=self._example(before, labels)))
        self._changed += bool(gained or lost or moved)
        self._wanted.update(label.rule for label in labels)
        for given, counts, right, found in zip(
            (old.cards, new.cards), self._counts, self._right, self._found, strict=True
        ):
            counts.update(card.rule for card in given)
            right.update(card.rule for card in given if any(_answers(card, label) for label in labels))
            found.update(label.rule for label in labels if any(_answers(card, label) for card in given))

    def report(self) -> Report:
        rules = self._differences.keys() | self._wanted.keys() | self._edited()
        differences = [self._difference(rule) for rule in rules]
        differences.sort(key=lambda d: (-(d.gained + d.lost + d.moved), d.rule))
        old, new = self._counts
        return Report(
            old=self._old.version,
            new=self._new.version,
            calls=self._calls,
            seconds=self._ms / 1000,
            calls_changed=self._changed,
            cards_old=old.total(),
            cards_new=new.total(),
            gained=sum(difference.gained for difference in differences),
            lost=sum(difference.lost for difference in differences),
            moved=sum(difference.moved for difference in differences),
            precision=self._shares(self._right, self._counts, None),
            recall=self._shares(self._found, (self._wanted, self._wanted), None),
            labels_without_call=sum(len(labels) for call, labels in self._labels.items() if call not in self._seen),
            rules=tuple(differences),
        )

    def _of(self, card: Given) -> _Differences:
        return self._differences.setdefault(card.rule, _Differences())

    def _example(self, card: Given, labels: Sequence[Label], other: Outcome | None = None) -> Example:
        """`other`: what the playbook made of the call that did not give the card."""
        held_back = other.withheld if other is not None else ()
        near = [w for w in held_back if w.rule == card.rule and abs(w.at_ms - card.at_ms) <= SAME_CARD_MS]
        held = min(near, key=lambda w: abs(w.at_ms - card.at_ms), default=None)
        return Example(
            call_id=card.call_id,
            at_ms=card.at_ms,
            words=card.words,
            condition=card.condition,
            score=card.score,
            place=card.place,
            right=any(_answers(card, label) for label in labels) if self._labelled else None,
            withheld=held.reason if held is not None else "",
            by=held.by if held is not None else "",
        )

    def _edited(self) -> set[str]:
        rules = self._old.rules.keys() | self._new.rules.keys()
        return {rule for rule in rules if self._change(rule) != "same"}

    def _change(self, rule: str) -> Change:
        if rule not in self._old.rules:
            return "added"
        if rule not in self._new.rules:
            return "removed"
        return "same" if _written(self._old, rule) == _written(self._new, rule) else "edited"

    def _difference(self, rule: str) -> RuleDifference:
        found = self._differences.get(rule, _Differences())
        old, new = self._counts
        return RuleDifference(
            rule=rule,
            change=self._change(rule),
            old=old[rule],
            new=new[rule],
            gained=len(found.gained),
            lost=len(found.lost),
            moved=len(found.moved),
            precision=self._shares(self._right, self._counts, rule),
            recall=self._shares(self._found, (self._wanted, self._wanted), rule),
            examples_gained=tuple(found.gained[: self._examples]),
            examples_lost=tuple(found.lost[: self._examples]),
            examples_moved=tuple(found.moved[: self._examples]),
        )

    def _shares(
        self, parts: tuple[Counter[str], Counter[str]], wholes: tuple[Counter[str], Counter[str]], rule: str | None
    ) -> tuple[float | None, float | None] | None:
        """Of one rule, or of all that a label names; of a rule that none names nobody knows when it was right."""
        if not self._labelled:
            return None
        known = [name for name in (self._wanted if rule is None else (rule,)) if name in self._wanted]

        def share(part: Counter[str], whole: Counter[str]) -> float | None:
            total = sum(whole[name] for name in known)
            return round(sum(part[name] for name in known) / total, 4) if total else None

        return share(parts[0], wholes[0]), share(parts[1], wholes[1])


def _written(playbook: Playbook, rule: str) -> tuple[object, ...]:
    """All that an author has written of a rule."""
    return (playbook.rules[rule], [meaning for meaning in playbook.source.meanings if meaning.rule == rule])


def compared(old: Sequence[Given], new: Sequence[Given]) -> tuple[list[Given], list[Given], list[tuple[Given, Given]]]:
    """The cards of a call that are new, those that are gone, and those that moved: as they were and as they are."""
    same = {card.same for card in old} & {card.same for card in new}
    gone, come = [c for c in old if c.same not in same], [c for c in new if c.same not in same]
    moved: list[tuple[Given, Given]] = []
    for card in list(gone):
        near = [c for c in come if c.rule == card.rule and abs(c.at_ms - card.at_ms) <= SAME_CARD_MS]
        if near:
            best = min(near, key=lambda c: (abs(c.at_ms - card.at_ms), c.at_ms))
            moved.append((card, best))
            gone.remove(card)
            come.remove(best)
    return come, gone, moved


def read_labels(path: Path, rules: Iterable[str]) -> list[Label]:
    """JSON Lines with `call_id`, `rule` and, where it matters, `at_ms`.

    Raises `WorldError` that names the line, also for a rule that is none of `rules`.
    """
    decoder = msgspec.json.Decoder(Label)
    known = frozenset(rules)
    labels = []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise WorldError(f"{path} is not UTF-8 text.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise WorldError(f"{path}:{number}: {error}. A label has `call_id`, `rule` and perhaps `at_ms`.") from None
        if label.rule not in known:
            raise WorldError(f"{path}:{number}: neither knowledge base has a rule `{label.rule}`.")
        labels.append(label)
    return labels


_LIMIT = re.compile(
    r"(?:(?P<rule>[a-z0-9-]+):)?(?P<what>[a-z_]+)\s*(?P<sign><=|>=|<|>)\s*(?P<limit>\d+(?:\.\d+)?)(?P<share>%)?"
)
_SIGNS: dict[str, Callable[[float, float], bool]] = {"<": lt, ">": gt, "<=": le, ">=": ge}
_WHAT = ("gained", "lost", "moved", "changed", "cards", "precision", "recall")


def check_limits(limits: Iterable[str], rules: Iterable[str]) -> None:
    """Raises `WorldError` for the first that is none, or that names none of `rules`. See `broken_limits`."""
    known = frozenset(rules)
    for limit in limits:
        rule = _read_limit(limit)["rule"]
        if rule is not None and rule not in known:
            raise WorldError(f"`{limit}`: neither knowledge base has a rule `{rule}`.")


def broken_limits(report: Report, limits: Iterable[str]) -> list[str]:
    """The limits that a report breaks, each with what it found. A limit is what must not be, as in `lost>0`.

    `gained`, `lost`, `moved`, `changed` (calls), `cards` (of the new playbook), `precision` and `recall` (of the new
    playbook, with labels); a count may be a share of the old cards, or of the calls, as in `changed>5%`; with a rule
    before it, `bill-doubled:lost>0`, it is looked at for that rule alone.
    """
    broken = []
    for limit in limits:
        found = _read_limit(limit)
        value = _value(report, found["rule"], found["what"], bool(found["share"]))
        if value is None or _SIGNS[found["sign"]](value, float(found["limit"])):
            told = "not known, for want of labels" if value is None else f"{value:g}{'%' if found['share'] else ''}"
            broken.append(f"{limit}: {found['what']} is {told}")
    return broken


def _read_limit(limit: str) -> re.Match[str]:
    found = _LIMIT.fullmatch(limit.strip())
    if found is None or found["what"] not in _WHAT:
        raise WorldError(f"`{limit}` is no limit. Write one of {', '.join(_WHAT)}, then > or <, then a number.")
    return found


def _value(report: Report, rule: str | None, what: str, share: bool) -> float | None:
    none = RuleDifference(rule=rule or "", old=0, new=0, gained=0, lost=0, moved=0)
    of: Report | RuleDifference = report if rule is None else next((d for d in report.rules if d.rule == rule), none)
    if what in ("precision", "recall"):
        both = of.precision if what == "precision" else of.recall
        return None if both is None else both[1]
    if what == "changed":
        value, whole = float(report.calls_changed), report.calls
    elif what == "cards":
        value, whole = float(of.cards_new if isinstance(of, Report) else of.new), report.calls
    else:
        value = float(getattr(of, what))
        whole = of.cards_old if isinstance(of, Report) else of.old
    return value if not share else 100 * value / whole if whole else (0.0 if not value else 100.0)


def _answers(card: Given, label: Label) -> bool:
    return card.rule == label.rule and (label.at_ms is None or abs(card.at_ms - label.at_ms) <= SAME_CARD_MS)
