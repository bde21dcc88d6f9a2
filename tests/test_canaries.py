"""What customers say reaches the screens and the log of calls, and no log line, no metric and no error.

The sample calls hold words that stand nowhere else (`CANARIES.txt`), numbers and addresses that must be masked. A real
server at its most talkative is given all of them, in calls and in every wrong way that there is.
"""

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import pytest
import samples
from folders import write
from meant import UNDERSTOOD
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from rtig.client import Source
from rtig.core.events import CallEnded, CallStarted
from rtig.errors import Code
from rtig.script import Line, perform
from rtig.wire.messages import SUBPROTOCOL, TICKET_PREFIX, Bye, Calls, Found, Refused, decode_told

ROOT = Path(__file__).parents[1]
KNOWLEDGE = ROOT / "knowledge_base"
SCRIPTS = samples.base().calls
CANARIES = [
    line for line in (KNOWLEDGE / "calls" / "CANARIES.txt").read_text("utf-8").splitlines() if not line.startswith("#")
]
SAID = [line.text for script in SCRIPTS.values() for line in script.lines if isinstance(line, Line)]
SECRETS = {
    secret
    for text in SAID
    for found in (*re.findall(r"\d(?: ?\d){9,}", text), *re.findall(r"\S+@\S+", text))
    for secret in (found, found.replace(" ", ""))
}
NEEDLES = [needle.encode() for needle in (*CANARIES, *sorted(SECRETS))]
TOKEN = "of this test"
SECONDS = 40.0
"""How long anything may take on a machine that is busy with other things."""

WORDS = f"it is {CANARIES[0]} lane my card is {' or '.join(sorted(SECRETS))}"
"""What a customer might say, in a field that takes text; no id is like this."""
WORD = CANARIES[1]
"""The same, in one word that might be an id."""
ALL = " ".join((*CANARIES, *sorted(SECRETS)))
LONG = ALL * 80
"""More than a segment may be."""

Json = dict[str, Any]


def held(haystack: bytes) -> list[str]:
    """The needles that it holds, however it is spelt."""
    lowered = haystack.lower()
    return [needle.decode() for needle in NEEDLES if needle in lowered]


def test_the_needles_are_there() -> None:
    assert len(CANARIES) == len(SCRIPTS) == 14
    for canary in CANARIES:
        assert sum(canary in text for text in SAID) >= 1
    assert {"4111111111111111", "02079460018", "fernhouse9@example.com"} <= SECRETS
    assert held(ALL.encode()) == [needle.decode() for needle in NEEDLES]


# --- what is sent


def segment(**more: Any) -> Json:
    good = {"type": "segment", "call_id": "bad", "segment_id": "s1", "rev": 1, "party": "customer", "text": WORDS}
    return good | {"start_ms": 0, "end_ms": 900} | more


def of_source() -> Iterator[str | bytes]:
    """Frames that no source may send. Text in bytes is sent as a text frame."""
    whole = json.dumps(segment())
    yield from (whole[:-1], whole + whole, f'"{ALL}"', f'["{ALL}"]', ALL, "[" * 30_000 + WORDS, '{"type":"segment\x00')
    yield whole.replace(CANARIES[0], f"\\ud800{CANARIES[0]}\\u12").encode()
    yield from map(json.dumps, wrong_of_source())


def wrong_of_source() -> Iterator[Json]:
    for name in (WORDS, WORD):
        yield {"type": name}
        yield {name: name}
        yield segment(**{name: name})
        for field in ("rev", "party", "stable", "final", "turn_end", "start_ms", "end_ms", "confidence", "received"):
            yield segment(**{field: name})
        yield segment(text=[name])
        yield segment(text={name: name})
        yield {"type": "call_started", "call_id": "bad", "channel": name}
        yield {"type": "call_started", "call_id": "bad", "started_at": name}
        yield {"type": "call_started", "call_id": "bad", "agent": {name: name}}
        yield {"type": "hint", "call_id": "bad", "hint_id": "h", "name": name, "value": name, "at_ms": 0}
        yield {"type": "party_corrected", "call_id": "bad", "segment_id": "s1", "party": name}
        yield {"type": "call_ended", "call_id": "bad", "at_ms": 0, "reason": name}
        yield {"type": "call_ended", "call_id": "bad", "at_ms": name}
        yield {"type": "tick", "call_id": "bad", "at_ms": 0, "why": name}
        # Right in themselves, and not for a source or not now.
        yield {"type": "hello", "role": "source", "token": name}
        yield {"type": "say_to_agent", "call_id": "bad", "whisper_id": "w", "text": name}
        yield segment(call_id="never-begun", text=name)
        yield segment(call_id="bill-doubled", text=name)
    yield segment(call_id="bad", start_ms=900, end_ms=0)
    yield segment(call_id=WORD)
    yield segment(call_id=WORDS)
    yield segment(segment_id=WORDS)
    yield segment(text=LONG)
    yield segment(lang=ALL)
    yield segment(start_ms=-1, end_ms=10**12)
    yield segment(call_id="over")
    yield {"type": "call_started", "call_id": WORDS}
    yield {"type": "segment_voided", "call_id": "bad", "segment_id": WORDS}
    yield {"type": "hint", "call_id": "bad", "hint_id": WORDS, "name": ALL, "at_ms": 0}


