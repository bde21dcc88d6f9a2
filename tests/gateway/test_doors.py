"""Doors, with values: tokens, tickets that are spent once, and origins."""

import hashlib
from pathlib import Path

import pytest

from rtig.gateway import doors as module
from rtig.gateway.doors import TICKET_SECONDS, Doors, Token, digest_of, read_tokens
from rtig.wire.session import ROLES, Credential


def doors(*allowed: str) -> Doors:
    tokens = [
        Token("acme", "source", digest_of("one")),
        Token("acme", "agent", digest_of("two")),
        Token("acme", "supervisor", digest_of("two")),
        Token("umbra", "agent", digest_of("three")),
    ]
    return Doors(tokens, allowed)


def test_a_token_opens_its_tenant_and_roles() -> None:
    assert doors().by_token("one") == Credential("acme", frozenset({"source"}))
    assert doors().by_token("two") == Credential("acme", frozenset({"agent", "supervisor"}))
    assert doors().by_token("three") == Credential("umbra", frozenset({"agent"}))


@pytest.mark.parametrize("token", ["", "on", "one ", "ONE", "zwölf", "\ud800", digest_of("one").hex()])
def test_a_wrong_token_opens_nothing(token: str) -> None:
    assert doors().by_token(token) is None


def test_every_token_is_compared_whatever_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(known: bytes, given: bytes) -> bool:
        compared.append(known)
        return known == given

    monkeypatch.setattr("hmac.compare_digest", compare)
    doors().by_token("one")
    assert len(compared) == 4


def test_one_token_for_two_tenants_is_an_error() -> None:
    with pytest.raises(ValueError, match="two tenants"):
        Doors([Token("acme", "agent", digest_of("x")), Token("umbra", "source", digest_of("x"))])


def test_without_tokens_everyone_may_come() -> None:
    assert Doors().by_token("") == Credential("default", frozenset(ROLES))


def test_a_ticket_is_good_once() -> None:
    it = doors()
    ticket = it.issue("acme", "agent", 100)
    assert ticket is not None
    assert it.spend(ticket, 101) == Credential("acme", frozenset({"agent"}))
    assert it.spend(ticket, 101) is None


def test_a_ticket_grows_old() -> None:
    it = doors()
    ticket = it.issue("acme", "agent", 100) or ""
    assert it.spend(ticket, 100 + TICKET_SECONDS + 0.1) is None
    assert it.spend(ticket, 101) is None


@pytest.mark.parametrize("ticket", ["", "made-up", "a" * 32])
def test_a_wrong_ticket_opens_nothing(ticket: str) -> None:
    it = doors()
    it.issue("acme", "agent", 100)
    assert it.spend(ticket, 100) is None


def test_tickets_are_unlike_one_another_and_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICKETS_AT_ONCE", 3)
    it = doors()
    tickets = {it.issue("acme", "agent", 100) for _ in range(3)}
    assert len(tickets) == 3
    assert it.issue("acme", "agent", 101) is None
    assert it.issue("acme", "agent", 100 + TICKET_SECONDS + 1) is not None


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "desk.example", True),
        ("https://desk.example", "desk.example", True),
        ("https://DESK.example", "desk.example", True),
        ("http://desk.example:8765", "desk.example:8765", True),
        ("https://crm.example", "desk.example", True),
        ("https://CRM.example", "desk.example", True),
        ("http://desk.example:8765", "desk.example", False),
        ("https://evil.example", "desk.example", False),
        ("https://crm.example.evil.example", "desk.example", False),
        ("https://desk.example.evil.example", "desk.example", False),
        ("null", "desk.example", False),
        ("", "", False),
        ("file://", "", False),
        ("https://[", "[", False),
        ("https://desk.example, https://evil.example", "desk.example", False),
    ],
)
def test_origins(origin: str | None, host: str, allowed: bool) -> None:
    assert doors("https://crm.example/").origin_allowed(origin, host) is allowed


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:8765", True),
        ("127.0.0.1:8765", True),
        ("[::1]:8765", True),
        ("app.localhost:8765", True),
        ("rebound.example:8765", False),
        ("10.0.0.7:8765", False),
    ],
)
def test_without_tokens_a_foreign_name_for_this_machine_is_not_enough(host: str, allowed: bool) -> None:
    assert Doors().origin_allowed(f"http://{host}", host) is allowed


def write(folder: Path, text: str) -> Path:
    path = folder / "tokens.toml"
    path.write_text(text)
    return path


def test_tokens_are_read_from_a_file(tmp_path: Path) -> None:
    one, two = (hashlib.sha256(word.encode()).hexdigest() for word in ("one", "two"))
    text = f'[acme]\nsource = "{one}"\nagent = ["{one}", "{two.upper()}"]\n[umbra]\n'
    assert read_tokens(write(tmp_path, text)) == [
        Token("acme", "source", digest_of("one")),
        Token("acme", "agent", digest_of("one")),
        Token("acme", "agent", digest_of("two")),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[acme", "is not TOML"),
        ('acme = "x"', r"\[acme\] must be a tenant's table"),
        ('["a b"]\nsource = "x"', "must be a tenant's table"),
        ('[acme]\nking = "x"', r"\[acme\] king: the roles are source, agent, supervisor"),
        ('[acme]\nsource = "secret"', r"\[acme\] source: expected the SHA-256"),
        ("[acme]\nsource = 7", r"\[acme\] source: expected the SHA-256"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_without_the_token(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as error:
        read_tokens(write(tmp_path, text))
    assert "secret" not in str(error.value)


def test_an_operator_has_a_token_of_its_own() -> None:
    guarded = Doors([Token("acme", "supervisor", digest_of("two"))], operator=digest_of("ops"))
    assert [guarded.operates(token) for token in ("ops", "two", "")] == [True, False, False]


def test_without_an_operators_token_the_supervisors_of_the_only_tenant_are_operators() -> None:
    alone = Doors([Token("acme", "supervisor", digest_of("two")), Token("acme", "agent", digest_of("three"))])
    assert [alone.operates(token) for token in ("two", "three", "")] == [True, False, False]
    assert Doors().operates("")


def test_supervisors_do_not_see_the_figures_of_another_tenant() -> None:
    assert not doors().operates("two")
