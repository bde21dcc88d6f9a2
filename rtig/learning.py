"""What a model is to learn of a playbook."""

from functools import cache
from itertools import chain

from rtig import shipped
from rtig.core.playbook import Playbook
from rtig.knowledge.library import text_of
from rtig.lane.talk import Article, Learn


def lesson(playbook: Playbook) -> Learn:
    """The meanings and articles of a playbook, with the negatives that come with rtig in its language."""
    source = playbook.source
    return Learn(
        version=playbook.meanings_version,
        meanings=source.meanings,
        negatives=(*kinds_of_negatives(source.language), source.negatives),
        false_alarms=source.false_alarms,
        articles=tuple(
            Article(rule.id, f"{rule.title}. {text_of(rule)}") for rule in source.rules if rule.kind == "article"
        ),
    )


def shipped_negatives(language: str) -> tuple[str, ...]:
    """What people say in calls that calls for nothing: greetings, numbers, thanks, small talk."""
    return tuple(chain.from_iterable(kinds_of_negatives(language)))


@cache
def kinds_of_negatives(language: str) -> tuple[tuple[str, ...], ...]:
    """The same, by kind: in the file a kind is what follows a heading."""
    file = shipped.model(f"negatives.{language}.txt")
    if not file.is_file():
        return ()
    kinds: list[list[str]] = [[]]
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("# "):
            kinds.append([])
        elif line:
            kinds[-1].append(line)
    return tuple(tuple(kind) for kind in kinds if kind)
