"""Who may read what holds secrets."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from notifier.config.modes import keep_to_ourselves, readable_by_others, secret_files, tighten


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    for name in ("notifier.db", "notifier.db-wal", "notifier.db-shm", "keys/vapid.pem", ".env"):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def names(data: Path) -> set[str]:
    files = secret_files(data, data / "notifier.db", data / ".env")
    return {path.name for path in readable_by_others(files)}


def test_files_of_our_own_are_in_order(data: Path) -> None:
    assert names(data) == set()


@pytest.mark.parametrize("name", ["notifier.db", "notifier.db-wal", "keys/vapid.pem", ".env"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_each_file_with_secrets_that_others_can_read_is_named(data: Path, name: str, mode: int) -> None:
    (data / name).chmod(mode)
    assert names(data) == {Path(name).name}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_we_read_by_our_group_is_in_order(data: Path) -> None:
    os.chown(data / ".env", 1234, -1)
    (data / ".env").chmod(0o640)
    assert names(data) == set()
    (data / ".env").chmod(0o644)
    assert names(data) == {".env"}


def test_a_database_that_was_left_readable_is_tightened_with_its_journals(data: Path) -> None:
    for name in ("notifier.db", "notifier.db-wal"):
        (data / name).chmod(0o644)
    tighten(data / "notifier.db")
    assert names(data) == set()


def test_what_is_made_from_now_on_is_for_nobody_else(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        keep_to_ourselves()
        (tmp_path / "export.csv").write_text("secrets")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "export.csv").stat().st_mode) == 0o600
