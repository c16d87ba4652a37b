from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.clock import ManualClock
from notifier.errors import ConfigError, SubscriptionInvalid
from notifier.outbound.addresses import AddressGuard
from notifier.subscribers.endpoint import (
    FORGET_AFTER,
    MAX_ENDPOINT,
    MOST_HOSTS,
    MOST_HOSTS_EACH,
    EndpointPolicy,
    origin_of,
)
from tests.contracts.samples import NOON

POLICY = EndpointPolicy()
LONG = "Zz09-_" * 40


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc:def", "fcm"),
        (f"https://fcm.googleapis.com/fcm/send/dk3Jz0Ab-_Q:{LONG}", "fcm"),
        (f"https://fcm.googleapis.com/wp/dk3Jz0Ab-_Q:APA91b{LONG}", "fcm"),
        ("https://updates.push.services.mozilla.com/wpush/v2/abc", "mozilla"),
        (f"https://updates.push.services.mozilla.com/wpush/v1/gAAAAABk{LONG}", "mozilla"),
        (f"https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk{LONG}==", "mozilla"),
        ("https://web.push.apple.com/abc", "apple"),
        (f"https://web.push.apple.com/Q{LONG}", "apple"),
        ("https://wns2-by3p.notify.windows.com/w/?token=abc", "wns"),
        (f"https://wns2-par02p.notify.windows.com/w/?token=BQYAAAB%2f{LONG}%2b%2B/+=%3d", "wns"),
        ("https://db5p.notify.windows.com/w/?token=BQYAAABk%3d%3d", "wns"),
        ("https://sg2p.notify.windows.com/w/?token=" + "x%2f" * 400, "wns"),
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
        # Other doors of the same hosts.
        "https://fcm.googleapis.com/v1/projects/abc/messages:send",
        "https://fcm.googleapis.com/fcm/send",
        "https://fcm.googleapis.com/fcm/send/",
        "https://fcm.googleapis.com/fcm/send/abc/def",
        "https://fcm.googleapis.com/fcm/send/abc?key=def",
        "https://fcm.googleapis.com/fcm/send/..",
        "https://fcm.googleapis.com/fcm/send/../../v1/projects/abc/messages:send",
        "https://fcm.googleapis.com/wp/..%2f..%2fv1%2fprojects%2fabc",
        "https://fcm.googleapis.com/wp//abc",
        "https://fcm.googleapis.com//wp/abc",
        "https://fcm.googleapis.com/WP/abc",
        "https://fcm.googleapis.com/wp/" + "abc" * 400,
        "https://fcm.googleapis.com/iid/abc",
        "https://updates.push.services.mozilla.com/abc",
        "https://updates.push.services.mozilla.com/m/abc",
        "https://updates.push.services.mozilla.com/v1/webpush/1/registration/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/abc/def",
        "https://web.push.apple.com/3/device/abc",
        "https://web.push.apple.com/",
        "https://wns2-by3p.notify.windows.com/?token=abc",
        "https://wns2-by3p.notify.windows.com/w/abc",
        "https://wns2-by3p.notify.windows.com/w/?token=",
        "https://wns2-by3p.notify.windows.com/w/?token=abc&token=def",
        "https://wns2-by3p.notify.windows.com/w/?token=abc%zz",
        "https://wns2-by3p.notify.windows.com/w/?token=abc?def",
        # Other hosts below the same names.
        "https://api.push.apple.com/3/device/abc",
        "https://api.push.apple.com/abc",
        "https://api.sandbox.push.apple.com/3/device/abc",
        "https://push.apple.com/abc",
        "https://x7.push.services.mozilla.com/wpush/v2/abc",
        "https://push.services.mozilla.com/wpush/v2/abc",
        "https://eu.updates.push.services.mozilla.com/wpush/v2/abc",
        "https://x7.fcm.googleapis.com/wp/abc",
        "https://x7.notify.windows.com/w/?token=abc",
        "https://notify.windows.com/w/?token=abc",
        "https://a.b.notify.windows.com/w/?token=abc",
        "https://wns2-by3p.evil.notify.windows.com/w/?token=abc",
        "https://wns2-by3p.notify.windows.com.example.org/w/?token=abc",
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
    for url in (text, "https://" + text, f"https://{text}.push.apple.com/", f"https://fcm.googleapis.com/{text}"):
        try:
            assert POLICY.check(url).push_service in {"apple", "fcm"}
        except SubscriptionInvalid:
            continue


