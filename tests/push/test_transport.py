"""What every PushTransport promises, against a push service in another process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.addresses import AddressGuard
from notifier.alerts.alert import Urgency
from notifier.push.curl_transport import CurlTransport
from notifier.push.http2.transport import Http2Transport
from notifier.push.outcome import Retry, outcome
from notifier.push.request import build
from notifier.push.transport import PushResponse, PushTransport
from tests.push.conftest import requests_to
from tests.pushsink.process import PushSink


def http2_transport(guard: AddressGuard, ca_file: Path) -> PushTransport:
    return Http2Transport(guard, CurlTransport(guard, ca_file), ca_file)


WIRES: dict[str, Callable[[AddressGuard, Path], PushTransport]] = {"pycurl": CurlTransport, "http2": http2_transport}

LIMITS = {
    "usual limits": (),
    "one stream": ("--streams", "1"),
    "a window of 100 bytes": ("--window", "100"),
    "no header table": ("--table", "0"),
    "a small header table": ("--table", "300"),
    "a huge header table": ("--table", "65536"),
}


@pytest.fixture(params=WIRES)
def transport_to(request: pytest.FixtureRequest) -> Iterator[Callable[[PushSink], PushTransport]]:
    """Makes a transport that may talk to this sink."""
    with ExitStack() as stack:

        def make(sink: PushSink) -> PushTransport:
            transport = WIRES[request.param](AddressGuard.allowing([sink.local]), sink.ca_file)
            stack.callback(transport.close)
            return transport

        yield make


@pytest.fixture
def transport(transport_to: Callable[[PushSink], PushTransport], sink: PushSink) -> PushTransport:
    sink.forget()
    return transport_to(sink)


def say(answers: list[PushResponse]) -> list[int | str | None]:
    """Each answer's status, or its error."""
    return [answer.status or answer.error for answer in answers]


def test_answers_come_in_the_order_of_the_requests(transport: PushTransport, sink: PushSink) -> None:
    behaviours = ["after-0.2", "ok", "410", "404", "403", "401", "400", "413", "500", "503", "after-0.1", "ok"]
    answers = transport.send(requests_to(sink, *behaviours), 10)
    assert say(answers) == [201, 201, 410, 404, 403, 401, 400, 413, 500, 503, 201, 201]
    assert answers[0].elapsed_s >= 0.2


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_every_browser_gets_its_own_message_once(
    transport_to: Callable[[PushSink], PushTransport], sink_with: Callable[..., PushSink], limits: tuple[str, ...]
) -> None:
    sink = sink_with(*limits)
    transport = transport_to(sink)
    for first in (0, 300):
        assert say(transport.send(requests_to(sink, *["ok"] * 300, first=first), 30)) == [201] * 300
    report = sink.report()
    assert report["problems"] == []
    assert sorted(report["messages"]) == sorted([str(number), f"message {number}"] for number in range(600))
    assert report["http1"] == 0


def test_alerts_that_alternate_on_one_connection_keep_their_own_headers(
    transport: PushTransport, sink: PushSink
) -> None:
    signed = requests_to(sink, *["ok"] * 40)
    mixed = [
        build(
            request.endpoint,
            request.body,
            ttl_s=100 + number % 3,
            urgency=Urgency.NORMAL,
            tag=f"story {number % 5}" if number % 2 else None,
            authorization=request.headers.authorization,
        )
        for number, request in enumerate(signed)
    ]
    assert say(transport.send(mixed, 10, streams={sink.origin: 1})) == [201] * 40
    report = sink.report()
    assert report["problems"] == []
    assert report["headers"]["ttl"] == str(100 + 39 % 3)
    assert report["headers"]["topic"] == dict(mixed[39].headers.lines())["topic"]


def test_connections_are_few_and_kept_for_the_next_alert(transport: PushTransport, sink: PushSink) -> None:
    for first in (0, 100, 200):
        transport.send(requests_to(sink, *["ok"] * 100, first=first), 10, streams={sink.origin: 50})
    assert sink.report()["connections"] == 1


