"""The playbook: named by its content, and knowing for every phrase who waits for it."""

from itertools import permutations

import pytest
from calls import SOURCE, playbook, rule
from msgspec.structs import replace

from rtig.core.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Means,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    OnHold,
    Said,
    SaidAgain,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
)
from rtig.core.frustration import Signal, Temper
from rtig.core.matcher import Spoken
from rtig.core.playbook import (
    ChecklistSource,
    ClauseRef,
    MeaningSource,
    Playbook,
    SignalSource,
    SlotSource,
    Source,
)
from rtig.core.policy import Attention
from rtig.core.triggers import Clause, Rule, StepSource
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
        replace(SMALL, slots=(SlotSource(id="s", kind="name"),)),
        replace(SMALL, meanings=(MeaningSource(id="m", rule="bill", examples=("a",)),)),
        replace(SMALL, negatives=("a",)),
        replace(SMALL, false_alarms=2.0),
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
        "again": SaidAgain(("x",), 1),
        "mood": MoodAt("tense"),
        "silence": Silence(1),
        "over": TalkOver(1, 1),
        "monologue": Monologue(1),
        "hold": OnHold(1),
        "share": TalkShare(0.5, 1),
        "score": ScoreAt(0.5),
        "stayed": ScoreAt(0.5, for_ms=1),
        "meant": Means("m"),
        "slot": SlotIs("x"),
        "all": AllOf((Said(("x",)), AnyOf((MoodAt("tense", for_ms=1), Silence(7))))),
        "not": AllOf((Said(("x",)), Not(Said(("y",), lasting_ms=1)))),
    }
    made = playbook(Source(name="x", rules=tuple(rule(name, condition) for name, condition in conditions.items())))
    assert [ref.rule_id for ref in made.mood_clauses] == ["mood", "score", "stayed", "all"]
    assert [ref.rule_id for ref in made.timed_clauses] == ["not-said", "silence", "hold", "stayed", "all", "not"]
    assert {kind: [ref.rule_id for ref in refs] for kind, refs in made.shape_clauses.items()} == {
        SaidAgain: ["again"],
        Silence: ["silence", "all"],
        TalkOver: ["over"],
        Monologue: ["monologue"],
        TalkShare: ["share"],
    }
    assert [ref.rule_id for ref in made.hold_clauses] == ["silence", "hold", "all"]
    assert made.silences == (1, 7)
    assert made.plain_silences == (1,)
    assert [ref.rule_id for ref in made.silence_clauses] == ["all"]
    assert sorted(ref.rule_id for ref in made.deadline_clauses) == ["hold", "not", "not-said", "stayed"]
    called = {ref.rule_id for refs in made.clauses_called.values() for ref in refs}
    assert sorted(called) == ["again", "all", "not", "said"]
    assert [ref.rule_id for ref in made.clauses_called[made.number("x")]] == ["said", "again", "all", "not"]
    assert made.number("y") not in made.clauses_called


def test_a_phrase_knows_the_signals_and_checklists_that_wait_for_it() -> None:
    made = playbook(SOURCE)
    assert made.signals_of_phrase == {
        made.number("(second|third) time ~2 call*"): ("again",),
        made.number("that is great"): ("relief",),
        made.number("that is not possible"): ("refused",),
    }


def waiting(made: Playbook, phrase: str, *, banned: bool = False) -> list[str]:
    """The rules whose clauses look again when a phrase is heard, or what must not follow it."""
    number = made.number(phrase)
    return [ref.rule_id for ref in made.clauses_of_phrase[made.matcher.bans[number] if banned else number]]


def test_a_phrase_is_heard_with_and_without_errors_as_its_clauses_ask_for() -> None:
    strict = rule("strict", Said(("my bill",), tolerance="none"))
    late = rule("late", NotSaid(("my bill",), 1, tolerance="none"))
    made = playbook(Source(name="x", rules=(BILL, strict, late)))
    assert Spoken("my bill", True) in made.phrases
    assert Spoken("my bill", False) in made.phrases
    assert waiting(made, "my bill") == ["bill"]
    exact = made.clauses_of_phrase[made.number("my bill", "none")]
    assert [ref.rule_id for ref in exact] == ["strict", "late"]


