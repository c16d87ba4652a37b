"""`notifier db`: move everything to another database."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.terminal import err, explained, out, settings

if TYPE_CHECKING:
    from notifier.config.settings import Settings
    from notifier.storage.database import Database

app = typer.Typer(help="The database: move it.", no_args_is_help=True)


@app.command("move")
def move(
    to: Annotated[str, typer.Option("--to", help="The new database: an SQLAlchemy URL, SQLite or PostgreSQL")],
    anew: Annotated[
        bool, typer.Option("--anew", help="Throw away what a move that did not end left there, and begin again")
    ] = False,
) -> None:
    """Copy everything to an empty database and compare it. Stop the service first.

    It can be interrupted at any time: run it again, and it goes on where it was.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from notifier.clock import system_clock
    from notifier.storage.move import DatabaseMove, Step
    from notifier.wiring.parts import in_words

    chosen = settings()
    columns = [TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    progress = Progress(*columns, console=err)
    bars = {doing: progress.add_task("", total=None, visible=False) for doing in ("copied", "compared")}

    def tell(step: Step) -> None:
        words = f"{step.table}: {step.doing}"
        progress.update(
            bars[step.doing], description=words, completed=step.done, total=step.total, visible=step.total > 0
        )

    with (
        explained(),
        _alone(chosen),
        _source(chosen) as source,
        in_words(_with(chosen, to)),
        closing(_target(to)) as target,
        progress,
    ):
        moved = DatabaseMove(source, target, tell).run(system_clock(), anew=anew)
    out.print(f"[bold]Moved and compared:[/] {sum(moved.values()):,} rows of {len(moved)} tables.")
    out.print("Now set NOTIFIER_DATABASE_URL to the new address, then start the service. Keep data/keys as it is,")
    out.print("and keep the old database until you have seen an alert go out; nothing in it was changed.")
    out.print("Pushes are sealed ahead anew, in the first quiet minutes.", soft_wrap=True)


def _alone(chosen: Settings) -> AbstractContextManager[None]:
    """No service on the SQLite database meanwhile. Raises ConfigError, on entering, where one runs."""
    from notifier.storage.run_lock import sole_service

    file = chosen.database_file
    return nullcontext() if file is None or not file.exists() else sole_service(file)


def _source(chosen: Settings) -> AbstractContextManager[Database]:
    """The database in use, at this version's schema. Raises ConfigError where there is none."""
    from sqlalchemy import make_url

    from notifier.errors import ConfigError
    from notifier.wiring.parts import in_words, opened_database

    with in_words(chosen):
        url = make_url(chosen.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise ConfigError("there is no database to move", fix="Look at NOTIFIER_DATA_DIR and NOTIFIER_DATABASE_URL")
    return opened_database(chosen)


def _target(to: str) -> Database:
    """The database to move to; a new file is for its owner's eyes only."""
    from sqlalchemy import make_url

    from notifier.storage.database import Database

    url = make_url(to)
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    return Database(to)


def _with(chosen: Settings, to: str) -> Settings:
    """The settings as they will be, so that what goes wrong over there names that database."""
    return chosen.model_copy(update={"database_url": to})
