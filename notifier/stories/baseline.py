"""What is usual: how much comes at this hour of the day, and whose "Breaking:" has meant something.

Enters: each item as it gets its story, and each story that broke. Leaves: `Usual`, which `breaking` holds a story
against. State in memory, bounded, no clock: after a restart the window's items and what was `LabelledItem` give it
back.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifier.stories.agency_copy import publisher_key
from notifier.stories.story import StoryItem
from notifier.text.tokens import words

HOUR_S = 3600
HOURS_A_DAY = 24
# So long is remembered how busy each hour was, and whom a marker belonged to.
REMEMBERED = timedelta(days=30)
# No hour counts as quiet or busy before so many were seen, and each counts so many items more than it had.
LEAST_HOURS = 60
PRIOR = 20.0
# A marker means something once so many of a publisher's were followed by a breaking story, of those that had the time.
LEAST_MEANT = 3
LEAST_SHARE = 0.5
MOST_MARKED = 60
TIME_TO_BREAK = timedelta(hours=6)
RED_SIGNS = "\U0001f534\U0001f6a8"
MARKER = re.compile(
    r"^\W*(breaking(?: news)?|just in|urgent|developing|flash|live(?: updates?)?)\s*[:|!\u2013\u2014]"
    rf"|^\s*[{RED_SIGNS}]",
    re.IGNORECASE,
)
# What a database can look for, since it knows no such pattern: `marker` decides on what it finds.
BEGINNINGS = ("breaking", "just in", "urgent", "developing", "flash", "live", *RED_SIGNS)
LONG_FORMS = words("news updates update")


@dataclass(frozen=True, slots=True)
class LabelTrust:
    """A publisher's marker: `meant` of `marked` stories broke."""

    marker: str
    meant: int
    marked: int


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual at one time. `busy`: how much comes at this hour, 1 for an average one.

    `trusted` are the markers that have meant something: (publisher's key, marker).
    """

    busy: float = 1.0
    trusted: Mapping[tuple[str, str], LabelTrust] = field(default_factory=dict)

    def trust(self, item: StoryItem) -> LabelTrust | None:
        """The item carries a marker, and its publisher's have meant something."""
        if not self.trusted or (said := marker(item.title)) is None:
            return None
        return self.trusted.get((publisher_key(item.publisher), said))


ORDINARY = Usual()


def marker(title: str) -> str | None:
    """The marker that a headline begins with: `breaking`, `live`, .. or a red sign; None without."""
    found = MARKER.search(title)
    if found is None:
        return None
    if found.group(1) is None:
        return "red sign"
    return " ".join(word for word in found.group(1).lower().split() if word not in LONG_FORMS)


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """An item whose headline a marker may begin, of an earlier day; and whether its story broke."""

    publisher: str
    title: str
    story_id: int
    at: datetime
    broke: bool = False


class Baseline:
    """What was usual in the last month, by hour and by publisher."""

    def __init__(self) -> None:
        self._by_hour: dict[int, int] = {}  # new items, by hour since the epoch
        self._marked: dict[tuple[str, str], deque[LabelledItem]] = {}
        self._broke: dict[int, datetime] = {}
        self._usual: tuple[datetime, Usual] | None = None

    def note(self, item: StoryItem, story_id: int) -> None:
        """An item, or a version of one, got its story. A feed's backlog tells nothing of an hour."""
        self._usual = None
        if item.version == 1 and item.may_alert:
            hour = int(item.first_seen.timestamp()) // HOUR_S
            self._by_hour[hour] = self._by_hour.get(hour, 0) + 1
        if item.may_alert:
            self._note_marked(LabelledItem(item.publisher, item.title, story_id, item.seen_at))

    def recall(self, earlier: Iterable[LabelledItem]) -> None:
        """What was marked before, oldest first, and what came of it."""
        for one in earlier:
            self._note_marked(one)
            if one.broke:
                self.note_breaking(one.story_id, one.at)

    def _note_marked(self, one: LabelledItem) -> None:
        """A publisher's marker counts once a story."""
        said = marker(one.title)
        if said is not None:
            marked = self._marked.setdefault((publisher_key(one.publisher), said), deque(maxlen=MOST_MARKED))
            if all(known.story_id != one.story_id for known in marked):
                marked.append(one)

    def note_breaking(self, story_id: int, at: datetime) -> None:
        """A story broke by what its outlets told, whatever any of them called it."""
        if story_id not in self._broke:
            self._broke[story_id] = at
            self._usual = None

    def usual(self, now: datetime) -> Usual:
        """What is usual now."""
        if self._usual is None or self._usual[0] != now:
            self._forget(now)
            self._usual = now, Usual(self._busy(now), self._trusted(now))
        return self._usual[1]

    def _busy(self, now: datetime) -> float:
        """This hour of the day against the mean of all, by the days that are over."""
        this = int(now.timestamp()) // HOUR_S
        past = {hour: count for hour, count in self._by_hour.items() if hour < this}
        seen = this - min(past, default=this)
        if seen < LEAST_HOURS:
            return 1.0
        days = seen / HOURS_A_DAY
        mine = sum(count for hour, count in past.items() if (hour - this) % HOURS_A_DAY == 0)
        mean = sum(past.values()) / days / HOURS_A_DAY
        return (mine / days + PRIOR / days) / (mean + PRIOR / days)

    def _trusted(self, now: datetime) -> dict[tuple[str, str], LabelTrust]:
        found = {}
        for key, marked in self._marked.items():
            meant = sum(one.story_id in self._broke for one in marked)
            over = sum(one.story_id in self._broke or now - one.at >= TIME_TO_BREAK for one in marked)
            if meant >= LEAST_MEANT and meant >= LEAST_SHARE * over:
                found[key] = LabelTrust(key[1], meant, over)
        return found

    def _forget(self, now: datetime) -> None:
        oldest = int((now - REMEMBERED).timestamp()) // HOUR_S
        for hour in [hour for hour in self._by_hour if hour < oldest]:
            del self._by_hour[hour]
        for key, marked in list(self._marked.items()):
            while marked and now - marked[0].at > REMEMBERED:
                marked.popleft()
            if not marked:
                del self._marked[key]
        for story_id in [story_id for story_id, at in self._broke.items() if now - at > REMEMBERED]:
            del self._broke[story_id]
