"""Audience: how many follow what, by browser and push service, over time; where and why others left. Never who.

Enters: counts by day. Leaves: charts with the table of the same figures under each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from notifier.subscribers.audience import AudienceKind, DayCount, DayEnds, day_of, largest
from notifier.web.console.access import Viewer
from notifier.web.console.charts import bars_a_day, lines_a_day
from notifier.web.console.page import page
from notifier.web.services import Operating, Services

router = APIRouter(prefix="/console", include_in_schema=False, max_body_size=4096)

SPANS = {30: "30 days", 90: "90 days", 365: "a year"}
MOST = 6
HEADINGS = {
    AudienceKind.ALL: "Everybody",
    AudienceKind.TOPIC: "By topic",
    AudienceKind.BROWSER: "By browser",
    AudienceKind.PUSH_SERVICE: "By push service",
}
STOPPED = "pressed “Stop all alerts”"
ENDS = {
    "stopped": STOPPED,
    "404": "the push service no longer knew the address",
    "410": "took the permission back, or the browser ended it",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its figures: `series` is {name: {day: count}}, the newest day first in `days`."""

    heading: str
    chart: Markup
    series: Mapping[str, Mapping[date, int]]
    days: Sequence[date]


@router.get("/audience")
def audience(
    request: Request,
    session: Viewer,
    operations: Operating,
    services: Services,
    days: Literal["30", "90", "365"] = "30",
) -> Response:
    """Counts of the last days, today's as of now."""
    now = services.clock()
    since = now - timedelta(days=int(days) - 1)
    today = operations.audience.today(now)
    counts = [*(one for one in operations.audience.days(since) if one.day != day_of(now)), *today]
    ends = operations.audience.ends(since)
    titles = {topic.slug: topic.title for topic in services.topics()}
    return page(
        request,
        "audience.html",
        session,
        here="audience",
        total=next((one.count for one in today if one.kind is AudienceKind.ALL), 0),
        gained=_gained(counts, sum(end.count for end in ends)),
        figures=[_figure(kind, counts, titles) for kind in AudienceKind],
        left=_left(ends, since, now),
        reasons=_reasons(ends),
        chosen=int(days),
        spans=SPANS,
    )


def _figure(kind: AudienceKind, counts: Iterable[DayCount], titles: Mapping[str, str]) -> Figure:
    series = largest((one for one in counts if one.kind is kind), MOST)
    if kind is AudienceKind.TOPIC:
        series = {titles.get(name, name): days for name, days in series.items()}
    elif kind is AudienceKind.ALL:
        series = {"Everybody": next(iter(series.values()))} if series else {}
    days = sorted({day for by_day in series.values() for day in by_day}, reverse=True)
    now = ", ".join(f"{name} {by_day.get(days[0], 0):,}" for name, by_day in series.items()) if days else "nobody yet"
    sentence = f"{HEADINGS[kind]}, {len(days)} day{'s' if len(days) != 1 else ''}. Now: {now}"
    return Figure(HEADINGS[kind], lines_a_day(series, sentence), series, days)


def _left(ends: Sequence[DayEnds], since: datetime, now: datetime) -> Figure:
    series: dict[str, Counter[date]] = {"Stopped it here": Counter(), "Ended by the browser": Counter()}
    for end in ends:
        series["Stopped it here" if end.reason == "stopped" else "Ended by the browser"][end.day] += end.count
    first, last = day_of(since), day_of(now)
    days = [last - timedelta(days=back) for back in range((last - first).days + 1)]
    filled = {name: {day: by_day[day] for day in days} for name, by_day in series.items()}
    total = {name: sum(by_day.values()) for name, by_day in series.items()}
    sentence = f"Who left, by day: {', '.join(f'{name} {count:,}' for name, count in total.items())}"
    shown = [day for day in days if any(by_day[day] for by_day in filled.values())]
    return Figure("Who left", bars_a_day(filled, sentence), filled, shown)


def _reasons(ends: Iterable[DayEnds]) -> Sequence[tuple[str, str, int]]:
    """(why, where, how many), the most first."""
    counted: Counter[tuple[str, str]] = Counter()
    for end in ends:
        counted[ENDS.get(end.reason.removeprefix("gone-"), end.reason), end.push_service] += end.count
    return [(why, where, count) for (why, where), count in counted.most_common()]


def _gained(counts: Sequence[DayCount], left: int) -> int | None:
    """How many came in these days; None where only today is known."""
    totals = sorted((one.day, one.count) for one in counts if one.kind is AudienceKind.ALL)
    return max(0, totals[-1][1] - totals[0][1] + left) if len(totals) > 1 else None
