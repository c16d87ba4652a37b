"""The JSON API: what a subscriber may do, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.push.outcome import Gone, OurFault, Outcome, Refused, Retry
from tests.contracts.samples import day
from tests.web.site import ENDPOINT, KEY_ID, KEYS, NOW, OTHER_TOKEN, TOKEN, TOPICS, Site, base64url, push_subscription

MINE = "/api/subscriptions/mine"


def test_a_browser_subscribes_and_sees_its_own_topics() -> None:
    site = Site()

    answer = site.subscribe("world", "science")

    assert answer.status == 201
    assert answer.json["topics"] == ["world", "science"]
    assert site.ask("GET", MINE, token=TOKEN).json == answer.json


def test_the_store_gets_what_the_browser_said_and_what_the_server_knows() -> None:
    site = Site()

    site.subscribe("world")

    kept = site.kept()
    assert kept is not None
    assert kept.keys.endpoint == ENDPOINT
    assert len(kept.keys.p256dh) == 65
    assert (kept.push_service, kept.vapid_key_id, kept.topics) == ("mozilla", KEY_ID, frozenset({"world"}))


def test_the_browsers_family_is_kept_and_nothing_else_of_its_header() -> None:
    site = Site()
    body = {"subscription": push_subscription(), "topics": ["world"], "key_id": KEY_ID}
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"

    site.ask("POST", "/api/subscriptions", token=TOKEN, body=body, headers={"user-agent": agent})

    kept = site.kept()
    assert kept is not None
    assert kept.browser == "firefox"


def test_no_answer_gives_an_endpoint_or_a_key_back() -> None:
    site = Site()

    answers = [
        site.subscribe("world"),
        site.ask("GET", MINE, token=TOKEN),
        site.subscribe("world", subscription=push_subscription(p256dh="AAAA")),
        site.subscribe("world", subscription=push_subscription(endpoint=3)),  # type: ignore[arg-type]
        site.subscribe("world", subscription=push_subscription("https://evil.example/only-between-us")),
    ]

    for answer in answers:
        assert "only-between-us" not in answer.text
        assert KEYS["p256dh"] not in answer.text
        assert KEYS["auth"] not in answer.text


def test_subscribing_again_from_the_same_browser_leaves_one_subscription() -> None:
    site = Site()

    site.subscribe("world")
    site.subscribe("science", token=OTHER_TOKEN)

    assert len(site.store.kept) == 1
    assert site.ask("GET", MINE, token=TOKEN).status == 404


def test_what_one_tab_adds_and_removes_leaves_alone_what_another_chose() -> None:
    site = Site()
    site.subscribe("world")

    one = site.ask("PATCH", f"{MINE}/topics", token=TOKEN, body={"add": ["breaking"]})
    other = site.ask("PATCH", f"{MINE}/topics", token=TOKEN, body={"add": ["science"], "remove": ["world"]})

    assert (one.status, one.json["topics"], one.json["version"]) == (200, ["breaking", "world"], 1)
    assert (other.status, other.json["topics"], other.json["version"]) == (200, ["breaking", "science"], 2)


def test_a_topic_cannot_be_added_and_removed_in_one_change() -> None:
    site = Site()
    site.subscribe("world")

    answer = site.ask("PATCH", f"{MINE}/topics", token=TOKEN, body={"add": ["world"], "remove": ["world"]})

    assert (answer.status, answer.json["code"]) == (422, "request-invalid")


def test_a_subscriber_may_want_nothing_for_now() -> None:
    site = Site()
    site.subscribe("world")

    assert site.ask("PATCH", f"{MINE}/topics", token=TOKEN, body={"remove": ["world"]}).json["topics"] == []


def test_a_topic_that_operators_removed_is_not_shown() -> None:
    site = Site()
    site.subscribe("world", "science")

    site.topics = TOPICS[:2]

    assert site.ask("GET", MINE, token=TOKEN).json["topics"] == ["world"]


def test_renewed_keys_keep_the_topics() -> None:
    site = Site()
    site.subscribe("science")
    elsewhere = push_subscription("https://updates.push.services.mozilla.com/wpush/v2/another")

    answer = site.ask("PUT", f"{MINE}/keys", token=TOKEN, body={"subscription": elsewhere, "key_id": KEY_ID})

    kept = site.kept()
    assert kept is not None
    assert answer.json["topics"] == ["science"]
    assert kept.keys.endpoint.endswith("/another")


def test_one_request_deletes_everything() -> None:
    site = Site()
    site.subscribe("world")

    assert site.ask("DELETE", MINE, token=TOKEN).status == 204
    assert site.store.kept == {}


def test_deleting_what_is_not_there_is_no_error() -> None:
    assert Site().ask("DELETE", MINE, token=TOKEN).status == 204


def test_a_token_opens_only_its_own_subscription() -> None:
    site = Site()
    site.subscribe("world")

    for method, path, body in (
        ("GET", MINE, None),
        ("PATCH", f"{MINE}/topics", {"add": ["science"]}),
        ("PUT", f"{MINE}/keys", {"subscription": push_subscription(), "key_id": KEY_ID}),
        ("POST", f"{MINE}/test", None),
    ):
        assert site.ask(method, path, token=OTHER_TOKEN, body=body).status == 404
    site.ask("DELETE", MINE, token=OTHER_TOKEN)

    kept = site.kept()
    assert kept is not None
    assert kept.topics == {"world"}


@pytest.mark.parametrize("token", [None, "", "short", TOKEN + "=", TOKEN[:-1] + "B", "é" * 43])
def test_a_missing_or_malformed_token_is_told_so(token: str | None) -> None:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}

    answer = Site().ask("GET", MINE, headers=headers)

    assert (answer.status, answer.json["code"]) == (401, "token-missing")


@pytest.mark.parametrize(
    "members",
    [
        {"p256dh": base64url(bytes(65))},
        {"p256dh": base64url(b"\x04" + bytes(range(64)))},
        {"p256dh": base64url(bytes(33))},
        {"p256dh": "not base64url!"},
        {"auth": base64url(bytes(15))},
        {"auth": ""},
    ],
)
def test_keys_that_cannot_seal_are_refused(members: dict[str, str]) -> None:
    site = Site()

    answer = site.subscribe("world", subscription=push_subscription(**members))

    assert (answer.status, answer.json["code"]) == (422, "subscription-invalid")
    assert site.store.kept == {}


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.evil.example/x",
        "http://updates.push.services.mozilla.com/x",
        "https://127.0.0.1/x",
        "https://updates.push.services.mozilla.com.evil.example/x",
        "https://x7.push.services.mozilla.com/wpush/v2/x",
        "https://fcm.googleapis.com/v1/projects/x/messages:send",
        "https://api.push.apple.com/3/device/aa",
        "nonsense",
    ],
)
def test_an_endpoint_of_no_known_push_service_is_refused(endpoint: str) -> None:
    answer = Site().subscribe("world", subscription=push_subscription(endpoint))

    assert (answer.status, answer.json["code"]) == (422, "subscription-invalid")


def test_an_unknown_topic_is_refused_by_name_of_the_problem() -> None:
    assert Site().subscribe("nonesuch").json["code"] == "unknown-topic"


def test_a_subscription_made_with_a_rotated_key_is_told_to_reload() -> None:
    answer = Site().subscribe("world", key_id="an older one")

    assert (answer.status, answer.json["code"]) == (409, "key-changed")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"topics": "world"}', b'{"topics": [1], "key_id": 3}', b"\xff\xfe", b"null"]
)
def test_a_body_that_is_not_as_described_is_a_problem_and_not_a_crash(body: bytes) -> None:
    answer = Site().ask("POST", "/api/subscriptions", token=TOKEN, body=body)

    assert (answer.status, answer.json["code"]) == (422, "request-invalid")


def test_a_body_that_is_too_large_is_refused() -> None:
    answer = Site().ask("POST", "/api/subscriptions", token=TOKEN, body=b" " * 200_000)

    assert (answer.status, answer.json["code"]) == (413, "too-large")


def test_the_key_to_subscribe_with_is_public() -> None:
    site = Site()

    assert site.ask("GET", "/api/application-server-key").json == {"key": site.key, "key_id": KEY_ID}


def test_a_test_alert_goes_to_the_browser_that_asked() -> None:
    site = Site()
    site.subscribe("world")

    answer = site.ask("POST", f"{MINE}/test", token=TOKEN)

    assert (answer.status, answer.json) == (200, {"outcome": "delivered"})
    assert site.tested == [site.kept()]


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (Retry("429", 30), 503, "push-service-busy"),
        (Refused(413), 502, "push-failed"),
        (OurFault(403), 502, "push-failed"),
    ],
)
def test_a_push_service_that_does_not_take_the_test_costs_nobody_the_subscription(
    outcome: Outcome, status: int, code: str
) -> None:
    site = Site(outcome=outcome)
    site.subscribe("world")

    answer = site.ask("POST", f"{MINE}/test", token=TOKEN)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert site.kept() is not None


def test_that_somebody_was_here_is_kept_by_the_day() -> None:
    site = Site()
    site.subscribe("world")
    site.clock.advance(3600)
    site.ask("GET", MINE, token=TOKEN)
    kept = site.kept()
    assert kept is not None
    assert (kept.last_seen_at, site.store.visits) == (day(NOW), 0)
    later = site.clock.advance(2 * 86_400)
    site.ask("GET", MINE, token=TOKEN)
    kept = site.kept()
    assert kept is not None
    assert (kept.last_seen_at, site.store.visits) == (day(later), 1)


def test_a_test_that_finds_the_subscription_over_removes_it_and_says_so() -> None:
    site = Site(outcome=Gone(410))
    site.subscribe("world")

    answer = site.ask("POST", f"{MINE}/test", token=TOKEN)

    assert (answer.status, answer.json["code"]) == (410, "subscription-ended")
    assert site.kept() is None
    assert site.store.ends == ["gone-410"]


def test_the_description_names_every_route_of_a_subscriber() -> None:
    described: dict[str, Any] = Site().ask("GET", "/api/openapi.json").json["paths"]

    assert {path for path in described if not path.startswith("/api/v1/")} == {
        "/api/alerts",
        "/api/application-server-key",
        "/api/receipts",
        "/api/subscriptions",
        "/api/subscriptions/mine",
        "/api/subscriptions/mine/topics",
        "/api/subscriptions/mine/keys",
        "/api/subscriptions/mine/test",
    }
