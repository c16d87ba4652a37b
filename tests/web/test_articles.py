"""The page of an alert as it leaves the server: what a reader without scripts gets, and what programs read of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from lxml import html

from notifier.alerts.alert import Alert, AlertKind
from notifier.alerts.article import Article, RelatedArticle, SentAlert, SentAlerts, SentCount, article
from notifier.alerts.evidence import Evidence, OnHold
from notifier.stories.breaking import BreakingSignals
from notifier.stories.story import StoryItem
from notifier.topics.topic import Then
from notifier.web.articles import FRESH_S, Articles
from notifier.web.assets import asset
from notifier.web.services import SiteSettings
from tests.stories.items import item
from tests.web.site import NOW, Site, alert

BEFORE = "Ferry aground with 40 aboard"
FIRST = alert(1, BEFORE, breaking=True, minutes_ago=90, body="Tugs are on their way.")
UPDATE = replace(
    alert(4, "Ferry aground with 52 aboard", kind=AlertKind.UPDATE, minutes_ago=20), why=Evidence(before=BEFORE)
)
OTHER = alert(3, "Harbour pilots end their strike", tag="s2")


class MemoryArticles:
    """ArticleStore of one story."""

    began = NOW - timedelta(days=100)
    left_out = frozenset[str]()
    older: tuple[SentCount, ...] = ()
    kept_only = False

    def __init__(self, *alerts: Alert, items: Sequence[StoryItem] = (), related: Sequence[RelatedArticle] = ()) -> None:
        self.alerts, self.items, self.related = alerts, items, related
        self.asked = 0

    def article(self, alert_id: int, now: datetime) -> Article | None:
        self.asked += 1
        known = {alert.id for alert in self.alerts}
        return article(self.alerts, self.items, self.related, now) if alert_id in known else None

    def sent(self, since: datetime, now: datetime) -> SentAlerts:
        self.asked += 1
        alerts = tuple(SentAlert(alert, self.left_out) for alert in self.alerts)
        return SentAlerts(max(since, self.began), alerts, self.older, self.kept_only)


def told(publisher: str, title: str, minutes_ago: float) -> StoryItem:
    at = NOW - timedelta(minutes=minutes_ago)
    url = f"https://{publisher.lower()}.example/ferry"
    return replace(item(1, title), publisher=publisher, url=url, seen_at=at, published_at=at)


def page(site: Site, number: int = 1) -> html.HtmlElement:
    answer = site.ask("GET", f"/alerts/{number}")
    assert answer.status == 200
    return html.document_fromstring(answer.text)


def words(document: html.HtmlElement, css: str) -> list[str]:
    return [" ".join(found.text_content().split()) for found in document.cssselect(css)]


def test_the_article_stands_first_as_it_was_sent_with_its_time_and_zone() -> None:
    document = page(Site(articles=MemoryArticles(FIRST)))

    assert words(document, "h1") == [BEFORE]
    assert words(document, ".told header p") == [
        "Breaking · The Harbour Post",
        "Tugs are on their way.",
        "Sunday 26 April 2026 08:00 UTC",
        "Read it at The Harbour Post",
    ]
    assert document.cssselect(".read a")[0].get("href") == "https://news.example/s1"


def test_whichever_alert_of_a_story_was_clicked_its_page_tells_the_newest_and_what_changed() -> None:
    for number in (1, 4):
        document = page(Site(articles=MemoryArticles(FIRST, UPDATE)), number)

        assert words(document, "h1") == ["Ferry aground with 52 aboard"]
        assert words(document, ".changed") == ["52 aboard now, 40 before."]
        assert words(document, ".changes li p:first-child strong") == ["Breaking", "Updated"]
        assert words(document, ".changes li p:last-child") == [BEFORE, "52 aboard now, 40 before."]
        assert document.cssselect("meta[property='og:url']")[0].get("content") == "http://127.0.0.1:8000/alerts/1"


def test_who_tells_it_stands_there_once_each_in_order_with_time_and_link() -> None:
    items = [told("Zeta", "Ferry stuck", 80), told("Alpha", "Ferry on a sandbank", 85), told("Zeta", "Ferry, later", 9)]

    document = page(Site(articles=MemoryArticles(FIRST, items=items)))

    assert words(document, ".outlets .kicker") == [
        "Alpha · Sunday 26 April 2026 08:05 UTC",
        "Zeta · Sunday 26 April 2026 08:10 UTC",
    ]
    assert [link.get("href") for link in document.cssselect(".outlets a")] == [
        "https://alpha.example/ferry",
        "https://zeta.example/ferry",
    ]


def test_where_nobody_else_tells_it_the_outlet_is_named_once() -> None:
    assert words(page(Site(articles=MemoryArticles(FIRST, items=[told("Zeta", "Ferry stuck", 80)]))), ".outlets") == []


def test_related_stories_lead_to_their_own_pages_where_they_were_alerted() -> None:
    related = [RelatedArticle("Islands cut off", "Alpha", "https://alpha.example/1", 17)]
    related.append(RelatedArticle("Tugs ordered", "Zeta", "https://zeta.example/2"))

    document = page(Site(articles=MemoryArticles(FIRST, related=related), alerts=(OTHER,)))

    links = document.cssselect(".beside a")
    assert [link.get("href") for link in links] == ["/alerts/17", "https://zeta.example/2", "/alerts/3"]
    assert links[2].text == "Harbour pilots end their strike"


def test_why_it_was_sent_names_the_topics_with_their_words_and_the_way_to_less() -> None:
    signals = BreakingSignals(dict.fromkeys(["Alpha", "Zeta", "Eta"], 1.0))
    first = replace(FIRST, why=Evidence(topics={"world": ["Ferry"]}, signals=signals))

    document = page(Site(articles=MemoryArticles(first)))

    (why,) = words(document, ".why > p:not([hidden]):not(:last-child)")
    assert why == (
        "It went to everybody who follows World (it says “Ferry”). "
        "It was breaking: 3 outlets told it within a short time."
    )
    assert document.cssselect(".why > p:last-child a")[0].get("href") == "/"


def data(site: Site) -> dict[str, Any]:
    (block,) = page(site).cssselect("script[type='application/ld+json']")
    assert block.text is not None
    described: dict[str, Any] = json.loads(block.text)
    return described


def test_other_programs_read_that_the_outlet_is_the_source() -> None:
    site = Site(articles=MemoryArticles(FIRST, UPDATE))
    described, document = data(site), page(site)

    assert (described["@type"], described["headline"]) == ("NewsArticle", "Ferry aground with 52 aboard")
    assert described["publisher"] == {"@type": "NewsMediaOrganization", "name": "The Harbour Post"}
    assert described["mainEntityOfPage"] == "https://news.example/s1"
    assert described["datePublished"] == "2026-04-26T08:00:00+00:00"
    assert described["dateModified"] == "2026-04-26T09:10:00+00:00"
    assert document.cssselect("link[rel=canonical]")[0].get("href") == "https://news.example/s1"
    assert document.cssselect("meta[property='og:title']")[0].get("content") == "Ferry aground with 52 aboard"


def test_nothing_that_an_outlet_wrote_ends_the_data_block_or_runs() -> None:
    title = "</script><script>alert(1)</script> <!-- & ]]>"
    site = Site(articles=MemoryArticles(alert(1, title)))

    assert data(site)["headline"] == title
    assert [script.get("src") for script in page(site).cssselect("script:not([type='application/ld+json'])")] == [
        asset("alert.js")
    ]


def test_a_headline_that_is_written_from_right_to_left_turns_the_article_round() -> None:
    document = page(Site(articles=MemoryArticles(alert(1, "وقف إطلاق النار"))))

    assert document.cssselect(".told header")[0].get("dir") == "rtl"


@pytest.mark.parametrize(
    "hidden",
    [
        replace(FIRST, hold_until=NOW + timedelta(hours=1)),
        replace(FIRST, hold_until=NOW - timedelta(minutes=1)),
        replace(FIRST, hold_until=NOW + timedelta(hours=1), why=Evidence(hold=OnHold(then=Then.SEND))),
        replace(FIRST, withdrawn_at=NOW),
        replace(FIRST, kind=AlertKind.TEST),
    ],
)
def test_what_waits_was_withdrawn_or_is_a_test_has_no_page(hidden: Alert) -> None:
    assert Site(articles=MemoryArticles(hidden)).ask("GET", "/alerts/1").status == 404


def test_an_update_that_waits_for_an_editor_is_not_told_on_the_page_of_what_was_sent() -> None:
    waiting = replace(UPDATE, hold_until=NOW + timedelta(hours=1))

    answer = Site(articles=MemoryArticles(FIRST, waiting)).ask("GET", "/alerts/1")

    assert BEFORE in answer.text
    assert "52 aboard" not in answer.text


@pytest.mark.parametrize("number", ["0", "9", "-1", "x", "1e3", "٣", "9" * 40, "1.jpg"])
def test_what_is_no_alert_is_not_there(number: str) -> None:
    site = Site(articles=MemoryArticles(FIRST))
    assert site.ask("GET", f"/alerts/{number}", headers={"accept": "text/html"}).status == 404


def test_a_picture_comes_from_where_the_operator_chose() -> None:
    pictured = replace(FIRST, message=replace(FIRST.message, image_url="https://img.example/ferry.jpg"))
    elsewhere = SiteSettings(title="The Morning Wire", pictures_elsewhere=True)
    sites = {
        None: Site(articles=MemoryArticles(pictured)),
        "https://img.example/ferry.jpg": Site(articles=MemoryArticles(pictured), settings=elsewhere),
    }
    for address, site in sites.items():
        answer = site.ask("GET", "/alerts/1")
        shown = html.document_fromstring(answer.text).cssselect("figure img")
        assert [image.get("src") for image in shown] == ([address] if address else [])
        assert ("img-src https: 'self'" in answer.headers["content-security-policy"]) == (address is not None)


def test_when_everybody_opens_it_at_once_it_is_read_once_in_some_seconds() -> None:
    now = 0.0
    articles, store = Articles(lambda: now), MemoryArticles(FIRST)
    for _ in range(100):
        assert articles.get(1, lambda: store.article(1, NOW)) is not None
    assert store.asked == 1
    now = FRESH_S
    articles.get(1, lambda: store.article(1, NOW))
    assert store.asked == 2


def test_of_those_who_open_it_in_the_same_instant_one_reads_and_nobody_reads_again() -> None:
    now = 0.0
    articles, store = Articles(lambda: now), MemoryArticles(FIRST)
    begun, go = Event(), Event()

    def slowly() -> Article | None:
        begun.set()
        assert go.wait(10)
        return store.article(1, NOW)

    with ThreadPoolExecutor(20) as readers:
        first = readers.submit(articles.get, 1, slowly)
        assert begun.wait(10)
        others = [readers.submit(articles.get, 1, slowly) for _ in range(19)]
        go.set()
        assert all(one.result() is not None for one in (first, *others))
        assert store.asked == 1

        now = FRESH_S
        begun.clear()
        go.clear()
        again = readers.submit(articles.get, 1, slowly)
        assert begun.wait(10)
        assert articles.get(1, slowly) is not None, "what was read before, at once"
        go.set()
        again.result()
    assert store.asked == 2


def test_a_database_that_is_away_is_asked_again_by_the_next_who_opens_it() -> None:
    articles, store = Articles(lambda: 0.0), MemoryArticles(FIRST)

    def away() -> Article | None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        articles.get(1, away)
    assert articles.get(1, lambda: store.article(1, NOW)) is not None


def test_the_agency_or_photographer_is_named_where_the_feed_names_it() -> None:
    own = replace(told("Post", BEFORE, 95), url=FIRST.message.url, credit="Ada Lovelace, Reuters")
    document = page(Site(articles=MemoryArticles(FIRST, items=[own])))

    assert words(document, ".credit") == ["Ada Lovelace, Reuters"]
