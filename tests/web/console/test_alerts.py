"""Alerts and stories in an operator's hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from notifier.alerts.alert import AlertKind
from notifier.alerts.evidence import Author, Evidence, OnHold
from notifier.operators.operator import Role
from notifier.push.outcome import Gone, Outcome, Refused, Retry
from notifier.topics.topic import Then
from notifier.web.console.access import COOKIE, form_token
from tests.contracts.samples import an_alert
from tests.web.console.newsroom import Console, fields_of
from tests.web.site import NOW, OTHER_TOKEN, TOKEN, Answer, push_subscription

BRIDGE = {"title": "Bridge reopens", "body": "After a year.", "url": "https://news.example/bridge", "topics": "ships"}


@pytest.fixture(autouse=True)
def signed_in(console: Console) -> None:
    console.sign_in()


def test_the_wire_says_what_came_of_a_story_and_why(console: Console) -> None:
    page = console.get("/console/stories").text

    assert "Ferry fares to rise" in page
    assert "not alerted" in page
    assert "No topic matches it." in page
    assert "2 outlets:" in page


def test_the_wire_is_searched_by_words(console: Console) -> None:
    assert "Ferry fares" in console.get("/console/stories?q=fares").text
    assert "Ferry fares" in console.get("/console/stories?q=F%C3%81RES").text, "however it is written"
    assert "No story of the last hundred" in console.get("/console/stories?q=tunnel").text


def test_never_reaches_the_decider_and_can_be_undone(console: Console) -> None:
    console.post("/console/stories/3/never")

    assert console.wire.never == {3: "Ada"}
    assert console.reloads == 1
    assert "Ada said: never alert this one." in console.get("/console/stories").text
    console.post("/console/stories/3/by-the-rules")
    assert console.wire.never == {}


def test_an_alert_by_hand_is_looked_at_first_with_the_number_of_people(console: Console) -> None:
    console.site.subscribe("ships")

    page = console.post("/console/alerts/check", **BRIDGE).text

    assert "Send this to 1 person?" in page
    assert "Send to 1 person</button>" in page
    assert console.newsroom.made == []


def test_it_is_sent_on_the_second_word(console: Console) -> None:
    console.site.subscribe("ships")
    page = console.post("/console/alerts/check", **BRIDGE | {"breaking": "true"}).text

    answer = console.post("/console/alerts/check", **fields_of(page))

    (alert,) = console.newsroom.made
    assert answer.headers["location"] == "/console/alerts/1"
    assert (alert.message.title, alert.topics, alert.breaking) == ("Bridge reopens", frozenset({"ships"}), True)
    assert alert.why == Evidence(Author("Ada"))
    assert (console.reloads, console.wakes) == (1, 1)


def test_pressed_twice_it_is_one_alert(console: Console) -> None:
    console.site.subscribe("ships")
    page = fields_of(console.post("/console/alerts/check", **BRIDGE).text)

    first, second = (console.post("/console/alerts/check", **page) for _ in range(2))

    assert len(console.newsroom.made) == 1
    assert (first.status, second.status) == (303, 303)
    assert first.headers["location"] == second.headers["location"]


def test_more_people_than_were_named_are_named_again(console: Console) -> None:
    console.site.subscribe("ships")
    page = fields_of(console.post("/console/alerts/check", **BRIDGE).text)
    another = push_subscription("https://updates.push.services.mozilla.com/wpush/v2/another")
    console.site.subscribe("ships", token=OTHER_TOKEN, subscription=another)

    answer = console.post("/console/alerts/check", **page)

    assert "Send this to 2 people?" in answer.text
    assert console.newsroom.made == []


def test_nobody_to_send_to_is_said_instead_of_sent(console: Console) -> None:
    page = console.post("/console/alerts/check", **BRIDGE).text

    assert "there is nobody to send it to" in page
    assert "Send to" not in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", " "), ("title", "\u2800"), ("title", "…"), ("url", "javascript:alert(1)"), ("topics", "unknown")],
)
def test_what_cannot_be_sent_is_said_and_the_words_are_kept(console: Console, field: str, value: str) -> None:
    answer = console.post("/console/alerts/check", **BRIDGE | {field: value})

    assert answer.status == 422
    assert 'role="alert"' in answer.text
    assert "After a year." in answer.text


def test_a_story_on_the_wire_fills_the_form(console: Console) -> None:
    page = console.get("/console/alerts/new?story=3").text

    assert 'value="Ferry fares to rise"' in page
    assert console.get("/console/alerts/new?story=99").status == 404


def test_a_correction_takes_the_place_of_what_it_corrects(console: Console) -> None:
    console.newsroom.accept(an_alert("ships", story=7), NOW)
    page = console.get("/console/alerts/new?replaces=1").text
    assert "Dam holds after night of rain" in page
    console.site.subscribe("ships")

    checked = fields_of(console.post("/console/alerts/check", **BRIDGE | {"replaces": "1"}).text)
    console.post("/console/alerts/check", **checked)

    correction = console.newsroom.made[-1]
    assert (correction.kind, correction.message.tag, correction.story_id) == (AlertKind.CORRECTION, "story-7", 7)


def test_a_held_alert_waits_with_the_time_at_which_it_is_dropped(console: Console) -> None:
    console.newsroom.accept(replace(an_alert("ships"), hold_until=NOW + timedelta(minutes=15)), NOW)

    page = console.get("/console/alerts").text

    assert "until it is dropped, at 26 Apr 09:45 UTC. It goes to 2 people only if" in " ".join(page.split())
    assert "by itself" not in page
    assert f'data-until="{(NOW + timedelta(minutes=15)).isoformat()}"' in page
    assert "Send now" in page


def test_a_held_alert_of_a_topic_with_a_fallback_says_when_it_goes_and_that_nobody_looked(console: Console) -> None:
    held = replace(an_alert("ships"), hold_until=NOW + timedelta(minutes=15), why=Evidence(hold=OnHold(then=Then.SEND)))
    console.newsroom.accept(held, NOW)

    page = console.get("/console/alerts").text
    assert "until it goes by itself to 2 people, at 26 Apr 09:45 UTC, though nobody looked" in " ".join(page.split())

    console.clock.advance(15 * 60)
    assert "Nobody looked at it: it went by itself at 26 Apr 09:45 UTC" in console.get("/console/alerts/1").text


def test_an_alert_that_nobody_looked_at_says_so(console: Console) -> None:
    until = NOW - timedelta(minutes=1)
    hold = OnHold(then=Then.DROP, nobody_looked="Nobody looked.")
    dropped = replace(an_alert("ships"), hold_until=until, why=Evidence(hold=hold))
    console.newsroom.accept(dropped, NOW)
    console.newsroom.withdraw(1, NOW)

    assert "Nobody looked at it before" in console.get("/console/alerts/1").text
    assert "Dropped: nobody looked at it" in console.get("/console/alerts").text


def test_a_held_alert_is_let_go_or_dropped(console: Console) -> None:
    for _ in range(2):
        console.newsroom.accept(replace(an_alert("ships"), hold_until=NOW + timedelta(minutes=15)), NOW)

    console.post("/console/alerts/1/approve")
    console.post("/console/alerts/2/withdraw")

    assert console.newsroom.made[0].hold_until == NOW
    assert console.newsroom.made[1].withdrawn_at == NOW
    assert console.wakes == 1


def test_an_alert_says_why_to_how_many_and_what_came_of_it(console: Console) -> None:
    console.newsroom.accept(an_alert("ships"), NOW)

    page = console.get("/console/alerts/1").text

    assert "mozilla" in page
    assert "gone" in page
    assert "To followers of ships." in page
    assert console.get("/console/alerts/99").status == 404


def test_a_viewer_sees_no_button_that_would_be_refused(console: Console) -> None:
    console.newsroom.accept(replace(an_alert("ships"), hold_until=NOW + timedelta(minutes=15)), NOW)

    console.sign_in("Vic", Role.VIEWER)

    for path in ("/console/stories", "/console/topics/ships", "/console/alerts", "/console/alerts/1"):
        page = console.get(path).text
        assert not any(word in page for word in ("Never alert", "Send now", "Withdraw", "Save…", "Remove this"))


@pytest.mark.parametrize("path", ["feeds", "audience", "system", "changes", "topics", "alerts"])
def test_every_page_opens_even_with_nothing_to_show(console: Console, path: str) -> None:
    assert console.get(f"/console/{path}").status == 200


@pytest.mark.parametrize(
    ("way", "kind", "headline"),
    [
        ("correction", AlertKind.CORRECTION, "Correction: Dam holds after night of rain"),
        ("update", AlertKind.UPDATE, "Dam holds after night of rain"),
        ("back", AlertKind.CORRECTION, "Retracted: Dam holds after night of rain"),
    ],
)
def test_what_is_on_screens_is_replaced_in_words_that_say_so(
    console: Console, way: str, kind: AlertKind, headline: str
) -> None:
    console.newsroom.accept(an_alert("ships", story=7), NOW)
    console.site.subscribe("ships")
    page = console.get(f"/console/alerts/new?replaces=1&way={way}").text
    assert f'name="title" value="{headline}"' in page

    draft = fields_of(page) | {"url": "https://news.example/dam", "title": headline, "topics": "ships"}
    console.post("/console/alerts/check", **draft, people="1")

    made = console.newsroom.made[-1]
    assert (made.kind, made.message.title, made.message.tag, made.why.replaces) == (kind, headline, "story-7", 1)


def test_going_back_to_writing_loses_nothing(console: Console) -> None:
    console.site.subscribe("ships")
    checked = console.post("/console/alerts/check", **BRIDGE).text

    page = console.post("/console/alerts/edit", **fields_of(checked)).text

    assert 'value="Bridge reopens"' in page
    assert "After a year.</textarea>" in page
    assert 'value="ships" checked' in page


def try_here(console: Console, token: str = TOKEN, **fields: str) -> Answer:
    """As the page's script does: the form, and this browser's own token."""
    headers = {"cookie": f"{COOKIE}={console.cookie}", "sec-fetch-site": "same-origin"}
    headers |= {"x-form-token": form_token(console.cookie), "authorization": f"Bearer {token}"}
    return console.form("/console/alerts/try", BRIDGE | fields, headers)


def test_a_trial_goes_to_the_operators_own_browser_and_to_nobody_else(console: Console) -> None:
    console.site.subscribe("ships")
    console.site.subscribe("ships", token=OTHER_TOKEN, subscription=push_subscription("https://push.example/other"))

    answer = try_here(console)

    assert (answer.status, "on your screen" in answer.json["said"]) == (200, True)
    ((subscription, message),) = console.tried
    assert subscription == console.site.kept()
    assert (message.title, message.body, message.url) == ("Bridge reopens", "After a year.", BRIDGE["url"])
    assert console.newsroom.made == []
    assert "endpoint" not in answer.text


def test_a_browser_without_a_subscription_is_told_how_to_get_one(console: Console) -> None:
    answer = try_here(console)

    assert answer.status == 404
    assert console.tried == []


@pytest.mark.parametrize(
    ("outcome", "said"),
    [(Gone(410), "is over"), (Retry("503"), "busy"), (Refused(413), "refused")],
)
def test_what_came_of_a_trial_is_said_in_words(console: Console, outcome: Outcome, said: str) -> None:
    console.site.subscribe("ships")
    console.trial_outcome = outcome

    assert said in try_here(console).json["said"]


def test_a_trial_needs_an_editor_and_a_headline(console: Console) -> None:
    console.site.subscribe("ships")
    assert try_here(console, title=" ").status == 422

    console.sign_in("Vic", Role.VIEWER)
    assert try_here(console).status == 403
    assert console.tried == []


def test_a_waiting_alert_is_listed_however_many_came_after_it(console: Console) -> None:
    waiting = replace(
        an_alert("ships"), hold_until=NOW + timedelta(minutes=15), why=Evidence(hold=OnHold(then=Then.SEND))
    )
    console.newsroom.accept(waiting, NOW)
    for story in range(2, 40):
        console.newsroom.accept(an_alert("ships", story=story), NOW)
        console.newsroom.withdraw(story, NOW)

    page = console.get("/console/alerts").text

    assert "until it goes by itself" in page
    assert 'href="/console/alerts?before=10">Older' in page
    assert "until it goes by itself" not in console.get("/console/alerts?before=10").text


def test_an_alert_shows_how_long_it_took_and_what_browsers_told(console: Console) -> None:
    console.newsroom.accept(an_alert("ships"), NOW)
    console.receipts.told[1] = {"shown": 71, "clicked": 6}
    console.receipts.took[1] = {"accepted": [(5.0, 80), (10.0, 20)]}

    page = console.get("/console/alerts/1").text

    assert "<dt>Shown</dt><dd>71</dd>" in page
    assert "<dd><small>about</small></dd>" in page
    assert "<dt>Half accepted within</dt><dd>5 s</dd>" in page
    assert "<dt>Within 2 minutes</dt><dd>100%</dd>" in page
