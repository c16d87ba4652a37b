from __future__ import annotations

from datetime import UTC, datetime

from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable
from notifier.feeds.read import read
from tests.feeds.made import URL

NAMESPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)
ARTICLE = (
    "<url><loc>https://paper.example/bridge</loc><lastmod>2026-03-01T12:40:00Z</lastmod><news:news><news:publication>"
    "<news:name>The Paper</news:name><news:language>en</news:language></news:publication>"
    "<news:publication_date>2026-03-01T13:00:00+01:00</news:publication_date>"
    "<news:title>Fish &amp;amp; chips</news:title><news:keywords>food, uk,</news:keywords></news:news>"
    "<image:image><image:loc>https://pics.example/a.jpg</image:loc></image:image></url>"
)


def urlset(*urls: str, start: str = "") -> bytes:
    return f"{start}<urlset {NAMESPACES}>{''.join(urls)}</urlset>".encode()


def feed_of(body: bytes, known: frozenset[bytes] = frozenset()) -> ParsedFeed:
    found = read(body, content_type="text/xml", url=URL, known=known)
    assert isinstance(found, ParsedFeed), found
    return found


def test_an_article_is_read_with_all_that_the_sitemap_says() -> None:
    feed = feed_of(urlset(ARTICLE))
    assert (feed.title, feed.format, feed.language) == ("The Paper", "news-sitemap", "en")
    assert feed.items == (
        FeedItem(
            guid="https://paper.example/bridge",
            url="https://paper.example/bridge",
            title="Fish & chips",
            image_url="https://pics.example/a.jpg",
            published_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
            updated_at=datetime(2026, 3, 1, 12, 40, tzinfo=UTC),
            language="en",
            categories=("food", "uk"),
        ),
    )


def test_only_what_is_new_is_read_again() -> None:
    before = feed_of(urlset(ARTICLE))
    newer = ARTICLE.replace("bridge", "tunnel")
    assert [i.url for i in feed_of(urlset(newer, ARTICLE), frozenset(before.digests)).items] == [
        "https://paper.example/tunnel"
    ]


def test_pages_that_are_no_news_are_left_out() -> None:
    assert len(feed_of(urlset("<url><loc>https://paper.example/about</loc></url>", ARTICLE)).items) == 1


def test_a_sitemap_without_news_says_what_to_look_for() -> None:
    found = read(b"<urlset><url><loc>https://paper.example/about</loc></url></urlset>", content_type=None, url=URL)
    assert isinstance(found, Unreadable)
    assert "no news" in found.reason


def test_an_empty_news_sitemap_is_a_quiet_night_and_no_error() -> None:
    assert feed_of(urlset()).items == ()


def test_an_index_names_the_sitemaps_with_news_first() -> None:
    index = b"<sitemapindex><sitemap><loc>/a.xml</loc></sitemap><sitemap><loc>/news.xml</loc></sitemap></sitemapindex>"
    found = read(index, content_type=None, url=URL)
    assert isinstance(found, Unreadable)
    assert "https://paper.example/news.xml, https://paper.example/a.xml" in found.reason


def test_no_entity_and_no_file_is_loaded() -> None:
    start = '<!DOCTYPE urlset [<!ENTITY e SYSTEM "file:///etc/hostname"><!ENTITY f "ffffffff">]>'
    feed = feed_of(urlset(ARTICLE.replace("Fish", "A&e;&f;B"), start=start))
    assert feed.items[0].title.startswith("A")
    assert "f" not in feed.items[0].title


def test_broken_xml_gives_the_articles_before_the_break() -> None:
    assert len(feed_of(urlset(ARTICLE, "<url><loc>https://pa")[:-9]).items) == 1
