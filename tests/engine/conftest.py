"""A house for each test of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import sqlite_database
from tests.engine.harness import EngineHarness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[EngineHarness]:
    """On SQLite; what databases promise alike is in tests/contracts."""
    database = sqlite_database(tmp_path / "notifier.db")
    yield EngineHarness(database)
    database.close()
