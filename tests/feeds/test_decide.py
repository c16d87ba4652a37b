"""What a poll means for its feed: the next memory, the next poll, the items to store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notifier.feeds import conditions
from notifier.feeds.answer import Answer, FailureKind, Fetched, FetchFailed, GoneForGood, Hints, NotModified
from notifier.feeds.decide import (
    RETRY_AFTER_MOST_S,
    Arrival,
    Moment,
    Rules,
    after_items,
    after_poll,
    after_push,
    body_hash,
    is_unchanged,
    not_recorded,
    remembered,
    take_in,
)
from notifier.feeds.feed import FeedItem, FeedState, ParsedFeed, Unreadable
from notifier.feeds.first_sight import Kind
from notifier.feeds.flood import Room
from notifier.feeds.matching import Entry, Known
from notifier.feeds.memory import FeedMemory, PollResult, Recorded
from tests.feeds.claimed import NOON, URL, a_document, a_feed, a_memory, ago, an_item

AT = Moment(NOON, Rules())
BODY = Fetched(URL, b"<rss/>", "text/xml", '"2"', "today")
DOWN = FetchFailed("Cannot connect", FailureKind.NETWORK)


def poll(
    answer: Answer,
    document: ParsedFeed | Unreadable | None = None,
    memory: FeedMemory | None = None,
    at: Moment = AT,
    **feed: Any,
) -> PollResult:
    return after_poll(a_feed(memory, **feed), answer, document, at)


def wait_s(memory: FeedMemory) -> float:
    return (memory.next_poll_at - NOON).total_seconds()


def test_a_304_is_a_success_without_items() -> None:
    result = poll(NotModified(), memory=a_memory(failures=4, error="Cannot connect", etag='"1"'))
    assert (result.items, result.digests, result.lease_token) == ((), (), "lease")
    assert (result.memory.failures, result.memory.error, result.memory.etag) == (0, None, '"1"')
    assert result.memory.last_success_at == NOON
    assert wait_s(result.memory) == 300.0


def test_a_poll_that_cannot_be_stored_leaves_the_feed_as_it_was_but_failing_in_words() -> None:
    before = a_memory(etag='"1"', body_hash=b"1", failures=0)
    result = poll(BODY, a_document(an_item()), memory=before)
    instead = not_recorded(result, "DataError", NOON)
    assert instead is not None
    assert (instead.items, instead.digests, instead.lease_token) == ((), (), "lease")
    memory = instead.memory
    assert (memory.state, memory.etag, memory.body_hash) == (FeedState.FAILING, '"1"', b"1")
    assert memory.last_success_at == before.last_success_at
    assert "cannot be stored (DataError)" in str(memory.error)
    assert wait_s(memory) >= 300
    assert not_recorded(after_push(a_feed(), a_document(an_item()), AT), "DataError", NOON) is None


def test_the_body_of_the_last_time_is_unchanged_but_its_validators_are_the_newest() -> None:
    memory = a_memory(body_hash=body_hash(BODY.body), etag='"1"')
    assert is_unchanged(a_feed(memory), BODY)
    assert not is_unchanged(a_feed(a_memory()), BODY)
    assert poll(BODY, None, memory).memory.etag == '"2"'


def test_a_changed_body_brings_its_items_and_what_to_know_them_by() -> None:
    result = poll(BODY, a_document(an_item(1), an_item(2), ttl_s=600.0, hub_url="https://hub.example/"))
    assert [item.guid for item in result.items] == ["guid-1", "guid-2"]
    assert len(result.digests) == result.document_size == 2
    assert (result.memory.etag, result.memory.body_hash) == ('"2"', body_hash(BODY.body))
    assert (result.memory.hub_url, result.memory.hub_topic, result.memory.ttl_s) == ("https://hub.example/", URL, 600.0)


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
    result = poll(BODY, a_document(*items), FeedMemory(next_poll_at=NOON))
    assert result.backlog == "the first poll of this feed"
    assert result.memory.usual_gap_s == 1_200.0
    assert result.memory.first_polled_at == NOON


@pytest.mark.parametrize("failed", [(DOWN, None), (BODY, Unreadable("This is a web page, not a feed."))])
def test_a_failure_keeps_what_is_known_and_backs_off(failed: tuple[Answer, Unreadable | None]) -> None:
    result = poll(*failed, memory=a_memory(etag='"1"'))
    assert result.memory.error in ("Cannot connect", "This is a web page, not a feed.")
    assert (result.memory.failures, result.memory.etag) == (1, '"1"')
    assert result.memory.last_success_at == ago(minutes=10)
    assert wait_s(result.memory) == 600.0


def test_the_third_failure_running_is_failing_and_one_success_mends_it() -> None:
    failing = poll(DOWN, memory=a_memory(failures=2)).memory
    assert failing.state is FeedState.FAILING
    mended = poll(NotModified(), memory=failing).memory
    assert (mended.state, wait_s(mended)) == (FeedState.OK, 300.0)


def test_retry_after_is_obeyed_whatever_the_jitter() -> None:
    busy = FetchFailed("HTTP 429", FailureKind.SERVER, retry_after_s=7_200.0)
    assert wait_s(poll(busy, at=Moment(NOON, Rules(), jitter=-1.0)).memory) == 7_200.0


def test_a_retry_after_shorter_than_the_back_off_changes_nothing() -> None:
    assert wait_s(poll(FetchFailed("HTTP 503", FailureKind.SERVER, retry_after_s=1.0)).memory) == 600.0


def test_a_410_retires_the_feed() -> None:
    memory = poll(GoneForGood()).memory
    assert memory.state is FeedState.RETIRED
    assert "Remove it from feeds.yaml" in str(memory.error)


def test_feeds_are_not_blamed_while_our_own_network_fails() -> None:
    ours = Moment(NOON, Rules(), our_network_fails=True)
    memory = poll(DOWN, memory=a_memory(failures=0), at=ours).memory
    assert (memory.failures, memory.error, wait_s(memory)) == (0, "Cannot connect", 300.0)
    theirs = FetchFailed("HTTP 500", FailureKind.SERVER)
    assert poll(theirs, at=ours).memory.failures == 1


def moved(to: str | None) -> NotModified:
    return NotModified(Hints(moved_to=to))


def test_three_permanent_redirects_running_move_the_feed() -> None:
    memory = a_memory()
    for _ in range(2):
        memory = poll(moved("https://new.example/"), memory=memory).memory
        assert memory.moved_to is None
    memory = poll(moved("https://new.example/"), memory=memory).memory
    assert memory.moved_to == "https://new.example/"
    assert a_feed(memory).ask_url == "https://new.example/"


@pytest.mark.parametrize("between", [moved(None), NotModified(), moved("https://other.example/")])
def test_redirects_that_do_not_agree_move_nothing(between: NotModified) -> None:
    memory = a_memory()
    for answer in (
        moved("https://new.example/"),
        between,
        moved("https://new.example/"),
        moved("https://new.example/"),
    ):
        memory = poll(answer, memory=memory).memory
    assert memory.moved_to is None


def test_a_move_that_leads_nowhere_is_given_up() -> None:
    memory = a_memory(moved_to="https://new.example/")
    for _ in range(5):
        assert memory.moved_to
        memory = poll(DOWN, memory=memory).memory
    assert memory.moved_to is None


def test_freshness_of_a_304_is_remembered_until_another_is_told() -> None:
    memory = poll(NotModified(Hints(max_age_s=240.0)), memory=a_memory(usual_gap_s=60.0)).memory
    assert wait_s(memory) == 240.0
    assert wait_s(poll(NotModified(), memory=memory).memory) == 240.0


def test_a_push_brings_items_and_leaves_the_memory_of_polls_alone() -> None:
    feed = a_feed(a_memory(etag='"1"'))
    result = after_push(feed, a_document(an_item(5)), AT)
    assert (result.lease_token, result.memory, result.digests) == (None, feed.memory, ())
    assert len(result.items) == 1


def arrival(known: Known, *items: FeedItem, **feed: Any) -> Arrival:
    result = poll(BODY, a_document(*items), **feed)
    return Arrival(result, [Entry.of(item, item.url) for item in result.items], known)


def test_the_items_of_a_batch_are_decided_poll_after_poll_within_each_feed_s_room() -> None:
    known, room = Known(), {7: Room(1.0, 5.0, NOON), 8: Room(9.0, 5.0, NOON)}
    old = an_item(2, published_at=ago(hours=13))
    arrivals = [
        arrival(known, an_item(1)),
        arrival(known, an_item(1), old, id=8),
        arrival(known, an_item(3)),
        arrival(known),
    ]

    intake = take_in(arrivals, room, NOON, Rules())

    assert [(feed_id, verdict.kind) for feed_id, verdict in intake.verdicts] == [
        (7, Kind.NEW),
        (8, Kind.SAME),
        (8, Kind.NEW),
    ]
    assert [verdict.why_not for _, verdict in intake.verdicts] == [
        None,
        None,
        "published 13 h before it was first seen",
    ]
    assert intake.counts == [Recorded(new=1), Recorded(new=1), Recorded(left_out=1), Recorded()]
    assert (intake.room[7].new, intake.room[8].new, room[7].new) == (0.0, 8.0, 1.0)


def test_only_a_poll_tells_that_the_hub_was_silent() -> None:
    found, known = Recorded(new=1), a_memory(hub_missed=1)
    polled = poll(BODY, a_document(an_item()), memory=known, hub_active=True)
    pushed = after_push(a_feed(known, hub_active=True), a_document(an_item()), AT)
    assert remembered(polled, found, NOON).hub_missed == 2
    assert remembered(pushed, found, NOON).hub_missed == 0
    assert remembered(polled, Recorded(), NOON) == polled.memory


def test_the_rhythm_follows_the_changes() -> None:
    memory = after_items(a_memory(usual_gap_s=1_000.0, last_change_at=ago(seconds=2_000)), True, False, NOON)
    assert (memory.usual_gap_s, memory.last_change_at) == (1_300.0, NOON)
    first = after_items(a_memory(usual_gap_s=None, last_change_at=ago(seconds=500)), True, False, NOON)
    assert first.usual_gap_s == 500.0
    assert after_items(memory, False, False, NOON + timedelta(hours=1)) == memory


def test_a_hub_that_keeps_things_from_us_is_counted_until_it_pushes_again() -> None:
    once = after_items(a_memory(), True, True, NOON)
    twice = after_items(once, True, True, NOON)
    assert (once.hub_missed, twice.hub_missed, after_items(twice, True, False, NOON).hub_missed) == (1, 2, 0)


def test_a_server_that_says_304_for_ever_hides_news_for_some_hours_at_most() -> None:
    """It has something new from the first poll on, and shows it to nobody who sends conditions."""
    memory, now = replace(poll(BODY, a_document(an_item())).memory, etag='"1"'), NOON
    for _ in range(2_000):
        now = memory.next_poll_at
        if conditions.validators(memory, now) == (None, None):
            break
        memory = after_poll(a_feed(memory), NotModified(), None, Moment(now, Rules())).memory
    assert now - NOON <= timedelta(hours=2, minutes=10)


def test_no_retry_after_keeps_a_feed_of_news_from_being_asked_for_days() -> None:
    for_ever = FetchFailed("HTTP 503", FailureKind.SERVER, retry_after_s=1e18)
    assert wait_s(poll(for_ever).memory) == RETRY_AFTER_MOST_S


def test_a_change_that_lies_in_the_future_says_nothing_of_the_rhythm() -> None:
    memory = a_memory(last_change_at=NOON + timedelta(days=2), usual_gap_s=900.0)
    assert after_items(memory, True, False, NOON).usual_gap_s == 900.0
