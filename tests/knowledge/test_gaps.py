"""What customers asked that no article answered, and how it is put into groups."""

from collections.abc import Sequence

from calls import CALL, SOURCE, playbook
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core.events import AnyEvent, CallEnded, CallStarted, Party, SegmentHeard
from rtig.knowledge.base import language
from rtig.knowledge.gaps import EXAMPLES, Question, gap_of, grouped, near_in_words, questions
from rtig.knowledge.outcomes import as_recorded

ARTICLES = playbook(
    replace(
        SOURCE,
        rules=tuple(
            replace(rule, kind="article")
            for rule in SOURCE.rules
            if rule.id in ("bill", "cancel", "router", "drafted", "faults-only")
        ),
    )
)
CARAVAN = "where can i park my caravan while i am away"


def said(*turns: tuple[Party, str], every_ms: int = 30_000) -> list[AnyEvent]:
    heard = [
        SegmentHeard(
            call_id=CALL, segment_id=f"s{n}", rev=1, party=party, text=text, final=True, turn_end=True,
            start_ms=n * every_ms, end_ms=n * every_ms + 900,
        )
        for n, (party, text) in enumerate(turns, 1)
    ]  # fmt: skip
    return [CallStarted(call_id=CALL, queue="billing"), *heard, CallEnded(call_id=CALL, at_ms=900_000)]


def asked(*turns: tuple[Party, str], every_ms: int = 30_000) -> tuple[list[str], int]:
    found, all_of_them = questions(ARTICLES, as_recorded(ARTICLES, said(*turns, every_ms=every_ms)))
    return [one.text for one in found], all_of_them


def test_what_no_article_came_for_is_a_gap() -> None:
    assert asked(("customer", CARAVAN), ("agent", "let me see"), ("customer", "thanks a lot")) == ([CARAVAN], 1)


def test_what_an_article_came_for_is_none() -> None:
    assert asked(("customer", "why is it that my bill has doubled")) == ([], 1)


def test_an_article_that_was_shown_already_answers_too() -> None:
    first, second = "why is it that my bill has doubled", "so why is my bill higher than before"
    found, all_of_them = asked(("customer", first), ("customer", second), every_ms=6_000)
    assert (found, all_of_them) == ([], 2)


def test_an_article_that_is_a_draft_or_for_other_queues_answers_nobody() -> None:
    events = said(("customer", "can you tell me where the router needs to be placed"))
    rules = tuple(ARTICLES.rules[name] for name in ("drafted", "faults-only"))
    book = playbook(replace(SOURCE, rules=rules))
    found, _ = questions(book, as_recorded(book, events))
    assert [one.call_id for one in found] == [CALL]


def test_what_the_agent_asks_is_no_gap() -> None:
    assert asked(("agent", "may i ask where you park your caravan"), ("customer", "yes")) == ([], 0)


# --- groups


def test_texts_that_share_their_telling_words_are_near() -> None:
    english = language("en")
    texts = [
        CARAVAN,
        "is there anywhere that i could leave a caravan to park",
        "do you sell gift vouchers for a birthday",
        "can i have a gift voucher please",
        "how do i get to you from the airport",
    ]
    groups = grouped(near_in_words(texts, english))
    assert sorted(map(sorted, groups)) == [[0, 1], [2, 3], [4]]


def test_common_words_bring_nothing_together() -> None:
    english = language("en")
    assert near_in_words(["can i have that", "can i have this"], english) == [{}, {}]


def test_the_text_that_most_are_near_to_comes_first() -> None:
    # 2 is near to 0, 1 and 3, which are not near to one another; 4 is near to 3 alone.
    near = [{2: 0.6}, {2: 0.9}, {0: 0.6, 1: 0.9, 3: 0.7}, {2: 0.7, 4: 0.8}, {3: 0.8}]
    assert grouped(near) == [[2, 1, 3, 0], [4]]


def test_nothing_has_no_groups() -> None:
    assert grouped([]) == []
    assert near_in_words([], language("en")) == []


@given(st.integers(0, 12).flatmap(lambda n: st.lists(st.tuples(st.integers(0, n), st.integers(0, n)), max_size=30)))
def test_every_text_is_in_one_group_and_near_to_its_first(pairs: Sequence[tuple[int, int]]) -> None:
    size = 1 + max((max(pair) for pair in pairs), default=0)
    near: list[dict[int, float]] = [{} for _ in range(size)]
    for one, other in pairs:
        if one != other:
            near[one][other] = near[other][one] = 0.5
    groups = grouped(near)
    assert sorted(place for group in groups for place in group) == list(range(size))
    assert all(place in near[group[0]] for group in groups for place in group[1:])
    assert [len(group) for group in groups] == sorted((len(group) for group in groups), reverse=True)


def test_examples_come_from_as_many_calls_as_there_are() -> None:
    several = [Question(call_id=call, at_ms=at, text=f"{call} {at}") for call in "aabbcde" for at in (1, 2)]
    gap = gap_of(several, None)
    assert (gap.count, gap.calls, len(gap.examples)) == (14, 5, EXAMPLES)
    assert [one.call_id for one in gap.examples] == ["a", "b", "c", "d"]
    few = gap_of([Question(call_id="a", at_ms=at, text="x") for at in (1, 2)], None)
    assert [one.at_ms for one in few.examples] == [1, 2]
