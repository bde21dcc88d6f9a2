"""What is odd in one rule: phrases that nobody says or everybody does, waits for what never comes, words for nobody."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from rtig.core.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Leaf,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    Said,
    SaidAgain,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
    parts,
)
from rtig.core.phrases import Choice, EitherWay, Item, Stem, parse
from rtig.core.shape import FLOOR_MS, GAP_MS
from rtig.core.triggers import Clause, Rule
from rtig.knowledge.base import KnowledgeBase, Spot
from rtig.knowledge.finding import Finding, warning
from rtig.knowledge.nearness import COMMON, SMALL, wordings

LONGEST_SAID = 8
"""Words: nobody says more than this twice in the same way."""
LONGEST_ALERT = 12
"""Words: a title among others on a board."""
LONGEST_SAY = 45
"""Words: an agent reads this aloud in a quarter of a minute."""
SHORT_WORD = 3
"""Letters: recognisers make such words of noise, and a stem so short begins hundreds of words."""
SOON_AGAIN_MS = 10_000
SOON_SAID_MS = 5_000

_WRITTEN = frozenset(
    [
        "a/c", "acct", "aka", "approx", "appt", "asap", "attn", "cust", "dept", "e.g", "eta", "hrs", "i.e", "mgr",
        "mgmt", "mins", "nbr", "plz", "pls", "qty", "ref#", "secs", "thx", "w/", "w/o", "yr",
    ]
)  # fmt: skip
"""How people write and nobody speaks."""
_TO_THE_AGENT = re.compile(
    r"(please )?(advise|ask|assure|explain to|inform|let|offer|reassure|remind|tell|thank) "
    r"(the |your )?(account holder|caller|client|customer|guest|member|patient)s?\b",
    re.IGNORECASE,
)
_OPEN = re.compile(r"[~{!]")
"""Signs for what a phrase holds beside its words."""


def odd_rule(rule: Rule, knowledge: KnowledgeBase) -> Iterator[Finding]:
    spots = knowledge.spots
    here = spots[rule.id]
    if rule.to == "supervisors":
        yield from _alert(rule, knowledge)
    elif not rule.say:
        yield warning(here, f"`{rule.id}` has nothing to say", "Give `say` one sentence that an agent can read aloud")
    else:
        yield from _say(rule, spots)
    if not rule.clauses:
        yield warning(here, f"nothing brings up `{rule.id}`", "Give it `triggers`")
    cooldown = spots.get(f"{rule.id}/cooldown")
    if cooldown is not None and rule.once:
        yield warning(cooldown, "`cooldown` means nothing beside `once`", "Take one of them out")
    elif cooldown is not None and rule.cooldown_ms < SOON_AGAIN_MS:
        yield warning(
            cooldown, f"`{rule.id}` comes again with every repetition", "Leave `cooldown` out, or make it a minute"
        )
    if rule.exempt and rule.kind == "article":
        yield warning(
            spots[f"{rule.id}/exempt"],
            f"`{rule.id}` comes whatever the agent is doing",
            "`exempt` is for compliance; a higher `priority` is enough for an article",
        )
    for clause in rule.clauses:
        yield from _clause(rule, clause, knowledge)


def _alert(rule: Rule, knowledge: KnowledgeBase) -> Iterator[Finding]:
    """Alerts that say little on a crowded board, or come in so many calls that nobody looks any more."""
    spots, temper = knowledge.spots, knowledge.source.temper
    if len(rule.title.split()) > LONGEST_ALERT:
        yield warning(
            spots[f"{rule.id}/title"],
            f"the title of `{rule.id}` is longer than a supervisor reads at a glance",
            f"Say what is wrong in {LONGEST_ALERT} words at most",
        )
    for clause in rule.clauses:
        match clause.condition:
            case MoodAt(band="tense"):
                key = "mood"
            case ScoreAt(level=level) if level < temper.frustrated:
                key = "score"
            case _:
                continue
        yield warning(
            spots[f"{rule.id}/{key}"],
            f"`{rule.id}` alerts supervisors to every customer who is a little impatient",
            "Wait for `frustrated`, or join it with what makes it urgent in `all`",
        )


def _say(rule: Rule, spots: Mapping[str, Spot]) -> Iterator[Finding]:
    spot = spots[f"{rule.id}/say"]
    if len(rule.say.split()) > LONGEST_SAY:
        yield warning(
            spot,
            f"what `{rule.id}` says takes a quarter of a minute to read aloud",
            "Give one sentence, and put the rest in the body",
        )
    if _TO_THE_AGENT.match(rule.say.strip()):
        yield warning(spot, f"`{rule.id}` speaks to the agent", "`say` is read aloud: write it as said to the customer")


def _clause(rule: Rule, clause: Clause, knowledge: KnowledgeBase) -> Iterator[Finding]:
    spots = knowledge.spots
    wanted = set(_wanted(clause.condition))
    for condition in parts(clause.condition):
        match condition:
            case Said() | NotSaid() | SaidAgain():
                yield from _phrases(rule, condition, spots)
            case SlotIs():
                yield from _value(rule, condition, knowledge)
            case _:
                pass
        yield from _never_by_itself(rule, condition, spots)
        if isinstance(condition, Said) and condition in wanted:
            for phrase in condition.phrases:
                yield from too_common(phrase, spots[f"{rule.id}:{phrase}"])
                yield from _says_nothing(phrase, spots[f"{rule.id}:{phrase}"])
                yield from _taken_back(phrase, clause, condition, spots[f"{rule.id}:{phrase}"])
    if isinstance(clause.condition, SlotIs) and clause.condition.empty:
        yield warning(
            spots[f"{rule.id}/empty"],
            f"`{rule.id}` never fires: a slot is empty from the start",
            "Put it beside others in `all`",
        )
    yield from _contradictions(rule, clause.condition, spots)


def _wanted(condition: Condition) -> Iterator[Leaf]:
    """The parts that are to hold, without those that are not to."""
    match condition:
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from _wanted(part)
        case Not():
            pass
        case _:
            yield condition


def _phrases(rule: Rule, condition: Said | NotSaid | SaidAgain, spots: Mapping[str, Spot]) -> Iterator[Finding]:
    shortest = {phrase: min(map(len, wordings(phrase)), default=0) for phrase in condition.phrases}
    if min(shortest.values()) > LONGEST_SAID:
        yield warning(
            spots[f"{rule.id}:{condition.phrases[0]}"],
            f"every phrase of `{rule.id}` is longer than {LONGEST_SAID} words",
            "People do not say that much in the same way twice; give the few words that matter",
        )
    for phrase, times in Counter(condition.phrases).items():
        spot = spots[f"{rule.id}:{phrase}"]
        yield from _unspoken(phrase, spot)
        if times > 1:
            yield warning(spots.get(f"{rule.id}:{phrase}:again", spot), "this phrase is given twice", "Take one out")


def too_common(phrase: str, spot: Spot) -> Iterator[Finding]:
    said = list(wordings(phrase))
    single = sorted({wording[0] for wording in said if len(wording) == 1 and wording[0] in COMMON})
    if single:
        yield warning(spot, f"`{single[0]}` alone is said in every other call", "Three words say what is meant")
    short = sorted({w[0] for w in said if len(w) == 1 and len(w[0]) <= SHORT_WORD and w[0] not in COMMON})
    if short and "{" not in phrase:
        yield warning(
            spot, f"a word as short as `{short[0]}` is heard where nobody said it", "Put a second word beside it"
        )


def _says_nothing(phrase: str, spot: Spot) -> Iterator[Finding]:
    small = next((w for w in wordings(phrase) if len(w) > 1 and all(word in SMALL for word in w)), None)
    if small and not _OPEN.search(phrase):
        yield warning(spot, f'"{" ".join(small)}" says nothing by itself', "Add the word that says what it is about")


def _unspoken(phrase: str, spot: Spot) -> Iterator[Finding]:
    written = sorted(word for word in re.findall(r"[^\s()|?]+", phrase.lower()) if word.rstrip(".*") in _WRITTEN)
    marks = sorted(set(re.findall(r"\w*[&@/]\w*", phrase)) - set(written))
    for what in (*written, *marks)[:1]:
        yield warning(spot, f"`{what}` is written and not spoken", "Write it out as people say it")
    for row in parse(phrase).rows:
        for stem in (item for item in _items(row) if isinstance(item, Stem) and len(item.stem) <= SHORT_WORD):
            yield warning(
                spot,
                f"`{stem.written}` is the beginning of hundreds of words",
                f"Write more of it, or `{stem.stem}+` for the forms of one word",
            )


def _items(row: Iterable[Item]) -> Iterator[Item]:
    for item in row:
        if isinstance(item, Choice | EitherWay):
            for inner in item.rows:
                yield from _items(inner)
        else:
            yield item


def _taken_back(phrase: str, clause: Clause, condition: Said, spot: Spot) -> Iterator[Finding]:
    """A phrase that holds an excluded one, or one that makes it needless, whichever way it is worded, never fires."""
    for key, others in (("unless", clause.unless), ("done", clause.done if condition.party == "agent" else ())):
        for other in others:
            inner = list(wordings(other))
            if "~" not in other and all(any(_within(x, said) for x in inner) for said in wordings(phrase)):
                yield warning(
                    spot,
                    f"this phrase never fires: `{other}` under `{key}` is part of it",
                    "Say more in the one that excludes, or take it out",
                )


def _within(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def _never_by_itself(rule: Rule, condition: Leaf, spots: Mapping[str, Spot]) -> Iterator[Finding]:
    """States of the call that never come about, or in every call."""
    match condition:
        case Silence() | Monologue() | TalkOver() | TalkShare() if rule.channels == ("chat",):
            yield warning(
                spots[f"{rule.id}/channels"],
                f"`{rule.id}` never fires: who speaks when is not looked at in a chat",
                "Give it `channels: [voice]`, or another condition",
            )
        case Silence(ms=ms) if ms < GAP_MS:
            yield warning(
                spots[f"{rule.id}/silence"],
                f"every call has pauses of {ms / 1000:g} s",
                f"Wait for {GAP_MS // 1000} s at least; agents look things up for 20 s",
            )
        case Monologue(ms=ms) if ms < FLOOR_MS:
            yield warning(
                spots[f"{rule.id}/monologue"],
                f"to speak for {ms / 1000:g} s is no monologue",
                f"Wait for {FLOOR_MS // 1000} s at least",
            )
        case NotSaid(within_ms=ms) if ms < SOON_SAID_MS:
            yield warning(
                spots[f"{rule.id}/within"],
                f"nobody can have said it within {ms / 1000:g} s",
                "Give as long as the rule that is checked gives, and ten seconds more",
            )
        case _:
            pass


def _value(rule: Rule, condition: SlotIs, knowledge: KnowledgeBase) -> Iterator[Finding]:
    """A slot that never holds what is waited for."""
    source = next(slot for slot in knowledge.source.slots if slot.id == condition.slot)
    spots = knowledge.spots
    known = {value.casefold(): value for value in source.values}
    strange = [value for value in condition.one_of if value.casefold() not in known]
    if source.kind == "list" and strange:
        other = next((value for value, ways in source.values.items() if strange[0] in ways), None)
        yield warning(
            spots[f"{rule.id}/is"],
            f"`{source.id}` never is `{strange[0]}`",
            f"That is a way to say `{other}`; compare with the value"
            if other is not None
            else f"It is one of {', '.join(f'`{v}`' for v in source.values)}",
        )
    limits = [key for key in ("above", "below") if getattr(condition, key) is not None]
    if limits and source.kind not in ("number", "amount", "pattern", "list"):
        yield warning(
            spots[f"{rule.id}/{limits[0]}"],
            f"`{source.id}` is a {source.kind}, which is neither above nor below anything",
            "Compare numbers and amounts",
        )
    if condition.above is not None and condition.below is not None and condition.below <= condition.above:
        yield warning(
            spots[f"{rule.id}/below"],
            f"no number is above {condition.above:g} and below {condition.below:g}",
            "`below` is the larger one",
        )


def _contradictions(rule: Rule, condition: Condition, spots: Mapping[str, Spot]) -> Iterator[Finding]:
    """Parts of an `all` that never hold together."""
    match condition:
        case AllOf():
            if any(_exclude(one, other) for one, other in combinations(condition.parts, 2)):
                yield warning(
                    spots[f"{rule.id}/all"],
                    f"two parts of `all` in `{rule.id}` never hold together",
                    "Take one out, or join them with `any`",
                )
            for part in condition.parts:
                yield from _contradictions(rule, part, spots)
        case AnyOf():
            for part in condition.parts:
                yield from _contradictions(rule, part, spots)
        case Not():
            yield from _contradictions(rule, condition.part, spots)
        case _:
            pass


def _exclude(one: Condition, other: Condition) -> bool:
    match one, other:
        case (Not(part=part), whole) | (whole, Not(part=part)):
            return part == whole
        case SlotIs(), SlotIs() if one.slot == other.slot:
            wanted = {value.casefold() for value in one.one_of}, {value.casefold() for value in other.one_of}
            return one.empty != other.empty or (bool(wanted[0] and wanted[1]) and not wanted[0] & wanted[1])
        case _:
            return False
