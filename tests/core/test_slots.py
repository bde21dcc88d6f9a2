"""Slots: what is a value and what is none, for each kind; and sentences that are filled with them."""

import re
from collections.abc import Sequence

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from rtig.core.slots import BUILT_IN, Kind, OneOf, Pattern, bare, filled, number_of, slots_in
from rtig.core.text import SMALL_NUMBERS, words

NUMBER, AMOUNT, DATE, NAME = (BUILT_IN[kind] for kind in ("number", "amount", "date", "name"))


def value(kind: Kind, text: str) -> str | None:
    return kind.value(words(text).norms, text)


def runs(kind: Kind, text: str) -> bool:
    """Whether the matcher would take all of the text for one run of a kind."""
    said = words(text).norms
    return (
        kind.begins(said[0]) and all(kind.goes_on(said[:n]) for n in range(2, len(said) + 1)) and len(said) <= kind.most
    )


# --- numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", "5"),
        ("five", "5"),
        ("zero", "0"),
        ("3.5", "3.5"),
        ("1,234", "1234"),
        ("seventy", "70"),
        ("twenty five", "25"),
        ("nineteen ninety nine", "1999"),
        ("twenty twenty four", "2024"),
        ("one two three four", "1234"),
        ("oh seven", "07"),
        ("one oh one", "101"),
        ("one two double three", "1233"),
        ("triple nine", "999"),
        ("double oh seven", "007"),
        ("twenty oh five", "2005"),
        ("twenty five thirty", "2530"),
        ("four 5 one 2", "4512"),
        ("45 12", "4512"),
        ("one point five", "1.5"),
        ("ninety nine point nine nine", "99.99"),
        ("one hundred point five", "100.5"),
        ("one hundred", "100"),
        ("one hundred and six", "106"),
        ("one hundred six", "106"),
        ("one hundred and twenty five", "125"),
        ("12 hundred", "1200"),
        ("45 hundred", "4500"),
        ("one hundred 45", "145"),
        ("three hundred thousand", "300000"),
        ("two thousand twenty four", "2024"),
        ("one thousand and six", "1006"),
        ("one thousand two hundred and six", "1206"),
        ("two million three thousand", "2003000"),
        ("one hundred and twenty three thousand four hundred and fifty six", "123456"),
    ],
)
def test_a_number_is_read_as_its_digits(text: str, number: str) -> None:
    assert value(NUMBER, text) == number
    assert runs(NUMBER, text)


@pytest.mark.parametrize(
    "text",
    [
        "and",
        "and five",
        "five and",
        "five and two",
        "hundred",
        "thousand five",
        "point five",
        "five point",
        "one point two point three",
        "one hundred and",
        "one hundred two hundred and",
        "six hundred and oh",
        "two hundred zero",
        "one hundred twenty ten",
        "one hundred twenty twenty",
        "one hundred 5.5",
        "3.5 2",
        "2 3.5",
        "double",
        "five double",
        "double twenty",
        "double 25",
        "two thousand thousand",
        "double hundred",
        "a number",
        "five routers",
        "two hundred three hundred",
        "two hundred hundred",
        "one thousand one million",
        "one thousand two hundred thousand",
        "two thousand 5000",
    ],
)
def test_what_is_no_number_has_no_value(text: str) -> None:
    assert value(NUMBER, text) is None


def test_nothing_at_all_is_no_number() -> None:
    assert number_of(()) is None


def test_a_number_begins_with_a_number_and_goes_on_with_more() -> None:
    begins = [word for word in ("five", "25", "7.5", "oh", "double", "hundred", "and", "point", "pounds", "the")
              if NUMBER.begins(word)]  # fmt: skip
    assert begins == ["five", "25", "7.5", "oh", "double"]
    goes_on = [word for word in ("five", "hundred", "and", "point", "pounds", "the") if NUMBER.goes_on(("one", word))]
    assert goes_on == ["five", "hundred", "and", "point"]


