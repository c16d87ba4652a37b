from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from structlog.testing import capture_logs

from notifier.alerts.alert import Urgency
from notifier.clock import ManualClock
from notifier.push.bounded_dict import MOST_ORIGINS, BoundedDict
from notifier.push.outcome import Retry, outcome
from notifier.push.paced_transport import CHROME, PacedTransport, Pacer
from notifier.push.pacing import FIRST_STREAMS
from notifier.push.request import PushRequest, build
from notifier.push.transport import NO_LIMITS, PushResponse

MOZILLA = "https://updates.push.services.mozilla.com"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class ScriptedTransport:
    """Answers each request by `answer`, and remembers what it was asked to send."""

    def __init__(self, answer: Callable[[PushRequest], PushResponse]) -> None:
        self.answer = answer
        self.batches: list[list[str]] = []
        self.limits: Mapping[str, int] = {}
        self.closed = False

    def send(
        self, batch: Sequence[PushRequest], deadline_s: float, streams: Mapping[str, int] = NO_LIMITS
    ) -> list[PushResponse]:
        self.batches.append([request.endpoint for request in batch])
        self.limits = streams
        return [self.answer(request) for request in batch]

    def close(self) -> None:
        self.closed = True


def to(origin: str, number: int = 0, urgency: Urgency = Urgency.NORMAL) -> PushRequest:
    return build(f"{origin}/{number}", b"body", ttl_s=60, urgency=urgency, tag=None, authorization="vapid")


def accept(request: PushRequest) -> PushResponse:
    return PushResponse(status=201, elapsed_s=0.01)


def test_answers_stay_in_the_order_of_the_batch() -> None:
    transport = ScriptedTransport(lambda request: PushResponse(status=200 + int(request.endpoint[-1])))
    batch = [to(MOZILLA, 1), to(CHROME, 2), to(MOZILLA, 3, Urgency.HIGH), to(CHROME, 4)]
    answers = PacedTransport(transport, Pacer(ManualClock(NOW))).send(batch, 10)
    assert [answer.status for answer in answers] == [201, 202, 203, 204]


def test_urgent_messages_leave_first() -> None:
    transport = ScriptedTransport(accept)
    PacedTransport(transport, Pacer(ManualClock(NOW))).send([to(CHROME, 1), to(MOZILLA, 2, Urgency.HIGH)], 10)
    assert transport.batches == [[f"{MOZILLA}/2", f"{CHROME}/1"]]


def test_a_service_that_fails_is_left_alone_while_the_others_go_on() -> None:
    transport = ScriptedTransport(
        lambda request: PushResponse(status=503) if CHROME in request.endpoint else accept(request)
    )
    clock = ManualClock(NOW)
    paced = PacedTransport(transport, Pacer(clock))
    for _ in range(3):
        paced.send([*(to(CHROME, number) for number in range(5)), to(MOZILLA)], 10)
    held, accepted = paced.send([to(CHROME), to(MOZILLA)], 10)
    assert transport.batches[-1] == [f"{MOZILLA}/0"]
    assert outcome(held, clock()) == Retry("deferred", 5.0)
    assert accepted.status == 201
    clock.advance(6)
    transport.answer = accept
    assert [answer.status for answer in paced.send([to(CHROME), to(MOZILLA)], 10)] == [201, 201]


def test_what_was_learned_bounds_the_streams_of_every_thread() -> None:
    pacer = Pacer(ManualClock(NOW))
    first, second = ScriptedTransport(lambda request: PushResponse(status=429)), ScriptedTransport(accept)
    PacedTransport(first, pacer).send([to(CHROME, number) for number in range(10)], 10)
    PacedTransport(second, pacer).send([to(CHROME)], 10, {CHROME: 1000})
    assert second.limits == {CHROME: FIRST_STREAMS // 2}
    PacedTransport(second, pacer).send([to(CHROME)], 10, {CHROME: 3})
    assert second.limits == {CHROME: 3}


def test_the_earliest_of_a_batch_go_where_not_all_may() -> None:
    clock = ManualClock(NOW)
    pacer = Pacer(clock)
    granted = 0

    def chrome(request: PushRequest) -> PushResponse:
        nonlocal granted
        granted += 1
        return PushResponse(status=201 if granted <= 1000 else 429)

    transport = ScriptedTransport(chrome)
    paced = PacedTransport(transport, pacer)
    with capture_logs() as logs:
        for _ in range(4):
            granted = 0
            for _ in range(3):
                paced.send([to(CHROME, number) for number in range(500)], 10)
            clock.advance(61)
    assert [line["event"] for line in logs].count("push.site-limited") == 1
    clock.advance(61)
    granted = 0
    answers = paced.send([to(CHROME, number) for number in range(1500)], 10)
    assert [answer.status or answer.error for answer in answers] == [201] * 800 + ["deferred"] * 700
    assert pacer.paces()[CHROME].per_minute == 1000


def test_a_failing_service_is_told_once_and_its_recovery_too() -> None:
    clock = ManualClock(NOW)
    transport = ScriptedTransport(lambda request: PushResponse(error="connect"))
    paced = PacedTransport(transport, Pacer(clock))
    with capture_logs() as logs:
        for _ in range(6):
            paced.send([to(MOZILLA, number) for number in range(5)], 10)
            clock.advance(60)
        transport.answer = accept
        clock.advance(300)
        paced.send([to(MOZILLA)], 10)
    assert [line["event"] for line in logs] == ["push.service-failing", "push.service-recovered"]


def test_closing_closes_the_wire_inside() -> None:
    transport = ScriptedTransport(accept)
    PacedTransport(transport, Pacer(ManualClock(NOW))).close()
    assert transport.closed


def test_of_invented_origins_no_more_are_remembered_than_are_worth_it() -> None:
    pacer = Pacer(ManualClock(NOW))
    pacer.admit(MOZILLA, 1, urgent=True)  # still under way
    for number in range(3 * MOST_ORIGINS):
        origin = f"https://x{number}.example.org"
        pacer.admit(origin, 1, urgent=True)
        pacer.learn(origin, [PushResponse(201)])
    assert len(pacer.paces()) == MOST_ORIGINS
    assert MOZILLA in pacer.paces(), "it has a message under way"
    assert f"https://x{3 * MOST_ORIGINS - 1}.example.org" in pacer.paces()
    pacer.learn(MOZILLA, [PushResponse(error="open", ticket=1)])
    pacer.learn_late(MOZILLA, [PushResponse(201)], [to(MOZILLA)])
    for number in range(MOST_ORIGINS):
        pacer.admit(f"https://y{number}.example.org", 1, urgent=True)
    assert MOZILLA not in pacer.paces()


def test_a_bounded_dict_forgets_who_was_written_longest_ago() -> None:
    kept: BoundedDict[int] = BoundedDict(2)
    kept["a"] = kept["b"] = 1
    kept["a"] = 2
    kept["c"] = 3
    assert dict(kept) == {"a": 2, "c": 3}
