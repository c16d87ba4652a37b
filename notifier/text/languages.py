"""Language tags (BCP 47): a feed's word for its language in, a tag that can be compared out."""

from __future__ import annotations

DEFAULT_LANGUAGE = "en"
"""What an item is taken for whose feed does not name its language."""


def language_tag(written: object) -> str | None:
    """The tag in lower case, or None for what cannot be one."""
    if not isinstance(written, str):
        return None
    tag = written.strip().replace("_", "-").lower()
    return tag if 2 <= len(tag) <= 35 and tag.replace("-", "").isalnum() and tag.isascii() else None


def primary_language(tag: str | None) -> str:
    """The language of a tag (RFC 5646): `en` of `en-GB`; the default where there is none."""
    return tag.partition("-")[0].lower() if tag else DEFAULT_LANGUAGE
