"""What an author asks before a change: is it well made, do the tests still hold, what would this sentence bring up?

Mistakes that make a knowledge base unusable are `knowledge`'s to raise; here they become findings beside the warnings,
which say what is allowed and seldom meant.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from rtig.core import derive, engine
from rtig.core.call import Call
from rtig.core.conditions import NotSaid, Said, parts
from rtig.core.events import CallStarted, Party, SegmentHeard, SourceEvent
from rtig.core.guidance import Band, Card, CardKind, Quote
from rtig.core.playbook import Playbook
from rtig.core.redaction import redacted
from rtig.core.text import words
from rtig.core.triggers import Clause, Moment, Rule, in_words
from rtig.errors import PlaybookErrors
from rtig.knowledge.base import FOLDERS, KnowledgeBase, Page, Spot, Trial, compiled, read
from rtig.knowledge.explain import explain, window
from rtig.knowledge.nearness import COMMON, near, wordings
from rtig.script import Script, line_of, perform

LONGEST_SAID = 8
"""Words: nobody says more than this twice in the same way."""
NEAR_FROM = 0.5
NEAREST = 5


# --- lint


class Finding(Struct, frozen=True, kw_only=True):
    """Something in a knowledge base that is wrong or odd. `line` and `column` count from 1; 0 means the whole file."""

    severity: Literal["error", "warning"]
    path: str
    line: int
    column: int
    problem: str
    mend: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{where}: {self.severity}: {self.problem}" + (f". {self.mend}" if self.mend else "")


def lint(folder: Path, today: date) -> list[Finding]:
    """All that is wrong in a folder, or, where nothing is, all that is odd; in the order of files and lines."""
    try:
        knowledge = read(folder)
    except PlaybookErrors as errors:
        return [
            Finding(severity="error", path=e.path, line=e.line, column=e.column, problem=e.problem, mend=e.mend)
            for e in errors.errors
        ]
    found = [*_astray(folder), *_unknown_cards(knowledge), *_dates(knowledge.pages, knowledge.spots, today)]
    for rule in knowledge.source.rules:
        found.extend(_odd_rule(rule, knowledge.spots))
    for part in knowledge.source.signals:
        if part.signal.weight == 0:
            found.append(_warn(knowledge.spots[part.signal.id], f"the signal `{part.signal.id}` weighs nothing"))
        for phrase in part.said:
            found.extend(_too_common(part.signal.id, phrase, knowledge.spots))
    found.extend(_said_by_two(knowledge))
    return sorted(found, key=lambda f: (f.path, f.line, f.column, f.problem))


def _warn(spot: Spot, problem: str, mend: str = "") -> Finding:
    return Finding(severity="warning", path=spot.path, line=spot.line, column=spot.column, problem=problem, mend=mend)


def _astray(folder: Path) -> Iterator[Finding]:
    """Folders whose names look like those that are read, and are not: `trigger/` would be left out in silence."""
    for path in sorted(folder.iterdir()):
        near_by = get_close_matches(path.name.lower(), FOLDERS, n=1, cutoff=0.75)
        if path.is_dir() and path.name not in FOLDERS and near_by:
            yield _warn(Spot(f"{path.name}/", 0, 0), "this folder is not read", f"Did you mean `{near_by[0]}/`?")


def _unknown_cards(knowledge: KnowledgeBase) -> Iterator[Finding]:
    rules = {rule.id for rule in knowledge.source.rules}
    for trial in knowledge.trials:
        named = [("expect", expected.card) for expected in trial.expect or ()] + [("never", c) for c in trial.never]
        for key, card in named:
            if card not in rules:
                spot = knowledge.spots[f"{trial.id}/{key}/{card}"]
                yield Finding(
                    severity="error",
                    path=spot.path,
                    line=spot.line,
                    column=spot.column,
                    problem=f"no article or trigger is called `{card}`",
                    mend="A card is named by the id of its article or trigger",
                )


def _dates(pages: Iterable[Page], spots: dict[str, Spot], today: date) -> Iterator[Finding]:
    for page in pages:
        if page.review_by is not None and page.review_by < today:
            yield _warn(
                spots[f"{page.id}/review_by"],
                f"`{page.id}` was to be reviewed by {page.review_by}",
                "Read it, then set the next date",
            )
        if page.valid_from is not None and page.valid_from > today:
            yield _warn(
                spots[f"{page.id}/valid_from"],
                f"`{page.id}` is valid from {page.valid_from} on, and shown from now on",
            )


def _odd_rule(rule: Rule, spots: dict[str, Spot]) -> Iterator[Finding]:
    here = spots[rule.id]
    if not rule.say:
        yield _warn(here, f"`{rule.id}` has nothing to say", "Give `say` one sentence that an agent can read aloud")
    if not rule.clauses:
        yield _warn(here, f"nothing brings up `{rule.id}`", "Give it `triggers`")
    for clause, condition in ((c, part) for c in rule.clauses for part in parts(c.condition)):
        if not isinstance(condition, Said | NotSaid):
            continue
        shortest = {phrase: min(map(len, wordings(phrase)), default=0) for phrase in condition.phrases}
        if min(shortest.values()) > LONGEST_SAID:
            yield _warn(
                spots[f"{rule.id}:{condition.phrases[0]}"],
                f"every phrase of `{rule.id}` is longer than {LONGEST_SAID} words",
                "People do not say that much in the same way twice; give the few words that matter",
            )
        if isinstance(condition, Said):
            for phrase in condition.phrases:
                yield from _too_common(rule.id, phrase, spots)
                yield from _always_excluded(rule.id, phrase, clause, spots)


def _too_common(owner: str, phrase: str, spots: dict[str, Spot]) -> Iterator[Finding]:
    single = sorted({wording[0] for wording in wordings(phrase) if len(wording) == 1 and wording[0] in COMMON})
    if single:
        yield _warn(
            spots[f"{owner}:{phrase}"],
            f"`{single[0]}` alone is said in every other call",
            "Three words say what is meant",
        )


def _always_excluded(owner: str, phrase: str, clause: Clause, spots: dict[str, Spot]) -> Iterator[Finding]:
    """A phrase that holds an excluded one, whichever way it is worded, never fires."""
    for other in clause.unless:
        excluded = list(wordings(other))
        if "~" not in other and all(any(_within(x, said) for x in excluded) for said in wordings(phrase)):
            yield _warn(spots[f"{owner}:{phrase}"], f"this phrase never fires: `{other}` under `unless` is part of it")


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def _said_by_two(knowledge: KnowledgeBase) -> Iterator[Finding]:
    """Articles that the same words bring up compete for the agent's attention, and one of them loses at random."""
    first: dict[tuple[str, tuple[str, ...]], tuple[str, str]] = {}
    told: set[tuple[str, str]] = set()
    for rule in knowledge.source.rules:
        if rule.kind != "article":
            continue
        for clause in rule.clauses:
            condition = clause.condition
            if not isinstance(condition, Said):
                continue
            for phrase in condition.phrases:
                for wording in wordings(phrase):
                    other, _ = first.setdefault((condition.party, wording), (rule.id, phrase))
                    if other != rule.id and (other, rule.id) not in told:
                        told.add((other, rule.id))
                        spot = knowledge.spots[f"{other}:{first[condition.party, wording][1]}"]
                        yield _warn(
                            knowledge.spots[f"{rule.id}:{phrase}"],
                            f'"{" ".join(wording)}" brings up `{other}` too',
                            f"See {spot.path}:{spot.line}:{spot.column}; tell them apart with more words or `unless`",
                        )


