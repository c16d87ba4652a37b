"""What a desktop gets from stock Firefox and Chromium, word for word, and what a person's click on it does.

One browser at a time, each with a newsroom, a service and a desktop of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ctypes.util import find_library
from typing import Protocol

import pytest

from tests.browser.background import until
from tests.browser.chromium import Chromium
from tests.browser.conftest import run_service
from tests.browser.desktop import Desktop, Notice
from tests.browser.firefox import Firefox
from tests.browser.newsroom import PUBLISHER, Newsroom
from tests.browser.page import Page
from tests.browser.push_for_chromium import ChromiumPush
from tests.browser.push_for_firefox import FirefoxPush
from tests.browser.service import Service
from tests.conftest import lacking

# One browser is shared by the module, so one worker runs it all.
pytestmark = pytest.mark.timeout(300)

CLOCK = r"\d{1,2}:\d{2}(?:\s[AP]M)?"


class Reader(Protocol):
    """A browser that is subscribed."""

    def said(self, notice: Notice) -> list[str]:
        """The lines of a body, without what the browser itself puts there."""

    def wait_for_tab(self, url: str) -> None:
        """Until this address is open."""


class WithFirefox:
    def __init__(self, firefox: Firefox, service: Service) -> None:
        self._firefox = firefox
        firefox.set_permission(service.origin, "granted")
        firefox.goto(service.origin)
        page = Page(firefox)
        page.wait_for("off")
        page.press("start")
        page.wait_for("on")

    def said(self, notice: Notice) -> list[str]:
        return notice.body.split("\n")

    def wait_for_tab(self, url: str) -> None:
        until(lambda: url in self._firefox.tabs(), f"a tab with {url}")


class WithChromium:
    def __init__(self, chromium: Chromium, push: ChromiumPush, service: Service) -> None:
        self._chromium, self._service = chromium, service
        chromium.set_notifications(service.origin, "allow")
        chromium.open(service.origin)
        chromium.page.get_by_role("button", name="Get alerts").click()
        chromium.page.get_by_role("heading", name="Alerts are on").wait_for()
        chromium.until(lambda: push.connected, "Chromium to connect to its push service")

    def said(self, notice: Notice) -> list[str]:
        origin = self._service.origin.removeprefix("http://")
        assert notice.body.startswith(f"{origin}\n\n")
        return notice.body.removeprefix(f"{origin}\n\n").split("\n")

    def wait_for_tab(self, url: str) -> None:
        self._chromium.until(lambda: url in self._chromium.addresses(), f"a tab with {url}")


@pytest.fixture(scope="module", params=["firefox", "chromium"])
def browser(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def newsroom(network: None, browser: str) -> Iterator[Newsroom]:
    newsroom = Newsroom()
    yield newsroom
    newsroom.stop()


@pytest.fixture(scope="module")
def desktop(require: Callable[[str], str], browser: str) -> Iterator[Desktop]:
    if browser == "firefox" and find_library("notify") is None:  # by which it reaches a desktop
        lacking("libnotify is missing: apt-get install libnotify4")
    desktop = Desktop(require("dbus"))
    yield desktop
    desktop.stop()


@pytest.fixture(scope="module")
def reader(
    request: pytest.FixtureRequest,
    require: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    browser: str,
    newsroom: Newsroom,
    desktop: Desktop,
) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("service")
    if browser == "firefox":
        firefox_push: FirefoxPush = request.getfixturevalue("firefox_push")
        firefox = Firefox(require("firefox"), firefox_push.websocket_url, desktop)
        for service in run_service(folder, newsroom, firefox_push.origin):
            yield WithFirefox(firefox, service)
        firefox.quit()
    else:
        chromium_push: ChromiumPush = request.getfixturevalue("chromium_push")
        chromium = Chromium(require("chromium"), chromium_push, desktop)
        for service in run_service(folder, newsroom, chromium_push.origin):
            yield WithChromium(chromium, chromium_push, service)
        chromium.quit()


@pytest.fixture
def screen(desktop: Desktop, reader: Reader) -> Iterator[Desktop]:
    """The desktop, with nothing on it yet."""
    yield desktop
    desktop.dismiss_all()


def notice(screen: Desktop, title: str) -> Notice:
    """The notification with this title, as soon as it is on the screen."""
    found = until(lambda: screen.shown(title), f"a notification “{title}”")
    assert found is not None
    return found


def test_a_first_alert_says_what_it_is_and_who_says_so(newsroom: Newsroom, screen: Desktop, reader: Reader) -> None:
    newsroom.publish("A ferry came in with a whale", "The harbour master says grüße ✓ to both.")

    shown = notice(screen, "A ferry came in with a whale")

    assert reader.said(shown) == [f"News · {PUBLISHER}", "The harbour master says grüße ✓ to both."]
    assert not shown.silent


def test_an_update_takes_its_place_in_silence_and_says_when_and_what_changed(
    newsroom: Newsroom, screen: Desktop, reader: Reader
) -> None:
    story = newsroom.publish("Ferry aground with 40 aboard", "Tugs are on their way.")
    notice(screen, "Ferry aground with 40 aboard")

    newsroom.edit(story, "Ferry aground with 52 aboard, all rescued", "Tugs have arrived.")

    shown = notice(screen, "Ferry aground with 52 aboard, all rescued")
    kind, changed, standfirst = reader.said(shown)
    assert re.fullmatch(rf"Updated {CLOCK} · {PUBLISHER}", kind)
    assert (changed, standfirst) == ("52 aboard now, 40 before.", "Tugs have arrived.")
    assert shown.silent
    until(lambda: screen.on_screen() == [shown], "the first one to be replaced")


def test_a_correction_says_so_and_what_was_wrong(newsroom: Newsroom, screen: Desktop, reader: Reader) -> None:
    story = newsroom.publish("Harbour fire hurts 12 sailors", "The pier is closed.")
    notice(screen, "Harbour fire hurts 12 sailors")

    newsroom.edit(story, "Correction: Harbour fire hurts 10 sailors", "The pier is open again.")

    shown = notice(screen, "Correction: Harbour fire hurts 10 sailors")
    assert reader.said(shown) == [f"Correction · {PUBLISHER}", "10 sailors, not 12.", "The pier is open again."]
    assert not shown.silent


def test_a_click_opens_the_story(newsroom: Newsroom, screen: Desktop, reader: Reader) -> None:
    story = newsroom.publish("A ship is named", "Its name is long.")

    screen.click(notice(screen, "A ship is named"))

    reader.wait_for_tab(story)
