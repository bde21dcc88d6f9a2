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
from typing import NamedTuple

import msgspec
from msgspec import Struct

from rtig.core import engine
from rtig.core.events import AnyEvent, CallStarted, SegmentHeard, UtteranceRead
from rtig.core.guidance import Card
from rtig.core.playbook import Playbook
from rtig.core.redaction import redacted
from rtig.core.utterances import Utterance
from rtig.errors import WorldError

SAME_CARD_MS = 5_000
"""A card of the same rule this near in time answers the same words."""
EXAMPLES = 3
"""Of each kind of difference, for each rule."""

Read = Callable[[str, Sequence[Utterance]], Sequence[dict[str, float]]]
"""A model: of each utterance in a queue, how likely it has each meaning."""


class Given(NamedTuple):
    """A card that a call was left with."""

    call_id: str
    rule: str
    at_ms: int
    words: str


class Label(Struct, frozen=True):
    """A rule was right in a call: at a time, or anywhere where none is given."""

    call_id: str
    rule: str
    at_ms: int | None = None


class Example(Struct, frozen=True):
    call_id: str
    at_ms: int
    words: str
    before: str = ""
    """Of a card that moved: the words that brought it before."""


class RuleDifference(Struct, frozen=True, kw_only=True):
    rule: str
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
    """What the change would have done. `rules` are those that differ, the largest difference first."""

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
    rules: tuple[RuleDifference, ...] = ()


def cards(playbook: Playbook, events: Sequence[AnyEvent], read: Read | None = None) -> list[Given]:
    """The cards that a recorded call would have been left with. `read`: a model, where the playbook has meanings."""
    shown: dict[str, Card] = {}
    call_id = events[0].call_id if events else ""
    for folded in folds(playbook, call_id, events, read):
        for item in folded.guidance:
            if isinstance(item, Card):
                shown[item.id] = item
    return [
        Given(call_id, card.why.rule, card.at_ms, " … ".join(quote.text for quote in card.why.words))
        for card in sorted(shown.values(), key=lambda card: (card.at_ms, card.id))
        if card.state == "confirmed"
    ]


def folds(
    playbook: Playbook, call_id: str, events: Iterable[AnyEvent], read: Read | None = None
) -> Iterator[engine.Folded]:
    """Fold a recorded call, personal data masked, with what a model would have read put in right after the words."""
    masked = (redacted(event)[0] for event in events if not isinstance(event, UtteranceRead))
    if read is None or not playbook.meanings:
        yield from engine.rehearse(playbook, call_id, masked)
        return
    rehearsal = engine.Rehearsal(playbook, call_id)
    for event in masked:
        yield from rehearsal.hear(event)
        if isinstance(event, SegmentHeard) and event.final:
            unread = engine.unread(playbook, rehearsal.call)
            for one, scores in zip(unread, read(rehearsal.call.queue, unread), strict=True) if unread else ():
                yield from rehearsal.hear(
                    UtteranceRead(call_id=call_id, utterance=one.key, meanings=playbook.meanings_version, scores=scores)
                )


