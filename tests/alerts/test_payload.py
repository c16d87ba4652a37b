"""The payload always fits, and loses first what is missed least."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import Alert, AlertKind, Message, Urgency
from notifier.alerts.payload import ReceiptRequest, asked_of, encode
from notifier.alerts.receipts import TOLD_AT_MOST

MESSAGE = Message(
    title="Bridge closes after storm",
    body="Engineers are looking at the cables of the river crossing.",
    url="https://news.example/bridge",
    publisher="The Example",
    published_at=datetime(2026, 4, 25, 20, 30, tzinfo=UTC),
    tag="story-7",
    image_url="https://news.example/bridge.jpg",
)


def test_a_short_message_is_carried_whole() -> None:
    assert orjson.loads(encode(MESSAGE, 3, AlertKind.UPDATE, 3993)) == {
        "v": 1,
        "id": 3,
        "kind": "update",
        "title": MESSAGE.title,
        "body": MESSAGE.body,
        "publisher": "The Example",
        "at": 1777149000000,
        "url": MESSAGE.url,
        "tag": "story-7",
        "image": MESSAGE.image_url,
    }


def test_the_image_goes_before_any_word_does() -> None:
    message = replace(MESSAGE, image_url="https://news.example/" + "i" * 4000)
    fields = orjson.loads(encode(message, 1, AlertKind.NEW, 3993))
    assert "image" not in fields
    assert fields["body"] == MESSAGE.body


def test_the_standfirst_is_cut_before_the_headline() -> None:
    fields = orjson.loads(encode(MESSAGE, 1, AlertKind.NEW, 200))
    assert fields["title"] == MESSAGE.title
    assert fields["body"].endswith("…")
    assert MESSAGE.body.startswith(fields["body"][:-1])


def test_a_link_that_leaves_no_room_is_an_error_not_a_cut_link() -> None:
    with pytest.raises(ValueError, match="link"):
        encode(replace(MESSAGE, url="https://news.example/" + "x" * 4000), 1, AlertKind.NEW, 3993)


@given(st.text(max_size=3000), st.text(max_size=3000), st.integers(250, 3993))
def test_whatever_the_words_the_payload_fits(title: str, body: str, limit: int) -> None:
    payload = encode(replace(MESSAGE, title=title, body=body), 1, AlertKind.NEW, limit)
    assert len(payload) <= limit
    assert orjson.loads(payload)["url"] == MESSAGE.url


def an_alert(receipt: str | None = None, audience: int = 10, held_s: float = 0) -> Alert:
    at = MESSAGE.published_at
    alert = Alert(3, 7, AlertKind.NEW, MESSAGE, frozenset({"world"}), True, Urgency.HIGH, 3600, {}, at, audience)
    return replace(alert, receipt=receipt, hold_until=at + timedelta(seconds=held_s))


def test_a_browser_is_told_what_to_tell_and_nothing_of_itself() -> None:
    asked = asked_of(an_alert("abcdefghijklmnop", held_s=9))
    fields = orjson.loads(encode(MESSAGE, 3, AlertKind.NEW, 3993, asked))
    assert fields["receipt"] == "abcdefghijklmnop"
    assert fields["since"] == fields["at"] + 9000
    assert "ask" not in fields


def test_of_a_large_audience_only_a_share_is_asked() -> None:
    asked = asked_of(an_alert("abcdefghijklmnop", 100 * TOLD_AT_MOST))
    assert orjson.loads(encode(MESSAGE, 3, AlertKind.NEW, 3993, asked))["ask"] == 0.01


def test_an_alert_without_a_name_asks_nobody() -> None:
    assert asked_of(an_alert()) is None


def test_what_is_asked_never_makes_a_payload_too_long() -> None:
    message = replace(MESSAGE, title="ß" * 5000, body="ü" * 5000)
    asked = ReceiptRequest("r" * 16, MESSAGE.published_at, 0.0312)
    for limit in (400, 1200, 3993):
        assert len(encode(message, 2**62, AlertKind.CORRECTION, limit, asked)) <= limit
