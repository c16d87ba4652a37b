"""What interrupts a chunk: a lost lease, an order to stop, breaking news, subscribers who leave."""

from __future__ import annotations

from notifier.engine.pauses import LEAST_LOOK_S
from notifier.engine.run import GATHER, UNKNOWN_EVERY_S
from notifier.push.transport import PushResponse
from tests.contracts.samples import token
from tests.engine.harness import LEASE_S, EngineHarness, ScriptedTransport, never


def test_everybody_who_follows_the_topic_gets_the_alert_once(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "eve", "joe", "kim")
    alert = harness.accept()
    harness.work()
    assert harness.transport.reached == ["ada", "bob", "eve", "joe", "kim"]
    assert harness.counts(alert) == {"delivered": 5}
    assert harness.read(alert).done_at == harness.clock()


def test_a_worker_that_was_silent_too_long_writes_nothing_when_it_wakes(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "eve")
    alert = harness.accept()
    other = ScriptedTransport()

    def sleep_through_the_lease() -> None:
        harness.transport.then = lambda: None
        harness.clock.advance(LEASE_S + 1)
        harness.worker(other).work_once(never)

    harness.transport.then = sleep_through_the_lease
    harness.work()
    # The sub-batch that was in the air went out twice, which the devices hide, and was counted once.
    assert (harness.transport.reached, other.reached) == (["ada", "bob"], ["ada", "bob", "eve"])
    assert harness.counts(alert) == {"delivered": 3}


def test_a_worker_told_to_stop_ends_after_its_sub_batch_and_gives_the_chunk_back(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "eve", "joe", "kim")
    alert = harness.accept()
    harness.runner.work_once(lambda: True)
    assert harness.transport.reached == ["ada", "bob"]
    harness.work()
    assert harness.transport.reached == ["ada", "bob", "eve", "joe", "kim"]
    assert harness.counts(alert) == {"delivered": 5}


def test_breaking_news_overtakes_an_ordinary_alert_in_the_middle(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "eve")
    harness.accept(story=1)

    def news_breaks() -> None:
        harness.transport.then = lambda: None
        harness.accept(story=2, breaking=True)

    harness.transport.then = news_breaks
    harness.work()
    breaking = ["ada", "bob", "eve"]
    assert harness.transport.reached == ["ada", "bob", *breaking, "eve"]


def test_breaking_news_under_way_makes_no_way_for_other_breaking_news(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "eve")
    harness.accept(story=1, breaking=True)

    def more_breaks() -> None:
        harness.transport.then = lambda: None
        harness.accept(story=2, breaking=True)

    harness.transport.then = more_breaks
    assert harness.runner.work_once(never)
    assert harness.transport.reached == ["ada", "bob", "eve"]


def test_breaking_news_begins_with_few_so_that_the_first_message_waits_for_little(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "eve", "joe")
    harness.sub_batch, harness.first_batch = 2, 1
    runner, sizes = harness.worker(harness.transport), []
    for breaking in (False, True):
        harness.accept(breaking=breaking)
        harness.transport.batches.clear()
        runner.work_once(never)
        sizes.append([len(batch) for batch in harness.transport.batches])
    assert sizes == [[2, 2], [1, 2, 1]]


def test_a_subscriber_who_leaves_in_the_middle_holds_nobody_up(harness: EngineHarness) -> None:
    harness.subscribe("ada", "bob", "eve", "joe")
    alert = harness.accept()

    def leave() -> None:
        harness.subscriptions.delete(token("eve"), harness.clock())

    harness.transport.then = leave
    harness.work()
    assert harness.transport.reached == ["ada", "bob", "joe"]
    assert harness.counts(alert) == {"delivered": 3}
    assert harness.read(alert).done_at is not None


def test_retries_that_outlive_their_lease_are_counted_once(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=503)
    alert = harness.accept()
    harness.work()
    harness.transport.answers.clear()
    harness.clock.advance(10)
    other = ScriptedTransport()

    def sleep_through_the_lease() -> None:
        harness.transport.then = lambda: None
        harness.clock.advance(LEASE_S + 1)
        harness.worker(other).work_once(never)

    harness.transport.then = sleep_through_the_lease
    harness.work()
    assert (harness.transport.reached, other.reached) == (["ada", "ada"], ["ada"])
    assert harness.counts(alert) == {"delivered": 1}


