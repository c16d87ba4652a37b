"""Bytes as text for URLs, headers and JSON (RFC 4648 section 5), and back: the one place for both.

Used for browsers' keys, our own key and its name, a push message's Topic, and the cursors of the operators' API.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import a2b_base64


def encode(data: bytes) -> str:
    """Without padding, as RFC 7515 section 2 and every browser write it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """With or without padding, and in the older alphabet too: pages that make their own JSON of a subscription often
    call `btoa`. Raises ValueError for any other character, which Python's own function would pass over."""
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    return a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
