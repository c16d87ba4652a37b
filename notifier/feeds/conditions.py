"""Which conditions a poll sends (RFC 9110 section 13), and when it sends none though it could.

Enters: what is remembered of a feed, and the time. Leaves: the validators for the request, and the memory of when the
whole document was last seen. Pure. A server, or a cache before it, that says "not modified" for ever would hide all
that is new: so now and then the feed is asked for all of it. A 304 to that is a failure (see `fetch`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from notifier.feeds.poll_state import PollState

# A feed that says "not modified" for three of its usual gaps is in doubt; one document in two hours is no burden, and
# one a day is the least.
GAPS_IN_DOUBT = 3
WHOLE_AT_MOST = timedelta(hours=2)
WHOLE_AT_LEAST = timedelta(days=1)
WHOLE_UNKNOWN = timedelta(hours=6)
FAILURES_IN_DOUBT = 3
"""Some servers fail on a validator of their own: one that they cannot read any more, or that has grown too long."""
MAX_VALIDATOR = 1_024
CLOCKS_DIFFER = timedelta(hours=1)


def validators(poll_state: PollState, now: datetime) -> tuple[str | None, str | None]:
    """The ETag and the Last-Modified to send, None each where there is none or the whole document is wanted.

    A Last-Modified in the future is never sent: many servers would say "not modified" until then.
    """
    if wants_whole(poll_state, now):
        return None, None
    modified = kept(poll_state.last_modified)
    return kept(poll_state.etag), None if modified and _is_ahead(modified, now) else modified


def kept(validator: str | None) -> str | None:
    """A validator that may be remembered and sent; None for one that is no use."""
    return validator if validator and len(validator) <= MAX_VALIDATOR else None


def wants_whole(poll_state: PollState, now: datetime) -> bool:
    """Whether it is time to ask for all of it."""
    if poll_state.failures >= FAILURES_IN_DOUBT:
        return True
    if poll_state.last_body_at is None:
        return False  # `unmodified` starts the count
    return not timedelta() <= now - poll_state.last_body_at < _period(poll_state)


def seen_whole(poll_state: PollState, now: datetime) -> PollState:
    """After a 200 with the body of the last time. Most are noted by nothing: what does not move need not be written."""
    is_due = poll_state.last_body_at is None or wants_whole(poll_state, now)
    return replace(poll_state, last_body_at=now) if is_due else poll_state


def unmodified(poll_state: PollState, now: datetime) -> PollState:
    """After a 304: the time counts from the first one, where no body was noted."""
    return poll_state if poll_state.last_body_at is not None else replace(poll_state, last_body_at=now)


def _period(poll_state: PollState) -> timedelta:
    gap = poll_state.usual_gap_s
    if gap is None:
        return WHOLE_UNKNOWN
    return min(max(timedelta(seconds=GAPS_IN_DOUBT * min(gap, 1e6)), WHOLE_AT_MOST), WHOLE_AT_LEAST)


def _is_ahead(last_modified: str, now: datetime) -> bool:
    try:
        return parsedate_to_datetime(last_modified).replace(tzinfo=now.tzinfo) > now + CLOCKS_DIFFER
    except (ValueError, OverflowError):
        return False  # no date: the server's own sign, sent back as it is
