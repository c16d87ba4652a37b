"""`notifier operators`: who may sign in to the console, where they are signed in, and which programs act for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from notifier.cli.terminal import err, opened, out, whoever_types
from notifier.clock import system_clock
from notifier.operators.operator import Role
from notifier.operators.token import TokenScope
from notifier.text.spans import ago, ahead

if TYPE_CHECKING:
    from notifier.operations.access import AccessOperations

app = typer.Typer(help="Who may sign in to the console, and what they may do.", no_args_is_help=True)
token_app = typer.Typer(help="Programs that use the JSON API in an operator's name.", no_args_is_help=True)
app.add_typer(token_app, name="token")
Name = Annotated[str, typer.Argument(help="The name they sign in with")]


@app.command("list")
def list_operators() -> None:
    """Show who may sign in."""
    now = system_clock()
    with _access() as access:
        operators = access.operators.all(now)
    if not operators:
        out.print(
            "No operator yet: `notifier operators add NAME --role admin`, or the link that `notifier run` prints."
        )
        return
    table = _table("Operator", "Role", "Since", "Signed in")
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
    by_provider: Annotated[
        bool,
        typer.Option("--by-provider", help="No password: the OpenID provider knows them by this e-mail address"),
    ] = False,
    password: Annotated[str | None, typer.Option(help="Asked for where it is left out")] = None,
) -> None:
    """Let somebody sign in."""
    with _access() as access:
        chosen = None if by_provider else _asked() if password is None else password
        operator = access.add(whoever_types(), name, role, chosen)
    how = " by the OpenID provider" if by_provider else ""
    out.print(f"[bold]{escape(operator.name)}[/] may sign in{how} as {operator.role}.")


@app.command("remove")
def remove(name: Name) -> None:
    """Take an operator away; their sessions and tokens end at once."""
    with _access() as access:
        access.remove(whoever_types(), name)
    out.print(f"{escape(name)} may not sign in any more.")


@app.command("role")
def role(name: Name, role: Annotated[Role, typer.Argument(help="What they may do from now on")]) -> None:
    """Give an operator another role; their sessions and tokens lose at once what it does not allow."""
    with _access() as access:
        access.set_role(whoever_types(), name, role)
    out.print(f"{escape(name)} is {role} from now on.")


@app.command("password")
def password(
    name: Name, password: Annotated[str | None, typer.Option(help="Asked for where it is left out")] = None
) -> None:
    """Give an operator a new password; their sessions end."""
    with _access() as access:
        access.set_password(whoever_types(), name, _asked() if password is None else password)
    out.print(f"{escape(name)} has a new password, and is signed out everywhere.")


@app.command("sessions")
def sessions(name: Annotated[str | None, typer.Argument(help="Only those of this operator")] = None) -> None:
    """Show in which browsers operators are signed in."""
    now = system_clock()
    with _access() as access:
        found = access.operators.sessions(now, name)
    if not found:
        out.print("Nobody is signed in." if name is None else f"{escape(name)} is not signed in.")
        return
    table = _table("Operator", "Browser", "Since", "Ends by itself")
    for one in found:
        table.add_row(escape(one.operator), one.browser, ago(one.since, now), ahead(one.until, now))
    out.print(table)


@app.command("sign-out")
def sign_out(name: Name) -> None:
    """End all sessions of an operator. Their tokens stay: `notifier operators token revoke` ends those."""
    with _access() as access:
        ended = access.sign_out(whoever_types(), name)
    out.print(f"{escape(name)} was signed out of {ended} browser{'' if ended == 1 else 's'}.")


@token_app.command("list")
def list_tokens(name: Annotated[str | None, typer.Argument(help="Only those of this operator")] = None) -> None:
    """Show which programs have access, to what, and when each was last used."""
    now = system_clock()
    with _access() as access:
        found = access.tokens.list(name)
    if not found:
        out.print("No program has access. `notifier operators token add NAME PURPOSE --scope read` gives it to one.")
        return
    table = _table("Id", "Operator", "For", "May", "Last used", "Ends")
    for token in found:
        ends = "never" if token.until is None else "has ended" if token.until <= now else ahead(token.until, now)
        scopes = ", ".join(sorted(token.scopes))
        table.add_row(
            str(token.id), escape(token.operator), escape(token.name), scopes, ago(token.last_used_at, now), ends
        )
    out.print(table)


@token_app.command("add")
def add_token(
    name: Name,
    purpose: Annotated[str, typer.Argument(help="What it is for, so that you know it later")],
    scope: Annotated[list[TokenScope], typer.Option(help="What it may do; give it several times for several")],
    days: Annotated[int, typer.Option(min=0, max=3650, help="For how many days it is good; 0: without end")] = 90,
) -> None:
    """Give a program access in an operator's name, and print its token: once, as only its SHA-256 is kept."""
    with _access() as access:
        secret = access.make_token(whoever_types(), name, purpose, scope, days or None)
    err.print("Keep it now, it is not shown again. A program sends it as `Authorization: Bearer …`:")
    typer.echo(secret)


@token_app.command("revoke")
def revoke_token(token_id: Annotated[int, typer.Argument(min=1, help="Its id in the list")]) -> None:
    """End a token: it is worth nothing from the next request on."""
    with _access() as access:
        access.revoke_token(whoever_types(), token_id)
    out.print(f"Token {token_id} is worth nothing any more.")


def _asked() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


@contextmanager
def _access() -> Iterator[AccessOperations]:
    """Access over the database, until the block ends; failures are told in a sentence."""
    from notifier.wiring.operations import access_operations

    with opened() as (_, database):
        yield access_operations(database)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table