def test_a_worker_looks_up_between_the_retries_of_two_alerts(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=503)
    alerts = [harness.accept(story=story) for story in (1, 2)]
    harness.work()
    harness.transport.answers.clear()
    harness.clock.advance(10)
    done: list[int] = []
    for _ in range(3):
        assert harness.runner.work_once(never) == (len(done) < 2)
        done.append(sum(harness.read(alert).done_at is not None for alert in alerts))
    assert done == [1, 2, 2]


def test_few_retries_wait_for_others_while_a_chunk_is_sent_and_no_longer(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=503)
    first, second = (harness.accept(story=story) for story in (1, 2))
    harness.work()
    harness.transport.answers.clear()
    harness.clock.advance(10)
    harness.accept(story=3)
    chunk = harness.deliveries.claim_chunk(harness.clock(), LEASE_S)
    assert chunk is not None
    assert harness.runner.work_once(never)
    assert not harness.runner.work_once(never)
    assert harness.runner.look_in_s <= GATHER.total_seconds()
    assert [harness.read(alert).done_at is not None for alert in (first, second)] == [True, False]
    harness.clock.advance(GATHER.total_seconds())
    assert harness.runner.work_once(never)
    assert harness.read(second).done_at is not None


def test_a_retry_that_finds_the_subscriber_gone_ends_the_subscription(harness: EngineHarness) -> None:
    harness.subscribe("ada")
    harness.transport.answers["ada"] = PushResponse(status=503)
    alert = harness.accept()
    harness.work()
    harness.transport.answers["ada"] = PushResponse(status=410)
    harness.clock.advance(10)
    harness.work()
    assert harness.counts(alert) == {"gone": 1}
    assert not harness.is_subscribed("ada")


MANY = [f"reader-{number}" for number in range(40)]


def test_few_at_a_service_that_took_nothing_are_left_to_the_retries_until_it_takes_one(
    harness: EngineHarness,
) -> None:
    harness = EngineHarness(harness.database, sub_batch=100)
    harness.subscribe(*MANY)
    harness.subscribe("odd", service="odd.example")
    first = harness.accept(story=1)
    assert harness.runner.work_once(never)
    assert "odd" not in harness.transport.reached
    harness.work()
    assert harness.counts(first) == {"delivered": len(MANY) + 1}
    harness.accept(story=2)
    assert harness.runner.work_once(never)
    assert harness.transport.reached[-1] == "odd"


def test_few_at_a_browsers_own_service_stand_behind_no_invented_one(harness: EngineHarness) -> None:
    harness = EngineHarness(harness.database, sub_batch=100)
    harness.subscribe(*MANY)
    harness.subscribe("ada", service="apple")
    harness.accept()
    assert harness.runner.work_once(never)
    assert "ada" in harness.transport.reached


def test_services_that_took_nothing_take_turns_while_a_chunk_is_sent_and_the_others_do_not_wait(
    harness: EngineHarness,
) -> None:
    harness = EngineHarness(harness.database, sub_batch=100)
    harness.subscribe(*MANY)
    for name in ("odd-1", "odd-2"):
        harness.subscribe(name, service=name)
        harness.transport.answers[name] = PushResponse(status=503)
    harness.transport.answers[MANY[0]] = PushResponse(status=503)
    alert = harness.accept(story=1)
    assert harness.runner.work_once(never)
    harness.accept(story=2)
    assert harness.deliveries.claim_chunk(harness.clock(), LEASE_S) is not None
    del harness.transport.batches[:]
    harness.work()
    harness.clock.advance(GATHER.total_seconds())
    harness.work()
    assert harness.transport.reached == ["odd-1"]
    harness.clock.advance(UNKNOWN_EVERY_S)
    harness.work()
    assert harness.transport.reached == ["odd-1", "odd-2"]
    harness.transport.answers.clear()
    for _ in range(4):  # a turn for each, and one for those whom somebody waits for
        harness.clock.advance(10)
        harness.work()
    assert harness.counts(alert) == {"delivered": len(MANY) + 2}


def test_a_room_that_is_due_is_looked_for_seldom_enough_to_do_other_things(harness: EngineHarness) -> None:
    harness.pauses.hold("mozilla", harness.clock(), breaking=True)
    assert harness.runner.look_in_s >= LEAST_LOOK_S
