"""What is usual for an hour, and whose "Breaking:" has meant something: and what a story needs because of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifier.stories.baseline import REMEMBERED, Baseline, LabelledItem, Usual, marker
from notifier.stories.breaking import judge
from notifier.stories.story import StoryItem
from tests.stories.items import NOON, item

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("BREAKING: Bridge falls", "breaking"),
        ("Breaking news | Bridge falls", "breaking"),
        ("Live: bridge falls", "live"),
        ("Live updates: bridge falls", "live"),
        ("\U0001f534 Bridge falls", "red sign"),
        ("Live-action film of the bridge", None),
        ("Breaking the bridge took an hour", None),
    ],
)
def test_a_marker_is_a_word_before_the_headline(title: str, said: str | None) -> None:
    assert marker(title) == said


def marked(baseline: Baseline, publisher: str, came: list[bool], title: str = "Breaking: a bridge falls") -> None:
    """A marker for each story of the last days, and whether it broke."""
    for n, broke in enumerate(came):
        baseline.note(item(100 + n, title, publisher, hours=-48 + n), 100 + n)
        if broke:
            baseline.note_breaking(100 + n, NOON - 40 * HOUR)


def test_a_marker_counts_where_most_of_its_publishers_were_followed_by_breaking_news() -> None:
    baseline = Baseline()
    marked(baseline, "Often Right", [True, True, False, True])
    baseline.note_breaking(7, NOON)
    usual = baseline.usual(NOON)
    mine = item(1, "Breaking: dam breaks", "Often Right")
    trust = usual.trust(mine)
    assert trust is not None
    assert (trust.meant, trust.marked) == (3, 4)
    assert usual.trust(item(1, "Dam breaks", "Often Right")) is None
    assert usual.trust(item(1, "Live: dam breaks", "Often Right")) is None
    assert usual.trust(item(1, "Breaking: dam breaks", "Somebody Else")) is None


@pytest.mark.parametrize("came", [[True, False, False, True, False, True, False], [True, True], []])
def test_a_marker_that_has_meant_little_or_was_hardly_seen_counts_for_nothing(came: list[bool]) -> None:
    baseline = Baseline()
    marked(baseline, "Shouter", came)
    assert baseline.usual(NOON).trust(item(1, "Breaking: dam breaks", "Shouter")) is None


def test_a_story_that_had_no_time_to_break_yet_is_not_held_against_a_marker() -> None:
    baseline = Baseline()
    marked(baseline, "Often Right", [True, True, True])
    for n in range(4):
        baseline.note(item(200 + n, "Breaking: more", "Often Right", hours=-1), 200 + n)
    assert baseline.usual(NOON).trusted
    assert not baseline.usual(NOON + 8 * HOUR).trusted


def test_what_was_marked_a_month_ago_is_forgotten() -> None:
    baseline = Baseline()
    marked(baseline, "Often Right", [True, True, True])
    assert not baseline.usual(NOON + REMEMBERED).trusted


def test_a_restart_gives_the_markers_back() -> None:
    baseline = Baseline()
    earlier = [
        LabelledItem("Often Right", "Breaking: a bridge falls", n, NOON - 9 * DAY, broke=n != 3) for n in range(4)
    ]
    baseline.recall(earlier)
    assert baseline.usual(NOON).trust(item(1, "Breaking: dam breaks", "Often Right")) is not None


def of_days(baseline: Baseline, days: int) -> None:
    """Two hundred items each day at noon, ten in every other hour."""
    number = 1000
    for hour in range(-24 * days, 0):
        for _ in range(200 if hour % 24 == 0 else 10):
            number += 1
            baseline.note(item(number, "Something", hours=hour), number)


def test_an_hour_is_busy_by_what_is_published_at_it_on_other_days() -> None:
    baseline = Baseline()
    of_days(baseline, 4)
    noon, night = baseline.usual(NOON).busy, baseline.usual(NOON + 12 * HOUR).busy
    assert noon > 4
    assert 0.4 < night < 1


def test_no_hour_is_quiet_before_days_were_seen() -> None:
    baseline = Baseline()
    of_days(baseline, 2)
    assert baseline.usual(NOON).busy == 1.0


def telling(*names: str, hours: float = 0.0, title: str = "Dam breaks above Ilm") -> list[StoryItem]:
    return [item(n, f"{title} {n}", name, hours=hours) for n, name in enumerate(names)]


def test_a_little_less_is_enough_where_it_comes_fast_for_the_hour() -> None:
    trade = item(9, "Dam breaks, engineers say", "Dams Weekly", section="technology")
    quiet, busy = Usual(busy=0.6), Usual(busy=1.5)
    told = [*telling("A", "B"), trade]
    assert judge(told, NOON, usual=quiet).breaking
    assert not judge(told, NOON, usual=busy).breaking
    assert not judge(told, NOON + 3 * HOUR, usual=quiet).breaking  # it came, but not in the last hour
    signals = judge(told, NOON, usual=quiet).signals
    assert (signals.last_hour, signals.busy, signals.surge, signals.needed) == (2.5, 0.6, 4.2, 2.5)


def test_two_are_not_enough_however_fast() -> None:
    assert not judge(telling("A", "B"), NOON, usual=Usual(busy=0.3)).breaking


def test_what_less_than_two_told_in_the_last_hour_is_not_fast_in_the_quietest_one() -> None:
    trade = item(9, "Dam breaks, engineers say", "Dams Weekly", section="technology")
    assert not judge([*telling("A", "B", hours=-2), trade], NOON, usual=Usual(busy=0.1)).breaking


def test_markers_that_mean_something_stand_in_for_a_third_source_and_say_so() -> None:
    baseline = Baseline()
    marked(baseline, "A", [True, True, True])
    marked(baseline, "B", [True, True, True])
    usual = Usual(1.0, baseline.usual(NOON).trusted)
    told = telling("A", "B", hours=-2, title="Breaking: dam breaks above Ilm")
    found = judge(told, NOON, usual=usual)
    assert found.breaking
    assert not found.by_itself
    assert found.signals.markers == {"A": "breaking: 3 of 3 broke", "B": "breaking: 3 of 3 broke"}
    assert not judge(told, NOON).breaking
    assert not judge(told[:1], NOON, usual=usual).breaking
