"""Stock Chromium by Playwright, with the system's own binary."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Collection
from typing import TypeVar

from playwright.sync_api import Page, Request, Route, sync_playwright

from tests.browser.background import POLL_S
from tests.browser.desktop import Desktop, Notice, with_desktop
from tests.browser.push_for_chromium import ChromiumPush

T = TypeVar("T")

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


class Chromium:
    """A headless Chromium with a fresh profile: `push` is its push service, `desktop` shows its notifications."""

    def __init__(self, binary: str, push: ChromiumPush, desktop: Desktop, zone: str | None = None) -> None:
        """`zone` is the time zone of the machine, as the browser and its workers believe."""
        self._binary, self._push, self._desktop = binary, push, desktop
        self._choices: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-")
        self._playwright = sync_playwright().start()
        self._context = self._playwright.chromium.launch_persistent_context(
            self._folder.name,
            executable_path=binary,
            args=FLAGS + push.flags(),
            env={**with_desktop(desktop), **({"TZ": zone} if zone else {})},
            # Playwright turns off what push needs.
            ignore_default_args=["--disable-background-networking"],
        )
        self.page: Page = self._context.pages[0]
        self.page.route("**/api/subscriptions*", self._localise)
        self.page.route("**/api/subscriptions/mine/keys", self._localise)

    def quit(self) -> None:
        """Close the browser and forget its profile."""
        self._context.close()
        self._playwright.stop()
        self._folder.cleanup()

    def set_notifications(self, origin: str, choice: str) -> None:
        """`allow` or `block` notifications of `origin` in the browser's own settings page, as a person does.

        Headless Chromium shows no permission question, and a permission that DevTools overrides is never taken back.
        """
        if self._choices.get(origin) == choice:
            return
        self._choices[origin] = choice
        settings = self._context.new_page()
        settings.goto("chrome://settings/content/notifications")
        change = "([origin, choice]) => chrome.send('setOriginPermissions', [origin, 'notifications', choice])"
        settings.evaluate(change, [origin, choice])
        settings.close()

    def open(self, url: str) -> None:
        """Load the page and wait until it knows what state it is in."""
        self.page.goto(url)
        self.page.locator("#panel[data-now]").wait_for()

    def other_tab(self) -> Page:
        """A tab whose requests nobody rewrites: those of `page` are never answered from the browser's cache."""
        return self._context.new_page()

    def private_window(self) -> Page:
        """A window of another browser that is off the record, as Incognito is; close its `context` at the end."""
        other = self._playwright.chromium.launch(executable_path=self._binary, args=FLAGS)
        return other.new_context().new_page()

    def notice(self, title: str) -> Notice:
        """The notification with this title, as soon as it is on the screen.

        The page is not asked: `getNotifications` closes what Chromium is about to show.
        """
        found = self.until(lambda: self._desktop.shown(title), f"a notification “{title}”")
        assert found is not None
        return found

    def tab(self, part: str, besides: Collection[str] = ()) -> Page | None:
        """An open tab whose address has this in it, and is none of those `besides`."""
        return next((page for page in self._context.pages if part in page.url and page.url not in besides), None)

    def addresses(self) -> list[str]:
        """The addresses of all open tabs."""
        return [page.url for page in self._context.pages]

    def until(self, look: Callable[[], T | None], what: str, timeout_s: float = 45) -> T:
        """As `background.until`, while Playwright goes on answering the page's requests."""
        deadline = time.monotonic() + timeout_s
        while not (seen := look()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout_s} s for {what}; last seen: {seen!r}")
            self.page.wait_for_timeout(POLL_S * 1000)
        return seen

    def _localise(self, route: Route, request: Request) -> None:
        """Let the server push here: Chromium's endpoints name a host on the Internet."""
        body = json.loads(request.post_data or "{}")
        if "subscription" not in body:
            return route.continue_()
        body["subscription"]["endpoint"] = self._push.local(body["subscription"]["endpoint"])
        return route.continue_(post_data=json.dumps(body))
