"""Guidance: every item is for the wire as it is, and says what it replaces."""

import msgspec
import pytest
from calls import screen

from rtig.core.guidance import (
    Alert,
    ArticleRef,
    BoardRow,
    CallInfo,
    Card,
    Checklist,
    Guidance,
    Handover,
    Help,
    Hint,
    Line,
    Mood,
    Quote,
    Reason,
    Step,
    Whisper,
    Why,
    Withheld,
)

QUOTE = Quote("s1", "customer", 3, 7, "bill")
ONE_OF_EACH: tuple[Guidance, ...] = (
    CallInfo(
        call_id="c", state="ended", channel="chat", agent="a", queue="q", customer="k", started_at=1, playbook="p",
        ended_ms=5,
    ),
    Line(call_id="c", segment_id="s1", rev=1, party="customer", text="my bill", final=True, start_ms=0, end_ms=600),
    Card(
        call_id="c", id="bill.1", state="confirmed", kind="article", title="t", say="s", body="<p>b</p>",
        steps=("one", "two"), article=ArticleRef("bill", "v1", "2027-01-01"),
        why=Why(rule="bill", playbook="p", condition="“bill” said by the customer", words=(QUOTE,), beat=("x",)),
        priority=50, at_ms=600, shown_ms=700, expires_ms=90_700, cause=2,
    ),
    Mood(
        call_id="c", score=0.4, band="tense", at_ms=9, reasons=(Reason(what="w", weight=0.4, at_ms=3, words=(QUOTE,)),),
        reading="words and model", risk=0.3,
    ),
    Checklist(call_id="c", id="l", title="t", steps=(Step(id="s", text="x", done=True, words=(QUOTE,)),)),
    Withheld(call_id="c", rule="bill", reason="cooldown", by="bill.1", at_ms=5, words=(QUOTE,)),
    Whisper(call_id="c", id="w", text="x", by="y", at_ms=0),
    Hint(call_id="c", id="h", name="n", value=0.5, at_ms=0),
    Alert(
        call_id="c", id="hot", state="acknowledged", title="t", level="tense", raised=2, raised_ms=600, at_ms=900,
        why=Why(rule="hot", playbook="p", condition="“bill” said by the customer", words=(QUOTE,)), by="eve", cause=3,
    ),
    Help(call_id="c", id="h", state="acknowledged", text="x", asked=2, asked_ms=600, at_ms=900, by="eve"),
    Handover(call_id="c", id="h", text="x", by="adam", sent_at=9),
)  # fmt: skip


def test_each_kind_of_item_is_tried_here() -> None:
    assert {type(item) for item in ONE_OF_EACH} == set(Guidance.__args__)


@pytest.mark.parametrize("item", ONE_OF_EACH, ids=lambda item: type(item).__name__)
def test_an_item_survives_the_wire_and_names_its_kind(item: Guidance) -> None:
    body = msgspec.json.encode(item)
    assert msgspec.json.decode(body, type=Guidance) == item
    assert msgspec.json.decode(body)["type"] == type(item).__struct_config__.tag


def test_a_row_of_the_board_survives_the_wire() -> None:
    row = BoardRow(
        call_id="c", agent="a", queue="q", customer="k", channel="voice", started_at=1, clock_ms=2, score=0.5,
        band="tense", risk=0.3, reading="words and model", reason="strong words", spark=(0.1, 0.5), cards=3,
    )  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(row), type=BoardRow) == row


def test_a_screen_holds_the_last_item_of_each_identity() -> None:
    card = ONE_OF_EACH[2]
    assert isinstance(card, Card)
    gone = msgspec.structs.replace(card, state="retracted", reason="revised")
    assert screen([*ONE_OF_EACH, gone]) == screen([*ONE_OF_EACH[:2], gone, *ONE_OF_EACH[3:]])
    line = ONE_OF_EACH[1]
    assert isinstance(line, Line)
    assert ("transcript", "s1") not in screen([line, msgspec.structs.replace(line, voided=True)])
