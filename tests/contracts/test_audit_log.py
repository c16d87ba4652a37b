"""What every AuditLog does, and that the first operator is the first only once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from notifier.errors import Conflict
from notifier.operators.audit import KEPT, MOST, Act, AuditEntry, AuditLog
from notifier.operators.operator import OperatorStore, Role
from notifier.storage.audit import TIDIED_EVERY, SqlAuditLog
from notifier.storage.database import Database
from notifier.storage.operators import SqlOperatorStore
from notifier.storage.schema import audit_entry
from tests.contracts.samples import NOON
from tests.web.console.access import MemoryAudit, MemoryOperators

HERE, THERE = "198.51.100.7", "2001:db8::/64"


@pytest.fixture
def log(database_or_double: Database | None) -> AuditLog:
    return MemoryAudit() if database_or_double is None else SqlAuditLog(database_or_double)


def an_entry(
    act: Act = Act.SIGNED_IN, who: str = "Ada", by: str = "Ada", client: str = HERE, days: int = 0
) -> AuditEntry:
    return AuditEntry(NOON + timedelta(days=days), act, who, by, client, "in a few words")


def test_entries_come_back_newest_first_and_an_operator_sees_their_own(log: AuditLog) -> None:
    entries = [an_entry(), an_entry(Act.ROLE_CHANGED, "Bea", "Ada"), an_entry(Act.REFUSED, "Eve", "Eve")]
    for entry in entries:
        log.record(entry)
    assert log.recent(10) == entries[::-1]
    assert log.recent(1) == entries[-1:]
    assert log.recent(10, "Bea") == entries[1:2]


def test_an_operator_is_known_where_they_came_in_before(log: AuditLog) -> None:
    log.record(an_entry())
    log.record(an_entry(Act.REFUSED, client=THERE))
    assert log.has_signed_in("Ada", HERE)
    assert not log.has_signed_in("Ada", THERE)
    assert not log.has_signed_in("Eve", HERE)
    assert not log.has_signed_in("A\x00da\ud800", HERE)


def test_old_entries_go(database: Database) -> None:
    log = SqlAuditLog(database)
    for _ in range(TIDIED_EVERY - 1):
        log.record(an_entry())
    log.record(an_entry(days=KEPT.days + 1))
    assert len(log.recent(1000)) == 1


def test_noise_pushes_only_noise_out(database: Database) -> None:
    log = SqlAuditLog(database)
    log.record(an_entry())
    row = {"at": NOON, "act": Act.REFUSED.value, "who": "Eve", "by": "Eve", "client": THERE, "detail": ""}
    with database.writing() as connection:
        connection.execute(insert(audit_entry), [row] * (MOST + 2 * TIDIED_EVERY))
    for _ in range(TIDIED_EVERY):
        log.record(an_entry(Act.REFUSED))
    with database.reading() as connection:
        counted = select(audit_entry.c.act, func.count()).group_by(audit_entry.c.act)
        by_act = {row[0]: row[1] for row in connection.execute(counted)}
    assert by_act[Act.SIGNED_IN.value] == 1
    assert MOST <= by_act[Act.REFUSED.value] < MOST + TIDIED_EVERY


def test_any_text_is_kept_within_bounds(database: Database) -> None:
    log = SqlAuditLog(database)
    log.record(an_entry(who="x" * 500, by="\x00\ud800", client="y" * 500))
    found = log.recent(1)[0]
    assert (len(found.who), len(found.client)) == (64, 64)


@pytest.fixture
def operators(database_or_double: Database | None) -> OperatorStore:
    return MemoryOperators() if database_or_double is None else SqlOperatorStore(database_or_double)


def test_the_first_operator_is_the_first_once(operators: OperatorStore) -> None:
    assert not operators.ever_any()
    operators.add("Ada", "hash", Role.ADMIN, NOON, only_first=True)
    assert operators.remove("Ada")
    assert operators.all(NOON) == []
    assert operators.ever_any()
    with pytest.raises(Conflict):
        operators.add("Eve", "hash", Role.ADMIN, NOON, only_first=True)
    assert operators.all(NOON) == []
    operators.add("Bea", "hash", Role.ADMIN, NOON)


def test_an_operator_made_on_the_server_is_the_first_too(operators: OperatorStore) -> None:
    operators.add("Bea", "hash", Role.VIEWER, NOON)
    operators.remove("Bea")
    with pytest.raises(Conflict):
        operators.add("Eve", "hash", Role.ADMIN, NOON, only_first=True)
