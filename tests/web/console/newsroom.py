"""The console over stores in memory, with a person at its browser: doubles for everything around the web room."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from notifier.alerts.alert import Alert, Message, NewAlert
from notifier.alerts.decide import AlertRules
from notifier.alerts.evidence import Evidence
from notifier.alerts.queue import QueueState
from notifier.alerts.story_history import StoryHistory
from notifier.alerts.story_store import Member, Ruling, StoryReport, StoryVerdict
from notifier.clock import ManualClock
from notifier.config.edit import TopicsFile
from notifier.config.edit_feeds import FeedsFile
from notifier.errors import NotFound
from notifier.feeds.discovery import DiscoveredFeed
from notifier.feeds.health import FeedHealth
from notifier.operations.access import AccessOperations
from notifier.operations.alerts import AlertOperations
from notifier.operations.feeds import FeedOperations
from notifier.operations.files import ChangeOperations, RecordedFile
from notifier.operations.operations import Operations
from notifier.operations.previews import Previews
from notifier.operations.stories import StoryOperations
from notifier.operations.system import SystemState
from notifier.operations.topics import RulePreviewer, TopicOperations
from notifier.operators.change import Change, NewChange
from notifier.operators.operator import Role
from notifier.operators.password import hash_password
from notifier.operators.token import TokenScope
from notifier.push.outcome import Delivered, Outcome
from notifier.stories.explain import Explanation, explain
from notifier.stories.rulings import Rulebook
from notifier.stories.story import StoryItem
from notifier.subscribers.subscriber import Subscription
from notifier.web.console.access import COOKIE, form_token
from notifier.web.services import WebServices
from tests.web.console.access import MemoryAudit, MemoryOperators, MemoryRequests, MemoryTokens
from tests.web.console.rooms import FEEDS, POST, MemoryArchive, MemoryAudience, MemoryReceipts, health
from tests.web.site import NOW, Answer, Site

PASSWORD = "four words will do"
HASH = hash_password(PASSWORD)
SECRET = "only-in-the-terminal"
TOPICS = """\
# Kept by hand.
topics:
  - slug: ships
    title: Ships
    description: Everything that floats.
    match: ferry OR harbour
  - slug: storms
    title: Storms
    match: storm OR flood   # both