def test_retry_after_reaches_the_outcome_in_both_forms(transport: PushTransport, sink: PushSink) -> None:
    now = datetime(2030, 1, 2, 3, 0, tzinfo=UTC)
    seconds, date = transport.send(requests_to(sink, "429-seconds", "429-date"), 10)
    assert outcome(seconds, now) == Retry("429", 7.0)
    waits = outcome(date, now)
    assert isinstance(waits, Retry)
    assert waits.after_s is not None
    assert waits.after_s > 60


def test_a_request_that_was_refused_unprocessed_is_sent_again(transport: PushTransport, sink: PushSink) -> None:
    assert say(transport.send(requests_to(sink, "ok", "refused-once", "ok"), 10)) == [201] * 3
    assert sink.report()["repeated"] == 0


def test_a_connection_that_says_goodbye_costs_no_message(transport: PushTransport, sink: PushSink) -> None:
    behaviours = ["ok"] * 10 + ["goaway"] + ["ok"] * 10 + ["goaway-before"] + ["ok"] * 10
    assert say(transport.send(requests_to(sink, *behaviours), 10)) == [201] * 32
    assert say(transport.send(requests_to(sink, *["ok"] * 5, first=100), 10)) == [201] * 5
    assert sink.report()["repeated"] == 0


def test_a_reset_stream_harms_no_other(transport: PushTransport, sink: PushSink) -> None:
    assert say(transport.send(requests_to(sink, "ok", "reset", "ok"), 10)) == [201, "reset", 201]


def test_a_connection_that_is_cut_is_an_error_and_the_next_one_works(transport: PushTransport, sink: PushSink) -> None:
    assert say(transport.send(requests_to(sink, "close"), 10)) == ["closed"]
    assert say(transport.send(requests_to(sink, "ok"), 10)) == [201]


def test_a_service_that_talks_nonsense_is_an_error_and_can_still_be_reached(
    transport: PushTransport, sink: PushSink
) -> None:
    (answer,) = transport.send(requests_to(sink, "garbage"), 5)
    assert answer.error in {"protocol", "closed", "timeout"}
    assert say(transport.send(requests_to(sink, *["ok"] * 20), 10)) == [201] * 20


def test_a_service_that_never_answers_costs_no_more_than_the_deadline(transport: PushTransport, sink: PushSink) -> None:
    answers = transport.send(requests_to(sink, "never", "ok", "after-20", "ok"), 1.0)
    assert say(answers) == ["timeout", 201, "timeout", 201]
    assert say(transport.send(requests_to(sink, "ok", first=9), 10)) == [201]


def test_what_had_no_turn_before_the_deadline_is_a_timeout(transport: PushTransport, sink: PushSink) -> None:
    answers = transport.send(requests_to(sink, *["after-0.4"] * 6), 1.0, streams={sink.origin: 2})
    assert say(answers).count("timeout") == 2


@pytest.mark.parametrize("behaviour", ["continuation", "dynamic", "early", "padded", "trailers", "shrink"])
def test_every_form_that_an_answer_may_have_is_understood(
    transport: PushTransport, sink: PushSink, behaviour: str
) -> None:
    for first in (0, 60):
        assert say(transport.send(requests_to(sink, *[behaviour, "ok"] * 30, first=first), 10)) == [201] * 60
    assert sink.report()["problems"] == []


def test_a_service_that_ignores_the_size_of_our_header_table_makes_nobody_gone(
    transport: PushTransport, sink: PushSink
) -> None:
    behaviours = ["ignores-table-404", *["ignores-table"] * 9] * 20
    wanted = [404, *[201] * 9] * 20
    for first in (0, 200):
        came = say(transport.send(requests_to(sink, *behaviours, first=first), 10))
        assert all(status == right or isinstance(status, str) for status, right in zip(came, wanted, strict=True))


def test_a_head_that_does_not_end_holds_up_its_connection_and_no_later_batch(sink: PushSink) -> None:
    transport = http2_transport(AddressGuard.allowing([sink.local]), sink.ca_file)
    came = say(transport.send(requests_to(sink, *["ok"] * 5, "half-head", "ok"), 1.0))
    assert set(came) <= {201, "timeout", "closed"}
    assert came[5] != 201
    for first in (20, 40):
        assert say(transport.send(requests_to(sink, *["ok"] * 20, first=first), 5.0)) == [201] * 20
    transport.close()