@given(
    origin=st.sampled_from(
        ["https://fcm.googleapis.com", "https://updates.push.services.mozilla.com", "https://web.push.apple.com"]
    ),
    rest=st.text("ab./:;%?&=#2f\\@ ", max_size=30) | st.text(max_size=30),
    start=st.sampled_from(["/", "/fcm/send/", "/wp/", "/wpush/v1/", "/wpush/v2/"]),
)
def test_a_path_that_is_let_in_is_one_token_at_the_services_door(origin: str, start: str, rest: str) -> None:
    try:
        POLICY.check(origin + start + rest)
    except SubscriptionInvalid:
        return
    *folders, token = (start + rest).split("/")
    assert folders in (["", "fcm", "send"], ["", "wp"], ["", "wpush", "v1"], ["", "wpush", "v2"], [""])
    assert token.isascii()
    assert token.strip(".")
    assert not set(token) & set("%?&#@\\; ")


def test_an_operator_can_add_a_host_with_any_path() -> None:
    policy = EndpointPolicy(["Push.Example.org"])
    for path in ("abc", "3/device/abc", "?a=b"):
        assert policy.check(f"https://push.example.org/{path}").push_service == "push.example.org"
    for host in ("xpush.example.org", "eu.push.example.org"):
        with pytest.raises(SubscriptionInvalid):
            policy.check(f"https://{host}/abc")


def test_an_operator_can_add_all_hosts_below_one() -> None:
    policy = EndpointPolicy(["*.push.example.org"])
    for host in ("eu.push.example.org", "a.eu.push.example.org"):
        assert policy.check(f"https://{host}/abc").push_service == "push.example.org"
    for host in ("push.example.org", "xpush.example.org", ".push.example.org", "-.push.example.org"):
        with pytest.raises(SubscriptionInvalid):
            policy.check(f"https://{host}/abc")


def test_an_operator_who_adds_a_known_host_means_all_of_its_paths() -> None:
    policy = EndpointPolicy(["fcm.googleapis.com"])
    assert policy.check("https://fcm.googleapis.com/new/form/abc").push_service == "fcm"


def test_invented_hosts_of_one_service_stay_few_and_those_in_use_stay_in() -> None:
    clock = ManualClock(NOON)
    policy = EndpointPolicy(clock=clock)

    def came(name: str) -> bool:
        try:
            policy.check(f"https://{name}/w/?token=abc")
        except SubscriptionInvalid:
            return False
        return True

    assert came("par02p.notify.windows.com")
    invented = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}1p.notify.windows.com" for n in range(600)]
    assert sum(came(name) for name in invented) == MOST_HOSTS - 1
    assert came("par02p.notify.windows.com")
    assert policy.check("https://fcm.googleapis.com/wp/abc").push_service == "fcm"
    clock.advance(FORGET_AFTER.total_seconds() - 1)
    assert came("par02p.notify.windows.com")
    clock.advance(2)
    assert sum(came(name) for name in invented) == MOST_HOSTS - 1
    assert came("par02p.notify.windows.com")
    assert not came("zz9p.notify.windows.com")


def test_one_client_that_invents_hosts_takes_no_place_from_others() -> None:
    clock = ManualClock(NOON)
    policy = EndpointPolicy(clock=clock)

    def came(name: str, client: str) -> bool:
        try:
            policy.check(f"https://{name}.notify.windows.com/w/?token=abc", client)
        except SubscriptionInvalid:
            return False
        return True

    for _ in range(3):
        invented = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}1p" for n in range(600)]
        assert sum(came(name, "2001:db8::/64") for name in invented) == MOST_HOSTS_EACH
        assert all(came(f"wns2-pn{n}p", f"198.51.100.{n}") for n in range(MOST_HOSTS - MOST_HOSTS_EACH))
        assert all(came(f"wns2-pn{n}p", "2001:db8::/64") for n in range(20)), (
            "what others came with is nobody's invention"
        )
        clock.advance(FORGET_AFTER.total_seconds())


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
        "*.com",
        "*example.org",
        "a.*.example.org",
        "*.*.example.org",
        "*.10.0.0.1",
        "https://*.push.example.org",
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
        for wrong in (
            "https://web.push.apple.comx",
            "https://web.push.apple.com",
            "https://web.push.apple.com:1/abc",
            "https://web.push.apple.com/3/device/abc",
        ):
            with pytest.raises(SubscriptionInvalid):
                policy.check(wrong)
