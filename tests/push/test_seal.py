from __future__ import annotations

import http_ece
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.errors import SubscriptionInvalid
from notifier.push.seal import MAX_BODY, MAX_PLAINTEXT, seal
from notifier.subscribers.subscriber import PushKeys
from tests.push.reader import private_key, public_point, read
from tests.push.vectors import WEB_PUSH_AUTH, WEB_PUSH_BODY, WEB_PUSH_BROWSER_PRIVATE, WEB_PUSH_TEXT
from tests.pushsink.browser import keys_of, open_message

ENDPOINT = "https://push.example.org/ok/7"
BROWSER = private_key(WEB_PUSH_BROWSER_PRIVATE)
KEYS = PushKeys(ENDPOINT, public_point(BROWSER), WEB_PUSH_AUTH)


def test_the_reader_of_these_tests_opens_the_published_message() -> None:
    assert read(WEB_PUSH_BODY, BROWSER, WEB_PUSH_AUTH) == WEB_PUSH_TEXT


@settings(max_examples=20)
@given(text=st.binary(min_size=1, max_size=MAX_PLAINTEXT))
def test_a_browser_reads_what_was_sealed_for_it(text: bytes) -> None:
    body = seal(text, KEYS)
    assert http_ece.decrypt(body, private_key=BROWSER, auth_secret=WEB_PUSH_AUTH, version="aes128gcm") == text
    if not text.endswith(b"\x00"):
        assert read(body, BROWSER, WEB_PUSH_AUTH) == text


def test_what_others_seal_for_a_browser_opens_in_the_same_way() -> None:
    theirs = http_ece.encrypt(
        b"from elsewhere",
        private_key=private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        dh=keys_of(7, ENDPOINT).p256dh,
        auth_secret=keys_of(7, ENDPOINT).auth,
        version="aes128gcm",
    )
    ours = seal(b"from here", keys_of(7, ENDPOINT))
    assert [open_message(7, body) for body in (theirs, ours)] == [b"from elsewhere", b"from here"]


def test_the_longest_payload_fills_exactly_what_a_push_service_takes() -> None:
    assert MAX_PLAINTEXT == 3993
    assert len(seal(b"x" * MAX_PLAINTEXT, KEYS)) == MAX_BODY


@pytest.mark.parametrize("text", [b"", b"x" * (MAX_PLAINTEXT + 1)])
def test_a_payload_that_is_empty_or_too_long_is_a_bug_of_the_caller(text: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 3993"):
        seal(text, KEYS)


def test_two_messages_share_neither_salt_nor_key() -> None:
    first, second = seal(b"same", KEYS), seal(b"same", KEYS)
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


@pytest.mark.parametrize(
    ("point", "auth"),
    [(b"\x04" + bytes(64), WEB_PUSH_AUTH), (KEYS.p256dh[:64], WEB_PUSH_AUTH), (KEYS.p256dh, b"short")],
    ids=["not on the curve", "a point too short", "a secret too short"],
)
def test_keys_that_no_browser_makes_are_refused(point: bytes, auth: bytes) -> None:
    with pytest.raises(SubscriptionInvalid) as refused:
        seal(b"text", PushKeys(ENDPOINT, point, auth))
    assert ENDPOINT not in str(refused.value)
