"""Two tabs, a worker and a "Stop" on one subscription, in any order: nobody undoes what another chose."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.errors import NotFound
from notifier.storage.database import Database
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.subscribers.subscriber import SubscriptionStore
from tests.contracts.samples import NOON, a_subscription, token
from tests.examples import examples

TOPICS = ("world", "uk", "science", "sport", "climate", "courts", "health", "ships")
NONE = frozenset[str]()
# What a tab does (a topic added or removed), what the worker does (renew), and what ends it (stop).
TAB = st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from(TOPICS[:4])), max_size=4)
WORKER = st.lists(st.just(("renew", "")), max_size=2)
STOP = st.lists(st.just(("stop", "")), max_size=1)
names = itertools.count()


@pytest.fixture
def store(database: Database) -> SubscriptionStore:
    return SqlSubscriptionStore(database)


@st.composite
def interleavings(draw: st.DrawFn) -> list[tuple[str, str]]:
    """What two tabs, a worker and a stop do, each in its own order, in any common one."""
    waiting = [draw(acts) for acts in (TAB, TAB, WORKER, STOP)]
    turns = draw(st.permutations([who for who, acts in enumerate(waiting) for _ in acts]))
    acts = [iter(own) for own in waiting]
    return [next(acts[who]) for who in turns]


def act(store: SubscriptionStore, name: str, does: str, topic: str) -> None:
    mine = token(name)
    match does:
        case "add":
            store.change_topics(mine, frozenset({topic}), NONE, NOON)
        case "remove":
            store.change_topics(mine, NONE, frozenset({topic}), NOON)
        case "renew":
            store.renew(mine, a_subscription(name, endpoint=f"https://push.example/{name}/{next(names)}"), NOON)
        case _:
            store.delete(mine, NOON)


@pytest.mark.timeout(600)  # thousands of small transactions, on a machine that may be busy
@settings(
    max_examples=examples(500),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(interleavings())  # a thousand, on the two kinds of database
def test_each_choice_holds_until_the_same_topic_is_chosen_again(
    store: SubscriptionStore, order: list[tuple[str, str]]
) -> None:
    name = f"reader {next(names)}"
    store.subscribe(a_subscription(name, "world"), NOON)
    wanted, version, stopped = frozenset({"world"}), 0, False
    for does, topic in order:
        if stopped:
            if does != "stop":
                with pytest.raises(NotFound):
                    act(store, name, does, topic)
            assert store.find(token(name)) is None
            continue
        act(store, name, does, topic)
        after = wanted | {topic} if does == "add" else wanted - {topic}
        version, wanted, stopped = version + (after != wanted), after, does == "stop"
        found = store.find(token(name))
        assert (found is None) == stopped
        assert found is None or (found.topics, found.version) == (wanted, version)


def test_what_tabs_choose_at_the_same_time_is_all_kept(store: SubscriptionStore) -> None:
    store.subscribe(a_subscription("ada"), NOON)
    with ThreadPoolExecutor(len(TOPICS)) as tabs:
        list(tabs.map(lambda topic: act(store, "ada", "add", topic), TOPICS))
    found = store.find(token("ada"))
    assert found is not None
    assert (found.topics, found.version) == (frozenset(TOPICS), len(TOPICS))
