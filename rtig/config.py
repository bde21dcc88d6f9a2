"""The settings of a server: from the environment (`RTIG_…`), then from `rtig.toml`, then these defaults."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

FILE = Path("rtig.toml")
PREFIX = "RTIG_"
OF_COMMANDS = frozenset({"RTIG_TOKEN"})
"""Variables that are no settings of a server: the token with which `rtig replay --to` connects."""

_an_origin = re.compile(r"[a-z][a-z0-9+.-]*://[\w.:\[\]-]+/?", re.IGNORECASE).fullmatch
Words = Annotated[tuple[str, ...], NoDecode]
"""In the environment, words between commas."""


class Settings(BaseSettings):
    """Everything that may be set. Raises `pydantic.ValidationError` that names each setting that is wrong."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on. Beyond this machine only with tokens.")
    port: int = Field(default=8765, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    knowledge_base: Path = Field(
        default=Path("knowledge_base"),
        description="Folder of articles, triggers and playbooks. Where it is not set and not here, rtig's own.",
    )
    reload_seconds: float = Field(
        default=2, ge=0, description="Seconds between looks at the knowledge base for changes; 0 never looks."
    )
    draft: Path | None = Field(
        default=None,
        description="Folder with the knowledge base as it would be, which authors try on recorded calls.",
    )
    meaning: Literal["auto", "off"] = Field(
        default="auto",
        description="`auto` has utterances understood by a model where rtig is installed with its `models` extra.",
    )
    encoder: Path | None = Field(
        default=None,
        description="Weights of another encoder than the one that comes with rtig, as `rtig train` makes them.",
    )
    encoder_sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-fA-F]{64}$", description="SHA-256 that the file must have."
    )
    encoder_device: Literal["auto", "cpu", "cuda", "torch"] = Field(
        default="auto",
        description="What the model runs on: `cpu`; `cuda`, a GPU, with torch; `torch`, the CPU with torch. "
        "`auto` takes a GPU where torch finds one.",
    )
    reading_seconds: float = Field(
        default=5, gt=0, description="Seconds that an utterance may wait for the model; beyond, it is not read."
    )
    log: str = Field(
        default="rtig.db",
        min_length=1,
        description="Where calls are kept: a SQLite file, or `memory`, which forgets at the end.",
    )

    source_token: SecretStr | None = Field(default=None, description="Token of recognisers and other sources.")
    agent_token: SecretStr | None = Field(default=None, description="Token of agents.")
    supervisor_token: SecretStr | None = Field(default=None, description="Token of supervisors.")
    operator_token: SecretStr | None = Field(
        default=None,
        description="Token of operators, who see at `/latency` how the server does. "
        "Without one, supervisors of the only tenant do.",
    )
    author_token: SecretStr | None = Field(default=None, description="Token of the knowledge base's authors.")
    tokens_file: Path | None = Field(
        default=None,
        description="TOML file with SHA-256 digests of tokens: a table for each tenant, a key for each role.",
    )
    allowed_origins: Words = Field(
        default=(),
        description="Origins whose pages may connect, embed and frame, beside the server's own, "
        "e.g. https://desk.example.",
    )

    webhook_url: str | None = Field(
        default=None, description="Address that each change of an alert is sent to; https, or on this machine."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="What the webhook's events are signed with: `whsec_` and 24 to 64 bytes in Base64."
    )
    webhook_words: bool = Field(
        default=False, description="Whether the customer's words that raised an alert are sent too."
    )

    message_bytes: int = Field(
        default=65_536, ge=1024, le=16 * 2**20, description="Longest message that a client may send."
    )
    source_messages_per_second: float = Field(
        default=2000, gt=0, description="Messages a second that a source may send."
    )
    other_messages_per_second: float = Field(
        default=20, gt=0, description="Messages a second that an agent or supervisor may send."
    )
    outbox_bytes: int = Field(
        default=262_144,
        ge=16_384,
        description="Bytes that may wait for a client that does not read; beyond, it is closed.",
    )
    outbox_seconds: float = Field(
        default=5,
        gt=0,
        description="Seconds that a frame may wait for a client that does not read; beyond, it is closed.",
    )
    ping_interval: float = Field(default=20, gt=0, description="Seconds between pings; two without an answer close.")

    budget_ms: float = Field(
        default=50,
        ge=0,
        description="Milliseconds from a message's first byte to its card. A later card is not shown, and new calls "
        "are refused before cards become late; 0 shows every card and refuses no call for the load.",
    )
    most_calls: int | None = Field(
        default=None, ge=1, description="Calls that may go on at the same time; beyond, no new ones are taken."
    )
    abandon_hours: float = Field(
        default=4, gt=0, description="A call that nothing has been heard of for so many hours is ended as abandoned."
    )
    retention_days: float = Field(
        default=30, gt=0, description="Calls are erased this many days after their last event."
    )
    phone_regions: Words = Field(
        default=("US", "GB"),
        description="Countries (ISO 3166) whose telephone numbers are masked without a country code.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line logged: `debug`, `info`, `warning` or `error`."
    )

    @field_validator("allowed_origins", "phone_regions", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value

    @field_validator(
        "source_token",
        "agent_token",
        "supervisor_token",
        "author_token",
        "operator_token",
        "webhook_url",
        "webhook_secret",
        mode="before",
    )
    @classmethod
    def _none_if_empty(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [origin for origin in value if not _an_origin(origin)]
        if wrong:
            raise ValueError(f"`{wrong[0]}` is no origin: it is a scheme and a host, and a port if need be, no path")
        return value

    @model_validator(mode="after")
    def _not_open_to_the_world(self) -> Self:
        if not self.asks_for_tokens and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached from other machines, and no token is set: set RTIG_SOURCE_TOKEN, "
                "RTIG_AGENT_TOKEN and RTIG_SUPERVISOR_TOKEN or RTIG_TOKENS_FILE, or listen on 127.0.0.1"
            )
        return self

    @field_validator("webhook_url")
    @classmethod
    def _safe_on_its_way(cls, value: str | None) -> str | None:
        if value is not None:
            address = urlsplit(value)
            local = address.scheme == "http" and is_loopback(address.hostname or "")
            if not address.hostname or not (address.scheme == "https" or local):
                raise ValueError("an address begins with https://; http:// is for this machine only")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not 24 <= len(_signing_key(value)) <= 64:
            raise ValueError("a secret is `whsec_` and 24 to 64 bytes in Base64: `openssl rand -base64 32` makes them")
        return value

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("webhook_url is set and webhook_secret is not: what is sent must be signed")
        return self

    @property
    def webhook_key(self) -> bytes:
        """What events are signed with; empty where no secret is set."""
        return b"" if self.webhook_secret is None else _signing_key(self.webhook_secret)

    @property
    def asks_for_tokens(self) -> bool:
        return any((self.source_token, self.agent_token, self.supervisor_token, self.author_token, self.tokens_file))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the signature is pydantic's)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def strangers(environment: Iterable[str]) -> list[str]:
    """The variables that look like settings and are none: a misspelt one would otherwise be left out in silence."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OF_COMMANDS
    return sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)


def _signing_key(secret: SecretStr) -> bytes:
    """The bytes of a secret as Standard Webhooks writes it; empty where it is none."""
    prefix, _, encoded = secret.get_secret_value().partition("_")
    try:
        return base64.b64decode(encoded, validate=True) if prefix == "whsec" else b""
    except binascii.Error:
        return b""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
