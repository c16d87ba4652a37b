from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notifier.feeds.feed import FeedItem, ParsedFeed
from notifier.feeds.read import read
from tests.feeds.made import NOON, URL, Entry, as_rss, document, item, rss


def feed_of(body: bytes) -> ParsedFeed:
    found = read(body, content_type="text/xml", url=URL)
    assert isinstance(found, ParsedFeed), found
    return found


def only_item(inside: str, attributes: str = "") -> FeedItem:
    (found,) = feed_of(rss(item(inside), attributes=attributes)).items
    return found


def atom(inside: str, attributes: str = "") -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>The Paper</title>{inside}</feed>'.encode()


@pytest.mark.parametrize(
    ("dialect", "name"), [("rss", "rss20"), ("cdata", "rss20"), ("atom", "atom10"), ("rdf", "rss10")]
)
def test_every_dialect_says_the_same(dialect: str, name: str) -> None:
    feed = feed_of(document(dialect, Entry("Fish & chips: “up” 5%")))
    (found,) = feed.items
    assert (feed.title, feed.format, feed.problems) == ("The Paper", name, ())
    assert (found.title, found.url) == ("Fish & chips: “up” 5%", "https://paper.example/bridge")
    assert found.summary.startswith("The council votes tonight.")
    assert found.published_at == NOON


@pytest.mark.parametrize(
    ("root", "version"),
    [
        ('<rss version="0.91">', "rss091u"),
        ('<rss version="0.92">', "rss092"),
        ("<rss>", "rss"),
        ('<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "x"><rss version="0.91">', "rss091n"),
    ],
)
def test_old_versions_of_rss_are_read(root: str, version: str) -> None:
    feed = feed_of(f"{root}<channel><title>Old</title>{as_rss(Entry())}</channel></rss>".encode())
    assert (feed.format, feed.items[0].title) == (version, "Council votes on the bridge")


def test_rss_090_keeps_its_items_beside_the_channel() -> None:
    body = (
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">'
        b"<channel><title>Old</title></channel><item><title>a</title><link>https://paper.example/a</link></item></rdf:RDF>"
    )
    assert [(i.title, i.url) for i in feed_of(body).items] == [("a", "https://paper.example/a")]


def test_the_feeds_own_hints_are_kept() -> None:
    feed = feed_of(
        rss(
            head='<language>en_GB</language><ttl>5</ttl><a:link rel="hub" href="https://hub.example/"/>'
            '<a:link rel="self" href="https://paper.example/rss"/>',
            attributes='xmlns:a="http://www.w3.org/2005/Atom"',
        )
    )
    assert (feed.language, feed.ttl_s, feed.hub_url, feed.self_url) == (
        "en-gb",
        300.0,
        "https://hub.example/",
        "https://paper.example/rss",
    )


@pytest.mark.parametrize(
    ("head", "ttl_s"),
    [
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 900.0),
        ("<sy:updatePeriod> daily </sy:updatePeriod>", 86_400.0),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 3600.0),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>often</sy:updateFrequency>", None),
        ("<sy:updatePeriod>sometimes</sy:updatePeriod>", None),
        ("<ttl>soon</ttl>", None),
        ("<ttl>0</ttl>", None),
        ("<ttl>-5</ttl>", None),
        ("<ttl>15</ttl><sy:updatePeriod>daily</sy:updatePeriod>", 900.0),
    ],
)
def test_the_wish_for_an_interval_is_seconds_or_nothing(head: str, ttl_s: float | None) -> None:
    namespace = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    assert feed_of(rss(head=head, attributes=namespace)).ttl_s == ttl_s


def test_without_a_guid_the_address_identifies_and_without_that_the_title() -> None:
    assert only_item("<title>a</title><link>https://paper.example/a</link>").guid == "https://paper.example/a"
    one, two = (only_item(f"<title>{title}</title>").guid for title in ("a", "b"))
    assert one == only_item("<title>a</title>").guid != two


@pytest.mark.parametrize(
    ("inside", "url"),
    [
        ("<guid>https://paper.example/a</guid>", "https://paper.example/a"),
        ('<guid isPermaLink="false">a1</guid>', ""),
        ("<link>/a?x=1&amp;y=2</link>", "https://paper.example/a?x=1&y=2"),
        ("<link><![CDATA[ https://paper.example/a ]]></link>", "https://paper.example/a"),
        ("<link>javascript:alert(1)</link>", ""),
        (
            "<link>https://track.example/1</link><f:origLink>https://paper.example/a</f:origLink>",
            "https://paper.example/a",
        ),
        ('<enclosure url="https://paper.example/a.mp3" type="audio/mpeg"/>', "https://paper.example/a.mp3"),
        ('<a:link rel="replies" href="https://paper.example/a#comments"/>', ""),
    ],
)
def test_the_address_is_that_of_the_publishers_page(inside: str, url: str) -> None:
    namespaces = 'xmlns:f="http://rssnamespace.org/feedburner/ext/1.0" xmlns:a="http://www.w3.org/2005/Atom"'
    assert only_item(f"<title>t</title>{inside}", namespaces).url == url


@pytest.mark.parametrize(
    ("feed_base", "entry_base", "url"),
    [
        ("", "", "https://paper.example/x.html"),
        ('xml:base="https://cdn.example/news/"', "", "https://cdn.example/news/x.html"),
        ('xml:base="https://cdn.example/news/"', 'xml:base="world/"', "https://cdn.example/news/world/x.html"),
        ('xml:base="/news/"', 'xml:base="world/"', "https://paper.example/news/world/x.html"),
    ],
)
def test_relative_addresses_follow_xml_base(feed_base: str, entry_base: str, url: str) -> None:
    body = atom(f'<entry {entry_base}><title>t</title><id>1</id><link href="x.html"/></entry>', feed_base)
    assert feed_of(body).items[0].url == url


