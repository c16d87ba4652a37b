"""What a tab of Chromium asks for, and how much comes."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page


class Traffic:
    """What a tab asks for: `sizes` are bytes on the way of each answer, heads too, that came from the server."""

    def __init__(self, tab: Page) -> None:
        self._tab = tab
        self.cdp = tab.context.new_cdp_session(tab)
        self.cdp.send("Network.enable")
        self._cached: set[str] = set()
        self._asked: dict[str, str] = {}
        self.sizes: list[tuple[str, int]] = []
        self.cdp.on("Network.requestWillBeSent", lambda e: self._asked.update({e["requestId"]: e["request"]["url"]}))
        self.cdp.on("Network.requestServedFromCache", lambda e: self._cached.add(e["requestId"]))
        self.cdp.on("Network.responseReceived", self._answered)
        self.cdp.on("Network.loadingFinished", self._finished)

    def visit(self, url: str) -> None:
        """Load the page, and whatever it asks for."""
        self.sizes.clear()
        self._tab.goto(url)
        self._tab.locator("#panel[data-now]").wait_for()
        self._tab.wait_for_load_state("networkidle")

    def _answered(self, event: dict[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            self._cached.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] not in self._cached:
            self.sizes.append((self._asked.get(event["requestId"], ""), int(event["encodedDataLength"])))
