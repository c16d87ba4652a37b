"""CPU that grouping takes an item, with the window full.

    python -m benchmarks.stories [--window 20000] [--items 1000]

Headlines are made up from a fixed vocabulary whose words are about as unequal in frequency as those of news. Prints
one JSON line: `p50_ms` and `p99_ms` of CPU an item, the `window`'s size, and the `model` used.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from datetime import UTC, datetime, timedelta

from notifier.stories.cluster import Grouper
from notifier.stories.story import StoryItem

START = datetime(2030, 1, 1, tzinfo=UTC)
VOCABULARY = 30_000
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "en", "ol")]


class Wire:
    """Makes items for ever: words by Zipf's law, and one in four tells an event that was told before."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = ["".join(self._random.choices(SYLLABLES, k=3)) for _ in range(VOCABULARY)]
        self._weights = [1 / (rank + 20) for rank in range(VOCABULARY)]
        self._told: list[list[str]] = []
        self._made = 0

    def item(self) -> StoryItem:
        """The next item, ten seconds after the one before."""
        self._made += 1
        if self._told and self._random.random() < 0.25:
            said = self._random.sample(self._told[-500:][self._random.randrange(min(500, len(self._told)))], 20)
        else:
            said = self._random.choices(self._words, self._weights, k=34)
        self._told.append(said if len(said) == 34 else said + self._random.choices(self._words, self._weights, k=14))
        at = START + timedelta(seconds=10 * self._made)
        return StoryItem(
            id=self._made,
            feed_id=1,
            publisher=f"Outlet {self._made % 200}",
            section="world",
            url=f"https://outlet{self._made % 200}.example/{self._made}",
            canonical_url=f"https://outlet{self._made % 200}.example/{self._made}",
            title=" ".join(said[:10]).capitalize(),
            summary=" ".join(said[10:]).capitalize(),
            seen_at=at,
            published_at=at,
        )


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--window", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=1_000)
    arguments = parser.parse_args()
    wire, grouper, spent = Wire(7), Grouper(), []
    for _ in range(arguments.window):
        grouper.place([wire.item()])
    for _ in range(arguments.items):
        item = wire.item()
        started = time.process_time()
        grouper.place([item])
        spent.append((time.process_time() - started) * 1e3)
    spent.sort()
    figures = {"p50_ms": spent[len(spent) // 2], "p99_ms": spent[len(spent) * 99 // 100]}
    rounded = {name: round(value, 3) for name, value in figures.items()}
    print(json.dumps(rounded | {"window": len(grouper), "model": None}))


if __name__ == "__main__":
    main()
