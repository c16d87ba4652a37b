"""Failures: each says what happened and what to do, and when to come back if the server said so."""

from __future__ import annotations

import errno
import ssl
from datetime import UTC, datetime

import pytest

from notifier.feeds.connections import CannotConnect, NameUnknown
from notifier.feeds.failure import from_exception, from_status
from notifier.feeds.fetch_result import FailureKind
from notifier.feeds.http1 import BadResponse

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0), ("9" * 5000, 86_400.0), ("soon", None), (None, None)],
)
def test_a_server_that_wants_time_gets_a_day_at_most(header: str | None, seconds: float | None) -> None:
    assert from_status(503, header, NOW).retry_after_s == seconds


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "headers_env"), (404, "new address"), (429, "too often"), (503, "keep trying"), (418, "browser")],
)
def test_a_status_says_what_to_do(status: int, words: str) -> None:
    failed = from_status(status, "60", NOW)
    assert failed.reason.startswith(f"HTTP {status}")
    assert words in failed.reason
    assert failed.retry_after_s == 60.0
    assert failed.kind is FailureKind.SERVER


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (TimeoutError(), FailureKind.NETWORK, "did not answer within 30 s"),
        (ssl.SSLError("bad handshake"), FailureKind.NETWORK, "TLS"),
        (NameUnknown("Name or service not known"), FailureKind.NETWORK, "No address is known for paper.example"),
        (CannotConnect("Connection refused"), FailureKind.NETWORK, "Cannot connect to paper.example: Conn"),
        (CannotConnect("10.0.0.1 is not a public address"), FailureKind.REFUSED, "add it to the allowed"),
        (ConnectionResetError(), FailureKind.NETWORK, "broke the connection off"),
        (BadResponse("half a chunk"), FailureKind.SERVER, "half a chunk"),
        (ValueError("a header\nof two lines"), FailureKind.SERVER, "a header"),
    ],
)
def test_an_exception_becomes_a_sentence(error: Exception, kind: FailureKind, words: str) -> None:
    failed = from_exception(error, "paper.example", 30.0)
    assert failed.kind is kind
    assert "paper.example" in failed.reason
    assert words in failed.reason
    assert "\n" not in failed.reason


def test_a_want_of_descriptors_is_ours_however_deep_it_lies() -> None:
    error = CannotConnect("Too many open files")
    error.__cause__ = OSError(errno.EMFILE, "Too many open files")
    found = from_exception(error, "paper.example", 30.0)
    assert found.kind is FailureKind.OURS
    assert "raise its limit" in found.reason
