from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.errors import SubscriptionInvalid
from notifier.push.envelope import (
    ENVELOPE_BYTES,
    Envelope,
    content_key_and_nonce,
    derive,
    finish,
    prepare,
    seal_now,
)
from notifier.push.seal import MAX_BODY, MAX_PLAINTEXT
from tests.push import vectors
from tests.push.reader import private_key, public_point
from tests.pushsink.browser import keys_of, open_message

ENDPOINT = "https://push.example.org/ok/7"


def envelope_for(number: int) -> Envelope:
    keys = keys_of(number, ENDPOINT)
    return prepare(keys.p256dh, keys.auth)


def test_the_published_web_push_message_comes_out_byte_for_byte() -> None:
    browser = public_point(private_key(vectors.WEB_PUSH_BROWSER_PRIVATE))
    sender = private_key(vectors.WEB_PUSH_SENDER_PRIVATE)
    envelope = derive(sender, vectors.WEB_PUSH_SALT, browser, vectors.WEB_PUSH_AUTH)
    assert finish(envelope, vectors.WEB_PUSH_TEXT) == vectors.WEB_PUSH_BODY


def test_the_published_content_encoding_opens_with_the_derived_key_and_nonce() -> None:
    salt, record = vectors.ENCODING_BODY[:16], vectors.ENCODING_BODY[21:]
    secret = content_key_and_nonce(vectors.ENCODING_KEY, salt)
    assert AESGCM(secret[:16]).decrypt(secret[16:], record, None) == vectors.ENCODING_TEXT + b"\x02"


@settings(max_examples=20)
@given(text=st.binary(min_size=1, max_size=MAX_PLAINTEXT), number=st.integers(0, 3))
def test_a_browser_reads_what_went_into_its_envelope(text: bytes, number: int) -> None:
    envelope = envelope_for(number)
    assert len(envelope) == ENVELOPE_BYTES == 109
    assert open_message(number, finish(envelope, text)) == text


def test_no_two_envelopes_of_a_browser_have_anything_in_common() -> None:
    first, second = envelope_for(1), envelope_for(1)
    for part in (slice(0, 16), slice(16, 81), slice(81, 97), slice(97, 109)):
        assert first[part] != second[part]


def test_finishing_again_with_the_same_text_gives_the_same_bytes() -> None:
    envelope = envelope_for(1)
    assert finish(envelope, b"text") == finish(envelope, b"text")


def test_the_longest_payload_fills_exactly_what_a_push_service_takes() -> None:
    assert len(finish(envelope_for(1), b"x" * MAX_PLAINTEXT)) == MAX_BODY
    with pytest.raises(ValueError, match="1 to 3993"):
        finish(envelope_for(1), b"x" * (MAX_PLAINTEXT + 1))


def test_what_was_not_prepared_is_sealed_at_once() -> None:
    assert open_message(3, seal_now(b"text", keys_of(3, ENDPOINT))) == b"text"


@pytest.mark.parametrize(
    ("point", "auth"),
    [(b"\x04" + bytes(64), bytes(16)), (keys_of(1, ENDPOINT).p256dh[:64], bytes(16)), (bytes(65), b"short")],
    ids=["not on the curve", "a point too short", "a secret too short"],
)
def test_keys_that_no_browser_makes_get_no_envelope(point: bytes, auth: bytes) -> None:
    with pytest.raises(SubscriptionInvalid):
        prepare(point, auth)
