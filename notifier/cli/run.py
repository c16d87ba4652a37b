"""`notifier run`: the service in the foreground, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
from typing import Annotated

import typer

from notifier.cli.terminal import err, explained, settings
from notifier.engine.engine import ProcessRole


def run(
    role: Annotated[
        ProcessRole, typer.Option(help="What this process does: serve the pages, poll and decide, push, or all of it")
    ] = ProcessRole.ALL,
) -> None:
    """Start the service: poll, decide, push, and serve the pages. Ctrl-C stops it cleanly.

    With PostgreSQL any number of processes of each role may run; every one answers /healthz and /metrics.
    """
    import uvloop

    from notifier.telemetry import set_up_logging
    from notifier.wiring.serve import serve

    chosen = settings()
    set_up_logging(json=chosen.log_format == "json", level=chosen.log_level)
    collect_seldom()
    with explained():
        try:
            uvloop.run(serve(chosen, lambda where, facts: err.print(_welcome(where, facts), soft_wrap=True), role))
        except (KeyboardInterrupt, asyncio.CancelledError):
            err.print("Stopped.")


def collect_seldom() -> None:
    """Let the garbage collector leave alone what was loaded, and look at the rest less often.

    Polls make many short-lived objects and hardly a cycle: by default a fifth of the CPU of a poll goes into looking
    for them (measured with benchmarks/poll.py).
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _welcome(where: str, facts: dict[str, str]) -> str:
    lines = [f"[bold]Notifier is running.[/] Open [bold cyan]{where}[/] and press “Get alerts”."]
    lines += [f"  {name:9} {text}" for name, text in facts.items()]
    lines.append("  Stop with Ctrl-C.")
    return "\n".join(lines)
