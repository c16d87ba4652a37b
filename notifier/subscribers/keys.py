"""A browser's keys as it writes them, checked once for all ways in: the page, an import.

Enters: the members of a PushSubscription's `keys`. Leaves: `PushKeys`, with which every message can be sealed.
"""

from __future__ import annotations

from notifier.base64url import decode
from notifier.errors import SubscriptionInvalid
from notifier.subscribers.subscriber import PushKeys

POINT_BYTES, AUTH_BYTES = 65, 16

# P-256: y² = x³ - 3x + b modulo p (SP 800-186 section 3.2.1.3).
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def push_keys(endpoint: str, p256dh: str, auth: str) -> PushKeys:
    """The keys of a checked endpoint, from base64url.

    Raises SubscriptionInvalid unless p256dh is a point on P-256 and auth has 16 bytes (RFC 8291 section 3), with a
    reason that holds no secret.
    """
    point, secret = _bytes("p256dh", p256dh, POINT_BYTES), _bytes("auth", auth, AUTH_BYTES)
    if not _is_on_curve(point):
        raise SubscriptionInvalid("p256dh is not a point on P-256")
    return PushKeys(endpoint, point, secret)


def _bytes(name: str, text: str, length: int) -> bytes:
    try:
        decoded = decode(text)
    except ValueError as problem:
        raise SubscriptionInvalid(f"{name} is not base64url") from problem
    if len(decoded) != length:
        raise SubscriptionInvalid(f"{name} has {len(decoded)} bytes instead of {length}")
    return decoded


def _is_on_curve(point: bytes) -> bool:
    """Whether this is an uncompressed point (SEC 1 section 2.3.4). A public key: nothing here has to be hidden.

    A seventh of what a cryptographic library takes, which also makes an object of it; sealing needs that, and refuses
    the same points.
    """
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return point[0] == 4 and x < _P and y < _P and (y * y - (x * x - 3) * x - _B) % _P == 0
