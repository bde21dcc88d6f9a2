"""What an author asks before a change: do the tests still hold, what would this sentence bring up?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from msgspec import Struct

from rtig.core import checklists, derive, lookup
from rtig.core.call import Call
from rtig.core.conditions import Said, by
from rtig.core.events import AnyEvent, CallStarted, ClockTicked, Party, SegmentHeard, SourceEvent
from rtig.core.guidance import Band, Bend, Card, CardKind, Quote
from rtig.core.playbook import ClauseRef, Playbook
from rtig.core.redaction import redacted
from rtig.core.slots import filled
from rtig.core.text import words
from rtig.core.transcript import Heard
from rtig.core.triggers import Audience, Moment, Rule, in_words
from rtig.knowledge.base import KnowledgeBase, Trial, compiled
from rtig.knowledge.explain import explain, in_the_way, listens_at, polar, window
from rtig.knowledge.hearing import Read, heard
from rtig.knowledge.library import Hit, Library, merged
from rtig.knowledge.nearness import near
from rtig.script import Script, line_of, perform

NEAR_FROM = 0.5
NEAREST = 5
TURN_OVER_MS = 2_000
"""A pause after which nobody's turn goes on."""


# --- tests


class Shown(Struct, frozen=True, kw_only=True):
    """A card that a scripted call brought. `line` counts from 1; 0 where no words brought it."""

    card: str
    line: int
    words: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """How a scripted call went. `diff` is empty where it passed; otherwise expected and shown cards, as in a diff.

    `alerts` are the rules whose alerts were raised, in their order.
    """

    id: str
    title: str
    passed: bool
    shown: tuple[Shown, ...]
    alerts: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()


def run_tests(
    knowledge: KnowledgeBase, playbook: Playbook | None = None, read: Read | None = None
) -> Iterator[Verdict]:
    """Play every scripted call, one verdict as each ends. `playbook` is the knowledge base's own unless given."""
    playbook = playbook if playbook is not None else compiled(knowledge.source)
    for trial in knowledge.trials:
        yield run_test(playbook, trial, read)


def run_test(playbook: Playbook, trial: Trial, read: Read | None = None) -> Verdict:
    """`read`: a model, without which nothing is understood but words."""
    *_, last = heard(playbook, trial.script.id, performed(trial.script), read)
    shown, alerts = _shown(last.call), _alerts(last.call)
    diff = [
        *_against(playbook, trial, shown, read),
        *_raised(playbook, trial, alerts, read),
        *_ticked(trial, last.call),
        *_forbidden(trial, shown, alerts),
    ]
    return Verdict(id=trial.id, title=trial.title, passed=not diff, shown=tuple(shown), alerts=alerts, diff=tuple(diff))


def _shown(call: Call) -> list[Shown]:
    cards = [card for card in call.told.cards.values() if card.state == "confirmed"]
    cards.sort(key=lambda card: (card.shown_ms, card.at_ms, -card.priority, card.id))
    return [_as_shown(card) for card in cards]


def _alerts(call: Call) -> tuple[str, ...]:
    raised = [alert for alert in call.told.alerts.values() if alert.reason != "revised"]
    return tuple(alert.id for alert in sorted(raised, key=lambda alert: (alert.raised_ms, alert.id)))


def performed(script: Script, call_id: str = "") -> list[SourceEvent]:
    """The events of a script as a server folds them: personal data masked."""
    return [redacted(scheduled.event)[0] for scheduled in perform(script, call_id)]


def _as_shown(card: Card) -> Shown:
    line = line_of(card.why.words[-1].segment_id) if card.why.words else 0
    return Shown(card=card.why.rule, line=line, words=" … ".join(quote.text for quote in card.why.words))


def _against(playbook: Playbook, trial: Trial, shown: Sequence[Shown], read: Read | None) -> Iterator[str]:
    if trial.expect is None:
        return
    wanted = [expected.card for expected in trial.expect]
    got = [card.card for card in shown]
    lines: list[str] = []
    wrong = False
    for change, a, b, c, d in SequenceMatcher(None, wanted, got, autojunk=False).get_opcodes():
        if change == "equal":
            for expected, card in zip(trial.expect[a:b], shown[c:d], strict=True):
                if expected.line is not None and expected.line != card.line:
                    wrong = True
                    lines.append(f"- {expected.card}, brought by line {expected.line}")
                    lines.append(f"+ {_told(card)}")
                else:
                    lines.append(f"  {_told(card)}")
            continue
        wrong = True
        for expected in trial.expect[a:b]:
            where = f", brought by line {expected.line}" if expected.line is not None else ""
            lines.append(f"- {expected.card}{where}: {_why_not(playbook, trial.script, expected.card, read)}")
        lines.extend(f"+ {_told(card)}" for card in shown[c:d])
    if wrong:
        yield from lines


