"""A push message ready to leave (RFC 8030 section 5): a sealed body and what to say about it; next: a PushTransport.

All messages of one alert to one push service share one `PushHeaders` object, so that a transport encodes them once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from notifier.alerts.alert import Urgency
from notifier.base64url import encode
from notifier.subscribers.endpoint import origin_of

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class PushHeaders:
    """`ttl_s`: how long the service keeps the message for a sleeping device; `topic`: a waiting message with the same
    one is replaced (RFC 8030 sections 5.2 to 5.4); `authorization`: see VapidSigner."""

    ttl_s: int
    urgency: Urgency
    topic: str | None
    authorization: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.ttl_s < 0:
            raise ValueError("a TTL is not negative")
        if self.topic is not None and not _TOPIC.fullmatch(self.topic):
            raise ValueError("a Topic has 1 to 32 characters of the base64url alphabet (RFC 8030 section 5.4)")

    def lines(self) -> list[tuple[str, str]]:
        """Names in lower case, in the order in which they are sent."""
        topic = [] if self.topic is None else [("topic", self.topic)]
        return [
            ("ttl", str(self.ttl_s)),
            ("urgency", self.urgency.value),
            ("content-encoding", "aes128gcm"),
            ("content-type", "application/octet-stream"),
            ("authorization", self.authorization),
            *topic,
        ]


@dataclass(frozen=True, slots=True)
class PushRequest:
    """One message to one browser. The endpoint is a secret: whoever has it can push. `origin` is the endpoint's.

    `tells`: what becomes of it is evidence for or against the service, since it is the first try of a recipient that
    was reached before.
    """

    endpoint: str = field(repr=False)
    origin: str
    headers: PushHeaders
    body: bytes = field(repr=False)
    tells: bool = True


def build(
    endpoint: str, body: bytes, *, ttl_s: int, urgency: Urgency, tag: str | None, authorization: str
) -> PushRequest:
    """A request for a sealed body. Messages with the same `tag` (a Message's) replace each other in the service."""
    return PushRequest(endpoint, origin_of(endpoint), headers_for(ttl_s, urgency, tag, authorization), body)


@lru_cache(maxsize=256)
def headers_for(ttl_s: int, urgency: Urgency, tag: str | None, authorization: str) -> PushHeaders:
    """The same object for the same values, see above."""
    return PushHeaders(ttl_s, urgency, None if tag is None else topic_of(tag), authorization)


def topic_of(tag: str) -> str:
    """A tag of any length and alphabet as the 32 characters that a Topic may have."""
    return encode(sha256(tag.encode()).digest()[:24])