_SPOKEN_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_words(number: int) -> list[str]:
    """A number below a million as it is spoken."""
    said: list[str] = []
    if number >= 1_000:
        said += [*in_words(number // 1_000), "thousand"]
        number %= 1_000
        if not number:
            return said
    if number >= 100:
        said += [SMALL_NUMBERS[number // 100], "hundred"]
        number %= 100
        if not number:
            return said
    if number < 20:
        return [*said, SMALL_NUMBERS[number]]
    return [*said, _SPOKEN_TENS[number // 10 - 2], *([SMALL_NUMBERS[number % 10]] if number % 10 else [])]


@given(st.integers(0, 999_999))
def test_every_number_is_read_as_it_is_spoken(number: int) -> None:
    assert number_of(in_words(number)) == str(number)
    assert value(NUMBER, str(number)) == str(number)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_digits_are_read_one_by_one(digits: list[int]) -> None:
    spoken = [SMALL_NUMBERS[digit] if digit or at % 2 else "oh" for at, digit in enumerate(digits)]
    assert number_of(spoken) == "".join(map(str, digits))


_NUMBER_WORDS = (*SMALL_NUMBERS, *_SPOKEN_TENS, "hundred", "thousand", "million", "and", "point", "oh", "double",
                 "triple", "45", "7.5", "pounds", "pence", "the")  # fmt: skip


@given(st.lists(st.sampled_from(_NUMBER_WORDS), max_size=10))
def test_whatever_is_said_a_number_is_digits_or_nothing(said: Sequence[str]) -> None:
    found = number_of(said)
    assert found is None or re.fullmatch(r"\d+(\.\d+)?", found)
    AMOUNT.value(said, " ".join(said))


# --- amounts


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("75", "75"),
        ("75.10", "75.10"),
        ("twenty five", "25"),
        ("seventy five dollars", "75"),
        ("5 pounds 50", "5.50"),
        ("five pounds fifty", "5.50"),
        ("five pounds and fifty pence", "5.50"),
        ("seventy five dollars and ten cents", "75.10"),
        ("one hundred euros five cents", "100.05"),
        ("five point five pounds", "5.5"),
        ("ten cents", "0.10"),
        ("fifty p", "0.50"),
        ("twenty quid", "20"),
        ("sixty three forty", "63.40"),
        ("63 40", "63.40"),
        ("nineteen oh five", "19.05"),
        ("twenty twenty five", "20.25"),
        ("twenty five thirty six", "25.36"),
        ("one two three four", "1234"),
        ("one fifty", "150"),
        ("oh five twenty", "0520"),
        ("twenty thirty forty", "203040"),
        ("£63.40", "£63.40"),
        ("£1,200", "£1200"),
        ("$5 million", "$5000000"),
    ],
)
def test_an_amount_is_a_number_with_or_without_its_currency(text: str, amount: str) -> None:
    assert value(AMOUNT, text) == amount
    assert runs(AMOUNT, text)


@pytest.mark.parametrize(
    "text",
    [
        "pounds",
        "cents",
        "and pounds",
        "five pounds pounds",
        "five pounds six pounds",
        "five pounds and",
        "five pounds five",
        "five pounds 5.5",
        "five pounds 5.5 pence",
        "200 cents",
        "five cents now",
        "ten cents five pounds",
        "5.5 pounds twenty",
        "5.5 pounds twenty pence",
    ],
)
def test_what_is_no_amount_has_no_value(text: str) -> None:
    assert value(AMOUNT, text) is None


def test_an_amount_begins_with_a_number_and_goes_on_to_its_currency() -> None:
    assert [word for word in ("five", "pounds", "cents", "and") if AMOUNT.begins(word)] == ["five"]
    assert [word for word in ("five", "pounds", "pence", "and", "the") if AMOUNT.goes_on(("one", word))] == [
        "five", "pounds", "pence", "and",
    ]  # fmt: skip


# --- dates


@pytest.mark.parametrize(
    "text",
    [
        "tuesday",
        "next tuesday",
        "last monday",
        "the fourth of july",
        "4th of july",
        "4 july",
        "July 4th",
        "july the 4th",
        "this month",
        "next week",
        "tomorrow",
        "monday 25 july 2024",
        "july twenty",
    ],
)
def test_a_day_is_kept_as_it_was_said(text: str) -> None:
    assert value(DATE, text) == text
    assert runs(DATE, text)


@pytest.mark.parametrize(
    "text",
    ["the", "next", "the fifth", "25", "2024", "july of", "next tuesday the", "tuesday next", "the week",
     "last week of", "of july of"],
)  # fmt: skip
def test_what_names_no_day_has_no_value(text: str) -> None:
    assert value(DATE, text) is None


@pytest.mark.parametrize(
    ("word", "begins", "goes_on"),
    [
        ("friday", True, True),
        ("3rd", True, True),
        ("thirtieth", True, True),
        ("31", True, True),
        ("1999", True, True),
        ("2100", False, False),
        ("314", False, False),
        ("of", False, True),
        ("week", False, True),
        ("twelve", True, True),
        ("router", False, False),
    ],
)
def test_words_of_which_a_date_is_made(word: str, begins: bool, goes_on: bool) -> None:
    assert (DATE.begins(word), DATE.goes_on(("next", word))) == (begins, goes_on)


# --- names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("anna", "Anna"),
        ("anna de la", "Anna De La"),
        ("Anna", "Anna"),
        ("Ruairí O'Brien", "Ruairí O'Brien"),
        ("anna McDonald", "anna McDonald"),
        ("łukasz", "Łukasz"),
    ],
)
def test_a_name_is_written_large_where_it_was_heard_small(text: str, name: str) -> None:
    assert value(NAME, text) == name


def test_what_goes_before_and_after_names_is_none() -> None:
    for word in ("my", "name", "is", "speaking", "calling", "hello", "thanks", "and", "twelve", "25", "b4"):
        if word != "name":
            assert not NAME.begins(word), word
            assert not NAME.goes_on(("ann", word)), word
    assert NAME.begins("anna")
    assert NAME.goes_on(("mary", "anna"))
    assert NAME.most == 3


# --- patterns


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("ab1234", "ab1234"),
        ("a b 1 2 3 4", "ab1234"),
        ("A B one two 34", "ab1234"),
        ("a b 12345", None),
        ("a b 1 2 3", None),
        ("x a b 1 2 3 4", None),
        ("a b 1 2 3 oh", None),
    ],
)
def test_a_pattern_is_held_against_what_was_spelled(text: str, spelled: str | None) -> None:
    assert value(Pattern("[a-z]{2}[0-9]{4}"), text) == spelled