def _raised(playbook: Playbook, trial: Trial, alerts: Sequence[str], read: Read | None) -> Iterator[str]:
    if trial.alerts is None or trial.alerts == alerts:
        return
    for change, a, b, c, d in SequenceMatcher(None, trial.alerts, alerts, autojunk=False).get_opcodes():
        if change == "equal":
            yield from (f"  alert {name}" for name in alerts[c:d])
            continue
        for name in trial.alerts[a:b]:
            yield f"- alert {name}: {_why_not(playbook, trial.script, name, read)}"
        yield from (f"+ alert {name}" for name in alerts[c:d])


def _ticked(trial: Trial, call: Call) -> Iterator[str]:
    wanted = set(trial.ticked or ())
    named = {name.partition("/")[0] for name in wanted}
    ticked = {name for name in steps_ticked(call) if name.partition("/")[0] in named}
    yield from (f"- {name} ticked" for name in sorted(wanted - ticked))
    yield from (f"+ {name} ticked" for name in sorted(ticked - wanted))


def steps_ticked(call: Call) -> set[str]:
    """Steps that are done: of checklists as `opening/greet`, of the articles that came as `bill-doubled/2`."""
    owners = {name: card.why.rule for name, card in call.told.cards.items()}
    return {
        f"{owners.get(one.id, one.id)}/{step.id}"
        for one in call.told.checklists.values()
        for step in one.steps
        if step.done
    }


def _forbidden(trial: Trial, shown: Iterable[Shown], alerts: Iterable[str]) -> Iterator[str]:
    for card in shown:
        if card.card in trial.never:
            yield f"! {_told(card)}: must never be shown here"
    for name in alerts:
        if name in trial.never:
            yield f"! alert {name}: must never be raised here"


def _told(card: Shown) -> str:
    return f'{card.card}, line {card.line}: "{card.words}"' if card.line else f"{card.card}, without words"


def _why_not(playbook: Playbook, script: Script, rule: str, read: Read | None) -> str:
    if rule not in playbook.rules:
        return "no article or trigger has this id"
    story = explain(playbook, performed(script), rule, read=read).rule
    assert story is not None
    return story.verdict


# --- one sentence


Find = Callable[[str, int], Iterable[tuple[str, float]]]
"""A model: the articles nearest to a sentence, at most so many, and how near."""


class Likely(Struct, frozen=True, kw_only=True):
    """How near a sentence came to what a rule means, 0 to 1; from 0.5 on it counts as meant, of articles the likeliest.

    `lost_to`: the article that was likelier.
    """

    rule: str
    score: float
    meant: bool
    lost_to: str = ""


class Fired(Struct, frozen=True, kw_only=True):
    """A rule whose condition one sentence met. `held_back` says why no card would come of it by itself."""

    rule: str
    to: Audience = "agent"
    kind: CardKind
    title: str
    say: str
    """With what the sentence filled its slots with."""
    priority: int
    condition: str
    phrase: str
    words: tuple[Quote, ...]
    bends: tuple[Bend, ...] = ()
    """Words that were heard otherwise than they are written."""
    score: float | None = None
    """How sure a model is, where it was meant and not said."""
    near: tuple[str, ...] = ()
    """Articles that are about as likely to be meant."""
    held_back: str = ""


class Miss(Struct, frozen=True, kw_only=True):
    """A rule that the sentence came near to. `share` is how much of the phrase was there, 0 to 1."""

    rule: str
    title: str
    phrase: str
    share: float
    because: str


class Weighed(Struct, frozen=True):
    """What moved the mood, by how much of the patience that was left, and the words."""

    what: str
    weight: float
    words: tuple[Quote, ...]


