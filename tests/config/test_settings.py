"""Settings: from the file and the environment, each mistake named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.config.settings import Settings, listed, load_settings, rehearsal_of
from notifier.errors import ConfigError


def test_without_anything_set_the_service_runs_on_this_machine() -> None:
    settings = load_settings(Path("/nonexistent"), {})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.database == "sqlite:///data/notifier.db"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("NOTIFIER_PORT=9000\nNOTIFIER_TITLE='The Example'\nOTHER=1\n")
    settings = load_settings(file, {"NOTIFIER_PORT": "9001"})
    assert (settings.port, settings.title) == (9001, "The Example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOTIFIER_PORT", "eight thousand"),
        ("NOTIFIER_CONTACT", "me"),
        ("NOTIFIER_LOG_FORMAT", "xml"),
        ("NOTIFIER_PUSH_THREADS", "0"),
        ("NOTIFIER_REHEARSAL", "yesterday"),
        ("NOTIFIER_REHEARSAL", "2026-04-25T20:00*600"),
    ],
)
def test_a_wrong_value_is_told_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_settings(Path("/nonexistent"), {name: value})


def test_a_misspelt_setting_is_not_ignored() -> None:
    with pytest.raises(ConfigError, match="NOTIFIER_PROT"):
        load_settings(Path("/nonexistent"), {"NOTIFIER_PROT": "1"})


def test_lists_are_comma_separated() -> None:
    assert listed(" a.example, b.example ,") == ("a.example", "b.example")


def test_a_rehearsal_has_a_start_and_a_speed() -> None:
    assert rehearsal_of("2026-04-25T20:00Z*600") == (datetime(2026, 4, 25, 20, tzinfo=UTC), 600.0)


def test_each_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOTIFIER_BASE_URL", "not a url"),
        ("NOTIFIER_POLL_LEAST_S", "9999"),
        ("NOTIFIER_PUSH_LEASE_S", "inf"),
        ("NOTIFIER_KEEP_DAYS", "99999999"),
        ("NOTIFIER_BASE_URL", "http://["),
        ("NOTIFIER_BASE_URL", "https://x.example:99999"),
        ("NOTIFIER_ALERT_MAX_AGE_S", "inf"),
        ("NOTIFIER_ALERT_UPDATE_GAP_S", "1e300"),
        ("NOTIFIER_REHEARSAL", "0001-01-01T00:00+23:00*1"),
    ],
)
def test_a_value_that_would_break_later_is_refused_at_once(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_settings(Path("/nonexistent"), {name: value})


OIDC = {
    "NOTIFIER_OIDC_ISSUER": "https://login.example/realms/news",
    "NOTIFIER_OIDC_CLIENT_ID": "notifier",
    "NOTIFIER_BASE_URL": "https://alerts.example",
}


@pytest.mark.parametrize(
    "change",
    [
        {"NOTIFIER_OIDC_ISSUER": "http://login.example"},
        {"NOTIFIER_OIDC_ISSUER": "login.example"},
        {"NOTIFIER_OIDC_CLIENT_ID": ""},
        {"NOTIFIER_BASE_URL": ""},
        {"NOTIFIER_OIDC_ROLES": "everybody=admin"},
    ],
)
def test_a_provider_that_is_set_up_by_halves_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="OIDC"):
        load_settings(Path("/nonexistent"), OIDC | change)


def test_a_provider_without_tls_has_to_be_on_an_allowed_host() -> None:
    private = {"NOTIFIER_OIDC_ISSUER": "http://login.lan:8080", "NOTIFIER_OIDC_ALLOW": "login.lan"}
    assert load_settings(Path("/nonexistent"), OIDC | private).oidc_issuer == "http://login.lan:8080"


def test_a_providers_secret_is_not_shown() -> None:
    assert "hush" not in repr(load_settings(Path("/nonexistent"), OIDC | {"NOTIFIER_OIDC_CLIENT_SECRET": "hush"}))