def test_what_must_not_follow_a_phrase_is_waited_for_too() -> None:
    made = playbook(
        Source(
            name="x",
            rules=(
                rule("bill", Said(("my bill !(cycle)",))),
                rule("calm", MoodAt("tense"), unless=("one moment !(later)",)),
                rule("done", MoodAt("tense"), done=("put you through !(soon)",)),
                rule("holds", SlotIs("sum")),
            ),
            slots=(SlotSource(id="sum", kind="amount", said=("pay {sum} !(back)",)),),
            checklists=(ChecklistSource("l", "l", (), opened_by=("thanks !(but)",)),),
            signals=(SignalSource(Signal("s", "s", 0.1), ("third time !(lucky)",)),),
        )
    )
    for phrase, name in (
        ("my bill !(cycle)", "bill"),
        ("one moment !(later)", "calm"),
        ("put you through !(soon)", "done"),
        ("pay {sum} !(back)", "holds"),
    ):
        assert waiting(made, phrase) == waiting(made, phrase, banned=True) == [name]
    bans = made.matcher.bans
    assert made.signals_of_phrase[bans[made.number("third time !(lucky)")]] == ("s",)


# --- slots

CAPTURED = Source(
    name="x",
    rules=(
        rule("known", SlotIs("code")),
        rule("dear", AllOf((SlotIs("sum", above=50), Not(SlotIs("code"))))),
        rule("pays", Said(("pay {sum} (to {payee})?",))),
    ),
    slots=(
        SlotSource(id="sum", kind="amount", said=("it was {sum}",)),
        SlotSource(id="payee", kind="list", values={"us": ("you",)}),
        SlotSource(
            id="code",
            kind="pattern",
            pattern="[a-z]{2}",
            said=("code {code}",),
            when=AllOf((Said(("your code",), "agent"), Not(OnHold(1)), Means("m.1"), SlotIs("other"))),
        ),
        SlotSource(id="other", kind="number", said=("other {other}",), when=AnyOf((MoodAt("tense"), Silence(3)))),
    ),
    meanings=(MeaningSource(id="m.1", rule="known"),),
)


def test_a_slot_knows_the_phrases_that_capture_it_whoever_holds_them() -> None:
    made = playbook(CAPTURED)
    phrases = {slot: {made.phrases[n].phrase for n in numbers} for slot, numbers in made.phrases_of_slot.items()}
    assert phrases == {
        "sum": {"it was {sum}", "pay {sum} (to {payee})?"},
        "payee": {"pay {sum} (to {payee})?"},
        "code": {"code {code}"},
        "other": {"other {other}"},
    }
    assert made.matcher.value("payee", ("you",), "you") == "us"
    assert made.matcher.value("code", ("a", "b"), "a b") == "ab"
    assert made.matcher.value("sum", ("five",), "five") == "5"


def test_a_clause_waits_for_the_words_of_its_slots() -> None:
    made = playbook(CAPTURED)
    assert waiting(made, "it was {sum}") == ["dear"]
    assert waiting(made, "pay {sum} (to {payee})?") == ["dear", "pays"]
    assert waiting(made, "code {code}") == ["known", "dear"]


def test_a_clause_waits_for_all_that_its_slots_wait_for() -> None:
    made = playbook(CAPTURED)
    assert waiting(made, "your code") == waiting(made, "other {other}") == ["known", "dear"]
    both = [ClauseRef("known", 0), ClauseRef("dear", 0)]
    assert made.hold_clauses == made.mood_clauses == made.shape_clauses[Silence] == both
    assert made.clauses_of_meaning == {"m.1": tuple(both)}
    assert made.silences == (3,)


def test_a_slot_that_waits_for_itself_is_compiled_all_the_same() -> None:
    itself = SlotSource(id="a", kind="name", said=("i am {a}",), when=Not(SlotIs("a")))
    one = SlotSource(id="b", kind="name", said=("he is {b}",), when=SlotIs("c"))
    other = SlotSource(id="c", kind="name", said=("she is {c}",), when=AllOf((SlotIs("b"), Said(("yes",)))))
    made = playbook(
        Source(name="x", rules=(rule("a", SlotIs("a")), rule("b", SlotIs("b"))), slots=(itself, one, other))
    )
    assert waiting(made, "i am {a}") == ["a"]
    assert waiting(made, "he is {b}") == waiting(made, "she is {c}") == waiting(made, "yes") == ["b"]


