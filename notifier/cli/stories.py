"""`notifier stories show | explain | split | merge | undo | rulings | labels`: an operator's override on stories."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.markup import escape
from rich.table import Table

from notifier.cli.terminal import opened, out, whoever_types

if TYPE_CHECKING:
    from notifier.operations.stories import StoryOperations

Item = Annotated[str, typer.Argument(help="An item's number or address (notifier stories show)")]
SOON = "A running service does it within a second or two; otherwise the next start does."


def show(story: Annotated[int, typer.Argument(help="A story's number (notifier stories)")]) -> None:
    """Show a story's items, and why each is in it."""
    with _stories() as stories:
        report, members = stories.book.story(story), stories.book.members(story)
    out.print(f"[bold]#{report.id}[/] {escape(report.lead.title)}")
    if not members:
        out.print(f"   {escape(report.verdict.words or 'It has no items any more.')}")
    for member in members:
        figures = member.evidence
        score = f", score {figures['score']:g} of {figures['merge_at']:g}" if "score" in figures else ""
        out.print(f"   [bold]{member.item.id}[/] {escape(member.item.title)}")
        out.print(f"      [dim]{escape(member.item.publisher)}, by {member.signal}{score}[/]")
        out.print(f"      [dim]{escape(member.item.url)}[/]", soft_wrap=True)
    for other in report.related:
        out.print(f"   possibly related: [bold]#{other.id}[/] {escape(other.title)}")


def explain(
    one: Item,
    other: Item,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object")] = False,
) -> None:
    """Say why two items are one story or are not: every layer with its figures and its line."""
    with _stories() as stories:
        found = stories.explain(one, other)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(found.as_json(), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2))
        return
    for item in (found.older, found.newer):
        out.print(f"[bold]{item.id}[/] {escape(item.title)}  [dim]{escape(item.publisher)}[/]")
    out.print(f"[bold]{escape(found.sentence)}[/]\n")
    table = Table(box=None, pad_edge=False)
    for name, width in (("Layer", 17), ("Found", 30), ("Line", 18), ("Says", 8)):
        table.add_column(name, overflow="fold", min_width=min(width, 8), max_width=max(width, out.width * width // 80))
    for row in found.rows:
        style = {"same": "green", "apart": "red", "possibly": "yellow"}.get(row.says, "")
        says = f"[{style}]{row.says}[/]" if style else "–"
        table.add_row(row.layer, escape(row.found), row.line or "–", says)
    out.print(table)


def split(item: Item) -> None:
    """Take an item out of its story into one of its own, for good."""
    with _stories() as stories:
        act, _ = stories.split(whoever_types(), item)
    out.print(f"Ruling {act}: it tells another event. {SOON} To undo it: notifier stories undo {act}")


def merge(
    story: Annotated[int, typer.Argument(help="A story's number")],
    other: Annotated[int, typer.Argument(help="The story that tells the same event")],
) -> None:
    """Make two stories one, for good."""
    with _stories() as stories:
        act = stories.merge(whoever_types(), story, other)
    out.print(f"Ruling {act}: they tell one event. {SOON} To undo it: notifier stories undo {act}")


def undo(ruling: Annotated[int, typer.Argument(help="Its number (notifier stories rulings)")]) -> None:
    """Take a split or a merge back."""
    with _stories() as stories:
        stories.undo(whoever_types(), ruling)
    out.print(f"Ruling {ruling} is undone. {SOON}")


def rulings(limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many")] = 20) -> None:
    """List what was split and merged, newest first."""
    with _stories() as stories:
        found = stories.book.rulings(limit)
    if not found:
        out.print("Nothing was split or merged yet: notifier stories split ITEM, merge STORY STORY.")
    for one in found:
        what, joint = ("merged", "with") if one.same else ("split", "from")
        back = f", undone by {one.undone_by}" if one.undone_at else ""
        out.print(f"[bold]{one.act}[/] {what}: {escape(one.leads[0])}")
        more = f" and {one.pairs - 1} more" if one.pairs > 1 else ""
        out.print(f"   {joint} {escape(one.leads[1])}{more}")
        out.print(f"   [dim]{escape(one.by)}, {one.at:%Y-%m-%d %H:%M} UTC{escape(back)}[/]")


def labels() -> None:
    """Print what was ruled as labelled JSON lines: two items a ruling, of one story or of two."""
    from notifier.storage.story_reports import SqlStoryReports

    with opened() as (_, database):
        for line in SqlStoryReports(database).labels():
            sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def _stories() -> Iterator[StoryOperations]:
    """Stories over the database, until the block ends; failures are told in a sentence."""
    from notifier.wiring.operations import story_operations

    with opened() as (_, database):
        yield story_operations(database)
