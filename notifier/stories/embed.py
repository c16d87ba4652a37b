"""Text to a vector of its meaning: the optional part of the stories room.

Enters: headline and standfirst. Leaves: a unit vector. No model ships: the service groups by words alone, and whoever
brings a model fits its weights with benchmarks/train_stories.py.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


class Embedder(Protocol):
    """Turns text into a unit vector; the same text always into the same one."""

    def embed(self, title: str, summary: str) -> Vector:
        """The meaning of a headline with its standfirst."""
