"""The subscribers' page as a person sees and uses it, in Firefox."""

from __future__ import annotations

from typing import Any

from tests.browser.background import until
from tests.browser.firefox import Firefox

FORGET_EVERYTHING = """(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    const push = await registration?.pushManager.getSubscription();
    await push?.unsubscribe();
    const me = await keep.subscriber();
    if (me) await server.call("DELETE", "/api/subscriptions/mine", { token: me.token });
    await keep.forget();
})()"""

OPENED = """(version) => new Promise((resolve, reject) => {
    const opening = indexedDB.open("notifier", version);
    opening.onupgradeneeded = () => opening.result.createObjectStore("of-tomorrow");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
})"""
REFUSALS = {
    "a later release of the page has changed the database": f"({OPENED})(99).then((database) => database.close())",
    "the browser clears the site's storage again and again": (
        'void setInterval(() => indexedDB.deleteDatabase("notifier"), 3)'
    ),
    "another tab holds the database and waits to delete it": (
        f'({OPENED})().then((held) => {{ window.held = held; indexedDB.deleteDatabase("notifier"); }})'
    ),
}
"""Ways in which a browser's storage refuses to work, and what a page does to bring them about. A reload ends it."""

CLEAR = 'new Promise((resolve) => { indexedDB.deleteDatabase("notifier").onsuccess = () => resolve(true); })'
"""Away with what was kept, for the tests that follow."""

_HEADLINES = (
    ("A ferry carries bees to the islands", "Divers find a bell in harbour mud", "Tall ship crosses without wind"),
    ("Whale greets the morning ferry", "Old harbour crane becomes a hotel", "Ship of glass bottles sets sail"),
    ("Otters move into ferry terminal", "Harbour fog horn sounds again", "Captain marries aboard research ship"),
)
STORIES = dict(zip(REFUSALS, _HEADLINES, strict=True))


class Page:
    """What stands on the page now, and its buttons."""

    def __init__(self, firefox: Firefox) -> None:
        self._firefox = firefox

    @property
    def situation(self) -> str:
        """The state that the page shows in words."""
        return self._firefox.evaluate("document.getElementById('panel').dataset.now") or ""

    @property
    def text(self) -> str:
        """What can be read in the panel."""
        return str(self._firefox.evaluate("document.getElementById('panel').innerText"))

    @property
    def said(self) -> str:
        """The newest confirmation."""
        return str(self._firefox.evaluate("document.getElementById('done').textContent"))

    @property
    def complained(self) -> str:
        """The newest problem."""
        return str(self._firefox.evaluate("document.getElementById('problem').textContent"))

    @property
    def ticked(self) -> list[str]:
        """The topics that are ticked."""
        ticked = "[...document.querySelectorAll('input[name=topic]:checked')].map((box) => box.value)"
        return list(self._firefox.evaluate(ticked))

    def wait_for(self, situation: str) -> None:
        """Until the page is in this state."""
        try:
            until(lambda: self.situation == situation, f"the page to be “{situation}”")
        except TimeoutError as waited:
            raise TimeoutError(f"{waited}; it is “{self.situation}” and says “{self.complained}”") from None

    def press(self, action: str) -> None:
        """Click the visible button that does this."""
        self._firefox.click(f"[data-situation={self.situation}] [data-do={action}]")

    def focus(self, action: str) -> None:
        """Move the keyboard's focus to the visible button that does this."""
        self._firefox.evaluate(
            f"document.querySelector('[data-situation={self.situation}] [data-do={action}]').focus()"
        )

    def tick(self, topic: str) -> None:
        """Click a topic's checkbox."""
        self._firefox.click(f"input[value={topic}]")

    def kept(self) -> Any:
        """What the browser keeps of the subscriber."""
        return self._firefox.evaluate("keep.subscriber().then((me) => me ?? null)")

    def forget_everything(self) -> None:
        """Leave the browser as it was before the first visit."""
        self._firefox.evaluate(FORGET_EVERYTHING)