"""


class MemoryChanges:
    """ChangeStore in a list."""

    def __init__(self) -> None:
        self.kept: list[Change] = []

    def record(self, change: NewChange, now: datetime) -> int:
        made = Change(len(self.kept) + 1, now, change.file, change.by, change.what, change.before, change.after)
        self.kept.append(made)
        return made.id

    def recent(self, limit: int, before: int | None = None) -> Sequence[Change]:
        return [change for change in self.kept[::-1] if before is None or change.id < before][:limit]

    def find(self, change_id: int) -> Change | None:
        return next((change for change in self.kept if change.id == change_id), None)


@dataclass
class MemoryEditorialStore:
    """Alerts in a list; what was done by hand can be looked at."""

    made: list[Alert] = field(default_factory=list)
    audience_of_new: int = 2

    def recent(self, limit: int, before: int | None = None) -> Sequence[Alert]:
        return [a for a in self.made[::-1] if before is None or a.id < before][:limit]

    def alert(self, alert_id: int) -> Alert:
        if not 1 <= alert_id <= len(self.made):
            raise NotFound("no such alert")
        return self.made[alert_id - 1]

    def accept(self, new: NewAlert, now: datetime) -> Alert:
        kept = {name: getattr(new, name) for name in NewAlert.__slots__ if name != "except_topics"}
        self.made.append(Alert(id=len(self.made) + 1, audience=self.audience_of_new, **kept))
        return self.made[-1]

    def approve(self, alert_id: int, now: datetime) -> bool:
        found = self.alert(alert_id)
        why = replace(found.why, hold=replace(found.why.hold, let_go=True))
        self.made[alert_id - 1] = replace(found, hold_until=now, why=why)
        return True

    def withdraw(self, alert_id: int, now: datetime) -> bool:
        self.made[alert_id - 1] = replace(self.alert(alert_id), done_at=now, withdrawn_at=now)
        return True

    def outcomes(self, alert_id: int) -> Mapping[str, Mapping[str, int]]:
        return {"mozilla": {"delivered": 1}, "fcm": {"delivered": 1, "gone": 1}}


def story_item(
    item_id: int, story_id: int, title: str, hours_ago: float, publisher: str = "The Harbour Post"
) -> StoryItem:
    """An item of a story, seen so long before NOW."""
    at = NOW - timedelta(hours=hours_ago)
    url = f"https://news.example/{item_id}"
    return StoryItem(
        item_id, 1, publisher, "world", url, url, title, "", at, published_at=at, language="en", story_id=story_id
    )


ITEMS = [
    story_item(1, 1, "Ferry aground off the harbour", 50),
    story_item(2, 2, "Flood closes the old bridge", 30),
    story_item(3, 3, "Ferry fares to rise", 5),
]
REPORT = StoryReport(
    3,
    ITEMS[2],
    ("The Harbour Post", "Gazette"),
    ITEMS[2].seen_at,
    "dropped",
    StoryVerdict("no-topic", "No topic matches it.", Evidence(breaking=False, items=(3,))),
)


@dataclass
class MemoryStoryReports:
    """Items in a list; what was said of them can be looked at."""

    items: Sequence[StoryItem]
    reports: list[StoryReport] = field(default_factory=list)
    made: Sequence[Alert] = ()
    never: dict[int, str] = field(default_factory=dict)
    said: list[tuple[object, ...]] = field(default_factory=list)
    ruled: list[Ruling] = field(default_factory=list)

    def stories(self, limit: int, before: tuple[datetime, int] | None = None) -> Sequence[StoryReport]:
        shown = [r for r in self.reports if before is None or (r.updated_at, r.id) < before][:limit]
        return [self.story(r.id) for r in shown]

    def story(self, story_id: int) -> StoryReport:
        found = next((r for r in self.reports if r.id == story_id), None)
        if found is None:
            raise NotFound("no such story")
        if story_id in self.never:
            return replace(found, choice="never", chosen_by=self.never[story_id])
        return found

    def members(self, story_id: int) -> Sequence[Member]:
        evidence = {"score": 1.5, "merge_at": 1.0, "nearest_item": 3}
        return [Member(i, "event", evidence) for i in self.items if i.story_id == story_id]

    def item(self, reference: str) -> StoryItem:
        found = next((i for i in self.items if reference in {str(i.id), i.url}), None)
        if found is None:
            raise NotFound(f"there is no item {reference}")
        return found

    def explain(self, one_id: int, other_id: int) -> Explanation:
        one, other = self.item(str(one_id)), self.item(str(other_id))
        return explain(one, other, self.items, {}, Rulebook(), timedelta(hours=72))

    def split(self, item_id: int, by: str, now: datetime) -> int:
        self.said.append(("split", item_id, by))
        return len(self.said)

    def merge(self, story_id: int, other_id: int, by: str, now: datetime) -> int:
        self.said.append(("merge", story_id, other_id, by))
        return len(self.said)

    def undo(self, act: int, by: str, now: datetime) -> None:
        self.said.append(("take back", act, by))

    def rulings(self, limit: int) -> Sequence[Ruling]:
        return self.ruled[:limit]

    def choose(self, story_id: int, choice: str, by: str, now: datetime) -> None:
        if choice == "never":
            self.never[story_id] = by
        else:
            self.said.append((choice, story_id, by))

    def unchoose(self, story_id: int) -> None:
        self.never.pop(story_id, None)

    def pulse(self) -> str:
        return str(len(self.made))


class Console:
    """The application with a console, and whoever sits at it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "topics.yaml"
        self.path.write_text(TOPICS, encoding="utf-8")
        self.operators, self.changes, self.newsroom = MemoryOperators(), MemoryChanges(), MemoryEditorialStore()
        self.audit = MemoryAudit()
        self.wire = MemoryStoryReports(ITEMS, [REPORT], self.newsroom.made)
        self.tokens, self.requests = MemoryTokens(self.operators), MemoryRequests(self.newsroom.accept)
        self.feeds_path = folder / "feeds.yaml"
        self.feeds_path.write_text(FEEDS, encoding="utf-8")
        self.clock = ManualClock(NOW)
        self.receipts, self.archive, self.audience = MemoryReceipts(), MemoryArchive(), MemoryAudience()
        self.health: list[FeedHealth] = [health(1, POST)]
        self.state = SystemState("This process: 2 chunks at a time", queue=QueueState(subscriptions=3))
        self.offers: list[DiscoveredFeed] = []
        self.asked: list[str] = []
        self.tried: list[tuple[Subscription, Message]] = []
        self.trial_outcome: Outcome = Delivered()
        self.reloads = self.wakes = 0
        self.cookie = ""
        self.site = _SiteWithConsole(self)

    def operations(self) -> Operations:
        topics_file, feeds_file = TopicsFile(self.path), FeedsFile(self.feeds_path)
        topics_recorded = RecordedFile("topics.yaml", topics_file, TokenScope.TOPICS, self.changes, self.clock)
        feeds_recorded = RecordedFile("feeds.yaml", feeds_file, TokenScope.FEEDS, self.changes, self.clock)
        previewer = RulePreviewer(lambda: StoryHistory(ITEMS), AlertRules(), self.clock, Previews())
        return Operations(
            topics=TopicOperations(topics_file, topics_recorded, lambda: self.site.topics, previewer),
            feeds=FeedOperations(
                feeds_file, feeds_recorded, tuple, self.archive, lambda: self.health, self._find_feeds
            ),
            changes=ChangeOperations(self.changes, topics_recorded, feeds_recorded),
            alerts=AlertOperations(
                self.newsroom,
                story=self.wire.story,
                requests=self.requests,
                subscriptions=self.site.store,
                receipts=self.receipts,
                topics=lambda: self.site.topics,
                publisher=self.site.settings.title,
                rules=AlertRules(),
                clock=self.clock,
                open_alerts=lambda: [alert for alert in self.newsroom.made[::-1] if alert.done_at is None],
                send_test=self._send_test,
                changed=self._count_reload,
                wake=self._count_wake,
            ),
            stories=StoryOperations(self.wire, self.clock, self._count_reload),
            access=AccessOperations(self.operators, self.tokens, self.audit, self.clock, SECRET),
            audience=self.audience,
            system=lambda: self.state,
            complaints=lambda: (),
        )

    def sign_in(self, name: str = "Ada", role: Role = Role.EDITOR) -> str:
        """Sit down as somebody of this role; returns their form token."""
        operator = self.operators.known.get(name, (None,))[0] or self.operators.add(name, HASH, role, NOW)
        self.cookie = f"session-of-{name}"
        digest = sha256(self.cookie.encode()).digest()
        self.operators.open_session(operator.id, digest, NOW, NOW + timedelta(hours=1))
        return form_token(self.cookie)

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self.site.ask("GET", path, headers=self._headers() | {"accept": "text/html"})

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form as the browser does from our own page."""
        fields = {"form_token": form_token(self.cookie)} | fields
        more = {"accept": "text/html", "sec-fetch-site": "same-origin"}
        return self.form(path, fields, self._headers() | more)

    def form(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Send a form with exactly these headers."""
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.site.ask("POST", path, body=urlencode(fields).encode(), headers=dict(headers) | kind)

    def _headers(self) -> dict[str, str]:
        return {"cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}

    async def _find_feeds(self, address: str) -> Sequence[DiscoveredFeed]:
        self.asked.append(address)
        if not self.offers:
            raise NotFound(f"{address} is no feed and names none")
        return self.offers

    async def _send_test(self, subscription: Subscription, message: Message) -> Outcome:
        self.tried.append((subscription, message))
        return self.trial_outcome

    def _count_reload(self) -> None:
        self.reloads += 1

    def _count_wake(self) -> None:
        self.wakes += 1


class _SiteWithConsole(Site):
    """A Site whose application has a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        console.site = self
        super().__init__(clock=console.clock, topics=TopicsFile(console.path).topics())

    def services(self) -> WebServices:
        return replace(super().services(), operations=self._console.operations())


def fields_of(page: str) -> dict[str, str]:
    """The hidden inputs and text areas of the first form that saves."""
    form = re.search(r'<form[^>]* action="[^"]*/(?:save|check)"[^>]*>(.*?)</form>', page, re.DOTALL)
    assert form, page
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[1]))
    return found | dict(re.findall(r"<textarea[^>]* name=\"(\w+)\"[^>]*>\n(.*?)</textarea>", form[1], re.DOTALL))
