from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import SubscriptionInvalid
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.subscribers.exchange import csv_rows, json_rows, reader
from tests.pushsink.browser import keys_of

ENDPOINT = "https://fcm.googleapis.com/fcm/send/1"
KEYS = keys_of(1, ENDPOINT)
read = reader(EndpointPolicy(), "key", frozenset({"world"}))


def row(**changed: Any) -> dict[str, Any]:
    coded = {name: urlsafe_b64encode(value).rstrip(b"=").decode() for name, value in _keys().items()}
    return {"endpoint": ENDPOINT, **coded, **changed}


def _keys() -> dict[str, bytes]:
    return {"p256dh": KEYS.p256dh, "auth": KEYS.auth}


def test_a_row_becomes_a_subscription() -> None:
    new = read(row(topics="uk  tech", browser="Firefox"))
    assert (new.keys, new.topics, new.push_service) == (KEYS, frozenset({"uk", "tech"}), "fcm")
    assert read(row()).topics == {"world"}
    assert read(row()).token_hash != read(row()).token_hash


def test_keys_come_in_either_alphabet_of_base64_with_or_without_padding() -> None:
    coded = {name: b64encode(value).decode() for name, value in _keys().items()}
    assert read(row(**coded)).keys == KEYS
    assert read({"endpoint": ENDPOINT, "keys": coded}).keys == KEYS


@pytest.mark.parametrize("p256dh", ["", "AAAA", "!" * 87, "é" * 87, "A" * 85, "A" * 87, None, 7, [1]])
def test_a_key_that_no_browser_makes_is_refused(p256dh: object) -> None:
    with pytest.raises(SubscriptionInvalid):
        read(row(p256dh=p256dh))


def test_a_coordinate_beyond_the_field_is_refused_though_it_is_on_the_curve_modulo_p() -> None:
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1  # of P-256; at x = 0 the curve is y² = b (SP 800-186 section 3.2.1.3)
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    y = pow(b, (p + 1) // 4, p).to_bytes(32, "big")
    within, beyond = (urlsafe_b64encode(b"\4" + x.to_bytes(32, "big") + y).decode() for x in (0, p))
    assert read(row(p256dh=within)).keys.p256dh[1:33] == bytes(32)
    with pytest.raises(SubscriptionInvalid):
        read(row(p256dh=beyond))


@given(flipped=st.integers(0, 64 * 8 - 1))
def test_what_is_on_the_curve_is_judged_as_a_cryptographic_library_does(flipped: int) -> None:
    point = (int.from_bytes(KEYS.p256dh, "big") ^ (1 << flipped)).to_bytes(65, "big")
    with pytest.raises(ValueError, match=r"[Ii]nvalid|curve|point"):
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    with pytest.raises(SubscriptionInvalid):
        read(row(p256dh=urlsafe_b64encode(point).decode()))


@given(number=st.integers(0, 63))
def test_every_browsers_key_passes(number: int) -> None:
    keys = keys_of(number, ENDPOINT)
    assert read(row(p256dh=urlsafe_b64encode(keys.p256dh).decode())).keys.p256dh == keys.p256dh


def test_rows_are_numbered_by_the_line_that_they_end_on() -> None:
    assert list(csv_rows(["auth,endpoint,p256dh\n", "1,2,3\n", "\n", '"x\n', 'y",4,5\n'])) == [
        (2, {"auth": "1", "endpoint": "2", "p256dh": "3"}),
        (5, {"auth": "x\ny", "endpoint": "4", "p256dh": "5"}),
    ]
    assert list(json_rows(['{"a": 1}\n', "\n", "nonsense\n", "[1]\n"])) == [(1, {"a": 1}), (3, {}), (4, {})]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/v1/projects/x/messages:send",
        "https://api.push.apple.com/3/device/aa",
        "https://x7.push.services.mozilla.com/wpush/v2/aa",
        "https://web.push.apple.com/3/device/aa",
    ],
)
def test_what_is_no_endpoint_of_its_push_service_is_refused_in_a_file_too(endpoint: str) -> None:
    with pytest.raises(SubscriptionInvalid):
        read(row(endpoint=endpoint))


def test_a_huge_field_is_one_row_that_is_refused() -> None:
    lines = ["auth,endpoint,p256dh\n", f"a,{'x' * 200_000},b\n", "c,d,e\n"]
    (_, huge), after = csv_rows(lines)
    assert after == (3, {"auth": "c", "endpoint": "d", "p256dh": "e"})
    with pytest.raises(SubscriptionInvalid):
        read(huge)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4)


@given(st.dictionaries(st.sampled_from(["endpoint", "p256dh", "auth", "keys", "topics", "browser"]), JSON))
def test_no_row_breaks_the_reader(changed: dict[str, Any]) -> None:
    try:
        new = read(row(**changed))
    except SubscriptionInvalid:
        return
    assert new.keys.endpoint == ENDPOINT
