"""What is done with messages, by a whole server and real clients: every role, every refusal, and nobody disturbed."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from calls import OF_WORDS, SOURCE, playbook
from desks import ENDED, STARTED, Client, joined, segment, serving, soon, turned_off, welcomed
from msgspec.structs import replace
from sockets import client, hear
from structlog.testing import capture_logs

from rtig.core.guidance import CallInfo, Card, Help, Line, Whisper, Withheld
from rtig.core.help_requests import ALERT
from rtig.errors import Code
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.wire.messages import Ack, Board, Bye, Calls, CaughtUp, CourseIs, Found, Guided, LaneIs, Refused, Welcome

TOKENS: dict[str, Any] = {"source_token": "s3cret-s", "agent_token": "s3cret-a", "supervisor_token": "s3cret-v"}
C1 = CallKey("default", "c1")
DEEPGRAM: dict[str, Any] = {
    "type": "Results", "channel_index": [0, 1], "start": 0.0, "duration": 1.0, "is_final": True, "speech_final": True,
    "channel": {"alternatives": [{"transcript": "hello there", "confidence": 0.9, "words": []}]},
}  # fmt: skip


def cards(messages: list[Guided]) -> list[str]:
    return [item.id for message in messages for item in message.items if isinstance(item, Card)]


async def test_a_call_from_its_first_word_to_the_card_on_the_screen() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent", agent="ann") as agent:
        assert isinstance(await agent.hear(), Calls)
        started, said = await source.acked(STARTED, segment(1, "hello my bill has doubled"))
        assert (started.key, started.seq, said.key, said.seq) == ("call_started", 1, "s1@1", 2)
        calls = await agent.until(Calls)
        assert [call.call_id for call in calls.calls] == ["c1"]
        past = await agent.watch()
        assert cards(past) == ["bill.1"]
        assert all(message.timing is None for message in past)
        await source.say(segment(9, "cancel my contract please"))
        live = await agent.until(Guided)
        assert live.seq == 3
        assert live.timing is not None
        timing = live.timing
        assert timing.total_us >= timing.decode_us + timing.append_us + timing.fold_us
        await source.acked(ENDED)
        assert (await agent.until(Calls)).calls == ()


async def test_a_welcome_tells_the_terms() -> None:
    async with serving(ping_interval=7, message_bytes=2048) as server, client(server.socket_url) as connection:
        await connection.send('{"type":"hello","role":"agent"}')
        welcome = await hear(connection)
        assert isinstance(welcome, Welcome)
        assert (welcome.ping_interval, welcome.limits.message_bytes, welcome.tenant) == (7, 2048, "default")
        assert welcome.playbook == server.live.playbook.version
        assert welcome.formats == ("deepgram", "lca", "rtig", "speechmatics")
        assert welcome.lane == "off"


async def test_what_was_acknowledged_is_acknowledged_again_in_its_old_place() -> None:
    async with serving() as server, joined(server, "source") as source:
        first = await source.acked(STARTED, segment(1), segment(2), ENDED)
        again = await source.acked(STARTED, segment(1), segment(2), ENDED)
        assert first == again


async def test_the_server_says_when_a_segment_was_received() -> None:
    async with serving() as server, joined(server, "source") as source:
        await source.acked(STARTED, segment(1, received=12))
        kept = [record.event async for record in server.log.read(C1)]
        assert getattr(kept[1], "received", 0) > 1_700_000_000_000_000


async def test_sensitive_numbers_are_masked_before_anything_else_sees_them() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.acked(STARTED, segment(1, "it is 4111 1111 1111 1111"))
        lines = [item for told in await agent.watch() for item in told.items if isinstance(item, Line)]
        assert [line.text for line in lines] == ["it is [card number]"]
        assert b"4111" not in msgspec.json.encode([r.event async for r in server.log.read(C1)])
        assert server.desk.metrics.redactions["card"] == 1


# --- every line of the list of bad input: a stable code, and the others go on


BAD_FRAMES: list[tuple[str | bytes, Code]] = [
    ("", Code.BAD_JSON),
    ("{", Code.BAD_JSON),
    ("no json", Code.BAD_JSON),
    ("[1, 2]", Code.BAD_MESSAGE),
    ('{"type": 7}', Code.BAD_MESSAGE),
    ('{"type": "dance"}', Code.UNKNOWN_TYPE),
    (msgspec.json.encode(segment(1, rev="1")).decode(), Code.BAD_MESSAGE),
    (msgspec.json.encode(segment(1, text=None)).decode(), Code.BAD_MESSAGE),
    (msgspec.json.encode(segment(1, rev=-1)).decode(), Code.BAD_MESSAGE),
    (msgspec.json.encode(segment(1, mood="grumpy")).decode(), Code.UNKNOWN_FIELD),
    (msgspec.json.encode(segment(1, start_ms=-5)).decode(), Code.BAD_TIME),
    (msgspec.json.encode(segment(1, end_ms=10**15)).decode(), Code.BAD_TIME),
    (msgspec.json.encode(segment(5, start_ms=9000)).decode(), Code.BAD_TIME),
    (msgspec.json.encode(segment(1, call_id="../etc")).decode(), Code.BAD_MESSAGE),
    (msgspec.json.encode(segment(1, call_id="never-begun")).decode(), Code.UNKNOWN_CALL),
    ('{"type":"watch_board"}', Code.NOT_ALLOWED),
    ('{"type":"hello","role":"source"}', Code.HELLO_TWICE),
    (b"\x00\x01", Code.BINARY),
]


async def test_each_bad_frame_has_its_code_and_nobody_else_notices() -> None:
    async with (
        serving() as server,
        joined(server, "source", source="good") as good,
        joined(server, "source", source="bad") as bad,
        joined(server, "agent") as agent,
    ):
        await good.acked(STARTED)
        await bad.acked(STARTED | {"call_id": "c2"})
        await agent.watch()
        for number, (frame, code) in enumerate(BAD_FRAMES, 10):
            if isinstance(frame, str):
                frame = frame.replace('"call_id":"c1"', '"call_id":"c2"')
            await bad.connection.send(frame)
            refused = await bad.until(Refused)
            assert refused.code is code, frame
            assert "grumpy" not in refused.message
            (ack,) = await good.acked(segment(number))
            assert ack.key == f"s{number}@1"
            assert (await agent.until(Guided)).seq == ack.seq
            assert [ack.key for ack in await bad.acked(segment(1, call_id="c2"))] == ["s1@1"]
        assert not [message for message in (*good.heard, *agent.heard) if isinstance(message, Refused)]
        assert sum(server.desk.metrics.refused.values()) == len(BAD_FRAMES)


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"role": "emperor"}, Code.UNKNOWN_ROLE),
        ({"role": "agent", "protocol": 99}, Code.BAD_PROTOCOL),
        ({"role": "source"}, Code.UNAUTHENTICATED),
        ({"role": "source", "token": "wrong"}, Code.UNAUTHENTICATED),
        ({"role": "source", "token": "s3cret-a"}, Code.NOT_ALLOWED),
        ({"role": "source", "token": "s3cret-s", "format": "smoke"}, Code.UNKNOWN_FORMAT),
    ],
)
async def test_a_hello_that_fails_is_told_why_and_closed(hello: dict[str, Any], code: Code) -> None:
    async with (
        serving(**TOKENS) as server,
        joined(server, "source", token="s3cret-s") as good,
        client(server.socket_url) as connection,
    ):
        bye = await turned_off(connection, {"type": "hello"} | hello)
        assert (bye.code, bye.retry) == (code, False)
        assert "s3cret" not in bye.message
        await connection.wait_closed()
        assert connection.close_code == 1008
        await good.acked(STARTED)
        assert server.desk.metrics.closed[code] == 1


async def test_oversized_and_broken_text_close_only_the_one_who_sent_them() -> None:
    async with serving() as server, joined(server, "source") as good:
        await good.acked(STARTED)
        for frame, code in (("x" * 70_000, 1009), (b"\xff\xfe", 1007)):
            async with joined(server, "source") as bad:
                await bad.connection.send(frame, text=True)
                await bad.connection.wait_closed()
                assert bad.connection.close_code == code
            await good.acked(segment(code))


async def test_who_never_says_hello_is_closed() -> None:
    async with serving() as server:
        server.desk.terms = server.desk.terms._replace(hello_seconds=0.05)
        async with client(server.socket_url) as connection:
            bye = await hear(connection)
            assert isinstance(bye, Bye)
            assert bye.code is Code.HELLO_FIRST


async def test_revisions_that_run_backwards_are_acknowledged_and_change_nothing() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.acked(STARTED, segment(1, "newer", rev=5, final=False))
        await agent.watch()
        await source.acked(segment(1, "older", rev=4, final=False), segment(1, "last", rev=6))
        live = await agent.until(Guided)
        assert [item.text for item in live.items if isinstance(item, Line)] == ["last"]


async def test_nothing_is_taken_after_the_end() -> None:
    async with serving() as server, joined(server, "source") as source:
        await source.acked(STARTED, segment(1), ENDED)
        refused = await source.refused(segment(2))
        assert (refused.code, refused.key, refused.call_id, refused.retry) == (Code.CALL_ENDED, "s2@1", "c1", False)


async def test_too_many_errors_in_a_row_close() -> None:
    async with serving() as server, joined(server, "source") as source:
        for _ in range(20):
            await source.connection.send("?")
        bye = await source.until(Bye)
        assert bye.code is Code.TOO_MANY_ERRORS


async def test_too_fast_is_refused_by_name() -> None:
    async with serving(source_messages_per_second=5) as server, joined(server, "source") as source:
        await source.acked(STARTED, *(segment(number) for number in range(1, 5)))
        refused = await source.refused(segment(9))
        assert (refused.code, refused.key, refused.retry) == (Code.RATE_LIMITED, "s9@1", True)
        assert refused.retry_after is not None
        assert 0 < refused.retry_after <= 0.2


# --- owners and tenants


async def test_a_call_belongs_to_the_name_that_started_it() -> None:
    async with serving() as server, joined(server, "source", source="one") as one:
        await one.acked(STARTED)
        async with joined(server, "source", source="two") as two:
            refused = await two.refused(segment(1))
            assert (refused.code, refused.call_id) == (Code.CALL_TAKEN, "c1")
            assert (await two.refused(STARTED)).code is Code.CALL_TAKEN
        async with joined(server, "source", source="one") as again:
            await again.acked(segment(1))
        await one.acked(segment(2))


async def test_the_name_keeps_its_call_when_it_is_away() -> None:
    async with serving() as server:
        async with joined(server, "source", source="one") as one:
            await one.acked(STARTED)
        async with joined(server, "source", source="two") as two:
            assert (await two.refused(segment(1))).code is Code.CALL_TAKEN
        async with joined(server, "source", source="one") as one:
            await one.acked(segment(1))


async def test_a_source_without_a_name_keeps_its_call_as_long_as_its_connection() -> None:
    async with serving() as server, joined(server, "source") as other:
        async with joined(server, "source") as first:
            await first.acked(STARTED)
            assert (await other.refused(segment(1))).code is Code.CALL_TAKEN
        await soon(lambda: not server.desk._owners)
        await other.acked(segment(1))


async def test_tenants_do_not_see_one_another(tmp_path: Any) -> None:
    lines = []
    for tenant in ("acme", "umbra"):
        digests = {role: hashlib.sha256(f"{tenant}-{role}".encode()).hexdigest() for role in ("source", "agent")}
        digests["supervisor"] = hashlib.sha256(f"{tenant}-supervisor".encode()).hexdigest()
        lines += [f"[{tenant}]", *(f'{role} = "{digest}"' for role, digest in digests.items())]
    tokens = tmp_path / "tokens.toml"
    tokens.write_text("\n".join(lines))
    async with (
        serving(tokens_file=tokens) as server,
        joined(server, "source", token="acme-source") as source,
        joined(server, "agent", token="umbra-agent", agent="ann") as spy,
        joined(server, "supervisor", token="umbra-supervisor") as chief,
        joined(server, "source", token="umbra-source") as namesake,
    ):
        await chief.say({"type": "watch_board"})
        await source.acked(STARTED, segment(1, "secret words"))
        refused = await spy.refused({"type": "watch", "call_id": "c1"})
        assert (refused.code, refused.call_id) == (Code.UNKNOWN_CALL, "c1")
        refused = await chief.refused({"type": "say_to_agent", "call_id": "c1", "whisper_id": "w", "text": "hi"})
        assert refused.code is Code.UNKNOWN_CALL
        (ack,) = await namesake.acked(STARTED)  # the same id is another call there
        assert ack.seq == 1
        await chief.until(Board, lambda board: len(board.rows) > 0)
        await chief.say({"type": "watch", "call_id": "c1"})
        told = await chief.until(Guided)
        assert not [item for item in told.items if isinstance(item, Line)]
        await namesake.acked(STARTED | {"call_id": "c2"})
        await chief.until(Board, lambda board: any(row.call_id == "c2" for row in board.rows))
        boards = [message for message in chief.heard if isinstance(message, Board)]
        assert [row.call_id for board in boards for row in board.rows] == ["c1", "c2"]


# --- the order of things


async def test_messages_for_a_call_keep_their_order_while_it_is_opened(tmp_path: Any) -> None:
    log = await SqliteLog.open_file(tmp_path / "rtig.db")
    try:
        async with serving(log) as server, joined(server, "source") as source:
            calls = [f"c{number}" for number in range(10)]
            story = [STARTED | {"call_id": call} for call in calls]
            story += [segment(number, call_id=call) for number in range(1, 20) for call in calls]
            story += [ENDED | {"call_id": call} for call in calls]
            acks = await source.acked(*story)
            for call in calls:
                mine = [ack for ack in acks if ack.call_id == call]
                assert [ack.seq for ack in mine] == list(range(1, 22))
                assert mine[-1].key == "call_ended"
    finally:
        await log.close()


async def test_calls_go_on_after_a_restart_and_watchers_resume(tmp_path: Any) -> None:
    path = str(tmp_path / "rtig.db")
    async with serving(log=path) as server, joined(server, "source", source="one") as source:
        await source.acked(STARTED, segment(1, "hello my bill has doubled"))
        async with joined(server, "agent") as agent:
            past = await agent.watch()
            seen = past[-1]
    async with (
        serving(log=path) as server,
        joined(server, "source", source="one") as source,
        joined(server, "agent") as agent,
    ):
        assert await agent.watch(after={"epoch": seen.epoch, "seq": seen.seq}) == []
        (ack,) = await source.acked(segment(2))
        live = await agent.until(Guided)
        assert (live.epoch, live.seq) == (ack.epoch, ack.seq) == (2, seen.seq + 1)


# --- agents and supervisors


async def test_answers_enter_the_log_once_at_the_calls_clock() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent", agent="ann") as agent:
        await source.acked(STARTED, segment(1, "hello my bill has doubled"))
        answer = {"type": "answer", "call_id": "c1", "card_id": "bill.1", "action": "useful", "answer_id": "a1"}
        first, again = await agent.acked(answer, answer)
        assert first == again
        assert first.key == "answer:a1"
        (event,) = [r.event async for r in server.log.read(C1) if "answer" in repr(type(r.event)).lower()]
        assert (getattr(event, "by", ""), getattr(event, "at_ms", 0) >= 1900) == ("ann", True)
        refused = await agent.refused(answer | {"card_id": "nothing.1", "answer_id": "a2"})
        assert (refused.code, refused.key) == (Code.UNKNOWN_CARD, "answer:a2")
        refused = await agent.refused(answer | {"call_id": "c9", "answer_id": "a3"})
        assert (refused.code, refused.call_id) == (Code.UNKNOWN_CALL, "c9")


async def test_a_supervisors_word_reaches_the_agent_masked() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.acked(STARTED)
        await agent.watch()
        async with joined(server, "supervisor") as chief:
            text = "call back on +44 20 7946 0958"
            await chief.acked({"type": "say_to_agent", "call_id": "c1", "whisper_id": "w1", "text": text})
            told = await agent.until(Guided)
            assert [item.text for item in told.items if isinstance(item, Whisper)] == ["call back on [phone number]"]


HELP = {"type": "ask_help", "call_id": "c1", "help_id": "h1"}
BACK = {"type": "take_back_help", "call_id": "c1", "help_id": "h1"}
TAKEN = {"type": "answer_alert", "call_id": "c1", "alert_id": ALERT, "action": "acknowledge", "answer_id": "a1"}


async def helped(client: Client) -> Help:
    """What is told next of the request for help."""
    told = await client.until(Guided, lambda told: any(isinstance(item, Help) for item in told.items))
    (item,) = (item for item in told.items if isinstance(item, Help))
    return item


async def test_who_asks_for_help_is_told_who_comes() -> None:
    async with (
        serving() as server,
        joined(server, "source") as source,
        joined(server, "agent", agent="ann") as agent,
        joined(server, "supervisor", agent="eve") as chief,
    ):
        await source.acked(STARTED)
        await agent.watch()
        await chief.say({"type": "watch_board"})
        first, again = await agent.acked(HELP, HELP)
        assert first == again
        assert first.key == "help:h1"
        (asked,) = [item for told in agent.heard if isinstance(told, Guided) for item in told.items
                    if isinstance(item, Help)]  # fmt: skip
        assert (asked.id, asked.state, asked.asked) == ("h1", "open", 1)
        await agent.acked(HELP | {"help_id": "h2", "text": "refund? mail a@b.example"})
        board = await chief.until(Board, lambda board: any(alert.text for alert in board.alerts))
        (alert,) = board.alerts
        assert (alert.id, alert.source, alert.state, alert.text) == (ALERT, "agent", "open", "refund? mail [e-mail]")
        await chief.acked(TAKEN)
        taken = await helped(agent)
        assert taken.text == "refund? mail [e-mail]"
        taken = await helped(agent) if taken.state == "open" else taken
        assert (taken.state, taken.by) == ("acknowledged", "eve")
        (ack,) = await agent.acked(BACK)
        assert ack.key == "help_back:h1"
        refused = await agent.refused(BACK | {"help_id": "h9"})
        assert (refused.code, refused.key, refused.retry) == (Code.UNKNOWN_HELP, "help_back:h9", False)
        assert (await agent.refused(HELP | {"text": "x" * 201})).code is Code.BAD_MESSAGE
        for message in (HELP | {"call_id": "c9"}, BACK | {"call_id": "c9"}):
            assert (await agent.refused(message)).code is Code.UNKNOWN_CALL
        await source.acked(ENDED)
        assert (await agent.refused(HELP | {"help_id": "h3"})).code is Code.CALL_ENDED
        assert server.desk.metrics.alerts == {"open": 2, "acknowledged": 1, "resolved": 1}


async def test_a_request_for_help_survives_a_restart(tmp_path: Path) -> None:
    async with serving(log=str(tmp_path / "calls.db")) as server, joined(server, "source") as source:
        await source.acked(STARTED)
        async with joined(server, "agent") as agent:
            await agent.acked(HELP)
    async with serving(log=str(tmp_path / "calls.db")) as server, joined(server, "agent", agent="ann") as agent:
        past = [item for told in await agent.watch() for item in told.items if isinstance(item, Help)]
        assert [(item.id, item.state) for item in past] == [("h1", "open")]
        (again,) = await agent.acked(HELP)
        assert again.seq == 2
        async with joined(server, "supervisor", agent="eve") as chief:
            await chief.say({"type": "watch_board"})
            board = await chief.until(Board)
            assert [alert.id for alert in board.alerts] == [ALERT]
            await chief.acked(TAKEN)
        assert (await helped(agent)).by == "eve"


async def test_unwatching_ends_it_and_watching_again_resumes() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.acked(STARTED, segment(1))
        past = await agent.watch()
        await agent.say({"type": "unwatch", "call_id": "c1"})
        await agent.watch(after={"epoch": 1, "seq": past[-1].seq})
        await agent.say({"type": "unwatch", "call_id": "c1"}, {"type": "watch", "call_id": "zz"})
        await agent.until(Refused)  # so the unwatch has been heard
        await source.acked(segment(2))
        missed = await agent.watch(after={"epoch": 1, "seq": past[-1].seq})
        assert [message.seq for message in missed] == [past[-1].seq + 1]
        assert len([m for m in agent.heard if isinstance(m, Guided) and m.seq == past[-1].seq + 1]) == 1


async def test_only_an_agents_own_calls_are_announced_to_it() -> None:
    async with (
        serving() as server,
        joined(server, "source") as source,
        joined(server, "agent", agent="ann") as ann,
        joined(server, "agent", agent="bob") as bob,
        joined(server, "agent") as everyone,
    ):
        await source.acked(STARTED, STARTED | {"call_id": "c2", "agent": "bob"})
        assert [c.call_id for c in (await ann.until(Calls, lambda calls: bool(calls.calls))).calls] == ["c1"]
        assert [c.call_id for c in (await bob.until(Calls, lambda calls: bool(calls.calls))).calls] == ["c2"]
        both = await everyone.until(Calls, lambda calls: len(calls.calls) == 2)
        assert [call.call_id for call in both.calls] == ["c2", "c1"]


# --- vendors' formats


def deepgram(text: str, start: float, channel: int = 0) -> dict[str, Any]:
    words = [
        {"word": word, "start": start + 0.3 * n, "end": start + 0.3 * n + 0.25, "confidence": 0.9}
        for n, word in enumerate(text.split())
    ]
    alternative = {"transcript": text, "confidence": 0.9, "words": words}
    return {
        "type": "Results",
        "channel_index": [channel, 2],
        "duration": 0.3 * len(words),
        "start": start,
        "is_final": True,
        "speech_final": True,
        "channel": {"alternatives": [alternative]},
    }


async def test_a_vendors_stream_becomes_a_call() -> None:
    hello: dict[str, Any] = {
        "format": "deepgram",
        "call_id": "c1",
        "agent": "ann",
        "source": "dg",
        "parties": {"0": "customer", "1": "agent"},
    }
    async with serving() as server, joined(server, "agent", agent="ann") as agent:
        async with joined(server, "source", **hello) as source:
            await source.say(deepgram("hello my bill has doubled", 1.0))
            assert (await source.until(Ack)).key == "call_started"
            await source.until(Ack)
            await source.connection.send("{")
            assert (await source.until(Refused)).code is Code.BAD_JSON
            await agent.until(Calls, lambda calls: len(calls.calls) == 1)
            assert cards(await agent.watch()) == ["bill.1"]
        async with joined(server, "source", **hello) as source:  # the stream broke and comes back, on the same clock
            await source.say(deepgram("cancel my contract please", 0.5))
            live = await agent.until(Guided, lambda told: any(isinstance(item, Line) for item in told.items))
            (line,) = [item for item in live.items if isinstance(item, Line)]
            assert (line.text, line.party) == ("cancel my contract please", "customer")
            assert line.start_ms >= 1000


# --- slow and lost clients


async def test_a_sidebar_that_does_not_read_is_closed_and_the_others_have_everything() -> None:
    long = "<" * 14_000  # much to send, and no word to think about
    async with (
        serving(outbox_bytes=65_536, outbox_seconds=0.3) as server,
        joined(server, "source") as source,
        joined(server, "agent") as good,
        joined(server, "agent") as lazy,
    ):
        await source.acked(STARTED)
        await good.watch()
        await lazy.watch()
        lazy.connection.transport.pause_reading()
        seqs: list[int] = []

        async def read() -> None:
            while len(seqs) < 600:
                seqs.append((await good.until(Guided)).seq)

        reading = asyncio.create_task(read())
        for number in range(1, 601):
            await source.acked(segment(number, long, party="agent"))
        await reading
        assert seqs == list(range(2, 602))
        await soon(lambda: server.desk.metrics.closed[Code.TOO_SLOW] > 0)
        assert server.desk.metrics.closed[Code.TOO_SLOW] == 1
        lazy.connection.transport.resume_reading()
        bye = await lazy.until(Bye)
        assert (bye.code, bye.retry) == (Code.TOO_SLOW, True)
        last = [message for message in lazy.heard if isinstance(message, Guided)][-1]
        async with joined(server, "agent") as back:
            missed = await back.watch(after={"epoch": last.epoch, "seq": last.seq})
            assert [message.seq for message in missed] == list(range(last.seq + 1, 602))


async def test_a_source_that_sends_faster_than_it_reads_is_slowed_and_not_closed() -> None:
    count = 15_000
    async with (
        serving(outbox_bytes=262_144, source_messages_per_second=1e6) as server,
        client(server.socket_url, max_queue=None) as connection,
    ):
        source = await welcomed(connection, "source")
        await source.acked(STARTED)
        interim = [msgspec.json.encode(segment(1, "<", rev=rev, final=False, party="agent")) for rev in range(count)]
        for frame in interim:
            await connection.send(frame.decode())
        acks = [await source.until(Ack) for _ in range(count)]
        assert [ack.seq for ack in acks] == list(range(2, count + 2))


async def test_a_client_that_vanishes_leaves_nothing_behind() -> None:
    async with serving() as server, joined(server, "source") as source:
        await source.acked(STARTED)
        for role in ("agent", "supervisor"):
            async with client(server.socket_url) as connection:
                it: Client = await welcomed(connection, role)
                await it.watch()
                connection.transport.abort()
        await soon(lambda: len(server.desk.guests) == 1)
        desk = server.desk
        assert (len(desk.guests), desk._channels, desk._watches) == (1, {}, {})
        assert desk.metrics.connections["agent"] == desk.metrics.connections["supervisor"] == 0
        (ack,) = await source.acked(segment(1))
        assert ack.seq == 2


async def test_call_info_is_told_at_the_end() -> None:
    async with serving() as server, joined(server, "source") as source, joined(server, "agent") as agent:
        await source.acked(STARTED)
        await agent.watch()
        await source.acked(ENDED)
        told = await agent.until(Guided)
        assert [item.state for item in told.items if isinstance(item, CallInfo)] == ["ended"]


# --- articles, and the model


async def test_articles_are_found_for_agents_and_supervisors() -> None:
    rules = {rule.id: rule for rule in SOURCE.rules}
    router = replace(
        rules["router"],
        kind="article",
        title="What the lights mean",
        say="It costs {amount}.",
        say_without="Which lights?",
        body="<p>Red means no line.</p>",
    )
    moving = replace(rules["late"], kind="article", title="Moving home")
    drafted = replace(rules["drafted"], kind="article", title="Red lights, unfinished")
    book = playbook(replace(SOURCE, rules=(router, moving, drafted)))
    async with serving(followed=book) as server:
        for role in ("agent", "supervisor"):
            async with joined(server, role) as asking:
                for number, query in enumerate(["red ligh", "moving", "zebra", " ", "router moving"]):
                    await asking.say({"type": "find", "find_id": f"f{number}", "query": query})
                answers = [await asking.until(Found) for _ in range(5)]
                found = {answer.find_id: [article.id for article in answer.articles] for answer in answers}
                assert found == {"f0": ["router"], "f1": ["late"], "f2": [], "f3": [], "f4": ["late", "router"]}
                assert not any(answer.meaning for answer in answers)
                (article,) = next(answer.articles for answer in answers if answer.find_id == "f0")
                assert (article.title, article.body) == ("What the lights mean", "<p>Red means no line.</p>")
                # What a call's slots hold is of that call alone.
                assert article.say == "Which lights?"
                await asking.say({"type": "find", "find_id": "one", "query": "router moving", "most": 1})
                assert len((await asking.until(Found)).articles) == 1
                refused = await asking.refused({"type": "find", "find_id": "much", "query": "x", "most": 1000})
                assert refused.code == Code.BAD_MESSAGE
        async with joined(server, "source") as source:
            refused = await source.refused({"type": "find", "find_id": "f", "query": "router"})
            assert refused.code == Code.NOT_ALLOWED


async def test_who_watches_calls_is_told_how_the_model_is() -> None:
    async with serving() as server, joined(server, "source") as source:
        async with joined(server, "agent") as agent, joined(server, "supervisor") as supervisor:
            for state in ("starting", "on"):
                server.desk.tell_lane(state)
                for told in (agent, supervisor):
                    assert (await told.until(LaneIs)).state == state
        async with client(server.socket_url) as connection:
            await connection.send('{"type":"hello","role":"agent"}')
            welcome = await hear(connection)
            assert isinstance(welcome, Welcome)
            assert welcome.lane == "on"
        await source.acked(STARTED)
        assert not any(isinstance(message, LaneIs) for message in source.heard)


async def test_a_supervisor_may_ask_how_a_call_has_gone_and_is_on_record_unless_watching_it() -> None:
    ask: dict[str, Any] = {"type": "ask_course", "call_id": "c1"}
    async with serving() as server, joined(server, "source") as source, joined(server, "supervisor") as chief:
        assert (await chief.refused(ask)).code is Code.UNKNOWN_CALL
        assert (await source.refused(ask)).code is Code.NOT_ALLOWED
        await source.acked(STARTED, segment(1, "this is terrible i am furious and angry"))
        with capture_logs() as logs:
            await chief.say(ask)
            told = await chief.until(CourseIs)
        assert told.course.steps[0].words[0].text in "this is terrible i am furious and angry"
        [entry] = [entry for entry in logs if entry["event"] == "course read"]
        assert (entry["tenant"], entry["call_id"], entry["role"]) == ("default", "c1", "supervisor")
        assert "furious" not in str(logs)
        await chief.say({"type": "watch", "call_id": "c1"})
        await chief.until(CaughtUp)
        with capture_logs() as logs:
            await chief.say(ask)
            await chief.until(CourseIs)
        assert "course read" not in [entry["event"] for entry in logs]


# --- budget and capacity


async def test_a_card_that_is_late_is_not_shown_and_is_counted() -> None:
    async with (
        serving(followed=OF_WORDS) as server,
        joined(server, "source") as source,
        joined(server, "agent") as agent,
    ):
        await source.acked(STARTED)
        await agent.watch()
        server.live.budget_ns = 1
        await source.say(segment(1, "hello my bill has doubled"))
        words, late = await agent.until(Guided), await agent.until(Guided)
        assert [item.text for item in words.items if isinstance(item, Line)] == ["hello my bill has doubled"]
        assert [(item.rule, item.reason) for item in late.items if isinstance(item, Withheld)] == [("bill", "late")]
        assert cards([words, late]) == []
        assert server.desk.metrics.latency(()).late == 1
        assert server.desk.metrics.withheld["late"] == 1
        # Whoever comes later is told the same, and the next card that is in time.
        server.live.budget_ns = 0
        async with joined(server, "agent") as other:
            assert cards(await other.watch()) == []
            await source.acked(segment(40, "my bill has doubled"))
            assert cards([await other.until(Guided), await agent.until(Guided)]) == ["bill.2", "bill.2"]


async def test_a_full_server_refuses_new_calls_and_goes_on_with_those_it_has() -> None:
    async with serving(most_calls=1) as server, joined(server, "source") as source:
        await source.acked(STARTED)
        other = STARTED | {"call_id": "c2"}
        no = await source.refused(other)
        assert (no.code, no.retry, no.call_id, no.key) == (Code.AT_CAPACITY, True, "c2", "call_started")
        assert no.retry_after is not None
        assert no.retry_after >= 1
        assert not server.live.has(CallKey("default", "c2"))
        assert server.desk.ready() == ["at capacity"]
        # Who connects is still let in, and what is there goes on: also a call that is told again.
        async with joined(server, "source", source="second") as second:
            assert (await second.refused(other)).code is Code.AT_CAPACITY
        await source.acked(STARTED, segment(1), ENDED)
        assert server.desk.ready() == []
        await source.acked(other)
        assert server.desk.metrics.admitted == 2
        assert server.desk.metrics.refused[Code.AT_CAPACITY] == 2


async def test_being_refused_for_want_of_room_is_no_mistake() -> None:
    async with serving(most_calls=1) as server, joined(server, "source") as source:
        await source.acked(STARTED)
        for number in range(30):
            assert (await source.refused(STARTED | {"call_id": f"n{number}"})).code is Code.AT_CAPACITY
        await source.acked(segment(1))


async def test_a_call_that_somebody_has_asked_for_is_refused_all_the_same() -> None:
    async with serving(most_calls=1) as server, joined(server, "source") as source:
        await source.acked(STARTED)
        await server.live.open(CallKey("default", "c2"))
        assert (await source.refused(STARTED | {"call_id": "c2"})).code is Code.AT_CAPACITY


@pytest.mark.parametrize("known", [False, True])
async def test_a_vendors_stream_is_told_that_its_call_is_not_taken(known: bool) -> None:
    async with serving(most_calls=1) as server, joined(server, "source") as source:
        await source.acked(STARTED)
        hello = {"format": "deepgram", "call_id": "c2", "parties": {"0": "customer", "1": "agent"}}
        async with joined(server, "source", **hello) as vendor:
            if known:
                await server.live.open(CallKey("default", "c2"))
            await vendor.say(DEEPGRAM, DEEPGRAM)
            bye = await vendor.until(Bye)
            assert (bye.code, bye.retry) == (Code.AT_CAPACITY, True)
            assert bye.retry_after is not None
            await vendor.connection.wait_closed()
            assert vendor.connection.close_code == 1013
        assert server.live.count() == 1
        assert server.desk.metrics.refused[Code.AT_CAPACITY] == 1
        await source.acked(ENDED)
        async with joined(server, "source", **hello) as vendor:
            await vendor.say(DEEPGRAM)
            await vendor.until(Ack)


async def test_an_overloaded_server_says_so_and_takes_calls_again_when_it_is_over() -> None:
    async with serving(budget_ms=50) as server, joined(server, "source") as source:
        admission = server.desk.admission
        admission.overloaded = True
        assert (await source.refused(STARTED)).code is Code.AT_CAPACITY
        # The heart of the server goes on beating, and finds that there is nothing to do.
        while server.desk.full:
            await asyncio.sleep(0.01)
        await source.acked(STARTED)
