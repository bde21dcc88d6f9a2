"""Whole dialogues on record: whose turns they are, when they were said, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from telling import finals, finish, tell

from rtig.core.events import CallEnded, CallStarted
from rtig.errors import Code, MessageRefused, RtigError
from rtig.ingest.dialogue import Dialogue
from rtig.ingest.feed import read_file

DATA = Path(__file__).parents[2] / "../shared/data"


def one(call_id: str = "file", **parties: Any) -> Dialogue:
    return Dialogue(call_id, parties)


def turn(speaker: str = "customer", text: str = "hello there", t_s: Any = 3, **more: Any) -> dict[str, Any]:
    return {"speaker": speaker, "text": text, "t_s": t_s, **more}


def refused(message: Any) -> MessageRefused:
    with pytest.raises(MessageRefused) as found:
        one().translate(message if isinstance(message, (str, bytes)) else json.dumps(message))
    return found.value


def test_a_chat() -> None:
    """As STAR writes it: instructions and actions stand among the turns, and turns are counted with them."""
    started, first, second, ended = tell(
        one(),
        {
            "id": 7,
            "domains": ["bank"],
            "turns": [
                turn("instruction_to_customer", "be unhappy", 0),
                turn("customer", "my card is gone", 33),
                turn("agent_action", "query", 40, value="bank"),
                turn("agent", "I am sorry", 50.25, picked="sorry"),
            ],
        },
    )
    assert started == CallStarted(call_id="7", channel="chat")
    assert [(e.segment_id, e.party, e.text) for e in finals([first, second])] == [
        ("2", "customer", "my card is gone"),
        ("4", "agent", "I am sorry"),
    ]
    assert [(e.start_ms, e.end_ms, e.rev, e.turn_end) for e in finals([first, second])] == [
        (33_000, 33_000, 1, True),
        (50_250, 50_250, 1, True),
    ]
    assert ended == CallEnded(call_id="7", at_ms=50_250)


def test_a_spoken_call() -> None:
    """What a recogniser made of a turn goes before what was said, also where it heard nothing."""
    started, *told, ended = tell(
        one(),
        {
            "call_id": "c-1",
            "queue": "billing",
            "agent": "ann",
            "customer": "cust-9",
            "end_ms": 9_000,
            "turns": [
                turn("agent", "harper valley", None, start_ms=1_000, duration_ms=800, asr="happy valley"),
                turn("customer", "[noise]", None, start_ms=2_000, duration_ms=100, asr=""),
                turn("customer", "my bill", None, start_ms=1_500, duration_ms=700),
            ],
        },
    )
    assert started == CallStarted(call_id="c-1", channel="voice", queue="billing", agent="ann", customer="cust-9")
    assert [(e.text, e.start_ms, e.end_ms) for e in finals(told)] == [
        ("happy valley", 1_000, 1_800),
        ("my bill", 1_500, 2_200),
        ("", 2_000, 2_100),
    ]
    assert ended == CallEnded(call_id="c-1", at_ms=9_000)


def test_a_call_is_not_over_before_its_last_turn() -> None:
    spoken = turn(t_s=None, start_ms=4_000, duration_ms=2_000)
    assert tell(one(), {"id": "c", "end_ms": 10, "turns": [spoken]})[-1] == CallEnded(call_id="c", at_ms=6_000)


@pytest.mark.parametrize(
    ("speaker", "party"),
    [("customer", "customer"), ("caller", "customer"), ("user", "customer"), ("client", "customer"),
     ("agent", "agent"), ("assistant", "agent"), ("wizard", "agent"), ("system", "system")],
)  # fmt: skip
def test_the_usual_speakers(speaker: str, party: str) -> None:
    assert [e.party for e in finals(tell(one(), {"turns": [turn(speaker)]}))] == [party]


def test_other_speakers_are_named_and_the_rest_left_out() -> None:
    told = tell(one(spk_1="agent", customer="system"), {"turns": [turn("spk_1"), turn("spk_2"), turn("customer")]})
    assert [(e.segment_id, e.party) for e in finals(told)] == [("1", "agent"), ("3", "system")]


def test_turns_at_one_time_keep_their_order() -> None:
    told = tell(one(), {"turns": [turn(text=f"turn {n}", t_s=5) for n in range(12)]})
    assert [e.text for e in told if hasattr(e, "text")] == [f"turn {n}" for n in range(12)]


def test_calls_without_a_name_are_counted() -> None:
    translator = one("march")
    told = tell(translator, {"turns": [turn()]}, {"turns": []}, {"id": 0, "turns": []}, {"call_id": "a b", "turns": []})
    names = [event.call_id for event in told if isinstance(event, CallStarted)]
    assert names[:3] == ["march-1", "march-2", "0"]
    assert names[3].startswith("a-b.")
    assert finish(translator) == []


def test_a_call_in_which_nobody_speaks() -> None:
    assert tell(one(), {"id": "c", "turns": []}) == [
        CallStarted(call_id="c", channel="chat"),
        CallEnded(call_id="c", at_ms=0),
    ]


@pytest.mark.parametrize(
    ("message", "code", "where"),
    [
        ("{", Code.BAD_JSON, ""),
        ({"id": 1}, Code.BAD_MESSAGE, "turns"),
        ({"turns": [{"text": "x", "t_s": 1}]}, Code.BAD_MESSAGE, "turns"),
        ({"turns": [turn(t_s=None)]}, Code.BAD_TIME, "$.turns[0]"),
        ({"turns": [turn(), turn(t_s=-1)]}, Code.BAD_TIME, "$.turns[1].t_s"),
        ({"turns": [turn(t_s=1e12)]}, Code.BAD_TIME, "$.turns[0].t_s"),
        ({"turns": [turn(t_s=None, start_ms=-5)]}, Code.BAD_TIME, "$.turns[0].start_ms"),
        ({"turns": [turn(), turn(t_s=None, start_ms=5, duration_ms=-5)]}, Code.BAD_TIME, "$.turns[1].duration_ms"),
        ({"turns": [turn()], "end_ms": -1}, Code.BAD_TIME, "end_ms"),
        ({"turns": [turn(t_s="soon")]}, Code.BAD_MESSAGE, "t_s"),
        ({"turns": [turn(text="secret words " * 2_000)]}, Code.BAD_MESSAGE, "text"),
    ],
)
def test_what_is_refused(message: Any, code: Code, where: str) -> None:
    found = refused(message)
    assert found.code == code
    assert where in found.sentence
    assert "secret" not in found.sentence
    assert "hello" not in found.sentence


def test_a_turn_that_is_left_out_needs_no_time() -> None:
    assert finals(tell(one(), {"turns": [turn("instruction_to_agent", t_s=None)]})) == []


def test_a_refused_dialogue_is_as_if_it_had_never_come() -> None:
    translator = one("march")
    with pytest.raises(MessageRefused):
        translator.translate(json.dumps({"turns": [turn(t_s=None)]}))
    assert tell(translator, {"turns": []})[0].call_id == "march-1"


@pytest.mark.parametrize(
    ("name", "calls", "channel"), [("star/dev.jsonl", 582, "chat"), ("harper_valley/calls.jsonl", 7, "voice")]
)
def test_real_dialogues(name: str, calls: int, channel: str) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the data set {name} is not here")
    events = list(read_file(path, "dialogue"))
    started = [event for event in events if isinstance(event, CallStarted)]
    assert {event.channel for event in started} == {channel}
    assert len(started) == len({event.call_id for event in started}) == calls
    assert sum(isinstance(event, CallEnded) for event in events) == calls


def test_a_file_names_the_line_of_what_it_refuses(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text('{"id": 1, "turns": []}\n\n{"id": 2, "turns": [{"speaker": "agent", "text": "x"}]}\n')
    with pytest.raises(RtigError, match=r"line 3: \$\.turns\[0\]"):
        list(read_file(path, "dialogue"))
