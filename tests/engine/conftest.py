"""A house for each test of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.storage.database import Database
from tests.engine.harness import EngineHarness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[EngineHarness]:
    """On SQLite; what databases promise alike is in tests/contracts."""
    database = Database(f"sqlite:///{tmp_path / 'notifier.db'}")
    database.create()
    yield EngineHarness(database)
    database.close()
