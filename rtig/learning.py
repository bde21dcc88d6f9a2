"""What a model is to learn of a playbook."""

from functools import cache

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
        negatives=(*shipped_negatives(source.language), *source.negatives),
        false_alarms=source.false_alarms,
        articles=tuple(
            Article(rule.id, f"{rule.title}. {text_of(rule)}") for rule in source.rules if rule.kind == "article"
        ),
    )


@cache
def shipped_negatives(language: str) -> tuple[str, ...]:
    """What people say in calls that calls for nothing: greetings, numbers, thanks, small talk."""
    file = shipped.model(f"negatives.{language}.txt")
    if not file.is_file():
        return ()
    return tuple(line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("# "))
