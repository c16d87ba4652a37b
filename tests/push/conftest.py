"""A sink for each test of a transport, and requests to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from notifier.alerts.alert import Urgency
from notifier.push.request import PushRequest, build
from notifier.push.seal import seal
from notifier.push.vapid import VapidSigner, vapid_key
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink

KEY = vapid_key(generate_private_key(SECP256R1()))
SIGNER = VapidSigner([KEY], "mailto:alerts@news.example.org")


def requests_to(sink: PushSink, *behaviours: str, first: int = 0) -> list[PushRequest]:
    """One request for each behaviour, to browsers `first`, `first` + 1 and so on."""
    signed = SIGNER.authorization(sink.origin, KEY.key_id, datetime.now(UTC))
    requests = []
    for number, behaviour in enumerate(behaviours, start=first):
        endpoint = sink.endpoint(behaviour, number)
        body = seal(f"message {number}".encode(), keys_of(number, endpoint))
        requests.append(build(endpoint, body, ttl_s=60, urgency=Urgency.HIGH, tag="t", authorization=signed))
    return requests


@pytest.fixture
def sink_with() -> Iterator[Callable[..., PushSink]]:
    """`sink_with("--streams", "1")` starts a sink that ends with the test."""
    with ExitStack() as stack:
        yield lambda *options, tls=True: stack.enter_context(PushSink(*options, tls=tls))


@pytest.fixture(scope="module")
def sink() -> Iterator[PushSink]:
    """A sink with usual limits; what it saw is shared by the tests of one module."""
    with PushSink() as started:
        yield started