def of_agent() -> Iterator[str | bytes]:
    good = {"type": "answer", "call_id": "bill-doubled", "card_id": "c", "action": "opened", "answer_id": "a"}
    for name in (WORDS, WORD):
        for field in good:
            yield json.dumps(good | {field: name})
        yield json.dumps(good | {"reason": name})
        yield json.dumps(good | {name: name})
        yield json.dumps({"type": "watch", "call_id": name})
        yield json.dumps({"type": "watch", "call_id": "bill-doubled", "after": {"epoch": name, "seq": name}})
        yield json.dumps({"type": "watch", "call_id": "bill-doubled", "after": {name: name}})
        yield json.dumps({"type": "say_to_agent", "call_id": "bill-doubled", "whisper_id": "w", "text": name})
        ask = {"type": "ask_help", "call_id": "bad", "help_id": "h", "text": name}
        yield json.dumps(ask | {"help_id": name, "call_id": "never-begun"})
        yield json.dumps(ask | {"text": [name]})
        yield json.dumps(ask | {"text": ALL})
        yield json.dumps(ask | {"call_id": "never-begun"})
        yield json.dumps(ask | {"call_id": "over"})
        yield json.dumps(ask | {name: name})
        yield json.dumps({"type": "take_back_help", "call_id": "bad", "help_id": name})
        left = {"type": "send_handover", "call_id": "bad", "handover_id": "o", "text": name}
        yield json.dumps(left | {"call_id": "never-begun"})
        yield json.dumps(left | {"handover_id": name, "call_id": "never-begun"})
        yield json.dumps(left | {"text": LONG})
        yield json.dumps(left | {"text": [name]})
        yield json.dumps(left | {name: name})
        yield json.dumps({"type": "ask_history", "call_id": name})
        yield json.dumps({"type": "ask_history", "call_id": "never-begun", name: name})


def of_supervisor() -> Iterator[str | bytes]:
    good = {"type": "say_to_agent", "call_id": "bad", "whisper_id": "w", "text": WORDS}
    yield json.dumps(good | {"call_id": "never-begun"})
    yield json.dumps(good | {"call_id": "over"})
    yield json.dumps(good | {"text": ALL * 2})
    yield json.dumps(good | {"text": [ALL]})
    for name in (WORDS, WORD):
        yield json.dumps(good | {"whisper_id": name, "call_id": "never-begun"})
        yield json.dumps(good | {"text": {name: name}})
        yield json.dumps(good | {name: name})
        yield json.dumps({"type": "watch_board", name: name})
        alert = {
            "type": "answer_alert",
            "call_id": "never-begun",
            "alert_id": "a",
            "action": "resolve",
            "answer_id": "a",
        }
        for field in alert:
            yield json.dumps(alert | {field: name})
        yield json.dumps(alert | {name: name})


def hellos() -> Iterator[Json]:
    good = {"type": "hello", "role": "source", "token": TOKEN, "format": "deepgram", "call_id": "bad-hello"}
    for name in (WORDS, WORD):
        for field in ("role", "token", "protocol", "format"):
            yield good | {field: name}
        yield good | {"parties": {name: name}}
        yield good | {"parties": name}
        yield good | {name: name}
        yield {"type": "watch", "call_id": name}
    yield good | {"call_id": WORDS}
    yield good | {"source": ALL}
    yield {"type": "hello", "role": "agent", "token": TOKEN, "agent": ALL}
    yield good | {"role": "agent"}


