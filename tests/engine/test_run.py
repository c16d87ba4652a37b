"""What interrupts a chunk: a lost lease, an order to stop, breaking news, subscribers who leave."""

from __future__ import annotations

from notifier.engine.run import GATHER
from notifier.push.send import Answer
from tests.contracts.samples import token
from tests.engine.house import LEASE_S, EngineHouse, ScriptedWire, never


def test_everybody_who_follows_the_topic_gets_the_alert_once(house: EngineHouse) -> None:
    house.subscribe("ada", "bob", "eve", "joe", "kim")
    alert = house.accept()
    house.work()
    assert house.wire.reached == ["ada", "bob", "eve", "joe", "kim"]
    assert house.counts(alert) == {"delivered": 5}
    assert house.read(alert).done_at == house.clock()


def test_a_worker_that_was_silent_too_long_writes_nothing_when_it_wakes(house: EngineHouse) -> None:
    house.subscribe("ada", "bob", "eve")
    alert = house.accept()
    other = ScriptedWire()

    def sleep_through_the_lease() -> None:
        house.wire.then = lambda: None
        house.clock.advance(LEASE_S + 1)
        house.worker(other).work_once(never)

    house.wire.then = sleep_through_the_lease
    house.work()
    # The sub-batch that was in the air went out twice, which the devices hide, and was counted once.
    assert (house.wire.reached, other.reached) == (["ada", "bob"], ["ada", "bob", "eve"])
    assert house.counts(alert) == {"delivered": 3}


def test_a_worker_told_to_stop_ends_after_its_sub_batch_and_gives_the_chunk_back(house: EngineHouse) -> None:
    house.subscribe("ada", "bob", "eve", "joe", "kim")
    alert = house.accept()
    house.runner.work_once(lambda: True)
    assert house.wire.reached == ["ada", "bob"]
    house.work()
    assert house.wire.reached == ["ada", "bob", "eve", "joe", "kim"]
    assert house.counts(alert) == {"delivered": 5}


def test_breaking_news_overtakes_an_ordinary_alert_in_the_middle(house: EngineHouse) -> None:
    house.subscribe("ada", "bob", "eve")
    house.accept(story=1)

    def news_breaks() -> None:
        house.wire.then = lambda: None
        house.accept(story=2, breaking=True)

    house.wire.then = news_breaks
    house.work()
    breaking = ["ada", "bob", "eve"]
    assert house.wire.reached == ["ada", "bob", *breaking, "eve"]


def test_breaking_news_begins_with_few_so_that_the_first_message_waits_for_little(house: EngineHouse) -> None:
    house.subscribe("ada", "bob", "eve", "joe")
    house.sub_batch, house.first_batch = 2, 1
    runner, sizes = house.worker(house.wire), []
    for breaking in (False, True):
        house.accept(breaking=breaking)
        house.wire.batches.clear()
        runner.work_once(never)
        sizes.append([len(batch) for batch in house.wire.batches])
    assert sizes == [[2, 2], [1, 2, 1]]


def test_a_subscriber_who_leaves_in_the_middle_holds_nobody_up(house: EngineHouse) -> None:
    house.subscribe("ada", "bob", "eve", "joe")
    alert = house.accept()

    def leave() -> None:
        house.subscriptions.delete(token("eve"), house.clock())

    house.wire.then = leave
    house.work()
    assert house.wire.reached == ["ada", "bob", "joe"]
    assert house.counts(alert) == {"delivered": 3}
    assert house.read(alert).done_at is not None


def test_retries_that_outlive_their_lease_are_counted_once(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=503)
    alert = house.accept()
    house.work()
    house.wire.answers.clear()
    house.clock.advance(10)
    other = ScriptedWire()

    def sleep_through_the_lease() -> None:
        house.wire.then = lambda: None
        house.clock.advance(LEASE_S + 1)
        house.worker(other).work_once(never)

    house.wire.then = sleep_through_the_lease
    house.work()
    assert (house.wire.reached, other.reached) == (["ada", "ada"], ["ada"])
    assert house.counts(alert) == {"delivered": 1}


def test_a_worker_looks_up_between_the_retries_of_two_alerts(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=503)
    alerts = [house.accept(story=story) for story in (1, 2)]
    house.work()
    house.wire.answers.clear()
    house.clock.advance(10)
    done: list[int] = []
    for _ in range(3):
        assert house.runner.work_once(never) == (len(done) < 2)
        done.append(sum(house.read(alert).done_at is not None for alert in alerts))
    assert done == [1, 2, 2]


def test_few_retries_wait_for_others_while_a_chunk_is_sent_and_no_longer(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=503)
    first, second = (house.accept(story=story) for story in (1, 2))
    house.work()
    house.wire.answers.clear()
    house.clock.advance(10)
    house.accept(story=3)
    chunk = house.deliveries.claim_chunk(house.clock(), LEASE_S)
    assert chunk is not None
    assert house.runner.work_once(never)
    assert not house.runner.work_once(never)
    assert house.runner.look_in_s <= GATHER.total_seconds()
    assert [house.read(alert).done_at is not None for alert in (first, second)] == [True, False]
    house.clock.advance(GATHER.total_seconds())
    assert house.runner.work_once(never)
    assert house.read(second).done_at is not None


def test_a_retry_that_finds_the_subscriber_gone_ends_the_subscription(house: EngineHouse) -> None:
    house.subscribe("ada")
    house.wire.answers["ada"] = Answer(status=503)
    alert = house.accept()
    house.work()
    house.wire.answers["ada"] = Answer(status=410)
    house.clock.advance(10)
    house.work()
    assert house.counts(alert) == {"gone": 1}
    assert not house.is_subscribed("ada")
