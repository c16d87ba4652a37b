"""Input at the edge: whatever a stranger sends is usable keys or a clear refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import SubscriptionInvalid
from notifier.web.bodies import KeysBody, PushBody
from tests.web.site import ENDPOINT, KEYS, PUBLIC_POINT, base64url


def body(p256dh: str, auth: str) -> PushBody:
    return PushBody(endpoint=ENDPOINT, keys=KeysBody(p256dh=p256dh, auth=auth))


def test_keys_are_read_with_and_without_padding() -> None:
    plain = body(KEYS["p256dh"], KEYS["auth"]).push_keys()
    padded = body(KEYS["p256dh"] + "=", KEYS["auth"] + "==").push_keys()

    assert plain == padded
    assert plain.p256dh == PUBLIC_POINT


def test_keys_stay_out_of_a_repr() -> None:
    shown = repr(body(KEYS["p256dh"], KEYS["auth"]).push_keys())

    assert ENDPOINT not in shown
    assert repr(PUBLIC_POINT) not in shown


@given(st.text(max_size=128), st.text(max_size=64))
def test_any_text_gives_keys_or_a_refusal(p256dh: str, auth: str) -> None:
    try:
        keys = body(p256dh, auth).push_keys()
    except SubscriptionInvalid:
        return
    assert (len(keys.p256dh), len(keys.auth)) == (65, 16)


@given(st.binary(min_size=64, max_size=64))
def test_a_point_off_the_curve_is_refused(coordinates: bytes) -> None:
    # Two random coordinates lie on the curve once in 2**256 times.
    with pytest.raises(SubscriptionInvalid):
        body(base64url(b"\x04" + coordinates), KEYS["auth"]).push_keys()
