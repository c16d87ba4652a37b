"""`notifier test-push`: one test alert, the whole way to a browser, and what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from notifier.cli.terminal import explained, out, settings
from notifier.errors import NotFound


def test_push(
    number: Annotated[
        int | None,
        typer.Argument(min=1, max=2**62, help="Its number; the newest subscription if left out", show_default=False),
    ] = None,
) -> None:
    """Push a test alert to one browser, the one that subscribed last unless you name another."""
    from notifier.storage.subscriptions import SqlSubscriptionStore
    from notifier.wiring.parts import make_trial, open_database, vapid_key

    chosen = settings()
    with explained():
        subscription = SqlSubscriptionStore(open_database(chosen)).newest(number)
        if subscription is None:
            raise NotFound("nobody has subscribed yet; open the page and press “Get alerts”")
        trial = make_trial(chosen, [vapid_key(chosen)])
        with out.status(f"Pushing to subscription {subscription.id} at {subscription.push_service} …"):
            came = trial.send(subscription)
        trial.close()
    out.print(
        f"Subscription {subscription.id} ({subscription.browser} at {subscription.push_service}): [bold]{came}[/]"
    )
    if type(came).__name__ != "Delivered":
        raise typer.Exit(1)
