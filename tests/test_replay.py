"""Recordings through the fold and into a server."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from calls import CALL, call, playbook, rule, say, segment
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from rtig.core.conditions import Said, Silence
from rtig.core.events import AnyEvent, CallStarted, ClockTicked, SegmentHeard, SourceEvent, key
from rtig.core.guidance import Card, Line
from rtig.core.playbook import Source
from rtig.replay import Summary, Tally, by_call, play
from rtig.wire.messages import Ack, Hello, Limits, Welcome, decode, encode

BOOK = playbook(Source(name="t", rules=(rule("bill", Said(("bill has doubled",))), rule("hush", Silence(10_000)))))
HEARD = say("customer", 1_000, "my bill has doubled")


def test_a_replay_gives_guidance_and_numbers() -> None:
    tally = Tally()
    items = list(tally.replay(BOOK, call([HEARD, say("agent", 30_000, "right")], 40_000)))
    assert {card.id: card.state for card in items if isinstance(card, Card)} == {
        "bill.1": "confirmed",
        "hush.1": "confirmed",
    }
    assert [line.text for line in items if isinstance(line, Line)] == ["my bill has doubled", "right"]
    assert tally.summary() == Summary(
        calls=1,
        fragments=2,
        finals=2,
        words=5,
        cards=2,
        confirmed=2,
        retracted=0,
        head_start_ms=None,
        retraction_rate=None,
    )


def test_early_cards_are_measured() -> None:
    """Interims at 1.9 s and 2.2 s, the final later: once as it arrived, once taken back."""
    events: list[AnyEvent] = [
        *call([]),
        segment("s1", HEARD, 1, final=False),
        segment("s1", HEARD, 2, final=False),
        segment("s1", HEARD, 3),
        segment("s2", say("agent", 2_500, ""), 1),
    ]
    arrived = {"s1@2": 3_000, "s1@3": 3_700}
    tally = Tally()
    list(tally.replay(BOOK, events, arrived))
    taken_back = [*events[:3], segment("s1", HEARD, 3, text="my pill")]
    list(tally.replay(BOOK, [msgspec.structs.replace(event, call_id="call-2") for event in taken_back]))
    summary = tally.summary()
    assert (summary.calls, summary.fragments, summary.finals, summary.words) == (2, 7, 2, 6)
    assert (summary.cards, summary.confirmed, summary.retracted) == (2, 1, 1)
    assert (summary.head_start_ms, summary.retraction_rate) == (700, 0.5)


def test_personal_data_are_masked_before_the_fold() -> None:
    number = segment("s1", say("customer", 0, "it is 4111 1111 1111 1111 thanks"))
    items = list(Tally().replay(BOOK, [*call([]), number]))
    assert "4111" not in msgspec.json.encode(items).decode()


def test_nothing_to_replay() -> None:
    tally = Tally()
    assert list(tally.replay(BOOK, [])) == []
    assert tally.summary().calls == 0


def test_calls_that_are_mixed_are_taken_apart() -> None:
    one, other = CallStarted(call_id="a"), CallStarted(call_id="b")
    tick = ClockTicked(call_id="a", at_ms=3)
    assert by_call([one, other, tick]) == {"a": [one, tick], "b": [other]}


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, list[SourceEvent]]]:
    """A server that acknowledges everything, and what it was sent."""
    got: list[SourceEvent] = []

    async def answer(socket: ServerConnection) -> None:
        while True:
            try:
                frame = await socket.recv()
            except ConnectionClosed:
                return
            message = decode(frame if isinstance(frame, bytes) else frame.encode())
            if isinstance(message, Hello):
                limits = Limits(message_bytes=1, messages_per_second=1, segments_per_call=1)
                reply: Welcome | Ack = Welcome(
                    protocol=1, role="source", tenant="t", epoch=1, server="", playbook="", ping_interval=1,
                    limits=limits, formats=(),
                )  # fmt: skip
            else:
                assert isinstance(message, SourceEvent)
                got.append(message)
                reply = Ack(call_id=message.call_id, key=key(message), epoch=1, seq=len(got))
            await socket.send(encode(reply).decode())

    async with serve(answer, "127.0.0.1", 0, subprotocols=["rtig.v1"]) as running:  # type: ignore[list-item]
        port = running.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws", got


async def test_playing_into_a_server_keeps_each_calls_order(server: tuple[str, list[SourceEvent]]) -> None:
    url, got = server
    one = call([HEARD, say("agent", 3_000, "right")], 5_000)
    other = [msgspec.structs.replace(event, call_id="call-2") for event in one]
    sent = await play([(one, {}), ([*other, ClockTicked(call_id="call-2", at_ms=9)], {})], url, "token", speed=1e6)
    assert (sent.calls, sent.refused) == (2, 0)
    assert sent.events == len(got) == len(one) * 2
    assert [event for event in got if event.call_id == CALL] == one
    assert [event for event in got if event.call_id == "call-2"] == other
    assert any(isinstance(event, SegmentHeard) for event in got)
