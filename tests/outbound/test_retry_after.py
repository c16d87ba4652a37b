"""Whatever a server writes into Retry-After, it costs itself at most a day and nobody else anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.outbound.retry_after import LONGEST_S, retry_after_s

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

ZONES = st.none() | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Fri", "Friday", "", "٣"]),
    st.integers(-1, 99),
    st.sampled_from(["May", "Dec", "may", "Mai", "13"]),
    st.sampled_from(["0", "00", "0000", "26", "1969", "2026", "9999", "99999", "٢٠٢٦"]),
    *[st.sampled_from(["0", "23", "24", "60", "99", "-1"])] * 3,
    st.sampled_from(["GMT", "", "EST", "-0000", "+2359", "-2400", "+9999", "+99999999999", "XYZ", "-00-1"]),
)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (b"120", 120.0),
        (" 0 ", 0.0),
        ("0000000000000000007", 7.0),
        ("Fri, 01 May 2026 12:01:00 GMT", 60.0),
        ("Friday, 01-May-26 12:01:00 GMT", 60.0),
        ("Fri May  1 12:01:00 2026", 60.0),
        ("Fri, 01 May 2026 11:00:00 GMT", 0.0),
        ("Sat, 01 May 2027 12:00:00 GMT", LONGEST_S),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_S),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_S),
        ("9" * 5000, LONGEST_S),
        ("99999999999999", LONGEST_S),
        ("-5", None),
        ("1.5", None),
        ("1_0", None),
        ("٧", None),
        ("１２０", None),
        ("soon", None),
        ("", None),
        (b"\xff\xfe", None),
        (None, None),
    ],
)
def test_both_forms_are_read_and_a_day_is_the_most(header: str | bytes | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


@given(header=st.text(max_size=80) | st.binary(max_size=80) | DATES, now=st.datetimes(timezones=ZONES))
def test_no_header_and_no_time_break_it_and_the_wait_is_bounded(header: str | bytes, now: datetime) -> None:
    seconds = retry_after_s(header, now)
    assert seconds is None or 0.0 <= seconds <= LONGEST_S


@given(header=DATES)
def test_what_it_returns_can_be_added_to_any_time_of_this_service(header: str) -> None:
    for now in (NOW, datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)):
        assert now + timedelta(seconds=retry_after_s(header, now) or 0.0) >= now
