"""Words as they are compared: case, punctuation, fillers and contractions do not matter, their places do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.core.text import FILLERS, revised, words


def norms(text: str) -> str:
    return " ".join(words(text).norms)


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Don't, um, cancel!", "do not cancel"),
        ("do not cancel", "do not cancel"),
        ("don’t cancel", "do not cancel"),
        ("dont cancel", "do not cancel"),
        ("I'm sure it's what they'd've wanted", "i am sure it is what they would have wanted"),
        ("we'll we've we're he'd", "we will we have we are he would"),
        ("well were ill", "well were ill"),
        ("won't can't cannot shan't ain't", "will not can not can not shall not is not"),
        ("y'all'd've gonna wanna gotta let's", "yall would have going to want to got to let us"),
        ("who's there's that’s", "who is there is that is"),
        ("my bill's doubled, James's router", "my bill doubled james router"),
        ("O'Brien o'clock rock'n'roll", "obrien oclock rocknroll"),
        ("pre-paid e-mail and/or", "pre paid e mail and or"),
        ("snake_case", "snake case"),
    ],
)
def test_the_same_words_compare_the_same_however_they_are_written(text: str, compared: str) -> None:
    assert norms(text) == compared


def test_fillers_are_never_compared_but_keep_their_place() -> None:
    found = words("Um, my — uh — bill")
    assert found.norms == ("my", "bill")
    assert found.at == (1, 3)
    assert found.spans == ((0, 2), (4, 6), (9, 11), (14, 18))
    assert all(words(filler.upper()).norms == () for filler in FILLERS)


def test_marks_in_brackets_are_sounds_and_no_words() -> None:
    found = words("my number is [phone number] [laughter] thanks")
    assert found.norms == ("my", "number", "is", "thanks")
    assert len(found.spans) == 6
    assert norms("[a bracket that is never closed and [this is much longer than a mark]") == (
        "a bracket that is never closed and this is much longer than a mark"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("für", "fu\u0308r"),
        ("kündigen", "KÜNDIGEN"),
        ("ﬁnance", "finance"),
        ("ΟΔΟΣ", "οδός".replace("ό", "ο")),
        ("ОТМЕНИТЬ", "отменить"),
        ("İptal", "iptal"),
        ("Ver\u00adtrag", "Vertrag"),
        ("क\u094d\u200dष", "क\u094dष"),
        ("می‌خواهم", "میخواهم"),
        ("l’abonnement", "l'abonnement"),
        ("１２３", "123"),
    ],
)
def test_spellings_of_one_word_compare_the_same_in_any_script(one: str, other: str) -> None:
    assert words(one).norms == words(other).norms
    assert len(words(one).norms) == 1


def test_a_letter_with_its_combining_marks_is_not_torn_apart() -> None:
    assert words("मेरा बिल दोगुना हो गया").norms == ("मेरा", "बिल", "दोगुना", "हो", "गया")
    assert words("Я хочу отменить").norms == ("я", "хочу", "отменить")
    assert words("aboneliğimi iptal etmek istiyorum").norms == ("aboneliğimi", "iptal", "etmek", "istiyorum")


def test_a_number_is_one_word_with_its_separators() -> None:
    assert norms("£1,000.50 on 3rd of 4G2, 9.99 24/7") == "1000.50 on 3rd of 4g2 9.99 24 seven"
    assert norms("12.30pm 007 1,000,000 1, 2") == "twelve 30pm 007 1000000 one two"


def test_small_numbers_are_the_same_in_digits_and_in_words() -> None:
    assert norms("0 2 20 21") == "zero two twenty 21"
    assert norms("2 lines") == norms("two lines")


def test_japanese_words_begin_and_end_where_the_script_changes() -> None:
    assert norms("インターネットが繋がらない") == "インターネット が 繋 がらない"
    assert norms("東京都の料金、Wi-Fiは高い") == "東京都 の 料金 wi fi は 高 い"


def test_a_contraction_is_several_words_at_one_place() -> None:
    found = words("so I'd've paid")
    assert found.norms == ("so", "i", "would", "have", "paid")
    assert found.at == (0, 1, 1, 1, 2)


def test_places_are_found_when_they_are_asked_for() -> None:
    found = words("um, I've  paid")
    assert found.size == 3
    assert (found.at, found.spans) == ((1, 1, 2), ((0, 2), (4, 8), (10, 14)))
    assert words("um, I've  paid [noise]").size == 4
    with pytest.raises(AttributeError):
        found.tokens  # noqa: B018


@pytest.mark.parametrize("text", ["um", "a\nb c", "I've don't 24/7, 1,000.50", "[noise] yes", "héllo you're"])
def test_size_is_the_same_before_and_after_places_are_found(text: str) -> None:
    before, after = words(text), words(text)
    assert before.size == len(after.spans) == after.size


def test_what_no_person_says_is_still_a_word() -> None:
    assert norms("a" + "'ll" * 5_000) == "a" + "ll" * 5_000
    assert norms("x" * 16_384) == "x" * 16_384
    assert norms("n't 'n't a'n't") == "nt nt a not"


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                "don't",
                "I’m",
                "um",
                "uh'll",
                "é",
                "\u0301",
                "\u200d",
                "'",
                "’",
                " ",
                "-",
                "[",
                "]",
                "क\u094d",
                "İ",
                "ß",
                "7",
            ]
        ),
        max_size=12,
    ).map("".join),
)


@settings(max_examples=300)
@given(TEXTS)
def test_any_text_is_read_and_every_word_knows_its_place(text: str) -> None:
    found = words(text)
    assert len(found.norms) == len(found.at)
    assert all(found.norms)
    assert list(found.at) == sorted(found.at)
    assert all(0 <= at < len(found.spans) for at in found.at)
    end = 0
    for start, stop in found.spans:
        assert end <= start < stop <= len(text)
        assert not text[start:stop].isspace()
        end = stop


@settings(max_examples=400)
@given(TEXTS, TEXTS, st.integers(0, 60))
def test_the_words_of_a_revision_are_those_of_its_text(before: str, other: str, kept: int) -> None:
    text = before[:kept] + other
    plain = words(text)
    for asked in (False, True):
        known = words(before)
        assert not asked or len(known.spans) == known.size
        found = revised(text, before, known)
        assert (found.norms, found.at, found.size, found.spans) == (plain.norms, plain.at, plain.size, plain.spans)


@settings(max_examples=200)
@given(TEXTS)
def test_a_token_alone_is_the_same_words_as_in_its_text(text: str) -> None:
    found = words(text)
    for index, (start, stop) in enumerate(found.spans):
        alone = words(text[start:stop])
        assert alone.norms == tuple(n for n, at in zip(found.norms, found.at, strict=True) if at == index)
        assert len(alone.spans) == 1


@settings(max_examples=200)
@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
def test_plain_letters_are_read_the_same_beside_foreign_ones(text: str) -> None:
    assert (*words(text + " ").norms, "é") == words(text + " é").norms
