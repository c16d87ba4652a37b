"""Stock Firefox, driven by WebDriver BiDi (W3C) over its WebSocket: the page, the browser's own windows, its popups.

Clicks go through the input machinery and count as a person's.
"""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.background import until
from tests.browser.bidi import BiDi
from tests.browser.desktop import Desktop, with_desktop

KEYS = {"Enter": "\ue007", "Tab": "\ue004", "Space": " "}  # WebDriver's code points

# BiDi takes no screenshot of the browser's own windows, so the window draws itself.
DRAWN_WINDOW = """(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000)); // it slides in
    const all = new DOMRect(0, 0, innerWidth, innerHeight);
    const drawn = await browsingContext.currentWindowGlobal.drawSnapshot(all, 2, "white");
    const canvas = document.createElementNS("http://www.w3.org/1999/xhtml", "canvas");
    [canvas.width, canvas.height] = [drawn.width, drawn.height];
    canvas.getContext("2d").drawImage(drawn, 0, 0);
    return canvas.toDataURL().split(",")[1];
})()"""


def preferences(push_url: str, *, desktop: bool) -> dict[str, bool | int | str]:
    """Push goes to `push_url`, notifications to a desktop or Firefox's own popups; nothing else leaves the machine."""
    return {
        "dom.push.serverURL": push_url,
        "dom.push.testing.allowInsecureServerURL": True,  # ws:// instead of wss://
        "dom.push.connection.enabled": True,  # remote control turns it off
        "dom.push.retryBaseInterval": 200,
        "alerts.useSystemBackend": desktop,
        "dom.webnotifications.requireuserinteraction": False,
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": 9,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": 9,
        "network.proxy.no_proxies_on": "127.0.0.1, localhost",
        "network.proxy.failover_direct": False,
        "network.manage-offline-status": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "network.dns.disabled": True,
        "network.trr.mode": 5,
        "app.update.enabled": False,
        "app.normandy.enabled": False,
        "browser.safebrowsing.malware.enabled": False,
        "browser.safebrowsing.phishing.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "browser.aboutwelcome.enabled": False,
        "browser.startup.page": 0,
        "browser.newtabpage.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "toolkit.telemetry.unified": False,
        "services.settings.server": "data:,#remote-settings-dummy/v1",
    }


@dataclass(frozen=True)
class Popup:
    """A notification on the screen: its words, and the site that Firefox says it is from."""

    title: str
    body: str
    source: str
    context: str


