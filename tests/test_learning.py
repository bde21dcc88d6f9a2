"""What a model is to learn of a playbook: its meanings, its articles, and what comes with rtig."""

import samples

from rtig.learning import kinds_of_negatives, lesson, shipped_negatives


def test_the_lesson_of_the_shipped_playbook() -> None:
    playbook = samples.playbook()
    learn = lesson(playbook)
    assert learn.version == playbook.meanings_version
    assert {meaning.id for meaning in learn.meanings} == {meaning.id for meaning in playbook.source.meanings}
    articles = {rule.id for rule in playbook.source.rules if rule.kind == "article"}
    assert {article.id for article in learn.articles} == articles
    assert all(article.text.startswith(playbook.rules[article.id].title) for article in learn.articles)
    assert learn.negatives[:-1] == kinds_of_negatives("en")
    assert learn.negatives[-1] == playbook.source.negatives


def test_negatives_come_by_kind_and_all_are_there() -> None:
    kinds = kinds_of_negatives("en")
    assert sum(kinds, ()) == shipped_negatives("en")
    assert all(kinds)
    assert not any(line.startswith("# ") for line in shipped_negatives("en"))


def test_another_language_has_none() -> None:
    assert kinds_of_negatives("tlh") == ()
    assert shipped_negatives("tlh") == ()
