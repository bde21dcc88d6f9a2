"""What customers asked that no article answered, put into groups: where the knowledge base has a gap.

What they asked is taken from the brief, which knows a question, a request and a complaint from small talk. Of a line
near in time to an article's moment it is assumed that the article answered it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from rtig.core.brief import MORE, brief
from rtig.core.call import Call
from rtig.core.guidance import BriefLine
from rtig.core.language import Language
from rtig.core.playbook import Playbook
from rtig.core.text import words
from rtig.core.triggers import Moment

ANSWERED_BEFORE_MS, ANSWERED_AFTER_MS = 10_000, 20_000
"""An article that came so shortly before a question, or after it, was about it."""
NEAR_IN_WORDS = 0.4
"""How much two texts must have in common (cosine of their telling words, rare ones counting more)."""
NEAR_IN_MEANING = 0.55
"""The same of two sentences' vectors."""
TELLING = 6.0
"""Nats: commoner words say nothing of what a question is about."""
EXAMPLES = 4
_NO_ANSWER = frozenset({"excluded", "done", "draft", "queue", "team", "channel"})
"""Reasons why an article was withheld that leave a question open."""

Near = Sequence[Mapping[int, float]]
"""Of each text, the other texts that are near to it, by their place, and how near."""


class Question(Struct, frozen=True, kw_only=True):
    """What a customer asked, masked as it is in the log."""

    call_id: str
    at_ms: int
    text: str


class NearestArticle(Struct, frozen=True, kw_only=True):
    """The article that a search for a group's first question finds."""

    id: str
    title: str


class Gap(Struct, frozen=True, kw_only=True):
    """Questions that are alike; the first is the one that is nearest to most of the others."""

    count: int
    calls: int
    examples: tuple[Question, ...]
    nearest: NearestArticle | None = None


class Gaps(Struct, frozen=True, kw_only=True):
    playbook: str
    calls: int
    asked: int
    """Questions and requests in all, answered or not."""
    unanswered: int
    meaning: bool
    """Whether they are grouped by what they mean, or by their words."""
    groups: tuple[Gap, ...]
    """The largest first; what stands alone comes last."""


def questions(playbook: Playbook, call: Call) -> tuple[list[Question], int]:
    """What a customer asked in a call and no article answered, and how much was asked in all."""
    told = brief(playbook, call)
    asked = [line for line in (*told.asked, *told.open) if line.words and line.words[0].party == "customer"]
    moments = _answers(call)
    open_lines = [line for line in asked if not any(_about(line, moment) for moment in moments)]
    found = [Question(call_id=call.call_id, at_ms=line.at_ms, text=line.text.removesuffix(MORE)) for line in open_lines]
    return found, len(asked)


def _answers(call: Call) -> list[Moment]:
    """The moments of articles that came, or would have come had the agent not had them or another one just then."""
    choice = call.told.choice
    moments = [shown.moment for shown in choice.shown.values()]
    moments += [refused.moment for refused in choice.withheld.values() if refused.reason not in _NO_ANSWER]
    return [moment for moment in moments if moment.rule.kind == "article"]


def _about(line: BriefLine, moment: Moment) -> bool:
    segments = {quote.segment_id for quote in line.words}
    if any(quote.segment_id in segments for quote in moment.quotes):
        return True
    return -ANSWERED_BEFORE_MS <= moment.at_ms - line.at_ms <= ANSWERED_AFTER_MS


def near_in_words(texts: Sequence[str], language: Language) -> Near:
    """Which texts have their telling words in common."""
    vectors = [_vector(text, language) for text in texts]
    holders: dict[str, list[int]] = defaultdict(list)
    for place, vector in enumerate(vectors):
        for stem in vector:
            holders[stem].append(place)
    near: list[dict[int, float]] = []
    for place, vector in enumerate(vectors):
        shared: dict[int, float] = defaultdict(float)
        for stem, weight in vector.items():
            for other in holders[stem]:
                if other != place:
                    shared[other] += weight * vectors[other][stem]
        near.append({other: score for other, score in shared.items() if score >= NEAR_IN_WORDS})
    return near


def _vector(text: str, language: Language) -> dict[str, float]:
    """A text's telling words, each by its rarity, as a vector of length 1."""
    weights = {language.stem(norm): language.rarity(norm) - TELLING + 1 for norm in words(text).norms}
    telling = {stem: weight for stem, weight in weights.items() if weight > 0}
    length = sum(weight * weight for weight in telling.values()) ** 0.5
    return {stem: weight / length for stem, weight in telling.items()}


def grouped(near: Near) -> list[list[int]]:
    """The places of texts, put into groups, the largest first; within one, the text that all are near to comes first.

    The text with the most others near to it begins the first group; of what is left, again. So everything in a group is
    near to its first, and the order of the texts decides only between equals.
    """
    left = set(range(len(near)))
    groups: list[list[int]] = []
    while left:
        first = max(left, key=lambda place: (_company(near, place, left), -place))
        members = [other for other in near[first] if other in left and other != first]
        members.sort(key=lambda other: (-near[first][other], other))
        groups.append([first, *members])
        left -= {first, *members}
    return sorted(groups, key=lambda group: (-len(group), group[0]))


def _company(near: Near, place: int, left: set[int]) -> tuple[int, float]:
    scores = [score for other, score in near[place].items() if other in left]
    return len(scores), sum(scores)


def gap_of(asked: Sequence[Question], nearest: NearestArticle | None) -> Gap:
    """One group, in its order. Of one call one example is enough while there are others."""
    by_call: dict[str, Question] = {}
    for question in asked:
        by_call.setdefault(question.call_id, question)
    examples = [*by_call.values(), *(one for one in asked if by_call[one.call_id] is not one)]
    return Gap(count=len(asked), calls=len(by_call), examples=tuple(examples[:EXAMPLES]), nearest=nearest)
