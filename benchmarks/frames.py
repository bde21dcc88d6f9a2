"""WebSocket frames as a load generator needs them: masked before the clock starts, read by header and a few bytes.

No JSON is decoded here. What the server tells is known by how its frames begin (`rtig.wire.messages` has `type` first,
then `call_id`); a test holds these few bytes against the server's own encoder.
"""

from collections.abc import Iterator
from typing import NamedTuple

from websockets.speedups import apply_mask

MASK = bytes.fromhex("37fa213d")
"""The same for all frames, so that what calls have in common is masked once. RFC 6455 wants it unpredictable, for the
sake of proxies; there is none on loopback."""
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: rtig.v1\r\n\r\n"
)
UPGRADED = b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="
"""In lower case; the key and its answer are the example of RFC 6455."""

_LINE = b'"type":"transcript","call_id":"'
_SEGMENT = b'"segment_id":"'
_REV = b'"rev":'
_KEY = b'"key":"'
_SEQ = b'"seq":'
_EPOCH = b'"epoch":'
_CARD = b'"type":"card"'
_MADE = b'"total_us":'
_TIMING = b'"timing":{'


class Rest(NamedTuple):
    """What one frame is around the call's id: it has the same place in every frame of every call."""

    before: bytes
    after: bytes


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole frame of a client."""
    return _header(opcode, len(payload)) + apply_mask(payload, MASK)


def around(payload: bytes, call_id: bytes) -> Rest:
    """A frame without the call's id, which stands once, early in the payload. Ids are as long as one another."""
    begins = payload.index(call_id)
    ends = begins + len(call_id)
    body = apply_mask(payload, MASK)
    return Rest(_header(TEXT, len(payload)) + body[:begins], body[ends:])


def masked_id(call_id: bytes, begins: int) -> bytes:
    """An id as it goes between the two halves of `around`, at byte `begins` of the payload."""
    turn = begins % 4
    return apply_mask(call_id, MASK[turn:] + MASK[:turn])


def _header(opcode: int, size: int) -> bytes:
    if size < 126:
        return bytes((opcode, 0x80 | size)) + MASK
    if size < 65536:
        return bytes((opcode, 0xFE)) + size.to_bytes(2, "big") + MASK
    raise ValueError("a frame of the load is shorter than 64 KiB")


def split(data: bytes, found: list[tuple[int, bytes]]) -> bytes:
    """Append the whole frames of a server, each as its first byte and its payload, and return what is left."""
    at, end = 0, len(data)
    while end - at >= 2:
        size, body = data[at + 1], at + 2
        if size == 126:
            if end - at < 4:
                break
            size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            if end - at < 10:
                break
            size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
        if body + size > end:
            break
        found.append((data[at], data[body : body + size]))
        at = body + size
    return data[at:] if at else data


# What the server tells.


def acknowledged(frame: bytes, after_id: int) -> tuple[bytes, int]:
    """The key and the seq of an `ack`, whose call's id ends at `after_id`."""
    begins = frame.index(_KEY, after_id) + len(_KEY)
    ends = frame.index(b'"', begins)
    return frame[begins:ends], int(frame[frame.rindex(b":") + 1 : -1])


def lines(frame: bytes) -> Iterator[tuple[bytes, int]]:
    """Of each transcript line in a `guidance` frame, the segment and the revision that it tells."""
    at = frame.find(_LINE)
    while at >= 0:
        begins = frame.index(_SEGMENT, at) + len(_SEGMENT)
        ends = frame.index(b'"', begins)
        rev = frame.index(_REV, ends) + len(_REV)
        yield frame[begins:ends], int(frame[rev : frame.index(b",", rev)])
        at = frame.find(_LINE, rev)


def position(frame: bytes) -> tuple[int, int]:
    """Epoch and seq of a `guidance` frame."""
    begins = frame.index(_EPOCH) + len(_EPOCH)
    ends = frame.index(b",", begins)
    seq = frame.index(_SEQ, ends) + len(_SEQ)
    return int(frame[begins:ends]), int(frame[seq : frame.index(b",", seq)])


def holds_card(frame: bytes) -> bool:
    return _CARD in frame


def made_us(frame: bytes) -> int:
    """From the fragment's first byte at the server to the finished frame; 0 where it tells the past."""
    return int(frame[frame.rindex(b":") + 1 : -2]) if frame.endswith(b"}}") and _MADE in frame[-40:] else 0


def stages(frame: bytes) -> bytes:
    """The JSON object that says where the time went, of a frame that has it."""
    return frame[frame.rindex(_TIMING) + len(_TIMING) - 1 : -1]
