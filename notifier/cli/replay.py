"""`notifier replay` and `notifier stories group`: recorded news through the real deciders, by the recording's clock."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from notifier.alerts.evidence_words import line
from notifier.cli.terminal import err, explained, out, settings
from notifier.errors import ConfigError

if TYPE_CHECKING:
    from notifier.alerts.alert import NewAlert
    from notifier.alerts.decider import Decider
    from notifier.replay import Decision


def replay(
    recording: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, plain or gzipped")],
    topic: Annotated[str, typer.Option(help="The topic that the imagined subscriber follows")] = "world",
    speed: Annotated[str, typer.Option(help="Recorded seconds a second, or max")] = "max",
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON for each alert, and nothing else")] = False,
) -> None:
    """Show what a recording would have alerted, and why. Nothing is fetched, stored or pushed."""
    from notifier.config.files import load_topics
    from notifier.wiring.parts import make_decider

    chosen = settings()
    with explained():
        topics = load_topics(chosen.topics_path)
        if topic not in {known.slug for known in topics}:
            raise ConfigError(f"there is no topic {topic}", fix=f"Known: {', '.join(t.slug for t in topics)}")
        pace = _pace(speed)
        sent: list[NewAlert] = []
        last: datetime | None = None
        days = 0.0
        for at, decisions, since_s in _timed(recording, make_decider(topics, chosen)):
            if pace and last is not None:
                time.sleep((at - last).total_seconds() / pace)
            last, days = at, since_s / 86_400
            for decision in decisions:
                if (alert := decision.alert) is not None and topic in alert.topics:
                    sent.append(alert)
                    _show(decision, alert, as_json=as_json)
    if not as_json:
        _summary(sent, days)


def group() -> None:
    """Group JSON lines (title, summary, source, link, t) from standard input into stories: one cluster a line."""
    from notifier.replay import group_stream

    with explained():
        clusters = list(group_stream([_object(line, n) for n, line in enumerate(sys.stdin.buffer, 1) if line.strip()]))
    for cluster in clusters:
        sys.stdout.buffer.write(orjson.dumps(cluster, option=orjson.OPT_APPEND_NEWLINE))


def _object(line: bytes, number: int) -> dict[str, Any]:
    """A line as an object. Raises ConfigError."""
    try:
        found = orjson.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        fix = "Write one JSON object a line: title, summary, source, link, t"
        raise ConfigError("standard input has a line that is no item", fix=fix, line=number)
    return found


def _timed(recording: Path, decider: Decider) -> Iterator[tuple[datetime, list[Decision], float]]:
    """Each poll of the recording with its decisions and the seconds since the first, under a progress bar."""
    from notifier.replay import read_recording
    from notifier.replay import replay as replayed

    lines = list(read_recording(recording))
    share = TextColumn("{task.percentage:.0f}%")
    columns = (TextColumn("{task.description}"), BarColumn(), share, TimeRemainingColumn())
    first: datetime | None = None
    began, ends = (int(lines[0]["first_seen"]), int(lines[-1]["first_seen"])) if lines else (0, 0)
    with Progress(*columns, console=err, transient=True) as progress:
        bar = progress.add_task("Replaying", total=max(1, ends - began))
        for at, decisions in replayed(lines, decider):
            first = first or at
            progress.update(bar, completed=at.timestamp() - began)
            yield at, list(decisions), (at - first).total_seconds()


def _show(decision: Decision, alert: NewAlert, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(decision.as_json(), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()
        return
    mark = "[bold red]breaking[/] " if alert.breaking else ""
    what = f"{mark}{alert.kind.value}  [bold]{escape(alert.message.title)}[/]"
    out.print(f"{decision.at:%Y-%m-%d %H:%M}  {what}", soft_wrap=True)
    out.print(f"                  {escape(line(alert.why))}", soft_wrap=True)


def _summary(sent: list[NewAlert], days: float) -> None:
    kinds = Counter(alert.kind.value for alert in sent)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "none"
    rate = f", {kinds['new'] / days:.1f} new a day" if days else ""
    out.print(f"\n{len(sent)} alerts in {days:.1f} days: {told}{rate}")


def _pace(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = 0.0
    if pace <= 0:
        raise ConfigError(f"{speed!r} is no speed", fix="Write max, or how many recorded seconds pass in one")
    return pace
