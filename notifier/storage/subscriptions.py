"""The subscribers' store: who wants what, and where to push it.

Implements `SubscriptionStore`. Both an endpoint and a token are looked up by their SHA-256, which is what the unique
indexes hold; the endpoint itself is needed to push, the token never.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Exists,
    Row,
    and_,
    delete,
    distinct,
    exists,
    func,
    insert,
    select,
    update,
)

from notifier.errors import NotFound
from notifier.storage.counts import OutcomeCounts, add_counts, end_retries, finish_if_done
from notifier.storage.database import Store, note_erased
from notifier.storage.schema import envelope, subscription, subscription_end, subscription_topic, topic
from notifier.storage.standing import begin_unproven
from notifier.storage.topics import topic_ids
from notifier.subscribers.subscriber import NewSubscription, PushKeys, Subscription

_NEXT_VERSION: Mapping[str, Any] = MappingProxyType({"version": subscription.c.version + 1})
EVERYWHERE: Mapping[int, str] = MappingProxyType({})


class SqlSubscriptionStore(Store):
    """SubscriptionStore on SQLite or PostgreSQL."""

    def subscribe(self, new: NewSubscription, now: datetime) -> int:
        """Add, or change what the same token has, which keeps its id; returns the id.

        An alert under way reaches by id: with a new one, whoever subscribes anew would be above its last chunk.
        """
        with self._database.writing() as connection:
            _free_endpoint(connection, new.keys, new.token_hash, now)
            values = _columns(new) | {"last_seen_at": now}
            moves = _is_new_endpoint(connection, new)
            known = _change(connection, new.token_hash, {**values, **_NEXT_VERSION})
            if known is not None:
                _remove_topics(connection, known, _topics_of(connection, known))
                _add_topics(connection, known, new.topics)
                _drop_envelope(connection, known)
                if moves:
                    begin_unproven(connection, known)
                return known
            values |= {"token_hash": new.token_hash, "created_at": now}
            made = connection.execute(insert(subscription).values(values).returning(subscription.c.id)).scalar_one()
            _add_topics(connection, made, new.topics)
            begin_unproven(connection, made)
            return int(made)

    def find(self, token_hash: bytes) -> Subscription | None:
        """The subscription that the token's owner made."""
        with self._database.reading() as connection:
            row = connection.execute(select(subscription).where(subscription.c.token_hash == token_hash)).one_or_none()
            return None if row is None else subscription_of(row, _topics_of(connection, row.id))

    def newest(self, number: int | None = None) -> Subscription | None:
        """The subscription with this id, or the one made last; None if there is none."""
        with self._database.reading() as connection:
            query = select(subscription).order_by(subscription.c.id.desc()).limit(1)
            if number is not None:
                query = query.where(subscription.c.id == number)
            row = connection.execute(query).one_or_none()
            return None if row is None else subscription_of(row, _topics_of(connection, row.id))

    def seen(self, token_hash: bytes, now: datetime) -> None:
        """Its owner is here now. Raises NotFound."""
        with self._database.writing() as connection:
            _touch(connection, token_hash, {"last_seen_at": now})

    def change_topics(self, token_hash: bytes, add: frozenset[str], remove: frozenset[str], now: datetime) -> None:
        """Add some topics and remove others; the version grows if that changes anything. Raises NotFound."""
        with self._database.writing() as connection:
            # Its row is locked from here on: of two changes at once the second sees what the first made.
            owner = _touch(connection, token_hash, {"last_seen_at": now})
            before = _topics_of(connection, owner)
            if before & remove or add - before:
                _remove_topics(connection, owner, before & remove)
                _add_topics(connection, owner, add - before)
                _touch(connection, token_hash, _NEXT_VERSION)

    def renew(self, token_hash: bytes, new: NewSubscription, now: datetime) -> None:
        """The browser made new keys or a new endpoint; topics stay. Raises NotFound."""
        with self._database.writing() as connection:
            _free_endpoint(connection, new.keys, token_hash, now)
            moves = _is_new_endpoint(connection, new)
            owner = _touch(connection, token_hash, _columns(new) | {"last_seen_at": now})
            _drop_envelope(connection, owner)
            if moves:
                begin_unproven(connection, owner)

    def delete(self, token_hash: bytes, now: datetime) -> bool:
        """Forget everything about the subscriber; False if there was nothing."""
        with self._database.writing() as connection:
            services = _delete(connection, subscription.c.token_hash == token_hash, now)
            count_ends(connection, Counter((service, "stopped") for service in services.values()), now)
            return bool(services)

    def remove_gone(self, ids: Sequence[int], reason: str, now: datetime) -> int:
        """The push service said that these are gone: delete them, count the reason; returns how many."""
        with self._database.writing() as connection:
            tally = OutcomeCounts()
            removed, _ = remove_subscriptions(connection, dict.fromkeys(ids, reason), now, tally)
            _write(connection, tally, now)
            return removed

    def bound_to_other_keys(self, key_ids: Collection[str]) -> int:
        """How many subscriptions are bound to an application server key that is none of these."""
        with self._database.reading() as connection:
            others = subscription.c.vapid_key_id.not_in(key_ids)
            return int(connection.scalar(select(func.count()).select_from(subscription).where(others)) or 0)

    def by_key(self) -> Mapping[str, int]:
        """{application server key: subscriptions bound to it}."""
        query = select(subscription.c.vapid_key_id, func.count()).group_by(subscription.c.vapid_key_id)
        with self._database.reading() as connection:
            return {key_id: int(count) for key_id, count in connection.execute(query).all()}

    def audience(self, topics: frozenset[str]) -> int:
        """How many subscriptions have at least one of these topics."""
        with self._database.reading() as connection:
            return count_audience(connection, topic_ids(connection, topics).values())


