"""The session, with values: frames and times in, what the shell must do out."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.core.events import CallStarted, SegmentHeard
from rtig.errors import Code, MessageRefused
from rtig.wire.messages import (
    Answer,
    AnswerAlert,
    AskBrief,
    AskCourse,
    AskHelp,
    AskHistory,
    Bye,
    ClientMessage,
    Hello,
    Refused,
    Role,
    SendHandover,
    TakeBackHelp,
    Unwatch,
    Watch,
    WatchBoard,
    Whisper,
)
from rtig.wire.session import (
    MISTAKES_IN_A_ROW,
    Append,
    Carry,
    Close,
    Credential,
    Forward,
    Greet,
    Reply,
    Session,
    TokenBucket,
    close_code,
    refusal_of,
)

TOKENS = {
    "t-source": Credential("acme", frozenset({"source"})),
    "t-desk": Credential("acme", frozenset({"agent", "supervisor"})),
}
RATES: dict[Role, float] = {"source": 10, "agent": 5, "supervisor": 5}
STARTED = b'{"type":"call_started","call_id":"c1"}'
SEGMENT = b'{"type":"segment","call_id":"c1","segment_id":"s1","rev":1,"text":"hello","start_ms":0,"end_ms":900}'


def session() -> Session:
    return Session(lambda hello: TOKENS.get(hello.token), RATES, ("deepgram", "lca"))


def hello(role: str, **more: object) -> bytes:
    token = "t-source" if role == "source" else "t-desk"
    return msgspec.json.encode({"type": "hello", "role": role, "token": token} | more)


def greeted(role: str) -> Session:
    it = session()
    (action,) = it.hear(hello(role), 0)
    assert isinstance(action, Greet)
    it.accepted()
    return it


def refusal(it: Session, frame: bytes, now: float = 0) -> Refused:
    (action,) = it.hear(frame, now)
    assert isinstance(action, Reply)
    return action.message


def bye(it: Session, frame: bytes) -> Bye:
    *_, action = it.hear(frame, 0)
    assert isinstance(action, Close)
    assert it.closing
    return action.bye


def test_hello_greets_with_the_tenant_of_the_credential() -> None:
    it = session()
    (action,) = it.hear(hello("agent", agent="ann"), 0)
    assert action == Greet(Hello(role="agent", token="t-desk", agent="ann"), "agent", "acme")
    assert (it.role, it.tenant) == ("agent", "acme")


def test_hello_comes_first() -> None:
    it = session()
    refused = refusal(it, SEGMENT)
    assert (refused.code, refused.call_id, refused.key) == (Code.HELLO_FIRST, "c1", "s1@1")
    assert isinstance(it.hear(hello("source"), 0)[0], Greet)


def test_hello_comes_once() -> None:
    assert refusal(greeted("source"), hello("source")).code is Code.HELLO_TWICE


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (hello("queen"), Code.UNKNOWN_ROLE),
        (hello("agent", token=""), Code.UNAUTHENTICATED),
        (hello("agent", token="t-desk "), Code.UNAUTHENTICATED),
        (hello("agent", token="t-source"), Code.NOT_ALLOWED),
        (hello("agent", protocol=2), Code.BAD_PROTOCOL),
        (hello("agent", format="deepgram", call_id="c1"), Code.NOT_ALLOWED),
        (hello("source", format="telepathy", call_id="c1"), Code.UNKNOWN_FORMAT),
        (hello("source", format="deepgram"), Code.BAD_MESSAGE),
        (hello("source", format="deepgram", call_id="a b"), Code.BAD_MESSAGE),
    ],
)
def test_a_hello_that_fails_closes_with_its_code(frame: bytes, code: Code) -> None:
    it = session()
    said = bye(it, frame)
    assert (said.code, said.retry) == (code, False)
    assert it.hear(SEGMENT, 0) == ()


def test_no_token_or_role_is_repeated_to_the_client() -> None:
    assert "hunter2" not in bye(session(), hello("agent", token="hunter2")).message
    assert "queen" not in bye(session(), hello("queen")).message


@pytest.mark.parametrize(
    ("role", "frame", "action"),
    [
        ("source", STARTED, Append(CallStarted(call_id="c1"))),
        (
            "source",
            SEGMENT,
            Append(SegmentHeard(call_id="c1", segment_id="s1", rev=1, text="hello", start_ms=0, end_ms=900)),
        ),
        ("agent", b'{"type":"watch","call_id":"c1"}', Watch(call_id="c1")),
        ("agent", b'{"type":"unwatch","call_id":"c1"}', Unwatch(call_id="c1")),
        (
            "agent",
            b'{"type":"answer","call_id":"c1","card_id":"k","action":"useful","answer_id":"a1"}',
            Answer(call_id="c1", card_id="k", action="useful", answer_id="a1"),
        ),
        (
            "agent",
            b'{"type":"ask_help","call_id":"c1","help_id":"h1","text":"a refund?"}',
            AskHelp(call_id="c1", help_id="h1", text="a refund?"),
        ),
        (
            "agent",
            b'{"type":"take_back_help","call_id":"c1","help_id":"h1"}',
            TakeBackHelp(call_id="c1", help_id="h1"),
        ),
        (
            "agent",
            b'{"type":"send_handover","call_id":"c1","handover_id":"o1","text":"ring back"}',
            SendHandover(call_id="c1", handover_id="o1", text="ring back"),
        ),
        ("supervisor", b'{"type":"watch","call_id":"c1"}', Watch(call_id="c1")),
        ("supervisor", b'{"type":"ask_brief","call_id":"c1"}', AskBrief(call_id="c1")),
        ("supervisor", b'{"type":"ask_history","call_id":"c1"}', AskHistory(call_id="c1")),
        ("supervisor", b'{"type":"ask_course","call_id":"c1"}', AskCourse(call_id="c1")),
        ("supervisor", b'{"type":"watch_board"}', WatchBoard()),
        (
            "supervisor",
            b'{"type":"answer_alert","call_id":"c1","alert_id":"hot","action":"acknowledge","answer_id":"a1"}',
            AnswerAlert(call_id="c1", alert_id="hot", action="acknowledge", answer_id="a1"),
        ),
        (
            "supervisor",
            b'{"type":"say_to_agent","call_id":"c1","whisper_id":"w1","text":"offer a credit"}',
            Whisper(call_id="c1", whisper_id="w1", text="offer a credit"),
        ),
    ],
)
def test_what_each_role_may_say(role: str, frame: bytes, action: object) -> None:
    assert greeted(role).hear(frame, 0) == (action,)
    for other in {"source", "agent", "supervisor"} - {role}:
        if (
            b"ask_brief" in frame or b"ask_history" in frame or (b"watch" in frame and b"board" not in frame)
        ) and other != "source":
            continue
        assert refusal(greeted(other), frame).code is Code.NOT_ALLOWED


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", Code.BAD_JSON),
        (b"hello", Code.BAD_JSON),
        (b'{"type":"segment"', Code.BAD_JSON),
        (b"[" * 100_000, Code.BAD_MESSAGE),
        (b"[]", Code.BAD_MESSAGE),
        (b"{}", Code.BAD_MESSAGE),
        (b'{"type":"tick","call_id":"c1","at_ms":1}', Code.UNKNOWN_TYPE),
        (SEGMENT.replace(b'"rev":1', b'"rev":"1"'), Code.BAD_MESSAGE),
        (SEGMENT.replace(b'"rev":1', b'"rev":-1'), Code.BAD_MESSAGE),
        (SEGMENT.replace(b'"rev":1', b'"rev":1,"mood":9'), Code.UNKNOWN_FIELD),
        (SEGMENT.replace(b'"start_ms":0', b'"start_ms":-1'), Code.BAD_TIME),
        (SEGMENT.replace(b'"end_ms":900', b'"end_ms":1700000000000'), Code.BAD_TIME),
        (SEGMENT.replace(b'"call_id":"c1"', b'"call_id":"c 1"'), Code.BAD_MESSAGE),
    ],
)
def test_what_is_wrong_is_answered_and_the_connection_goes_on(frame: bytes, code: Code) -> None:
    it = greeted("source")
    assert refusal(it, frame).code is code
    assert isinstance(it.hear(SEGMENT, 0)[0], Append)


def test_a_bad_id_is_answered_with_what_an_id_is() -> None:
    sentence = refusal(greeted("source"), SEGMENT.replace(b'"call_id":"c1"', b'"call_id":"c 1"')).message
    assert sentence == "$.call_id must be 1 to 128 letters, digits or any of _ . : @ + -"


def test_the_codec_knows_every_message_that_has_a_rule() -> None:
    from rtig.wire.messages import ClientMessage
    from rtig.wire.session import ALLOWED

    assert {*ALLOWED, Hello} == set(ClientMessage.__args__)


def test_over_the_rate_is_refused_by_name_and_says_when() -> None:
    it = greeted("source")
    for _ in range(10):
        assert isinstance(it.hear(SEGMENT, 0)[0], Append)
    refused = refusal(it, SEGMENT)
    assert (refused.code, refused.retry, refused.retry_after, refused.key) == (Code.RATE_LIMITED, True, 0.1, "s1@1")
    assert isinstance(it.hear(SEGMENT, 0.11)[0], Append)


def test_too_fast_is_not_a_mistake() -> None:
    it = greeted("source")
    for _ in range(500):
        it.hear(SEGMENT, 0)
    assert not it.closing


def test_too_many_mistakes_in_a_row_close() -> None:
    it = greeted("source")
    for _ in range(MISTAKES_IN_A_ROW - 1):
        it.hear(b"?", 0)
    last, close = it.hear(b"?", 0)
    assert isinstance(last, Reply)
    assert isinstance(close, Close)
    assert (close.bye.code, close.bye.retry) == (Code.TOO_MANY_ERRORS, False)


def test_an_accepted_message_in_between_forgives() -> None:
    it = greeted("source")
    for number in range(3 * MISTAKES_IN_A_ROW):
        it.hear(b"?", number)
        if number % 10 == 9:
            it.hear(SEGMENT, number)
            it.accepted()
    assert not it.closing


def test_what_the_shell_refuses_counts_too() -> None:
    it = greeted("source")
    ended = MessageRefused(Code.CALL_ENDED, "over")
    for number in range(MISTAKES_IN_A_ROW):
        it.hear(SEGMENT, number)
        actions = it.refused(ended, CallStarted(call_id="c1"))
    assert actions[0] == Reply(
        Refused(code=Code.CALL_ENDED, message="over", retry=False, call_id="c1", key="call_started")
    )
    assert it.closing
    assert it.refused(ended) == ()


def test_what_will_pass_by_itself_does_not_count() -> None:
    it = greeted("source")
    away = MessageRefused(Code.LOG_UNAVAILABLE, "disk", retry=True, retry_after=1.0)
    for _ in range(2 * MISTAKES_IN_A_ROW):
        it.refused(away)
    assert not it.closing


def test_a_vendors_frames_are_carried_as_they_are_at_the_sources_rate() -> None:
    it = session()
    assert isinstance(it.hear(hello("source", format="deepgram", call_id="c1"), 0)[0], Greet)
    for _ in range(10):
        assert it.hear(b'{"type":"Results"}', 0) == (Carry(b'{"type":"Results"}'),)
    assert refusal(it, b'{"type":"Results"}').code is Code.RATE_LIMITED


def test_close_codes() -> None:
    def code_of(code: Code, retry: bool) -> int:
        return close_code(Bye(code=code, message="", retry=retry))

    assert code_of(Code.DRAINING, True) == 1012
    assert code_of(Code.TOO_SLOW, True) == 1013
    assert code_of(Code.UNAUTHENTICATED, False) == 1008


@settings(derandomize=True)
@given(st.lists(st.floats(0, 10), max_size=200), st.floats(1, 50))
def test_the_bucket_never_lets_more_through_than_its_rate_and_burst(times: list[float], rate: float) -> None:
    bucket = TokenBucket(rate, rate, 0)
    taken = [now for now in sorted(times) if bucket.take(now) == 0]
    for index, since in enumerate(taken):
        for more, until in enumerate(taken[index:], 1):
            assert more <= rate + (until - since) * rate + 1e-6


@settings(derandomize=True)
@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([STARTED, SEGMENT, hello("source")])), max_size=40))
def test_hear_never_raises_and_is_silent_once_closing(frames: list[bytes]) -> None:
    it = session()
    for now, frame in enumerate(frames):
        was = it.closing
        actions = it.hear(frame, now)
        assert bool(actions) != was


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (AnswerAlert(call_id="c1", alert_id="hot", action="resolve", answer_id="a1"), "alert:a1"),
        (AskHelp(call_id="c1", help_id="h1"), "help:h1"),
        (TakeBackHelp(call_id="c1", help_id="h1"), "help_back:h1"),
        (SendHandover(call_id="c1", handover_id="o1", text="ring back"), "handover:o1"),
    ],
)
def test_what_is_refused_of_what_a_person_did_names_its_event(message: ClientMessage, key: str) -> None:
    refused = refusal_of(MessageRefused(Code.CALL_ENDED, "over"), message)
    assert (refused.call_id, refused.key) == ("c1", key)


# --- calls of other workers


def shared() -> Session:
    """`far` is another worker's call."""
    session = Session(lambda _: Credential("acme", frozenset({"source"})), {"source": 2.0}, ("vendor",), _owner)
    assert isinstance(session.hear(b'{"type":"hello","role":"source"}', 0.0)[0], Greet)
    return session


