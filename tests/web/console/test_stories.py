"""Stories in an operator's hand: looked at item by item, split, merged, held, compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.evidence import Evidence, OnHold
from notifier.alerts.story_store import RelatedStory, Ruling, StoryAlert, StoryVerdict
from notifier.operators.operator import Role
from notifier.web.console.story_list import late, shown_state
from tests.contracts.samples import an_alert
from tests.web.console.newsroom import ITEMS, REPORT, Console
from tests.web.site import NOW


@pytest.fixture(autouse=True)
def signed_in(console: Console) -> None:
    console.sign_in()


def test_a_story_shows_its_items_and_why_each_is_in_it(console: Console) -> None:
    page = console.get("/console/stories/3").text

    assert "Ferry fares to rise" in page
    assert "Same event in other words, score 1.5 (line 1)" in page
    assert "<dt>nearest item</dt><dd>3</dd>" in page


def test_an_item_is_split_out_and_two_stories_are_merged(console: Console) -> None:
    split = console.post("/console/items/3/split")
    merged = console.post("/console/stories/3/merge", other="2")

    assert console.wire.said == [("split", 3, "Ada"), ("merge", 3, 2, "Ada")]
    assert split.headers["location"] == "/console/stories/3?said=split"
    assert "follows within a second" in console.get(merged.headers["location"]).text


def test_possibly_related_stories_are_shown_with_a_button_that_merges(console: Console) -> None:
    console.wire.reports[0] = replace(REPORT, related=(RelatedStory(2, "Flood closes the old bridge", "Post"),))

    for path in ("/console/stories", "/console/stories/3"):
        page = console.get(path).text
        assert "Flood closes the old bridge" in page
        assert 'action="/console/stories/3/merge"' in page
        assert '<input type="hidden" name="other" value="2">' in page


def test_a_story_is_put_on_hold_and_says_what_that_means(console: Console) -> None:
    console.post("/console/stories/3/hold")
    console.wire.reports[0] = replace(REPORT, choice="hold", chosen_by="Ada")

    assert console.wire.said == [("hold", 3, "Ada")]
    page = console.get("/console/stories").text
    assert "Ada put it on hold" in page
    assert "Back to the rules" in page


def test_an_alert_of_a_story_on_hold_says_that_it_does_not_go_by_itself(console: Console) -> None:
    held = replace(
        an_alert("ships"), hold_until=NOW + timedelta(hours=1), why=Evidence(hold=OnHold("An operator asked."))
    )
    console.newsroom.accept(held, NOW)

    for path in ("/console/alerts", "/console/alerts/1"):
        page = console.get(path).text
        assert "only if an editor lets it" in page
        assert "goes by itself" not in page


def test_any_two_items_are_compared_by_number_or_address(console: Console) -> None:
    page = console.get(f"/console/stories/compare?a=1&b={ITEMS[2].url}").text

    assert "Two stories, numbers 1 and 3" in page
    assert "event: words in common" in page
    assert console.get("/console/stories/compare?a=1&b=99").status == 404
    assert console.get("/console/stories/compare").status == 200


def test_rulings_are_listed_and_undone(console: Console) -> None:
    assert "Nothing yet" in console.get("/console/rulings").text
    console.wire.ruled.append(Ruling(7, False, ("Ferry aground", "Ferry fares to rise"), (1, 3), 2, "Bea", NOW))

    page = console.get("/console/rulings").text
    console.post("/console/rulings/7/undo")

    assert "Split: Ferry aground" in page
    assert "from Ferry fares to rise and 1 more" in page
    assert console.wire.said == [("take back", 7, "Ada")]


def test_a_merged_story_shows_the_one_that_has_its_items(console: Console) -> None:
    merged = replace(REPORT, id=9, state="merged", verdict=StoryVerdict("merged", "", Evidence(merged_into=3)))
    console.wire.reports.append(merged)

    page = console.get("/console/stories/9").text
    assert "Ferry fares to rise" in page
    assert "Story 3" in page
    assert console.get("/console/stories/99").status == 404


def test_comparing_takes_the_turn_of_a_preview(console: Console) -> None:
    operations = console.site.app.state.services.operations
    with operations.topics.previewer.previews.turn(console.operators.known["Ada"][0].id):
        assert console.get("/console/stories/compare?a=1&b=2").status == 429
    assert console.get("/console/stories/compare?a=1&b=2").status == 200


def test_a_viewer_may_look_and_compare_only(console: Console) -> None:
    console.sign_in("Vic", Role.VIEWER)

    assert not any(
        word in console.get("/console/stories/3").text for word in ("Split out", "Never alert", "Merge with")
    )
    assert console.post("/console/stories/3/merge", other="2").status == 403
    assert console.wire.said == []


def test_the_mark_says_what_an_operator_said_then_what_was_sent() -> None:
    sent = StoryAlert(1, "new", NOW)

    assert shown_state(REPORT) == ("dropped", "not alerted")
    assert shown_state(replace(REPORT, alerts=(sent, replace(sent, kind="update")))) == ("update", "updated")
    assert shown_state(replace(REPORT, alerts=(replace(sent, waiting=True),))) == ("waiting", "waits for you")
    assert shown_state(replace(REPORT, alerts=(replace(sent, withdrawn=True),))) == ("withdrawn", "withdrawn")
    assert shown_state(replace(REPORT, alerts=(sent,), choice="never")) == ("never", "never")


def test_a_story_without_a_time_says_nothing_of_delay() -> None:
    assert late(replace(REPORT, lead=replace(REPORT.lead, published_at=None))) == ""
    assert late(REPORT) == "reached us at once"
