"""An alert that an operator wrote: words and a choice of topics in, a `NewAlert` out. Next: the alert store.

The console's form and the JSON API both come here. Pure, but for the name of a notification that belongs to no story.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from notifier.alerts.alert import Alert, AlertKind, Message, NewAlert, Urgency
from notifier.alerts.decide import AlertRules
from notifier.alerts.evidence import Author, Evidence
from notifier.text.line import one_line, visible

NO_STORY = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert as it is being written: text that a screen can show, nothing else checked yet.

    `story` and `replaces` are 0 where it is about neither; `kind` is what it is where it replaces an alert.
    """

    title: str = ""
    body: str = ""
    url: str = ""
    topics: tuple[str, ...] = ()
    breaking: bool = False
    story: int = NO_STORY
    replaces: int = 0
    kind: AlertKind = AlertKind.CORRECTION

    def message(self, publisher: str, now: datetime, tag: str) -> Message:
        """Exactly what a screen will show."""
        return Message(one_line(self.title), visible(self.body), self.url, publisher, now, tag)

    def alert(self, author: Author, publisher: str, old: Alert | None, rules: AlertRules, now: datetime) -> NewAlert:
        """The alert as of now. `old` is the one that it replaces; the `author` goes into the evidence."""
        why = Evidence(author, old.id, before=old.message.title) if old else Evidence(author)
        own_tag = f"story-{self.story}" if self.story else f"by-hand-{secrets.token_hex(6)}"
        return NewAlert(
            story_id=old.story_id if old else self.story,
            kind=self.kind if old else AlertKind.NEW,
            message=self.message(publisher, now, old.message.tag if old else own_tag),
            topics=frozenset(self.topics),
            breaking=self.breaking,
            urgency=Urgency.HIGH if self.breaking else Urgency.NORMAL,
            ttl_s=rules.breaking_ttl_s if self.breaking else rules.normal_ttl_s,
            why=why,
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
