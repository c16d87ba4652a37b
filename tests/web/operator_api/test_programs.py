"""What programs do through the API, over a real house: the same as operators in the console, and no more."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from notifier.operators.operator import Role
from notifier.operators.token import TokenScope
from tests.contracts.samples import NOON, a_subscription
from tests.web.operator_api.harness import ApiHarness

V1 = "/api/v1"
ALERT = {"title": "Ferry aground", "body": "All are safe.", "url": "https://news.example/ferry", "topics": ["ships"]}


@pytest.fixture
def token(harness: ApiHarness) -> str:
    return harness.token()


def version(harness: ApiHarness, token: str, what: str = "topics") -> str:
    return str(harness.ask("GET", f"{V1}/{what}", token).json["version"])


def code(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, answer.json["code"]


def test_a_token_says_what_it_is_good_for_now(harness: ApiHarness) -> None:
    token = harness.token("Bea", Role.EDITOR, frozenset({TokenScope.READ, TokenScope.TOPICS}))
    assert harness.ask("GET", f"{V1}/me", token).json["scopes"] == ["read", "topics:write"]

    harness.operators.set_role("Bea", Role.VIEWER)

    assert harness.ask("GET", f"{V1}/me", token).json["scopes"] == ["read"]
    assert code(harness.ask("DELETE", f"{V1}/topics/ships?version=0", token)) == (403, "role-too-low")
    harness.operators.remove("Bea")
    assert code(harness.ask("GET", f"{V1}/me", token)) == (401, "token-refused")


def test_guessing_tokens_is_slowed_down_and_good_ones_go_on(harness: ApiHarness, token: str) -> None:
    tries = [harness.ask("GET", f"{V1}/me", f"notifier_{number:043}").status for number in range(21)]

    assert tries == [401] * 20 + [429]
    assert harness.ask("GET", f"{V1}/me", token).status == 200


def test_stories_are_paged_by_cursor(harness: ApiHarness, token: str) -> None:
    seen, cursor = [], ""
    while True:
        page = harness.ask("GET", f"{V1}/stories?limit=2{cursor}", token).json
        seen += [story["id"] for story in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"

    assert seen == [3, 2, 1]
    found = harness.ask("GET", f"{V1}/stories?q=FERRY%20fares", token).json["items"]
    assert [(s["id"], s["state"], s["why"]["code"]) for s in found] == [(3, "dropped", "no-topic")]
    assert code(harness.ask("GET", f"{V1}/stories?cursor=x", token)) == (422, "entry-invalid")


def test_a_story_is_silenced_held_and_left_to_the_rules_again(harness: ApiHarness, token: str) -> None:
    for choice in ("never", "hold"):
        said = harness.ask("PUT", f"{V1}/stories/1/choice", token, {"choice": choice}).json
        assert (said["choice"], said["chosen_by"]) == (choice, "Ada")
    assert harness.ask("DELETE", f"{V1}/stories/1/choice", token).json["choice"] is None
    assert code(harness.ask("PUT", f"{V1}/stories/99/choice", token, {"choice": "never"})) == (404, "not-found")
    assert code(harness.ask("PUT", f"{V1}/stories/1/choice", token, {"choice": "maybe"})) == (422, "request-invalid")


def test_stories_are_merged_and_that_is_undone_once(harness: ApiHarness, token: str) -> None:
    made = harness.ask("POST", f"{V1}/stories/1/merge", token, {"story": 3})

    assert made.status == 202
    (ruling,) = harness.ask("GET", f"{V1}/rulings", token).json
    assert (ruling["id"], ruling["same"]) == (made.json["ruling"], True)
    assert harness.ask("DELETE", f"{V1}/rulings/{ruling['id']}", token).status == 204
    assert code(harness.ask("DELETE", f"{V1}/rulings/{ruling['id']}", token)) == (409, "conflict")
    assert [item["id"] for item in harness.ask("GET", f"{V1}/stories/1", token).json["items"]] == [1]


def test_an_alert_goes_out_once_however_often_it_is_asked_for(harness: ApiHarness, token: str) -> None:
    key = {"idempotency-key": "ferry-1"}
    first = harness.ask("POST", f"{V1}/alerts", token, ALERT, key)
    again = harness.ask("POST", f"{V1}/alerts", token, ALERT, key)

    assert (first.status, again.status, again.json["id"]) == (201, 200, first.json["id"])
    assert first.json["why"] == {"by hand": "Ada", "token": "a test"}
    assert (first.json["audience"], first.json["state"]) == (1, "sending")
    assert len(harness.ask("GET", f"{V1}/alerts", token).json["items"]) == 1
    assert code(harness.ask("POST", f"{V1}/alerts", token, ALERT | {"title": "Other"}, key)) == (409, "key-reused")
    assert harness.ask("POST", f"{V1}/alerts", token, ALERT, {"idempotency-key": "ferry-2"}).status == 201


def test_an_alert_to_more_people_than_agreed_is_not_sent(harness: ApiHarness, token: str) -> None:
    assert harness.ask("POST", f"{V1}/alerts/preview", token, ALERT).json == {"audience": 1, "kind": "new"}
    harness.service.subscriptions.subscribe(a_subscription("bea", "ships"), NOON)

    answer = harness.ask("POST", f"{V1}/alerts", token, ALERT | {"at_most": 1})

    assert (code(answer), answer.json["audience"]) == ((409, "audience-grew"), 2)
    assert harness.ask("GET", f"{V1}/alerts", token).json["items"] == []
    assert harness.ask("POST", f"{V1}/alerts", token, ALERT | {"at_most": 2}).status == 201


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"topics": ["nothing"]}, "unknown-topic"),
        ({"topics": []}, "request-invalid"),
        ({"title": " "}, "request-invalid"),
        ({"title": "\u2800\u3164"}, "entry-invalid"),
        ({"title": "a\x00b"}, "request-invalid"),
        ({"url": "javascript:alert(1)"}, "entry-invalid"),
        ({"url": "https://[::1"}, "entry-invalid"),
        ({"colour": "red"}, "request-invalid"),
        ({"breaking": "yes"}, "request-invalid"),
        ({"story": 2**63}, "request-invalid"),
    ],
)
def test_an_alert_that_cannot_be_taken_is_refused(
    harness: ApiHarness, token: str, change: dict[str, Any], said: str
) -> None:
    assert code(harness.ask("POST", f"{V1}/alerts", token, ALERT | change)) == (422, said)


def test_a_correction_replaces_what_screens_show(harness: ApiHarness, token: str) -> None:
    first = harness.ask("POST", f"{V1}/alerts", token, ALERT | {"story": 1}).json["id"]

    corrected = harness.ask("POST", f"{V1}/alerts", token, ALERT | {"title": "Ferry afloat", "replaces": first}).json

    assert (corrected["kind"], corrected["story"], corrected["why"]["replaces"]) == ("correction", 1, first)
    tags = {alert.message.tag for alert in harness.service.alerts.recent(2)}
    assert tags == {"story-1"}
    assert code(harness.ask("POST", f"{V1}/alerts", token, ALERT | {"replaces": 99})) == (404, "not-found")


def test_an_alert_is_withdrawn_once_and_a_sent_one_needs_no_approval(harness: ApiHarness, token: str) -> None:
    made = harness.ask("POST", f"{V1}/alerts", token, ALERT).json["id"]

    assert code(harness.ask("POST", f"{V1}/alerts/{made}/approve", token)) == (409, "conflict")
    assert harness.ask("POST", f"{V1}/alerts/{made}/withdraw", token).json["state"] == "withdrawn"
    assert code(harness.ask("POST", f"{V1}/alerts/{made}/withdraw", token)) == (409, "conflict")
    assert [a["id"] for a in harness.ask("GET", f"{V1}/alerts?state=withdrawn", token).json["items"]] == [made]
    assert harness.ask("GET", f"{V1}/alerts?state=sent", token).json["items"] == []


def test_a_rule_is_tried_without_changing_anything(harness: ApiHarness) -> None:
    token = harness.token("Eve", Role.VIEWER, frozenset({TokenScope.READ}))
    before = harness.topics_path.read_text()

    answer = harness.ask("POST", f"{V1}/topics/preview", token, {"slug": "ships", "match": "flood", "days": 7}).json

    assert answer["days"] == 7
    assert len(answer["per_day"]) == 8
    assert answer["audience"] == 1
    assert harness.topics_path.read_text() == before


def test_a_rule_that_cannot_be_read_says_where(harness: ApiHarness, token: str) -> None:
    answer = harness.ask("POST", f"{V1}/topics/preview", token, {"match": "ferry (harbour"})

    assert code(answer) == (422, "query")
    assert (answer.json["line"], answer.json["column"]) == (1, 7)
    assert "not closed" in answer.json["problem"]


def test_a_topic_is_changed_with_its_comments_kept_and_undone(harness: ApiHarness, token: str) -> None:
    body = {"version": version(harness, token), "title": "Ships and ferries", "match": "ferry OR harbour"}

    answer = harness.ask("PUT", f"{V1}/topics/ships", token, body)

    assert (answer.status, answer.json["version"]) == (200, version(harness, token))
    assert "match: ferry OR harbour   # both" in harness.topics_path.read_text()
    (change,) = harness.ask("GET", f"{V1}/changes", token).json["items"]
    assert (change["by"], change["what"], change["file"]) == ("Ada", "Changed ships", "topics.yaml")
    assert "+    title: Ships and ferries" in change["difference"]
    assert harness.ask("POST", f"{V1}/changes/{change['id']}/undo", token).status == 200
    assert "title: Ships\n" in harness.topics_path.read_text()
    assert code(harness.ask("POST", f"{V1}/changes/{change['id']}/undo", token)) == (409, "conflict")


def test_the_second_to_save_is_told_the_difference_and_overwrites_nobody(harness: ApiHarness, token: str) -> None:
    stale = version(harness, token)
    harness.topics_path.write_text(harness.topics_path.read_text() + "  # by hand\n", encoding="utf-8")

    answer = harness.ask("PUT", f"{V1}/topics/ships", token, {"version": stale, "title": "Mine", "match": "ferry"})

    assert code(answer) == (409, "conflict")
    assert answer.json["version"] == version(harness, token)
    assert "+    title: Mine" in answer.json["difference"]
    assert "Mine" not in harness.topics_path.read_text()
    assert harness.ask("GET", f"{V1}/changes", token).json["items"] == []


def test_a_topic_is_added_and_removed(harness: ApiHarness, token: str) -> None:
    body = {"version": version(harness, token), "title": "Storms", "match": "storm", "mode": "held", "daily_budget": 3}
    assert harness.ask("PUT", f"{V1}/topics/storms", token, body).status == 201
    shown = harness.ask("GET", f"{V1}/topics/storms", token).json["topic"]
    assert (shown["mode"], shown["daily_budget"], shown["audience"]) == ("held", 3, 0)

    assert harness.ask("DELETE", f"{V1}/topics/storms?version={version(harness, token)}", token).status == 204

    assert code(harness.ask("GET", f"{V1}/topics/storms", token)) == (404, "not-found")


def test_a_topic_without_a_rule_is_only_for_breaking_news(harness: ApiHarness, token: str) -> None:
    body = {"version": version(harness, token), "title": "All"}

    assert code(harness.ask("PUT", f"{V1}/topics/all", token, body)) == (422, "entry-invalid")
    assert harness.ask("PUT", f"{V1}/topics/all", token, body | {"mode": "breaking"}).status == 201


def test_a_file_that_is_broken_is_read_as_it_is_in_force_and_not_written(harness: ApiHarness, token: str) -> None:
    harness.topics_path.write_text("topics: [\n", encoding="utf-8")

    shown = harness.ask("GET", f"{V1}/topics", token).json

    assert [topic["slug"] for topic in shown["topics"]] == ["ships", "breaking"]
    assert shown["problem"]
    body = {"version": shown["version"], "title": "Ships", "match": "ferry"}
    answer = harness.ask("PUT", f"{V1}/topics/ships", token, body)
    assert code(answer) == (409, "file-broken")
    assert str(harness.topics_path) not in answer.text
    assert harness.topics_path.read_text() == "topics: [\n"


def test_feeds_are_added_paused_and_removed_with_their_comments_kept(harness: ApiHarness, token: str) -> None:
    new = {"url": "https://other.example/rss", "publisher": "Other", "version": version(harness, token, "feeds")}
    assert harness.ask("POST", f"{V1}/feeds", token, new).status == 201
    assert code(harness.ask("POST", f"{V1}/feeds", token, new)) == (409, "conflict")
    twice = new | {"version": version(harness, token, "feeds")}
    assert code(harness.ask("POST", f"{V1}/feeds", token, twice)) == (422, "entry-invalid")

    paused = {
        "url": "https://news.example/rss",
        "publisher": "The Example",
        "section": "world",
        "paused": True,
        "version": version(harness, token, "feeds"),
    }
    assert harness.ask("PUT", f"{V1}/feeds/1", token, paused).json["feed"]["paused"] is True

    text = harness.feeds_path.read_text()
    assert re.search(r"section: world +# the whole of it", text)
    assert "paused: true" in text
    assert harness.ask("DELETE", f"{V1}/feeds/1?version={version(harness, token, 'feeds')}", token).status == 204
    assert [feed["url"] for feed in harness.ask("GET", f"{V1}/feeds", token).json["feeds"]] == [new["url"]]
    files = {change["file"] for change in harness.ask("GET", f"{V1}/changes", token).json["items"]}
    assert files == {"feeds.yaml"}


def test_a_change_is_undone_only_with_its_files_scope(harness: ApiHarness, token: str) -> None:
    new = {"url": "https://other.example/rss", "publisher": "Other", "version": version(harness, token, "feeds")}
    harness.ask("POST", f"{V1}/feeds", token, new)
    topics_only = harness.token("Bea", Role.EDITOR, frozenset({TokenScope.TOPICS}))

    assert code(harness.ask("POST", f"{V1}/changes/1/undo", topics_only)) == (403, "scope-missing")
    assert harness.ask("POST", f"{V1}/changes/1/undo", token).status == 200
    assert "other.example" not in harness.feeds_path.read_text()


def test_an_administrators_program_ends_sessions_and_tokens(harness: ApiHarness, token: str) -> None:
    harness.session("Bea", Role.EDITOR)
    hers = harness.token("Bea")
    listed = {t["operator"]: t["id"] for t in harness.ask("GET", f"{V1}/tokens", token).json}

    assert harness.ask("DELETE", f"{V1}/operators/Bea/sessions", token).json == {"ended": 1}
    assert harness.ask("DELETE", f"{V1}/tokens/{listed['Bea']}", token).status == 204

    assert harness.ask("GET", f"{V1}/me", hers).status == 401
    assert code(harness.ask("DELETE", f"{V1}/operators/Nobody/sessions", token)) == (404, "not-found")


def test_no_answer_has_an_endpoint_a_key_or_a_digest_in_it(harness: ApiHarness, token: str) -> None:
    harness.session("Bea", Role.EDITOR)
    for path in ("me", "audience", "system", "operators", "tokens", "feeds", "alerts", "changes"):
        text = harness.ask("GET", f"{V1}/{path}", token).text
        assert "push.example" not in text
        assert token not in text
        assert "hash" not in text


def test_an_audience_is_counts(harness: ApiHarness, token: str) -> None:
    harness.service.audience.snapshot(NOON - timedelta(days=1))

    shown = harness.ask("GET", f"{V1}/audience?days=3", token).json

    assert shown["now"] == {
        "total": 1,
        "topics": {"ships": 1},
        "browsers": {"firefox": 1},
        "push_services": {"mozilla": 1},
    }
    assert {"day": "2026-04-24", "kind": "topic", "name": "ships", "count": 1} in shown["days"]


def test_a_rule_or_a_body_that_is_nested_too_deep_is_refused(harness: ApiHarness, token: str) -> None:
    for path in ("topics/preview", "topics/deep"):
        method, more = ("POST", {}) if path.endswith("preview") else ("PUT", {"version": "0", "title": "Deep"})
        answer = harness.ask(method, f"{V1}/{path}", token, {"match": "(" * 300 + "a" + ")" * 300} | more)
        assert code(answer) == (422, "query")
        assert (answer.json["line"], answer.json["column"]) == (1, 33)
    nested: object = "a"
    for _ in range(800):
        nested = [nested]
    assert harness.ask("POST", f"{V1}/topics/preview", token, {"match": nested}).status == 422


def test_an_operator_has_one_preview_at_a_time(harness: ApiHarness) -> None:
    token = harness.token("Eve", Role.VIEWER, frozenset({TokenScope.READ}))
    eve = next(operator for operator in harness.service.operators.all(NOON) if operator.name == "Eve")

    with harness.service.previews.turn(eve.id):
        answer = harness.ask("POST", f"{V1}/topics/preview", token, {"match": "ferry"})

    assert code(answer) == (429, "previews-busy")
    assert int(answer.headers["retry-after"]) > 0
    assert harness.ask("POST", f"{V1}/topics/preview", token, {"match": "ferry"}).status == 200


def test_what_becomes_of_a_held_topics_alerts_is_written_and_read_alike(harness: ApiHarness, token: str) -> None:
    body = {"version": version(harness, token), "title": "Storms", "match": "storm", "mode": "held"}
    held = {"for": "15m", "then": "send"}

    shown = harness.ask("PUT", f"{V1}/topics/storms", token, body | {"held": held}).json

    assert shown["topic"]["held"] == held
    assert "held: {for: 15m, then: send}" in harness.topics_path.read_text()
    for wrong in ({"for": "13h", "then": "send"}, {"for": "15m", "then": "perhaps"}, {"for": "15m"}):
        refused = harness.ask("PUT", f"{V1}/topics/storms", token, body | {"held": wrong})
        assert refused.status == 422
