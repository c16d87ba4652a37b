"""How the commands speak: one console for answers, one for errors, and times as a person says them."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape

from notifier.clock import system_clock
from notifier.config.settings import Settings, load_settings
from notifier.errors import ConfigError, DatabaseUnwell, NotifierError
from notifier.operations.actor import Actor

if TYPE_CHECKING:
    from notifier.storage.database import Database

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def explained() -> Iterator[None]:
    """An expected failure becomes a sentence and exit code 2, without a traceback."""
    try:
        with outside_in_words():
            yield
    except NotifierError as problem:
        err.print("[bold red]Error[/]", escape(str(problem)), soft_wrap=True)
        raise typer.Exit(2) from problem


@contextmanager
def outside_in_words() -> Iterator[None]:
    """What a disk or a database refuses becomes a ConfigError; what was asked of it stays out of the words."""
    try:
        yield
    except DatabaseUnwell as unwell:
        fix = "Look at NOTIFIER_DATABASE_URL; does the server answer, can the disk be written?"
        raise ConfigError(f"the database gave up: {unwell.cause}", fix=fix) from unwell
    except NotifierError:
        raise  # some are OSErrors as well
    except OSError as refused:
        path = Path(refused.filename) if isinstance(refused.filename, str) else None
        fix = "Look at NOTIFIER_DATA_DIR and NOTIFIER_CONFIG_DIR, and who may read and write there"
        raise ConfigError(refused.strerror or type(refused).__name__, fix=fix, path=path) from refused
    except Exception as refused:
        if not _is_of_a_database(refused):
            raise
        cause = str(getattr(refused, "orig", None) or type(refused).__name__).splitlines()[0][:200]
        fix = "Look at NOTIFIER_DATABASE_URL; does the server answer?"
        raise ConfigError(f"the database gave up: {cause}", fix=fix) from refused


def _is_of_a_database(problem: Exception) -> bool:
    from sqlalchemy.exc import SQLAlchemyError  # here, so that `--help` need not load it

    return isinstance(problem, SQLAlchemyError)


def settings() -> Settings:
    """The settings of this folder and environment, or the sentence that says what is wrong with them."""
    with explained():
        return load_settings()


def whoever_types() -> Actor:
    """Who acts at this terminal: whoever may read the files and the database may do everything."""
    try:
        return Actor(f"{getpass.getuser()} (command line)"[:64])
    except (KeyError, OSError):  # a container's user may have no name
        return Actor("command line")


@contextmanager
def opened() -> Iterator[tuple[Settings, Database]]:
    """This folder's settings and its database, which is closed after the block; failures are told as by `explained`."""
    from notifier.wiring.parts import opened_database

    with explained():
        chosen = load_settings()
        with opened_database(chosen) as database:
            yield chosen, database


def counted_from(chosen: Settings, times: Iterable[datetime | None]) -> datetime:
    """The time that `ago` counts from: now. In a rehearsal, whose clock only the service has, the newest of `times`."""
    newest = max(filter(None, times), default=None)
    if not chosen.rehearsal or newest is None:
        return system_clock()
    out.print(f"[dim]A rehearsal: times are counted from the newest, {newest:%Y-%m-%d %H:%M} UTC.[/]")
    return newest
