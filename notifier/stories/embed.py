"""Text to a vector of its meaning: the optional part of the stories room.

Enters: headline and standfirst. Leaves: a unit vector. Without the extra `semantic` nothing here is imported and the
grouping goes by words alone.
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


def load_embedder() -> Embedder | None:
    """The model, or None where the extra is not installed."""
    return None