def of_vendors() -> Iterator[tuple[str, str | bytes]]:
    for name in (WORDS, WORD):
        for vendor in ("deepgram", "speechmatics", "lca"):
            yield from ((vendor, text) for text in (f'{{"type":"{name}', f'"{name}"', f'["{name}"]', name, "{}", "7"))
        word = {"word": name, "start": 0.1, "end": 0.2}
        heard = {"alternatives": [{"transcript": name, "words": [word]}]}
        results: Json = {"type": "Results", "channel": heard, "start": 0.0, "duration": 1.0, "is_final": True}
        wrong: Json
        for wrong in (
            {"start": -1.0},
            {"start": name},
            {"duration": 1e9},
            {"is_final": name},
            {"channel": name},
            {"channel_index": name},
            {"channel_index": [0, name]},
            {"metadata": name},
            {"channel": {"alternatives": [{"transcript": LONG}]}},
            {"channel": {"alternatives": [{"transcript": name, "words": [word | {"word": ALL * 4}]}]}},
            {"channel": {"alternatives": [{"transcript": name, "words": [word | {"start": name}]}]}},
            {"channel": {"alternatives": [{"transcript": name, "words": [word | {"start": -3.0}]}]}},
        ):
            yield "deepgram", json.dumps(results | wrong)
        turn: Json = {"type": "TurnInfo", "event": "EndOfTurn", "turn_index": 0, "transcript": name}
        window = {"audio_window_start": 3.0, "audio_window_end": 1.0}
        yield "deepgram", json.dumps(turn | window)
        yield "deepgram", json.dumps(turn | window | {"turn_index": name})
        yield "deepgram", json.dumps({"type": "UtteranceEnd", "last_word_end": name})
        piece = {"type": "word", "start_time": 0.1, "end_time": 0.4, "alternatives": [{"content": name}]}
        added: Json = {"message": "AddTranscript", "metadata": {"start_time": 0.0, "end_time": 1.0}, "results": [piece]}
        for wrong in (
            {"metadata": name},
            {"metadata": {"start_time": name, "end_time": 1.0}},
            {"metadata": {"start_time": 0.0, "end_time": 1.0, "transcript": LONG}},
            {"results": name},
            {"results": [piece | {"start_time": name}]},
            {"results": [piece | {"start_time": -9.0}]},
            {"results": [piece | {"alternatives": [{"content": ALL * 4}]}]},
            {"results": [piece | {"alternatives": [{"content": name, "speaker": ALL}]}]},
            {"channel": {name: name}},
        ):
            yield "speechmatics", json.dumps(added | wrong)
        yield "speechmatics", json.dumps({"payload": {"message": "AddTranscript", "metadata": name}})
        said: Json = {"EventType": "ADD_TRANSCRIPT_SEGMENT", "CallId": "bad-lca", "SegmentId": "s1", "Transcript": name}
        said |= {"StartTime": 0.0, "EndTime": 1.0, "IsPartial": False, "Channel": "CALLER"}
        for wrong in (
            {"StartTime": name},
            {"EndTime": -1},
            {"Transcript": {name: name}},
            {"Transcript": LONG},
            {"IsPartial": name},
            {"Channel": ALL},
            {"CallId": ALL * 2},
            {"EventType": [name]},
            {"UtteranceEvent": name},
            {"UtteranceEvent": {"Transcript": name}},
        ):
            yield "lca", json.dumps(said | wrong)
            data = base64.b64encode(json.dumps(said | wrong).encode()).decode()
            yield "lca", json.dumps({"Records": [{"kinesis": {"data": data}}]})
        category = {"EventType": "ADD_CALL_CATEGORY", "CallId": "bad-lca"}
        yield "lca", json.dumps(category | {"CategoryEvent": {"MatchedCategories": name}})
        details = {"MatchedCategories": [name], "MatchedDetails": {name: {"TimestampRanges": name}}}
        yield "lca", json.dumps(category | {"CategoryEvent": details})
        yield "lca", json.dumps({"Records": [{"kinesis": {"data": name}}]})
        yield "lca", json.dumps({"Records": name})


