"""Items as tests write them: what is not said does not matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.stories.canonical import canonical_url
from notifier.stories.story import StoryItem

NOON = datetime(2030, 5, 14, 12, tzinfo=UTC)


def item(item_id: int, title: str, publisher: str = "Harbour Post", *, hours: float = 0.0, **given: Any) -> StoryItem:
    """An item published and seen `hours` after noon."""
    at = NOON + timedelta(hours=hours)
    url = given.pop("url", f"https://{publisher.lower().replace(' ', '')}.example/{item_id}")
    made = StoryItem(
        id=item_id,
        feed_id=1,
        publisher=publisher,
        section="world",
        url=url,
        canonical_url=canonical_url(url),
        title=title,
        summary="",
        seen_at=at,
        published_at=at,
    )
    return replace(made, **given)
