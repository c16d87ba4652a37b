"""The browsers of the sink: numbered, with keys that both processes can derive."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

import http_ece
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.subscribers.subscriber import PushKeys

KEY_PAIRS = 64
"""Browsers share key pairs, so that a million of them are made in no time."""


@lru_cache(maxsize=KEY_PAIRS)
def _key_pair(number: int) -> tuple[EllipticCurvePrivateKey, bytes, bytes]:
    private = derive_private_key(int.from_bytes(sha256(b"browser %d" % number).digest()[:31], "big"), SECP256R1())
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return private, public, sha256(b"auth %d" % number).digest()[:16]


def keys_of(number: int, endpoint: str) -> PushKeys:
    """What browser `number` would send when it subscribes."""
    _, public, auth = _key_pair(number % KEY_PAIRS)
    return PushKeys(endpoint, public, auth)


def open_message(number: int, body: bytes) -> bytes:
    """Open a body as the browser would, with http_ece. Raises ECEException or ValueError."""
    private, _, auth = _key_pair(number % KEY_PAIRS)
    return bytes(http_ece.decrypt(body, private_key=private, auth_secret=auth, version="aes128gcm"))
