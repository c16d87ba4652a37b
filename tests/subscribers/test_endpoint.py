from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.addresses import AddressGuard
from notifier.errors import ConfigError, SubscriptionInvalid
from notifier.subscribers.endpoint import MAX_ENDPOINT, EndpointPolicy, origin_of

POLICY = EndpointPolicy()


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc:def", "fcm"),
        ("https://updates.push.services.mozilla.com/wpush/v2/abc", "mozilla"),
        ("https://web.push.apple.com/abc", "apple"),
        ("https://wns2-by3p.notify.windows.com/w/?token=abc", "wns"),
    ],
)
def test_the_four_push_services_are_known_by_name(url: str, service: str) -> None:
    endpoint = POLICY.check(url)
    assert (endpoint.url, endpoint.push_service) == (url, service)
    assert endpoint.origin == origin_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://push.example.org/abc",
        "https://evilfcm.googleapis.com/abc",
        "https://googleapis.com/abc",
        "https://fcm.googleapis.com.example.org/abc",
        "https://example.org/https://fcm.googleapis.com/",
        "https://example.org#.push.apple.com/abc",
        "https://example.org?.push.apple.com/abc",
        "https://example.org\\.push.apple.com/abc",
        "https://push.apple.com@example.org/abc",
        "https://user:word@web.push.apple.com/abc",
        "https://web.push.apple.com./abc",
        "https://web.push.apple.com:8443/abc",
        "https://web.push.apple.com:0/abc",
        "https://web.push.apple.com:99999/abc",
        "https://web.push.apple.com:443/abc",
        "https://Web.Push.Apple.com/abc",
        "https://web.push.apple.com",
        "https://web.push.apple.com/a b",
        "https://web.push.apple.com/a\r\nHost: example.org",
        "https://web.push.apple.com/é",
        "https://web.push.apple.com/a#b",
        "https://web..push.apple.com/abc",
        "https://-.push.apple.com/abc",
        "http://web.push.apple.com/abc",
        "ftp://web.push.apple.com/abc",
        "//web.push.apple.com/abc",
        "https://127.0.0.1/abc",
        "https://[::1]/abc",
        "https://[::1/abc",
        "https:///abc",
        "",
        "https://web.push.apple.com/" + "x" * MAX_ENDPOINT,
    ],
)
def test_anything_else_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SubscriptionInvalid) as refused:
        POLICY.check(url)
    assert "abc" not in str(refused.value)


@given(st.text(max_size=80))
def test_no_text_breaks_the_check(text: str) -> None:
    for url in (text, "https://" + text, f"https://{text}.push.apple.com/"):
        try:
            assert POLICY.check(url).push_service == "apple"
        except SubscriptionInvalid:
            continue


def test_an_operator_can_add_a_host_with_its_subdomains() -> None:
    policy = EndpointPolicy(["Push.Example.org"])
    assert policy.check("https://push.example.org/abc").push_service == "push.example.org"
    assert policy.check("https://eu.push.example.org/abc").push_service == "push.example.org"
    with pytest.raises(SubscriptionInvalid):
        policy.check("https://xpush.example.org/abc")


def test_an_operator_can_add_one_origin_with_a_port() -> None:
    policy = EndpointPolicy(["https://push.example.org:8443"])
    assert policy.check("https://push.example.org:8443/abc").push_service == "push.example.org:8443"
    for url in ("https://push.example.org/abc", "https://eu.push.example.org:8443/abc"):
        with pytest.raises(SubscriptionInvalid):
            policy.check(url)


def test_a_local_origin_is_let_in_alone_and_passed_on_to_the_address_guard() -> None:
    policy = EndpointPolicy(["http://127.0.0.1:9001/", "https://127.0.0.1:9002"])
    assert policy.check("http://127.0.0.1:9001/abc").origin == "http://127.0.0.1:9001"
    for url in ("http://127.0.0.1:9003/abc", "https://127.0.0.1:9001/abc", "http://127.0.0.2:9001/abc"):
        with pytest.raises(SubscriptionInvalid):
            policy.check(url)
    guard = AddressGuard.allowing(policy.local)
    assert guard.refusal("127.0.0.1", 9001) is None
    assert guard.refusal("127.0.0.1", 9002) is None
    assert guard.refusal("127.0.0.1", 9003)


@pytest.mark.parametrize(
    "entry",
    [
        "com",
        "10.0.0.1",
        "push.example.org/path",
        "push.example.org:8443",
        "http://push.example.org:8080",
        "http://10.0.0.1:8080",
        "http://127.0.0.1",
        "https://push.example.org/path",
        "https://push.example.org/?x",
        "https://user@push.example.org",
        "*.example.org",
        "",
    ],
)
def test_an_addition_that_is_neither_host_nor_origin_says_what_would_be_right(entry: str) -> None:
    with pytest.raises(ConfigError, match="Write a host"):
        EndpointPolicy([entry])


def test_an_endpoint_is_not_shown() -> None:
    assert "abc" not in repr(POLICY.check("https://web.push.apple.com/abc"))


def test_what_was_accepted_before_changes_no_judgement() -> None:
    policy = EndpointPolicy()
    for _ in range(2):
        assert policy.check("https://web.push.apple.com/abc").origin == "https://web.push.apple.com"
        for wrong in ("https://web.push.apple.comx", "https://web.push.apple.com", "https://web.push.apple.com:1/abc"):
            with pytest.raises(SubscriptionInvalid):
                policy.check(wrong)
