"""What a reader sees in five seconds, in stock Chromium: the state, how many a day, their own alerts, the way to stop;
how large it is on the way, and how soon it is there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.background import Background, until
from tests.browser.chromium import Chromium
from tests.browser.conftest import run_service
from tests.browser.newsroom import Newsroom
from tests.browser.page import CLEAR
from tests.browser.push_for_chromium import ChromiumPush
from tests.browser.service import Service
from tests.browser.traffic import Traffic
from tests.web.site import push_subscription

# One browser is shared by the module, so one worker runs it all.
pytestmark = pytest.mark.timeout(600)

CHOICES = (("ships",), ("storms",), ("ships", "storms"))
PHONE = {"width": 360, "height": 780}
STOP = "Stop all alerts and delete my data"
KILOBYTE = 1024
STATES = "[...document.querySelectorAll('[data-situation]')].map((part) => part.dataset.situation)"
SHOW = """(state) => {
    for (const part of document.querySelectorAll('[data-situation]')) part.hidden = part.dataset.situation !== state;
    const reader = ['on', 'lapsed', 'blocked', 'stopped', 'nameless'].includes(state);
    document.documentElement.classList.toggle('reader', reader);
}"""
AN_HOUR_AGO = """keep.subscriber().then(({ token }) => keep.update(token, (me) => ({
    ...me, since: Object.fromEntries(Object.entries(me.since).map(([topic, at]) => [topic, at - 3_600_000])),
})))"""
"""As if the topics had been followed for an hour already."""
WATCH = """(() => {
    window.watched = { frames: 0, slogans: 0, moved: 0, what: [] };
    const look = () => {
        watched.frames += 1;
        if (document.querySelector(".for-visitors")?.checkVisibility()) watched.slogans += 1;
        requestAnimationFrame(look);
    };
    look();
    const add = (list) => list.getEntries().forEach(({ value, sources }) => {
        watched.moved += value;
        watched.what.push(...sources.map(({ node, previousRect, currentRect }) =>
            `${node?.className || node?.nodeName}: ${previousRect.y} -> ${currentRect.y}`));
    });
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
})()"""
"""Frame by frame, whether what is for visitors can be seen; and how much of the page moves."""
BROKEN_WORDS = """() => {
    const broken = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode;
        if (!text.parentElement.checkVisibility() || text.parentElement.closest('.unseen, script')) continue;
        for (const word of text.data.matchAll(/[^\\s\\-–—·]+/g)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map((part) => part.top)).size > 1) broken.push(word[0]);
        }
    }
    return broken;
}"""


class Sink:
    """A push service that takes everything: `got` is how many pushes each of its browsers got."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self._background = Background()
        app = web.Application()
        app.router.add_post("/{browser}", self._take)
        self.origin = f"http://127.0.0.1:{self._background.serve(app)}"

    def stop(self) -> None:
        self._background.stop()

    async def _take(self, request: web.Request) -> web.Response:
        self.got[request.match_info["browser"]] += 1
        return web.Response(status=201)


@pytest.fixture(scope="module")
def sink(network: None) -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture(scope="module")
def service(service_folder: Path, newsroom: Newsroom, chromium_push: ChromiumPush, sink: Sink) -> Iterator[Service]:
    allowed = f"{chromium_push.origin},{sink.origin}"
    yield from run_service(service_folder, newsroom, chromium_push.origin, NOTIFIER_PUSH_ALLOW=allowed)


@pytest.fixture(scope="module")
def week(service: Service, newsroom: Newsroom, sink: Sink) -> dict[tuple[str, ...], int]:
    """Some news, to a subscriber of each choice: how many pushes each of them got."""
    for number, topics in enumerate(CHOICES):
        _subscribe(service, sink, number, topics)
    ferry = newsroom.publish("Ferry aground with 40 aboard", "Tugs are on their way.")
    newsroom.publish("Flood closes the old bridge", "The valley was warned at dusk.")
    newsroom.publish("Gale storm tears a research ship from its mooring", "Nobody was on board.")
    until(lambda: sink.got["2"] == 3, "the first alerts")
    newsroom.edit(ferry, "Ferry aground with 52 aboard, all rescued", "Tugs have arrived.")
    until(lambda: [sink.got[str(n)] for n in range(3)] == [3, 2, 4], "the update")
    service.grow_older(20)
    return {topics: sink.got[str(number)] for number, topics in enumerate(CHOICES)}