def _owner(tenant: str, call_id: str) -> int | None:
    return 7 if (tenant, call_id) == ("acme", "far") else None


def test_what_is_about_another_workers_call_goes_there_as_it_came() -> None:
    session = shared()
    for frame in (b'{"type":"call_started","call_id":"far"}', b'{"type":"nonsense","call_id":"far","x":[1]}'):
        assert session.hear(frame, 0.0) == (Forward(7, frame),)
    assert isinstance(session.hear(b'{"type":"call_started","call_id":"near"}', 9.0)[0], Append)
    for broken in (b'{"call_id":"far"', b'{"call_id":7}', b"\xff", b"[]"):
        assert isinstance(session.hear(broken, 9.0)[0], Reply)
        session.accepted()


def test_what_goes_there_counts_and_is_refused_by_name() -> None:
    session = shared()
    frame = b'{"type":"call_started","call_id":"far"}'
    for _ in range(2):
        session.hear(frame, 0.0)
    (reply,) = session.hear(frame, 0.0)
    assert isinstance(reply, Reply)
    assert (reply.message.code, reply.message.call_id, reply.message.key) == (Code.RATE_LIMITED, "far", "call_started")


def test_a_vendors_frames_go_where_its_call_is() -> None:
    session = Session(lambda _: Credential("acme", frozenset({"source"})), {"source": 9.0}, ("vendor",), _owner)
    session.hear(b'{"type":"hello","role":"source","format":"vendor","call_id":"far"}', 0.0)
    assert session.hear(b'{"call_id":"near"}', 0.0) == (Forward(7, b'{"call_id":"near"}'),)


def test_who_was_greeted_elsewhere_is_heard_at_once_and_not_counted() -> None:
    session = Session(lambda _: None, {"source": 1.0})
    session.greeted(Greet(Hello(role="source"), "source", "acme"))
    for _ in range(9):
        (action,) = session.hear(b'{"type":"call_started","call_id":"far"}', 0.0)
        assert isinstance(action, Append)
