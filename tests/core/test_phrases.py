"""Phrases: how each sign is read, the ways to say a phrase, and what is refused and where."""

import pytest

from rtig.core.phrases import MOST_WORDINGS, inflections, parse, slots_of, wordings
from rtig.errors import PhraseError


def ways(phrase: str) -> list[str]:
    """The ways to say a phrase, as text."""
    return [
        " ".join(unit if isinstance(unit, str) else unit.written for unit in wording)
        for wording in wordings(parse(phrase).rows)
    ]


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("Cancel MY Contract!", ["cancel my contract"]),
        ("I don't want", ["i do not want"]),
        ("(end|stop) (my)? plan", ["end plan", "end my plan", "stop plan", "stop my plan"]),
        ("(dis|re)connect", ["dis connect", "re connect"]),
        ("too high | gone up", ["too high", "gone up"]),
        ("disconnect* now", ["disconnect* now"]),
        ("close+ it", ["close it", "closes it", "closed it", "closing it"]),
        ("bill ~3 doubled", ["bill ~3 doubled"]),
        ("bill ~3~ doubled", ["bill ~3~ doubled", "doubled ~3~ bill"]),
        ("(old bill|invoice) ~2~ (wrong|off)", [
            "old bill ~2~ wrong", "old bill ~2~ off", "invoice ~2~ wrong", "invoice ~2~ off",
            "wrong ~2~ old bill", "wrong ~2~ invoice", "off ~2~ old bill", "off ~2~ invoice",
        ]),
        ("bill ~1 (so)? ~2 higher", ["bill ~3 higher", "bill ~1 so ~2 higher"]),
        ("(very)? ~2 high (now)?", ["high", "high now", "very ~2 high", "very ~2 high now"]),
        ("pay {amount} (now)?", ["pay {amount}", "pay {amount} now"]),
        ("(my|my) bill", ["my bill"]),
        ("2 lines", ["two lines"]),
        ("pay! now", ["pay now"]),
    ],
)  # fmt: skip
def test_the_ways_to_say_a_phrase(phrase: str, said: list[str]) -> None:
    assert ways(phrase) == said


def test_what_must_not_follow_is_kept_apart() -> None:
    parsed = parse("my bill !(cycle|due date)")
    assert list(wordings(parsed.rows)) == [("my", "bill")]
    assert list(wordings(parsed.then_not)) == [("cycle",), ("due", "date")]


def test_the_slots_of_a_phrase_wherever_they_stand() -> None:
    assert slots_of(parse("(pay {amount}|settle) ~2~ {day} (by {name})?")) == {"amount", "day", "name"}
    assert slots_of(parse("pay now")) == frozenset()


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("cancel", "cancel cancels canceled canceling cancelled cancelling"),
        ("pay", "pay pays paid paying"),
        ("close", "close closes closed closing"),
        ("try", "try tries tried trying"),
        ("play", "play plays played playing"),
        ("switch", "switch switches switched switching"),
        ("stop", "stop stops stoped stoping stopped stopping"),
        ("bill", "bill bills billed billing"),
    ],
)
def test_inflections(word: str, forms: str) -> None:
    assert " ".join(inflections(word)) == forms


@pytest.mark.parametrize(
    ("phrase", "column", "problem"),
    [
        ("", 1, "at least one word"),
        ("   ", 1, "at least one word"),
        ("(my)?", 1, "at least one word"),
        ("(my)? (bill)?", 1, "at least one word"),
        ("my |", 1, "at least one word"),
        ("cancel)", 7, "closes nothing"),
        ("cancel (my|the", 8, "not closed"),
        ("a (b (c d) e", 3, "not closed"),
        ("my? bill", 3, "goes after a list"),
        ("? bill", 1, "goes after a list"),
        ("my um bill", 4, "never heard"),
        ("my ... bill", 4, "never heard"),
        ("my [laughter] bill", 4, "never heard"),
        ("my * bill", 4, "never heard"),
        ("(my|the)* bill", 9, "never heard"),
        ("my bi* now", 4, "three letters"),
        ("my don't* now", 4, "three letters"),
        ("discon*nect", 8, "end of a word"),
        ("~3 bill", 1, "between two words"),
        ("bill ~3", 6, "between two words"),
        ("bill ~3 ~2 higher", 9, "between two words"),
        ("bill (~3 higher)", 7, "between two words"),
        ("bill ~ higher", 6, "from 1 to 12"),
        ("bill ~0 higher", 6, "from 1 to 12"),
        ("bill ~13 higher", 6, "from 1 to 12"),
        ("bill ~² higher", 6, "from 1 to 12"),
        ("bill ~" + "9" * 5_000 + " higher", 6, "from 1 to 12"),
        ("bill ~three higher", 6, "from 1 to 12"),
        ("bill ~13~ higher", 6, "from 1 to 12"),
        ("bill ~2~", 6, "between two words"),
        ("my don't+ now", 4, "one English word"),
        ("kündig+", 1, "one English word"),
        ("a+ b", 1, "one English word"),
        ("clo+se", 5, "end of a word"),
        ("pay {Amount}", 5, "name in braces"),
        ("pay {amount", 5, "name in braces"),
        ("pay amount}", 11, "closes nothing"),
        ("my bill !(cycle) now", 9, "end of a phrase"),
        ("(my bill !(cycle))", 10, "end of a phrase"),
        ("my bill !((cycle)?)", 9, "at least one word"),
        ("my bill !(cycle", 10, "not closed"),
    ],
)
def test_a_phrase_that_cannot_be_read_is_refused_with_its_place(phrase: str, column: int, problem: str) -> None:
    with pytest.raises(PhraseError, match=problem) as refused:
        parse(phrase)
    assert refused.value.column == column


def test_a_phrase_with_too_many_ways_to_say_it_is_refused() -> None:
    lists = "(a b|c d|e f|g h) "
    assert len(ways(lists * 6)) == MOST_WORDINGS
    with pytest.raises(PhraseError, match="16384 ways to say this, and 4096 at most"):
        parse(lists * 7)
