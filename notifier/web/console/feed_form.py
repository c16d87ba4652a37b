"""A feed as a form has it: text in, `FeedConfig` out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Form

from notifier.errors import EntryInvalid
from notifier.feeds.feed import FeedConfig

Line = Annotated[str, Form(max_length=300)]
Address = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class FeedForm:
    """A feed as a form has it: text, nothing checked yet. `was` is its address in the file; empty for a new one."""

    url: str
    publisher: str = ""
    title: str = ""
    section: str = ""
    language: str = ""
    poll_every_s: str = ""
    weight: str = ""
    was: str = ""

    @classmethod
    def of(cls, feed: FeedConfig) -> FeedForm:
        """The fields of a feed."""
        every = "" if feed.poll_every_s is None else f"{feed.poll_every_s:g}"
        weight = "" if feed.weight == 1 else f"{feed.weight:g}"
        return cls(feed.url, feed.publisher, feed.title, feed.section, feed.language or "", every, weight, feed.url)

    def config(self, before: FeedConfig | None) -> FeedConfig:
        """What goes into the file; what the form does not have stays as `before` has it. Raises EntryInvalid."""
        publisher = self.publisher.strip()
        every, weight = _number("Seconds between polls", self.poll_every_s), _number("The weight", self.weight)
        return FeedConfig(
            url=self.url.strip(),
            title=self.title.strip() or publisher,
            publisher=publisher,
            section=self.section.strip().lower() or "general",
            language=self.language.strip() or None,
            poll_every_s=every,
            paused=before.paused if before else False,
            weight=1.0 if weight is None else weight,
        )


def feed_fields(
    url: Address = "",
    publisher: Line = "",
    title: Line = "",
    section: Line = "",
    language: Line = "",
    poll_every_s: Line = "",
    weight: Line = "",
    was: Address = "",
) -> FeedForm:
    """The form's fields (a dependency)."""
    return FeedForm(url, publisher, title, section, language, poll_every_s, weight, was)


def _number(what: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text.strip())
    except ValueError as wrong:
        raise EntryInvalid(f"{what}: “{text}” is no number", "Write digits, or nothing") from wrong