def requests() -> Iterator[bytes]:
    """HTTP that holds what it should not. Each asks for the connection to be closed."""
    quoted = quote(WORDS)
    for where in ("", "agent", "agent/", "assets/", "metrics", "healthz", "readyz", "ws", "api/ticket"):
        yield http("GET", f"/{where}?token={quoted}&{WORD}={WORD}")
        yield http("GET", f"/{where}{WORD}/{quoted}")
        yield http(WORD.upper(), f"/{where}")
        yield http("PUT", f"/{where}", {"X-Said": WORDS, f"X-{WORD}": WORD}, ALL)
    for body in (ALL, f'{{"role":"{ALL}"}}', f'{{"role":"{WORD}"}}', f'{{"role":5,"{WORD}":"{WORD}"}}', ALL * 20):
        yield http("POST", "/api/ticket", {"Authorization": f"Bearer {TOKEN}"}, body)
    yield http("POST", "/api/ticket", {"Authorization": f"Bearer {WORDS}"}, '{"role":"agent"}')
    yield http("POST", "/api/ticket", {"Authorization": WORDS}, '{"role":"agent"}')
    yield http("POST", "/api/ticket", {"Origin": f"http://{WORD}.example"}, '{"role":"agent"}')
    yield http("POST", "/api/ticket", {"Authorization": f"Bearer {TOKEN}"}, b'{"role":"\xff' + ALL.encode())
    yield f"{WORDS}\r\n\r\n".encode()
    yield f"GET / HTTP/1.1\r\n{WORDS}\r\n\r\n".encode()
    yield f"GET / HTTP/{WORD}\r\nHost: {WORDS}\r\n\r\n".encode()
    yield f"POST /api/ticket HTTP/1.1\r\nHost: x\r\nContent-Length: {WORD}\r\n\r\n{WORDS}".encode()
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    for name in (WORDS, WORD):
        yield http("GET", f"/{quote(name)}", upgrade)
        yield http("POST", "/ws", upgrade, name)
        yield http("GET", "/ws", upgrade | {"Origin": f"http://{name}"})
        yield http("GET", "/ws", upgrade | {"Sec-WebSocket-Key": name})
        yield http("GET", "/ws", upgrade | {"Sec-WebSocket-Version": name})
        yield http("GET", "/ws", upgrade | {"Connection": f"Upgrade, {name} ;"})
        yield http("GET", "/ws", upgrade | {"Connection": "Upgrade, close", "Upgrade": name})
        yield http("GET", "/ws", upgrade | {"Sec-WebSocket-Extensions": f"{name} ; ; ="})
        yield http("GET", "/ws", upgrade | {"Sec-WebSocket-Protocol": f"{name} ; ; ="})
        yield http("GET", "/ws", {key: value for key, value in upgrade.items() if "Key" not in key} | {"X-Said": name})


def http(method: str, target: str, headers: Json | None = None, body: str | bytes = b"") -> bytes:
    content = body.encode() if isinstance(body, str) else body
    lines = {"Host": "127.0.0.1", "Connection": "close", "Content-Length": len(content)} | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + content


# --- where it is sent


class Told(NamedTuple):
    """What the server said to all those who were wrong."""

    codes: set[str]
    texts: list[str]
    """Sentences, close reasons and bodies: nothing of what was sent may be in them."""

    def refused(self, refusal: Refused | Bye) -> None:
        self.codes.add(refusal.code)
        self.texts.append(refusal.message)
        if isinstance(refusal, Refused):
            # Ids are given back, where they are ids.
            assert re.fullmatch(r"[\w.:@+-]*", refusal.call_id + refusal.key)


