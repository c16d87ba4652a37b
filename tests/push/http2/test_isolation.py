"""A connection that dies takes nobody but the guilty one along (push/http2/suspects.py)."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.addresses import AddressGuard
from notifier.push.curl_transport import CurlTransport
from notifier.push.http2.suspects import MOST_DEATHS, WIDTHS, Suspects
from notifier.push.http2.transport import Http2Transport
from notifier.push.transport import NO_LIMITS, NO_PATIENCE
from tests.push.conftest import requests_to
from tests.push.test_transport import say
from tests.pushsink.process import PushSink


@given(total=st.integers(1, 300), guilty=st.sets(st.integers(0, 299), max_size=20))
def test_whoever_ends_connections_fails_alone(total: int, guilty: set[int]) -> None:
    suspects, waiting, delivered, failed = Suspects(), deque(range(total)), set[int](), set[int]()
    connections = 0
    while waiting:
        connections += 1
        flying: list[int] = []
        while waiting and ((width := suspects.width(waiting[0])) is None or len(flying) < width):
            flying.append(waiting.popleft())
        at = next((place for place, ticket in enumerate(flying) if ticket in guilty), None)
        delivered |= set(flying[:at])
        if at is not None:
            again, ended = suspects.died(flying[at:], alone_is_guilty=True)
            waiting.extend(again)
            failed |= set(ended)
    assert failed == {ticket for ticket in guilty if ticket < total}
    assert delivered == set(range(total)) - failed
    assert connections <= 2 + total // WIDTHS[0] + len(failed) * 20


def test_a_connection_that_was_kept_may_have_ended_by_itself() -> None:
    suspects = Suspects()
    assert suspects.died([7], alone_is_guilty=False) == ([7], [])
    assert suspects.died([7], alone_is_guilty=False) == ([], [7])


def test_nobody_goes_again_for_ever() -> None:
    suspects = Suspects()
    rounds = [suspects.died([1, 2], alone_is_guilty=False)[1] for _ in range(MOST_DEATHS)]
    assert rounds == [[]] * (MOST_DEATHS - 1) + [[1, 2]]


@pytest.mark.parametrize("behaviour", ["close", "garbage", "goaway-ever", "half-head"])
@pytest.mark.parametrize("guilty", [1, 5])
def test_only_the_guilty_one_has_no_answer(sink: PushSink, behaviour: str, guilty: int) -> None:
    sink.forget()
    transport = Http2Transport(
        AddressGuard.allowing([sink.local]), CurlTransport(AddressGuard.allowing([]), sink.ca_file), sink.ca_file
    )
    assert say(transport.begin(requests_to(sink, *["ok"] * 20), 30, NO_LIMITS, NO_PATIENCE)) == [201] * 20
    behaviours = (["ok"] * 40 + [behaviour]) * guilty + ["ok"] * 40
    answers = say(transport.send(requests_to(sink, *behaviours, first=100), 30))
    assert [came for came, what in zip(answers, behaviours, strict=True) if what == "ok"] == [201] * 40 * (guilty + 1)
    assert 201 not in [came for came, what in zip(answers, behaviours, strict=True) if what == behaviour]
    # Nor did the origin lose its HTTP/2: libcurl would have been refused every address.
    assert (
        say(transport.begin(requests_to(sink, *["ok"] * 20, first=900), 30, NO_LIMITS, {sink.origin: 5.0}))
        == [201] * 20
    )
    transport.close()
