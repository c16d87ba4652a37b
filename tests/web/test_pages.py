"""The page as it leaves the server: what a reader without scripts gets too."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from lxml import html

from notifier.alerts.alert import AlertKind
from notifier.alerts.evidence import Evidence, OnHold
from notifier.topics.topic import Then, Topic, TopicMode
from notifier.web.assets import asset
from notifier.web.pages import latest_of_each_story, short_name
from notifier.web.services import SiteSettings
from tests.web.site import KEY_ID, NOW, TOPICS, Site, alert

SITUATIONS = {
    "checking", "off", "asking", "starting", "on", "lapsed", "stopped", "nameless", "blocked", "home-screen", "in-app",
    "unsupported", "insecure",
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


def test_what_following_a_topic_leads_to_is_said_in_words() -> None:
    modes = {
        TopicMode.EVERY: "Every story",
        TopicMode.BREAKING: "Only what breaks",
        TopicMode.HELD: "Only what an editor lets through",
    }
    topics = tuple(Topic(mode.value, mode.value, "", "x", mode) for mode in modes)

    said = [mode.text_content() for mode in page(Site(topics=topics)).cssselect("#topics .mode")]

    assert said == list(modes.values())


def ticked_in(document: html.HtmlElement) -> list[str | None]:
    """The topics whose boxes are ticked, in the page's order."""
    return [box.get("value") for box in document.cssselect("input[name=topic][checked]")]


@pytest.mark.parametrize(
    ("query", "ticked"),
    [
        ("?topics=science", ["science"]),
        ("?topics=science,World,%20no-such", ["world", "science"]),
        ("?topics=no-such", ["breaking", "world"]),
        ("?topics=", ["breaking", "world"]),
        ("?topics=%3Cscript%3E,science", ["science"]),
    ],
)
def test_a_link_ticks_the_topics_that_it_names_and_that_exist(query: str, ticked: list[str]) -> None:
    document = html.document_fromstring(Site().ask("GET", f"/{query}").text)

    assert ticked_in(document) == ticked


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("Notifier", "Notifier"),
        ("The Morning Wire", "Morning Wire"),
        ("Harbour and Island News", "Harbour and"),
        ("Wirtschaftsnachrichten", "Wirtschaftsnachrichten"),
        ("The Northumberland Gazette", "Northumberland"),
    ],
)
def test_under_an_icon_stand_whole_words(title: str, short: str) -> None:
    assert short_name(title) == short


PHONES = {
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/150.0.0.0 Mobile Safari/537.36": "Chrome on Android",
    "Mozilla/5.0 (Android 15; Mobile; rv:153.0) Gecko/153.0 Firefox/153.0": "Firefox on Android",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 SamsungBrowser/29.0 Chrome/140.0 Mobile Safari/537.36": (
        "Samsung Internet"
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Safari/604.1": (
        "iPhone and iPad"
    ),
}


@pytest.mark.parametrize(("agent", "family"), PHONES.items())
def test_a_phone_is_told_of_a_phones_steps_first(agent: str, family: str) -> None:
    document = page(Site(), agent)

    assert document.cssselect("details[open] summary")[0].text_content().startswith(family)
    assert "Tap Allow" in " ".join(document.cssselect("[data-situation=asking]")[0].text_content().split())


def test_safaris_toolbar_is_safaris_alone() -> None:
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 {} Mobile/15E148 Safari/604.1"
    for browser, toolbar in (("Version/26.0", True), ("CriOS/150.0", False), ("FxiOS/153.0", False)):
        said = page(Site(), phone.format(browser)).cssselect("[data-situation=home-screen]")[0].text_content()
        assert ("Safari’s toolbar" in said) == toolbar


def test_a_window_of_another_app_is_known() -> None:
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
    for suffix, in_app in (("[FBAN/FBIOS;FBAV/500]", True), ("Instagram 400.0", True), ("Safari/604.1", False)):
        body = page(Site(), f"{phone} {suffix}").cssselect("body")[0]
        assert ("data-in-app" in body.attrib) == in_app


def test_the_topics_that_are_on_by_default_are_ticked() -> None:
    assert ticked_in(page(Site())) == ["breaking", "world"]


def test_the_page_carries_the_key_to_subscribe_with() -> None:
    site = Site()

    body = page(site).cssselect("body")[0]

    assert (body.get("data-key"), body.get("data-key-id")) == (site.key, KEY_ID)


def test_every_state_is_there_in_words() -> None:
    for agent, states in ((f"{FIREFOX} Instagram 400.0", SITUATIONS), (FIREFOX, SITUATIONS - {"in-app"})):
        parts = page(Site(), agent).cssselect("[data-situation]")
        assert {part.get("data-situation") for part in parts} == states
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

    assert [(summary.text or "").strip() for summary in shown] == [opened]


def test_what_operators_and_publishers_write_is_text_and_not_markup() -> None:
    hostile = "<script>alert(1)</script>"
    site = Site(
        settings=SiteSettings(title=hostile),
        topics=(Topic("x", hostile, hostile, ""),),
        alerts=(alert(1, hostile, body=hostile, publisher=hostile),),
    )

    document = page(site)

    assert [script.get("src") for script in document.cssselect("script")] == [None, asset("page.js")]
    assert document.cssselect("#topics b")[0].text == hostile


def test_the_page_loads_nothing_from_elsewhere_and_carries_no_other_code_than_its_policy_names() -> None:
    site = Site(alerts=(alert(1, "A ship came in"),))
    document = page(site)

    loaded = [element.get("src") or element.get("href") for element in document.cssselect("script[src], img, link")]
    assert all(address and address.startswith("/") for address in loaded)
    assert not document.xpath("//@style | //@*[starts-with(name(), 'on')] | //style")
    (own,) = document.xpath("//script[not(@src)]")
    digest = b64encode(sha256(own.text.encode()).digest()).decode()
    policy = site.ask("GET", "/").headers["content-security-policy"]
    assert f"script-src 'self' 'sha256-{digest}'; style-src" in policy


def test_recent_alerts_show_what_a_visitor_would_have_got() -> None:
    site = Site(alerts=(alert(1, "A ship came in", breaking=True, minutes_ago=12, body="With bananas."),))

    article = page(site).cssselect(".recent article")[0]

    said = " ".join(article.text_content().split())
    assert said == "Breaking · The Harbour Post · Sunday 26 April 2026 09:18 UTC A ship came in With bananas."
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

    goes = replace(held, why=Evidence(hold=OnHold(then=Then.SEND)))
    assert latest_of_each_story([goes], NOW) == []
    assert latest_of_each_story([goes], NOW + timedelta(minutes=5)) == [goes]


def test_the_worker_is_served_from_the_root_and_asked_for_again_each_time() -> None:
    site = Site()
    answer = site.ask("GET", "/sw.js")

    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    again = site.ask("GET", "/sw.js", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["content-security-policy"] == answer.headers["content-security-policy"]


def test_the_worker_loads_what_is_of_its_own_release() -> None:
    site = Site()
    loaded = re.findall(r'"(/static/[^"]+)"', site.ask("GET", "/sw.js").text)

    assert len(loaded) == 5
    for address in loaded:
        assert "immutable" in site.ask("GET", address).headers["cache-control"]


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

    for element in document.cssselect("script[src], img, link"):
        address = element.get("src") or element.get("href")
        assert address is not None
        assert site.ask("GET", address).status == 200