# --- tests


class Shown(Struct, frozen=True, kw_only=True):
    """A card that a scripted call brought. `line` counts from 1; 0 where no words brought it."""

    card: str
    line: int
    words: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """How a scripted call went. `diff` is empty where it passed; otherwise expected and shown cards, as in a diff."""

    id: str
    title: str
    passed: bool
    shown: tuple[Shown, ...]
    diff: tuple[str, ...] = ()


def run_tests(knowledge: KnowledgeBase, playbook: Playbook | None = None) -> Iterator[Verdict]:
    """Play every scripted call, one verdict as each ends. `playbook` is the knowledge base's own unless given."""
    playbook = playbook if playbook is not None else compiled(knowledge.source)
    for trial in knowledge.trials:
        yield run_test(playbook, trial)


def run_test(playbook: Playbook, trial: Trial) -> Verdict:
    shown = _shown(playbook, trial.script)
    diff = [*_against(playbook, trial, shown), *_forbidden(trial, shown)]
    return Verdict(id=trial.id, title=trial.title, passed=not diff, shown=tuple(shown), diff=tuple(diff))


def _shown(playbook: Playbook, script: Script) -> list[Shown]:
    call: Call | None = None
    for folded in engine.rehearse(playbook, script.id, performed(script)):
        call = folded.call
    cards = [card for card in call.told.cards.values() if card.state == "confirmed"] if call is not None else []
    cards.sort(key=lambda card: (card.shown_ms, card.at_ms, -card.priority, card.id))
    return [_as_shown(card) for card in cards]


def performed(script: Script, call_id: str = "") -> list[SourceEvent]:
    """The events of a script as a server folds them: personal data masked."""
    return [redacted(scheduled.event)[0] for scheduled in perform(script, call_id)]


def _as_shown(card: Card) -> Shown:
    line = line_of(card.why.words[-1].segment_id) if card.why.words else 0
    return Shown(card=card.why.rule, line=line, words=" … ".join(quote.text for quote in card.why.words))


