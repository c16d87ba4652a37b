from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.push.pacing import (
    FEWEST_STREAMS,
    FIRST_STREAMS,
    LIFTED,
    LONGEST_REST_S,
    MOST_STREAMS,
    PROBE,
    ROOM_EVERY_S,
    BatchTally,
    Limit,
    ServicePace,
    admit,
    learn,
    tally,
)
from notifier.push.transport import PushResponse

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def batch(
    accepted: int = 0, *, throttled: int = 0, failed: int = 0, latency_s: float | None = 0.05, asked_s: float = 0
) -> BatchTally:
    return BatchTally(accepted, accepted, throttled, failed, latency_s, asked_s)


def limited(pace: ServicePace) -> ServicePace:
    """Three minutes in which Chrome grants 1,000 messages and refuses the rest."""
    for minute in range(4):
        pace, _ = admit(pace, 2000, after(60 * minute), urgent=False)
        pace = learn(pace, batch(1000, throttled=1000), after(60 * minute + 1))
    return pace


def test_answers_are_counted_by_what_they_say_of_the_service() -> None:
    answers = [
        PushResponse(status=201, elapsed_s=0.1),
        PushResponse(status=410, elapsed_s=0.3),
        PushResponse(status=403, elapsed_s=0.2),
        PushResponse(status=429, retry_after="30"),
        PushResponse(status=503, retry_after="Fri, 01 May 2026 12:01:30 GMT"),
        PushResponse(error="timeout"),
    ]
    assert tally(answers, NOW) == BatchTally(1, 3, 1, 2, 0.2, 90.0)


def test_quick_answers_let_more_messages_fly() -> None:
    pace = ServicePace()
    for second in range(30):
        pace = learn(pace, batch(5000), after(second))
    assert pace.streams == MOST_STREAMS


def test_a_batch_that_did_not_use_the_streams_teaches_nothing_about_more() -> None:
    assert learn(ServicePace(), batch(FIRST_STREAMS - 1), NOW).streams == FIRST_STREAMS


@pytest.mark.parametrize("trouble", [{"throttled": 60}, {"failed": 60}])
def test_trouble_halves_what_flies(trouble: dict[str, int]) -> None:
    assert learn(ServicePace(), batch(440, **trouble), NOW).streams == FIRST_STREAMS // 2


def test_five_lost_messages_in_a_hundred_are_no_trouble_of_the_service() -> None:
    assert learn(ServicePace(), batch(475, failed=25), NOW).streams > FIRST_STREAMS


def test_a_service_that_becomes_slow_gets_fewer_at_a_time() -> None:
    pace = learn(ServicePace(), batch(500, latency_s=0.1), NOW)
    assert learn(pace, batch(500, latency_s=0.8), NOW).streams < pace.streams
    assert learn(pace, batch(500, latency_s=0.2), NOW).streams > pace.streams


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.floats(0, 5)), max_size=30))
def test_no_history_stops_a_service_for_good(history: list[tuple[int, int, int, float]]) -> None:
    pace = ServicePace(may_limit=True)
    for second, (accepted, throttled, failed, asked_s) in enumerate(history):
        pace = learn(pace, batch(accepted, throttled=throttled, failed=failed, asked_s=asked_s), after(second))
    assert FEWEST_STREAMS <= pace.streams <= MOST_STREAMS
    assert admit(pace, 10, after(len(history) + 900), urgent=False)[1].send > 0


def test_a_service_that_fails_three_times_rests_and_is_tried_with_a_few() -> None:
    pace = ServicePace()
    for second in range(3):
        pace, admission = admit(pace, 500, after(second), urgent=True)
        assert admission.send == 500
        pace = learn(pace, batch(failed=500, latency_s=None), after(second))
    pace, admission = admit(pace, 500, after(3), urgent=False)
    assert (admission.send, admission.wait_s) == (0, 4.0)
    pace, admission = admit(pace, 500, after(8), urgent=False)
    assert admission.send == PROBE
    assert admission.wait_s > 0


def test_breaking_news_tries_a_service_that_only_a_few_browsers_made_rest() -> None:
    pace = ServicePace()
    for second in range(9):  # eight browsers that fail at every retry, and nobody else to send to
        pace = learn(pace, batch(failed=8, latency_s=None), after(second))
    assert admit(pace, 500, after(9), urgent=False)[1].send == 0
    pace, admission = admit(pace, 500, after(9), urgent=True)
    assert (admission.send, admission.wait_s) == (PROBE, 5.0)
    pace = learn(pace, batch(PROBE), after(9))
    assert admit(pace, 495, after(10), urgent=True)[1].send == 495


