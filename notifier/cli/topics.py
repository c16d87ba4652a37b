"""`notifier topics`: what the topics are, and what an expression would match."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text as Line

from notifier.cli.terminal import explained, out, settings

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
        table.add_row(topic.slug, topic.title, topic.mode.value, escape(" ".join(topic.match.split())) or "–")
    out.print(table)


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
    from notifier.topics.topic import Topic

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
