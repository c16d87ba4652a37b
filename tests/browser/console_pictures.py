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
from urllib.request import Request, urlopen

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.browser.background import until
from tests.browser.chromium import FLAGS
from tests.browser.namespace import own_network
from tests.browser.newsroom import Newsroom
from tests.browser.service import Service
from tests.web.site import TOKEN, push_subscription

# Nobody listens there.
PUSH = "http://127.0.0.1:9"
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
    with own_network(), tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        newsroom = Newsroom()
        service = Service(Path(place), newsroom, PUSH, TOPICS)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            subscribe(service, "ships", "storms")
            for title, summary in STORIES:
                newsroom.publish(title, summary)
            desk = browser.new_context(viewport={"width": 1280, "height": 860}, device_scale_factor=1)
            take_by_day(sign_in(desk, service), service, folder)
            state = desk.storage_state()
            phone = browser.new_context(
                viewport={"width": 360, "height": 780}, color_scheme="dark", storage_state=state
            )
            take_by_night(phone.new_page(), service, folder)
        finally:
            browser.close()
            service.stop()
            newsroom.stop()


def subscribe(service: Service, *topics: str) -> None:
    """Somebody whose push service never answers, so that alerts have an audience."""
    with urlopen(f"{service.origin}/api/application-server-key") as answer:  # noqa: S310 - our own service
        key_id = json.load(answer)["key_id"]
    body = {"subscription": push_subscription(f"{PUSH}/ada"), "topics": list(topics), "key_id": key_id}
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    urlopen(Request(f"{service.origin}/api/subscriptions", json.dumps(body).encode(), headers)).close()  # noqa: S310


def sign_in(context: BrowserContext, service: Service) -> Page:
    """As the first operator, by the link that the service printed."""
    page = context.new_page()
    page.goto(service.origin + re.findall(r"/console/first/\S+", service.log)[0])
    page.fill("input[name=name]", "Ada")
    page.fill("input[name=password]", "four words will do")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Wire')")
    until(lambda: page.reload() and page.get_by_text("Museum of tin toys").count(), "the news", 30)
    return page


def take_by_day(page: Page, service: Service, folder: Path) -> None:
    """The wire, the workbench in the middle of an edit, and what waits for an editor."""
    page.locator("summary").nth(1).click()
    page.screenshot(path=folder / "console-wire.png")
    page.goto(f"{service.origin}/console/topics/ships")
    # The newest news is tried on some seconds after it came.
    until(lambda: page.reload() and page.locator("#preview h3").count() >= 4, "the preview", 40)
    page.fill("textarea[name=match]", "(ferry OR ship OR canal) NOT concert")
    page.wait_for_selector("#gained, #lost")
    page.screenshot(path=folder / "console-workbench.png")
    page.click("text=Save…")
    page.screenshot(path=folder / "console-save.png")
    page.goto(f"{service.origin}/console/alerts")
    page.screenshot(path=folder / "console-alerts.png")


def take_by_night(page: Page, service: Service, folder: Path) -> None:
    """The same work on a phone."""
    page.goto(f"{service.origin}/console/topics/storms")
    page.screenshot(path=folder / "console-phone-dark.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
