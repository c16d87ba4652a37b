"""Feeds in an operator's hand: seen, added, paused, moved, removed; the file stays theirs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from notifier.config.files import load_feeds
from notifier.feeds.discovery import DiscoveredFeed
from notifier.feeds.feed import FeedItem, HealthStatus
from notifier.operators.operator import Role
from tests.web.console.newsroom import Console, fields_of
from tests.web.console.rooms import FEEDS, GAZETTE, POST, health
from tests.web.site import NOW

QUAY = "https://quay.example/rss"
OFFER = DiscoveredFeed(
    QUAY,
    "The Quay",
    "The Quay: all",
    "world",
    "rss",
    items=(FeedItem("1", "https://quay.example/1", "Cranes stand still", published_at=NOW),),
)
MOVED = {"was": POST, "url": "https://post.example/atom", "publisher": "The Harbour Post", "section": "world"}


@pytest.fixture(autouse=True)
def signed_in(console: Console) -> None:
    console.sign_in()


def test_each_feed_is_listed_with_how_it_is_and_what_to_do(console: Console) -> None:
    console.health = [health(1, POST, HealthStatus.FAILING, error="HTTP 404. Look for the feed's new address")]

    page = console.get("/console/feeds").text

    assert "HTTP 404. Look for the feed&#39;s new address" in page
    assert re.search(r'href="/console/feeds\?state=failing"[^>]*>Failing <b>1</b>', page)
    assert "Gazette" in page
    assert "not while it is paused" in page


def test_the_list_is_narrowed_to_a_state(console: Console) -> None:
    page = console.get("/console/feeds?state=paused").text

    assert "Gazette" in page
    assert "The Harbour Post" not in page
    assert "No feed is in this state" in console.get("/console/feeds?state=failing").text


def test_a_feed_has_a_page_with_its_last_items(console: Console) -> None:
    page = console.get("/console/feeds/1").text

    assert "Ferry aground" in page
    assert "Asked every 200 s" in page
    assert console.get("/console/feeds/9").status == 404


def test_a_sites_feeds_are_shown_with_their_items_and_names_before_anything_is_saved(console: Console) -> None:
    console.offers = [OFFER, replace(OFFER, url=POST)]

    page = console.post("/console/feeds/find", site="quay.example").text

    assert console.asked == ["quay.example"]
    assert "Cranes stand still" in page
    assert 'name="publisher" value="The Quay"' in page
    assert "Followed already" in page
    assert console.feeds_path.read_text() == FEEDS


def test_a_site_without_a_feed_says_what_to_do(console: Console) -> None:
    answer = console.post("/console/feeds/find", site="quay.example")

    assert answer.status == 422
    assert "quay.example is no feed and names none" in answer.text


def test_a_feed_is_added_after_its_lines_were_shown(console: Console) -> None:
    page = console.post("/console/feeds/check", url=QUAY, publisher="The Quay", title="", section="world").text
    assert f'<span class="added">+  - url: {QUAY}</span>' in page
    assert console.feeds_path.read_text() == FEEDS

    answer = console.post("/console/feeds/save", **fields_of(page))

    assert (answer.status, answer.headers["location"]) == (303, "/console/feeds?saved=added")
    assert load_feeds(console.feeds_path)[-1].url == QUAY
    assert console.feeds_path.read_text().startswith(FEEDS)
    (change,) = console.changes.kept
    assert (change.by, change.what, change.file) == ("Ada", "Added The Quay", "feeds.yaml")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "javascript:alert(1)", "publisher": "P"}, "is not a web address"),
        ({"url": POST, "publisher": "P"}, "is listed twice"),
        ({"url": QUAY, "publisher": " "}, "the publisher has no name"),
        ({"url": QUAY, "publisher": "P", "section": "two words"}, "is not a lower-case word"),
        ({"url": QUAY, "publisher": "P", "poll_every_s": "often"}, "is no number"),
        ({"url": QUAY, "publisher": "P", "poll_every_s": "nan"}, "poll_every_s"),
        ({"url": QUAY, "publisher": "P", "weight": "1e400"}, "weight"),
    ],
)
def test_what_cannot_be_followed_is_said_in_a_sentence(console: Console, fields: dict[str, str], said: str) -> None:
    answer = console.post("/console/feeds/check", **fields)

    assert answer.status == 422
    assert said in answer.text
    assert console.feeds_path.read_text() == FEEDS


def test_a_pause_and_its_end_are_one_click_each(console: Console) -> None:
    console.post("/console/feeds/1/pause", paused="true")
    assert load_feeds(console.feeds_path)[0].paused

    console.post("/console/feeds/1/pause", paused="false")

    assert console.feeds_path.read_text() == FEEDS
    assert [change.what for change in console.changes.kept] == ["Paused The Harbour Post", "Resumed The Harbour Post"]


def test_a_feed_moves_and_what_the_form_does_not_have_stays(console: Console) -> None:
    console.feeds_path.write_text(
        FEEDS.replace("    section: world\n", "    section: world\n    headers_env: POST_HEADERS\n")
    )

    page = console.post("/console/feeds/check", **MOVED).text
    assert "stays the same feed under its new address" in page
    console.post("/console/feeds/save", **fields_of(page))

    moved = load_feeds(console.feeds_path)[0]
    assert (moved.url, moved.headers_env) == (MOVED["url"], "POST_HEADERS")
    assert console.changes.kept[0].what == "Moved The Harbour Post"


def test_the_second_saver_sees_the_difference_and_decides(console: Console) -> None:
    mine = fields_of(console.post("/console/feeds/check", **MOVED).text)
    console.post("/console/feeds/1/pause", paused="true")

    told = console.post("/console/feeds/save", **mine)

    assert told.status == 409
    assert "Ada saved “Paused The Harbour Post”" in told.text
    assert load_feeds(console.feeds_path)[0].url == POST
    assert console.post("/console/feeds/save", **fields_of(told.text)).status == 303
    assert [(f.url, f.paused) for f in load_feeds(console.feeds_path)] == [(MOVED["url"], True), (GAZETTE, True)]


def test_a_removal_is_shown_first_and_can_be_undone(console: Console) -> None:
    page = console.post("/console/feeds/check", was=POST, url=POST, remove="true").text
    console.post("/console/feeds/save", **fields_of(page))
    assert [feed.url for feed in load_feeds(console.feeds_path)] == [GAZETTE]

    console.post("/console/changes/1/undo")

    assert console.feeds_path.read_text() == FEEDS
    page = console.get("/console/changes?file=feeds.yaml").text
    assert "Took back: Removed The Harbour Post" in page


def test_the_history_of_one_file_has_nothing_of_the_other(console: Console) -> None:
    console.post("/console/feeds/1/pause", paused="true")

    assert "Paused The Harbour Post" not in console.get("/console/changes?file=topics.yaml").text
    assert "Paused The Harbour Post" in console.get("/console/changes").text


def test_a_file_that_is_broken_by_hand_still_shows_how_feeds_are(console: Console) -> None:
    console.feeds_path.write_text("feeds:\n  - url: [\n")

    page = console.get("/console/feeds").text

    assert "The Harbour Post" in page


def test_a_viewer_sees_feeds_and_no_way_to_change_them(console: Console) -> None:
    console.sign_in("Vic", Role.VIEWER)

    assert "Add a feed" not in console.get("/console/feeds").text
    page = console.get("/console/feeds/1").text
    assert not any(word in page for word in ("Pause<", "Change or move", "Remove it"))
    assert console.get("/console/feeds/add").status == 403
    assert console.asked == []
