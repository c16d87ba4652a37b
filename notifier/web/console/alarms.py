"""What is wrong, and what to do about it: the figures of the System page in, sentences out. Pure.

An alarm names one thing that a person has to know or do. What mends itself says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.feeds.feed import FeedState
from notifier.feeds.health import FeedHealth
from notifier.push.pacing import Pace
from notifier.web.console.state import ChoreReport, SystemState
from notifier.web.services import Check

WAITED_TOO_LONG = timedelta(minutes=2)
LATE_TURNS = 5
FAILING_SHARE = 0.25
NAMED = 3
DEFAULT_CONTACT = "mailto:operator@localhost"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`what` is wrong, and what to `do`; `grave` where alerts are held up or lost to somebody while it lasts."""

    what: str
    do: str
    grave: bool = False


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """A push service in words: its `state` in one, what that means, and what helps. `well` where nothing does."""

    name: str
    state: str
    meaning: str
    help: str = ""
    well: bool = True


def alarms(
    state: SystemState,
    checks: Mapping[str, Check],
    complaints: Sequence[str],
    feeds: Sequence[FeedHealth],
    now: datetime,
    wall: datetime,
) -> list[Alarm]:
    """All of them, the grave ones first. `now` is the service's time, `wall` the real one, which chores keep."""
    found = [
        *(Alarm(f"{name}: {check.detail}", "Look at the log of the service", True) for name, check in _failed(checks)),
        *(
            Alarm(f"A file cannot be used: {said}", "The version before it is in force meanwhile")
            for said in complaints
        ),
        *_of_services(state, now),
        *_of_queue(state, now),
        *_of_chores(state.chores, wall),
        *_of_keys(state),
        *_of_feeds(feeds),
    ]
    return sorted(found, key=lambda alarm: not alarm.grave)


def service_reports(state: SystemState, now: datetime) -> list[ServiceReport]:
    """Every push service that this process has sent to or that refuses our key, those that are not well first."""
    refused = [
        ServiceReport(
            name,
            "paused",
            f"It refuses our key (401 or 403), so it is left alone until {until:%H:%M:%S} UTC. Nobody is lost",
            "Run `notifier check` on the server: the key file, or NOTIFIER_CONTACT, is not what it wants to see",
            False,
        )
        for name, until in state.paused.items()
    ]
    found = refused + [_paced(_host(origin), pace, now) for origin, pace in state.paces.items()]
    return sorted(found, key=lambda report: (report.well, report.name))


def _paced(name: str, pace: Pace, now: datetime) -> ServiceReport:
    if pace.is_open:
        until = f" It is tried again at {pace.rests_until:%H:%M:%S} UTC." if pace.rests_until else ""
        meaning = f"{pace.failures} batches in a row got no useful answer.{until} Alerts wait until their TTL ends"
        return ServiceReport(name, "circuit open", meaning, "Look at its status page, and at our network", False)
    if pace.per_minute is not None:
        meaning = f"Chrome judges this site disruptive: {pace.per_minute:,} messages a minute, breaking ones first"
        advice = "Send fewer alerts, offer finer topics, and ask for permission only where readers look for it"
        return ServiceReport(name, "limited", meaning, advice, False)
    if pace.rests_until is not None and pace.rests_until > now:
        meaning = f"It asked for time, until {pace.rests_until:%H:%M:%S} UTC. Alerts wait that long"
        return ServiceReport(name, "resting", meaning)
    speed = f", usually answering within {pace.usual_s * 1000:.0f} ms" if pace.usual_s else ""
    return ServiceReport(name, "well", f"Up to {pace.streams} pushes at a time{speed}")


def _host(origin: str) -> str:
    return origin.partition("://")[2] or origin


def _failed(checks: Mapping[str, Check]) -> Iterator[tuple[str, Check]]:
    return ((name, check) for name, check in checks.items() if not check.ok)


def _of_services(state: SystemState, now: datetime) -> Iterator[Alarm]:
    for report in service_reports(state, now):
        if not report.well:
            yield Alarm(f"{report.name}, {report.state}: {report.meaning}", report.help, True)


def _of_queue(state: SystemState, now: datetime) -> Iterator[Alarm]:
    since = state.queue.oldest_ready_at
    if since is not None and now - since > WAITED_TOO_LONG:
        minutes = int((now - since).total_seconds() // 60)
        ready = sum(state.queue.ready.values())
        do = "Is a worker running (`notifier run --role work`)? If it is, its log may say why, or it needs more threads"
        yield Alarm(f"{ready} chunks wait to be sent, the oldest for {minutes} minutes", do, True)
    if state.queue.overdue:
        silent = f"{state.queue.overdue} chunks are held by a worker that has gone silent"
        yield Alarm(silent, "Other workers take them over by themselves")


def _of_chores(chores: Sequence[ChoreReport], wall: datetime) -> Iterator[Alarm]:
    for chore in chores:
        if chore.failures:
            times = f" {chore.failures} times running" if chore.failures > 1 else ""
            yield Alarm(
                f"The chore “{chore.name}” failed{times} ({chore.error})",
                f"It is tried again every {span(chore.every_s)}; the log has the cause",
                chore.failures > 1,
            )
        elif chore.last_at is not None:
            late = wall - chore.last_at
            if late > timedelta(seconds=max(60.0, LATE_TURNS * chore.every_s)):
                what = f"The chore “{chore.name}” has not ended a run for {span(late.total_seconds())}"
                yield Alarm(what, "Something that it asks does not answer; the log may say what", True)


def _of_keys(state: SystemState) -> Iterator[Alarm]:
    if state.unknown_keys:
        lost = f"{state.unknown_keys:,} subscriptions are bound to a key that is not here: they get nothing"
        yield Alarm(
            lost, "Put the key’s file back into the keys folder from a backup, then start the service anew", True
        )
    if not state.public:
        yield Alarm(
            "Only this machine can subscribe: no https:// address is set",
            "Set NOTIFIER_BASE_URL once the site has its address (docs/operating.md, Going live)",
        )
    elif state.contact == DEFAULT_CONTACT:
        yield Alarm("Push services cannot reach you", "Set NOTIFIER_CONTACT to a mailto: or https: address of yours")


def _of_feeds(feeds: Sequence[FeedHealth]) -> Iterator[Alarm]:
    bad = [feed for feed in feeds if feed.state in (FeedState.FAILING, FeedState.RETIRED)]
    if bad:
        more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        names = ", ".join(feed.title for feed in bad[:NAMED]) + more
        many = len(bad) > NAMED and len(bad) >= FAILING_SHARE * len(feeds)
        ours = "So many at once: look at this machine’s network and DNS first"
        do = ours if many else "The Feeds page says of each what to do"
        yield Alarm(f"{len(bad)} of {len(feeds)} feeds fail: {names}", do, many)


def span(seconds: float) -> str:
    """A length of time in the unit that a person would choose: `15 s`, `3 min`, `2 h`, `4 days`."""
    for unit_s, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit_s or (seconds >= unit_s and name != "days"):
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
