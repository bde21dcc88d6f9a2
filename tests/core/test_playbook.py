"""The playbook: named by its content, and knowing for every phrase who waits for it."""

from itertools import permutations

import pytest
from calls import SOURCE, playbook, rule
from msgspec.structs import replace

from rtig.core.conditions import Condition, Monologue, MoodAt, NotSaid, Said, Silence, TalkOver
from rtig.core.frustration import Signal, Temper
from rtig.core.playbook import ChecklistSource, ClauseRef, SignalSource, Source, StepSource
from rtig.core.policy import Attention
from rtig.core.triggers import Clause, Rule
from rtig.errors import PhraseError

BILL = rule("bill", Said(("my bill", "the bill")), unless=("bill is fine",), done=("your bill shows",))
SMALL = Source(name="small", rules=(BILL,))


def test_the_same_content_has_the_same_version_whoever_compiles_it() -> None:
    again = Source(
        name="small",
        rules=(rule("bill", Said(("my bill", "the bill")), unless=("bill is fine",), done=("your bill shows",)),),
    )
    assert playbook(SMALL).version == playbook(again).version
    assert len(playbook(SMALL).version) == 12
    weights = {"cancel": 0.0, "charge": 0.0, "outage": -1.5}
    versions = {playbook(replace(SMALL, valence=dict(order))).version for order in permutations(weights.items())}
    assert len(versions) == 1


@pytest.mark.parametrize(
    "changed",
    [
        replace(SMALL, name="other"),
        replace(SMALL, language="de"),
        replace(SMALL, attention=Attention(gap_ms=6_001)),
        replace(SMALL, temper=Temper(half_life_ms=1)),
        replace(SMALL, rules=(replace(BILL, say="something else"),)),
        replace(SMALL, rules=(replace(BILL, clauses=(Clause(Said(("my bill",))),)),)),
        replace(SMALL, rules=(BILL, rule("more", Silence(1)))),
        replace(SMALL, valence={"cancel": 0.0}),
        replace(SMALL, checklists=(ChecklistSource("l", "l", ()),)),
        replace(SMALL, signals=(SignalSource(Signal("s", "s", 0.1), ("s",)),)),
    ],
)
def test_any_other_content_has_another_version(changed: Source) -> None:
    assert playbook(changed).version != playbook(SMALL).version


def test_every_phrase_is_in_the_matcher_once() -> None:
    made = playbook(
        Source(
            name="x",
            rules=(BILL, rule("again", Said(("my bill",)), done=("your bill shows",))),
            checklists=(
                ChecklistSource("l", "l", (StepSource("s", "s", ("thanks for calling",)),), opened_by=("cancel now",)),
            ),
            signals=(SignalSource(Signal("s", "s", 0.1), ("third time", "my bill")),),
        )
    )
    assert tuple(spoken.phrase for spoken in made.phrases) == (
        "bill is fine", "cancel now", "my bill", "thanks for calling", "the bill", "third time", "your bill shows",
    )  # fmt: skip
    _, found = made.matcher.walk(made.matcher.start, ("my", "bill"))
    assert [made.phrases[match[1]].phrase for match in found] == ["my bill"]


def test_a_phrase_knows_the_clauses_that_wait_for_it() -> None:
    two = Rule(
        id="two",
        kind="coach",
        title="two",
        clauses=(Clause(Said(("my bill", "my bill"))), Clause(Silence(1), unless=("my bill",), done=("one moment",))),
    )
    made = playbook(Source(name="x", rules=(BILL, two)))

    def waiting(phrase: str) -> tuple[ClauseRef, ...]:
        return made.clauses_of_phrase[made.number(phrase)]

    assert waiting("my bill") == (ClauseRef("bill", 0), ClauseRef("two", 0), ClauseRef("two", 1))
    assert waiting("bill is fine") == waiting("your bill shows") == (ClauseRef("bill", 0),)
    assert waiting("one moment") == (ClauseRef("two", 1),)
    assert made.clause(ClauseRef("two", 1)).condition == Silence(1)


def test_conditions_are_sorted_by_what_they_wait_for() -> None:
    conditions: dict[str, Condition] = {
        "said": Said(("x",)),
        "not-said": NotSaid(("x",), 1),
        "mood": MoodAt("tense"),
        "silence": Silence(1),
        "over": TalkOver(1, 1),
        "monologue": Monologue(1),
    }
    made = playbook(Source(name="x", rules=tuple(rule(name, condition) for name, condition in conditions.items())))
    assert [ref.rule_id for ref in made.mood_clauses] == ["mood"]
    assert [ref.rule_id for ref in made.timed_clauses] == ["not-said", "silence"]
    assert [ref.rule_id for ref in made.shape_clauses] == ["silence", "over", "monologue"]


def test_a_phrase_knows_the_signals_and_checklists_that_wait_for_it() -> None:
    made = playbook(SOURCE)
    assert made.signals_of_phrase == {
        made.number("(second|third) time ~2 call*"): ("again",),
        made.number("that is great"): ("relief",),
    }
    assert made.checklists_of_phrase[made.number("cancel ~2 contract")] == ("leaving",)
    assert made.checklists_of_phrase[made.number("how can i help")] == ("opening",)


def test_a_phrase_that_cannot_be_read_is_refused_whoever_holds_it() -> None:
    for source in (
        replace(SMALL, rules=(rule("r", Said(("bill ~",))),)),
        replace(SMALL, rules=(rule("r", Silence(1), unless=("(bill",)),)),
        replace(SMALL, rules=(rule("r", Silence(1), done=("um",)),)),
        replace(SMALL, checklists=(ChecklistSource("l", "l", (StepSource("s", "s", ("a?",)),)),)),
        replace(SMALL, checklists=(ChecklistSource("l", "l", (), opened_by=(")",)),)),
        replace(SMALL, signals=(SignalSource(Signal("s", "s", 0.1), ("ab*",)),)),
    ):
        with pytest.raises(PhraseError):
            playbook(source)


def test_an_empty_playbook_is_a_playbook() -> None:
    made = playbook(Source(name="nothing"))
    assert (made.phrases, made.rules, made.timed_clauses) == ((), {}, [])
