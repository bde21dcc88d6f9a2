import gc
from typing import Annotated, Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from rtig.errors import PlaybookError
from rtig.knowledge.yamlfile import File, Node


class Inner(Struct, forbid_unknown_fields=True):
    name: str
    size: Annotated[int, Meta(ge=0, description="Sizes are counted")] = 1


class Shape(Struct, forbid_unknown_fields=True):
    parts: list[Inner]
    weights: dict[str, Annotated[float, Meta(le=1.0)]] = {}
    mode: Literal["on"] | Inner = "on"


def read(text: str, first_line: int = 1) -> tuple[Node | None, list[PlaybookError]]:
    errors: list[PlaybookError] = []
    return File("f.yaml", errors.append).read(text, first_line), errors


def shaped(text: str) -> tuple[Shape | None, list[str]]:
    errors: list[PlaybookError] = []
    file = File("f.yaml", errors.append)
    node = file.read(text)
    assert node is not None
    return file.shaped(node, Shape), [str(error) for error in errors]


def test_every_value_knows_its_place() -> None:
    node, errors = read("a: 1\nb:\n  - 'two words'\n  - [x, 3.5]\nc: true\nd: 2026-07-01\ne: 1_000\n")
    assert not errors
    assert node is not None
    assert node.plain() == {"a": 1, "b": ["two words", ["x", 3.5]], "c": True, "d": "2026-07-01", "e": 1000}
    assert (node.at("b", 0).line, node.at("b", 0).column, node.at("b", 0).offset) == (3, 5, 6)
    assert (node.at("b", 1, 1).line, node.at("b", 1, 1).column, node.at("b", 1, 1).offset) == (4, 9, 9)
    key = node.at("c").key
    assert key is not None
    assert (key.line, key.column) == (5, 1)
    assert node.at("b", 7, "x") is node.at("b")


def test_lines_count_from_where_the_text_begins() -> None:
    node, _ = read("a: 1\n", first_line=2)
    assert node is not None
    assert node.at("a").line == 2
    _, [error] = read("a: [\n", first_line=2)
    assert error.line == 3


def test_a_slot_in_a_list_in_brackets_needs_quotes() -> None:
    _, [error] = read("a: [pay {amount} now]\n")
    assert (error.line, error.column) == (1, 9)
    assert error.mend == 'Put quotes around a phrase with a slot, as in `["pay {amount}"]`'


def test_a_tree_becomes_a_struct() -> None:
    shape, errors = shaped("parts: [{name: a}, {name: b, size: 3}]\nweights: {x: 1}\nmode: {name: m}\n")
    assert shape == Shape([Inner("a"), Inner("b", 3)], {"x": 1.0}, Inner("m"))
    assert not errors


def test_what_does_not_fit_is_left_out() -> None:
    shape, errors = shaped(
        "parts:\n  - name: a\n    size: -1\n  - size: 2\n  - name: c\n    sise: 2\nweights: {x: 2, y: 1}\n"
    )
    assert shape == Shape([Inner("a"), Inner("c")], {"y": 1.0})
    assert errors == [
        "f.yaml:3:11: `size` must be at least 0. Sizes are counted",
        "f.yaml:4:5: `name` is missing",
        "f.yaml:6:5: `sise` is not a key here. Did you mean `size`?",
        "f.yaml:7:14: `x` must be at most 1",
    ]


def test_a_union_names_what_it_may_be() -> None:
    assert shaped("parts: []\nmode: 3\n")[1] == [
        'f.yaml:2:7: `mode` must be text or keys with values, not a whole number. Put quotes around it: "3"'
    ]
    assert shaped("parts: []\nmode: {nam: x}\n")[1][0] == "f.yaml:2:8: `nam` is not a key here. Did you mean `name`?"


def test_numbers_that_are_none_stay_text() -> None:
    node, errors = read("a: 0o9\nb: 010\nc: .\n")
    assert node is not None
    assert not errors
    assert all(isinstance(value, str) for value in node.plain().values())


@settings(derandomize=True, max_examples=300)
@given(st.text("ab:-[]{}#&*!|>'\"%@`,? \n\t0.~", max_size=40))
def test_any_text_is_read_or_reported(text: str) -> None:
    errors: list[PlaybookError] = []
    file = File("f.yaml", errors.append)
    node = file.read(text)
    if node is None or file.shaped(node, Shape) is None:
        assert errors
    assert all(error.line >= 1 and error.column >= 1 for error in errors)


def test_reading_leaves_nothing_to_collect() -> None:
    """While a playbook is made, nothing is collected, and what is left over then is never."""
    texts = ("parts:\n  - {name: a, size: 2}\nweights: &w {b: 0.5}\n", "parts: [\n", "parts: \x01\n")
    for text in texts:  # what is made once for all stays
        read(text)
    gc.collect()
    gc.disable()
    try:
        for text in texts:
            node, errors = read(text)
            if node is not None:
                assert File("f.yaml", errors.append).shaped(node, Shape) is not None
            del node
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_tree_that_is_let_go_of_is_empty() -> None:
    node, _ = read("parts:\n  - {name: a}\n  - {name: &n b}\nweights: {c: 1}\nagain: *n\n")
    assert node is not None
    parts = [node.at("parts"), node.at("parts", 1), node.at("weights")]
    node.let_go()
    assert [part.value for part in (node, *parts)] == [None] * 4