def test_a_slot_that_nobody_declared_is_refused() -> None:
    with pytest.raises(PhraseError, match="no slot `colour`"):
        playbook(replace(SMALL, rules=(rule("r", Said(("a {colour} router",))),)))
    made = playbook(replace(SMALL, rules=(rule("r", SlotIs("colour")),)))
    assert made.clauses_of_phrase == {}


# --- meanings

MEANT = replace(
    SMALL,
    rules=(
        rule("leave", Means("leave.1")),
        rule("both", AnyOf((Means("leave.1"), AllOf((Means("rude.1", "any"), Said(("my bill",))))))),
    ),
    meanings=(MeaningSource(id="leave.1", rule="leave", examples=("i want to leave",)),
              MeaningSource(id="rude.1", rule="both", examples=("you are useless",))),
)  # fmt: skip


def test_a_meaning_knows_the_clauses_that_wait_for_it() -> None:
    assert playbook(MEANT).clauses_of_meaning == {
        "leave.1": (ClauseRef("leave", 0), ClauseRef("both", 0)),
        "rude.1": (ClauseRef("both", 0),),
    }
    assert playbook(SMALL).clauses_of_meaning == {}


@pytest.mark.parametrize(
    ("parties", "read"),
    [
        ((), ()),
        (("customer",), ("customer",)),
        (("agent", "agent"), ("agent",)),
        (("agent", "customer"), ("customer", "agent")),
        (("any",), ("customer", "agent")),
    ],
)
def test_a_model_is_asked_about_those_whose_meaning_matters(parties: tuple[str, ...], read: tuple[str, ...]) -> None:
    asked = tuple(
        MeaningSource(id=f"m.{number}", rule="leave", party=party)  # type: ignore[arg-type]
        for number, party in enumerate(parties)
    )
    assert playbook(replace(SMALL, meanings=asked)).parties_read == read


def test_the_version_of_the_meanings_names_what_a_model_must_have_been_told() -> None:
    version = playbook(MEANT).meanings_version
    assert len(version) == 12
    first, second = MEANT.meanings
    for changed in (
        replace(MEANT, meanings=(first,)),
        replace(MEANT, meanings=(replace(first, examples=("i am off",)), second)),
        replace(MEANT, meanings=(replace(first, party="any"), second)),
        replace(MEANT, negatives=("what a day",)),
        replace(MEANT, false_alarms=0.5),
    ):
        assert playbook(changed).meanings_version not in ("", version)
    for same in (replace(MEANT, name="other"), replace(MEANT, rules=(BILL,)), replace(MEANT, valence={"cancel": 0.0})):
        assert playbook(same).meanings_version == version


def test_where_nothing_is_asked_of_a_model_it_is_told_so_and_reads_the_customers_tone_alone() -> None:
    made = playbook(SMALL)
    assert (len(made.meanings_version), made.parties_read) == (12, ())
    assert playbook(replace(SMALL, negatives=("what a day",))).meanings_version != made.meanings_version


def test_what_words_are_read_by_has_a_version() -> None:
    made = playbook(SMALL)
    assert playbook(replace(SMALL, name="other", signals=())).lexicon == made.lexicon
    for changed in (replace(SMALL, valence={"cancel": -1.0}), replace(SMALL, language="de")):
        assert playbook(changed).lexicon != made.lexicon


def test_a_phrase_that_cannot_be_read_is_refused_whoever_holds_it() -> None:
    for source in (
        replace(SMALL, rules=(rule("r", Said(("bill ~",))),)),
        replace(SMALL, rules=(rule("r", Silence(1), unless=("(bill",)),)),
        replace(SMALL, rules=(rule("r", Silence(1), done=("um",)),)),
        replace(SMALL, checklists=(ChecklistSource("l", "l", (StepSource("s", "s", ("a?",)),)),)),
        replace(SMALL, checklists=(ChecklistSource("l", "l", (), opened_by=(")",)),)),
        replace(SMALL, signals=(SignalSource(Signal("s", "s", 0.1), ("ab*",)),)),
        replace(SMALL, slots=(SlotSource(id="s", kind="name", said=("{s",)),)),
        replace(SMALL, slots=(SlotSource(id="s", kind="name", when=Said(("~2 bill",))),)),
    ):
        with pytest.raises(PhraseError):
            playbook(source)


def test_an_empty_playbook_is_a_playbook() -> None:
    made = playbook(Source(name="nothing"))
    assert (made.phrases, made.rules, made.timed_clauses) == ((), {}, [])
