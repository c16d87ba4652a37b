"""What it costs to find whom a story concerns: one JSON line.

    python benchmarks/match.py

`topics_10k_ms`: one story against 10,000 topics. CPU time, the median over invented stories, the preparing of the
story's text (`prepare_ms`) included. `rss_mb` is the process's peak memory with the index built; `build_s` the CPU time
of building it.

Words are invented and drawn as often as natural words are (Zipf): stories from all of them, rules from
those that people would ask for, which leaves out the hundred commonest.
"""

from __future__ import annotations

import itertools
import json
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator

from notifier.topics.match import TopicIndex
from notifier.topics.reading import Text
from notifier.topics.topic import Topic

TOPICS, STORIES = 10_000, 300
VOCABULARY, COMMONEST = 60_000, 100
SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvwz" for vowel in "aeiou"]


def main() -> None:
    chance = random.Random(20)
    vocabulary = _vocabulary(chance)
    draw = _zipf(vocabulary, chance)
    stories = [_story(draw) for _ in range(STORIES)]
    started = time.process_time()
    topics = TopicIndex(_topics(_zipf(vocabulary[COMMONEST:], chance), chance))
    built = time.process_time()
    topics.match(stories[0]())  # makes the table of the language
    print(
        json.dumps(
            {
                "prepare_ms": _median_ms(lambda story: story(), stories),
                "topics_10k_ms": _median_ms(lambda story: topics.match(story()), stories),
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                "topics_matched": statistics.mean(len(topics.match(story())) for story in stories),
                "build_s": round(built - started, 1),
            }
        )
    )


def _median_ms(work: Callable[[Callable[[], Text]], object], stories: list[Callable[[], Text]]) -> float:
    spent = []
    for story in stories:
        started = time.process_time_ns()
        work(story)
        spent.append(time.process_time_ns() - started)
    return round(statistics.median(spent) / 1e6, 3)


def _vocabulary(chance: random.Random) -> list[str]:
    words = ("".join(chance.choices(SYLLABLES, k=chance.choice((2, 3, 3, 4)))) for _ in itertools.count())
    return list(dict.fromkeys(itertools.islice(words, VOCABULARY * 2)))[:VOCABULARY]


def _zipf(words: list[str], chance: random.Random) -> Callable[[int], list[str]]:
    cumulative = list(itertools.accumulate(1 / rank for rank in range(10, len(words) + 10)))
    return lambda count: chance.choices(words, cum_weights=cumulative, k=count)


def _story(draw: Callable[[int], list[str]]) -> Callable[[], Text]:
    title, summary = " ".join(draw(10)).capitalize(), " ".join(draw(25)).capitalize()
    return lambda: Text(title, summary, source="Invented Times", section="world", language="en")


def _topics(draw: Callable[[int], list[str]], chance: random.Random) -> Iterator[Topic]:
    shapes = ("{0}", "{0} AND {1}", '"{0} {1}" OR {2}', "({0} OR {1}) AND {2} NOT {3}", "title:{0} OR {1} NEAR/5 {2}")
    for number in range(TOPICS):
        yield Topic(f"topic-{number}", "", "", chance.choice(shapes).format(*draw(4)))


if __name__ == "__main__":
    main()
