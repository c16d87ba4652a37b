"""The workbench: see what a rule would have sent, save it with open eyes, take it back."""

from __future__ import annotations

import re

import pytest

from notifier.config.files import load_topics
from tests.web.console.newsroom import TOPICS, Console, fields_of

SHIPS = {"title": "Ships", "description": "Everything that floats.", "match": "ferry OR harbour", "mode": "every"}


@pytest.fixture(autouse=True)
def signed_in(console: Console) -> None:
    console.sign_in()


def titles(page: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", found) for found in re.findall(r"<h3>(.*?)</h3>", page)]


def test_the_workbench_shows_what_the_rule_sent_with_its_words_marked(console: Console) -> None:
    page = console.get("/console/topics/ships").text

    assert titles(page) == ["Ferry fares to rise", "Ferry aground off the harbour"]
    assert "<mark>Ferry</mark> aground off the <mark>harbour</mark>" in page
    assert "2 alerts in the last 14 days" in page


def test_an_edit_shows_what_is_gained_lost_and_kept(console: Console) -> None:
    page = console.post("/console/topics/ships/look", **SHIPS | {"match": "aground OR flood"}).text

    assert "Gained: 1" in page
    assert "Lost: 1" in page
    assert "Kept: 1" in page
    assert titles(page) == ["Flood closes the old bridge", "Ferry fares to rise", "Ferry aground off the harbour"]
    assert console.path.read_text() == TOPICS


def test_the_chart_says_in_words_what_it_shows(console: Console) -> None:
    page = console.post("/console/topics/ships/look", **SHIPS | {"match": "flood"}).text

    assert 'aria-label="Alerts a day over the last 14 days: 0.1 a day, at most 1 as it is, 0.1 a day' in page
    assert not re.search(r"<svg.*(<script|<style|style=).*</svg>", page, re.DOTALL)


def test_a_rule_that_cannot_be_read_says_where_and_what_to_do(console: Console) -> None:
    page = console.post("/console/topics/ships/look", **SHIPS | {"match": "ferry OR"}).text

    assert re.search(r'role="alert">Line 1, column \d+: ', page)


def test_a_news_text_is_shown_as_text(console: Console) -> None:
    page = console.post("/console/topics/ships/look", **SHIPS | {"title": "<b>Ships</b>"}).text

    assert "<b>Ships</b>" not in page


def test_saving_says_first_what_will_change(console: Console) -> None:
    page = console.post("/console/topics/ships/check", **SHIPS | {"match": "ferry"}).text

    assert '<span class="taken">-    match: ferry OR harbour</span>' in page
    assert '<span class="added">+    match: ferry</span>' in page
    assert console.path.read_text() == TOPICS


def test_a_save_writes_the_file_and_keeps_who_and_what(console: Console) -> None:
    page = console.post("/console/topics/ships/check", **SHIPS | {"match": "ferry"}).text

    answer = console.post("/console/topics/ships/save", **fields_of(page))

    assert (answer.status, answer.headers["location"]) == (303, "/console/topics?saved=ships")
    assert console.path.read_text() == TOPICS.replace("ferry OR harbour", "ferry")
    (change,) = console.changes.kept
    assert (change.by, change.what) == ("Ada", "Changed ships")


def test_the_second_saver_sees_the_difference_and_decides(console: Console) -> None:
    mine = fields_of(
        console.post("/console/topics/storms/check", slug="storms", title="Storms", match="storm", mode="every").text
    )
    theirs = fields_of(console.post("/console/topics/ships/check", **SHIPS | {"match": "ferry"}).text)
    console.post("/console/topics/ships/save", **theirs)

    told = console.post("/console/topics/storms/save", **mine)

    assert told.status == 409
    assert "Somebody else saved first" in told.text
    assert "Ada saved “Changed ships”" in told.text
    assert load_topics(console.path)[1].match == "storm OR flood"
    assert console.post("/console/topics/storms/save", **fields_of(told.text)).status == 303
    assert [topic.match for topic in load_topics(console.path)] == ["ferry", "storm"]


def test_an_edit_in_the_file_itself_is_not_overwritten_either(console: Console) -> None:
    mine = fields_of(console.post("/console/topics/ships/check", **SHIPS | {"match": "ferry"}).text)
    console.path.write_text(TOPICS + "# by hand\n")

    assert console.post("/console/topics/ships/save", **mine).status == 409
    assert console.path.read_text() == TOPICS + "# by hand\n"


def test_a_new_topic_is_added(console: Console) -> None:
    new = {"slug": "bridges", "title": "Bridges", "match": "bridge", "mode": "held", "daily_budget": "3"}
    page = console.post("/console/topics/new/check", **new).text

    assert console.post("/console/topics/new/save", **fields_of(page)).status == 303

    assert load_topics(console.path)[-1].daily_budget == 3


def test_a_new_topic_does_not_take_anothers_name(console: Console) -> None:
    answer = console.post("/console/topics/new/check", slug="ships", title="Boats", match="boat", mode="every")

    assert (answer.status, "There is a topic named ships already" in answer.text) == (422, True)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("slug", "Not so", "cannot be an address name"),
        ("title", " ", "has no title"),
        ("daily_budget", "many", "no number of alerts"),
        ("match", "", "would take every story"),
    ],
)
def test_what_cannot_be_saved_is_said_in_a_sentence(console: Console, field: str, value: str, problem: str) -> None:
    new = {"slug": "bridges", "title": "Bridges", "match": "bridge", "mode": "every"} | {field: value}

    answer = console.post("/console/topics/new/check", **new)

    assert (answer.status, problem in answer.text) == (422, True)