def test_a_head_that_is_too_long_costs_nobody_else(transport: PushTransport, sink: PushSink) -> None:
    transport.send(requests_to(sink, "ok"), 10)
    came = say(transport.send(requests_to(sink, *["ok"] * 20, "huge", *["ok"] * 20, first=1), 10))
    assert came[:20] + came[21:] == [201] * 40


def test_long_error_texts_are_read_past(transport: PushTransport, sink: PushSink) -> None:
    assert say(transport.send(requests_to(sink, *["big"] * 12, "ok"), 20)) == [413] * 12 + [201]


def test_a_redirect_is_not_followed(transport: PushTransport, sink: PushSink) -> None:
    assert say(transport.send(requests_to(sink, "redirect"), 10)) == [301]


@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_a_service_without_http2_is_spoken_to_in_http1(
    transport_to: Callable[[PushSink], PushTransport], sink_with: Callable[..., PushSink], tls: bool
) -> None:
    sink = sink_with("--http1", tls=tls)
    transport = transport_to(sink)
    assert say(transport.send(requests_to(sink, *["ok"] * 20, "410", "429-seconds"), 10)) == [201] * 20 + [410, 429]
    assert say(transport.send(requests_to(sink, "never", first=50), 0.5)) == ["timeout"]
    report = sink.report()
    assert (report["http1"], report["problems"]) == (23, [])
    assert report["connections"] <= 10


@pytest.mark.parametrize("name", WIRES)
def test_two_services_are_served_side_by_side(name: str, sink: PushSink, sink_with: Callable[..., PushSink]) -> None:
    other = sink_with("--http1", tls=False)
    transport = WIRES[name](AddressGuard.allowing([sink.local, other.local]), sink.ca_file)
    batch = requests_to(sink, *["ok"] * 5) + requests_to(other, *["410"] * 5)
    assert say(transport.send(batch[::-1], 10)) == [410] * 5 + [201] * 5
    transport.close()


@pytest.mark.parametrize("name", WIRES)
def test_an_address_that_the_guard_refuses_is_never_connected_to(name: str, sink: PushSink) -> None:
    sink.forget()
    transport = WIRES[name](AddressGuard(), sink.ca_file)
    assert say(transport.send(requests_to(sink, "ok", "ok"), 10)) == ["address-refused"] * 2
    assert sink.report()["connections"] == 0
    transport.close()


@pytest.mark.parametrize("name", WIRES)
def test_a_certificate_of_an_unknown_authority_is_refused(
    name: str, sink: PushSink, sink_with: Callable[..., PushSink]
) -> None:
    other = sink_with()
    transport = WIRES[name](AddressGuard.allowing([sink.local]), other.ca_file)
    assert say(transport.send(requests_to(sink, "ok"), 10)) == ["tls"]
    transport.close()


def test_a_port_where_nobody_listens_is_a_connect_error(transport_to: Callable[[PushSink], PushTransport]) -> None:
    with PushSink() as stopped:
        transport, requests = transport_to(stopped), requests_to(stopped, "ok", "ok")
    assert say(transport.send(requests, 10)) == ["connect"] * 2


def test_a_name_that_does_not_resolve_is_a_dns_error(transport: PushTransport, sink: PushSink) -> None:
    (request,) = requests_to(sink, "ok")
    nowhere = build(
        "https://push.invalid/ok/1", request.body, ttl_s=1, urgency=Urgency.LOW, tag=None, authorization="vapid"
    )
    assert say(transport.send([nowhere], 10)) == ["dns"]


def test_answers_that_drip_or_never_end_cost_nobody_else(transport: PushTransport, sink: PushSink) -> None:
    answers = transport.send(requests_to(sink, "drip", "endless", *["ok"] * 5), 1.0)
    dripping, *others = say(answers)
    assert dripping in {"timeout", "protocol"}, "however long it is listened to"
    assert others == [503, *[201] * 5]
    assert say(transport.send(requests_to(sink, *["ok"] * 5, first=20), 5.0)) == [201] * 5


def test_an_empty_batch_needs_nothing(transport: PushTransport) -> None:
    assert transport.send([], 10) == []


def test_nothing_of_an_endpoint_is_logged(
    transport: PushTransport, sink: PushSink, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    transport.send(requests_to(sink, "ok", "410", "reset", "close"), 10)
    assert sink.local not in caplog.text + "".join(capfd.readouterr())
