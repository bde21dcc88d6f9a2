"""Steps that tick themselves when they are said: of a conversation, and of an article while its card stands.

A step is done from the first time that its words were said. What was said long before the words that called for a card
belongs to something else, and ticks none of its steps.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from rtig.core import lookup
from rtig.core.call import Call, Told
from rtig.core.conditions import PartyWanted
from rtig.core.guidance import Card, Checklist, Guidance, Step
from rtig.core.playbook import Playbook
from rtig.core.transcript import Heard
from rtig.core.triggers import StepSource

BEFORE_CARD_MS = 60_000
"""What an agent has done so long before the card came need not be done again for it."""


def tell(playbook: Playbook, before: Call, call: Call, told: Told, items: list[Guidance]) -> Told:
    """Add to `items` the lists that are other than they were told; `told` already has the cards of now."""
    other = playbook.version != told.playbook
    if not other and not call.phrases and told.cards is before.told.cards:
        return told
    lists = told.checklists
    rules = {rule for phrase in call.phrases for rule in playbook.steps_of_phrase.get(phrase, ())}
    touched = {name for phrase in call.phrases for name in playbook.checklists_of_phrase.get(phrase, ())}
    now = {
        name: _of_card(playbook, call, name, card)
        for name, card in sorted(told.cards.items())
        if _has_list(playbook, card) and (other or card.why.rule in rules or card is not before.told.cards.get(name))
    }
    now |= {one.id: one for one in _opened(playbook, call, None if other else touched)}
    for name, known in sorted(lists.items()):
        gone = (
            not _has_list(playbook, told.cards.get(name))
            if known.card
            else name not in now and (other or name in touched)
        )
        if gone:
            items.append(replace(known, steps=(), withdrawn=True))
            lists = lists.delete(name)
    for name, checklist in now.items():
        if lists.get(name) != checklist:
            items.append(checklist)
            lists = lists.set(name, checklist)
    return replace(told, checklists=lists, playbook=playbook.version)


def done(playbook: Playbook, call: Call, step: StepSource, since_ms: int = 0) -> Heard | None:
    """Where a step was said first, since a time on the call's clock; None where it was not."""
    firsts = [
        first
        for _, places in lookup.said_places(playbook, call, step.said)
        if (first := _first(places, step.party, since_ms)) is not None
    ]
    return min(firsts, key=lookup.when_heard) if firsts else None


def _first(places: Sequence[Heard], party: PartyWanted, since_ms: int) -> Heard | None:
    for at in range(bisect_left(places, since_ms, key=_end) if since_ms > 0 else 0, len(places)):
        place = places[at]
        if party in ("any", place.party) and place.start_ms >= since_ms:
            return place
    return None


def _end(place: Heard) -> int:
    return place.end_ms


def _opened(playbook: Playbook, call: Call, names: Collection[str] | None = None) -> Iterator[Checklist]:
    for source in playbook.checklists.values():
        if names is not None and source.id not in names:
            continue
        opening = StepSource(id="", text="", said=source.opened_by, party=source.party)
        if not source.opened_by or done(playbook, call, opening) is not None:
            steps = _ticked(playbook, call, source.steps)
            yield Checklist(call_id=call.call_id, id=source.id, title=source.title, steps=steps)


def _has_list(playbook: Playbook, card: Card | None) -> bool:
    return card is not None and card.state != "retracted" and card.why.rule in playbook.rules_with_steps


def _of_card(playbook: Playbook, call: Call, name: str, card: Card) -> Checklist:
    rule = playbook.rules[card.why.rule]
    steps = _ticked(playbook, call, rule.steps, card.at_ms - BEFORE_CARD_MS)
    return Checklist(call_id=call.call_id, id=name, card=True, title=rule.title, steps=steps)


def _ticked(playbook: Playbook, call: Call, sources: Sequence[StepSource], since_ms: int = 0) -> tuple[Step, ...]:
    steps = []
    for source in sources:
        place = done(playbook, call, source, since_ms)
        words = () if place is None else place.quotes
        steps.append(Step(id=source.id, text=source.text, done=place is not None, words=words))
    return tuple(steps)
