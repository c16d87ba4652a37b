"""Seal a payload for one browser (RFC 8291): plaintext and keys enter, an `aes128gcm` body (RFC 8188) leaves.

Every call makes a fresh key pair, through pywebpush: for the alerts that people send to themselves, each of which is so
a check of our keys by another implementation. What goes out by the thousand is sealed in `envelope.py`.
"""

from __future__ import annotations

from pywebpush import WebPusher

from notifier.base64url import encode
from notifier.errors import SubscriptionInvalid
from notifier.subscribers.subscriber import PushKeys

MAX_BODY = 4096
"""What every push service accepts (RFC 8030 section 7.2; RFC 8291 section 4)."""

HEADER_BYTES = 16 + 4 + 1 + 65
"""Salt, record size, key id length, and the sender's public key as the key id (RFC 8188 section 2.1)."""

MAX_PLAINTEXT = MAX_BODY - HEADER_BYTES - 1 - 16
"""3993 bytes: what is left beside the header, the padding delimiter and the authentication tag."""


def seal(plaintext: bytes, keys: PushKeys) -> bytes:
    """The body of a push message that only this browser can open, at most `MAX_BODY` bytes.

    Raises SubscriptionInvalid where the keys are not a point on P-256 and 16 bytes; ValueError where the plaintext is
    empty or longer than `MAX_PLAINTEXT`: payloads are cut before they come here.
    """
    check_length(plaintext)
    try:
        sealed = WebPusher(_subscription_info(keys)).encode(plaintext, content_encoding="aes128gcm")
    except ValueError as problem:
        raise SubscriptionInvalid("the browser's public key is not a point on P-256") from problem
    return bytes(sealed["body"])


def check_length(plaintext: bytes) -> None:
    """Raises ValueError unless 1 to `MAX_PLAINTEXT` bytes."""
    if not 0 < len(plaintext) <= MAX_PLAINTEXT:
        raise ValueError(f"a payload has 1 to {MAX_PLAINTEXT} bytes, not {len(plaintext)}")


def _subscription_info(keys: PushKeys) -> dict[str, object]:
    if len(keys.p256dh) != 65 or len(keys.auth) != 16:
        raise SubscriptionInvalid("a subscription has a public key of 65 bytes and an auth secret of 16")
    encoded = {"p256dh": encode(keys.p256dh), "auth": encode(keys.auth)}
    return {"endpoint": keys.endpoint, "keys": encoded}
