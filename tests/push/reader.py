"""An `aes128gcm` reader of our own, straight from RFC 8188 and RFC 8291, with nothing shared with what seals."""

from __future__ import annotations

from base64 import urlsafe_b64decode

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64(text: str) -> bytes:
    """base64url without padding, white space ignored."""
    plain = "".join(text.split())
    return urlsafe_b64decode(plain + "=" * (-len(plain) % 4))


def private_key(text: str) -> EllipticCurvePrivateKey:
    """A P-256 private key from its number in base64url."""
    return derive_private_key(int.from_bytes(b64(text), "big"), SECP256R1())


def public_point(private: EllipticCurvePrivateKey) -> bytes:
    """65 bytes, uncompressed."""
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def read(body: bytes, private: EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Open a message of one record as the browser with these secrets would."""
    salt, record_size, key_length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, record = body[21 : 21 + key_length], body[21 + key_length :]
    assert len(record) <= record_size
    agreed = private.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender))
    input_key = _hkdf(auth, agreed, b"WebPush: info\0" + public_point(private) + sender, 32)
    content_key = _hkdf(salt, input_key, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, input_key, b"Content-Encoding: nonce\0", 12)
    padded = AESGCM(content_key).decrypt(nonce, record, None).rstrip(b"\0")
    assert padded.endswith(b"\x02")
    return padded[:-1]


def _hkdf(salt: bytes, key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)
