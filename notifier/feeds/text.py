"""Markup in, plain text out: what a person reads in a notification.

Enters: a title or a summary as a feed has it (HTML, escaped once or twice, or plain). Leaves: one line of text without
markup, entities or control characters, for `FeedItem`.
"""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

# The readable part of a summary is short; what lies behind is never shown and only costs time.
MAX_MARKUP_CHARS = 20_000
MAX_TITLE_CHARS = 500
MAX_SUMMARY_CHARS = 2_000
HEADLESS_TITLE_CHARS = 120

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
# Control characters, surrogates, and what is not drawn and only steers: zero-width space and joiners of words, soft
# hyphen, bidi embeddings, overrides and isolates (UAX 9: left open they turn round what stands behind a headline),
# deprecated and annotation controls, BOM, tags but those of a flag. The joiners of scripts and emoji (U+200C, U+200D)
# stay.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e007a]+\U000e007f)|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e00ff]"
)
_WORDY = frozenset(("Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No"))
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"  # Hangul fillers, which are drawn as nothing (UAX 44, Default_Ignorable)


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


def one_line(text: str) -> str:
    """Composed (NFC), without invisible characters, each run of white space a single space."""
    return " ".join(visible(text).split())


def visible(text: str) -> str:
    """Composed (NFC), without what is not drawn and only steers; line breaks stay."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub(r"\1", text))


def has_words(text: str) -> bool:
    """Whether a person who looks at it reads something: one letter or digit that is drawn.

    Not marks, punctuation, symbols and emoji alone, nor what Unicode calls letters and nobody sees.
    """
    return any(unicodedata.category(c) in _WORDY and c not in _BLANK_LETTERS for c in text)


def shorten(text: str, limit_chars: int) -> str:
    """At most `limit_chars`, ended at a word with "…" where something was cut."""
    if len(text) <= limit_chars:
        return text
    cut = text[: limit_chars - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > limit_chars // 2 else cut).rstrip(" ,;:.-") + "…"


def _without_tags(markup: str) -> str:
    """Text with entities still in it; a block's edge counts as a space."""
    if "<" not in markup:
        return markup
    return nh3.clean(_BREAK.sub(" <", markup), tags=set(), clean_content_tags=_DROP_WITH_CONTENT)