@pytest.mark.parametrize("trouble", [{"throttled": 40, "asked_s": 900}, {"throttled": 40}, {"failed": 40}])
def test_as_many_as_one_person_may_have_make_no_large_service_rest(trouble: dict[str, int]) -> None:
    pace = learn(ServicePace(), batch(500), NOW)
    for second in range(1, 10):  # alone in their batch each time, as on a topic of their own
        pace = learn(pace, batch(**trouble), after(second))
    assert pace.rests_until is None
    assert pace.bucket is None
    assert admit(pace, 500, after(10), urgent=False)[1].send == 500


def test_a_service_that_goes_on_failing_rests_longer_each_time() -> None:
    pace, now, rests = ServicePace(), NOW, []
    for _ in range(12):
        pace = learn(pace, batch(failed=5, latency_s=None), now)
        rests.append((pace.rests_until - now).total_seconds() if pace.rests_until else 0.0)
        now = pace.rests_until or now
    assert rests[:6] == [0, 0, 5, 10, 20, 40]
    assert rests[-1] == LONGEST_REST_S


def test_one_useful_answer_closes_the_circuit() -> None:
    pace = ServicePace(failures=7, rests_until=after(-1))
    pace = learn(pace, batch(1, failed=4), NOW)
    assert admit(pace, 500, NOW, urgent=False)[1].send == 500


def test_a_410_is_an_answer_of_a_service_that_works() -> None:
    gone = tally([PushResponse(status=410)] * 10, NOW)
    assert learn(ServicePace(failures=5), gone, NOW).failures == 0


def test_a_service_that_asks_for_time_gets_it() -> None:
    pace = learn(ServicePace(), batch(100, throttled=400, asked_s=40), NOW)
    assert admit(pace, 10, after(39), urgent=True)[1] == admit(pace, 10, after(39), urgent=False)[1]
    assert admit(pace, 10, after(39), urgent=True)[1].wait_s == 1.0
    assert admit(pace, 10, after(40), urgent=True)[1].send == 10


def test_a_few_throttled_devices_do_not_stop_a_service() -> None:
    pace = learn(ServicePace(), batch(490, throttled=10, asked_s=3600), NOW)
    assert admit(pace, 10, NOW, urgent=False)[1].send == 10


def test_a_site_that_chrome_limits_is_recognised_after_three_minutes() -> None:
    pace = limited(ServicePace(may_limit=True))
    assert pace.per_minute == 1000


def test_no_other_service_is_thought_to_limit_sites() -> None:
    assert limited(ServicePace(may_limit=False)).per_minute is None


@pytest.mark.parametrize("accepted", [200, 5000])
def test_other_throttling_is_not_mistaken_for_the_limit(accepted: int) -> None:
    pace = ServicePace(may_limit=True)
    for minute in range(6):
        pace, _ = admit(pace, accepted + 3000, after(60 * minute), urgent=False)
        pace = learn(pace, batch(accepted, throttled=3000), after(60 * minute + 1))
    assert pace.per_minute is None


def test_the_limit_is_kept_and_its_last_fifth_is_for_breaking_news() -> None:
    pace, sent = limited(ServicePace(may_limit=True)), []
    for urgent in (False, False, True, True):
        pace, admission = admit(pace, 700, after(300), urgent=urgent)
        sent.append(admission.send)
    assert sent == [700, 100, 200, 0]
    assert admission.wait_s == ROOM_EVERY_S
    # Room comes back as what was sent gets a minute old: no minute of theirs, wherever it begins, gets twice as much.
    room = [admit(pace, 1500, after(second), urgent=True)[1].send for second in (360, 375, 390, 420)]
    assert room == [0, 250, 500, 1000]


def test_an_hour_without_a_429_doubles_the_limit_until_it_is_gone() -> None:
    pace, limits = limited(ServicePace(may_limit=True)), []
    for hour in range(1, 8):
        now = after(400 + 3700 * hour)
        pace, _ = admit(pace, 10, now, urgent=False)
        pace = learn(pace, batch(10), now + timedelta(seconds=1))
        pace, _ = admit(pace, 10, now + timedelta(seconds=70), urgent=False)
        limits.append(pace.per_minute)
    assert limits[:5] == [2000, 4000, 8000, LIFTED, None]


def test_a_429_while_trying_more_brings_the_limit_back() -> None:
    limit = Limit(per_minute=4000, lifts_at=after(60))
    pace = ServicePace(may_limit=True, limit=limit)
    pace = learn(pace, batch(1000, throttled=500), NOW)
    assert (pace.per_minute, pace.limit.lifts_at) == (1000, after(3600))
