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

_RECORD_SIZE_AND_KEY_LENGTH = MAX_BODY.to_bytes(4, "big") + bytes([65])
_LAST_RECORD = b"\x02"


def prepare(keys: PushKeys) -> Envelope:
    """A fresh envelope for this browser. Raises SubscriptionInvalid where its public key is no point on P-256."""
    return derive(generate_private_key(SECP256R1()), os.urandom(16), keys)


def derive(ephemeral: EllipticCurvePrivateKey, salt: bytes, keys: PushKeys) -> Envelope:
    """The envelope that follows from a key pair and a salt, which both have to be new (RFC 8291 section 3.4)."""
    try:
        browser = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), keys.p256dh)
    except ValueError as problem:
        raise SubscriptionInvalid("the browser's public key is not a point on P-256") from problem
    public = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    agreed = digest(keys.auth, ephemeral.exchange(ECDH(), browser), "sha256")
    input_key = _expand(agreed, b"WebPush: info\0" + keys.p256dh + public)
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


def _expand(key: bytes, info: bytes) -> bytes:
    """HKDF's first 32 bytes (RFC 5869 section 2.3)."""
    return digest(key, info + b"\x01", "sha256")
