"""The night of 25 April 2026 as recorded: one alert for each of its two events, in the first poll that allows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier.alerts.alert import AlertKind
from notifier.alerts.decider import Decider
from notifier.config.files import load_topics
from notifier.replay import Decision, read_recording, replay
from notifier.stories.canonical import title_key
from notifier.topics.match import TopicIndex
from tests.conftest import lacking

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("NOTIFIER_SHARED", ROOT.parent / "shared"))
# A day and a half before, so that the decider knows what is usual; every feed's first poll is its backlog.
BEGINS, ENDS = datetime(2026, 4, 23, 20, tzinfo=UTC), datetime(2026, 4, 27, 2, tzinfo=UTC)


def lines(recording: Path) -> Iterator[dict[str, Any]]:
    for line in read_recording(recording):
        seen = datetime.fromtimestamp(int(line["first_seen"]), UTC)
        if seen >= ENDS:
            return
        if seen >= BEGINS:
            yield line


@pytest.fixture(scope="module")
def sent() -> list[Decision]:
    found = sorted(SHARED.glob("data/replay-2026-02-25_04-30.jsonl.gz"))
    if not found:
        lacking("the recorded news is not there: set NOTIFIER_SHARED to the folder that has data/replay-*.jsonl.gz")
    topics = load_topics(ROOT / "config" / "topics.yaml")
    decided = (d for _, decisions in replay(lines(found[0]), Decider(TopicIndex(topics), topics)) for d in decisions)
    return [d for d in decided if d.alert is not None and "world" in d.alert.topics]


@pytest.mark.parametrize(
    ("words", "poll"),
    [
        # 02:42: three outlets and more have the shots for the first time; the poll before was at 23:36.
        ({"dinner", "shots"}, "2026-04-26T02:42"),
        # 09:55: Al Jazeera and France 24 join DW, which had it an hour before.
        ({"mali"}, "2026-04-25T09:55"),
    ],
)
def test_one_alert_in_the_first_poll_in_which_three_publishers_have_it(
    sent: list[Decision], words: set[str], poll: str
) -> None:
    about = [d for d in sent if d.alert and words <= set(title_key(d.alert.message.title).split())]
    first = about[0]
    story = [d for d in sent if d.story.id == first.story.id]
    day = first.at + timedelta(days=1)
    assert f"{first.at:%Y-%m-%dT%H:%M}" == poll
    assert [d.at for d in about if d.alert and d.alert.kind is AlertKind.NEW and d.at < day] == [first.at]
    assert sum(d.alert is not None and d.alert.kind is AlertKind.UPDATE for d in story) <= 3
    assert first.alert is not None
    assert first.alert.breaking
