"""An alert's page in stock Chromium, reached by a click on its notification, as a reader in Tokyo sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.chromium import Chromium
from tests.browser.conftest import run_service
from tests.browser.desktop import Desktop
from tests.browser.newsroom import PUBLISHER, Newsroom
from tests.browser.push_for_chromium import ChromiumPush
from tests.browser.service import Service

# One browser is shared by the module, so one worker runs it all.
pytestmark = pytest.mark.timeout(300)

BEFORE, AFTER = "Ferry aground with 40 aboard", "Ferry aground with 52 aboard"
ARABIC = "عبّارة جانحة قرب ship وعلى متنها العشرات"


@pytest.fixture(scope="module")
def service(service_folder: Path, newsroom: Newsroom, chromium_push: ChromiumPush) -> Iterator[Service]:
    yield from run_service(service_folder, newsroom, chromium_push.origin, NOTIFIER_CLICK_OPENS="page")


@pytest.fixture(scope="module")
def chromium(
    require: Callable[[str], str], chromium_push: ChromiumPush, desktop: Desktop, service: Service
) -> Iterator[Chromium]:
    """A browser whose reader follows ships and storms."""
    chromium = Chromium(require("chromium"), chromium_push, desktop, "Asia/Tokyo")
    chromium.set_notifications(service.origin, "allow")
    chromium.open(service.origin)
    chromium.page.get_by_label("Storms").check()
    chromium.page.get_by_role("button", name="Get alerts").click()
    chromium.page.get_by_role("heading", name="Alerts are on").wait_for()
    chromium.until(lambda: chromium_push.connected, "Chromium to connect to its push service")
    yield chromium
    chromium.quit()


@pytest.fixture(scope="module")
def clicked(chromium: Chromium, desktop: Desktop, newsroom: Newsroom) -> Page:
    """The page that a click on an update's notification opened."""
    story = newsroom.publish(BEFORE, "Tugs are on their way.")
    chromium.notice(BEFORE)
    newsroom.edit(story, AFTER, "Tugs have arrived.")
    desktop.click(chromium.notice(AFTER))
    return chromium.until(lambda: chromium.tab("/alerts/"), "the alert's page to open")


def test_a_click_opens_the_alerts_page_with_what_changed(clicked: Page) -> None:
    expect(clicked.get_by_role("heading", level=1)).to_have_text(AFTER)
    expect(clicked.locator(".told header .kicker")).to_have_text(f"Updated · {PUBLISHER}")
    expect(clicked.locator(".told .changed")).to_have_text("52 aboard now, 40 before.")
    expect(clicked.locator(".changes li")).to_have_count(2)
    expect(clicked.get_by_role("link", name=f"Read it at {PUBLISHER}")).to_be_visible()


def test_times_are_the_readers_own(clicked: Page) -> None:
    expect(clicked.locator(".when time")).to_have_text(re.compile(r"GMT\+9$|JST$"))


def test_the_page_says_what_this_browser_follows_and_a_click_there_ends_it(clicked: Page, service: Service) -> None:
    expect(clicked.locator("#mine")).to_have_text("In this browser you follow Ships.")

    clicked.get_by_role("button", name="No more alerts for Ships").click()

    expect(clicked.locator("#mine")).to_have_text("In this browser you follow none of its topics now.")
    expect(clicked.get_by_role("status")).to_contain_text("No more alerts for Ships.")
    assert service.topics() == {"storms"}


def test_the_front_page_in_another_tab_follows(clicked: Page, chromium: Chromium) -> None:
    expect(chromium.page.get_by_label("Ships")).not_to_be_checked()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_says_what_it_is_to_everybody(clicked: Page, width: int, colours: str) -> None:
    clicked.set_viewport_size({"width": width, "height": 780})
    clicked.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
    assert clicked.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(clicked)
    assert found.violations_count == 0, found.generate_report()


def test_a_headline_from_right_to_left_stands_on_the_right(
    chromium: Chromium, newsroom: Newsroom, desktop: Desktop, clicked: Page
) -> None:
    chromium.page.get_by_label("Ships").check()
    newsroom.publish(ARABIC, "قال الميناء إن القاطرات في الطريق.")
    pages = set(chromium.addresses())

    desktop.click(chromium.notice(ARABIC))

    opened = chromium.until(lambda: chromium.tab("/alerts/", besides=pages), "the alert's page to open")
    heading = opened.get_by_role("heading", level=1)
    assert heading.evaluate("(h) => getComputedStyle(h).direction") == "rtl"
    assert opened.locator(".read").evaluate("(p) => getComputedStyle(p).direction") == "rtl"
