"""Who may come in: tokens, single-use tickets, and the origins that pages may come from.

Tokens are long-lived and known to programs and people; only their SHA-256 digests are kept. A browser cannot send a
header with a WebSocket, and a token in an address ends in logs: so a page exchanges its token for a ticket, which is
good once, for half a minute, and only for the role and tenant that it was given to. Times are seconds of any monotonic
clock, given as arguments.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rtig.wire.messages import Role
from rtig.wire.session import ROLES, Credential

DEFAULT_TENANT = "default"
TICKET_SECONDS = 30.0
TICKETS_AT_ONCE = 10_000
_a_digest = re.compile(r"[0-9a-f]{64}").fullmatch
_a_tenant = re.compile(r"[\w.-]{1,64}").fullmatch


class Token(NamedTuple):
    tenant: str
    role: Role
    digest: bytes
    """SHA-256 of the token."""


class _Ticket(NamedTuple):
    credential: Credential
    until: float


class Doors:
    """`tokens` empty: nobody is asked for one. That is for one machine, and pages of other machines are kept out."""

    def __init__(
        self,
        tokens: Iterable[Token] = (),
        allowed_origins: Collection[str] = (),
        operator: bytes | None = None,
        mark: str = "",
    ) -> None:
        """`operator` is the digest of the operators' token; every ticket begins with `mark`.

        Raises `ValueError` where one token opens two tenants.
        """
        self._tokens = tuple(tokens)
        self._operator = operator
        self._mark = mark
        self.origins = frozenset(origin.rstrip("/").lower() for origin in allowed_origins)
        """Those of other servers whose pages may come in."""
        self._tickets: dict[bytes, _Ticket] = {}
        tenant_of: dict[bytes, str] = {}
        for token in self._tokens:
            if tenant_of.setdefault(token.digest, token.tenant) != token.tenant:
                raise ValueError("The same token is given to two tenants.")

    @property
    def open_to_all(self) -> bool:
        return not self._tokens

    def by_token(self, token: str) -> Credential | None:
        """Takes as long for a wrong token as for a right one."""
        if self.open_to_all:
            return Credential(DEFAULT_TENANT, frozenset(ROLES))
        given = digest_of(token)
        tenant, roles = "", set[Role]()
        for known in self._tokens:
            if hmac.compare_digest(known.digest, given):
                tenant = known.tenant
                roles.add(known.role)
        return Credential(tenant, frozenset(roles)) if roles else None

    def operates(self, token: str) -> bool:
        """Whether the token is an operator's, who sees the figures of all tenants together.

        Where no token is set for operators, supervisors are, unless they would see another tenant's figures.
        """
        if self._operator is not None:
            return hmac.compare_digest(self._operator, digest_of(token))
        credential = self.by_token(token)
        one_tenant = len({known.tenant for known in self._tokens}) <= 1
        return credential is not None and "supervisor" in credential.roles and one_tenant

    def issue(self, tenant: str, role: Role, now: float) -> str | None:
        """A new ticket; None while too many are out."""
        if len(self._tickets) >= TICKETS_AT_ONCE:
            self._tickets = {name: ticket for name, ticket in self._tickets.items() if ticket.until > now}
            if len(self._tickets) >= TICKETS_AT_ONCE:
                return None
        ticket = self._mark + secrets.token_urlsafe(24)
        self._tickets[digest_of(ticket)] = _Ticket(Credential(tenant, frozenset({role})), now + TICKET_SECONDS)
        return ticket

    def spend(self, ticket: str, now: float) -> Credential | None:
        """What the ticket is good for; None if it is not, or not any more."""
        # Looked up by digest, so how long that takes says nothing about the tickets that are out.
        spent = self._tickets.pop(digest_of(ticket), None)
        return spent.credential if spent is not None and now <= spent.until else None

    def origin_allowed(self, origin: str | None, host: str) -> bool:
        """Whether a page from `origin` may talk to this server, which it reached as `host`; programs have no origin."""
        if origin is None:
            return True
        if origin.lower() in self.origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or parts.netloc.lower() != host.lower():
            return False
        # Where no token is asked for, a foreign name that was made to point at this machine must not be enough.
        return not self.open_to_all or _is_this_machine(parts.hostname or "")


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def read_tokens(path: Path) -> list[Token]:
    """The tokens of a TOML file: a table a tenant; in it, for each role, one digest or a list of them.

        [acme]
        source = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        agent = ["60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752", "…"]

    A digest is the SHA-256 of a token, in hexadecimal. Raises `ValueError` that names the place, and `OSError`.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    return [
        Token(tenant, _role(path, tenant, role), _digest(path, tenant, role, digest))
        for tenant, roles in content.items()
        for role, digests in _table(path, tenant, roles).items()
        for digest in (digests if isinstance(digests, list) else [digests])
    ]


def _table(path: Path, tenant: str, roles: object) -> dict[str, Any]:
    if not _a_tenant(tenant) or not isinstance(roles, dict):
        raise ValueError(f"{path}: [{tenant}] must be a tenant's table; names are letters, digits, `_`, `.` and `-`.")
    return roles


def _role(path: Path, tenant: str, name: str) -> Role:
    for role in ROLES:
        if role == name:
            return role
    raise ValueError(f"{path}: [{tenant}] {name}: the roles are {', '.join(ROLES)}.")


def _digest(path: Path, tenant: str, role: str, digest: object) -> bytes:
    if not isinstance(digest, str) or not _a_digest(digest.lower()):
        raise ValueError(f"{path}: [{tenant}] {role}: expected the SHA-256 of a token, 64 hexadecimal digits.")
    return bytes.fromhex(digest)


def _is_this_machine(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