class Found(Struct, frozen=True, kw_only=True):
    """An article that a search for the sentence finds. `score`: larger is nearer, and only within one search."""

    article: str
    title: str
    score: float


class Tried(Struct, frozen=True, kw_only=True):
    """What one sentence would bring up. Fired rules come in the order in which their cards would."""

    fired: tuple[Fired, ...]
    slots: dict[str, str]
    """What the sentence filled."""
    ticked: tuple[str, ...]
    """Steps of checklists, as `opening/opening-greet`, and of articles, as `bill-doubled/2`."""
    score: float
    band: Band
    reasons: tuple[Weighed, ...]
    near: tuple[Miss, ...]
    likely: tuple[Likely, ...] | None
    """What it may mean, the likeliest first; None where no model read it."""
    articles: tuple[Found, ...]


class _Said(NamedTuple):
    call: Call
    moments: list[Moment]


def try_sentence(
    playbook: Playbook,
    sentence: str,
    party: Party = "customer",
    *,
    queue: str = "",
    at_ms: int = 0,
    read: Read | None = None,
    find: Find | None = None,
) -> Tried:
    """What would happen if a party said a sentence as the first words of a call, `at_ms` after its start.

    `read` and `find`: a model that understands it, and searches for it; without them words alone count.
    """
    said = _say(playbook, sentence, party, queue, at_ms, read)
    fired = [_fired(playbook, said.call, moment) for moment in said.moments]
    mood = said.call.told.mood
    known = {entry.rule for entry in fired}
    misses = [
        m
        for rule in playbook.rules.values()
        if rule.id not in known and (m := _miss(playbook, said.call, rule, sentence, party))
    ]
    misses.sort(key=lambda m: (-m.share, m.rule))
    reasons = mood.reasons if mood is not None else ()
    return Tried(
        fired=tuple(fired),
        slots=lookup.values(playbook, said.call, said.call.now),
        ticked=_steps_done(playbook, said.call),
        score=mood.score if mood is not None else 0.0,
        band=mood.band if mood is not None else "calm",
        reasons=tuple(Weighed(r.what, r.weight, r.words) for r in reasons),
        near=tuple(misses[:NEAREST]),
        likely=_likely(playbook, said.call) if read is not None else None,
        articles=_articles(playbook, sentence, find),
    )


def _steps_done(playbook: Playbook, call: Call) -> tuple[str, ...]:
    """Of articles too whose cards have not come: an author asks what a sentence would tick."""
    done = steps_ticked(call)
    for name in playbook.rules_with_steps:
        steps = playbook.rules[name].steps
        done |= {f"{name}/{step.id}" for step in steps if checklists.done(playbook, call, step) is not None}
    return tuple(sorted(done))


def _say(playbook: Playbook, sentence: str, party: Party, queue: str, at_ms: int, read: Read | None) -> _Said:
    *_, last = heard(playbook, "try", sentence_said(sentence, party, queue, at_ms), read)
    call = last.call
    moments: dict[str, Moment] = {}
    for moment in sorted((m for found in call.moments.values() for m in found if m.quotes), key=lambda m: m.order):
        known = moments.get(moment.rule.id)
        if known is None or (known.blocked and not moment.blocked):
            moments[moment.rule.id] = moment
    ranked = sorted(moments.values(), key=lambda m: (bool(m.blocked), -m.rule.priority, m.order))
    return _Said(call, ranked)


def sentence_said(sentence: str, party: Party, queue: str, at_ms: int) -> tuple[AnyEvent, ...]:
    """A call in which a party said one sentence, and then nobody spoke for a moment."""
    spoken = SegmentHeard(
        call_id="try", segment_id="1.1", rev=1, party=party, text=sentence, final=True, turn_end=True,
        start_ms=at_ms, end_ms=at_ms + 300 * len(sentence.split()),
    )  # fmt: skip
    over = ClockTicked(call_id="try", at_ms=spoken.end_ms + TURN_OVER_MS)
    return CallStarted(call_id="try", queue=queue), spoken, over


