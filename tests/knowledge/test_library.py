"""Articles found by their words, in any script, while they are being typed; and merged with those by meaning."""

import threading
from functools import cache

import pytest
import samples
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks import search
from rtig.core.conditions import AllOf, Condition, Means, Said, Silence
from rtig.core.playbook import MeaningSource, Playbook, Source
from rtig.core.triggers import Clause, Rule, StepSource
from rtig.knowledge.library import LONGEST_QUERY, Hit, Library, merged, text_of

FILLING = [f"filling{n}" for n in range(10)]


def article(name: str, title: str, body: str = "", condition: Condition | None = None, **more: object) -> Rule:
    kept = {"kind": "article", "steps": ()} | more
    clauses = (Clause(condition if condition is not None else Silence(9_000)),)
    return Rule(id=name, title=title, body=body, clauses=clauses, **kept)  # type: ignore[arg-type]


def library(*rules: Rule, meanings: tuple[MeaningSource, ...] = ()) -> Library:
    """With others that hold none of the words, so that a word of one article is a rare one."""
    rest = (article(f"z-{word}", word, "and so on") for word in FILLING)
    source = Source(name="t", rules=(*rules, *rest), meanings=meanings)
    return Library(Playbook(source, SentimentIntensityAnalyzer()))


def found(shelf: Library, query: str, most: int = 5) -> list[str]:
    return [hit.id for hit in shelf.find(query, most)]


def test_the_title_counts_more_than_what_is_said_and_that_more_than_the_rest() -> None:
    shelf = library(
        article("body", "Other", "<p>About a refund that is late.</p>"),
        article("said", "Another", "", Said(("(where is)? my ~2 refund",))),
        article("title", "Refund"),
    )
    assert found(shelf, "refund") == ["title", "said", "body"]
    scores = [hit.score for hit in shelf.find("refund", 5)]
    assert scores == sorted(scores, reverse=True)


def test_more_of_the_words_are_better() -> None:
    shelf = library(
        article("a", "Router lights", "restart it"),
        article("b", "Router delivery", "a parcel"),
        article("c", "Late parcel", "delivery"),
    )
    assert found(shelf, "router delivery parcel")[0] == "b"
    assert found(shelf, "router lights") == ["a", "b"]


def test_sentences_that_mean_it_are_searched_and_signs_of_phrases_are_not() -> None:
    shelf = library(
        article("a", "Bereavement", "", AllOf((Means("a.0"), Said(("passed ~12 away", "dead*"))))),
        meanings=(MeaningSource(id="a.0", rule="a", examples=("my grandmother has died",)),),
    )
    assert found(shelf, "grandmother") == ["a"]
    assert found(shelf, "passed") == ["a"]
    assert found(shelf, "12") == []


def test_steps_and_what_to_say_are_searched_and_markup_is_not() -> None:
    shelf = library(
        article(
            "a", "One", '<p class="note">Text</p>', say="Let me look", steps=(StepSource("1", "Measure the voltage"),)
        )
    )
    assert found(shelf, "voltage") == ["a"]
    assert found(shelf, "look") == ["a"]
    assert found(shelf, "note") == []
    assert text_of(shelf.articles["a"]).split() == ["Let", "me", "look", "Text", "Measure", "the", "voltage"]


@pytest.mark.parametrize(
    "query",
    ["bill", "bills", "BILLING", "billin", "bill!", "  billed ", "the billing", 'bill" OR "x', "(bill*", "-bill"],
)
def test_forms_of_a_word(query: str) -> None:
    assert found(library(article("a", "Billing dates")), query)[:1] == ["a"]


def test_contractions_are_taken_apart_as_in_calls() -> None:
    shelf = library(article("a", "The customer cannot pay"), article("b", "Other ways to pay"))
    for query in ("can't pay", "can’t pay", "cannot pay"):
        assert found(shelf, query)[0] == "a"


@pytest.mark.parametrize(
    ("title", "queries"),
    [
        ("Crédit à l'agence", ["credit", "crédit", "CRÉDIT", "l’agence", "créd"]),
        ("Kündigung", ["kündigung", "kundigung", "künd"]),
        ("Возврат денег", ["возврат", "ДЕНЕГ", "возвр"]),
        ("हिन्दी में मदद", ["हिन्दी", "मदद", "हिन्द"]),
        ("料金 の 確認", ["料金", "確認"]),
        ("استرداد الأموال", ["استرداد", "استر"]),
    ],
)
def test_any_script(title: str, queries: list[str]) -> None:
    shelf = library(article("a", title))
    for query in queries:
        assert found(shelf, query)[:1] == ["a"], query


def test_every_step_of_typing_finds_it() -> None:
    shelf = library(article("a", "Cancellation fee"), article("b", "Change of address"))
    for end in range(3, len("cancellation fee") + 1):
        assert found(shelf, "cancellation fee"[:end])[0] == "a"


