"""Over the recording: what the workbench shows of a shipped topic that was edited is what a replay then sends."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from notifier.alerts.alert import AlertKind
from notifier.alerts.decide import AlertRules, Hold, Send
from notifier.alerts.decider import Decider
from notifier.alerts.preview import preview
from notifier.alerts.story_history import StoryHistory
from notifier.config.files import load_topics
from notifier.replay import RecordedItems, polls, read_recording
from notifier.topics.match import TopicIndex
from tests.conftest import lacking

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("NOTIFIER_SHARED", ROOT.parent / "shared"))
ITEMS = 6000


@pytest.mark.slow
def test_the_previews_list_is_what_the_replay_sends() -> None:
    found = sorted(SHARED.glob("data/replay-*.jsonl.gz"))
    if not found:
        lacking("the recorded news is not there: set NOTIFIER_SHARED to the folder that has data/replay-*.jsonl.gz")
    shipped = {topic.slug: topic for topic in load_topics(ROOT / "config" / "topics.yaml")}
    edited = [
        replace(shipped["nato"], match="Nato OR Ukraine OR Kremlin", daily_budget=4),
        replace(shipped["breaking"], daily_budget=None),
        replace(shipped["world"], daily_budget=None),
        shipped["us"],
    ]
    recorder, rules = RecordedItems(), AlertRules()
    decider = Decider(TopicIndex(edited), edited, rules)
    record = StoryHistory()
    sent: dict[str, list[tuple[datetime, int]]] = {topic.slug: [] for topic in edited}
    for at, lines in polls(itertools.islice(read_recording(found[0]), ITEMS)):
        items = list({item.id: item for item in (recorder.item(line, at) for line in lines)}.values())
        result = decider.take(items, at)
        grouped = {grouping.item_id: grouping for grouping in result.groupings}
        record.add(replace(i, story_id=grouped[i.id].story_id, near=grouped[i.id].near) for i in items)
        for verdict in result.verdicts:
            if isinstance(verdict, Send | Hold):
                record.tell([verdict.alert])
            if isinstance(verdict, Send) and verdict.alert.kind is AlertKind.NEW:
                for slug in verdict.alert.topics:
                    sent[slug].append((verdict.alert.decided_at, verdict.alert.story_id))

    first, last = record.items[0].seen_at, record.items[-1].seen_at + timedelta(seconds=1)
    for topic in edited:
        shown = preview(topic, record, rules, first, last)
        assert [(w.alert.decided_at, w.alert.story_id) for w in reversed(shown.alerts)] == sent[topic.slug], topic.slug
        assert sent[topic.slug], topic.slug