def test_a_change_is_undone(console: Console) -> None:
    console.post(
        "/console/topics/ships/save",
        **fields_of(console.post("/console/topics/ships/check", **SHIPS | {"match": "ferry"}).text),
    )

    console.post("/console/changes/1/undo")

    assert console.path.read_text() == TOPICS
    assert console.changes.kept[-1].what == "Took back: Changed ships"
    assert "Changed ships" in console.get("/console/changes").text


def test_an_old_change_is_not_undone_over_a_newer_one(console: Console) -> None:
    for rule in ("ferry", "ferry OR boat"):
        page = console.post("/console/topics/ships/check", **SHIPS | {"match": rule}).text
        console.post("/console/topics/ships/save", **fields_of(page))

    assert console.post("/console/changes/1/undo").status == 409
    assert load_topics(console.path)[0].match == "ferry OR boat"


def test_a_topic_is_removed_and_can_come_back(console: Console) -> None:
    console.post("/console/topics/ships/remove")
    assert [topic.slug for topic in load_topics(console.path)] == ["storms"]

    console.post("/console/changes/1/undo")

    assert console.path.read_text() == TOPICS


def test_a_file_that_is_broken_by_hand_is_said_and_nothing_breaks(console: Console) -> None:
    console.path.write_text("topics: [")

    assert console.get("/console/topics").status == 200
    assert console.get("/console/topics/ships").status == 409


def test_the_words_that_brought_alerts_are_counted_so_that_false_friends_show(console: Console) -> None:
    page = console.get("/console/topics/ships").text

    assert re.search(r'data-word="ferry"[^>]*>ferry <b>2</b>', page)
    assert re.search(r'data-word="harbour"[^>]*>harbour <b>1</b>', page)
    assert 'data-words="ferry|harbour"' in page
    assert 'data-only="passing"' not in page


def test_a_save_says_what_it_means_for_people(console: Console) -> None:
    page = " ".join(
        console.post("/console/topics/ships/check", **SHIPS | {"match": "ferry", "mode": "held"}).text.split()
    )

    assert "Mode: every → <b>held</b>, an editor lets each alert go by hand." in page
    assert "The alerts of the last 14 days would have been the same." in page
