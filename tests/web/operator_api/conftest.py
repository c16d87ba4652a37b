"""A service of a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.operator_api.house import ApiHouse


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    made = ApiHouse(tmp_path)
    yield made
    made.close()