class Server:
    """`rtig serve` with its two streams in files."""

    def __init__(self, folder: Path, address: tuple[str, int], process: asyncio.subprocess.Process) -> None:
        self.log = folder / "calls.db"
        self.folder = folder
        self.address = address
        self.process = process
        self.told = Told(set(), [])

    @property
    def url(self) -> str:
        return "ws://{}:{}/ws".format(*self.address)

    def streams(self) -> bytes:
        return (self.folder / "stdout").read_bytes() + (self.folder / "stderr").read_bytes()

    async def asked(self, request: bytes) -> bytes:
        """The answer, whole; of an upgrade its head, empty where there is none."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(request)
        try:
            async with asyncio.timeout(SECONDS):
                start = await reader.readline()
                return start + (await reader.readuntil(b"\r\n\r\n") if b" 101 " in start else await reader.read())
        finally:
            writer.close()

    @contextlib.asynccontextmanager
    async def greeted(self, hello: Json) -> AsyncIterator[ClientConnection]:
        async with connect(
            self.url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, max_queue=None
        ) as connection:
            await connection.send(json.dumps({"type": "hello", "token": TOKEN} | hello))
            yield connection

    async def answers(self, connection: ClientConnection, *frames: str | bytes | list[str], text: bool = True) -> None:
        """Send, and note what the server says to it: a refusal of each, or a close. A list is sent in fragments."""
        left = len(frames)
        with contextlib.suppress(ConnectionClosed):
            for frame in frames:
                await connection.send(frame, text=text)
            async with asyncio.timeout(SECONDS):
                while left > 0:
                    message = decode_told(await connection.recv())
                    left -= isinstance(message, Refused)
                    if isinstance(message, Refused | Bye):
                        self.told.refused(message)
        self.told.texts.append(connection.close_reason or "")


@contextlib.asynccontextmanager
async def serving(folder: Path, **more: str) -> AsyncIterator[Server]:
    settings = {
        "PORT": "0",
        "LOG": str(folder / "calls.db"),
        "LOG_LEVEL": "debug",
        "KNOWLEDGE_BASE": str(KNOWLEDGE),
        "SOURCE_MESSAGES_PER_SECOND": "100000",
        "OTHER_MESSAGES_PER_SECOND": "100000",
        "OUTBOX_BYTES": str(64 * 2**20),
        "MEANING": "off",
        "BUDGET_MS": "0",
        **{f"{role}_TOKEN": TOKEN for role in ("SOURCE", "AGENT", "SUPERVISOR")},
        **more,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RTIG_")}
    environment |= {f"RTIG_{name}": value for name, value in settings.items()}
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rtig", "serve", stdout=stdout, stderr=stderr, cwd=folder, env=environment
        )
    try:
        async with asyncio.timeout(SECONDS):
            while b'"serving"' not in (said := (folder / "stderr").read_bytes()):
                assert process.returncode is None
                await asyncio.sleep(0.05)
        host, port = msgspec.json.decode(said.splitlines()[0])["url"].removeprefix("http://").split(":")
        yield Server(folder, (host, int(port)), process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def watch(server: Server, connection: ClientConnection, ended: asyncio.Event) -> bytes:
    """All frames that an agent gets who watches every call; `ended` is set when all sample calls are over."""
    frames: list[bytes] = []
    live: set[str] = set()
    seen: set[str] = set()
    with contextlib.suppress(ConnectionClosed):
        async for frame in connection:
            assert isinstance(frame, str)
            frames.append(frame.encode())
            message = decode_told(frame)
            if isinstance(message, Bye | Refused):
                server.told.refused(message)
            elif isinstance(message, Calls):
                live = {call.call_id for call in message.calls}
                for call_id in sorted(live - seen):
                    await connection.send(json.dumps({"type": "watch", "call_id": call_id}))
                seen |= live
                if seen >= set(SCRIPTS) and not live & set(SCRIPTS):
                    ended.set()
    server.told.texts.append(connection.close_reason or "")
    return b"".join(frames)


async def everything_wrong(server: Server) -> None:
    """Say to the server all that it must refuse, each on a connection of its own where the last one may be closed."""
    sources = {"role": "source", "source": "wrong"}
    async with Source(server.url, TOKEN, "wrong") as source:
        for event in (CallStarted(call_id="bad"), CallStarted(call_id="over"), CallEnded(call_id="over", at_ms=0)):
            await source.send(event)
        await source.drained()
    for hello, frames in ((sources, of_source), ({"role": "agent"}, of_agent), ({"role": "supervisor"}, of_supervisor)):
        for frame in frames():
            async with server.greeted(hello) as connection:
                await server.answers(connection, frame)
    for vendor, frame in of_vendors():
        hello = {"role": "source", "source": "wrong", "format": vendor, "call_id": f"bad-{vendor}"}
        async with server.greeted(hello) as connection:
            await server.answers(connection, frame)
    for hello in hellos():
        async with connect(server.url, compression=None) as connection:
            await server.answers(connection, json.dumps(hello))
    async with server.greeted(sources) as connection:
        await server.answers(connection, *[json.dumps(segment(text=[WORDS]))] * 25)
    for unfit in (json.dumps(segment(text=LONG * 4)), json.dumps(segment()).encode().replace(b"lane", b"\xff\xfe")):
        async with server.greeted(sources) as connection:
            await server.answers(connection, unfit)
    async with server.greeted(sources) as connection:
        await server.answers(connection, ["{", ALL, ALL])
        await server.answers(connection, ALL, ["{", ALL], text=False)
    async with server.greeted(sources) as connection:
        await connection.close(1008, WORDS[:100])


async def every_wrong_request(server: Server) -> None:
    for request in requests():
        answer = await server.asked(request)
        refused = re.match(rb"HTTP/1.1 [45]", answer) is not None
        server.told.texts.append((answer if refused else answer.partition(b"\r\n\r\n")[2]).decode())
    for offered in (f"{TICKET_PREFIX}{WORD}", WORD):
        protocols = [Subprotocol(SUBPROTOCOL), Subprotocol(offered)]
        async with connect(server.url, subprotocols=protocols, compression=None) as connection:
            await server.answers(connection, '{"type":"hello","role":"agent"}')
    with pytest.raises(InvalidStatus) as turned_away:
        await connect(f"{server.url}/{WORD}?{WORD}", origin=None)
    server.told.texts.append((turned_away.value.response.body or b"").decode())


@pytest.mark.process
async def test_what_customers_say_stays_in_their_calls(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    async with serving(folder) as server:
        ended = asyncio.Event()
        async with server.greeted({"role": "agent"}) as agent, server.greeted({"role": "supervisor"}) as supervisor:
            await supervisor.send('{"type":"watch_board"}')
            watching = asyncio.create_task(watch(server, agent, ended))
            board = asyncio.create_task(watch(server, supervisor, asyncio.Event()))
            async with Source(server.url, TOKEN, "recogniser") as source:
                for scheduled in sorted(
                    (one for script in SCRIPTS.values() for one in perform(script)), key=lambda one: one.at_ms
                ):
                    await source.send(scheduled.event)
                await source.drained()
            async with asyncio.timeout(SECONDS):
                await ended.wait()
            await everything_wrong(server)
            await every_wrong_request(server)
            figures = [await server.asked(http("GET", path)) for path in ("/metrics", "/healthz", "/readyz")]
            server.process.terminate()
            async with asyncio.timeout(SECONDS):
                guidance = await watching + await board
            assert await server.process.wait() == 0

    told, lines = server.told, server.streams()
    # Everybody was heard, and answered.
    assert held(guidance) == CANARIES
    assert {
        Code.BAD_JSON, Code.BAD_MESSAGE, Code.UNKNOWN_TYPE, Code.UNKNOWN_FIELD, Code.BINARY, Code.HELLO_FIRST,
        Code.HELLO_TWICE, Code.UNKNOWN_ROLE, Code.NOT_ALLOWED, Code.UNAUTHENTICATED, Code.BAD_TIME, Code.UNKNOWN_CALL,
        Code.UNKNOWN_CARD, Code.UNKNOWN_HELP, Code.UNKNOWN_FORMAT, Code.CALL_ENDED, Code.CALL_TAKEN,
        Code.TOO_MANY_ERRORS, Code.DRAINING,
    } <= told.codes  # fmt: skip
    assert b"rtig_redactions_total" in figures[0]
    assert lines.count(b"transcript watched") > len(SCRIPTS)
    assert all(msgspec.json.decode(line)["level"] in ("debug", "info", "warning") for line in lines.splitlines())
    # Nothing of it was repeated.
    assert [(needles, text) for text in told.texts if (needles := held(text.encode()))] == []
    assert [needles for text in figures if (needles := held(text))] == []
    assert [(needles, line) for line in lines.splitlines() if (needles := held(line))] == []
    # The calls are on the disk, masked.
    assert held(kept(server.log)) == CANARIES

    erasing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rtig", "erase", "bill-doubled", "--log", str(server.log)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    told_of_it, _ = await erasing.communicate()
    assert erasing.returncode == 0
    assert held(told_of_it) == []
    assert held(kept(server.log)) == [canary for canary in CANARIES if canary not in said_in("bill-doubled")]


async def figure(server: Server, name: str) -> float:
    page = await server.asked(http("GET", "/metrics"))
    return next(float(line.split()[-1]) for line in page.splitlines() if line.startswith(name.encode()))


def children(pid: int) -> list[int]:
    """Whichever thread began them."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="There is no /proc here to see processes in.")
