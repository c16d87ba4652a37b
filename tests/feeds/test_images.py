from __future__ import annotations

import pytest

from notifier.feeds.images import absolute, first_in
from notifier.feeds.read import read
from tests.feeds.made import URL, item, rss

MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/"'


def image_of(inside: str, attributes: str = MEDIA) -> str | None:
    found = read(rss(item(f"<title>t</title><link>https://paper.example/a/b</link>{inside}"), attributes=attributes),
                 content_type=None, url=URL)  # fmt: skip
    return found.items[0].image_url  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "inside",
    [
        '<media:content url="https://pics.example/a.jpg" medium="image"/>',
        '<media:content url="https://pics.example/a.jpg" type="image/jpeg"/>',
        '<media:content url="https://pics.example/a.jpg"/>',
        '<media:group><media:content url="https://pics.example/a.jpg"/></media:group>',
        '<media:content medium="video"><media:thumbnail url="https://pics.example/a.jpg"/></media:content>',
        '<media:thumbnail url="https://pics.example/a.jpg"/>',
        '<enclosure url="https://pics.example/a.jpg" type="image/jpeg" length="1"/>',
        '<enclosure url="https://pics.example/a.mp3" type="audio/mpeg"/><enclosure url="https://pics.example/a.jpg"/>',
        "<og:image xmlns:og='http://ogp.me/ns#'>https://pics.example/a.jpg</og:image>",
        '<itunes:image xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" href="https://pics.example/a.jpg"/>',
        '<description><![CDATA[<p>x</p><img src="https://pics.example/a.jpg">]]></description>',
        "<description>&lt;img alt='a' src='https://pics.example/a.jpg' /&gt;</description>",
        "<description>&lt;img src=https://pics.example/a.jpg&gt;</description>",
        '<c:encoded xmlns:c="http://purl.org/rss/1.0/modules/content/">&lt;img src="//pics.example/a.jpg"></c:encoded>',
    ],
)
def test_a_picture_is_found_wherever_publishers_put_it(inside: str) -> None:
    assert image_of(inside) == "https://pics.example/a.jpg"


def test_the_smallest_picture_that_is_wide_enough_wins() -> None:
    sizes = "".join(f'<media:content url="https://pics.example/{w}.jpg" width="{w}"/>' for w in (140, 1200, 700, 460))
    assert image_of(sizes) == "https://pics.example/700.jpg"


def test_the_widest_wins_where_none_is_wide_enough() -> None:
    sizes = "".join(f'<media:thumbnail url="https://pics.example/{w}.jpg" width="{w}"/>' for w in (66, 300, 144))
    assert image_of(sizes) == "https://pics.example/300.jpg"


def test_a_relative_picture_belongs_to_the_items_page() -> None:
    assert image_of("<description>&lt;img src='c.png'&gt;</description>") == "https://paper.example/a/c.png"


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="https://count.example/p.gif" width="1" height="1">',
        '<img width=0 src="https://count.example/p.gif">',
        '<img src="data:image/gif;base64,AAAA">',
        '<img src="javascript:alert(1)">',
        "<img>",
        "<img src=''>",
    ],
)
def test_tracking_pixels_and_what_is_no_address_are_no_pictures(markup: str) -> None:
    assert first_in(markup, URL) is None


def test_entities_in_an_address_are_resolved() -> None:
    assert first_in('<img src="/a.jpg?w=1&amp;h=2">', URL) == "https://paper.example/a.jpg?w=1&h=2"


@pytest.mark.parametrize(
    "address", ["", " ", None, 3, "mailto:a@b.example", "https://", "http://[::1", "ftp://a.example/x"]
)
def test_only_http_addresses_with_a_host_are_absolute(address: object) -> None:
    assert absolute(address, "") is None


def test_white_space_that_broke_an_address_is_removed() -> None:
    assert absolute(" https://paper.example/\n a ", "") == "https://paper.example/a"
    assert absolute("Http://Paper.example/A", "") == "http://Paper.example/A"


def test_an_address_that_a_push_message_could_not_carry_is_none_whatever_its_script() -> None:
    assert absolute("https://paper.example/" + "a" * 1_900, "") is not None
    assert absolute("https://paper.example/" + "新" * 700, "") is None
