"""What a back-test costs: one JSON line.

    python benchmarks/backtest.py

`rule_ms`: the slowest of the shipped rules over a recording that is already indexed, as in the workbench while an
operator types; `cold_ms`: that rule with the indexing, as on the command line; `shipped_ms`: each shipped rule. CPU
time. The recording is `$NOTIFIER_TEST_SHARED/data` or `../shared/data` beside the checkout; where there is none,
as many
invented items.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ruamel.yaml import YAML

from notifier.topics.backtest import backtest
from notifier.topics.corpus import Corpus, PastItem
from notifier.topics.query import parse

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("NOTIFIER_TEST_SHARED", ROOT.parent / "shared"))
RECORDING = SHARED / "data" / "replay-2026-02-25_04-30.jsonl.gz"
INVENTED = 43_732


def main() -> None:
    items = list(_recorded() if RECORDING.exists() else _invented())
    rules = {topic["slug"]: topic["match"] for topic in _shipped() if topic.get("match")}
    since, until = items[0].seen_at, items[-1].seen_at + timedelta(seconds=1)
    started = time.process_time()
    corpus = Corpus(items)
    backtest(parse("Nato"), corpus, since=since, until=until)
    indexed = time.process_time() - started
    spent, alerts = {}, {}
    for slug, rule in rules.items():
        started = time.process_time()
        alerts[slug] = len(backtest(parse(rule), corpus, since=since, until=until).alerts)
        spent[slug] = round((time.process_time() - started) * 1e3, 1)
    slowest = max(spent.values())
    print(
        json.dumps(
            {
                "items": len(items),
                "recording": RECORDING.exists(),
                "rule_ms": slowest,
                "cold_ms": round(indexed * 1e3 + slowest, 1),
                "shipped_ms": spent,
                "alerts": alerts,
            }
        )
    )


def _shipped() -> list[dict[str, str]]:
    topics: list[dict[str, str]] = YAML(typ="safe").load(ROOT / "config" / "topics.yaml")["topics"]
    return topics


def _recorded() -> Iterator[PastItem]:
    stories: dict[str, int] = {}
    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            story = stories.setdefault(row["link"], len(stories))
            seen_at = datetime.fromtimestamp(row["first_seen"], UTC)
            words = (row["title"], row["summary"] or "", row["source"], row["category"], row["lang"], row["link"])
            yield PastItem(story, seen_at, *words)


def _invented() -> Iterator[PastItem]:
    chance = random.Random(20)
    words = ["".join(chance.choices("abdegiklmnoprstu", k=chance.randint(3, 9))) for _ in range(30_000)]
    words += ["Nato", "Israel", "Iran", "climate", "election", "U.S.", "Trump", "Moon", "change", "British"] * 100
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for number in range(INVENTED):
        title, summary = " ".join(chance.choices(words, k=10)), " ".join(chance.choices(words, k=25))
        section = chance.choice(("world", "business", "technology", "science", "sport"))
        yield PastItem(number, start + timedelta(minutes=2 * number), title, summary, "Invented Times", section, "en")


if __name__ == "__main__":
    main()
