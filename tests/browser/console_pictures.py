"""Pictures of the console for the documentation: `python -m tests.browser.console_pictures FOLDER`, as root.

Invented news and topics, stock Chromium.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.background import until
from tests.browser.chromium import FLAGS
from tests.browser.made_up_month import fill, subscribe_everybody
from tests.browser.namespace import own_network
from tests.browser.newsroom import PUBLISHER, Newsroom
from tests.browser.service import Service
from tests.pushsink.process import PushSink

WRITTEN = {
    "title": "Storm surge reaches the old harbour wall; trams stop from eight this evening",
    "body": "The harbour master asks everybody to keep away from the quay until the tide turns at four in the morning.",
    "url": "https://news.example/surge",
}
MORE_FEEDS = """\
  - url: {origin}/gone.xml
    publisher: The Evening Gazette
    section: uk
  - url: {origin}/weekly.xml
    publisher: Lighthouse Weekly
    section: science
    paused: true
"""
TOPICS = """\
topics:
  - slug: ships
    title: Ships
    description: Everything that floats, and what becomes of it.
    # Not the pop group.
    match: (ferry OR ship OR harbour) NOT concert
    default_on: true
  - slug: storms
    title: Storms
    description: Wind and water where they should not be.
    match: storm OR flood
    mode: held
"""
STORIES = (
    ("Ferry aground off the harbour, forty taken off", "The tide lifts her at six. Nobody is hurt."),
    ("Flood closes the old bridge", "Trams turn back at the market until the river falls."),
    ("Container ship loses its cargo in a winter storm", "Two hundred boxes drift towards the islands."),
    ("Harbour board votes for shore power at every berth", "Engines fall silent from next year."),
    ("Canal reopens to large ships after the drought", "Freight rates had doubled since August."),
    ("Museum of tin toys finds a home", "The council gives it the old post office."),
)


def main(folder: Path) -> None:
    """Write every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with own_network(), tempfile.TemporaryDirectory() as place, PushSink(tls=False) as sink:
        newsroom = Newsroom()
        service = Service(Path(place), newsroom, sink.origin, TOPICS)
        try:
            fill(service.database_url, PUBLISHER)
            subscribe_everybody(
                service.database_url, key_id(service), f"{sink.origin}/after-0.02", f"{sink.origin}/503"
            )
            for title, summary in STORIES:
                newsroom.publish(title, summary)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                take(browser, service, newsroom, folder)
                browser.close()
        finally:
            service.stop()
            newsroom.stop()


def key_id(service: Service) -> str:
    """The name of the key that subscriptions are made with."""
    with urlopen(f"{service.origin}/api/application-server-key") as answer:  # noqa: S310 - our own service
        return str(json.load(answer)["key_id"])


def take(browser: Browser, service: Service, newsroom: Newsroom, folder: Path) -> None:
    """All of them: by day on a desk, then by night on a phone."""
    desk = browser.new_context(viewport={"width": 1280, "height": 860}, device_scale_factor=1)
    page = sign_in(desk, service)
    take_by_day(page, service, folder)
    take_story(page, service, folder)
    take_feeds(page, service, newsroom, folder)
    take_figures(page, service, folder)
    phone = browser.new_context(
        viewport={"width": 360, "height": 780}, color_scheme="dark", storage_state=desk.storage_state()
    )
    take_by_night(phone.new_page(), service, folder)


def sign_in(context: BrowserContext, service: Service) -> Page:
    """As the first operator, by the link that the service printed."""
    page = context.new_page()
    page.goto(service.origin + re.findall(r"/console/first/\S+", service.log)[0])
    page.fill("input[name=name]", "Ada")
    page.fill("input[name=password]", "four words will do")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Stories')")
    until(lambda: page.reload() and page.get_by_text("Museum of tin toys").count(), "the news", 30)
    return page


def take_by_day(page: Page, service: Service, folder: Path) -> None:
    """The wire, the workbench in the middle of an edit, what waits for an editor, and one being written."""
    page.locator("li > details > summary").nth(1).click()
    page.screenshot(path=folder / "console-stories.png")
    page.goto(f"{service.origin}/console/topics/ships")
    # The newest news is tried on some seconds after it came.
    until(lambda: page.reload() and page.locator("#preview h3").count() >= 4, "the preview", 40)
    page.fill("textarea[name=match]", "(ferry OR ship OR canal) NOT concert")
    page.wait_for_selector("#gained, #lost")
    page.screenshot(path=folder / "console-workbench.png")
    page.click("text=Save…")
    page.screenshot(path=folder / "console-save.png")
    page.goto(f"{service.origin}/console/alerts")
    page.locator("h2", has_text="Done").wait_for()  # it is written anew whenever something happens
    page.screenshot(path=folder / "console-alerts.png", full_page=True)
    page.goto(f"{service.origin}/console/alerts/new")
    for name, text in WRITTEN.items():
        page.fill(f"[name={name}]", text)
    page.check("input[value=storms]")
    page.screenshot(path=folder / "console-write.png")


def take_story(page: Page, service: Service, folder: Path) -> None:
    """Two stories made one by hand, why each item is there, and the two compared."""
    page.goto(f"{service.origin}/console/stories")
    other = page.locator("li", has_text="Harbour board").get_attribute("id") or ""
    page.locator("li", has_text="Ferry aground").locator("summary").first.click()
    page.get_by_role("link", name="merge…").filter(visible=True).click()
    page.fill("input[name=other]", other.removeprefix("story-"))
    page.get_by_role("button", name="Merge", exact=True).click()
    until(lambda: page.reload() and page.locator("#items li").count() == 2, "the two to be one", 20)
    page.screenshot(path=folder / "console-story.png", full_page=True)
    page.get_by_role("link", name="Compare with the first").click()
    page.screenshot(path=folder / "console-compare.png", full_page=True)


def take_feeds(page: Page, service: Service, newsroom: Newsroom, folder: Path) -> None:
    """What a site offers; then the list, with one that fails and one that is paused."""
    page.goto(f"{service.origin}/console/feeds/add")
    page.fill("input[name=site]", newsroom.origin)
    page.keyboard.press("Enter")
    page.click("text=Follow it")
    page.locator("button:visible", has_text="Add it").click()
    page.click("text=Save this")
    service.feeds_path.write_text(
        service.feeds_path.read_text() + MORE_FEEDS.format(origin=newsroom.origin), encoding="utf-8"
    )
    page.goto(f"{service.origin}/console/feeds")
    until(lambda: page.reload() and page.get_by_text("HTTP 404").count(), "a feed that fails", 20)
    page.screenshot(path=folder / "console-feeds.png", clip={"x": 0, "y": 0, "width": 1280, "height": 620})


def take_figures(page: Page, service: Service, folder: Path) -> None:
    """The audience over a month, and the system."""
    page.goto(f"{service.origin}/console/audience")
    page.screenshot(path=folder / "console-audience.png", full_page=True)
    page.goto(f"{service.origin}/console/system")
    page.screenshot(path=folder / "console-system.png")


def take_by_night(page: Page, service: Service, folder: Path) -> None:
    """The same work on a phone."""
    page.goto(f"{service.origin}/console/topics/storms")
    page.screenshot(path=folder / "console-phone-dark.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
