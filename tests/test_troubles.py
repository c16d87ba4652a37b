"""The list of troubles: noticed once, kept while they last, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from notifier.troubles import MOST_SUBJECTS, Code, Trouble, Troubles

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def failing(feed: str, what: str = "It is not recorded") -> Trouble:
    return Trouble(Code.FEED_NOT_RECORDED, what, "Look at the log", feed)


class Hand:
    """A clock that is moved by hand."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_a_trouble_that_goes_on_is_logged_once_and_keeps_when_it_began() -> None:
    hand = Hand()
    troubles = Troubles(hand)
    with capture_logs() as lines:
        troubles.report(failing("BBC", "first"))
        hand.now += timedelta(minutes=5)
        troubles.report(failing("BBC", "again"))
    (found,) = troubles.all()
    assert (found.what, found.since, found.count) == ("again", NOON, 2)
    assert [line["event"] for line in lines] == ["trouble.began"]


def test_the_end_is_logged_with_how_often_it_was_met() -> None:
    troubles = Troubles(Hand())
    for _ in range(3):
        troubles.report(failing("BBC"))
    with capture_logs() as lines:
        troubles.clear(Code.FEED_NOT_RECORDED, "BBC")
        troubles.clear(Code.FEED_NOT_RECORDED, "BBC")
    assert [(line["event"], line["times"]) for line in lines] == [("trouble.over", 3)]
    assert troubles.all() == []


def test_grave_troubles_come_first_and_subjects_are_bounded() -> None:
    troubles = Troubles(Hand())
    for number in range(MOST_SUBJECTS + 50):
        troubles.report(failing(f"feed {number}"))
    troubles.report(Trouble(Code.DATABASE_AWAY, "It does not answer", "Start it", grave=True))
    found = troubles.all()
    assert found[0].code is Code.DATABASE_AWAY
    assert len(found) == MOST_SUBJECTS + 1


def test_a_source_that_fails_hides_nobody_else() -> None:
    def broken() -> Iterator[Trouble]:
        raise OSError("no such disk")
        yield

    troubles = Troubles(Hand())
    troubles.watch(broken)
    troubles.watch(lambda: [failing("BBC")])
    assert {trouble.code for trouble in troubles.all()} == {Code.FEED_NOT_RECORDED, Code.JOB_FAILING}
