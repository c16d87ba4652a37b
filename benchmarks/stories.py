"""CPU that grouping takes an item, with the window full.

    python -m benchmarks.stories [--window 20000] [--items 1000] [--windows 2500 5000 10000] [--histories 10000 40000]
    python -m benchmarks.stories --story-size 5000

Headlines are made up from a fixed vocabulary whose words are about as unequal in frequency as those of news. Prints
one JSON line: `p50_ms` and `p99_ms` of CPU an item, the `window`'s size, and the `model` used. `by_window` has the same
figures for smaller windows: cost grows no faster than the logarithm of the window. `by_history` has them for a window
of 5,000 items after so many that it has seen and forgotten: cost is flat in the history's length.

`--story-size N` measures something else: CPU that the whole desk takes an item, decision included, where each is one
more of a story of N near-equal items, by one publisher and by forty: `p50_ms`, `p99_ms`, `story_size`, `publishers` and
`restore_ms_a_1000`: what reading such a memory back costs. Cost is flat in the story's size.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from notifier.alerts.decider import Decider
from notifier.stories.cluster import Grouper
from notifier.stories.story import StoryItem
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic, TopicMode

START = datetime(2030, 1, 1, tzinfo=UTC)
VOCABULARY = 30_000
# As long as no item is forgotten.
LONG = timedelta(hours=72)
FORGET_EVERY = 200
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "en", "ol")]


class Wire:
    """Makes items for ever: words by Zipf's law, and one in four tells an event that was told before."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = ["".join(self._random.choices(SYLLABLES, k=3)) for _ in range(VOCABULARY)]
        self._weights = list(accumulate(1 / (rank + 20) for rank in range(VOCABULARY)))
        self._told: list[list[str]] = []
        self._made = 0

    def item(self) -> StoryItem:
        """The next item, ten seconds after the one before."""
        self._made += 1
        if self._told and self._random.random() < 0.25:
            said = self._random.sample(self._told[-500:][self._random.randrange(min(500, len(self._told)))], 20)
        else:
            said = self._said(34)
        self._told.append(said if len(said) == 34 else said + self._said(14))
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

    def _said(self, words: int) -> list[str]:
        return self._random.choices(self._words, cum_weights=self._weights, k=words)


def measure(window: int, items: int, history: int = 0) -> dict[str, float]:
    """Milliseconds of CPU an item, median and 99th percentile, over a window of `window` items.

    `history` items came before and were forgotten. The same items are made for the same arguments.
    """
    wire, grouper, spent = Wire(7), Grouper(window=timedelta(seconds=10 * window) if history else LONG), []
    for made in range(history + window):
        item = wire.item()
        grouper.place([item])
        if history and made % FORGET_EVERY == 0:
            grouper.forget(item.seen_at)
    gc.collect()
    gc.freeze()
    for _ in range(items):
        item = wire.item()
        started = time.process_time()
        grouper.place([item])
        spent.append((time.process_time() - started) * 1e3)
    gc.unfreeze()
    spent.sort()
    figures = {"p50_ms": spent[len(spent) // 2], "p99_ms": spent[len(spent) * 99 // 100]}
    return {name: round(value, 3) for name, value in figures.items()} | {"window": len(grouper)}


TOPICS = (Topic("breaking", "Breaking", "", "", TopicMode.BREAKING), Topic("dams", "Dams", "", "dam"))


def near_equal(number: int, publishers: int) -> StoryItem:
    """One event in nearly the same words, for ever."""
    at = START + timedelta(seconds=number)
    url = f"https://outlet{number % publishers}.example/{number}"
    return StoryItem(
        id=number,
        feed_id=1,
        publisher=f"Outlet {number % publishers}",
        section="world",
        url=url,
        canonical_url=url,
        title=f"Dam at Kessel breaks, villages under water, part {number}",
        summary="Rescuers search the valley below the wall while engineers warn of a second wave before the night",
        seen_at=at,
        published_at=at,
    )


def measure_story(size: int, items: int, publishers: int) -> dict[str, float]:
    """Milliseconds of CPU that the decider takes an item of a story of `size` items."""
    decider, spent = Decider(TopicIndex(TOPICS), TOPICS), []
    started = time.process_time()
    decider.restore([replace(near_equal(n, publishers), story_id=1) for n in range(1, size + 1)], [])
    restored = (time.process_time() - started) * 1e3
    while decider.catch_up(size):
        pass
    for number in range(size + 1, size + items + 1):
        item = near_equal(number, publishers)
        started = time.process_time()
        decider.take([item], item.seen_at)
        spent.append((time.process_time() - started) * 1e3)
    spent.sort()
    figures = {"p50_ms": spent[len(spent) // 2], "p99_ms": spent[len(spent) * 99 // 100]}
    figures |= {"restore_ms_a_1000": restored / size * 1e3}
    sizes = {"story_size": size, "publishers": publishers}
    return {name: round(value, 3) for name, value in figures.items()} | sizes


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--window", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--windows", type=int, nargs="*", default=[2_500, 5_000, 10_000])
    parser.add_argument("--histories", type=int, nargs="*", default=[10_000, 40_000])
    parser.add_argument("--story-size", type=int)
    arguments = parser.parse_args()
    if arguments.story_size is not None:
        one, many = (measure_story(arguments.story_size, min(200, arguments.items), n) for n in (1, 40))
        print(json.dumps(one | {"by_publishers": [one, many]}))
        return
    figures = measure(arguments.window, arguments.items)
    by_window = [measure(window, arguments.items) for window in arguments.windows]
    by_history = [{"history": n} | measure(5_000, arguments.items, n) for n in arguments.histories]
    print(json.dumps(figures | {"model": None, "by_window": by_window, "by_history": by_history}))


if __name__ == "__main__":
    main()