def remove_subscriptions(
    connection: Connection,
    reasons: Mapping[int, str],
    now: datetime,
    tally: OutcomeCounts,
    endpoints: Mapping[int, str] = EVERYWHERE,
) -> tuple[int, Mapping[int, str]]:
    """Delete subscriptions by id, leaving only {push service, reason: count} behind; returns how many there were.

    `endpoints` are those that ended: who has another by now has moved, stays, and is returned as {id: push service}.
    What becomes of their retries is added to `tally`, which the caller writes with its own counts: in one order.
    """
    if not reasons:
        return 0, {}
    services, moved = _take(connection, subscription.c.id.in_(list(reasons)), tally, endpoints)
    count_ends(connection, Counter((service, reasons[number]) for number, service in services.items()), now)
    return len(services), moved


def count_ends(connection: Connection, ends: Mapping[tuple[str, str], int], now: datetime) -> None:
    """Keep why subscriptions ended, by push service: counts, nobody's identity."""
    if ends:
        connection.execute(
            insert(subscription_end),
            [{"at": now, "push_service": s, "reason": r, "count": n} for (s, r), n in ends.items()],
        )


def count_audience(connection: Connection, ids: Iterable[int], left_out: Iterable[int] = ()) -> int:
    """How many subscriptions have at least one of the topics with these ids, and none of those `left_out`."""
    wanted, unwanted = list(ids), list(left_out)
    if not wanted:
        return 0
    member = subscription_topic.c.subscription_id
    # One topic needs no DISTINCT: the primary key's index alone answers it.
    counted = func.count() if len(wanted) == 1 else func.count(distinct(member))
    query = select(counted).select_from(subscription_topic).where(subscription_topic.c.topic_id.in_(wanted))
    if unwanted:
        query = query.where(~has_topic(member, unwanted))
    return int(connection.scalar(query) or 0)


def has_topic(subscription_id: ColumnElement[int], ids: Sequence[int] | BindParameter[Any]) -> Exists:
    """Whether the subscription has one of the topics with these ids."""
    other = subscription_topic.alias()
    return exists().where(other.c.subscription_id == subscription_id, other.c.topic_id.in_(ids))


