"""The evaluation counts as a person would: labelled turns go through the fold, and what came is held against labels."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from rtig import knowledge
from rtig.core.utterances import Utterance
from rtig.errors import WorldError
from rtig.evaluation import surfacing as evaluation
from rtig.evaluation.surfacing import Figures, Outcome, Read, Turn
from rtig.lane.talk import Learn

SILENT = frozenset({"thanks", "hello"})


def turn(text: str, *labels: str, call: str = "1", group: str = "", seen: bool | None = None) -> Turn:
    return Turn(text, frozenset(labels), group, call, seen)


TAUGHT = [
    turn("where is my parcel", "parcel"), turn("my order has not come", "parcel"), turn("pay my bill", "bill"),
    turn("how much do i owe", "bill"), turn("thanks a lot", "thanks"), turn("hello there", "hello"),
]  # fmt: skip


def reads(sure: dict[str, dict[str, float]], lessons: list[Learn] | None = None) -> Callable[[Learn], Read]:
    """A model that is sure of what it is told to be sure of: what is tested here is what becomes of that."""

    def learned(lesson: Learn) -> Read:
        if lessons is not None:
            lessons.append(lesson)

        def read(utterances: Sequence[Utterance]) -> list[dict[str, float]]:
            return [dict(sure.get(one.text, {})) for one in utterances]

        return read

    return learned


def tried(test: Iterable[Turn], sure: dict[str, dict[str, float]], taught: Sequence[Turn] = TAUGHT) -> list[Outcome]:
    (found,) = [
        outcomes
        for _, outcomes, _ in evaluation.surfacing(
            taught,
            list(test),
            SILENT,
            compiled=knowledge.compiled,
            learned=reads(sure),
            negatives=(),
        )
    ]
    return found


def test_the_surest_article_that_is_meant_is_shown() -> None:
    (outcome,) = tried([turn("i owe you a parcel", "parcel")], {"i owe you a parcel": {"bill": 0.6, "parcel": 0.8}})
    assert outcome == Outcome(frozenset({"parcel"}), "parcel", "parcel", 0.8, None)


def test_what_is_not_sure_enough_is_not_shown_but_is_still_the_likeliest() -> None:
    (outcome,) = tried([turn("a parcel", "parcel")], {"a parcel": {"bill": 0.1, "parcel": 0.49}})
    assert (outcome.shown, outcome.best, outcome.score) == ("", "parcel", 0.49)


def test_the_same_article_may_come_at_each_turn_of_a_call() -> None:
    outcomes = tried([turn("a parcel", "parcel"), turn("a parcel", "parcel")], {"a parcel": {"parcel": 0.9}})
    assert [one.shown for one in outcomes] == ["parcel", "parcel"]


def test_a_turn_with_a_silent_label_beside_another_needs_that_one() -> None:
    (outcome,) = tried([turn("thanks where is it", "thanks", "parcel")], {})
    assert outcome.needs == {"parcel"}


def outcome(needs: str, shown: str, score: float = 0.0, best: str = "", seen: bool | None = None) -> Outcome:
    return Outcome(frozenset(needs.split()), shown, best or shown, score, seen)


def test_figures_by_hand() -> None:
    """Four need an article, three get one, of them two the right one; of four that need none one gets one."""
    found = [
        outcome("a", "a", 0.9), outcome("a b", "b", 0.8), outcome("a", "b", 0.7), outcome("b", "", 0.3, best="b"),
        outcome("", "a", 0.6), outcome("", "", 0.2), outcome("", "", 0.1), outcome("", "", 0.1),
    ]  # fmt: skip
    assert evaluation.figures(found) == Figures(
        n=8, precision=0.5, recall=0.5, f1=0.5, false_per_100_silent=25.0, auc_silent=0.9375, accuracy=0.75
    )


def test_where_there_is_nothing_to_count_there_is_no_figure() -> None:
    assert evaluation.figures([outcome("a", "")]) == Figures(
        n=1, precision=None, recall=0.0, f1=None, false_per_100_silent=None, auc_silent=None, accuracy=0.0
    )


def test_new_texts_and_groups_are_counted_apart() -> None:
    report = evaluation.report(
        {"x": [outcome("a", "a", 0.9, seen=False)], "y": [outcome("a", "", 0.1, best="b", seen=True)]}, seconds=0.002
    )
    assert (report.n, report.recall, report.us_per_turn) == (2, 0.5, 1000.0)
    assert report.unseen is not None
    assert (report.unseen.n, report.unseen.recall) == (1, 1.0)
    assert {name: figures.recall for name, figures in report.groups.items()} == {"x": 1.0, "y": 0.0}


def test_the_curve_goes_from_the_surest_down() -> None:
    found = [outcome("a", "a", 0.9), outcome("b", "a", 0.7), outcome("a", "", 0.3, best="a"), outcome("", "", 0.2)]
    assert [(round(recall, 2), round(precision, 2)) for recall, precision in evaluation.curve(found)] == [
        (0.33, 1.0), (0.33, 0.5), (0.67, 0.67), (0.67, 0.5)
    ]  # fmt: skip
    assert evaluation.in_use(found) == (0.3333, 0.5)
    assert evaluation.in_use([outcome("", "")]) is None


def test_turns_are_drawn_by_the_seed_and_silent_ones_more_often() -> None:
    many = [turn(f"parcel {n}", "parcel") for n in range(50)] + [turn(f"thanks {n}", "thanks") for n in range(50)]
    first, again, other = (evaluation.sentences(many, SILENT, 3, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert {label: len(texts) for label, texts in first.items()} == {
        "parcel": 3,
        "thanks": 3 * evaluation.SILENT_FOR_ONE,
    }
    assert len(evaluation.sentences(many, SILENT)["parcel"]) == 50


def test_the_playbook_has_an_article_for_each_label_and_the_model_learns_its_name_too() -> None:
    lessons: list[Learn] = []
    list(
        evaluation.surfacing(
            TAUGHT, TAUGHT[:1], SILENT,
            compiled=knowledge.compiled, learned=reads({}, lessons), negatives=(("unused",),),
        )
    )  # fmt: skip
    (lesson,) = lessons
    assert {meaning.id: meaning.examples for meaning in lesson.meanings} == {
        "bill": ("pay my bill", "how much do i owe", "bill"),
        "parcel": ("where is my parcel", "my order has not come", "parcel"),
    }
    assert lesson.negatives == (("hello there",), ("thanks a lot",))


def test_without_silent_turns_the_negatives_that_come_with_rtig_are_learned() -> None:
    lessons: list[Learn] = []
    list(
        evaluation.surfacing(
            TAUGHT[:4], TAUGHT[:1], frozenset(),
            compiled=knowledge.compiled, learned=reads({}, lessons), negatives=(("good morning",),),
        )
    )  # fmt: skip
    assert lessons[0].negatives == (("good morning",),)


def test_groups_are_learned_apart() -> None:
    taught = [turn("book a flight", "book", group="air"), turn("order food", "order", group="food")]
    names = [
        name
        for name, _, _ in evaluation.surfacing(
            taught,
            taught,
            SILENT,
            compiled=knowledge.compiled,
            learned=reads({}),
            negatives=(),
        )
    ]
    assert names == ["air", "food"]
    with pytest.raises(WorldError, match="No training turn is of group `sea`"):
        list(
            evaluation.surfacing(
                taught, [turn("sail", "sail", group="sea")], SILENT,
                compiled=knowledge.compiled, learned=reads({}), negatives=(),
            )
        )  # fmt: skip


@pytest.mark.parametrize(
    ("label", "title"), [("card_arrival", "card arrival"), ("cardArrival", "card arrival"), ("top-up", "top up")]
)
def test_titles(label: str, title: str) -> None:
    assert evaluation.title(label) == title


def written(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_rows_of_both_kinds(tmp_path: Path) -> None:
    path = written(
        tmp_path / "turns.jsonl",
        {"text": "hi", "intent": "hello"},
        "",
        {"text": "both", "intents": ["a", "b"], "conv": 7, "domain": "air", "seen_in_train": True},
    )
    assert evaluation.read_turns(path) == [
        Turn("hi", frozenset({"hello"}), "", "1", None),
        Turn("both", frozenset({"a", "b"}), "", "7", True),
    ]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('{"intent": "a"}', "turns.jsonl:2: 'text' is missing"),
        ('{"text": "a"}', "turns.jsonl:2: 'intent' is missing"),
        ('{"text": 5, "intent": "a"}', "turns.jsonl:2: Expected `str`, got `int`"),
        ("not JSON", "turns.jsonl:2: JSON is malformed"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, row: str, complaint: str) -> None:
    path = written(tmp_path / "turns.jsonl", {"text": "hi", "intent": "hello"}, row)
    with pytest.raises(WorldError) as error:
        evaluation.read_turns(path)
    assert complaint in str(error.value)


def test_a_group_that_a_row_lacks_and_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="'domain' is missing"):
        evaluation.read_turns(written(tmp_path / "turns.jsonl", {"text": "hi", "intent": "hello"}), "domain")
    with pytest.raises(WorldError, match="has no turns"):
        evaluation.read_turns(written(tmp_path / "none.jsonl", ""))


def test_a_silent_label_that_nobody_has_is_refused() -> None:
    evaluation.check_labels(TAUGHT, SILENT)
    with pytest.raises(WorldError, match="silent label `thank`; there are bill, hello, parcel, thanks"):
        evaluation.check_labels(TAUGHT, frozenset({"thank"}))
