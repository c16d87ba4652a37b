"""The public list of the last week's alerts, and what the page counts from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from notifier.alerts.alert import AlertKind
from notifier.alerts.article import SentCount
from notifier.web.week import FRESH_S, Week
from tests.web.node import runner
from tests.web.site import NOW, Site, alert
from tests.web.test_articles import MemoryArticles

HOUR_MS = 3_600_000
NOW_MS = int(NOW.timestamp() * 1000)
LIST = "/api/alerts"


def articles() -> MemoryArticles:
    update = alert(2, "Ferry aground with 52 aboard", kind=AlertKind.UPDATE, minutes_ago=20)
    return MemoryArticles(update, alert(1, "Ferry aground with 40 aboard", breaking=True, minutes_ago=90))


def test_the_list_says_of_each_alert_what_it_is_when_and_for_whom() -> None:
    store = articles()
    store.left_out = frozenset({"uk"})

    assert Site(articles=store).ask("GET", LIST).json == {
        "alerts": [
            {
                "id": 2,
                "tag": "s1",
                "at": NOW_MS - HOUR_MS // 3,
                "kind": "update",
                "label": "Updated",
                "title": "Ferry aground with 52 aboard",
                "publisher": "The Harbour Post",
                "topics": ["world"],
                "except": ["uk"],
            },
            {
                "id": 1,
                "tag": "s1",
                "at": NOW_MS - HOUR_MS * 3 // 2,
                "kind": "new",
                "label": "Breaking",
                "title": "Ferry aground with 40 aboard",
                "publisher": "The Harbour Post",
                "topics": ["world"],
                "except": ["uk"],
            },
        ]
    }


def test_whoever_only_counts_gets_no_more_than_that() -> None:
    store = articles()
    store.left_out = frozenset({"uk"})

    brief = Site(articles=store).ask("GET", f"{LIST}?brief=true").json

    whom = {"topics": ["world"], "except": ["uk"], "count": 1}
    assert brief == {"alerts": [], "more": [{"kind": "update", **whom}, {"kind": "new", **whom}]}


def test_what_is_too_much_to_list_is_counted() -> None:
    store = articles()
    store.older = (SentCount(AlertKind.NEW, frozenset({"world", "uk"}), frozenset(), 1200),)
    site = Site(articles=store)

    full, brief = site.ask("GET", LIST).json, site.ask("GET", f"{LIST}?brief=true").json

    more = {"kind": "new", "topics": ["uk", "world"], "count": 1200}
    assert [one["id"] for one in full["alerts"]] == [2, 1]
    assert full["more"] == [more]
    assert brief["more"][-1] == more
    assert sum(one["count"] for one in brief["more"]) == 1202


def test_a_service_that_is_younger_than_a_week_says_since_when_it_knows() -> None:
    store = articles()
    store.began = NOW - timedelta(days=3)

    known = Site(articles=store).ask("GET", LIST).json

    assert (known["known_since"], known.get("kept_only")) == (NOW_MS - 72 * HOUR_MS, None)
    store.kept_only = True
    assert Site(articles=store).ask("GET", LIST).json["kept_only"] is True


def test_the_list_is_kept_for_some_seconds_and_asked_for_by_its_etag() -> None:
    site = Site(articles=articles())
    first = site.ask("GET", LIST)

    again = site.ask("GET", LIST, headers={"if-none-match": f'"other", {first.headers["etag"]}'})

    assert first.headers["cache-control"] == "public, max-age=30"
    assert (again.status, again.body) == (304, b"")
    assert site.ask("GET", LIST, headers={"if-none-match": '"other"'}).status == 200


def test_a_list_of_many_is_a_few_kilobytes_on_the_way() -> None:
    many = [alert(n, f"Ministers of {n} countries meet in harbour town number {n * 7}") for n in range(60)]

    answer = Site(articles=MemoryArticles(*many)).ask("GET", LIST, headers={"accept-encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 4096


def test_when_everybody_opens_the_page_at_once_the_list_is_read_once_in_some_seconds() -> None:
    now, reads = 0.0, 0

    def read() -> bytes:
        nonlocal reads
        reads += 1
        return b"[]"

    week = Week(lambda: now)
    for _ in range(100):
        week.get(read)
    assert reads == 1
    now = FRESH_S
    week.get(read)
    assert reads == 2


def test_while_somebody_waits_for_the_database_the_others_get_the_list_as_it_was() -> None:
    now = 0.0
    week = Week(lambda: now)
    before = week.get(lambda: b"before")
    now = FRESH_S

    def read() -> bytes:
        assert week.get(lambda: b"by another") == before
        return b"after"

    assert week.get(read)[0] == b"after"


def test_a_process_without_alerts_has_no_list() -> None:
    assert Site().ask("GET", LIST).status == 404


# --- counting.js


@pytest.fixture(scope="module")
def run(require: Callable[[str], str]) -> Callable[[str], Any]:
    return runner(require("node"), "counting.js")


def sent(number: int, *topics: str, hours_ago: float = 1, kind: str = "new", **more: Any) -> dict[str, Any]:
    """An alert as it stands in the list."""
    at = NOW_MS - int(hours_ago * HOUR_MS)
    return {"id": number, "tag": f"story-{number}", "at": at, "kind": kind, "topics": list(topics), **more}


def test_a_choice_gets_what_went_to_one_of_its_topics_but_for_those_left_out(run: Callable[[str], Any]) -> None:
    alerts = [sent(1, "world"), sent(2, "uk", "world"), sent(3, "uk") | {"except": ["world"]}, sent(4, "sport")]
    choices = [["world"], ["uk"], ["uk", "world"], []]

    got = run(f"{json.dumps(choices)}.map((topics) => sentTo(topics, {json.dumps(alerts)}).map(({{ id }}) => id))")

    assert got == [[1, 2], [2, 3], [1, 2], []], "nobody gets one twice"


@pytest.mark.parametrize(
    ("count", "known", "words"),
    [
        (28, None, "About 4 a day; 28 in the last week"),
        (3, None, "Fewer than one a day; 3 in the last week"),
        (0, None, "None in the last week"),
        (12, 75, "About 4 a day; 12 so far: this site has run for 3 days only"),
        (1, 5, "1 so far: this site has run for 5 hours only"),
        (0, 100, "None so far: this site has run for 4 days only"),
        (2, 0.2, "2 so far: this site has run for less than an hour only"),
        (12, (72, True), "About 4 a day; 12 in the last 3 days: this site keeps no more"),
        (0, (24, True), "None in the last 24 hours: this site keeps no more"),
    ],
)
def test_how_many_is_said_honestly(
    run: Callable[[str], Any], count: int, known: float | tuple[float, bool] | None, words: str
) -> None:
    hours, kept_only = known if isinstance(known, tuple) else (known, False)
    listed = {} if hours is None else {"known_since": NOW_MS - int(hours * HOUR_MS), "kept_only": kept_only}
    alerts = [sent(n, "world") for n in range(count)]

    assert run(f"howMany({json.dumps(alerts)}, {json.dumps(listed)}, {NOW_MS})") == words


def test_more_than_a_list_has_is_counted_all_the_same(run: Callable[[str], Any]) -> None:
    more = [{"kind": "new", "topics": ["world"], "count": 1400}, {"kind": "update", "topics": ["world"], "count": 3}]
    alerts = json.dumps([sent(1, "world"), *more])

    assert run(f"howMany({alerts}, {{}}, {NOW_MS})") == "About 201 a day; 1404 in the last week"
    assert run(f"[few({alerts}, {{}}), updates({alerts}), unlisted({json.dumps(more)}), unlisted([])]") == [
        "1404 in 7 days", "3 of them silent updates", "and 1403 before these", ""
    ]  # fmt: skip


def test_updates_are_counted_as_what_they_are(run: Callable[[str], Any]) -> None:
    said = {n: [sent(1, "world"), *[sent(2, "world", kind="update")] * n] for n in range(3)}
    words = run(f"{json.dumps(list(said.values()))}.map(updates)")

    assert words == ["", "1 of them a silent update", "2 of them silent updates"]


def shown(number: int, hours_ago: float, **more: Any) -> dict[str, Any]:
    """What a device keeps of an alert that it showed."""
    at = NOW_MS - int(hours_ago * HOUR_MS)
    told = {"kind": "new", "label": "News", "title": f"Story {number}", "publisher": "Post", "url": f"/{number}"}
    return {"id": number, "tag": f"story-{number}", "at": at, "alert": told, **more}


def own(run: Callable[[str], Any], **known: Any) -> dict[int, Any]:
    found = run(f"own({json.dumps({'now': NOW_MS, 'topics': ['world'], **known})})")
    return {one["id"]: one for one in found}


def test_what_came_while_the_device_was_off_is_marked(run: Callable[[str], Any]) -> None:
    alerts = [sent(n, "world", hours_ago=n) for n in (1, 2, 3, 30)] + [sent(5, "world", hours_ago=0.05)]
    since = {"world": NOW_MS - 20 * HOUR_MS}

    found = own(run, alerts=alerts, shown=[shown(1, 1), shown(2, 1.2)], since=since)

    marks = {number: (one.get("shownAt"), one.get("missed")) for number, one in found.items()}
    assert marks == {
        5: (None, None),  # it may still be on its way
        1: (None, None),
        2: (NOW_MS - int(1.2 * HOUR_MS), None),
        3: (None, True),
        30: (None, None),  # before it was followed here
    }


def test_an_update_that_was_shown_stands_for_the_states_before_it(run: Callable[[str], Any]) -> None:
    alerts = [sent(8, "world", hours_ago=2, tag="s"), sent(7, "world", hours_ago=3, tag="s")]
    alerts = [one | {"tag": "s"} for one in alerts]
    record = shown(8, 2) | {"tag": "s"}

    found = own(run, alerts=alerts, shown=[record], since={"world": 1})

    assert not any("missed" in one for one in found.values())


def test_what_only_the_device_knows_is_there_with_its_own_link(run: Callable[[str], Any]) -> None:
    found = own(run, alerts=[sent(9, "sport"), sent(10, "sport")], shown=[shown(9, 1), shown(4, 400)])

    assert list(found) == [9, 4], "what was followed when it came, too; and not what was never for this reader"
    assert found[4]["url"] == "/4"
