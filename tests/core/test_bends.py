"""How a phrase was made out: each word that was heard otherwise beside the one that was meant."""

import pytest

from rtig.core.bends import bends
from rtig.core.guidance import Bend


@pytest.mark.parametrize(
    ("meant", "heard", "found"),
    [
        ("cancel my contract", "cancel my contract", []),
        ("cancel my contract", "cancle my contract", [("cancle", "cancel")]),
        ("cancel my contract", "cancle my contact", [("cancle", "cancel"), ("contact", "contract")]),
        ("refund my money", "re fund my money", [("re fund", "refund")]),
        ("refund my money", "refund mymoney", [("mymoney", "my money")]),
        # gaps and slots hold whatever words there are
        ("bill ~3 doubled", "bil doubled", [("bil", "bill")]),
        ("bill ~3 doubled", "bil has now doubled", [("bil", "bill")]),
        ("bill ~3 doubled", "bil doubled bil doubled doubled", [("bil", "bill")]),
        ("my name is {x}", "my nane is anna maria", [("nane", "name")]),
        ("{x} is my name", "anna is my nane", [("nane", "name")]),
        # an ending is no bend
        ("disconnect* my line", "disconnected my ine", [("ine", "line")]),
        ("disconnect* my line", "disconected my line", [("disconected", "disconnect*")]),
        ("disconnect* my line", "dis connected my line", [("dis connected", "disconnect*")]),
        ("my line disconnect*", "my linedisconnected", [("linedisconnected", "line disconnect*")]),
    ],
)
def test_the_words_that_were_heard_otherwise(meant: str, heard: str, found: list[tuple[str, str]]) -> None:
    assert bends(meant.split(), heard.split()) == tuple(Bend(heard=said, meant=written) for said, written in found)


def test_a_stem_takes_one_word_and_not_the_next_one_too() -> None:
    assert bends(("disconnect*",), ("disconnected", "my")) == (Bend(heard="disconnected my", meant="disconnect*"),)


def test_words_that_are_no_way_of_saying_it_are_no_bends() -> None:
    assert bends(("my", "name", "is", "{x}"), ("my", "name")) == ()
