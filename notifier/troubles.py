"""What is wrong just now and what to do about it: the one list behind /readyz, `check`, System, the API and metrics.

Whoever notices a trouble reports it under a code and a subject, and clears it once it is over; whoever can look at
their own state at any time is watched instead. Each is logged once when it begins and once, with a count, when it ends.
Never named: an endpoint, a key, a reader's words. docs/troubles.md lists the codes; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock

import structlog

from notifier.clock import Clock, system_clock

log = structlog.get_logger()

LOOK_EVERY_S = 10.0
SILENT_AFTER = timedelta(seconds=4 * LOOK_EVERY_S)
"""A process that has said nothing for so long runs no more, or is stuck."""

MOST_SUBJECTS = 100
"""Of one code: a thousand feeds that fail are one trouble for a person, and must not fill the memory."""


class Code(StrEnum):
    """The stable names of troubles: in the API, in the log and as a metric's label."""

    DATABASE_AWAY = "database-away"
    DATABASE_CORRUPT = "database-corrupt"
    DISK_FULL = "disk-full"
    CONFIG_BROKEN = "config-broken"
    CONFIG_NOT_WRITABLE = "config-not-writable"
    SECRETS_READABLE = "secrets-readable"
    DECISIONS_FAILING = "decisions-failing"
    DECISIONS_BEHIND = "decisions-behind"
    RULE_FAILING = "rule-failing"
    SHARE_SPENT = "share-spent"
    FEED_FAILING = "feed-failing"
    FEED_NOT_RECORDED = "feed-not-recorded"
    FEED_FLOODING = "feed-flooding"
    NETWORK_AWAY = "network-away"
    PUSH_PAUSED = "push-paused"
    PUSH_REFUSING = "push-refusing"
    PUSH_NOT_ANSWERING = "push-not-answering"
    PUSH_LIMITED = "push-limited"
    CHUNKS_WAITING = "chunks-waiting"
    WORKER_SILENT = "worker-silent"
    BROKER_AWAY = "broker-away"
    KEY_MISSING = "key-missing"
    CONTACT_REFUSED = "contact-refused"
    BASE_URL_UNSET = "base-url-unset"
    PROXY_NOT_TRUSTED = "proxy-not-trusted"
    CLOCK_STEPPED = "clock-stepped"
    JOB_FAILING = "job-failing"
    JOB_LATE = "job-late"
    CONNECTIONS_FULL = "connections-full"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that a person has to know, or do.

    `subject` is the party (a feed's title, a push service), empty where there is only one; `what` is wrong, and what to
    `do`, each a sentence; `grave` where alerts are held up or lost to somebody while it lasts; `since` (aware UTC) and
    `count` are filled in here: when it was noticed first, and how often since.
    """

    code: Code
    what: str
    do: str
    subject: str = ""
    grave: bool = False
    since: datetime | None = None
    count: int = 1


def as_json(trouble: Trouble) -> dict[str, str | bool | int | None]:
    """A trouble as it is stored, and told to programs."""
    return {
        "code": trouble.code.value,
        "subject": trouble.subject,
        "what": trouble.what,
        "do": trouble.do,
        "grave": trouble.grave,
        "since": trouble.since.isoformat() if trouble.since else None,
        "count": trouble.count,
    }


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What one process of the service said last: who it is, when (aware UTC), and its troubles."""

    process: str
    role: str
    seen_at: datetime
    troubles: tuple[Trouble, ...] = ()


Source = Callable[[], Iterable[Trouble]]


class Troubles:
    """The troubles of one process. Any thread may report."""

    def __init__(self, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._reported: dict[tuple[Code, str], Trouble] = {}
        self._sources: list[Source] = []
        self._lock = Lock()

    def report(self, trouble: Trouble) -> None:
        """Note a trouble, or that it goes on: the newest words count, the first time stays."""
        key = (trouble.code, trouble.subject)
        with self._lock:
            before = self._reported.get(key)
            if before is None and sum(code is trouble.code for code, _ in self._reported) >= MOST_SUBJECTS:
                return
            since, count = (self._clock(), 1) if before is None else (before.since, before.count + 1)
            self._reported[key] = replace(trouble, since=since, count=count)
        if before is None:
            write = log.error if trouble.grave else log.warning
            write("trouble.began", code=trouble.code.value, subject=trouble.subject, what=trouble.what, do=trouble.do)

    def clear(self, code: Code, subject: str = "") -> None:
        """It is over. Nothing where it had not been reported."""
        with self._lock:
            over = self._reported.pop((code, subject), None)
        if over is not None:
            log.info("trouble.over", code=code.value, subject=subject, times=over.count)

    def watch(self, source: Source) -> None:
        """Ask `source` at each look. Where it raises, that is told as a trouble of its own."""
        self._sources.append(source)

    def all(self) -> list[Trouble]:
        """All that there are now, the grave ones first, then those that began first."""
        with self._lock:
            found = list(self._reported.values())
        for source in self._sources:
            found += _asked(source)
        now = self._clock()
        return sorted(found, key=lambda trouble: (not trouble.grave, trouble.since or now, trouble.code))


def _asked(source: Source) -> list[Trouble]:
    try:
        return list(source())
    except Exception as problem:  # noqa: BLE001 - a part that cannot be looked at must not hide the others
        name = getattr(source, "__qualname__", type(source).__name__)
        what = f"A part of the service cannot be looked at: {name} ({type(problem).__name__})"
        return [Trouble(Code.JOB_FAILING, what, "Look at the log; if the database is away, mend that first", name)]
