"""The page as it leaves the server: what a reader without scripts gets too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from notifier.alerts.alert import AlertKind
from notifier.topics.topic import Topic
from notifier.web.pages import latest_of_each_story
from notifier.web.services import SiteSettings
from tests.web.site import KEY_ID, NOW, TOPICS, Site, alert

SITUATIONS = {
    "checking", "off", "asking", "starting", "on", "lapsed", "blocked", "home-screen", "unsupported", "insecure",
}  # fmt: skip
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"


def page(site: Site, agent: str = FIREFOX) -> html.HtmlElement:
    answer = site.ask("GET", "/", headers={"user-agent": agent, "accept": "text/html"})
    assert answer.status == 200
    return html.document_fromstring(answer.text)


def test_each_topic_is_a_checkbox_with_its_title_and_description() -> None:
    labels = page(Site()).cssselect("#topics label")

    assert [label.cssselect("b")[0].text for label in labels] == [topic.title for topic in TOPICS]
    assert [label.cssselect("small")[0].text for label in labels] == [topic.description for topic in TOPICS]


def test_the_topics_that_are_on_by_default_are_ticked() -> None:
    boxes = page(Site()).cssselect("input[name=topic]")

    assert [box.get("value") for box in boxes if box.checked] == ["breaking", "world"]


def test_the_page_carries_the_key_to_subscribe_with() -> None:
    site = Site()

    body = page(site).cssselect("body")[0]

    assert (body.get("data-key"), body.get("data-key-id")) == (site.key, KEY_ID)


def test_every_state_is_there_in_words() -> None:
    parts = page(Site()).cssselect("[data-situation]")

    assert {part.get("data-situation") for part in parts} == SITUATIONS
    assert all(part.text_content().strip() for part in parts)


def test_without_scripts_only_the_explanation_shows() -> None:
    document = page(Site())

    assert [p.get("data-situation") for p in document.cssselect("[data-situation]:not([hidden])")] == ["checking"]
    assert "JavaScript" in document.cssselect("noscript")[0].text_content()


@pytest.mark.parametrize(
    ("agent", "opened"),
    [
        (FIREFOX, "Firefox"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36", "Chrome"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0", "Edge"),
        ("Mozilla/5.0 (Macintosh) Version/19.0 Safari/605.1.15", "Safari on a Mac"),
    ],
)
def test_the_steps_to_unblock_are_open_for_this_very_browser(agent: str, opened: str) -> None:
    shown = page(Site(), agent).cssselect("[data-situation=blocked] details[open] summary")

    assert [summary.text.strip() for summary in shown] == [opened]


def test_what_operators_and_publishers_write_is_text_and_not_markup() -> None:
    hostile = "<script>alert(1)</script>"
    site = Site(
        settings=SiteSettings(title=hostile),
        topics=(Topic("x", hostile, hostile, ""),),
        alerts=(alert(1, hostile, body=hostile, publisher=hostile),),
    )

    document = page(site)

    assert [script.get("src") for script in document.cssselect("script")] == ["/static/page.js"]
    assert document.cssselect("#topics b")[0].text == hostile


def test_the_page_loads_nothing_from_elsewhere_and_carries_no_inline_code() -> None:
    document = page(Site(alerts=(alert(1, "A ship came in"),)))

    loaded = [element.get("src") or element.get("href") for element in document.cssselect("script, img, link")]
    assert all(address.startswith("/") for address in loaded)
    assert not document.xpath("//@style | //@*[starts-with(name(), 'on')] | //style | //script[not(@src)]")


def test_recent_alerts_show_what_a_visitor_would_have_got() -> None:
    site = Site(alerts=(alert(1, "A ship came in", breaking=True, minutes_ago=12, body="With bananas."),))

    article = page(site).cssselect(".recent article")[0]

    said = " ".join(article.text_content().split())
    assert said == "Breaking · The Harbour Post · 12 min ago A ship came in With bananas."
    assert article.cssselect("h3 a")[0].get("href") == "https://news.example/s1"


def test_before_the_first_alert_the_page_says_so() -> None:
    assert "Nothing has been sent yet" in page(Site()).text_content()


def test_a_site_without_topics_says_so() -> None:
    assert "No topics have been set up yet" in page(Site(topics=())).text_content()


def test_the_contact_is_on_the_page_where_there_is_one() -> None:
    site = Site(settings=SiteSettings(contact="mailto:desk@news.example"))

    assert page(site).cssselect("footer a")[0].get("href") == "mailto:desk@news.example"
    assert not page(Site()).cssselect("footer a")


def test_a_story_is_listed_once_in_its_newest_state() -> None:
    update = alert(3, "Two ships came in", kind=AlertKind.UPDATE)
    first = alert(1, "A ship came in")
    other = alert(2, "Rain", tag="s2")
    trial = replace(alert(4, "Test", tag="t"), kind=AlertKind.TEST)

    assert latest_of_each_story([trial, update, other, first], NOW) == [update, other]


def test_what_an_editor_may_still_stop_is_not_shown() -> None:
    held = replace(alert(1, "A ship may have come in"), hold_until=NOW + timedelta(minutes=5))

    assert latest_of_each_story([held], NOW) == []
    assert latest_of_each_story([held], NOW + timedelta(minutes=5)) == [], "nobody let it go"

    goes = replace(held, why={"then": "send"})
    assert latest_of_each_story([goes], NOW) == []
    assert latest_of_each_story([goes], NOW + timedelta(minutes=5)) == [goes]


def test_the_worker_is_served_from_the_root_and_asked_for_again_each_time() -> None:
    answer = Site().ask("GET", "/sw.js")

    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"


def test_the_manifest_lets_an_iphone_install_the_page() -> None:
    site = Site(settings=SiteSettings(title="The Morning Wire"))
    answer = site.ask("GET", "/manifest.webmanifest")

    assert answer.headers["content-type"] == "application/manifest+json"
    assert (answer.json["name"], answer.json["display"]) == ("The Morning Wire", "standalone")
    for icon in answer.json["icons"]:
        assert site.ask("GET", icon["src"]).status == 200


def test_every_file_that_the_page_names_is_there() -> None:
    site = Site()
    document = page(site)

    for element in document.cssselect("script, img, link"):
        assert site.ask("GET", element.get("src") or element.get("href")).status == 200
