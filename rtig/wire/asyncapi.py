"""The protocol described for machines: an AsyncAPI 3.0 document made from the structs that the server itself uses.

The same version of rtig always gives the same bytes.
"""

import functools
import re
from typing import Any, get_args

import msgspec

from rtig import __version__
from rtig.errors import Code
from rtig.wire.messages import (
    PROTOCOL,
    SUBPROTOCOL,
    TICKET_PREFIX,
    ClientMessage,
    Hello,
    ServerMessage,
)
from rtig.wire.session import ALLOWED, MISTAKES_IN_A_ROW, ROLES

_DESCRIPTION = f"""\
One JSON object a text frame, both ways; `type` says which message it is. Offer the sub-protocol `{SUBPROTOCOL}`. The
first message is `hello`, once; the server answers `welcome`, or `bye` and closes.

**Sources** send events and get an `ack` for each once it is durable, or an `error`. What was not acknowledged may be
sent again: the log keeps one event of each key. A call belongs to the `source` name that began it.

**Agents and supervisors** `watch` calls: first everything that still matters since the start or since `after`, then
`caught_up`, then what happens. A frame of `guidance` is whole: keep the position of the last one, and resume there.
`start_over` means that the position is not in this log any more. Each item replaces the one with the same identity.

**Supervisors** `watch_board`: the live calls as rows and the alerts of all of them, whole first and then in changes.

**Authors** are told the state of the knowledge base and of their jobs; what they ask goes over HTTP, at `/api/author`.

**Browsers** exchange their key for a ticket (`POST /api/ticket`, `Authorization: Bearer <key>`, body `{{"role": …}}`)
and offer it as the sub-protocol `{TICKET_PREFIX}<ticket>`: good once, within 30 seconds. Pages of other origins are
turned away unless they are allowed.

**Refusals.** An `error` concerns one message; the connection goes on. `retry` says whether the same message may succeed
later, `retry_after` (seconds) when. {MISTAKES_IN_A_ROW} errors in a row close the connection.

**Closes.** The server says `bye` with a code before it closes, wherever the connection still can. WebSocket codes:
1002 broken frames; 1007 text that is not UTF-8; 1008 do not come back unchanged; 1009 a message longer than
`limits.message_bytes`; 1011 no answer to two pings; 1012 the server restarts, come back; 1013 come back later, as after
`too_slow`: the client did not read what it was sent. Binary messages are refused with `binary_not_supported`.
"""

_CODES = {
    Code.BAD_JSON: "The frame is not one JSON object in UTF-8.",
    Code.BAD_MESSAGE: "A field is missing, of the wrong type or out of range.",
    Code.UNKNOWN_TYPE: "`type` names no message that a client may send.",
    Code.UNKNOWN_FIELD: "A field is not part of the message.",
    Code.BINARY: "Only text frames are heard.",
    Code.HELLO_FIRST: "Nothing is heard before `hello`, and `hello` must come soon.",
    Code.HELLO_TWICE: "`hello` comes once.",
    Code.UNKNOWN_ROLE: "There is no such role.",
    Code.NOT_ALLOWED: "Not for this role.",
    Code.UNAUTHENTICATED: "The token or ticket is missing, wrong, spent or too old.",
    Code.BAD_ORIGIN: "Pages of this origin may not connect.",
    Code.BAD_PROTOCOL: "The server speaks another version of the protocol.",
    Code.BAD_TIME: "A time is negative, beyond a day, or runs backwards.",
    Code.UNKNOWN_CALL: "No call of this id has begun here.",
    Code.UNKNOWN_CARD: "The call has no card of this id.",
    Code.UNKNOWN_ALERT: "The call has no alert of this id.",
    Code.UNKNOWN_HELP: "The call has no request for help of this id.",
    Code.UNKNOWN_RULE: "The playbook has no article or trigger of this id.",
    Code.UNKNOWN_JOB: "There is no job of this id, or its result is not kept any more.",
    Code.UNKNOWN_FORMAT: "The server does not read this vendor's messages.",
    Code.CALL_ENDED: "The call is over.",
    Code.CALL_TAKEN: "Another source sends this call.",
    Code.CALL_FULL: "The call holds as many segments as a call may.",
    Code.RATE_LIMITED: "Too many messages a second.",
    Code.TOO_MANY_ERRORS: "Too many messages in a row were refused.",
    Code.TOO_SLOW: "The client did not read what it was sent.",
    Code.DRAINING: "The server is being stopped.",
    Code.AT_CAPACITY: "The server guides as many calls as it can in time; this one was not taken.",
    Code.LOG_UNAVAILABLE: "The event log does not take events now.",
}
_REF = "#/components/schemas/{name}"


@functools.cache
def document() -> bytes:
    """The document as JSON."""
    return msgspec.json.format(msgspec.json.encode(described()), indent=1)


def described() -> dict[str, Any]:
    """The document as plain values."""
    said, told = get_args(ClientMessage), get_args(ServerMessage)
    kinds = (*said, *told)
    # Two structs of one name are told apart by their modules.
    payloads, schemas = msgspec.json.schema_components(kinds, ref_template=_REF)
    schemas["Code"] = {
        "title": "Code",
        "enum": sorted(Code),
        "description": "\n".join(f"`{code}`: {_CODES[code]}" for code in sorted(Code)),
    }
    messages = {_tag(kind): _message(kind, payload) for kind, payload in zip(kinds, payloads, strict=True)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "rtig",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
            "x-protocol": PROTOCOL,
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/ws",
                "messages": {tag: {"$ref": f"#/components/messages/{tag}"} for tag in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "hear": _operation("receive", "What clients say.", said),
            "tell": _operation("send", "What the server tells.", told),
        },
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def _tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)


def _operation(action: str, summary: str, kinds: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    refs = [{"$ref": f"#/channels/socket/messages/{_tag(kind)}"} for kind in kinds]
    return {"action": action, "channel": {"$ref": "#/channels/socket"}, "summary": summary, "messages": refs}


def _message(kind: type[msgspec.Struct], payload: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"name": _tag(kind), "payload": payload}
    roles = ROLES if kind is Hello else ALLOWED.get(kind)
    if roles is not None:
        message["x-roles"] = sorted(roles)
    if kind.__doc__ and not kind.__doc__.startswith(f"{kind.__name__}("):
        message["summary"] = re.sub(r"\s+", " ", kind.__doc__).strip()
    return message
