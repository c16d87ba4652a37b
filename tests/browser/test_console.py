"""The console as an operator uses it, in Chromium: by keyboard alone, on a phone and on a desk, by day and by
night.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser.background import until
from tests.browser.chromium import FLAGS
from tests.browser.made_up_month import fill
from tests.browser.newsroom import PUBLISHER, Newsroom
from tests.browser.service import Service
from tests.web.site import TOKEN, push_subscription

PASSWORD = "four words will do"
# Nobody listens there.
PUSH = "http://127.0.0.1:9"
WIDTHS = (360, 1280)
# A machine that does much else at the same time is slow, and nothing is wrong.
expect.set_options(timeout=30_000)
PAGES = (
    "stories",
    "rulings",
    "stories/compare",
    "topics",
    "topics/ships",
    "topics/new",
    "changes",
    "changes?file=feeds.yaml",
    "alerts",
    "alerts/2",
    "alerts/new",
    "alerts/new?replaces=2&way=back",
    "feeds",
    "feeds?state=retired",
    "feeds/1",
    "feeds/add",
    "audience",
    "audience?days=90",
    "system",
)


@pytest.fixture(scope="module")
def service(service_folder: Path, newsroom: Newsroom) -> Iterator[Service]:
    service = Service(service_folder, newsroom, PUSH)
    fill(service.database_url, PUBLISHER)
    newsroom.publish("Ferry aground off the harbour", "Forty people were taken off before dark.")
    newsroom.publish("Flood closes the old bridge", "Trams turn back at the market.")
    yield service
    service.stop()


@pytest.fixture(scope="module")
def browser(network: None, require: Callable[[str], str]) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(service: Service, browser: Browser) -> dict[str, object]:
    """The first operator, made by the link in the terminal; leaves what signs a browser in."""
    link = re.search(r"/console/first/\S+", service.log)
    assert link, service.log
    context = browser.new_context()
    page = context.new_page()
    page.goto(service.origin + link[0])
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stories")
    until(lambda: page.reload() and page.get_by_text("Flood closes").count(), "the news to be on the wire", 30)
    page.goto(f"{service.origin}/console/topics/storms")
    until(lambda: page.reload() and page.locator("#preview h3").count(), "the news to be in previews", 30)
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, signed_in: dict[str, object], browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": request.param, "height": 900},
        storage_state=signed_in,  # type: ignore[arg-type]
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    yield page
    context.close()
    assert complaints == []


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on the control of this name, as somebody does who has no mouse."""
    for _ in range(80):
        page.keyboard.press("Tab")
        said = page.evaluate("document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText || ''")
        if said.strip().startswith(name):
            return
    raise AssertionError(f"no {name!r} can be reached with the Tab key")


def unfold(page: Page, details: Locator) -> None:
    """Open it by keyboard. The page moves by itself: what had the focus may have been put anew meanwhile."""

    def opened() -> bool:
        details.locator("summary").first.focus()
        if not details.evaluate("part => part.open"):
            page.keyboard.press("Enter")
        return bool(details.evaluate("part => part.open && part.contains(document.activeElement)"))

    page.wait_for_load_state()
    until(opened, "the story to unfold")


