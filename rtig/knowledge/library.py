"""Finds articles by their words: what stands behind a search box and beside `rtig kb try`.

An index in memory of SQLite's FTS5, which brings the ranking (BM25), English word endings (Porter) and accents that
need not be typed. Texts and queries are taken apart as what is said in a call is, so "can't" finds "cannot"; a word
that is still being typed stands for all that begin with it. What a model finds by meaning is merged with it by the
caller: see `merged`. `python -m benchmarks search` measures it.
"""

import re
import sqlite3
import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from rtig.core.conditions import Said, parts
from rtig.core.playbook import Playbook
from rtig.core.text import words
from rtig.core.triggers import Rule
from rtig.resting import Rests

TITLE, SAID, BODY = 4.0, 2.0, 1.0
"""How much more a word counts in the title, in what calls for the article, and in the rest."""
HALF = 60
"""How fast a place in a list loses weight when two lists are merged (Cormack, Clarke and Büttcher, 2009)."""
SHORT = 3
"""Of what has fewer letters only the beginnings of titles come: it may still become anything."""
ENDINGS = 10
"""Of a word that is being typed, so many that it may become are looked for."""
COMMON = 0.2
"""A word in more of the articles than this tells none of them from another, where the query has others."""
LONGEST_QUERY = 32
"""Words; what follows them is left out."""
_TAG = re.compile(r"<[^>]+>")
_SIGNS = re.compile(r"~\d+|[()|?~*+{}!]")
_TOKENS = """tokenize="porter unicode61 categories 'L* N* Co Mn Mc'\""""
"""Marks are part of words: without them Devanagari or Thai falls into single letters."""


class Hit(NamedTuple):
    """An article that was found, and how well it fits: more is better, and only within one search."""

    id: str
    score: float


class Library:
    """The articles of one playbook. May be asked from any thread."""

    def __init__(self, playbook: Playbook, share: float = 0.0) -> None:
        """A thread that makes one beside the loop rests `share` times as long as it works: see `Rests`.

        Of a thousand articles it has work for a fifth of a second.
        """
        rest = Rests(share)
        self.articles = {rule.id: rule for rule in playbook.rules.values() if rule.kind == "article" and not rule.draft}
        examples: dict[str, list[str]] = {}
        for meaning in playbook.source.meanings:
            examples.setdefault(meaning.rule, []).extend(meaning.examples)
        self._lock = threading.Lock()
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute(f"create virtual table articles using fts5(id unindexed, title, said, body, {_TOKENS})")
        vocabulary: set[str] = set()
        titles: set[tuple[str, int, str]] = set()
        for rule in self.articles.values():
            said = " ".join([*_phrases(rule), *examples.get(rule.id, ())])
            columns = [words(text).norms for text in (rule.title, said, text_of(rule))]
            self._index.execute("insert into articles values (?, ?, ?, ?)", (rule.id, *map(" ".join, columns)))
            vocabulary.update(*columns)
            titles.update((word, place, rule.id) for place, word in enumerate(columns[0]))
            rest()
        self._vocabulary = sorted(vocabulary)
        self._titles = sorted(titles)
        self._held = self._counted()

    def find(self, query: str, most: int) -> list[Hit]:
        """The articles that hold most of a query's words, the last of which may still be being typed."""
        asked = list(dict.fromkeys(words(query).norms[:LONGEST_QUERY]))
        if not asked:
            return []
        typed = asked[-1]
        wanted = [word for word in asked if not self._common(word)]
        unfinished = typed not in self._held or (len(asked) == 1 and not wanted)
        if unfinished and len(typed) >= SHORT:
            wanted += self._endings(typed)
        elif unfinished and len(asked) == 1:
            return self._titled(typed, most)
        if not wanted:  # words that nearly all articles have: the one of them that fewest have
            wanted = [min(asked, key=lambda word: self._held.get(word, 0) or len(self.articles))]
        with self._lock:
            rows = self._index.execute(
                "select id, -bm25(articles, 0, ?, ?, ?) as score from articles where articles match ? "
                "order by score desc, id limit ?",
                (TITLE, SAID, BODY, " OR ".join(map(_exactly, wanted)), most),
            ).fetchall()
        return [Hit(str(name), float(score)) for name, score in rows]

    def _counted(self) -> dict[str, int]:
        """How many articles hold each word of the vocabulary, or another form of it."""
        self._index.execute(f"create virtual table forms using fts5(word, {_TOKENS})")
        self._index.executemany("insert into forms (rowid, word) values (?, ?)", enumerate(self._vocabulary))
        self._index.execute("create virtual table form_stems using fts5vocab(forms, instance)")
        self._index.execute("create virtual table stems using fts5vocab(articles, row)")
        held = dict(self._index.execute("select term, doc from stems"))
        stems = self._index.execute("select doc, term from form_stems where offset = 0").fetchall()
        self._index.execute("drop table forms")
        return {self._vocabulary[row]: held[stem] for row, stem in stems}

    def _common(self, word: str) -> bool:
        return self._held.get(word, 0) > max(1, COMMON * len(self.articles))

    def _endings(self, typed: str) -> list[str]:
        """The words that what is typed may become, those that most articles hold.

        Not left to the index: that has stems, and `billin` is the beginning of none.
        """
        on = islice(self._vocabulary, bisect_left(self._vocabulary, typed), None)
        begun = takewhile(lambda word: word.startswith(typed), on)
        best = sorted((word for word in begun if not self._common(word)), key=lambda word: -self._held.get(word, 0))
        return best[:ENDINGS]

    def _titled(self, typed: str, most: int) -> list[Hit]:
        """The articles with a word in their title that begins like this, early words first."""
        on = islice(self._titles, bisect_left(self._titles, (typed, 0, "")), None)
        begun = takewhile(lambda entry: entry[0].startswith(typed), on)
        best = sorted((place, self.articles[name].title, name) for _, place, name in begun)
        return [Hit(name, 1 / (1 + n)) for n, name in enumerate(islice(dict.fromkeys(b[2] for b in best), most))]


def _exactly(word: str) -> str:
    """A word as FTS5's query language quotes it."""
    return '"' + word.replace('"', '""') + '"'


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
    return " ".join([rule.say, _TAG.sub(" ", rule.body), *(step.text for step in rule.steps)])


def _phrases(rule: Rule) -> list[str]:
    said = [part for clause in rule.clauses for part in parts(clause.condition) if isinstance(part, Said)]
    return [_SIGNS.sub(" ", phrase) for part in said for phrase in part.phrases]
