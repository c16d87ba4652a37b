"""The payload always fits, and loses first what is missed least."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import AlertKind, Message
from notifier.alerts.payload import encode, shorten

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


def test_text_is_cut_at_a_word() -> None:
    assert shorten("one two three", 9) == "one two…"
    assert shorten("one two three", 13) == "one two three"
    assert shorten("one, two", 5) == "one…"


def test_text_without_spaces_is_cut_where_it_must_be() -> None:
    assert shorten("東京で大きな地震が発生", 6) == "東京で大き…"


@given(st.text(max_size=3000), st.text(max_size=3000), st.integers(250, 3993))
def test_whatever_the_words_the_payload_fits(title: str, body: str, limit: int) -> None:
    payload = encode(replace(MESSAGE, title=title, body=body), 1, AlertKind.NEW, limit)
    assert len(payload) <= limit
    assert orjson.loads(payload)["url"] == MESSAGE.url


@given(st.text(), st.integers(0, 50))
def test_shortened_text_is_never_longer_than_asked(text: str, characters: int) -> None:
    assert len(shorten(text, characters)) <= characters
