"""What is allowed in a knowledge base and seldom meant: rules that never fire, or always, cards with nothing to say.

What makes a knowledge base unusable is the reader's to raise; here it becomes findings beside the warnings. Each check
is a function from the knowledge base to findings. None guesses: where a line of the shipped knowledge base would be
found fault with, the check is wrong.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from msgspec.structs import replace

from rtig.core.conditions import NotSaid, Said, SaidAgain, SlotIs, parts
from rtig.core.phrases import parse, slots_of
from rtig.core.playbook import Playbook, Source
from rtig.core.slots import slots_in
from rtig.core.triggers import Clause, Rule, StepSource
from rtig.errors import PlaybookErrors
from rtig.knowledge.base import FOLDERS, KnowledgeBase, Spot, compiled, read
from rtig.knowledge.finding import Finding, mistake, warning
from rtig.knowledge.library import text_of
from rtig.knowledge.linting_rivals import not_understood, odd_sentences, said_by_two, said_in_any_call
from rtig.knowledge.linting_rules import odd_rule, too_common
from rtig.knowledge.nearness import wordings
from rtig.script import Script

LONGEST_BODY = 150
"""Words: more is not read while somebody waits."""
_STEPS = re.compile(r"#{1,6}\s*(?:the )?(?:next )?steps?\b.*|\*\*steps:?\*\*:?", re.IGNORECASE)

Learn = Callable[[Playbook], Mapping[str, tuple[int, int]]]
"""A model learns a playbook's meanings: of each, how many of its sentences it understands, and how many there are."""
Talk = Callable[[str], Collection[str]]
"""What people say in calls that calls for nothing, in a language."""


def lint(folder: Path, today: date, *, learn: Learn | None = None, talk: Talk | None = None) -> list[Finding]:
    """All that is wrong in a folder, or, where nothing is, all that is odd; in the order of files and lines.

    `learn`: a model, without which nothing is said of how well `means` is understood. `talk`: without it nothing is
    said of rules that fire on everything.
    """
    try:
        knowledge = read(folder)
    except PlaybookErrors as errors:
        return [
            Finding(severity="error", path=e.path, line=e.line, column=e.column, problem=e.problem, mend=e.mend)
            for e in errors.errors
        ]
    found = [
        *_astray(folder),
        *_attention(knowledge),
        *_tests(knowledge),
        *_ticks(knowledge),
        *_pages(knowledge, today),
        *_layout(knowledge, folder),
        *_titles(knowledge),
        *_names(knowledge),
        *said_by_two(knowledge),
        *odd_sentences(knowledge),
        *_slots(knowledge),
        *_checklists(knowledge),
        *_signals(knowledge),
    ]
    for rule in knowledge.source.rules:
        found.extend(odd_rule(rule, knowledge))
    if talk is not None or learn is not None:
        playbook = compiled(knowledge.source)
        if talk is not None:
            found.extend(said_in_any_call(playbook, talk(playbook.source.language), knowledge.spots))
        if learn is not None and playbook.meanings:
            found.extend(not_understood(knowledge, learn(playbook)))
    once = {(f.path, f.line, f.column, f.problem): f for f in found}
    return [once[key] for key in sorted(once)]


# --- the folder


def _astray(folder: Path) -> Iterator[Finding]:
    """Folders whose names look like those that are read, and are not: `trigger/` would be left out in silence."""
    for path in sorted(folder.iterdir()):
        near_by = get_close_matches(path.name.lower(), FOLDERS, n=1, cutoff=0.75)
        if path.is_dir() and path.name not in FOLDERS and near_by:
            yield warning(Spot(f"{path.name}/", 0, 0), "this folder is not read", f"Did you mean `{near_by[0]}/`?")


def _attention(knowledge: KnowledgeBase) -> Iterator[Finding]:
    attention, spots = knowledge.source.attention, knowledge.spots
    for key, ms, what in (
        ("patience", attention.patience_ms, "a card that has to wait for its turn is always dropped"),
        ("ttl", attention.ttl_ms, "a card is stale before the next one may come"),
    ):
        if ms < attention.gap_ms:
            spot = spots.get(f"kb.yaml/{key}", spots.get("kb.yaml/gap", Spot("kb.yaml", 0, 0)))
            yield warning(spot, f"`{key}` is shorter than `gap`: {what}", f"Make `{key}` longer, or `gap` shorter")