@pytest.fixture
def site(site: Chromium, week: dict[tuple[str, ...], int]) -> Chromium:
    """The page on a phone."""
    site.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    site.page.reload()
    site.page.locator("#panel[data-now]").wait_for()
    return site


def _subscribe(service: Service, sink: Sink, number: int, topics: tuple[str, ...]) -> None:
    key_id = _ask(service, "GET", "/api/application-server-key")["key_id"]
    body = {"subscription": push_subscription(f"{sink.origin}/{number}"), "topics": topics, "key_id": key_id}
    _ask(service, "POST", "/api/subscriptions", json.dumps(body), Authorization=f"Bearer {'A' * 41}{'ABC'[number]}A")


def _ask(service: Service, method: str, path: str, body: str | None = None, **headers: str) -> Any:
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=30)) as connection:
        connection.request(method, path, body, headers | {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status < 300
        return json.load(answer)


def test_the_number_is_what_the_push_service_got_and_no_tick_asks_for_anything(
    site: Chromium, service: Service, week: dict[tuple[str, ...], int]
) -> None:
    said = site.page.locator("#week summary")
    expect(said).to_contain_text("in the last week")
    asked: list[str] = []
    site.page.on("request", lambda request: asked.append(request.url))

    for topics, got in week.items():
        _tick(site, topics)
        assert re.search(rf"; {got} in the last week", said.inner_text()), topics
    assert asked == []

    said.click()
    for topics, got in week.items():
        _tick(site, topics)
        expect(site.page.locator("#week li")).to_have_count(got)
    assert [url.removeprefix(service.origin) for url in asked] == ["/api/alerts"], "once, for the words"


def _tick(site: Chromium, topics: tuple[str, ...]) -> None:
    for box in site.page.locator("input[name=topic]").all():
        box.set_checked(box.get_attribute("value") in topics)


def test_the_alerts_behind_the_number_say_what_they_are_and_whose(site: Chromium) -> None:
    site.page.get_by_label("Storms").check()
    site.page.locator("#week summary").click()

    expect(site.page.locator("#week h3")).to_have_text(["Today"])
    expect(site.page.locator("#week li").first).to_contain_text(re.compile(r"Updated · The Harbour Post · .+ · Ships"))
    assert site.page.locator("#week a").first.get_attribute("href").startswith("/alerts/")  # type: ignore[union-attr]


def test_whoever_is_subscribed_sees_their_own_alerts_by_day(subscribed: Chromium, newsroom: Newsroom) -> None:
    page = subscribed.page
    expect(page.get_by_role("heading", name="The news that matters")).to_be_hidden()
    newsroom.publish("Harbour seals adopt a lifeboat", "It is theirs now.")
    subscribed.notice("Harbour seals adopt a lifeboat")

    page.reload()

    expect(page.locator("#yours h3")).to_have_text(["Today"])
    expect(page.locator("#yours li").first).to_contain_text("Harbour seals adopt a lifeboat")
    expect(page.locator("#yours .mark")).to_have_count(0)


def test_what_came_while_the_device_was_off_is_marked(
    subscribed: Chromium, service: Service, newsroom: Newsroom, chromium_push: ChromiumPush
) -> None:
    late, lost = "A ship sails into the fog", "A ferry waits for the tide"
    subscribed.page.evaluate(AN_HOUR_AGO)
    for title, in_time in ((late, True), (lost, False)):
        sent = len(chromium_push.statuses)
        chromium_push.turn_off()
        newsroom.publish(title, "It takes a while.")
        subscribed.until(lambda sent=sent: len(chromium_push.statuses) > sent, "the push")  # type: ignore[misc]
        service.send_earlier(title, minutes=20)
        chromium_push.turn_on(in_time=in_time)
    subscribed.notice(late)
    cdp = subscribed.page.context.new_cdp_session(subscribed.page)

    def seen() -> bool:
        cdp.send("Network.clearBrowserCache")  # the list is kept for half a minute
        subscribed.page.reload()
        subscribed.page.locator("#yours li").first.wait_for()
        return subscribed.page.locator("#yours .mark").count() == 2

    subscribed.until(seen, "the list to have both")
    marks = {title: subscribed.page.locator("#yours li", has_text=title).locator(".mark") for title in (late, lost)}
    expect(marks[late]).to_contain_text("Came while this device was off: shown ")
    expect(marks[lost]).to_have_text("Came while this device was off: not shown here")


def test_a_subscriber_who_comes_back_never_sees_what_is_for_visitors_and_nothing_moves(
    tab: Page, service: Service
) -> None:
    cdp = tab.context.new_cdp_session(tab)
    cdp.send("Network.enable")
    cdp.send("Network.clearBrowserCache")
    slow = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 200_000}
    cdp.send("Network.emulateNetworkConditions", slow)
    tab.add_init_script(WATCH)
    tab.goto(service.origin)
    expect(tab.locator("#week summary")).to_contain_text("in the last week")
    expect(tab.locator("#yours li").first).to_be_visible()

    assert tab.evaluate("watched.frames") > 3
    assert tab.evaluate("watched.slogans") == 0
    # Of what the browser measures as a page's unrest, 0.1 is called good.
    assert tab.evaluate("watched.moved") < 0.02, tab.evaluate("watched.what")


def test_whoever_has_stopped_is_a_visitor_from_the_first_frame(subscribed: Chromium) -> None:
    subscribed.page.get_by_role("button", name=STOP).click()
    expect(subscribed.page.get_by_role("heading", name="The news that matters")).to_be_visible()

    assert subscribed.page.evaluate("Object.keys(localStorage)") == []


def test_a_link_ticks_its_topics_and_asks_whoever_gets_alerts_already(subscribed: Chromium, service: Service) -> None:
    subscribed.open(f"{service.origin}/?topics=storms,no-such")

    expect(subscribed.page.get_by_role("status")).to_contain_text("This link is about Storms")
    expect(subscribed.page.get_by_label("Storms")).not_to_be_checked()


def test_state_and_switch_are_above_the_fold_of_a_phone(subscribed: Chromium, service: Service) -> None:
    def ends(*found: str) -> list[float]:
        return [subscribed.page.locator(f"[data-situation={css}").bounding_box()["y"] for css in found]  # type: ignore[index]

    assert max(ends("on] h2", "on] [data-do=stop]", "on] .often")) < 740
    service.forget_everybody()
    subscribed.page.reload()
    expect(subscribed.page.get_by_role("heading", name="Alerts have stopped on this browser")).to_be_visible()
    assert max(ends("lapsed] h2", "lapsed] [data-do=start]", "lapsed] [data-do=stop]")) < 740
    subscribed.set_notifications(service.origin, "block")
    expect(subscribed.page.get_by_role("heading", name="Notifications are blocked")).to_be_visible()
    assert max(ends("blocked] h2", "blocked] [data-do=stop]", "blocked] details[open] li:first-child")) < 740


def test_what_was_just_said_covers_no_button(subscribed: Chromium) -> None:
    toast, stop = subscribed.page.locator("#done"), subscribed.page.get_by_role("button", name=STOP)
    toast.click()
    expect(toast).to_be_hidden()
    subscribed.page.locator("main").evaluate("(main) => (main.style.paddingBlockStart = '100vh')")
    stop.evaluate("(button) => scrollTo(0, scrollY + button.getBoundingClientRect().bottom - innerHeight + 20)")

    subscribed.page.get_by_role("button", name="Send me a test alert").click()

    expect(toast).to_contain_text("Test alert sent.")
    over, under = toast.bounding_box(), stop.bounding_box()
    assert over is not None
    assert under is not None
    assert over["y"] + over["height"] < under["y"], "it stands above, where there is room"


def test_a_test_alert_leaves_the_keyboard_where_it_is(subscribed: Chromium) -> None:
    subscribed.page.get_by_role("button", name="Send me a test alert").press("Enter")

    expect(subscribed.page.get_by_role("status")).to_contain_text("Test alert sent.")
    expect(subscribed.page.get_by_role("button", name="Send me a test alert")).to_be_focused()


def test_stop_without_the_server_says_so_and_the_next_visit_deletes_the_rest(
    subscribed: Chromium, service: Service
) -> None:
    before = service.subscriptions()
    subscribed.page.route("**/api/subscriptions/mine", lambda route: route.abort())
    subscribed.page.get_by_role("button", name=STOP).click()

    expect(subscribed.page.get_by_role("heading", name="your data is still to be deleted")).to_be_visible()
    assert service.subscriptions() == before
    subscribed.page.unroute("**/api/subscriptions/mine")
    subscribed.page.reload()

    expect(subscribed.page.get_by_role("status")).to_have_text("Your data is deleted now.")
    assert service.subscriptions() == before - 1


def test_a_browser_that_lost_its_token_can_stop_and_nothing_of_it_stays(
    subscribed: Chromium, service: Service, chromium_push: ChromiumPush
) -> None:
    before = service.subscriptions()
    subscribed.page.evaluate(CLEAR)
    subscribed.page.reload()
    expect(subscribed.page.get_by_role("heading", name="Alerts may still come to this browser")).to_be_visible()

    subscribed.page.get_by_role("button", name=STOP).click()

    expect(subscribed.page.get_by_role("status")).to_have_text("All alerts have stopped and your data is deleted.")
    assert service.subscriptions() == before - 1
    subscribed.until(lambda: chromium_push.subscriptions == 0, "Chromium to end its registration")


def test_whoever_has_said_yes_is_not_told_of_a_question(site: Chromium) -> None:
    panel = site.page.locator("[data-situation=off]")
    expect(panel).to_contain_text("This browser allows them already.")
    expect(panel.get_by_text("Your browser will ask you once.")).to_be_hidden()


@pytest.fixture
def in_app(site: Chromium) -> Iterator[Chromium]:
    """The page with the state of a window inside another app, which nobody else is sent."""
    cdp = site.page.context.new_cdp_session(site.page)
    agent = site.page.evaluate("navigator.userAgent")
    cdp.send("Network.setUserAgentOverride", {"userAgent": f"{agent} Instagram 400.0"})
    site.page.reload()
    site.page.locator("#panel[data-now]").wait_for()
    assert "in-app" in site.page.evaluate(STATES)
    yield site
    cdp.detach()


@pytest.mark.parametrize("colours", ["light", "dark", "forced"])
def test_every_state_can_be_used_by_everybody(in_app: Chromium, colours: str) -> None:
    site = in_app
    if colours == "forced":
        site.page.emulate_media(forced_colors="active")
    else:
        site.page.emulate_media(color_scheme=colours, forced_colors="none")  # type: ignore[arg-type]
    for state in site.page.evaluate(STATES):
        site.page.evaluate(SHOW, state)
        found = Axe().run(site.page)
        assert found.violations_count == 0, f"{state}: {found.generate_report()}"
    site.page.emulate_media(color_scheme="light", forced_colors="none")


def test_at_twice_the_size_no_word_is_broken_and_nothing_scrolls_sideways(in_app: Chromium) -> None:
    site = in_app
    site.page.get_by_label("Storms").check()
    site.page.locator("#week summary").click()
    site.page.evaluate("document.documentElement.style.fontSize = '212.5%'")
    for state in site.page.evaluate(STATES):
        site.page.evaluate(SHOW, state)
        assert site.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], state
        assert site.page.evaluate(BROKEN_WORDS) == [], state


@pytest.fixture
def tab(subscribed: Chromium) -> Iterator[Page]:
    """A tab of a subscriber, with the browser's cache."""
    tab = subscribed.other_tab()
    tab.set_viewport_size(PHONE)  # type: ignore[arg-type]
    yield tab
    tab.close()


def test_a_first_visit_is_small_and_a_second_one_asks_little(tab: Page, service: Service) -> None:
    traffic = Traffic(tab)
    traffic.cdp.send("Network.clearBrowserCache")

    traffic.visit(service.origin)
    assert sum(size for _, size in traffic.sizes) <= 18 * KILOBYTE, traffic.sizes

    traffic.visit(service.origin)
    assert len(traffic.sizes) <= 4, traffic.sizes
