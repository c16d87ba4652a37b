"""The steps of a WebSub subscription, and the signatures of pushes."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.feeds import hub as hubs
from notifier.feeds.hub import Hub, HubRequest, confirms, next_step, signature_is_good
from tests.feeds.claimed import NOON

HUB, TOPIC = "https://hub.example/", "https://paper.example/feed"
SECRET = b"s" * 32


def asked(hub: Hub | None = None) -> tuple[Hub, HubRequest]:
    after, request = next_step(hub or Hub(1, HUB, TOPIC), NOON)
    assert request is not None
    return after, request


def active(**known: object) -> Hub:
    return replace(hubs.verified(asked()[0], 86_400.0, NOON), **known)  # type: ignore[arg-type]


def test_a_new_hub_is_asked_with_a_secret_and_an_unguessable_callback() -> None:
    after, request = asked()
    form = request.form("https://notifier.example/websub/abc")
    assert form["hub.mode"] == "subscribe"
    assert form["hub.topic"] == TOPIC
    assert form["hub.callback"] == "https://notifier.example/websub/abc"
    assert len(form["hub.secret"]) == 64
    assert int(form["hub.lease_seconds"]) > 0
    assert len(request.callback) == 32
    assert asked()[1].callback != request.callback
    assert after.state == hubs.ASKED


def test_a_hub_that_does_not_answer_is_asked_again_after_an_hour() -> None:
    after, _ = asked()
    assert next_step(after, NOON + timedelta(minutes=59)) == (after, None)
    assert next_step(after, NOON + timedelta(hours=1))[1] is not None


def test_a_renewal_keeps_callback_and_secret_and_goes_on_being_active() -> None:
    before = active()
    at = NOON + timedelta(seconds=0.8 * 86_400)
    after, request = next_step(before, at)
    assert request is not None
    assert (after.state, request.callback, request.secret) == (hubs.ACTIVE, before.callback, before.secret)


def test_a_feed_that_names_another_hub_subscribes_there_with_another_secret() -> None:
    before = active(url="https://other.example/")
    after, request = next_step(before, NOON)
    assert request is not None
    assert request.url == "https://other.example/"
    assert after.secret != before.secret
    assert after.state == hubs.ASKED


def test_a_hub_that_went_quiet_is_asked_anew() -> None:
    after, request = next_step(active(missed=2), NOON)
    assert request is not None
    assert (after.state, after.missed) == (hubs.ASKED, 0)


def test_a_hub_that_refused_is_asked_again_the_next_day() -> None:
    refused = hubs.denied(asked()[0], NOON)
    assert next_step(refused, NOON + timedelta(hours=23))[1] is None
    assert next_step(refused, NOON + timedelta(hours=24))[1] is not None


def test_an_unwanted_feed_is_unsubscribed_and_forgotten_when_the_hub_stays_silent() -> None:
    leaving, request = next_step(active(wanted=False), NOON)
    assert request is not None
    assert request.mode == "unsubscribe"
    assert "hub.secret" not in request.form("x")
    assert next_step(leaving, NOON + timedelta(hours=1)) == (leaving, None)
    forgotten, nothing = next_step(leaving, NOON + timedelta(days=2))
    assert (forgotten.callback, nothing) == (None, None)


@pytest.mark.parametrize(("lease_s", "stored_s"), [(600.0, 600), (1.0, 60), (9e9, 30 * 86_400)])
def test_a_lease_is_kept_within_reason(lease_s: float, stored_s: int) -> None:
    assert hubs.verified(asked()[0], lease_s, NOON).lease_until == NOON + timedelta(seconds=stored_s)


@pytest.mark.parametrize(
    ("hub", "mode", "topic", "answer"),
    [
        (asked()[0], "subscribe", TOPIC, True),
        (asked()[0], "subscribe", "https://evil.example/", False),
        (asked()[0], "unsubscribe", TOPIC, False),
        (asked()[0], "publish", TOPIC, False),
        (active(wanted=False), "subscribe", TOPIC, False),
        (active(state=hubs.LEAVING), "unsubscribe", TOPIC, True),
        (Hub(1, HUB, TOPIC), "subscribe", TOPIC, False),
    ],
)
def test_only_what_we_asked_for_is_confirmed(hub: Hub, mode: str, topic: str, answer: bool) -> None:
    assert confirms(hub, mode, topic) is answer


def signed(method: str, body: bytes, secret: bytes = SECRET) -> str:
    return f"{method}={hmac.new(secret.hex().encode(), body, getattr(hashlib, method)).hexdigest()}"


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_every_method_of_the_recommendation_is_checked(method: str) -> None:
    assert signature_is_good(signed(method, b"body"), SECRET, b"body")
    assert signature_is_good(signed(method, b"body").upper().replace(method.upper(), method), SECRET, b"body")
    assert not signature_is_good(signed(method, b"body"), SECRET, b"another body")
    assert not signature_is_good(signed(method, b"body", b"other"), SECRET, b"body")


@pytest.mark.parametrize("header", [None, "", "sha256", "sha256=", "md5=00", "sha256=zz", "=00", "sha3_256=00"])
def test_no_signature_and_one_by_another_method_are_wrong(header: str | None) -> None:
    assert not signature_is_good(header, SECRET, b"body")


@given(st.text(max_size=80), st.binary(max_size=50))
def test_no_header_whatever_passes_or_raises(header: str, body: bytes) -> None:
    assert not signature_is_good(header, SECRET, body)


@given(st.floats(0, 1e9, allow_nan=False), st.floats(0, 0.999), st.floats(0.1, 1_000, allow_nan=False))
def test_a_hub_waits_for_its_time_and_for_none_that_a_clock_ahead_has_set(
    lease_s: float, share: float, ahead_h: float
) -> None:
    """Wherever the clock is between the lease and its renewal; and if it was hours ahead, the hub is asked at once."""
    hub = hubs.verified(asked()[0], lease_s, NOON)
    assert hub.next_at is not None
    assert hubs.waits(hub, NOON + (hub.next_at - NOON) * share)
    assert not hubs.waits(hub, hub.next_at)
    longest = max(hub.next_at - NOON, hubs.ASK_AGAIN)
    slack = longest * 0.02 + hubs.CLOCKS_DIFFER * 2
    assert not hubs.waits(hub, hub.next_at - longest - slack - timedelta(hours=ahead_h))


@pytest.mark.parametrize("lease_s", [3_700.0, 86_400.0, 9e9])
def test_a_renewal_under_way_waits_for_its_hour(lease_s: float) -> None:
    hub = hubs.verified(asked()[0], lease_s, NOON)
    assert hub.next_at is not None
    renewing, request = next_step(hub, hub.next_at)
    assert request is not None
    assert next_step(renewing, hub.next_at + timedelta(minutes=59)) == (renewing, None)


def test_what_was_refused_while_the_clock_was_ahead_is_asked_again() -> None:
    denied = hubs.denied(asked()[0], NOON + timedelta(days=2))
    assert next_step(denied, NOON)[1] is not None
    left_behind = replace(active(), wanted=False)
    leaving, _ = next_step(left_behind, NOON + timedelta(hours=1))
    assert next_step(leaving, NOON - timedelta(days=2))[1] is not None