def _tests(knowledge: KnowledgeBase) -> Iterator[Finding]:
    rules = {rule.id: rule for rule in knowledge.source.rules}
    for trial in knowledge.trials:
        expected = [one.card for one in trial.expect or ()]
        named = (("expect", expected), ("alerts", trial.alerts or ()), ("never", trial.never))
        for key, card in [(key, card) for key, cards in named for card in cards]:
            spot = knowledge.spots[f"{trial.id}/{key}/{card}"]
            to = rules[card].to if card in rules else "agent"
            if key == "expect" and to == "supervisors":
                yield mistake(spot, f"`{card}` is an alert for supervisors and no card", "Put it under `alerts`")
            elif key == "alerts" and card in rules and to == "agent":
                yield mistake(spot, f"`{card}` brings a card and no alert for supervisors", "Put it under `expect`")
            elif card not in rules:
                yield mistake(
                    spot,
                    f"no article or trigger is called `{card}`",
                    "A card is named by the id of its article or trigger",
                )
            elif key == "never" and card in (*expected, *(trial.alerts or ())):
                where = "expect" if card in expected else "alerts"
                yield warning(spot, f"`{card}` is expected in this test too", f"Take it out of `{where}` or of `never`")
            elif key != "never" and rules[card].draft:
                yield warning(
                    spot, f"`{card}` is a draft and never comes", "Take `status: draft` from it, or its name from here"
                )


# --- articles


def _pages(knowledge: KnowledgeBase, today: date) -> Iterator[Finding]:
    spots = knowledge.spots
    spoken = knowledge.source.language
    for page in knowledge.pages:
        if page.review_by is not None and page.review_by < today:
            yield warning(
                spots[f"{page.id}/review_by"],
                f"`{page.id}` was to be reviewed by {page.review_by}",
                "Read it, then set the next date",
            )
        if page.valid_from is not None and page.valid_from > today:
            yield warning(
                spots[f"{page.id}/valid_from"],
                f"`{page.id}` is valid from {page.valid_from} on, and shown from now on",
                "Give its triggers `status: draft` until then",
            )
        if f"{page.id}/language" in spots and _tongue(page.language) != _tongue(spoken):
            yield warning(
                spots[f"{page.id}/language"],
                f"`{page.id}` is in `{page.language}`, and its phrases are listened for in `{spoken}`",
                "Keep one knowledge base for each language",
            )


def _tongue(language: str) -> str:
    return language.partition("-")[0].lower()


def _layout(knowledge: KnowledgeBase, folder: Path) -> Iterator[Finding]:
    """How an article's Markdown is laid out; a card is read while somebody waits."""
    rules = {rule.id: rule for rule in knowledge.source.rules}
    for page in knowledge.pages:
        rule, begin = rules[page.id], knowledge.spots[f"{page.id}/body"]
        if not rule.body and not rule.steps and not rule.say:
            yield warning(begin, f"`{page.id}` shows nothing under its title", "Write what the agent needs to know")
        lines = (folder / begin.path).read_text("utf-8-sig").split("\n")[begin.line - 1 :]
        long = len(text_of(replace(rule, say="")).split())
        if long > LONGEST_BODY:
            yield warning(begin, f"`{page.id}` has {long} words", "Keep what is read in five seconds; link to the rest")
        if not rule.steps:
            for number, line in enumerate(lines, begin.line):
                if _STEPS.fullmatch(line.strip()):
                    yield warning(
                        Spot(begin.path, number, 1),
                        "these steps do not become a checklist",
                        "Head them with `## Steps` and number them",
                    )


def _ticks(knowledge: KnowledgeBase) -> Iterator[Finding]:
    known = {f"{owner.removesuffix('/steps')}/{step.id}" for owner, steps in _lists(knowledge.source) for step in steps}
    for trial in knowledge.trials:
        for name in trial.ticked or ():
            if name not in known:
                yield mistake(
                    knowledge.spots[f"{trial.id}/ticked/{name}"],
                    f"there is no step `{name}`",
                    "A step is named by its list and its id, that of an article by its number",
                )


