"""The board: one live call as one row, at any time on its clock."""

from calls import CALL, SOURCE, call, playbook, say, tone
from msgspec.structs import replace

from rtig.core import board, engine, frustration
from rtig.core.call import Call
from rtig.core.events import AnyEvent, CallStarted
from rtig.core.frustration import Odds, Risk
from rtig.core.guidance import BoardRow

PLAYBOOK = playbook()
STARTED = CallStarted(
    call_id=CALL, agent="desk-1", queue="billing", customer="account-7", channel="chat", started_at=1_700_000_000_000
)
ANGRY = [
    say("customer", 0, "this is the third time i am calling"),
    say("customer", 6_000, "it is a terrible awful service i hate it"),
    say("customer", 12_000, "why am i paying for a disgusting joke"),
]


def state_after(events: list[AnyEvent]) -> Call:
    return list(engine.replay(PLAYBOOK, CALL, events))[-1].call


def test_a_call_that_begins_is_a_calm_row() -> None:
    assert board.row(PLAYBOOK, state_after([STARTED]), 0) == BoardRow(
        call_id=CALL, agent="desk-1", queue="billing", customer="account-7", channel="chat",
        started_at=1_700_000_000_000, clock_ms=0, score=0.0, band="calm", risk=0.047, reason="", spark=(0.0,),
        cards=0,
    )  # fmt: skip


def test_a_frustrated_customer_is_a_row_with_its_strongest_reason() -> None:
    state = state_after([STARTED, *call(ANGRY)[1:]])
    row = board.row(PLAYBOOK, state, state.now)
    assert row.score > 0.5
    assert row.band in ("frustrated", "critical")
    assert row.reason == "has been in touch before"
    assert row.spark[-1] == row.score
    assert row.cards == len([c for c in state.told.cards.values() if c.state == "confirmed"]) > 0


def test_the_row_cools_while_nobody_speaks() -> None:
    state = state_after([STARTED, *call(ANGRY)[1:]])
    rows = [board.row(PLAYBOOK, state, state.now + ms) for ms in (0, 60_000, 600_000)]
    assert rows[0].score > rows[1].score > rows[2].score
    assert [rows[2].band, rows[2].reason] == ["calm", ""]
    assert [row.clock_ms for row in rows] == [state.now + ms for ms in (0, 60_000, 600_000)]
    assert all(len(row.spark) <= 30 for row in rows)
    assert len(rows[2].spark) == 30


def test_the_row_counts_the_time_in_the_red() -> None:
    state = state_after([STARTED, *call(ANGRY)[1:]])
    reds = [board.row(PLAYBOOK, state, state.now + ms).red_ms for ms in (0, 20_000, 600_000, 700_000)]
    assert reds[1] == reds[0] + 20_000
    assert reds[1] < reds[2] < 600_000
    assert reds[3] == reds[2]


def test_the_row_says_whether_a_model_reads_along() -> None:
    told = [STARTED, *call(ANGRY)[1:]]
    read = [tone(spoken, 0.9) for spoken in ANGRY]

    def readings(events: list[AnyEvent], *later: int) -> list[str]:
        state = state_after(events)
        return [board.row(PLAYBOOK, state, state.now + ms).reading for ms in later]

    assert readings(told, 0) == ["words"]
    assert readings([*told, *read], 0, 600_000) == ["words and model"] * 2
    assert readings([*told, *read[:2]], 0, 2_999, 3_000) == ["words and model", "words and model", "words"]


def test_the_row_shows_the_risk() -> None:
    odds = Odds(base=-2.0, weights={"heat": 2.0})
    risky = playbook(replace(SOURCE, temper=replace(SOURCE.temper, risk=Risk(unread=odds))))
    state = state_after([STARTED, *call(ANGRY)[1:]])
    rows = [board.row(risky, state, state.now + ms) for ms in (0, 600_000)]
    assert [row.risk for row in rows] == [round(frustration.risk(risky.temper, state.weighing.state), 3)] * 2
    assert rows[0].risk > 0.2


def test_relief_is_never_the_reason_of_a_mood() -> None:
    state = state_after([STARTED, *call([*ANGRY, say("customer", 15_000, "that is great")])[1:]])
    row = board.row(PLAYBOOK, state, state.now)
    assert min(reason.weight for reason in state.weighing.state.reasons) < 0
    assert (row.band, row.reason) == ("tense", "has been in touch before")


def test_cards_that_were_taken_back_are_not_counted() -> None:
    state = state_after([STARTED, *call(ANGRY)[1:]])
    (card_id, card), *_ = state.told.cards.items()
    told = replace(state.told, cards=state.told.cards.set(card_id, replace(card, state="retracted")))
    assert board.row(PLAYBOOK, replace(state, told=told), 0).cards == board.row(PLAYBOOK, state, 0).cards - 1
