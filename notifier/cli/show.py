"""`notifier alerts` and `stories`: what the service did, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from notifier.cli.because import because
from notifier.cli.terminal import ago, explained, out, settings
from notifier.clock import system_clock


def alerts(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first")] = 20,
    why: Annotated[bool, typer.Option("--why", help="Show the whole evidence as JSON")] = False,
) -> None:
    """Show recent alerts: what was sent, why, to how many, and what came of it."""
    from notifier.storage.alerts import SqlAlertStore
    from notifier.wiring import open_database

    with explained():
        recent = SqlAlertStore(open_database(settings())).recent(limit)
    if not recent:
        out.print("No alert yet. `notifier stories` says what became of each story.")
        return
    now = system_clock()
    for alert in recent:
        mark = "[bold red]breaking[/] " if alert.breaking else ""
        out.print(f"[bold]#{alert.id}[/] {mark}{alert.kind.value}, {ago(alert.decided_at, now)}")
        out.print(f"   [bold]{escape(alert.message.title)}[/]  ({escape(alert.message.publisher)})", soft_wrap=True)
        out.print(f"   why   {escape(because(alert.why))}", soft_wrap=True)
        came = ", ".join(f"{n} {word}" for word, n in sorted(alert.counts.items()) if n) or "nothing yet"
        state = "done" if alert.done_at else "under way"
        out.print(f"   to    {alert.audience} subscribers of {', '.join(sorted(alert.topics))}: {came} ({state})")
        if why:
            out.print_json(data=dict(alert.why))


stories_app = typer.Typer(help="What became of each story; grouping by itself.", invoke_without_command=True)


@stories_app.callback()
def stories(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many, newest first")] = 20,
) -> None:
    """Show the stories that changed last, and why each was alerted or was not."""
    if context.invoked_subcommand is not None:
        return
    from notifier.storage.news import SqlNewsStore
    from notifier.wiring import open_database

    with explained():
        recent = SqlNewsStore(open_database(settings())).recent_stories(limit)
    table = Table(box=None, pad_edge=False)
    for name in ("Story", "Changed", "Headline", "Publishers", "What came of it"):
        table.add_column(name, overflow="fold")
    now = system_clock()
    for story in recent:
        verdict: Any = story.verdict
        words = verdict.get("words") or because(verdict.get("evidence", {}))
        table.add_row(
            str(story.id),
            ago(story.updated_at, now),
            escape(story.lead.title),
            escape(", ".join(story.publishers)),
            escape(f"{verdict.get('code', story.state)}: {words}"),
        )
    out.print(table if recent else "No story yet: `notifier feeds` says how the feeds are.")