def _take(
    connection: Connection, chosen: ColumnElement[bool], tally: OutcomeCounts, endpoints: Mapping[int, str] = EVERYWHERE
) -> tuple[dict[int, str], dict[int, str]]:
    """Delete subscriptions and their retries; returns {id: push service} of these, and of those who have moved."""
    # Held first, so that nobody adds a retry between here and the end.
    columns = (subscription.c.id, subscription.c.push_service, subscription.c.endpoint_hash)
    held = connection.execute(select(*columns).where(chosen).order_by(subscription.c.id).with_for_update()).all()
    moved = {
        row.id: row.push_service
        for row in held
        if row.id in endpoints and row.endpoint_hash != hashlib.sha256(endpoints[row.id].encode()).digest()
    }
    services = {row.id: row.push_service for row in held if row.id not in moved}
    if services:
        note_erased(connection)
        tally.update(end_retries(connection, services))
        connection.execute(delete(subscription).where(subscription.c.id.in_(list(services))))
    return services, moved


def _delete(connection: Connection, chosen: ColumnElement[bool], now: datetime) -> dict[int, str]:
    """`_take`, with the counts written."""
    tally = OutcomeCounts()
    services, _ = _take(connection, chosen, tally)
    _write(connection, tally, now)
    return services


def _write(connection: Connection, tally: OutcomeCounts, now: datetime) -> None:
    if tally:
        add_counts(connection, tally)
        finish_if_done(connection, tally.alerts, now)


def _free_endpoint(connection: Connection, keys: PushKeys, token_hash: bytes, now: datetime) -> None:
    """Whoever else had the endpoint has it no more."""
    others = and_(subscription.c.endpoint_hash == _endpoint_hash(keys), subscription.c.token_hash != token_hash)
    _delete(connection, others, now)


def _is_new_endpoint(connection: Connection, new: NewSubscription) -> bool:
    return (
        connection.scalar(select(exists().where(subscription.c.endpoint_hash == _endpoint_hash(new.keys)))) is not True
    )


def _drop_envelope(connection: Connection, owner: int) -> None:
    """What was sealed ahead was for the old keys."""
    connection.execute(delete(envelope).where(envelope.c.subscription_id == owner))


def _remove_topics(connection: Connection, owner: int, topics: frozenset[str]) -> None:
    ids = topic_ids(connection, topics)
    mine = subscription_topic.c.subscription_id == owner
    connection.execute(delete(subscription_topic).where(mine, subscription_topic.c.topic_id.in_(ids.values())))


def _add_topics(connection: Connection, owner: int, topics: frozenset[str]) -> None:
    ids = topic_ids(connection, topics, make=True)
    if ids:
        connection.execute(
            insert(subscription_topic), [{"topic_id": i, "subscription_id": owner} for i in ids.values()]
        )


def _topics_of(connection: Connection, owner: int) -> frozenset[str]:
    join = topic.join(subscription_topic, subscription_topic.c.topic_id == topic.c.id)
    return frozenset(
        connection.scalars(select(topic.c.slug).select_from(join).where(subscription_topic.c.subscription_id == owner))
    )


def _touch(connection: Connection, token_hash: bytes, values: Mapping[str, Any]) -> int:
    owner = _change(connection, token_hash, values)
    if owner is None:
        raise NotFound("there is no subscription for this browser; press “Get alerts” to make one")
    return owner


def _change(connection: Connection, token_hash: bytes, values: Mapping[str, Any]) -> int | None:
    """Update the token's subscription; returns its id, or None if there is none."""
    if "endpoint" in values:
        note_erased(connection)  # of those that it had before
    mine = update(subscription).where(subscription.c.token_hash == token_hash)
    return connection.execute(mine.values(dict(values)).returning(subscription.c.id)).scalar_one_or_none()


def _columns(new: NewSubscription) -> dict[str, Any]:
    return {
        "endpoint": new.keys.endpoint,
        "endpoint_hash": _endpoint_hash(new.keys),
        "p256dh": new.keys.p256dh,
        "auth": new.keys.auth,
        "push_service": new.push_service,
        "vapid_key_id": new.vapid_key_id,
        "browser": new.browser,
    }


def _endpoint_hash(keys: PushKeys) -> bytes:
    return hashlib.sha256(keys.endpoint.encode()).digest()


def subscription_of(row: Row[Any], topics: frozenset[str]) -> Subscription:
    """A stored row as a Subscription."""
    return Subscription(
        id=row.id,
        keys=PushKeys(row.endpoint, row.p256dh, row.auth),
        push_service=row.push_service,
        vapid_key_id=row.vapid_key_id,
        browser=row.browser,
        topics=topics,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        version=row.version,
    )
