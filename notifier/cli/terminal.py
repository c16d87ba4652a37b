"""How the commands speak: one console for answers, one for errors, and times as a person says them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import typer
from rich.console import Console
from rich.markup import escape

from notifier.config.settings import Settings, load_settings
from notifier.errors import NotifierError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def explained() -> Iterator[None]:
    """An expected failure becomes a sentence and exit code 2, without a traceback."""
    try:
        yield
    except NotifierError as problem:
        err.print("[bold red]Error[/]", escape(str(problem)), soft_wrap=True)
        raise typer.Exit(2) from problem


def settings() -> Settings:
    """The settings of this folder and environment, or the sentence that says what is wrong with them."""
    with explained():
        return load_settings()


def ago(then: datetime | None, now: datetime) -> str:
    """`3 min ago`; a dash for never."""
    return "–" if then is None else f"{span((now - then).total_seconds())} ago"


def ahead(then: datetime | None, now: datetime) -> str:
    """`in 40 s`, or `now`; a dash for never."""
    if then is None:
        return "–"
    left_s = (then - now).total_seconds()
    return "now" if left_s <= 0 else f"in {span(left_s)}"


def span(seconds: float) -> str:
    """A length of time in its largest sensible unit."""
    for least, unit in ((172_800, 86_400), (7_200, 3_600), (120, 60)):
        if seconds >= least:
            return f"{seconds / unit:.0f} {({86_400: 'days', 3_600: 'h', 60: 'min'})[unit]}"
    return f"{seconds:.0f} s"
