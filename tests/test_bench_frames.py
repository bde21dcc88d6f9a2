"""The load generator's frames are those of `websockets`, and it reads of the server's what the server's codec wrote."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from benchmarks import frames
from rtig.core.guidance import Card, Line, Mood, Why
from rtig.wire.messages import Ack, CaughtUp, Guided, Timing, encode

CALL = "test-00001-00002"
TIMING = Timing(decode_us=1, append_us=2, fold_us=30, encode_us=4, total_us=37)


def heard(data: bytes) -> list[Frame]:
    """What `websockets` hears of a client's frames."""
    server = ServerProtocol()
    upgrade = frames.UPGRADE.format(host="localhost").encode()
    server.receive_data(upgrade)
    request = server.events_received()[0]
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    assert frames.UPGRADED in b"".join(server.data_to_send()).lower()
    server.receive_data(data)
    return [event for event in server.events_received() if isinstance(event, Frame)]


def line(segment: str, rev: int, text: str = "hello") -> Line:
    return Line(
        call_id=CALL, segment_id=segment, rev=rev, party="customer", text=text, final=True, start_ms=0, end_ms=9
    )


def card() -> Card:
    why = Why(rule="bill", playbook="p", condition="said")
    return Card(
        call_id=CALL,
        id="bill-1",
        state="confirmed",
        kind="article",
        title="A bill",
        say="",
        body="",
        why=why,
        priority=1,
        at_ms=0,
        shown_ms=0,
        expires_ms=0,
        cause=1,
    )


def guided(*items: Line | Card | Mood, timing: Timing | None = TIMING) -> bytes:
    return encode(Guided(call_id=CALL, epoch=7, seq=41, items=items, timing=timing))


@pytest.mark.parametrize("size", [0, 125, 126, 60_000])
def test_a_masked_frame_is_heard_as_it_was(size: int) -> None:
    payload = b"x" * size
    assert [(one.opcode, one.data) for one in heard(frames.masked(payload))] == [(Opcode.TEXT, payload)]
    with pytest.raises(ValueError, match="64 KiB"):
        frames.masked(b"x" * 65_536)


@pytest.mark.parametrize("begins", [4, 5, 6, 7])
def test_an_id_put_in_later_is_masked_for_its_place(begins: int) -> None:
    payload = b"a" * begins + b"0123456789" + b"z" * 150
    rest = frames.around(payload, b"0123456789")
    frame = rest.before + frames.masked_id(b"abcdefghij", begins) + rest.after
    assert heard(frame)[0].data == payload.replace(b"0123456789", b"abcdefghij")


@pytest.mark.parametrize("step", [1, 3, 1000, 100_000])
def test_frames_are_split_wherever_the_bytes_were_cut(step: int) -> None:
    payloads = [b"", b"a" * 125, b"b" * 126, b"c" * 65_535, b"d" * 65_536]
    data = b"".join(Frame(Opcode.TEXT, one).serialize(mask=False) for one in payloads)
    data += Frame(Opcode.PING, b"rtig").serialize(mask=False)
    found: list[tuple[int, bytes]] = []
    rest = b""
    for at in range(0, len(data), step):
        rest = frames.split(rest + data[at : at + step], found)
    assert rest == b""
    assert found == [*((frames.TEXT, one) for one in payloads), (frames.PING, b"rtig")]


def test_an_acknowledgement_is_read() -> None:
    frame = encode(Ack(call_id=CALL, key="3.1@2", epoch=1, seq=512))
    assert frame[9:12] == b"ack"
    begins = frame.index(CALL.encode())
    assert begins == len(b'{"type":"ack","call_id":"')
    assert frames.acknowledged(frame, begins + len(CALL)) == (b"3.1@2", 512)


def test_lines_of_guidance_are_read_whatever_was_said() -> None:
    frame = guided(card(), line("3.1", 2, '"type":"transcript","call_id":"x'), line("4.1", 11))
    assert list(frames.lines(frame)) == [(b"3.1", 2), (b"4.1", 11)]
    assert frames.holds_card(frame)
    assert frames.position(frame) == (7, 41)
    assert frames.made_us(frame) == 37
    assert frames.stages(frame) == encode(TIMING)  # type: ignore[arg-type]


def test_the_past_of_a_call_has_no_times() -> None:
    frame = guided(line("3.1", 2), timing=None)
    assert frames.made_us(frame) == 0
    assert not frames.holds_card(frame)
    told = encode(CaughtUp(call_id=CALL, epoch=1, seq=2))
    assert list(frames.lines(told)) == []
