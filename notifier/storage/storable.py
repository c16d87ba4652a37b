"""What a database takes: text without what it refuses, and whose fault it is that it refused something.

PostgreSQL takes no NUL and no lone surrogate, SQLite no integer above 2^63; each entry of a feed is somebody else's.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from notifier.feeds.feed import FeedItem

MOST_LANGUAGE_CHARS = 35
_REFUSED = re.compile("[\x00\ud800-\udfff]")
_LIMIT_EXCEEDED = "54"  # PostgreSQL's class of errors about one value: a row or an index entry that is too large


def storable_text(text: str) -> str:
    """The text without NUL characters and lone surrogates."""
    return _REFUSED.sub("", text)


def storable(item: FeedItem) -> FeedItem:
    """The item as both databases take it; mostly the very one."""
    language = item.language
    named = (item.image_url or "", language or "", item.credit or "")
    every = "".join((item.guid, item.url, item.title, item.summary, *named))
    if not _REFUSED.search(every) and len(language or "") <= MOST_LANGUAGE_CHARS:
        return item
    language = language and storable_text(language)
    return replace(
        item,
        guid=storable_text(item.guid),
        url=storable_text(item.url),
        title=storable_text(item.title),
        summary=storable_text(item.summary),
        image_url=item.image_url and storable_text(item.image_url),
        credit=item.credit and storable_text(item.credit),
        language=language if language and len(language) <= MOST_LANGUAGE_CHARS else None,
    )


def is_of_the_database(error: Exception) -> bool:
    """Whether the trouble is the database's own (away, full, locked), and not that of what was to be written."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None) or ""
    if state.startswith(_LIMIT_EXCEEDED):
        return False
    return isinstance(error, OperationalError | InterfaceError)