def test_a_pattern_is_followed_while_it_may_still_be_met() -> None:
    kind = Pattern("x+[0-9]{2}")
    assert [word for word in ("x", "X", "xx", "x1", "x12", "one", "router") if kind.begins(word)] == [
        "x", "X", "xx", "x1", "x12",
    ]  # fmt: skip
    assert kind.goes_on(("x", "x"))
    assert kind.goes_on(("x", "one"))
    assert kind.goes_on(("x", "one", "two"))
    assert not kind.goes_on(("x", "router"))
    assert not kind.goes_on(("x", "one", "two", "three"))
    assert kind.value(("x", "X", "12"), "x X 12") == "xX12"


@given(st.lists(st.sampled_from(["a", "b", "ab", "one", "2", "twenty", "x"]), min_size=1, max_size=6))
def test_every_beginning_of_a_value_goes_on(said: list[str]) -> None:
    kind = Pattern("(a|ab+)[0-9]{2,}x?")
    if kind.value(said, "") is not None:
        assert kind.begins(said[0])
        assert all(kind.goes_on(said[: n + 1]) for n in range(len(said)))


def test_what_is_no_regular_expression_is_an_error() -> None:
    with pytest.raises(regex.error):
        Pattern("(")


# --- lists

CARDS = OneOf({"Rewards": ("reward", "air miles", "air mile"), "purchase": (), "um": (), "": ("...",)})


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("rewards", "Rewards"),
        ("REWARD", "Rewards"),
        ("air miles", "Rewards"),
        ("Air mile", "Rewards"),
        ("purchase", "purchase"),
        ("miles", None),
        ("air", None),
        ("air miles rewards", None),
        ("um", None),
        ("", None),
    ],
)
def test_a_value_of_a_list_is_known_by_any_way_to_say_it(text: str, one: str | None) -> None:
    assert value(CARDS, text) == one


def test_a_list_knows_the_words_of_its_ways() -> None:
    assert [word for word in ("air", "miles", "mile", "rewards", "um") if CARDS.begins(word)] == ["air", "rewards"]
    assert [word for word in ("air", "miles", "mile", "rewards") if CARDS.goes_on(("air", word))] == ["miles", "mile"]
    assert (CARDS.most, OneOf({}).most, OneOf({}).value((), "")) == (2, 1, None)


# --- sentences


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello.", "Hello."),
        ("Hello {first_name}.", "Hello Anna."),
        ("Hello {first_name|there}.", "Hello Anna."),
        ("Hello {last-name|there}.", "Hello there."),
        ("Hello{last-name|}.", "Hello."),
        ("Hello {last-name}.", None),
        ("{first_name} {last-name|} {sum}", None),
        ("{first_name}, {first_name}!", "Anna, Anna!"),
        ("{odd}", "{first_name} \\1 {sum}"),
        ("{First} { } {a b} {} {", "{First} { } {a b} {} {"),
        ("{sum|{first_name}}", "{sum|Anna}"),
    ],
)
def test_a_sentence_is_filled_with_what_the_slots_hold(text: str, said: str | None) -> None:
    assert filled(text, {"first_name": "Anna", "odd": "{first_name} \\1 {sum}"}) == said


@pytest.mark.parametrize(
    ("sum_heard", "said"), [("63.40", "£63.40, 63.40"), ("£63.40", "£63.40, £63.40"), ("$63.40", "$63.40, $63.40")]
)
def test_a_currency_that_was_said_takes_the_place_of_the_one_that_is_written(sum_heard: str, said: str) -> None:
    assert filled("£{sum}, {sum}", {"sum": sum_heard}) == said
    assert filled("£{sum|5}, £{sum|much}", {}) == "£5, £much"


def test_a_value_is_compared_without_its_currency() -> None:
    assert [bare(value) for value in ("£63.40", "63.40", "Anna", "", "$")] == ["63.40", "63.40", "Anna", "", ""]


def test_an_empty_value_is_a_value() -> None:
    assert filled("({note|none})", {"note": ""}) == "()"


@given(st.text(), st.dictionaries(st.sampled_from(("a", "b")), st.text()))
def test_a_sentence_without_braces_says_itself(text: str, values: dict[str, str]) -> None:
    plain = text.replace("{", "(")
    assert filled(plain, values) == plain
    assert slots_in(plain) == {}


def test_the_slots_in_a_sentence_and_which_have_words_of_their_own() -> None:
    assert slots_in("{first_name|Right}, {sum} on {day|}: {Not} {one}") == {
        "first_name": True, "sum": False, "day": True, "one": False,
    }  # fmt: skip


def test_a_slot_that_stands_twice_needs_words_of_its_own_in_both_places() -> None:
    assert slots_in("{a} and {a|x}") == slots_in("{a|x} and {a}") == {"a": False}
    assert slots_in("{a|x} and {a|y}") == {"a": True}
