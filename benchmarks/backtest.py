"""What it costs to see what a rule would have sent: one JSON line.

    python -m benchmarks.backtest [RECORDING] [--items N]

The recording is grouped by the service's own decider first, which is not counted. `rule_ms`: CPU of the dearest shipped
topic's preview over all of it, by the code behind the console's workbench and with the collector set as the service
sets it; `index_ms`: reading the items' words, once; `shipped_ms` and `alerts`: for each shipped topic.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from notifier.alerts.alert import NewAlert
from notifier.alerts.decide import AlertRules, Drop
from notifier.alerts.decider import Decider
from notifier.alerts.preview import preview
from notifier.alerts.story_history import StoryHistory
from notifier.cli.run import collect_seldom
from notifier.config.files import load_topics
from notifier.replay import RecordedItems, polls, read_recording
from notifier.stories.story import StoryItem
from notifier.topics.match import TopicIndex

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
TOPICS = ROOT / "config" / "topics.yaml"
SHARED = Path(os.environ.get("NOTIFIER_TEST_SHARED", ROOT.parent / "shared"))
RECORDING = SHARED / "data" / "replay-2026-02-25_04-30.jsonl.gz"


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recording", type=Path, nargs="?", default=RECORDING)
    parser.add_argument("--items", type=int, default=1_000_000, help="read at most so many lines (all)")
    arguments = parser.parse_args()
    collect_seldom()
    topics = load_topics(TOPICS)
    items, alerts = settled(arguments.recording, arguments.items)
    record, index_ms = timed(lambda: StoryHistory(items, alerts))
    since, until = items[0].seen_at, items[-1].seen_at + timedelta(seconds=1)
    spent, sent = {}, {}
    for topic in topics:
        seen, spent[topic.slug] = timed(partial(preview, topic, record, AlertRules(), since, until))
        sent[topic.slug] = len(seen.alerts)
    figures = {"items": len(items), "rule_ms": max(spent.values()), "index_ms": index_ms}
    print(json.dumps(figures | {"shipped_ms": spent, "alerts": sent}))


def settled(recording: Path, most: int) -> tuple[list[StoryItem], list[NewAlert]]:
    """The recording's items with their stories, and the alerts that the shipped topics led to."""
    topics = load_topics(TOPICS)
    decider, recorder = Decider(TopicIndex(topics), topics), RecordedItems()
    items: list[StoryItem] = []
    near: dict[int, tuple[int, ...]] = {}
    alerts: list[NewAlert] = []
    for at, lines in polls(itertools.islice(read_recording(recording), most)):
        newest = {item.id: item for item in (recorder.item(line, at) for line in lines)}
        result = decider.take(list(newest.values()), at)
        for grouping in result.groupings:  # as they are stored
            near.setdefault(grouping.item_id, grouping.near)
            told = newest[grouping.item_id]
            items.append(replace(told, story_id=grouping.story_id, near=near[grouping.item_id]))
        alerts += [verdict.alert for verdict in result.verdicts if not isinstance(verdict, Drop)]
    return items, alerts


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and its CPU in milliseconds."""
    started = time.process_time()
    found = work()
    return found, round((time.process_time() - started) * 1e3, 1)


if __name__ == "__main__":
    main()
