"""`notifier subscribers`: bring subscribers along from another provider, or take them elsewhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from notifier.cli.terminal import err, opened, out
from notifier.errors import SubscriptionInvalid

if TYPE_CHECKING:
    from notifier.subscribers.exchange import Read, Row
    from notifier.subscribers.subscriber import NewSubscription

app = typer.Typer(help="Move subscribers in and out, as CSV or JSON lines.", no_args_is_help=True)

# Hashes of endpoints come in no order: each transaction writes nearly every page of their index, so there are few.
BATCH = 50_000
NAMED_LINES = 10

Format = Annotated[str, typer.Option("--format", help="csv or jsonl; from the file's name if left out")]


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV with a line of column names, or JSON lines", exists=True, dir_okay=False)
    ],
    topics: Annotated[str, typer.Option(help="Topics for rows without their own, separated by commas")] = "",
    vapid_key: Annotated[
        Path | None, typer.Option(help="The private key that these were made with: PEM, or base64url as others keep it")
    ] = None,
    format_: Format = "",
) -> None:
    """Add subscriptions made elsewhere. Whoever is here already stays as they are, so that it can be repeated."""
    from concurrent.futures import ThreadPoolExecutor
    from io import TextIOWrapper
    from itertools import islice

    from rich.progress import Progress

    from notifier.clock import system_clock
    from notifier.config.settings import listed
    from notifier.push.adopt import adopt_key
    from notifier.storage.transfer import SqlTransfer
    from notifier.subscribers.endpoint import EndpointPolicy
    from notifier.subscribers.exchange import csv_rows, json_rows, pieces, reader
    from notifier.wiring.parts import vapid_key as own_key

    wrong: dict[str, list[int]] = {}
    added = read = 0
    is_csv = _is_csv(file, format_)
    with opened() as (chosen, database), _refused_whole(file):
        transfer = SqlTransfer(database)
        key_id = (adopt_key(vapid_key, chosen.vapid_key_path.parent) if vapid_key else own_key(chosen)).key_id
        understand = reader(EndpointPolicy(listed(chosen.push_allow)), key_id, frozenset(listed(topics)))
        with (
            file.open("rb") as raw,
            TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="") as lines,
            Progress(console=err) as progress,
            ThreadPoolExecutor(1) as writer,
        ):
            stored = writer.submit(int)  # what is stored while the next rows are read
            bar = progress.add_task("Importing", total=file.stat().st_size)
            rows = iter(csv_rows(pieces(lines)) if is_csv else json_rows(pieces(lines)))
            while page := list(islice(rows, BATCH)):
                batch = _understood(page, understand, wrong)
                added += stored.result()
                stored = writer.submit(transfer.add, batch, system_clock())
                read += len(page)
                progress.update(bar, completed=raw.tell())
            added += stored.result()
    refused = sum(map(len, wrong.values()))
    out.print(f"{added} of {read} added, {read - added - refused} were here already, {refused} refused.")
    for reason, lines_of in sorted(wrong.items(), key=lambda reason: -len(reason[1])):
        out.print(f"  {len(lines_of)}: {reason} ({_named(lines_of)})", soft_wrap=True)
    if wrong:
        raise typer.Exit(1)


def _understood(page: Iterable[Row], understand: Read, wrong: dict[str, list[int]]) -> list[NewSubscription]:
    """The subscriptions of so many rows; the numbers of the lines that are none are added to `wrong`, by reason."""
    found = []
    for line, row in page:
        try:
            found.append(understand(row))
        except SubscriptionInvalid as problem:
            wrong.setdefault(str(problem), []).append(line)
    return found


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to: made with mode 0600, as it holds every endpoint and key")],
    format_: Format = "",
) -> None:
    """Write all subscriptions to a file. The private key that they need is in the data folder's keys."""
    import os

    from rich.progress import track

    from notifier.storage.transfer import SqlTransfer
    from notifier.subscribers.exchange import COLUMNS, to_row

    with opened() as (_, database):
        transfer = SqlTransfer(database)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as lines:
            table = csv.DictWriter(lines, COLUMNS) if _is_csv(file, format_) else None
            if table is not None:
                table.writeheader()
            for subscription in track(transfer.every(), "Exporting", transfer.count(), console=err):
                row = to_row(subscription)
                if table is not None:
                    table.writerow({**row, "topics": " ".join(row["topics"])})
                else:
                    lines.write(json.dumps(row) + "\n")


@contextmanager
def _refused_whole(file: Path) -> Iterator[None]:
    """A file of which nothing can be used is told in one line."""

    try:
        yield
    except SubscriptionInvalid as refused:
        err.print("[bold red]Error[/]", escape(f"{file}: {refused}"), soft_wrap=True)
        raise typer.Exit(1) from refused


def _named(lines: list[int]) -> str:
    """Which lines of the file, as far as anybody reads on."""
    shown = ", ".join(map(str, lines[:NAMED_LINES]))
    return f"line {shown}" if len(lines) == 1 else f"lines {shown}" + (" …" if len(lines) > NAMED_LINES else "")


def _is_csv(file: Path, format_: str) -> bool:
    word = format_ or file.suffix.removeprefix(".").lower()
    if word in {"csv", "jsonl", "ndjson", "json"}:
        return word == "csv"
    raise typer.BadParameter("say --format csv or --format jsonl")
