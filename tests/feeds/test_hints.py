"""What headers say beside the feed."""

from __future__ import annotations

import pytest

from notifier.feeds.hints import max_age_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=60", 60.0),
        ("public, Max-Age=60, s-maxage=120", 120.0),
        ('max-age="60"', 60.0),
        ("no-cache, max-age=60", 0.0),
        ("no-store", 0.0),
        ("private", None),
        ("max-age=soon", None),
        ("max-age=-1", None),
        ("max-age=99999999999999", 999_999_999.0),
        (",,=,", None),
        ("", None),
        (None, None),
    ],
)
def test_freshness_is_read_from_cache_control(header: str | None, seconds: float | None) -> None:
    assert max_age_s(header) == seconds