class Firefox:
    """A headless Firefox with a fresh profile."""

    def __init__(self, binary: str, push_url: str, desktop: Desktop | None = None, *, private: bool = False) -> None:
        """`private`: its one window is a private one."""
        self._folder = tempfile.TemporaryDirectory(prefix="firefox-")
        profile = Path(self._folder.name)
        chosen = preferences(push_url, desktop=desktop is not None)
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in chosen.items()]
        (profile / "user.js").write_text("".join(lines))
        # --remote-allow-system-access: the doorhanger and the popups belong to the browser, not to a page.
        flags = ["--headless", "--no-remote", "--new-instance", "--remote-allow-system-access"]
        window = ["--private-window", "about:blank"] if private else ["about:blank"]
        self._process = subprocess.Popen(
            [binary, *flags, "--remote-debugging-port", "0", "--profile", str(profile), *window],
            env=with_desktop(desktop),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._bidi = BiDi(until(lambda: _address(profile), "Firefox to start", 60))
        self._command = self._bidi.command
        self._command("session.new", {"capabilities": {}})
        self.tab = self._command("browsingContext.getTree", {})["contexts"][0]["context"]

    def quit(self) -> None:
        """Close the browser and forget its profile."""
        self._command("browser.close", {})
        self._bidi.close()
        self._process.wait(20)
        self._folder.cleanup()

    # --- the page

    def goto(self, url: str) -> None:
        """Load `url` in the tab and wait until it is complete."""
        self._command("browsingContext.navigate", {"context": self.tab, "url": url, "wait": "complete"})

    def resize(self, width: int, height: int) -> None:
        """Give the page a viewport of so many CSS pixels."""
        size = {"width": width, "height": height}
        self._command("browsingContext.setViewport", {"context": self.tab, "viewport": size})

    def set_colours(self, scheme: str) -> None:
        """What pages are told that the person prefers: `light` or `dark`."""
        number = {"dark": 0, "light": 1}[scheme]
        self._chrome(f"void Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', {number})")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, awaited."""
        return self._bidi.evaluate(expression, self.tab)

    def click(self, css: str) -> None:
        """A real click on the element: scrolled into view, moved to, pressed, released."""
        self.evaluate(f"document.querySelector({json.dumps(css)}).scrollIntoView({{block: 'center'}})")
        found = self._command(
            "browsingContext.locateNodes", {"context": self.tab, "locator": {"type": "css", "value": css}}
        )
        element = {"type": "element", "element": {"sharedId": found["nodes"][0]["sharedId"]}}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": element},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "mouse", "actions": moves}
        self._command("input.performActions", {"context": self.tab, "actions": [pointer]})

    def press_key(self, key: str) -> None:
        """Press and release a key on the element that has the focus."""
        value = KEYS[key]
        keyboard = {
            "type": "key",
            "id": "keyboard",
            "actions": [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}],
        }
        self._command("input.performActions", {"context": self.tab, "actions": [keyboard]})

    def tabs(self) -> list[str]:
        """The addresses of all open tabs."""
        return [context["url"] for context in self._command("browsingContext.getTree", {})["contexts"]]

    def other_tab(self, url: str) -> Firefox:
        """A further tab with `url`, as a browser of its own; `close_other_tabs` ends it."""
        other = copy.copy(self)
        other.tab = self._command("browsingContext.create", {"type": "tab", "background": True})["context"]
        other.goto(url)
        return other

    def close_other_tabs(self) -> None:
        """Leave only the tab that the tests use."""
        for context in self._command("browsingContext.getTree", {})["contexts"]:
            if context["context"] != self.tab:
                self._command("browsingContext.close", {"context": context["context"]})

    # --- permissions

    def set_permission(self, origin: str, state: str) -> None:
        """Notifications of `origin`: `granted`, `denied` or `prompt`, as in the browser's preferences."""
        self._command(
            "permissions.setPermission",
            {"descriptor": {"name": "notifications"}, "state": state, "origin": origin},
        )

    def question_is_open(self) -> bool:
        """Whether Firefox is asking about a permission beside the address bar."""
        return bool(self._chrome("PopupNotifications.isPanelOpen && !!PopupNotifications.panel.firstElementChild"))

    def answer_question(self, *, allow: bool) -> None:
        """Press a button of the open question."""
        until(self.question_is_open, "Firefox to ask for the permission")
        button = "button" if allow else "secondaryButton"
        self._chrome(f"void PopupNotifications.panel.firstElementChild.{button}.click()")

    # --- notifications

    def popups(self) -> list[Popup]:
        """The notifications on the screen now."""
        words = (
            "document.readyState === 'complete' && {title: document.getElementById('alertTitleLabel').value,"
            " body: document.getElementById('alertTextLabel').textContent,"
            " source: document.getElementById('alertSourceLabel').value}"
        )
        seen = []
        for context in self._windows("alert.xhtml"):
            try:
                said = self._bidi.evaluate(words, context)
            except RuntimeError:  # still loading, or closed in this instant
                continue
            if said:
                seen.append(Popup(**said, context=context))
        return seen

    def click_popup(self, popup: Popup) -> None:
        """A click that the page's worker sees as a person's."""
        self._bidi.evaluate("void document.getElementById('alertBox').click()", popup.context)

    def close_popups(self) -> None:
        """Dismiss all notifications: one left open keeps the next permission question from opening."""
        for popup in self.popups():
            self._bidi.evaluate("void document.getElementById('alert-close').doCommand()", popup.context)
        until(lambda: not self.popups(), "the notifications to close")

    def screenshot(self, path: Path) -> None:
        """A PNG of what can be seen of the page."""
        taken = self._command("browsingContext.captureScreenshot", {"context": self.tab})
        path.write_bytes(base64.b64decode(taken["data"]))

    def screenshot_popup(self, popup: Popup, path: Path) -> None:
        """A PNG of a notification as Firefox draws it, twice its size."""
        path.write_bytes(base64.b64decode(self._bidi.evaluate(DRAWN_WINDOW, popup.context)))

    def forget_push_identity(self) -> None:
        """Make Firefox's push service see a stranger: every subscription ends and pages are told to make new ones."""
        self._chrome("void Services.prefs.setStringPref('dom.push.userAgentID', '')")

    # --- the browser's own windows

    def _chrome(self, expression: str) -> Any:
        return self._bidi.evaluate(expression, self._windows("browser.xhtml")[0])

    def _windows(self, part: str) -> list[str]:
        tree = self._command("browsingContext.getTree", {"moz:scope": "chrome"})
        return [context["context"] for context in tree["contexts"] if part in context["url"]]


def _address(profile: Path) -> str:
    """Where Firefox listens: it writes a file once it does."""
    try:
        listens = json.loads((profile / "WebDriverBiDiServer.json").read_text())
    except (FileNotFoundError, ValueError):
        return ""
    return f"ws://{listens['ws_host']}:{listens['ws_port']}/session"
