"""`notifier topics`: what the topics are, and what an expression would match."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text as Line

from notifier.cli.terminal import explained, opened, out, settings, whoever_types
from notifier.topics.topic import Topic, TopicMode

# Whoever waits at a terminal can press Ctrl-C; this is for one in a script.
BACKTEST_S, MOST_STEPS = 300.0, 10_000_000_000

app = typer.Typer(help="The topics that subscribers choose from, and their rules.", no_args_is_help=True)


@app.command("list")
def list_topics() -> None:
    """Show the topics in force, with their rules."""
    from notifier.config.files import load_topics

    with explained():
        topics = load_topics(settings().topics_path)
    table = Table(box=None, pad_edge=False)
    for name in ("Topic", "Title", "Mode", "Match"):
        table.add_column(name, overflow="fold")
    for topic in topics:
        table.add_row(topic.slug, topic.title, _mode(topic), escape(" ".join(topic.match.split())) or "–")
    out.print(table)


def _mode(topic: Topic) -> str:
    return f"held, then {topic.held.then} after {topic.held.written}" if topic.held else topic.mode.value


@app.command("test")
def test(
    expression: Annotated[str, typer.Argument(help='The rule, for example: nato AND (summit OR "article 5")')],
    text: Annotated[str, typer.Argument(help="A headline to try it on")],
    summary: Annotated[str, typer.Option(help="Its standfirst")] = "",
    source: Annotated[str, typer.Option(help="Its publisher, for source:")] = "",
    section: Annotated[str, typer.Option(help="Its section, for section:")] = "",
    language: Annotated[str, typer.Option(help="Its language: words are stemmed by it")] = "en",
) -> None:
    """Say whether a rule matches a headline, and by which words. Exit code 1 if it does not."""
    from notifier.topics.match import Text, TopicIndex

    with explained():
        index = TopicIndex([Topic(slug="tried", title="", description="", match=expression)])
    found = index.match(Text(text, summary, source, section, language))
    if not found:
        out.print(f"[bold]No match[/]  {escape(text)}")
        raise typer.Exit(1)
    line = Line(text)
    for word in found[0].words:
        if word.field == "title":
            line.stylize("bold reverse", word.start, word.end)
    out.print(Line.assemble(("Match", "bold green"), "  ", line))
    if found[0].words:
        out.print("       by " + escape(", ".join(dict.fromkeys(word.text for word in found[0].words))))


@app.command("backtest")
def backtest(
    expression: Annotated[str, typer.Argument(help="The rule to try")],
    days: Annotated[int, typer.Option(min=1, max=60, help="How far back")] = 14,
    mode: Annotated[TopicMode, typer.Option(help="As in topics.yaml")] = TopicMode.EVERY,
    budget: Annotated[int | None, typer.Option(min=0, help="daily_budget, as in topics.yaml")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Alerts to list")] = 30,
) -> None:
    """Show what a rule would have sent: the service's own decisions over what it has recorded."""
    from notifier.alerts.story_history import StoryHistory
    from notifier.operations.previews import Previews
    from notifier.operations.topics import RulePreviewer
    from notifier.storage.stories import SqlStoryStore
    from notifier.storage.story_history import SqlStoryHistory
    from notifier.stories.open_stories import WINDOW
    from notifier.wiring.parts import alert_rules, make_clock

    topic = Topic("tried", "Tried", "", expression, mode, budget)
    with opened() as (chosen, database):
        clock = make_clock(chosen)
        now = clock()
        since = now - timedelta(days=days)
        stored, alerts = SqlStoryHistory(database), SqlStoryStore(database).past_alerts(since - WINDOW)
        record = StoryHistory(stored.between(since - WINDOW, now), alerts, stored.overrides(since - WINDOW))
        previews = Previews(most_s=BACKTEST_S, most_steps=MOST_STEPS)
        tried = RulePreviewer(lambda: record, alert_rules(chosen), clock, previews).attempt(
            whoever_types(), topic, None, days
        )
        told = tried.after
    if not tried.items:
        out.print("Nothing is recorded yet: start the service with `notifier run`, and come back in an hour.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("When (UTC)", "Publisher", "Headline", "By"):
        table.add_column(name, overflow="fold")
    for would in told.alerts[:limit]:
        message = would.alert.message
        title = Line(message.title)
        for word in would.words:
            if word.field == "title":
                title.stylize("bold", word.start, word.end)
        by = dict.fromkeys([word.text for word in would.words] + list(would.others))
        table.add_row(f"{would.alert.decided_at:%d %b %H:%M}", escape(message.publisher), title, escape(", ".join(by)))
    out.print(table)
    most = max(told.per_day.values(), default=0)
    out.print(f"\n[bold]{len(told.alerts)} alerts[/] in {days} days: {told.rate_a_day:.1f} a day, at most {most}.")
    if len(told.alerts) > limit:
        out.print(f"The newest {limit} are listed; --limit {len(told.alerts)} shows them all.")
