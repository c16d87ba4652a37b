"""Google News sitemaps: a newsroom's own list of its last two days, often ahead of its RSS.

Enters: the document in UTF-8 without the items that are known. Leaves: `ParsedFeed`, or `Unreadable` for a sitemap that
lists other sitemaps. Namespaces: sitemaps.org 0.9, sitemap-news 0.9, sitemap-image 1.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from notifier.feeds import dates, images
from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable
from notifier.feeds.markup import MAX_TITLE_CHARS, lenient_tree, plain
from notifier.text.languages import language_tag
from notifier.text.line import one_line

NEWS_NAMESPACE = b"schemas/sitemap-news/"


def parse(document: bytes, url: str) -> ParsedFeed:
    """Every `<url>` that has a `<news:news>` part."""
    pages = [_Page(element) for element in _elements(document, "url")]
    news = [page for page in pages if page.text("title")]
    return ParsedFeed(
        title=next((name for page in news if (name := page.text("name"))), ""),
        items=tuple(item for page in news if (item := _item(page, url))),
        format="news-sitemap",
        language=next((tag for page in news if (tag := language_tag(page.text("language")))), None),
    )


def index(document: bytes, url: str) -> Unreadable:
    """An index names the sitemaps that an operator can use instead."""
    found = (images.absolute(_Page(element).text("loc"), url) for element in _elements(document, "sitemap"))
    names = sorted((name for name in found if name), key=lambda name: "news" not in name.lower())[:5]
    return Unreadable(
        f"This is an index of sitemaps. Use the one with news in it: {', '.join(names) or 'it is empty'}."
    )


class _Page:
    """The texts of one `<url>`, whatever their namespaces' prefixes; the first of each name counts."""

    def __init__(self, element: etree._Element) -> None:
        self._texts: dict[str, str] = {}
        for child in element.iter(etree.Element):
            name = etree.QName(child)
            of_image = name.localname == "loc" and "image" in (name.namespace or "")
            self._texts.setdefault("image-loc" if of_image else name.localname, child.text or "")

    def text(self, name: str) -> str:
        return one_line(self._texts.get(name, ""))


def _item(page: _Page, base: str) -> FeedItem | None:
    url = images.absolute(page.text("loc"), base)
    if url is None:
        return None
    return FeedItem(
        guid=url,
        url=url,
        title=plain(page.text("title"), limit_chars=MAX_TITLE_CHARS),
        image_url=images.absolute(page.text("image-loc"), url),
        published_at=dates.parse(page.text("publication_date")),
        updated_at=dates.parse(page.text("lastmod")),
        language=language_tag(page.text("language")),
        categories=tuple(word for part in page.text("keywords").split(",") if (word := part.strip()))[:30],
    )


def _elements(document: bytes, name: str) -> Iterator[etree._Element]:
    tree = lenient_tree(document)
    return tree.iter(f"{{*}}{name}") if tree is not None else iter(())
