"""Markup in: plain text out, which a person reads in a notification; or the tree of a document, however broken.

Enters: a title or a summary as a feed has it (HTML, escaped once or twice, or plain). Leaves: one line of text without
markup, entities or control characters, for `FeedItem`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

import nh3
from lxml import etree

from notifier.text.line import one_line, shorten

# The readable part of a summary is short; what lies behind is never shown and only costs time.
MAX_MARKUP_CHARS = 20_000
MAX_TITLE_CHARS = 500
MAX_SUMMARY_CHARS = 2_000
HEADLESS_TITLE_CHARS = 120
MAX_CREDIT_CHARS = 120

_TAG = re.compile(
    r"</?(?:a|abbr|address|article|aside|b|big|blockquote|br|center|cite|code|dd|del|div|dl|dt|em|embed|figcaption"
    r"|figure|font|footer|form|h[1-6]|header|hr|i|iframe|img|ins|li|mark|object|ol|p|pre|q|s|script|section|small|span"
    r"|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul|video)\b[^<>]*/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(
    r"<(?=/?(?:address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|img|li|ol|p"
    r"|pre|section|table|td|th|tr|ul)\b)",
    re.IGNORECASE,
)
_DROP_WITH_CONTENT = {"script", "style", "iframe", "object", "noscript", "svg", "math", "template"}


def plain(markup: str, *, limit_chars: int, is_html: bool = True) -> str:
    """`markup` as one line of text of at most `limit_chars`, cut at a word with "…".

    `is_html=False` says that the feed declares plain text: "x<y" stays as it is. It is believed unless it holds a tag
    that everybody knows, because many feeds declare it wrongly. Entities are resolved in either case.
    """
    text = markup[:MAX_MARKUP_CHARS]
    if is_html or _TAG.search(text):
        text = _without_tags(text)
    text = html.unescape(text)
    if _TAG.search(text):  # escaped once more than the format asks for
        text = html.unescape(_without_tags(text))
    return shorten(one_line(text), limit_chars)


def credit(names: Iterable[str], *, is_html: bool = True) -> str | None:
    """Whoever a feed credits, each once: "Ada Lovelace, Reuters"; None where it names nobody."""
    said = (plain(name, limit_chars=MAX_CREDIT_CHARS, is_html=is_html) for name in names)
    return shorten(", ".join(dict.fromkeys(filter(None, said))), MAX_CREDIT_CHARS) or None


def lenient_tree(document: bytes, encoding: str | None = "utf-8") -> etree._Element | None:
    """What libxml2 makes of broken XML; no entity, DTD or file is loaded for it. None where nothing is left.

    `encoding` None: as the document says of itself.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, encoding=encoding)
    try:
        return etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _without_tags(markup: str) -> str:
    """Text with entities still in it; a block's edge counts as a space."""
    if "<" not in markup:
        return markup
    return nh3.clean(_BREAK.sub(" <", markup), tags=set(), clean_content_tags=_DROP_WITH_CONTENT)
