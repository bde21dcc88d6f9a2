"""What is odd between rules: words and sentences that two of them share, or that any call is full of."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from rapidfuzz import fuzz

from rtig.core.conditions import Said
from rtig.core.matcher import Matcher
from rtig.core.playbook import MeaningSource, Playbook
from rtig.core.text import words
from rtig.core.triggers import Rule
from rtig.core.utterances import WINDOW_WORDS
from rtig.knowledge.base import KnowledgeBase, Spot
from rtig.knowledge.finding import Finding, place_of, warning
from rtig.knowledge.nearness import wordings

FEW_SENTENCES = 3
FEW_WORDS = 3
ALIKE = 92
"""From this likeness on (0 to 100), words in any order, two sentences are one."""
LEAST_UNDERSTOOD = 1 / 5
"""Of a meaning's own sentences, unseen: with less, the next customer will not be understood either."""
OFTEN = 1 / 300
"""Of sentences that call for nothing; a call has some twenty a minute."""

_NOTATION = re.compile(r"\([^()]*\|[^()]*\)|\)\?|~\d|\w[*+](?=\s|$)|\{\w+\}")


def said_by_two(knowledge: KnowledgeBase) -> Iterator[Finding]:
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
                        yield warning(
                            knowledge.spots[f"{rule.id}:{phrase}"],
                            f'"{" ".join(wording)}" brings up `{other}` too',
                            f"See {place_of(spot)}; tell them apart with more words or `unless`",
                        )


def odd_sentences(knowledge: KnowledgeBase) -> Iterator[Finding]:
    """Sentences from which nothing, or the wrong thing, is learned."""
    spots = knowledge.spots
    seen: list[tuple[str, str, MeaningSource]] = []
    for meaning in knowledge.source.meanings:
        own = [one for one in meaning.examples if f"{meaning.rule}:{one}" in spots]  # its title is none of them
        for sentence in own:
            said = words(sentence).norms
            spot = spots[f"{meaning.rule}:{sentence}"]
            if _NOTATION.search(sentence):
                yield warning(
                    spot,
                    "`means` takes sentences, and this is a phrase",
                    "Write it as a customer says it, or put it under `said`",
                )
            elif len(said) < FEW_WORDS:
                yield warning(
                    spot,
                    f"`{sentence}` could be about anything",
                    "Write a sentence that names its subject, as customers say it",
                )
            elif len(said) > WINDOW_WORDS:
                yield warning(
                    spot,
                    f"this sentence has {len(said)} words, and speech is read {WINDOW_WORDS} at a time",
                    "Write what a customer says in one breath",
                )
            key = " ".join(sorted(said))
            for known, other, its in seen:
                rivals = meaning.competes and its.competes
                if not fuzz.ratio(key, known, score_cutoff=ALIKE) or not (rivals or meaning.rule == its.rule):
                    continue
                if meaning.rule == its.rule:
                    again = spots.get(f"{meaning.rule}:{sentence}:again", spot) if sentence == other else spot
                    yield warning(again, "this sentence is given twice", "Another wording teaches more")
                else:
                    yield warning(
                        spot,
                        f"`{its.rule}` has the same sentence, so either may come for it",
                        f"See {place_of(spots[f'{its.rule}:{other}'])}; keep it where it belongs, or tell them apart",
                    )
                break
            seen.append((key, sentence, meaning))
        begin = spots[f"{meaning.rule}/means"]
        described = bool(own) and spots[f"{meaning.rule}:{own[0]}"] == begin  # a list begins before its first sentence
        if len(own) < FEW_SENTENCES and not described:
            yield warning(
                begin,
                f"`{meaning.rule}` is to be understood from {len(own)} sentence{'s' if len(own) > 1 else ''}",
                "Give five to ten, each worded as another customer would",
            )


def not_understood(knowledge: KnowledgeBase, learned: Mapping[str, tuple[int, int]]) -> Iterator[Finding]:
    """Meanings that a model cannot tell from what means nothing, as surely as false alarms must be rare."""
    target = knowledge.source.false_alarms
    alarms = f"{target:g} false alarm{'' if target == 1 else 's'} in 100"
    for meaning in knowledge.source.meanings:
        understood, sentences = learned.get(meaning.id, (0, 0))
        if sentences and understood < LEAST_UNDERSTOOD * sentences:
            yield warning(
                knowledge.spots[f"{meaning.rule}/means"],
                f"`{meaning.rule}` cannot be told from what means nothing at {alarms}: "
                f"{understood} of its {sentences} sentences are understood when they are new",
                "Name the subject in each sentence, as customers say it, and give five to ten",
            )


def said_in_any_call(playbook: Playbook, talk: Collection[str], spots: Mapping[str, Spot]) -> Iterator[Finding]:
    """Phrases that are said where nothing is called for. Measured, each sentence by itself and only as written."""
    owners: dict[int, list[Rule]] = {}
    for rule in playbook.rules.values():
        for clause in rule.clauses:
            condition = clause.condition  # one that is combined with others may well be common
            if isinstance(condition, Said) and condition.party != "agent" and condition.first_ms is None:
                for phrase in condition.phrases:
                    owners.setdefault(playbook.number(phrase, condition.tolerance), []).append(rule)
    heard: Counter[int] = Counter()
    for sentence in talk:
        heard.update(_numbers(playbook.matcher, sentence))
    for number, times in heard.items():
        if times > OFTEN * len(talk):
            for rule in owners.get(number, ()):
                yield warning(
                    spots[f"{rule.id}:{playbook.phrases[number].phrase}"],
                    f"this is said in {times} of {len(talk):,} sentences that call for nothing",
                    "Say more of what it is about",
                )


def _numbers(matcher: Matcher, sentence: str) -> set[int]:
    _, found = matcher.walk(matcher.start, words(sentence).norms)
    return {number for _, number, _, bent, _, _ in found if not bent}
