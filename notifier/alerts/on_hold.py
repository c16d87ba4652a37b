"""What of an alert goes now and what waits for an editor: a held topic's followers get nothing that nobody let go.

Enters: an alert for several topics. Leaves: the part for those that need nobody, and one for each kind of waiting.
Pure. A part that waits is never sent by itself, unless its topic says so: `held: {for: 15m, then: send}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.alerts.alert import NewAlert
from notifier.alerts.evidence import OnHold
from notifier.topics.topic import Fallback, Then, Topic, TopicMode


def by_mode(
    alert: NewAlert, topics: Mapping[str, Topic], now: datetime
) -> tuple[NewAlert | None, tuple[NewAlert, ...]]:
    """(what goes now, what waits). Whoever follows a topic that needs nobody gets the alert by that one."""
    waiting: dict[Fallback | None, set[str]] = {}
    for slug in sorted(alert.topics):
        if slug in topics and topics[slug].mode is TopicMode.HELD:
            waiting.setdefault(topics[slug].held, set()).add(slug)
    if not waiting:
        return alert, ()
    free = alert.topics.difference(*waiting.values())
    held = tuple(_held(_for(alert, slugs, free), fallback, now) for fallback, slugs in waiting.items())
    return (_for(alert, free) if free else None), held


def hold_by_operator(alert: NewAlert, now: datetime) -> NewAlert:
    """The alert of a story that an operator put on hold: by the time that its hold ends it is too old to be sent."""
    return _waiting(alert, "An operator asked to see this story's alerts first.", alert.ttl_s, Then.DROP, now)


def _for(alert: NewAlert, slugs: set[str] | frozenset[str], left_out: frozenset[str] = frozenset()) -> NewAlert:
    why = replace(alert.why, topics={slug: words for slug, words in alert.why.topics.items() if slug in slugs})
    return replace(alert, topics=frozenset(slugs), except_topics=alert.except_topics | left_out, why=why)


def _held(alert: NewAlert, fallback: Fallback | None, now: datetime) -> NewAlert:
    if fallback is None:
        return _waiting(alert, "An editor lets each alert of its topics go.", alert.ttl_s, Then.DROP, now)
    if fallback.then is Then.DROP:
        words = f"It waits for an editor for {fallback.written}, then it is dropped: that is its topics' choice."
        return _waiting(alert, words, fallback.for_s, Then.DROP, now)
    words = f"It waits for an editor for {fallback.written}, then it goes by itself: that is its topics' choice."
    worth = replace(alert, ttl_s=alert.ttl_s + fallback.for_s)  # what waits by choice is not too old by it
    return _waiting(worth, words, fallback.for_s, Then.SEND, now)


def _waiting(alert: NewAlert, words: str, for_s: float, then: Then, now: datetime) -> NewAlert:
    why = replace(alert.why, hold=OnHold(words, then))
    return replace(alert, hold_until=now + timedelta(seconds=for_s), why=why)
