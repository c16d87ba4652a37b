"""Fit the weights of notifier/stories/weights.json to labelled headlines.

    python -m benchmarks.train_stories LABELLED.jsonl [--write]

Each set of labels is streamed through the service's own window, so that the figures are those of the live service. Then
a logistic regression (iteratively reweighted least squares) weighs them. Printed: the frontier of thresholds with
each set
scored by weights that were fitted on the *other* sets only. With `--write` the weights fitted on all sets are written;
where the lines are drawn is left as it is in the file: that is a choice, made by reading the frontier.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import notifier.stories
from notifier.replay import BACKGROUND, line_items
from notifier.stories.cluster import Grouper
from notifier.stories.signals import PairSignals, Weights, shipped_weights
from notifier.stories.window import Window

FITTED = ("words", "spelling", "crowd")
WINDOW_DAYS = 3.0


def pairs(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[PairSignals, bool, float]]:
    """What the live service compares, and whether the two are one story; every item weighs the same."""
    window, story_of = Window(), {}
    for item, row in line_items(rows):
        entry = window.prepare(item)
        entry.story_id = item.id
        story_of[item.id] = row.get("story")
        found = window.candidates(entry)
        if row["ds"] != BACKGROUND:
            same = [o for o in found if story_of[o.item.id] == row["story"]]
            for other in found:
                yield window.compare(entry, other), other in same, 4 / len(same) if other in same else 0.5
        window.add(entry)


def fit(sets: Sequence[Sequence[tuple[PairSignals, bool, float]]], base: Weights) -> Weights:
    """Weights fitted to all pairs of these sets, each set weighing the same.

    What time is worth, and what a pair of standfirsts, is left as it is in the file: the labels' own times are too
    coarse to learn it from. Those were chosen by judged pairs of the recording (benchmarks/label_merges.py).
    """
    xs, ys, ws = [], [], []
    for found in sets:
        weight = sum(w for *_, w in found)
        xs += [[1.0, *(getattr(s, c) for c in FITTED)] for s, *_ in found]
        ys += [float(y) for _, y, _ in found]
        ws += [w / weight * 3000 for *_, w in found]
    fitted = logistic(np.array(xs), np.array(ys), np.array(ws))
    values = dict(zip(["bias", *FITTED], (round(float(v), 2) for v in fitted), strict=True))
    return replace(base, **values | {"days_apart": base.days_apart})


def logistic(
    x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64], ridge: float = 0.1
) -> NDArray[np.float64]:
    """Coefficients of a weighted logistic regression."""
    beta = np.zeros(x.shape[1])
    penalty = np.eye(x.shape[1]) * ridge
    penalty[0, 0] = 0
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        h = (x * (w * p * (1 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(h, x.T @ (w * (y - p)) - penalty @ beta)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def bcubed(stories: Sequence[str], clusters: Sequence[int]) -> float:
    """BCubed F1."""
    story, cluster, both = Counter(stories), Counter(clusters), Counter(zip(stories, clusters, strict=True))
    n = len(stories)
    p = sum(v * v / cluster[c] for (_, c), v in both.items()) / n
    r = sum(v * v / story[s] for (s, _), v in both.items()) / n
    return 2 * p * r / (p + r)


def score(rows: Sequence[dict[str, Any]], weights: Weights) -> tuple[float, float]:
    """BCubed F1 of a set grouped beside the background, and the share of it that was merged with background."""
    grouper = Grouper(weights=weights)
    found = [(row, grouper.place([item])[0].story_id) for item, row in line_items(rows)]
    noise = {c for row, c in found if row["ds"] == BACKGROUND}
    own = [(row["story"], c) for row, c in found if row["ds"] != BACKGROUND]
    return bcubed(*zip(*own, strict=True)), sum(c in noise for _, c in own) / len(own)


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("labelled", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--undated", action="store_true", help="ignore times: a stricter test of words")
    arguments = parser.parse_args()
    by_set: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in arguments.labelled.read_text("utf-8").strip().split("\n"):
        row = json.loads(line)
        by_set[row["ds"]].append(row | ({"t": None} if arguments.undated else {}))
    background = by_set.pop(BACKGROUND)
    base = shipped_weights()
    worlds = {ds: background + rows for ds, rows in by_set.items()}
    training = {ds: list(pairs([r | {"t": None} for r in rows])) for ds, rows in worlds.items()}
    for merge_at in np.arange(-1.0, 2.6, 0.5):
        figures = {}
        for ds, rows in worlds.items():
            others = fit([training[o] for o in worlds if o != ds], base)
            figures[ds] = score(rows, replace(others, merge_at=float(merge_at)))
        mean = np.mean(list(figures.values()), axis=0)
        each = "  ".join(f"{ds} {f:.3f}/{h:.3f}" for ds, (f, h) in figures.items())
        print(f"merge_at {merge_at:5.2f}  BCubed {mean[0]:.3f}  distractor hit {mean[1]:.3f}   {each}", flush=True)
    fitted = fit(list(training.values()), base)
    print(json.dumps(asdict(fitted)), flush=True)
    if arguments.write:
        path = Path(notifier.stories.__path__[0]) / "weights.json"
        path.write_text(json.dumps(asdict(fitted), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
