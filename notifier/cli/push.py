"""`notifier test-push`, one test alert to a browser, and `notifier push`: the keys that sign for it."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.table import Table

from notifier.cli.terminal import explained, opened, out, settings
from notifier.clock import system_clock
from notifier.errors import NotFound
from notifier.text.spans import ago

app = typer.Typer(help="The keys that pushes are signed with.", no_args_is_help=True)


def test_push(
    number: Annotated[
        int | None,
        typer.Argument(min=1, max=2**62, help="Its number; the newest subscription if left out", show_default=False),
    ] = None,
) -> None:
    """Push a test alert to one browser, the one that subscribed last unless you name another."""
    from notifier.storage.subscriptions import SqlSubscriptionStore
    from notifier.wiring.parts import make_alert_tester, vapid_key

    with opened() as (chosen, database):
        subscription = SqlSubscriptionStore(database).newest(number)
        if subscription is None:
            raise NotFound("nobody has subscribed yet; open the page and press “Get alerts”")
        told = f"Pushing to subscription {subscription.id} at {subscription.push_service} …"
        with closing(make_alert_tester(chosen, [vapid_key(chosen)])) as tester, out.status(told):
            came = tester.send(subscription)
    out.print(
        f"Subscription {subscription.id} ({subscription.browser} at {subscription.push_service}): [bold]{came}[/]"
    )
    if type(came).__name__ != "Delivered":
        raise typer.Exit(1)


@app.command("keys")
def keys() -> None:
    """Show every application server key, how old it is, and how many subscriptions are bound to it."""
    from notifier.push.keyring import Keyring
    from notifier.storage.subscriptions import SqlSubscriptionStore
    from notifier.wiring.parts import vapid_key

    with opened() as (chosen, database):
        vapid_key(chosen)
        kept = Keyring(chosen.vapid_key_path).kept()
        bound = dict(SqlSubscriptionStore(database).by_key())
    table = Table(box=None, pad_edge=False)
    for name in ("Key", "For", "Made", "Subscriptions"):
        table.add_column(name, justify="right" if name == "Subscriptions" else "left")
    now = system_clock()
    for one in kept:
        use = "new subscriptions" if one.is_present else "those who have it, until their next visit"
        table.add_row(one.key.key_id, use, ago(one.since, now), f"{bound.pop(one.key.key_id, 0):,}")
    for key_id, count in bound.items():
        table.add_row(f"[bold red]{key_id}[/]", "missing: put its file back from a backup", "–", f"{count:,}")
    out.print(table)


@app.command("rotate")
def rotate(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Make a new key for new subscriptions. Nobody is lost: the old one stays for those who are bound to it.

    A running service takes it up at once. Each browser moves to the new key when it next visits the site.
    """
    from notifier.push.keyring import Keyring
    from notifier.wiring.parts import vapid_key

    chosen = settings()
    with explained():
        before = vapid_key(chosen)
        if not yes:
            typer.confirm(f"Make a new key beside {before.key_id}?", abort=True)
        made = Keyring(chosen.vapid_key_path).rotate()
    folder = chosen.vapid_key_path.parent
    out.print(f"New subscriptions are made with [bold]{made.key_id}[/]; {before.key_id} stays for those who have it.")
    out.print(f"Back up {folder} now, and bring it to every machine that pushes or serves pages.", soft_wrap=True)
    out.print("`notifier push keys` shows how many have moved. An old key that nobody has is put away by itself.")
