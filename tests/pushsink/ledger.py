"""What the sink saw: requests, what was wrong with them, and which browsers got their message."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from http_ece import ECEException

from tests.pushsink.browser import open_message

KEPT = 1000


@dataclass(slots=True)
class Ledger:
    """`sample`: every so many-th message is checked and opened, all the others only counted.

    `keeps_salts`: every message's salt is remembered, so that another one under the same is a problem (RFC 8188
    section 2.1): whoever seals in advance must not use what was sealed twice.
    """

    sample: int = 1
    keeps_salts: bool = False
    origin: str = ""
    requests: int = 0
    connections: int = 0
    http1: int = 0
    opened: int = 0
    got: Counter[str] = field(default_factory=Counter)
    accepted_at: dict[str, float] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    trusted: set[str] = field(default_factory=set)
    limit: int = 1000
    minutes: list[int] = field(default_factory=lambda: [0])
    salts: dict[bytes, int] = field(default_factory=dict)

    def problem(self, text: str) -> None:
        """Something that a right client would not do."""
        if len(self.problems) < KEPT:
            self.problems.append(text)

    def saw(self, path: str, body: bytes | bytearray) -> None:
        """Count a request, and compare its salt if that is wanted."""
        self.requests += 1
        if self.keeps_salts:
            seen = hash(bytes(body))
            if self.salts.setdefault(bytes(body[:16]), seen) != seen:
                self.problem(f"{path}: a salt for two messages")

    def accept(self, path: str) -> None:
        """The browser at this path has its message; `accepted_at` keeps when it got its first one (Unix time)."""
        number = path.rsplit("/", 1)[1]
        self.got[number] += 1
        self.accepted_at.setdefault(number, time.time())

    def has_room(self) -> bool:
        """Whether a message within the limit may still be taken in this minute; counts what is asked of it."""
        self.minutes[-1] += 1
        return self.minutes[-1] <= self.limit

    def wants_check(self) -> bool:
        """True where the request that was just counted belongs to the sample."""
        return self.requests % self.sample == 0

    def check(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Verify everything that a push service and a browser would, and keep the message."""
        self.headers = headers
        authorization = headers.get("authorization", "")
        if authorization not in self.trusted:
            if problem := vapid_problem(authorization, self.origin, time.time()):
                self.problem(f"{path}: {problem}")
            self.trusted.add(authorization)
        if headers.get("content-encoding") != "aes128gcm" or not headers.get("ttl", "").isdigit() or len(body) > 4096:
            self.problem(f"{path}: headers or length")
        if headers.get("content-length", str(len(body))) != str(len(body)):
            self.problem(f"{path}: content-length {headers['content-length']}, body {len(body)}")
        number = path.rsplit("/", 1)[1]
        try:
            text = open_message(int(number), body).decode()
        except (ECEException, ValueError, LookupError) as problem:
            self.problem(f"{path}: cannot be opened: {problem}")
            return
        self.opened += 1
        if len(self.messages) < KEPT:
            self.messages.append((number, text))

    def report(self) -> dict[str, Any]:
        """Everything as JSON."""
        return {
            "requests": self.requests,
            "connections": self.connections,
            "http1": self.http1,
            "opened": self.opened,
            "accepted": sum(self.got.values()),
            "browsers": len(self.got),
            "minutes": self.minutes,
            "repeated": sum(count - 1 for count in self.got.values()),
            "problems": self.problems,
            "messages": self.messages,
            "headers": self.headers,
        }


class Book:
    """The Ledger in use, which every connection asks for; `forget` opens a new one."""

    def __init__(self, sample: int, *, keeps_salts: bool = False) -> None:
        self.ledger = Ledger(sample, keeps_salts)

    def forget(self) -> None:
        """Count from nothing."""
        self.ledger = Ledger(self.ledger.sample, self.ledger.keeps_salts, self.ledger.origin)


def vapid_problem(header: str, origin: str, now: float) -> str | None:
    """What is wrong with an Authorization header (RFC 8292 sections 2 and 3); None if nothing is."""
    try:
        scheme, _, rest = header.partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        signed, _, signature = fields["t"].rpartition(".")
        head, claims = (json.loads(_decode(part)) for part in signed.split("."))
        raw = _decode(signature)
        point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _decode(fields["k"]))
        numbers = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        point.verify(encode_dss_signature(*numbers), signed.encode(), ECDSA(SHA256()))
    except InvalidSignature:
        return "the signature does not verify"
    except (ValueError, LookupError) as problem:
        return f"the header cannot be read: {problem!r}"
    wrong = {
        "scheme": scheme.lower() != "vapid",
        "alg": head.get("alg") != "ES256",
        "aud": claims.get("aud") != origin,
        "exp": not now < claims.get("exp", 0) <= now + 86400,
        "sub": not str(claims.get("sub", "")).startswith(("mailto:", "https:")),
        "signature length": len(raw) != 64,
    }
    return ", ".join(name for name, is_wrong in wrong.items() if is_wrong) or None


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