def _against(playbook: Playbook, trial: Trial, shown: Sequence[Shown]) -> Iterator[str]:
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
            lines.append(f"- {expected.card}{where}: {_why_not(playbook, trial.script, expected.card)}")
        lines.extend(f"+ {_told(card)}" for card in shown[c:d])
    if wrong:
        yield from lines


def _forbidden(trial: Trial, shown: Iterable[Shown]) -> Iterator[str]:
    for card in shown:
        if card.card in trial.never:
            yield f"! {_told(card)}: must never be shown here"


def _told(card: Shown) -> str:
    return f'{card.card}, line {card.line}: "{card.words}"' if card.line else f"{card.card}, without words"


def _why_not(playbook: Playbook, script: Script, rule: str) -> str:
    if rule not in playbook.rules:
        return "no article or trigger has this id"
    story = explain(playbook, performed(script), rule).rule
    assert story is not None
    return story.verdict


# --- one sentence


class Fired(Struct, frozen=True, kw_only=True):
    """A rule whose condition one sentence met. `held_back` says why no card would come of it by itself."""

    rule: str
    kind: CardKind
    title: str
    say: str
    priority: int
    condition: str
    phrase: str
    words: tuple[Quote, ...]
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


class Tried(Struct, frozen=True, kw_only=True):
    """What one sentence would bring up. Fired rules come in the order in which their cards would."""

    fired: tuple[Fired, ...]
    ticked: tuple[str, ...]
    """Checklist steps, as `opening/opening-greet`."""
    score: float
    band: Band
    reasons: tuple[Weighed, ...]
    near: tuple[Miss, ...]


class _Said(NamedTuple):
    call: Call
    moments: list[Moment]


def try_sentence(
    playbook: Playbook, sentence: str, party: Party = "customer", *, queue: str = "", at_ms: int = 0
) -> Tried:
    """What would happen if a party said a sentence as the first words of a call, `at_ms` after its start."""
    said = _say(playbook, sentence, party, queue, at_ms)
    fired = [_fired(moment) for moment in said.moments]
    mood = said.call.told.mood
    checklists = said.call.told.checklists.values()
    done = sorted(f"{checklist.id}/{step.id}" for checklist in checklists for step in checklist.steps if step.done)
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
        ticked=tuple(done),
        score=mood.score if mood is not None else 0.0,
        band=mood.band if mood is not None else "calm",
        reasons=tuple(Weighed(r.what, r.weight, r.words) for r in reasons),
        near=tuple(misses[:NEAREST]),
    )


def _say(playbook: Playbook, sentence: str, party: Party, queue: str, at_ms: int) -> _Said:
    spoken = SegmentHeard(
        call_id="try", segment_id="1.1", rev=1, party=party, text=sentence, final=True, turn_end=True,
        start_ms=at_ms, end_ms=at_ms + 300 * len(sentence.split()),
    )  # fmt: skip
    call = engine.begin("try")
    events: tuple[SourceEvent, ...] = (CallStarted(call_id="try", queue=queue), spoken)
    for seq, event in enumerate(events, 1):
        call, _ = engine.step(playbook, call, seq, event)
    moments: dict[str, Moment] = {}
    for moment in sorted((m for found in call.moments.values() for m in found if m.quotes), key=lambda m: m.order):
        known = moments.get(moment.rule.id)
        if known is None or (known.blocked and not moment.blocked):
            moments[moment.rule.id] = moment
    ranked = sorted(moments.values(), key=lambda m: (bool(m.blocked), -m.rule.priority, m.order))
    return _Said(call, ranked)


def _fired(moment: Moment) -> Fired:
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
    return Fired(
        rule=moment.rule.id,
        kind=moment.rule.kind,
        title=moment.rule.title,
        say=moment.rule.say,
        priority=moment.rule.priority,
        condition=in_words(moment),
        phrase=moment.phrase,
        words=moment.quotes,
        held_back=held_back,
    )


def _miss(playbook: Playbook, call: Call, rule: Rule, sentence: str, party: Party) -> Miss | None:
    """The phrase of a rule that the sentence came nearest to, and what stood in its way."""
    heard = words(sentence).norms
    best: Miss | None = None
    for condition in (part for clause in rule.clauses for part in parts(clause.condition)):
        if not isinstance(condition, Said):
            continue
        listens = condition.party in ("any", party)
        for phrase in condition.phrases:
            places = derive.heard_places(playbook, call.heard, phrase, condition.tolerance)
            if places:
                share = 1.0
                because = f"it is heard only {window(condition)}" if listens else f"it listens to the {condition.party}"
            else:
                found = near(phrase, heard)
                if found is None or not listens:
                    continue
                share = found.share
                because = (
                    "not said: " + ", ".join(f"`{slot}`" for slot in found.missing)
                    if found.missing
                    else "all of its words, in another order or too far apart"
                )
            if share > NEAR_FROM and (best is None or share > best.share):
                best = Miss(rule=rule.id, title=rule.title, phrase=phrase, share=round(share, 2), because=because)
    return best
