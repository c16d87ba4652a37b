from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.push.outcome import Delivered, Gone, OurFault, Outcome, Refused, Retry, outcome
from notifier.push.transport import PushResponse

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
        (406, Retry("406")),
        (408, Retry("408")),
        (410, Gone(410)),
        (413, Refused(413)),
        (421, Retry("421")),
        (425, Retry("425")),
        (429, Retry("429")),
        (500, Retry("500")),
        (503, Retry("503")),
    ],
)
def test_a_status_has_one_meaning(status: int, means: Outcome) -> None:
    assert outcome(PushResponse(status=status), NOW) == means


@given(st.integers(100, 999))
def test_only_404_and_410_end_a_subscription(status: int) -> None:
    assert isinstance(outcome(PushResponse(status=status), NOW), Gone) == (status in {404, 410})


@pytest.mark.parametrize(
    "error", ["timeout", "dns", "connect", "tls", "address-refused", "closed", "reset", "protocol"]
)
def test_what_goes_wrong_on_the_way_is_tried_again(error: str) -> None:
    assert outcome(PushResponse(error=error), NOW) == Retry(error)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120.0), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0), ("soon", None), (None, None)]
)
@pytest.mark.parametrize("status", [406, 429, 503])
def test_a_service_that_wants_time_gets_a_day_at_most(status: int, header: str | None, seconds: float | None) -> None:
    assert outcome(PushResponse(status=status, retry_after=header), NOW) == Retry(str(status), seconds)


@given(st.none() | st.integers(), st.none() | st.text(max_size=60))
def test_no_answer_can_break_the_sender(status: int | None, header: str | None) -> None:
    came = outcome(PushResponse(status=status, retry_after=header), NOW)
    assert not isinstance(came, Retry) or came.after_s is None or came.after_s >= 0
