"""Words of headlines and standfirsts, as the signals compare them."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """A set written as a line of words: how this room spells its short lists."""
    return frozenset(text.split())
