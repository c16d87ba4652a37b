"""Has a story that was alerted come to something? The result of the vote, the end of the hunt, the death of many.

Enters: a story's items and what was sent of it. Leaves: a `Development`, or None; next: `decide`, which makes it an
update. One outlet's edit is its own affair (`facts`), as far as others do not confirm it (`confirmed`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.alerts.facts import statuses
from notifier.stories.agency_copy import publisher_key
from notifier.stories.breaking import Judgement, counts, judge, representative
from notifier.stories.story import StoryItem
from notifier.text.content import names


@dataclass(frozen=True, slots=True)
class Development:
    """What became of it (a key of `facts.STATUSES`), in whose words, and who says so."""

    status: str
    item: StoryItem
    judgement: Judgement


def development(items: Sequence[StoryItem], told: Sequence[str], since: datetime, now: datetime) -> Development | None:
    """A status that as many sources as make a story breaking state since `since`, and nobody stated before.

    Of several the one that most items state. `told` are the headlines that were sent, the last of them at `since`.
    """
    before = [item.title for item in items if item.seen_at <= since]
    known = frozenset[str]().union(*(statuses(title) for title in (*told, *before)))
    newer = [item for item in items if item.first_seen > since and counts(item, now)]
    said = Counter(status for item in newer for status in statuses(item.title) - known)
    for status, _ in sorted(said.items(), key=lambda count: (-count[1], count[0])):
        saying = [item for item in newer if status in statuses(item.title)]
        judgement = judge(saying, now)
        if judgement.breaking:
            return Development(status, representative(saying, now), judgement)
    return None


def confirmed(
    changed: Mapping[str, Sequence[str]], items: Sequence[StoryItem], edited: StoryItem, since: datetime
) -> dict[str, list[str]]:
    """What is news of the facts that one outlet's edit states: numbers, and what another outlet states too.

    A name counts where another outlet's headline has it since `since` and nobody's text had it before: until then it is
    one desk's choice of words.
    """
    others = [item for item in items if publisher_key(item.publisher) != publisher_key(edited.publisher)]
    before = [item for item in others if item.seen_at <= since]
    stated = frozenset[str]().union(*(statuses(item.title) for item in others))
    known = frozenset[str]().union(*(names(f"{item.title}. {item.summary}") for item in before))
    named = frozenset[str]().union(*(names(item.title) for item in others if item.seen_at > since)) - known
    kept = {
        "number": list(changed.get("number", ())),
        "name": [name for name in changed.get("name", ()) if name in named],
        "status": [status for status in changed.get("status", ()) if status in stated],
    }
    return {kind: facts for kind, facts in kept.items() if facts}
