"""`notifier alerts` and `stories`: what the service did, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.padding import Padding

from notifier.alerts.alert import Alert
from notifier.alerts.evidence_json import evidence_to_json
from notifier.alerts.evidence_words import line
from notifier.alerts.receipts import GOAL_S, Histogram, quantile_s, share_within
from notifier.cli.terminal import counted_from, opened, out
from notifier.text.spans import ago, span


def alerts(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first")] = 20,
    why: Annotated[bool, typer.Option("--why", help="Show how long it took, and the whole evidence as JSON")] = False,
) -> None:
    """Show recent alerts: what was sent, why, to how many, and what came of it."""
    from notifier.storage.alerts import SqlAlertStore
    from notifier.storage.receipts import SqlReceiptStore

    with opened() as (chosen, database):
        recent = SqlAlertStore(database).recent(limit)
        receipts = SqlReceiptStore(database)
        now = counted_from(chosen, (alert.decided_at for alert in recent))
        for alert in recent:
            _show(alert, now)
            if why:
                out.print(f"   when  {'; '.join(when(alert, receipts.times(alert.id)))}", soft_wrap=True)
                if told := receipts.receipts(alert.id):
                    words = ", ".join(
                        f"{kind} by about {count:,}" for kind, count in sorted(told.items(), reverse=True)
                    )
                    out.print(f"   seen  {words}, as browsers tell", soft_wrap=True)
                out.print_json(data=evidence_to_json(alert.why))
    if not recent:
        out.print("No alert yet. `notifier stories` says what became of each story.")


def _show(alert: Alert, now: datetime) -> None:
    mark = "[bold red]breaking[/] " if alert.breaking else ""
    out.print(f"[bold]#{alert.id}[/] {mark}{alert.kind.value}, {ago(alert.decided_at, now)}")
    out.print(f"   [bold]{escape(alert.message.title)}[/]  ({escape(alert.message.publisher)})", soft_wrap=True)
    out.print(f"   why   {escape(line(alert.why))}", soft_wrap=True)
    came = ", ".join(f"{n} {word}" for word, n in sorted(alert.counts.items()) if n) or "nothing yet"
    state = "done" if alert.done_at else "under way"
    out.print(f"   to    {alert.audience} subscribers of {', '.join(sorted(alert.topics))}: {came} ({state})")


def when(alert: Alert, times: Mapping[str, Histogram]) -> list[str]:
    """How long each stage took, as far as it is known."""
    parts = []
    if alert.published_at and alert.fetched_at:
        parts.append(f"fetched {span((alert.fetched_at - alert.published_at).total_seconds())} after publication")
    if alert.fetched_at:
        parts.append(f"decided {span((alert.decided_at - alert.fetched_at).total_seconds())} after that")
    for stage, histogram in times.items():
        half, most, within = quantile_s(histogram, 0.5), quantile_s(histogram, 0.9), share_within(histogram)
        if half is not None and most is not None and within is not None:
            parts.append(f"{stage}: half within {half:g} s, 90% within {most:g} s, {within:.0%} within {GOAL_S:g} s")
    return parts or ["nothing was timed"]


stories_app = typer.Typer(help="What became of each story; grouping by itself.", invoke_without_command=True)


@stories_app.callback()
def stories(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first")] = 20,
) -> None:
    """Show the stories that changed last, and why each was alerted or was not."""
    if context.invoked_subcommand is not None:
        return
    from notifier.storage.story_reports import SqlStoryReports

    with opened() as (chosen, database):
        recent = SqlStoryReports(database).stories(limit)
    if not recent:
        out.print("No story yet: `notifier feeds` says how the feeds are.")
        return
    now = counted_from(chosen, (story.updated_at for story in recent))
    for story in recent:
        words = story.verdict.words or line(story.verdict.evidence)
        out.print(f"[bold]#{story.id}[/] {escape(story.lead.title)}")
        who = f"{', '.join(story.publishers)}, {ago(story.updated_at, now)}"
        came = f"{story.verdict.code}: {words}; {who}"
        out.print(Padding(f"[dim]{escape(came)}[/]", (0, 0, 0, 3)))
