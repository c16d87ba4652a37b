"""What is wrong with the service, and what to do about it: its figures enter, troubles leave. Pure.

A trouble names one thing that a person has to know or do; what mends itself says so. What a part notices by itself (a
feed that cannot be recorded, a rule that fails) it reports where it happens; this is for what shows only in the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from notifier.feeds.feed import HealthStatus
from notifier.feeds.health import FeedHealth
from notifier.operations.service_reports import service_reports
from notifier.operations.system import JobReport, SystemState
from notifier.push.contact import contact_problem
from notifier.text.spans import span
from notifier.troubles import Code, Trouble
from notifier.web.services import Check

WAITED_TOO_LONG = timedelta(minutes=2)
LATE_TURNS = 5
LATE_AT_LEAST_S = 60.0
FAILING_SHARE = 0.25
NAMED = 3

_SERVICE_CODES = {"paused": Code.PUSH_PAUSED, "circuit open": Code.PUSH_NOT_ANSWERING, "limited": Code.PUSH_LIMITED}


def troubles_of(
    state: SystemState, complaints: Mapping[str, str], feeds: Sequence[FeedHealth], now: datetime, wall: datetime
) -> list[Trouble]:
    """What shows in one look at the whole. `now` is the service's time, `wall` the real one, which jobs keep.

    `complaints` are {file: why it cannot be used}.
    """
    return [
        *(_of_file(name, said) for name, said in complaints.items()),
        *_of_services(state, now),
        *_of_queue(state, now),
        *_of_jobs(state.jobs, wall),
        *_of_keys(state),
        *of_settings(state.contact, public=state.public),
        *_of_feeds(feeds),
    ]


def of_settings(contact: str, *, public: bool) -> Iterator[Trouble]:
    """What the settings alone say; `public`: an https address is set."""
    if not public:
        yield Trouble(
            Code.BASE_URL_UNSET,
            "Only this machine can subscribe: no https:// address is set",
            "Set NOTIFIER_BASE_URL once the site has its address (docs/operating.md, Going live)",
        )
    problem = contact_problem(contact)
    if problem is not None:
        yield Trouble(
            Code.CONTACT_REFUSED,
            f"Push services cannot reach you by NOTIFIER_CONTACT: {problem}",
            "Set NOTIFIER_CONTACT to a mailto: or https: address of yours; Apple refuses every push without one",
            grave=public,
        )


def of_checks(checks: Mapping[str, Check]) -> list[Trouble]:
    """The checks of /readyz that are not well: while one is, this process cannot answer as it should."""
    return [
        Trouble(
            Code.DATABASE_AWAY,
            f"The {name} {check.detail}",
            "Start it or mend the way to it; what was accepted is kept, and work goes on by itself",
            grave=True,
        )
        for name, check in checks.items()
        if not check.ok
    ]


def merged(lists: Iterable[Iterable[Trouble]]) -> list[Trouble]:
    """One list of what several processes tell: each trouble once, as whoever comes first tells it; grave ones first."""
    found: dict[tuple[Code, str], Trouble] = {}
    for trouble in (trouble for troubles in lists for trouble in troubles):
        found.setdefault((trouble.code, trouble.subject), trouble)
    return sorted(found.values(), key=lambda trouble: not trouble.grave)


def _of_file(name: str, said: str) -> Trouble:
    what = f"A file cannot be used: {said}"
    return Trouble(Code.CONFIG_BROKEN, what, "The version before it is in force; mend the line that it names", name)


def _of_services(state: SystemState, now: datetime) -> Iterator[Trouble]:
    for report in service_reports(state, now):
        if not report.well:
            what = f"{report.name}, {report.state}: {report.meaning}"
            code = _SERVICE_CODES.get(report.state, Code.PUSH_NOT_ANSWERING)
            yield Trouble(code, what, report.help, report.name, grave=True)


def _of_queue(state: SystemState, now: datetime) -> Iterator[Trouble]:
    since = state.queue.oldest_ready_at
    if since is not None and now - since > WAITED_TOO_LONG:
        ready = sum(state.queue.ready.values())
        do = "Is a worker running (`notifier run --role work`)? If it is, its log may say why, or it needs more threads"
        what = f"{ready} chunks wait to be sent, the oldest for {span((now - since).total_seconds())}"
        yield Trouble(Code.CHUNKS_WAITING, what, do, grave=True)
    if state.queue.overdue:
        silent = f"{state.queue.overdue} chunks are held by a worker that has gone silent"
        yield Trouble(Code.WORKER_SILENT, silent, "Other workers take them over by themselves")


def _of_jobs(jobs: Sequence[JobReport], wall: datetime) -> Iterator[Trouble]:
    for job in jobs:
        if job.failures:
            times = f" {job.failures} times running" if job.failures > 1 else ""
            yield Trouble(
                Code.JOB_FAILING,
                f"The job “{job.name}” failed{times} ({job.error})",
                f"It is tried again every {span(job.every_s)}; the log has the cause",
                job.name,
                grave=job.failures > 1,
            )
        elif job.last_at is not None:
            late = wall - job.last_at
            if late > timedelta(seconds=max(LATE_AT_LEAST_S, LATE_TURNS * job.every_s)):
                what = f"The job “{job.name}” has not ended a run for {span(late.total_seconds())}"
                do = "Something that it asks does not answer; the log may say what"
                yield Trouble(Code.JOB_LATE, what, do, job.name, grave=True)


def _of_keys(state: SystemState) -> Iterator[Trouble]:
    if state.unknown_keys:
        lost = f"{state.unknown_keys:,} subscriptions are bound to a key that is not here: they get nothing"
        do = "Put the key’s file back into the keys folder from a backup, then start the service anew"
        yield Trouble(Code.KEY_MISSING, lost, do, grave=True)


def _of_feeds(feeds: Sequence[FeedHealth]) -> Iterator[Trouble]:
    bad = [feed for feed in feeds if feed.state in (HealthStatus.FAILING, HealthStatus.RETIRED)]
    if bad:
        more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
        names = ", ".join(feed.title for feed in bad[:NAMED]) + more
        many = len(bad) > NAMED and len(bad) >= FAILING_SHARE * len(feeds)
        ours = "So many at once: look at this machine’s network and DNS first"
        do = ours if many else "The Feeds page says of each what to do"
        yield Trouble(Code.FEED_FAILING, f"{len(bad)} of {len(feeds)} feeds fail: {names}", do, grave=many)
