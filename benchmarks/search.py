"""How long does it take to find an article among thousands, and is it the right one?

Articles are made up from a seed: about three dozen subjects, two words each, in 130 words of which most are common to
all. A query is asked as a few words, as a sentence, and letter by letter as it is typed. Times are of one thread's CPU.
`found` is how often an article about what was asked for comes first; that is sanity, not a measure of quality.
"""

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig import shipped
from rtig.core.conditions import Said
from rtig.core.playbook import Playbook, Source
from rtig.core.triggers import Clause, Rule
from rtig.knowledge.library import Library, merged

WORDS = 130
COMMON, RARE = 5.5, 9.0
"""How rare the words that all articles share are at most, and those of the subjects at least: -ln of their share."""
RESULTS = 10
ROUNDS = 3


def run(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks search", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=10_000, help="(%(default)s)")
    parser.add_argument("--queries", type=int, default=300, help="of each kind (%(default)s)")
    parser.add_argument("--meaning", action="store_true", help="by meaning too; encoding the articles takes minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object in place of a table")
    asked = parser.parse_args(arguments)
    rng = random.Random(asked.seed)
    rules = _articles(asked.articles, rng)
    playbook = Playbook(Source(name="search", rules=tuple(rules)), SentimentIntensityAnalyzer())
    begun = time.perf_counter()
    library = Library(playbook)
    result: dict[str, Any] = {"articles": asked.articles, "build_s": round(time.perf_counter() - begun, 2)}
    wanted = [rng.choice(rules) for _ in range(asked.queries)]
    for kind, queries in _queries(wanted, rng).items():
        result[kind] = _timed(library, queries, [rule.title for rule in wanted])
    if asked.meaning:
        result["meaning"] = _by_meaning(library, rules, [f"please tell me about {rule.title}" for rule in wanted])
    result |= {"seed": asked.seed, "python": platform.python_version(), "machine": platform.machine()}
    if asked.json:
        print(json.dumps(result))
    else:
        _print(result)
    return 0


def _articles(number: int, rng: random.Random) -> list[Rule]:
    """Each is about two rare words, which its title, its trigger and its body hold; no two are about the same two."""
    common, rare = _vocabulary()
    subjects: dict[tuple[str, str], None] = {}
    while len(subjects) < number:
        subjects[rng.choice(rare), rng.choice(rare)] = None
    return [
        Rule(
            id=f"article-{n}",
            kind="article",
            title=f"{first} {second}",
            body=" ".join([*rng.choices(common, k=WORDS - 20), *rng.choices(rare, k=16), first, second, first, second]),
            clauses=(Clause(Said((f"{first} {second}",))),),
        )
        for n, (first, second) in enumerate(subjects)
    ]


def _vocabulary() -> tuple[list[str], list[str]]:
    """Words by how rare they are in service talk: those that everybody uses, and those that tell."""
    common, rare = [], []
    for line in shipped.model("words.en.txt").read_text("utf-8").splitlines():
        rarity, *some = line.split()
        if rarity != "#":
            if float(rarity) <= COMMON:
                common += some
            elif RARE <= float(rarity) <= RARE + 1:
                rare += [word for word in some if len(word) > 3]
    return common, rare


def _queries(wanted: Sequence[Rule], rng: random.Random) -> dict[str, list[list[str]]]:
    """For each article the queries that follow one another until it should have been found."""
    titles = [rule.title for rule in wanted]
    return {
        "words": [[title] for title in titles],
        "sentence": [[f"can you please tell me what i have to do about my {title} please"] for title in titles],
        "typing": [[title[:end] for end in range(1, len(title) + 1)] for title in titles],
    }


def _timed(library: Library, queries: list[list[str]], titles: Sequence[str]) -> dict[str, float]:
    """Of each query the fastest of some rounds: what disturbs one does not disturb all."""
    took: list[float] = []
    first = 0
    for typed, title in zip(queries, titles, strict=True):
        for query in typed:
            rounds = []
            for _ in range(ROUNDS):
                begun = time.thread_time_ns()
                hits = library.find(query, RESULTS)
                rounds.append(time.thread_time_ns() - begun)
            took.append(min(rounds) / 1e6)
        first += bool(hits) and library.articles[hits[0].id].title == title
    return _figures(took) | {"found": round(first / len(titles), 3)}


def _by_meaning(library: Library, rules: Sequence[Rule], queries: Sequence[str]) -> dict[str, float]:
    """Both ways and merged, as the server does it, in this process."""
    from rtig import lane  # needs the `models` extra
    from rtig.lane.talk import Article, Learn

    reader = lane.new_reader()
    begun = time.perf_counter()
    articles = tuple(Article(rule.id, f"{rule.title}. {rule.body}") for rule in rules)
    reader.learn(Learn(version="search", meanings=(), negatives=(), false_alarms=1.0, articles=articles))
    learned = time.perf_counter() - begun
    took = []
    for query in queries:
        begun_ns = time.thread_time_ns()
        merged(library.find(query, 2 * RESULTS), reader.find(query, 2 * RESULTS), RESULTS)
        took.append((time.thread_time_ns() - begun_ns) / 1e6)
    return _figures(took) | {"encoding_s": round(learned, 1)}


def _figures(took: Sequence[float]) -> dict[str, float]:
    return {
        "queries": len(took),
        "ms_p50": round(statistics.median(took), 3),
        "ms_p99": round(statistics.quantiles(took, n=100, method="inclusive")[98], 3),
        "ms_max": round(max(took), 3),
    }


def _print(result: dict[str, Any]) -> None:
    print(f"{result['articles']:,} articles, indexed in {result['build_s']} s")
    for kind in ("words", "sentence", "typing", "meaning"):
        if kind in result:
            print(f"{kind:10} " + ", ".join(f"{name} {value:g}" for name, value in result[kind].items()))
