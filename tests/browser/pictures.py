"""Pictures of the page for the documentation: `python -m tests.browser.pictures FOLDER`, as root.

The shipped topics, an invented week, stock Firefox; each state at the width of a phone and of a desk, by day and by
night.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from notifier.alerts.alert import AlertKind
from notifier.clock import system_clock
from notifier.storage.alerts import SqlAlertStore
from notifier.storage.database import Database
from tests.browser.background import until
from tests.browser.firefox import Firefox
from tests.browser.namespace import own_network
from tests.browser.newsroom import PUBLISHER, Newsroom
from tests.browser.page import Page
from tests.browser.push_for_firefox import FirefoxPush
from tests.browser.service import Service
from tests.contracts.samples import an_alert

SIZES = {"phone": (360, 780), "desktop": (1280, 860)}
TOPICS = Path(__file__).parents[2] / "config" / "topics.yaml"
STORIES = (
    ("Drought closes the canal to large ships until the autumn", "Freight rates rise at once; two lines turn back."),
    ("Nato opens a northern command in Bodø", "Eight members will fly from it. The first crews arrive in June."),
)
EARLY = ("Brass band marches through the old town", "It rains a little.")
WEEK = (
    ("Talks on the northern pipeline end without a date", ("nato", "world"), AlertKind.NEW),
    ("Heat record falls in eleven cities on one day", ("climate",), AlertKind.NEW),
    ("Grain ships leave port after eight weeks", ("world", "breaking"), AlertKind.NEW),
    ("Nato and its neighbours agree on one rescue channel", ("nato",), AlertKind.NEW),
    ("Storm surge: 14 villages cut off", ("climate", "breaking"), AlertKind.UPDATE),
    ("Glacier lake drains in a night", ("climate",), AlertKind.NEW),
    ("الناتو يفتح قيادة شمالية في بودو مع ثمانية أعضاء", ("nato",), AlertKind.NEW),
)


def fill(service: Service, newsroom: Newsroom) -> None:
    """A week of alerts, the newest of them some hours old, at a service that has run for longer."""
    newsroom.publish(*EARLY)
    until(service.has_items, "the service to have an item")
    service.grow_older(20)
    database, now = Database(service.database_url), system_clock()
    store = SqlAlertStore(database)
    for number, (title, topics, kind) in enumerate(WEEK):
        at = now - timedelta(hours=22 * (len(WEEK) - number) - 9)
        new = an_alert(*topics, story=1000 + number)
        message = replace(new.message, title=title, publisher=PUBLISHER, published_at=at)
        breaking = "breaking" in topics
        store.accept(replace(new, kind=kind, message=message, breaking=breaking, decided_at=at), at)
    database.close()


def main(folder: Path) -> None:
    """Write every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with running() as (firefox, service, newsroom):
        page = Page(firefox)
        fill(service, newsroom)
        firefox.set_permission(service.origin, "prompt")
        firefox.goto(service.origin)
        page.wait_for("off")
        take(firefox, folder, "off")
        page.press("start")
        until(firefox.question_is_open, "Firefox to ask")
        take(firefox, folder, "asking")
        firefox.answer_question(allow=True)
        page.wait_for("on")
        page.tick("nato")
        until(lambda: page.said.startswith("Saved"), "the page to confirm")
        take(firefox, folder, "saved")
        page.tick("climate")
        until(lambda: "Climate" in page.said, "the page to confirm")
        for title, summary in STORIES:
            newsroom.publish(title, summary)
            shown = until(lambda t=title: [p for p in firefox.popups() if p.title == t], "the notification")  # type: ignore[misc]
            firefox.screenshot_popup(shown[0], folder / "notification.png")
        firefox.close_popups()
        firefox.goto(f"{service.origin}/alerts/{len(WEEK)}")
        until(lambda: firefox.evaluate("!document.getElementById('mine').hidden"), "the page to say what is followed")
        take(firefox, folder, "alert-right-to-left")
        firefox.goto(f"{service.origin}/alerts/{len(WEEK) + len(STORIES)}")
        until(lambda: firefox.evaluate("!document.getElementById('mine').hidden"), "the page to say what is followed")
        take(firefox, folder, "alert")
        firefox.goto(service.origin)
        page.wait_for("on")
        take(firefox, folder, "on")
        service.forget_everybody()
        firefox.goto(service.origin)
        page.wait_for("lapsed")
        take(firefox, folder, "lapsed")
        firefox.set_permission(service.origin, "denied")
        page.wait_for("blocked")
        take(firefox, folder, "blocked")


def take(firefox: Firefox, folder: Path, name: str) -> None:
    """The page as it is now, in every size and colour scheme."""
    for size, (width, height) in SIZES.items():
        firefox.resize(width, height)
        firefox.evaluate("scrollTo(0, 0)")
        for scheme in ("light", "dark"):
            firefox.set_colours(scheme)
            settled = f"matchMedia('(prefers-color-scheme: {scheme})').matches && !document.getAnimations().length"
            until(lambda settled=settled: firefox.evaluate(settled), "the page to settle")  # type: ignore[misc]
            firefox.screenshot(folder / f"{name}-{size}-{scheme}.png")


@contextmanager
def running() -> Iterator[tuple[Firefox, Service, Newsroom]]:
    """A browser, the service and a newsroom in a network of their own."""
    with own_network(), ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        newsroom, push = Newsroom(), FirefoxPush()
        stack.callback(newsroom.stop)
        stack.callback(push.stop)
        service = Service(Path(folder), newsroom, push.origin, TOPICS.read_text())
        stack.callback(service.stop)
        firefox = Firefox(shutil.which("firefox-esr") or "firefox", push.websocket_url)
        stack.callback(firefox.quit)
        yield firefox, service, newsroom


if __name__ == "__main__":
    main(Path(sys.argv[1]))
