"""`notifier operators`: who may sign in to the console."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from notifier.cli.terminal import ago, explained, out, settings
from notifier.clock import system_clock
from notifier.operators.operator import Role

app = typer.Typer(help="Who may sign in to the console, and what they may do.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name they sign in with")]


@app.command("list")
def list_operators() -> None:
    """Show who may sign in."""
    from notifier.storage.operators import SqlOperatorStore
    from notifier.wiring.parts import open_database

    now = system_clock()
    with explained():
        operators = SqlOperatorStore(open_database(settings())).all(now)
    if not operators:
        out.print(
            "No operator yet: `notifier operators add NAME --role admin`, or the link that `notifier run` prints."
        )
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("Operator", "Role", "Since", "Signed in"):
        table.add_column(heading)
    for operator in operators:
        signed_in = (
            f"{operator.signed_in} browser{'s' if operator.signed_in > 1 else ''}" if operator.signed_in else "–"
        )
        table.add_row(escape(operator.name), operator.role.value, ago(operator.created_at, now), signed_in)
    out.print(table)


@app.command("add")
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="viewer looks, editor edits, admin also sees to operators")] = Role.EDITOR,
    password: Annotated[
        str,
        typer.Option(prompt=True, confirmation_prompt=True, hide_input=True, help="Asked for where it is left out"),
    ] = "",
) -> None:
    """Let somebody sign in."""
    from notifier.operators.password import hash_password
    from notifier.storage.operators import SqlOperatorStore
    from notifier.wiring.parts import open_database

    with explained():
        hashed = hash_password(password)
        operator = SqlOperatorStore(open_database(settings())).add(name, hashed, role, system_clock())
    out.print(f"[bold]{escape(operator.name)}[/] may sign in as {operator.role}.")


@app.command("remove")
def remove(name: Name) -> None:
    """Take an operator away; their sessions end at once."""
    from notifier.errors import NotFound
    from notifier.storage.operators import SqlOperatorStore
    from notifier.wiring.parts import open_database

    with explained():
        if not SqlOperatorStore(open_database(settings())).remove(name):
            raise NotFound(f"there is no operator named {name}")
    out.print(f"{escape(name)} may not sign in any more.")
