"""Puts the commands together. Each imports what it needs when it runs, so that `--help` answers at once."""

from __future__ import annotations

import typer

from notifier import __version__
from notifier.cli import check, db, feeds, operators, push, replay, run, show, stories, subscribers, topics
from notifier.config.modes import keep_to_ourselves

app = typer.Typer(
    name="notifier",
    help="Breaking-news alerts for the browser: feeds in, one notification a story out.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a traceback with locals would print endpoints and keys
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("keys")(check.keys)
app.command("alerts")(show.alerts)
app.command("test-push")(push.test_push)
app.command("replay")(replay.replay)
show.stories_app.command("group")(replay.group)
show.stories_app.command("show")(stories.show)
show.stories_app.command("explain")(stories.explain)
show.stories_app.command("split")(stories.split)
show.stories_app.command("merge")(stories.merge)
show.stories_app.command("undo")(stories.undo)
show.stories_app.command("rulings")(stories.rulings)
show.stories_app.command("labels")(stories.labels)
app.add_typer(show.stories_app, name="stories")
app.add_typer(feeds.app, name="feeds")
app.add_typer(db.app, name="db")
app.add_typer(push.app, name="push")
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(topics.app, name="topics")
app.add_typer(operators.app, name="operators")


@app.callback()
def begin() -> None:
    """Breaking-news alerts for the browser: feeds in, one notification a story out."""
    keep_to_ourselves()  # before any file is made


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
