"""The payload always fits, and loses first what is missed least."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alerts.alert import Alert, AlertKind, Message, Urgency
from notifier.alerts.evidence import Evidence
from notifier.alerts.payload import ReceiptRequest, asked_of, encode
from notifier.alerts.receipts import TOLD_AT_MOST
from notifier.text.line import has_words

MESSAGE = Message(
    title="Bridge closes after storm",
    body="Engineers are looking at the cables of the river crossing.",
    url="https://news.example/bridge",
    publisher="The Example",
    published_at=datetime(2026, 4, 25, 20, 30, tzinfo=UTC),
    tag="story-7",
    image_url="https://news.example/bridge.jpg",
)


def an_alert(receipt: str | None = None, audience: int = 10, held_s: float = 0, **given: Any) -> Alert:
    at = MESSAGE.published_at
    alert = Alert(
        3, 7, AlertKind.NEW, MESSAGE, frozenset({"world"}), True, Urgency.HIGH, 3600, Evidence(), at, audience
    )
    return replace(alert, receipt=receipt, hold_until=at + timedelta(seconds=held_s), **given)


def fields_of(alert: Alert, limit: int = 3993, asked: ReceiptRequest | None = None) -> dict[str, Any]:
    fields: dict[str, Any] = orjson.loads(encode(alert, limit, asked))
    return fields


def with_words(**given: Any) -> Alert:
    return an_alert(message=replace(MESSAGE, **given))


def test_a_short_message_is_carried_whole() -> None:
    assert fields_of(an_alert()) == {
        "v": 1,
        "id": 3,
        "kind": "new",
        "label": "Breaking",
        "title": MESSAGE.title,
        "body": MESSAGE.body,
        "publisher": "The Example",
        "at": 1777149000000,
        "url": MESSAGE.url,
        "tag": "story-7",
        "image": MESSAGE.image_url,
    }


def test_an_update_says_when_and_what_changed() -> None:
    why = Evidence(before="8 bridges close after storm", facts={"number": ["14"]})
    message = replace(MESSAGE, title="14 bridges close after storm")
    fields = fields_of(an_alert(held_s=60, kind=AlertKind.UPDATE, message=message, why=why))
    assert (fields["label"], fields["change"]) == ("Updated", "14 bridges now, 8 before.")
    assert fields["updated"] == fields["at"] + 60_000


def test_the_image_goes_before_any_word_does() -> None:
    fields = fields_of(with_words(image_url="https://news.example/" + "i" * 4000))
    assert "image" not in fields
    assert fields["body"] == MESSAGE.body


def test_the_standfirst_is_cut_before_the_headline() -> None:
    fields = fields_of(an_alert(), 220)
    assert fields["title"] == MESSAGE.title
    assert fields["body"].endswith("…")
    assert MESSAGE.body.startswith(fields["body"][:-1])


def test_a_link_that_leaves_no_room_is_an_error_not_a_cut_link() -> None:
    with pytest.raises(ValueError, match="link"):
        encode(with_words(url="https://news.example/" + "x" * 4000), 3993)


def test_a_link_never_takes_the_whole_headline() -> None:
    # A notification without words is nothing that a person can read.
    def title(link_chars: int) -> str | None:
        try:
            return str(fields_of(with_words(url="https://news.example/" + "x" * link_chars))["title"])
        except ValueError:
            return None

    found = [title(link_chars) for link_chars in range(3650, 3850)]
    assert all(has_words(one) for one in found if one is not None)
    assert found[0] is not None
    assert found[-1] is None


@given(st.text(max_size=3000), st.text(max_size=3000), st.text(max_size=300), st.integers(800, 3993))
def test_whatever_the_words_the_payload_fits(title: str, body: str, publisher: str, limit: int) -> None:
    alert = replace(an_alert(), message=replace(MESSAGE, title=title, body=body, publisher=publisher))
    payload = encode(alert, limit)
    assert len(payload) <= limit
    assert orjson.loads(payload)["url"] == MESSAGE.url


LONGEST_TIME = "miércoles, 12:49 a. m."  # of a reader's clock, on another day
PUBLISHERS = st.one_of(
    st.text(max_size=300),
    st.text("الجزيرة نت ", max_size=300),
    st.text("新华社人民日报", max_size=300),
    st.lists(st.sampled_from(["👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "नि", "é"]), max_size=80).map("".join),
)
TITLES = st.text(st.one_of(st.sampled_from("0123456789 ,.人killed dead"), st.characters(codec="utf-8")), max_size=300)


@given(PUBLISHERS, TITLES, TITLES, st.sampled_from([AlertKind.NEW, AlertKind.UPDATE, AlertKind.CORRECTION]))
def test_kind_publisher_and_what_changed_are_within_what_a_screen_shows(
    publisher: str, before: str, title: str, kind: AlertKind
) -> None:
    message = replace(MESSAGE, publisher=publisher, title=title, image_url=None)
    fields = fields_of(an_alert(kind=kind, message=message, why=Evidence(before=before)))
    seen = f"{fields['label']} {LONGEST_TIME} · {fields['publisher']}\n{fields.get('change', '')}"
    assert len(seen) <= 200


def test_a_browser_is_told_what_to_tell_and_nothing_of_itself() -> None:
    asked = asked_of(an_alert("abcdefghijklmnop", held_s=9))
    fields = fields_of(an_alert(), asked=asked)
    assert fields["receipt"] == "abcdefghijklmnop"
    assert fields["since"] == fields["at"] + 9000
    assert "ask" not in fields


def test_of_a_large_audience_only_a_share_is_asked() -> None:
    asked = asked_of(an_alert("abcdefghijklmnop", 100 * TOLD_AT_MOST))
    assert fields_of(an_alert(), asked=asked)["ask"] == 0.01


def test_an_alert_without_a_name_asks_nobody() -> None:
    assert asked_of(an_alert()) is None


def test_what_is_asked_never_makes_a_payload_too_long() -> None:
    alert = replace(with_words(title="ß" * 5000, body="ü" * 5000), id=2**62)
    asked = ReceiptRequest("r" * 16, MESSAGE.published_at, 0.0312)
    for limit in (400, 1200, 3993):
        assert len(encode(alert, limit, asked)) <= limit
