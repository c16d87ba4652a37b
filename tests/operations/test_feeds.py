"""Feeds by whichever surface: one file under one lock, each change kept with who made it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from notifier.config.files import load_feeds
from notifier.errors import EntryInvalid, FileBroken, NotFound, RoleTooLow
from notifier.feeds.feed import FeedConfig
from notifier.feeds.opml import to_opml
from notifier.operations.files import Overtaken
from tests.operations.conftest import ADA, FEEDS, SERVER, VIC, Desk

URL = "https://news.example/rss"
QUAY = FeedConfig("https://quay.example/rss", "The Quay", "The Quay", "world")
LIST = to_opml([QUAY, replace(QUAY, url="https://quay.example/2", title="Quay: “two”, #2"), QUAY], "A reader")


def text(desk: Desk) -> str:
    return desk.settings.feeds_path.read_text(encoding="utf-8")


def test_a_list_from_the_command_line_is_one_change_that_is_kept_and_undone(desk: Desk) -> None:
    came = desk.feeds.bring(SERVER, LIST)

    assert ([feed.url for feed in came.added], came.known) == ([QUAY.url, "https://quay.example/2"], 0)
    assert text(desk).startswith(FEEDS)
    assert load_feeds(desk.settings.feeds_path)[-1].title == "Quay: “two”, #2"
    assert desk.said() == [("root (command line)", "Imported 2 feeds")]
    desk.changes.undo(ADA, 1)
    assert text(desk) == FEEDS


def test_a_list_of_which_all_is_there_already_writes_nothing(desk: Desk) -> None:
    desk.feeds.bring(SERVER, LIST)
    before = text(desk)

    came = desk.feeds.bring(SERVER, LIST)

    assert (came.added, came.known, text(desk), len(desk.said())) == ([], 2, before, 1)


def test_what_is_no_list_and_a_file_that_is_broken_are_refused(desk: Desk) -> None:
    with pytest.raises(EntryInvalid):
        desk.feeds.bring(SERVER, b"<html></html>")
    desk.settings.feeds_path.write_text("feeds: [", encoding="utf-8")

    for refused in (lambda: desk.feeds.bring(SERVER, LIST), lambda: desk.feeds.save(ADA, QUAY)):
        with pytest.raises(FileBroken):
            refused()
    assert (text(desk), desk.said()) == ("feeds: [", [])


def test_the_record_says_what_was_done_whoever_asked(desk: Desk) -> None:
    desk.feeds.save(ADA, QUAY)
    desk.feeds.save(ADA, replace(QUAY, paused=True), QUAY.url)
    desk.feeds.pause(ADA, QUAY.url, paused=False)
    desk.feeds.save(ADA, replace(QUAY, weight=2.0, paused=True), QUAY.url)
    desk.feeds.save(ADA, replace(QUAY, url="https://quay.example/atom"), QUAY.url)
    desk.feeds.remove(ADA, "https://quay.example/atom")

    verbs = [what.split()[0] for _, what in desk.said()]
    assert verbs[::-1] == ["Added", "Paused", "Resumed", "Changed", "Moved", "Removed"]


def test_what_leads_to_secrets_stays_as_the_file_has_it(desk: Desk) -> None:
    feed = replace(desk.feeds.find(URL), headers_env=None, title="World")

    desk.feeds.save(ADA, feed, URL)

    assert desk.feeds.find(URL).headers_env == "EXAMPLE_HEADERS"


def test_a_save_that_changes_nothing_is_not_kept(desk: Desk) -> None:
    desk.feeds.save(ADA, desk.feeds.find(URL), URL)

    assert (text(desk), desk.said()) == (FEEDS, [])


def test_the_second_to_save_overwrites_nobody_and_sees_the_lines(desk: Desk) -> None:
    version = desk.feeds.plan(QUAY).before.version
    desk.feeds.pause(ADA, URL, paused=True)

    with pytest.raises(Overtaken) as told:
        desk.feeds.save(ADA, QUAY, started_from=version)

    assert told.value.edit.before.version == desk.feeds.listed().version
    assert f"+  - url: {QUAY.url}" in told.value.edit.lines
    assert "quay.example" not in text(desk)


def test_a_viewer_changes_nothing(desk: Desk) -> None:
    for refused in (
        lambda: desk.feeds.save(VIC, QUAY),
        lambda: desk.feeds.pause(VIC, URL, paused=True),
        lambda: desk.feeds.remove(VIC, URL),
        lambda: desk.feeds.bring(VIC, LIST),
    ):
        with pytest.raises(RoleTooLow):
            refused()
    assert text(desk) == FEEDS


def test_a_feed_that_is_gone_is_not_written_anew(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.feeds.save(ADA, QUAY, QUAY.url)


def test_an_address_that_is_listed_already_is_refused(desk: Desk) -> None:
    with pytest.raises(EntryInvalid) as refused:
        desk.feeds.save(ADA, replace(QUAY, url=URL))

    assert "is listed twice" in refused.value.sentence
    assert str(desk.settings.feeds_path) not in refused.value.sentence
