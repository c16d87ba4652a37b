"""A feed's word for its language in, a tag that can be compared out."""

from __future__ import annotations


def language(tag: object) -> str | None:
    """A language tag (BCP 47) in lower case, or None for what cannot be one."""
    if not isinstance(tag, str):
        return None
    tag = tag.strip().replace("_", "-").lower()
    return tag if 2 <= len(tag) <= 35 and tag.replace("-", "").isalnum() and tag.isascii() else None
