"""What construction refuses, because it would lose something without a word."""

from __future__ import annotations

import resource
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from notifier.alerts.alert import AlertKind
from notifier.clock import system_clock
from notifier.config.settings import Settings, load_settings
from notifier.engine.engine import ProcessRole
from notifier.errors import ConfigError
from notifier.operators.operator import Role as Web
from notifier.storage.database import Database
from notifier.storage.operators import SqlOperatorStore
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.telemetry import Metrics
from notifier.wiring.descriptors import ENOUGH, raise_descriptor_limit
from notifier.wiring.facts import facts
from notifier.wiring.parts import click_address, opened_database, provider_sign_in, site_settings, vapid_key
from notifier.wiring.serve import listen
from notifier.wiring.service import Files, Service
from tests.contracts.samples import NOON, a_subscription
from tests.web.site import alert


def test_a_key_that_subscriptions_are_bound_to_is_never_replaced(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    vapid_key(settings)
    with opened_database(settings) as database:
        SqlSubscriptionStore(database).subscribe(a_subscription("ada", "world"), NOON)
    settings.vapid_key_path.unlink()
    with pytest.raises(ConfigError, match=r"1 subscriptions are bound.*Restore"):
        vapid_key(settings)
    assert not settings.vapid_key_path.exists()


def test_what_is_kept_of_subscribers_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with opened_database(settings):
        assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_a_database_gives_all_its_connections_back_after_the_block(tmp_path: Path) -> None:
    with opened_database(Settings(data_dir=tmp_path / "data")) as database:
        assert "Connections in pool: 1" in database.engine.pool.status()
    assert "Connections in pool: 0" in database.engine.pool.status()


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
    with opened_database(settings) as database:
        way = provider_sign_in(settings, database)
        without = {name: value for name, value in named.items() if "OIDC" not in name}
        assert provider_sign_in(load_settings(tmp_path / "no.env", without), database) is None
    assert way is not None
    assert (way.provider.issuer, [rule.value for rule in way.rules]) == ("https://login.example", ["news"])


@pytest.mark.parametrize(
    ("role", "prints"),
    [(ProcessRole.ALL, True), (ProcessRole.WEB, True), (ProcessRole.POLL, False), (ProcessRole.WORK, False)],
)
def test_only_who_serves_people_prints_the_link_for_the_first_operator_and_once(
    tmp_path: Path, role: ProcessRole, prints: bool
) -> None:
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    (tmp_path / "topics.yaml").write_text("topics:\n  - {slug: ships, title: Ships, match: ferry}\n")
    named = {
        "NOTIFIER_DATA_DIR": str(tmp_path / "data"),
        "NOTIFIER_CONFIG_DIR": str(tmp_path),
        "NOTIFIER_BASE_URL": "https://alerts.example/",
        "NOTIFIER_HOST": "0.0.0.0",
    }
    settings = load_settings(tmp_path / "no.env", named)
    vapid_key(settings)
    with opened_database(settings) as database:
        assert ("https://alerts.example/console/first/" in console_fact(settings, database, role)) is prints
        SqlOperatorStore(database).add("Ada", "hash", Web.ADMIN, NOON)
        SqlOperatorStore(database).remove("Ada")
        assert "/first/" not in console_fact(settings, database, role)


def console_fact(settings: Settings, database: Database, role: ProcessRole) -> str:
    """What a process that starts now says of the console."""
    metrics = Metrics()
    harness = Service(settings, Files.of(settings, metrics), database, metrics, system_clock, role)
    harness.tester_threads.shutdown()
    harness.tester.close()
    return facts(harness)["console"]


@pytest.mark.parametrize(
    ("host", "base"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"), ("fd00::1", "http://[fd00::1]:8000")],
)
def test_without_a_public_address_links_lead_to_one_that_can_be_typed(host: str, base: str) -> None:
    site = site_settings(Settings(host=host))
    assert (site.base_url, site.is_public) == (base, False)


def test_the_limit_on_open_files_is_raised_to_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        assert raise_descriptor_limit() == min(before[1], ENOUGH) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_a_click_opens_is_the_operators_choice_but_for_a_test() -> None:
    sent = alert(7, "Ferry aground")
    test = replace(sent, id=-1, kind=AlertKind.TEST)
    outlet = click_address(Settings())
    page = click_address(Settings(base_url="https://news.example/", click_opens="page"))
    assert (outlet(sent), page(sent)) == (sent.message.url, "https://news.example/alerts/7")
    assert outlet(test) == page(test) == test.message.url
