"""How articles and triggers did in recorded calls: shown, useful, dismissed and why, withheld and why.

Counted from the fold of a call's log, when somebody asks; nothing is kept beside the log, so nothing can differ from
it, and what is erased there counts nowhere. Rules are today's: one that was changed since counts as it would have come.
What agents did with cards, and what a model understood, is what was recorded. There is no word of a customer in a
count, and no name.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from rtig.core import engine
from rtig.core.call import Call
from rtig.core.events import AnyEvent, PlaybookChanged, SegmentHeard, UtteranceRead
from rtig.core.playbook import Playbook

RuleKind = Literal["article", "coach", "checklist", "alert", "supervisors"]


class RuleOutcome(Struct, frozen=True, kw_only=True):
    """Of one rule. A card that was opened twice counts once, under what it was opened."""

    rule: str
    title: str
    kind: RuleKind
    """`supervisors`: alerts on their board; `shown` counts those that were raised, `useful` those taken on."""
    draft: bool
    calls: int
    """In which it was shown."""
    shown: int
    opened: int
    copied: int
    pinned: int
    useful: int
    dismissed: dict[str, int]
    """By the reason that the agent gave; empty where none was."""
    late: int
    """Cards that the server could not deliver in time: nobody saw them."""
    withheld: dict[str, int]
    """By reason; see `Withheld`."""


class Outcomes(Struct, frozen=True, kw_only=True):
    """`since` and `until`: when the first and the last of the calls began, in Unix milliseconds; 0 without calls."""

    playbook: str
    calls: int
    since: int
    until: int
    rules: tuple[RuleOutcome, ...]


class _Counts:
    def __init__(self) -> None:
        self.calls = 0
        self.shown = 0
        self.late = 0
        self.did: Counter[str] = Counter()
        self.dismissed: Counter[str] = Counter()
        self.withheld: Counter[str] = Counter()


def as_recorded(playbook: Playbook, events: Sequence[AnyEvent]) -> Call:
    """A recorded call at its end, folded with the rules of today.

    Interim words leave no trace in the end. A model's readings count whatever other meanings it knew of then.
    """
    call = engine.begin(events[0].call_id if events else "")
    for folded in engine.replay(playbook, call.call_id, _kept(playbook, events)):
        call = folded.call
    return call


def _kept(playbook: Playbook, events: Iterable[AnyEvent]) -> Iterable[AnyEvent]:
    for event in events:
        if isinstance(event, UtteranceRead):
            known = {name: score for name, score in event.scores.items() if name in playbook.meanings}
            yield replace(event, meanings=playbook.meanings_version, scores=known)
        elif not isinstance(event, PlaybookChanged) and not (isinstance(event, SegmentHeard) and not event.final):
            yield event


class Tally:
    """Counts calls, any number of them."""

    def __init__(self, playbook: Playbook) -> None:
        self._playbook = playbook
        self._calls = 0
        self._began: list[int] = []
        self._counts: dict[str, _Counts] = {rule: _Counts() for rule in playbook.rules}

    def add(self, call: Call, began_at: int) -> None:
        """A call at its end, and when it began, in Unix milliseconds."""
        self._calls += 1
        self._began.append(began_at)
        self._add_cards(call)
        for refused in call.told.choice.withheld.values():
            if (counts := self._counts.get(refused.moment.rule.id)) is not None:
                counts.withheld[refused.reason] += 1
        for alert in call.told.alerts.values():
            if (counts := self._counts.get(alert.id)) is not None and alert.reason != "revised":
                counts.calls += 1
                counts.shown += alert.raised
                counts.did["useful"] += any(answer.alert_id == alert.id for answer in call.answered)

    def _add_cards(self, call: Call) -> None:
        confirmed = {card.id for card in call.told.cards.values() if card.state == "confirmed"}
        answered = {answer.card_id for answer in call.answers.values()}  # what was answered was there to be seen
        seen = (confirmed - set(call.missed)) | answered
        for rule in {_rule(card) for card in seen}:
            if (counts := self._counts.get(rule)) is not None:
                counts.calls += 1
        for card in seen:
            if (counts := self._counts.get(_rule(card))) is not None:
                counts.shown += 1
        for card in call.missed:
            if card not in answered and (counts := self._counts.get(_rule(card))) is not None:
                counts.late += 1
        done = {(answer.card_id, answer.action) for answer in call.answers.values()}
        for card, action in done:
            if (counts := self._counts.get(_rule(card))) is not None:
                counts.did[action] += 1
        for card, reason in {a.card_id: a.reason for a in call.answers.values() if a.action == "dismissed"}.items():
            if (counts := self._counts.get(_rule(card))) is not None:
                counts.dismissed[reason] += 1

    def report(self) -> Outcomes:
        """Every rule of the playbook, those that did nothing too, in its order."""
        return Outcomes(
            playbook=self._playbook.version,
            calls=self._calls,
            since=min(self._began, default=0),
            until=max(self._began, default=0),
            rules=tuple(self._outcome(rule, counts) for rule, counts in self._counts.items()),
        )

    def _outcome(self, name: str, counts: _Counts) -> RuleOutcome:
        rule = self._playbook.rules[name]
        return RuleOutcome(
            rule=name,
            title=rule.title,
            kind="supervisors" if rule.to == "supervisors" else rule.kind,
            draft=rule.draft,
            calls=counts.calls,
            shown=counts.shown,
            opened=counts.did["opened"],
            copied=counts.did["copied"],
            pinned=counts.did["pinned"],
            useful=counts.did["useful"],
            dismissed=dict(counts.dismissed),
            late=counts.late,
            withheld=dict(counts.withheld),
        )


def _rule(card_id: str) -> str:
    return card_id.rpartition(".")[0]
