"""What a browser may send, checked at the edge so that the inner rooms see only what can be used.

Enters: JSON as `PushSubscription.toJSON()` gives it, and topic slugs. Leaves: `PushKeys` and a set of known topics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Self

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from notifier.errors import UnknownTopic
from notifier.subscribers.endpoint import MAX_ENDPOINT
from notifier.subscribers.keys import push_keys
from notifier.subscribers.subscriber import PushKeys
from notifier.topics.topic import Topic

MAX_TOPICS = 1000
# What JSON readers keep exactly (RFC 8259 section 6), and every database holds.
LARGEST_ID = 2**53 - 1

Id = Annotated[int, Path(ge=1, le=LARGEST_ID, examples=[17])]

Handle = Annotated[str, Path(max_length=64)]
OperatorName = Annotated[str, Path(min_length=1, max_length=64)]

Slug = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Slugs = Annotated[list[Slug], Field(max_length=MAX_TOPICS)]


class Body(BaseModel):
    """Strict types; members that we do not know are ignored, as browsers may add some."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class KeysBody(Body):
    """The `keys` of a PushSubscription, base64url."""

    p256dh: str = Field(max_length=128)
    auth: str = Field(max_length=64)


class PushBody(Body):
    """A PushSubscription as its `toJSON()` writes it (W3C Push API section 8.1)."""

    endpoint: str = Field(max_length=MAX_ENDPOINT)
    keys: KeysBody

    def push_keys(self) -> PushKeys:
        """Raises SubscriptionInvalid where nothing could be sealed for them."""
        return push_keys(self.endpoint, self.keys.p256dh, self.keys.auth)


class ChangesBody(Body):
    """Topics by slug: what one tab changed, and not what it believes all of them to be."""

    add: Slugs = []
    remove: Slugs = []

    @model_validator(mode="after")
    def _be_of_one_mind(self) -> Self:
        if set(self.add) & set(self.remove):
            raise ValueError("a topic is both added and removed")
        return self


class RenewBody(Body):
    """A subscription that replaces the one before; `key_id` names the application server key it was made with."""

    subscription: PushBody
    key_id: str = Field(max_length=64)


class SubscribeBody(RenewBody):
    """A new subscription and what it is for: topics by slug, none for somebody who wants nothing for now."""

    topics: Slugs


def known_topics(slugs: Iterable[str], topics: Sequence[Topic]) -> frozenset[str]:
    """Raises UnknownTopic if there is one that is not among `topics`."""
    wanted = frozenset(slugs)
    if wanted - {topic.slug for topic in topics}:
        raise UnknownTopic("a topic does not exist")
    return wanted
