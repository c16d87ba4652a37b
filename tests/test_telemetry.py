"""Logs and metrics never carry an endpoint, a key or a token."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from notifier.telemetry import Metrics, redact, set_up_logging

ENDPOINT = "https://push.example/wpush/v2/" + "gAAAAAB7" * 12


def test_secrets_are_left_out_by_name() -> None:
    event = redact(
        None, "info", {"event": "x", "endpoint": ENDPOINT, "Authorization": "vapid t=..", "keys": {"auth": 1}}
    )
    assert event == {"event": "x", "endpoint": "(not logged)", "Authorization": "(not logged)", "keys": "(not logged)"}


def test_an_endpoint_inside_any_text_is_cut_to_its_origin() -> None:
    event = redact(None, "info", {"event": f"{ENDPOINT} refused", "list": [ENDPOINT], "map": {"a": ENDPOINT}})
    assert event == {
        "event": "https://push.example/… refused",
        "list": ["https://push.example/…"],
        "map": {"a": "https://push.example/…"},
    }


@pytest.mark.parametrize(
    "endpoint", ["https://fcm.googleapis.com/fcm/send/short:token", "https://web.push.apple.com/QABCdddd"]
)
def test_a_push_services_address_is_cut_however_short(endpoint: str) -> None:
    assert redact(None, "info", {"event": endpoint})["event"] == endpoint.split(".com", maxsplit=1)[0] + ".com/…"


def test_an_article_address_stays_whole() -> None:
    address = "https://news.example/world/2026/04/25/dam-holds-after-a-night-of-rain-in-the-northern-valley-30412"
    assert redact(None, "info", {"url": address})["url"] == address


@pytest.fixture
def root_logging() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_json_line_has_its_event_level_and_time(root_logging: logging.Logger) -> None:
    set_up_logging(json=True)
    stream = io.StringIO()
    handler = root_logging.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    structlog.get_logger().warning("chunk.lease-lost", chunk=3)
    logging.getLogger("other.library").error("failed for %s", ENDPOINT)
    ours, theirs = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["chunk"]) == ("chunk.lease-lost", "warning", 3)
    assert ours["timestamp"].endswith("Z")
    assert theirs["event"] == "failed for https://push.example/…"


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_traceback_shows_no_local_variable(root_logging: logging.Logger, *, json_lines: bool) -> None:
    set_up_logging(json=json_lines)
    stream = io.StringIO()
    handler = root_logging.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    try:
        _fail("un" + "speakable")  # in two parts, as a traceback quotes this line
    except RuntimeError:
        structlog.get_logger().exception("engine.failed")
    assert "on purpose" in stream.getvalue()
    assert "unspeakable" not in stream.getvalue()


def _fail(secret: str) -> None:
    """A function with a secret among its local variables."""
    raise RuntimeError("on purpose" if secret else "")


def test_two_services_in_one_process_do_not_share_counts() -> None:
    one, other = Metrics(), Metrics()
    one.polls.labels("changed").inc()
    assert b'notifier_feed_polls_total{result="changed"} 1.0' in one.exposition()
    assert b'result="changed"' not in other.exposition()