async def test_what_a_model_reads_stays_in_the_calls_too(tmp_path: Path) -> None:
    folder = write(tmp_path / "kb", UNDERSTOOD)
    async with serving(tmp_path, MEANING="auto", KNOWLEDGE_BASE=str(folder), READING_SECONDS="60") as server:
        async with Source(server.url, TOKEN, "recogniser") as source, server.greeted({"role": "agent"}) as agent:
            while not await figure(server, 'rtig_lane{state="on"}'):
                await asyncio.sleep(0.05)
            for script in list(SCRIPTS.values())[:3]:
                for scheduled in perform(script):
                    if not isinstance(scheduled.event, CallEnded):
                        await source.send(scheduled.event)
            await source.drained()
            while not await figure(server, 'rtig_lane_utterances_total{outcome="read"}'):
                await asyncio.sleep(0.05)
            for number, words in enumerate((WORDS, WORD, *(needle.decode() for needle in NEEDLES))):
                await agent.send(json.dumps({"type": "find", "find_id": f"f{number}", "query": words[:200]}))
                while not isinstance(decode_told(await agent.recv()), Found):
                    pass
            # The model dies in the middle of it, and there is something to be said about that.
            for child in children(server.process.pid):
                os.kill(child, signal.SIGKILL)
            while not await figure(server, "rtig_lane_restarts_total"):
                await asyncio.sleep(0.05)
            figures = await server.asked(http("GET", "/metrics"))
        server.process.terminate()
        async with asyncio.timeout(SECONDS):
            assert await server.process.wait() == 0
        lines = server.streams()
        assert b'"model lane down"' in lines
        assert [(needles, line) for line in lines.splitlines() if (needles := held(line))] == []
        assert held(figures) == []
        assert b"utterance_read" in kept(server.log)


