from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import Urgency
from notifier.push.request import PushHeaders, PushRequest, build, topic_of

ENDPOINT = "https://push.example.org/secret"


def request(tag: str | None = "story-1", ttl_s: int = 3600) -> PushRequest:
    return build(ENDPOINT, b"sealed", ttl_s=ttl_s, urgency=Urgency.HIGH, tag=tag, authorization="vapid t=a,k=b")


def test_a_request_says_how_long_how_urgent_and_what_it_replaces() -> None:
    assert dict(request().headers.lines()) == {
        "ttl": "3600",
        "urgency": "high",
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "authorization": "vapid t=a,k=b",
        "topic": topic_of("story-1"),
    }


def test_without_a_tag_nothing_is_replaced() -> None:
    assert "topic" not in dict(request(tag=None).headers.lines())


def test_messages_of_one_alert_share_their_headers() -> None:
    assert request().headers is request().headers
    assert request().headers is not request(tag="story-2").headers


def test_neither_endpoint_nor_body_nor_signature_is_shown() -> None:
    shown = repr(request())
    assert not any(secret in shown for secret in ("secret", "sealed", "vapid"))


@given(st.text())
def test_every_tag_becomes_a_topic_that_services_take(tag: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", topic_of(tag))


@pytest.mark.parametrize("topic", ["", "x" * 33, "with space", "a\r\nb", "é"])
def test_a_topic_outside_the_standard_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="RFC 8030"):
        PushHeaders(60, Urgency.HIGH, topic, "vapid")


def test_a_negative_ttl_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        request(ttl_s=-1)