def _fired(playbook: Playbook, call: Call, moment: Moment) -> Fired:
    held_back = {
        "": "",
        "excluded": f"`{moment.by}` under `unless` was said too",
        "done": "the agent did it unprompted",
        "draft": "it is a draft",
        "queue": f"only in the queues {', '.join(moment.rule.queues)}",
        "team": f"only in the teams {', '.join(moment.rule.teams)}",
        "channel": f"only on {' and '.join(moment.rule.channels)}",
        "late": "too late",
    }[moment.blocked]
    beaten = [no for no in call.told.choice.withheld.values() if no.moment.order == moment.order]
    if not held_back and beaten and beaten[0].reason == "beaten":
        held_back = f"the same words call for {beaten[0].by} more surely"
    meant = moment.meant
    return Fired(
        rule=moment.rule.id,
        to=moment.rule.to,
        kind=moment.rule.kind,
        title=moment.rule.title,
        say=_say_filled(playbook, call, moment),
        priority=moment.rule.priority,
        condition=in_words(moment),
        phrase=moment.phrase,
        words=moment.quotes,
        bends=moment.bends,
        score=round(meant.score, 2) if meant is not None else None,
        near=tuple(playbook.meanings[name].rule for name, _ in meant.near) if meant is not None else (),
        held_back=held_back,
    )


def _say_filled(playbook: Playbook, call: Call, moment: Moment) -> str:
    said = filled(moment.rule.say, lookup.values(playbook, call, moment.at_ms))
    return moment.rule.say_without if said is None else said


def _likely(playbook: Playbook, call: Call) -> tuple[Likely, ...]:
    """Of each rule the likeliest reading, in any part of the sentence."""
    best: dict[str, Likely] = {}
    for scores in call.readings.values():
        known = sorted(((score, name) for name, score in scores.items() if name in playbook.meanings), reverse=True)
        rivals = [name for _, name in known if playbook.meanings[name].competes]
        for score, name in known:
            meaning = playbook.meanings[name]
            enough = score >= derive.MEANT_FROM
            lost = enough and meaning.competes and rivals[0] != name
            found = Likely(
                rule=meaning.rule,
                score=round(score, 2),
                meant=enough and not lost,
                lost_to=playbook.meanings[rivals[0]].rule if lost else "",
            )
            if meaning.rule not in best or best[meaning.rule].score < found.score:
                best[meaning.rule] = found
    return tuple(sorted(best.values(), key=lambda one: (-one.score, one.rule))[:NEAREST])


def _articles(playbook: Playbook, sentence: str, find: Find | None) -> tuple[Found, ...]:
    library = Library(playbook)
    by_words = library.find(sentence, NEAREST)
    hits: list[Hit] = by_words
    if find is not None:
        hits = merged(by_words, find(sentence, NEAREST), NEAREST)
    return tuple(
        Found(article=hit.id, title=library.articles[hit.id].title, score=round(hit.score, 2))
        for hit in hits
        if hit.id in library.articles
    )


def _miss(playbook: Playbook, call: Call, rule: Rule, sentence: str, party: Party) -> Miss | None:
    """The phrase of a rule that the sentence came nearest to, and what stood in its way."""
    spoken = words(sentence).norms
    best: Miss | None = None
    for index, clause in enumerate(rule.clauses):
        for condition, negated in polar(clause.condition):
            if negated or not isinstance(condition, Said):
                continue
            for phrase in condition.phrases:
                places = lookup.heard_places(playbook, call.heard, phrase, condition.tolerance)
                if places:
                    share = 1.0
                    because = _in_its_way(playbook, call, ClauseRef(rule.id, index), condition, places[0])
                else:
                    found = near(phrase, spoken)
                    if found is None or not by(party, condition.party):
                        continue
                    share = found.share
                    because = (
                        "not said: " + ", ".join(f"`{slot}`" for slot in found.missing)
                        if found.missing
                        else "all of its words, in another order or too far apart"
                    )
                if because and share > NEAR_FROM and (best is None or share > best.share):
                    best = Miss(rule=rule.id, title=rule.title, phrase=phrase, share=round(share, 2), because=because)
    return best


def _in_its_way(playbook: Playbook, call: Call, ref: ClauseRef, condition: Said, place: Heard) -> str:
    """Why a phrase that was said brought nothing; empty where it was to bring nothing."""
    if not by(place.party, condition.party):
        return f"it listens to the {condition.party}"
    if not listens_at(condition, place.end_ms):
        return f"it is heard only {window(condition)}"
    return in_the_way(playbook.clause(ref).condition, place.end_ms, lookup.heardings(playbook, call))