def _titles(knowledge: KnowledgeBase) -> Iterator[Finding]:
    first: dict[str, Rule] = {}
    for rule in knowledge.source.rules:
        other = first.setdefault(rule.title.casefold(), rule)
        if other is not rule:
            yield warning(
                knowledge.spots[f"{rule.id}/title"],
                f"`{other.id}` has the same title",
                "Agents tell cards apart by their titles: name what is particular to each",
            )


def _names(knowledge: KnowledgeBase) -> Iterator[Finding]:
    """Queues and teams that are spelled like another one: their cards never come."""
    for key in ("queues", "teams"):
        used = Counter(name for rule in knowledge.source.rules for name in getattr(rule, key))
        used.update(s.queue for s in _scripts(knowledge) if s.queue and key == "queues")
        for rule in knowledge.source.rules:
            for name in getattr(rule, key):
                near_by = [o for o in get_close_matches(name, used, n=3, cutoff=0.8) if used[o] > used[name]]
                if near_by:
                    yield warning(
                        knowledge.spots[f"{rule.id}/{key}"],
                        f"`{name}` is named here alone, and `{near_by[0]}` elsewhere",
                        f"Did you mean `{near_by[0]}`?",
                    )


def _scripts(knowledge: KnowledgeBase) -> Iterable[Script]:
    return [*knowledge.calls.values(), *(trial.script for trial in knowledge.trials)]


# --- slots, checklists, lexicons


def _slots(knowledge: KnowledgeBase) -> Iterator[Finding]:
    source = knowledge.source
    phrases = [phrase for slot in source.slots for phrase in slot.said]
    phrases += [p for rule in source.rules for clause in rule.clauses for p in _all_phrases(clause)]
    phrases += [phrase for _, steps in _lists(source) for step in steps for phrase in step.said]
    taken = {name for phrase in phrases if "{" in phrase for name in slots_of(parse(phrase))}
    used = {name for rule in source.rules for name in slots_in(rule.say)}
    for condition in [c.condition for rule in source.rules for c in rule.clauses] + [s.when for s in source.slots]:
        used.update(part.slot for part in (parts(condition) if condition else ()) if isinstance(part, SlotIs))
    for slot in source.slots:
        if slot.id not in taken:
            yield warning(
                knowledge.spots[slot.id],
                f"nothing captures `{slot.id}`",
                f"Write `{{{slot.id}}}` in a phrase, under its `said` for one",
            )
        elif slot.id not in used:
            yield warning(
                knowledge.spots[slot.id],
                f"`{slot.id}` is kept, and nothing asks for it",
                "Use it in a `say` or a condition, or take it out",
            )


def _all_phrases(clause: Clause) -> Iterator[str]:
    for part in parts(clause.condition):
        if isinstance(part, Said | NotSaid | SaidAgain):
            yield from part.phrases
    yield from clause.unless
    yield from clause.done


def _lists(source: Source) -> Iterator[tuple[str, tuple[StepSource, ...]]]:
    for rule in source.rules:
        yield f"{rule.id}/steps", rule.steps
    for checklist in source.checklists:
        yield checklist.id, checklist.steps


def _checklists(knowledge: KnowledgeBase) -> Iterator[Finding]:
    for owner, steps in _lists(knowledge.source):
        first: dict[tuple[str, ...], str] = {}
        for step in steps:
            for phrase in step.said:
                both = {first.setdefault((step.party, *wording), step.id) for wording in wordings(phrase)} - {step.id}
                if both:
                    spot = knowledge.spots[f"{owner}:{phrase}"]
                    yield warning(
                        knowledge.spots.get(f"{owner}:{phrase}:again", spot),
                        f"this ticks `{min(both)}` and `{step.id}` at once",
                        "A step is ticked by words that belong to it alone",
                    )


def _signals(knowledge: KnowledgeBase) -> Iterator[Finding]:
    spots = knowledge.spots
    first: dict[tuple[str, ...], str] = {}
    for part in knowledge.source.signals:
        name = part.signal.id
        if part.signal.weight == 0:
            yield warning(spots[name], f"the signal `{name}` weighs nothing", "Give it a `weight`, or take it out")
        for phrase in part.said:
            yield from too_common(phrase, spots[f"{name}:{phrase}"])
            others = {first.setdefault(wording, name) for wording in wordings(phrase)} - {name}
            if others:
                yield warning(
                    spots[f"{name}:{phrase}"],
                    f"this counts for `{min(others)}` too, so it weighs twice",
                    "Keep it in one of them",
                )
