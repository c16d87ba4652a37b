"""Seal ahead (RFC 8291): keys enter in quiet minutes, a single-use envelope leaves; later a payload goes into it.

All of a push message that does not depend on its text is prepared: the ephemeral key pair, the agreement with the
browser's key, the derived content key and nonce. Finishing is then one AES-GCM call. An envelope must never be used for
two different texts, since a repeated key and nonce break AES-GCM: the store deletes it in the transaction that takes it
out, before a byte is sent.
"""

from __future__ import annotations

import os
from hmac import digest
from typing import NewType

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.errors import SubscriptionInvalid
from notifier.push.seal import MAX_BODY, check_length
from notifier.subscribers.subscriber import PushKeys

Envelope = NewType("Envelope", bytes)
"""Salt (16 bytes), ephemeral public key (65), content key (16), nonce (12). A secret until it is used."""

ENVELOPE_BYTES = 16 + 65 + 16 + 12

# Made once: this runs for every subscriber, and each attribute that is looked up is a part of what a second holds.
_CURVE, _AGREEMENT = SECP256R1(), ECDH()
_X962, _UNCOMPRESSED = Encoding.X962, PublicFormat.UncompressedPoint
_RECORD_SIZE_AND_KEY_LENGTH = MAX_BODY.to_bytes(4, "big") + bytes([65])
_LAST_RECORD = b"\x02"


def prepare(p256dh: bytes, auth: bytes) -> Envelope:
    """A fresh envelope for the browser with these keys (see PushKeys).

    Raises SubscriptionInvalid where they are not a point on P-256 and 16 bytes.
    """
    return derive(generate_private_key(_CURVE), os.urandom(16), p256dh, auth)


def derive(ephemeral: EllipticCurvePrivateKey, salt: bytes, p256dh: bytes, auth: bytes) -> Envelope:
    """The envelope that follows from a key pair and a salt, which both have to be new (RFC 8291 section 3.4)."""
    if len(p256dh) != 65 or len(auth) != 16:
        raise SubscriptionInvalid("a subscription has a public key of 65 bytes and an auth secret of 16")
    try:
        browser = EllipticCurvePublicKey.from_encoded_point(_CURVE, p256dh)
    except ValueError as problem:
        raise SubscriptionInvalid("the browser's public key is not a point on P-256") from problem
    public = ephemeral.public_key().public_bytes(_X962, _UNCOMPRESSED)
    agreed = digest(auth, ephemeral.exchange(_AGREEMENT, browser), "sha256")
    input_key = _expand(agreed, b"WebPush: info\0" + p256dh + public)
    return Envelope(salt + public + content_key_and_nonce(input_key, salt))


def content_key_and_nonce(input_key: bytes, salt: bytes) -> bytes:
    """16 and 12 bytes (RFC 8188 sections 2.2 and 2.3)."""
    extracted = digest(salt, input_key, "sha256")
    content_key = _expand(extracted, b"Content-Encoding: aes128gcm\0")[:16]
    return content_key + _expand(extracted, b"Content-Encoding: nonce\0")[:12]


def finish(envelope: Envelope, plaintext: bytes) -> bytes:
    """The body of a push message: header and one record (RFC 8188 section 2). Raises ValueError as `seal` does.

    Call it once for each envelope; to send again, send the same bytes.
    """
    check_length(plaintext)
    record = AESGCM(envelope[81:97]).encrypt(envelope[97:], plaintext + _LAST_RECORD, None)
    return envelope[:16] + _RECORD_SIZE_AND_KEY_LENGTH + envelope[16:81] + record


def seal_now(plaintext: bytes, keys: PushKeys) -> bytes:
    """The body for a browser for which nothing was prepared: both steps at once. Raises as they do."""
    return finish(prepare(keys.p256dh, keys.auth), plaintext)


def _expand(key: bytes, info: bytes) -> bytes:
    """HKDF's first 32 bytes (RFC 5869 section 2.3)."""
    return digest(key, info + b"\x01", "sha256")
