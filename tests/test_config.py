"""Settings: from the environment, from a file, and what is refused."""

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from rtig.config import Settings, is_loopback, strangers


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RTIG_{name.upper()}", raising=False)


def test_without_any_settings_only_this_machine_is_served() -> None:
    settings = Settings()
    assert (settings.host, settings.port, settings.asks_for_tokens) == ("127.0.0.1", 8765, False)
    assert settings.retention_days == 30


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("rtig.toml").write_text('port = 1\nlog = "calls.db"\nallowed_origins = ["https://a.example"]\n')
    monkeypatch.setenv("RTIG_PORT", "2")
    monkeypatch.setenv("RTIG_PHONE_REGIONS", "DE, AT")
    settings = Settings()
    assert (settings.port, settings.log) == (2, "calls.db")
    assert settings.allowed_origins == ("https://a.example",)
    assert settings.phone_regions == ("DE", "AT")


def test_variables_that_only_look_like_settings_are_named() -> None:
    assert strangers(["RTIG_PORT", "rtig_log", "RTIG_TOKEN", "RTIG_PROT", "PATH"]) == ["RTIG_PROT"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "desk.example"])
def test_other_machines_are_served_only_with_tokens(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with pytest.raises(ValidationError, match="no token is set: set RTIG_SOURCE_TOKEN"):
        Settings(host=host)
    monkeypatch.setenv("RTIG_SOURCE_TOKEN", "")
    with pytest.raises(ValidationError, match="no token is set"):
        Settings(host=host)
    monkeypatch.setenv("RTIG_SOURCE_TOKEN", "s3cret")
    assert Settings(host=host).host == host


@pytest.mark.parametrize(
    ("host", "loopback"), [("localhost", True), ("127.0.0.9", True), ("::1", True), ("0.0.0.0", False)]
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_tokens_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTIG_AGENT_TOKEN", "s3cret")
    assert "s3cret" not in repr(Settings())
    monkeypatch.setenv("RTIG_PORT", "many")
    with pytest.raises(ValidationError) as error:
        Settings()
    assert "s3cret" not in str(error.value)
    assert "port" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", 70_000), ("message_bytes", 10), ("retention_days", 0), ("log_level", "chatty"), ("prot", 1)],
)
def test_what_cannot_be_meant_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings.model_validate({name: value})


def test_a_misspelt_setting_in_the_file_is_refused() -> None:
    Path("rtig.toml").write_text("prot = 1\n")
    with pytest.raises(ValidationError, match="prot"):
        Settings()


def test_a_webhook_is_signed_and_its_secret_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().webhook_key == b""
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    settings = Settings(webhook_url="https://desk.example/hook", webhook_secret=SecretStr(secret))
    assert (settings.webhook_key, settings.webhook_words) == (b"k" * 32, False)
    with pytest.raises(ValidationError, match="webhook_secret is not"):
        Settings(webhook_url="https://desk.example/hook")
    short = "whsec_" + base64.b64encode(b"k" * 23).decode()
    for wrong in ("s3cret", short, "whsec_!!!!", secret.removeprefix("whsec_")):
        with pytest.raises(ValidationError, match="24 to 64 bytes") as caught:
            Settings(webhook_secret=SecretStr(wrong))
        assert wrong not in str(caught.value)
    monkeypatch.setenv("RTIG_WEBHOOK_URL", "")
    monkeypatch.setenv("RTIG_WEBHOOK_SECRET", "")
    assert Settings().webhook_url is None


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://desk.example/hook", True),
        ("http://127.0.0.1:9/hook", True),
        ("http://[::1]/hook", True),
        ("http://desk.example/hook", False),
        ("ftp://desk.example", False),
        ("desk.example/hook", False),
        ("https://", False),
    ],
)
def test_what_is_sent_is_safe_on_its_way(url: str, fine: bool) -> None:
    secret = SecretStr("whsec_" + base64.b64encode(b"k" * 32).decode())
    if fine:
        assert Settings(webhook_url=url, webhook_secret=secret).webhook_url == url
    else:
        with pytest.raises(ValidationError, match="begins with https://"):
            Settings(webhook_url=url, webhook_secret=secret)


@pytest.mark.parametrize("origin", ["desk.example", "https://", "https://a.example/path", "https://a.example; x", "*"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        Settings(allowed_origins=(origin,))


@pytest.mark.parametrize(
    "origin", ["https://a.example", "http://[::1]:8080", "chrome-extension://abcdef", "https://b.c/"]
)
def test_origins(origin: str) -> None:
    assert Settings(allowed_origins=(origin,)).allowed_origins == (origin,)
