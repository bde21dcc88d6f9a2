"""What is found in recorded calls, in the process that looks; and lint with the places of rules."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from calls import CALL, SOURCE
from folders import ARTICLE, GOOD, write
from msgspec.structs import replace

from rtig import knowledge
from rtig.backtest import Report
from rtig.core.conditions import Means
from rtig.core.events import AnyEvent, CallEnded, CallStarted, SegmentHeard
from rtig.core.playbook import MeaningSource, Source
from rtig.core.triggers import Clause
from rtig.errors import PlaybookErrors
from rtig.knowledge.gaps import Gaps
from rtig.knowledge.outcomes import Outcomes
from rtig.workshop import work
from rtig.workshop.talk import Lint, Look, Model

MODEL = Model(weights="", sha256="", device="cpu", notes=b"")
ASKED = "where can i park my caravan while i am away"
ASKED_OTHERWISE = "is there anywhere to leave a motorhome during my holidays"


def call(*texts: str, call_id: str = CALL) -> list[AnyEvent]:
    heard = [
        SegmentHeard(
            call_id=call_id, segment_id=f"s{n}", rev=1, party="customer", text=text, final=True, turn_end=True,
            start_ms=n * 40_000, end_ms=n * 40_000 + 3_000,
        )
        for n, text in enumerate(texts, 1)
    ]  # fmt: skip
    return [CallStarted(call_id=call_id), *heard, CallEnded(call_id=call_id, at_ms=400_000)]


def found(task: Look, *calls: list[AnyEvent]) -> tuple[bytes, tuple[str, ...]]:
    looking = work.looking(task)
    for number, events in enumerate(calls, 1):
        looking.add(events, number)
    looked = looking.found()
    return looked.body, looked.calls


def look(kind: Any, source: Source = SOURCE, **more: Any) -> Look:
    return Look(kind=kind, playbook=source, **({"start": source} | more))


def test_outcomes_hold_no_words_of_calls() -> None:
    body, calls = found(look("outcomes"), call("my bill has doubled"), call("good morning"))
    report = msgspec.json.decode(body, type=Outcomes)
    assert (report.calls, report.since, report.until, calls) == (2, 1, 2, ())
    assert b"doubled" not in body


def test_gaps_are_grouped_and_name_the_calls_whose_words_they_show() -> None:
    texts = (ASKED, "can i park a caravan somewhere", "do you have gift vouchers for birthdays")
    body, calls = found(look("gaps"), *(call(text, call_id=f"c{n}") for n, text in enumerate(texts, 1)))
    gaps = msgspec.json.decode(body, type=Gaps)
    assert (gaps.calls, gaps.unanswered, gaps.meaning) == (3, 3, False)
    assert [(gap.count, gap.calls) for gap in gaps.groups] == [(2, 2), (1, 1)]
    assert sorted(calls) == ["c1", "c2", "c3"]


def test_the_nearest_article_is_named(tmp_path: Path) -> None:
    source = knowledge.load(write(tmp_path, GOOD))
    body, _ = found(look("gaps", source), call("can you tell me how the plan on my bills was made up"))
    (gap,) = msgspec.json.decode(body, type=Gaps).groups
    assert gap.nearest is not None
    assert gap.nearest.id == "doubled-bill"


def test_a_change_since_the_start_is_held_against_the_start() -> None:
    wider = tuple(
        replace(rule, clauses=(*rule.clauses, Clause(replace(rule.clauses[0].condition, phrases=("caravan",)))))
        if rule.id == "bill"
        else rule
        for rule in SOURCE.rules
    )
    changed = replace(SOURCE, rules=wider)
    body, calls = found(look("backtest", changed, start=SOURCE), call(ASKED))
    report = msgspec.json.decode(body, type=Report)
    assert [(rule.rule, rule.change, rule.gained) for rule in report.rules] == [("bill", "edited", 1)]
    assert (report.calls, calls) == (1, (CALL,))
    same = msgspec.json.decode(found(look("backtest"), call(ASKED))[0], type=Report)
    assert (same.old == same.new, same.calls, same.rules) == (True, 0, ())


def test_a_draft_is_held_against_what_is_in_use(tmp_path: Path) -> None:
    used = knowledge.load(write(tmp_path / "used", GOOD))
    draft = ARTICLE.replace("bill has doubled", "caravan")
    write(tmp_path / "draft", {**GOOD, "articles/billing/doubled-bill.md": draft})
    task = look("backtest", used, draft=str(tmp_path / "draft"))
    report = msgspec.json.decode(found(task, call(ASKED))[0], type=Report)
    assert (report.old, report.gained) != (report.new, 0)
    (tmp_path / "draft/kb.yaml").write_text("nonsense: 1\n")
    with pytest.raises(PlaybookErrors):
        work.looking(task)


def test_lint_names_the_places_of_rules(tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD)
    quick, linted = work.lint(Lint(folder=str(folder), today="2027-02-01", model=None))
    assert (quick.whole, linted.whole, quick.places) == (False, True, linted.places)
    assert set(quick.findings) <= set(linted.findings)
    assert linted.places["ask-manager"] == ("triggers/coaching.yaml", 2)
    assert any("was to be reviewed" in finding.problem for finding in quick.findings)
    (folder / "kb.yaml").write_text("nonsense: 1\n")
    (broken,) = work.lint(Lint(folder=str(folder), today="2027-02-01", model=None))
    assert ({finding.severity for finding in broken.findings}, broken.places) == ({"error"}, {})


# --- with a model

FOREIGN = replace(
    SOURCE,
    language="nl",  # nothing comes with rtig to be learned for it, so it is learned at once
    rules=tuple(replace(rule, kind="article") for rule in SOURCE.rules if rule.id in ("bill", "router")),
)

MEANINGS = {
    "bill": (
        "why do i have to pay so much this month", "you have charged me far too much money",
        "this invoice is a lot more than it was", "i do not understand why it costs so much",
        "the amount that you took is too high",
    ),
    "router": (
        "we are going to live somewhere else", "i have bought a new house",
        "can i take the line with me to another flat", "my address is going to change soon",
        "next month we leave this place",
    ),
}  # fmt: skip


def test_what_means_the_same_is_one_gap() -> None:
    pytest.importorskip("onnxruntime")
    calls = [call(text, call_id=f"c{n}") for n, text in enumerate((ASKED + "?", ASKED_OTHERWISE + "?"), 1)]
    apart = msgspec.json.decode(found(look("gaps", FOREIGN), *calls)[0], type=Gaps)
    together = msgspec.json.decode(found(look("gaps", FOREIGN, model=MODEL), *calls)[0], type=Gaps)
    assert [gap.count for gap in apart.groups] == [1, 1]
    assert ([gap.count for gap in together.groups], together.meaning) == ([2], True)


def test_a_model_that_is_not_there_leaves_the_words() -> None:
    missing = replace(MODEL, weights="/no/such.safetensors")
    gaps = msgspec.json.decode(found(look("gaps", model=missing), call(ASKED))[0], type=Gaps)
    assert (gaps.meaning, gaps.unanswered) == (False, 1)


def test_meanings_of_both_playbooks_are_read() -> None:
    pytest.importorskip("onnxruntime")
    meant = tuple(
        replace(rule, clauses=(Clause(Means(rule.id, "customer")),)) if rule.id in MEANINGS else rule
        for rule in FOREIGN.rules
    )
    meanings = tuple(
        MeaningSource(id=name, rule=name, examples=examples, competes=True) for name, examples in MEANINGS.items()
    )
    new = replace(FOREIGN, rules=meant, meanings=meanings)
    said = call("why on earth did you take so much money from me")
    body, _ = found(look("backtest", new, start=FOREIGN, model=MODEL), said)
    difference = msgspec.json.decode(body, type=Report).rules[0]
    assert difference.rule == "bill"
    assert (difference.gained, difference.examples_gained[0].score is not None) == (1, True)
