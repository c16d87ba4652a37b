"""How the database does, as the list of troubles tells it: once when it begins, once when it is over."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert
from structlog.testing import capture_logs

from notifier.errors import DatabaseUnwell
from notifier.storage.database import Database
from notifier.storage.fault import DatabaseFault
from notifier.storage.health import LAST_FREE, LEAST_FREE, DiskLook, TroubleHealth
from notifier.storage.schema import topic
from notifier.troubles import Code, Troubles


def codes(troubles: Troubles) -> list[Code]:
    return [trouble.code for trouble in troubles.all()]


@pytest.mark.parametrize("fault", DatabaseFault)
def test_each_kind_is_told_with_what_to_do(fault: DatabaseFault) -> None:
    troubles = Troubles()
    TroubleHealth(troubles).failed(fault)
    (told,) = troubles.all()
    assert told.what
    assert told.do


def test_what_a_hundred_transactions_meet_is_one_line_and_its_end_another() -> None:
    troubles = Troubles()
    health = TroubleHealth(troubles)
    with capture_logs() as lines:
        for _ in range(100):
            health.failed(DatabaseFault.AWAY)
        for _ in range(100):
            health.worked(wrote=False)
    assert [(line["event"], line.get("times")) for line in lines] == [("trouble.began", None), ("trouble.over", 100)]


def test_a_full_disk_is_not_over_because_something_could_be_read() -> None:
    troubles = Troubles()
    health = TroubleHealth(troubles)
    health.failed(DatabaseFault.FULL)
    health.worked(wrote=False)
    assert codes(troubles) == [Code.DISK_FULL]
    health.worked(wrote=True)
    assert codes(troubles) == []


def test_damage_stays_told_whatever_works_beside_it() -> None:
    troubles = Troubles()
    health = TroubleHealth(troubles)
    health.failed(DatabaseFault.CORRUPT)
    health.worked(wrote=True)
    assert codes(troubles) == [Code.DATABASE_CORRUPT]


def test_two_kinds_under_one_code_are_over_when_both_are() -> None:
    troubles = Troubles()
    health = TroubleHealth(troubles)
    health.failed(DatabaseFault.READONLY)
    health.failed(DatabaseFault.AWAY)
    health.worked(wrote=False)
    assert codes(troubles) == [Code.DATABASE_AWAY]
    health.worked(wrote=True)
    assert codes(troubles) == []


def test_a_database_tells_how_its_own_transactions_end(tmp_path: Path) -> None:
    troubles = Troubles()
    with closing(Database(f"sqlite:///{tmp_path / 'data' / 'notifier.db'}")) as database:
        database.health = TroubleHealth(troubles)
        (tmp_path / "data").rmdir()
        with pytest.raises(DatabaseUnwell), database.writing():
            pass
        assert codes(troubles) == [Code.DATABASE_AWAY]
        (tmp_path / "data").mkdir()
        database.create()
        with database.writing() as connection:
            connection.execute(insert(topic).values(slug="seas"))
    assert codes(troubles) == []


class Room:
    """A disk with as much room as the test says."""

    left = LEAST_FREE

    def __call__(self, _folder: Path) -> int:
        return self.left


def test_a_disk_is_told_before_it_is_full_and_once(tmp_path: Path) -> None:
    troubles, room = Troubles(), Room()
    disk = DiskLook(tmp_path, None, troubles, room)
    disk.look()
    assert codes(troubles) == []
    with capture_logs() as lines:
        for room.left in (LEAST_FREE - 1, LEAST_FREE + 1, LEAST_FREE - 1):
            disk.look()
    assert [line["event"] for line in lines] == ["trouble.began"]
    assert not troubles.all()[0].grave
    room.left = LAST_FREE - 1
    disk.look()
    assert troubles.all()[0].grave
    room.left = 2 * LEAST_FREE
    disk.look()
    assert codes(troubles) == []


@pytest.mark.parametrize("instead", [True, False])
def test_a_database_whose_file_is_not_the_same_any_more_is_told(tmp_path: Path, instead: bool) -> None:
    troubles, file = Troubles(), tmp_path / "notifier.db"
    file.touch()
    disk = DiskLook(tmp_path, file, troubles)
    disk.look()
    assert Code.DATABASE_AWAY not in codes(troubles)
    file.rename(tmp_path / "moved.db")
    if instead:
        file.touch()
    disk.look()
    assert Code.DATABASE_AWAY in codes(troubles)
    (tmp_path / "moved.db").rename(file)
    disk.look()
    assert Code.DATABASE_AWAY not in codes(troubles)
