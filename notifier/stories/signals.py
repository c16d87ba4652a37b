"""How alike two items are, in figures, and what the figures together are worth.

Enters: two `Entry`s of the window. Leaves: `PairSignals` (each figure, for people) and one score (their weighted sum,
in logits: 0 is even odds). Weights and thresholds are a small JSON file beside this module, written by
benchmarks/train_stories.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

DAY_S = 86_400.0


class PairSignals(NamedTuple):
    """What speaks for and against two items telling one event. All but `days_apart` lie between 0 and 1.

    words           cosine of the stems of headline and standfirst, rare stems counting more
    spelling        share of the headlines' four-letter runs that both have
    crowd           how like its nearest *other* stories each item is anyway: where much is alike, likeness says little
    days_apart      between the two publications; where one is unknown, the time at which it was seen stands for it
    standfirsts     1 where both have a standfirst, else 0
    """

    words: float
    spelling: float
    crowd: float
    days_apart: float
    standfirsts: float = 1.0

    def as_evidence(self) -> dict[str, float]:
        """JSON-ready, rounded for reading."""
        return {name: round(getattr(self, name), 3) for name in self._fields}


@dataclass(frozen=True, slots=True)
class Weights:
    """One set of coefficients and the lines drawn on their sum.

    `merge_at` is where an item joins a story, `related_at` where it is only said to be possibly related.
    `nearest_share` is how much the nearest member counts against the mean of all: below 1, so that stories cannot
    grow by chaining. `half_day_apart` is what half a day between two items takes off, and an hour its share; what is
    told a day later in like words is most often the next turn of a long affair. It counts where both have a standfirst:
    those repeat an affair's words, headlines alone less so. `standfirsts` is what having both takes off for the same
    reason.
    """

    bias: float
    words: float
    spelling: float
    crowd: float
    days_apart: float
    nearest_share: float
    merge_at: float
    related_at: float
    half_day_apart: float = 0.0
    standfirsts: float = 0.0

    def likeness(self, signals: PairSignals) -> float:
        """The weighted sum of all but time, in logits."""
        return (
            self.bias
            + self.words * signals.words
            + self.spelling * signals.spelling
            + self.crowd * signals.crowd
            + self.standfirsts * signals.standfirsts
        )

    def time(self, signals: PairSignals) -> float:
        """What the time between the two is worth, in logits: the first hours count more than the later days."""
        early = min(1.0, 2 * signals.days_apart) * signals.standfirsts
        return self.days_apart * signals.days_apart + self.half_day_apart * early

    def score(self, signals: PairSignals) -> float:
        """The weighted sum, in logits."""
        return self.likeness(signals) + self.time(signals)


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """The coefficients that the service decides by."""
    return Weights(**json.loads(files("notifier.stories").joinpath("weights.json").read_text("utf-8")))
