"""An alert that an operator wrote: words and a choice of topics in, a `NewAlert` out. Next: the alert store.

The console's form and the JSON API both come here. Pure, but for the name of a notification that belongs to no story.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from notifier.alerts.alert import Alert, AlertKind, Message, NewAlert, Urgency
from notifier.alerts.decide import AlertRules
from notifier.text.line import one_line, visible

NO_STORY = 0
NO_WORDS = "Write a headline with words: a screen would show nothing that can be read."


@dataclass(frozen=True, slots=True)
class ByHand:
    """`story_id` is NO_STORY where it is about none; `replaces` is the alert whose place on screens it takes, as a
    `kind` of follow-up; `who` goes into the evidence.
    """

    title: str
    body: str
    url: str
    topics: frozenset[str]
    breaking: bool
    who: Mapping[str, Any]
    story_id: int = NO_STORY
    replaces: Alert | None = None
    kind: AlertKind = AlertKind.CORRECTION

    def alert(self, publisher: str, rules: AlertRules, now: datetime) -> NewAlert:
        """The alert as of now."""
        old = self.replaces
        own_tag = f"story-{self.story_id}" if self.story_id else f"by-hand-{secrets.token_hex(6)}"
        tag = old.message.tag if old else own_tag
        return NewAlert(
            story_id=old.story_id if old else self.story_id,
            kind=self.kind if old else AlertKind.NEW,
            message=Message(one_line(self.title), visible(self.body), self.url, publisher, now, tag),
            topics=self.topics,
            breaking=self.breaking,
            urgency=Urgency.HIGH if self.breaking else Urgency.NORMAL,
            ttl_s=rules.breaking_ttl_s if self.breaking else rules.normal_ttl_s,
            why={**self.who, **({"replaces": old.id} if old else {})},
            decided_at=now,
        )


def is_web_address(url: str) -> bool:
    """Whether a tap on a notification would open something."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in url
