"""Pairs of items to judge by eye, and how right the service is on those that were judged.

    python -m benchmarks.label_merges draw [RECORDING] --seed 1 [--count 200] > PAIRS.jsonl
    python -m benchmarks.label_merges score [RECORDING] [--labels FILE ...]

`draw` prints pairs of different publishers with their text, for a person: `merged` are decisions by which an item
joined a story beside its likest member, `refused` those where it was only marked as possibly related. `score` groups
the recording by the production code again and prints one JSON line: `judged` pairs that were merged again,
`precision` (the share of them that are the same event), `refused` pairs that were judged and stay apart,
`refusals_right` (the share of them that are not the same). Labels hold hashes of addresses and a verdict, no text
(tests/data/README.md).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from notifier.replay import RecordedItems, polls, read_recording
from notifier.stories.agency_copy import publisher_key
from notifier.stories.cluster import Grouper
from notifier.stories.story import Grouping, StoryItem

ROOT = Path(__file__).resolve().parent.parent
LABELS = ROOT / "tests" / "data"
SHARED = Path(os.environ.get("NOTIFIER_TEST_SHARED", ROOT.parent / "shared"))
RECORDING = SHARED / "data" / "replay-2026-02-25_04-30.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two items of different publishers that were put together (`merged`) or nearly so."""

    item: StoryItem
    other: StoryItem
    merged: bool

    @property
    def key(self) -> str:
        """A hash of the two canonical addresses, in either order: 8 bytes of BLAKE2b as hex."""
        both = "\n".join(sorted((self.item.canonical_url, self.other.canonical_url)))
        return hashlib.blake2b(both.encode(), digest_size=8).hexdigest()


def decisions(recording: Path) -> Iterator[Pair]:
    """Every merge and every near refusal of two publishers' items, as the service groups the recording."""
    grouper, recorder = Grouper(), RecordedItems()
    items: dict[int, StoryItem] = {}
    openers: dict[int, StoryItem] = {}
    for at, lines in polls(read_recording(recording)):
        grouper.forget(at)
        newest = {item.id: item for item in (recorder.item(line, at) for line in lines)}
        items.update(newest)
        for grouping in grouper.place(list(newest.values())):
            item = newest[grouping.item_id]
            openers.setdefault(grouping.story_id, item)
            other, merged = _other(grouping, items, openers)
            if other is not None and publisher_key(other.publisher) != publisher_key(item.publisher):
                yield Pair(item, other, merged)


def _other(
    grouping: Grouping, items: dict[int, StoryItem], openers: dict[int, StoryItem]
) -> tuple[StoryItem | None, bool]:
    """The item beside which this one was put, or nearly so."""
    evidence = grouping.evidence
    if grouping.signal in ("event", "wire", "headline", "url"):
        return items.get(evidence.get("nearest_item", evidence.get("item", 0))), True
    if grouping.signal == "new" and grouping.related:
        likest = evidence.get("likest", {}).get("nearest_item")
        return items.get(likest) or openers.get(grouping.related[0]), False
    return None, False


def draw(pairs: Sequence[Pair], seed: int, count: int) -> Iterator[Pair]:
    """So many merges and so many refusals, at random."""
    chance = random.Random(seed)
    for merged in (True, False):
        pool = [pair for pair in pairs if pair.merged is merged]
        yield from chance.sample(pool, min(count, len(pool)))


def score(pairs: Iterable[Pair], labels: dict[str, bool]) -> dict[str, float | int]:
    """How many of the judged merges are right, and how many of the judged refusals."""
    found = {pair.key: pair.merged for pair in pairs if pair.key in labels}
    merges = [labels[key] for key, merged in found.items() if merged]
    refusals = [not labels[key] for key, merged in found.items() if not merged]
    return {
        "precision": round(sum(merges) / max(1, len(merges)), 4),
        "judged": len(merges),
        "refusals_right": round(sum(refusals) / max(1, len(refusals)), 4),
        "refused": len(refusals),
    }


def read_labels(files: Iterable[Path]) -> dict[str, bool]:
    """Verdicts by pair."""
    rows = (json.loads(line) for path in sorted(files) for line in path.read_text("utf-8").splitlines())
    return {row["pair"]: row["same"] for row in rows}


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["draw", "score"])
    parser.add_argument("recording", type=Path, nargs="?", default=RECORDING)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--labels", type=Path, nargs="*", default=sorted(LABELS.glob("pairs-*.jsonl")))
    arguments = parser.parse_args()
    pairs = list(decisions(arguments.recording))
    if arguments.what == "score":
        print(json.dumps(score(pairs, read_labels(arguments.labels))))
        return
    for pair in draw(pairs, arguments.seed, arguments.count):
        shown = {
            "pair": pair.key,
            "merged": pair.merged,
            "items": [[i.publisher, i.seen_at.isoformat(), i.title, i.summary] for i in (pair.item, pair.other)],
        }
        sys.stdout.write(json.dumps(shown, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
