"""What construction refuses, because it would lose something without a word."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest

from notifier.config.settings import Settings, load_settings
from notifier.errors import ConfigError
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.wiring.parts import open_database, provider_sign_in, vapid_key
from notifier.wiring.serve import listen
from tests.contracts.samples import NOON, a_subscription


def test_a_key_that_subscriptions_are_bound_to_is_never_replaced(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    vapid_key(settings)
    with closing(open_database(settings)) as database:
        SqlSubscriptionStore(database).subscribe(a_subscription("ada", "world"), NOON)
    settings.vapid_key_path.unlink()
    with pytest.raises(ConfigError, match=r"1 subscriptions are bound.*Restore"):
        vapid_key(settings)
    assert not settings.vapid_key_path.exists()


def test_what_is_kept_of_subscribers_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    open_database(settings).close()
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_a_port_that_somebody_has_is_said_before_anything_starts() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(ConfigError, match="NOTIFIER_PORT"):
        listen("127.0.0.1", first.getsockname()[1])


def test_a_provider_is_set_up_from_the_settings_and_only_then(tmp_path: Path) -> None:
    named = {
        "NOTIFIER_OIDC_ISSUER": "https://login.example",
        "NOTIFIER_OIDC_CLIENT_ID": "notifier",
        "NOTIFIER_OIDC_ROLES": "groups:news=editor",
        "NOTIFIER_BASE_URL": "https://alerts.example/",
        "NOTIFIER_DATA_DIR": str(tmp_path / "data"),
    }
    settings = load_settings(tmp_path / "no.env", named)
    with closing(open_database(settings)) as database:
        way = provider_sign_in(settings, database)
        without = {name: value for name, value in named.items() if "OIDC" not in name}
        assert provider_sign_in(load_settings(tmp_path / "no.env", without), database) is None
    assert way is not None
    assert (way.provider.issuer, [rule.value for rule in way.rules]) == ("https://login.example", ["news"])
