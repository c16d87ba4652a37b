"""What every LanedTransport promises: whoever is late holds up nobody, and is told of later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from time import monotonic

import pytest

from notifier.addresses import AddressGuard
from notifier.push.transport import NO_LIMITS, NO_PATIENCE, PATIENCE_S, LanedTransport, PushResponse, with_lanes
from tests.push.conftest import requests_to
from tests.push.test_transport import WIRES, say
from tests.pushsink.process import PushSink


@pytest.fixture(params=WIRES)
def lanes_to(request: pytest.FixtureRequest) -> Iterator[Callable[..., LanedTransport]]:
    """Makes a transport that may talk to these sinks."""
    with ExitStack() as stack:

        def make(*sinks: PushSink) -> LanedTransport:
            guard = AddressGuard.allowing([sink.local for sink in sinks])
            transport = with_lanes(WIRES[request.param](guard, sinks[0].ca_file))
            stack.callback(transport.close)
            return transport

        yield make


def told(transport: LanedTransport, count: int, within_s: float = 10.0) -> dict[int, PushResponse]:
    """What was told of `count` that were open."""
    found: dict[int, PushResponse] = {}
    ends_at = monotonic() + within_s
    while len(found) < count and monotonic() < ends_at:
        found |= dict(transport.late(0.2))
    return found


def test_the_silent_stay_open_while_the_others_are_told_of(
    lanes_to: Callable[..., LanedTransport], sink: PushSink
) -> None:
    sink.forget()
    transport = lanes_to(sink)
    started = monotonic()
    answers = transport.begin(requests_to(sink, *["ok", "never"] * 5), 30, NO_LIMITS, NO_PATIENCE)
    assert say(answers) == [201, "open"] * 5
    assert monotonic() - started < PATIENCE_S + 1.0
    assert len({answer.ticket for answer in answers[1::2]}) == 5
    assert say(transport.begin(requests_to(sink, *["ok"] * 20, first=50), 30, NO_LIMITS, NO_PATIENCE)) == [201] * 20


def test_nobody_waits_for_those_of_whom_nothing_is_known(
    lanes_to: Callable[..., LanedTransport], sink: PushSink
) -> None:
    sink.forget()
    transport = lanes_to(sink)
    good = requests_to(sink, *["ok"] * 10)
    strangers = [replace(request, tells=False) for request in requests_to(sink, *["never"] * 10, first=50)]
    batch = [request for pair in zip(strangers, good, strict=True) for request in pair]
    started = monotonic()
    answers = transport.begin(batch, 30, NO_LIMITS, {sink.origin: 5.0})
    assert monotonic() - started < 2.5
    assert say(answers) == ["open", 201] * 10


def test_a_late_answer_is_told_under_its_ticket(lanes_to: Callable[..., LanedTransport], sink: PushSink) -> None:
    sink.forget()
    transport = lanes_to(sink)
    patience = {sink.origin: 0.2}
    behaviours = ["after-1", "ok", "after-1.1", "ok"]
    first, _, second, _ = transport.begin(requests_to(sink, *behaviours), 30, NO_LIMITS, patience)
    assert say([first, second]) == ["open", "open"]
    found = told(transport, 2)
    assert {ticket: answer.status for ticket, answer in found.items()} == {first.ticket: 201, second.ticket: 201}
    assert sink.report()["repeated"] == 0


def test_what_is_open_ends_with_its_deadline(lanes_to: Callable[..., LanedTransport], sink: PushSink) -> None:
    transport = lanes_to(sink)
    (answer,) = transport.begin(requests_to(sink, "never"), 0.6, NO_LIMITS, {sink.origin: 0.1})
    assert say([answer]) == ["open"]
    assert {ticket: late.error for ticket, late in told(transport, 1).items()} == {answer.ticket: "timeout"}


def test_a_silent_origin_does_not_hold_up_another(
    lanes_to: Callable[..., LanedTransport], sink_with: Callable[..., PushSink]
) -> None:
    silent, good = sink_with(), sink_with()
    transport = lanes_to(silent, good)
    # Each has an authority of its own: here only the first one's is known, so that the other answers with an error.
    batch = [*requests_to(silent, *["never"] * 50), *requests_to(good, *["ok"] * 5)]
    started = monotonic()
    answers = transport.begin(batch, 30, NO_LIMITS, {silent.origin: 0.3, good.origin: 3.0})
    assert monotonic() - started < 3.0
    assert say(answers) == ["open"] * 50 + ["tls"] * 5


def test_a_goodbye_leaves_nobody_without_an_answer(lanes_to: Callable[..., LanedTransport], sink: PushSink) -> None:
    sink.forget()
    transport = lanes_to(sink)
    batch = requests_to(sink, "after-0.6", *["ok"] * 5)
    first, *_ = transport.begin(batch, 30, NO_LIMITS, {sink.origin: 0.1})
    assert say([first]) == ["open"]
    assert say(transport.begin(requests_to(sink, "goaway", first=50), 30, NO_LIMITS, NO_PATIENCE)) == [201]
    assert say(transport.begin(requests_to(sink, *["ok"] * 5, first=60), 30, NO_LIMITS, NO_PATIENCE)) == [201] * 5
    assert set(told(transport, 1)) == {first.ticket}


def test_a_batch_that_the_service_limits_is_not_sent_to_its_end(sink: PushSink) -> None:
    sink.forget()
    transport = with_lanes(WIRES["http2"](AddressGuard.allowing([sink.local]), sink.ca_file))
    answers = transport.begin(requests_to(sink, *["429"] * 500), 30, {sink.origin: 10}, NO_PATIENCE)
    assert say(answers).count(429) <= 40
    assert set(say(answers)) == {429, "deferred"}
    transport.close()
