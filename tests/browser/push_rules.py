"""What a push service asks of an application server: RFC 8030, RFC 8291's header, RFC 8292.

Enters: a POST to an endpoint. Leaves: `Refusal` with the status that a real service would give, or nothing.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

LARGEST = 4096
URGENCIES = ("very-low", "low", "normal", "high")
DAY_S = 86_400


class Refusal(Exception):
    """The push is refused with `status`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def check_push(headers: Mapping[str, str], body: bytes, origin: str, key: bytes) -> None:
    """`origin` is the push service's own, `key` the application server key of the subscription. Raises Refusal."""
    if not headers.get("TTL", "").isdigit():
        raise Refusal(400, "TTL is missing or no number (RFC 8030 section 5.2)")
    if headers.get("Urgency", "normal") not in URGENCIES:
        raise Refusal(400, "no such Urgency (RFC 8030 section 5.3)")
    if len(headers.get("Topic", "")) > 32:
        raise Refusal(400, "the Topic is longer than 32 characters (RFC 8030 section 5.4)")
    if len(body) > LARGEST:
        raise Refusal(413, "the message is too large")
    if headers.get("Content-Encoding") != "aes128gcm":
        raise Refusal(400, "the message is not aes128gcm (RFC 8291 section 2)")
    if check_vapid(headers.get("Authorization", ""), origin) != key:
        raise Refusal(403, "signed with another key than the subscription is bound to (RFC 8292 section 4.2)")


def check_vapid(header: str, origin: str) -> bytes:
    """The public key that signed for `origin`. Raises Refusal."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "vapid":
        raise Refusal(401, "no vapid credentials")
    try:
        parameters = dict(part.strip().split("=", 1) for part in rest.split(","))
        key = from_base64url(parameters["k"])
        signed, _, signature = parameters["t"].rpartition(".")
        claims = json.loads(from_base64url(signed.partition(".")[2]))
        _verify(key, signed.encode(), from_base64url(signature))
    except (KeyError, ValueError, InvalidSignature) as problem:
        raise Refusal(401, "the vapid credentials do not hold") from problem
    _check_claims(claims, origin)
    return key


def _verify(key: bytes, signed: bytes, signature: bytes) -> None:
    if len(signature) != 64:
        raise ValueError("an ES256 signature has 64 bytes")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def _check_claims(claims: Mapping[str, Any], origin: str) -> None:
    now = time.time()
    if claims.get("aud") != origin:
        raise Refusal(401, f"signed for {claims.get('aud')}, not for {origin}")
    if not now < claims.get("exp", 0) <= now + DAY_S + 60:
        raise Refusal(401, "expired, or valid for more than a day (RFC 8292 section 2)")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise Refusal(401, "no contact in sub")