def shuts_nobody_out(page: Page) -> None:
    """By axe-core's rules, and without scrolling sideways."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


@pytest.mark.parametrize("path", PAGES)
def test_nothing_on_a_page_shuts_anybody_out(page: Page, service: Service, path: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{service.origin}/console/{path}")
    for summary in page.locator("summary:visible").all()[:2]:
        summary.click()

    shuts_nobody_out(page)

    # In the dark the same elements have other colours, and nothing else is different.
    page.emulate_media(color_scheme="dark")
    found = Axe().run(page, options={"runOnly": ["color-contrast"], "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


def test_each_job_says_what_it_is_for(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/console/system")
    expect(page.locator("#jobs .kicker").first).to_be_visible()
    expect(page.locator("#jobs .kicker:empty")).to_have_count(0)


def test_a_rule_is_tried_saved_and_undone_by_keyboard(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/console/topics/ships")
    expect(page.locator("#preview h3")).to_have_text(["Ferry aground off the harbour"])

    tab_to(page, "Rule")
    page.keyboard.press("Control+a")
    page.keyboard.type("flood")
    expect(page.get_by_text("Gained: 1")).to_be_visible()
    expect(page.get_by_text("Lost: 1")).to_be_visible()
    expect(page.locator("#gained mark").first).to_have_text("Flood")
    tab_to(page, "Save…")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("This will change")
    shuts_nobody_out(page)
    tab_to(page, "Save this")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is saved")

    page.goto(f"{service.origin}/console/changes")
    tab_to(page, "Changed ships")
    page.keyboard.press("Enter")
    tab_to(page, "Take this back")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Took back: Changed ships").first).to_be_visible()


def test_a_story_says_why_and_is_silenced_by_keyboard(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/console/stories")

    unfold(page, page.locator("li[id^=story-] > details", has_text="Ferry aground off"))
    tab_to(page, "Never alert")
    page.keyboard.press("Enter")
    expect(page.locator(".state.never")).to_have_count(1)
    unfold(page, page.locator("li:has(.state.never) > details"))
    tab_to(page, "Back to the rules")
    page.keyboard.press("Enter")
    expect(page.locator(".state.never")).to_have_count(0)


def test_stories_are_merged_compared_and_parted_by_keyboard(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/console/stories")
    other = (page.locator(".stories > li", has_text="Flood closes").get_attribute("id") or "").removeprefix("story-")
    unfold(page, page.locator(".stories > li > details", has_text="Ferry aground"))
    tab_to(page, "Open or merge")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ferry aground off the harbour")
    tab_to(page, "Merge with story")
    page.keyboard.type(other)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("being made one")
    expect(page.locator("#items li")).to_have_count(2)

    tab_to(page, "Compare with the first")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_contain_text("One story")
    assert Axe().run(page).violations_count == 0
    page.goto(f"{service.origin}/console/rulings")
    page.wait_for_load_state()
    tab_to(page, "Undo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Undone")
    page.goto(f"{service.origin}/console/stories/{other}")
    until(lambda: page.reload() and page.locator("#items li").count() == 1, "the two to part", 20)
    assert Axe().run(page).violations_count == 0


def test_an_alert_by_hand_says_that_nobody_would_get_it(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/console/alerts/new")

    for name, text in (
        ("Headline", "Bridge reopens"),
        ("Text", "After a year."),
        ("Address", "https://news.example/b"),
    ):
        tab_to(page, name)
        page.keyboard.type(text)
    tab_to(page, "Ships")
    page.keyboard.press("Space")
    tab_to(page, "See who gets it")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Nobody would get this")
    shuts_nobody_out(page)


def test_an_alert_is_written_beside_screens_that_cut_it_and_tried_on_this_browser_only(
    page: Page, service: Service
) -> None:
    page.goto(f"{service.origin}/console/alerts/new")

    tab_to(page, "Headline")
    page.keyboard.type("Bridge reopens after a year of work on its piers, with a fair for everybody who waited")
    phone = page.locator(".screen.phone b")
    expect(phone).to_contain_text("Bridge reopens after a year")
    shuts_nobody_out(page)
    assert phone.evaluate("box => box.scrollHeight > box.clientHeight"), "a phone cuts it"
    tab_to(page, "Send it to my own browser first")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("This browser gets no alerts yet")

    subscribe(page, service)
    tab_to(page, "Send it to my own browser first")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The push service is busy")
    assert service.endpoints()[0] not in page.content()


def subscribe(page: Page, service: Service) -> None:
    """Make this browser a subscriber whose push service never answers; the page stays as it is."""
    body = {"subscription": push_subscription(f"{PUSH}/ada"), "topics": []}
    page.evaluate(
        """async ([body, token]) => {
            const key = await (await fetch("/api/application-server-key")).json();
            const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
            const sent = JSON.stringify({ ...body, key_id: key.key_id });
            await fetch("/api/subscriptions", { method: "POST", headers, body: sent });
            await keep.save({ token, topics: [], endpoint: body.subscription.endpoint });
        }""",
        [body, TOKEN],
    )


def test_a_feed_is_found_seen_added_paused_and_undone_by_keyboard(
    page: Page, service: Service, newsroom: Newsroom
) -> None:
    before = service.feeds_path.read_text()
    page.goto(f"{service.origin}/console/feeds")
    tab_to(page, "Add a feed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a feed")
    tab_to(page, "Address of the site")
    page.keyboard.type(newsroom.origin)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Rowers win by a canvas")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("Followed already")).to_be_visible()
    shuts_nobody_out(page)
    tab_to(page, "Follow it")
    page.keyboard.press("Enter")
    tab_to(page, "Add it…")
    page.keyboard.press("Enter")
    expect(page.locator(".diff .added").first).to_contain_text("/sport.xml")
    shuts_nobody_out(page)
    tab_to(page, "Save this")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The feed is added")

    until(lambda: page.reload() and page.get_by_role("link", name="Sport").count(), "the service to take it up", 20)
    tab_to(page, f"{PUBLISHER} - Sport")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{PUBLISHER} - Sport")
    until(lambda: page.reload() and page.get_by_text("Rowers win").count(), "its items", 20)
    tab_to(page, "Pause")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Paused: it is not asked")).to_be_visible()

    for what in ("Paused", "Added"):
        page.goto(f"{service.origin}/console/changes?file=feeds.yaml")
        page.wait_for_load_state()
        tab_to(page, what)
        page.keyboard.press("Enter")
        tab_to(page, "Take this back")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Undone")
    assert service.feeds_path.read_text() == before


def test_tables_sort_by_keyboard_and_the_address_keeps_the_order(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/console/alerts")
    people = page.locator("td[data-label=People]")
    before = people.all_inner_texts()

    tab_to(page, "People")
    page.keyboard.press("Enter")
    assert people.all_inner_texts() == sorted(before, key=int, reverse=True)
    page.keyboard.press("Enter")
    rising = people.all_inner_texts()
    assert rising == sorted(before, key=int)
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("People")

    page.goto(page.url)
    assert people.all_inner_texts() == rising


def test_what_a_word_brought_is_shown_alone(page: Page, service: Service) -> None:
    page.goto(f"{service.origin}/console/topics/ships")
    shown = page.locator("#preview li[data-words]:visible")
    expect(shown.first).to_be_visible()

    tab_to(page, "harbour")
    page.keyboard.press("Enter")
    for item in shown.all():
        assert "harbour" in (item.get_attribute("data-words") or "")
    page.keyboard.press("Enter")
    expect(page.locator("#preview li[data-words]:not(:visible)")).to_have_count(0)


def test_alerts_come_onto_their_page_by_themselves_and_the_order_stays(
    page: Page, service: Service, newsroom: Newsroom
) -> None:
    page.goto(f"{service.origin}/console/alerts?sort=Alerts+that+are+done~2~up")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("People")
    size = page.viewport_size
    title = "Ferry master weds at sea" if size and size["width"] == 360 else "Harbour seals move into the fountain"

    newsroom.publish(title, "Nobody minds.")

    expect(page.get_by_role("link", name=title)).to_be_visible(timeout=20_000)
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("People")
    people = page.locator("td[data-label=People]").all_inner_texts()
    assert people == sorted(people, key=int)


def test_new_stories_come_onto_the_wire_by_themselves(page: Page, service: Service, newsroom: Newsroom) -> None:
    page.goto(f"{service.origin}/console/stories")
    size = page.viewport_size
    title = "Harbour master retires to the islands" if size and size["width"] == 360 else "Oldest lighthouse goes dark"

    newsroom.publish(title, "She began as a deckhand.")

    expect(page.get_by_text(title)).to_be_visible(timeout=20_000)
