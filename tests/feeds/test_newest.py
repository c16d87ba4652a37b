from __future__ import annotations

from datetime import UTC, datetime, timedelta

from notifier.feeds.newest import newest, note

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def test_an_archive_that_begins_with_the_oldest_keeps_its_end_in_order() -> None:
    days = [DAY + timedelta(days=n) for n in range(10)]
    assert newest(days, lambda day: day, limit=3) == days[-3:]


def test_where_nothing_is_dated_the_first_are_kept() -> None:
    assert newest(list("abcdef"), lambda _: None, limit=2) == ["a", "b"]


def test_what_is_left_out_is_noted() -> None:
    assert note(3, limit=3) == ()
    assert note(1_200, limit=1_000) == ("The document has 1,200 items; the newest 1,000 were read",)
