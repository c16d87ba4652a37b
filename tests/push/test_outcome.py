from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.push.outcome import Delivered, Gone, OurFault, Outcome, Refused, Retry, outcome, retry_after_s
from notifier.push.send import Answer

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (200, Delivered()),
        (201, Delivered()),
        (202, Delivered()),
        (204, Delivered()),
        (301, Refused(301)),
        (400, Refused(400)),
        (401, OurFault(401)),
        (403, OurFault(403)),
        (404, Gone(404)),
        (408, Retry("408")),
        (410, Gone(410)),
        (413, Refused(413)),
        (425, Retry("425")),
        (429, Retry("429")),
        (500, Retry("500")),
        (503, Retry("503")),
    ],
)
def test_a_status_has_one_meaning(status: int, means: Outcome) -> None:
    assert outcome(Answer(status=status), NOW) == means


@given(st.integers(100, 999))
def test_only_404_and_410_end_a_subscription(status: int) -> None:
    assert isinstance(outcome(Answer(status=status), NOW), Gone) == (status in {404, 410})


@pytest.mark.parametrize(
    "error", ["timeout", "dns", "connect", "tls", "address-refused", "closed", "reset", "protocol"]
)
def test_what_goes_wrong_on_the_way_is_tried_again(error: str) -> None:
    assert outcome(Answer(error=error), NOW) == Retry(error)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Fri, 01 May 2026 12:01:00 GMT", 60.0),
        ("Friday, 01-May-26 12:01:00 GMT", 60.0),
        ("Fri May  1 12:01:00 2026", 60.0),
        ("Fri, 01 May 2026 11:00:00 GMT", 0.0),
        ("999999999999999999", 999999999.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_comes_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds
    assert outcome(Answer(status=429, retry_after=header), NOW) == Retry("429", seconds)


@given(st.text(max_size=60))
def test_no_retry_after_header_can_break_the_sender(header: str) -> None:
    seconds = retry_after_s(header, NOW)
    assert seconds is None or seconds >= 0
