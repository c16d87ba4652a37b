"""`notifier feeds`: how each feed is, what a site offers, and lists from and for other readers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from notifier.cli.terminal import counted_from, explained, opened, out, settings, whoever_types
from notifier.clock import system_clock
from notifier.text.spans import ago, ahead, span

if TYPE_CHECKING:
    from notifier.config.settings import Settings
    from notifier.feeds.discovery import DiscoveredFeed

app = typer.Typer(help="How each feed is; what a site offers; OPML in and out.", invoke_without_command=True)

STATE_STYLE = {"ok": "green", "new": "cyan", "quiet": "yellow", "failing": "bold red", "retired": "dim"}
PREVIEW = 5


@app.callback()
def feeds(context: typer.Context) -> None:
    """Show each feed's health, those that need attention first."""
    if context.invoked_subcommand is not None:
        return
    from notifier.feeds.health import health_table
    from notifier.storage.feeds import SqlFeedStore
    from notifier.wiring.parts import feed_rules

    with opened() as (chosen, database):
        store = SqlFeedStore(database)
        now = counted_from(chosen, (one.feed.poll_state.last_success_at for one in store.facts(system_clock())))
        health = health_table(store.facts(now), now, feed_rules(chosen).cadence)
    if not health:
        out.print("No feed yet: start the service with `notifier run`, it reads config/feeds.yaml.")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("Feed", overflow="fold")
    for name in ("State", "Success", "Change", "Gap", "Next poll"):
        table.add_column(name, no_wrap=True)
    for feed in health:
        style = STATE_STYLE.get(feed.state.value, "")
        table.add_row(
            escape(feed.title),
            f"[{style}]{feed.state.value}[/]",
            ago(feed.last_success_at, now),
            ago(feed.last_change_at, now),
            "–" if feed.usual_gap_s is None else span(feed.usual_gap_s),
            ahead(feed.next_poll_at, now),
        )
    out.print(table)
    for feed in health:
        for words in [*filter(None, [feed.error]), *feed.notes]:
            out.print(f"[bold]{escape(feed.title)}[/]: {escape(words)}", soft_wrap=True)
    out.print("\nHow often each is asked, and why:")
    for feed in health:
        out.print(f"[dim]{escape(feed.title)}: {escape(feed.pace)}[/]", soft_wrap=True)


@app.command("find")
def find(url: Annotated[str, typer.Argument(help="A site's page, or a feed")]) -> None:
    """Find the feeds that a page names, and show what the first of them has now."""
    with explained(), out.status(f"Asking {escape(url)} …"):
        found = asyncio.run(_find(settings(), url))
    for offer in found:
        out.print(f"[bold]{escape(offer.title)}[/]  {escape(offer.url)}", soft_wrap=True)
        if offer.problem:
            out.print(f"    [red]{escape(offer.problem)}[/]", soft_wrap=True)
        for item in offer.items[:PREVIEW]:
            out.print(f"    {escape(item.title)}", soft_wrap=True)
    first = found[0]
    entry = f"  - url: {first.url}\n    publisher: {first.publisher}\n    section: {first.section}"
    out.print(f"\nFor config/feeds.yaml:\n\n{escape(entry)}", soft_wrap=True)


@app.command("export")
def export() -> None:
    """Write the feeds of config/feeds.yaml as OPML, for another reader."""
    from notifier.config.files import load_feeds
    from notifier.feeds.opml import to_opml

    chosen = settings()
    with explained():
        typer.echo(to_opml(load_feeds(chosen.feeds_path), chosen.title))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An OPML file", exists=True, dir_okay=False)],
) -> None:
    """Add the feeds of another reader's OPML file to config/feeds.yaml; what is there already stays as it is."""
    from notifier.wiring.operations import feed_operations

    with opened() as (chosen, database):
        came = feed_operations(chosen, database).bring(whoever_types(), file.read_bytes())
    out.print(f"{len(came.added)} feeds added to {chosen.feeds_path}, {came.known} were there already.")


async def _find(chosen: Settings, url: str) -> list[DiscoveredFeed]:
    from notifier.config.files import load_feeds
    from notifier.feeds.discovery import FeedDiscovery
    from notifier.feeds.fetch import Fetcher
    from notifier.feeds.workers import Reader, ReaderSettings
    from notifier.wiring.parts import fetch_settings

    followed = load_feeds(chosen.feeds_path) if chosen.feeds_path.exists() else ()
    async with Fetcher(fetch_settings(chosen)) as fetcher, Reader(ReaderSettings()) as reader:
        return await FeedDiscovery(fetcher, reader).look(url, followed)