def test_first_letters_find_titles() -> None:
    """Early words of a title first, then by title; an article once."""
    shelf = library(article("a", "Late delivery"), article("b", "Delivery dates"), article("c", "Due date"))
    assert found(shelf, "d") == ["b", "c", "a"]
    assert found(shelf, "de") == ["b", "a"]
    assert found(shelf, "d", 1) == ["b"]
    assert found(shelf, "late d") == ["a"]
    assert found(shelf, "q") == []


def test_words_that_all_articles_have_tell_nothing() -> None:
    shelf = library(article("a", "Lost card", "and so on"), article("b", "So on", "and so on"))
    assert found(shelf, "so the lost card and") == ["a"]
    assert len(found(shelf, "and so on", 3)) == 3


def test_one_article_alone() -> None:
    alone = Library(Playbook(Source(name="t", rules=(article("a", "Lost card"),)), SentimentIntensityAnalyzer()))
    assert found(alone, "lost card") == ["a"]


@pytest.mark.parametrize("query", ["", "   ", "?!", "…", "\x00", "zyzzyva", "'" * 50])
def test_what_finds_nothing(query: str) -> None:
    assert found(library(article("a", "Lost card")), query) == []


def test_a_query_without_end() -> None:
    shelf = library(article("a", "Lost card"))
    assert found(shelf, "lost " + "x y z " * 10_000) == ["a"]
    assert found(shelf, " ".join(f"w{n}" for n in range(LONGEST_QUERY)) + " lost") == []


def test_an_empty_library() -> None:
    assert Library(Playbook(Source(name="t"), SentimentIntensityAnalyzer())).find("bill", 5) == []


def test_drafts_and_rules_that_are_no_articles_are_not_found() -> None:
    shelf = library(article("a", "Lost card", draft=True), article("b", "Lost card", kind="coach"))
    assert found(shelf, "lost card") == []
    assert shelf.articles.keys() == {f"z-{word}" for word in FILLING}


def test_as_many_as_are_asked_for_the_same_each_time() -> None:
    shelf = library(*(article(f"a{n}", "Lost card") for n in range(5)))
    assert found(shelf, "lost card", 3) == found(shelf, "lost card", 3) == ["a0", "a1", "a2"]


def test_threads_may_ask_at_once() -> None:
    shelf = library(article("a", "Lost card"))
    answers: list[list[str]] = []

    def ask() -> None:
        answers.extend(found(shelf, "lost") for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [["a"]] * 200


# --- with meaning


def test_what_both_find_comes_first() -> None:
    by_words = [Hit("a", 9.0), Hit("b", 8.0), Hit("c", 7.0)]
    by_meaning = [("d", 0.9), ("b", 0.8)]
    best = merged(by_words, by_meaning, 10)
    assert [hit.id for hit in best] == ["b", "a", "d", "c"]
    assert best[0].score == pytest.approx(2 * 60 / 61, abs=1e-4)
    assert merged(by_words, by_meaning, 2) == best[:2]


def test_one_of_them_alone_keeps_its_order() -> None:
    assert [hit.id for hit in merged([Hit("b", 2.0), Hit("a", 1.0)], [], 5)] == ["b", "a"]
    assert [hit.id for hit in merged([], [("b", 0.2), ("a", 0.1)], 5)] == ["b", "a"]
    assert merged([], [], 5) == []


# --- real articles


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("refund", "refund-timing"),
        ("when will I get my refund", "refund-timing"),
        ("router lights", "router-lights"),
        ("customer has died", "bereavement"),
        ("paid twice", "paid-twice"),
        ("engineer did not turn up", "engineer-missed"),
        ("cancel contr", "cancel-contract"),
        ("exit fee", "exit-fee"),
        ("where is my order", "order-status"),
        ("forgotten passw", "reset-password"),
    ],
)
def test_the_shipped_articles(query: str, wanted: str) -> None:
    assert wanted in found(shipped_library(), query, 3)


@cache
def shipped_library() -> Library:
    return Library(samples.playbook())


def test_the_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert search.run(["--articles", "60", "--queries", "5", "--json"]) == 0
    assert '"found": 1.0' in capsys.readouterr().out
    assert search.run(["--articles", "60", "--queries", "5"]) == 0
    assert "60 articles" in capsys.readouterr().out


def test_whoever_makes_one_beside_the_loop_rests_after_each_article(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr("rtig.knowledge.library.Rests", lambda share: lambda: rests.append(share))
    source = Source(name="t", rules=tuple(article(word, word) for word in FILLING))
    shelf = Library(Playbook(source, SentimentIntensityAnalyzer()), 2.0)
    assert rests == [2.0] * len(shelf.articles) == [2.0] * len(FILLING)
