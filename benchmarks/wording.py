"""How much of an alert is read on a screen that shows little: one JSON line.

    python -m benchmarks.wording [RECORDING] [--since 2026-04-19] [--until 2026-04-28] [--show]

The recording goes through the service's own desk with the shipped topics. `alerts`: what was sent or held in those days
(UTC), by kind; `within_200`: the share of them whose kind, publisher and, of an update, new fact stand within the 200
characters of a body that Firefox shows, with the longest time that a reader's clock may be written with; `facts`: the
share of updates that say in words what changed. `--show` prints each update's words too.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifier.alerts.alert import AlertKind, NewAlert
from notifier.alerts.decider import Decider
from notifier.alerts.payload import PUBLISHER_CHARACTERS
from notifier.alerts.wording import change, label
from notifier.cli.run import collect_seldom
from notifier.config.files import load_topics
from notifier.replay import read_recording, replay
from notifier.text.line import shorten
from notifier.topics.match import TopicIndex

ROOT = Path(__file__).resolve().parent.parent
TOPICS = ROOT / "config" / "topics.yaml"
SHARED = Path(os.environ.get("NOTIFIER_TEST_SHARED", ROOT.parent / "shared"))
RECORDING = SHARED / "data" / "replay-2026-02-25_04-30.jsonl.gz"
SHOWN_CHARACTERS = 200
LONGEST_TIME = "miércoles, 12:49 a. m."
# So that the desk knows what is usual, and every feed's backlog is behind.
BEFORE = timedelta(days=2)


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("recording", type=Path, nargs="?", default=RECORDING)
    parser.add_argument("--since", type=_day, default=_day("2026-04-19"))
    parser.add_argument("--until", type=_day, default=_day("2026-04-28"))
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    collect_seldom()
    alerts = list(sent(arguments.recording, arguments.since, arguments.until))
    updates = [alert for alert in alerts if alert.kind is AlertKind.UPDATE]
    if arguments.show:
        for alert in updates:
            print(f"{alert.why.before}\n  {alert.message.title}\n  {first_words(alert)!r}")
    figures = {
        "alerts": Counter(alert.kind.value for alert in alerts),
        "within_200": _share(alerts, lambda alert: len(first_words(alert)) <= SHOWN_CHARACTERS),
        "facts": _share(updates, lambda alert: bool(change(alert.kind, alert.message.title, alert.why))),
    }
    print(json.dumps(figures))


def sent(recording: Path, since: datetime, until: datetime) -> Iterator[NewAlert]:
    """What the shipped topics send or hold between the two."""
    topics = load_topics(TOPICS)
    began, ends = (since - BEFORE).timestamp(), until.timestamp()
    lines = (line for line in read_recording(recording) if began <= int(line["first_seen"]) < ends)
    for at, decisions in replay(lines, Decider(TopicIndex(topics), topics)):
        yield from (one.alert for one in decisions if one.alert is not None and at >= since)


def first_words(alert: NewAlert) -> str:
    """What a body begins with, up to the standfirst."""
    first = label(alert.kind, breaking=alert.breaking)
    time = f" {LONGEST_TIME}" if alert.kind is AlertKind.UPDATE else ""
    publisher = shorten(alert.message.publisher, PUBLISHER_CHARACTERS)
    return f"{first}{time} · {publisher}\n{change(alert.kind, alert.message.title, alert.why)}"


def _share(alerts: list[NewAlert], holds: Callable[[NewAlert], bool]) -> float:
    return round(sum(map(holds, alerts)) / max(1, len(alerts)), 3)


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