def test_an_item_without_a_title_takes_the_beginning_of_its_text() -> None:
    found = only_item(f"<description>&lt;p&gt;{'Rain all day. ' * 30}&lt;/p&gt;</description>")
    assert found.title.startswith("Rain all day. Rain")
    assert found.title.endswith("…")


def test_an_item_that_says_nothing_is_left_out() -> None:
    feed = feed_of(rss(item(""), item("<guid isPermaLink='false'>1</guid>"), as_rss(Entry())))
    assert [i.guid for i in feed.items] == ["bridge-1"]


def test_summary_and_content_are_told_apart() -> None:
    content = "<content:encoded><![CDATA[<p>The whole story.</p>]]></content:encoded>"
    namespace = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    assert only_item(f"<title>t</title><description>Short.</description>{content}", namespace).summary == "Short."
    assert only_item(f"<title>t</title>{content}", namespace).summary == "The whole story."


def test_a_date_with_a_summer_time_that_feedparser_does_not_know_is_right() -> None:
    found = only_item("<title>t</title><pubDate>Mon, 01 Jun 2026 13:00:00 BST</pubDate>")
    assert found.published_at == datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def test_published_and_updated_are_two_times() -> None:
    times = "<published>2026-03-01T08:00:00Z</published><updated>2026-03-01T09:30:00+01:00</updated>"
    found = feed_of(atom(f"<entry><title>t</title><id>1</id>{times}</entry>")).items[0]
    assert found.published_at == datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def test_an_item_without_a_date_has_none() -> None:
    found = only_item("<title>t</title><pubDate>recently</pubDate>")
    assert (found.published_at, found.updated_at) == (None, None)


def test_the_language_is_the_items_own_or_that_of_the_feed() -> None:
    body = atom(
        '<entry><title>t</title><id>1</id></entry><entry xml:lang="cy"><title>t</title><id>2</id></entry>',
        'xml:lang="en-GB"',
    )
    assert [i.language for i in feed_of(body).items] == ["en-gb", "cy"]


def test_categories_are_clean_and_once_each() -> None:
    found = only_item("<title>t</title><category>World &amp;amp; Africa</category><category>UK</category>"
                      "<category>UK</category><category/>")  # fmt: skip
    assert found.categories == ("World & Africa", "UK")


@pytest.mark.parametrize(
    ("kind", "title", "text"),
    [
        ("", "AT&amp;T &lt;5% up", "AT&T <5% up"),
        ('type="html"', "&lt;b&gt;AT&amp;amp;T&lt;/b&gt; up", "AT&T up"),
        ('type="xhtml"', '<div xmlns="http://www.w3.org/1999/xhtml"><b>AT&amp;T</b> up</div>', "AT&T up"),
    ],
)
def test_the_types_of_atom_text_are_applied(kind: str, title: str, text: str) -> None:
    assert feed_of(atom(f"<entry><title {kind}>{title}</title><id>1</id></entry>")).items[0].title == text


def test_the_title_of_a_picture_is_not_the_title_of_the_item() -> None:
    media = '<media:content url="https://pics.example/a.jpg"><media:title>A bridge</media:title></media:content>'
    namespace = 'xmlns:media="http://search.yahoo.com/mrss/"'
    assert only_item(f"<title>t</title>{media}", namespace).title == "t"


def test_broken_xml_is_read_leniently_and_said_to_be_broken() -> None:
    feed = feed_of(rss(item("<title>Profit & loss</title><link>https://paper.example/a</link>")))
    assert [i.title for i in feed.items] == ["Profit & loss"]
    assert "not well-formed" in feed.problems[0]


def test_a_document_that_stops_in_the_middle_gives_the_items_before_it() -> None:
    whole = rss(*(as_rss(Entry.number(n)) for n in range(5)))
    feed = feed_of(whole[: whole.index(b"Story 3")])
    assert [i.title for i in feed.items][:3] == ["Story 0", "Story 1", "Story 2"]


def test_a_reference_to_no_character_is_dropped() -> None:
    assert only_item("<title>a&#0;b&#xD800;c&#x110000;d&#xFFFFFFFFFF;&#8364;</title>").title == "abcd€"


def test_more_items_than_anybody_reads_are_cut_to_the_newest() -> None:
    entries = [Entry.number(n) for n in range(1_010)]
    feed = feed_of(rss(*(as_rss(entry) for entry in reversed(entries))))
    assert len(feed.items) == len(feed.digests) == 1_000
    assert feed.items[-1].title == "Story 0"
    assert "1,010 items" in feed.problems[0]


MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'


@pytest.mark.parametrize(
    ("inside", "credit"),
    [
        ("<media:credit role='photographer'>Ada &amp; Bea</media:credit>", "Ada & Bea"),
        (
            (
                "<media:content url='https://i.example/1.jpg'><media:credit>Ada</media:credit></media:content>"
                "<media:credit>Reuters</media:credit><media:credit>Ada</media:credit>"
            ),
            "Ada, Reuters",
        ),
        ("<media:credit> &lt;b&gt; &lt;/b&gt; </media:credit>", None),
        ("<title>Only</title>", None),
    ],
)
def test_the_agency_and_the_photographer_are_kept_as_the_feed_writes_them(inside: str, credit: str | None) -> None:
    assert only_item(f"<title>Bridge opens</title>{inside}", MEDIA).credit == credit


def test_a_credit_is_short() -> None:
    found = only_item(f"<title>Bridge opens</title><media:credit>{'Ada ' * 200}</media:credit>", MEDIA).credit
    assert found is not None
    assert len(found) <= 120
