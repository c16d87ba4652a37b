"""What is remembered of origins: bounded, since strangers name them. Who was written longest ago is forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

V = TypeVar("V")

MOST_ORIGINS = 256


class BoundedDict(OrderedDict[str, V]):
    """A dict of at most `most` entries."""

    def __init__(self, most: int = MOST_ORIGINS) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: str, value: V) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        while len(self) > self._most:
            del self[next(iter(self))]
