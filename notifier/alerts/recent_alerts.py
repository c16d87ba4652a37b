"""What was told in the last day: by words, so that a repeat is found without reading all of it, and by topic.

Enters: each alert as it is decided. Leaves: those whose headlines may say the same as another, and what each topic has
spent of its day. The cost of a look-up is bounded by the words of a headline, not by the number of alerts. No clock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from notifier.alerts.alert import AlertKind
from notifier.alerts.case import PastAlert
from notifier.alerts.decide import DAY
from notifier.text.content import stems

# A stem leads to at most this many of its newest alerts.
MOST_OF_A_STEM = 256
# Where those without a stem are kept: they may repeat anything.
NO_STEM = ""

_Numbered = tuple[int, int, PastAlert]


class RecentAlerts:
    """The alerts of the last day, each with its number and the story that it tells of now."""

    def __init__(self, told: Iterable[tuple[int, PastAlert]] = ()) -> None:
        self._told: deque[_Numbered] = deque()
        self._by_stem: dict[str, deque[_Numbered]] = {}
        self._spent: Counter[str] = Counter()
        self._spent_alone: Counter[tuple[str, str]] = Counter()
        self._made = 0
        for story_id, alert in told:
            self.note(story_id, alert)

    @property
    def spent(self) -> Mapping[str, int]:
        """First alerts by topic."""
        return self._spent

    @property
    def spent_alone(self) -> Mapping[tuple[str, str], int]:
        """First alerts that one publisher alone told, by topic and publisher."""
        return self._spent_alone

    def note(self, story_id: int, alert: PastAlert) -> None:
        """An alert was decided."""
        self._made += 1
        one = (self._made, story_id, alert)
        self._told.append(one)
        for stem in _filed(alert.title):
            self._by_stem.setdefault(stem, deque(maxlen=MOST_OF_A_STEM)).append(one)
        if alert.kind is AlertKind.NEW:
            self._spent.update(alert.topics)
            if alert.alone:
                self._spent_alone.update((slug, alert.alone) for slug in alert.topics)

    def forget(self, now: datetime) -> None:
        """Let go of what is older than a day."""
        while self._told and now - self._told[0][2].decided_at >= DAY:
            one = self._told.popleft()
            for stem in _filed(one[2].title):
                self._unfile(stem, one)
            if one[2].kind is AlertKind.NEW:
                self._spent.subtract(one[2].topics)
                self._spent += Counter()  # without those at zero
                self._spent_alone.subtract((slug, one[2].alone) for slug in one[2].topics if one[2].alone)
                self._spent_alone += Counter()

    def like(self, title: str, but: int) -> Sequence[PastAlert]:
        """Those of other stories than `but` that have a word in common with this headline, oldest first."""
        own = stems(title)
        if not own:
            return self._among(list(self._told)[-MOST_OF_A_STEM:], but)
        return self._among((one for stem in (*own, NO_STEM) for one in self._by_stem.get(stem, ())), but)

    def others(self, but: int) -> Callable[[str], Sequence[PastAlert]]:
        """`like` for one story's case."""
        return lambda title: self.like(title, but)

    @staticmethod
    def _among(found: Iterable[_Numbered], but: int) -> Sequence[PastAlert]:
        by_number = {number: alert for number, story_id, alert in found if story_id != but}
        return [by_number[number] for number in sorted(by_number)]

    def _unfile(self, stem: str, one: _Numbered) -> None:
        filed = self._by_stem.get(stem)
        if filed and filed[0] is one:  # newer ones may have pushed it out already
            filed.popleft()
            if not filed:
                del self._by_stem[stem]


def _filed(title: str) -> Iterable[str]:
    return stems(title) or (NO_STEM,)