class Backtest:
    """Counts two playbooks' cards over any number of calls."""

    def __init__(self, old: Playbook, new: Playbook, labels: Iterable[Label] = ()) -> None:
        self._old, self._new = old, new
        self._labels: dict[str, list[Label]] = {}
        for label in labels:
            self._labels.setdefault(label.call_id, []).append(label)
        self._calls = 0
        self._changed = 0
        self._ms = 0
        self._gained: list[Given] = []
        self._lost: list[Given] = []
        self._moved: list[tuple[Given, Given]] = []
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._right: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._wanted: Counter[str] = Counter()

    def add(self, events: Sequence[AnyEvent], old: Sequence[Given], new: Sequence[Given]) -> None:
        """A call, and the cards that each playbook gives it."""
        self._calls += 1
        self._ms += max((getattr(event, "end_ms", getattr(event, "at_ms", 0)) for event in events), default=0)
        gained, lost, moved = compared(old, new)
        self._gained += gained
        self._lost += lost
        self._moved += moved
        self._changed += bool(gained or lost or moved)
        labels = self._labels.get(next((e.call_id for e in events if isinstance(e, CallStarted)), ""), [])
        self._wanted.update(label.rule for label in labels)
        for given, counts, right, found in zip((old, new), self._counts, self._right, self._found, strict=True):
            counts.update(card.rule for card in given)
            hits = [(card, label) for card in given for label in labels if _answers(card, label)]
            right.update(card.rule for card in dict.fromkeys(card for card, _ in hits))
            found.update(label.rule for label in dict.fromkeys(label for _, label in hits))

    def report(self) -> Report:
        labelled = bool(self._labels)
        rules = sorted(
            {card.rule for card in (*self._gained, *self._lost)}
            | {new.rule for _, new in self._moved}
            | (set(self._wanted) if labelled else set())
        )
        differences = [self._difference(rule, labelled) for rule in rules]
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
            gained=len(self._gained),
            lost=len(self._lost),
            moved=len(self._moved),
            precision=self._shares(self._right, self._counts, None) if labelled else None,
            recall=self._shares(self._found, (self._wanted, self._wanted), None) if labelled else None,
            rules=tuple(differences),
        )

    def _difference(self, rule: str, labelled: bool) -> RuleDifference:
        gained = [card for card in self._gained if card.rule == rule]
        lost = [card for card in self._lost if card.rule == rule]
        moved = [pair for pair in self._moved if pair[1].rule == rule]
        old, new = self._counts
        return RuleDifference(
            rule=rule,
            old=old[rule],
            new=new[rule],
            gained=len(gained),
            lost=len(lost),
            moved=len(moved),
            precision=self._shares(self._right, self._counts, rule) if labelled else None,
            recall=self._shares(self._found, (self._wanted, self._wanted), rule) if labelled else None,
            examples_gained=tuple(Example(c.call_id, c.at_ms, c.words) for c in gained[:EXAMPLES]),
            examples_lost=tuple(Example(c.call_id, c.at_ms, c.words) for c in lost[:EXAMPLES]),
            examples_moved=tuple(Example(n.call_id, n.at_ms, n.words, o.words) for o, n in moved[:EXAMPLES]),
        )

    def _shares(
        self, parts: tuple[Counter[str], Counter[str]], wholes: tuple[Counter[str], Counter[str]], rule: str | None
    ) -> tuple[float | None, float | None]:
        def share(part: Counter[str], whole: Counter[str]) -> float | None:
            known = set(self._wanted) if rule is None else {rule}
            total = sum(whole[name] for name in known)
            return round(sum(part[name] for name in known) / total, 4) if total else None

        return share(parts[0], wholes[0]), share(parts[1], wholes[1])


def compared(old: Sequence[Given], new: Sequence[Given]) -> tuple[list[Given], list[Given], list[tuple[Given, Given]]]:
    """The cards of a call that are new, those that are gone, and those that moved: as they were and as they are."""
    same = set(old) & set(new)
    gone, come = [c for c in old if c not in same], [c for c in new if c not in same]
    moved: list[tuple[Given, Given]] = []
    for card in list(gone):
        near = [c for c in come if c.rule == card.rule and abs(c.at_ms - card.at_ms) <= SAME_CARD_MS]
        if near:
            best = min(near, key=lambda c: (abs(c.at_ms - card.at_ms), c.at_ms))
            moved.append((card, best))
            gone.remove(card)
            come.remove(best)
    return come, gone, moved


def read_labels(path: Path) -> list[Label]:
    """JSON Lines with `call_id`, `rule` and, where it matters, `at_ms`. Raises `WorldError` that names the line."""
    decoder = msgspec.json.Decoder(Label)
    labels = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                labels.append(decoder.decode(line))
            except msgspec.DecodeError as error:
                raise WorldError(
                    f"{path}:{number}: {error}. A label has `call_id`, `rule` and perhaps `at_ms`."
                ) from None
    return labels


_LIMIT = re.compile(
    r"(?:(?P<rule>[a-z0-9-]+):)?(?P<what>[a-z_]+)\s*(?P<sign><=|>=|<|>)\s*(?P<limit>\d+(?:\.\d+)?)(?P<share>%)?"
)
_SIGNS: dict[str, Callable[[float, float], bool]] = {"<": lt, ">": gt, "<=": le, ">=": ge}
_WHAT = ("gained", "lost", "moved", "changed", "cards", "precision", "recall")


def check_limits(limits: Iterable[str]) -> None:
    """Raises `WorldError` for the first that is none. See `broken_limits`."""
    for limit in limits:
        _read_limit(limit)


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
            told = "not known without labels" if value is None else f"{value:g}{'%' if found['share'] else ''}"
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
