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
