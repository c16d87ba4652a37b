"""Rules that fail when they are run: each costs its own topic, and is told as a trouble until it works or is changed.

Enters: what a topic's rule raised on a text, or that it worked. Leaves: `Troubles` under RULE_FAILING, by slug. One for
the process, handed from one index to the next, so that a trouble ends with the topic that had it.
"""

from __future__ import annotations

from collections.abc import Collection

from notifier.errors import TooMuchWork
from notifier.troubles import Code, Trouble, Troubles


class FailingRules:
    """Which topics' rules fail now: `slugs`, to be looked into only."""

    def __init__(self, troubles: Troubles | None = None) -> None:
        self._troubles = troubles or Troubles()
        self.slugs: set[str] = set()

    def note(self, slug: str, problem: Exception) -> None:
        """The topic's rule raised this on an item."""
        self.slugs.add(slug)
        if isinstance(problem, TooMuchWork):
            why, do = "it took too much work on an item", "Make its rule simpler: fewer words in a NEAR, fewer a*"
        else:
            why = f"running it raised {type(problem).__name__}"
            do = "Change its rule, and report this as a defect with the rule's text"
        what = f"The rule of topic {slug} fails: {why}. The topic does not take such items; other topics go on"
        self._troubles.report(Trouble(Code.RULE_FAILING, what, do, slug, grave=True))

    def over(self, slug: str) -> None:
        """The topic's rule worked, or was changed or taken out."""
        if slug in self.slugs:
            self.slugs.discard(slug)
            self._troubles.clear(Code.RULE_FAILING, slug)

    def only(self, slugs: Collection[str]) -> None:
        """There are these topics now."""
        for gone in self.slugs.difference(slugs):
            self.over(gone)
