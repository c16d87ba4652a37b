"""A month of an invented site, put into a service's database: what pages show after a while, for tests and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import insert, update

from notifier.alerts.alert import AlertKind, Message, NewAlert, Urgency
from notifier.alerts.evidence import Evidence
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from notifier.storage.schema import (
    EPOCH,
    alert,
    alert_receipt,
    alert_time,
    audience_day,
    delivery_count,
    subscription_end,
)
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.stories.breaking import BreakingSignals
from notifier.subscribers.subscriber import NewSubscription, PushKeys
from tests.web.site import PUBLIC_POINT

DAYS = 40
DAY = timedelta(days=1)
PEOPLE = 340
# (headline, topic, breaking, minutes ago, people, seconds from publication to decision)
SENT = (
    ("Ferry service to the islands resumes at noon", "ships", False, 2_900, 274, 41),
    ("Flood breaks two dykes west of the old town", "storms", True, 1_640, 310, 9),
    ("Harbour pilots end their strike", "ships", False, 700, 281, 33),
    ("Storm warning raised to red for the whole coast", "storms", True, 180, 321, 12),
)
SHARES = {"fcm": 0.62, "mozilla": 0.2, "apple": 0.15, "windows": 0.03}
BROWSERS = {"chrome": 0.54, "firefox": 0.2, "safari": 0.15, "edge": 0.11}
# How many of a hundred were accepted within so many seconds of the decision.
TOOK = {2.0: 24, 5.0: 41, 10.0: 22, 30.0: 9, 120.0: 3, 600.0: 1}


def fill(database_url: str, publisher: str) -> None:
    """Add it to a database that has the schema, and no subscription yet: what is sent here is done at once."""
    now = datetime.now(UTC)
    with closing(Database(database_url)) as database:
        _days(database, now)
        for title, topic, breaking, minutes, people, after_s in SENT:
            decided_at = now - timedelta(minutes=minutes)
            published_at = decided_at - timedelta(seconds=after_s)
            new = NewAlert(
                story_id=0,
                kind=AlertKind.NEW,
                message=Message(title, "", "https://news.example/1", publisher, published_at, f"past-{minutes}"),
                topics=frozenset({topic}),
                breaking=breaking,
                urgency=Urgency.HIGH,
                ttl_s=3600,
                why=Evidence(topics={topic: [title.split()[0].lower()]}, signals=BreakingSignals({publisher: 1.0})),
                decided_at=decided_at,
                published_at=published_at,
            )
            _sent(database, SqlAlertStore(database).accept(new, decided_at).id, people, decided_at)


def subscribe_everybody(database_url: str, key_id: str, taken: str, later: str) -> None:
    """`PEOPLE` subscriptions. `taken` begins the endpoints that take a push, `later` those of a few that do not yet."""
    now = datetime.now(UTC)
    services, browsers = _spread(SHARES), _spread(BROWSERS)
    with closing(Database(database_url)) as database:
        store = SqlSubscriptionStore(database)
        for number in range(PEOPLE):
            token = sha256(f"somebody {number}".encode()).digest()
            endpoint = f"{later if number % 40 == 7 else taken}/{number}"
            topics = frozenset({"storms"} if number % 7 == 3 else {"ships", "storms"} if number % 9 else {"ships"})
            keys = PushKeys(endpoint, PUBLIC_POINT, bytes(16))
            store.subscribe(
                NewSubscription(keys, token, topics, services[number], key_id, browsers[number]),
                now - timedelta(days=1),
            )


def _spread(shares: Mapping[str, float]) -> Sequence[str]:
    """`PEOPLE` names by their shares, side by side."""
    names = [name for name, share in shares.items() for _ in range(round(PEOPLE * share))]
    return [*names, *names[: PEOPLE - len(names)]] if len(names) < PEOPLE else names[:PEOPLE]


def _sent(database: Database, number: int, people: int, decided_at: datetime) -> None:
    counts = [
        {"alert_id": number, "push_service": service, "outcome": outcome, "count": round(people * share * part)}
        for service, share in SHARES.items()
        for outcome, part in (("delivered", 0.985), ("gone", 0.012), ("expired", 0.003))
    ]
    told = {"shown": 0.71, "clicked": 0.064}
    with database.writing() as connection:
        connection.execute(
            update(alert).where(alert.c.id == number).values(audience=people, done_at=decided_at + timedelta(minutes=3))
        )
        connection.execute(insert(delivery_count), [row for row in counts if row["count"]])
        connection.execute(
            insert(alert_time),
            [
                {"alert_id": number, "stage": "accepted", "le_s": le_s, "count": round(people * part / 100)}
                for le_s, part in TOOK.items()
            ],
        )
        connection.execute(
            insert(alert_receipt),
            [{"alert_id": number, "kind": kind, "count": round(people * part)} for kind, part in told.items()],
        )


def _days(database: Database, now: datetime) -> None:
    midnight = EPOCH + (now - EPOCH) // DAY * DAY
    counts, ends = [], []
    for back in range(1, DAYS + 1):
        total = PEOPLE - 3 * back + 4 * (back % 7 == 3) - back % 3
        parts = {
            ("all", "all"): 1.0,
            ("topic", "ships"): 0.86 - 0.002 * back,
            ("topic", "storms"): 0.88 - 0.006 * back,
            **{("browser", browser): share for browser, share in BROWSERS.items()},
            **{("push service", service): share for service, share in SHARES.items()},
        }
        day = midnight - back * DAY
        counts += [{"day": day, "kind": k, "name": n, "count": round(total * part)} for (k, n), part in parts.items()]
        ends += [
            {"at": day + timedelta(hours=9), "reason": "410", "push_service": "fcm", "count": 2 + back % 3},
            {"at": day + timedelta(hours=12), "reason": "stopped", "push_service": "mozilla", "count": 1 + back % 2},
            {"at": day + timedelta(hours=15), "reason": "404", "push_service": "windows", "count": 1},
        ]
    with database.writing() as connection:
        connection.execute(insert(audience_day), counts)
        connection.execute(insert(subscription_end), ends)
