"""A new key beside the old ones: whatever a subscription was made with is there, wherever a rotation was cut off."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.errors import ConfigError
from notifier.push.keyring import Keyring
from notifier.push.vapid import VapidSigner, load_key, load_or_create_key

FCM = "https://fcm.googleapis.com"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "keys" / "vapid.pem"
    load_or_create_key(made)
    return made


def test_a_rotation_makes_a_new_key_and_keeps_the_one_before(path: Path) -> None:
    ring = Keyring(path)
    before = ring.current
    made_at = path.stat().st_mtime
    made = ring.rotate()
    assert ring.current.key_id == made.key_id == load_key(path).key_id != before.key_id
    found = ring.find(before.key_id)
    assert found is not None
    assert found.application_server_key == before.application_server_key
    assert [(kept.key.key_id, kept.is_present) for kept in ring.kept()] == [
        (made.key_id, True),
        (before.key_id, False),
    ]
    assert ring.kept()[1].since.timestamp() == pytest.approx(made_at)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_every_key_of_many_rotations_is_found(path: Path) -> None:
    ring = Keyring(path)
    made = [ring.current, *(ring.rotate() for _ in range(4))]
    assert [found.key_id for key in made if (found := ring.find(key.key_id))] == [key.key_id for key in made]
    assert ring.find("nobodys-key") is None


def test_a_rotation_that_was_cut_off_before_its_last_step_changes_nothing(path: Path) -> None:
    ring = Keyring(path)
    os.link(path, path.with_name(f"adopted-{ring.current.key_id}.pem"))
    assert [kept.is_present for kept in ring.kept()] == [True]
    before = ring.current.key_id
    ring.rotate()
    assert [kept.key.key_id for kept in ring.kept()][1:] == [before]


def test_another_process_takes_a_rotation_up_without_a_restart(path: Path) -> None:
    other, signer = Keyring(path), VapidSigner([Keyring(path).current], "mailto:a@b.example", Keyring(path).find)
    old = other.current
    made = Keyring(path).rotate()
    assert other.current.key_id == made.key_id
    assert signer.authorization(FCM, made.key_id, NOW).endswith(made.application_server_key)
    assert signer.authorization(FCM, old.key_id, NOW).endswith(old.application_server_key)


def test_a_key_file_that_cannot_be_read_for_a_while_leaves_the_last_one_in_force(path: Path) -> None:
    ring = Keyring(path)
    before = ring.current.key_id
    path.write_bytes(b"half a ")
    with capture_logs() as logs:
        assert ring.current.key_id == before
    assert [line["event"] for line in logs] == ["push.key-unreadable"]
    with pytest.raises(ConfigError):
        _ = Keyring(path).current


def test_a_key_that_nobody_has_is_put_away_after_a_day_and_comes_back_when_it_is_needed(path: Path) -> None:
    ring = Keyring(path)
    old = ring.current
    ring.rotate()
    now = datetime.now(UTC)
    assert not ring.retire(old.key_id, now)
    assert ring.retire(old.key_id, now + timedelta(days=2))
    assert [kept.is_present for kept in ring.kept()] == [True]
    # A backup of the database from before has subscriptions that are bound to it.
    with capture_logs() as logs:
        assert ring.find(old.key_id) is not None
    assert [line["event"] for line in logs] == ["push.key-recalled"]
    assert [kept.key.key_id for kept in ring.kept()][1:] == [old.key_id]
