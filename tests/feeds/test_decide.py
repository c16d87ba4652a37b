"""What a poll means for its feed: the next memory, the next poll, the items to store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notifier.feeds import conditions
from notifier.feeds.decide import (
    RETRY_AFTER_MOST_S,
    Arrival,
    DecisionContext,
    PollRules,
    after_items,
    after_poll,
    after_push,
    body_hash,
    is_unchanged,
    not_recorded,
    remembered,
    take_in,
)
from notifier.feeds.feed import FeedItem, HealthStatus, ParsedFeed, Unreadable
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult, GoneForGood, Hints, NotModified
from notifier.feeds.flood import FloodAllowance
from notifier.feeds.matching import FeedEntry, Known
from notifier.feeds.novelty import Novelty
from notifier.feeds.poll_state import PollResult, PollState, Recorded
from tests.feeds.claimed import NOON, URL, a_document, a_feed, a_poll_state, ago, an_item

AT = DecisionContext(NOON, PollRules())
BODY = Fetched(URL, b"<rss/>", "text/xml", '"2"', "today")
DOWN = FetchFailed("Cannot connect", FailureKind.NETWORK)


def poll(
    answer: FetchResult,
    document: ParsedFeed | Unreadable | None = None,
    poll_state: PollState | None = None,
    at: DecisionContext = AT,
    **feed: Any,
) -> PollResult:
    return after_poll(a_feed(poll_state, **feed), answer, document, at)


def wait_s(poll_state: PollState) -> float:
    return (poll_state.next_poll_at - NOON).total_seconds()


def test_a_304_is_a_success_without_items() -> None:
    result = poll(NotModified(), poll_state=a_poll_state(failures=4, error="Cannot connect", etag='"1"'))
    assert (result.items, result.digests, result.lease_token) == ((), (), "lease")
    assert (result.poll_state.failures, result.poll_state.error, result.poll_state.etag) == (0, None, '"1"')
    assert result.poll_state.last_success_at == NOON
    assert wait_s(result.poll_state) == 300.0


def test_a_poll_that_cannot_be_stored_leaves_the_feed_as_it_was_but_failing_in_words() -> None:
    before = a_poll_state(etag='"1"', body_hash=b"1", failures=0)
    result = poll(BODY, a_document(an_item()), poll_state=before)
    instead = not_recorded(result, "DataError", NOON)
    assert instead is not None
    assert (instead.items, instead.digests, instead.lease_token) == ((), (), "lease")
    poll_state = instead.poll_state
    assert (poll_state.state, poll_state.etag, poll_state.body_hash) == (HealthStatus.FAILING, '"1"', b"1")
    assert poll_state.last_success_at == before.last_success_at
    assert "cannot be stored (DataError)" in str(poll_state.error)
    assert wait_s(poll_state) >= 300
    assert not_recorded(after_push(a_feed(), a_document(an_item()), AT), "DataError", NOON) is None


def test_the_body_of_the_last_time_is_unchanged_but_its_validators_are_the_newest() -> None:
    poll_state = a_poll_state(body_hash=body_hash(BODY.body), etag='"1"')
    assert is_unchanged(a_feed(poll_state), BODY)
    assert not is_unchanged(a_feed(a_poll_state()), BODY)
    assert poll(BODY, None, poll_state).poll_state.etag == '"2"'


def test_a_changed_body_brings_its_items_and_what_to_know_them_by() -> None:
    result = poll(BODY, a_document(an_item(1), an_item(2), ttl_s=600.0, hub_url="https://hub.example/"))
    assert [item.guid for item in result.items] == ["guid-1", "guid-2"]
    assert len(result.digests) == result.document_size == 2
    assert (result.poll_state.etag, result.poll_state.body_hash) == ('"2"', body_hash(BODY.body))
    assert (result.poll_state.hub_url, result.poll_state.hub_topic, result.poll_state.ttl_s) == (
        "https://hub.example/",
        URL,
        600.0,
    )


def test_items_of_the_last_body_are_not_handed_on_again() -> None:
    first = poll(BODY, a_document(an_item(1), an_item(2)))
    second = poll(BODY, a_document(an_item(3), an_item(1), an_item(2)), digests=b"".join(first.digests))
    assert [item.guid for item in second.items] == ["guid-3"]
    assert second.document_size == 3


def test_a_reader_that_cut_known_items_out_is_believed() -> None:
    digests = (b"12345678", b"87654321")
    result = poll(BODY, a_document(an_item(2), digests=digests))
    assert (len(result.items), result.digests, result.document_size) == (1, digests, 2)


def test_the_first_poll_is_a_backlog_and_gives_the_feed_its_rhythm() -> None:
    items = [an_item(n, published_at=ago(minutes=20 * n)) for n in range(8)]
    result = poll(BODY, a_document(*items), PollState(next_poll_at=NOON))
    assert result.backlog == "the first poll of this feed"
    assert result.poll_state.usual_gap_s == 1_200.0
    assert result.poll_state.first_polled_at == NOON


@pytest.mark.parametrize("failed", [(DOWN, None), (BODY, Unreadable("This is a web page, not a feed."))])
def test_a_failure_keeps_what_is_known_and_backs_off(failed: tuple[FetchResult, Unreadable | None]) -> None:
    result = poll(*failed, poll_state=a_poll_state(etag='"1"'))
    assert result.poll_state.error in ("Cannot connect", "This is a web page, not a feed.")
    assert (result.poll_state.failures, result.poll_state.etag) == (1, '"1"')
    assert result.poll_state.last_success_at == ago(minutes=10)
    assert wait_s(result.poll_state) == 600.0


def test_the_third_failure_running_is_failing_and_one_success_mends_it() -> None:
    failing = poll(DOWN, poll_state=a_poll_state(failures=2)).poll_state
    assert failing.state is HealthStatus.FAILING
    mended = poll(NotModified(), poll_state=failing).poll_state
    assert (mended.state, wait_s(mended)) == (HealthStatus.OK, 300.0)


def test_retry_after_is_obeyed_whatever_the_jitter() -> None:
    busy = FetchFailed("HTTP 429", FailureKind.SERVER, retry_after_s=7_200.0)
    assert wait_s(poll(busy, at=DecisionContext(NOON, PollRules(), jitter=-1.0)).poll_state) == 7_200.0


def test_a_retry_after_shorter_than_the_back_off_changes_nothing() -> None:
    assert wait_s(poll(FetchFailed("HTTP 503", FailureKind.SERVER, retry_after_s=1.0)).poll_state) == 600.0


def test_a_410_retires_the_feed() -> None:
    poll_state = poll(GoneForGood()).poll_state
    assert poll_state.state is HealthStatus.RETIRED
    assert "Remove it from feeds.yaml" in str(poll_state.error)


def test_feeds_are_not_blamed_while_our_own_network_fails() -> None:
    ours = DecisionContext(NOON, PollRules(), our_network_fails=True)
    poll_state = poll(DOWN, poll_state=a_poll_state(failures=0), at=ours).poll_state
    assert (poll_state.failures, poll_state.error, wait_s(poll_state)) == (0, "Cannot connect", 300.0)
    theirs = FetchFailed("HTTP 500", FailureKind.SERVER)
    assert poll(theirs, at=ours).poll_state.failures == 1


def moved(to: str | None) -> NotModified:
    return NotModified(Hints(moved_to=to))


def test_three_permanent_redirects_running_move_the_feed() -> None:
    poll_state = a_poll_state()
    for _ in range(2):
        poll_state = poll(moved("https://new.example/"), poll_state=poll_state).poll_state
        assert poll_state.moved_to is None
    poll_state = poll(moved("https://new.example/"), poll_state=poll_state).poll_state
    assert poll_state.moved_to == "https://new.example/"
    assert a_feed(poll_state).ask_url == "https://new.example/"


@pytest.mark.parametrize("between", [moved(None), NotModified(), moved("https://other.example/")])
def test_redirects_that_do_not_agree_move_nothing(between: NotModified) -> None:
    poll_state = a_poll_state()
    for answer in (
        moved("https://new.example/"),
        between,
        moved("https://new.example/"),
        moved("https://new.example/"),
    ):
        poll_state = poll(answer, poll_state=poll_state).poll_state
    assert poll_state.moved_to is None


def test_a_move_that_leads_nowhere_is_given_up() -> None:
    poll_state = a_poll_state(moved_to="https://new.example/")
    for _ in range(5):
        assert poll_state.moved_to
        poll_state = poll(DOWN, poll_state=poll_state).poll_state
    assert poll_state.moved_to is None


def test_freshness_of_a_304_is_remembered_until_another_is_told() -> None:
    poll_state = poll(NotModified(Hints(max_age_s=240.0)), poll_state=a_poll_state(usual_gap_s=60.0)).poll_state
    assert wait_s(poll_state) == 240.0
    assert wait_s(poll(NotModified(), poll_state=poll_state).poll_state) == 240.0


def test_a_push_brings_items_and_leaves_the_memory_of_polls_alone() -> None:
    feed = a_feed(a_poll_state(etag='"1"'))
    result = after_push(feed, a_document(an_item(5)), AT)
    assert (result.lease_token, result.poll_state, result.digests) == (None, feed.poll_state, ())
    assert len(result.items) == 1


def arrival(known: Known, *items: FeedItem, **feed: Any) -> Arrival:
    result = poll(BODY, a_document(*items), **feed)
    return Arrival(result, [FeedEntry.of(item, item.url) for item in result.items], known)


def test_the_items_of_a_batch_are_decided_poll_after_poll_within_each_feed_s_room() -> None:
    known, room = Known(), {7: FloodAllowance(1.0, 5.0, NOON), 8: FloodAllowance(9.0, 5.0, NOON)}
    old = an_item(2, published_at=ago(hours=13))
    arrivals = [
        arrival(known, an_item(1)),
        arrival(known, an_item(1), old, id=8),
        arrival(known, an_item(3)),
        arrival(known),
    ]

    intake = take_in(arrivals, room, NOON, PollRules())

    assert [(feed_id, verdict.kind) for feed_id, verdict in intake.verdicts] == [
        (7, Novelty.NEW),
        (8, Novelty.SAME),
        (8, Novelty.NEW),
    ]
    assert [verdict.why_not for _, verdict in intake.verdicts] == [
        None,
        None,
        "published 13 h before it was first seen",
    ]
    assert intake.counts == [Recorded(new=1), Recorded(new=1), Recorded(left_out=1), Recorded()]
    assert (intake.room[7].new, intake.room[8].new, room[7].new) == (0.0, 8.0, 1.0)


def test_only_a_poll_tells_that_the_hub_was_silent() -> None:
    found, known = Recorded(new=1), a_poll_state(hub_missed=1)
    polled = poll(BODY, a_document(an_item()), poll_state=known, hub_active=True)
    pushed = after_push(a_feed(known, hub_active=True), a_document(an_item()), AT)
    assert remembered(polled, found, NOON).hub_missed == 2
    assert remembered(pushed, found, NOON).hub_missed == 0
    assert remembered(polled, Recorded(), NOON) == polled.poll_state


def test_the_rhythm_follows_the_changes() -> None:
    poll_state = after_items(a_poll_state(usual_gap_s=1_000.0, last_change_at=ago(seconds=2_000)), True, False, NOON)
    assert (poll_state.usual_gap_s, poll_state.last_change_at) == (1_300.0, NOON)
    first = after_items(a_poll_state(usual_gap_s=None, last_change_at=ago(seconds=500)), True, False, NOON)
    assert first.usual_gap_s == 500.0
    assert after_items(poll_state, False, False, NOON + timedelta(hours=1)) == poll_state


def test_a_hub_that_keeps_things_from_us_is_counted_until_it_pushes_again() -> None:
    once = after_items(a_poll_state(), True, True, NOON)
    twice = after_items(once, True, True, NOON)
    assert (once.hub_missed, twice.hub_missed, after_items(twice, True, False, NOON).hub_missed) == (1, 2, 0)


def test_a_server_that_says_304_for_ever_hides_news_for_some_hours_at_most() -> None:
    """It has something new from the first poll on, and shows it to nobody who sends conditions."""
    poll_state, now = replace(poll(BODY, a_document(an_item())).poll_state, etag='"1"'), NOON
    for _ in range(2_000):
        now = poll_state.next_poll_at
        if conditions.validators(poll_state, now) == (None, None):
            break
        poll_state = after_poll(a_feed(poll_state), NotModified(), None, DecisionContext(now, PollRules())).poll_state
    assert now - NOON <= timedelta(hours=2, minutes=10)


def test_no_retry_after_keeps_a_feed_of_news_from_being_asked_for_days() -> None:
    for_ever = FetchFailed("HTTP 503", FailureKind.SERVER, retry_after_s=1e18)
    assert wait_s(poll(for_ever).poll_state) == RETRY_AFTER_MOST_S


def test_a_change_that_lies_in_the_future_says_nothing_of_the_rhythm() -> None:
    poll_state = a_poll_state(last_change_at=NOON + timedelta(days=2), usual_gap_s=900.0)
    assert after_items(poll_state, True, False, NOON).usual_gap_s == 900.0
