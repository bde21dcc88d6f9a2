"""Finds articles by their words: what stands behind a search box and beside `rtig kb try`.

An index in memory of SQLite's FTS5, which brings the ranking (BM25), English word endings (Porter) and the beginnings of
words, so that results come while somebody is still typing. A few milliseconds on 10,000 articles. What a model finds by meaning is
merged with it by the caller: see `merged`.
"""

import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rtig.core.conditions import Said, parts
from rtig.core.playbook import Playbook
from rtig.core.text import words
from rtig.core.triggers import Rule

TITLE, SAID, BODY = 4.0, 2.0, 1.0
"""How much more a word counts in the title, in what calls for the article, and in the rest."""
HALF = 60
"""How fast a place in a list loses weight when two lists are merged (Cormack, Clarke and Büttcher, 2009)."""
_TAG = re.compile(r"<[^>]+>")
_SIGNS = re.compile(r"[()|?~*+{}!]|~\d+")


class Hit(NamedTuple):
    """An article that was found, and how well it fits: more is better, and only within one search."""

    id: str
    score: float


class Library:
    """The articles of one playbook. May be asked from any thread."""

    def __init__(self, playbook: Playbook) -> None:
        self.articles = {rule.id: rule for rule in playbook.rules.values() if rule.kind == "article" and not rule.draft}
        examples: dict[str, list[str]] = {}
        for meaning in playbook.source.meanings:
            examples.setdefault(meaning.rule, []).extend(meaning.examples)
        self._lock = threading.Lock()
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute(
            "create virtual table articles using fts5(id unindexed, title, said, body, tokenize='porter unicode61')"
        )
        self._index.executemany(
            "insert into articles values (?, ?, ?, ?)",
            (
                (rule.id, rule.title, " ".join([*_phrases(rule), *examples.get(rule.id, ())]), text_of(rule))
                for rule in self.articles.values()
            ),
        )

    def find(self, query: str, most: int) -> list[Hit]:
        """The articles that hold most of a query's words, the last of which may still be being typed."""
        asked = [word for word in words(query).norms if word.isalnum()]
        if not asked:
            return []
        wanted = " OR ".join([*(f'"{word}"' for word in asked[:-1]), f'"{asked[-1]}" *'])
        with self._lock:
            rows = self._index.execute(
                "select id, -bm25(articles, 0, ?, ?, ?) as score from articles where articles match ? "
                "order by score desc, id limit ?",
                (TITLE, SAID, BODY, wanted, most),
            ).fetchall()
        return [Hit(str(name), float(score)) for name, score in rows]


def merged(by_words: Sequence[Hit], by_meaning: Iterable[tuple[str, float]], most: int) -> list[Hit]:
    """Two lists as one: what both have comes first. The score is the sum of what the places in the lists are worth."""
    worth: dict[str, float] = {}
    for found in ([hit.id for hit in by_words], [name for name, _ in by_meaning]):
        for place, name in enumerate(found):
            worth[name] = worth.get(name, 0.0) + HALF / (HALF + place)
    best = sorted(worth.items(), key=lambda entry: (-entry[1], entry[0]))[:most]
    return [Hit(name, round(score, 4)) for name, score in best]


def text_of(rule: Rule) -> str:
    """An article's words, without its markup."""
    return " ".join([rule.say, _TAG.sub(" ", rule.body), *rule.steps])


def _phrases(rule: Rule) -> list[str]:
    said = [part for clause in rule.clauses for part in parts(clause.condition) if isinstance(part, Said)]
    return [_SIGNS.sub(" ", phrase) for part in said for phrase in part.phrases]
