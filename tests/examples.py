"""How many made-up inputs a property is tried with: all where nothing may be left out, some where somebody waits."""

from __future__ import annotations

import os

THOROUGH = os.environ.get("NOTIFIER_TEST_REQUIRE") == "all"
_SHARE = 4


def examples(many: int = 100) -> int:
    """`many` in CI, and a quarter of them elsewhere."""
    return many if THOROUGH else many // _SHARE