def kept(log: Path) -> bytes:
    """All bytes of a log's files."""
    return b"".join(path.read_bytes() for path in sorted(log.parent.glob(f"{log.name}*")))


def said_in(call: str) -> str:
    return " ".join(line.text for line in SCRIPTS[call].lines if isinstance(line, Line))


# --- all other tests

TELLS = """
import logging, warnings, pytest, structlog
from rtig.errors import Code, MessageRefused
from rtig.gateway.metrics import Metrics

WORD = "thistle" "marrowby"
TELLING = {
    "structlog": lambda: structlog.get_logger().info("said", text=WORD),
    "bound": lambda: structlog.get_logger().bind(text=WORD).warning("said"),
    "logging": lambda: logging.getLogger("another.package").warning("said %s", WORD),
    "error": lambda: MessageRefused(Code.BAD_JSON, WORD),
    "warning": lambda: warnings.warn(WORD.title()),
    "figures": lambda: count(Metrics()).page(),
    "nobody": lambda: None,
}

def count(metrics):
    metrics.refused[WORD] += 1
    return metrics

@pytest.mark.parametrize("how", TELLING)
def test_telling(how):
    TELLING[how]()
"""


async def run_of(folder: Path, chosen: str, *more: str) -> tuple[int | None, str]:
    (folder / "test_tells.py").write_text(TELLS)
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-k", chosen, *more),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=asyncio.subprocess.PIPE,
    )
    report, _ = await run.communicate()
    return run.returncode, report.decode()


@pytest.mark.process
@pytest.mark.parametrize("processes", [[], ["-n", "1"]], ids=["one", "another"])
async def test_a_run_of_tests_that_tells_a_customers_word_fails(tmp_path: Path, processes: list[str]) -> None:
    code, report = await run_of(tmp_path, "not nobody", *processes)
    assert (code, "6 passed" in report) == (1, True)
    _, _, told = report.partition("customers' words were told to operators")
    kinds = re.findall(r"^(\w+): …", told, re.MULTILINE)
    assert sorted(kinds) == ["error", "figures", "logging", "structlog", "structlog", "warning"]
    code, report = await run_of(tmp_path, "nobody", *processes)
    assert (code, "1 passed" in report) == (0, True)
    assert "told to operators" not in report
